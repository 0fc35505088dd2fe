"""Slow rate of a magnet at a finite temperature: time to a stated error, beside a dense matrix and a grid.

One thread, matrix included. Two magnets: ``layer``, an in-plane film under a spin current (easy axis, hard axis,
damping-like torque), whose reference is the dense matrix at a degree where nothing changes any more; ``tilted``, one
easy axis of 20 k_B T that no coordinate follows, whose rate is Brown's eigenvalue. Each code is asked for the cheapest
setting from which on its error stays below the target.

The peers are what one writes with SciPy:
``dense``, the whole operator on complex spherical harmonics by quadrature of the velocity, then ``scipy.linalg.eig``
without vectors; it is the reference, too, so ``grid``, which shares nothing with it, states how far it confirms it;
``sparse``, the sparse matrix of the house handed to ``scipy.sparse.linalg.eigs`` around zero. It finds the rates of
smallest modulus, which are the slowest ones here, and does not test whether the degree is enough; the house does both.
Its shift is told: so near zero that the rate is found, not so near that rounding takes its digits;
``grid``, finite volumes of second order in theta and phi, then ``scipy.sparse.linalg.eigs`` around zero, with and
without Richardson's extrapolation from two grids, whichever is faster: as far as it goes in some seconds.

The limit is one factorisation of the sparse matrix by SuperLU, which each solver around zero has to make.
"""

import os
import warnings
from collections.abc import Callable
from math import lgamma
from typing import Any

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
from _limits import factor_seconds
from _timing import ONCE, ROUNDING, UNTRIED, Code, clock, first_within, print_report, row, scaling
from numpy.polynomial.legendre import leggauss
from scipy import __version__ as scipy_version
from scipy.linalg import eigvals
from scipy.sparse import coo_array, eye_array
from scipy.sparse.linalg import eigs
from scipy.special import lpmv

from spinlib.dynamics._spectrum import _blocks, _generator, _potentials
from spinlib.dynamics.fokker_planck import brown_eigenvalue, solve_fokker_planck
from spinlib.dynamics.thermodynamic import GeneralizedLLG, QuadraticPotential
from spinlib.units import k_B

TARGETS = (1e-3,) if ONCE else (1e-3, 1e-6, 1e-9)
BARRIER, HARD, ALPHA, CURRENT = 2.5, 1.5, 0.2, 0.3  # of the layer: k_B T, of the easy axis, -, of the critical one
DEGREES = (8, 10, 12, 14) if ONCE else tuple(range(8, 29, 2))
REFERENCE = 20 if ONCE else 32  # degree
HIGH, AXIS, DEGREE, HIGH_TARGET = 20.0, np.array([0.0, 0.6, 0.8]), 44, 1e-6
SPARSE, TOLD = "sparse matrix with SciPy's eigs", "is told shift and degree, the smallest modulus is the slowest rate"
GRIDS = (12, 24, 48) if ONCE else (12, 24, 48, 96, 192)  # cells in theta


def layer() -> GeneralizedLLG:
    """Return the film under current, k_B T = 1."""
    push = -CURRENT * ALPHA * BARRIER * (2 + HARD)
    energy = QuadraticPotential(quadratic=BARRIER * np.diag([0, HARD, -1.0]))
    return GeneralizedLLG(energy, ALPHA, 1.0, chi=QuadraticPotential((0, 0, push)))


def tilted() -> GeneralizedLLG:
    """Return the magnet with a high barrier."""
    return GeneralizedLLG(QuadraticPotential(quadratic=-HIGH * np.outer(AXIS, AXIS)), ALPHA, 1.0)


def house(system: GeneralizedLLG, max_degree: int) -> float:
    """Return the slow rate in units of D."""
    return solve_fokker_planck(system, 1 / k_B, max_degree, modes=2).rates[1].real / ALPHA


# --- peers ------------------------------------------------------------------------------------------------------------


