"""BTBK (80)-(83) and Figure 6: broadened bands against leaking orbitals, rate equations and disordered samples."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from spinlib.lattice.damping import bulk_slope, dissipation_tensor, pumped_charge
from spinlib.lattice.green import scattering_matrix
from spinlib.lattice.models import p_orbital_magnet
from spinlib.lattice.torque_correlation import p_orbital_crystal, torque_correlation
from spinlib.precomputed import load
from tests.book.chapter_code import defined
from tests.spinlib.torque_routes import (
    energy_integral,
    reservoir_derivative,
    torque_operator,
    wave_vectors,
)
from tools import lattice_members
from tools.notebooks import ROOT
from tools.precomputed import verify

CHAPTER = ROOT / "book" / "thermal_damping.md"
DATA = ROOT / "book" / "thermal_damping" / "thermal.json"
DIAGONAL = np.array([1.0, 1.0, 1.0]) / np.sqrt(3)
ACROSS = np.array([[1.0, -1.0, 0.0], [1.0, 1.0, -2.0]]) / np.sqrt([[2.0], [6.0]])
FERMI, ETA, SHIFT = 0.3, 0.2, np.array([0.13, 0.41, 0.77])
SITES = 9


def magnet(m=DIAGONAL, spin_orbit=0.6):
    return p_orbital_crystal(m, exchange_splitting=2.0, spin_orbit=spin_orbit)


def chapter(*names):
    """Functions of the page, with the numbers that they use."""
    room = {
        "fermi": FERMI,
        "splitting": 2.0,
        "coupling": 0.6,
        "m": DIAGONAL,
        "across": ACROSS,
        "shift": SHIFT,
        "sites": SITES,
        "hops_lead": np.where(np.eye(3), 1.0, -0.4),
    }
    room = defined(CHAPTER, room)
    return [room[name] for name in names]


@cache
def stored():
    return load(DATA)[0]


@cache
def bubble(k_points=48, offset=(0.25, 0.2, 0.3)):
    """Resistivity, T and eta of broadened bands, on another mesh than the page's."""
    widths = np.geomspace(0.009, 0.9, 18)
    found = torque_correlation(magnet(), FERMI, widths, ACROSS, k_points=k_points, offset=offset)
    return 1 / found.conductivity, found.total.mean(axis=1), widths


# --- (80), (81): broadened bands --------------------------------------------------------------------------------------


@pytest.mark.parametrize("m", [(1, 1, 1), (1, 2, -2), (0, 0, 1)], ids=str)
def test_paper_BTBK_80_is_the_heat_of_leaking_orbitals(m):
    m = np.array(m) / np.linalg.norm(m)
    e = np.linalg.svd(m[None])[2][1:]
    crystal, k = magnet(m), wave_vectors(3, SHIFT)
    heat = [
        np.mean([np.sum(np.abs(reservoir_derivative(crystal, FERMI, ETA, one, q, frame="magnet")) ** 2) for q in k])
        for one in e
    ]
    found = torque_correlation(crystal, FERMI, ETA, e, k_points=3, offset=SHIFT)
    np.testing.assert_allclose(found.total, heat, rtol=1e-8)
    slope, mesh = chapter("slope", "mesh")
    np.testing.assert_allclose(mesh(3), k, atol=1e-12)
    for one, expected in zip(e, heat, strict=True):
        ours = np.mean(np.sum(np.abs(slope(crystal, one, ETA, k, "magnet")) ** 2, (1, 2)))
        assert ours == pytest.approx(expected, rel=1e-8, abs=0)


