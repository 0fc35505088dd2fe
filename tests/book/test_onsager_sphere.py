"""WD11 (1)-(6), (19), (20), Figure 1 and WD04 (19), (20): each against a route that does not use it.

The routes: free energies of ensembles whose points are moved one by one, averages over rotations, a linear solver on
the implicit equation of Gilbert, an ODE solver against the closed form of a uniaxial magnet, two channels added one by
one, the response of a scattering interface. Printed forms miss by what is predicted.
"""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spinlib.circuit import InterfaceConductance
from spinlib.dynamics.macrospin import llg_rate
from spinlib.dynamics.thermodynamic import (
    GeneralizedLLG,
    QuadraticPotential,
    landau_lifshitz_mobility,
    onsager_matrix,
)
from spinlib.onsager import discrete_response
from spinlib.pumping import pumping_damping
from spinlib.spin import cross_matrix, unit_vector
from spinlib.units import e

RNG = np.random.default_rng(2011)
GAMMA, M_S, VOLUME = 1.8e11, 8e5, 8e-25
MOMENT = M_S * VOLUME
ALPHA = 0.3
LINEAR = 1e-20 * RNG.normal(size=3)
QUADRATIC = 1e-20 * np.diag([1.0, 0.2, -3.0])
ENERGY = QuadraticPotential(LINEAR, QUADRATIC)
POINTS = unit_vector(RNG.normal(size=(50, 3)))
MAGNET = GeneralizedLLG(ENERGY, ALPHA, landau_lifshitz_mobility(MOMENT, ALPHA, GAMMA))


def slope_of(potential, u, width=1e-4):
    """Gradient along the unit sphere from differences of the values, to about 1e-8."""
    result = np.zeros_like(u)
    for axis in np.eye(3):
        along = axis - (u @ axis)[..., None] * u
        for weight, step in ((8, 1), (-8, -1), (-1, 2), (1, -2)):
            moved = unit_vector(u + step * width * along)
            # The derivative along the projection of an axis is that component of the gradient.
            result += weight / (12 * width) * np.asarray(potential(moved))[..., None] * axis
    return result


def gilbert(u, drive, loss, turning):
    """Solve (1 - turning loss u x) du/dt = -turning u x drive with three equations for each point."""
    left = np.eye(3) - turning * loss * cross_matrix(u)
    return np.linalg.solve(left, (-turning * np.cross(u, drive))[..., None])[..., 0]


def polar(u):
    """e_theta and e_phi at u."""
    e_phi = unit_vector(np.cross([0.0, 0.0, 1.0], u))
    return np.cross(e_phi, u), e_phi


# --- ensembles --------------------------------------------------------------------------------------------------------


def quadrature(order=28):
    x, weight = np.polynomial.legendre.leggauss(order)
    phi = 2 * np.pi * np.arange(2 * order) / (2 * order)
    x, phi = (a.ravel() for a in np.meshgrid(x, phi, indexing="ij"))
    s = np.sqrt(1 - x**2)
    return np.stack([s * np.cos(phi), s * np.sin(phi), x], -1), np.repeat(weight, 2 * order) * np.pi / order


NODES, WEIGHTS = quadrature()
LANDSCAPE = QuadraticPotential(RNG.normal(size=3), np.diag([0.8, 0.1, -0.9]))  # in units of kT
LOG_DENSITY = QuadraticPotential(RNG.normal(size=3), np.diag([-0.5, 0.6, 0.2]))
NORM = WEIGHTS @ np.exp(LOG_DENSITY(NODES))


def density(u):
    return np.exp(LOG_DENSITY(u)) / NORM


def free_energy_after(velocity, step):
    """F/kT of the ensemble whose points have all moved by ``step`` times their velocity: no flux is used."""

    def moved(u):
        return unit_vector(u + step * velocity(u))

    width, (one, two) = 1e-4, polar(NODES)
    stretch = []
    for direction in (one, two):
        ahead, behind = (moved(unit_vector(NODES + sign * width * direction)) for sign in (1, -1))
        stretch.append((ahead - behind) / (2 * width))
    area = np.linalg.norm(np.cross(*stretch), axis=-1)
    rho = density(NODES)
    return WEIGHTS @ (rho * (np.log(rho / area) + LANDSCAPE(moved(NODES))))


def loss_of_free_energy(velocity, step=1e-3):
    return -(free_energy_after(velocity, step) - free_energy_after(velocity, -step)) / (2 * step)


