"""What bands, ferromagnets, interfaces and runs refuse, what they warn of, and what they say."""

import warnings
from dataclasses import FrozenInstanceError, replace
from math import inf, nan

import numpy as np
import pytest

from spinlib.magnons.band import (
    MagnonBand,
    bose_einstein,
    fit_bose_einstein,
    magnon_density,
    magnon_susceptibility,
)
from spinlib.magnons.interface import MagnonInterface, NormalMetal, simulate_bilayer, spin_seebeck_coefficient
from spinlib.magnons.kinetics import (
    Ferromagnet,
    feedback_coefficient,
    occupation_rate,
    simulate_demagnetization,
    spin_transfer_current,
)
from spinlib.units import e2_over_h, k_B, meV, nm, ps
from tests.bad_input import Refusal, refusals

RHO = meV * nm**3
BAND = MagnonBand(5 * meV, 0.6 * meV * nm**2, 86 * meV)
METAL = Ferromagnet(BAND, 0.01, 0.1, -6 * RHO, 2 * ps)
RUNAWAY = replace(METAL, feedback=6 * RHO)
FACE = MagnonInterface(20 * e2_over_h / nm**2, 26e27)
SINK = NormalMetal(2e-4, 2e-14, 5e47, 2e-8)
TIMES = [0.0, 1 * ps]
ENERGY, _ = BAND.quadrature(24)
BANDS = {"gap": 1.0, "stiffness": 2.0, "bandwidth": 3.0}
FERRO = {"band": BAND, "alpha": 0.01, "ultrafast_damping": 0.1, "feedback": -6.0, "spin_relaxation_time": 1.0}
STATES = {
    "density_of_states_up": 1.0,
    "density_of_states_down": 2.0,
    "exchange_splitting": 1.0,
    "saturation_spin_density": 1.0,
}
RATE = {"scattering_rate": 0.1, "energy": 1e-21, "occupation": 0.5, "temperature": 300.0, "spin_accumulation": 0.0}
CURRENT = {"band": BAND, "scattering_rate": 0.1, "occupation": 0.5, "temperature": 300.0, "spin_accumulation": 0.0}
RUN = {"ferromagnet": METAL, "temperature": 300.0, "times": TIMES}
SURFACE = {"mixing_conductance": 1e15, "saturation_spin_density": 26e27}
NORMAL = {"diffusivity": 2e-4, "spin_relaxation_time": 2e-14, "density_of_states": 5e47, "thickness": 2e-8}
BILAYER = {
    "ferromagnet": METAL,
    "interface": FACE,
    "normal_metal": SINK,
    "thickness": 5 * nm,
    "ferromagnet_temperature": 300.0,
    "normal_temperature": 300.0,
    "times": TIMES,
}


def rows(call, arguments, table):
    """One refusal for each rule: argument, bad value, and what the message says."""
    return [
        Refusal(f"{call.__name__}: {rule}", call, arguments | {name: value}, says) for rule, name, value, says in table
    ]


def one_number(call, arguments, names, least=None):
    """Numbers that are not finite, no numbers, or not what ``least`` allows: "positive" or "not negative"."""
    for name in names:
        yield Refusal(f"{call.__name__}: {name} is nan", call, arguments | {name: nan}, (f"{name} = nan", "not finite"))
        yield Refusal(
            f"{call.__name__}: {name} is no number",
            call,
            arguments | {name: "much"},
            (f"{name} = 'much'", "real numbers"),
        )
        yield Refusal(
            f"{call.__name__}: {name} is an array",
            call,
            arguments | {name: [1.0, 2.0]},
            (f"{name} has shape (2,)", "one"),
        )
        if least:
            says = (f"{name} = -1", f"pass {name} >{'=' if least == 'not negative' else ''} 0")
            yield Refusal(f"{call.__name__}: {name} is negative", call, arguments | {name: -1.0}, says)
        if least == "positive":
            says = (f"{name} = 0", "is not positive", f"pass {name} > 0")
            yield Refusal(f"{call.__name__}: {name} is zero", call, arguments | {name: 0.0}, says)


# --- the band ---------------------------------------------------------------------------------------------------------


def quadrature(points):
    return BAND.quadrature(points)


def density_of_states(energy):
    return BAND.density_of_states(energy)


