"""WD04 (1)-(9), (27)-(33), WD11 (16)-(18): each against a route that does not use it; printed forms miss."""

from dataclasses import dataclass
from itertools import combinations

import mpmath
import numpy as np
import pytest
import scipy.constants as si
import sympy as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from spinlib.diffusion import Layer, Medium, coupled_lengths, solve_stack

E = si.e
NM = 1e-9
OPEN = [0, 1, 3]
PAIRS = list(combinations(range(4), 2))
NORMAL = Medium.valet_fert(2e-8, spin_diffusion_length=300 * NM, channels=4)


# --- routes -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Metal:
    """Three channels by bare numbers: conductivities (S/m) and G = e L (S/m^3)."""

    up: float
    down: float
    d: float
    G_s: float
    G_sd: float

    @property
    def medium(self):
        return Medium.four_channel(
            {"s_up": self.up, "s_down": self.down, "d_down": self.d},
            {("s_up", "s_down"): self.G_s, ("s_down", "d_down"): self.G_sd},
        )

    @property
    def sizes(self):
        """sigma_s, beta_s, sigma_down, beta_down of WD04 (3)."""
        s, down = self.up + self.down, self.down + self.d
        return s, (self.up - self.down) / s, down, (self.down - self.d) / down

    @property
    def squares(self):
        """Inverse squares of l_sd, lambda_s, l_sf, lambda_sd of WD04 (7), with e L = G."""
        s, beta_s, down, beta_down = self.sizes
        return (
            4 * self.G_sd / (down * (1 - beta_down**2)),
            2 * self.G_s / (down * (1 + beta_down)),
            4 * self.G_s / (s * (1 - beta_s**2)),
            2 * self.G_sd / (s * (1 - beta_s)),
        )


# l_sd = 3 nm and l_sf = 20 nm; all equal; s-d slow; d the best conductor.
METALS = [
    Metal(1.0e7, 0.4e7, 0.25e7, 1 / (20 * NM) ** 2 / (1e-7 + 2.5e-7), 1 / (3 * NM) ** 2 / (2.5e-7 + 4e-7)),
    Metal(0.7e7, 0.7e7, 0.7e7, 5e21, 5e21),
    Metal(2e7, 0.1e7, 0.05e7, 8e22, 3e20),
    Metal(0.3e7, 0.5e7, 3e7, 4e21, 9e21),
]
metals = pytest.mark.parametrize("metal", METALS)


def first_order(metal, number=float):
    """y' = M y from (1) and (2), y = (mu_up, mu_down, mu_d, J_up, J_down, J_d), with e = 1."""
    up, down, d, g, h = (number(value) for value in (metal.up, metal.down, metal.d, metal.G_s, metal.G_sd))
    zero = number(0)
    return [
        [zero, zero, zero, -1 / up, zero, zero],
        [zero, zero, zero, zero, -1 / down, zero],
        [zero, zero, zero, zero, zero, -1 / d],
        [-g, g, zero, zero, zero, zero],  # -psi_s
        [g, -g - h, h, zero, zero, zero],  # psi_s - psi_sd
        [zero, h, -h, zero, zero, zero],  # psi_sd
    ]


def curvature(metal, state):
    """d^2 mu/dz^2 in exact arithmetic, by applying the first-order system twice."""
    matrix = sp.Matrix(first_order(metal, sp.Rational))
    return list((matrix * matrix * sp.Matrix(state))[:3])


def exact_states():
    """Potentials and currents that span all states."""
    rng = np.random.default_rng(3)
    return [[sp.Rational(int(n), 7) for n in rng.integers(-50, 50, 6)] for _ in range(4)]


def ladder(layers, cells):
    """Potentials (V) of a chain of resistors at unit current: (positions, (3, cells) potentials, current per link).

    Reservoirs at both ends; cells slices of equal width, which has to divide every layer.
    """
    width = sum(thickness for _, thickness in layers) / cells
    media = [medium for medium, thickness in layers for _ in range(round(thickness / width))]
    assert len(media) == cells
    size, left, right = 3 * cells + 2, 3 * cells, 3 * cells + 1
    matrix = np.zeros((size, size))

    def join(a, b, g):
        matrix[[a, b], [a, b]] += g
        matrix[[a, b], [b, a]] -= g

    for k, medium in enumerate(media):
        own = 2 * medium.conductivity[OPEN] / width
        before = 2 * media[k - 1].conductivity[OPEN] / width if k else None
        for c in range(3):
            if not own[c]:
                matrix[3 * k + c, 3 * k + c] += 1e-30  # a frozen channel floats
            elif before is None:
                join(left, c, own[c])
            elif before[c]:
                join(3 * k - 3 + c, 3 * k + c, 1 / (1 / own[c] + 1 / before[c]))
            if own[c] and k == cells - 1:
                join(3 * k + c, right, own[c])
        rates = medium.relaxation[np.ix_(OPEN, OPEN)] * width
        for i, j in ((0, 1), (1, 2)):
            if rates[i, j] and own[i] and own[j]:
                join(3 * k + i, 3 * k + j, rates[i, j])
    inflow = np.zeros(size)
    inflow[left] = 1
    used = np.delete(np.arange(size), right)
    voltage = np.zeros(size)
    voltage[used] = np.linalg.solve(matrix[np.ix_(used, used)], inflow[used])
    return width, voltage[:left].reshape(cells, 3).T, voltage[left]


def slope(function, position, step):
    """Derivative by differences of fourth order; the error is of order (step/length)^4."""
    a, b, c, d = (function(position + k * step) for k in (-2, -1, 1, 2))
    return (a - 8 * b + 8 * c - d) / (12 * step)


