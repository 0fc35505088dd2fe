"""Media, diffusion tensor, transverse wave number and decay rate against flights, matrices and discrete ordinates."""

from math import inf, nan, pi

import mpmath as mp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.linalg import expm
from scipy.optimize import brentq

from spinlib.accumulation import DiffusiveMedium, decay_rate, exchange_diffusion_tensor, transverse_wavenumber
from spinlib.spin import cross_matrix, rotation_matrix
from spinlib.units import hbar, meV
from tests.bad_input import Refusal, refusals
from tests.spinlib.discrete_ordinates import decay_rates, discrete_mode, scaled

shares = st.floats(1e-6, 0.999)
angles = st.floats(-30, 30)
lengths = st.floats(0.05, 20)
components = st.lists(st.floats(-5, 5), min_size=3, max_size=3)


def end_point(share):
    """Largest angle of precession with a discrete mode: xi tanh xi = 1/(1 - share), a = pi/(2 xi)."""
    return pi / (2 * brentq(lambda xi: xi * np.tanh(xi) - 1 / (1 - share), 1, 10 + 2 / (1 - share), xtol=1e-14))


# --- medium -----------------------------------------------------------------------------------------------------------


def test_limit_medium_of_the_paper():
    tau = 100 * hbar / (100 * meV)
    medium = DiffusiveMedium(1e-3, 1e-11, tau, 100 * meV)
    assert medium.exchange_frequency == pytest.approx(1.5193e14, abs=1e10)  # printed digits
    assert medium.precession_angle == pytest.approx(100, abs=1e-10)
    assert medium.spin_diffusion_length == pytest.approx(1e-7, abs=1e-20)
    assert medium.fermi_velocity == pytest.approx(6.75e4, abs=50)
    assert medium.mean_free_path == pytest.approx(medium.fermi_velocity * tau, abs=1e-20)
    assert tau == pytest.approx(0.658e-12, abs=5e-16)


def test_limit_medium_without_memory_or_without_relaxation():
    fick = DiffusiveMedium(2.0, inf)
    assert (fick.fermi_velocity, fick.mean_free_path, fick.precession_angle) == (inf, 0.0, 0.0)
    assert fick.spin_diffusion_length == inf
    assert DiffusiveMedium(1, 2, 1, -hbar).precession_angle == pytest.approx(-1, abs=1e-15)
    assert all(
        isinstance(value, float) for value in vars(DiffusiveMedium(np.float32(1), 2, 1, 0, np.int64(3))).values()
    )
    assert DiffusiveMedium(1, 1, 1).momentum_time == 1  # tau = tau_sf: every collision flips


# --- tensor -----------------------------------------------------------------------------------------------------------


@given(h=components, tau=st.lists(st.floats(0, 3), min_size=3, max_size=3), d=st.lists(lengths, min_size=3, max_size=3))
def test_invariant_tensor_inverts_the_precession_matrix(h, tau, d):
    x, y, z = h
    tx, ty, tz = tau
    matrix = np.array([[1, -tx * z, tx * y], [ty * z, 1, -ty * x], [-tz * y, tz * x, 1]])  # RHP (73), typed
    tensor = exchange_diffusion_tensor(h, tau, d)
    # Entries of the matrix are up to 15, of the tensor up to 20: 1e-11 is 1e4 roundings of a product.
    np.testing.assert_allclose(matrix @ (tensor / d), np.eye(3), rtol=0, atol=1e-11)


@given(h=components, time=st.floats(0.05, 2))
def test_limit_tensor_is_the_mean_rotation_of_flights(h, time):
    # int dt/tau exp(-t/tau) exp(-t H x), by the matrix exponential of one step and a geometric series of its powers.
    steps, step = 4000, 40 / 4000
    each = expm(-step * time * cross_matrix(h)) * np.exp(-step)
    nodes, weights = np.polynomial.legendre.leggauss(6)
    first = sum(
        w * step / 2 * np.exp(-u) * expm(-u * time * cross_matrix(h))
        for u, w in zip((nodes + 1) * step / 2, weights, strict=True)
    )
    mean = np.linalg.solve(np.eye(3) - each, (np.eye(3) - np.linalg.matrix_power(each, steps)) @ first)
    np.testing.assert_allclose(exchange_diffusion_tensor(h, time, 1.0), mean, rtol=0, atol=1e-11)


