"""Spin algebra: Pauli and spin matrices, rotations of spins and of vectors, directions.

Vectors are ``(..., 3)`` arrays in the order x, y, z, angles are in rad, spins in units of hbar. Rotations are
active and right-handed. In a spin basis the largest projection comes first, so "up" is index 0.
"""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import finite, real, require, shared_shape, vectors

__all__ = [
    "PAULI",
    "adjoint_rotation",
    "cross_matrix",
    "direction",
    "rotation_matrix",
    "spin_matrices",
    "spin_rotation",
    "unit_vector",
]

#: The Pauli matrices sigma_x, sigma_y, sigma_z as one read-only ``(3, 2, 2)`` array.
PAULI: Final[NDArray[np.complex128]] = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
PAULI.setflags(write=False)


def _normalized(name: str, value: ArrayLike) -> NDArray[np.float64]:
    given = vectors(name, value)
    largest = np.abs(given).max(axis=-1, keepdims=True)
    require(f"largest component of {name}", largest[..., 0], largest[..., 0] > 0, "gives no direction", "pass |v| > 0")
    # Scaling first: squares of components below 1e-162 or above 1e154 leave the range of a float.
    scaled = given / largest
    return np.asarray(scaled / np.linalg.norm(scaled, axis=-1, keepdims=True))


def _angles(**values: ArrayLike) -> list[NDArray[np.float64]]:
    """Return the named angles, broadcast against each other."""
    arrays = {name: real(name, value, "pass angles in rad") for name, value in values.items()}
    shared_shape(**{name: array.shape for name, array in arrays.items()})
    return [np.asarray(array) for array in np.broadcast_arrays(*arrays.values())]


def spin_matrices(spin: float) -> NDArray[np.complex128]:
    """Return the matrices S_x, S_y, S_z of a spin, which obey S x S = i S (RHP 9).

    Args:
        spin: S, a positive multiple of 1/2 [hbar].

    Returns:
        Array ``(3, 2S+1, 2S+1)`` [hbar]; the basis is the projection on z, from +S down to -S.

    Raises:
        ValueError: ``spin`` is not 1/2, 1, 3/2, ...

    >>> spin_matrices(1 / 2)[2].real
    array([[ 0.5,  0. ],
           [ 0. , -0.5]])
    """
    remedy = "pass one of 1/2, 1, 3/2, 2, ..."
    value = real("spin", spin, remedy)
    if value.ndim:
        raise ValueError(f"spin has shape {value.shape}, but one number is admissible: {remedy}")
    require("spin", value, (value > 0) & (2 * value == np.round(2 * value)), "is no multiple of 1/2 above 0", remedy)
    s = float(value)
    projection = s - np.arange(int(2 * s) + 1)
    # <m+1|S_+|m> = sqrt(S(S+1) - m(m+1)); the factored form is exact at both ends.
    raising = np.diag(np.sqrt((s - projection[1:]) * (s + projection[1:] + 1)), 1)
    x, y = (raising + raising.T) / 2, (raising - raising.T) / 2j
    return np.array([x, y, np.diag(projection)])


def cross_matrix(v: ArrayLike) -> NDArray[np.float64]:
    """Return the antisymmetric matrix [v]x with [v]x w = v x w.

    Args:
        v: vectors ``(..., 3)``, any unit.

    Returns:
        Array ``(..., 3, 3)``, in the unit of ``v``.

    Raises:
        ValueError: ``v`` is not finite or its last axis is not 3 long.

    >>> cross_matrix((0.0, 0.0, 1.0)) @ (1.0, 0.0, 0.0)
    array([0., 1., 0.])
    """
    x, y, z = np.moveaxis(vectors("v", v), -1, 0)
    zero = np.zeros_like(x)
    return np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*x.shape, 3, 3)


