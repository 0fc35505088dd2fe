"""WD04 (10)-(18), (34)-(40), E4-E6, abstract: each against sixty digits or the stack solver; printed forms miss."""

from itertools import pairwise
from math import inf, sqrt

import mpmath
import numpy as np
import pytest
import sympy as sp
from mpmath import mpf

from spinlib.diffusion import Interface, Layer, Medium, normal_ferromagnet_junction, solve_stack
from spinlib.units import e, nm
from tests.exact_junction import exact_junction

S_PAIR, D_PAIR = ("s_up", "s_down"), ("s_down", "d_down")
SEEDS = (1, 2, 3, 4)


class Junction:
    """N and F with the numbers of WD04 in sixty digits; e J = 1."""

    def __init__(self, normal, ferromagnet):
        self.normal, self.ferromagnet = normal, ferromagnet
        self.exact = exact_junction(normal, ferromagnet)
        with mpmath.workdps(60):
            self.n_up, self.n_down = (mpf(float(value)) for value in normal.conductivity[:2])
            self.up, self.down, _, self.d = (mpf(float(value)) for value in ferromagnet.conductivity)
            self.s, self.minority = self.up + self.down, self.down + self.d
            self.total, self.s_n = self.s + self.d, self.n_up + self.n_down
            self.beta = (self.up - self.down) / self.s
            self.beta_down = (self.down - self.d) / self.minority
            self.beta_n = (self.n_up - self.n_down) / self.s_n
            rate, rate_d = (mpf(float(ferromagnet.relaxation[i, j])) for i, j in ((0, 1), (1, 3)))
            self.rate_n = mpf(float(normal.relaxation[0, 1]))
            self.l_n = 1 / mpmath.sqrt(self.rate_n * (1 / self.n_up + 1 / self.n_down))
            self.l_sf = 1 / mpmath.sqrt(rate * (1 / self.up + 1 / self.down))
            self.l_sd = 1 / mpmath.sqrt(rate_d * (1 / self.down + 1 / self.d))
            self.lambda_s = mpmath.sqrt(self.down / rate)

    @property
    def solved(self):
        """a, b, d, Lambda_+, Lambda_-."""
        x = self.exact
        return x.spin_accumulation, x.amplitude_plus, x.amplitude_minus, x.lambda_plus, x.lambda_minus


def random_junction(seed, beta_n=None):
    """Conductivities over two decades, lengths over two decades; N unpolarised only if so asked."""
    rng = np.random.default_rng(seed)
    up, down, d, n = 1e7 * 10 ** rng.uniform(-1, 1, 4)
    l_sf, l_sd, l_n = 20 * nm * 10 ** rng.uniform(-1, 1, 3)
    polarisation = rng.uniform(-0.8, 0.8) if beta_n is None else beta_n
    normal = Medium.valet_fert(1 / n, polarisation, l_n, channels=4)
    return Junction(normal, magnet(up, down, d, l_sf, l_sd))


def magnet(up, down, d, l_sf, l_sd):
    rates = {S_PAIR: 1 / (l_sf**2 * (1 / up + 1 / down)), D_PAIR: 1 / (l_sd**2 * (1 / down + 1 / d))}
    return Medium.four_channel({"s_up": up, "s_down": down, "d_down": d}, rates)


def equal_metals(ratio, part, beta=0.4, beta_n=0.0):
    """sigma_N = sigma_s, l_N = l_sf, l_sd = ratio l_sf, sigma_d = part sigma_s,down."""
    sigma, length = 1e7, 20 * nm
    down = sigma * (1 - beta) / 2
    normal = Medium.valet_fert(1 / (sigma * (1 - beta_n**2)), beta_n, length, channels=4)
    return Junction(normal, magnet(sigma * (1 + beta) / 2, down, part * down, length, ratio * length))


def stack_of(junction, current=1 / e):
    return solve_stack([Layer(junction.normal, inf), Layer(junction.ferromagnet, inf)], None, current)


def main_example():
    """The example of the chapter."""
    return Junction(Medium.valet_fert(1 / 5e7, 0.0, 300 * nm, channels=4), magnet(1e7, 0.4e7, 0.25e7, 20 * nm, 3 * nm))


def slope(stack, z, side, step=1e-4 * nm):
    """d mu_i/dz of the open channels by differences of fourth order, potentials in units of their change."""
    points = np.array([-2, -1, 1, 2]) * step + z
    mu = stack.profile(points, side).electrochemical_potential
    return (mu[:, 0] - 8 * mu[:, 1] + 8 * mu[:, 2] - mu[:, 3]) / (12 * step)


def panels(stack, function, spans, order=40):
    """Integral of a function of (z, side) over spans (start, stop, side) by Gauss and Legendre."""
    nodes, weights = np.polynomial.legendre.leggauss(order)
    total = 0.0
    for start, stop, side in spans:
        z = start + (stop - start) * (nodes + 1) / 2
        total += (stop - start) / 2 * weights @ np.array([function(each, side) for each in z])
    return total


