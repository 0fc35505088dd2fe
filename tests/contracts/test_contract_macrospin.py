"""Contracts of one magnet in motion, with and without a temperature."""

from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from spinlib.circuit import InterfaceConductance
from spinlib.dynamics.macrospin import LinearField, SpinTorque, ValveTorque, llg_rate
from spinlib.spin import rotation_matrix
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw
from tests.contracts.rows import not_negative, positive

GAMMA = 1.76e11
TURN = rotation_matrix((1.0, 2.0, 3.0), 0.7)
FIELDS = draw.vectors(1e-6, 1e3)  # T
ALPHA = st.one_of(draw.sizes(1e-6, 1e3), st.just(0.0))


def _column(m: np.ndarray) -> np.ndarray:
    return m[:, None] * m


@st.composite
def tensors(draws: st.DrawFn, least: float = 1e-4, most: float = 1e2) -> np.ndarray:
    """Symmetric tensors, of one axis or of any three."""
    rank = draws(st.integers(1, 3))
    return sum(
        (draws(draw.signed(least, most)) * _column(draws(draw.directions())) for _ in range(rank)), np.zeros((3, 3))
    )


@st.composite
def dampings(draws: st.DrawFn) -> Any:
    """Numbers and tensors without negative eigenvalue, from none to overdamped."""
    if draws(st.booleans()):
        return draws(ALPHA)
    return sum((draws(draw.sizes(1e-6, 1e2)) * _column(draws(draw.directions())) for _ in range(2)), np.zeros((3, 3)))


@st.composite
def sides(draws: st.DrawFn) -> InterfaceConductance:
    """Interfaces that pass both spins, one up to a thousand times better than the other."""
    up = draws(draw.sizes(1e12, 1e16))
    mixing = up * draws(draw.sizes(1e-2, 1e1))
    return InterfaceConductance(
        up, up * draws(draw.sizes(1e-3, 1.0)), mixing * complex(1, draws(draw.between(-0.5, 0.5)))
    )


@st.composite
def linear_fields(draws: st.DrawFn) -> LinearField:
    return LinearField(draws(draw.vectors(1e-4, 1e2)), draws(tensors()))


@st.composite
def torques(draws: st.DrawFn) -> SpinTorque:
    """Torques from a slight push to one that is far above the field, up to a nearly divergent asymmetry."""
    size = st.one_of(draw.signed(1e3, 1e12), st.just(0.0))
    return SpinTorque(draws(draw.directions()), draws(size), draws(size), draws(draw.between(-0.999, 0.999)))


def valve(m_fixed: Any = (0, 0, 1.0), pumping: bool = True, current: float = 1e11) -> ValveTorque:
    side = InterfaceConductance(1e15, 0.5e15, 0.9e15 + 1e13j)
    return ValveTorque(m_fixed, side, side, current, magnetic_moment=3e-3, gyromagnetic_ratio=GAMMA, pumping=pumping)


@st.composite
def valves(draws: st.DrawFn) -> ValveTorque:
    return ValveTorque(
        draws(draw.directions()),
        draws(sides()),
        draws(sides()),
        draws(draw.signed(1e6, 1e13)),
        magnetic_moment=draws(draw.sizes(1e-5, 1e-1)),
        pumping=draws(st.booleans()),
    )


def _energy(m: np.ndarray, field: Any) -> np.ndarray:
    field = field if isinstance(field, LinearField) else LinearField(field)
    return -(m @ field.applied) - np.einsum("...i,ij,...j", m, field.tensor, m) / 2


def _linear(field: LinearField, **given: Any) -> None:
    assert not field.applied.flags.writeable
    assert field.applied.shape == (3,)


def _of_energy(b: np.ndarray, self: LinearField, m: np.ndarray, t: float = 0.0) -> None:
    """B = -dE/dm: m.B = -E - m.K.m/2."""
    size = np.abs(self.applied).max() + np.abs(self.tensor).max()
    twice = float(m @ self.tensor @ m)
    assert m @ b == pytest.approx(float(-_energy(m, self)) + twice / 2, abs=1e-13 * size)


def _across(torque: np.ndarray, self: ValveTorque, m: np.ndarray, t: float = 0.0) -> None:
    assert abs(m @ torque) <= 1e-11 * abs(self.charge_current * self._unit)


def _bounded(torque: np.ndarray, self: SpinTorque, m: np.ndarray, t: float = 0.0) -> None:
    most = np.hypot(self.damping_like, self.field_like) / (1 - abs(self.asymmetry))
    assert abs(m @ torque) <= 1e-12 * most
    assert np.linalg.norm(torque) <= most * (1 + 1e-9)