@given(h=components, axis=components, turn=st.floats(-4, 4), time=st.floats(0, 3))
def test_invariant_tensor_is_covariant_and_dissipative(h, axis, turn, time):
    assume(np.linalg.norm(axis) > 0.1)
    rotation = rotation_matrix(axis, turn)
    tensor = exchange_diffusion_tensor(h, time, 2.0)
    turned = exchange_diffusion_tensor(rotation @ h, time, 2.0)
    np.testing.assert_allclose(turned, rotation @ tensor @ rotation.T, rtol=0, atol=1e-12)
    a2 = time**2 * np.dot(h, h)
    values = np.linalg.eigvalsh((tensor + tensor.T) / 2)
    np.testing.assert_allclose(values, [2 / (1 + a2), 2 / (1 + a2), 2], rtol=0, atol=1e-12)
    # H -> -H transposes: Onsager's relation.
    np.testing.assert_allclose(exchange_diffusion_tensor(np.negative(h), time, 2.0), tensor.T, rtol=0, atol=1e-15)


def test_limit_tensor_along_z_and_without_precession():
    a, d = 3.0, 2.0
    expected = d / (1 + a**2) * np.array([[1, a, 0], [-a, 1, 0], [0, 0, 1 + a**2]])
    np.testing.assert_allclose(exchange_diffusion_tensor((0, 0, a), 1.0, d), expected, rtol=0, atol=1e-15)
    np.testing.assert_array_equal(exchange_diffusion_tensor((0, 0, 0), 1.0, (1, 2, 3)), np.diag([1.0, 2, 3]))
    np.testing.assert_array_equal(exchange_diffusion_tensor((4, 5, 6), 0.0, 2.0), 2 * np.eye(3))


def test_invariant_tensor_broadcasts_over_the_precession():
    many = np.random.default_rng(1).normal(size=(4, 2, 3))
    tensors = exchange_diffusion_tensor(many, 0.7, 1.5)
    assert tensors.shape == (4, 2, 3, 3)
    np.testing.assert_array_equal(tensors[2, 1], exchange_diffusion_tensor(many[2, 1], 0.7, 1.5))
    assert exchange_diffusion_tensor(np.zeros((0, 3)), (1, 2, 3), 1.0).shape == (0, 3, 3)
    # One axis, both signs and zero: axes fixed in space are no contradiction.
    line = np.outer([1.0, -2.0, 0.0], [1.0, 2.0, 3.0])
    assert exchange_diffusion_tensor(line, (1, 2, 3), (1, 1, 2)).shape == (3, 3, 3)


# --- wave number ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["moments", "boltzmann"])
def test_limit_wavenumber_of_fick(model):
    medium = DiffusiveMedium(2.0, 0.5, exchange_splitting=3 * hbar)
    # k^2 = 1/(D tau_sf) + i omega/D = 1 + 1.5 i.
    assert transverse_wavenumber(medium, model=model) ** 2 == pytest.approx(1 + 1.5j, abs=1e-14)
    strong = DiffusiveMedium(1e-3, inf, exchange_splitting=100 * meV)
    k = transverse_wavenumber(strong, model=model)
    assert 1 / k.real == pytest.approx(np.sqrt(2e-3 * hbar / (100 * meV)), abs=1e-20)
    assert k.imag == pytest.approx(k.real, abs=1e-3)


def test_limit_wavenumber_without_splitting():
    medium = scaled(0.0, 0.3)
    assert transverse_wavenumber(medium) == pytest.approx(1 / medium.spin_diffusion_length, abs=1e-14)
    k = brentq(lambda k: 0.7 * np.arctanh(k) / k - 1, 0.1, 1 - 1e-12, xtol=1e-15)
    assert transverse_wavenumber(medium, model="boltzmann") == pytest.approx(k, abs=1e-12)
    assert transverse_wavenumber(scaled(0.0, 0.0)) == 0
    assert transverse_wavenumber(scaled(0.0, 0.0), model="boltzmann") == 0


@pytest.mark.parametrize("momentum_time", [5e-324, 2e-321, 1e-160, 1e-30, 1e-28, 1e-27, 1e-25])
def test_limit_wavenumbers_of_both_models_meet_at_short_times(momentum_time):
    medium = DiffusiveMedium(2e-5, 1e-9, momentum_time=momentum_time, exchange_splitting=1e-24)
    fick = transverse_wavenumber(DiffusiveMedium(2e-5, 1e-9, exchange_splitting=1e-24))
    tolerance = 4e-15 + 2 * medium.precession_angle
    assert abs(transverse_wavenumber(medium, model="boltzmann") / fick - 1) < tolerance


