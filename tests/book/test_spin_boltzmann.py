"""RHP (58)-(66): each against a route that does not use it.

The routes: states of any number of electrons in Fock space, electrons propagated in the basis of plane waves, an
operator identity for electron and local spin, the exact thermal state of a helix, directions drawn one by one. Printed
forms miss by what is predicted. Units: hbar = 1 and, for electrons, mass 1. All arrows are spins.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from spinlib.accumulation import DiffusiveMedium, transverse_wavenumber
from spinlib.field_theory import fermion_operators
from spinlib.spin import PAULI, cross_matrix, spin_matrices
from spinlib.units import hbar
from tests.quantum import dagger, green_functions, heisenberg, hermitian

RNG = np.random.default_rng(5866)
SPIN = PAULI / 2


# --- electrons in Fock space ------------------------------------------------------------------------------------------

SITES = 2
FIELD_OPERATOR = fermion_operators(2 * SITES).reshape(SITES, 2, 16, 16).astype(complex)  # site, spin
ONE_BODY = hermitian(RNG, 2 * SITES).reshape(SITES, 2, SITES, 2)
ENERGY = np.einsum("rasb,raji,sbjk->ik", ONE_BODY, FIELD_OPERATOR.conj(), FIELD_OPERATOR)
ROOT = RNG.normal(size=(16, 2)) + 1j * RNG.normal(size=(16, 2))
STATE = ROOT @ ROOT.conj().T / np.trace(ROOT @ ROOT.conj().T).real  # mixed, any number of electrons


def psi(site, time):
    """Heisenberg operators of both spins, ``(2, 16, 16)``."""
    return heisenberg(FIELD_OPERATOR[site], ENERGY, time)


def mean(operator):
    return np.trace(STATE @ operator)


def propagators(x, y):
    """The four functions RHP (47) between (site, time) x and y, each ``(2, 2)``."""
    return green_functions(STATE, psi(*x), dagger(psi(*y)), x[1] > y[1])


def vector_part(matrix):
    """RHP (58)."""
    return np.einsum("iab,...ba->...i", PAULI, matrix) / 2


def spin_density(site, time):
    """<s> of one site from the operator of the spin in Fock space."""
    a = psi(site, time)
    return np.array([mean(np.einsum("ab,aji,bjk->ik", s, a.conj(), a)) for s in SPIN])


def test_paper_RHP_58_number_and_vector_are_the_whole_propagator():
    x, y = (0, 0.7), (1, -0.4)
    branches = propagators(x, y)
    for matrix in branches.values():
        whole = np.trace(matrix) * np.eye(2) / 2 + np.einsum("i,iab->ab", vector_part(matrix), PAULI)
        np.testing.assert_allclose(whole, matrix, rtol=0, atol=1e-14)
    # A rotation of all spins turns the vector and leaves the number: (58) has its indices in the order of a trace.
    turn = expm(-1j * np.einsum("i,iab->ab", [0.4, -1.1, 0.3], SPIN))
    rotation = expm(cross_matrix([0.4, -1.1, 0.3]))
    turned = turn @ branches[1, 2] @ turn.conj().T
    np.testing.assert_allclose(vector_part(turned), rotation @ vector_part(branches[1, 2]), rtol=0, atol=1e-13)
    transposed = np.einsum("iab,ab->i", PAULI, branches[1, 2]) / 2
    np.testing.assert_allclose(
        vector_part(branches[1, 2]) - transposed, [0, 2 * vector_part(branches[1, 2])[1], 0], atol=1e-14
    )


def test_paper_RHP_59_is_minus_half_the_trace():
    for site, time in ((0, 0.0), (1, 0.9)):
        spin = spin_density(site, time)
        lesser = propagators((site, time), (site, time))[1, 2]
        np.testing.assert_allclose(-vector_part(lesser), spin, rtol=0, atol=1e-13)
        printed = vector_part(lesser)
        np.testing.assert_allclose(printed, -spin, rtol=0, atol=1e-13)  # misses by twice the spin
        assert np.linalg.norm(spin) > 0.05


def test_paper_RHP_60_volume_element_and_wave_vectors():
    # One axis of space and time each: (x, y) -> (X, x_Delta). The volume of a cell of random points is kept.
    corners = RNG.normal(size=(9, 8))  # eight coordinates: t and three of space, twice
    x, y = corners[:, :4], corners[:, 4:]
    new = np.hstack([(x + y) / 2, x - y])
    volumes = [abs(np.linalg.det(points[1:] - points[0])) for points in (corners, new)]
    assert volumes[1] == pytest.approx(volumes[0], rel=1e-12, abs=0)
    # A product of plane waves exp(i k x - i k' y) has the mean wave vector in x_Delta, the difference in X.
    k, k_prime = 1.7, 0.4
    phase = k * x[:, 1] - k_prime * y[:, 1]
    np.testing.assert_allclose(phase, (k + k_prime) / 2 * new[:, 5] + (k - k_prime) * new[:, 1], rtol=0, atol=1e-13)


# --- free electrons, plane wave by plane wave -------------------------------------------------------------------------

LENGTH, KEPT = 40.0, 41
WAVES = 2 * np.pi * np.arange(-8, KEPT - 8) / LENGTH  # mostly to the right
AMPLITUDES = np.exp(-2.0 * (WAVES - 2.0) ** 2 - 1j * WAVES * 6.0)[:, None] * np.stack(
    [np.cos(WAVES), np.sin(WAVES) * np.exp(0.3j)], axis=1
)
AMPLITUDES /= np.linalg.norm(AMPLITUDES)  # one electron, its spin correlated with its momentum


def lesser_function(x, t_x, y, t_y):
    """G_12 of one electron at arrays of points, ``(..., 2, 2)``: -psi_s(x) psi_s'(y)^*."""

    def wave(place, time):
        phase = np.exp(1j * WAVES * np.asarray(place)[..., None] - 0.5j * WAVES**2 * time)
        return phase @ AMPLITUDES / np.sqrt(LENGTH)

    return -wave(x, t_x)[..., :, None] * wave(y, t_y)[..., None, :].conj()


