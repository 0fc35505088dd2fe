"""Contracts of spin accumulation: media, structures, steady states, motion in time and closed forms."""

from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import assume
from hypothesis import strategies as st

from spinlib.accumulation import (
    Boundary,
    DiffusiveMedium,
    Layer,
    SpinAccumulation,
    SpinStructure,
    decay_rate,
    exchange_diffusion_tensor,
    hanle_signal,
    solve_accumulation,
    transverse_wavenumber,
)
from spinlib.spin import cross_matrix, rotation_matrix
from spinlib.units import hbar
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw
from tests.contracts.rows import not_negative, positive, quiet

_FICK = ("spin_relaxation_time", "spin_diffusion_length", "fermi_velocity")  # infinite in media of no loss, no flight
ENDLESS = "spins are never lost"
STATED = ("layer ", "the magnetization", "a field", "rtol = ")


@st.composite
def media(draws: st.DrawFn, endless: bool = True, magnetic: bool = True) -> DiffusiveMedium:
    """Metals with Fick's law or a flight, with spins that last or not, on both sides of the exchange field."""
    lost = draws(draw.sizes(1e-15, 1e-9))
    flight = draws(st.one_of(st.just(0.0), draw.between(0.0, 1.0))) * min(lost, 1e-13)
    splitting = draws(st.one_of(draw.signed(1e-24, 1e-19), st.just(0.0))) if magnetic else 0.0
    time = inf if endless and draws(st.booleans()) else lost
    return DiffusiveMedium(draws(draw.sizes(1e-6, 1e-1)), time, flight, splitting, draws(draw.sizes(1e-3, 1e3)))


@st.composite
def layers(draws: st.DrawFn) -> Layer:
    """Uniform layers of up to twenty wavelengths, with what feeds spins into them."""
    medium = draws(media(endless=False))
    wave = abs(transverse_wavenumber(medium))
    m = draws(draw.between(0.0, 1.0)) * draws(draw.directions())
    fed = draws(st.one_of(draw.vectors(1e-3, 1e3), st.just(np.zeros(3))))
    return Layer(medium, draws(draw.sizes(1e-3, 20.0)) / wave, m, drift=draws(draw.signed(1e-3, 1e3)), source=fed)


@st.composite
def ends(draws: st.DrawFn) -> Boundary | None:
    """All kinds of ends but rings."""
    vector = draws(draw.vectors(1e-3, 1e3))
    contact = draws(draw.sizes(1e-3, 1e5)) * np.eye(3)
    return draws(
        st.sampled_from(
            [
                None,
                Boundary.spin_accumulation(vector),
                Boundary.spin_current(vector),
                Boundary.contact(contact, vector),
                Boundary.open(),
            ]
        )
    )


@st.composite
def structures(draws: st.DrawFn, ring: bool = False) -> SpinStructure:
    stack = draws(st.lists(layers(), min_size=1, max_size=3))
    field = draws(st.one_of(draw.vectors(1e6, 1e12), st.just(np.zeros(3))))
    closed = Boundary.periodic(rotation_matrix((1, 0, 0), draws(draw.angles())) if ring else None)
    both = (closed, closed) if ring else (draws(ends()), draws(ends()))
    if not any(end is None or end.kind == "spin_accumulation" for end in both):
        # No end sets m: what relaxation and contacts hold is as uncertain as they are slow, and refused at last.
        lost = sum(layer.thickness / layer.medium.spin_relaxation_time for layer in stack)
        for end, layer in zip(both, (stack[0], stack[-1]), strict=True):
            lost += end.matrix[0, 0] / layer.medium.density_of_states if end.kind == "contact" else 0.0
        crossed = sum(layer.thickness / layer.medium.diffusivity for layer in stack)
        assume(lost * crossed > 1e-5)
    return SpinStructure(stack, *both, field, exchange_force=draws(st.booleans()))


METAL = DiffusiveMedium(1e-3, 1e-12, 1e-14, 1e-21)
TIPPED = np.array([[1.0, 2.0, 0], [-2.0, 1.0, 0], [0, 0, 1.0]])
PLAIN = DiffusiveMedium(1e-3, 1e-12)
SLAB = Layer(METAL, 1e-8)
BOTH = [Layer(METAL, 1e-7, (0, 0.6, 0.8)), SLAB]
SOLVED = solve_accumulation(SpinStructure(BOTH, Boundary.spin_current((1.0, 0, 0))))


def _lengths(metal: DiffusiveMedium, diffusivity: float, spin_relaxation_time: float, **_: Any) -> None:
    assert metal.mean_free_path <= np.sqrt(3) * metal.spin_diffusion_length * (1 + 1e-12)
    assert metal.exchange_frequency * hbar == pytest.approx(metal.exchange_splitting, rel=1e-14, abs=0)


