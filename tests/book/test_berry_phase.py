"""RHP (31)-(34), (55), (76)-(79): Berry term and equation of Landau and Lifshitz, each against another route.

The routes: coherent states of 2S + 1 components from matrix exponentials, quadrature of the surface integral,
commutators and mean values in the Fock space of electrons times local spins, differences of a generating functional
on both branches, adiabatic evolution. Printed forms miss by what is predicted. H = -B.S - lambda s.S, hbar = 1.
"""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from spinlib.dynamics.macrospin import llg_rate
from spinlib.field_theory import berry_phase, exchange_moments, fermion_operators, magnon_dispersion
from spinlib.spin import PAULI, direction, rotation_matrix, spin_matrices, unit_vector
from tests.quantum import LEVI_CIVITA, dagger, green_functions, heisenberg, mixed_state, spin_sites

SPINS = (0.5, 1.0, 2.5)
LAMBDA = 0.7
FIELD = np.array([0.3, -0.5, 0.4])


def grid(number):
    return 2 * np.pi * np.arange(number) / number


def loop(t):
    """A closed path in the upper half of the sphere and its rate."""
    raw = np.stack([0.8 * np.cos(t) + 0.1, 0.7 * np.sin(t) + 0.15 * np.sin(2 * t), 0.5 + 0.2 * np.cos(3 * t)], -1)
    rate = np.stack([-0.8 * np.sin(t), 0.7 * np.cos(t) + 0.3 * np.cos(2 * t), -0.6 * np.sin(3 * t)], -1)
    length = np.linalg.norm(raw, axis=-1, keepdims=True)
    n = raw / length
    return n, (rate - n * np.sum(n * rate, axis=-1, keepdims=True)) / length


def solid_angle(number=256):
    """Integral of (1 - cos theta) d phi; the rule of rectangles is exact to rounding for a smooth period."""
    n, rate = loop(grid(number))
    turning = (n[:, 0] * rate[:, 1] - n[:, 1] * rate[:, 0]) / (1 - n[:, 2] ** 2)
    return np.mean((1 - n[:, 2]) * turning) * 2 * np.pi


def surface(centre, shape, slope, number=256):
    """Integral (32) without a factor for the map m ~ w n(t) + (1 - w) centre with w = shape(tau)."""
    n, rate = loop(grid(number))
    nodes, weights = np.polynomial.legendre.leggauss(60)
    total = 0.0
    for tau, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        w = shape(tau)
        m = w * n + (1 - w) * centre
        triple = np.einsum("ti,ti->t", m, np.cross(w * rate, slope(tau) * (n - centre)))
        total += weight * np.mean(triple / np.linalg.norm(m, axis=-1) ** 3) * 2 * np.pi
    return total


def coherent(n, spin):
    """States exp(-i phi S_z) exp(-i theta S_y)|S> of all components."""
    _, y, z = spin_matrices(spin)
    theta, phi = np.arccos(n[..., 2]), np.arctan2(n[..., 1], n[..., 0])
    return (expm(-1j * phi[..., None, None] * z) @ expm(-1j * theta[..., None, None] * y))[..., 0]


def links(states):
    """Overlaps <k+1|k> of a closed path."""
    return np.einsum("ka,ka->k", np.roll(states, -1, axis=0).conj(), states)


def closed_phase(n, spin, near=0.0):
    """Phase of the product of overlaps, on the branch next to ``near``."""
    return near + np.angle(np.prod(links(coherent(n, spin))) * np.exp(-1j * near))


def modulo(difference, period=2 * np.pi):
    return np.abs(difference - period * np.round(difference / period))


def slope_along(action, paths, changes, width=1e-4):
    """Derivative of an action of unit vectors along tangent changes."""

    def moved(sign):
        return action(*(unit_vector(n + sign * width * change) for n, change in zip(paths, changes, strict=True)))

    return (moved(1) - moved(-1)) / (2 * width)


def wiggle(n, seed):
    """A smooth change across n."""
    t = grid(len(n))
    weights = np.random.default_rng(seed).normal(size=(4, 3))
    change = np.stack([np.ones_like(t), np.cos(t), np.sin(2 * t), np.sin(t)], -1) @ weights
    return change - n * np.sum(n * change, axis=-1, keepdims=True)