def spans_of(junction, reach=30):
    """Panels that follow every decay length on both sides out to `reach` of it."""
    l_n, plus, minus = (float(v) for v in (junction.l_n, junction.exact.lambda_plus, junction.exact.lambda_minus))
    left = [0.0, *(l_n * np.array([1, 3, 9, reach]))]
    right = sorted({0.0, *(plus * np.array([1, 3, 9, reach])), *(minus * np.array([1, 3, 9, reach]))})
    spans = [(-stop, -start, "left") for start, stop in pairwise(left)]
    return spans + [(start, stop, "right") for start, stop in pairwise(right)]


def weights_of(medium):
    return medium.conductivity / medium.total_conductivity


def close(one, other, digits=40):
    """Equal in sixty-digit arithmetic, up to the digits lost on the way."""
    with mpmath.workdps(60):
        return abs(one - other) <= mpf(10) ** -digits * abs(other)


# --- the resistance ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_WD04_10_step_of_the_mean_potential(seed):
    """The step over e J is the resistance of the boundary value problem and the heat over J^2."""
    junction = random_junction(seed)
    stack = stack_of(junction)
    sides = [
        np.nansum(weights_of(medium) * stack.profile([0.0], side).electrochemical_potential[:, 0])
        for medium, side in ((junction.normal, "left"), (junction.ferromagnet, "right"))
    ]
    resistance = float(junction.exact.resistance)
    assert sides[0] - sides[1] == pytest.approx(resistance, rel=1e-10, abs=0)
    assert stack.dissipation().total * e**2 == pytest.approx(resistance, rel=1e-10, abs=0)


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_WD04_10_printed_integral(seed):
    """Inside the layers the integrand is the difference of two bulk fields, and the step is not in the integral."""
    junction = random_junction(seed)
    stack, length = stack_of(junction), 3 * float(junction.l_n)
    media = {"left": junction.normal, "right": junction.ferromagnet}
    far = 1 / junction.ferromagnet.total_conductivity  # the field at z -> +infinity, as printed; e J = 1

    def field(z, side):
        return -np.nansum(weights_of(media[side]) * slope(stack, z, side)) - far

    spans = [(-length, -1 * nm, "left"), (1 * nm, length, "right")]
    printed = panels(stack, field, spans, order=8)
    predicted = (length - 1 * nm) * (1 / junction.normal.total_conductivity - far)
    assert printed == pytest.approx(predicted, rel=1e-5, abs=0)
    assert abs(predicted / float(junction.exact.resistance) - 1) > 0.1  # nothing like the resistance


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("where", "side"), [(-7 * nm, "left"), (2 * nm, "right"), (40 * nm, "right")])
def test_paper_WD04_11(seed, where, side):
    """The gradient of the mean potential drives the total current, although every channel bends."""
    junction = random_junction(seed)
    medium = junction.normal if side == "left" else junction.ferromagnet
    slopes = slope(stack_of(junction), where, side)
    share = weights_of(medium)
    assert -medium.total_conductivity * np.nansum(share * slopes) == pytest.approx(1, rel=1e-6, abs=0)
    first = slopes[0] * medium.total_conductivity
    assert abs(first + 1) > 1e-4  # one channel alone has another slope


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("where", [1 * nm, 5 * nm, 40 * nm])
def test_paper_WD04_12(seed, where):
    """The field by differences to d_down. Without the derivatives the text lacks it depends on the unit of length."""
    junction = random_junction(seed)
    stack, medium = stack_of(junction), junction.ferromagnet
    slopes, share = slope(stack, where, "right"), weights_of(medium)
    of_s = share[0] + share[1]
    by_differences = -(slopes[3] + of_s * (slopes[1] - slopes[3]) + share[0] * (slopes[0] - slopes[1]))
    assert by_differences == pytest.approx(1 / medium.total_conductivity, rel=1e-6, abs=0)
    affinity = stack.profile([where]).affinity[:, :, 0]
    lost = of_s * affinity[1, 3] + share[0] * affinity[0, 1]
    _, b, d, plus, minus = junction.solved
    modes = [amplitude * mpmath.exp(-where / length) for amplitude, length in ((b, plus), (d, minus))]
    spins = [junction.lambda_s**2 * (junction.l_sd**-2 - length**-2) for length in (plus, minus)]
    terms = [float(of_s + share[0] * spin) * float(mode) for spin, mode in zip(spins, modes, strict=True)]
    for unit in (1.0, 1e-9):  # metre, nanometre
        literal = -(slopes[3] + lost / unit)
        # What stands in the brackets without its derivative, and the derivative of each mode, -1/Lambda times it.
        predicted = sum(-term / float(length) - term / unit for term, length in zip(terms, (plus, minus), strict=True))
        assert literal - 1 / medium.total_conductivity == pytest.approx(predicted, rel=1e-5, abs=0)
        assert abs(predicted) > 0.01 / medium.total_conductivity


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_WD04_13(seed):
    """Both integrals by quadrature over a profile: the corrected one is R, the printed one off as predicted."""
    junction = random_junction(seed)
    stack, media = stack_of(junction), {"left": junction.normal, "right": junction.ferromagnet}

    def slopes(z, side):
        flow, sigma = stack.profile([z], side).current_density[:, 0], media[side].conductivity
        by_ohm = np.divide(-e * flow, sigma, out=np.zeros(4), where=sigma > 0)
        below = by_ohm[1] - by_ohm[3] if side == "right" else 0.0
        return by_ohm[0] - by_ohm[1], below, weights_of(media[side])

    def corrected(z, side):
        spins, below, share = slopes(z, side)
        return share[0] * spins - share[3] * below

    def printed(z, side):
        spins, below, share = slopes(z, side)
        return -((share[0] + share[1]) * below + share[0] * spins)

    spans = spans_of(junction)
    resistance = float(junction.exact.resistance)
    assert panels(stack, corrected, spans) == pytest.approx(resistance, rel=1e-9, abs=0)
    a, below = float(junction.exact.spin_accumulation), float(junction.exact.d_accumulation)
    share = weights_of(junction.ferromagnet)
    change = weights_of(junction.normal)[0] - share[0]
    predicted = -2 * change * a + (share[0] + share[1] - share[3]) * below
    scale = abs(change * a) + below
    assert panels(stack, printed, spans) - resistance == pytest.approx(predicted, abs=1e-9 * scale)
    assert abs(predicted) > 0.05 * resistance


