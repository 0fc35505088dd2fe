"""Eigenmodes of coupled diffusion in one homogeneous medium (of :mod:`spinlib.diffusion`; WD04 6-9 for any channels).

In a medium the deviations u_i of the potentials from their asymptote obey sigma_i u_i'' = sum_j G_ij (u_i - u_j).
Channels that relaxation connects form a component. Each component has one mode that does not decay, u equal in its
channels, and decaying modes with a rate kappa, whose currents add to 0.

The rates follow to high relative accuracy however far conductivities and rates are apart: the graph Laplacian of G is
eliminated without a subtraction (as Grassmann, Taksar and Heyman do for Markov chains), which leaves a triangle of good
condition between two diagonal matrices, and LAPACK's one-sided Jacobi method finds the singular values of such a
product.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dgejsv

__all__ = ["Modes", "components", "decompose"]

_Real = NDArray[np.float64]
_Flags = NDArray[np.bool_]
_Indices = NDArray[np.intp]

_PERFECT = 1e100  # stands for an infinite admittance, since 0 * inf is undefined


@dataclass(frozen=True)
class Modes:
    """Modes of one medium with n channels, one to a slot; each component keeps the slots of its channels.

    A mode with amplitude y(z) and flux q(z) has u_i = potential[i, mode] y and a current current[i, mode] q into +z. A
    decaying mode obeys y' = -kappa q / admittance and q' = -kappa admittance y, the other y' = -q / admittance, q' = 0.
    The largest entries of ``potential`` and ``current`` are 1.

    Args:
        potential: ``(n, n)``, rows are channels, columns modes; 0 for a frozen channel.
        current: ``(n, n)``.
        kappa: decay rates, ``(n,)``; 0 in the slots of uniform modes and frozen channels.
        admittance: ``(n,)``; conductance of a decaying mode per area, conductivity of a component for its uniform mode.
        uniform: which modes are uniform, ``(n,)``.
        frozen: which slots belong to a frozen channel and hold no mode, ``(n,)``.
    """

    potential: _Real
    current: _Real
    kappa: _Real
    admittance: _Real
    uniform: _Flags
    frozen: _Flags


def components(conductivity: _Real, relaxation: _Real) -> _Indices:
    """Return for each channel the smallest one that relaxation ties it to, itself if it is frozen, ``(..., n)``.

    >>> components(np.ones(3), np.array([[0, 0, 1.0], [0, 0, 0], [1, 0, 0]]))
    array([0, 1, 0])
    """
    active = conductivity > 0
    reach = (relaxation > 0) & active[..., None, :] & active[..., :, None] | np.eye(active.shape[-1], dtype=bool)
    for _ in range(2):  # paths of up to four steps
        reach = reach @ reach
    return np.asarray(reach.argmax(axis=-1))


def decompose(conductivity: _Real, relaxation: _Real) -> Modes:
    """Return the modes of a medium.

    An infinite conductivity (of a layer that stands for a contact) is allowed in a channel without relaxation.

    >>> modes = decompose(np.array([3.0, 1.0]), np.array([[0.0, 12.0], [12.0, 0.0]]))
    >>> float(modes.kappa[1]), modes.current[:, 1].round(12).tolist()  # 12 (1/3 + 1/1) = 4^2
    (4.0, [1.0, -1.0])
    """
    n = len(conductivity)
    potential, current = np.zeros((n, n)), np.zeros((n, n))
    kappa, admittance = np.zeros(n), np.ones(n)
    uniform, frozen = np.zeros(n, dtype=bool), conductivity <= 0
    component = components(conductivity, relaxation)
    for first in set(component[~frozen].tolist()):
        channels = np.flatnonzero((component == first) & ~frozen)
        sigma = conductivity[channels]
        total = sigma.sum()
        potential[channels, first] = 1
        current[channels, first] = sigma / total if np.isfinite(total) else 1
        admittance[first], uniform[first] = min(total, _PERFECT), True
        if len(channels) == 1:
            continue
        decaying = channels[1:]
        rate, shape = _decaying(sigma, relaxation[np.ix_(channels, channels)])
        voltage = shape / sigma[:, None]
        largest, strongest = np.abs(voltage).max(axis=0), np.abs(shape).max(axis=0)
        potential[np.ix_(channels, decaying)] = voltage / largest
        current[np.ix_(channels, decaying)] = shape / strongest
        kappa[decaying], admittance[decaying] = rate, rate * strongest / largest
    return Modes(potential, current, kappa, admittance, uniform, frozen)


def _decaying(sigma: _Real, relaxation: _Real) -> tuple[_Real, _Real]:
    """Return the rates (n - 1,) of a component and its currents (n, n - 1), columns without a sum.

    K = sigma^-1/2 (L D L^T) sigma^-1/2 with the Laplacian L D L^T = diag(G 1) - G.
    """
    n = len(sigma)
    left, factor = relaxation.copy(), np.zeros((n, n - 1))
    for node in range(n - 1):
        rest = left[node, node + 1 :]
        pivot = rest.sum()
        factor[node, node], factor[node + 1 :, node] = np.sqrt(pivot), -rest / np.sqrt(pivot)
        left[node + 1 :, node + 1 :] += np.outer(rest, rest / pivot)
    root = np.sqrt(sigma)[:, None]
    values, vectors, _, work, _, failed = dgejsv(factor / root, joba=2, jobu=0, jobv=3, jobt=1, jobp=0)
    if failed:
        raise RuntimeError("the modes of a medium did not converge: its conductivities or rates are too far apart")
    return values * (work[1] / work[0]), root * vectors
