"""Stacks of four-channel layers against a dense cosh/sinh solution in 30 digits, `solve_bvp` and closed forms.

WD04's words on the net transfer and on three channels, both ways.
"""

from dataclasses import dataclass, field
from itertools import combinations

import numpy as np
import pytest
import scipy.constants as si
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath.ctx_mp import MPContext
from scipy.integrate import quad, solve_bvp
from scipy.linalg import expm

from spinlib.diffusion import Interface, Layer, Medium, normal_ferromagnet_junction, reverse, solve_stack

E, NM = si.e, 1e-9
S_UP, S_DOWN, D_UP, D_DOWN = range(4)
mp = MPContext()  # of this file only
mp.dps = 30


def near(value, rel):
    """Equal to a relative tolerance alone: an absolute one of 1e-12 would pass every resistance."""
    return pytest.approx(value, rel=rel, abs=0)


# --- media ------------------------------------------------------------------------------------------------------------


def medium(sigma, rates):
    """Medium of conductivities (4,) and rates {(i, j): G}."""
    matrix = np.zeros((4, 4))
    for (i, j), rate in rates.items():
        matrix[i, j] = matrix[j, i] = rate
    return Medium(np.array(sigma, dtype=float), matrix)


def normal(sigma=5e7, length=300 * NM):
    return medium([sigma / 2, sigma / 2, 0, 0], {(S_UP, S_DOWN): sigma / (4 * length**2)})


def magnet(l_sd=3 * NM, l_sf=20 * NM, up=1e7, down=0.4e7, d=0.25e7):
    """WD04 (7): l_sd^-2 = G_sd (1/down + 1/d), l_sf^-2 = G_s (1/up + 1/down)."""
    flip, merge = l_sf**-2 / (1 / up + 1 / down), l_sd**-2 / (1 / down + 1 / d)
    return medium([up, down, 0, d], {(S_UP, S_DOWN): flip, (S_DOWN, D_DOWN): merge})


def merged(conductivities, like):
    """Two channels with the spin-flip rate of another medium."""
    return medium([*conductivities, 0, 0], {(S_UP, S_DOWN): like.relaxation[S_UP, S_DOWN]})


N, F = normal(), magnet()


def stack_of(*pairs):
    return [Layer(*pair) for pair in pairs]


def single(thickness, left=N, right=N, middle=F):
    return stack_of((left, np.inf), (middle, thickness), (right, np.inf))


def valve(first, second, thickness=20 * NM, spacer=10 * NM):
    return stack_of((N, np.inf), (first, thickness), (N, spacer), (second, thickness), (N, np.inf))


# --- first route: potentials themselves as cosh and sinh of every mode, one dense system in 30 digits ----------------


@dataclass
class Piece:
    """One layer: modes (kappa, column, kind) and the potentials v_i = mu_i/e of each mode."""

    sigma: list
    open_: list
    left: mp.mpf
    right: mp.mpf
    lead: int  # -1, 0, 1
    modes: list = field(default_factory=list)


