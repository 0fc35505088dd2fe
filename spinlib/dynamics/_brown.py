"""Slowest relaxation of a magnet with one easy axis and a field along it: Brown's eigenvalue to full precision.

With x = u_z and U = V/k_B T, the densities e^(-U) g that decay as exp(-lambda t/2 tau_N) obey

    -((1 - x^2) e^(-U) g')' = lambda e^(-U) g.

The slope f = g' of the slowest one has no zero. It is the eigenfunction to the largest eigenvalue, 1/lambda, of

    (T f)(x) = e^U [r(x) int_-1^x s f + s(x) int_x^1 r f]/[(1 - x^2)(s + r)],
    s(x) = int_-1^x e^(-U),  r(x) = int_x^1 e^(-U),

the inverse of the operator for the probability flux (1 - x^2) e^(-U) f, which vanishes at both ends. Nothing in T has
a negative sign, so that 1/lambda keeps its relative precision however high the barrier is; and 1/lambda is what
Lanczos' iteration finds first, however close the second eigenvalue is. In the norm int (1 - x^2) e^(-U) f^2 the
operator is symmetric.

Between two deep wells no iteration is needed: weights and resistance by Dawson's function are off by less than half the
eigenvalue itself.
"""

from collections.abc import Callable
from functools import cache
from math import exp, hypot, pi, sqrt
from typing import TypeAlias

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import ArrayLike, NDArray
from scipy.special import dawsn

from spinlib._validate import float_or_array, real, require, together

__all__ = ["brown_eigenvalue"]

_Real: TypeAlias = NDArray[np.float64]

_ORDER = 16  # nodes in a panel
_STEP = 3.0  # bound on the change of U in a panel: the rule then loses nothing
_REACH = 80.0  # k_B T below the pole of the shallower well; what lies deeper than that does not show
_HIGHEST = 700.0  # k_B T: e^700 is a float, and a rate of 1e-299 of the others is none
_LARGEST = 1e300
_DEEP = 36.0  # k_B T of the lower barrier, from which on the closed form is worth a look
_EXACT = 2e-16  # eigenvalue, twice the relative error of the closed form at most
_RESIDUAL = 1e-15
_ITERATIONS = 60  # 21 are the most that 295000 pairs took, with barriers to 3000 and fields to 1e15


def brown_eigenvalue(barrier: ArrayLike, reduced_field: ArrayLike = 0.0) -> float | _Real:
    r"""Return 2 tau_N lambda_1, the slowest relaxation rate of u_z in a uniaxial magnet with a field along its axis.

    It is the slowest rate of all where there are two wells, |h| < 1; in a stronger field a mode that turns about the
    axis may be slower. V/k_B T = -sigma (u_z^2 + 2 h u_z), and 1/(2 tau_N) is the rotational diffusion constant. For
    |h| < 1 the barriers are sigma (1 - |h|)^2 and sigma (1 + |h|)^2. In units of 1/(2 tau_N) the rate does not depend
    on the damping. Its relative error is below 2e-15 times 3 + the lower barrier; the rounding of ``barrier`` alone
    leaves a tenth of that.

    Args:
        barrier: sigma = K V/k_B T >= 0, dimensionless, ``(...,)``.
        reduced_field: h = H/H_K = M_s B/(2 K), up to 1e300 by size, ``(...,)``; its sign does not matter.

    Returns:
        The eigenvalue, dimensionless, in the shape that the arguments broadcast to: 2 for sigma = 0, and 0 where the
        lower barrier exceeds 700, so that floats end: exp(-700) is 1e-304.

    Raises:
        ValueError: a number that is not finite, ``barrier`` < 0, ``reduced_field`` or its product with ``barrier``
            above 1e300 by size, or shapes that do not match.
        RuntimeError: the iteration takes more than 60 steps, which no pair that was tried did.

    >>> brown_eigenvalue(0.0)
    2.0
    >>> [f"{value:.12e}" for value in brown_eigenvalue([1.0, 30.0], [0.3, 0.0])]
    ['1.373720918290e+00', '3.351167734064e-11']
    """
    sigma, h = together(barrier=real("barrier", barrier), reduced_field=real("reduced_field", reduced_field))
    require("barrier", sigma, sigma >= 0, "is negative", "pass K V/k_B T >= 0; a hard axis has no barrier to cross")
    limit = f"pass |reduced_field| <= {_LARGEST:g}"
    require("reduced_field", h, np.abs(h) <= _LARGEST, "is too large", limit)
    with np.errstate(over="ignore"):
        energy = sigma * np.abs(h)
    remedy = f"pass reduced_field with barrier * |reduced_field| <= {_LARGEST:g}"
    require("reduced_field", h, energy <= _LARGEST, "times barrier is too large", remedy)
    pairs = zip(sigma.ravel().tolist(), np.abs(h).ravel().tolist(), strict=True)
    return float_or_array(np.array([_eigenvalue(*pair) for pair in pairs]).reshape(sigma.shape))


