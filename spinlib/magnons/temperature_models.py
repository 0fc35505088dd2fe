"""Temperatures under a laser pulse, and the magnetisation of the microscopic three-temperature model that they drive.

:class:`TemperaturePulse` is a temperature with a given shape, :func:`two_temperature` solves for the temperatures of
electrons and lattice. Both are functions of time with ``breakpoints`` and go into any argument named ``temperature``.
:func:`m3tm` is the model of B. Koopmans et al., Nat. Mater. 9, 259 (2010), https://doi.org/10.1038/nmat2593.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import log, pi, sqrt
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._table import Table
from spinlib._validate import (
    float_or_array,
    not_negative,
    number,
    positive,
    positive_or_inf,
    real,
    require,
)
from spinlib.magnons._m3tm import equilibrium_magnetization, m3tm, m3tm_rate
from spinlib.magnons._panels import solve
from spinlib.magnons._times import record_times

if TYPE_CHECKING:
    from scipy.interpolate import PPoly

__all__ = ["TemperaturePulse", "equilibrium_magnetization", "m3tm", "m3tm_rate", "two_temperature"]

_Real = NDArray[np.float64]

_TO_WIDTH = 2 * sqrt(log(2))  # exp(-(_TO_WIDTH t/duration)^2) has the full width ``duration`` at half maximum
_REACH = 3.5  # durations from the centre of a pulse, beyond which 1e-16 of it are left
_EARLY = 1e-3  # share of a pulse that may be cut off
_TOLERANCE = 1e-12
_ROUNDING = 1e-12  # share of the last time by which a time may exceed it


@dataclass(frozen=True)
class TemperaturePulse:
    r"""A temperature that leaves ``base`` at t = 0, reaches ``peak`` and returns exponentially.

    T = base for t < 0, base + (peak - base) s(t/t_r) up to t_r, base + (peak - base) exp(-(t - t_r)/t_d) afterwards,
    with s(u) = u (``linear``) or sin^2(pi u/2) (``sin2``). KK Fig. 6 has these parameters, no shape.

    Args:
        base: T [K] before the pulse and long after it, > 0.
        peak: T [K] at the end of the rise, > 0; below ``base`` the pulse cools.
        rise_time: t_r [s], > 0.
        decay_time: t_d [s], > 0; infinite for a temperature that stays at ``peak``.
        shape: ``"linear"`` or ``"sin2"``.

    Raises:
        ValueError: an argument outside these ranges.

    >>> pulse = TemperaturePulse(base=100, peak=1000, rise_time=50e-15, decay_time=2e-12)
    >>> pulse(25e-15), pulse([-1.0, 50e-15]).tolist(), pulse.breakpoints
    (550.0, [100.0, 1000.0], (0.0, 5e-14))
    """

    base: float
    peak: float
    rise_time: float
    decay_time: float
    shape: Literal["linear", "sin2"] = "linear"

    def __post_init__(self) -> None:
        for name in ("base", "peak", "rise_time"):
            object.__setattr__(self, name, number(name, getattr(self, name), positive))
        object.__setattr__(self, "decay_time", positive_or_inf("decay_time", self.decay_time))
        if not isinstance(self.shape, str) or self.shape not in ("linear", "sin2"):
            raise ValueError(f"shape = {self.shape!r} is no rise of a pulse: pass 'linear' or 'sin2'")

    @property
    def breakpoints(self) -> tuple[float, float]:
        """Times [s] at which the slope or its derivative jumps."""
        return 0.0, self.rise_time

    def __call__(self, time: ArrayLike) -> float | _Real:
        """Return T [K] at the time t [s], of the same shape."""
        t = real("time", time, "pass times in s")
        share = np.minimum(np.maximum(t / self.rise_time, 0.0), 1.0)
        if self.shape == "sin2":
            share = np.sin(pi / 2 * share) ** 2
        left = np.exp(-np.maximum(t - self.rise_time, 0.0) / self.decay_time)
        return float_or_array(self.base + (self.peak - self.base) * share * left)


@dataclass(frozen=True)
class _Heating:
    """Electrons and lattice after ``start``; ``rise`` is T_p - T_0 as a function of the time since then."""

    start: float
    initial: float  # T_0
    pulse: float  # 2 U/gamma
    ratio: float  # 2 C_p/gamma
    centre: float
    duration: float
    rise: "PPoly | None" = None

    def supply(self, since: _Real) -> _Real:
        """Return T_0^2 and what the pulse has added to T_e^2 so far; the lattice takes its part from it."""
        from scipy.special import erfc  # a pulse of given shape needs none

        first = (self.start - self.centre) * _TO_WIDTH / self.duration
        share = erfc(-first - since * (_TO_WIDTH / self.duration)) - erfc(-first)  # no cancellation: first < 0
        return np.asarray(self.initial**2 + self.pulse / 2 * share)

    def temperatures(self, time: _Real) -> tuple[_Real, _Real]:
        """Return T_e and T_p [K]."""
        since = np.maximum(time - self.start, 0.0)
        warmed = np.zeros(since.shape) if self.rise is None else np.where(since > 0, self.rise(since), 0.0)
        square = np.maximum(self.supply(since) - self.ratio * warmed, self.initial**2)  # but for rounding never below
        return np.sqrt(square), self.initial + warmed


@dataclass(frozen=True, eq=False, repr=False)
class TwoTemperatures(Table):
    """Temperatures of electrons and lattice; returned by :func:`two_temperature`. Called, it gives that of electrons.

    Args:
        time: ``(T,)`` [s].
        electron_temperature: T_e ``(T,)`` [K].
        lattice_temperature: T_p ``(T,)`` [K].
        breakpoints: times [s] between which the temperatures are smooth on the scale of their distance: the start, both
            ends of the laser pulse and its centre.

    >>> metal = {"electron_heat_coefficient": 2.0, "lattice_heat_capacity": 1e4, "electron_phonon_coupling": 0.0}
    >>> two_temperature([0, 1e-12], **metal, absorbed_energy_density=0.0, pulse_duration=1e-13, pulse_center=5e-13)
    TwoTemperatures(2 times from 0 to 1e-12 s, T_e up to 300 K, T_p up to 300 K)
    """

    _columns: ClassVar[tuple[str, ...]] = ("time", "electron_temperature", "lattice_temperature")
    _units: ClassVar[Mapping[str, str]] = {"time": "s", "electron_temperature": "K", "lattice_temperature": "K"}

    time: _Real
    electron_temperature: _Real
    lattice_temperature: _Real
    breakpoints: tuple[float, ...]
    _heating: _Heating = field(repr=False)

    def __repr__(self) -> str:
        span = f"{len(self.time)} times from {self.time[0]:.4g} to {self.time[-1]:.4g} s"
        tops = f"T_e up to {self.electron_temperature.max():.5g} K, T_p up to {self.lattice_temperature.max():.5g} K"
        return f"TwoTemperatures({span}, {tops})"

    def __call__(self, time: ArrayLike) -> float | _Real:
        """Return T_e [K] at the time t [s], of the same shape, with the accuracy of the records.

        Before ``time[0]`` it is the initial temperature.

        Raises:
            ValueError: a time after the last one.
        """
        return self._at(time)[0]

    @property
    def lattice(self) -> "LatticeTemperature":
        """T_p as a function of time, with the same breakpoints.

        >>> metal = {"electron_heat_coefficient": 2.0, "lattice_heat_capacity": 1e4, "electron_phonon_coupling": 0.0}
        >>> run = two_temperature([0, 1], **metal, absorbed_energy_density=0.0, pulse_duration=0.1, pulse_center=0.5)
        >>> run.lattice([-1.0, 0.5]).tolist()
        [300.0, 300.0]
        """
        return LatticeTemperature(self)

    def _at(self, time: ArrayLike) -> tuple[float | _Real, float | _Real]:
        """Return T_e and T_p."""
        t, last = real("time", time, "pass times in s"), self.time[-1]
        known = t <= last + _ROUNDING * max(abs(self.time[0]), abs(last))
        remedy = f"pass time <= {last:.10g} s, or ask two_temperature for more times"
        require("time", t, known, "is after the end of the solution", remedy)
        electrons, lattice = self._heating.temperatures(t)
        return float_or_array(electrons), float_or_array(lattice)


@dataclass(frozen=True, repr=False)
class LatticeTemperature:
    """The lattice temperature of a :class:`TwoTemperatures` as a function of time, returned by its ``lattice``.

    Args:
        run: both temperatures.
    """

    run: TwoTemperatures

    def __repr__(self) -> str:
        return f"<T_p of {self.run!r}>"

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Times [s] between which it is smooth, those of ``run``."""
        return self.run.breakpoints

    def __call__(self, time: ArrayLike) -> float | _Real:
        """Return T_p [K] at the time t [s], of the same shape; see :meth:`TwoTemperatures.__call__`.

        Raises:
            ValueError: a time after the last one.
        """
        return self.run._at(time)[1]