# --- the Berry term ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("spin", SPINS)
def test_invariant_coherent_states_are_products_of_spins_one_half(spin):
    rng = np.random.default_rng(1)
    a, b = (unit_vector(rng.normal(size=(30, 3))) for _ in range(2))
    overlap = np.einsum("na,na->n", coherent(b, spin).conj(), coherent(a, spin))
    half = np.einsum("na,na->n", coherent(b, 0.5).conj(), coherent(a, 0.5))
    np.testing.assert_allclose(overlap, half ** round(2 * spin), rtol=0, atol=1e-12)
    cosine = np.sqrt((1 + np.sum(a * b, axis=-1)) / 2)  # of half the angle
    np.testing.assert_allclose(np.abs(overlap), cosine ** (2 * spin), rtol=0, atol=1e-12)


def test_paper_RHP_32_overlaps_have_minus_s_times_the_integral():
    integral = surface(np.array([0.0, 0.0, 1.0]), lambda tau: 1 - tau, lambda tau: -1.0)
    assert integral == pytest.approx(solid_angle(), abs=1e-9)
    for spin in SPINS:
        corrected, printed = -spin * integral, integral
        # Phases of the overlaps; two numbers of slices remove the error of second order, 1e-7 is left.
        coarse, fine = (closed_phase(loop(grid(number))[0], spin, corrected) for number in (200, 400))
        found = fine + (fine - coarse) / 3
        assert found == pytest.approx(corrected, abs=1e-6)
        assert berry_phase(loop(grid(400))[0], spin) == pytest.approx(fine, abs=1e-10)
        assert printed - found == pytest.approx((1 + spin) * solid_angle(), abs=1e-6)
        assert modulo(printed - found) > 0.1

        # The action with its energy is stationary on dn/dt = n x B; B = -n x dn/dt drives this path.
        n, rate = loop(grid(800))
        drive, step = -np.cross(n, rate), 2 * np.pi / 800
        np.testing.assert_allclose(np.cross(n, drive), rate, rtol=0, atol=1e-13)
        change = wiggle(n, 7)

        def energy(path, spin=spin, drive=drive, step=step):
            return spin * step * np.sum(drive * path)

        def action(path, spin=spin, energy=energy):
            return closed_phase(path, spin, -spin * solid_angle()) + energy(path)

        def as_printed(path, energy=energy):
            return -2 * closed_phase(path, 0.5, -solid_angle() / 2) + energy(path)

        # The sums miss the integrals by (2 pi/800)^2 of their size.
        miss = -(1 + spin) * step * np.sum(change * np.cross(n, rate))
        assert slope_along(action, [n], [change]) == pytest.approx(0, abs=1e-3)
        assert slope_along(as_printed, [n], [change]) == pytest.approx(miss, abs=1e-3)
        assert abs(miss) > 1


@pytest.mark.parametrize("spin", SPINS)
def test_paper_RHP_32_frequencies_of_the_printed_form(spin):
    """c (1 - cos theta) phi' + S B cos theta is stationary at phi' = S B/c; quantum mechanics has -B."""
    field, polar, time = 1.3, 0.8, 0.4
    x, y, z = spin_matrices(spin)
    state = expm(1j * field * z * time) @ coherent(direction(polar), spin)  # H = -B S_z
    turned = np.angle(np.einsum("a,ab,b", state.conj(), x + 1j * y, state))
    measured = turned / time
    assert measured == pytest.approx(-field, abs=1e-12)
    for length in (1.0, spin):  # of the field m in (32): m.(dm x dm) = |m|^3 n.(dn x dn)
        corrected, printed = -spin / length**3, 1.0
        assert spin * field / (corrected * length**3) == pytest.approx(measured, abs=1e-12)
        # +S B for unit vectors and +B/S^2 for vectors of length S.
        assert spin * field / (printed * length**3) == pytest.approx(-measured * spin / length**3, abs=1e-12)


