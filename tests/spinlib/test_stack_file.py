"""`spinlib.stack_file`: a stack in TOML is the stack in Python; from its spacer it is a valve of circuits."""

import re
import tempfile
import textwrap
from math import inf
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinlib import stack_file
from spinlib.circuit import spin_valve
from spinlib.diffusion import Interface, Layer, Medium, reverse, solve_stack
from spinlib.materials import material
from spinlib.stack_file import Contact, Film, Stack, read_stack
from tests.bad_input import Refusal, refusals

Z = np.array([0.0, 0.0, 1.0])

OWN = """
title = "own"
current_density = "10 MA/cm^2"
[[layer]]
material = "Cu"
thickness = inf
[[layer]]
material = "Co"
thickness = "20 nm"
angle = "0 deg"
[[layer]]
material = "Cu"
thickness = "80 Å"
[[layer]]
material = "Co"
thickness = "3 nm"
angle = "180 deg"
anisotropy_field = "10 mT"
[[layer]]
material = "Cu"
thickness = "0.05 um"
[material.Cu]
resistivity = "0.6 uOhm cm"
spin_diffusion_length = "400 nm"
[material.Co]
table = "Co"
spin_diffusion_length = "38 nm"
saturation_magnetization = "1400 kA/m"
alpha = 0.01
[interface."Cu/Co"]
valet_fert_resistance = "0.5 fOhm m^2"
gamma = 0.75
spin_memory_loss = 0.3
mixing_conductance = "1.1e15 S/m^2"
"""


def read(text=OWN):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "own.toml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_stack(file)


def swapped(*pairs):
    """The stack above with pieces of its text exchanged, each there once."""
    text = OWN
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return read(text)


def test_invariant_a_mark_of_the_byte_order_is_no_text():
    assert repr(read(b"\xef\xbb\xbf" + OWN.encode())) == repr(read())


# --- the round trip ---------------------------------------------------------------------------------------------------


def in_python(down):
    """The same stack by :mod:`spinlib.diffusion` alone."""
    cu = Medium.valet_fert(6e-9, 0.0, 400e-9)
    co = Layer(Medium.valet_fert(75e-9, 0.46, 38e-9), 20e-9)
    free = Layer(co.medium, 3e-9)
    face = Interface.valet_fert(0.5e-15, 0.75, 0.3)
    turn = reverse if down else lambda item: item
    layers = [Layer(cu, inf), co, Layer(cu, 8e-9), turn(free), Layer(cu, 50e-9)]
    return solve_stack(layers, [face, face, turn(face), turn(face)], 1e11)


@pytest.mark.parametrize("down", [True, False])
def test_invariant_the_file_gives_what_python_gives(down):
    """Resistance, potentials and currents to 1e-12."""
    stack = read() if down else read().turned((0.0, 0.0))
    found, expected = stack.solve(), in_python(down)
    assert found.resistance == pytest.approx(expected.resistance, rel=1e-12, abs=0)
    assert found.current_density == expected.current_density == 1e11
    z = np.linspace(-100e-9, 81e-9, 50)
    for name in ("spin_accumulation", "current_density"):
        here, there = getattr(found.profile(z), name), getattr(expected.profile(z), name)
        np.testing.assert_allclose(here, there, atol=1e-12 * np.abs(there).max(), rtol=0)
    assert abs(in_python(True).resistance / in_python(False).resistance - 1) > 0.05  # the direction matters


def test_limit_what_the_file_says_is_what_the_films_are():
    stack = read()
    assert [film.material for film in stack.films] == ["Cu", "Co", "Cu", "Co", "Cu"]
    assert [film.thickness for film in stack.films] == [inf, 20e-9, 8e-9, 3e-9, 50e-9]
    assert stack.magnets == (1, 3)
    assert stack.films[1].angle == 0
    assert stack.films[3].angle == pytest.approx(np.pi, rel=1e-15, abs=0)
    free = stack.films[3]
    assert (free.saturation_magnetization, free.alpha, free.anisotropy_field) == (1.4e6, 0.01, 0.01)
    assert [contact.mixing_conductance for contact in stack.contacts] == [1.1e15] * 4
    assert (stack.title, stack.current_density) == ("own", 1e11)
    assert repr(stack) == "<Stack Cu | Co 20 nm at 0° | Cu 8 nm | Co 3 nm at 180° | Cu 50 nm; J = 1e+11 A/m^2>"


