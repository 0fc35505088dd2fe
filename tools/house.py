"""The commands of the house: `python3 tools/house.py book`, or `test`, `test-full`, `lock`, `reference`, `clean`.

Also `serve` and `bench`. Runs on a bare Python >= 3.11. The first command makes `.venv` from the hash-pinned lock;
every command then runs in that environment, shielded from the user's own settings. Extra words are handed on, as in
`house.py test -k ledger`.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CACHE = ROOT / ".cache"
LOCK = ROOT / "requirements.lock.txt"
STAMP = VENV / "spinlib-stamp"

# Settings of the user that would change what a notebook prints or how the book looks.
FOREIGN = ("PYTHON", "JUPYTER", "IPYTHON", "MPL", "MATPLOTLIB", "NUMBA_", "SPHINX", "XDG_", "PYTEST_", "VIRTUAL_ENV")


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


def venv_python() -> Path:
    return VENV / "bin" / "python"


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
    # Kernels talk to this machine alone; their warning that nobody encrypts the talk is noise in every build.
    (profile / "ipython_kernel_config.py").write_text('c.IPKernelApp.log_level = "ERROR"\n', encoding="utf-8")
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
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
    }


def venv_state() -> str:
    """What `.venv` was made from: lock, package metadata, Python, place."""
    return f"{digest(LOCK, ROOT / 'pyproject.toml')} {sys.version.split()[0]} {ROOT}"


def set_up() -> None:
    """Make `.venv` from the lock, unless the stamp says that it is there, whole and of this tree."""
    state = venv_state()
    if STAMP.is_file() and STAMP.read_text(encoding="utf-8") == state and venv_python().exists():
        return
    if importlib.util.find_spec("ensurepip") is None:
        sys.exit(
            f"{sys.executable} cannot make virtual environments with pip: its module ensurepip is missing.\n"
            "Install it (Debian, Ubuntu: apt-get install python3-venv) or name another Python: make PYTHON=python3.12"
        )
    print(f"Setting up {VENV.name} from {LOCK.name} (once, about a minute) …", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    pip = [venv_python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    for command in (
        [sys.executable, "-m", "venv", VENV],
        [*pip, "--require-hashes", "-r", LOCK],
        [*pip, "--no-build-isolation", "--editable", ROOT],
    ):
        if subprocess.run(command, check=False).returncode:
            sys.exit(f"Set-up failed in: {' '.join(map(str, command))}\nThe next run starts it afresh.")
    STAMP.write_text(state, encoding="utf-8")


def run(*command: object) -> None:
    """Run a command of the environment in the root of the tree; stop with its exit code if it fails."""
    code = subprocess.run([str(part) for part in command], cwd=ROOT, env=environment(), check=False).returncode
    if code:
        sys.exit(code)


def clean() -> None:
    """Remove everything that the commands make."""
    for directory in (VENV, CACHE, ROOT / "_build", ROOT / "dist"):
        shutil.rmtree(directory, ignore_errors=True)
    for directory in [p for p in ROOT.rglob("__pycache__") if p.is_dir()]:
        shutil.rmtree(directory, ignore_errors=True)


def main(command: str, *extra: str) -> None:
    if command == "clean":
        return clean()
    set_up()
    python = venv_python()
    build = (python, "tools/build_book.py")
    pytest = (python, "-m", "pytest", "--nbval", "--nbval-current-env", "-n", "2", "--dist", "loadfile")
    lock = (VENV / "bin" / "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11")
    steps: dict[str, list[tuple[object, ...]]] = {
        "book": [(*build, *extra)],
        "test": [build, (*pytest, "-m", "not full", *extra)],
        "test-full": [build, (*pytest, *extra)],
        "lock": [(*lock, "--generate-hashes", "--custom-compile-command", "make lock", *extra,
                  "requirements.txt", "--output-file", LOCK.name)],
        "reference": [(python, "tools/make_reference.py", *extra)],
        "bench": [(python, "-m", "benchmarks", *extra)],
        "serve": [build, (python, "-m", "http.server", "--bind", "127.0.0.1", "--directory", "_build/html", *extra)],
    }  # fmt: skip
    if command not in steps:
        sys.exit(__doc__)
    for step in steps[command]:
        run(*step)
    return None


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make PYTHON=python3.12")
    main(*(sys.argv[1:] or ["help"]))
