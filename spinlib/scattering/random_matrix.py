"""Disordered spacers with given transmission eigenvalues, drawn from the ensemble that KK 2.3.1 averages over."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import generator
from spinlib.scattering._algebra import probability
from spinlib.scattering.smatrix import SMatrix

__all__ = ["random_spacer"]


def random_spacer(
    transmission_eigenvalues: ArrayLike,
    samples: int,
    *,
    time_reversal: bool = False,
    seed: int | np.random.Generator | None = None,
) -> SMatrix:
    r"""Return spin-conserving spacers in polar decomposition with Haar-distributed mode mixing (KK 12).

    S = diag(U, V') [[sqrt(1-T), i sqrt(T)], [i sqrt(T), sqrt(1-T)]] diag(U', V), the same for both spins; U, U', V, V'
    are independent Haar unitaries. With time reversal U' = U^T and V' = V^T, so that S = S^T.

    Args:
        transmission_eigenvalues: T_n, eigenvalues of t t^dagger, within [0, 1]; ``(N,)`` or ``(samples, N)``.
        samples: number of spacers, >= 1.
        time_reversal: whether S is symmetric (no magnetic field, no spin-orbit coupling in the spacer).
        seed: of the random numbers; None: fresh ones.

    Returns:
        SMatrix with blocks ``(samples, 2N, 2N)``; 16 (2N)^2 bytes a block and sample.

    Raises:
        ValueError: an eigenvalue outside [0, 1], a wrong shape, ``samples`` below 1, an inadmissible ``seed``.

    >>> spacer = random_spacer([1.0, 0.0], samples=3, seed=1)
    >>> np.linalg.svd(spacer.t[0, :2, :2])[1].round(12)
    array([1., 0.])
    """
    if isinstance(samples, bool) or not isinstance(samples, int | np.integer) or samples < 1:
        raise ValueError(f"samples = {samples!r} is no number of spacers: pass an integer >= 1")
    t = probability("transmission_eigenvalues", transmission_eigenvalues)
    if t.ndim not in (1, 2) or not t.shape[-1] or (t.ndim == 2 and t.shape[0] != samples):
        raise ValueError(
            f"transmission_eigenvalues has shape {t.shape}: pass one row (N,) or one per sample ({samples}, N), N >= 1"
        )
    rng = generator(seed)
    n = t.shape[-1]
    u, v_prime = _haar(rng, samples, n), _haar(rng, samples, n)
    if time_reversal:
        u_prime, v = u.swapaxes(-1, -2), v_prime.swapaxes(-1, -2)
    else:
        u_prime, v = _haar(rng, samples, n), _haar(rng, samples, n)
    # Multiplying columns by a vector is multiplying by a diagonal matrix from the right.
    reflected, passed = np.sqrt(1 - t)[..., None, :], 1j * np.sqrt(t)[..., None, :]
    orbital = (u * reflected @ u_prime, u * passed @ v, v_prime * passed @ u_prime, v_prime * reflected @ v)
    # Unitary by construction: checking S^dagger S would take longer than all the rest.
    return SMatrix._from_valid(*(_both_spins(m) for m in orbital))


def _both_spins(orbital: NDArray[np.complex128]) -> NDArray[np.complex128]:
    n = orbital.shape[-1]
    whole = np.zeros((*orbital.shape[:-2], 2 * n, 2 * n), dtype=np.complex128)
    whole[..., :n, :n] = whole[..., n:, n:] = orbital
    return whole


def _haar(rng: np.random.Generator, samples: int, n: int) -> NDArray[np.complex128]:
    gaussian = rng.standard_normal((2, samples, n, n))
    q, r = np.linalg.qr(gaussian[0] + 1j * gaussian[1])
    # QR alone leaves the phases of the library's choice, which is not the Haar measure.
    phases = np.diagonal(r, axis1=-2, axis2=-1)
    return np.asarray(q * (phases / np.abs(phases))[..., None, :])
