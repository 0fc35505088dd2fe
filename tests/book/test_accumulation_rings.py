"""RHP Figs 12-15, three statements about the ring, and closed forms of rings and spirals.

Routes that do not use the solver: shooting over half a side from the corner, closed forms of sharp corners and of
spirals, the identity of work. Lengths in l, currents in D/l, m_eq = M.
"""

import dataclasses
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from spinlib.accumulation import (
    Boundary,
    DiffusiveMedium,
    Layer,
    SpinStructure,
    ring,
    solve_accumulation,
    transverse_wavenumber,
)
from spinlib.spin import cross_matrix, rotation_matrix
from spinlib.units import fs, hbar, meV, nm, ps
from tests.bad_input import Refusal, refusals

SPLIT = 100 * meV
PAPER = DiffusiveMedium(1e-3, 10 * ps, 100 * hbar / SPLIT, SPLIT)
METAL = DiffusiveMedium(1e-3, 10 * ps, 3 * fs, SPLIT)
MEDIA = pytest.mark.parametrize("medium", [PAPER, METAL], ids=["paper", "metal"])
WIDTH = 0.6 * nm
GAUSS = np.polynomial.legendre.leggauss(600)


def solve(structure, **options):
    """Without the warnings of media that the moments do not describe, which are tested with the solver."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="layer")
        return solve_accumulation(structure, **options)


def twisted(medium, sides, length, width=0.0, drift=0.0, exchange_force=True):
    def field(u):
        return (np.tanh(u / width) * np.tanh((length - u) / width))[:, None] * np.array([0.0, 0.0, 1.0])

    end = Boundary.periodic(rotation_matrix((1, 0, 0), 2 * np.pi / sides))
    layer = Layer(medium, length, field if width else (0, 0, 1), drift=drift)
    return SpinStructure([layer], end, end, exchange_force=exchange_force)


def scales(medium):
    """l, k l, 1 + i a, w."""
    length, w = medium.spin_diffusion_length, medium.exchange_frequency * medium.spin_relaxation_time
    return length, transverse_wavenumber(medium) * length, 1 + 1j * medium.precession_angle, w


def unit_current(medium):
    return medium.diffusivity / medium.spin_diffusion_length


def shoot(medium, length, width, sides=4):
    """m(0) by the printed law: three free numbers at the corner, three conditions further in."""
    scale, k, flight, w = scales(medium)
    turn = rotation_matrix((1, 0, 0), -np.pi / sides)
    start = np.zeros((6, 4))
    start[:3, 1], start[3:, 2:] = turn[:, 2], turn[:, :2]
    z, half = cross_matrix((0, 0, 1)), length / 2 / scale
    near = min(half, 20 * width / scale)

    def rate(s, y):
        m, j = y.reshape(2, 3, 4)
        size = np.tanh(s * scale / width) * np.tanh((2 * half - s) * scale / width)
        source = np.zeros((3, 4))
        source[2, 0] = size
        return np.concatenate([-(j + flight.imag * size * (z @ j)), source - m - w * size * (z @ m)]).ravel()

    y = solve_ivp(rate, (0, near), start.ravel(), method="DOP853", rtol=1e-11, atol=1e-13).y[:, -1]
    m, j = y.reshape(2, 3, 4)
    rest = half - near
    along = np.cosh(rest) * j[2] - np.sinh(rest) * (m[2] - np.array([1, 0, 0, 0]))
    across = np.sinh(k * rest) * (j[0] + 1j * j[1]) - k / flight * np.cosh(k * rest) * (m[0] + 1j * m[1])
    system = np.stack([along, across.real, across.imag])
    return np.linalg.solve(system[:, 1:], -system[:, 0])[0] * turn[:, 2]


def sharp_at_rest(medium, sides, length, at=0.0):
    """m by the printed law at one distance from a sharp corner."""
    scale, k, flight, _ = scales(medium)
    c, s, half = np.cos(np.pi / sides), np.sin(np.pi / sides), length / 2 / scale
    along, across = np.tanh(half), (k / flight / np.tanh(k * half)).real
    v, y = c * along / (c**2 * along + s**2 * across), (length / 2 - at) / scale
    plus = 1j * v * s * np.sinh(k * y) / np.sinh(k * half)
    return np.array([plus.real, plus.imag, 1 + (v * c - 1) * np.cosh(y) / np.cosh(half)])


def sharp_driven(medium, sides, length):
    """delta(0) [F l/D] and torque on a side [F] with the force and a drift F."""
    scale, k, flight, w = scales(medium)
    c, s, wave = np.cos(np.pi / sides), np.sin(np.pi / sides), np.tanh(k * length / 2 / scale)
    kappa = k / flight * wave
    q = s / (c**2 / (1 / kappa).real + s**2 / np.tanh(length / 2 / scale))
    p = q * c * kappa.imag / kappa.real
    torque = 1j * w * (p + 1j * q * c) * 2 * wave / k
    return np.array([p, q * c, -q * s]), np.array([torque.real, torque.imag, 0.0])


def integral(result, function, length):
    """Of function(m, j, m_eq) over a side, by Gauss's rule."""
    nodes, weights = GAUSS
    u = length * (nodes + 1) / 2
    m, j = result.at(u)
    size = np.tanh(u / WIDTH) * np.tanh((length - u) / WIDTH)
    return weights @ function(m, j, size[:, None] * np.array([0.0, 0.0, 1.0])) * length / 2