@refusals(
    *one_number(MagnonBand, BANDS, BANDS, "positive"),
    *rows(
        MagnonBand,
        BANDS,
        [
            ("a gap without bound", "gap", inf, ("gap = inf", "not finite")),
            ("an edge at the gap", "bandwidth", 1.0, ("bandwidth = 1", "not above the gap", "bandwidth > gap = 1 J")),
            ("an edge below the gap", "bandwidth", 0.5, ("bandwidth = 0.5", "upper edge", "bandwidth > gap = 1 J")),
            ("an edge without bound", "bandwidth", inf, ("bandwidth = inf", "not finite")),
        ],
    ),
    *rows(
        quadrature,
        {},
        [
            ("no node", "points", 0, ("points = 0", "pass an integer points >= 1")),
            ("half a node", "points", 2.5, ("points = 2.5", "no integer")),
            ("a truth for nodes", "points", True, ("points = True", "no integer")),
        ],
    ),
    Refusal("states at nan", density_of_states, {"energy": [1.0, nan]}, ("energy[1] = nan", "not finite")),
)
def test_bad_input_band(refusal):
    refusal.check()


@refusals(
    *rows(
        bose_einstein,
        {"energy": 1e-21, "temperature": 300.0},
        [
            ("energy without bound", "energy", inf, ("energy = inf", "not finite")),
            ("no temperature", "temperature", 0.0, ("temperature = 0", "pass temperature > 0")),
            ("one temperature negative", "temperature", [300.0, -1.0], ("temperature[1] = -1", "is not positive")),
            ("temperature nan", "temperature", nan, ("temperature = nan", "not finite")),
            ("chemical potential nan", "chemical_potential", nan, ("chemical_potential = nan", "not finite")),
        ],
    ),
    Refusal(
        "bose_einstein: shapes that do not fit",
        bose_einstein,
        {"energy": [1.0, 2.0, 3.0], "temperature": [1.0, 2.0]},
        ("energy of shape (3,)", "temperature of shape (2,)", "do not broadcast"),
    ),
    *(
        row
        for call in (magnon_density, magnon_susceptibility)
        for row in rows(
            call,
            {"band": BAND, "temperature": 300.0},
            [
                ("no temperature", "temperature", 0.0, ("temperature = 0", "pass temperature > 0")),
                ("temperature nan", "temperature", nan, ("temperature = nan", "not finite")),
                (
                    "at the gap",
                    "chemical_potential",
                    BAND.gap,
                    ("chemical_potential = 8", "chemical_potential < gap = 8"),
                ),
                (
                    "above",
                    "chemical_potential",
                    [0.0, 1.0],
                    ("chemical_potential[1] = 1", "not below the gap", "< gap"),
                ),
                ("nan", "chemical_potential", nan, ("chemical_potential = nan", "not finite")),
            ],
        )
    ),
)
def test_bad_input_equilibrium(refusal):
    refusal.check()


@refusals(
    *rows(
        fit_bose_einstein,
        {"band": BAND, "occupation": np.exp(-ENERGY / (20 * meV))},
        [
            ("negative", "occupation", -np.ones(24), ("occupation[0] = -1", "is negative")),
            ("nan", "occupation", [1.0, nan], ("occupation[1] = nan", "not finite")),
            ("a number", "occupation", 1.0, ("occupation has shape ()", "(points,)", "or a function")),
            ("records", "occupation", np.ones((2, 24)), ("occupation has shape (2, 24)", "(points,)")),
            ("nothing", "occupation", [], ("occupation has shape (0,)", "(points,)")),
            ("no magnons", "occupation", np.zeros(24), ("density of occupation = 0", "with magnons in it")),
            ("inverted", "occupation", ENERGY / meV, ("mean energy of occupation", "temperature > 0", "below 0.6")),
            ("uniform", "occupation", np.ones(24), ("mean energy of occupation", "temperature > 0", "below 0.6")),
            (
                "condensed",
                "occupation",
                1e3 * np.exp(-ENERGY / (10 * meV)),
                (
                    "density of occupation",
                    "no Bose-Einstein distribution with T > 0 and mu < gap",
                    "chemical_potential=",
                ),
            ),
            ("in one mode", "occupation", np.eye(24)[0], ("no Bose-Einstein", "chemical_potential=")),
            (
                "a function of one energy",
                "occupation",
                lambda e: 1.0,
                ("occupation(energy) has shape ()", "each energy"),
            ),
            ("a negative function", "occupation", lambda e: -e, ("occupation(energy)[0]", "is negative")),
            ("mu at the gap", "chemical_potential", BAND.gap, ("chemical_potential = 8", "chemical_potential < gap")),
            ("mu nan", "chemical_potential", nan, ("chemical_potential = nan", "not finite")),
        ],
    ),
    Refusal(
        "fit_bose_einstein: no nodes for a function",
        fit_bose_einstein,
        {"band": BAND, "occupation": lambda e: e, "points": 0},
        ("points = 0", "pass an integer points >= 1"),
    ),
)
def test_bad_input_fit(refusal):
    refusal.check()


