"""The ledger against the package and its tests: calls can be called; tests run, assert and name their entry."""

import ast
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Any

from ledger_data import EQUATIONS, FIGURES, PAPERS, Row, listed  # isort: skip

__all__ = ["asserts", "code_problems", "proof_problems", "served_by", "skipped"]

_SERVING = ("equation", "number", "statement")
_SKIPS = {"skip", "skipif", "xfail", "importorskip"}
_CHECKS = ("pytest.raises", "pytest.warns", "raises", "warns")
_FORMS = "_<number>, _figure_<number> or _statement_<id>"


# The rules are tried on many copies of one tree, which differ in a line.
_parsed = lru_cache(maxsize=1024)(ast.parse)


def code_problems(rows: Iterable[Row]) -> list[str]:
    """Return one sentence for every ``code`` that is no public function, class or method of the package."""
    found = []
    for row in rows:
        for call in listed(row.data.get("code")):
            thing = _public(call)
            if thing is None:
                found.append(f"{row}: code = {call!r} is no public name of spinlib: use one that an __all__ lists")
            elif not callable(thing):
                found.append(f"{row}: code = {call!r} cannot be called: name the function or class that computes it")
    return found


def proof_problems(root: Path, rows: Iterable[Row]) -> list[str]:
    """Return one sentence for every test that does not prove what its entry claims, and for every stray one."""
    rows = list(rows)
    modules = {
        path.relative_to(root).as_posix(): _parsed(path.read_text(encoding="utf-8"))
        for path in sorted((root / "tests").rglob("test_*.py"))
    }
    users: dict[str, list[Row]] = {}
    for row in rows:
        for test in listed(row.data.get("test")):
            users.setdefault(test, []).append(row)
    found = []
    for test, served in users.items():
        weakness = _weakness(root, modules, test)
        serves = _serves(modules, test)
        for row in served:
            if weakness:
                found.append(f"{row}: test = {test!r} {weakness}")
            found += _name_problems(row, test, serves, shared=len(served) > 1)
    return found + _stray_problems(modules, rows, users)


def _public(call: str) -> Any:
    """Return what ``call`` names: something in a module's ``__all__``, or a public attribute of it."""
    parts = call.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            thing: Any = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        private = any(part.startswith("_") for part in parts[cut + 1 :])
        if parts[0] != "spinlib" or private or parts[cut] not in getattr(thing, "__all__", ()):
            return None
        for attribute in parts[cut:]:
            thing = getattr(thing, attribute, None)
        return thing
    return None


# --- does the test run, and does it assert? -----------------------------------------------------------------------


def _weakness(root: Path, modules: Mapping[str, ast.Module], test: str) -> str:
    """Return what keeps ``test`` from proving anything, with the remedy, or nothing."""
    file, _, name = test.partition("::")
    path = PurePosixPath(file)
    collected = path.parts[:1] == ("tests",) and path.match("test_*.py") and not re.search(r"(^|/)\.", file)
    if not collected and (root / file).is_file():
        return "is never collected by pytest: move it to a file tests/**/test_*.py"
    if not collected or file not in modules or (function := _function(modules[file], name)) is None:
        return "does not exist: write file::function of a test function"
    if mark := skipped(modules[file], function):
        return f"does not always run, because of `{mark}`: remove it"
    if not asserts(root, modules[file], function):
        return "asserts nothing: compare a computed value with what is expected"
    return ""


def _function(module: ast.Module, name: str) -> ast.FunctionDef | None:
    # Of two functions of one name Python keeps the last.
    own = [node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == name]
    return own[-1] if own else None


@lru_cache(maxsize=4096)
def skipped(module: ast.Module, function: ast.FunctionDef) -> str:
    """Return the mark or call in the source that can keep pytest from running ``function``, or nothing."""
    bound = _bindings(module)
    marks = [node for mark in (*function.decorator_list, *bound.get("pytestmark", [])) for node in _all(mark, bound)]
    for node in marks:
        if isinstance(node, ast.Attribute) and node.attr in _SKIPS:
            return ast.unparse(node)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("parametrize"):
            values = _values(node, bound)
            if isinstance(values, ast.List | ast.Tuple) and not values.elts:
                return ast.unparse(node)
    top = [node for node in module.body if not isinstance(node, ast.FunctionDef | ast.ClassDef)]
    for node in (n for part in (*top, *function.body) for n in ast.walk(part)):
        if isinstance(node, ast.Call) and re.fullmatch(r"(pytest\.)?(skip|xfail|importorskip)", ast.unparse(node.func)):
            return ast.unparse(node)
    return ""