def slope_of_mu(u):
    return LOG_DENSITY.gradient(u) + LANDSCAPE.gradient(u)  # kT ln rho + V


def test_paper_WD11_1_power_is_the_loss_of_free_energy_of_moved_points():
    def flow(u):
        # No linear law: some velocity field, neither free of divergence nor of rotation.
        v = np.cross(u, [0.3, -0.2, 0.9]) + np.stack([u[..., 1] * u[..., 2], u[..., 0], -(u[..., 2] ** 2)], -1)
        return v - np.einsum("...i,...i", u, v)[..., None] * u

    current = density(NODES)[:, None] * flow(NODES)
    power = -WEIGHTS @ np.einsum("ni,ni->n", current, slope_of_mu(NODES))
    # Differences of step 1e-3 and 1e-4: relative errors of 1e-6.
    assert power == pytest.approx(loss_of_free_energy(flow), rel=1e-5, abs=0)
    without_entropy = -WEIGHTS @ np.einsum("ni,ni->n", current, LANDSCAPE.gradient(NODES))
    assert abs(without_entropy / power - 1) > 0.05  # the entropy is part of it


@pytest.mark.parametrize("alpha", [0.05, 1.0])
def test_paper_WD11_2_current_of_the_fokker_planck_equation_and_none_in_equilibrium(alpha):
    magnet = GeneralizedLLG(LANDSCAPE, alpha, 1.0)

    def linear_law(u):
        force = -slope_of_mu(u)
        return alpha * force - np.cross(u, force)  # J/rho, mobility 1

    def drift_and_diffusion(u):
        return magnet.velocity(u) - alpha * LOG_DENSITY.gradient(u)

    # The two currents differ by kT L_F u x grad rho, which moves points along lines of equal density only.
    extra = linear_law(NODES) - drift_and_diffusion(NODES)
    np.testing.assert_allclose(extra, np.cross(NODES, LOG_DENSITY.gradient(NODES)), rtol=0, atol=1e-12)
    loss = loss_of_free_energy(drift_and_diffusion)
    assert loss == pytest.approx(loss_of_free_energy(linear_law), rel=1e-4, abs=0)
    # Both lose what the diagonal coefficient says, which is never negative.
    square = np.einsum("ni,ni->n", slope_of_mu(NODES), slope_of_mu(NODES))
    assert loss == pytest.approx(alpha * (WEIGHTS * density(NODES)) @ square, rel=1e-4, abs=0)


def turned(matrix, angle):
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn @ matrix @ turn.T


def matrix_from_gilbert(u):
    """L/rho in the order (theta, phi), column by column from unit forces [J] in the implicit equation."""
    e_theta, e_phi = polar(u)
    rates = [gilbert(u, unit / MOMENT, ALPHA, 1.0) * GAMMA for unit in (e_theta, e_phi)]
    return np.array([[row @ rate for rate in rates] for row in (e_theta, e_phi)])


def test_paper_WD11_3_matrix_in_the_order_theta_phi():
    raw = RNG.normal(size=(2, 2))
    mean = np.mean([turned(raw, angle) for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False)], axis=0)
    # What isotropy leaves of any matrix has the form of (3).
    np.testing.assert_allclose(mean, [[mean[0, 0], mean[0, 1]], [-mean[0, 1], mean[0, 0]]], rtol=0, atol=1e-14)
    mobility = landau_lifshitz_mobility(MOMENT, ALPHA, GAMMA)
    printed = mobility * np.array([[ALPHA, 1], [-1, ALPHA]])
    for u in POINTS[:5]:
        found = matrix_from_gilbert(u)
        np.testing.assert_allclose(found, printed, rtol=0, atol=1e-12 * mobility)
        # In the order (phi, theta), the one of the paper's unit vectors, the precession of the print is reversed.
        np.testing.assert_allclose(found[::-1, ::-1], printed.T, rtol=0, atol=1e-12 * mobility)
        library = onsager_matrix(1.0, mobility, ALPHA)[:2, :2]
        np.testing.assert_allclose(library, found[::-1, ::-1], rtol=0, atol=1e-12 * mobility)


def test_paper_WD11_3_reciprocity_alone_allows_a_symmetric_off_diagonal_part():
    crystal = np.diag([0.3, 0.1, 0.2])  # even in u and symmetric: reciprocal
    u = POINTS[0]
    there, here = polar(-u), polar(u)
    np.testing.assert_allclose(there[0], here[0], rtol=0, atol=1e-15)
    np.testing.assert_allclose(there[1], -here[1], rtol=0, atol=1e-15)
    off = here[0] @ crystal @ here[1]
    assert off == pytest.approx(-there[1] @ crystal @ there[0], rel=1e-12, abs=0)
    assert off == pytest.approx(here[1] @ crystal @ here[0], rel=1e-12, abs=0)
    assert abs(off) > 1e-3


