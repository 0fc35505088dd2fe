"""One step in time of magnons that share one or two baths of electrons: KK (23), (24) and (26) as one set of equations.

Magnon j has the occupation n_j; bath b has the accumulation mu_b and the temperature theta_b, in units of one energy:

    dn_j/dt = sum_b gamma_bj (e_j - mu_b) [n_BE(e_j - mu_b) - n_j] = a_j - b_j n_j,    q_b = sum_j w_j (part of bath b),
    dc_k/dt = -relax_k c_k + sum_b drive_kb q_b + leak_k (mu_0 - mu_1),                mu_b = sum_k out_bk c_k.

An accumulation is a sum of modes c_k that relax exponentially: one in a ferromagnet, those of the diffusion equation in
a normal metal. The method is collocation at Radau's points (Radau IIA, order 2 STAGES - 1, L-stable): all unknowns are
polynomials of the degree STAGES that obey the equations at the points, the last of which is the end of the step. For
given accumulations the equations of n and c are linear, so they are eliminated, and what Newton's method solves are the
accumulations at the points alone. Equilibrium and the sums that the equations conserve stay what they are.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from spinlib._jit import kernel

__all__ = ["STAGES", "collocate", "nodes", "phi", "polynomial"]

_Real = NDArray[np.float64]

STAGES = 7


@lru_cache(maxsize=1)
def nodes() -> tuple[_Real, _Real, _Real]:
    """Return the points of a step, 0 and Radau's, how to differentiate there, and how to find the last coefficient.

    Returns:
        points ``(STAGES + 1,)`` as shares of the step; matrix ``(STAGES, STAGES + 1)`` from values at the points to
        derivatives at all but the first; row ``(STAGES + 1,)`` from these values to the Legendre coefficient of the
        highest degree.

    >>> points, derivative, last = nodes()
    >>> round(float(derivative[-1] @ points**3), 9), abs(float(last @ points**3)) < 1e-12
    (3.0, True)
    """
    points = np.concatenate([[-1.0], np.sort(legendre.legroots([0.0] * (STAGES - 1) + [1.0, -1.0]).real)])
    points[-1] = 1.0
    values = legendre.legvander(points, STAGES)
    slopes = np.array([legendre.legval(points, legendre.legder(row)) for row in np.eye(STAGES + 1)]).T
    to_coefficients = np.linalg.inv(values)
    return (points + 1) / 2, np.ascontiguousarray(2 * (slopes @ to_coefficients)[1:]), to_coefficients[-1].copy()


def polynomial(share: _Real) -> _Real:
    """Return the matrix ``(len(share), STAGES + 1)`` from values at the points to values at ``share`` of the step.

    >>> points, _, _ = nodes()
    >>> round(float((polynomial(np.array([0.5])) @ points**2)[0]), 12)
    0.25
    """
    points = 2 * nodes()[0] - 1
    inside = legendre.legvander(2 * share - 1, STAGES)
    return np.asarray(np.linalg.solve(legendre.legvander(points, STAGES).T, inside.T).T)


@kernel
def phi(y: float) -> float:
    """Return y/(exp(y) - 1), what is left of (e - mu) n_BE(e - mu)/k_B T without its pole.

    >>> phi(0.0), phi(-1e3), phi(1e3)
    (1.0, 1000.0, 0.0)
    """
    if abs(y) < 1e-5:
        return 1.0 - y / 2 + y * y / 12
    if y > 0:
        return float(y * np.exp(-y) / -np.expm1(-y))
    return float(y / np.expm1(y))


@kernel
def _phi_slope(y: float, value: float) -> float:
    """Return the derivative of :func:`phi`; it steers Newton's method only."""
    if abs(y) < 1e-2:
        return -0.5 + y / 6 - y**3 / 180
    return value * (1 - value - y) / y


@kernel
def _invert(matrices: _Real) -> None:
    """Replace each of the N matrices ``(s, s, N)`` by its inverse (Gauss-Jordan)."""
    size, _, count = matrices.shape
    for p in range(size):
        for j in range(count):
            matrices[p, p, j] = 1.0 / matrices[p, p, j]
        for k in range(size):
            if k != p:
                for j in range(count):
                    matrices[p, k, j] *= matrices[p, p, j]
        for i in range(size):
            if i != p:
                for k in range(size):
                    if k != p:
                        for j in range(count):
                            matrices[i, k, j] -= matrices[i, p, j] * matrices[p, k, j]
                for j in range(count):
                    matrices[i, p, j] *= -matrices[p, p, j]


@kernel
def _relaxing(h: float, differentiate: _Real, relax: _Real) -> _Real:
    """Return the inverses ``(s, s, N)`` of (differentiate/h + diag(relax_j)) for relax ``(s, N)``."""
    size, count = relax.shape
    matrices = np.empty((size, size, count))
    for i in range(size):
        for k in range(size):
            for j in range(count):
                matrices[i, k, j] = differentiate[i, k + 1] / h + (relax[i, j] if i == k else 0.0)
    _invert(matrices)
    return matrices


@kernel
def _apply(h: float, differentiate: _Real, inverse: _Real, start: _Real, source: _Real, out: _Real) -> None:
    """Fill in the values ``(s + 1, N)`` at the points of what starts at ``start`` and has the source ``(s, N)``."""
    size, count = source.shape
    out[0] = start
    out[1:] = 0.0
    for i in range(size):
        for k in range(size):
            first = -differentiate[k, 0] / h
            for j in range(count):
                out[i + 1, j] += inverse[i, k, j] * (first * start[j] + source[k, j])