def _edges(structure: SpinStructure, layers: Any, origin: float = 0.0, **_: Any) -> None:
    whole = sum(layer.thickness for layer in layers)
    assert structure.edges[0] == origin
    assert structure.edges[-1] - origin == pytest.approx(whole, abs=1e-12 * (whole + abs(origin)))


def _balance(found: SpinAccumulation, structure: SpinStructure, **_: Any) -> None:
    """What enters a layer, less what leaves it, is what relaxes, turns the local spins or the field takes."""
    assert found.error_estimate >= 0
    _ends(found, structure)
    edges = structure.edges
    if structure.left is not None and structure.left.kind == "spin_current":
        np.testing.assert_allclose(found.spin_current[0], structure.left.vector, rtol=0, atol=1e-6 * _flow(found))
    if structure.right is not None and structure.right.kind == "spin_current":
        np.testing.assert_allclose(found.spin_current[-1], structure.right.vector, rtol=0, atol=1e-6 * _flow(found))
    inner = [_sides(found, edge) for edge in edges]
    for index, layer in enumerate(structure.layers):
        entering, leaving = inner[index][1], inner[index + 1][0]
        fed = np.asarray(layer.source) * layer.thickness
        taken = found.layer_torque[index] + found.layer_relaxation[index] + found.layer_field_torque[index]
        size = 1e-5 * (_flow(found) + np.abs(fed).max() + np.abs(taken).max()) + _rounding(found, structure)
        np.testing.assert_allclose(entering - leaving + fed, taken, rtol=0, atol=size)


def _closes(found: SpinAccumulation, structure: SpinStructure, **_: Any) -> None:
    """w and j at the end of a ring are those at its start, turned."""
    first, last = (
        (found.spin_accumulation[k] - found.equilibrium[k] * structure.exchange_force)
        / structure.layers[k].medium.density_of_states
        for k in (0, -1)
    )
    size = np.abs(found.spin_accumulation / min(x.medium.density_of_states for x in structure.layers)).max()
    np.testing.assert_allclose(last, structure.right.matrix @ first, rtol=0, atol=1e-6 * size + 1e-300)
    size = 1e-6 * _flow(found) + _rounding(found, structure)
    np.testing.assert_allclose(
        found.spin_current[-1], structure.right.matrix @ found.spin_current[0], rtol=0, atol=size + 1e-300
    )
    _balance(found, structure)


def _ends(found: SpinAccumulation, structure: SpinStructure) -> None:
    """What each end fixes: m, its deviation from equilibrium, or j by the conductance of a contact."""
    for k, sign, end in ((0, -1, structure.left), (-1, 1, structure.right)):
        m, rest = found.spin_accumulation[k], found.equilibrium[k]
        size = 1e-9 * np.abs(found.spin_accumulation).max() + 1e-300
        if end is None:
            np.testing.assert_allclose(m, rest, rtol=0, atol=size)
        elif end.kind == "spin_accumulation":
            np.testing.assert_allclose(m, end.vector, rtol=0, atol=size)
        elif end.kind == "contact":
            nu = structure.layers[k].medium.density_of_states
            w = (m - rest * structure.exchange_force) / nu
            out = end.matrix @ (w - end.vector)
            size = 1e-9 * np.abs(end.matrix).max() * (np.abs(w).max() + np.abs(end.vector).max())
            size += 1e-6 * _flow(found) + _rounding(found, structure)
            np.testing.assert_allclose(sign * found.spin_current[k], out, rtol=0, atol=size)


def _there(values: tuple[np.ndarray, np.ndarray], self: SpinAccumulation, position: float) -> None:
    """A structure whose layer is cut there has these values at the cut."""
    edge = SOLVED.edges[1]
    index = int(position >= edge)
    start = SOLVED.edges[index]
    whole, depth = BOTH[index], position - start
    if not 1e-3 * whole.thickness < depth < (1 - 1e-3) * whole.thickness:
        return
    halves = [Layer(METAL, d, whole.magnetization) for d in (depth, whole.thickness - depth)]
    cut = [*BOTH[:index], *halves, *BOTH[index + 1 :]]
    other = _solve(structure=SpinStructure(cut, Boundary.spin_current((1.0, 0, 0))))
    places = np.flatnonzero(np.isclose(other.position, position, rtol=0, atol=1e-18))
    assert len(places) == 2
    for found, wanted in zip(values, (other.spin_accumulation, other.spin_current), strict=True):
        np.testing.assert_allclose(found, wanted[places[0]], rtol=0, atol=1e-6 * np.abs(wanted).max())