# --- figures ----------------------------------------------------------------------------------------------------------


def test_paper_RHP_figure_12_turns_by_a_right_angle_and_vanishes_at_the_corners():
    layers = ring(PAPER, 4, 10 * nm, corner_width=WIDTH).layers
    u = np.linspace(0, 10 * nm, 101)
    sides = [layer.magnetization(u) for layer in layers]
    for side, following in zip(sides, sides[1:] + sides[:1], strict=True):
        np.testing.assert_allclose(side[[0, -1]], 0, rtol=0, atol=1e-15)
        assert np.abs(side[:, 0]).max() == 0  # in the yz plane
        np.testing.assert_allclose(np.einsum("ij,ij->i", side, following), 0, rtol=0, atol=1e-15)
        # The same sense at each corner, counter-clockwise about x.
        assert np.cross(side[50], following[50])[0] == pytest.approx(np.tanh(5 / 0.6) ** 4, abs=1e-12)
    assert sides[0][10, 2] == pytest.approx(np.tanh(1 / 0.6) * np.tanh(9 / 0.6), abs=1e-12)


def check_figure(size, corner, middle, across):
    """Corner, middle and largest m_x of a ring as printed, and that all of it is the missing force."""
    found = solve(twisted(PAPER, 4, size * nm, WIDTH, exchange_force=False))
    first, half = found.at(np.array([0.0, size / 2 * nm]))[0]
    np.testing.assert_allclose(first, shoot(PAPER, size * nm, WIDTH), rtol=0, atol=1e-9)
    np.testing.assert_allclose(first, [0, corner, corner], rtol=0, atol=6e-5)  # four digits
    np.testing.assert_allclose(half, [0, 0, middle], rtol=0, atol=6e-5)
    assert np.abs(found.spin_accumulation[:, 0]).max() == pytest.approx(across, abs=2e-4)  # between nodes
    rest = solve(twisted(PAPER, 4, size * nm, WIDTH))
    assert np.abs(rest.deviation).max() < 1e-12


def corners(size, widths=(0.05, 0.3, 0.6, 1.0), angles=(100,)):
    """m_y at the corner for several widths [nm] and a_0."""
    media = [dataclasses.replace(PAPER, momentum_time=a / 100 * PAPER.momentum_time) for a in angles]
    return np.array([shoot(medium, size * nm, width * nm)[1] for medium in media for width in widths])


