"""Chains with a domain wall, solved by mode matching, by dense Green functions and in real time.

Hopping -1, exchange J m.sigma with the moment m: majority spins are antiparallel to m. Length in lattice constants,
hbar = e = 1. Channels: left lead first, spin up before down, closed channels left out. None of this uses `spinlib`.
"""

from dataclasses import dataclass

import numpy as np
from scipy.linalg import solve_banded

SIGMA = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


def walker(z, width, center=0.0, azimuth=0.0, sign=1):
    """Head-to-head wall times `sign`, turned about z by `azimuth`, and its derivative by the centre."""
    x = (z - center) / width
    f, g = 1 / np.cosh(x), np.tanh(x)
    m = np.stack([f * np.cos(azimuth), f * np.sin(azimuth), -g], axis=-1)
    moved = np.stack([f * g * np.cos(azimuth), f * g * np.sin(azimuth), f**2], axis=-1) / width
    return sign * m, sign * moved


def spins(vectors):
    """v.sigma, (sites, 2, 2), term by term."""
    return sum(vectors[:, i, None, None] * SIGMA[i] for i in range(3))


def lead_modes(energy, exchange, end):
    """Wave numbers of spin up and down in a lead along end*z, closed channels decaying, and which are open."""
    k = []
    for spin in (1, -1):
        cosine = -(energy - spin * end * exchange) / 2
        root = np.arccos(complex(cosine))
        k.append(root if root.imag >= 0 else -root)
    return np.array(k), np.array([abs(root.imag) < 1e-12 for root in k])


def mode_matching(on_site, energy, exchange, ends, hop=None):
    """S from the wave functions: amplitudes of all lead modes and sites from one linear system.

    Left of site 0 the wave is sum over spins of in e^{ikn} + r e^{-ikn}, right of the last site in e^{-ikn} + t e^{ikn}
    with n counted from there; ends are the signs of m_z in the leads.
    """
    sites = len(on_site)
    hop = -np.eye(2) if hop is None else hop
    (k_l, open_l), (k_r, open_r) = (lead_modes(energy, exchange, end) for end in ends)
    k, is_open = np.concatenate([k_l, k_r]), np.concatenate([open_l, open_r])
    size = 2 * sites
    a = np.zeros((size + 4, size + 4), dtype=complex)
    b = np.zeros((size + 4, 4), dtype=complex)
    for n in range(sites):
        here = slice(2 * n, 2 * n + 2)
        a[here, here] = energy * np.eye(2) - on_site[n]
        if n > 0:
            a[here, 2 * n - 2 : 2 * n] = -hop
        if n + 1 < sites:
            a[here, 2 * n + 2 : 2 * n + 4] = -hop.conj().T
    for channel in range(4):
        site = (0 if channel < 2 else size - 2) + channel % 2
        # The site beyond the end holds in e^{-ik} + out e^{ik}, hopping -1.
        a[site, size + channel] = np.exp(1j * k[channel])
        b[site, channel] = -np.exp(-1j * k[channel])
        # The end site holds in + out.
        a[size + channel, site] = 1
        a[size + channel, size + channel] = -1
        b[size + channel, channel] = 1
    out = np.linalg.solve(a, b)[size:]
    root = np.sqrt(2 * np.sin(k[is_open].real))
    return root[:, None] * out[np.ix_(is_open, is_open)] / root, np.array([False, False, True, True])[is_open]


@dataclass
class Chain:
    """Retarded Green function, derivative of H by the position, sources sqrt(Gamma), lead of each channel."""

    green: np.ndarray
    push: np.ndarray
    sources: np.ndarray
    right: np.ndarray
    k: np.ndarray

    @property
    def s(self):
        return -np.eye(len(self.right)) + 1j * self.sources.T @ self.green @ self.sources

    @property
    def slope(self):
        return 1j * self.sources.T @ self.green @ self.push @ self.green @ self.sources

    @property
    def friction(self):
        """(1/4 pi) Tr(dH A dH A)."""
        kernel = self.push @ (1j * (self.green - self.green.conj().T))
        return np.trace(kernel @ kernel).real / (4 * np.pi)

    def force(self, right=True):
        """-<dH/dr_w> in the states from one lead, per energy by which that lead is raised."""
        states = self.green @ self.sources[:, self.right == right]
        return -np.trace(states.conj().T @ self.push @ states).real / (2 * np.pi)

    def momentum(self):
        """Momentum left behind from channel b to channel a."""
        kappa = np.where(self.right, -self.k, self.k)
        return kappa[:, None] + kappa