def level_functions(t_x, t_y):
    """G_12 of each wave number, ``(k, 2, 2)``: integral of G_12(x, y) exp(-ik(x - y)) over x and y, over LENGTH."""
    places = LENGTH * np.arange(64) / 64  # more than the wave numbers differ by: no error of the sums
    values = lesser_function(places[:, None], t_x, places, t_y)
    to_level = np.exp(-1j * np.outer(WAVES, places)) * np.sqrt(LENGTH) / 64
    return np.einsum("kx,xyab,ky->kab", to_level, values, to_level.conj(), optimize=True)


PLACES = LENGTH * np.arange(128) / 128
MOMENTA = np.pi * np.arange(-16, 66) / LENGTH  # all that occur: halves of sums of two wave numbers


def transform(sign, momenta, time):
    """M of (61) at equal times, ``(p, X, 3)``; sign = +1 is the corrected phase. G has the period 2 LENGTH in x_Delta.

    128 points integrate the 82 Fourier components that occur without error.
    """
    relative = 2 * LENGTH * (np.arange(128) / 128 - 0.5)
    values = lesser_function(PLACES[:, None] + relative / 2, time, PLACES[:, None] - relative / 2, time)
    kernel = np.exp(-1j * sign * np.asarray(momenta)[:, None] * relative) * (2 * LENGTH / 128)
    return np.einsum("pd,xdi->pxi", kernel, -vector_part(values), optimize=True).real


def centre(weights):
    """Mean place on the ring, from the phase of the lowest Fourier component."""
    return np.angle(np.sum(weights * np.exp(2j * np.pi * PLACES / LENGTH))) * LENGTH / (2 * np.pi)


@pytest.mark.parametrize("index", [21, 25, 29])
def test_paper_RHP_61_phase_of_operators_and_not_its_conjugate(index):
    """Momentum p: the corrected transform drifts with +p/m, the printed one with -p/m, at the opposite momentum."""
    p, span = np.pi * index / LENGTH, 1.5  # odd: the lowest harmonic in X, which marks the centre, is there
    (start,), (end,) = (transform(+1, [p], time) for time in (0.0, span))
    (printed_start,), (printed_end,) = (transform(-1, [-p], time) for time in (0.0, span))
    component = np.argmax(np.abs(start.sum(axis=0)))
    velocities = []
    for before, after in ((start, end), (printed_start, printed_end)):
        shift = centre(after[:, component]) - centre(before[:, component])
        velocities.append(((shift + LENGTH / 2) % LENGTH - LENGTH / 2) / span)
    # Each momentum slice of a free electron moves as a whole.
    assert velocities[0] == pytest.approx(p, rel=1e-9, abs=0)
    assert velocities[1] == pytest.approx(p, rel=1e-9, abs=0)  # called -p in print: minus its velocity
    (empty,) = transform(-1, [p], 0.0)
    assert np.abs(empty).max() < 1e-3 * np.abs(start).max()  # where the electrons are, the printed one has none


