"""RHP (67)-(75), (87)-(92) and two statements, each against a route that does not use it.

The routes: the Boltzmann equation (66) with many directions of flight (v_F = tau = 1, D = 1/3, a = omega tau,
share = tau/tau_sf), rotations averaged over flights, quantum mechanics of one spin, differences of fluxes that a linear
solver gives. Printed forms miss by what is predicted.
"""

import numpy as np
import pytest
from scipy.integrate import quad_vec, solve_ivp
from scipy.linalg import block_diag, expm
from scipy.special import exp1

from spinlib.accumulation import DiffusiveMedium, decay_rate, exchange_diffusion_tensor, transverse_wavenumber
from spinlib.spin import PAULI, cross_matrix, rotation_matrix, spin_matrices
from spinlib.units import hbar, meV
from tests.spinlib.discrete_ordinates import decay_rates, directions, discrete_mode, losses, scaled, spatial_modes

RNG = np.random.default_rng(2005)
ANGLES = np.array([-4.0, -0.7, 0.05, 0.456, 1.0, 3.0, 100.0])


def response(a, share, q, number=60):
    """m and j that a source exp(i q x) feeds across a uniform field, in all directions of flight alike."""
    mu, weights = directions(number)
    f = np.linalg.solve(losses(a, share, number, q), share * np.ones(number))
    return weights @ f, weights @ (mu * f)


def measured_diffusivity(a, share=0.3, q=1e-3):
    """-j_+/(dm_+/dx), which is D_xx - i D_xy; q^2 leaves 1e-6."""
    m, j = response(a, share, q)
    return -j / (1j * q * m)


def mode(a, share, number=200):
    """k, directions, weights and f of the discrete mode."""
    k = discrete_mode(a, share, number)
    mu, weights = directions(number)
    f = 1 / (1 + 1j * a - k * mu)
    return k, mu, weights, f / (weights @ f)


# --- moments ----------------------------------------------------------------------------------------------------------


def test_paper_RHP_67_is_the_limit_without_precession():
    assert measured_diffusivity(0.0) == pytest.approx(1 / 3, abs=1e-6)
    for h in RNG.normal(size=(3, 3)):
        tensor = exchange_diffusion_tensor(1e-6 * h, 1.0, 1 / 3)
        np.testing.assert_allclose(tensor, np.eye(3) / 3 - 1e-6 * cross_matrix(h) / 3, rtol=0, atol=1e-11)
    for a in (1e-3, 0.01, 0.3):
        miss = measured_diffusivity(a) * 3 - 1
        assert miss == pytest.approx(-1j * a / (1 + 1j * a), abs=3e-6)  # what (67) leaves out


def test_paper_RHP_68_flights_end_by_both_collisions():
    mu, weights = directions(20)
    share, one = 0.3, np.ones((20, 1))
    # Green and Kubo: D is the integral of <v_x(0) v_x(t)>; every collision ends it, 1/tau_sf and 1/tau_p.
    lost = share * np.eye(20) + (1 - share) * (np.eye(20) - one * weights)
    correlation = weights @ (mu * np.linalg.solve(lost, mu))
    medium = DiffusiveMedium(2e-3, 8e-14, 3e-14)
    by_flights = medium.fermi_velocity**2 * medium.momentum_time * correlation
    assert by_flights == pytest.approx(medium.diffusivity, abs=1e-15)
    # The mean of v_l v_j over the sphere, with random axes for x.
    for rotation in (rotation_matrix(axis, 1.0) for axis in RNG.normal(size=(3, 3))):
        nodes, node_weights = directions(8)
        phi = 2 * np.pi * np.arange(16) / 16
        s = np.sqrt(1 - nodes[:, None] ** 2)
        v = np.stack([s * np.cos(phi), s * np.sin(phi), nodes[:, None] + 0 * phi], -1) @ rotation.T
        mean = np.einsum("n,npi,npj->ij", node_weights / 16, v, v)
        np.testing.assert_allclose(mean, np.eye(3) / 3, rtol=0, atol=1e-14)


