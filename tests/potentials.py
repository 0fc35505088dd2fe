"""Potentials that the tests of magnets share."""

import numpy as np


def pair(potential):
    """Linear and quadratic part of a potential of degree two, or of None."""
    if potential is None:
        return np.zeros(3), np.zeros((3, 3))
    return np.asarray(potential.linear), np.asarray(potential.quadratic)


class Quartic:
    """K (x^2 y^2 + y^2 z^2 + z^2 x^2), cubic anisotropy, in axes turned by ``axes``; plus linear . u."""

    def __init__(self, strength=1.0, axes=None, linear=(0.0, 0.0, 0.0), stray=0.0):
        self.strength, self.axes = strength, np.eye(3) if axes is None else axes
        self.linear, self.stray = np.asarray(linear), stray

    def __call__(self, m):
        squares = (m @ self.axes.T) ** 2
        return self.strength * (1 - np.sum(squares**2, -1)) / 2 + m @ self.linear

    def gradient(self, m):
        across = self.linear - 2 * self.strength * (m @ self.axes.T) ** 3 @ self.axes
        return across - np.sum((across - self.stray) * m, -1)[..., None] * m  # ``stray`` of it points along m


class QuarticWithHessian(Quartic):
    def hessian(self, m):
        flat = np.einsum("ki,...k,kj->...ij", self.axes, -6 * self.strength * (m @ self.axes.T) ** 2, self.axes)
        slope = self.linear - 2 * self.strength * (m @ self.axes.T) ** 3 @ self.axes
        across = np.eye(3) - m[..., :, None] * m[..., None, :]
        return across @ flat @ across - np.sum(slope * m, -1)[..., None, None] * across
