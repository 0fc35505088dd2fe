"""Torque-correlation model against inverse matrices, reservoirs, closed forms and limits (BTBK 80, 81, Fig. 6)."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.optimize import brentq

from spinlib.lattice import torque_correlation as module
from spinlib.lattice.models import p_orbital_magnet
from spinlib.lattice.torque_correlation import Crystal, p_orbital_crystal, torque_correlation
from spinlib.spin import PAULI
from tests.bad_input import Refusal, refusals
from tests.random_matrices import haar
from tests.spinlib.torque_routes import (
    READINGS,
    chain,
    chain_conductivity,
    cubic_band,
    damping_80,
    energy_integral,
    energy_integral_closed,
    reservoir_derivative,
    reservoir_matrix,
    rotated,
    torque_operator,
    trace_by_inverse,
    two_levels,
    wave_vectors,
    weak_coupling_damping,
    weak_coupling_intraband,
)

M = np.ones(3) / np.sqrt(3)
E = np.array([[1, -1, 0] / np.sqrt(2), [1, 1, -2] / np.sqrt(6)])
OFFSET = (0.13, 0.37, 0.71)  # no two k of the mesh are equivalent
NICKEL = p_orbital_crystal(M, exchange_splitting=2.0, spin_orbit=0.6)  # the crystal of Fig. 6


def correlation(crystal, broadening, directions=E, *, energy=0.3, **settings):
    return torque_correlation(crystal, energy, broadening, directions, **({"offset": OFFSET} | settings))


def across(m, angle):
    """A unit vector across m."""
    first = np.cross(m, np.eye(3)[np.argmin(np.abs(m))])
    first /= np.linalg.norm(first)
    return np.cos(angle) * first + np.sin(angle) * np.cross(m, first)


directions = st.builds(
    lambda a, b: np.array([np.sin(a) * np.cos(b), np.sin(a) * np.sin(b), np.cos(a)]),
    st.floats(0, np.pi),
    st.floats(0, 2 * np.pi),
)
angles = st.floats(0, 2 * np.pi)
couplings = st.floats(0.1, 1.5)


# --- the crystal ------------------------------------------------------------------------------------------------------


def test_limit_velocity_is_the_slope_of_the_bands():
    k, h = wave_vectors(2, 0.3), 1e-3
    for i, step in enumerate(h * np.eye(3)):
        near = NICKEL.hamiltonian(k + step) - NICKEL.hamiltonian(k - step)
        far = NICKEL.hamiltonian(k + 2 * step) - NICKEL.hamiltonian(k - 2 * step)
        np.testing.assert_allclose(NICKEL.velocity(k)[:, i], (8 * near - far) / (12 * h), rtol=0, atol=1e-11)


def test_limit_p_crystal_term_by_term():
    # Typed again: p_x hops by 1 along x and by -0.4 across; <p_x| L_z |p_y> = -i.
    crystal = p_orbital_crystal((0, 0.6, 0.8), exchange_splitting=1.4, spin_orbit=0.3, onsite=0.2)
    k = np.array([0.4, -1.2, 2.5])
    h = crystal.hamiltonian(k)
    c = 2 * np.cos(k)
    x_orbital = 0.2 + c[0] - 0.4 * c[1] - 0.4 * c[2]
    field = 0.7 * (0.6 * PAULI[1] + 0.8 * PAULI[2])
    np.testing.assert_allclose(h[:2, :2], x_orbital * np.eye(2) - field, rtol=0, atol=1e-14)
    np.testing.assert_allclose(h[:2, 2:4], 0.3 * -1j * PAULI[2] / 2, rtol=0, atol=1e-14)
    np.testing.assert_allclose(crystal.exchange(crystal.magnetization)[4:, 4:], -field, rtol=0, atol=1e-14)


def test_limit_p_crystal_is_the_bulk_of_the_layers():
    # One site per layer, closed by the twist across and by a Bloch phase along z.
    settings = {"onsite": 0.2, "exchange_splitting": 1.4, "spin_orbit": 0.3, "hopping": (0.9, -0.3)}
    crystal = p_orbital_crystal(M, **settings)
    for k in wave_vectors(2, np.array(OFFSET)):
        layers = p_orbital_magnet((1, 1, 2), M, twist=(k[0], k[1]), variations=tuple(E), **settings)
        block = np.asarray(layers.coupling)
        hop = np.diag(block) if block.ndim == 1 else block.reshape(-1, 6, 6)[0]
        forward = hop * np.exp(1j * k[2])
        bulk = layers.onsite[0] + forward + forward.conj().T
        np.testing.assert_allclose(crystal.hamiltonian(k), bulk, rtol=0, atol=1e-13)
        for e, perturbation in zip(E, layers.perturbations, strict=True):
            np.testing.assert_allclose(crystal.exchange(e), perturbation[0], rtol=0, atol=1e-14)


def test_invariant_crystal_is_a_value():
    again = pickle.loads(pickle.dumps(NICKEL))  # for workers
    k = wave_vectors(2)
    np.testing.assert_array_equal(again.hamiltonian(k), NICKEL.hamiltonian(k))
    assert not NICKEL.spin.flags.writeable
    assert not NICKEL.magnetization.flags.writeable
    assert repr(NICKEL) == "Crystal(6 states, m = [0.5774 0.5774 0.5774])"


# --- the sums over states ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("torque", ["spin-orbit", "exchange"])
@pytest.mark.parametrize("broadening", [0.05, 0.4])
def test_limit_total_is_a_trace_of_inverse_matrices(torque, broadening):
    found = correlation(NICKEL, broadening, k_points=3, torque=torque)
    k = wave_vectors(3, OFFSET)
    for i, e in enumerate(E):
        operator = torque_operator(NICKEL, e, torque)
        dense = np.mean([trace_by_inverse(NICKEL, 0.3, broadening, operator, each) for each in k])
        assert found.total[i] == pytest.approx(dense, abs=1e-11 * dense)


def test_limit_conductivity_is_a_trace_of_inverse_matrices():
    current = np.array([0.6, 0.0, 0.8])
    found = correlation(NICKEL, 0.2, k_points=3, current_direction=current).conductivity
    k = wave_vectors(3, OFFSET)
    flow = np.einsum("i,kinm->knm", current, NICKEL.velocity(k))
    dense = np.mean([trace_by_inverse(NICKEL, 0.3, 0.2, v, each) for v, each in zip(flow, k, strict=True)]) / 2
    assert found == pytest.approx(dense, abs=1e-11 * dense)


def test_limit_atom_by_the_wigner_eckart_theorem():
    # Levels -xi (j = 1/2) and xi/2 (j = 3/2); Tr S_x P S_x P' between them is 4/9, tau_nm = (3 xi/2) S_nm.
    xi, energy, eta = 0.7, 0.2, 0.3
    atom = p_orbital_crystal(M, exchange_splitting=0.0, spin_orbit=xi, hopping=(0, 0))
    low, high = (2 * eta / ((energy - level) ** 2 + eta**2) for level in (-xi, xi / 2))
    found = correlation(atom, eta, energy=energy, k_points=1)
    np.testing.assert_allclose(found.total, 2 * (4 / 9) * (1.5 * xi) ** 2 * low * high, rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.intraband, 0, rtol=0, atol=1e-28)
    assert found.conductivity == 0


def test_limit_weak_spin_orbit_coupling():
    # Interband, of order xi^2: the pure levels of orbitals and spins, and no matrix.
    k = wave_vectors(6, OFFSET)
    for m, e in [(M, E[0]), (np.array([0, 0, 1.0]), np.array([1.0, 0, 0])), (np.array([0.6, 0, 0.8]), E[0] * 0)]:
        e = e if e.any() else np.array([0.8, 0, -0.6])
        exact = weak_coupling_damping(0.0, 2.0, (1.0, -0.4), 0.3, 0.2, m, e, k)
        for xi, tolerance in [(1e-2, 3e-2), (1e-4, 3e-4)]:  # the error falls like xi
            crystal = p_orbital_crystal(m, exchange_splitting=2.0, spin_orbit=xi)
            found = correlation(crystal, 0.2, [e], k_points=6).total[0] / xi**2
            assert found == pytest.approx(exact, abs=tolerance * exact)


def test_limit_breathing_part_of_weak_coupling():
    # Intraband: only where two pure levels cross, a share of k of order xi, so xi^3 in all.
    k, parts = wave_vectors(32, OFFSET), []
    for xi in (0.1, 0.05):
        crystal = p_orbital_crystal(M, exchange_splitting=2.0, spin_orbit=xi)
        parts.append(correlation(crystal, 0.05).intraband.mean())
        crossings = np.mean([weak_coupling_intraband(xi, 2.0, (1.0, -0.4), 0.3, 0.05, M, e, k) for e in E])
        assert parts[-1] == pytest.approx(crossings, abs=2 * xi * crossings)
    assert 2.75 < np.log2(parts[0] / parts[1]) < 3.0  # not 2, not 4; a logarithm keeps it below 3


def test_limit_breathing_vanishes_along_a_cubic_axis():
    # T3: orbital-diagonal hopping, m along z. Along [111] the same crystal breathes.
    along = p_orbital_crystal((0, 0, 1), exchange_splitting=2.0, spin_orbit=0.6)
    found = correlation(along, 0.05, [(1, 0, 0), (0.6, 0.8, 0)], k_points=8)
    assert found.intraband.max() < 1e-20 < 0.1 < found.interband.min()
    assert correlation(NICKEL, 0.05, k_points=8).intraband.min() > 0.1


# --- energy integrals and conductivities in closed form ---------------------------------------------------------------


def over_all_energies(crystal, broadening, part):
    """Integral of a part of T over the energy, by the trapezoidal rule in theta, E = tan theta."""
    theta = np.pi * (np.arange(200) + 0.5) / 200 - np.pi / 2
    runs = [torque_correlation(crystal, np.tan(each), broadening, [(1, 0, 0)], k_points=1) for each in theta]
    return np.pi / 200 * sum(getattr(run, part)[0] / np.cos(t) ** 2 for run, t in zip(runs, theta, strict=True))


def test_paper_BTBK_81_equal_widths():
    # Spectral overlap over all energies: proportional to the lifetime 1/2 eta in a band, to 1/lifetime between bands.
    for eta in (0.2, 0.4):
        breathing = over_all_energies(two_levels(1.0, (1, 0, 0)), eta, "intraband")
        assert breathing == pytest.approx(2 * 2 * np.pi / eta, abs=1e-9)  # two bands, |tau_nn|^2 = 1
        for gap in (0.5, 3.0):
            mixing = over_all_energies(two_levels(gap, (0, 0, 1)), eta, "interband")
            assert mixing == pytest.approx(2 * 4 * np.pi**2 * energy_integral_closed(gap, eta), abs=1e-9)
            closed = energy_integral_closed(gap, eta)
            assert energy_integral(gap, eta) == pytest.approx(closed, abs=1e-10 * closed)
    far = [energy_integral_closed(100.0, eta) for eta in (0.1, 0.2)]
    assert far[1] / far[0] == pytest.approx(2, abs=1e-4)
    assert far[0] == pytest.approx(2 * 0.1 / np.pi / 100**2, abs=1e-10)


def test_paper_BTBK_81_at_temperature():
    # -f' of width k_B T far above eta and gap takes T to (energy integral)/4 k_B T; that of width 0 leaves T(E).
    def smeared(kelvin, eta, part, crystal):
        def integrand(x):  # x = (energy - E)/k_B T
            run = torque_correlation(crystal, x * kelvin, eta, [(1, 0, 0)], k_points=1)
            return getattr(run, part)[0] / (4 * np.cosh(x / 2) ** 2)

        return quad(integrand, -40, 40, points=[0], limit=400, epsabs=1e-12, epsrel=1e-9)[0]

    crystal = two_levels(0.1, (0, 0, 1))
    hot = smeared(5.0, 0.05, "interband", crystal)
    closed = 2 * 4 * np.pi**2 * energy_integral_closed(0.1, 0.05) / (4 * 5.0)
    assert hot == pytest.approx(closed, abs=0.02 * closed)
    cold = torque_correlation(crystal, 0.0, 0.05, [(1, 0, 0)], k_points=1).interband[0]
    assert smeared(1e-5, 0.05, "interband", crystal) == pytest.approx(cold, abs=1e-5 * cold)


@pytest.mark.parametrize("energy", [0.0, 0.7, 2.5])
def test_limit_conductivity_of_a_chain(energy):
    found = correlation(chain(), [1.5, 2.0], [(1, 0, 0)], energy=energy, k_points=40).conductivity
    exact = [chain_conductivity(energy, eta) for eta in (1.5, 2.0)]
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-10)  # the mesh converges like exp(-40 asinh(eta/2))
    # Drude: 2 pi tau v at each of two points, tau = 1/2 eta, density of states 1/2 pi v.
    if energy < 2:
        assert 1e-3 * chain_conductivity(energy, 1e-3) == pytest.approx(np.sqrt(4 - energy**2), abs=1e-5)


def test_limit_conductivity_is_that_of_boltzmann():
    # 2 pi tau < v^2 delta(E - epsilon) >, by parts 2 pi tau < (d^2 epsilon/dk^2) theta(E - epsilon) >, tau = 1/2 eta.
    energy, eta = -3.0, 0.1
    k = wave_vectors(60, np.array(OFFSET))
    occupied = -2 * np.cos(k).sum(-1) < energy
    boltzmann = np.pi / eta * np.mean(2 * np.cos(k[:, 2]) * occupied)
    found = correlation(cubic_band(), eta, [(1, 0, 0)], energy=energy, k_points=60).conductivity
    assert found == pytest.approx(boltzmann, abs=0.02 * boltzmann)
    assert correlation(cubic_band(), 2 * eta, [(1, 0, 0)], energy=energy, k_points=60).conductivity == pytest.approx(
        boltzmann / 2, abs=0.03 * boltzmann / 2
    )


# --- the paper --------------------------------------------------------------------------------------------------------


def test_paper_BTBK_80_prefactor():
    # Right: heat (66) into reservoirs on all orbitals, by differences of a scattering matrix: no spectral function.
    k, eta = wave_vectors(1, np.array(OFFSET)), 0.2
    heat = [
        np.sum(np.abs(reservoir_derivative(NICKEL, 0.3, eta, e, k[0], frame="magnet")) ** 2) / (4 * np.pi) for e in E
    ]
    corrected = damping_80(NICKEL, 0.3, eta, E, k)
    assert corrected == pytest.approx(np.mean(heat), abs=1e-11)
    assert correlation(NICKEL, eta, k_points=1).total.mean() / (4 * np.pi) == pytest.approx(corrected, abs=1e-13)
    # Printed, 1/pi before A A: off by a number in every reading of A and sigma_-.
    for (lowering, spectral), ratio in READINGS.items():
        printed = damping_80(NICKEL, 0.3, eta, E, k, factor=1 / np.pi, lowering=lowering, spectral=spectral)
        assert printed == pytest.approx(ratio * corrected, abs=1e-12)
    assert READINGS[2, 1] == pytest.approx(8 / np.pi**2, abs=1e-15)
    assert min(abs(ratio - 1) for ratio in READINGS.values()) > 0.18


def test_paper_BTBK_80_torque_in_the_turned_frame():
    # dS_xc = -i[S.n, S] + dS_so: the exchange torque also counts the spin that the reservoirs take.
    k, eta = wave_vectors(1, np.array(OFFSET))[0], 0.2
    for e in E:
        turn = np.tensordot(np.cross(M, e), NICKEL.spin, 1)
        s = reservoir_matrix(NICKEL, 0.3, eta, k)
        np.testing.assert_allclose(s @ s.conj().T, np.eye(6), rtol=0, atol=1e-14)
        lattice, magnet = (reservoir_derivative(NICKEL, 0.3, eta, e, k, frame=frame) for frame in ("lattice", "magnet"))
        np.testing.assert_allclose(lattice, -1j * (turn @ s - s @ turn) + magnet, rtol=0, atol=1e-11)
        for frame, torque in ((lattice, "exchange"), (magnet, "spin-orbit")):
            found = correlation(NICKEL, eta, [e], k_points=1, torque=torque).total[0]
            assert found == pytest.approx(np.sum(np.abs(frame) ** 2), abs=1e-10)


def test_paper_BTBK_80_exchange_torque_without_spin_orbit_coupling():
    # The answer is 0. The exchange torque gives the spin absorbed by the broadening: (Delta^2/2) sum < A_up A_down >.
    bare = p_orbital_crystal(M, exchange_splitting=2.0)
    widths = np.array([0.01, 0.1, 0.5])
    assert np.array_equal(correlation(bare, widths).total, np.zeros((3, 2)))
    wrong = correlation(bare, widths, torque="exchange")
    assert np.abs(wrong.intraband).max() < 1e-25
    k = wave_vectors(32, OFFSET)
    orbital = 2 * np.cos(k) @ (-0.4 * np.ones((3, 3)) + 1.4 * np.eye(3))
    for total, eta in zip(wrong.total, widths, strict=True):
        up, down = (2 * eta / ((0.3 - orbital - shift) ** 2 + eta**2) for shift in (-1, 1))
        np.testing.assert_allclose(total, 2 * (up * down).sum(-1).mean(), rtol=0, atol=1e-11)
    np.testing.assert_allclose(wrong.total.mean(-1), [0.07, 0.7, 2.8], rtol=0.05)  # grows with eta


def test_paper_BTBK_figure_6_torque_correlation_curve():
    # A mesh of 96^3 (of the physics note) against 32^3, and the damping at equal resistivity, to its digits.
    widths = [0.05, 0.2, 0.45, 0.7]
    found = correlation(NICKEL, widths)
    np.testing.assert_allclose(found.total.mean(-1), [1.36, 0.74, 0.63, 0.55], rtol=0, atol=0.01)
    np.testing.assert_allclose(1 / found.conductivity, [0.0269, 0.0852, 0.160, 0.236], rtol=0.02)

    def at(log_width):
        return correlation(NICKEL, np.exp(log_width), k_points=20)

    for resistivity, damping in [(0.080, 0.755), (0.184, 0.60)]:
        width = brentq(lambda x, rho=resistivity: 1 / at(x).conductivity - rho, np.log(0.1), np.log(1), xtol=1e-3)
        assert at(width).total.mean() == pytest.approx(damping, abs=0.01)


def test_paper_BTBK_figure_6_rise_and_saturation():
    # The intraband part rises like the conductivity as the bands sharpen; above, T hardly changes and does not turn up.
    widths = np.array([0.02, 0.04, 0.35, 0.7])
    found = correlation(NICKEL, widths)
    total, inside = found.total.mean(-1), found.intraband.mean(-1)
    assert np.log2(inside[0] / inside[1]) == pytest.approx(1, abs=0.1)  # like the lifetime
    assert inside[0] / total[0] > 0.7 > 0.3 > inside[3] / total[3]
    assert total[0] / total[1] > 1.7 > 1.3 > total[2] / total[3] > 1


# --- invariants -------------------------------------------------------------------------------------------------------


@settings(max_examples=25, deadline=None)
@given(m=directions, angle=angles, xi=couplings, delta=st.floats(-2, 2), eta=st.floats(0.1, 1))
def test_invariant_reversed_magnet(m, angle, xi, delta, eta):
    e = [across(m, angle)]
    there, back = (
        correlation(p_orbital_crystal(sign * m, exchange_splitting=delta, spin_orbit=xi), eta, e, k_points=3)
        for sign in (1, -1)
    )
    np.testing.assert_allclose(there.total, back.total, rtol=0, atol=1e-9 * there.total[0])
    assert there.conductivity == pytest.approx(back.conductivity, abs=1e-9 * there.conductivity)
    assert there.intraband[0] >= 0
    assert there.interband[0] >= 0


@settings(max_examples=25, deadline=None)
@given(m=directions, angle=angles, xi=couplings, turn=angles)
def test_invariant_quadratic_in_the_direction(m, angle, xi, turn):
    crystal = p_orbital_crystal(m, spin_orbit=xi)
    quarter, phases = np.pi / 4, np.array([0, 1, 2, 3])
    e = [across(m, angle + quarter * each) for each in phases] + [across(m, angle + turn)]
    t = correlation(crystal, 0.2, e, k_points=3).total
    expected = (t[0] + t[2]) / 2 + (t[0] - t[2]) / 2 * np.cos(2 * turn) + (t[1] - t[3]) / 2 * np.sin(2 * turn)
    assert t[4] == pytest.approx(expected, abs=1e-10 * t.max())
    assert t[0] + t[2] == pytest.approx(t[1] + t[3], abs=1e-10 * t.max())


def test_invariant_isotropic_about_a_diagonal():
    e = [across(M, angle) for angle in (0.0, 0.5, 1.3, 2.9)]
    for offset in (0.5, 0.2):  # meshes with the threefold axis
        t = correlation(NICKEL, 0.1, e, k_points=6, offset=offset).total
        np.testing.assert_allclose(t, t[0], rtol=0, atol=1e-9 * t[0])
    skew = correlation(NICKEL, 0.1, e, k_points=6).total
    assert np.ptp(skew) > 1e-3 * skew[0]  # a mesh without it shows its own axes


@settings(max_examples=10, deadline=None)
@given(m=directions, angle=angles, xi=couplings)
def test_invariant_cyclic_exchange_of_axes(m, angle, xi):
    e, shift, current = across(m, angle), np.array(OFFSET), np.array([0.6, 0.0, 0.8])
    runs = [
        correlation(
            p_orbital_crystal(np.roll(m, i), spin_orbit=xi), 0.2, [np.roll(e, i)], k_points=3,
            offset=np.roll(shift, i), current_direction=np.roll(current, i),
        )
        for i in range(3)
    ]  # fmt: skip
    for run in runs[1:]:
        assert run.total[0] == pytest.approx(runs[0].total[0], abs=1e-9 * run.total[0])
        assert run.conductivity == pytest.approx(runs[0].conductivity, abs=1e-9 * run.conductivity)


@pytest.mark.parametrize("splitting", [2.0, 0.0])  # without exchange all levels are pairs
def test_invariant_basis_of_the_cell(splitting):
    crystal = p_orbital_crystal(M, exchange_splitting=splitting, spin_orbit=0.6)
    other = rotated(crystal, haar(np.random.default_rng(7), 6))
    for torque in ("spin-orbit", "exchange"):
        one, two = (correlation(each, 0.1, k_points=4, torque=torque) for each in (crystal, other))
        for name in ("total", "intraband", "interband", "conductivity"):
            first, second = np.asarray(getattr(one, name)), np.asarray(getattr(two, name))
            np.testing.assert_allclose(first, second, rtol=0, atol=1e-9 * np.max(one.total + one.conductivity))


def test_invariant_scale_of_all_energies():
    def scaled(by):
        crystal = p_orbital_crystal(
            M, exchange_splitting=2 * by, spin_orbit=0.6 * by, hopping=(by, -0.4 * by), onsite=0.1 * by
        )
        return correlation(crystal, np.array([0.1, 0.3]) * by, energy=0.3 * by, k_points=4)

    one, other = scaled(1.0), scaled(27.2e3)
    for name in ("total", "intraband", "interband", "conductivity"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-9)
    with pytest.raises(ValueError, match="k_points >= 26"):  # the refusal scales, too
        torque_correlation(p_orbital_crystal(M, hopping=(1e3, -400)), 0.0, 4.0, E, k_points=25)


def test_invariant_pieces_of_the_mesh(monkeypatch):
    whole = correlation(NICKEL, [0.1, 0.3], k_points=5)
    monkeypatch.setattr(module, "_ENTRIES", 7 * 36)  # 125 wave vectors by sevens
    pieces = correlation(NICKEL, [0.1, 0.3], k_points=5)
    monkeypatch.setattr(module, "_ENTRIES", 1)
    single = correlation(NICKEL, [0.1, 0.3], k_points=5)
    for name in ("total", "intraband", "interband", "conductivity"):
        np.testing.assert_allclose(getattr(pieces, name), getattr(whole, name), rtol=1e-12)
        np.testing.assert_allclose(getattr(single, name), getattr(whole, name), rtol=1e-12)


def test_invariant_broadenings_and_directions_at_once():
    both = correlation(NICKEL, [0.1, 0.3], k_points=4)
    assert both.total.shape == both.intraband.shape == both.interband.shape == (2, 2)
    assert both.conductivity.shape == (2,)
    for i, width in enumerate((0.1, 0.3)):
        alone = correlation(NICKEL, width, k_points=4)
        assert alone.total.shape == (2,)
        assert isinstance(alone.conductivity, float)
        np.testing.assert_allclose(alone.total, both.total[i], rtol=1e-13)
        assert alone.conductivity == pytest.approx(both.conductivity[i], abs=1e-12 * alone.conductivity)
        for j in range(2):
            np.testing.assert_allclose(correlation(NICKEL, width, E[j : j + 1], k_points=4).total, both.total[i, j])
    np.testing.assert_array_equal(both.total, both.intraband + both.interband)
    shifted = correlation(NICKEL, [0.1, 0.3], k_points=4, offset=np.add(OFFSET, (1, -2, 3)))
    np.testing.assert_allclose(shifted.total, both.total, rtol=1e-12)
    scalar, vector = (correlation(NICKEL, 0.1, k_points=4, offset=each).total for each in (0.3, (0.3, 0.3, 0.3)))
    np.testing.assert_array_equal(scalar, vector)


def test_invariant_table(tmp_path):
    run = correlation(NICKEL, [0.1, 0.3], k_points=4)
    columns = run.columns(broadening=[0.1, 0.3])
    assert list(columns) == [
        "broadening", "total_0", "total_1", "intraband_0", "intraband_1", "interband_0", "interband_1", "conductivity",
    ]  # fmt: skip
    np.testing.assert_array_equal(columns["total_1"], run.total[:, 1])
    run.to_csv(tmp_path / "run.csv")
    assert (tmp_path / "run.csv").read_text().splitlines()[0].endswith("interband_1,conductivity [e^2/h per a]")
    assert [len(each) for each in correlation(NICKEL, 0.1, k_points=4).columns().values()] == [1] * 7
    assert repr(correlation(NICKEL, 0.1, E[:1], k_points=4)).startswith(
        "TorqueCorrelation(1 broadening, 1 direction, T"
    )


def test_limit_smallest_broadening_is_accepted():
    # 0.02 pi sqrt(<Tr v.v>/6), <Tr v.v>/6 = 2 (1 + 0.4^2 + 0.4^2): 0.1021 for 32 x 0.0032 and 26 x 0.004.
    step = 0.02 * np.pi * np.sqrt(2 * (1 + 2 * 0.4**2))
    for k_points in (4, 26):
        fine = correlation(NICKEL, step / k_points * (1 + 1e-9), k_points=k_points)
        assert fine.total.min() > 0
        with pytest.raises(ValueError, match=f"k_points >= {k_points + 1}"):
            correlation(NICKEL, step / k_points * (1 - 1e-9), k_points=k_points)


# --- refusals ---------------------------------------------------------------------------------------------------------

GOOD = {"crystal": NICKEL, "energy": 0.3, "broadening": 0.1, "directions": E, "k_points": 4}


def run(**changes):
    return torque_correlation(**(GOOD | changes))


def crystal(**changes):
    return replace(NICKEL, **changes)


@refusals(
    Refusal("broadening > 0", run, {"broadening": 0.0}, ("broadening = 0", "not positive", "units of the hopping")),
    Refusal("each broadening > 0", run, {"broadening": [0.1, -1]}, ("broadening[1] = -1", "pass broadening > 0")),
    Refusal("broadening is finite", run, {"broadening": np.inf}, ("broadening = inf", "finite")),
    Refusal("broadening has one axis", run, {"broadening": [[0.1]]}, ("broadening", "(1, 1)", "(B,)")),
    Refusal("broadenings exist", run, {"broadening": []}, ("broadening", "(0,)", "B >= 1")),
    Refusal(
        "mesh that would do", run, {"broadening": [0.1, 0.004]},
        ("broadening[1] = 0.004", "k_points = 4", "broadening >= 0.0255", "k_points >= 26"),
    ),
    Refusal("energy is a number", run, {"energy": [0.1]}, ("energy", "pass one number")),
    Refusal(
        "directions across m", run, {"directions": [(1, 0, 0)]},
        ("magnetization . directions", "0.577", "perpendicular"),
    ),
    Refusal("directions of length 1", run, {"directions": 2 * E}, ("length of directions[0] = 2", "pass directions /")),
    Refusal("directions have a list", run, {"directions": E[0]}, ("directions", "(3,)", "(D, 3)")),
    Refusal("directions exist", run, {"directions": np.zeros((0, 3))}, ("directions", "(0, 3)", "D >= 1")),
    Refusal("directions are vectors", run, {"directions": [(1, -1)]}, ("directions", "(1, 2)", "(D, 3)")),
    Refusal("k_points >= 1", run, {"k_points": 0}, ("k_points = 0", "pass an integer k_points >= 1")),
    Refusal("k_points is an integer", run, {"k_points": 8.0}, ("k_points = 8.0", "pass an integer k_points >= 1")),
    Refusal("offset has one or three", run, {"offset": (0, 1)}, ("offset", "(2,)", "(3,)")),
    Refusal("torque is known", run, {"torque": "spin"}, ("torque = 'spin'", "'spin-orbit' or 'exchange'")),
    Refusal(
        "current has length 1", run, {"current_direction": (1, 1, 0)},
        ("length of current_direction", "1.414", "pass"),
    ),
    Refusal("current is one vector", run, {"current_direction": E}, ("current_direction", "(2, 3)", "(3,)")),
    Refusal("m has length 1", crystal, {"magnetization": (1, 1, 1)}, ("length of magnetization = 1.73", "pass")),
    Refusal("m is one vector", crystal, {"magnetization": E}, ("magnetization", "(2, 3)", "(3,)")),
    Refusal("spin has three parts", crystal, {"spin": NICKEL.spin[:2]}, ("spin", "(2, 6, 6)", "(3, 6, 6)")),
    Refusal("spin is a matrix", crystal, {"spin": 0.5}, ("spin has shape ()", "(3, n, n)")),
    Refusal("spin has states", crystal, {"spin": np.zeros((3, 0, 0))}, ("spin", "(3, 0, 0)", "n >= 1")),
    Refusal("spin is Hermitian", crystal, {"spin": 1j * NICKEL.spin}, ("spin - spin^dagger", "pass Hermitian")),
    Refusal("spin is sigma/2", crystal, {"spin": 2 * NICKEL.spin}, ("eigenvalue| of spin = 1", "above 1/2", "sigma/2")),
    Refusal("spin_orbit fits", crystal, {"spin_orbit": np.eye(2)}, ("spin_orbit", "(2, 2)", "(6, 6)")),
    Refusal(
        "spin_orbit is Hermitian", crystal, {"spin_orbit": np.eye(6, k=1)},
        ("spin_orbit - spin_orbit^dagger = 1", "pass"),
    ),
    Refusal("spin_orbit is finite", crystal, {"spin_orbit": np.full((6, 6), np.nan)}, ("spin_orbit[0, 0]", "finite")),
    Refusal("hamiltonian is a function", crystal, {"hamiltonian": np.eye(6)}, ("hamiltonian", "pass a callable")),
    Refusal(
        "hamiltonian broadcasts", crystal, {"hamiltonian": lambda k: np.eye(6)},
        ("hamiltonian(k)", "(6, 6)", "(2, 6, 6)"),
    ),
    Refusal(
        "hamiltonian is Hermitian", crystal, {"hamiltonian": lambda k: 1j * NICKEL.hamiltonian(k)},
        ("hamiltonian(k) at k", "^dagger", "pass Hermitian matrices"),
    ),
    Refusal(
        "velocity has three parts", crystal, {"velocity": NICKEL.hamiltonian},
        ("velocity(k)", "(2, 6, 6)", "(2, 3, 6, 6)"),
    ),
    Refusal(
        "velocity is Hermitian", crystal, {"velocity": lambda k: 1j * NICKEL.velocity(k)},
        ("velocity(k) at k", "^dagger", "pass Hermitian matrices"),
    ),
    Refusal("exchange fits", crystal, {"exchange": lambda v: np.eye(2)}, ("exchange(v)", "(2, 2)", "(6, 6)")),
    Refusal(
        "exchange is alone", crystal, {"exchange": lambda v: NICKEL.exchange(v) + NICKEL.spin_orbit},
        ("exchange(v) + exchange(-v) = 0.6", "linear in v"),
    ),
    Refusal(
        "hopping has two numbers", p_orbital_crystal, {"magnetization": M, "hopping": 1.0},
        ("hopping", "(V_pp_sigma, V_pp_pi)"),
    ),
    Refusal(
        "m of p orbitals", p_orbital_crystal, {"magnetization": (0, 0, 2)},
        ("length of magnetization = 2", "pass"),
    ),
    Refusal(
        "splitting is a number", p_orbital_crystal, {"magnetization": M, "exchange_splitting": (1, 2)},
        ("exchange_splitting", "pass one number"),
    ),
    Refusal(
        "coupling is finite", p_orbital_crystal, {"magnetization": M, "spin_orbit": np.nan},
        ("spin_orbit = nan", "finite"),
    ),
    Refusal("onsite is finite", p_orbital_crystal, {"magnetization": M, "onsite": np.inf}, ("onsite = inf", "finite")),
)  # fmt: skip
def test_bad_input_torque_correlation(refusal):
    refusal.check()


def test_limit_directions_are_taken_across():
    # Within the tolerance a direction is normalised and its part along m dropped.
    tilted = E * (1 + 5e-7) + 5e-7 * M
    np.testing.assert_allclose(
        correlation(NICKEL, 0.1, tilted, k_points=3).total, correlation(NICKEL, 0.1, k_points=3).total, rtol=1e-11
    )


def test_limit_crystal_by_hand():
    # Two bands of one orbital with a Rashba-free spin-orbit term: nothing to turn, no damping, but a wrong torque.
    spin = PAULI / 2

    def bands(k):
        return -2 * np.cos(k).sum(-1)[..., None, None] * np.eye(2) - 3 * spin[2]

    def slopes(k):
        return 2 * np.sin(k)[..., None, None] * np.eye(2)

    stoner = Crystal(bands, slopes, spin, np.zeros((2, 2)), lambda v: -3 * np.tensordot(v, spin, 1), (0, 0, 1))
    e = [(1, 0, 0), (0, 1, 0)]
    assert np.array_equal(correlation(stoner, 0.3, e, k_points=8).total, [0, 0])
    wrong = correlation(stoner, 0.3, e, k_points=8, torque="exchange")
    k = wave_vectors(8, OFFSET)
    up, down = (0.6 / ((0.3 + 2 * np.cos(k).sum(-1) + s) ** 2 + 0.09) for s in (1.5, -1.5))
    np.testing.assert_allclose(wrong.total, 4.5 * np.mean(up * down), rtol=0, atol=1e-12)


def test_limit_one_wave_vector_of_the_mesh():
    # Bands that are not even in k: the one point of this mesh is 2 pi times the offset, not its mirror image.
    one, start = np.eye(2), np.array([0.2, 0.5, 0.9])

    def bands(k):
        return np.sin(k + start).sum(-1)[..., None, None] * one

    def slopes(k):
        return np.cos(k + start)[..., None, None] * one

    gas = Crystal(bands, slopes, PAULI / 2, np.zeros((2, 2)), lambda v: 0 * np.tensordot(v, PAULI, 1), (0, 0, 1))
    k = 2 * np.pi * np.array(OFFSET) + start
    spectral = 2 * 0.7 / ((0.3 - np.sin(k).sum()) ** 2 + 0.7**2)
    for current in (*np.eye(3), np.array([0.6, 0, -0.8])):
        got = correlation(gas, 0.7, [(1, 0, 0)], k_points=1, current_direction=current).conductivity
        # Two spins, each with v^2 A^2/2.
        assert got == pytest.approx((current @ np.cos(k) * spectral) ** 2, rel=1e-12, abs=0)


def test_limit_levels_that_rounding_splits_are_one_band():
    # Two levels at 1 with 1e-14 between them; the torque has no diagonal element between their states.
    spin, split = PAULI / 2, np.eye(2) + 1e-14 * PAULI[2]
    pair = Crystal(
        lambda k: np.broadcast_to(split, (*np.shape(k)[:-1], 2, 2)),
        lambda k: np.zeros((*np.shape(k), 2, 2)),
        spin,
        0.4 * PAULI[2],
        lambda v: 0 * np.tensordot(v, spin, 1),
        (0, 0, 1),
    )
    found = correlation(pair, 0.5, [(1, 0, 0)], k_points=1)
    # tau = i[S_y, 0.4 sigma_z] = -0.4 sigma_x: T = 2 (0.4 A)^2.
    assert found.intraband[0] == pytest.approx(2 * (0.4 * 1.0 / (0.49 + 0.25)) ** 2, rel=1e-12, abs=0)
    assert found.interband[0] == 0
