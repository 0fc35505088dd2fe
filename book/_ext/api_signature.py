"""The signature of a public object as its source writes it; autodoc would spell out every alias of a type."""

import ast
import inspect
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from api_names import catalogue, object_of  # isort: skip

__all__ = ["signature"]

_ALIASES = {"_Real": "NDArray[float]", "_Complex": "NDArray[complex]"}


def signature(item: Any, *, method: bool) -> tuple[str, str]:
    """Return the arguments in brackets, and what is returned; of a dataclass its fields."""
    source = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(item)))).body[0]
    place = vars(inspect.getmodule(item))
    if isinstance(source, ast.ClassDef):
        return f"({', '.join(_fields(source, place))})", ""
    assert isinstance(source, ast.FunctionDef)
    arguments = source.args
    parts = [_argument(*pair, place) for pair in _with_defaults(arguments)]
    if method and parts and parts[0] in ("self", "cls"):
        parts.pop(0)
    if arguments.vararg or arguments.kwonlyargs:
        parts.append(f"*{_argument(arguments.vararg, None, place) if arguments.vararg else ''}")
    parts += [_argument(*pair, place) for pair in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)]
    if arguments.kwarg:
        parts.append(f"**{_argument(arguments.kwarg, None, place)}")
    return f"({', '.join(parts)})", _annotation(source.returns, place) if source.returns else ""


def _fields(source: ast.ClassDef, place: Mapping[str, Any]) -> Iterator[str]:
    for line in source.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            name, kind = line.target.id, ast.unparse(line.annotation)
            if not name.startswith("_") and "ClassVar" not in kind:
                yield _argument(ast.arg(name, line.annotation), line.value, place)


def _with_defaults(source: ast.arguments) -> Iterable[tuple[ast.arg, ast.expr | None]]:
    arguments = source.posonlyargs + source.args
    none = [None] * (len(arguments) - len(source.defaults))
    return zip(arguments, [*none, *source.defaults], strict=True)


def _argument(argument: ast.arg, default: ast.expr | None, place: Mapping[str, Any]) -> str:
    kind = f": {_annotation(argument.annotation, place)}" if argument.annotation else ""
    if default is None:
        return argument.arg + kind
    if isinstance(default, ast.Call) and ast.unparse(default.func) == "field":  # of a dataclass
        options = {option.arg: ast.unparse(option.value) for option in default.keywords}
        value = options.get("default", "..." if "default_factory" in options else "")
    else:
        value = ast.unparse(default)
    return f"{argument.arg}{kind} = {value}" if value else argument.arg + kind


def _annotation(node: ast.expr, place: Mapping[str, Any]) -> str:
    """Return an annotation with the names of public classes in full, so that they become links."""
    return ast.unparse(_InFull(place).visit(node))


class _InFull(ast.NodeTransformer):
    def __init__(self, place: Mapping[str, Any]) -> None:
        self.place = place

    def visit_Name(self, node: ast.Name) -> ast.Name:
        item = self.place.get(node.id)
        return ast.Name(_ALIASES.get(node.id) or _public(item) or node.id)


def _public(item: Any) -> str:
    names = (name for name, known in catalogue().items() if known.kind == "class" and object_of(name) is item)
    return next(names, "")
