"""Stacks of two and four channels against a hundred digits, collocation, Kirchhoff's network and closed forms."""

from math import inf

import numpy as np
import pytest

from spinlib.diffusion import Interface, Layer, Medium, normal_ferromagnet_junction, reverse, solve_stack
from spinlib.units import e, nm
from tests.spinlib.diffusion_routes import TWELVE_AND_MORE, collocation, network, random_stack, resistors

CU, CO = Medium.valet_fert(6e-9, spin_diffusion_length=450 * nm), Medium.valet_fert(75e-9, 0.46, 59 * nm)
FACE = Interface.valet_fert(0.51e-15, gamma=0.77)
# Three channels: s_up, s_down, d_down = 1.0, 0.4, 0.25e7 S/m.
IRON = Medium.s_d(1.4e7, 3 / 7, minority_beta=3 / 13, spin_diffusion_length=20 * nm, s_d_length=3 * nm)
NORMAL = Medium.valet_fert(1 / 5e7, spin_diffusion_length=300 * nm, channels=4)


def valve(flip, spacer=10 * nm):
    """Co/Cu/Co between Cu leads."""
    magnet = Layer(CO, 6 * nm)
    layers = [Layer(CU, inf), magnet, Layer(CU, spacer), flip(magnet), Layer(CU, inf)]
    return layers, [FACE, FACE, flip(FACE), flip(FACE)]


def same(item):
    return item


RELAXING = Interface(
    [0.2e-15, 1.1e-15, 0.0, 3e-15], [[0, 2e14, 0, 0], [2e14, 0, 0, 1e14], [0, 0, 0, 0], [0, 1e14, 0, 0]]
)
STACKS = {
    "valve, parallel": valve(same),
    "valve, antiparallel": valve(reverse),
    "N|F": ([Layer(NORMAL, inf), Layer(IRON, inf)], [None]),
    "N|F|N": ([Layer(NORMAL, inf), Layer(IRON, 60 * nm), Layer(NORMAL, inf)], [None, None]),
    "F|N|F between reservoirs": (
        [Layer(NORMAL, 40 * nm), Layer(IRON, 5 * nm), Layer(NORMAL, 8 * nm), reverse(Layer(IRON, 9 * nm))],
        [Interface([1e-15, 2e-15, inf, inf]), None, Interface([0.0, 3e-15, 0.0, inf])],
    ),
    "F|F̄ with spin-memory loss, one lead": ([reverse(Layer(IRON, inf)), Layer(IRON, 12 * nm)], [RELAXING]),
}


def sampled(layers, solution, fractions=(0.0, 0.21, 0.5, 0.83, 1.0)):
    """Positions in every layer, with the (layer, distance) of ``network`` and the side that belongs to the layer."""
    for k, layer in enumerate(layers):
        left, right = solution.edges[k : k + 2]
        lengths = layer.medium.diffusion_lengths
        for fraction in fractions:
            if np.isfinite(layer.thickness):
                position = right if fraction == 1 else left + fraction * layer.thickness
                offset = layer.thickness if fraction == 1 else position - left
                yield position, (k, offset), "left" if fraction == 1 else "right"
            else:
                # A position has a rounding error: the distance is what remains of it.
                away = 3 * fraction * max(lengths, default=nm)
                position = right - away if k == 0 else left + away
                distance = right - position if k == 0 else position - left
                yield position, (k, distance), "left" if k == 0 else "right"


def compare(layers, interfaces, tolerance, current_density=1.0, of_profiles=None):
    """Every number of a solution against a hundred digits; a profile relative to its own maximum."""
    of_profiles = tolerance if of_profiles is None else of_profiles
    found = solve_stack(layers, interfaces, current_density=current_density)
    samples = list(sampled(layers, found))
    expected = network(layers, interfaces, current_density, inside=[place for _, place, _ in samples])
    np.testing.assert_allclose(found.resistance, expected.resistance, rtol=tolerance)
    np.testing.assert_allclose(found.excess_resistance, expected.excess_resistance, rtol=tolerance)
    profiles = [found.profile([position], side=side) for position, _, side in samples]
    names = {"electrochemical_potential": "potential", "affinity": "affinity", "current_density": "current"}
    for name, stored in names.items():
        ours = np.array([getattr(profile, name)[..., 0] for profile in profiles])
        theirs = np.array([getattr(expected, stored)[place] for _, place, _ in samples])
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=of_profiles * np.nanmax(np.abs(theirs)), err_msg=name)
    for profile in profiles:
        np.testing.assert_array_equal(profile.spin_accumulation, profile.affinity[0, 1])
    for (_, (k, _), _), profile in zip(samples, profiles, strict=True):
        g = layers[k].medium.relaxation
        rate = np.where(g > 0, g * profile.affinity[..., 0] / e, 0.0)
        alive = np.isfinite(profile.electrochemical_potential[:, 0])
        rate[~alive] = rate[:, ~alive] = 0.0
        np.testing.assert_allclose(profile.relaxation_rate[..., 0], rate, rtol=1e-14, atol=0)
    heat = found.dissipation()
    scale = tolerance * (np.abs(heat.joule).max() + heat.relaxation.max() + max(heat.interfaces, default=0))
    np.testing.assert_allclose(heat.joule, expected.joule, rtol=0, atol=scale)
    np.testing.assert_allclose(heat.relaxation, expected.relaxation, rtol=0, atol=scale)
    np.testing.assert_allclose(heat.interfaces, expected.interfaces, rtol=0, atol=scale)
    np.testing.assert_allclose(heat.total, current_density**2 * expected.resistance, rtol=tolerance)
    return found


# --- a hundred digits -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STACKS)
def test_limit_stack_agrees_with_a_hundred_digits(name):
    compare(*STACKS[name], tolerance=1e-12, current_density=-3e10)


