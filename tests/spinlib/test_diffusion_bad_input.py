"""Every refusal that the contract of ``spinlib.diffusion`` states, and that records cannot be changed afterwards."""

from dataclasses import FrozenInstanceError
from math import inf, nan

import numpy as np
import pytest

from spinlib.diffusion import Interface, Layer, Medium, reverse, solve_stack
from tests.bad_input import Refusal, refusals

NONE = np.zeros((2, 2))
CU = Medium.valet_fert(6.0, 0.0, 450.0)
CU_4 = Medium.valet_fert(6.0, 0.0, 450.0, channels=4)
LAYER, LEAD = Layer(CU, 2.0), Layer(CU, inf)
FREE = Medium.valet_fert(6.0)
UP, DOWN = Medium([1.0, 0.0], NONE), Medium([0.0, 1.0], NONE)
LOOSE_D = Medium.four_channel({"s_up": 2.0, "s_down": 1.0, "d_down": 1.0}, {("s_up", "s_down"): 1.0})
FLIP = np.array([[0.0, 1.0], [1.0, 0.0]])


def profile(**arguments):
    return solve_stack([LAYER, LAYER]).profile(**arguments)


@refusals(
    Refusal(
        "a conductivity is negative",
        Medium,
        {"conductivity": [1.0, -2.0], "relaxation": NONE},
        ("conductivity[1] = -2", "is negative", "pass conductivity >= 0"),
    ),
    Refusal(
        "a conductivity is nan",
        Medium,
        {"conductivity": [nan, 1.0], "relaxation": NONE},
        ("conductivity[0] = nan", "not finite"),
    ),
    Refusal(
        "a conductivity is infinite",
        Medium,
        {"conductivity": [inf, 1.0], "relaxation": NONE},
        ("conductivity[0] = inf", "not finite"),
    ),
    Refusal(
        "a conductivity is complex",
        Medium,
        {"conductivity": [1j, 1.0], "relaxation": NONE},
        ("conductivity", "real numbers"),
    ),
    Refusal(
        "all channels are frozen",
        Medium,
        {"conductivity": [0.0, 0.0], "relaxation": NONE},
        ("conductivity = [0.0, 0.0]", "sigma_i > 0"),
    ),
    Refusal(
        "three channels",
        Medium,
        {"conductivity": [1.0, 1.0, 1.0], "relaxation": np.zeros((3, 3))},
        ("conductivity has shape (3,)", "2 (up, down) or 4"),
    ),
    Refusal(
        "one number for the conductivities",
        Medium,
        {"conductivity": 1.0, "relaxation": NONE},
        ("conductivity has shape ()", "2 (up, down) or 4"),
    ),
    Refusal(
        "a rate is negative",
        Medium,
        {"conductivity": [1.0, 1.0], "relaxation": -FLIP},
        ("relaxation[0, 1] = -1", "is negative", "pass relaxation >= 0"),
    ),
    Refusal(
        "a rate is infinite",
        Medium,
        {"conductivity": [1.0, 1.0], "relaxation": [[0.0, inf], [inf, 0.0]]},
        ("relaxation[0, 1] = inf", "not finite"),
    ),
    Refusal(
        "rates are not symmetric",
        Medium,
        {"conductivity": [1.0, 1.0], "relaxation": [[0.0, 1.0], [2.0, 0.0]]},
        ("relaxation[0, 1] = 1", "differs from its transpose", "the same rate for (i, j) and (j, i)"),
    ),
    Refusal(
        "a channel relaxes into itself",
        Medium,
        {"conductivity": [1.0, 1.0], "relaxation": [[0.0, 1.0], [1.0, 3.0]]},
        ("diagonal of relaxation[1] = 3", "is not 0", "pass 0"),
    ),
    Refusal(
        "rates of another number of channels",
        Medium,
        {"conductivity": [1.0, 1.0], "relaxation": np.zeros((4, 4))},
        ("relaxation has shape (4, 4)", "pass (2, 2)"),
    ),
    Refusal(
        "no rates", Medium, {"conductivity": [1.0, 1.0], "relaxation": None}, ("relaxation = None", "real numbers")
    ),
)
def test_bad_input_medium(refusal):
    refusal.check()


