"""Stacks under a current: by matrix exponentials, by two channels, by circuit theory, by quadrature.

The first route carries (w, j, 1) through each layer by scipy.linalg.expm and joins it to the decaying modes of the
leads; it shares neither mesh nor admittances with the library and the page. Lengths are in m, w in J.
"""

import ast
import re
from itertools import pairwise
from math import inf

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from spinlib import diffusion
from spinlib.accumulation import (
    Boundary,
    DiffusiveMedium,
    Layer,
    SpinStructure,
    solve_accumulation,
    transverse_wavenumber,
)
from spinlib.circuit import InterfaceConductance, spin_valve
from spinlib.dynamics.macrospin import LinearField, ValveTorque, integrate_llg
from spinlib.materials import material
from spinlib.spin import cross_matrix, direction, unit_vector
from spinlib.units import e, gyromagnetic_ratio, hbar, meV, nm, ns
from tests.book.chapter_code import code_cells
from tools.notebooks import ROOT

CHAPTER = ROOT / "book" / "spin_injection_stacks.md"
Z = np.array([0.0, 0.0, 1.0])
NU, J = 5.6e46, 1e11
UNIT = J / (2 * e)
# rho*, beta, l, typed here so that a change of the table of materials does not move these tests.
CU, CO, PY = (6e-9, 0.0, 450 * nm), (75e-9, 0.46, 60 * nm), (290e-9, 0.76, 5.5 * nm)


def medium(metal, splitting=0.0, density=1.0):
    star, _, length = metal
    nu = density * NU
    d = 1 / (2 * e**2 * star * nu)
    flight = 3 * d / 1.5e6**2 if splitting else 0.0
    return DiffusiveMedium(d, length**2 / d, flight, splitting, nu)


def slab(metal, thickness, arrow=Z, splitting=0.0):
    return Layer(medium(metal, splitting, 2.0 if metal[1] else 1.0), thickness, arrow, drift=metal[1] * UNIT)


def still(bulk):
    """The medium with a splitting of 20 meV and without flights, which nothing limits."""
    return DiffusiveMedium(bulk.diffusivity, bulk.spin_relaxation_time, 0.0, 20 * meV, bulk.density_of_states)


def valve(theta, d_1=8 * nm, d_2=8 * nm, spacer=CU, splitting=200 * meV):
    return [
        slab(CU, 20 * nm),
        slab(CO, d_1, Z, splitting),
        slab(spacer, 5 * nm),
        slab(PY, d_2, direction(theta), splitting),
        slab(CU, 20 * nm),
    ]


def solved(layers, left=None, right=None, rtol=1e-11):
    open_end = Boundary.open()
    return solve_accumulation(SpinStructure(layers, left or open_end, right or open_end), rtol=rtol)


def across(vector, n):
    return vector - (vector @ n)[..., None] * n


@pytest.fixture(scope="module")
def page():
    """Functions of the page."""
    names = {}
    sources = code_cells(CHAPTER)
    last = next(i for i, source in enumerate(sources) if "def circuit(" in source)
    for source in sources[: last + 1]:
        if "plt.subplots" not in source and "plotting.summary" not in source:
            exec(source.partition("theta = np.linspace")[0], names)
    return names


@pytest.fixture(scope="module")
def motion(page):
    """Page, with its torque on a moment, and the motion that it is for: damping, rate of precession, field."""
    [cell] = [source for source in code_cells(CHAPTER) if "class StackTorque" in source]
    exec(cell.partition("given = {")[0], page)
    return page, 0.02, 0.05 * gyromagnetic_ratio, LinearField(tensor=0.05 * np.outer(Z, Z))


# --- routes -----------------------------------------------------------------------------------------------------------


def generator(layer, scale):
    """d(w, j scale, 1)/dx, w in J."""
    metal, n = layer.medium, np.asarray(layer.magnetization)
    stiff, h = metal.diffusivity * metal.density_of_states, metal.exchange_frequency * cross_matrix(n)
    matrix = np.zeros((7, 7))
    matrix[:3, 3:6] = -(np.eye(3) + metal.momentum_time * h) / (stiff * scale)
    matrix[:3, 6] = layer.drift * n / stiff
    matrix[3:6, :3] = -metal.density_of_states * (np.eye(3) / metal.spin_relaxation_time + h) * scale
    return matrix


