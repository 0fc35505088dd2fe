"""Scattering on a lattice: functions of the page by other routes, (66), (68), (71), (74) on a lattice, its claims."""

from dataclasses import replace
from functools import cache

import mpmath
import numpy as np
import pytest
import sympy as sp
from mpmath import mpf
from scipy.linalg import block_diag

from spinlib.lattice.damping import bulk_slope, dissipation_tensor, pumped_charge
from spinlib.lattice.green import LayeredSystem, scattering_matrix
from spinlib.lattice.leads import cubic_lead, lead_from_cell
from spinlib.lattice.models import p_orbital_magnet
from tests.book.chapter_code import defined
from tests.spinlib import lattice_routes as routes
from tools.notebooks import ROOT

PAGE = ROOT / "book" / "lattice_scattering.md"
P_HOPS = np.where(np.eye(3), 1.0, -0.4)
ENERGY = 0.3


@cache
def chapter():
    """Functions of the page, with the numbers that they use."""
    names = "G G^+ W W^+ dH"
    symbols = dict(zip(("G", "Gd", "W", "Wd", "dH"), sp.symbols(names, commutative=False), strict=True))
    room = {**symbols, "energy": ENERGY, "p_hops": P_HOPS, "width": 6, "strength": 3.0, "level": 0.5}
    return defined(PAGE, room | {"lengths": list(range(4, 33, 4))})


def magnet(seed=2, layers=4, **changes):
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    axes[2] = np.cross(axes[0], axes[1])
    chosen = {"spin_orbit": 0.6, "twist": (0.3, 1.9), "variations": (axes[1], axes[2])} | changes
    onsite = rng.normal(scale=0.6, size=(layers, 2))
    sample = p_orbital_magnet((1, 2, layers), axes[0], onsite=onsite, **chosen)
    return sample, cubic_lead(ENERGY, (1, 2), P_HOPS, twist=chosen["twist"]), axes


def largest(matrix):
    return np.abs(matrix).max()


def plain(matrix):
    return np.array(matrix.tolist(), dtype=complex)


# --- the page's functions ---------------------------------------------------------------------------------------------


def test_limit_symbols_follow_the_rule_of_numbers():
    # Random matrices that obey the rule obey whatever `reduced` makes of a product; a wrong sign is not reduced to 0.
    page = chapter()
    sample, lead, _ = magnet()
    g, w, gamma, _ = page["dense"](sample, lead, lead)
    given = {"G": g, "G^+": g.conj().T, "W": w, "W^+": w.conj().T}
    assert largest(gamma[0] + gamma[1] - w @ w.conj().T) < 1e-14

    def evaluated(expression):
        total = 0
        for term in sp.Add.make_args(sp.expand(expression)):
            factor, symbols = term.args_cnc()
            product = complex(sp.Mul(*factor)) * np.linalg.multi_dot(
                [np.eye(len(g)), *(given[str(s)] for s in symbols)]
            )
            total = total + product
        return total

    G, Gd, W, Wd = (page[name] for name in ("G", "Gd", "W", "Wd"))
    for product in (G * W * Wd * Gd, Gd * W * Wd * G, Gd * W * Wd * G * W * Wd * Gd):
        reduced = page["reduced"](product)
        assert reduced != product
        assert largest(evaluated(reduced) - evaluated(product)) < 1e-9
    wrong = (-1 - sp.I * Wd * G * W) * (-1 + sp.I * Wd * G * W)
    assert page["reduced"](wrong) != 1


def test_limit_dense_matrices_of_the_page():
    sample, lead, _ = magnet()
    g, w, gamma, changes = chapter()["dense"](sample, lead, lead)
    s, _, green = routes.dense(sample, lead, lead)
    assert largest(g - green) < 1e-12
    assert largest(s + np.eye(len(s)) - 1j * w.conj().T @ green @ w) < 1e-12
    left, right, _ = routes.attached(sample, lead, lead)
    for width, sigma in zip(gamma, (left, right), strict=True):
        assert largest(width - 1j * (sigma - sigma.conj().T)) < 1e-12
    for change, whole in zip(changes, routes.whole(sample)[1], strict=True):
        assert largest(change - whole) == 0
    # A hop with a phase: <l|H|l+1> stands above the diagonal, its conjugate below.
    turned = replace(sample, coupling=sample.coupling * np.exp(1j * np.linspace(0.1, 1.2, 12)))
    assert largest(chapter()["dense"](turned, lead, lead)[0] - routes.dense(turned, lead, lead)[2]) < 1e-12


