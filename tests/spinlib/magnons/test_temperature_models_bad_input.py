"""What the temperature models refuse, and what they say."""

from typing import Any

import numpy as np
import pytest

from spinlib.magnons.temperature_models import (
    TemperaturePulse,
    equilibrium_magnetization,
    m3tm,
    m3tm_rate,
    two_temperature,
)
from spinlib.units import fs, ps
from tests.bad_input import Refusal, refusals

PULSE = {"base": 100.0, "peak": 1000.0, "rise_time": 50 * fs, "decay_time": 2 * ps}
TWO = {
    "times": np.linspace(0, 4, 41) * ps,
    "electron_heat_coefficient": 5400.0,
    "lattice_heat_capacity": 2.3e6,
    "electron_phonon_coupling": 4e18,
    "absorbed_energy_density": 1e9,
    "pulse_duration": 50 * fs,
    "pulse_center": 0.2 * ps,
    "initial_temperature": 300.0,
}
RATE = {
    "spin_flip_probability": 0.2,
    "electron_phonon_coupling": 4e18,
    "curie_temperature": 600.0,
    "atomic_volume": 1e-29,
    "magnetic_moment": 6e-24,
    "debye_energy": 6e-21,
}
M3TM = {
    "times": np.linspace(0, 4, 5) * ps,
    "electron_temperature": 500.0,
    "lattice_temperature": 400.0,
    "rate": 1e13,
    "curie_temperature": 600.0,
    "initial_magnetization": 0.5,
}
GOOD = {TemperaturePulse: PULSE, two_temperature: TWO, m3tm_rate: RATE, m3tm: M3TM}
RUN = two_temperature(**TWO)


def bad(call: Any, name: str, value: Any, *says: str, rule: str = "") -> Refusal:
    title = rule or f"{call.__name__}: {name} = {value!r}"
    return Refusal(title, call, {**GOOD[call], name: value}, says)


def not_positive(call: Any, name: str) -> list[Refusal]:
    remedy = f"is not positive: pass {name} > 0 in SI units"
    return [
        bad(call, name, 0.0, f"{name} = 0 ", remedy),
        bad(call, name, -2.0, f"{name} = -2 ", remedy),
        bad(call, name, np.nan, f"{name} = nan is not finite", "pass"),
        bad(call, name, "hot", f"{name} = 'hot' is not an array of real numbers", "pass"),
    ]


def one_number(call: Any, name: str) -> list[Refusal]:
    return [bad(call, name, [1.0, 2.0], f"{name} has shape (2,)", "pass one number")]


def negative(call: Any, name: str) -> list[Refusal]:
    remedy = f"is negative: pass {name} >= 0 in SI units"
    return [
        bad(call, name, -1e-3, f"{name} = -0.001 ", remedy),
        bad(call, name, np.inf, f"{name} = inf is not finite", "pass"),
    ]


@refusals(
    *(row for name in PULSE for row in not_positive(TemperaturePulse, name) + one_number(TemperaturePulse, name)),
    *(bad(TemperaturePulse, name, np.inf, f"{name} = inf is not finite", "pass") for name in list(PULSE)[:3]),
    bad(TemperaturePulse, "shape", "sine", "shape = 'sine' is no rise of a pulse", "pass 'linear' or 'sin2'"),
    bad(TemperaturePulse, "shape", np.array(["linear", "sin2"]), "shape = array(", "pass 'linear' or 'sin2'"),
    bad(TemperaturePulse, "shape", None, "shape = None is no rise of a pulse", "pass 'linear' or 'sin2'"),
)
def test_bad_input_temperature_pulse(refusal: Refusal) -> None:
    refusal.check()


def times_rows(call: Any) -> list[Refusal]:
    increasing, several = "pass strictly increasing times in s", "pass a start and at least one more time"
    title = f"{call.__name__}: times that"
    return [
        bad(
            call,
            "times",
            [0, 2e-12, 1e-12],
            "times[2] = 1e-12 is not after times[1]",
            increasing,
            rule=f"{title} go back",
        ),
        bad(
            call, "times", [0, 1e-12, 1e-12], "times[2] = 1e-12 is not after times[1]", increasing, rule=f"{title} stay"
        ),
        bad(call, "times", [0, np.nan], "times[1] = nan is not finite", "pass times in s", rule=f"{title} are nan"),
        bad(call, "times", 1e-12, "times has shape ()", several, rule=f"{title} are a number"),
        bad(call, "times", [1e-12], "times has shape (1,)", several, rule=f"{title} are one"),
        bad(call, "times", [[0, 1e-12]], "times has shape (1, 2)", several, rule=f"{title} are a matrix"),
        bad(call, "times", ["now", "then"], "times = ['now', 'then']", "pass times in s", rule=f"{title} are words"),
    ]


