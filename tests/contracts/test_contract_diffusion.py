"""Contracts of diffusion in stacks of parallel channels."""

from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import assume
from hypothesis import strategies as st

from spinlib.diffusion import Interface, Layer, Medium, StackSolution, reverse, solve_stack
from spinlib.units import e
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw
from tests.contracts.rows import not_negative, positive

NAN = float("nan")
CHANNELS = ("s_up", "s_down", "d_up", "d_down")
SIGMA = draw.sizes(1e-1, 1e13)  # S/m, 14 decades about those of metals
LENGTHS = draw.sizes(1e-14, 1e-3)  # m
SLAB, LEAD = Layer(Medium.valet_fert(1e-7, 0.5, 1e-8), 1e-8), Layer(Medium.valet_fert(1e-8, 0.0, 1e-6), inf)
SOLVED = solve_stack([LEAD, SLAB, LEAD])


def _rate(one: float, other: float, length: float) -> float:
    return float(1 / ((1 / one + 1 / other) * length**2))


@st.composite
def media(draws: st.DrawFn, count: int = 2, tied: bool = False) -> Medium:
    """Media with frozen channels and channels that do not relax; all are tied together if ``tied``."""
    sigma = np.array([draws(SIGMA) for _ in range(count)])
    if not tied:
        frozen = np.array([draws(st.sampled_from([False, False, False, True])) for _ in range(count)])
        sigma[frozen & (np.arange(count) > 0)] = 0.0
    rates = np.zeros((count, count))
    for i in range(count):
        for j in range(i):
            if sigma[i] and sigma[j] and ((j == i - 1 and tied) or draws(st.booleans())):
                rates[i, j] = rates[j, i] = _rate(sigma[i], sigma[j], draws(LENGTHS))
    return Medium(sigma, rates)


@st.composite
def faces(draws: st.DrawFn, count: int = 2) -> Interface | None:
    """Transparent, resisting, blocking and relaxing interfaces, or none."""
    if draws(st.booleans()):
        return None
    kinds = st.one_of(draw.sizes(1e-22, 1e-8), draw.sizes(1e-22, 1e-8), st.sampled_from([0.0, inf]))
    r = np.array([draws(kinds) for _ in range(count)])
    r[0] = draws(draw.sizes(1e-22, 1e-8))
    if not 0 < r[1] < inf or draws(st.booleans()):
        return Interface(r)
    rates = np.zeros((count, count))
    rates[0, 1] = rates[1, 0] = draws(draw.sizes(1e-4, 1e4)) / (r[0] + r[1])
    return Interface(r, rates)


@st.composite
def stacks(draws: st.DrawFn) -> dict[str, Any]:
    """Stacks of one to five layers between leads or reservoirs, with a path along the first channel."""
    count, number = draws(st.sampled_from([2, 2, 4])), draws(st.integers(1, 5))
    ends = [draws(st.booleans()) and number > 1 for _ in range(2)]
    leads = [ends[0], *[False] * (number - 2), ends[1]][:number]
    layers = [Layer(draws(media(count, tied=lead)), inf if lead else draws(draw.sizes(1e-14, 1e-3))) for lead in leads]
    interfaces = [draws(faces(count)) for _ in range(number - 1)]
    given = {"layers": layers, "interfaces": interfaces}
    return given | draws(st.fixed_dictionaries({}, optional={"current_density": draw.signed(1e-6, 1e14)}))


@st.composite
def films(draws: st.DrawFn) -> dict[str, Any]:
    """Two to four magnetic films, each about as thick as its spin diffusion length, of like resistivity."""
    layers = []
    for _ in range(draws(st.integers(2, 4))):
        length = draws(draw.sizes(1e-9, 1e-7))
        medium = Medium.valet_fert(draws(draw.sizes(1e-8, 1e-6)), draws(draw.between(-0.9, 0.9)), length)
        layers.append(Layer(medium, length * draws(draw.sizes(0.03, 30.0))))
    return {"layers": layers, "interfaces": [None] * (len(layers) - 1)}


def _conducts(medium: Medium, conductivity: np.ndarray, relaxation: np.ndarray) -> None:
    assert medium.total_conductivity == pytest.approx(np.sum(conductivity), rel=1e-14, abs=0)
    assert (np.diff(medium.diffusion_lengths) >= 0).all()
    assert (medium.diffusion_lengths > 0).all()