@refusals(
    Refusal("no resistivity", Medium.valet_fert, {"resistivity": 0.0}, ("resistivity = 0", "resistivity > 0")),
    Refusal(
        "several resistivities", Medium.valet_fert, {"resistivity": [1.0, 2.0]}, ("resistivity has shape (2,)", "one")
    ),
    Refusal("a resistivity in words", Medium.valet_fert, {"resistivity": "6"}, ("resistivity = '6'", "number")),
    Refusal("beta = 1", Medium.valet_fert, {"resistivity": 1.0, "beta": 1.0}, ("beta = 1", "|beta| < 1")),
    Refusal("beta = -1", Medium.valet_fert, {"resistivity": 1.0, "beta": -1.0}, ("beta = -1", "|beta| < 1")),
    Refusal("beta in percent", Medium.valet_fert, {"resistivity": 1.0, "beta": 46}, ("beta = 46", "|beta| < 1")),
    Refusal("beta is nan", Medium.valet_fert, {"resistivity": 1.0, "beta": nan}, ("beta = nan", "finite")),
    Refusal(
        "no diffusion length",
        Medium.valet_fert,
        {"resistivity": 1.0, "spin_diffusion_length": 0.0},
        ("spin_diffusion_length = 0", "spin_diffusion_length > 0"),
    ),
    Refusal(
        "a diffusion length of -inf",
        Medium.valet_fert,
        {"resistivity": 1.0, "spin_diffusion_length": -inf},
        ("spin_diffusion_length = -inf", "pass"),
    ),
    Refusal(
        "a diffusion length that is nan",
        Medium.valet_fert,
        {"resistivity": 1.0, "spin_diffusion_length": nan},
        ("spin_diffusion_length = nan", "finite"),
    ),
    Refusal(
        "three Valet-Fert channels", Medium.valet_fert, {"resistivity": 1.0, "channels": 3}, ("channels = 3", "2", "4")
    ),
    Refusal(
        "channels is no number",
        Medium.valet_fert,
        {"resistivity": 1.0, "channels": True},
        ("channels = True", "2", "4"),
    ),
    Refusal(
        "a rate beyond the floats",
        Medium.valet_fert,
        {"resistivity": 1e-300, "spin_diffusion_length": 1e-300},
        ("spin_diffusion_length", "pass"),
    ),
)
def test_bad_input_valet_fert(refusal):
    refusal.check()


@refusals(
    Refusal(
        "sums and asymmetries for channels",
        Medium.four_channel,
        {"conductivity": {"sigma_s": 1.4, "beta_s": 0.4, "sigma_down": 0.6, "beta_down": 0.2}},
        ("'sigma_s'", "s_up, s_down, d_up, d_down", "Medium.s_d"),
    ),
    Refusal(
        "an asymmetry for a channel",
        Medium.four_channel,
        {"conductivity": {"s_up": 1.0, "beta_s": 0.4}},
        ("conductivity names the channel 'beta_s'", "Medium.s_d"),
    ),
    Refusal(
        "an unknown channel in a pair",
        Medium.four_channel,
        {"conductivity": {"s_up": 1.0}, "relaxation": {("s_up", "up"): 1.0}},
        ("relaxation names the channel 'up'", "s_up, s_down, d_up, d_down"),
    ),
    Refusal(
        "a pair given from both sides",
        Medium.four_channel,
        {
            "conductivity": {"s_up": 1.0, "s_down": 1.0},
            "relaxation": {("s_up", "s_down"): 1.0, ("s_down", "s_up"): 2.0},
        },
        ("('s_up', 's_down')", "each pair once"),
    ),
    Refusal(
        "a channel paired with itself",
        Medium.four_channel,
        {"conductivity": {"s_up": 1.0}, "relaxation": {("s_up", "s_up"): 1.0}},
        ("('s_up', 's_up')", "two channels"),
    ),
    Refusal(
        "a rate of one channel",
        Medium.four_channel,
        {"conductivity": {"s_up": 1.0}, "relaxation": {"s_up": 1.0}},
        ("'s_up'", "pairs of two channels"),
    ),
    Refusal(
        "a negative named conductivity",
        Medium.four_channel,
        {"conductivity": {"s_up": 1.0, "d_down": -1.0}},
        ("conductivity['d_down'] = -1", "is negative"),
    ),
    Refusal(
        "a negative named rate",
        Medium.four_channel,
        {"conductivity": {"s_up": 1.0}, "relaxation": {("s_up", "d_down"): -2.0}},
        ("relaxation[('s_up', 'd_down')] = -2", "is negative"),
    ),
    Refusal("no named channel", Medium.four_channel, {"conductivity": {}}, ("conductivity", "sigma_i > 0")),
    Refusal(
        "a list of conductivities",
        Medium.four_channel,
        {"conductivity": [1.0, 0.4, 0.0, 0.25]},
        ("conductivity = [1.0, 0.4, 0.0, 0.25]", "pass"),
    ),
    Refusal(
        "a matrix of named rates",
        Medium.four_channel,
        {"conductivity": {"s_up": 1.0}, "relaxation": [[0.0]]},
        ("relaxation = [[0.0]]", "pass"),
    ),
    Refusal(
        "four numbers for three",
        Medium.s_d,
        {"conductivity": 1.4, "beta": 0.3, "minority_conductivity": 0.9, "minority_beta": 0.1},
        ("minority_conductivity = 0.9", "minority_beta = 0.1", "exactly one", "sigma_s (1 - beta_s)"),
    ),
    Refusal(
        "two numbers for three",
        Medium.s_d,
        {"conductivity": 1.4, "beta": 0.3},
        ("minority_conductivity = None", "exactly one"),
    ),
    Refusal(
        "beta_s = 1", Medium.s_d, {"conductivity": 1.4, "beta": 1.0, "minority_beta": 0.1}, ("beta = 1", "|beta| < 1")
    ),
    Refusal(
        "beta_down = -1",
        Medium.s_d,
        {"conductivity": 1.4, "beta": 0.3, "minority_beta": -1.0},
        ("minority_beta = -1", "-1 < minority_beta <= 1"),
    ),
    Refusal(
        "beta_down above 1",
        Medium.s_d,
        {"conductivity": 1.4, "beta": 0.3, "minority_beta": 1.5},
        ("minority_beta = 1.5", "<= 1"),
    ),
    Refusal(
        "sigma_down below its s channel",
        Medium.s_d,
        {"conductivity": 2.0, "beta": 0.5, "minority_conductivity": 0.4},
        ("minority_conductivity = 0.4", "at least", "0.5"),
    ),
    Refusal(
        "no s-d length",
        Medium.s_d,
        {"conductivity": 2.0, "beta": 0.5, "minority_conductivity": 1.0, "s_d_length": 0.0},
        ("s_d_length = 0", "s_d_length > 0"),
    ),
)
def test_bad_input_named_channels(refusal):
    refusal.check()


