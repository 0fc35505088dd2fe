"""Contracts of the magnet as an open system, of its thermal activation and of domain walls."""

from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from spinlib.dynamics.fokker_planck import brown_eigenvalue, telegraph_noise
from spinlib.dynamics.thermodynamic import GeneralizedLLG, QuadraticPotential
from spinlib.dynamics.walls import DomainWall, wall_motion
from spinlib.units import k_B
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw
from tests.contracts.rows import not_negative, positive, quiet

_M = {"m": draw.directions()}
ALPHA = st.one_of(draw.sizes(1e-6, 1e3), st.just(0.0))
RING = ("fixed points that are not isolated", "fixed points are missing")


@st.composite
def forms(draws: st.DrawFn, least: float = 1e-3, most: float = 1e3) -> QuadraticPotential:
    """Potentials of degree two with any axes, or one."""
    axes = (draws(draw.signed(least, most)) * np.outer(*2 * (draws(draw.directions()),)) for _ in range(2))
    return QuadraticPotential(draws(draw.vectors(least, most)), sum(axes, np.zeros((3, 3))))


@st.composite
def systems(draws: st.DrawFn, least: float = 1e-3, most: float = 1e3) -> GeneralizedLLG:
    """Magnets with and without spin transfer, with and without damping."""
    parts = [draws(st.one_of(st.none(), forms(least, most))) for _ in range(2)]
    return GeneralizedLLG(draws(forms(least, most)), draws(ALPHA), draws(draw.sizes(1e-3, 1e3)), *parts)


@st.composite
def magnets(draws: st.DrawFn) -> GeneralizedLLG:
    """Three unequal axes, tilted fields: the fixed points are isolated."""
    hard, field = draws(draw.between(0.3, 3.0)), draws(draw.between(-0.5, 0.5))
    energy = QuadraticPotential(
        (0.1 * field, 0.05 * field, field), np.diag([0.0, hard, -draws(draw.between(0.3, 3.0))])
    )
    chi = QuadraticPotential((0, 0, draws(draw.between(-0.01, 0.01))))
    return GeneralizedLLG(energy, draws(draw.sizes(0.01, 10.0)), draws(draw.sizes(1e-3, 1e12)), chi)


MAGNET = GeneralizedLLG(QuadraticPotential(quadratic=np.diag([0.0, 0.5, -0.5])), 0.1, 1.0)
WALL = DomainWall(1e-11, 1e5, 1e4, 8e5, 0.1, 0.05)


def _potential(form: QuadraticPotential, linear: np.ndarray, quadratic: np.ndarray) -> None:
    n = np.array([0.6, 0.0, 0.8])
    wanted = float(linear @ n + n @ quadratic @ n)
    assert form(n) == pytest.approx(wanted, abs=1e-14 * (np.abs(linear).max() + np.abs(quadratic).max()))


def _size(form: QuadraticPotential) -> float:
    return float(np.abs(form.linear).max() + np.abs(form.quadratic).max())


def _even(v: float, self: QuadraticPotential, m: np.ndarray) -> None:
    assert v + self(-m) == pytest.approx(2 * float(m @ self.quadratic @ m), abs=1e-13 * _size(self))


def _slope(gradient: np.ndarray, self: QuadraticPotential, m: np.ndarray) -> None:
    """Across m; along a great circle it is the derivative of V."""
    size, h = _size(self), 1e-4
    assert abs(m @ gradient) <= 1e-13 * size
    e = np.cross(m, [0.6, 0.64, 0.48])
    if np.linalg.norm(e) > 0.1:
        e = e / np.linalg.norm(e)
        change = (self(np.cos(h) * m + np.sin(h) * e) - self(np.cos(h) * m - np.sin(h) * e)) / (2 * h)
        assert change == pytest.approx(float(e @ gradient), abs=1e-6 * size)


def _stiffness(hessian: np.ndarray, self: QuadraticPotential, m: np.ndarray) -> None:
    size = _size(self)
    np.testing.assert_allclose(hessian, hessian.T, rtol=0, atol=1e-13 * size)
    np.testing.assert_allclose(hessian @ m, 0, rtol=0, atol=1e-12 * size)