@pytest.mark.parametrize("angle", [0.0, 0.7])
def test_limit_spin_chain_of_the_page(angle):
    # The same chain as arrays for the package: field in the x-z plane, exchange -sigma.m/2, a hop that turns spins.
    def chain(turn, moved=True):
        m = np.array([np.sin(turn), 0, np.cos(turn)])
        across = np.array([np.cos(turn), 0, -np.sin(turn)])
        on, change = (-np.einsum("i,iab->ab", v, routes.SIGMA) / 2 for v in (m, across))
        hop = np.array([[-np.cos(0.4), np.sin(0.4)], [-np.sin(0.4), -np.cos(0.4)]])
        return LayeredSystem(np.array([on] * 4), hop, (change[None],))

    lead = cubic_lead(0.7, (1, 1), 1.0, onsite=-4.0)
    run = scattering_matrix(chain(0.3 + angle), lead, lead)
    with mpmath.workdps(30):
        s, slope = chapter()["spin_chain"](mpf(angle))
    assert largest(plain(s) - run.matrix) < 1e-12
    assert largest(plain(slope) - run.derivatives[0]) < 1e-12


def test_limit_strip_of_the_page():
    # In forty digits the number of layers per block does not matter; the dense inverse says the same.
    rough = np.random.default_rng(5).uniform(-1, 1, (9, 3))
    across = -np.eye(3, k=1) - np.eye(3, k=-1)
    ends = [lead_from_cell(1.5, -across, np.ones(3), side=side) for side in ("left", "right")]
    sample = LayeredSystem(rough[:, :, None] * np.eye(3) - across, np.ones(3))
    green = routes.dense(sample, *ends)[2]
    width = [end.injection @ end.injection.conj().T for end in ends]
    between = green[:3, -3:]
    conductance = np.trace(width[0] @ between @ width[1] @ between.conj().T).real
    with mpmath.workdps(40):
        found = [chapter()["strip"](rough, mpf("1.5"), every) for every in (1, 2, 4, 9)]
        assert all(max(abs(v) for v in each - found[0]) < mpf(10) ** -30 for each in found)
        defect = found[0].H * found[0] - mpmath.eye(found[0].rows)
        assert max(abs(v) for v in defect) < mpf(10) ** -30
    amplitudes = plain(found[0])
    count = ends[0].n_modes
    assert len(amplitudes) == 2 * count
    assert np.sum(np.abs(amplitudes[count:, :count]) ** 2) == pytest.approx(conductance, rel=1e-11, abs=0)


def test_limit_doubled_lead_of_the_page():
    # With digits to spare the doubling approaches the mode sum linearly in eta, and that is the lead of the package.
    page = chapter()
    with mpmath.workdps(60):
        hop = 1 + mpmath.expj(-mpf("2.6"))  # <0|H|1>, the conjugate of <1|H|0>
        known = page["mode_by_mode"](mpf("0.3"), hop)
        errors = [
            max(abs(v) for v in page["doubled_lead"](mpf("0.3"), mpf(10) ** -k, hop, doublings=120) - known)
            for k in (12, 20, 28)
        ]
        assert abs(errors[0] / errors[1] / mpf(10) ** 8 - 1) < 1e-6
        assert abs(errors[1] / errors[2] / mpf(10) ** 8 - 1) < 1e-6
    lead = cubic_lead(0.3, (2, 1), [[1.0, 0.0, 1.0]], twist=(2.6, 0.0))
    swapped = plain(known)
    assert largest(lead.self_energy[::2, ::2] - swapped) < 1e-12


def test_limit_decimation_on_the_processor_is_that_of_the_routes():
    twist = (1.0, 2.0)
    found = chapter()["doubled_by_processor"](1e-6, twist)
    pair = p_orbital_magnet((3, 3, 1), (0, 0, 1), exchange_splitting=0.0, twist=twist)
    rough = routes.decimated(ENERGY, pair.onsite[0], pair.coupling, "right", 1e-6)
    exact = cubic_lead(ENERGY, (3, 3), P_HOPS, twist=twist).self_energy
    assert found == pytest.approx(largest(rough - exact), rel=1e-4, abs=0)
    assert 1e-8 < found < 1e-5


