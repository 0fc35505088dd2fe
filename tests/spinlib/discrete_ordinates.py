"""The transverse part of RHP (66) with N directions of flight, of v_F = tau = 1: no formula of the package is used.

f(x, mu, t) is the amplitude of m_x + i m_y, share = tau/tau_sf, and 1/tau_p = 1 - share.
"""

from math import inf

import numpy as np

from spinlib.accumulation import DiffusiveMedium
from spinlib.units import hbar


def directions(number):
    """Gauss-Legendre values of mu, and weights with sum 1."""
    mu, weights = np.polynomial.legendre.leggauss(number)
    return mu, weights / 2


def scaled(a, share, tau=1.0, speed=1.0):
    """A medium of given angle of precession and tau/tau_sf; k in units of 1/(v_F tau) if both are 1."""
    return DiffusiveMedium(speed**2 * tau / 3, tau / share if share else inf, tau, a * hbar / tau)


def losses(a, share, number, wavenumber=0.0):
    """Matrix of -df/dt for f ~ exp(i q x): precession, flight, collisions, and what they scatter back."""
    mu, weights = directions(number)
    return np.diag(1 + 1j * a + 1j * wavenumber * mu) - (1 - share) * np.ones((number, 1)) * weights


def spatial_modes(a, share, number):
    """k of f ~ exp(-k x) from the generalised eigenproblem (s - k mu) f = (1 - share) <f>, s = 1 + i a."""
    return np.linalg.eigvals(losses(a, share, number) / directions(number)[0][:, None])


def discrete_mode(a, share, number):
    """k with Re k > 0 of the pair of eigenvalues that is farthest from the continuum -1 < s/k < 1."""
    k = spatial_modes(a, share, number)
    nu = (1 + 1j * a) / k
    nu = np.where(nu.real < 0, -nu, nu)
    distance = np.where(nu.real < 1, np.abs(nu.imag), np.abs(nu - 1))
    return (1 + 1j * a) / nu[np.argmax(distance)]


def decay_rates(a, wavenumber, share, number):
    """Gamma of f ~ exp(i q x - Gamma t), the slowest first."""
    values = np.linalg.eigvals(losses(a, share, number, wavenumber))
    return values[np.argsort(values.real)]
