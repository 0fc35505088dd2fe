"""The commands greet a bare machine, and shield what they run from the user's settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import house

SCRIPT = house.ROOT / "tools" / "house.py"


def run_house(prelude, *arguments):
    """The script as a stranger's Python runs it, after ``prelude``."""
    code = f"import sys, runpy; {prelude}; sys.argv = {[str(SCRIPT), *arguments]!r}"
    code += f"; runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_python_without_ensurepip_is_told_what_to_install(tmp_path):
    prelude = "sys.modules['ensurepip'] = None; sys.version = '3.11.0 (another)'"
    result = run_house(prelude, "book")
    assert result.returncode == 1
    assert "ensurepip is missing" in result.stderr
    assert "apt-get install python3-venv" in result.stderr
    assert "make PYTHON=" in result.stderr
    assert house.VENV.is_dir(), "the environment that is there stays"


def test_old_python_is_refused():
    result = run_house("sys.version_info = (3, 10, 4)", "book")
    assert result.returncode == 1
    assert "Python 3.11 or newer is needed" in result.stderr


@pytest.mark.parametrize("arguments", [(), ("bok",)])
def test_unknown_command_lists_the_commands(arguments):
    result = run_house("pass", *arguments)
    assert result.returncode == 1
    for command in ("book", "test", "test-full", "lock", "reference", "clean", "serve"):
        assert f"`{command}`" in result.stderr or f"house.py {command}`" in result.stderr


def test_environment_keeps_nothing_that_could_reach_a_result(monkeypatch):
    foreign = ["PYTHONSTARTUP", "JUPYTER_PATH", "MATPLOTLIBRC", "MPLBACKEND", "NUMBA_DISABLE_JIT", "XDG_CONFIG_HOME"]
    for name in foreign:
        monkeypatch.setenv(name, "foreign")
    monkeypatch.setenv("CHROMIUM", "/some/browser")
    environment = house.environment()
    assert not set(foreign) & set(environment)
    assert environment["CHROMIUM"] == "/some/browser"
    assert environment["PYTHONHASHSEED"] == "0"
    inside = ["HOME", "MPLCONFIGDIR", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "NUMBA_CACHE_DIR"]
    assert all(environment[name].startswith(str(house.CACHE)) for name in inside)
    assert {environment[f"{name}_NUM_THREADS"] for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")} == {"1"}


def test_environment_is_the_same_from_within(monkeypatch):
    once = house.environment()
    for name in set(os.environ) - set(once):
        monkeypatch.delenv(name)
    for name, value in once.items():
        monkeypatch.setenv(name, value)
    twice = house.environment()
    # The path grows by the environment's own folder; nothing else moves.
    assert {k: v for k, v in twice.items() if k != "PATH"} == {k: v for k, v in once.items() if k != "PATH"}


def test_numba_cache_follows_the_sources_of_the_library(tmp_path, monkeypatch):
    library = tmp_path / "spinlib"
    library.mkdir()
    (library / "a.py").write_text("x = 1\n")
    monkeypatch.setattr(house, "ROOT", tmp_path)
    monkeypatch.setattr(house, "CACHE", tmp_path / ".cache")
    first = Path(house.environment()["NUMBA_CACHE_DIR"])
    first.mkdir(parents=True)
    assert house.environment()["NUMBA_CACHE_DIR"] == str(first)
    (library / "helper.py").write_text("y = 2\n")
    assert house.environment()["NUMBA_CACHE_DIR"] != str(first)
    assert not first.exists(), "caches of other sources are removed"


def test_digest_sees_names_and_contents_and_ignores_bytecode(tmp_path, monkeypatch):
    monkeypatch.setattr(house, "ROOT", tmp_path)
    (tmp_path / "a").write_text("1")
    base = house.digest(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("2")
    assert house.digest(tmp_path) == base
    (tmp_path / "a").rename(tmp_path / "b")
    assert house.digest(tmp_path) != base
