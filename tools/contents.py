"""What the table of contents names."""

from pathlib import Path
from typing import Any

import yaml

__all__ = ["pages"]


def pages(contents: Path) -> set[str]:
    """The pages of a `_toc.yml`, from the root and without suffix."""
    found: set[str] = set()
    waiting: list[Any] = [yaml.safe_load(contents.read_text(encoding="utf-8"))]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            found |= {str(part[key]).removesuffix(".md") for key in ("root", "file") if key in part}
        waiting += part.values() if isinstance(part, dict) else part if isinstance(part, list) else []
    return found
