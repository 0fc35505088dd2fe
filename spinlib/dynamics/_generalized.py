"""The generalised Landau-Lifshitz-Gilbert equation and its linearisation at a point, WD11 (24).

du/dt = L_F [u x grad W - grad P] with W = V + Phi and P = alpha V - chi: one potential turns, the other is descended.
"""

from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import (
    float_or_array,
    not_negative,
    number,
    positive,
    real,
    shaped,
    symmetric,
    together,
    unit,
    vectors,
)
from spinlib.dynamics._sphere import around, lattice, length, slopes
from spinlib.units import gyromagnetic_ratio as free_electron

__all__ = [
    "GeneralizedLLG",
    "Potential",
    "QuadraticPotential",
    "energies",
    "generalized",
    "landau_lifshitz_mobility",
    "rate",
    "slope",
    "strength",
]

_Real: TypeAlias = NDArray[np.float64]

_TURN = np.array([[0.0, -1.0], [1.0, 0.0]])  # u x, in a basis with e_1 x e_2 = u
_SAMPLES = 64
_ROUNDING = 1e-14  # of a gradient, over the potential


@runtime_checkable
class Potential(Protocol):
    """A function on the unit sphere with its gradient along it."""

    def __call__(self, m: _Real, /) -> ArrayLike:
        """Return V [J] of unit vectors ``(..., 3)``, ``(...)``."""

    def gradient(self, m: _Real, /) -> ArrayLike:
        """Return the gradient of V along the unit sphere [J], ``(..., 3)``."""