def test_paper_RHP_61_frequency_is_plus_the_energy():
    """A window in t_Delta shows the sign of the shell: at +epsilon with the corrected phase, at -epsilon in print."""
    times = np.linspace(-60, 60, 601)
    window = np.exp(-(times**2) / 200)
    grid = np.linspace(-5, 5, 1001)
    found = np.array([level_functions(t, 0.0) for t in times])
    for index in (18, 20, 23):
        values = vector_part(found[:, index])
        values = values[:, np.argmax(np.abs(values[0]))]
        for sign in (1, -1):
            spectrum = np.abs(np.exp(1j * sign * grid[:, None] * times) @ (window * values))
            # Half the spacing of the grid, and a little.
            assert grid[np.argmax(spectrum)] == pytest.approx(sign * WAVES[index] ** 2 / 2, abs=0.006)


def test_paper_RHP_62_one_side_and_both_sides():
    """Electrons in a uniform field: d/dt of the two-time function in Fock space, not the algebra of Pauli matrices."""
    field = np.array([0.8, -0.5, 1.2])
    a = fermion_operators(2).astype(complex)
    energy = -np.einsum("l,lab,aji,bjk->ik", field, SPIN, a.conj(), a)
    root = RNG.normal(size=(4, 4)) + 1j * RNG.normal(size=(4, 4))
    state = root @ root.conj().T / np.trace(root @ root.conj().T)

    def lesser(t_x, t_y):
        u, v = expm(1j * energy * t_x), expm(1j * energy * t_y)
        one, two = u @ a @ u.conj().T, (v @ a @ v.conj().T).conj().swapaxes(1, 2)
        return np.array([[-np.trace(state @ c @ b) for c in two] for b in one])

    def slope(f, step=1e-3):
        return (8 * (f(step) - f(-step)) - (f(2 * step) - f(-2 * step))) / (12 * step)  # to 1e-12

    t_x, t_y = 0.7, -0.2
    vector, number = vector_part(lesser(t_x, t_y)), np.trace(lesser(t_x, t_y))
    one_sided = vector_part(1j * slope(lambda d: lesser(t_x + d, t_y)))
    printed = -0.5j * np.cross(field, vector)  # i d/dt M + (i/2) H x M = 0
    np.testing.assert_allclose(one_sided, printed - field * number / 4, rtol=0, atol=1e-10)
    assert np.abs(one_sided - printed).max() > 0.05  # the omitted term is not small
    # Both sides move together: the number drops out and the torque is doubled.
    common = vector_part(1j * slope(lambda d: lesser(t_x + d, t_y + d)))
    np.testing.assert_allclose(common, 2 * printed, rtol=0, atol=1e-10)
    # And the source of (56), a multiple of the unit matrix, has no vector part.
    np.testing.assert_allclose(vector_part(np.eye(2)), 0, rtol=0, atol=0)