@pytest.mark.parametrize("share", [0.0, 3e-4, 0.02, 0.25, 0.6])
@pytest.mark.parametrize("part", [-0.9, -0.3, 0.01, 0.2, 0.6, 0.9])
def test_limit_wavenumber_against_discrete_ordinates(share, part):
    a = part * end_point(share)
    found = transverse_wavenumber(scaled(a, share), model="boltzmann")
    # The error of 300 directions falls as rho^(-600), rho - 1 = 0.03 for the mode nearest to the continuum: 6e-8.
    assert abs(discrete_mode(a, share, 300) / found - 1) < 1e-6


@pytest.mark.parametrize(("a", "share"), [(1e-6, 1e-7), (1e-9, 1e-10), (1e-12, 3e-12), (0.0, 1e-6), (-1e-7, 0.0)])
def test_limit_boltzmann_mode_in_many_digits(a, share):
    # RHP (66) as printed; the moments miss its root by 2/5 of the angle or of the share.
    medium = scaled(a, share)
    found = transverse_wavenumber(medium, model="boltzmann")
    with mp.workdps(40):
        tau, lost = mp.mpf(medium.momentum_time), 1 / mp.mpf(medium.spin_relaxation_time)
        s, v = mp.mpc(1, medium.precession_angle) / tau, mp.sqrt(3 * mp.mpf(medium.diffusivity) / tau)

        def defect(k):
            return (1 / tau - lost) / (2 * k * v) * mp.log((s + k * v) / (s - k * v)) - 1

        exact = mp.findroot(defect, mp.mpc(found) * mp.mpf("1.001"))
        assert abs(found / exact - 1) < 1e-15


@given(a=angles, share=shares)
def test_invariant_moments_are_two_directions(a, share):
    moments = transverse_wavenumber(scaled(a, share))
    assert abs(discrete_mode(a, share, 2) / moments - 1) < 1e-9  # 2 x 2, ill-conditioned by 1/share at a = 0
    assert moments.real > 0


@given(part=st.floats(-0.999, 0.999), share=st.floats(1e-6, 0.8))
def test_invariant_boltzmann_mode_solves_its_equation(part, share):
    # For larger shares k is so close to s/v_F that the logarithm below loses its digits.
    a = part * end_point(share)
    assume(abs(a) > 1e-3)
    k = transverse_wavenumber(scaled(a, share), model="boltzmann")
    s, back = 1 + 1j * a, 1 - share
    mean = np.log((s + k) / (s - k)) / (2 * k) * back
    assert abs(mean - 1) < 1e-9
    assert k.real > 0
    assert transverse_wavenumber(scaled(-a, share), model="boltzmann") == pytest.approx(np.conj(k), abs=1e-12)


@given(share=st.floats(0, 0.95))
def test_limit_mode_ends_where_it_meets_the_continuum(share):
    a = end_point(share)
    below, above = (transverse_wavenumber(scaled(a * part, share), model="boltzmann") for part in (1 - 1e-7, 1 + 1e-7))
    # There k = s/(v_F mu) with mu = tanh xi; dk/da is of order 1.
    assert below == pytest.approx((1 + 1j * a) / np.tanh(pi / (2 * a)), abs=1e-5)
    assert np.isnan(above.real)
    assert np.isnan(above.imag)


def test_limit_end_points():
    assert end_point(0.0) == pytest.approx(1.3093476, abs=5e-8)
    assert np.isnan(transverse_wavenumber(scaled(1.30935, 0.0), model="boltzmann"))
    assert np.isfinite(transverse_wavenumber(scaled(1.30934, 0.0), model="boltzmann"))
    assert np.isnan(transverse_wavenumber(scaled(1e-9, 1.0), model="boltzmann"))  # nothing is scattered back
    assert np.isnan(transverse_wavenumber(scaled(0.0, 1.0), model="boltzmann"))


@given(a=st.floats(0.01, 1.0), share=st.floats(1e-4, 0.2), tau=st.floats(1e-16, 1e-12), speed=st.floats(1e3, 1e7))
def test_invariant_wavenumber_scales_with_the_mean_free_path(a, share, tau, speed):
    for model in ("moments", "boltzmann"):
        one = transverse_wavenumber(scaled(a, share), model=model)
        other = transverse_wavenumber(scaled(a, share, tau, speed), model=model) * tau * speed
        assert abs(other / one - 1) < 1e-9


