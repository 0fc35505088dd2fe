"""BTBK (10)-(12), (19), (53)-(58): every equation against a route that does not use it, printed forms with their miss.

The routes: electron waves on a chain, textures that drift along, energies by finite differences, states of many
electrons, and exact steady states of conduction spins.
"""

import numpy as np
import pytest
from scipy.linalg import expm

from spinlib.circuit import spin_transfer_torque
from spinlib.onsager import spin_flip_damping, texture_response
from spinlib.spin import PAULI, rotation_matrix, unit_vector
from tests.book.texture_routes import (
    ALPHA,
    BETA,
    E2_H,
    FIELD_E,
    GAMMA,
    GRADIENT,
    HALF,
    HBAR,
    KAPPA,
    LEVI_CIVITA,
    M_S,
    METAL,
    SIGMA,
    E,
    K,
    M,
    P,
    implicit,
    pumped_by,
)

# --- electron waves ---------------------------------------------------------------------------------------------------


def wave(m, energy, exchange):
    """Scattering state of the only open channel, from the left with unit flux, by matching waves at both ends.

    H = -hopping + exchange m.sigma, hbar = 1. The leads carry the m of the first and the last site. Returns psi
    ``(sites, 2)`` and the transmitted amplitude: one linear system for the sites and for the reflected and the
    outgoing or decaying waves of the leads. The largest component of each lead spinor is positive.
    """
    sites = len(m)
    levels = exchange * np.einsum("ni,iab->nab", m, PAULI)
    modes = []
    for level in (levels[0], levels[-1]):
        values, vectors = np.linalg.eigh(level)
        largest = vectors[np.argmax(np.abs(vectors), axis=0), [0, 1]]
        k = np.arccos(((values - energy) / 2).astype(complex))
        modes.append((np.where(k.imag < 0, -k, k), vectors * np.abs(largest) / largest))
    (k_left, u_left), (k_right, u_right) = modes
    is_open = int(abs(k_left[1].imag) < 1e-12)  # 0: majority, 1: minority
    assert abs(k_left[is_open].imag) < 1e-12 < abs(k_left[1 - is_open].imag)
    size = 2 * sites + 4
    matrix, right = np.zeros((size, size), complex), np.zeros(size, complex)
    for site in range(sites):
        block = slice(2 * site, 2 * site + 2)
        matrix[block, block] = energy * np.eye(2) - levels[site]
        for other in (site - 1, site + 1):
            if 0 <= other < sites:
                matrix[block, 2 * other : 2 * other + 2] = np.eye(2)
    # One site beyond either end belongs to the lead: psi there is the mode times its phase.
    matrix[0:2, 2 * sites : 2 * sites + 2] = u_left * np.exp(1j * k_left)
    matrix[2 * sites - 2 : 2 * sites, 2 * sites + 2 :] = u_right * np.exp(1j * k_right)
    incoming = u_left[:, is_open] / np.sqrt(2 * np.sin(k_left[is_open].real))
    right[0:2] = -incoming * np.exp(-1j * k_left[is_open])
    for row, place, vectors in ((2 * sites, 0, u_left), (2 * sites + 2, 2 * sites - 2, u_right)):
        matrix[row : row + 2, place : place + 2] = np.eye(2)
        matrix[row : row + 2, row : row + 2] = -vectors
    right[2 * sites : 2 * sites + 2] = incoming
    solved = np.linalg.solve(matrix, right)
    through = solved[2 * sites + 2 + is_open] * np.sqrt(2 * np.sin(k_right[is_open].real))
    return solved[: 2 * sites].reshape(sites, 2), through


def gained(m, exchange, psi):
    """Angular momentum that the magnet gains at each site, in hbar: the reaction to the torque on the spins."""
    spins = np.einsum("na,iab,nb->ni", psi.conj(), PAULI, psi).real
    return -exchange * np.cross(m, spins)


def smooth_wall(width=8.0, sites=200):
    z = (np.arange(sites) - (sites - 1) / 2) / width
    twist = 0.4 * np.tanh(z)  # also out of one plane
    return np.stack([np.cos(twist) / np.cosh(z), np.sin(twist) / np.cosh(z), np.tanh(z)], axis=-1)


