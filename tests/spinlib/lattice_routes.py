"""Scattering matrices of lattice samples by other means: one dense inverse, transfer matrices, decimation of a lead."""

import numpy as np

from spinlib.lattice.green import LayeredSystem
from spinlib.lattice.leads import Lead

SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def dagger(matrix):
    return np.conj(np.swapaxes(matrix, -1, -2))


def square(coupling):
    """A coupling that may be given by its diagonal."""
    v = np.asarray(coupling, dtype=complex)
    return np.diag(v) if v.ndim == 1 else v


def couplings(system):
    """<l|H|l+1> of a sample written out, ``(L - 1, n, n)``."""
    v = square(system.coupling)
    return v if v.ndim == 3 else np.broadcast_to(v, (len(system.onsite) - 1, *v.shape))


def whole(system):
    """H of all layers ``(L n, L n)`` and the list of its perturbations."""
    layers, n = system.onsite.shape[:2]
    h = np.zeros((layers, n, layers, n), dtype=complex)
    for layer, block in enumerate(system.onsite):
        h[layer, :, layer] = block
    for layer, v in enumerate(couplings(system)):
        h[layer, :, layer + 1] = v
        h[layer + 1, :, layer] = dagger(v)
    changes = []
    for blocks in system.perturbations:
        change = np.zeros_like(h)
        for layer in range(layers):
            change[layer, :, layer] = blocks[layer if len(blocks) > 1 else 0]
        changes.append(change.reshape(layers * n, layers * n))
    return h.reshape(layers * n, layers * n), changes


def attached(system, left, right):
    """Sigma_left, Sigma_right ``(L n, L n)`` and W ``(L n, M)`` of both leads, left first."""
    layers, n = system.onsite.shape[:2]
    sigma = np.zeros((2, layers * n, layers * n), dtype=complex)
    sigma[0, :n, :n] = left.self_energy
    sigma[1, -n:, -n:] = right.self_energy
    w = np.zeros((layers * n, left.n_modes + right.n_modes), dtype=complex)
    w[:n, : left.n_modes] = left.injection
    w[-n:, left.n_modes :] = right.injection
    return sigma[0], sigma[1], w


def dense(system, left, right):
    """S, dS ``(P, M, M)`` = i W^dagger G dH G W and G from the inverse of the whole matrix."""
    h, changes = whole(system)
    sigma_left, sigma_right, w = attached(system, left, right)
    green = np.linalg.inv(left.energy * np.eye(len(h)) - h - sigma_left - sigma_right)
    s = -np.eye(w.shape[1]) + 1j * w.conj().T @ green @ w
    ds = [1j * w.conj().T @ green @ change @ green @ w for change in changes]
    return s, np.array(ds).reshape(-1, *s.shape), green


def spectral(green):
    """A = i(G - G^dagger)."""
    return 1j * (green - dagger(green))


def decimated(energy, cell, coupling, side, imaginary):
    """Sigma of a half-infinite wire whose length doubles at each step, at the energy E + i ``imaginary``."""
    u = square(coupling)
    u = u if side == "right" else dagger(u)
    e = (energy + 1j * imaginary) * np.eye(len(cell))
    surface = bulk = np.asarray(cell, dtype=complex)
    forth, back = u, dagger(u)
    for _ in range(200):
        g = np.linalg.inv(e - bulk)
        surface = surface + forth @ g @ back
        bulk = bulk + forth @ g @ back + back @ g @ forth
        forth, back = forth @ g @ forth, back @ g @ back
        if max(np.abs(forth).max(), np.abs(back).max()) < 1e-30:
            break
    return u @ np.linalg.inv(e - surface) @ dagger(u)


def by_transfer(system, left, right):
    """S of a short sample from the product of its transfer matrices and the lead's boundary conditions alone.

    (psi_l, psi_l+1) -> (psi_l+1, psi_l+2); in the leads u psi_outwards = Sigma psi for outgoing waves, and a mode that
    comes in leaves i W behind it.
    """
    n, v = system.onsite.shape[1], couplings(system)
    # Unknown is psi_0: V_0 psi_1 = (E - H_0 - Sigma_L) psi_0 - W_L c, V_l psi_l+1 = (E - H_l) psi_l - V_l-1^+ psi_l-1.
    m, size = left.n_modes, left.n_modes + right.n_modes
    now = np.hstack([np.eye(n), np.zeros((n, size))]).astype(complex)  # columns: psi_0, then c of both leads
    start = np.hstack([np.zeros((n, n)), left.injection, np.zeros((n, right.n_modes))])
    rest = (left.energy * np.eye(n) - system.onsite[0] - left.self_energy) @ now - start
    for layer, hop in enumerate(v):
        following = np.linalg.solve(hop, rest)
        rest = (left.energy * np.eye(n) - system.onsite[layer + 1]) @ following - dagger(hop) @ now
        now = following
    rest = rest - right.self_energy @ now
    rest[:, n + m :] -= right.injection
    first = -np.linalg.solve(rest[:, :n], rest[:, n:])
    last = now[:, :n] @ first + now[:, n:]
    return 1j * np.vstack([dagger(left.injection) @ first, dagger(right.injection) @ last]) - np.eye(size)


def one_spin(lead, first=0):
    """The up (0) or down (1) half of a lead that conserves spin."""
    keep = lead.spin == (1, -1)[first]
    return Lead(lead.energy, lead.self_energy[first::2, first::2], lead.injection[first::2][:, keep], lead.spin[keep])


def random_hermitian(rng, *shape):
    """Hermitian matrices ``(..., n, n)`` with entries of order one."""
    a = rng.normal(size=(*shape, shape[-1])) + 1j * rng.normal(size=(*shape, shape[-1]))
    return (a + dagger(a)) / 2


def random_sample(rng, layers, n, parameters=1):
    """A sample without any symmetry, with couplings that differ from layer to layer."""
    v = rng.normal(size=(layers - 1, n, n)) + 1j * rng.normal(size=(layers - 1, n, n))
    changes = tuple(random_hermitian(rng, layers, n) for _ in range(parameters))
    return LayeredSystem(random_hermitian(rng, layers, n), v, changes)
