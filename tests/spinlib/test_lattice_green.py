"""`spinlib.lattice.green`: S, its derivatives and its closures against a dense inverse; invariants; every refusal."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spinlib.lattice.damping import dissipation_tensor, pumped_charge
from spinlib.lattice.green import LayeredSystem, Scattering, scattering_matrix
from spinlib.lattice.leads import Lead, cubic_lead, lead_from_cell
from spinlib.lattice.models import p_orbital_magnet
from tests.bad_input import Refusal, refusals
from tests.spinlib.lattice_routes import (
    SIGMA,
    attached,
    by_transfer,
    dagger,
    dense,
    one_spin,
    random_hermitian,
    random_sample,
    spectral,
    whole,
)

P_HOPS = np.where(np.eye(3), 1.0, -0.4)
seeds = st.integers(0, 2**32 - 1)
closures = st.sampled_from(["none", "uniform", "local"])


def frame(rng):
    """m and two directions across it."""
    q = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return q * np.sign(np.linalg.det(q))


def magnet(rng, shape=(2, 1, 5), *, m=None, twist=None, **settings):
    """A disordered magnet with spin-orbit coupling, turned along two directions, and its lead."""
    axes = frame(rng)
    m = axes[0] if m is None else m
    n_x, n_y, layers = shape
    twist = tuple(rng.uniform(0, 2 * np.pi, 2)) if twist is None else twist
    chosen = {"spin_orbit": 0.6, "exchange_splitting": 1.0, "variations": (axes[1], axes[2]), **settings}
    onsite = rng.normal(scale=0.5, size=(layers, n_x * n_y))
    sample = p_orbital_magnet(shape, m, onsite=onsite, twist=twist, **chosen)
    return sample, cubic_lead(0.3, (n_x, n_y), P_HOPS, twist=twist)


def any_wire(rng, n, energy):
    """A lead of random cells at this energy: the whole spectrum is shifted there."""
    cell, v = random_hermitian(rng, n), rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
    wave = np.exp(1j * rng.uniform(-np.pi, np.pi))
    bands = np.linalg.eigvalsh(cell + wave * v + dagger(wave * v))
    return cell + (energy - rng.choice(bands)) * np.eye(n), v


def any_leads(rng, n, energy=0.2):
    made = []
    for side in ("left", "right"):
        cell, v = any_wire(rng, n, energy)
        try:
            made.append(lead_from_cell(energy, cell, v, side=side))
        except ValueError as error:
            assume("edge" not in str(error))
            raise
    return made


def off(a, b):
    return np.abs(np.asarray(a) - np.asarray(b)).max(initial=0.0)


def check_alike(a, b):
    """S and dS of two runs agree, matrix by matrix."""
    assert off(a.matrix, b.matrix) < 1e-10
    assert off(a.derivatives, b.derivatives) < 1e-9 * max(1.0, np.abs(a.derivatives).max())


# --- S and its derivatives --------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(seed=seeds, n=st.integers(1, 4), layers=st.integers(1, 6), parameters=st.integers(0, 3))
def test_invariant_any_hamiltonian_equals_the_dense_inverse(seed, n, layers, parameters):
    rng = np.random.default_rng(seed)
    sample = random_sample(rng, layers, n, parameters)
    left, right = any_leads(rng, n)
    s, ds, green = dense(sample, left, right)
    assume(np.abs(green).max() < 1e3)  # a state that hardly couples
    run = scattering_matrix(sample, left, right)
    scale = max(1.0, np.abs(ds).max(initial=0.0))
    assert off(run.matrix, s) < 1e-9
    assert off(run.derivatives, ds) < 1e-9 * scale
    assert run.derivatives.shape == (parameters, *s.shape)
    assert run.n_left == left.n_modes
    size = len(s)
    assert off(run.matrix.conj().T @ run.matrix, np.eye(size)) < 1e-9
    for d in run.derivatives:
        skew = run.matrix.conj().T @ d
        assert off(skew, -dagger(skew)) < 1e-12 * scale
    # One sweep, in any order, equals runs of their own.
    lengths = rng.permutation(np.arange(1, layers + 1))
    swept = scattering_matrix(sample, left, right, lengths=lengths)
    assert list(swept) == lengths.tolist()
    for each in lengths:
        first = replace(
            sample,
            onsite=sample.onsite[:each],
            coupling=sample.coupling[: each - 1],
            perturbations=tuple(p[:each] for p in sample.perturbations),
        )
        s, ds, green = dense(first, left, right)
        if np.abs(green).max() < 1e3:
            assert off(swept[each].matrix, s) < 1e-9
            assert off(swept[each].derivatives, ds) < 1e-9 * max(1.0, np.abs(ds).max(initial=0.0))


@pytest.mark.parametrize("seed", range(3))
def test_limit_product_of_transfer_matrices(seed):
    # No Green's function at all: psi of a layer from those of the two before.
    rng = np.random.default_rng(seed)
    sample, lead = magnet(rng, (1, 2, 4))
    assert off(scattering_matrix(sample, lead, lead).matrix, by_transfer(sample, lead, lead)) < 1e-10
    sample = random_sample(rng, 5, 3)
    left, right = any_leads(rng, 3)
    assert off(scattering_matrix(sample, left, right).matrix, by_transfer(sample, left, right)) < 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_limit_central_differences(seed):
    # Truncation and rounding meet at h = 1e-5: 1e-9, as long as no resonance is near.
    rng = np.random.default_rng(seed)
    m, e, _ = frame(rng)
    eps = rng.normal(scale=0.5, size=(6, 2))
    chosen = {"onsite": eps, "spin_orbit": 0.6, "twist": (0.3, 1.4)}
    lead = cubic_lead(0.3, (2, 1), P_HOPS, twist=(0.3, 1.4))

    def turned(angle):
        direction = np.cos(angle) * m + np.sin(angle) * e
        return scattering_matrix(p_orbital_magnet((2, 1, 6), direction, **chosen), lead, lead).matrix

    run = scattering_matrix(p_orbital_magnet((2, 1, 6), m, variations=(e,), **chosen), lead, lead)
    for step, tolerance in ((1e-3, 1e-4), (1e-5, 1e-8)):
        assert off((turned(step) - turned(-step)) / (2 * step), run.derivatives[0]) < tolerance
    assert off((turned(1e-5) - turned(-1e-5)) / 2e-5, run.derivatives[0]) < 1e-8


@given(seed=seeds)
def test_invariant_spectral_functions(seed):
    rng = np.random.default_rng(seed)
    sample, lead = magnet(rng, (1, 1, 4))
    run = scattering_matrix(sample, lead, lead)
    _, changes = whole(sample)
    sigma_left, sigma_right, _ = attached(sample, lead, lead)
    green = dense(sample, lead, lead)[2]
    a = spectral(green)
    kubo = [[np.trace(a @ x @ a @ y).real for y in changes] for x in changes]
    np.testing.assert_allclose(dissipation_tensor(run), kubo, rtol=1e-9, atol=1e-10)
    widths = [1j * (sigma - dagger(sigma)) for sigma in (sigma_left, sigma_right)]
    charge = [[-np.trace(dagger(green) @ g @ green @ x).real for g in widths] for x in changes]
    assert off(pumped_charge(run), charge) < 1e-9
    assert off(pumped_charge(run).sum(axis=1), [-np.trace(a @ x).real for x in changes]) < 1e-9
    fisher_lee = np.trace(widths[0] @ green @ widths[1] @ dagger(green)).real
    assert run.conductance == pytest.approx(fisher_lee, rel=1e-10, abs=1e-12)


@given(seed=seeds)
def test_invariant_friedel_phase(seed):
    rng = np.random.default_rng(seed)
    sample, lead = magnet(rng, (1, 1, 3))
    shifted = np.eye(6)[None]
    sample = replace(sample, perturbations=(*sample.perturbations, shifted))
    run = scattering_matrix(sample, lead, lead)
    step = 1e-5
    for change, q in zip(sample.perturbations, pumped_charge(run).sum(axis=1), strict=True):
        pair = [replace(sample, onsite=sample.onsite + x * change, perturbations=()) for x in (step, -step)]
        up, down = (np.linalg.det(scattering_matrix(each, lead, lead).matrix) for each in pair)
        # A narrow resonance curves the phase; 1e-4 of the slope is what differences give.
        assert np.angle(up / down) / (2 * step) == pytest.approx(q, rel=1e-4, abs=1e-5)


def test_limit_level_shift_counts_states():
    # A clean chain: -2 pi times L/(pi sqrt(4 - E^2)) states per energy and spin.
    lead = cubic_lead(4.6, (1, 1), 1.0)
    chain = LayeredSystem(4 * np.eye(2) * np.ones((7, 1, 1)), np.ones(2), (np.eye(2)[None],))
    charge = pumped_charge(scattering_matrix(chain, lead, lead))[0]
    np.testing.assert_allclose(charge, np.full(2, -2 * 7 / np.sqrt(4 - 0.36)), rtol=1e-12)


def test_limit_delta_potential():
    # One site at U in a chain: t = 1/(1 + i U/v), v = 2 sin k, hop -1.
    for strength in (0.4, -3.0):
        lead = cubic_lead(-4 - 1.1, (1, 1), -1.0)
        sine = np.sqrt(1 - 0.55**2)
        site = LayeredSystem((strength - 4) * np.eye(2)[None], -np.ones(2))
        t = 1 / (1 + 1j * strength / (2 * sine))
        run = scattering_matrix(site, lead, lead)
        assert off(run.transmission, t * np.eye(2)) < 1e-13
        assert off(run.reflection, (t - 1) * np.eye(2)) < 1e-13
        assert off(run.transmission_left, t * np.eye(2)) < 1e-13
        assert off(run.reflection_right, (t - 1) * np.eye(2)) < 1e-13
        assert run.spin.tolist() == [1, -1, 1, -1]
        assert run.conductance == pytest.approx(2 * abs(t) ** 2, rel=1e-12, abs=0)
        assert run.shot_noise == pytest.approx(2 * abs(t * (1 - t)) ** 2, rel=1e-12, abs=0)


@pytest.mark.parametrize("spin_orbit", [0.0, 0.8])
def test_limit_clean_wire_is_reflectionless(spin_orbit):
    # Its own cell as lead: g = M exactly, and one layer more is one Bloch factor more.
    sample = p_orbital_magnet(
        (2, 1, 5), np.array([1, 2, 2]) / 3, spin_orbit=spin_orbit, exchange_splitting=0.7, twist=(0.4, 2.0)
    )
    left, right = (lead_from_cell(0.3, sample.onsite[0], sample.coupling, side=side) for side in ("left", "right"))
    runs = scattering_matrix(sample, left, right, lengths=[2, 3, 5])
    factors = []
    for run in runs.values():
        assert off(run.reflection, 0) < 1e-10
        assert off(run.reflection_right, 0) < 1e-10
        assert run.conductance == pytest.approx(left.n_modes, rel=1e-10, abs=0)
        assert abs(run.shot_noise) < 1e-9
    factors = np.linalg.eigvals(runs[3].transmission @ np.linalg.inv(runs[2].transmission))
    twice = np.linalg.eigvals(runs[5].transmission @ np.linalg.inv(runs[3].transmission))
    np.testing.assert_allclose(np.abs(factors), 1, rtol=1e-9)
    assert off(np.sort_complex((factors**2).round(7)), np.sort_complex(twice.round(7))) < 1e-6


def test_limit_clean_wire_conducts_its_number_of_modes():
    for twist in ((0.2, 0.9), (2.5, 4.0)):
        sample = p_orbital_magnet((2, 2, 4), (0, 0, 1), exchange_splitting=0.0, twist=twist)
        lead = cubic_lead(0.3, (2, 2), P_HOPS, twist=twist)
        assert scattering_matrix(sample, lead, lead).conductance == pytest.approx(lead.n_modes, rel=1e-12, abs=0)


# --- exchange and spin-orbit torque -----------------------------------------------------------------------------------


@settings(max_examples=20)
@given(seed=seeds)
def test_invariant_exchange_torque_is_a_turn_of_the_leads_and_a_spin_orbit_torque(seed):
    rng = np.random.default_rng(seed)
    axes = frame(rng)
    m, e = axes[0], axes[1]
    sample, lead = magnet(rng, (1, 2, 4), m=m, variations=(e,))
    # The leads conserve spin; S_n acts on a channel as on the orbital of its injection.
    n = np.cross(m, e)
    turn = np.einsum("i,iab->ab", n, SIGMA) / 2
    spin = np.kron(np.eye(6), turn)  # site, orbital, spin
    orbit = [np.array([[0, 0, 0], [0, 0, -1j], [0, 1j, 0]]), np.array([[0, 0, 1j], [0, 0, 0], [-1j, 0, 0]])]
    orbit.append(np.array([[0, -1j, 0], [1j, 0, 0], [0, 0, 0]]))
    coupling = 0.6 * sum(np.kron(orbit[k], SIGMA[k] / 2) for k in range(3))
    so = np.kron(np.eye(2), coupling)
    torque = 1j * (spin @ so - so @ spin)
    run = scattering_matrix(replace(sample, perturbations=(*sample.perturbations, torque[None])), lead, lead)
    channels = np.linalg.lstsq(lead.injection, spin @ lead.injection, rcond=None)[0]
    channels = np.kron(np.eye(2), channels)
    s, (exchange, spin_orbit) = run.matrix, run.derivatives
    scale = max(1.0, np.abs(run.derivatives).max())
    assert off(exchange, -1j * (channels @ s - s @ channels) + spin_orbit) < 1e-11 * scale


# --- screening --------------------------------------------------------------------------------------------------------


@given(seed=seeds)
def test_invariant_screened_charges(seed):
    rng = np.random.default_rng(seed)
    sample, lead = magnet(rng, (2, 1, 4))
    bare = pumped_charge(scattering_matrix(sample, lead, lead)).sum(axis=1)
    assume(np.abs(bare).max() > 1e-6)
    for closure in ("uniform", "local"):
        run = scattering_matrix(sample, lead, lead, screening=closure)
        assert np.abs(pumped_charge(run).sum(axis=1)).max() < 1e-12 * max(1.0, np.abs(run.derivatives).max() * 10)


@settings(max_examples=20)
@given(seed=seeds, closure=closures)
def test_invariant_screening_adds_the_potential_that_keeps_electrons(seed, closure):
    rng = np.random.default_rng(seed)
    sample, lead = magnet(rng, (1, 1, 4))
    s, _, green = dense(sample, lead, lead)
    a = spectral(green).reshape(4, 6, 4, 6)
    density = np.array([a[layer, :, layer] for layer in range(4)])
    changed = []
    for change in sample.perturbations:
        blocks = np.broadcast_to(change, sample.onsite.shape)
        moved = np.einsum("lij,lji->l", blocks, density).real
        number = np.einsum("lii->l", density).real
        shift = {"none": 0 * moved, "uniform": moved.sum() / number.sum() + 0 * moved, "local": moved / number}[closure]
        changed.append(blocks - shift[:, None, None] * np.eye(6))
    wanted = dense(replace(sample, perturbations=tuple(changed)), lead, lead)[1]
    scale = max(1.0, np.abs(wanted).max())
    run = scattering_matrix(sample, lead, lead, screening=closure)
    assert off(run.matrix, s) < 1e-10
    assert off(run.derivatives, wanted) < 1e-9 * scale
    swept = scattering_matrix(sample, lead, lead, lengths=[2, 4], screening=closure)
    assert off(swept[4].derivatives, wanted) < 1e-9 * scale
    short = scattering_matrix(first_layers(sample, 2), lead, lead, screening=closure)
    assert off(swept[2].derivatives, short.derivatives) < 1e-9 * max(1.0, np.abs(short.derivatives).max())


def first_layers(sample, layers):
    return replace(
        sample,
        onsite=sample.onsite[:layers],
        coupling=sample.coupling[: layers - 1] if sample.coupling.ndim == 3 else sample.coupling,
        perturbations=tuple(p if len(p) == 1 else p[:layers] for p in sample.perturbations),
    )


def test_limit_a_shift_of_all_levels_is_screened_away():
    rng = np.random.default_rng(3)
    sample, lead = magnet(rng, (1, 1, 4), variations=())
    sample = replace(sample, perturbations=(np.eye(6)[None],))
    for closure in ("uniform", "local"):
        assert off(scattering_matrix(sample, lead, lead, screening=closure).derivatives, 0) < 1e-11


# --- symmetries -------------------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(seed=seeds, closure=closures)
def test_invariant_onsager(seed, closure):
    # g(m, k) = g(-m, -k): the conductances of a sample and of its image under time reversal; T likewise.
    rng = np.random.default_rng(seed)
    m, e, f = frame(rng)
    onsite, twist = rng.normal(scale=0.5, size=(4, 2)), rng.uniform(0, 2 * np.pi, 2)
    runs = []
    for sign in (1, -1):
        chosen = {"spin_orbit": 0.7, "onsite": onsite, "twist": tuple(sign * twist)}
        sample = p_orbital_magnet((1, 2, 4), sign * m, variations=(sign * e, sign * f), **chosen)
        lead = cubic_lead(0.3, (1, 2), P_HOPS, twist=tuple(sign * twist))
        runs.append(scattering_matrix(sample, lead, lead, screening=closure))
    assert runs[0].conductance == pytest.approx(runs[1].conductance, rel=1e-9, abs=1e-10)
    tensors = [dissipation_tensor(run) for run in runs]
    assert off(*tensors) < 1e-8 * max(1.0, np.abs(tensors[0]).max())


def test_limit_turned_magnet_without_its_twist_conducts_differently():
    # What the law above needs: the same twist for both signs of m breaks it.
    onsite = np.random.default_rng(5).normal(scale=0.5, size=(4, 6))
    m, g = np.array([2, 1, 2]) / 3, []
    for sign, turn in ((1, 1), (-1, 1), (-1, -1)):
        twist = (0.5 * turn, 1.2 * turn)
        sample = p_orbital_magnet((2, 3, 4), sign * m, spin_orbit=0.7, onsite=onsite, twist=twist)
        lead = cubic_lead(0.3, (2, 3), P_HOPS, twist=twist)
        g.append(scattering_matrix(sample, lead, lead).conductance)
    assert abs(g[0] - g[1]) > 1e-3
    assert g[0] == pytest.approx(g[2], rel=1e-10, abs=0)


@given(seed=seeds, factor=st.floats(1e-3, 1e3))
def test_invariant_common_factor_of_all_energies(seed, factor):
    rng = np.random.default_rng(seed)
    sample, lead = magnet(rng, (1, 1, 3))
    scaled = LayeredSystem(
        factor * sample.onsite, factor * sample.coupling, tuple(factor * p for p in sample.perturbations)
    )
    other = Lead(factor * lead.energy, factor * lead.self_energy, factor**0.5 * lead.injection, lead.spin)
    a, b = scattering_matrix(sample, lead, lead), scattering_matrix(scaled, other, other)
    check_alike(a, b)


@given(seed=seeds)
def test_invariant_order_of_the_sites(seed):
    rng = np.random.default_rng(seed)
    sample, lead = magnet(rng, (3, 1, 3))
    order = (6 * rng.permutation(3)[:, None] + np.arange(6)).ravel()
    pick = np.ix_(order, order)
    other = LayeredSystem(
        np.array([h[pick] for h in sample.onsite]),
        sample.coupling[order],
        tuple(np.array([h[pick] for h in p]) for p in sample.perturbations),
    )
    moved = Lead(lead.energy, lead.self_energy[pick], lead.injection[order], lead.spin)
    a, b = scattering_matrix(sample, lead, lead), scattering_matrix(other, moved, moved)
    check_alike(a, b)


@given(seed=seeds)
def test_invariant_mode_basis_is_free(seed):
    rng = np.random.default_rng(seed)
    sample, lead = magnet(rng, (1, 1, 3))
    mix = np.linalg.qr(rng.normal(size=(lead.n_modes, lead.n_modes)))[0]
    other = Lead(lead.energy, lead.self_energy, lead.injection @ mix, np.zeros(lead.n_modes))
    a, b = scattering_matrix(sample, lead, lead), scattering_matrix(sample, other, lead)
    assert a.conductance == pytest.approx(b.conductance, rel=1e-10, abs=1e-12)
    assert a.shot_noise == pytest.approx(b.shot_noise, rel=1e-9, abs=1e-10)
    assert off(dissipation_tensor(a), dissipation_tensor(b)) < 1e-9 * max(1.0, np.abs(dissipation_tensor(a)).max())
    assert off(pumped_charge(a), pumped_charge(b)) < 1e-9 * max(1.0, np.abs(a.derivatives).max())


def test_invariant_periods_of_the_twist():
    rng = np.random.default_rng(11)
    onsite, m = rng.normal(size=(3, 4)), np.array([0.0, 0.6, 0.8])
    runs = []
    for twist in ((0.3, 1.1), (0.3 + 2 * np.pi, 1.1 - 2 * np.pi)):
        sample = p_orbital_magnet((2, 2, 3), m, onsite=onsite, spin_orbit=0.5, twist=twist)
        lead = cubic_lead(0.3, (2, 2), P_HOPS, twist=twist)
        runs.append(scattering_matrix(sample, lead, lead))
    assert off(runs[0].matrix @ runs[0].matrix.conj().T, np.eye(len(runs[0].matrix))) < 1e-12
    assert runs[0].conductance == pytest.approx(runs[1].conductance, rel=1e-11, abs=0)


@settings(max_examples=20)
@given(seed=seeds)
def test_invariant_shape_of_the_coupling_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    sample, lead = magnet(rng, (1, 1, 4))
    v = np.diag(sample.coupling)
    runs = [
        scattering_matrix(replace(sample, coupling=each), lead, lead)
        for each in (sample.coupling, v, np.broadcast_to(v, (3, 6, 6)))
    ]
    for run in runs[1:]:
        assert off(run.matrix, runs[0].matrix) < 1e-11
        assert off(run.derivatives, runs[0].derivatives) < 1e-9 * max(1.0, np.abs(runs[0].derivatives).max())


def test_limit_one_spin_of_a_lead_is_a_lead():
    lead = cubic_lead(0.3, (2, 1), P_HOPS, twist=(1.0, 0.4))
    halves = [one_spin(lead, which) for which in (0, 1)]
    assert sum(half.n_modes for half in halves) == lead.n_modes
    sample = p_orbital_magnet((2, 1, 3), (0, 0, 1), exchange_splitting=1.2, twist=(1.0, 0.4))
    total = scattering_matrix(sample, lead, lead)
    each = [
        scattering_matrix(
            LayeredSystem(sample.onsite[:, k::2, k::2], sample.coupling[k::2]), halves[k], halves[k]
        ).conductance
        for k in (0, 1)
    ]
    assert sum(each) == pytest.approx(total.conductance, rel=1e-12, abs=0)
    assert abs(each[0] - each[1]) > 0.01


def test_limit_long_samples_keep_their_digits():
    # 200 layers, far beyond what a product of transfer matrices survives; P = 0 takes another method than P = 1.
    rng = np.random.default_rng(6)
    sample, lead = magnet(rng, (3, 3, 120), variations=())
    run = scattering_matrix(sample, lead, lead)
    assert off(run.matrix.conj().T @ run.matrix, np.eye(len(run.matrix))) < 1e-11
    other = scattering_matrix(replace(sample, perturbations=(np.eye(54)[None],)), lead, lead)
    assert off(run.matrix, other.matrix) < 1e-10
    swept = scattering_matrix(sample, lead, lead, lengths=[60, 120])
    assert off(run.matrix, swept[120].matrix) < 1e-10


def test_limit_results_print_themselves():
    lead = cubic_lead(4.0, (1, 1), 1.0)
    chain = LayeredSystem(4 * np.eye(2) * np.ones((3, 1, 1)), np.ones(2), (np.eye(2)[None],))
    assert repr(chain) == "LayeredSystem(n_layers=3, n=2, perturbations=1)"
    run = scattering_matrix(chain, lead, lead)
    assert repr(run) == "Scattering(channels=2+2, parameters=1, conductance=2)"
    assert isinstance(run, Scattering)


# --- refusals and warnings --------------------------------------------------------------------------------------------

CHAIN = LayeredSystem(4 * np.eye(2) * np.ones((3, 1, 1)), np.ones(2))
LEAD = cubic_lead(4.0, (1, 1), 1.0)
Z = np.zeros((3, 2, 2))
CUT = LayeredSystem(4 * np.eye(2) * np.ones((3, 1, 1)), 0 * np.ones(2))  # a level at E, joined to nothing


def run(**changes):
    return scattering_matrix(**{"system": CHAIN, "left": LEAD, "right": LEAD, **changes})


def careless(error):
    """A lead whose W is too large by a part in 1/``error``."""
    return Lead(LEAD.energy, LEAD.self_energy, LEAD.injection * (1 + error), LEAD.spin)


@refusals(
    Refusal("onsite of two dimensions", LayeredSystem, {"onsite": np.eye(2), "coupling": np.ones(2)},
            ("onsite has shape (2, 2)", "pass square blocks, one per layer, (L, n, n)")),
    Refusal("no layer", LayeredSystem, {"onsite": np.zeros((0, 2, 2)), "coupling": np.ones(2)},
            ("onsite has shape (0, 2, 2)", "one per layer")),
    Refusal("layer that is not Hermitian", LayeredSystem, {"onsite": Z + np.eye(2, k=1), "coupling": np.ones(2)},
            ("|onsite - onsite^dagger|[0] = 1 is not 0", "pass Hermitian matrices")),
    Refusal("layer that is not finite", LayeredSystem, {"onsite": Z + np.nan, "coupling": np.ones(2)},
            ("onsite[0, 0, 0] = ", "is not finite")),
    Refusal("coupling of another number of layers", LayeredSystem, {"onsite": Z, "coupling": np.ones((3, 2, 2))},
            ("coupling has shape (3, 2, 2)", "pass <l|H|l+1> of shape (2, 2, 2), (2, 2) or (2,)")),
    Refusal("coupling of a number", LayeredSystem, {"onsite": Z, "coupling": 1.0},
            ("coupling has shape ()", "(2, 2, 2), (2, 2) or (2,)")),
    Refusal("coupling that is not finite", LayeredSystem, {"onsite": Z, "coupling": [1.0, np.inf]},
            ("coupling[1] = ", "is not finite")),
    Refusal("perturbation of another length", LayeredSystem,
            {"onsite": Z, "coupling": np.ones(2), "perturbations": (Z[:1], Z[:2])},
            ("perturbations[1] has shape (2, 2, 2)", "pass (3, 2, 2) or (1, 2, 2)")),
    Refusal("perturbation of two dimensions", LayeredSystem,
            {"onsite": Z, "coupling": np.ones(2), "perturbations": (np.eye(2),)},
            ("perturbations[0] has shape (2, 2)", "(L, n, n)")),
    Refusal("perturbation that is not Hermitian", LayeredSystem,
            {"onsite": Z, "coupling": np.ones(2), "perturbations": (1j * np.ones((1, 2, 2)),)},
            ("|perturbations[0] - perturbations[0]^dagger|", "pass Hermitian matrices")),
    Refusal("left lead of another size", run, {"left": cubic_lead(4.0, (2, 1), 1.0)},
            ("n of left = 4 is not that of the sample", "pass equal sizes")),
    Refusal("right lead of another size", run, {"right": cubic_lead(4.0, (2, 1), 1.0)},
            ("n of right = 4 is not that of the sample", "pass equal sizes")),
    Refusal("leads at different energies", run, {"right": cubic_lead(4.1, (1, 1), 1.0)},
            ("energy of right = 4.1 is not 4", "pass one E")),
    Refusal("unknown screening", run, {"screening": "perfect"},
            ("screening = 'perfect' is unknown", "'none', 'uniform', 'local'")),
    Refusal("uniform screening of nothing", run, {"screening": "uniform"},
            ("screening = 'uniform' finds no perturbation", "pass a sample with perturbations, or 'none'")),
    Refusal("local screening of nothing in a sweep", run, {"screening": "local", "lengths": [1, 2]},
            ("screening = 'local' finds no perturbation", "or 'none'")),
    Refusal("length above L", run, {"lengths": [2, 4]}, ("lengths[1] = 4 is above L", "pass at most 3")),
    Refusal("length zero", run, {"lengths": [0]}, ("lengths[0] = 0 is below 1", "pass an integer lengths[0] >= 1")),
    Refusal("length that is no integer", run, {"lengths": [1.5]}, ("lengths[0] = 1.5 is no integer", "pass")),
    Refusal("length given twice", run, {"lengths": [2, 1, 2]},
            ("lengths[2] = 2 is there twice", "pass each length once")),
    Refusal("no length", run, {"lengths": []}, ("lengths is empty", "pass at least one length, or None")),
    Refusal("length that is a number", run, {"lengths": 2}, ("lengths = 2 is no sequence", "pass [2], or None")),
    Refusal("state that the leads do not reach", run, {"system": CUT},
            ("energy = 4 meets a state", "shift the energy")),
    Refusal("state that the leads do not reach in a sweep", run, {"system": CUT, "lengths": [1, 3]},
            ("energy = 4 meets a state", "shift the energy")),
    Refusal("leads off unitarity", run, {"left": careless(4e-9), "right": careless(4e-9)},
            ("largest entry of |S^dagger S - 1| = 1.6", "is above 1e-8", "shift the energy")),
)  # fmt: skip
def test_bad_input(refusal):
    refusal.check()


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"lengths": [3]},
        {"lengths": [1, 3]},
        {"system": replace(CHAIN, perturbations=(np.eye(2)[None],))},
        {"system": replace(CHAIN, perturbations=(np.eye(2)[None],)), "lengths": [3], "screening": "local"},
    ],
    ids=["one", "one length", "sweep", "states", "local"],
)
def test_bad_input_slightly_off_unitarity_warns(arguments):
    wrong = careless(5e-10)
    with pytest.warns(RuntimeWarning, match=r"S is off unitarity by 2\.0e-09: shift the energy") as caught:
        scattering_matrix(**{"system": CHAIN, "left": wrong, "right": wrong, **arguments})
    assert {warning.filename for warning in caught} == {__file__}


# --- diagonal couplings that are not real -----------------------------------------------------------------------------


@settings(max_examples=20)
@given(seed=seeds)
def test_invariant_diagonal_coupling_with_phases(seed):
    # A gauge along the wire: <l|H|l+1> and its adjoint differ, also where only the diagonal is given.
    rng = np.random.default_rng(seed)
    hop = rng.uniform(0.5, 2.0, 3) * np.exp(2j * np.pi * rng.random(3))
    sample = replace(random_sample(rng, 4, 3), coupling=hop)
    left, right = any_leads(rng, 3)
    s, ds, green = dense(sample, left, right)
    assume(np.abs(green).max() < 1e3)  # a state that hardly couples
    for run in (scattering_matrix(sample, left, right), scattering_matrix(sample, left, right, lengths=[2, 4])[4]):
        assert off(run.matrix, s) < 1e-9
        assert off(run.derivatives, ds) < 1e-9 * max(1.0, np.abs(ds).max())


def test_invariant_blocks_make_up_the_matrix():
    rng = np.random.default_rng(2)
    s, _ = np.linalg.qr(rng.normal(size=(5, 5)) + 1j * rng.normal(size=(5, 5)))
    one = Scattering(s, np.zeros((0, 5, 5)), 2, np.zeros(5, dtype=np.int64))
    rows = [[one.reflection, one.transmission_left], [one.transmission, one.reflection_right]]
    np.testing.assert_array_equal(np.block(rows), s)
    assert one.transmission.shape == (3, 2)


@pytest.mark.parametrize("closure", ["none", "uniform", "local"])
def test_invariant_first_layers_of_a_perturbation_that_differs_by_layer(closure):
    rng = np.random.default_rng(4)
    sample = random_sample(rng, 5, 3, 2)
    left, right = any_leads(rng, 3)
    swept = scattering_matrix(sample, left, right, lengths=[2, 4], screening=closure)
    for layers, run in swept.items():
        alone = scattering_matrix(first_layers(sample, layers), left, right, screening=closure)
        assert off(run.matrix, alone.matrix) < 1e-10
        assert off(run.derivatives, alone.derivatives) < 1e-9 * np.abs(alone.derivatives).max()


def test_limit_labels_of_the_channels_are_those_of_their_leads():
    lead = cubic_lead(4.0, (1, 1), 1.0)
    mixed = Lead(4.0, lead.self_energy, lead.injection, [0, 0])
    chain = LayeredSystem(4 * np.eye(2)[None], np.ones(2))
    for left, right, labels in ((lead, mixed, [1, -1, 0, 0]), (mixed, lead, [0, 0, 1, -1])):
        assert scattering_matrix(chain, left, right).spin.tolist() == labels


def test_limit_local_screening_of_layers_that_no_state_reaches():
    # Deep in a thick barrier |psi|^2 is below the smallest number: nothing is there that could be screened.
    lead = cubic_lead(4.3, (1, 1), 1.0)
    change = (np.eye(2) + SIGMA[0])[None]
    kept = []
    for layers in (60, 300):
        thick = LayeredSystem(np.tile(np.diag([100.0, 101.0]), (layers, 1, 1)), np.ones(2), (change,))
        kept.append(scattering_matrix(thick, lead, lead, screening="local").derivatives)
    assert np.abs(kept[0]).max() > 1e-5
    assert off(*kept) < 1e-15