def weak_form(system: GeneralizedLLG, max_degree: int) -> np.ndarray:
    """Return the integrals of grad Y* . (v Y - D grad Y), exact for quadratic potentials."""
    x, weight = leggauss(max_degree + 3)
    phi = np.arange(2 * max_degree + 4) * np.pi / (max_degree + 2)
    angle, x = (part.ravel() for part in np.meshgrid(phi, x))
    weight, across = np.repeat(weight, len(phi)) * np.pi / (max_degree + 2), np.sqrt(1 - x**2)
    degree = np.repeat(np.arange(max_degree + 1), 2 * np.arange(max_degree + 1) + 1)
    m = np.arange(len(degree)) - degree * (degree + 1)
    k = np.abs(m)
    ratio = [lgamma(a - b + 1) - lgamma(a + b + 1) for a, b in zip(degree.tolist(), k.tolist(), strict=True)]
    norm = np.sqrt((2 * degree + 1) / (4 * np.pi) * np.exp(ratio))
    values = norm[:, None] * lpmv(k[:, None], degree[:, None], x) * np.exp(1j * m[:, None] * angle)
    inside = degree > k
    fall = np.sqrt(np.where(inside, (2 * degree + 1) / np.abs(2 * degree - 1) * (degree**2 - k**2), 0.0))
    below = values[np.where(inside, degree**2 - degree + m, 0)]
    along = (degree[:, None] * x * values - fall[:, None] * below) / across
    around = 1j * m[:, None] * values / across
    u = np.stack([across * np.cos(angle), across * np.sin(angle), x], -1)
    theta = np.stack([x * np.cos(angle), x * np.sin(angle), -across], -1)
    azimuth = np.stack([-np.sin(angle), np.cos(angle), 0 * angle], -1)
    v = system.velocity(u)
    matrix = 0
    for slope, direction in ((along, theta), (around, azimuth)):
        matrix = matrix + (slope.conj() * weight) @ ((v * direction).sum(axis=-1) * values - ALPHA * slope).T
    return matrix


def dense(system: GeneralizedLLG, max_degree: int) -> float:
    """Return the slow rate in units of D by the dense matrix."""
    return float(np.sort(-eigvals(weak_form(system, max_degree)).real)[1]) / ALPHA


def grid(system: GeneralizedLLG, count: int) -> float:
    """Return the slow rate in units of D on ``count`` by ``2 count`` cells of equal angles."""
    step = np.pi / count
    edge, middle, angle = np.arange(count + 1) * step, (np.arange(count) + 0.5) * step, np.arange(2 * count) * step
    index = np.arange(2 * count**2).reshape(count, 2 * count)
    volume = np.repeat((np.cos(edge[:-1]) - np.cos(edge[1:])) * step, 2 * count)

    def speed(theta: np.ndarray, phi: np.ndarray, along: bool) -> np.ndarray:
        theta, phi = np.broadcast_arrays(theta[:, None], phi)
        s, c, sp, cp = np.sin(theta), np.cos(theta), np.sin(phi), np.cos(phi)
        v = system.velocity(np.stack([s * cp, s * sp, c], -1))
        return (v * np.stack([c * cp, c * sp, -s] if along else [-sp, cp, 0 * c], -1)).sum(axis=-1)

    width, face = np.sin(edge[1:-1])[:, None] * step, np.full((count, 2 * count), step)
    faces = [
        (index[:-1], index[1:], width * speed(edge[1:-1], angle, True), width / step),
        (index, np.roll(index, -1, axis=1), face * speed(middle, angle + step / 2, False), 1 / np.sin(middle)[:, None]),
    ]
    rows, columns, entries = [], [], []
    for one, other, flow, conductance in faces:
        spread = ALPHA * np.broadcast_to(conductance, one.shape)
        for source, part in ((one, flow / 2 + spread), (other, flow / 2 - spread)):  # what leaves one for the other
            for cell, sign in ((one, -1), (other, 1)):
                rows.append(cell.ravel())
                columns.append(source.ravel())
                entries.append(sign * part.ravel() / volume[cell.ravel()])
    matrix = coo_array((np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns)))).tocsc()
    found = eigs(matrix, k=2, sigma=1e-3, v0=np.cos(np.arange(len(volume))), return_eigenvectors=False)
    return float(np.sort(-found.real)[1]) / ALPHA


