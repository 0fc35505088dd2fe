"""Fermions in a few orbitals, Berry phase of spin paths, exchange constants, spin waves (RHP 1, 10, 11, 32, 82-86).

Every arrow is a spin and H = -1/2 sum_ij J_ij S_i.S_j, each pair counted twice: J > 0 is ferromagnetic.
"""

from functools import reduce
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import float_or_array, integer, not_negative, number, positive, real, require, unit, vectors

__all__ = ["berry_phase", "exchange_moments", "fermion_operators", "magnon_dispersion"]

_Real = NDArray[np.float64]


class ExchangeMoments(NamedTuple):
    """Moments of the exchange coupling over the neighbours of one site (RHP 85, 86).

    Args:
        zeroth: J_0 = sum J [J].
        second: sum J d d^T [J m^2], ``(3, 3)``. RHP's J_2 is a third of its trace.
    """

    zeroth: float
    second: _Real


def fermion_operators(orbitals: int) -> _Real:
    """Return the matrices a_1, a_2, ... that take a fermion out of one of a few orbitals (RHP 1, 3).

    The basis are the 2^n occupations in the construction of Jordan and Wigner: first orbital first, empty before full,
    so that basis state 0 is the vacuum and the state of index 2^(n-i) has one fermion, in orbital i = 1, ..., n.

    Args:
        orbitals: n, from 1 to 10; spin up and spin down of one orbital count as two.

    Returns:
        Real array ``(n, 2^n, 2^n)``; the transposed matrices put a fermion in. {a_i, a_j} = 0, {a_i, a_j^T} = delta_ij.

    Raises:
        ValueError: ``orbitals`` is no integer from 1 to 10.

    >>> a, b = fermion_operators(2)
    >>> bool((a @ b == -b @ a).all()), (a @ a.T + a.T @ a).diagonal().tolist()
    (True, [1.0, 1.0, 1.0, 1.0])
    """
    n = integer("orbitals", orbitals, 1)
    require("orbitals", n, n <= 10, "needs matrices of more than 1024 states", "pass 1 <= orbitals <= 10")
    lower, sign = np.array([[0.0, 1.0], [0.0, 0.0]]), np.diag([1.0, -1.0])
    return np.array([reduce(np.kron, [sign] * i + [lower] + [np.eye(2)] * (n - 1 - i)) for i in range(n)])


def berry_phase(directions: ArrayLike, spin: float) -> float | _Real:
    """Return the phase of a coherent spin that is led around a closed polygon, -S times its solid angle (RHP 32).

    It is the sum of the phases of the overlaps <n_(k+1)|n_k> of neighbouring coherent states, the last with the first:
    the exponent i A_WZ of the path integral, whose variation with the energy gives dn/dt = n x B.

    Args:
        directions: unit vectors ``(..., n, 3)``, the corners in order; arcs of great circles join them, the last one
            to the first, too. A smooth path needs corners so dense that the error, of second order in their distance,
            is small enough.
        spin: S [hbar], a positive multiple of 1/2.

    Returns:
        Phase [rad] of shape ``(...)``, -S Omega with the solid angle Omega, positive for a right-handed circuit, in
        [-2 pi, 2 pi]; larger ones are reduced by 4 pi, which changes the phase by a multiple of 2 pi. A great circle
        may come out with either sign.

    Raises:
        ValueError: no unit vectors, a wrong shape, no corner, neighbours that are opposite (no arc is the shortest), or
            ``spin`` is no positive multiple of 1/2.

    >>> round(berry_phase([(1, 0, 0), (0, 1, 0), (0, 0, 1)], 1 / 2) / np.pi, 12)  # an octant: -pi/4
    -0.25
    """
    n = unit("directions", directions)
    if n.ndim < 2 or not n.shape[-2]:
        raise ValueError(f"directions has shape {n.shape}: pass the corners of a path as (..., n, 3)")
    s = number("spin", spin, positive)
    require("spin", s, 2 * s == np.round(2 * s), "is no multiple of 1/2", "pass one of 1/2, 1, 3/2, 2, ...")
    neighbours = np.roll(n, -1, axis=-2)
    overlap = np.linalg.norm(n + neighbours, axis=-1) / 2
    remedy = "pass a corner between the two, which says where the path goes"
    require("|<n_k+1|n_k>| of directions", overlap, overlap > 1e-7, "is that of opposite neighbours", remedy)
    # Spin-1/2 states, each in the gauge that is regular at its own pole: the phase of the closed product has no gauge.
    x, y, z = np.moveaxis(n, -1, 0)
    state = np.where(z >= 0, [1 + z, x + 1j * y], [x - 1j * y, 1 - z])
    links = np.sum(np.roll(state, -1, axis=-1).conj() * state, axis=0)
    return float_or_array(2 * s * np.angle(np.prod(links / np.abs(links), axis=-1)))