@refusals(
    Refusal("no thickness", Layer, {"medium": CU, "thickness": 0.0}, ("thickness = 0", "thickness > 0")),
    Refusal("a negative thickness", Layer, {"medium": CU, "thickness": -1e-9}, ("thickness = -1e-09", "thickness > 0")),
    Refusal("a thickness that is nan", Layer, {"medium": CU, "thickness": nan}, ("thickness = nan", "finite")),
    Refusal("a thickness of -inf", Layer, {"medium": CU, "thickness": -inf}, ("thickness = -inf", "pass")),
    Refusal("two thicknesses", Layer, {"medium": CU, "thickness": [1.0, 2.0]}, ("thickness has shape (2,)", "one")),
    Refusal("thickness first", Layer, {"medium": 2e-9, "thickness": CU}, ("medium = 2e-09", "Layer(Medium")),
)
def test_bad_input_layer(refusal):
    refusal.check()


@refusals(
    Refusal(
        "a contact resistance is negative",
        Interface,
        {"resistance": [1.0, -1.0]},
        ("resistance[1] = -1", "is negative", "resistance >= 0"),
    ),
    Refusal("a contact resistance is nan", Interface, {"resistance": [nan, 1.0]}, ("resistance[0] = nan", "finite")),
    Refusal("a contact resistance of -inf", Interface, {"resistance": [1.0, -inf]}, ("resistance[1] = -inf", "pass")),
    Refusal("one contact resistance", Interface, {"resistance": 1e-15}, ("resistance has shape ()", "2 (up, down) or")),
    Refusal("contact resistances in words", Interface, {"resistance": ["low", "high"]}, ("resistance", "real numbers")),
    Refusal(
        "a channel without resistance relaxes in the contact",
        Interface,
        {"resistance": [0.0, 1.0], "relaxation": FLIP},
        ("resistance[0] = 0", "relaxes in the contact", "r_i > 0"),
    ),
    Refusal(
        "contact rates are not symmetric",
        Interface,
        {"resistance": [1.0, 1.0], "relaxation": [[0.0, 1.0], [2.0, 0.0]]},
        ("relaxation[0, 1] = 1", "differs from its transpose"),
    ),
    Refusal(
        "a contact rate is negative",
        Interface,
        {"resistance": [1.0, 1.0], "relaxation": -FLIP},
        ("relaxation[0, 1] = -1", "is negative"),
    ),
    Refusal(
        "a contact channel relaxes into itself",
        Interface,
        {"resistance": [1.0, 1.0], "relaxation": np.eye(2)},
        ("diagonal of relaxation[0] = 1", "pass 0"),
    ),
    Refusal(
        "contact rates of another number of channels",
        Interface,
        {"resistance": [1.0, 1.0], "relaxation": np.zeros((4, 4))},
        ("relaxation has shape (4, 4)", "pass (2, 2)"),
    ),
    Refusal("a negative r_b", Interface.valet_fert, {"resistance": -1.0}, ("resistance = -1", "resistance >= 0")),
    Refusal("r_b is nan", Interface.valet_fert, {"resistance": nan}, ("resistance = nan", "finite")),
    Refusal(
        "gamma above 1", Interface.valet_fert, {"resistance": 1.0, "gamma": 1.01}, ("gamma = 1.01", "|gamma| <= 1")
    ),
    Refusal(
        "gamma below -1", Interface.valet_fert, {"resistance": 1.0, "gamma": -1.01}, ("gamma = -1.01", "|gamma| <= 1")
    ),
    Refusal("gamma is nan", Interface.valet_fert, {"resistance": 1.0, "gamma": nan}, ("gamma = nan", "finite")),
    Refusal(
        "negative spin-memory loss",
        Interface.valet_fert,
        {"resistance": 1.0, "spin_memory_loss": -0.1},
        ("spin_memory_loss = -0.1", "spin_memory_loss >= 0"),
    ),
    Refusal(
        "spin-memory loss of a contact without resistance",
        Interface.valet_fert,
        {"resistance": 0.0, "spin_memory_loss": 0.3},
        ("spin_memory_loss = 0.3", "resistance > 0", "spin_memory_loss=0"),
    ),
    Refusal(
        "spin-memory loss where one spin sees no resistance",
        Interface.valet_fert,
        {"resistance": 1.0, "gamma": -1.0, "spin_memory_loss": 0.3},
        ("spin_memory_loss = 0.3", "|gamma| < 1"),
    ),
    Refusal(
        "a contact of three channels",
        Interface.valet_fert,
        {"resistance": 1.0, "channels": 3},
        ("channels = 3", "2", "4"),
    ),
)
def test_bad_input_interface(refusal):
    refusal.check()