def between_leads(metal, thickness=30 * NM):
    """N | F | N with a current of 1e11 A/m^2, and points within F away from its edges."""
    layers = [Layer(NORMAL, np.inf), Layer(metal.medium, thickness), Layer(NORMAL, np.inf)]
    return solve_stack(layers, current_density=1e11), np.linspace(0.1, 0.93, 9) * thickness


def fields(metal):
    """Potentials, currents, rates and their derivatives in F, from the library and differences."""
    stack, z = between_leads(metal)
    step = 0.02 * coupled_lengths(metal.medium).lambda_plus
    step = min(step, 0.03 * 30 * NM)

    def potential(at):
        return stack.profile(at).electrochemical_potential[OPEN]

    def current(at):
        return stack.profile(at).current_density[OPEN]

    rates = stack.profile(z).relaxation_rate
    return {
        "mu": potential(z),
        "dmu": slope(potential, z, step),
        "J": current(z),
        "dJ": slope(current, z, step),
        "psi_s": rates[0, 1],
        "psi_sd": rates[1, 3],
    }


def close(found, expected, rtol=1e-6):
    """Agreement relative to the largest entry; 1e-6 is the error of the differences above."""
    np.testing.assert_allclose(found, expected, rtol=0, atol=rtol * np.abs(expected).max())


# --- conservation and linear laws: (1)-(5) ----------------------------------------------------------------------------


@metals
def test_paper_WD04_1(metal):
    f = fields(metal)
    scale = np.abs(f["dJ"]).max()
    assert np.abs(f["dJ"].sum(axis=0)).max() < 1e-6 * scale
    for channel, source in ((0, -f["psi_s"]), (1, f["psi_s"] - f["psi_sd"]), (2, f["psi_sd"])):
        np.testing.assert_allclose(f["dJ"][channel], source, rtol=0, atol=1e-6 * scale)
    np.testing.assert_allclose(f["J"].sum(axis=0), 1e11, rtol=1e-12)


@metals
def test_paper_WD04_2(metal):
    f = fields(metal)
    for channel, sigma in enumerate((metal.up, metal.down, metal.d)):
        close(f["J"][channel], -sigma / E * f["dmu"][channel])
    close(f["psi_s"], metal.G_s / E * (f["mu"][0] - f["mu"][1]), 1e-9)
    close(f["psi_sd"], metal.G_sd / E * (f["mu"][1] - f["mu"][2]), 1e-9)


@metals
def test_paper_WD04_3(metal):
    s, beta_s, down, beta_down = metal.sizes
    for given_third in ({"minority_conductivity": down}, {"minority_beta": beta_down}):
        found = Medium.s_d(s, beta_s, **given_third).conductivity
        np.testing.assert_allclose(found, [metal.up, metal.down, 0, metal.d], rtol=1e-13)
    # Four free numbers give s_down two conductivities, which differ by half of the violated constraint.
    wrong = 1.1 * down
    twice = s * (1 - beta_s) / 2, wrong * (1 + beta_down) / 2
    assert twice[1] / twice[0] == pytest.approx(1.1, rel=1e-12, abs=0)
    with pytest.raises(ValueError, match="exactly one"):
        Medium.s_d(s, beta_s, minority_conductivity=wrong, minority_beta=beta_down)


@metals
def test_paper_WD04_4(metal):
    f = fields(metal)
    up, down, d = f["dJ"]
    psi_s, psi_sd = f["psi_s"], f["psi_sd"]
    scale = 1e-6 * np.abs(f["dJ"]).max()
    lines = [
        (up + down + d, 0 * psi_s),
        (down + d, psi_s),
        (down - d, -2 * psi_sd + psi_s),
        (up + down, -psi_sd),
        (up - down, psi_sd - 2 * psi_s),
    ]
    for found, formula in lines:
        np.testing.assert_allclose(found, formula, rtol=0, atol=4 * scale)
    # Printed third line: too small by 2 psi_s.
    missing = (down - d) - (-2 * psi_sd - psi_s)
    np.testing.assert_allclose(missing, 2 * psi_s, rtol=0, atol=4 * scale)
    assert np.abs(2 * psi_s).max() > 400 * scale
    # With it J_s_down has two derivatives, from its two pairs, psi_s apart.
    from_s, from_d = ((-psi_sd) - (psi_sd - 2 * psi_s)) / 2, (psi_s + (-2 * psi_sd - psi_s)) / 2
    np.testing.assert_allclose(from_s - from_d, psi_s, rtol=1e-9, atol=scale)
    np.testing.assert_allclose(from_s, down, rtol=0, atol=4 * scale)


@metals
def test_paper_WD04_5(metal):
    f = fields(metal)
    s, beta_s, minority, beta_down = metal.sizes
    for (i, j), size, beta, rate, affinity in (
        ((1, 2), minority, beta_down, f["psi_sd"] / metal.G_sd, f["mu"][1] - f["mu"][2]),
        ((0, 1), s, beta_s, f["psi_s"] / metal.G_s, f["mu"][0] - f["mu"][1]),
    ):
        total, difference = f["dmu"][i] + f["dmu"][j], f["dmu"][i] - f["dmu"][j]
        unit = 1e11 * np.ones_like(total)
        np.testing.assert_allclose(
            f["J"][i] + f["J"][j], -size / (2 * E) * (total + beta * difference), atol=1e-6 * unit.max()
        )
        np.testing.assert_allclose(
            f["J"][i] - f["J"][j], -size / (2 * E) * (beta * total + difference), atol=1e-6 * unit.max()
        )
        close(rate, affinity / E, 1e-9)  # L = G/e


