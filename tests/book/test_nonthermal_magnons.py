"""How thermal the magnons of KK Fig. 6 are, and what follows from it, by routes that the page does not take.

The routes: SciPy's Radau on other nodes (``magnon_routes``), fits by a root of moments on a graded mesh, thermal
magnons whose state are their moments, tables of a temperature, eigenvalues of the linearised equations, and scaling.
"""

from functools import cache
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import cumulative_simpson, solve_ivp
from scipy.interpolate import CubicSpline
from scipy.optimize import brentq, root

from spinlib.magnons.band import bose_einstein, fit_bose_einstein, magnon_density, magnon_susceptibility
from spinlib.magnons.kinetics import occupation_rate
from spinlib.units import hbar, k_B, meV, nm, ps
from tests.book.chapter_code import defined
from tests.spinlib import magnon_routes
from tools.notebooks import ROOT

PAGE = ROOT / "book" / "nonthermal_magnons.md"
KELVIN, HBAR = k_B / meV, hbar / (meV * ps)
BASE = {
    "alpha": 0.01, "alpha_star": 0.1, "rho": -6.0, "tau_s": 2.0, "T_0": 100.0, "T_1": 1000.0,
    "t_r": 0.05, "t_d": 2.0, "A": 0.6, "gap": 5.0, "T_C": 1000.0,
}  # fmt: skip
OCCUPATIONS = st.lists(st.floats(0.01, 5.0), min_size=24, max_size=24).map(np.array)


@cache
def chapter(points=24):
    """Functions and imports of the page, with the numbers that they use."""
    room = {"BASE": BASE, "KELVIN": KELVIN, "HBAR": HBAR, "points": points}
    defined(PAGE, room, ("model", "simulate"))
    metal, heat = room["model"]()
    energy, weight = metal.band.quadrature(points)
    room |= {"metal": metal, "heat": heat, "band": metal.band, "energy": energy, "weight": weight}
    room |= {"e": energy / meV, "w": weight * nm**3, "N_b": metal.band.mode_density * nm**3}
    room |= {"gamma": np.asarray(metal.scattering_rate(energy)) / HBAR}
    room |= {"start": float(magnon_density(metal.band, BASE["T_0"])) * nm**3}
    names = ("entropy", "fit", "paper_time", "thermalize", "largest", "extrema", "window", "losses", "stored", "survey")
    return SimpleNamespace(**defined(PAGE, room, names))


@cache
def by_radau(times, points=30, **changes):
    """A run of SciPy's Radau in ps, meV and 1/nm^3 at the times of a tuple [ps]."""
    metal, heat = chapter().model(**dict(changes))
    begin = magnon_routes.start(metal, points, (BASE | changes)["T_0"])
    run = magnon_routes.radau(metal, heat, np.array(times) * ps, begin, rtol=1e-10)
    level, weight = metal.band.quadrature(points)
    return SimpleNamespace(
        time=np.array(times), n=run.occupation, mu=run.spin_accumulation / meV, density=run.magnon_density * nm**3,
        e=level / meV, w=weight * nm**3, band=metal.band,
    )  # fmt: skip


def moments_of(T, mu, power=0):
    """Moment of n_BE per volume by Simpson's rule in sinh^-1 of the wavenumber, which the gap cannot hurt."""
    band = chapter().band
    u = np.linspace(0, 1, 2001)
    small = np.sqrt(max(band.gap / meV - mu, 1e-9) / (band.width / meV))
    q = np.sinh(u * np.arcsinh(1 / small)) * small
    slope = np.sqrt(q**2 + small**2) * np.arcsinh(1 / small)
    weight = np.where(np.arange(2001) % 2, 4.0, 2.0) / 6000
    weight[[0, -1]] /= 2
    level = (band.gap + band.width * q**2) / meV
    n = 1 / np.expm1((level - mu) / (KELVIN * T))
    return float(weight @ (3 * chapter().N_b * q**2 * slope * level**power * n))


