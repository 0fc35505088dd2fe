"""`spinlib.onsager`: reciprocity, second law, limits, and other routes to the same response."""

from contextlib import nullcontext

import numpy as np
import pytest
import scipy.constants as si
from hypothesis import given, settings
from hypothesis import strategies as st

from spinlib.circuit import InterfaceConductance, interface_current, spin_transfer_torque
from spinlib.onsager import WallResponse, discrete_response, spin_flip_damping, texture_response
from spinlib.pumping import pumped_spin_current, pumping_damping, spin_battery
from spinlib.spin import adjoint_rotation, spin_rotation, unit_vector
from tests.bad_input import Refusal, refusals

HBAR, E = si.hbar, si.e
GAMMA = 1.8e11
MOMENT = 8e5 * 2e-9
MAGNET = {"magnetic_moment": MOMENT, "gyromagnetic_ratio": GAMMA}
CONTACT = InterfaceConductance(1.2e15, 0.5e15, 0.9e15 + 0.4e15j)
LEAST = pumping_damping(CONTACT.mixing, **MAGNET)
METAL = {
    "polarization": 0.7,
    "conductivity": 5e6,
    "beta": 0.4,
    "saturation_magnetization": 8e5,
    "gyromagnetic_ratio": GAMMA,
}
KAPPA = GAMMA * HBAR**2 * 0.7**2 * 5e6 / (4 * E**2 * 8e5)
# A turn of one vector into another, from two angles.
ROTATION = adjoint_rotation(spin_rotation(1.1, -0.4) @ spin_rotation(0.3, 2.0))

seeds = st.integers(0, 2**32 - 1)
ratios = st.floats(-3, 3)


def directions(rng, *shape):
    return unit_vector(rng.normal(size=(*shape, 3)))


def textures(rng, *shape, slope=2e8):
    """Directions and gradients perpendicular to them [1/m]."""
    m = directions(rng, *shape)
    raw = slope * rng.normal(size=(*shape, 3, 3))
    return m, raw - np.einsum("...ik,...k->...i", raw, m)[..., None] * m[..., None, :]


def matmul(matrix, vector):
    return np.einsum("...ij,...j->...i", matrix, vector)


def rate(m, torque, alpha):
    """Solve dm/dt = torque + alpha m x dm/dt, the torque perpendicular to m, without a matrix."""
    return (torque + alpha * np.cross(m, torque)) / (1 + alpha**2)


def close(one, other, tolerance=1e-12):
    np.testing.assert_allclose(one, other, rtol=0, atol=tolerance * np.abs(other).max())


# --- a magnet beside a normal metal -----------------------------------------------------------------------------------


def scaled(response, mixing):
    """The 6 x 6 matrix in units gamma M_s V and 2 G_R."""
    units = np.repeat([1 / np.sqrt(GAMMA * MOMENT), 1 / np.sqrt(2 * mixing.real)], 3)
    return units[:, None] * response.matrix * units


@given(seed=seeds, excess=st.floats(1, 50), ratio=ratios)
@settings(max_examples=50, deadline=None)
def test_invariant_discrete_reciprocity(seed, excess, ratio):
    m = directions(np.random.default_rng(seed))
    contact = InterfaceConductance(1.2e15, 0.5e15, 0.9e15 * (1 + 1j * ratio))
    arguments = {"alpha": excess * LEAST, **MAGNET}
    here = scaled(discrete_response(m, contact, **arguments), contact.mixing)
    there = scaled(discrete_response(-m, contact, **arguments), contact.mixing)
    close(here, there.T)
    # Twice the same matrix would be no test: it depends on the sign of m.
    assert np.abs(here - there).max() > 0.1


@given(seed=seeds, ratio=ratios)
@settings(max_examples=50, deadline=None)
def test_invariant_discrete_second_law_holds_down_to_the_pumping_damping(seed, ratio):
    m = directions(np.random.default_rng(seed))
    contact = InterfaceConductance(0.3e15, 0.1e15, 0.9e15 * (1 + 1j * ratio))
    for factor in (1.0, 1.01, 3.0):
        matrix = scaled(discrete_response(m, contact, alpha=factor * LEAST, **MAGNET), contact.mixing)
        values = np.linalg.eigvalsh((matrix + matrix.T) / 2)
        assert values[0] > -1e-14
        # H along m does nothing; at the bound a whole plane of forces costs nothing either.
        assert np.sum(values < 1e-12) == (3 if factor == 1.0 else 1)


def test_invariant_discrete_rotation_covariance():
    m = directions(np.random.default_rng(2), 5)
    here = discrete_response(m, CONTACT, alpha=0.1, **MAGNET)
    turned = discrete_response(m @ ROTATION.T, CONTACT, alpha=0.1, **MAGNET)
    for name in ("mm", "ms", "sm", "ss"):
        close(getattr(turned, name), ROTATION @ getattr(here, name) @ ROTATION.T)


