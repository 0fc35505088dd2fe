"""The multilayer chapter: its stacks by transfer matrices of 50 digits, and its rules for the sign and the plots.

The second route keeps both spins: it carries (mu_up, mu_down, J_up, J_down) through the stack in mpmath, where growing
exponentials do no harm, and knows nothing of the chapter's spin network or of the library's two-ports.
"""

import ast
import re
from math import inf

import jupytext
import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from spinlib.diffusion import Interface, Layer, Medium, reverse, solve_stack
from spinlib.materials import material
from tools.notebooks import ROOT

CHAPTER = ROOT / "book" / "cpp_gmr.md"
FEMTO, NM = 1e-15, 1e-9

# Inputs of the worked example, typed here so that a change of the table of materials does not move these tests:
# rho*, beta, l of the layers and r_b*, gamma of their faces towards copper.
CU = (6e-9, 0.0, 450e-9)
CO, CO_CU = (75e-9, 0.46, 59e-9), (0.51e-15, 0.77)
PY, PY_CU = (290e-9, 0.76, 5.5e-9), (0.5e-15, 0.7)

# A stack is a list of layers (rho*, beta, l, t) and faces (r_b*, gamma, delta).
LEAD = (*CU, inf)


def cells():
    """The code of the page, cell by cell."""
    found = jupytext.reads(CHAPTER.read_text(encoding="utf-8"), fmt="md:myst").cells
    return [cell.source for cell in found if cell.cell_type == "code"]


# --- routes -----------------------------------------------------------------------------------------------------------


def carried(item):
    """Transfer matrix of (mu_up, mu_down, J_up, J_down), potentials in V; mp.mpf throughout."""
    if len(item) == 3 and not item[2]:
        star, gamma, _ = map(mp.mpf, item)
        matrix = mp.eye(4)
        matrix[0, 2], matrix[1, 3] = -2 * star * (1 - gamma), -2 * star * (1 + gamma)
        return matrix
    # A face with memory loss is a layer delta lengths thick.
    star, asymmetry, length, t = (item[0], item[1], 1 / mp.mpf(item[2]), 1) if len(item) == 3 else item
    rho = [2 * mp.mpf(star) * (1 - s * mp.mpf(asymmetry)) for s in (1, -1)]
    length, t = mp.mpf(length), mp.mpf(t)
    rate = 1 / (length**2 * (rho[0] + rho[1]))
    c, s = mp.cosh(t / length), mp.sinh(t / length)
    total, matrix = rho[0] + rho[1], mp.matrix(4, 4)
    for k in range(4):  # columns: what each start value becomes
        mu, current = [mp.mpf(k == 0), mp.mpf(k == 1)], [mp.mpf(k == 2), mp.mpf(k == 3)]
        split, flow = mu[0] - mu[1], current[0] + current[1]
        slope = -rho[0] * current[0] + rho[1] * current[1]
        later = split * c + slope * length * s
        # J_i'' from the rate; the integral of split over the layer is what has flipped.
        flipped = rate * (split * length * s + slope * length**2 * (c - 1))
        up, down = current[0] - flipped, current[1] + flipped
        # Two large numbers may cancel: 45 of 50 digits of the larger one.
        assert abs(up + down - flow) <= mp.mpf(10) ** -45 * (1 + abs(up))
        # rho_up mu_down + rho_down mu_up has no split in it: it falls linearly.
        even = (rho[1] * mu[0] + rho[0] * mu[1]) / total - flow * rho[0] * rho[1] / total * t
        matrix[0, k], matrix[1, k] = even + rho[0] / total * later, even - rho[1] / total * later
        matrix[2, k], matrix[3, k] = up, down
    return matrix


def by_transfer(items):
    """A R between the ends [Ohm m^2]; an end is a lead (first or last layer infinite) or a sink."""
    with mp.workdps(50):
        ends = [x[3] == inf if len(x) == 4 else False for x in (items[0], items[-1])]
        inner = items[ends[0] : len(items) - ends[1]]
        product = mp.eye(4)
        for item in inner:
            product = carried(item) * product
        # Unknown: spin current J_up - J_down = j at the left end, for J = 1 and mean potential 0 there.
        outer = zip((items[0], items[-1]), ends, strict=True)
        impedance = [2 * mp.mpf(x[0]) * x[2] if lead else mp.mpf(0) for x, lead in outer]

        def right(j):
            split = -impedance[0] * j
            return product * mp.matrix([split / 2, -split / 2, (1 + j) / 2, (1 - j) / 2])

        def misfit(j):
            state = right(j)
            return state[0] - state[1] - impedance[1] * (state[2] - state[3])

        zero, one = misfit(mp.mpf(0)), misfit(mp.mpf(1))
        state = right(-zero / (one - zero))
        return float(-(state[0] + state[1]) / 2)


