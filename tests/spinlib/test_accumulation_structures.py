"""Layers, ends, bilayers, rings and walls: what they are, what they refuse, and of what the solver warns."""

from dataclasses import FrozenInstanceError, replace
from math import inf, nan, pi

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinlib.accumulation import (
    Boundary,
    DiffusiveMedium,
    Layer,
    SpinStructure,
    bilayer,
    evolve_accumulation,
    ring,
    solve_accumulation,
    wall,
)
from spinlib.spin import rotation_matrix
from spinlib.units import hbar, meV, nm, ps
from tests.bad_input import Refusal, refusals

METAL = DiffusiveMedium(1e-3, 10 * ps, 0.003 * ps, 100 * meV)
RHP = DiffusiveMedium(1e-3, 10 * ps, 100 * hbar / (100 * meV), 100 * meV)
AGAINST = replace(METAL, exchange_splitting=-100 * meV)
LOSSLESS = DiffusiveMedium(1e-3, inf, 0.003 * ps, 100 * meV)
X, Y, Z = np.eye(3)
U = np.linspace(0, 8, 17) * nm


def constant(u):
    return np.tile(Z, (len(u), 1))


# --- layers, ends, stacks ---------------------------------------------------------------------------------------------


def test_invariant_layer_keeps_its_own_copy():
    M, source = np.array([0.0, 0.6, 0.8]), np.array([1.0, 2.0, 3.0])
    layer = Layer(METAL, 1 * nm, M, source=source)
    M[:], source[:] = 0, 0
    np.testing.assert_array_equal(layer.magnetization, [0, 0.6, 0.8])
    np.testing.assert_array_equal(layer.source, [1, 2, 3])
    for array in (layer.magnetization, layer.source):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(FrozenInstanceError):
        layer.thickness = 2.0
    np.testing.assert_array_equal(Layer(METAL, 1 * nm).magnetization, Z)


def test_invariant_uniform_is_what_has_no_function():
    assert Layer(METAL, 1 * nm).uniform
    assert Layer(METAL, 1 * nm, equilibrium=0.2).uniform
    assert not Layer(METAL, 1 * nm, constant).uniform
    assert not Layer(METAL, 1 * nm, equilibrium=constant).uniform
    assert not Layer(METAL, 1 * nm, source=constant).uniform


@pytest.mark.filterwarnings("ignore:layer .* this is the solution of the moments")
def test_invariant_a_function_is_the_constant_that_it_returns():
    one = Layer(METAL, 6 * nm, Z, None, 1e4, (1e12, 0, 2e12))
    many = Layer(METAL, 6 * nm, constant, constant, 1e4, lambda u: np.tile((1e12, 0, 2e12), (len(u), 1)))
    end = Boundary.spin_accumulation((1, 0, 3))
    (m, j), (n, i) = (solve_accumulation(SpinStructure([layer], end, end)).at([1e-9, 4e-9]) for layer in (one, many))
    np.testing.assert_allclose(n, m, rtol=0, atol=1e-9)
    np.testing.assert_allclose(i, j, rtol=0, atol=1e-9 * np.abs(j).max())


def test_invariant_ends_hold_their_numbers():
    vector, matrix = np.array([1.0, 2.0, 3.0]), np.diag([1.0, 2.0, 3.0])
    ends = {
        "spin_accumulation": Boundary.spin_accumulation(vector),
        "spin_current": Boundary.spin_current(vector),
        "contact": Boundary.contact(matrix, vector),
        "periodic": Boundary.periodic(rotation_matrix(X, 1.0)),
        "open": Boundary.open(),
    }
    assert [end.kind for end in ends.values()] == list(ends)
    kept = [end.vector for end in ends.values() if end.vector is not None]
    vector[:], matrix[:] = 0, 0
    assert len(kept) == 3
    for each in kept:
        np.testing.assert_array_equal(each, [1, 2, 3])
        with pytest.raises(ValueError, match="read-only"):
            each[0] = 5
    np.testing.assert_array_equal(ends["contact"].matrix, np.diag([1, 2, 3]))
    np.testing.assert_array_equal(Boundary.periodic().matrix, np.eye(3))
    np.testing.assert_array_equal(Boundary.contact(np.eye(3)).vector, 0)
    with pytest.raises(ValueError, match="read-only"):
        ends["contact"].matrix[0, 0] = 5
    with pytest.raises(FrozenInstanceError):
        ends["open"].kind = "contact"


