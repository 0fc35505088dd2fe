"""p-orbital magnet, binary alloy and slab against bond-by-bond sums, bands, dense inverses and transfer matrices."""

import warnings
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinlib.dynamics.walls import wall_profile
from spinlib.lattice.leads import cubic_lead, lead_from_cell
from spinlib.lattice.models import binary_alloy, p_orbital_magnet, slab_amplitudes
from spinlib.spin import PAULI
from tests.bad_input import Refusal, refusals

V_SIGMA, V_PI = 1.0, -0.4
shapes = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(1, 3))
seeds = st.integers(0, 2**32 - 1)
energies = st.floats(-3, 3)


def directions(rng, *shape):
    m = rng.normal(size=(*shape, 3))
    return m / np.linalg.norm(m, axis=-1, keepdims=True)


def across(m, rng):
    v = rng.normal(size=m.shape)
    return v - (v * m).sum(-1, keepdims=True) * m


def sample(shape, seed, *, moved=0.0, spin_orbit=0.7):
    """Arguments of a magnet with everything in it."""
    rng = np.random.default_rng(seed)
    layers, sites = shape[2], shape[0] * shape[1]
    arguments = {
        "magnetization": directions(rng, layers, sites),
        "onsite": rng.normal(size=(layers, sites)),
        "exchange_splitting": 1 + rng.random((layers, sites)),
        "spin_orbit": spin_orbit,
        "twist": tuple(rng.uniform(-4, 4, 2)),
    }
    if moved:
        arguments["displacement"] = moved * rng.normal(size=(layers, sites, 3))
    return arguments


def whole(system):
    """H of a sample as one matrix."""
    layers, n = system.onsite.shape[:2]
    h = np.zeros((layers, n, layers, n), complex)
    for layer in range(layers):
        h[layer, :, layer] = system.onsite[layer]
    for layer in range(layers - 1):
        v = system.coupling
        block = np.diag(v) if v.ndim == 1 else v[layer] if v.ndim == 3 else v
        h[layer, :, layer + 1] = block
        h[layer + 1, :, layer] = block.conj().T
    return h.reshape(layers * n, layers * n)


def slater_koster(vector, decay=2.0):
    """The two-centre integrals of p orbitals, entry by entry."""
    r = np.sqrt(sum(x * x for x in vector))
    l = [x / r for x in vector]  # noqa: E741 - direction cosines l, m, n
    block = np.zeros((3, 3))
    for a, b in product(range(3), repeat=2):
        block[a, b] = l[a] * l[b] * V_SIGMA + ((a == b) - l[a] * l[b]) * V_PI
    return block / r**decay


def bond_by_bond(shape, magnetization, onsite, exchange_splitting, spin_orbit, twist, displacement, decay=2.0):
    """H of a sample from all six neighbours of every site, each bond visited from both of its ends."""
    n_x, n_y, layers = shape
    angular = np.zeros((3, 3, 3), complex)  # (L_k)_ij = -i epsilon_kij
    for k, i, j in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        angular[k, i, j], angular[k, j, i] = -1j, 1j
    orbit = sum(np.kron(angular[k], PAULI[k] / 2) for k in range(3))
    sites = [(layer, x, y) for layer in range(layers) for x in range(n_x) for y in range(n_y)]
    where = {site: 6 * k for k, site in enumerate(sites)}
    h = np.zeros((6 * len(sites), 6 * len(sites)), complex)
    for layer, x, y in sites:
        i, row = x * n_y + y, where[layer, x, y]
        spin = sum(magnetization[layer, i, k] * PAULI[k] for k in range(3))
        h[row : row + 6, row : row + 6] += (
            onsite[layer, i] * np.eye(6)
            - exchange_splitting[layer, i] / 2 * np.kron(np.eye(3), spin)
            + spin_orbit * orbit
        )
        for step in ((1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0), (0, 0, 1), (0, 0, -1)):
            beyond_x, to_x = divmod(x + step[0], n_x)
            beyond_y, to_y = divmod(y + step[1], n_y)
            to_layer = layer + step[2]
            if not 0 <= to_layer < layers:
                continue
            vector = np.array(step) + displacement[to_layer, to_x * n_y + to_y] - displacement[layer, i]
            phase = np.exp(1j * (beyond_x * twist[0] + beyond_y * twist[1]))
            column = where[to_layer, to_x, to_y]
            h[row : row + 6, column : column + 6] += phase * np.kron(slater_koster(vector, decay), np.eye(2))
    return h


# --- magnet: assembly -------------------------------------------------------------------------------------------------


@given(shape=shapes, seed=seeds, moved=st.sampled_from((0.0, 0.1)))
def test_invariant_magnet_is_the_sum_over_bonds(shape, seed, moved):
    arguments = sample(shape, seed, moved=moved)
    got = whole(p_orbital_magnet(shape, **arguments))
    expected = bond_by_bond(shape, **{"displacement": np.zeros((shape[2], shape[0] * shape[1], 3))} | arguments)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(got, got.conj().T, rtol=0, atol=1e-14)


