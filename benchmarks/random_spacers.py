"""Random-matrix ensembles of an F/N/F valve, draw and transport, against the rate of zgemm on the same machine.

``python benchmarks/random_spacers.py`` prints JSON: medians over repeats, one thread. The work is counted for one
sample of N channels, m = 2N amplitudes a side, in real operations; a complex multiply-add is 8.

* draw: 4 QR decompositions with Q formed (32/3 N^3 each) and 4 products (8 N^3 each): 74.7 N^3;
* backward sweep over the two layers whose reflection differs from sample to sample: 3 products and a solution with m
  right-hand sides (LU 8/3 m^3 and 8 m^3): 34.7 m^3 each;
* forward sweep: right and left movers of the two regions behind them: 32 m^3.

That is 101.3 m^3 + 74.7 N^3 = 885 N^3. What the library does beyond it (products with unit matrices, populations,
copies) lowers the fraction of the zgemm rate that is reported.
"""

import json
import os

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
from _timing import median_time, versions

from spinlib.scattering.random_matrix import random_spacer
from spinlib.scattering.smatrix import SMatrix, rotate
from spinlib.scattering.stack import transport

SAMPLES = {8: 1000, 16: 300, 32: 80, 64: 20}
REPEATS = 5
DRAW = 4 * 32 / 3 + 4 * 8
TRANSPORT = 8 * (2 * (3 * 8 + 8 / 3 + 8) + 4 * 8)


def zgemm(size: int, count: int) -> float:
    """Return the rate of ``count`` complex products of square matrices in GFlop/s."""
    real, imaginary = np.random.default_rng(0).normal(size=(2, count, size, size))
    a = real + 1j * imaginary
    seconds, _ = median_time(lambda: a @ a, REPEATS)
    return 8 * count * size**3 / seconds / 1e9


def magnets(n: int) -> tuple[SMatrix, SMatrix]:
    """Return F_a at an angle and F_b, N equal channels each."""
    layers = []
    for pair in ((0.6, 0.15), (0.5, 0.2)):
        spins = [[[np.sqrt(1 - t), 1j * np.sqrt(t)], [1j * np.sqrt(t), np.sqrt(1 - t)]] for t in pair]
        layers.append(SMatrix.from_spins(*(np.kron(spin, np.eye(n)) for spin in spins)))
    return rotate(layers[0], 1.1), layers[1]


def dense(layer_a: SMatrix, spacer: SMatrix, layer_b: SMatrix, sample: int) -> np.ndarray:
    """Return g and T_b of one sample from one linear system for the movers of both inner regions."""
    n = spacer.channels
    one, none = np.eye(2 * n), np.zeros((2 * n, 2 * n))
    r, t_prime, t, r_prime = (m[sample] for m in (spacer.r, spacer.t_prime, spacer.t, spacer.r_prime))
    # Unknown: f_1, b_1, f_2, b_2; right movers f, left movers b.
    rows = [
        [one, -layer_a.r_prime, none, none],
        [-r, one, none, -t_prime],
        [-t, none, one, -r_prime],
        [none, none, -layer_b.r, one],
    ]
    found = np.linalg.solve(np.block(rows), np.concatenate([layer_a.t, none, none, none]))
    f, b = found[4 * n : 6 * n], found[6 * n :]
    sigma = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    arriving, back, passed = (x.reshape(2, -1) @ x.reshape(2, -1).conj().T for x in (f, b, layer_b.t @ f))
    through = np.trace(sigma @ passed, axis1=1, axis2=2).real
    kept = np.trace(sigma @ (arriving - back - passed), axis1=1, axis2=2).real
    return np.array([through[0], *kept[1:]]) / n


def ensemble(n: int) -> dict[str, float]:
    """Return times, rate and errors of one ensemble."""
    count, (layer_a, layer_b) = SAMPLES[n], magnets(n)
    draw_time, spacer = median_time(lambda: random_spacer(np.full(n, 0.5), count, seed=n), REPEATS)
    solve_time, result = median_time(lambda: transport([layer_a, spacer, layer_b]), REPEATS)
    found = np.column_stack([result.conductance, result.torque[:, 2]])[:2]
    direct = [dense(layer_a, spacer, layer_b, k) for k in range(2)]
    per_sample = (draw_time + solve_time) / count
    return {
        "draw_seconds": draw_time / count,
        "transport_seconds": solve_time / count,
        "counted_flop": (DRAW + TRANSPORT) * n**3,
        "gflop_per_second": (DRAW + TRANSPORT) * n**3 / per_sample / 1e9,
        "charge_error": float(np.ptp(result.charge_current, axis=-1).max()),
        "error": float(max(np.abs(found - direct).max(), np.ptp(result.charge_current, axis=-1).max())),
    }


def main() -> None:
    """Print the measurement as JSON."""
    rates = {"large": zgemm(512, 1), **{str(2 * n): zgemm(2 * n, SAMPLES[n]) for n in SAMPLES}}
    runs = {n: ensemble(n) for n in SAMPLES}
    seconds = [run["draw_seconds"] + run["transport_seconds"] for run in runs.values()]
    report = {
        "name": "random-matrix ensemble of an F/N/F valve, draw and transport",
        "versions": versions(),
        "repeats": REPEATS,
        "error": "g and T_b against a dense solution of all regions, charge current against itself, largest deviation",
        "flop_per_sample_over_n_cubed": DRAW + TRANSPORT,
        "zgemm_gflop_per_second": rates,
        **{f"channels_{n}": run for n, run in runs.items()},
        "fraction_of_large_zgemm": {str(n): run["gflop_per_second"] / rates["large"] for n, run in runs.items()},
        "fraction_of_batched_zgemm": {str(n): run["gflop_per_second"] / rates[str(2 * n)] for n, run in runs.items()},
        "exponent_of_seconds_in_n": float(np.polyfit(np.log(list(SAMPLES)), np.log(seconds), 1)[0]),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