# --- the equations on a lattice ---------------------------------------------------------------------------------------


def test_paper_BTBK_66_heat_is_kubo_friction_on_a_lattice():
    # (hbar/4 pi) Tr(dS^dagger dS) by central differences of a dense S against Tr[A dH A dH], with no S in it.
    sample, lead, _ = magnet()
    green = routes.dense(sample, lead, lead)[2]
    a = routes.spectral(green)
    for change, whole in zip(sample.perturbations, routes.whole(sample)[1], strict=True):
        kubo = np.trace(a @ whole @ a @ whole).real
        step = 1e-4
        s = [routes.dense(replace(sample, onsite=sample.onsite + x * change), lead, lead)[0] for x in (step, -step)]
        heat = np.sum(np.abs((s[0] - s[1]) / (2 * step)) ** 2)
        assert heat == pytest.approx(kubo, rel=1e-5, abs=0)
        assert kubo > 0.1


def test_paper_BTBK_68_tensor_is_symmetric_positive_and_kubo():
    sample, lead, _ = magnet(seed=4)
    a = routes.spectral(routes.dense(sample, lead, lead)[2])
    changes = routes.whole(sample)[1]
    kubo = np.array([[np.trace(a @ x @ a @ y).real for y in changes] for x in changes])
    run = scattering_matrix(sample, lead, lead)
    tensor = dissipation_tensor(run)
    np.testing.assert_allclose(tensor, kubo, rtol=1e-10)
    assert np.linalg.eigvalsh(tensor).min() > 0
    assert abs(tensor[0, 1]) > 1e-3
    parts = sum(dissipation_tensor(run, lead=side) for side in ("left", "right"))
    np.testing.assert_allclose(parts, tensor, rtol=1e-12)


def test_paper_BTBK_71_charge_is_what_the_sample_takes_up():
    # Friedel: the phase of det S counts the electrons; of each lead, those that its own states take along, by Tr[G^+
    # Gamma_alpha G dH] with the dense inverse.
    sample, lead, _ = magnet(seed=6)
    green = routes.dense(sample, lead, lead)[2]
    widths = [routes.spectral(sigma) for sigma in routes.attached(sample, lead, lead)[:2]]
    for index, change in enumerate(sample.perturbations):
        step = 1e-4
        phases = []
        for x in (step, -step):
            s = routes.dense(replace(sample, onsite=sample.onsite + x * change), lead, lead)[0]
            phases.append(np.linalg.det(s))
        friedel = np.angle(phases[0] / phases[1]) / (2 * step)
        charge = pumped_charge(scattering_matrix(sample, lead, lead))[index]
        assert charge.sum() == pytest.approx(friedel, rel=1e-5, abs=1e-8)
        moved = routes.whole(sample)[1][index]
        shares = [-np.trace(green.conj().T @ width @ green @ moved).real for width in widths]
        np.testing.assert_allclose(charge, shares, rtol=1e-9)
        assert abs(shares[0] - shares[1]) > 1e-3
    # Raise the levels: electrons leave, both numbers are negative.
    raised = replace(sample, perturbations=(np.eye(12)[None],))
    assert np.all(pumped_charge(scattering_matrix(raised, lead, lead)) < 0)


def test_paper_BTBK_74_conductance_from_the_density_matrix_of_a_bias():
    # Not Fisher and Lee: the bond current of the states that the left lead feeds, through every bond of the sample.
    sample, lead, _ = magnet(seed=8)
    green = routes.dense(sample, lead, lead)[2]
    w = routes.attached(sample, lead, lead)[2][:, : lead.n_modes]
    states = (green @ w).reshape(4, 12, -1)
    g = scattering_matrix(sample, lead, lead).conductance
    for layer, hop in enumerate(routes.couplings(sample)):
        flow = 2 * np.einsum("im,ij,jm->", states[layer].conj(), hop, states[layer + 1]).imag
        assert -flow == pytest.approx(g, rel=1e-10, abs=0)  # d|psi_l+1|^2/dt = -2 Im psi_l^+ V psi_l+1 of this bond
    assert 0 < g < lead.n_modes