@refusals(
    *times_rows(two_temperature),
    *not_positive(two_temperature, "electron_heat_coefficient"),
    *not_positive(two_temperature, "lattice_heat_capacity"),
    *not_positive(two_temperature, "pulse_duration"),
    *not_positive(two_temperature, "initial_temperature"),
    *negative(two_temperature, "electron_phonon_coupling"),
    *negative(two_temperature, "absorbed_energy_density"),
    *(row for name in list(TWO)[1:] for row in one_number(two_temperature, name)),
    bad(two_temperature, "pulse_center", np.nan, "pulse_center = nan is not finite", "pass one finite number"),
    bad(
        two_temperature,
        "pulse_center",
        0.0,
        "pulse_center = 0 leaves 0.5 of the pulse before times[0] = 0 s, above 0.001",
        "pass pulse_center >= 6.56807e-14 s, or an earlier times[0]",
    ),
    bad(
        two_temperature,
        "pulse_center",
        1.312 * 50 * fs,
        "pulse_center = 6.56e-14 leaves 0.001 of the pulse",
        "or an earlier times[0]",
    ),
    bad(
        two_temperature, "pulse_center", -1 * ps, "pulse_center = -1e-12 leaves 1 of the pulse", "pass pulse_center >="
    ),
    bad(
        two_temperature,
        "pulse_duration",
        0.16 * ps,
        "pulse_center = 2e-13 leaves 0.00162 of the pulse",
        "pass pulse_center >= 2.10178e-13 s",
    ),
)
def test_bad_input_two_temperature(refusal: Refusal) -> None:
    refusal.check()


def test_bad_input_two_temperature_the_pulse_that_just_passes() -> None:
    least = 6.56807e-14  # as the message says
    assert two_temperature(**{**TWO, "pulse_center": least}).breakpoints[1] == pytest.approx(least, abs=1e-20)
    default = {name: value for name, value in TWO.items() if name != "pulse_center"}
    with pytest.raises(ValueError, match=r"pulse_center = 0 leaves 0\.5 of the pulse"):
        two_temperature(**default)


END = {"time": 4.01 * ps}


@refusals(
    Refusal("T_e after the end", RUN, END, ("time = 4.01e-12 is after the end", "pass time <= 4e-12 s", "more times")),
    Refusal("T_p after the end", RUN.lattice, END, ("time = 4.01e-12 is after the end", "pass time <= 4e-12 s")),
    Refusal(
        "T_e at one of several times", RUN, {"time": [[0, 1.0]]}, ("time[0, 1] = 1 is after", "pass time <= 4e-12")
    ),
    Refusal("T_e at nan", RUN, {"time": np.nan}, ("time = nan is not finite", "pass times in s")),
    Refusal("T_p at a word", RUN.lattice, {"time": "noon"}, ("time = 'noon'", "pass times in s")),
    Refusal("a pulse at nan", TemperaturePulse(**PULSE), {"time": [0, np.nan]}, ("time[1] = nan", "pass times in s")),
)
def test_bad_input_calling_a_temperature(refusal: Refusal) -> None:
    refusal.check()


PROBABILITY = "is not a probability: pass 0 <= spin_flip_probability <= 1"


@refusals(
    *(row for name in list(RATE)[2:] for row in not_positive(m3tm_rate, name)),
    *negative(m3tm_rate, "electron_phonon_coupling"),
    bad(m3tm_rate, "spin_flip_probability", -0.1, "spin_flip_probability = -0.1", PROBABILITY),
    bad(m3tm_rate, "spin_flip_probability", [0.5, 1.1], "spin_flip_probability[1] = 1.1", PROBABILITY),
    bad(m3tm_rate, "spin_flip_probability", np.nan, "spin_flip_probability = nan is not finite", "pass"),
    Refusal(
        "m3tm_rate: shapes that do not broadcast",
        m3tm_rate,
        {**RATE, "atomic_volume": [1e-29, 2e-29], "debye_energy": [1e-21] * 3},
        ("atomic_volume of shape (2,)", "debye_energy of shape (3,)", "pass numbers or arrays of matching"),
    ),
)
def test_bad_input_m3tm_rate(refusal: Refusal) -> None:
    refusal.check()


class Marked:
    breakpoints = (0.0, np.nan)

    def __call__(self, t: Any) -> Any:
        return 300 + 0 * t


SHARE = "is no share: pass 0 <= initial_magnetization <= 1"
DIP = [300.0, 300.0, 2000.0, 300.0, 300.0]  # the spline overshoots
SHAPES = "pass a number, one value for each time or a function of time"
CALLED = "it is called with an array of times in s: return temperatures in K of the same shape"


