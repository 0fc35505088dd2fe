"""RHP (57), (82)-(86): the exchange terms against lattices whose spins are counted and quantum rings that are solved.

The routes: neighbours found by their distance in a block of sites, energies as double sums over sites, exact
diagonalisation of rings of spins 1/2 and 1, derivatives of time-ordered correlators as commutators, the Jacobian of the
nonlinear classical chain, a Gaussian integral with a fermion determinant. Printed forms miss by what is predicted.
"""

from functools import cache

import numpy as np
import pytest
from scipy.linalg import expm

from spinlib.field_theory import exchange_moments, magnon_dispersion
from spinlib.spin import PAULI, rotation_matrix, unit_vector
from spinlib.units import gyromagnetic_ratio, hbar, meV, mu_B, nm
from tests.quantum import spin_sites

CELLS = {"sc": [(0, 0, 0)], "bcc": [(0, 0, 0), (1, 1, 1)], "fcc": [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]}
NEIGHBOURS = {"sc": 6, "bcc": 8, "fcc": 12}
CONSTANT, COUPLING = 0.3, 1.7  # d, J


def block(name, half=2):
    """Sites of a crystal around one at the origin, from whole cells."""
    corners = np.stack(np.meshgrid(*[np.arange(-half, half + 1)] * 3, indexing="ij"), -1).reshape(-1, 1, 3)
    return CONSTANT * (corners + np.array(CELLS[name]) / 2).reshape(-1, 3)


def nearest(name):
    sites = block(name)
    distance = np.linalg.norm(sites, axis=1)
    shell = distance[distance > 1e-9].min()
    return sites[np.abs(distance - shell) < 1e-9]


def chain(couplings):
    """Bonds and couplings of one site of a chain along x with spacing 1, from {distance: J}."""
    steps = [sign * n for n in couplings for sign in (1, -1)]
    return np.array([(n, 0, 0) for n in steps], dtype=float), np.array([couplings[abs(n)] for n in steps])