# --- the ferromagnet --------------------------------------------------------------------------------------------------


def scattering_rate(energy):
    return METAL.scattering_rate(energy)


@refusals(
    *one_number(Ferromagnet, FERRO, ["alpha", "ultrafast_damping"], "not negative"),
    *one_number(Ferromagnet, FERRO, ["feedback", "exchange_feedback"]),
    *one_number(Ferromagnet, FERRO, ["spin_relaxation_time", "saturation_spin_density"], "positive"),
    *rows(
        Ferromagnet,
        FERRO,
        [
            ("no band", "band", 5 * meV, ("is no MagnonBand", "pass MagnonBand(gap, stiffness, bandwidth)")),
            ("feedback without bound", "feedback", -inf, ("feedback = -inf", "not finite")),
            (
                "more exchange feedback than feedback",
                "exchange_feedback",
                -6.1,
                ("exchange_feedback = -6.1", "feedback - exchange_feedback = -2/D is negative", ">= feedback = -6.0"),
            ),
            ("density without bound", "saturation_spin_density", inf, ("saturation_spin_density = inf", "not finite")),
        ],
    ),
    Refusal("Gamma at nan", scattering_rate, {"energy": nan}, ("energy = nan", "not finite")),
    *one_number(feedback_coefficient, STATES, [name for name in STATES if "splitting" not in name], "positive"),
    *one_number(feedback_coefficient, STATES, ["exchange_splitting"], "not negative"),
    *rows(
        feedback_coefficient,
        STATES,
        [("coupling", "coupling", "strong", ("coupling = 'strong'", "'ferromagnetic' or 'antiferromagnetic'"))],
    ),
)
def test_bad_input_ferromagnet(refusal):
    refusal.check()


@refusals(
    *rows(
        occupation_rate,
        RATE,
        [
            ("a negative rate", "scattering_rate", -0.1, ("scattering_rate = -0.1", "pass scattering_rate >= 0")),
            ("a negative occupation", "occupation", [0.1, -0.1], ("occupation[1] = -0.1", "pass occupation >= 0")),
            ("no temperature", "temperature", 0.0, ("temperature = 0", "pass temperature > 0")),
            ("an energy that is nan", "energy", nan, ("energy = nan", "not finite")),
            ("an accumulation without bound", "spin_accumulation", inf, ("spin_accumulation = inf", "not finite")),
        ],
    ),
    Refusal(
        "occupation_rate: shapes",
        occupation_rate,
        RATE | {"energy": [1.0, 2.0], "occupation": [1.0, 2.0, 3.0]},
        ("energy of shape (2,)", "occupation of shape (3,)", "do not broadcast"),
    ),
    *one_number(spin_transfer_current, CURRENT, ["temperature"], "positive"),
    *one_number(spin_transfer_current, CURRENT, ["spin_accumulation"]),
    *rows(
        spin_transfer_current,
        CURRENT,
        [
            ("a negative rate", "scattering_rate", -0.1, ("scattering_rate = -0.1", "a number >= 0")),
            ("a rate below 0", "scattering_rate", lambda e: 0.1 - e / (50 * meV), ("scattering_rate[", "is negative")),
            ("a rate of few energies", "scattering_rate", lambda e: e[:3], ("scattering_rate has shape (3,)", "(64,)")),
            ("a negative occupation", "occupation", -1.0, ("occupation = -1", "a number >= 0")),
            ("occupations elsewhere", "occupation", np.ones(24), ("occupation has shape (24,)", "(64,)")),
            ("an occupation that is nan", "occupation", lambda e: e * nan, ("occupation[0] = nan", "not finite")),
            ("no nodes", "points", 0, ("points = 0", "points >= 1")),
        ],
    ),
)
def test_bad_input_rates(refusal):
    refusal.check()