@pytest.mark.parametrize("scale", [1 / np.sqrt(2), 1.0, 2.0])
@pytest.mark.parametrize("area", [1.0, np.pi, 2 * np.pi])
def test_paper_BTBK_80_printed_prefactor_misses_by_a_pure_number(scale, area):
    (printed,) = chapter("printed_80")
    crystal, k = magnet((0.6, 0.0, 0.8)), wave_vectors(3, SHIFT)
    e = np.array([[0.8, 0.0, -0.6], [0.0, 1.0, 0.0]])
    heat = np.mean(
        [np.sum(np.abs(reservoir_derivative(crystal, FERMI, ETA, one, q, frame="magnet")) ** 2) for one in e for q in k]
    ) / (4 * np.pi)
    ratio = printed(crystal, e, ETA, k, scale, area) / heat
    assert ratio == pytest.approx(2 * (scale * area / np.pi) ** 2, rel=1e-8, abs=0)
    # Right for one of these readings alone, scale * area = pi/sqrt 2.
    assert (abs(ratio - 1) < 1e-8) == (scale < 1 and 3 < area < 4)
    # pi/2 in the place of 1/pi, with S_- and unit area.
    if scale == 1.0 and area == 1.0:
        assert ratio * (np.pi / 2) / (1 / np.pi) == pytest.approx(1, rel=1e-8, abs=0)


def test_paper_BTBK_81_same_band_with_the_lifetime_other_bands_against_it():
    # tau = 1/(2 eta).
    for tau in (3.0, 30.0, 300.0):
        assert energy_integral(0.0, 1 / (2 * tau)) == pytest.approx(tau / np.pi, rel=1e-9, abs=0)
    far = [energy_integral(4.0, 1 / (2 * tau)) * np.pi * 16 * tau for tau in (10.0, 100.0)]
    np.testing.assert_allclose(far, 1, atol=1e-3)
    # Closer than two half widths another band counts like the same one: up to its largest value at eta = d/2.
    near = [energy_integral(1.0, eta) for eta in (0.4, 0.5, 0.6)]
    assert near[1] > max(near[0], near[2])
    assert energy_integral(0.1, 1.0) == pytest.approx(energy_integral(0.0, 1.0), rel=3e-3, abs=0)


def test_paper_BTBK_81_laws_of_the_crystal():
    # Sums over bands: both laws, then their end; no interband law survives at a width of the hop.
    widths = [0.02, 0.04, 0.4, 0.8]
    found = torque_correlation(magnet(), FERMI, widths, ACROSS, k_points=32, offset=SHIFT)
    intra, inter = found.intraband.mean(axis=1), found.interband.mean(axis=1)
    assert intra[0] / intra[1] == pytest.approx(2, abs=0.1)
    assert inter[1] / inter[0] == pytest.approx(2, abs=0.1)
    assert inter[3] < inter[2]


def test_limit_mesh_of_the_page():
    # Resistivity and T at widths from the weakest disorder on, against a finer mesh with other shifts.
    widths = [0.009, 0.02, 0.08]
    fine = torque_correlation(magnet(), FERMI, widths, ACROSS, k_points=64, offset=0.25)
    own = torque_correlation(magnet(), FERMI, widths, ACROSS, k_points=48, offset=SHIFT)
    np.testing.assert_allclose(own.total.mean(axis=1), fine.total.mean(axis=1), rtol=0.03)
    np.testing.assert_allclose(own.conductivity, fine.conductivity, rtol=0.03)


def test_limit_exchange_torque_is_the_pumping_into_the_reservoirs():
    # Without spin-orbit coupling nothing is lost: (69) for S = -1 + 2 i eta G of each spin, from numbers alone.
    crystal, k = magnet(spin_orbit=0.0), wave_vectors(4, SHIFT)
    levels = 2 * np.cos(k) @ (1.4 * np.eye(3) - 0.4)
    up, down = (-1 + 2j * ETA / (FERMI + 1j * ETA - levels - s) for s in (-1.0, 1.0))
    mixing = np.sum(1 - (up * down.conj()).real, axis=1).mean()
    settings = {"k_points": 4, "offset": SHIFT}
    wrong = torque_correlation(crystal, FERMI, ETA, ACROSS, torque="exchange", **settings)
    np.testing.assert_allclose(wrong.total, mixing, rtol=1e-12)
    assert mixing > 0.5
    right = torque_correlation(crystal, FERMI, ETA, ACROSS, **settings)
    np.testing.assert_array_equal(right.total, 0)