def test_limit_slow_precession_joins_both_models():
    # kappa coth kappa - 1 = kappa^2/3 - kappa^4/45: the models differ by (k v_F tau_p)^2/30 in k.
    for a in (1e-3, 1e-2):
        moments, exact = (transverse_wavenumber(scaled(a, a), model=m) for m in ("moments", "boltzmann"))
        assert abs(exact / moments - 1) < 2 * a


# --- free precession --------------------------------------------------------------------------------------------------


@given(a=angles, q=lengths, share=shares)
def test_invariant_decay_rate_is_an_eigenvalue_of_the_moment_equations(a, q, share):
    # d/dt (m, j) with j' + j + i a j = -D m', d m/dt = -j' - share m - i a m; D = 1/3.
    matrix = np.array([[share + 1j * a, 1j * q], [1j * q / 3, 1 + 1j * a]])
    found = decay_rate(scaled(a, share), q)
    values = np.linalg.eigvals(matrix)
    # Near a double root the eigenvalues are good to the square root of a rounding only.
    assert np.abs(values - found).min() < 1e-6
    assert found.real <= values.real.max() + 1e-6
    assert abs(np.linalg.det(matrix - found * np.eye(2))) < 1e-11 * (1 + q**2)
    if 4 * (share + q**2 / 3) > (1 + share) ** 2 * (1 + 1e-9):
        assert found.imag - a < 0
        assert found.real == pytest.approx((1 + share) / 2, abs=1e-12)
    else:
        assert abs(found - values[np.argmin(values.real)]) < 1e-4


@given(a=angles, q=st.floats(0.01, 0.8), share=st.floats(0, 0.1))
def test_invariant_free_decay_does_not_know_the_precession(a, q, share):
    free, still = decay_rate(scaled(a, share), q), decay_rate(scaled(0.0, share), q)
    assert free == pytest.approx(still + 1j * a, abs=1e-12)
    np.testing.assert_allclose(decay_rates(a, q, share, 2)[0], free, rtol=0, atol=1e-9)


def test_limit_decay_rate_of_fick_and_shapes():
    medium = DiffusiveMedium(2.0, 0.5, exchange_splitting=3 * hbar)
    rates = decay_rate(medium, [[0.0, 1.0], [-1.0, 2.0]])
    np.testing.assert_allclose(rates, np.array([[2, 4], [4, 10]]) + 3j, rtol=0, atol=1e-14)
    assert isinstance(decay_rate(medium, 1.0), complex)
    assert decay_rate(medium, []).shape == (0,)
    assert decay_rate(scaled(0.0, 0.0), 0.0) == 0


@pytest.mark.parametrize("share", [0.0, 0.02, 0.3])
def test_limit_decay_rate_of_long_waves_is_that_of_boltzmann(share):
    # gamma = share + e/(1 - share) + ... with e = D q^2 tau: the same D/(1 - share); then e^2/(1 - share)^3, 1/5 of it.
    for q in (0.05, 0.1):
        e, back = q**2 / 3, 1 - share
        exact, moments = decay_rates(3.0, q, share, 100)[0], decay_rate(scaled(3.0, share), q)
        unit = e**2 / back**3
        assert (exact - 3j - share - e / back) / unit == pytest.approx(0.2, abs=0.01)
        assert (moments - 3j - share - e / back) / unit == pytest.approx(1, abs=0.03)


# --- refusals ---------------------------------------------------------------------------------------------------------

