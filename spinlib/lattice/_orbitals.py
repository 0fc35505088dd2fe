"""Three p orbitals with spin on a site: angular momentum, spin-orbit and exchange energy, hopping along a bond."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from spinlib.spin import PAULI

__all__ = ["LS", "SPIN", "bond", "exchange"]

_Real = NDArray[np.float64]
_Complex = NDArray[np.complex128]

_LEVI_CIVITA = np.zeros((3, 3, 3))
for _k in range(3):
    _LEVI_CIVITA[_k, (_k + 1) % 3, (_k + 2) % 3] = 1.0
    _LEVI_CIVITA[_k, (_k + 2) % 3, (_k + 1) % 3] = -1.0

#: Spin S = sigma/2 of a site, ``(3, 6, 6)``; index (p_x, p_y, p_z) x (up, down).
SPIN: Final[_Complex] = np.array([np.kron(np.eye(3), each / 2) for each in PAULI])

#: L.S with (L_k)_ij = -i epsilon_kij, ``(6, 6)``: eigenvalues -1 (twice) and 1/2 (four times).
LS: Final[_Complex] = np.asarray(sum(np.kron(-1j * _LEVI_CIVITA[k], PAULI[k] / 2) for k in range(3)))


def exchange(m: _Real) -> _Complex:
    """Return -m.sigma/2 of vectors ``(..., 3)`` as ``(..., 6, 6)``: times Delta the exchange energy.

    >>> np.linalg.eigvalsh(exchange(np.array([0.0, 0.6, 0.8]))).round(12)
    array([-0.5, -0.5, -0.5,  0.5,  0.5,  0.5])
    """
    return np.asarray(-np.tensordot(m, SPIN, axes=(-1, 0)))


def bond(vector: _Real, hopping: tuple[float, float], decay: float) -> _Real:
    """Return the Slater-Koster hopping between p orbitals at distance ``vector`` ``(..., 3)``, as ``(..., 3, 3)``.

    r^-decay [V_pi + (V_sigma - V_pi) u u^T] with u = ``vector``/r and ``hopping`` = (V_sigma, V_pi).

    >>> bond(np.array([0.0, 0.0, 2.0]), (1.0, -0.4), 2.0).diagonal()
    array([-0.1 , -0.1 ,  0.25])
    """
    sigma, pi = hopping
    square = np.einsum("...i,...i", vector, vector)[..., None, None]
    along = vector[..., :, None] * vector[..., None, :] / square
    return np.asarray(square ** (-decay / 2) * (pi * np.eye(3) + (sigma - pi) * along))