def test_limit_exchange_torque_has_a_false_minimum():
    widths = [0.02, 0.08, 0.8]
    settings = {"k_points": 24, "offset": SHIFT}
    wrong = torque_correlation(magnet(), FERMI, widths, ACROSS, torque="exchange", **settings)
    right = torque_correlation(magnet(), FERMI, widths, ACROSS, **settings)
    np.testing.assert_allclose(wrong.intraband, right.intraband, rtol=1e-8)
    first, middle, last = wrong.total.mean(axis=1)
    assert middle < 0.6 * first
    assert last > 2 * middle
    assert np.all(np.diff(right.total.mean(axis=1)) < 0)


def test_limit_levels_do_not_breathe_along_a_cubic_axis():
    found = torque_correlation(magnet((0, 0, 1)), FERMI, [0.02, 0.2], [(0.6, 0.8, 0)], k_points=32, offset=SHIFT)
    assert np.abs(found.intraband).max() < 1e-20
    assert found.total.min() > 0.5
    assert torque_correlation(magnet(), FERMI, 0.02, ACROSS, k_points=32, offset=SHIFT).intraband.min() > 2


# --- (82), (83): the effective field ----------------------------------------------------------------------------------


def tilted(angle, e):
    return np.cos(angle) * DIAGONAL + np.sin(angle) * e


def levels_at(angle, e, k):
    return np.linalg.eigvalsh(magnet(tilted(angle, e)).hamiltonian(k))


def occupation(levels, temperature):
    return 1 / (np.exp((levels - FERMI) / temperature) + 1)


def test_paper_BTBK_82_field_of_frozen_occupations():
    # -dE/dM of single-particle levels with fixed f, by differences; the same as minus the mean spin-orbit torque.
    m, e = np.array([0.6, 0.0, 0.8]), np.array([0.8, 0.0, -0.6])
    k, h = wave_vectors(3, SHIFT), 1e-4
    levels, states = np.linalg.eigh(magnet(m).hamiltonian(k))
    share = occupation(levels, 0.1)
    up, down = (np.linalg.eigvalsh(magnet(np.cos(t) * m + np.sin(t) * e).hamiltonian(k)) for t in (h, -h))
    field = -np.sum(share * (up - down)) / (2 * h)
    mean = np.einsum("kan,ab,kbn->kn", states.conj(), torque_operator(magnet(m), e), states).real
    assert field == pytest.approx(-np.sum(share * mean), rel=1e-5, abs=0)
    assert abs(field) > 0.01
    # A density in J/m^3 over M in A/m is a field in tesla: for K sin^2 of the tilt it is the anisotropy field 2K/M.
    anisotropy, size = 4e5, 1.4e6
    density = [anisotropy * np.sin(angle) ** 2 for angle in (0.01 + h, 0.01 - h)]
    assert -(density[0] - density[1]) / (2 * h) / size == pytest.approx(-2 * anisotropy / size * 0.01, rel=1e-4, abs=0)


@cache
def swung():
    """A tilt to and fro: angles, rates, levels, slopes, occupations that lag and f0; second of two periods.

    The rate equation is solved exactly for an f0 that is linear within a step.
    """
    lifetime, period, steps, temperature, e, k = 1 / 0.06, 4000.0, 200, 0.3, ACROSS[0], wave_vectors(4, SHIFT)
    phase = 2 * np.pi * np.arange(2 * steps + 1) / steps
    angles, h, dt = 0.02 * np.sin(phase), 1e-4, period / steps
    levels = np.array([levels_at(angle, e, k) for angle in angles])
    wanted = occupation(levels, temperature)
    decay = np.exp(-dt / lifetime)
    slow = (1 - decay) * lifetime / dt
    share = [wanted[0]]
    for before, after in pairwise(wanted):
        share.append(decay * (share[-1] - before) + after - slow * (after - before))
    rise = np.array([levels_at(t + h, e, k) - levels_at(t - h, e, k) for t in angles[steps:]]) / (2 * h)
    rates = 0.02 * 2 * np.pi / period * np.cos(phase)
    return angles[steps:], rates[steps:], levels[steps:], rise, np.array(share[steps:]), wanted[steps:]