@pytest.mark.parametrize("width", [0.2, 0.1])
def test_paper_RHP_63_the_shell_has_weight_two_pi(width):
    """Its M(p) gives the current operator in (65); the printed one 2 pi times that, beside the same density (64)."""
    times = np.arange(-6 / width, 6 / width, 0.2)
    window = np.exp(-((width * times) ** 2) / 2)  # each level as a Gaussian of this width
    values = -vector_part(np.array([level_functions(t / 2, -t / 2) for t in times]))
    offsets = np.linspace(-8, 8, 161) * width
    flow = {"corrected": 0, "printed": 0}
    density, seen = 0, 0
    for k, signal in zip(WAVES, values.swapaxes(0, 1), strict=True):
        omega = k**2 / 2 + offsets  # nothing elsewhere
        spectrum = 0.2 * (np.exp(1j * omega[:, None] * times) * window) @ signal
        area = spectrum.sum(axis=0).real * (offsets[1] - offsets[0])  # of the shell: M(p) in print, 2 pi M(p) corrected
        if np.abs(area).max() > 0.01:
            assert abs(omega[np.argmax(np.abs(spectrum).max(axis=1))] - k**2 / 2) < 0.11 * width
            seen += 1
        density = density + area / (2 * np.pi) / LENGTH  # (64) with either
        flow["corrected"] = flow["corrected"] + k * area / (2 * np.pi) / LENGTH
        flow["printed"] = flow["printed"] + k * area / LENGTH
    assert seen > 5
    spin = -vector_part(lesser_function(PLACES, 0.0, PLACES, 0.0)).real.mean(axis=0)
    np.testing.assert_allclose(density, spin, rtol=0, atol=1e-6)
    step = 1e-4  # of the derivative in the current operator, Im psi^+ s psi'
    ahead = -vector_part(lesser_function(PLACES + step, 0.0, PLACES, 0.0)).imag.mean(axis=0) / step
    np.testing.assert_allclose(flow["corrected"], ahead, rtol=0, atol=1e-6)
    assert np.linalg.norm(flow["printed"]) / np.linalg.norm(ahead) == pytest.approx(2 * np.pi, abs=1e-3)


def test_paper_RHP_64_is_the_number_of_spins_in_the_volume():
    # dp/2pi with p in steps of pi/LENGTH.
    density = transform(+1, MOMENTA, 0.4).sum(axis=0) / (2 * LENGTH)
    exact = -vector_part(lesser_function(PLACES, 0.4, PLACES, 0.4)).real
    np.testing.assert_allclose(density, exact, rtol=0, atol=1e-12)
    total = LENGTH * density.mean(axis=0)  # v times the density
    spin = np.einsum("ka,iab,kb->i", AMPLITUDES.conj(), SPIN, AMPLITUDES).real
    np.testing.assert_allclose(total, spin, rtol=0, atol=1e-12)
    assert np.linalg.norm(spin) > 0.1


def test_paper_RHP_65_is_the_current_operator_and_conserves_spins():
    flow = np.einsum("p,pxi->xi", MOMENTA, transform(+1, MOMENTA, 0.4)) / (2 * LENGTH)
    # Im psi^+ s d psi/dx from the plane waves.
    phase = np.exp(1j * WAVES * PLACES[:, None] - 0.2j * WAVES**2) / np.sqrt(LENGTH)
    wave, slope = phase @ AMPLITUDES, phase @ (1j * WAVES[:, None] * AMPLITUDES)
    np.testing.assert_allclose(flow, np.einsum("xa,iab,xb->xi", wave.conj(), SPIN, slope).imag, rtol=0, atol=1e-12)
    # The printed phase of (61) names the momenta the other way, and this current with it.
    printed = np.einsum("p,pxi->xi", -MOMENTA, transform(-1, -MOMENTA, 0.4)) / (2 * LENGTH)
    np.testing.assert_allclose(printed, -flow, rtol=0, atol=1e-12)
    # Spins are conserved with (64), and the current without the 2 pi of (63) is too large by that factor.
    step = 1e-3
    before, after = (-vector_part(lesser_function(PLACES, t, PLACES, t)).real for t in (0.4 - step, 0.4 + step))
    modes = 2 * np.pi * np.fft.fftfreq(len(PLACES), LENGTH / len(PLACES))
    divergence = np.fft.ifft(1j * modes[:, None] * np.fft.fft(flow, axis=0), axis=0).real
    rate = (after - before) / (2 * step)
    np.testing.assert_allclose(rate, -divergence, rtol=0, atol=1e-5 * np.abs(rate).max())
    without = 2 * np.pi * divergence
    assert np.vdot(rate, -without) / np.vdot(rate, rate) == pytest.approx(2 * np.pi, rel=1e-5, abs=0)


