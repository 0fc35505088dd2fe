"""Second routes to the numbers of `spinlib.scattering`; nothing here calls the package's algebra.

Populations are 2 x 2 matrices in row-major vec order (uu, ud, du, dd), so the average of m X m^dagger is the mean of
m (x) m* on vec X. Layers are listed from left to right.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import unitary_group

SIGMA = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])


@dataclass(frozen=True)
class Magnet:
    """Parameters of one averaged magnet, in its own frame, and its direction."""

    up: float
    down: float
    rho: complex
    tau: complex
    rho_right: complex
    tau_right: complex
    theta: float = 0.0
    phi: float = 0.0

    @classmethod
    def aligned(cls, up, down, theta=0.0, phi=0.0):
        rho, tau = np.sqrt((1 - up) * (1 - down)), np.sqrt(up * down)
        return cls(up, down, rho, tau, rho, tau, theta, phi)

    @classmethod
    def random(cls, seed, theta=0.0, phi=0.0):
        """Draw a magnet with complex mixing, different from the left and from the right."""
        rng = np.random.default_rng(seed)
        up, down = rng.uniform(0.02, 0.98, 2)
        most = np.sqrt([(1 - up) * (1 - down), up * down] * 2)
        mixing = most * rng.uniform(0.2, 0.98, 4) * np.exp(2j * np.pi * rng.random(4))
        return cls(up, down, *mixing, theta, phi)

    def arguments(self):
        """Return positional and keyword arguments of `ferromagnet`."""
        return (self.up, self.down), {
            "reflection_mixing": self.rho,
            "transmission_mixing": self.tau,
            "reflection_mixing_right": self.rho_right,
            "transmission_mixing_right": self.tau_right,
            "theta": self.theta,
            "phi": self.phi,
        }

    def blocks(self):
        """Return r, t', t, r' as complex 4 x 4 matrices on vec X."""
        z, y = SIGMA[3], SIGMA[2]
        turn = _exponential(z, self.phi) @ _exponential(y, self.theta)
        both = np.kron(turn, turn.conj())
        diagonals = (
            (1 - self.up, self.rho, np.conj(self.rho), 1 - self.down),
            (self.up, self.tau_right, np.conj(self.tau_right), self.down),
            (self.up, self.tau, np.conj(self.tau), self.down),
            (1 - self.up, self.rho_right, np.conj(self.rho_right), 1 - self.down),
        )
        return tuple(both @ np.diag(d) @ both.conj().T for d in diagonals)


def _exponential(sigma, angle):
    return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * sigma


def spacer_blocks(n):
    return (1 - n) * np.eye(4), n * np.eye(4), n * np.eye(4), (1 - n) * np.eye(4)


def dense_solution(layers, incoming_left, incoming_right):
    """Solve all regions of a stack as one linear system; ``layers`` are (r, t', t, r') of any size.

    Returns right movers and left movers of regions 0..L.
    """
    size, count = len(layers[0][0]), len(layers)
    # Unknowns: f_1..f_L, b_0..b_(L-1).
    matrix = np.eye(2 * count * size, dtype=complex)
    source = np.zeros((2 * count * size, np.atleast_2d(incoming_left.T).shape[0]), dtype=complex)
    left, right = incoming_left.reshape(size, -1), incoming_right.reshape(size, -1)

    def f(k):
        return slice((k - 1) * size, k * size)

    def b(k):
        return slice((count + k) * size, (count + k + 1) * size)

    for k, (r, t_prime, t, r_prime) in enumerate(layers):
        for row, from_f, from_b in ((b(k), r, t_prime), (f(k + 1), t, r_prime)):
            if k:
                matrix[row, f(k)] -= from_f
            else:
                source[row] += from_f @ left
            if k + 1 < count:
                matrix[row, b(k + 1)] -= from_b
            else:
                source[row] += from_b @ right
    x = np.linalg.solve(matrix, source)
    forward = [left] + [x[f(k)] for k in range(1, count + 1)]
    backward = [x[b(k)] for k in range(count)] + [right]
    return forward, backward


def dense_averaged(layers, source="left", polarization=(0.0, 0.0, 0.0)):
    """Return currents ``(L+1, 4)`` of the averaged problem, Tr sigma_mu (f - b), positive to the right.

    ``source`` "both": both reservoirs are full.
    """
    density = np.einsum("i,iab->ab", [1.0, *polarization], SIGMA).reshape(4)
    nothing = np.zeros(4, dtype=complex)
    pairs = {"left": (density, nothing), "right": (nothing, density), "both": (density, density)}
    forward, backward = dense_solution(layers, *pairs[source])
    return np.array(
        [np.einsum("iab,ba->i", SIGMA, (f - b).reshape(2, 2)).real for f, b in zip(forward, backward, strict=True)]
    )


def series_resistance(a, n, b):
    """Return g, T_x, T_y on ``b`` (along z) from circuit theory with Sharvin-corrected elements in series."""

    def resistance(up, down, rho):
        charge, spin = (1 / up + 1 / down - 1) / 2, (1 / up - 1 / down) / 2
        z = 1 / (1 - rho) - 0.5
        matrix = np.zeros((4, 4))
        matrix[np.ix_([0, 3], [0, 3])] = [[charge, spin], [spin, charge]]
        matrix[1:3, 1:3] = [[z.real, z.imag], [-z.imag, z.real]]
        return matrix

    c, s = np.cos(a.theta), np.sin(a.theta)
    turn = np.array([[1, 0, 0, 0], [0, c, 0, s], [0, 0, 1, 0], [0, -s, 0, c]])
    total = turn @ resistance(a.up, a.down, a.rho_right) @ turn.T + resistance(b.up, b.down, b.rho)
    j = np.linalg.solve(total + (1 / n - 1) * np.eye(4), [1, 0, 0, 0])
    torque = 2 * (j[1] - 1j * j[2]) * (1 - b.rho - b.tau) / (1 - b.rho)
    return 2 * j[0], torque.real, -torque.imag


def random_unitary(size, seed, batch=()):
    """Return Haar unitaries ``(*batch, size, size)`` from scipy, not from the package."""
    draws = unitary_group.rvs(size, size=int(np.prod(batch, initial=1)), random_state=np.random.default_rng(seed))
    return np.asarray(draws).reshape(*batch, size, size)


def split(matrix):
    """Return r, t', t, r' of S."""
    half = matrix.shape[-1] // 2
    return matrix[..., :half, :half], matrix[..., :half, half:], matrix[..., half:, :half], matrix[..., half:, half:]
