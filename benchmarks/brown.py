"""Brown's eigenvalue in zero field: time to a stated relative error, and what is left of it as the barrier grows.

One thread. The rate falls as e^-sigma, and every method with an absolute error loses it; a barrier of 40 is that of a
bit kept for ten years.

Peers are asked for the cheapest setting from which on the error of their rate stays below 1e-8, or else for the best
they reach:
``asymptote``: one line, whose relative error is of the order of the rate itself; it knows neither that nor a field. Far
above the target it is what one would take;
``dense``: the moments of Legendre polynomials, all eigenvalues by NumPy, as most publications do it; odd degrees only;
``solve_bvp`` of SciPy on half the sphere, where the solution is odd: the singular end by its own means, the rate as an
unknown parameter in units of its asymptote, with the asymptotic solution to start from, at most 5000 nodes. A status of
0 is success as it reports it, also where nothing of the rate is right;
``mpmath``: the odd moments as a continued fraction, Newton's method, the digits and the size that the barrier needs. Up
to a barrier of 8 it starts from ``dense`` with 20 moments, above from the asymptote. The exact values come from the
same fraction with twice the digits and size.

As long as its largest eigenvalue times the rounding of a number leaves enough of the rate, the dense matrix is enough.
Beyond, its error is chance, whatever the size, and may be small once.

The house needs calls of NumPy on arrays of a few hundred numbers: there is no rate of the machine to compare with. At
80 kT it takes a closed form by Dawson's function, and most of its microseconds go to the checks of the arguments and to
broadcasting; ``asymptote`` is the same form without a field and without these.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import mpmath as mp
import numpy as np
from _timing import APPROXIMATE, ONCE, ROUNDING, UNTRIED, Code, clock, first_within, print_report, row, scaling
from scipy import __version__ as scipy_version
from scipy.integrate import solve_bvp
from scipy.special import dawsn, erf

from spinlib.dynamics._brown import _DEEP, _EXACT, _two_wells
from spinlib.dynamics.fokker_planck import brown_eigenvalue

BARRIERS = (5.0, 30.0) if ONCE else (5.0, 10.0, 15.0, 20.0, 40.0, 80.0)
TARGET = 1e-8
DENSE_SIZES = [10, 20, 30, 40, 60, 80, 120]
ITERATED = "an iteration: calls of NumPy on arrays of a few hundred numbers, which no rate of the machine bounds"
CLOSED = "a closed form by Dawson's function; the time goes to checks and broadcasting"


def no_limit(sigma: float) -> str:
    """Return why no rate of the machine bounds the house, which has two ways."""
    closed = sigma > _DEEP and _two_wells(sigma, 0.0) < _EXACT
    return f"barrier of {sigma:g} kT, {CLOSED}" if closed else ITERATED


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

        start = mp.mpf(asymptote(sigma)) if sigma > 8 else mp.mpf(dense(sigma, 20))
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


def lost(sigma: float, largest: float) -> str:
    """Return why a code does not reach the target: rounding beside the ``largest`` number, or the end of the search."""
    return ROUNDING if np.finfo(float).eps * largest > TARGET * asymptote(sigma) else UNTRIED


def cheapest(
    name: str,
    package: str,
    version: str,
    settings: list,
    rate: Callable[[Any], Any],
    exact: mp.mpf,
    note: str,
    outcome: str = UNTRIED,
) -> Code:
    """Return the first setting from which on the error stays within the target, or else the most precise one."""
    errors = [abs(float(rate(setting) / exact - 1)) for setting in settings]
    first = first_within(errors, TARGET)
    if first is None:
        why = "no setting from which on the error stays within"
        return Code("", min(errors), None, name, package, version, why, outcome)
    run = clock(lambda: rate(settings[first]))
    return Code(str(settings[first]), errors[first], run, name, package, version, note)


def peers(sigma: float, exact: mp.mpf) -> list[Code]:
    """Return each peer at its cheapest setting."""
    line = cheapest(
        "asymptote by SciPy",
        "SciPy",
        scipy_version,
        [""],
        lambda _: asymptote(sigma),
        exact,
        "one line; knows neither its error nor a field",
    )
    if line.run is None:
        line = replace(line, note="its error is of the order of the rate", outcome=APPROXIMATE)
    return [
        line,
        cheapest(
            "dense matrix with NumPy",
            "NumPy",
            np.__version__,
            DENSE_SIZES,
            lambda size: dense(sigma, size),
            exact,
            "one small matrix; its error is absolute",
            lost(sigma, 40 * 41),  # of the largest degree of the first sizes
        ),
        cheapest(
            "solve_bvp of SciPy",
            "SciPy",
            scipy_version,
            [10.0**-k for k in range(4, 11)],
            lambda tol: collocation(sigma, tol)[0],
            exact,
            "starts from the asymptote",
            lost(sigma, 1.0),
        ),
        cheapest(
            "fraction with mpmath",
            "mpmath",
            mp.__version__,
            [(20 + int(k * sigma), 20 + int(sigma / 2)) for k in (1, 2, 2.5)],
            lambda setting: fraction(sigma, *setting),
            exact,
            "is told size, digits and a start",
        ),
    ]


def main() -> None:
    """Print the comparison as JSON."""
    rows = []
    for sigma in BARRIERS:
        exact = fraction(sigma, 60 + int(5 * sigma), 40 + int(sigma))
        error = abs(float(brown_eigenvalue(sigma) / exact - 1))
        ours = Code("", error, clock(lambda sigma=sigma: brown_eigenvalue(sigma)))
        why = no_limit(sigma)
        rows += [row(f"barrier of {sigma:g} kT", TARGET, ours, theirs, why) for theirs in peers(sigma, exact)]
    growth = scaling(
        "barriers from 0 to 40 kT",
        "barriers",
        (30, 300, 3000),
        lambda count: lambda: brown_eigenvalue(np.linspace(0, 40, count)),
        1.0,
        below="checks that cost the same for any number of barriers",
    )
    name = "slowest rate of a uniaxial magnet"
    solved = "mpmath with twice the digits and size"
    print_report(name, "relative error of the rate", solved, rows, [growth], packages=["scipy", "mpmath"])


if __name__ == "__main__":
    main()