def test_paper_RHP_33_gives_the_integral_its_sign():
    up, omega = np.array([0.0, 0.0, 1.0]), solid_angle()
    # tau = 0 is the path, tau = 1 the fixed vector, whatever lies between.
    for power in (1, 2, 3):
        found = surface(up, lambda tau, p=power: 1 - tau**p, lambda tau, p=power: -p * tau ** (p - 1))
        assert found == pytest.approx(omega, abs=1e-9)
    tilted = surface(direction(0.3, 2.0), lambda tau: 1 - tau, lambda tau: -1.0)
    assert tilted == pytest.approx(omega, abs=1e-9)
    # The ends exchanged, m(t, 0) = m_0: the printed sign, but not the missing S, would belong to this map.
    exchanged = surface(up, lambda tau: tau, lambda tau: 1.0)
    assert exchanged == pytest.approx(-omega, abs=1e-9)
    # Through the lower half of the sphere: another surface, 4 pi less.
    assert surface(-up, lambda tau: 1 - tau, lambda tau: -1.0) == pytest.approx(omega - 4 * np.pi, abs=1e-8)


@pytest.mark.parametrize("spin", SPINS)
def test_paper_RHP_34_the_branches_close(spin):
    number, width = 400, 1.3
    u = np.linspace(0, 1, number + 1)

    def branch(height, shift=0.0):
        cosine = 0.2 + height * np.sin(np.pi * u)
        return direction(np.arccos(cosine), width * (u + shift * (1 - u)))

    rng = np.random.default_rng(6)

    def phases(path, gauge):
        states = coherent(path, spin) * np.exp(1j * gauge)[:, None]
        return np.angle(np.einsum("ka,ka->k", states[1:].conj(), states[:-1])).sum()

    # Forward on one branch, back on the other; between them -int (c_1 - c_2) d phi of solid angle.
    gauge_1, gauge_2 = rng.normal(size=(2, number + 1))
    gauge_2[[0, -1]] = gauge_1[[0, -1]]  # (34) and the turning point: one state at each end
    forward, back = branch(0.3), branch(-0.1)
    found = phases(forward, gauge_1) - phases(back, gauge_2)
    between = -0.4 * width * 2 / np.pi
    assert modulo(found + spin * between) == pytest.approx(0, abs=1e-4)  # 400 slices
    plain = phases(forward, 0 * gauge_1) - phases(back, 0 * gauge_2)
    assert modulo(found - plain) == pytest.approx(0, abs=1e-9)
    circuit = np.concatenate([forward, back[-2:0:-1]])
    assert modulo(found - berry_phase(circuit, spin)) == pytest.approx(0, abs=1e-9)
    # Two different states in the remote past: the phase follows their gauges; <m_1|rho|m_2> of (26) takes that up.
    gauge_3 = gauge_2.copy()
    gauge_3[0] += 1.1
    apart = branch(-0.1, shift=0.2)
    change = phases(apart, gauge_3) - phases(apart, gauge_2)
    assert modulo(change - 1.1) == pytest.approx(0, abs=1e-9)
    size = round(2 * spin) + 1
    state = mixed_state(rng, size)
    closed = []
    for gauges in rng.normal(size=(3, 2, number + 1)):
        gauges[1, -1] = gauges[0, -1]
        first, second = (coherent(path[0], spin) for path in (forward, apart))
        bra, ket = first * np.exp(1j * gauges[0, 0]), second * np.exp(1j * gauges[1, 0])
        element = np.angle(bra.conj() @ state @ ket)
        closed.append(phases(forward, gauges[0]) + element - phases(apart, gauges[1]))
    np.testing.assert_allclose(modulo(np.subtract(closed, closed[0])), 0, rtol=0, atol=1e-9)


def test_paper_RHP_31_action_is_stationary_on_the_equations_of_motion():
    """A local spin and one electron in a field along their sum turn rigidly about it, which closes the paths."""
    spin, length = 2.0, 0.6
    n0, e0 = direction(0.7, 0.2), direction(1.9, -0.8)
    total = spin * n0 + e0 / 2
    rate = length + LAMBDA * np.linalg.norm(total)
    period = 2 * np.pi / rate
    number = 1200
    turns = rotation_matrix(total, -2 * np.pi * np.arange(number) / number)
    n, e = turns @ n0, turns @ e0
    field, step = length * unit_vector(total), period / number

    # The paths solve both equations of motion.
    axis = unit_vector(total)
    np.testing.assert_allclose(-rate * np.cross(axis, n), np.cross(n, field + LAMBDA * e / 2), rtol=0, atol=1e-12)
    np.testing.assert_allclose(-rate * np.cross(axis, e), np.cross(e, field + LAMBDA * spin * n), rtol=0, atol=1e-12)

    def energy(local, electron):
        exchange = LAMBDA * spin / 2 * np.sum(local * electron)
        return step * (exchange + np.sum((spin * local + electron / 2) @ field))

    near = closed_phase(n, spin), closed_phase(e, 0.5)

    def action(local, electron):
        kinetic = closed_phase(local, spin, near[0]) + closed_phase(electron, 0.5, near[1])
        return kinetic + energy(local, electron)

    still = np.zeros_like(n)
    for changes in ((wiggle(n, 1), still), (still, wiggle(e, 2))):
        # Each term alone changes by order one; the sums miss by (2 pi/1200)^2.
        assert slope_along(action, [n, e], changes) == pytest.approx(0, abs=2e-3)
        assert abs(slope_along(energy, [n, e], changes)) > 0.5


