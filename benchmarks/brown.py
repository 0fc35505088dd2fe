"""Brown's eigenvalue in zero field: time to a stated relative error, and what is left of it as the barrier grows.

``python benchmarks/brown.py`` prints JSON: medians over repeats in seconds, one thread. The rate falls as e^-sigma,
and every method with an absolute error loses it; a barrier of 40 is that of a bit kept for ten years.

Peers are asked for the cheapest setting from which on the error of their rate stays below 1e-8, or else for the best
they reach:
``dense``: the moments of Legendre polynomials, all eigenvalues by NumPy, as most publications do it; odd degrees only;
``solve_bvp`` of SciPy on half the sphere, where the solution is odd: the singular end by its own means, the rate as an
unknown parameter in units of its asymptote, with the asymptotic solution to start from, at most 5000 nodes. A status
of 0 is success as it reports it, also where nothing of the rate is right; ``asymptote_alone`` is the error of what it
started from, which falls as the rate itself;
``mpmath``: the odd moments as a continued fraction, Newton's method, the digits and the size that the barrier needs.
Up to a barrier of 8 it starts from ``brown_eigenvalue``, above from the asymptote, which is exact to 5e-12 at 30 and
to rounding from 40 on. The exact values come from the same fraction with twice the digits and size.

Up to a barrier of about 15 the dense matrix is enough, and the fastest. At 20 its error is between 1e-8 and 1e-6 by
chance, whatever the size.
"""

import json
from collections.abc import Callable
from typing import Any

import mpmath as mp
import numpy as np
from _timing import first_within, median_time, versions
from scipy.integrate import solve_bvp
from scipy.special import dawsn, erf

from spinlib.dynamics.fokker_planck import brown_eigenvalue

BARRIERS = (1.0, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0)
TARGET = 1e-8
REPEATS = 21


def asymptote(sigma: float) -> float:
    """Return the rate up to a relative error of the order of itself: weights of the wells, resistance of the top."""
    return float(np.sqrt(sigma / np.pi) * np.exp(-sigma) / dawsn(np.sqrt(sigma)) ** 2)


def fraction(sigma: float, size: int, digits: int) -> mp.mpf:
    """Return the rate from ``size`` odd moments by Newton's method with differences."""
    with mp.workdps(digits):
        s = mp.mpf(sigma)
        rows = []
        for n in range(1, 2 * size, 2):
            whole = 2 * s * n * (n + 1)
            middle = n * (n + 1) - whole / ((2 * n - 1) * (2 * n + 3))
            below = -whole * (n - 1) / ((2 * n + 1) * mp.mpf(2 * n - 1))
            above = whole * (n + 2) / ((2 * n + 1) * mp.mpf(2 * n + 3))
            rows.append((below, middle, above))

        def ratio(value: mp.mpf) -> mp.mpf:
            last = rows[-1][1] - value
            for (_, middle, above), (below, _, _) in zip(rows[-2::-1], rows[:0:-1], strict=True):
                last = middle - value - above * below / last
            return last

        start = mp.mpf(asymptote(sigma)) if sigma > 8 else mp.mpf(brown_eigenvalue(sigma))
        return mp.findroot(ratio, (start, start * (1 + mp.mpf(10) ** -6)), tol=start * 1e-12, verify=False)


def dense(sigma: float, size: int) -> float:
    """Return the smallest eigenvalue of the matrix of the odd moments."""
    n = np.arange(1.0, 2 * size, 2)
    whole = 2 * sigma * n * (n + 1)
    above = whole * (n + 2) / ((2 * n + 1) * (2 * n + 3))
    below = -whole * (n - 1) / ((2 * n + 1) * (2 * n - 1))
    matrix = (
        np.diag(n * (n + 1) - whole / ((2 * n - 1) * (2 * n + 3))) + np.diag(above[:-1], 1) + np.diag(below[1:], -1)
    )
    values = np.linalg.eigvals(matrix)
    return float(values[np.abs(values).argmin()].real)