def by_exponentials(layers):
    """(w, j) at all inner faces of layers between endless outer ones."""
    metal = layers[0].medium
    scale = metal.spin_diffusion_length / (metal.diffusivity * metal.density_of_states)
    modes, far = [], []  # far away w = 0, and j is what the field drives
    for layer, sign in ((layers[0], 1), (layers[-1], -1)):
        values, vectors = np.linalg.eig(generator(layer, scale)[:6, :6])
        chosen = vectors[:, np.sign(values.real) == sign]
        assert chosen.shape == (6, 3)
        modes.append(chosen)
        far.append(np.concatenate([np.zeros(3), layer.drift * scale * np.asarray(layer.magnetization)]))
    passed = [np.eye(7)]
    for layer in layers[1:-1]:
        passed.append(expm(generator(layer, scale) * layer.thickness) @ passed[-1])
    whole = passed[-1]
    system = np.concatenate([whole[:6, :6] @ modes[0], -modes[1]], axis=1)
    unmatched = far[1] - whole[:6, 6] - whole[:6, :6] @ far[0]
    left = far[0] + modes[0] @ np.linalg.solve(system, unmatched)[:3]
    states = np.array([(each @ np.append(left, 1.0)).real[:6] for each in passed])
    return states[:, :3], states[:, 3:] / scale


# --- injection --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [1e-2, 0.7, 30.0])
@pytest.mark.parametrize("end", ["endless", "sink", "insulated"])
def test_limit_a_jump_of_drift_feeds_both_metals(ratio, end):
    metal = (ratio * CO[0] * CO[2] / CU[2], 0.0, CU[2])
    thickness = 0.3 * CU[2]
    right = {"sink": Boundary.spin_accumulation(0 * Z), "insulated": Boundary.spin_current(0 * Z)}.get(end)
    found = solved([slab(CO, 50 * nm), slab(metal, thickness)], right=right)
    u = {"endless": 1.0, "sink": np.tanh(0.3), "insulated": 1 / np.tanh(0.3)}[end]
    j = found.at(found.edges[1])[1][2] / UNIT
    assert j == pytest.approx(0.46 / (1 + ratio * u), abs=1e-9)
    w = found.at(found.edges[1])[0][2] / NU
    assert w / (2 * e**2 * metal[0] * metal[2] * u * UNIT * 0.46) == pytest.approx(1 / (1 + ratio * u), abs=1e-9)


@pytest.mark.parametrize("thickness", [0.1 * nm, 30 * nm])
def test_limit_a_layer_without_flips_is_a_resistive_contact(thickness):
    r_b, gamma = 2e-15, -0.6
    contact = Layer(
        DiffusiveMedium(thickness / (2 * e**2 * r_b * NU), inf, density_of_states=NU), thickness, drift=gamma * UNIT
    )
    found = solved([slab(CO, 50 * nm), contact, slab(CU, 50 * nm)])
    r_f, r_n = CO[0] * CO[2], CU[0] * CU[2]
    wanted = (0.46 * r_f + gamma * r_b) / (r_f + r_b + r_n)
    assert found.at(found.edges[1])[1][2] / UNIT == pytest.approx(wanted, abs=1e-9)
    # The same by channels with an interface.
    stack = diffusion.solve_stack(
        [diffusion.Layer(diffusion.Medium.valet_fert(*metal), inf) for metal in (CO, CU)],
        [diffusion.Interface.valet_fert(r_b, gamma)],
        current_density=-J,
    )
    flows = stack.profile(0.0, "right").current_density[:, 0]
    assert -(flows[0] - flows[1]) / J == pytest.approx(wanted, abs=1e-9)


# --- collinear stacks -------------------------------------------------------------------------------------------------

METALS = st.tuples(st.floats(5e-9, 5e-7), st.floats(-0.9, 0.9), st.floats(4e-9, 3e-7), st.floats(2e-9, 2e-8))


