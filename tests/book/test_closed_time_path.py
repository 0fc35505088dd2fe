"""RHP (16)-(30), (35)-(40) and Figure 2 on systems that are solved exactly: each against a route of its own.

The routes: the von Neumann equation as a differential equation against propagators; ordered products of Heisenberg
operators against propagators with the sources in them; sums over states against integrals over coherent states;
retarded functions, characteristic functions, determinants, averages over random fields. Grassmann numbers are matrices:
the transposed Jordan-Wigner matrices of orbitals that are placed before those of the electrons.
"""

from functools import reduce
from itertools import product
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from spinlib.field_theory import fermion_operators
from spinlib.spin import PAULI, spin_matrices, unit_vector
from tests.quantum import dagger, hermitian, mixed_state, spin_sites

ONE = spin_matrices(1)  # S of a spin 1
EXACT = {"rtol": 0, "atol": 1e-12}  # products of a few matrices of order one


# --- a spin 1 in a turning field --------------------------------------------------------------------------------------

TRANSVERSE, ALONG, TURNING = 0.9, 0.4, 1.3


def field(t):
    return np.array([TRANSVERSE * np.cos(TURNING * t), TRANSVERSE * np.sin(TURNING * t), ALONG])


def propagator(t, s=ONE):
    """From 0 to t, H = -B(t).S, in closed form through the turning frame."""
    return expm(-1j * TURNING * t * s[2]) @ expm(1j * t * (TRANSVERSE * s[0] + (ALONG + TURNING) * s[2]))


def heisenberg(t, s=ONE):
    return dagger(propagator(t, s)) @ s @ propagator(t, s)


KICKS = np.array([0.5, 1.1, 1.7])  # times
END = 2.4
RHO = mixed_state(np.random.default_rng(2005), 3)


def kicked(j):
    """From 0 to END by the Schroedinger picture: the field in between, exp(i j.S) at the kicks."""
    u, before = np.eye(3), 0.0
    for t, kick in zip(KICKS, j, strict=True):
        u = expm(1j * np.einsum("i,iab", kick, ONE)) @ propagator(t) @ dagger(propagator(before)) @ u
        before = t
    return propagator(END) @ dagger(propagator(before)) @ u


def functional(j1, j2, rho=RHO):
    return np.trace(rho @ dagger(kicked(j2)) @ kicked(j1))


def mean(t, i, rho=RHO):
    return np.trace(rho @ heisenberg(t)[i]).real


def later_state(rho, t):
    """The von Neumann equation from 0 to t, without a propagator."""

    def rate(t, y):
        h = -np.einsum("i,iab", field(t), ONE)
        now = y.reshape(3, 3)
        return (-1j * (h @ now - now @ h)).ravel()

    return solve_ivp(rate, (0, t), rho.ravel(), rtol=1e-11, atol=1e-12, method="DOP853").y[:, -1].reshape(3, 3)


# --- coherent states of a spin ----------------------------------------------------------------------------------------


def coherent(spin, directions):
    """|n>, its largest component real: index 0 is spin up."""
    n = np.asarray(directions, dtype=float)
    half, phase = np.arccos(np.clip(n[..., 2], -1, 1)) / 2, np.exp(1j * np.arctan2(n[..., 1], n[..., 0]))
    two = round(2 * spin)
    parts = [np.sqrt(comb(two, k)) * np.cos(half) ** (two - k) * (np.sin(half) * phase) ** k for k in range(two + 1)]
    return np.stack(parts, axis=-1)


def sphere(heights, around):
    """Points and weights of the mean over the unit sphere, exact to degree min(2 heights - 1, around - 1)."""
    x, w = np.polynomial.legendre.leggauss(heights)
    phi = 2 * np.pi * np.arange(around) / around
    x, phi = (a.ravel() for a in np.meshgrid(x, phi, indexing="ij"))
    s = np.sqrt(1 - x**2)
    return np.stack([s * np.cos(phi), s * np.sin(phi), x], -1), np.repeat(w, around) / (2 * around)