def by_library(items):
    layers, faces, between = [], [], None
    for item in items:
        if len(item) == 3:
            between = Interface.valet_fert(item[0], item[1], item[2])
            continue
        faces += [between] if layers else []
        layers.append(Layer(Medium.valet_fert(*item[:3]), item[3]))
        between = None
    return solve_stack(layers, faces).resistance


def turned(items):
    return [(x[0], -x[1], *x[2:]) for x in items]


def magnet(metal, side, thickness, loss=0.0):
    return [(*side, loss), (*metal, thickness), (*side, loss)]


def copper(thickness):
    return (*CU, thickness)


def multilayer(one, spacer, count, *, antiparallel, ends):
    items = [ends]
    for k in range(count):
        items += turned(one) if antiparallel and k % 2 else one
        items.append(ends if k == count - 1 else spacer)
    return items


def gain(one, spacers, two, ends, route=by_library):
    """AR_AP - AR_P of two magnets."""
    left, right = ends
    return np.subtract(*(route([left, *one, *spacers, *x, right]) for x in (turned(two), two)))


def near(expected, rel):
    """Compare relatively alone: the usual absolute tolerance of 1e-12 is a thousand of our resistances."""
    return pytest.approx(expected, rel=rel, abs=0)


# --- the valve --------------------------------------------------------------------------------------------------------


def test_limit_spin_valve_in_both_states():
    """Cu | Co 6 | Cu 10 | Co 6 | Cu: 2.52647 and 2.98193 fOhm m^2, computed once and kept."""
    one = magnet(CO, CO_CU, 6 * NM)
    for two, stored in ((one, 2.52647), (turned(one), 2.98193)):
        items = [LEAD, *one, copper(10 * NM), *two, LEAD]
        assert by_transfer(items) / FEMTO == pytest.approx(stored, abs=5e-6)
        assert by_library(items) == near(by_transfer(items), 1e-12)
    # reverse() and the signs of beta and gamma are two ways to turn a magnet round.
    layers = [Layer(Medium.valet_fert(*CU), inf), Layer(Medium.valet_fert(*CO), 6 * NM)]
    face = Interface.valet_fert(*CO_CU)
    spacer = Layer(Medium.valet_fert(*CU), 10 * NM)
    stack = [*layers, spacer, reverse(layers[1]), layers[0]]
    found = solve_stack(stack, [face, face, reverse(face), reverse(face)]).resistance
    assert found / FEMTO == pytest.approx(2.98193, abs=5e-6)


asymmetries = st.floats(-0.9, 0.9)
thicknesses = st.floats(0, 3).map(lambda x: NM * 10**x)
losses = st.one_of(st.just(0.0), st.floats(0.1, 1.5))
faces = st.tuples(st.floats(-16, -14).map(lambda x: 10**x), asymmetries, losses)
films = st.tuples(
    st.floats(-8.5, -6.5).map(lambda x: 10**x), asymmetries, st.floats(0.5, 2.7).map(lambda x: NM * 10**x), thicknesses
)
ends = st.one_of(st.just(LEAD), thicknesses.map(copper))


@settings(max_examples=40, deadline=None)
@given(ends, st.lists(st.tuples(faces, films, faces, thicknesses), min_size=1, max_size=4), ends)
def test_invariant_random_multilayers_agree_with_transfer_matrices(left, repeats, right):
    items = [left]
    for one, film, two, spacer in repeats:
        items += [one, film, two, copper(spacer)]
    items.append(right)
    # Shooting loses exp(2 growth) of its 50 digits, hence 35 of them.
    growth = sum(x[2] if len(x) == 3 else x[3] / x[2] for x in items if x[-1] < inf)
    assume(growth < 40)
    assert by_library(items) == near(by_transfer(items), 1e-11)