# --- runs -------------------------------------------------------------------------------------------------------------

TIME_RULES = [
    ("one time", "times", [0.0], ("times has shape (1,)", "at least one more time")),
    ("a number", "times", 1.0, ("times has shape ()", "at least one more time")),
    ("a table of times", "times", [[0.0, 1.0]], ("times has shape (1, 2)", "of shape (T,)")),
    ("times that go back", "times", [0.0, 2.0, 1.0], ("times[2] = 1 is not after times[1]", "strictly increasing")),
    ("times that repeat", "times", [0.0, 0.0], ("times[1] = 0 is not after times[0]", "strictly increasing")),
    ("times that are nan", "times", [0.0, nan], ("times[1] = nan", "not finite")),
    ("a breakpoint that is nan", "breakpoints", [nan], ("breakpoints[0] = nan", "not finite")),
    ("breakpoints in words", "breakpoints", "soon", ("breakpoints = 'soon'", "real numbers")),
    ("no start temperature", "initial_temperature", 0.0, ("initial_temperature = 0", "pass initial_temperature > 0")),
    ("a start temperature nan", "initial_temperature", nan, ("initial_temperature = nan", "not finite")),
    ("no nodes", "points", 0, ("points = 0", "points >= 1")),
    ("no tolerance", "rtol", 0.0, ("rtol = 0", "pass rtol >= 1e-13")),
    ("a negative tolerance", "rtol", -1e-8, ("rtol = -1e-08", "pass rtol >= 1e-13")),
    ("a tolerance below rounding", "rtol", 1e-14, ("rtol = 1e-14", "below the rounding", "pass rtol >= 1e-13")),
    ("a tolerance nan", "rtol", nan, ("rtol = nan", "not finite")),
]


def temperature_rules(name):
    return [
        (f"{name} zero", name, 0.0, (f"{name} = 0", f"pass {name} > 0")),
        (f"{name} nan", name, nan, (f"{name} = nan", "not finite")),
        (f"{name} in words", name, "hot", (f"{name} = 'hot'", "real numbers")),
        (f"{name} as an array", name, [300.0, 400.0], (f"{name} has shape (2,)", "one number")),
        (f"{name} of one time", name, lambda t: 300.0, (f"{name}(time) has shape ()", "same shape", "numpy.vectorize")),
        (f"{name} of few times", name, lambda t: t[:1] + 1, (f"{name}(time) has shape (1,) for times", "same shape")),
        (f"{name} negative somewhere", name, lambda t: 1 - 2 * t / ps, (f"{name}(time)[", "is not positive")),
        (f"{name} nan somewhere", name, lambda t: t * nan, (f"{name}(time)[0] = nan", "not finite", "in K")),
        (f"{name} in words somewhere", name, lambda t: "warm", (f"{name}(time) = 'warm'", "temperatures in K")),
    ]


@refusals(
    *rows(simulate_demagnetization, RUN, TIME_RULES + temperature_rules("temperature")),
    *one_number(simulate_demagnetization, RUN, ["initial_spin_accumulation"]),
    *rows(
        simulate_demagnetization,
        RUN,
        [
            ("no ferromagnet", "ferromagnet", BAND, ("is no Ferromagnet", "pass Ferromagnet(")),
            (
                "positive feedback",
                "ferromagnet",
                RUNAWAY,
                ("feedback = 9.6", "run away", "ferromagnetic coupling has feedback < 0", "allow_runaway=True"),
            ),
            ("negative magnons", "initial_occupation", -0.1, ("initial_occupation = -0.1", "a number >= 0")),
            ("magnons nan", "initial_occupation", nan, ("initial_occupation = nan", "not finite")),
            ("magnons elsewhere", "initial_occupation", np.ones(24), ("initial_occupation has shape (24,)", "(32,)")),
            ("a function negative", "initial_occupation", lambda e: -e, ("initial_occupation[0]", "is negative")),
            (
                "a function of few",
                "initial_occupation",
                lambda e: e[1:],
                ("initial_occupation has shape (31,)", "(32,)"),
            ),
        ],
    ),
)
def test_bad_input_demagnetization(refusal):
    refusal.check()


def occupation_at(energy):
    return simulate_demagnetization(METAL, 300.0, TIMES, points=4).occupation_at(energy)