def asserts(root: Path, module: ast.Module, function: ast.FunctionDef, seen: frozenset[int] = frozenset()) -> bool:
    """Return whether ``function`` asserts something computed, itself or through a helper that it calls.

    Helpers are looked up in the function, its module and the modules of ``tests`` that this one imports from.
    """
    if _asserts_itself(function):
        return True
    nested = [node for node in ast.walk(function) if isinstance(node, ast.FunctionDef) and node is not function]
    helpers = {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}
    helpers |= {node.name: node for node in nested}
    for node in _own_nodes(function):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if helper := helpers.get(name):
            source = module
        else:
            source, helper = _imported(root, module, name)
        if helper is not None:
            if id(helper) not in seen and asserts(root, source, helper, seen | {id(helper)}):
                return True
        elif name in _CHECKS or re.search(r"(^|\.)assert_\w+$|\.check$", name):
            return True
    return False


@lru_cache(maxsize=4096)
def _asserts_itself(function: ast.FunctionDef) -> bool:
    return any(isinstance(node, ast.Assert) and _computed(node.test) for node in _own_nodes(function))


def _computed(expression: ast.expr) -> bool:
    # `assert True` and `assert 1 < 2` hold whatever the package does.
    return any(isinstance(node, ast.Name) for node in ast.walk(expression))


def _own_nodes(function: ast.FunctionDef) -> Iterator[ast.AST]:
    """Yield the nodes that run when ``function`` is called: none of a nested definition, none behind a return."""
    waiting: list[ast.AST] = list(takewhile(lambda line: not isinstance(line, ast.Return), function.body))
    waiting += [line.value for line in function.body if isinstance(line, ast.Return) and line.value][:1]
    while waiting:
        node = waiting.pop()
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield node
            waiting += ast.iter_child_nodes(node)


def _imported(root: Path, module: ast.Module, name: str) -> tuple[ast.Module, ast.FunctionDef | None]:
    """Return the module of ``tests`` that ``name`` is imported from, and the function there."""
    for line in module.body:
        if isinstance(line, ast.ImportFrom) and (line.module or "").startswith("tests."):
            path = root / f"{(line.module or '').replace('.', '/')}.py"
            for alias in line.names:
                if (alias.asname or alias.name) == name and path.is_file():
                    source = _parsed(path.read_text(encoding="utf-8"))
                    return source, _function(source, alias.name)
    return module, None


# --- does the test belong to its entry? ---------------------------------------------------------------------------


def _name_problems(row: Row, test: str, serves: set[str], *, shared: bool) -> list[str]:
    function = test.partition("::")[2]
    prefix = f"test_paper_{row.paper}_"
    if not function.startswith(prefix):
        return [f"{row}: test = {test!r} names another paper: call it {prefix}…"]
    if row.number in serves:
        return []
    if shared:
        return [f"{row}: shares test = {test!r}, which is not parametrised by it: write a test of its own"]
    own = {"equation": "", "figure": "figure_", "statement": "statement_"}[row.what] + _word(row.number)
    # A statement may be proven by a test that names the equation beside it.
    free = row.what == "statement" and not function.startswith(f"{prefix}statement_")
    if free or _begins(function.removeprefix(prefix), own):
        return []
    return [f"{row}: test = {test!r} names another {row.what}: call it {prefix}{own}…"]


def _word(number: str) -> str:
    return re.sub(r"\W", "_", number)


def _begins(name: str, part: str) -> bool:
    return name == part or name.startswith(f"{part}_")


def _serves(modules: Mapping[str, ast.Module], test: str) -> frozenset[str]:
    file, _, name = test.partition("::")
    function = _function(modules[file], name) if file in modules else None
    return served_by(modules[file], function) if function else frozenset()