def test_limit_memory_loss_is_a_layer_of_any_thickness():
    """delta = t/l with rho* = r_b*/t: the thickness of the fictitious layer drops out."""
    star, gamma, loss = 0.51e-15, 0.77, 0.33
    one = magnet(CO, CO_CU, 6 * NM, loss)
    expected = by_library([LEAD, *one, copper(10 * NM), *turned(one), LEAD])
    for t in (0.1 * NM, 1 * NM, 30 * NM):
        film = (star / t, gamma, t / loss, t)
        swapped = [film if len(x) == 3 else x for x in one]
        again = by_library([LEAD, *swapped, copper(10 * NM), *turned(swapped), LEAD])
        assert again == near(expected, 1e-11)
    without = magnet(CO, CO_CU, 6 * NM)
    ends_ = (LEAD, LEAD)
    lossy, lossless = (gain(x, [copper(10 * NM)], x, ends_) for x in (one, without))
    assert lossy / lossless == pytest.approx(0.8967, abs=2e-3)  # the chapter has l = 60 nm in cobalt, here 59


# --- two magnets ------------------------------------------------------------------------------------------------------


def source(items):
    """e and z of a part, read off at its right end: open line, then a known load.

    The part is joined to two loads, semi-infinite leads of chosen w = rho l; AR(w) = R - e^2/(z + w) at three values
    of w gives all three numbers.
    """
    loads = [1e-16, 1e-15, 1e-14]
    found = [by_transfer([*items, (w / NM, 0.0, NM, inf)]) for w in loads]

    def residual(x):
        return [(x[0] - x[1] ** 2 / (x[2] + w / FEMTO) - y / FEMTO) * 1e3 for w, y in zip(loads, found, strict=True)]

    answer = least_squares(residual, [found[2] / FEMTO, 1.0, 1.0], xtol=1e-15, ftol=1e-15, gtol=1e-15).x
    return np.array([abs(answer[1]), answer[2]]) * FEMTO


@pytest.mark.parametrize("spacer", [1 * NM, 30 * NM, 450 * NM, 1500 * NM])
def test_limit_gain_of_two_magnets_is_a_product(spacer):
    """4 e_1 e_2 / [(z_1 + z_2) cosh + (w + z_1 z_2/w) sinh], e and z from single magnets under three loads."""
    one, two = magnet(CO, CO_CU, 6 * NM, 0.2), magnet(PY, PY_CU, 9 * NM)
    (e_1, z_1), (e_2, z_2) = source([LEAD, *one]), source([copper(20 * NM), *two])
    w, tau = CU[0] * CU[2], spacer / CU[2]
    closed = 4 * e_1 * e_2 / ((z_1 + z_2) * np.cosh(tau) + (w + z_1 * z_2 / w) * np.sinh(tau))
    found = gain(one, [copper(spacer)], two, (LEAD, copper(20 * NM)))
    # The three loads lose about five digits of e and z.
    assert found == near(closed, 1e-7)


@pytest.mark.parametrize("behind", [LEAD, copper(5 * NM), copper(300 * NM)])
def test_limit_source_of_a_symmetric_magnet(behind):
    """epsilon = s 2 (z_open + z_b)/(z_short + z_open + 2 z_b): the surroundings change its size, not its sign."""
    for beta, gamma in ((0.46, 0.77), (-0.46, 0.77), (-0.9, 0.1)):
        metal, side = (75e-9, beta, 20e-9), (0.51e-15, gamma)
        one = magnet(metal, side, 30 * NM)
        w, h = metal[0] * metal[2], np.tanh(30 / 40)
        s, z_short, z_open = gamma * side[0] + beta * w * h, side[0] + w * h, side[0] + w / h
        z_b = CU[0] * CU[2] * np.tanh(behind[3] / CU[2])
        expected = abs(s) * 2 * (z_open + z_b) / (z_short + z_open + 2 * z_b)
        assert source([behind, *one])[0] == near(expected, 1e-6)