def test_paper_BTBK_83_breathing_is_the_intraband_part_and_the_sign_is_minus():
    # The field along the tilt from the first term, -sum (d epsilon/d theta) f, has a part -(T/4 pi) (d theta/dt). T is
    # the intraband part of (80), positive by construction, averaged over -f': tau = 1/(2 eta).
    angles, rates, _, rise, share, _ = swung()
    eta, temperature = 0.03, 0.3
    energies = FERMI + np.arange(-3.6, 3.6, eta / 2)
    weight = 1 / (4 * temperature * np.cosh((energies - FERMI) / (2 * temperature)) ** 2) * eta / 2
    assert weight.sum() == pytest.approx(1, abs=1e-4)
    settings = {"k_points": 4, "offset": SHIFT}
    within = [torque_correlation(magnet(), x, eta, ACROSS[:1], **settings).intraband[0] for x in energies]
    bracket = np.sum(rise * share, axis=(1, 2)) / 64
    shapes = np.stack([np.ones_like(angles), angles, rates], axis=1)
    corrected, printed = (np.linalg.lstsq(shapes, sign * bracket)[0][2] for sign in (-1, 1))
    assert -4 * np.pi * corrected == pytest.approx(weight @ within, rel=0.01, abs=0)
    # As printed the magnet would gain what it loses: off by the factor -1.
    assert -4 * np.pi * printed == pytest.approx(-(weight @ within), rel=0.01, abs=0)


def test_paper_BTBK_83_both_terms_cancel_over_a_period():
    # The heat of the relaxation, (epsilon - E_F)(f - f0)/tau with f - f0 from harmonics, against the work that enters.
    _, _, levels, _, share, wanted = swung()
    first = np.sum((share[1:] + share[:-1]) / 2 * np.diff(levels, axis=0))
    steps, step = len(levels) - 1, 4000.0 / (len(levels) - 1)
    turns = 2j * np.pi * np.fft.fftfreq(steps, step)[:, None, None] / 0.06
    behind = np.fft.ifft(-turns / (1 + turns) * np.fft.fft(wanted[1:], axis=0), axis=0).real
    heat = np.sum((levels[1:] - FERMI) * behind) * step * 0.06
    assert first > 0
    assert heat == pytest.approx(first, rel=2e-3, abs=0)
    # The second term of (83), integrated on its own, is minus that heat.
    second = np.sum((levels[1:] + levels[:-1]) / 2 * np.diff(share, axis=0))
    assert second == pytest.approx(-heat, rel=2e-3, abs=0)


# --- Figure 6: samples with frozen thermal disorder -------------------------------------------------------------------


def slopes(samples, lengths):
    fit = np.linalg.pinv(np.vander(lengths, 2))[0]
    mean = samples.mean(axis=0) / SITES
    return np.array([fit @ (1 / mean[0]), fit @ mean[1], fit @ mean[2]])


@cache
def all_slopes():
    data = stored()
    return np.array([slopes(b, n) for b, n in zip(data["batches"], data["lengths"], strict=True)]).T


def test_paper_BTBK_figure_6_resistivity_rises_with_the_square():
    u, rho = stored()["displacement"], all_slopes()[0]
    assert np.all(np.diff(rho) > 0)
    assert 7 < rho[u == 0.09][0] / rho[u == 0.03][0] < 9.5
    # (0.04/0.03)^2, within two errors of two per cent each.
    assert rho[1] / rho[0] == pytest.approx(16 / 9, abs=0.1)


def test_paper_BTBK_figure_6_damping_rises_and_saturates():
    u, screened = stored()["displacement"], all_slopes()[2]
    assert screened[0] > 6 * screened[u == 0.12][0]
    flat = screened[u >= 0.12]
    assert 0.5 < flat.min() < flat.max() < 0.75
    assert all_slopes()[0][-1] > 2.5 * all_slopes()[0][u == 0.12][0]


