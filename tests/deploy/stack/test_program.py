import shlex
from configparser import RawConfigParser
from pathlib import Path

from deploy.stack.home import Home
from deploy.stack.program import Program, command_line, configuration

HOME = Home(Path("/tmp/50% of it"))
KAFKA = Program("kafka", "servers", ("java", "-cp", "jars of mine/*"), {"HEAP": "5%", "TWO": "a b"}, stops_within=40)
WEB = Program("web", "processes", ("python", "-m", "deploy.process", "web"), {"WORKER": "web"})


def parsed(*programs: Program) -> RawConfigParser:
    parser = RawConfigParser(inline_comment_prefixes=(";", "#"), strict=True)
    parser.read_string(configuration(HOME, programs))
    return parser


def test_a_command_survives_the_way_through_the_configuration() -> None:
    command = parsed(KAFKA)["program:kafka"]["command"].replace("%%", "%")
    expected = ["env", "HEAP=5%", "TWO=a b", "java", "-cp", "jars of mine/*"]
    assert shlex.split(command) == ["setpriv", "--pdeathsig", "TERM", *expected]
    assert command == command_line(KAFKA)


def test_processes_stop_before_servers() -> None:
    sections = parsed(KAFKA, WEB)
    assert int(sections["group:processes"]["priority"]) > int(sections["group:servers"]["priority"])


def test_nothing_starts_before_it_is_told_to_and_everything_comes_back() -> None:
    web = parsed(WEB)["program:web"]
    assert (web["autostart"], web["autorestart"]) == ("false", "true")


def test_a_group_without_programs_is_left_out() -> None:
    assert "group:servers" not in parsed(WEB)


def test_the_time_to_stop_is_the_programs_own() -> None:
    assert parsed(KAFKA)["program:kafka"]["stopwaitsecs"] == "40"


def test_percent_signs_in_paths_are_not_taken_for_variables() -> None:
    assert parsed(WEB)["program:web"]["stdout_logfile"] == "/tmp/50%% of it/logs/web.log"
