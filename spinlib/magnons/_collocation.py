"""One step in time of magnons that share one or two baths of electrons: KK (23), (24) and (26) as one set of equations.

Magnon j has the occupation n_j; bath b has the accumulation mu_b and the temperature theta_b, in units of one energy:

    dn_j/dt = sum_b gamma_bj (e_j - mu_b) [n_BE(e_j - mu_b) - n_j] = a_j - b_j n_j,    q_b = sum_j w_j (part of bath b),
    dc_k/dt = -relax_k c_k + sum_b drive_kb q_b + leak_k (mu_0 - mu_1),                mu_b = sum_k out_bk c_k.

An accumulation is a sum of modes c_k that relax exponentially: one in a ferromagnet, those of the diffusion equation in
a normal metal. The method is collocation at Radau's points (Radau IIA, order 2 STAGES - 1, L-stable): all unknowns are
polynomials of the degree STAGES that obey the equations at the points, the last of which is the end of the step. For
given accumulations the equations of n and c are linear, so they are eliminated, and what Newton's method solves are the
accumulations at the points alone. Equilibrium and the sums that the equations conserve stay what they are.

Plain loops: they compile in a fraction of the time that array expressions take.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

from spinlib._jit import kernel
from spinlib.magnons._radau import radau

__all__ = ["STAGES", "collocate", "nodes", "phi", "polynomial"]

_Real = NDArray[np.float64]

STAGES = 7


@lru_cache(maxsize=1)
def nodes() -> tuple[_Real, _Real, _Real]:
    """Return the points of a step, 0 and Radau's, how to differentiate there, and how to find coefficients.

    Returns:
        points ``(STAGES + 1,)`` as shares of the step; matrix ``(STAGES, STAGES + 1)`` from values at the points to
        derivatives at all but the first; matrix ``(STAGES + 1, STAGES + 1)`` from these values to Legendre
        coefficients, the one of the highest degree last.

    >>> points, derivative, coefficients = nodes()
    >>> round(float(derivative[-1] @ points**3), 9), abs(float(coefficients[-1] @ points**3)) < 1e-12
    (3.0, True)
    """
    points, to_coefficients = radau(STAGES)
    slopes = np.array([legendre.legval(points, legendre.legder(row)) for row in np.eye(STAGES + 1)]).T
    return (points + 1) / 2, np.ascontiguousarray(2 * (slopes @ to_coefficients)[1:]), to_coefficients


@kernel
def polynomial(times: _Real, start: float, length: float, coefficients: _Real) -> _Real:
    """Return the matrix ``(len(times), STAGES + 1)`` from values at the points of a step to values at ``times``.

    >>> points, _, coefficients = nodes()
    >>> round(float((polynomial(np.array([1.5]), 1.0, 1.0, coefficients) @ points**2)[0]), 12)
    0.25
    """
    size = len(coefficients)
    found = np.zeros((len(times), size))
    for row in range(len(times)):
        x, before, now = 2 * (times[row] - start) / length - 1, 0.0, 1.0
        for degree in range(size):
            for i in range(size):
                found[row, i] += now * coefficients[degree, i]
            before, now = now, ((2 * degree + 1) * x * now - degree * before) / (degree + 1)
    return found


@kernel
def phi(y: float) -> float:
    """Return y/(exp(y) - 1), what is left of (e - mu) n_BE(e - mu)/k_B T without its pole.

    >>> phi(0.0), phi(-1e3), phi(1e3)
    (1.0, 1000.0, 0.0)
    """
    if abs(y) < 1e-5:
        return 1.0 - y / 2 + y * y / 12
    return float(y / np.expm1(y)) if y < 700 else 0.0  # where exp(y) overflows


@kernel
def _phi_slope(y: float, value: float) -> float:
    """Return the derivative of :func:`phi`; it steers Newton's method only."""
    if abs(y) < 1e-2:
        return -0.5 + y / 6 - y**3 / 180
    return value * (1 - value - y) / y


@kernel
def _relaxing(h: float, differentiate: _Real, relax: _Real) -> _Real:
    """Return the inverses ``(s, s, N)`` of (differentiate/h + diag(relax_j)) for relax ``(s, N)`` (Gauss-Jordan)."""
    size, count = relax.shape
    matrices, factor = np.empty((size, size, count)), np.empty(count)
    for i in range(size):
        for k in range(size):
            for j in range(count):
                matrices[i, k, j] = differentiate[i, k + 1] / h
        for j in range(count):
            matrices[i, i, j] += relax[i, j]
    # A factor apart and a row by name: loops over j compile to vector instructions.
    for p in range(size):
        pivot = matrices[p]
        for j in range(count):
            factor[j] = 1.0 / pivot[p, j]
            pivot[p, j] = 1.0
        for k in range(size):
            for j in range(count):
                pivot[k, j] *= factor[j]
        for i in range(size):
            if i != p:
                row = matrices[i]
                for j in range(count):
                    factor[j] = row[p, j]
                    row[p, j] = 0.0
                for k in range(size):
                    for j in range(count):
                        row[k, j] -= factor[j] * pivot[k, j]
    return matrices