class Dense:
    """Current one from left to right; the right end, or right asymptote at the last interface, is at zero."""

    def __init__(self, layers, contacts=None):
        self.pieces, self.size = [], 0
        position = mp.mpf(0)
        for k, layer in enumerate(layers):
            lead = 0 if np.isfinite(layer.thickness) else (-1 if k == 0 else 1)
            right = position if lead else position + mp.mpf(layer.thickness)
            self.pieces.append(self.piece(layer.medium, position, right, lead))
            position = right
        n = layers[0].medium.channels
        contacts = contacts or [None] * (len(layers) - 1)
        rows = []
        for left, right, contact in zip(self.pieces[:-1], self.pieces[1:], contacts, strict=True):
            resistance = np.zeros(n) if contact is None else contact.resistance
            rows += self.matching(left, right, resistance)
        if self.pieces[-1].lead:
            rows.pop()  # sum of the current rows: charge is conserved already
            rows.append(({m[1]: m[3][0] for m in self.pieces[-1].modes if m[2] == "one"}, mp.mpf(0)))
        else:
            rows += self.sink(self.pieces[-1], self.pieces[-1].right)
            rows.append(self.potential(self.pieces[-1], self.pieces[-1].open_[0], self.pieces[-1].right))
        if not self.pieces[0].lead:
            rows += self.sink(self.pieces[0], mp.mpf(0))
            total = [self.current(self.pieces[0], i, mp.mpf(0)) for i in self.pieces[0].open_]
            rows.append(self.combined([(1, each) for each in total], 1))
        assert len(rows) == self.size
        matrix, target = mp.matrix(self.size, self.size), mp.matrix(self.size, 1)
        for r, (terms, shift) in enumerate(rows):
            scale = max(abs(value) for value in terms.values())
            for column, value in terms.items():
                matrix[r, column] = value / scale
            target[r] = -shift / scale
        self.x = mp.lu_solve(matrix, target)
        first = self.pieces[0]
        if first.lead:
            drop = sum(self.x[m[1]] * m[3][0] for m in first.modes if m[2] == "one")
        else:
            drop = self.value(self.potential(first, first.open_[0], mp.mpf(0)))
        bulk = sum((p.right - p.left) / sum(p.sigma) for p in self.pieces)
        self.resistance, self.excess = drop, drop - bulk

    def piece(self, medium, left, right, lead):
        sigma = [mp.mpf(float(value)) for value in medium.conductivity]
        open_ = [i for i, value in enumerate(sigma) if value > 0]
        matrix = mp.matrix(len(open_))
        for (a, i), (b, j) in combinations(enumerate(open_), 2):
            rate = mp.mpf(float(medium.relaxation[i, j]))
            matrix[a, b] = matrix[b, a] = -rate / mp.sqrt(sigma[i] * sigma[j])
            matrix[a, a] += rate / sigma[i]
            matrix[b, b] += rate / sigma[j]
        values, vectors = mp.eigsy(matrix)
        piece = Piece(sigma, open_, left, right, lead)
        for m in range(len(open_)):
            uniform = m == 0  # ascending; every medium here is connected
            kappa = mp.mpf(0) if uniform else mp.sqrt(values[m])
            shape = [vectors[a, m] / mp.sqrt(sigma[i]) for a, i in enumerate(open_)]
            kinds = ("one",) if uniform else ("decay",)
            if not lead:
                kinds = ("one", "ramp") if uniform else ("cosh", "sinh")
            for kind in kinds:
                piece.modes.append((kappa, self.size, kind, shape))
                self.size += 1
        return piece

    def basis(self, piece, kappa, kind, z):
        """Value and slope of one basis function."""
        middle, half = (piece.left + piece.right) / 2, (piece.right - piece.left) / 2
        if kind == "one":
            return mp.mpf(1), mp.mpf(0)
        if kind == "ramp":
            return z - middle, mp.mpf(1)
        if kind == "decay":
            value = mp.exp(-kappa * abs(z - piece.left))
            return value, -piece.lead * kappa * value
        cosh, sinh = mp.cosh(kappa * (z - middle)), mp.sinh(kappa * (z - middle))
        if kind == "cosh":
            return cosh / mp.cosh(kappa * half), kappa * sinh / mp.cosh(kappa * half)
        return sinh / mp.sinh(kappa * half), kappa * cosh / mp.sinh(kappa * half)

    def potential(self, piece, i, z):
        a = piece.open_.index(i)
        terms = {m[1]: m[3][a] * self.basis(piece, m[0], m[2], z)[0] for m in piece.modes}
        return terms, -(z - piece.left) / sum(piece.sigma) if piece.lead else mp.mpf(0)

    def current(self, piece, i, z):
        a = piece.open_.index(i)
        terms = {m[1]: -piece.sigma[i] * m[3][a] * self.basis(piece, m[0], m[2], z)[1] for m in piece.modes}
        return {c: v for c, v in terms.items() if v}, piece.sigma[i] / sum(piece.sigma) if piece.lead else mp.mpf(0)

    @staticmethod
    def combined(parts, minus=0):
        """Sum of factor times (terms, shift), less a number."""
        terms: dict = {}
        for factor, (some, _) in parts:
            for column, value in some.items():
                terms[column] = terms.get(column, 0) + factor * value
        return terms, sum(factor * shift for factor, (_, shift) in parts) - minus

    def matching(self, left, right, resistance):
        """Rows of one interface; a row of current continuity comes last."""
        z, rows, last = left.right, [], []
        for i, r in enumerate(resistance):
            both = i in left.open_ and i in right.open_ and np.isfinite(r)
            if both:
                here = self.current(left, i, z)
                drop = [(1, self.potential(left, i, z)), (-1, self.potential(right, i, z)), (-mp.mpf(float(r)), here)]
                rows.append(self.combined(drop))
                last.append(self.combined([(1, here), (-1, self.current(right, i, z))]))
            else:
                rows += [self.current(piece, i, z) for piece in (left, right) if i in piece.open_]
        return rows + last

    def sink(self, piece, z):
        """All potentials equal."""
        first, *others = piece.open_
        return [
            self.combined([(1, self.potential(piece, i, z)), (-1, self.potential(piece, first, z))]) for i in others
        ]

    def value(self, row):
        terms, shift = row
        return sum(self.x[column] * value for column, value in terms.items()) + shift

    def potentials(self, layer, z):
        """mu_i/e, nan where frozen."""
        piece = self.pieces[layer]
        return [self.value(self.potential(piece, i, mp.mpf(z))) if i in piece.open_ else mp.nan for i in range(4)]

    def currents(self, layer, z):
        piece = self.pieces[layer]
        return [self.value(self.current(piece, i, mp.mpf(z))) if i in piece.open_ else mp.mpf(0) for i in range(4)]

    def integral(self, layer, function):
        """Integral of function(potentials) over a finite layer, 160 Gauss-Legendre points."""
        piece = self.pieces[layer]
        points, weights = np.polynomial.legendre.leggauss(160)
        half = (piece.right - piece.left) / 2
        total = mp.mpf(0)
        for x, w in zip(points, weights, strict=True):
            total += (
                mp.mpf(float(w)) * half * function(self.potentials(layer, piece.left + half * (1 + mp.mpf(float(x)))))
            )
        return float(total)


# --- second route: one F between two loads, by hand ------------------------------------------------------------------

LEAD, SPACER = N.total_conductivity / (4 * 300 * NM), 10 * NM
COTH, TANH = LEAD / np.tanh(SPACER / (600 * NM)), LEAD * np.tanh(SPACER / (600 * NM))


