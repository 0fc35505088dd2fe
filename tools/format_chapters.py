"""Format the code cells of the chapters with ruff, one column wide: `make format`, or with `--check` only tell."""

import re
import subprocess
import sys
from pathlib import Path

from tools.notebooks import chapters

WIDTH = 79
"""Longer lines are cut off beside the sidebar of a laptop."""

_HEAD = r"(?P<head>^```\{code-cell\}[^\n]*\n(?:---\n.*?\n---\n)?(?::[^\n]*\n)*\n?)"
_CELL = re.compile(_HEAD + r"(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def formatted(text: str) -> str:
    """The chapter with every code cell as ruff writes it."""

    def cell(match: re.Match[str]) -> str:
        ruff = [sys.executable, "-m", "ruff", "format", "--line-length", str(WIDTH), "--stdin-filename", "cell.py", "-"]
        code = subprocess.run(ruff, input=match["code"], capture_output=True, text=True, check=True).stdout
        return f"{match['head']}{code}```"

    return _CELL.sub(cell, text)


def main(options: list[str]) -> None:
    changed: list[Path] = []
    for chapter in chapters():
        text = chapter.read_text(encoding="utf-8")
        if (new := formatted(text)) != text:
            changed.append(chapter)
            if "--check" not in options:
                chapter.write_text(new, encoding="utf-8")
    print(*(f"formatted: {chapter.name}" for chapter in changed), sep="\n", end="\n" if changed else "")
    sys.exit(bool(changed) and "--check" in options)


if __name__ == "__main__":
    main(sys.argv[1:])