def _descends(rate: np.ndarray, self: GeneralizedLLG, m: np.ndarray) -> None:
    """Across m; the potential that is descended, alpha V - chi, never rises but by what the other one turns."""
    parts = [p for p in (self.energy, self.chi, self.phi) if p is not None]
    size = self.mobility * (1 + self.alpha) * sum(map(_size, parts))
    assert abs(m @ rate) <= 1e-12 * size
    if self.chi is None and self.phi is None:
        slope = self.energy.gradient(m)
        assert slope @ rate <= 1e-12 * size * np.abs(slope).max()
        assert slope @ rate == pytest.approx(
            -self.mobility * self.alpha * float(slope @ slope), abs=1e-11 * size * np.abs(slope).max()
        )


def _index(points: Any, system: GeneralizedLLG) -> None:
    """Unit vectors at rest; nodes and foci less saddles number 2; those that are stable decay."""
    np.testing.assert_allclose(np.linalg.norm(points.m, axis=-1), 1, rtol=0, atol=1e-12)
    sign = np.sign(np.prod(points.eigenvalues, axis=1).real)
    assert sign.sum() == 2
    size = np.abs(points.eigenvalues).max()
    assert np.abs(system.velocity(points.m)).max() <= 1e-9 * size
    np.testing.assert_array_equal(points.stable, points.eigenvalues.real.max(axis=1) < 0)


def _response(found: Any, system: GeneralizedLLG, m: np.ndarray) -> None:
    np.testing.assert_allclose(np.cross(*found.basis), found.m, rtol=0, atol=1e-12)
    assert found.eigenvalues.sum() == pytest.approx(np.trace(found.jacobian), abs=1e-12 * np.abs(found.jacobian).max())
    assert found.angular_frequency >= 0
    static = found.susceptibility(0.0)
    np.testing.assert_allclose(-found.jacobian @ static, found.drive, rtol=0, atol=1e-9 * np.abs(found.drive).max())


def _follows(path: Any, field_energy: np.ndarray, **_: Any) -> None:
    rests = np.isfinite(path.m).all(axis=1)
    np.testing.assert_allclose(np.linalg.norm(path.m[rests], axis=1), 1, rtol=0, atol=1e-12)
    assert not path.switched[0]


def _astroid(found: Any, direction: np.ndarray, **_: Any) -> None:
    """Stoner and Wohlfarth: the components of the field obey |x|^(2/3) + |z|^(2/3) = 1."""
    x, z = found.field_energy * np.abs(direction[[0, 2]])
    assert x ** (2 / 3) + z ** (2 / 3) == pytest.approx(1.0, abs=1e-6)
    assert np.linalg.norm(found.m) == pytest.approx(1.0, abs=1e-12)


def _second_law(matrix: np.ndarray, **_: Any) -> None:
    """No force gains power: the symmetric part of D M has no negative eigenvalue (rows 5 and 6 weigh nothing else)."""
    power = np.diag([1, 1, 1, 0.5, 0.5, 1, 1]) @ matrix
    both = power + power.T
    scale = np.sqrt(np.abs(np.diag(both)) + 1e-300)
    relative = both / scale[:, None] / scale
    finite = np.where(np.isfinite(relative), relative, 0.0)
    assert np.linalg.eigvalsh(finite)[0] >= -1e-6


@st.composite
def _transfers(draws: st.DrawFn) -> dict[str, Any]:
    """Coefficients with transfers up to the bound of the second law."""
    sizes = st.one_of(draw.sizes(1e-6, 1e6), st.just(0.0))
    given = {name: draws(sizes) for name in ("density", "alpha", "conductivity", "relaxation")}
    given |= {name: draws(sizes) for name in ("transverse_conductivity", "transverse_relaxation")}
    given |= {"mobility": draws(draw.sizes(1e-6, 1e6)), "beta": draws(draw.between(-1.0, 1.0))}
    drag = given["density"] * given["mobility"] * given["alpha"]
    share = draws(draw.between(-1.0, 1.0))
    given["transfer"] = share * np.sqrt(drag * given["conductivity"] * (1 - given["beta"] ** 2) / 2)
    given["transverse_transfer"] = share * np.sqrt(drag * given["transverse_conductivity"])
    return given


def _axial(eigenvalue: float, barrier: float, reduced_field: float = 0.0) -> None:
    """Positive but where floats end; even in the field; no more than 2 without one."""
    lower = barrier * (1 - abs(reduced_field)) ** 2 if abs(reduced_field) < 1 else 0.0
    assert (eigenvalue == 0) == (lower > 700)
    assert brown_eigenvalue(barrier, -reduced_field) == eigenvalue
    if reduced_field == 0:
        assert eigenvalue <= 2 * (1 + 1e-14)