# --- moments of the exchange coupling ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CELLS)
def test_paper_RHP_85_zeroth_moment_is_the_energy_of_the_saturated_crystal(name):
    """A periodic crystal of 4^3 cells, -1/2 sum J S.S over all ordered pairs, no neighbour list."""
    cells, spin = 4, 1.5
    corners = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), -1).reshape(-1, 1, 3)
    sites = (corners + np.array(CELLS[name]) / 2).reshape(-1, 3)
    apart = sites[:, None] - sites
    apart -= cells * np.round(apart / cells)  # across the faces of the box
    distance = np.linalg.norm(apart, axis=-1)
    bonded = np.abs(distance - distance[distance > 1e-9].min()) < 1e-9
    energy = -0.5 * COUPLING * spin**2 * bonded.sum()
    zeroth, _ = exchange_moments(nearest(name), COUPLING)
    assert zeroth == pytest.approx(-2 * energy / spin**2 / len(sites), abs=1e-12)
    assert zeroth == pytest.approx(NEIGHBOURS[name] * COUPLING, abs=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_paper_RHP_86_second_moment_is_the_curvature_of_the_helix_energy(name):
    """Energy of a helix as a sum over pairs of vectors; its curvature in the wave number is S^2 J_2/2 per site."""
    rng, bonds, spin = np.random.default_rng(86), nearest(name), 2.5
    zeroth, second = exchange_moments(bonds, COUPLING)

    def energy(q, centre):
        """Of the pairs of one site, half of each; the helix turns about z."""

        def n(r):
            return np.stack([np.cos(r @ q), np.sin(r @ q), 0 * (r @ q)], -1)

        return -0.5 * COUPLING * spin**2 * np.sum(n(centre + bonds) @ n(centre))

    for _ in range(4):
        q = 0.01 / CONSTANT * unit_vector(rng.normal(size=3))
        centre = rng.normal(size=3)
        # Four-point rule: the terms q^2 and q^4 are separated, q^6 is left, 1e-8 of the curvature.
        rise = [energy(n * q, centre) + 0.5 * spin**2 * zeroth for n in (1, 2)]
        curvature = (16 * rise[0] - rise[1]) / 12 / (q @ q)
        # 13 digits of an energy of the order of J_0 S^2, divided by (q d)^2 = 1e-4.
        assert curvature == pytest.approx(0.25 * spin**2 * np.trace(second) / 3, rel=1e-7, abs=0)
    np.testing.assert_allclose(second, 2 * COUPLING * CONSTANT**2 * np.eye(3), rtol=0, atol=1e-14)
    np.testing.assert_allclose(COUPLING * bonds.sum(axis=0), 0, atol=1e-14)  # the first moment


def test_paper_RHP_86_scalar_is_a_mean_where_the_crystal_is_not_cubic():
    a, c, along, across = 0.25, 0.4, 0.3, 1.1
    bonds = [*(sign * a * axis for axis in np.eye(3)[:2] for sign in (1, -1)), (0, 0, c), (0, 0, -c)]
    _, second = exchange_moments(bonds, [across] * 4 + [along] * 2)
    np.testing.assert_allclose(second, np.diag([2 * across * a**2] * 2 + [2 * along * c**2]), rtol=0, atol=1e-15)
    # Long waves along c: S (1 - cos k c) 2 J_c. The printed scalar is off by the ratio of trace/3 to the element.
    k = 1e-3
    exact = 4 * along * np.sin(k * c / 2) ** 2
    printed = np.trace(second) / 3 * k**2 / 2
    assert printed / exact == pytest.approx((2 * across * a**2 / (along * c**2) + 1) / 3, rel=1e-7, abs=0)
    assert printed / exact > 1.2


# --- gradient expansion -----------------------------------------------------------------------------------------------


def test_paper_RHP_83_expansion_under_the_exchange_sum():
    """A smooth vector field; the third order cancels between d and -d, the rest is of fourth order."""
    rng = np.random.default_rng(83)
    matrix, waves = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))

    def field(r):
        return np.einsum("pw,wi->pi", np.sin(np.atleast_2d(r) @ waves.T + 0.3), matrix)

    def laplacian(r):
        return np.einsum("pw,wi->pi", -np.sum(waves**2, axis=1) * np.sin(np.atleast_2d(r) @ waves.T + 0.3), matrix)

    point = rng.normal(size=3)
    rest = []
    for size in (0.1, 0.05):
        bonds = nearest("bcc") * size / CONSTANT
        zeroth, second = exchange_moments(bonds, COUPLING)
        exact = COUPLING * field(point + bonds).sum(axis=0)
        expanded = zeroth * field(point)[0] + 0.5 * np.trace(second) / 3 * laplacian(point)[0]
        rest.append(np.abs(exact - expanded).max())
        # Taylor's theorem: |d^4/ds^4 u| <= sum |waves.d|^4 |matrix|.
        fourth = np.abs(bonds @ waves.T) ** 4 @ np.abs(matrix)
        assert (np.abs(exact - expanded) <= COUPLING * fourth.sum(axis=0) / 24).all()
    assert np.log2(rest[0] / rest[1]) == pytest.approx(4, abs=0.05)
    # Bonds without their opposites leave the first order: the text's condition is needed.
    lopsided = nearest("bcc")[:3]
    first = COUPLING * lopsided.sum(axis=0)
    step = 1e-4
    exact = COUPLING * (field(point + step * lopsided) - field(point)).sum(axis=0)
    slope = np.einsum("w,wi->i", np.cos(waves @ point + 0.3) * (waves @ first), matrix)
    np.testing.assert_allclose(exact / step, slope, rtol=0, atol=1e-3 * np.abs(slope).max())


# --- quantum rings ----------------------------------------------------------------------------------------------------


@cache
def ring_spins(sites, spin):
    """Operators of all spins, (sites, 3, D, D)."""
    return spin_sites(*[spin] * sites)


def pair_couplings(sites, couplings):
    """Matrix J_ij of a ring, from {distance: J}."""
    apart = (np.arange(sites)[:, None] - np.arange(sites)) % sites
    apart = np.minimum(apart, sites - apart)
    return np.vectorize(lambda n: couplings.get(int(n), 0.0))(apart)


def ring_hamiltonian(sites, spin, couplings, field=(0, 0, 0)):
    s, j = ring_spins(sites, spin), pair_couplings(sites, couplings)
    energy = -np.einsum("xiab,i->ab", s, np.asarray(field, dtype=float))
    for one in range(sites):
        for two in range(one):
            energy -= j[one, two] * sum(s[one, i] @ s[two, i] for i in range(3))
    return energy


def sector_levels(sites, spin, couplings, flips):
    """Energies above the saturated state of all states with this many spin flips, sorted."""
    hamiltonian = ring_hamiltonian(sites, spin, couplings)
    total = np.einsum("xaa->a", ring_spins(sites, spin)[:, 2]).real
    inside = np.abs(total - (sites * spin - flips)) < 1e-9
    assert np.abs(hamiltonian[np.ix_(inside, ~inside)]).max() < 1e-13
    return np.linalg.eigvalsh(hamiltonian[np.ix_(inside, inside)]) - hamiltonian[0, 0].real


