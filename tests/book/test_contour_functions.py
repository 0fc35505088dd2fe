"""RHP (41)-(53): derivatives of W and of its Legendre transform, each on a system that is solved exactly.

The routes: a Grassmann algebra with matrices as coefficients, operators sorted along the contour one by one, sources
drawn at random for a bilinear one, Grassmann integrals with a quartic term, integrals over a rotated line. Derivatives
are differences of fourth order; the tolerances are their error. Printed forms miss by what is predicted.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm, sqrtm

from spinlib.field_theory import fermion_operators
from spinlib.spin import spin_matrices
from tests.quantum import heisenberg, hermitian, mixed_state

RNG = np.random.default_rng(53)
EPSILON = {1: 1, 2: -1}
BRANCHES = [(alpha, beta) for alpha in (1, 2) for beta in (1, 2)]


def slope(function, width=1e-3):
    return (8 * (function(width) - function(-width)) - function(2 * width) + function(-2 * width)) / (12 * width)


def gradient(function, point, width=1e-3):
    point = np.asarray(point)
    result = np.zeros(point.shape, complex)
    for index in np.ndindex(point.shape):
        unit = np.zeros(point.shape)
        unit[index] = 1
        result[index] = slope(lambda h, unit=unit: function(point + h * unit), width)
    return result


def rows_of(function, point, width):
    """Derivatives of a vector function, one row for each component of the point."""
    return np.array([slope(lambda h, unit=unit: function(point + h * unit), width) for unit in np.eye(len(point))])


def place(branch, time):
    """Position along the contour; what is larger stands further to the left."""
    return (branch, time if branch == 1 else -time)


# --- electrons: two orbitals with hopping, in any state ---------------------------------------------------------------

C = fermion_operators(2)
NUMBERS = [c.T @ c for c in C]
HOP = C[0].T @ C[1]
ELECTRONS = 0.7 * NUMBERS[0] - 0.4 * NUMBERS[1] + 0.5j * (HOP - HOP.T) + 1.3 * NUMBERS[0] @ NUMBERS[1]
PARITY = np.diag([1, -1, -1, 1])
MIXED = mixed_state(RNG, 4)  # mixes odd and even numbers: no state of nature
EVEN = (MIXED + PARITY @ MIXED @ PARITY) / 2
ORDERS = [(0.4, 1.1), (1.1, 0.4)]


class Grassmann:
    """Sum of words of generators, each times a matrix on its right; generators pass odd matrices with -1."""

    def __init__(self, terms):
        self.terms = terms  # {(0, 2): matrix, ...}, sorted words

    def __mul__(self, other):
        terms = {}
        for (one, a), (two, b) in itertools.product(self.terms.items(), other.terms.items()):
            if set(one) & set(two):
                continue
            word = one + two
            sign = (-1) ** sum(p > q for p, q in itertools.combinations(word, 2))
            moved = a if len(two) % 2 == 0 else PARITY @ a @ PARITY  # a theta = theta (P a P)
            key = tuple(sorted(word))
            terms[key] = terms.get(key, 0) + sign * moved @ b
        return Grassmann(terms)

    def average(self, state, *word):
        """Coefficient of this word, in this order, on the left of the average."""
        sign = (-1) ** sum(p > q for p, q in itertools.combinations(word, 2))
        matrix = self.terms.get(tuple(sorted(word)))
        return 0.0 if matrix is None else sign * np.trace(state @ matrix)


ONE = np.eye(4)


def functional(create, remove, tx, ty):
    """Z before the trace; generators 1, 2 are eta on the branches at x, 11, 12 eta^dagger at y."""

    def factor(sign, branch, where):
        if where == "x":  # Psi^dagger eta = -eta Psi^dagger
            return Grassmann({(): ONE, (branch,): -1j * sign * create})
        return Grassmann({(): ONE, (10 + branch,): 1j * sign * remove})

    early, late = ("x", "y") if tx < ty else ("y", "x")
    forward = factor(1, 1, late) * factor(1, 1, early)
    backward = factor(-1, 2, early) * factor(-1, 2, late)
    return backward * forward


def ordered(state, *items):
    """Average of operators (operator, branch, time), sorted along the contour with the sign of the permutation."""
    sequence = sorted(range(len(items)), key=lambda k: place(*items[k][1:]), reverse=True)
    sign = (-1) ** sum(p > q for p, q in itertools.combinations(sequence, 2))
    product = np.eye(len(state))
    for k in sequence:
        product = product @ items[k][0]
    return sign * np.trace(state @ product)


def fields(tx, ty):
    return heisenberg(C[0].T, ELECTRONS, tx), heisenberg(C[1], ELECTRONS, ty)


@pytest.mark.parametrize(("tx", "ty"), ORDERS)
def test_paper_RHP_41_left_derivative_gives_the_mean_field_with_the_sign_of_the_branch(tx, ty):
    create, remove = fields(tx, ty)
    Z = functional(create, remove, tx, ty)
    field = np.trace(MIXED @ remove)
    assert abs(field) > 0.05
    for beta in (1, 2):
        derivative = -1j * Z.average(MIXED, 10 + beta)  # of W = -i ln Z at Z = 1
        assert derivative == pytest.approx(EPSILON[beta] * field, abs=1e-13)
        assert Z.average(EVEN, 10 + beta) == pytest.approx(0, abs=1e-14)  # "is set to zero"


def test_paper_RHP_44_local_sources_on_both_branches_and_the_printed_logarithm():
    """Q_11 and Q_22 multiply Psi+_0 Psi_1 at two times; both stand with +i, and 22 to the left."""
    first_at, second_at = (heisenberg(HOP, ELECTRONS, t) for t in (0.4, 0.9))

    def kicks(Q):
        return expm(1j * Q[0] * first_at), expm(1j * Q[1] * second_at)

    def Z(Q):
        first, second = kicks(Q)
        return np.trace(EVEN @ second @ first)

    def W(Q):
        return -1j * np.log(Z(Q))

    Q = np.array([0.4 - 0.2j, 0.3 + 0.5j])
    first, second = kicks(Q)
    products = second @ first_at @ first, second_at @ second @ first
    averages = np.array([np.trace(EVEN @ product) for product in products]) / Z(Q)
    np.testing.assert_allclose(gradient(W, Q), averages, rtol=0, atol=1e-9)
    np.testing.assert_allclose(gradient(Z, Q) / Z(Q), 1j * averages, rtol=0, atol=1e-9)
    unsourced = [np.trace(EVEN @ operator) for operator in (first_at, second_at)]
    assert np.abs(averages - unsourced).min() > 1e-3  # each source changes the average at the other
    logarithm = gradient(lambda Q: np.log(W(Q)), Q)
    np.testing.assert_allclose(logarithm, averages / W(Q), rtol=0, atol=1e-8)  # the printed miss: 1/W
    for q in (1e-2, 1e-3):  # without sources W = 0: it grows as 1/q
        small = slope(lambda h, q=q: np.log(W(np.array([q + h, 0]))), q / 100)
        assert small * q == pytest.approx(1, abs=0.05)


def test_paper_RHP_44_in_terms_of_47_has_a_minus_sign_and_transposed_indices():
    """What (50) and (52) need: dW/dQ_ab(x, y) = -eps eps G_ba(y, x)."""
    for tx, ty in ORDERS:
        create, remove = fields(tx, ty)
        greater, lesser = np.trace(EVEN @ remove @ create), -np.trace(EVEN @ create @ remove)
        later = ty > tx  # G(y, x): the electron is removed at y
        G = {
            (2, 1): greater,
            (1, 2): lesser,
            (1, 1): greater if later else lesser,
            (2, 2): lesser if later else greater,
        }
        for a, b in BRANCHES:
            average = ordered(EVEN, (create, a, tx), (remove, b, ty))
            sign = EPSILON[a] * EPSILON[b]
            found = slope(lambda q, u=sign * average: -1j * np.log(1 + 1j * q * u))
            assert found == pytest.approx(-sign * G[b, a], abs=1e-10)


@pytest.mark.parametrize(("tx", "ty"), ORDERS)
def test_paper_RHP_46_second_derivative_with_i_and_the_order_of_derivatives(tx, ty):
    create, remove = fields(tx, ty)
    Z = functional(create, remove, tx, ty)
    for alpha, beta in BRANCHES:
        average = ordered(EVEN, (create, alpha, tx), (remove, beta, ty))
        expected = EPSILON[alpha] * EPSILON[beta] * average
        # eta first, then eta^dagger: the word eta eta^dagger. The means vanish, so W = -i (Z - 1) up to here.
        found = -1j * Z.average(EVEN, alpha, 10 + beta)
        assert found == pytest.approx(1j * expected, abs=1e-13)
        assert -1j * Z.average(EVEN, 10 + beta, alpha) == pytest.approx(-1j * expected, abs=1e-13)
        assert abs(expected - found) == pytest.approx(np.sqrt(2) * abs(average), abs=1e-13)  # printed: without i
        assert abs(average) > 0.02


def test_paper_RHP_47_four_functions_of_one_level_from_the_functional():
    """The definitions against (46): G_ba(y, x) = -<Psi+_a(x) Psi_b(y)>, on a level with energy E and occupation n."""
    E, n = 0.6, 0.3
    # Orbital 1 of the pair of the algebra is the level, orbital 2 is empty and apart.
    state = np.kron(np.diag([1 - n, n]), np.diag([1.0, 0.0]))
    for tx, ty in ORDERS:
        create, remove = np.exp(1j * E * tx) * C[0].T, np.exp(-1j * E * ty) * C[0]
        Z = functional(create, remove, tx, ty)
        G = {(b, a): EPSILON[a] * EPSILON[b] * Z.average(state, a, 10 + b) for a, b in BRANCHES}
        t = ty - tx  # first argument of G less the second
        greater, lesser = (1 - n) * np.exp(-1j * E * t), -n * np.exp(-1j * E * t)
        assert G[2, 1] == pytest.approx(greater, abs=1e-13)
        assert G[1, 2] == pytest.approx(lesser, abs=1e-13)
        assert G[1, 1] == pytest.approx(greater if t > 0 else lesser, abs=1e-13)
        assert G[2, 2] == pytest.approx(lesser if t > 0 else greater, abs=1e-13)


def four(state, hamiltonian, x, y):
    """G_11, G_12, G_21, G_22 by sorting operators; x is (annihilation operator, time), y too."""
    remove, create = heisenberg(x[0], hamiltonian, x[1]), heisenberg(y[0].T, hamiltonian, y[1])
    pairs = {(a, b): ordered(state, (remove, a, x[1]), (create, b, y[1])) for a, b in BRANCHES}
    return np.array([pairs[key] for key in BRANCHES])


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), tx=st.floats(-2, 2), ty=st.floats(-2, 2), orbitals=st.integers(2, 4))
def test_paper_RHP_48_four_functions_in_any_state_with_any_interaction(seed, tx, ty, orbitals):
    rng = np.random.default_rng(seed)
    c = fermion_operators(orbitals)
    size = 2**orbitals
    hamiltonian = hermitian(rng, size) / 2
    i, j = rng.integers(orbitals, size=2)
    if tx == ty:
        ty = tx + 0.5
    g11, g12, g21, g22 = four(mixed_state(rng, size), hamiltonian, (c[i], tx), (c[j], ty))
    assert g11 + g22 == pytest.approx(g12 + g21, abs=1e-12)


def test_paper_RHP_48_sum_rule_retarded_functions_and_equal_times():
    c = fermion_operators(3)
    n = [x.T @ x for x in c]
    hops = sum((0.3 + k) * c[k].T @ c[(k + 1) % 3] for k in range(3))
    free = hops + hops.T + 0.4 * n[0]
    for hamiltonian in (free, free + 1.7 * n[0] @ n[1] + 0.9 * n[1] @ n[2]):
        state = mixed_state(np.random.default_rng(48), 8)
        for t in (-0.8, 0.8):
            g11, g12, g21, g22 = four(state, hamiltonian, (c[0], t), (c[1], 0.1))
            assert g11 + g22 == pytest.approx(g12 + g21, abs=1e-13)
            early = heisenberg(c[1].T, hamiltonian, 0.1)
            late = heisenberg(c[0], hamiltonian, t)
            anticommutator = np.trace(state @ (late @ early + early @ late))
            retarded, advanced = (-1j * anticommutator, 0) if t > 0.1 else (0, 1j * anticommutator)
            for found in (-1j * (g11 - g12), -1j * (g21 - g22)):
                assert found == pytest.approx(retarded, abs=1e-13)
            for found in (-1j * (g11 - g21), -1j * (g12 - g22)):
                assert found == pytest.approx(advanced, abs=1e-13)
            assert abs(anticommutator) > 0.05
    # Without interaction the retarded function is that of one particle, in any state.
    one = np.array([[(c[i] @ free @ c[j].T)[0, 0] for j in range(3)] for i in range(3)])
    g11, g12, *_ = four(state, free, (c[0], 0.8), (c[1], 0.1))
    assert -1j * (g11 - g12) == pytest.approx(-1j * expm(-0.7j * one)[0, 1], abs=1e-13)
    # Equal times: with Psi^dagger on the left in both, as (55) and (77) need, the left side is short of one.
    lesser, greater = -np.trace(state @ n[0]), 1 - np.trace(state @ n[0])
    assert (lesser + lesser) - (lesser + greater) == pytest.approx(-1, abs=1e-13)


def test_paper_RHP_statement_E6_lesser_is_12_and_greater_is_21():
    a = fermion_operators(1)[0]
    level = 0.6 * a.T @ a
    for n in (0.0, 0.3, 1.0):
        state = np.diag([1 - n, n])
        _, g12, g21, _ = four(state, level, (a, 0.9), (a, 0.2))
        assert abs(g12) == pytest.approx(n, abs=1e-14)  # lesser: counts electrons, none in an empty level
        assert abs(g21) == pytest.approx(1 - n, abs=1e-14)
    # Thermal state of the interacting pair, each line of the spectrum: greater/lesser = -exp(beta (w - mu)).
    beta, mu = 1.4, 0.25
    weight = expm(-beta * (ELECTRONS - mu * sum(NUMBERS)))
    state = weight / np.trace(weight)
    energy, basis = np.linalg.eigh(ELECTRONS)
    lines = 0
    for i, j in itertools.product(range(4), repeat=2):
        p, q = (np.outer(basis[:, k], basis[:, k].conj()) for k in (i, j))
        first = np.trace(state @ p @ C[0] @ q @ C[0].T)  # G_21 at w = E_j - E_i
        second = -np.trace(state @ C[0].T @ p @ C[0] @ q)  # G_12, same frequency
        if abs(first) > 1e-6:
            lines += 1
            boltzmann = np.exp(beta * (energy[j] - energy[i] - mu))
            assert -first / second == pytest.approx(boltzmann, rel=1e-9, abs=0)
            # With the names of the text interchanged the relation misses by the square of the factor.
            assert (-first / second) / (-second / first) == pytest.approx(boltzmann**2, rel=1e-9, abs=0)
    assert lines == 4
    # In time, as the cyclic trace says: -G_12(t) = exp(beta mu) G_21(t - i beta).
    t = 0.7
    shifted = expm(1j * ELECTRONS * (t - 1j * beta)) @ C[0] @ expm(-1j * ELECTRONS * (t - 1j * beta))
    lesser = -np.trace(state @ C[0].T @ heisenberg(C[0], ELECTRONS, t))
    assert -lesser == pytest.approx(np.exp(beta * mu) * np.trace(state @ shifted @ C[0].T), abs=1e-12)


# --- spins ------------------------------------------------------------------------------------------------------------

S = spin_matrices(1)
SPIN = np.tensordot([0.3, -0.5, 0.9], S, 1) + 0.6 * S[0] @ S[0]
TIMES = (0.7, 1.6)
AT = np.array([[heisenberg(s, SPIN, t) for s in S] for t in TIMES])
VECTOR = np.array([0.9, 0.5 - 0.3j, 0.2j])
RHO = 0.2 * mixed_state(RNG, 3) + 0.8 * np.outer(VECTOR, VECTOR.conj()) / np.vdot(VECTOR, VECTOR)


def spin_functional(J):
    """W for sources J (branch, time, component); the exponentials in the order of (18)."""
    kicks = np.einsum("btk,tkij->btij", J, AT)
    early, late = expm(1j * kicks[0, 0]), expm(1j * kicks[0, 1])
    back_early, back_late = expm(-1j * kicks[1, 0]), expm(-1j * kicks[1, 1])
    return -1j * np.log(np.trace(RHO @ back_early @ back_late @ late @ early))


def test_paper_RHP_42_derivatives_of_w_by_all_sources():
    expected = np.einsum("ij,tkji->tk", RHO, AT)
    found = gradient(spin_functional, np.zeros((2, 2, 3)))
    np.testing.assert_allclose(found, [expected, -expected], rtol=0, atol=1e-10)
    assert np.abs(expected).min() > 0.005


def test_paper_RHP_43_means_coincide_for_equal_sources_and_are_conjugate_for_interchanged_ones():
    signs = np.array([1, -1])[:, None, None]
    kick = np.zeros((2, 3))
    kick[0] = 0.6, -0.3, 0.4  # at the early time
    both = signs * gradient(spin_functional, np.stack([kick, kick]))
    turned = expm(1j * np.tensordot(kick[0], AT[0], 1))
    driven = turned @ RHO @ turned.conj().T  # a real kick of the state
    for branch in (0, 1):
        np.testing.assert_allclose(both[branch, 1], np.einsum("ij,kji->k", driven, AT[1]), rtol=0, atol=1e-10)
    J = 0.4 * np.random.default_rng(43).normal(size=(2, 2, 3))
    here, there = (signs * gradient(spin_functional, sources) for sources in (J, J[::-1]))
    np.testing.assert_allclose(here[::-1], there.conj(), rtol=0, atol=1e-9)
    assert np.abs(here.imag).max() > 0.05  # no expectation values


def connected(alpha, beta, x, y):
    """(49) by sorting along the contour; x and y are (time, component)."""
    one, two = AT[x], AT[y]
    first = place(alpha, TIMES[x[0]]) > place(beta, TIMES[y[0]])
    return np.trace(RHO @ (one @ two if first else two @ one)) - np.trace(RHO @ one) * np.trace(RHO @ two)


def second_derivative(alpha, beta, x, y):
    def bent(h, g):
        J = np.zeros((2, 2, 3))
        J[(alpha - 1, *x)] += h
        J[(beta - 1, *y)] += g
        return spin_functional(J)

    return slope(lambda h: slope(lambda g: bent(h, g), 0.01), 0.01)


@pytest.mark.parametrize(("x", "y"), [((1, 0), (0, 1)), ((0, 2), (1, 1)), ((0, 0), (1, 0))])
def test_paper_RHP_49_mixed_derivatives_and_the_interchanged_indices(x, y):
    commutator = np.trace(RHO @ (AT[x] @ AT[y] - AT[y] @ AT[x]))
    assert abs(commutator) > 1e-2
    found = {}
    for alpha, beta in BRANCHES:
        # d2W = i eps eps M, also the spin analogue of (46); stencils of width 0.01 leave 1e-8.
        found[alpha, beta] = second_derivative(alpha, beta, x, y) / (1j * EPSILON[alpha] * EPSILON[beta])
        assert found[alpha, beta] == pytest.approx(connected(alpha, beta, x, y), abs=1e-7)
    means = np.trace(RHO @ AT[x]) * np.trace(RHO @ AT[y])
    printed_21 = np.trace(RHO @ AT[y] @ AT[x]) - means
    printed_12 = np.trace(RHO @ AT[x] @ AT[y]) - means
    assert printed_21 - found[2, 1] == pytest.approx(-commutator, abs=1e-7)
    assert printed_12 - found[1, 2] == pytest.approx(commutator, abs=1e-7)
    # T^-1 that closes behind S_i orders nothing: right for t_x < t_y, a commutator off for t_x > t_y.
    later = TIMES[x[0]] > TIMES[y[0]]
    assert printed_12 - found[2, 2] == pytest.approx(commutator if later else 0, abs=1e-7)
    assert found[1, 1] + found[2, 2] == pytest.approx(found[1, 2] + found[2, 1], abs=1e-7)


def test_paper_RHP_49_equal_times_differ_by_the_third_component():
    x, y = (0, 0), (0, 1)
    difference = second_derivative(2, 1, x, y) - second_derivative(1, 2, x, y)
    # Both have the sign eps eps = -1, so -i times M_21 - M_12 = i <S_z>.
    assert difference / -1j == pytest.approx(1j * np.trace(RHO @ AT[0, 2]), abs=1e-7)
    assert abs(np.trace(RHO @ AT[0, 2])) > 0.01


# A spin 1/2 with S_x at one time and S_y at a later one, on both branches: four fields, in the order (1x, 1y, 2x, 2y).
HALF = spin_matrices(0.5)
HALF_AT = np.array([heisenberg(HALF[k], 0.8 * HALF[2] + 0.5 * HALF[0], t) for k, t in ((0, 0.3), (1, 1.0))])
HALF_STATE = np.eye(2) / 2 + np.tensordot([0.2, -0.3, 0.6], HALF, 1)
SIGNS = np.array([1, 1, -1, -1])


def half_functional(J):
    """Z for complex sources J (..., 4), each exponential in closed form."""

    def kick(source, operator):
        turn = source[..., None, None] / 2
        return np.cos(turn) * np.eye(2) + 2j * np.sin(turn) * operator

    x, y = HALF_AT
    chain = (kick(-J[..., 2], x), kick(-J[..., 3], y), kick(J[..., 1], y), kick(J[..., 0], x))
    return np.einsum("ij,...jk,...kl,...lm,...mi->...", HALF_STATE, *chain)


def with_bilinear(J, bilinear):
    """Z with exp(i m.C_bar.m/2) as an average over Gaussian sources of covariance -i C_bar, C_bar = eps C eps."""
    bar = SIGNS[:, None] * (bilinear + bilinear.T) / 2 * SIGNS
    root = sqrtm(-1j * bar.astype(complex)) if bar.any() else bar
    node, weight = np.polynomial.hermite_e.hermegauss(6)
    grid = np.stack(np.meshgrid(*[node] * 4, indexing="ij"), -1).reshape(-1, 4)
    weights = np.prod(np.stack(np.meshgrid(*[weight / weight.sum()] * 4, indexing="ij"), -1).reshape(-1, 4), -1)
    # Random sources add to the barred ones; half_functional has the signs of branch 2 in it.
    return weights @ half_functional(J + grid @ root.T * SIGNS)


def log_functional(J, bilinear):
    return -1j * np.log(with_bilinear(J, bilinear))


def averages(J, bilinear):
    """<m> and <m m> with all sources on, from derivatives by the linear sources only."""
    Z = with_bilinear(J, bilinear)
    first = SIGNS * gradient(lambda J: with_bilinear(J, bilinear), J) / (1j * Z)
    pairs = np.zeros((4, 4), complex)
    for a, b in itertools.combinations_with_replacement(range(4), 2):
        e, f = np.eye(4)[a], np.eye(4)[b]
        bent = slope(lambda h, e=e, f=f: slope(lambda g: with_bilinear(J + h * e + g * f, bilinear), 0.02), 0.02)
        pairs[a, b] = pairs[b, a] = -SIGNS[a] * SIGNS[b] * bent / Z
    return first, pairs


LINEAR = 0.3 * RNG.normal(size=4)
BILINEAR = 0.3 * RNG.normal(size=(4, 4))  # no symmetry


def test_paper_RHP_45_bilinear_source_of_a_spin_between_times_and_branches():
    _, pairs = averages(LINEAR, BILINEAR)
    found = gradient(lambda c: log_functional(LINEAR, c), BILINEAR)
    np.testing.assert_allclose(found, SIGNS[:, None] * pairs * SIGNS / 2, rtol=0, atol=1e-7)  # stencils of width 0.02
    assert np.abs(pairs).min() > 1e-3
    # Sources off: the pairs are those of the operators, contour-ordered.
    _, pairs = averages(np.zeros(4), np.zeros((4, 4)))
    x, y = HALF_AT
    products = {(0, 1): y @ x, (0, 2): x @ x, (0, 3): y @ x, (1, 2): x @ y, (2, 3): x @ y, (0, 0): x @ x}
    for (a, b), product in products.items():
        assert pairs[a, b] == pytest.approx(np.trace(HALF_STATE @ product), abs=1e-7)


def test_paper_RHP_45_gaussian_variable_in_zero_dimensions():
    K, J, c = 1.3 + 0.4j, 0.7, 0.5

    def W(c):  # Integral of exp(i [(K + c) m^2/2 + J m]) on the real line
        m = np.linspace(-14, 14, 4001)
        return -1j * np.log(np.exp(1j * ((K + c) * m**2 / 2 + J * m)).sum() * (m[1] - m[0]))

    spread, mean = 1j / (K + c), -J / (K + c)
    assert slope(lambda h: W(c + h)) == pytest.approx((spread + mean**2) / 2, abs=1e-9)


# --- Legendre transform -----------------------------------------------------------------------------------------------


def test_paper_RHP_50_transform_of_the_contour_needs_the_signs_of_the_branches():
    """dGamma/ds along a path of linear and bilinear sources of the spin 1/2, against (51) and (53)."""
    rng = np.random.default_rng(50)
    J_1, C_1 = 0.5 * rng.normal(size=4), 0.2 * rng.normal(size=(4, 4))

    def at(s):
        J, bilinear = LINEAR + s * J_1, BILINEAR + s * C_1
        mean, pairs = averages(J, bilinear)
        return J, (bilinear + bilinear.T) / 2, mean, pairs, log_functional(J, bilinear)

    path = {s: at(s) for s in (-0.04, -0.02, 0.0, 0.02, 0.04)}

    def rate(quantity):
        near, far = quantity(0.02) - quantity(-0.02), quantity(0.04) - quantity(-0.04)
        return (8 * near - far) / 0.24

    def gamma(s, signs):
        J, bilinear, mean, pairs, W = path[s]
        return W - (signs * J) @ mean - np.sum(np.outer(signs, signs) * bilinear * pairs) / 2

    J, bilinear, mean, *_ = path[0.0]
    by_mean = rate(lambda s: path[s][2])
    by_spread = rate(lambda s: path[s][3] - np.outer(path[s][2], path[s][2]))
    miss = {}
    for name, signs in (("corrected", SIGNS), ("printed", np.ones(4))):
        bar_J, bar_C = signs * J, np.outer(signs, signs) * bilinear
        expected = (-bar_J - bar_C @ mean) @ by_mean - np.sum(bar_C * by_spread) / 2  # (51) and (53)
        miss[name] = rate(lambda s, signs=signs: gamma(s, signs)) - expected
    assert miss["corrected"] == pytest.approx(0, abs=1e-6)  # nested stencils of width 0.02
    # Printed: dW has the signs and the rest has not, so the sources of branch 2 are left over, twice.
    left = -2 * np.array([0, 0, 1, 1]) * J_1 @ mean
    crossed = np.outer(SIGNS, SIGNS) - 1
    left += np.sum(crossed * (C_1 + C_1.T) / 2 * path[0.0][3]) / 2
    assert miss["printed"] == pytest.approx(left, abs=1e-6)
    assert abs(left) > 0.01


TWO = HALF[:2]
TWO_STATE = np.eye(2) / 2 + np.tensordot([0.2, -0.1, 0.7], HALF, 1)


def two_functional(J):
    """W of a spin 1/2 with sources for S_x and S_y at one time on both branches."""
    second, first = expm(-1j * np.tensordot(J[2:], TWO, 1)), expm(1j * np.tensordot(J[:2], TWO, 1))
    return -1j * np.log(np.trace(TWO_STATE @ second @ first))


def two_means(J):
    return SIGNS * gradient(two_functional, J)


def transformed(mean, signs):
    J = np.zeros(4, complex)
    for _ in range(5):
        J = J + np.linalg.solve(rows_of(two_means, J, 0.01).T, mean - two_means(J))
    return two_functional(J) - np.sum(signs * J * mean)


def test_paper_RHP_50_printed_functional_is_not_stationary_at_the_true_mean():
    mean = SIGNS * gradient(two_functional, np.zeros(4))
    one = np.trace(TWO_STATE @ TWO, axis1=1, axis2=2)
    np.testing.assert_allclose(mean, [*one, *one], rtol=0, atol=1e-10)
    for k in range(0, 4, 3):  # one component on each branch
        e = np.eye(4)[k]
        true = slope(lambda h, e=e: transformed(mean + h * e, SIGNS), 2e-3)
        assert true == pytest.approx(0, abs=1e-6)
        printed = slope(lambda h, e=e: transformed(mean + h * e, np.ones(4)), 2e-3)
        # dJ/dM = (i M eps)^-1 at the origin; the printed one lacks 2 J_2.M_2. Equal times of (49): ordered where the
        # branches differ, symmetrised where they do not.
        product = np.array([[np.trace(TWO_STATE @ a @ b) for b in TWO] for a in TWO])
        even = (product + product.T) / 2
        correlation = np.block([[even, product.T], [product, even]]) - np.outer(mean, mean)
        inverse = np.linalg.inv(1j * correlation * SIGNS)
        predicted = -2 * mean[2:] @ inverse[2:, k]
        assert abs(predicted) > 0.1
        assert printed == pytest.approx(predicted, abs=1e-5)


def quartic_moments(J, bilinear, stiffness=1.2, coupling=0.8):
    """W, mean, spread of exp(i A), A = K m^2/2 - u m^4/24 + J m + C m^2/2, on the line m = s exp(-i pi/8)."""
    s = np.linspace(-9, 9, 1201)
    m = s * np.exp(-1j * np.pi / 8)  # -i u m^4/24 becomes -u s^4/24
    weight = np.exp(1j * ((stiffness + bilinear) * m**2 / 2 - coupling * m**4 / 24 + J * m))
    total = weight.sum()
    mean = weight @ m / total
    W = -1j * np.log(total * (s[1] - s[0]) * np.exp(-1j * np.pi / 8))
    return W, mean, weight @ m**2 / total - mean**2


def quartic_gamma(mean, spread):
    """Gamma from its own arguments; Newton's method finds the sources."""

    def both(p):
        _, first, second = quartic_moments(*p)
        return np.array([first, second])

    sources = np.zeros(2, complex)
    for _ in range(12):
        sources = sources + np.linalg.solve(rows_of(both, sources, 1e-3).T, np.array([mean, spread]) - both(sources))
    W, *_ = quartic_moments(*sources)
    J, bilinear = sources
    return W - J * mean - bilinear * (spread + mean**2) / 2