def test_invariant_edges_are_sums_of_thicknesses():
    structure = SpinStructure([Layer(METAL, d * nm) for d in (1, 2, 4)], origin=-3 * nm)
    np.testing.assert_allclose(structure.edges, np.array([-3, -2, 0, 4]) * nm, rtol=0, atol=1e-22)
    assert SpinStructure(Layer(METAL, 2 * nm)).edges.tolist() == [0.0, 2 * nm]
    assert isinstance(structure.layers, tuple)
    assert (structure.left, structure.right, structure.exchange_force) == (None, None, True)
    with pytest.raises(ValueError, match="read-only"):
        structure.larmor_frequency[0] = 1
    with pytest.raises(FrozenInstanceError):
        structure.origin = 0.0


# --- bilayer ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("profile", "shape"),
    [
        ("tanh", np.tanh),
        ("exponential", lambda u: 1 - np.exp(-u)),
        (lambda u: u / (1 + u), lambda u: u / (1 + u)),
    ],
)
def test_limit_bilayer_profile(profile, shape):
    one, other = -Z, rotation_matrix(X, 1.0) @ Z
    structure = bilayer(METAL, one, other, 8 * nm, 12 * nm, interface_width=0.6 * nm, profile=profile, drift=3.0)
    left, right = structure.layers
    np.testing.assert_allclose(left.magnetization(U), np.outer(shape((8 * nm - U) / (0.6 * nm)), one), atol=1e-14)
    np.testing.assert_allclose(right.magnetization(U), np.outer(shape(U / (0.6 * nm)), other), atol=1e-14)
    assert (left.drift, right.drift) == (3.0, 3.0)
    assert (structure.left, structure.right) == (None, None)
    np.testing.assert_allclose(structure.edges, np.array([-8, 0, 12]) * nm, rtol=0, atol=1e-22)


def test_limit_bilayer_of_the_paper():
    """Fig. 5: a = 0 at the interface, 76.16 at one width, 100 beyond."""
    layer = bilayer(RHP, -Z, Z, 10 * nm, 10 * nm, interface_width=0.6 * nm).layers[1]
    angle = RHP.precession_angle * layer.magnetization(np.array([0.0, 0.6, 10.0]) * nm)[:, 2]
    np.testing.assert_allclose(angle, [0, 76.16, 100], rtol=0, atol=5e-3)


def test_limit_bilayer_with_a_step():
    structure = bilayer((METAL, RHP), -Z, Y, 2 * nm, 3 * nm, exchange_force=False)
    left, right = structure.layers
    assert (left.medium, right.medium) == (METAL, RHP)
    assert left.uniform
    assert right.uniform
    np.testing.assert_array_equal(left.magnetization, -Z)
    np.testing.assert_array_equal(right.magnetization, Y)
    assert not structure.exchange_force
    assert bilayer(METAL, -Z, Y, 2 * nm, 3 * nm).exchange_force
    assert bilayer([METAL, RHP], -Z, Y, 2 * nm, 3 * nm).layers[1].medium is RHP
    # Off 1 by less than 1e-6 is normalised.
    kept = bilayer(METAL, (0, 0, 1 + 5e-7), Y, 2 * nm, 3 * nm).layers[0].magnetization
    assert np.linalg.norm(kept) == pytest.approx(1, abs=1e-15)


# --- ring -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sides", [2, 4, 5])
@pytest.mark.parametrize("width", [0.0, 0.7 * nm])
def test_limit_ring(sides, width):
    structure = ring(METAL, sides, 8 * nm, corner_width=width, drift=-2.0)
    assert len(structure.layers) == sides
    assert structure.left.kind == structure.right.kind == "periodic"
    np.testing.assert_array_equal(structure.left.matrix, np.eye(3))
    np.testing.assert_allclose(structure.edges, 8 * nm * np.arange(sides + 1), rtol=0, atol=1e-21)
    for s, layer in enumerate(structure.layers):
        angle = 2 * pi * s / sides
        direction = np.array([0, -np.sin(angle), np.cos(angle)])
        if width:
            length = np.tanh(U / width) * np.tanh((8 * nm - U) / width)
            np.testing.assert_allclose(layer.magnetization(U), np.outer(length, direction), rtol=0, atol=1e-14)
        else:
            np.testing.assert_allclose(layer.magnetization, direction, rtol=0, atol=1e-15)
        assert layer.drift == -2.0
    assert structure.exchange_force
    assert not ring(METAL, sides, 8 * nm, exchange_force=False).exchange_force