def _valet_fert(
    medium: Medium, resistivity: float, beta: float = 0.0, spin_diffusion_length: float = inf, channels: int = 2
) -> None:
    up, down = 1 / medium.conductivity[:2]
    assert medium.channels == channels
    assert (up - down) / (up + down) == pytest.approx(-beta, abs=1e-12)
    assert medium.total_conductivity * resistivity * (1 - beta**2) == pytest.approx(1, abs=1e-9)
    if spin_diffusion_length < inf:
        assert medium.diffusion_lengths == pytest.approx([spin_diffusion_length], rel=1e-9, abs=0)
    else:
        assert not medium.diffusion_lengths.size


def _s_d(medium: Medium, conductivity: float, beta: float, **given: Any) -> None:
    up, down, frozen, d = medium.conductivity
    assert frozen == 0
    assert up + down == pytest.approx(conductivity, rel=1e-12, abs=0)
    assert up - down == pytest.approx(beta * conductivity, abs=1e-12 * conductivity)
    if "minority_conductivity" in given:
        assert down + d == pytest.approx(given["minority_conductivity"], rel=1e-9, abs=0)
    else:
        assert down - d == pytest.approx(given["minority_beta"] * (down + d), abs=1e-12 * (down + d))


def _contact(
    face: Interface, resistance: float, gamma: float = 0.0, spin_memory_loss: float = 0.0, channels: int = 2
) -> None:
    up, down = face.resistance[:2]
    assert len(face.resistance) == channels
    assert np.isinf(face.resistance[2:]).all()
    assert up + down == pytest.approx(4 * resistance, rel=1e-12, abs=0)
    assert down - up == pytest.approx(4 * gamma * resistance, abs=1e-12 * resistance)
    assert (face.relaxation is None) == (spin_memory_loss == 0)


def _is_same(twice: Any, item: Any) -> None:
    for name in ("conductivity", "relaxation", "resistance", "thickness"):
        np.testing.assert_array_equal(getattr(twice, name, None), getattr(item, name, None))


def _reversed(turned: Any, item: Any) -> None:
    _is_same(reverse(turned), item)


def _stationary(solution: StackSolution, layers: Any, current_density: float = 1.0, **_: Any) -> None:
    """No heat is negative, all of it is the power; the excess is not negative; all channels carry the current."""
    j, heat = current_density, solution.dissipation()
    tolerance = 1e-7
    assert solution.resistance >= 0
    assert solution.excess_resistance >= -tolerance * solution.resistance
    assert min(heat.joule.min(), heat.relaxation.min(), heat.interfaces.min(initial=0.0)) >= -1e-12 * heat.total
    assert heat.total == pytest.approx(j**2 * solution.resistance, rel=tolerance, abs=0)
    assert solution.resistance == solve_stack(layers, solution.interfaces, 1.0).resistance
    finite = solution.edges[np.isfinite(solution.edges)]
    z = np.concatenate([finite, (finite[1:] + finite[:-1]) / 2])
    profile = solution.profile(z)
    np.testing.assert_allclose(profile.current_density.sum(axis=0), j, rtol=1e-6, atol=0)
    np.testing.assert_array_equal(profile.relaxation_rate, -profile.relaxation_rate.swapaxes(0, 1))


def _turned(solution: StackSolution, layers: Any, interfaces: Any, **_: Any) -> None:
    """Up and down exchanged everywhere, or both ends: the same resistance."""
    up = solve_stack([reverse(x) for x in layers], [x and reverse(x) for x in interfaces])
    back = solve_stack(layers[::-1], interfaces[::-1])
    for other in (up, back):
        assert other.resistance == pytest.approx(solution.resistance, rel=1e-7, abs=0)


def _anywhere(profile: Any, self: StackSolution, position: Any, side: str = "right") -> None:
    total = profile.current_density.sum(axis=0)
    np.testing.assert_allclose(total, self.current_density, rtol=1e-12)
    assert profile.spin_accumulation.shape == np.shape(np.atleast_1d(position))


def _heats(heat: Any, self: StackSolution) -> None:
    """All of it is the power, none of it is negative."""
    parts = [heat.joule.sum(), heat.relaxation.sum(), heat.interfaces.sum()]
    assert min(parts) >= 0
    assert sum(parts) == pytest.approx(heat.total, rel=1e-12, abs=0)
    assert heat.total == pytest.approx(self.current_density**2 * self.resistance, rel=1e-9, abs=0)


