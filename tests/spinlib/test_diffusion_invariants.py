"""What no stack of layers may break: symmetries, conservation, heat, splitting, scaling, linearity.

Random four-channel stacks over six decades of conductivities and rates, with frozen channels, blocked and relaxing
interfaces, leads and reservoirs. Worst errors over a thousand stacks are some 1e-12 of a profile's own maximum and
2e-14 of a resistance.
"""

from dataclasses import replace
from itertools import combinations, permutations

import mpmath
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from spinlib.diffusion import Interface, Layer, Medium, reverse, solve_stack
from spinlib.units import e
from tests.spinlib.diffusion_routes import random_medium, random_stack

seeds = st.integers(0, 2**32 - 1)
TOLERANCE = 1e-11


def stack_of(seed, count=None):
    return random_stack(np.random.default_rng(seed), count)


def positions(layers, solution, rng, count=4):
    """Points strictly inside each layer, in the order of z."""
    found = []
    for k, layer in enumerate(layers):
        left, right = solution.edges[k : k + 2]
        fraction = np.sort(rng.uniform(0.03, 0.97, count))
        length = max(layer.medium.diffusion_lengths, default=1e-9)
        if np.isinf(left):
            found.append(right - 4 * length * fraction[::-1])
        elif np.isinf(right):
            found.append(left + 4 * length * fraction)
        else:
            found.append(left + fraction * (right - left))
    return np.concatenate(found)


def close(ours, theirs, tolerance=TOLERANCE):
    """Equal to ``tolerance`` of the largest entry, nan for nan."""
    if np.isnan(theirs).all():
        assert np.isnan(ours).all()
        return
    scale = np.nanmax(np.abs(theirs))
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * max(scale, 1e-50))


def permuted(item, order):
    """The same medium, layer or interface with its channels in another order."""
    order = list(order)
    if isinstance(item, Layer):
        return replace(item, medium=permuted(item.medium, order))
    if isinstance(item, Medium):
        return Medium(item.conductivity[order], item.relaxation[np.ix_(order, order)])
    if item is None:
        return None
    rates = None if item.relaxation is None else item.relaxation[np.ix_(order, order)]
    return Interface(item.resistance[order], rates)


def scaled(item, factor):
    """All conductances of a medium, layer or interface times ``factor``."""
    if isinstance(item, Layer):
        return replace(item, medium=Medium(item.medium.conductivity * factor, item.medium.relaxation * factor))
    if item is None:
        return None
    return Interface(item.resistance / factor, None if item.relaxation is None else item.relaxation * factor)


@given(seeds, st.sampled_from(list(permutations(range(4)))))
@settings(max_examples=60)
def test_invariant_relabelled_channels(seed, order):
    layers, interfaces = stack_of(seed)
    one = solve_stack(layers, interfaces)
    other = solve_stack([permuted(x, order) for x in layers], [permuted(x, order) for x in interfaces])
    np.testing.assert_allclose(other.excess_resistance, one.excess_resistance, rtol=TOLERANCE)
    z = positions(layers, one, np.random.default_rng(seed))
    ours, theirs = one.profile(z), other.profile(z)
    order = list(order)
    close(theirs.electrochemical_potential, ours.electrochemical_potential[order])
    close(theirs.current_density, ours.current_density[order])
    close(theirs.affinity, ours.affinity[np.ix_(order, order)])


@given(seeds)
@settings(max_examples=40)
def test_invariant_up_and_down_exchanged_everywhere(seed):
    """``reverse`` of a whole stack keeps its resistance and turns the spin accumulation; twice is nothing."""
    layers, interfaces = stack_of(seed)
    one = solve_stack(layers, interfaces)
    turned = [None if x is None else reverse(x) for x in interfaces]
    other = solve_stack([reverse(layer) for layer in layers], turned)
    np.testing.assert_allclose(other.excess_resistance, one.excess_resistance, rtol=TOLERANCE)
    z = positions(layers, one, np.random.default_rng(seed))
    close(other.profile(z).spin_accumulation, -one.profile(z).spin_accumulation)
    close(other.profile(z).current_density, one.profile(z).current_density[[1, 0, 3, 2]])
    for item in (*layers, *(x for x in interfaces if x is not None)):
        twice, medium = reverse(reverse(item)), getattr(item, "medium", item)
        twice = getattr(twice, "medium", twice)
        for name in ("conductivity", "resistance", "relaxation"):
            np.testing.assert_array_equal(getattr(twice, name, None), getattr(medium, name, None))