def _eigenvalue(sigma: float, h: float) -> float:
    """Return the eigenvalue of one magnet with ``h`` >= 0."""
    if sigma == 0:
        return 2.0
    if h < 1 and sigma * (1 - h) ** 2 > _HIGHEST:
        return 0.0
    if h < 1 and sigma * (1 - h) ** 2 > _DEEP:
        deep = _two_wells(sigma, h)
        if deep < _EXACT:
            return deep
    return _solved(sigma, h)


def _two_wells(sigma: float, h: float) -> float:
    """Return the eigenvalue up to half of itself, relatively, for two wells with 0 <= h < 1.

    The weights of the wells go with Dawson's function of each, and so does the resistance, the principal value of
    int exp(U)/(1 - x^2) with the Gaussian at the top continued beyond the poles.
    """
    root, far, near = sqrt(sigma), 1 + h, 1 - h
    d_far, d_near = float(dawsn(root * far)), float(dawsn(root * near))
    rates = exp(-sigma * far**2) / d_far + exp(-sigma * near**2) / d_near
    return root / sqrt(pi) * rates / (d_far + d_near)


def _solved(sigma: float, h: float) -> float:
    """Return the eigenvalue by Lanczos' iteration."""
    apply, start, scale = _inverse(sigma, h)
    return scale / _largest(apply, start)


def _inverse(sigma: float, h: float) -> tuple[Callable[[_Real], _Real], _Real, float]:
    """Return T as a symmetric map of vectors, one to start from, and lambda times the largest eigenvalue of the map.

    z = 1 + x is the distance from the pole of the shallower well, and U = sigma z (2 k - z), k = 1 - h, the energy
    from there. Vectors are f on the nodes of a composite Gauss rule, times the root of the weight in the norm.
    """
    k, end = 1 - h, 2.0
    if 4 * sigma * h > _REACH:  # else all of the sphere is within reach
        root = hypot(k, sqrt(_REACH / sigma))
        end = k + root if k > 0 else _REACH / sigma / (root - k)
    steepest = 2 * sigma * max(abs(k), abs(end - k))
    panels = 1 + int(end * steepest / _STEP)
    width = end / panels

    nodes, weights, within = _rule()
    number = np.arange(panels)[:, None]
    t = number + nodes  # z in panels
    beyond = 2 - width * t
    energy = sigma * (width * t) * (2 * k - width * t)
    top = float(energy.max())
    boltzmann = np.exp(-energy)

    def from_left(values: _Real) -> _Real:
        """Return the integral from the left end to each node, in units of the width of a panel."""
        whole = np.cumsum(values @ weights)
        return np.concatenate([[0.0], whole[:-1]])[:, None] + values @ within

    def from_right(values: _Real) -> _Real:
        return from_left(values[::-1, ::-1])[::-1, ::-1]

    s, r = from_left(boltzmann), from_right(boltzmann)
    root_of_weight = np.sqrt(weights * t * beyond * boltzmann)
    factor = root_of_weight * np.exp(energy - top) / (t * beyond * (boltzmann @ weights).sum())

    def apply(vector: _Real) -> _Real:
        f = vector.reshape(t.shape) / root_of_weight
        image: _Real = factor * (r * from_left(s * f) + s * from_right(r * f))
        return image.ravel()

    return apply, (root_of_weight * np.exp(energy - top)).ravel(), exp(-top) / width


def _largest(apply: Callable[[_Real], _Real], start: _Real) -> float:
    """Return the largest eigenvalue of a symmetric map by Lanczos' iteration, all vectors kept orthogonal."""
    basis = np.empty((_ITERATIONS, len(start)))
    matrix = np.zeros((_ITERATIONS + 1, _ITERATIONS + 1))  # its lower triangle
    rest, norm = start, float(np.linalg.norm(start))
    for n in range(_ITERATIONS):
        basis[n] = rest / norm
        image = apply(basis[n])
        known = basis[: n + 1]
        matrix[n, n] = basis[n] @ image
        rest = image - (known @ image) @ known
        rest -= (known @ rest) @ known  # once is too little where hardly anything of the image is new
        norm = float(np.linalg.norm(rest))
        values, vectors = np.linalg.eigh(matrix[: n + 1, : n + 1])
        found = float(values[-1])
        if norm * abs(vectors[-1, -1]) <= _RESIDUAL * found:
            return found
        matrix[n + 1, n] = norm
    raise RuntimeError(f"the iteration did not converge in {_ITERATIONS} steps; report barrier and reduced_field")


@cache
def _rule() -> tuple[_Real, _Real, _Real]:
    """Return nodes and weights of Gauss on (0, 1), and the matrix M of int_0^(x_i) f = (f M)_i."""
    x, weights = legendre.leggauss(_ORDER)
    polynomials = legendre.legvander(x, _ORDER)
    degree = np.arange(1, _ORDER)
    integrals = np.column_stack([1 + x, (polynomials[:, 2:] - polynomials[:, :-2]) / (2 * degree + 1)])
    projection = (np.arange(_ORDER) + 0.5)[:, None] * polynomials[:, :_ORDER].T * weights
    return (1 + x) / 2, weights / 2, (integrals @ projection).T / 2