RINGS = [
    (8, 0.5, {1: 1.0}),
    (8, 0.5, {1: 1.0, 2: 0.35}),
    (8, 0.5, {1: 1.0, 2: -0.6}),  # not the ground state; exact all the same
    (5, 1.0, {1: 1.0}),
    (5, 1.0, {1: 0.7, 2: 0.2}),
]


@pytest.mark.parametrize(("sites", "spin", "couplings"), RINGS)
def test_limit_one_magnon_of_a_quantum_ring_is_exact(sites, spin, couplings):
    k = 2 * np.pi * np.arange(sites) / sites
    waves = np.stack([k, 0 * k, 0 * k], -1)
    levels = sector_levels(sites, spin, couplings, flips=1)
    assert len(levels) == sites
    np.testing.assert_allclose(np.sort(magnon_dispersion(waves, *chain(couplings), spin)), levels, rtol=0, atol=1e-12)
    if list(couplings) == [1]:
        closed = 2 * couplings[1] * spin * (1 - np.cos(k))
        np.testing.assert_allclose(np.sort(closed), levels, rtol=0, atol=1e-12)


def test_limit_two_magnons_are_not_exact():
    """Two flips on a ring of spins 1/2: at total wave number pi the pair costs J, two free magnons cost 2 J."""
    sites, hamiltonian = 8, ring_hamiltonian(8, 0.5, {1: 1.0})
    s = ring_spins(sites, 0.5)
    saturated = np.eye(2**sites)[0]
    lower = s[:, 0] - 1j * s[:, 1]
    pair = sum((-1) ** x * lower[x] @ lower[(x + 1) % sites] @ saturated for x in range(sites)) / np.sqrt(sites)
    energy = hamiltonian[0, 0].real
    np.testing.assert_allclose(hamiltonian @ pair, (energy + 1.0) * pair, rtol=0, atol=1e-13)
    k = 2 * np.pi * np.arange(sites) / sites
    one = 1 - np.cos(k)
    free = one + 1 - np.cos(np.pi - k)
    np.testing.assert_allclose(free, 2.0, rtol=0, atol=1e-12)
    # Sums of one-magnon levels are not the two-magnon levels.
    levels = sector_levels(sites, 0.5, {1: 1.0}, flips=2)
    sums = np.sort([one[a] + one[b] for a in range(sites) for b in range(a)])
    assert len(levels) == len(sums)
    assert np.abs(levels - sums).max() > 0.3


def correlator(hamiltonian, s, state, time, z, component):
    """<S_x^i(t) S_z^k>, <S_z^k S_x^i(t)>, both connected, and their rates by commutators: two pairs of (sites, 3)."""
    forward = expm(-1j * time * hamiltonian)
    moving = forward @ state
    mean = np.einsum("a,xiab,b->xi", moving.conj(), s, moving)
    kick = s[z, component]
    mean_z = (state.conj() @ kick @ state).real
    ket, bra = forward @ (kick @ state), moving
    rates = 1j * (np.einsum("ab,xibc->xiac", hamiltonian, s) - np.einsum("xiab,bc->xiac", s, hamiltonian))
    mean_rate = np.einsum("a,xiab,b->xi", moving.conj(), rates, moving)
    result = []
    for left, right in ((bra, ket), (ket, bra)):
        value = np.einsum("a,xiab,b->xi", left.conj(), s, right) - mean * mean_z
        rate = np.einsum("a,xiab,b->xi", left.conj(), rates, right) - mean_rate * mean_z
        result.append((value, rate))
    return result


QUANTUM = [(6, 0.5, {1: 1.0, 2: 0.4}), (4, 1.0, {1: 0.8, 2: 0.3})]


def four_branches(pairs, earlier):
    """Rate and value of the components 11, 22, 12, 21 of (49) at a time after or before that of the other spin.

    On the contour branch 2 stands left of branch 1. The first index is the branch of S_x.
    """
    (after, after_rate), (before, before_rate) = pairs
    greater, lesser = (after, after_rate), (before, before_rate)  # S_x left of S_z, S_z left of S_x
    ordered, against = (lesser, greater) if earlier else (greater, lesser)
    return {"11": ordered, "22": against, "12": lesser, "21": greater}