def _wires(lengths: Any, medium: Medium) -> None:
    """The short mode is shorter than both single ones, the long one longer; with finite lengths their squares add."""
    both = sorted((lengths.l_sd, lengths.l_sf))
    assert lengths.lambda_plus <= both[0] * (1 + 1e-12)
    assert lengths.lambda_minus >= both[1] * (1 - 1e-12)
    rate = lengths.l_sd**-2 + lengths.l_sf**-2
    assert lengths.lambda_plus**-2 + lengths.lambda_minus**-2 == pytest.approx(rate, rel=1e-9, abs=0)


def _junction(found: Any, normal: Medium, ferromagnet: Medium, current_density: float = 1.0) -> None:
    """As :func:`solve_stack` has it, d carriers are behind the s carriers, and the resistance is not negative."""
    j = current_density
    assert found.resistance >= 0
    assert found.d_accumulation * j >= 0
    assert found.amplitude_plus + found.amplitude_minus == pytest.approx(
        found.d_accumulation, abs=1e-9 * (abs(found.amplitude_plus) + abs(found.amplitude_minus))
    )
    stack = solve_stack([Layer(normal, inf), Layer(ferromagnet, inf)], current_density=j)
    assert found.resistance == pytest.approx(stack.resistance, rel=1e-6, abs=0)
    profile = stack.profile(0.0)
    size = e * abs(j) * stack.resistance + abs(found.d_accumulation) + abs(found.spin_accumulation)
    assert found.spin_accumulation == pytest.approx(float(profile.affinity[0, 1, 0]), abs=1e-6 * size)


@st.composite
def _s_d_media(draws: st.DrawFn, lengths: st.SearchStrategy[float] = LENGTHS) -> Medium:
    sigma = {name: draws(SIGMA) for name in ("s_up", "s_down", "d_down")}
    rates = {
        pair: _rate(sigma[pair[0]], sigma[pair[1]], draws(lengths))
        for pair in (("s_up", "s_down"), ("s_down", "d_down"))
    }
    return Medium.four_channel(sigma, rates)


@st.composite
def _normal(draws: st.DrawFn) -> Medium:
    up, down = draws(SIGMA), draws(SIGMA)
    return Medium.four_channel({"s_up": up, "s_down": down}, {("s_up", "s_down"): _rate(up, down, draws(LENGTHS))})


@st.composite
def _raw(draws: st.DrawFn) -> dict[str, Any]:
    medium = draws(media(draws(st.sampled_from([2, 4]))))
    return {"conductivity": np.array(medium.conductivity), "relaxation": np.array(medium.relaxation)}


@st.composite
def _raw_faces(draws: st.DrawFn) -> dict[str, Any]:
    face = draws(faces(draws(st.sampled_from([2, 4]))))
    assume(face is not None)
    rates = {} if face.relaxation is None else {"relaxation": np.array(face.relaxation)}
    return {"resistance": np.where(np.isinf(face.resistance), 1.0, face.resistance)} | rates


@st.composite
def _named(draws: st.DrawFn) -> dict[str, Any]:
    names = draws(st.lists(st.sampled_from(CHANNELS), min_size=1, unique=True))
    sigma = {name: draws(SIGMA) for name in names}
    pairs = [(a, b) for k, a in enumerate(names) for b in names[:k] if draws(st.booleans())]
    return {"conductivity": sigma, "relaxation": {pair: draws(draw.sizes(1e10, 1e30)) for pair in pairs}}


_ASYMMETRY = draw.between(-1.0, 1.0, open_below=True, open_above=True).map(lambda x: x * (1 - 1e-9))
_FOUR = st.sampled_from([2, 4])
_LENGTH = st.one_of(LENGTHS, st.just(inf))
_S_D = {"conductivity": SIGMA, "beta": _ASYMMETRY}
_ENDLESS = "no relaxation"
_BLOCKED = "lets no current pass"