@given(st.lists(st.tuples(METALS, st.sampled_from([1, -1])), min_size=3, max_size=5), st.booleans())
@settings(deadline=None, max_examples=30)
def test_invariant_collinear_stacks_agree_with_two_channels(stack, lead):
    """The left end is a reservoir, the right end a lead or a reservoir; exchange must not matter."""
    assume(max(abs(s * m[1] - t * n[1]) for (m, s), (n, t) in pairwise(stack)) > 0.01)  # else nothing accumulates
    layers = [Layer(still(medium(metal[:3])), metal[3], sign * Z, drift=metal[1] * UNIT) for metal, sign in stack]
    found = solve_accumulation(SpinStructure(layers, None, Boundary.open() if lead else None), rtol=1e-11)
    channels = []
    for index, (metal, sign) in enumerate(stack):
        endless = lead and index == len(stack) - 1
        layer = diffusion.Layer(diffusion.Medium.valet_fert(*metal[:3]), inf if endless else metal[3])
        channels.append(diffusion.reverse(layer) if sign < 0 else layer)
    reference = diffusion.solve_stack(channels, current_density=-J)
    x = found.position
    cuts = np.flatnonzero(np.diff(x) == 0) + 1
    area, largest = 0.0, {"w": 0.0, "j": 0.0}
    misses = {"w": [], "j": []}
    for part, layer, (metal, sign) in zip(np.split(np.arange(len(x)), cuts), layers, stack, strict=True):
        w = found.deviation[part, 2] / layer.medium.density_of_states
        inner = part[1:-1]
        profile = reference.profile(x[inner])
        theirs = {
            "w": -profile.spin_accumulation / 2,
            "j": -(profile.current_density[0] - profile.current_density[1]) / (2 * e),
        }
        for name, mine in (("w", w[1:-1]), ("j", found.spin_current[inner, 2])):
            misses[name].append(np.abs(mine - theirs[name]).max())
            largest[name] = max(largest[name], np.abs(theirs[name]).max())
        # Electrochemical potential: Ohm's law, and beta times the rise of w along M.
        area += metal[0] * (1 - metal[1] ** 2) * metal[3] + metal[1] * sign * (w[-1] - w[0]) / (e * J)
    # Floors: 1e-3 of the spin current, and of what it would drive through 1 fOhm m^2.
    assert max(misses["w"]) <= 1e-9 * max(largest["w"], 1e-3 * e * J * 1e-15)
    assert max(misses["j"]) <= 1e-9 * max(largest["j"], 1e-3 * UNIT)
    if lead:
        # The lead counts from its asymptote: without its bulk, with the drop of beta w beyond the last node.
        metal, sign = stack[-1]
        area += -metal[1] * sign * w[-1] / (e * J) - metal[0] * (1 - metal[1] ** 2) * metal[3]
    assert area == pytest.approx(reference.resistance, abs=1e-9 * reference.resistance)


# --- stacks at an angle -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theta", [0.0, 0.6, 1.7, 2.9, np.pi])
@pytest.mark.parametrize("splitting", [50 * meV, 200 * meV])
def test_limit_stack_at_an_angle_by_matrix_exponentials(theta, splitting):
    layers = valve(theta, splitting=splitting)
    found = solved(layers)
    w, j = by_exponentials(layers)
    for index, edge in enumerate(found.edges[1:-1]):
        at, flow = found.at(edge)  # of the layer on the right
        layer = layers[index + 1]
        rest = np.asarray(layer.magnetization) * bool(layer.medium.exchange_splitting)
        mine = (at - rest) / layer.medium.density_of_states
        np.testing.assert_allclose(mine, w[index], rtol=0, atol=1e-8 * np.abs(w).max())  # expm over 8 nm loses digits
        np.testing.assert_allclose(flow, j[index], rtol=0, atol=1e-8 * np.abs(j).max())


@pytest.mark.parametrize("theta", [0.6, 2.0])
def test_limit_endless_magnets_at_an_angle_by_matrix_exponentials(theta):
    layers = valve(theta)[1:4]
    found = solved(layers)
    w, j = by_exponentials(layers)
    for index, edge in enumerate(found.edges[1:-1]):
        at, flow = found.at(edge)
        rest = (np.zeros(3), direction(theta))[index]
        mine = (at - rest) / layers[index + 1].medium.density_of_states
        np.testing.assert_allclose(mine, w[index], rtol=0, atol=1e-9 * np.abs(w).max())
        np.testing.assert_allclose(flow, j[index], rtol=0, atol=1e-9 * np.abs(j).max())