# --- Green functions at equal times -----------------------------------------------------------------------------------


def fock_state(seed):
    """A mixture of 0, 1 and 2 electrons in one orbital with its spin, and <a_s'^+ a_s> with s for the row."""
    rng = np.random.default_rng(seed)
    a = fermion_operators(2)
    mixed = np.zeros((4, 4), complex)
    mixed[0, 0], mixed[3, 3] = 0.2, 0.1
    mixed[1:3, 1:3] = 0.7 * mixed_state(rng, 2)
    density = np.array([[np.trace(mixed @ a[t].T @ a[s]) for t in range(2)] for s in range(2)])
    return a, mixed, density


def spin_operators(a):
    """s = a^+ sigma a/2 in Fock space."""
    return np.einsum("sab,ist,tbc->iac", a.swapaxes(1, 2), PAULI / 2, a)


def green(a, mixed, hamiltonian, before, after):
    """The four functions (47) for the times of x and y."""
    psi, bar = heisenberg(a, hamiltonian, before), heisenberg(dagger(a), hamiltonian, after)
    return green_functions(mixed, psi, bar, before > after)


def electron_hamiltonian(a, vector):
    return -np.einsum("i,iab->ab", vector, spin_operators(a)) + 0.9 * np.einsum("sab,sac->bc", a, a)


def half_trace(matrix):
    """tr sigma G/2 with sigma_s's G^ss'."""
    return np.einsum("its,st->i", PAULI, matrix) / 2


def test_paper_RHP_78_limit_and_the_side_it_comes_from():
    a, mixed, density = fock_state(11)
    hamiltonian = electron_hamiltonian(a, np.array([0.4, 0.2, -0.9]))
    steps = np.array([1e-2, 5e-3])
    for name, side in (((1, 1), 1), ((2, 2), -1)):  # y later on branch 1, earlier on branch 2
        found = [green(a, mixed, hamiltonian, 0.0, side * step)[name] for step in steps]
        errors = [np.abs(matrix + density).max() for matrix in found]
        assert errors[0] / errors[1] == pytest.approx(2, abs=0.02)  # first order in the distance
        np.testing.assert_allclose(2 * found[1] - found[0], -density, rtol=0, atol=1e-4)
        # From the other side the limit differs by the unit matrix, of which sigma takes no trace.
        other = [green(a, mixed, hamiltonian, 0.0, -side * step)[name] for step in steps]
        limit = 2 * other[1] - other[0]
        np.testing.assert_allclose(limit, np.eye(2) - density, rtol=0, atol=1e-4)
        np.testing.assert_allclose(half_trace(limit), half_trace(-density), rtol=0, atol=1e-4)


SIDE, TURNING, AXIS = 1e-3, 0.9, direction(1.5, 1.4)  # of a chain n(x) that winds about an axis
J2 = 0.8


def along_chain(n, x):
    """Direction at x of the chain that has n at 0; curvature there."""
    return rotation_matrix(AXIS, TURNING * x) @ n, TURNING**2 * np.cross(AXIS, np.cross(AXIS, n))


def exact_rate(spin, n, mixed, operators):
    """dn/dt of a local spin between two neighbours in a product state, from i[H, S], all of them quantum spins."""
    left, here, right = np.kron(np.eye(4), spin_sites(spin, spin, spin))
    electron = np.kron(operators, np.eye(round(2 * spin + 1) ** 3))
    exchange = J2 / (2 * SIDE**2)  # J_2 of (86), sum J d^2, is that of two neighbours
    energy = -np.einsum("iab,ibc->ac", here, exchange * (left + right) + LAMBDA * electron)
    energy = energy - np.einsum("i,iab->ab", FIELD, left + here + right)
    states = [coherent(along_chain(n, x)[0], spin) for x in (-SIDE, 0, SIDE)]
    psi = np.kron(np.kron(states[0], states[1]), states[2])
    rho = np.kron(mixed, np.outer(psi, psi.conj()))
    # tr(rho i[H, S]) = i tr((rho H - H rho) S)
    flow = 1j * (rho @ energy - energy @ rho)
    return np.einsum("iab,ba->i", here, flow).real / spin


