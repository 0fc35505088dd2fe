"""Berry phase of a polygon of directions and the fermions of a few orbitals: closed forms, symmetries, refusals.

Routes that do not use the code under test: the theorems of L'Huilier and Girard, coherent states of 2S + 1 components
from matrix exponentials, counting of occupations.
"""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.linalg import expm

from spinlib.field_theory import berry_phase, fermion_operators
from spinlib.spin import direction, rotation_matrix, spin_matrices, unit_vector
from tests.bad_input import Refusal, refusals

X, Y, Z = np.eye(3)
SPINS = (0.5, 1.0, 1.5, 2.5)
seeds = st.integers(0, 2**32 - 1)
spins = st.integers(1, 9).map(lambda n: n / 2)


def random_corners(seed, number):
    return unit_vector(np.random.default_rng(seed).normal(size=(number, 3)))


def modulo(difference, period):
    """Distance to the nearest multiple of ``period``."""
    return np.abs(difference - period * np.round(difference / period))


def lhuilier(a, b, c):
    """Solid angle of a triangle from its three sides, positive for a right-handed circuit."""
    sides = [np.arctan2(np.linalg.norm(np.cross(p, q)), p @ q) for p, q in ((b, c), (c, a), (a, b))]
    half = sum(sides) / 2
    product = np.tan(half / 2) * np.prod([np.tan((half - side) / 2) for side in sides])
    return np.sign(a @ np.cross(b, c)) * 4 * np.arctan(np.sqrt(max(product, 0.0)))


def regular(corners, polar):
    """Corners of a regular polygon on a circle of latitude."""
    return direction(polar, 2 * np.pi * np.arange(corners) / corners)


# --- closed forms -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spin", SPINS)
def test_limit_octant_is_an_eighth_of_the_sphere(spin):
    assert berry_phase([X, Y, Z], spin) == pytest.approx(-spin * np.pi / 2, abs=1e-14)
    assert berry_phase([Z, Y, X], spin) == pytest.approx(spin * np.pi / 2, abs=1e-14)


@given(seed=seeds, spin=spins)
def test_limit_triangle_is_the_theorem_of_lhuilier(seed, spin):
    corners = random_corners(seed, 3)
    # Three corners on a great circle have the solid angle 0 or 2 pi, of either sign.
    assume(abs(np.linalg.det(corners)) > 1e-3)
    # The square root in the theorem loses digits of a flat triangle: 1e-12 is left at the bound above.
    assert berry_phase(corners, spin) == pytest.approx(-spin * lhuilier(*corners), abs=1e-10 * spin)


@pytest.mark.parametrize("corners", [3, 4, 7, 50])
@pytest.mark.parametrize("polar", [0.2, 0.9, 1.5, 2.2, 3.0])
def test_limit_regular_polygon_has_a_closed_form(corners, polar):
    """Slices from the pole: tan(E/2) = t^2 sin d/(1 + t^2 cos d), t = tan(polar/2); beyond the equator Omega - 4 pi."""
    step, square = 2 * np.pi / corners, np.tan(polar / 2) ** 2
    omega = 2 * corners * np.arctan2(square * np.sin(step), 1 + square * np.cos(step))
    omega -= 4 * np.pi * (polar > np.pi / 2)
    assert berry_phase(regular(corners, polar), 0.5) == pytest.approx(-omega / 2, abs=1e-12)


def test_limit_polygon_is_the_excess_of_its_angles():
    """Girard: the interior angles of a star-shaped polygon exceed those of the flat one by the solid angle."""
    rng = np.random.default_rng(5)
    azimuth = np.sort(rng.uniform(0, 2 * np.pi, 9))
    n = direction(rng.uniform(0.5, 1.3, 9), azimuth)
    before, after = np.roll(n, 1, axis=0), np.roll(n, -1, axis=0)
    out, back = np.cross(n, after), np.cross(n, before)  # normals of the two arcs at a corner
    cosine, sine = np.einsum("ni,ni->n", out, back), np.einsum("ni,ni->n", n, np.cross(out, back))
    interior = np.arctan2(sine, cosine) % (2 * np.pi)
    excess = interior.sum() - (len(n) - 2) * np.pi
    assert excess > 1
    assert berry_phase(n, 1.5) == pytest.approx(-1.5 * excess, abs=1e-12)