def fitted(density, energy, guess=(500.0, -30.0)):
    """T* and mu* with these moments, by SciPy's hybrid method on the mesh above."""
    gap = BASE["gap"]

    def off(y):
        T, mu = np.exp(y[0]), gap - np.exp(y[1])
        return [moments_of(T, mu) / density - 1, moments_of(T, mu, 1) / energy - 1]

    found = root(off, [np.log(guess[0]), np.log(gap - guess[1])], tol=1e-12)
    assert np.abs(off(found.x)).max() < 1e-9
    return float(np.exp(found.x[0])), gap - float(np.exp(found.x[1]))


def distance(run, k, T, mu):
    other = 1 / np.expm1((run.e - mu) / (KELVIN * T))
    return run.w @ np.abs(run.n[k] - other) / run.density[k]


# --- measures ---------------------------------------------------------------------------------------------------------


def can_be_fitted(n):
    page = chapter()
    try:
        return page.fit(n)
    except ValueError:
        return None, None


@settings(max_examples=60, deadline=None)
@given(OCCUPATIONS)
def test_invariant_the_fit_of_two_moments_has_the_largest_entropy(n):
    page = chapter()
    line, best = can_be_fitted(n * bose_einstein(page.energy, 600.0, -10 * meV))
    if best is None:
        return
    n = n * bose_einstein(page.energy, 600.0, -10 * meV)
    missing = page.entropy(line) - page.entropy(n)
    relative = page.w @ (n * np.log(n / line) - (1 + n) * np.log((1 + n) / (1 + line)))
    assert missing == pytest.approx(relative, abs=1e-9 * page.entropy(n))
    assert missing >= -1e-12 * page.entropy(n)
    most = np.maximum(n, line)
    limit = np.sqrt(2 * max(relative, 0) * (page.w @ (most * (1 + most)))) / (page.w @ n)
    assert best.distance <= limit * (1 + 1e-9) + 1e-7


@settings(max_examples=60, deadline=None)
@given(OCCUPATIONS, st.floats(100, 2000))
def test_invariant_thermalization_lowers_the_free_energy_by_the_missing_entropy_at_least(shape, kelvin):
    page = chapter()
    n = shape * bose_einstein(page.energy, 600.0, -10 * meV)
    line, best = can_be_fitted(n)
    if best is None:
        return
    hot = KELVIN * kelvin
    fall = page.w @ ((page.e - hot * np.log1p(1 / n)) * (line - n))
    missing = hot * (page.entropy(line) - page.entropy(n))
    assert fall <= -missing + 1e-7 * hot * page.entropy(n)


def test_limit_fit_agrees_with_moments_on_a_graded_mesh():
    run = by_radau((0.0, 0.02, 0.05, 0.3, 9.0))
    page = chapter()
    for k in (1, 2, 3, 4):
        fit = fit_bose_einstein(page.band, run.n[k])
        guess = fit.temperature * 1.05, fit.chemical_potential / meV - 0.1
        T, mu = fitted(run.density[k], run.w @ (run.e * run.n[k]), guess)
        assert pytest.approx(fit.temperature, abs=1e-3 * T) == T
        assert mu == pytest.approx(fit.chemical_potential / meV, abs=1e-3 * KELVIN * T)


def test_limit_maximum_of_a_known_curve():
    time = np.geomspace(0.1, 3, 60)
    run = SimpleNamespace(time=time)
    when, height, other = chapter().largest(run, time * np.exp(-time / 0.7), np.cos(time))
    assert when == pytest.approx(0.7, abs=1e-4)
    assert height == pytest.approx(0.7 / np.e, abs=1e-7)
    assert other == pytest.approx(np.cos(0.7), abs=1e-4)


# --- magnons that scatter from each other -----------------------------------------------------------------------------