def _rounding(found: SpinAccumulation, structure: SpinStructure) -> float:
    """What the last digits of m make of a current, by diffusion, relaxation and precession in the layers."""
    pace = 0.0
    for layer in structure.layers:
        metal, d = layer.medium, layer.thickness
        field = abs(metal.exchange_frequency) + np.linalg.norm(structure.larmor_frequency)
        pace = max(pace, metal.diffusivity / d + d * (1 / metal.spin_relaxation_time + field))
    return float(1e-11 * np.abs(found.spin_accumulation).max() * pace)


def _flow(found: SpinAccumulation) -> float:
    return float(np.abs(found.spin_current).max())


def _sides(found: SpinAccumulation, edge: float) -> tuple[np.ndarray, np.ndarray]:
    """Current just left and just right of an edge: it is continuous, so both are that at the edge."""
    j = found.at(edge)[1]
    return j, j


def _turns(found: SpinAccumulation, structure: SpinStructure, **_: Any) -> None:
    """All spins turned: m and j turn along."""
    turn = rotation_matrix((1.0, 2.0, 3.0), 0.7)

    def end(side: Boundary | None) -> Boundary | None:
        if side is None or side.vector is None:
            return side
        matrix = None if side.matrix is None else turn @ side.matrix @ turn.T
        return Boundary(side.kind, turn @ side.vector, matrix)

    stack = [
        Layer(x.medium, x.thickness, turn @ x.magnetization, x.equilibrium, x.drift, turn @ x.source)
        for x in structure.layers
    ]
    other = SpinStructure(
        stack,
        end(structure.left),
        end(structure.right),
        turn @ structure.larmor_frequency,
        exchange_force=structure.exchange_force,
    )
    rotated = _solve(structure=other)
    x = (structure.edges[1:] + structure.edges[:-1]) / 2
    across = max(layer.thickness / layer.medium.diffusivity for layer in structure.layers)
    rounding = (1e-15 * _flow(found) * across, _rounding(found, structure))  # of m by the slope of a drift current
    for one, two, rest in zip(found.at(x), rotated.at(x), rounding, strict=True):
        np.testing.assert_allclose(two, one @ turn.T, rtol=0, atol=1e-5 * np.abs(one).max() + rest + 1e-300)


_solve = quiet("accumulation.solve_accumulation", *STATED)


def _lasts(found: SpinAccumulation, structure: SpinStructure, initial: np.ndarray, times: np.ndarray, **_: Any) -> None:
    """Between closed ends what is off equilibrium decays as exp(-t/tau_sf) and turns about H, against its sense."""
    layer = structure.layers[0]
    field = layer.medium.exchange_frequency * layer.magnetization + structure.larmor_frequency
    rest, pace = found.equilibrium[0], np.linalg.norm(field)
    away = []
    for time in times:
        turn = rotation_matrix(-field, pace * time) if pace else np.eye(3)
        away.append(np.exp(-time / layer.medium.spin_relaxation_time) * turn @ (initial - rest))
    size = np.abs(initial).max() + np.abs(rest).max() + 1e-300
    wanted = np.broadcast_to((rest + np.array(away))[:, None, :], found.spin_accumulation.shape)
    np.testing.assert_allclose(found.spin_accumulation, wanted, atol=2e-3 * size, rtol=0)
    rounding = 1e-9 * size * layer.medium.diffusivity / layer.thickness
    np.testing.assert_allclose(found.spin_current, 0, atol=rounding, rtol=0)


@st.composite
def _boxes(draws: st.DrawFn) -> dict[str, Any]:
    plain = draws(media(endless=False, magnetic=False))
    splitting = draws(draw.signed(1e-2, 10.0)) * hbar / plain.spin_relaxation_time
    medium = DiffusiveMedium(plain.diffusivity, plain.spin_relaxation_time, plain.momentum_time, splitting)
    closed = Boundary.spin_current((0.0, 0.0, 0.0))
    thickness = draws(draw.sizes(0.1, 10.0)) * medium.spin_diffusion_length
    lost = medium.spin_relaxation_time
    times = np.cumsum([draws(draw.sizes(0.03, 1.0)) * lost for _ in range(draws(st.integers(1, 2)))])
    return {
        "structure": SpinStructure(
            [Layer(medium, thickness, draws(draw.directions()))], closed, closed, draws(draw.vectors(1e-2, 10.0)) / lost
        ),
        "initial": draws(draw.vectors(1e-3, 1e3)),
        "times": times,
    }


def _settles(found: SpinAccumulation, structure: SpinStructure, **_: Any) -> None:
    """After thirty times of relaxation it is what the steady problem has."""
    steady = _solve(structure=structure)
    x = np.linspace(structure.edges[0], structure.edges[-1], 9)
    for late, rest in zip(found.at(x), steady.at(x), strict=True):
        np.testing.assert_allclose(late[-1], rest, rtol=0, atol=1e-4 * np.abs(rest).max() + 1e-300)


