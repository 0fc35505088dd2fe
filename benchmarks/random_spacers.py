"""Random-matrix ensembles of an F/N/F valve, draw and transport, beside NumPy and SciPy.

One thread. For two samples, g and T_b of everyone are compared on the same scattering matrices: of the house and of
``batched`` with one dense system for all regions, of that system with the elimination of ``batched``. The two share no
algebra but the equations of a sample. The house has to conserve charge, too.

The peers are what one writes with NumPy and SciPy: ``loop``, ``unitary_group`` for all unitary matrices at once, then
for each sample one linear system for the movers of both inner regions; and ``batched``, stacked QR decompositions of
normal numbers and the elimination of the regions for all samples at once. They are written for three layers and return
g and T_b alone. Their samples are others, so the means of the ensembles are compared, too.

The limit is the rate of complex matrix products. Counted is what every elimination has to do, for one sample of N
channels, m = 2N amplitudes a side, in real operations; a complex multiply-add is 8.

* draw: 4 QR decompositions with Q formed (32/3 N^3 each) and 4 products (8 N^3 each): 74.7 N^3;
* one solution with m right-hand sides (LU 8/3 m^3 and 8 m^3) behind the magnet at an angle: 85.3 N^3.

That is 160 N^3; a product with two spins that do not mix, other regions, populations and copies are not counted.
"""

import os
from functools import partial

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
from _limits import zgemm_rate
from _timing import ONCE, Code, clock, print_report, row, scaling
from scipy import __version__ as scipy_version
from scipy.stats import unitary_group

from spinlib.scattering.random_matrix import random_spacer
from spinlib.scattering.smatrix import SMatrix, rotate
from spinlib.scattering.stack import transport

SAMPLES = {4: 100, 8: 50} if ONCE else {8: 400, 16: 150, 32: 50, 64: 15}
TRANSMISSION = 0.5  # of all channels of the spacer
TARGET = 1e-10
DRAW = 4 * 32 / 3 + 4 * 8
SIGMA = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
TRANSPORT = 8 * (8 / 3 + 8)


def magnets(n: int) -> tuple[SMatrix, SMatrix]:
    """Return F_a at an angle and F_b, N equal channels each."""
    layers = []
    for pair in ((0.6, 0.15), (0.5, 0.2)):
        spins = [[[np.sqrt(1 - t), 1j * np.sqrt(t)], [1j * np.sqrt(t), np.sqrt(1 - t)]] for t in pair]
        layers.append(SMatrix.from_spins(*(np.kron(spin, np.eye(n)) for spin in spins)))
    return rotate(layers[0], 1.1), layers[1]


def dense(layer_a: SMatrix, spacer: tuple[np.ndarray, ...], layer_b: SMatrix) -> np.ndarray:
    """Return g and T_b of one sample from one linear system for the movers of both inner regions."""
    r, t_prime, t, r_prime = spacer
    n = len(r) // 2
    one, none = np.eye(2 * n), np.zeros((2 * n, 2 * n))
    # Unknown: f_1, b_1, f_2, b_2; right movers f, left movers b.
    rows = [
        [one, -layer_a.r_prime, none, none],
        [-r, one, none, -t_prime],
        [-t, none, one, -r_prime],
        [none, none, -layer_b.r, one],
    ]
    found = np.linalg.solve(np.block(rows), np.concatenate([layer_a.t, none, none, none]))
    f, b = found[4 * n : 6 * n], found[6 * n :]
    arriving, back, passed = (x.reshape(2, -1) @ x.reshape(2, -1).conj().T for x in (f, b, layer_b.t @ f))
    through = np.trace(SIGMA @ passed, axis1=1, axis2=2).real
    kept = np.trace(SIGMA @ (arriving - back - passed), axis1=1, axis2=2).real
    return np.array([through[0], *kept[1:]]) / n


def loop(n: int) -> np.ndarray:
    """Return g and T_b of all samples, one after the other, in other draws."""
    layer_a, layer_b = magnets(n)
    draw = np.random.default_rng(n)
    u, v, w, x = (unitary_group.rvs(n, size=SAMPLES[n], random_state=draw) for _ in range(4))
    ones = np.eye(2)
    passed, kept = np.sqrt(TRANSMISSION), np.sqrt(1 - TRANSMISSION)
    blocks = (-kept * u @ v, passed * u @ w, passed * x @ v, kept * x @ w)  # r, t', t, r'
    found = [dense(layer_a, tuple(np.kron(ones, block[k]) for block in blocks), layer_b) for k in range(SAMPLES[n])]
    return np.array(found)


def haar(n: int, count: int, draw: np.random.Generator) -> np.ndarray:
    """Return ``count`` random unitary matrices from QR decompositions."""
    q, r = np.linalg.qr(draw.standard_normal((count, n, n)) + 1j * draw.standard_normal((count, n, n)))
    phases = np.diagonal(r, axis1=1, axis2=2)
    return q * (phases / np.abs(phases))[:, None, :]


