"""The junction of KK section 2 for the tests: layers with complex mixing, dense solutions, averaged matrices.

Formulas are written here in KK's order (regions from the right, index 1 = left-going); numbers of the package come from
``transport`` with ``[F_b, N, F_a]`` and ``source="right"``. T = -(4 pi/eN) d tau_b/dV_0 throughout.
"""

import numpy as np

from spinlib.scattering.smatrix import SMatrix, rotate
from spinlib.scattering.stack import ferromagnet
from tests.spinlib.scattering.routes import (
    SIGMA,
    Magnet,
    dense_averaged,
    dense_solution,
    random_unitary,
    spacer_blocks,
)

N = 3
UNPOLARISED = np.array([1, 0, 0, 1])
F_A = Magnet(0.55, 0.12, 0.35 * np.exp(0.9j), 0.1 * np.exp(-0.5j), 0.4 * np.exp(-0.4j), 0.2 * np.exp(1.5j), 1.1)
F_B = Magnet(0.45, 0.20, 0.45 * np.exp(-0.7j), 0.15 * np.exp(0.8j), 0.60 * np.exp(1.1j), 0.28 * np.exp(2.4j))
SPACER = 0.4


def layer(magnet):
    positional, named = magnet.arguments()
    return ferromagnet(*positional, **named)


def coherent_junction(seed):
    """Return F_b, N, F_a with spin flips in the magnets and a scalar spacer."""
    one = random_unitary(2 * N, seed + 1)
    return (
        SMatrix.from_matrix(random_unitary(4 * N, seed)),
        SMatrix.from_spins(one, one),
        SMatrix.from_matrix(random_unitary(4 * N, seed + 2)),
    )


def direct(b, n, a, source="right"):
    """Return right and left movers of KK's regions 3, 2, 1, 0 for unit flux from one side, by one linear system."""
    stack = [(x.r, x.t_prime, x.t, x.r_prime) for x in (b, n, a)]
    one, none = np.eye(len(b.r)), np.zeros_like(b.r)
    return dense_solution(stack, *((none, one) if source == "right" else (one, none)))


def omega(r_n, r_prime_n, t_n, t_prime_n, r_prime_b, r_a, t_prime_a):
    """KK (7), corrected; serves the hats as well (KK 14)."""
    one = np.eye(len(r_n))
    k = np.linalg.inv(one - r_n @ r_prime_b)
    return k @ t_prime_n @ np.linalg.solve(one - r_a @ t_n @ r_prime_b @ k @ t_prime_n - r_a @ r_prime_n, t_prime_a)


def spin(i):
    return np.kron(SIGMA[i], np.eye(N))


CHANNELS, SAMPLES = 16, 150


def complex_layers():
    """Return F_b and F_a whose channels differ: half of them let electrons pass well, half badly, all with phases."""
    rng = np.random.default_rng(6)
    open_half = np.arange(CHANNELS) < CHANNELS // 2
    magnets = []
    for up, down in (((0.95, 0.10), (0.70, 0.02)), ((0.90, 0.15), (0.60, 0.05))):
        spins = []
        for well, badly in (up, down):
            t, phase, phase_right = np.where(open_half, well, badly), *rng.uniform(0, 1.5, (2, CHANNELS))
            passed = np.diag(1j * np.sqrt(t) * np.exp(0.5j * (phase + phase_right)))
            r, r_prime = (np.diag(np.sqrt(1 - t) * np.exp(1j * x)) for x in (phase, phase_right))
            spins.append(np.block([[r, passed], [passed, r_prime]]))
        magnets.append(SMatrix.from_spins(*spins))
    return magnets[0], rotate(magnets[1], 1.1)


def hats(b=F_B, a=F_A, n=SPACER):
    """Return KK's averaged Omega in row-major vec order (uu, ud, du, dd) of r (x) r*."""
    (_, _, _, r_prime_b), (r_a, t_prime_a, _, _) = b.blocks(), a.blocks()
    r_n, t_prime_n, t_n, r_prime_n = spacer_blocks(n)
    return omega(r_n, r_prime_n, t_n, t_prime_n, r_prime_b, r_a, t_prime_a)


def dense_torque(b=F_B, a=F_A, n=SPACER, source="right"):
    """Return T_b from the averaged boundary problem of all regions."""
    currents = dense_averaged([b.blocks(), spacer_blocks(n), a.blocks()], source)
    return currents[0, 1:] - currents[1, 1:]


def sigma_rows(b=F_B):
    """Return averaged Sigma_i as rows s with s . vec X = Tr Sigma_i X."""
    _, t_prime, _, r_prime = b.blocks()
    rows = np.array([SIGMA[i].T.reshape(4) for i in (1, 2, 3)])
    return rows @ (np.eye(4) - t_prime - r_prime)


def channel_blocks(m):
    """Return all pairs of channels of a block as 2 x 2 spin matrices."""
    return m.reshape(2, CHANNELS, 2, CHANNELS).transpose(1, 3, 0, 2).reshape(-1, 2, 2)


def averaged_kron(m, *, conjugate_first):
    """Return the channel average of m* (x) m or of m (x) m*."""
    pairs = channel_blocks(m)
    first, second = (pairs.conj(), pairs) if conjugate_first else (pairs, pairs.conj())
    return np.einsum("kab,kcd->acbd", first, second).reshape(4, 4) / CHANNELS


def averaged_blocks(s):
    """Return r, t', t, r' of a coherent layer averaged over its channels, on row-major vec X."""
    return [averaged_kron(m, conjugate_first=False) for m in (s.r, s.t_prime, s.t, s.r_prime)]