def test_invariant_discrete_fluxes_solve_the_equation_of_motion():
    rng = np.random.default_rng(3)
    m, field, volts = directions(rng, 40), rng.normal(size=(40, 3)), 1e-4 * rng.normal(size=(40, 3))
    alpha = LEAST * rng.uniform(1, 5, 40)
    response = discrete_response(m, CONTACT, alpha=alpha, **MAGNET)
    into = interface_current(m, CONTACT, volts).spin_current
    torque = spin_transfer_torque(m, into, **MAGNET) - GAMMA * np.cross(m, field)
    mdot = rate(m, torque, alpha[:, None])
    close(matmul(response.mm, field) + matmul(response.ms, volts), MOMENT * mdot)
    whole = into + pumped_spin_current(m, mdot, CONTACT.mixing)
    close(matmul(response.sm, field) + matmul(response.ss, volts), whole)


def test_invariant_discrete_spin_battery_ends_the_dissipation_at_the_interface():
    # With the accumulation of an open battery the interface passes no current, so sm H + ss V = 0.
    rng = np.random.default_rng(4)
    m, alpha = directions(rng, 10), 3 * LEAST
    mdot = 1e10 * np.cross(m, rng.normal(size=(10, 3)))
    volts = spin_battery(m, mdot)
    torque = spin_transfer_torque(m, interface_current(m, CONTACT, volts).spin_current, **MAGNET)
    field = (np.cross(m, mdot) + alpha * mdot - np.cross(m, torque)) / GAMMA
    response = discrete_response(m, CONTACT, alpha=alpha, **MAGNET)
    close(matmul(response.mm, field) + matmul(response.ms, volts), MOMENT * mdot, 1e-11)
    pumped = matmul(response.sm, field)
    assert np.abs(pumped + matmul(response.ss, volts)).max() < 1e-11 * np.abs(pumped).max()


def test_limit_discrete_heavy_magnet_stands_still():
    m = directions(np.random.default_rng(5))
    response = discrete_response(m, CONTACT, alpha=0.1, magnetic_moment=1e9 * MOMENT, gyromagnetic_ratio=GAMMA)
    at_rest = np.stack([interface_current(m, CONTACT, v).spin_current for v in np.eye(3)], axis=-1)
    close(response.ss, at_rest, 1e-9)


def test_limit_discrete_no_contact_leaves_the_landau_lifshitz_equation():
    m = directions(np.random.default_rng(6))
    response = discrete_response(m, InterfaceConductance(0, 0, 0), alpha=0.1, **MAGNET)
    assert not response.ss.any()
    assert not response.ms.any()
    field = np.array([0.3, 0.2, -0.5])
    right = -GAMMA * (np.cross(m, field) + 0.1 * np.cross(m, np.cross(m, field))) / 1.01
    close(response.mm @ field / MOMENT, right)


def test_limit_discrete_landau_lifshitz_conductances_of_the_torque():
    # In Landau-Lifshitz form (7) has G_R -> (G_R + alpha G_I)/(1 + alpha^2), G_I -> (G_I - alpha G_R)/(1 + alpha^2).
    alpha, mixing = 0.3, CONTACT.mixing
    response = discrete_response((0, 0, 1), CONTACT, alpha=alpha, **MAGNET)
    scale = GAMMA * HBAR / E / (1 + alpha**2)
    assert response.ms[0, 0] == pytest.approx(scale * (mixing.real + alpha * mixing.imag), rel=1e-13, abs=0)
    assert response.ms[0, 1] == pytest.approx(scale * (mixing.imag - alpha * mixing.real), rel=1e-13, abs=0)


def test_invariant_discrete_batches_and_tables(tmp_path):
    m = directions(np.random.default_rng(7), 4, 1)
    alpha = np.array([0.05, 0.1, 0.2])
    batch = discrete_response(m, CONTACT, alpha=alpha, **MAGNET)
    assert batch.matrix.shape == (4, 3, 6, 6)
    alone = discrete_response(m[2, 0], CONTACT, alpha=0.1, **MAGNET)
    np.testing.assert_array_equal(batch.matrix[2, 1], alone.matrix)
    table = batch.columns(alpha=alpha)
    assert len(table) == 1 + 4 * 9
    np.testing.assert_array_equal(table["sm_1_z"], batch.sm[..., 1, 2].ravel())
    batch.to_csv(tmp_path / "response.csv")
    assert "ss_0_x [S]" in (tmp_path / "response.csv").read_text(encoding="utf-8").splitlines()[0]
    assert repr(batch).startswith("DiscreteResponse(points=12, largest ss=")
    assert len(repr(alone).splitlines()) == 1
    # Rounded input is normalised: 1e-7 off unit length changes nothing but rounding.
    near = discrete_response(m[2, 0] * (1 + 1e-7), CONTACT, alpha=0.1, **MAGNET)
    close(near.matrix, alone.matrix, 1e-14)


