"""Contracts of spin pumping: the second law, reversal of motion, and scattering matrices that depend on parameters."""

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from spinlib.units import e, hbar
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw, kinds

INF, NAN = float("inf"), float("nan")
UP, RATE = (0.0, 0.0, 1.0), (1e9, 0.0, 0.0)
MOMENTS, RATIOS = draw.sizes(1e-30, 1e3), draw.sizes(1e8, 1e14)
MIXING = st.builds(complex, st.one_of(draw.sizes(1e-6, 1e20), st.just(0.0)), draw.signed(1e-6, 1e20))


@st.composite
def moving(draw_one: st.DrawFn, **others: st.SearchStrategy[Any]) -> dict[str, Any]:
    """A direction and a rate across it, at rest among them."""
    m = draw_one(draw.directions())
    rate = np.cross(m, draw_one(draw.vectors(1e-3, 1e15)))
    return {"m": m, "mdot": rate, **{name: draw_one(each) for name, each in others.items()}}


def _pumped(current: Any, m: Any, mdot: Any, mixing_conductance: complex) -> None:
    size = hbar / e * abs(mixing_conductance) * np.linalg.norm(mdot)
    assert np.linalg.norm(current) == pytest.approx(size, abs=1e-12 * size)
    assert current @ m == pytest.approx(0.0, abs=1e-12 * size)
    # What F loses along m x mdot damps its motion.
    assert current @ np.cross(m, mdot) >= -1e-12 * size * np.linalg.norm(mdot)


def _stops(voltage: Any, m: Any, mdot: Any) -> None:
    size = hbar / (2 * e) * np.linalg.norm(mdot)
    assert np.linalg.norm(voltage) == pytest.approx(size, abs=1e-12 * size)
    assert max(abs(voltage @ m), abs(voltage @ mdot) / max(np.linalg.norm(mdot), 1e-300)) <= 1e-12 * size


def _battery(voltage: float, angular_frequency: float, theta: float, sink_ratio: float) -> None:
    """The pumped share sin^2(theta) of what is missing to hbar w/2e feeds the sink."""
    whole = hbar * angular_frequency / (2 * e)
    assert 0 <= voltage <= whole * (1 + 1e-15)
    lost = sink_ratio * voltage
    assert np.sin(theta) ** 2 * (whole - voltage) == pytest.approx(
        lost, abs=1e-12 * (lost + whole * np.sin(theta) ** 2) + sink_ratio * 1e-323
    )
    if sink_ratio == 0:
        assert voltage == whole


def _damps(alpha: float, mixing_conductance: complex, magnetic_moment: float, gyromagnetic_ratio: float) -> None:
    wanted = gyromagnetic_ratio * (hbar / e) ** 2 * np.real(mixing_conductance) / 2 / magnetic_moment
    assert alpha == pytest.approx(wanted, abs=1e-12 * wanted)


def _width(
    width: float, inhomogeneous: float, alpha: float, frequency: float, gyromagnetic_ratio: float, kind: str
) -> None:
    """A Lorentzian of half width alpha w/gamma: its half is there, three quarters of it where it is steepest."""
    height = {"full_width": 1 / 2, "peak_to_peak": 3 / 4}[kind]
    wanted = 2 * np.sqrt(1 / height - 1) * alpha * 2 * np.pi * frequency / gyromagnetic_ratio
    assert width - inhomogeneous == pytest.approx(wanted, abs=1e-12 * (wanted + inhomogeneous))