@refusals(
    Refusal("no layers", solve_stack, {"layers": []}, ("layers", "at least one Layer")),
    Refusal("one lead", solve_stack, {"layers": [LEAD]}, ("layers has one lead", "two leads")),
    Refusal(
        "an infinite inner layer",
        solve_stack,
        {"layers": [LAYER, LEAD, LAYER]},
        ("layers[1].thickness = inf", "only an outer layer"),
    ),
    Refusal(
        "layers of two and four channels",
        solve_stack,
        {"layers": [LAYER, Layer(CU_4, 1.0)]},
        ("layers[1] has 4 channels", "the first layer 2", "one number throughout"),
    ),
    Refusal(
        "a contact of four channels between two",
        solve_stack,
        {"layers": [LAYER, LAYER], "interfaces": [Interface.valet_fert(1.0, channels=4)]},
        ("interfaces[0] has 4 channels", "one number throughout"),
    ),
    Refusal(
        "too few interfaces",
        solve_stack,
        {"layers": [LAYER, LAYER, LAYER], "interfaces": [None]},
        ("interfaces has 1 entries", "len(layers) - 1 = 2"),
    ),
    Refusal(
        "an interface for each layer",
        solve_stack,
        {"layers": [LAYER, LAYER], "interfaces": [None, None]},
        ("interfaces has 2 entries", "len(layers) - 1 = 1"),
    ),
    Refusal(
        "a medium for a layer",
        solve_stack,
        {"layers": [CU, CU]},
        ("layers[0]", "is no Layer", "spinlib.diffusion.Layer"),
    ),
    Refusal(
        "a number for an interface",
        solve_stack,
        {"layers": [LAYER, LAYER], "interfaces": [1e-15]},
        ("interfaces[0] = 1e-15", "is no Interface"),
    ),
    Refusal("a layer for a stack", solve_stack, {"layers": LAYER}, ("layers", "pass")),
    Refusal("nothing for a stack", solve_stack, {"layers": None}, ("layers = None", "pass")),
    Refusal(
        "an interface for the list of them",
        solve_stack,
        {"layers": [LAYER, LAYER], "interfaces": Interface([1.0, 1.0])},
        ("interfaces", "pass"),
    ),
    Refusal(
        "a lead of two separate spins",
        solve_stack,
        {"layers": [Layer(FREE, inf), LAYER]},
        ("layers[0] is a lead", "2 groups of channels", "pass relaxation", "reservoir"),
    ),
    Refusal(
        "a lead with a d channel that nothing ties to the others",
        solve_stack,
        {"layers": [Layer(CU_4, 1.0), Layer(LOOSE_D, inf)]},
        ("layers[1] is a lead", "2 groups of channels", "freeze a channel"),
    ),
    Refusal(
        "a contact that blocks both spins",
        solve_stack,
        {"layers": [LAYER, LAYER], "interfaces": [Interface([inf, inf])]},
        ("no path from end to end", "pass"),
    ),
    Refusal(
        "up meets down",
        solve_stack,
        {"layers": [Layer(UP, 1.0), Layer(DOWN, 1.0)]},
        ("no path from end to end", "relaxation"),
    ),
    Refusal(
        "two leads, up meets down",
        solve_stack,
        {"layers": [Layer(UP, inf), Layer(DOWN, inf)]},
        ("no path from end to end", "relaxation"),
    ),
    Refusal(
        "contacts that block one spin each with no relaxation between them",
        solve_stack,
        {"layers": [LAYER, Layer(FREE, 1.0), LAYER], "interfaces": [Interface([1.0, inf]), Interface([inf, 1.0])]},
        ("no path from end to end", "pass"),
    ),
    Refusal(
        "a current that is nan", solve_stack, {"layers": [LAYER], "current_density": nan}, ("current_density", "nan")
    ),
    Refusal(
        "an infinite current", solve_stack, {"layers": [LAYER], "current_density": inf}, ("current_density", "finite")
    ),
    Refusal(
        "several currents",
        solve_stack,
        {"layers": [LAYER], "current_density": [1.0, 2.0]},
        ("current_density has shape (2,)", "one number"),
    ),
    Refusal("what has no channels is reversed", reverse, {"item": 3.0}, ("item = 3.0", "a Medium, a Layer or an")),
)
def test_bad_input_stack(refusal):
    refusal.check()