def test_limit_no_relaxation_is_the_paper_by_another_method():
    free = chapter().thermalize("both", np.inf)
    run = by_radau(tuple(free.time))
    np.testing.assert_allclose(free.density, run.density, rtol=0, atol=3e-6)
    np.testing.assert_allclose(free.mu, run.mu, rtol=0, atol=3e-5)


@pytest.mark.parametrize("keep", ["both", "density", "energy"])
def test_limit_fast_relaxation_is_the_thermal_model_to_first_order(keep):
    page = chapter()
    thermal = page.extrema(page.thermalize(keep, 0.0))
    one, two = (page.extrema(page.thermalize(keep, delay)) - thermal for delay in (0.002, 0.001))
    assert np.abs(two).max() < 0.02 * np.abs(thermal).max()
    np.testing.assert_allclose(one / two, 2, rtol=0, atol=0.15)


@pytest.mark.parametrize(("keep", "delay"), [("both", 0.05), ("density", 0.05), ("both", 0.0), ("density", 0.0)])
def test_invariant_magnons_come_from_electrons_alone(keep, delay):
    run = chapter().thermalize(keep, delay)
    np.testing.assert_allclose(run.density - run.density[0], run.given, rtol=0, atol=2e-5)
    after = slice(10, None)
    relaxed = cumulative_simpson(run.mu[after], x=run.time[after], initial=0.0) / BASE["tau_s"]
    kept = run.mu[after] - BASE["rho"] * run.density[after] + relaxed
    np.testing.assert_allclose(kept, kept[0], rtol=0, atol=2e-3)


def test_invariant_at_the_same_energy_spin_comes_from_nowhere():
    page = chapter()
    run = page.thermalize("energy", 0.0)
    after = slice(10, None)
    passed = cumulative_simpson(run.mu[after], x=run.time[after], initial=0.0) / (BASE["rho"] * BASE["tau_s"])
    given = run.given[10] + passed + (run.mu[after] - run.mu[10]) / BASE["rho"]
    np.testing.assert_allclose(given, run.given[after], rtol=0, atol=5e-4)
    _, most, supplied = page.largest(run, run.density, run.given)
    assert 1 - supplied / (most - run.density[0]) == pytest.approx(0.861, abs=0.003)


def held_at(kelvin):
    """Electrons that jump to one temperature."""

    def heat(time):
        return kelvin

    heat.base, heat.rise_time = 100.0, 0.05 * ps
    return heat


@pytest.mark.parametrize("delay", [np.inf, 0.1, 0.01, 0.0])
def test_invariant_free_energy_falls_with_thermalization_as_well(delay):
    page = chapter()
    run = page.thermalize("both", delay, heat=held_at(800.0), until=20.0)
    F = run.n @ (page.w * page.e) - run.mu**2 / (2 * BASE["rho"])
    F = F - KELVIN * 800.0 * np.array([page.entropy(n) for n in run.n])
    assert (np.diff(F) < 1e-6 * np.ptp(F)).all()


def test_limit_relaxation_at_one_density_raises_the_free_energy_at_first():
    page = chapter()
    signs = []
    run = by_radau((0.0, 0.02, 0.3), points=24)
    for k, kelvin in ((1, 460.0), (2, chapter().heat(0.3 * ps))):
        n, hot = run.n[k], KELVIN * kelvin
        cold = page.fit(n, 0.0)[0]
        signs.append(page.w @ ((page.e - hot * np.log1p(1 / n)) * (cold - n)))
    assert signs[0] > 5
    assert signs[1] < -5


def test_limit_condensation_does_not_depend_on_the_nodes():
    """mu* of conserved magnons reaches the gap, quadratically in time; two numbers of nodes agree on when."""
    when = []
    for points in (24, 40):
        run = chapter(points).thermalize("both", 0.1, until=9.0, count=1000)
        k = np.flatnonzero(run.potential > BASE["gap"])[0]
        missing = np.sqrt(BASE["gap"] - run.potential[k - 8 : k - 1])
        when.append(np.polyval(np.polyfit(missing, run.time[k - 8 : k - 1], 1), 0.0))
        assert run.time[k - 2] < when[-1] < run.time[k + 1]
    assert when[0] == pytest.approx(when[1], abs=0.01)
    assert when[1] == pytest.approx(8.44, abs=0.03)


