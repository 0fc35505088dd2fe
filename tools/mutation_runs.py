"""Runs of the tests in forked processes: once as they are, to see what each of them calls, then with one mutant each.

A fork begins with NumPy, SciPy, numba and pytest imported, and without the library. The files are those of this tree:
a mutant is compiled from the changed syntax tree when its module is imported. Kernels that may contain it are compiled
without the cache, which knows files only.
"""

import importlib
import json
import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Collection
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from tools.mutation_plugins import Trial, Watch

_OPTIONS = ("-q", "-x", "--no-header", "--tb=no", "-W", "ignore:Module already:pytest.PytestAssertRewriteWarning",
            "-o", "addopts=--strict-markers --doctest-modules -p no:cacheprovider")  # fmt: skip
_SKIPPED = "not full and not build and not reader"
_SHARED = re.compile(r"scope=|\bcache\b|lru_cache|cached_property")


def forked(work: Callable[[Callable[[str], None]], object], limit: float) -> tuple[int, str, Any]:
    """Do ``work`` in a fork; return the signal that ended it, the last thing it said, and what it returned."""
    with tempfile.TemporaryDirectory() as folder:
        said, result, log = (Path(folder) / name for name in ("said", "result", "log"))
        said.write_text("")
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.setsid()
                output = os.open(log, os.O_WRONLY | os.O_CREAT)
                os.dup2(output, 1)
                os.dup2(output, 2)
                result.write_text(json.dumps(work(said.write_text)))
                code = 0
            except BaseException as error:
                said.write_text(f"{type(error).__name__}: {error}")
            finally:
                os._exit(code)
        end = time.monotonic() + limit
        while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
            if time.monotonic() > end:
                os.killpg(child, signal.SIGKILL)
            time.sleep(0.02)
        status = ended[1]
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            raise RuntimeError(f"{said.read_text()}\n{log.read_text()[-3000:]}")
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        return killed, said.read_text(), json.loads(result.read_text()) if result.is_file() else None


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


def tried(module: str, code: CodeType, stale: Collection[str], plan: dict[Path, dict[str, float]]) -> tuple[str, str]:
    """Run the planned tests of each file with ``code`` in the place of ``module``; return verdict and test.

    Kernels of the modules ``stale`` may contain the module.
    """

    def work(say: Callable[[str], None]) -> str:
        import numba

        from spinlib import _jit

        original, cached = SourceFileLoader.get_code, _jit.kernel
        SourceFileLoader.get_code = lambda self, name: code if name == module else original(self, name)  # type: ignore
        _jit.kernel = lambda f: numba.njit(nogil=True)(f) if f.__module__ in stale else cached(f)  # type: ignore
        try:
            importlib.import_module(module)  # before pytest does, which has a loader of its own
        except Exception as error:
            return f"import: {type(error).__name__}"
        for file, chosen in plan.items():
            trial = Trial(chosen, say)
            ended = pytest.main([str(file), *_OPTIONS], plugins=[trial])
            if trial.failed:
                return trial.failed
            if ended != pytest.ExitCode.OK:
                raise RuntimeError(f"pytest ended with {ended!r} in {file}")
        return ""

    most = sum(sum(chosen.values()) for chosen in plan.values())
    signalled, last, failed = forked(work, limit=120 + 30 * most)
    if signalled:
        return "timeout" if signalled in (signal.SIGPROF, signal.SIGKILL) else "killed", last
    return ("killed", failed) if failed else ("survived", "")