@st.composite
def changing(draw_one: st.DrawFn) -> dict[str, Any]:
    """A unitary matrix, derivatives that keep it so, and some of its rows."""
    size = draw_one(st.integers(1, 4))
    s, count = draw_one(draw.unitary(size)), draw_one(st.integers(1, 3))
    scale = draw_one(draw.sizes(1e-12, 1e12))
    random = np.random.default_rng(draw_one(st.integers(0, 999)))
    generators = random.normal(size=(count, size, size)) + 1j * random.normal(size=(count, size, size))
    generators += generators.conj().swapaxes(-1, -2)
    derivatives = 1j * scale * s @ generators * draw_one(st.sampled_from([1.0, 1.0, 0.0]))
    spin = draw_one(st.booleans())
    rows = draw_one(st.permutations(range(size)))[: draw_one(st.integers(1, size))]
    if spin:
        rows = rows[: len(rows) // 2 * 2]
    inputs: dict[str, Any] = {"matrix": s, "derivatives": derivatives[0] if count == 1 else derivatives}
    if rows:
        inputs |= {"channels": rows, "spin": spin}
    return inputs


def _emits(result: Any, matrix: Any, derivatives: Any, channels: Any = None, spin: bool = False) -> None:
    """Dissipation is no gain; it is symmetric and bounds what it takes to emit charge (BTBK 66-72)."""
    assert (result.spin is None) != spin
    loss, charge = np.atleast_2d(result.dissipation), np.atleast_1d(result.charge)
    size = np.abs(loss).max()
    np.testing.assert_allclose(loss, loss.T, rtol=0, atol=1e-15 * size)
    assert np.linalg.eigvalsh(loss).min() >= -1e-12 * size
    # Cauchy and Schwarz: charge^2 <= (e/2 pi)^2 rows * |dS|^2 = e^2 rows dissipation/(pi hbar).
    rows = len(matrix) if channels is None else len(channels)
    assert np.all(charge**2 <= rows * e**2 / (np.pi * hbar) * np.diag(loss) * (1 + 1e-9) + 1e-300)
    if channels is None:
        # Friedel: the charge is -e/2 pi times the change of the phase of det S, here its trace.
        phase = np.atleast_1d(np.trace(matrix.conj().T @ derivatives, axis1=-2, axis2=-1).imag)
        np.testing.assert_allclose(charge, e / (2 * np.pi) * phase, rtol=0, atol=1e-9 * np.abs(derivatives).max() * e)


_WIDTH = {"frequency": 1e9, "alpha": 0.01}
_BATTERY = {"angular_frequency": 1e9, "theta": 1.0, "sink_ratio": 1.0}
_DAMPED = {"mixing_conductance": 1e15, "magnetic_moment": 1e-3}
_WALL = {"matrix": 1j * np.eye(2), "derivatives": np.eye(2)}

CONTRACTS = (
    Contract(
        "pumping.pumped_spin_current",
        moving(mixing_conductance=MIXING),
        _pumped,
        {"m": 1, "mdot": 1, "mixing_conductance": 0},
    ),
    Contract("pumping.spin_battery", moving(), _stops, {"m": 1, "mdot": 1}),
    Contract(
        "pumping.spin_battery_dc",
        st.fixed_dictionaries(
            {
                "angular_frequency": st.one_of(draw.sizes(1e-3, 1e15), st.just(0.0)),
                "theta": st.one_of(draw.between(0.0, np.pi), draw.sizes(1e-200, 1e-6)),
                "sink_ratio": st.one_of(draw.sizes(1e-30, 1e30), st.just(0.0)),
            }
        ),
        _battery,
        {"angular_frequency": 0, "theta": 0, "sink_ratio": 0},
    ),
    Contract(
        "pumping.pumping_damping",
        st.fixed_dictionaries({"mixing_conductance": MIXING, "magnetic_moment": MOMENTS, "gyromagnetic_ratio": RATIOS}),
        _damps,
        {"mixing_conductance": 0, "magnetic_moment": 0, "gyromagnetic_ratio": 0},
    ),
    Contract(
        "pumping.fmr_linewidth",
        st.fixed_dictionaries(
            {
                "frequency": st.one_of(draw.sizes(1.0, 1e13), st.just(0.0)),
                "alpha": st.one_of(draw.sizes(1e-12, 1e3), st.just(0.0)),
                "gyromagnetic_ratio": RATIOS,
                "inhomogeneous": st.one_of(draw.sizes(1e-12, 1e3), st.just(0.0)),
                "kind": st.sampled_from(["peak_to_peak", "full_width"]),
            }
        ),
        _width,
        {"frequency": 0, "alpha": 0, "gyromagnetic_ratio": 0, "inhomogeneous": 0},
    ),
    Contract("pumping.parametric_pumping", changing(), _emits, takes={"channels none": "None means all rows"}),
)

LIMITS = (
    *kinds.unit("pumping.pumped_spin_current", "m", given={"mdot": (0.0, 0.0, 0.0), "mixing_conductance": 1.0}),
    Limit(
        "pumping.pumped_spin_current",
        "mdot",
        [(1e9, 0, 0), (1e9, 0, 9.9e2), (0, 0, 0)],
        [(1e9, 0, 1.1e3), (0, 0, 1.0)],
        ("pass mdot perpendicular to m",),
        given={"m": UP, "mixing_conductance": 1.0},
    ),
    Limit(
        "pumping.pumped_spin_current",
        "mixing_conductance",
        [0.0, 1j, -1j],
        [-5e-324, -1.0 + 1j, INF, NAN],
        ("pass G_perp",),
        given={"m": UP, "mdot": RATE},
    ),
    *kinds.unit("pumping.spin_battery", "m", given={"mdot": (0.0, 0.0, 0.0)}),
    Limit(
        "pumping.spin_battery",
        "mdot",
        [(1e9, 0, 9.9e2)],
        [(1e9, 0, 1.1e3), (0, 0, 1.0)],
        ("pass mdot perpendicular to m",),
        given={"m": UP},
    ),
    *kinds.not_negative("pumping.spin_battery_dc", "angular_frequency", "sink_ratio", given=_BATTERY),
    kinds.within("pumping.spin_battery_dc", "theta", 0.0, np.pi, given=_BATTERY),
    Limit(
        "pumping.pumping_damping",
        "mixing_conductance",
        [0.0, 1j, 1e30],
        [-5e-324, -1.0 + 1j, INF, NAN],
        ("pass G_perp",),
        given={"magnetic_moment": 1.0},
    ),
    *kinds.positive("pumping.pumping_damping", "magnetic_moment", "gyromagnetic_ratio", given=_DAMPED),
    *kinds.not_negative("pumping.fmr_linewidth", "frequency", "alpha", "inhomogeneous", given=_WIDTH),
    *kinds.positive("pumping.fmr_linewidth", "gyromagnetic_ratio", given=_WIDTH),
    Limit(
        "pumping.fmr_linewidth",
        "kind",
        ["peak_to_peak", "full_width"],
        ["", "half_width", None, ["full_width"]],
        ("full_width", "pass one of"),
        given=_WIDTH,
    ),
    Limit(
        "pumping.parametric_pumping",
        "matrix",
        [1j * np.eye(2), np.eye(2) * (1 + 4.9e-9)],
        [np.eye(2) * (1 + 5.1e-9), np.zeros((2, 2)), np.eye(3)[:2], np.zeros((0, 0))],
        ("pass a unitary",),
        given={"derivatives": np.zeros((2, 2))},
    ),
    Limit(
        "pumping.parametric_pumping",
        "derivatives",
        [np.eye(2), np.eye(2) * (1 + 4.9e-7j), np.zeros((2, 2)), [np.eye(2)]],
        [np.eye(2) * (1 + 5.1e-7j), 1j * np.eye(2), [np.eye(2), 1j * np.eye(2)]],
        ("pass a derivative along which S stays unitary",),
        given=_WALL,
        named="|S^dagger dS + dS^dagger S|",
    ),
    Limit(
        "pumping.parametric_pumping",
        "derivatives",
        [],
        [np.eye(3), np.eye(2)[0], np.zeros((0, 2, 2)), [[[np.eye(2)]]]],
        ("pass dS/dx of shape",),
        given=_WALL,
        label="of a shape",
    ),
    Limit(
        "pumping.parametric_pumping",
        "channels",
        [[0], [1], [1, 0], (0,), np.array([1])],
        [[], [2], [-1], [0, 0], [0.0], 0, [[0]], "0", True],
        ("pass distinct integers",),
        given=_WALL,
    ),
    Limit(
        "pumping.parametric_pumping",
        "channels",
        [[0, 1], None],
        [[0]],
        ("pass an even number",),
        given=_WALL | {"spin": True},
        label="with spin",
    ),
)


@contracts(*CONTRACTS)
def test_invariant_contract_pumping(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_pumping(row: Contract | Limit) -> None:
    row.check_refusals()
