"""The Fokker-Planck equation on the sphere against closed forms, quadrature, and a Galerkin matrix made another way.

Energies are in units of k_B T and rates in units of L_F k_B T, but where the units are the point.
"""

import re
import warnings
from functools import cache
from math import factorial, inf, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.polynomial import legendre
from scipy.linalg import eigvals
from scipy.spatial.transform import Rotation
from scipy.special import lpmv

from spinlib.dynamics import _spectrum
from spinlib.dynamics._brown import brown_eigenvalue
from spinlib.dynamics._harmonics import amplitudes, degrees, harmonics, operators
from spinlib.dynamics._spectrum import _blocks, _generator, _potentials, solve_fokker_planck
from spinlib.dynamics.thermodynamic import GeneralizedLLG, QuadraticPotential, landau_lifshitz_mobility
from spinlib.units import k_B
from tests.bad_input import Refusal, refusals
from tests.potentials import Quartic
from tests.quantum import LEVI_CIVITA

KELVIN = 1 / k_B  # k_B T = 1 J
AXIS = np.array([2.0, -3.0, 6.0]) / 7


class Function:
    """A potential whose gradient nobody asks for."""

    def __init__(self, function):
        self.function = function

    def __call__(self, m):
        return self.function(m)

    def gradient(self, m):
        raise AssertionError("not needed")


def quadratic(linear=(0, 0, 0), form=((0, 0, 0), (0, 0, 0), (0, 0, 0))):
    return QuadraticPotential(linear, form)


def uniaxial(barrier, reduced_field=0.0, axis=(0, 0, 1.0)):
    axis = np.asarray(axis)
    return quadratic(-2 * barrier * reduced_field * axis, -barrier * np.outer(axis, axis))


def solve(energy, alpha=0.3, *, chi=None, phi=None, **options):
    return solve_fokker_planck(GeneralizedLLG(energy, alpha, 1.0, chi, phi), KELVIN, **options)


def sphere(n=60):
    """Directions and weights of Gauss-Legendre times equidistant angles."""
    u, w = legendre.leggauss(n)
    phi = np.arange(2 * n) * np.pi / n
    across = np.sqrt(1 - u**2)[:, None]
    m = np.stack(np.broadcast_arrays(across * np.cos(phi), across * np.sin(phi), u[:, None]), -1).reshape(-1, 3)
    return m, np.repeat(w, 2 * n) * np.pi / n


def boltzmann(*potentials):
    """<u>, <u u> of exp(-sum of potentials) by quadrature."""
    m, weights = sphere()
    density = weights * np.exp(-sum(potential(m) for potential in potentials))
    density /= density.sum()
    return density @ m, np.einsum("p,pi,pj->ij", density, m, m)


def random_quadratic(seed, size):
    draw = np.random.default_rng(seed)
    form = draw.uniform(-size, size, (3, 3))
    return quadratic(draw.uniform(-size, size, 3), form + form.T)


# --- matrices ---------------------------------------------------------------------------------------------------------


def textbook(m, max_degree):
    """Real harmonics by SciPy's Legendre functions, whose phase (-1)^M is taken out."""
    phi = np.arctan2(m[:, 1], m[:, 0])
    rows = []
    for degree, order in zip(*degrees(max_degree), strict=True):
        k = abs(order)
        norm = np.sqrt((2 * degree + 1) / (4 * np.pi) * factorial(degree - k) / factorial(degree + k)) * (-1) ** k
        angle = 1 if order == 0 else np.sqrt(2) * (np.cos(k * phi) if order > 0 else np.sin(k * phi))
        rows.append(norm * lpmv(k, degree, m[:, 2]) * angle)
    return np.array(rows)


def test_peer_harmonics_of_scipy():
    m, weights = sphere(16)
    found = np.array(harmonics(*m.T, np.ones(len(m)), 12))
    np.testing.assert_allclose(found, textbook(m, 12), rtol=0, atol=1e-12)
    np.testing.assert_allclose(found * weights @ found.T, np.eye(169), rtol=0, atol=1e-12)


@cache
def some():
    m = np.random.default_rng(3).normal(size=(40, 3))
    return m / np.linalg.norm(m, axis=-1, keepdims=True)


def slope(function, m, h=1e-3):
    """Gradient along the sphere of a function of degree 0 by differences of sixth order: 1e-12 for degrees up to 12."""
    found = np.zeros((*np.shape(function(m)), 3))
    for k, weight in ((1, 45), (2, -9), (3, 1)):
        for axis in range(3):
            e = k * h * np.eye(3)[axis]
            ahead, back = ((m + s * e) / np.linalg.norm(m + s * e, axis=-1, keepdims=True) for s in (1, -1))
            found[..., axis] += weight * (function(ahead) - function(back)) / (60 * h)
    return found