def test_limit_the_table_gives_what_is_not_stated():
    stack = read()
    assert set(stack.sources) == {"[material.Co]: beta", "[material.Co]: valet_fert_resistivity"}
    assert stack.sources["[material.Co]: beta"] == material("Co", "beta")
    bare = read(OWN.partition("[material.Cu]")[0])  # nothing but names
    assert len(bare.sources) == 9
    by_hand = Medium.valet_fert(
        *(material("Co", key).value for key in ("valet_fert_resistivity", "beta", "spin_diffusion_length"))
    )
    np.testing.assert_array_equal(bare.films[1].medium.conductivity, by_hand.conductivity)
    np.testing.assert_array_equal(bare.films[1].medium.relaxation, by_hand.relaxation)
    listed = [material("Co/Cu", key).value for key in ("valet_fert_resistance", "gamma", "spin_memory_loss")]
    np.testing.assert_array_equal(bare.contacts[0].interface.resistance, Interface.valet_fert(*listed).resistance)
    assert bare.contacts[0].mixing_conductance is None


def test_limit_the_docstring_is_a_file_that_is_read():
    """It shows every key but the one that excludes another."""
    text = textwrap.dedent(stack_file.__doc__.partition("::\n")[2])
    stack = read(text)
    assert stack.magnets == (1,)
    assert stack.films[1].anisotropy_field == 0.01
    assert stack.contacts[0].interface.relaxation is not None
    keys = {**stack_file._FILE, **stack_file._LAYER, **stack_file._MATERIAL, **stack_file._INTERFACE}
    assert {key for key in keys if not re.search(rf"^\W*{key}\b", text, re.MULTILINE)} == {"title", "resistivity"}


def test_limit_measured_and_starred_resistivity():
    """rho = rho* (1 - beta^2), and rho alone is what a Hall bar of the film measures."""
    starred = swapped(('table = "Co"', 'valet_fert_resistivity = "75 nOhm m"\nbeta = 0.5'))
    measured = swapped(('table = "Co"', 'resistivity = "56.25 nOhm m"\nbeta = 0.5'))
    over_table = swapped(('table = "Co"', 'table = "Co"\nresistivity = "56.25 nOhm m"\nbeta = 0.5'))
    for stack in (starred, measured, over_table):
        assert 1 / stack.films[1].medium.total_conductivity == pytest.approx(56.25e-9, rel=1e-12, abs=0)


def test_limit_equal_neighbours_need_no_interface():
    whole = read()
    halves = swapped(('thickness = "80 Å"', 'thickness = "30 Å"\n[[layer]]\nmaterial = "Cu"\nthickness = "50 Å"'))
    assert halves.contacts[2] == Contact()
    assert halves.solve().resistance == pytest.approx(whole.solve().resistance, rel=1e-12, abs=0)


def test_invariant_reversing_every_magnet_changes_nothing_but_the_spin():
    stack = read()
    turned = stack.turned((np.pi, 2 * np.pi))
    assert turned.solve().resistance == pytest.approx(stack.solve().resistance, rel=1e-12, abs=0)
    z = [10e-9, 25e-9]
    np.testing.assert_allclose(
        turned.solve().profile(z).spin_accumulation, -stack.solve().profile(z).spin_accumulation, rtol=1e-10
    )


# --- the valve --------------------------------------------------------------------------------------------------------


def state(stack, angle):
    """Circuit theory of the stack; electrons flow against the conventional current."""
    valve = stack.valve()
    m2 = np.array([np.sin(angle), 0.0, np.cos(angle)])
    sides = (valve.left, valve.right)
    leak = valve.spin_flip_conductance
    return spin_valve(Z, m2, *sides, charge_current=-stack.current_density, spin_flip_conductance=leak)


def drop(found):
    return float(found.voltage1 - found.voltage2)


positive = st.floats(0.2, 5.0)
asymmetry = st.floats(-0.9, 0.9)