# --- the left side of (66) --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("local_spin", [0.5, 1, 2.5])
def test_paper_RHP_66_torque_is_the_commutator(local_spin):
    size = int(2 * local_spin + 1)
    s = np.array([np.kron(a, np.eye(size)) for a in SPIN])
    big = np.array([np.kron(np.eye(2), a) for a in spin_matrices(local_spin)])
    field, coupling = RNG.normal(size=3), 1.3
    h = coupling * big + field[:, None, None] * np.eye(2 * size)
    energy = -np.einsum("iab,ibc->ac", h, s)
    for k, (one, two) in enumerate(((1, 2), (2, 0), (0, 1))):
        rate = 1j * (energy @ s[k] - s[k] @ energy)
        torque = h[one] @ s[two] - h[two] @ s[one]  # (H x s)_k
        np.testing.assert_allclose(rate, -torque, rtol=0, atol=1e-13)
        assert np.abs(torque).max() > 0.1


class Ring:
    """Electrons of mass 1 on a ring of length 2 pi in a field H(x), in plane waves: no grid, no split steps."""

    def __init__(self, components, cut=24):
        """``components``: harmonic -> complex vector; H(x) is the real part of their sum."""
        self.k = np.arange(-cut, cut + 1)
        n = len(self.k)
        shift = {q: np.eye(n, k=-q) for q in components}
        energy = np.kron(np.diag(self.k**2 / 2), np.eye(2)).astype(complex)
        for q, vector in components.items():
            matrix = np.einsum("i,iab->ab", vector, SPIN) / 2
            part = np.kron(shift[q], matrix)  # exp(iqx) takes k to k + q
            energy -= part + part.conj().T
        self.energy = energy
        self.x = 2 * np.pi * np.arange(128) / 128
        self.field = sum((np.exp(1j * q * self.x)[:, None] * v).real for q, v in components.items())
        self.slope = sum((1j * q * np.exp(1j * q * self.x)[:, None] * v).real for q, v in components.items())

    def local(self, rho, one=0, two=0):
        """Sum over k, k' of k^one k'^two rho exp(i(k - k')x)/2pi, ``(x, 2, 2)``."""
        n = len(self.k)
        phase = np.exp(1j * self.x[:, None] * self.k)
        blocks = rho.reshape(n, 2, n, 2)
        return np.einsum("xk,kaqb,xq->xab", phase * self.k**one, blocks, phase.conj() * self.k**two) / (2 * np.pi)

    def moments(self, rho):
        """Density n, and the moments s, j, Pi of the Wigner function with 1, p, p^2."""
        zeroth = self.local(rho)
        first = (self.local(rho, 1) + self.local(rho, 0, 1)) / 2
        second = (self.local(rho, 2) + 2 * self.local(rho, 1, 1) + self.local(rho, 0, 2)) / 4
        return np.trace(zeroth, axis1=1, axis2=2).real, *(vector_part(m).real for m in (zeroth, first, second))

    def derivative(self, values):
        modes = np.fft.fftfreq(len(self.x), 1 / len(self.x))
        return np.fft.ifft(1j * modes[:, None] * np.fft.fft(values, axis=0), axis=0).real


TEXTURE = {1: np.array([0.9, -0.4j, 0.3]), 2: np.array([0.2j, 0.5, -0.7j]), 0: np.array([0.3, 0.2, -0.1])}


def random_density(cut=24, filled=14):
    """A random mixed state of momenta up to ``filled``: the cut of the plane waves is not felt by one action of H."""
    k = np.repeat(np.abs(np.arange(-cut, cut + 1)), 2)
    root = (RNG.normal(size=(len(k), 4)) + 1j * RNG.normal(size=(len(k), 4))) * (k <= filled)[:, None]
    return root @ root.conj().T


def test_paper_RHP_66_first_two_moments_of_any_state_in_any_texture():
    """Without collisions the zeroth moment is exact; the first lacks the force n dH/4m and nothing else."""
    ring, rho = Ring(TEXTURE), random_density()
    rate = -1j * (ring.energy @ rho - rho @ ring.energy)
    n, s, j, pressure = ring.moments(rho)
    _, s_rate, j_rate, _ = ring.moments(rate)
    zeroth = s_rate + ring.derivative(j) + np.cross(ring.field, s)
    scale = np.abs(s_rate).max()
    np.testing.assert_allclose(zeroth, 0, rtol=0, atol=1e-11 * scale)
    first = j_rate + ring.derivative(pressure) + np.cross(ring.field, j)
    np.testing.assert_allclose(first, n[:, None] * ring.slope / 4, rtol=0, atol=1e-11 * np.abs(j_rate).max())
    assert np.abs(n[:, None] * ring.slope / 4).max() > 1e-3 * np.abs(ring.derivative(pressure)).max()


