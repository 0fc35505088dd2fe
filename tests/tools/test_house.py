"""The commands greet a bare machine, and shield what they run from the user's settings."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import house, isolation

SCRIPT = isolation.ROOT / "tools" / "house.py"


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
    assert isolation.VENV.is_dir(), "the environment that is there stays"


def test_old_python_is_refused():
    result = run_house("sys.version_info = (3, 10, 4)", "book")
    assert result.returncode == 1
    assert "Python 3.11 or newer is needed" in result.stderr


@pytest.mark.parametrize("arguments", [(), ("bok",)])
def test_unknown_command_lists_the_commands(arguments):
    result = run_house("pass", *arguments)
    assert result.returncode == 1
    for command in ("book", "pdf", "test", "test-full", "lock", "reference", "clean", "format", "serve", "bench"):
        assert f"`{command}`" in result.stderr or f"house.py {command}`" in result.stderr


def test_environment_keeps_nothing_that_could_reach_a_result(monkeypatch):
    foreign = ["PYTHONSTARTUP", "JUPYTER_PATH", "MATPLOTLIBRC", "MPLBACKEND", "NUMBA_DISABLE_JIT", "XDG_CONFIG_HOME"]
    for name in foreign:
        monkeypatch.setenv(name, "foreign")
    monkeypatch.setenv("CHROMIUM", "/some/browser")
    monkeypatch.setenv("MAKELEVEL", "2")
    environment = isolation.environment()
    assert not {*foreign, "MAKELEVEL"} & set(environment)
    assert environment["CHROMIUM"] == "/some/browser"
    assert environment["PYTHONHASHSEED"] == "0"
    inside = ["HOME", "MPLCONFIGDIR", "IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "NUMBA_CACHE_DIR"]
    assert all(environment[name].startswith(str(isolation.CACHE)) for name in inside)
    assert {environment[f"{name}_NUM_THREADS"] for name in ("OMP", "OPENBLAS", "MKL", "NUMBA")} == {"1"}


def test_environment_is_the_same_from_within(monkeypatch):
    once = isolation.environment()
    for name in set(os.environ) - set(once):
        monkeypatch.delenv(name)
    for name, value in once.items():
        monkeypatch.setenv(name, value)
    twice = isolation.environment()
    # The path grows by the environment's own folder; nothing else moves.
    assert {k: v for k, v in twice.items() if k != "PATH"} == {k: v for k, v in once.items() if k != "PATH"}


def test_numba_cache_follows_the_sources_of_the_library(tmp_path, monkeypatch):
    library = tmp_path / "spinlib"
    library.mkdir()
    (library / "a.py").write_text("x = 1\n")
    monkeypatch.setattr(isolation, "ROOT", tmp_path)
    monkeypatch.setattr(isolation, "CACHE", tmp_path / ".cache")
    first = Path(isolation.environment()["NUMBA_CACHE_DIR"])
    first.mkdir(parents=True)
    assert isolation.environment()["NUMBA_CACHE_DIR"] == str(first)
    (library / "helper.py").write_text("y = 2\n")
    assert isolation.environment()["NUMBA_CACHE_DIR"] != str(first)
    assert not first.exists(), "caches of other sources are removed"


def test_digest_sees_names_and_contents_and_ignores_bytecode(tmp_path, monkeypatch):
    monkeypatch.setattr(isolation, "ROOT", tmp_path)
    (tmp_path / "a").write_text("1")
    base = isolation.digest(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").write_text("2")
    assert isolation.digest(tmp_path) == base
    (tmp_path / "a").rename(tmp_path / "b")
    assert isolation.digest(tmp_path) != base


def test_set_up_keeps_the_packages_where_they_belong(monkeypatch, tmp_path):
    """Settings that send packages elsewhere do not reach pip; settings that say where to find them do."""
    calls = []

    def record(command, *, env, check):
        calls.append((command, env))
        house.venv_python().parent.mkdir(parents=True, exist_ok=True)
        house.venv_python().touch()
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(house, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(house, "STAMP", tmp_path / ".venv" / "stamp")
    monkeypatch.setattr(subprocess, "run", record)
    for name in ("PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PYTHONPATH"):
        monkeypatch.setenv(name, "elsewhere")
    monkeypatch.setenv("PIP_TIMEOUT", "99")
    house.set_up()
    assert len(calls) == 3
    for _, env in calls:
        assert not {"PIP_USER", "PIP_TARGET", "PIP_PREFIX", "PYTHONPATH"} & set(env)
        assert env["PIP_TIMEOUT"] == "99"
    assert house.STAMP.read_text() == house.venv_state()
    house.set_up()
    assert len(calls) == 3, "a whole environment is left alone"


def test_a_failed_step_of_the_set_up_leaves_no_stamp(monkeypatch, tmp_path):
    monkeypatch.setattr(house, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(house, "STAMP", tmp_path / ".venv" / "stamp")
    monkeypatch.setattr(subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 1))
    with pytest.raises(SystemExit, match=r"Set-up failed in: .*\n.*starts it afresh"):
        house.set_up()
    assert not house.STAMP.exists()


def test_two_runs_of_the_same_work_wait_for_each_other(tmp_path, monkeypatch):
    monkeypatch.setattr(isolation, "CACHE", tmp_path)
    code = (
        "import sys, time, pathlib; from tools import isolation; isolation.CACHE = pathlib.Path(sys.argv[1])\n"
        "with isolation.alone('work'): print('in', flush=True); time.sleep(1); print('out', flush=True)"
    )
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, cwd=isolation.ROOT, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "in\n"
        with isolation.alone("work"):
            assert other.stdout.readline() == "out\n", "we came in before the other was out"