def test_limit_discrete_response_of_no_magnets():
    nothing = discrete_response(np.zeros((0, 3)), CONTACT, alpha=2 * LEAST, **MAGNET)
    assert nothing.matrix.shape == (0, 6, 6)
    assert "points=0" in repr(nothing)


# --- a texture --------------------------------------------------------------------------------------------------------


def test_invariant_texture_casimir():
    m, gradient = textures(np.random.default_rng(8), 50)
    here, there = texture_response(m, gradient, **METAL), texture_response(-m, -gradient, **METAL)
    # Rates at alpha = 0.3 by each force; charge even, m odd.
    alpha = 0.3
    h_rates = np.stack([rate(m, -GAMMA * np.cross(m, v), alpha) for v in np.eye(3)], axis=-1)
    jm = here.pumping @ h_rates
    e_rates = np.stack([rate(-m, there.torque[..., i], alpha) for i in range(3)], axis=-1)
    mj = METAL["saturation_magnetization"] * e_rates
    close(jm, -mj.swapaxes(-1, -2))


def test_invariant_texture_power_is_a_sum_of_squares():
    rng = np.random.default_rng(9)
    m, gradient = textures(rng, 30)
    response = texture_response(m, gradient, **METAL)
    mdot, j, alpha = np.cross(m, rng.normal(size=(30, 3))) * 1e9, rng.normal(size=(30, 3)) * 1e10, 0.02
    sigma, beta = METAL["conductivity"], METAL["beta"]
    field_e = (j - matmul(response.pumping, mdot)) / sigma
    torque = matmul(response.torque, j) / sigma
    field = (np.cross(m, mdot) + alpha * mdot - np.cross(m, torque)) / GAMMA
    power = 8e5 * np.sum(field * mdot, axis=-1) + np.sum(j * field_e, axis=-1)
    y = matmul(gradient, mdot)
    k = HBAR / (2 * E) * sigma * METAL["polarization"]
    squares = np.sum((j - k * beta * y) ** 2, axis=-1) / sigma
    squares += 8e5 / GAMMA * (alpha * np.sum(mdot**2, axis=-1) - beta**2 * KAPPA * np.sum(y**2, axis=-1))
    np.testing.assert_allclose(power, squares, rtol=1e-10)
    assert response.kappa == pytest.approx(np.full(30, KAPPA), rel=1e-13, abs=0)


def test_invariant_texture_back_action_is_a_difference_of_squares():
    rng = np.random.default_rng(10)
    m, gradient = textures(rng, 30)
    mdot = np.cross(m, rng.normal(size=(30, 3)))
    acting = matmul(texture_response(m, gradient, **METAL).back_action, mdot)
    x = matmul(np.cross(m[:, None, :], gradient), mdot)
    y = matmul(gradient, mdot)
    lost = np.sum(np.cross(m, mdot) * acting, axis=-1)
    expected = KAPPA * (np.sum(x**2, axis=-1) - METAL["beta"] ** 2 * np.sum(y**2, axis=-1))
    close(lost, expected, 1e-11)


def test_invariant_texture_drift_at_beta_equal_alpha():
    m, gradient = textures(np.random.default_rng(11), 20)
    alpha, field = 0.4, np.array([1e4, -2e4, 3e4])
    torque = matmul(texture_response(m, gradient, **METAL).torque, field)
    drift = GAMMA * HBAR * 5e6 * 0.7 / (2 * E * 8e5)
    # No field is needed: dm/dt = drift (E.grad) m solves the equation of motion, along -E for what moves with -u.
    close(rate(m, torque, alpha), drift * np.einsum("i,nik->nk", field, gradient))


def test_invariant_texture_rotations_of_spins_and_of_space_are_independent():
    m, gradient = textures(np.random.default_rng(12), 6)
    here = texture_response(m, gradient, **METAL)
    spins = texture_response(m @ ROTATION.T, gradient @ ROTATION.T, **METAL)
    close(spins.torque, ROTATION @ here.torque)
    close(spins.pumping, here.pumping @ ROTATION.T)
    space = texture_response(m, ROTATION @ gradient, **METAL)
    close(space.torque, here.torque @ ROTATION.T)
    close(space.pumping, ROTATION @ here.pumping)
    close(space.back_action, here.back_action)


def test_limit_texture_uniform_magnetization_feels_nothing():
    response = texture_response((0, 0, 1), np.zeros((3, 3)), **METAL)
    for name in ("torque", "pumping", "back_action"):
        assert not getattr(response, name).any()


def test_bad_input_damping_below_the_second_law_is_warned_of():
    # The worst point stands neither first nor last, and one point is below the bound by less.
    slopes = np.zeros((4, 3, 3))
    slopes[:, 0, 0] = 1e8, 4.998e8, 5e8, 1e8
    least = METAL["beta"] ** 2 * KAPPA * 2.5e17
    text = rf"alpha = {0.999 * least:.4g} is below beta\^2 kappa q\^2 = {least:.4g}.* at 2 of 4 points"
    with pytest.warns(
        UserWarning, match=f"{text}: .*pass the damping at zero current.* leave the back action"
    ) as record:
        warned = texture_response((0, 0, 1), slopes, alpha=0.999 * least, **METAL)
    assert record[0].filename == __file__
    silent = texture_response((0, 0, 1), slopes, alpha=1.001 * least, **METAL)  # a warning here would be an error
    np.testing.assert_array_equal(warned.back_action, silent.back_action)