@pytest.mark.parametrize("theta", [0.3, 1.5, 2.8])
def test_limit_the_closed_form_of_the_page_by_matrix_exponentials(page, theta):
    layers = valve(theta)
    sides = page["seen"](layers[1::-1], -1), page["seen"](layers[3:], 1)
    w_1, w_2, into = page["spacer_faces"](sides[0], Z, layers[2], sides[1], direction(theta))
    w, j = by_exponentials(layers)
    np.testing.assert_allclose([w_1, w_2], w[1:3], rtol=0, atol=1e-8 * np.abs(w).max())
    np.testing.assert_allclose(into, j[2], rtol=0, atol=1e-8 * np.abs(j).max())


ARROWS = st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda v: np.linalg.norm(v) > 0.1).map(unit_vector)


@given(st.lists(st.tuples(METALS, ARROWS), min_size=2, max_size=4))
@settings(deadline=None, max_examples=20)
def test_invariant_angular_momentum_is_conserved_layer_by_layer(stack):
    """Integrals by 40 Gauss points from values between the nodes; the torque stands across M."""
    drifts = [metal[1] * arrow for metal, arrow in stack]
    assume(max(np.abs(np.subtract(a, b)).max() for a, b in pairwise(drifts)) > 0.01)  # else nothing accumulates
    layers = []
    for metal, arrow in stack:
        layers.append(Layer(still(medium(metal[:3])), metal[3], arrow, drift=metal[1] * UNIT))
    found = solved(layers)
    nodes, weights = np.polynomial.legendre.leggauss(40)
    flows = [found.at(edge)[1] for edge in found.edges]
    for index, layer in enumerate(layers):
        start, stop = found.edges[index : index + 2]
        m = found.at((start + stop) / 2 + (stop - start) / 2 * nodes)[0]
        mean = (stop - start) / 2 * weights
        n, metal = np.asarray(layer.magnetization), layer.medium
        torque = metal.exchange_frequency * np.cross(n, mean @ m)
        flips = mean @ (m - n) / metal.spin_relaxation_time
        size = 1e-8 * UNIT
        np.testing.assert_allclose(found.layer_torque[index], torque, rtol=0, atol=size)
        np.testing.assert_allclose(found.layer_relaxation[index], flips, rtol=0, atol=size)
        np.testing.assert_allclose(flows[index] - flows[index + 1], torque + flips, rtol=0, atol=size)
        assert abs(found.layer_torque[index] @ n) <= size


# --- absorption -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("splitting", [50 * meV, 800 * meV])
@pytest.mark.parametrize("thickness", [1.5 * nm, 4 * nm])
def test_limit_torque_of_a_layer_on_a_sink(splitting, thickness):
    n = direction(np.pi / 2)
    layers = [*valve(np.pi / 2)[:3], slab(PY, thickness, n, splitting)]
    found = solve_accumulation(SpinStructure(layers, Boundary.open()), rtol=1e-11)
    metal = layers[-1].medium
    k = transverse_wavenumber(metal)
    omega = 1j * metal.exchange_frequency
    share = omega / (omega + 1 / metal.spin_relaxation_time) * (1 - 1 / np.cosh(k * thickness))
    frame = np.stack([np.cross(n, Z), -Z])  # n x e_1 = e_2
    np.testing.assert_allclose(np.cross(n, frame[0]), frame[1], atol=1e-15)
    entering, torque = (frame @ v for v in (found.at(found.edges[3])[1], found.layer_torque[3]))
    ratio = (torque[0] + 1j * torque[1]) / (entering[0] + 1j * entering[1])
    assert abs(ratio - share) < 1e-9


def test_limit_strong_exchange_absorbs_like_a_perfect_absorber():
    metal = medium(PY, 5e4 * 200 * meV, 2.0)
    k = transverse_wavenumber(metal)
    y = metal.diffusivity * metal.density_of_states * k / (1 + 1j * metal.precession_angle)
    sharvin = metal.density_of_states * metal.fermi_velocity / 4
    assert y / sharvin == pytest.approx(4 / np.sqrt(3), abs=1e-3)
    path = metal.mean_free_path * (1 - metal.momentum_time / metal.spin_relaxation_time)
    assert 1 / (k.real * path) == pytest.approx(2 / np.sqrt(3), abs=1e-3)


# --- contacts ---------------------------------------------------------------------------------------------------------

ONE, TWO = InterfaceConductance(1.2e15, 0.5e15, 0.9e15 + 0.2e15j), InterfaceConductance(0.8e15, 0.2e15, 6e14 - 1e14j)
N_1, N_2 = Z, direction(1.2)