def test_paper_RHP_figure_13_smallest_ring():
    check_figure(10, 0.0767, 0.0779, 0.0103)


def test_paper_RHP_figure_14_ring_of_intermediate_size():
    check_figure(100, 0.1320, 0.2302, 0.1003)


def test_paper_RHP_figure_15_largest_ring():
    check_figure(1000, 0.2047, 0.9893, 0.2005)


def test_paper_RHP_figure_13_depends_on_what_is_not_printed():
    by_width, by_angle = corners(10), corners(10, (0.6,), (98, 102))
    assert by_width.max() / by_width.min() > 10
    assert by_angle[0] / by_angle[1] > 1.4  # for 4 % of a_0


def test_paper_RHP_figure_14_depends_on_what_is_not_printed():
    by_width, by_angle = corners(100), corners(100, (0.6,), (98, 100, 102))
    assert by_width.max() / by_width.min() > 1.4
    assert by_angle[1] > 1.3 * max(by_angle[0], by_angle[2])  # a_0 = 100 is near the top of a resonance


def test_paper_RHP_figure_15_hardly_depends_on_what_is_not_printed():
    by_width, by_angle = corners(1000), corners(1000, (0.6,), (98, 102))
    assert by_width.max() / by_width.min() < 1.005
    assert abs(by_angle[0] / by_angle[1] - 1) < 0.02


# --- statements -------------------------------------------------------------------------------------------------------


def test_paper_RHP_statement_smallest_ring_has_the_smallest_accumulation():
    sizes = (10, 100, 1000)
    printed = [solve(twisted(PAPER, 4, size * nm, WIDTH, exchange_force=False)) for size in sizes]
    largest = [np.linalg.norm(each.spin_accumulation, axis=1).max() for each in printed]
    np.testing.assert_allclose(largest, [0.120, 0.245, 0.989], rtol=0, atol=1e-3)  # rises
    off = [np.linalg.norm(each.deviation, axis=1).max() for each in printed]
    np.testing.assert_allclose(off, [0.927, 0.867, 0.801], rtol=0, atol=1e-3)  # what falls
    # The same by the closed form, sharp corners: v is proportional to L in a small ring without resonance.
    slow = dataclasses.replace(METAL, exchange_splitting=0.1 * meV)
    v = [np.linalg.norm(sharp_at_rest(slow, 4, size * nm)) for size in (0.5, 1)]
    assert v[1] / v[0] == pytest.approx(4, abs=0.01)
    for width in (0.05 * nm, 1.6 * nm):  # and with other corners
        others = [solve(twisted(PAPER, 4, size * nm, width, exchange_force=False)) for size in sizes[:2]]
        small, large = (np.linalg.norm(each.spin_accumulation, axis=1).max() for each in others)
        assert small < 0.15 < 0.19 < large
        small, large = (np.linalg.norm(each.deviation, axis=1).max() for each in others)
        assert small > 0.95 > 0.93 > large
    # What a current accumulates is not largest in the smallest of the three either, only below the mean free path.
    driven = [np.linalg.norm(sharp_driven(METAL, 4, size * nm)[0]) for size in (2.5, 3, *sizes)]
    np.testing.assert_allclose(driven, [0.0382, 0.0315, 0.0210, 0.0335, 0.0344], rtol=0, atol=1e-4)
    assert METAL.mean_free_path == pytest.approx(3 * nm, abs=1e-6 * nm)