@refusals(
    *rows(
        occupation_at,
        {},
        [
            ("below the band", "energy", 4 * meV, ("energy = 6.4", "outside the band", "pass 8.01")),
            ("above the band", "energy", [6 * meV, 90 * meV], ("energy[1] = 1.4", "outside the band", "<= energy <=")),
            ("nan", "energy", nan, ("energy = nan", "not finite")),
        ],
    )
)
def test_bad_input_occupation_at(refusal):
    refusal.check()


# --- the interface ----------------------------------------------------------------------------------------------------


def interface_rate(mixing, energy=(1.0, 2.0)):
    return MagnonInterface(mixing, 1.0).scattering_rate(energy)


@refusals(
    *one_number(MagnonInterface, SURFACE, ["mixing_conductance", "spin_conductance"], "not negative"),
    *one_number(MagnonInterface, SURFACE, ["saturation_spin_density", "mode_factor"], "positive"),
    *rows(
        MagnonInterface,
        SURFACE,
        [
            (
                "mode factor above 2",
                "mode_factor",
                2.1,
                ("mode_factor = 2.1", "0 < mode_factor <= 2", "standing waves"),
            ),
            ("complex mixing", "mixing_conductance", 1 + 1j, ("mixing_conductance = (1+1j)", "real numbers")),
            ("mixing without bound", "mixing_conductance", inf, ("mixing_conductance = inf", "not finite")),
        ],
    ),
    *rows(
        interface_rate,
        {},
        [
            ("negative", "mixing", lambda e: -e, ("mixing_conductance[0] = -1", "is negative", "number >= 0")),
            ("of few", "mixing", lambda e: e[1:], ("mixing_conductance has shape (1,)", "energies of shape (2,)")),
            ("complex", "mixing", lambda e: 1j * e, ("mixing_conductance", "real numbers")),
        ],
    ),
    Refusal("interface_rate: at nan", interface_rate, {"mixing": 1.0, "energy": nan}, ("energy = nan", "not finite")),
    *one_number(NormalMetal, NORMAL, NORMAL, "positive"),
    *rows(
        NormalMetal,
        NORMAL,
        [("a metal without end", "thickness", inf, ("thickness = inf", "not finite"))],
    ),
    *rows(
        spin_seebeck_coefficient,
        {"band": BAND, "interface": FACE},
        [
            ("no temperature", "temperature", 0.0, ("temperature = 0", "pass temperature > 0")),
            ("one temperature nan", "temperature", [1.0, nan], ("temperature[1] = nan", "not finite")),
        ],
    ),
)
def test_bad_input_interface(refusal):
    refusal.check()


@refusals(
    *rows(
        simulate_bilayer,
        BILAYER,
        TIME_RULES
        + temperature_rules("ferromagnet_temperature")
        + temperature_rules("normal_temperature")
        + [
            ("positive feedback", "ferromagnet", RUNAWAY, ("feedback = 9.6", "run away", "pass feedback <= 0")),
            ("no ferromagnet", "ferromagnet", BAND, ("is no Ferromagnet", "pass one from spinlib.magnons")),
            ("no interface", "interface", SINK, ("is no MagnonInterface", "pass one from spinlib.magnons")),
            ("no metal", "normal_metal", FACE, ("is no NormalMetal", "pass one from spinlib.magnons")),
            ("one polynomial", "modes", 1, ("modes = 1", "modes >= 2")),
            ("half a polynomial", "modes", 2.5, ("modes = 2.5", "no integer")),
        ],
    ),
    *one_number(simulate_bilayer, BILAYER, ["thickness"], "positive"),
)
def test_bad_input_bilayer(refusal):
    refusal.check()


# --- what cannot be solved --------------------------------------------------------------------------------------------


def test_bad_input_noise_is_refused_in_time() -> None:
    """A temperature that is no function has no solution; the run gives up and says why."""
    rng = np.random.default_rng(1)
    with pytest.raises(RuntimeError, match="smooth between their breakpoints, or a larger rtol") as caught:
        simulate_demagnetization(METAL, lambda t: 300 + 100 * rng.random(t.shape), [1.0, 1.0 + 1e-6], points=1)
    assert "the steps at t = 1 s become too short" in str(caught.value)