def _relaxes(grain: Any, **_: Any) -> None:
    assert (np.asarray(grain.diffusion_time) > 0).all()
    assert (np.asarray(grain.rate) >= 0).all()
    assert grain.rate == pytest.approx(grain.eigenvalue / (2 * grain.diffusion_time), rel=1e-12, abs=0)


def _balanced(noise: Any, barrier: float, reduced_field: float, diffusion_time: float) -> None:
    """Detailed balance; exchanged wells in the opposite field."""
    assert noise.probability_up + noise.probability_down == pytest.approx(1.0, abs=1e-15)
    assert noise.probability_up * noise.rate_up_down == pytest.approx(
        noise.probability_down * noise.rate_down_up, rel=1e-12, abs=0
    )
    other = _telegraph(barrier=barrier, reduced_field=-reduced_field, diffusion_time=diffusion_time)
    assert other.probability_up == pytest.approx(noise.probability_down, rel=1e-9, abs=1e-300)


def _one_sided(density: float, self: Any, frequency: float) -> None:
    assert 0 <= density <= self.spectrum(0.0) * (1 + 1e-15)


_telegraph = quiet("dynamics.fokker_planck.telegraph_noise", "the lower barrier is")


def _conserved(found: Any, system: GeneralizedLLG, temperature: float, **_: Any) -> None:
    """Probability is conserved and every mode decays; the moments are those of a density."""
    size = np.abs(found.rates).max() + 1e-300
    assert found.rates[0] == 0
    assert (found.rates[1:].real > 0).all()
    assert (np.diff(found.rates.real) >= -1e-9 * size).all()
    assert np.trace(found.second_moment) == pytest.approx(1.0, abs=1e-9)
    np.testing.assert_allclose(found.second_moment, found.second_moment.T, rtol=0, atol=1e-12)
    assert np.linalg.norm(found.mean) <= 1
    assert np.linalg.eigvalsh(found.second_moment - np.outer(found.mean, found.mean))[0] >= -1e-9


@st.composite
def _thermal(draws: st.DrawFn) -> dict[str, Any]:
    """Potentials of up to 3 k_B T; at temperatures from a millikelvin to a million."""
    kelvin = draws(draw.sizes(1e-3, 1e6))
    heat = k_B * kelvin
    parts = [draws(st.one_of(st.none(), forms(1e-3 * heat, heat))) for _ in range(2)]
    system = GeneralizedLLG(
        draws(forms(1e-3 * heat, heat)), draws(draw.sizes(1.0, 1e2)), draws(draw.sizes(1e25, 1e35)), *parts
    )
    return {"system": system, "temperature": kelvin, "max_degree": 14, "modes": draws(st.integers(2, 8))}


def _walker(wall: DomainWall, alpha: float, beta: float, hard_axis_anisotropy: float, **_: Any) -> None:
    assert wall.width > 0
    assert (wall.walker_field == 0) == (alpha == 0 or hard_axis_anisotropy == 0)
    assert (wall.walker_drift == inf) == (alpha == beta)
    assert wall.walker_drift >= 0


def _drives(found: Any, wall: DomainWall, drift: float = 0.0, field: float = 0.0, method: str = "collective") -> None:
    """A locked wall keeps its azimuth and balances the power; with both drives reversed it goes back."""
    back = wall_motion(wall, -drift, -field, method=method)
    size = abs(found.velocity) + abs(drift) + wall.gyromagnetic_ratio * abs(field) * wall.width
    assert back.velocity == pytest.approx(-found.velocity, abs=1e-9 * size)
    assert np.isnan(found.angle) == (found.precession != 0)
    if found.precession == 0 and wall.alpha and method == "rigid":
        mobility = wall.gyromagnetic_ratio * wall.width / wall.alpha
        wanted = (mobility * field, wall.beta / wall.alpha * drift)
        assert found.velocity == pytest.approx(sum(wanted), abs=1e-9 * (abs(wanted[0]) + abs(wanted[1])))


def _unit_and_slope(found: Any, position: float, width: float, center: float = 0.0, kind: str = "neel") -> None:
    m, slope = found
    assert np.linalg.norm(m) == pytest.approx(1.0, abs=1e-14)
    assert abs(m @ slope) <= 1e-13 / width
    assert np.linalg.norm(slope) <= (1 + 1e-12) / width


