"""`spinlib.lattice.damping`: invariants, barriers and walls by other routes, errors of a slope, refusals."""

import warnings

import numpy as np
import pytest
import scipy.constants as si
from hypothesis import given, settings
from hypothesis import strategies as st

from spinlib.dynamics.walls import wall_profile
from spinlib.lattice.damping import (
    bulk_slope,
    dissipation_tensor,
    gilbert_damping,
    pumped_charge,
    resistivity,
    wall_scattering,
)
from spinlib.lattice.green import LayeredSystem, Scattering, scattering_matrix
from spinlib.lattice.leads import cubic_lead
from spinlib.lattice.models import slab_amplitudes
from spinlib.onsager import WallResponse
from spinlib.pumping import pumping_damping
from spinlib.spin import PAULI, adjoint_rotation, spin_rotation
from tests.bad_input import Refusal, refusals
from tests.random_matrices import haar

A = 0.25e-9  # lattice constant [m]
MU_B = si.value("Bohr magneton")
seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=40, deadline=None)


def spread(rng, channels, parameters, *, neutral=False):
    """S of random channels and dS that keeps it unitary; ``neutral``: nothing piles up between the leads."""
    s = haar(rng, channels)
    raw = rng.normal(size=(2, parameters, channels, channels)) @ (np.eye(channels) * 0.5)
    raw = raw[0] + 1j * raw[1]
    k = raw + raw.conj().swapaxes(-1, -2)
    if neutral:
        k = k - np.einsum("pii->p", k)[:, None, None] * np.eye(channels) / channels
    return s, -1j * s @ k, k


def scattered(s, ds, n_left):
    return Scattering(s, ds, n_left, np.zeros(len(s), dtype=np.int64))


def rigid(k, passed, phase=0.0, offset=0.0):
    """A rigid barrier in one channel: r -> r exp(2ikx), r' -> r' exp(-2ikx), with any phases at x = 0."""
    r, t = 1j * np.sqrt(1 - passed) * np.exp(1j * (phase + offset)), np.sqrt(passed) * np.exp(1j * phase)
    back = 1j * np.sqrt(1 - passed) * np.exp(1j * (phase - offset))
    return scattered(np.array([[r, t], [t, back]]), 2j * k * np.diag([r, -back])[None], 1)


def on_chain(wave_number, layers, perturbed):
    """Scattering by a chain of hopping -1 whose levels are (levels, change); two spins, E = -2 cos k."""
    levels, change = (np.asarray(each)[:, None, None] * np.eye(2) for each in perturbed)
    assert len(levels) == layers
    lead = cubic_lead(-2 * np.cos(wave_number), (1, 1), -1.0, onsite=4.0)
    return scattering_matrix(LayeredSystem(levels, -np.ones(2), (change,)), lead, lead)


def wall_wire(width, *, energy=-1.0, exchange=1.0, disorder=0.0, seed=8, screening="local"):
    """A chain of two spins with a wall, leads without exchange."""
    z = np.arange(-int(6 * width) - 4.0, int(6 * width) + 5.0)
    m, moved = wall_profile(z, width=width, kind="bloch")
    field, turned = (-exchange / 2 * np.einsum("li,iab->lab", v, PAULI) for v in (m, moved))
    rough = disorder * np.random.default_rng(seed).uniform(-1, 1, len(z))
    lead = cubic_lead(energy, (1, 1), -1.0, onsite=4.0)
    sample = LayeredSystem(field + rough[:, None, None] * np.eye(2), -np.ones(2), (turned,))
    return scattering_matrix(sample, lead, lead, screening=screening)


# --- traces -----------------------------------------------------------------------------------------------------------


@given(seed=seeds, left=st.integers(1, 4), right=st.integers(1, 4), parameters=st.integers(1, 3))
@few
def test_invariant_dissipation_is_symmetric_positive_and_adds_over_leads(seed, left, right, parameters):
    rng = np.random.default_rng(seed)
    s, ds, k = spread(rng, left + right, parameters)
    run = scattered(s, ds, left)
    whole = dissipation_tensor(run)
    scale = np.trace(whole)
    by_lead = [dissipation_tensor(run, lead=lead) for lead in ("left", "right")]
    for tensor in (whole, *by_lead):
        assert tensor.shape == (parameters, parameters)
        np.testing.assert_allclose(tensor, tensor.T, rtol=0, atol=1e-15 * scale)
        assert np.linalg.eigvalsh(tensor).min() > -1e-12 * scale
    np.testing.assert_allclose(sum(by_lead), whole, rtol=0, atol=1e-12 * scale)
    # S drops out of the sum over leads: Tr dS_i^dagger dS_j = Tr K_i K_j.
    np.testing.assert_allclose(whole, np.einsum("pij,qji->pq", k, k).real, rtol=0, atol=1e-11 * scale)
    # of one lead, element by element
    rows = np.abs(ds[:, :left]) ** 2
    np.testing.assert_allclose(np.diag(by_lead[0]), rows.sum(axis=(1, 2)), rtol=1e-12)


