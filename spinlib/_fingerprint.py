"""What a value is and what a function does, as short texts that are equal in every run: for checkpoints of sweeps."""

import ast
import dis
import functools
import hashlib
import json
import random
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec, resolve_name
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

__all__ = ["fingerprint", "meaning", "package", "plain", "point", "reads", "text"]

_SCALARS = (bool, int, float, complex, str, bytes, type(None), type(...))
_VALUES = (*_SCALARS, np.generic, np.ndarray, tuple, list, dict, set, frozenset, type)
_SKIPPED = object()
_OF_TYPES = {"typing", "collections.abc", "numpy.typing"}
_STATEFUL = (np.random.Generator, np.random.RandomState, np.random.BitGenerator, random.Random)


def plain(name: str, value: object) -> Any:
    """Return a value of an axis as Python's own number, text or tuple of them, or as an array; refuse anything else.

    >>> plain("shape", [np.int64(3), (0.5, "bloch")])
    (3, (0.5, 'bloch'))
    """
    if isinstance(value, np.ndarray) and value.ndim and value.dtype.kind in "biufc":
        if np.isnan(value).any():
            raise ValueError(f"{name} has entries that are nan: leave them out, they are equal to nothing")
        if value.dtype.itemsize <= (16 if value.dtype.kind == "c" else 8):
            return np.array((value + value.dtype.type(0)).tolist()).reshape(value.shape)  # a copy, without -0.0
    if isinstance(value, np.generic | np.ndarray) and np.ndim(value) == 0:
        value = value.item()
    if isinstance(value, list | tuple):
        return tuple(plain(f"{name}[{place}]", each) for place, each in enumerate(value))
    if isinstance(value, float | complex):
        if value != value:
            raise ValueError(f"{name} = {value} is not a number: leave it out, it is equal to nothing")
        return value + 0.0
    if isinstance(value, str):
        text(name, value)
    if value is None or isinstance(value, bool | int | str):
        return value
    raise ValueError(
        f"{name} = {value!r} is neither number, text, nor tuple or array of them: put such values into a list of the "
        "function's own, and sweep over their places or names"
    )


def text(name: str, value: str) -> str:
    """Return a text that can be written to a file, or refuse it.

    >>> text("kind", "néel")
    'néel'
    """
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError(f"{name} = {value!r} has half a character, which no file holds: pass another text") from None
    return value


def point(values: Mapping[str, Any]) -> str:
    """Return the canonical text of a point: its :func:`plain` values by name, in the order of the names.

    Equal texts are equal values of equal types: 1, 1.0 and true are three points.

    >>> point({"field": 0.1, "current": 2, "m": np.array([0.0, 1.0])})
    '{"current": 2, "field": 0.1, "m": {"array": [0.0, 1.0]}}'
    """
    return json.dumps(values, sort_keys=True, default=_encoded, ensure_ascii=False)


def _encoded(value: object) -> dict[str, Any]:
    if isinstance(value, complex):
        return {"complex": [value.real, value.imag]}
    assert isinstance(value, np.ndarray)  # no other value is plain
    return {"array": value.tolist()}


def package(folder: Path) -> str:
    """Return the fingerprint of what the sources of a package compute: see :func:`meaning`.

    >>> package(Path(__file__).parent) == package(Path(__file__).parent)
    True
    """
    files = sorted(each for suffix in ("py", "toml") for each in folder.rglob(f"*.{suffix}"))
    return _meant(tuple((file.relative_to(folder).as_posix(), file.read_text(encoding="utf-8")) for file in files))


@lru_cache(maxsize=1)
def _meant(sources: tuple[tuple[str, str], ...]) -> str:
    parts = (
        (name, meaning(source) if name.endswith(".py") else repr(tomllib.loads(source))) for name, source in sources
    )
    return _hash("package", *(part for each in parts for part in each))


def meaning(source: str | bytes) -> str:
    """Return the parts of a Python source that can change a number: no layout, comments, docstrings or types.

    >>> meaning("def f(x: int):  # double\\n    return 2 * x") == meaning("def f(x):\\n    return 2*x")
    True
    """
    return repr(_parts(ast.parse(source)))


