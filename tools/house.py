"""The commands of the house: `python3 tools/house.py book`, or `test`, `test-full`, `lock`, `reference`, `clean`.

Also `pdf`, `format`, `serve` and `bench`. Runs on a bare Python >= 3.11. The first command makes `.venv` from the
hash-pinned lock; every command then runs in that environment, shielded from the user's own settings. Extra words are
handed on, as in `house.py test -k ledger`.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.isolation import CACHE, LOCK, ROOT, VENV, alone, digest, environment

STAMP = VENV / "spinlib-stamp"


def venv_python() -> Path:
    return VENV / "bin" / "python"


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
    # Where pip finds packages is the user's business; where it puts them is not.
    misleading = {f"PIP_{name}" for name in ("USER", "TARGET", "PREFIX", "ROOT", "REQUIRE_VIRTUALENV", "NO_DEPS")}
    settings = {k: v for k, v in os.environ.items() if k not in misleading and not k.startswith("PYTHON")}
    pip = [venv_python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    for command in (
        [sys.executable, "-m", "venv", VENV],
        [*pip, "--require-hashes", "-r", LOCK],
        [*pip, "--no-build-isolation", "--editable", ROOT],
    ):
        if subprocess.run(command, env=settings, check=False).returncode:
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
    python = venv_python()
    build = (python, "tools/build_book.py")
    in_order = ("--dist", "loadfile", "--no-loadscope-reorder")  # tests/conftest.py says in which order
    pytest = (python, "-m", "pytest", "--nbval", "--nbval-current-env", "-n", "2", *in_order)
    lock = (VENV / "bin" / "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11")
    steps: dict[str, list[tuple[object, ...]]] = {
        "book": [(*build, *extra)],
        "pdf": [build, (python, "tools/book_pdf.py", *extra)],
        "test": [build, (*pytest, "-m", "not full", *extra)],
        "test-full": [build, (*pytest, *extra)],
        "lock": [(*lock, "--generate-hashes", "--custom-compile-command", "make lock", *extra,
                  "requirements.txt", "--output-file", LOCK.name)],
        "reference": [(python, "tools/make_reference.py", *extra)],
        "format": [(python, "tools/format_chapters.py", *extra), (python, "-m", "ruff", "format", "--quiet")],
        "bench": [(python, "-m", "benchmarks", "--peers", *extra)],
        "serve": [build, (python, "-m", "http.server", "--bind", "127.0.0.1", "--directory", "_build/html", *extra)],
    }  # fmt: skip
    if command not in steps:
        sys.exit(__doc__)
    with alone("set-up"):
        set_up()
    for step in steps[command]:
        run(*step)
    return None


if __name__ == "__main__":
    if sys.version_info < (3, 11):
        sys.exit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}: make PYTHON=python3.12")
    main(*(sys.argv[1:] or ["help"]))