@dataclass(frozen=True, eq=False)
class QuadraticPotential:
    r"""Potential V(u) = a.u + u.Q.u on the unit sphere [J], WD11 after (6).

    A field B adds -M_s V B to ``linear``, an easy axis n with the anisotropy energy K V adds -K V n n^T to
    ``quadratic``. Total energies, not densities.

    Args:
        linear: a [J], ``(3,)``.
        quadratic: Q [J], symmetric ``(3, 3)``.

    Raises:
        ValueError: shapes differ from these, a number is not finite, or ``quadratic`` is not symmetric.

    >>> V = QuadraticPotential(linear=(0, 0, 1.0), quadratic=np.diag([2.0, 0, 0]))
    >>> V((0.6, 0, 0.8)), V.gradient((1.0, 0, 0))
    (1.52, array([0., 0., 1.]))
    """

    linear: ArrayLike = (0.0, 0.0, 0.0)
    quadratic: ArrayLike = field(default_factory=lambda: np.zeros((3, 3)))

    def __post_init__(self) -> None:
        form = symmetric(
            "quadratic", shaped("quadratic", self.quadratic, (3, 3)), "pass (Q + Q^T)/2, which gives the same V"
        )
        for name, array in (("linear", shaped("linear", self.linear, (3,))), ("quadratic", form)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    def __call__(self, m: ArrayLike) -> float | _Real:
        """Return V [J] of unit vectors ``(..., 3)``, ``(...)``."""
        n = unit("m", m)
        return float_or_array(n @ np.asarray(self.linear) + np.einsum("...i,ij,...j", n, np.asarray(self.quadratic), n))

    def gradient(self, m: ArrayLike) -> _Real:
        """Return the gradient of V along the sphere [J], perpendicular to ``m`` ``(..., 3)``."""
        n = unit("m", m)
        return _across(self._euclidean(n), n)

    def hessian(self, m: ArrayLike) -> _Real:
        """Return the second derivative of V along the sphere [J], ``(..., 3, 3)``, for directions across ``m``.

        e.H.e is d^2V/ds^2 along the great circle through ``m`` in the direction e: the stiffness.
        """
        n = unit("m", m)
        across = np.eye(3) - n[..., :, None] * n[..., None, :]
        radial = np.einsum("...i,...i", self._euclidean(n), n)[..., None, None]
        return np.asarray(across @ (2 * np.asarray(self.quadratic)) @ across - radial * across)

    def _euclidean(self, n: _Real) -> _Real:
        return np.asarray(np.asarray(self.linear) + 2 * n @ np.asarray(self.quadratic))


@dataclass(frozen=True, eq=False)
class GeneralizedLLG:
    r"""The magnet as an open system, WD11 (24): du/dt = -L_F {u x (H - grad Phi) + u x [u x (alpha H + grad chi)]}.

    H = -grad V. Solved for the rate this is du/dt = L_F [u x grad(V + Phi) - grad(alpha V - chi)]. A potential is any
    object that is called with unit vectors ``(..., 3)`` and has a method ``gradient``, such as
    :class:`QuadraticPotential`. A method ``hessian``, the second derivative along great circles as ``(..., 3, 3)``, is
    used where there is one; else differences of the gradient are.

    A torque a [p - (p.m) m] + b m x p of the Gilbert form, gamma its gyromagnetic ratio, is chi = (M_s V/gamma)
    (a - alpha b) p.u, Phi = (M_s V/gamma)(b + alpha a) p.u.

    Args:
        energy: V, the total energy of the magnet [J].
        alpha: Gilbert damping, one number >= 0.
        mobility: L_F [1/(J s)], positive: :func:`landau_lifshitz_mobility`.
        chi: the potential of the damping-like part of the spin transfer [J], or None.
        phi: Phi, that of the field-like part [J], or None.

    Raises:
        ValueError: a number outside its range, or what is no potential.

    >>> magnet = GeneralizedLLG(QuadraticPotential((0, 0, -1.0)), alpha=0.5, mobility=1.0)
    >>> magnet.velocity((1.0, 0, 0))
    array([0. , 1. , 0.5])
    """

    energy: Potential
    alpha: float
    mobility: float
    chi: Potential | None = None
    phi: Potential | None = None

    def __post_init__(self) -> None:
        for name, optional in (("energy", False), ("chi", True), ("phi", True)):
            value = getattr(self, name)
            if (isinstance(value, type) or not isinstance(value, Potential)) and not (optional and value is None):
                remedy = "pass a QuadraticPotential, or an object that is called with m and has a method gradient"
                raise ValueError(f"{name} = {value!r} is no potential: {remedy}")
        object.__setattr__(self, "alpha", number("alpha", self.alpha, not_negative))
        object.__setattr__(self, "mobility", number("mobility", self.mobility, positive))

    def velocity(self, m: ArrayLike) -> _Real:
        """Return du/dt [1/s] of unit vectors ``(..., 3)``, perpendicular to them.

        Raises:
            ValueError: ``m`` is no unit vector, or a potential returns what is no gradient.
        """
        return rate(self, unit("m", m)) + 0.0


def landau_lifshitz_mobility(
    magnetic_moment: ArrayLike, alpha: ArrayLike, gyromagnetic_ratio: ArrayLike = free_electron
) -> float | _Real:
    r"""Return the mobility L_F = gamma/[M_s V (1 + alpha^2)] of a magnet, WD11 (6).

    For total energies; WD11 (6) has M_s in place of M_s V, which belongs to energy densities.

    Args:
        magnetic_moment: M_s V [A m^2], positive.
        alpha: Gilbert damping, >= 0.
        gyromagnetic_ratio: gamma [rad/(s T)], positive.

    Returns:
        L_F [1/(J s)], in the shape that the arguments broadcast to.

    Raises:
        ValueError: a number outside its range, or shapes that do not broadcast.

    >>> landau_lifshitz_mobility(2.0, 1.0, gyromagnetic_ratio=8.0)
    2.0
    """
    moment, gamma, loss = together(
        magnetic_moment=positive("magnetic_moment", magnetic_moment),
        gyromagnetic_ratio=positive("gyromagnetic_ratio", gyromagnetic_ratio),
        alpha=not_negative("alpha", alpha),
    )
    return float_or_array(gamma / (moment * (1 + loss**2)))


def generalized(system: GeneralizedLLG) -> GeneralizedLLG:
    """Return ``system``, or refuse what is no :class:`GeneralizedLLG`.

    >>> generalized(1.0)
    Traceback (most recent call last):
    ...
    ValueError: system = 1.0 is no GeneralizedLLG: pass GeneralizedLLG(energy, alpha, mobility)
    """
    if not isinstance(system, GeneralizedLLG):
        raise ValueError(f"system = {system!r} is no GeneralizedLLG: pass GeneralizedLLG(energy, alpha, mobility)")
    return system


def energies(name: str, potential: Potential, n: _Real) -> _Real:
    """Return the values ``(...)`` of a potential at checked unit vectors ``(..., 3)``, or refuse another shape.

    >>> energies("energy", QuadraticPotential((0, 0, 2.0)), np.array([[0.0, 0.0, 1.0]]))
    array([2.])
    """
    found = real(f"{name}(m)", potential(n), "return finite energies")
    if found.shape != n.shape[:-1]:
        raise ValueError(f"{name}(m) has shape {found.shape} for m of shape {n.shape}: return one number for each m")
    return found


def rate(system: GeneralizedLLG, n: _Real, field_energy: _Real | None = None) -> _Real:
    """Return du/dt [1/s] of checked unit vectors ``(..., 3)`` in a further field h [J] of the energy -h.u.

    >>> rate(GeneralizedLLG(QuadraticPotential(), 0.5, 1.0), np.array([1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0])) + 0.0
    array([0. , 1. , 0.5])
    """
    slope_of_v = _gradient("energy", system.energy, n)
    if field_energy is not None:
        slope_of_v = slope_of_v - _across(field_energy, n)
    turning, descent = slope_of_v, system.alpha * slope_of_v
    if system.phi is not None:
        turning = turning + _gradient("phi", system.phi, n)
    if system.chi is not None:
        descent = descent - _gradient("chi", system.chi, n)
    return np.asarray(system.mobility * (np.cross(n, turning) - descent))


def slope(system: GeneralizedLLG, n: _Real, basis: _Real, field_energy: _Real | None = None) -> _Real:
    """Return the derivative ``(..., 2, 2)`` of :func:`rate` [1/s] along ``basis`` ``(2, ..., 3)``, in that basis.

    Entry i, j is the change of component i along direction j: J = L_F (O H_W - H_P), with the second derivatives H
    along the sphere and O = u x. It holds away from fixed points, too, as a covariant derivative.

    >>> n = np.array([0.0, 0.0, 1.0])
    >>> slope(GeneralizedLLG(QuadraticPotential(quadratic=np.diag([1.0, 2.0, 0])), 0.5, 1.0), n, np.eye(3)[:2])
    array([[-1., -4.],
           [ 2., -2.]])
    """
    stiffness = _hessian("energy", system.energy, n, basis)
    if field_energy is not None:
        stiffness = stiffness + np.einsum("...i,...i", field_energy, n)[..., None, None] * np.eye(2)
    turning, descent = stiffness, system.alpha * stiffness
    if system.phi is not None:
        turning = turning + _hessian("phi", system.phi, n, basis)
    if system.chi is not None:
        descent = descent - _hessian("chi", system.chi, n, basis)
    return np.asarray(system.mobility * (_TURN @ turning - descent))


def strength(system: GeneralizedLLG) -> float:
    """Return the largest rate [1/s] on a lattice of directions, the scale of the motion; 0 if it is only rounding.

    >>> strength(GeneralizedLLG(QuadraticPotential(quadratic=np.eye(3)), 0.5, 1.0))
    0.0
    """
    n = lattice(_SAMPLES)
    parts = {"energy": system.energy, "chi": system.chi, "phi": system.phi}
    size = max(float(np.abs(energies(name, part, n)).max()) for name, part in parts.items() if part is not None)
    fastest = float(length(rate(system, n)).max())
    return fastest if fastest > _ROUNDING * system.mobility * size else 0.0


def _across(v: _Real, n: _Real) -> _Real:
    return np.asarray(v - np.einsum("...i,...i", v, n)[..., None] * n)


def _gradient(name: str, potential: Potential, n: _Real) -> _Real:
    """Return the gradient along the sphere, or refuse what has not its shape."""
    if isinstance(potential, QuadraticPotential):
        return _across(potential._euclidean(n), n)
    found = vectors(f"{name}.gradient(m)", potential.gradient(n))
    if found.shape != n.shape:
        raise ValueError(f"{name}.gradient(m) has shape {found.shape} for m of shape {n.shape}: return one for each m")
    return _across(found, n)


def _hessian(name: str, potential: Potential, n: _Real, basis: _Real) -> _Real:
    """Return the second derivative along the sphere in a basis, ``(..., 2, 2)``: analytic, or from gradients."""
    if hasattr(potential, "hessian"):
        tensor = real(f"{name}.hessian(m)", potential.hessian(n))
        if tensor.shape != (*n.shape, 3):
            remedy = "return one (3, 3) matrix for each m, of the second derivative along the sphere"
            raise ValueError(f"{name}.hessian(m) has shape {tensor.shape} for m of shape {n.shape}: {remedy}")
        return np.asarray(np.einsum("a...i,...ij,b...j->...ab", basis, tensor, basis))
    change = slopes(_gradient(name, potential, around(n, basis)))
    return np.asarray(np.einsum("a...i,b...i->...ab", basis, change))