def contact(interface, n, flow, share=None):
    """End that takes the electrons flow; share is the conductance along n over G/2."""
    share = 1 - interface.polarization**2 if share is None else share
    along, keep = interface.total / 2 * share, np.outer(n, n)
    matrix = along * keep + interface.mixing.real * (np.eye(3) - keep) + interface.mixing.imag * cross_matrix(n)
    return Boundary.contact(matrix / e**2, -interface.polarization * flow * e / (2 * along) * n)


def in_series(interface, resistance):
    values = interface.majority, interface.minority, interface.mixing
    return InterfaceConductance(*(1 / (1 / g + resistance) for g in values))


def errors(thickness, length, corrected):
    """Relative errors of the node: accumulation in the middle, torque on the right magnet."""
    metal = medium((CU[0], 0.0, length))
    layer = Layer(metal, thickness)
    found = solve_accumulation(SpinStructure([layer], contact(ONE, N_1, -J), contact(TWO, N_2, J)), rtol=1e-11)
    w, torque = found.at(thickness / 2)[0] / NU, across(found.at(thickness)[1], N_2)
    ends, loss = [ONE, TWO], 0.0
    if corrected:
        ends = [in_series(end, CU[0] * thickness) for end in ends]
        loss = 2 * e**2 * NU * thickness / metal.spin_relaxation_time
    node = spin_valve(-N_1, -N_2, *ends, charge_current=J, spin_flip_conductance=loss)
    pairs = ((w, -e * node.spin_voltage), (torque, across(-node.spin_current2 / (2 * e), N_2)))
    return np.array([np.linalg.norm(mine - theirs) / np.linalg.norm(mine) for mine, theirs in pairs])


@pytest.mark.parametrize("thickness", [0.1 * nm, 5 * nm, 100 * nm])
def test_limit_a_spacer_without_flips_is_a_node_with_its_resistance_in_the_contacts(thickness):
    assert errors(thickness, inf, True).max() < 1e-9


def test_limit_a_thin_spacer_is_a_node():
    thick, thin = errors(1 * nm, CU[2], False), errors(0.1 * nm, CU[2], False)
    np.testing.assert_allclose(thick / thin, 10, rtol=0.01)  # first order in the thickness
    assert thin.max() < 1e-3
    thick, thin = errors(3 * nm, CU[2], True), errors(0.3 * nm, CU[2], True)
    np.testing.assert_allclose(thick / thin, (100, 1000), rtol=0.05)  # second and third order
    assert thin.max() < 1e-6


def test_limit_a_contact_at_a_given_current_has_the_two_spins_in_series():
    """Parallel magnets: with G/2 in the place of 2 G_up G_down/G the accumulation is short by a known factor."""
    node = spin_valve(-Z, -Z, ONE, TWO, charge_current=J).spin_voltage * -e
    layer = Layer(medium((CU[0], 0.0, inf)), 1e-13)
    right = solve_accumulation(SpinStructure([layer], contact(ONE, Z, -J), contact(TWO, Z, J)))
    # abs: 1e-13 m of copper, 6e-22 Ohm m^2 beside 1e-15
    assert right.at(0.0)[0][2] / NU / node[2] == pytest.approx(1, abs=1e-5)
    wrong = solve_accumulation(SpinStructure([layer], contact(ONE, Z, -J, 1.0), contact(TWO, Z, J, 1.0)))
    series = sum(end.total * (1 - end.polarization**2) for end in (ONE, TWO))
    factor = series / (ONE.total + TWO.total)
    assert wrong.at(0.0)[0][2] / NU / node[2] == pytest.approx(factor, abs=1e-5)
    assert factor < 0.85


def test_limit_open_ends_are_long_leads():
    layers = valve(1.1)
    mine = solved(layers)
    long = [slab(CU, 12 * CU[2]), *layers[1:-1], slab(CU, 12 * CU[2])]
    theirs = solve_accumulation(SpinStructure(long), rtol=1e-11)
    np.testing.assert_allclose(mine.layer_torque[1:4], theirs.layer_torque[1:4], rtol=0, atol=1e-9 * UNIT)
    np.testing.assert_allclose(mine.layer_relaxation[1:4], theirs.layer_relaxation[1:4], rtol=0, atol=1e-9 * UNIT)


