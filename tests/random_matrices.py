"""Random matrices that several tests draw."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import unitary_group


def haar(rng: np.random.Generator, size: int) -> NDArray[np.complex128]:
    """Return a unitary matrix, uniformly distributed."""
    if size == 1:  # SciPy before 1.16 refuses it
        return np.exp(2j * np.pi * rng.random((1, 1)))
    return unitary_group.rvs(size, random_state=rng)


def symmetric(rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a symmetric 3 x 3 matrix: the tensor of a field."""
    matrix = rng.normal(size=(3, 3))
    return matrix + matrix.T


def dissipative(rng: np.random.Generator, scale: float = 0.3) -> NDArray[np.float64]:
    """Return a symmetric 3 x 3 matrix without negative eigenvalue, of size ``scale`` squared: a damping tensor."""
    matrix = scale * rng.normal(size=(3, 3))
    return matrix @ matrix.T
