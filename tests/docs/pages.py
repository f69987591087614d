"""The documentation as its readers see it: pages, their code blocks, and what the line above a block says of it."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
# A block may be part of a list, and is then indented.
_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<note>[^\n]*) -->\n)?^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A code block: its language, its text without the indentation, its line, and the comment right above it."""

    language: str
    text: str
    line: int
    note: str


def blocks_of(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            match["language"],
            re.sub(f"^{match['indent']}", "", match["text"], flags=re.MULTILINE),
            text.count("\n", 0, match.start()) + 1,
            match["note"] or "",
        )
        for match in _BLOCK.finditer(text)
    ]


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))