@st.composite
def walls(draws: st.DrawFn) -> DomainWall:
    """Walls of a hundredth to a hundred times usual numbers, with and without damping and a hard axis."""
    hard = st.one_of(draw.sizes(1e2, 1e7), st.just(0.0))
    stiffness, easy = draws(draw.sizes(1e-13, 1e-9)), draws(draw.sizes(1e3, 1e7))
    beta = draws(st.one_of(draw.signed(1e-4, 1.0), st.just(0.01)))
    alpha = draws(st.one_of(draw.sizes(1e-4, 1.0), st.sampled_from([0.0, 0.01])))
    return DomainWall(stiffness, easy, draws(hard), draws(draw.sizes(1e4, 1e7)), alpha, beta)


@st.composite
def _driven(draws: st.DrawFn) -> dict[str, Any]:
    """From far below to far above the threshold, and next to it."""
    wall = draws(walls())
    share = draws(st.one_of(draw.signed(1e-3, 1e2), st.sampled_from([1.0, 1 - 1e-9, 1 + 1e-9])))
    scale = wall.walker_field or 1e-3
    drive = {"field": share * scale} if draws(st.booleans()) else {"drift": draws(draw.signed(1e-3, 1e5))}
    return {"wall": wall, **drive, "method": draws(st.sampled_from(["collective", "rigid"]))}


_SIGMA = st.one_of(draw.sizes(1e-9, 1e5), st.just(0.0))
_H = st.one_of(draw.signed(1e-9, 1e4), st.sampled_from([1.0, -1.0, 1 - 1e-9, 1 + 1e-9]))
_GRAIN = {
    "anisotropy": draw.sizes(1.0, 1e7),
    "volume": draw.sizes(1e-28, 1e-24),
    "saturation_magnetization": draw.sizes(1e3, 1e7),
    "alpha": draw.sizes(1e-6, 1e3),
    "temperature": draw.sizes(1.0, 1e4),
}


@st.composite
def _two_wells(draws: st.DrawFn) -> dict[str, Any]:
    h = draws(draw.between(-0.99, 0.99))
    return {
        "barrier": draws(draw.between(0.0, 690.0)) / (1 - abs(h)) ** 2,
        "reduced_field": h,
        "diffusion_time": draws(draw.sizes(1e-15, 1e3)),
    }


@st.composite
def _tilted(draws: st.DrawFn) -> dict[str, Any]:
    angle = draws(draw.between(0.05, 1.5))
    uniaxial = QuadraticPotential(quadratic=np.diag([0.0, 0.0, -0.5]))
    return {
        "system": GeneralizedLLG(uniaxial, draws(draw.sizes(1e-2, 1e1)), draws(draw.sizes(1e-3, 1e12))),
        "direction": np.array([np.sin(angle), 0.0, -np.cos(angle)]),
        "start": np.array([0.0, 0.0, 1.0]),
        "max_field_energy": draws(draw.between(1.1, 3.0)),
    }


@st.composite
def _loops(draws: st.DrawFn) -> dict[str, Any]:
    tilt = draws(draw.between(0.02, 1.0))
    fields = np.array([draws(draw.between(-1.5, 1.5)) for _ in range(draws(st.integers(1, 3)))])
    axis = np.array([np.sin(tilt), 0.0, np.cos(tilt)])
    return {"system": MAGNET, "field_energy": fields[:, None] * axis, "start": draws(draw.directions())}


_FP = "dynamics.fokker_planck."
_TD = "dynamics.thermodynamic."
_W = "dynamics.walls."
_STILL = "quasi-static: fields in which it precesses for ever"
_OBJECTS = {f"{name} none": "no spin transfer" for name in ("chi", "phi")}
NOISE = telegraph_noise(30.0, 0.1, 1e-9)