def test_limit_magnet_decay_scales_a_stretched_bond():
    arguments = sample((2, 2, 3), 5, moved=0.1)
    expected = bond_by_bond((2, 2, 3), **arguments, decay=3.5)
    np.testing.assert_allclose(whole(p_orbital_magnet((2, 2, 3), **arguments, decay=3.5)), expected, rtol=0, atol=1e-12)
    # A sample stretched along z by 1/4: (5/4)^-2 = 16/25 of the ideal hops.
    stretched = np.zeros((3, 1, 3))
    stretched[:, 0, 2] = np.arange(3) / 4
    magnet = p_orbital_magnet((1, 1, 3), (0, 0, 1), displacement=stretched)
    ideal = np.diag(p_orbital_magnet((1, 1, 3), (0, 0, 1)).coupling)
    np.testing.assert_allclose(magnet.coupling, [ideal * 16 / 25] * 2, rtol=0, atol=1e-15)


@given(shape=shapes, seed=seeds)
def test_limit_magnet_without_displacement(shape, seed):
    arguments = sample(shape, seed)
    ideal = p_orbital_magnet(shape, **arguments)
    rest = p_orbital_magnet(shape, **arguments, displacement=np.zeros((shape[2], shape[0] * shape[1], 3)))
    n = 6 * shape[0] * shape[1]
    assert ideal.coupling.shape == (n,)
    assert rest.coupling.shape == (shape[2] - 1, n, n)
    np.testing.assert_array_equal(whole(rest), whole(ideal))


def test_invariant_magnet_ignores_the_translation_of_a_layer():
    arguments = sample((3, 2, 3), 1, moved=0.1)
    before = p_orbital_magnet((3, 2, 3), **arguments)
    arguments["displacement"][1] += (0.3, -0.2, 0.1)
    after = p_orbital_magnet((3, 2, 3), **arguments)
    np.testing.assert_allclose(after.onsite, before.onsite, rtol=0, atol=1e-14)
    assert np.abs(after.coupling - before.coupling).max() > 0.05  # but the bonds to the other layers turn
    arguments["displacement"][[0, 2]] += (0.3, -0.2, 0.1)
    np.testing.assert_allclose(whole(p_orbital_magnet((3, 2, 3), **arguments)), whole(before), rtol=0, atol=1e-14)


@given(shape=shapes, seed=seeds)
def test_invariant_magnet_twist_is_an_angle(shape, seed):
    arguments = sample(shape, seed, moved=0.05)
    theta = np.array(arguments.pop("twist"))
    one = p_orbital_magnet(shape, **arguments, twist=theta)
    other = p_orbital_magnet(shape, **arguments, twist=theta + np.array([2 * np.pi, -4 * np.pi]))
    np.testing.assert_allclose(other.onsite, one.onsite, rtol=0, atol=1e-13)


def test_limit_magnet_twist_of_the_wrap_bond():
    """<N_x - 1|H|0> = V exp(i theta_x); two sites have both bonds, one site 2 V cos(theta_x)."""
    theta = 0.7, -1.1
    three = p_orbital_magnet((3, 1, 1), (0, 0, 1), twist=theta).onsite[0]
    assert three[12, 0] == pytest.approx(V_SIGMA * np.exp(0.7j), abs=1e-15)
    assert three[14, 2] == pytest.approx(V_PI * np.exp(0.7j), abs=1e-15)
    two = p_orbital_magnet((1, 2, 1), (0, 0, 1), twist=theta).onsite[0]
    assert two[6, 0] == pytest.approx(V_PI * (1 + np.exp(-1.1j)), abs=1e-15)
    one = p_orbital_magnet((1, 1, 1), (0, 0, 1), exchange_splitting=0.0, twist=theta).onsite[0]
    assert one[2, 2] == pytest.approx(2 * V_PI * np.cos(0.7) + 2 * V_SIGMA * np.cos(1.1), abs=1e-15)


@given(shape=shapes, seed=seeds)
def test_invariant_magnet_mirror_that_exchanges_x_and_y(shape, seed):
    """The mirror is the inversion times C_2 about (1, -1, 0): u is polar, m axial, the spin turns by pi."""
    n_x, n_y, layers = shape
    arguments = sample(shape, seed, moved=0.1)
    order = np.arange(n_x * n_y).reshape(n_x, n_y).T.ravel()
    swap = np.array([[0, 1, 0], [1, 0, 0], [0, 0, 1.0]])
    mirrored = {
        "magnetization": -arguments["magnetization"][:, order] @ swap,
        "displacement": arguments["displacement"][:, order] @ swap,
        "onsite": arguments["onsite"][:, order],
        "exchange_splitting": arguments["exchange_splitting"][:, order],
        "twist": arguments["twist"][::-1],
        "spin_orbit": arguments["spin_orbit"],
    }
    turn = -1j * (PAULI[0] - PAULI[1]) / 2**0.5
    mirror = np.kron(np.kron(np.eye(layers), np.eye(n_x * n_y)[order]), np.kron(swap, turn))
    h = whole(p_orbital_magnet(shape, **arguments))
    got = whole(p_orbital_magnet((n_y, n_x, layers), **mirrored))
    np.testing.assert_allclose(got, mirror @ h @ mirror.conj().T, rtol=0, atol=1e-12)


# --- magnet: bands and leads ------------------------------------------------------------------------------------------