def rotation_matrix(axis: ArrayLike, angle: ArrayLike) -> NDArray[np.float64]:
    """Return the right-handed rotation exp(angle [n]x) about n = axis / |axis|.

    Args:
        axis: ``(..., 3)``, any length above 0; only its direction counts.
        angle: rad, broadcasts against the leading shape of ``axis``; positive turns x towards y for axis z.

    Returns:
        Array ``(..., 3, 3)`` in SO(3); ``R @ v`` is the rotated vector.

    Raises:
        ValueError: ``axis`` is zero, not finite or not ``(..., 3)``; ``angle`` is not finite or does not broadcast.

    >>> rotation_matrix((0, 0, 2), np.pi / 2).round(12) @ (1, 0, 0)
    array([0., 1., 0.])
    """
    n = _normalized("axis", axis)
    (turn,) = _angles(angle=angle)
    shared_shape(axis=n.shape[:-1], angle=turn.shape)
    turn = turn[..., None, None]
    generator = cross_matrix(n)
    # Rodrigues; 2 sin^2(angle/2) keeps the digits that 1 - cos(angle) loses at small angles.
    return np.asarray(np.eye(3) + np.sin(turn) * generator + 2 * np.sin(turn / 2) ** 2 * (generator @ generator))


def spin_rotation(theta: ArrayLike, phi: ArrayLike = 0.0) -> NDArray[np.complex128]:
    """Return R = exp(-i phi sigma_z/2) exp(-i theta sigma_y/2), which turns spin up to (theta, phi) (KK 5 at phi = 0).

    Args:
        theta: polar angle of the new quantisation axis [rad], broadcasts.
        phi: its azimuth [rad], broadcasts.

    Returns:
        Array ``(..., 2, 2)`` in SU(2); R sigma_z R^dagger = n.sigma with n = ``direction(theta, phi)``.

    Raises:
        ValueError: an angle is not finite, or the two do not broadcast.

    >>> spin_rotation(np.pi).real.round(12)
    array([[ 0., -1.],
           [ 1.,  0.]])
    """
    polar, azimuth = _angles(theta=theta, phi=phi)
    cos, sin, phase = np.cos(polar / 2), np.sin(polar / 2), np.exp(-0.5j * azimuth)
    entries = [phase * cos, -phase * sin, phase.conj() * sin, phase.conj() * cos]
    return np.stack(entries, axis=-1).reshape(*polar.shape, 2, 2)


def adjoint_rotation(unitary: ArrayLike) -> NDArray[np.float64]:
    """Return the rotation of vectors that a rotation of spins stands for, R_ij = Tr(sigma_i U sigma_j U^dagger)/2.

    Args:
        unitary: U, ``(..., 2, 2)``; U and a phase times U give the same result.

    Returns:
        Array ``(..., 3, 3)`` in SO(3), with U (v.sigma) U^dagger = (R v).sigma.

    Raises:
        ValueError: ``unitary`` is not ``(..., 2, 2)`` or deviates from unitarity by more than 1e-8.

    >>> adjoint_rotation(spin_rotation(0.0, np.pi / 2)).round(12) @ (1, 0, 0)
    array([0., 1., 0.])
    """
    remedy = "pass matrices of shape (..., 2, 2) with U U^dagger = 1"
    u = np.asarray(finite("unitary", unitary, remedy, complex_allowed=True), dtype=np.complex128)
    if u.shape[-2:] != (2, 2):
        raise ValueError(f"unitary has shape {u.shape}: {remedy}")
    adjoint = u.conj().swapaxes(-1, -2)
    defect = np.abs(u @ adjoint - np.eye(2)).max(axis=(-1, -2))
    require("largest entry of |U U^dagger - 1| of unitary", defect, defect <= 1e-8, "is above 1e-8", remedy)
    return np.asarray(np.einsum("iab,...bc,jcd,...da->...ij", PAULI, u, PAULI, adjoint).real / 2)


def unit_vector(v: ArrayLike) -> NDArray[np.float64]:
    """Return v / |v|.

    Args:
        v: vectors ``(..., 3)``, any unit, any length above 0.

    Returns:
        Array of the same shape, dimensionless.

    Raises:
        ValueError: a vector is zero or not finite, or the last axis is not 3 long.

    >>> unit_vector((3.0, 0.0, 4.0))
    array([0.6, 0. , 0.8])
    """
    return _normalized("v", v)


def direction(theta: ArrayLike, phi: ArrayLike = 0.0) -> NDArray[np.float64]:
    """Return (sin theta cos phi, sin theta sin phi, cos theta).

    Args:
        theta: polar angle from z [rad], broadcasts.
        phi: azimuth from x towards y [rad], broadcasts.

    Returns:
        Unit vectors ``(..., 3)``.

    Raises:
        ValueError: an angle is not finite, or the two do not broadcast.

    >>> direction(0.0)
    array([0., 0., 1.])
    """
    polar, azimuth = _angles(theta=theta, phi=phi)
    return np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], axis=-1)
