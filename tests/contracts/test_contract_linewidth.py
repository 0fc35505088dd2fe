"""Contract of the fit of linewidths: exact where the data are, least squares where they are not."""

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from spinlib.pumping import fmr_linewidth, pumping_damping
from spinlib.units import GHz, mT, nm
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw, kinds

INF, NAN = float("inf"), float("nan")


@st.composite
def readings(draw_one: st.DrawFn, *, noisy: bool) -> dict[str, Any]:
    """Readings of two to four samples at two to four frequencies each, in any order."""
    samples, each = draw_one(st.integers(2, 4)), draw_one(st.integers(2, 4))
    steps = [draw_one(draw.sizes(1.05, 10.0)) for _ in range(samples)]
    moments = draw_one(draw.sizes(1e-6, 1e-2)) * np.cumprod(steps)
    base = draw_one(draw.sizes(1e8, 1e11))
    frequencies = base * np.cumprod([draw_one(draw.sizes(1.05, 3.0)) for _ in range(each)])
    mixing, alpha = draw_one(draw.sizes(1e12, 1e16)), draw_one(draw.sizes(1e-4, 1.0))
    offsets = np.array([draw_one(draw.sizes(1e-6, 1e-2)) for _ in range(samples)])
    kind, interfaces = draw_one(st.sampled_from(["peak_to_peak", "full_width"])), draw_one(st.sampled_from([1, 2]))
    moment, frequency = np.repeat(moments, each), np.tile(frequencies, samples)
    damping = alpha + interfaces * pumping_damping(mixing, magnetic_moment=moment)
    width = np.asarray(fmr_linewidth(frequency, damping, inhomogeneous=np.repeat(offsets, each), kind=kind))
    random = np.random.default_rng(draw_one(st.integers(0, 999)))
    if noisy:
        width = width * (1 + draw_one(draw.sizes(1e-6, 0.1)) * random.uniform(-1, 1, len(width)))
    order = random.permutation(len(width))
    inputs = {
        "frequency": frequency[order],
        "linewidth": width[order],
        "magnetic_moment": moment[order],
        "interfaces": interfaces,
        "kind": kind,
    }
    if len(width) <= samples + 2 or draw_one(st.booleans()):
        inputs["uncertainty"] = draw_one(
            st.sampled_from([1e-5, np.full(len(width), 1e-5), np.linspace(1e-5, 3e-5, len(width))])
        )
    return inputs


def _fitted(fit: Any, frequency: Any, linewidth: Any, magnetic_moment: Any, **given: Any) -> None:
    """The normal equations hold: weighted residuals are orthogonal to every column; the covariance is one."""
    count = len(np.unique(magnetic_moment))
    assert fit.degrees_of_freedom == len(frequency) - count - 2
    assert np.all(np.diff(fit.magnetic_moment) > 0)
    weighted = fit.residuals / (np.broadcast_to(given.get("uncertainty", 1.0), linewidth.shape) ** 2)
    scale = np.abs(linewidth / np.broadcast_to(given.get("uncertainty", 1.0), linewidth.shape) ** 2)
    for column in (frequency, frequency / magnetic_moment):
        size = np.sum(scale * column)
        assert weighted @ column == pytest.approx(0.0, abs=1e-9 * size)
    for moment in fit.magnetic_moment:
        mine = magnetic_moment == moment
        assert weighted[mine].sum() == pytest.approx(0.0, abs=1e-9 * scale.sum())
    errors = np.sqrt(np.diagonal(fit.covariance))
    shares = fit.covariance / np.outer(errors, errors) if np.all(errors > 0) else np.eye(len(errors))
    assert np.linalg.eigvalsh(shares).min() >= -1e-6
    if "uncertainty" not in given:
        assert fit.chi_squared == fit.degrees_of_freedom


def _exact(fit: Any, linewidth: Any, **given: Any) -> None:
    """Widths without noise leave nothing."""
    np.testing.assert_allclose(fit.residuals, 0, rtol=0, atol=1e-9 * np.abs(linewidth).max())


