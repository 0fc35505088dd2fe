"""The examples of the documentation as one typed program of a user."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import spinlib

__all__ = ["program", "public"]


def public() -> dict[str, tuple[ModuleType, Any]]:
    """Every public function and class once, by its first dotted name, with the module that lists it."""
    found: dict[int, tuple[str, ModuleType, Any]] = {}
    for info in pkgutil.walk_packages(spinlib.__path__, "spinlib."):
        if "._" not in info.name:
            module = importlib.import_module(info.name)
            for name in module.__all__:
                item = getattr(module, name, None)
                if callable(item):
                    found.setdefault(id(item), (f"{info.name}.{name}", module, item))
    return {name: (module, item) for name, module, item in found.values()}


def _names(code: str) -> set[str]:
    """Names that an example takes from its module."""
    names = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name)]
    return {node.id for node in names} - {node.id for node in names if isinstance(node.ctx, ast.Store)}


def _imports(wanted: set[str], module: ModuleType, home: ModuleType) -> Iterator[str]:
    """Statements by which a user gets those names: from the public module, or as the source itself gets them."""
    source = ast.parse(Path(str(home.__file__)).read_text(encoding="utf-8"))
    for name in sorted(wanted):
        if name in module.__all__:
            yield f"from {module.__name__} import {name}"
            continue
        for node in source.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    if (alias.asname or alias.name) == name:
                        start = f"from {node.module} " if isinstance(node, ast.ImportFrom) else ""
                        yield f"{start}import {alias.name}" + (f" as {alias.asname}" if alias.asname else "")


def program() -> tuple[str, int]:
    """The program, a function for each example, and how many public functions and classes it shows."""
    parts = []
    for number, (module, item) in enumerate(public().values()):
        examples = doctest.DocTestParser().get_examples(inspect.getdoc(item) or "")
        if examples:
            code = "".join(example.source for example in examples)
            home = inspect.getmodule(item)
            assert home is not None
            head = "\n".join(_imports(_names(code), module, home))
            parts.append(f"def example_{number}() -> None:\n" + textwrap.indent(f"{head}\n{code}", "    "))
    return "\n\n".join(parts), len(parts)