def test_paper_WD11_statement_F2_damping_is_diagonal_over_off_diagonal():
    matrix = matrix_from_gilbert(POINTS[1])
    assert matrix[0, 0] / matrix[0, 1] == pytest.approx(ALPHA, rel=1e-12, abs=0)
    printed = matrix[0, 1] / matrix[0, 0]
    assert printed / ALPHA == pytest.approx(1 / ALPHA**2, rel=1e-12, abs=0)


def test_paper_WD11_statement_reciprocity_compares_opposite_moments():
    """Gilbert's equation with damping axes fixed in a crystal: reciprocal, and not antisymmetric at one u."""
    crystal = np.array([[0.3, 0.1, 0.0], [0.1, 0.5, -0.2], [0.0, -0.2, 0.4]])

    def response(u, damping):
        """Rates du/dt = -u x (force - damping du/dt) for unit forces, in the order (theta, phi)."""
        frame = polar(u)
        left = np.eye(3) - cross_matrix(u) @ damping
        rates = [np.linalg.solve(left, -np.cross(u, force)) for force in frame]
        return np.array([[row @ rate for rate in rates] for row in frame])

    for u in POINTS[:5]:
        here, there = response(u, crystal), response(-u, crystal)
        assert here[0, 1] == pytest.approx(-there[1, 0], abs=1e-14)
        for k in (0, 1):
            assert here[k, k] == pytest.approx(there[k, k], abs=1e-14)
        # The response is the inverse of the damping across u plus a quarter turn; printed: here[0, 1] = -here[1, 0].
        tensor = np.array([[a @ crystal @ b for b in polar(u)] for a in polar(u)])
        miss = -2 * tensor[0, 1] / (1 + np.linalg.det(tensor))
        assert here[0, 1] + here[1, 0] == pytest.approx(miss, abs=1e-14)
        assert abs(miss) > 1e-3
        # Isotropy gives what is printed, and so (3).
        round_ = response(u, ALPHA * np.eye(3))
        np.testing.assert_allclose(round_ * (1 + ALPHA**2), [[ALPHA, 1], [-1, ALPHA]], rtol=0, atol=1e-14)


def test_paper_WD11_4_is_the_implicit_equation_of_gilbert():
    field = -slope_of(ENERGY, POINTS)
    expected = GAMMA * gilbert(POINTS, field / MOMENT, ALPHA, 1.0)
    size = np.abs(expected).max()
    typed = -MAGNET.mobility * (np.cross(POINTS, field) + ALPHA * np.cross(POINTS, np.cross(POINTS, field)))
    np.testing.assert_allclose(typed, expected, rtol=0, atol=1e-12 * size)
    # Differences of step 1e-4 leave 1e-9 of the gradient.
    np.testing.assert_allclose(MAGNET.velocity(POINTS), expected, rtol=0, atol=1e-8 * size)
    loss = np.einsum("ni,ni->n", field, typed)
    expected_loss = ALPHA * MAGNET.mobility * np.einsum("ni,ni->n", field, field)
    np.testing.assert_allclose(loss, expected_loss, rtol=1e-12)


def test_paper_WD11_5_precesses_with_minus_gamma():
    field = -slope_of(ENERGY, POINTS) / MOMENT
    rate = MAGNET.velocity(POINTS)
    eta = ALPHA / (GAMMA * M_S)
    size = np.abs(rate).max()
    corrected = -GAMMA * np.cross(POINTS, field - eta * M_S * rate)
    np.testing.assert_allclose(corrected, rate, rtol=0, atol=1e-8 * size)
    printed = GAMMA * gilbert(POINTS, field, ALPHA, -1.0)
    np.testing.assert_allclose(
        printed - rate, 2 * MAGNET.mobility * MOMENT * np.cross(POINTS, field), rtol=0, atol=1e-8 * size
    )
    descent = np.einsum("ni,ni->n", printed - rate, field)
    np.testing.assert_allclose(descent, 0, rtol=0, atol=1e-8 * size * np.abs(field).max())
    # A negative gamma turns the printed (5) around, and (4) as well, through alpha = eta gamma M_s and L_F of (6).
    gamma, alpha = -GAMMA, eta * -GAMMA * M_S
    left = np.eye(3) + gamma * eta * M_S * cross_matrix(POINTS)
    five = np.linalg.solve(left, gamma * np.cross(POINTS, field)[..., None])[..., 0]
    np.testing.assert_allclose(five, rate, rtol=0, atol=1e-8 * size)
    mobility, joule = gamma / (M_S * VOLUME * (1 + alpha**2)), field * MOMENT
    four = -mobility * (np.cross(POINTS, joule) + alpha * np.cross(POINTS, np.cross(POINTS, joule)))
    np.testing.assert_allclose(five - four, 2 * mobility * np.cross(POINTS, joule), rtol=0, atol=1e-12 * size)