def scattered_spin(k_l, a=1.5, spin=(0.0, 1.0, 0.0)):
    """Exact spin behind a weak bump of field, by Fourier steps on a grid, and that of (66) on the path x = x0 + v t."""

    def field(x):
        return a * np.stack([np.exp(-(x**2)), 0.3 * x * np.exp(-(x**2)), 0.8 + 0 * x], -1)

    n, extent, span, steps, width, start = 2048, 24.0, 7.0, 700, 0.4, -3.5
    x = (np.arange(n) - n / 2) * extent / n
    k = 2 * np.pi * np.fft.fftfreq(n, extent / n)
    h, dt = field(x), span / steps
    size = np.linalg.norm(h, axis=-1)[:, None, None]
    half = np.cos(size * dt / 4) * np.eye(2) + 1j * np.sin(size * dt / 4) * np.einsum("xi,iab->xab", h, PAULI) / size
    chi = np.linalg.eigh(np.einsum("i,iab->ab", spin, PAULI))[1][:, 1]
    wave = np.exp(-((x - start) ** 2) / (4 * width**2) + 1j * k_l * x)[:, None] * chi
    wave /= np.linalg.norm(wave)
    for _ in range(steps):
        wave = np.einsum("xab,xb->xa", half, wave)
        wave = np.fft.ifft(np.exp(-0.5j * k**2 * dt / k_l)[:, None] * np.fft.fft(wave, axis=0), axis=0)
        wave = np.einsum("xab,xb->xa", half, wave)
    exact = np.einsum("xa,iab,xb->i", wave.conj(), SPIN, wave).real

    nodes, weights = np.polynomial.hermite_e.hermegauss(14)
    weights = np.outer(weights, weights) / weights.sum() ** 2
    place, speed = np.meshgrid(start + width * nodes, 1 + nodes / (2 * width * k_l), indexing="ij")

    def torque(t, flat):
        return -np.cross(field(place + speed * t), flat.reshape(14, 14, 3)).ravel()

    begin = np.zeros((14, 14, 3)) + np.array(spin) / 2
    end = solve_ivp(torque, (0, span), begin.ravel(), rtol=1e-8, atol=1e-10).y[:, -1].reshape(14, 14, 3)
    return exact, np.einsum("xp,xpi->i", weights, end)


def test_paper_RHP_66_packet_in_a_texture_deviates_as_one_over_k_l():
    long, longer = (np.subtract(*scattered_spin(k_l)) for k_l in (40, 80))
    assert np.linalg.norm(longer) < 0.02
    # First order in hbar, with a correction of the next order: the ratio is 2 up to 1/k_l.
    assert np.linalg.norm(long) / np.linalg.norm(longer) == pytest.approx(2, abs=0.1)
    exact, straight = scattered_spin(80)
    wrong_sense = straight * [-1, 1, 1]
    assert np.linalg.norm(exact - wrong_sense) > 10 * np.linalg.norm(exact - straight)


def collision_rate(values, equilibrium, weights, tau_sf, tau_p):
    """Right side of (66) for directions with weights, ``(direction, 3)``."""
    return -(values - equilibrium) / tau_sf - (values - weights @ values) / tau_p


def test_paper_RHP_66_two_rates_and_no_loss_of_spin_by_momentum_scattering():
    """Random directions on the sphere, not the nodes of a quadrature: spherical harmonics need not be known."""
    n, tau_sf, tau_p = 60, 7.0, 0.8
    weights = RNG.dirichlet(np.ones(n))
    values, equilibrium = RNG.normal(size=(n, 3)), np.array([0.2, -0.1, 0.4])
    momentum_only = collision_rate(values, equilibrium, weights, np.inf, tau_p)
    np.testing.assert_allclose(weights @ momentum_only, 0, rtol=0, atol=1e-13)
    total = weights @ collision_rate(values, equilibrium, weights, tau_sf, tau_p)
    np.testing.assert_allclose(total, -(weights @ values - equilibrium) / tau_sf, rtol=0, atol=1e-13)
    basis = np.eye(n)[:, :, None] * np.ones(3)
    matrix = np.array([-collision_rate(column, 0, weights, tau_sf, tau_p)[:, 0] for column in basis]).T
    rates = np.sort(np.linalg.eigvals(matrix).real)
    assert rates[0] == pytest.approx(1 / tau_sf, rel=1e-9, abs=0)
    np.testing.assert_allclose(rates[1:], 1 / tau_sf + 1 / tau_p, rtol=1e-9)


