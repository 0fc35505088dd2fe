"""Contracts of response matrices: reciprocity, the second law, and their limits."""

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from spinlib.circuit import InterfaceConductance
from spinlib.onsager import WallResponse, discrete_response, texture_response
from spinlib.pumping import pumping_damping
from spinlib.units import e, hbar
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw, kinds
from tests.contracts.test_contract_circuit import interfaces

INF, NAN = float("inf"), float("nan")
UP = (0.0, 0.0, 1.0)
GAIN = "would gain energy from nothing"
RATIOS = draw.sizes(1e8, 1e14)


@st.composite
def contacts(draw_one: st.DrawFn) -> dict[str, Any]:
    conductance = draw_one(interfaces())
    moment, gamma = draw_one(draw.sizes(1e-30, 1e3)), draw_one(RATIOS)
    least = pumping_damping(conductance.mixing, magnetic_moment=moment, gyromagnetic_ratio=gamma)
    excess = draw_one(st.one_of(draw.between(1.0, 10.0), st.just(1.0)))
    return {
        "m": draw_one(draw.directions()),
        "conductance": conductance,
        "alpha": float(least) * excess,
        "magnetic_moment": moment,
        "gyromagnetic_ratio": gamma,
    }


def _reciprocal(response: Any, m: Any, conductance: InterfaceConductance, **scale: float) -> None:
    """L(m) = L(-m)^T, and power is never negative: moment and field scaled so that all entries count.

    Where ``alpha`` is large and that of pumping alone, ``ss`` is what the currents of bias and pumping leave of each
    other, with the rounding of each.
    """
    back = discrete_response(-m, conductance, **scale).matrix
    units = np.repeat([1 / np.sqrt(scale["magnetic_moment"] * scale["gyromagnetic_ratio"]), 1.0], 3)
    whole, turned = response.matrix * units[:, None] * units, (back * units[:, None] * units).T
    m, s, cancelled = slice(0, 3), slice(3, 6), 1e-14 * abs(conductance.mixing)
    for block, rounding in (((m, m), 0.0), ((m, s), 0.0), ((s, m), 0.0), ((s, s), cancelled)):
        size = 1e-9 * np.abs(whole[block]).max() + rounding
        np.testing.assert_allclose(whole[block], turned[block], rtol=0, atol=size)
    assert np.linalg.eigvalsh(whole + whole.T).min() >= -1e-9 * np.abs(whole).max() - cancelled


@st.composite
def textures(draw_one: st.DrawFn) -> dict[str, Any]:
    m = draw_one(draw.directions())
    gradient = np.cross(draw_one(draw.arrays(draw.signed(1e-3, 1e9), (3, 3))), m)
    inputs = {
        "m": m,
        "gradient": gradient,
        "polarization": draw_one(draw.between(-1.0, 1.0)),
        "conductivity": draw_one(draw.sizes(1e-3, 1e9)),
        "beta": draw_one(draw.signed(1e-6, 1e3)),
        "saturation_magnetization": draw_one(draw.sizes(1.0, 1e7)),
        "gyromagnetic_ratio": draw_one(RATIOS),
    }
    if draw_one(st.booleans()):
        inputs["alpha"] = draw_one(st.one_of(draw.sizes(1e-9, 1e3), st.just(0.0)))
    return inputs


def _texture(response: Any, m: Any, conductivity: float, beta: float, **scale: Any) -> None:
    torque, pumping = response.torque, response.pumping
    size = np.abs(torque).max() + 1e-300
    np.testing.assert_allclose(m @ torque, 0, rtol=0, atol=1e-9 * size)
    np.testing.assert_allclose(pumping @ m, 0, rtol=0, atol=1e-9 * (np.abs(pumping).max() + 1e-300))
    # The torque is m x of what the reversed texture pumps, in units of M_s/gamma: one matrix serves both.
    back = texture_response(-m, -scale.pop("gradient"), conductivity=conductivity, beta=beta, **scale | {"alpha": None})
    turned = np.cross(m, back.pumping)
    ratio = scale["gyromagnetic_ratio"] / scale["saturation_magnetization"]
    np.testing.assert_allclose(torque.T, ratio * turned, rtol=0, atol=1e-9 * size)
    np.testing.assert_allclose(
        response.back_action * conductivity,
        torque @ pumping,
        rtol=0,
        atol=1e-9 * size * (np.abs(pumping).max() + 1e-300) * 3,
    )
    assert response.kappa >= 0