_GIVEN = dict.fromkeys(("layers", "interfaces"), "as it was passed")
CONTRACTS = (
    Contract("diffusion.Medium", _raw(), _conducts),
    Contract(
        "diffusion.Medium.valet_fert",
        st.fixed_dictionaries(
            {"resistivity": draw.sizes(1e-12, 1e2)},
            optional={"beta": _ASYMMETRY, "spin_diffusion_length": _LENGTH, "channels": _FOUR},
        ),
        _valet_fert,
        takes={"spin_diffusion_length inf": _ENDLESS},
    ),
    Contract("diffusion.Medium.four_channel", _named(), takes={"relaxation none": "no relaxation"}),
    Contract(
        "diffusion.Medium.s_d",
        st.one_of(
            st.fixed_dictionaries(_S_D | {"minority_beta": draw.between(-1 + 1e-9, 1.0)}),
            st.fixed_dictionaries(
                {
                    "conductivity": draw.sizes(1.0, 2.0),
                    "beta": _ASYMMETRY,
                    "minority_conductivity": draw.sizes(2.0, 1e12),
                }
                | {"spin_diffusion_length": _LENGTH, "s_d_length": _LENGTH}
            ),
        ),
        _s_d,
        takes={f"{name} inf": _ENDLESS for name in ("spin_diffusion_length", "s_d_length")},
    ),
    Contract(
        "diffusion.Layer",
        st.fixed_dictionaries({"medium": media(), "thickness": st.one_of(draw.sizes(1e-15, 1.0), st.just(inf))}),
        shares="it holds its medium, which cannot be written to",
        inf={"thickness": "a lead"},
        takes={"thickness inf": "a lead"},
    ),
    Contract(
        "diffusion.Interface",
        _raw_faces(),
        takes={"resistance inf": _BLOCKED, "relaxation none": "no relaxation"},
    ),
    Contract(
        "diffusion.Interface.valet_fert",
        st.fixed_dictionaries(
            {"resistance": draw.sizes(1e-22, 1e-6)},
            optional={"gamma": _ASYMMETRY, "spin_memory_loss": draw.sizes(1e-6, 1e3), "channels": _FOUR},
        ),
        _contact,
        inf={"resistance": "both d channels are blocked"},
    ),
    Contract(
        "diffusion.reverse",
        st.fixed_dictionaries(
            {
                "item": st.one_of(
                    media(4), media(2), faces(4).filter(bool), st.builds(Layer, media(4), draw.sizes(1e-14, 1e-3))
                )
            }
        ),
        _reversed,
        inf={"resistance": _BLOCKED},
    ),
    Contract(
        "diffusion.solve_stack",
        stacks(),
        _stationary,
        omit=_GIVEN,
        inf={"edges": "a lead has no end"},
        takes={"interfaces none": "all are transparent"},
        examples=40,
    ),
    Contract(
        "diffusion.solve_stack",
        films(),
        _stationary,
        omit=_GIVEN,
        takes={"interfaces none": "all are transparent"},
        label="of films",
    ),
    Contract(
        "diffusion.solve_stack",
        stacks(),
        _turned,
        omit=_GIVEN,
        inf={"edges": "a lead has no end"},
        takes={"interfaces none": "all are transparent"},
        label="reversed",
    ),
    Contract(
        "diffusion.solve_stack",
        st.just({"layers": [SLAB, Layer(reverse(SLAB.medium), 1e-14)] * 1000}),
        _stationary,
        omit=_GIVEN,
        examples=1,
        label="of thousands",
    ),
    Contract(
        "diffusion.StackSolution.profile",
        st.fixed_dictionaries(
            {"self": st.just(SOLVED), "position": draw.signed(1e-15, 1e3)},
            optional={"side": st.sampled_from(["left", "right"])},
        ),
        _anywhere,
    ),
    Contract(
        "diffusion.StackSolution.dissipation",
        st.fixed_dictionaries({"self": st.just(SOLVED)}),
        _heats,
        examples=1,
    ),
    Contract(
        "diffusion.coupled_lengths",
        st.fixed_dictionaries({"medium": _s_d_media()}),
        _wires,
    ),
    Contract(
        "diffusion.normal_ferromagnet_junction",
        st.fixed_dictionaries(
            {"normal": _normal(), "ferromagnet": _s_d_media()},
            optional={"current_density": draw.signed(1e-6, 1e14)},
        ),
        _junction,
        examples=40,
    ),
)

_PLAIN = {"conductivity": [1.0, 2.0], "relaxation": [[0.0, 1.0], [1.0, 0.0]]}
_MINORITY = {"conductivity": 2.0, "beta": 0.0}
_TIED = {"s_up": 1.0, "s_down": 1.0, "d_down": 1.0}
_LOOSE = Medium([1.0, 1.0], np.zeros((2, 2)))
_SWIFT = np.array([[0.0, 1e20], [1e20, 0.0]])
_THIN = np.nextafter(1.0, 0.0)


