"""The transverse part of RHP (66) with N directions of flight, of v_F = tau = 1: no formula of the package is used.

f(x, mu, t) is the amplitude of m_x + i m_y, share = tau/tau_sf, and 1/tau_p = 1 - share.
"""

import numpy as np


def directions(number):
    """Gauss-Legendre values of mu, and weights with sum 1."""
    mu, weights = np.polynomial.legendre.leggauss(number)
    return mu, weights / 2


def spatial_modes(a, share, number):
    """k of f ~ exp(-k x) from the generalised eigenproblem (s - k mu) f = (1 - share) <f>, s = 1 + i a."""
    mu, weights = directions(number)
    left = (1 + 1j * a) * np.eye(number) - (1 - share) * np.ones((number, 1)) * weights
    return np.linalg.eigvals(left / mu[:, None])


def discrete_mode(a, share, number):
    """k with Re k > 0 of the pair of eigenvalues that is farthest from the continuum -1 < s/k < 1."""
    k = spatial_modes(a, share, number)
    nu = (1 + 1j * a) / k
    nu = np.where(nu.real < 0, -nu, nu)
    distance = np.where(nu.real < 1, np.abs(nu.imag), np.abs(nu - 1))
    return (1 + 1j * a) / nu[np.argmax(distance)]


def decay_rates(a, wavenumber, share, number):
    """Gamma of f ~ exp(i q x - Gamma t), the slowest first."""
    mu, weights = directions(number)
    flight = np.diag(1 + 1j * a + 1j * wavenumber * mu)
    values = np.linalg.eigvals(flight - (1 - share) * np.ones((number, 1)) * weights)
    return values[np.argsort(values.real)]
