"""Random-matrix ensembles of an F/N/F valve, draw and transport, beside a loop over samples and the rate of zgemm.

One thread. g and T_b are compared with a dense solution of all regions, the charge current with itself.

The peer is what one writes with SciPy: ``unitary_group`` for all unitary matrices at once, then for each sample one
linear system for the movers of both inner regions. Its samples are others, so the means are compared.

The limit is the rate of complex matrix products. The work is counted for one sample of N channels, m = 2N amplitudes a
side, in real operations; a complex multiply-add is 8.

* draw: 4 QR decompositions with Q formed (32/3 N^3 each) and 4 products (8 N^3 each): 74.7 N^3;
* backward sweep over the two layers whose reflection differs from sample to sample: 3 products and a solution with m
  right-hand sides (LU 8/3 m^3 and 8 m^3): 34.7 m^3 each;
* forward sweep: right and left movers of the two regions behind them: 32 m^3.

That is 101.3 m^3 + 74.7 N^3 = 885 N^3. What the library does beyond it (products with unit matrices, populations,
copies) lowers the fraction.
"""

import os

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
TRANSPORT = 8 * (2 * (3 * 8 + 8 / 3 + 8) + 4 * 8)


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


def ensemble(n: int, count: int) -> np.ndarray:
    """Return g, T_b and the spread of the charge current of all samples by the house."""
    layer_a, layer_b = magnets(n)
    result = transport([layer_a, random_spacer(np.full(n, TRANSMISSION), count, seed=n), layer_b])
    spread = np.ptp(result.charge_current, axis=-1)
    return np.column_stack([result.conductance, result.torque[:, 2], spread])


def error_of(n: int) -> float:
    """Return the largest deviation of two samples from the dense solution, and of the charge current from itself."""
    layer_a, layer_b = magnets(n)
    spacer, found = random_spacer(np.full(n, TRANSMISSION), SAMPLES[n], seed=n), ensemble(n, SAMPLES[n])
    parts = [(spacer.r[k], spacer.t_prime[k], spacer.t[k], spacer.r_prime[k]) for k in range(2)]
    direct = [dense(layer_a, part, layer_b) for part in parts]
    return float(max(np.abs(found[:2, :4] - direct).max(), found[:, 4].max()))


def apart(n: int) -> float:
    """Return how far the mean conductances of both codes are apart, in standard errors of their difference."""
    ours, theirs = ensemble(n, SAMPLES[n])[:, 0], loop(n)[:, 0]
    return float(abs(ours.mean() - theirs.mean()) / np.sqrt((ours.var() + theirs.var()) / len(ours)))


def least(n: int) -> float:
    """Return the seconds that the counted operations of one sample take as complex products."""
    return (DRAW + TRANSPORT) * n**3 / zgemm_rate()


def main() -> None:
    """Print the measurement as JSON."""
    rows = []
    for n, count in SAMPLES.items():
        assert apart(n) < 5, "the two codes draw from one law"
        ours = Code(f"{count} samples", error_of(n), clock(lambda n=n: ensemble(n, SAMPLES[n])))
        note = "its draws are others, with the same mean"
        name = "SciPy, one system a sample"
        theirs = Code(f"{count} samples", None, clock(lambda n=n: loop(n)), name, scipy_version, note)
        rows.append(row(f"{n} channels", TARGET, ours, theirs, ("complex matrix products", count * least(n))))
    growth = scaling(
        "20 samples",
        "channels",
        (8, 16, 32, 64, 128),
        lambda n: lambda: ensemble(n, 20),
        3.0,
        limit=("complex matrix products", lambda n: 20 * least(n)),
        note="small matrices cost calls and copies rather than operations",
    )
    name, error = "random-matrix ensemble of an F/N/F valve", "largest deviation of g, T_b and the charge current"
    print_report(name, error, "a dense solution of all regions", rows, [growth], packages=["scipy"])


if __name__ == "__main__":
    main()
