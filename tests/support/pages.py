"""The documentation as tests read it: its pages, and the code blocks in them."""

import re
from dataclasses import dataclass
from pathlib import Path

from deploy.stack.home import CHECKOUT

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Page:
    """A page by its path in the repository."""

    name: str

    @property
    def text(self) -> str:
        return (CHECKOUT / self.name).read_text()

    def blocks(self, language: str) -> list[str]:
        """The fenced code blocks in that language."""
        return [body for found, body in BLOCK.findall(self.text) if found == language]


def pages() -> list[Page]:
    """All of them."""
    files: list[Path] = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
    return [Page(str(file.relative_to(CHECKOUT))) for file in files]
