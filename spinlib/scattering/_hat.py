"""Averaged layers: the 4 x 4 matrices of KK 2.3 that act on (charge, s_x, s_y, s_z)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import require
from spinlib.scattering._algebra import batch_text, blocks, mean_text, product, solve
from spinlib.scattering.smatrix import SMatrix
from spinlib.spin import PAULI

__all__ = ["LARGEST_POPULATION", "HatMatrix", "hat_average"]

_CONSERVED = 1e-9
# A polarised reservoir fills one spin direction with 2, and no region holds more than is sent into the stack.
LARGEST_POPULATION = 2.001

_NAMES = ("r", "t_prime", "t", "r_prime")
_SIGMA = np.concatenate([np.eye(2)[None], PAULI])
_Blocks = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class HatMatrix:
    r"""Averaged scattering of one layer in the basis (charge, x, y, z), leading order in 1/N (KK 2.3.1).

    A block m of S becomes M_{mu nu} = Tr[sigma_mu m sigma_nu m^dagger] / 2N; it maps the populations
    X = x_0 + x.sigma of the incoming modes to those of the outgoing modes.

    Args:
        r: reflection of what comes from the left, ``(..., 4, 4)``, real, dimensionless.
        t_prime: transmission from right to left, same shape.
        t: transmission from left to right, same shape.
        r_prime: reflection of what comes from the right, same shape.

    Raises:
        ValueError: a block is not finite or not ``(..., 4, 4)``; charge is not conserved or the layer is not unital
            (two full reservoirs do not stay full) to 1e-9; a block is no average of m X m^dagger, i.e. not completely
            positive: its Choi matrix sum_{mu nu} M_{mu nu} sigma_mu ⊗ sigma_nu* / 2 has an eigenvalue below -1e-9.

    >>> HatMatrix(r=0.75 * np.eye(4), t_prime=0.25 * np.eye(4), t=0.25 * np.eye(4), r_prime=0.75 * np.eye(4))
    HatMatrix(mean transmission=0.25)
    """

    r: _Blocks
    t_prime: _Blocks
    t: _Blocks
    r_prime: _Blocks
    # 1 - r - t and 1 - r' - t': what the layer takes from each side. Kept apart because the difference of
    # the blocks has no digits left for weak filters.
    _absorption: _Blocks = field(init=False)
    _absorption_prime: _Blocks = field(init=False)

    if TYPE_CHECKING:  # whatever makes such arrays is accepted

        def __init__(self, r: ArrayLike, t_prime: ArrayLike, t: ArrayLike, r_prime: ArrayLike) -> None: ...

    def __post_init__(self) -> None:
        given = {name: getattr(self, name) for name in _NAMES}
        arrays = blocks(dict(given), "(..., 4, 4)", complex_allowed=False)
        if arrays[0].shape[-1] != 4:
            raise ValueError(f"r has shape {arrays[0].shape}: pass four blocks of shape (..., 4, 4)")
        for name, array in zip(_NAMES, arrays, strict=True):
            object.__setattr__(self, name, array)
        for name, lost in {"r + t": self.r + self.t, "r' + t'": self.r_prime + self.t_prime}.items():
            defect = np.abs(lost[..., 0, :] - np.eye(4)[0]).max(axis=-1)
            remedy = "pass blocks whose charge rows add up to (1, 0, 0, 0), within 1e-9"
            require(f"charge defect of {name}", defect, defect <= _CONSERVED, "is not conservation of charge", remedy)
        for name, full in {"r + t'": self.r + self.t_prime, "r' + t": self.r_prime + self.t}.items():
            defect = np.abs(full[..., :, 0] - np.eye(4)[0]).max(axis=-1)
            remedy = "pass blocks whose first columns add up to (1, 0, 0, 0), within 1e-9"
            require(f"defect of the first column of {name}", defect, defect <= _CONSERVED, "is not unital", remedy)
        for name in _NAMES:
            _require_completely_positive(name, getattr(self, name))
        self._absorb(np.eye(4) - self.r - self.t, np.eye(4) - self.r_prime - self.t_prime)

    def _absorb(self, left: _Blocks, right: _Blocks) -> None:
        object.__setattr__(self, "_absorption", left)
        object.__setattr__(self, "_absorption_prime", right)

    @classmethod
    def _from_valid(cls, six: Sequence[_Blocks]) -> Self:
        """Build a layer from r, t', t, r' and both absorptions that are known to be consistent."""
        layer = object.__new__(cls)
        for array in six:
            array.flags.writeable = False
        for name, array in zip(_NAMES, six, strict=False):
            object.__setattr__(layer, name, array)
        layer._absorb(six[4], six[5])
        return layer

    def _six(self) -> list[_Blocks]:
        return [self.r, self.t_prime, self.t, self.r_prime, self._absorption, self._absorption_prime]

    @property
    def _batch(self) -> tuple[int, ...]:
        return self.r.shape[:-2]

    @property
    def _size(self) -> int:
        return 4

    def __repr__(self) -> str:
        return f"HatMatrix(mean transmission={mean_text(self.t[..., 0, 0])}{batch_text(self._batch)})"

    def _rotated(self, theta: ArrayLike, phi: ArrayLike) -> Self:
        turn = _turn(theta, phi)
        back = turn.swapaxes(-1, -2)
        different, same = _different(self._six())  # those of a symmetric layer are the same twice
        turned = [product(turn, m) @ back for m in different]
        return self._from_valid([turned[k] for k in same])

    def _mirrored(self) -> Self:
        return self._from_valid([self._six()[i] for i in (3, 2, 1, 0, 5, 4)])

    def _drain(self, absorbed: _Blocks) -> _Blocks:
        """Return 1 - r' (1 - absorbed): the share of right movers behind the layer that never comes back.

        ``absorbed`` = 1 - reflection of what follows. The sum of positive maps keeps the digits that
        the difference loses when nearly everything is reflected.
        """
        return np.asarray(self._absorption_prime + self.t_prime + product(self.r_prime, absorbed))

    def _joined(self, right: Self) -> Self:
        # Redheffer star: right movers between the two layers are F_L (from the left) and F_R (from the right).
        drain = self._drain(right._absorption + right.t)
        sources = np.concatenate(np.broadcast_arrays(self.t, self.r_prime @ right.t_prime), axis=-1)
        from_left, from_right = np.split(solve(drain, sources, LARGEST_POPULATION), 2, axis=-1)
        back_left, back_right = right.r @ from_left, right.r @ from_right + right.t_prime
        six = [
            self.r + self.t_prime @ back_left,
            self.t_prime @ back_right,
            right.t @ from_left,
            right.r_prime + right.t @ from_right,
            self._absorption + self._absorption_prime @ back_left + right._absorption @ from_left,
            right._absorption_prime + right._absorption @ from_right + self._absorption_prime @ back_right,
        ]
        return self._from_valid([*np.broadcast_arrays(*six)])


def _turn(theta: ArrayLike, phi: ArrayLike) -> _Blocks:
    """Return the rotation of (charge, x, y, z) about y by theta, then about z by phi, ``(..., 4, 4)``."""
    theta, phi = np.broadcast_arrays(theta, phi)
    c, s, cp, sp = np.cos(theta), np.sin(theta), np.cos(phi), np.sin(phi)
    turn = np.zeros((*theta.shape, 4, 4))
    turn[..., 0, 0] = 1.0
    turn[..., 1, 1], turn[..., 1, 2], turn[..., 1, 3] = cp * c, -sp, cp * s
    turn[..., 2, 1], turn[..., 2, 2], turn[..., 2, 3] = sp * c, cp, sp * s
    turn[..., 3, 1], turn[..., 3, 3] = -s, c
    return turn


def _different(arrays: Sequence[_Blocks]) -> tuple[list[_Blocks], list[int]]:
    """Return the arrays without those that are equal to an earlier one, and where each is among them."""
    different: list[_Blocks] = []
    same = []
    for array in arrays:
        k = next((k for k, other in enumerate(different) if np.array_equal(array, other)), len(different))
        if k == len(different):
            different.append(array)
        same.append(k)
    return different, same


def _require_completely_positive(name: str, block: _Blocks) -> None:
    """Refuse a block that no amplitudes produce: half an entangled pair could leave it with a negative probability."""
    choi = np.einsum("...ij,iab,jcd->...acbd", block, _SIGMA, _SIGMA.conj()).reshape(*block.shape[:-2], 4, 4) / 2
    lowest = np.linalg.eigvalsh(choi)[..., 0]
    remedy = (
        "pass averages of m X m^dagger, whose Choi eigenvalues are >= 0 within 1e-9; "
        "hat_average, ferromagnet and bulk_layer make them"
    )
    require(
        f"lowest Choi eigenvalue of {name}", lowest, lowest >= -_CONSERVED, "shows no completely positive map", remedy
    )


def hat_average(smatrix: SMatrix) -> HatMatrix:
    r"""Return the averaged layer of a coherent one, M_{mu nu} = Tr[sigma_mu m sigma_nu m^dagger] / 2N (KK 13, 14).

    Args:
        smatrix: layer with N channels; the average runs over the channels, not over leading dimensions.

    Returns:
        HatMatrix of the same leading shape.

    Raises:
        ValueError: ``smatrix`` is no SMatrix.

    >>> filter_z = SMatrix.from_spins([[0, 1], [1, 0]], [[1, 0], [0, 1]])
    >>> hat_average(filter_z).t[0]
    array([0.5, 0. , 0. , 0.5])
    """
    if not isinstance(smatrix, SMatrix):
        raise ValueError(f"smatrix is a {type(smatrix).__name__}: pass one SMatrix")
    n = smatrix.channels
    hats = []
    for m in (smatrix.r, smatrix.t_prime, smatrix.t, smatrix.r_prime):
        # Row (s, u), column = pair of channels; then pairs = sum over channels of m_su conj(m_tv).
        rows = np.moveaxis(m.reshape(*m.shape[:-2], 2, n, 2, n), -3, -2).reshape(*m.shape[:-2], 4, n * n)
        pairs = (rows @ rows.conj().swapaxes(-1, -2)).reshape(*m.shape[:-2], 2, 2, 2, 2)
        hats.append(np.einsum("its,...sutv,juv->...ij", _SIGMA, pairs, _SIGMA).real / (2 * n))
    r, t_prime, t, r_prime = hats
    return HatMatrix._from_valid([*hats, np.eye(4) - r - t, np.eye(4) - r_prime - t_prime])