@pytest.mark.parametrize(("sites", "spin", "couplings"), QUANTUM)
def test_paper_RHP_82_linear_dynamics_of_the_correlators(sites, spin, couplings):
    """Saturated ring in a field along its spins; every branch, both time orders, every pair of sites and components."""
    field = np.array([0.0, 0.0, 0.21])
    s, j = ring_spins(sites, spin), pair_couplings(sites, couplings)
    hamiltonian = ring_hamiltonian(sites, spin, couplings, field)
    state = np.eye(len(hamiltonian))[0].astype(complex)
    m = spin * np.array([0.0, 0.0, 1.0])
    multiplier = j.sum(axis=0)[0] + m @ field / spin**2
    for component in range(3):
        for time in (-0.9, 0.6):
            pairs = correlator(hamiltonian, s, state, time, 1, component)
            for u, rate in four_branches(pairs, earlier=time < 0).values():
                right = np.cross(m, j @ u) - multiplier * np.cross(m, u)
                np.testing.assert_allclose(rate, right, rtol=0, atol=1e-12)
                # Printed: the exchange term is reversed and the multiplier missing; with it the miss is twice J * u.
                printed = np.cross(j @ u, m)
                miss = 2 * np.cross(j @ u, m) + multiplier * np.cross(m, u)
                np.testing.assert_allclose(printed - rate, miss, rtol=0, atol=1e-12)
                if component < 2:
                    assert np.abs(miss).max() > 0.1 * np.abs(u).max()
        # The source: the jump at equal times, i n x M at the same site, with the sign of the branch.
        pairs = correlator(hamiltonian, s, state, 0.0, 1, component)
        later, sooner = (four_branches(pairs, earlier=earlier) for earlier in (False, True))
        source = np.zeros((sites, 3), dtype=complex)
        source[1] = 1j * np.cross(np.eye(3)[component], m)
        for branch, sign in {"11": 1, "22": -1, "12": 0, "21": 0}.items():
            jump = later[branch][0] - sooner[branch][0]
            np.testing.assert_allclose(jump, sign * source, rtol=0, atol=1e-13)


@pytest.mark.parametrize("field", [0.0, 0.17])
def test_paper_RHP_82_frequencies_of_both_forms(field):
    """A chain with two shells: normal modes of (82) as a matrix, against one flipped spin of a quantum ring."""
    sites, couplings = 7, {1: 1.0, 2: 0.35}
    j = pair_couplings(sites, couplings)
    cross = np.array([[0, -1], [1, 0]])  # M x, across M
    multiplier = j.sum(axis=0)[0] + field
    corrected = np.kron(j - multiplier * np.eye(sites), cross)
    printed = np.kron(-j, cross)
    k = 2 * np.pi * np.arange(sites) / sites
    for matrix, sign in ((corrected, 1), (printed, -1)):
        wave = np.exp(1j * np.outer(k, np.arange(sites)))[:, :, None] * np.array([1, -1j])  # clockwise for omega > 0
        # u = Re wave exp(-i omega t); the rate of a normal mode is -i omega times it.
        moved = np.einsum("ab,kb->ka", matrix, wave.reshape(sites, -1))
        omega = 1j * moved[:, 0] / wave[:, 0, 0]
        np.testing.assert_allclose(moved, -1j * omega[:, None] * wave.reshape(sites, -1), rtol=0, atol=1e-12)
        j_k = j[0] @ np.cos(np.outer(np.arange(sites), k))
        np.testing.assert_allclose(omega, multiplier - j_k if sign > 0 else j_k, rtol=0, atol=1e-12)
        # Quantum spins 1/2 with couplings twice as large: S J is the J of |M| = 1.
        levels = sector_levels(sites, 0.5, {n: 2 * value for n, value in couplings.items()}, flips=1)
        if sign > 0:
            np.testing.assert_allclose(np.sort(omega.real), levels + field, rtol=0, atol=1e-12)
        else:
            miss = np.sort(np.abs(omega.real - (multiplier - j_k)))
            np.testing.assert_allclose(miss, np.sort(np.abs(2 * j_k - multiplier)), rtol=0, atol=1e-12)
            assert np.abs(np.sort(omega.real) - levels).max() > 1