def test_paper_RHP_69_second_moment_of_the_mode():
    # Exact for two directions; many have <mu^2 f>/<f> = (k_moments/k)^2/3, which is 1/3 for long waves only.
    for a, share in ((0.456, 0.1), (1.0, 0.02), (0.1, 0.3)):
        k, mu, weights, f = mode(a, share)
        ratio = transverse_wavenumber(scaled(a, share)) / k
        assert weights @ (mu**2 * f) == pytest.approx(ratio**2 / 3, abs=1e-9)
        assert abs(ratio**2 - 1) > 0.05
        k, mu, weights, f = mode(a, share, 2)
        assert weights @ (mu**2 * f) == pytest.approx(1 / 3, abs=1e-12)
    for small in (0.004, 0.002):
        _, mu, weights, f = mode(small, small / 2)
        # k^2 = 3 (share + i a) to lowest order, and f has the second Legendre moment (2/15) k^2.
        second = weights @ ((3 * mu**2 - 1) / 2 * f)
        assert second == pytest.approx(2 / 5 * (small / 2 + 1j * small), abs=4 * small**2)


def test_paper_RHP_70_free_precession_diffuses_between_momentum_collisions():
    for a in ANGLES:
        for q, share in ((0.05, 0.02), (0.1, 0.0), (0.02, 0.3)):
            rate, e = decay_rates(a, q, share, 60)[0], q**2 / 3
            # The constant is v_F^2 tau_p/3, as spin flips end no flight; the next order is (1/5) e^2/(1 - share)^3.
            next_order = 0.25 * e**2 / (1 - share) ** 3 + 1e-11
            assert abs(rate - 1j * a - share - e / (1 - share)) < next_order
            # (70) has D, and misses by what spin flips take from it.
            assert rate - 1j * a - share - e == pytest.approx(e * share / (1 - share), abs=next_order)
    no_flips = decay_rates(3.0, 0.1, 0.0, 60)[0] - 3j - 0.01 / 3
    assert no_flips.real / (0.01 / 3) ** 2 == pytest.approx(0.2, abs=0.002)
    assert decay_rate(DiffusiveMedium(1 / 3, 50.0, 0.0, 3 * hbar), 0.1) == pytest.approx(
        0.02 + 0.01 / 3 + 3j, abs=1e-12
    )


# --- tensor -----------------------------------------------------------------------------------------------------------


def test_paper_RHP_71_current_of_a_slow_steady_gradient():
    """Random directions of the field and of the spin that a source feeds; Boltzmann equation in three components."""
    number, q, share = 24, 2e-3, 0.3
    mu, weights = directions(number)
    for h in (np.array([0.3, -0.2, 0.4]), np.array([2.0, 1.0, -2.0]), np.array([-40.0, 30.0, 10.0])):
        matrix = np.kron(losses(0.0, share, number, q), np.eye(3)) + np.kron(np.eye(number), cross_matrix(h))
        source = np.tile(share * np.cross(h, RNG.normal(size=3)), number)  # across the field
        f = np.linalg.solve(matrix, source.astype(complex)).reshape(number, 3)
        m, j = weights @ f, (weights * mu) @ f
        by_tensor = -exchange_diffusion_tensor(h, 1.0, 1 / 3) @ (1j * q * m)
        assert np.abs(j - by_tensor).max() < 1e-5 * np.abs(j).max()  # (q)^2, and less for a larger field
        fick = -1j * q * m / 3
        assert np.abs(j - fick).max() > 0.3 * np.abs(j).max()