def bands(k, delta):
    """Levels of p_a at k: sum_j 2 V_aj cos k_j -+ Delta/2."""
    hops = np.where(np.eye(3), V_SIGMA, V_PI)
    return np.add.outer(2 * hops @ np.cos(k), [-delta / 2, delta / 2]).ravel()


@pytest.mark.parametrize("cell", list(product((1, 2, 3), repeat=2)))
def test_limit_magnet_folds_the_analytic_bands(cell):
    rng = np.random.default_rng(3)
    theta, k_z, m = rng.uniform(-3, 3, 2), 0.9, directions(rng)
    magnet = p_orbital_magnet((*cell, 1), m, exchange_splitting=1.3, onsite=0.2, twist=theta)
    forward = np.diag(magnet.coupling) * np.exp(1j * k_z)
    levels = np.linalg.eigvalsh(magnet.onsite[0] + forward + forward.conj().T)
    folded = [
        0.2 + bands(np.array([(theta[0] + 2 * np.pi * i) / cell[0], (theta[1] + 2 * np.pi * j) / cell[1], k_z]), 1.3)
        for i, j in product(range(cell[0]), range(cell[1]))
    ]
    np.testing.assert_allclose(levels, np.sort(np.ravel(folded)), rtol=0, atol=1e-13)


def test_limit_magnet_spin_orbit_levels_at_the_centre_of_the_zone():
    magnet = p_orbital_magnet((1, 1, 1), (0, 0, 1), exchange_splitting=0.0, spin_orbit=0.8)
    levels = np.linalg.eigvalsh(magnet.onsite[0] + 2 * np.diag(magnet.coupling))
    np.testing.assert_allclose(
        levels, 2 * (V_SIGMA + 2 * V_PI) + 0.8 * np.array([-1, -1, 0.5, 0.5, 0.5, 0.5]), atol=1e-14
    )


def closed(system, left, right):
    """S = -1 + i W^dagger G W from a dense inverse."""
    h = whole(system)
    n, size = system.onsite.shape[1], len(h)
    inverse = left.energy * np.eye(size) - h
    inverse[:n, :n] -= left.self_energy
    inverse[-n:, -n:] -= right.self_energy
    w = np.zeros((size, left.n_modes + right.n_modes), complex)
    w[:n, : left.n_modes], w[-n:, left.n_modes :] = left.injection, right.injection
    return -np.eye(w.shape[1]) + 1j * w.conj().T @ np.linalg.solve(inverse, w)


@pytest.mark.parametrize("cell", [(1, 1), (2, 1), (2, 3)])
def test_limit_magnet_without_exchange_continues_the_cubic_lead(cell):
    """Order of indices, twist and hops are those of the lead: nothing is reflected."""
    theta = (0.4, -1.3)
    lead = cubic_lead(0.3, cell, np.where(np.eye(3), V_SIGMA, V_PI), twist=theta)
    s = closed(p_orbital_magnet((*cell, 4), (0, 0, 1), exchange_splitting=0.0, twist=theta), lead, lead)
    assert lead.n_modes >= 4
    np.testing.assert_allclose(s[: lead.n_modes, : lead.n_modes], 0, rtol=0, atol=1e-12)
    np.testing.assert_allclose(s.conj().T @ s, np.eye(len(s)), rtol=0, atol=1e-12)


def test_limit_magnet_of_one_layer_is_a_magnetic_lead():
    magnet = {"spin_orbit": 0.5, "exchange_splitting": 1.5, "twist": (0.4, -1.3)}
    m = np.array([1, 1, 1]) / 3**0.5
    cell = p_orbital_magnet((2, 1, 1), m, **magnet)
    left, right = (lead_from_cell(0.3, cell.onsite[0], cell.coupling, side=side) for side in ("left", "right"))
    s = closed(p_orbital_magnet((2, 1, 3), m, **magnet), left, right)
    assert left.n_modes == right.n_modes > 0
    np.testing.assert_allclose(s[: left.n_modes, : left.n_modes], 0, rtol=0, atol=1e-11)
    np.testing.assert_allclose(s.conj().T @ s, np.eye(len(s)), rtol=0, atol=1e-11)


# --- magnet: variations -----------------------------------------------------------------------------------------------


@given(shape=shapes, seed=seeds, form=st.sampled_from(("uniform", "layer", "site")), length=st.floats(0.1, 5))
def test_invariant_perturbation_is_the_derivative_along_the_variation(shape, seed, form, length):
    """H is linear in m: between m cos h +- e sin h, for |e| = 1, it changes by exactly 2 sin h dH/de."""
    rng = np.random.default_rng(seed)
    arguments = sample(shape, seed, moved=0.1)
    lead = {"uniform": (), "layer": (shape[2],), "site": (shape[2], shape[0] * shape[1])}[form]
    m = directions(rng, *lead)
    change = across(m, rng)
    change *= length / np.linalg.norm(change, axis=-1, keepdims=True)
    arguments.pop("magnetization")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        arguments |= {"variations": ()}
        h = 0.3
        ends = [
            whole(p_orbital_magnet(shape, m * np.cos(h) + sign * np.sin(h) * change / length, **arguments))
            for sign in (1, -1)
        ]
        if form != "uniform":
            change = np.broadcast_to(change, m.shape)
        magnet = p_orbital_magnet(shape, m, **arguments | {"variations": (change,)})
    (perturbation,) = magnet.perturbations
    got = np.zeros_like(ends[0])
    n = magnet.onsite.shape[1]
    for layer in range(shape[2]):
        block = slice(layer * n, (layer + 1) * n)
        got[block, block] = perturbation[layer]
    np.testing.assert_allclose(got, (ends[0] - ends[1]) / (2 * np.sin(h)) * length, rtol=0, atol=1e-13 * max(1, length))