def _spin_flips(flips: Any, itinerant_share: float, **_: Any) -> None:
    assert flips.alpha >= 0
    assert flips.beta > 0
    assert 0 < flips.drift_factor <= 1
    assert flips.gyromagnetic_factor >= 1 - 1e-15
    if itinerant_share == 1:
        assert flips.alpha == flips.beta
    assert flips.alpha <= flips.beta * (1 + 1e-15)


def _wall(wall: WallResponse, ww: float, wc: float, cc: float) -> None:
    assert (wall.ww, wall.wc, wall.cc) == (ww, wc, cc)
    assert 0 <= wall.conductance <= cc


@st.composite
def elements(draw_one: st.DrawFn) -> dict[str, float]:
    ww, wc = draw_one(draw.sizes(1e-20, 1e20)), draw_one(draw.signed(1e-20, 1e20))
    rest = draw_one(st.one_of(draw.sizes(1e-20, 1e20), st.just(0.0)))
    return {"ww": ww, "wc": wc, "cc": wc**2 / ww + rest}


@st.composite
def moved(draw_one: st.DrawFn) -> dict[str, Any]:
    """A wire with two leads whose matrix depends on the place of a wall."""
    size = draw_one(st.integers(2, 4))
    s = draw_one(draw.unitary(size))
    random = np.random.default_rng(draw_one(st.integers(0, 999)))
    generator = random.normal(size=(size, size)) + 1j * random.normal(size=(size, size))
    scale = draw_one(draw.sizes(1e-6, 1e12))
    rows = draw_one(st.permutations(range(size)))[: draw_one(st.integers(1, size - 1))]
    return {"matrix": s, "derivatives": 1j * scale * s @ (generator + generator.conj().T), "channels": rows}


def _from_wire(wall: WallResponse, matrix: Any, derivatives: Any, channels: Any) -> None:
    others = WallResponse.from_scattering(matrix, derivatives, channels=sorted(set(range(len(matrix))) - {*channels}))
    assert wall.ww == others.ww
    # Landauer: the same from either side; friction: hbar/4 pi |dS|^2.
    assert wall.conductance == pytest.approx(others.conductance, abs=1e-9 * max(wall.cc, others.cc))
    friction = hbar / (4 * np.pi) * np.sum(np.abs(derivatives) ** 2)
    assert wall.ww * friction == pytest.approx(1.0, abs=1e-12)


DAMPED = {
    "alpha": draw.sizes(1e-9, 1e3),
    "beta": draw.signed(1e-9, 1e3),
    "conductance": st.one_of(draw.sizes(1e-9, 1e3), st.just(0.0)),
    "polarization": draw.between(-1.0, 1.0),
    "width": draw.sizes(1e-10, 1e-3),
    "area": draw.sizes(1e-20, 1e-3),
    "saturation_magnetization": draw.sizes(1.0, 1e7),
    "gyromagnetic_ratio": RATIOS,
}
_SIZES = ("width", "area", "saturation_magnetization", "gyromagnetic_ratio")


def _there_and_back(wall: WallResponse, alpha: float, beta: float, conductance: float, **wire: float) -> None:
    assert wall.effective_alpha(**{name: wire[name] for name in _SIZES}) == pytest.approx(alpha, abs=1e-9 * alpha)
    assert wall.conductance == pytest.approx(conductance, abs=1e-9 * wall.cc)
    if abs(wire["polarization"]) > 1e-100 and conductance > 1e-3 * wall.cc:
        back = wall.effective_beta(width=wire["width"], polarization=wire["polarization"])
        assert back == pytest.approx(beta, abs=1e-9 * abs(beta) * wall.cc / conductance)


def _alpha(value: float, self: WallResponse, **scale: float) -> None:
    assert value > 0