def _damps(found: tuple[np.ndarray, np.ndarray], self: ValveTorque, m: np.ndarray) -> None:
    """Pumping damps: v.(m x K v) is no gain for any v across m; the torque at rest is the same."""
    torque, matrix = found
    np.testing.assert_array_equal(torque, self(m))
    if not self.pumping:
        np.testing.assert_array_equal(matrix, 0)
        return
    across = np.cross(m, TURN)  # three vectors across m
    size = np.abs(matrix).max()
    for v in across:
        assert v @ np.cross(m, matrix @ v) <= 1e-9 * size


def _obeys(
    rate: np.ndarray,
    m: np.ndarray,
    field: np.ndarray,
    alpha: Any,
    gyromagnetic_ratio: float,
    torque: np.ndarray | None = None,
) -> None:
    """dm/dt = -gamma m x B + m x (alpha dm/dt) + tau; it turns with the axes."""
    tensor = np.asarray(alpha) if np.ndim(alpha) else alpha * np.eye(3)
    push = np.zeros(3) if torque is None else torque - (m @ torque) * m
    drag = np.cross(m, tensor @ rate)
    size = np.abs(drag).max() + gyromagnetic_ratio * np.abs(field).max() + np.abs(push).max()
    assert abs(m @ rate) <= 1e-13 * size
    left = rate + gyromagnetic_ratio * np.cross(m, field) - push
    inside = left - drag
    np.testing.assert_allclose(inside - (m @ inside) * m, 0, rtol=0, atol=1e-11 * size)
    turned = llg_rate(
        TURN @ m,
        TURN @ field,
        alpha=TURN @ tensor @ TURN.T,
        gyromagnetic_ratio=gyromagnetic_ratio,
        torque=None if torque is None else TURN @ torque,
    )
    rounded = 0 if torque is None else np.abs(torque).max()  # also where it lies along m and moves nothing
    np.testing.assert_allclose(turned, TURN @ rate, rtol=0, atol=1e-9 * size + 1e-14 * rounded)


def _moves(
    m: np.ndarray,
    m0: np.ndarray,
    field: Any,
    times: np.ndarray,
    alpha: Any,
    torque: Any = None,
    rtol: float = 1e-8,
    **_: Any,
) -> None:
    """Length 1; without a torque the energy falls, and stays without damping."""
    np.testing.assert_allclose(np.linalg.norm(m, axis=-1), 1, rtol=0, atol=1e-12)
    np.testing.assert_allclose(m[0], m0, rtol=0, atol=1e-15)
    if torque is None:
        energy = _energy(m, field)
        size = np.abs(energy).max() + np.linalg.norm(getattr(field, "applied", field))
        steps = np.diff(energy)
        assert (steps <= 1e3 * rtol * size).all()
        if np.ndim(alpha) == 0 and alpha == 0:
            assert (np.abs(steps) <= 1e3 * rtol * size).all()


@st.composite
def _motions(draws: st.DrawFn) -> dict[str, Any]:
    """From a hundredth of a radian to some turns of the fastest drive; in all kinds of field and torque."""
    field = draws(st.one_of(linear_fields(), FIELDS))
    torque = draws(st.one_of(st.none(), torques()))
    strength = GAMMA * (field if isinstance(field, LinearField) else LinearField(field))._largest
    fastest = strength + (torque._largest if torque else 0.0)
    span = draws(draw.sizes(1e-2, 30.0)) / (fastest or 1.0)
    steps = np.array(draws(st.lists(draw.sizes(1e-6, 1.0), min_size=1, max_size=4)))
    given = {
        "m0": draws(draw.directions()),
        "field": field,
        "times": draws(st.sampled_from([0.0, -span])) + np.append(0.0, np.cumsum(steps / steps.sum())) * span,
        "alpha": draws(dampings()),
        "gyromagnetic_ratio": GAMMA,
        "rtol": draws(draw.sizes(1e-13, 1e-2)),
    }
    return given | ({"torque": torque} if torque else {})


@st.composite
def _called(draws: st.DrawFn) -> dict[str, Any]:
    torque = valve(draws(draw.directions()), draws(st.booleans()), draws(draw.signed(1e8, 1e12)))
    return {
        "m0": draws(draw.directions()),
        "field": draws(draw.vectors(1e-3, 1.0)),
        "times": np.array([0.0, 1e-12, 5e-12]),
        "alpha": draws(draw.sizes(1e-4, 1.0)),
        "gyromagnetic_ratio": GAMMA,
        "torque": torque,
        "rtol": 1e-6,
    }