CONTRACTS = (
    Contract(
        f"{_TD}QuadraticPotential",
        st.builds(
            lambda form: {"linear": np.array(form.linear), "quadratic": np.array(form.quadratic)}, forms(1e-30, 1e6)
        ),
        _potential,
    ),
    Contract(f"{_TD}QuadraticPotential.__call__", st.fixed_dictionaries({"self": forms(), **_M}), _even, {"m": 1}),
    Contract(f"{_TD}QuadraticPotential.gradient", st.fixed_dictionaries({"self": forms(), **_M}), _slope, {"m": 1}),
    Contract(f"{_TD}QuadraticPotential.hessian", st.fixed_dictionaries({"self": forms(), **_M}), _stiffness, {"m": 1}),
    Contract(
        f"{_TD}GeneralizedLLG",
        st.fixed_dictionaries(
            {"energy": forms(), "alpha": ALPHA, "mobility": draw.sizes(1e-6, 1e36)},
            optional={"chi": forms(), "phi": forms()},
        ),
        shares="it holds its potentials, which cannot be written to",
    ),
    Contract(f"{_TD}GeneralizedLLG.velocity", st.fixed_dictionaries({"self": systems(), **_M}), _descends, {"m": 1}),
    Contract(
        f"{_TD}landau_lifshitz_mobility",
        st.fixed_dictionaries(
            {"magnetic_moment": draw.sizes(1e-25, 1.0), "alpha": ALPHA},
            optional={"gyromagnetic_ratio": draw.sizes(1e6, 1e15)},
        ),
        stacks={"magnetic_moment": 0, "alpha": 0, "gyromagnetic_ratio": 0},
    ),
    Contract(f"{_TD}fixed_points", st.fixed_dictionaries({"system": magnets()}), _index, examples=8),
    Contract(
        f"{_TD}linear_response",
        magnets()
        .map(lambda system: {"system": GeneralizedLLG(MAGNET.energy, system.alpha, system.mobility)})
        .flatmap(
            lambda given: st.sampled_from([(0, 0, 1.0), (0, 0, -1.0), (1.0, 0, 0), (0, 1.0, 0)]).map(
                lambda m: given | {"m": np.array(m)}
            )
        ),
        _response,
    ),
    Contract(f"{_TD}switching_field", _tilted(), _astroid, examples=3),
    Contract(
        f"{_TD}quasi_static_path",
        _loops(),
        _follows,
        nan={"m": _STILL},
        examples=3,
        call=quiet(f"{_TD}quasi_static_path", "in "),
    ),
    Contract(
        f"{_TD}onsager_matrix",
        _transfers(),
        _second_law,
        dict.fromkeys(("density", "mobility", "alpha", "conductivity", "relaxation"), 0),
    ),
    Contract(
        f"{_FP}brown_eigenvalue",
        st.fixed_dictionaries({"barrier": _SIGMA}, optional={"reduced_field": _H}),
        _axial,
        {"barrier": 0, "reduced_field": 0},
        tolerance=1e-9,
    ),
    Contract(
        f"{_FP}neel_brown",
        st.fixed_dictionaries(
            _GRAIN, optional={"reduced_field": draw.signed(1e-6, 1e2), "gyromagnetic_ratio": draw.sizes(1e8, 1e14)}
        ),
        _relaxes,
        dict.fromkeys(_GRAIN, 0),
        tolerance=1e-9,
    ),
    Contract(
        f"{_FP}telegraph_noise",
        _two_wells(),
        _balanced,
        call=_telegraph,
        tolerance=1e-9,
    ),
    Contract(
        f"{_FP}TelegraphNoise.spectrum",
        st.fixed_dictionaries(
            {"self": st.just(NOISE), "frequency": st.one_of(draw.sizes(1e-300, 1e300), st.just(0.0))}
        ),
        _one_sided,
        {"frequency": 0},
    ),
    Contract(
        f"{_FP}solve_fokker_planck",
        _thermal(),
        _conserved,
        tolerance=1e-6,
        examples=6,
        call=quiet(f"{_FP}solve_fokker_planck", "max_degree", "the slow rate"),
    ),
    Contract(
        f"{_W}DomainWall",
        st.fixed_dictionaries(
            {
                "exchange_stiffness": draw.sizes(1e-16, 1e-6),
                "anisotropy": draw.sizes(1.0, 1e9),
                "hard_axis_anisotropy": st.one_of(draw.sizes(1.0, 1e9), st.just(0.0)),
                "saturation_magnetization": draw.sizes(1e2, 1e8),
                "alpha": st.one_of(ALPHA, st.just(0.5)),
                "beta": st.one_of(draw.signed(1e-6, 1e3), st.just(0.5)),
            }
        ),
        _walker,
        inf={"walker_drift": "beta = alpha"},
    ),
    Contract(
        f"{_W}wall_motion",
        _driven(),
        _drives,
        {"drift": 0, "field": 0},
        nan={"angle": "it rotates"},
        tolerance=1e-6,
        examples=40,
    ),
    Contract(
        f"{_W}wall_profile",
        st.fixed_dictionaries(
            {"position": draw.signed(1e-12, 1e6), "width": draw.sizes(1e-12, 1e6)},
            optional={"center": draw.signed(1e-12, 1e6), "kind": st.sampled_from(["neel", "rotated_neel", "bloch"])},
        ),
        _unit_and_slope,
        {"position": 0, "width": 0, "center": 0},
        examples=40,
    ),
)