def test_limit_middle_of_a_side_reaches_equilibrium_only_if_it_is_long():
    for size, share in ((10, 0.0779), (100, 0.2302), (1000, 0.9893)):
        found = solve(twisted(PAPER, 4, size * nm, WIDTH, exchange_force=False))
        middle = found.at(size / 2 * nm)[0][2]
        assert middle == pytest.approx(share, abs=1e-4)
        assert found.spin_accumulation[:, 2].max() < middle + 1e-9  # the part along M is largest there
    # Sharp corners: 1 - m = (1 - v S)/cosh(L/2l), so that 90 % needs L > 5 l; v S is small for both sets.
    for medium in (PAPER, METAL):
        scale = medium.spin_diffusion_length
        short, long = (sharp_at_rest(medium, 4, n * scale, n * scale / 2)[2] for n in (5, 6))
        assert short < 0.9 < long


@MEDIA
def test_paper_RHP_statement_transformer_loses_what_a_uniform_magnet_loses_or_more(medium):
    """delta . J falls at least as exp(-2 x/l) outside a source, in any texture; uniform M reaches it."""
    length, scale = 100 * nm, medium.spin_diffusion_length
    arrived = []
    for cornered in (True, False):
        closed = ring(medium, 4, length)
        layers = list(closed.layers) if cornered else [closed.layers[0]] * 4
        layers[0] = dataclasses.replace(layers[0], source=(0, 0, 1e12))
        fed = solve(dataclasses.replace(closed, layers=layers))
        flow = [fed.at(x)[1] @ (fed.at(x)[0] - layers[1].magnetization) for x in (1.001 * length, 1.999 * length)]
        assert flow[0] > flow[1] > 0
        assert flow[1] <= flow[0] * np.exp(-2 * 0.998 * length / scale)
        far, start = (np.linalg.norm(fed.at(x * length)[0] - layers[int(x)].magnetization) for x in (2.5, 0.5))
        arrived.append(far / start)
    # Uniform: cosh by hand; delta = 1 - b cosh(x/l) in the source, c cosh(./l) beyond, slopes and values joined.
    half = length / 2 / scale
    c_over = np.sinh(half) / np.sinh(4 * half)  # c, with the source set to 1
    inside = 1 - np.sinh(3 * half) / np.sinh(4 * half)
    assert arrived[1] == pytest.approx(c_over / inside, abs=1e-7)
    assert arrived[1] == pytest.approx(0.348, abs=1e-3)
    assert arrived[0] == pytest.approx(0.0989 if medium is PAPER else 5.6e-5, abs=2e-4 if medium is PAPER else 1e-6)
    endless = Layer(medium, 400 * nm, (0, 0, 1))
    line = solve(SpinStructure([endless], Boundary.spin_current((0, 0, 1.0)), Boundary.open()))
    power = np.einsum("ij,ij->i", line.deviation, line.spin_current)
    np.testing.assert_allclose(power / power[0], np.exp(-2 * line.position / scale), rtol=0, atol=1e-8)


# --- closed forms -----------------------------------------------------------------------------------------------------


@MEDIA
@pytest.mark.parametrize("sides", [2, 3, 4, 6])
def test_limit_sharp_corners_at_rest(medium, sides):
    for length in (3 * nm, 10 * nm, 47 * nm, 300 * nm):
        found = solve(twisted(medium, sides, length, exchange_force=False))
        for at in (0.0, 0.21 * length, 0.5 * length):
            by_hand = sharp_at_rest(medium, sides, length, at)
            np.testing.assert_allclose(found.at(at)[0], by_hand, rtol=0, atol=1e-9)


def test_limit_sharp_corners_of_the_largest_ring():
    """Waves that grow by exp(20) along a side cost no digits."""
    found = solve(twisted(PAPER, 4, 1000 * nm, exchange_force=False))
    assert np.exp(1000 * nm * transverse_wavenumber(PAPER).real) > 1e9
    np.testing.assert_allclose(found.spin_accumulation[0], sharp_at_rest(PAPER, 4, 1000 * nm), rtol=0, atol=1e-9)