@given(seed=seeds, left=st.integers(1, 4), right=st.integers(1, 4), parameters=st.integers(1, 3))
@few
def test_invariant_charge_is_the_phase_of_the_determinant(seed, left, right, parameters):
    rng = np.random.default_rng(seed)
    s, ds, k = spread(rng, left + right, parameters)
    q = pumped_charge(scattered(s, ds, left))
    assert q.shape == (parameters, 2)
    scale = np.abs(k).max()
    np.testing.assert_allclose(q.sum(axis=1), -np.einsum("pii->p", k).real, rtol=0, atol=1e-11 * scale)
    levels, vectors = np.linalg.eigh(k[0])
    step = 1e-3 / scale
    moved = s @ (vectors * np.exp(-1j * step * levels)) @ vectors.conj().T  # S exp(-i K dx): K is constant along it
    turned = np.angle(np.linalg.det(moved) / np.linalg.det(s))
    assert turned / step == pytest.approx(q[0].sum(), rel=0, abs=1e-9 * scale)
    # one by one from the rows
    direct = (ds[0] * s.conj()).imag.sum(axis=1)
    np.testing.assert_allclose(q[0], [direct[:left].sum(), direct[left:].sum()], rtol=0, atol=1e-12 * scale)


@given(seed=seeds, first=st.floats(-3, 3), second=st.floats(-3, 3))
@few
def test_invariant_parameters_mix_as_a_tensor_and_a_vector(seed, first, second):
    s, ds, _ = spread(np.random.default_rng(seed), 5, 2)
    mix = np.array([[first, 1.0], [second, -0.5], [0.25, 2.0]])
    before, after = scattered(s, ds, 2), scattered(s, np.einsum("qp,pij->qij", mix, ds), 2)
    for lead in (None, "left", "right"):
        tensor = dissipation_tensor(before, lead=lead)
        close = 1e-12 * np.trace(tensor) * (1 + np.abs(mix).max()) ** 2
        np.testing.assert_allclose(dissipation_tensor(after, lead=lead), mix @ tensor @ mix.T, rtol=0, atol=close)
    q = pumped_charge(before)
    np.testing.assert_allclose(
        pumped_charge(after), mix @ q, rtol=0, atol=1e-12 * (1 + np.abs(mix).max()) * np.abs(ds).max()
    )


@given(seed=seeds)
@few
def test_invariant_phases_and_order_of_modes_do_not_count(seed):
    # Modes of a lead are fixed up to a unitary matrix: outgoing and incoming ones of a lead turn on their own.
    rng = np.random.default_rng(seed)
    s, ds, _ = spread(rng, 5, 2)
    out, back = (np.zeros((5, 5), dtype=complex) for _ in range(2))
    for matrix in (out, back):
        matrix[:2, :2], matrix[2:, 2:] = haar(rng, 2), haar(rng, 3)
    one, other = scattered(s, ds, 2), scattered(out @ s @ back, out @ ds @ back, 2)
    scale = np.abs(ds).max() ** 2
    for lead in (None, "left", "right"):
        np.testing.assert_allclose(
            dissipation_tensor(other, lead=lead), dissipation_tensor(one, lead=lead), rtol=0, atol=1e-11 * scale
        )
    np.testing.assert_allclose(pumped_charge(other), pumped_charge(one), rtol=0, atol=1e-11 * scale)


# --- a barrier that is moved ------------------------------------------------------------------------------------------


@given(k=st.floats(0.05, 3), passed=st.floats(0.01, 0.99), phase=st.floats(-3, 3), offset=st.floats(-3, 3))
@few
def test_limit_rigid_barrier_takes_electrons_along(k, passed, phase, offset):
    barrier, reflected = rigid(k, passed, phase, offset), 1 - passed
    left, right = pumped_charge(barrier)[0]
    # It recedes from the left lead, whose electrons fill the place it leaves.
    assert left == pytest.approx(2 * k * reflected, rel=1e-12, abs=0)
    assert right == pytest.approx(-2 * k * reflected, rel=1e-12, abs=0)
    for lead, friction in (("left", 4), ("right", 4), (None, 8)):
        found = dissipation_tensor(barrier, lead=lead)
        assert found[0, 0] == pytest.approx(friction * k**2 * reflected, rel=1e-12, abs=0)
    wall = wall_scattering(barrier, 3.0, 2, 1.5, g_factor=2.1)
    assert wall.p_beta == pytest.approx(2 * k * 3.0 * reflected / passed, rel=1e-9, abs=0)
    assert wall.alpha == pytest.approx(2.1 * 3.0 * 8 * k**2 * reflected / (8 * np.pi * 1.5 * 2), rel=1e-12, abs=0)
    assert wall.conductance == pytest.approx(passed, rel=1e-12, abs=0)
    (ww, wc), (cw, cc) = wall.response
    assert ww == pytest.approx(np.pi / (2 * k**2 * reflected), rel=1e-12, abs=0)
    assert wc == cw == pytest.approx(-1 / (2 * k), rel=1e-9, abs=0)
    # A barrier that is free to move in one channel costs nothing: it drifts along and the wire has its e^2/h.
    assert cc == pytest.approx(1 / (2 * np.pi), rel=1e-9, abs=0)