@pytest.mark.parametrize(("sites", "spin", "couplings"), QUANTUM)
def test_paper_RHP_57_exchange_and_multiplier_about_a_moving_magnetisation(sites, spin, couplings):
    """All spins along one direction that precesses in an oblique field: (57) but for the term of the electrons.

    As on the page: |M| = 1, u = <SS>/S, and J contains S.
    """
    field = np.array([0.3, -0.2, 0.4])
    s, j = ring_spins(sites, spin), pair_couplings(sites, couplings)
    hamiltonian = ring_hamiltonian(sites, spin, couplings, field)
    turn = expm(-1j * np.einsum("xiab,i->ab", s, np.array([0.7, 0.5, -0.3])))
    state = turn[:, 0]
    for time in (-0.8, 0.5):
        moving = expm(-1j * time * hamiltonian) @ state
        m = np.einsum("a,iab,b->i", moving.conj(), s[0], moving).real
        assert np.linalg.norm(m) == pytest.approx(spin, abs=1e-12)  # a coherent state stays one
        m = m / spin
        velocity = np.cross(m, field)
        across = np.eye(3) - np.outer(m, m)
        multiplier = m @ (spin * j.sum(axis=0)[0] * m + field)
        for component in range(3):
            for value, change in correlator(hamiltonian, s, state, time, 2, component):
                u, rate = value / spin, change / spin
                np.testing.assert_allclose(u @ m, 0, atol=1e-12)
                braces = np.cross(u, velocity) + np.cross(m, rate) + spin * j @ u
                np.testing.assert_allclose((braces - multiplier * u) @ across, 0, rtol=0, atol=1e-12)
                # Without the multiplier of the print -Lambda u is not compensated.
                np.testing.assert_allclose(braces @ across, multiplier * u, rtol=0, atol=1e-12)
                # Along M the equation holds for no u: the field drives that component, the constraint removes it.
                np.testing.assert_allclose(braces @ m, u @ field, rtol=0, atol=1e-12)
    # The jump of M x u at equal times is i n across M, for every S.
    m = np.einsum("a,iab,b->i", state.conj(), s[0], state).real / spin
    for component in range(3):
        (later, _), (sooner, _) = correlator(hamiltonian, s, state, 0.0, 2, component)
        expected = np.zeros((sites, 3), dtype=complex)
        expected[2] = 1j * (np.eye(3)[component] - m * m[component])
        np.testing.assert_allclose(np.cross(m, later - sooner) / spin, expected, rtol=0, atol=1e-12)


def test_paper_RHP_57_electron_term_is_minus_i_lambda_squared():
    """Two points, no time: Gaussian vectors x_s coupled to spinors; the determinant is a polynomial, averages exact.

    The points stand for places or for branches and have the signs e_s of two branches. The weight is
    exp(i x K x/2) det[i(D + e lambda sigma.x/2)] with -i K positive. D holds hopping, not symmetric, and a field at
    each point, so that i and j, and the two arguments of G, are told apart. With G = <psi psi^dagger> and M the
    connected <x x> the equation is K M + (electron term) M = i.
    """
    covariance = np.array([[0.8, 0.3], [0.3, 0.5]])
    sign = np.array([1, -1])
    hopping = np.kron(np.array([[0.9 + 0.4j, 0.5], [0.3 - 0.2j, -1.1 - 0.3j]]), np.eye(2))
    for site, b in enumerate(([0.3, 0.1, -0.2], [-0.1, 0.4, 0.2])):
        hopping[2 * site : 2 * site + 2, 2 * site : 2 * site + 2] += np.einsum("i,iab->ab", b, PAULI)
    # Five points are exact to degree 9 in each variable; determinant and two spins are of degree 6 at most.
    node, weight = np.polynomial.hermite_e.hermegauss(5)
    grid = np.stack(np.meshgrid(*[node] * 6, indexing="ij"), -1).reshape(-1, 2, 3)
    x = np.einsum("st,nti->nsi", np.linalg.cholesky(covariance), grid)
    weight = np.prod(np.stack(np.meshgrid(*[weight] * 6, indexing="ij"), -1).reshape(-1, 6), axis=1)
    free_kernel = 1j * np.kron(np.linalg.inv(covariance), np.eye(3))

    def terms(coupling):
        """K M - i, and the loop times M: as corrected, u_j(x) for u_j(y), G_yx G_yx, no signs, i and j interchanged."""
        local = coupling / 2 * np.einsum("s,nsi,iab,st->nsatb", sign, x, PAULI, np.eye(2))
        kernel = hopping + local.reshape(-1, 4, 4)
        determinant = np.linalg.det(kernel) * weight
        determinant /= determinant.sum()
        electron = 1j * np.einsum("n,nab->ab", determinant, np.linalg.inv(kernel))
        electron = electron.reshape(2, 2, 2, 2)  # point, spin, point, spin
        mean = np.einsum("n,nsi->si", determinant, x)
        spins = np.einsum("n,nsi,ntj->sitj", determinant, x, x) - np.einsum("si,tj->sitj", mean, mean)
        bare = np.einsum("iab,xbyc,jcd,ydxa->xiyj", PAULI, electron, PAULI, electron) / 4
        loop = np.einsum("x,y,xiyj->xiyj", sign, sign, bare)
        # Both points as branches of one place. Printed: tr[sigma_j G_yx sigma_i G_yx], y the branch of u.
        same = np.einsum("x,y,jab,ybxc,icd,ydxa->xiyj", sign, sign, PAULI, electron, PAULI, electron) / 4
        found = (
            np.einsum("xiyj,yjzk->xizk", loop, spins),
            np.einsum("xjyi,xjzk->xizk", loop, spins),
            np.einsum("xiyj,yjzk->xizk", same, spins),
            np.einsum("xiyj,yjzk->xizk", bare, spins),
            np.einsum("xjyi,yjzk->xizk", loop, spins),
        )
        return free_kernel @ spins.reshape(6, 6) - 1j * np.eye(6), [one.reshape(6, 6) for one in found]

    _, (bare, bare_place, bare_branches, *_) = terms(0.0)
    rest, misses = [], []
    for coupling in (0.1, 0.05):
        free, (right, place, branches, *others) = terms(coupling)
        free = free / coupling**2
        rest.append(np.abs(free - 1j * right).max())
        # As printed, read either way: the miss is that of the lowest order, from the free G and M.
        for printed, predicted in ((place, bare_place + 1j * bare), (branches, bare_branches + 1j * bare)):
            misses.append(np.abs(free + printed - predicted).max())
            assert np.abs(predicted).max() > 20 * misses[-1]
        # Each slip alone is one of the same order: the factor, the place, the branches of one G, signs, indices.
        for slip in (1j * right, place, branches, *others):
            assert np.abs(free - 1j * slip).max() > 20 * rest[-1]
    np.testing.assert_allclose(np.log2(np.divide(rest[:1] + misses[:2], rest[1:] + misses[2:])), 2, rtol=0, atol=0.05)