_UNIT_AT = [(0, 0, 1 + 9e-7), (0.0, 0.0, -1.0)]
_UNIT_BEYOND = [(0, 0, 1 + 1.1e-6), (0.0, 0, 0), (1.0, 0), (1.0, 0.1, 0)]
_EASY = {"energy": QuadraticPotential(), "alpha": 0.1, "mobility": 1.0}
_MOMENT = {"magnetic_moment": 1e-18, "alpha": 0.1}
_LAW = {"density": 1.0, "mobility": 2.0, "alpha": 0.5, "conductivity": 4.0}
_SWITCH = {"system": MAGNET, "direction": (0.6, 0, -0.8), "start": (0, 0, 1.0), "max_field_energy": 3.0}
_BROWN = {"anisotropy": 1e5, "volume": 1e-25, "saturation_magnetization": 8e5, "alpha": 0.1, "temperature": 300.0}
_NOISE = {"barrier": 30.0, "reduced_field": 0.0, "diffusion_time": 1e-9}
_HOT = {"system": GeneralizedLLG(QuadraticPotential((0, 0, k_B)), 1.0, 1e20), "temperature": 1.0, "max_degree": 8}
_BRIM = np.nextafter(1.0, 2.0)
_WALL = {
    "exchange_stiffness": 1e-11,
    "anisotropy": 1e5,
    "hard_axis_anisotropy": 1e4,
    "saturation_magnetization": 8e5,
    "alpha": 0.1,
    "beta": 0.05,
}