def poeschl_teller(scale, center=0.0):
    """Layers, levels and their change for V/cosh^2(x/w), V = .09, w = 3 at scale 1; k of E - V(inf) = k^2."""
    width, height = 3.0 * scale, 0.09 / scale**2
    z = np.arange(-int(13 * width), int(13 * width) + 1.0) - center
    shape = 1 / np.cosh(z / width) ** 2
    return len(z), (height * shape, 2 * height / width * shape * np.tanh(z / width)), width, height


def continuum(scale, k):
    _, _, width, height = poeschl_teller(scale)
    through = np.sinh(np.pi * k * width) ** 2
    return 1 / (1 + through / np.cosh(np.pi / 2 * np.sqrt(4 * height * width**2 - 1 + 0j)).real ** 2)


def test_limit_smooth_barrier_on_the_lattice_is_rigid():
    # The lattice is felt as exp(-pi^2 w) only, so momentum is balanced with the k of the lattice. Two spins.
    k = 0.27
    layers, perturbed, _, _ = poeschl_teller(1.0, center=0.3)
    run = on_chain(k, layers, perturbed)
    reflected = 1 - run.conductance / 2
    assert 0.2 < reflected < 0.8
    np.testing.assert_allclose(pumped_charge(run)[0], 2 * np.array([2, -2]) * k * reflected, rtol=1e-9)
    np.testing.assert_allclose(dissipation_tensor(run)[0, 0], 2 * 8 * k**2 * reflected, rtol=1e-9)
    # and dS is that of the barrier one step further
    step = 1e-4
    later, sooner = (on_chain(k, layers, poeschl_teller(1.0, center=0.3 + d)[1]).matrix for d in (step, -step))
    np.testing.assert_allclose(run.derivatives[0], (later - sooner) / (2 * step), rtol=0, atol=1e-7)


def test_limit_barrier_on_the_lattice_tends_to_the_continuum():
    # Landau and Lifshitz: |r|^2 of V/cosh^2 in closed form. Error of a lattice of spacing 1/s is 1/s^2.
    missed = []
    for scale in (1.0, 2.0, 4.0):
        k = 0.3 / scale
        layers, perturbed, width, _ = poeschl_teller(scale)
        run = on_chain(2 * np.arcsin(k / 2), layers, perturbed)  # E + 2 = k^2
        wall = wall_scattering(run, width, 1, 1.0)
        reflected = continuum(scale, k)
        expected = [2 * 2 * k * reflected, 2 * k * width * reflected / (1 - reflected)]
        missed.append([pumped_charge(run)[0, 0] / expected[0] - 1, wall.p_beta / expected[1] - 1])
    missed = np.abs(missed)
    np.testing.assert_allclose(missed[:-1] / missed[1:], 4.0, rtol=0, atol=0.15)
    assert missed[-1].max() < 2e-3


# --- a wall -----------------------------------------------------------------------------------------------------------


def in_si(run, wall, width, sites, moment, g_factor):
    """The response of a wall from the electrons' matrix in metres, and that of ``wall`` in SI, and both's alpha."""
    rows = range(run.n_left, len(run.matrix))
    direct = WallResponse.from_scattering(run.matrix, run.derivatives[0] / A, channels=rows)
    (ww, wc), (_, cc) = wall.response
    bridge = WallResponse(ww=ww * A**2 / si.hbar, wc=wc * si.e * A / si.hbar, cc=cc * si.e**2 / si.hbar)
    arguments = {
        "width": width * A,
        "area": sites * A**2,
        "saturation_magnetization": moment * MU_B / A**3,
        "gyromagnetic_ratio": g_factor * MU_B / si.hbar,
    }
    return direct, bridge, arguments


@given(seed=seeds, width=st.floats(0.5, 20), moment=st.floats(0.1, 4), g_factor=st.floats(1.8, 2.3))
@few
def test_invariant_wall_response_equals_that_of_onsager(seed, width, moment, g_factor):
    s, ds, _ = spread(np.random.default_rng(seed), 6, 1, neutral=True)
    run = scattered(s, ds, 2)
    wall = wall_scattering(run, width, 9, moment, g_factor=g_factor)
    direct, bridge, arguments = in_si(run, wall, width, 9, moment, g_factor)
    for name in ("ww", "wc", "cc"):
        assert getattr(bridge, name) == pytest.approx(getattr(direct, name), rel=1e-9, abs=0)
    assert bridge.conductance == pytest.approx(wall.conductance * si.e**2 / si.h, rel=1e-9, abs=0)
    for response in (direct, bridge):
        assert response.effective_alpha(**arguments) == pytest.approx(wall.alpha, rel=1e-9, abs=0)
        beta = response.effective_beta(width=width * A, polarization=1.0)
        assert beta == pytest.approx(wall.p_beta, rel=1e-8, abs=0)
    assert wall.response[0, 1] == wall.response[1, 0]