def test_paper_RHP_77_has_the_spin_with_a_minus_sign():
    spin, n = 1.0, direction(0.8, 0.5)
    a, mixed, _ = fock_state(12)
    hamiltonian = electron_hamiltonian(a, FIELD + LAMBDA * spin * n)
    mean = np.einsum("iab,ba->i", spin_operators(a), mixed).real
    step = 1e-6
    averaged = (green(a, mixed, hamiltonian, 0, step)[1, 1] + green(a, mixed, hamiltonian, 0, -step)[2, 2]) / 2
    np.testing.assert_allclose(half_trace(averaged), -mean, rtol=0, atol=1e-5)

    exact = exact_rate(spin, n, mixed, spin_operators(a))
    known = FIELD + spin * J2 / 2 * along_chain(n, 0)[1]
    corrected = np.cross(n, known - LAMBDA * half_trace(averaged).real)
    printed = np.cross(n, known + LAMBDA * half_trace(averaged).real)
    np.testing.assert_allclose(corrected, exact, rtol=0, atol=1e-5)
    np.testing.assert_allclose(printed - exact, -2 * LAMBDA * np.cross(n, mean), rtol=0, atol=1e-5)
    assert np.linalg.norm(np.cross(n, mean)) > 0.05
    assert np.linalg.norm(np.cross(n, known - FIELD)) > 0.05


def test_paper_RHP_55_needs_a_multiplier_and_the_other_sign():
    spin, n = 1.0, direction(1.1, -0.4)
    a, mixed, density = fock_state(13)
    rate = exact_rate(spin, n, mixed, spin_operators(a))
    g = -density  # G_11(x, x+) and G_22(x, x-)
    known = FIELD + spin * J2 / 2 * along_chain(n, 0)[1]  # |M| = 1: J = S J_2
    force = known - LAMBDA * half_trace(g).real
    across = force - n * (n @ force)
    # Differences of the chain over one side miss by its square, 1e-6; rounding is 1e-16/side^2.
    np.testing.assert_allclose(np.cross(n, rate) + across, 0, rtol=0, atol=1e-6)
    # Without the projection the left side keeps Lambda n, Lambda = n.(B + J lap n/2 + lambda s).
    mean = np.einsum("iab,ba->i", spin_operators(a), mixed).real
    multiplier = n @ (known + LAMBDA * mean)
    np.testing.assert_allclose(np.cross(n, rate) + force, multiplier * n, rtol=0, atol=1e-6)
    assert abs(multiplier) > 0.1
    # The printed sign leaves -2 lambda s besides.
    printed = np.cross(n, rate) + known + LAMBDA * half_trace(g).real
    np.testing.assert_allclose(printed, multiplier * n - 2 * LAMBDA * mean, rtol=0, atol=1e-6)


@pytest.mark.parametrize("spin", [0.5, 1.0, 1.5])
def test_paper_RHP_55_cells_of_length_s(spin):
    """|M| = S, J = J_2: the first term needs 1/S^2; as printed the rate comes out 1/S^2 times as large."""
    n = direction(1.1, -0.4)
    a, mixed, density = fock_state(13)
    magnetisation, rate = spin * n, spin * exact_rate(spin, n, mixed, spin_operators(a))
    force = FIELD + J2 / 2 * spin * along_chain(n, 0)[1] + LAMBDA * half_trace(density).real
    across = force - n * (n @ force)
    kinetic = np.cross(magnetisation, rate)
    np.testing.assert_allclose(kinetic / spin**2 + across, 0, rtol=0, atol=1e-6)
    np.testing.assert_allclose(kinetic + across, (1 - spin**2) * across, rtol=0, atol=1e-5)


