"""From start to end: steps of the right length, kinks of the temperature, records in between."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._jit import kernel
from spinlib._validate import number, positive, real, require
from spinlib.magnons._collocation import STAGES, collocate, nodes, polynomial
from spinlib.magnons._times import temperatures_at
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
        return temperatures_at(self.name, self.temperature, times)


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
    _, gamma, _, relax, _, _, _ = system
    records = Evolution(np.empty((len(times), len(n))), np.empty((len(times), len(c))), None)
    records.n[0], records.c[0] = n, c
    n_stages, c_stages = np.empty((STAGES + 1, len(n))), np.empty((STAGES + 1, len(c)))
    potentials = np.empty((STAGES + 1, len(baths)))
    felt = np.array([k_B * bath(times) / unit for bath in baths]).T.copy()
    span, largest, record = np.ptp(times), 0.0, 1
    stops = [times[0]]
    for kink in sorted({kink for bath in baths for kink in bath.kinks}):
        apart = max(1e-14 * abs(kink), 1e-23 * span)  # closer together two mean the same instant
        if stops[-1] + apart < kink < times[-1] - apart:
            stops.append(kink)
    stops.append(times[-1])
    fastest = max(gamma.sum(axis=0).max() * max(1.0, n.max()), relax.min(initial=np.inf), 1 / span)
    h = max(1e-2 / fastest, 1e-14 * abs(times[0]))
    for start, stop in pairwise(stops):
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
            end = t + length if length < rest else stop
            moments = np.minimum(np.maximum(t + length * shares, after), before)
            theta = np.array([k_B * bath(moments) / unit for bath in baths]).T.copy()
            error, top, beyond = _attempt(
                t, length, end, (differentiate, coefficients), n, c, theta, (gap, largest, _ROUNDING, tolerance),
                system, n_stages, c_stages, potentials, times, felt, records.n, records.c, record,
            )  # fmt: skip
            if error > 1:
                h = length * min(0.5, max(0.1, 0.85 * error ** (-1 / STAGES)))
                continue
            if potentials[:, 0].max() > limit:
                moment = t + length * _crossing(potentials[:, 0], limit)
                reached = np.searchsorted(times, moment)
                return Evolution(records.n[:reached], records.c[:reached], float(moment))
            n, c = n_stages[-1].copy(), c_stages[-1].copy()
            t, largest, record = end, top, beyond
            h = length * min(4.0, 0.85 * max(error, 1e-12) ** (-1 / STAGES))
    return records


@kernel
def _share_of_last(stages: _Real, coefficients: _Real, floor: float) -> float:
    """Return the coefficient of the highest degree as a share of the largest value, or of ``floor`` if that is larger.

    Args:
        stages: values ``(s + 1, N)`` at the points; the largest of the N shares counts.
        coefficients: matrix of :func:`nodes`.
        floor: > 0.

    >>> points, _, coefficients = nodes()
    >>> round(1 / _share_of_last(points[:, None] ** 7, coefficients, 1e-300), 6)
    3432.0
    """
    size, count = stages.shape
    worst = 0.0
    for j in range(count):
        coefficient, largest = 0.0, floor
        for i in range(size):
            coefficient += coefficients[-1, i] * stages[i, j]
            largest = max(largest, abs(stages[i, j]))
        worst = max(worst, abs(coefficient) / largest)
    return worst


@kernel
def _attempt(
    t: float,
    h: float,
    end: float,
    tables: tuple[_Real, _Real],
    n: _Real,
    c: _Real,
    theta: _Real,
    sizes: tuple[float, float, float, float],
    system: tuple[Any, ...],
    n_stages: _Real,
    c_stages: _Real,
    potentials: _Real,
    times: _Real,
    felt: _Real,
    n_records: _Real,
    c_records: _Real,
    first: int,
) -> tuple[float, float, int]:
    """Solve one step ``h`` from ``t`` to ``end`` and fill in the records within it.

    Args:
        t, h, end: of the step.
        tables: the two matrices of :func:`nodes`.
        n, c, theta, system, n_stages, c_stages: as for :func:`collocate`.
        sizes: gap, largest accumulation so far, rounding of accumulations and tolerance, of which the error is a share.
        potentials: overwritten with the accumulations ``(s + 1, B)`` at the points.
        times, felt: of all records ``(T,)``, and the temperatures then ``(T, B)``.
        n_records, c_records: n ``(T, N)`` and c ``(T, M)`` at the records; from ``first`` on they are filled in.
        first: the record after ``t``.

    Returns:
        The error, to accept if <= 1; the largest accumulation; the first record beyond the step.
    """
    gap, largest, rounding, tolerance = sizes
    differentiate, coefficients = tables
    _, gamma, weight, _, drive, _, out = system
    size, baths, count, modes = len(theta) - 1, theta.shape[1], len(n), len(c)
    feedback, rate, scale = 0.0, 0.0, 0.0
    for j in range(count):
        scale += weight[j] * n[j]
        total = 0.0
        for b in range(baths):
            total += gamma[b, j]
        rate = max(rate, total)
    mu = np.zeros(baths * size)
    for b in range(baths):
        for k in range(modes):
            feedback = max(feedback, abs(out[b, k] * drive[k, b]))
            for i in range(size):
                mu[b * size + i] += out[b, k] * c[k]
    scale = gap + feedback * scale
    if not collocate(h, differentiate, n, c, theta, mu, gap, scale, system, n_stages, c_stages):
        return 1e4, largest, first
    for b in range(baths):
        for i in range(size + 1):
            potentials[i, b] = 0.0
            for k in range(modes):
                potentials[i, b] += out[b, k] * c_stages[i, k]
            largest = max(largest, abs(potentials[i, b]))
    least, most = np.inf, 1e-300
    for i in range(1, size + 1):
        for j in range(count):
            least, most = min(least, n_stages[i, j]), max(most, n_stages[i, j])
    error = _share_of_last(n_stages, coefficients, min(1.0, most))
    error = max(error, _share_of_last(potentials, coefficients, max(largest, rounding * scale / tolerance)))
    error = max(error, _share_of_last(theta, coefficients, 1e-300) * min(1.0, h * rate)) / tolerance
    beyond = first
    while beyond < len(times) and times[beyond] <= end:
        beyond += 1
    inside = polynomial((times[first:beyond] - t) / h, coefficients)
    blind = False
    for r in range(first, beyond):
        for j in range(count):
            n_records[r, j] = 0.0
            for i in range(size + 1):
                n_records[r, j] += inside[r - first, i] * n_stages[i, j]
            least = min(least, n_records[r, j])
        for k in range(modes):
            c_records[r, k] = 0.0
            for i in range(size + 1):
                c_records[r, k] += inside[r - first, i] * c_stages[i, k]
        for b in range(baths):
            total = 0.0
            for i in range(size + 1):
                total += inside[r - first, i] * theta[i, b]
            blind = blind or abs(total - felt[r, b]) > 0.01 * felt[r, b]
    if least < 0 or (blind and beyond > first + 2):
        error = max(error, 2.0)
    return error, largest, beyond


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