@st.composite
def valves(draw):
    """A valve of unlike magnets with caps, leads or reservoirs, and relaxing contacts."""

    def film(name, thick, beta=None):
        medium = Medium.valet_fert(1e-8 * draw(positive), beta or 0.0, 2e-8 * draw(positive))
        return Film(name, thick, medium, None if beta is None else 0.0)

    def contact(**more):
        gamma, loss = draw(asymmetry), draw(st.sampled_from([0.0, 0.3]))
        return Contact(Interface.valet_fert(1e-15 * draw(positive), gamma, loss), **more)

    outer = [draw(st.sampled_from([inf, 5e-9, 40e-9])) for _ in range(2)]
    films = (
        film("A", outer[0]),
        film("F", 1e-8 * draw(positive), draw(asymmetry)),
        film("N", 2e-8 * draw(positive)),
        film("G", 1e-8 * draw(positive), draw(asymmetry)),
        film("B", outer[1]),
    )
    mixing = {"mixing_conductance": 1e15 * draw(positive)}
    return Stack("", films, (contact(), contact(**mixing), contact(**mixing), contact()), 1e10, {})


@given(valves())
@settings(max_examples=25, deadline=None)
def test_invariant_the_valve_has_the_collinear_currents_of_the_stack(stack):
    """Another theory, the same stack: magnetoresistance and the spin currents at both faces of the spacer."""
    resistances = []
    left, right = stack.films[1].thickness, stack.films[1].thickness + stack.films[2].thickness
    if stack.films[0].thickness < inf:
        left, right = left + stack.films[0].thickness, right + stack.films[0].thickness
    for angle in (0.0, np.pi):
        solved = stack.turned((0.0, angle)).solve()
        faces = [solved.profile(z, side=side) for z, side in ((left, "right"), (right, "left"))]
        flows = [float(face.current_density[0, 0] - face.current_density[1, 0]) for face in faces]
        found = state(stack, angle)
        assert found.spin_current1[2] == pytest.approx(flows[0], rel=0, abs=1e-9 * 1e10)
        assert -found.spin_current2[2] == pytest.approx(flows[1], rel=0, abs=1e-9 * 1e10)
        resistances.append((solved.resistance, -drop(found) / 1e10))
    (parallel, by_valve), (antiparallel, reversed_valve) = resistances
    assert reversed_valve - by_valve == pytest.approx(antiparallel - parallel, rel=0, abs=1e-10 * parallel)


def test_limit_the_spacer_of_the_valve_is_a_film_with_backflow():
    """Seen from one face, with the other closed: 1/G + 2 l rho coth(d/l), as `with_backflow` has it."""
    stack, valve = read(), read().valve()
    bare = Contact(Interface.valet_fert(1.0), 1.1e15)
    assert bare.mixing_conductance == stack.contacts[1].mixing_conductance
    face = type(valve.left)(0.0, 0.0, 1.1e15)
    whole = face.with_backflow(conductivity=1 / 6e-9, spin_diffusion_length=400e-9, thickness=8e-9).mixing
    assert 1 / valve.left.mixing + 2 / valve.spin_flip_conductance == pytest.approx(1 / whole, rel=1e-9, abs=0)


def test_limit_a_spacer_without_spin_flip():
    stack = swapped(
        ('spin_diffusion_length = "400 nm"', "spin_diffusion_length = inf"), ("thickness = inf", 'thickness = "9 nm"')
    )
    valve = stack.valve()
    assert valve.spin_flip_conductance == 0
    assert 1 / valve.left.mixing.real == pytest.approx(1 / 1.1e15 + 6e-9 * 8e-9, rel=1e-12, abs=0)
    solved = [stack.turned((0.0, angle)).solve().resistance for angle in (0.0, np.pi)]
    by_valve = [-drop(state(stack, angle)) / 1e11 for angle in (0.0, np.pi)]
    assert np.diff(by_valve)[0] == pytest.approx(np.diff(solved)[0], rel=1e-9, abs=0)


# --- refusals ---------------------------------------------------------------------------------------------------------


def swap(old, new):
    return {"pairs": ((old, new),)}


def tried(pairs):
    return swapped(*pairs)


def solved(angles):
    return read().turned(angles).solve()


def valve_of(pairs):
    return swapped(*pairs).valve()


THIN = 'thickness = "20 nm"'
STAR = 'table = "Co"\n'