@st.composite
def _driven(draws: st.DrawFn) -> dict[str, Any]:
    """Two magnets of any directions, fed from the left, between times that a metal of like lengths needs."""
    lost, stack = draws(draw.sizes(1e-13, 1e-11)), []
    for _ in range(2):
        splitting = draws(draw.signed(1e-1, 10.0)) * hbar / lost
        medium = DiffusiveMedium(1e-3, lost, 1e-2 * lost, splitting, draws(draw.sizes(0.1, 10.0)))
        width = draws(draw.sizes(0.3, 3.0)) * medium.spin_diffusion_length
        stack.append(Layer(medium, width, draws(draw.directions())))
    fed = Boundary.spin_current(draws(draw.directions()) * np.sqrt(1e-3 / lost))
    structure = SpinStructure(stack, fed, draws(st.sampled_from([None, Boundary.spin_accumulation((0.0, 1.0, 0))])))
    return {"structure": structure, "initial": draws(draw.directions()), "times": np.array([10.0, 30.0]) * lost}


def _two_sides(
    structure: SpinStructure,
    left_direction: np.ndarray,
    right_direction: np.ndarray,
    left_thickness: float,
    right_thickness: float,
    interface_width: float = 0.0,
    profile: str = "tanh",
    **_: Any,
) -> None:
    """They meet at 0, and M is f of the depth along the direction of its side."""
    np.testing.assert_allclose(structure.edges, (-left_thickness, 0.0, right_thickness), rtol=0, atol=1e-22)
    shape = {"tanh": np.tanh, "exponential": lambda u: 1 - np.exp(-u)}[profile]
    for layer, side, d in zip(structure.layers, (-1, 1), (left_direction, right_direction), strict=True):
        u = np.array([0.0, 0.3, 1.0]) * layer.thickness
        depth = u if side > 0 else layer.thickness - u
        share = shape(depth / interface_width) if interface_width else np.ones(3)
        np.testing.assert_allclose(_magnetization(layer, u), share[:, None] * d, rtol=0, atol=1e-9)


def _polygon(structure: SpinStructure, sides: int, side_length: float, **_: Any) -> None:
    """Each side is the one before, turned about x; the last one meets the first."""
    assert len(structure.layers) == sides
    turn, u = rotation_matrix((1, 0, 0), 2 * np.pi / sides), np.array([0.2, 0.5]) * side_length
    for one, other in zip(structure.layers, (*structure.layers[1:], structure.layers[0]), strict=True):
        assert one.thickness == side_length
        np.testing.assert_allclose(_magnetization(other, u), _magnetization(one, u) @ turn.T, rtol=0, atol=1e-12)


def _domains(structure: SpinStructure, width: float, azimuth: float = np.pi / 2, **_: Any) -> None:
    """M is of length 1, from z to -z; in the middle it lies at the azimuth, where it turns by 1/width."""
    (layer,) = structure.layers
    half = layer.thickness / 2
    np.testing.assert_allclose(structure.edges, (-half, half), rtol=0, atol=1e-12 * half)
    u = half + np.array([-0.5, -1e-4, 0.0, 1e-4, 0.5]) * min(width, half)
    m = _magnetization(layer, u)
    np.testing.assert_allclose(np.linalg.norm(m, axis=-1), 1, rtol=0, atol=1e-9)
    np.testing.assert_allclose(m[2], (np.cos(azimuth), np.sin(azimuth), 0.0), rtol=0, atol=1e-9)
    np.testing.assert_allclose((m[3] - m[1])[2] * width / (u[3] - u[1]), -1.0, rtol=0, atol=1e-6)


def _magnetization(layer: Layer, u: np.ndarray) -> np.ndarray:
    given = layer.magnetization
    return np.asarray(given(u)) if callable(given) else np.broadcast_to(given, (len(u), 3))


def _tensor(found: np.ndarray, precession: np.ndarray, momentum_time: float, diffusivity: float) -> None:
    """The inverse of (1 + tau H x)/D; D along H; positive definite."""
    a = np.eye(3) + momentum_time * cross_matrix(precession)
    np.testing.assert_allclose(a @ found, diffusivity * np.eye(3), rtol=0, atol=1e-11 * diffusivity * np.abs(a).max())
    assert np.linalg.eigvalsh(found + found.T)[0] > 0