@pytest.mark.parametrize("seed", range(40))
def test_limit_random_stack_over_six_decades_agrees_with_a_hundred_digits(seed):
    """Any four-channel media and interfaces between leads and reservoirs, floating channels among them."""
    compare(*random_stack(np.random.default_rng(seed)), tolerance=1e-12, of_profiles=1e-11)


def test_limit_long_random_stack_agrees_with_a_hundred_digits():
    """Sixty layers: potentials are large beside accumulations, which costs currents at interfaces some digits."""
    compare(*random_stack(np.random.default_rng(11), count=60), tolerance=1e-12, of_profiles=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_limit_random_stack_far_beyond_any_material_agrees_with_many_digits(seed):
    """Conductivities over twelve decades, rates over twenty, layers from 1 pm to 1 cm; measured: 2e-13 and 3e-10."""
    layers, interfaces = random_stack(np.random.default_rng(seed), ranges=TWELVE_AND_MORE)
    compare(layers, interfaces, tolerance=1e-11, of_profiles=1e-8)


@pytest.mark.parametrize("ratio", [1e3, 1e4, 1e5, 1e6])
@pytest.mark.parametrize("medium", [IRON, CO], ids=["four channels", "two channels"])
def test_limit_thick_layer_keeps_the_interface_term(medium, ratio):
    """A magnet of ``ratio`` decay lengths: the excess is a ratio-th part of the resistance and keeps its digits."""
    normal = NORMAL if medium is IRON else CU
    layers = [Layer(normal, inf), Layer(medium, ratio * medium.diffusion_lengths[0]), Layer(normal, inf)]
    found = compare(layers, [None, None], tolerance=1e-12)
    assert 0 < found.excess_resistance < 400 / ratio * found.resistance
    junction = solve_stack([layers[0], Layer(medium, inf)]).excess_resistance
    np.testing.assert_allclose(found.excess_resistance, 2 * junction, rtol=1e-12)


@pytest.mark.parametrize(("part", "slices"), [(2e-2, 2000), (1e-4, 2000), (1e-6, 200), (1e-8, 10)])
def test_limit_thin_layers_keep_their_relaxation(part, slices):
    """A layer of a small ``part`` of its decay length, in slices: relaxation is the square of that part, and all there.

    The usual two-port of edge potentials would take it from coth x - 1/sinh x, with an error of 1e-16/x^2.
    """
    thickness = part * CO.diffusion_lengths[0]
    layers = [Layer(CU, inf), *[Layer(CO, thickness / slices)] * slices, Layer(CU, inf)]
    whole = network([Layer(CU, inf), Layer(CO, thickness), Layer(CU, inf)], inside=[(1, 0.0)])
    found = solve_stack(layers)
    np.testing.assert_allclose(found.excess_resistance, whole.excess_resistance, rtol=1e-12)
    np.testing.assert_allclose(found.dissipation().relaxation[1:-1].sum(), whole.relaxation[1], rtol=1e-12)
    # Of the accumulation that a thick layer would have: rounding of the currents leaves about 1e-16 of it.
    natural = 4 * 75e-9 * CO.diffusion_lengths[0] * e
    found = found.profile([0.0]).spin_accumulation
    np.testing.assert_allclose(found, whole.affinity[1, 0.0][0, 1], rtol=0, atol=1e-14 * natural)


def test_limit_example_of_a_spin_valve():
    ratio = [network(*valve(flip)).resistance for flip in (same, reverse)]
    found = [solve_stack(*valve(flip)).resistance for flip in (same, reverse)]
    np.testing.assert_allclose(found, ratio, rtol=1e-13)
    np.testing.assert_allclose([*found, found[1] / found[0] - 1], [2.52647e-15, 2.98193e-15, 0.1803], rtol=2e-4)


# --- other methods ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["valve, antiparallel", "N|F|N", "F|N|F between reservoirs"])
def test_limit_stack_agrees_with_collocation(name):
    layers, interfaces = STACKS[name]
    found = solve_stack(layers, interfaces)
    resistance, unit, profile = collocation(layers, interfaces)
    bulk = found.resistance - found.excess_resistance
    np.testing.assert_allclose(found.excess_resistance, resistance - bulk, rtol=1e-8)
    for k, layer in enumerate(layers):
        if not np.isfinite(layer.thickness):
            continue
        inside = found.profile(found.edges[k] + np.array([0.1, 0.35, 0.5, 0.77]) * layer.thickness)
        volts, amps = profile(k, np.array([0.1, 0.35, 0.5, 0.77]))
        rows = np.flatnonzero(layer.medium.conductivity)
        ours = (inside.electrochemical_potential[rows] - inside.electrochemical_potential[rows[0]]) / e / unit
        np.testing.assert_allclose(inside.current_density[rows], amps, rtol=0, atol=1e-8)
        np.testing.assert_allclose(ours, volts - volts[0], rtol=0, atol=1e-8 * np.abs(volts - volts[0]).max() + 1e-12)


def test_limit_stack_is_kirchhoffs_network_of_ever_finer_resistors():
    layers, interfaces = STACKS["F|N|F between reservoirs"]
    found = solve_stack(layers, interfaces).resistance
    coarse, middle, fine = (resistors(layers, interfaces, cells) for cells in (128, 256, 512))
    assert 3.9 < (coarse - found) / (middle - found) < 4.1, "an error of second order"
    np.testing.assert_allclose((4 * fine - middle) / 3, found, rtol=1e-8)


@pytest.mark.parametrize("d", [0.5, 3.0, 40.0])
def test_limit_junction_agrees_with_its_closed_form(d):
    """WD04 (34)-(38), corrected: amplitudes of both coupled modes, a, b and d."""
    ferromagnet = Medium.s_d(1.4e7, 0.3, minority_beta=0.2, spin_diffusion_length=20 * nm, s_d_length=d * nm)
    normal = Medium.valet_fert(1 / 5e7, 0.1, 300 * nm, channels=4)
    closed = normal_ferromagnet_junction(normal, ferromagnet, 2e10)
    found = solve_stack([Layer(normal, inf), Layer(ferromagnet, inf)], current_density=2e10)
    np.testing.assert_allclose(found.resistance, closed.resistance, rtol=1e-12)
    np.testing.assert_allclose(found.excess_resistance, closed.resistance, rtol=1e-12)
    z = np.linspace(-400, 0, 9) * nm
    spin = closed.spin_accumulation * np.exp(z / (300 * nm))
    scale = abs(closed.spin_accumulation) * 1e-12
    np.testing.assert_allclose(found.profile(z, side="left").spin_accumulation, spin, rtol=0, atol=scale)
    z, lengths = np.linspace(0, 60, 13) * nm, closed.lengths
    plus, minus = (np.exp(-z / length) for length in (lengths.lambda_plus, lengths.lambda_minus))
    d_accumulation = closed.amplitude_plus * plus + closed.amplitude_minus * minus
    np.testing.assert_allclose(found.profile(z).affinity[1, 3], d_accumulation, rtol=0, atol=1e-12 * d_accumulation[0])


# --- closed forms -----------------------------------------------------------------------------------------------------


def per_interface(magnet, normal, gamma, resistance, t_f, t_n, parallel):
    """Valet and Fert's AR of one interface of an infinite multilayer, and its excess.

    In units of J the deviation of the spin current, (J_up - J_down)/2, is j in N and j - beta/2 in F. The accumulation
    is odd about the middle of F and, in N, odd (P) or even (AP) about its middle, so at the interface it is
    -4 (j - beta/2)/a_F in F and 4 j/a_N in N, a = coth(t/2l)/(rho* l), tanh for AP. The jump between the two is
    r_b (4 j - 2 gamma); this gives j. The mean potential falls by beta/2 of the accumulation and r_b (1 - 2 gamma j).
    """
    (rho_f, beta, l_f), (rho_n, l_n) = magnet, normal
    a_f = 1 / np.tanh(t_f / (2 * l_f)) / (rho_f * l_f)
    a_n = np.tanh(t_n / (2 * l_n)) ** (-1 if parallel else 1) / (rho_n * l_n)
    drive = beta / a_f + gamma * resistance
    excess = beta**2 / a_f + resistance - drive**2 / (1 / a_f + 1 / a_n + resistance)
    return excess + (rho_f * (1 - beta**2) * t_f + rho_n * t_n) / 2, excess


@pytest.mark.parametrize("parallel", [True, False], ids=["parallel", "antiparallel"])
@pytest.mark.parametrize("resistance", [0.0, 0.51e-15, 40e-15])
@pytest.mark.parametrize("repeats", [1, 30, 400])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 20.0])
def test_limit_valet_fert_multilayer(parallel, resistance, repeats, scale):
    """From the middle of a magnet to the middle of another, where the accumulation vanishes, as in a reservoir."""
    t_f, t_n, gamma = scale * 6 * nm, scale * 90 * nm, -0.37
    cobalt, copper = (75e-9, 0.46, 59 * nm), (6e-9, 450 * nm)
    total, excess = per_interface(cobalt, copper, gamma, resistance, t_f, t_n, parallel)
    face = Interface.valet_fert(resistance, gamma)
    layers, interfaces = [Layer(CO, t_f / 2)], []
    for k in range(repeats):
        flip = reverse if not parallel and k % 2 == 0 else same
        before = reverse if not parallel and k % 2 else same
        interfaces += [before(face), flip(face)]
        layers += [Layer(CU, t_n), flip(Layer(CO, t_f if k < repeats - 1 else t_f / 2))]
    found = solve_stack(layers, interfaces)
    np.testing.assert_allclose(found.resistance / (2 * repeats), total, rtol=1e-11)
    np.testing.assert_allclose(found.excess_resistance / (2 * repeats), excess, rtol=1e-11)


