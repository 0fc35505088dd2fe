"""Contracts of temperatures under a laser pulse and of the microscopic three-temperature model."""

from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from spinlib.magnons.temperature_models import TemperaturePulse, equilibrium_magnetization, two_temperature
from spinlib.units import k_B, mu_B
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw
from tests.contracts.magnon_draws import KELVIN, pulses, record_times, temperatures
from tests.contracts.rows import not_negative, positive


def _peak(pulse: TemperaturePulse, base: float, peak: float, rise_time: float, **_: Any) -> None:
    assert pulse(rise_time) == pytest.approx(peak, abs=1e-12 * max(base, peak))
    assert pulse(-rise_time) == base


def _between(kelvin: float, self: TemperaturePulse, time: float) -> None:
    low, high = sorted((self.base, self.peak))
    assert low * (1 - 1e-12) <= kelvin <= high * (1 + 1e-12)
    assert time > 0 or kelvin == self.base


def _mean_field(m: float, temperature: float, curie_temperature: float) -> None:
    assert 0 <= m <= 1
    assert (m == 0) == (temperature >= curie_temperature)
    # Close to T_C the slope of m - tanh(m T_C/T) vanishes as (T_C - T): m is as good as its square.
    off = np.tanh(m * curie_temperature / temperature) - m
    assert abs(off) <= 1e-14


def _printed(
    rate: float,
    spin_flip_probability: float,
    electron_phonon_coupling: float,
    curie_temperature: float,
    atomic_volume: float,
    magnetic_moment: float,
    debye_energy: float,
) -> None:
    per_atom = electron_phonon_coupling * atomic_volume * k_B * (curie_temperature / debye_energy) ** 2
    wanted = 8 * spin_flip_probability * per_atom * mu_B / magnetic_moment
    assert rate == pytest.approx(wanted, rel=1e-12, abs=1e-280)


def _share(m: np.ndarray, times: Any, rate: float, initial_magnetization: float | None = None, **_: Any) -> None:
    assert m.shape == np.shape(times)
    assert ((m >= 0) & (m <= 1)).all()
    if initial_magnetization is not None:
        assert m[0] == initial_magnetization
    if not rate:
        np.testing.assert_allclose(m, m[0], rtol=1e-9, atol=0)


def _relaxes(m: np.ndarray, electron_temperature: float, curie_temperature: float, **_: Any) -> None:
    """At constant temperatures m goes from one side to the equilibrium and does not overshoot."""
    aim = equilibrium_magnetization(electron_temperature, curie_temperature)
    off = m - aim
    assert (np.abs(off[1:]) <= np.abs(off[:-1]) + 1e-9).all()
    assert (off * off[0] >= -1e-9).all()


def _heated(
    run: Any,
    times: np.ndarray,
    electron_heat_coefficient: float,
    lattice_heat_capacity: float,
    absorbed_energy_density: float,
    initial_temperature: float,
    **_: Any,
) -> None:
    """The energy rises by no more than the pulse gives, both temperatures only where it does."""
    cold, hot, lattice = initial_temperature, run.electron_temperature, run.lattice_temperature
    np.testing.assert_array_equal(run.time, times)
    assert (hot >= cold * (1 - 1e-12)).all()
    assert (lattice >= cold * (1 - 1e-12)).all()
    of_electrons = electron_heat_coefficient / 2 * (hot**2 - cold**2)
    of_lattice = lattice_heat_capacity * (lattice - cold)
    # Digits that a temperature has, as energy.
    rounding = 1e-9 * (electron_heat_coefficient * hot**2 + lattice_heat_capacity * lattice)
    stored = of_electrons + of_lattice
    assert (stored <= absorbed_energy_density * (1 + 1e-9) + rounding).all()
    assert (np.diff(stored) >= -rounding[1:]).all()
    assert (np.diff(lattice) >= -1e-9 * lattice[1:]).all()
    np.testing.assert_allclose(run(times), hot, rtol=1e-12)
    np.testing.assert_allclose(run.lattice(times), lattice, rtol=1e-12)


def _rises(kelvin: float, self: Any, time: float) -> None:
    """From the initial temperature on, before the first record, too."""
    assert kelvin >= 300.0 * (1 - 1e-12)
    assert time > 0 or kelvin == 300.0


WARMED = two_temperature(
    [0.0, 1e-12],
    electron_heat_coefficient=1e3,
    lattice_heat_capacity=3e6,
    electron_phonon_coupling=1e18,
    absorbed_energy_density=1e8,
    pulse_duration=5e-14,
    pulse_center=2e-13,
)