def test_limit_wall_of_a_rough_wire_with_local_screening():
    run = wall_wire(1.5, disorder=0.6)
    left, right = pumped_charge(run)[0]
    assert left == pytest.approx(-right, rel=1e-9, abs=0)
    wall = wall_scattering(run, 1.5, 1, 0.7, g_factor=2.2)
    direct, bridge, arguments = in_si(run, wall, 1.5, 1, 0.7, 2.2)
    assert bridge.wc == pytest.approx(direct.wc, rel=1e-9, abs=0)
    assert direct.effective_alpha(**arguments) == pytest.approx(wall.alpha, rel=1e-9, abs=0)
    assert direct.effective_beta(width=1.5 * A, polarization=1.0) == pytest.approx(wall.p_beta, rel=1e-9, abs=0)


def test_limit_wall_without_screening_takes_half_the_difference_of_the_leads():
    # With a charge that piles up the leads differ, and P beta is that of their mean.
    run = wall_wire(1.5, disorder=0.6, screening="none")
    rows = {"left": range(run.n_left), "right": range(run.n_left, len(run.matrix))}
    beta = {}
    for lead, channels in rows.items():
        response = WallResponse.from_scattering(run.matrix, run.derivatives[0] / A, channels=channels)
        beta[lead] = response.effective_beta(width=1.5 * A, polarization=1.0)
    assert abs(beta["right"] + beta["left"]) > 0.01 * abs(beta["right"])
    mean = (beta["right"] - beta["left"]) / 2
    assert wall_scattering(run, 1.5, 1, 1.0).p_beta == pytest.approx(mean, rel=1e-9, abs=0)


def test_limit_wall_without_exchange_in_the_leads_reads_backwards():
    # Mirrored, the wall moves the other way: same alpha and, counted towards the right lead, opposite pumping.
    run = wall_wire(1.5, disorder=0.6)
    n = run.n_left
    order = np.r_[n : len(run.matrix), :n]
    image = scattered(run.matrix[np.ix_(order, order)], run.derivatives[:, order][:, :, order], len(order) - n)
    one, other = wall_scattering(run, 1.5, 1, 1.0), wall_scattering(image, 1.5, 1, 1.0)
    assert other.alpha == pytest.approx(one.alpha, rel=1e-12, abs=0)
    assert other.p_beta == pytest.approx(-one.p_beta, rel=1e-12, abs=0)
    assert abs(one.p_beta) > 1e-3


# --- Gilbert damping --------------------------------------------------------------------------------------------------


def slab(wave, exchange, thickness, direction, tangents):
    """Chain with a magnet of some layers; the majority spin is along ``direction``."""
    field = [-exchange / 2 * np.einsum("i,iab->ab", v, PAULI) for v in (direction, *tangents)]
    lead = cubic_lead(wave, (1, 1), -1.0, onsite=4.0)
    levels = np.tile(field[0], (thickness, 1, 1))
    return scattering_matrix(LayeredSystem(levels, -np.ones(2), tuple(each[None] for each in field[1:])), lead, lead)


@pytest.mark.parametrize("thickness", [1, 2, 5])
def test_paper_BTBK_63_from_the_dissipation_of_a_slab(thickness):
    energy, exchange, moment, g_factor = -0.7, 1.4, 0.8, 2.1
    turn = adjoint_rotation(spin_rotation(1.1, -0.4))
    x, y, z = turn.T
    run = slab(energy, exchange, thickness, z, (x, y))
    tensor = dissipation_tensor(run)
    np.testing.assert_allclose(tensor, tensor[0, 0] * np.eye(2), rtol=0, atol=1e-12)
    # the amplitudes in closed form, without a derivative
    (r, r_down), (t, t_down) = (
        np.array(each)
        for each in zip(
            *(slab_amplitudes(energy, 0.0, thickness, sign * exchange / 2)[:2] for sign in (-1, 1)), strict=True
        )
    )
    mixing = 1 - r * r_down.conjugate() - t * t_down.conjugate()  # of one side; the other has the same
    from_heat = gilbert_damping(tensor[0, 0] / thickness, moment, g_factor=g_factor)
    from_spin = pumping_damping(
        2 * mixing.conjugate() * si.e**2 / si.h,
        magnetic_moment=moment * MU_B * thickness,
        gyromagnetic_ratio=g_factor * MU_B / si.hbar,
    )
    assert from_heat == pytest.approx(from_spin, rel=1e-11, abs=0)
    assert from_heat > 0.01