def test_paper_RHP_76_one_mean_without_sources():
    spin, slices, step = 1.0, 6, 0.3
    operators = spin_matrices(spin)
    rng = np.random.default_rng(14)
    rho = mixed_state(rng, 3)

    def propagator(sources):
        u = np.eye(3)
        for source in sources:
            u = expm(1j * step * np.einsum("i,iab->ab", FIELD + source, operators)) @ u
        return u

    def logarithm(first, second):
        return np.log(np.trace(rho @ propagator(second).conj().T @ propagator(first)))

    def means(first, second, width=1e-4):
        """(21), (22): M_1 = -i d ln Z/dJ_1 and M_2 = +i d ln Z/dJ_2 in each slice."""
        found = np.empty((2, slices, 3), complex)
        for k in range(slices):
            for i in range(3):
                kick = np.zeros((slices, 3))
                kick[k, i] = width
                one = logarithm(first + kick, second) - logarithm(first - kick, second)
                two = logarithm(first, second + kick) - logarithm(first, second - kick)
                found[:, k, i] = -1j * one, 1j * two
        return found / (2 * width * step)

    off = np.zeros((slices, 3))
    forward, back = means(off, off)
    np.testing.assert_allclose(forward, back, rtol=0, atol=1e-7)
    np.testing.assert_allclose(forward.imag, 0, rtol=0, atol=1e-7)
    # Both are the mean spin of the slice; the mean over a slice of exp(i t B.S) S exp(-i t B.S) by quadrature.
    nodes, weights = np.polynomial.legendre.leggauss(8)
    for k in range(slices):
        mean = np.zeros(3)
        for node, weight in zip(nodes, weights / 2, strict=True):
            u = expm(1j * (k + (node + 1) / 2) * step * np.einsum("i,iab->ab", FIELD, operators))
            mean += weight * np.einsum("iab,ba->i", operators, u @ rho @ u.conj().T).real
        np.testing.assert_allclose(forward[k].real, mean, rtol=0, atol=1e-6)
    # The same field on both branches is a physical one. Unlike sources split the means, by the response of the future:
    # ln Z = i sum_l (J_1 - J_2)_l.M_l[J] to first order, so M_1 - M_2 at k is sum_l (J_1 - J_2)_l.dM_l/dJ_k.
    push = 0.2 * rng.normal(size=(slices, 3))
    np.testing.assert_allclose(*means(push, push), rtol=0, atol=1e-7)
    small = 1e-3 * push
    split = np.subtract(*means(small, -small))
    response = np.empty((slices, 3))
    for k in range(slices):
        for i in range(3):
            kick = np.zeros((slices, 3))
            kick[k, i] = 0.01
            change = means(kick, kick)[0] - means(-kick, -kick)[0]
            response[k, i] = np.sum(2 * small * change.real) / 0.02
    np.testing.assert_allclose(split, response, rtol=0, atol=2e-7)
    assert np.abs(response).max() > 3e-5


# --- the equation of Landau and Lifshitz ------------------------------------------------------------------------------


def test_paper_RHP_79_is_a_matrix_identity():
    """Two local spins 1 with exchange and the Fock space of one orbital: i[H, S_1] = S_1 x (B + J S_2 + lambda s)."""
    s, exchange = spin_operators(fermion_operators(2)), 0.6
    first, second = np.kron(spin_sites(1, 1), np.eye(4))
    electron = np.array([np.kron(np.eye(9), one) for one in s])
    energy = -np.einsum("i,iab->ab", FIELD, first + second + electron)
    energy = energy - np.einsum("iab,ibc->ac", first, exchange * second + LAMBDA * electron)
    rate = 1j * (energy @ first - first @ energy)
    field = FIELD[:, None, None] * np.eye(36) + exchange * second + LAMBDA * electron
    np.testing.assert_allclose(rate, np.einsum("ijk,jab,kbc->iac", LEVI_CIVITA, first, field), rtol=0, atol=1e-13)
    np.testing.assert_allclose(
        1j * (energy @ electron - electron @ energy),
        np.einsum("ijk,jab,kbc->iac", LEVI_CIVITA, electron, FIELD[:, None, None] * np.eye(36) + LAMBDA * first),
        rtol=0,
        atol=1e-13,
    )