def test_paper_WD11_6_mobility_of_total_energies_and_of_densities():
    # A moment across a field of 1 T: the rates of the implicit equation are L_F M B and alpha L_F M B.
    across, tesla = np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])
    expected = GAMMA * gilbert(across, tesla, ALPHA, 1.0)
    total = landau_lifshitz_mobility(MOMENT, ALPHA, GAMMA)
    np.testing.assert_allclose([expected[1], expected[2]], total * MOMENT * np.array([1, ALPHA]), rtol=1e-12)
    printed = GAMMA / (M_S * (1 + ALPHA**2))  # (6)
    np.testing.assert_allclose(expected[1], printed * M_S * 1.0, rtol=1e-12)  # the energy density is M_s B
    assert printed * MOMENT / expected[1] == pytest.approx(VOLUME, rel=1e-12, abs=0)  # with a total energy


def test_paper_WD11_figure_1_spirals_of_a_uniaxial_magnet():
    alpha, start = 0.08, np.radians(84)
    magnet = GeneralizedLLG(QuadraticPotential(quadratic=np.diag([0, 0, -0.5])), alpha, 1.0)  # omega_K = 1
    last = np.log(np.tan(start) / np.tan(np.radians(3))) / alpha
    times = np.linspace(0, last, 300)
    azimuths = {}
    for tilt in (start, np.pi - start):
        first = [np.sin(tilt), 0, np.cos(tilt)]
        path = solve_ivp(lambda _, u: magnet.velocity(u / np.linalg.norm(u)), (0, last), first, t_eval=times, rtol=1e-9)
        u = unit_vector(path.y.T)
        theta = np.arccos(np.abs(u[:, 2]))
        np.testing.assert_allclose(np.tan(theta), np.tan(start) * np.exp(-alpha * times), rtol=1e-3)
        side = np.sign(np.cos(tilt))
        turned_by = side * np.unwrap(np.arctan2(u[:, 1], u[:, 0]))
        closed = -np.log(np.tan(theta / 2) / np.tan(start / 2)) / alpha
        np.testing.assert_allclose(turned_by, closed, rtol=0, atol=0.02)  # of 44 rad; rtol 1e-9 per step
        assert (np.diff(turned_by) > 0).all()  # counter-clockwise about H, which points into the well
        assert (np.diff(magnet.energy(u)) < 0).all()
        azimuths[side] = turned_by
    np.testing.assert_allclose(azimuths[1.0], azimuths[-1.0], rtol=0, atol=0.02)
    assert 7.0 < azimuths[1.0][-1] / (2 * np.pi) < 7.1


# --- WD04 -------------------------------------------------------------------------------------------------------------


def test_paper_WD04_19_with_the_negative_ratio_of_electrons():
    ratio = -GAMMA
    eta = ALPHA / (GAMMA * M_S)
    field = -slope_of(ENERGY, POINTS) / MOMENT  # -dV/dM_0
    rate = llg_rate(POINTS, field, alpha=ALPHA, gyromagnetic_ratio=GAMMA)
    right = ratio * np.cross(M_S * POINTS, field - eta * M_S * rate)
    np.testing.assert_allclose(M_S * rate, right, rtol=0, atol=1e-12 * np.abs(right).max())


