"""Kernels compile wherever they run, and cache only where the cache belongs to these sources."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import spinlib

ROOT = Path(spinlib.__file__).parents[1]
MODULE = '''
from spinlib._jit import kernel

@kernel
def total(n):
    """Sum of the first numbers."""
    result = 0.0
    for i in range(n):
        result += i
    return result
'''
SCRIPT = """
import warnings
warnings.simplefilter("error")
import numba_probe
assert numba_probe.total(5) == 10.0
stats = getattr(numba_probe.total, "stats", None)
print(hasattr(numba_probe.total, "py_func"), stats and sum(stats.cache_hits.values()))
"""


def source(place: Path) -> Path:
    folder = place / "source"
    folder.mkdir()
    (folder / "numba_probe.py").write_text(MODULE)
    return folder


@pytest.fixture
def probe(tmp_path: Path) -> Path:
    return source(tmp_path)


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """A source that was run twice without a place for its cache, and what the runs said."""
    folder = source(tmp_path_factory.mktemp("beside"))
    return folder, [run(folder, HOME="/dev/null") for _ in range(2)]


def run(folder: Path, **settings: str) -> str:
    """Call the kernel in a fresh interpreter that refuses warnings; return "is it compiled, cache hits"."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR") if name in os.environ}
    environment = kept | {"PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", SCRIPT]
    done = subprocess.run(
        command, cwd=folder, env=environment | settings, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def indices(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.nbi"))


def test_invariant_cache_is_written_and_used_where_it_is_asked_for(probe: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert run(probe, NUMBA_CACHE_DIR=str(cache), HOME=str(tmp_path)) == "True 0"
    assert len(indices(cache)) == 1
    assert indices(probe) == []
    assert run(probe, NUMBA_CACHE_DIR=str(cache), HOME=str(tmp_path)) == "True 1"


def test_invariant_cache_beside_the_source_by_default(beside: tuple[Path, list[str]]) -> None:
    folder, said = beside
    assert said == ["True 0", "True 1"]
    assert len(indices(folder)) == 1


def test_invariant_cache_directory_that_cannot_be_made(probe: Path, tmp_path: Path) -> None:
    # Root may write anywhere, but nobody makes a directory below a device.
    assert run(probe, NUMBA_CACHE_DIR="/dev/null/x", HOME=str(tmp_path)) == "True 0"
    assert indices(tmp_path) == []


def test_invariant_stale_cache_beside_the_source_is_not_used(beside: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, said = beside
    assert said == ["True 0", "True 1"], "there is a cache beside the source"
    assert run(folder, NUMBA_CACHE_DIR="/dev/null/x", HOME=str(tmp_path)) == "True 0"


def test_invariant_no_place_for_a_cache(probe: Path) -> None:
    (probe / "__pycache__").write_text("a file where the folder of the cache would be")
    assert run(probe, HOME="/dev/null") == "True 0"
    assert indices(probe) == []


def test_invariant_numba_alone_would_raise(probe: Path) -> None:
    """The case above is the one that numba refuses; without this the test of it could not fail."""
    (probe / "__pycache__").write_text("")
    module = MODULE.replace("from spinlib._jit import kernel", "import numba\nkernel = numba.njit(cache=True)")
    (probe / "numba_probe.py").write_text(module)
    with pytest.raises(AssertionError, match="cannot cache function"):
        run(probe, HOME="/dev/null")


def test_invariant_jit_switched_off(probe: Path, tmp_path: Path) -> None:
    assert run(probe, NUMBA_DISABLE_JIT="1", NUMBA_CACHE_DIR=str(tmp_path / "cache")) == "False None"
    assert indices(tmp_path) == []


def test_invariant_kernel_releases_the_lock_and_keeps_name_and_docstring() -> None:
    from spinlib._jit import kernel

    def twice(x: float) -> float:
        """Two times x."""
        return 2 * x

    compiled = kernel(twice)
    assert (compiled.__name__, compiled.__doc__) == ("twice", "Two times x.")
    assert compiled(1.5) == 3.0
    if hasattr(compiled, "targetoptions"):  # with NUMBA_DISABLE_JIT=1 it is the function itself
        assert compiled.targetoptions["nogil"] is True
    else:
        assert compiled is twice


def test_invariant_other_errors_of_numba_pass_through(monkeypatch: pytest.MonkeyPatch) -> None:
    import numba

    from spinlib import _jit

    def broken(**options: object) -> object:
        if "cache" in options:
            raise RuntimeError("something else")
        return lambda function: function

    monkeypatch.setattr(numba, "njit", broken)
    monkeypatch.setattr(_jit._settings, "DISABLE_JIT", 0)
    with pytest.raises(RuntimeError, match="something else"):
        _jit.kernel(abs)
