"""Every benchmark runs and reports its errors in one form; times are shown, never tested."""

import json
import subprocess
import sys

import pytest

from tests.benchmark_report import check_report, check_row
from tools.isolation import ROOT

NAMES = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if not path.stem.startswith("_"))


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_unknown_benchmark_is_refused_with_the_names_there_are() -> None:
    result = bench("scattering_angels")
    assert result.returncode == 1
    assert "no such benchmark: scattering_angels; there are" in result.stderr
    assert all(name in result.stderr for name in NAMES)


@pytest.mark.parametrize("flags", [("--onse",), ("--once", "--record")])
def test_unknown_flag_and_a_record_of_single_runs_are_refused(flags: tuple[str, ...]) -> None:
    result = bench(*flags)
    assert result.returncode == 1
    assert "--record" in result.stderr


@pytest.mark.parametrize("name", NAMES)
def test_benchmark_runs_and_reports(name: str) -> None:
    result = bench("--once", name)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert set(found) == {"schema", "machine", "rates", "benchmarks"}
    check_report(found["benchmarks"][name])


def row(**changes: object) -> dict[str, object]:
    """A comparison that is in order, but for ``changes`` of the peer."""
    times = {"median": 2.0, "low": 1.5, "high": 2.5, "rounds": [1.0, 2.0, 3.0]}
    peer = {"name": "a", "version": "1", "setting": "", "error": 1e-9, "seconds": times, "note": ""} | changes
    ratio = None if peer["seconds"] is None else {"median": 1.0, "low": 1.0, "high": 1.0}
    own = {"problem": "p", "target_error": 1e-8, "error": 1e-9, "setting": "", "seconds": times}
    return own | {"peer": peer, "ratio": ratio, "limit": {"why": "none"}}


def test_a_comparison_that_misses_its_error_or_hides_why_is_refused() -> None:
    check_row(row())
    check_row(row(seconds=None, error=1.0, note="not with any setting"))
    for changes in ({"error": 1e-7}, {"seconds": None}, {"version": ""}):
        with pytest.raises(AssertionError):
            check_row(row(**changes))