@kernel
def _apply(h: float, differentiate: _Real, inverse: _Real, start: _Real, source: _Real, out: _Real) -> None:
    """Fill in the values ``(s + 1, N)`` at the points of what starts at ``start`` and has the source ``(s, N)``."""
    size, count = source.shape
    for j in range(count):
        out[0, j] = start[j]
    for i in range(size):
        for j in range(count):
            out[i + 1, j] = 0.0
        for k in range(size):
            first = -differentiate[k, 0] / h
            for j in range(count):
                out[i + 1, j] += inverse[i, k, j] * (first * start[j] + source[k, j])


@kernel
def _solve(matrix: _Real, vector: _Real) -> None:
    """Replace ``vector`` by the solution of ``matrix`` x = ``vector``, which is overwritten (Gauss, partial pivots)."""
    size = len(vector)
    for p in range(size):
        best = p
        for i in range(p + 1, size):
            if abs(matrix[i, p]) > abs(matrix[best, p]):
                best = i
        if best != p:
            for k in range(size):
                matrix[p, k], matrix[best, k] = matrix[best, k], matrix[p, k]
            vector[p], vector[best] = vector[best], vector[p]
        for i in range(p + 1, size):
            factor = matrix[i, p] / matrix[p, p]
            for k in range(p + 1, size):
                matrix[i, k] -= factor * matrix[p, k]
            vector[i] -= factor * vector[p]
    for p in range(size - 1, -1, -1):
        for k in range(p + 1, size):
            vector[p] -= matrix[p, k] * vector[k]
        vector[p] /= matrix[p, p]


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
) -> tuple[_Real, _Real, _Real]:
    """Fill in the occupations ``(s + 1, N)`` and q ``(B s,)`` for given mu ``(B s,)``.

    Returns:
        What :func:`_steer` needs: phi and losses ``(B s, N)``, inverses ``(s, s, N)``.
    """
    size, baths, count = len(theta) - 1, theta.shape[1], len(n)
    values, source = np.empty((baths * size, count)), np.empty((baths * size, count))
    loss = np.empty((baths * size, count))
    all_source, all_loss = np.zeros((size, count)), np.zeros((size, count))
    for b in range(baths):
        for i in range(size):
            p = b * size + i
            for j in range(count):
                x = energy[j] - mu[p]
                values[p, j] = phi(x / theta[i + 1, b])
                source[p, j] = gamma[b, j] * theta[i + 1, b] * values[p, j]
                loss[p, j] = gamma[b, j] * x
                all_source[i, j] += source[p, j]
                all_loss[i, j] += loss[p, j]
    inverse = _relaxing(h, differentiate, all_loss)
    _apply(h, differentiate, inverse, n, all_source, stages)
    for p in range(baths * size):
        rate[p] = 0.0
        for j in range(count):
            rate[p] += weight[j] * (source[p, j] - loss[p, j] * stages[p % size + 1, j])
    return values, loss, inverse


@kernel
def _steer(
    theta: _Real,
    mu: _Real,
    energy: _Real,
    gamma: _Real,
    weight: _Real,
    stages: _Real,
    values: _Real,
    loss: _Real,
    inverse: _Real,
    slope: _Real,
) -> None:
    """Fill in dq/dmu ``(B s, B s)``, the occupations following mu, at what :func:`_transfer` has found."""
    size, unknowns, count = len(theta) - 1, len(mu), len(energy)
    climb = np.empty((unknowns, count))
    for p in range(unknowns):
        b, i = p // size, p % size
        for j in range(count):
            steep = _phi_slope((energy[j] - mu[p]) / theta[i + 1, b], values[p, j])
            climb[p, j] = weight[j] * gamma[b, j] * (stages[i + 1, j] - steep)
    for p in range(unknowns):
        for q in range(unknowns):
            i, k, total = p % size, q % size, 0.0
            for j in range(count):
                total -= loss[p, j] * inverse[i, k, j] * climb[q, j]
            slope[p, q] = total
        for j in range(count):
            slope[p, p] += climb[p, j]


