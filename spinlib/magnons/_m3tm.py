"""The microscopic three-temperature model (names from :mod:`spinlib.magnons.temperature_models`)."""

from collections.abc import Callable
from functools import partial
from math import log
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import float_or_array, not_negative, number, positive, real, require, together
from spinlib.magnons._panels import solve
from spinlib.magnons._times import record_times, temperatures_at
from spinlib.units import k_B

__all__ = ["equilibrium_magnetization", "m3tm", "m3tm_rate"]

_Real = NDArray[np.float64]
_Temperature = ArrayLike | Callable[[Any], Any]

_TOLERANCE = 1e-11  # of ln m


def _x_coth(x: _Real) -> tuple[_Real, _Real]:
    """Return x coth x and x times its derivative, of x >= 0.

    >>> value, slope = _x_coth(np.array([0.0, 1.0, 1e4]))
    >>> (value * np.tanh([1.0, 1.0, 1e4])).round(12).tolist(), slope.round(6).tolist()
    ([0.761594155956, 1.0, 10000.0], [0.0, 0.588974, 10000.0])
    """
    y = np.maximum(x, 1e-9)  # below, x coth x is 1 in double precision
    value, small = y / np.tanh(y), np.minimum(y, 300.0)  # beyond, the second term is nothing
    return value, np.asarray(value - (small / np.sinh(small)) ** 2)


def equilibrium_magnetization(temperature: ArrayLike, curie_temperature: ArrayLike) -> float | _Real:
    """Return the magnetisation of a mean-field magnet of spins 1/2, m = tanh(m T_C/T), which M3TM relaxes to.

    Args:
        temperature: T [K], > 0.
        curie_temperature: T_C [K], > 0.

    Returns:
        m >= 0, a share of that at T = 0, in the shape that the arguments broadcast to; 0 from T_C on.

    Raises:
        ValueError: a temperature is not positive.

    >>> m = equilibrium_magnetization(300.0, 600.0)
    >>> round(float(m - np.tanh(2 * m)), 15), equilibrium_magnetization(600.0, 600.0)
    (0.0, 0.0)
    """
    kelvin, curie = together(
        temperature=positive("temperature", temperature),
        curie_temperature=positive("curie_temperature", curie_temperature),
    )
    # x coth x = T_C/T for x = m T_C/T. The left side is convex and below 1 + x^2/3: after one step, Newton's method
    # comes down to the root.
    ratio = np.maximum(curie / kelvin, 1.0)
    x = np.sqrt(3 * (ratio - 1))
    for _ in range(12):
        value, slope = _x_coth(x)
        x = x - np.divide(x * (value - ratio), slope, out=np.zeros_like(x), where=ratio > 1)
    return float_or_array(np.where(ratio > 1, x / ratio, 0.0))


def m3tm_rate(
    *,
    spin_flip_probability: ArrayLike,
    electron_phonon_coupling: ArrayLike,
    curie_temperature: ArrayLike,
    atomic_volume: ArrayLike,
    magnetic_moment: ArrayLike,
    debye_energy: ArrayLike,
) -> float | _Real:
    r"""Return the rate R of the microscopic three-temperature model, :func:`m3tm`.

    R = 8 a_sf g_ep k_B T_C^2 V_at/[(mu_at/mu_B) E_D^2] (Koopmans et al. 2010). Electrons scatter with the
    phonons of a Debye spectrum, with all alike, and g_ep says how often. Each time, one of the mu_at/mu_B spins 1/2 of
    an atom flips with the probability a_sf, which takes or gives the energy 2 m k_B T_C. Exact for E_D far below k_B T.

    Args:
        spin_flip_probability: a_sf, of a scattering event with a phonon, within [0, 1].
        electron_phonon_coupling: g_ep [W m^-3 K^-1], >= 0.
        curie_temperature: T_C [K], > 0.
        atomic_volume: V_at [m^3], > 0.
        magnetic_moment: mu_at of an atom [A m^2], > 0; a number of Bohr magnetons times ``mu_B``.
        debye_energy: E_D [J], > 0.

    Returns:
        R [1/s], in the shape that the arguments broadcast to.

    Raises:
        ValueError: an argument outside these ranges.

    >>> ones = dict.fromkeys(("electron_phonon_coupling", "curie_temperature", "atomic_volume", "debye_energy"), 1.0)
    >>> from spinlib.units import mu_B
    >>> round(m3tm_rate(spin_flip_probability=1.0, **ones, magnetic_moment=mu_B) / k_B, 9)
    8.0
    """
    from spinlib.units import mu_B  # which loads the table of constants

    probability = real("spin_flip_probability", spin_flip_probability)
    remedy = "pass 0 <= spin_flip_probability <= 1"
    valid = (probability >= 0) & (probability <= 1)
    require("spin_flip_probability", probability, valid, "is not a probability", remedy)
    a, g, curie, volume, moment, debye = together(
        spin_flip_probability=probability,
        electron_phonon_coupling=not_negative("electron_phonon_coupling", electron_phonon_coupling),
        curie_temperature=positive("curie_temperature", curie_temperature),
        atomic_volume=positive("atomic_volume", atomic_volume),
        magnetic_moment=positive("magnetic_moment", magnetic_moment),
        debye_energy=positive("debye_energy", debye_energy),
    )
    return float_or_array(a * (8 * g * k_B * volume * (curie / debye) ** 2 * (mu_B / moment)))


