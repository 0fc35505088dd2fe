"""Where things are, and an environment in which no setting of the user reaches a result. Standard library only."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CACHE = ROOT / ".cache"
LOCK = ROOT / "requirements.lock.txt"
DATA = {".csv", ".json", ".npz", ".toml"}
"""Suffixes of the data files that a chapter may read from its folder."""

# Settings of the user that would change what a notebook prints or how the book looks.
FOREIGN = ("PYTHON", "JUPYTER", "IPYTHON", "MPL", "MATPLOTLIB", "NUMBA_", "SPHINX", "XDG_", "PYTEST_", "VIRTUAL_ENV",
           "MAKE", "MFLAGS", "HYPOTHESIS_", "RUFF_", "MYPY")  # fmt: skip


# Kernels talk to this machine alone; their warning that nobody encrypts the talk is noise in every build.
# They live for seconds: looking for garbage rarely and leaving it behind at the end spares a tenth of their time.
# What a cell opens it closes; the handlers that a kernel needs at its end are registered later and run before.
_KERNEL = """\
import atexit, gc, os
c.IPKernelApp.log_level = "ERROR"
gc.set_threshold(50_000, 20, 50)
atexit.register(os._exit, 0)
"""


def digest(*paths: Path) -> str:
    """Hash of the names and contents of files; of every file below a directory but bytecode and hidden caches."""
    files = []
    for path in paths:
        files += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    total = hashlib.sha256()
    for file in files:
        place = file.relative_to(ROOT)
        if not any(part == "__pycache__" or part.startswith(".") for part in place.parts):
            total.update(f"{place.as_posix()}\0".encode() + file.read_bytes() + b"\0")
    return total.hexdigest()


def write_whole(path: Path, content: str | bytes) -> None:
    """Write a file whole or not at all, whatever ends the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    try:
        temporary.write_bytes(content.encode() if isinstance(content, str) else content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def environment() -> dict[str, str]:
    """The user's environment without what could leak into a result: own HOME, caches, one thread, fixed hash seed."""
    home = CACHE / "home"
    # numba does not notice a change in a helper of another file, hence one cache per state of the library.
    numba_caches = CACHE / "numba"
    numba_cache = numba_caches / digest(ROOT / "spinlib")[:16]
    if numba_caches.is_dir():
        for stale in set(numba_caches.iterdir()) - {numba_cache}:
            shutil.rmtree(stale, ignore_errors=True)
    profile = CACHE / "ipython" / "profile_default"
    for directory in (home, CACHE / "runtime", profile):
        directory.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(_KERNEL, encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return kept | {
        "HOME": str(home),
        "LC_ALL": "C.UTF-8",
        "PATH": os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", os.defpath)]),
        "PYTHONUTF8": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(ROOT),
        "MPLCONFIGDIR": str(CACHE / "matplotlib"),
        "IPYTHONDIR": str(CACHE / "ipython"),
        "JUPYTER_CONFIG_DIR": str(CACHE / "jupyter"),
        "JUPYTER_DATA_DIR": str(CACHE / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(CACHE / "runtime"),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "NUMBA_CACHE_DIR": str(numba_cache),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(CACHE / "hypothesis"),
        "MYPY_CACHE_DIR": str(CACHE / "mypy"),
        "RUFF_CACHE_DIR": str(CACHE / "ruff"),
        **{f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")},
    }


@contextlib.contextmanager
def alone(work: str) -> Iterator[int]:
    """Wait until no other run does the same work in this tree; yields a descriptor for children to inherit.

    A child that outlives a killed parent keeps the lock, so that the next run waits for it to end.
    """
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{work}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"Another run is at work here ({work}); waiting for its end …", file=sys.stderr, flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield file.fileno()
