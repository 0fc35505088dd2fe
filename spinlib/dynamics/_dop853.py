"""The compiled integrator of the macrospin: Dormand and Prince's method of order 8, each trajectory in its own steps.

The coefficients are those of scipy.integrate.DOP853, the estimate of the error is its combination of orders 3 and 5.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from spinlib._jit import kernel
from spinlib.dynamics._llg import rate

__all__ = ["tables", "trajectories"]

_Real = NDArray[np.float64]

_STAGES = 12


@lru_cache(maxsize=1)
def tables() -> tuple[_Real, _Real]:
    """Return the matrix A ``(12, 12)`` of the stages and the weights B, E3, E5 ``(3, 12)`` of step and errors.

    >>> a, weights = tables()
    >>> bool(a[1, 0] == a[1].sum()), float(weights[0].sum().round(12))
    (True, 1.0)
    """
    from scipy.integrate import DOP853  # only those who integrate pay for the import

    # The last entries of E3 and E5 weigh the rate after the step and are 0.
    weights = np.stack([DOP853.B, DOP853.E3[:_STAGES], DOP853.E5[:_STAGES]])
    return np.ascontiguousarray(DOP853.A[:_STAGES, :_STAGES]), weights


@kernel
def trajectories(
    start: _Real, times: _Real, given: _Real, tolerance: float, first: float, a: _Real, weights: _Real, out: _Real
) -> float:
    """Fill ``out`` ``(T, N, 3)`` with the motion from ``start`` ``(N, 3)``; return nan, or the time at which it failed.

    >>> out = np.empty((2, 1, 3))
    >>> given = np.zeros(27)
    >>> given[1] = np.pi  # gamma B_y
    >>> _ = trajectories(np.eye(3)[2:], np.array([0.0, 0.5]), given, 1e-10, 0.1, *tables(), out)
    >>> out[1, 0].round(8) + 0.0
    array([1., 0., 0.])
    """
    rest = (0.0, 0.0, 0.0)
    k = np.empty((12, 3))
    for n in range(start.shape[0]):
        x, y, z = start[n, 0], start[n, 1], start[n, 2]
        out[0, n, 0], out[0, n, 1], out[0, n, 2] = x, y, z
        k[0, 0], k[0, 1], k[0, 2] = rate(x, y, z, rest, given)
        t, h, grow = times[0], first, 10.0
        for j in range(1, times.shape[0]):
            while t < times[j]:
                left = times[j] - t
                parts = max(1.0, np.ceil(left / h)) if h > 0.0 else np.inf
                step = left / parts  # equal steps up to the next output
                if not (step > 0.0 and (parts == 1.0 or t + step > t)):
                    return float(t)
                for s in range(1, 12):
                    dx, dy, dz = 0.0, 0.0, 0.0
                    for i in range(s):
                        dx += a[s, i] * k[i, 0]
                        dy += a[s, i] * k[i, 1]
                        dz += a[s, i] * k[i, 2]
                    k[s, 0], k[s, 1], k[s, 2] = rate(x + step * dx, y + step * dy, z + step * dz, rest, given)
                five, three = 0.0, 0.0
                for c in range(3):
                    u, v = 0.0, 0.0
                    for i in range(12):
                        v += weights[1, i] * k[i, c]
                        u += weights[2, i] * k[i, c]
                    five += u * u
                    three += v * v
                error = 0.0 if five == 0.0 else step * five / np.sqrt(five + 0.01 * three) / tolerance
                if error < 1.0:
                    dx, dy, dz = 0.0, 0.0, 0.0
                    for i in range(12):
                        dx += weights[0, i] * k[i, 0]
                        dy += weights[0, i] * k[i, 1]
                        dz += weights[0, i] * k[i, 2]
                    x, y, z = x + step * dx, y + step * dy, z + step * dz
                    length = np.sqrt(x * x + y * y + z * z)
                    x, y, z = x / length, y / length, z / length
                    k[0, 0], k[0, 1], k[0, 2] = rate(x, y, z, rest, given)
                    t = times[j] if parts == 1.0 else t + step
                    h = step * (grow if error == 0.0 else min(grow, 0.9 * error**-0.125))
                    grow = 10.0
                else:
                    h = step * (max(0.2, 0.9 * error**-0.125) if error < np.inf else 0.2)
                    grow = 1.0
            out[j, n, 0], out[j, n, 1], out[j, n, 2] = x, y, z
    return float(np.nan)