def test_limit_relaxation_opens_the_paths_that_are_refused_without():
    """The refused stacks with one relaxation more: a path through the middle layer, or through the contact itself."""
    faces = [Interface([1.0, inf]), Interface([inf, 1.0])]
    assert solve_stack([LAYER, LAYER, LAYER], faces).resistance > 0
    assert solve_stack([Layer(UP, 1.0), Layer(DOWN, 1.0)], [Interface([1.0, 1.0], FLIP)]).resistance > 2
    assert solve_stack([Layer(FREE, 1.0), LAYER]).resistance > 0


@refusals(
    Refusal("before a reservoir", profile, {"position": [-0.1]}, ("position[0] = -0.1", "reservoir", "0 <= z <= 4")),
    Refusal("behind a reservoir", profile, {"position": [1.0, 4.1]}, ("position[1] = 4.1", "reservoir", "0 <= z <= 4")),
    Refusal("a position that is nan", profile, {"position": nan}, ("position", "nan", "not finite")),
    Refusal("an infinite position", profile, {"position": [inf]}, ("position[0] = inf", "not finite")),
    Refusal("a grid of positions", profile, {"position": [[1.0]]}, ("position has shape (1, 1)", "vector")),
    Refusal("a position in words", profile, {"position": "middle"}, ("position = 'middle'", "in m")),
    Refusal("no side", profile, {"position": 1.0, "side": "both"}, ("side = 'both'", "'left' or 'right'")),
)
def test_bad_input_profile(refusal):
    refusal.check()


def test_limit_a_lead_has_positions_without_end():
    half = solve_stack([LAYER, LEAD])
    assert half.profile([1e9]).position.tolist() == [1e9]
    with pytest.raises(ValueError, match=r"position\[0\] = -1 is beyond a reservoir: pass 0 <= z <= inf m"):
        half.profile([-1.0])
    assert half.profile([0.0, 2.0, 3.0], side="left").electrochemical_potential.shape == (2, 3)
    assert half.profile([]).current_density.shape == (2, 0)


def test_bad_input_records_cannot_be_changed():
    """Neither their fields nor what their arrays hold, nor through the array that was passed."""
    given = np.array([1.0, 2.0])
    medium, face = Medium(given, FLIP), Interface(given, FLIP)
    given[0] = 7.0
    assert medium.conductivity[0] == face.resistance[0] == 1.0
    for record, name in ((medium, "conductivity"), (face, "resistance"), (LAYER, "thickness")):
        with pytest.raises(FrozenInstanceError):
            setattr(record, name, 1.0)
    for array in (medium.conductivity, medium.relaxation, face.resistance, face.relaxation):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5.0
