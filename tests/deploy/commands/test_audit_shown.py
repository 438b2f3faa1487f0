"""What a person sees of an audit."""

from io import StringIO

from rich.console import Console

from deploy.commands.audit import show
from projections.audit.finding import Field, Finding, Findings
from projections.audit.report import Report


def shown(*findings: Finding, **counts: object) -> list[list[str]]:
    """The cells of each line, without the borders."""
    found = Findings(100)
    found.add(findings)
    console = Console(file=StringIO(), width=160)
    show(Report(found, counts), console)
    assert isinstance(console.file, StringIO)
    lines = (line.replace("┃", "│").strip("│ ") for line in console.file.getvalue().splitlines())
    return [[cell.strip() for cell in line.split("│")] for line in lines]


def test_what_is_counted_by_something_stands_line_by_line_below_its_name() -> None:
    lines = shown(deadLetters={"open": 1_200, "redriven": 0}, documents={}, waitingInRabbitMQ=None)
    assert lines[2:7] == [
        ["deadLetters"],
        ["open", "1,200"],
        ["redriven", "0"],
        ["documents", "none"],
        ["waitingInRabbitMQ", "not known"],
    ]


def test_the_fields_of_a_document_that_differs_stand_side_by_side() -> None:
    fields = Field("attempts", 7, 1), Field("error", ..., "[timeout]")
    lines = [" ".join(line).split() for line in shown(Finding("job-differs", "n1", "it differs in two", fields))]
    at = lines.index(["job-differs", "n1", "it", "differs", "in", "two"])
    assert lines[at + 1 : at + 4] == [
        ["field", "stored", "the", "log", "says"],
        ["attempts", "7", "1"],
        ["error", "-", '"[timeout]"'],
    ]


def test_one_finding_is_one_and_the_json_has_what_it_had() -> None:
    finding = Finding("job-differs", "n1", "it differs in attempts", (Field("attempts", 7, 1),))
    assert ["1 finding"] in shown(finding)
    found = Findings(100)
    found.add([finding])
    told = {"kind": "job-differs", "id": "n1", "detail": "it differs in attempts"}
    assert Report(found).to_json()["findings"] == [told]
