"""Random spacers in an F/N/F valve: the ensembles that the chapter on averaging fits, `python -m tools.random_spacers`.

The valve is that of the chapter: aligned layers with the same transmissions in every channel, F_a turned by an angle.
Each batch of an ensemble has its own seed, so that a test can repeat a few of them. One core takes six minutes.
"""

import numpy as np
from numpy.typing import NDArray

from spinlib.scattering.random_matrix import random_spacer
from spinlib.scattering.smatrix import SMatrix, rotate
from spinlib.scattering.stack import transport
from tools.isolation import ROOT
from tools.precomputed import save

DATA = ROOT / "book" / "random_spacers" / "valve.json"
FIRST, SECOND, ANGLE, MEAN = (0.6, 0.15), (0.5, 0.2), 1.1, 0.5
SAMPLES = {4: 2500, 6: 4000, 8: 3400, 12: 2000, 16: 1600, 24: 400, 32: 100, 48: 22, 64: 12}
"""Samples of a batch, by the number of channels."""
BATCHES = 60
CASES = ("unitary", "symmetric", "half_open")
"""No time-reversal symmetry; with it; with it, and half of the eigenvalues 1, the others 0."""


def seed_of(case: int, channels: int) -> int:
    """Seed of the first batch; the others follow."""
    return 1_000_000 * (case + 1) + 1000 * channels


def valve(spacer: SMatrix) -> NDArray[np.float64]:
    """Return g, T_x and T_y on F_b of every sample, ``(samples, 3)``."""

    def magnet(up: float, down: float) -> SMatrix:
        spins = ([[np.sqrt(1 - t), 1j * np.sqrt(t)], [1j * np.sqrt(t), np.sqrt(1 - t)]] for t in (up, down))
        return SMatrix.from_spins(*(np.kron(spin, np.eye(spacer.channels)) for spin in spins))

    result = transport([rotate(magnet(*FIRST), ANGLE), spacer, magnet(*SECOND)])
    return np.column_stack([result.conductance, result.torque[:, 2, :2]])


def batch(case: int, channels: int, number: int) -> NDArray[np.float64]:
    """Return mean and standard deviation of g, T_x and T_y over one batch, ``(2, 3)``."""
    half_open = np.arange(channels) < channels * MEAN
    eigenvalues = half_open.astype(float) if CASES[case] == "half_open" else np.full(channels, MEAN)
    seed, symmetric = seed_of(case, channels) + number, CASES[case] != "unitary"
    samples = valve(random_spacer(eigenvalues, SAMPLES[channels], time_reversal=symmetric, seed=seed))
    return np.array([samples.mean(axis=0), samples.std(axis=0)])


def main() -> None:
    ensembles = [[[batch(case, n, k) for k in range(BATCHES)] for n in SAMPLES] for case in range(len(CASES))]
    mean, scatter = np.moveaxis(np.array(ensembles), 3, 0)  # each (case, channels, batch, quantity)
    arrays = {"channels": list(SAMPLES), "samples": list(SAMPLES.values()), "mean": mean, "scatter": scatter}
    seeds = [seed_of(case, n) for case in range(len(CASES)) for n in SAMPLES]
    save(DATA, arrays, command="python -m tools.random_spacers", seeds=seeds, code=["tools/random_spacers.py"],
         versions=["numpy"], replace=True)  # fmt: skip


if __name__ == "__main__":
    main()
