"""A chapter as a notebook that stands alone: Jupyter shows it without MyST, and it runs beside an installed spinlib."""

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass

import nbformat
from nbformat import NotebookNode

from tools.notebooks import GLUE, KERNEL, joined

GET_SPINLIB = """\
# This notebook needs spinlib, numpy, scipy, sympy and matplotlib. The wheel of spinlib lies beside it.
try:
    import spinlib
except ModuleNotFoundError:
    print("spinlib is missing: run `%pip install {wheel}[plot,symbolic]` in a cell, then restart the kernel.")
else:
    print("spinlib", spinlib.__version__)"""

_FENCE = re.compile(r"^(`{3,}|:{3,})(?:\{([\w-]+)\})?[ \t]*(.*)$")
_OPTION = re.compile(r"^:([\w-]+):[ \t]*(.*)$")
_TARGET = re.compile(r"^\([^()\s]+\)=$")
_TITLED = re.compile(r"(.*?)\s*<([^>]+)>$", re.DOTALL)
_BLOCK = re.compile(r"(^(?P<fence>`{3,})(?!`)[^\n]*\n.*?^(?P=fence)[ \t]*$)", re.MULTILINE | re.DOTALL)
# What a line of prose is made of, first match first; maths and code stay as they are.
_PARTS = re.compile(
    r"(?P<labelled>\$\$[^$]*\$\$[ \t]*\([\w-]+\))"
    r"|(?P<keep>\$\$.*?\$\$|(?<!\\)\$[^$]+\$)"
    r"|\{(?P<role>[\w:.-]+)\}`(?P<body>[^`]*)`"
    r"|(?P<code>(`+)(?!`).*?(?<!`)\6(?!`))"
    r"|(?<!!)\[(?P<text>[^\]]+)\]\((?!\w+://|mailto:)[^)]+\)",
    re.DOTALL,
)


@dataclass(frozen=True)
class Book:
    """What the book knows beyond one notebook: how it cites a key, and the number it shows for a labelled equation."""

    cite: Callable[[str], str]
    number: Callable[[str], str]


def _role(name: str, body: str, glued: dict[str, str], book: Book) -> str:
    titled = _TITLED.match(body)
    if name == "eq":
        return f"({book.number(body)})"
    if name == "glue:text":
        if body not in glued:
            raise ValueError(f"{{glue:text}}`{body}` names no glued number: the chapter glues {', '.join(glued)}")
        return glued[body]
    if name.startswith("cite"):
        return ", ".join(book.cite(key.strip()) for key in body.split(","))
    if name == "math":
        return f"${body}$"
    if name in ("doc", "ref"):
        return titled[1] if titled else f"*{body.rsplit('/', 1)[-1].replace('_', ' ')}*"
    raise ValueError(f"role {{{name}}}`{body}` has no form in a plain notebook: teach it to tools/portable.py")


def _directive(name: str, title: str, body: list[str], book: Book) -> list[str]:
    options = {}
    while body and (option := _OPTION.match(body[0])):
        options[option[1]] = option[2]
        body = body[1:]
    if name == "math":
        tag = rf"\tag{{{book.number(options['label'])}}}" if "label" in options else ""
        return ["$$", *(line for line in body if line.strip()), *([tag] if tag else []), "$$"]
    heading = title or name.capitalize()
    inner = plain_lines(body, book)
    if "dropdown" in options.get("class", ""):
        return [f"<details><summary>{heading}</summary>", "", *inner, "", "</details>"]
    if name in ("admonition", "note", "tip", "important", "warning", "seealso"):
        return [f"**{heading}.**", "", *inner]
    raise ValueError(f"directive {{{name}}} has no form in a plain notebook: teach it to tools/portable.py")


def plain_lines(lines: list[str], book: Book) -> list[str]:
    """Directives written out as plain Markdown, targets dropped, code to read kept."""
    result: list[str] = []
    rest = list(lines)
    while rest:
        line = rest.pop(0)
        opening = _FENCE.match(line)
        if opening:
            body = []
            while rest and rest[0].rstrip() != opening[1]:
                body.append(rest.pop(0))
            if not rest:
                raise ValueError(f"{line!r} is not closed: nested blocks need an outer fence of more colons or ticks")
            closing = rest.pop(0)
            result += _directive(opening[2], opening[3], body, book) if opening[2] else [line, *body, closing]
        elif not _TARGET.match(line):
            result.append(line)
    return result


def plain_text(source: str, glued: dict[str, str], book: Book) -> str:
    """Markdown without MyST: roles become text, directives are written out, links within the book lose their target."""

    def part(match: re.Match[str]) -> str:
        if match["labelled"]:
            raise ValueError(f"{match[0]!r} has no form in a plain notebook: use a math directive with :label:")
        if match["role"]:
            return _role(match["role"], match["body"], glued, book)
        return match["text"] or match[0]

    # The split yields prose, code block, its fence, prose …
    pieces = _BLOCK.split("\n".join(plain_lines(source.splitlines(), book)))
    return "".join(_PARTS.sub(part, piece) if i % 3 == 0 else piece for i, piece in enumerate(pieces) if i % 3 < 2)


def glued_texts(executed: NotebookNode) -> dict[str, str]:
    """What the code handed to the prose, by key."""
    found = {}
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            scrapbook = output.get("metadata", {}).get(GLUE)
            if scrapbook:
                found[scrapbook["name"]] = output["data"][f"{scrapbook['mime_prefix']}text/plain"]
    return found


def portable(executed: NotebookNode, wheel: str, book: Book) -> NotebookNode:
    """The executed chapter in plain Markdown, captions as text, with a first cell that says how to get spinlib."""
    glued = glued_texts(executed)
    cells = [nbformat.v4.new_code_cell(GET_SPINLIB.format(wheel=wheel), id="get-spinlib")]
    for cell in executed.cells:
        cell = copy.deepcopy(cell)
        if cell.cell_type == "markdown":
            cell.source = plain_text(cell.source, glued, book)
        else:
            cell.outputs = joined(cell.outputs)
        cells.append(cell)
        caption = cell.metadata.get("mystnb", {}).get("figure", {}).get("caption")
        if caption:
            cells.append(nbformat.v4.new_markdown_cell(plain_text(caption, glued, book), id=f"{cell.id}-caption"))
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in ("tags",) if key in cell.metadata})
    return nbformat.v4.new_notebook(cells=cells, metadata=KERNEL)
