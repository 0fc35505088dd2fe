"""The form of a report of a benchmark, of `python -m benchmarks` and of the page *Speed and scale* alike."""

from typing import Any

import numpy as np

REPORT = {"name", "error", "reference", "versions", "rates", "rows", "scaling", "source", "library", "run"}
REPORT |= {"date", "seconds"}
ROW = {"problem", "target_error", "error", "setting", "seconds", "peer", "ratio", "limit", "shares"}
PEER = {"name", "package", "version", "setting", "error", "seconds", "note", "outcome"}
UNTIMED = {"missing", "not tried further", "cannot, rounding", "cannot, an approximation"}
SCALING = {"problem", "quantity", "sizes", "seconds", "exponent", "expected", "limit_kind", "limit_seconds"}
SCALING |= {"above", "below"}
CLOSE = 0.15  # of an exponent to that of theory; whatever is farther off has a reason on that side
SPREAD = {"median", "low", "high"}


def check_report(report: dict[str, Any], *, whole: bool = False) -> None:
    """Assert that a report has its form, and that everyone who has a time has reached the target.

    Of a ``whole`` run, not one of ``--once``, exponents are those of theory or have a reason for being larger, or
    smaller, whichever they are, rows that a peer wins say where the house spends its time, and nobody is faster than
    the limit: in a single round a busy machine may slow the measurement of the limit alone.
    """
    assert set(report) == REPORT
    assert all(report[key] for key in REPORT - {"scaling", "seconds", "rates"})
    assert all(value > 0 and unit for value, unit in report["rates"].values())
    for row in report["rows"]:
        check_row(row, whole=whole)
        lost = whole and row["ratio"] is not None and row["ratio"]["median"] <= 1
        assert (row["shares"] is not None) is lost
        if lost:
            np.testing.assert_allclose(sum(row["shares"].values()), 1.0, rtol=1e-9)
    for growth in report["scaling"]:
        assert set(growth) == SCALING
        assert len(growth["sizes"]) == len(growth["seconds"]) >= 2
        assert growth["limit_kind"] is None or len(growth["limit_seconds"]) == len(growth["sizes"])
        slope = np.polyfit(np.log(growth["sizes"][-3:]), np.log(growth["seconds"][-3:]), 1)[0]
        np.testing.assert_allclose(growth["exponent"], slope, rtol=1e-9)
        off = slope - growth["expected"]
        side = "above" if off > 0 else "below"
        assert not whole or abs(off) < CLOSE or growth[side], f"say why it is {side} theory"


def check_row(row: dict[str, Any], *, whole: bool = False) -> None:
    """Assert that one comparison has its form, and that no time of a ``whole`` run is below the limit."""
    assert set(row) == ROW
    assert row["error"] <= row["target_error"]
    check_times(row["seconds"])
    assert set(row["limit"]) in ({"why"}, {"kind", "fraction"})
    fraction = row["limit"].get("fraction", 0.5)
    assert fraction > 0
    assert fraction < 1 or not whole, "the house does what its limit counts"
    peer = row["peer"]
    if peer is None:
        assert row["ratio"] is None
        return
    assert set(peer) == PEER
    assert peer["version"]
    assert peer["package"]
    if peer["seconds"] is None:
        assert row["ratio"] is None
        assert peer["outcome"] in UNTIMED
        assert peer["note"], "a peer without a time says why"
    else:
        check_times(peer["seconds"])
        assert peer["outcome"] == "timed"
        assert peer["error"] <= row["target_error"]
        limit = row["limit"].get("fraction", 0.0) * row["seconds"]["median"]
        assert limit < peer["seconds"]["median"] or not whole, "a peer that does less than the limit counts: count that"
        assert len(peer["seconds"]["rounds"]) == len(row["seconds"]["rounds"])
        assert set(row["ratio"]) == SPREAD


def check_times(times: dict[str, Any]) -> None:
    """Assert that quartiles and median are those of the rounds."""
    assert set(times) == SPREAD | {"rounds"}
    quartiles = [times[key] for key in ("low", "median", "high")]
    np.testing.assert_allclose(np.quantile(times["rounds"], [0.25, 0.5, 0.75]), quartiles, rtol=1e-12)