def test_limit_57_is_exact_for_saturated_spins_only():
    """In a thermal state the rate at equal times is not that of (57): the magnons meet one another."""
    sites, couplings = 6, {1: 1.0}
    s, j = ring_spins(sites, 0.5), pair_couplings(sites, couplings)
    hamiltonian = ring_hamiltonian(sites, 0.5, couplings, (0, 0, 1.0))
    rates = 1j * (hamiltonian @ s - s @ hamiltonian)
    misses = []
    for temperature in (0.02, 1.0):
        weight = expm(-(hamiltonian - np.eye(len(hamiltonian)) * hamiltonian[0, 0].real) / temperature)
        weight /= np.trace(weight)
        m = np.einsum("ab,iba->i", weight, s[0]).real
        raised = s[1, 0] + 1j * s[1, 1]
        u = np.einsum("ab,xibc,ca->xi", weight, s, raised)
        rate = np.einsum("ab,xibc,ca->xi", weight, rates, raised)
        right = np.cross(m, j @ u) + np.cross(u, 2.0 * m + np.array([0, 0, 1.0]))
        misses.append(np.abs((rate - right)[:, :2]).max() / np.abs(u).max())
    assert misses[0] < 1e-9
    assert misses[1] > 0.05


# --- classical chain and continuum ------------------------------------------------------------------------------------


def chain_spectrum(sites, couplings, field=0.0):
    """Frequencies of the nonlinear classical chain about saturation, from its Jacobian; spins of length 1."""
    j = pair_couplings(sites, couplings)

    def rate(n):
        return np.cross(n, j @ n + np.array([0, 0, field]))

    rest, step = np.tile([0.0, 0.0, 1.0], (sites, 1)), 1e-3
    columns = []
    for site in range(sites):
        for axis in range(2):
            kick = np.zeros((sites, 3))
            kick[site, axis] = step
            # The rate is quadratic in the spins: the central difference is exact.
            columns.append(((rate(rest + kick) - rate(rest - kick)) / (2 * step))[:, :2].ravel())
    eigenvalues = np.linalg.eigvals(np.array(columns).T)
    assert np.abs(eigenvalues.real).max() < 1e-6  # undamped; a double zero splits by the root of the rounding
    return np.sort(np.abs(eigenvalues.imag))[::2]


@pytest.mark.parametrize("couplings", [{1: 1.0}, {1: 1.0, 2: 0.35}])
def test_limit_classical_chain_has_the_same_spectrum(couplings):
    sites, field = 24, 0.17
    k = 2 * np.pi * np.arange(sites) / sites
    waves = np.stack([k, 0 * k, 0 * k], -1)
    expected = np.sort(magnon_dispersion(waves, *chain(couplings), 1.0, gap=field))
    np.testing.assert_allclose(chain_spectrum(sites, couplings, field), expected, rtol=0, atol=1e-8)
    assert expected[0] == pytest.approx(field, abs=1e-15)  # Goldstone: only the field holds the uniform rotation