def test_paper_BTBK_10():
    # Site by site: what electrons that flow to the right leave in a half-metallic wall, against (10) with P = 1.
    m, exchange = smooth_wall(), 12.0
    psi, through = wave(m, -exchange + 0.6, exchange)
    assert abs(through) == pytest.approx(1, abs=1e-9)
    slope = np.gradient(m, axis=0)
    density = np.zeros((len(m), 3, 3))
    density[:, 2] = slope - np.sum(slope * m, axis=-1)[:, None] * m
    response = texture_response(m, density, beta=0.0, **HALF).torque[..., 2]
    # One electron per second to the right is j = -e; conductivity 1, so E = j. Angular momentum is -(M_s/gamma) m.
    formula = -M_S / GAMMA * response * -E / HBAR
    found = gained(m, exchange, psi)
    size = np.abs(formula).max()
    # The gradient by differences and the spins' lag are of second order in 1/width: 1 per cent.
    assert np.abs(found - formula).max() < 0.02 * size
    assert np.abs(-found - formula).max() == pytest.approx(2 * size, rel=0.02, abs=0)
    # In all hbar per electron along the axis of the wall, exactly.
    assert found[:, 2].sum() == pytest.approx(1, abs=1e-6)


def test_paper_BTBK_statement_E18_rule_3_and_the_divergence_need_different_labels():
    # The charge current with its majority: j_s = P j m, whose loss -d j_s is absorbed, turned into a torque by (3).
    charge_current, slope = -3e11, np.cross(M, [0.2e8, -0.5e8, 0.9e8])
    gradient = np.stack([slope, 0 * M, 0 * M])
    by_10 = texture_response(M, gradient, **METAL | {"beta": 0.0}).torque[:, 0] * charge_current / SIGMA
    scale = {"magnetic_moment": M_S, "gyromagnetic_ratio": GAMMA}  # currents and moments per volume
    by_3 = spin_transfer_torque(M, -P * charge_current * slope, **scale)
    np.testing.assert_allclose(by_3, -by_10, rtol=1e-12)
    # Electrons, or the Pauli spin, reverse one sign of j_s each: rule (3) then gives (10).
    electrons = spin_transfer_torque(M, -P * -charge_current * slope, **scale)
    np.testing.assert_allclose(electrons, by_10, rtol=1e-12)
    # The judge has no labels: electrons that go to the right leave +hbar d_z m/2 in the magnet, whose spin is -m.
    m, exchange = smooth_wall(), 12.0
    psi, _ = wave(m, -exchange + 0.6, exchange)
    turned = -gained(m, exchange, psi)[len(m) // 2 - 20 : len(m) // 2 + 20]  # along dm/dt
    along = np.sum(turned * np.gradient(m, axis=0)[len(m) // 2 - 20 : len(m) // 2 + 20], axis=-1)
    assert np.all(along < 0)  # against the gradient: carried with the electrons, as by_10 for j < 0
    assert by_10 @ slope < 0


# --- the texture ------------------------------------------------------------------------------------------------------


def test_paper_BTBK_11():
    # With beta = alpha a texture drifts along with the electrons, mdot = u (e.grad) m, without a field.
    torque = texture_response(M, GRADIENT, **METAL | {"beta": ALPHA}).torque @ FIELD_E
    slope = FIELD_E @ GRADIENT
    speed = GAMMA * HBAR * SIGMA * P / (2 * E * M_S)
    columns = implicit(M)
    np.testing.assert_allclose(np.linalg.solve(columns, torque), speed * slope, rtol=1e-10)
    # As printed it drifts at (1 - alpha^2)/(1 + alpha^2) of that and turns at 2 alpha/(1 + alpha^2).
    rate = np.linalg.solve(columns, speed * (slope + ALPHA * np.cross(M, slope)))
    size = speed * slope @ slope
    assert rate @ slope / size == pytest.approx((1 - ALPHA**2) / (1 + ALPHA**2), rel=1e-10, abs=0)
    assert rate @ np.cross(M, slope) / size == pytest.approx(2 * ALPHA / (1 + ALPHA**2), rel=1e-10, abs=0)
    # Any beta: components by sums over Levi-Civita symbols.
    torque = texture_response(M, GRADIENT, **METAL).torque
    turned = np.einsum("kab,a,ib->ki", LEVI_CIVITA, M, GRADIENT)
    np.testing.assert_allclose(torque, GAMMA / M_S * K * (GRADIENT.T - BETA * turned), rtol=1e-10)


def test_paper_BTBK_11_wall_goes_with_the_electrons():
    # A locked wall at the speed v, by Newton: the torque of field-free LLG must vanish along the wall's motion.
    width = 5e-9
    z = np.linspace(-20 * width, 20 * width, 4001)
    wall = np.stack([1 / np.cosh(z / width), 0 * z, np.tanh(z / width)], axis=-1)
    slope = np.gradient(wall, z, axis=0, edge_order=2)
    slope -= np.sum(slope * wall, axis=-1)[:, None] * wall
    gradient = np.zeros((z.size, 3, 3))
    gradient[:, 2] = slope
    drift = GAMMA * HBAR * P * SIGMA * FIELD_E[2] / (2 * E * M_S)

    def residual(speed, torque):
        mdot = -speed * slope
        return np.trapezoid(np.sum(slope * np.cross(wall, mdot - torque - ALPHA * np.cross(wall, mdot)), axis=-1), z)

    speeds = {}
    for name, torque in (
        ("corrected", texture_response(wall, gradient, **METAL).torque[:, :, 2] * FIELD_E[2]),
        ("printed", drift * (slope + BETA * np.cross(wall, slope))),
    ):
        at_rest, moving = residual(0.0, torque), residual(drift, torque)
        speeds[name] = -at_rest / (moving - at_rest)  # in units of the drift, along +z, with j > 0 along +z
    assert speeds["corrected"] == pytest.approx(-BETA / ALPHA, rel=1e-9, abs=0)
    assert speeds["printed"] == pytest.approx(+BETA / ALPHA, rel=1e-9, abs=0)


def test_paper_BTBK_12():
    # A smooth half-metallic wall passes every majority electron and turns its spin: S of the wall turned by phi.
    def wall_s(phi):
        return np.array([[0, np.exp(-1j * phi)], [np.exp(1j * phi), 0]])

    step = 1e-4
    slope = (wall_s(step) - wall_s(-step)) / (2 * step)
    # Left lead: Pauli spin up (m = -z), which arrives on the right as down.
    exact = E / (2 * np.pi) * np.sum(slope[1] * wall_s(0)[1].conj()).imag
    z = np.linspace(-20, 20, 2001)
    wall = np.stack([1 / np.cosh(z), 0 * z, np.tanh(z)], axis=-1)
    gradient = np.zeros((z.size, 3, 3))
    gradient[:, 2] = np.stack([-np.tanh(z) / np.cosh(z), 0 * z, 1 / np.cosh(z) ** 2], axis=-1)
    turning = np.cross([0.0, 0.0, 1.0], wall)
    pumped = texture_response(wall, gradient, beta=0.0, **HALF).pumping[:, 2]
    # Conductivity 1 S/m stands for the conductance e^2/h of one channel per length.
    found = E2_H * np.trapezoid(np.einsum("nk,nk->n", pumped, turning), z)
    assert found == pytest.approx(exact, rel=1e-6, abs=0)
    states = zip(wall, gradient, turning, strict=True)
    printed = np.array([pumped_by(*state, sign=+1, beta=0.0)[2] for state in states]) / (SIGMA * P)
    assert E2_H * np.trapezoid(printed, z) == pytest.approx(-exact, rel=1e-6, abs=0)
    # beta, from the torque (11) of the reversed texture by (34): j.E = (M_s/gamma) (-m x mdot).tau(-m).
    mdot = np.cross(M, [1.3e10, -0.4e10, 2.2e10])
    response, back = texture_response(M, GRADIENT, **METAL), texture_response(-M, -GRADIENT, **METAL)
    given = M_S / GAMMA * np.cross(-M, mdot) @ (back.torque @ FIELD_E)
    assert (response.pumping @ mdot) @ FIELD_E == pytest.approx(given, rel=1e-10, abs=0)


@pytest.mark.parametrize("minority", [False, True])
def test_paper_BTBK_12_wall_on_a_lattice(minority):
    # The wall turns about z by phi: S by transfer along the chain, its phase by finite differences.
    m, exchange, step = smooth_wall(width=5.0, sites=120), 6.0, 1e-4
    energy = (exchange if minority else -exchange) + 0.3

    def amplitude(phi):
        turn = rotation_matrix([0, 0, 1], phi)
        return wave(m @ turn.T, energy, exchange)[1]

    charge = (amplitude(step) * amplitude(-step).conj()).imag / (2 * step)  # e/2 pi per radian, to the right
    share = -1 if minority else 1
    assert charge == pytest.approx(share, abs=1e-6)
    slope = np.gradient(m, axis=0, edge_order=2)
    gradient = np.zeros((len(m), 3, 3))
    gradient[:, 2] = slope - np.sum(slope * m, axis=-1)[:, None] * m
    spinning = np.cross([0.0, 0.0, 1.0], m)
    response = texture_response(m, gradient, **HALF | {"polarization": share, "beta": 0.0}).pumping[:, 2]
    local = E2_H * np.sum(response * spinning) / (E / (2 * np.pi))
    # The gradient by differences is good to a per cent.
    assert local == pytest.approx(charge, rel=0.01, abs=0)
    printed = (
        share
        / (SIGMA * P)
        * sum(pumped_by(*state, sign=+1, beta=0.0)[2] for state in zip(m, gradient, spinning, strict=True))
    )
    assert E2_H * printed / (E / (2 * np.pi)) == pytest.approx(-charge, rel=0.01, abs=0)


def test_paper_BTBK_19():
    mdot = np.cross(M, [1.3e10, -0.4e10, 2.2e10])
    response = texture_response(M, GRADIENT, **METAL)
    x, y = np.cross(M, GRADIENT) @ mdot, GRADIENT @ mdot
    # (12) in (11): the current pumped where E = 0 drives the texture.
    current = pumped_by(M, GRADIENT, mdot)
    torque = response.torque @ (current / SIGMA)
    np.testing.assert_allclose(response.back_action @ mdot, torque, rtol=1e-10)
    power = np.cross(M, mdot) @ torque
    assert power == pytest.approx(KAPPA * np.sum(x**2 - BETA**2 * y**2), rel=1e-9, abs=0)
    turned = np.cross(M, GRADIENT)
    printed = KAPPA * (x + BETA * y) @ (GRADIENT + BETA * turned)
    assert np.cross(M, mdot) @ printed == pytest.approx(-power, rel=1e-9, abs=0)


def spin_chain():
    """A chain with exchange and anisotropy: energy per area, moments, gradient, field by hand."""
    sites, spacing = 80, 1e-9
    z = np.linspace(-6, 6, sites)
    spins = unit_vector(np.stack([1 / np.cosh(z), 0.4 * np.exp(-(z**2)), -np.tanh(z) + 0.1 * np.sin(z)], axis=-1))

    def energy(m):
        return 13e-12 * np.sum(np.diff(m, axis=0) ** 2) / spacing - 2e5 * np.sum(m[:, 2] ** 2) * spacing

    laplace = np.zeros_like(spins)
    laplace[1:] += spins[:-1] - spins[1:]
    laplace[:-1] += spins[1:] - spins[:-1]
    field = 2 * 13e-12 * laplace / spacing**2 / M_S
    field[:, 2] += 2 * 2e5 * spins[:, 2] / M_S
    gradient = np.zeros((sites, 3, 3))
    gradient[:, 0] = np.gradient(spins, spacing, axis=0)
    gradient -= np.einsum("...ik,...k->...i", gradient, spins)[..., None] * spins[:, None, :]
    return energy, spins, gradient, field, spacing


@pytest.mark.parametrize("beta", [0.0, 0.4])
def test_paper_BTBK_19_energy_of_a_chain(beta):
    # No other damping, E = 0: the energy of the moments by finite differences, with corrected and with printed (19).
    energy, spins, gradient, field, spacing = spin_chain()
    response = texture_response(spins, gradient, **METAL | {"beta": beta})
    slope, turned = gradient[:, 0], np.cross(spins, gradient[:, 0])
    printed = KAPPA * (slope + beta * turned)[:, :, None] * (turned + beta * slope)[:, None, :]
    lost = {}
    for name, action in (("corrected", response.back_action), ("printed", printed)):
        mdot = np.linalg.solve(np.eye(3) - action, -GAMMA * np.cross(spins, field)[..., None])[..., 0]
        step = 1e-4 / np.abs(mdot).max()
        rate = (energy(unit_vector(spins + step * mdot)) - energy(unit_vector(spins - step * mdot))) / (2 * step)
        x, y = np.sum(turned * mdot, axis=-1), np.sum(slope * mdot, axis=-1)
        lost[name] = rate, -M_S / GAMMA * KAPPA * spacing * np.sum(x**2 - beta**2 * y**2)
    # The energy oscillates between moments far faster than it falls; differences to 1e-8 leave 1e-4 of the fall.
    assert lost["corrected"][0] == pytest.approx(lost["corrected"][1], rel=1e-3, abs=0)
    assert lost["printed"][0] == pytest.approx(-lost["printed"][1], rel=1e-3, abs=0)
    assert lost["corrected"][0] < 0 < lost["printed"][0]


def test_paper_BTBK_19_pinned_wall_swings_by_itself():
    # Azimuth and position of a wall, held by equal springs; generalised forces by integrals over the profile.
    width = 5e-9
    z = np.linspace(-20 * width, 20 * width, 4001)
    wall = np.stack([1 / np.cosh(z / width), 0 * z, np.tanh(z / width)], axis=-1)
    slope = np.stack([-np.tanh(z / width), 0 * z, 1 / np.cosh(z / width)], axis=-1) * wall[:, :1] / width
    gradient = np.zeros((z.size, 3, 3))
    gradient[:, 2] = slope
    moves = np.stack([np.cross([0.0, 0.0, 1.0], wall), -width * slope])
    turned = np.cross(wall, slope)
    actions = {
        "corrected": texture_response(wall, gradient, **METAL).back_action,
        "printed": KAPPA * (slope + BETA * turned)[:, :, None] * (turned + BETA * slope)[:, None, :],
    }

    def growth(name, alpha):
        """Largest growth rate of the two coordinates, spring constant over (M_s/gamma) width = 1."""
        forces = np.zeros((2, 2))
        for c, mdot in enumerate(moves):
            back = np.einsum("nkl,nl->nk", actions[name], mdot)
            balance = np.cross(wall, mdot - back) + alpha * mdot
            forces[:, c] = np.trapezoid(np.einsum("ank,nk->an", moves, balance), z) / width
        return np.linalg.eigvals(-np.linalg.inv(forces)).real.max()

    threshold = (1 - BETA**2) * KAPPA / (3 * width**2)
    assert growth("printed", 0.999 * threshold) > 0 > growth("printed", 1.001 * threshold)
    assert growth("corrected", 0.0) < 0


@pytest.mark.parametrize(("sign", "share"), [(-1, BETA**2), (+1, 1.0)])
def test_invariant_second_law_of_a_texture(sign, share):
    """Power of random rates and currents with corrected (sign=-1) and printed signs: the damping that it needs."""
    rng = np.random.default_rng(11)
    turned = np.cross(M, GRADIENT)
    least = share * KAPPA * np.linalg.eigvalsh(GRADIENT @ GRADIENT.T)[-1]

    def power(mdot, j, alpha):
        torque = (GRADIENT + sign * BETA * turned).T @ j * GAMMA * HBAR * P / (2 * E * M_S)
        if sign < 0:  # the library, not the line above
            torque = texture_response(M, GRADIENT, **METAL).torque @ j / SIGMA
        # (8) solved for the field, times the rate.
        field = (np.cross(M, mdot) + alpha * mdot - np.cross(M, torque)) / GAMMA
        electric = (j - pumped_by(M, GRADIENT, mdot, sign)) / SIGMA
        return M_S * field @ mdot + j @ electric

    def smallest(alpha):
        basis = [*np.linalg.svd(M[None, :])[2][1:] * np.sqrt(GAMMA / M_S), *np.eye(3) * np.sqrt(SIGMA)]
        pairs = [(v, np.zeros(3)) if n < 2 else (np.zeros(3), v) for n, v in enumerate(basis)]
        form = np.zeros((5, 5))
        for a, (r_a, j_a) in enumerate(pairs):
            for c, (r_c, j_c) in enumerate(pairs):
                both = power(r_a + r_c, j_a + j_c, alpha)
                form[a, c] = (both - power(r_a, j_a, alpha) - power(r_c, j_c, alpha)) / 2
        return np.linalg.eigvalsh(form)[0]

    assert smallest(1.01 * least) > 0
    assert smallest(0.99 * least) < 0
    for mdot, j in zip(np.cross(M, rng.normal(size=(50, 3))), rng.normal(size=(50, 3)), strict=True):
        assert power(1e10 * mdot, 1e11 * j, 1.01 * least) > 0


# --- conduction spins -------------------------------------------------------------------------------------------------


def test_paper_BTBK_53():
    # Two sites, hopping and potential, one field for both spins: the moment turns as in (1) without damping.
    rng = np.random.default_rng(53)
    h_0 = rng.normal(size=(2, 2))
    field, gamma, time = np.array([0.3, -0.8, 0.5]), 1.7, 0.9  # hbar = 1
    hamiltonian = np.kron(h_0 + h_0.T, np.eye(2)) + gamma / 2 * np.kron(np.eye(2), np.tensordot(field, PAULI, 1))
    raw = rng.normal(size=(4, 4)) + 1j * rng.normal(size=(4, 4))
    state = raw @ raw.conj().T
    later = expm(-1j * time * hamiltonian) @ state @ expm(1j * time * hamiltonian)

    def moment(rho):
        return -gamma / 2 * np.array([np.trace(np.kron(np.eye(2), p) @ rho).real for p in PAULI])

    # dm/dt = -gamma m x H is a rotation about H by gamma |H| t; Rodrigues.
    n, angle, before = field / np.linalg.norm(field), gamma * np.linalg.norm(field) * time, moment(state)
    turned = before * np.cos(angle) + np.cross(n, before) * np.sin(angle) + n * (n @ before) * (1 - np.cos(angle))
    np.testing.assert_allclose(moment(later), turned, rtol=1e-10)
    # The Zeeman energy is -moment.H.
    zeeman = hamiltonian - np.kron(h_0 + h_0.T, np.eye(2))
    assert np.trace(zeeman @ state).real == pytest.approx(-before @ field, rel=1e-12, abs=0)


def many_electrons(seed):
    """A random state of two orbitals with two spins, and the field operators psi[orbital][spin]."""
    rng = np.random.default_rng(seed)
    lower, string = np.array([[0, 1], [0, 0]]), np.diag([1, -1])
    psi = []
    for mode in range(4):
        operator = np.eye(1)
        for place in range(4):
            operator = np.kron(operator, string if place < mode else lower if place == mode else np.eye(2))
        psi.append(operator)
    # States of any number of electrons, no coherence between different numbers.
    number = sum(p.T @ p for p in psi).diagonal().round()
    raw = rng.normal(size=(16, 16)) + 1j * rng.normal(size=(16, 16))
    state = raw @ raw.conj().T * (number[:, None] == number)
    return state / np.trace(state), [psi[:2], psi[2:]]


def density(state, field):
    """(54): rho_ab = <psi_b^dagger psi_a>."""
    return np.array([[np.trace(state @ field[b].T @ field[a]) for b in (0, 1)] for a in (0, 1)])


def test_paper_BTBK_54():
    state, fields = many_electrons(54)
    for field in fields:
        rho = density(state, field)
        # The mean of any spin operator A is Tr A rho, as for one electron.
        rng = np.random.default_rng(1)
        a = rng.normal(size=(2, 2)) + 1j * rng.normal(size=(2, 2))
        operator = sum(a[i, j] * field[i].T @ field[j] for i in (0, 1) for j in (0, 1))
        assert np.trace(a @ rho) == pytest.approx(np.trace(operator @ state), rel=1e-10, abs=0)
        assert np.linalg.eigvalsh(rho)[0] > 0
        assert np.linalg.eigvalsh(rho)[-1] < 1  # Pauli
        # Indices the other way round reverse s_y and nothing else.
        means, swapped = (np.array([np.trace(p @ x).real for p in PAULI]) for x in (rho, rho.T))
        np.testing.assert_allclose(swapped, means * [1, -1, 1], atol=1e-14)
        assert abs(means[1]) > 1e-3


def test_paper_BTBK_55():
    state, fields = many_electrons(55)
    axis, angle = unit_vector([0.2, 0.6, -0.5]), 0.8
    operators = [
        [sum(p[i, j] / 2 * f[i].T @ f[j] for i in (0, 1) for j in (0, 1)) for p in PAULI] for f in fields
    ]  # in hbar
    for x in range(3):  # angular momentum: [S_x, S_y] = i S_z, for each orbital
        one, two, three = (operators[0][(x + n) % 3] for n in range(3))
        np.testing.assert_allclose(one @ two - two @ one, 1j * three, atol=1e-14)
    turn = expm(-1j * angle * sum(axis[x] * (operators[0][x] + operators[1][x]) for x in range(3)))
    turned = turn @ state @ turn.conj().T
    for field, own in zip(fields, operators, strict=True):
        spin = HBAR * np.array([np.trace(op @ state).real for op in own])
        by_55 = HBAR / 2 * np.array([np.trace(p @ density(state, field)).real for p in PAULI])
        np.testing.assert_allclose(by_55, spin, rtol=1e-10)
        # s turns as a vector with the state.
        after = HBAR / 2 * np.array([np.trace(p @ density(turned, field)).real for p in PAULI])
        np.testing.assert_allclose(after, rotation_matrix(axis, angle) @ spin, rtol=1e-9)


def test_paper_BTBK_56():
    # Fill the levels of (53) with gamma hbar H_xc = Delta m and ask for the spin density, at several temperatures.
    splitting = 0.9
    for temperature in (0.05, 0.3, 2.0):
        energy, modes = np.linalg.eigh(splitting / 2 * np.tensordot(M, PAULI, 1))
        np.testing.assert_allclose(np.diff(energy), splitting, rtol=1e-12)
        filled = modes / (1 + np.exp(energy / temperature)) @ modes.conj().T
        s = np.array([np.trace(p @ filled).real for p in PAULI]) / 2
        np.testing.assert_allclose(s, -np.tanh(splitting / 4 / temperature) / 2 * M, rtol=1e-10)
        np.testing.assert_allclose(-s / np.linalg.norm(s), M, rtol=1e-10)  # m = -s/s comes back, +s/s reverses


def steady(axis, m, rate, xi):
    """T = m x s (s_0 = 1, rates in Delta_xc/hbar) of spins that follow a magnetisation turning about an axis, exactly.

    In the frame that turns, 0 = m x s - rate axis x s - xi (s + m).
    """
    columns = np.stack([np.cross(m, u) - rate * np.cross(axis, u) - xi * u for u in np.eye(3)], axis=-1)
    return np.cross(m, np.linalg.solve(columns, xi * m))


def parts(axis, m, rate, xi):
    """Parts of T along -dm/dt and along m x dm/dt, odd in the rate."""
    mdot = rate * np.cross(axis, m)
    torque = (steady(axis, m, rate, xi) - steady(axis, m, -rate, xi)) / 2
    size = mdot @ mdot
    return -torque @ mdot / size, torque @ np.cross(m, mdot) / size


def bloch(xi, share):
    """The library in units of an exchange splitting of 0.8 eV."""
    return spin_flip_damping(HBAR / (xi * 0.8 * E), 0.8 * E, itinerant_share=share)


SPINS = [0.03, 0.2, 0.7, 1.5]


@pytest.mark.parametrize("xi", SPINS)
def test_paper_BTBK_57(xi):
    # Electrons through a spiral: (v.grad) m is the rate at which a spin sees m turn; v is against the current, so the
    # torque S tau is -s_0 (v.grad) m + beta s_0 m x (v.grad) m: the sign of the corrected (11).
    spiral = unit_vector(np.cross(M, [0.1, 0.5, 0.4]))
    errors = []
    for rate in (4e-2, 2e-2):
        adiabatic, across = parts(spiral, M, rate, xi)
        assert adiabatic > 0
        # In a spiral beta = xi at any pitch. With the printed (11) the part across would be -xi times the other.
        assert across / adiabatic == pytest.approx(xi, rel=1e-9, abs=0)
        errors.append(adiabatic - 1 / (1 + xi**2))
    model = bloch(xi, 0.0)
    np.testing.assert_allclose([model.beta, model.drift_factor], [xi, 1 / (1 + xi**2)], rtol=1e-12)
    # The drift is that of (10) over 1 + xi^2, for S >> s_0; the rest falls with the square of the rate.
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.02, abs=0)
    assert abs(errors[1]) < 1e-3


@pytest.mark.parametrize("share", [0.1, 0.5, 1.0])
@pytest.mark.parametrize("xi", SPINS)
def test_paper_BTBK_58(xi, share):
    # A magnet that precesses on a cone, with localised spins S = s_0 (1 - share)/share: S dm/dt = -S gamma m x H + T.
    cone = unit_vector([0.3, 0.1, 1.0])
    with_rate, across = parts(cone, M, 1e-3, xi)
    lattice = (1 - share) / share
    alpha = across / (lattice + with_rate)
    np.testing.assert_allclose(bloch(xi, share).alpha, alpha, rtol=1e-4)
    # A current adds the reaction of spins that pass, with dm/dt -> -(v.grad) m; the sum over lattice + with_rate is the
    # drift, here over that of (10) with the spin 1/share of the whole magnet.
    np.testing.assert_allclose(bloch(xi, share).drift_factor, with_rate / (lattice + with_rate) / share, rtol=1e-4)
    # The printed limit is too large by 1 + (1 - eta) xi^2, exact for the Stoner model.
    np.testing.assert_allclose(share * xi / alpha, 1 + (1 - share) * xi**2, rtol=1e-4)


def test_limit_field_on_conduction_spins_leaves_the_damping():
    """With the field on both kinds of spins a precession has the frequency and the damping of the closed forms."""
    xi, share, field = 0.6, 0.3, 1e-4  # gamma H in Delta_xc/hbar
    s_0, lattice = share, 1 - share  # units of S + s_0
    model = bloch(xi, share)
    ratio, alpha = float(model.gyromagnetic_factor), float(model.alpha)

    # Small angle, complex notation a = a_x + i a_y about H along z: m = z + a, s = -s_0 (z + c).
    # dm/dt = -gamma m x H + (1/S) m x s, ds/dt = (m + H) x s - xi (s - s_eq).
    spring = s_0 / lattice
    matrix = np.array(
        [
            [1j * field + 1j * spring, -1j * spring],
            [-1j + xi / (1 + field), 1j * (1 + field) - xi],
        ]
    )
    # s_eq points along -(z (1 + H) + a), so its slope is a/(1 + H).
    slow = min(np.linalg.eigvals(matrix), key=abs)
    expected = 1j * ratio * field / (1 - 1j * alpha)
    assert slow == pytest.approx(expected, rel=5e-4, abs=0)
