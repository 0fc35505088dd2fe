"""From start to end: steps of the right length, kinks of the temperature, records in between."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import number, positive, real, require
from spinlib.magnons._collocation import STAGES, collocate, nodes, polynomial, share_of_last
from spinlib.magnons.band import MagnonBand, bose_einstein
from spinlib.units import k_B

__all__ = [
    "Bath",
    "Evolution",
    "Occupation",
    "Temperature",
    "evolve",
    "nodal",
    "occupation_at_start",
    "warn_of_limits",
]

_Real = NDArray[np.float64]
Temperature = float | Callable[[Any], Any]
Occupation = float | Sequence[float] | _Real | Callable[[_Real], Any]

_MOST = 100_000  # steps between two kinks
_ROUNDING = 3e-14  # of an accumulation, as a share of the terms that it is the sum of


@dataclass(frozen=True)
class Bath:
    """A temperature as a checked function of an array of times [s], and the times of its kinks."""

    name: str
    temperature: Temperature
    kinks: tuple[float, ...] = ()

    @classmethod
    def of(cls, name: str, temperature: Temperature, breakpoints: ArrayLike = ()) -> "Bath":
        """Return the bath of a number or function, with its own ``breakpoints`` and those given."""
        own = np.ravel(real("breakpoints", getattr(temperature, "breakpoints", ()), "pass finite times in s"))
        given = np.ravel(real("breakpoints", breakpoints, "pass finite times in s"))
        if not callable(temperature):
            temperature = number(name, temperature, positive)
        return cls(name, temperature, (*own.tolist(), *given.tolist()))

    def __call__(self, times: _Real) -> _Real:
        """Return the temperatures [K] at ``times``."""
        if not callable(self.temperature):
            return np.full(times.shape, self.temperature)
        found = self.temperature(times)
        plain = isinstance(found, np.ndarray) and found.dtype == np.float64 and found.shape == times.shape
        if plain and found.min() > 0 and found.max() < np.inf:  # as it should be; the rest says what is wrong
            return np.asarray(found)
        remedy = "it is called with an array of times in s: return temperatures in K of the same shape"
        kelvin = real(f"{self.name}(time)", found, remedy)
        if kelvin.shape != times.shape:
            remedy += f", or wrap it in numpy.vectorize; {self.name} may also be a number"
            raise ValueError(f"{self.name}(time) has shape {kelvin.shape} for times of shape {times.shape}: {remedy}")
        return positive(f"{self.name}(time)", kelvin)


@dataclass(frozen=True)
class Evolution:
    """Occupations ``(T, N)``, relaxing modes ``(T, M)`` and when the accumulation ran away, if it did."""

    n: _Real
    c: _Real
    runaway: float | None


def nodal(name: str, value: object, energy: _Real) -> _Real:
    """Return a number or a function of the energy as finite numbers >= 0 at the nodes ``energy``, or refuse it.

    >>> nodal("scattering_rate", 2, np.array([1.0, 3.0]))
    array([2., 2.])
    """
    remedy = "pass a number >= 0, or a function that returns one for each energy of an array"
    array = real(name, value(energy) if callable(value) else value, remedy)  # type: ignore[arg-type]
    if array.ndim and array.shape != energy.shape:
        raise ValueError(f"{name} has shape {array.shape} for energies of shape {energy.shape}: {remedy}")
    require(name, array, array >= 0, "is negative", remedy)
    return np.array(np.broadcast_to(array, energy.shape))


def occupation_at_start(
    band: MagnonBand, points: int, bath: Bath, start: float, initial_temperature: float | None, given: Occupation | None
) -> _Real:
    """Return n at the nodes: ``given``, or of equilibrium at ``initial_temperature``, by default that of the bath."""
    energy, _ = band.quadrature(points)
    if given is not None:
        return nodal("initial_occupation", given, energy)
    if initial_temperature is None:
        kelvin = float(bath(np.array([start]))[0])
    else:
        kelvin = number("initial_temperature", initial_temperature, positive)
    return np.array(bose_einstein(energy, kelvin))


def evolve(
    system: tuple[Any, ...],
    n: _Real,
    c: _Real,
    baths: Sequence[Bath],
    gap: float,
    unit: float,
    times: _Real,
    rtol: float,
    limit: float = np.inf,
) -> Evolution:
    """Solve from ``times[0]`` on and return the state at ``times``.

    A step is accepted if no occupation is negative at its points and records, and if the last Legendre coefficient of
    all polynomials is below ``rtol``: of occupations above 1 as a share of their own, of those below as a share of the
    largest or 1, of accumulations as a share of the largest so far. That of the temperature counts times the change it
    makes. A step ends at each kink, and what its points know of the temperature has to agree with the records.

    Args:
        system: as for :func:`collocate`.
        n, c: the state at the start.
        baths: their temperatures.
        gap: of the band, in the unit of ``system``.
        unit: energy unit of ``system`` [J].
        times: of the records [s].
        rtol: tolerance of one step.
        limit: accumulation of the first bath at which the evolution stops.

    Raises:
        ValueError: ``rtol`` is below rounding.
        RuntimeError: no step is short enough.
    """
    tolerance = number("rtol", rtol)
    require("rtol", tolerance, tolerance >= 1e-13, "is below the rounding of a step", "pass rtol >= 1e-13")
    shares, differentiate, coefficients = nodes()
    last = coefficients[-1].copy()
    _, gamma, weight, relax, drive, _, out = system
    records = Evolution(np.empty((len(times), len(n))), np.empty((len(times), len(c))), None)
    records.n[0], records.c[0] = n, c
    n_stages, c_stages = np.empty((STAGES + 1, len(n))), np.empty((STAGES + 1, len(c)))
    at_records = np.array([k_B * bath(times) / unit for bath in baths]).T
    kinks = {kink for bath in baths for kink in bath.kinks if times[0] < kink < times[-1]}
    feedback, largest = np.abs(out * drive.T).max(), float(np.abs(out @ c).max())
    span, rate = np.ptp(times), float(gamma.sum(axis=0).max())
    h = max(1e-2 / max(rate * max(1.0, n.max()), relax.min(initial=np.inf), 1 / span), 1e-14 * abs(times[0]))
    for start, stop in pairwise(sorted({times[0], times[-1], *kinks})):
        # On either side of a jump the temperature is that of the side.
        after, before = start + 1e-15 * abs(start), stop - 1e-15 * abs(stop)
        t, tried = start, 0
        while t < stop:
            rest, tried = stop - t, tried + 1
            length = rest if h > 0.8 * rest else h
            if tried > _MOST or length < max(1e-15 * abs(t), 1e-24 * span):
                raise RuntimeError(
                    f"the steps at t = {t:.6g} s become too short, or too many, for rtol = {tolerance:.3g}: pass "
                    "temperatures that are smooth between their breakpoints, or a larger rtol"
                )
            moments = np.minimum(np.maximum(t + length * shares, after), before)
            theta = np.array([k_B * bath(moments) / unit for bath in baths]).T.copy()
            mu = np.repeat(out @ c, STAGES)
            scale = float(gap + feedback * (weight @ n))
            if not collocate(length, differentiate, n, c, theta, mu, gap, scale, system, n_stages, c_stages):
                h = length / 4
                continue
            potentials = c_stages @ out.T
            top = max(largest, float(np.abs(potentials).max()))
            # No step is refused for the rounding of an accumulation.
            floor = max(top, _ROUNDING * scale / tolerance)
            error = share_of_last(n_stages, last, max(1e-300, min(1.0, n_stages.max())))
            error = max(error, share_of_last(potentials, last, floor))
            error = max(error, share_of_last(theta, last, 1e-300) * min(1.0, length * rate)) / tolerance
            first, beyond = np.searchsorted(times, [t, t + length if length < rest else stop], side="right")
            inside = polynomial((times[first:beyond] - t) / length, coefficients)
            between = inside @ n_stages
            blind = np.abs(inside @ theta / at_records[first:beyond] - 1) > 0.01
            if error > 1 or n_stages.min() < 0 or between.min(initial=0.0) < 0 or (len(blind) > 2 and blind.any()):
                h = length * min(0.5, max(0.1, 0.85 * max(error, 1e-9) ** (-1 / STAGES)))
                continue
            records.n[first:beyond], records.c[first:beyond] = between, inside @ c_stages
            if potentials[:, 0].max() > limit:
                moment = t + length * _crossing(potentials[:, 0], limit)
                reached = np.searchsorted(times, moment)
                return Evolution(records.n[:reached], records.c[:reached], float(moment))
            n, c, largest = n_stages[-1].copy(), c_stages[-1].copy(), top
            t = t + length if length < rest else stop
            h = length * min(4.0, 0.85 * max(error, 1e-12) ** (-1 / STAGES))
    return records


def _crossing(values: _Real, limit: float) -> float:
    """Return the share of the step at which the polynomial through ``values`` first exceeds ``limit``."""
    low, high = 0.0, 1.0
    for _ in range(6):
        shares = np.linspace(low, high, 1001)
        above = int(np.argmax(polynomial(shares, nodes()[2]) @ values > limit))
        low, high = float(shares[max(above - 1, 0)]), float(shares[above])
    return high


def warn_of_limits(
    band: MagnonBand, temperatures: _Real, density: _Real, saturation_spin_density: float | None
) -> None:
    """Warn, once each, of a run that leaves the range of the model."""
    if k_B * temperatures.min() < band.gap / 10:
        warn(
            f"k_B T falls below a tenth of the gap (T = {temperatures.min():.4g} K): few magnons are left, and "
            "what the model leaves out, such as magnon decay into phonons, decides their number",
            stacklevel=3,
        )
    if saturation_spin_density is not None and density.max() > saturation_spin_density:
        warn(
            f"magnon_density rises to {density.max():.4g} m^-3, above saturation_spin_density = "
            f"{saturation_spin_density:.4g} m^-3: the model does not limit it; S_z has changed sign",
            stacklevel=3,
        )