def _beta(value: float, self: WallResponse, polarization: float, **_: float) -> None:
    assert np.sign(value) == -np.sign(self.wc) * np.sign(polarization)


WALL = WallResponse(ww=2.0, wc=-1.0, cc=3.5)
SCALE = {"width": 1e-8, "area": 1e-16, "saturation_magnetization": 1e6, "gyromagnetic_ratio": 1.76e11}
_DAMPED = {"alpha": 0.01, "beta": 0.02, "conductance": 1e-3, "polarization": 0.5, **SCALE}
_TEXTURE = {
    "m": UP,
    "gradient": np.diag([1e6, 0.0, 0.0]),
    "polarization": 0.5,
    "conductivity": 1e7,
    "beta": 0.01,
    "saturation_magnetization": 1e6,
}
_DISCRETE = {"m": UP, "conductance": InterfaceConductance(3.0, 1.0, 2.0), "alpha": 1.0, "magnetic_moment": 1.0}
_LEAST = {"m": UP, "conductance": InterfaceConductance(2, 1, 2), "magnetic_moment": hbar / e}  # damping by pumping: 1
_FLIPS = {"spin_relaxation_time": 1e-12, "exchange_splitting": 1e-19}
_MOVED = {"matrix": np.eye(2), "derivatives": 2j * np.diag([1.0, -1.0]), "channels": [0]}
_NO_ALPHA = {"alpha none": "None leaves the warning out"}

CONTRACTS = (
    Contract(
        "onsager.discrete_response",
        contacts(),
        _reciprocal,
        {"m": 1, "alpha": 0, "magnetic_moment": 0, "gyromagnetic_ratio": 0},
        tolerance=1e-9,
    ),
    Contract(
        "onsager.texture_response",
        textures(),
        _texture,
        {
            "m": 1,
            "gradient": 2,
            "polarization": 0,
            "conductivity": 0,
            "beta": 0,
            "saturation_magnetization": 0,
            "gyromagnetic_ratio": 0,
            "alpha": 0,
        },
        warns=GAIN,
        tolerance=1e-9,
    ),
    Contract(
        "onsager.spin_flip_damping",
        st.fixed_dictionaries(
            {
                "spin_relaxation_time": draw.sizes(1e-18, 1e3),
                "exchange_splitting": draw.sizes(1e-25, 1e-15),
                "itinerant_share": draw.between(0.0, 1.0),
            }
        ),
        _spin_flips,
        {"spin_relaxation_time": 0, "exchange_splitting": 0, "itinerant_share": 0},
    ),
    Contract("onsager.WallResponse", elements(), _wall),
    Contract("onsager.WallResponse.from_scattering", moved(), _from_wire),
    Contract("onsager.WallResponse.from_damping", st.fixed_dictionaries(DAMPED), _there_and_back),
    Contract(
        "onsager.WallResponse.effective_alpha",
        st.fixed_dictionaries({"self": st.just(WALL), **{name: DAMPED[name] for name in _SIZES}}),
        _alpha,
    ),
    Contract(
        "onsager.WallResponse.effective_beta",
        st.fixed_dictionaries(
            {
                "self": elements().map(lambda given: WallResponse(**given | {"cc": given["cc"] * 2 + 1.0})),
                "width": DAMPED["width"],
                "polarization": st.one_of(draw.between(1e-9, 1.0), draw.between(-1.0, -1e-9)),
            }
        ),
        _beta,
    ),
)