# --- wall -----------------------------------------------------------------------------------------------------------


def test_limit_wall():
    width, phi = 3 * nm, 0.4
    structure = wall(METAL, width, azimuth=phi, half_length=40 * nm, drift=7.0, exchange_force=False)
    x = np.array([-9.0, -1.0, 0.0, 2.0]) * nm
    found = structure.layers[0].magnetization(x + 40 * nm)
    s = 1 / np.cosh(x / width)
    wanted = np.stack([np.cos(phi) * s, np.sin(phi) * s, -np.tanh(x / width)], axis=1)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
    assert structure.layers[0].drift == 7.0
    assert (structure.left.kind, structure.right.kind) == ("open", "open")
    assert not structure.exchange_force
    np.testing.assert_allclose(structure.edges, np.array([-40, 40]) * nm, rtol=0, atol=1e-22)
    default = wall(METAL, width)
    assert default.exchange_force
    np.testing.assert_allclose(default.edges, np.array([-60, 60]) * nm, rtol=0, atol=1e-22)
    np.testing.assert_allclose(default.layers[0].magnetization(np.array([60 * nm]))[0], Y, rtol=0, atol=1e-12)  # Bloch
    assert default.layers[0].drift == 0
    np.testing.assert_array_equal(default.layers[0].source, 0)


@pytest.mark.parametrize("medium", [METAL, AGAINST])
def test_limit_moving_wall_feeds_what_it_leaves_behind(medium):
    """source = -d(m_eq)/dt of m_eq(x - v t), by a difference in time of the wall at rest; m_eq = -M if lambda < 0."""
    speed, width, step = 30.0, 3 * nm, 1e-15
    structure = wall(medium, width, velocity=speed, azimuth=0.8, half_length=30 * nm)
    still = wall(medium, width, azimuth=0.8, half_length=30 * nm)
    u = np.array([12.0, 28.0, 30.0, 33.3, 60.0]) * nm
    result = solve_accumulation(still)
    m_eq = np.sign(medium.exchange_splitting) * still.layers[0].magnetization(u)
    np.testing.assert_allclose(result.at(u - 30 * nm)[0], m_eq, rtol=0, atol=1e-12)
    later, sooner = (
        np.sign(medium.exchange_splitting) * still.layers[0].magnetization(u - speed * t) for t in (step, -step)
    )
    # 3e-14 m of 3e-9 m: the difference is good to 1e-10 but for rounding, 1e-16/1e-5.
    rate = -(later - sooner) / (2 * step)
    np.testing.assert_allclose(structure.layers[0].source(u), rate, rtol=0, atol=1e-8 * np.abs(rate).max())


@given(st.floats(-100, 100), st.floats(0, 6))
@settings(max_examples=8)
def test_invariant_wall_that_moves_back(speed, azimuth):
    """The accumulation is linear in the velocity, and what drags at +v pushes at -v."""
    x = np.array([-4.0, 0.0, 1.0]) * nm
    runs = [solve_accumulation(wall(METAL, 3 * nm, azimuth=azimuth, velocity=v)) for v in (speed, -speed, 1.0)]
    still = solve_accumulation(wall(METAL, 3 * nm, azimuth=azimuth)).at(x)[0]
    one, back, unit = (run.at(x)[0] - still for run in runs)
    # m is about 1, so that its rounding is 1e-15; the part of 1 m/s is about 1e-7.
    np.testing.assert_allclose(one, -back, rtol=0, atol=1e-13)
    np.testing.assert_allclose(one, speed * unit, rtol=0, atol=1e-8 * abs(speed) * np.abs(unit).max() + 3e-13)
    assert np.abs(unit).max() > 1e-8


# --- refusals -----------------------------------------------------------------------------------------------------


def solved(position=None, **changes):
    """Solve one layer, its fields changed, and ask for a place."""
    of_layer = {name: changes.pop(name) for name in ("magnetization", "equilibrium", "source") if name in changes}
    options = {name: changes.pop(name) for name in ("rtol", "max_step") if name in changes}
    medium, thickness = changes.pop("medium", METAL), changes.pop("thickness", 20 * nm)
    result = solve_accumulation(SpinStructure([Layer(medium, thickness, **of_layer)], **changes), **options)
    return result if position is None else result.at(position)


