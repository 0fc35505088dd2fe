"""Fixed points of the generalised LLG equation on the sphere, and the response close to one."""

import warnings
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import real, require
from spinlib.dynamics._generalized import GeneralizedLLG, energies, generalized, rate, slope, strength
from spinlib.dynamics._sphere import lattice, length, normalised, one_direction, tangents

__all__ = ["MOVING", "RESIDUAL", "FixedPoints", "LinearResponse", "fixed_points", "linear_response", "newton", "stable"]

_Real: TypeAlias = NDArray[np.float64]
_Complex: TypeAlias = NDArray[np.complex128]

_STARTS = (200, 800, 3200)
_STEPS = 60
_TURN = 0.3  # rad, at most in a step of Newton's method
_RESOLVED = 1e-14  # rad
RESIDUAL = 1e-11  # of the scale of the rates
_DEGENERATE = 1e-9  # determinant over the square of the slope
_SAME = 1e-6  # rad
_NEUTRAL = 1e-12  # growth rate over the slope
MOVING = 1e-6  # rate over the slope


@dataclass(frozen=True, eq=False)
class FixedPoints:
    """Isolated fixed points in the order of their energy.

    Args:
        m: unit vectors ``(k, 3)``.
        eigenvalues: of the linearised motion [1/s], ``(k, 2)``, complex.
        stable: whether small deviations decay, ``(k,)``.
    """

    m: _Real
    eigenvalues: _Complex
    stable: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class LinearResponse:
    """Linearised motion at a fixed point, d(delta)/dt = J delta + K h in the tangent plane.

    Args:
        m: the fixed point ``(3,)``.
        basis: e_1 and e_2 of the tangent plane ``(2, 3)``, e_1 x e_2 = m.
        jacobian: J [1/s], ``(2, 2)``.
        drive: K [1/(J s)], ``(2, 2)``: what a field h [J] of the energy -h.u does to the rate.
        eigenvalues: of J [1/s], ``(2,)``, complex.
    """

    m: _Real
    basis: _Real
    jacobian: _Real
    drive: _Real
    eigenvalues: _Complex

    @property
    def angular_frequency(self) -> float:
        """sqrt(max(0, det J - (tr J)^2/4)) [rad/s]: of the free oscillation, 0 if overdamped."""
        return float(np.sqrt(max(0.0, np.linalg.det(self.jacobian) - np.trace(self.jacobian) ** 2 / 4)))

    @property
    def decay_rate(self) -> float:
        """Minus the largest real part of the eigenvalues [1/s]: positive where the point is stable."""
        return float(-self.eigenvalues.real.max())

    def susceptibility(self, angular_frequency: ArrayLike) -> _Complex:
        """Return S of delta m = S h for a tangential field h [J] that varies as exp(+i omega t).

        Args:
            angular_frequency: omega [rad/s], ``(...)``, of either sign.

        Returns:
            (i omega - J)^-1 K [1/J], ``(..., 2, 2)``, complex, in the basis of the record.

        Raises:
            ValueError: omega is that of an undamped oscillation.
        """
        omega = real("angular_frequency", angular_frequency)
        matrix = 1j * omega[..., None, None] * np.eye(2) - self.jacobian
        condition = np.linalg.cond(matrix)
        remedy = "pass an omega off the undamped resonance, or a point off the edge of stability"
        require("condition number of i omega - J", condition, condition < 1 / _NEUTRAL, "is too large", remedy)
        return np.asarray(np.linalg.solve(matrix, np.broadcast_to(self.drive, matrix.shape)))


def fixed_points(system: GeneralizedLLG) -> FixedPoints:
    """Return the isolated fixed points of WD11 (24), stable and unstable.

    Newton's method in the tangent plane from lattices of starts that get denser until nodes and foci less saddles
    number 2, as on a sphere they must (Poincare and Hopf). A node and a saddle that are missed together would not show
    in that. A ring of fixed points is left out, with a warning.

    Args:
        system: the magnet.

    Returns:
        Record with ``m`` ``(k, 3)``, ``eigenvalues`` ``(k, 2)`` [1/s] and ``stable`` ``(k,)``, by rising energy; what
        stands at an extremum of alpha V - chi without damping is not ``stable``.

    Raises:
        ValueError: a potential returns what is no gradient.

    >>> from spinlib.dynamics.thermodynamic import GeneralizedLLG, QuadraticPotential
    >>> easy = QuadraticPotential(quadratic=np.diag([1.0, 2.0, 0.0]))
    >>> found = fixed_points(GeneralizedLLG(easy, alpha=0.5, mobility=1.0))
    >>> found.m.round(9) + 0.0
    array([[ 0.,  0.,  1.],
           [ 0.,  0., -1.],
           [ 1.,  0.,  0.],
           [-1.,  0.,  0.],
           [ 0.,  1.,  0.],
           [ 0., -1.,  0.]])
    >>> found.stable
    array([ True,  True, False, False, False, False])
    """
    size = strength(generalized(system))
    points, degenerate, index = np.empty((0, 3)), size == 0, 0
    for count in _STARTS if size else ():
        found = newton(system, lattice(count))
        found = _distinct(found[length(rate(system, found)) <= RESIDUAL * size])
        matrix = slope(system, found, tangents(found))
        determinant = np.linalg.det(matrix)
        isolated = np.abs(determinant) > _DEGENERATE * np.abs(matrix).max(axis=(-2, -1)) ** 2
        points, degenerate = found[isolated], not isolated.all()
        index = int(np.sign(determinant[isolated]).sum())
        if index == 2:
            break
    if degenerate:
        text = "fixed points that are not isolated are left out: a ring of an axisymmetric system"
        warnings.warn(f"{text}, or potentials that are constant to rounding", stacklevel=2)
    elif index != 2:
        text = f"fixed points are missing: nodes and foci less saddles number {index} where 2 are on a sphere"
        warnings.warn(f"{text}; call linear_response at a point that you know", stacklevel=2)
    energy = energies("energy", system.energy, points) if len(points) else np.empty(0)
    level = np.round(energy / np.abs(energy).max(initial=np.finfo(float).tiny), 9)
    points = points[np.lexsort((*-np.round(points.T, 6), level))]
    matrix = slope(system, points, tangents(points))
    return FixedPoints(points, np.linalg.eigvals(matrix).astype(complex), stable(matrix))