def test_paper_RHP_72_current_settles_at_the_tensor_times_the_gradient():
    h, tau, d = np.array([1.0, -2.0, 0.5]), np.array([0.5, 1.0, 2.0]), np.array([1.0, 3.0, 0.7])
    gradient = np.array([0.3, -1.0, 0.8])

    def rate(_, j):
        """tau_k dj_k/dt = -j_k - tau_k (H x j)_k - D_k dm_k/dx, from rest."""
        return -j / tau - np.cross(h, j) - d * gradient / tau

    settled = solve_ivp(rate, (0, 80), np.zeros(3), rtol=1e-11, atol=1e-13).y[:, -1]
    tensor = exchange_diffusion_tensor(h, tau, d)
    np.testing.assert_allclose(settled, -tensor @ gradient, rtol=0, atol=1e-9)
    summed = np.linalg.inv(np.eye(3) + tau[:, None] * cross_matrix(h))
    np.testing.assert_allclose(tensor, summed * d, rtol=0, atol=1e-14)  # D_p stands at the columns
    assert np.abs(tensor - d[:, None] * summed).max() > 0.1


def test_paper_RHP_73_inverse_is_the_mean_rotation_in_flight():
    for h in RNG.normal(size=(4, 3)) * 3:
        x, y, z = h
        printed = np.array([[1, -z, y], [z, 1, -x], [-y, x, 1]])  # one tau = 1
        mean = quad_vec(lambda t, h=h: np.exp(-t) * expm(-t * cross_matrix(h)), 0, 45, epsabs=1e-12)[0]
        np.testing.assert_allclose(np.linalg.inv(printed), mean, rtol=0, atol=1e-10)
        np.testing.assert_allclose(exchange_diffusion_tensor(h, 1.0, 1.0), mean, rtol=0, atol=1e-10)
        a2 = h @ h
        closed = (np.eye(3) - cross_matrix(h) + np.outer(h, h)) / (1 + a2)
        np.testing.assert_allclose(closed, mean, rtol=0, atol=1e-10)
    # Three times break the covariance of (66): by the predicted amount for a quarter turn about z.
    quarter = rotation_matrix((0, 0, 1), np.pi / 2)
    h, tau = np.array([0.0, 0.0, 2.0]), (0.5, 1.5, 1.0)
    there, here = exchange_diffusion_tensor(quarter @ h, tau, 1.0), exchange_diffusion_tensor(h, tau, 1.0)
    miss = there - quarter @ here @ quarter.T
    # Elements xy and yx: tau_x H/(1 + tau_x tau_y H^2) against tau_y H/(1 + tau_x tau_y H^2).
    assert miss[0, 1] == pytest.approx((0.5 - 1.5) * 2 / (1 + 0.75 * 4), abs=1e-14)
    assert miss[1, 0] == pytest.approx(miss[0, 1], abs=1e-14)


def test_paper_RHP_74_field_and_local_spins_turn_alike():
    spin, field, local, coupling = spin_matrices(0.5), *RNG.normal(size=(2, 3)), 0.8
    hamiltonian = -np.einsum("i,ijk->jk", field + coupling * local, spin)
    for k in range(3):
        rate = 1j * (hamiltonian @ spin[k] - spin[k] @ hamiltonian)
        torque = -np.einsum("i,ijk->jk", cross_matrix(field + coupling * local)[k], spin)  # -(H x s)_k
        np.testing.assert_allclose(rate, torque, rtol=0, atol=1e-14)


def test_paper_RHP_75_torque_of_the_field():
    """Only an applied field: the Hanle effect."""
    share, a = 1e-5, 1e-3
    w = a / share
    k = discrete_mode(a, share, 100)
    corrected = 3 * share * (1 + 1j * a) * (1 + 1j * w)
    assert transverse_wavenumber(scaled(a, share)) ** 2 == pytest.approx(corrected, abs=1e-12)
    assert k**2 / corrected == pytest.approx(1, abs=a)  # the closure errs by (4/5) a
    printed = 3 * share * (1 + 1j * a)  # B in the tensor, none in the torque
    assert k**2 / printed == pytest.approx(1 + 1j * w, abs=1.1 * a * w)


# --- along one direction ----------------------------------------------------------------------------------------------


