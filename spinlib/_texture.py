r"""Torque and pumped current at a point of a magnetic texture (BTBK 11, 12, 19); public in :mod:`spinlib.onsager`."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._table import Table
from spinlib._validate import not_negative, positive, real, require, shared_shape, unit
from spinlib.units import e, hbar
from spinlib.units import gyromagnetic_ratio as free_electron

__all__ = ["TextureResponse", "polarization_of", "texture_response"]

_Real = NDArray[np.float64]

_TANGENT = 1e-6
_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False, repr=False)
class TextureResponse(Table):
    """Result of :func:`texture_response`; i is a direction in space, k and l are components of m.

    Args:
        kappa: gamma hbar^2 P^2 sigma/(4 e^2 M_s), ``(...,)`` [m^2].
        torque: [k, i], rate of m by the electric field, tau = torque @ E, ``(..., 3, 3)`` [m/(V s)].
        pumping: [i, k], conventional current by the rate of m, j = pumping @ dm/dt, ``(..., 3, 3)`` [A s/m^2].
        back_action: [k, l], rate of m by the current that it pumps itself, dimensionless, ``(..., 3, 3)``.
    """

    _vectors: ClassVar[tuple[str, ...]] = ("torque", "pumping", "back_action")
    _units: ClassVar[Mapping[str, str]] = {"kappa": "m^2", "torque": "m/(V s)", "pumping": "A s/m^2"}

    kappa: _Real
    torque: _Real
    pumping: _Real
    back_action: _Real

    def __repr__(self) -> str:
        return f"TextureResponse(points={self.kappa.size}, kappa={np.max(self.kappa):.4g} m^2)"


def texture_response(
    m: ArrayLike,
    gradient: ArrayLike,
    *,
    polarization: ArrayLike,
    conductivity: ArrayLike,
    beta: ArrayLike,
    saturation_magnetization: ArrayLike,
    gyromagnetic_ratio: ArrayLike = free_electron,
    alpha: ArrayLike | None = None,
) -> TextureResponse:
    r"""Return torque, pumping and their product at a point of a magnetic texture (BTBK 11, 12, 19, corrected).

    tau = (gamma hbar sigma P/2e M_s) [d_i m - beta m x d_i m] E_i and
    j_i = (hbar sigma P/2e) [-m x d_i m + beta d_i m].dm/dt. A current that flows where E = 0 still exerts the torque:
    ``back_action`` = torque @ pumping / sigma is (19).

    Args:
        m: magnetisation, unit vectors ``(..., 3)``.
        gradient: [i, k] = d_i m_k [1/m], ``(..., 3, 3)``, perpendicular to m.
        polarization: P of the conductivity, majority minus minority over the sum, in [-1, 1], ``(...,)``.
        conductivity: sigma, both spins together [S/m], positive, ``(...,)``.
        beta: non-adiabaticity, dimensionless, ``(...,)``; with beta = alpha a texture drifts along without a field.
        saturation_magnetization: M_s [A/m], positive, ``(...,)``.
        gyromagnetic_ratio: gamma [rad/(s T)], positive, ``(...,)``.
        alpha: Gilbert damping at zero current, dimensionless, >= 0, ``(...,)``; used for the warning only.

    Returns:
        TextureResponse. With ``back_action`` in the equation of motion the second law needs alpha >= beta^2 kappa s,
        s the largest eigenvalue of sum_i d_i m d_i m^T; s <= |gradient|^2, equal where m varies along one direction.

    Warns:
        UserWarning: ``alpha`` is given and below beta^2 kappa s: such a texture would do work without a source.

    Raises:
        ValueError: ``m`` is no unit vector, ``gradient`` has a part along m above 1e-6 of its norm, |P| > 1, a
            conductivity, magnetisation or ratio is not positive, or shapes do not broadcast.

    >>> scale = {"conductivity": 2.0, "saturation_magnetization": hbar, "gyromagnetic_ratio": e}
    >>> twist = [[1.0, 0, 0], [0, 0, 0], [0, 0, 0]]  # along x, towards x
    >>> texture_response((0, 0, 1), twist, polarization=0.5, beta=0.25, **scale).torque[:, 0] + 0.0
    array([ 0.5  , -0.125,  0.   ])
    """
    n = unit("m", m)
    slope = real("gradient", gradient, "pass gradient[..., i, k] = d_i m_k, in 1/m")
    if slope.shape[-2:] != (3, 3):
        raise ValueError(f"gradient has shape {slope.shape}: pass (..., 3, 3), gradient[..., i, k] = d_i m_k")
    given = {
        "polarization": polarization_of("polarization", polarization),
        "conductivity": positive("conductivity", conductivity),
        "beta": real("beta", beta),
        "saturation_magnetization": positive("saturation_magnetization", saturation_magnetization),
        "gyromagnetic_ratio": positive("gyromagnetic_ratio", gyromagnetic_ratio),
    }
    if alpha is not None:
        given["alpha"] = not_negative("alpha", alpha)
    scalars = {name: value.shape for name, value in given.items()}
    shape = shared_shape(m=n.shape[:-1], gradient=slope.shape[:-2], **scalars)
    n = np.broadcast_to(n, (*shape, 3))
    slope = _tangential(n, np.broadcast_to(slope, (*shape, 3, 3)))
    turned = np.cross(n[..., None, :], slope)
    polar, sigma, ratio, magnetization, gamma, *loss = (np.broadcast_to(value, shape) for value in given.values())
    kappa = np.asarray(gamma * hbar**2 * polar**2 * sigma / (4 * e**2 * magnetization))
    if loss:
        _warn_of_gain(loss[0], ratio**2 * kappa * np.linalg.norm(slope, ord=2, axis=(-2, -1)) ** 2)
    ratio = ratio[..., None, None]
    strength = (hbar * sigma * polar / (2 * e))[..., None, None]
    pumping = strength * (ratio * slope - turned)
    torque = (gamma / magnetization)[..., None, None] * strength * (slope - ratio * turned).swapaxes(-1, -2)
    return TextureResponse(kappa, torque, pumping, back_action=torque @ pumping / sigma[..., None, None])


def _warn_of_gain(alpha: _Real, least: _Real) -> None:
    """Warn of a damping that the second law does not allow beside the back action."""
    worst = np.argmin(alpha - least)
    if np.flatnonzero(alpha < least * (1 - _ROUNDING)).size:
        damping, bound = alpha.flat[worst], least.flat[worst]
        text = f"alpha = {damping:.4g} is below beta^2 kappa s = {bound:.4g}, s the largest eigenvalue of the gradients"
        remedy = (
            "the texture would gain energy from nothing: pass the damping at zero current, or a smaller beta"
        )
        warnings.warn(f"{text}: {remedy}", stacklevel=3)


def _tangential(m: _Real, gradient: _Real) -> _Real:
    """Return the gradient without its part along m, or refuse that part."""
    along = np.einsum("...ik,...k->...i", gradient, m)
    size = np.linalg.norm(gradient, axis=(-2, -1))
    share = np.divide(np.linalg.norm(along, axis=-1), size, out=np.zeros_like(size), where=size > 0)
    require("|m . gradient| / |gradient|", share, share <= _TANGENT, "is above 1e-6", "pass d_i m perpendicular to m")
    return np.asarray(gradient - along[..., :, None] * m[..., None, :])


def polarization_of(name: str, value: ArrayLike) -> _Real:
    """Return P, majority minus minority over the sum, as an array, or refuse |P| > 1.

    >>> polarization_of("polarization", 0.5)
    array(0.5)
    """
    polar = real(name, value)
    require(name, polar, np.abs(polar) <= 1, "is out of range", "pass -1 <= P <= 1, majority minus minority")
    return polar