def dense(on_site, moved, energy, exchange, ends, hop=None, growing=False):
    """Chain from dense matrices; growing=True takes the wrong root for closed channels."""
    sites = len(on_site)
    hop = -np.eye(2) if hop is None else hop
    inverse = np.zeros((2 * sites, 2 * sites), dtype=complex)
    push = np.zeros_like(inverse)
    for n in range(sites):
        here = slice(2 * n, 2 * n + 2)
        inverse[here, here] = energy * np.eye(2) - on_site[n]
        push[here, here] = moved[n]
        if n + 1 < sites:
            there = slice(2 * n + 2, 2 * n + 4)
            inverse[there, here], inverse[here, there] = -hop, -hop.conj().T
    sources, right, numbers = [], [], []
    for side, end in enumerate(ends):
        k, is_open = lead_modes(energy, exchange, end)
        for spin in range(2):
            place = spin if side == 0 else 2 * sites - 2 + spin
            root = -k[spin] if growing and not is_open[spin] else k[spin]
            inverse[place, place] += np.exp(1j * root)
            if is_open[spin]:
                column = np.zeros(2 * sites)
                column[place] = np.sqrt(2 * np.sin(k[spin].real))
                sources.append(column)
                right.append(side == 1)
                numbers.append(k[spin].real)
    return Chain(np.linalg.inv(inverse), push, np.array(sources).T, np.array(right), np.array(numbers))


def pumped_and_friction(s, slope, right):
    """Charge into the right lead per length, and friction."""
    return np.array([np.sum((slope * s.conj())[right]).imag / (2 * np.pi), np.sum(np.abs(slope) ** 2) / (4 * np.pi)])


def one_at_a_time(c, strength):
    """Charge into the right lead and friction: of a chain, and added by one impurity per site of random direction.

    Each impurity through its T matrix, exactly; six directions stand for all, which is right to second order.
    """
    states, rows, pushed = c.green @ c.sources, c.sources.T @ c.green, c.push @ c.green
    base, added = pumped_and_friction(c.s, c.slope, c.right), np.zeros(2)
    for site in range(len(c.green) // 2):
        here = slice(2 * site, 2 * site + 2)
        for field in strength * np.concatenate([SIGMA, -SIGMA]):
            t = field @ np.linalg.inv(np.eye(2) - c.green[here, here] @ field)
            into = t @ states[here]
            out = rows + rows[:, here] @ t @ c.green[here]
            slope = 1j * out @ (pushed @ c.sources + pushed[:, here] @ into)
            added += (pumped_and_friction(c.s + 1j * rows[:, here] @ into, slope, c.right) - base) / 6
    return base, added


def real_time(energy, exchange, width, *, sites=260, shift=5.0, duration=50.0, smear=0.03, step=0.2):
    """Electrons that pass a point on the right per distance, and energy gained per integral of velocity squared.

    A closed chain filled with a Fermi function of width `smear`; the wall goes from -shift/2 to shift/2 and stops.
    Crank and Nicolson's rule.
    """
    z = np.arange(sites) - (sites - 1) / 2

    def hamiltonian(center):
        on_site = exchange * spins(walker(z, width, center)[0]).real
        bands = np.zeros((5, 2 * sites))  # diagonals 2 to -2 of the real symmetric matrix
        bands[2] = on_site[:, [0, 1], [0, 1]].ravel()
        bands[1, 1::2] = bands[3, 0::2] = on_site[:, 0, 1]
        bands[0, 2:] = bands[4, :-2] = -1
        return bands

    def apply(bands, psi):
        out = bands[2][:, None] * psi
        for offset in (1, 2):
            out[:-offset] += bands[2 - offset, offset:, None] * psi[offset:]
            out[offset:] += bands[2 + offset, :-offset, None] * psi[:-offset]
        return out

    def center(time):
        part = min(max(time / duration, 0.0), 1.0)
        return shift * (part - np.sin(2 * np.pi * part) / (2 * np.pi) - 0.5)

    levels, vectors = np.linalg.eigh(apply(hamiltonian(center(0.0)), np.eye(2 * sites)))
    filled = 1 / (1 + np.exp((levels - energy) / smear))
    keep = filled > 1e-7
    psi = (vectors * np.sqrt(filled))[:, keep].astype(complex)
    beyond = np.repeat(z > 30, 2)
    before = np.sum(np.abs(psi[beyond]) ** 2)
    start = filled[keep] @ levels[keep]
    for n in range(int((duration + 60) / step)):
        bands = hamiltonian(center((n + 0.5) * step))
        bands[2] -= energy - 0.2  # smaller phases
        half = 0.5j * step
        right_side = psi - half * apply(bands, psi)
        matrix = half * bands
        matrix[2] += 1
        psi = solve_banded((2, 2), matrix, right_side, overwrite_ab=True, overwrite_b=True, check_finite=False)
    passed = np.sum(np.abs(psi[beyond]) ** 2) - before
    gained = np.vdot(psi, apply(hamiltonian(center(np.inf)), psi)).real - start
    return passed / shift, gained * duration / (1.5 * shift**2)
