"""The form of a report of a benchmark, of `python -m benchmarks` and of the page *Speed and scale* alike."""

from typing import Any

import numpy as np

REPORT = {"name", "error", "reference", "versions", "rows", "scaling", "date", "seconds"}
ROW = {"problem", "target_error", "error", "setting", "seconds", "peer", "ratio", "limit"}
PEER = {"name", "version", "setting", "error", "seconds", "note"}
SCALING = {"problem", "quantity", "sizes", "seconds", "exponent", "expected", "limit_kind", "limit_seconds", "note"}
SPREAD = {"median", "low", "high"}


def check_report(report: dict[str, Any]) -> None:
    """Assert that a report has its form, and that everyone who has a time has reached the target."""
    assert set(report) == REPORT
    assert all(report[key] for key in REPORT - {"scaling", "seconds"})
    for row in report["rows"]:
        check_row(row)
    for growth in report["scaling"]:
        assert set(growth) == SCALING
        assert len(growth["sizes"]) == len(growth["seconds"]) >= 2
        assert growth["limit_kind"] is None or len(growth["limit_seconds"]) == len(growth["sizes"])
        slope = np.polyfit(np.log(growth["sizes"][-3:]), np.log(growth["seconds"][-3:]), 1)[0]
        np.testing.assert_allclose(growth["exponent"], slope, rtol=1e-9)


def check_row(row: dict[str, Any]) -> None:
    """Assert that one comparison has its form."""
    assert set(row) == ROW
    assert row["error"] <= row["target_error"]
    check_times(row["seconds"])
    assert set(row["limit"]) in ({"why"}, {"kind", "fraction"})
    assert 0 < row["limit"].get("fraction", 0.5) < 1, "no code is faster than its limit"
    peer = row["peer"]
    if peer is None:
        assert row["ratio"] is None
        return
    assert set(peer) == PEER
    assert peer["version"]
    if peer["seconds"] is None:
        assert row["ratio"] is None
        assert peer["note"], "a peer without a time says why"
    else:
        check_times(peer["seconds"])
        assert peer["error"] is None or peer["error"] <= row["target_error"]
        assert len(peer["seconds"]["rounds"]) == len(row["seconds"]["rounds"])
        assert set(row["ratio"]) == SPREAD


def check_times(times: dict[str, Any]) -> None:
    """Assert that quartiles and median are those of the rounds."""
    assert set(times) == SPREAD | {"rounds"}
    quartiles = [times[key] for key in ("low", "median", "high")]
    np.testing.assert_allclose(np.quantile(times["rounds"], [0.25, 0.5, 0.75]), quartiles, rtol=1e-12)
