"""`spinlib.lattice._transfer` against a dense inverse and block elimination, and the digits that it keeps."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinlib.lattice import _recursion, _transfer
from spinlib.lattice.green import LayeredSystem, scattering_matrix
from spinlib.lattice.leads import Lead, cubic_lead, lead_from_cell
from spinlib.lattice.models import p_orbital_magnet
from tests.spinlib.lattice_routes import SIGMA, dagger, dense

RASHBA, EXCHANGE, MOMENT = 0.3, 0.6, np.array([0.48, 0.6, 0.64])
CYCLIC = np.roll(SIGMA, -1, axis=0)  # x -> y -> z -> x: sigma_y of the strip is diagonal
seeds = st.integers(0, 2**32 - 1)


def strip(width, length, axes=CYCLIC, disorder=1.0, seed=0):
    """A magnetic strip in the yz plane with Rashba coupling alpha (sigma_y k_z - sigma_z k_y) and hops -1.

    <l|H|l+1> = -1 - (i alpha/2) sigma_y, because sin k = (e^ik - e^-ik)/2i; along y it is -1 + (i alpha/2) sigma_z.
    """
    one, shift = np.eye(2), np.eye(width, k=1)
    across = np.kron(shift, -one + 0.5j * RASHBA * axes[2])
    layer = across + dagger(across) + np.kron(np.eye(width), -EXCHANGE / 2 * np.tensordot(MOMENT, axes, 1))
    levels = np.random.default_rng(seed).uniform(-disorder / 2, disorder / 2, (length, width))
    onsite = layer + np.repeat(levels, 2, axis=1)[:, :, None] * np.eye(2 * width)
    return LayeredSystem(onsite, np.kron(np.eye(width), -one - 0.5j * RASHBA * axes[1]))


def strip_lead(width, energy=-1.7):
    return cubic_lead(energy, (1, width), -1.0, boundary="open")


def random_lead(rng, n, modes):
    """Sigma = H - i W W^dagger/2 with H Hermitian: n - ``modes`` waves decay."""
    h = rng.standard_normal((n, n)) + 1j * rng.standard_normal((n, n))
    w = rng.standard_normal((n, modes)) + 1j * rng.standard_normal((n, modes))
    return Lead(0.3, (h + dagger(h)) / 4 - 0.5j * w @ dagger(w), w, np.zeros(modes))


def eliminated(system, left, right):
    return _recursion.sweep(system, left, right, [system.n_layers], uniform=False)[system.n_layers][0]


def defect(s):
    return np.abs(dagger(s) @ s - np.eye(len(s))).max()


# --- the same S ------------------------------------------------------------------------------------------------------


@given(seeds)
@settings(max_examples=40, deadline=None)
def test_invariant_transfer_is_the_dense_inverse_for_any_layers_couplings_and_leads(seed):
    rng = np.random.default_rng(seed)
    n, layers = int(rng.integers(1, 9)), int(rng.integers(1, 9))
    h = rng.standard_normal((layers, n, n)) + 1j * rng.standard_normal((layers, n, n))
    h *= rng.random((n, n)) < 0.7
    hop = rng.uniform(0.5, 2.0, n) * np.exp(2j * np.pi * rng.random(n))
    system = LayeredSystem(h + dagger(h), hop)
    left, right = (random_lead(rng, n, int(rng.integers(1, n + 1))) for _ in range(2))
    s, exact = _transfer.matrix(system, left, right), dense(system, left, right)[0]
    # A state of the sample that hardly couples to the leads amplifies rounding in both.
    np.testing.assert_allclose(s, exact, rtol=0, atol=1e-10)
    assert defect(s) < 1e-10
    if n > 1:
        np.testing.assert_array_equal(_transfer.matrix(replace(system, coupling=np.diag(hop)), left, right), s)


@pytest.mark.parametrize(("width", "length", "energy"), [(12, 1, -1.7), (12, 7, -1.7), (16, 60, -1.7), (16, 60, -3.2)])
def test_invariant_transfer_is_block_elimination_on_a_disordered_magnetic_rashba_strip(width, length, energy):
    system, lead = strip(width, length), strip_lead(width, energy)
    s = _transfer.matrix(system, lead, lead)
    assert lead.n_modes < 2 * width  # some waves of the lead decay
    np.testing.assert_allclose(s, eliminated(system, lead, lead), rtol=0, atol=3e-12)
    assert defect(s) < 3e-12


def test_invariant_transfer_takes_leads_with_spin_orbit_coupling_and_different_numbers_of_modes():
    system, clean = strip(12, 40), strip(12, 2, disorder=0.0)
    left = lead_from_cell(-1.7, clean.onsite[0], clean.coupling, side="left")
    right = strip_lead(12)
    assert left.n_modes != right.n_modes
    s = _transfer.matrix(system, left, right)
    np.testing.assert_allclose(s, eliminated(system, left, right), rtol=0, atol=3e-12)
    assert s.shape == (left.n_modes + right.n_modes,) * 2
    # With its own layers as leads on both sides a clean strip reflects nothing.
    end = lead_from_cell(-1.7, clean.onsite[0], clean.coupling, side="right")
    clean = strip(12, 40, disorder=0.0)
    whole = _transfer.matrix(clean, left, end)
    assert np.abs(whole[: left.n_modes, : left.n_modes]).max() < 1e-10


def test_invariant_spin_axes_that_make_the_rashba_hop_diagonal_only_turn_the_spins_of_the_channels():
    plain, turned, lead = strip(10, 30, SIGMA), strip(10, 30), strip_lead(10)
    assert np.count_nonzero(turned.coupling - np.diag(np.diagonal(turned.coupling))) == 0
    turn = (np.eye(2) - 1j * SIGMA.sum(axis=0)) / 2  # by 120 degrees about (1, 1, 1)
    np.testing.assert_allclose(turn @ SIGMA @ dagger(turn), CYCLIC, atol=1e-15)
    spins = np.kron(np.eye(lead.n_modes), turn)  # of the channels (mode, spin) of both leads
    expected = spins @ eliminated(plain, lead, lead) @ dagger(spins)
    np.testing.assert_allclose(_transfer.matrix(turned, lead, lead), expected, rtol=0, atol=3e-12)


def test_invariant_transfer_is_used_for_p_orbitals_and_is_block_elimination():
    rng = np.random.default_rng(3)
    twist, hopping = (0.3, 0.7), np.where(np.eye(3), 1.0, -0.4)
    magnet = p_orbital_magnet((3, 3, 30), MOMENT, onsite=rng.uniform(-0.5, 0.5, (30, 9)), spin_orbit=1.0, twist=twist)
    lead = cubic_lead(0.3, (3, 3), hopping, twist=twist)
    assert _transfer.applies(magnet)
    run = scattering_matrix(magnet, lead, lead)
    np.testing.assert_array_equal(run.matrix, _transfer.matrix(magnet, lead, lead))
    np.testing.assert_allclose(run.matrix, eliminated(magnet, lead, lead), rtol=0, atol=3e-12)


# --- digits ----------------------------------------------------------------------------------------------------------


def error_of(layers_between, length=200):
    """Return the error of S of a clean strip if it is found anew every so many layers."""
    system, lead = strip(16, length, disorder=0.0), strip_lead(16)
    scale = np.full(32, np.hypot(1, RASHBA / 2) ** -0.5)
    turns = (np.abs(np.diagonal(system.coupling)) / np.diagonal(system.coupling)) ** np.arange(length)[:, None]
    rates = _transfer._rates(_transfer._stencil(system.onsite, -1.7, scale, turns)[2])
    growth = np.exp(rates[0] * (layers_between + 0.5))
    assert {b - a for a, b in _transfer._stretches(rates, np.log(growth))[:-1]} == {layers_between}
    return np.abs(_transfer.matrix(system, lead, lead, growth=growth) - eliminated(system, lead, lead)).max()


def test_limit_rounding_grows_with_the_fastest_wave_between_renormalisations():
    system = strip(16, 1, disorder=0.0)
    hop = np.hypot(1, RASHBA / 2)
    fastest = np.exp(np.arccosh(np.abs(np.linalg.eigvalsh(-1.7 * np.eye(32) - system.onsite[0])).max() / hop / 2))
    assert 3.5 < fastest < 3.8
    errors = {layers: error_of(layers) for layers in (6, 12, 18, 25)}
    assert errors[6] < 1e-11
    assert 1e-11 < errors[12] < 1e-8
    assert 1e-5 < errors[25] < 1
    # Per layer the error grows about as the fastest wave does.
    assert 0.8 < (errors[25] / errors[12]) ** (1 / 13) / fastest < 1.1
    for layers, error in errors.items():
        assert error < 1e3 * np.finfo(float).eps * max(fastest**layers, 100.0)


def test_limit_digits_are_lost_without_renormalisation():
    system, lead = strip(16, 60), strip_lead(16)
    exact = eliminated(system, lead, lead)
    for growth, least, most in ((1e2, 0, 1e-11), (1e4, 0, 1e-11), (1e12, 1e-9, 1e-2), (np.inf, 1, np.inf)):
        error = np.abs(_transfer.matrix(system, lead, lead, growth=growth) - exact).max()
        assert least <= error <= most, growth


@pytest.mark.parametrize("energy", [0.4, 9.0, 1e3, 1e6])
def test_limit_digits_are_kept_far_outside_the_bands_and_beside_a_strong_scatterer(energy):
    """A site of any height, or E far from the levels, ends the stretch of layers; the lead is shifted along with E."""
    rng, n = np.random.default_rng(8), 12
    lead = random_lead(rng, n, 5)
    lead = Lead(energy, lead.self_energy, lead.injection, lead.spin)
    onsite = strip(6, 20).onsite.copy()
    onsite[9, 4, 4] = onsite[9, 5, 5] = 1e5
    system = LayeredSystem(onsite, strip(6, 2).coupling)
    s = _transfer.matrix(system, lead, lead)
    np.testing.assert_allclose(s, eliminated(system, lead, lead), rtol=0, atol=1e-11)
    assert defect(s) < 1e-11


@given(st.lists(st.floats(0, 12), min_size=1, max_size=40), st.floats(1, 10))
@settings(max_examples=100)
def test_invariant_stretches_follow_one_another_and_grow_as_much_as_allowed(rates, most):
    stretches = _transfer._stretches(np.array(rates), most)
    assert [layer for first, last in stretches for layer in range(first, last)] == list(range(len(rates)))
    for k, (first, last) in enumerate(stretches):
        assert last > first
        assert last == first + 1 or sum(rates[first:last]) <= most + 1e-9
        if k:  # one more layer would have been too much
            assert sum(rates[slice(*stretches[k - 1])]) + rates[first] > most - 1e-9


# --- where it applies -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "change"),
    [
        ("it has perturbations", lambda s: replace(s, perturbations=(np.eye(32)[None],))),
        ("the coupling is not diagonal", lambda s: replace(s, coupling=np.eye(32) + np.eye(32, k=1))),
        ("it differs from layer to layer", lambda s: replace(s, coupling=np.tile(np.eye(32), (59, 1, 1)))),
        ("it has no inverse", lambda s: replace(s, coupling=np.repeat([1.0, 0.0], 16))),
        ("it is too weak on some sites", lambda s: replace(s, coupling=np.repeat([1.0, 1e-3], 16))),
        ("the layers are full", lambda s: replace(s, onsite=s.onsite + 1e-3)),
        ("waves grow too fast", lambda s: replace(s, onsite=s.onsite + 30 * np.eye(32))),
        ("the layers are small", lambda s: LayeredSystem(s.onsite[:, :20, :20] * np.eye(20), s.coupling[:20, :20])),
    ],
)
def test_invariant_transfer_is_left_alone_where(why, change):
    system = strip(16, 60)
    assert _transfer.applies(system)
    assert _transfer.applies(replace(system, coupling=np.diagonal(system.coupling)))
    assert not _transfer.applies(change(system)), why