def m3tm(
    times: ArrayLike,
    electron_temperature: _Temperature,
    lattice_temperature: _Temperature,
    *,
    rate: float,
    curie_temperature: float,
    initial_magnetization: float | None = None,
) -> _Real:
    r"""Return the magnetisation of the microscopic three-temperature model of Koopmans et al. (2010).

    dm/dt = R m (T_p/T_C) [1 - m coth(m T_C/T_e)]: electrons flip the spins 1/2 of a mean-field magnet as they scatter
    with phonons. It is solved for ln m, to 1e-9, so that m is good to 1e-9 of its value also where it nearly vanishes,
    and recovers from there.

    Args:
        times: of the records [s], strictly increasing, ``(T,)``; the first is the start.
        electron_temperature: T_e [K], > 0: a number, an array on ``times``, between which it is interpolated by a cubic
            spline, or a function of an array of times. A function with the attribute ``breakpoints``, as those of this
            module have it, is taken to be smooth between these; any other may change at each of ``times``.
        lattice_temperature: T_p [K], > 0, likewise.
        rate: R [1/s], >= 0, of :func:`m3tm_rate`.
        curie_temperature: T_C [K], > 0.
        initial_magnetization: m at the start, within [0, 1]; by default that of equilibrium at the first T_e. 0, as
            from T_C on, stays 0.

    Returns:
        m ``(T,)``, a share of the magnetisation at T = 0.

    Raises:
        ValueError: an argument outside these ranges; a temperature that is not positive, also between the records.
        RuntimeError: a temperature that is not smooth between its breakpoints, as one with noise.

    >>> m = m3tm([0, 1e-13], 1200.0, 600.0, rate=1e13, curie_temperature=600.0, initial_magnetization=1e-9)
    >>> round(float(np.log(m[1] / m[0])), 9)  # R (T_p/T_C) (1 - T_e/T_C) t for small m
    -1.0
    """
    t = record_times(times)
    electrons, at_electrons = _function("electron_temperature", electron_temperature, t)
    lattice, at_lattice = _function("lattice_temperature", lattice_temperature, t)
    speed = number("rate", rate, not_negative)
    curie = number("curie_temperature", curie_temperature, positive)
    if initial_magnetization is None:
        first = float(equilibrium_magnetization(electrons(t[:1])[0], curie))
    else:
        first = number("initial_magnetization", initial_magnetization)
        valid = 0 <= first <= 1
        require("initial_magnetization", first, valid, "is no share", "pass 0 <= initial_magnetization <= 1")

    def law(time: _Real) -> Callable[[_Real], tuple[_Real, _Real]]:
        ratio = curie / electrons(time.ravel()).reshape(time.shape)
        pace = speed * lattice(time.ravel()).reshape(time.shape) / curie

        def slope(y: _Real) -> tuple[_Real, _Real]:
            # m stays below 1 but not on the way of Newton's method, which the tangent there keeps concave.
            below = np.minimum(y, 0.0)
            value, climb = _x_coth(ratio * np.exp(below))
            climb *= -pace / ratio
            return pace * (1 - value / ratio) + climb * (y - below), climb

        return slope

    cuts = np.unique([*t[[0, -1]], *at_electrons, *at_lattice])
    cuts = cuts[(cuts >= t[0]) & (cuts <= t[-1])]
    law(t)  # refuses what is not positive at the records
    if first == 0:
        return np.zeros(t.shape)
    found = solve(lambda since: law(t[0] + since), log(first), 0.0, cuts - t[0], _TOLERANCE)
    return np.append(first, np.exp(np.minimum(found(t[1:] - t[0]), 0.0)))


def _function(name: str, temperature: _Temperature, times: _Real) -> tuple[Callable[[_Real], _Real], _Real]:
    """Return a temperature as a checked function of times ``(n,)``, and times between which it is smooth."""
    if callable(temperature):
        breakpoints = getattr(temperature, "breakpoints", times)
        smooth_between = np.ravel(real(f"{name}.breakpoints", breakpoints, "give it finite times in s"))
        return partial(temperatures_at, name, temperature), smooth_between
    kelvin = positive(name, temperature)
    if not kelvin.ndim:
        return lambda t: np.full(t.shape, float(kelvin)), np.zeros(0)
    if kelvin.shape != times.shape:
        raise ValueError(
            f"{name} has shape {kelvin.shape} for times of shape {times.shape}: pass a number, one value for each time "
            "or a function of time"
        )
    from scipy.interpolate import CubicSpline  # only those who interpolate pay for the import

    spline = CubicSpline(times - times[0], kelvin)

    def between(t: _Real) -> _Real:
        found = np.asarray(spline(t - times[0]))
        remedy = f"pass more times where {name} changes fast, or a function of time"
        require(f"{name} between the times", found, found > 0, "is not positive", remedy)
        return found

    return between, times