def test_limit_valet_fert_formula_as_the_literature_prints_it():
    """r_b (1 - gamma^2) + [(beta - gamma)^2 a_N + gamma^2 a_F + beta^2/r_b]/[a_F a_N + (a_F + a_N)/r_b]."""
    t_f, t_n, r, gamma, beta = 6 * nm, 90 * nm, 0.51e-15, -0.37, 0.46
    for parallel, power in ((True, -1), (False, 1)):
        a_f = 1 / np.tanh(t_f / (118 * nm)) / (75e-9 * 59 * nm)
        a_n = np.tanh(t_n / (900 * nm)) ** power / (6e-9 * 450 * nm)
        above = (beta - gamma) ** 2 * a_n + gamma**2 * a_f + beta**2 / r
        printed = r * (1 - gamma**2) + above / (a_f * a_n + (a_f + a_n) / r)
        ours = per_interface((75e-9, beta, 59 * nm), (6e-9, 450 * nm), gamma, r, t_f, t_n, parallel)[1]
        np.testing.assert_allclose(ours, printed, rtol=1e-13)


def test_limit_van_son_junction():
    """AR = (beta_F - beta_N)^2 z_F z_N/(z_F + z_N) with z = rho* l."""
    for beta_n in (0.0, -0.3):
        normal = Medium.valet_fert(6e-9, beta_n, 450 * nm)
        z_f, z_n = 75e-9 * 59 * nm, 6e-9 * 450 * nm
        found = solve_stack([Layer(normal, inf), Layer(CO, inf)], current_density=1e11)
        np.testing.assert_allclose(found.resistance, (0.46 - beta_n) ** 2 * z_f * z_n / (z_f + z_n), rtol=1e-13)
        # J > 0 from N to F, electrons leave F: majority spins pile up.
        accumulation = -2 * (0.46 - beta_n) * 1e11 * z_f * z_n / (z_f + z_n) * e
        for side in ("left", "right"):
            np.testing.assert_allclose(found.profile([0.0], side=side).spin_accumulation, accumulation, rtol=1e-13)


