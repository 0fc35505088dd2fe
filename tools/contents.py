"""What the table of contents names."""

from pathlib import Path
from typing import Any

import yaml

__all__ = ["pages", "parts"]

# The safe loader in C where it was compiled.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def pages(contents: Path) -> set[str]:
    """The pages of a `_toc.yml`, from the root and without suffix."""
    found: set[str] = set()
    waiting: list[Any] = [yaml.load(contents.read_text(encoding="utf-8"), _LOADER)]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            found |= {str(part[key]).removesuffix(".md") for key in ("root", "file") if key in part}
        waiting += part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
    return found


def parts(contents: Path) -> list[tuple[str, list[str]]]:
    """The parts of a `_toc.yml` in reading order, each with its caption and its pages; the root stands before them."""
    table = yaml.load(contents.read_text(encoding="utf-8"), _LOADER)

    def in_order(entries: list[dict[str, Any]]) -> list[str]:
        return [page for entry in entries for page in (entry["file"], *in_order(entry.get("sections", [])))]

    groups = table.get("parts", [table])
    return [("", [table["root"]]), *((group.get("caption", ""), in_order(group["chapters"])) for group in groups)]