def profile(x):
    """a(x), m_x(x), m_y(x)."""
    return 2 + np.tanh(x), np.sin(1.3 * x) + x**2, np.exp(-0.7 * x)


def difference(function, x, order, h=0.02):
    """Derivative by Richardson's rule, to about 1e-9."""
    if order == 2:
        return difference(lambda y: difference(function, y, 1, h), x, 1, h)

    def central(step):
        return (np.asarray(function(x + step)) - np.asarray(function(x - step))) / (2 * step)

    first, second, third = central(h), central(h / 2), central(h / 4)
    return (64 * third - 20 * second + first) / 45


def flux_divergence(x, d=1.3):
    """-dj/dx of the currents that A j = -D dm/dx gives, solved at each place."""

    def current(y):
        a = profile(y)[0]
        gradient = difference(lambda z: profile(z)[1:], y, 1)
        return np.linalg.solve(np.array([[1, -a], [a, 1]]), -d * gradient)

    return -difference(current, x, 1)


def left_sides(x, d=1.3, sign=1):
    """Left sides of (87), (88), typed, with D_xy = sign a D/(1 + a^2)."""
    a, da = profile(x)[0], difference(lambda y: profile(y)[0], x, 1)
    (m1, n1), (m2, n2) = (difference(lambda y: profile(y)[1:], x, order) for order in (1, 2))
    xx, xy = d / (1 + a**2), sign * a * d / (1 + a**2)
    drag, side = 2 * xy**2 / (d * a) * da, (xx - 2 * xy**2 / d) * da
    return np.array([xx * m2 + xy * n2 - drag * m1 + side * n1, -xy * m2 + xx * n2 - side * m1 - drag * n1])


def curvature(x):
    return difference(lambda y: profile(y)[1:], x, 2)


def source(a, share):
    """-dj/dx of the Boltzmann mode, as x and y components, and m."""
    k, mu, weights, f = mode(a, share)
    m, j = weights @ f, weights @ (mu * f)
    divergence = k * j
    return (divergence.real, divergence.imag), (m.real, m.imag)


def test_paper_RHP_87_derivatives_and_torque_of_the_x_component():
    for x in (-0.6, 0.3, 1.1):
        divergence = flux_divergence(x)
        assert left_sides(x)[0] == pytest.approx(divergence[0], abs=1e-7)
        a = profile(x)[0]
        miss = left_sides(x, sign=-1)[0] - divergence[0]
        assert miss == pytest.approx(-2 * a * 1.3 / (1 + a**2) * curvature(x)[1], abs=1e-6)
    for angle, share in ((0.5, 0.3), (0.456, 0.1)):
        for turn in (1, np.exp(1j), np.exp(2j)):  # the mode at other phases
            (lost, lost_y), (m_x, m_y) = source(angle, share)
            lost, m_plus = ((lost + 1j * lost_y) * turn).real, (m_x + 1j * m_y) * turn
            assert lost == pytest.approx(share * m_plus.real - angle * m_plus.imag, abs=1e-9)
            printed = share * m_plus.real - angle * share * m_plus.imag
            assert printed - lost == pytest.approx(angle * (1 - share) * m_plus.imag, abs=1e-9)


def test_paper_RHP_88_derivatives_and_torque_of_the_y_component():
    for x in (-0.6, 0.3, 1.1):
        divergence = flux_divergence(x)
        assert left_sides(x)[1] == pytest.approx(divergence[1], abs=1e-7)
        a = profile(x)[0]
        miss = left_sides(x, sign=-1)[1] - divergence[1]
        assert miss == pytest.approx(2 * a * 1.3 / (1 + a**2) * curvature(x)[0], abs=1e-6)
    for angle, share in ((0.5, 0.3), (0.456, 0.1)):
        for turn in (1, np.exp(1j), np.exp(2j)):
            (lost_x, lost), (m_x, m_y) = source(angle, share)
            lost, m_plus = ((lost_x + 1j * lost) * turn).imag, (m_x + 1j * m_y) * turn
            assert lost == pytest.approx(share * m_plus.imag + angle * m_plus.real, abs=1e-9)
            printed = share * m_plus.imag + angle * share * m_plus.real
            assert printed - lost == pytest.approx(-angle * (1 - share) * m_plus.real, abs=1e-9)