@pytest.mark.parametrize("couplings", [{1: 1.0}, {1: 1.0, 2: 0.35}])
def test_paper_RHP_84_is_gapless_and_quadratic(couplings):
    """One flipped spin on a long ring of spins 1/2: the lowest levels against both forms of (84)."""
    sites, spin = 400, 0.5
    j = pair_couplings(sites, couplings)
    # S_x^- on the saturated state: H - E = S (J_0 - J), from [H, S^-]; checked against 256 states above.
    levels = np.linalg.eigvalsh(spin * (np.diag(j.sum(axis=0)) - j))
    zeroth, second = exchange_moments(*chain(couplings))
    k = 2 * np.pi / sites * np.array([0, 1, 1, 2, 2, 3, 3])
    corrected = spin * second[0, 0] * k**2 / 2
    fourth = sum(2 * value * distance**4 for distance, value in couplings.items())
    bound = spin * fourth * k**4 / 24
    error = corrected - levels[:7]
    assert (error <= bound * (1 + 1e-9) + 1e-12).all()
    assert (error >= 0.999 * bound - 1e-12).all()
    # Both forms of (84) applied to the waves u_x + i u_y = exp(i k x); |M| = 1, so J contains S.
    wave = np.exp(1j * np.outer(np.arange(sites), k))
    u = np.stack([wave.real, wave.imag, 0 * wave.real], -1)
    symbol = -((2 * np.pi * np.fft.fftfreq(sites)) ** 2)[:, None, None]
    laplacian = np.fft.ifft(symbol * np.fft.fft(u, axis=0), axis=0).real
    m, j_0, j_2 = np.array([0.0, 0.0, 1.0]), spin * zeroth, spin * second[0, 0]
    rates = {"corrected": j_2 / 2 * np.cross(m, laplacian)}
    rates["printed"] = -rates["corrected"] - j_0 * np.cross(m, u)
    found = {form: 1j * (rate[..., 0] + 1j * rate[..., 1]) / wave for form, rate in rates.items()}
    np.testing.assert_allclose(found["corrected"], np.broadcast_to(corrected, wave.shape), rtol=0, atol=1e-12)
    # The miss is J_0 - J_2 k^2.
    printed = np.broadcast_to(corrected + j_0 - j_2 * k**2, wave.shape)
    np.testing.assert_allclose(found["printed"], printed, rtol=0, atol=1e-12)
    printed = printed[0]
    assert printed[0] == pytest.approx(spin * zeroth, abs=1e-12)
    assert levels[0] == pytest.approx(0, abs=1e-12)
    assert (printed > 100 * levels[:7]).all()


def test_paper_RHP_84_sense_of_rotation():
    """A long wave on the nonlinear classical chain turns clockwise about M, as spins do in a field along M."""
    sites = 60
    j = pair_couplings(sites, {1: 1.0})
    k = 2 * np.pi / sites
    tilt = 1e-6 * np.exp(1j * k * np.arange(sites))
    n = np.stack([tilt.real, tilt.imag, np.ones(sites)], -1)
    rate = np.cross(n, j @ n)
    _, second = exchange_moments(*chain({1: 1.0}))
    frequency = np.mean((rate[:, 0] + 1j * rate[:, 1]) / tilt)
    assert frequency.imag == pytest.approx(-second[0, 0] * k**2 / 2, rel=1e-3, abs=0)
    assert abs(frequency.real) < 1e-9
    # M x grad^2 u of the corrected form, for u of the wave; the print has the opposite sign.
    wave = np.stack([tilt.real, tilt.imag, 0 * tilt.real], -1)
    laplacian = -(k**2) * wave
    corrected = 0.5 * second[0, 0] * np.cross([0, 0, 1.0], laplacian)
    np.testing.assert_allclose(rate[:, :2], corrected[:, :2], rtol=0, atol=1e-3 * np.abs(corrected).max())


def test_paper_RHP_statement_M84_fluctuations_do_not_diffuse():
    """A packet on the ring, one magnon, exact: width ~ t and constant weight; diffusion: width ~ root of t, decay."""
    sites, spin, width = 600, 0.5, 6.0
    j = pair_couplings(sites, {1: 1.0})
    energy, modes = np.linalg.eigh(spin * (np.diag(j.sum(axis=0)) - j))
    x = np.arange(sites) - sites // 2
    start = np.exp(-(x**2) / (4 * width**2))
    start /= np.linalg.norm(start)
    stiffness = spin * exchange_moments(*chain({1: 1.0})).second[0, 0] / 2
    times = np.array([400.0, 800.0])
    spread, weight, diffused = [], [], []
    for time in times:
        u = modes @ (np.exp(-1j * energy * time) * (modes.T @ start))
        v = modes @ (np.exp(-energy * time) * (modes.T @ start))  # what a diffusion equation would do
        weight.append((np.abs(u) ** 2).sum())
        spread.append(np.sqrt((np.abs(u) ** 2 * x**2).sum()))
        diffused.append([(v**2).sum(), np.sqrt((v**2 * x**2).sum() / (v**2).sum())])
    np.testing.assert_allclose(weight, 1, rtol=0, atol=1e-12)
    # The continuum's law; the lattice is slower by the fourth order, 1/(8 width^2) of the spread.
    np.testing.assert_allclose(spread, np.hypot(width, stiffness * times / width), rtol=1 / (6 * width**2))
    assert np.log2(spread[1] / spread[0]) == pytest.approx(1, abs=0.05)
    decay = np.array(diffused)
    np.testing.assert_allclose(decay[:, 0], (1 + stiffness * times / width**2) ** -0.5, rtol=1e-2)
    np.testing.assert_allclose(decay[:, 1], np.sqrt(width**2 + stiffness * times), rtol=1e-2)
    assert np.log2(decay[1, 1] / decay[0, 1]) < 0.5