def test_paper_WD04_13_closed_form_in_the_chapters_example():
    """R = 1.16707e-16 Ohm m^2, and 2.3174e-16 as printed."""
    junction = main_example()
    found = normal_ferromagnet_junction(junction.normal, junction.ferromagnet, 1 / e)
    assert found.resistance == pytest.approx(float(junction.exact.resistance), rel=1e-13, abs=0)
    assert found.resistance == pytest.approx(1.16707e-16, rel=1e-5, abs=0)
    a, below = found.spin_accumulation, found.d_accumulation
    assert -(0.5 - 1 / 1.65) * a + 1.4 / 1.65 * below == pytest.approx(2.3174e-16, rel=1e-5, abs=0)


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_WD04_13_is_a_sum_of_positive_terms(seed):
    """The chapter's form of R, evaluated in sixty digits, is the resistance of the boundary value problem."""
    t = random_junction(seed)
    with mpmath.workdps(60):
        p, q = t.n_up / t.s_n, t.n_down / t.s_n
        rate = t.down / t.lambda_s**2
        rate_d = 1 / (t.l_sd**2 * (1 / t.down + 1 / t.d))
        product, both = 1 / (t.exact.lambda_plus * t.exact.lambda_minus), 1 / t.exact.lambda_plus
        both += 1 / t.exact.lambda_minus
        k_n = t.rate_n * t.l_n
        z = (t.s * product + rate_d * t.total / t.d) * (k_n + rate / both)
        z += t.up * t.down * product * (1 / t.l_sd**2 + product) / both
        x = p * t.down - q * t.up
        terms = [
            product * (x**2 + t.d * (q**2 * t.up + p**2 * t.down)),
            rate_d / t.d * (x + p * t.d) ** 2,
            t.d * (both * k_n + rate),
        ]
        assert all(term > 0 for term in terms)
        assert close(sum(terms) / (t.total * z), t.exact.resistance)
        assert close((both * k_n + rate + q * t.up * product) / z, t.exact.d_accumulation)
        assert close((x * (product + rate_d / t.d) + p * rate_d) / z, t.exact.spin_accumulation)