def states(spin):
    """|n> at the points of the smallest exact rule for |n><n|, and their weights (2S+1)/4pi dn."""
    two = round(2 * spin)
    points, weights = sphere(two // 2 + 1, two + 1)
    return coherent(spin, points), (two + 1) * weights


def resolved(kets, weights):
    return np.einsum("p,pa,pb->ab", weights, kets, kets.conj())


# --- Grassmann numbers ------------------------------------------------------------------------------------------------


def grassmann(generators, orbitals):
    """Generators and annihilators as matrices; every one anticommutes with every other."""
    c = fermion_operators(generators + orbitals)
    return c[:generators].swapaxes(1, 2), c[generators:]


def coefficients(x, generators):
    """The operators A_I of x = sum_I theta_I A_I, theta_I the product of generators in ascending order, ``(2^g, ...)``.

    The vacuum of the generators makes theta_I its basis state I, and the strings of A_I count nothing in it.
    """
    fock = len(x) >> generators
    return x.reshape(1 << generators, fock, 1 << generators, fock)[:, :, 0, :]


def trace(x, generators):
    """Tr x as an element of the algebra: sum_I theta_I Tr A_I."""
    return np.einsum("iaa->i", coefficients(x, generators))


def vacuum(a):
    return reduce(np.matmul, [b @ b.T for b in a])


def ket(psi, a):
    """|psi> <0| with |psi> = exp(-psi a^dagger)|0>."""
    return reduce(np.matmul, [np.eye(len(b)) - p @ b.T for p, b in zip(psi, a, strict=True)]) @ vacuum(a)


def bra(conjugate, a):
    """|0> <psi| with <psi| = <0| exp(-a psi*)."""
    factors = [np.eye(len(b)) - b @ p for p, b in zip(conjugate, a, strict=True)]
    return vacuum(a) @ reduce(np.matmul, factors)


def measure(psi, conjugate):
    """exp(-psi* psi); the integral over d psi* d psi then takes the coefficient of psi psi*."""
    return reduce(np.matmul, [np.eye(len(p)) - c @ p for p, c in zip(psi, conjugate, strict=True)])


def kick(x):
    """exp(i x) of x with x^3 = 0."""
    assert not (x @ x @ x).any()
    return np.eye(len(x)) + 1j * x - x @ x / 2


def embedded(a, generators):
    """An even operator of the electrons beside the generators."""
    return np.kron(np.eye(1 << generators), a)


def number(a):
    return sum(b.T @ b for b in a)


def interacting(a, rng):
    """Two levels that mix and repel each other."""
    h = hermitian(rng, 2)
    return np.einsum("ij,iba,jbc->ac", h, a, a) + 0.8 * a[0].T @ a[0] @ a[1].T @ a[1]


def even_state(a, rng):
    """A random state without coherence between even and odd numbers of electrons."""
    parity = np.diag((-1.0) ** np.round(np.diag(number(a))))
    rho = mixed_state(rng, len(parity))
    return (rho + parity @ rho @ parity) / 2


# --- (16), (17) -------------------------------------------------------------------------------------------------------


def test_paper_RHP_16_later_elements_are_earlier_ones_between_moved_states():
    phi, other = (
        unit_vector(np.random.default_rng(101).normal(size=3)) + 0j,
        unit_vector(np.random.default_rng(102).normal(size=3)) * 1j,
    )
    u = propagator(END)
    moved, moved_other = dagger(u) @ phi, dagger(u) @ other
    later = later_state(RHO, END)
    # The integrator's tolerance is 1e-11 for a step.
    assert moved.conj() @ RHO @ moved_other == pytest.approx(phi.conj() @ later @ other, rel=0, abs=1e-9)
    # Moved the other way it would be the state at -END.
    wrong = (u @ phi).conj() @ RHO @ (u @ other)
    assert abs(wrong - phi.conj() @ later @ other) > 0.05


def test_paper_RHP_17_two_resolutions_of_unity_and_two_propagators():
    kets, weights = states(1)
    np.testing.assert_allclose(resolved(kets, weights), np.eye(3), **EXACT)
    u = propagator(END)
    phi, other = np.array([0.6, 0.8j, 0.0]), np.array([0.0, 0.6, 0.8])
    forward, backward = kets @ (phi.conj() @ u), kets.conj() @ (dagger(u) @ other)
    element = np.einsum("pa,ab,qb->pq", kets.conj(), RHO, kets)
    total = np.einsum("p,q,pq,p,q", weights, weights, element, forward, backward)
    assert total == pytest.approx(phi.conj() @ later_state(RHO, END) @ other, rel=0, abs=1e-9)


# --- (18), (21), (22) -------------------------------------------------------------------------------------------------


def heisenberg_kicks(j):
    return [expm(1j * np.einsum("i,iab", k, heisenberg(t))) for t, k in zip(KICKS, j, strict=True)]


def ordered(j):
    """T exp(i sum j.S_H): the earliest time to the right."""
    return reduce(np.matmul, heisenberg_kicks(j)[::-1])


def test_paper_RHP_18_ordered_products_are_propagators_with_sources():
    j1, j2 = np.random.default_rng(103).normal(size=(2, 3, 3))
    backward = reduce(np.matmul, [dagger(k) for k in heisenberg_kicks(j2)])  # T^-1: the earliest time to the left
    z = np.trace(RHO @ backward @ ordered(j1))
    assert z == pytest.approx(functional(j1, j2), rel=0, abs=1e-12)
    assert functional(j1, j1) == pytest.approx(1, rel=0, abs=1e-12)
    # With T in both places equal sources would not give one.
    wrong = reduce(np.matmul, [dagger(k) for k in heisenberg_kicks(j1)[::-1]])
    assert abs(np.trace(RHO @ wrong @ ordered(j1)) - 1) > 0.05


def test_limit_one_kick_gives_the_characteristic_function_of_the_spin():
    for axis, t in ((0, KICKS[0]), (2, KICKS[1])):
        m, v = np.linalg.eigh(ONE[axis])
        chance = np.einsum("am,ab,bm->m", v.conj(), later_state(RHO, t), v).real
        for forth, back in ((0.7, -0.4), (2.0, 1.1)):
            j1, j2 = np.zeros((2, 3, 3))
            k = list(KICKS).index(t)
            j1[k, axis], j2[k, axis] = forth, back
            predicted = chance @ np.exp(1j * (forth - back) * m)
            assert functional(j1, j2) == pytest.approx(predicted, rel=0, abs=1e-9)  # tolerance of the integrator


@given(seed=st.integers(0, 2**32 - 1))
def test_invariant_unitarity_bounds_and_mirrors_the_functional(seed):
    rng = np.random.default_rng(seed)
    j1, j2 = rng.normal(size=(2, 3, 3))
    rho = mixed_state(rng, 3)
    z = functional(j1, j2, rho)
    assert functional(j1, j1, rho) == pytest.approx(1, rel=0, abs=1e-12)
    assert abs(z) <= 1 + 1e-12
    assert functional(j2, j1, rho) == pytest.approx(z.conjugate(), rel=0, abs=1e-12)


def slope(branch, k, i, step=1e-4):
    """dZ/dJ of one component of one kick at J = 0, an error of step^4."""
    total = 0
    for weight, n in ((8, 1), (-8, -1), (-1, 2), (1, -2)):
        j = np.zeros((2, 3, 3))
        j[branch, k, i] = n * step
        total += weight * functional(*j) / (12 * step)
    return total


def test_paper_RHP_21_slope_in_the_forward_source():
    for k, i in product(range(3), repeat=2):
        now = np.trace(later_state(RHO, KICKS[k]) @ ONE[i]).real
        # Rounding 1e-16 over the step 1e-4, and the tolerance of the integrator.
        assert slope(0, k, i) == pytest.approx(1j * now, rel=0, abs=1e-9)
    assert max(abs(slope(0, k, i)) for k, i in product(range(3), repeat=2)) > 0.1


def test_paper_RHP_22_slope_in_the_backward_source():
    for k, i in product(range(3), repeat=2):
        now = np.trace(later_state(RHO, KICKS[k]) @ ONE[i]).real
        assert slope(1, k, i) == pytest.approx(-1j * now, rel=0, abs=1e-9)
        # The two cancel, so that Z stays one where both sources are equal.
        assert slope(0, k, i) + slope(1, k, i) == pytest.approx(0, rel=0, abs=1e-10)


# --- electrons: (19), (20) --------------------------------------------------------------------------------------------

LAST = 0.8  # time of the sources eta; zeta acts at time 0
STRING = np.diag([(-1.0) ** k.bit_count() for k in range(16)])


def sourced_levels():
    """Generators eta*, eta, zeta*, zeta beside two interacting levels: Psi at LAST, c at 0, an even state."""
    theta, _ = grassmann(4, 2)
    _, small = grassmann(0, 2)
    rng = np.random.default_rng(6)
    u = expm(-1j * LAST * interacting(small, rng))
    b, c = (np.einsum("s,sab->ab", rng.normal(size=(2, 2)) @ [1, 1j], small) for _ in range(2))
    return theta, dagger(u) @ b @ u, c, even_state(small, rng)


def coupled(star, psi, plain):
    """eta* Psi + Psi^dagger eta for an odd operator of the electrons: the string makes it anticommute with eta."""
    operator = np.kron(STRING, psi)
    return star @ operator + dagger(operator) @ plain


def source_slope(branch):
    """Left derivative of Z with respect to eta*, at eta = 0, with equal sources zeta on both branches before."""
    theta, psi, c, rho = sourced_levels()
    x, y = coupled(theta[0], psi, theta[1]), coupled(theta[2], c, theta[3])
    z = trace(embedded(rho, 4) @ kick(-y) @ kick(x if branch == 1 else -x) @ kick(y), 4)
    return z[8:12]  # what stands behind eta*: 1, zeta, zeta*, zeta* zeta


def linear_response():
    """<Psi(t)> = i <{Psi(t), c^dagger}> zeta - i zeta* <{Psi(t), c}>: anticommutators, no source in the trace."""
    _, psi, c, rho = sourced_levels()
    retarded, anomalous = (np.trace(rho @ (psi @ d + d @ psi)) for d in (dagger(c), c))
    assert min(abs(retarded), abs(anomalous)) > 0.05
    return np.array([0, 1j * retarded, -1j * anomalous, 0])


def test_paper_RHP_19_left_derivative_with_the_forward_source():
    np.testing.assert_allclose(source_slope(1), 1j * linear_response(), **EXACT)


def test_paper_RHP_20_left_derivative_with_the_backward_source():
    np.testing.assert_allclose(source_slope(2), -1j * linear_response(), **EXACT)


def test_limit_state_without_parity_turns_the_sign_of_the_slope():
    # No physical state: eta* has to pass the odd part of rho.
    theta, psi, _, even = sourced_levels()
    rho = mixed_state(np.random.default_rng(8), 4)
    sign = np.diag([1, -1, -1, 1])
    odd = (rho - sign @ rho @ sign) / 2
    mixed = embedded(even, 4) + np.kron(STRING, odd)
    mean_field = np.trace(odd @ psi)
    assert abs(mean_field) > 0.05
    z = trace(mixed @ kick(coupled(theta[0], psi, theta[1])), 4)
    assert z[8] == pytest.approx(-1j * mean_field, rel=0, abs=1e-12)
    z = trace(kick(coupled(theta[0], psi, theta[1])) @ mixed, 4)
    assert z[8] == pytest.approx(1j * mean_field, rel=0, abs=1e-12)


def test_limit_trace_with_grassmann_numbers_is_not_cyclic():
    # With the early source moved around rho the response has the commutator instead.
    theta, psi, c, rho = sourced_levels()
    x, y = coupled(theta[0], psi, theta[1]), coupled(theta[2], c, theta[3])
    z = trace(kick(y) @ embedded(rho, 4) @ kick(-y) @ kick(x), 4)
    commutator = np.trace(rho @ (psi @ dagger(c) - dagger(c) @ psi))
    assert z[9] == pytest.approx(commutator, rel=0, abs=1e-12)
    assert abs(z[9] - source_slope(1)[1]) > 0.1


def test_invariant_equal_grassmann_sources_give_one():
    theta, psi, c, rho = sourced_levels()
    x, y = coupled(theta[0], psi, theta[1]), coupled(theta[2], c, theta[3])
    one = np.eye(16)[0]
    z = trace(embedded(rho, 4) @ kick(-y) @ kick(-x) @ kick(x) @ kick(y), 4)
    np.testing.assert_allclose(z, one, **EXACT)
    wrong = trace(embedded(rho, 4) @ kick(-x) @ kick(-y) @ kick(x) @ kick(y), 4)  # earliest time to the right
    assert np.abs(wrong - one).max() > 0.05


# --- (23)-(25) --------------------------------------------------------------------------------------------------------


def level_and_spin(coupling=0.7):
    """One orbital and a spin 1: annihilator, H, and the spin, on 2 x 3 states."""
    (b,) = fermion_operators(1)
    a, s = np.kron(b, np.eye(3)), np.kron(np.eye(2), ONE)
    n = a.T @ a
    h = 0.6 * n - 0.9 * s[2] - 0.3 * s[0] - coupling * n @ (0.5 * s[0] + 0.8 * s[1])
    return a, h, s


def both_branches(h, s, a, rng):
    """U(J1), U(J2): a kick on the spin and a shift of the level on each branch."""
    n = a.T @ a
    for _ in range(2):
        j, v = rng.normal(size=3), rng.normal()
        yield expm(-0.7j * h) @ expm(1j * (np.einsum("i,iab", j, s) + v * n)) @ expm(-0.4j * h)


def even_product(rng):
    p = 0.35
    return np.kron(np.diag([1 - p, p]), mixed_state(rng, 3)), np.diag([1 - p, p])


def test_paper_RHP_23_amplitudes_of_product_states_multiply():
    rng = np.random.default_rng(23)
    states_s, states_d = (rng.normal(size=(2, n, 2)) @ [1, 1j] for n in (2, 3))
    a, _, s = level_and_spin()
    pair = [np.kron(x, y) for x, y in zip(states_s, states_d, strict=True)]
    assert pair[0].conj() @ pair[1] == pytest.approx(
        (states_s[0].conj() @ states_s[1]) * (states_d[0].conj() @ states_d[1]), rel=0, abs=1e-12
    )
    # Fields of the electrons and of the spins act on their own factor, and commute.
    np.testing.assert_array_equal(a @ s, s @ a)
    np.testing.assert_allclose(s[1] @ pair[0], np.kron(states_s[0], ONE[1] @ states_d[0]), **EXACT)


def test_paper_RHP_24_product_of_the_partial_traces_at_the_start_only():
    rng = np.random.default_rng(24)
    rho, electrons = even_product(rng)
    parts = rho.reshape(2, 3, 2, 3)
    np.testing.assert_allclose(np.einsum("acbc->ab", parts), electrons, **EXACT)
    a, _, s = level_and_spin()
    for coupling, factorises in ((0.0, True), (0.7, False)):
        u = expm(-1.5j * level_and_spin(coupling)[1])
        later = (u @ rho @ dagger(u)).reshape(2, 3, 2, 3)
        pieces = np.kron(np.einsum("acbc->ab", later), np.einsum("cacb->ab", later))
        miss = np.abs(later.reshape(6, 6) - pieces).max()
        assert miss < 1e-12 if factorises else miss > 0.01
        # And so does Z, for any sources.
        n, j = a.T @ a, np.einsum("i,iab", [0.4, -0.8, 0.3], s)
        together, level, spin = (np.trace(rho @ dagger(u) @ expm(1j * x) @ u) for x in (0.9 * n + j, 0.9 * n, j))
        miss = abs(together - level * spin)
        assert miss < 1e-12 if factorises else miss > 0.01
    # This H keeps n and entangles nothing. One that flips does: H = -s.S on |up, down>, the negativity of its state.
    later = expm(0.6j * np.einsum("iab,ibc->ac", *spin_sites(1 / 2, 1 / 2)))[:, 1]
    crossed = np.einsum("ij,kl->ilkj", *2 * [later.reshape(2, 2)]).reshape(4, 4)
    assert np.linalg.eigvalsh(crossed)[0] == pytest.approx(-np.sin(0.6) / 2, rel=0, abs=1e-12)


def integral(rho, u1, u2, *, first_bra=-1, swapped=False, exchanged=False):
    """(25): three resolutions of unity of level and spin, all the sums and Berezin integrals done.

    ``first_bra`` multiplies the Grassmann numbers of the bra beside rho; ``swapped`` exchanges the two states of rho;
    ``exchanged`` has d psi_1 d psi_1* exp(+psi_1* psi_1) for the measure of state 1.
    """
    theta, a = grassmann(6, 1)
    psi, conjugate = theta[::2], theta[1::2]  # of the states 1, 2, c
    points, weights = sphere(2, 5)  # exact for |n><n| and for the |n>|n> of the printed order
    kets, weights = coherent(1, points), 3 * weights
    weight = measure(psi, conjugate)
    if exchanged:
        weight = -measure(psi, [-conjugate[0], *conjugate[1:]])
    fermion_kets = [ket([p], a) for p in psi]
    fermion_bras = [bra([p], a) for p in conjugate]

    def element(x):
        blocks = np.einsum("pm,ambn,qn->pqab", kets.conj(), x.reshape(2, 3, 2, 3), kets)
        assert np.abs(blocks[..., 0, 1]).max() < 1e-12  # even
        return np.kron(np.eye(64), blocks)  # over the last two axes

    left = bra([-conjugate[1]], a) if swapped else bra([first_bra * conjugate[0]], a)
    right = fermion_kets[0] if swapped else fermion_kets[1]
    start = left @ element(rho) @ right  # <1|rho|2>, with the spins [1, 2]
    start = start.swapaxes(0, 1) if swapped else start
    back = fermion_bras[1] @ element(dagger(u2)) @ fermion_kets[2]
    forth = fermion_bras[2] @ element(u1) @ fermion_kets[0]
    vector = np.einsum("cpab,b->cpa", forth, np.eye(128)[0])
    vector = np.einsum("c,qcab,cpb->qpa", weights, back, vector, optimize=True)
    vector = np.einsum("p,q,pqab,qpb->a", weights, weights, start, vector, optimize=True)
    return (weight @ vector)[126]  # every generator, no electron


@pytest.fixture(scope="module")
def pair():
    rng = np.random.default_rng(25)
    a, h, s = level_and_spin()
    rho = even_product(rng)[0]
    # With correlations, to be general: no cell of (25) needs a product.
    u = expm(-0.9j * level_and_spin(1.1)[1])
    return u @ rho @ dagger(u), *both_branches(h, s, a, rng)


def test_paper_RHP_25_three_resolutions_of_unity_and_the_sign_of_the_trace(pair):
    rho, u1, u2 = pair
    inside = rho @ dagger(u2) @ u1
    parity = np.kron(np.diag([1, -1]), np.eye(3))
    assert integral(rho, u1, u2) == pytest.approx(np.trace(inside), rel=0, abs=1e-12)
    # As printed, with +Phi in the bra: the odd states count negative.
    assert integral(rho, u1, u2, first_bra=1) == pytest.approx(np.trace(parity @ inside), rel=0, abs=1e-12)
    filled = np.trace(rho[3:, 3:]).real
    assert integral(rho, u1, u1, first_bra=1) == pytest.approx(1 - 2 * filled, rel=0, abs=1e-12)
    assert filled == pytest.approx(0.35, rel=0, abs=1e-12)
    # The same form with the sign in the measure is right: the condition of the ledger.
    measured = integral(rho, u1, u2, first_bra=1, exchanged=True)
    assert measured == pytest.approx(np.trace(inside), rel=0, abs=1e-12)


def test_limit_trace_and_unity_of_two_levels_in_coherent_states():
    theta, a = grassmann(4, 2)
    psi, conjugate = theta[::2], theta[1::2]
    weight = measure(psi, conjugate)
    unity = coefficients(weight @ ket(psi, a) @ bra(conjugate, a), 4)[-1]
    np.testing.assert_allclose(unity, np.eye(4), **EXACT)
    even = even_state(a[:, :4, :4], np.random.default_rng(4))
    for sign, expected in ((-1, np.trace(even)), (1, np.trace(np.diag([1, -1, -1, 1]) @ even))):
        top = coefficients(weight @ bra(sign * conjugate, a) @ embedded(even, 4) @ ket(psi, a), 4)[-1]
        assert top[0, 0] == pytest.approx(expected, rel=0, abs=1e-12)


# --- (26)-(30), (35), (39): sliced paths ------------------------------------------------------------------------------

HALF = PAULI / 2
SPAN = 2.0
POINTS, MEAN = sphere(5, 10)
KETS = coherent(0.5, POINTS)
STEPS = 2 * MEAN  # (2S+1) dn/4pi


def drive(branch, t):
    source = (np.array([0.3, 0.2, 0.5]), np.array([-0.4, 0.6, 0.1]))[branch]
    return np.array([0.5 * np.cos(t), 0.7 * np.sin(t), 0.6]) + source * np.sin(2 * t)


def exact_half(branch, scale=1.0):
    """The propagator of the spin 1/2, by an integrator."""

    def rate(t, y):
        return (1j * scale * np.einsum("i,iab", drive(branch, t), HALF) @ y.reshape(2, 2)).ravel()

    start = np.eye(2, dtype=complex).ravel()
    return solve_ivp(rate, (0, SPAN), start, rtol=1e-11, atol=1e-12, method="DOP853").y[:, -1].reshape(2, 2)


def path_integral(slices, rho, *, size=1.5, swapped=False, phase=0.0, backward=-1, branches=(0, 1)):
    """Sum over all closed paths: <n'|n> exp(i dt size B.n) forth, the complex conjugate back, <1|rho|2> at the start.

    ``size`` is S + 1, ``phase`` changes the phases of all |n>, ``backward`` is the sign of the action on branch 2.
    """
    kets = KETS * np.exp(1j * np.asarray(phase))[..., None]
    overlap = kets.conj() @ kets.T
    dt = SPAN / slices

    def half(branch, sign):
        total = overlap
        for k in range(slices):
            action = sign * dt * size * POINTS @ drive(branch, (k + 0.5) * dt)
            total = overlap @ ((STEPS * np.exp(1j * action))[:, None] * total)
        return total

    forth, back = half(branches[0], 1), dagger(half(branches[1], -backward))
    start = kets.conj() @ rho @ kets.T
    start = start.T if swapped else start
    return np.einsum("p,q,c,pq,qc,cp", STEPS, STEPS, STEPS, start, back, forth, optimize=True)


HALF_STATE = mixed_state(np.random.default_rng(26), 2)
PROPAGATORS = [exact_half(branch) for branch in (0, 1)]
EXACT_Z = np.trace(HALF_STATE @ dagger(PROPAGATORS[1]) @ PROPAGATORS[0])


def lost(branches=(0, 1)):
    """N (1 - Z_N/Z) for many slices: a slice is exp(i dt B.sigma/2) (1 - (B dt)^2/4) to second order in dt."""
    x, w = np.polynomial.legendre.leggauss(40)
    times = SPAN * (x + 1) / 2
    return sum(SPAN**2 / 2 * w @ [drive(b, t) @ drive(b, t) for t in times] / 4 for b in branches)


def test_paper_RHP_26_sliced_paths_sum_to_the_trace_and_the_printed_order_does_not():
    ratios = {n: path_integral(n, HALF_STATE) / EXACT_Z - 1 for n in (64, 128, 256)}
    # One step of Richardson's extrapolation leaves an error of third order in 1/N.
    slopes = {n: 2 * n * ratios[2 * n] * 2 - n * ratios[n] for n in (64, 128)}
    assert slopes[128] == pytest.approx(-lost(), rel=0, abs=2e-3 * lost())
    assert abs(slopes[128] + lost()) < abs(slopes[64] + lost()) / 3
    limit = 2 * ratios[256] - ratios[128]
    assert abs(limit) < 10 / 256**2
    # Phases of the states are free.
    phase = np.random.default_rng(1).uniform(0, 2 * np.pi, len(POINTS))
    free = path_integral(16, HALF_STATE, phase=phase)
    assert free == pytest.approx(path_integral(16, HALF_STATE), rel=0, abs=1e-12)
    # Printed: with |n> whose largest component is real, spin up alone is left.
    up = [np.linalg.multi_dot([[1, 0], x, [1, 0]]) for x in (HALF_STATE, dagger(PROPAGATORS[1]) @ PROPAGATORS[0])]
    printed = [path_integral(n, HALF_STATE, swapped=True) for n in (128, 256)]
    assert 2 * printed[1] - printed[0] == pytest.approx(up[0] * up[1], rel=0, abs=10 / 256**2)
    assert path_integral(8, HALF_STATE, size=0.0, swapped=True) == pytest.approx(up[0], rel=0, abs=1e-12)
    other = path_integral(8, HALF_STATE, size=0.0, swapped=True, phase=phase)
    assert abs(other - up[0]) > 0.05  # and it depends on the free phases


def test_limit_printed_order_in_an_orthonormal_basis_is_the_transposed_state():
    j1, j2 = np.random.default_rng(104).normal(size=(2, 3, 3))
    u1, u2 = kicked(j1), kicked(j2)
    printed = np.einsum("ba,bc,ca", RHO, dagger(u2), u1)
    assert printed == pytest.approx(functional(j1, j2, RHO.T), rel=0, abs=1e-12)
    # S_y is the component that the transposition turns.
    flipped = np.einsum("iab,ba->i", ONE, RHO.T) / np.einsum("iab,ba->i", ONE, RHO)
    np.testing.assert_allclose(flipped, [1, -1, 1], **EXACT)


def test_limit_paths_with_the_mean_energy_have_a_third_of_the_field():
    third = [exact_half(branch, scale=1 / 3) for branch in (0, 1)]
    z = [path_integral(n, HALF_STATE, size=0.5) for n in (128, 256)]
    expected = np.trace(HALF_STATE @ dagger(third[1]) @ third[0])
    assert 2 * z[1] - z[0] == pytest.approx(expected, rel=0, abs=10 / 256**2)
    assert abs(expected - EXACT_Z) > 0.1


@pytest.mark.parametrize("spin", [0.5, 1, 2.5])
def test_limit_field_of_the_diagonal_slices_is_that_of_spin_plus_one(spin):
    s = spin_matrices(spin)
    points, mean_weights = sphere(8, 16)
    kets, b = coherent(spin, points), np.array([0.3, -0.5, 0.8])
    for size in (spin, spin + 1):
        found = np.einsum("p,p,pa,pb->ab", (2 * spin + 1) * mean_weights, size * points @ b, kets, kets.conj())
        np.testing.assert_allclose(found, size / (spin + 1) * np.einsum("i,iab", b, s), **EXACT)
    # One slice of a spin 1/2: j_0(x) + i j_1(x) b.sigma/|b|, x = 3/2 dt |b|.
    if spin == 0.5:
        x, u = 0.2, unit_vector(b)
        slice_ = np.einsum("p,pa,pb->ab", 2 * mean_weights * np.exp(1j * x * points @ u), kets, kets.conj())
        j0, j1 = np.sin(x) / x, np.sin(x) / x**2 - np.cos(x) / x
        np.testing.assert_allclose(slice_, j0 * np.eye(2) + 1j * j1 * np.einsum("i,iab", u, PAULI), **EXACT)


def test_paper_RHP_30_actions_of_the_branches_are_subtracted():
    for branch in (0, 1):
        z = [path_integral(n, HALF_STATE, branches=(branch, branch)) for n in (128, 256)]
        assert 2 * z[1] - z[0] == pytest.approx(1, rel=0, abs=10 / 256**2)

    def rate(t, y):
        return (y.reshape(2, 2) @ (1j * np.einsum("i,iab", drive(0, t), HALF))).ravel()

    # Added, the way back would be a product with the earliest time to the left and the sign of the way forth.
    start = np.eye(2, dtype=complex).ravel()
    back = solve_ivp(rate, (0, SPAN), start, rtol=1e-11, atol=1e-12).y[:, -1].reshape(2, 2)
    wrong = np.trace(HALF_STATE @ back @ PROPAGATORS[0])
    z = [path_integral(n, HALF_STATE, branches=(0, 0), backward=1) for n in (128, 256)]
    assert 2 * z[1] - z[0] == pytest.approx(wrong, rel=0, abs=20 / 256**2)
    assert abs(wrong - 1) > 0.5


def level_path(slices, energies, q12):
    """K of the Grassmann path exp(-sum psi* K psi) of a level: N slices forth, N back, then the initial state."""
    dt = SPAN / slices
    steps = [1 - 1j * dt * energies[0]] * slices + [1 + 1j * dt * energies[1]] * slices
    k = np.eye(2 * slices + 1, dtype=complex) - np.diag(steps, -1)
    k[0, -1] = 1j * q12  # iF of (36) is i eps_11 eps_22 Q_12 psi_1* psi_2, and it is -psi_1* K psi_2
    return k


def test_paper_RHP_39_closed_path_of_a_level_is_a_determinant():
    energies, f = (0.7, -0.2), 0.3
    exact = 1 - f + f * np.exp(-1j * SPAN * (energies[0] - energies[1]))
    q12 = -1j * f / (1 - f)  # of (35), <-1|rho|2>
    found = [(1 - f) * np.linalg.det(level_path(n, energies, q12)) for n in (64, 128, 256)]
    # (1 - i e dt)^N exceeds its limit by the factor 1 + (e T)^2/2N.
    predicted = (
        f * np.exp(-1j * SPAN * (energies[0] - energies[1])) * SPAN**2 * (energies[0] ** 2 + energies[1] ** 2) / 2
    )
    assert 256 * (found[2] - exact) * 2 - 128 * (found[1] - exact) == pytest.approx(predicted, rel=0, abs=1e-3)
    assert 2 * found[2] - found[1] == pytest.approx(exact, rel=0, abs=1 / 256**2)
    # Equal branches: one with this sign, and with the other, of <+1|rho|2>, the filled level counts negative.
    for sign, expected in ((1, 1), (-1, 1 - 2 * f)):
        z = [(1 - f) * np.linalg.det(level_path(n, (0.5, 0.5), sign * q12)) for n in (128, 256)]
        assert 2 * z[1] - z[0] == pytest.approx(expected, rel=0, abs=1 / 256**2)
    # The determinant is the integral: the same for few slices with Grassmann numbers.
    k = level_path(1, energies, q12)
    theta, _ = grassmann(6, 1)
    exponent = -np.einsum("iab,ij,jbc->ac", theta[1::2], k, theta[::2], optimize=True)
    total = exponential(exponent, 4)
    assert coefficients(total, 6)[-1, 0, 0] == pytest.approx(np.linalg.det(k), rel=0, abs=1e-12)


def test_invariant_time_after_the_last_source_does_not_count():
    j1, j2 = np.random.default_rng(105).normal(size=(2, 3, 3))
    later = propagator(3 * END) @ dagger(propagator(END))
    moved = np.trace(RHO @ dagger(later @ kicked(j2)) @ (later @ kicked(j1)))
    assert moved == pytest.approx(functional(j1, j2), rel=0, abs=1e-12)


# --- the initial state: (35)-(38) -------------------------------------------------------------------------------------


def thermal(h, a):
    """exp(-a^dagger h a)/Z and the occupations f_ij = <a_j^dagger a_i>."""
    rho = expm(-np.einsum("ij,iba,jbc->ac", h, a, a))
    return rho / np.trace(rho), np.linalg.inv(expm(h) + np.eye(len(h)))


def exponential(x, terms):
    term = total = np.eye(len(x), dtype=complex)
    for n in range(1, terms):
        term = term @ x / n
        total = total + term
    return total


def test_paper_RHP_35_electrons_of_a_thermal_state_have_an_exponent():
    # The weight itself, two levels: generators psi_1*, psi_2.
    _, small = grassmann(0, 2)
    rho, f = thermal(hermitian(np.random.default_rng(35), 2), small)
    theta, a = grassmann(4, 2)
    vacuum_weight, bilinear = np.linalg.det(np.eye(2) - f), f @ np.linalg.inv(np.eye(2) - f)
    exponent = -np.einsum("iab,ij,jbc->ac", theta[:2], bilinear, theta[2:], optimize=True)
    element = (bra(-theta[:2], a) @ embedded(rho, 4) @ ket(theta[2:], a))[:, 0]
    np.testing.assert_allclose(element, (vacuum_weight * exponential(exponent, 3))[:, 0], **EXACT)
    # In the functional, one level: <-1|rho|2> exp(-psi* psi) <2|U|1> with U = U_2^dagger U_1.
    energy, u = 0.4, np.diag([np.exp(0.3j), np.exp(-1.1j)])
    f = 1 / (np.exp(energy) + 1)
    theta, a = grassmann(4, 1)
    psi, conjugate = theta[::2], theta[1::2]

    def total(first, second, sign=-1):
        right = (1 - f) * exponential(sign * np.exp(-energy) * conjugate[first] @ psi[second], 2)
        inner = bra(conjugate[1:], a) @ embedded(u, 4) @ ket(psi[:1], a)
        return coefficients(measure(psi, conjugate) @ right @ inner, 4)[-1][0, 0]

    exact = (1 - f) * u[0, 0] + f * u[1, 1]
    assert total(0, 1) == pytest.approx(exact, rel=0, abs=1e-12)
    graded = (1 - f) * u[0, 0] - f * u[1, 1]
    assert total(0, 1, sign=1) == pytest.approx(graded, rel=0, abs=1e-12)
    # Printed <2|rho|1>: of the paths only the empty level is left, with either sign.
    for sign in (-1, 1):
        assert total(1, 0, sign) == pytest.approx((1 - f) * u[0, 0], rel=0, abs=1e-12)


def test_limit_printed_order_for_level_and_spin_keeps_the_empty_level_and_spin_up(pair):
    rho, u1, u2 = pair
    predicted = rho[0, 0] * (dagger(u2) @ u1)[0, 0]
    assert integral(rho, u1, u2, swapped=True) == pytest.approx(predicted, rel=0, abs=1e-12)
    assert abs(predicted - np.trace(rho @ dagger(u2) @ u1)) > 0.1


def log_weight(weights):
    """Coefficients of ln <1|rho|2> in psi_1*psi_2 of each level and in the product of both, by Grassmann algebra."""
    theta, a = grassmann(4, 2)  # psi_1* of both levels, psi_2 of both levels
    element = (bra(theta[:2], a) @ embedded(np.diag(weights), 4) @ ket(theta[2:], a))[:, 0]
    pairs = [theta[0] @ theta[2], theta[1] @ theta[3]]
    basis = [x[:, 0] for x in (*pairs, pairs[0] @ pairs[1])]
    x, y, xy = (b @ element / element[0] for b in basis)
    np.testing.assert_allclose(
        element / element[0], np.eye(64)[0] + sum(b * c for b, c in zip(basis, (x, y, xy), strict=True)), **EXACT
    )
    return x, y, xy - x * y  # ln(1 + n) = n - n^2/2, and n^2 = 2 x y


def test_paper_RHP_36_bilinear_for_free_electrons_only():
    f_up, f_down, repulsion = 0.3, 0.6, 1.1
    weights = np.kron([1 - f_up, f_up], [1 - f_down, f_down])
    first, second, quartic = log_weight(weights)
    assert [first, second] == pytest.approx([f_up / (1 - f_up), f_down / (1 - f_down)], rel=0, abs=1e-12)
    assert quartic == pytest.approx(0, rel=0, abs=1e-12)
    weights[3] *= np.exp(-repulsion)
    weights /= weights.sum()
    _, _, quartic = log_weight(weights)
    assert quartic == pytest.approx(first * second * (np.exp(-repulsion) - 1), rel=0, abs=1e-12)


@pytest.mark.parametrize("spin", [0.5, 1, 2])
def test_paper_RHP_36_thermal_spin_has_every_power_in_its_exponent(spin):
    y = 0.8  # B/kT
    rho = expm(y * spin_matrices(spin)[2])
    t = np.tanh(y / 2)
    z = np.linspace(-1, 1, 31)
    n = np.stack([np.sqrt(1 - z**2), 0 * z, z], -1)
    kets = coherent(spin, n)
    exponent = np.log(np.einsum("pa,ab,pb->p", kets.conj(), rho, kets).real)
    fit = np.polynomial.polynomial.polyfit(z, exponent, 14)
    # ln(1 + t z) to degree 14, fitted where t = 0.38: the rest is below t^15.
    predicted = [2 * spin * np.log(np.cosh(y / 2)), 2 * spin * t, -spin * t**2, 2 * spin * t**3 / 3]
    assert fit[:4] == pytest.approx(predicted, rel=0, abs=1e-5)
    # Off the diagonal not even the term of first order in t is a polynomial.
    n1, n2 = unit_vector(np.random.default_rng(106).normal(size=(2, 3)))
    k1, k2 = coherent(spin, n1), coherent(spin, n2)
    ratio = np.einsum("a,iab,b->i", k1.conj(), spin_matrices(spin), k2) / (k1.conj() @ k2)
    expected = spin * (n1 + n2 - 1j * np.cross(n1, n2)) / (1 + n1 @ n2)
    np.testing.assert_allclose(ratio, expected, **EXACT)


@pytest.mark.parametrize("spin", [0.5, 1, 2])
def test_paper_RHP_36_spin_needs_its_overlap_and_larger_coefficients(spin):
    points, mean_weights = sphere(40, 8)
    kets, s_z = coherent(spin, points), spin_matrices(spin)[2]
    packed = (2 * spin + 1) * mean_weights[:, None] * kets

    def start(weight):
        return packed.T @ weight @ packed.conj()

    def polarization(rho):
        return (np.trace(rho @ s_z) / np.trace(rho)).real

    def second_order(t):
        u = t * (points[:, [2]] + points[:, 2]) / 2
        return np.exp(2 * spin * (u - u**2 / 2))  # ln (1 + u)^2S on the diagonal

    t = 0.02
    overlap = kets.conj() @ kets.T
    np.testing.assert_allclose(start(overlap), np.eye(len(s_z)), **EXACT)  # no polarization: F is the overlap
    true = polarization(expm(2 * np.arctanh(t) * s_z))
    # The two differ from their first order in t by t^2.
    reduced = polarization(start(overlap * second_order(t))) / true
    assert reduced == pytest.approx(spin / (spin + 1), rel=0, abs=3 * t**2)
    mended = polarization(start(overlap * second_order(t * (spin + 1) / spin))) / true
    assert mended == pytest.approx(1, rel=0, abs=3 * t**2)
    if spin == 0.5:
        # A constant F of the right diagonal, real upper components: (2 * 2/3)^2 / 2, the mean of cos(theta/2) is 2/3.
        flat = np.trace(start(np.full_like(overlap, 0.5)))
        assert flat == pytest.approx(8 / 9, rel=0, abs=1e-5)  # the quadrature of a square root


def test_limit_filled_level_has_no_exponent():
    # <1|rho|2> = psi_1* psi_2 has no part without Grassmann numbers, so no logarithm.
    theta, a = grassmann(2, 1)
    filled = np.diag([0.0, 1.0])
    found = bra(theta[:1], a) @ embedded(filled, 2) @ ket(theta[1:], a)
    np.testing.assert_array_equal(found[:, 0], (theta[0] @ theta[1])[:, 0])


def test_paper_RHP_37_indices_of_the_bilinear_term():
    _, small = grassmann(0, 2)
    rho, f = thermal(hermitian(np.random.default_rng(35), 2), small)
    occupations = np.array([[np.trace(rho @ small[j].T @ small[i]) for j in range(2)] for i in range(2)])
    np.testing.assert_allclose(f, occupations, **EXACT)
    epsilon = np.diag([1, -1])
    q = np.zeros((2, 2, 2, 2), dtype=complex)  # path, path, spin, spin
    q[0, 1] = -1j * f @ np.linalg.inv(np.eye(2) - f)
    theta, a = grassmann(4, 2)
    conjugate, psi = {0: theta[:2]}, {1: theta[2:]}

    def weight(q):
        indices = [i for i in product(range(2), repeat=4) if i[0] in conjugate and i[1] in psi]
        term = sum(
            epsilon[i, i] * epsilon[j, j] * q[i, j, s, r] * conjugate[i][s] @ psi[j][r] for i, j, s, r in indices
        )
        return np.linalg.det(np.eye(2) - f) * exponential(1j * term, 3)[:, 0]

    element = (bra(-theta[:2], a) @ embedded(rho, 4) @ ket(theta[2:], a))[:, 0]
    np.testing.assert_allclose(element, weight(q), **EXACT)
    for wrong in (q.swapaxes(2, 3), -q):
        assert np.abs(element - weight(wrong)).max() > 0.05


def bilinear_by_paths(covariance, half=0.5):
    """Sum over the values of S_z at two kicks on both branches, exp(i/2 eps eps m C m) with C = i covariance."""
    m = np.array([1, 0, -1])
    first, second, last = KICKS[0], KICKS[1], END
    steps = [
        propagator(first),
        propagator(second) @ dagger(propagator(first)),
        propagator(last) @ dagger(propagator(second)),
    ]
    sign = np.array([1, 1, -1, -1])  # epsilon, for the kicks on branch 1 and on branch 2
    total = 0
    for path in product(range(3), repeat=4):
        a = sign * m[list(path)]
        forth = steps[2][:, path[1]] * steps[1][path[1], path[0]]
        back = (steps[2][:, path[3]] * steps[1][path[3], path[2]]).conj()
        start = (steps[0] @ RHO @ dagger(steps[0]))[path[0], path[2]]
        total += (back @ forth) * start * np.exp(-half * a @ covariance @ a)
    return total


def mean_over_fields(covariance):
    """Z for sources along z at two kicks on both branches, averaged over normal J1, J2 by quadrature."""
    x, w = np.polynomial.hermite_e.hermegauss(8)
    w = w / w.sum()
    root = np.linalg.cholesky(covariance)
    m = np.array([1, 0, -1])
    steps = [propagator(KICKS[0]), propagator(KICKS[1]) @ dagger(propagator(KICKS[0]))]
    start = steps[0] @ RHO @ dagger(steps[0])
    total = 0
    for k in product(range(8), repeat=4):
        j = root @ x[list(k)]
        forth, back = (np.exp(1j * j[n + 1] * m)[:, None] * steps[1] * np.exp(1j * j[n] * m) for n in (0, 2))
        total += w[list(k)].prod() * np.trace(start @ dagger(back) @ forth)
    return total


def test_paper_RHP_38_half_of_the_bilinear_of_a_real_field_is_a_random_source():
    a = np.random.default_rng(38).normal(size=(4, 4)) / 4
    covariance = a @ a.T + 0.02 * np.eye(4)
    exact = mean_over_fields(covariance)
    assert bilinear_by_paths(covariance) == pytest.approx(exact, rel=0, abs=1e-6)  # 8 nodes for each field
    # Without the half it would be twice the variance.
    double = mean_over_fields(2 * covariance)
    assert bilinear_by_paths(covariance, half=1.0) == pytest.approx(double, rel=0, abs=1e-4)
    assert abs(double - exact) > 0.02
    # One random field on both branches: all four blocks are equal, and Z stays one.
    block = a[:2, :2] @ a[:2, :2].T
    assert bilinear_by_paths(np.kron(np.ones((2, 2)), block)) == pytest.approx(1, rel=0, abs=1e-12)
    assert abs(bilinear_by_paths(np.kron(np.eye(2), block)) - 1) > 0.02


def test_limit_bilinear_of_the_electrons_is_a_shift_of_the_level():
    # Q_11 = -v delta on branch 1 and Q_22 = +v delta on branch 2 raise the level on both: no half, and Z = 1.
    f, v, slices = 0.3, 0.45, 256
    dt = SPAN / slices
    for signs, shifts in (((-1, 1), (v, v)), ((-1, -1), (v, -v))):
        k = level_path(slices, (0.7, 0.7), -1j * f / (1 - f))
        for n in range(2 * slices):
            branch = n // slices
            # exp(i eps eps Q psi* psi dt): eps eps = +1 on either branch; - psi* K psi.
            k[n + 1, n] -= 1j * dt * signs[branch] * v
        z = (1 - f) * np.linalg.det(k)
        predicted = 1 - f + f * np.exp(-1j * SPAN * (shifts[0] - shifts[1]))
        assert z == pytest.approx(predicted, rel=0, abs=4 * f * SPAN**2 / slices)


@given(seed=st.integers(0, 2**32 - 1))
def test_paper_RHP_40_generator_adds_and_has_a_positive_imaginary_part(seed):
    rng = np.random.default_rng(seed)
    j1, j2 = 0.3 * rng.normal(size=(2, 3, 3))
    rho = [mixed_state(rng, 3) for _ in range(2)]

    def w(z):
        return -1j * np.log(z)

    alone = [functional(j1, j2, r) for r in rho]
    forth, back = (np.kron(u, u) for u in (kicked(j1), kicked(j2)))
    together = np.trace(np.kron(*rho) @ dagger(back) @ forth)
    # ln may jump by 2 pi i: compare modulo 2 pi.
    difference = w(together) - w(alone[0]) - w(alone[1])
    assert np.exp(1j * difference) == pytest.approx(1, rel=0, abs=1e-9)
    assert difference.imag == pytest.approx(0, rel=0, abs=1e-9)
    assert w(alone[0]).imag >= -1e-12
    assert w(functional(j2, j1, rho[0])) == pytest.approx(-w(alone[0]).conjugate(), rel=0, abs=1e-9)
    assert w(functional(j1, j1, rho[0])) == pytest.approx(0, rel=0, abs=1e-12)


def test_limit_first_cumulants_of_one_kick():
    step = 1e-3
    j = np.zeros((3, 3))
    j[0, 2] = step
    z = functional(j, -j)  # J1 - J2 = 2 step
    now = later_state(RHO, KICKS[0])
    mean_z = np.trace(now @ ONE[2]).real
    variance = np.trace(now @ ONE[2] @ ONE[2]).real - mean_z**2
    generator = -1j * np.log(z)
    # W = delta <S> + i delta^2 <<S^2>>/2 + ..., the next terms are cubes of delta in each part.
    assert generator.real == pytest.approx(2 * step * mean_z, rel=0, abs=(2 * step) ** 3)
    assert generator.imag == pytest.approx(2 * step**2 * variance, rel=0, abs=(2 * step) ** 4)


# --- Figure 2 ---------------------------------------------------------------------------------------------------------


def along_the_path(j1, j2, times):
    """<S> on both branches, on each at ``times``: the operator stands in the product where its time is."""

    def until(j, t):
        u, before = np.eye(3), 0.0
        for when, k in zip(KICKS, j, strict=True):
            if when <= t:
                u = expm(1j * np.einsum("i,iab", k, ONE)) @ propagator(when) @ dagger(propagator(before)) @ u
                before = when
        return propagator(t) @ dagger(propagator(before)) @ u

    whole = dagger(kicked(j2)) @ kicked(j1)
    result = []
    for j, forward in ((j1, True), (j2, False)):
        moved = [dagger(until(j, t)) @ ONE @ until(j, t) for t in times]
        orders = [whole @ s if forward else s @ whole for s in moved]
        result.append([np.einsum("ab,iba->i", RHO, s) / np.trace(RHO @ whole) for s in orders])
    return np.array(result)


def test_paper_RHP_figure_2_branches_coincide_for_equal_sources_and_meet_at_the_turn():
    times = np.array([0.0, 0.8, 1.4, END])
    j1, j2 = np.random.default_rng(107).normal(size=(2, 3, 3))
    quiet = along_the_path(0 * j1, 0 * j1, times)
    now = [np.einsum("ab,iba->i", later_state(RHO, t) if t else RHO, ONE) for t in times]
    np.testing.assert_allclose(quiet[0], now, rtol=0, atol=1e-9)  # tolerance of the integrator
    np.testing.assert_allclose(quiet[0], quiet[1], **EXACT)
    equal = along_the_path(j1, j1, times)
    np.testing.assert_allclose(equal[0], equal[1], **EXACT)
    np.testing.assert_allclose(equal.imag, 0, **EXACT)
    np.testing.assert_allclose(equal[:, 0], quiet[:, 0], **EXACT)  # nothing comes before its cause
    different = along_the_path(j1, j2, times)
    np.testing.assert_allclose(different[0, -1], different[1, -1], **EXACT)
    assert np.abs(different[0, 0] - different[1, 0]).max() > 0.05
    np.testing.assert_allclose(along_the_path(j2, j1, times), different[::-1].conj(), **EXACT)