@pytest.mark.parametrize("index", range(25))
def test_limit_matrices_multiply_and_turn(index):
    """f rho and grad rho . (u x grad f) at points, for every f = Y_LM up to degree 4 and rho up to degree 5."""
    m, top = some(), degrees(4)[0][index]
    product, bracket = operators(9, 4)[index]
    low = degrees(9)[0] <= 9 - top
    values, every = textbook(m, 4)[index], textbook(m, 9)
    np.testing.assert_allclose((product.T @ every)[low], (values * every)[low], rtol=0, atol=1e-12)
    turn = np.cross(m, slope(lambda n: textbook(n, 4)[index], m))
    exact = np.einsum("rpi,pi->rp", slope(lambda n: textbook(n, 9), m), turn)
    np.testing.assert_allclose((bracket.T @ every)[low], exact[low], rtol=0, atol=3e-9)  # differences lose digits


def test_invariant_matrices_are_exact_up_to_the_last_degree_and_symmetric():
    for few, many in zip(operators(6, 4), operators(11, 4), strict=True):
        for one, other in zip(few, many, strict=True):
            np.testing.assert_allclose(one.toarray(), other.toarray()[:49, :49], rtol=0, atol=1e-14)
        np.testing.assert_allclose(few[0].toarray(), few[0].toarray().T, rtol=0, atol=1e-14)
        np.testing.assert_allclose(few[1].toarray(), -few[1].toarray().T, rtol=0, atol=1e-13)


def test_invariant_matrices_obey_selection_rules_exactly():
    """The recurrence alone leaves some 1e-15 in thousands of places that must be empty."""
    degree, order = degrees(12)
    for top, m, pair in zip(*degrees(8), operators(12, 8), strict=True):
        for odd, matrix in enumerate(pair):
            i, j = matrix.nonzero()
            a, b = np.abs(order[i]), np.abs(order[j])
            assert ((np.abs(a - b) == abs(m)) | (a + b == abs(m))).all()
            assert (np.abs(degree[i] - degree[j]) <= top).all()
            assert (degree[i] + degree[j] >= top).all()
            assert ((degree[i] + degree[j] + top) % 2 == odd).all()
            assert (((order[i] < 0) ^ (order[j] < 0) ^ (m < 0)) == odd).all()


def test_limit_amplitudes_of_a_potential_rebuild_it():
    m = some()
    for potential, degree in (
        (random_quadratic(1, 2.0), 2),
        (Quartic(3.0), 4),
        (Function(lambda m: m[..., 0] ** 12), 12),
    ):
        found = amplitudes("V", potential)
        assert len(found) == (degree + 1) ** 2
        np.testing.assert_allclose(found @ textbook(m, degree), potential(m), rtol=0, atol=1e-12)
    assert np.flatnonzero(amplitudes("V", Quartic(3.0))).tolist() == [0, 20, 24]
    assert amplitudes("V", quadratic()).tolist() == [0.0]


@pytest.mark.parametrize(
    ("system", "sizes"),
    {
        "axis of rotation and a field along it": ((uniaxial(3.0, 0.2), None), [9, 18, 16, 14, 12, 10, 8, 6, 4, 2]),
        "axis of rotation": ((uniaxial(3.0), None), [5, 4, *range(1, 10), *range(1, 10)]),
        "three axes of order two": ((quadratic((0, 0, 0), np.diag([1.0, 0, -2])), None), [24, 25, 25, 25]),
        "one axis of order two": ((quadratic((0, 0, 0), np.diag([1.0, 0, -2])), quadratic((0, 0, 0.3))), [49, 50]),
        "an axis of order four": ((Quartic(1.0), quadratic((0, 0, 0.3))), [24, 25, 50]),
        "none": ((random_quadratic(1, 1.0), None), [99]),
    }.values(),
)
def test_invariant_symmetries_split_the_operator(system, sizes):
    """Precession couples cos(m phi) and sin(m phi), so that an axis of rotation leaves a block for each |m|."""
    energy, chi = system
    blocks = _blocks(_generator(*_potentials(GeneralizedLLG(energy, 0.3, 1.0, chi), 1.0), 9))
    assert sorted(map(len, blocks)) == sorted(sizes)
    np.testing.assert_array_equal(np.sort(np.concatenate(blocks)), np.arange(1, 100))


# --- stationary state -------------------------------------------------------------------------------------------------


@settings(max_examples=12)
@given(seed=st.integers(0, 10**6), alpha=st.sampled_from([0.3, 1.0, 7.0]))
def test_invariant_stationary_state_is_boltzmann(seed, alpha):
    energy = random_quadratic(seed, 1.0)
    found = solve(energy, alpha, max_degree=20)
    mean, moment = boltzmann(energy)
    np.testing.assert_allclose(found.mean, mean, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.second_moment, moment, rtol=0, atol=1e-10)
    assert np.trace(found.second_moment) == pytest.approx(1, abs=1e-14)
    assert found.rates[0] == 0
    assert (found.rates[1:].real > 0).all()


@pytest.mark.parametrize("alpha", [0.3, 4.0])
def test_invariant_boltzmann_of_a_quartic_energy_in_a_field(alpha):
    field = np.array([0.5, -0.2, 0.7])
    energy = Function(lambda m: Quartic(2.5)(m) - m @ field)
    found = solve(energy, alpha, max_degree=20)
    mean, moment = boltzmann(energy)
    np.testing.assert_allclose(found.mean, mean, rtol=0, atol=1e-11)
    np.testing.assert_allclose(found.second_moment, moment, rtol=0, atol=1e-11)