def thermal_ring(flip, waves, seed, number=160, temperature=0.15):
    """nu/2, and spin over field of electrons on a disordered ring for fields cos(q x) along z, by diagonalisation.

    No kinetic equation enters: bonds turn the spin by random angles of size ``flip``, sites have random levels.
    """
    rng = np.random.default_rng(seed)
    hamiltonian = np.zeros((number, 2, number, 2), complex)
    for i in range(number):
        bond = expm(1j * flip * np.einsum("i,ijk->jk", rng.normal(size=3), PAULI))
        hamiltonian[i, :, (i + 1) % number] -= bond
        hamiltonian[(i + 1) % number, :, i] -= bond.conj().T
        hamiltonian[i, :, i] += 1.5 * (rng.random() - 0.5) * np.eye(2)
    energy, states = np.linalg.eigh(hamiltonian.reshape(2 * number, 2 * number))
    filled = 1 / (1 + np.exp((energy + 0.3) / temperature))
    slope = filled * (1 - filled) / temperature
    gap = energy - energy[:, None]
    same = np.abs(gap) < 1e-9
    weight = np.where(same, slope, (filled[:, None] - filled) / np.where(same, 1, gap))
    found = []
    for wave in waves:
        profile_z = np.repeat(np.cos(2 * np.pi * wave * np.arange(number) / number), 2) * np.tile([0.5, -0.5], number)
        element = states.conj().T @ (profile_z[:, None] * states)
        found.append(np.sum(np.abs(element) ** 2 * weight) / (number / 2))
    return slope.sum() / (4 * number), np.array(found)


def test_paper_RHP_89_is_a_law_for_the_deviation_from_equilibrium():
    """A magnetisation along z that varies in space, at rest: m = m_eq, which the corrected equation has."""
    # Electrons on disordered rings in thermal equilibrium: s = nu H/2 at each wave number, with spin flips and without.
    for flip in (0.0, 0.1):
        rings = [thermal_ring(flip, (1, 4, 12), seed) for seed in range(6)]
        uniform, found = (np.mean([ring[k] for ring in rings], axis=0) for k in (0, 1))
        # Six rings of 160 sites leave 1 % of scatter, q/k_F and the bond angles 2 %.
        np.testing.assert_allclose(found / uniform, 1, rtol=0, atol=0.05)
    for share, q in ((0.3, 0.01), (0.02, 0.005), (0.02, 0.02)):
        # (66) for m_eq = cos q x, with the force that it lacks.
        mu, weights = directions(60)
        matrix = losses(0.0, share, 60, q)
        full = weights @ np.linalg.solve(matrix, share + 1j * q * mu)
        assert full == pytest.approx(1, abs=1e-12)
        # What (75) makes of it, and (66) without the force: 0 without spin flips.
        m, _ = response(0.0, share, q)
        assert m == pytest.approx(1 / (1 + q**2 / (3 * share)), abs=q**2)
        # Printed, for the total: q^2 D m + m/tau_sf = 0 has m = 0 only, and misses all of m_eq.
        assert np.linalg.svd(matrix, compute_uv=False)[-1] > 0.9 * share
    # A ring whose field turns, by finite volumes: no deviation lasts, as all decay at 1/tau_sf or faster.
    n, lost = 40, 0.05
    turn = 2 * np.pi * np.arange(n) / n
    field = 3 * np.stack([np.cos(turn), np.sin(turn), 0.5 * np.sin(2 * turn)], axis=-1)
    step = np.kron(np.roll(np.eye(n), 1, 1) - np.eye(n), np.eye(3))
    tensors, torques = exchange_diffusion_tensor(field, 1.0, 1.0), cross_matrix(field)
    ring = -step.T @ block_diag(*tensors) @ step - block_diag(*torques) - lost * np.eye(3 * n)
    assert np.linalg.eigvalsh((ring + ring.T) / 2).max() == pytest.approx(-lost, abs=1e-12)