def linear_response(system: GeneralizedLLG, m: ArrayLike) -> LinearResponse:
    """Return the linearised motion of WD11 (24) at a fixed point: ferromagnetic resonance under current.

    Args:
        system: the magnet.
        m: the fixed point, unit vector ``(3,)``.

    Returns:
        Record with ``m``, ``basis``, ``jacobian``, ``drive``, ``eigenvalues``, the properties ``angular_frequency`` and
        ``decay_rate``, and the method ``susceptibility``.

    Raises:
        ValueError: ``m`` is no unit vector, or it moves by more than 1e-6 of the largest entry of the Jacobian.

    >>> from spinlib.dynamics.thermodynamic import GeneralizedLLG, QuadraticPotential
    >>> magnet = GeneralizedLLG(QuadraticPotential(linear=(0, 0, -2.0)), alpha=0.5, mobility=1.0)
    >>> response = linear_response(magnet, (0, 0, 1.0))
    >>> response.angular_frequency, response.decay_rate
    (2.0, 1.0)
    >>> response.susceptibility(0.0).real.round(12) + 0.0
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    generalized(system)
    n = one_direction("m", m)
    basis = tangents(n)
    matrix = slope(system, n, basis)
    moving, size = float(length(rate(system, n))), float(np.abs(matrix).max())
    share = moving / size if size else np.inf
    text = "|dm/dt| over the largest entry of the Jacobian at m"
    require(
        text, share, share <= MOVING, "is not 0 to 1e-6, so m is no fixed point", "pass one of fixed_points(system).m"
    )
    drive = system.mobility * np.array([[system.alpha, 1.0], [-1.0, system.alpha]])
    return LinearResponse(n, basis, matrix, drive, np.linalg.eigvals(matrix).astype(complex))


def newton(system: GeneralizedLLG, n: _Real, field_energy: _Real | None = None) -> _Real:
    """Return where Newton's method in the tangent plane leads from unit vectors ``(k, 3)``, unchecked.

    >>> from spinlib.dynamics.thermodynamic import GeneralizedLLG, QuadraticPotential
    >>> magnet = GeneralizedLLG(QuadraticPotential(linear=(0, 0, -2.0)), alpha=0.5, mobility=1.0)
    >>> newton(magnet, np.array([[0.6, 0.0, 0.8]])).round(12) + 0.0
    array([[0., 0., 1.]])
    """
    for _ in range(_STEPS):
        basis = tangents(n)
        inside = np.einsum("a...i,...i->...a", basis, rate(system, n, field_energy))
        inverse = np.linalg.pinv(slope(system, n, basis, field_energy), rcond=_DEGENERATE)
        step = -(inverse @ inside[..., None])[..., 0]
        angle = np.linalg.norm(step, axis=-1, keepdims=True)
        step = step * np.minimum(1.0, _TURN / np.maximum(angle, np.finfo(float).tiny))
        n = normalised(n + np.einsum("...a,a...i->...i", step, basis))
        if angle.max(initial=0.0) <= _RESOLVED:
            break
    return np.where(np.abs(n) < np.finfo(float).eps ** 2, 0.0, n)


def stable(matrix: _Real) -> NDArray[np.bool_]:
    """Return whether small deviations decay under slopes ``(..., 2, 2)``.

    >>> stable(np.array([[-1.0, 5.0], [-5.0, -1.0]]))
    array(True)
    """
    growth = np.linalg.eigvals(matrix).real.max(axis=-1)
    return np.asarray(growth < -_NEUTRAL * np.abs(matrix).max(axis=(-2, -1)))


def _distinct(n: _Real) -> _Real:
    """Return unit vectors ``(k, 3)`` without those that repeat one before them."""
    chosen = []
    while len(n):
        chosen.append(n[0])
        n = n[length(n - n[0]) > _SAME]
    return np.array(chosen).reshape(-1, 3)