def loaded(left, right, thickness, ferromagnet=F):
    """One F by solve_bvp for J = 1, the spin current at its ends load times accumulation, without WD04 (6)-(9).

    Returns v_i and J_i of (s_up, s_down, d_down) as a function of z [m], v in fOhm m^2, and AR_ex [Ohm m^2].
    """
    sigma = ferromagnet.conductivity[[S_UP, S_DOWN, D_DOWN]]
    flip, merge = ferromagnet.relaxation[S_UP, S_DOWN], ferromagnet.relaxation[S_DOWN, D_DOWN]
    unit = 1e-15

    def slopes(_, y):
        psi_s, psi_sd = flip * unit * (y[0] - y[1]), merge * unit * (y[1] - y[2])
        return NM * np.vstack([-y[3:] / (sigma[:, None] * unit), -psi_s, psi_s - psi_sd, psi_sd])

    def ends(a, b):
        g, h = left * unit * (a[0] - a[1]), right * unit * (b[0] - b[1])
        return np.array([a[3] - 0.5 + g, a[4] - 0.5 - g, a[5], b[4] - 0.5 + h, b[5], b[1]])

    z = np.linspace(0, thickness / NM, 300)
    guess = np.vstack([np.outer([1, 1, 1], z[-1] - z) * 0.06, np.full((3, len(z)), 1 / 3)])
    found = solve_bvp(slopes, ends, z, guess, tol=1e-10, max_nodes=50_000)
    assert found.success, found.message
    # N has two equal channels, so the far potential continues the mean of both.
    mean = unit * found.y[:2, [0, -1]].mean(axis=0)
    return (lambda at: found.sol(np.asarray(at) / NM)), mean[0] - mean[1] - thickness / ferromagnet.total_conductivity


def gauss(solution, layer, panels=40):
    """Positions and weights over a finite layer."""
    left, right = solution.edges[layer : layer + 2]
    points, weights = np.polynomial.legendre.leggauss(10)
    half = (right - left) / (2 * panels)
    middles = left + half * (2 * np.arange(panels)[:, None] + 1)
    return (middles + half * points).ravel(), np.tile(half * weights, panels)


def transfer(solution, layer, i, j):
    """Net rate from i to j in a layer, and what goes to and fro."""
    place, weight = gauss(solution, layer)
    rate = solution.profile(place).relaxation_rate[i, j]
    return rate @ weight, abs(rate) @ weight


# --- one layer, valves, multilayers -----------------------------------------------------------------------------------


def assert_same_profile(layers, contacts=None, rtol=1e-11):
    """Accumulations and currents of every finite layer against the dense solution."""
    solution, dense = solve_stack(layers, contacts), Dense(layers, contacts)
    np.testing.assert_allclose(solution.excess_resistance, float(dense.excess), rtol=rtol)
    np.testing.assert_allclose(solution.resistance, float(dense.resistance), rtol=rtol)
    for k, layer in enumerate(layers):
        if not np.isfinite(layer.thickness):
            continue
        for z in solution.edges[k] + layer.thickness * np.array([0.05, 0.45, 0.97]):
            found = solution.profile([z])
            v = np.array([float(value) for value in dense.potentials(k, z)])
            apart = v[:, None] - v
            scale = np.nanmax(abs(apart))
            np.testing.assert_allclose(found.affinity[..., 0] / E, apart, atol=rtol * scale, rtol=rtol)
            currents = [float(value) for value in dense.currents(k, z)]
            np.testing.assert_allclose(found.current_density[:, 0], currents, atol=rtol)
    return solution


def test_limit_layer_between_normal_metals_has_the_values_of_the_chapter():
    solution = assert_same_profile(single(60 * NM))
    at = solution.profile([0.0, 30 * NM])
    # 5e-4 is half a unit of the last digit that the chapter prints, at J = 1e11 A/m^2 and in uV
    assert at.affinity[S_UP, S_DOWN, 0] / E * 1e17 == pytest.approx(-54.754, abs=5e-4)
    assert at.affinity[S_DOWN, D_DOWN, 0] / E * 1e17 == pytest.approx(35.110, abs=5e-4)
    assert at.current_density[D_DOWN, 1] == pytest.approx(0.168, abs=5e-4)
    assert solution.excess_resistance == near(2.22539e-16, rel=3e-6)


@pytest.mark.parametrize(("second", "load"), [(F, COTH), (reverse(F), TANH)], ids=["parallel", "antiparallel"])
def test_limit_valve_is_two_loaded_layers(second, load):
    solution = assert_same_profile(valve(F, second))
    sol, excess = loaded(LEAD, load, 20 * NM)
    # solve_bvp was asked for 1e-10; its collocation error in the integrated drop is below 1e-8
    assert solution.excess_resistance == near(2 * excess, rel=1e-7)
    at = np.linspace(1, 19, 7) * NM
    own = solution.profile(at)
    np.testing.assert_allclose(own.current_density[[S_UP, S_DOWN, D_DOWN]], sol(at)[3:], atol=1e-8)
    np.testing.assert_allclose(own.spin_accumulation / E, 1e-15 * (sol(at)[0] - sol(at)[1]), atol=1e-8 * 1e-15)


def test_limit_antiparallel_valve_is_its_own_mirror_image_with_up_and_down_exchanged():
    solution = solve_stack(valve(F, reverse(F)))
    step = np.linspace(0.1, 60, 40) * NM
    left, right = solution.profile(25 * NM - step), solution.profile(25 * NM + step)
    np.testing.assert_allclose(left.current_density[[S_DOWN, S_UP, D_DOWN, D_UP]], right.current_density, atol=1e-12)
    np.testing.assert_allclose(left.spin_accumulation, right.spin_accumulation, rtol=1e-10)
    assert abs(solution.profile([25 * NM]).spin_accumulation[0]) / E > 4e-16  # not zero, as it is in P


