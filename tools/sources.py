"""What a source file computes, and which others it imports: whether numbers may have changed since they were stored."""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from spinlib._fingerprint import meaning
from tools.isolation import ROOT

_NO_NUMBERS = {"spinlib", "spinlib._validate", "spinlib._table", "spinlib.precomputed", "tools.isolation",
               "tools.precomputed"}  # fmt: skip
"""Modules that check, show or store numbers and change none."""


def hash_of(source: str) -> str:
    """Hash of what a source computes; the line ends of a checkout differ between systems."""
    content = (ROOT / source).read_bytes().replace(b"\r\n", b"\n")
    return _hash(content, source.endswith(".py"))


@cache
def _hash(content: bytes, python: bool) -> str:
    return hashlib.sha256(meaning(content).encode() if python else content).hexdigest()


def with_imports(sources: Sequence[str | Path]) -> list[str]:
    """Return sources and what they import from this tree, directly or not; ValueError for what is no file of it."""
    found = dict.fromkeys(map(_relative, sources))
    waiting = list(found)
    while waiting:
        new = [each for each in _imports(waiting.pop()) if each not in found]
        found |= dict.fromkeys(new)
        waiting += new
    return sorted(found)


def _relative(source: str | Path) -> str:
    path = (ROOT / source).resolve()
    if not path.is_file() or not path.is_relative_to(ROOT):
        raise ValueError(f"code names {source}, no file of the tree: pass paths relative to its root")
    return path.relative_to(ROOT).as_posix()


def _imports(source: str) -> Iterator[str]:
    for name in _named((ROOT / source).read_bytes()) if source.endswith(".py") else ():
        path = ROOT / name.replace(".", "/")
        for file in (path.with_suffix(".py"), path / "__init__.py"):
            if name and name not in _NO_NUMBERS and file.is_file():
                yield file.relative_to(ROOT).as_posix()


@cache
def _named(content: bytes) -> list[str]:
    """Return the names that the imports of a source may mean, modules or not."""
    found = []
    for node in ast.walk(ast.parse(content)):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module or "", *(f"{node.module}.{name}" for name in names)]
        found += names
    return found