def test_limit_perturbation_is_given_once_if_it_is_the_same_in_all_layers():
    x, y, z = np.eye(3)
    delta = np.full((4, 2), 1.5)
    once = p_orbital_magnet((2, 1, 4), z, exchange_splitting=1.5, variations=(x, y))
    assert [each.shape for each in once.perturbations] == [(1, 12, 12)] * 2
    np.testing.assert_array_equal(once.perturbations[1][0], np.kron(np.eye(6), -0.75 * PAULI[1]))
    for arguments in (
        {"magnetization": z, "exchange_splitting": delta},
        {"magnetization": np.tile(z, (4, 1)), "exchange_splitting": 1.5},
        {"magnetization": np.tile(z, (4, 2, 1)), "exchange_splitting": delta},
    ):
        (each,) = p_orbital_magnet((2, 1, 4), variations=[x], **arguments).perturbations
        np.testing.assert_array_equal(each, np.repeat(once.perturbations[0], 4, axis=0))


def test_limit_variation_loses_its_part_along_m_and_may_vanish():
    z = np.array([0, 0, 1.0])
    field = np.zeros((3, 1, 3))
    field[1] = (2, 0, 1e-6)
    (got,) = p_orbital_magnet((1, 1, 3), z, variations=(field,)).perturbations
    np.testing.assert_array_equal(got[[0, 2]], 0)
    np.testing.assert_array_equal(got[1], np.kron(np.eye(3), -PAULI[0]))


# --- magnet: walls ----------------------------------------------------------------------------------------------------


def wall(layers, width, center, kind="bloch"):
    m, slope = wall_profile(np.arange(layers), width=width, center=center, kind=kind)
    return p_orbital_magnet((1, 1, layers), m, variations=(slope,))


@pytest.mark.parametrize("kind", ["neel", "rotated_neel", "bloch"])
def test_limit_wall_inside_the_sample_is_silent(kind):
    """|dm/dr_w| = sech(x)/width: the 3.5 widths of the rule leave 1/cosh 3.5 = 0.0603, 3.51 leave 0.0597."""
    magnet = wall(2 * 351 + 1, 100.0, 351.0, kind)
    # -(1/2) dm.sigma has the norm |dm| sqrt(6)/2 on the six states of a site
    norm = np.linalg.norm(magnet.perturbations[0], axis=(1, 2)) * 2 / 6**0.5
    np.testing.assert_allclose(norm, 0.01 / np.cosh((np.arange(703) - 351) / 100), rtol=0, atol=1e-14)


@pytest.mark.parametrize(("center", "share"), [(20.0, 0.21), (40.0, 0.21), (11.0, 0.54)])
@pytest.mark.parametrize("kind", ["neel", "rotated_neel", "bloch"])
def test_bad_input_wall_that_sticks_out_warns_at_the_call(kind, center, share):
    assert share == pytest.approx(1 / np.cosh(min(center, 60 - center) / 9), abs=0.005)
    m, slope = wall_profile(np.arange(61), width=9.0, center=center, kind=kind)
    with pytest.warns(UserWarning, match=rf"variations\[0\] has {share} of its maximum .* 3\.5 widths") as caught:
        p_orbital_magnet((1, 1, 61), m, variations=(slope,))
    assert [each.filename for each in caught] == [__file__]


def test_bad_input_wall_at_the_limit():
    with pytest.warns(UserWarning, match=r"has 0\.06 of its maximum"):
        wall(2 * 350 + 1, 100.0, 350.0)


def test_limit_only_a_texture_has_a_wall():
    """A free layer next to the lead, a helix that turns as a whole and a uniform field are no walls."""
    x, y, z = np.eye(3)
    layers = np.arange(6)
    free = np.where(layers[:, None] > 2, x, 0 * x)
    assert len(p_orbital_magnet((1, 1, 6), z, variations=(free,)).perturbations) == 1
    decaying = x * np.exp(-layers)[:, None]  # of a uniform magnet: no wall that could be outside
    assert len(p_orbital_magnet((1, 1, 6), z, variations=(decaying,)).perturbations) == 1
    helix = np.cos(layers)[:, None] * x + np.sin(layers)[:, None] * y
    turned = np.cross(z, helix)
    assert len(p_orbital_magnet((1, 1, 6), helix, variations=(turned, z)).perturbations) == 2


def test_bad_input_turn_of_a_part_of_a_texture_only_warns():
    """Constant up to one end: the free layer of a valve, three layers or one, which cannot be a wall outside."""
    x, y, z = np.eye(3)
    for first in (3, 5):
        free = np.arange(6)[:, None] >= first
        with pytest.warns(UserWarning, match="has 1 of its maximum"):
            p_orbital_magnet((1, 1, 6), np.where(free, z, y), variations=(np.where(free, x, 0 * x),))


