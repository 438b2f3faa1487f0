"""Every command that the documentation shows is one that there is, and the central ones do what their pages say."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema_rs
import pika
import pytest
import requests
import typer

from deploy.cli import app
from deploy.reference import PAGES, REFERENCE
from deploy.stack.home import CHECKOUT
from tests.support.pages import Page, pages
from tests.support.stack import OwnStack, own_stack, wait_until

INLINE = re.compile(r"`(\./tidings [^`…]+)`")
ASSIGNMENT = re.compile(r"\w+=.*")
LINK = re.compile(r"\]\((?!https?:)([^)#]+)?(?:#([^)]+))?\)")
OTHERS = {"cd", "export", "npm", "websocat"}
"""What else a user is told to run."""
RUN = (
    "README",
    "policies",
    "preferences",
    "time",
    "dead-letters",
    "redeliver",
    "replay",
    "export",
    "rebuild",
    "whatif",
)
NOT_RUN = re.compile(
    r"\./tidings (up|test|import FOLDER$|replay (show|pause|resume|cancel) ID)|.*/api/replays/4f0c…/resume"
)
"""It runs already; it would test the tests; an import needs an empty system; a replay of nothing has ended at once."""
ADDS_A_CHANNEL = "docs/how-to/add-a-channel.md"
"""Asks for a channel that is there only once it was added: see `test_worked_examples`."""
WITHIN = 60
Document = dict[str, Any]


class Statement(NamedTuple):
    """A command as a page has it, with the HTTP status that the page expects."""

    page: str
    text: str
    status: str

    @property
    def commands(self) -> Iterator[list[str]]:
        """The words of each of its commands."""
        words = [*shlex.split(self.text.replace("\\\n", " "), comments=True), "&&"]
        while words:
            end = words.index("&&")
            command, words = words[:end], words[end + 1 :]
            while command and ASSIGNMENT.fullmatch(command[0]):
                command = command[1:]
            if command:
                yield command


def statements(page: Page) -> list[Statement]:
    """What a user is to type, in the order of the page."""
    found: list[Statement] = []
    for block in page.blocks("bash"):
        text = ""
        for line in block.splitlines():
            text = f"{text}\n{line}" if text else line
            if text.startswith("#"):
                found[-1] = found[-1]._replace(status=expected(line) or found[-1].status)
            elif text.startswith("{") or not text:
                pass  # a frame for a socket
            elif not whole(text):
                continue
            else:
                found.append(Statement(page.name, text, expected(line) or "2"))
            text = ""
    return found


def whole(text: str) -> bool:
    """Whether a shell would not wait for more."""
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return False
    return not text.endswith("\\")


def expected(line: str) -> str:
    """`# 401 ...` is an answer's status."""
    told = re.search(r"# (\d{3})\b", line)
    return told[1] if told else ""


ALL = [statement for page in pages() for statement in statements(page)]
INLINE_ALL = [Statement(page.name, text, "") for page in pages() for text in INLINE.findall(page.text)]


def of(program: str, told: list[Statement]) -> list[Any]:
    """Its commands, as parameters of a test."""
    return [
        pytest.param(command[1:], id=f"{statement.page}: {shlex.join(command)[:80]}")
        for statement in told
        for command in statement.commands
        if command[0] == program
    ]


def test_pages_show_nothing_but_commands_that_are_tried_here() -> None:
    programs = {command[0] for statement in ALL for command in statement.commands}
    assert programs <= {"./tidings", "curl", *OTHERS}
    assert {"./tidings", "curl"} <= programs


def resolved(arguments: list[str]) -> tuple[Any, list[str]]:
    """The command that is meant, and its arguments."""
    command, rest = typer.main.get_command(app), arguments
    while rest and rest[0] in (there := getattr(command, "commands", {})):
        command, rest = there[rest[0]], rest[1:]
    return command, rest


@pytest.mark.parametrize("arguments", of("./tidings", ALL))
def test_the_command_line_takes_what_pages_show(arguments: list[str]) -> None:
    command, rest = resolved(arguments)
    assert not hasattr(command, "commands"), f"no command {rest}"
    command.make_context(command.name, rest)


@pytest.mark.parametrize("arguments", of("./tidings", INLINE_ALL))
def test_the_command_line_knows_what_pages_name(arguments: list[str]) -> None:
    command, rest = resolved(arguments)
    options = {word.strip("[]") for word in rest if word.strip("[").startswith("--")}
    assert options <= {"--help", *(name for one in command.params for name in (*one.opts, *one.secondary_opts))}
    assert rest == [] or not hasattr(command, "commands") or options, f"no command {rest}"


@pytest.mark.parametrize("arguments", of("curl", [one for one in ALL if one.page != ADDS_A_CHANNEL]))
def test_the_api_knows_what_pages_ask(arguments: list[str], openapi: Document) -> None:
    (url,) = (word for word in arguments if word.startswith("localhost:4200/"))
    options = dict(pairwise(arguments))
    method = options.get("-X", "POST" if "-d" in options else "GET").lower()
    path = url.removeprefix("localhost:4200").partition("?")[0]
    operation = known(openapi["paths"], path).get(method)
    assert operation is not None, f"no {method} of {path}"
    if "-d" in options:
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        jsonschema_rs.validate({**schema, "components": openapi["components"]}, json.loads(options["-d"]))