def test_bad_input_damping_at_the_second_law_itself_is_legal():
    slope = np.diag([5e8, 0.0, 0.0])
    bound = METAL["beta"] ** 2 * KAPPA * 2.5e17
    texture_response((0, 0, 1), slope, alpha=bound, **METAL)  # a warning here would be an error
    with pytest.warns(UserWarning, match="at 1 of 1 points"):
        texture_response((0, 0, 1), slope, alpha=bound * (1 - 1e-11), **METAL)


def test_limit_texture_second_law_bound_depends_on_the_largest_eigenvalue():
    # alpha >= beta^2 kappa q^2: a wall needs q^2 = |grad m|^2, the centre of a skyrmion half of it.
    for gradient, share in ((np.diag([1.0, 0, 0]), 1.0), (np.diag([1.0, 1.0, 0]) / np.sqrt(2), 0.5)):
        slope = 5e8 * gradient
        response = texture_response((0, 0, 1), slope, **METAL)
        for factor, expected in ((0.999, -1), (1.001, 1)):
            alpha = factor * share * METAL["beta"] ** 2 * KAPPA * 2.5e17
            with pytest.warns(UserWarning, match="below beta") if expected < 0 else nullcontext():
                texture_response((0, 0, 1), slope, alpha=alpha, **METAL)
            turn = np.array([[0, -1.0, 0], [1.0, 0, 0], [0, 0, 0]])
            implicit = np.eye(3) - alpha * turn - response.back_action
            by_h, by_e = np.linalg.solve(implicit, -GAMMA * turn), np.linalg.solve(implicit, response.torque)
            lower = [response.pumping @ by_h, 5e6 * np.eye(3) + response.pumping @ by_e]
            units = np.repeat([1 / np.sqrt(GAMMA * 8e5), 1 / np.sqrt(5e6)], 3)
            matrix = units[:, None] * np.block([[8e5 * by_h, 8e5 * by_e], lower]) * units
            matrix = np.delete(np.delete(matrix, 2, axis=0), 2, axis=1)  # H along m
            assert np.sign(np.linalg.eigvalsh(matrix + matrix.T)[0]) == expected


def test_invariant_texture_batches_and_tables():
    m, gradient = textures(np.random.default_rng(13), 4, 1)
    beta = np.array([0.0, 0.4, 2.0])
    batch = texture_response(m, gradient, **(METAL | {"beta": beta}))
    assert batch.torque.shape == (4, 3, 3, 3)
    assert batch.kappa.shape == (4, 3)
    alone = texture_response(m[3, 0], gradient[3, 0], **METAL)
    np.testing.assert_allclose(batch.torque[3, 1], alone.torque, rtol=1e-14)
    table = batch.columns(beta=beta)
    np.testing.assert_array_equal(table["pumping_2_y"], batch.pumping[..., 2, 1].ravel())
    assert repr(alone) == f"TextureResponse(points=1, kappa={KAPPA:.4g} m^2)"


def test_limit_texture_no_points():
    nowhere = texture_response(np.zeros((0, 3)), np.zeros((0, 3, 3)), alpha=0.1, **METAL)
    assert nowhere.back_action.shape == (0, 3, 3)
    assert repr(nowhere) == "TextureResponse(points=0)"
    assert all(column.size == 0 for column in nowhere.columns().values())
    assert repr(spin_flip_damping([], 1e-19)) == "SpinFlipDamping(points=0)"


def test_limit_spin_flips():
    # hbar/(tau Delta) = 3 in SI units; shares of the Stoner model, of a magnet without conduction spins, and a half.
    model = spin_flip_damping(HBAR / 3e-19, 1e-19, itinerant_share=[1.0, 0.0, 0.5])
    np.testing.assert_allclose(model.beta, 3, rtol=1e-12)
    np.testing.assert_allclose(model.alpha, [3, 0, 1.5 / 5.5], rtol=1e-12)
    np.testing.assert_allclose(model.drift_factor, [1, 1 / 10, 1 / 5.5], rtol=1e-12)
    np.testing.assert_allclose(model.gyromagnetic_factor, [10, 1, 10 / 5.5], rtol=1e-12)
    # Rare flips: (58).
    rare = spin_flip_damping(1e-12, 1e-19, itinerant_share=0.1)
    assert rare.alpha == pytest.approx(0.1 * rare.beta, rel=1e-5, abs=0)