def exchange_moments(bonds: ArrayLike, couplings: ArrayLike) -> ExchangeMoments:
    """Return the moments of the exchange coupling that the continuum keeps of a lattice (RHP 85, 86).

    A slowly varying direction n of spins S has the energy of exchange (S^2/4) sum_ab J_2,ab d_a n . d_b n per site, and
    its spin waves near k = 0 the energy S k.J_2.k/2; the stiffness of a magnon band [J m^2] is S J_2/2.

    Args:
        bonds: d [m] from one site to all its neighbours, ``(n, 3)``; in a crystal with inversion d and -d.
        couplings: J of each bond [J], ``(n,)`` or one number, in H = -1/2 sum_ij J_ij S_i.S_j.

    Returns:
        Named tuple (zeroth, second) of J_0 [J] and J_2 [J m^2], ``(3, 3)``. RHP's scalar J_2 is its trace over 3; for
        a cubic crystal J_2 is that number times the unit matrix.

    Raises:
        ValueError: a wrong shape, a bond of length 0 or given twice, or a first moment sum J d other than 0.

    >>> square = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0)]
    >>> j0, j2 = exchange_moments(square, 0.5)
    >>> j0, j2.tolist()
    (2.0, [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    """
    d, j = _neighbours(bonds, couplings)
    first, scale = np.linalg.norm(j @ d), np.abs(j) @ np.linalg.norm(d, axis=-1)
    remedy = "pass all neighbours of one site, d as well as -d"
    require(
        "|sum J d| / sum |J d| of bonds", first / scale if scale else 0.0, first <= 1e-9 * scale, "is not 0", remedy
    )
    return ExchangeMoments(float(j.sum()), np.einsum("n,ni,nj->ij", j, d, d))


def magnon_dispersion(
    wavevectors: ArrayLike, bonds: ArrayLike, couplings: ArrayLike, spin: float, *, gap: float = 0.0
) -> float | _Real:
    """Return the energy of one spin wave above the ferromagnetic state, gap + S sum J (1 - cos k.d) (RHP 82, 84).

    Exact for one magnon on a lattice with one site in its cell. For small k it is gap + S k.J_2.k/2.

    Args:
        wavevectors: k [1/m], ``(..., 3)``.
        bonds: d [m] from one site to all its neighbours, ``(n, 3)``, d as well as -d.
        couplings: J of each bond [J], ``(n,)`` or one number; positive is ferromagnetic. Equal on d and -d.
        spin: S of a site [hbar], > 0.
        gap: Zeeman and anisotropy energy of a uniform rotation [J], >= 0.

    Returns:
        Energy [J] of shape ``(...)``. Where it is negative, the ferromagnetic state is not the ground state.

    Raises:
        ValueError: a number outside its range, a wrong shape, a bond of length 0, given twice, or without its opposite.

    >>> magnon_dispersion([(np.pi, 0, 0)], [(1, 0, 0), (-1, 0, 0)], 0.5, 1.0)
    array([2.])
    """
    k = vectors("wavevectors", wavevectors)
    d, j = _neighbours(bonds, couplings)
    length = np.linalg.norm(d, axis=-1)
    opposite = np.linalg.norm(d[:, None] + d, axis=-1) <= 1e-6 * length
    unpaired = np.abs(opposite.sum(axis=-1) - 1) + np.abs(opposite @ j - j) / np.abs(j).max(initial=1e-300)
    remedy = "pass each d once and -d with the same coupling"
    require(
        "number of opposites of bonds", opposite.sum(axis=-1), unpaired <= 1e-9, "leaves one without its pair", remedy
    )
    s, least = number("spin", spin, positive), number("gap", gap, not_negative)
    # 2 sin^2 keeps the digits that 1 - cos loses at small k.
    return float_or_array(least + 2 * s * (np.sin(k @ d.T / 2) ** 2 @ j))


def _neighbours(bonds: ArrayLike, couplings: ArrayLike) -> tuple[_Real, _Real]:
    """Return bonds ``(n, 3)`` and couplings ``(n,)``, or refuse their shapes and bonds of a site to itself."""
    d = vectors("bonds", bonds)
    j = real("couplings", couplings, "pass couplings in J, one for each bond")
    if d.ndim != 2:
        raise ValueError(f"bonds has shape {d.shape}: pass the neighbours of one site as (n, 3) in m")
    if j.shape not in ((), (len(d),)):
        raise ValueError(f"couplings has shape {j.shape}: pass one number, or one for each of the {len(d)} bonds")
    length = np.linalg.norm(d, axis=-1)
    require("length of bonds", length, length > 0, "joins a site to itself", "leave it out: it adds a constant")
    copies = (np.linalg.norm(d[:, None] - d, axis=-1) <= 1e-6 * length).sum(axis=-1)
    require(
        "copies of bonds", copies, copies == 1, "counts one neighbour twice", "pass each bond once, couplings added"
    )
    return d, np.broadcast_to(j, len(d))