def test_limit_gilbert_damping_is_that_of_the_definition():
    # Energy per atom and time by (66), as the loss (65) of a moment turning at the rate w.
    slope, moment, g_factor, rate = 0.37, 0.9, 2.05, 3e10
    heat = si.hbar / (4 * np.pi) * slope * rate**2
    gamma = g_factor * MU_B / si.hbar
    alpha = heat * gamma / (moment * MU_B * rate**2)
    assert gilbert_damping(slope, moment, g_factor=g_factor) == pytest.approx(alpha, rel=1e-12, abs=0)
    table = gilbert_damping(np.array([[1.0], [2.0]]) * slope, [moment, 2 * moment], g_factor=g_factor)
    np.testing.assert_allclose(table, alpha * np.array([[1, 0.5], [2, 1]]), rtol=1e-12)
    assert isinstance(gilbert_damping(slope, moment), float)


# --- slopes -----------------------------------------------------------------------------------------------------------

LENGTHS = np.array([4.0, 12.0, 16.0, 24.0, 32.0, 48.0])


def test_limit_bulk_slope_of_a_line():
    values = 0.3 + 0.02 * LENGTHS
    values[0] = 7.0  # below the window
    found = bulk_slope(LENGTHS, [values, values], minimum_length=12)
    assert found.slope == pytest.approx(0.02, rel=1e-12, abs=0)
    assert found.intercept == pytest.approx(0.3, rel=1e-12, abs=0)
    assert found.slope_error < 1e-15
    # the window starts with minimum_length itself; order of the lengths is free
    shuffled = [3, 0, 5, 2, 1, 4]
    again = bulk_slope(LENGTHS[shuffled], [values[shuffled]], minimum_length=12)
    assert again.slope == pytest.approx(0.02, rel=1e-12, abs=0)
    assert np.isnan(again.slope_error)
    assert np.isnan(again.intercept_error)


def test_limit_bulk_slope_inverts_the_mean_and_not_the_samples():
    resistance = 0.3 + 0.02 * LENGTHS
    samples = np.array([[0.5], [1.5]]) / resistance  # mean 1/resistance; the mean of 1/g is 4/3 of it
    found = bulk_slope(LENGTHS, samples, minimum_length=0, reciprocal=True)
    assert found.slope == pytest.approx(0.02, rel=1e-12, abs=0)
    assert found.intercept == pytest.approx(0.3, rel=1e-12, abs=0)
    wrong = bulk_slope(LENGTHS, 1 / samples, minimum_length=0)
    assert wrong.slope == pytest.approx(0.02 * 4 / 3, rel=1e-12, abs=0)


def ratios(noise, expected, count=400, **options):
    """Errors of five seeded sets of samples over their standard errors."""
    found = []
    for seed in range(5):
        samples = noise(np.random.default_rng([66, seed]), count)
        fit = bulk_slope(LENGTHS, samples, minimum_length=0, **options)
        found.append([fit.slope_error / expected[0], fit.intercept_error / expected[1]])
    return np.mean(found, axis=0)


def test_limit_errors_are_standard_errors_of_independent_points():
    # A bootstrap error has a relative error of (1/2000 + 1/800)^1/2 = 4.2 per cent; of five, 1.9.
    sigma, count = 0.05, 400
    middle = LENGTHS - LENGTHS.mean()
    slope = sigma / np.sqrt(count * (middle**2).sum())
    intercept = sigma * np.sqrt((1 / len(LENGTHS) + LENGTHS.mean() ** 2 / (middle**2).sum()) / count)

    def noise(rng, count, width=sigma):
        return 1 + 0.01 * LENGTHS + rng.normal(0, width, (count, len(LENGTHS)))

    np.testing.assert_allclose(ratios(noise, (slope, intercept)), 1, rtol=0, atol=0.08)
    louder = ratios(lambda rng, count: noise(rng, count, sigma * np.sqrt(2)), (slope, intercept))
    assert (louder > 1.3).all()


def test_limit_errors_know_that_the_points_of_a_sweep_are_correlated():
    # Slopes and intercepts of whole sweeps scatter: no point leaves the line of its sweep, the error is there.
    spread_slope, spread_start, count = 0.004, 0.1, 400

    def noise(rng, count):
        start, slope = rng.normal(1, spread_start, (count, 1)), rng.normal(0.01, spread_slope, (count, 1))
        return start + slope * LENGTHS

    expected = np.array([spread_slope, spread_start]) / np.sqrt(count)
    np.testing.assert_allclose(ratios(noise, expected), 1, rtol=0, atol=0.08)