def test_invariant_spin_flips_batches_and_tables():
    times, splittings, shares = np.array([[1e-14], [3e-14]]), np.array([0.5, 1.0, 2.0]) * E, 0.3
    batch = spin_flip_damping(times, splittings, itinerant_share=shares)
    alone = spin_flip_damping(times[1, 0], splittings[2], itinerant_share=shares)
    for name in ("alpha", "beta", "drift_factor", "gyromagnetic_factor"):
        assert getattr(batch, name).shape == (2, 3)
        assert getattr(batch, name)[1, 2] == getattr(alone, name)
    table = batch.columns(tau=times)
    assert list(table) == ["tau", "alpha", "beta", "drift_factor", "gyromagnetic_factor"]
    np.testing.assert_array_equal(table["alpha"], batch.alpha.ravel())
    assert repr(alone) == f"SpinFlipDamping(points=1, alpha={alone.alpha:.4g}, beta={alone.beta:.4g})"


def test_invariant_texture_noise_along_m_is_removed():
    # Rows without variation hold rounding noise in any direction; it is measured against the whole gradient.
    m, gradient = textures(np.random.default_rng(14))
    gradient[1] = 0
    noisy = gradient + 1e-9 * 2e8 * m
    close(texture_response(m, noisy, **METAL).torque[:, 0], texture_response(m, gradient, **METAL).torque[:, 0], 1e-12)
    assert np.abs(texture_response(m, noisy, **METAL).torque[:, 1]).max() < 1e-6


# --- a wall -----------------------------------------------------------------------------------------------------------

WIRE = {"width": 12e-9, "area": 250e-18, "saturation_magnetization": 8e5, "gyromagnetic_ratio": GAMMA}


@given(alpha=st.floats(1e-4, 1), beta=st.floats(-5, 5), polarization=st.floats(0.05, 1))
@settings(max_examples=50, deadline=None)
def test_invariant_wall_damping_round_trip(alpha, beta, polarization):
    wall = WallResponse.from_damping(alpha, beta, conductance=3e-3, polarization=polarization, **WIRE)
    assert wall.effective_alpha(**WIRE) == pytest.approx(alpha, rel=1e-12, abs=0)
    # G is what remains of cc when the share of the moving wall is taken out: digits are lost if that share is large.
    lost = 1e-14 * wall.cc / 3e-3
    found = wall.effective_beta(width=12e-9, polarization=polarization)
    assert found == pytest.approx(beta, rel=1e-12 + lost, abs=1e-12)
    assert wall.conductance == pytest.approx(3e-3, rel=1e-12 + lost, abs=0)
    assert wall.ww * wall.cc >= wall.wc**2 * (1 - 1e-12)


def test_limit_wall_velocity_below_the_walker_threshold():
    # A wall whose azimuth is locked moves at beta u/alpha along the electrons, u = gamma hbar P j/(2 e M_s).
    alpha, beta, polarization, amperes = 0.02, 0.05, 0.6, 1e-4
    wall = WallResponse.from_damping(alpha, beta, conductance=3e-3, polarization=polarization, **WIRE)
    # No field: V = I/cc, and dr_w/dt = wc V. The moving wall changes the conductance only slightly here.
    velocity = wall.wc / wall.cc * amperes
    drift = GAMMA * HBAR * polarization * amperes / (2 * E * 8e5 * 250e-18)
    assert velocity == pytest.approx(-beta / alpha * drift * 3e-3 / wall.cc, rel=1e-12, abs=0)
    # In a field alone: alpha v/width = gamma B with the force 2 A M_s B.
    assert wall.ww * 2 * 250e-18 * 8e5 * 0.01 == pytest.approx(GAMMA * 0.01 * 12e-9 / alpha, rel=1e-12, abs=0)


def delta_scatterer(position, strength, k):
    """Both leads of one channel, scatterer at `position` [1/k]: left lead first."""
    t = 1 / (1 + 1j * strength)
    r = t - 1
    return np.array([[r * np.exp(2j * k * position), t], [t, r * np.exp(-2j * k * position)]])


def test_limit_wall_moving_delta_scatterer():
    # Closed forms: friction 2 hbar k^2 R/pi and charge -e k R/pi per distance into the right lead, one spin.
    k, strength, step = 1.3e10, 0.8, 1e-15
    reflected = strength**2 / (1 + strength**2)
    s = delta_scatterer(3e-10, strength, k)
    slope = (delta_scatterer(3e-10 + step, strength, k) - delta_scatterer(3e-10 - step, strength, k)) / (2 * step)
    wall = WallResponse.from_scattering(s, slope, channels=[1])
    # Step k dx = 1e-5: 1e-10 of the difference.
    assert 1 / wall.ww == pytest.approx(2 * HBAR * k**2 * reflected / np.pi, rel=1e-8, abs=0)
    assert wall.wc / wall.ww == pytest.approx(-E * k * reflected / np.pi, rel=1e-8, abs=0)
    assert wall.conductance == pytest.approx(E**2 / si.h * (1 - reflected), rel=1e-9, abs=0)
    # A free scatterer is carried along by the electrons, so that the wire conducts as without it.
    assert wall.cc == pytest.approx(E**2 / si.h, rel=1e-8, abs=0)
    left = WallResponse.from_scattering(s, slope, channels=[0])
    np.testing.assert_allclose([left.ww, left.wc, left.cc], [wall.ww, -wall.wc, wall.cc], rtol=1e-8)