@MEDIA
@pytest.mark.parametrize("sides", [2, 3, 4, 6])
def test_limit_sharp_corners_with_a_current(medium, sides):
    drift = unit_current(medium)
    _, _, _, w = scales(medium)
    for length in (3 * nm, 10 * nm, 47 * nm, 300 * nm):
        found = solve(twisted(medium, sides, length, drift=drift))
        delta, torque = sharp_driven(medium, sides, length)
        np.testing.assert_allclose(found.deviation[0], delta, rtol=0, atol=1e-9)
        pull = found.layer_torque[0] / drift
        np.testing.assert_allclose(pull, torque, rtol=0, atol=1e-8)  # w = 1519 times an integral of delta
        assert pull[0] == pytest.approx(-pull[1] / w, abs=1e-9)
        lost = found.layer_relaxation[0] / drift  # T = w M x (integral of delta), and no delta_z is left over
        np.testing.assert_allclose(lost, np.array([torque[1], -torque[0], 0]) / w, rtol=0, atol=1e-9)
        enters = (found.spin_current[0] - found.spin_current[-1]) / drift
        np.testing.assert_allclose(enters, pull + lost, rtol=0, atol=1e-8)
        assert pull[1] < 2 * np.tan(np.pi / sides) if sides > 2 else pull[1] == pytest.approx(0, abs=1e-9)
        if sides == 2:
            assert delta[2] == pytest.approx(-np.tanh(length / 2 / medium.spin_diffusion_length), abs=1e-12)


@MEDIA
@pytest.mark.parametrize("cone", [0.0, 0.5, 1.2])
def test_limit_conical_spiral(medium, cone):
    scale, _, flight, w = scales(medium)
    start, x, drift = np.array([np.sin(cone), 0, np.cos(cone)]), cross_matrix((1, 0, 0)), unit_current(medium)
    round_m = cross_matrix(start)
    for pitch in (20 * nm, 100 * nm, 400 * nm):
        q = 2 * np.pi / pitch

        def field(u, q=q):
            return np.stack([np.ones_like(u), -np.sin(q * u), np.cos(q * u)], -1) * start[[0, 2, 2]]

        inverse = np.linalg.inv(np.eye(3) + flight.imag * round_m)
        matrix = np.eye(3) + w * round_m - (q * scale) ** 2 * x @ inverse @ x
        for force in (False, True):
            end = Boundary.periodic()
            layer = Layer(medium, pitch, field, drift=drift * force)
            found = solve(SpinStructure([layer], end, end, exchange_force=force))
            source = np.array([0, q * scale * np.cos(cone), 0]) if force else start  # q tau_sf F = q l in these units
            u = np.linalg.solve(matrix, source)
            got = found.deviation if force else found.spin_accumulation
            np.testing.assert_allclose(got[0], u, rtol=0, atol=1e-9)
            current = (-q * scale * inverse @ x @ u + force * start) * drift
            np.testing.assert_allclose(found.spin_current[0] / drift, current / drift, rtol=0, atol=1e-8)
            third = found.at(0.3 * pitch)[0] - force * field(np.array([0.3 * pitch]))[0]
            turned = rotation_matrix((1, 0, 0), q * 0.3 * pitch) @ u
            np.testing.assert_allclose(third, turned, rtol=0, atol=1e-9)
            if not cone:
                flat = 1 / (1 + w**2 + (q * scale) ** 2) * q * scale * np.array([w, 1, 0])
                kept = np.array([0, 0, 1 / (1 + (q * scale) ** 2 / abs(flight) ** 2)])
                np.testing.assert_allclose(u, flat if force else kept, rtol=0, atol=1e-12)


@MEDIA
def test_limit_many_corners_are_a_flat_spiral(medium):
    q, sides = 2 * np.pi / (50 * nm), 40_000
    scale, _, flight, w = scales(medium)
    length = 2 * np.pi / q / sides
    v = np.linalg.norm(sharp_at_rest(medium, sides, length))
    share = 1 / (1 + (q * scale) ** 2 / abs(flight) ** 2)
    assert v / share == pytest.approx(1, abs=1e-4)  # the rest falls as 1/sides^2, times up to (k L)^2 w
    p, y, _ = sharp_driven(medium, sides, length)[0]
    wanted = q * scale / (1 + w**2 + (q * scale) ** 2)
    assert p / (w * wanted) == pytest.approx(1, abs=1e-4)
    assert y / wanted == pytest.approx(1, abs=1e-3)