def test_limit_errors_of_the_inverse_follow_the_derivative():
    # d(1/g) = -dg/g^2, noise below one per cent
    resistance, share = 0.3 + 0.02 * LENGTHS, 0.05
    count = 400
    sigma = share * resistance / np.sqrt(count)
    fit = np.linalg.pinv(np.vander(LENGTHS, 2))
    expected = np.sqrt((fit**2) @ sigma**2)

    def noise(rng, count):
        return (1 + share * rng.normal(size=(count, len(LENGTHS)))) / resistance

    np.testing.assert_allclose(ratios(noise, expected, reciprocal=True), 1, rtol=0, atol=0.08)


def test_limit_seed_touches_errors_only():
    samples = np.random.default_rng(4).normal(1 + 0.1 * LENGTHS, 0.1, (6, len(LENGTHS)))
    one, same = (bulk_slope(LENGTHS, samples, minimum_length=0, seed=seed) for seed in (0, np.random.default_rng(0)))
    other = bulk_slope(LENGTHS, samples, minimum_length=0, seed=1)
    assert one.slope_error == same.slope_error != other.slope_error
    assert (one.slope, one.intercept) == (other.slope, other.intercept)
    assert other.slope_error == pytest.approx(one.slope_error, rel=0.2, abs=0)
    assert bulk_slope(LENGTHS, samples, minimum_length=0).slope_error == one.slope_error


def bent(size, noise, lengths=LENGTHS, seed=3):
    curve = 1 + 0.1 * lengths + size * (lengths - lengths.mean()) ** 2 / 1000
    return curve + np.random.default_rng(seed).normal(0, noise, (40, len(lengths)))


@pytest.mark.parametrize("lengths", [LENGTHS, LENGTHS[:3]], ids=["six lengths", "three lengths"])
def test_limit_curved_window_warns(lengths):
    strong = 2.0 * (LENGTHS.std() / lengths.std()) ** 2
    with pytest.warns(RuntimeWarning, match=r"window from 4 to \d+ is curved: pass a larger minimum_length"):
        bulk_slope(lengths, bent(strong, 0.01, lengths), minimum_length=0)


@pytest.mark.parametrize(
    ("size", "noise", "kept"),
    [
        (0.0, 0.01, 0),  # a straight line
        (0.1, 0.001, 0),  # bent for certain, by less than five per cent
        (2.0, 40.0, 0),  # off the line, not for certain bent
    ],
    ids=["straight", "slightly bent", "noisy"],
)
def test_limit_window_that_is_not_curved_does_not_warn(size, noise, kept):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        bulk_slope(LENGTHS, bent(size, noise), minimum_length=kept)


def test_limit_no_warning_from_the_rounding_of_a_line_through_zero():
    # At its zero a line is off by any share of itself; without noise its curvature is rounding, with tiny errors.
    rng = np.random.default_rng(0)
    for _ in range(20):
        lengths = np.sort(rng.choice(np.arange(1.0, 60.0), 6, replace=False))
        line = rng.uniform(0.01, 1) * (lengths - rng.choice(lengths))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            bulk_slope(lengths, [line, line, line], minimum_length=0)


def test_limit_single_configuration_is_not_judged():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit = bulk_slope(LENGTHS, bent(2.0, 0.0)[:1], minimum_length=0)
    assert np.isnan(fit.slope_error)


def test_limit_slope_is_a_table_of_one_row():
    fit = bulk_slope(LENGTHS, [1 + LENGTHS, 2 + 2 * LENGTHS], minimum_length=0)
    assert list(fit.columns()) == ["slope", "intercept", "slope_error", "intercept_error"]
    assert fit.columns()["slope"].tolist() == [fit.slope] == pytest.approx([1.5], rel=1e-12, abs=0)


def test_limit_resistivity_in_si():
    # A wire of 9 sites: R = rho L/A with L in layers of a.
    slope, sites = 0.02, 9
    per_metre = slope * si.h / si.e**2 / A
    assert resistivity(slope, sites, A) == pytest.approx(per_metre * sites * A**2, rel=1e-12, abs=0)
    # The note's factor for a in nm and microohm cm.
    assert resistivity(1.0, 1, 1e-9) * 1e8 == pytest.approx(2581.28, rel=1e-6, abs=0)
    np.testing.assert_allclose(resistivity([1.0, 2.0], sites, A), resistivity(1.0, sites, A) * np.array([1, 2]))


# --- refusals ---------------------------------------------------------------------------------------------------------

BARRIER = rigid(0.5, 0.25)
STILL = scattered(BARRIER.matrix, np.zeros((1, 2, 2), dtype=complex), 1)
MIRROR = scattered(np.eye(2) + 0j, 2j * np.diag([1.0, -1.0])[None], 1)
NOTHING = scattered(BARRIER.matrix, np.zeros((0, 2, 2), dtype=complex), 1)
TWO = scattered(BARRIER.matrix, np.concatenate([BARRIER.derivatives] * 2), 1)
LINE = {"lengths": [1.0, 2.0, 3.0, 4.0], "samples": [[1.0, 2.0, 3.0, 4.0]], "minimum_length": 0}
WALL = {"scattering": BARRIER, "width": 2.0, "sites": 1, "magnetic_moment": 1.0}


