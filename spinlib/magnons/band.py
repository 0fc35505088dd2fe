"""A quadratic magnon band, and magnons of a Bose-Einstein distribution in it (KK section 3.2)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import float_or_array, integer, not_negative, number, positive, real, require, together
from spinlib.magnons._quadrature import graded, unit_interval
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
    y = (arrays[0] - arrays[2]) / (k_B * arrays[1])
    with np.errstate(over="ignore", divide="ignore"):
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
    occupation = 1 / np.expm1(below[..., None] + above[..., None] * x)
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
    slope = 0.25 / np.sinh((below[..., None] + above[..., None] * x) / 2) ** 2
    thermal = band.width / above  # k_B T
    return float_or_array(1.5 * band.mode_density * np.sum(weight * slope, axis=-1) / thermal)


def _thermal(band: MagnonBand, temperature: ArrayLike, chemical_potential: ArrayLike) -> tuple[_Real, _Real]:
    """Return (gap - mu)/k_B T and (bandwidth - gap)/k_B T, of one shape."""
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
    if callable(occupation):
        energy, weight = band.quadrature(points)
        given = not_negative("occupation", occupation(energy))
        require("points", points, given.shape == energy.shape, "is not the size of occupation(energy)", "vectorise it")
    else:
        given = not_negative("occupation", occupation)
        if given.ndim != 1:
            raise ValueError(f"occupation has shape {given.shape}: pass its values at the nodes, of shape (points,)")
        energy, weight = band.quadrature(len(given))
    weight = weight / band.mode_density
    density = float(weight @ given)
    require("density of occupation", density, density > 0, "is not positive", "pass an occupation with magnons in it")
    if chemical_potential is None:
        temperature, mu = _two_moments(band, energy, weight, given)
    else:
        mu = number("chemical_potential", chemical_potential)
        _thermal(band, 1.0, mu)
        temperature = _one_moment(energy - mu, weight, density)
    distance = weight @ np.abs(given - bose_einstein(energy, temperature, mu)) / density
    return BoseEinsteinFit(temperature, mu, float(distance))


def _two_moments(band: MagnonBand, energy: _Real, weight: _Real, given: _Real) -> tuple[float, float]:
    """Minimise the convex function whose gradient is the mismatch of energy and density.

    With y = beta x + s, x the energy above the gap in widths of the band, it is -<ln(1 - exp(-y))> + beta <x n> +
    s <n>. It is self-concordant, so damped Newton steps reach its minimum from anywhere with y > 0.
    """
    x = (energy - band.gap) / band.width
    moments = np.array([weight @ (x * given), weight @ given])
    rows = np.array([x, np.ones_like(x)])
    mean, highest = moments[0] / moments[1], weight @ x
    problem = "cannot come from a temperature > 0"
    remedy = f"fit an occupation whose mean energy above the gap is below {highest:.4g} of the width"
    require("mean energy of occupation above the gap, in widths of the band,", mean, mean < highest, problem, remedy)
    unknown = np.array([0.0, np.log1p(1 / moments[1])])  # the occupation <n> of infinite temperature
    for _ in range(500):
        n = 1 / np.expm1(unknown @ rows)
        gradient = moments - rows @ (weight * n)
        step = np.linalg.solve((rows * (weight * n * (1 + n))) @ rows.T, -gradient)
        decrement = np.sqrt(max(0.0, -gradient @ step))
        unknown = unknown + step / (1 + decrement if decrement > 0.1 else 1.0)
        if np.all(np.abs(gradient) <= 1e-14 * moments):
            break
    slope, offset = unknown
    problem = "has no Bose-Einstein distribution with T > 0 and mu < gap"
    remedy = "it has too many magnons for its energy: fit the density alone, with chemical_potential="
    require("occupation", moments[1], slope > 0 and offset > 0, problem, remedy)
    temperature = band.width / (k_B * slope)
    return float(temperature), float(band.gap - offset * k_B * temperature)


def _one_moment(above: _Real, weight: _Real, density: float) -> float:
    """Return T with the density; ``above`` is epsilon - mu. The logarithm of n_d is concave in that of T."""
    from scipy.optimize import brentq

    def excess(logarithm: float) -> float:
        with np.errstate(over="ignore"):
            n_d = weight @ (1 / np.expm1(above / (k_B * np.exp(logarithm))))
        return float(np.log(max(n_d, 1e-300) / density))

    # n_BE < k_B T/(epsilon - mu) gives a T that is too low, and n_BE > k_B T/(epsilon - mu) - 1/2 one that is too high.
    rayleigh_jeans = k_B * (weight @ (1 / above))
    low, high = (np.log((density + more) / rayleigh_jeans) for more in (0.0, 0.5))
    return float(np.exp(brentq(excess, low - 1e-9, high + 1e-9, xtol=1e-13, rtol=1e-14)))
