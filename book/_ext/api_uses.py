"""Where the book uses what the package offers: which chapters name an object in their code, which entries of the
ledger call it, and which functions return it."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from ledger_data import PAPERS, Entry, load_figures, load_ledger  # isort: skip
from api_names import PACKAGE, catalogue, object_of, returned, same_as  # isort: skip

__all__ = ["chapters_of", "entries_of", "givers_of"]

_CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_OPTIONS = re.compile(r"\A(?:---\n.*?^---\n|(?::[\w-]+:[^\n]*\n)+)", re.MULTILINE | re.DOTALL)


@cache
def chapters_of(root: Path) -> dict[str, list[str]]:
    """Return the pages whose code cells name an object, in the order of the contents, by the object's name."""
    found: dict[str, list[str]] = {}
    for page in re.findall(r"\bfile: *([\w/]+)", (root / "_toc.yml").read_text(encoding="utf-8")):
        for name in dict.fromkeys(_used((root / f"{page}.md").read_text(encoding="utf-8"))):
            found.setdefault(name, []).append(page)
    return found


@cache
def entries_of(root: Path) -> dict[str, list[Entry]]:
    """Return the equations and figures of the ledger that name an object, or a method of it, as what computes them."""
    ledger = load_ledger(root)
    found: dict[str, list[Entry]] = {}
    for entry in [*(entry for key in PAPERS for entry in ledger[key][0]), *load_figures(root)]:
        names = [same_as(name) for name in entry.code]
        for name in dict.fromkeys(name if name in catalogue() else name.rpartition(".")[0] for name in names):
            found.setdefault(name, []).append(entry)
    return found


@cache
def givers_of() -> dict[str, list[str]]:
    """Return the public functions, and classes with a method, that return a class, by the name of the class."""
    classes = {object_of(name): name for name, item in catalogue().items() if item.kind == "class"}
    found: dict[str, list[str]] = {}
    for name, item in catalogue().items():
        for given in returned(object_of(name)) & set(classes) if item.kind != "data" else ():
            if classes[given] != name:
                found.setdefault(classes[given], []).append(name)
    return found


def _used(text: str) -> Iterator[str]:
    """Yield the public objects that the code of a chapter names, whatever it calls them."""
    names: dict[str, str] = {}
    for cell in _CELL.findall(text):
        tree = ast.parse(_OPTIONS.sub("", cell))
        names |= dict(_imported(tree))
        for node in ast.walk(tree):
            if isinstance(node, ast.Name | ast.Attribute):
                name = same_as(_dotted(node, names))
                if name in catalogue():
                    yield name


def _imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Yield what a chapter calls an object or a module, and its full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == PACKAGE:
            yield from ((part.asname or part.name, f"{node.module}.{part.name}") for part in node.names)
        elif isinstance(node, ast.Import):
            yield from ((part.asname or PACKAGE, part.name if part.asname else PACKAGE)
                        for part in node.names if part.name.split(".")[0] == PACKAGE)  # fmt: skip


def _dotted(node: ast.expr, names: dict[str, str]) -> str:
    """Return the full name that an expression spells, or ""."""
    if isinstance(node, ast.Name):
        return names.get(node.id, "")
    if isinstance(node, ast.Attribute) and (owner := _dotted(node.value, names)):
        return f"{owner}.{node.attr}"
    return ""