def test_bad_input_two_layers_are_too_few_to_refuse_a_wall():
    assert len(wall(1, 2.0, 7.0).perturbations) == 1  # one layer has no wall
    with pytest.warns(UserWarning, match="has 1 of its maximum"):
        wall(2, 2.0, 0.2)


# --- alloy ------------------------------------------------------------------------------------------------------------


def test_limit_alloy_counts():
    """A binomial count stays within 5 standard deviations; neighbours do not know each other."""
    shape, sites = (20, 30, 50), 30000
    for seed, x in enumerate((0.03, 0.2, 0.5, 0.8, 0.96)):
        _, delta = binary_alloy(shape, x, exchange_splitting=1.0, majority_shift=0.0, minority_shift=1.0, seed=seed)
        assert delta.shape == (50, 600)
        is_b = delta == 2.0
        np.testing.assert_array_equal(delta[~is_b], 1.0)
        spread = np.sqrt(x * (1 - x) / sites)
        assert abs(is_b.mean() - x) < 5 * spread
        for pairs in (is_b[1:] * is_b[:-1], is_b[:, 1:] * is_b[:, :-1]):
            # var of a mean of products of neighbours: x^2 (1 - x^2) + 2 x^3 (1 - x), over the number of pairs
            error = np.sqrt((x**2 * (1 - x**2) + 2 * x**3 * (1 - x)) / pairs.size)
            assert abs(pairs.mean() - x**2) < 5 * error


def test_limit_alloy_ends():
    arguments = {"exchange_splitting": 1.0, "majority_shift": 0.1, "minority_shift": 2.0, "onsite": -0.3}
    pure = binary_alloy((2, 3, 4), 0, **arguments)
    np.testing.assert_array_equal(pure, np.array([-0.3, 1.0])[:, None, None] * np.ones((4, 6)))
    other = binary_alloy((2, 3, 4), 1, **arguments)
    np.testing.assert_allclose(other, np.array([0.75, 2.9])[:, None, None] * np.ones((4, 6)), rtol=0, atol=1e-15)


@given(seed=seeds, majority=st.floats(-3, 3), minority=st.floats(-3, 3))
def test_invariant_alloy_shifts_the_levels_of_its_sites(seed, majority, minority):
    """Without hops: the majority level of B lies by one shift above that of A, the minority level by the other."""
    eps, delta = binary_alloy(
        (2, 2, 3), 0.5, exchange_splitting=1.5, majority_shift=majority, minority_shift=minority, onsite=0.2, seed=seed
    )
    m = np.array([2, -1, 2]) / 3
    magnet = p_orbital_magnet((2, 2, 3), m, onsite=eps, exchange_splitting=delta, hopping=(0, 0))
    is_b = np.random.default_rng(seed).random((3, 4)) < 0.5
    spin = sum(m[k] * PAULI[k] for k in range(3))
    for sign, level, shift in ((1, 0.2 - 0.75, majority), (-1, 0.2 + 0.75, minority)):
        state = np.linalg.eigh(sign * spin)[1][:, 1]
        for layer, site in product(range(3), range(4)):
            block = magnet.onsite[layer, 6 * site : 6 * site + 2, 6 * site : 6 * site + 2]  # p_x
            np.testing.assert_allclose(block @ state, (level + shift * is_b[layer, site]) * state, rtol=0, atol=1e-14)


def test_limit_alloy_seeds():
    def draw(seed, layers=6):
        return binary_alloy((2, 2, layers), 0.5, exchange_splitting=0.0, majority_shift=0, minority_shift=1, seed=seed)[
            1
        ]

    np.testing.assert_array_equal(draw(7), draw(7))
    np.testing.assert_array_equal(draw(7, 9)[:6], draw(7))
    assert (draw(7) != draw(8)).any()
    rng = np.random.default_rng(7)
    first, second = draw(rng), draw(rng)
    np.testing.assert_array_equal(first, draw(7))
    assert (first != second).any()
    assert (draw(None, 40) != draw(None, 40)).any()  # equal with probability 2^-160


def test_limit_alloy_of_a_structured_host():
    host = np.arange(6.0).reshape(3, 2)
    shifts = {"majority_shift": 0.5, "minority_shift": 1.5}
    eps, delta = binary_alloy((2, 1, 3), 1.0, exchange_splitting=host, onsite=-host, **shifts)
    np.testing.assert_array_equal(eps, 1 - host)
    np.testing.assert_array_equal(delta, host + 1)


# --- slab -------------------------------------------------------------------------------------------------------------


def dense_slab(energy, transverse, d, potential, lead_potential, v):
    """S = -1 + i W^dagger G W with the retarded self-energy x/2 - i sqrt(4V^2 - x^2)/2."""
    x = energy - transverse - lead_potential
    gamma = np.sqrt(4 * v**2 - x**2)
    inverse = np.diag(np.full(d, energy - transverse - potential, complex))
    inverse -= v * (np.eye(d, k=1) + np.eye(d, k=-1))
    inverse[0, 0] -= (x - 1j * gamma) / 2
    inverse[-1, -1] -= (x - 1j * gamma) / 2
    g = np.linalg.inv(inverse)
    return -1 + 1j * gamma * g[0, 0], 1j * gamma * g[-1, 0]