# --- limits and scaling -----------------------------------------------------------------------------------------------


def test_limit_fast_electrons_are_no_feedback():
    page = chapter()
    grid = tuple(page.window())
    free = by_radau(grid, rho=0.0)
    fast = by_radau(grid, tau_s=1e-3)
    assert free.density.max() == pytest.approx(25.193, abs=0.005)
    # first order: mu_s = rho tau_s dn_d/dt, so the loss of density is linear in tau_s
    slower = by_radau(grid, tau_s=2e-3)
    np.testing.assert_allclose(2 * fast.density - slower.density, free.density, rtol=0, atol=0.01)
    rate = np.gradient(fast.density, fast.time)
    middle = slice(25, 60)
    np.testing.assert_allclose(fast.mu[middle], BASE["rho"] * 1e-3 * rate[middle], rtol=0.03)


@pytest.mark.parametrize("rho", [-1.0, -6.0, -75.0])
def test_limit_without_relaxation_the_electrons_store_all(rho):
    page = chapter()
    metal, _ = page.model(rho=rho, tau_s=np.inf)
    run = magnon_routes.radau(
        metal, BASE["T_1"], np.array([0, 1e4]) * ps, magnon_routes.start(metal, 30, BASE["T_0"]), rtol=1e-10
    )
    assert run.magnon_density[-1] * nm**3 == pytest.approx(page.stored(rho), abs=1e-5)
    held = magnon_density(metal.band, BASE["T_1"], run.spin_accumulation[-1]) * nm**3
    assert held == pytest.approx(page.stored(rho), abs=1e-5)


@settings(max_examples=8, deadline=None)
@given(st.floats(0.3, 3.0), st.floats(400, 1400), st.floats(0.1, 2.0))
def test_invariant_rates_and_times_scale(factor, peak, decay):
    page = chapter()
    once = page.survey(T_1=peak, t_d=decay)
    scaled = {"alpha": 0.01 * factor, "alpha_star": 0.1 * factor, "tau_s": 2 / factor, "t_r": 0.05 / factor}
    other = page.survey(T_1=peak, t_d=decay / factor, **scaled)
    np.testing.assert_allclose(other[:4], once[:4], rtol=2e-5)
    np.testing.assert_allclose(other[4], factor * once[4], rtol=2e-5)


def sensitivity(name, step=0.01):
    page = chapter()
    up, down = (np.log(page.losses(**{name: BASE[name] * (1 + sign * step)})[:2]) for sign in (1, -1))
    return (up - down) / np.log((1 + step) / (1 - step))


def test_invariant_sensitivities_obey_three_rules():
    S = {name: sensitivity(name) for name in BASE}
    times = S["tau_s"] + S["t_r"] + S["t_d"]
    np.testing.assert_allclose(S["alpha"] + S["alpha_star"], times, rtol=0, atol=1e-3)
    energies = sum(S[name] for name in ("rho", "T_0", "T_1", "A", "gap", "T_C"))
    np.testing.assert_allclose(energies, times, rtol=0, atol=1e-3)
    np.testing.assert_allclose(S["A"], -1.5 * (1 + S["rho"]), rtol=0, atol=1e-3)