def _parts(node: Any) -> Any:
    if isinstance(node, list):
        return [_parts(part) for part in node if not _silent(part)]
    if not isinstance(node, ast.AST):
        return repr(node)
    for_types = {"returns", "type_params", "type_comment", "kind", "annotation" if isinstance(node, ast.arg) else ""}
    found = [(name, getattr(node, name, None)) for name in node._fields if name not in for_types]
    return type(node).__name__, [(name, _parts(value)) for name, value in found if value not in (None, [])]


def _silent(node: Any) -> bool:
    match node:
        case ast.Expr(ast.Constant(str())) | ast.If(ast.Name("TYPE_CHECKING"), orelse=[]):
            return True
        case ast.ImportFrom(module):
            return module in _OF_TYPES
    return False


def fingerprint(name: str, value: object) -> str:
    """Return a text that differs whenever a value does, the code and the globals of functions included.

    Functions and classes of installed packages count by their names.

    Args:
        name: what a message calls the value.
        value: numbers, texts, arrays, dataclasses, functions, and whatever can be pickled.

    Raises:
        ValueError: the value is a generator of random numbers, or cannot be pickled.

    >>> fingerprint("T", 300.0) == fingerprint("T", np.float64(300)), fingerprint("T", 300.0) == fingerprint("T", 301.0)
    (True, False)
    """
    return _Reader().read(name, value)


def reads(function: object) -> dict[str, str]:
    """Return fingerprints of a function: of its code, and by name of the globals and outer variables that it reads.

    >>> sorted(reads(eval("lambda x: x + shift", {"shift": 1})))
    ['shift', 'the code']
    """
    reader, inner = _Reader(), function
    while True:
        if isinstance(inner, functools.partial | MethodType):
            inner = inner.func if isinstance(inner, functools.partial) else inner.__func__
        elif (wrapped := _wrapped(inner)) is not None:
            inner = wrapped
        else:
            break
    if not isinstance(inner, FunctionType) or not _own(inner):
        return {"the code": reader.read("function", function)}
    found = {name: reader.read(f"{name}, which the function reads,", value) for name, value in _outer(inner)}
    around = reader.read("function", function) if inner is not function else ""
    return {"the code": _hash(around, reader.read("function", inner.__code__), *reader.defaults(inner)), **found}


class _Reader:
    """Reads values of every kind, each object once."""

    def __init__(self) -> None:
        self.open: list[int] = []
        self.done: dict[int, tuple[object, str]] = {}  # holds the objects, so that no other takes their place

    def read(self, name: str, value: object) -> str:
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, _SCALARS):
            return _hash(type(value).__name__, repr(value))
        if id(value) in self.done:
            return self.done[id(value)][1]
        if id(value) in self.open:  # it contains itself
            return _hash("circle", str(self.open.index(id(value))))
        self.open.append(id(value))
        found = _hash(*self.parts(name, value))
        self.open.pop()
        self.done[id(value)] = (value, found)
        return found

    def parts(self, name: str, value: Any) -> Iterable[str]:
        if type(value) is np.ndarray and not value.dtype.hasobject:
            return "array", str(value.dtype), str(value.shape), value.tobytes().hex()
        if type(value) in (tuple, list):
            return type(value).__name__, *(self.read(name, each) for each in value)
        if type(value) in (set, frozenset):
            return "set", *sorted(self.read(name, each) for each in value)
        if type(value) is dict:
            return "dict", *sorted(self.read(name, key) + self.read(name, each) for key, each in value.items())
        if isinstance(value, ModuleType):
            return "module", value.__name__
        if isinstance(value, CodeType):
            names = (value.co_names, value.co_varnames, value.co_freevars)
            consts = (self.read(name, each) for each in value.co_consts)
            return "code", value.co_code.hex(), value.co_exceptiontable.hex(), repr(names), *consts
        if isinstance(value, FunctionType) and _own(value):
            outer = (part for key, each in _outer(value) for part in (key, self.read(name, each)))
            return "function", self.read(name, value.__code__), *self.defaults(value), *outer
        if isinstance(value, type) and _own(value):
            members = ((key, _member(key, each)) for key, each in sorted(vars(value).items()))
            own = (part for key, each in members if each is not _SKIPPED for part in (key, self.read(name, each)))
            return "class", value.__qualname__, *(self.read(name, each) for each in value.__bases__), *own
        if isinstance(value, FunctionType | BuiltinFunctionType | type | np.ufunc):
            return "name", getattr(value, "__module__", None) or "", getattr(value, "__qualname__", value.__name__)
        if isinstance(value, MethodType):
            return "method", self.read(name, value.__func__), self.read(name, value.__self__)
        if (wrapped := _wrapped(value)) is not None:
            return "wrapped", self.read(name, wrapped)
        if is_dataclass(value):  # not what it has cached besides
            held = (part for each in fields(value) for part in (each.name, self.read(name, getattr(value, each.name))))
            return "dataclass", self.read(name, type(value)), *held
        return "object", *(self.read(name, each) for each in _pickled(name, value))

    def defaults(self, function: FunctionType) -> tuple[str, str]:
        """Read the values of arguments that are left out."""
        return self.read("default", function.__defaults__), self.read("default", function.__kwdefaults__)