# --- coupled diffusion: (6)-(9) ---------------------------------------------------------------------------------------


def right_and_printed(metal):
    """The matrix of (6) in the order (Delta_down, Delta_s), corrected and as printed."""
    a, p, b, q = metal.squares
    return np.array([[a, -p], [-q, b]]), np.array([[a, -p], [q, -b]])


def printed_eigenvalues(metal):
    """Predicted: half of a - b -+ sqrt((a + b)^2 - 4 p q), of which one is negative."""
    a, p, b, q = metal.squares
    width = np.sqrt((a + b) ** 2 - 4 * p * q)
    return np.array([(a - b - width) / 2, (a - b + width) / 2])


@metals
def test_paper_WD04_6(metal):
    rational = Metal(*(sp.Rational(value) for value in (metal.up, metal.down, metal.d, metal.G_s, metal.G_sd)))
    a, p, b, q = rational.squares
    for state in exact_states():
        up, down, d = curvature(metal, state)
        delta_s, delta_down = state[0] - state[1], state[1] - state[2]
        assert down - d == a * delta_down - p * delta_s
        assert up - down == -q * delta_down + b * delta_s
        printed = q * delta_down - b * delta_s
        assert printed == -(up - down)  # minus the right side, whatever the state
        assert printed != 0
    # Printed: one eigenvalue is negative, a wave; right: both are positive, the decay rates of the library.
    right, printed = right_and_printed(metal)
    low, high = np.sort(np.linalg.eigvals(printed))
    np.testing.assert_allclose([low, high], printed_eigenvalues(metal), rtol=1e-9)
    assert low < 0 < high
    lengths = np.sort(np.linalg.eigvals(right)) ** -0.5
    np.testing.assert_allclose(lengths[::-1], metal.medium.diffusion_lengths, rtol=1e-9)
    # The printed equations carried over half a wave: the accumulation is back with the other sign, undiminished.
    # 60 digits, because rounding starts the other mode, which grows.
    with mpmath.workdps(60):
        a, p, b, q = (mpmath.mpf(value) for value in metal.squares)
        x = (a - b - mpmath.sqrt((a + b) ** 2 - 4 * p * q)) / 2
        second = mpmath.matrix([[0, 0, 1, 0], [0, 0, 0, 1], [a / -x, -p / -x, 0, 0], [q / -x, -b / -x, 0, 0]])
        start = mpmath.matrix([p, a - x, 0, 0]) / (a - x)
        end = mpmath.expm(second * mpmath.pi) * start
        np.testing.assert_allclose([float(v) for v in end], [float(-v) for v in start], rtol=0, atol=1e-12)


@metals
def test_paper_WD04_7(metal):
    found = coupled_lengths(metal.medium)
    measured = []
    # A pair alone: the decay length of two channels, from the eigenvalues of their first-order equations.
    for one, other, rate in ((metal.down, metal.d, metal.G_sd), (metal.up, metal.down, metal.G_s)):
        pair = np.array([[0, 0, -1 / one, 0], [0, 0, 0, -1 / other], [-rate, rate, 0, 0], [rate, -rate, 0, 0]])
        pair[:2] *= np.sqrt(one * other)  # both blocks of one size
        pair[2:] /= np.sqrt(one * other)
        measured.append(1 / np.abs(np.linalg.eigvals(pair)).max())
    np.testing.assert_allclose([found.l_sd, found.l_sf], measured, rtol=1e-6)
    # The coupling: curvature of one accumulation where only the other is there.
    up, down, d = curvature(metal, [1, 0, 0, 0, 0, 0])  # Delta_s = 1, Delta_down = 0
    assert float(down - d) == pytest.approx(-1 / found.lambda_s**2, rel=1e-13, abs=0)
    assert float(up - down) == pytest.approx(1 / found.l_sf**2, rel=1e-13, abs=0)
    up, down, d = curvature(metal, [0, 0, -1, 0, 0, 0])  # Delta_s = 0, Delta_down = 1
    assert float(up - down) == pytest.approx(-1 / found.lambda_sd**2, rel=1e-13, abs=0)
    assert float(down - d) == pytest.approx(1 / found.l_sd**2, rel=1e-13, abs=0)
    a, p, b, q = metal.squares
    np.testing.assert_allclose(
        [found.l_sd, found.lambda_s, found.l_sf, found.lambda_sd], np.array([a, p, b, q]) ** -0.5, rtol=1e-13
    )


def eigenmodes(metal):
    """Decay lengths, ascending, and Delta_s/Delta_down of each, from the six first-order equations with 40 digits."""
    with mpmath.workdps(40):
        values, vectors = mpmath.eig(mpmath.matrix(first_order(metal, mpmath.mpf)))
        modes = []
        for n, value in enumerate(values):
            if mpmath.re(value) < -1:  # 1/m; the zero modes are below 1e-8
                up, down, d = (vectors[i, n] for i in range(3))
                modes.append((float(-1 / mpmath.re(value)), float(mpmath.re((up - down) / (down - d)))))
    assert len(modes) == 2
    return sorted(modes)


@metals
def test_paper_WD04_8(metal):
    found = coupled_lengths(metal.medium)
    for (_, ratio), length in zip(eigenmodes(metal), (found.lambda_plus, found.lambda_minus), strict=True):
        formula = found.lambda_s**2 * (found.l_sd**-2 - length**-2)
        # The difference loses the digits by which l_sd^-2 exceeds it.
        loss = found.l_sd**-2 / abs(found.l_sd**-2 - length**-2)
        assert formula == pytest.approx(ratio, rel=1e-13 * max(loss, 10), abs=0)
    # Signs: opposite in the short mode, equal in the long one.
    (_, short), (_, long) = eigenmodes(metal)
    assert short < 0 < long


