"""The steady solver against scipy's, finite volumes, closed forms and invariant embedding, and what it may not break.

All means of comparison are in ``accumulation_routes``; none knows a part of the solver.
"""

import warnings
from dataclasses import FrozenInstanceError, fields, replace
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinlib.accumulation import (
    Boundary,
    DiffusiveMedium,
    Layer,
    SpinStructure,
    bilayer,
    ring,
    solve_accumulation,
    step_interface_accumulation,
    transverse_wavenumber,
    wall,
)
from spinlib.accumulation.boundary_value import _solution
from spinlib.spin import cross_matrix, rotation_matrix, unit_vector
from spinlib.units import hbar, meV, nm, ps
from tests.spinlib.accumulation_routes import (
    by_embedding,
    by_finite_volumes,
    by_sinh,
    by_solve_bvp,
    changed,
    end_rows,
    field,
    helix,
    inner_points,
    integrals,
    law,
    mirrored,
    natural_current,
    random_structure,
    split,
    turned,
)

# Set of the paper, and thin layers: the warnings of both are tested in test_accumulation_structures.
pytestmark = pytest.mark.filterwarnings("ignore:layer .* this is the solution of the moments")

RHP = DiffusiveMedium(1e-3, 10 * ps, 100 * hbar / (100 * meV), 100 * meV)
METAL = DiffusiveMedium(1e-3, 10 * ps, 0.003 * ps, 100 * meV)
SEEDS = st.integers(0, 2**32 - 1)
X, Y, Z = np.eye(3)


def tilted(degrees):
    return rotation_matrix(X, np.radians(degrees)) @ Z


def right_angle(medium, length, **options):
    """Fig. 8 at 90 degrees."""
    options = {"interface_width": 0.6 * nm, "exchange_force": False} | options
    return bilayer(medium, -Z, tilted(90), length, length, **options)


def away(found, wanted):
    """Largest difference of (m, j), each as a share of its own largest component."""
    return max(np.abs(a - b).max() / np.abs(b).max() for a, b in zip(found, wanted, strict=True))


# --- accuracy -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def resonant():
    """The bilayer of 100 nm of the paper's set, and m beside and at its interface by embedding."""
    structure = right_angle(RHP, 100 * nm)
    x = np.array([-91.3, -40.0, -3.2, -0.7, 0.0, 0.4, 1.9, 27.1]) * nm
    return structure, x, by_embedding(structure, x, 1e-12)


def test_limit_interface_of_the_resonant_bilayer_at_two_angstrom(resonant):
    structure, _, (m, _) = resonant
    # The default mesh is finer, so that 0.2 nm cannot be asked for.
    nodes = _solution(structure, [np.linspace(0, 100 * nm, 501)] * 2).nodes[:, :3]
    assert np.abs(nodes[500] - m[4]).max() < 1e-8  # 0.91e-8
    everywhere = solve_accumulation(structure).at(np.linspace(-100, 100, 1001) * nm)[0]
    assert np.abs(nodes - everywhere).max() < 1.3e-7  # where m is largest wrong, some nm beside the interface


def test_limit_resonant_bilayer_by_default(resonant):
    structure, x, wanted = resonant
    result = solve_accumulation(structure)
    # 1.5e-10, of which most is rounding: a second difference of 5e3 nodes multiplies 1e-16 by their square.
    assert away(result.at(x), wanted) < 1e-9
    assert result.error_estimate < 1e-8
    np.testing.assert_allclose(result.at(0.0)[0], [0, -0.2584, -0.2584], rtol=0, atol=5e-5)  # note, Fig. 8


def test_limit_waves_are_resolved_whatever_is_asked(resonant):
    """A mesh that aliases the wave of 1.6 nm gives m_y(0) = -1.5; the loosest tolerance must not."""
    structure, x, (m, _) = resonant
    result = solve_accumulation(structure, rtol=1.0, max_step=1.0)
    assert np.abs(result.at(x)[0] - m).max() < 1e-8
    # The first of the two meshes has |k| h <= 0.6, the one returned half of it.
    assert np.diff(result.position).max() * abs(transverse_wavenumber(RHP)) <= 0.3


@pytest.mark.parametrize("length", [2 * nm, 5 * nm, 30 * nm])
def test_limit_no_cell_is_longer_than_asked(length):
    result = solve_accumulation(SpinStructure([Layer(METAL, 40 * nm)]), max_step=length)
    assert np.diff(result.position).max() <= length / 2 * (1 + 1e-9)
    assert np.diff(result.position).max() * abs(transverse_wavenumber(METAL)) <= 0.3


@pytest.mark.parametrize("force", [True, False])
def test_limit_order_eight(force, monkeypatch):
    """A helix of 2 nm pitch in a metal whose waves are ten times as long: its closed form, at three meshes."""
    monkeypatch.setattr("spinlib.accumulation._mesh._SMOOTH", 1e99)  # else the first mesh is fine enough
    q, length = np.pi / nm, 40 * nm
    structure = spiral(METAL, q, length, tilted(0) + 0.3 * X, drift=2e3, exchange_force=force)
    m, j = helix(structure, q)
    errors, estimates = [], []
    for step in (1.0, 0.5, 0.25):
        result = solve_accumulation(structure, rtol=1.0, max_step=step * nm)
        errors.append(away(result.at([0.0]), (m[None], j[None])))
        estimates.append(result.error_estimate)
    slopes = np.log2(np.divide(errors[:-1], errors[1:]))
    np.testing.assert_allclose(slopes, 8, rtol=0, atol=0.4)  # cells of 0.5 nm still turn by 1.6 rad
    assert all(error < estimate for error, estimate in zip(errors, estimates, strict=True))
    monkeypatch.undo()
    default = solve_accumulation(structure)
    assert away(default.at([0.0]), (m[None], j[None])) < 1e-9


@pytest.mark.parametrize("cone", [0.01, 1.4])
def test_limit_estimate_is_the_error_of_half_as_many_cells(cone, monkeypatch):
    """On a helix about x. With M nearly along x the current hardly depends on the mesh, and w alone shows the error."""
    monkeypatch.setattr("spinlib.accumulation._mesh._SMOOTH", 1e99)
    q = np.pi / nm
    structure = spiral(METAL, q, 40 * nm, X + cone * Z, drift=2e3)
    coarse, fine = (solve_accumulation(structure, rtol=1.0, max_step=step * nm) for step in (1.0, 0.5))
    m, j = helix(structure, q)
    turn = rotation_matrix(X, q * coarse.position)
    wanted = turn @ m - coarse.equilibrium, turn @ j
    assert away((coarse.deviation, coarse.spin_current), wanted) == pytest.approx(fine.error_estimate, rel=0.05, abs=0)


def continuous(structure, result):
    """w at the nodes: (m - m_eq)/nu, or m/nu."""
    nu = [layer.medium.density_of_states for layer in structure.layers]
    kept = result.deviation if structure.exchange_force else result.spin_accumulation
    return kept / np.repeat(nu, np.diff(node_limits(result)))[:, None]


def node_limits(result):
    """First nodes of the layers, and the number of all: an interface stands twice."""
    return np.concatenate([[0], np.flatnonzero(np.diff(result.position) == 0) + 1, [len(result.position)]])