@refusals(
    Refusal(
        "dissipation: lead",
        dissipation_tensor,
        {"scattering": BARRIER, "lead": "top"},
        ("lead = 'top'", "pass 'left', 'right' or None"),
    ),
    Refusal(
        "dissipation: a list for a lead",
        dissipation_tensor,
        {"scattering": BARRIER, "lead": [0]},
        ("lead = [0]", "pass 'left', 'right' or None"),
    ),
    Refusal(
        "dissipation: no derivatives",
        dissipation_tensor,
        {"scattering": NOTHING},
        ("scattering has no derivatives", "pass perturbations"),
    ),
    Refusal(
        "charge: no derivatives",
        pumped_charge,
        {"scattering": NOTHING},
        ("scattering has no derivatives", "pass perturbations"),
    ),
    Refusal(
        "damping: moment",
        gilbert_damping,
        {"slope": 1.0, "magnetic_moment": 0.0},
        ("magnetic_moment = 0 is not positive", "in mu_B per atom"),
    ),
    Refusal(
        "damping: one moment of many",
        gilbert_damping,
        {"slope": 1.0, "magnetic_moment": [1.0, -2.0]},
        ("magnetic_moment[1] = -2", "in mu_B per atom"),
    ),
    Refusal(
        "damping: g factor",
        gilbert_damping,
        {"slope": 1.0, "magnetic_moment": 1.0, "g_factor": -2.0},
        ("g_factor = -2", "pass"),
    ),
    Refusal(
        "damping: slope",
        gilbert_damping,
        {"slope": np.nan, "magnetic_moment": 1.0},
        ("slope = nan", "pass finite numbers"),
    ),
    Refusal(
        "damping: shapes",
        gilbert_damping,
        {"slope": [1.0, 2.0], "magnetic_moment": [1.0, 2.0, 3.0]},
        ("slope of shape (2,)", "magnetic_moment of shape (3,)", "pass numbers"),
    ),
    Refusal(
        "wall: two derivatives",
        wall_scattering,
        WALL | {"scattering": TWO},
        ("scattering has 2 derivatives", "pass one with dS/dr_w"),
    ),
    Refusal(
        "wall: no derivative",
        wall_scattering,
        WALL | {"scattering": NOTHING},
        ("scattering has 0 derivatives", "pass one with dS/dr_w"),
    ),
    Refusal(
        "wall: at rest", wall_scattering, WALL | {"scattering": STILL}, ("dissipation = 0 vanishes", "depends on r_w")
    ),
    Refusal(
        "wall: no conductance",
        wall_scattering,
        WALL | {"scattering": MIRROR},
        ("conductance = 0", "pass a sample that conducts"),
    ),
    Refusal("wall: width", wall_scattering, WALL | {"width": 0.0}, ("width = 0 is not positive", "pass")),
    Refusal("wall: sites", wall_scattering, WALL | {"sites": -1}, ("sites = -1 is not positive", "pass")),
    Refusal(
        "wall: moment",
        wall_scattering,
        WALL | {"magnetic_moment": -0.5},
        ("magnetic_moment = -0.5 is not positive", "in mu_B per atom"),
    ),
    Refusal("wall: two moments", wall_scattering, WALL | {"magnetic_moment": [1.0, 1.0]}, ("magnetic_moment", "pass")),
    Refusal("wall: g factor", wall_scattering, WALL | {"g_factor": 0.0}, ("g_factor = 0 is not positive", "pass")),
    Refusal(
        "slope: one length too many",
        bulk_slope,
        LINE | {"lengths": [1.0, 2.0, 3.0]},
        ("lengths of shape (3,)", "samples of shape (1, 4)", "pass (n_lengths,)"),
    ),
    Refusal(
        "slope: samples without configurations",
        bulk_slope,
        LINE | {"samples": [1.0, 2.0, 3.0, 4.0]},
        ("samples of shape (4,)", "(n_configurations, n_lengths)"),
    ),
    Refusal(
        "slope: no samples",
        bulk_slope,
        LINE | {"samples": np.zeros((0, 4))},
        ("samples of shape (0, 4)", "(n_configurations, n_lengths)"),
    ),
    Refusal(
        "slope: a length twice",
        bulk_slope,
        LINE | {"lengths": [1.0, 2.0, 2.0, 4.0]},
        ("number of distinct lengths = 3 is below 4", "pass each length once"),
    ),
    Refusal(
        "slope: short window",
        bulk_slope,
        LINE | {"minimum_length": 3},
        ("number of lengths >= minimum_length = 2 is below 3", "pass more lengths, or a smaller minimum_length"),
    ),
    Refusal(
        "slope: inverse of nothing",
        bulk_slope,
        LINE | {"samples": [[1.0, 2.0, 0.0, 4.0]], "reciprocal": True},
        ("mean of samples[2] = 0 is not positive", "reciprocal=False"),
    ),
    Refusal(
        "slope: not a number",
        bulk_slope,
        LINE | {"samples": [[1.0, 2.0, np.inf, 4.0]]},
        ("samples[0, 2] = inf", "pass finite numbers"),
    ),
    Refusal("slope: seed", bulk_slope, LINE | {"seed": -1}, ("seed = -1", "pass an integer >= 0")),
    Refusal("slope: minimum length", bulk_slope, LINE | {"minimum_length": np.nan}, ("minimum_length = nan", "pass")),
    Refusal(
        "resistivity: sites",
        resistivity,
        {"slope": 1.0, "sites": 0, "lattice_constant": A},
        ("sites = 0 is not positive", "pass"),
    ),
    Refusal(
        "resistivity: lattice constant",
        resistivity,
        {"slope": 1.0, "sites": 1, "lattice_constant": -A},
        ("lattice_constant = -2.5e-10 is not positive", "pass"),
    ),
    Refusal(
        "resistivity: slope",
        resistivity,
        {"slope": np.nan, "sites": 1, "lattice_constant": A},
        ("slope = nan", "pass finite numbers"),
    ),
)
def test_bad_input_damping(refusal):
    refusal.check()