@pytest.mark.parametrize("ratio", [GAMMA, -GAMMA])
def test_paper_WD04_20_from_19_and_printed_sign_climbs(ratio):
    eta = ALPHA / (GAMMA * M_S)
    alpha = eta * ratio * M_S  # of the sign of the ratio
    slope = slope_of(ENERGY, POINTS) / VOLUME
    turn = np.cross(POINTS, slope)
    # (19), solved for the rate: (1 + alpha u x) du/dt = -(Gamma/M_s) u x grad V.
    left = np.eye(3) + alpha * cross_matrix(POINTS)
    expected = np.linalg.solve(left, (-ratio / M_S * turn)[..., None])[..., 0]
    g = ratio / ((1 + alpha**2) * M_S)
    corrected = -g * turn + alpha * g * np.cross(POINTS, turn)
    size = np.abs(expected).max()
    np.testing.assert_allclose(corrected, expected, rtol=0, atol=1e-12 * size)
    sign_only = -g * turn - alpha * g * np.cross(POINTS, turn)
    fall, climb = (np.einsum("ni,ni->n", slope, rate) for rate in (expected, sign_only))
    np.testing.assert_allclose(climb, -fall, rtol=1e-9)
    assert (climb > 0).all()
    # With M_s^2 as well, the numbers of the print depend on the unit of current; the rate from (19) does not.
    for unit in (1.0, 1e3, 1e9):  # A, kA, GA
        gamma, magnetisation = ratio / unit, M_S / unit
        h_printed = gamma * alpha / ((1 + alpha**2) * magnetisation**2)
        printed = -gamma / ((1 + alpha**2) * magnetisation) * turn - h_printed * np.cross(POINTS, turn)
        miss = -alpha * g * (1 + 1 / magnetisation) * np.cross(POINTS, turn)
        np.testing.assert_allclose(printed - expected, miss, rtol=0, atol=1e-12 * size * (1 + 1 / magnetisation))


# --- the magnet with a current ----------------------------------------------------------------------------------------

MEDIUM = {"conductivity": 2.5, "beta": 0.4, "relaxation": 0.9}
MEDIUM |= {"transverse_conductivity": 1.7, "transverse_relaxation": 0.6}
WEIGHT = np.diag([1, 1, 1, 0.5, 0.5, 1, 1])  # for a rate that counts particles; 1/e for one that counts charge


def channels(x_up, x_down):
    """Currents of two channels by their own Ohm's laws."""
    return 2.5 * 1.4 * x_up, 2.5 * 0.6 * x_down


def test_paper_WD11_19_channel_by_channel():
    for x_up, x_down in RNG.normal(size=(20, 2)):
        up, down = channels(x_up, x_down)
        true = up * x_up + down * x_down
        forces = np.array([0, 0, 0, x_up - x_down, x_up + x_down, 0, 0])
        fluxes = onsager_matrix(1.0, 1.0, 0.1, **MEDIUM) @ forces
        assert forces @ WEIGHT @ fluxes == pytest.approx(true, rel=1e-12, abs=1e-12)
        assert forces @ fluxes == pytest.approx(2 * true, rel=1e-12, abs=1e-12)  # as printed
    # Spin flips in a box: charge densities n, a free energy density quadratic in them, potentials e df/dn.
    stiff, charges, rate = np.array([[3.0, 0.4], [0.4, 2.0]]), np.array([0.7, -0.5]), 0.9
    up, down = e * stiff @ charges
    flips = rate * (up - down) / e * np.array([-1, 1])  # in A/m^3, with L e = 0.9
    falling = -(charges @ stiff @ flips)
    matrix = onsager_matrix(1.0, 1.0, 0.1, relaxation=rate / e)
    psi = matrix[6, 6] * (up - down)
    assert psi * (up - down) / e == pytest.approx(falling, rel=1e-12, abs=0)
    assert psi * (up - down) / falling == pytest.approx(e, rel=1e-12, abs=0)  # as printed