@st.composite
def _lasers(draws: st.DrawFn) -> dict[str, Any]:
    """Metals and pulses of a hundredth to a hundred times usual numbers, centred from just late enough on."""
    duration = draws(draw.sizes(1e-16, 1e-11))
    times = draws(record_times())
    return {
        "times": times,
        "electron_heat_coefficient": draws(draw.sizes(1.0, 1e5)),
        "lattice_heat_capacity": draws(draw.sizes(1e4, 1e8)),
        "electron_phonon_coupling": draws(st.one_of(draw.sizes(1e14, 1e20), st.just(0.0))),
        "absorbed_energy_density": draws(st.one_of(draw.sizes(1e3, 1e11), st.just(0.0))),
        "pulse_duration": duration,
        "pulse_center": float(times[0]) + duration * draws(draw.sizes(1.5, 100.0)),
        "initial_temperature": draws(draw.sizes(0.1, 1e4)),
    }


_CURIE = st.one_of(KELVIN, st.sampled_from([300.0, np.nextafter(300.0, 301.0), 300.0000001]))
_RATES = st.one_of(draw.sizes(1e6, 1e18), st.just(0.0))
_START = st.one_of(draw.between(0.0, 1.0), st.sampled_from([5e-324, 1e-300, np.nextafter(1.0, 0.0)]))

CONTRACTS = (
    Contract(
        "magnons.temperature_models.TemperaturePulse",
        st.fixed_dictionaries(
            {
                "base": draw.sizes(1e-3, 1e6),
                "peak": draw.sizes(1e-3, 1e6),
                "rise_time": draw.sizes(1e-18, 1.0),
                "decay_time": st.one_of(draw.sizes(1e-18, 1.0), st.just(inf)),
            },
            optional={"shape": st.sampled_from(["linear", "sin2"])},
        ),
        _peak,
        inf={"decay_time": "it stays at the peak"},
        takes={"decay_time inf": "it stays at the peak"},
    ),
    Contract(
        "magnons.temperature_models.TemperaturePulse.__call__",
        st.fixed_dictionaries({"self": pulses(), "time": draw.signed(1e-18, 1e3)}),
        _between,
        {"time": 0},
    ),
    Contract(
        "magnons.temperature_models.equilibrium_magnetization",
        st.fixed_dictionaries({"temperature": st.one_of(KELVIN, st.just(300.0)), "curie_temperature": _CURIE}),
        _mean_field,
        {"temperature": 0, "curie_temperature": 0},
        examples=40,
    ),
    Contract(
        "magnons.temperature_models.m3tm_rate",
        st.fixed_dictionaries(
            {
                "spin_flip_probability": draw.between(0.0, 1.0),
                "electron_phonon_coupling": st.one_of(draw.sizes(1e12, 1e22), st.just(0.0)),
                "curie_temperature": KELVIN,
                "atomic_volume": draw.sizes(1e-32, 1e-26),
                "magnetic_moment": draw.sizes(1e-27, 1e-20),
                "debye_energy": draw.sizes(1e-24, 1e-18),
            }
        ),
        _printed,
        dict.fromkeys(
            (
                "spin_flip_probability",
                "electron_phonon_coupling",
                "curie_temperature",
                "atomic_volume",
                "magnetic_moment",
                "debye_energy",
            ),
            0,
        ),
    ),
    Contract(
        "magnons.temperature_models.m3tm",
        st.fixed_dictionaries(
            {
                "times": record_times(),
                "electron_temperature": temperatures(),
                "lattice_temperature": temperatures(),
                "rate": _RATES,
                "curie_temperature": draw.sizes(1.0, 1e4),
            },
            optional={"initial_magnetization": _START},
        ),
        _share,
        tolerance=1e-9,
    ),
    Contract(
        "magnons.temperature_models.m3tm",
        st.fixed_dictionaries(
            {
                "times": record_times(),
                "electron_temperature": draw.sizes(1.0, 1e4),
                "lattice_temperature": draw.sizes(1.0, 1e4),
                "rate": _RATES,
                "curie_temperature": draw.sizes(1.0, 1e4),
                "initial_magnetization": _START,
            }
        ),
        _relaxes,
        label="at constant temperatures",
        patience=120,  # nine decades between the rate and the times take some seconds
        takes={"initial_magnetization none": "that of equilibrium"},
    ),
    Contract(
        "magnons.temperature_models.TwoTemperatures.__call__",
        st.fixed_dictionaries({"self": st.just(WARMED), "time": draw.between(-1e-9, 1e-12)}),
        _rises,
        {"time": 0},
    ),
    Contract(
        "magnons.temperature_models.LatticeTemperature.__call__",
        st.fixed_dictionaries({"self": st.just(WARMED.lattice), "time": draw.between(-1e-9, 1e-12)}),
        _rises,
        {"time": 0},
    ),
    Contract(
        "magnons.temperature_models.two_temperature",
        _lasers(),
        _heated,
        omit={"lattice": "it holds the record again"},
        tolerance=1e-9,
    ),
)