@lru_cache(maxsize=4096)
def served_by(module: ast.Module, function: ast.FunctionDef) -> frozenset[str]:
    """Return the equation numbers or statement ids that a test is parametrised by, as text.

    Seeds and sizes are parameters too, so only a parameter called equation, number or statement counts.
    """
    bound = _bindings(module)
    found: set[str] = set()
    for mark in function.decorator_list:
        if not (isinstance(mark, ast.Call) and ast.unparse(mark.func).endswith("mark.parametrize")) or not mark.args:
            continue
        names, values = _argument_names(mark.args[0]), _values(mark, bound)
        for place in (n for n, name in enumerate(names) if name in _SERVING):
            for case in _cases(values):
                if len(case) == len(names) and isinstance(case[place], ast.Constant):
                    found.add(str(ast.literal_eval(case[place])))
    return frozenset(found)


def _argument_names(node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [name.strip() for name in str(node.value).split(",") if name.strip()]
    parts = node.elts if isinstance(node, ast.List | ast.Tuple) else []
    return [str(part.value) for part in parts if isinstance(part, ast.Constant)]


def _values(mark: ast.Call, bound: Mapping[str, list[ast.expr]]) -> ast.expr | None:
    values = mark.args[1] if len(mark.args) > 1 else None
    if isinstance(values, ast.Name):
        return bound.get(values.id, [None])[-1]
    return values


def _cases(values: ast.expr | None) -> Iterator[list[ast.expr]]:
    """Yield the parameters of each case as far as they are written out."""
    parts: list[Any] = values.elts if isinstance(values, ast.List | ast.Tuple | ast.Set) else []
    parts = [key for key in values.keys if key] if isinstance(values, ast.Dict) else parts
    for part in parts:
        if isinstance(part, ast.Call):  # pytest.param
            yield part.args
        else:
            yield list(part.elts) if isinstance(part, ast.List | ast.Tuple) else [part]


def _bindings(module: ast.Module) -> dict[str, list[ast.expr]]:
    """Return what the module assigns to each of its names, in order."""
    bound: dict[str, list[ast.expr]] = {}
    for line in module.body:
        if not isinstance(line, ast.Assign | ast.AnnAssign) or line.value is None:
            continue
        for target in line.targets if isinstance(line, ast.Assign) else [line.target]:
            if isinstance(target, ast.Name):
                bound.setdefault(target.id, []).append(line.value)
    return bound


def _all(node: ast.AST, bound: Mapping[str, list[ast.expr]], seen: frozenset[str] = frozenset()) -> Iterator[ast.AST]:
    """Yield the nodes of an expression and of what the module assigns to the names in it."""
    for part in ast.walk(node):
        yield part
        if isinstance(part, ast.Name) and part.id not in seen:
            for value in bound.get(part.id, []):
                yield from _all(value, bound, seen | {part.id})


# --- does every test of a paper belong to something? --------------------------------------------------------------


def _stray_problems(modules: Mapping[str, ast.Module], rows: list[Row], users: Mapping[str, object]) -> list[str]:
    """Return one sentence for every test of a paper that no entry stands for."""
    statements = {key: [_word(row.number) for row in rows if row.what == "statement" and row.paper == key]
                  for key in PAPERS}  # fmt: skip
    found = []
    for file, module in modules.items():
        for function in (node for node in module.body if isinstance(node, ast.FunctionDef)):
            if not function.name.startswith("test_paper_") or f"{file}::{function.name}" in users:
                continue
            if problem := _stray(function.name, statements, served=bool(served_by(module, function))):
                found.append(f"{file}: {function.name} {problem}")
    return found


def _stray(name: str, statements: Mapping[str, list[str]], *, served: bool) -> str:
    key, _, rest = name.removeprefix("test_paper_").partition("_")
    if key not in PAPERS:
        return f"names the unknown paper {key!r}: use one of {', '.join(PAPERS)}"
    number = re.match(r"(figure_|)(\d+)(?:_|$)", rest)
    if number:
        count = FIGURES[key] if number[1] else EQUATIONS[key]
        if not 1 <= int(number[2]) <= count:
            what = "figure" if number[1] else "equation"
            return f"names {what} {number[2]}, but {key} has {count}: correct the number"
        if not number[1] and rest == number[2]:
            return f"is not listed in {key}.yml: add it to the tests of ({rest})"
        return ""
    if rest.startswith("statement_"):
        if any(_begins(rest.removeprefix("statement_"), own) for own in statements[key]):
            return ""
        return f"has no statement in {key}.yml: add the entry or correct the id"
    return "" if served else f"names no entry of {key}.yml: call it test_paper_{key}{_FORMS}"
