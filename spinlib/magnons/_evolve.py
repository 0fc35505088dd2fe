"""From start to end: steps of the right length, kinks of the temperature, records in between."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from warnings import warn

import numpy as np
from numpy.typing import NDArray

from spinlib._jit import kernel
from spinlib._validate import number, positive, real, require
from spinlib.magnons._bath import MOST, Bath, UnresolvedError, cuts, sampled, warmth
from spinlib.magnons._collocation import STAGES, collocate, nodes, polynomial
from spinlib.magnons.band import MagnonBand, bose_einstein
from spinlib.units import k_B

__all__ = [
    "Evolution",
    "Occupation",
    "evolve",
    "nodal",
    "occupation_at_start",
    "warn_of_limits",
]

_Real = NDArray[np.float64]
Occupation = float | Sequence[float] | _Real | Callable[[_Real], Any]

_TOO_SHORT, _BEYOND = 2, 1  # what may end a run
_ROUNDING = 3e-14  # of an accumulation, as a share of the terms that it is the sum of
_AHEAD = 5  # degree to which the accumulation of one step is a guess of the next


@dataclass(frozen=True)
class Evolution:
    """Occupations ``(T, N)``, modes ``(T, M)``, temperatures ``(T, B)`` [K], and when it ran away, if it did."""

    n: _Real
    c: _Real
    kelvin: _Real
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
    makes. A step ends at each kink, and what its points know of the temperature has to hold between them, too.

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
    tables = nodes()
    _, gamma, _, relax, _, _, _ = system
    kelvin = np.stack([bath(times) for bath in baths], axis=1)
    records = Evolution(np.empty((len(times), len(n))), np.empty((len(times), len(c))), kelvin, None)
    records.n[0], records.c[0] = n, c
    potentials = np.empty((STAGES + 1, len(baths)))
    span, stops = np.ptp(times), cuts(baths, times[0], times[-1])
    rate = gamma.sum(axis=0).max()
    first = max(1e-2 / max(rate * max(1.0, n.max()), relax.min(initial=np.inf), 1 / span), 1e-14 * abs(times[0]))
    sizes = (gap, tolerance, limit, span, rate)
    try:
        edges, series = sampled(baths, stops, times, kelvin, rate, tolerance, unit)
        ended, t, length, reached = _march(
            first, stops, edges, series, tables, n.copy(), c.copy(), sizes, system, times, records.n, records.c,
            potentials,
        )  # fmt: skip
    except UnresolvedError as error:
        ended, t = _TOO_SHORT, error.args[0]
    if ended == _TOO_SHORT:
        raise RuntimeError(
            f"the steps at t = {t:.6g} s become too short, or too many, for rtol = {tolerance:.3g}: pass "
            "temperatures that are smooth between their breakpoints, or a larger rtol"
        )
    if ended == _BEYOND:
        moment = t + length * _crossing(potentials[:, 0], limit)
        reached = int(np.searchsorted(times, moment))
        return Evolution(records.n[:reached], records.c[:reached], kelvin[:reached], float(moment))
    return records


@kernel
def _march(
    h: float,
    stops: _Real,
    edges: _Real,
    series: _Real,
    tables: tuple[_Real, _Real, _Real],
    n: _Real,
    c: _Real,
    sizes: tuple[float, float, float, float, float],
    system: tuple[Any, ...],
    times: _Real,
    n_records: _Real,
    c_records: _Real,
    potentials: _Real,
) -> tuple[int, float, float, int]:
    """Step from the first of ``stops`` to the last and fill in the records.

    Args:
        h: the first step.
        stops, edges, series: times of the kinks, and the temperature as of :func:`sampled`.
        tables: those of :func:`nodes`.
        n, c: the state at the start; overwritten.
        sizes: gap, tolerance, limit of the accumulation, whole time and rate of the fastest magnons.
        system, times, n_records, c_records, potentials: as for :func:`_attempt`.

    Returns:
        0 at the end, or what came before it; time and length of the last step; the first record that is not filled in.
    """
    shares, _, coefficients = tables
    gap, tolerance, limit, span, rate = sizes
    baths = series.shape[2]
    n_stages, c_stages = np.empty((len(shares), len(n))), np.empty((len(shares), len(c)))
    theta, guess, ahead = np.empty((len(shares), baths)), np.empty((len(shares) - 1) * baths), np.zeros((_AHEAD, baths))
    largest, record, panel, t, length = 0.0, 1, 0, stops[0], 0.0
    for piece in range(len(stops) - 1):
        t, stop, last, tried, before = stops[piece], stops[piece + 1], panel, 0, 0.0
        while edges[last + 1] < stop:
            last += 1
        while t < stop:
            rest = stop - t
            tried += 1
            length = rest if h > 0.8 * rest else h
            if tried > MOST or length < max(1e-15 * abs(t), 1e-24 * span):
                return _TOO_SHORT, t, length, record
            end, there = t + length if length < rest else stop, panel
            for i in range(len(shares)):
                there = warmth(t + length * shares[i], there, last, edges, series, theta[i])
            shaky = max(
                _share_of_last(theta, coefficients, 1e-300),
                _overlooked(t, length, panel, there, edges, series, theta, coefficients),
            ) * min(1.0, length * rate)
            _extrapolate(length / before if before else 0.0, shares, ahead, c, system, guess)
            error, top, beyond = _attempt(
                t, length, end, tables, n, c, theta, guess, (gap, largest, tolerance), system, n_stages, c_stages,
                potentials, times, n_records, c_records, record,
            )  # fmt: skip
            error = max(error, shaky / tolerance)
            if error > 1:
                h = length * min(0.5, max(0.1, 0.85 * error ** (-1 / STAGES)))
                continue
            if potentials[:, 0].max() > limit:
                return _BEYOND, t, length, record
            for b in range(baths):
                for degree in range(_AHEAD):
                    ahead[degree, b] = 0.0
                    for i in range(len(shares)):
                        ahead[degree, b] += coefficients[degree + 1, i] * potentials[i, b]
            n[:], c[:] = n_stages[-1], c_stages[-1]
            t, largest, record, before = end, top, beyond, length
            while panel < last and t >= edges[panel + 1]:
                panel += 1
            h = length * min(4.0, 0.85 * max(error, 1e-12) ** (-1 / STAGES))
        panel = last + 1
    return 0, t, length, record


@kernel
def _overlooked(
    t: float, h: float, panel: int, last: int, edges: _Real, series: _Real, theta: _Real, coefficients: _Real
) -> float:
    """Return the largest error, as a share, of the polynomial through ``theta`` at the edges of panels within a step.

    A step that is long beside a pulse sees it there.
    """
    worst, true = 0.0, np.empty(series.shape[2])
    for p in range(panel + 1, last + 1):
        warmth(edges[p], p, p, edges, series, true)
        values = polynomial(np.array([(edges[p] - t) / h]), coefficients)
        for b in range(len(true)):
            total = 0.0
            for i in range(len(theta)):
                total += values[0, i] * theta[i, b]
            worst = max(worst, abs(total - true[b]) / true[b])
    return worst


@kernel
def _extrapolate(ratio: float, shares: _Real, ahead: _Real, c: _Real, system: tuple[Any, ...], guess: _Real) -> None:
    """Fill in the accumulations ``(B s,)`` that a step begins with, by the coefficients of the one before.

    ``ratio`` is the length of the step as a share of the one before, 0 for none.
    """
    out = system[6]
    for b in range(len(out)):
        start = 0.0
        for k in range(len(c)):
            start += out[b, k] * c[k]
        for i in range(1, len(shares)):
            x, before, now, value = 1 + 2 * ratio * shares[i], 1.0, 1 + 2 * ratio * shares[i], start
            for degree in range(1, _AHEAD + 1):
                value += ahead[degree - 1, b] * (now - 1)
                before, now = now, ((2 * degree + 1) * x * now - degree * before) / (degree + 1)
            guess[b * (len(shares) - 1) + i - 1] = value


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
    tables: tuple[_Real, _Real, _Real],
    n: _Real,
    c: _Real,
    theta: _Real,
    mu: _Real,
    sizes: tuple[float, float, float],
    system: tuple[Any, ...],
    n_stages: _Real,
    c_stages: _Real,
    potentials: _Real,
    times: _Real,
    n_records: _Real,
    c_records: _Real,
    first: int,
) -> tuple[float, float, int]:
    """Solve one step ``h`` from ``t`` to ``end`` and fill in the records within it.

    Args:
        t, h, end: of the step.
        tables: those of :func:`nodes`.
        n, c, theta, mu, system, n_stages, c_stages: as for :func:`collocate`.
        sizes: gap, largest accumulation so far and tolerance, of which the error is a share.
        potentials: overwritten with the accumulations ``(s + 1, B)`` at the points.
        times: of all records ``(T,)``.
        n_records, c_records: n ``(T, N)`` and c ``(T, M)`` at the records; from ``first`` on they are filled in.
        first: the record after ``t``.

    Returns:
        The error, to accept if <= 1; the largest accumulation; the first record beyond the step.
    """
    gap, largest, tolerance = sizes
    _, differentiate, coefficients = tables
    _, _, weight, _, drive, _, out = system
    size, baths, count, modes = len(theta) - 1, theta.shape[1], len(n), len(c)
    feedback, scale = 0.0, 0.0
    for j in range(count):
        scale += weight[j] * n[j]
    for b in range(baths):
        for k in range(modes):
            feedback = max(feedback, abs(out[b, k] * drive[k, b]))
    scale = gap + feedback * scale
    near = max(1e-7, min(1e-4, 0.03 * tolerance**0.5))
    if not collocate(h, differentiate, n, c, theta, mu, gap, scale, near, system, n_stages, c_stages):
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
    error = (
        max(error, _share_of_last(potentials, coefficients, max(largest, _ROUNDING * scale / tolerance))) / tolerance
    )
    beyond = first
    while beyond < len(times) and times[beyond] <= end:
        beyond += 1
    inside = polynomial((times[first:beyond] - t) / h, coefficients)
    for r in range(first, beyond):
        row = n_records[r]
        row[:], c_records[r] = 0.0, 0.0
        for i in range(size + 1):
            share, stage = inside[r - first, i], n_stages[i]
            for j in range(count):
                row[j] += share * stage[j]
            for k in range(modes):
                c_records[r, k] += share * c_stages[i, k]
        for j in range(count):
            if row[j] < least:
                least = row[j]
    if least < 0:
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
