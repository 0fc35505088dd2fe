"""From start to end: steps of the right length, kinks of the temperature, records in between."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import number, positive, real, require
from spinlib.magnons._collocation import STAGES, collocate, nodes, polynomial
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
    "record_times",
    "warn_of_limits",
]

_Real = NDArray[np.float64]
Temperature = float | Callable[[Any], Any]
Occupation = ArrayLike | Callable[[_Real], ArrayLike]


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
        remedy = "it is called with an array of times in s: return temperatures in K of the same shape"
        kelvin = real(f"{self.name}(time)", self.temperature(times), remedy)
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


def record_times(times: ArrayLike) -> _Real:
    """Return ``times`` ``(T,)``, or refuse what does not increase.

    >>> record_times([0.0, 0.0])
    Traceback (most recent call last):
    ...
    ValueError: times[1] = 0 is not after times[0]: pass strictly increasing times in s
    """
    array = np.array(real("times", times, "pass times in s"))
    if array.ndim != 1 or array.size < 2:
        raise ValueError(f"times has shape {array.shape}: pass a start and at least one more time, of shape (T,)")
    for i in np.flatnonzero(np.diff(array) <= 0)[:1]:
        raise ValueError(
            f"times[{i + 1}] = {array[i + 1]:.10g} is not after times[{i}]: pass strictly increasing times in s"
        )
    return array


def nodal(name: str, value: object, energy: _Real) -> _Real:
    """Return a number or a function of the energy as finite numbers >= 0 at the nodes ``energy``, or refuse it.

    >>> nodal("scattering_rate", 2, np.array([1.0, 3.0]))
    array([2., 2.])
    """
    remedy = (
        f"pass a number >= 0, or a function that returns one for each energy of an array ({name} is negative never)"
    )
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
    unit: float,
    times: _Real,
    tolerance: float,
    limit: float = np.inf,
) -> Evolution:
    """Solve from ``times[0]`` on and return the state at ``times``.

    A step is accepted if no occupation at its points is negative and the last Legendre coefficient of all polynomials
    is below ``tolerance``, as a share of the largest occupation or accumulation. It ends at each kink.

    Args:
        system: as for :func:`collocate`.
        n, c: the state at the start.
        baths: their temperatures.
        unit: energy unit of ``system`` [J].
        times: of the records [s].
        tolerance: of one step.
        limit: accumulation of the first bath at which the evolution stops.
    """
    shares, differentiate, last = nodes()
    points = shares[1:]
    gamma, relax, out, scale = system[1], system[3], system[6], system[7]
    records = Evolution(np.empty((len(times), len(n))), np.empty((len(times), len(c))), None)
    records.n[0], records.c[0] = n, c
    n_stages, c_stages = np.empty((STAGES + 1, len(n))), np.empty((STAGES + 1, len(c)))
    kinks = {kink for bath in baths for kink in bath.kinks if times[0] < kink < times[-1]}
    fastest = max(gamma.sum(axis=0).max() * max(1.0, n.max()), relax.min(initial=np.inf), 1 / np.ptp(times))
    h = 1e-2 / fastest
    for start, stop in pairwise(sorted({times[0], times[-1], *kinks})):
        t = start
        while t < stop:
            rest = stop - t
            length = rest if h > 0.8 * rest else h
            if length < 1e-13 * np.abs(times).max():
                raise RuntimeError(f"no step from t = {t:.6g} s on keeps the error below rtol: pass a larger rtol")
            theta = np.array([k_B * bath(t + length * points) / unit for bath in baths])
            mu = np.repeat((out @ c)[:, None], STAGES, axis=1)
            if not collocate(length, differentiate, n, c, theta, mu, system, n_stages, c_stages):
                h = length / 4
                continue
            potentials = c_stages @ out.T
            error = np.abs(last @ n_stages).max() / max(n_stages.max(), 1e-300)
            error = max(error, np.abs(last @ potentials).max() / max(np.abs(potentials).max(), scale)) / tolerance
            first, beyond = np.searchsorted(times, [t, t + length if length < rest else stop], side="right")
            inside = polynomial((times[first:beyond] - t) / length)
            between = inside @ n_stages
            if error > 1 or n_stages.min() < 0 or between.min(initial=0.0) < 0:
                h = length * min(0.5, max(0.1, 0.85 * max(error, 1e-9) ** (-1 / STAGES)))
                continue
            records.n[first:beyond], records.c[first:beyond] = between, inside @ c_stages
            if potentials[:, 0].max() > limit:
                moment = t + length * _crossing(potentials[:, 0], limit)
                before = np.searchsorted(times, moment)
                return Evolution(records.n[:before], records.c[:before], float(moment))
            n, c = n_stages[-1].copy(), c_stages[-1].copy()
            t = t + length if length < rest else stop
            h = length * min(4.0, 0.85 * max(error, 1e-12) ** (-1 / STAGES))
    return records


def _crossing(values: _Real, limit: float) -> float:
    """Return the share of the step at which the polynomial through ``values`` first exceeds ``limit``."""
    fine = np.linspace(0, 1, 1001)
    above = int(np.argmax(polynomial(fine) @ values > limit))
    low, high = fine[max(above - 1, 0)], fine[above]
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if (polynomial(np.array([middle])) @ values)[0] > limit else (middle, high)
    return float(high)


def warn_of_limits(
    band: MagnonBand, temperatures: _Real, density: _Real, saturation_spin_density: float | None, level: int = 3
) -> None:
    """Warn, once each, of a run that leaves the range of the model."""
    if k_B * temperatures.min() < band.gap / 10:
        warn(
            f"k_B T falls below a tenth of the gap (T = {temperatures.min():.4g} K): few magnons are left, and "
            "what the model leaves out, such as magnon decay into phonons, decides their number",
            stacklevel=level + 1,
        )
    if saturation_spin_density is not None and density.max() > saturation_spin_density:
        warn(
            f"magnon_density rises to {density.max():.4g} m^-3, above saturation_spin_density = "
            f"{saturation_spin_density:.4g} m^-3: the model does not limit it; S_z has changed sign",
            stacklevel=level + 1,
        )
