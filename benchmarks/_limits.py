"""What this machine can do on one thread, measured: each rate once in a run. `python _limits.py` prints them."""

import json
from functools import cache

import numpy as np
from _timing import least_time
from scipy.linalg.blas import daxpy
from scipy.linalg.lapack import dgbsv

__all__ = ["banded_seconds", "bandwidth", "dgemm_rate", "normal_seconds", "zgemm_rate"]


@cache
def dgemm_rate(size: int = 512) -> float:
    """Return operations per second of the product of real matrices, 2 n^3 each."""
    a = np.random.default_rng(0).standard_normal((size, size))
    return 2 * size**3 / least_time(lambda: a @ a)


@cache
def zgemm_rate(size: int = 512) -> float:
    """Return real operations per second of the product of complex matrices, 8 n^3 each."""
    real, imaginary = np.random.default_rng(0).standard_normal((2, size, size))
    a = real + 1j * imaginary
    return 8 * size**3 / least_time(lambda: a @ a)


@cache
def bandwidth(count: int = 8_000_000) -> float:
    """Return bytes per second of y += a x on arrays that no cache holds: two read, one written, 24 an entry."""
    x, y = np.ones(count), np.zeros(count)
    return 24 * count / least_time(lambda: daxpy(x, y, a=1e-3))


@cache
def normal_seconds(count: int = 1_000_000) -> float:
    """Return the seconds of one normal number of NumPy's generator."""
    generator = np.random.default_rng(0)
    return least_time(lambda: generator.standard_normal(count)) / count


@cache
def banded_seconds(unknowns: int, width: int) -> float:
    """Return the seconds of LAPACK's solution of as many equations with ``width`` diagonals on either side."""
    draw = np.random.default_rng(0)
    matrix, right = draw.uniform(size=(3 * width + 1, unknowns)), draw.uniform(size=(unknowns, 1))
    matrix[2 * width] += 2 * width
    return least_time(lambda: dgbsv(width, width, matrix, right))


if __name__ == "__main__":
    rates = {
        "real matrix products": f"{dgemm_rate() / 1e9:.1f} Gflop/s",
        "complex matrix products": f"{zgemm_rate() / 1e9:.1f} Gflop/s",
        "memory": f"{bandwidth() / 1e9:.1f} GB/s",
        "normal numbers": f"{normal_seconds() * 1e9:.1f} ns each",
    }
    print(json.dumps(rates))