@refusals(
    Refusal("no TOML", read, {"text": "layer = ["}, ("own.toml is not TOML", "correct the line")),
    Refusal("UTF-16", read, {"text": OWN.encode("utf-16")}, ("own.toml is not UTF-8", "save it as plain text")),
    Refusal("beyond a float", tried, swap(THIN, 'thickness = "1e400 m"'), ('"1e400 m" is not finite', '"5 nm"')),
    Refusal("unknown key of the file", tried, swap("title =", "titel ="), ("unknown key titel", "write one of title")),
    Refusal("title", tried, swap('"own"', "3"), ("title = 3", "in quotes")),
    Refusal("no current", read, {"text": OWN.replace("current", "# current")}, ("lacks current_density", "add it")),
    Refusal("no layer", read, {"text": 'current_density = "1 A/m^2"\nlayer = []'}, ("layer is empty", "[[layer]]")),
    Refusal(
        "single brackets", read, {"text": 'current_density = "1 A/m^2"\n[layer]\na = 1'}, ("layer is no", "[[layer]]")
    ),
    Refusal("unknown key of a layer", tried, swap(THIN, 'thick = "2 nm"'), ("number 2", 'thick = "2 nm"', "thickness")),
    Refusal("no thickness", tried, swap(THIN, ""), ("[[layer]] number 2 lacks thickness", "add it")),
    Refusal("no unit", tried, swap(THIN, "thickness = 20"), ("number 2 (Co): thickness = 20 has no unit", '"5 nm"')),
    Refusal("unit missing", tried, swap(THIN, 'thickness = "20"'), ('thickness = "20" has no unit', '"5 nm"')),
    Refusal("unit of another", tried, swap(THIN, 'thickness = "20 mT"'), ("'mT', which is no unit of length", "nm")),
    Refusal("no number", tried, swap(THIN, 'thickness = "thin"'), ('thickness = "thin"', "number and unit")),
    Refusal("nan", tried, swap(THIN, 'thickness = "nan nm"'), ('thickness = "nan nm" is not finite', '"5 nm"')),
    Refusal("negative", tried, swap(THIN, 'thickness = "-2 nm"'), ('thickness = "-2 nm" is not positive', "above 0")),
    Refusal("inner lead", tried, swap(THIN, "thickness = inf"), ("number 2 (Co)", "inf inside", "write a thickness")),
    Refusal("endless angle", tried, swap('angle = "0 deg"', "angle = inf"), ("number 2 (Co): angle = inf", "rad, deg")),
    Refusal("magnet without angle", tried, swap('angle = "0 deg"\n', ""), ("number 2 (Co) lacks angle", "0 deg")),
    Refusal(
        "angle of what is no magnet",
        tried,
        swap('"80 Å"', '"80 Å"\nangle = "0 deg"'),
        ("number 3 (Cu) has angle", "no beta", "leave it out"),
    ),
    Refusal(
        "negative anisotropy",
        tried,
        swap('"10 mT"', '"-10 mT"'),
        ("number 4 (Co): anisotropy_field", "-10 mT", "write one >= 0"),
    ),
    Refusal(
        "name of a material",
        tried,
        swap('material = "Co"\nthickness = "3', 'material = 3\nthickness = "3'),
        ("material = 3", "in quotes"),
    ),
    Refusal(
        "unknown material",
        tried,
        swap('material = "Cu"\nthickness = "0.05', 'material = "Ru2"\nthickness = "0.05'),
        ('"Ru2"', "neither described", "add [material.Ru2]"),
    ),
    Refusal("material of no layer", tried, swap("[material.Co]", "[material.Co2]"), ("[material.Co2]", "of no layer")),
    Refusal("unknown key of a material", tried, swap("alpha", "damping"), ("[material.Co]", "damping", "alpha")),
    Refusal("alpha in quotes", tried, swap("0.01", '"0.01"'), ('[material.Co]: alpha = "0.01"', "without quotes")),
    Refusal("negative alpha", tried, swap("0.01", "-0.01"), ("[material.Co]: alpha = -0.01", ">= 0")),
    Refusal(
        "saturation magnetisation", tried, swap("1400 kA/m", "0 kA/m"), ("saturation_magnetization = 0", "above 0")
    ),
    Refusal("beta", tried, swap(STAR, STAR + "beta = 1.2\n"), ("[material.Co]: beta = 1.2", "|beta| < 1")),
    Refusal("no resistivity", tried, swap(STAR, "beta = 0.4\n"), ("[material.Co]", "both are missing", "exactly one")),
    Refusal(
        "two resistivities",
        tried,
        swap(STAR, 'beta = 0.4\nresistivity = "60 nOhm m"\nvalet_fert_resistivity = "75 nOhm m"\n'),
        ("[material.Co]", "both are given", "exactly one"),
    ),
    Refusal(
        "no diffusion length",
        tried,
        swap('spin_diffusion_length = "400 nm"\n', ""),
        ("[material.Cu] lacks spin_diffusion_length", "write inf"),
    ),
    Refusal("table", tried, swap('"Co"\nspin', '"Cobalt"\nspin'), ('[material.Co]: table = "Cobalt"', "'Co', ")),
    Refusal("tables", tried, swap("[material.Cu]", "[material]"), ("material holds", 'begin each with [material."')),
    Refusal(
        "no interface",
        read,
        {
            "text": OWN.replace('[interface."Cu/Co"]', '[interface."Cu/Co "]')
            .replace('"Cu"', '"Al"')
            .replace(".Cu]", ".Al]")
        },
        ("neighbours Al and Co have no interface", '[interface."Al/Co"]', "transparent"),
    ),
    Refusal(
        "interface of no neighbours",
        tried,
        swap('[interface."Cu/Co"]', '[interface."Cu/Ni"]'),
        ('[interface."Cu/Ni"] joins no neighbours', "correct the name"),
    ),
    Refusal(
        "interface twice",
        read,
        {"text": OWN + '[interface."Co/Cu"]\ntable = "Co/Cu"\n'},
        ('"Co/Cu"', "one interface", "keep one table"),
    ),
    Refusal("no gamma", tried, swap("gamma = 0.75\n", ""), ('[interface."Cu/Co"] lacks gamma', "add it")),
    Refusal("gamma", tried, swap("gamma = 0.75", "gamma = 1.5"), ('[interface."Cu/Co"]: gamma = 1.5', "|gamma| <= 1")),
    Refusal(
        "no resistance",
        tried,
        swap('valet_fert_resistance = "0.5 fOhm m^2"\n', ""),
        ("lacks valet_fert_resistance", "add it"),
    ),
    Refusal(
        "mixing conductance",
        tried,
        swap('"1.1e15 S/m^2"', '"-1 S/m^2"'),
        ('[interface."Cu/Co"]: mixing_conductance = -1', "above 0"),
    ),
    Refusal(
        "gamma of two normal metals",
        read,
        {
            "text": OWN.replace('"0.05 um"', '"0.05 um"\n[[layer]]\nmaterial = "Pt"\nthickness = "5 nm"')
            + '[material.Pt]\ntable = "Pt"\n[interface."Cu/Pt"]\nvalet_fert_resistance = "1 fOhm m^2"\ngamma = 0.1\n'
        },
        ('[interface."Cu/Pt"] has gamma', "neither side is a magnet", "leave it out"),
    ),
    Refusal("angle to solve", solved, {"angles": (0.0, 1.0)}, ("layer 4 (Co) = 57.2958 deg", "valve()")),
    Refusal("number of angles", solved, {"angles": (0.0,)}, ("angles has shape (1,)", "one for each of 2")),
    Refusal(
        "valve of one magnet",
        valve_of,
        {
            "pairs": (
                (
                    OWN[
                        OWN.index('[[layer]]\nmaterial = "Co"\nthickness = "20') : OWN.index(
                            '[[layer]]\nmaterial = "Cu"\nthickness = "80'
                        )
                    ],
                    "",
                ),
            )
        },
        ("magnetic layers: 3", "two of them", "call solve()"),
    ),
    Refusal(
        "valve without mixing conductance",
        valve_of,
        swap('mixing_conductance = "1.1e15 S/m^2"\n', ""),
        ("Cu with Co has no mixing_conductance", '[interface."Co/Cu"]'),
    ),
)
def test_bad_input_stack_file(refusal):
    refusal.check()


def test_bad_input_magnets_in_contact_that_point_apart():
    text = OWN.replace('material = "Cu"\nthickness = "80 Å"', 'material = "Co"\nangle = "0 deg"\nthickness = "80 Å"')
    described = text + '[interface."Co/Co"]\nvalet_fert_resistance = "1 fOhm m^2"\ngamma = 0.1\n'
    Refusal("", lambda: read(described).solve(), {}, ("layers 3 and 4", "point apart", "one angle")).check()
    assert read(described).turned((0.0, 0.0, 0.0)).solve().resistance > 0