# --- textures, and the bridge to other rooms --------------------------------------------------------------------------


def test_limit_energy_of_a_smooth_texture_on_a_lattice():
    """A texture in three dimensions, pair by pair, against S^2 J_2 (grad n)^2/4 per site; periodic, so no edge."""
    spin, cells = 1.5, 16
    corners = np.stack(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"), -1)
    basis = np.array(CELLS["bcc"]) / 2
    bonds = nearest("bcc") / CONSTANT
    turn = 2 * np.pi / cells

    def n(r):
        theta = 0.9 + 0.2 * np.sin(turn * r[..., 0]) + 0.1 * np.cos(turn * (r[..., 1] + r[..., 2]))
        phi = 0.3 * np.sin(turn * (r[..., 1] - r[..., 0])) + 0.2 * np.cos(turn * r[..., 2])
        return np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1)

    sites = (corners[..., None, :] + basis).reshape(-1, 3)
    _, second = exchange_moments(bonds, COUPLING)
    exact = 0.0
    for bond in bonds:
        exact += 0.5 * COUPLING * spin**2 * (1 - np.sum(n(sites) * n(sites + bond), -1)).mean()
    step = 1e-3
    gradient = [(n(sites + step * axis) - n(sites - step * axis)) / (2 * step) for axis in np.eye(3)]
    continuum = 0.25 * spin**2 * np.einsum("ab,apx,bpx->", second, gradient, gradient) / len(sites)
    # Fourth order: (turn d)^2/12 and a few, 1 % here.
    assert continuum == pytest.approx(exact, rel=0.03, abs=0)
    assert abs(continuum / exact - 1) > 1e-4


def test_limit_stiffness_of_magnons_and_of_textures_belong_together():
    """2 gamma hbar A/M_s = S J_2/2 with A = S^2 J_2/4v and M_s = g mu_B S/v, for g = 2."""
    spin, coupling, d = 1.0, 10 * meV, 0.3 * nm
    bonds = nearest("bcc") / CONSTANT * d
    _, second = exchange_moments(bonds, coupling)
    volume = d**3 / 2
    exchange = spin**2 * second[0, 0] / (4 * volume)
    saturation = 2 * mu_B * spin / volume
    band = 2 * (2 * mu_B / hbar) * hbar * exchange / saturation
    k = 1e-3 / d * unit_vector([1.0, 2.0, -0.5])
    assert band * (k @ k) == pytest.approx(magnon_dispersion(k, bonds, coupling, spin), rel=1e-6, abs=0)
    # The free electron's g is 2.0023: the library's gyromagnetic ratio gives the same to 0.2 %.
    assert gyromagnetic_ratio * hbar / (2 * mu_B) == pytest.approx(1, abs=2e-3)
    # Energy of a helix by pairs, in J/m^3.
    q = 1e-3 / d
    pairs = 0.5 * coupling * spin**2 * (2 * np.sin(q * bonds[:, 0] / 2) ** 2).sum() / volume
    assert exchange * q**2 == pytest.approx(pairs, rel=1e-6, abs=0)


def test_invariant_exchange_of_a_rotated_texture():
    """A uniform rotation of all spins costs nothing and leaves the spectrum: the symmetry behind the Goldstone mode."""
    sites, spin = 5, 0.5
    hamiltonian, s = ring_hamiltonian(sites, spin, {1: 1.0, 2: 0.3}), ring_spins(sites, spin)
    total = s.sum(axis=0)
    assert np.abs(hamiltonian @ total - total @ hamiltonian).max() < 1e-13
    n = unit_vector(np.random.default_rng(57).normal(size=(sites, 3)))
    j = pair_couplings(sites, {1: 1.0, 2: 0.3})
    turned = n @ rotation_matrix((1, 2, 3), 0.8).T
    energies = [-0.5 * np.einsum("xy,xi,yi->", j, v, v) for v in (n, turned)]
    assert energies[0] == pytest.approx(energies[1], abs=1e-13)
