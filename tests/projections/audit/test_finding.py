"""Whatever an audit may find is explained."""

from pathlib import Path
from typing import get_args

import pytest

from projections.audit.finding import Kind

PAGE = Path(__file__).parents[3] / "docs/how-to/audit.md"


@pytest.mark.parametrize("kind", get_args(Kind))
def test_each_kind_of_finding_has_its_row_in_the_how_to(kind: str) -> None:
    rows = [line.split("|")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert any(f"`{kind}`" in names for names in rows)