def test_limit_interface_of_a_junction():
    """One interface between leads: the periodic formula with coth = 1, by both resistances of the contact."""
    total = per_interface((75e-9, 0.46, 59 * nm), (6e-9, 450 * nm), 0.77, 0.51e-15, 1e4 * nm, 1e5 * nm, True)[1]
    found = solve_stack([Layer(CO, inf), Layer(CU, inf)], [FACE])
    np.testing.assert_allclose(found.resistance, total, rtol=1e-13)
    assert found.resistance == found.excess_resistance


def test_limit_wd11_figure_2_layer():
    """N/F/N of equal lengths: -2 beta J/[1/(rho_N l) + 1/(rho_F l tanh)] at the left edge, odd about the middle."""
    length, sigma, beta, t = 20 * nm, 1e7, 0.5, 40 * nm
    rho_n, rho_f = 1 / (2 * sigma), 1 / (2 * sigma) / (1 - beta**2)
    normal = Medium.valet_fert(rho_n, spin_diffusion_length=length)
    magnet = Medium.valet_fert(rho_f, beta, length)
    found = solve_stack([Layer(normal, inf), Layer(magnet, t), Layer(normal, inf)], current_density=1e11)
    below = 1 / (rho_n * length) + 1 / (rho_f * length * np.tanh(t / (2 * length)))
    edge = -2 * beta * 1e11 / below
    z = np.array([0.0, t])
    np.testing.assert_allclose(found.profile(z).spin_accumulation / e, [edge, -edge], rtol=1e-13)
    np.testing.assert_allclose(found.excess_resistance, 2 * beta**2 / below, rtol=1e-13)
    np.testing.assert_allclose(edge, -50.3835e-6, rtol=1e-6)
    inside = np.linspace(0, t, 9)
    sinh = -edge * np.sinh((inside - t / 2) / length) / np.sinh(t / (2 * length))
    np.testing.assert_allclose(found.profile(inside, side="left").spin_accumulation[1:] / e, sinh[1:], atol=1e-17)


def test_limit_no_relaxation_between_reservoirs_is_two_resistors_in_parallel():
    layers = [Layer(Medium.valet_fert(6e-9), 20 * nm), Layer(Medium.valet_fert(75e-9, 0.46), 6 * nm)]
    up, down = (sum(layer.thickness / layer.medium.conductivity[i] for layer in layers) for i in (0, 1))
    up, down = up + FACE.resistance[0], down + FACE.resistance[1]
    found = solve_stack(layers, [FACE])
    np.testing.assert_allclose(found.resistance, up * down / (up + down), rtol=1e-14)
    np.testing.assert_allclose(found.profile([0.0]).current_density[:, 0], [down / (up + down), up / (up + down)])
    assert not found.dissipation().relaxation.any()


def test_limit_instant_relaxation_shunts_each_layer():
    """Lengths to 0: the layers in series, each with its channels in parallel; the excess falls in proportion."""
    excess = []
    for length in (1e-3 * nm, 1e-4 * nm):
        media = [Medium.valet_fert(6e-9, 0, length), Medium.valet_fert(75e-9, 0.46, length)]
        found = solve_stack([Layer(media[0], 20 * nm), Layer(media[1], 6 * nm)])
        bulk = 6e-9 * 20 * nm + 75e-9 * (1 - 0.46**2) * 6 * nm
        np.testing.assert_allclose(found.resistance - found.excess_resistance, bulk, rtol=1e-14)
        excess.append(found.excess_resistance)
    np.testing.assert_allclose(excess[0] / excess[1], 10, rtol=1e-12)
    np.testing.assert_allclose(excess[0], 0.46**2 * 1e-12 * 75e-9 * 6e-9 / 81e-9, rtol=1e-12)


def d_limit(d_down, rate):
    """N|F 30 nm|N with a d channel of given conductivity and rate."""
    s_up, s_down, flip = 1e7, 0.4e7, 5e22
    rates = {("s_up", "s_down"): flip, ("s_down", "d_down"): rate}
    medium = Medium.four_channel({"s_up": s_up, "s_down": s_down, "d_down": d_down}, rates)
    return solve_stack([Layer(NORMAL, inf), Layer(medium, 30 * nm), Layer(NORMAL, inf)]).excess_resistance


def two_channel_limit(down):
    flip = 5e22
    medium = Medium([1e7, down], [[0, flip], [flip, 0]])
    normal = Medium.valet_fert(1 / 5e7, spin_diffusion_length=300 * nm)
    return solve_stack([Layer(normal, inf), Layer(medium, 30 * nm), Layer(normal, inf)])


def test_limit_d_channel_that_never_relaxes_carries_nothing():
    """G_sd -> 0: the resistance, not the excess over a bulk that counts d, is that of the s channels."""
    bulk = 30 * nm / 1.65e7
    expected = two_channel_limit(0.4e7).resistance
    errors = [d_limit(0.25e7, rate) + bulk - expected for rate in (1e18, 1e19)]
    np.testing.assert_allclose(errors[1] / errors[0], 10, rtol=1e-3)
    np.testing.assert_allclose(d_limit(0.25e7, 0.0) + bulk, expected, rtol=1e-13)


def test_limit_d_channel_that_relaxes_at_once_is_merged_with_its_s_channel():
    """G_sd -> inf: van Son's magnet of s_down + d_down (E6); the difference falls with l_sd, the root of the rate."""
    expected = two_channel_limit(0.65e7).excess_resistance
    errors = [d_limit(0.25e7, rate) - expected for rate in (1e30, 1e28)]
    np.testing.assert_allclose(errors[1] / errors[0], 10, rtol=1e-2)
    np.testing.assert_allclose(d_limit(0.25e7, 1e36), expected, rtol=1e-5)


def test_limit_d_channel_that_does_not_conduct_is_frozen():
    expected = two_channel_limit(0.4e7).excess_resistance
    errors = [d_limit(d_down, 1e22) - expected for d_down in (1e-2, 1e-1)]
    np.testing.assert_allclose(errors[1] / errors[0], 10, rtol=1e-3)
    np.testing.assert_allclose(d_limit(0.0, 1e22), expected, rtol=1e-13)