QUARTIC_SOURCES = (0.3, -0.25)


def test_paper_RHP_51_slope_by_the_mean_of_an_oscillating_quartic_integral():
    J, bilinear = QUARTIC_SOURCES
    _, mean, spread = quartic_moments(J, bilinear)
    found = slope(lambda h: quartic_gamma(mean + h, spread))
    assert found == pytest.approx(-J - bilinear * mean, abs=1e-8)
    assert abs(bilinear * mean) > 0.02  # the second term counts


def test_paper_RHP_51_signs_of_the_branches_by_newton_on_a_spin():
    J = np.array([0.31, -0.22, 0.15, 0.27])
    mean = SIGNS * gradient(two_functional, J)
    for k in (0, 3):
        e = np.eye(4)[k]
        found = slope(lambda h, e=e: transformed(mean + h * e, SIGNS), 2e-3)
        assert found == pytest.approx(-SIGNS[k] * J[k], abs=1e-6)  # printed without the sign: off by 2 J on branch 2


THETA = fermion_operators(4)  # Psi_1, Psi_2, Psi*_1, Psi*_2
CORNER = (THETA[2] @ THETA[0] @ THETA[3] @ THETA[1])[0, -1]
KERNEL, SOURCE = RNG.normal(size=(2, 2, 2)) + 1j * RNG.normal(size=(2, 2, 2))


