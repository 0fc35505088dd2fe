"""A chapter as a notebook that stands alone: Jupyter shows it without MyST, and it runs beside an installed spinlib."""

import copy
import re
from collections.abc import Callable

import nbformat
from nbformat import NotebookNode

GET_SPINLIB = """\
# This notebook needs spinlib, numpy, scipy, sympy and matplotlib. The wheel of spinlib lies beside it.
try:
    import spinlib
except ModuleNotFoundError:
    print("spinlib is missing: run `%pip install {wheel}[plot,symbolic]` in a cell, then restart the kernel.")
else:
    print("spinlib", spinlib.__version__)"""

_ROLE = re.compile(r"\{([\w:.-]+)\}`([^`]*)`")
_FENCE = re.compile(r"^(`{3,}|:{3,})\{([\w-]+)\}[ \t]*(.*)$")
_OPTION = re.compile(r"^:([\w-]+):[ \t]*(.*)$")
_TITLED = re.compile(r"(.*?)\s*<([^>]+)>$", re.DOTALL)
_LOCAL_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!\w+://|mailto:)[^)]+\)")


def equation_number(label: str) -> str:
    """The number that the book shows for an equation: `eq-kk-17` is KK 17, anything else its label."""
    key, _, number = label.removeprefix("eq-").partition("-")
    return f"{key.upper()} {number}" if label.startswith("eq-") else label


def _role(name: str, body: str, glued: dict[str, str], cite: Callable[[str], str]) -> str:
    titled = _TITLED.match(body)
    if name == "eq":
        return f"({equation_number(body)})"
    if name == "glue:text":
        return glued[body]
    if name.startswith("cite"):
        return ", ".join(cite(key.strip()) for key in body.split(","))
    if name == "math":
        return f"${body}$"
    if name in ("doc", "ref"):
        return titled[1] if titled else f"*{body.rsplit('/', 1)[-1].replace('_', ' ')}*"
    raise ValueError(f"role {{{name}}}`{body}` has no form in a plain notebook: teach it to tools/portable.py")


def _directive(name: str, title: str, body: list[str]) -> list[str]:
    options = {}
    while body and (option := _OPTION.match(body[0])):
        options[option[1]] = option[2]
        body = body[1:]
    if name == "math":
        tag = rf"\tag{{{equation_number(options['label'])}}}" if "label" in options else ""
        return ["$$", *(line for line in body if line.strip()), *([tag] if tag else []), "$$"]
    heading = title or name.capitalize()
    inner = plain_lines(body)
    if "dropdown" in options.get("class", ""):
        return [f"<details><summary>{heading}</summary>", "", *inner, "", "</details>"]
    if name in ("admonition", "note", "tip", "important", "warning", "seealso"):
        return [f"**{heading}.**", "", *inner]
    raise ValueError(f"directive {{{name}}} has no form in a plain notebook: teach it to tools/portable.py")


def plain_lines(lines: list[str]) -> list[str]:
    """Directives written out as plain Markdown; targets dropped."""
    result: list[str] = []
    rest = list(lines)
    while rest:
        line = rest.pop(0)
        opening = _FENCE.match(line)
        if opening:
            body = []
            while rest[0].rstrip() != opening[1]:
                body.append(rest.pop(0))
            rest.pop(0)
            result += _directive(opening[2], opening[3], body)
        elif not re.fullmatch(r"\([\w-]+\)=", line):
            result.append(line)
    return result


def plain_text(source: str, glued: dict[str, str], cite: Callable[[str], str]) -> str:
    """Markdown without MyST: roles become text, directives are written out, links within the book lose their target."""
    text = "\n".join(plain_lines(source.splitlines()))
    text = _ROLE.sub(lambda match: _role(match[1], match[2], glued, cite), text)
    return _LOCAL_LINK.sub(r"\1", text)


def glued_texts(executed: NotebookNode) -> dict[str, str]:
    """What the code handed to the prose, by key."""
    found = {}
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            scrapbook = output.get("metadata", {}).get("scrapbook")
            if scrapbook:
                found[scrapbook["name"]] = output["data"][f"{scrapbook['mime_prefix']}text/plain"]
    return found


def portable(executed: NotebookNode, wheel: str, cite: Callable[[str], str]) -> NotebookNode:
    """The executed chapter in plain Markdown, captions as text, with a first cell that says how to get spinlib."""
    glued = glued_texts(executed)
    cells = [nbformat.v4.new_code_cell(GET_SPINLIB.format(wheel=wheel), id="get-spinlib")]
    for cell in executed.cells:
        cell = copy.deepcopy(cell)
        if cell.cell_type == "markdown":
            cell.source = plain_text(cell.source, glued, cite)
        cells.append(cell)
        caption = cell.metadata.get("mystnb", {}).get("figure", {}).get("caption")
        if caption:
            cells.append(nbformat.v4.new_markdown_cell(plain_text(caption, glued, cite), id=f"{cell.id}-caption"))
        cell.metadata = nbformat.from_dict({key: cell.metadata[key] for key in ("tags",) if key in cell.metadata})
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=kernel)