def _sd(sigma: float = 1.0, rate: float = 1.0, cross: float = 0.0) -> Medium:
    rates = {("s_up", "s_down"): rate, ("s_down", "d_down"): rate, ("s_up", "d_down"): cross}
    return Medium.four_channel(_TIED | {"s_up": sigma}, rates)


def _plain(rate: float) -> Medium:
    return Medium.four_channel({"s_up": 1.0, "s_down": 1.0}, {("s_up", "s_down"): rate})


LIMITS = (
    Limit(
        "diffusion.Medium",
        "conductivity",
        [[0.0, 5e-324], [1.0, 0.0]],
        [[0.0, 0.0], [1.0, -5e-324], [1.0], [1.0, 1.0, 1.0]],
        ("pass",),
        _PLAIN,
    ),
    Limit(
        "diffusion.Medium",
        "relaxation",
        [np.zeros((2, 2)), [[0.0, 5e-324], [5e-324, 0.0]]],
        [[[0.0, -1.0], [-1.0, 0.0]], [[0.0, 1.0], [_THIN, 0.0]], [[5e-324, 1.0], [1.0, 0.0]], np.zeros((4, 4))],
        ("pass",),
        _PLAIN,
    ),
    *positive("diffusion.Medium.valet_fert", "resistivity", {}, 1e-300, 1e300),
    *positive("diffusion.Medium.valet_fert", "spin_diffusion_length", {"resistivity": 1e-7}, 1e-30, inf),
    Limit("diffusion.Medium.valet_fert", "beta", [_THIN, -_THIN], [1.0, -1.0], ("|beta| < 1",), {"resistivity": 1e-7}),
    Limit("diffusion.Medium.valet_fert", "channels", [2, 4], [3, 2.5, True], ("pass 2",), {"resistivity": 1e-7}),
    *positive("diffusion.Medium.s_d", "conductivity", {"beta": 0.0, "minority_beta": 0.0}, 1e-300),
    *(
        Limit(
            "diffusion.Medium.s_d",
            "conductivity",
            [1e-309],
            [5e-324],
            ("pass SI values",),
            {"beta": beta, "minority_beta": 0.0},
            f"tiny, beta = {beta}",
        )
        for beta in (0.0, 0.5, -0.5)  # neither channel, only up, only down is left
    ),
    *(
        Limit(
            "diffusion.Medium.s_d",
            "conductivity",
            [1e-307],
            [1e-309, 1e-310],
            ("pass SI values",),
            _MINORITY | {"minority_beta": 0.0, length: 1e-9},
            f"tiny, with {length}",
        )
        for length in ("spin_diffusion_length", "s_d_length")
    ),
    *(
        Limit(
            "diffusion.Medium.s_d",
            length,
            [1e100, inf],
            [1e200],
            ("pass SI values", "inf"),
            _MINORITY | {"minority_beta": 0.0},
            "huge",
        )
        for length in ("spin_diffusion_length", "s_d_length")
    ),
    Limit(
        "diffusion.Medium.s_d",
        "beta",
        [0.999999, -0.999999],
        [1.0, -1.0],
        ("|beta| < 1",),
        _MINORITY | {"minority_beta": 0.0},
    ),
    Limit("diffusion.Medium.s_d", "minority_beta", [-1 + 1e-9, 1.0], [-1.0, 1 + 1e-15], ("minority_beta",), _MINORITY),
    Limit(
        "diffusion.Medium.s_d",
        "minority_conductivity",
        [1.0, 1 - 5e-13, 1e9],
        [1 - 2e-12, 0.0, -1.0],
        ("pass",),
        _MINORITY,
    ),
    *positive(
        "diffusion.Medium.s_d", "spin_diffusion_length s_d_length", _MINORITY | {"minority_beta": 0.0}, 1e-30, inf
    ),
    *positive("diffusion.Layer", "thickness", {"medium": SLAB.medium}, 5e-324, inf),
    Limit(
        "diffusion.Interface",
        "resistance",
        [[0.0, inf], [-0.0, 5e-324]],
        [[1.0, -5e-324], [1.0, NAN], [-inf, 1.0]],
        ("pass",),
    ),
    Limit(
        "diffusion.Interface",
        "resistance",
        [[5e-324, 1.0], [inf, 1.0]],
        [[0.0, 1.0]],
        ("r_i > 0",),
        {"relaxation": [[0.0, 1.0], [1.0, 0.0]]},
        label="that relaxes",
    ),
    *not_negative("diffusion.Interface.valet_fert", "resistance", {}),
    *not_negative("diffusion.Interface.valet_fert", "spin_memory_loss", {"resistance": 1e-15}),
    Limit(
        "diffusion.Interface.valet_fert",
        "gamma",
        [1.0, -1.0],
        [1 + 1e-15, -1 - 1e-15],
        ("|gamma| <= 1",),
        {"resistance": 1e-15},
    ),
    Limit(
        "diffusion.Interface.valet_fert",
        "spin_memory_loss",
        [0.0],
        [5e-324, 1.0],
        ("spin_memory_loss=0",),
        {"resistance": 1e-15, "gamma": 1.0},
        label="beside a short",
    ),
    Limit(
        "diffusion.solve_stack",
        "layers",
        [[SLAB], [LEAD, LEAD], [SLAB, SLAB], [LEAD, SLAB, LEAD]],
        [[], [LEAD], [Layer(_LOOSE, inf), SLAB], [SLAB, 1.0], SLAB],
        ("pass",),
    ),
    Limit(
        "diffusion.solve_stack",
        "layers",
        [[SLAB, Layer(Medium([1e-13, 1e27], [[0.0, 1e3], [1e3, 0.0]]), 1e12)]],
        [[Layer(Medium([1e17, 1e35], np.zeros((2, 2))), 1e-4), Layer(Medium([1e-21, 1e-29], _SWIFT), 1e22)]],
        ("pass conductivities, lengths and resistances within 20 orders",),
        label="far apart",
    ),
    Limit("diffusion.solve_stack", "layers", [], [[SLAB, LEAD, SLAB]], ("only an outer layer",), label="inside"),
    Limit(
        "diffusion.solve_stack",
        "interfaces",
        [None, [None]],
        [[], [None, None], [1.0], 1.0],
        ("pass",),
        {"layers": [SLAB, SLAB]},
    ),
    Limit(
        "diffusion.StackSolution.profile",
        "side",
        ["left"],
        ["up", None],
        ("'left' or 'right'",),
        {"self": SOLVED, "position": 0.0},
    ),
    Limit(
        "diffusion.StackSolution.profile",
        "position",
        [0.0, 1e-8, 1e-8 * (1 + 1e-15)],
        [-1e-20, 1.0000001e-8, inf, [[0.0]]],
        ("pass",),
        {"self": solve_stack([SLAB])},
    ),
    Limit(
        "diffusion.coupled_lengths",
        "medium",
        [_sd(1e-30), _sd(1e30), _sd(1.0, 1e-60), _sd(1.0, 1e60), _sd(1.0, 0.0)],
        [_sd(0.99e-30), _sd(1.01e30), _sd(1.0, 0.99e-60), _sd(1.0, 1.01e60), _sd(cross=1e-9), SLAB.medium],
        ("pass",),
        endless=dict.fromkeys(
            ("l_sd", "l_sf", "lambda_s", "lambda_sd", "lambda_minus", "lambda_plus"),
            "channels that are not tied do not relax",
        ),
    ),
    Limit(
        "diffusion.normal_ferromagnet_junction",
        "ferromagnet",
        [_sd(), _sd(1e-30), _sd(1.0, 1e-60)],
        [_sd(0.99e-30), _sd(1.0, 0.0), _plain(1.0)],
        ("pass",),
        {"normal": _plain(1.0)},
    ),
    Limit(
        "diffusion.normal_ferromagnet_junction",
        "normal",
        [_plain(1.0), _plain(1e-60)],
        [_plain(0.0), _plain(0.99e-60), _sd()],
        ("pass",),
        {"ferromagnet": _sd()},
    ),
)
_SIGN = "positive along +z, any sign"
NO_LIMIT = {f"diffusion.{name} current_density": _SIGN for name in ("solve_stack", "normal_ferromagnet_junction")}


@contracts(*CONTRACTS)
def test_invariant_contract_diffusion(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_diffusion(row: Contract | Limit) -> None:
    row.check_refusals()