def test_limit_thick_magnets_and_thick_spacers():
    """Thick magnets: e = gamma r + beta w, z = r + w; a thick spacer: gain falls as exp(-t/l)."""
    for metal, side in ((CO, CO_CU), (PY, PY_CU)):
        one = magnet(metal, side, 40 * metal[2])
        w_f, w, tau = metal[0] * metal[2], CU[0] * CU[2], 10 * NM / CU[2]
        e, z = side[1] * side[0] + metal[1] * w_f, side[0] + w_f
        closed = 4 * e**2 / (2 * z * np.cosh(tau) + (w + z**2 / w) * np.sinh(tau))
        assert gain(one, [copper(10 * NM)], one, (LEAD, LEAD)) == near(closed, 1e-9)
        far, farther = (gain(one, [copper(t)], one, (LEAD, LEAD)) for t in (4e-6, 4.45e-6))
        assert np.log(far / farther) == near(1, 1e-6)


# --- many magnets -----------------------------------------------------------------------------------------------------


def valet_fert_period(metal, side, t_f, t_n, power):
    """Twice the published form per interface: a_F = coth(t_F/2l_F)/z_F, a_N = coth^(+-1)(t_N/2l_N)/z_N."""
    rho, beta, l_f = metal
    r, gamma = side
    a_f = 1 / np.tanh(t_f / 2 / l_f) / (rho * l_f)
    a_n = np.tanh(t_n / 2 / CU[2]) ** -power / (CU[0] * CU[2])
    bulk = rho * (1 - beta**2) * t_f / 2 + CU[0] * t_n / 2
    spin = ((beta - gamma) ** 2 * a_n + gamma**2 * a_f + beta**2 / r) / (a_f * a_n + (a_f + a_n) / r)
    return 2 * (bulk + r * (1 - gamma**2) + spin)


LAYERS = [(CO, CO_CU, 6e-9, 10e-9), (PY, PY_CU, 6e-9, 10e-9), (PY, PY_CU, 30e-9, 200e-9), (CO, CO_CU, 100e-9, 2e-9)]


@pytest.mark.parametrize("antiparallel", [False, True])
@pytest.mark.parametrize(("metal", "side", "t_f", "t_n"), LAYERS)
def test_limit_infinite_multilayer(metal, side, t_f, t_n, antiparallel):
    one = magnet(metal, side, t_f)
    long, short = (
        by_library(multilayer(one, copper(t_n), n, antiparallel=antiparallel, ends=LEAD)) for n in (402, 400)
    )
    expected = valet_fert_period(metal, side, t_f, t_n, -1 if antiparallel else 1)
    assert (long - short) / 2 == near(expected, 1e-11)


@pytest.mark.parametrize("antiparallel", [False, True])
def test_limit_ends_are_forgotten_exponentially(antiparallel):
    """Deviations fall by e^-q per period, 2 cosh q the trace of the passive transfer matrix, in both states."""
    one, t_n = magnet(CO, CO_CU, 6 * NM), 10 * NM
    matrix = np.eye(2)
    for (rho, _, length), t in ((CO, 6 * NM), (CU, t_n)):
        c, s, w = np.cosh(t / length), np.sinh(t / length), rho * length
        matrix = matrix @ [[c, w * s], [s / w, c]] @ [[1, CO_CU[0]], [0, 1]]
    q = np.arccosh(np.trace(matrix) / 2)
    exact = valet_fert_period(CO, CO_CU, 6 * NM, t_n, -1 if antiparallel else 1)

    def deviation(n):
        two = [by_library(multilayer(one, copper(t_n), k, antiparallel=antiparallel, ends=LEAD)) for k in (n, n + 2)]
        return (two[1] - two[0]) / 2 / exact - 1

    # The next correction is e^-2qM, 3e-5 at 24 periods.
    assert np.log(deviation(24) / deviation(32)) == near(8 * q, 2e-3)


@pytest.mark.parametrize("count", [2, 3, 6])
def test_limit_series_resistors_between_sinks(count):
    """Without flips each spin has its own chain: R_up R_down/(R_up + R_down), and the root of the plot for even N."""
    endless = 1.0  # m
    films_, spacer = [(*CO[:2], endless, 6 * NM)], (*CU[:2], endless, 10 * NM)
    one = [(*CO_CU, 0.0), *films_, (*CO_CU, 0.0)]
    results = {}
    for antiparallel in (False, True):
        items = multilayer(one, spacer, count, antiparallel=antiparallel, ends=spacer)
        chains = [sum(2 * x[0] * (x[3] if len(x) == 4 else 1) * (1 - s * x[1]) for x in items) for s in (1, -1)]
        results[antiparallel] = by_library(items)
        # Flips over stacks of 1e-7 m with l = 1 m: relative 1e-13 and below.
        assert results[antiparallel] == near(chains[0] * chains[1] / sum(chains), 1e-10)
    if count % 2 == 0:
        root = np.sqrt((results[True] - results[False]) * results[True])
        assert root == near(count * (CO[1] * CO[0] * 6 * NM + 2 * CO_CU[1] * CO_CU[0]), 1e-9)


