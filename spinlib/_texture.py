r"""Torque and pumped current at a point of a texture (BTBK 11, 12, 19), origin of beta (57, 58): `spinlib.onsager`."""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._table import Table
from spinlib._validate import not_negative, positive, real, require, shared_shape, together, unit
from spinlib.units import e, hbar
from spinlib.units import gyromagnetic_ratio as free_electron

__all__ = ["SpinFlipDamping", "TextureResponse", "polarization_of", "spin_flip_damping", "texture_response"]

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
        largest = f", kappa={self.kappa.max():.4g} m^2" if self.kappa.size else ""
        return f"TextureResponse(points={self.kappa.size}{largest})"


@dataclass(frozen=True, eq=False, repr=False)
class SpinFlipDamping(Table):
    """Result of :func:`spin_flip_damping`; all dimensionless, ``(...,)``.

    Args:
        alpha: Gilbert damping by the conduction electrons, >= 0.
        beta: non-adiabaticity, positive: (57) with the sign of the corrected (11).
        drift_factor: drift along the electrons over the one of (10) with the whole M_s, in (0, 1].
        gyromagnetic_factor: gamma in the equation of motion over that of the spins, >= 1.
    """

    alpha: _Real
    beta: _Real
    drift_factor: _Real
    gyromagnetic_factor: _Real

    def __repr__(self) -> str:
        largest = f", alpha={self.alpha.max():.4g}, beta={self.beta.max():.4g}" if self.alpha.size else ""
        return f"SpinFlipDamping(points={self.alpha.size}{largest})"


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
        TextureResponse. With ``back_action`` in the equation of motion the second law needs alpha >= beta^2 kappa q^2,
        q^2 the largest eigenvalue of sum_i d_i m d_i m^T; q^2 <= |gradient|^2, equal where m varies along one
        direction.

    Warns:
        UserWarning: ``alpha`` is given and below beta^2 kappa q^2: such a texture would do work without a source.

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


def spin_flip_damping(
    spin_relaxation_time: ArrayLike, exchange_splitting: ArrayLike, *, itinerant_share: ArrayLike = 1.0
) -> SpinFlipDamping:
    r"""Return damping and non-adiabaticity by conduction spins that relax (BTBK 57, 58, exact in their model).

    beta = hbar/(tau_sigma Delta_xc), alpha = eta beta/[1 + (1 - eta) beta^2]; (58) is alpha ~ eta beta. The drift is
    that of (10) over 1 + (1 - eta) beta^2, gamma is multiplied by (1 + beta^2) over the same. The model: localised
    spins, and conduction spins that precess in the exchange field and relax towards its direction; first order in
    rates, gradients and fields.

    Args:
        spin_relaxation_time: tau_sigma [s], positive, ``(...,)``.
        exchange_splitting: Delta_xc, between the two spins [J], positive, ``(...,)``.
        itinerant_share: eta, spin density of the conduction electrons over that of the magnet, in [0, 1], ``(...,)``;
            1 is the Stoner model, with alpha = beta.

    Returns:
        SpinFlipDamping.

    Raises:
        ValueError: a time or splitting is not positive, the share is not in [0, 1], or shapes do not broadcast.

    >>> spin_flip_damping(hbar, 0.5, itinerant_share=0.25)
    SpinFlipDamping(points=1, alpha=0.125, beta=2)
    """
    time, splitting, share = together(
        spin_relaxation_time=positive("spin_relaxation_time", spin_relaxation_time),
        exchange_splitting=positive("exchange_splitting", exchange_splitting),
        itinerant_share=real("itinerant_share", itinerant_share),
    )
    inside = (share >= 0) & (share <= 1)
    require("itinerant_share", share, inside, "is no share", "pass 0 <= eta <= 1, conduction spins over all spins")
    beta = np.asarray(hbar / (time * splitting))
    common = np.asarray(1 + (1 - share) * beta**2)
    return SpinFlipDamping(share * beta / common, beta, 1 / common, (1 + beta**2) / common)


def _warn_of_gain(alpha: _Real, least: _Real) -> None:
    """Warn of a damping that the second law does not allow beside the back action."""
    count = np.count_nonzero(alpha < least * (1 - _ROUNDING))
    if not count:
        return
    worst = np.argmin(alpha - least)
    text = (
        f"alpha = {alpha.flat[worst]:.4g} is below beta^2 kappa q^2 = {least.flat[worst]:.4g}, "
        f"q^2 the largest eigenvalue of the gradients, at {count} of {alpha.size} points"
    )
    remedy = (
        "the texture would gain energy from nothing: pass the damping at zero current, or a smaller beta, "
        "or leave the back action out"
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