def _pickled(name: str, value: object) -> Iterator[object]:
    """Yield what pickle would store of an object."""
    try:
        if isinstance(value, _STATEFUL):
            raise TypeError("it changes with every number that it gives")
        state = value.__reduce_ex__(4)
    except Exception as error:
        raise ValueError(
            f"{name} = {value!r} cannot be compared with what a checkpoint was made with ({error}): make it within the "
            "function, or sweep without checkpoint"
        ) from None
    for part in (state,) if isinstance(state, str) else state:
        yield list(part) if isinstance(part, Iterator) else part


def _outer(function: FunctionType) -> list[tuple[str, object]]:
    """Return globals, outer variables and modules of the caller's own that a function reads, by name."""
    found = {name: function.__globals__[name] for name in _globals(function.__code__) if name in function.__globals__}
    modules = [each for each in found.items() if isinstance(each[1], ModuleType)]
    modules += _imported(function.__code__, function.__globals__.get("__package__"))
    for name, module in modules:  # grows: packages have modules
        if _own_module(module.__name__):
            for attribute in sorted({*_attributes(function.__code__)} & vars(module).keys()):
                found[f"{name}.{attribute}"] = value = vars(module)[attribute]
                if isinstance(value, ModuleType) and (f"{name}.{attribute}", value) not in modules:
                    modules.append((f"{name}.{attribute}", value))
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found[name] = cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    return sorted(found.items())


def _globals(code: CodeType) -> Iterator[str]:
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield step.argval
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _globals(inner)


def _imported(code: CodeType, package: str | None) -> Iterator[tuple[str, ModuleType]]:
    """Yield the modules of the caller's own that the statements ``import`` within a function name."""
    steps = list(dis.get_instructions(code))
    for place, step in enumerate(steps):
        if step.opname == "IMPORT_NAME":
            level = next(each.argval for each in reversed(steps[:place]) if isinstance(each.argval, int))
            try:
                name = resolve_name("." * level + step.argval, package)
                top = name.partition(".")[0]
                if top in sys.modules or (_own_module(top) and _own_file(getattr(find_spec(top), "origin", None))):
                    for each in sorted({top, name}) if _own_module(top) else []:
                        yield each, import_module(each)
            except ImportError:  # the function itself will say so
                continue
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _imported(inner, package)


def _attributes(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _attributes(inner)


def _wrapped(value: object) -> object:
    """Return the function within a compiled or cached one, or None."""
    return None if isinstance(value, type) else getattr(value, "py_func", None) or getattr(value, "__wrapped__", None)


def _member(key: str, value: object) -> object:
    """Return the function or the value that an entry of a class is, or ``_SKIPPED`` for what Python keeps there."""
    if isinstance(value, property):
        return value.fget
    if isinstance(value, FunctionType) or (not key.startswith("_") and isinstance(value, _VALUES)):
        return value
    wrapped = _wrapped(value)
    return _SKIPPED if wrapped is None else wrapped


def _own(item: object) -> bool:
    """Whether the code of a function or class is read: that of spinlib is compared as a whole, others have names."""
    return _own_module(getattr(item, "__module__", None))


def _own_module(module: str | None) -> bool:
    if module is None or module == "__main__":
        return True
    if module.partition(".")[0] in {"spinlib", *sys.stdlib_module_names}:
        return False
    return _own_file(getattr(sys.modules.get(module), "__file__", None))


def _own_file(file: str | None) -> bool:
    return not {"site-packages", "dist-packages"} & set(Path(file or "").parts)


def _hash(*parts: str) -> str:
    """Return the hash of texts, each with its length, so that no two lists of texts are confused."""
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:32]