def test_limit_leads_in_which_spin_lives_for_ever_show_no_magnetoresistance():
    one = magnet((*CO[:2], 1.0), CO_CU, 6 * NM)
    gains = [gain(one, [(*CU[:2], 1.0, 10 * NM)], one, [(CU[0], 0.0, length, inf)] * 2) for length in (1e-6, 1e-3, 1)]
    assert gains[0] > 0
    # z_b = rho l: the gain is 4 e^2/(2 z) with z -> z_b, a thousandth per thousandfold length.
    e = CO[1] * CO[0] * 6 * NM + 2 * CO_CU[1] * CO_CU[0]
    assert gains[1] == near(2 * e**2 / (CU[0] * 1e-3), 1e-3)
    assert gains[2] / gains[1] == near(1e-3, 1e-3)


def test_limit_a_straight_plot_proves_no_long_spin_life():
    """Permalloy of five spin-diffusion lengths: straight to 5e-4, half the slope, and it misses the origin."""
    one, spacer = magnet(PY, PY_CU, 30 * NM), copper(10 * NM)
    counts = [10, 20, 30]
    root = []
    for n in counts:
        p, ap = (by_library(multilayer(one, spacer, n, antiparallel=x, ends=spacer)) for x in (False, True))
        root.append(np.sqrt((ap - p) * ap))
    steps = np.diff(root) / 10
    # The root of a product of two straight lines bends as 1/N^2.
    assert steps[1] == near(steps[0], 5e-4)
    p, ap = (valet_fert_period(PY, PY_CU, 30 * NM, 10 * NM, k) for k in (1, -1))
    assert steps[1] == near(np.sqrt((ap - p) * ap), 2e-4)
    series = PY[1] * PY[0] * 30 * NM + 2 * PY_CU[1] * PY_CU[0]
    assert steps[1] / series == pytest.approx(0.526, abs=1e-3)
    assert counts[-1] - root[-1] / steps[1] == pytest.approx(0.66, abs=0.02)
    # The difference aims at one magnet, of which two outer halves are lost, AR_AP at less; the root at their mean.
    states = [[by_library(multilayer(one, spacer, n, antiparallel=x, ends=spacer)) for n in counts] for x in (0, 1)]
    zeros = [counts[-1] - 10 * y[-1] / (y[-1] - y[-2]) for y in (np.subtract(states[1], states[0]), states[1])]
    assert zeros == pytest.approx([0.994, 0.330], abs=2e-3)
    assert counts[-1] - root[-1] / steps[1] == pytest.approx(np.mean(zeros), abs=5e-3)


# --- the sign ---------------------------------------------------------------------------------------------------------


def positive(strategy):
    return strategy.map(lambda x: (x[0], abs(x[1]), *x[2:]))


def resolved(one, spacer, two, ends_):
    """The gain relative to AR_P, or nothing if it is below the error of the difference."""
    left, right = ends_
    p, ap = (by_library([left, *one, copper(spacer), *x, right]) for x in (two, turned(two)))
    relative = (ap - p) / p
    assume(abs(relative) > 1e-10)
    return relative


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(positive(faces), positive(films), positive(faces)), min_size=2, max_size=2),
    thicknesses,
    ends,
    ends,
)
def test_invariant_positive_asymmetries_are_never_inverse(magnets, spacer, left, right):
    assert resolved(list(magnets[0]), spacer, list(magnets[1]), (left, right)) > 0


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(faces, films), min_size=2, max_size=2), thicknesses, ends, ends)
def test_invariant_symmetric_magnets_have_the_sign_of_their_own_sources(magnets, spacer, left, right):
    """p of each magnet from its own parameters; with memory loss the face is a layer in front of the shorted half."""
    sources = []
    for (r, gamma, loss), (rho, beta, length, t) in magnets:
        h, w = np.tanh(t / 2 / length), rho * length
        if not loss:
            sources.append(gamma * r + beta * w * h)
            continue
        e, z, w_face = beta * w * h, w * h, r / loss
        # Open-circuit voltage behind a layer of batteries: what comes through, plus what it adds itself.
        sources.append(e + gamma * (z * (np.cosh(loss) - 1) + w_face * np.sinh(loss)))
    one, two = ([face, film, face] for face, film in magnets)
    assert np.sign(resolved(one, spacer, two, (left, right))) == np.sign(sources[0] * sources[1])