@pytest.mark.parametrize("kelvin", [100.0, 1000.0])
def test_limit_life_of_the_spin_by_eigenvalues(kelvin):
    """Linear in n - n_BE and mu_s; the slowest rate times tau_s is 1/(1 - rho chi) where tau_s is long."""
    page, tau_s = chapter(), 3e5
    n = bose_einstein(page.energy, kelvin)
    slope = n * (1 + n) / (KELVIN * kelvin)
    rate = page.gamma * page.e
    flow = np.column_stack([-np.diag(rate), rate * slope])
    matrix = np.vstack([flow, BASE["rho"] * page.w @ flow])
    matrix[-1, -1] -= 1 / tau_s
    slowest = np.abs(np.linalg.eigvals(matrix)).min()
    chi = magnon_susceptibility(page.band, kelvin) * meV * nm**3
    assert 1 / (slowest * tau_s) == pytest.approx(1 - BASE["rho"] * chi, abs=2e-3 * (1 - BASE["rho"] * chi))


# --- the three conclusions --------------------------------------------------------------------------------------------


def test_paper_KK_statement_M20_no_temperature_alone_but_a_chemical_potential():
    run = by_radau((0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 3.0, 5.0, 8.0))
    single, both = [], []
    for k in range(1, len(run.time)):
        T_1 = brentq(lambda T, k=k: moments_of(T, 0.0) / run.density[k] - 1, 20, 3000)
        single.append(distance(run, k, T_1, 0.0))
        start = fit_bose_einstein(run.band, run.n[k])
        guess = start.temperature, start.chemical_potential / meV
        both.append(distance(run, k, *fitted(run.density[k], run.w @ (run.e * run.n[k]), guess)))
    single, both = np.array(single), np.array(both)
    expected = [0.380, 0.222, 0.080, 0.0473, 0.0243, 0.0173, 0.0347, 0.0692, 0.177, 0.274]
    np.testing.assert_allclose(both, expected, rtol=0.02)
    inside = (run.time[1:] >= 0.05) & (run.time[1:] <= 1)
    assert (single[inside] > 0.5).all()
    assert (single[inside] < 0.9).all()
    assert (both[3:7] < 0.05).all()


def test_paper_KK_statement_M20_by_its_own_estimate_magnons_thermalize_faster_than_they_are_emitted():
    """From 68 fs on; with electrons the collisions of those that are there compete within a factor of two."""
    page = chapter()
    times = (0.0, 0.01, 0.03, 0.05, 0.06, 0.066, 0.069, 0.1, 0.3, 1.0, 2.0, 3.0, 12.0)
    run = by_radau(times)
    mean = run.n @ (run.w * run.e) / run.density
    kelvin = np.array([page.heat(t * ps) for t in times])
    gamma = np.asarray(page.metal.scattering_rate(mean * meV))
    estimate = HBAR / mean / (mean / (KELVIN * BASE["T_C"])) ** 3
    np.testing.assert_allclose([page.paper_time(n) for n in by_radau(times, points=24).n], estimate, rtol=1e-3)
    # emission: the sum over the modes of the library's own dn/dt
    rates = np.asarray(page.metal.scattering_rate(run.e * meV))
    coming = occupation_rate(rates, run.e * meV, run.n[1:], kelvin[1:, None], run.mu[1:, None] * meV) @ run.w * ps
    renewal = run.density[1:] / np.abs(coming)
    assert (estimate[1:] > renewal)[:8].tolist() == [True, True, True, True, True, False, False, False]
    # balance with the electrons: -d(dn/dt)/dn, which is Gamma(epsilon - mu_s)/hbar and not Gamma epsilon/hbar
    one, two = (occupation_rate(gamma, mean * meV, n, kelvin, run.mu * meV) * ps for n in (1.0, 2.0))
    ratio = (one - two) * estimate
    np.testing.assert_allclose((one - two) * HBAR, gamma * (mean - run.mu), rtol=1e-9)
    competing = (run.time >= 0.03) & (run.time <= 3)
    assert 0.6 < ratio[competing].min() < ratio[competing].max() < 1.1
    assert ratio[1] > 3
    assert ratio[-1] > 3
    printed = gamma * mean * estimate / HBAR
    assert printed[competing].min() < 0.4  # without mu_s the collisions would seem much the faster
    own = page.thermalize("both", page.paper_time)
    off = np.abs(own.n - own.line) @ page.w / own.density
    alone = fit_bose_einstein(run.band, run.n[7]).distance
    assert np.interp(0.1, own.time, off) == pytest.approx(0.37 * alone, abs=0.02 * alone)