def test_bad_input_runaway_too_fast_for_the_times_is_refused() -> None:
    """A bandwidth of a million gaps lets it grow within 1e-28 s, near 1e-14 s."""
    metal = Ferromagnet(MagnonBand(1e-19, 1e-41, 1e-13), 1.0, 0.0, 1e-44, 1e-9)
    with pytest.raises(RuntimeError, match="become too short, or too many"):
        simulate_demagnetization(metal, 1e4, [0.0, 1e-10], allow_runaway=True)


def test_bad_input_times_far_from_zero_are_rounded() -> None:
    """The same picoseconds, one second later."""
    times = np.array([0.0, 1e-11])

    def warm(t):
        return 300 + 100 / (1 + np.exp(-(t - start) / 1e-12))

    start = 0.0
    simulate_demagnetization(METAL, warm, times, points=1)
    start = 1.0
    with pytest.raises(RuntimeError, match=r"pass times that begin near 0, for these are rounded to 2\.2e-16 s"):
        simulate_demagnetization(METAL, warm, times + start, points=1)


# --- warnings ---------------------------------------------------------------------------------------------------------


def caught_by(call, *arguments, **keywords):
    """Messages of the warnings of one call; each has to point at its line."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call(*arguments, **keywords)
    line = caught_by.__code__.co_firstlineno + 4
    assert all((each.filename, each.lineno, each.category) == (__file__, line, UserWarning) for each in caught)
    return [str(each.message) for each in caught]


def test_bad_input_warns_of_damping_beyond_magnons() -> None:
    assert caught_by(Ferromagnet, BAND, 0.01, 0.999, 0.0, 1.0) == []
    for value in (1.0, 3.0):
        (message,) = caught_by(Ferromagnet, BAND, 0.01, value, 0.0, 1.0)
        assert message.startswith(f"ultrafast_damping = {value:.4g}: from 1 on the linewidth reaches the energy")
    with pytest.warns(UserWarning, match="ultrafast_damping = 2"):
        hot = replace(METAL, ultrafast_damping=2.0)
    assert caught_by(simulate_demagnetization, hot, 300.0, TIMES) == []  # once, on construction


def test_bad_input_warns_of_a_magnet_turned_over() -> None:
    few = replace(METAL, saturation_spin_density=1e27)
    assert caught_by(simulate_demagnetization, METAL, 1000.0, TIMES) == []
    assert caught_by(simulate_demagnetization, few, 50.0, TIMES) == []
    (message,) = caught_by(simulate_demagnetization, few, 1000.0, np.linspace(0, 1, 50) * ps)
    assert "magnon_density rises to " in message
    assert "above saturation_spin_density = 1e+27 m^-3" in message
    (message,) = caught_by(simulate_bilayer, few, FACE, SINK, 5 * nm, 1000.0, 1000.0, TIMES)
    assert "S_z has changed sign" in message


def test_bad_input_warns_of_the_cold() -> None:
    edge = BAND.gap / (10 * k_B)
    assert caught_by(simulate_demagnetization, METAL, 1.01 * edge, TIMES) == []
    (message,) = caught_by(simulate_demagnetization, METAL, 0.99 * edge, np.linspace(0, 1, 50) * ps)
    assert message.startswith(f"k_B T falls below a tenth of the gap (T = {0.99 * edge:.4g} K)")
    for temperatures in ((300.0, 0.9 * edge), (0.9 * edge, 300.0)):
        (message,) = caught_by(simulate_bilayer, METAL, FACE, SINK, 5 * nm, *temperatures, TIMES)
        assert f"(T = {0.9 * edge:.4g} K)" in message
    both = replace(METAL, saturation_spin_density=1e20)
    assert len(caught_by(simulate_demagnetization, both, 0.9 * edge, TIMES, initial_temperature=300.0)) == 2


# --- what is fixed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("item", [BAND, METAL, FACE, SINK])
def test_bad_input_parameters_cannot_be_changed(item) -> None:
    name = next(iter(item.__dataclass_fields__))
    with pytest.raises(FrozenInstanceError):
        setattr(item, name, 1.0)


def test_bad_input_nodes_cannot_be_changed_for_others() -> None:
    """Every run gets arrays of its own."""
    energy, weight = BAND.quadrature(8)
    energy[:], weight[:] = -1.0, -1.0
    again, others = BAND.quadrature(8)
    assert again[0] > 0
    assert others[0] > 0
    run = simulate_demagnetization(METAL, 300.0, TIMES, points=8)
    np.testing.assert_array_equal(run.energy, again)