def tenth(u):
    """|M| above 1 in the middle only."""
    return np.outer(1 + 0.1 * np.sin(pi * u / (20 * nm)), Z)


def lossless(left, right=None, **options):
    return SpinStructure([Layer(LOSSLESS, 20 * nm)] * 2, left, right or left, **options)


FLUX, OPEN, RING = Boundary.spin_current((0, 0, 0)), Boundary.open(), Boundary.periodic()
TWISTED = Boundary.periodic(rotation_matrix(X, 1.0))
BAD = (
    Refusal("medium", Layer, {"medium": "Co", "thickness": 1e-9}, ("medium = 'Co'", "DiffusiveMedium")),
    Refusal("thickness 0", Layer, {"medium": METAL, "thickness": 0}, ("thickness = 0", "thickness > 0")),
    Refusal("thickness negative", Layer, {"medium": METAL, "thickness": -1e-9}, ("thickness = -1e-09", "> 0")),
    Refusal("thickness nan", Layer, {"medium": METAL, "thickness": nan}, ("thickness = nan", "finite")),
    Refusal("thickness inf", Layer, {"medium": METAL, "thickness": inf}, ("thickness = inf", "finite")),
    Refusal("thicknesses", Layer, {"medium": METAL, "thickness": (1, 2)}, ("thickness has shape (2,)", "one number")),
    Refusal(
        "magnetization too long",
        Layer,
        {"medium": METAL, "thickness": 1e-9, "magnetization": (0, 0.8, 0.8)},
        ("|magnetization|", "1.13", "exceeds 1", "|M| <= 1"),
    ),
    Refusal(
        "magnetization of two components",
        Layer,
        {"medium": METAL, "thickness": 1e-9, "magnetization": (0, 1)},
        ("magnetization has shape (2,)", "one 3-vector or a function"),
    ),
    Refusal(
        "magnetization not finite",
        Layer,
        {"medium": METAL, "thickness": 1e-9, "magnetization": (0, 1, nan)},
        ("magnetization[2] = nan", "one 3-vector"),
    ),
    Refusal(
        "magnetization function of a wrong shape",
        Layer,
        {"medium": METAL, "thickness": 1e-9, "magnetization": lambda u: u},
        ("magnetization(u) has shape (2,)", "(n, 3)"),
    ),
    Refusal(
        "magnetization function not finite",
        Layer,
        {"medium": METAL, "thickness": 1e-9, "magnetization": lambda u: np.full((len(u), 3), nan)},
        ("magnetization(u)[0, 0] = nan", "finite numbers of shape (n, 3)"),
    ),
    Refusal("drift", Layer, {"medium": METAL, "thickness": 1e-9, "drift": inf}, ("drift = inf", "finite")),
    Refusal(
        "drift vector", Layer, {"medium": METAL, "thickness": 1e-9, "drift": Z}, ("drift has shape (3,)", "number")
    ),
    Refusal("source", Layer, {"medium": METAL, "thickness": 1e-9, "source": 1.0}, ("source has shape ()", "3-vector")),
    Refusal(
        "equilibrium vector",
        Layer,
        {"medium": METAL, "thickness": 1e-9, "equilibrium": (0, 0, 1)},
        ("equilibrium has shape (3,)", "pass one number"),
    ),
    Refusal("kind of end", Boundary, {"kind": "closed"}, ("Boundary('closed', ...)", "Boundary.spin_current")),
    Refusal("end without its vector", Boundary, {"kind": "contact", "vector": Z}, ("'contact'", "make it by")),
    Refusal("fixed vector", Boundary.spin_accumulation, {"vector": (1, 2)}, ("vector has shape (2,)", "(3,)")),
    Refusal("fixed current", Boundary.spin_current, {"vector": (1, 2, nan)}, ("vector[2] = nan", "pass")),
    Refusal("contact shape", Boundary.contact, {"conductance": 1.0}, ("conductance has shape ()", "(3, 3)")),
    Refusal(
        "contact that creates",
        Boundary.contact,
        {"conductance": np.diag([1, 1, -1])},
        ("symmetric part of conductance = -1", "is not positive", "positive definite"),
    ),
    Refusal(
        "contact of an antisymmetric matrix",
        Boundary.contact,
        {"conductance": [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]},
        ("= 0 is not positive", "creates no free energy"),
    ),
    Refusal(
        "contact to no vector",
        Boundary.contact,
        {"conductance": np.eye(3), "spin_accumulation": 1.0},
        ("spin_accumulation has shape ()", "(3,)"),
    ),
    Refusal("rotation shape", Boundary.periodic, {"rotation": X}, ("rotation has shape (3,)", "(3, 3)")),
    Refusal("rotation that stretches", Boundary.periodic, {"rotation": 2 * np.eye(3)}, ("= 7 is not 0", "a rotation")),
    Refusal("rotation that mirrors", Boundary.periodic, {"rotation": -np.eye(3)}, ("= 2 is not 0", "a rotation")),
    Refusal("no layers", SpinStructure, {"layers": []}, ("layers = []", "one Layer or more")),
    Refusal("not layers", SpinStructure, {"layers": [METAL]}, ("DiffusiveMedium", "one Layer or more")),
    Refusal(
        "end that is none",
        SpinStructure,
        {"layers": [Layer(METAL, 1e-9)], "right": "open"},
        ("right = 'open' is no end", "pass None or Boundary"),
    ),
    Refusal(
        "one periodic end",
        SpinStructure,
        {"layers": [Layer(METAL, 1e-9)], "left": RING},
        ("only one end is periodic", "left and right"),
    ),
    Refusal(
        "two rotations",
        SpinStructure,
        {"layers": [Layer(METAL, 1e-9)], "left": RING, "right": Boundary.periodic(rotation_matrix(X, 1.0))},
        ("two rotations", "the same Boundary"),
    ),
    Refusal(
        "Larmor frequency",
        SpinStructure,
        {"layers": [Layer(METAL, 1e-9)], "larmor_frequency": 1e12},
        ("larmor_frequency has shape ()", "3-vector in rad/s"),
    ),
    Refusal("origin", SpinStructure, {"layers": [Layer(METAL, 1e-9)], "origin": nan}, ("origin = nan", "finite")),
    Refusal(
        "force",
        SpinStructure,
        {"layers": [Layer(METAL, 1e-9)], "exchange_force": "yes"},
        ("exchange_force = 'yes'", "True or False"),
    ),
)