def test_paper_RHP_79_classical_pair_keeps_lengths_and_energy():
    spin, electron = 1.7, 0.4
    start = np.concatenate([direction(0.6, 1.0) * spin, direction(2.0, -0.5) * electron])

    def rate(_, y):
        return np.concatenate([np.cross(y[:3], FIELD + LAMBDA * y[3:]), np.cross(y[3:], FIELD + LAMBDA * y[:3])])

    times = np.linspace(0, 30, 61)
    found = solve_ivp(rate, (0, 30), start, t_eval=times, rtol=1e-10, atol=1e-12).y.T
    m, s = found[:, :3], found[:, 3:]
    energy = -(m + s) @ FIELD - LAMBDA * np.sum(m * s, axis=-1)
    for kept in (np.linalg.norm(m, axis=-1), np.linalg.norm(s, axis=-1), energy, (m + s) @ FIELD):
        np.testing.assert_allclose(kept, kept[0], rtol=0, atol=1e-7)
    # About the sum by -lambda |S + s| t, then about the field by -|B| t.
    total = start[:3] + start[3:]
    inner = rotation_matrix(total, -LAMBDA * np.linalg.norm(total) * times)
    outer = rotation_matrix(FIELD, -np.linalg.norm(FIELD) * times)
    np.testing.assert_allclose(m, (outer @ inner @ start[:3, None])[..., 0], rtol=0, atol=1e-7)


def test_paper_RHP_79_exchange_constant_goes_with_the_length_of_the_spin():
    """(1/2) J_2 |M| k^2 of a plane wave: J = J_2 of (86) for a field of length S, S J_2 for a unit vector."""
    bonds = np.concatenate([np.eye(3), -np.eye(3)])
    coupling, spin = 0.8, 2.5
    _, second = exchange_moments(bonds, coupling)
    j2 = np.trace(second) / 3
    assert j2 == pytest.approx(2 * coupling, abs=1e-15)
    k, tilt = np.array([0.02, 0.0, 0.0]), 0.4

    def direct(site):
        return direction(tilt, k @ site)

    # A cone that winds along k, at the origin.
    here = np.zeros(3)
    field = spin * coupling * sum(direct(here + bond) for bond in bonds)
    rate = np.cross(direct(here), field)
    curvature = k @ k * np.array([-np.sin(tilt), 0, 0])
    np.testing.assert_allclose(rate, np.cross(direct(here), spin * j2 / 2 * curvature), rtol=0, atol=1e-8)
    assert np.linalg.norm(rate) > 1e-4
    without_spin = np.cross(direct(here), j2 / 2 * curvature)
    assert np.linalg.norm(rate) / np.linalg.norm(without_spin) == pytest.approx(spin, abs=1e-3)
    energy = magnon_dispersion(k, bonds, coupling, spin)
    assert energy == pytest.approx(spin * j2 / 2 * k @ k, abs=3e-8)  # S J k^4/12


def test_paper_RHP_79_in_moments_is_the_equation_of_a_negative_charge():
    """m = -S, mu = -s: the energy -gamma B.m - lambda m.mu gives dm/dt = -m x (gamma B + lambda mu)."""
    spin, n, e, tesla, gamma = 1.5, direction(0.9, 0.3), direction(1.7, -1.1), np.array([0.4, 0.1, -0.7]), 1.8
    moment, other = -spin_sites(spin, 1 / 2)
    energy = -np.einsum("i,iab->ab", gamma * tesla, moment) - LAMBDA * np.einsum("iab,ibc->ac", moment, other)
    psi = np.kron(coherent(n, spin), coherent(e, 0.5))
    rate = np.einsum("a,iab,b->i", psi.conj(), 1j * (energy @ moment - moment @ energy), psi).real / spin
    # <m> = -S n and <mu> = -e/2; the second moment is a field lambda mu/gamma.
    seen = tesla + LAMBDA * (-e / 2) / gamma
    np.testing.assert_allclose(llg_rate(-n, seen, alpha=0.0, gyromagnetic_ratio=gamma), rate, rtol=0, atol=1e-12)
    on_spin = np.cross(n, -gamma * tesla + LAMBDA * e / 2)  # (79)
    np.testing.assert_allclose(rate, -on_spin, rtol=0, atol=1e-12)


def pair(spin, cosine):
    """A local spin along z and an electron at the angle, times and exact means in H = -lambda S.s."""
    n, e = np.array([0.0, 0.0, 1.0]), np.array([np.sqrt(1 - cosine**2), 0.0, cosine])
    l_all, s_all = spin_sites(spin, 1 / 2)
    energy = -LAMBDA * np.einsum("iab,ibc->ac", l_all, s_all)
    state = np.kron(coherent(n, spin), coherent(e, 0.5))
    return n, e, l_all, s_all, energy, state