@metals
def test_paper_WD04_9(metal):
    found = coupled_lengths(metal.medium)
    (plus, _), (minus, _) = eigenmodes(metal)
    assert found.lambda_plus == pytest.approx(plus, rel=1e-12, abs=0)  # of NumPy's eigenvalues
    assert found.lambda_minus == pytest.approx(minus, rel=1e-13, abs=0)
    # A whole layer is four exponentials: fitted at four points, they give every other.
    stack, z = between_leads(metal)
    inverse = 1 / np.array([plus, -plus, minus, -minus])

    def exponentials(at):
        return np.exp(np.multiply.outer(at, inverse) - np.maximum(0, inverse * 30 * NM))

    values = stack.profile(z).affinity[1, 3]
    # Least squares on nine points with four unknowns: the residual must vanish.
    columns = exponentials(z)
    best = np.linalg.lstsq(columns / np.abs(columns).max(axis=0), values, rcond=None)[0]
    close(columns / np.abs(columns).max(axis=0) @ best, values, 1e-10)
    # With one length for each accumulation, as without coupling, it does not.
    alone = np.exp(-np.multiply.outer(z, 1 / np.array([found.l_sd, -found.l_sd])))
    alone /= np.abs(alone).max(axis=0)
    rest = values - alone @ np.linalg.lstsq(alone, values, rcond=None)[0]
    assert np.abs(rest).max() > 1e-5 * np.abs(values).max()


magnitude = st.floats(-1.5, 1.5)


@settings(max_examples=150, deadline=None)
@given(st.tuples(*[magnitude] * 5))
def test_invariant_both_lengths_are_real_and_enclose_those_of_the_pairs(powers):
    up, down, d, g, h = (10**power for power in powers)
    found = coupled_lengths(Metal(up, down, d, g, h).medium)
    assert found.lambda_plus < min(found.l_sd, found.l_sf)
    assert max(found.l_sd, found.l_sf) < found.lambda_minus
    # Product: the one spanning tree of a chain.
    tree = g * h * (up + down + d) / (up * down * d)
    assert (found.lambda_plus * found.lambda_minus) ** -2 == pytest.approx(tree, rel=1e-12, abs=0)


# --- WD11 -------------------------------------------------------------------------------------------------------------

INCIDENCE = np.array([[1, 0], [-1, 1], [0, -1]])


@metals
def test_paper_WD11_16(metal):
    f = fields(metal)
    sources = -INCIDENCE @ np.array([f["psi_s"], f["psi_sd"]])
    np.testing.assert_allclose(f["dJ"], sources, rtol=0, atol=1e-6 * np.abs(f["dJ"]).max())
    assert (INCIDENCE.sum(axis=0) == 0).all()
    # Without currents: three populations relax into each other, their sum stays, their potentials meet.
    stock = np.array([1.0, 2.0, 5.0])  # density of states, so mu = n/stock
    rates = np.array([metal.G_s, metal.G_sd]) / max(metal.G_s, metal.G_sd)

    def rhs(_, n):
        return -INCIDENCE @ (rates * (INCIDENCE.T @ (n / stock)))

    end = solve_ivp(rhs, (0, 80 / rates.min()), [1.0, -0.3, 0.4], rtol=1e-10, atol=1e-12, method="LSODA").y[:, -1]
    assert end.sum() == pytest.approx(1.1, rel=1e-8, abs=0)
    np.testing.assert_allclose(end / stock, 1.1 / 8, rtol=1e-6)


@metals
def test_paper_WD11_17(metal):
    f = fields(metal)
    sigma = np.array([[metal.up], [metal.down], [metal.d]])
    np.testing.assert_allclose(f["J"], -sigma / E * f["dmu"], rtol=0, atol=1e-6 * 1e11)
    affinities = INCIDENCE.T @ f["mu"]
    close(f["psi_s"], metal.G_s / E * affinities[0], 1e-9)
    close(f["psi_sd"], metal.G_sd / E * affinities[1], 1e-9)
    # The same laws from a chain of resistors, which knows currents and voltages alone: 60 nm in 300 slices.
    layers = [(NORMAL, 20 * NM), (metal.medium, 60 * NM)]
    coarse, fine = (ladder(layers, cells)[2] for cells in (200, 400))
    resistance = solve_stack([Layer(medium, thickness) for medium, thickness in layers]).resistance
    assert (4 * fine - coarse) / 3 == pytest.approx(resistance, rel=2e-6, abs=0)


@metals
def test_paper_WD11_18(metal):
    # Second differences along the chain of resistors, fitted to the two accumulations.
    width, volts, _ = ladder([(NORMAL, 20 * NM), (metal.medium, 60 * NM)], 400)
    inside = volts[:, 100:]  # slices of F
    delta = np.array([inside[1] - inside[2], inside[0] - inside[1]])
    bend = (delta[:, 2:] - 2 * delta[:, 1:-1] + delta[:, :-2]) / width**2
    fitted = np.linalg.lstsq(delta[:, 1:-1].T, bend.T, rcond=None)[0].T
    right, printed = right_and_printed(metal)
    np.testing.assert_allclose(fitted, right, rtol=1e-5)
    np.testing.assert_allclose(fitted[1], -printed[1], rtol=1e-5)  # minus the printed line
    assert np.linalg.det(printed) == pytest.approx(-np.linalg.det(right), rel=1e-9, abs=0)
    assert np.linalg.det(printed) < 0