@given(seeds)
@settings(max_examples=60)
def test_invariant_reversed_order(seed):
    """Seen from the other end: the same resistance, currents and accumulations of opposite sign and mirrored heat."""
    layers, interfaces = stack_of(seed)
    one, other = solve_stack(layers, interfaces), solve_stack(layers[::-1], interfaces[::-1], current_density=-1.0)
    np.testing.assert_allclose(other.excess_resistance, one.excess_resistance, rtol=TOLERANCE)
    inner = one.edges[np.isfinite(one.edges)]
    z = positions(layers, one, np.random.default_rng(seed))
    ours, theirs = one.profile(z), other.profile(inner[-1] - z)
    # A point of the mirrored stack has its own rounding error; one layer is 1e4 times another here.
    close(theirs.current_density, -ours.current_density, 1e-9)
    close(theirs.affinity, ours.affinity, 1e-9)
    ours = one.profile(one.edges[1:-1], side="left")
    theirs = other.profile(other.edges[-2:0:-1], side="right")
    close(theirs.current_density, -ours.current_density)
    close(theirs.affinity, ours.affinity)
    heat, mirrored = one.dissipation(), other.dissipation()
    for name in ("joule", "relaxation", "interfaces"):
        ours, theirs = getattr(heat, name), getattr(mirrored, name)[::-1]
        np.testing.assert_allclose(theirs, ours, rtol=0, atol=TOLERANCE * heat.total)


@given(seeds)
@settings(max_examples=100)
def test_invariant_power_is_heat(seed):
    """J^2 AR is Joule heat, relaxation and interfaces; none of them is negative, nor is the excess."""
    layers, interfaces = stack_of(seed)
    found = solve_stack(layers, interfaces, current_density=2.5e11)
    heat = found.dissipation()
    parts = heat.joule.sum() + heat.relaxation.sum() + heat.interfaces.sum()
    np.testing.assert_allclose([parts, heat.total], 2.5e11**2 * found.resistance, rtol=TOLERANCE)
    assert min(heat.joule.min(), heat.relaxation.min(), heat.interfaces.min(initial=0)) >= 0
    assert found.excess_resistance >= 0
    assert found.resistance >= found.excess_resistance
    bulk = sum(layer.thickness / layer.medium.total_conductivity for layer in layers if np.isfinite(layer.thickness))
    np.testing.assert_allclose(found.resistance - bulk, found.excess_resistance, atol=1e-14 * found.resistance)


@given(seeds)
@settings(max_examples=40)
def test_invariant_heat_of_a_layer_is_the_integral_of_its_profile(seed):
    """sum_i J_i^2/sigma_i and G (mu_i - mu_j)^2/e^2 of all pairs, by Gauss's quadrature, graded to the edges."""
    layers, interfaces = stack_of(seed)
    found = solve_stack(layers, interfaces)
    heat = found.dissipation()
    x, w = np.polynomial.legendre.leggauss(12)
    for k, layer in enumerate(layers):
        if np.isinf(layer.thickness):
            continue
        steps = layer.thickness / 2 * np.append(0.5 ** np.arange(24, 0, -1), 1.0)
        panels = np.concatenate([[0.0], steps, layer.thickness - steps[-2::-1], [layer.thickness]])
        half = np.diff(panels) / 2
        z = ((panels[:-1] + half)[:, None] + half[:, None] * x).ravel()
        profile = found.profile(np.clip(found.edges[k] + z, *found.edges[k : k + 2]))
        weight = (half[:, None] * w).ravel()
        sigma = layer.medium.conductivity
        conducts = sigma > 0
        joule = (profile.current_density[conducts] ** 2 / sigma[conducts, None]).sum(axis=0) @ weight
        rate = np.nan_to_num(profile.relaxation_rate * profile.affinity / e)
        np.testing.assert_allclose(joule, heat.joule[k], rtol=1e-8)
        np.testing.assert_allclose(rate.sum(axis=(0, 1)) @ weight / 2, heat.relaxation[k], atol=1e-8 * heat.total)