def test_limit_error_of_a_smooth_path_is_of_second_order():
    """A polygon in a circle of latitude lacks (2 pi^3/3 n^2) sin^2 cos of its solid angle, + O(n^-4)."""
    polar = 0.8
    for corners in (50, 100, 200):
        lacks = 2 * np.pi * (1 - np.cos(polar)) + berry_phase(regular(corners, polar), 1.0)
        first = 2 * np.pi**3 / (3 * corners**2) * np.sin(polar) ** 2 * np.cos(polar)
        assert lacks / first == pytest.approx(1, abs=30 / corners**2)


@pytest.mark.parametrize("spin", SPINS)
def test_limit_great_circle_has_either_sign_and_one_phase_factor(spin):
    found = berry_phase(regular(12, np.pi / 2), spin)
    assert abs(found) == pytest.approx(2 * np.pi * spin, abs=1e-12)
    assert np.exp(1j * found) == pytest.approx((-1) ** round(2 * spin), abs=1e-12)


def test_limit_no_area():
    # One corner, out and back, a corner that is visited twice.
    for corners in ([X], [X, Y], [X, X, Y], [X, unit_vector(X + Y), Y, unit_vector(X + Y)]):
        assert berry_phase(corners, 1.5) == pytest.approx(0, abs=1e-14)


# --- symmetries -------------------------------------------------------------------------------------------------------


@given(seed=seeds, spin=spins, number=st.integers(3, 8))
def test_invariant_rotation_shift_and_reversal(seed, spin, number):
    n = random_corners(seed, number)
    assume(np.linalg.norm(n + np.roll(n, -1, axis=0), axis=-1).min() > 0.05)
    value = berry_phase(n, spin)
    assert abs(value) <= 2 * np.pi * spin + 1e-12
    rng = np.random.default_rng(seed)
    turned = n @ rotation_matrix(unit_vector(rng.normal(size=3)), rng.uniform(0, 6)).T
    for other in (berry_phase(turned, spin), berry_phase(np.roll(n, 2, axis=0), spin), -berry_phase(n[::-1], spin)):
        # The same, or by 4 pi S apart where the circuit halves the sphere.
        assert modulo(other - value, 4 * np.pi * spin) < 1e-10 * spin
    mirrored = berry_phase(n * [1, 1, -1], spin)
    assert modulo(mirrored + value, 4 * np.pi * spin) < 1e-10 * spin


@given(seed=seeds, number=st.integers(3, 7))
def test_invariant_arcs_of_great_circles_join_the_corners(seed, number):
    """A corner on the shortest arc between two neighbours changes nothing."""
    n = random_corners(seed, number)
    assume(np.linalg.norm(n + np.roll(n, -1, axis=0), axis=-1).min() > 0.05)
    for position in (1, number):  # the last: on the arc that closes the polygon
        middle = unit_vector(0.3 * n[position - 1] + n[position % number])
        finer = np.insert(n, position, middle, axis=0)
        assert modulo(berry_phase(finer, 1.0) - berry_phase(n, 1.0), 4 * np.pi) < 1e-10


@given(seed=seeds)
def test_invariant_circuits_with_a_common_arc_add(seed):
    a, b, c, d = random_corners(seed, 4)
    assume(min(np.linalg.norm(p + q) for p, q in itertools.combinations((a, b, c, d), 2)) > 0.05)
    parts = berry_phase([a, b, c], 0.5) + berry_phase([a, c, d], 0.5)
    assert modulo(parts - berry_phase([a, b, c, d], 0.5), 2 * np.pi) < 1e-10


@given(seed=seeds, spin=spins)
def test_invariant_phase_is_2s_times_that_of_spin_one_half(seed, spin):
    n = random_corners(seed, 5)
    assume(np.linalg.norm(n + np.roll(n, -1, axis=0), axis=-1).min() > 0.05)
    assert berry_phase(n, spin) == pytest.approx(2 * spin * berry_phase(n, 0.5), abs=1e-12 * spin)