@given(SEEDS)
@settings(max_examples=20)
def test_invariant_estimate_is_not_below_the_error(seed):
    """What the loosest tolerance misses at its nodes, as a share of the largest w and j."""
    structure = random_structure(np.random.default_rng(seed), smooth=True)
    loose, tight = solve_accumulation(structure, rtol=1.0), solve_accumulation(structure, max_step=0.1 * nm)
    rows = np.diff(loose.position, append=np.inf) > 0  # at() has the right of an interface
    x, w, j = loose.position[rows], continuous(structure, loose)[rows], loose.spin_current[rows]
    index, u = split(structure, x)
    m, flow = tight.at(x)
    rest = np.array([law(structure, k, each).rest[0] for k, each in zip(index, u, strict=True)])
    nu = np.array([structure.layers[k].medium.density_of_states for k in index])[:, None]
    # 1e-10: rounding of the finer mesh.
    size = np.abs(w).max()
    assert np.abs(w - (m - rest) / nu).max() <= (loose.error_estimate + 1e-10) * size
    # A current is compared with no less than a thousandth of D nu |k| w.
    largest = max(np.abs(j).max(), 1e-3 * natural_current(structure) * size)
    assert np.abs(j - flow).max() <= (loose.error_estimate + 1e-10) * largest


# --- scipy's solver -------------------------------------------------------------------------------------------------


def compared_with_scipy():
    flows = {"left": Boundary.spin_current((1e5, 0, -2e5)), "right": Boundary.contact(2e5 * np.eye(3), (0, 0.3, 0.1))}
    normal = DiffusiveMedium(3e-3, 1 * ps, 0.01 * ps, 0.0, 0.6)
    turning = Layer(METAL, 6 * nm, lambda u: rotation_matrix(X, u / (2 * nm)) @ Z, drift=1e5)
    return {
        "metal": right_angle(METAL, 10 * nm),
        "metal, thick": right_angle(METAL, 60 * nm),
        "paper": right_angle(RHP, 10 * nm),
        "paper, driven": right_angle(RHP, 10 * nm, exchange_force=True, drift=1e5),
        "metal, driven": right_angle(METAL, 10 * nm, exchange_force=True, drift=1e5, interface_width=2 * nm),
        "ring": ring(METAL, 4, 10 * nm, corner_width=1 * nm, exchange_force=False),
        "ring, driven": ring(METAL, 3, 10 * nm, corner_width=1 * nm, drift=1e5),
        "wall": wall(METAL, 4 * nm, half_length=20 * nm, drift=1e5, azimuth=0.4),
        "three metals": SpinStructure([turning, Layer(normal, 9 * nm), Layer(RHP, 3 * nm, Y)], **flows),
    }


@pytest.mark.parametrize("name", compared_with_scipy())
def test_limit_solve_bvp(name):
    structure = compared_with_scipy()[name]
    if name == "three metals":
        structure = replace(structure, larmor_frequency=(3e12, 0, 4e12))
    x = np.linspace(*structure.edges[[0, -1]], 42)[1:-1]
    # Its tolerance is one of the residual, and the solution a thousand times as good; 1e-12 is beyond its rounding. In
    # the ring at rest little is left of the sources.
    found = by_solve_bvp(structure, tol=1e-11 if name == "ring" else 1e-9)(x)
    assert away(solve_accumulation(structure).at(x), found) <= 1e-10


# --- finite volumes ---------------------------------------------------------------------------------------------------


def meshed():
    feed = (1e11, 0, 2e11)
    normal = DiffusiveMedium(3e-3, 1 * ps, 0.01 * ps, 0.0, 0.6)
    layers = [
        Layer(METAL, 8 * nm, Z, 0.4, 1e5, feed),
        Layer(normal, 15 * nm),
        Layer(METAL, 6 * nm, lambda u: rotation_matrix(Y, u / (4 * nm)) @ X, None, -1e5),
    ]
    ends = (Boundary.contact(1e5 * np.diag([1, 2, 3]), (0, 0, 1)), Boundary.open())
    twisted = Boundary.periodic(rotation_matrix(X, 1.0))
    return {
        "paper's law": right_angle(METAL, 20 * nm),
        "driven": right_angle(METAL, 20 * nm, exchange_force=True, drift=1e5),
        "stack": SpinStructure(layers, *ends, larmor_frequency=(0, 5e12, 0)),
        "stack, printed": SpinStructure(layers, *ends, larmor_frequency=(0, 5e12, 0), exchange_force=False),
        "ring": ring(METAL, 4, 20 * nm, corner_width=1 * nm, exchange_force=False),
        "twisted ring": SpinStructure(layers, twisted, twisted),
        "insulated": SpinStructure(layers, *2 * [Boundary.spin_current((0, 0, 0))]),
    }