@given(seeds)
@settings(max_examples=60)
def test_invariant_currents_add_up_to_the_whole(seed):
    layers, interfaces = stack_of(seed)
    found = solve_stack(layers, interfaces, current_density=-4e9)
    profile = found.profile(positions(layers, found, np.random.default_rng(seed)))
    np.testing.assert_allclose(profile.current_density.sum(axis=0), -4e9, rtol=TOLERANCE)
    np.testing.assert_array_equal(profile.relaxation_rate, -profile.relaxation_rate.swapaxes(0, 1))
    close(profile.affinity, -profile.affinity.swapaxes(0, 1), 0)


@given(seeds)
@settings(max_examples=40)
def test_invariant_a_profile_obeys_ohm_and_conservation(seed):
    """Differences of the potentials give the currents, those of the currents the rates (order 6)."""
    layers, interfaces = stack_of(seed)
    found = solve_stack(layers, interfaces)
    stencil = np.array([-1, 9, -45, 0, 45, -9, 1]) / 60
    for k, layer in enumerate(layers):
        left, right = found.edges[k : k + 2]
        lengths = layer.medium.diffusion_lengths
        if np.isinf(right - left) or right - left < 1e-7 * right:
            continue
        step = min(0.02 * (right - left), *(0.03 * lengths), 1.0)
        middle = left + step * 4
        assume(step > 1e-9 * right)
        profile = found.profile(middle + step * np.arange(-3, 4))
        rows = np.isfinite(profile.electrochemical_potential[:, 3])
        sigma = layer.medium.conductivity[rows]
        # The potentials in one channel's frame keep the digits of the accumulation.
        slope = (profile.electrochemical_potential[rows] @ stencil) / step / e
        currents = profile.current_density[rows]
        scale = np.abs(currents).max()
        noise = 1e-14 * np.nanmax(np.abs(profile.electrochemical_potential)) / e / step * sigma.max()
        np.testing.assert_allclose(-sigma * slope, currents[:, 3], rtol=0, atol=1e-6 * scale + noise)
        leak = profile.relaxation_rate[rows, :, 3].sum(axis=1)
        bound = 1e-6 * np.abs(profile.relaxation_rate[..., 3]).max() + 1e-12 * scale / step
        np.testing.assert_allclose(-(currents @ stencil) / step, leak, rtol=0, atol=bound)


@given(seeds)
@settings(max_examples=60)
def test_invariant_interface_conditions(seed):
    """Across a contact without relaxation currents go on and potentials differ by e r_i J_i; blocked: no current."""
    layers, interfaces = stack_of(seed)
    found = solve_stack(layers, interfaces)
    inner = found.edges[1:-1]
    left, right = found.profile(inner, side="left"), found.profile(inner, side="right")
    potential = np.array([left.electrochemical_potential, right.electrochemical_potential])
    top = np.nanmax(np.abs(potential))
    for k, interface in enumerate(interfaces):
        if interface is not None and interface.relaxation is not None:
            continue
        resistance = np.zeros(4) if interface is None else interface.resistance
        passes = np.isfinite(resistance) & (layers[k].medium.conductivity > 0) & (layers[k + 1].medium.conductivity > 0)
        for profile in (left, right):
            np.testing.assert_allclose(profile.current_density[~passes, k], 0, atol=TOLERANCE)
        np.testing.assert_allclose(
            left.current_density[passes, k], right.current_density[passes, k], rtol=0, atol=TOLERANCE
        )
        jump = potential[0][passes, k] - potential[1][passes, k]
        expected = e * resistance[passes] * left.current_density[passes, k]
        known = np.isfinite(jump)
        np.testing.assert_allclose(jump[known], expected[known], rtol=TOLERANCE, atol=TOLERANCE * top)


