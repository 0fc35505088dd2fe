"""Operators, states and ordered averages of small quantum systems that several tests use; hbar = 1."""

from functools import reduce

import numpy as np
from scipy.linalg import expm

from spinlib.spin import spin_matrices

LEVI_CIVITA = np.array([[[(i - j) * (j - k) * (k - i) / 2 for k in range(3)] for j in range(3)] for i in range(3)])


def dagger(operators):
    return np.asarray(operators).conj().swapaxes(-1, -2)


def heisenberg(operators, hamiltonian, time):
    """The operators at a later time, for a Hamiltonian that does not change."""
    forward = expm(-1j * hamiltonian * time)
    return dagger(forward) @ operators @ forward


def spin_sites(*sizes):
    """Spin operators [site, component] of several spins in one space."""
    ones = [np.eye(int(2 * s + 1)) for s in sizes]
    kinds = [spin_matrices(s) for s in sizes]
    return np.array(
        [[reduce(np.kron, [*ones[:k], component, *ones[k + 1 :]]) for component in kinds[k]] for k in range(len(sizes))]
    )


def hermitian(rng, size):
    raw = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    return (raw + dagger(raw)) / 2


def mixed_state(rng, size):
    """A random density matrix with all its coherences."""
    root = rng.normal(size=(size, size)) + 1j * rng.normal(size=(size, size))
    square = root @ dagger(root)
    return square / np.trace(square)


def on_branches(greater, lesser, later):
    """What stands on each pair of branches (of x, of y) of the closed time path; ``later``: x is later than y."""
    first, last = (greater, lesser) if later else (lesser, greater)
    return {(1, 1): first, (2, 2): last, (2, 1): greater, (1, 2): lesser}


def green_functions(state, psi, bar, later):
    """The four functions RHP (47) as matrices [a, b] of the operators Psi_a at x and Psi_b^dagger at y."""
    greater = np.einsum("ij,ajk,bki->ab", state, psi, bar)
    lesser = -np.einsum("ij,bjk,aki->ab", state, bar, psi)
    return on_branches(greater, lesser, later)