@settings(max_examples=40, deadline=None)
@given(faces, films, thicknesses, ends, ends)
def test_invariant_equal_symmetric_magnets_are_never_inverse(face, film, spacer, left, right):
    """Whatever the signs of beta and gamma, and however unlike the two ends."""
    one = [face, film, face]
    assert resolved(one, spacer, one, (left, right)) > 0


def test_limit_equal_magnets_with_unlike_faces_can_be_inverse():
    """gamma = 0.8 on one face and -0.8 on the other, the same magnet twice: inverse; mirrored: normal."""
    polar = [(0.5e-15, 0.8, 0.0), (100e-9, 0.0, 5e-9, 10e-9), (0.5e-15, -0.8, 0.0)]
    values = [[LEAD, *polar, copper(5 * NM), *x, LEAD] for x in (polar, turned(polar))]
    found = [by_transfer(x) for x in values]
    assert found[1] < 0.95 * found[0]
    assert [by_library(x) for x in values] == near(found, 1e-11)
    assert gain(polar, [copper(5 * NM)], polar[::-1], (LEAD, LEAD), by_transfer) > 0


def test_limit_unlike_signs_alone_do_not_make_it_inverse():
    """beta < 0 < gamma in one magnet against cobalt: normal while the faces win, inverse beyond t_c."""
    cobalt, side = magnet(CO, CO_CU, 6 * NM), (0.5e-15, 0.5)
    for beta in (-0.2, -0.4):
        metal = (400e-9, beta, 10e-9)
        critical = 2 * 10e-9 * np.arctanh(-side[0] * side[1] / (beta * metal[0] * metal[2]))
        for factor, sign in ((0.999, 1), (1.001, -1)):
            other = magnet(metal, side, factor * critical)
            assert np.sign(gain(cobalt, [copper(10 * NM)], other, (LEAD, LEAD), by_transfer)) == sign
    # |beta| w < gamma r: the bulk never wins.
    weak = magnet((400e-9, -0.06, 10e-9), side, 500 * NM)
    assert gain(cobalt, [copper(10 * NM)], weak, (LEAD, LEAD), by_transfer) > 0


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(positive(faces), positive(films), positive(faces)), min_size=3, max_size=4),
    thicknesses,
    ends,
    ends,
)
def test_invariant_positive_asymmetries_couple_every_pair_of_magnets_the_same_way(magnets, spacer, left, right):
    """AR = AR_0 - sum K_ij eta_i eta_j over pairs, K_ij >= 0: no terms of three or four magnets, P lowest."""
    count = len(magnets)
    states = np.array([[1 - 2 * (k >> i & 1) for i in range(count)] for k in range(2**count)])
    areas = []
    for state in states:
        items = [left]
        for eta, one in zip(state, magnets, strict=True):
            items += [*(one if eta > 0 else turned(one)), copper(spacer)]
        areas.append(by_library([*items, right]))
    areas = np.array(areas)
    pairs = [(i, j) for i in range(count) for j in range(i)]
    couplings = np.array([-np.mean(areas * states[:, i] * states[:, j]) for i, j in pairs])
    rest = (
        areas - areas.mean() + sum(k * states[:, i] * states[:, j] for k, (i, j) in zip(couplings, pairs, strict=True))
    )
    np.testing.assert_allclose(rest, 0, atol=1e-11 * areas.max())
    assert couplings.min() > -1e-11 * areas.max()
    assert areas[0] <= areas.min() + 1e-11 * areas.max()


def test_limit_a_third_magnet_can_turn_the_sign_of_two_others():
    """Two weak symmetric magnets in front of a strong one that is turned against them: AR_AP - AR_P changes sign."""
    one = magnet((75e-9, 0.05, 20e-9), (0.1e-15, 0.05), 2 * NM)
    third, spacer = turned(magnet(CO, CO_CU, 100 * NM)), copper(5 * NM)
    assert gain(one, [spacer], one, (LEAD, LEAD), by_transfer) > 0
    p, ap = (by_transfer([LEAD, *third, spacer, *one, spacer, *x, LEAD]) for x in (one, turned(one)))
    assert ap < p