def grassmann_integral(matrix, quartic, insert=None):
    """Coefficient of all numbers in insert * exp(i Psi* matrix Psi + i quartic Psi*_1 Psi_1 Psi*_2 Psi_2)."""
    exponent = 1j * sum(matrix[a, b] * THETA[2 + a] @ THETA[b] for a, b in np.ndindex(2, 2))
    exponent = exponent + 1j * quartic * THETA[2] @ THETA[0] @ THETA[3] @ THETA[1]
    series = np.eye(16) + exponent + exponent @ exponent / 2
    return ((np.eye(16) if insert is None else insert) @ series)[0, -1] / CORNER


def grassmann_pairs(matrix, quartic):
    total = grassmann_integral(matrix, quartic)
    return np.array(
        [[grassmann_integral(matrix, quartic, THETA[a] @ THETA[2 + b]) / total for b in (0, 1)] for a in (0, 1)]
    )


def grassmann_gamma(G, quartic, sign, start):
    def pairs(flat):
        return grassmann_pairs(KERNEL + flat.reshape(2, 2), quartic).ravel()

    flat = start.astype(complex).ravel()
    for _ in range(8):
        flat = flat + np.linalg.solve(rows_of(pairs, flat, 1e-3).T, G.ravel() - pairs(flat))
    bar = flat.reshape(2, 2)
    return -1j * np.log(grassmann_integral(KERNEL + bar, quartic)) + sign * np.sum(bar * G.T)