def test_limit_spin_memory_loss_is_a_layer_of_any_thickness():
    """delta = t/l and r_b* = rho* t, whatever t, by layers that have it and by the closed form of one contact."""
    r, gamma, delta = 0.51e-15, 0.4, 0.8
    face = Interface.valet_fert(r, gamma, spin_memory_loss=delta)
    found = solve_stack([Layer(CO, 20 * nm), Layer(CU, 30 * nm)], [face])
    for t in (1e-3 * nm, 1 * nm, 1e3 * nm):
        middle = Layer(Medium.valet_fert(r / t, gamma, t / delta), t)
        other = solve_stack([Layer(CO, 20 * nm), middle, Layer(CU, 30 * nm)])
        np.testing.assert_allclose(other.resistance, found.resistance, rtol=1e-13)
        heat = other.dissipation()
        np.testing.assert_allclose(heat.joule[1] + heat.relaxation[1], found.dissipation().interfaces[0], rtol=1e-12)
    # A contact alone between leads that relax at once: no accumulation at its faces, and so nowhere inside it.
    sink = Layer(Medium.valet_fert(1e-9, 0, 1e-12 * nm), inf)
    alone = solve_stack([sink, sink], [face]).resistance
    np.testing.assert_allclose(alone, r * (1 - gamma**2), rtol=1e-9)


def test_limit_spin_memory_loss_separates_the_spins():
    """delta -> inf: the current of either side relaxes completely, which is two junctions with a thick layer."""
    r, gamma = 0.51e-15, 0.4
    face = Interface.valet_fert(r, gamma, spin_memory_loss=40.0)
    found = solve_stack([Layer(CO, inf), Layer(CU, inf)], [face]).resistance
    z_co, z_cu, z = 75e-9 * 59 * nm, 6e-9 * 450 * nm, r / 40
    expected = r * (1 - gamma**2) + (0.46 - gamma) ** 2 * z_co * z / (z_co + z) + gamma**2 * z_cu * z / (z_cu + z)
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_limit_contact_that_blocks_a_spin_takes_all_of_the_other():
    """gamma = 1, no down electrons: 4 rho* l of each side and r_up in series, without the part that both share."""
    face = Interface([1e-15, inf])
    found = solve_stack([Layer(CO, inf), Layer(CU, inf)], [face], current_density=2.0)
    # j = (1 - beta)/2 of the current turns over on each side, which makes the heat 4 rho* l j^2.
    excess = (1 - 0.46) ** 2 * 75e-9 * 59 * nm + 6e-9 * 450 * nm + 1e-15
    np.testing.assert_allclose(found.resistance, excess, rtol=1e-13)
    for side in ("left", "right"):
        np.testing.assert_allclose(found.profile([0.0], side=side).current_density[:, 0], [2.0, 0.0], atol=1e-14)
    # The limit of an ever larger resistance.
    large = solve_stack([Layer(CO, inf), Layer(CU, inf)], [Interface([1e-15, 1e-3])]).resistance
    np.testing.assert_allclose(large, excess, rtol=1e-10)


def test_limit_one_channel_throughout_is_ohms_law():
    """All but s_up frozen: no accumulation, no excess but the contact."""
    medium = Medium([2.0, 0, 0, 0], np.zeros((4, 4)))
    found = solve_stack([Layer(medium, 6.0), Layer(medium, inf)], [Interface([5.0, 0, 0, 0])], current_density=2.0)
    assert (found.resistance, found.excess_resistance) == (8.0, 5.0)
    profile = found.profile([0.0, 3.0, 6.0, 9.0])
    np.testing.assert_allclose(
        profile.electrochemical_potential[0] / e, [16.0, 13.0, 0.0, -3.0], rtol=1e-14, atol=1e-14
    )
    assert np.isnan(profile.electrochemical_potential[1:]).all()
    assert not profile.current_density[1:].any()


# --- media and contacts by their parameters ---------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [2, 4])
def test_limit_valet_fert_parameters(channels):
    """rho_up(down) = 2 rho* (1 -+ beta), sigma_t = 1/[rho* (1 - beta^2)], r_up(down) = 2 r_b* (1 -+ gamma)."""
    medium = Medium.valet_fert(75e-9, 0.46, 59 * nm, channels=channels)
    expected = [1 / (2 * 75e-9 * 0.54), 1 / (2 * 75e-9 * 1.46), 0, 0][:channels]
    np.testing.assert_allclose(medium.conductivity, expected, rtol=1e-15)
    np.testing.assert_allclose(medium.total_conductivity, 1 / (75e-9 * (1 - 0.46**2)), rtol=1e-15)
    np.testing.assert_allclose(medium.diffusion_lengths, [59 * nm], rtol=1e-14)
    g = (59 * nm) ** -2 / (2 * 75e-9 * 0.54 + 2 * 75e-9 * 1.46)
    np.testing.assert_allclose(medium.relaxation[:2, :2], [[0, g], [g, 0]], rtol=1e-15)
    assert np.count_nonzero(medium.relaxation) == 2
    assert medium.channels == channels
    assert not Medium.valet_fert(75e-9, channels=channels).relaxation.any()
    face = Interface.valet_fert(0.5, 0.2, spin_memory_loss=0.3, channels=channels)
    np.testing.assert_allclose(face.resistance, [0.8, 1.2, inf, inf][:channels], rtol=1e-15)
    np.testing.assert_allclose(face.relaxation[0, 1], 0.09 / 2.0, rtol=1e-15)
    assert Interface.valet_fert(0.5, 0.2, channels=channels).relaxation is None