def _threshold(current: float, m_fixed: np.ndarray, m_free: np.ndarray, **given: Any) -> None:
    """With both layers turned around, the same; with the fixed one alone, the opposite where they are collinear."""
    assert np.isnan(current) or np.isfinite(current)


@st.composite
def _switches(draws: st.DrawFn) -> dict[str, Any]:
    """Films with an easy axis z, fixed layers along and against it."""
    z = draws(st.sampled_from([1.0, -1.0]))
    hard, easy = draws(draw.sizes(1e-3, 1e1)), draws(draw.sizes(1e-3, 1.0))
    return {
        "m_fixed": np.array([0.0, 0.0, draws(st.sampled_from([1.0, -1.0]))]),
        "m_free": np.array([0.0, 0.0, z]),
        "fixed": draws(sides()),
        "free": draws(sides()),
        "field": LinearField((0.0, 0.0, 0.3 * z * easy), np.diag([0.0, -hard, easy])),
        "alpha": draws(draw.sizes(1e-5, 1.0)),
        "magnetic_moment": draws(draw.sizes(1e-5, 1e-1)),
        "pumping": draws(st.booleans()),
    }


def _walks(run: Any, m0: np.ndarray, steps: int, record_every: int, temperature: float, alpha: float, **_: Any) -> None:
    assert run.m.shape == (steps // record_every + 1, *m0.shape)
    np.testing.assert_allclose(np.linalg.norm(run.m, axis=-1), 1, rtol=0, atol=1e-12)
    np.testing.assert_allclose(run.m[0], m0, rtol=0, atol=1e-15)
    assert (run.thermal_field == 0) == (temperature == 0 or alpha == 0)


def _same_way(m: np.ndarray, t: float) -> np.ndarray:
    """A field that is a function, but constant."""
    return np.broadcast_to([0.0, 0.0, 0.1], m.shape)


@st.composite
def _thermal(draws: st.DrawFn) -> dict[str, Any]:
    """Steps up to the coarsest that is not warned of, in a field of 0.1 T at most."""
    moment, kelvin = draws(draw.sizes(1e-21, 1e-15)), draws(st.one_of(draw.sizes(1e-3, 1e3), st.just(0.0)))
    alpha = draws(st.one_of(draw.sizes(1e-5, 1.0), st.just(0.0)))
    noise = 2 * alpha * GAMMA * 1.380649e-23 * kelvin / moment
    longest = 0.199 / max(GAMMA * 0.1, noise)
    field = draws(st.sampled_from([(0.0, 0.0, 0.1), LinearField((0.05, 0, 0), np.diag([0, 0, 0.05])), _same_way]))
    return {
        "m0": draws(draw.directions()),
        "field": np.array(field) if isinstance(field, tuple) else field,
        "time_step": longest * draws(draw.sizes(1e-6, 1.0)),
        "steps": draws(st.integers(1, 30)),
        "alpha": alpha,
        "magnetic_moment": moment,
        "temperature": kelvin,
        "gyromagnetic_ratio": GAMMA,
        "seed": draws(st.integers(0, 2**32)),
        "record_every": 1,
    }


_M = {"m": draw.directions()}
_GAMMAS = draw.sizes(1e8, 1e14)

CONTRACTS = (
    Contract(
        "dynamics.macrospin.LinearField",
        st.fixed_dictionaries({"applied": draw.vectors(1e-9, 1e6), "tensor": tensors(1e-9, 1e6)}),
        _linear,
    ),
    Contract(
        "dynamics.macrospin.LinearField.__call__",
        st.fixed_dictionaries({"self": linear_fields(), **_M}),
        _of_energy,
        {"m": 1},
    ),
    Contract(
        "dynamics.macrospin.SpinTorque",
        st.fixed_dictionaries(
            {"polarizer": draw.directions(), "damping_like": draw.signed(1e-3, 1e15)},
            optional={"field_like": draw.signed(1e-3, 1e15), "asymmetry": draw.between(-0.999999, 0.999999)},
        ),
    ),
    Contract(
        "dynamics.macrospin.SpinTorque.__call__",
        st.fixed_dictionaries({"self": torques(), **_M}),
        _bounded,
        {"m": 1},
    ),
    Contract(
        "dynamics.macrospin.ValveTorque",
        st.fixed_dictionaries(
            {
                "m_fixed": draw.directions(),
                "fixed": sides(),
                "free": sides(),
                "magnetic_moment": draw.sizes(1e-25, 1.0),
            },
            optional={
                "charge_current": draw.signed(1e-12, 1e14),
                "gyromagnetic_ratio": _GAMMAS,
                "pumping": st.booleans(),
            },
        ),
    ),
    Contract(
        "dynamics.macrospin.ValveTorque.__call__",
        st.fixed_dictionaries({"self": valves(), **_M}),
        _across,
        {"m": 1},
        tolerance=1e-9,
    ),
    Contract(
        "dynamics.macrospin.ValveTorque.at",
        st.fixed_dictionaries({"self": valves(), **_M}),
        _damps,
        {"m": 1},
        tolerance=1e-9,
    ),
    Contract(
        "dynamics.macrospin.llg_rate",
        st.fixed_dictionaries(
            {**_M, "field": FIELDS, "alpha": dampings(), "gyromagnetic_ratio": _GAMMAS},
            optional={"torque": draw.vectors(1e3, 1e16)},
        ),
        _obeys,
        {"m": 1, "field": 1, "torque": 1},
        tolerance=1e-10,
        examples=40,
    ),
    Contract(
        "dynamics.macrospin.integrate_llg",
        _motions(),
        _moves,
        tolerance=1e-6,  # integers in the place of floats, or another order of a sum: the steps may differ
        takes={"times short": "fewer times"},
        examples=25,
        patience=60,  # the first call compiles
    ),
    Contract(
        "dynamics.macrospin.integrate_llg",
        _called(),
        _moves,
        tolerance=1e-4,
        takes={"times short": "fewer times", "torque none": "no torque"},
        examples=4,
        label="in a valve",
    ),
    Contract(
        "dynamics.macrospin.critical_current",
        _switches(),
        _threshold,
        nan={"": "no current is a threshold"},
        examples=6,
    ),
    Contract(
        "dynamics.stochastic.integrate_stochastic_llg",
        _thermal(),
        _walks,
        takes={"seed none": "draws anew"},
        examples=12,
        patience=60,
    ),
)

_RATE = {"m": (1.0, 0, 0), "field": (0, 0, 1.0), "alpha": 0.1}
_RUN = {"m0": (1.0, 0, 0), "field": (0, 0, 1.0), "times": (0.0, 1e-12), "alpha": 0.1}
_SIDE = InterfaceConductance(1e15, 0.5e15, 0.9e15)
_VALVE = {"m_fixed": (0, 0, 1.0), "fixed": _SIDE, "free": _SIDE, "magnetic_moment": 3e-3}
_SWITCH = _VALVE | {"m_free": (0, 0, 1.0), "field": LinearField(tensor=np.diag([0.0, -1.0, 0.1])), "alpha": 0.01}
_STEP = {
    "m0": (1.0, 0, 0),
    "field": (0, 0, 0.1),
    "time_step": 1e-13,
    "steps": 3,
    "alpha": 0.1,
    "magnetic_moment": 1e-18,
    "temperature": 300.0,
    "gyromagnetic_ratio": GAMMA,
    "seed": 1,
}
_UNIT_AT = [(1 + 9e-7, 0, 0), (0.0, -1.0, 0.0), (1 - 9e-7, 0, 0)]
_UNIT_BEYOND = [(1 + 1.1e-6, 0, 0), (1 - 1.1e-6, 0, 0), (0.0, 0, 0), (1.0, 0)]
_ALPHA_AT = [0.0, 5e-324, 1e3, np.zeros((3, 3)), np.diag([1.0, 0.0, -1e-13])]
_ALPHA_BEYOND = [-5e-324, np.diag([1.0, 0.0, -2e-12]), np.triu(np.ones((3, 3))), np.eye(2), (0.1, 0.1, 0.1)]
_ROOM = "dynamics.macrospin."

LIMITS = (
    *(
        Limit(f"{_ROOM}{name}", argument, [*_UNIT_AT], _UNIT_BEYOND, ("pass",), given)
        for name, argument, given in (
            ("llg_rate", "m", _RATE),
            ("integrate_llg", "m0", _RUN),
            ("SpinTorque", "polarizer", {"damping_like": 1.0}),
            ("ValveTorque", "m_fixed", _VALVE),
            ("ValveTorque.at", "m", {"self": valve()}),
            ("ValveTorque.__call__", "m", {"self": valve()}),
        )
    ),
    Limit(f"{_ROOM}critical_current", "m_fixed", [(0, 0, -1.0)], _UNIT_BEYOND, ("pass",), _SWITCH),
    Limit(
        f"{_ROOM}critical_current",
        "m_free",
        [(0, 0, 1 + 9e-7), (0, 0, -1.0), (9e-7, 0, 1.0)],
        [(0, 0, 1 + 1.1e-6), (1e-4, 0, 1.0), (0, 1.0, 0), (1.0, 0, 0)],
        ("pass",),
        _SWITCH,
    ),
    *(
        Limit(f"{_ROOM}{name}", "alpha", _ALPHA_AT, _ALPHA_BEYOND, ("pass",), given)
        for name, given in (("llg_rate", _RATE), ("integrate_llg", _RUN))
    ),
    *(
        row
        for name, given in (
            ("llg_rate", _RATE),
            ("integrate_llg", _RUN),
            ("ValveTorque", _VALVE),
            ("critical_current", _SWITCH),
        )
        for row in positive(f"{_ROOM}{name}", "gyromagnetic_ratio", given, 1e9, 1e14)
    ),
    *positive(f"{_ROOM}ValveTorque", "magnetic_moment", _VALVE, 1e-30),
    *positive(f"{_ROOM}critical_current", "magnetic_moment", _SWITCH | {"pumping": False}, 1e-20),
    Limit(
        f"{_ROOM}critical_current",
        "magnetic_moment",
        [1e-7],
        [5e-324],
        ("range of floats",),
        _SWITCH,
        label="in floats",
    ),
    Limit(
        f"{_ROOM}LinearField", "tensor", [np.diag([1.0, 2.0, 3.0])], [np.triu(np.ones((3, 3))), np.eye(2)], ("tensor",)
    ),
    Limit(
        f"{_ROOM}SpinTorque",
        "asymmetry",
        [np.nextafter(1.0, 0), -np.nextafter(1.0, 0)],
        [1.0, -1.0, 2.0],
        ("-1 < asymmetry < 1",),
        {"polarizer": (0, 0, 1), "damping_like": 1.0},
    ),
    Limit(
        f"{_ROOM}integrate_llg",
        "rtol",
        [1e-13, 1e-2],
        [np.nextafter(1e-13, 0), np.nextafter(1e-2, 1), 0.0],
        ("<= rtol <=",),
        _RUN,
    ),
    Limit(
        f"{_ROOM}integrate_llg",
        "times",
        [[0.0], [-1e-12, 0.0], [0.0, 1e-25]],
        [[0.0, 0.0], [1e-12, 0.0], [], 0.0, [0.0, 0.036], [0.0, inf]],
        ("pass",),
        _RUN,
    ),
    Limit(
        f"{_ROOM}integrate_llg",
        "field",
        [(0.0, 0.0, 0.0), LinearField()],
        [(0.0, 0.0), 1.0, np.zeros((2, 3)), (0, 0, inf)],
        ("pass",),
        _RUN,
    ),
    Limit("dynamics.stochastic.integrate_stochastic_llg", "m0", [*_UNIT_AT, np.eye(3)], _UNIT_BEYOND, ("pass",), _STEP),
    Limit(
        "dynamics.stochastic.integrate_stochastic_llg",
        "time_step",
        [1e-30, 0.199 / (GAMMA * 0.1)],
        [1.001 / (GAMMA * 0.1), 1.0, 0.0, -1e-13],
        ("pass time_step",),
        _STEP,
    ),
    *not_negative("dynamics.stochastic.integrate_stochastic_llg", "alpha temperature", _STEP),
    *positive("dynamics.stochastic.integrate_stochastic_llg", "gyromagnetic_ratio magnetic_moment", _STEP, 1.0),
    Limit("dynamics.stochastic.integrate_stochastic_llg", "steps", [1], [0, -1, 2.0, True], ("steps >= 1",), _STEP),
    Limit("dynamics.stochastic.integrate_stochastic_llg", "record_every", [1, 3], [0, 4, 1.0], ("pass",), _STEP),
    Limit("dynamics.stochastic.integrate_stochastic_llg", "threads", [None, 1, 9], [0, 1.0], ("threads >= 1",), _STEP),
)
NO_LIMIT = {
    f"{_ROOM}SpinTorque damping_like": "positive is one of two senses",
    f"{_ROOM}SpinTorque field_like": "positive is one of two senses",
}


@contracts(*CONTRACTS)
def test_invariant_contract_macrospin(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_macrospin(row: Contract | Limit) -> None:
    row.check_refusals()