@pytest.mark.parametrize("quartic", [0.0, 0.6 - 0.3j])
def test_paper_RHP_52_slope_by_the_electron_function_with_sign_and_transposition(quartic):
    epsilon = np.diag([1, -1])
    bar = 0.6 * epsilon @ SOURCE @ epsilon
    G = grassmann_pairs(KERNEL + bar, quartic)
    # (44) with the function of (47), then the corrected (52).
    dW = gradient(lambda q: -1j * np.log(grassmann_integral(KERNEL + q, quartic)), bar)
    np.testing.assert_allclose(dW, -G.T, rtol=0, atol=1e-8)
    found = gradient(lambda g: grassmann_gamma(g, quartic, 1, bar), G)
    np.testing.assert_allclose(found, bar.T, rtol=0, atol=1e-6)
    assert np.abs(bar - bar.T).max() > 0.1  # without transposition it would be off
    # Printed (52) with this functional: off by 2 Q.
    np.testing.assert_allclose(found - (-bar.T), 2 * bar.T, rtol=0, atol=1e-6)


def test_paper_RHP_50_printed_sign_of_the_electrons_has_slope_twice_the_kernel():
    bar = np.zeros((2, 2))
    G = grassmann_pairs(KERNEL, 0.0)
    np.testing.assert_allclose(G, 1j * np.linalg.inv(KERNEL), rtol=0, atol=1e-12)
    true = gradient(lambda g: grassmann_gamma(g, 0.0, 1, bar), G)
    np.testing.assert_allclose(true, 0, rtol=0, atol=1e-6)
    printed = gradient(lambda g: grassmann_gamma(g, 0.0, -1, bar), G)
    np.testing.assert_allclose(printed, 2 * KERNEL.T, rtol=0, atol=1e-6)