def test_invariant_wall_from_scattering_by_explicit_traces():
    rng = np.random.default_rng(15)
    size, lead = 7, [2, 5, 6]
    a, b = (rng.normal(size=(2, size, size)) for _ in range(2))
    generator = (b[0] + 1j * b[1]) + (b[0] + 1j * b[1]).conj().T
    s = np.linalg.qr(a[0] + 1j * a[1])[0]
    slope = 1j * generator @ s * 1e9
    wall = WallResponse.from_scattering(s, slope, channels=lead)
    rest = [row for row in range(size) if row not in lead]
    friction = sum(abs(slope[i, j]) ** 2 for i in range(size) for j in range(size)) * HBAR / (4 * np.pi)
    emitted = sum((slope[i, j] * s[i, j].conjugate()).imag for i in lead for j in range(size)) * E / (2 * np.pi)
    passed = sum(abs(s[i, j]) ** 2 for i in lead for j in rest) * E**2 / si.h
    assert wall.ww == pytest.approx(1 / friction, rel=1e-12, abs=0)
    assert wall.wc == pytest.approx(emitted / friction, rel=1e-12, abs=0)
    assert wall.cc == pytest.approx(passed + emitted**2 / friction, rel=1e-12, abs=0)


def test_limit_wall_at_the_edge_of_the_second_law_does_not_conduct_at_rest():
    # The difference of these floats is -6e-17.
    wall = WallResponse(ww=1.1, wc=0.7, cc=0.7 * (0.7 / 1.1))
    assert wall.conductance == 0


# --- refusals ---------------------------------------------------------------------------------------------------------

NAN = float("nan")
DISCRETE = {"m": (0, 0, 1), "conductance": CONTACT, "alpha": 0.1, **MAGNET}
TEXTURE = {"m": (0, 0, 1), "gradient": np.diag([1e8, 0, 0]), **METAL}
ELEMENTS = {"ww": 2.0, "wc": -1.0, "cc": 3.5}
SWAP = {"matrix": np.eye(2)[::-1], "derivatives": 1j * np.eye(2)[::-1], "channels": [1]}
DAMPING = {"alpha": 0.1, "beta": 0.2, "conductance": 1e-3, "polarization": 0.5, **WIRE}
FLIPS = {"spin_relaxation_time": 1e-14, "exchange_splitting": 1e-19, "itinerant_share": 0.1}
WALL = WallResponse(ww=2.0, wc=-1.0, cc=3.5)
INSULATOR = WallResponse(ww=2.0, wc=-1.0, cc=0.5)


def row(rule, call, base, says, **changed):
    return Refusal(rule, call, base | changed, says)