def test_limit_parallel_is_the_lowest_of_all_states_if_all_sources_have_one_sign():
    one = [magnet(CO, CO_CU, t * NM) for t in (3, 6, 10)] + [magnet(PY, PY_CU, 6 * NM)]
    values = {}
    for state in range(8):
        items = [LEAD, *one[0]]
        for k, x in enumerate(one[1:]):
            items += [copper(10 * NM), *(turned(x) if state >> k & 1 else x)]
        values[state] = by_library([*items, LEAD])
    assert min(values, key=values.get) == 0
    assert max(values, key=values.get) == 0b101  # neighbours opposite


# --- the fit ----------------------------------------------------------------------------------------------------------


def model(parameters, grid):
    beta, length = parameters
    one = [magnet((PY[0], beta, length * NM), PY_CU, t * NM) for t in grid]
    return np.array([by_library([LEAD, *x, copper(10 * NM), *y, LEAD]) for x in one for y in (x, turned(x))]) / FEMTO


def test_limit_a_table_without_noise_returns_its_parameters():
    grid = [2, 6, 13, 25]
    data = model((PY[1], 5.5), grid)
    answer = least_squares(lambda x: model(x, grid) - data, (0.5, 10.0), bounds=([0, 0.1], [0.99, 1e4]), x_scale="jac")
    np.testing.assert_allclose(answer.x, (PY[1], 5.5), rtol=1e-6)


@pytest.mark.parametrize("grid", [[2, 6, 13, 25], [1, 3, 10, 30, 80]])
def test_limit_the_fit_of_the_page_uses_the_thicknesses_of_the_table(grid, capsys):
    """The cells of the page, run on a table of another grid that comes from this file's route."""
    found = {}
    parts = ("import io\n", "wanted = ", "class Slab", "def grow(", "NOISE = ", "STATES = ")
    for start in parts:
        [source] = [x for x in cells() if x.startswith(start)]
        exec(source, found)  # the page's own code, not a copy of it
        if start == "NOISE = ":
            table = np.vstack([grid, model((0.6, 9.0), grid).reshape(-1, 2).T]).T
            found["text"] = "t_nm,AR_P,AR_AP\n" + "\n".join(",".join(f"{x:.9f}" for x in row) for row in table)
    assert "fit of both resistances" in capsys.readouterr().out
    np.testing.assert_allclose(found["grid"], np.array(grid) * NM, rtol=1e-12)
    for values, _, _ in found["results"].values():
        # Nine decimals of resistances of a few fOhm m^2; the difference alone knows beta to four digits less.
        np.testing.assert_allclose(values, (0.6, 9.0), rtol=1e-6)


def test_limit_the_error_of_a_long_length_grows_as_its_square():
    grid, noise = [2, 6, 13, 25], 0.02

    def error(length, step=1e-3):
        middle, slopes = np.array([PY[1], length]), []
        for k in range(2):
            shift = np.eye(2)[k] * middle * step
            slopes.append((model(middle + shift, grid) - model(middle - shift, grid)) / 2 / step / noise)
        jacobian = np.array(slopes).T
        return np.sqrt(np.linalg.inv(jacobian.T @ jacobian)[1, 1])

    assert error(2000) / error(1000) == near(4, 0.02)
    assert error(1000) > 1 > 0.05 > error(20)


# --- what the page says -----------------------------------------------------------------------------------------------


def test_invariant_inputs_are_called_unverified_while_they_are():
    text = CHAPTER.read_text(encoding="utf-8")
    [cell] = [source for source in cells() if source.startswith("wanted")]
    wanted = ast.literal_eval(re.search(r"wanted = (\{.*?\n\})", cell, re.DOTALL)[1])
    flags = [material(name, quantity).verified for name, found in wanted.items() for quantity in found]
    assert 0 < sum(flags) < len(flags) / 2, "then the captions are out of date"
    captions = re.findall(r"^ {6}\*\*.*$", text, re.MULTILINE)
    assert len(captions) == 5
    for caption in captions:
        words = "chosen and unverified inputs" if "Inverse" in caption else "inputs mostly unverified"
        assert words in caption