# --- torque against angle ---------------------------------------------------------------------------------------------


def test_limit_an_endless_magnet_has_its_conductivities_over_its_length(page):
    thick = [slab(CO, 8 * nm, Z, 200 * meV)]
    metal = thick[0].medium
    spacer = Layer(medium(CU), 1e-16)
    found = page["as_interface"](page["seen"](thick, -1), spacer)
    for mine, sign in ((found.majority, -1), (found.minority, 1)):
        assert mine * 2 * CO[0] * (1 + sign * 0.46) * CO[2] == pytest.approx(1, abs=1e-6)
    k = transverse_wavenumber(metal)
    y = metal.diffusivity * metal.density_of_states * k / (1 + 1j * metal.precession_angle)
    assert found.mixing / (e**2 * y) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("theta", [0.2, 1.4, 2.9])
def test_limit_thick_magnets_are_a_valve_of_circuit_theory(page, theta):
    """Spin current, resistance and the torque on the moment that the library of macrospins has for the circuit."""
    layers = valve(theta, 100 * nm, 80 * nm, (CU[0], 0.0, inf))
    n = direction(theta)
    found = solved(layers)
    ends = page["circuit"](layers)
    node = spin_valve(-Z, -n, *ends, charge_current=J)
    np.testing.assert_allclose(found.at(found.edges[3])[1] / UNIT, node.spin_current2 / -J, rtol=0, atol=1e-9)
    moment = 8e5 * 80 * nm
    valve_torque = ValveTorque(-Z, *ends, J, magnetic_moment=moment, pumping=False)(-n, 0.0)
    mine = -gyromagnetic_ratio * hbar / moment * found.layer_torque[3]
    share = medium(PY, 200 * meV, 2.0)
    lost = 1 / (share.exchange_frequency * share.spin_relaxation_time)  # 1/(1 + lost^2) and lost: what flips take
    assert np.linalg.norm(mine - valve_torque) <= 1.05 * lost * np.linalg.norm(valve_torque)
    complete = np.cross(n, mine) * lost
    # torque/j = i/(i + lost): j = torque (1 - i lost), and i turns about n as n x.
    np.testing.assert_allclose(mine - complete, valve_torque, rtol=0, atol=1e-6 * np.abs(valve_torque).max())


@pytest.mark.parametrize(("cobalt", "sign"), [(8 * nm, -1), (60 * nm, -1), (600 * nm, 1)])
def test_limit_torque_at_small_angles(page, cobalt, sign):
    layers, tilt = valve(0.0, d_1=cobalt, spacer=(CU[0], 0.0, inf)), 1e-4
    ends = page["circuit"](layers)
    along = [end.total * (1 - end.polarization**2) for end in ends]
    turn, sources = [2 * end.mixing for end in ends], [end.polarization for end in ends]
    v_z = (sources[0] - sources[1]) / sum(along)
    # Spins across n_2 = z as complex numbers: G_perp (Im G_perp n x) is a factor.
    slope = turn[1] * (sources[0] + (turn[0] - along[0]) * v_z) / sum(turn)
    layers = valve(tilt, d_1=cobalt, spacer=(CU[0], 0.0, inf))
    found = solved(layers)
    n = direction(tilt)
    j = across(found.at(found.edges[3])[1], n) / UNIT
    towards, around = -direction(tilt + np.pi / 2), np.cross(n, -direction(tilt + np.pi / 2))
    assert (j @ towards + 1j * (j @ around)) / tilt == pytest.approx(slope, abs=1e-5 * abs(slope))
    assert np.sign(slope.real) == sign


def test_limit_the_weaker_magnet_is_pushed_the_ordinary_way():
    """Electrons from permalloy to cobalt: the torque on the cobalt never changes its sign, and the other one does."""
    angles = np.linspace(0.1, np.pi - 0.1, 13)
    found = [solved(valve(angle), rtol=1e-8).layer_torque for angle in angles]
    on_cobalt = np.array([torque[1, 0] for torque in found])
    on_permalloy = np.array(
        [-torque[3] @ direction(angle + np.pi / 2) for torque, angle in zip(found, angles, strict=True)]
    )
    assert (on_cobalt < 0).all()
    assert on_permalloy[0] < 0 < on_permalloy[-1]
    assert np.count_nonzero(np.diff(np.sign(on_permalloy))) == 1