def test_paper_RHP_52_printed_signs_fit_minus_G():
    """With -G and all labels as they stand the printed (50) and (52) hold; with <Psi+ Psi> the labels do not fit."""
    bar = 0.3 * SOURCE
    G = grassmann_pairs(KERNEL + bar, 0.0)
    found = gradient(lambda minus: grassmann_gamma(-minus, 0.0, 1, bar), -G)
    np.testing.assert_allclose(found, -bar.T, rtol=0, atol=1e-6)
    found = gradient(lambda other: grassmann_gamma(-other.T, 0.0, 1, bar), -G.T)  # <Psi*_a Psi_b>
    np.testing.assert_allclose(found, -bar, rtol=0, atol=1e-6)
    assert np.abs(bar - bar.T).max() > 0.05


def test_paper_RHP_53_slope_by_the_correlation_of_an_oscillating_quartic_integral():
    J, bilinear = QUARTIC_SOURCES
    _, mean, spread = quartic_moments(J, bilinear)
    found = slope(lambda h: quartic_gamma(mean, spread + h))
    assert found == pytest.approx(-bilinear / 2, abs=1e-8)


def test_limit_gamma_of_a_gaussian_variable_is_the_one_loop_form():
    """Without the quartic term Gamma = K M^2/2 + K G/2 - (i/2) ln G up to a constant, by differences."""
    K, points = 1.2, [(0.2 - 0.1j, 0.5 - 0.6j), (-0.4, 0.9 - 0.2j)]

    def gamma(mean, spread):
        a = 1j / spread
        J, bilinear = -a * mean, a - K
        W, found_mean, found_spread = quartic_moments(J, bilinear, stiffness=K, coupling=0.0)
        assert [found_mean, found_spread] == pytest.approx([mean, spread], abs=1e-9)
        return W - J * mean - bilinear * (spread + mean**2) / 2

    first, second = (gamma(*p) - K * (p[0] ** 2 + p[1]) / 2 + 0.5j * np.log(p[1]) for p in points)
    assert first == pytest.approx(second, abs=1e-9)
