r"""Thermal activation of one magnet: relaxation rates of the Fokker-Planck equation on the sphere (WD11 6, WD04 III).

d rho/dt = -div(rho v) + D lap rho, where v is the velocity of WD11 (24) and D = alpha L_F k_B T = 1/(2 tau_N) the
rotational diffusion constant. :func:`solve_fokker_planck` takes any energy and spin transfer, :func:`brown_eigenvalue`
a single easy axis with everything along it, to full precision at any barrier; :func:`neel_brown` and
:func:`telegraph_noise` are what a grain makes of that.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from math import pi
from typing import ClassVar, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import dawsn, expit

from spinlib._table import Table
from spinlib._validate import float_or_array, not_negative, positive, real, require, together
from spinlib.dynamics._brown import brown_eigenvalue
from spinlib.dynamics._generalized import landau_lifshitz_mobility
from spinlib.dynamics._spectrum import solve_fokker_planck
from spinlib.units import gyromagnetic_ratio as free_electron
from spinlib.units import k_B

__all__ = ["brown_eigenvalue", "neel_brown", "solve_fokker_planck", "telegraph_noise"]

_Real: TypeAlias = NDArray[np.float64]

_TWO_LEVELS = 3.0  # k_B T above the shallower well


@dataclass(frozen=True, eq=False)
class NeelBrown(Table):
    """Result of :func:`neel_brown`: floats, or arrays of the shape of its arguments.

    Args:
        diffusion_time: tau_N = M_s V (1 + alpha^2)/(2 alpha gamma k_B T) [s]; at zero barrier the magnet forgets its
            direction in this time.
        barrier: sigma = K V/k_B T, dimensionless.
        eigenvalue: 2 tau_N lambda_1, dimensionless, by :func:`brown_eigenvalue`.
        rate: lambda_1 [1/s], of the slowest relaxation of u_z: of both wells together, twice the rate of leaving one of
            two equal wells.
    """

    _units: ClassVar[Mapping[str, str]] = {"diffusion_time": "s", "rate": "1/s"}

    diffusion_time: float | _Real
    barrier: float | _Real
    eigenvalue: float | _Real
    rate: float | _Real


def neel_brown(
    anisotropy: ArrayLike,
    volume: ArrayLike,
    saturation_magnetization: ArrayLike,
    alpha: ArrayLike,
    temperature: ArrayLike,
    reduced_field: ArrayLike = 0.0,
    gyromagnetic_ratio: ArrayLike = free_electron,
) -> NeelBrown:
    r"""Return how fast a grain with an easy axis, in a field along it, relaxes at a temperature.

    lambda_1 = [alpha gamma k_B T/(M_s V (1 + alpha^2))] times :func:`brown_eigenvalue` of K V/k_B T and H/H_K. Exact
    for a uniform magnetisation and white thermal fields. All arguments broadcast.

    Args:
        anisotropy: K [J/m^3], of the energy density -K m_z^2, >= 0; demagnetisation included.
        volume: V of the grain [m^3], positive.
        saturation_magnetization: M_s [A/m], positive.
        alpha: Gilbert damping, positive.
        temperature: T [K], positive.
        reduced_field: h = H/H_K = M_s B/(2 K), any real number; its sign does not matter. 0 if K is 0.
        gyromagnetic_ratio: gamma [rad/(s T)], positive.

    Returns:
        A record with ``diffusion_time`` [s], ``barrier``, ``eigenvalue`` and ``rate`` [1/s].

    Raises:
        ValueError: a number outside its range, or shapes that do not broadcast.

    >>> grain = neel_brown(0.0, 1e-24, 1e6, 1.0, 1e-21 / k_B, gyromagnetic_ratio=2e11)
    >>> f"{grain.diffusion_time:.6e}", f"{grain.rate:.6e}"
    ('5.000000e-09', '2.000000e+08')
    """
    k, v, m_s, loss, t, h, gamma = together(
        anisotropy=not_negative("anisotropy", anisotropy),
        volume=positive("volume", volume),
        saturation_magnetization=positive("saturation_magnetization", saturation_magnetization),
        alpha=positive("alpha", alpha),
        temperature=positive("temperature", temperature),
        reduced_field=real("reduced_field", reduced_field),
        gyromagnetic_ratio=positive("gyromagnetic_ratio", gyromagnetic_ratio),
    )
    heat = k_B * t
    with np.errstate(over="ignore", divide="ignore"):
        barrier = k * v / heat
    remedy = "pass K in J/m^3, V in m^3 and T in K"
    require("anisotropy", k, np.isfinite(barrier), "gives an infinite barrier K V/k_B T", remedy)
    remedy = "without anisotropy there is no H_K: pass 0, or a small K"
    require("reduced_field", h, (k > 0) | (h == 0), "has no scale", remedy)
    diffusion_time = 1 / (2 * loss * heat * landau_lifshitz_mobility(m_s * v, loss, gamma))
    eigenvalue = brown_eigenvalue(barrier, h)
    columns = (diffusion_time, barrier, eigenvalue, eigenvalue / (2 * diffusion_time))
    return NeelBrown(*(float_or_array(column) for column in columns))


@dataclass(frozen=True, eq=False)
class TelegraphNoise(Table):
    """Result of :func:`telegraph_noise`: floats, or arrays of the shape of its arguments.

    Args:
        probability_up: P, of the well around m_z = 1: of m_z > -h, as the barrier stands at m_z = -h.
        probability_down: 1 - P, of the other well, without the rounding of a difference.
        rate_up_down: lambda_1 (1 - P), of leaving the well around m_z = 1 [1/s].
        rate_down_up: lambda_1 P [1/s].
        corner_frequency: lambda_1/2 pi [Hz], at which the spectrum has fallen to one half.
    """

    _units: ClassVar[Mapping[str, str]] = {"rate_up_down": "1/s", "rate_down_up": "1/s", "corner_frequency": "Hz"}

    probability_up: float | _Real
    probability_down: float | _Real
    rate_up_down: float | _Real
    rate_down_up: float | _Real
    corner_frequency: float | _Real

    def spectrum(self, frequency: ArrayLike) -> float | _Real:
        """Return the density of noise of m_z = +-1, S = 16 P (1 - P) lambda_1/[lambda_1^2 + (2 pi f)^2].

        One-sided: its integral over f > 0 is the variance 4 P (1 - P). Motion within the wells is left out.

        Args:
            frequency: f >= 0 [Hz]; broadcasts with the fields of the record.

        Returns:
            S [1/Hz].

        Raises:
            ValueError: a negative frequency, or shapes that do not broadcast.

        >>> with warnings.catch_warnings(action="ignore"):
        ...     noise = telegraph_noise(barrier=0.0, reduced_field=0.0, diffusion_time=0.5)
        >>> noise.spectrum(0.0)
        2.0
        """
        f = not_negative("frequency", frequency)
        up, down, corner, f = together(
            probability_up=np.asarray(self.probability_up),
            probability_down=np.asarray(self.probability_down),
            corner_frequency=np.asarray(self.corner_frequency),
            frequency=f,
        )
        size = np.hypot(corner, f)
        return float_or_array(8 / pi * up * down * (corner / size) / size)


def telegraph_noise(barrier: ArrayLike, reduced_field: ArrayLike, diffusion_time: ArrayLike) -> TelegraphNoise:
    r"""Return the two-level process that a uniaxial magnet performs between its wells.

    P/(1 - P) = exp(4 sigma h) D(sqrt(sigma) (1 + h))/D(sqrt(sigma) (1 - h)) with Dawson's function D, the ratio of the
    Boltzmann weights on both sides of the barrier; the rates follow from lambda_1 by detailed balance. It is exact for
    high barriers. Warned where the lower one is below 3 k_B T: motion within a well is then no faster than between
    them. All arguments broadcast.

    Args:
        barrier: sigma = K V/k_B T >= 0, dimensionless.
        reduced_field: h = H/H_K = M_s B/(2 K), positive if it favours m_z = 1, |h| < 1.
        diffusion_time: tau_N [s], positive, as :func:`neel_brown` returns it.

    Returns:
        A record with ``probability_up``, ``probability_down``, ``rate_up_down``, ``rate_down_up``, ``corner_frequency``
        and the method ``spectrum``. What is below exp(-745) of the other is 0.

    Raises:
        ValueError: a number outside its range, among them |h| >= 1, where there is one well, and lower barriers above
            700, which nothing crosses; or shapes that do not broadcast.

    >>> noise = telegraph_noise(barrier=30.0, reduced_field=0.0, diffusion_time=1e-9)
    >>> noise.probability_up, f"{noise.rate_up_down:.6e}"
    (0.5, '8.377919e-03')
    """
    sigma, h, time = together(
        barrier=real("barrier", barrier),
        reduced_field=real("reduced_field", reduced_field),
        diffusion_time=positive("diffusion_time", diffusion_time),
    )
    remedy = "pass -1 < reduced_field < 1, where there are two wells"
    require("reduced_field", h, np.abs(h) < 1, "leaves one well", remedy)
    eigenvalue = np.asarray(brown_eigenvalue(sigma, h))
    lower = sigma * (1 - np.abs(h)) ** 2
    remedy = "pass barrier * (1 - |reduced_field|)^2 <= 700"
    require("barrier", sigma, eigenvalue > 0, "is never crossed", remedy)
    if (lower < _TWO_LEVELS).any():
        text = f"the lower barrier is {lower.min():.3g} k_B T, where there are no two levels"
        warnings.warn(f"{text}: pass barrier * (1 - |reduced_field|)^2 >= {_TWO_LEVELS:g}", stacklevel=2)
    root = np.sqrt(sigma)
    odds = 4 * sigma * h + np.log(_half(root, 1 + h) / _half(root, 1 - h))
    up, down = expit(odds), expit(-odds)
    rate = eigenvalue / (2 * time)
    columns = (up, down, rate * down, rate * up, rate / (2 * pi))
    return TelegraphNoise(*(float_or_array(column) for column in columns))


def _half(root: _Real, reach: _Real) -> _Real:
    """Return int_0^reach exp(sigma (y^2 - reach^2)) dy for sigma = ``root``^2, without 0/0 at sigma = 0."""
    argument = root * reach
    dawson = np.asarray(dawsn(argument))
    return np.asarray(reach * np.divide(dawson, argument, out=np.ones_like(argument), where=argument > 0))