@given(
    x=st.floats(-1.99, 1.99), step=st.floats(-6, 6), transverse=energies, lead=energies,
    d=st.integers(1, 30), v=st.sampled_from((-1.0, 1.0, -0.3, 2.5)),
)  # fmt: skip
def test_invariant_slab_is_the_dense_inverse(x, step, transverse, lead, d, v):
    energy = x * abs(v) + transverse + lead
    r, t, is_open = slab_amplitudes(energy, transverse, d, lead + step, lead_potential=lead, hopping=v)
    assert is_open
    expected = dense_slab(energy, transverse, d, lead + step, lead, v)
    # At the edge of the band of the slab a rounding of E grows by d^2.
    np.testing.assert_allclose((r, t), expected, rtol=0, atol=1e-12 * d)
    assert abs(r) ** 2 + abs(t) ** 2 == pytest.approx(1, abs=1e-12)
    assert (r * np.conj(t)).real == pytest.approx(0, abs=1e-12)  # r' = r, t' = t: S is unitary


@given(x=st.floats(-1.9, 1.9), step=st.floats(-5, 5), d=st.integers(1, 12))
def test_invariant_slab_is_the_transfer_matrix(x, step, d):
    """Continue t exp(ik(l - d + 1)) from the right: psi_(l-1) = (E - U_l) psi_l/V - psi_(l+1)."""
    r, t, _ = slab_amplitudes(x, 0.0, d, step)
    k = np.arccos(-x / 2)
    psi = {d - 1: t, d: t * np.exp(1j * k)}
    for site in range(d - 1, -1, -1):
        psi[site - 1] = -(x - step) * psi[site] - psi[site + 1]
    # Left of the slab psi_l = exp(ikl) + r exp(-ikl): phases refer to the first site, l = 0.
    scale = max(abs(value) for value in psi.values())
    assert psi[0] == pytest.approx(1 + r, abs=1e-11 * scale)
    assert psi[-1] == pytest.approx(np.exp(-1j * k) + r * np.exp(1j * k), abs=1e-11 * scale)


@given(x=st.floats(-1.999, 1.999), step=st.floats(-6, 6), d=st.integers(1, 50))
def test_invariant_slab_gauge_that_turns_the_hop(x, step, d):
    """psi_l -> (-1)^l psi_l makes V -> -V: r stays, t changes by (-1)^(d-1)."""
    minus, plus = (slab_amplitudes(x, 0.0, d, step, hopping=v) for v in (-1.0, 1.0))
    assert plus[0] == pytest.approx(minus[0], abs=1e-12)
    assert plus[1] == pytest.approx((-1) ** (d - 1) * minus[1], abs=1e-12)


@pytest.mark.parametrize("v", [-1.0, 0.7])
@pytest.mark.parametrize("d", [1, 2, 17, 10**4])
def test_limit_slab_of_the_material_of_the_lead(d, v):
    """r = 0 and t = exp(ik(d - 1)), the way from the first to the last site; k > 0 where V < 0."""
    energy = np.linspace(-1.99, 1.99, 7) * abs(v)
    r, t, _ = slab_amplitudes(energy + 0.4, 0.1, d, 0.3, lead_potential=0.3, hopping=v)
    k = -np.sign(v) * np.arccos(energy / (2 * v))
    np.testing.assert_array_equal(r, 0)
    np.testing.assert_allclose(t, np.exp(1j * k * (d - 1)), rtol=0, atol=1e-13 * d)


def test_limit_thick_evanescent_slab_is_a_half_space():
    """r from the surface Green function of the evanescent half space; t falls as exp(-kappa d)."""
    x, step = 0.3, 3.0
    kappa = np.arccosh((x - step) / -2)
    surface = np.exp(-kappa) / -1.0  # psi_(l+1)/psi_l = exp(-kappa): G_00 = exp(-kappa)/V of the half space alone
    sigma = (x - 1j * np.sqrt(4 - x**2)) / 2
    expected = -1 + 1j * np.sqrt(4 - x**2) / (1 / surface - sigma)
    thickness = np.array([40, 400, 10**4, 10**9])
    r, t, _ = slab_amplitudes(x, 0.0, thickness, step)
    np.testing.assert_allclose(r, expected, rtol=0, atol=1e-13)
    assert abs(expected) == pytest.approx(1, abs=1e-14)
    ratio = slab_amplitudes(x, 0.0, 41, step)[1] / t[0]
    assert ratio == pytest.approx(np.exp(-kappa), abs=1e-13)
    np.testing.assert_array_equal(t[1:] == 0, [False, True, True])


def test_limit_slab_behind_a_hard_wall():
    r, t, _ = slab_amplitudes(0.0, 0.0, 3, [1e8, 1e150, -1e150])
    np.testing.assert_allclose(r, -1, rtol=0, atol=1e-7)
    np.testing.assert_allclose(t, 0, rtol=0, atol=1e-15)