def test_paper_RHP_66_library_solves_it_beside_a_surface():
    metal = DiffusiveMedium(1e-3, 1e-12, 2e-13, 0.2 * hbar / 2e-13)
    mu, w = np.polynomial.legendre.leggauss(80)
    lost = 1 / metal.momentum_time + 1j * metal.exchange_frequency
    back = 1 / metal.momentum_time - 1 / metal.spin_relaxation_time
    # k v mu M = (1/tau + i omega) M - M_0/tau_p for M_x + i M_y ~ exp(-kx) with H along z.
    matrix = (lost * np.eye(80) - back * w / 2) / (metal.fermi_velocity * mu[:, None])
    wanted = transverse_wavenumber(metal, model="boltzmann")
    modes = np.linalg.eigvals(matrix)
    modes = modes[modes.real > 0]
    slowest = modes[np.argmin(modes.real)]  # what is left far from the surface
    assert abs(slowest / wanted - 1) < 1e-6
    rest = np.sort(modes.real)[1]  # the others are directions of flight, at most v_F: nothing near it
    assert rest > 1.2 * slowest.real


@given(
    start=st.lists(st.floats(-1, 1), min_size=18, max_size=18),
    field=st.lists(st.floats(-3, 3), min_size=3, max_size=3),
    tau_p=st.floats(0.1, 10),
)
def test_invariant_boltzmann_distribution_stays_positive_and_loses_squares(start, field, tau_p):
    """|M| <= n/2 is kept, and the sum of squares of M - M_eq falls, for M_eq along the total field."""
    h = np.add(field, [0, 0, 4.0])
    equilibrium = 0.5 * h / np.linalg.norm(h)  # at the edge of what is allowed, n = 1
    values = 0.5 * np.reshape(start, (6, 3)) / np.sqrt(3)
    weights = np.polynomial.legendre.leggauss(6)[1] / 2
    generator = np.kron(np.eye(6), -cross_matrix(h) - np.eye(3) / 5.0)
    generator -= np.kron(np.eye(6) - weights, np.eye(3)) / tau_p
    advance = expm(0.2 * generator)
    excess = values - equilibrium
    for _ in range(5):
        later = (advance @ excess.ravel()).reshape(6, 3)
        assert np.linalg.norm(later + equilibrium, axis=-1).max() <= 0.5 + 1e-12
        squares = [weights @ (v**2).sum(axis=-1) for v in (excess, later)]
        assert squares[1] <= squares[0] * np.exp(-2 * 0.2 / 5.0) * (1 + 1e-12)
        excess = later


# --- equilibrium ------------------------------------------------------------------------------------------------------


def test_limit_boltzmann_equilibrium_is_along_the_total_field():
    """M_eq along M in a field on both kinds of spins pushes M uphill, by what cancels the damping of the spin flips."""
    exchange, tau_sf, small = 1.0, 3.0, 1e-3
    M, field = np.array([0.0, 0.0, 1.0]), np.array([small, 0.0, 0.0])
    h = field + exchange * M

    def static_torque(axis):
        s = np.linalg.solve(np.eye(3) + tau_sf * cross_matrix(h), axis / np.linalg.norm(axis))
        return exchange * np.cross(M, s)

    uphill = np.cross(M, np.cross(M, field)) / small**2
    assert static_torque(h) @ uphill == pytest.approx(0, abs=1e-12)
    # First order in B: lambda tau_sf/(1 + (lambda tau_sf)^2), positive: dM/dt has a part along M x (M x B).
    expected = exchange * tau_sf / (1 + (exchange * tau_sf) ** 2)
    assert static_torque(M) @ uphill == pytest.approx(expected, rel=1e-3, abs=0)

    # M and s in the same field: with M_eq along the turning M, s rests in the frame of M and no torque acts at all.
    strong = np.array([0.7, 0.0, 0.0])

    def turned(t):
        return expm(-cross_matrix(strong) * t) @ M  # dM/dt = M x B

    def rate(t, s):
        return -np.cross(strong + exchange * turned(t), s) - (s - turned(t)) / tau_sf

    end = solve_ivp(rate, (0, 6), M, rtol=1e-10, atol=1e-12).y[:, -1]
    np.testing.assert_allclose(end, turned(6), rtol=0, atol=1e-8)