LIMITS = (
    *kinds.unit("onsager.discrete_response", "m", given=_DISCRETE),
    *kinds.positive("onsager.discrete_response", "magnetic_moment", at=(1e-15, 1e30), given=_DISCRETE),
    *kinds.positive("onsager.discrete_response", "gyromagnetic_ratio", given=_DISCRETE, at=(1e-30, 1e20)),
    Limit(
        "onsager.discrete_response",
        "alpha",
        [1.0, 1 - 9e-13, 1e30],
        [1 - 1.1e-12, 0.0, -1.0, INF, NAN],
        ("pass",),
        given=_LEAST | {"gyromagnetic_ratio": e / hbar},
    ),
    *kinds.unit("onsager.texture_response", "m", given=_TEXTURE | {"gradient": np.zeros((3, 3))}),
    kinds.within("onsager.texture_response", "polarization", -1.0, 1.0, given=_TEXTURE),
    *kinds.positive(
        "onsager.texture_response", "conductivity", "saturation_magnetization", "gyromagnetic_ratio", given=_TEXTURE
    ),
    *kinds.not_negative("onsager.texture_response", "alpha", given=_TEXTURE | {"beta": 0.0}),
    Limit(
        "onsager.texture_response",
        "gradient",
        [np.diag([1.0, 0, 0]), [[1.0, 0, 9.9e-7], [0, 0, 0], [0, 0, 0]]],
        [[[1.0, 0, 1.1e-6], [0, 0, 0], [0, 0, 0]], np.eye(3)],
        ("pass d_i m perpendicular to m",),
        given=_TEXTURE,
    ),
    *kinds.positive("onsager.spin_flip_damping", "spin_relaxation_time", "exchange_splitting", given=_FLIPS),
    kinds.within("onsager.spin_flip_damping", "itinerant_share", 0.0, 1.0, given=_FLIPS),
    Limit("onsager.WallResponse", "ww", [1e-30, 1e30], [0.0, -5e-324], given={"wc": 0.0, "cc": 1.0}),
    Limit("onsager.WallResponse", "ww", [], [INF, NAN], given={"wc": 0.0, "cc": 1.0}, label="finite"),
    Limit(
        "onsager.WallResponse",
        "cc",
        [0.5, 0.5 * (1 - 9e-13)],
        [0.5 * (1 - 1.1e-12), 0.0, -1.0],
        ("pass cc of the wall that is free to move",),
        given={"ww": 2.0, "wc": -1.0},
    ),
    Limit(
        "onsager.WallResponse.from_scattering",
        "matrix",
        [np.eye(2) * (1 + 4.9e-9)],
        [np.eye(2) * (1 + 5.1e-9), np.eye(3)[:2]],
        ("pass a unitary",),
        given=_MOVED,
    ),
    Limit(
        "onsager.WallResponse.from_scattering",
        "channels",
        [[0], [1]],
        [[], [0, 0], [0, 1], [2]],
        (":",),
        given=_MOVED,
    ),
    Limit(
        "onsager.WallResponse.from_scattering",
        "derivatives",
        [np.diag([1j, 0.0])],
        [np.zeros((2, 2))],
        ("pass derivatives",),
        given=_MOVED,
    ),
    *kinds.positive(
        "onsager.WallResponse.from_damping",
        "alpha",
        "width",
        "area",
        "saturation_magnetization",
        "gyromagnetic_ratio",
        given=_DAMPED,
        at=(1e-9, 1e9),
    ),
    kinds.within("onsager.WallResponse.from_damping", "polarization", -1.0, 1.0, given=_DAMPED),
    *kinds.not_negative("onsager.WallResponse.from_damping", "conductance", given=_DAMPED, at=(1e9,)),
    *kinds.positive("onsager.WallResponse.effective_alpha", *SCALE, given={"self": WALL, **SCALE}, at=(1e-9, 1e9)),
    *kinds.positive("onsager.WallResponse.effective_beta", "width", given={"self": WALL, "polarization": 1.0}),
    kinds.within("onsager.WallResponse.effective_beta", "polarization", -1.0, 1.0, given={"self": WALL, "width": 1.0}),
    Limit(
        "onsager.WallResponse.effective_beta",
        "polarization",
        [1e-200],
        [0.0, -0.0],
        ("not 0",),
        given={"self": WALL, "width": 1.0},
        label="not 0",
    ),
    Limit(
        "onsager.WallResponse.effective_beta",
        "self",
        [WallResponse(1.0, 1.0, 1.0 + 1e-11)],
        [WallResponse(1.0, 1.0, 1.0), WallResponse(1.0, 0.0, 0.0)],
        ("take a wire that conducts",),
        given={"width": 1.0, "polarization": 1.0},
        named="conductance",
    ),
)


@contracts(*CONTRACTS)
def test_invariant_contract_onsager(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_onsager(row: Contract | Limit) -> None:
    row.check_refusals()