def test_paper_RHP_90_angle_of_a_spin_in_the_momentum_time():
    splitting, tau = 100 * meV, 3e-15
    medium = DiffusiveMedium(1e-3, 1e-11, tau, splitting)
    turned = expm(1j * splitting / 2 * PAULI[2] * tau / hbar)  # H = -(lambda S/2) sigma_z, levels -+ lambda S/2
    state = turned @ np.array([1, 1]) / np.sqrt(2)
    azimuth = np.angle(state.conj() @ (PAULI[0] + 1j * PAULI[1]) @ state)
    assert azimuth == pytest.approx(-medium.precession_angle, abs=1e-12)  # dm/dt = -H x m
    assert medium.precession_angle == pytest.approx(0.456, abs=5e-4)


def test_paper_RHP_91_transverse_constant_is_reduced():
    for a in ANGLES:
        measured = measured_diffusivity(a)
        assert measured.real * 3 == pytest.approx(1 / (1 + a**2), abs=3e-6)
        assert exchange_diffusion_tensor((0, 0, a), 1.0, 1.0)[0, 0] == pytest.approx(1 / (1 + a**2), abs=1e-14)


def test_paper_RHP_92_sign_and_unit_of_the_off_diagonal_constant():
    for a in ANGLES:
        measured = measured_diffusivity(a)  # D_xx - i D_xy
        d_xy = -measured.imag
        assert d_xy * 3 == pytest.approx(a / (1 + a**2), abs=3e-6)
        tensor = exchange_diffusion_tensor((0, 0, a), 1.0, 1 / 3)
        assert tensor[0, 1] == pytest.approx(d_xy, abs=1e-6)
        assert tensor[1, 0] == pytest.approx(-d_xy, abs=1e-6)
        printed = -a / (1 + a**2)  # D_xy, without D
        assert printed / d_xy == pytest.approx(-3, abs=1e-3)  # -1/D
    # The sign decides between a wave and a decay.
    medium = DiffusiveMedium(1e-3, 1e-11, 100 * hbar / (100 * meV), 100 * meV)
    a, w, length = 100.0, medium.exchange_frequency * 1e-11, medium.spin_diffusion_length
    good, bad = (np.sqrt((1 + sign * 1j * a) * (1 + 1j * w)) / length for sign in (1, -1))
    assert good == pytest.approx(transverse_wavenumber(medium), abs=1e-3)
    assert 2 * np.pi / good.imag == pytest.approx(1.612e-9, abs=1e-12)
    assert good.imag / good.real > 100
    assert 1 / bad.real == pytest.approx(0.2566e-9, abs=1e-13)
    assert bad.real / bad.imag > 100


# --- statements -------------------------------------------------------------------------------------------------------