# --- first and second law: (27)-(33) ----------------------------------------------------------------------------------

STOCK = np.array([[1.3], [0.9], [2.1]])  # N/mu of one slice and channel
TEMPERATURE = 300.0


class Chain:
    """An isolated chain of slices of energy E = sum N^2/(2 g) + T S, run in time from a random state.

    Each slice keeps its energy and its numbers; the entropy is what is left of the energy. Carriers cross from one
    slice to the next with the mean of the two potentials.
    """

    slices = 5

    def __init__(self, seed=1):
        rng = np.random.default_rng(seed)
        self.sigma = np.array([[1.0], [0.4], [0.25]]) * rng.uniform(0.5, 2, (3, 1))
        self.rate = np.array([[0.3], [0.9]]) * rng.uniform(0.5, 2, (2, 1))
        self.start = rng.normal(size=(3, self.slices))

    def parts(self, numbers):
        """mu, currents (3, slices + 1) with closed ends, reactions (2, slices), energy currents (slices + 1)."""
        mu = numbers / STOCK
        currents = np.zeros((3, self.slices + 1))
        currents[:, 1:-1] = self.sigma * (mu[:, :-1] - mu[:, 1:])
        reactions = self.rate * np.array([mu[0] - mu[1], mu[1] - mu[2]])
        energy = np.zeros(self.slices + 1)
        energy[1:-1] = ((mu[:, :-1] + mu[:, 1:]) / 2 * currents[:, 1:-1]).sum(axis=0)
        return mu, currents, reactions, energy

    def rhs(self, _, state):
        numbers = state[: 3 * self.slices].reshape(3, -1)
        _, currents, (psi_s, psi_sd), energy = self.parts(numbers)
        change = currents[:, :-1] - currents[:, 1:] + np.array([-psi_s, psi_s - psi_sd, psi_sd])
        return [*change.ravel(), *(energy[:-1] - energy[1:])]

    def run(self, times):
        """Numbers (3, slices, times) and energies (slices, times)."""
        state = [*self.start.ravel(), *(self.start**2 / (2 * STOCK)).sum(axis=0)]  # S = 0 at first
        found = solve_ivp(self.rhs, (0, times[-1]), state, t_eval=times, rtol=1e-12, atol=1e-13, method="DOP853").y
        return found[: 3 * self.slices].reshape(3, self.slices, -1), found[3 * self.slices :]

    def around(self, time=0.35, step=2e-3):
        """Everything at one time; entropy and its rate from energies and numbers by differences of fourth order."""
        times = np.array([0, *(time + step * np.arange(-2, 3))])
        numbers, energies = self.run(times)
        heat = energies - (numbers**2 / (2 * STOCK[:, :, None])).sum(axis=0)  # T S
        weights = np.array([1, -8, 0, 8, -1]) / (12 * step)
        mu, currents, reactions, energy = self.parts(numbers[:, :, 3])
        return {
            "mu": mu,
            "I": currents,
            "Psi": reactions,
            "P": energy,
            "N_dot": numbers[:, :, 1:] @ weights,
            "E_dot": energies[:, 1:] @ weights,
            "TS_dot": heat[:, 1:] @ weights,
            "TS": heat[:, 3],
        }


seeds = pytest.mark.parametrize("seed", [1, 2, 3])
EXACT = {"rtol": 1e-7, "atol": 1e-8}  # differences of fourth order with step 2e-3 of a relaxation time of order 1


def test_paper_WD04_27():
    """Definition, for the model of (30), (31): E of the state variables has the derivatives T and the potentials.

    Along a reaction it falls by the affinity.
    """
    rng = np.random.default_rng(4)
    numbers, entropy = rng.normal(size=3), 0.7

    def energy(s, n):
        return (n**2 / (2 * STOCK[:, 0])).sum() + TEMPERATURE * s

    mu = numbers / STOCK[:, 0]
    assert slope(lambda s: energy(s, numbers), entropy, 1e-3) == pytest.approx(TEMPERATURE, rel=1e-9, abs=0)
    for channel in range(3):
        unit = np.eye(3)[channel]
        assert slope(lambda x, u=unit: energy(entropy, numbers + x * u), 0.0, 1e-2) == pytest.approx(
            mu[channel], rel=1e-9, abs=0
        )
    for column, affinity in ((0, mu[0] - mu[1]), (1, mu[1] - mu[2])):
        arrow = INCIDENCE[:, column]
        along = slope(lambda x, b=arrow: energy(entropy, numbers - x * b), 0.0, 1e-2)
        assert along == pytest.approx(-affinity, rel=1e-9, abs=0)


@seeds
def test_paper_WD04_28(seed):
    """Definition, for the model of (30), (31): the energy of a slice changes by what crosses its ends."""
    chain = Chain(seed)
    f = chain.around()
    np.testing.assert_allclose(f["E_dot"], f["P"][:-1] - f["P"][1:], **EXACT)
    _, energies = chain.run(np.array([0, 0.5, 2.0]))
    np.testing.assert_allclose(energies.sum(axis=0), energies[:, 0].sum(), rtol=1e-10)  # isolated


@seeds
def test_paper_WD04_29(seed):
    """Definition, for the model of (30), (31): what is not work of the carriers is heat."""
    f = Chain(seed).around()
    np.testing.assert_allclose(f["E_dot"], f["TS_dot"] + (f["mu"] * f["N_dot"]).sum(axis=0), **EXACT)