@refusals(*BAD)
def test_bad_input_records(refusal):
    refusal.check()


BUILDERS = (
    Refusal("no medium", bilayer, {"medium": 3}, ("medium = 3", "neither one medium nor a pair")),
    Refusal("no medium of a wall", wall, {"medium": None}, ("medium = None", "pass a DiffusiveMedium")),
    Refusal(
        "flat profile",
        bilayer,
        {"interface_width": 1e-9, "profile": lambda u: 1.0},
        ("profile(u) has shape ()", "pass finite numbers"),
    ),
    Refusal("profile of a list", bilayer, {"profile": ["tanh"]}, ("profile = ['tanh']", "or a function")),
    Refusal("two directions", bilayer, {"left_direction": np.eye(3)[:2]}, ("left_direction has shape (2, 3)", "(3,)")),
    Refusal("three media", bilayer, {"medium": [METAL] * 3}, ("medium = [", "neither one medium nor a pair", "or two")),
    Refusal("left direction", bilayer, {"left_direction": (0, 0, 2)}, ("left_direction = 2", "left_direction /")),
    Refusal("right direction", bilayer, {"right_direction": (0, 0.9, 0)}, ("right_direction = 0.9", "pass")),
    Refusal("left thickness", bilayer, {"left_thickness": 0.0}, ("left_thickness = 0", "left_thickness > 0")),
    Refusal("right thickness", bilayer, {"right_thickness": -1.0}, ("right_thickness = -1", "right_thickness > 0")),
    Refusal("interface width", bilayer, {"interface_width": -1e-9}, ("interface_width = -1e-09", "negative", ">= 0")),
    Refusal("profile", bilayer, {"profile": "linear"}, ("profile = 'linear'", "'tanh', 'exponential' or a function")),
    Refusal("drift of a bilayer", bilayer, {"drift": nan}, ("drift = nan", "finite")),
    Refusal(
        "profile above 1",
        bilayer,
        {"profile": lambda u: 1 + u, "interface_width": 1e-9},
        ("|magnetization|", "exceeds 1", "pass M as a share"),
    ),
    Refusal("one side", ring, {"sides": 1}, ("sides = 1", "sides >= 2")),
    Refusal("half a side", ring, {"sides": 2.5}, ("sides = 2.5", "integer")),
    Refusal("side length", ring, {"side_length": 0.0}, ("side_length = 0", "side_length > 0")),
    Refusal("corner width", ring, {"corner_width": -1e-9}, ("corner_width = -1e-09", "corner_width >= 0")),
    Refusal("wall width", wall, {"width": 0.0}, ("width = 0", "width > 0")),
    Refusal("half length", wall, {"half_length": -1e-9}, ("half_length = -1e-09", "half_length > 0")),
    Refusal("azimuth", wall, {"azimuth": nan}, ("azimuth = nan", "finite")),
    Refusal("velocity", wall, {"velocity": (1, 2)}, ("velocity has shape (2,)", "one number")),
)
PROPER = {
    bilayer: {
        "medium": METAL,
        "left_direction": -Z,
        "right_direction": Y,
        "left_thickness": 1e-9,
        "right_thickness": 1e-9,
    },
    ring: {"medium": METAL, "sides": 4, "side_length": 1e-9},
    wall: {"medium": METAL, "width": 1e-9},
}