@pytest.mark.parametrize("edge", [-2.0, 2.0])
@pytest.mark.parametrize("d", [1, 2, 5, 10**4])
def test_limit_slab_at_the_edge_of_its_own_band(edge, d):
    """p = -1 or 1: the determinant of a chain is linear in its length."""
    energy = 0.5
    r, t, _ = slab_amplitudes(energy, 0.0, d, energy - edge)
    z = np.exp(1j * np.arccos(-energy / 2))
    p = -edge / 2  # E - U = 2 V cos q = -2 p
    # U_d = p^d (d + 1) is the determinant of d sites, in units of V^d; D = U_d - 2 z U_(d-1) + z^2 U_(d-2).
    determinant = p**d * ((d + 1) - 2 * z * p * d + z**2 * (d - 1))
    rate = 1 / z - z  # i Gamma/V
    assert t == pytest.approx(rate / determinant, abs=1e-13)
    assert r == pytest.approx(-1 + rate * p ** (d - 1) * (d - z * p * (d - 1)) / determinant, abs=1e-13)
    near = slab_amplitudes(energy, 0.0, d, energy - edge + np.array([-1e-11, 1e-11]))
    np.testing.assert_allclose(near[0], r, rtol=0, atol=1e-10 * max(1, d))
    np.testing.assert_allclose(near[1], t, rtol=0, atol=1e-10 * max(1, d))


def test_limit_closed_channels():
    energy = np.array([-5.0, -2.0, -2 + 1e-14, -2 + 1e-11, 0.0, 2.0, 3.0])
    r, t, is_open = slab_amplitudes(energy, 0.0, 3, 0.7)
    assert is_open.tolist() == [False, False, False, True, True, False, False]
    np.testing.assert_array_equal(np.concatenate((r[~is_open], t[~is_open])), 0)
    np.testing.assert_allclose(abs(r[is_open]) ** 2 + abs(t[is_open]) ** 2, 1, rtol=0, atol=1e-9)
    # at the edge of the band of the lead the mismatch reflects everything, with r = -1
    assert r[3] == pytest.approx(-1, abs=1e-4)
    assert slab_amplitudes(0.0, 4.5, 1, 0.0)[2].item() is False


def test_invariant_slab_broadcasts():
    energy, transverse = np.linspace(-1, 1, 4)[:, None, None], np.linspace(-0.5, 0.5, 3)[:, None]
    thickness, potential = np.array([1, 5]), [[[0.3]]]
    r, t, is_open = slab_amplitudes(energy, transverse, thickness, potential, lead_potential=0.1, hopping=-1.2)
    assert r.shape == t.shape == is_open.shape == (4, 3, 2)
    one = slab_amplitudes(energy[2, 0, 0], transverse[1, 0], 5, 0.3, lead_potential=0.1, hopping=-1.2)
    assert (one[0], one[1], one[2]) == (r[2, 1, 1], t[2, 1, 1], is_open[2, 1, 1])
    shifted = slab_amplitudes(3 * energy, 3 * transverse, thickness, 0.9, lead_potential=0.3, hopping=-3.6)
    np.testing.assert_allclose(shifted[:2], (r, t), rtol=0, atol=1e-13)


# --- refusals ---------------------------------------------------------------------------------------------------------

Z = (0.0, 0.0, 1.0)


def magnet(**arguments):
    return p_orbital_magnet(**{"shape": (2, 1, 3), "magnetization": Z} | arguments)


def alloy(**arguments):
    base = {"exchange_splitting": 1.0, "majority_shift": 0.1, "minority_shift": 2.0, "seed": 0}
    return binary_alloy(**{"shape": (2, 1, 3), "concentration": 0.2} | base | arguments)


def slab(**arguments):
    return slab_amplitudes(**{"energy": 0.0, "transverse_energy": 0.0, "thickness": 2, "potential": 1.0} | arguments)