def test_limit_boltzmann_across_a_barrier():
    """sigma = 15, h = 0.02 along a tilted axis: populations of wells that hardly exchange are as sharp as the rate."""
    energy = uniaxial(15.0, 0.02, AXIS)
    found = solve(energy, 0.5, max_degree=37, modes=2)
    np.testing.assert_allclose(found.mean, boltzmann(energy)[0], rtol=0, atol=1e-7)
    np.testing.assert_allclose(found.second_moment, boltzmann(energy)[1], rtol=0, atol=1e-7)


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6), alpha=st.sampled_from([0.3, 2.0]))
def test_invariant_balance_of_the_mean_in_a_driven_state(seed, alpha):
    """d<u>/dt = <v> - 2D<u> = 0, and <v> has no higher moments than the second for these potentials."""
    draw = np.random.default_rng(seed)
    field, push = draw.uniform(-1.5, 1.5, (2, 3))
    turn = random_quadratic(seed + 1, 1.0)
    found = solve(quadratic(-field), alpha, chi=quadratic(alpha * push), phi=turn)
    mean, moment = found.mean, found.second_moment
    w, p = turn.linear - field, -alpha * (field + push)
    turned = np.cross(mean, w) + 2 * np.einsum("ijk,jl,kl->i", LEVI_CIVITA, moment, turn.quadratic)
    np.testing.assert_allclose(turned - (p - moment @ p) - 2 * alpha * mean, 0, rtol=0, atol=1e-9)
    assert np.linalg.norm(mean - boltzmann(quadratic(-field))[0]) > 0.01, "the state must be driven"


def test_limit_collinear_spin_transfer_is_an_effective_energy():
    """V(u_z), chi(u_z): Boltzmann in V - chi/alpha, and a rate that knows neither alpha nor Phi(u_z)."""
    energy, chi = uniaxial(3.0), np.array([0, 0, 0.9])
    for alpha, phi in ((0.3, None), (0.3, uniaxial(2.0, 0.4)), (1.7, quadratic((0, 0, 5.0)))):
        found = solve(energy, alpha, chi=quadratic(alpha * chi), phi=phi)
        effective = quadratic(-chi, energy.quadratic)
        np.testing.assert_allclose(found.mean, boltzmann(effective)[0], rtol=0, atol=1e-11)
        np.testing.assert_allclose(found.second_moment, boltzmann(effective)[1], rtol=0, atol=1e-11)
        assert found.rates[1] / alpha == pytest.approx(brown_eigenvalue(3.0, 0.9 / 6), abs=1e-11)


@pytest.mark.parametrize("seed", range(3))
def test_limit_response_of_the_mean_to_a_field_is_its_covariance(seed):
    """d<u>/dh = (<u u> - <u><u>)/k_B T at equilibrium; differences of fourth order, h^4 times a few."""
    energy, h = random_quadratic(seed, 0.8), 0.02

    def mean(field):
        return solve(quadratic(energy.linear - field, energy.quadratic), max_degree=18, modes=1).mean

    equilibrium = solve(energy, max_degree=18, modes=1)
    covariance = equilibrium.second_moment - np.outer(equilibrium.mean, equilibrium.mean)
    response = [(8 * (mean(h * e) - mean(-h * e)) - (mean(2 * h * e) - mean(-2 * h * e))) / (12 * h) for e in np.eye(3)]
    np.testing.assert_allclose(response, covariance, rtol=0, atol=1e-7)


# --- rates ------------------------------------------------------------------------------------------------------------


