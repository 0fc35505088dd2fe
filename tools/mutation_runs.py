"""Runs of the tests in forked processes: once as they are, to see what each of them calls, then with mutants.

A fork begins with NumPy, SciPy, numba and pytest imported, and without the library. The files are those of this tree:
a mutant is compiled from the changed syntax tree, and given to functions that are there, or to their module on import.
"""

import importlib
import re
import signal
from collections.abc import Callable, Collection
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

from tools.forked import forked
from tools.mutants import Mutant
from tools.mutation_batch import Batch, Plan
from tools.mutation_plugins import Trial, Watch

_OPTIONS = ("-q", "-x", "--no-header", "--tb=no", "-W", "ignore:Module already:pytest.PytestAssertRewriteWarning",
            "-o", "addopts=--strict-markers --doctest-modules -p no:cacheprovider")  # fmt: skip
_SKIPPED = "not full and not build and not reader"
_LIMIT = 1800.0
"""Seconds for a mutant on a busy machine; a test that does not end is ended by its processor time."""
_SHARED = re.compile(r"scope=|\bcache\b|lru_cache|cached_property")


def watched(file: Path, library: Path) -> dict[str, Any]:
    """Run the tests of a file as they are; return seconds and calls of each, and which failed."""

    def work(_: object) -> dict[str, Any]:
        watch = Watch(library)
        pytest.main([str(file), "-m", _SKIPPED, *_OPTIONS], plugins=[watch])
        if _SHARED.search(file.read_text(encoding="utf-8")):
            # What one test computes, another may read: all tests of the file take part in all calls.
            everything = sorted({name for _, names in watch.tests.values() for name in names})
            watch.tests = {test: (seconds, everything) for test, (seconds, _) in watch.tests.items()}
        return {"tests": watch.tests, "failed": watch.failed}

    return dict(forked(work, limit=1200)[2])


def _verdict(signalled: int, last: str, failed: str) -> tuple[str, str]:
    """Verdict on a mutant, and the test that killed it."""
    if signalled:
        return "timeout" if signalled in (signal.SIGPROF, signal.SIGKILL) else "killed", last
    return ("killed", failed) if failed else ("survived", "")


def tried(file: Path, mutant: Mutant, stale: Collection[str], plan: Plan) -> tuple[str, str]:
    """Run the planned tests with the mutant in the place of its module; return verdict and test.

    Kernels of the modules ``stale`` may contain it: they are compiled without the cache, which knows files only.
    """

    def work(say: Callable[[str], object]) -> str:
        import numba

        from spinlib import _jit

        module, code = mutant.module, mutant.code()
        original, cached = SourceFileLoader.get_code, _jit.kernel
        SourceFileLoader.get_code = lambda self, name: code if name == module else original(self, name)  # type: ignore
        _jit.kernel = lambda f: numba.njit(nogil=True)(f) if f.__module__ in stale else cached(f)  # type: ignore
        try:
            importlib.import_module(module)  # before pytest does, which has a loader of its own
        except Exception as error:
            return f"import: {type(error).__name__}"
        trial = Trial(plan, say)
        ended = pytest.main([str(file), *_OPTIONS], plugins=[trial])
        if not trial.failed and ended != pytest.ExitCode.OK:
            raise RuntimeError(f"pytest ended with {ended!r} in {file}")
        return trial.failed

    return _verdict(*forked(work, _LIMIT))


def tried_together(file: Path, todo: list[tuple[Mutant, Plan]]) -> list[tuple[str, str]]:
    """Try mutants of Python functions in one run of pytest, which costs less; return verdicts and tests."""

    def work(_: object) -> list[tuple[str, str]]:
        verdicts = []

        def report(_: Mutant, *ended: Any) -> None:
            verdicts.append(_verdict(*ended))

        code = pytest.main([str(file), *_OPTIONS], plugins=[Batch(todo, report, _LIMIT)])
        if code or len(verdicts) != len(todo):
            raise RuntimeError(f"pytest ended with {code!r} after {len(verdicts)} of {len(todo)} mutants")
        return verdicts

    verdicts = forked(work, len(todo) * _LIMIT)[2]
    return [(verdict, by) for verdict, by in verdicts]