def test_limit_screened_heat_is_that_of_the_shifts_of_the_page():
    # u = Tr(A dH)/Tr A and u_l = Tr(A_ll dH_l)/Tr A_ll from the dense inverse; then Tr[A dH A dH] of the rest.
    sample, lead, _ = magnet(seed=11)
    a = routes.spectral(routes.dense(sample, lead, lead)[2])
    changes = routes.whole(sample)[1]
    density = np.diagonal(a).real.reshape(4, 12).sum(axis=1)
    found = {}
    for screening in ("uniform", "local"):
        rest = []
        for change in changes:
            driven = np.array([np.trace((a @ change)[x : x + 12, x : x + 12]).real for x in range(0, 48, 12)])
            shift = driven / density if screening == "local" else np.full(4, driven.sum() / density.sum())
            rest.append(change - np.diag(np.repeat(shift, 12)))
        kubo = [[np.trace(a @ x @ a @ y).real for y in rest] for x in rest]
        run = scattering_matrix(sample, lead, lead, screening=screening)
        found[screening] = dissipation_tensor(run)
        np.testing.assert_allclose(found[screening], kubo, rtol=1e-10)
        assert largest(pumped_charge(run).sum(axis=1)) < 1e-11
    bare = dissipation_tensor(scattering_matrix(sample, lead, lead))
    assert largest(found["uniform"] - bare) > 1e-2
    assert largest(found["uniform"] - found["local"]) > 1e-2


def test_limit_shot_noise_is_the_trace():
    sample, lead, _ = magnet(seed=12)
    run = scattering_matrix(sample, lead, lead)
    t = routes.dense(sample, lead, lead)[0][lead.n_modes :, : lead.n_modes]
    open_share = t @ t.conj().T
    expected = np.trace(open_share @ (np.eye(len(t)) - open_share)).real
    assert run.shot_noise == pytest.approx(expected, rel=1e-10, abs=0)
    assert 0.1 < expected < lead.n_modes / 4


# --- what the page says -----------------------------------------------------------------------------------------------


def test_limit_exchange_torque_without_spin_orbit_coupling_belongs_to_the_leads():
    # dS_xc = -i[S_n, S], so T does not grow with the length, and the commutator bounds it: |[S_n, S]|^2 <= channels.
    m, e = np.array([1, 1, 1]) / 3**0.5, np.array([1, -1, 0]) / 2**0.5
    n = np.cross(m, e)
    spin = np.kron(np.eye(12), np.einsum("i,iab->ab", n, routes.SIGMA) / 2)
    growth = {0.0: [], 1.0: []}
    for seed in range(8):
        rng = np.random.default_rng([9, seed])
        onsite, twist = rng.normal(scale=0.4, size=(40, 4)), tuple(rng.uniform(0, 2 * np.pi, 2))
        lead = cubic_lead(ENERGY, (2, 2), P_HOPS, twist=twist)
        for xi, found in growth.items():
            sample = p_orbital_magnet((2, 2, 40), m, onsite=onsite, spin_orbit=xi, twist=twist, variations=(e,))
            runs = scattering_matrix(sample, lead, lead, lengths=[10, 40], screening="uniform")
            found.append([dissipation_tensor(run)[0, 0] / lead.n_modes for run in runs.values()])
            if xi:
                continue
            channels = np.kron(np.eye(2), np.linalg.pinv(lead.injection) @ spin @ lead.injection)
            for run in runs.values():
                assert largest(run.derivatives[0] + 1j * (channels @ run.matrix - run.matrix @ channels)) < 1e-11
    assert np.max(growth[0.0]) <= 2
    without, with_coupling = (np.diff(np.mean(growth[xi], axis=0))[0] for xi in (0.0, 1.0))
    assert abs(without) < 0.6
    assert with_coupling > 5


