"""The package holds with the oldest versions that it allows and with the latest that there are."""

import os
import subprocess
import sys

import pytest

from tools import lanes
from tools.doctests import written
from tools.isolation import ROOT
from tools.trust import keep


def test_pythons_that_can_make_environments_are_found():
    found = lanes.interpreters()
    assert found[sys.version_info[:2]] == sys.executable
    assert all(version >= (3, 11) for version in found)


def test_lowest_versions_are_those_of_the_package():
    assert {"numpy", "scipy", "numba", "matplotlib", "ipython", "sympy"} <= set(lanes.direct())
    assert "flit_core" not in lanes.direct()


def test_a_lane_is_passed_over_for_want_of_an_index_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(lanes, "CACHE", tmp_path)
    monkeypatch.setattr(lanes, "ROOT", tmp_path / "nowhere")
    monkeypatch.setenv("UV_OFFLINE", "1")
    with pytest.raises(lanes.NoIndexError, match="no index of packages answers"):
        lanes.make("oldest")
    monkeypatch.setattr(lanes, "ask", lambda: None)
    with pytest.raises(RuntimeError, match=r"uv build"):
        lanes.make("oldest")
    with pytest.raises(ValueError, match="lane = 'newest': pass one of oldest, latest"):
        lanes.make("newest")


def test_deprecations_count_where_the_package_or_a_test_causes_them(tmp_path):
    """The settings of a lane, on a small package: who is named in the warning decides."""
    (tmp_path / "pytest.ini").write_text(lanes.INI.replace(" -p tests.examples", ""))
    (tmp_path / "spinlib_part.py").write_text(
        "import warnings\n\ndef f():\n    warnings.warn('x', DeprecationWarning)\n"
    )
    (tmp_path / "other.py").write_text("import warnings\n\ndef f():\n    warnings.warn('x', DeprecationWarning)\n")
    body = "import other, spinlib_part\n\ndef test_ours():\n    spinlib_part.f()\n\ndef test_theirs():\n    other.f()\n"
    (tmp_path / "test_it.py").write_text(body)
    command = [sys.executable, "-m", "pytest", "-q"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=False)
    assert "1 failed, 1 passed" in done.stdout
    assert "FAILED test_it.py::test_ours" in done.stdout


@pytest.mark.full
@pytest.mark.parametrize("lane", lanes.LANES)
def test_lane(lane):
    try:
        result = lanes.run(lane)
    except lanes.NoIndexError as error:
        pytest.skip(f"WARNING: the lane {lane} was NOT run, its environment cannot be made: {error}")
    keep(lane, result)
    assert result["failed"] == []
    assert result["doctests"] == len(written(ROOT / "spinlib"))
    assert result["tests"] > 3000
    if lane == "oldest":
        versions = {name: result["packages"][name] for name in lanes.direct()}
        assert all(f"{versions[name]}.".startswith(f"{low}.") for name, low in lanes.direct().items()), versions