def parts(theta):
    """Torque towards the fixed magnet and about it over sin(theta), at J, from matrix exponentials."""
    j, n, bulk = by_exponentials(valve(theta))[1], direction(theta), medium(PY, 200 * meV, 2.0)
    kept = across(j[2] - j[3], n)
    lost = 1 / (bulk.exchange_frequency * bulk.spin_relaxation_time)
    torque = gyromagnetic_ratio * hbar / (8e5 * 8 * nm) * (kept + lost * np.cross(n, kept)) / (1 + lost**2)
    return np.array([-torque @ direction(theta + np.pi / 2), torque[1]]) / np.sin(theta)


@pytest.mark.parametrize("theta", [0.3, 1.4, 2.7])
def test_limit_torque_on_the_moment_by_matrix_exponentials(motion, theta):
    found = motion[0]["StackTorque"](8 * nm, J).parts(np.cos(theta))
    np.testing.assert_allclose(found, parts(theta), rtol=0, atol=1e-6 * np.abs(parts(theta)).max())


@pytest.mark.parametrize("m_z", [-1, 1])
def test_limit_trajectories_decay_below_the_threshold_and_grow_above(motion, m_z):
    """alpha Omega = a at the pole gives the threshold; log of the angle against the rate of the linear motion."""
    page, alpha, omega, axis = motion
    a, b = parts(3e-3 if m_z < 0 else np.pi - 3e-3)
    threshold = J * alpha * omega * m_z / (a - alpha * b)
    still = page["growth"](m_z * Z, None)
    driven = page["growth"](m_z * Z, page["StackTorque"](8 * nm, J))
    assert -J * still / (driven - still) == pytest.approx(threshold, abs=1e-4 * threshold)  # 3e-3 squared, times ten
    start = np.array([1e-3, 0.0, m_z * np.sqrt(1 - 1e-6)])
    for share in (0.9, 1.1):
        torque = page["StackTorque"](8 * nm, share * threshold)
        path = integrate_llg(start, axis, np.array([0.0, 40.0]) * ns, alpha=alpha, torque=torque, rtol=1e-9)
        found = np.log(np.hypot(*path[-1, :2]) / 1e-3)
        wanted = alpha * omega * (share - 1) / (1 + alpha**2) * 40 * ns
        assert found == pytest.approx(wanted, abs=0.01 * abs(wanted))


def test_limit_both_states_end_in_the_steady_precession_of_the_page(motion):
    """From near both poles at a current half above the larger threshold."""
    page, alpha, omega, axis = motion
    a, b = parts(3e-3)
    torque = page["StackTorque"](8 * nm, -1.5 * J * alpha * omega / (a - alpha * b))
    times = np.linspace(0, 150 * ns, 1501)
    start = direction(np.array([0.3, np.pi - 0.3]))
    path = integrate_llg(start, axis, times, alpha=alpha, torque=torque, rtol=1e-6)
    last = path[-1, :, 2]
    towards, around = torque.parts(-last)
    turning = omega * last + around
    np.testing.assert_allclose(towards, alpha * turning, rtol=0, atol=1e-3 * np.abs(towards).max())
    np.testing.assert_allclose(last, -0.754, rtol=0, atol=1e-3)  # the page prints three digits
    angle = np.unwrap(np.arctan2(path[-40:, :, 1], path[-40:, :, 0]), axis=0)
    slope = (angle[-1] - angle[0]) / (times[-1] - times[-40])
    np.testing.assert_allclose(slope, turning, rtol=1e-3)


# --- what the page says of its inputs ---------------------------------------------------------------------------------


def test_invariant_inputs_of_stacks_are_called_unverified_while_they_are():
    text = CHAPTER.read_text(encoding="utf-8")
    [cell] = [source for source in code_cells(CHAPTER) if source.startswith("wanted")]
    wanted = ast.literal_eval(re.search(r"wanted = (\{.*?\n\})", cell, re.DOTALL)[1])
    flags = [material(name, quantity).verified for name, found in wanted.items() for quantity in found]
    assert sum(flags) < len(flags) / 2, "then the captions are out of date"
    captions = re.findall(r"^ {6}\*\*.*$", text, re.MULTILINE)
    assert len(captions) == 4
    for caption in captions:
        assert "inputs mostly unverified" in caption or "unverified and chosen inputs" in caption
