"""Every benchmark runs and reports its errors in one form; times are shown, never tested."""

import importlib
import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from spinlib.diffusion import Interface, Layer, Medium, solve_stack
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


@pytest.fixture(scope="module")
def ran() -> dict[str, Any]:
    """What a run of all benchmarks reports of each."""
    result = bench("--once", *NAMES)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert set(found) == {"schema", "machine", "benchmarks"}
    return dict(found["benchmarks"])


@pytest.mark.parametrize("name", NAMES)
def test_benchmark_runs_and_reports(name: str, ran: dict[str, Any]) -> None:
    check_report(ran[name])


def row(fraction: float = 0.1, **changes: object) -> dict[str, object]:
    """A comparison that is in order, but for ``changes`` of the peer."""
    times = {"median": 2.0, "low": 1.5, "high": 2.5, "rounds": [1.0, 2.0, 3.0]}
    peer = {"name": "a", "package": "A", "version": "1", "setting": "", "error": 1e-9, "seconds": times, "note": ""}
    peer |= {"outcome": "timed"} | changes
    ratio = None if peer["seconds"] is None else {"median": 1.0, "low": 1.0, "high": 1.0}
    own = {"problem": "p", "target_error": 1e-8, "error": 1e-9, "setting": "", "seconds": times, "shares": None}
    return own | {"peer": peer, "ratio": ratio, "limit": {"kind": "all of it", "fraction": fraction}}


def test_a_comparison_that_misses_its_error_or_hides_why_is_refused() -> None:
    check_row(row(), whole=True)
    lost = {"seconds": None, "error": 1.0, "note": "not with any setting", "outcome": "cannot, rounding"}
    check_row(row(**lost))
    quick = {"median": 1.0, "low": 1.0, "high": 1.0, "rounds": [1.0, 1.0, 1.0]}
    check_row(row(0.4, seconds=quick), whole=True)
    for wrong in (
        {"error": 1e-7},
        {"error": None},
        {"seconds": None},
        {"version": ""},
        {"package": ""},
        lost | {"outcome": "timed"},
        lost | {"note": ""},
        {"outcome": "missing"},
        {"fraction": 1.1},
        {"fraction": 0.6, "seconds": quick},
    ):
        with pytest.raises((AssertionError, TypeError)):
            check_row(row(**wrong), whole=True)  # type: ignore[arg-type]


def test_an_exponent_off_theory_needs_a_reason_of_its_side() -> None:
    growth = {"problem": "p", "quantity": "n", "sizes": [1, 2, 4], "seconds": [1.0, 4.0, 16.0], "exponent": 2.0}
    growth |= {"expected": 2.0, "limit_kind": None, "limit_seconds": None, "above": "", "below": ""}
    report = {"name": "p", "error": "e", "reference": "r", "versions": {"a": "1"}, "rates": {}, "rows": [row()]}
    report |= {"scaling": [growth], "source": {"p": "0"}, "library": "0", "run": "2026-01-01T00:00:00Z"}
    report |= {"date": "2026-01-01", "seconds": 1}
    report["rows"][0]["ratio"] = {"median": 1.5, "low": 1.0, "high": 2.0}  # type: ignore[index]
    check_report(report, whole=True)
    for expected, side, other in ((3.0, "below", "above"), (1.0, "above", "below")):
        growth |= {"expected": expected, side: "", other: "the wrong side"}
        check_report(report)
        with pytest.raises(AssertionError, match=f"{side} theory"):
            check_report(report, whole=True)
        growth[side] = "calls"
        check_report(report, whole=True)


def test_limit_diffusion_peer_of_two_channels_is_the_stack_of_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    monkeypatch.setattr(os, "environ", dict(os.environ))  # the script asks for one thread
    diffusion = importlib.import_module("diffusion")
    draw = np.random.default_rng(5)
    rho, length = draw.uniform(1e-8, 1e-7, 7), draw.uniform(5e-9, 5e-7, 7)
    beta, thickness = draw.uniform(-0.9, 0.9, 7), draw.uniform(0.1, 30, 7) * length
    contact, gamma = draw.uniform(1e-16, 1e-15, 6), draw.uniform(-0.9, 0.9, 6)
    media = [Medium.valet_fert(*each) for each in zip(rho, beta, length, strict=True)]
    layers = [Layer(*each) for each in zip(media, thickness.tolist(), strict=True)]
    faces = [Interface.valet_fert(*each) for each in zip(contact, gamma, strict=True)]
    found = diffusion.layer_by_layer(rho, beta, length, thickness, contact, gamma)
    np.testing.assert_allclose(found, solve_stack(layers, faces).excess_resistance, rtol=1e-12)
