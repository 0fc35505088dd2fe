"""Moments of the exchange coupling and spin-wave energies: closed forms, symmetries, every refusal."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spinlib.field_theory import exchange_moments, magnon_dispersion
from spinlib.spin import rotation_matrix
from tests.bad_input import Refusal, refusals

SC = np.array([sign * axis for axis in np.eye(3) for sign in (1, -1)])
BCC = np.array(list(product((0.5, -0.5), repeat=3)))
FCC = np.array([d for d in product((0, 0.5, -0.5), repeat=3) if np.count_nonzero(d) == 2])
CRYSTALS = {"sc": SC, "bcc": BCC, "fcc": FCC}

components = st.floats(-2, 2)
vectors = hnp.arrays(float, 3, elements=components)
couplings = st.floats(-3, 3)
halves = st.lists(st.tuples(vectors, couplings), min_size=1, max_size=5)
few = st.lists(st.tuples(vectors, couplings), min_size=1, max_size=3)
waves = hnp.arrays(float, (4, 3), elements=st.floats(-5, 5))
spins = st.floats(0.5, 4)
gaps = st.floats(0, 2)


def paired(half):
    """Bonds d, -d with the couplings of ``half``; no bond short or close to another."""
    d = np.array([bond for bond, _ in half])
    j = np.array([value for _, value in half])
    both = np.concatenate([d, -d])
    apart = np.linalg.norm(both[:, None] - both, axis=-1) + 10 * np.eye(len(both))
    assume(apart.min() > 1e-2)
    return both, np.concatenate([j, j])


def size_of(bonds, j, spin=1.0):
    """Scale of an energy of these bonds, for tolerances of a few roundings."""
    return spin * np.abs(j).sum() + 1e-300


# --- closed forms -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "zeroth"), [("sc", 6), ("bcc", 8), ("fcc", 12)])
def test_limit_moments_of_cubic_crystals(name, zeroth):
    result = exchange_moments(CRYSTALS[name], 0.5)
    assert result.zeroth == zeroth / 2
    np.testing.assert_array_equal(result.second, np.eye(3))  # 2 J d^2
    assert result == (result.zeroth, result.second)


def test_limit_moments_of_two_shells_of_a_tetragonal_crystal():
    a, c = 2.0, 3.0
    bonds = [(a, 0, 0), (-a, 0, 0), (0, a, 0), (0, -a, 0), (0, 0, c), (0, 0, -c)]
    zeroth, second = exchange_moments(bonds, [1.0] * 4 + [-0.25] * 2)
    assert zeroth == 3.5
    np.testing.assert_array_equal(second, np.diag([8.0, 8.0, -4.5]))


def test_limit_closed_forms_of_cubic_bands():
    k = np.random.default_rng(4).uniform(-7, 7, size=(5, 2, 3))
    x, y, z = np.moveaxis(np.cos(k), -1, 0)
    half = np.moveaxis(np.cos(k / 2), -1, 0)
    np.testing.assert_allclose(magnon_dispersion(k, SC, 0.7, 1.5), 2.1 * (3 - x - y - z), rtol=0, atol=1e-13)
    np.testing.assert_allclose(magnon_dispersion(k, BCC, 0.7, 1.5), 8.4 * (1 - np.prod(half, axis=0)), atol=1e-13)
    pairs = half[0] * half[1] + half[1] * half[2] + half[2] * half[0]
    np.testing.assert_allclose(magnon_dispersion(k, FCC, 0.7, 1.5), 4.2 * (3 - pairs), rtol=0, atol=1e-13)


def test_limit_zone_boundary_of_a_chain():
    chain = [(2.0, 0, 0), (-2.0, 0, 0)]
    energy = magnon_dispersion((np.pi / 2, 0.3, -0.1), chain, 1.25, 0.5, gap=0.25)
    assert isinstance(energy, float)
    assert energy == pytest.approx(4 * 1.25 * 0.5 + 0.25, abs=1e-15)


def test_limit_long_waves_keep_their_digits():
    """1 - cos loses all digits at k d = 1e-9; the energy is S k.J_2.k/2 to the last ones."""
    bonds, j = np.concatenate([SC, 2 * FCC]), np.repeat([1.0, 0.3], [6, 12])
    second = exchange_moments(bonds, j).second
    for k in 1e-9 * np.array([[1.0, 0, 0], [0.3, -0.7, 0.2]]):
        assert magnon_dispersion(k, bonds, j, 2.5) == pytest.approx(1.25 * k @ second @ k, rel=1e-13, abs=0)


def test_limit_no_coupling():
    assert exchange_moments(SC, 0.0).zeroth == 0
    assert magnon_dispersion((1.0, 2.0, 3.0), SC, 0.0, 1.0, gap=0.5) == 0.5


def test_limit_antiferromagnetic_coupling_is_unstable():
    assert magnon_dispersion((np.pi, np.pi, np.pi), SC, -1.0, 1.0) == pytest.approx(-12, abs=1e-14)


def test_limit_units_of_a_crystal():
    """Metres and joules: nothing depends on numbers of order one."""
    d, j = 3e-10, 2e-21
    zeroth, second = exchange_moments(d * BCC, j)
    assert zeroth == pytest.approx(8 * j, rel=1e-15, abs=0)
    np.testing.assert_allclose(second, 2 * j * d**2 * np.eye(3), rtol=1e-14, atol=1e-14 * j * d**2)
    assert magnon_dispersion((2 * np.pi / d, 0, 0), d * BCC, j, 1.0) == pytest.approx(16 * j, rel=1e-14, abs=0)


# --- invariants -------------------------------------------------------------------------------------------------------


@given(half=halves, axis=vectors, angle=st.floats(-4, 4), k=waves, spin=spins)
def test_invariant_rotation_of_the_crystal(half, axis, angle, k, spin):
    assume(np.linalg.norm(axis) > 1e-2)
    bonds, j = paired(half)
    turn = rotation_matrix(axis, angle)
    here, there = exchange_moments(bonds, j), exchange_moments(bonds @ turn.T, j)
    size = size_of(bonds, j)
    # Lengths up to 4: roundings of a few 1e-16 times 12.
    assert there.zeroth == here.zeroth
    np.testing.assert_allclose(there.second, turn @ here.second @ turn.T, rtol=0, atol=1e-13 * size)
    np.testing.assert_allclose(
        magnon_dispersion(k @ turn.T, bonds @ turn.T, j, spin),
        magnon_dispersion(k, bonds, j, spin),
        rtol=0,
        atol=1e-13 * size_of(bonds, j, spin),
    )


@given(half=halves, spin=spins, gap=gaps)
def test_invariant_goldstone_only_the_gap_holds_a_uniform_rotation(half, spin, gap):
    bonds, j = paired(half)
    assert magnon_dispersion((0.0, 0.0, 0.0), bonds, j, spin, gap=gap) == gap


@given(half=halves, k=waves, spin=spins, gap=gaps)
def test_invariant_reversed_wave(half, k, spin, gap):
    bonds, j = paired(half)
    there, back = (magnon_dispersion(sign * k, bonds, j, spin, gap=gap) for sign in (1, -1))
    np.testing.assert_array_equal(there, back)


@given(half=few, other=few, k=waves, spin=spins)
def test_invariant_shells_add(half, other, k, spin):
    (one, j_one), (two, j_two) = paired(half), paired(other)
    bonds, j = np.concatenate([one, two]), np.concatenate([j_one, j_two])
    assume(np.linalg.norm(one[:, None] - two, axis=-1).min() > 1e-2)
    total, parts = exchange_moments(bonds, j), [exchange_moments(one, j_one), exchange_moments(two, j_two)]
    size = size_of(bonds, j, spin)
    assert total.zeroth == pytest.approx(parts[0].zeroth + parts[1].zeroth, abs=1e-14 * size)
    np.testing.assert_allclose(total.second, parts[0].second + parts[1].second, rtol=0, atol=1e-13 * size)
    energies = [magnon_dispersion(k, *pair, spin) for pair in ((bonds, j), (one, j_one), (two, j_two))]
    np.testing.assert_allclose(energies[0], energies[1] + energies[2], rtol=0, atol=1e-14 * size)


@given(half=halves, k=waves, spin=spins, gap=gaps)
def test_invariant_energy_is_linear_in_spin_and_coupling_above_the_gap(half, k, spin, gap):
    bonds, j = paired(half)
    one = magnon_dispersion(k, bonds, j, 1.0)
    size = size_of(bonds, j, spin)
    np.testing.assert_allclose(magnon_dispersion(k, bonds, j, spin), spin * one, rtol=0, atol=1e-14 * size)
    np.testing.assert_allclose(magnon_dispersion(k, bonds, spin * j, 1.0), spin * one, rtol=0, atol=1e-14 * size)
    shifted = magnon_dispersion(k, bonds, j, 1.0, gap=gap)
    np.testing.assert_allclose(shifted, one + gap, rtol=0, atol=1e-14 * (size + gap))


@given(name=st.sampled_from(list(CRYSTALS)), k=waves, n=hnp.arrays(int, 3, elements=st.integers(-3, 3)))
def test_invariant_reciprocal_lattice(name, k, n):
    # 4 pi/d times integers is a reciprocal vector of all three crystals.
    bonds = CRYSTALS[name]
    moved = magnon_dispersion(k + 4 * np.pi * n, bonds, 1.0, 1.0)
    np.testing.assert_allclose(moved, magnon_dispersion(k, bonds, 1.0, 1.0), rtol=0, atol=1e-12)


@given(half=halves, k=waves, spin=spins)
def test_invariant_ferromagnetic_couplings_cost_energy_and_bound_it(half, k, spin):
    bonds, j = paired(half)
    energy = magnon_dispersion(k, bonds, np.abs(j), spin)
    zeroth, second = exchange_moments(bonds, np.abs(j))
    quadratic = 0.5 * spin * np.einsum("ni,ij,nj->n", k, second, k)
    assert (energy >= 0).all()
    assert (energy <= 2 * spin * zeroth * (1 + 1e-14)).all()
    # 1 - cos x <= x^2/2: the continuum is above the lattice everywhere.
    assert (energy <= quadratic + 1e-13 * size_of(bonds, j, spin)).all()
    assert np.linalg.eigvalsh(second).min() >= -1e-13 * size_of(bonds, j)


@given(half=halves, k=waves)
def test_invariant_order_of_bonds_and_shape_of_waves(half, k):
    bonds, j = paired(half)
    order = np.random.default_rng(len(j)).permutation(len(j))
    mixed = magnon_dispersion(k.reshape(2, 2, 3), bonds[order], j[order], 1.0)
    assert np.shape(mixed) == (2, 2)
    np.testing.assert_allclose(np.ravel(mixed), magnon_dispersion(k, bonds, j, 1.0), atol=1e-13 * size_of(bonds, j))


# --- refusals ---------------------------------------------------------------------------------------------------------

MOMENTS = {"bonds": SC, "couplings": 1.0}
WAVES = {"wavevectors": (0.1, 0.2, 0.3), "bonds": SC, "couplings": 1.0, "spin": 1.0}
SHARED = [
    ("bond of length 0", {"bonds": [*SC, (0, 0, 0)]}, ("length of bonds[6] = 0", "itself", "leave it out")),
    ("a bond given twice", {"bonds": [*SC, SC[0]]}, ("copies of bonds[0] = 2", "counts one", "pass each bond")),
    ("bonds as one vector", {"bonds": (1.0, 0, 0)}, ("bonds has shape (3,)", "(n, 3) in m")),
    ("bonds as a stack", {"bonds": [SC, SC]}, ("bonds has shape (2, 6, 3)", "(n, 3) in m")),
    ("bonds in the plane", {"bonds": SC[:4, :2]}, ("bonds", "(4, 2)", "3")),
    ("nan in a bond", {"bonds": [*SC, (np.nan, 0, 0)]}, ("bonds[6, 0] = nan", "not finite")),
    ("bonds as words", {"bonds": ["left", "right"]}, ("bonds", "not an array of real numbers")),
    ("couplings of a wrong number", {"couplings": [1.0, 2.0]}, ("couplings has shape (2,)", "each of the 6 bonds")),
    ("couplings as a matrix", {"couplings": np.ones((6, 1))}, ("couplings has shape (6, 1)", "each of the 6 bonds")),
    ("infinite coupling", {"couplings": [1, 1, 1, 1, 1, np.inf]}, ("couplings[5] = inf", "not finite", "pass")),
    ("complex coupling", {"couplings": 1j}, ("couplings = 1j", "not an array of real numbers", "pass")),
]


@refusals(
    *(Refusal(rule, exchange_moments, MOMENTS | change, says) for rule, change, says in SHARED),
    Refusal(
        "half of the neighbours",
        exchange_moments,
        {"bonds": SC[::2], "couplings": 1.0},
        ("|sum J d| / sum |J d| of bonds = 0.577", "is not 0", "d as well as -d"),
    ),
    Refusal(
        "a bond and its opposite coupled differently",
        exchange_moments,
        {"bonds": SC[:2], "couplings": [1.0, 1.001]},
        ("|sum J d| / sum |J d| of bonds = 0.0004997", "is not 0", "pass all neighbours"),
    ),
)
def test_bad_input_of_exchange_moments(refusal):
    refusal.check()


@refusals(
    *(Refusal(rule, magnon_dispersion, WAVES | change, says) for rule, change, says in SHARED),
    Refusal(
        "a bond without its opposite",
        magnon_dispersion,
        WAVES | {"bonds": SC[:-1]},
        ("number of opposites of bonds[4] = 0", "leaves one without its pair", "pass each d once and -d"),
    ),
    Refusal(
        "neighbours whose moment vanishes but not their pairs",  # a lattice of triangles has no inversion
        magnon_dispersion,
        WAVES | {"bonds": [(1, 0, 0), (-0.5, 0.75**0.5, 0), (-0.5, -(0.75**0.5), 0)]},
        ("number of opposites of bonds[0] = 0", "-d with the same coupling"),
    ),
    Refusal(
        "couplings that differ on d and -d",
        magnon_dispersion,
        WAVES | {"couplings": [1, 1, 1, 1, 1, 1.01]},
        ("bonds[4]", "-d with the same coupling"),
    ),
    Refusal("spin 0", magnon_dispersion, WAVES | {"spin": 0.0}, ("spin = 0", "positive", "pass")),
    Refusal("negative spin", magnon_dispersion, WAVES | {"spin": -0.5}, ("spin = -0.5", "positive", "pass")),
    Refusal("several spins", magnon_dispersion, WAVES | {"spin": [0.5, 1.0]}, ("spin", "(2,)", "one number")),
    Refusal("negative gap", magnon_dispersion, WAVES | {"gap": -1e-3}, ("gap = -0.001", "pass gap >= 0")),
    Refusal("nan gap", magnon_dispersion, WAVES | {"gap": np.nan}, ("gap = nan", "not finite")),
    Refusal("waves in the plane", magnon_dispersion, WAVES | {"wavevectors": (0.1, 0.2)}, ("wavevectors", "(2,)", "3")),
    Refusal(
        "infinite wave", magnon_dispersion, WAVES | {"wavevectors": (0, np.inf, 0)}, ("wavevectors[1] = inf", "finite")
    ),
)
def test_bad_input_of_magnon_dispersion(refusal):
    refusal.check()


def test_bad_input_is_not_refused_within_rounding():
    """Neighbours from a rotated crystal carry roundings; a lattice of triangles has moments but no pairs."""
    turned = 2.7e-10 * FCC @ rotation_matrix((1, 2, 3), 0.7).T
    assert exchange_moments(turned, 1e-21).zeroth == pytest.approx(12e-21, rel=1e-15, abs=0)
    assert magnon_dispersion((0.0, 0.0, 0.0), turned, 1e-21, 1.0) == 0
    triangle = [(1, 0, 0), (-0.5, 0.75**0.5, 0), (-0.5, -(0.75**0.5), 0)]
    np.testing.assert_allclose(exchange_moments(triangle, 2.0).second, np.diag([3.0, 3.0, 0]), atol=1e-15)