def thermal_state(ring, chemical_potential, temperature):
    energies, states = np.linalg.eigh(ring.energy)
    filled = 1 / (1 + np.exp((energies - chemical_potential) / temperature))
    return (states * filled) @ states.conj().T


def test_paper_RHP_statement_equilibrium_needs_the_force_of_the_field():
    """Electrons in thermal equilibrium with a static texture: exact state against (66) as printed, and with the force.

    k_F = 12 and a texture of harmonics 1 and 2 on the ring; the splitting is some percent of E_F = 72.
    """
    ring = Ring(TEXTURE, cut=30)
    rho = thermal_state(ring, 72.0, 6.0)
    n, s, j, pressure = ring.moments(rho)
    # It is stationary, and obeys the first moment with the force; without it the pressure has nothing against it.
    force = n[:, None] * ring.slope / 4
    flow = np.cross(ring.field, j)
    np.testing.assert_allclose(ring.derivative(pressure) + flow, force, rtol=0, atol=1e-6 * np.abs(force).max())
    printed = ring.derivative(pressure) + flow  # is 0 in (66) with M = M_eq
    assert np.vdot(printed, force) / np.vdot(force, force) == pytest.approx(1, abs=1e-5)
    assert np.abs(flow).max() < 0.02 * np.abs(force).max()
    # s follows the field: one susceptibility, not (66)'s mean over a spin diffusion length.
    susceptibility = np.vdot(s, ring.field) / np.vdot(ring.field, ring.field)
    assert np.abs(s - susceptibility * ring.field).max() < 0.02 * np.abs(s).max()


@pytest.mark.parametrize("ratio", [0.3, 1.0])
def test_paper_RHP_statement_equilibrium_in_a_helix(ratio):
    """A helix of wave number q = ratio/l: electrons keep their polarisation, (66) loses the predicted share of it."""
    field, tau, tau_sf = 0.01, 20.0, 400.0  # m = k_F = 1
    length = np.sqrt(tau * tau_sf / 3)
    q = ratio / length
    # Exact: count the states of both bands in the turning frame by drawing momenta on a fine mesh of p_x.
    p = np.linspace(-1.3, 1.3, 200001)
    split = np.sqrt((q * p) ** 2 + field**2)
    room = [np.clip(0.5 - p**2 / 2 - q**2 / 8 - band * split / 2, 0, None) for band in (-1, 1)]
    exact = np.trapezoid((room[0] - room[1]) * field / (2 * split), p) / (2 * np.pi) ** 2
    exact /= field / (4 * np.pi**2)
    assert exact == pytest.approx(1 - q**2 / 12, abs=1e-4)  # Lindhard; and the splitting squared
    assert exact > 0.99

    # (66): flights of electrons between collisions, summed over directions; s_0 from its own equation.
    mu, w = np.polynomial.legendre.leggauss(60)
    gather, source = np.zeros((3, 3)), np.zeros(3)
    forced = np.zeros(3)
    for cosine, weight in zip(mu, w / 2, strict=True):
        flight = np.linalg.inv(q * cosine * cross_matrix((0, 0, 1)) + field * cross_matrix((1, 0, 0)) + np.eye(3) / tau)
        gather += weight * flight * (1 / tau - 1 / tau_sf)
        source += weight * flight @ [1 / tau_sf, 0, 0]
        forced += weight * flight @ (q * cosine * np.array([0, 1.0, 0]))
    printed = np.linalg.solve(np.eye(3) - gather, source)
    repaired = np.linalg.solve(np.eye(3) - gather, source + forced)
    np.testing.assert_allclose(repaired, [1, 0, 0], rtol=0, atol=1e-12)
    predicted = 1 / (1 + ratio**2 / (1 + (field * tau) ** 2))  # two moments: good while q v tau << 1
    # The closure leaves out (q v_F tau)^2 = 3 ratio^2 tau/tau_sf = 0.15 ratio^2.
    assert printed[0] == pytest.approx(predicted, rel=0.15 * ratio**2, abs=0)
    assert exact - printed[0] > 0.9 * (1 - predicted)