@pytest.mark.parametrize("spin", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("cosine", [-1.0, -0.3, 0.6])
def test_paper_RHP_statement_mean_field_leaves_correlations_out(spin, cosine):
    n, e, local, electron, energy, state = pair(spin, cosine)
    product = np.einsum("ijk,jab,kbc->iac", LEVI_CIVITA, local, electron)

    def mean(operators, psi):
        return np.einsum("a,iab,b->i", psi.conj(), operators, psi).real

    def correlation(time):
        psi = expm(-1j * energy * time) @ state
        return mean(product, psi) - np.cross(mean(local, psi), mean(electron, psi))

    # Exact at first; then it grows at (lambda S/4)(1 - n.e)(e - n).
    np.testing.assert_allclose(correlation(0.0), 0, rtol=0, atol=1e-13)
    growth = (correlation(1e-4) - correlation(-1e-4)) / 2e-4
    np.testing.assert_allclose(growth, LAMBDA * spin / 4 * (1 - cosine) * (e - n), rtol=0, atol=1e-6)
    # The exact motion: one frequency lambda (S + 1/2).
    frequency = LAMBDA * (spin + 0.5)
    for time in (0.4, 1.7, 5.0):
        psi = expm(-1j * energy * time) @ state
        s = 2 * mean(electron, psi)
        across = np.sqrt(1 - cosine**2) * (1 + 2 * spin * np.exp(-1j * frequency * time)) / (2 * spin + 1)
        along = cosine + (1 - cosine) * 8 * spin * np.sin(frequency * time / 2) ** 2 / (2 * spin + 1) ** 2
        np.testing.assert_allclose(s, [across.real, across.imag, along], rtol=0, atol=1e-12)
        # The two means add up to a constant, but the length of the local one shrinks.
        np.testing.assert_allclose(mean(local, psi) + s / 2, spin * n + e / 2, rtol=0, atol=1e-12)
        assert np.linalg.norm(mean(local, psi)) < spin


# --- Berry's phase ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("spin", "projection"), [(0.5, 0.5), (1.0, 1.0), (1.0, 0.0), (1.5, 0.5), (1.5, -1.5)])
def test_limit_adiabatic_phase_is_minus_m_times_the_solid_angle(spin, projection):
    """H = -b n(t).S with a slow loop: after the dynamical phase -m Omega, + m <|dn/ds|^2>/2bT to first order."""
    field = 1.0
    operators = spin_matrices(spin)
    omega = solid_angle()
    index = round(spin - projection)
    rest = []
    for duration in (400.0, 800.0):
        steps = round(4 * duration)
        h = duration / steps
        nodes = (np.arange(steps)[:, None] + 0.5 + np.array([-1, 1]) * np.sqrt(3) / 6) / steps
        first, second = (loop(2 * np.pi * nodes[:, i])[0] for i in (0, 1))
        vector = field * h / 2 * (first + second) - np.sqrt(3) / 12 * (field * h) ** 2 * np.cross(second, first)
        states = expm(1j * np.einsum("ki,iab->kab", vector, operators))
        theta, phi = np.arccos(loop(0.0)[0][2]), np.arctan2(*loop(0.0)[0][1::-1])
        begin = (expm(-1j * phi * operators[2]) @ expm(-1j * theta * operators[1]))[:, index]
        end = begin
        for one in states:
            end = one @ end
        overlap = begin.conj() @ end * np.exp(-1j * field * projection * duration)
        assert abs(overlap) == pytest.approx(1, abs=1e-2)
        rest.append(np.angle(overlap * np.exp(1j * projection * omega)))
    _, rates = loop(grid(256))
    square = np.mean(np.sum(rates**2, axis=-1)) * (2 * np.pi) ** 2  # of dn/ds, s from 0 to 1
    expected = projection * square / (2 * field * np.array([400.0, 800.0]))
    np.testing.assert_allclose(rest, expected, rtol=0.02, atol=1e-5)
    if projection == spin:
        assert modulo(berry_phase(loop(grid(2000))[0], spin) + projection * omega) == pytest.approx(0, abs=1e-4)