# --- conditions and modes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_WD04_14(seed):
    """Two exponentials with the lengths of the relaxation matrix's eigenvalues, and amplitudes b and d."""
    junction = random_junction(seed)
    found = normal_ferromagnet_junction(junction.normal, junction.ferromagnet, 1 / e)
    z = np.array([0.0, 0.3, 1.1, 4.0]) * float(junction.exact.lambda_minus)
    decay = np.exp(-z[:, None] / np.sort(junction.ferromagnet.diffusion_lengths))
    np.testing.assert_allclose(
        stack_of(junction).profile(z).affinity[1, 3],
        decay @ [found.amplitude_plus, found.amplitude_minus],
        atol=1e-10 * abs(found.d_accumulation),
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_WD04_statement_E4_decay_into_the_metal(seed):
    """exp(+z/l) for z < 0; the printed exp(-z/l) is off by exp(2|z|/l) and has no limit."""
    junction = random_junction(seed)
    length, depth = float(junction.l_n), np.array([0.5, 1.0, 4.0])
    found = stack_of(junction).profile(-depth * length).spin_accumulation
    a = float(junction.exact.spin_accumulation)
    np.testing.assert_allclose(found, a * np.exp(-depth), rtol=1e-9)
    np.testing.assert_allclose(a * np.exp(depth) / found, np.exp(2 * depth), rtol=1e-9)


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_WD04_15(seed):
    """The stack solver, which matches channel by channel, obeys all three; s_up follows; mu_d is free."""
    junction = random_junction(seed)
    stack = stack_of(junction)
    left, right = (stack.profile([0.0], side) for side in ("left", "right"))
    flow = [side.current_density[:, 0] * e for side in (left, right)]
    assert flow[1][3] == pytest.approx(0, abs=1e-12)
    assert flow[0][1] == pytest.approx(flow[1][1], rel=1e-11, abs=0)
    assert left.spin_accumulation == pytest.approx(right.spin_accumulation, rel=1e-11, abs=0)
    assert flow[0][0] == pytest.approx(flow[1][0], rel=1e-11, abs=0)
    assert right.affinity[1, 3, 0] > 0.01 * stack.resistance


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_WD04_34(seed):
    """The three conditions, put on currents by Ohm's law and WD04 (8), fix a, b and d."""
    t = random_junction(seed)
    a, b, d, plus, minus = t.solved
    with mpmath.workdps(60):
        rows, known = mpmath.zeros(3), mpmath.zeros(3, 1)
        for column, length in ((1, plus), (2, minus)):
            spin = t.lambda_s**2 * (t.l_sd**-2 - length**-2)  # WD04 (8)
            # e J_i = -sigma_i mu_i' with Sum sigma_i mu_i' = -1 and the two differences decaying.
            mu_d = (t.s + t.up * spin) / (t.total * length)
            mu_down = mu_d - 1 / length
            rows[0, column] = mu_d
            rows[1, column] = -t.down * mu_down
            rows[2, column] = spin
        known[0] = 1 / t.total  # mu_d' = -1/sigma_t + ... = 0
        rows[1, 0] = -t.n_up * t.n_down / (t.s_n * t.l_n)
        known[1] = t.n_down / t.s_n - t.down / t.total
        rows[2, 0] = -1
        found = mpmath.lu_solve(rows, known)
    for one, other in zip(found, (a, b, d), strict=True):
        assert close(one, other)


# --- appendix B -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_WD04_35(seed):
    """All three lines hold for the solution; with the share of F for that of N the second is off."""
    t = random_junction(seed)
    a, b, d, plus, minus = t.solved
    with mpmath.workdps(60):
        assert close(b * plus + d * minus, 2 * t.l_sd**2 / (t.total * (1 + t.beta_down)))
        arriving = t.down * (b / plus + d / minus)
        assert close(a * t.rate_n * t.l_n + t.n_down / t.s_n, arriving)
        spin = [t.lambda_s**2 * (t.l_sd**-2 - length**-2) for length in (plus, minus)]
        assert close(b * spin[0] + d * spin[1], a)
        missed = a * t.rate_n * t.l_n + t.down / t.s - arriving
        assert close(missed, (t.beta_n - t.beta) / 2)
        assert abs(missed) > 0.01


def residues_of_35(of_36):
    """The three lines of (35) with d by (37) and a by (38), in symbols; b is free or, if asked, that of (36); e J = 1.

    Free are k_+ = 1/Lambda_+, k_- = 1/Lambda_-, 1/l_sd^2, sigma_s,down, f = sigma_s,up/sigma_s and the metal. Trace and
    determinant of (6) then give 1/l_sf^2 and sigma_d.
    """
    k_plus, k_minus, merge, f, down, s_n, l_n = sp.symbols("k_plus k_minus A f sigma_sd sigma_N l_N", positive=True)
    beta_n, b = sp.symbols("beta_N b")
    flip = k_plus**2 + k_minus**2 - merge
    part = (1 - (k_plus * k_minus) ** 2 / (merge * flip)) / f  # sigma_d/sigma_down
    up, d = down * f / (1 - f), down * part / (1 - part)
    s, total = up + down, up + down + d
    beta, beta_down = 2 * f - 1, 1 - 2 * part
    if of_36:
        kappa = s * (1 - beta**2) / (s_n * (1 - beta_n**2))
        bracket = flip + k_plus * k_minus + kappa * l_n * flip * (k_plus + k_minus)
        last = merge - k_minus**2 - kappa * l_n * flip * k_minus
        source = (1 + beta) / (1 + beta_n) * l_n
        source += 2 * s_n * k_minus / (flip * merge * total * (1 + beta_down)) * last
        b = sp.cancel(flip / s_n * source * k_plus / ((k_plus - k_minus) * bracket))
    d_mode = 2 * k_minus / ((1 + beta_down) * total * merge) - b * k_minus / k_plus
    a = 1 - 2 * (1 - beta) * s * k_minus**2 / ((1 - beta_n) * (1 + beta_down) * total * merge)
    a *= -2 * l_n / (s_n * (1 + beta_n))
    a += 2 * b * l_n * s * (1 - beta) / (s_n * (1 - beta_n**2)) * (k_plus**2 - k_minus**2) / k_plus
    rate, rate_d = f * flip * down, merge * down * d / (down + d)  # G_s, G_sd
    metal = s_n * (1 - beta_n**2) / (4 * l_n)  # G_N l_N
    return (
        b / k_plus + d_mode / k_minus - d / total / rate_d,
        a * metal + (1 - beta_n) / 2 - down * (b * k_plus + d_mode * k_minus),
        down / rate * (b * (merge - k_plus**2) + d_mode * (merge - k_minus**2)) - a,
    )


def test_paper_WD04_36_solves_35_in_symbols():
    """With (37) and (38), which meet the first two lines for any b, (36) meets the third; for a free b it does not."""
    assert sp.cancel(sp.together(residues_of_35(of_36=True)[2])) == 0
    assert sp.cancel(sp.together(residues_of_35(of_36=False)[2])) != 0


def test_paper_WD04_37_solves_35_in_symbols():
    """The first line, with any b."""
    assert sp.cancel(sp.together(residues_of_35(of_36=False)[0])) == 0


def test_paper_WD04_38_solves_35_in_symbols():
    """The second line, with any b and d by (37)."""
    assert sp.cancel(sp.together(residues_of_35(of_36=False)[1])) == 0


def terms_of_36(t):
    """Left factor, bracket terms and right side of (36); e J = 1."""
    _, _, _, plus, minus = t.solved
    kappa = t.s * (1 - t.beta**2) / (t.s_n * (1 - t.beta_n**2))
    both = 1 / plus + 1 / minus
    front = plus * (1 / plus - 1 / minus)
    pieces = (t.l_sf**-2 + 1 / (plus * minus), kappa, t.l_n / t.l_sf**2 * both)
    last = 1 / t.l_sd**2 - 1 / minus**2 - kappa * t.l_n / (t.l_sf**2 * minus)
    source = (1 + t.beta) / (1 + t.beta_n) * t.l_n
    source += 2 * t.s_n * t.l_sf**2 * t.l_sd**2 / (t.total * (1 + t.beta_down) * minus) * last
    return front, pieces, source / (t.s_n * t.l_sf**2)


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_WD04_36(seed):
    """b of the boundary value problem; as printed b is off by the ratio of the brackets, which depends on the unit."""
    t = random_junction(seed)
    _, b, _, plus, minus = t.solved
    with mpmath.workdps(60):
        front, (own, kappa, rest), source = terms_of_36(t)
        assert close(source / (front * (own + kappa * rest)), b)
        for unit in (mpf(1), mpf(10) ** -9):  # metre, nanometre
            in_unit = source / (front * (own + kappa / unit**2 + rest))
            assert close(in_unit / b, (own + kappa * rest) / (own + kappa / unit**2 + rest))
            assert abs(in_unit / b - 1) > 1e-3
        # 1/Lambda^2 must be that of Lambda_-: with the other length b is off by the predicted amount.
        last = 1 / t.l_sd**2 - 1 / plus**2 - kappa * t.l_n / (t.l_sf**2 * minus)
        other = (1 + t.beta) / (1 + t.beta_n) * t.l_n
        other += 2 * t.s_n * t.l_sf**2 * t.l_sd**2 / (t.total * (1 + t.beta_down) * minus) * last
        slipped = other / (t.s_n * t.l_sf**2) / (front * (own + kappa * rest))
        predicted = -2 * t.l_sd**2 * (plus**-2 - minus**-2) / (t.total * (1 + t.beta_down) * minus)
        predicted /= front * (own + kappa * rest)
        assert close(slipped - b, predicted)
        assert abs(predicted / b) > 1e-3


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_WD04_37(seed):
    t = random_junction(seed)
    _, b, d, plus, minus = t.solved
    with mpmath.workdps(60):
        assert close(2 * t.l_sd**2 / ((1 + t.beta_down) * t.total * minus) - b * plus / minus, d)


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_WD04_38(seed):
    """a of the boundary value problem; as printed the term with b is inside the bracket, and 1 - beta_N too small."""
    t = random_junction(seed)
    a, b, _, plus, minus = t.solved
    with mpmath.workdps(60):
        front = -2 * t.l_n / (t.s_n * (1 + t.beta_n))
        first = 1 - 2 * (1 - t.beta) * t.s * t.l_sd**2 / ((1 - t.beta_n) * (1 + t.beta_down) * t.total * minus**2)
        printed_tail = 2 * b * t.l_n * t.s * (1 - t.beta) / (t.s_n * (1 + t.beta_n)) * plus * (plus**-2 - minus**-2)
        tail = printed_tail / (1 - t.beta_n)
        assert close(front * first + tail, a)
        printed = front * (first + printed_tail)
        assert close(printed - a, tail * (front * (1 - t.beta_n) - 1))
        assert close(front * first + printed_tail - a, -t.beta_n * tail)
        assert abs(printed / a - 1) > 0.01
        assert abs(t.beta_n * tail / a) > 0.01


# --- limits -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [-0.6, 0.3, 0.8])
@pytest.mark.parametrize(("ratio", "part"), [(1e7, 1e-3), (1e7, 0.5), (1e7, 5.0), (1e-4, 1e-7)])
def test_paper_WD04_16(beta, ratio, part):
    """Opposite polarisations, slow relaxation or fast into a negligible d: the printed form has the opposite sign."""
    found = float(equal_metals(ratio, part, beta, -beta).exact.spin_accumulation) * 1e7 / (20 * nm)
    printed = 2 * beta / (1 - beta**2)
    assert found == pytest.approx(-printed, rel=1e-5, abs=0)
    assert printed / found == pytest.approx(-1, rel=1e-5, abs=0)


@pytest.mark.parametrize("beta", [-0.6, 0.3, 0.8])
@pytest.mark.parametrize(("ratio", "part"), [(1e7, 1e-3), (1e7, 0.5), (1e7, 5.0), (1e-4, 1e-7)])
def test_paper_WD04_17(beta, ratio, part):
    """Slow s-d relaxation for any d channel, or fast relaxation into a negligible one: printed over true is -2."""
    found = float(equal_metals(ratio, part, beta).exact.spin_accumulation) * 1e7 / (20 * nm)
    printed = 2 * beta / (1 - beta**2 / 2)
    assert found == pytest.approx(-printed / 2, rel=3e-5, abs=0)
    assert printed / found == pytest.approx(-2, rel=3e-5, abs=0)


def merged(part, beta, beta_n=0.0):
    """Two channels, s_down and d_down as one: spin accumulation, share of the current in down at z = 0, resistance.

    By currents: what arrives in down from N must leave by relaxation on either side. e J = l_sf = sigma_s = 1.
    """
    up, down = (1 + beta) / 2, (1 - beta) / 2
    minority = down * (1 + part)
    rate = 1 / (1 / up + 1 / down)
    length = 1 / sqrt(rate * (1 / up + 1 / minority))
    sinks = (1 - beta_n**2) / 4 + rate * length
    difference = minority / (up + minority) - (1 - beta_n) / 2  # of the share of down, F less N
    return difference / sinks, (1 - beta_n) / 2 + (1 - beta_n**2) / 4 * difference / sinks, difference**2 / sinks


@pytest.mark.parametrize("part", [1e-2, 0.5, 2.0])
@pytest.mark.parametrize("beta", [-0.3, 0.4])
def test_paper_WD04_17_fast_relaxation_merges_the_minority_channels(part, beta):
    """For l_sd -> 0 at fixed conductivities the accumulation is that of s_up and s_down + d_down, not (17)."""
    found = float(equal_metals(1e-6, part, beta).exact.spin_accumulation) * 1e7 / (20 * nm)
    assert found == pytest.approx(merged(part, beta)[0], rel=1e-4, abs=0)
    corrected = -beta / (1 - beta**2 / 2)
    assert abs(corrected / found - 1) > 0.5 * part / (1 + part)


@pytest.mark.parametrize("beta", [-0.6, 0.0, 0.3, 0.8])
def test_paper_WD04_18(beta):
    """l_sd << l_sf and sigma_d << sigma_s,down; in any other case the factor is that of the current in down."""
    scale = 1e7 / (20 * nm)
    factor = (1 + beta / 2) / (1 - beta**2 / 2)
    found = float(equal_metals(1e-5, 1e-6, beta).exact.d_accumulation) * scale / 1e-5
    assert found == pytest.approx(factor, rel=1e-3, abs=0)
    for part in (0.1, 0.5, 2.0):
        found = float(equal_metals(1e-6, part, beta).exact.d_accumulation) * scale / 1e-6
        in_down = merged(part, beta)[1] / ((1 - beta) / 2)
        assert found == pytest.approx(in_down, rel=1e-4, abs=0)
        assert abs(factor / found - 1) > 0.02 * part


@pytest.mark.parametrize(("beta", "beta_n"), [(0.4, 0.0), (-0.5, 0.3), (0.7, -0.6)])
@pytest.mark.parametrize("part", [1e-6, 1e-3, 0.5, 5.0])
def test_paper_WD04_39(beta, beta_n, part):
    """l_sf << l_sd, whatever sigma_d: the error falls at least as l_sf/l_sd, and is of order one at equal lengths."""
    scale, half = 1e7 / (20 * nm), 1 - (beta**2 + beta_n**2) / 2
    expected = (1 + beta) * (beta - beta_n) / (2 * half)
    errors = [
        float(equal_metals(ratio, part, beta, beta_n).exact.amplitude_plus) * scale / expected - 1
        for ratio in (1e2, 1e3, 1e4)
    ]
    assert abs(errors[2]) < 2e-4
    assert abs(errors[1]) < 0.11 * abs(errors[0])
    assert abs(errors[2]) < 0.11 * abs(errors[1])
    near = float(equal_metals(1.0, part, beta, beta_n).exact.amplitude_plus) * scale
    assert abs(near / expected - 1) > 0.2


@pytest.mark.parametrize(("beta", "beta_n"), [(0.4, 0.0), (-0.5, 0.3), (0.7, -0.6)])
def test_paper_WD04_40(beta, beta_n):
    """l_sd << l_sf and sigma_d << sigma_s,down; at fixed sigma_d it misses as the current in down says."""
    scale, half = 1e7 / (20 * nm), 1 - (beta**2 + beta_n**2) / 2
    factor = (1 - beta_n) * (1 + (beta + beta_n) / 2) / half
    found = float(equal_metals(1e-5, 1e-6, beta, beta_n).exact.amplitude_plus) * scale / 1e-5
    assert found == pytest.approx(factor, rel=1e-3, abs=0)
    part = 1 / (1 - beta)  # sigma_d = sigma_s/2
    found = float(equal_metals(1e-6, part, beta, beta_n).exact.amplitude_plus) * scale / 1e-6
    assert found == pytest.approx(merged(part, beta, beta_n)[1] / ((1 - beta) / 2), rel=1e-4, abs=0)
    assert abs(factor / found - 1) > 0.05


# --- statements -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("beta", [0.2, 0.6])
def test_paper_WD04_statement_E5_polarisation_of_the_other_metal(beta):
    """(16) needs beta_N = -beta_s. "beta_N = -beta_N" says beta_N = 0, which is (17); equal signs give nothing."""
    magnitude = 2 * beta / (1 - beta**2)

    def found(beta_n):
        return abs(float(equal_metals(1e7, 1e-3, beta, beta_n).exact.spin_accumulation)) * 1e7 / (20 * nm)

    assert found(-beta) == pytest.approx(magnitude, rel=1e-5, abs=0)
    assert found(0.0) == pytest.approx(magnitude * (1 - beta**2) / (2 - beta**2), rel=1e-5, abs=0)
    assert found(beta) < 1e-6


@pytest.mark.parametrize("beta", [0.0, 3 / 7, -0.5])
@pytest.mark.parametrize("part", [0.3, 1.0])
def test_paper_WD04_statement_E6_resistance_is_linear_in_the_length(beta, part):
    """R = R(0) + r J_down^2/J^2 + O(l_sd^2), r = l_sd sigma_d/(sigma_s,down sigma_down); R(0) of merged channels."""
    down = (1 - beta) / 2
    _, share, zero = merged(part, beta)
    slope = part / (down * (1 + part)) * share**2  # r per l_sd, in units of 1/sigma_s
    lengths = np.array([1e-6, 2e-6, 4e-6])
    with mpmath.workdps(40):
        found = np.array([float(equal_metals(x, part, beta).exact.resistance * 1e7 / (20 * nm)) for x in lengths])
    assert found[0] == pytest.approx(zero + slope * lengths[0], rel=1e-9, abs=0)
    rise = found - zero
    assert zero > 1e-4  # does not vanish with l_sd
    assert rise[1] / rise[0] == pytest.approx(2, rel=1e-3, abs=0)  # not 4
    assert rise[2] / rise[1] == pytest.approx(2, rel=1e-3, abs=0)


def test_paper_WD04_statement_E6_printed_resistance_is_linear_too():
    """The integral (13) as printed, of the exact profiles where (18) holds, is that of (18): it doubles with l_sd."""
    found = []
    for x in (1e-5, 2e-5):
        junction = equal_metals(x, 1e-6, 0.0)
        stack, sigma = stack_of(junction), junction.ferromagnet.conductivity

        def gradient(z, side, stack=stack, sigma=sigma, junction=junction):
            flow = stack.profile([z], side).current_density[:, 0]
            if side == "left":
                return e * (flow[0] - flow[1]) / junction.normal.conductivity[0] / 2
            by_ohm = -e * np.divide(flow, sigma, out=np.zeros(4), where=sigma > 0)
            return -(by_ohm[1] - by_ohm[3]) - (by_ohm[0] - by_ohm[1]) / 2  # sigma_s/sigma_t = 1 to 1e-6

        found.append(panels(stack, gradient, spans_of(junction)) * 1e7 / (20 * nm))
        assert found[-1] == pytest.approx(x, rel=1e-3, abs=0)  # (18) for beta_s = 0
    assert found[1] / found[0] == pytest.approx(2, rel=1e-3, abs=0)  # not 4


def test_paper_WD04_statement_E6_intercept_vanishes_with_the_d_channel_only():
    """beta_s = 0: R(0) is van Son's with beta_eff = -sigma_d/sigma_t; zero only for sigma_d -> 0."""
    assert merged(1.0, 0.0)[2] > 0.01
    pile = float(equal_metals(1e-7, 0.5, 0.0).exact.spin_accumulation) * 1e7 / (20 * nm)
    assert pile == pytest.approx(merged(0.5, 0.0)[0], rel=1e-5, abs=0)
    assert pile > 0.1
    for part in (1e-2, 1e-3):
        found = float(equal_metals(1e-9, part, 0.0).exact.resistance) * 1e7 / (20 * nm)
        assert found == pytest.approx(merged(part, 0.0)[2], rel=1e-4, abs=0)
        assert found == pytest.approx((part / 4) ** 2 * 2, rel=3 * part, abs=0)  # beta_eff^2 / (1/z_N + 1/z_F)


def test_paper_WD04_statement_E6_polarisation_has_no_pole():
    """sqrt 2 is out of reach: for |beta_s| < 1 the factor of the resistance stays below 2, that of (18) below 3."""
    beta = np.linspace(-1, 1, 2001)
    assert (1 / (1 - beta**2 / 2)).max() == pytest.approx(2, rel=1e-12, abs=0)
    assert ((1 + beta / 2) / (1 - beta**2 / 2)).max() == pytest.approx(3, rel=1e-12, abs=0)
    with pytest.raises(ValueError, match="beta"):
        Medium.s_d(1e7, sqrt(2), minority_beta=0.5)


def test_paper_WD04_statement_E6_example_without_polarisation():
    """beta_s = 0: spin accumulation 28.84 uV and R = 5.5568e-17 Ohm m^2 at 3 nm, intercept 2.501e-17."""
    copper = Medium.valet_fert(1 / 5e7, 0.0, 300 * nm, channels=4)
    at_3 = exact_junction(copper, magnet(0.7e7, 0.7e7, 0.25e7, 20 * nm, 3 * nm))
    assert float(at_3.spin_accumulation) * 1e11 == pytest.approx(28.84e-6, rel=2e-4, abs=0)
    assert float(at_3.resistance) == pytest.approx(5.5568e-17, rel=1e-5, abs=0)
    at_0 = exact_junction(copper, magnet(0.7e7, 0.7e7, 0.25e7, 20 * nm, 1e-9 * nm))
    assert float(at_0.resistance) == pytest.approx(2.501e-17, rel=2e-4, abs=0)


@pytest.mark.parametrize("beta", [-0.5, 0.0, 0.6])
@pytest.mark.parametrize("part", [1e-4, 0.5])
def test_paper_WD04_statement_E6_slow_d_accumulation_knows_no_polarisation(beta, part):
    """l_sf << l_sd: spins are mixed on the length of the queue, which is e J Lambda_-/sigma_s."""
    junction = equal_metals(1e6, part, beta)
    found = float(junction.exact.d_accumulation) * 1e7
    assert found == pytest.approx(float(junction.exact.lambda_minus), rel=1e-5, abs=0)


def test_paper_WD04_statement_E6_acts_as_a_contact_in_the_minority_channel():
    """To first order in l_sd, s-d relaxation is a contact with r_down and r_up = 0 before two channels."""
    misses = []
    for x in (1e-4, 2e-4):
        junction = equal_metals(x, 0.5)
        up, down, _, d = junction.ferromagnet.conductivity
        rate = junction.ferromagnet.relaxation[0, 1]
        two = Medium([up, down + d], [[0, rate], [rate, 0]])
        contact = Interface([0.0, d * x * 20 * nm / (down * (down + d))])
        layers = [Layer(Medium.valet_fert(1e-7, 0.0, 20 * nm), inf), Layer(two, inf)]
        misses.append(solve_stack(layers, [contact]).resistance - float(junction.exact.resistance))
    assert misses[1] / misses[0] == pytest.approx(4, rel=5e-3, abs=0)


@pytest.mark.parametrize("seed", SEEDS)
def test_paper_WD04_statement_abstract_effects_grow_as_spin_flips_cease(seed):
    """All spin diffusion lengths k times as long: both effects tend to k times van Son's for merged channels."""
    t, k = random_junction(seed), 1e6
    rates = [np.array(medium.relaxation) for medium in (t.normal, t.ferromagnet)]
    for rate in rates:
        rate[[0, 1], [1, 0]] /= k**2
    media = [Medium(m.conductivity, rate) for m, rate in zip((t.normal, t.ferromagnet), rates, strict=True)]
    exact = exact_junction(*media)
    change = float(t.n_up / t.s_n - t.up / t.total)
    sinks = float(t.rate_n * t.l_n + mpmath.sqrt(t.up * t.minority / t.total * t.down) / t.lambda_s)
    assert float(exact.spin_accumulation) == pytest.approx(k * change / sinks, rel=1e-3, abs=0)
    assert float(exact.resistance) == pytest.approx(k * change**2 / sinks, rel=1e-3, abs=0)
    assert abs(float(exact.spin_accumulation / t.exact.spin_accumulation)) > 1e3
    assert float(exact.resistance / t.exact.resistance) > 1e3


def test_paper_WD04_statement_abstract_example():
    """The chapter's example: -60.26 uV and 1.1671e-16 Ohm m^2; with lengths a hundred times as long, -5.076 mV."""
    found = [
        exact_junction(Medium.valet_fert(1 / 5e7, 0.0, k * 300 * nm, 4), magnet(1e7, 4e6, 2.5e6, k * 20 * nm, 3 * nm))
        for k in (1, 100)
    ]
    piles = [float(each.spin_accumulation) * 1e11 for each in found]
    assert piles == pytest.approx([-60.2599e-6, -5.07573e-3], rel=1e-5, abs=0)
    assert [float(each.resistance) for each in found] == pytest.approx([1.16707e-16, 5.43776e-15], rel=1e-5, abs=0)