def _wave(k: complex, medium: DiffusiveMedium, model: str = "moments") -> None:
    """It decays; of the opposite splitting it is the complex conjugate."""
    if np.isnan(k):
        assert model == "boltzmann"
        return
    assert k.real >= 0
    lost = medium.spin_relaxation_time
    if model == "moments" or not medium.momentum_time:
        tensor = exchange_diffusion_tensor((0, 0, medium.exchange_frequency), medium.momentum_time, medium.diffusivity)
        out, gone = k**2 * complex(tensor[0, 0], tensor[1, 0]), complex(1 / lost, medium.exchange_frequency)
        assert out == pytest.approx(gone, abs=1e-9 * abs(gone))
    else:
        # RHP (66): artanh of k v_F/(1/tau + i omega) is k v_F tau_p.
        turned = medium.mean_free_path * k / (1 - medium.momentum_time / lost)
        flight = complex(1, medium.precession_angle) / (1 - medium.momentum_time / lost)
        assert flight * np.tanh(turned) == pytest.approx(turned, abs=1e-9 * abs(turned))
    mirrored = DiffusiveMedium(medium.diffusivity, lost, medium.momentum_time, -medium.exchange_splitting)
    other = transverse_wavenumber(mirrored, model=model)
    assert other == pytest.approx(np.conj(k), abs=1e-9 * abs(k))


def _decays(rate: complex, medium: DiffusiveMedium, wavenumber: float) -> None:
    lost, tau = 1 / medium.spin_relaxation_time, medium.momentum_time
    gamma, last = rate - 1j * medium.exchange_frequency, lost + medium.diffusivity * wavenumber**2
    assert gamma.real >= 0
    assert decay_rate(medium, -wavenumber) == rate
    size = abs(tau * gamma**2) + (1 + tau * lost) * abs(gamma) + last + tau * abs(medium.exchange_frequency * gamma)
    assert abs(tau * gamma**2 - (1 + tau * lost) * gamma + last) <= 1e-9 * size


def _between_directions(
    m: np.ndarray, medium: DiffusiveMedium, left_direction: np.ndarray, right_direction: np.ndarray, thickness: float
) -> None:
    """Along the sum of the directions; what flows into both sides adds to nothing."""
    k, length = transverse_wavenumber(medium), medium.spin_diffusion_length
    along = 1.0 if thickness == inf else 1 / np.tanh(thickness / length)
    across = k * length / (1 + 1j * medium.precession_angle) / (1.0 if thickness == inf else np.tanh(k * thickness))
    flow, size = np.zeros(3), 0.0
    for d in (left_direction, right_direction):
        inside = m - (d @ m) * d
        flow += along * (d @ m - 1) * d + across.real * inside + across.imag * np.cross(d, m)
        size += along + abs(across) * np.linalg.norm(inside)
    np.testing.assert_allclose(flow, 0, rtol=0, atol=1e-9 * size)
    half = left_direction + right_direction
    assert np.linalg.norm(np.cross(m, half)) <= 1e-9 * np.linalg.norm(m) * np.linalg.norm(half)
    assert m @ half >= 0


def _hanle(
    signal: float, distance: float, larmor_frequency: float, medium: DiffusiveMedium, obliqueness: float = np.pi / 2
) -> None:
    """What the solver finds in an endless layer, where it needs no more than some waves to get there."""
    flight = abs(1 + 1j * larmor_frequency * medium.momentum_time)
    assert abs(signal) <= 1 + flight
    length = medium.spin_diffusion_length
    waves = np.sqrt(flight * (1 + abs(larmor_frequency) * medium.spin_relaxation_time))
    shown = min(distance, 3 * length)
    if waves * max(shown / length, 1) > 300:
        return
    field = larmor_frequency * np.array([np.sin(obliqueness), 0.0, np.cos(obliqueness)])
    injected = Boundary.spin_current((0.0, 0.0, medium.diffusivity / length))
    half = SpinStructure([Layer(medium, max(shown, length / waves))], injected, Boundary.open(), field)
    found = _solve(structure=half).at(shown)[0][2]
    wanted = hanle_signal(shown, larmor_frequency, medium, obliqueness=obliqueness)
    assert found == pytest.approx(wanted, abs=1e-6)
    assert distance != shown or wanted == signal


def _small(found: Any, medium: DiffusiveMedium, equilibrium_ratio: float) -> None:
    """The slow mode of both spins: its left eigenvector at B = 0 gives (1 - i alpha)/g' = 1 + xi w/(w + i)."""
    assert found.alpha >= 0
    assert found.gyromagnetic_factor > 0
    lost, omega = 1 / medium.spin_relaxation_time, medium.exchange_frequency
    pull = equilibrium_ratio * omega / (omega + 1j * lost) if omega else 0.0
    left = (1 - 1j * found.alpha) / found.gyromagnetic_factor
    assert left == pytest.approx(1 + pull, abs=1e-12 * (1 + abs(pull)))


@st.composite
def _ratios(draws: st.DrawFn) -> dict[str, Any]:
    medium = draws(media())
    size = draws(draw.sizes(1e-9, 0.999))
    sign = np.sign(medium.exchange_splitting)
    return {"medium": medium, "equilibrium_ratio": float(sign * size)}


@st.composite
def _steps(draws: st.DrawFn) -> dict[str, Any]:
    one, other = draws(draw.directions()), draws(draw.directions())
    thickness = draws(st.one_of(draw.sizes(1e-12, 1e-3), st.just(inf)))
    return {
        "medium": draws(media(endless=False)),
        "left_direction": one,
        "right_direction": other,
        "thickness": thickness,
    }


