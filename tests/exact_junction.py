"""A normal metal-ferromagnet junction as a boundary value problem in many digits: a route without WD04 (34)-(38)."""

from dataclasses import dataclass

import mpmath
import numpy as np


@dataclass(frozen=True)
class ExactJunction:
    """Solution for e J = 1: potentials in units of e J, everything a number of mpmath."""

    spin_accumulation: mpmath.mpf
    d_accumulation: mpmath.mpf
    amplitude_plus: mpmath.mpf
    amplitude_minus: mpmath.mpf
    lambda_plus: mpmath.mpf
    lambda_minus: mpmath.mpf
    resistance: mpmath.mpf


def decaying_modes(medium):
    """Channels that conduct, and the pairs (kappa, potentials) of all modes that decay, fastest first.

    Conservation and Ohm's law give Sigma mu'' = (graph Laplacian of G) mu. The Laplacian is summed up pair by pair from
    the heat that relaxation makes; the mode without decay, equal potentials, is the one that is dropped.
    """
    active = np.flatnonzero(medium.conductivity)
    root = [mpmath.sqrt(mpmath.mpf(float(medium.conductivity[i]))) for i in active]
    size = len(active)
    heat = mpmath.zeros(size)
    for i in range(size):
        for j in range(i):
            rate = mpmath.mpf(float(medium.relaxation[active[i], active[j]]))
            heat[i, i] += rate / root[i] ** 2
            heat[j, j] += rate / root[j] ** 2
            heat[i, j] -= rate / (root[i] * root[j])
            heat[j, i] = heat[i, j]
    values, vectors = mpmath.eigsy(heat)
    order = sorted(range(size), key=lambda k: values[k], reverse=True)[:-1]
    modes = [(mpmath.sqrt(values[k]), [vectors[i, k] / root[i] for i in range(size)]) for k in order]
    return active, modes


def exact_junction(normal, ferromagnet, digits=60):
    """Match all channels: potentials and currents of s continuous, no d current at the interface."""
    with mpmath.workdps(digits):
        left, ((kappa, spin),) = decaying_modes(normal)
        right, fast_and_slow = decaying_modes(ferromagnet)
        assert list(left) == [0, 1]
        assert list(right) == [0, 1, 3]
        sigma_n = [mpmath.mpf(float(normal.conductivity[i])) for i in left]
        sigma_f = [mpmath.mpf(float(ferromagnet.conductivity[i])) for i in right]
        total_n, total_f = sum(sigma_n), sum(sigma_f)
        # Unknown: amplitude in N, potential of F above that of N once the Ohmic slopes are taken off, amplitudes in F.
        matrix, drive = mpmath.zeros(4), mpmath.zeros(4, 1)
        for i in (0, 1):  # s potentials
            matrix[i, 0], matrix[i, 1] = spin[i], -1
            matrix[i, 2], matrix[i, 3] = (-mode[i] for _, mode in fast_and_slow)
        for row, i in ((2, 0), (3, 2)):  # current of s_up, then of d_down; that of s_down is the rest
            for column, (rate, mode) in enumerate(fast_and_slow, start=2):
                matrix[row, column] = sigma_f[i] * rate * mode[i]
            drive[row] = -sigma_f[i] / total_f
        matrix[2, 0] = sigma_n[0] * kappa * spin[0]
        drive[2] += sigma_n[0] / total_n
        found = mpmath.lu_solve(matrix, drive)
        jumps = [mode[1] - mode[2] for _, mode in fast_and_slow]
        plus, minus = found[2] * jumps[0], found[3] * jumps[1]
        return ExactJunction(
            found[0] * (spin[0] - spin[1]),
            plus + minus,
            plus,
            minus,
            1 / fast_and_slow[0][0],
            1 / fast_and_slow[1][0],
            -found[1],
        )