@kernel
def collocate(
    h: float,
    differentiate: _Real,
    n: _Real,
    c: _Real,
    theta: _Real,
    mu: _Real,
    gap: float,
    scale: float,
    near: float,
    system: tuple[Any, ...],
    n_stages: _Real,
    c_stages: _Real,
) -> bool:
    """Solve one step ``h`` from n ``(N,)`` and c ``(M,)``; False if Newton's method found nothing.

    Args:
        h: the step.
        differentiate: matrix of :func:`nodes`.
        n, c: the state at the start.
        theta: temperatures ``(s + 1, B)`` at the points.
        mu: guess of the accumulations ``(B s,)`` at Radau's points, bath by bath; overwritten with the solution.
        gap: an accumulation that counts.
        scale: size of the terms that an accumulation is the sum of; its rounding is a share of that.
        near: share of the accumulations below which a correction is the last; the next would be of its square.
        system: energy ``(N,)``, gamma ``(B, N)``, weight ``(N,)``, relax ``(M,)``, drive ``(M, B)``, leak ``(M,)`` and
            out ``(B, M)``.
        n_stages, c_stages: overwritten with the values ``(s + 1, N)`` and ``(s + 1, M)`` at all points.
    """
    energy, gamma, weight, relax, drive, leak, out = system
    size, baths, modes = len(theta) - 1, theta.shape[1], len(c)
    unknowns = baths * size
    # After elimination of c: 0 = known + memory q + exchange mu, where exchange has -1 on the diagonal.
    all_relax, source = np.empty((size, modes)), np.zeros((size, modes))
    for i in range(size):
        for k in range(modes):
            all_relax[i, k] = relax[k]
    inverse = _relaxing(h, differentiate, all_relax)
    _apply(h, differentiate, inverse, c, source, c_stages)
    known, rest, rate = np.zeros(unknowns), np.zeros(unknowns), np.zeros(unknowns)
    memory, exchange = np.zeros((unknowns, unknowns)), np.zeros((unknowns, unknowns))
    slope, jacobian = np.zeros((unknowns, unknowns)), np.zeros((unknowns, unknowns))
    for p in range(unknowns):
        b, i = p // size, p % size
        for k in range(modes):
            known[p] += out[b, k] * c_stages[i + 1, k]
        exchange[p, p] = -1.0
        for q in range(unknowns):
            other, stage = q // size, q % size
            for k in range(modes):
                felt = out[b, k] * inverse[i, stage, k]
                memory[p, q] += felt * drive[k, other]
                if baths == 2:
                    exchange[p, q] += felt * leak[k] * (1 - 2 * other)
    start, step = mu.copy(), np.zeros(unknowns)
    least, damped, done = np.inf, 1.0, False
    for _ in range(60):
        values, loss, inverses = _transfer(h, differentiate, n, theta, mu, energy, gamma, weight, n_stages, rate)
        now, largest, wrong = 0.0, 0.0, False
        for p in range(unknowns):
            rest[p] = known[p]
            for q in range(unknowns):
                rest[p] += memory[p, q] * rate[q] + exchange[p, q] * mu[q]
            now, largest = max(now, abs(rest[p])), max(largest, abs(mu[p]))
            wrong = wrong or not np.isfinite(rest[p])
        if wrong or not (now < least or now < 1e-13 * (scale + largest)):
            damped /= 2
            if damped < 1e-3:
                return False
            for p in range(unknowns):
                mu[p] = start[p] + damped * step[p]
            continue
        least, damped = now, 1.0
        if done:
            break
        _steer(theta, mu, energy, gamma, weight, n_stages, values, loss, inverses, slope)
        for p in range(unknowns):
            start[p], step[p] = mu[p], rest[p]
            for q in range(unknowns):
                jacobian[p, q] = -exchange[p, q]
                for r in range(unknowns):
                    jacobian[p, q] -= memory[p, r] * slope[r, q]
        _solve(jacobian, step)
        change = 0.0
        for p in range(unknowns):
            change = max(change, abs(step[p]))
            mu[p] = start[p] + step[p]
        # Newton's method squares the error: after so small a step, one more evaluation is at the solution.
        done = change < near * (gap + largest)
    if not done:
        return False
    for i in range(size):
        flow = mu[i] - mu[size + i] if baths == 2 else 0.0
        for k in range(modes):
            source[i, k] = leak[k] * flow
            for b in range(baths):
                source[i, k] += drive[k, b] * rate[b * size + i]
    _apply(h, differentiate, inverse, c, source, c_stages)
    return True
