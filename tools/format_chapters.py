"""Format the code cells of the chapters with ruff, one column wide: `make format`, or with `--check` only tell."""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tools.isolation import ROOT
from tools.notebooks import chapters

WIDTH = 79
"""Longer lines are cut off beside the sidebar of a laptop."""

_HEAD = r"(?P<head>^```\{code-cell\}[^\n]*\n(?:---\n.*?\n---\n)?(?::[^\n]*\n)*\n?)"
_CELL = re.compile(_HEAD + r"(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def formatted(text: str) -> str:
    """The chapter with every code cell as ruff writes it."""
    with tempfile.TemporaryDirectory() as folder:
        cells = [Path(folder) / f"cell{number}.py" for number in range(len(_CELL.findall(text)))]
        for cell, match in zip(cells, _CELL.finditer(text), strict=True):
            cell.write_text(match["code"], encoding="utf-8")
        ruff = [sys.executable, "-m", "ruff", "format", "--quiet", "--config", ROOT / "pyproject.toml"]
        if cells:
            subprocess.run([*ruff, "--line-length", str(WIDTH), *cells], capture_output=True, check=True)
        code = iter(cells)
        return _CELL.sub(lambda match: f"{match['head']}{next(code).read_text(encoding='utf-8')}```", text)


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
