"""Contracts of transport and its closed forms: what is conserved, what is reciprocal, where a value is nan."""

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from spinlib.scattering.closed_forms import slonczewski_parameters
from spinlib.scattering.smatrix import SMatrix, rotate
from spinlib.scattering.stack import HatMatrix, ferromagnet, normal_metal, transport
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw, layers
from tests.contracts.test_contract_scattering_layers import probabilities

INF, NAN = float("inf"), float("nan")
BLOCKED = "torque_per_current is nan there"
RESONANT = 1e-6  # a coherent stack next to a resonance loses digits


@st.composite
def sources(draw_one: st.DrawFn, kind: str) -> dict[str, Any]:
    inputs: dict[str, Any] = {
        "layers": draw_one(layers.stacks(kinds=(kind,))),
        "source": draw_one(st.sampled_from(["left", "right"])),
    }
    if draw_one(st.sampled_from([False, True, True, True])):
        inputs["polarization"] = draw_one(draw.directions()) * draw_one(draw.between(0.0, 1.0))
    return inputs


def _transport(result: Any, layers: Any, source: str, polarization: Any = None) -> None:
    """Charge is conserved, spin is a balance, no more passes than comes, and nan stands where nothing passes."""
    g, sign = float(result.conductance), 1 if source == "left" else -1
    assert -1e-9 <= g <= 2 + 1e-9
    np.testing.assert_allclose(result.charge_current, sign * g, rtol=0, atol=RESONANT)
    np.testing.assert_allclose(result.torque, result.spin_current[:-1] - result.spin_current[1:], rtol=0, atol=RESONANT)
    assert np.abs(result.spin_current).max() <= 4 + RESONANT
    assert np.isnan(result.torque_per_current).all() == (g <= 1e-15)
    if polarization is None:
        with warnings.catch_warnings(action="ignore"):
            other = transport(layers, "right" if source == "left" else "left")
        assert float(other.conductance) == pytest.approx(g, abs=RESONANT)
        if isinstance(layers[0], HatMatrix):
            # Both reservoirs full: averaged layers are unital, and no spin current flows.
            np.testing.assert_allclose(result.spin_current + other.spin_current, 0, rtol=0, atol=RESONANT)


def _filters(result: Any, theta: float, spacer_transmission: float) -> None:
    """As two perfect filters have it in series; in proportion to n, where the digits of the layers do not reach."""
    torque, g = result
    assert 0 <= g <= spacer_transmission
    filters, n = ferromagnet(1.0, 0.0), max(spacer_transmission, 1e-3)
    with warnings.catch_warnings(action="ignore"):
        whole = transport([rotate(filters, theta), normal_metal(n), filters])
    np.testing.assert_allclose(g / spacer_transmission, whole.conductance / n, rtol=0, atol=1e-9)
    # Filters nearly alike resolve the filling of the mode between them badly, and below 1e-7 not; the angle bounds all.
    turned = abs(np.sin(theta))
    rounding = min(turned, 4e-16 / (n * turned)) if turned else 0.0
    np.testing.assert_allclose(torque / spacer_transmission, whole.torque[2] / n, rtol=0, atol=1e-9 + rounding)


@st.composite
def weak(draw_one: st.DrawFn) -> dict[str, float]:
    inputs = {"theta": draw_one(draw.angles()), "spacer_transmission": draw_one(draw.sizes(1e-9, 1.0))}
    for layer in "ab":
        mean = draw_one(layers.PROBABILITY)
        share = draw_one(st.one_of(draw.between(-1.0, 1.0), draw.signed(1e-9, 1e-3)))
        inputs |= {f"transmission_{layer}": mean, f"asymmetry_{layer}": share * min(mean, 1 - mean)}
    return inputs


MIDDLE, LESS = draw.between(0.1, 0.9), draw.between(0.01, 0.1)
PLAIN = st.fixed_dictionaries(
    {
        "theta": draw.between(0.3, 2.8),
        "spacer_transmission": draw.between(0.01, 1.0),
        "transmission_a": MIDDLE,
        "asymmetry_a": LESS,
        "transmission_b": MIDDLE,
        "asymmetry_b": LESS,
    }
)