def eliminated(layer_a: SMatrix, spacers: tuple[np.ndarray, ...], layer_b: SMatrix) -> np.ndarray:
    """Return g and T_b of all samples from their spacers ``(S, N, N)``, alike for both spins: r, t', t, r'."""
    count, n, _ = spacers[0].shape
    r, t_prime, t, r_prime = (np.zeros((count, 2 * n, 2 * n), dtype=complex) for _ in range(4))
    for whole, part in zip((r, t_prime, t, r_prime), spacers, strict=True):
        whole[:, :n, :n] = whole[:, n:, n:] = part
    one = np.eye(2 * n)
    onward = np.linalg.solve(one - r_prime @ layer_b.r, t)
    back = r + t_prime @ (layer_b.r @ onward)
    first = np.linalg.solve(one - layer_a.r_prime @ back, np.broadcast_to(layer_a.t, back.shape))
    f = onward @ first
    movers = (x.reshape(count, 2, -1) for x in (f, layer_b.r @ f, layer_b.t @ f))
    arriving, returned, passed = (x @ x.conj().swapaxes(1, 2) for x in movers)
    through = np.einsum("kij,sji->sk", SIGMA, passed).real
    kept = np.einsum("kij,sji->sk", SIGMA, arriving - returned - passed).real
    return np.concatenate([through[:, :1], kept[:, 1:]], axis=1) / n


def batched(n: int) -> np.ndarray:
    """Return g and T_b of all samples at once, in other draws."""
    draw = np.random.default_rng(n)
    u, v, w, x = (haar(n, SAMPLES[n], draw) for _ in range(4))
    passed, kept = np.sqrt(TRANSMISSION), np.sqrt(1 - TRANSMISSION)
    layer_a, layer_b = magnets(n)
    return eliminated(layer_a, (-kept * u @ v, passed * u @ w, passed * x @ v, kept * x @ w), layer_b)


def ensemble(n: int, count: int) -> np.ndarray:
    """Return g, T_b and the spread of the charge current of all samples by the house."""
    layer_a, layer_b = magnets(n)
    result = transport([layer_a, random_spacer(np.full(n, TRANSMISSION), count, seed=n), layer_b])
    spread = np.ptp(result.charge_current, axis=-1)
    return np.column_stack([result.conductance, result.torque[:, 2], spread])


def errors_of(n: int) -> tuple[float, float]:
    """Return the errors of the house and of the peers on two samples of the house."""
    layer_a, layer_b = magnets(n)
    spacer, found = random_spacer(np.full(n, TRANSMISSION), SAMPLES[n], seed=n), ensemble(n, SAMPLES[n])
    parts = [[block[k] for block in (spacer.r, spacer.t_prime, spacer.t, spacer.r_prime)] for k in range(2)]
    direct = np.array([dense(layer_a, tuple(part), layer_b) for part in parts])
    blocks = tuple(np.array([part[k][:n, :n] for part in parts]) for k in range(4))
    apart = np.abs(eliminated(layer_a, blocks, layer_b) - direct).max()
    return float(max(np.abs(found[:2, :4] - direct).max(), found[:, 4].max())), float(apart)


def away(n: int, theirs: np.ndarray) -> float:
    """Return how far the mean conductances of two codes are apart, in standard errors of their difference."""
    ours = ensemble(n, SAMPLES[n])[:, 0]
    return float(abs(ours.mean() - theirs.mean()) / np.sqrt((ours.var() + theirs.var()) / len(ours)))


def least(n: int) -> float:
    """Return the seconds that the counted operations of one sample take as complex products."""
    return (DRAW + TRANSPORT) * n**3 / zgemm_rate()


def main() -> None:
    """Print the measurement as JSON."""
    rows = []
    for n, count in SAMPLES.items():
        error, theirs = errors_of(n)
        ours = Code(f"{count} samples", error, clock(lambda n=n: ensemble(n, SAMPLES[n])))
        limit = ("complex matrix products", count * least(n))
        for name, package, release, note, way in (
            ("SciPy, loop", "SciPy", scipy_version, "one system a sample", loop),
            ("NumPy, batched", "NumPy", np.__version__, "written for three layers, without checks", batched),
        ):
            assert away(n, way(n)[:, 0]) < 5, "the codes draw from one law"
            peer = Code(f"{count} samples", theirs, clock(partial(way, n)), name, package, release, note)
            rows.append(row(f"{n} channels", TARGET, ours, peer, limit))
    growth = scaling(
        "20 samples",
        "channels",
        (8, 16, 32, 64, 128),
        lambda n: lambda: ensemble(n, 20),
        3.0,
        limit=("complex matrix products", lambda n: 20 * least(n)),
        above="20 samples of many channels do not fit into the caches",
        below="QR decompositions and copies of small matrices, far from the rate of products",
    )
    name, error = "random-matrix ensemble of an F/N/F valve", "largest deviation of g, T_b and the charge current"
    print_report(
        name,
        error,
        "a dense solution and an elimination of the regions, one for the other",
        rows,
        [growth],
        packages=["scipy"],
    )


if __name__ == "__main__":
    main()
