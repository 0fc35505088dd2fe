"""Slow rate of a magnet at a finite temperature: time to a stated error, beside a dense matrix and a grid.

``python benchmarks/fokker_planck.py`` prints JSON: medians over repeats in seconds, one thread, matrix included. Two
magnets: ``layer``, an in-plane film under a spin current (easy axis, hard axis, damping-like torque), whose reference
is the dense matrix at a degree where nothing changes any more; ``tilted``, one easy axis of 20 k_B T that no
coordinate follows, whose rate is Brown's eigenvalue. Each code is asked for the cheapest setting from which on its
error stays below the target.

The peers are what one writes with SciPy:
``dense``, the whole operator on complex spherical harmonics by quadrature of the velocity, then ``scipy.linalg.eig``
without vectors; its mathematics is that of the house, so that the difference is sparse real matrices, blocks, and the
refinement, without which a barrier of 20 k_B T leaves five digits;
``grid``, finite volumes of second order in theta and phi, then ``scipy.sparse.linalg.eigs`` around zero, with and
without Richardson's extrapolation from two grids: as far as it goes in some seconds.
"""

import json
import os
import warnings
from collections.abc import Callable
from math import lgamma
from typing import Any

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
from _timing import first_within, median_time, versions
from numpy.polynomial.legendre import leggauss
from scipy.linalg import eigvals
from scipy.sparse import coo_array
from scipy.sparse.linalg import eigs
from scipy.special import lpmv

from spinlib.dynamics._spectrum import _blocks, _generator, _potentials
from spinlib.dynamics.fokker_planck import brown_eigenvalue, solve_fokker_planck
from spinlib.dynamics.thermodynamic import GeneralizedLLG, QuadraticPotential
from spinlib.units import k_B

TARGETS = (1e-3, 1e-6, 1e-9)
REPEATS = 3
BARRIER, HARD, ALPHA, CURRENT = 2.5, 1.5, 0.2, 0.3  # of the layer: k_B T, of the easy axis, -, of the critical one
CONVERGED, REFERENCE = 28, 32  # degrees
HIGH, AXIS, DEGREE = 20.0, np.array([0.0, 0.6, 0.8]), 44
GRIDS = (12, 24, 48, 96, 192)  # cells in theta


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


# --- comparison -------------------------------------------------------------------------------------------------------


def cheapest(solve: Callable[[Any, int], float], settings: tuple[int, ...], exact: float) -> dict[str, Any]:
    """Return time, setting and error for each target, ``settings`` from the cheapest on."""
    system = layer()
    errors = [abs(solve(system, setting) / exact - 1) for setting in settings]
    found: dict[str, Any] = {}
    for target in TARGETS:
        first = first_within(errors, target)
        if first is not None:
            seconds, _ = median_time(lambda first=first: solve(system, settings[first]), REPEATS)
            part = {"seconds": seconds, "setting": settings[first], "error_reached": errors[first]}
        else:
            part = {"not_reached": min(errors), "setting": settings[int(np.argmin(errors))]}
        found[f"at_{target:g}"] = part
    return found


def high_barrier() -> dict[str, Any]:
    """Return times and errors at a barrier of 20 k_B T."""
    system, exact = tilted(), brown_eigenvalue(HIGH)
    seconds, value = median_time(lambda: house(system, DEGREE), 1)
    small = 24  # of the other matrix: its time goes with the sixth power
    return {
        "max_degree": DEGREE,
        "spinlib": {"seconds": seconds, "error_reached": abs(value / exact - 1)},
        "dense_real_matrix_without_refinement": {"error_reached": unrefined(system, exact)},
        "dense": {"seconds_estimated": median_time(lambda: dense(system, small), 1)[0] * (DEGREE / small) ** 6},
    }


def unrefined(system: GeneralizedLLG, exact: float) -> float:
    """Return the error of the eigenvalues of the same matrix by a dense solver alone."""
    matrix = _generator(*_potentials(system, 1.0), DEGREE)
    rates = [-eigvals(matrix[block][:, block].toarray()) for block in _blocks(matrix)]
    return float(abs(min(spectrum.real.min() for spectrum in rates) / exact - 1))


def main() -> None:
    """Print the comparison as JSON."""
    warnings.simplefilter("ignore")  # of degrees that are too small, which are tried, too
    system = layer()
    exact = dense(system, REFERENCE)
    seconds, value = median_time(lambda: house(system, CONVERGED), REPEATS)
    ours = cheapest(house, tuple(range(8, CONVERGED + 1, 2)), exact)
    peers = {
        "dense": cheapest(dense, tuple(range(8, CONVERGED + 1, 2)), exact),
        "grid": cheapest(grid, GRIDS, exact),
        "grid_extrapolated": cheapest(extrapolated, GRIDS[1:], exact),
    }
    report = {
        "name": "slow rate of the Fokker-Planck equation on the sphere, time to a stated error",
        "versions": versions("scipy"),
        "repeats": REPEATS,
        "slow_rate_over_D": exact,
        "converged": {"seconds": seconds, "max_degree": CONVERGED, "error": abs(value / exact - 1)},
        "spinlib_layer": ours,
        **{f"{name}_layer": part for name, part in peers.items()},
        **{
            f"{name}_over_spinlib": {
                target: part[target]["seconds"] / ours[target]["seconds"]
                for target in part
                if "seconds" in part[target]
            }
            for name, part in peers.items()
        },
        "seconds_by_max_degree": {
            str(degree): median_time(lambda degree=degree: house(system, degree), 3)[0] for degree in (12, 18, 24, 36)
        },
        "barrier_of_20": high_barrier(),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
