"""What readers download from the book: tables that open, notebooks that are executed and stand on their own."""

import csv
import io
import re
import zipfile
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
from nbformat import NotebookNode

__all__ = ["csv_problems", "download_links", "notebook_problems", "zip_problems"]

_KINDS = (".csv", ".zip", ".ipynb")

# Columns that hold names, even if a curve is called 0.1.
_NAMES = {"curve", "label"}

# What only the book's own engine understands, in the Markdown of a notebook.
_MYST = {
    "a role": re.compile(r"\{[a-z][\w:+-]*\}`"),
    "a directive": re.compile(r"^\s*(?:`{3,}|:{3,}|~{3,})\s*\{", re.MULTILINE),
    "a target": re.compile(r"^\([\w:.-]+\)=\s*$", re.MULTILINE),
    "a label of a formula": re.compile(r"\$\$\s*\([\w:.-]+\)\s*$", re.MULTILINE),
    "a link without text": re.compile(r"(?<!!)\[\]\("),
    "a cell break": re.compile(r"^\+\+\+", re.MULTILINE),
}


class _Links(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if tag == "a" and name == "href" and value]


def download_links(pages: list[Path]) -> dict[Path, list[str]]:
    """The files that pages offer for download, each with the names of the pages."""
    found: dict[Path, list[str]] = {}
    for page in pages:
        for link in dict.fromkeys(_Links(page.read_text(encoding="utf-8")).found):
            url = urlsplit(link)
            if not url.scheme and not url.netloc and url.path.endswith(_KINDS):
                found.setdefault((page.parent / unquote(url.path)).resolve(), []).append(page.name)
    return found


def csv_problems(data: bytes) -> list[str]:
    """A table has a header, rows of one length, and at least two columns of numbers; lines with `#` are remarks."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return ["is not UTF-8"]
    rows = [row for row in csv.reader(io.StringIO(text)) if row and not row[0].startswith("#")]
    if len(rows) < 2:
        return ["has no header with rows below it"]
    header, body = rows[0], rows[1:]
    problems = []
    if any(not name.strip() or _number(name) for name in header) or len(set(header)) != len(header):
        problems.append(f"has no header with names of its own: {header}")
    if any(len(row) != len(header) for row in body):
        return [*problems, "has rows of different lengths"]
    columns = [[entry for entry in column if entry.strip()] for column in zip(*body, strict=True)]
    numeric = [bool(column) and all(map(_number, column)) for column in columns]
    if sum(numeric) < 2:
        problems.append(f"has {sum(numeric)} columns of numbers")
    for name, column, good in zip(header, columns, numeric, strict=True):
        if not good and name not in _NAMES and any(map(_number, column)):
            problems.append(f"mixes numbers and words in column {name!r}")
    return problems


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def zip_problems(path: Path) -> list[str]:
    """An archive is whole and holds a notebook without problems."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            if damaged:
                return [f"{damaged} is damaged"]
            notebooks = [name for name in archive.namelist() if name.endswith(".ipynb")]
            if not notebooks:
                return ["holds no notebook"]
            return [f"{name} {line}" for name in notebooks for line in notebook_problems(archive.read(name))]
    except zipfile.BadZipFile as error:
        return [f"is no zip: {error}"]


@cache  # a notebook is offered by itself and among all
def notebook_problems(data: bytes) -> list[str]:
    """A notebook is valid and executed, says first how to get the library, and needs no engine of books."""
    try:
        notebook: NotebookNode = nbformat.reads(data.decode("utf-8"), as_version=4)  # type: ignore[no-untyped-call]
        nbformat.validate(notebook)
    except (ValueError, nbformat.ValidationError) as error:
        return [f"is no valid notebook: {str(error).splitlines()[0]}"]
    code = [cell for cell in notebook.cells if cell.cell_type == "code" and cell.source.strip()]
    problems = []
    # The first cell may be added to the chapter, to tell how to get the library.
    rest = [cell for cell in notebook.cells[1:] if cell in code]
    if not any(cell.outputs for cell in rest) or any(cell.execution_count is None for cell in rest):
        problems.append("is not executed")
    if any(output.output_type == "error" for cell in code for output in cell.outputs):
        problems.append("holds an error")
    first = notebook.cells[0].source if notebook.cells else ""
    if "spinlib" not in first or "install" not in first:
        problems.append("does not say in its first cell how to install spinlib")
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            problems += [
                f"shows {what} as plain text: {match[0].strip()!r} in {cell.source[:40]!r}"
                for what, pattern in _MYST.items()
                if (match := pattern.search(cell.source))
            ]
    return problems
