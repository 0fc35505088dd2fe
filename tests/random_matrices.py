"""Random matrices that several tests draw."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import unitary_group


def haar(rng: np.random.Generator, size: int) -> NDArray[np.complex128]:
    """Return a unitary matrix, uniformly distributed."""
    return unitary_group.rvs(size, random_state=rng)