SOUND = {"diffusivity": 1e-3, "spin_relaxation_time": 1e-12}
POSITIVE = ("diffusivity", "spin_relaxation_time", "density_of_states")
MEDIA = [
    *(
        Refusal(f"{name} = {value}", DiffusiveMedium, SOUND | {name: value}, (f"{name} = {value}", f"pass {name} > 0"))
        for name in POSITIVE
        for value in (0, -2)
    ),
    *(
        Refusal(f"{name} = {value}", DiffusiveMedium, SOUND | {name: value}, (f"{name} = {value}", "one finite number"))
        for name in (*POSITIVE, "momentum_time", "exchange_splitting")
        for value in (nan, -inf)
    ),
    *(
        Refusal(
            f"{name} is an array", DiffusiveMedium, SOUND | {name: [1e-13, 1e-13]}, (f"{name} has shape (2,)", "one")
        )
        for name in (*POSITIVE, "momentum_time", "exchange_splitting")
    ),
    Refusal("infinite D", DiffusiveMedium, SOUND | {"diffusivity": inf}, ("diffusivity = inf", "finite number")),
    Refusal(
        "negative tau",
        DiffusiveMedium,
        SOUND | {"momentum_time": -1e-15},
        ("momentum_time = -1e-15", "momentum_time >= 0"),
    ),
    Refusal(
        "tau > tau_sf",
        DiffusiveMedium,
        SOUND | {"momentum_time": 2e-12},
        ("momentum_time = 2e-12", "spin_relaxation_time = 1e-12", "0 <= momentum_time <= 1e-12"),
    ),
    Refusal("complex splitting", DiffusiveMedium, SOUND | {"exchange_splitting": 1j}, ("exchange_splitting", "finite")),
    Refusal("text for D", DiffusiveMedium, SOUND | {"diffusivity": "fast"}, ("diffusivity = 'fast'", "finite number")),
]
MEDIUM = DiffusiveMedium(**SOUND)
TENSOR = {"precession": (0.0, 0.0, 1.0), "momentum_time": 1.0, "diffusivity": 1.0}
TURNING = {"precession": [(0.0, 0.0, 1.0), (0.0, 1.0, 0.0)]}
CLOSED = [
    Refusal(
        "model of no name",
        transverse_wavenumber,
        {"medium": MEDIUM, "model": "p1"},
        ("model = 'p1'", "'moments' or 'boltzmann'"),
    ),
    Refusal("q = nan", decay_rate, {"medium": MEDIUM, "wavenumber": nan}, ("wavenumber = nan", "real numbers")),
    Refusal("one q infinite", decay_rate, {"medium": MEDIUM, "wavenumber": [0, inf]}, ("wavenumber[1] = inf", "real")),
    Refusal("complex q", decay_rate, {"medium": MEDIUM, "wavenumber": 1j}, ("wavenumber = 1j", "real numbers")),
    *(
        Refusal(
            f"precession of shape {np.shape(value)}",
            exchange_diffusion_tensor,
            TENSOR | {"precession": value},
            (f"precession has shape {np.shape(value)}", "(..., 3)"),
        )
        for value in (1.0, (0.0, 1.0), np.eye(3)[:, :2])
    ),
    Refusal(
        "precession nan",
        exchange_diffusion_tensor,
        TENSOR | {"precession": (0, nan, 1)},
        ("precession[1] = nan", "real vectors"),
    ),
    Refusal(
        "tau < 0",
        exchange_diffusion_tensor,
        TENSOR | {"momentum_time": -1.0},
        ("momentum_time = -1", "momentum_time >= 0"),
    ),
    Refusal(
        "tau_y nan", exchange_diffusion_tensor, TENSOR | {"momentum_time": (1, nan, 1)}, ("momentum_time[1]", "finite")
    ),
    Refusal(
        "two times",
        exchange_diffusion_tensor,
        TENSOR | {"momentum_time": (1, 1)},
        ("momentum_time has shape (2,)", "three"),
    ),
    Refusal(
        "D = 0", exchange_diffusion_tensor, TENSOR | {"diffusivity": 0.0}, ("diffusivity = 0", "pass diffusivity > 0")
    ),
    Refusal(
        "D_z < 0",
        exchange_diffusion_tensor,
        TENSOR | {"diffusivity": (1, 1, -1)},
        ("diffusivity[2] = -1", "pass diffusivity > 0"),
    ),
    Refusal(
        "a column of D",
        exchange_diffusion_tensor,
        TENSOR | {"diffusivity": np.ones((3, 1))},
        ("diffusivity has shape (3, 1)", "one number or three"),
    ),
    *(
        Refusal(
            f"anisotropic {name}, turning precession",
            exchange_diffusion_tensor,
            TENSOR | TURNING | {name: (1.0, 2.0, 1.0)},
            (f"{name} = [1.0, 2.0, 1.0]", "several directions", f"one {name}"),
        )
        for name in ("momentum_time", "diffusivity")
    ),
]


@refusals(*MEDIA)
def test_bad_input_medium(refusal):
    refusal.check()


@refusals(*CLOSED)
def test_bad_input_closed_forms(refusal):
    refusal.check()


def test_bad_input_medium_cannot_be_changed():
    with pytest.raises(AttributeError):
        MEDIUM.diffusivity = 0.0
