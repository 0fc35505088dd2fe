"""Which docstrings of the package hold examples: read from the sources, without doctest and without importing them."""

import ast
from collections.abc import Iterator
from pathlib import Path

__all__ = ["written"]


def written(package: Path) -> set[str]:
    """Dotted name of every module, class, method and function whose docstring holds an example."""
    found: set[str] = set()
    for file in sorted(package.rglob("*.py")):
        module = ".".join(file.relative_to(package.parent).with_suffix("").parts).removesuffix(".__init__")
        tree = ast.parse(file.read_text(encoding="utf-8"))
        found |= {name for name, node in _places(module, tree) if ">>>" in (ast.get_docstring(node) or "")}
    return found


def _places(
    name: str, node: ast.Module | ast.ClassDef
) -> Iterator[tuple[str, ast.Module | ast.ClassDef | ast.FunctionDef]]:
    yield name, node
    for item in node.body:
        if isinstance(item, ast.ClassDef):
            yield from _places(f"{name}.{item.name}", item)
        elif isinstance(item, ast.FunctionDef):
            yield f"{name}.{item.name}", item