_PULSE = {"base": 300.0, "peak": 1000.0, "rise_time": 1e-13, "decay_time": 1e-12}
_RATE = {
    "spin_flip_probability": 0.1,
    "electron_phonon_coupling": 1e18,
    "curie_temperature": 600.0,
    "atomic_volume": 1e-29,
    "magnetic_moment": mu_B,
    "debye_energy": 5e-21,
}
_M3TM = {
    "times": [0.0, 1e-13],
    "electron_temperature": 300.0,
    "lattice_temperature": 300.0,
    "rate": 1e12,
    "curie_temperature": 600.0,
}
_LASER = {
    "times": [0.0, 1e-12],
    "electron_heat_coefficient": 1e3,
    "lattice_heat_capacity": 3e6,
    "electron_phonon_coupling": 1e18,
    "absorbed_energy_density": 1e8,
    "pulse_duration": 5e-14,
    "pulse_center": 2e-13,
}
_ROOM = "magnons.temperature_models."
_TIMES = ([[0.0, 1e-30], [-1e-13, 0.0]], [[0.0], [0.0, 0.0], [0.0, -5e-324], 0.0], ("pass",))

LIMITS = (
    *positive(f"{_ROOM}TemperaturePulse", "base peak rise_time", _PULSE),
    *positive(f"{_ROOM}TemperaturePulse", "decay_time", _PULSE, 1e-30, inf),
    *positive(
        f"{_ROOM}equilibrium_magnetization",
        "temperature curie_temperature",
        {"temperature": 300.0, "curie_temperature": 600.0},
        1e-3,
        1e9,
    ),
    Limit(
        f"{_ROOM}m3tm_rate",
        "spin_flip_probability",
        [0.0, 1.0],
        [-5e-324, np.nextafter(1.0, 2.0)],
        ("0 <= spin_flip_probability <= 1",),
        _RATE,
    ),
    *not_negative(f"{_ROOM}m3tm_rate", "electron_phonon_coupling", _RATE),
    *positive(f"{_ROOM}m3tm_rate", "curie_temperature atomic_volume magnetic_moment debye_energy", _RATE),
    *not_negative(f"{_ROOM}m3tm", "rate", _M3TM),
    *positive(f"{_ROOM}m3tm", "curie_temperature electron_temperature lattice_temperature", _M3TM, 1.0, 1e9),
    Limit(
        f"{_ROOM}m3tm",
        "initial_magnetization",
        [0.0, 5e-324, 1.0],
        [-5e-324, np.nextafter(1.0, 2.0)],
        ("0 <= initial_magnetization <= 1",),
        _M3TM,
    ),
    Limit(f"{_ROOM}m3tm", "times", *_TIMES, _M3TM),
    *positive(
        f"{_ROOM}two_temperature",
        "electron_heat_coefficient lattice_heat_capacity initial_temperature",
        _LASER,
        1e-6,
    ),
    *positive(f"{_ROOM}two_temperature", "pulse_duration", _LASER, 1e-16),
    *not_negative(f"{_ROOM}two_temperature", "electron_phonon_coupling absorbed_energy_density", _LASER),
    *(
        Limit(f"{_ROOM}{name}.__call__", "time", [1e-12, -1.0], [1.01e-12, 1.0], ("pass",), {"self": run})
        for name, run in (("TwoTemperatures", WARMED), ("LatticeTemperature", WARMED.lattice))
    ),
    Limit(f"{_ROOM}two_temperature", "times", *_TIMES, _LASER | {"pulse_center": 1e-9}),
    Limit(
        f"{_ROOM}two_temperature",
        "pulse_center",
        [6.6e-14],  # 1e-3 of a Gaussian lies before 1.3124 full widths at half maximum
        [6.5e-14, 0.0, -1.0],
        ("pulse_center >= 6.",),
        _LASER,
    ),
)


@contracts(*CONTRACTS)
def test_invariant_contract_magnons_temperatures(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_magnons_temperatures(row: Contract | Limit) -> None:
    row.check_refusals()