# --- laws -------------------------------------------------------------------------------------------------------------


@MEDIA
@pytest.mark.parametrize("force", [False, True])
def test_invariant_one_twisted_side_is_the_ring(medium, force):
    for sides in (3, 4):
        whole = solve(ring(medium, sides, 40 * nm, corner_width=WIDTH, drift=2e3, exchange_force=force))
        side = solve(twisted(medium, sides, 40 * nm, WIDTH, drift=2e3, exchange_force=force))
        u = np.array([0.0, 0.3, 7.0, 20.0, 39.5]) * nm
        m, j = side.at(u)
        for s in range(sides):
            turn = rotation_matrix((1, 0, 0), 2 * np.pi * s / sides).T
            there = whole.at(u + s * 40 * nm)
            np.testing.assert_allclose(there[0], m @ turn, rtol=0, atol=1e-9)
            np.testing.assert_allclose(there[1] / 1e4, j @ turn / 1e4, rtol=0, atol=1e-8)


@settings(deadline=None, max_examples=12)
@given(
    sides=st.integers(2, 6),
    length=st.floats(4, 60),
    relaxation=st.floats(0.5, 20),
    angle=st.floats(0.0, 30),
)
def test_invariant_work_identity(sides, length, relaxation, angle):
    medium = DiffusiveMedium(1e-3, relaxation * ps, min(angle * hbar / SPLIT, 0.9 * relaxation * ps), SPLIT)
    scale = medium.spin_diffusion_length / medium.diffusivity
    found = solve(twisted(medium, sides, length * nm, WIDTH, exchange_force=False))

    def total(function):
        return integral(found, function, length * nm) / (length * nm)

    work = total(lambda m, j, rest: (j**2).sum(1) * scale**2 + (m**2).sum(1))
    fed = total(lambda m, j, rest: (m * rest).sum(1))
    assert work == pytest.approx(fed, abs=1e-8)
    assert total(lambda m, j, rest: (m**2).sum(1)) <= total(lambda m, j, rest: (rest**2).sum(1))
    # (89) as printed has no source: what is left is m = 0.
    bare = twisted(medium, sides, length * nm, exchange_force=False)
    bare = dataclasses.replace(bare, layers=[dataclasses.replace(bare.layers[0], equilibrium=0.0)])
    assert np.abs(solve(bare).spin_accumulation).max() == 0


def test_limit_without_spin_flips_the_two_laws_part_completely():
    endless = dataclasses.replace(METAL, spin_relaxation_time=np.inf)
    for sides in (3, 4, 6):
        kept = solve(ring(endless, sides, 10 * nm))
        assert np.abs(kept.deviation).max() < 1e-12
        assert np.abs(solve(ring(endless, sides, 10 * nm, exchange_force=False)).spin_accumulation).max() < 1e-12


ENDLESS = dataclasses.replace(METAL, spin_relaxation_time=np.inf)


@refusals(
    Refusal(
        "a ring of two sides without spin flips has none or many solutions",
        solve,
        {"structure": ring(ENDLESS, 2, 10 * nm)},
        ("spin_relaxation_time = inf", "periodic", "pass a finite spin_relaxation_time"),
    ),
    Refusal(
        "one periodic end",
        SpinStructure,
        {"layers": [Layer(METAL, nm)], "left": Boundary.periodic()},
        ("only one end is periodic", "pass Boundary.periodic() for left and right"),
    ),
)
def test_bad_input_of_rings(refusal):
    refusal.check()