_WIDTHS = draw.sizes(1e-10, 1e-7)
_LAYER = {
    "medium": media(),
    "thickness": draw.sizes(1e-12, 1e-3),
    "magnetization": st.tuples(draw.between(0.0, 1.0), draw.directions()).map(lambda pair: pair[0] * pair[1]),
    "drift": draw.signed(1e-9, 1e30),
    "source": draw.vectors(1e-9, 1e30),
}
_CLOSED = "accumulation.closed_forms."
_OF = "accumulation."

CONTRACTS = (
    Contract(
        f"{_OF}DiffusiveMedium",
        st.fixed_dictionaries(
            {"diffusivity": draw.sizes(1e-9, 1e3), "spin_relaxation_time": draw.sizes(1e-15, 1e-3)},
            optional={
                "momentum_time": st.one_of(draw.sizes(1e-20, 1e-15), st.just(0.0)),
                "exchange_splitting": draw.signed(1e-27, 1e-16),
                "density_of_states": draw.sizes(1e-9, 1e50),
            },
        ),
        _lengths,
        inf={"fermi_velocity": "the limit of Fick's law"},
        takes={"spin_relaxation_time inf": ENDLESS},
    ),
    Contract(
        f"{_OF}Layer",
        st.fixed_dictionaries(_LAYER, optional={"equilibrium": draw.signed(1e-6, 1e6)}),
        inf={f"medium.{name}": ENDLESS for name in _FICK},
    ),
    Contract(f"{_OF}Boundary.spin_accumulation", st.fixed_dictionaries({"vector": draw.vectors(1e-30, 1e30)})),
    Contract(f"{_OF}Boundary.spin_current", st.fixed_dictionaries({"vector": draw.vectors(1e-30, 1e30)})),
    Contract(
        f"{_OF}Boundary.contact",
        st.fixed_dictionaries(
            {
                "conductance": draw.sizes(1e-30, 1e30).map(
                    lambda g: g * np.array([[1, 0.5, 0], [-0.5, 2, 0], [0, 0, 1.0]])
                )
            },
            optional={"spin_accumulation": draw.vectors(1e-30, 1e30)},
        ),
    ),
    Contract(
        f"{_OF}Boundary.periodic",
        st.fixed_dictionaries({"rotation": draw.angles().map(lambda angle: rotation_matrix((1.0, 2.0, 0.0), angle))}),
        takes={"rotation none": "w and j are not turned"},
    ),
    Contract(f"{_OF}Boundary.open", st.just({}), examples=1),
    Contract(
        f"{_OF}SpinStructure",
        st.fixed_dictionaries(
            {"layers": st.lists(layers(), min_size=1, max_size=3), "left": ends(), "right": ends()},
            optional={"larmor_frequency": draw.vectors(1e3, 1e15), "origin": draw.signed(1e-12, 1.0)},
        ),
        _edges,
        inf={f"layers.{k}.medium.fermi_velocity": "the limit of Fick's law" for k in range(3)},
        shares="it holds its layers and ends, which cannot be written to",
    ),
    Contract(
        f"{_OF}solve_accumulation",
        st.fixed_dictionaries({"structure": structures()}),
        _balance,
        tolerance=1e-9,
        examples=15,
        call=_solve,
    ),
    Contract(
        f"{_OF}solve_accumulation",
        st.fixed_dictionaries({"structure": structures()}),
        _turns,
        tolerance=1e-9,
        examples=8,
        label="turned",
        call=_solve,
    ),
    Contract(
        f"{_OF}solve_accumulation",
        st.fixed_dictionaries({"structure": structures(ring=True)}),
        _closes,
        tolerance=1e-9,
        examples=8,
        label="on a ring",
        call=_solve,
    ),
    Contract(
        f"{_OF}SpinAccumulation.at",
        st.fixed_dictionaries({"self": st.just(SOLVED), "position": draw.between(0.0, 1.1e-7)}),
        _there,
        {"position": 0},
    ),
    Contract(
        f"{_OF}evolve_accumulation",
        _boxes(),
        _lasts,
        tolerance=1e-6,
        examples=4,
        call=quiet(f"{_OF}evolve_accumulation", *STATED),
    ),
    Contract(
        f"{_OF}evolve_accumulation",
        _driven(),
        _settles,
        tolerance=1e-6,
        examples=2,
        call=quiet(f"{_OF}evolve_accumulation", *STATED),
        label="to the steady state",
        takes={"times short": "fewer times"},
    ),
    Contract(
        f"{_OF}bilayer",
        st.fixed_dictionaries(
            {
                "medium": media(),
                "left_direction": draw.directions(),
                "right_direction": draw.directions(),
                "left_thickness": _WIDTHS,
                "right_thickness": _WIDTHS,
            },
            optional={
                "interface_width": st.one_of(_WIDTHS, st.just(0.0)),
                "profile": st.sampled_from(["tanh", "exponential"]),
                "drift": draw.signed(1e-3, 1e3),
            },
        ),
        _two_sides,
        inf={f"layers.{k}.medium.{n}": ENDLESS for k in range(2) for n in _FICK},
    ),
    Contract(
        f"{_OF}ring",
        st.fixed_dictionaries(
            {"medium": media(), "sides": st.integers(2, 12), "side_length": _WIDTHS},
            optional={"corner_width": st.one_of(_WIDTHS, st.just(0.0)), "drift": draw.signed(1e-3, 1e3)},
        ),
        _polygon,
        inf={f"layers.{k}.medium.{n}": ENDLESS for k in range(12) for n in _FICK},
    ),
    Contract(
        f"{_OF}wall",
        st.fixed_dictionaries(
            {"medium": media(), "width": _WIDTHS},
            optional={
                "azimuth": draw.angles(),
                "half_length": draw.sizes(1e-8, 1e-6),
                "drift": draw.signed(1e-3, 1e3),
                "velocity": draw.signed(1e-3, 1e3),
            },
        ),
        _domains,
        inf={f"layers.0.medium.{n}": ENDLESS for n in _FICK},
    ),
    Contract(
        f"{_CLOSED}exchange_diffusion_tensor",
        st.fixed_dictionaries(
            {
                "precession": draw.vectors(1e6, 1e16),
                "momentum_time": st.one_of(draw.sizes(1e-18, 1e-12), st.just(0.0)),
                "diffusivity": draw.sizes(1e-9, 1e3),
            }
        ),
        _tensor,
        {"precession": 1},
        examples=40,
    ),
    Contract(
        f"{_CLOSED}transverse_wavenumber",
        st.fixed_dictionaries({"medium": media()}, optional={"model": st.sampled_from(["moments", "boltzmann"])}),
        _wave,
        nan={"": "the Boltzmann equation has no discrete mode"},
        examples=40,
    ),
    Contract(
        f"{_CLOSED}decay_rate",
        st.fixed_dictionaries({"medium": media(), "wavenumber": draw.signed(1.0, 1e12)}),
        _decays,
        {"wavenumber": 0},
        examples=40,
    ),
    Contract(
        f"{_CLOSED}step_interface_accumulation",
        _steps(),
        _between_directions,
        takes={"thickness inf": "endless layers"},
    ),
    Contract(
        f"{_CLOSED}hanle_signal",
        st.fixed_dictionaries(
            {
                "distance": st.one_of(draw.sizes(1e-12, 1e-3), st.just(0.0)),
                "larmor_frequency": draw.signed(1e3, 1e15),
                "medium": media(endless=False, magnetic=False),
            },
            optional={"obliqueness": draw.angles()},
        ),
        _hanle,
        {"distance": 0, "larmor_frequency": 0},
    ),
    Contract(f"{_CLOSED}sd_damping", _ratios(), _small),
)