def test_limit_named_channels_and_s_d_parameters():
    """WD04 (3), (7): sigma_s (1 - beta_s) = sigma_down (1 + beta_down) = 2 sigma_s,down; l_sf, l_sd."""
    rates = {("s_up", "s_down"): 5.0, ("d_down", "s_down"): 6.0, ("d_up", "s_up"): 7.0}
    named = Medium.four_channel({"s_up": 1.0, "s_down": 2.0, "d_up": 3.0, "d_down": 4.0}, rates)
    assert named.conductivity.tolist() == [1, 2, 3, 4]
    assert named.relaxation.tolist() == [[0, 5, 7, 0], [5, 0, 0, 6], [7, 0, 0, 0], [0, 6, 0, 0]]
    for given in ({"minority_beta": -0.4}, {"minority_conductivity": 1.4 * 0.75 / 0.6}):
        medium = Medium.s_d(1.4, 0.25, **given, spin_diffusion_length=20.0, s_d_length=3.0)
        up, down, d_up, d_down = medium.conductivity
        np.testing.assert_allclose([up + down, (up - down) / (up + down)], [1.4, 0.25], rtol=1e-15)
        np.testing.assert_allclose((down - d_down) / (down + d_down), -0.4, rtol=1e-14)
        np.testing.assert_allclose([1.4 * 0.75, (down + d_down) * 0.6], 2 * down, rtol=1e-14)
        assert d_up == 0
        flip, merge = medium.relaxation[0, 1], medium.relaxation[1, 3]
        np.testing.assert_allclose([flip * (1 / up + 1 / down), merge * (1 / down + 1 / d_down)], [1 / 400, 1 / 9])
        assert np.count_nonzero(medium.relaxation) == 4
    flipped = reverse(named)
    assert flipped.conductivity.tolist() == [2, 1, 4, 3]
    assert flipped.relaxation.tolist() == [[0, 5, 6, 0], [5, 0, 0, 7], [6, 0, 0, 0], [0, 7, 0, 0]]
    assert reverse(Interface([1.0, 2.0, 3.0, inf])).resistance.tolist() == [2, 1, inf, 3]
    assert reverse(Layer(named, 3.0)).thickness == 3.0


# --- what a profile says ----------------------------------------------------------------------------------------------


def test_limit_edges_start_at_the_first_finite_layer():
    layers, interfaces = valve(same)
    edges = solve_stack(layers, interfaces).edges
    np.testing.assert_allclose(edges, [-inf, 0, 6 * nm, 16 * nm, 22 * nm, inf], rtol=1e-14)
    np.testing.assert_allclose(solve_stack(layers[1:-1], interfaces[1:-1]).edges, np.array([0, 6, 16, 22]) * nm)
    assert solve_stack([layers[0], layers[-1]]).edges.tolist() == [-inf, 0, inf]
    assert solve_stack([layers[1], layers[-1]], [None]).edges.tolist() == [0, 6 * nm, inf]
    assert solve_stack([layers[0], layers[1]]).edges.tolist() == [-inf, 0, 6 * nm]


def test_limit_potential_is_zero_in_the_right_end():
    """A reservoir on the right: 0 in all channels. A lead: its asymptote is 0 at its interface."""
    layers, interfaces = valve(reverse)
    closed = solve_stack(layers[:-1], interfaces[:-1], current_density=1e11)
    end = closed.profile(closed.edges[-1:], side="left")
    top = closed.profile(closed.edges[1:2], side="left").electrochemical_potential.max()
    np.testing.assert_allclose(end.electrochemical_potential, 0, atol=1e-13 * top)
    mixed = solve_stack(layers, interfaces, current_density=1e11)
    # 40 decay lengths away what is left of the accumulation is exp(-40).
    away = mixed.edges[-2] + 18000 * nm
    expected = -e * 1e11 * 18000 * nm * 6e-9
    np.testing.assert_allclose(mixed.profile([away]).electrochemical_potential, expected, rtol=1e-13)
    before = mixed.profile([-18000 * nm]).electrochemical_potential
    np.testing.assert_allclose(before, e * 1e11 * (mixed.resistance + 18000 * nm * 6e-9), rtol=1e-13)


def test_limit_reservoir_is_a_spin_sink_at_a_common_potential():
    layers, interfaces = STACKS["F|N|F between reservoirs"]
    found = solve_stack(layers, interfaces, current_density=1e11)
    for position, side, level in ((0.0, "right", 1.0), (found.edges[-1], "left", 0.0)):
        profile = found.profile([position], side=side)
        expected = np.full(4, level * e * 1e11 * found.resistance)
        expected[layers[0 if level else -1].medium.conductivity == 0] = np.nan
        np.testing.assert_allclose(profile.electrochemical_potential[:, 0], expected, rtol=1e-13, atol=1e-13 * e * 1e-4)


def test_limit_side_chooses_the_layer_at_an_interface():
    layers, interfaces = valve(same)
    found = solve_stack(layers, interfaces, current_density=1e11)
    left, right = (found.profile(found.edges[1:-1], side=side) for side in ("left", "right"))
    jump = (left.electrochemical_potential - right.electrochemical_potential) / e
    resistance = np.array([face.resistance for face in interfaces]).T
    np.testing.assert_allclose(jump, resistance * left.current_density, rtol=1e-10)
    np.testing.assert_allclose(left.current_density, right.current_density, rtol=1e-13)
    # Default: right.
    np.testing.assert_array_equal(
        found.profile(found.edges[1:-1]).electrochemical_potential, right.electrochemical_potential
    )
    # The rate 0 -> 1 belongs to the medium of the side.
    for k, (profile, media) in enumerate(((left, layers[:-1]), (right, layers[1:]))):
        rate = [medium.medium.relaxation[0, 1] for medium in media] * profile.spin_accumulation / e
        np.testing.assert_allclose(profile.relaxation_rate[0, 1], rate, rtol=1e-14, err_msg=str(k))
        np.testing.assert_array_equal(profile.relaxation_rate[1, 0], -profile.relaxation_rate[0, 1])


