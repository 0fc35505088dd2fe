"""Green's functions layer by layer: S and K = psi^dagger dH psi for one length, or for many in one sweep.

psi = G W are the states that the leads feed, one column per incoming mode. The number of operations is about
L n^3 (3 + 4 P) for a sweep of full leads, half of that for one length.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from spinlib.lattice.leads import Lead

if TYPE_CHECKING:
    from spinlib.lattice.green import LayeredSystem

__all__ = ["states", "sweep"]

_Complex = NDArray[np.complex128]


def states(system: "LayeredSystem", left: Lead, right: Lead, screening: str) -> tuple[_Complex, _Complex]:
    """Return S and K ``(P, M, M)`` of the whole sample; "uniform" appends the common shift, "local" is done."""
    layers, n = system.onsite.shape[:2]
    first, last = left.n_modes, right.n_modes
    psi = np.zeros((layers, n, first + last), dtype=np.complex128)
    green = np.empty((layers, n, n), dtype=np.complex128)
    # Downwards: the Green's function of layer l with the lead and all layers on its left, and what the left lead feeds.
    for layer, v, block in _blocks(system, left, right):
        fed = left.injection if v is None else _times(_dagger(v), green[layer - 1] @ psi[layer - 1, :, :first])
        green[layer] = np.linalg.inv(block if v is None else block - _between(v, green[layer - 1]))
        psi[layer, :, :first] = fed
    # Upwards: psi_l = g_l (fed_l + V_l psi_l+1).
    psi[-1, :, first:] = right.injection
    psi[-1] = green[-1] @ psi[-1]
    for layer in range(layers - 2, -1, -1):
        psi[layer] += _times(_coupling(system, layer), psi[layer + 1])
        psi[layer] = green[layer] @ psi[layer]
    ends = np.vstack([left.injection.conj().T @ psi[0], right.injection.conj().T @ psi[-1]])
    s = 1j * ends - np.eye(first + last)
    k = [_expectation(psi, change @ psi, screening == "local") for change in system.perturbations]
    if screening == "uniform":
        k.append(_expectation(psi, psi, False))
    return s, np.array(k)


def sweep(
    system: "LayeredSystem", left: Lead, right: Lead, lengths: Sequence[int], *, uniform: bool
) -> dict[int, tuple[_Complex, _Complex]]:
    """Return S and K of the first L layers for each L; ``uniform`` appends the common shift to the parameters.

    State: N = [G_l0 W, G_ll] of the last layer, A = W^dagger G_0l and C = W^dagger G_00 W with the left lead alone, and
    K over all columns of [G W | G_.l], from which the right lead chooses when it closes the sample.
    """
    first, n = left.n_modes, system.onsite.shape[1]
    one = np.eye(n)
    wanted, found = set(lengths), {}
    for layer, v, block in _blocks(system, left, None):
        changes = [change[min(layer, len(change) - 1)] for change in system.perturbations]
        if v is None:
            green = np.linalg.inv(block)
            a, last = left.injection.conj().T @ green, np.hstack([green @ left.injection, green])
            c = left.injection.conj().T @ last[:, :first]
            k = np.zeros((len(changes) + uniform, first + n, first + n), dtype=np.complex128)
        else:
            green = np.linalg.inv(block - _between(v, last[:, first:]))
            last = np.hstack([green @ _times(_dagger(v), last[:, :first]), green])
            before = _times(v, last)  # the columns of the layers before, in terms of their own
            c = c + a @ before[:, :first]
            a = a @ before[:, first:]
            mixed = k[:, :, first:] @ before
            mixed[:, :, :first] += k[:, :, :first]
            k = before.conj().T @ mixed[:, first:]
            k[:, :first] += mixed[:, :first]
        for p, change in enumerate(changes):
            k[p] += last.conj().T @ (change @ last)
        if uniform:
            k[-1] += last.conj().T @ last
        if layer + 1 in wanted:
            found[layer + 1] = _closed(right, one, first, last, a, c, k)
        if len(found) == len(wanted):
            break
    return found


def _closed(
    right: Lead, one: NDArray[np.float64], first: int, last: _Complex, a: _Complex, c: _Complex, k: _Complex
) -> tuple[_Complex, _Complex]:
    """Attach the right lead: (1 - Sigma G_ll)^-1 (Sigma G_l0 W, W_R) feeds the last layer."""
    sources = np.hstack([right.self_energy @ last[:, :first], right.injection])
    fed = np.linalg.solve(one - right.self_energy @ last[:, first:], sources)
    ends = last[:, first:] @ fed
    ends[:, :first] += last[:, :first]
    top = a @ fed
    top[:, :first] += c
    s = 1j * np.vstack([top, right.injection.conj().T @ ends]) - np.eye(fed.shape[1])
    mixed = k[:, :, first:] @ fed
    mixed[:, :, :first] += k[:, :, :first]
    whole = fed.conj().T @ mixed[:, first:]
    whole[:, :first] += mixed[:, :first]
    return s, np.asarray(whole)


def _blocks(system: "LayeredSystem", left: Lead, right: Lead | None) -> Iterator[tuple[int, _Complex | None, _Complex]]:
    """Yield each layer, the coupling from the one before (None at the first) and E - H - Sigma."""
    shift = left.energy * np.eye(system.onsite.shape[1])
    for layer, h in enumerate(system.onsite):
        block = shift - h
        if layer == 0:
            block -= left.self_energy
        if right is not None and layer == system.n_layers - 1:
            block -= right.self_energy
        yield layer, None if layer == 0 else _coupling(system, layer - 1), block


def _coupling(system: "LayeredSystem", layer: int) -> _Complex:
    return system.coupling[layer] if system.coupling.ndim == 3 else system.coupling


def _dagger(v: _Complex) -> _Complex:
    return v.conj().T


def _times(v: _Complex, x: _Complex) -> _Complex:
    """Return v x for a matrix or the diagonal of one."""
    return v @ x if v.ndim == 2 else v[:, None] * x


def _between(v: _Complex, x: _Complex) -> _Complex:
    """Return v^dagger x v."""
    return v.conj().T @ x @ v if v.ndim == 2 else v.conj()[:, None] * x * v


def _expectation(psi: _Complex, changed: _Complex, local: bool) -> _Complex:
    """Return sum_l psi_l^dagger (dH_l - c_l) psi_l, c_l the potential that keeps the number of electrons of layer l."""
    if local:
        number = np.einsum("lij,lij->l", psi.conj(), psi).real
        change = np.einsum("lij,lij->l", psi.conj(), changed).real
        shift = np.divide(change, number, out=np.zeros_like(change), where=number > 0)  # 0: no state gets there
        changed = changed - shift[:, None, None] * psi
    flat = psi.reshape(-1, psi.shape[2])
    return np.asarray(flat.conj().T @ changed.reshape(flat.shape))