def test_limit_turned_part_of_the_exchange_torque_is_missed_without_spin_orbit_torque():
    # The identity of the page needs both parts: either alone misses by more than a tenth of the derivative.
    sample, lead, axes = magnet(seed=3)
    n = np.cross(axes[0], axes[1])
    spin = np.kron(np.eye(6), np.einsum("i,iab->ab", n, routes.SIGMA) / 2)
    levi = np.array([[[np.sign((j - i) * (k - i) * (k - j)) for k in range(3)] for j in range(3)] for i in range(3)])
    coupling = 0.6 * sum(np.kron(-1j * levi[k], routes.SIGMA[k] / 2) for k in range(3))
    so = np.kron(np.eye(2), coupling)
    torque = 1j * (spin @ so - so @ spin)
    _, slopes, _ = routes.dense(replace(sample, perturbations=(sample.perturbations[0], torque[None])), lead, lead)
    s = routes.dense(sample, lead, lead)[0]
    channels = np.kron(np.eye(2), np.linalg.pinv(lead.injection) @ spin @ lead.injection)
    leads = -1j * (channels @ s - s @ channels)
    exchange, spin_orbit = slopes
    assert largest(exchange - leads - spin_orbit) < 1e-11
    green = routes.dense(sample, lead, lead)[2]
    whole, inverse = np.kron(np.eye(4), spin), np.linalg.inv(green)
    commuted = green @ (whole @ inverse - inverse @ whole) @ green
    assert largest(commuted - (green @ whole - whole @ green)) < 1e-10
    assert largest(commuted) > 0.1
    assert largest(leads) > 0.1 * largest(exchange)
    assert largest(spin_orbit) > 0.1 * largest(exchange)
    assert largest(exchange - leads + spin_orbit) > 0.1 * largest(exchange)


def test_limit_transfer_matrices_lose_what_waves_grow_by():
    # The strip of the page in doubles: the product of sixty layers is lost, blocks of six are not.
    rough = np.random.default_rng(3).uniform(-1, 1, (60, 4))
    with mpmath.workdps(60):
        exact = chapter()["strip"](rough, mpf("1.5"), 60)
    errors = {}
    with mpmath.workprec(53):
        for every in (6, 20, 60):
            errors[every] = max(abs(v) for v in chapter()["strip"](rough, mpf("1.5"), every) - exact)
    assert errors[6] < 1e-12
    assert 1e-6 < errors[20] < 1e-2
    assert errors[60] > 1


@pytest.fixture(scope="module")
def wires():
    """Other samples than those of the page."""
    lengths, g, p, modes = list(range(4, 33, 4)), [], [], []
    for number in range(1000, 1060):
        sample, lead = chapter()["disordered"](number)
        runs = scattering_matrix(sample, lead, lead, lengths=lengths)
        g.append([runs[each].conductance for each in lengths])
        p.append([runs[each].shot_noise for each in lengths])
        modes.append(lead.n_modes)
    return np.array(lengths), np.array(g), np.array(p), np.mean(modes)


def test_limit_ohms_law_in_a_disordered_wire(wires):
    lengths, g, _, modes = wires
    line = bulk_slope(lengths, g, minimum_length=8, reciprocal=True)
    assert np.abs(g.mean(axis=0) * (line.intercept + line.slope * lengths) - 1).max() < 0.03
    assert abs(line.intercept - 1 / modes) < 3.5 * line.intercept_error
    assert line.intercept_error < 0.05 / modes
    assert 4.0 < 1 / modes / line.slope < 6.0


def test_limit_a_third_of_the_shot_noise(wires):
    lengths, g, p, _ = wires
    fano = p.mean(axis=0) / g.mean(axis=0)
    error = (p - fano * g).std(axis=0, ddof=1) / g.mean(axis=0) / np.sqrt(len(g))
    assert fano[0] < 0.28  # nearly ballistic
    far = lengths >= 20
    mean = np.average(fano[far], weights=error[far] ** -2)
    # Correlated lengths: the mean is about as good as one of them, 1 per cent; 600 samples of the page give 0.332(1).
    assert mean == pytest.approx(1 / 3, abs=0.012)


def test_limit_noise_of_the_law_of_open_and_closed_channels():
    nu = np.linspace(0, 40, 400001)
    chance = 1 / np.cosh(nu) ** 2
    full = np.trapezoid(chance, nu)
    assert np.trapezoid(chance * (1 - chance), nu) / full == pytest.approx(1 / 3, rel=1e-6, abs=0)


def test_limit_perturbed_layers_are_block_diagonal():
    # What the page's dense() assumes of a perturbation given once for all layers.
    sample, lead, _ = magnet()
    once = replace(sample, perturbations=(sample.perturbations[0][:1],))
    g, _, _, (change,) = chapter()["dense"](once, lead, lead)
    assert change.shape == g.shape
    assert largest(change - block_diag(*[sample.perturbations[0][0]] * 4)) == 0