@pytest.mark.parametrize("place", [2, 4, 14])
def test_limit_side_does_not_depend_on_how_a_caller_sums_up_an_interface(place):
    """Sums of thicknesses in another order, or k * nm, miss an edge by a rounding error; both sides stay distinct."""
    sizes = [inf, 2 * nm, 2 * nm, 10 * nm, inf]
    stack = solve_stack([Layer(CU if k % 2 == 0 else CO, size) for k, size in enumerate(sizes)], [FACE] * 4, 1e11)
    edge = stack.edges[np.abs(stack.edges - place * nm).argmin()]
    accumulation = {}
    for side in ("left", "right"):
        values = [stack.profile([z], side).spin_accumulation[0] for z in (edge, place * nm, np.nextafter(edge, 1.0))]
        assert values[0] == values[1] == values[2]
        accumulation[side] = values[0]
    assert abs(accumulation["left"] / accumulation["right"] - 1) > 0.1


def test_limit_profile_reaches_a_reservoir_however_its_position_is_summed_up():
    wire = solve_stack([Layer(CO, 0.1 * nm), Layer(CU, 0.2 * nm)])
    end = np.nextafter(wire.edges[-1], 1.0)
    start, stop = wire.profile([0.0, end]).electrochemical_potential[0]
    assert abs(stop) < 1e-15 * start
    with pytest.raises(ValueError, match="beyond a reservoir"):
        wire.profile([wire.edges[-1] * (1 + 1e-12)])


def test_limit_edges_cannot_be_written_to():
    with pytest.raises(ValueError, match="read-only"):
        solve_stack([Layer(CO, nm)]).edges[1] = 0.0