def test_paper_BTBK_figure_6_agrees_with_torque_correlation():
    data, (rho, bare, screened) = stored(), all_slopes()
    assert data["batches"].shape[1] * lattice_members.BATCH >= 50
    axis, total, _ = bubble()
    curve = np.exp(np.interp(np.log(rho), np.log(axis), np.log(total)))
    assert axis[0] < rho[0] < rho[-1] < axis[-1]
    assert np.all((screened / curve > 0.75) & (screened / curve < 1.15))
    weak = data["displacement"] <= 0.09
    assert np.all((bare / curve)[weak] > 2)
    assert np.all((bare / curve)[weak] < 3.5)
    # The wrong torque misses where disorder is strong, the bare one where it is weak.
    widths = np.array([0.1, 0.3, 0.7])
    wrong = torque_correlation(magnet(), FERMI, widths, ACROSS, k_points=24, offset=SHIFT, torque="exchange")
    far = np.interp(1 / wrong.conductivity, rho, screened)
    assert np.all(wrong.total.mean(axis=1) > 1.9 * far)


def test_paper_BTBK_figure_6_halves_of_the_window_agree():
    data = stored()
    for batches, lengths in zip(data["batches"], data["lengths"], strict=True):
        halves = [
            [bulk_slope(lengths[cut], batches[:, row, cut], minimum_length=0, reciprocal=row == 0) for row in (0, 2)]
            for cut in (slice(0, 5), slice(5, 10))
        ]
        for one, other in zip(*halves, strict=True):
            assert abs(one.slope - other.slope) < 3 * np.hypot(one.slope_error, other.slope_error)


def test_limit_mean_bonds_of_the_page():
    # Against bonds drawn by the library; at u = 0 the hops themselves.
    (mean_bond,) = chapter("mean_bond")
    np.testing.assert_allclose(mean_bond(0.0), [1.0, -0.4], rtol=1e-12)
    moved = np.random.default_rng(3).normal(size=(400, SITES, 3)) * 0.25 / np.sqrt(3)
    drawn = p_orbital_magnet((3, 3, 400), DIAGONAL, displacement=moved).coupling
    diagonal = np.diagonal(drawn, axis1=1, axis2=2).reshape(399, SITES, 3, 2).real
    x, y, z = diagonal[..., 0].mean(axis=(0, 1))
    errors = diagonal[..., 0].std(axis=(0, 1)) / np.sqrt(399 * SITES / 2)  # a site has two bonds
    along, aside = mean_bond(0.25)
    assert abs(z - along) < 4 * errors[2]
    assert abs((x + y) / 2 - aside) < 4 * errors[0]
    assert along < 1 - 4 * errors[2]


def test_paper_BTBK_figure_6_mean_bonds_take_the_excess():
    (mean_bond,) = chapter("mean_bond")
    data, (rho, _, screened) = stored(), all_slopes()
    widths = np.geomspace(0.3, 0.9, 6)
    for place, expected in ((6, 0.96), (7, 0.97)):
        crystal = p_orbital_crystal(
            DIAGONAL, exchange_splitting=2.0, spin_orbit=0.6, hopping=mean_bond(data["displacement"][place])
        )
        found = torque_correlation(crystal, FERMI, widths, ACROSS, k_points=20, offset=0.25)
        there = np.interp(rho[place], 1 / found.conductivity, found.total.mean(axis=1))
        axis, total, _ = bubble()
        assert screened[place] / there == pytest.approx(expected, abs=0.03)
        assert screened[place] > 1.03 * np.interp(rho[place], axis, total)


def test_limit_expelled_charge_is_coherent_and_has_no_mean():
    # Per site it would fall by 3^(-1/2) from 20 to 60 layers if every layer had a sign of its own.
    (sample,) = chapter("sample")
    random, charges = np.random.default_rng(5), []
    for _ in range(24):
        whole, lead = sample(0.06, 60, random)
        runs = scattering_matrix(whole, lead, lead, lengths=[20, 60])
        charges.append([pumped_charge(runs[n]).sum(axis=1) / n / SITES for n in (20, 60)])
    charges = np.array(charges)  # (configuration, length, direction)
    rms = np.sqrt(np.mean(charges**2, axis=(0, 2)))
    assert rms[1] > 0.8 * rms[0] > 0.05
    assert np.all(np.abs(charges.mean(axis=0)) < 4 * charges.std(axis=0) / np.sqrt(24))


