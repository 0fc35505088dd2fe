"""Which tests reach a mutant: those that call the changed function, as a run of all tests found."""

import ast
import functools
import hashlib
import json
from pathlib import Path

from tools.isolation import CACHE, ROOT, digest, write_whole
from tools.mutants import Mutant, name_of, path_of
from tools.mutation_batch import Plan
from tools.mutation_runs import watched


@functools.cache
def _imported(file: Path) -> set[str]:
    """The modules that a file imports, and the names that it imports from them."""
    nodes = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    found = {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
    for node in (n for n in nodes if isinstance(n, ast.ImportFrom)):
        found |= {f"{node.module}", *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


@functools.cache
def _imports() -> dict[str, set[str]]:
    """The modules of the library, with what they import."""
    return {name_of(file): _imported(file) for file in (ROOT / "spinlib").rglob("*.py")}


def reaches(file: Path) -> set[str]:
    """What a test imports, itself or by the helpers of the tests."""
    read, more = set(), {file}
    while more:
        read |= more
        names = {name for file in more for name in _imported(file) if name.startswith("tests.")}
        more = {helper for name in names if (helper := path_of(name)).is_file()} - read
    return {name for file in read for name in _imported(file)}


def users(module: str) -> set[str]:
    """The module and all that import it, directly or not."""
    found, more = set(), {module}
    while more:
        found |= more
        more = {name for name, imported in _imports().items() if imported & found} - found
    return found


@functools.cache
def _functions() -> dict[str, ast.FunctionDef]:
    """The functions and methods of the library."""
    found = {}
    for module in _imports():
        for node in ast.parse(path_of(module).read_text(encoding="utf-8")).body:
            parts = node.body if isinstance(node, ast.ClassDef) else [node]
            for part in (p for p in parts if isinstance(p, ast.FunctionDef)):
                prefix = f"{node.name}." if isinstance(node, ast.ClassDef) else ""
                found[f"{module}:{prefix}{part.name}"] = part
    return found


@functools.cache
def _words() -> dict[str, set[str]]:
    """The names that each function mentions."""
    return {
        name: {getattr(n, "id", None) or getattr(n, "attr", "") for n in ast.walk(function)}
        for name, function in _functions().items()
    }


@functools.cache
def _kernels() -> set[str]:
    """The functions that numba compiles."""
    found = _functions().items()
    return {name for name, f in found if any(isinstance(d, ast.Name) and d.id == "kernel" for d in f.decorator_list)}


def is_python(name: str) -> bool:
    """Whether ``module:function`` runs as Python code, and is no kernel or assignment."""
    return name in _functions() and name not in _kernels()


def callers(mutant: Mutant) -> set[str]:
    """The function that a test must call to reach the mutant, or those that use the kernel or the constant."""
    found, open_, near = set(), {f"{mutant.module}:{mutant.function}"}, users(mutant.module)
    seen = set(open_)
    while open_:
        found |= {name for name in open_ if is_python(name)}
        names = {name.rpartition(":")[2].rpartition(".")[2] for name in open_ - found}
        open_ = {f for f, words in _words().items() if words & names and f.partition(":")[0] in near} - seen
        seen |= open_
    return found or {name for name in _functions() if name.startswith(f"{mutant.module}:")}


@functools.cache
def _state() -> str:
    """What the calls of every test depend on."""
    helpers = [f for f in sorted((ROOT / "tests").rglob("*.py")) if not f.name.startswith("test_")]
    return digest(ROOT / "spinlib", *helpers)


def _neighbours(module: str) -> set[str]:
    """The module and what imports it within its room."""
    room = module.rpartition(".")[0]
    inside = {name for name in _imports() if name == room or name.rpartition(".")[0] == room}
    return {module} | {name for name in inside if module in _imports()[name]}


def files(module: str, *, near: bool) -> list[Path]:
    """The files with tests that may reach a module: its own first, then those of the library, then of the chapters."""
    tests, wanted = ROOT / "tests", _neighbours(module) if near else users(module)
    every = [*tests.glob("spinlib/**/test_*.py"), *([] if near else tests.glob("book/test_*.py"))]
    found = [file for file in every if wanted & reaches(file)]
    found += [file for file in map(path_of, wanted) if ">>>" in file.read_text(encoding="utf-8")]
    stem = path_of(module).stem.strip("_")

    def turn(file: Path) -> tuple[bool, bool, bool, int, str]:
        own = file == path_of(module)
        return not own, "book" in file.parts, not file.stem.endswith(stem), file.stat().st_size, str(file)

    return sorted(found, key=turn)


@functools.cache
def known(file: Path) -> dict[str, tuple[float, list[str]]]:
    """Seconds and calls of each test of a file."""
    state = hashlib.sha256(f"{_state()}{digest(file)}".encode()).hexdigest()[:16]
    stored = CACHE / "mutation" / f"{file.stem}-{state}.json"
    if not stored.is_file():
        run = watched(file, ROOT / "spinlib")
        if run["failed"]:
            raise SystemExit(f"These tests fail without any mutant: {', '.join(run['failed'])}")
        write_whole(stored, json.dumps(run["tests"]))
    return dict(json.loads(stored.read_text(encoding="utf-8")))


def plan(mutant: Mutant, file: Path) -> Plan:
    """The tests of a file that reach the mutant, with the seconds that they take, quick ones first."""
    wanted = callers(mutant)
    tests = sorted((seconds, test) for test, (seconds, names) in known(file).items() if wanted & set(names))
    return {test: seconds for seconds, test in tests}
