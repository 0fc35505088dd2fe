"""A quadratic magnon band, and magnons of a Bose-Einstein distribution in it (KK section 3.2)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import float_or_array, instance, integer, not_negative, number, positive, real, require, together
from spinlib.magnons._quadrature import bose, graded, unit_interval
from spinlib.units import k_B

__all__ = [
    "BoseEinsteinFit",
    "MagnonBand",
    "bose_einstein",
    "fit_bose_einstein",
    "magnon_density",
    "magnon_susceptibility",
]

_Real = NDArray[np.float64]

_BAND = "MagnonBand(gap, stiffness, bandwidth)"


@dataclass(frozen=True)
class MagnonBand:
    """Magnons of the dispersion epsilon = epsilon_0 + A q^2 up to the energy epsilon_b (KK section 3.2).

    Args:
        gap: epsilon_0 [J], > 0; without a gap the occupation of the lowest magnons diverges.
        stiffness: A [J m^2], > 0.
        bandwidth: epsilon_b [J], the upper edge, not the width; > ``gap``. The paper takes k_B T_C.

    Raises:
        ValueError: a number outside its range.

    >>> from spinlib.units import meV, nm
    >>> band = MagnonBand(gap=5 * meV, stiffness=0.6 * meV * nm**2, bandwidth=85 * meV)
    >>> round(band.mode_density * nm**3, 6)
    25.999028
    """

    gap: float
    stiffness: float
    bandwidth: float

    def __post_init__(self) -> None:
        for name in ("gap", "stiffness", "bandwidth"):
            object.__setattr__(self, name, number(name, getattr(self, name), positive))
        remedy = f"bandwidth is the upper edge of the band: pass bandwidth > gap = {self.gap:.4g} J"
        require("bandwidth", self.bandwidth, self.bandwidth > self.gap, "is not above the gap", remedy)

    @property
    def width(self) -> float:
        """epsilon_b - epsilon_0 [J]."""
        return self.bandwidth - self.gap

    @property
    def mode_density(self) -> float:
        """N_b = [(epsilon_b - epsilon_0)/A]^(3/2)/6 pi^2, the number of modes [1/m^3]."""
        return float((self.width / self.stiffness) ** 1.5 / (6 * np.pi**2))

    def density_of_states(self, energy: ArrayLike) -> float | _Real:
        """D = sqrt(epsilon - epsilon_0)/(4 pi^2 A^(3/2)), modes of the one polarisation (KK section 3.2).

        Args:
            energy: epsilon [J], any shape.

        Returns:
            D [1/(J m^3)] of the shape of ``energy``; zero outside [gap, bandwidth].

        Raises:
            ValueError: ``energy`` is not finite.

        >>> MagnonBand(1.0, 1.0, 5.0).density_of_states([0.5, 5.0]) * 4 * np.pi**2
        array([0., 2.])
        """
        energies = real("energy", energy)
        inside = (energies >= self.gap) & (energies <= self.bandwidth)
        root = np.sqrt(np.where(inside, energies - self.gap, 0.0))
        return float_or_array(root / (4 * np.pi**2 * self.stiffness**1.5))

    def quadrature(self, points: int = 32) -> tuple[_Real, _Real]:
        """Return energies and weights of the integral of D f over the band: Gauss-Legendre in the wavenumber.

        With epsilon = epsilon_0 + (epsilon_b - epsilon_0) q^2, D d epsilon = 3 N_b q^2 dq: the error falls
        exponentially with ``points`` for every f that is analytic about the band.

        Args:
            points: number of nodes, at least 1.

        Returns:
            energy ``(points,)`` [J], increasing, and weight ``(points,)`` [1/m^3].

        Raises:
            ValueError: ``points`` is no integer or below 1.

        >>> band = MagnonBand(1.0, 1.0, 5.0)
        >>> energy, weight = band.quadrature(8)
        >>> round(float(weight @ (energy - 1)) / band.mode_density, 12)  # 3/5 of the width
        2.4
        """
        q, weight = unit_interval(integer("points", points, 1))
        return self.gap + self.width * q**2, 3 * self.mode_density * q**2 * weight


def bose_einstein(energy: ArrayLike, temperature: ArrayLike, chemical_potential: ArrayLike = 0.0) -> float | _Real:
    """Return n_BE = 1/(exp[(epsilon - mu)/k_B T] - 1) (KK section 3.2, after (22)).

    Args:
        energy: epsilon [J].
        temperature: T [K], > 0.
        chemical_potential: mu [J], of magnons or the spin accumulation of electron-hole pairs.

    Returns:
        The occupation, of the shape that the arguments broadcast to; inf at epsilon = mu, and negative below: there it
        is no occupation, but still what (22) and (24) contain.

    Raises:
        ValueError: an argument is not finite, or ``temperature`` is not positive.

    >>> round(bose_einstein(k_B * 300 * np.log(2), 300.0), 12)
    1.0
    """
    arrays = together(
        energy=real("energy", energy),
        temperature=positive("temperature", temperature),
        chemical_potential=real("chemical_potential", chemical_potential),
    )
    with np.errstate(over="ignore", divide="ignore"):
        y = (arrays[0] - arrays[2]) / (k_B * arrays[1])
        return float_or_array(1 / np.expm1(y))


def magnon_density(band: MagnonBand, temperature: ArrayLike, chemical_potential: ArrayLike = 0.0) -> float | _Real:
    """Return the density n_d of magnons in equilibrium, the integral of D n_BE (KK section 3.2), good to 1e-10.

    Args:
        band: the magnons.
        temperature: T [K], > 0.
        chemical_potential: mu [J], < gap.

    Returns:
        n_d [1/m^3], of the shape that the arguments broadcast to.

    Raises:
        ValueError: an argument is not finite, ``temperature`` not positive or ``chemical_potential`` not below the gap.

    >>> band = MagnonBand(gap=1.0, stiffness=1.0, bandwidth=2.0)
    >>> density = magnon_density(band, 1e6 / k_B) / band.mode_density
    >>> round(density, 3), round(3e6 * (1 - np.pi / 4) - 0.5, 3)  # <k_B T/energy> - 1/2
    (643805.01, 643805.01)
    """
    below, above = _thermal(band, temperature, chemical_potential)
    x, weight = graded(below, above)
    occupation = bose(below[..., None] + above[..., None] * x)
    return float_or_array(1.5 * band.mode_density * np.sum(weight * occupation, axis=-1))


def magnon_susceptibility(
    band: MagnonBand, temperature: ArrayLike, chemical_potential: ArrayLike = 0.0
) -> float | _Real:
    """Return the derivative of the equilibrium density n_d with respect to mu, good to 1e-10.

    The equations (23) and (24) are stable where rho times it is below 1.

    Args:
        band: the magnons.
        temperature: T [K], > 0.
        chemical_potential: mu [J], < gap.

    Returns:
        d n_d/d mu [1/(J m^3)], of the shape that the arguments broadcast to.

    Raises:
        ValueError: as for :func:`magnon_density`.

    >>> from spinlib.units import meV, nm
    >>> band = MagnonBand(gap=5 * meV, stiffness=0.6 * meV * nm**2, bandwidth=k_B * 1000)
    >>> round(6 * meV * nm**3 * magnon_susceptibility(band, 100.0), 2)
    0.84
    """
    below, above = _thermal(band, temperature, chemical_potential)
    x, weight = graded(below, above)
    occupation = bose(below[..., None] + above[..., None] * x)
    thermal = band.width / above  # k_B T
    return float_or_array(1.5 * band.mode_density * np.sum(weight * occupation * (1 + occupation), axis=-1) / thermal)


def _thermal(band: MagnonBand, temperature: ArrayLike, chemical_potential: ArrayLike) -> tuple[_Real, _Real]:
    """Return (gap - mu)/k_B T and (bandwidth - gap)/k_B T, of one shape."""
    instance("band", band, MagnonBand, _BAND)
    mu, kelvin = together(
        chemical_potential=real("chemical_potential", chemical_potential),
        temperature=positive("temperature", temperature),
    )
    remedy = f"magnons in equilibrium need chemical_potential < gap = {band.gap:.4g} J"
    require("chemical_potential", mu, mu < band.gap, "is not below the gap", remedy)
    return (band.gap - mu) / (k_B * kelvin), band.width / (k_B * kelvin)


@dataclass(frozen=True)
class BoseEinsteinFit:
    """A Bose-Einstein distribution with moments of a given one; returned by :func:`fit_bose_einstein`.

    Args:
        temperature: T* [K].
        chemical_potential: mu* [J].
        distance: integral of D |n - n_fit| as a share of n_d.

    >>> from spinlib.units import meV, nm
    >>> band = MagnonBand(gap=5 * meV, stiffness=0.6 * meV * nm**2, bandwidth=85 * meV)
    >>> fit = fit_bose_einstein(band, lambda energy: bose_einstein(energy, 300.0))
    >>> round(fit.temperature, 6), abs(fit.distance) < 1e-9
    (300.0, True)
    """

    temperature: float
    chemical_potential: float
    distance: float


def fit_bose_einstein(
    band: MagnonBand,
    occupation: ArrayLike | Callable[[_Real], ArrayLike],
    *,
    chemical_potential: float | None = None,
    points: int = 64,
) -> BoseEinsteinFit:
    """Return the Bose-Einstein distribution with the density and the energy of ``occupation``.

    It has the largest entropy of all distributions with these moments. They are taken on the nodes of
    ``band.quadrature``, of both distributions, so that the fit of a thermal distribution is that distribution.

    Args:
        band: the magnons.
        occupation: n ``(points,)`` at the nodes of ``band.quadrature(len(occupation))``, or a function of the energy.
        chemical_potential: mu* [J], < gap; given, the density alone is matched.
        points: number of nodes for a function.

    Returns:
        T*, mu* and how far the two distributions are apart.

    Raises:
        ValueError: no T* > 0 and mu* < gap have the density and the energy, or an argument is outside its range.

    >>> from spinlib.units import meV, nm
    >>> band = MagnonBand(gap=5 * meV, stiffness=0.6 * meV * nm**2, bandwidth=85 * meV)
    >>> energy, _ = band.quadrature(24)
    >>> fit = fit_bose_einstein(band, bose_einstein(energy, 400.0, -2 * meV))
    >>> round(fit.temperature, 6), round(fit.chemical_potential / meV, 6)
    (400.0, -2.0)
    """
    instance("band", band, MagnonBand, _BAND)
    if callable(occupation):
        energy, weight = band.quadrature(points)
        given = not_negative("occupation(energy)", occupation(energy))
        if given.shape != energy.shape:
            raise ValueError(
                f"occupation(energy) has shape {given.shape} for energies of shape {energy.shape}: return a number for "
                "each energy of an array"
            )
    else:
        given = not_negative("occupation", occupation)
        if given.ndim != 1 or not given.size:
            raise ValueError(
                f"occupation has shape {given.shape}: pass its values at the nodes, of shape (points,), or a function "
                "of the energy"
            )
        energy, weight = band.quadrature(len(given))
    weight = weight / band.mode_density
    density = float(weight @ given)
    require("density of occupation", density, density > 0, "is not positive", "pass an occupation with magnons in it")
    if chemical_potential is None:
        temperature, mu = _two_moments(band, energy, weight, given)
    else:
        mu = number("chemical_potential", chemical_potential)
        _thermal(band, 1.0, mu)
        lowest = float(energy[0] - mu)
        temperature = lowest / (k_B * _level((energy - mu) / lowest, weight, density))
    distance = weight @ np.abs(given - bose_einstein(energy, temperature, mu)) / density
    return BoseEinsteinFit(temperature, mu, float(distance))


def _two_moments(band: MagnonBand, energy: _Real, weight: _Real, given: _Real) -> tuple[float, float]:
    """Return T and mu with the density and the energy.

    With x the energy above the gap in widths of the band, n = 1/(exp[level (1 + steep (x - x_0))] - 1). At constant
    density the energy falls as ``steep`` grows, from infinite temperature at 0 to mu = gap at 1/x_0.
    """
    from scipy.optimize import brentq

    x = (energy - band.gap) / band.width
    density = float(weight @ given)
    mean = float(weight @ (x * given)) / density

    def excess(logarithm: float) -> float:
        shape = 1 + np.exp(logarithm) * (x - x[0])
        return float(weight @ (x * bose(_level(shape, weight, density) * shape)) / density - mean)

    hottest, coldest = np.log(1e-13), -np.log(x[0]) - 1e-13
    highest, problem = mean + excess(hottest), "cannot come from a temperature > 0"
    remedy = f"fit an occupation whose mean energy above the gap is below {highest:.4g} of the width"
    require("mean energy of occupation above the gap, in widths of the band,", mean, mean < highest, problem, remedy)
    problem = "has no Bose-Einstein distribution with T > 0 and mu < gap"
    remedy = "it has too many magnons for its energy: fit the density alone, with chemical_potential="
    require("density of occupation, per mode,", density, excess(coldest) < 0, problem, remedy)
    steep = np.exp(brentq(excess, hottest, coldest, xtol=1e-14, rtol=1e-14))
    level = _level(1 + steep * (x - x[0]), weight, density)
    temperature = band.width / (k_B * steep * level)
    return float(temperature), float(band.gap - (1 - steep * x[0]) * level * k_B * temperature)


def _level(shape: _Real, weight: _Real, density: float) -> float:
    """Return ``level`` for which n = 1/(exp(level shape) - 1) has the density; ``shape`` >= 1, the weights add to 1.

    The logarithm of the density is a concave and falling function of that of the level: from above, all of Newton's
    steps come down to the root. Two bounds are above: n < 1/(level shape), and n <= 1/(exp(level) - 1).
    """
    level = min(weight @ (1 / shape) / density, np.log1p(1 / density))
    for _ in range(100):
        y = level * shape
        n = bose(y)
        step = np.log(weight @ n / density) * (weight @ n) / (weight @ (n * (1 + n) * y))
        level *= np.exp(step)
        if abs(step) < 1e-15:
            break
    return float(level)