def kept(values):
    """[x]: what flows in from the left less what flows out to the right."""
    return values[..., :-1] - values[..., 1:]


def printed_30(f):
    """The right side of (30) as printed, with the currents that its text defines."""
    (up, down, d), (psi_s, psi_sd) = kept(f["I"]), f["Psi"]
    mu_up, mu_down, mu_d = f["mu"]
    sum_s, sum_down, difference = (up + down) / 2, (down + d) / 2, (down - d) / 2
    return (
        kept(f["P"])
        - (mu_up - mu_down) / 2 * (difference + psi_sd - 2 * psi_s)
        - (mu_up + mu_down) / 2 * (sum_s - psi_sd)
        - (mu_down - mu_d) / 2 * (difference - 2 * psi_sd - psi_s)
        - (mu_down + mu_d) / 2 * (sum_down + psi_s)
    )


@seeds
def test_paper_WD04_30(seed):
    f = Chain(seed).around()
    (up, down, d), (psi_s, psi_sd) = kept(f["I"]), f["Psi"]
    mu_up, mu_down, mu_d = f["mu"]
    corrected = kept(f["P"]) - mu_up * (up - psi_s) - mu_down * (down + psi_s - psi_sd) - mu_d * (d + psi_sd)
    np.testing.assert_allclose(f["TS_dot"], corrected, **EXACT)
    # Carriers that cross with the mean potential make heat in every slice.
    assert (f["TS_dot"] > 0).all()
    # Printed: four slips, each by its own amount.
    halved = (
        (mu_up - mu_down) * (down - d)
        + (mu_up + mu_down) * (up + down)
        + (mu_down - mu_d) * (down - d)
        + (mu_down + mu_d) * (down + d)
    ) / 4
    wrong_pair = (mu_up - mu_down) / 2 * ((up - down) - (down - d))
    sign = (mu_down - mu_d) * psi_s
    twice = -mu_down * f["N_dot"][1]
    miss = printed_30(f) - f["TS_dot"]
    np.testing.assert_allclose(miss, halved + wrong_pair + sign + twice, **EXACT)
    assert np.abs(miss).max() > 0.1 * f["TS_dot"].max()


@seeds
def test_paper_WD04_31(seed):
    f = Chain(seed).around()
    drops, currents = f["mu"][:, :-1] - f["mu"][:, 1:], f["I"][:, 1:-1]
    mu_up, mu_down, mu_d = f["mu"]
    relaxation = ((mu_up - mu_down) * f["Psi"][0] + (mu_down - mu_d) * f["Psi"][1]).sum()
    transport = (drops * currents).sum()
    total = f["TS_dot"].sum()
    assert total == pytest.approx(transport + relaxation, rel=1e-7, abs=0)  # an isolated chain: no brackets
    # Printed transport, currents not halved: too large by the heat of s_down; halved: half of that.
    (up, down, d), (i_up, i_down, i_d) = drops, currents
    printed = (
        (up - down) * (i_up - i_down)
        + (up + down) * (i_up + i_down)
        + (down - d) * (i_down - i_d)
        + (down + d) * (i_down + i_d)
    ).sum() / 2
    heat = (down * i_down).sum()
    assert printed + relaxation - total == pytest.approx(heat, rel=1e-6, abs=0)
    assert printed / 2 + relaxation - total == pytest.approx((heat - transport) / 2, rel=1e-6, abs=0)
    assert heat > 5e-3 * total


@metals
def test_paper_WD04_31_in_a_uniform_metal(metal):
    """Without an interface nothing relaxes: the printed sum is 1 + sigma_s_down/sigma_t times the heat."""
    sigma = metal.medium.conductivity[OPEN]
    stack = solve_stack([Layer(metal.medium, 60 * NM)], current_density=1e11)
    (i_up, i_down, i_d) = current = stack.profile([1 * NM, 30 * NM, 57 * NM]).current_density[OPEN]
    (up, down, d) = current / sigma[:, None]  # fields
    printed = (up - down) * (i_up - i_down) + (up + down) * (i_up + i_down)
    printed = (printed + (down - d) * (i_down - i_d) + (down + d) * (i_down + i_d)) / 2
    heat = stack.dissipation().total / (60 * NM)
    assert heat == pytest.approx(1e22 * stack.resistance / (60 * NM), rel=1e-12, abs=0)
    np.testing.assert_allclose(printed / heat, 1 + metal.down / sigma.sum(), rtol=1e-11)
    assert metal.down / sigma.sum() > 0.04