def known(paths: Document, path: str) -> Document:
    """The operations of a path; one without placeholders comes first."""
    fitting = [one for one in paths if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", one), path)]
    assert fitting, f"no path {path}"
    found: Document = paths[min(fitting, key=lambda one: one.count("{"))]
    return found


def test_links_between_pages_lead_somewhere() -> None:
    for page in pages():
        for file, heading in LINK.findall(page.text):
            target = (CHECKOUT / page.name).parent / file if file else CHECKOUT / page.name
            assert target.exists(), f"{page.name}: {file}"
            headings = (
                [anchor(line) for line in target.read_text().splitlines() if line.startswith("#")] if heading else []
            )
            assert not heading or heading in headings, f"{page.name}: {file}#{heading}"


def anchor(line: str) -> str:
    """As GitHub makes it of a heading."""
    return re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")


@pytest.mark.parametrize("name", PAGES)
def test_the_pages_that_are_made_are_up_to_date(name: str) -> None:
    assert (REFERENCE / name).read_text() == PAGES[name](), "run `python -m deploy.reference`"


@pytest.fixture(scope="module")
def stack() -> Iterator[OwnStack]:
    with own_stack(MOCK_FAILURE_RATE="0") as made:
        made.run("up", "--detach")
        yield made


@pytest.fixture(scope="module")
def letter(stack: OwnStack) -> str:
    """The id of a dead letter: what was published is no request."""
    with pika.BlockingConnection(pika.URLParameters(stack.settings.rabbitmq_url)) as connection:
        connection.channel().basic_publish("", "notification-jobs", b"no request")
    found: list[Document] = []

    def there() -> bool:
        found[:] = requests.get(f"{stack.http}/api/dead-letters", timeout=30).json()
        return bool(found)

    wait_until(there, WITHIN, lambda: "no dead letter")
    return str(found[0]["id"])


class Shell:
    """Runs what pages say against a stack, as a user would who puts real ids in the place of those that are shown."""

    PRELUDE = "curl() { command curl -sS --max-time 60 -o answer -w '%{http_code}' \"$@\"; }\n"

    def __init__(self, stack: OwnStack, folder: Path, letter: str) -> None:
        self._stack, self._folder, self._letter = stack, folder, letter
        self._notification = self._replay = ""
        script = folder / "tidings"
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m deploy.cli "$@"\n')
        script.chmod(0o755)

    def run(self, statement: Statement) -> None:
        """Fails if it fails, or is answered with another status than the page says. What is asked is answered by y."""
        if statement.text.startswith("curl"):
            answers: list[str] = []

            def answered() -> bool:
                answers.append(self._bash(statement.text))
                return not answers[-1].endswith("503")  # the read models are a moment behind

            wait_until(answered, WITHIN, lambda: f"{statement}: {answers[-1]}")
            assert answers[-1].startswith(statement.status), f"{statement}: {answers[-1]}, {self._answer()}"
            self._remember(statement.text)
        else:
            self._bash(statement.text)

    def _bash(self, text: str) -> str:
        done = subprocess.run(
            ["bash", "-c", self.PRELUDE + self._real(text)],
            cwd=self._folder,
            env={**self._stack.environment, "ID": self._notification},
            input="y\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == 0, f"{text}: {done.stdout}"
        return done.stdout

    def _real(self, text: str) -> str:
        shown = {
            "localhost:4200": f"127.0.0.1:{self._stack.port}",
            "dead:notification-events:2.4711": self._letter,
            "6f0c...": self._notification,
            "4f0c…": self._replay,
            "ID=…": f"ID={self._notification}",
        }
        for one, real in shown.items():
            text = text.replace(one, real)
        return text

    def _answer(self) -> str:
        """The body; `curl -i` has the headers before it."""
        return (self._folder / "answer").read_bytes().decode().rpartition("\r\n\r\n")[2]

    def _remember(self, text: str) -> None:
        if "/api/replays " in text:
            self._replay = json.loads(self._answer())["id"]
        if "/api/notifications -H" in text:
            self._notification = json.loads(self._answer())["id"]
            job = f"{self._stack.http}/api/notifications/{self._notification}"
            wait_until(
                lambda: requests.get(job, timeout=30).json()["status"] == "sent", WITHIN, lambda: f"{job} is not sent"
            )


@pytest.fixture(scope="module")
def shell(stack: OwnStack, letter: str, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """With a notification that README has asked for."""
    made = Shell(stack, tmp_path_factory.mktemp("user"), letter)
    first = next(one for one in ALL if one.page == "README.md" and one.text.startswith("curl"))
    made.run(first._replace(status="201"))
    return made


@pytest.mark.parametrize("page", RUN)
def test_what_a_page_says_works(page: str, shell: Shell) -> None:
    mine = [one for one in ALL if Path(one.page).stem == page]
    run = [one for one in mine if not NOT_RUN.match(one.text) and {*map(first, one.commands)} <= {"./tidings", "curl"}]
    assert run
    for statement in run:
        shell.run(statement)


def first(command: list[str]) -> str:
    """The program."""
    return command[0]