def temperature_rows(name: str) -> list[Refusal]:
    title = f"m3tm: {name} that"
    deep = [2000.0, 20.0, 2000.0, 20.0, 2000.0]
    return [
        *not_positive(m3tm, name),
        bad(m3tm, name, [300.0, 400.0], f"{name} has shape (2,) for times of shape (5,)", SHAPES),
        bad(m3tm, name, np.ones((5, 1)), f"{name} has shape (5, 1)", SHAPES, rule=f"{title} is a matrix"),
        bad(m3tm, name, [1.0, 1.0, 0.0, 1.0, 1.0], f"{name}[2] = 0 is not positive", f"pass {name} > 0"),
        bad(
            m3tm,
            name,
            deep,
            f"{name} between the times[",
            "is not positive",
            f"pass more times where {name} changes fast, or a function of time",
        ),
        bad(
            m3tm,
            name,
            lambda t: 300 - 1e15 * t,
            f"{name}(time)[",
            "is not positive",
            f"pass {name}(time) > 0",
            rule=f"{title} turns negative",
        ),
        bad(
            m3tm,
            name,
            lambda t: 300 * t / t[-1] - 1e-6,
            f"{name}(time)[0] = -1e-06 is not positive",
            "pass",
            rule=f"{title} starts negative",
        ),
        bad(
            m3tm,
            name,
            lambda t: np.where(t > 2 * ps, np.nan, 300.0),
            "nan is not finite",
            CALLED,
            rule=f"{title} turns nan",
        ),
        bad(m3tm, name, lambda t: 300.0, f"{name}(time) has shape ()", CALLED, rule=f"{title} ignores the shape"),
        bad(m3tm, name, lambda t: "warm", f"{name}(time) = 'warm'", CALLED, rule=f"{title} is a word"),
        bad(
            m3tm,
            name,
            Marked(),
            f"{name}.breakpoints[1] = nan is not finite",
            "give it finite times in s",
            rule=f"{title} has a kink at nan",
        ),
    ]


@refusals(
    *times_rows(m3tm),
    *temperature_rows("electron_temperature"),
    *temperature_rows("lattice_temperature"),
    *negative(m3tm, "rate"),
    *one_number(m3tm, "rate"),
    *not_positive(m3tm, "curie_temperature"),
    *one_number(m3tm, "curie_temperature"),
    bad(m3tm, "initial_magnetization", -0.1, "initial_magnetization = -0.1", SHARE),
    bad(m3tm, "initial_magnetization", 1.0001, "initial_magnetization = 1.0001", SHARE),
    bad(m3tm, "initial_magnetization", np.nan, "initial_magnetization = nan is not finite", "pass one finite number"),
    *one_number(m3tm, "initial_magnetization"),
    Refusal(
        "m3tm: times beyond the solution of the temperatures",
        m3tm,
        {**M3TM, "electron_temperature": RUN, "times": [0, 5 * ps]},
        ("is after the end of the solution", "pass time <= 4e-12 s"),
    ),
    Refusal(
        "m3tm: a temperature that is negative where there is no magnetisation",
        m3tm,
        {**M3TM, "initial_magnetization": 0.0, "lattice_temperature": lambda t: 300 - 1e15 * t},
        ("lattice_temperature(time)[1] = ", "is not positive", "pass lattice_temperature(time) > 0"),
    ),
)
def test_bad_input_m3tm(refusal: Refusal) -> None:
    refusal.check()


def test_bad_input_a_temperature_with_noise_ends() -> None:
    """Panels would be halved for ever."""
    noise = np.random.default_rng(1)
    with pytest.raises(RuntimeError, match="short enough: pass temperatures smooth between their breakpoints"):
        m3tm(**{**M3TM, "electron_temperature": lambda t: 500 + noise.random(t.shape)})


@refusals(
    Refusal(
        "equilibrium at 0 K",
        equilibrium_magnetization,
        {"temperature": [1.0, 0.0], "curie_temperature": 600.0},
        ("temperature[1] = 0 is not positive", "pass temperature > 0"),
    ),
    Refusal(
        "equilibrium without a Curie temperature",
        equilibrium_magnetization,
        {"temperature": 300.0, "curie_temperature": -1.0},
        ("curie_temperature = -1 is not positive", "pass curie_temperature > 0"),
    ),
    Refusal(
        "equilibrium of shapes that do not broadcast",
        equilibrium_magnetization,
        {"temperature": [1.0, 2.0], "curie_temperature": [1.0, 2.0, 3.0]},
        ("temperature of shape (2,)", "pass numbers or arrays of matching leading shape"),
    ),
)
def test_bad_input_equilibrium_magnetization(refusal: Refusal) -> None:
    refusal.check()