def test_paper_KK_statement_M20_a_cold_start_leaves_no_temperature_at_all():
    times = (0.0, 0.02, 0.06, 0.2)
    run = by_radau(times, T_0=30.0)
    mean = (run.n @ (run.w * run.e) / run.density - BASE["gap"]) / (run.band.width / meV)
    assert mean[2] > 0.6
    assert max(mean[1], mean[3]) < 0.6
    with pytest.raises(ValueError, match="mean energy of occupation"):
        fit_bose_einstein(run.band, run.n[2])


def test_paper_KK_statement_M20_what_relaxation_changes():
    page = chapter()
    plain = page.extrema(page.thermalize("both", np.inf))
    for delay in (1.0, 0.1, 0.01, 0.0, page.paper_time):
        change = np.abs(page.extrema(page.thermalize("both", delay)) / plain - 1)
        assert (change < 0.004).all()


def test_paper_KK_statement_M21_relaxation_limits_the_lattice_not_the_depth():
    """The largest n_d and the largest L by Radau and a spline, at 1 % more and less of tau_s."""
    times = tuple(np.concatenate([[0.0], np.geomspace(0.02, 5, 200)]))
    tops = []
    for tau_s in (2.02, 1.98):
        run = by_radau(times, tau_s=tau_s)
        passed = run.density - run.density[0] - run.mu / BASE["rho"]
        row = []
        for values in (run.density, passed):
            curve = CubicSpline(run.time[15:], values[15:])
            stops = curve.derivative().roots(extrapolate=False)
            row.append(curve(stops).max())
        tops.append(row)
    slope = np.log(np.array(tops[0]) / tops[1]) / np.log(2.02 / 1.98)
    np.testing.assert_allclose(slope, [-0.042, -0.648], rtol=0, atol=2e-3)
    page = chapter()
    main = by_radau(times)
    k = np.argmax(main.density)
    share = 1 - main.mu[k] / BASE["rho"] / (main.density[k] - main.density[0])
    assert share == pytest.approx(0.115, abs=0.005)
    most, lattice, at_most = page.losses()
    assert most == pytest.approx(main.density.max(), abs=1e-3)
    assert lattice == pytest.approx(np.sqrt(tops[0][1] * tops[1][1]), abs=1e-3)
    assert at_most == pytest.approx(share, abs=5e-3)
    assert page.survey()[3] == pytest.approx(at_most, abs=1e-4)
    assert main.density.max() / page.stored(-6.0) == pytest.approx(0.939, abs=0.002)
    # A scale and no bound: at strong feedback the lattice takes enough for more.
    assert page.losses(rho=-300.0)[0] > 1.02 * page.stored(-300.0)