def extrapolated(system: GeneralizedLLG, count: int) -> float:
    """Return the rate from a grid and one of half as many cells in each angle, whose errors go with the square."""
    return (4 * grid(system, count) - grid(system, count // 2)) / 3


def sparse(system: GeneralizedLLG, max_degree: int, shift: float = 1e-2) -> float:
    """Return the slow rate in units of D from the sparse matrix around zero."""
    matrix = _generator(*_potentials(system, 1.0), max_degree).tocsc()
    start = np.cos(np.arange(matrix.shape[0]))
    found = eigs(matrix, k=2, sigma=shift, v0=start, return_eigenvectors=False)
    return float(np.sort(-found.real)[1])


# --- comparison -------------------------------------------------------------------------------------------------------


def least(system: GeneralizedLLG, max_degree: int) -> tuple[str, float]:
    """Return the seconds of one sparse factorisation around zero, and their name."""
    matrix = _generator(*_potentials(system, 1.0), max_degree).tocsc()
    return "one sparse factorisation", factor_seconds(matrix - 1e-6 * eye_array(matrix.shape[0], format="csc"))


def cheapest(
    name: str, solve: Callable[[Any, int], float], settings: tuple[int, ...], exact: float, note: str = ""
) -> list[tuple[int | None, Code]]:
    """Return setting and code for each target, ``settings`` from the cheapest on."""
    system = layer()
    errors = [abs(solve(system, setting) / exact - 1) for setting in settings]
    found: list[tuple[int | None, Code]] = []
    for target in TARGETS:
        first = first_within(errors, target)
        if first is None:
            why = f"not with up to {settings[-1]}"
            failed = Code("", min(errors), None, name, "SciPy", scipy_version, why, UNTRIED)
            found.append((None, failed))
            continue
        chosen = settings[first]
        run = clock(lambda chosen=chosen: solve(system, chosen))
        setting = f"degree or cells: {chosen}"
        found.append((chosen, Code(setting, errors[first], run, name, "SciPy", scipy_version, note)))
    return found


def high_barrier() -> list[dict[str, Any]]:
    """Return the rows of a barrier of 20 k_B T, where rounding takes digits of the rate."""
    system, exact = tilted(), brown_eigenvalue(HIGH)

    def blockwise() -> float:
        matrix = _generator(*_potentials(system, 1.0), DEGREE)
        rates = [-eigvals(matrix[block][:, block].toarray()) for block in _blocks(matrix)]
        return float(min(spectrum.real.min() for spectrum in rates))

    def code(name: str, solve: Callable[[], float], note: str) -> Code:
        error = abs(solve() / exact - 1)
        if error > HIGH_TARGET:
            return Code("", error, None, name, "SciPy", scipy_version, "rounding of the largest rates", ROUNDING)
        return Code(f"degree {DEGREE}", error, clock(solve), name, "SciPy", scipy_version, note)

    ours = Code(f"degree {DEGREE}", abs(house(system, DEGREE) / exact - 1), clock(lambda: house(system, DEGREE)))
    peers = (
        code("dense blocks with SciPy", blockwise, "all rates, without refinement"),
        code(SPARSE, lambda: sparse(system, DEGREE, 1e-6), TOLD),
    )
    limit = least(system, DEGREE)
    return [row("barrier of 20 kT", HIGH_TARGET, ours, theirs, limit) for theirs in peers]


def main() -> None:
    """Print the comparison as JSON."""
    warnings.simplefilter("ignore")  # of degrees that are too small, which are tried, too
    system = layer()
    exact = dense(system, REFERENCE)
    ours = cheapest("spinlib", house, DEGREES, exact)
    matrix = cheapest("dense matrix with SciPy", dense, DEGREES, exact)
    inverse = cheapest(SPARSE, sparse, DEGREES, exact, TOLD)
    coarse = cheapest("finite volumes with SciPy", grid, GRIDS, exact)
    richer = cheapest("finite volumes, extrapolated", extrapolated, GRIDS[1:], exact)
    apart = abs(extrapolated(system, GRIDS[-1]) / exact - 1)
    rows = []
    for target, (degree, mine), (_, one), (_, two), *volumes in zip(
        TARGETS, ours, matrix, inverse, coarse, richer, strict=True
    ):
        assert degree is not None
        limit = least(system, degree)
        able = [code for _, code in volumes if code.run] or [volumes[-1][1]]
        rows += [row("film under current", target, mine, theirs, limit) for theirs in (one, two, able[-1])]
    if not ONCE:
        rows += high_barrier()
    growth = scaling(
        "film under current",
        "highest degree",
        (10, 16, 24, 36),
        lambda degree: lambda: house(system, degree),
        3.0,
        limit=("one sparse factorisation", lambda degree: least(system, degree)[1]),
        above="3: one factorisation by dissection; all rates up to half the degree, the check, go with the sixth power",
        below="3: one factorisation by dissection; calls of Python cost more than the work of low degrees",
    )
    name = "slow rate of the Fokker-Planck equation on the sphere"
    solved = f"the dense matrix at degree {REFERENCE}, which finite volumes confirm to {apart:.0e}; at 20 kT Brown"
    print_report(name, "relative error of the rate", solved, rows, [growth], packages=["scipy"])


if __name__ == "__main__":
    main()