def multilayer(medium, repeats, second=None, thickness=6 * NM, spacer=4 * NM):
    second = medium if second is None else second
    inner = []
    for k in range(repeats):
        inner += [(second if k % 2 else medium, thickness), (N, spacer)]
    return stack_of((N, np.inf), *inner[:-1], (N, np.inf))


@pytest.mark.parametrize("ferromagnet", [F, magnet(up=0.7e7, down=0.7e7)], ids=["polarised", "beta_s=0"])
@pytest.mark.parametrize("antiparallel", [False, True])
def test_limit_long_multilayer_adds_the_periodic_resistance(ferromagnet, antiparallel):
    second = reverse(ferromagnet) if antiparallel else ferromagnet
    ends = [solve_stack(multilayer(ferromagnet, n, second)).excess_resistance for n in (90, 92)]
    x = 4 / 600
    load = LEAD * (np.tanh(x) if antiparallel else 1 / np.tanh(x))
    _, excess = loaded(load, load, 6 * NM, ferromagnet)
    # 92 layers of relative error 1e-13 leave 1e-11 in the difference; the ends have died out to exp(-0.31 * 90)
    assert (ends[1] - ends[0]) / 2 == near(excess, rel=1e-7)
    if not antiparallel:
        half = solve_stack(stack_of((N, 2 * NM), (ferromagnet, 3 * NM)))  # between reservoirs
        assert 2 * half.excess_resistance == near(excess, rel=1e-7)


def test_limit_multilayer_approaches_the_period_with_the_eigenvalue_of_one_transfer():
    """Spin accumulation and spin current through F with d blocked, by the exponential of the equations themselves."""
    sigma = F.conductivity[[S_UP, S_DOWN, D_DOWN]]
    laplace = np.zeros((3, 3))
    for (i, j), rate in {(0, 1): F.relaxation[S_UP, S_DOWN], (1, 2): F.relaxation[S_DOWN, D_DOWN]}.items():
        laplace[[i, j], [i, j]] += rate
        laplace[[i, j], [j, i]] -= rate
    unit = 1e-15
    generator = np.zeros((6, 6))
    generator[:3, 3:] = -np.diag(1 / (sigma * unit))
    generator[3:, :3] = -laplace * unit
    through = expm(generator * 6 * NM)
    # v_d at the left so that J_d vanishes at the right; s_down is the zero, currents (j, -j, 0), no charge
    columns = []
    for spin, j in ((1.0, 0.0), (0.0, 1.0)):
        fixed = through @ np.array([spin, 0, 0, j, -j, 0])
        response = through @ np.array([0, 0, 1, 0, 0, 0])
        out = fixed - response * fixed[5] / response[5]
        columns.append([out[0] - out[1], out[3]])
    ferromagnet = np.array(columns).T
    g, x = LEAD * unit, 4 / 300  # current j = J_s_up for a spin accumulation in the unit
    spacer = np.array([[np.cosh(x), -np.sinh(x) / g], [-g * np.sinh(x), np.cosh(x)]])
    slow = min(abs(np.linalg.eigvals(spacer @ ferromagnet)))
    found = [solve_stack(multilayer(F, n)).excess_resistance for n in (24, 25, 26, 27)]
    first, second, third = np.diff(found)
    # the leading correction to the ratio is exp(-q 24) = 5e-4 relative
    assert (third - second) / (second - first) == near(slow, rel=2e-3)
    assert slow == near(np.exp(-0.3147), rel=2e-4)


def test_limit_accumulations_and_gmr_without_polarisation_of_the_s_current():
    plain = magnet(up=0.7e7, down=0.7e7)
    solution = assert_same_profile(single(30 * NM, middle=plain))
    at = solution.profile([0.0])
    # s_down feeds d_down at entry, so the minority is left with less and s_up feeds s_down
    assert at.affinity[S_DOWN, D_DOWN, 0] > 0
    assert at.spin_accumulation[0] > 0
    two = solve_stack(single(30 * NM, middle=merged((0.7e7, 0.7e7), plain)))
    assert abs(two.excess_resistance) < 1e-12 * two.resistance
    assert solution.excess_resistance > 0.04 * solution.resistance
    resistances = [solve_stack(valve(plain, second)).resistance for second in (plain, reverse(plain))]
    dense = [float(Dense(valve(plain, second)).resistance) for second in (plain, reverse(plain))]
    np.testing.assert_allclose(np.diff(resistances), np.diff(dense), rtol=1e-10)
    assert resistances[1] > resistances[0]


# --- random networks --------------------------------------------------------------------------------------------------