def test_bad_input_derivative_along_which_s_is_not_unitary():
    grown = scattered(BARRIER.matrix, BARRIER.matrix[None], 1)
    with pytest.raises(ValueError, match=r"S\^dagger dS .* is above 1e-6: pass a derivative along which S stays"):
        dissipation_tensor(grown)


@pytest.mark.parametrize(
    ("share", "ratio", "warns"),
    [(0.051, 20.0, True), (0.049, 20.0, False), (0.2, 3.3, True), (0.2, 2.7, False), (-0.2, 3.3, True)],
    ids=["off the line", "close to the line", "surely bent", "perhaps bent", "bent downwards"],
)
def test_limit_a_window_is_curved_from_five_per_cent_and_three_errors_on(share, ratio, warns):
    # A parabola without its straight line, at most 1: ``share`` is what the worst point is off, ``ratio`` what its
    # curvature is over its error if the curvatures of 100 configurations are spread by +-10/ratio.
    powers = np.vander(LENGTHS, 2)
    bow = LENGTHS**2 - powers @ np.linalg.lstsq(powers, LENGTHS**2, rcond=None)[0]
    bow /= np.abs(bow).max()
    signs = np.tile([1.0, -1.0], 50)[:, None]
    samples = 1 + share * bow * (1 + 10 / ratio * signs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        bulk_slope(LENGTHS, samples, minimum_length=0)
    assert [warning.filename for warning in caught] == [__file__] * warns


def test_limit_errors_of_a_thousand_resamples_are_known_to_two_per_cent():
    # A standard deviation of N normal numbers scatters by (1/2N)^1/2: 2.2 per cent; that of 40 seeds by 11 % of it.
    samples = np.random.default_rng(5).normal(1 + 0.01 * LENGTHS, 0.05, (50, len(LENGTHS)))
    errors = [bulk_slope(LENGTHS, samples, minimum_length=0, seed=seed).slope_error for seed in range(40)]
    assert np.std(errors) / np.mean(errors) == pytest.approx(1 / np.sqrt(2000), rel=0, abs=0.008)


@pytest.mark.parametrize("count", [2, 4])
def test_limit_errors_of_few_configurations_are_not_too_small(count):
    # Mean squares of 600 sets: that of two configurations scatters by (2/600)^1/2, six per cent.
    middle, squares = LENGTHS - LENGTHS.mean(), []
    for seed in range(600):
        samples = np.random.default_rng([count, seed]).normal(1 + 0.01 * LENGTHS, 0.001, (count, len(LENGTHS)))
        squares.append(bulk_slope(LENGTHS, samples, minimum_length=0).slope_error ** 2)
    expected = 0.001**2 / (count * (middle**2).sum())
    assert np.mean(squares) == pytest.approx(expected, rel=0.2, abs=0)


def test_limit_error_is_infinite_if_a_resample_does_not_conduct():
    samples = np.zeros((3, 4))
    samples[0] = [1.0, 0.5, 0.3, 0.25]
    fit = bulk_slope([1, 2, 3, 4], samples, minimum_length=0, reciprocal=True)
    assert fit.slope_error == fit.intercept_error == np.inf
    assert fit.slope == pytest.approx(np.polyfit([1, 2, 3, 4], 3 / samples[0], 1)[0], rel=1e-10, abs=0)


def test_limit_walls_compare_by_identity():
    wall = wall_scattering(**WALL)
    assert wall != wall_scattering(**WALL)
    assert len({wall, wall}) == 1