def test_invariant_shapes_and_values_that_are_not_touched():
    paths = random_corners(8, 24).reshape(2, 3, 4, 3)
    kept = paths.copy()
    found = berry_phase(paths, 1.5)
    assert found.shape == (2, 3)
    for index in np.ndindex(2, 3):
        single = berry_phase(paths[index], 1.5)
        assert isinstance(single, float)
        assert found[index] == pytest.approx(single, abs=1e-13)
    np.testing.assert_array_equal(paths, kept)


def test_invariant_corners_at_the_poles_and_on_the_seam_of_the_gauges():
    """States change their gauge at z = 0: no circuit may notice, nor one that passes through a pole."""
    turn = rotation_matrix((0.3, -0.5, 0.8), 1.1)
    for corners in (
        [Z, X, Y],
        [-Z, Y, X],
        [X, Y, -Z],
        [unit_vector(X + Z), Z, Y, -Z, X],
        [X, Y, -X, unit_vector(Z - Y)],
    ):
        plain, turned = berry_phase(corners, 2.5), berry_phase(corners @ turn.T, 2.5)
        assert modulo(plain - turned, 10 * np.pi) < 1e-12


@pytest.mark.parametrize("spin", SPINS)
def test_invariant_overlaps_of_states_with_all_components(spin):
    """States exp(-i phi S_z) exp(-i theta S_y)|S>, 2S + 1 components, of any gauge."""
    x, y, z = spin_matrices(spin)
    rng = np.random.default_rng(3)
    for number in (3, 6, 11):
        theta, phi = rng.uniform(0.2, 2.9, number), rng.uniform(0, 6, number)
        turned = expm(-1j * phi[:, None, None] * z) @ expm(-1j * theta[:, None, None] * y)
        states = turned[:, :, 0] * np.exp(1j * rng.uniform(0, 6, number))[:, None]
        n = direction(theta, phi)
        means = np.einsum("na,iab,nb->ni", states.conj(), np.array([x, y, z]), states).real
        np.testing.assert_allclose(means, spin * n, rtol=0, atol=1e-12)
        links = np.einsum("na,na->n", np.roll(states, -1, axis=0).conj(), states)
        assert modulo(berry_phase(n, spin) - np.angle(links).sum(), 2 * np.pi) < 1e-11


# --- fermions ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("orbitals", range(1, 6))
def test_invariant_anticommutators(orbitals):
    a = fermion_operators(orbitals)
    assert a.shape == (orbitals, 2**orbitals, 2**orbitals)
    one = np.eye(2**orbitals)
    for i, j in itertools.product(range(orbitals), repeat=2):
        np.testing.assert_array_equal(a[i] @ a[j] + a[j] @ a[i], 0 * one)
        np.testing.assert_array_equal(a[i] @ a[j].T + a[j].T @ a[i], (i == j) * one)


@pytest.mark.parametrize("orbitals", [1, 3, 5])
def test_limit_occupations_count_in_binary_digits(orbitals):
    a = fermion_operators(orbitals)
    numbers = np.array([operator.T @ operator for operator in a])
    digits = [[(state >> (orbitals - 1 - i)) & 1 for state in range(2**orbitals)] for i in range(orbitals)]
    np.testing.assert_array_equal(numbers, [np.diag(row) for row in digits])
    vacuum = np.eye(2**orbitals)[0]
    np.testing.assert_array_equal(a @ vacuum, np.zeros((orbitals, 2**orbitals)))
    for i, operator in enumerate(a):  # one fermion in orbital i + 1, without a sign
        np.testing.assert_array_equal(operator.T @ vacuum, np.eye(2**orbitals)[2 ** (orbitals - 1 - i)])


def test_limit_sign_is_that_of_the_orbitals_that_are_passed():
    a, b, c = fermion_operators(3)
    vacuum = np.eye(8)[0]
    full = a.T @ b.T @ c.T @ vacuum
    np.testing.assert_array_equal(full, np.eye(8)[7])
    np.testing.assert_array_equal(b @ full, -a.T @ c.T @ vacuum)
    np.testing.assert_array_equal(c.T @ b.T @ a.T @ vacuum, -full)