SAMPLES = {
    "frequency": np.array([5, 10, 15, 5, 10, 15]) * GHz,
    "linewidth": np.array([2, 3, 4.2, 1, 1.5, 2.1]) * mT,
    "magnetic_moment": 8e5 * nm * np.array([4.0, 4, 4, 8, 8, 8]),
}


def with_one(name: str, value: float) -> Any:
    """A column whose last reading is another."""
    changed = np.array(SAMPLES[name])
    changed[-1] = value
    return changed


def one_positive(name: str) -> list[Limit]:
    return [
        Limit(
            "linewidth.fit_linewidths",
            name,
            [SAMPLES[name], SAMPLES[name].tolist()],
            [with_one(name, value) for value in (0.0, -5e-324, -1.0, INF, NAN)],
            ("pass",),
            SAMPLES,
            "positive",
        ),
        Limit(
            "linewidth.fit_linewidths",
            name,
            [],
            [SAMPLES[name][:-1], SAMPLES[name][None], 1.0, []],
            ("pass one entry per reading",),
            SAMPLES,
            "of readings",
        ),
    ]


def steps(relative: float) -> Any:
    """Moments of two samples that differ by a share."""
    return np.repeat([1.0 - relative, 1.0], 3) * 8e5 * nm


CONTRACTS = (
    Contract("linewidth.fit_linewidths", readings(noisy=True), _fitted, tolerance=1e-6, label="noisy"),
    Contract("linewidth.fit_linewidths", readings(noisy=False), _exact, tolerance=1e-3, label="exact"),
)

LIMITS = (
    *one_positive("frequency"),
    *one_positive("linewidth"),
    *one_positive("magnetic_moment"),
    Limit(
        "linewidth.fit_linewidths",
        "uncertainty",
        [1e-30, 1.0, np.full(6, 1e-3), None],
        [0.0, -5e-324, INF, NAN, np.zeros(6), np.ones(5), np.ones((6, 1))],
        ("pass",),
        SAMPLES,
    ),
    *kinds.positive("linewidth.fit_linewidths", "gyromagnetic_ratio", given=SAMPLES),
    Limit(
        "linewidth.fit_linewidths",
        "interfaces",
        [1, 2, np.int64(2)],
        [0, 3, -1, 1.0, True, None, "1"],
        ("pass 1 or 2",),
        SAMPLES,
    ),
    Limit(
        "linewidth.fit_linewidths",
        "kind",
        ["peak_to_peak", "full_width"],
        ["", "half_width", None],
        ("pass one of",),
        SAMPLES,
    ),
    Limit(
        "linewidth.fit_linewidths",
        "magnetic_moment",
        [steps(1.1e-6)],
        [steps(0.9e-6), steps(1e-15)],
        ("pass the same number for all readings of one sample",),
        SAMPLES,
        "of two samples",
    ),
    Limit(
        "linewidth.fit_linewidths",
        "magnetic_moment",
        [],
        [steps(0.0)],
        ("pass films of two thicknesses or more",),
        SAMPLES,
        "of one sample",
    ),
    Limit(
        "linewidth.fit_linewidths",
        "frequency",
        [np.array([5, 5, 10, 5, 10, 10]) * GHz],
        [np.array([5, 10, 15, 5, 5, 5]) * GHz],
        ("pass readings at two frequencies or more",),
        SAMPLES,
        "of one sample",
    ),
    Limit(
        "linewidth.fit_linewidths",
        "uncertainty",
        [1e-3],
        [None],
        ("pass uncertainty, or more readings",),
        {name: value[[0, 1, 3, 4]] for name, value in SAMPLES.items()},
        "without a degree of freedom",
    ),
)


@contracts(*CONTRACTS)
def test_invariant_contract_linewidth(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_linewidth(row: Contract | Limit) -> None:
    row.check_refusals()