@pytest.mark.parametrize("name", meshed())
def test_limit_finite_volumes(name):
    structure = meshed()[name]
    result = solve_accumulation(structure)
    errors, middles, currents = [], [], []
    for cells in (300, 900, 2700):  # threefold: the middle of a cell stays one
        volumes = by_finite_volumes(structure, cells)
        balance = volumes.j[0] - volumes.j[-1] - volumes.lost.sum(axis=0)
        assert np.abs(balance).max() < 1e-11 * np.abs(volumes.j).max()  # round-off of 6e4 unknowns
        stride = cells // 300
        middle = slice(stride // 2, None, stride)
        errors.append(np.abs(volumes.m - result.at(volumes.x)[0]).max())
        middles.append(volumes.m[middle])
        currents.append(volumes.j[::stride])
        x = volumes.x[middle]
    slopes = np.log(np.divide(errors[:-1], errors[1:])) / np.log(3)
    np.testing.assert_allclose(slopes, 2, rtol=0, atol=0.1)
    extrapolated, flows = ((9 * each[2] - each[1]) / 8 for each in (middles, currents))
    # Of order 4: h of 0.02 nm and waves of 0.4/nm leave (k h)^4.
    assert np.abs(extrapolated - result.at(x)[0]).max() < 3e-8 * np.abs(extrapolated).max()
    faces = [
        edge + layer.thickness * np.arange(300) / 300
        for edge, layer in zip(structure.edges, structure.layers, strict=False)
    ]
    faces = np.append(np.concatenate(faces), structure.edges[-1])
    assert np.abs(flows - result.at(faces)[1]).max() < 1e-7 * np.abs(flows).max()


# --- closed forms -----------------------------------------------------------------------------------------------------


def check_uniform(structure, rng):
    """By the functions of the matrix H x."""
    x = np.concatenate([inner_points(structure, rng), structure.edges])
    assert away(solve_accumulation(structure).at(x), by_sinh(structure)(x)) < 1e-9


@given(SEEDS)
@settings(max_examples=60)
def test_limit_uniform_layers(seed):
    """Layers, contacts, sources, drifts and fields by chance, by the functions of the matrix H x."""
    rng = np.random.default_rng(seed)
    structure = random_structure(rng)
    check_uniform(structure, rng)


@given(SEEDS)
@settings(max_examples=15)
def test_limit_rings_of_uniform_layers(seed):
    rng = np.random.default_rng(seed)
    structure = random_structure(rng, ends=("periodic", "periodic"))
    check_uniform(structure, rng)


@given(SEEDS)
@settings(max_examples=10)
def test_limit_uniform_layers_without_relaxation(seed):
    """One end takes what the other gives; along H the accumulation is a straight line."""
    rng = np.random.default_rng(seed)
    ends = rng.permutation(["contact", rng.choice(["spin_current", "none", "spin_accumulation"])])
    structure = random_structure(rng, ends=ends, relaxing=False)
    check_uniform(structure, rng)


@given(SEEDS)
@settings(max_examples=12)
def test_limit_smooth_layers(seed):
    """Textures, sources and ends by chance, by embedding."""
    rng = np.random.default_rng(seed)
    ends = rng.choice(["spin_accumulation", "contact", "open", "none"], 2)
    structure = random_structure(rng, smooth=True, ends=ends)
    x = inner_points(structure, rng, 3)
    assert away(solve_accumulation(structure).at(x), by_embedding(structure, x, 1e-11)) < 1e-9


@pytest.mark.parametrize(
    "medium", [METAL, RHP, replace(METAL, exchange_splitting=-100 * meV), replace(METAL, momentum_time=0)]
)
@pytest.mark.parametrize("degrees", [20, 90, 135])
@pytest.mark.parametrize("length", [10 * nm, 100 * nm])
def test_limit_step_interface(medium, degrees, length):
    structure = bilayer(medium, -Z, tilted(degrees), length, length, exchange_force=False)
    sign = np.sign(medium.exchange_splitting)  # the closed form has m_eq = M
    found = sign * solve_accumulation(structure).at(0.0)[0]
    np.testing.assert_allclose(found, step_interface_accumulation(medium, -Z, tilted(degrees), length), atol=1e-9)
    np.testing.assert_allclose(found, step_by_hand(medium, -Z, tilted(degrees), length), rtol=0, atol=1e-9)


def step_by_hand(medium, one, other, length, along=lambda x: 1 / np.tanh(x)):
    """The currents that m(0) drives to both sides add to nothing."""
    S, n = np.linalg.norm(one + other) / 2, unit_vector(one + other)
    a, decay = medium.precession_angle, medium.spin_diffusion_length
    w = medium.exchange_frequency * medium.spin_relaxation_time
    k = np.sqrt((1 + 1j * a) * (1 + 1j * w)) / decay
    across = (np.sqrt((1 + 1j * w) / (1 + 1j * a)) / np.tanh(k * length)).real
    g = along(length / decay)
    return n * S * g / (S**2 * g + (1 - S**2) * across)


@pytest.mark.parametrize("medium", [METAL, RHP])
@pytest.mark.parametrize(("sides", "length"), [(3, 10 * nm), (4, 40 * nm), (6, 100 * nm), (2, 20 * nm)])
def test_limit_corner_of_a_ring(medium, sides, length):
    """A corner is the step between two half sides of which nothing flows at the middle: coth becomes tanh along M."""
    result = solve_accumulation(ring(medium, sides, length, exchange_force=False))
    before, after = rotation_matrix(X, -2 * np.pi / sides) @ Z, Z
    # Between two sides whose directions are opposite S = 0.
    wanted = step_by_hand(medium, before, after, length / 2, along=np.tanh) if sides > 2 else np.zeros(3)
    np.testing.assert_allclose(result.at(0.0)[0], wanted, rtol=0, atol=1e-9)


def spiral(medium, q, length, start, **options):
    """M = R_x(q x) M(0) over a length, its ends turned into one another."""
    start = unit_vector(start)
    names = {"drift", "source", "equilibrium"} & set(options)
    of_layer = {name: options.pop(name) for name in names}
    layer = Layer(medium, length, lambda u: rotation_matrix(X, q * u) @ start, **of_layer)
    end = Boundary.periodic(rotation_matrix(X, q * length))
    return SpinStructure([layer], end, end, **options)


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize("medium", [METAL, RHP, replace(METAL, momentum_time=0)])
@pytest.mark.parametrize("cone", [0.0, 0.5, 1.2])
def test_limit_conical_helix(medium, cone, force):
    q = 1 / (3 * nm)
    start = rotation_matrix(Y, cone) @ Z
    structure = spiral(medium, q, 14 * nm, start, drift=1e5, exchange_force=force, larmor_frequency=(2e13, 0, 0))
    result, x = solve_accumulation(structure), np.array([0.0, 3.3, 9.1, 14.0]) * nm
    m, j = (each @ np.swapaxes(rotation_matrix(X, q * x), -1, -2) for each in helix(structure, q))
    wanted = np.stack([m, j])[:, np.arange(4)]
    assert away(result.at(x), wanted) < 1e-9


@pytest.mark.parametrize("cone", [0.0, 0.7])
def test_limit_helix_by_the_formula(cone):
    """[1 + w M x - (q l)^2 X A^-1 X] u = M by the printed law; with the force a helix at rest is in equilibrium."""
    q, decay = 1 / (3 * nm), METAL.spin_diffusion_length
    M = rotation_matrix(Y, cone) @ Z
    turn, across = cross_matrix(M), cross_matrix(X)
    A = np.eye(3) + METAL.precession_angle * turn
    w = METAL.exchange_frequency * METAL.spin_relaxation_time
    u = np.linalg.solve(np.eye(3) + w * turn - (q * decay) ** 2 * across @ np.linalg.inv(A) @ across, M)
    flow = -METAL.diffusivity * q * np.linalg.inv(A) @ across @ u
    for force, wanted in ((False, (u[None], flow[None])), (True, (M[None], np.zeros((1, 3))))):
        m, j = solve_accumulation(spiral(METAL, q, 10 * nm, M, exchange_force=force)).at([0.0])
        np.testing.assert_allclose(m, wanted[0], rtol=0, atol=1e-9)
        np.testing.assert_allclose(j, wanted[1], rtol=0, atol=1e-9 * METAL.diffusivity * q)
    if not cone:
        a = METAL.precession_angle
        np.testing.assert_allclose(u, Z / (1 + (q * decay) ** 2 / (1 + a**2)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("force", [True, False])
@pytest.mark.parametrize("larmor", [(0, 0, 0), (1e13, 2e13, -3e13)])
def test_limit_uniform_medium(force, larmor):
    M = np.array([0.6, 0, 0.8])
    structure = SpinStructure([Layer(METAL, 30 * nm, M), Layer(METAL, 7 * nm, M)], None, None, larmor, 0.0, force)
    result = solve_accumulation(structure)
    wanted = M + np.array(larmor) / METAL.exchange_frequency
    np.testing.assert_allclose(result.spin_accumulation, np.broadcast_to(wanted, result.torque.shape), atol=1e-11)
    np.testing.assert_allclose(result.spin_current, 0, atol=1e-11 * METAL.diffusivity / nm)
    np.testing.assert_allclose(result.equilibrium - wanted, 0, atol=1e-14)


@pytest.mark.parametrize("force", [True, False])
def test_limit_collinear(force):
    """Spins along M in two metals: sinh, whatever tau and omega are."""
    one, two = replace(METAL, density_of_states=2.0), replace(RHP, diffusivity=3e-3, spin_relaxation_time=1 * ps)
    a, b, drift = 70 * nm, 50 * nm, 1.7e4
    ends = (Boundary.spin_accumulation(3 * Z), Boundary.spin_accumulation(-2 * Z))
    structure = SpinStructure([Layer(one, a, Z, 0.5, drift), Layer(two, b, Z, 0.2)], *ends, exchange_force=force)
    k, q = 1 / one.spin_diffusion_length, 1 / two.spin_diffusion_length
    c, d = k * one.diffusivity * one.density_of_states, q * two.diffusivity * two.density_of_states
    # In both laws w obeys w'' = k^2 (w - rest), rest being 0 or m_eq/nu.
    rest = (0.0, 0.0) if force else (0.25, 0.2)
    left, right = ((3 - 0.5) / 2, -2 - 0.2) if force else (1.5, -2)
    u, v = left - rest[0], right - rest[1]
    # j = -(c/k) dw/dx + drift; w and j are continuous at the interface.
    system = [[1, -1], [c / np.tanh(k * a), d / np.tanh(q * b)]]
    sources = [rest[1] - rest[0], c * u / np.sinh(k * a) + d * v / np.sinh(q * b) + drift]
    p, r = np.linalg.solve(system, sources)  # w - rest at the interface, from both sides
    result = solve_accumulation(structure)
    x = np.array([10.0, 44.0]) * nm
    w = rest[0] + (u * np.sinh(k * (a - x)) + p * np.sinh(k * x)) / np.sinh(k * a)
    j = c * (u * np.cosh(k * (a - x)) - p * np.cosh(k * x)) / np.sinh(k * a) + drift
    m, flow = result.at(x)
    np.testing.assert_allclose(m, np.outer(2 * w + 0.5 * force, Z), rtol=0, atol=1e-9)
    np.testing.assert_allclose(flow, np.outer(j, Z), rtol=0, atol=1e-9 * c)
    x = np.array([3.0, 41.0]) * nm
    w = rest[1] + (v * np.sinh(q * x) + r * np.sinh(q * (b - x))) / np.sinh(q * b)
    np.testing.assert_allclose(result.at(a + x)[0], np.outer(w + 0.2 * force, Z), rtol=0, atol=1e-9)


def test_limit_fick():
    """tau -> 0: the printed law is (70), D m'' = (m - m_eq)/tau_sf + H x m, and the limit is reached linearly."""
    fick = replace(METAL, momentum_time=0.0)
    structure = right_angle(fick, 20 * nm, interface_width=0.0)
    m, _ = solve_accumulation(structure).at([4 * nm])
    k = np.sqrt((1 / fick.spin_relaxation_time + 1j * fick.exchange_frequency) / fick.diffusivity)
    # Right layer, M = -y. Components along y, and z + i x = m_+ about y, H = -omega y: waves of conj(k).
    start, decay = solve_accumulation(structure).at(0.0)[0], fick.spin_diffusion_length
    inside = 16 * nm
    along = -1 + (start[1] + 1) * np.sinh(inside / decay) / np.sinh(20 * nm / decay)
    across = (start[2] + 1j * start[0]) * np.sinh(np.conj(k) * inside) / np.sinh(np.conj(k) * 20 * nm)
    np.testing.assert_allclose(m[0], [across.imag, along, across.real], rtol=0, atol=1e-9)
    gaps = [
        np.abs(
            solve_accumulation(right_angle(replace(fick, momentum_time=tau), 20 * nm, interface_width=0.0)).at(
                [4 * nm]
            )[0]
            - m
        ).max()
        for tau in (2e-18, 1e-18)
    ]
    assert gaps[0] / gaps[1] == pytest.approx(2, abs=0.01)


def test_limit_whole_ring():
    """Four sides of 1000 nm, 1e5 cells around which the waves grow by e^83, against one twisted side and the note."""
    width, length = 0.6 * nm, 1000 * nm
    whole = solve_accumulation(ring(RHP, 4, length, corner_width=width, exchange_force=False))
    side = ring(RHP, 4, length, corner_width=width, exchange_force=False).layers[0]
    end = Boundary.periodic(rotation_matrix(X, np.pi / 2))
    one = solve_accumulation(SpinStructure([side], end, end, exchange_force=False))
    x = np.array([0.0, 0.4, 3.0, 77.7, 500.0, 998.0]) * nm
    m, j = one.at(x)
    for count in range(4):
        turn = rotation_matrix(X, count * np.pi / 2)
        assert away(whole.at(x + count * length), (m @ turn.T, j @ turn.T)) < 1e-9
    np.testing.assert_allclose(m[0], [0, 0.2047, 0.2047], rtol=0, atol=5e-5)
    np.testing.assert_allclose(m[4], [0, 0, 0.9893], rtol=0, atol=5e-5)


def test_limit_corner_of_the_long_ring():
    """Step corners have a closed form also at 1000 nm."""
    m, _ = solve_accumulation(ring(RHP, 4, 1000 * nm, exchange_force=False)).at(0.0)
    wanted = step_by_hand(RHP, rotation_matrix(X, -np.pi / 2) @ Z, Z, 500 * nm, along=np.tanh)
    np.testing.assert_allclose(m, wanted, rtol=0, atol=1e-9)


# --- laws that hold for every structure ---------------------------------------------------------------------------


def at_rest():
    rng = np.random.default_rng(5)
    coefficients = rng.normal(size=(2, 4, 3))

    def rough(u):
        waves = np.stack([f(n * u / (3 * nm)) for n in range(4) for f in (np.cos, np.sin)], axis=-1)
        return np.tanh(waves @ coefficients.reshape(8, 3)) / np.sqrt(3)

    layer, flux = Layer(METAL, 20 * nm, rough), Boundary.spin_current((0, 0, 0))
    second = Layer(replace(RHP, density_of_states=0.3, exchange_splitting=-1e-20), 9 * nm, rough)
    closed = Boundary.periodic()
    plain = {
        "ring": ring(RHP, 4, 20 * nm, corner_width=0.6 * nm),
        "ring with steps": ring(METAL, 5, 20 * nm),
        "wall": wall(METAL, 3 * nm, azimuth=0.3),
        "bilayer": right_angle(RHP, 10 * nm, exchange_force=True),
        "bilayer with a step": right_angle((METAL, RHP), 10 * nm, exchange_force=True, interface_width=0.0),
    }
    ends = {"None": (None, None), "open": (Boundary.open(), Boundary.open()), "insulated": (flux, flux)}
    ends["periodic"] = (closed, closed)
    ends["contact"] = (Boundary.contact(1e5 * np.eye(3)), None)
    made = {f"rough, {name}": SpinStructure([layer, second], *pair) for name, pair in ends.items()}
    return plain | made


@pytest.mark.parametrize("larmor", [(0, 0, 0), (3e13, -1e13, 2e13)])
@pytest.mark.parametrize("name", at_rest())
def test_invariant_electrons_at_rest_are_in_equilibrium(name, larmor):
    """With the force of the exchange field no texture accumulates spins: m = m_eq to the last digit, and no current."""
    result = solve_accumulation(replace(at_rest()[name], larmor_frequency=larmor))
    assert np.array_equal(result.spin_accumulation, result.equilibrium)
    assert not result.spin_current.any()
    assert not result.deviation.any()
    np.testing.assert_allclose(result.layer_relaxation, 0, atol=0)
    # m_eq lies along H, and the torque of the exchange field is what the magnetic field gives.
    np.testing.assert_allclose(result.layer_torque, -result.layer_field_torque, rtol=0, atol=1e-12 * 1e14 * nm)


def test_invariant_printed_law_accumulates_at_rest():
    """The same textures by the printed law: not in equilibrium, by what finite volumes say."""
    structure = replace(at_rest()["rough, periodic"], exchange_force=False)
    result, volumes = solve_accumulation(structure), by_finite_volumes(structure, 2000)
    assert np.abs(result.deviation).max() > 0.3
    assert np.abs(result.at(volumes.x)[0] - volumes.m).max() < 1e-4


@given(SEEDS, st.booleans())
@settings(max_examples=15)
def test_invariant_rotation(seed, smooth):
    rng = np.random.default_rng(seed)
    structure = random_structure(rng, smooth=smooth, ends=("periodic",) * 2 if rng.random() < 0.3 else None)
    R = rotation_matrix(rng.normal(size=3), rng.uniform(0, 3))
    x = inner_points(structure, rng)
    m, j = solve_accumulation(structure).at(x)
    result = solve_accumulation(turned(structure, R))
    assert away(result.at(x), (m @ R.T, j @ R.T)) < 1e-9
    assert (
        np.abs(result.layer_torque - solve_accumulation(structure).layer_torque @ R.T).max()
        < 1e-9 * np.abs(result.spin_current).max()
    )


@given(SEEDS, st.booleans())
@settings(max_examples=15)
def test_invariant_mirror(seed, smooth):
    rng = np.random.default_rng(seed)
    structure = random_structure(rng, smooth=smooth, ends=("periodic",) * 2 if rng.random() < 0.3 else None)
    x = inner_points(structure, rng)
    m, j = solve_accumulation(structure).at(x)
    assert away(solve_accumulation(mirrored(structure)).at(-x), (m, -j)) < 1e-9


def with_data(structure, data, index):
    """The same metals and textures with other sources: their strengths are entries of data."""
    rng = np.random.default_rng(index)
    layers = [
        replace(
            layer,
            equilibrium=data * rng.normal(),
            drift=data * 1e5 * rng.normal(),
            source=data * 1e12 * rng.normal(size=3),
        )
        for layer in structure.layers
    ]
    ends = rng.permutation(
        [
            Boundary.spin_accumulation(data * rng.normal(size=3)),
            Boundary.spin_current(1e5 * data * rng.normal(size=3)),
            Boundary.contact(1e5 * np.eye(3), data * rng.normal(size=3)),
        ]
    )
    return replace(structure, layers=layers, left=ends[0], right=ends[1])


@given(SEEDS, st.floats(-3, 3))
@settings(max_examples=10)
def test_invariant_linear(seed, factor):
    """m and j are linear in m_eq, drift, source and what the ends give, in both laws."""
    rng = np.random.default_rng(seed)
    structure = random_structure(rng, smooth=True)
    x = inner_points(structure, rng)
    m, j = solve_accumulation(with_data(structure, 1.0, seed)).at(x)
    scaled = solve_accumulation(with_data(structure, factor, seed)).at(x)
    size = np.abs(m).max(), np.abs(j).max()
    assert all(np.abs(a - factor * b).max() < 3e-9 * c for a, b, c in zip(scaled, (m, j), size, strict=True))


@given(SEEDS)
@settings(max_examples=8)
def test_invariant_superposition(seed):
    """The accumulation of drift and injection together is the sum of both."""
    rng = np.random.default_rng(seed)
    structure = random_structure(rng, smooth=True, ends=("spin_current", "contact"), force=True)
    x = inner_points(structure, rng)
    quiet = Boundary.spin_current((0, 0, 0)), Boundary.contact(structure.right.matrix)
    still = [replace(layer, drift=0.0) for layer in structure.layers]
    unfed = [replace(layer, source=(0, 0, 0)) for layer in structure.layers]
    whole, driven, rest = (
        solve_accumulation(each)
        for each in (
            structure,
            replace(structure, layers=unfed, left=quiet[0], right=quiet[1]),
            replace(structure, layers=still),
        )
    )
    equilibrium = np.concatenate(
        [law(structure, k, x[5 * k : 5 * k + 5] - structure.edges[k]).rest for k in range(len(structure.layers))]
    )
    delta = [each.at(x)[0] - equilibrium for each in (whole, driven, rest)]
    assert np.abs(delta[0] - delta[1] - delta[2]).max() < 3e-9 * max(np.abs(each).max() for each in delta)


@given(SEEDS, st.sampled_from([1e-30, 1e20]), st.sampled_from([1e-40, 1e47]))
@settings(max_examples=8)
def test_invariant_units(seed, unit, states):
    """m in any unit, and nu absolute, 1e47/(J m^3), or relative."""
    rng = np.random.default_rng(seed)
    structure = with_data(random_structure(rng, smooth=True), 1.0, seed)
    x = inner_points(structure, rng)
    m, j = solve_accumulation(structure).at(x)

    def seen(layer):
        return replace(layer, medium=replace(layer.medium, density_of_states=states * layer.medium.density_of_states))

    def through(end):
        return Boundary.contact(states * end.matrix, end.vector / states) if end.kind == "contact" else end

    scaled = solve_accumulation(changed(with_data(structure, unit, seed), seen, through))
    assert away(scaled.at(x), (unit * m, unit * j)) < 1e-9
    closed = Boundary.periodic(rotation_matrix(rng.normal(size=3), 1.0))
    one, other = (replace(each, left=closed, right=closed) for each in (structure, with_data(structure, unit, seed)))
    m, j = solve_accumulation(one).at(x)
    assert away(solve_accumulation(changed(other, seen, through)).at(x), (unit * m, unit * j)) < 1e-9


@given(st.integers(2, 6), st.floats(3, 30), st.floats(0.3, 3), st.booleans(), st.floats(-1e5, 1e5))
@settings(max_examples=10)
def test_invariant_ring_twist(sides, length, width, force, drift):
    """m(x + L) = R_x(2 pi/n) m(x)."""
    structure = ring(METAL, sides, length * nm, corner_width=width * nm, drift=drift + 1.0, exchange_force=force)
    result, x = solve_accumulation(structure), np.array([0.0, 0.11, 0.5, 0.83]) * length * nm
    m, j = result.at(x)
    for count in range(1, sides):
        turn = rotation_matrix(X, 2 * np.pi * count / sides)
        assert away(result.at(x + count * length * nm), (m @ turn.T, j @ turn.T)) < 1e-9
    for end, start in zip(result.at(structure.edges[-1]), (m, j), strict=True):
        assert np.abs(end - start[0]).max() < 1e-9 * np.abs(start).max()


@given(st.floats(10, 170), st.floats(2, 20), st.floats(0, 2), st.sampled_from([METAL, RHP]))
@settings(max_examples=10)
def test_invariant_symmetric_bilayer(degrees, length, width, medium):
    """m(-x) = R_n(pi) m(x), n along the sum of the directions; so m_x is odd and m(0) lies along n."""
    structure = bilayer(
        medium,
        -Z,
        tilted(degrees),
        length * nm,
        length * nm,
        interface_width=width * nm * (width > 0.2),
        exchange_force=False,
    )
    result = solve_accumulation(structure)
    n = unit_vector(tilted(degrees) - Z)
    turn, x = rotation_matrix(n, np.pi), np.array([0.05, 0.3, 0.77]) * length * nm
    m, j = result.at(x)
    assert away(result.at(-x), (m @ turn.T, -j @ turn.T)) < 1e-9
    middle, flow = result.at(0.0)
    assert np.abs(np.cross(middle, n)).max() < 1e-9
    assert abs(flow @ n) < 1e-9 * np.abs(j).max()


@given(SEEDS, st.booleans())
@settings(max_examples=15)
def test_invariant_work(seed, smooth):
    """[w.j] = -int |j|^2/(D nu) - int nu |w|^2/tau_sf + int (j.e + w.s): precession does no work."""
    rng = np.random.default_rng(seed)
    structure = random_structure(rng, smooth=smooth, ends=("periodic",) * 2 if rng.random() < 0.4 else None)
    result = solve_accumulation(structure)

    def terms(k, u, x):
        medium, here = structure.layers[k].medium, law(structure, k, u)
        m, j = result.at(x)
        w = (m - here.rest) / medium.density_of_states
        lost = -(j**2).sum(-1) / (medium.diffusivity * medium.density_of_states)
        lost -= medium.density_of_states * (w**2).sum(-1) / medium.spin_relaxation_time
        return np.stack([lost, (j * here.push + w * here.feed).sum(-1)], axis=-1)

    lost, fed = integrals(structure, terms).sum(axis=0)
    ends = np.einsum("ni,ni->n", continuous(structure, result)[[0, -1]], result.spin_current[[0, -1]]) @ (-1, 1)
    assert abs(ends - lost - fed) < 1e-8 * (abs(lost) + abs(fed) + abs(ends))
    if structure.left is not None and structure.left.kind == "periodic":
        assert abs(ends) < 1e-8 * abs(lost)


@pytest.mark.parametrize("medium", [METAL, RHP])
def test_invariant_work_of_the_printed_law(medium):
    """int |J|^2 + int |m|^2 = int m.m_eq on a ring, so that the mean of m^2 is at most that of m_eq^2."""
    structure = ring(medium, 4, 10 * nm, corner_width=0.6 * nm, exchange_force=False)
    result = solve_accumulation(structure)
    scale = medium.spin_diffusion_length / medium.diffusivity

    def terms(k, u, x):
        m, j = result.at(x)
        m_eq = structure.layers[k].magnetization(u)
        return np.stack([(scale**2 * j**2).sum(-1), (m**2).sum(-1), (m * m_eq).sum(-1), (m_eq**2).sum(-1)], axis=-1)

    flow, square, work, most = integrals(structure, terms, 200).sum(axis=0) / (40 * nm)
    assert flow + square == pytest.approx(work, abs=1e-9)
    assert square < most


@given(SEEDS, st.booleans())
@settings(max_examples=20)
def test_invariant_balance_of_each_layer(seed, smooth):
    """j_in - j_out = torque + relaxation + field torque - source, each by its own integral."""
    rng = np.random.default_rng(seed)
    structure = random_structure(rng, smooth=smooth, ends=("periodic",) * 2 if rng.random() < 0.3 else None)
    result = solve_accumulation(structure)
    scale = np.abs(result.spin_current).max()
    flow = result.at(structure.edges)[1]
    source = integrals(structure, lambda k, u, x: field(structure.layers[k].source, u))
    gone = result.layer_torque + result.layer_relaxation + result.layer_field_torque
    np.testing.assert_allclose(flow[:-1] - flow[1:], gone - source, rtol=0, atol=1e-9 * scale)

    def rates(k, u, x):
        layer, m = structure.layers[k], result.at(x)[0]
        torque = layer.medium.exchange_frequency * np.cross(field(layer.magnetization, u), m)
        relaxed = (m - law(structure, k, u).equilibrium) / layer.medium.spin_relaxation_time
        return np.stack([torque, relaxed, np.cross(structure.larmor_frequency, m)], axis=1)

    wanted = integrals(structure, rates)
    found = np.stack([result.layer_torque, result.layer_relaxation, result.layer_field_torque], axis=1)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-9 * max(scale, np.abs(wanted).max()))
    omega = np.repeat([each.medium.exchange_frequency for each in structure.layers], np.diff(node_limits(result)))
    np.testing.assert_allclose(
        result.torque, omega[:, None] * np.cross(result.magnetization, result.spin_accumulation), rtol=1e-12, atol=1e-3
    )
    size = np.abs(result.torque).max()
    assert np.abs(np.einsum("ni,ni->n", result.torque, result.magnetization)).max() < 1e-14 * size


# --- drift, ends, fields ------------------------------------------------------------------------------------------


def test_limit_drift_that_jumps():
    """Two endless magnets, drift p and q along the same M: the jump p - q goes half each way, with a decay length."""
    p, q, decay = 3e4, 1e4, METAL.spin_diffusion_length
    layers = [Layer(METAL, 30 * nm, Z, drift=p), Layer(METAL, 30 * nm, Z, drift=q)]
    result = solve_accumulation(SpinStructure(layers, Boundary.open(), Boundary.open(), origin=-30 * nm))
    peak = (p - q) / 2 * decay / METAL.diffusivity
    x = np.array([-20.0, -3.0, 0.0, 11.0]) * nm
    m, j = result.at(x)
    np.testing.assert_allclose(m, np.outer(1 + peak * np.exp(-abs(x) / decay), Z), rtol=0, atol=1e-9 * peak)
    wanted = np.where(x < 0, p, q) + (p - q) / 2 * np.where(x < 0, -1, 1) * np.exp(-abs(x) / decay)
    np.testing.assert_allclose(j, np.outer(wanted, Z), rtol=0, atol=1e-9 * p)


@pytest.mark.parametrize(("medium", "rtol"), [(METAL, 1e-8), (RHP, 1e-6)])
@pytest.mark.parametrize("length", [20 * nm, 50.3 * nm, 100 * nm])
def test_invariant_drift_of_an_endless_magnet_changes_nothing(medium, rtol, length):
    """j = drift M and no w but rounding, which must not be taken for an error: no warning comes."""
    structure = SpinStructure([Layer(medium, length, Y, drift=2e4)], Boundary.open(), Boundary.open())
    result = solve_accumulation(structure, rtol=rtol)
    assert np.abs(result.deviation).max() < 1e-10
    np.testing.assert_allclose(result.spin_current, np.broadcast_to(2e4 * Y, result.torque.shape), rtol=0, atol=1e-4)


@pytest.mark.parametrize("force", [True, False])
def test_limit_open_end_is_a_long_layer(force):
    """Also beside a Larmor field, a source, a drift and an m_eq of another length."""
    short = DiffusiveMedium(1e-3, 0.02 * ps, 0.005 * ps, 10 * meV, 0.7)  # 4.5 nm
    last = Layer(short, 5 * nm, unit_vector((1, 2, 3)), 0.3, 4e4, (2e12, -1e12, 0))
    first = Layer(METAL, 5 * nm, Z, 0.9, -5e4)
    options = {"larmor_frequency": (0, 3e13, 1e13), "exchange_force": force}
    opened = SpinStructure([first, last], Boundary.spin_current((0, 2e4, 0)), Boundary.open(), **options)
    long = SpinStructure([first, replace(last, thickness=200 * nm)], opened.left, None, **options)
    x = np.array([0.0, 2, 5.5, 7, 10]) * nm
    found = solve_accumulation(opened).at(x)
    assert away(found, solve_accumulation(long).at(x)) < 1e-9
    other = mirrored(opened)
    assert away(solve_accumulation(other).at(-x), (found[0], -found[1])) < 1e-9


def test_limit_strong_and_weak_contacts():
    layers = [Layer(replace(METAL, density_of_states=0.5), 6 * nm, Z, 0.4, 1e4), Layer(RHP, 5 * nm, X)]
    w = np.array([0.3, -0.2, 0.5])
    x = np.array([0.0, 3, 6, 9, 11]) * nm
    outer = Boundary.spin_current((0, 3e4, 0))
    rest = 0.4 * Z
    for conductance, end in (
        (1e16, Boundary.spin_accumulation(0.5 * w + rest)),
        (1e-9, Boundary.spin_current((0, 0, 0))),
    ):
        through = SpinStructure(layers, Boundary.contact(conductance * np.eye(3), w), outer)
        assert away(solve_accumulation(through).at(x), solve_accumulation(replace(through, left=end)).at(x)) < 1e-9


@pytest.mark.parametrize("side", ["left", "right"])
def test_limit_contact_lets_out(side):
    """The current that leaves is G (w - w_ext), at both ends, with G that turns spins."""
    G = 2e5 * (np.eye(3) + cross_matrix((0.3, -0.5, 0.2)) + np.outer(X, X))
    end, outside = np.array([0.1, 0.4, -0.3]), 1 if side == "right" else -1
    medium = replace(METAL, density_of_states=1.7)
    other = {"left": Boundary.spin_current((0, 5e4, 1e4)), "right": Boundary.spin_current((0, 5e4, 1e4))}
    structure = SpinStructure([Layer(medium, 9 * nm, Y)], **(other | {side: Boundary.contact(G, end)}))
    m, j = solve_accumulation(structure).at(9 * nm if side == "right" else 0.0)
    np.testing.assert_allclose(outside * j, G @ ((m - Y) / 1.7 - end), rtol=0, atol=1e-9 * np.abs(j).max())


def test_invariant_what_is_continuous():
    """(m - m_eq)/nu and j where the density of states jumps; m/nu in the printed law."""
    layers = [
        Layer(replace(METAL, density_of_states=nu), 5 * nm, M, drift=1e4) for nu, M in ((0.4, Z), (2.0, Y), (1.0, X))
    ]
    ends = (Boundary.spin_accumulation((1, 2, 3)), Boundary.spin_current((0, 0, 1e5)))
    for force in (True, False):
        result = solve_accumulation(SpinStructure(layers, *ends, exchange_force=force))
        np.testing.assert_allclose(result.spin_accumulation[0], (1, 2, 3), rtol=0, atol=1e-14)
        np.testing.assert_allclose(result.spin_current[-1], (0, 0, 1e5), rtol=0, atol=1e-5)
        for node, (a, b) in zip(node_limits(result)[1:-1], ((0.4, 2.0), (2.0, 1.0)), strict=True):
            kept = result.deviation if force else result.spin_accumulation
            np.testing.assert_allclose(kept[node - 1] / a, kept[node] / b, rtol=0, atol=1e-13)
            np.testing.assert_array_equal(result.spin_current[node - 1], result.spin_current[node])
            assert result.position[node - 1] == result.position[node] == result.edges[1 if a == 0.4 else 2]


def test_limit_ends_that_fix_what_they_say():
    ends = {"left": Boundary.spin_accumulation((0.1, 0.2, 0.3)), "right": Boundary.open()}
    for force in (True, False):
        structure = SpinStructure(
            [Layer(replace(METAL, density_of_states=3.0), 8 * nm, Y, 0.6)], **ends, exchange_force=force
        )
        result = solve_accumulation(structure)
        np.testing.assert_allclose(result.spin_accumulation[0], (0.1, 0.2, 0.3), rtol=0, atol=1e-14)
        P, Q, g = end_rows(structure, 1)
        w = (result.spin_accumulation[-1] - law(structure, 0, 8 * nm).rest[0]) / 3
        np.testing.assert_allclose(
            P @ w + Q @ result.spin_current[-1], g, rtol=0, atol=1e-9 * np.abs(result.spin_current).max()
        )


def test_limit_equilibrium_lies_along_the_field():
    larmor = np.array([1e13, 0, -4e13])
    omega = METAL.exchange_frequency
    cases = {
        None: (METAL, (omega * Y + larmor) / omega),
        0.3: (METAL, 0.3 * (omega * Y + larmor) / omega),
    }
    for share, (medium, wanted) in cases.items():
        result = solve_accumulation(SpinStructure([Layer(medium, 3 * nm, Y, share)], larmor_frequency=larmor))
        np.testing.assert_allclose(result.equilibrium - wanted, 0, atol=1e-15)
    against = replace(METAL, exchange_splitting=-100 * meV)
    result = solve_accumulation(SpinStructure([Layer(against, 3 * nm, Y)], larmor_frequency=larmor))
    np.testing.assert_allclose(result.equilibrium - (-Y + larmor / omega), 0, atol=1e-15)
    normal = DiffusiveMedium(1e-3, 1 * ps)
    for share, wanted in ((None, 0 * Y), (0.3, 0.3 * Y)):
        result = solve_accumulation(SpinStructure([Layer(normal, 3 * nm, Y, share)]))
        np.testing.assert_allclose(result.equilibrium - wanted, 0, atol=1e-15)


def test_limit_equilibrium_that_is_a_function():
    """m_eq of varying length along a fixed M is no source with the force; by the printed law it is."""
    structure = SpinStructure([Layer(METAL, 20 * nm, Z, lambda u: np.outer(1 + 0.5 * np.sin(u / nm), Z))])
    result = solve_accumulation(structure)
    np.testing.assert_array_equal(result.spin_accumulation, result.equilibrium)
    np.testing.assert_allclose(result.equilibrium[:, 2], 1 + 0.5 * np.sin(result.position / nm), rtol=0, atol=1e-14)
    # The printed law takes any m_eq, also one across M.
    across = Layer(METAL, 20 * nm, Z, lambda u: np.outer(np.cos(u / nm), X))
    for layer in (structure.layers[0], across):
        printed, x = SpinStructure([layer], exchange_force=False), np.array([3.0, 12.0]) * nm
        assert away(solve_accumulation(printed).at(x), by_embedding(printed, x)) < 1e-9


# --- at ---------------------------------------------------------------------------------------------------------------


def test_limit_at_is_as_good_between_the_nodes():
    structure = right_angle(METAL, 20 * nm, drift=1e5)
    result = solve_accumulation(structure)
    middles = (result.position[1:] + result.position[:-1])[::37] / 2
    x = np.sort(np.concatenate([middles, result.position[5::41], result.position[7::53] + 1e-14]))
    x = x[(np.diff(x, append=1) > 1e-16)]
    assert away(result.at(x), by_embedding(structure, x, 1e-12)) < 1e-9


def test_invariant_at_nodes():
    result = solve_accumulation(right_angle(METAL, 20 * nm))
    m, j = result.at(result.position)
    after = np.ones(len(result.position), dtype=bool)
    after[node_limits(result)[1:-1] - 1] = False
    np.testing.assert_array_equal(m[after], result.spin_accumulation[after])
    np.testing.assert_array_equal(j[after], result.spin_current[after])


def test_invariant_at_an_interface_is_on_its_right():
    layers = [Layer(replace(METAL, density_of_states=nu), 5 * nm, Y, 0.0) for nu in (1.0, 3.0)]
    structure = SpinStructure(layers, Boundary.spin_accumulation((0, 0, 1)), Boundary.open(), origin=-5 * nm)
    result = solve_accumulation(structure)
    before, after = (result.spin_accumulation[node] for node in (node_limits(result)[1] - 1, node_limits(result)[1]))
    np.testing.assert_allclose(after, 3 * before, rtol=1e-12)
    whole = 10 * nm
    for shift in (0.0, 0.9e-12 * whole, -0.9e-12 * whole):
        np.testing.assert_array_equal(result.at(shift)[0], after)
    for shift, wanted in ((-3e-12 * whole, before), (3e-12 * whole, after)):
        np.testing.assert_allclose(result.at(shift)[0], wanted, rtol=1e-9)


def test_invariant_at_the_ends_within_rounding():
    structure = SpinStructure([Layer(METAL, 0.1 * nm)] * 3, Boundary.spin_accumulation((1, 2, 3)), origin=0.1 * nm)
    result = solve_accumulation(structure)
    for end, node in ((0, 0), (-1, -1)):
        for shift in (0.0, -0.9e-12, 0.9e-12):
            m, j = result.at(structure.edges[end] + shift * 0.3 * nm)
            np.testing.assert_array_equal(m, result.spin_accumulation[node])
            np.testing.assert_array_equal(j, result.spin_current[node])


def test_invariant_shapes_of_at():
    result = solve_accumulation(SpinStructure([Layer(METAL, 9 * nm, Y)], Boundary.spin_accumulation((1, 0, 1))))
    m, j = result.at(4 * nm)
    assert m.shape == j.shape == (3,)
    many, flows = result.at([[4 * nm], [2 * nm]][1])
    assert many.shape == flows.shape == (1, 3)
    back, _ = result.at([4 * nm, 1 * nm, 4 * nm])  # in the order asked for
    np.testing.assert_array_equal(back[[0, 2]], [m, m])
    assert result.at([])[0].shape == (0, 3)
    assert not np.array_equal(back[1], m)


# --- what there is no answer to -----------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", ["flux", "open", "periodic"])
def test_limit_lossless_but_not_collinear(ends):
    """Without relaxation, spins that two directions of M take: solved, and right."""
    lossless = replace(METAL, spin_relaxation_time=inf)
    flux = Boundary.spin_current((1e4, 2e4, -3e4)), Boundary.spin_current((0, -1e4, 2e4))
    pair = {
        "flux": flux,
        "open": (Boundary.open(),) * 2,
        "periodic": (Boundary.periodic(rotation_matrix(Y, 0.5)),) * 2,
    }[ends]
    x = np.array([0.0, 3, 7, 9, 11]) * nm

    def stack(time):
        medium = replace(lossless, spin_relaxation_time=time)
        return SpinStructure([Layer(medium, 7 * nm, Z, drift=1e5), Layer(medium, 4 * nm, tilted(50))], *pair)

    result = solve_accumulation(stack(inf))
    assert not result.layer_relaxation.any()
    if ends != "open":
        assert away(result.at(x), by_sinh(stack(inf))(x)) < 1e-9
    else:
        # What leaks along M goes as tau_sf^(-1/2).
        near, far = (solve_accumulation(stack(time)).at(x)[0] for time in (1e-6, 4e-6))
        assert np.abs(result.at(x)[0] - (2 * far - near)).max() < 1e-3 * np.abs(result.deviation).max()


def test_limit_lossless_between_fixed_ends():
    lossless = DiffusiveMedium(2e-3, inf)
    ends = Boundary.spin_accumulation((0, 1, 3)), Boundary.spin_accumulation((1, 1, 1))
    m, j = solve_accumulation(SpinStructure([Layer(lossless, 10 * nm)], *ends)).at([2.5 * nm])
    np.testing.assert_allclose(m[0], [0.25, 1, 2.5], rtol=0, atol=1e-12)
    np.testing.assert_allclose(j[0], 2e-3 * np.array([-1, 0, 2]) / (10 * nm), rtol=0, atol=1e-6)


# --- records ----------------------------------------------------------------------------------------------------------


def test_invariant_result_is_frozen():
    result = solve_accumulation(SpinStructure([Layer(METAL, 9 * nm, Y)]))
    for each in fields(result):
        with pytest.raises(FrozenInstanceError):
            setattr(result, each.name, None)
    assert result.time is None
    assert result.position.shape == (len(result.position),)
    for name in ("spin_accumulation", "spin_current", "magnetization", "equilibrium", "torque"):
        assert getattr(result, name).shape == (len(result.position), 3)
    for name in ("layer_torque", "layer_relaxation", "layer_field_torque"):
        assert getattr(result, name).shape == (1, 3)
    np.testing.assert_allclose(result.magnetization, np.broadcast_to(Y, result.torque.shape), rtol=0, atol=0)


def test_invariant_two_runs_are_one():
    """Bit for bit, without a warning, and with nothing changed that was handed over."""
    M, larmor = np.array([0.0, 0.6, 0.8]), np.array([1e12, 0, 0])
    before = M.copy(), larmor.copy()
    structure = SpinStructure([Layer(METAL, 9 * nm, M)], Boundary.spin_accumulation((1, 0, 1)), None, larmor)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        one, two = solve_accumulation(structure), solve_accumulation(structure)
    np.testing.assert_array_equal(one.spin_accumulation, two.spin_accumulation)
    np.testing.assert_array_equal(M, before[0])
    np.testing.assert_array_equal(larmor, before[1])


def test_limit_narrow_wall_in_a_thick_layer():
    """Cells are short where M turns, and only there."""
    structure = wall(METAL, 0.3 * nm, half_length=200 * nm, drift=1e3)
    result = solve_accumulation(structure)
    cells = np.diff(result.position)
    assert cells.min() < 0.06 * nm < 0.3 * nm < cells.max()
    near = cells[np.abs(result.position[:-1]) < 0.5 * nm]
    assert len(result.position) < 3000
    assert near.max() < 0.1 * nm
    fine = solve_accumulation(structure, max_step=0.05 * nm)
    x = np.linspace(-20, 20, 81) * nm
    for rough, smooth in zip(result.at(x), fine.at(x), strict=True):
        np.testing.assert_allclose(rough, smooth, rtol=0, atol=1e-9 * np.abs(smooth).max())
    flat = solve_accumulation(SpinStructure([Layer(METAL, 400 * nm)], Boundary.spin_current((1, 0, 0))))
    assert np.ptp(np.diff(flat.position)) < 1e-9 * nm
