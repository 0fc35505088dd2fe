"""Equation (24) of WD11 in the complex plane, for quadratic potentials: a second route to all its fixed points.

With z = (u_x + i u_y)/(1 - u_z) and w = z* a potential of degree two is N(z, w)/(1 + z w)^2, N of degree two in each.
The gradient is (1 + z w)^2/2 times the derivative by w, and u x (...) multiplies by -i (seen from the north pole, from
which the sphere is projected, it turns backwards). So (24) is

    dz/dt = L (A + w B)/[2 (1 + z w)],    A = N_1 - 2 z N_0,    B = 2 N_2 - z N_1,    N of chi - alpha V - i (V + Phi),

and a fixed point solves z* = -A(z)/B(z) with cubic A, B. Put into its own conjugate that is one polynomial of degree
ten: its roots hold every fixed point. Nothing here searches, starts from a guess or knows a vector product.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.polynomial import polynomial as poly
from scipy.signal import convolve2d
from scipy.spatial.transform import Rotation

from tests.potentials import pair

TURN = Rotation.from_rotvec((0.7, -1.1, 0.4)).as_matrix()  # no fixed point of the tests ends at the pole of projection
ONE = np.array([[1, 0], [0, 1]])  # 1 + z w, coefficients [power of z, power of w]
POINT = np.array([[[0, 1], [1, 0]], [[0, 1j], [-1j, 0]], [[-1, 0], [0, 1]]])  # (1 + z w) u
SINGLE = np.array([convolve2d(a, ONE) for a in POINT])  # (1 + z w)^2 u
PAIRS = np.array([[convolve2d(a, b) for b in POINT] for a in POINT])  # (1 + z w)^2 u u


def numerator(linear, quadratic):
    """N of linear . u + u . quadratic . u = N(z, w)/(1 + z w)^2, ``(3, 3)``."""
    return np.tensordot(linear, SINGLE, 1) + np.tensordot(quadratic, PAIRS, 2)


def to_plane(u):
    return (u[..., 0] + 1j * u[..., 1]) / (1 - u[..., 2])


def to_sphere(z):
    size = 1 + abs(z) ** 2
    return np.stack([2 * z.real / size, 2 * z.imag / size, 1 - 2 / size], -1)


@dataclass(frozen=True)
class PlaneFlow:
    """(24) for V, chi and Phi, each (linear, quadratic), in a frame turned by ``turn``: u = frame @ turn."""

    energy: tuple
    chi: tuple
    phi: tuple
    alpha: float
    mobility: float = 1.0
    turn: np.ndarray = None

    @cached_property
    def polynomials(self):
        """A and B, coefficients by rising powers of z."""
        r = np.eye(3) if self.turn is None else self.turn
        n = np.zeros((3, 3), complex)
        for (linear, quadratic), factor in (
            (self.energy, -self.alpha - 1j),
            (self.chi, 1.0),
            (self.phi, -1j),
        ):
            n += factor * numerator(r @ linear, r @ quadratic @ r.T)
        return poly.polysub(n[:, 1], 2 * poly.polymulx(n[:, 0])), poly.polysub(2 * n[:, 2], poly.polymulx(n[:, 1]))

    def at(self, z):
        """dz/dt and its derivatives by z and z*, at points z."""
        a, b = self.polynomials
        w = np.conj(z)
        top, size = poly.polyval(z, a) + w * poly.polyval(z, b), 2 * (1 + z * w)
        by_z = poly.polyval(z, poly.polyder(a)) + w * poly.polyval(z, poly.polyder(b))
        by_w = poly.polyval(z, b)
        down_z, down_w = -top * 2 * w / size**2, -top * 2 * z / size**2
        return (self.mobility * part for part in (top / size, by_z / size + down_z, by_w / size + down_w))

    def fixed_points(self):
        """Every fixed point ``(k, 3)``, with the trace and the determinant of the motion about it, ``(k,)``."""
        a, b = self.polynomials
        total = np.zeros(11, complex)
        powers_a, powers_b = [np.ones(1)], [np.ones(1)]
        for _ in range(3):
            powers_a.append(poly.polymul(powers_a[-1], -a))
            powers_b.append(poly.polymul(powers_b[-1], b))
        for k in range(4):  # (A* + z B*) at w = -A/B, times B^3
            term = poly.polymul(powers_a[k], powers_b[3 - k])
            whole = poly.polyadd(np.conj(a[k]) * term, np.conj(b[k]) * poly.polymulx(term))
            total[: whole.size] += whole
        z = poly.polyroots(total)
        w = -poly.polyval(z, a) / poly.polyval(z, b)
        apart = abs(z - w.conj()) / np.sqrt((1 + abs(z) ** 2) * (1 + abs(w) ** 2))
        z = z[apart < 1e-4]  # the others solve the equation with w for z*, and are not on the sphere
        for _ in range(4):
            rate, by_z, by_w = self.at(z)
            z = z - (by_z.conj() * rate - by_w * rate.conj()) / (abs(by_z) ** 2 - abs(by_w) ** 2)
        _, by_z, by_w = self.at(z)
        trace, determinant = 2 * by_z.real, abs(by_z) ** 2 - abs(by_w) ** 2
        u = to_sphere(z)
        return (u if self.turn is None else u @ self.turn), trace, determinant


def plane(system):
    """The flow of a ``GeneralizedLLG`` of quadratic potentials, in the frame turned by ``TURN``."""
    parts = [pair(part) for part in (system.energy, system.chi, system.phi)]
    return PlaneFlow(*parts, system.alpha, system.mobility, TURN)