def _weak(torque: Any, theta: float, spacer_transmission: float, **given: float) -> None:
    """Linear in one asymmetry and quadratic in the other; small ones, of a twentieth, have the torque of the layers."""
    weak, small, power = 0.05, [], 1.0
    for layer, order in (("a", 1), ("b", 2)):
        mean, half = given[f"transmission_{layer}"], given[f"asymmetry_{layer}"]
        wanted = weak * min(mean, 1 - mean)
        small.append(ferromagnet(mean + wanted, mean - wanted))
        power *= (wanted / half) ** order if abs(half) > 1e-30 else 0.0
    with warnings.catch_warnings(action="ignore"):
        whole = transport([rotate(small[0], theta), normal_metal(spacer_transmission), small[1]])
    if power:
        tolerance = 3e-2 * np.abs(power * torque).max() + 1e-13
        np.testing.assert_allclose(whole.torque[2], power * torque, rtol=0, atol=tolerance)
    else:
        assert np.abs(torque).max() <= 1e-20


@st.composite
def dirty(draw_one: st.DrawFn) -> dict[str, Any]:
    share, part = draw_one(draw.between(0.0, 1.0)), draw_one(draw.between(0.0, 0.999))
    phase = [np.exp(1j * draw_one(draw.angles())) for _ in range(2)]
    return {
        "theta": draw_one(draw.angles()),
        "spacer_transmission": draw_one(draw.sizes(1e-12, 1.0)),
        "transmission_up_a": draw_one(draw.sizes(1e-9, 1.0)),
        "transmission_down_a": draw_one(draw.sizes(1e-9, 1.0)),
        "reflection_mixing_b": complex(share * part * phase[0]),
        "transmission_mixing_b": complex(share * (1 - part) * phase[1]),
    }


def _dirty(
    torque: Any,
    theta: float,
    spacer_transmission: float,
    transmission_up_a: float,
    transmission_down_a: float,
    reflection_mixing_b: complex,
    transmission_mixing_b: complex,
) -> None:
    """A spacer that is dirty against both magnets has the torque of the layers, which is as its square."""
    passing = 1 - abs(reflection_mixing_b)
    magnets = [
        rotate(ferromagnet(transmission_up_a, transmission_down_a), theta),
        ferromagnet(passing, passing, reflection_mixing=reflection_mixing_b, transmission_mixing=transmission_mixing_b),
    ]
    n = 1e-3 * min(transmission_up_a, transmission_down_a, passing)
    with warnings.catch_warnings(action="ignore"):
        whole = transport([magnets[0], normal_metal(n), magnets[1]])
    wanted = (n / spacer_transmission) ** 2 * torque
    tolerance = 1e-2 * np.abs(wanted).max() + 1e-14
    np.testing.assert_allclose(whole.torque[2], wanted, rtol=0, atol=tolerance)


@st.composite
def valves(draw_one: st.DrawFn) -> dict[str, Any]:
    """Two magnets along z of real mixing that let something pass."""
    inputs: dict[str, Any] = {"spacer_transmission": draw_one(draw.sizes(1e-9, 1.0))}
    for name in ("fixed", "free"):
        up, down = draw_one(draw.between(1e-3, 1.0)), draw_one(layers.PROBABILITY)
        magnet: dict[str, Any] = {"transmission_up": up, "transmission_down": down}
        for mixing, bound in (("reflection", np.sqrt((1 - up) * (1 - down))), ("transmission", np.sqrt(up * down))):
            if draw_one(st.booleans()):
                magnet[f"{mixing}_mixing"] = float(bound * draw_one(draw.between(-1.0, 1.0)))
        inputs[name] = ferromagnet(**magnet)
    if draw_one(st.booleans()):
        inputs["free"] = inputs["fixed"]
    return inputs


