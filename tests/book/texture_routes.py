"""One texture in one metal, and routes to its equations of motion (BTBK 11, 12) that do not use `texture_response`."""

import numpy as np
import scipy.constants as si

from spinlib.spin import unit_vector
from tests.quantum import LEVI_CIVITA

HBAR, E = si.hbar, si.e
E2_H = E**2 / si.h
GAMMA, M_S, SIGMA, P, BETA, ALPHA = 1.8e11, 8e5, 5e6, 0.7, 0.4, 0.05
METAL = {
    "polarization": P,
    "conductivity": SIGMA,
    "beta": BETA,
    "saturation_magnetization": M_S,
    "gyromagnetic_ratio": GAMMA,
}
# One channel of majority electrons: 1 S/m stands for e^2/h per length.
HALF = {"polarization": 1.0, "conductivity": 1.0, "saturation_magnetization": M_S, "gyromagnetic_ratio": GAMMA}
K = HBAR / (2 * E) * SIGMA * P
KAPPA = GAMMA * HBAR**2 * P**2 * SIGMA / (4 * E**2 * M_S)
M = unit_vector([0.3, -0.7, 0.5])
GRADIENT = np.cross(M, [[2.1e8, 0.3e8, -1e8], [0.5e8, -1.7e8, 0.2e8], [-0.8e8, 0.6e8, 1.1e8]])
FIELD_E = np.array([2e4, -1e4, 3e4])


def pumped_by(m, gradient, mdot, sign=-1, beta=BETA):
    """(12) with sums over Levi-Civita symbols; sign=+1: as printed."""
    first = np.einsum("jkl,k,il,j->i", LEVI_CIVITA, m, gradient, mdot)
    return K * (sign * first + beta * gradient @ mdot)


def implicit(m, alpha=ALPHA):
    """Matrix of mdot - alpha m x mdot, one column per component of mdot."""
    return np.stack([unit - alpha * np.cross(m, unit) for unit in np.eye(3)], axis=-1)