def collocation(sigma: float, tol: float) -> tuple[float, int]:
    """Return the rate and the status of ``solve_bvp``; z = 1 - x, and y is g and its slope over the rate.

    z y' = S y + z f: the slope has a regular solution at the pole z = 0 and another.
    """
    unit = asymptote(sigma)

    def f(z: np.ndarray, y: np.ndarray, p: np.ndarray) -> np.ndarray:
        g, slope = y
        return np.vstack([-p[0] * slope, (unit * g + 2 * slope) / (2 * (2 - z)) + 2 * sigma * (1 - z) * slope])

    def ends(pole: np.ndarray, equator: np.ndarray, _: np.ndarray) -> np.ndarray:
        return np.array([pole[0] - 1, pole[1] - unit / 2 * pole[0], equator[0]])

    singular = np.array([[0, 0], [unit / 2, -1.0]])
    z = np.linspace(0, 1, 21)
    root = np.sqrt(sigma)
    start = np.vstack([erf(root * (1 - z)), 2 * root / np.sqrt(np.pi) * np.exp(-sigma * (1 - z) ** 2)])
    found = solve_bvp(f, ends, z, start, p=[1.0], S=singular, tol=tol, max_nodes=5000)
    return float(found.p[0] * unit), int(found.status)


def cheapest(settings: list, rate: Callable[[Any], Any], exact: mp.mpf) -> dict[str, Any]:
    """Return the first setting from which on the error stays within the target, or else the most precise one."""
    errors = [abs(float(rate(setting) / exact - 1)) for setting in settings]
    within = first_within(errors, TARGET)
    first = int(np.argmin(errors)) if within is None else within
    seconds, _ = median_time(lambda: rate(settings[first]), 5)
    found = {"setting": settings[first], "error_reached": errors[first], "within_target": within is not None}
    return found | {"seconds": seconds}


def main() -> None:
    """Print the comparison as JSON."""
    ours: dict[str, Any] = {}
    peers: dict[str, Any] = {}
    for sigma in BARRIERS:
        name = f"{sigma:g}"
        exact = fraction(sigma, 60 + int(5 * sigma), 40 + int(sigma))
        seconds, value = median_time(lambda sigma=sigma: brown_eigenvalue(sigma), REPEATS)
        ours[name] = {"seconds": seconds, "rate": value, "error": abs(float(value / exact - 1))}
        settings = [(20 + int(k * sigma), 20 + int(sigma / 2)) for k in (1, 2, 2.5)]
        peers[name] = {
            "dense": cheapest([10, 20, 30, 40, 60, 80, 120], lambda size, s=sigma: dense(s, size), exact),
            "solve_bvp": cheapest([10.0**-k for k in range(4, 11)], lambda tol, s=sigma: collocation(s, tol)[0], exact),
            "mpmath": cheapest(settings, lambda setting, s=sigma: fraction(s, *setting), exact),
            "asymptote_alone": abs(float(asymptote(sigma) / exact - 1)),
        }
        peers[name]["solve_bvp"]["status"] = collocation(sigma, peers[name]["solve_bvp"]["setting"])[1]
        for part in ("dense", "solve_bvp", "mpmath"):
            peers[name][part]["over_spinlib"] = peers[name][part]["seconds"] / seconds
    sweep = np.linspace(0, 40, 401)
    report = {
        "name": "slowest rate of a uniaxial magnet to a stated relative error",
        "versions": versions("scipy", "mpmath"),
        "target_of_the_peers": TARGET,
        "spinlib": {"error": max(part["error"] for part in ours.values()), "by_barrier": ours},
        "peers": peers,
        "seconds_of_401_barriers_from_0_to_40": median_time(lambda: brown_eigenvalue(sweep), 5)[0],
        "seconds_in_a_field": {
            f"{sigma:g}, {h:g}": median_time(lambda s=sigma, h=h: brown_eigenvalue(s, h), REPEATS)[0]
            for sigma, h in ((40.0, 0.3), (40.0, 0.9), (40.0, 2.0), (0.1, 100.0), (690.0, 0.0), (1e6, 1.0))
        },
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