@kernel
def _transfer(
    h: float,
    differentiate: _Real,
    n: _Real,
    theta: _Real,
    mu: _Real,
    energy: _Real,
    gamma: _Real,
    weight: _Real,
    stages: _Real,
    rate: _Real,
    slope: _Real,
) -> None:
    """Fill in the occupations ``(s + 1, N)``, q ``(B, s)`` and dq/dmu ``(B, s, B, s)`` for given mu ``(B, s)``."""
    baths, size = mu.shape
    count = len(n)
    source, loss = np.empty((baths, size, count)), np.empty((baths, size, count))
    climb = np.empty((baths, size, count))
    for b in range(baths):
        for i in range(size):
            for j in range(count):
                y = (energy[j] - mu[b, i]) / theta[b, i]
                value = phi(y)
                source[b, i, j] = gamma[b, j] * theta[b, i] * value
                loss[b, i, j] = gamma[b, j] * (energy[j] - mu[b, i])
                climb[b, i, j] = -gamma[b, j] * _phi_slope(y, value)
    inverse = _relaxing(h, differentiate, loss.sum(axis=0))
    _apply(h, differentiate, inverse, n, source.sum(axis=0), stages)
    for b in range(baths):
        for i in range(size):
            total = 0.0
            for j in range(count):
                climb[b, i, j] = weight[j] * (climb[b, i, j] + gamma[b, j] * stages[i + 1, j])
                total += weight[j] * (source[b, i, j] - loss[b, i, j] * stages[i + 1, j])
            rate[b, i] = total
    slope[:] = 0.0
    for b in range(baths):
        for i in range(size):
            slope[b, i, b, i] = climb[b, i].sum()
            for other in range(baths):
                for k in range(size):
                    total = 0.0
                    for j in range(count):
                        total += loss[b, i, j] * inverse[i, k, j] * climb[other, k, j]
                    slope[b, i, other, k] -= total


@kernel
def collocate(
    h: float,
    differentiate: _Real,
    n: _Real,
    c: _Real,
    theta: _Real,
    mu: _Real,
    system: tuple[Any, ...],
    n_stages: _Real,
    c_stages: _Real,
) -> bool:
    """Solve one step ``h`` from n ``(N,)`` and c ``(M,)``; False if Newton's method found nothing.

    Args:
        h: the step.
        differentiate: matrix of :func:`nodes`.
        n, c: the state at the start.
        theta: temperatures ``(B, s)`` at Radau's points.
        mu: guess of the accumulations ``(B, s)`` there; overwritten with the solution.
        system: energy ``(N,)``, gamma ``(B, N)``, weight ``(N,)``, relax ``(M,)``, drive ``(M, B)``, leak ``(M,)``,
            out ``(B, M)``, and the energy from which on an accumulation counts.
        n_stages, c_stages: overwritten with the values ``(s + 1, N)`` and ``(s + 1, M)`` at all points.
    """
    energy, gamma, weight, relax, drive, leak, out, scale = system
    baths, size = mu.shape
    modes = len(c)
    # mu = known + memory q + leaking (mu_0 - mu_1), after elimination of c
    inverse = _relaxing(h, differentiate, np.ones((size, 1)) * relax)
    known, memory, leaking = (
        np.zeros((baths, size)),
        np.zeros((baths, size, baths, size)),
        np.zeros((baths, size, size)),
    )
    _apply(h, differentiate, inverse, c, np.zeros((size, modes)), c_stages)
    for b in range(baths):
        for i in range(size):
            known[b, i] = (out[b] * c_stages[i + 1]).sum()
            for k in range(size):
                leaking[b, i, k] = (out[b] * leak * inverse[i, k]).sum()
                for other in range(baths):
                    memory[b, i, other, k] = (out[b] * drive[:, other] * inverse[i, k]).sum()
    unknowns = baths * size
    slope, rate = np.empty((baths, size, baths, size)), np.empty((baths, size))
    memory_matrix = memory.reshape(unknowns, unknowns)
    exchange = np.zeros((unknowns, unknowns))  # of leaking (mu_0 - mu_1)
    if baths == 2:
        exchange[:, :size] = leaking.reshape(unknowns, size)
        exchange[:, size:] = -exchange[:, :size]
    start, trial, step = mu.copy(), mu.copy(), np.zeros(unknowns)
    least, damped, done = np.inf, 1.0, False
    for _ in range(60):
        _transfer(h, differentiate, n, theta, trial, energy, gamma, weight, n_stages, rate, slope)
        flat = trial.copy().reshape(unknowns)
        rest = known.reshape(unknowns) + memory_matrix @ rate.reshape(unknowns) + exchange @ flat - flat
        now = np.abs(rest).max()
        if not (now < least or now < 1e-13 * (scale + np.abs(flat).max())):  # farther away, or not a number
            damped /= 2
            if damped < 1e-3:
                return False
            trial = start + damped * step.reshape(baths, size)
            continue
        start, least, damped = trial.copy(), now, 1.0
        if done:
            break
        jacobian = np.eye(unknowns) - exchange - memory_matrix @ slope.reshape(unknowns, unknowns)
        step = np.linalg.solve(jacobian, rest)
        # Newton's method squares the error: after so small a step, one more evaluation is at the solution.
        done = np.abs(step).max() < 1e-7 * (scale + np.abs(flat).max())
        trial = start + step.reshape(baths, size)
    if not done:
        return False
    mu[:] = start
    source = np.zeros((size, modes))
    for i in range(size):
        flow = mu[0, i] - mu[1, i] if baths == 2 else 0.0
        for k in range(modes):
            source[i, k] = leak[k] * flow
            for b in range(baths):
                source[i, k] += drive[k, b] * rate[b, i]
    _apply(h, differentiate, inverse, c, source, c_stages)
    return True