def test_limit_profile_is_a_table_of_named_channels(tmp_path):
    stack = solve_stack([Layer(NORMAL, inf), Layer(IRON, 60 * nm), Layer(NORMAL, inf)], current_density=1e11)
    profile = stack.profile(np.array([5.0, 20.0]) * nm)
    table = profile.columns()
    names = ("s_up", "s_down", "d_up", "d_down")
    expected = {"position": profile.position}
    for i, name in enumerate(names):
        expected[f"electrochemical_potential_{name}"] = profile.electrochemical_potential[i]
        expected[f"current_density_{name}"] = profile.current_density[i]
        for j in range(i + 1, 4):
            expected[f"affinity_{name}_{names[j]}"] = profile.affinity[i, j]
            expected[f"relaxation_rate_{name}_{names[j]}"] = profile.relaxation_rate[i, j]
    assert table.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(table[name], values)
    assert table["affinity_s_down_d_down"][0] > 0  # s feeds d behind the entry
    profile.to_csv(tmp_path / "profile.csv")
    head = (tmp_path / "profile.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    units = {"electrochemical_potential": "J", "affinity": "J", "current_density": "A/m^2", "relaxation_rate": "A/m^3"}
    assert head[0] == "position [m]"
    assert {name.rpartition(" ")[2] for name in head if name.startswith("relaxation_rate")} == {"[A/m^3]"}
    assert all(name.endswith(f"[{units[key]}]") for name in head for key in units if name.startswith(key))
    two = solve_stack([Layer(CU, inf), Layer(CO, inf)]).profile(0.0)
    assert "current_density_down" in two.columns()


def test_limit_results_print_in_one_line():
    stack = solve_stack([Layer(CU, inf), Layer(CO, 6 * nm), Layer(CU, inf)])
    assert repr(stack) == (
        f"<StackSolution of 3 layers: AR = {stack.resistance:.6g} Ohm m^2, {stack.excess_resistance:.6g} Ohm m^2 in "
        "excess of their bulk>"
    )
    profile = stack.profile(np.array([-1.0, 2.0]) * nm)
    assert repr(profile) == "<Profile: 2 points from z = -1e-09 to 2e-09 m, 2 channels>"
    assert repr(stack.profile([])) == "<Profile: 0 points, 2 channels>"
    assert repr(CO) == "<Medium: conductivity (1.235e+07, 4.566e+06) S/m, diffusion lengths (5.9e-08) m>"
    assert repr(RELAXING).endswith("Ohm m^2, relaxing>")
    assert repr(FACE) == "<Interface: resistance (2.346e-16, 1.805e-15) Ohm m^2>"


def test_limit_s_d_medium_without_d_conductivity_is_one_of_two_channels():
    """minority_beta = 1, or sigma_down = sigma_s_down up to rounding: d is frozen and its relaxation gone."""
    frozen = Medium.s_d(1.5, 0.2, minority_beta=1.0, spin_diffusion_length=2.0, s_d_length=1.0)
    for given in (0.6, 0.6 * (1 + 1e-15), 1.5 * 0.8 / 2):
        medium = Medium.s_d(1.5, 0.2, minority_conductivity=given, spin_diffusion_length=2.0, s_d_length=1.0)
        assert medium.conductivity[3] == frozen.conductivity[3] == 0
        np.testing.assert_array_equal(medium.relaxation, frozen.relaxation)
    np.testing.assert_allclose(frozen.diffusion_lengths, [2.0], rtol=1e-15)


def test_limit_interface_with_zero_relaxation_does_not_relax():
    still = Interface([0.0, 1.0], np.zeros((2, 2)))
    assert still.relaxation is None
    stack = [Layer(CU, inf), Layer(CO, inf)]
    assert solve_stack(stack, [still]).resistance == solve_stack(stack, [Interface([0.0, 1.0])]).resistance


def test_limit_profile_has_one_column_per_position():
    layers, interfaces = STACKS["N|F|N"]
    found = solve_stack(layers, interfaces)
    z = np.array([70.0, -5.0, 10.0, 10.0]) * nm
    profile = found.profile(z)
    np.testing.assert_array_equal(profile.position, z)
    assert profile.electrochemical_potential.shape == profile.current_density.shape == (4, 4)
    assert profile.affinity.shape == profile.relaxation_rate.shape == (4, 4, 4)
    assert profile.spin_accumulation.shape == (4,)
    for k, position in enumerate(z):
        one = found.profile([position])
        np.testing.assert_array_equal(profile.affinity[..., k], one.affinity[..., 0])
        np.testing.assert_array_equal(profile.current_density[..., k], one.current_density[..., 0])


def test_limit_frozen_channels_have_no_potential():
    """nan for the potentials of d in N, and of d_up in F; their currents and rates are 0."""
    layers, interfaces = STACKS["N|F|N"]
    profile = solve_stack(layers, interfaces).profile([-10 * nm, 20 * nm, 70 * nm])
    frozen = np.array([[0, 0, 0], [0, 0, 0], [1, 1, 1], [1, 0, 1]], dtype=bool)
    np.testing.assert_array_equal(np.isnan(profile.electrochemical_potential), frozen)
    np.testing.assert_array_equal(np.isnan(profile.affinity), frozen[:, None] | frozen)
    assert not profile.current_density[frozen].any()
    assert np.isfinite(profile.relaxation_rate).all()
    assert not profile.relaxation_rate[frozen[:, None] | frozen].any()


def test_limit_channels_without_a_path_to_an_end_are_undetermined():
    """d_down of an inner layer without s-d relaxation, and a d pair that relaxes only within itself."""
    alone = Medium.four_channel({"s_up": 1e7, "s_down": 0.4e7, "d_down": 0.25e7}, {("s_up", "s_down"): 5e22})
    pair = Medium.four_channel(
        {"s_up": 1e7, "s_down": 0.4e7, "d_up": 1e6, "d_down": 0.25e7},
        {("s_up", "s_down"): 5e22, ("d_up", "d_down"): 1e23},
    )
    bare = Medium.four_channel({"s_up": 1e7, "s_down": 0.4e7}, {("s_up", "s_down"): 5e22})
    expected = solve_stack([Layer(NORMAL, inf), Layer(bare, 7 * nm), Layer(bare, 9 * nm), Layer(NORMAL, inf)])
    for media, floating in (((alone, bare), [3]), ((bare, pair), [2, 3]), ((alone, pair), [2, 3])):
        layers = [Layer(NORMAL, inf), Layer(media[0], 7 * nm), Layer(media[1], 9 * nm), Layer(NORMAL, inf)]
        found = solve_stack(layers)
        np.testing.assert_allclose(found.resistance, expected.resistance, rtol=1e-13)
        inside = [3 * nm, 11 * nm]
        profile, other = found.profile(inside), expected.profile(inside)
        assert np.isnan(profile.electrochemical_potential[floating]).all()
        np.testing.assert_allclose(
            profile.electrochemical_potential[:2], other.electrochemical_potential[:2], rtol=1e-12, atol=0
        )
        assert not profile.current_density[2:].any()
        assert not profile.relaxation_rate[2:].any()
        assert np.isfinite(found.dissipation().total)


def test_limit_a_group_joined_to_the_ends_elsewhere_does_carry_current():
    """The same d channel, with s-d relaxation in the layer beside it: a bypass, whose potential is known."""
    alone = Medium.four_channel({"s_up": 1e7, "s_down": 0.4e7, "d_down": 0.25e7}, {("s_up", "s_down"): 5e22})
    layers = [Layer(NORMAL, inf), Layer(alone, 7 * nm), Layer(IRON, 9 * nm), Layer(NORMAL, inf)]
    found = compare(layers, [None] * 3, tolerance=1e-12)
    profile = found.profile([3 * nm, 11 * nm])
    assert np.isfinite(profile.electrochemical_potential[3]).all()
    # A dead end without relaxation carries no current; its potential is that of its open end.
    np.testing.assert_allclose(profile.current_density[3, 0], 0, atol=1e-15)
    assert abs(profile.current_density[3, 1]) > 1e-3


def test_limit_wd04_statement_d_current_of_a_ferromagnet_between_metals():
    """The integral of the s-d rate over F is 0 when d is frozen on both sides, for unequal interfaces as well."""
    faces = [Interface([1e-15, 0.3e-15, inf, inf]), Interface([0.0, 4e-15, inf, inf])]
    found = solve_stack([Layer(NORMAL, inf), Layer(IRON, 40 * nm), Layer(NORMAL, 80 * nm)], faces)
    x, w = np.polynomial.legendre.leggauss(60)
    rate = found.profile(40 * nm * (1 + x) / 2).relaxation_rate[1, 3]
    assert abs(rate @ w) < 1e-13 * (np.abs(rate) @ w)
    edges = [found.profile([z], side=side).current_density[3, 0] for z, side in ((0.0, "right"), (40 * nm, "left"))]
    np.testing.assert_allclose(edges, 0, atol=1e-15)


def test_limit_d_accumulation_without_polarisation_of_s():
    """beta_s = 0: the d channel alone makes a spin accumulation and a resistance."""
    medium = Medium.s_d(1.4e7, 0.0, minority_conductivity=0.95e7, spin_diffusion_length=20 * nm, s_d_length=3 * nm)
    found = solve_stack([Layer(NORMAL, inf), Layer(medium, inf)], current_density=1e11)
    np.testing.assert_allclose(found.profile([0.0]).spin_accumulation / e, 28.84e-6, rtol=2e-4)
    np.testing.assert_allclose(found.resistance, 5.5568e-17, rtol=1e-4)


def test_limit_inverse_magnetoresistance_of_unlike_magnets():
    """beta of opposite sign in the two magnets: parallel is the state of high resistance."""
    other = Layer(Medium.valet_fert(75e-9, -0.3, 59 * nm), 9 * nm)
    layers = [Layer(CU, inf), Layer(CO, 6 * nm), Layer(CU, 10 * nm)]
    states = [[*layers, flip(other), Layer(CU, inf)] for flip in (same, reverse)]
    p, ap = (solve_stack(state).resistance for state in states)
    assert ap < p
    np.testing.assert_allclose([p, ap], [network(state).resistance for state in states], rtol=1e-13)