@refusals(*BUILDERS)
def test_bad_input_builders(refusal):
    replace(refusal, arguments=PROPER[refusal.call] | dict(refusal.arguments)).check()
    refusal.call(**PROPER[refusal.call])


@refusals(
    Refusal("rtol", solved, {"rtol": 0.0}, ("rtol = 0", "is not positive", "rtol > 0")),
    Refusal("rtol nan", solved, {"rtol": nan}, ("rtol = nan", "finite")),
    Refusal("max_step", solved, {"max_step": -1e-9}, ("max_step = -1e-09", "max_step > 0")),
    Refusal("max_step inf", solved, {"max_step": inf}, ("max_step = inf", "finite")),
    Refusal("left of the structure", solved, {"position": -1e-15}, ("position = -1e-15 is outside", "<= position <=")),
    Refusal("right of the structure", solved, {"position": [1e-9, 20.1e-9]}, ("position = 2.01e-08", "pass 0 <=")),
    Refusal("just outside", solved, {"position": 20e-9 * (1 + 3e-12)}, ("position = 2e-08 is outside", "pass")),
    Refusal("position nan", solved, {"position": [nan]}, ("position[0] = nan", "positions in m")),
    Refusal("positions of two axes", solved, {"position": np.zeros((2, 2))}, ("shape (2, 2)", "(k,)")),
    Refusal(
        "magnetization too long inside", solved, {"magnetization": tenth}, ("|magnetization|", "exceeds 1", "<= 1")
    ),
    Refusal(
        "equilibrium across the field",
        solved,
        {"equilibrium": lambda u: np.tile(X, (len(u), 1))},
        ("|H x m_eq| / |H| |m_eq|", "= 1 is not 0 to 1e-6", "along the field H"),
    ),
    Refusal(
        "equilibrium along M beside a field",
        solved,
        {"equilibrium": constant, "larmor_frequency": (1e12, 0, 0)},
        ("|H x m_eq|", "= 0.00658", "along the field H"),
    ),
    Refusal("equilibrium of a wrong shape", solved, {"equilibrium": lambda u: u}, ("equilibrium(u) has", "(n, 3)")),
    Refusal("source not finite", solved, {"source": lambda u: np.full((len(u), 3), inf)}, ("source(u)", "(n, 3)")),
)
def test_bad_input_solver(refusal):
    refusal.check()


def test_bad_input_relaxation_that_rounding_hides():
    """Between two insulating ends relaxation alone holds m: d^2 = 1e-12 of a diffusion length squared is too little."""
    medium = DiffusiveMedium(0.1, 1e-9)
    with pytest.raises(ValueError, match=r"so long beside the time .* pass a shorter one, or inf and an end"):
        solve_accumulation(SpinStructure([Layer(medium, 1e-11)], FLUX, FLUX))
    fed = Boundary.spin_current(Z)
    m = solve_accumulation(SpinStructure([Layer(medium, 1e-8)], fed, FLUX)).spin_accumulation
    np.testing.assert_allclose(m[:, 2], 0.1, rtol=1e-6)  # j tau/d


