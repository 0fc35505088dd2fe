"""What may go wrong in one place of a formula: the changes that make mutants, on the syntax tree."""

import ast
import copy
from collections.abc import Iterator
from typing import Any

KINDS = {
    "sign": "+ for -, - for +, or a minus dropped",
    "factor": "a factor 2, * for /, / for *, or a power lowered by one",
    "shift": "a bound of a range or slice, or an index, off by one",
    "comparison": "< for <=, > for >=, or the reverse",
    "conjugate": "a conjugation or transposition dropped",
    "swap": "the operands of a product exchanged",
}
_OPERATORS: dict[type, tuple[str, type]] = {
    ast.Add: ("sign", ast.Sub), ast.Sub: ("sign", ast.Add),
    ast.Mult: ("factor", ast.Div), ast.Div: ("factor", ast.Mult), ast.MatMult: ("swap", ast.MatMult),
    ast.Lt: ("comparison", ast.LtE), ast.LtE: ("comparison", ast.Lt),
    ast.Gt: ("comparison", ast.GtE), ast.GtE: ("comparison", ast.Gt),
}  # fmt: skip
_PRODUCTS, _TRANSPOSED = {"cross", "outer", "kron"}, {"T", "mT"}
_CONJUGATED = {"conj", "conjugate", "swapaxes", "transpose"}
_LITERALS = (ast.Tuple, ast.List, ast.JoinedStr, ast.Dict, ast.Set)


def _number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and type(node.value) in (int, float, complex) and node.value != 0


def _plus(node: ast.expr, step: int) -> ast.expr:
    value = ast.literal_eval(node) if isinstance(node, ast.Constant | ast.UnaryOp) and _is_int(node) else None
    if value is not None:
        return ast.Constant(value + step) if value + step >= 0 else ast.UnaryOp(ast.USub(), ast.Constant(-value - step))
    return ast.BinOp(copy.deepcopy(node), ast.Add() if step > 0 else ast.Sub(), ast.Constant(1))


def _is_int(node: ast.AST) -> bool:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node = node.operand
    return isinstance(node, ast.Constant) and type(node.value) is int


def _changed(node: ast.AST, **fields: Any) -> Any:
    other = copy.copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def replacements(node: ast.AST, counters: set[str]) -> Iterator[tuple[str, ast.AST]]:
    """Yield what may stand in the place of ``node``; ``counters`` are the loop variables of the function."""
    match node:
        case ast.BinOp(left=left, op=op, right=right) if not isinstance(left, _LITERALS) and not isinstance(
            right, _LITERALS
        ):
            if isinstance(op, ast.MatMult):
                yield "swap", _changed(node, left=right, right=left)
            elif type(op) in _OPERATORS:
                yield _OPERATORS[type(op)][0], _changed(node, op=_OPERATORS[type(op)][1]())
            if isinstance(op, ast.Mult | ast.Div):
                for side in ("left", "right"):
                    if _number(factor := getattr(node, side)):
                        yield "factor", _changed(node, **{side: ast.Constant(2 * factor.value)})
            if isinstance(op, ast.Pow) and _number(right):
                yield "factor", _changed(node, right=ast.Constant(right.value - 1 if right.value != 1 else 2))
        case ast.AugAssign(op=op) if type(op) in _OPERATORS:
            yield _OPERATORS[type(op)][0], _changed(node, op=_OPERATORS[type(op)][1]())
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            yield "sign", operand
        case ast.Compare(ops=ops):
            for i, op in enumerate(ops):
                if type(op) in _OPERATORS:
                    yield "comparison", _changed(node, ops=[*ops[:i], _OPERATORS[type(op)][1](), *ops[i + 1 :]])
        case ast.Call(func=ast.Name(id="range") | ast.Attribute(attr="arange"), args=args):
            for i, bound in enumerate(args[:2]):
                yield "shift", _changed(node, args=[*args[:i], _plus(bound, 1), *args[i + 1 :]])
                yield "shift", _changed(node, args=[*args[:i], _plus(bound, -1), *args[i + 1 :]])
        case ast.Call(func=ast.Attribute(attr=attr), args=[first, second]) if attr in _PRODUCTS:
            yield "swap", _changed(node, args=[second, first])
        case ast.Call(func=ast.Attribute(value=value, attr=attr), args=args) if attr in _CONJUGATED:
            yield "conjugate", (args[0] if isinstance(value, ast.Name) and value.id == "np" else value)
        case ast.Attribute(value=value, attr=attr, ctx=ast.Load()) if attr in _TRANSPOSED:
            yield "conjugate", value
        case ast.Slice(lower=lower, upper=upper):
            if lower is not None:
                yield "shift", _changed(node, lower=_plus(lower, 1))
            if upper is not None:
                yield "shift", _changed(node, upper=_plus(upper, -1))
        case ast.Subscript(slice=place):
            for i, index in enumerate(places := place.elts if isinstance(place, ast.Tuple) else [place]):
                if _is_int(index) or (isinstance(index, ast.Name) and index.id in counters):
                    step = -1 if _is_int(index) and ast.literal_eval(index) not in (0, 1) else 1
                    moved = [*places[:i], _plus(index, step), *places[i + 1 :]]
                    one = ast.Tuple(moved, ast.Load()) if isinstance(place, ast.Tuple) else moved[0]
                    yield "shift", _changed(node, slice=one)


def counters_of(tree: ast.AST) -> set[str]:
    loops = (n for n in ast.walk(tree) if isinstance(n, ast.For | ast.comprehension))
    ranged = (n for n in loops if "range(" in ast.unparse(n.iter))
    return {name.id for loop in ranged for name in ast.walk(loop.target) if isinstance(name, ast.Name)}


def refuses(node: ast.AST, checks: set[str]) -> bool:
    """Whether the node only refuses input, speaks, or names types, axes or shapes."""
    match node:
        case ast.Raise() | ast.Assert() | ast.JoinedStr() | ast.Import() | ast.ImportFrom():
            return True
        case ast.If(body=[ast.Raise()]):
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in checks
        case ast.Call(func=ast.Attribute(attr="warn")):
            return True
        case ast.AnnAssign(annotation=ast.Name(id="TypeAlias")) | ast.keyword(arg="axis" | "axes"):
            return True
        case ast.Subscript(value=ast.Attribute(attr="shape")):
            return True
    return False