LIMITS = (
    *not_negative(f"{_TD}GeneralizedLLG", "alpha", _EASY, 1e9),
    *positive(f"{_TD}GeneralizedLLG", "mobility", _EASY, 1e-300, 1e300),
    *positive(f"{_TD}landau_lifshitz_mobility", "magnetic_moment gyromagnetic_ratio", _MOMENT, 1e-100),
    *not_negative(f"{_TD}landau_lifshitz_mobility", "alpha", _MOMENT),
    Limit(f"{_TD}QuadraticPotential", "quadratic", [np.eye(3)], [np.triu(np.ones((3, 3))), np.eye(2)], ("quadratic",)),
    Limit(f"{_TD}linear_response", "m", _UNIT_AT, [*_UNIT_BEYOND[:3], (0.6, 0, 0.8)], ("pass",), {"system": MAGNET}),
    Limit(f"{_TD}switching_field", "start", _UNIT_AT[:1], [*_UNIT_BEYOND[:3], (1.0, 0, 0)], ("pass",), _SWITCH),
    Limit(
        f"{_TD}switching_field", "direction", [(0, 0, -1.0), (0.6, 0, -0.8 - 9e-7)], _UNIT_BEYOND, ("pass",), _SWITCH
    ),
    Limit(f"{_TD}switching_field", "max_field_energy", [3.0], [0.0, -1.0, 0.1], ("max_field_energy",), _SWITCH),
    Limit(
        f"{_TD}quasi_static_path",
        "start",
        [(0, 0, 1 + 9e-7)],
        _UNIT_BEYOND,
        ("pass",),
        {"system": MAGNET, "field_energy": [(0, 0, 0.1)]},
    ),
    Limit(
        f"{_TD}quasi_static_path",
        "field_energy",
        [[(0, 0, 0.0)]],
        [(0, 0, 0.1), [(0, 0.1)]],
        ("pass",),
        {"system": MAGNET, "start": (0, 0, 1.0)},
    ),
    *not_negative(
        f"{_TD}onsager_matrix",
        "density alpha conductivity relaxation transverse_conductivity transverse_relaxation",
        _LAW,
    ),
    *positive(f"{_TD}onsager_matrix", "mobility", _LAW),
    Limit(f"{_TD}onsager_matrix", "beta", [1.0, -1.0], [_BRIM, -_BRIM], ("-1 <= beta <= 1",), _LAW),
    Limit(
        f"{_TD}onsager_matrix",
        "transfer",
        [np.sqrt(2.0), -np.sqrt(2.0)],  # (l + l'/2)^2 = 4 l^2 <= 2 rho L_F alpha sigma_0 = 8
        [np.sqrt(2.0) * (1 + 1e-11), -2.0],
        ("pass |transfer + reciprocal/2| <= 2.82842",),
        _LAW,
    ),
    Limit(
        f"{_TD}onsager_matrix",
        "transverse_transfer",
        [1.0, -1.0],  # (l + l')^2 = 4 l^2 <= 4 rho L_F alpha sigma_perp = 4
        [1 + 1e-11],
        ("pass |transverse_transfer + transverse_reciprocal| <= 2",),
        _LAW | {"transverse_conductivity": 1.0},
    ),
    Limit(f"{_FP}brown_eigenvalue", "barrier", [0.0, -0.0, 1e300], [-5e-324, -1.0], ("pass K V/k_B T >= 0",)),
    Limit(
        f"{_FP}brown_eigenvalue",
        "reduced_field",
        [0.0, 1.0, -1e10],
        [1.1e300, -1e301],
        ("pass |reduced_field| <= 1e+300",),
        {"barrier": 1.0},
    ),
    Limit(
        f"{_FP}brown_eigenvalue",
        "reduced_field",
        [5e299, -5e299],
        [5.1e299, -1e300],
        ("barrier * |reduced_field| <= 1e+300",),
        {"barrier": 2.0},
        label="with a barrier",
    ),
    *not_negative(f"{_FP}neel_brown", "anisotropy", _BROWN),
    *positive(f"{_FP}neel_brown", "volume saturation_magnetization alpha temperature gyromagnetic_ratio", _BROWN, 1e-3),
    Limit(
        f"{_FP}telegraph_noise",
        "reduced_field",
        [0.5, -0.5],
        [1.0, -1.0, _BRIM],
        ("-1 < reduced_field < 1",),
        _NOISE | {"barrier": 100.0},
    ),
    Limit(f"{_FP}telegraph_noise", "barrier", [3.0, 700.0], [-5e-324, 700.0001, 1e300], ("pass",), _NOISE),
    *positive(f"{_FP}telegraph_noise", "diffusion_time", _NOISE),
    *not_negative(f"{_FP}TelegraphNoise.spectrum", "frequency", {"self": NOISE}, 1e300),
    *positive(f"{_FP}solve_fokker_planck", "temperature", _HOT, 1.0),
    Limit(f"{_FP}solve_fokker_planck", "temperature", [1.0], [1e-5], ("pass",), _HOT, label="span"),
    Limit(f"{_FP}solve_fokker_planck", "max_degree", [8], [5, 6.0, -1], ("max_degree",), _HOT),
    Limit(f"{_FP}solve_fokker_planck", "modes", [1, 81], [0, 82, 1.0], ("modes",), _HOT),
    *positive(
        f"{_W}DomainWall", "exchange_stiffness anisotropy saturation_magnetization gyromagnetic_ratio", _WALL, 1e-20
    ),
    *not_negative(f"{_W}DomainWall", "hard_axis_anisotropy alpha", _WALL),
    Limit(f"{_W}wall_motion", "method", ["rigid"], ["rapid", None, 1], ("method",), {"wall": WALL}),
    Limit(
        f"{_W}wall_motion",
        "cell",
        [],
        [0.41 * WALL.width, 0.0, -1.0],
        ("cell",),
        {"wall": WALL, "method": "micromagnetic", "field": 1e-3},
    ),
    Limit(
        f"{_W}wall_motion",
        "window",
        [],
        [19.9 * WALL.width, 0.0, 2001 * 0.25 * WALL.width],
        ("window",),
        {"wall": WALL, "method": "micromagnetic", "field": 1e-3},
    ),
    Limit(f"{_W}wall_profile", "width", [1e-300, 1e300], [0.0, -5e-324], ("width > 0",), {"position": 0.0}),
    Limit(f"{_W}wall_profile", "kind", ["bloch"], ["neel ", None, []], ("'bloch'",), {"position": 0.0, "width": 1.0}),
)
NO_LIMIT = {
    f"{_W}wall_motion drift": "positive is one of two senses",
    f"{_FP}solve_fokker_planck system": "alpha > 0, which a row of refusals and GeneralizedLLG try",
}


@contracts(*CONTRACTS)
def test_invariant_contract_thermodynamic(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_thermodynamic(row: Contract | Limit) -> None:
    row.check_refusals()
