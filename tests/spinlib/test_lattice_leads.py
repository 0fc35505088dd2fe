"""`spinlib.lattice.leads`: self-energies against closed forms, decimation and their own fixed point; every refusal."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spinlib.lattice.leads import Lead, cubic_lead, lead_from_cell
from spinlib.lattice.models import p_orbital_magnet
from tests.bad_input import Refusal, refusals
from tests.spinlib.lattice_routes import SIGMA, dagger, decimated, random_hermitian, square

P_HOPS = np.where(np.eye(3), 1.0, -0.4)
SIDES = ["left", "right"]
seeds = st.integers(0, 2**32 - 1)
angles = st.floats(0.0, 2 * np.pi)


def cubic_cell(shape, hopping, *, onsite=0.0, boundary="periodic", twist=(0.0, 0.0)):
    """H of a layer and <l|H|l+1>, bond by bond."""
    hops = np.atleast_2d(hopping) if np.ndim(hopping) else np.full((1, 3), float(hopping))
    (n_x, n_y), count = shape, len(hops)
    cell = np.zeros((n_x, n_y, count, n_x, n_y, count), dtype=complex)
    for o, (v_x, v_y, _) in enumerate(hops):
        for x in range(n_x):
            for y in range(n_y):
                cell[x, y, o, x, y, o] += onsite
                if x + 1 < n_x or boundary == "periodic":
                    phase = np.exp(1j * twist[0]) if x + 1 == n_x else 1.0
                    cell[x, y, o, (x + 1) % n_x, y, o] += v_x * phase
                    cell[(x + 1) % n_x, y, o, x, y, o] += v_x * np.conj(phase)
                if y + 1 < n_y or boundary == "periodic":
                    phase = np.exp(1j * twist[1]) if y + 1 == n_y else 1.0
                    cell[x, y, o, x, (y + 1) % n_y, o] += v_y * phase
                    cell[x, (y + 1) % n_y, o, x, y, o] += v_y * np.conj(phase)
    n = n_x * n_y * count
    coupling = np.tile(np.repeat(hops[:, 2], 2), n_x * n_y)
    return np.kron(cell.reshape(n, n), np.eye(2)), coupling


def away_from_edges(make, *args, **settings):
    """The lead that ``make`` returns; a draw at the edge of a band is left to another test."""
    try:
        return make(*args, **settings)
    except ValueError as error:
        assume("edge" not in str(error))
        raise


def magnetic_wire(rng, shape=(2, 1), *, spin_orbit=0.6, exchange=1.0):
    m = rng.normal(size=3)
    magnet = p_orbital_magnet(
        (*shape, 1),
        m / np.linalg.norm(m),
        spin_orbit=spin_orbit,
        exchange_splitting=exchange,
        twist=tuple(rng.uniform(0, 2 * np.pi, 2)),
    )
    return magnet.onsite[0], magnet.coupling


def random_wire(rng, n):
    """A cell, a coupling and an energy at which a band crosses, none of them with a symmetry."""
    cell = random_hermitian(rng, n)
    coupling = rng.normal(size=(n, n)) + 1j * rng.normal(size=(n, n))
    wave = np.exp(1j * rng.uniform(-np.pi, np.pi))
    bands = np.linalg.eigvalsh(cell + wave * coupling + dagger(wave * coupling))
    return float(rng.choice(bands)), cell, coupling


def check_fixed_point(lead, cell, coupling, side, tolerance=1e-9):
    """Sigma = u (E - H - Sigma)^-1 u^dagger: one more layer changes nothing. Gamma >= 0, W W^dagger = Gamma."""
    u = square(coupling)
    u = u if side == "right" else dagger(u)
    sigma = lead.self_energy
    onwards = u @ np.linalg.solve(lead.energy * np.eye(len(cell)) - cell - sigma, dagger(u))
    scale = max(1.0, np.abs(sigma).max())
    assert np.abs(onwards - sigma).max() < tolerance * scale
    gamma = 1j * (sigma - dagger(sigma))
    assert np.linalg.eigvalsh(gamma).min() > -tolerance * scale
    assert np.abs(lead.injection @ dagger(lead.injection) - gamma).max() < tolerance * scale
    assert lead.injection.shape == (len(cell), lead.n_modes)
    assert np.linalg.matrix_rank(gamma, tol=1e-7) == lead.n_modes


def open_channels(energy, cell, coupling, points=4001):
    """Modes that move to the right, counted from crossings of the bands, no eigenproblem of the lead."""
    v = square(coupling)
    k = np.linspace(-np.pi, np.pi, points)
    wave = np.exp(1j * k)[:, None, None]
    bands = np.linalg.eigvalsh(cell + wave * v + dagger(wave * v))
    return int(np.sum((bands[:-1] < energy) & (bands[1:] >= energy)))


# --- closed forms -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("energy", [-1.7, 0.0, 0.4, 1.999])
@pytest.mark.parametrize("hop", [1.0, -0.7, 2.5])
def test_limit_chain(energy, hop):
    # A transverse ring of one site adds 4 hop; Sigma = V e^{ik} with E = 2 V cos k and an outgoing wave.
    lead = cubic_lead(energy * abs(hop) + 4 * hop, (1, 1), hop)
    k = np.arccos(energy / 2 * np.sign(hop))
    k = k if -hop * np.sin(k) > 0 else -k
    np.testing.assert_allclose(lead.self_energy, hop * np.exp(1j * k) * np.eye(2), rtol=0, atol=1e-12 * abs(hop))
    velocity = 2 * abs(hop * np.sin(k))
    np.testing.assert_allclose(np.abs(lead.injection), np.sqrt(velocity) * np.eye(2), rtol=1e-12)
    assert lead.n_modes == 2
    assert lead.spin.tolist() == [1, -1]


@pytest.mark.parametrize("energy", [2.3, -5.0, 40.0])
def test_limit_closed_mode_decays(energy):
    # Two orbitals, one open: the closed one has Sigma real and |Sigma| < |V|.
    hops = np.array([[0, 0, 1.0], [0, 0, 30.0]])
    lead = cubic_lead(energy, (1, 1), hops)
    sigma = lead.self_energy[0, 0]
    assert sigma.imag == 0
    assert abs(sigma) < 1
    assert sigma.real + 1 / sigma.real == pytest.approx(energy, rel=1e-12, abs=0)
    assert lead.n_modes == 2
    assert np.all(lead.injection[:2] == 0)


@pytest.mark.parametrize("boundary", ["periodic", "open"])
@pytest.mark.parametrize("shape", [(1, 1), (2, 1), (1, 2), (2, 2), (3, 2), (4, 3)])
def test_limit_cubic_lead_is_that_of_its_bonds(shape, boundary):
    # Bond by bond and without a mode: wrap bonds add to direct ones where two sites are neighbours twice.
    chosen = {"onsite": 0.2, "boundary": boundary}
    if boundary == "periodic":
        chosen["twist"] = (0.7, -1.9)
    cell, coupling = cubic_cell(shape, P_HOPS, **chosen)
    lead = cubic_lead(0.33, shape, P_HOPS, **chosen)
    for side in SIDES:
        check_fixed_point(lead, cell, coupling, side, 1e-12)
        rough = decimated(0.33, cell, coupling, side, 1e-7)
        assert np.abs(rough - lead.self_energy).max() < 1e-5
    # A level of a layer is a band 4 |V_z| wide; index (site, orbital, spin).
    orbitals = [cell[2 * o :: 6, 2 * o :: 6] for o in range(3)]
    inside = [np.abs(0.33 - np.linalg.eigvalsh(h)) < 2 * abs(v) for h, v in zip(orbitals, P_HOPS[:, 2], strict=True)]
    assert lead.n_modes == 2 * np.sum(inside)


@settings(max_examples=40)
@given(seed=seeds, twist=st.tuples(angles, angles), energy=st.floats(-3.0, 3.0))
def test_invariant_lead_from_cell_reproduces_cubic_lead(seed, twist, energy):
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 4, 2))
    cell, coupling = cubic_cell(shape, P_HOPS, twist=twist)
    across = [np.linalg.eigvalsh(cell[2 * o :: 6, 2 * o :: 6]) for o in range(3)]
    if all(np.all(np.abs(energy - e) > 2 * abs(v)) for e, v in zip(across, P_HOPS[:, 2], strict=True)):
        with pytest.raises(ValueError, match="outside every band"):
            cubic_lead(energy, shape, P_HOPS, twist=twist)
        for side in SIDES:
            with pytest.raises(ValueError, match=r"outside every band|edge of a band"):
                lead_from_cell(energy, cell, coupling, side=side)
        return
    known = away_from_edges(cubic_lead, energy, shape, P_HOPS, twist=twist)
    widths = np.linalg.eigvalsh(1j * (known.self_energy - dagger(known.self_energy)))
    assume(not np.any((widths > 1e-12) & (widths < 1e-3)))  # the edge of a band is another test
    for side in SIDES:
        found = lead_from_cell(energy, cell, coupling, side=side)
        assert np.abs(found.self_energy - known.self_energy).max() < 1e-9
        assert found.n_modes == known.n_modes
        # The modes agree up to a unitary among modes of one spin.
        overlap = np.linalg.lstsq(known.injection, found.injection, rcond=None)[0]
        assert np.abs(dagger(overlap) @ overlap - np.eye(found.n_modes)).max() < 1e-8
        assert np.abs(overlap[known.spin[:, None] != found.spin]).max(initial=0.0) < 1e-12


@given(seed=seeds)
def test_invariant_twist_has_the_period_of_a_turn(seed):
    rng = np.random.default_rng(seed)
    twist = rng.uniform(-3, 3, 2)
    lead = cubic_lead(0.3, (2, 3), P_HOPS, twist=tuple(twist))
    turned = cubic_lead(0.3, (2, 3), P_HOPS, twist=(twist[0] + 2 * np.pi, twist[1] - 4 * np.pi))
    assert np.abs(lead.self_energy - turned.self_energy).max() < 1e-12
    assert lead.n_modes == turned.n_modes


# --- any periodic wire ------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(seed=seeds, n=st.integers(1, 5), side=st.sampled_from(SIDES))
def test_invariant_any_wire(seed, n, side):
    rng = np.random.default_rng(seed)
    energy, cell, coupling = random_wire(rng, n)
    lead = away_from_edges(lead_from_cell, energy, cell, coupling, side=side)
    widths = np.linalg.eigvalsh(1j * (lead.self_energy - dagger(lead.self_energy)))
    assume(widths[-lead.n_modes] > 1e-3)
    check_fixed_point(lead, cell, coupling, side)
    # The branch: as many electrons leave as come in, and the wire that absorbs a little has nearly this Sigma.
    assert lead.n_modes == open_channels(energy, cell, coupling)
    for imaginary in (1e-6, 1e-8):
        rough = decimated(energy, cell, coupling, side, imaginary)
        assert np.abs(rough - lead.self_energy).max() < 1e4 * imaginary * max(1, np.abs(lead.self_energy).max() ** 2)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("seed", range(5))
def test_limit_magnetic_lead_with_spin_orbit_coupling(seed, side):
    rng = np.random.default_rng(seed)
    cell, coupling = magnetic_wire(rng)
    lead = lead_from_cell(0.3, cell, coupling, side=side)
    check_fixed_point(lead, cell, coupling, side, 1e-10)
    assert np.abs(decimated(0.3, cell, coupling, side, 1e-9) - lead.self_energy).max() < 1e-5
    assert lead.n_modes == open_channels(0.3, cell, coupling)
    assert not lead.spin.any()


def test_limit_left_and_right_count_modes_alike_without_time_reversal():
    rng = np.random.default_rng(7)
    for _ in range(5):
        energy, cell, coupling = random_wire(rng, 4)
        left, right = (lead_from_cell(energy, cell, coupling, side=side) for side in SIDES)
        assert left.n_modes == right.n_modes
        # Read from the other end the wire is another wire: its mirror image has the coupling reversed.
        mirror = lead_from_cell(energy, cell, dagger(coupling), side="left")
        assert np.abs(mirror.self_energy - right.self_energy).max() < 1e-10


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("bond", [(0, 0), (0, 1)], ids=["like to like", "to the other"])
def test_limit_singular_coupling(side, bond):
    # A second orbital that hangs on the first of its layer: exact elimination, w = 1/(E - level).
    cell = np.array([[0.1, 0.5], [0.5, 0.8]])
    coupling = np.zeros((2, 2))
    coupling[bond] = 1.0
    e = 1.2
    lead = lead_from_cell(e, cell, coupling, side=side)
    check_fixed_point(lead, cell, coupling, side, 1e-12)
    wanted = np.zeros((2, 2), dtype=complex)
    if bond == (0, 0):
        x = e - 0.1 - 0.25 / (e - 0.8)
        wanted[0, 0] = (x - 1j * np.sqrt(4 - x**2)) / 2
    else:
        # A chain with the bonds 1 and 1/2 in turn. With the levels a, b of the sites in the order outwards,
        # Sigma = 1/(a - 1/4/(b - Sigma)): a quadratic, Im Sigma < 0.
        a, b = (e - 0.8, e - 0.1) if side == "right" else (e - 0.1, e - 0.8)
        p = (a * b + 1 - 0.25) / (2 * a)
        inner = 0 if side == "right" else 1
        wanted[inner, inner] = p - 1j * np.sqrt(b / a - p**2)
    assert np.abs(lead.self_energy - wanted).max() < 1e-12
    assert lead.n_modes == 1


@pytest.mark.parametrize("side", SIDES)
def test_limit_degenerate_bloch_factors(side):
    # Copies of one chain that a unitary mixes: lambda is n-fold, and LAPACK's vectors are any mixture.
    rng = np.random.default_rng(4)
    turn = np.linalg.qr(rng.normal(size=(5, 5)) + 1j * rng.normal(size=(5, 5)))[0]
    lead = lead_from_cell(0.7, np.zeros((5, 5)), turn @ np.eye(5) @ dagger(turn), side=side)
    wanted = (0.7 - 1j * np.sqrt(4 - 0.49)) / 2
    assert np.abs(lead.self_energy - wanted * np.eye(5)).max() < 1e-12
    assert lead.n_modes == 5
    # Right and left movers that share lambda: chains of opposite hopping.
    lead = lead_from_cell(0.0, np.zeros((4, 4)), turn[:4, :4] * 0 + np.diag([1.0, -1, 1, -1]), side=side)
    assert np.abs(lead.self_energy + 1j * np.eye(4)).max() < 1e-12
    assert lead.n_modes == 4


def test_limit_helix_has_the_modes_of_a_straight_chain():
    # A spin-dependent gauge: coupling exp(i phi sigma_y) is the plain hop seen in a frame that turns.
    phi = 0.4
    turn = np.cos(phi) * np.eye(2) + 1j * np.sin(phi) * SIGMA[1]
    for side in SIDES:
        lead = lead_from_cell(0.5, np.zeros((2, 2)), turn, side=side)
        np.testing.assert_allclose(lead.self_energy, (0.5 - 1j * np.sqrt(3.75)) / 2 * np.eye(2), rtol=0, atol=1e-12)
        assert not lead.spin.any()
        # About z the same turn conserves spin, and the lead says so.
        twisted = lead_from_cell(0.5, np.zeros((2, 2)), np.exp([1j * phi, -1j * phi]), side=side)
        assert twisted.spin.tolist() == [1, -1]


@pytest.mark.parametrize("side", SIDES)
def test_limit_spins_of_a_ferromagnetic_lead(side):
    magnet = p_orbital_magnet((2, 2, 1), (0, 0, 1), exchange_splitting=4.0, twist=(0.4, 1.1))
    lead = lead_from_cell(0.3, magnet.onsite[0], magnet.coupling, side=side)
    counts = []
    for label, level in ((1, -2.0), (-1, 2.0)):
        known = cubic_lead(0.3, (2, 2), P_HOPS, onsite=level, twist=(0.4, 1.1))
        half = slice(0 if label == 1 else 1, None, 2)
        assert np.abs(lead.self_energy[half, half] - known.self_energy[half, half]).max() < 1e-10
        counts.append(known.n_modes // 2)
        assert np.sum(lead.spin == label) == counts[-1]
        rows = np.arange(len(lead.self_energy)) % 2 == (0 if label == 1 else 1)
        assert np.all(lead.injection[~rows][:, lead.spin == label] == 0)
    assert counts[0] != counts[1]


@pytest.mark.parametrize("imaginary", [1e-4, 1e-6])
def test_limit_decimation_misses_by_its_imaginary_part(imaginary):
    # dSigma/dE = Sigma/(2 Sigma - x): the miss is that times i eta, exactly to first order.
    lead = cubic_lead(0.5 + 4, (1, 1), 1.0)
    rough = decimated(0.5, np.zeros((1, 1)), np.ones((1, 1)), "right", imaginary)[0, 0]
    sigma = lead.self_energy[0, 0]
    assert rough - sigma == pytest.approx(1j * imaginary * sigma / (2 * sigma - 0.5), rel=1e-3, abs=0)


def test_limit_edge_of_a_band_is_where_the_velocity_vanishes():
    # Just inside: M = 2 and a small Gamma; just outside: no mode; between: refused.
    inside = cubic_lead(6 - 1e-6, (1, 1), 1.0)
    np.testing.assert_allclose(np.abs(inside.injection[0, 0]) ** 2, np.sqrt(4 - (2 - 1e-6) ** 2), rtol=1e-6)
    closer = cubic_lead(6 - 1e-11, (1, 1), 1.0)
    np.testing.assert_allclose(np.abs(closer.injection[0, 0]) ** 2, np.sqrt(4e-11), rtol=1e-4)
    with pytest.raises(ValueError, match="outside every band"):
        cubic_lead(6 + 1e-6, (1, 1), 1.0)
    with pytest.raises(ValueError, match="edge of a band"):
        cubic_lead(6 - 1e-13, (1, 1), 1.0)


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("levels", [(0.0,), (0.0, 0.5, 1.0)], ids=["one band", "among others"])
def test_limit_cell_close_to_an_edge_is_refused_or_right(levels, side):
    # Two waves merge at an edge. Their span looks like two waves of one factor with velocities of either sign.
    rng, levels = np.random.default_rng(1), np.array(levels)
    refused = []
    for off in 10.0 ** np.arange(-15, -3):
        turn = np.linalg.qr(rng.normal(size=(len(levels), len(levels))))[0]
        x = 2 - off - levels
        wanted = turn @ np.diag((x - 1j * np.sqrt(4 - x**2)) / 2) @ turn.T
        try:
            lead = lead_from_cell(2 - off, turn @ np.diag(levels) @ turn.T, np.eye(len(levels)), side=side)
        except ValueError as error:
            refused.append((off, str(error)))
            continue
        assert lead.n_modes == len(levels)
        assert np.abs(lead.self_energy - wanted).max() < 1e-9
    assert [off for off, _ in refused if off < 1e-12] == list(10.0 ** np.arange(-15, -12))
    assert max(off for off, _ in refused) < 1e-9
    assert all("energy = 2 is at the edge of a band: shift it" in said for _, said in refused)


@given(scale=st.floats(1e-3, 1e3), seed=seeds)
def test_invariant_common_factor_of_all_energies(scale, seed):
    rng = np.random.default_rng(seed)
    cell, coupling = magnetic_wire(rng)
    lead = lead_from_cell(0.3, cell, coupling, side="right")
    other = lead_from_cell(0.3 * scale, scale * cell, scale * coupling, side="right")
    assert other.n_modes == lead.n_modes
    assert np.abs(other.self_energy / scale - lead.self_energy).max() < 1e-8
    cubic = cubic_lead(0.3 * scale, (2, 2), scale * P_HOPS, twist=(1.0, 2.0))
    known = cubic_lead(0.3, (2, 2), P_HOPS, twist=(1.0, 2.0))
    assert np.abs(cubic.self_energy / scale - known.self_energy).max() < 1e-12


def test_limit_a_lead_prints_itself():
    assert repr(cubic_lead(0.3, (2, 1), 1.0)) == "Lead(energy=0.3, n=4, n_modes=2)"


# --- refusals ---------------------------------------------------------------------------------------------------------

ONE = np.ones((1, 1))


@refusals(
    Refusal("energy above the bands", cubic_lead, {"energy": 9.0, "shape": (1, 1), "hopping": 1.0},
            ("energy = 9 is outside every band", "between 2 and 6")),
    Refusal("energy in a gap of one orbital", cubic_lead,
            {"energy": 5.0, "shape": (1, 1), "hopping": [[0, 0, 1.0]], "onsite": 1.0},
            ("energy = 5 is outside every band", "between -1 and 3")),
    Refusal("energy at a band edge", cubic_lead, {"energy": 2.0, "shape": (1, 1), "hopping": [[0, 0, 1.0]]},
            ("energy = 2 is at the edge of a band", "shift it, or change the twist")),
    Refusal("energy that is no number", cubic_lead, {"energy": float("nan"), "shape": (1, 1), "hopping": 1.0},
            ("energy = nan", "pass one finite number")),
    Refusal("shape of three numbers", cubic_lead, {"energy": 0.0, "shape": (1, 1, 1), "hopping": 1.0},
            ("shape = (1, 1, 1)", "pass (n_x, n_y)")),
    Refusal("shape of one number", cubic_lead, {"energy": 0.0, "shape": 3, "hopping": 1.0},
            ("shape = 3 has not two entries", "pass (n_x, n_y)")),
    Refusal("shape below one", cubic_lead, {"energy": 0.0, "shape": (0, 1), "hopping": 1.0},
            ("shape[0] = 0 is below 1", "pass an integer shape[0] >= 1")),
    Refusal("shape that is no integer", cubic_lead, {"energy": 0.0, "shape": (1, 2.0), "hopping": 1.0},
            ("shape[1] = 2.0 is no integer", "pass an integer shape[1] >= 1")),
    Refusal("hopping of another shape", cubic_lead, {"energy": 0.0, "shape": (1, 1), "hopping": [1.0, 1.0, 1.0]},
            ("hopping has shape (3,)", "pass a number, or (V_x, V_y, V_z) per orbital")),
    Refusal("no hopping along the wire", cubic_lead, {"energy": 0.0, "shape": (1, 1), "hopping": [[1.0, 1.0, 0.0]]},
            ("hopping[:, 2][0] = 0 joins no layers", "pass V_z other than 0")),
    Refusal("unknown boundary", cubic_lead, {"energy": 0.0, "shape": (1, 1), "hopping": 1.0, "boundary": "closed"},
            ("boundary = 'closed' is unknown", "'periodic' or 'open'")),
    Refusal("twist at an open boundary", cubic_lead,
            {"energy": 0.0, "shape": (2, 2), "hopping": 1.0, "boundary": "open", "twist": (0.0, 0.1)},
            ("twist[1] = 0.1 has no meaning at an open boundary", "pass twist=(0, 0)")),
    Refusal("twist of one number", cubic_lead, {"energy": 0.0, "shape": (2, 2), "hopping": 1.0, "twist": 0.1},
            ("twist has shape ()", "pass (theta_x, theta_y) in rad")),
    Refusal("cell that is not Hermitian", lead_from_cell,
            {"energy": 0.0, "cell": [[0.0, 1.0], [0.0, 0.0]], "coupling": np.ones(2), "side": "left"},
            ("largest part of |cell - cell^dagger| = 1 is not 0", "pass Hermitian matrices")),
    Refusal("cell and coupling of two sizes", lead_from_cell,
            {"energy": 0.0, "cell": ONE, "coupling": np.ones(2), "side": "left"},
            ("cell of shape (1, 1) and coupling of shape (2,) do not agree", "pass (n, n) and (n, n) or (n,)")),
    Refusal("cell that is no matrix", lead_from_cell,
            {"energy": 0.0, "cell": np.zeros((1, 2)), "coupling": np.ones(1), "side": "left"},
            ("cell of shape (1, 2)", "pass (n, n) and (n, n) or (n,)")),
    Refusal("coupling that is not finite", lead_from_cell,
            {"energy": 0.0, "cell": ONE, "coupling": [np.inf], "side": "left"},
            ("coupling[0] = ", "is not finite", "pass (n, n) or (n,)")),
    Refusal("state at the end of the lead", lead_from_cell,
            {"energy": 0.0, "cell": [[0, 0], [0, 1]], "coupling": [[0, 0], [1, 0]], "side": "right"},
            ("energy = 0 is that of a state at the end of the lead", "shift it")),
    Refusal("unknown side", lead_from_cell, {"energy": 0.0, "cell": ONE, "coupling": ONE, "side": "top"},
            ("side = 'top' is unknown", "'left' or 'right'")),
    Refusal("energy outside the bands of a cell", lead_from_cell,
            {"energy": 4.0, "cell": ONE, "coupling": ONE, "side": "left"},
            ("energy = 4 is outside every band", "between -1 and 3")),
    Refusal("energy outside the bands of a cell with a phase", lead_from_cell,
            {"energy": 4.0, "cell": ONE, "coupling": 1j * ONE, "side": "right"},
            ("energy = 4 is outside every band", "between -1 and 3")),
    Refusal("energy at the band edge of a cell", lead_from_cell,
            {"energy": 3.0, "cell": ONE, "coupling": ONE, "side": "right"},
            ("energy = 3 is at the edge of a band", "shift it")),
    Refusal("layers that are not joined", lead_from_cell,
            {"energy": 0.5, "cell": ONE, "coupling": 0 * ONE, "side": "right"},
            ("energy = 0.5 is outside every band", "between 1 and 1")),
    Refusal("injection that is not that of Sigma", Lead,
            {"energy": 0.0, "self_energy": [[-1j]], "injection": [[1.0]], "spin": [0]},
            ("largest entry of |W W^dagger - Gamma| / largest of Gamma = 0.5 is above 1e-8", "W W^dagger")),
    Refusal("injection that is nearly that of Sigma", Lead,
            {"energy": 0.0, "self_energy": [[-1j]], "injection": [[2**0.5 * (1 + 1e-8)]], "spin": [0]},
            ("largest of Gamma = 1.99999", "e-08 is above 1e-8", "W W^dagger")),
    Refusal("advanced self-energy", Lead,
            {"energy": 0.0, "self_energy": [[1j]], "injection": [[2**0.5]], "spin": [0]},
            ("|W W^dagger - Gamma|", "pass Gamma = i(Sigma - Sigma^dagger)")),
    Refusal("injection of another size", Lead,
            {"energy": 0.0, "self_energy": [[-1j]], "injection": np.ones((2, 1)), "spin": [0]},
            ("self_energy of shape (1, 1) and injection of shape (2, 1) do not agree", "pass (n, n) and (n, M)")),
    Refusal("mode without velocity", Lead,
            {"energy": 0.0, "self_energy": [[1.0]], "injection": [[0.0]], "spin": [0]},
            ("largest entry of |W| = 0 is no mode", "pass modes that propagate")),
    Refusal("no mode", Lead, {"energy": 0.0, "self_energy": [[1.0]], "injection": np.ones((1, 0)), "spin": []},
            ("injection of shape (1, 0)", "with M >= 1")),
    Refusal("labels of another number", Lead,
            {"energy": 0.0, "self_energy": [[-1j]], "injection": [[2**0.5]], "spin": [1, -1]},
            ("spin has shape (2,)", "pass 1 labels +1, -1 or 0")),
    Refusal("label that is none", Lead,
            {"energy": 0.0, "self_energy": [[-1j]], "injection": [[2**0.5]], "spin": [2]},
            ("spin[0] = 2 is no label", "pass +1, -1 or 0")),
    Refusal("self-energy that is not finite", Lead,
            {"energy": 0.0, "self_energy": [[np.nan]], "injection": [[1.0]], "spin": [0]},
            ("self_energy[0, 0] = ", "is not finite", "pass finite numbers, (n, n)")),
)  # fmt: skip
def test_bad_input(refusal):
    refusal.check()