def of_moments(keep, rho, until):
    """Thermal magnons whose state are their moments, and whose temperature is the root of them."""
    page = chapter()
    e, w, gamma, heat = page.e, page.w, page.gamma, page.heat
    table = np.geomspace(40, 3000, 400)
    moment = w * e if keep == "energy" else w
    known = CubicSpline([moment @ (1 / np.expm1(e / (KELVIN * T))) for T in table], table)
    last = np.array([np.log(100.0), np.log(5.0)])

    def occupation(y):
        nonlocal last
        if keep != "both":
            return 1 / np.expm1(e / (KELVIN * float(known(y[0]))))

        def off(z):
            n = 1 / np.expm1((e - BASE["gap"] + np.exp(z[1])) / (KELVIN * np.exp(z[0])))
            return [w @ n / y[0] - 1, (w * e) @ n / y[1] - 1]

        found = root(off, last, tol=1e-11)
        last = found.x
        return 1 / np.expm1((e - BASE["gap"] + np.exp(last[1])) / (KELVIN * np.exp(last[0])))

    def rate(t, y):
        n, x, hot = occupation(y), e - y[-1], KELVIN * heat(t * ps)
        gain = gamma * (x / np.expm1(x / hot) - x * n)
        change = {"both": [w @ gain, (w * e) @ gain], "density": [w @ gain], "energy": [(w * e) @ gain]}[keep]
        return [*change, rho * (w @ gain) - y[-1] / BASE["tau_s"]]

    n = 1 / np.expm1(e / (KELVIN * BASE["T_0"]))
    y = [*{"both": [w @ n, (w * e) @ n], "density": [w @ n], "energy": [(w * e) @ n]}[keep], 0.0]
    found = []
    for begin, end in ((0.0, 0.05), (0.05, until)):
        part = solve_ivp(rate, (begin, end), y, rtol=1e-7, atol=1e-9, t_eval=np.linspace(begin, end, 161))
        y = part.y[:, -1]
        found += [(t, w @ occupation(state)) for t, state in zip(part.t, part.y.T, strict=True)]
    time, density = np.array(found).T
    return CubicSpline(time[162:], density[162:])


@pytest.mark.parametrize(
    ("keep", "rho", "most", "until"),
    [
        ("energy", 0.0, 36.765, 0.6), ("density", 0.0, 34.098, 0.8), ("both", 0.0, 25.632, 0.9),
        ("energy", -6.0, 23.055, 1.3), ("density", -6.0, 12.399, 0.5), ("both", -6.0, 10.038, 0.5),
    ],
)  # fmt: skip
def test_paper_KK_statement_M22_largest_density_of_thermal_magnons(keep, rho, most, until):
    curve = of_moments(keep, rho, until)
    stops = curve.derivative().roots(extrapolate=False)
    assert curve(stops).max() == pytest.approx(most, abs=2e-3)
    page = chapter()
    run = page.thermalize(keep, 0.0, rho=rho)
    assert page.largest(run, run.density)[1] == pytest.approx(most, abs=2e-3)


def test_paper_KK_statement_M22_feedback_and_number_not_shape():
    """From the alternative of the paper to its model: mu* and the feedback in both orders, and the shape."""
    page = chapter()
    alternative, crowded, throttled, heated = 36.765, 25.632, 10.038, 23.055
    times = tuple(np.concatenate([[0.0], np.geomspace(0.02, 2, 150)]))
    model = CubicSpline(times[15:], by_radau(times).density[15:])
    full = model(model.derivative().roots(extrapolate=False)).max()
    assert alternative / full == pytest.approx(3.66, abs=0.01)
    assert alternative / crowded == pytest.approx(1.434, abs=0.003)
    assert crowded / throttled == pytest.approx(2.553, abs=0.003)
    assert throttled / full == pytest.approx(0.9993, abs=0.0005)
    # In the other order the chemical potential has the larger share; the product is the same.
    assert heated / throttled == pytest.approx(2.297, abs=0.003)
    assert alternative / heated == pytest.approx(1.595, abs=0.003)
    without = CubicSpline(times[15:], by_radau(times, rho=0.0).density[15:])
    assert crowded / without(without.derivative().roots(extrapolate=False)).max() == pytest.approx(1.0174, abs=0.0005)
    assert 34.098 / full == pytest.approx(3.394, abs=0.01)
    worst = 0.0
    for T_1, t_d in ((300.0, 0.05), (300.0, 2.0), (1500.0, 0.15)):
        heat = page.model(T_1=T_1, t_d=t_d)[1]
        forced, free = (page.extrema(page.thermalize("both", delay, heat=heat)) for delay in (0.0, np.inf))
        worst = max(worst, np.abs(forced / free - 1).max())
    assert 0.01 < worst < 0.02