@metals
def test_paper_WD04_32(metal):
    # What the source delivers to a chain of resistors is the sum of force times flux over all of them.
    layers = [(NORMAL, 20 * NM), (metal.medium, 60 * NM), (NORMAL, 20 * NM)]
    found = []
    for cells in (100, 200, 400):
        width, volts, source = ladder(layers, cells)
        sigma = np.repeat([NORMAL.conductivity[OPEN], metal.medium.conductivity[OPEN]], [1, 1], axis=0)
        own = sigma[[0] * (cells // 5) + [1] * (3 * cells // 5) + [0] * (cells // 5)].T
        drops = np.diff(np.hstack([np.full((3, 1), source), volts, np.zeros((3, 1))]), axis=1)
        halves = np.hstack([np.full((3, 1), np.inf), 2 * own / width, np.full((3, 1), np.inf)])
        with np.errstate(divide="ignore"):
            links = 1 / (1 / halves[:, :-1] + 1 / halves[:, 1:])
        transport = (links * drops**2)[links > 0].sum()
        inside = volts[:, own[2] > 0]
        flips = (NORMAL.relaxation[0, 1] * (volts[0] - volts[1])[own[2] == 0] ** 2).sum()
        flips += (metal.G_s * (inside[0] - inside[1]) ** 2 + metal.G_sd * (inside[1] - inside[2]) ** 2).sum()
        assert transport + width * flips == pytest.approx(source, rel=1e-9, abs=0)
        found.append([transport, width * flips])
    # Continuum limit: Joule and relaxation heat of the library, each; the error falls as the square of the width.
    stack = solve_stack([Layer(medium, thickness) for medium, thickness in layers])
    joule, relaxation = (np.sum(part) for part in (stack.dissipation().joule, stack.dissipation().relaxation))
    limit = (4 * np.array(found[2]) - found[1]) / 3
    np.testing.assert_allclose(limit, [joule, relaxation], rtol=3e-3, atol=1e-6 * stack.resistance)
    assert stack.dissipation().total == pytest.approx(stack.resistance, rel=1e-12, abs=0)


@metals
def test_paper_WD04_33(metal):
    f = fields(metal)
    forces = np.array([*-f["dmu"], f["mu"][0] - f["mu"][1], f["mu"][1] - f["mu"][2]])
    matrix = np.diag([metal.up / E, metal.down / E, metal.d / E, metal.G_s / E, metal.G_sd / E])
    fluxes = np.array([*f["J"], f["psi_s"], f["psi_sd"]])
    for found, formula in zip(fluxes, matrix @ forces, strict=True):
        np.testing.assert_allclose(found, formula, rtol=0, atol=1e-6 * np.abs(fluxes[:3]).max())
    # Positive for all forces iff no entry is negative: each force can act alone, and Medium refuses the rest.
    assert (np.linalg.eigvalsh(matrix) >= 0).all()
    for name in ("up", "down", "d", "G_s", "G_sd"):
        with pytest.raises(ValueError, match="is negative"):
            _ = Metal(**{**metal.__dict__, name: -1.0}).medium
    # Printed blocks: sums from sums, differences from differences. The nearest such row misses by a known distance.
    up, down, d = metal.up, metal.down, metal.d
    sums, differences = np.array([[1, 1, 0], [0, 1, 1]]), np.array([[1, -1, 0], [0, 1, -1]])
    rows = {
        "J_0s": (sums, [up, down, 0], up - down),
        "J_0down": (sums, [0, down, d], down - d),
        "dJ_s": (differences, [up, -down, 0], up - down),
        "dJ_down": (differences, [0, down, -d], down - d),
    }
    for block, row, gap in rows.values():
        best = np.linalg.lstsq(block.T.astype(float), np.array(row), rcond=None)[0]
        miss = np.linalg.norm(block.T @ best - row)
        assert miss == pytest.approx(abs(gap) / np.sqrt(3), rel=1e-9, abs=1e-8 * up)
    # Read in the order in which the gradients stand, each block has one pair: the sum or difference of the other pair
    # needs a channel that the block lacks, and misses by all of its conductivity.
    s_pair, down_pair = np.array([[1, 1, 0], [1, -1, 0]]), np.array([[0, 1, 1], [0, 1, -1]])
    for block, row, gap in (
        (s_pair, [up, down, 0], 0.0),
        (s_pair, [0, down, d], d),
        (down_pair, [up, -down, 0], up),
        (down_pair, [0, down, -d], 0.0),
    ):
        best = np.linalg.lstsq(block.T.astype(float), np.array(row), rcond=None)[0]
        assert np.linalg.norm(block.T @ best - row) == pytest.approx(gap, rel=1e-9, abs=1e-8 * up)
    # With the coefficients of (5) that it can hold, J_0s lacks the term with beta_s.
    s, beta_s, _, _ = metal.sizes
    held = -s / (2 * E) * (f["dmu"][0] + f["dmu"][1])
    lacking = -s * beta_s / (2 * E) * (f["dmu"][0] - f["dmu"][1])
    np.testing.assert_allclose(f["J"][0] + f["J"][1] - held, lacking, rtol=0, atol=1e-6 * 1e11)


# --- statements in words ----------------------------------------------------------------------------------------------


@metals
def test_paper_WD11_statement_F8_affinities_without_halves_and_rates_not_times(metal):
    # Equilibrium: all potentials equal. The printed affinities would drive rates that depend on the zero of energy.
    for level in (0.3, 5.0):
        up = down = d = level
        printed_s, printed_sd = up - down / 2, down / 2 - d
        assert metal.G_s * printed_s == pytest.approx(metal.G_s * level / 2, rel=1e-13, abs=0)
        assert metal.G_sd * printed_sd == pytest.approx(-metal.G_sd * level / 2, rel=1e-13, abs=0)
    at_rest = sp.Matrix([1, 1, 1, 0, 0, 0])
    assert list(sp.Matrix(first_order(metal, sp.Rational)) * at_rest) == [0] * 6
    # The library's rates do not know the zero either, and vanish without current.
    stack = solve_stack([Layer(metal.medium, 10 * NM)], current_density=0.0)
    assert np.abs(np.nan_to_num(stack.profile([5 * NM]).relaxation_rate)).max() == 0
    # Twice the coefficient: half the time. Two populations, integrated.
    stock = np.array([1.0, 2.0])

    def half_life(rate):
        def rhs(_, n):
            flow = rate * (n[0] / stock[0] - n[1] / stock[1])
            return [-flow, flow]

        def halved(_, n):
            return n[0] / stock[0] - n[1] / stock[1] - 0.5

        return solve_ivp(rhs, (0, 50), [1.0, 0.0], events=halved, rtol=1e-11, atol=1e-12).t_events[0][0]

    assert half_life(2.0) / half_life(1.0) == pytest.approx(0.5, rel=1e-8, abs=0)
    assert half_life(1.0) == pytest.approx(np.log(2) / (1 / stock).sum(), rel=1e-8, abs=0)
    # And the lengths of (7): l = sqrt(D tau) is proportional to L^(-1/2).
    faster = coupled_lengths(Metal(metal.up, metal.down, metal.d, 4 * metal.G_s, metal.G_sd).medium)
    assert faster.l_sf / coupled_lengths(metal.medium).l_sf == pytest.approx(0.5, rel=1e-13, abs=0)


@metals
def test_paper_WD04_statement_after_13_total_current_does_not_vary(metal):
    stack, z = between_leads(metal)
    profile = stack.profile(np.concatenate([[-5 * NM, -NM], z, [31 * NM, 40 * NM]]))
    np.testing.assert_allclose(np.nansum(profile.current_density, axis=0), 1e11, rtol=1e-12)
    # It is the share of the channels that varies, by what has been transferred.
    share = profile.current_density[3, 2:-2]
    assert share.max() > 1e-3 * 1e11
    transferred, _ = quad(lambda x: stack.profile([x * NM]).relaxation_rate[1, 3, 0], 0, z[4] / NM, limit=200)
    assert share[4] == pytest.approx(transferred * NM, rel=1e-6, abs=0)
    # Not the current but the field of the mean potential sum_i sigma_i mu_i/sigma_t stays out of it as well, (11).
    field = slope(
        lambda at: metal.medium.conductivity[OPEN] @ stack.profile(at).electrochemical_potential[OPEN], z, 0.1 * NM
    )
    np.testing.assert_allclose(-field / E, 1e11, rtol=1e-6)


# --- the general theory -----------------------------------------------------------------------------------------------

decade = st.floats(-1.5, 1.5)


def groups(pairs):
    label = list(range(4))
    for i, j in pairs:
        label = [label[i] if x == label[j] else x for x in label]
    return len(set(label))


@settings(max_examples=100, deadline=None)
@given(st.tuples(*[decade] * 4), st.tuples(*[st.one_of(st.none(), decade)] * 6))
def test_invariant_lengths_of_any_network(sizes, rates):
    sigma = 10 ** np.array(sizes)
    present = {pair: 10**rate for pair, rate in zip(PAIRS, rates, strict=True) if rate is not None}
    table = np.zeros((4, 4))
    for (i, j), g in present.items():
        table[i, j] = table[j, i] = g
    found = Medium(sigma, table).diffusion_lengths
    # One zero mode for each connected group.
    assert len(found) == 4 - groups(present)
    alone = {(i, j): g * (1 / sigma[i] + 1 / sigma[j]) for (i, j), g in present.items()}
    assert (found**-2.0).sum() == pytest.approx(sum(alone.values()), rel=1e-10, abs=0)
    if present:
        assert found[0] <= max(alone.values()) ** -0.5 * (1 + 1e-12)
    if groups(present) == 1:
        trees = sum(np.prod([present[pair] for pair in tree]) for tree in combinations(present, 3) if groups(tree) == 1)
        assert np.prod(found**-2) == pytest.approx(trees * sigma.sum() / sigma.prod(), rel=1e-10, abs=0)
        if len(present) == 3:  # a tree: the longest length is above every pair's
            assert found[-1] >= min(alone.values()) ** -0.5 * (1 - 1e-12)


def test_limit_conductivity_to_zero_is_not_a_frozen_channel():
    sigma = {"s_up": 1e7, "s_down": 4e6, "d_down": 2.5e6}
    rates = {("s_up", "s_down"): 7e21, ("s_down", "d_down"): 1.5e23}
    links = {("s_up", "d_up"): 4e22, ("s_down", "d_up"): 2e22, ("d_up", "d_down"): 1e22}
    thin = Medium.four_channel(sigma | {"d_up": 1e-3}, rates | links).diffusion_lengths
    # Star-mesh: a channel without current is a knot between its neighbours.
    total = sum(links.values())
    mesh = {
        ("s_up", "s_down"): 7e21 + 4e22 * 2e22 / total,
        ("s_down", "d_down"): 1.5e23 + 2e22 * 1e22 / total,
        ("s_up", "d_down"): 4e22 * 1e22 / total,
    }
    np.testing.assert_allclose(thin[1:], Medium.four_channel(sigma, mesh).diffusion_lengths, rtol=1e-9)
    # The length of the vanishing channel itself.
    assert thin[0] == pytest.approx((total / 1e-3) ** -0.5, rel=1e-6, abs=0)
    frozen = Medium.four_channel(sigma | {"d_up": 0.0}, rates | links).diffusion_lengths
    np.testing.assert_allclose(frozen, Medium.four_channel(sigma, rates).diffusion_lengths, rtol=1e-14)
    assert abs(frozen[-1] / thin[-1] - 1) > 0.1


def test_limit_fast_relaxation_merges_two_channels():
    merged = Medium.four_channel({"s_up": 1e7, "s_down": 6.5e6}, {("s_up", "s_down"): 7e21}).diffusion_lengths
    for fast in (1e27, 1e29, 1e31):
        found = coupled_lengths(Metal(1e7, 4e6, 2.5e6, 7e21, fast).medium)
        # The relative error is of order G_s/G_sd.
        assert found.lambda_minus == pytest.approx(merged[0], rel=5 * 7e21 / fast + 1e-13, abs=0)
