"""Which tests reach a mutant: those that call the changed function, as a run of all tests found."""

import ast
import functools
import hashlib
import json
from pathlib import Path

from tools.isolation import CACHE, ROOT, digest, write_whole
from tools.mutants import Mutant, name_of, path_of
from tools.mutation_runs import watched

_Tests = dict[Path, dict[str, tuple[float, list[str]]]]
LONG = 40.0
"""Seconds of tests that a mutant must survive; the quick ones come first."""


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
    found = _functions().items()
    return {name for name, f in found if any(isinstance(d, ast.Name) and d.id == "kernel" for d in f.decorator_list)}


def callers(mutant: Mutant, called: set[str]) -> set[str]:
    """The functions that a test must call to reach the mutant: it itself, or what uses the kernel or the constant."""
    found, seen, open_ = set(), set(), {f"{mutant.module}:{mutant.function}"}
    near, called = users(mutant.module), called - _kernels()  # numba calls a kernel once, to compile it
    while open_:
        seen |= open_
        found |= open_ & called
        names = {name.rpartition(":")[2].rpartition(".")[2] for name in open_ - called}
        open_ = {f for f, words in _words().items() if words & names and f.partition(":")[0] in near} - seen
    return found or {name for name in called if name.startswith(f"{mutant.module}:")}


@functools.cache
def _state() -> str:
    """What the calls of every test depend on."""
    helpers = [f for f in sorted((ROOT / "tests").rglob("*.py")) if not f.name.startswith("test_")]
    return digest(ROOT / "spinlib", *helpers)


@functools.cache
def known(module: str, *, chapters: bool) -> _Tests:
    """Seconds and calls of each test that may reach a module: of library and docstrings, or of the chapters."""
    tests, library, wanted = ROOT / "tests", ROOT / "spinlib", users(module)
    every = sorted(tests.glob("book/test_*.py" if chapters else "spinlib/**/test_*.py"))
    files = [file for file in every if wanted & reaches(file)]
    if not chapters:
        files += [f for f in map(path_of, wanted) if ">>>" in f.read_text(encoding="utf-8")]
    found = {}
    for file in files:
        state = hashlib.sha256(f"{_state()}{digest(file)}".encode()).hexdigest()[:16]
        stored = CACHE / "mutation" / f"{file.stem}-{state}.json"
        if not stored.is_file():
            run = watched(file, library)
            if run["failed"]:
                raise SystemExit(f"These tests fail without any mutant: {', '.join(run['failed'])}")
            write_whole(stored, json.dumps(run["tests"]))
        found[file] = json.loads(stored.read_text(encoding="utf-8"))
    return found


def plan(mutant: Mutant, tests: _Tests) -> dict[Path, dict[str, float]]:
    """The tests to run, by file: docstrings of the module first, then what is quick."""
    called = {name for file in tests.values() for _, names in file.values() for name in names}
    wanted = callers(mutant, called)
    chosen = {
        file: {test: seconds for test, (seconds, names) in of_file.items() if wanted & set(names)}
        for file, of_file in tests.items()
    }

    def turn(file: Path) -> tuple[bool, float]:
        return file != path_of(mutant.module), sum(chosen[file].values())

    result, total = {}, 0.0
    for file in sorted((file for file in chosen if chosen[file]), key=turn):
        if total < LONG:
            result[file] = chosen[file]
            total += sum(chosen[file].values())
    return result