@given(seeds, st.floats(0.001, 0.999))
@settings(max_examples=60)
def test_invariant_split_layers(seed, fraction):
    layers, interfaces = stack_of(seed)
    one = solve_stack(layers, interfaces)
    split, faces = [], []
    for k, layer in enumerate(layers):
        parts = [layer.thickness * fraction, layer.thickness * (1 - fraction)]
        if np.isinf(layer.thickness):
            # A lead: cut one decay length off.
            length = max(layer.medium.diffusion_lengths, default=1e-9)
            parts = [np.inf, length] if k == 0 else [length, np.inf]
        split += [Layer(layer.medium, part) for part in parts]
        faces += [None if k % 2 else Interface(np.zeros(4)), *interfaces[k : k + 1]]
    other = solve_stack(split, faces)
    moved = [
        max(layer.medium.diffusion_lengths, default=1e-9) / layer.medium.total_conductivity
        for layer in layers
        if np.isinf(layer.thickness)
    ]
    np.testing.assert_allclose(other.excess_resistance, one.excess_resistance, rtol=TOLERANCE)
    np.testing.assert_allclose(other.resistance - sum(moved), one.resistance, rtol=TOLERANCE)


@given(seeds)
@settings(max_examples=40)
def test_invariant_interface_without_resistance(seed):
    layers, _ = stack_of(seed)
    clear = [Interface(np.zeros(4))] * (len(layers) - 1)
    bare = solve_stack(layers)
    for interfaces in (clear, [None] * len(clear)):
        found = solve_stack(layers, interfaces)
        assert (found.resistance, found.excess_resistance) == (bare.resistance, bare.excess_resistance)
        assert not found.dissipation().interfaces.any()


@given(seeds, st.floats(-12, 12))
@settings(max_examples=40)
def test_invariant_scaled_conductances(seed, power):
    """(sigma, G, 1/r, g) -> k (sigma, G, 1/r, g): AR -> AR/k, currents stay."""
    layers, interfaces = stack_of(seed)
    factor = 10.0**power
    one = solve_stack(layers, interfaces)
    other = solve_stack([scaled(x, factor) for x in layers], [scaled(x, factor) for x in interfaces])
    np.testing.assert_allclose(other.resistance * factor, one.resistance, rtol=TOLERANCE)
    np.testing.assert_allclose(other.excess_resistance * factor, one.excess_resistance, rtol=TOLERANCE)
    z = positions(layers, one, np.random.default_rng(seed))
    close(other.profile(z).current_density, one.profile(z).current_density)
    close(other.profile(z).affinity * factor, one.profile(z).affinity)


@given(seeds, st.floats(-3, 3))
@settings(max_examples=40)
def test_invariant_scaled_lengths(seed, power):
    """Lengths times k, G and g over k^2 and k, r times k: AR -> k AR."""
    layers, interfaces = stack_of(seed)
    k = 10.0**power
    media = [Layer(Medium(x.medium.conductivity, x.medium.relaxation / k**2), x.thickness * k) for x in layers]
    faces = [scaled(x, 1 / k) for x in interfaces]
    one, other = solve_stack(layers, interfaces), solve_stack(media, faces)
    np.testing.assert_allclose(other.excess_resistance / k, one.excess_resistance, rtol=TOLERANCE)
    np.testing.assert_allclose(other.resistance / k, one.resistance, rtol=TOLERANCE)


@given(seeds, st.floats(-20, 20), st.sampled_from([-1.0, 1.0]))
@settings(max_examples=40)
def test_invariant_linear_in_the_current(seed, power, sign):
    """Profiles are proportional to J, heat to J^2, resistances do not know it."""
    layers, interfaces = stack_of(seed)
    current = sign * 10.0**power
    one, other = solve_stack(layers, interfaces), solve_stack(layers, interfaces, current_density=current)
    assert other.current_density == current
    np.testing.assert_allclose(other.excess_resistance, one.excess_resistance, rtol=TOLERANCE)
    z = positions(layers, one, np.random.default_rng(seed))
    ours, theirs = one.profile(z), other.profile(z)
    for name in ("electrochemical_potential", "affinity", "current_density", "relaxation_rate"):
        close(getattr(theirs, name) / current, getattr(ours, name))
    np.testing.assert_allclose(other.dissipation().total / current**2, one.dissipation().total, rtol=TOLERANCE)


def test_invariant_no_current_moves_nothing():
    layers, interfaces = stack_of(3)
    one, none = solve_stack(layers, interfaces), solve_stack(layers, interfaces, current_density=0.0)
    np.testing.assert_allclose(none.resistance, one.resistance, rtol=TOLERANCE)
    profile = none.profile(positions(layers, one, np.random.default_rng(3)))
    assert not np.nan_to_num(profile.electrochemical_potential).any()
    assert not profile.current_density.any()
    assert none.dissipation().total == 0