@refusals(
    *(
        Refusal(
            name,
            solve_accumulation,
            {"structure": structure},
            ("spin_relaxation_time = inf in every layer", ends, "a finite spin_relaxation_time", "or fix m at an end"),
        )
        for name, structure, ends in (
            ("insulated", lossless(FLUX), "spin_current and spin_current"),
            ("fed", lossless(Boundary.spin_current(Z)), "spin_current and spin_current"),
            ("open", lossless(OPEN), "open and open"),
            ("open and insulated", lossless(OPEN, FLUX), "open and spin_current"),
            ("ring", lossless(RING), "periodic and periodic"),
            ("ring about M", lossless(Boundary.periodic(rotation_matrix(Z, 1.0))), "periodic and periodic"),
            ("field along M", lossless(FLUX, larmor_frequency=1e13 * Z), "spin_current and spin_current"),
            ("field across M", lossless(FLUX, larmor_frequency=1e13 * X), "spin_current and spin_current"),
            ("other direction", replace(lossless(OPEN), layers=[Layer(LOSSLESS, 20 * nm, -Z)]), "open and open"),
            (
                "normal metal",
                SpinStructure([Layer(DiffusiveMedium(1e-3, inf), 20 * nm)], FLUX, FLUX),
                "spin_current and spin_current",
            ),
            (
                "texture along one axis",
                SpinStructure([Layer(LOSSLESS, 20 * nm, lambda u: np.outer(np.cos(u / nm), Z))], FLUX, FLUX),
                "spin_current and spin_current",
            ),
        )
    )
)
def test_bad_input_singular(refusal):
    refusal.check()


@pytest.mark.parametrize(
    "change",
    [
        {"left": Boundary.spin_accumulation((0, 0, 0))},
        {"right": Boundary.contact(1e5 * np.eye(3))},
        {"right": Boundary.spin_accumulation((0, 0, 0))},
        {"layers": [Layer(LOSSLESS, 20 * nm), Layer(METAL, 20 * nm)]},
        {"layers": [Layer(LOSSLESS, 20 * nm), Layer(LOSSLESS, 20 * nm, Y)]},
        {"layers": [Layer(LOSSLESS, 20 * nm), Layer(LOSSLESS, 20 * nm, 0.5 * Z)], "larmor_frequency": 1e13 * X},
        {"layers": [Layer(LOSSLESS, 20 * nm, lambda u: rotation_matrix(X, u / (5 * nm)) @ Z)]},
        {"layers": [Layer(LOSSLESS, 20 * nm, drift=1e4)], "left": TWISTED, "right": TWISTED},
    ],
)
def test_limit_one_thing_that_takes_spins_is_enough(change):
    structure = replace(lossless(Boundary.spin_current((1e3, 2e3, 3e3)), FLUX), **change)
    result = solve_accumulation(structure)
    assert np.isfinite(result.spin_accumulation).all()
    assert np.abs(result.deviation).max() > 0


def test_bad_input_open_end_that_is_fed_for_ever():
    """A source of what the endless layer never loses."""
    first, fed = Layer(METAL, 9 * nm), Layer(LOSSLESS, 90 * nm, source=(0, 0, 1e10))
    with pytest.raises(
        ValueError, match=r"source = \[0.0, 0.0, 10000000000.0\] at an open end .* never loses: pass a finite"
    ):
        solve_accumulation(SpinStructure([first, fed], None, OPEN))
    with pytest.raises(ValueError, match=r"source = \[0.0, 0.0, 10000000000.0\] at an open end .* or another end"):
        solve_accumulation(SpinStructure([fed, first], OPEN, None))
    tilted = replace(fed, source=(1e10, 0, 1e9))
    with pytest.raises(ValueError, match="never loses"):
        solve_accumulation(SpinStructure([first, tilted], None, OPEN))
    across = replace(fed, source=(1e10, 0, 0))  # this part precesses, and has a stationary state
    far = 1e10 / METAL.exchange_frequency
    m, _ = solve_accumulation(SpinStructure([first, across], None, OPEN)).at(90 * nm)
    assert m[1] == pytest.approx(-far, abs=1e-5 * far)  # H x delta = source, but for exp(-81/4.5)


def test_bad_input_rounding_hides_what_relaxes():
    """An insulated layer that loses spins once in 1e11 times of diffusion."""
    fed, closed = Boundary.spin_current(X), Boundary.spin_current((0, 0, 0))
    layer = Layer(DiffusiveMedium(4e-3, 1e3), 10 * nm)
    with pytest.raises(ValueError, match=r"spin_relaxation_time is so long .* an end that fixes m"):
        solve_accumulation(SpinStructure([layer], fed, closed))
    assert solve_accumulation(SpinStructure([layer], fed)).at(0.0)[0][0] == pytest.approx(
        10 * nm / 4e-3, rel=1e-9, abs=0
    )


