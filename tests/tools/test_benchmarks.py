"""Every benchmark runs and reports its errors in one form; times are shown, never tested."""

import json
import subprocess
import sys

import pytest

from tools.isolation import ROOT

NAMES = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if not path.stem.startswith("_"))
ROW = {"problem", "target_error", "error", "setting", "seconds", "peer", "ratio", "limit"}
PEER = {"name", "version", "setting", "error", "seconds", "note"}
SCALING = {"problem", "quantity", "sizes", "seconds", "exponent", "expected", "limit_kind", "limit_seconds", "note"}


def bench(*names: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *names]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_unknown_benchmark_is_refused_with_the_names_there_are() -> None:
    result = bench("scattering_angels")
    assert result.returncode == 1
    assert "no such benchmark: scattering_angels; there are" in result.stderr
    assert all(name in result.stderr for name in NAMES)


@pytest.mark.parametrize("flags", [("--onse",), ("--once", "--record")])
def test_unknown_flag_and_a_record_of_single_runs_are_refused(flags) -> None:
    result = bench(*flags)
    assert result.returncode == 1
    assert "--record" in result.stderr


@pytest.mark.parametrize("name", NAMES)
def test_benchmark_runs_and_reports(name: str) -> None:
    result = bench("--once", name)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)["benchmarks"][name]
    assert report["versions"]["spinlib"]
    assert report["name"]
    assert report["reference"]
    assert report["rows"]
    for row in report["rows"]:
        assert set(row) == ROW
        assert row["error"] <= row["target_error"]
        assert row["seconds"]["rounds"]
        assert set(row["limit"]) in ({"why"}, {"kind", "fraction"})
        peer = row["peer"]
        if peer:
            assert set(peer) == PEER
            assert peer["version"]
            assert (peer["seconds"] is None) == (row["ratio"] is None)
            assert peer["seconds"] or peer["note"], "a peer without a time says why"
            assert not peer["seconds"] or peer["error"] is None or peer["error"] <= row["target_error"]
    for growth in report["scaling"]:
        assert set(growth) == SCALING
        assert len(growth["sizes"]) == len(growth["seconds"]) >= 2