@given(seeds)
@settings(max_examples=60)
def test_invariant_more_resistance_never_lowers_the_whole(seed):
    """Rayleigh: less conductance, less relaxation or a higher contact anywhere raises AR (a minimum of the heat)."""
    rng = np.random.default_rng(seed)
    layers, interfaces = random_stack(rng)
    before = solve_stack(layers, interfaces).resistance
    k = int(rng.integers(len(layers)))
    if np.isfinite(layers[k].thickness):
        medium = layers[k].medium
        cut = rng.uniform(0.3, 1.0, 4)
        shade = rng.uniform(0.3, 1.0, (4, 4))
        weaker = Medium(medium.conductivity * cut, medium.relaxation * np.minimum(shade, shade.T))
        layers[k] = Layer(weaker, layers[k].thickness)
    interfaces = [None if x is None else scaled(x, rng.uniform(0.3, 1.0)) for x in interfaces]
    assert solve_stack(layers, interfaces).resistance >= before * (1 - 1e-12)


@given(seeds)
@settings(max_examples=60)
def test_invariant_modes_of_a_medium(seed):
    """K >= 0 with one zero mode per group of channels; lengths against a dense symmetric eigenvalue solver."""
    rng = np.random.default_rng(seed)
    medium = random_medium(rng)
    open_ = np.flatnonzero(medium.conductivity)
    groups = [{i} for i in open_]
    for i, j in combinations(open_, 2):
        if medium.relaxation[i, j]:
            joined = [g for g in groups if i in g or j in g]
            groups = [g for g in groups if g not in joined] + [set().union(*joined)]
    lengths = medium.diffusion_lengths
    assert len(lengths) == len(open_) - len(groups)
    assert (np.diff(lengths) >= 0).all()
    sigma, g = medium.conductivity[open_], medium.relaxation[np.ix_(open_, open_)]
    k = (np.diag(g.sum(axis=1)) - g) / np.sqrt(np.outer(sigma, sigma))
    values = np.linalg.eigvalsh(k)
    top = values[-1] if len(lengths) else 1.0
    np.testing.assert_allclose(values[len(groups) :], np.sort(lengths**-2.0), rtol=1e-10, atol=1e-14 * top)
    np.testing.assert_allclose(values[: len(groups)], 0, atol=1e-14 * top)


@pytest.mark.parametrize("decades", [6, 24])
def test_invariant_decay_lengths_keep_their_digits_however_far_apart(decades):
    """Against 120 digits; an ordinary eigenvalue solver loses as many digits as the square of the ratio has."""
    worst = 0.0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        sigma = 10 ** rng.uniform(-decades / 2, decades / 2, 4)
        g = np.triu(10 ** rng.uniform(-decades / 2, decades / 2, (4, 4)), 1)
        g = g + g.T
        found = Medium(sigma, g).diffusion_lengths
        with mpmath.workdps(120):
            s, rates = mpmath.matrix(sigma.tolist()), mpmath.matrix(g.tolist())
            k = mpmath.matrix(4, 4)
            for i, j in permutations(range(4), 2):
                k[i, j] = -rates[i, j] / mpmath.sqrt(s[i] * s[j])
                k[i, i] += rates[i, j] / s[i]
            exact = [1 / mpmath.sqrt(value) for value in mpmath.eigsy(k, eigvals_only=True)[1:]]
            worst = max(worst, *(abs(float(a / b - 1)) for a, b in zip(found, sorted(exact), strict=True)))
    assert worst < 1e-12  # measured: 2e-14 at 24 decades


@pytest.mark.parametrize("count", [1, 2, 5, 64])
def test_invariant_a_uniform_wire_has_no_excess(count):
    """However it is cut, and however its channels differ."""
    medium = random_medium(np.random.default_rng(0), connected=True)
    layers = [Layer(medium, 7e-9)] * count
    found = solve_stack(layers)
    bulk = count * 7e-9 / medium.total_conductivity
    np.testing.assert_allclose(found.resistance, bulk, rtol=1e-13)
    assert abs(found.excess_resistance) <= 1e-13 * bulk
    lead = Layer(medium, np.inf)
    assert abs(solve_stack([lead, *layers, lead]).excess_resistance) <= 1e-13 * bulk
