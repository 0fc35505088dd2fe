"""The LLG equation of a wall in one dimension, integrated in a window that follows the wall.

Units: length sqrt(A/K), time M_s/(2 gamma K), field 2K/M_s. The drift enters as a field -u m x m' - beta u m', since
-u m' = u m x (m x m') for |m| = 1. Derivatives are central differences of sixth order, so that a hundred cells hold a
wall; for so few, an explicit Runge-Kutta step of fourth order is cheaper than solving the equations of an implicit one.
The window is moved by whole cells and the frame not at all: an advective frame carries noise from its edge to the wall.
A drive is the tuple kappa = K_perp/K, alpha, beta, drift u, field b.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from spinlib._jit import kernel

__all__ = ["Run", "settle"]

_Real = NDArray[np.float64]
_Drive = tuple[float, float, float, float, float]

_EDGE = 3  # cells at each end that are held: the reach of the stencil
_STABLE = 2.4  # of 2.83, where Runge-Kutta of fourth order leaves the imaginary axis
_TURN = 0.2  # rad, between samples
_TOLERANCE = 5e-5  # of the velocity, between two windows of time
_STILL = 1e-5  # rad, left to turn
_NOISE = 1e-9  # rad
_MARGIN = 1.5  # widths beside the held cells where spin waves are looked for
_REACHED = 5e-3  # largest |m_perp| there; averages are then off by 1e-4 or so
_WIDER = 1.5
_PATIENCE = 4  # looks at a wall whose waves reach the edge and which does not settle
_WORK = 500_000_000  # steps times cells, of all windows together


@kernel
def _rate(m: _Real, out: _Real, drive: _Drive, cell: float) -> None:
    """Write dm/dt of ``m`` ``(3, n)`` to ``out``; the cells at the edges rest."""
    kappa, alpha, beta, drift, field = drive
    first, second = 1.0 / (60.0 * cell), 1.0 / (180.0 * cell * cell)
    share = -1.0 / (1.0 + alpha * alpha)
    mx, my, mz = m[0], m[1], m[2]  # with rows of their own and an index that counts from 0 the loop is vectorised
    ox, oy, oz = out[0], out[1], out[2]
    for inner in range(m.shape[1] - 2 * _EDGE):
        i = inner + _EDGE
        x, y, z = mx[i], my[i], mz[i]
        a, b, c = mx[i + 1], my[i + 1], mz[i + 1]
        d, e, f = mx[i - 1], my[i - 1], mz[i - 1]
        sx, sy, sz = 45.0 * (a - d), 45.0 * (b - e), 45.0 * (c - f)
        hx, hy, hz = 270.0 * (a + d), 270.0 * (b + e), 270.0 * (c + f)
        a, b, c = mx[i + 2], my[i + 2], mz[i + 2]
        d, e, f = mx[i - 2], my[i - 2], mz[i - 2]
        sx, sy, sz = sx - 9.0 * (a - d), sy - 9.0 * (b - e), sz - 9.0 * (c - f)
        hx, hy, hz = hx - 27.0 * (a + d), hy - 27.0 * (b + e), hz - 27.0 * (c + f)
        a, b, c = mx[i + 3], my[i + 3], mz[i + 3]
        d, e, f = mx[i - 3], my[i - 3], mz[i - 3]
        sx, sy, sz = first * (sx + a - d), first * (sy + b - e), first * (sz + c - f)
        hx = second * (hx + 2.0 * (a + d) - 490.0 * x) - drift * (beta * sx + y * sz - z * sy)
        hy = second * (hy + 2.0 * (b + e) - 490.0 * y) - drift * (beta * sy + z * sx - x * sz) - kappa * y
        hz = second * (hz + 2.0 * (c + f) - 490.0 * z) - drift * (beta * sz + x * sy - y * sx) + z + field
        tx, ty, tz = y * hz - z * hy, z * hx - x * hz, x * hy - y * hx
        ox[i] = share * (tx + alpha * (y * tz - z * ty))
        oy[i] = share * (ty + alpha * (z * tx - x * tz))
        oz[i] = share * (tz + alpha * (x * ty - y * tx))


@kernel
def _advance(
    m: _Real, work: _Real, drive: _Drive, cell: float, step: float, strides: int, shift: int, trace: _Real
) -> int:
    """Integrate ``m`` in place and return the new shift.

    A row of ``trace`` takes position, azimuth and the largest square of m_perp near the held cells.
    """
    size = m.shape[1]
    margin = int(_MARGIN / cell)
    k, total, trial = work[0], work[1], work[2]
    for sample in range(trace.shape[0]):
        for _ in range(strides):
            _rate(m, k, drive, cell)
            for stage in range(3):
                ahead = step if stage == 2 else 0.5 * step
                for j in range(3):
                    for i in range(size):
                        trial[j, i] = m[j, i] + ahead * k[j, i]
                        total[j, i] = k[j, i] if stage == 0 else total[j, i] + 2.0 * k[j, i]
                _rate(trial, k, drive, cell)
            for j in range(3):
                for i in range(size):
                    m[j, i] += step / 6.0 * (total[j, i] + k[j, i])
            for i in range(size):
                length = np.sqrt(m[0, i] ** 2 + m[1, i] ** 2 + m[2, i] ** 2)
                for j in range(3):
                    m[j, i] /= length
            centre = 0.5 * m[2].sum()  # in cells from the middle
            if abs(centre) > 1.0:
                move = 1 if centre > 0 else -1
                shift += move
                for j in range(3):
                    m[j] = np.roll(m[j], -move)
                    m[j, :_EDGE] = 1.0 if j == 2 else 0.0
                    m[j, size - _EDGE :] = -1.0 if j == 2 else 0.0
        trace[sample, 0] = cell * (shift + 0.5 * m[2].sum())
        trace[sample, 1] = np.arctan2(m[1].sum(), m[0].sum())
        trace[sample, 2] = 0.0
        for i in range(_EDGE, _EDGE + margin):
            for n in (i, size - 1 - i):
                trace[sample, 2] = max(trace[sample, 2], m[0, n] ** 2 + m[1, n] ** 2)
    return shift


class Run:
    """A wall that starts at rest at azimuth 0, and its samples so far, all reduced.

    Args:
        drive: what moves it.
        cell: length of a cell.
        cells: their number.

    >>> run = Run((0.0, 0.5, 0.5, 1.0, 0.0), 0.25, 80)
    >>> run.until(2.0)
    >>> bool(abs(run.position[-1] - run.time[-1]) < 1e-4)
    True
    """

    def __init__(self, drive: _Drive, cell: float, cells: int) -> None:
        kappa, alpha, beta, drift, field = drive
        self.drive, self.cell = (kappa, alpha, beta, drift, field), cell  # a plain tuple, for the kernel
        x = cell * (np.arange(cells) - (cells - 1) / 2)
        self.m = np.stack([1 / np.cosh(x), np.zeros_like(x), -np.tanh(x)])
        self.m[:, :_EDGE], self.m[:, -_EDGE:] = [[0.0], [0.0], [1.0]], [[0.0], [0.0], [-1.0]]
        self._work = np.zeros((3, *self.m.shape))
        self._shift = 0
        drift, field = abs(drift), abs(field)
        # Fastest spin wave of the stencil with its Doppler shift, and fastest turn of the wall.
        fastest = 6.05 / cell**2 + 1 + kappa / 2 + field + 1.6 * drift / cell
        turning = field + abs(beta - alpha) * drift * np.sqrt(1 + kappa) + alpha * kappa / 2
        self.step = _STABLE / fastest
        self._strides = max(1, int(_TURN / max(turning * self.step, _TURN / 64)))
        self.time, self.position, self.azimuth, self.edge = np.zeros(1), np.zeros(1), np.zeros(1), np.zeros(1)

    def until(self, time: float) -> None:
        """Integrate up to ``time`` and keep the samples."""
        interval = self._strides * self.step
        trace = np.empty((max(1, round((time - self.time[-1]) / interval)), 3))
        self._shift = _advance(self.m, self._work, self.drive, self.cell, self.step, self._strides, self._shift, trace)
        self.time = np.concatenate([self.time, self.time[-1] + interval * np.arange(1, len(trace) + 1)])
        self.position = np.concatenate([self.position, trace[:, 0]])
        turned = np.unwrap(np.concatenate([self.azimuth[-1:], trace[:, 1]]))
        self.azimuth = np.concatenate([self.azimuth, turned[1:]])
        self.edge = np.concatenate([self.edge, np.sqrt(trace[:, 2])])

    def reached(self, since: float) -> bool:
        """Return whether spin waves stand at the held cells, which reflect them, after the share ``since`` of time."""
        return bool(self.edge[self.time >= since * self.time[-1]].max() > _REACHED)

    def locked(self) -> tuple[float, float, float] | None:
        """Return velocity, 0 and azimuth if the wall has come to a steady motion."""
        marks = self.time[-1] * np.array([10, 11, 12]) / 12
        q, phi = np.interp(marks, self.time, self.position), np.interp(marks, self.time, self.azimuth)
        before, after = np.diff(q) / np.diff(marks)
        first, second = np.diff(phi)
        # What is left of a geometric decay. Just above the threshold it is not small: there the decay slows down.
        left = second**2 / max(abs(first - second), 1e-300)
        if (left > _STILL and abs(second) > _NOISE) or not self._steady(before, after):
            return None
        return float(after), 0.0, float(phi[-1])

    def rotating(self) -> tuple[float, float, float] | None:
        """Return the averages of velocity and precession over whole half turns, and nan, if they repeat."""
        sense = np.sign(self.azimuth[-1])
        marks = self.time[-1] * np.array([1, 2, 3]) / 3
        turns = np.floor(sense * np.interp(marks, self.time, self.azimuth) / np.pi)
        if not 1 <= turns[0] < turns[1] < turns[2]:
            return None
        azimuth = CubicSpline(self.time, sense * self.azimuth)
        times = np.array([azimuth.solve(np.pi * turn, extrapolate=False)[-1] for turn in turns])
        before, after = np.diff(CubicSpline(self.time, self.position)(times)) / np.diff(times)
        slow, fast = np.pi * np.diff(turns) / np.diff(times)
        if abs(fast - slow) > _TOLERANCE * fast or not self._steady(before, after):
            return None
        return float(after), float(sense * fast), np.nan

    def _steady(self, before: float, after: float) -> bool:
        scale = max(abs(before), abs(after), abs(self.drive[3]))
        return abs(after - before) <= _TOLERANCE * scale + 1e-12


def settle(drive: _Drive, cell: float, cells: int, most: int) -> tuple[tuple[float, float, float] | None, int]:
    """Return average velocity, average precession and locked azimuth (or nan), reduced, and the cells of the window.

    Where spin waves of the wall reach the edge of the window it starts again in a wider one, up to ``most`` cells.
    Without an answer, None and the cells of the last window, or more than ``most`` if the waves reach the edge of all.

    >>> (velocity, precession, azimuth), cells = settle((0.5, 0.5, 1.0, 0.2, 0.0), 0.25, 96, 2000)
    >>> round(velocity, 3), precession, cells
    (0.4, 0.0, 96)
    """
    kappa, alpha, _, _, field = drive
    # 24 decay times of the slowest uniform spin wave of the domain that the field weakens.
    first = 24 * (1 + alpha**2) / (alpha * (1 + kappa / 2 - abs(field)))
    work = float(_WORK)
    while True:
        run = Run(drive, cell, cells)
        end, time, looks = work * run.step / cells, first, 0
        while run.time[-1] < end:
            run.until(min(time, 1.01 * end))
            time, looks = 1.3 * run.time[-1], looks + 1
            locked, rotating = run.locked(), run.rotating()
            reached = run.reached(10 / 12 if locked else 1 / 3)
            answer = locked or rotating
            if answer and not reached:
                return answer, cells
            if reached and (answer or looks == _PATIENCE):
                break
        else:
            return None, cells
        work -= run.time[-1] / run.step * cells
        if cells >= most:
            return None, most + 1
        cells = min(int(_WIDER * cells), most)