def test_limit_free_moment_forgets_with_l_l_plus_1():
    found = solve(quadratic(), 0.3, max_degree=8, modes=81)
    degree = degrees(8)[0]
    np.testing.assert_allclose(found.rates / 0.3, degree * (degree + 1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("axis", [(0, 0, 1.0), AXIS])
def test_limit_free_moment_in_an_energy_that_only_turns(axis):
    """Phi = -b.u and no V: l (l + 1) D + i m L_F b, both signs of m."""
    turn = 3.7
    found = solve(quadratic(), 0.3, phi=quadratic(-turn * np.asarray(axis)), max_degree=8, modes=81)
    degree, m = degrees(8)
    np.testing.assert_allclose(found.rates.real, 0.3 * degree * (degree + 1), rtol=0, atol=1e-10)
    for level in range(9):
        imaginary = found.rates[degree == level].imag
        np.testing.assert_allclose(np.sort(imaginary), turn * m[degree == level], rtol=0, atol=1e-10)


@pytest.mark.parametrize(("barrier", "reduced_field"), [(0.5, 0.0), (3.0, 0.0), (3.0, 0.6), (3.0, 1.4), (8.0, 0.1)])
@pytest.mark.parametrize("alpha", [0.2, 2.0])
def test_limit_axis_of_rotation_is_brown(barrier, reduced_field, alpha):
    found = solve(uniaxial(barrier, reduced_field), alpha, max_degree=30)
    slow = brown_eigenvalue(barrier, reduced_field)
    exact = [rate for rate in found.rates if abs(rate / alpha - slow) < 1e-9 * slow]
    assert len(exact) == 1
    if barrier * (1 - reduced_field) > 1:
        assert found.rates[1] == exact[0]


@pytest.mark.parametrize(
    ("barrier", "accuracy", "alpha"), [(12.0, 1e-10, 0.2), (12.0, 1e-10, 1.0), (15.0, 3e-9, 1.0), (20.0, 3e-7, 0.2)]
)
def test_limit_high_barrier_along_a_tilted_axis_is_brown(barrier, accuracy, alpha):
    """A dense solver keeps 3e-9 at sigma = 12, 1e-5 at 20; the bounds are the rounding of the matrix elements."""
    top = int(14 + 1.6 * barrier)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = solve(uniaxial(barrier, 0.0, (0, 0.6, 0.8)), alpha, max_degree=top, modes=2)
    assert found.rates[1].real / alpha == pytest.approx(brown_eigenvalue(barrier), rel=accuracy, abs=0)


def test_limit_jumps_between_six_wells():
    """Cubic anisotropy: with jumps to the four next wells only, three rates of 4 and two of 6 times the jump rate.

    The group of rotations has no complex representation: precession splits neither.
    """
    found = solve(Quartic(20.0), 1.0, max_degree=44, modes=7)
    rates = found.rates[1:6]
    np.testing.assert_allclose(rates, [*3 * [rates[0]], *2 * [rates[3]]], rtol=1e-10, atol=0)
    assert rates[3].real / rates[0].real == pytest.approx(1.5, abs=0.06)  # the barrier is 5 k_B T
    assert found.rates[6].real > 10 * rates[0].real
    np.testing.assert_allclose(found.mean, 0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.second_moment, np.eye(3) / 3, rtol=0, atol=1e-12)


def test_peer_nearly_equal_rates_of_one_block_are_all_found():
    """Six wells that a weak second degree makes unequal: three rates, and two, 3e-4 to 1.6e-3 apart.

    In turned axes one block holds the three and another the two; along them each of the three has a block of its own.
    A dense solver is good for 1e-11 of these rates.
    """
    turn = Rotation.from_rotvec((0.7, -1.1, 0.4)).as_matrix()

    def energy(m):
        return Quartic(24.0)(m) + m**2 @ [1e-3, -2e-3, 0.5e-3]

    with pytest.warns(UserWarning, match="max_degree = 26 is too small"):
        found, along = (
            solve(Function(potential), 0.5, max_degree=26).rates[1:] / 0.5
            for potential in (lambda m: energy(m @ turn.T), energy)
        )
    matrix = _generator(*_potentials(GeneralizedLLG(Function(energy), 0.5, 1.0), 1.0), 26)
    dense = [-eigvals(matrix[block][:, block].toarray()) for block in _blocks(matrix)]
    dense = np.sort(np.concatenate(dense).real)[:5]
    apart = np.diff(dense) / dense[0]
    assert (apart[[0, 1, 3]] > 2e-4).all()
    assert (apart[[0, 1, 3]] < 2e-3).all()
    np.testing.assert_allclose(found, dense, rtol=1e-9, atol=0)
    np.testing.assert_allclose(found, along, rtol=1e-9, atol=0)


def weak_form(system, max_degree, nodes=24):
    """The whole operator on complex harmonics by quadrature of grad Y* . (Y v - D grad Y), from velocities alone."""
    m, weights = sphere(nodes)
    across = np.sqrt(1 - m[:, 2] ** 2)
    phi = np.arctan2(m[:, 1], m[:, 0])
    degree, k = degrees(max_degree)
    norm = [
        (2 * a + 1) / (4 * np.pi) * factorial(a - abs(b)) / factorial(a + abs(b))
        for a, b in zip(degree, k, strict=True)
    ]
    values = np.sqrt(norm)[:, None] * lpmv(np.abs(k)[:, None], degree[:, None], m[:, 2]) * np.exp(1j * k[:, None] * phi)
    lower = np.where(degree > np.abs(k), degree**2 - degree + k, 0)  # the index of l - 1, m
    fall = np.where(degree > np.abs(k), np.sqrt(np.abs((2 * degree + 1) / (2 * degree - 1) * (degree**2 - k**2))), 0.0)
    along = degree[:, None] * m[:, 2] * values - fall[:, None] * values[lower]
    along /= across
    around = 1j * k[:, None] * values / across
    theta = np.stack([m[:, 2] * np.cos(phi), m[:, 2] * np.sin(phi), -across], -1)
    azimuth = np.stack([-np.sin(phi), np.cos(phi), 0 * phi], -1)
    velocity = system.velocity(m)
    flow = [(velocity * direction).sum(axis=-1) for direction in (theta, azimuth)]
    matrix = np.zeros((len(degree), len(degree)), dtype=complex)
    for test, trial, speed in zip((along, around), (along, around), flow, strict=True):
        matrix += (test.conj() * weights) @ (speed * values - system.alpha * system.mobility * trial).T
    return matrix


GENERIC = {
    "off axis": (quadratic((0.3, -0.8, 0.5), [[1.0, 0.4, 0], [0.4, 0, -0.3], [0, -0.3, -1.2]]), 0.4, None, None),
    "driven": (
        quadratic((0.3, 0.2, -0.5), [[0.5, 0.1, 0], [0.1, 0.2, 0], [0, 0, -1.5]]),
        0.5,
        quadratic((0.2, -0.5, 0.4), [[0, 0.2, 0], [0.2, 0.3, 0.1], [0, 0.1, 0]]),
        quadratic((-0.6, 0.1, 0.3), [[0.4, 0, 0.2], [0, 0, 0], [0.2, 0, 0]]),
    ),
    "quartic": (Quartic(2.0), 0.6, quadratic((0.2, -0.3, 0.4)), Quartic(-1.0)),
}


@pytest.mark.parametrize("name", GENERIC)
def test_peer_galerkin_matrix_by_quadrature(name):
    energy, alpha, chi, phi = GENERIC[name]
    system = GeneralizedLLG(energy, alpha, 2.0, chi, phi)
    found = solve_fokker_planck(system, KELVIN, max_degree=16, modes=30)
    matrix = weak_form(system, 16)
    assert np.abs(matrix[0]).max() < 1e-12
    exact = -eigvals(matrix)
    distance = np.abs(found.rates[:, None] - exact)
    # The spectra of the same truncation; a dense solver is good for 1e-13 of the largest rate, some 300.
    np.testing.assert_allclose(distance.min(axis=1), 0, rtol=0, atol=1e-9)
    slowest = np.sort(exact.real)[:30]
    np.testing.assert_allclose(found.rates.real, slowest, rtol=0, atol=1e-9)
    assert np.abs(found.rates.imag).max() > 0.1, "it must precess"
    state = np.linalg.solve(matrix[1:, 1:], -matrix[1:, 0])
    across, along = -np.sqrt(2 / 3) * state[0], np.sqrt(1 / 3) * state[1]  # <u_x + i u_y>, <u_z>
    np.testing.assert_allclose(found.mean, [across.real, across.imag, along.real], rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    ("current", "rate", "mean"), [(0.0, 1.1556, 0.0), (0.3, 1.5365, -0.6244), (0.6, 2.6804, -0.8463)]
)
def test_peer_numbers_of_an_in_plane_layer(current, rate, mean):
    """2 tau_N lambda_1 and <u_z> of an independent code, rounded to the digits here."""
    barrier, hard, alpha = 2.5, 1.5, 0.2
    push = -current * alpha * barrier * (2 + hard)
    found = solve(quadratic((0, 0, 0), barrier * np.diag([0, hard, -1])), alpha, chi=quadratic((0, 0, push)))
    assert found.rates[1].real / alpha == pytest.approx(rate, abs=6e-5)
    assert found.rates[1].imag == 0
    np.testing.assert_allclose(found.mean, [0, 0, mean], rtol=0, atol=6e-5)


# --- symmetries -------------------------------------------------------------------------------------------------------


@settings(max_examples=8)
@given(seed=st.integers(0, 10**6))
def test_invariant_rotation(seed):
    turn = Rotation.random(random_state=seed).as_matrix()
    given_, turned = [], []
    for size, offset in ((0.8, 0), (0.2, 1), (0.8, 2)):
        part = random_quadratic(seed + offset, size)
        given_.append(part)
        turned.append(quadratic(turn @ part.linear, turn @ part.quadratic @ turn.T))
    one = solve(given_[0], 0.4, chi=given_[1], phi=given_[2], max_degree=20, modes=2)
    other = solve(turned[0], 0.4, chi=turned[1], phi=turned[2], max_degree=20, modes=2)
    np.testing.assert_allclose(other.mean, turn @ one.mean, rtol=0, atol=1e-9)
    np.testing.assert_allclose(other.second_moment, turn @ one.second_moment @ turn.T, rtol=0, atol=1e-9)
    np.testing.assert_allclose(np.sort_complex(other.rates), np.sort_complex(one.rates), rtol=0, atol=1e-9)


def test_invariant_units():
    """A grain in SI units at 300 K against the same without units; no constant of V matters."""
    energy, alpha, heat = random_quadratic(4, 1.0), 0.3, 300.0 * k_B
    mobility = landau_lifshitz_mobility(4e-19, alpha)
    scaled = Function(lambda m: heat * (energy(m) + 40.0))
    grain = solve_fokker_planck(GeneralizedLLG(scaled, alpha, mobility), 300.0, max_degree=18)
    bare = solve(energy, alpha, max_degree=18)
    np.testing.assert_allclose(grain.rates / (mobility * heat), bare.rates, rtol=0, atol=1e-10)
    np.testing.assert_allclose(grain.mean, bare.mean, rtol=0, atol=1e-11)
    assert grain.rates[1].real > 1e8


def test_invariant_pairs_number_of_modes_and_record():
    system = GeneralizedLLG(GENERIC["driven"][0], 0.5, 1.0, GENERIC["driven"][2], GENERIC["driven"][3])
    every = solve_fokker_planck(system, KELVIN, max_degree=16, modes=289)
    assert every.rates.shape == (289,)
    assert every.max_degree == 16
    assert every.rates[0] == 0
    assert (np.diff(every.rates.real) >= 0).all()
    pairs = every.rates[every.rates.imag != 0]
    assert len(pairs) > 100
    assert (pairs[::2].imag > 0).all()
    assert (pairs[1::2] == pairs[::2].conj()).all()
    for modes in (1, 2, 7):
        few = solve_fokker_planck(system, KELVIN, max_degree=16, modes=modes)
        np.testing.assert_allclose(few.rates, every.rates[:modes], rtol=0, atol=1e-11)
    assert repr(few).startswith("FokkerPlanckSolution(slow rate = ")
    assert "\n" not in repr(few)
    assert "slow" not in repr(solve_fokker_planck(system, KELVIN, max_degree=16, modes=1))


def test_invariant_refinement_moves_no_rate_that_a_dense_solver_resolves(monkeypatch):
    """Every rate refined, real or complex, against none: the same to the rounding of the dense solver."""
    energy, alpha, chi, phi = GENERIC["driven"]
    found = []
    for hidden in (0.0, inf):
        monkeypatch.setattr(_spectrum, "_HIDDEN", hidden)
        found.append(solve(energy, alpha, chi=chi, phi=phi, max_degree=16, modes=120).rates)
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=1e-10)
    assert (found[0] != found[1]).sum() > 60
    for rates in found:
        pairs = rates[rates.imag != 0]
        assert (pairs[1::2][: len(pairs) // 2] == pairs[::2][: len(pairs) // 2].conj()).all()


@settings(max_examples=12)
@given(seed=st.integers(0, 10**6), alpha=st.sampled_from([0.4, 3.0]), driven=st.booleans())
def test_invariant_no_rate_turns_faster_than_the_bound(seed, alpha, driven):
    """Of rates that 18 degrees resolve; the bound holds for the equation, not for what its truncation adds."""
    chi = quadratic(random_quadratic(seed + 1, alpha).linear) if driven else None
    system = GeneralizedLLG(random_quadratic(seed, 1.0), alpha, 1.0, chi, random_quadratic(seed + 2, 0.3 * driven))
    turning, descent = _potentials(system, 1.0)
    w, c = _spectrum._flow(turning, descent)
    rates = solve_fokker_planck(system, KELVIN, max_degree=18, modes=40).rates[1:]
    assert (np.abs(rates.imag) <= w * np.sqrt(rates.real + c) * (1 + 1e-9)).all()


def test_limit_bound_on_turning_of_a_free_moment():
    """Rates l (l + 1) + i m b turn slower than b [l (l + 1)]^(1/2), the bound, and by no more than l/(l + 1)."""
    phi = quadratic((0, 0, -3.0))
    w, c = _spectrum._flow(*_potentials(GeneralizedLLG(quadratic(), 0.3, 1.0, None, phi), 1.0))
    assert w == pytest.approx(3.0 / 0.3, abs=1e-12)
    assert c == 0
    # P = (2 x + 5 z)/alpha: what lies along W = 10 z does not count, and |u x grad W . grad P| is at most 10 * 2/alpha.
    chi = quadratic((2.0, 0, 5.0))
    w, c = _spectrum._flow(*_potentials(GeneralizedLLG(quadratic(), 0.3, 1.0, chi, phi), 1.0))
    assert w == pytest.approx(3.0 / 0.3, abs=1e-12)
    assert c == pytest.approx(10 * (2 / 0.3) / 2, abs=1e-12)


FEW = {
    "equilibrium": (random_quadratic(5, 1.0), 0.5, None, None),
    "hardly damped in a field, where the slow ones turn": (quadratic((1.0, -2.0, 1.5)), 0.03, None, None),
    "driven": GENERIC["driven"],
    "driven beyond the critical current": (
        quadratic((0, 0, 0), 1.5 * np.diag([0.3, 1.5, -1])),
        0.3,
        quadratic((0.1, 0, -2.0)),
        None,
    ),
    "cubic along no axis, so that rates of one block are equal": (
        Function(lambda m: 3 * Quartic(1.0)(m @ Rotation.from_rotvec(AXIS).as_matrix())),
        0.5,
        None,
        None,
    ),
    "two wells with nearly equal pairs": (uniaxial(6.0, 1e-3, (0.36, 0.48, 0.8)), 0.4, None, None),
    "nearly free, so that fewer rates than asked for stand out": (quadratic((6e-4, 3e-4, 7.4e-4)), 1.0, None, None),
}


MODES = (2, 3, 5, 6, 9, 12)


@cache
def every_rate(name):
    energy, alpha, chi, phi = FEW[name]
    generator = _generator(*_potentials(GeneralizedLLG(energy, alpha, 1.0, chi, phi), 1.0), 24)
    return _spectrum._rates(generator, _blocks(generator), max(MODES), None)[0]


@pytest.mark.parametrize("modes", MODES)
@pytest.mark.parametrize("name", FEW)
def test_invariant_few_rates_are_the_slowest_of_all(name, modes):
    energy, alpha, chi, phi = FEW[name]
    every = every_rate(name)
    assert len(every) == 625
    found = solve(energy, alpha, chi=chi, phi=phi, max_degree=24, modes=modes).rates / alpha
    np.testing.assert_allclose(found, every[:modes], rtol=0, atol=1e-8)


@pytest.mark.parametrize(
    ("name", "sizes"), {"equilibrium": [], "driven": [168], "hardly damped": [168, 440], "cubic": [168, 440]}.items()
)
def test_invariant_few_rates_are_proven_or_confirmed_or_all_are_searched(name, sizes, monkeypatch):
    """What the dense solver sees: nothing, few degrees, or all where these differ or a rate is multiple."""
    energy, alpha, chi, phi = next(FEW[key] for key in FEW if key.startswith(name))
    found = []
    monkeypatch.setattr(_spectrum, "eigvals", lambda matrix: found.append(len(matrix)) or eigvals(matrix))
    solve(energy, alpha, chi=chi, phi=phi, max_degree=20, modes=2)
    assert found == sizes


# --- warnings and refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reduced_field", [0.0, 0.1])
@pytest.mark.parametrize("barrier", [3.0, 6.0, 10.0, 15.0])
def test_bad_input_too_small_a_degree_is_warned_of(barrier, reduced_field):
    energy = uniaxial(barrier, reduced_field)
    few = int(8 + 1.6 * barrier)
    with pytest.warns(UserWarning, match=f"max_degree = {few} is too small: with {few - 4} .* pass {few + 8} or more"):
        rough = solve(energy, max_degree=few)
    # What is warned of is the error of max_degree - 4; that of max_degree is far smaller.
    slow = brown_eigenvalue(barrier, reduced_field)
    assert rough.rates[1].real / 0.3 == pytest.approx(slow, rel=1e-6, abs=0)
    assert solve(energy, max_degree=few + 5).rates[1].real / 0.3 == pytest.approx(slow, rel=1e-8, abs=0)


def test_bad_input_far_too_small_a_degree_is_warned_of():
    with pytest.warns(UserWarning, match="too small"):
        far = solve(uniaxial(40.0), max_degree=6)
    assert abs(far.rates[1].real / 0.3 / brown_eigenvalue(40.0) - 1) > 100


def test_bad_input_what_is_warned_of_is_the_change_from_four_degrees_less():
    with pytest.warns(UserWarning, match="too small") as caught:
        few, many = (solve(uniaxial(10.0, 0.1), max_degree=top) for top in (20, 24))
    rate = abs(few.rates[1] / many.rates[1] - 1)
    mean = np.abs(few.mean - many.mean).max()
    assert min(rate, mean) > 1e-6
    said = f"with 20 the slow rate differs by {rate:.1g} of itself and the mean by {mean:.1g};"
    assert said in str(caught[1].message)


def test_bad_input_slow_rate_that_fewer_degrees_do_not_have_is_warned_of():
    """A hard axis and a field, where m = 3 to 6 alone would be slowest: nothing is left of them at degree 2."""
    with pytest.warns(UserWarning, match="with 2 the slow rate differs by inf of itself"):
        solve(uniaxial(-50.0, 3.0), max_degree=6)


def test_bad_input_hard_axis_is_warned_of():
    layer = quadratic((0, 0, 0), 5.0 * np.diag([0, 10.0, -1]))
    with pytest.warns(UserWarning, match="a hard axis or a small alpha"):
        solve(layer, 0.05)


@pytest.mark.parametrize(
    ("barrier", "max_degree", "says"),
    [
        (20.0, 42, "with 38 the slow rate differs by [34]e-06"),
        (20.0, 44, None),
        (22.0, 47, None),
        (24.0, 48, "are resolved to [56]e-06"),
    ],
)
def test_bad_input_both_warnings_begin_at_1e_6(barrier, max_degree, says):
    """At sigma = 20 rounding leaves 1e-7, so that a change of 4e-6 is one; at 22 and 24 it leaves 7e-7 and 5e-6.

    Beyond 1e-6 a change counts if it is ten times the rounding.
    """
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        solve(uniaxial(barrier), max_degree=max_degree, modes=2)
    assert len(caught) == (says is not None)
    if says:
        assert re.search(says, str(caught[0].message))


def test_bad_input_barrier_beyond_double_precision_is_warned_of():
    """And of that alone: the comparison with max_degree - 4 sees nothing but rounding."""
    with pytest.warns(
        UserWarning, match="slow rate and the balance between wells in the mean are resolved to "
    ) as caught:
        found = solve(uniaxial(26.0), max_degree=56)
    assert len(caught) == 1
    message = str(caught[0].message)
    assert "use brown_eigenvalue" in message
    assert caught[0].filename == __file__
    bound = float(message.split("resolved to ")[1].split()[0])
    assert abs(found.rates[1].real / 0.3 / brown_eigenvalue(26.0) - 1) < bound < 1e-3
    np.testing.assert_allclose(found.mean, 0, rtol=0, atol=1e-14)  # by symmetry, not by balance


def test_bad_input_balance_that_rounding_hides_is_within_what_the_warning_says():
    energy = uniaxial(28.0, 0.02)
    with pytest.warns(UserWarning, match="the balance between wells in the mean are resolved to ") as caught:
        found = solve(energy, max_degree=58, modes=2)
    bound = float(str(caught[0].message).split("resolved to ")[1].split()[0])
    assert 1e-6 < bound < 1e-2
    assert np.abs(found.mean - boltzmann(energy)[0]).max() < bound


def test_bad_input_moments_of_a_balance_that_is_lost_are_nan():
    """Else any number comes out, -9 for the mean at sigma = 60. What symmetry fixes at h = 0 stays."""
    with pytest.warns(UserWarning, match=r"the mean are resolved to .* of themselves only"):
        biased, even = (solve(uniaxial(40.0, h), max_degree=76, modes=2) for h in (0.02, 0.0))
    assert np.isnan(biased.mean[2])
    assert np.isnan(biased.second_moment[2, 2])
    np.testing.assert_array_equal(biased.mean[:2], 0)
    np.testing.assert_allclose(even.mean, 0, rtol=0, atol=1e-14)
    np.testing.assert_allclose(even.second_moment, boltzmann(uniaxial(40.0))[1], rtol=0, atol=1e-9)


def test_limit_records_are_equal_to_themselves_only():
    one, other = (solve(quadratic(), max_degree=6, modes=2) for _ in range(2))
    assert one == one
    assert one != other
    assert len({one, other}) == 2


def build(energy=None, alpha=0.3, mobility=1.0, chi=None, temperature=KELVIN, **options):
    system = GeneralizedLLG(uniaxial(1.0) if energy is None else energy, alpha, mobility, chi)
    return solve_fokker_planck(system, temperature, **options)


def refused(rule, says, **arguments):
    return Refusal(rule, build, arguments, says)


@refusals(
    refused("no damping", ("alpha = 0", "neither noise nor a stationary state"), alpha=0.0),
    refused("negative damping", ("alpha = -0.1", "alpha >= 0"), alpha=-0.1),
    refused("no mobility", ("mobility = 0", "mobility > 0"), mobility=0.0),
    refused("no temperature", ("temperature = 0", "temperature > 0"), temperature=0.0),
    refused("negative temperature", ("temperature = -1", "temperature > 0"), temperature=-1.0),
    refused("temperature that is no number", ("temperature = nan", "finite"), temperature=nan),
    refused(
        "energies without units at 300 K",
        ("temperature = 300 ", "span some 2", "k_B T", "pass energies in J", "temperature = 1/k_B"),
        temperature=300.0,
    ),
    refused("barrier of 11000 k_B T", ("temperature = ", "pass energies in J"), energy=uniaxial(1.1e4)),
    refused(
        "chi of 11000 k_B T",
        ("temperature = ", "pass energies in J"),
        chi=quadratic((0, 0, 2e3)),
    ),
    Refusal(
        "a potential for a system",
        solve_fokker_planck,
        {"system": QuadraticPotential(), "temperature": 1.0},
        ("system = QuadraticPotential(", "is no GeneralizedLLG", "pass"),
    ),
    Refusal(
        "a class for a potential",
        GeneralizedLLG,
        {"energy": QuadraticPotential, "alpha": 0.1, "mobility": 1.0},
        ("energy = ", "pass"),
    ),
    refused("several temperatures", ("temperature has shape (2,)", "one number"), temperature=(1.0, 2.0)),
    refused("too small a degree", ("max_degree = 5", "degree 2", "max_degree >= 6"), max_degree=5),
    refused(
        "too small a degree for a quartic energy",
        ("max_degree = 7", "degree 4", "max_degree >= 8"),
        energy=Quartic(1.0),
        max_degree=7,
    ),
    refused(
        "too small a degree for a quartic chi", ("max_degree = 7", "max_degree >= 8"), chi=Quartic(1.0), max_degree=7
    ),
    refused("broken degree", ("max_degree = 24.0 is no integer", "pass an integer"), max_degree=24.0),
    refused("true for a degree", ("max_degree = True is no integer", "pass an integer"), max_degree=True),
    refused("no modes", ("modes = 0", "pass", "modes"), modes=0, max_degree=6),
    refused("more modes than amplitudes", ("modes = 50", "1 <= modes <= 49"), modes=50, max_degree=6),
    refused("broken number of modes", ("modes = 2.5 is no integer", "pass an integer"), modes=2.5),
    refused(
        "energy that is no polynomial",
        ("energy is no polynomial in u up to degree 12", "pass its expansion"),
        energy=Function(lambda m: np.exp(4 * m[..., 2])),
    ),
    refused(
        "chi of degree 13",
        ("chi is no polynomial in u up to degree 12", "left over", "pass its expansion"),
        chi=Function(lambda m: m[..., 1] ** 13),
    ),
    refused(
        "chi with a kink", ("chi is no polynomial", "pass its expansion"), chi=Function(lambda m: np.abs(m[..., 2]))
    ),
    refused(
        "energy of wrong shape",
        ("energy(m) has shape (800, 3)", "one number for each m"),
        energy=Function(lambda m: m),
    ),
    refused("energy that is one number", ("energy(m) has shape ()", "each m"), energy=Function(lambda m: 1.0)),
    refused(
        "energy that is infinite", ("energy(m)[0] = inf", "finite"), energy=Function(lambda m: np.full(len(m), inf))
    ),
)
def test_bad_input_fokker_planck(refusal):
    refusal.check()


def test_bad_input_potential_of_5000_k_b_t_passes():
    """The bound of the refusal, from inside; what comes out is warned of."""
    with pytest.warns(UserWarning, match="max_degree = 6 is too small"):
        solve(uniaxial(5e3), max_degree=6, modes=1)