def two_temperature(
    times: ArrayLike,
    *,
    electron_heat_coefficient: float,
    lattice_heat_capacity: float,
    electron_phonon_coupling: float,
    absorbed_energy_density: float,
    pulse_duration: float,
    pulse_center: float = 0.0,
    initial_temperature: float = 300.0,
) -> TwoTemperatures:
    r"""Return the temperatures of electrons and lattice after a laser pulse (not in KK: where its T_s may come from).

    gamma T_e dT_e/dt = -g_ep (T_e - T_p) + P(t), C_p dT_p/dt = g_ep (T_e - T_p): electrons with the heat capacity
    gamma T_e, no diffusion. P is a Gaussian with the integral U; what of it comes before ``times[0]`` is left out. The
    energy gamma T_e^2/2 + C_p T_p follows the pulse exactly, so that one equation is left, that of T_p. T_p is good to
    1e-10, T_e to 1e-9 of its value as long as C_p < 1000 gamma T_0, in proportion beyond.

    Args:
        times: of the records [s], strictly increasing, ``(T,)``; at the first both temperatures are the initial one.
        electron_heat_coefficient: gamma [J m^-3 K^-2], > 0.
        lattice_heat_capacity: C_p [J m^-3 K^-1], > 0.
        electron_phonon_coupling: g_ep [W m^-3 K^-1], >= 0.
        absorbed_energy_density: U [J m^-3], >= 0.
        pulse_duration: full width of P at half maximum [s], > 0.
        pulse_center: time of its maximum [s].
        initial_temperature: T_0 [K], > 0.

    Returns:
        A record with ``time``, ``electron_temperature`` and ``lattice_temperature`` ``(T,)`` and ``breakpoints``. It is
        a function of time, T_e, and so can be a ``temperature``; so can its ``lattice``, T_p.

    Raises:
        ValueError: an argument outside these ranges; more than 0.1 % of the pulse comes before ``times[0]``.
        RuntimeError: no panels of time are short enough, as for an initial temperature 1e14 times below the last one.

    >>> metal = {"electron_heat_coefficient": 2.0, "lattice_heat_capacity": 1e4, "electron_phonon_coupling": 0.0}
    >>> pulse = {"absorbed_energy_density": 160000.0, "pulse_duration": 5e-14, "pulse_center": 2e-13}
    >>> run = two_temperature([0, 1e-12], **metal, **pulse)
    >>> run.electron_temperature.round(9).tolist(), run.lattice_temperature.tolist()  # 500^2 = 300^2 + 2 U/gamma
    ([300.0, 500.0], [300.0, 300.0])
    """
    from scipy.special import erfc, erfcinv

    t = record_times(times)
    gamma = number("electron_heat_coefficient", electron_heat_coefficient, positive)
    capacity = number("lattice_heat_capacity", lattice_heat_capacity, positive)
    coupling = number("electron_phonon_coupling", electron_phonon_coupling, not_negative)
    energy = number("absorbed_energy_density", absorbed_energy_density, not_negative)
    duration = number("pulse_duration", pulse_duration, positive)
    centre = number("pulse_center", pulse_center)
    cold = number("initial_temperature", initial_temperature, positive)
    early = erfc((centre - t[0]) * _TO_WIDTH / duration) / 2
    least = t[0] + 1.001 * erfcinv(2 * _EARLY) / _TO_WIDTH * duration  # a little more, so that six digits are enough
    remedy = f"pass pulse_center >= {least:.6g} s, or an earlier times[0]"
    problem = f"leaves {early:.3g} of the pulse before times[0] = {t[0]:.6g} s, above {_EARLY:g}"
    require("pulse_center", centre, early <= _EARLY, problem, remedy)
    heating = _Heating(t[0], cold, 2 * energy / gamma, 2 * capacity / gamma, centre, duration)
    marks = [centre + reach * duration for reach in (-_REACH, 0.0, _REACH)]
    breakpoints = (float(t[0]), *sorted({mark for mark in marks if t[0] < mark < t[-1]}))
    if coupling and energy:
        rise = _lattice(heating, coupling / capacity, np.array([*breakpoints, t[-1]]) - t[0])
        heating = _Heating(t[0], cold, heating.pulse, heating.ratio, centre, duration, rise)
    return TwoTemperatures(t, *heating.temperatures(t), breakpoints, heating)


def _lattice(heating: _Heating, relaxation: float, cuts: _Real) -> "PPoly":
    """Return T_p - T_0 as a function of the time since the start."""
    unit, ratio = heating.initial, heating.ratio / heating.initial

    def law(since: _Real) -> Callable[[_Real], tuple[_Real, _Real]]:
        supply = heating.supply(since) / unit**2

        def rate(rise: _Real) -> tuple[_Real, _Real]:
            # T_e stays above T_0 but not on the way of Newton's method, which the tangent there keeps concave.
            square = supply - ratio * rise
            root = np.sqrt(np.maximum(square, 1.0))
            electrons = root + np.minimum(square - 1.0, 0.0) / 2
            return relaxation * (electrons - 1.0 - rise), -relaxation * (1.0 + ratio / (2 * root))

        return rate

    found = solve(law, 0.0, 0.0, cuts, _TOLERANCE)
    found.c *= unit
    return found