@pytest.mark.parametrize("solver", [solve_accumulation, lambda layer: evolve_accumulation(layer, (0, 0, 1), [1e-12])])
def test_bad_input_no_structure(solver):
    with pytest.raises(ValueError, match="is no structure: pass a SpinStructure of layers"):
        solver(Layer(METAL, 9 * nm))


def test_bad_input_functions_of_one_number():
    with pytest.raises(ValueError, match=r"magnetization\(u\) fails for an array, .* shape \(n, 3\) for u"):
        Layer(METAL, 9 * nm, lambda u: (float(u), 0, 0))


def test_bad_input_a_texture_that_no_mesh_resolves():
    """Refining stops at the number of cells that the solver promises."""

    def ripple(u):
        return np.stack([np.sin(u / 1e-13), 0 * u, np.cos(u / 1e-13)], axis=1)

    with pytest.warns(UserWarning, match="rtol"), pytest.warns(UserWarning, match="layer 0 is not resolved"):
        result = solve_accumulation(SpinStructure([Layer(METAL, 100 * nm, ripple)], exchange_force=False))
    assert len(result.position) <= 400_001


# --- warnings -----------------------------------------------------------------------------------------------------


def test_bad_input_warning_without_a_wave():
    with pytest.warns(
        UserWarning, match="layer 1 has no transverse wave in the Boltzmann equation, at its precession "
    ):
        solve_accumulation(SpinStructure([Layer(METAL, 9 * nm), Layer(RHP, 50 * nm)]))
    with pytest.warns(UserWarning, match="angle 100: spins dephase; this is the solution of the moments"):
        solve_accumulation(SpinStructure([Layer(RHP, 50 * nm)]))


def test_bad_input_warning_of_a_thin_layer():
    thin = DiffusiveMedium(1e-3, 10 * ps, 0.03 * ps)  # mean free path 9.49 nm
    with pytest.warns(UserWarning, match=r"layer 0 is thinner, 9e-09 m, than its mean free path 9.49e-09 m; this is"):
        solve_accumulation(SpinStructure([Layer(thin, 9 * nm)]))


def test_bad_input_warning_names_the_line_of_the_caller():
    thin = DiffusiveMedium(1e-3, 10 * ps, 0.03 * ps)
    with pytest.warns(UserWarning, match="is thinner") as caught:
        solve_accumulation(SpinStructure([Layer(thin, 9 * nm)]))
    assert [each.filename for each in caught] == [__file__]


def test_bad_input_warning_names_one_layer_and_counts_the_rest():
    thin = Layer(METAL, 2 * nm)
    with pytest.warns(UserWarning, match=r"layer 0 is thinner, .* \(and 2 more\); this is the solution") as caught:
        solve_accumulation(SpinStructure([thin, Layer(METAL, 20 * nm), thin, thin]))
    assert len(caught) == 1


def test_bad_input_warning_of_a_magnetization_that_jumps_within_a_layer():

    def jumps(u):
        return np.where((u < 6.2345 * nm)[:, None], Z, X)

    # Printed law: there the jump is a source.
    structure = SpinStructure([Layer(METAL, 20 * nm, jumps)], exchange_force=False)
    message = r"a field of layer 0 is not resolved 6\.23\d*e-09 m from its left face, .*: cut the layer where"
    with pytest.warns(UserWarning, match="rtol = 1e-08 is not reached"), pytest.warns(UserWarning, match=message):
        result = solve_accumulation(structure)
    with pytest.warns(UserWarning, match=message):
        evolve_accumulation(structure, (0, 0, 1), [1e-15])
    cut = SpinStructure([Layer(METAL, 6.2345 * nm, Z), Layer(METAL, 13.7655 * nm, X)], exchange_force=False)
    x = np.linspace(0, 20 * nm, 101)
    np.testing.assert_allclose(result.at(x)[0], solve_accumulation(cut).at(x)[0], rtol=0, atol=1e-4)


def test_bad_input_warning_beyond_rounding():
    with pytest.warns(UserWarning, match="rtol = 1e-15 is not reached"):
        result = solve_accumulation(bilayer(METAL, -Z, Y, 10 * nm, 10 * nm, exchange_force=False), rtol=1e-15)
    assert 1e-15 < result.error_estimate < 1e-9
