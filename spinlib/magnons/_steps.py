"""Steps of magnons and their electrons from kink to kink, and the records within them: the loop as one kernel."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from spinlib._jit import kernel
from spinlib.magnons._bath import MOST, warmth
from spinlib.magnons._collocation import STAGES, collocate, polynomial

__all__ = ["BEYOND", "TOO_SHORT", "march"]

_Real = NDArray[np.float64]

BEYOND: Final = 1  # what may end a run: the accumulation exceeds its limit
TOO_SHORT: Final = 2  # no step is short enough, or there are too many
_ROUNDING: Final = 3e-14  # of an accumulation, as a share of the terms that it is the sum of
_EMPTY: Final = 1e-20  # of the largest occupation, or of 1 if that is less: what is negative by less becomes 0
_AHEAD: Final = 5  # degree to which the accumulation of one step is a guess of the next


@kernel
def march(
    h: float,
    panel: int,
    record: int,
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
) -> tuple[int, float, float]:
    """Step from the first of ``stops`` to the last and fill in the records.

    Args:
        h: the first step.
        panel, record: the first panel, and the record after the start: 0 and 1, but not known to the compiler.
        stops, edges, series: times of the kinks, and the temperature as of :func:`sampled`.
        tables: those of :func:`nodes`.
        n, c: the state at the start; overwritten.
        sizes: gap, tolerance, limit of the accumulation, whole time and rate of the fastest magnons.
        system: as for :func:`collocate`.
        times: of all records ``(T,)``.
        n_records, c_records: n ``(T, N)`` and c ``(T, M)`` at the records, overwritten from ``record`` on.
        potentials: overwritten with the accumulations ``(s + 1, B)`` at the points of the last step.

    Returns:
        0 at the end, or what came before it; time and length of the last step.
    """
    shares, differentiate, coefficients = tables
    gap, tolerance, limit, span, rate = sizes
    baths = series.shape[2]
    n_stages, c_stages = np.empty((len(shares), len(n))), np.empty((len(shares), len(c)))
    theta, guess, ahead = np.empty((len(shares), baths)), np.empty((len(shares) - 1) * baths), np.zeros((_AHEAD, baths))
    near = max(1e-7, min(1e-4, 0.03 * tolerance**0.5))  # its square is well below the tolerance
    largest, t, length = 0.0, stops[0], 0.0
    for piece in range(len(stops) - 1):
        t, stop, last, tried, before = stops[piece], stops[piece + 1], panel, 0, 0.0
        while edges[last + 1] < stop:
            last += 1
        while t < stop:
            rest = stop - t
            tried += 1
            length = rest if h > 0.8 * rest else h
            if tried > MOST or length < max(1e-15 * abs(t), 1e-24 * span):
                return TOO_SHORT, t, length
            end, there = t + length if length < rest else stop, panel
            for i in range(len(shares)):
                there = warmth(t + length * shares[i], there, last, edges, series, theta[i])
            shaky = max(
                _share_of_last(theta, coefficients, 1e-300),
                _overlooked(t, length, panel, there, edges, series, theta, coefficients),
            ) * min(1.0, length * rate)
            _extrapolate(length / before if before else 0.0, shares, ahead, c, system, guess)
            scale, error, top, beyond = gap + _strongest(n, system), 1e4, largest, record
            if collocate(length, differentiate, n, c, theta, guess, gap, scale, near, system, n_stages, c_stages):
                error, top, beyond = _judge(
                    t, length, end, coefficients, largest, tolerance, scale, system, n_stages, c_stages, potentials,
                    times, n_records, c_records, record,
                )  # fmt: skip
            error = max(error, shaky / tolerance)
            if error > 1:
                h = length * min(0.5, max(0.1, 0.85 * error ** (-1 / STAGES)))
                continue
            highest = potentials[0, 0]
            for i in range(len(shares)):
                highest = max(highest, potentials[i, 0])
            if highest > limit:
                return BEYOND, t, length
            for b in range(baths):
                for degree in range(_AHEAD):
                    ahead[degree, b] = 0.0
                    for i in range(len(shares)):
                        ahead[degree, b] += coefficients[degree + 1, i] * potentials[i, b]
            for j in range(len(n)):
                n[j] = max(n_stages[-1, j], 0.0)
            for k in range(len(c)):
                c[k] = c_stages[-1, k]
            t, largest, record, before = end, top, beyond, length
            while panel < last and t >= edges[panel + 1]:
                panel += 1
            h = length * min(4.0, 0.85 * max(error, 1e-12) ** (-1 / STAGES))
        panel = last + 1
    return 0, t, length


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
        values = polynomial(edges[p : p + 1], t, h, coefficients)
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

    >>> from spinlib.magnons._collocation import nodes
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
def _strongest(n: _Real, system: tuple[Any, ...]) -> float:
    """Return the size of what an accumulation is the sum of: the feedback times the density of magnons."""
    _, _, weight, _, drive, _, out = system
    feedback, density = 0.0, 0.0
    for j in range(len(n)):
        density += weight[j] * n[j]
    for b in range(len(out)):
        for k in range(out.shape[1]):
            feedback = max(feedback, abs(out[b, k] * drive[k, b]))
    return feedback * density


@kernel
def _judge(
    t: float,
    h: float,
    end: float,
    coefficients: _Real,
    largest: float,
    tolerance: float,
    scale: float,
    system: tuple[Any, ...],
    n_stages: _Real,
    c_stages: _Real,
    potentials: _Real,
    times: _Real,
    n_records: _Real,
    c_records: _Real,
    first: int,
) -> tuple[float, float, int]:
    """Fill in the accumulations of a step ``h`` from ``t`` to ``end`` and the records within it.

    Args:
        t, h, end: of the step.
        coefficients: the last matrix of :func:`nodes`.
        largest: accumulation so far.
        tolerance: of which the error is a share.
        scale: size of what an accumulation is the sum of.
        system, n_stages, c_stages: as for :func:`collocate`.
        potentials, times, n_records, c_records: as for :func:`march`.
        first: the record after ``t``.

    Returns:
        The error, to accept if <= 1; the largest accumulation; the first record beyond the step.
    """
    out = system[6]
    baths, modes = out.shape
    size, count = len(n_stages) - 1, n_stages.shape[1]
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
    floor = min(1.0, most)
    error = _share_of_last(n_stages, coefficients, floor)
    error = (
        max(error, _share_of_last(potentials, coefficients, max(largest, _ROUNDING * scale / tolerance))) / tolerance
    )
    beyond = first
    while beyond < len(times) and times[beyond] <= end:
        beyond += 1
    inside = polynomial(times[first:beyond], t, h, coefficients)
    for r in range(first, beyond):
        row = n_records[r]
        for j in range(count):
            row[j] = 0.0
        for k in range(modes):
            c_records[r, k] = 0.0
        for i in range(size + 1):
            share, stage = inside[r - first, i], n_stages[i]
            for j in range(count):
                row[j] += share * stage[j]
            for k in range(modes):
                c_records[r, k] += share * c_stages[i, k]
        for j in range(count):
            least = min(least, row[j])
            row[j] = max(row[j], 0.0)
    if least < -max(_EMPTY * floor, 1e-300):  # below that numbers lose their digits, and with them their sign
        error = max(error, 2.0)
    return error, largest, beyond