@refusals(
    row("discrete: m not a unit vector", discrete_response, DISCRETE, ("length of m = 2", "pass m / |m|"), m=(0, 0, 2)),
    row("discrete: m not finite", discrete_response, DISCRETE, ("m[2] = nan", "(..., 3)"), m=(0, 0, NAN)),
    row("discrete: m of two components", discrete_response, DISCRETE, ("m has shape (2,)", "(..., 3)"), m=(0, 1)),
    row(
        "discrete: damping below that by pumping",
        discrete_response,
        DISCRETE,
        ("alpha = 0.01 is below pumping_damping", "pass the total damping", f"{LEAST:.6g} or more"),
        alpha=0.01,
    ),
    row(
        "discrete: damping just below that by pumping",
        discrete_response,
        DISCRETE,
        ("alpha[1] = ", "is below pumping_damping"),
        alpha=[LEAST, LEAST * (1 - 1e-9)],
    ),
    row(
        "discrete: damping of the thinner magnet too small",
        discrete_response,
        DISCRETE,
        ("alpha[1] = ", f"{2 * LEAST:.6g} or more"),
        alpha=LEAST,
        magnetic_moment=[MAGNET["magnetic_moment"], MAGNET["magnetic_moment"] / 2],
    ),
    row(
        "discrete: negative damping without contact",
        discrete_response,
        DISCRETE,
        ("alpha = -0.1", "pass the total damping"),
        alpha=-0.1,
        conductance=InterfaceConductance(0, 0, 0),
    ),
    row("discrete: damping not finite", discrete_response, DISCRETE, ("alpha = nan", "finite"), alpha=NAN),
    row(
        "discrete: a number for the interface",
        discrete_response,
        DISCRETE,
        ("conductance = 1.0 is no interface", "pass an InterfaceConductance"),
        conductance=1.0,
    ),
    row(
        "discrete: no moment",
        discrete_response,
        DISCRETE,
        ("magnetic_moment = 0 is not positive", "pass magnetic_moment > 0"),
        magnetic_moment=0.0,
    ),
    row(
        "discrete: negative gyromagnetic ratio",
        discrete_response,
        DISCRETE,
        ("gyromagnetic_ratio = -1 is not positive", "pass gyromagnetic_ratio > 0"),
        gyromagnetic_ratio=-1.0,
    ),
    row(
        "discrete: shapes do not broadcast",
        discrete_response,
        DISCRETE,
        ("m of shape (2,)", "alpha of shape (3,)", "matching leading shape"),
        m=[(0, 0, 1)] * 2,
        alpha=[0.1, 0.1, 0.1],
    ),
    row("texture: m not a unit vector", texture_response, TEXTURE, ("length of m", "pass m / |m|"), m=(0, 0, 1.1)),
    row(
        "texture: gradient with a part along m",
        texture_response,
        TEXTURE,
        ("|m . gradient| / |gradient| = 1e-05 is above 1e-6", "perpendicular to m"),
        gradient=1e8 * np.array([[1, 0, 1e-5], [0, 0, 0], [0, 0, 0]]),
    ),
    row(
        "texture: gradient of one direction only",
        texture_response,
        TEXTURE,
        ("gradient has shape (3,)", "gradient[..., i, k] = d_i m_k"),
        gradient=(1e8, 0, 0),
    ),
    row(
        "texture: gradient not finite",
        texture_response,
        TEXTURE,
        ("gradient[0, 0] = nan", "d_i m_k"),
        gradient=np.diag([NAN, 0, 0]),
    ),
    row(
        "texture: polarization above 1",
        texture_response,
        TEXTURE,
        ("polarization = 1.2 is out of range", "-1 <= P <= 1"),
        polarization=1.2,
    ),
    row(
        "texture: no conductivity",
        texture_response,
        TEXTURE,
        ("conductivity = 0 is not positive", "pass conductivity > 0"),
        conductivity=0.0,
    ),
    row(
        "texture: negative magnetization",
        texture_response,
        TEXTURE,
        ("saturation_magnetization = -1 is not positive", "pass saturation_magnetization > 0"),
        saturation_magnetization=-1.0,
    ),
    row(
        "texture: no gyromagnetic ratio",
        texture_response,
        TEXTURE,
        ("gyromagnetic_ratio = 0 is not positive", "pass gyromagnetic_ratio > 0"),
        gyromagnetic_ratio=0.0,
    ),
    row("texture: beta not finite", texture_response, TEXTURE, ("beta = nan", "finite"), beta=NAN),
    row("texture: alpha negative", texture_response, TEXTURE, ("alpha = -0.1 is negative", "alpha >= 0"), alpha=-0.1),
    row(
        "texture: shapes do not broadcast",
        texture_response,
        TEXTURE,
        ("m of shape (2,)", "gradient of shape (3,)", "matching leading shape"),
        m=[(0, 0, 1)] * 2,
        gradient=np.zeros((3, 3, 3)),
    ),
    row(
        "spin flips: no time",
        spin_flip_damping,
        FLIPS,
        ("spin_relaxation_time = 0 is not positive", "pass spin_relaxation_time > 0"),
        spin_relaxation_time=0.0,
    ),
    row(
        "spin flips: time not finite",
        spin_flip_damping,
        FLIPS,
        ("spin_relaxation_time = inf is not finite", "pass finite numbers"),
        spin_relaxation_time=float("inf"),
    ),
    row(
        "spin flips: splitting negative",
        spin_flip_damping,
        FLIPS,
        ("exchange_splitting = -1e-19 is not positive", "pass exchange_splitting > 0"),
        exchange_splitting=-1e-19,
    ),
    row(
        "spin flips: share above 1",
        spin_flip_damping,
        FLIPS,
        ("itinerant_share[1] = 1.1 is no share", "pass 0 <= eta <= 1"),
        itinerant_share=[0.1, 1.1],
    ),
    row(
        "spin flips: share negative",
        spin_flip_damping,
        FLIPS,
        ("itinerant_share = -0.1 is no share", "pass 0 <= eta <= 1"),
        itinerant_share=-0.1,
    ),
    row(
        "spin flips: shapes do not broadcast",
        spin_flip_damping,
        FLIPS,
        ("spin_relaxation_time of shape (2,)", "itinerant_share of shape (3,)", "matching leading shape"),
        spin_relaxation_time=[1e-14] * 2,
        itinerant_share=[0.1] * 3,
    ),
    row("wall: mobility zero", WallResponse, ELEMENTS, ("ww = 0 is not positive", "pass the mobility"), ww=0.0),
    row("wall: mobility not finite", WallResponse, ELEMENTS, ("ww = inf", "one finite number"), ww=float("inf")),
    row(
        "wall: conductance below the bound",
        WallResponse,
        ELEMENTS,
        ("cc = 0.4 is below wc^2/ww = 0.5", "free to move"),
        cc=0.4,
    ),
    row(
        "wall: conductance just below the bound",
        WallResponse,
        ELEMENTS,
        ("cc = 0.4999999995 is below wc^2/ww = 0.5", "free to move"),
        cc=0.5 * (1 - 1e-9),
    ),
    row("wall: an array", WallResponse, ELEMENTS, ("wc has shape (2,)", "one number"), wc=[1.0, 2.0]),
    row(
        "scattering: matrix not unitary",
        WallResponse.from_scattering,
        SWAP,
        ("|S^dagger S - 1|", "unitary"),
        matrix=2 * np.eye(2),
    ),
    row(
        "scattering: two parameters",
        WallResponse.from_scattering,
        SWAP,
        ("derivatives hold 2 parameters", "pass dS/dr_w alone"),
        derivatives=np.stack([1j * np.eye(2)[::-1]] * 2),
    ),
    row(
        "scattering: nothing depends on the position",
        WallResponse.from_scattering,
        SWAP,
        ("dissipation = 0 vanishes", "depends on r_w"),
        derivatives=np.zeros((2, 2)),
    ),
    row(
        "scattering: no second lead",
        WallResponse.from_scattering,
        SWAP,
        ("len(channels) = 2 is all rows", "the other lead"),
        channels=[0, 1],
    ),
    row(
        "scattering: no lead named",
        WallResponse.from_scattering,
        SWAP,
        ("len(channels) = 2 is all rows", "the other lead"),
        channels=None,
    ),
    row(
        "scattering: empty lead",
        WallResponse.from_scattering,
        SWAP,
        ("channels = []", "distinct integers"),
        channels=[],
    ),
    row(
        "scattering: a row that is not there",
        WallResponse.from_scattering,
        SWAP,
        ("channels[0] = 2", "from 0 to 1"),
        channels=[2],
    ),
    row("damping: none", WallResponse.from_damping, DAMPING, ("alpha = 0 is not positive", "alpha > 0"), alpha=0.0),
    row("damping: negative width", WallResponse.from_damping, DAMPING, ("width = -1", "pass width > 0"), width=-1.0),
    row("damping: no area", WallResponse.from_damping, DAMPING, ("area = 0", "pass area > 0"), area=0.0),
    row(
        "damping: no magnetization",
        WallResponse.from_damping,
        DAMPING,
        ("saturation_magnetization = 0", "pass saturation_magnetization > 0"),
        saturation_magnetization=0.0,
    ),
    row(
        "damping: no gyromagnetic ratio",
        WallResponse.from_damping,
        DAMPING,
        ("gyromagnetic_ratio = 0", "pass gyromagnetic_ratio > 0"),
        gyromagnetic_ratio=0.0,
    ),
    row(
        "damping: negative conductance",
        WallResponse.from_damping,
        DAMPING,
        ("conductance = -0.001 is negative", "pass conductance >= 0"),
        conductance=-1e-3,
    ),
    row(
        "damping: polarization below -1",
        WallResponse.from_damping,
        DAMPING,
        ("polarization = -1.5 is out of range", "-1 <= P <= 1"),
        polarization=-1.5,
    ),
    row("damping: beta not finite", WallResponse.from_damping, DAMPING, ("beta = nan", "finite number"), beta=NAN),
    row("alpha of a wall without width", WALL.effective_alpha, WIRE, ("width = 0", "pass width > 0"), width=0.0),
    row("alpha of a wire without area", WALL.effective_alpha, WIRE, ("area = -1", "pass area > 0"), area=-1.0),
    row(
        "beta without polarization",
        WALL.effective_beta,
        {"width": 1e-9, "polarization": 0.5},
        ("polarization = 0 defines no beta", "not 0"),
        polarization=0.0,
    ),
    row(
        "beta with too large a polarization",
        WALL.effective_beta,
        {"width": 1e-9, "polarization": 0.5},
        ("polarization = 2 is out of range", "-1 <= P <= 1"),
        polarization=2.0,
    ),
    row(
        "beta of an insulator",
        INSULATOR.effective_beta,
        {"width": 1e-9, "polarization": 0.5},
        ("conductance = 0 defines no beta", "a wire that conducts"),
    ),
    row(
        "beta of a wire that conducts by rounding",
        WallResponse(ww=2.0, wc=-1.0, cc=0.5 * (1 + 1e-13)).effective_beta,
        {"width": 1e-9, "polarization": 0.5},
        ("conductance = ", "a wire that conducts"),
    ),
    row(
        "beta of a wall without width",
        WALL.effective_beta,
        {"width": 1e-9, "polarization": 0.5},
        ("width = 0", "pass width > 0"),
        width=0.0,
    ),
)
def test_bad_input_onsager(refusal):
    refusal.check()


def test_bad_input_onsager_the_bound_itself_is_legal():
    response = discrete_response((0, 0, 1), CONTACT, alpha=LEAST, **MAGNET)
    assert np.isfinite(response.matrix).all()