def _slonczewski(law: Any, fixed: Any, spacer_transmission: float, free: Any) -> None:
    """The law is what transport gives, at any angle and in both of its forms."""
    assert -1e-12 <= law.cosine_squared <= 1 + 1e-12
    assert min(law.asymmetry_fixed, law.asymmetry_free) >= 1
    assert np.isnan(law.polarization) == np.isnan(law.asymmetry)
    assert law(0.0) == 0.0
    theta = 1.0
    with warnings.catch_warnings(action="ignore"):
        from_layers = transport([rotate(fixed, theta), normal_metal(spacer_transmission), free])
    if from_layers.conductance > 1e-6 * spacer_transmission:
        found, scale = from_layers.torque_per_current[2, 0], max(1.0, abs(float(law(theta))))
        assert float(law(theta)) == pytest.approx(found, abs=1e-5 * scale)


def _law(value: float, self: Any, theta: float) -> None:
    assert value == pytest.approx(-float(self(-theta)), abs=1e-12 * (1 + abs(value)))


SYMMETRIC = "only a symmetric stack has one polarization and one asymmetry"
FILTER = "infinite for a perfect filter"

CONTRACTS = (
    *(
        Contract(
            "scattering.stack.transport",
            sources(kind),
            _transport,
            {"polarization": 1},
            nan={"torque_per_current": "stated: nan where g <= 1e-15"},
            warns=BLOCKED,
            tolerance=1e-9,
            label=kind,
        )
        for kind in ("averaged", "coherent")
    ),
    Contract(
        "scattering.closed_forms.perfect_filter",
        st.fixed_dictionaries({"theta": draw.angles(), "spacer_transmission": draw.sizes(1e-300, 1.0)}),
        _filters,
        {"theta": 0, "spacer_transmission": 0},
    ),
    Contract(
        "scattering.closed_forms.weak_filter_torque",
        weak(),
        _weak,
        dict.fromkeys(("theta", "spacer_transmission", "transmission_a", "asymmetry_a"), 0),
        examples=60,
    ),
    Contract("scattering.closed_forms.weak_filter_torque", PLAIN, _weak, label="far from the ends"),
    Contract(
        "scattering.closed_forms.dirty_spacer_torque",
        dirty(),
        _dirty,
        dict.fromkeys(("theta", "spacer_transmission", "transmission_up_a", "transmission_down_a"), 0),
    ),
    Contract(
        "scattering.closed_forms.slonczewski_parameters",
        valves(),
        _slonczewski,
        {"spacer_transmission": 0},
        nan={"polarization": SYMMETRIC, "asymmetry": SYMMETRIC},
        inf={"asymmetry": FILTER, "asymmetry_fixed": FILTER, "asymmetry_free": FILTER},
        examples=60,
    ),
    Contract(
        "scattering.closed_forms.SlonczewskiTorque.__call__",
        st.fixed_dictionaries(
            {"self": valves().map(lambda given: slonczewski_parameters(**given)), "theta": draw.angles()}
        ),
        _law,
        {"theta": 0},
    ),
)

_WEAK = {
    "theta": 1.0,
    "spacer_transmission": 0.5,
    "transmission_a": 0.25,
    "asymmetry_a": 0.1,
    "transmission_b": 0.75,
    "asymmetry_b": 0.1,
}
_DIRTY = {
    "theta": 1.0,
    "spacer_transmission": 0.5,
    "transmission_up_a": 0.5,
    "transmission_down_a": 0.25,
    "reflection_mixing_b": 0.5,
    "transmission_mixing_b": 0.25,
}
_M = ferromagnet(0.6, 0.2)
_VALVE = {"fixed": _M, "spacer_transmission": 0.5, "free": _M}
_WIRE = SMatrix(np.zeros((2, 2)), np.eye(2), np.eye(2), np.zeros((2, 2)))