@st.composite
def stacks(draw):
    """Leads and three layers with random channels and all six rates, contacts that may block a channel."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def any_medium():
        rates = np.triu(10 ** rng.uniform(20, 24, (4, 4)), 1)
        return Medium(10 ** rng.uniform(5, 8, 4), rates + rates.T)

    sizes = [np.inf, *10 ** rng.uniform(-9.3, -7.3, 3), np.inf]
    contacts = []
    for _ in range(4):
        resistance = 10 ** rng.uniform(-17, -14, 4)
        resistance[rng.random(4) < 0.2] = np.inf
        if np.isinf(resistance).all():
            resistance[0] = 1e-15
        contacts.append(Interface(resistance))
    return [Layer(any_medium(), size) for size in sizes], contacts


@settings(max_examples=12, deadline=None)
@given(stacks())
def test_invariant_random_networks_agree_with_thirty_digits(case):
    assert_same_profile(*case, rtol=1e-10)  # conductivities and rates over three and four decades


@settings(max_examples=25, deadline=None)
@given(stacks())
def test_invariant_reversal_power_and_conservation(case):
    layers, contacts = case
    solution = solve_stack(layers, contacts, current_density=2.0)
    turned = solve_stack([reverse(each) for each in layers], [reverse(each) for each in contacts])
    assert turned.resistance == near(solution.resistance, rel=1e-11)
    heat = solution.dissipation()
    assert heat.total == near(4 * solution.resistance, rel=1e-10)
    parts = np.concatenate([heat.joule, heat.relaxation, heat.interfaces])
    assert parts.sum() == near(heat.total, rel=1e-12)
    assert (parts >= 0).all()
    for k in (1, 2, 3):  # net rate into each channel = what its current gains
        place, weight = gauss(solution, k, panels=200)
        into = np.einsum("ijp,p->j", solution.profile(place).relaxation_rate, weight)
        gained = (
            solution.profile([solution.edges[k + 1]], side="left").current_density
            - solution.profile([solution.edges[k]]).current_density
        )[:, 0]
        np.testing.assert_allclose(into, gained, atol=1e-9)  # panels against decay lengths of 0.05 nm


# --- WD04 after (25): the net transfer --------------------------------------------------------------------------------


def uneven(seed):
    """Random metals, layer and interfaces, nothing symmetric; the interfaces pass s only."""
    rng = np.random.default_rng(seed)
    left, right = (normal(*10 ** rng.uniform([6, -8], [8, -6])) for _ in range(2))
    middle = magnet(rng.uniform(1, 9) * NM, rng.uniform(8, 40) * NM, *10 ** rng.uniform(6, 7.5, 3))
    contacts = [Interface([*10 ** rng.uniform(-17, -15, 2), np.inf, np.inf]) for _ in range(2)]
    return single(rng.uniform(5, 60) * NM, left, right, middle), contacts


@pytest.mark.parametrize("seed", range(5))
def test_paper_WD04_statement_E8_net_transfer_vanishes_for_unequal_interfaces(seed):
    """Integral of the rate itself, in the library and in thirty digits."""
    layers, contacts = uneven(seed)
    solution, dense = solve_stack(layers, contacts), Dense(layers, contacts)
    net, size = transfer(solution, 1, S_DOWN, D_DOWN)
    assert size > 0.03  # of the current goes to d and comes back
    assert abs(net) < 1e-11 * size
    rate = layers[1].medium.relaxation[S_DOWN, D_DOWN]
    exact = dense.integral(1, lambda v: rate * (v[S_DOWN] - v[D_DOWN]))
    assert abs(exact) < 1e-15 * size
    flips = layers[1].medium.relaxation[S_UP, S_DOWN]
    spin = dense.integral(1, lambda v: flips * (v[S_UP] - v[S_DOWN]))
    assert abs(spin) > 1e-3  # the interfaces are unequal, and spin flips notice
    assert transfer(solution, 1, S_UP, S_DOWN)[0] == near(spin, rel=1e-9)


def printed_difference(solution):
    """J_s_down - J_d_down where the current enters the layer, less where it leaves: "int" - "out" of WD04 (22)."""
    enters = solution.profile([solution.edges[1]]).current_density[:, 0]
    leaves = solution.profile([solution.edges[2]], side="left").current_density[:, 0]
    return (enters - leaves)[S_DOWN] - (enters - leaves)[D_DOWN]


def test_paper_WD04_statement_E8_printed_difference_counts_spin_flips_only():
    """In a thick layer each end is a junction, whose closed form predicts the difference."""
    poor, thickness = normal(0.5e7, 100 * NM), 900 * NM
    solution = solve_stack(single(thickness, right=poor))
    a_left = normal_ferromagnet_junction(N, F).spin_accumulation / E
    a_right = -normal_ferromagnet_junction(poor, F).spin_accumulation / E  # mirror image
    g_right = poor.total_conductivity / (4 * 100 * NM)
    predicted = LEAD * a_left + g_right * a_right
    # the two ends know of each other by exp(-900/23.6)
    assert printed_difference(solution) == near(predicted, rel=1e-9)
    assert transfer(solution, 1, S_UP, S_DOWN)[0] == near(-predicted, rel=1e-9)
    assert abs(predicted) > 0.01
    assert abs(transfer(solution, 1, S_DOWN, D_DOWN)[0]) < 1e-12
    assert abs(printed_difference(solve_stack(single(60 * NM)))) < 1e-12  # symmetric: both vanish


def test_paper_WD04_statement_E8_an_open_d_channel_breaks_the_zero_by_its_current():
    other = magnet(5 * NM, 12 * NM, 0.6e7, 0.5e7, 0.8e7)
    layers = stack_of((N, np.inf), (F, 15 * NM), (other, 25 * NM), (N, np.inf))
    solution, dense = solve_stack(layers), Dense(layers)
    contact = float(dense.currents(1, 15 * NM)[D_DOWN])
    assert contact > 0.2
    assert transfer(solution, 1, S_DOWN, D_DOWN)[0] == near(contact, rel=1e-9)
    assert transfer(solution, 2, S_DOWN, D_DOWN)[0] == near(-contact, rel=1e-9)
    # two equal layers in contact: each has one interface that d passes, and unequal interfaces by that
    twin = solve_stack(stack_of((N, np.inf), (F, 15 * NM), (F, 15 * NM), (N, np.inf)))
    assert transfer(twin, 1, S_DOWN, D_DOWN)[0] > 0.1
    # a layer that begins at a reservoir or never ends takes its bulk share
    share = F.conductivity[D_DOWN] / F.total_conductivity
    fed = solve_stack(stack_of((F, 600 * NM), (N, np.inf)))
    assert transfer(fed, 0, S_DOWN, D_DOWN)[0] == near(-share, rel=1e-9)
    endless = solve_stack(stack_of((N, np.inf), (F, np.inf)))
    density = lambda z: endless.profile([z * NM]).relaxation_rate[S_DOWN, D_DOWN, 0] * NM  # noqa: E731
    assert quad(density, 0, 60, limit=200)[0] + quad(density, 60, 900, limit=200)[0] == near(share, rel=1e-7)


def test_paper_WD04_statement_E8_relaxation_inside_a_contact_breaks_the_zero():
    """The contact as a layer of 1 nm with the same conductances and rates, in thirty digits."""
    flip, g, r = 2e14, 5e14, 1e-15
    rates = np.zeros((4, 4))
    rates[S_UP, S_DOWN] = rates[S_DOWN, S_UP] = flip
    rates[S_DOWN, D_DOWN] = rates[D_DOWN, S_DOWN] = g
    relaxing, sealed = (Interface([r, r, np.inf, d], rates) for d in (r, np.inf))
    bulk_rates = {(S_UP, S_DOWN): flip / NM, (S_DOWN, D_DOWN): g / NM}
    for contact, d in ((relaxing, NM / r), (sealed, 0)):
        slab = medium([NM / r, NM / r, 0, d], bulk_rates)
        dense = Dense(stack_of((N, np.inf), (slab, NM), (F, 60 * NM), (N, np.inf)))
        entering = float(dense.currents(2, NM)[D_DOWN])
        solution = solve_stack(single(60 * NM), [contact, None])
        net = transfer(solution, 1, S_DOWN, D_DOWN)[0]
        assert net == pytest.approx(-entering, rel=1e-9, abs=1e-12)
        assert (entering > 0.1) == (d > 0)
        assert solution.resistance == near(float(dense.resistance), rel=1e-11)
    # the same way at both ends: what conservation leaves open, symmetry decides
    both = solve_stack(single(60 * NM), [relaxing, relaxing])
    assert both.profile([0.0]).current_density[D_DOWN, 0] > 0.1
    assert abs(transfer(both, 1, S_DOWN, D_DOWN)[0]) < 1e-12
    other = magnet(5 * NM, 12 * NM, 0.6e7, 0.5e7, 0.8e7)
    within = solve_stack(stack_of((other, np.inf), (F, 15 * NM), (other, np.inf)))
    assert within.profile([0.0]).current_density[D_DOWN, 0] > 0.1
    assert abs(transfer(within, 1, S_DOWN, D_DOWN)[0]) < 1e-12


def test_paper_WD04_statement_E8_with_a_second_relaxation_only_the_sum_vanishes():
    rates = {(S_UP, S_DOWN): F.relaxation[S_UP, S_DOWN], (S_DOWN, D_DOWN): F.relaxation[S_DOWN, D_DOWN]}
    leaky = medium(F.conductivity, rates | {(S_UP, D_DOWN): 0.1 * rates[S_DOWN, D_DOWN]})
    for right, circulates in ((N, False), (normal(0.5e7, 100 * NM), True)):
        layers = single(60 * NM, right=right, middle=leaky)
        solution, dense = solve_stack(layers), Dense(layers)
        down, up = (transfer(solution, 1, i, D_DOWN)[0] for i in (S_DOWN, S_UP))
        assert abs(down + up) < 1e-12
        assert (abs(down) > 5e-3) == circulates
        exact = dense.integral(1, lambda v: leaky.relaxation[S_UP, D_DOWN] * (v[S_UP] - v[D_DOWN]))
        assert up == pytest.approx(exact, rel=1e-9, abs=1e-12)


def test_limit_first_moment_of_the_transfer_is_the_d_current():
    solution = solve_stack(single(40 * NM, right=normal(0.5e7, 100 * NM)))
    place, weight = gauss(solution, 1)
    moment = (place * solution.profile(place).relaxation_rate[S_DOWN, D_DOWN]) @ weight
    dense = Dense(single(40 * NM, right=normal(0.5e7, 100 * NM)))
    points, weights = np.polynomial.legendre.leggauss(80)
    carried = sum(
        20 * NM * w * float(dense.currents(1, 20 * NM * (1 + x))[D_DOWN]) for x, w in zip(points, weights, strict=True)
    )
    assert moment == near(-carried, rel=1e-10)
    assert carried == near(40 * NM * F.conductivity[D_DOWN] / F.total_conductivity, rel=0.1)


# --- WD04 list (I)-(IV): three channels -------------------------------------------------------------------------------


def three_channel(ferromagnet):
    """Reversed with d_down left open: only the s conductivities change place."""
    up, down, _, d = ferromagnet.conductivity
    return Medium(np.array([down, up, 0, d]), ferromagnet.relaxation)


def gmr(one, two, parallel=None):
    parallel = (one, one) if parallel is None else parallel
    return solve_stack(valve(one, two)).resistance - solve_stack(valve(*parallel)).resistance


def test_paper_WD04_statement_channels_reversed_layer_needs_pairs_that_the_list_lacks():
    """Counting, by the matrices of a medium with all listed pairs."""
    listed = {(S_DOWN, D_DOWN), (S_UP, S_DOWN), (S_DOWN, D_UP), (D_UP, D_DOWN)}
    full = medium([3, 2, 1, 1], dict.fromkeys(listed, 1.0))
    turned = reverse(full).relaxation
    missing = {(i, j) for i, j in combinations(range(4), 2) if turned[i, j] and not full.relaxation[i, j]}
    assert missing == {(S_UP, D_UP), (S_UP, D_DOWN)}
    both = {pair for pair in combinations(range(4), 2) if (turned + full.relaxation)[pair]}
    assert len(both) == 6
    # five of them join channels that are open together in one layer or its mirror image; (IV) changes nothing
    open_ = [set(np.flatnonzero(each.conductivity)) for each in (F, reverse(F))]
    assert both - {pair for pair in both if any(set(pair) <= them for them in open_)} == {(D_UP, D_DOWN)}
    rates = F.relaxation.copy()
    rates[D_UP, D_DOWN] = rates[D_DOWN, D_UP] = 1e26
    fourth = Medium(F.conductivity, rates)
    for layers in (valve, lambda one, two: stack_of((N, np.inf), (one, 20 * NM), (two, 20 * NM), (N, np.inf))):
        pair = (layers(each, reverse(each)) for each in (F, fourth))
        without_it, with_it = (solve_stack(each).resistance for each in pair)
        assert with_it == without_it
    # without s_up-d_up nothing reaches d_up of a reversed layer when (III) is negligible
    alone = reverse(F).relaxation.copy()
    alone[[S_UP, D_UP], [D_UP, S_UP]] = 0
    stack = valve(F, Medium(reverse(F).conductivity, alone))
    lost = solve_stack(stack)
    assert np.isnan(lost.profile([40 * NM]).electrochemical_potential[D_UP, 0])
    without = Dense(valve(F, merged((0.4e7, 1e7), F)))
    assert lost.resistance == near(float(without.resistance), rel=1e-11)
    right = float(Dense(valve(F, reverse(F))).resistance)
    bulk = 20 * NM * (1 / 1.4e7 - 1 / 1.65e7)  # of the channel that floats
    assert lost.resistance - right > bulk


def test_paper_WD04_statement_channels_name_of_d_matters_only_where_layers_touch():
    """One place for "d of the minority": right through a spacer, a short circuit at a wall."""
    flip, merge = F.relaxation[S_UP, S_DOWN], F.relaxation[S_DOWN, D_DOWN]
    own = medium([0.4e7, 1e7, 0.25e7, 0], {(S_UP, S_DOWN): flip, (S_UP, D_UP): merge})  # reversed by hand
    shared = medium([0.4e7, 1e7, 0, 0.25e7], {(S_UP, S_DOWN): flip, (S_UP, D_DOWN): merge})
    np.testing.assert_array_equal(reverse(F).conductivity, own.conductivity)
    np.testing.assert_array_equal(reverse(F).relaxation, own.relaxation)
    apart = [float(Dense(valve(F, second)).resistance) for second in (own, shared)]
    assert apart[0] == near(apart[1], rel=1e-14)
    assert solve_stack(valve(F, reverse(F))).resistance == near(apart[0], rel=1e-12)
    walls = [stack_of((N, np.inf), (F, 20 * NM), (second, 20 * NM), (N, np.inf)) for second in (own, shared, F)]
    right, wrong, none = (float(Dense(wall).excess) for wall in walls)
    turned = stack_of((N, np.inf), (F, 20 * NM), (reverse(F), 20 * NM), (N, np.inf))
    assert solve_stack(turned).excess_resistance == near(right, rel=1e-12)
    assert solve_stack(turned).profile([20 * NM]).current_density[D_UP, 0] == pytest.approx(0, abs=1e-14)
    assert (wrong - none) / (right - none) == pytest.approx(0.933, abs=5e-4)


def test_paper_WD04_statement_channels_three_break_the_symmetry_of_the_valve():
    """AR of both layers up and both layers down, and Delta AR, against thirty digits: right and wrong by how much."""
    flipped = three_channel(F)
    exact = {
        name: float(Dense(valve(*pair)).resistance)
        for name, pair in {
            "++": (F, F),
            "+-": (F, reverse(F)),
            "--": (reverse(F), reverse(F)),
            "three +-": (F, flipped),
            "three --": (flipped, flipped),
        }.items()
    }
    assert exact["++"] == near(exact["--"], rel=1e-14)
    assert gmr(F, reverse(F)) == near(exact["+-"] - exact["++"], rel=1e-9)
    assert gmr(reverse(F), F) == near(exact["+-"] - exact["++"], rel=1e-9)
    assert gmr(F, flipped) == near(exact["three +-"] - exact["++"], rel=1e-9)
    factor = (exact["three +-"] - exact["++"]) / (exact["+-"] - exact["++"])
    assert factor == pytest.approx(5.19, abs=0.005)
    assert exact["three --"] - exact["++"] == near(3.334e-16, rel=1e-3)
    assert gmr(F, flipped, (flipped, flipped)) < 0


def test_paper_WD04_statement_channels_error_at_short_s_d_length_is_that_of_two_channels():
    """l_sd -> 0 merges d with the minority of its layer (right) or, in a reversed one, with the majority (three)."""
    fast = magnet(1e-3 * NM)
    right, wrong = merged((1e7, 0.65e7), F), merged((0.4e7, 1.25e7), F)
    base = float(Dense(valve(right, right)).resistance)
    expected = float(Dense(valve(right, reverse(right))).resistance) - base
    predicted = float(Dense(valve(right, wrong)).resistance) - base
    assert predicted > 10 * expected
    # corrections are of first order in l_sd over the thickness, 5e-5, times AR_ex over Delta AR
    assert gmr(fast, reverse(fast)) == near(expected, rel=1e-2)
    assert gmr(fast, three_channel(fast)) == near(predicted, rel=1e-3)
    slow, cut = magnet(1e6 * NM), merged((1e7, 0.4e7), F)
    assert gmr(slow, reverse(slow)) == near(gmr(cut, reverse(cut)), rel=1e-6)


# --- entropy production, extremes -------------------------------------------------------------------------------------


def test_limit_heat_of_each_process_adds_up_to_the_excess_resistance():
    contact = Interface.valet_fert(0.3e-15, 0.5, channels=4)
    contacts = [contact, contact, reverse(contact), reverse(contact)]
    layers = valve(F, reverse(F))
    solution, dense = solve_stack(layers, contacts), Dense(layers, contacts)
    heat = solution.dissipation()
    total = 0.0
    for k in (1, 2, 3):
        rates = layers[k].medium.relaxation
        by_pair = {
            pair: dense.integral(k, lambda v, p=pair, r=rates: r[p] * (v[p[0]] - v[p[1]]) ** 2)
            for pair in combinations(range(4), 2)
            if rates[pair]
        }
        assert heat.relaxation[k] == near(sum(by_pair.values()), rel=1e-9)
        place, weight = gauss(solution, k)
        at = solution.profile(place)
        for (i, j), value in by_pair.items():
            own = (at.relaxation_rate[i, j] * at.affinity[i, j] / E) @ weight
            assert own == near(value, rel=1e-9)
        bulk = layers[k].thickness / layers[k].medium.total_conductivity
        assert heat.joule[k] > bulk  # no cross term with the uniform current
        total += sum(by_pair.values()) + heat.joule[k] - bulk
    for k, z in ((0, 0.0), (4, 50 * NM)):  # in a lead the spin-flip heat and the excess Joule heat are G a^2 l/2 each
        v = dense.potentials(k, z)
        each = N.relaxation[S_UP, S_DOWN] * float(v[S_UP] - v[S_DOWN]) ** 2 * 150 * NM
        assert heat.joule[k] == near(each, rel=1e-9)
        assert heat.relaxation[k] == near(each, rel=1e-9)
        total += 2 * each
    for k, contact in enumerate(contacts):
        currents = dense.currents(k, [0, 20, 30, 50][k] * NM)
        value = sum(contact.resistance[i] * float(currents[i]) ** 2 for i in (S_UP, S_DOWN))
        assert heat.interfaces[k] == near(value, rel=1e-9)
        total += value
    assert total == near(float(dense.excess), rel=1e-9)


def test_limit_floating_d_channel_is_a_frozen_one():
    rates = {(S_UP, S_DOWN): F.relaxation[S_UP, S_DOWN]}
    floating = solve_stack(single(60 * NM, middle=medium(F.conductivity, rates)))
    at = floating.profile([30 * NM])
    assert at.current_density[D_DOWN, 0] == 0
    assert np.isnan(at.electrochemical_potential[D_DOWN, 0])
    frozen = Dense(single(60 * NM, middle=merged((1e7, 0.4e7), F)))
    assert floating.resistance == near(float(frozen.resistance), rel=1e-12)
    lacks = [
        1 - solve_stack(single(60 * NM, middle=magnet(length * NM))).resistance / floating.resistance
        for length in (1e3, 1e4)
    ]
    assert lacks[0] / lacks[1] == near(100, rel=0.01)  # second order in 1/l_sd: no jump


def test_limit_reservoirs_feed_every_channel():
    solution = solve_stack([Layer(F, 60 * NM)])
    assert solution.resistance == near(60 * NM / F.total_conductivity, rel=1e-14)
    assert abs(solution.profile([7 * NM]).affinity[S_DOWN, D_DOWN, 0]) < 1e-14 * E * solution.resistance
    mixed = stack_of((F, 25 * NM), (N, 8 * NM), (reverse(F), 25 * NM))
    assert_same_profile(mixed)


@pytest.mark.parametrize("lengths", [1e2, 1e4, 1e6])
def test_limit_thick_layer_is_two_junctions(lengths):
    solution = solve_stack(single(lengths * 20 * NM))
    junction = normal_ferromagnet_junction(N, F)
    assert solution.excess_resistance == near(2 * junction.resistance, rel=1e-10)
    at = solution.profile([0.0])
    assert at.spin_accumulation[0] == near(junction.spin_accumulation, rel=1e-10)
    assert at.affinity[S_DOWN, D_DOWN, 0] == near(junction.d_accumulation, rel=1e-10)
