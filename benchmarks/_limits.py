"""What this machine can do on one thread, measured: each rate once in a run and stored in its report."""

from functools import cache

import numpy as np
from _timing import RATES, least_time
from scipy.linalg.lapack import dgbsv, dgtsv
from scipy.sparse import sparray
from scipy.sparse.linalg import splu

__all__ = [
    "banded_seconds",
    "dgemm_rate",
    "factor_seconds",
    "normal_seconds",
    "small_solve_seconds",
    "stored",
    "zgemm_rate",
]


def stored(name: str, value: float, unit: str, per_unit: float) -> float:
    """Return ``value`` [SI], entered into the report in ``unit`` of ``per_unit``."""
    RATES[name] = (value / per_unit, unit)
    return value


@cache
def dgemm_rate(size: int = 512) -> float:
    """Return operations per second of the product of real matrices, 2 n^3 each."""
    a = np.random.default_rng(0).standard_normal((size, size))
    return stored("real matrix products", 2 * size**3 / least_time(lambda: a @ a), "Gflop/s", 1e9)


@cache
def zgemm_rate(size: int = 512) -> float:
    """Return real operations per second of the product of complex matrices, 8 n^3 each."""
    real, imaginary = np.random.default_rng(0).standard_normal((2, size, size))
    a = real + 1j * imaginary
    return stored("complex matrix products", 8 * size**3 / least_time(lambda: a @ a), "Gflop/s", 1e9)


@cache
def normal_seconds(count: int = 1_000_000) -> float:
    """Return the seconds of one normal number of NumPy's generator; others may be faster."""
    generator = np.random.default_rng(0)
    each = least_time(lambda: generator.standard_normal(count)) / count
    return stored("normal numbers of NumPy", each, "ns each", 1e-9)


@cache
def small_solve_seconds(count: int = 10_000) -> float:
    """Return the seconds of one of many 4 x 4 systems with one right-hand side, by LAPACK in one call of NumPy."""
    matrix = np.random.default_rng(0).uniform(size=(count, 4, 4)) + 4 * np.eye(4)
    each = least_time(lambda: np.linalg.solve(matrix, np.ones((4, 1)))) / count
    return stored("4 x 4 systems", each, "ns each", 1e-9)


def factor_seconds(matrix: sparray) -> float:
    """Return the seconds of one factorisation of a sparse matrix by SuperLU."""
    return least_time(lambda: splu(matrix))


@cache
def banded_seconds(unknowns: int, width: int) -> float:
    """Return the seconds of LAPACK's solution of as many equations with ``width`` diagonals on either side."""
    draw = np.random.default_rng(0)
    matrix, right = draw.uniform(size=(3 * width + 1, unknowns)), draw.uniform(size=(unknowns, 1))
    matrix[2 * width] += 2 * width
    if width == 1:  # a routine of its own, several times as fast
        return least_time(lambda: dgtsv(matrix[3, :-1], matrix[2], matrix[1, 1:], right))
    return least_time(lambda: dgbsv(width, width, matrix, right))