EXEMPT = {
    f"{_OF}Boundary": "made by its class methods, which have contracts",
    f"{_OF}SpinAccumulation": "returned by the solvers, whose contracts look at all of it",
}

_MEDIUM = {"diffusivity": 1e-3, "spin_relaxation_time": 1e-12}
_BOX = {"medium": METAL, "thickness": 1e-8}
_BILAYER = {"medium": METAL, "left_direction": (0, 0, 1.0), "right_direction": (0, 0, 1.0)}
_BILAYER |= {"left_thickness": 1e-8, "right_thickness": 1e-8}
_RUN = {"structure": SpinStructure([SLAB]), "initial": (0, 0, 1.0), "times": [1e-13]}
_STEP = {"medium": METAL, "left_direction": (0, 0, 1.0), "right_direction": (0, 1.0, 0)}
_UNIT = ([(0, 0, 1 + 9e-7), (0, 0, -1.0)], [(0, 0, 1 + 1.1e-6), (0.0, 0, 0), (1.0, 0)], ("pass",))
_HANLE = {"distance": 1e-7, "larmor_frequency": 1e9, "medium": PLAIN}
_TENSOR = {"precession": (0, 0, 1e12), "momentum_time": 1e-14, "diffusivity": 1e-3}

LIMITS = (
    *positive(f"{_OF}DiffusiveMedium", "diffusivity density_of_states", _MEDIUM),
    *positive(f"{_OF}DiffusiveMedium", "spin_relaxation_time", _MEDIUM, 1e-30, inf),
    *not_negative(f"{_OF}DiffusiveMedium", "momentum_time", _MEDIUM, 1e-12),
    Limit(
        f"{_OF}DiffusiveMedium",
        "momentum_time",
        [1e-12],
        [np.nextafter(1e-12, 1), 1.0],
        ("<= momentum_time <=",),
        _MEDIUM,
        label="from above",
    ),
    *positive(f"{_OF}Layer", "thickness", _BOX, 1e-300),
    Limit(
        f"{_OF}Layer",
        "magnetization",
        [(0, 0, 1 + 9e-10), (0.0, 0, 0)],
        [(0, 0, 1 + 1.1e-9), (1.0, 1.0, 0), (0, 0)],
        ("pass",),
        _BOX,
    ),
    Limit(
        f"{_OF}Boundary.contact",
        "conductance",
        [np.eye(3), TIPPED, 1e-300 * np.eye(3)],
        [np.zeros((3, 3)), np.diag([1.0, 1.0, 0.0]), -np.eye(3), np.eye(2)],
        ("pass",),
    ),
    Limit(
        f"{_OF}Boundary.periodic",
        "rotation",
        [np.eye(3) * (1 + 2e-10)],
        [np.eye(3) * (1 + 1e-9), -np.eye(3), np.eye(2)],
        ("pass",),
    ),
    Limit(f"{_OF}SpinStructure", "layers", [[SLAB], SLAB], [[], [1.0], None], ("pass one Layer",)),
    Limit(f"{_OF}SpinStructure", "left", [None, Boundary.open()], ["open", 1.0], ("pass",), {"layers": [SLAB]}),
    *positive(f"{_OF}bilayer", "left_thickness right_thickness", _BILAYER, 1e-12),
    *not_negative(f"{_OF}bilayer", "interface_width", _BILAYER),
    *(Limit(f"{_OF}bilayer", f"{side}_direction", *_UNIT, _BILAYER) for side in ("left", "right")),
    Limit(f"{_OF}ring", "sides", [2, 99], [1, 2.0, True], ("sides >= 2",), {"medium": METAL, "side_length": 1e-8}),
    *positive(f"{_OF}ring", "side_length", {"medium": METAL, "sides": 3}, 1e-12),
    *not_negative(f"{_OF}ring", "corner_width", {"medium": METAL, "sides": 3, "side_length": 1e-8}),
    *positive(f"{_OF}wall", "width half_length", {"medium": METAL, "width": 1e-8}, 1e-9),
    Limit(
        f"{_OF}evolve_accumulation",
        "times",
        [[0.0, 1e-13], [1e-14]],
        [[-5e-324], [1e-13, 1e-13], [1e-13, 0.0], [], [[1e-13]]],
        ("pass",),
        _RUN,
    ),
    *positive(f"{_OF}evolve_accumulation", "time_step max_step", _RUN, 1e-8),
    Limit(
        f"{_OF}evolve_accumulation", "max_step", [1e-9], [5e-324, 1e-300, 1e-35], ("too many", "longer"), _RUN, "fine"
    ),
    Limit(
        f"{_OF}SpinAccumulation.at",
        "position",
        [0.0, 1.1e-7, 1.1e-7 * (1 + 1e-13)],
        [-1e-15, 1.1001e-7, [[0.0]]],
        ("pass",),
        {"self": SOLVED},
    ),
    *positive(f"{_CLOSED}exchange_diffusion_tensor", "diffusivity", _TENSOR),
    *not_negative(f"{_CLOSED}exchange_diffusion_tensor", "momentum_time", _TENSOR),
    *(Limit(f"{_CLOSED}step_interface_accumulation", f"{side}_direction", *_UNIT, _STEP) for side in ("left", "right")),
    *positive(f"{_CLOSED}step_interface_accumulation", "thickness", _STEP, 1e-12, inf),
    *not_negative(f"{_CLOSED}hanle_signal", "distance", _HANLE, 1e3),
    Limit(
        f"{_CLOSED}transverse_wavenumber", "model", ["moments"], ["moment", None], ("'boltzmann'",), {"medium": METAL}
    ),
    Limit(
        f"{_CLOSED}sd_damping",
        "equilibrium_ratio",
        [0.0, 1e9],
        [-5e-324, -1.0],
        ("pass one of the sign of exchange_splitting",),
        {"medium": METAL},
    ),
    Limit(
        f"{_CLOSED}sd_damping",
        "equilibrium_ratio",
        [0.0, np.nextafter(-1.0, 0)],
        [-1.0, 1e-9],
        ("above -1",),
        {"medium": DiffusiveMedium(1e-3, 1e-12, 0.0, -1e-21)},
        label="of electrons against the spins",
    ),
)
NO_LIMIT = {f"{_OF}Layer drift": "positive is one of two senses"}


@contracts(*CONTRACTS)
def test_invariant_contract_accumulation(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_accumulation(row: Contract | Limit) -> None:
    row.check_refusals()
