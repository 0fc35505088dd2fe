"""Run the tests of the package with the oldest versions that it allows, or with the latest that there are.

`python tools/lanes.py oldest` and `latest` make an environment in `.cache/lanes` without the lock, install the wheel
there and run the unit tests and the doctests against it, or what further words name, out of reach of this tree. That
needs a package index.
"""

import json
import os
import pwd
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.isolation import CACHE, ROOT, environment

LANES = ("oldest", "latest")
EXTRAS = ("plot", "symbolic", "sweep")
TOOLS = ("pytest", "hypothesis", "mpmath")
"""What the tests need besides; always as new as they come."""
HOUSE = ("conftest.py", "test_package.py")
"""What belongs to this tree, not to the package."""
# What a dependency does that another one wants to be rid of is not ours, unless it is we who make it do so.
INI = """[pytest]
addopts = --strict-markers --doctest-modules -p no:cacheprovider -p tests.examples
doctest_optionflags = NORMALIZE_WHITESPACE
pythonpath = .
markers =
  full: long lane
filterwarnings =
  error
  ignore::DeprecationWarning
  error::DeprecationWarning:(spinlib|test).*
"""


class NoIndexError(OSError):
    """No index of packages answers."""


def interpreters() -> dict[tuple[int, int], str]:
    """Pythons of this machine that the package allows and that can make environments, by version."""
    home = Path(os.environ.get("PYENV_ROOT", Path(pwd.getpwuid(os.getuid()).pw_dir) / ".pyenv")) / "versions"
    found = {sys.version_info[:2]: sys.executable}
    for minor in range(11, 30):
        known = [shutil.which(f"python3.{minor}"), *sorted(home.glob(f"3.{minor}.*/bin/python3.{minor}"))]
        for path in [str(each) for each in known if each]:
            if (3, minor) not in found and not _run([path, "-c", "import ensurepip"], check=False).returncode:
                found[3, minor] = path
    return found


def _run(command: list[Any], *, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, **options)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done


def ask() -> None:
    """Ask the index for one small package; what fails after it has answered is no want of an index."""
    question = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-cache", "-"]
    answer = _run(question, check=False, input="iniconfig")
    if answer.returncode:
        raise NoIndexError(f"no index of packages answers:\n{answer.stderr}")


def make(lane: str) -> tuple[Path, dict[str, str]]:
    """Make the environment of a lane afresh; return its Python and the version of each package."""
    if lane not in LANES:
        raise ValueError(f"lane = {lane!r}: pass one of {', '.join(LANES)}")
    ask()
    pythons, place = interpreters(), CACHE / "lanes" / lane
    shutil.rmtree(place, ignore_errors=True)
    uv, python = [sys.executable, "-m", "uv"], place / "venv" / "bin" / "python"
    install = [*uv, "pip", "install", "--quiet", "--python", python]
    extras = [word for extra in EXTRAS for word in ("--extra", extra)]
    resolution = ["--resolution", "lowest-direct"] if lane == "oldest" else []
    _run([*uv, "venv", "--quiet", "--python", pythons[(min if lane == "oldest" else max)(pythons)], place / "venv"])
    _run([*uv, "build", "--quiet", "--wheel", "--out-dir", place / "dist", ROOT])
    _run([*install, *resolution, "--requirements", ROOT / "pyproject.toml", *extras])
    _run([*install, "--no-deps", *(place / "dist").glob("*.whl")])
    _run([*install, *TOOLS])
    listed = json.loads(_run([*uv, "pip", "list", "--python", python, "--format", "json"]).stdout)
    return python, {package["name"]: package["version"] for package in listed}


def direct() -> dict[str, str]:
    """Lowest version of each package that the package and its extras name."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("\n[project]")[2].partition("\n[tool.")[0]
    return dict(re.findall(r'"(\w+) >=([\d.]+)"', text))


def test(lane: str, python: Path, *words: str) -> dict[str, Any]:
    """Run the tests of the package, or those named, in the environment of a lane; return how they ended."""
    place = CACHE / "lanes" / lane
    tree, report = place / "tree", place / "report.xml"
    (tree / "tests").mkdir(parents=True)
    (place / "home").mkdir()
    for name in ("spinlib", "sockets"):
        shutil.copytree(ROOT / "tests" / name, tree / "tests" / name, ignore=shutil.ignore_patterns("__pyc*", *HOUSE))
    for file in (ROOT / "tests").glob("*.py"):
        if file.name not in HOUSE:
            shutil.copy(file, tree / "tests")
    (tree / "pytest.ini").write_text(INI, encoding="utf-8")
    kept = {name: value for name, value in environment().items() if name.endswith(("_THREADS", "SEED", "LC_ALL"))}
    own = {"PATH": os.defpath, "PYTHONPATH": tree / "tests" / "sockets", "HOME": place / "home",
           "MPLCONFIGDIR": place / "mpl", "NUMBA_CACHE_DIR": place / "numba"}  # fmt: skip
    command = [python, "-m", "pytest", "-q", "--tb=short", "-m", "not full", f"--junitxml={report}", "--pyargs",
               *(words or ("tests", "spinlib"))]  # fmt: skip
    done = _run(command, check=False, cwd=tree, env=kept | {name: str(value) for name, value in own.items()})
    (place / "log.txt").write_text(done.stdout + done.stderr, encoding="utf-8")
    if not report.is_file():
        raise RuntimeError(done.stdout + done.stderr)
    cases = list(ElementTree.parse(report).iter("testcase"))
    names = {case: f"{case.get('classname')}::{case.get('name')}" for case in cases}
    return {
        "python": _run([python, "-c", "import platform; print(platform.python_version())"]).stdout.strip(),
        "tests": len(cases),
        "doctests": sum(str(case.get("name")).startswith("spinlib") for case in cases),
        "skipped": [names[case] for case in cases if case.find("skipped") is not None],
        "failed": [names[case] for case in cases if any(case.find(end) is not None for end in ("failure", "error"))],
    }


def run(lane: str, *words: str) -> dict[str, Any]:
    """Make a lane and run its tests, or those named; return its versions and how the tests ended."""
    python, packages = make(lane)
    chosen = {name: packages[name] for name in ("spinlib", *direct())}
    return {"lane": lane, "packages": chosen, **test(lane, python, *words)}


if __name__ == "__main__":
    result = run(*(sys.argv[1:] or [""]))
    print(json.dumps(result, indent=1))
    sys.exit(bool(result["failed"]))