@refusals(
    Refusal("shape has three entries", magnet, {"shape": (2, 3)}, ("shape = (2, 3)", "(n_x, n_y, n_layers)")),
    Refusal("shape is a tuple", magnet, {"shape": 3}, ("shape = 3", "(n_x, n_y, n_layers)")),
    Refusal("sites along x at least 1", magnet, {"shape": (0, 1, 3)}, ("shape[0] = 0", "shape[0] >= 1")),
    Refusal("sites are integers", magnet, {"shape": (2, 1.5, 3)}, ("shape[1] = 1.5", "integer shape[1] >= 1")),
    Refusal("layers at least 1", magnet, {"shape": (2, 1, 0)}, ("shape[2] = 0", "shape[2] >= 1")),
    Refusal("m of length 1", magnet, {"magnetization": (0, 0, 1.1)}, ("length of magnetization = 1.1", "1e-6")),
    Refusal("m by layer", magnet, {"magnetization": [Z] * 2},
            ("magnetization has shape (2, 3)", "(3,), (3, 3) or (3, 2, 3)")),
    Refusal("m by site", magnet, {"magnetization": [[Z]] * 3},
            ("magnetization has shape (3, 1, 3)", "(3,), (3, 3) or (3, 2, 3)")),
    Refusal("onsite by site", magnet, {"onsite": np.zeros(3)}, ("onsite has shape (3,)", "one number", "(3, 2)")),
    Refusal("onsite finite", magnet, {"onsite": np.nan}, ("onsite = nan", "finite")),
    Refusal("splitting by site", magnet, {"exchange_splitting": np.ones((2, 3))},
            ("exchange_splitting has shape (2, 3)", "one number", "(3, 2)")),
    Refusal("splitting real", magnet, {"exchange_splitting": 1j}, ("exchange_splitting = 1j", "finite numbers")),
    Refusal("spin-orbit is one number", magnet, {"spin_orbit": [1.0, 2.0]},
            ("spin_orbit has shape (2,)", "one number")),
    Refusal("two hops", magnet, {"hopping": 1.0}, ("hopping has shape ()", "(V_sigma, V_pi)")),
    Refusal("decay not negative", magnet, {"decay": -2.0}, ("decay = -2", "at least 0")),
    Refusal("two twists", magnet, {"twist": (1.0,)}, ("twist has shape (1,)", "(theta_x, theta_y)")),
    Refusal("displacement by site", magnet, {"displacement": np.zeros((3, 3))},
            ("displacement has shape (3, 3)", "(3, 2, 3)", "lattice constants")),
    Refusal("displacement finite", magnet, {"displacement": np.full((3, 2, 3), np.inf)},
            ("displacement[0, 0, 0] = inf", "(3, 2, 3)")),
    Refusal("atoms apart", magnet, {"displacement": [[(0, 0, 0), (-1, 0, 0)]] * 3},
            ("length of a bond in displacement[0, 0, 0] = 0", "0.01", "smaller displacements")),
    Refusal("layers apart", magnet, {"displacement": [[(0, 0, 1)] * 2, [(0, 0, 0)] * 2, [(0, 0, 0)] * 2]},
            ("length of a bond in displacement", "smaller displacements")),
    Refusal("variations in a tuple", magnet, {"variations": np.eye(3)[:2]},
            ("variations = ndarray", "tuple or list", "(field,)")),
    Refusal("variation of vectors", magnet, {"variations": (1.0,)}, ("variations[0] has shape ()", "vectors")),
    Refusal("variation by layer", magnet, {"variations": ((1, 0, 0), [(1, 0, 0)] * 2)},
            ("variations[1] has shape (2, 3)", "(3,), (3, 3) or (3, 2, 3)")),
    Refusal("variation across m", magnet, {"variations": ((1, 0, 0), (1, 0, 1e-5))},
            ("magnetization . variations[1] / |variations[1]|[0, 0] = 1e-05", "perpendicular to magnetization")),
    Refusal("wall right of the sample", wall, {"layers": 40, "width": 4.0, "center": 45.0},
            ("variations[0]", "last layer", "not inside the sample", "3.5 widths")),
    Refusal("wall left of the sample", wall, {"layers": 40, "width": 4.0, "center": -6.0, "kind": "neel"},
            ("variations[0]", "first layer", "not inside the sample", "3.5 widths")),
    Refusal("wall in the first layer", wall, {"layers": 3, "width": 4.0, "center": 0.0, "kind": "rotated_neel"},
            ("variations[0]", "first layer", "not inside the sample", "3.5 widths")),
    Refusal("wall so far that its slope is 1e-200", wall, {"layers": 9, "width": 1.0, "center": 470.0},
            ("variations[0]", "last layer", "not inside the sample", "3.5 widths")),
)  # fmt: skip
def test_bad_input_magnet(refusal):
    refusal.check()


@refusals(
    Refusal("concentration from 0", alloy, {"concentration": -0.1},
            ("concentration = -0.1", "0 <= concentration <= 1")),
    Refusal("concentration to 1", alloy, {"concentration": 1.1},
            ("concentration = 1.1", "0 <= concentration <= 1")),
    Refusal("concentration is a number", alloy, {"concentration": [0.1]},
            ("concentration has shape (1,)", "one number")),
    Refusal("shape of three", alloy, {"shape": (2, 3)}, ("shape = (2, 3)", "(n_x, n_y, n_layers)")),
    Refusal("splitting by site", alloy, {"exchange_splitting": np.ones(2)}, ("exchange_splitting has shape", "(3, 2)")),
    Refusal("onsite finite", alloy, {"onsite": np.inf}, ("onsite = inf", "finite")),
    Refusal("majority shift finite", alloy, {"majority_shift": np.nan}, ("majority_shift = nan", "finite number")),
    Refusal("minority shift finite", alloy, {"minority_shift": None}, ("minority_shift = None", "finite number")),
    Refusal("seed", alloy, {"seed": 1.5}, ("seed = 1.5", "integer >= 0")),
)  # fmt: skip
def test_bad_input_alloy(refusal):
    refusal.check()


@refusals(
    Refusal("energy finite", slab, {"energy": np.nan}, ("energy = nan", "finite")),
    Refusal("transverse energy real", slab, {"transverse_energy": 1j}, ("transverse_energy = 1j", "finite")),
    Refusal("potential finite", slab, {"potential": [0, np.inf]}, ("potential[1] = inf", "finite")),
    Refusal("lead potential finite", slab, {"lead_potential": np.nan}, ("lead_potential = nan", "finite")),
    Refusal("a site at least", slab, {"thickness": [1, 0]}, ("thickness[1] = 0", "thickness >= 1")),
    Refusal("whole sites", slab, {"thickness": 1.5}, ("thickness = 1.5", "integers thickness >= 1")),
    Refusal("a hop", slab, {"hopping": 0.0}, ("hopping = 0", "not 0")),
    Refusal("shapes together", slab, {"energy": np.zeros(2), "potential": np.zeros(3)},
            ("energy of shape (2,)", "potential of shape (3,)", "do not broadcast")),
)  # fmt: skip
def test_bad_input_slab(refusal):
    refusal.check()
