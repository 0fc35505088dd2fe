"""Every benchmark runs and reports its errors; times are shown, never tested."""

import json
import subprocess
import sys

import pytest

from tools.isolation import ROOT

NAMES = sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if not path.stem.startswith("_"))


def bench(*names: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks", *names]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_unknown_benchmark_is_refused_with_the_names_there_are() -> None:
    result = bench("scattering_angels")
    assert result.returncode == 1
    assert "no such benchmark: scattering_angels; there are" in result.stderr
    assert all(name in result.stderr for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_benchmark_runs_and_reports(name: str) -> None:
    result = bench("--once", name)
    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)[name]
    assert report["versions"]["spinlib"]
    errors = [part["error"] for part in report.values() if isinstance(part, dict) and "error" in part]
    assert errors, "a benchmark states the error that its times are for"
    assert max(errors) < 1e-10