def test_paper_WD11_20_rows_and_printed_slips():
    n, mobility, alpha, push, push_t, pump, pump_t = 1.3, 0.7, 0.2, 0.11, -0.23, 0.07, 0.31
    coupled = {"transfer": push, "transverse_transfer": push_t, "reciprocal": pump, "transverse_reciprocal": pump_t}
    matrix = onsager_matrix(n, mobility, alpha, **MEDIUM, **coupled)
    u = POINTS[2]
    e_theta, e_phi = polar(u)
    for f_phi, f_theta, x_t, x_up, x_down, split_t, split in RNG.normal(size=(10, 7)):
        force = f_theta * e_theta + f_phi * e_phi
        magnet = GeneralizedLLG(QuadraticPotential(-force), alpha, mobility)  # grad V = -force at u
        flow = n * magnet.velocity(u) + push * (x_up - x_down) * e_theta + push_t * x_t * e_phi
        up, down = channels(x_up, x_down)
        expected = [
            flow @ e_phi,
            flow @ e_theta,
            pump_t * f_phi + 1.7 * x_t,
            pump * f_theta + up - down,
            up + down,
            0.6 * split_t,
            0.9 * split,
        ]
        forces = np.array([f_phi, f_theta, x_t, x_up - x_down, x_up + x_down, split_t, split])
        np.testing.assert_allclose(matrix @ forces, expected, rtol=0, atol=1e-12)

        # As printed: forces +grad mu, the block of the order (theta, phi), no J_0 and no beta sigma_0.
        printed = n * mobility * np.array([[alpha, 1], [-1, alpha]]) @ -forces[:2]
        right = n * magnet.velocity(u) @ np.transpose([e_phi, e_theta])
        np.testing.assert_allclose(printed - right, -2 * n * mobility * alpha * forces[:2], rtol=0, atol=1e-12)
        assert printed @ forces[:2] == pytest.approx(-(right @ forces[:2]), rel=1e-9, abs=1e-12)
        spin_current = 2.5 * (x_up - x_down)
        assert up - down - spin_current == pytest.approx(0.4 * 2.5 * (x_up + x_down), rel=1e-9, abs=1e-12)


def test_invariant_bound_of_the_transfer_is_the_damping_by_pumping():
    film = {"magnetic_moment": 8e5 * 2e-9, "gyromagnetic_ratio": GAMMA}
    size = film["magnetic_moment"]
    u = POINTS[3]
    _, e_phi = polar(u)
    for mixing in (0.9e15, 0.9e15 + 0.4e15j, 0.3e15 - 0.8e15j):
        contact = InterfaceConductance(1.2e15, 0.5e15, mixing)
        least = float(pumping_damping(contact.mixing, **film))

        def along_phi(loss, contact=contact):
            found = discrete_response(u, contact, alpha=loss, **film)
            blocks = (found.mm / size**2, found.ms / size, found.sm / size, found.ss)
            return [e_phi @ block @ e_phi for block in blocks]

        drag, push, pump, sigma = along_phi(least)
        assert pump == pytest.approx(push, rel=1e-12, abs=0)  # Onsager-symmetric
        assert (push + pump) ** 2 == pytest.approx(4 * drag * sigma, rel=1e-9, abs=0)  # the bound is met
        drag, push, pump, sigma = along_phi(1.5 * least)
        loss = 1.5 * least
        medium = {"transverse_conductivity": sigma, "transverse_transfer": push}
        accepted = onsager_matrix(1.0, drag / loss, loss, **medium)
        assert accepted[2, 0] == push
        with pytest.raises(ValueError, match="second law"):
            # The same torque on a magnet with less than the damping by pumping.
            onsager_matrix(1.0, drag / loss, 0.5 * least, **medium)


@pytest.mark.parametrize("sign", [1, -1])
def test_paper_WD11_statement_F14_pumping_into_an_open_circuit(sign):
    alpha, sigma, sigma_t, beta, push, push_t = 0.1, 2.0, 1.7, 0.5, 0.12, 0.2
    matrix = onsager_matrix(
        1.0,
        1.0,
        alpha,
        sigma,
        beta,
        transverse_conductivity=sigma_t,
        transfer=push,
        transverse_transfer=push_t,
        reciprocal=sign * 2 * push,
        transverse_reciprocal=sign * push_t,
    )
    # No current in any channel: solve the three electric rows for the three electric forces.
    driven = np.array([1.0, 0.0])
    electric = np.linalg.solve(matrix[2:5, 2:5], -matrix[2:5, :2] @ driven)
    flow = matrix[:2, :2] @ driven + matrix[:2, 2:5] @ electric
    assert electric[0] == pytest.approx(-sign * push_t / sigma_t, rel=1e-12, abs=0)
    share = sign * push_t**2 / (alpha * sigma_t)
    printed = flow[0] / push_t
    assert printed / electric[0] == pytest.approx(-(1 - share) / share, rel=1e-12, abs=0)
    electric = np.linalg.solve(matrix[2:5, 2:5], -matrix[2:5, 1])
    assert electric[1] == pytest.approx(-sign * 2 * push / (sigma * (1 - beta**2)), rel=1e-12, abs=0)
    assert electric[2] == pytest.approx(-beta * electric[1], rel=1e-12, abs=0)
    # Open channels change the damping; it stays positive by the second law.
    assert flow[0] == pytest.approx(alpha * (1 - share), rel=1e-12, abs=0)
    assert flow[0] > 0