def test_limit_free_fermions_fill_their_levels():
    """The spectrum of sum h_ij a_i^T a_j consists of the sums over subsets of the eigenvalues of h."""
    rng = np.random.default_rng(4)
    raw = rng.normal(size=(4, 4))
    h = raw + raw.T
    a = fermion_operators(4)
    many = np.einsum("ij,iab,jbc->ac", h, a.swapaxes(1, 2), a)
    levels = np.linalg.eigvalsh(h)
    sums = sorted(sum(subset) for size in range(5) for subset in itertools.combinations(levels, size))
    np.testing.assert_allclose(np.linalg.eigvalsh(many), sums, rtol=0, atol=1e-12)


# --- refusals ---------------------------------------------------------------------------------------------------------

PATH = {"directions": [X, Y, Z], "spin": 0.5}
HALVES = "pass one of 1/2, 1, 3/2, 2, ..."


@refusals(
    Refusal("length 2", berry_phase, PATH | {"directions": [X, 2 * Y, Z]}, ("length of directions[1] = 2", "pass dir")),
    Refusal("length 0", berry_phase, PATH | {"directions": [X, 0 * Y, Z]}, ("directions[1] = 0", "pass directions")),
    Refusal("nan", berry_phase, PATH | {"directions": [X, np.nan * Y, Z]}, ("directions[1, 0] = nan", "pass real")),
    Refusal("no corner", berry_phase, PATH | {"directions": np.empty((0, 3))}, ("shape (0, 3)", "pass the corners")),
    Refusal("plane vectors", berry_phase, PATH | {"directions": [(1, 0), (0, 1)]}, ("shape (2, 2)", "(..., 3)")),
    Refusal("one vector", berry_phase, PATH | {"directions": X}, ("directions has shape (3,)", "as (..., n, 3)")),
    Refusal("text", berry_phase, PATH | {"directions": "xyz"}, ("directions = 'xyz'", "pass real vectors")),
    Refusal(
        "opposite neighbours",
        berry_phase,
        PATH | {"directions": [X, -X, Z]},
        ("|<n_k+1|n_k>| of directions[0] = 0", "opposite neighbours", "pass a corner between the two"),
    ),
    Refusal(
        "last opposite to the first",
        berry_phase,
        PATH | {"directions": [X, Y, unit_vector(-X + 1e-9 * Z)]},
        ("directions[2] = 5e-10", "opposite neighbours", "pass a corner"),
    ),
    Refusal("no half-integer", berry_phase, PATH | {"spin": 0.7}, ("spin = 0.7 is no multiple of 1/2", HALVES)),
    Refusal("spin 0", berry_phase, PATH | {"spin": 0.0}, ("spin = 0 is not positive", "pass spin > 0")),
    Refusal("negative spin", berry_phase, PATH | {"spin": -0.5}, ("spin = -0.5 is not positive", "pass spin > 0")),
    Refusal("nan spin", berry_phase, PATH | {"spin": np.nan}, ("spin = nan is not finite", "pass one finite number")),
    Refusal("spins", berry_phase, PATH | {"spin": (0.5, 1.0)}, ("spin has shape (2,)", "pass one number")),
    Refusal("no orbital", fermion_operators, {"orbitals": 0}, ("orbitals = 0 is below 1", "pass an integer")),
    Refusal("eleven", fermion_operators, {"orbitals": 11}, ("orbitals = 11 needs", "pass 1 <= orbitals <= 10")),
    Refusal("float", fermion_operators, {"orbitals": 2.0}, ("orbitals = 2.0 is no integer", "pass an integer")),
    Refusal("bool", fermion_operators, {"orbitals": True}, ("orbitals = True is no integer", "pass an integer")),
)
def test_bad_input_is_refused(refusal):
    refusal.check()


def test_bad_input_limits_that_are_accepted():
    assert fermion_operators(10).shape == (10, 1024, 1024)
    near = unit_vector(-X + 1e-6 * Z)
    assert berry_phase([X, Y, near], 0.5) == pytest.approx(-np.pi / 2, abs=1e-5)  # a quarter of the sphere
    assert berry_phase([X, Y * (1 + 5e-7), Z], np.float32(0.5)) == pytest.approx(-np.pi / 4, abs=1e-14)
