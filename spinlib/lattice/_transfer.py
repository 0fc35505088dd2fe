"""S of long sparse samples without perturbations: block transfer, renormalised before it loses digits.

With a diagonal coupling V = |v| u^-1, phi_l = |v|^(1/2) u^-l psi_l obeys phi_l+1 = K_l phi_l - phi_l-1 with K_l
Hermitian: one sparse product per layer. What the left lead and the layers before l allow has the form

    phi_l-1 = R phi_l + chi c,    W^dagger phi_0 = P phi_l + p c,

c the amplitudes that the lead feeds. Before the first layer [[R, chi], [P, p]] = [[Sigma, W], [W^dagger, 0]] is the
lead itself. Evanescent waves grow by up to exp(arccosh(|K|/2)) per layer and bury the others in rounding, so this
matrix is found anew, by one dense solution, before they have grown by 1e4: some 12 digits are kept.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinlib._jit import kernel
from spinlib.lattice.leads import Lead

if TYPE_CHECKING:
    from spinlib.lattice.green import LayeredSystem

__all__ = ["applies", "matrix"]

_Real = NDArray[np.float64]
_Complex = NDArray[np.complex128]
_Places = NDArray[np.int64]

_GROWTH = 1e4  # of evanescent waves between two renormalisations: the digits that are lost
_LEAST = 24  # n below which block elimination takes so little that nothing need be compiled
_LAYERS = 3  # per renormalisation, from which on it pays
_FILLED = 0.25  # share of entries of a layer up to which sparse products pay


def applies(system: "LayeredSystem") -> bool:
    """Return whether :func:`matrix` does ``system`` and is faster than block elimination.

    >>> from spinlib.lattice.green import LayeredSystem
    >>> [applies(LayeredSystem(np.zeros((9, n, n)), np.ones(n))) for n in (2, 40)]
    [False, True]
    """
    v, n = _diagonal(system.coupling), system.onsite.shape[1]
    if system.perturbations or n < _LEAST or v is None or not v.all():
        return False
    few = system.onsite[:: -(-system.n_layers // 8)]  # they tell what kind of sample it is
    scale = np.abs(v) ** -0.5
    rates = _rates((scale[:, None] * np.abs(few) * scale).sum(axis=2).max(axis=1))
    filled = np.count_nonzero(few.any(axis=0)) / n**2
    return bool(filled <= _FILLED and _LAYERS * rates.mean() <= np.log(_GROWTH))


def matrix(system: "LayeredSystem", left: Lead, right: Lead, growth: float = _GROWTH) -> _Complex:
    """Return S, left lead first, of a sample whose coupling is one invertible diagonal; perturbations are left out.

    ``growth`` of evanescent waves between two renormalisations sets the error, about 1e-16 times it.

    >>> from spinlib.lattice.green import LayeredSystem
    >>> from spinlib.lattice.leads import cubic_lead
    >>> chain = LayeredSystem(np.zeros((3, 2, 2)), np.ones(2))
    >>> lead = cubic_lead(0.0, (1, 1), 1.0, onsite=-4.0)
    >>> matrix(chain, lead, lead)[2:, :2].round(12) + 0  # it advances by two layers, k = -pi/2
    array([[-1.+0.j,  0.+0.j],
           [ 0.+0.j, -1.+0.j]])
    """
    v, modes = np.asarray(_diagonal(system.coupling)), left.n_modes
    n, scale = len(v), np.abs(v) ** -0.5
    turns = np.tile(np.abs(v) / v, (system.n_layers, 1))
    turns[0] = 1.0
    turns = np.cumprod(turns, axis=0)  # u^l
    columns, entries, sizes = _stencil(system.onsite, left.energy, scale, turns)
    sigma, w = _scaled(left, scale)
    state = np.block([[sigma, w], [w.conj().T, np.zeros((modes, modes))]])
    for first, last in _stretches(_rates(sizes), np.log(growth)):
        before, now = _march(columns, entries[first:last], _real(state[:n]), _real(np.eye(n, n + modes)))
        above, here = np.vstack([_complex(before), state[n:]]), _complex(now)
        ratio = np.linalg.solve(here[:, :n].T, above[:, :n].T).T
        state = np.hstack([ratio, above[:, n:] - ratio @ here[:, n:]])
    # The right lead: phi_L = Sigma phi_L-1 + W d.
    sigma, w = _scaled(right, scale / turns[-1])
    fed = np.linalg.solve(np.eye(n) - sigma @ state[:n, :n], np.hstack([sigma @ state[:n, n:], w]))
    ends = state[:, :n] @ fed
    ends[:, :modes] += state[:, n:]
    return np.asarray(1j * np.vstack([ends[n:], w.conj().T @ ends[:n]]) - np.eye(fed.shape[1]))


def _diagonal(coupling: _Complex) -> _Complex | None:
    """Return the diagonal of a coupling that is the same everywhere and has nothing else, or None."""
    if coupling.ndim == 2:
        diagonal = np.diagonal(coupling)
        coupling = diagonal if np.count_nonzero(coupling) == np.count_nonzero(diagonal) else coupling
    return coupling if coupling.ndim == 1 else None


def _scaled(lead: Lead, factor: _Complex | _Real) -> tuple[_Complex, _Complex]:
    """Return Sigma and W of a lead for phi."""
    return factor[:, None] * lead.self_energy * factor.conj(), factor[:, None] * lead.injection


def _rates(sizes: _Real) -> _Real:
    """Return ln of the growth of evanescent waves per layer for norms of K: 2 cosh(rate) = |K|."""
    return np.asarray(np.arccosh(np.maximum(sizes / 2, 1.0)))


def _stretches(rates: _Real, most: float) -> list[tuple[int, int]]:
    """Return stretches of layers whose rates add up to ``most`` at most, or single layers."""
    cuts, total = [0], 0.0
    for layer, rate in enumerate(rates):
        if total + rate > most and layer > cuts[-1]:
            cuts.append(layer)
            total = 0.0
        total += rate
    return list(zip(cuts, [*cuts[1:], len(rates)], strict=True))


def _stencil(onsite: _Complex, energy: float, scale: _Real, turns: _Complex) -> tuple[_Places, _Real, _Real]:
    """Return the K of all layers as real matrices for (Re phi, Im phi), and of each the largest sum of |K_ij| of a row.

    All rows have k entries, k even, filled up with zeros: their columns ``(2n, k)``, the entries ``(L, 2n, k)``.
    """
    n = len(scale)
    i, j = np.nonzero(onsite.any(axis=0) | np.eye(n, dtype=bool))
    same = (turns[:, i] == turns[:, j]).all(axis=0)  # these stay real
    phase = np.where(same, 1.0, turns[:, i].conj() * turns[:, j])
    k = ((i == j) * energy - onsite[:, i, j]) * (scale[i] * scale[j]) * phase
    sizes = np.add.reduceat(np.abs(k), np.flatnonzero(np.diff(i, prepend=-1)), axis=1).max(axis=1)
    re, im = k.real.any(axis=0), k.imag.any(axis=0)
    row = np.concatenate([i[re], i[im], n + i[im], n + i[re]])
    column = np.concatenate([j[re], n + j[im], j[im], n + j[re]])
    value = np.hstack([k.real[:, re], -k.imag[:, im], k.imag[:, im], k.real[:, re]])
    order = np.argsort(row, kind="stable")
    row = row[order]
    place = np.arange(len(row)) - np.searchsorted(row, row)
    width = 2 * (int(place.max(initial=0)) // 2 + 1)
    columns = np.zeros((2 * n, width), dtype=np.int64)
    columns[row, place] = column[order]
    entries = np.zeros((len(k), 2 * n, width))
    entries[:, row, place] = value[:, order]
    return columns, entries, sizes


def _real(phi: _Complex | _Real) -> _Real:
    return np.concatenate([phi.real, phi.imag])


def _complex(parts: _Real) -> _Complex:
    phi = np.empty((len(parts) // 2, parts.shape[1]), dtype=np.complex128)
    phi.real, phi.imag = np.split(parts, 2)
    return phi


@kernel
def _march(columns: _Places, entries: _Real, before: _Real, now: _Real) -> tuple[_Real, _Real]:
    """Return the last two phi after as many layers as ``entries`` has; overwrites ``before`` and ``now``."""
    for layer in range(len(entries)):
        for row in range(len(columns)):
            target = before[row]
            for k in range(0, columns.shape[1], 2):
                a, b = entries[layer, row, k], entries[layer, row, k + 1]
                x, y = now[columns[row, k]], now[columns[row, k + 1]]
                sign = 1.0 if k else -1.0
                for c in range(target.size):
                    target[c] = a * x[c] + b * y[c] + sign * target[c]
        before, now = now, before
    return before, now
