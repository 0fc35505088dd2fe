"""Contracts of lattice models: leads, scattering matrices, damping and torque correlation."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume
from hypothesis import strategies as st

from spinlib.lattice.damping import BulkSlope, dissipation_tensor, pumped_charge
from spinlib.lattice.green import LayeredSystem, Scattering, scattering_matrix
from spinlib.lattice.leads import Lead, cubic_lead
from spinlib.lattice.torque_correlation import Crystal, p_orbital_crystal
from spinlib.spin import spin_matrices
from spinlib.units import e, hbar
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw
from tests.contracts.rows import positive, quiet

CURVED = "the window from"


def hermitian(draws: st.DrawFn, n: int, size: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(draws(st.integers(0, 2**32 - 1)))
    a = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
    return (a + a.conj().T) * size


CHAIN = LayeredSystem(np.zeros((3, 2, 2)), np.ones(2), (np.eye(2)[None],))
LEAD = cubic_lead(0.3, (1, 1), 1.0, onsite=-4.0)
RUN = scattering_matrix(CHAIN, LEAD, LEAD)
CRYSTAL = p_orbital_crystal((0, 0, 1.0), exchange_splitting=2.0, spin_orbit=0.5)


def _retarded(lead: Lead, energy: float, **_: Any) -> None:
    """Electrons leave and none come back by themselves: Gamma = W W^dagger has no negative eigenvalue."""
    assert lead.energy == energy
    gamma = 1j * (lead.self_energy - lead.self_energy.conj().T)
    size = np.abs(gamma).max()
    assert lead.n_modes >= 1
    assert np.linalg.eigvalsh(gamma)[0] >= -1e-8 * size
    np.testing.assert_allclose(lead.injection @ lead.injection.conj().T, gamma, rtol=0, atol=1e-8 * size)


@st.composite
def _cubic(draws: st.DrawFn) -> dict[str, Any]:
    """Energies within the band of the lowest transverse mode, off its edges; hops from strong to weak."""
    shape = (draws(st.integers(1, 3)), draws(st.integers(1, 3)))
    v = draws(draw.sizes(1e-6, 1e6)) * draws(st.sampled_from([1.0, -1.0]))
    boundary = draws(st.sampled_from(["periodic", "open"]))
    twist = (0.3, -0.2) if boundary == "periodic" and draws(st.booleans()) else (0.0, 0.0)
    onsite = draws(draw.signed(1e-3, 1e3)) * v
    one = [
        [
            np.cos(np.pi * (k + 1) / (n + 1)) if boundary == "open" else np.cos((2 * np.pi * k + phase) / n)
            for k in range(n)
        ]
        for n, phase in zip(shape, twist, strict=True)
    ]
    bottoms = np.add.outer(one[0], one[1]).ravel() * 2 * v + onsite
    energy = bottoms[0] + draws(draw.between(-1.9, 1.9)) * v
    assume((np.abs(np.abs((energy - bottoms) / v) - 2) > 1e-3).all())
    return {"energy": energy, "shape": shape, "hopping": v, "onsite": onsite, "boundary": boundary, "twist": twist}


@st.composite
def _cells(draws: st.DrawFn) -> dict[str, Any]:
    """Wires of one to four states whose bands all contain the energy: weak transverse against strong hops."""
    n, size = draws(st.integers(1, 4)), draws(draw.sizes(1e-3, 1e3))
    cell = hermitian(draws, n, 0.1) * size
    hop = (np.eye(n) + 0.1 * hermitian(draws, n, 0.3)) * size
    side = draws(st.sampled_from(["left", "right"]))
    return {"energy": draws(draw.between(-0.3, 0.3)) * size, "cell": cell, "coupling": hop, "side": side}


@st.composite
def _samples(draws: st.DrawFn, perturbed: bool = True) -> dict[str, Any]:
    """Random samples of one to five layers between leads that match, weak and strong barriers."""
    size, layers = draws(draw.sizes(1e-2, 1e2)), draws(st.integers(1, 5))
    n = 2
    onsite = np.array([hermitian(draws, n, draws(draw.sizes(1e-3, 1e1)) * size) for _ in range(layers)])
    hops = np.array([hermitian(draws, n, 0.3 * size) + size * np.eye(n) for _ in range(layers - 1)]).reshape(-1, n, n)
    changes = tuple(np.array([hermitian(draws, n) for _ in range(layers)]) for _ in range(2 * perturbed))
    energy = draws(draw.between(-1.5, 1.5)) * size
    lead = cubic_lead(energy, (1, 1), size, onsite=-4 * size)
    given = {"system": LayeredSystem(onsite, hops if layers > 1 else np.ones(n), changes), "left": lead, "right": lead}
    if perturbed and draws(st.booleans()):
        given["screening"] = draws(st.sampled_from(["uniform", "local"]))
    return given


def _unitary(run: Scattering, system: LayeredSystem, left: Lead, right: Lead, screening: str = "none") -> None:
    """S^dagger S = 1, i S^dagger dS Hermitian; conductance and noise within the number of channels."""
    s = run.matrix
    np.testing.assert_allclose(s.conj().T @ s, np.eye(len(s)), rtol=0, atol=1e-9)
    assert -1e-9 <= run.conductance <= min(left.n_modes, right.n_modes) + 1e-9
    assert -1e-9 <= run.shot_noise <= run.conductance + 1e-9
    for change in run.derivatives:
        generator = 1j * s.conj().T @ change
        np.testing.assert_allclose(
            generator, generator.conj().T, rtol=0, atol=1e-6 * (np.abs(generator).max() + 1e-300)
        )
    if screening != "none":  # the number of electrons is kept
        charge = pumped_charge(run)
        np.testing.assert_allclose(
            charge.sum(axis=1), 0, rtol=0, atol=1e-6 * (np.abs(charge).max() + np.abs(run.derivatives).max())
        )
    if run.derivatives.size:
        tensor = dissipation_tensor(run)
        assert np.linalg.eigvalsh(tensor)[0] >= -1e-9 * np.abs(tensor).max()


def _lengths(runs: dict[int, Scattering], system: LayeredSystem, left: Lead, right: Lead, lengths: Any) -> None:
    """A sweep is what single samples are."""
    assert sorted(runs) == sorted(lengths)
    for length, run in runs.items():
        _unitary(run, system, left, right)
        single = scattering_matrix(
            LayeredSystem(system.onsite[:length], system.coupling[: length - 1] if length > 1 else np.ones(2)),
            left,
            right,
        )
        np.testing.assert_allclose(run.matrix, single.matrix, rtol=0, atol=1e-7)


def _systems(system: LayeredSystem, shape: tuple[int, int, int], **_: Any) -> None:
    h = system.onsite
    assert system.n_layers == shape[2]
    assert h.shape[1] == 6 * shape[0] * shape[1]
    np.testing.assert_allclose(h, h.conj().swapaxes(-1, -2), rtol=0, atol=1e-12 * np.abs(h).max())


@st.composite
def _p_magnets(draws: st.DrawFn) -> dict[str, Any]:
    shape = (draws(st.integers(1, 2)), draws(st.integers(1, 2)), draws(st.integers(1, 3)))
    m = draws(draw.directions())
    given = {"shape": shape, "magnetization": m, "variations": (np.cross(m, (0.6, 0.48, 0.64)),)}
    optional = {
        "onsite": draw.signed(1e-6, 1e6),
        "exchange_splitting": draw.signed(1e-6, 1e6),
        "spin_orbit": draw.signed(1e-6, 1e6),
        "decay": st.one_of(draw.sizes(1e-3, 1e1), st.just(0.0)),
        "twist": st.just((0.3, -1.0)),
        "hopping": st.just((-2.0, 0.7)),
    }
    given |= draws(st.fixed_dictionaries({}, optional=optional))
    if draws(st.booleans()):
        rng = np.random.default_rng(draws(st.integers(0, 2**32 - 1)))
        given["displacement"] = rng.uniform(-0.1, 0.1, (shape[2], shape[0] * shape[1], 3))
    return given


def _alloy(
    found: tuple[np.ndarray, np.ndarray],
    concentration: float,
    majority_shift: float,
    minority_shift: float,
    exchange_splitting: float,
    **_: Any,
) -> None:
    eps, delta = found
    shifted = delta != exchange_splitting
    if concentration in (0.0, 1.0) and minority_shift != majority_shift:
        alike = delta - exchange_splitting
        assert np.ptp(alike) == 0
        assert concentration or not shifted.any()
    assert eps.shape == delta.shape


def _one_channel(
    found: Any, energy: float, transverse_energy: float, lead_potential: float, hopping: float, **_: Any
) -> None:
    r, t, is_open = found
    if is_open:
        assert abs(r) ** 2 + abs(t) ** 2 == pytest.approx(1.0, abs=1e-9)
        assert abs(r * np.conj(t) + np.conj(r) * t) <= 1e-9
    else:
        assert r == 0
        assert t == 0


@st.composite
def _slabs(draws: st.DrawFn) -> dict[str, Any]:
    hop = draws(draw.sizes(1e-6, 1e6)) * draws(st.sampled_from([1.0, -1.0]))
    return {
        "energy": draws(draw.between(-3.0, 3.0)) * hop,
        "transverse_energy": draws(draw.between(-1.0, 1.0)) * hop,
        "thickness": draws(st.one_of(st.integers(1, 100), st.just(10**6))),
        "potential": draws(draw.signed(1e-9, 1e3)) * hop,
        "lead_potential": draws(draw.between(-1.0, 1.0)) * hop,
        "hopping": hop,
    }


def _symmetric(tensor: np.ndarray, scattering: Scattering, lead: str | None = None) -> None:
    np.testing.assert_allclose(tensor, tensor.T, rtol=0, atol=1e-12 * np.abs(tensor).max())
    assert np.linalg.eigvalsh(tensor)[0] >= -1e-9 * np.abs(tensor).max()
    both = sum(dissipation_tensor(scattering, lead=each) for each in ("left", "right"))
    np.testing.assert_allclose(both, dissipation_tensor(scattering), rtol=0, atol=1e-12 * np.abs(both).max())


def _phase(charge: np.ndarray, scattering: Scattering) -> None:
    """What both leads take is the change of arg det S."""
    s = scattering.matrix
    phase = [np.trace(s.conj().T @ change).imag for change in scattering.derivatives]
    size = np.abs(scattering.derivatives).max() + 1e-300
    np.testing.assert_allclose(charge.sum(axis=-1), phase, rtol=0, atol=1e-9 * size * len(s))


def _damps(alpha: float, slope: float, magnetic_moment: float, g_factor: float = 2.0) -> None:
    """hbar T/4 pi is alpha m_s mu_B/gamma with gamma = g mu_B/hbar, per atom."""
    power, friction = slope / (4 * np.pi), alpha * magnetic_moment / g_factor
    assert friction == pytest.approx(power, abs=1e-12 * abs(power))


def _resists(rho: float, slope: float, sites: int, lattice_constant: float) -> None:
    """A layer of N a^2 and of thickness a adds the resistance ``slope`` h/e^2."""
    layer = rho * lattice_constant / (sites * lattice_constant**2)
    wanted = slope * 2 * np.pi * hbar / e**2
    assert layer == pytest.approx(wanted, abs=1e-12 * abs(wanted))


def _wall(found: Any, **_: Any) -> None:
    """L is positive definite: dissipation; alpha is positive."""
    assert found.alpha > 0
    assert found.conductance > 0
    root = np.sqrt(np.diag(found.response))
    assert np.linalg.eigvalsh(found.response / np.outer(root, root))[0] >= -1e-9


def _line(found: BulkSlope, lengths: np.ndarray, samples: np.ndarray, **_: Any) -> None:
    """The line through the mean."""
    mean = samples.mean(axis=0)
    off = mean - (found.intercept + found.slope * lengths)
    size = np.abs(samples).max() + np.abs(found.intercept) + np.abs(found.slope * lengths).max() + 1e-300
    assert abs(off.sum()) <= 1e-9 * size * len(off)
    assert abs(off @ lengths) <= 1e-9 * size * lengths.sum()
    assert np.isnan(found.slope_error) == (len(samples) == 1)


@st.composite
def _sweeps(draws: st.DrawFn) -> dict[str, Any]:
    lengths = np.cumsum(draws(st.lists(st.integers(1, 50), min_size=3, max_size=8))).astype(float)
    scale = draws(draw.sizes(1e-6, 1e6))
    rng = np.random.default_rng(draws(st.integers(0, 2**32 - 1)))
    samples = scale * (1 + lengths + rng.normal(size=(draws(st.integers(1, 5)), len(lengths))))
    return {"lengths": lengths, "samples": samples, "minimum_length": 0.0, "seed": draws(st.integers(0, 2**32))}


_S = spin_matrices(1 / 2)


class Bands:
    """One orbital on a simple cubic lattice."""

    def __init__(self, splitting: float) -> None:
        self.splitting = splitting

    def __repr__(self) -> str:
        return f"Bands({self.splitting})"

    def __call__(self, k: np.ndarray) -> np.ndarray:
        return -2 * np.cos(k).sum(-1)[..., None, None] * np.eye(2) - self.splitting * _S[2]


class Exchange(Bands):
    def __call__(self, v: np.ndarray) -> np.ndarray:
        return -self.splitting * np.tensordot(v, _S, 1)


def _slopes(k: np.ndarray) -> np.ndarray:
    return 2 * np.sin(k)[..., None, None] * np.eye(2)


def _bulk(crystal: Crystal, magnetization: np.ndarray, exchange_splitting: float = 1.0, **_: Any) -> None:
    k = np.array([[0.3, -1.0, 2.0], [0.0, 0.0, np.pi]])
    h = crystal.hamiltonian(k)
    np.testing.assert_allclose(h, h.conj().swapaxes(-1, -2), rtol=0, atol=1e-12 * np.abs(h).max())
    assert np.linalg.norm(crystal.magnetization) == pytest.approx(1.0, abs=1e-15)


def _dissipates(found: Any, crystal: Crystal, directions: np.ndarray, **_: Any) -> None:
    size = np.abs(found.total).max() + 1e-300
    assert (found.total >= -1e-12 * size).all()
    assert (found.intraband >= -1e-12 * size).all()
    assert (found.interband >= -1e-12 * size).all()
    np.testing.assert_allclose(found.intraband + found.interband, found.total, rtol=0, atol=1e-14 * size)
    assert (np.asarray(found.conductivity) >= 0).all()


@st.composite
def _correlations(draws: st.DrawFn) -> dict[str, Any]:
    m = draws(draw.directions())
    across = np.cross(m, (0.6, 0.48, 0.64))
    crystal = p_orbital_crystal(
        m, exchange_splitting=draws(draw.signed(1e-3, 1e1)), spin_orbit=draws(draw.signed(1e-3, 1e1))
    )
    return {
        "crystal": crystal,
        "energy": draws(draw.between(-5.0, 5.0)),
        "broadening": draws(draw.sizes(0.1, 1e3)),
        "directions": (across / np.linalg.norm(across))[None],
        "k_points": draws(st.integers(2, 4)),
        "torque": draws(st.sampled_from(["spin-orbit", "exchange"])),
        "current_direction": draws(draw.directions()),
    }


@st.composite
def _one_run(draws: st.DrawFn) -> Scattering:
    given = draws(_samples())
    return scattering_matrix(**(given | {"screening": "none"}))


@st.composite
def _one_wall(draws: st.DrawFn) -> dict[str, Any]:
    """A barrier that is dragged along a channel."""
    k, transmitted = draws(draw.between(0.01, 3.0)), draws(draw.between(0.01, 0.99))
    r, t = 1j * np.sqrt(1 - transmitted), np.sqrt(transmitted)
    change = 2j * k * np.array([[r, 0], [0, -r]])
    scattering = Scattering(np.array([[r, t], [t, r]]), change[None], 1, np.zeros(2, dtype=np.int64))
    return {
        "scattering": scattering,
        "width": draws(draw.sizes(1e-2, 1e3)),
        "sites": draws(st.integers(1, 1000)),
        "magnetic_moment": draws(draw.sizes(1e-3, 1e1)),
    }


@st.composite
def _leads(draws: st.DrawFn) -> dict[str, Any]:
    lead = draws(_cubic().map(lambda given: cubic_lead(**given)))
    return {"energy": lead.energy, "self_energy": lead.self_energy, "injection": lead.injection, "spin": lead.spin}


_L = "lattice."
_NO_ERROR = dict.fromkeys(("slope_error", "intercept_error"), "a single configuration has no scatter")
_HELD = "it holds the arrays that it is given"
CONTRACTS = (
    Contract(
        f"{_L}leads.Lead",
        _leads(),
        _retarded,
        shares=_HELD,
    ),
    Contract(f"{_L}leads.cubic_lead", _cubic(), _retarded, tolerance=1e-9),
    Contract(f"{_L}leads.lead_from_cell", _cells(), _retarded, tolerance=1e-6),
    Contract(
        f"{_L}green.LayeredSystem",
        _samples().map(lambda given: {"onsite": given["system"].onsite, "coupling": given["system"].coupling}),
        shares=_HELD,
    ),
    Contract(f"{_L}green.scattering_matrix", _samples(), _unitary, tolerance=1e-7),
    Contract(
        f"{_L}green.scattering_matrix",
        _samples(perturbed=False).map(lambda given: given | {"lengths": range(1, 1 + given["system"].n_layers)}),
        _lengths,
        tolerance=1e-7,
        examples=8,
        label="of many lengths",
        takes={"lengths none": "all layers"},
    ),
    Contract(f"{_L}models.p_orbital_magnet", _p_magnets(), _systems),
    Contract(
        f"{_L}models.binary_alloy",
        st.fixed_dictionaries(
            {
                "shape": st.tuples(*3 * [st.integers(1, 4)]),
                "concentration": draw.between(0.0, 1.0),
                "exchange_splitting": draw.signed(1e-3, 1e3),
                "majority_shift": draw.signed(1e-3, 1e3),
                "minority_shift": draw.signed(1e-3, 1e3),
                "seed": st.integers(0, 2**40),
            },
            optional={"onsite": draw.signed(1e-3, 1e3)},
        ),
        _alloy,
        takes={"seed none": "draws anew"},
    ),
    Contract(
        f"{_L}models.slab_amplitudes",
        _slabs(),
        _one_channel,
        dict.fromkeys(("energy", "transverse_energy", "potential", "lead_potential"), 0),
        tolerance=1e-8,
        examples=40,
    ),
    Contract(
        f"{_L}damping.dissipation_tensor",
        st.fixed_dictionaries({"scattering": _one_run()}, optional={"lead": st.sampled_from(["left", "right"])}),
        lambda tensor, scattering, lead=None: _symmetric(tensor, scattering),
    ),
    Contract(
        f"{_L}damping.pumped_charge",
        st.fixed_dictionaries({"scattering": _one_run()}),
        _phase,
        examples=10,
    ),
    Contract(
        f"{_L}damping.gilbert_damping",
        st.fixed_dictionaries(
            {"slope": draw.signed(1e-9, 1e9), "magnetic_moment": draw.sizes(1e-9, 1e3)},
            optional={"g_factor": draw.sizes(1e-3, 1e3)},
        ),
        _damps,
        stacks={"slope": 0, "magnetic_moment": 0},
    ),
    Contract(f"{_L}damping.wall_scattering", _one_wall(), _wall),
    Contract(
        f"{_L}damping.bulk_slope",
        _sweeps(),
        _line,
        nan=_NO_ERROR,
        takes={"seed none": "draws anew"},
        tolerance=1e-9,
        call=quiet(f"{_L}damping.bulk_slope", CURVED),
    ),
    Contract(
        f"{_L}damping.resistivity",
        st.fixed_dictionaries(
            {
                "slope": draw.signed(1e-9, 1e3),
                "sites": st.integers(1, 10**6),
                "lattice_constant": draw.sizes(1e-11, 1e-8),
            }
        ),
        _resists,
        stacks={"slope": 0},
    ),
    Contract(
        f"{_L}torque_correlation.Crystal",
        st.fixed_dictionaries(
            {
                "hamiltonian": draw.signed(1e-3, 1e3).map(Bands),
                "velocity": st.just(_slopes),
                "spin": st.just(np.array(_S)),
                "spin_orbit": draw.signed(1e-3, 1e3).map(lambda xi: xi * np.array([[0, 1j], [-1j, 0]])),
                "exchange": draw.signed(1e-3, 1e3).map(Exchange),
                "magnetization": draw.directions(),
            }
        ),
    ),
    Contract(
        f"{_L}torque_correlation.p_orbital_crystal",
        st.fixed_dictionaries(
            {"magnetization": draw.directions()},
            optional={
                "exchange_splitting": draw.signed(1e-6, 1e6),
                "spin_orbit": draw.signed(1e-6, 1e6),
                "hopping": st.just(np.array([1.0, -2.0])),
                "onsite": draw.signed(1e-6, 1e6),
            },
        ),
        _bulk,
    ),
    Contract(
        f"{_L}torque_correlation.torque_correlation",
        _correlations(),
        _dissipates,
        stacks={"broadening": 0},
        tolerance=1e-9,
    ),
)

EXEMPT = {f"{_L}green.Scattering": "returned by scattering_matrix, whose contract looks at all of it"}

_CUBIC = {"energy": 0.0, "shape": (1, 1), "hopping": 1.0, "onsite": -4.0}
_OPEN = {"energy": 0.0, "shape": (2, 1), "hopping": 1.0, "boundary": "open"}
_CELL = {"energy": 0.0, "cell": np.zeros((2, 2)), "coupling": np.ones(2), "side": "left"}
_SYSTEM = {"onsite": np.zeros((3, 2, 2)), "coupling": np.ones(2)}
_MATRIX = {"system": CHAIN, "left": LEAD, "right": LEAD}
_MAGNET = {"shape": (1, 1, 3), "magnetization": (0, 0, 1.0)}
_ALLOY = {
    "shape": (1, 1, 3),
    "concentration": 0.5,
    "exchange_splitting": 1.0,
    "majority_shift": 0.5,
    "minority_shift": 2.0,
    "seed": 1,
}
_SLAB = {"energy": 0.0, "transverse_energy": 0.0, "thickness": 1, "potential": 1.0}
_DRAGGED = {
    "scattering": Scattering(
        np.array([[0.6j, 0.8], [0.8, 0.6j]]), np.array([[[-1.2, 0], [0, 1.2]]]) + 0j, 1, np.zeros(2)
    ),
    "width": 2.0,
    "sites": 1,
    "magnetic_moment": 1.0,
}
_CORRELATION = {"crystal": CRYSTAL, "energy": 0.0, "broadening": 1.0, "directions": [(1.0, 0, 0)], "k_points": 2}
_CRYSTAL = {
    "hamiltonian": Bands(1.0),
    "velocity": _slopes,
    "spin": _S,
    "spin_orbit": np.zeros((2, 2)),
    "exchange": Exchange(1.0),
    "magnetization": (0, 0, 1.0),
}
_SAMPLES = {"lengths": [1.0, 2.0, 3.0, 4.0], "samples": [[1.0, 2.0, 3.0, 4.0]], "minimum_length": 1.0}
_SKEW = np.array([[0, 1.0], [1 + 3e-12, 0]])
_UNIT = ([(0, 0, 1 + 9e-7), (0, 0, -1.0)], [(0, 0, 1 + 1.1e-6), (0.0, 0, 0), (1.0, 0)], ("pass",))
_LARGE = (0, 0, 1.0000011)

LIMITS = (
    Limit(f"{_L}leads.cubic_lead", "shape", [(1, 1)], [(0, 1), (1, 0), (1.0, 1), (1, 1, 1), 1], ("pass",), _CUBIC),
    Limit(f"{_L}leads.cubic_lead", "energy", [1.9999, -1.9999], [2.0, -2.0, 2.0001, 99.0], ("energy",), _CUBIC),
    Limit(
        f"{_L}leads.cubic_lead",
        "hopping",
        [1e-3, -1.0],
        [0.0, [(1.0, 1.0, 0.0)], [1.0, 1.0]],
        ("pass",),
        _OPEN,
    ),
    Limit(
        f"{_L}leads.cubic_lead",
        "boundary",
        ["open"],
        ["closed", None],
        ("'open'",),
        _OPEN,
    ),
    Limit(
        f"{_L}leads.lead_from_cell",
        "cell",
        [np.diag([0.1, 0.2])],
        [_SKEW, np.zeros((2, 3)), np.zeros((3, 3))],
        ("cell",),
        _CELL,
    ),
    Limit(f"{_L}leads.lead_from_cell", "energy", [1.99, -1.99], [2.01, -2.01, 99.0], ("energy",), _CELL),
    Limit(f"{_L}leads.lead_from_cell", "side", ["right"], ["up", None], ("'left' or 'right'",), _CELL),
    Limit(
        f"{_L}leads.Lead",
        "spin",
        [[1], [-1], [0]],
        [[2], [1, 1], [0.5]],
        ("pass",),
        {"energy": 0.0, "self_energy": [[-1j]], "injection": [[2**0.5]]},
    ),
    Limit(
        f"{_L}green.LayeredSystem",
        "onsite",
        [np.zeros((1, 2, 2)), np.array([[[0, 1.0], [1 + 5e-13, 0]]] * 3)],
        [np.array([_SKEW] * 3), np.zeros((2, 2)), np.zeros((0, 2, 2)), np.zeros((3, 2, 3))],
        ("onsite",),
        _SYSTEM,
    ),
    Limit(
        f"{_L}green.LayeredSystem",
        "perturbations",
        [(), (np.eye(2)[None],), (np.zeros((3, 2, 2)),)],
        [(_SKEW[None],), (np.eye(2),), (np.zeros((2, 2, 2)),)],
        ("perturbations",),
        _SYSTEM,
    ),
    Limit(
        f"{_L}green.scattering_matrix",
        "lengths",
        [None, [1], [3, 1]],
        [[0], [4], [1, 1], [], 2, [1.0]],
        ("pass",),
        _MATRIX,
    ),
    Limit(f"{_L}green.scattering_matrix", "screening", ["none", "local"], ["global", None], ("'uniform'",), _MATRIX),
    Limit(
        f"{_L}green.scattering_matrix",
        "right",
        [LEAD],
        [cubic_lead(0.3000001, (1, 1), 1.0, onsite=-4.0), cubic_lead(0.3, (2, 1), 1.0, onsite=-4.0)],
        ("pass",),
        _MATRIX,
    ),
    Limit(
        f"{_L}models.p_orbital_magnet",
        "shape",
        [(1, 1, 1)],
        [(0, 1, 1), (1, 0, 1), (1, 1, 0), (1, 1), (1, 1, 1.0)],
        ("pass",),
        {"magnetization": (0, 0, 1.0)},
    ),
    Limit(f"{_L}models.p_orbital_magnet", "magnetization", *_UNIT, _MAGNET),
    Limit(f"{_L}models.p_orbital_magnet", "decay", [0.0, 99.0], [-5e-324], ("at least 0",), _MAGNET),
    Limit(
        f"{_L}models.p_orbital_magnet",
        "displacement",
        [0.0 * np.ones((3, 1, 3)), np.array([(0, 0, 0), (0, 0, 0.98), (0, 0, 0)])[:, None]],
        [np.array([(0, 0, 0.0), (0, 0, 0.995), (0, 0, 0)])[:, None], np.zeros((3, 3))],
        ("pass",),
        _MAGNET,
    ),
    Limit(
        f"{_L}models.binary_alloy",
        "concentration",
        [0.0, 1.0],
        [-5e-324, np.nextafter(1.0, 2)],
        ("0 <= concentration <= 1",),
        _ALLOY,
    ),
    Limit(f"{_L}models.binary_alloy", "shape", [(1, 1, 1)], [(0, 1, 1), (1, 1), (1, 1, 0)], ("pass",), _ALLOY),
    Limit(
        f"{_L}models.slab_amplitudes", "thickness", [1, [1, 10**9]], [0, -1, 1.0, [1, 0]], ("thickness >= 1",), _SLAB
    ),
    Limit(
        f"{_L}models.slab_amplitudes", "hopping", [1e-3, -1.0], [0.0, -0.0], ("pass a hopping that is not 0",), _SLAB
    ),
    *positive(f"{_L}damping.gilbert_damping", "magnetic_moment g_factor", {"slope": 1.0, "magnetic_moment": 1.0}),
    *positive(f"{_L}damping.wall_scattering", "width sites magnetic_moment g_factor", _DRAGGED, 1),
    *positive(
        f"{_L}damping.resistivity", "sites lattice_constant", {"slope": 1.0, "sites": 1, "lattice_constant": 1e-9}, 1
    ),
    Limit(f"{_L}damping.dissipation_tensor", "lead", [None, "left"], ["up", 1], ("'right'",), {"scattering": RUN}),
    Limit(
        f"{_L}damping.bulk_slope",
        "lengths",
        [[1.0, 2.0, 3.0, 9.0]],
        [[1.0, 2.0, 3.0, 3.0], [1.0, 2.0, 3.0]],
        ("pass",),
        _SAMPLES,
        endless=_NO_ERROR,
    ),
    Limit(
        f"{_L}damping.bulk_slope",
        "minimum_length",
        [2.0],
        [2.0000001, 99.0],
        ("pass more lengths",),
        _SAMPLES,
        endless=_NO_ERROR,
    ),
    Limit(f"{_L}torque_correlation.Crystal", "magnetization", *_UNIT, _CRYSTAL),
    Limit(
        f"{_L}torque_correlation.Crystal",
        "spin",
        [_S * (1 + 1e-6)],
        [_S * (1 + 3e-6), 2 * _S, _S[:2]],
        ("pass",),
        _CRYSTAL,
    ),
    Limit(f"{_L}torque_correlation.Crystal", "hamiltonian", [Bands(9.0)], [1.0, _slopes], ("hamiltonian",), _CRYSTAL),
    Limit(f"{_L}torque_correlation.p_orbital_crystal", "magnetization", *_UNIT),
    Limit(
        f"{_L}torque_correlation.torque_correlation",
        "directions",
        [[(1.0, 0, 9e-7)], np.eye(3)[:2]],
        [[(1.0, 0, 1.1e-6)], [(0, 0, 1.0)], [(1.1, 0, 0)], (1.0, 0, 0), np.empty((0, 3))],
        ("pass",),
        _CORRELATION,
    ),
    Limit(f"{_L}torque_correlation.torque_correlation", "current_direction", *_UNIT, _CORRELATION),
    Limit(
        f"{_L}torque_correlation.torque_correlation",
        "broadening",
        [0.1, [1.0, 1e9]],
        [0.0, -1.0, 1e-6, []],
        ("pass",),
        _CORRELATION,
    ),
    Limit(
        f"{_L}torque_correlation.torque_correlation", "k_points", [1], [0, 1.0, -1], ("k_points >= 1",), _CORRELATION
    ),
    Limit(
        f"{_L}torque_correlation.torque_correlation",
        "torque",
        ["exchange"],
        ["spin", None],
        ("'exchange'",),
        _CORRELATION,
    ),
)
NO_LIMIT = {f"{_L}models.p_orbital_magnet exchange_splitting": "any sign: it says which spin is lower"}


@contracts(*CONTRACTS)
def test_invariant_contract_lattice(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_lattice(row: Contract | Limit) -> None:
    row.check_refusals()