LIMITS = (
    Limit(
        "scattering.stack.transport",
        "polarization",
        [(0, 0, 1), (0.0, 1 + 9e-13, 0.0), (0, 0, 0), None],
        [(0, 0, 1 + 1.1e-12), (1.0, 1.0, 0.0), (0.0, 1.0), 1.0, (0, 0, NAN)],
        ("pass vectors of shape (..., 3) with |polarization| <= 1",),
        {"layers": [_M]},
    ),
    Limit(
        "scattering.stack.transport",
        "source",
        ["left", "right"],
        ["", "Left", None, 0, ["left"]],
        ("pass 'left' or 'right'",),
        {"layers": [_M]},
    ),
    Limit(
        "scattering.stack.transport",
        "layers",
        [[_M], (_WIRE, _WIRE)],
        [[], _M, None, 1, [_M, _WIRE], [1]],
        ("pass",),
    ),
    probabilities("closed_forms.perfect_filter", "spacer_transmission", {"theta": 1.0}, zero=False),
    probabilities("closed_forms.weak_filter_torque", "spacer_transmission", _WEAK, zero=False),
    probabilities(
        "closed_forms.weak_filter_torque", "transmission_a", _WEAK | {"asymmetry_a": 0.0, "asymmetry_b": 0.0}
    ),
    probabilities("closed_forms.weak_filter_torque", "transmission_b", _WEAK | {"asymmetry_b": 0.0}),
    Limit(
        "scattering.closed_forms.weak_filter_torque",
        "asymmetry_a",
        [0.25, -0.25, 0.25 + 9e-13],
        [0.25 + 1.1e-12, -0.3, INF, NAN],
        given=_WEAK,
    ),
    Limit(
        "scattering.closed_forms.weak_filter_torque",
        "asymmetry_b",
        [0.25, -0.25, 0.25 + 9e-13],
        [0.25 + 1.1e-12, -0.3, INF, NAN],
        given=_WEAK,
    ),
    Limit(
        "scattering.closed_forms.weak_filter_torque",
        "asymmetry_b",
        [0.0, 9e-13, -9e-13],
        [1.1e-12],
        given=_WEAK | {"transmission_b": 1.0},
        label="of a layer that transmits everything",
    ),
    probabilities("closed_forms.dirty_spacer_torque", "spacer_transmission", _DIRTY, zero=False),
    *(
        Limit(
            "scattering.closed_forms.dirty_spacer_torque",
            name,
            [1.0, 1e-300],
            [0.0, np.nextafter(1.0, 2), -5e-324, INF, NAN],
            (f"pass 0 < {name} <= 1",),
            _DIRTY,
        )
        for name in ("transmission_up_a", "transmission_down_a")
    ),
    Limit(
        "scattering.closed_forms.dirty_spacer_torque",
        "reflection_mixing_b",
        [np.nextafter(1.0, 0), -1.0, 1j],
        [1.0, 1 + 1.2e-12, -2.0, INF, NAN],
        ("pass",),
        _DIRTY | {"transmission_mixing_b": 0.0},
    ),
    Limit(
        "scattering.closed_forms.dirty_spacer_torque",
        "transmission_mixing_b",
        [0.5, -0.5j, 0.5 + 9e-13],
        [0.5 + 1.1e-12, 0.6j, 2.0, INF, NAN],
        ("pass",),
        _DIRTY,
    ),
    probabilities("closed_forms.slonczewski_parameters", "spacer_transmission", _VALVE, zero=False),
    *(
        Limit(
            "scattering.closed_forms.slonczewski_parameters",
            name,
            [_M, ferromagnet(1, 0), ferromagnet(1e-12, 0, reflection_mixing=0.0)],
            [
                ferromagnet(0.6, 0.2, theta=1e-5),
                ferromagnet(0.6, 0.2, reflection_mixing=0.1j),
                ferromagnet(0, 0, reflection_mixing=0.0),
                ferromagnet(0, 0),
                _WIRE,
                None,
            ],
            ("pass",),
            _VALVE,
            endless=dict.fromkeys(("polarization", "asymmetry", "asymmetry_fixed", "asymmetry_free"), "stated"),
        )
        for name in ("fixed", "free")
    ),
)


@contracts(*CONTRACTS)
def test_invariant_contract_scattering_transport(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_scattering_transport(row: Contract | Limit) -> None:
    row.check_refusals()
