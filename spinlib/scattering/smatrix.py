"""Coherent layers: scattering matrices of 2N amplitudes a side, put in series without transfer matrices.

Conventions (blocks, order of indices, normalisation) are those of :mod:`spinlib.scattering`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import finite, require, shared_shape
from spinlib.scattering._algebra import (
    LayerT,
    alike,
    amplitudes_from_left,
    angles,
    batch_text,
    blocks,
    mean_text,
    solve_amplitudes,
)
from spinlib.spin import spin_rotation

__all__ = ["SMatrix", "compose", "mode_amplitudes", "rotate"]

_UNITARY = 1e-8

_Blocks = NDArray[np.complex128]


@dataclass(frozen=True, eq=False, repr=False)
class SMatrix:
    r"""Unitary scattering matrix S = [[r, t'], [t, r']] of one layer with N channels (KK 3).

    Modes carry unit flux. Row and column index = spin * N + channel, spin up first.

    Args:
        r: reflection of what comes from the left, ``(..., 2N, 2N)``, complex.
        t_prime: t', transmission from right to left, same shape.
        t: transmission from left to right, same shape.
        r_prime: r', reflection of what comes from the right, same shape.

    Raises:
        ValueError: a block is not finite, not ``(..., 2N, 2N)``, or S is not unitary to 1e-8.

    >>> SMatrix(r=0.6 * np.eye(2), t_prime=0.8j * np.eye(2), t=0.8j * np.eye(2), r_prime=0.6 * np.eye(2))
    SMatrix(channels=1, mean transmission=0.64)
    """

    r: _Blocks
    t_prime: _Blocks
    t: _Blocks
    r_prime: _Blocks

    if TYPE_CHECKING:  # whatever makes such arrays is accepted

        def __init__(self, r: ArrayLike, t_prime: ArrayLike, t: ArrayLike, r_prime: ArrayLike) -> None: ...

    def __post_init__(self) -> None:
        given = {"r": self.r, "t_prime": self.t_prime, "t": self.t, "r_prime": self.r_prime}
        for name, array in zip(given, blocks(dict(given), "(..., 2N, 2N)", complex_allowed=True), strict=True):
            object.__setattr__(self, name, array)
        if self._size % 2 or not self._size:
            raise ValueError(f"r has shape {self.r.shape}: pass an even number 2N of rows, spin up first")
        s = self.matrix
        defect = np.abs(s.conj().swapaxes(-1, -2) @ s - np.eye(2 * self._size)).max(axis=(-2, -1))
        remedy = "pass [[r, t'], [t, r']] with S^dagger S = 1, modes normalised to unit flux"
        require("largest entry of |S^dagger S - 1|", defect, defect <= _UNITARY, "shows that S is not unitary", remedy)

    @classmethod
    def _from_valid(cls, r: _Blocks, t_prime: _Blocks, t: _Blocks, r_prime: _Blocks) -> Self:
        """Build a layer from blocks that follow from valid layers: the tolerance is meant for what users pass."""
        layer = object.__new__(cls)
        given = np.broadcast_arrays(r, t_prime, t, r_prime)
        for name, array in zip(("r", "t_prime", "t", "r_prime"), given, strict=True):
            array.flags.writeable = False
            object.__setattr__(layer, name, array)
        return layer

    @classmethod
    def from_matrix(cls, matrix: ArrayLike) -> Self:
        """Return the layer whose whole matrix [[r, t'], [t, r']] is given (KK 3).

        Args:
            matrix: S, ``(..., 4N, 4N)``, complex; first index and column half: the left side.

        Raises:
            ValueError: ``matrix`` is not finite, not ``(..., 4N, 4N)`` or not unitary to 1e-8.

        >>> SMatrix.from_matrix(np.eye(4)[[2, 3, 0, 1]]).t.real
        array([[1., 0.],
               [0., 1.]])
        """
        remedy = "pass S of shape (..., 4N, 4N)"
        s = np.asarray(finite("matrix", matrix, remedy, complex_allowed=True), dtype=np.complex128)
        if s.ndim < 2 or s.shape[-1] != s.shape[-2] or s.shape[-1] % 4 or not s.shape[-1]:
            raise ValueError(f"matrix has shape {s.shape}: {remedy}")
        half = s.shape[-1] // 2
        return cls(s[..., :half, :half], s[..., :half, half:], s[..., half:, :half], s[..., half:, half:])

    @classmethod
    def from_spins(cls, up: ArrayLike, down: ArrayLike) -> Self:
        """Return the spin-conserving layer made of one scattering matrix per spin.

        Args:
            up: [[r, t'], [t, r']] of majority electrons, ``(..., 2N, 2N)``, complex.
            down: the same for minority electrons.

        Raises:
            ValueError: ``up`` or ``down`` is not finite, not ``(..., 2N, 2N)`` of one size, or not unitary to 1e-8.

        >>> SMatrix.from_spins([[0, 1], [1, 0]], [[1, 0], [0, 1]]).t.real  # a perfect filter
        array([[1., 0.],
               [0., 0.]])
        """
        spins = blocks({"up": up, "down": down}, "(..., 2N, 2N)", complex_allowed=True)
        size = spins[0].shape[-1]
        if size % 2 or not size:
            raise ValueError(f"up has shape {spins[0].shape}: pass [[r, t'], [t, r']] of shape (..., 2N, 2N)")
        n = size // 2
        whole = np.zeros((*spins[0].shape[:-2], 2, 2, n, 2, 2, n), dtype=complex)  # side, spin, channel; twice
        for spin, s in enumerate(spins):
            whole[..., :, spin, :, :, spin, :] = s.reshape(*s.shape[:-2], 2, n, 2, n)
        return cls.from_matrix(whole.reshape(*spins[0].shape[:-2], 4 * n, 4 * n))

    @property
    def channels(self) -> int:
        """N, the number of channels per spin."""
        return self._size // 2

    @property
    def matrix(self) -> _Blocks:
        """S = [[r, t'], [t, r']] as one array ``(..., 4N, 4N)``."""
        return np.concatenate(
            [np.concatenate([self.r, self.t_prime], axis=-1), np.concatenate([self.t, self.r_prime], axis=-1)], axis=-2
        )

    @property
    def _batch(self) -> tuple[int, ...]:
        return self.r.shape[:-2]

    @property
    def _size(self) -> int:
        return int(self.r.shape[-1])

    def __repr__(self) -> str:
        mean = mean_text(np.sum(np.abs(self.t) ** 2, axis=(-2, -1)) / self._size)
        return f"SMatrix(channels={self.channels}, mean transmission={mean}{batch_text(self._batch)})"

    def _rotated(self, theta: ArrayLike, phi: ArrayLike) -> Self:
        turn = np.kron(spin_rotation(theta, phi), np.eye(self.channels))
        back = turn.conj().swapaxes(-1, -2)
        return self._from_valid(*(turn @ m @ back for m in (self.r, self.t_prime, self.t, self.r_prime)))

    def _mirrored(self) -> Self:
        return self._from_valid(self.r_prime, self.t, self.t_prime, self.r)

    def _joined(self, right: Self) -> Self:
        # Redheffer star: right movers between the two layers are F_L (from the left) and F_R (from the right).
        closed = np.eye(self._size) - self.r_prime @ right.r
        from_left = solve_amplitudes(closed, self.t)
        from_right = solve_amplitudes(closed, self.r_prime @ right.t_prime)
        return self._from_valid(
            self.r + self.t_prime @ right.r @ from_left,
            self.t_prime @ (right.r @ from_right + right.t_prime),
            right.t @ from_left,
            right.r_prime + right.t @ from_right,
        )


def rotate(layer: LayerT, theta: ArrayLike, phi: ArrayLike = 0.0) -> LayerT:
    """Return the layer with its axis turned from z to (theta, phi), r -> R r R^dagger (KK 4, 5).

    R = exp(-i phi sigma_z/2) exp(-i theta sigma_y/2); on a HatMatrix it acts as the rotation of the spin components.

    Args:
        layer: an SMatrix or a HatMatrix.
        theta: polar angle of the new axis [rad], broadcasts against the leading shape of ``layer``.
        phi: its azimuth [rad], likewise.

    Returns:
        A layer of the same type, with the broadcast leading shape.

    Raises:
        ValueError: ``layer`` is no layer, ``theta`` or ``phi`` is not finite, or shapes do not broadcast.

    >>> filter_z = SMatrix.from_spins([[0, 1], [1, 0]], [[1, 0], [0, 1]])
    >>> rotate(filter_z, np.pi).t.real.round(12) + 0.0
    array([[0., 0.],
           [0., 1.]])
    """
    if not hasattr(type(layer), "_rotated"):
        raise ValueError(f"layer = {layer!r} is a {type(layer).__name__}: pass one SMatrix or HatMatrix")
    polar, azimuth = angles(theta, phi)
    shared_shape(layer=layer._batch, theta=polar.shape, phi=azimuth.shape)
    return layer._rotated(polar, azimuth)


def compose(*layers: LayerT) -> LayerT:
    """Return several layers in series as one layer (Redheffer star product; eliminates the inner regions of KK 2).

    Args:
        *layers: all SMatrix or all HatMatrix, from left to right; leading shapes broadcast.

    Returns:
        One layer of the same type.

    Raises:
        ValueError: no layer, layers of mixed type or unequal N, or shapes that do not broadcast (``layers``).

    >>> wire = SMatrix(np.zeros((2, 2)), 1j * np.eye(2), 1j * np.eye(2), np.zeros((2, 2)))
    >>> compose(wire, wire).t.real
    array([[-1.,  0.],
           [ 0., -1.]])
    """
    first = type(layers[0]) if layers else SMatrix
    kinds = (first,) if hasattr(first, "_joined") else (SMatrix,)
    stack, _ = alike(layers, kinds)
    whole = stack[0]
    for layer in stack[1:]:
        whole = whole._joined(layer)
    return whole


def mode_amplitudes(layers: Sequence[SMatrix]) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    """Return the amplitudes of right and left movers in every region, per incoming mode (KK 6, 7).

    Regions count from the left: 0 touches the left reservoir, L the right one.

    Args:
        layers: SMatrix objects from left to right.

    Returns:
        (right_moving, left_moving), each ``(..., L+1, 2N, 4N)``: row = spin * N + channel of the amplitude; the
        first 2N columns belong to unit flux that comes from the left, one mode after the other, the last 2N to flux
        from the right.

    Raises:
        ValueError: empty stack, layers that are no SMatrix, unequal N, shapes that do not broadcast (``layers``).

    >>> filter_z = SMatrix.from_spins([[0, 1], [1, 0]], [[1, 0], [0, 1]])
    >>> right, left = mode_amplitudes([filter_z])
    >>> right[1].real  # from the left: up is transmitted; from the right: down is reflected
    array([[1., 0., 0., 0.],
           [0., 0., 0., 1.]])
    """
    stack, batch = alike(layers, (SMatrix,))
    right, left = amplitudes_from_left(stack, batch)
    # Seen from behind, the right reservoir is the left one.
    left_behind, right_behind = amplitudes_from_left([layer._mirrored() for layer in reversed(stack)], batch)
    return (
        np.concatenate([right, right_behind[..., ::-1, :, :]], axis=-1),
        np.concatenate([left, left_behind[..., ::-1, :, :]], axis=-1),
    )