def test_paper_BTBK_figure_6_bare_dissipation_bends():
    # Averages of thirds of the window: a line has no second difference.
    data = stored()
    for place in np.flatnonzero(data["displacement"] <= 0.09):
        bends = []
        for row in (1, 2):
            mean = data["batches"][place, :, row].mean(axis=0)
            low, centre, high = mean[:3].mean(), mean[3:7].mean(), mean[7:].mean()
            bends.append((high - 2 * centre + low) / (high - low))
        assert bends[0] > 0.1
        assert abs(bends[1]) < 0.08


def test_paper_BTBK_figure_6_stored_ensemble_is_what_it_says():
    assert verify(DATA) == []
    data = stored()
    assert data["displacement"].tolist() == list(lattice_members.DISPLACEMENTS)
    for longest, lengths in zip(lattice_members.DISPLACEMENTS.values(), data["lengths"], strict=True):
        assert lengths.tolist() == lattice_members.thermal_lengths(longest)


def test_paper_BTBK_figure_6_stored_batches_can_be_drawn_again():
    data = stored()
    for place, batch in ((4, 3), (7, 19)):
        np.testing.assert_allclose(lattice_members.thermal(place, batch), data["batches"][place, batch], rtol=1e-9)


def test_paper_BTBK_figure_6_page_draws_the_same_ensemble():
    (ensemble,) = chapter("ensemble")
    data, place, batch = stored(), 6, 2
    lengths, u = data["lengths"][place].tolist(), data["displacement"][place]
    found = ensemble(u, lengths, lattice_members.BATCH, (1, place, batch))
    np.testing.assert_allclose(found.mean(axis=0), data["batches"][place, batch], rtol=1e-9)


def test_limit_page_screens_as_the_library():
    sample, configuration = chapter("sample", "configuration")
    lengths, u = [8, 12, 16], 0.12
    g, bare, screened = configuration(u, lengths, np.random.default_rng(5))
    whole, lead = sample(u, lengths[-1], np.random.default_rng(5))
    for closure, values in (("none", bare), ("uniform", screened)):
        runs = scattering_matrix(whole, lead, lead, lengths=lengths, screening=closure)
        expected = [np.trace(dissipation_tensor(runs[n])) / 2 for n in lengths]
        np.testing.assert_allclose(values, expected, rtol=1e-10)
        np.testing.assert_allclose(g, [runs[n].conductance for n in lengths], rtol=1e-12)
    assert np.all(screened < bare)


def test_limit_both_torques_have_one_slope_between_leads():
    # dS_xc = dS_so - i[S.n, S], S.n on the channels, which come in pairs of spin up and down.
    (sample,) = chapter("sample")
    whole, lead = sample(0.12, 24, np.random.default_rng(9))
    turns = tuple(np.kron(np.eye(SITES), torque_operator(magnet(), e))[None] for e in ACROSS)
    both = replace(whole, perturbations=(*whole.perturbations, *turns))
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    squares = []
    for run in scattering_matrix(both, lead, lead, lengths=[12, 18, 24]).values():
        np.testing.assert_array_equal(run.spin[::2], 1)
        np.testing.assert_array_equal(run.spin[1::2], -1)
        for i, e in enumerate(ACROSS):
            spin = np.kron(np.eye(len(run.matrix) // 2), np.einsum("i,inm->nm", np.cross(DIAGONAL, e), pauli) / 2)
            commutator = spin @ run.matrix - run.matrix @ spin
            apart = run.derivatives[i] - run.derivatives[i + 2]
            assert np.abs(apart + 1j * commutator).max() < 1e-9
            squares.append(np.sum(np.abs(commutator) ** 2))
    # It does not grow with the length, while T does.
    assert max(squares) < 1.15 * min(squares)
    first, *_, last = scattering_matrix(both, lead, lead, lengths=[12, 18, 24]).values()
    assert np.trace(dissipation_tensor(last)) > 1.3 * np.trace(dissipation_tensor(first))