def test_paper_RHP_statement_parameters_are_not_those_of_a_metal():
    tau = 100 * hbar / (100 * meV)
    paper = DiffusiveMedium(1e-3, 1e-11, tau, 100 * meV)
    assert 1e6 / paper.fermi_velocity == pytest.approx(14.8, abs=0.05)
    assert paper.mean_free_path == pytest.approx(44.4e-9, abs=0.1e-9)
    # No mode: all eigenvalues join the continuum -1 < nu < 1 as the directions become many.
    a, share = paper.precession_angle, tau / 1e-11
    farthest = []
    for number in (50, 100, 200):
        nu = (1 + 1j * a) / spatial_modes(a, share, number)
        farthest.append(np.where(np.abs(nu.real) < 1, np.abs(nu.imag), np.abs(nu - np.sign(nu.real))).max())
    assert farthest[0] < 0.01
    assert farthest[2] < 0.3 * farthest[0]
    assert np.isnan(transverse_wavenumber(paper, model="boltzmann"))
    # What is fed at the face of a half-space: first flights, E_2(z)/2, and those scattered once.
    depth = 20e-9 / paper.mean_free_path
    z, back = (1 + 1j * a) * depth, (1 - share) / (1 + 1j * a)

    def second(y):
        return np.exp(-y) - y * exp1(y)

    inner = quad_vec(lambda t: exp1(z * (1 - t)) * second(z * t) * z, 0, 1, epsabs=1e-12)[0]
    outer = quad_vec(lambda r: exp1(r) * second(z + r), 0, 40, epsabs=1e-12)[0]
    total = second(z) / 2 + back / 4 * (inner + outer)
    moments = np.exp(-transverse_wavenumber(paper) * 20e-9) / (1 + np.sqrt(1 - back))
    assert abs(moments) / abs(total) == pytest.approx(46.0, abs=0.1)
    assert 1 / transverse_wavenumber(paper).real == pytest.approx(48.1e-9, abs=0.1e-9)
    # A metal of the same D: tau = 3 fs.
    metal = DiffusiveMedium(1e-3, 1e-11, 3e-15, 100 * meV)
    assert metal.fermi_velocity == pytest.approx(1e6, abs=1)
    exact = discrete_mode(metal.precession_angle, 3e-4, 200) / metal.mean_free_path
    assert 1 / exact.real == pytest.approx(3.806e-9, abs=1e-12)
    assert exact.real / transverse_wavenumber(metal).real == pytest.approx(1.188, abs=1e-3)


def test_paper_RHP_statement_improvement_of_fick_needs_an_imposed_slow_gradient():
    """Better than (70) where the gradient is imposed and slow, and worse for both waves that precession makes."""
    # Imposed: the tensor is right to order q^2 at any angle, Fick is not.
    for a in ANGLES[np.abs(ANGLES) > 0.3]:
        measured = 3 * measured_diffusivity(a)
        assert abs(measured * (1 + 1j * a) - 1) < 1e-5
        assert abs(measured - 1) > 0.3
    # Transverse wave: k^2/(3 (i a + e)) = 1 + i a/5 - 4 e/5 with e = tau/tau_sf; the tensor has 1 + i a, Fick 1.
    for a, share in ((0.004, 1e-9), (0.002, 1e-9), (0.002, 0.002), (1e-9, 0.002), (0.001, 0.003)):
        slow = 3 * (share + 1j * a)
        k2 = discrete_mode(a, share, 100) ** 2 / slow
        size = (a + share) ** 2  # of the next order
        assert k2 - 1 == pytest.approx(1j * a / 5 - 4 * share / 5, abs=size)
        with_tensor = transverse_wavenumber(scaled(a, share)) ** 2 / slow
        assert with_tensor - 1 == pytest.approx(1j * a, abs=1e-12)
    for a in (0.1, 0.456, 0.8, 1.2):
        exact = discrete_mode(a, 1e-4, 400)
        fick = transverse_wavenumber(DiffusiveMedium(1 / 3, 1e4, 0.0, a * hbar))
        assert abs(fick - exact) < 0.6 * abs(transverse_wavenumber(scaled(a, 1e-4)) - exact)
    # Free precession: 0.0303 (moments), 0.0302 (66), 0.0300 (70), 0.0210 (tensor of the steady state).
    q = np.sqrt(0.03)
    exact = decay_rates(3.0, q, 0.02, 200)[0]
    assert exact == pytest.approx(0.030225 + 3j, abs=1e-6)
    assert decay_rate(scaled(3.0, 0.02), q) == pytest.approx(0.030313 + 3j, abs=1e-6)
    static = 0.02 + 0.01 * exchange_diffusion_tensor((0, 0, 3.0), 1.0, 1.0)[0, 0]
    assert static == pytest.approx(0.021, abs=1e-12)
    assert exact.real - static == pytest.approx(0.01 * (1 - 1 / (1 + 9)), abs=3e-4)
