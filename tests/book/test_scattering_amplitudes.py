"""KK (7) and (10)-(12): amplitudes, torque and spacer of a coherent junction."""

import numpy as np
import pytest

from spinlib.scattering.random_matrix import random_spacer
from spinlib.scattering.smatrix import SMatrix, mode_amplitudes, rotate
from spinlib.scattering.stack import transport
from tests.book.scattering_junction import N, coherent_junction, direct, omega, spin
from tests.spinlib.scattering.routes import (
    random_unitary,
)


@pytest.mark.parametrize("seed", [1, 10, 20])
def test_paper_KK_7(seed):
    b, n, a = coherent_junction(seed)
    gamma_21 = direct(b, n, a)[1][1]
    corrected = omega(n.r, n.r_prime, n.t, n.t_prime, b.r_prime, a.r, a.t_prime)
    np.testing.assert_allclose(corrected, gamma_21, atol=1e-12)
    _, left = mode_amplitudes([b, n, a])
    np.testing.assert_allclose(left[1, :, 2 * N :], gamma_21, atol=1e-12)
    # Printed: no inverse on (1 - t_n r_b'), t_n for r_n in it, and t_a for r_a before r_n'.
    one = np.eye(2 * N)
    k = np.linalg.inv(one - n.r @ b.r_prime)
    inner = one - a.r @ n.t @ b.r_prime @ (one - n.t @ b.r_prime) @ n.t_prime
    printed = k @ n.t_prime @ np.linalg.solve(inner - a.t @ n.r_prime, a.t_prime)
    exchanged = (
        k @ n.t_prime @ np.linalg.solve(one - a.r @ n.t @ b.r_prime @ k @ n.t_prime - a.t @ n.r_prime, a.t_prime)
    )
    for wrong in (printed, exchanged):
        assert np.linalg.norm(wrong - gamma_21) / np.linalg.norm(gamma_21) > 0.3


@pytest.mark.parametrize("seed", [1, 10, 20])
def test_paper_KK_10(seed):
    b, n, a = coherent_junction(seed)
    right, left = direct(b, n, a)
    sigma = [
        spin(i) - b.t_prime.conj().T @ spin(i) @ b.t_prime - b.r_prime.conj().T @ spin(i) @ b.r_prime for i in (1, 2, 3)
    ]
    formula = [np.trace(s @ left[1] @ left[1].conj().T).real / N for s in sigma]
    flux = [
        [np.trace(spin(i) @ (f @ f.conj().T - g @ g.conj().T)).real / N for i in (1, 2, 3)]
        for f, g in zip(right, left, strict=True)
    ]
    np.testing.assert_allclose(formula, np.subtract(flux[0], flux[1]), atol=1e-12)
    np.testing.assert_allclose(transport([b, n, a], source="right").torque[0], formula, atol=1e-12)
    # J counted to the left, as printed, would make tau_b the spin that F_b loses: factor -1.
    to_the_left = np.subtract(np.negative(flux[0]), np.negative(flux[1]))
    np.testing.assert_allclose(to_the_left, np.negative(formula), atol=1e-12)


def test_paper_KK_11():
    spins = [random_unitary(2 * N, k) for k in range(40, 44)]
    b, a = SMatrix.from_spins(*spins[:2]), rotate(SMatrix.from_spins(*spins[2:]), 1.1)
    _, n, _ = coherent_junction(5)
    right, left = direct(b, n, a)
    o = left[1]
    flux = [
        [np.trace(spin(i) @ (f @ f.conj().T - g @ g.conj().T)).real / N for i in (1, 2, 3)]
        for f, g in zip(right, left, strict=True)
    ]
    expected = np.subtract(flux[0], flux[1])
    up, down = slice(None, N), slice(N, None)
    mixed = o[up, up] @ o[down, up].conj().T + o[up, down] @ o[down, down].conj().T
    r_up, r_down = b.r_prime[up, up], b.r_prime[down, down]
    t_up, t_down = b.t_prime[up, up], b.t_prime[down, down]
    z = np.trace(mixed @ (np.eye(N) - r_down.conj().T @ r_up - t_down.conj().T @ t_up)) / N
    np.testing.assert_allclose([2 * z.real, -2 * z.imag, 0], expected, atol=1e-12)
    # Printed: prefactor 1/4 pi, order r_up r_down^dagger, and r twice. The first alone is a factor 2.
    np.testing.assert_allclose([z.real, -z.imag], expected[:2] / 2, atol=1e-12)
    order = np.trace(mixed @ (np.eye(N) - r_up @ r_down.conj().T - t_up @ t_down.conj().T)) / N
    twice = np.trace(mixed @ (np.eye(N) - 2 * r_down.conj().T @ r_up)) / N
    for wrong in (order, twice):
        assert abs(wrong - z) / abs(z) > 0.1


def test_paper_KK_12():
    t = np.array([0.9, 0.5, 0.1])
    u, u_prime, v, v_prime = (random_unitary(N, k) for k in range(4))
    core = np.block(
        [[np.diag(np.sqrt(1 - t)), 1j * np.diag(np.sqrt(t))], [1j * np.diag(np.sqrt(t)), np.diag(np.sqrt(1 - t))]]
    )
    zero = np.zeros((N, N))
    s = np.block([[u, zero], [zero, v_prime]]) @ core @ np.block([[u_prime, zero], [zero, v]])
    np.testing.assert_allclose(s @ s.conj().T, np.eye(2 * N), atol=1e-14)
    eigenvalues = np.linalg.eigvalsh(s[N:, :N] @ s[N:, :N].conj().T)
    np.testing.assert_allclose(eigenvalues, np.sort(t), atol=1e-14)
    np.testing.assert_allclose(
        np.linalg.svd(random_spacer(t, 1, seed=1).t[0], compute_uv=False)[::2] ** 2, t, atol=1e-13
    )
    # The text available to us has no roots: then S S^dagger = 1 - 2 T (1 - T) on the diagonal of the core.
    rootless = np.block([[np.diag(1 - t), 1j * np.diag(t)], [1j * np.diag(t), np.diag(1 - t)]])
    np.testing.assert_allclose(np.diag(rootless @ rootless.conj().T)[:N], 1 - 2 * t * (1 - t), atol=1e-14)
