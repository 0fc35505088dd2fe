"""The chapter on one device: each join of two rooms by a route that does not use it, and the stored ensembles."""

import numpy as np
import pytest
from numpy.polynomial import legendre
from scipy.special import j1

from spinlib.circuit import spin_transfer_torque, spin_valve
from spinlib.conventions import valet_fert_channels
from spinlib.dynamics.macrospin import LinearField, ValveTorque, critical_current, integrate_llg
from spinlib.dynamics.thermodynamic import GeneralizedLLG, QuadraticPotential
from spinlib.materials import material
from spinlib.precomputed import load
from spinlib.spin import direction
from spinlib.units import e, hbar, k_B, mu_0, mu_B, nm, ns
from tests.book.chapter_code import defined
from tools import switching_memory as maker
from tools.notebooks import ROOT
from tools.precomputed import verify

CHAPTER = ROOT / "book" / "switching_memory.md"
UP = np.array([0.0, 0.0, 1.0])
SEEDS = (1, 2, 3, 4, 5)


def chapter():
    """The functions of the chapter and the constants that they use."""
    q, phi = (np.arange(1600) + 0.5) * 0.05, (np.arange(16) + 0.5) * np.pi / 32
    room = {"q": q, "bessel": j1(q) ** 2 / q * 0.05, "phi": phi, "SPACER": 6 * nm, "FIXED": 10 * nm, "KELVIN": 300.0}
    return defined(CHAPTER, room)


ROOM = chapter()


def pillar(seed=None):
    """Inputs of the chapter, or some around them."""
    x = {
        "M_s": 1333e3,
        "K_s": 0.75e-3,
        "G": 4.5e8,
        "g": 2.25,
        "AR": 0.51e-15,
        "gamma": 0.77,
        "rho": 75e-9,
        "beta": 0.46,
        "rho_Cu": 6e-9,
        "l_Cu": 450 * nm,
        "G_mix": 0.546e15,
        "G_Sh": 0.558e15,
        "d": 2.5 * nm,
        "a": 40 * nm,
        "b": 30 * nm,
    }
    if seed is None:
        return x
    draw = np.random.default_rng(seed)
    return {key: value * draw.uniform(0.9, 1.1) for key, value in x.items()}


def scale_of(x):
    return {"magnetic_moment": x["M_s"] * x["d"], "gyromagnetic_ratio": x["g"] * mu_B / hbar}


def device(x):
    """Both contacts, the field and the damping without the spacer."""
    b_1, b_2 = ROOM["stiffnesses"](x)
    contacts = ROOM["contact"](x, 10 * nm), ROOM["contact"](x, x["d"])
    return contacts, LinearField(tensor=np.diag([-b_1, -b_2, 0.0])), sum(ROOM["dampings"](x)[:2])


def test_invariant_the_inputs_are_those_of_the_table():
    x = pillar()
    for key, (name, quantity) in {
        "M_s": ("Co film in Cu", "saturation_magnetization"),
        "G": ("Co film, sputtered", "relaxation_rate"),
        "g": ("Co film, sputtered", "g_factor"),
        "AR": ("Co/Cu", "valet_fert_resistance"),
        "gamma": ("Co/Cu", "gamma"),
        "G_mix": ("Cu/Co(111) clean", "mixing_conductance_real"),
    }.items():
        assert x[key] == pytest.approx(material(name, quantity).value, rel=1e-12, abs=0)
    # Per face once or twice: between 1 and 2 times the modulus of what the abstract states.
    assert x["K_s"] / abs(material("Co film in Cu", "surface_anisotropy").value) == pytest.approx(1.5, rel=1e-12, abs=0)


# --- interface and torque ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
def test_limit_torque_of_the_contacts_is_that_of_resistances_in_series(seed):
    """A sum of resistance matrices, no circuit theory; a forgotten spacer and a bare mixing conductance miss."""
    x, theta = pillar(seed), 1.3
    total = 2 * x["rho_Cu"] * 6 * nm * np.eye(3)  # (charge, x, z), per spin
    for length, angle in ((10 * nm, theta), (x["d"], 0.0)):
        faces, slab = valet_fert_channels(x["AR"], x["gamma"]), valet_fert_channels(x["rho"], x["beta"])
        r_up, r_down = (2 * face + bulk * length + 1 / (2 * x["G_Sh"]) for face, bulk in zip(faces, slab, strict=True))
        own = np.zeros((3, 3))
        own[0, 0] = own[2, 2] = (r_up + r_down) / 2
        own[0, 2] = own[2, 0] = (r_up - r_down) / 2
        own[1, 1] = 1 / x["G_mix"] - 1 / (2 * x["G_Sh"])
        c, s = np.cos(angle), np.sin(angle)
        turn = np.array([[1, 0, 0], [0, c, s], [0, -s, c]])
        total += turn @ own @ turn.T
    flow = np.linalg.solve(total, [1.0, 0, 0])
    expected = flow[1] / flow[0]  # hbar/2 per electron

    def by_circuit(sides):
        state = spin_valve(UP, direction(theta), *sides, charge_current=1.0)
        torque = spin_transfer_torque(direction(theta), state.spin_current2, **scale_of(x))
        unit = scale_of(x)["gyromagnetic_ratio"] * hbar / (2 * e * scale_of(x)["magnetic_moment"])
        return -torque @ np.cross([0, 1.0, 0], direction(theta)) / unit

    sides = [ROOM["contact"](x, length) for length in (10 * nm, x["d"])]
    assert by_circuit(sides) == pytest.approx(expected, rel=1e-10, abs=0)
    dry = x | {"rho_Cu": 0.0}
    assert abs(by_circuit([ROOM["contact"](dry, length) for length in (10 * nm, x["d"])]) / expected - 1) > 0.005
    uncorrected = [type(side)(side.majority, side.minority, x["G_mix"]) for side in sides]
    assert abs(by_circuit(uncorrected) / expected - 1) > 0.05


@pytest.mark.parametrize("seed", SEEDS)
def test_limit_end_slopes_and_thresholds(seed):
    """Closed form against the stability of the whole circuit; half of the two stiffnesses is half of the sum."""
    x = pillar(seed)
    (fixed, free), field, bare = device(x)
    b_1, b_2 = ROOM["stiffnesses"](x)
    closed = ROOM["closed_threshold"](x, b_1, b_2, sum(ROOM["dampings"](x)))
    found = [critical_current(UP, m, fixed, free, field, alpha=bare, **scale_of(x)) for m in (UP, -UP)]
    np.testing.assert_allclose(closed, found, rtol=1e-9)
    # what the whole hard axis in place of half of it would give, or all of what the spacer takes
    assert ROOM["closed_threshold"](x, 0.0, 2 * b_2, sum(ROOM["dampings"](x)))[0] / found[0] == pytest.approx(
        2 * b_2 / (b_1 + b_2), rel=1e-9, abs=0
    )
    film, lead, half = ROOM["dampings"](x)
    whole = ROOM["closed_threshold"](x, b_1, b_2, film + lead + 2 * half)[0] / found[0]
    assert whole == pytest.approx(1 + half / (film + lead + half), rel=1e-9, abs=0)


@pytest.mark.parametrize("well", [1, -1])
def test_limit_signs_by_trajectories(well):
    """Electrons from fixed to free make parallel, the others antiparallel; each leaves the state that it makes."""
    x = pillar()
    sides, field, bare = device(x)
    j_c = critical_current(UP, well * UP, *sides, field, alpha=bare, **scale_of(x))
    assert np.sign(j_c) == -well
    start = np.stack([[0.1, 0.03, well * np.sqrt(1 - 0.0109)]] * 2)
    torque = ValveTorque(UP, *sides, np.array([3.0, -3.0]) * j_c, **scale_of(x))
    given = {"alpha": bare, "gyromagnetic_ratio": scale_of(x)["gyromagnetic_ratio"], "torque": torque, "rtol": 1e-5}
    end = integrate_llg(start, field, (0, 1.2 * ns), **given)[-1]
    assert end[0, 2] * well < -0.9  # has switched
    assert end[1, 2] * well > 0.99  # calmer than before


# --- shape and damping ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("a", "b", "d"), [(40, 30, 2.5), (60, 20, 8.0), (30, 30, 5.0)])
def test_limit_demagnetizing_factor_by_charges_on_the_rim(a, b, d):
    """N_x = (1/4 pi V) of the charges n_x on the curved face: the z integrals in closed form, angles on two grids."""

    def on_grids(count):
        t = (np.arange(count) + np.array([[0.25], [0.75]])) * 2 * np.pi / count
        x, z, charge = b * np.cos(t), a * np.sin(t), a * np.cos(t) * 2 * np.pi / count  # n_x dl
        gap = np.hypot(x[0][:, None] - x[1], z[0][:, None] - z[1])
        pair = 2 * (d * np.arcsinh(d / gap) - np.hypot(gap, d) + gap)
        return charge[0] @ pair @ charge[1] / (4 * np.pi * np.pi * a * b * d)

    by_charges = 2 * on_grids(1200) - on_grids(600)  # the logarithm leaves an error of first order
    factors = ROOM["demagnetizing"](a * nm, b * nm, d * nm)
    assert factors[0] == pytest.approx(by_charges, rel=2e-3, abs=0)
    assert sum(factors) == pytest.approx(1, rel=1e-12, abs=0)
    assert factors[0] >= factors[2] * (1 - 1e-9)  # the short axis is the harder one


@pytest.mark.parametrize(("a", "b", "d"), [(40, 30, 2.5), (60, 20, 6.0)])
def test_limit_stray_field_by_charges_on_both_rims(a, b, d):
    """Energy of the charges n_z of one rim in the potential of the other, per volume of the free layer."""
    near, far = 6.0, 16.0
    t = (np.arange(800) + np.array([[0.25], [0.75]])) * 2 * np.pi / 800
    x, z, charge = b * np.sin(t), a * np.cos(t), b * np.cos(t) * 2 * np.pi / 800  # n_z dl
    gap = np.hypot(x[0][:, None] - x[1], z[0][:, None] - z[1])

    def twice(h):  # second integral of 1/r along the axis
        return h * np.arcsinh(h / gap) - np.hypot(h, gap)

    pair = twice(far + d) - twice(far) - twice(near + d) + twice(near)
    by_charges = charge[0] @ pair @ charge[1] / (4 * np.pi * np.pi * a * b * d)
    factor = ROOM["stray"](a * nm, b * nm, d * nm)
    assert factor > 0
    assert factor == pytest.approx(by_charges, rel=1e-4, abs=0)


def test_limit_surface_anisotropy_lowers_the_hard_axis():
    """Energy of a film standing up less lying: (mu_0 M_s^2/2) V N - K_s A; the field is twice it over M_s V."""
    x = pillar()
    b_1, b_2 = ROOM["stiffnesses"](x)
    n = ROOM["demagnetizing"](x["a"], x["b"], x["d"])
    energy = mu_0 * x["M_s"] ** 2 / 2 * (n[1] - n[2]) - x["K_s"] / x["d"]
    assert b_2 == pytest.approx(2 * energy / x["M_s"], rel=1e-12, abs=0)
    assert b_2 < ROOM["stiffnesses"](x | {"K_s": 0.0})[1]
    assert b_1 == pytest.approx(ROOM["stiffnesses"](x | {"K_s": 0.0})[0], rel=1e-12, abs=0)


def test_limit_gilbert_rate_of_gaussian_units():
    """alpha = G/(gamma M_s) with gamma in rad/(s Oe) and M_s in emu/cm^3."""
    x = pillar()
    gamma_gauss = x["g"] * mu_B / hbar * 1e-4
    film = ROOM["dampings"](x)[0]
    assert film == pytest.approx(4.5e8 / (gamma_gauss * 1333), rel=1e-8, abs=0)


# --- energy of the orbits ---------------------------------------------------------------------------------------------


def orbits(x, alpha):
    """The chapter's budget for a layer with Gilbert damping alone."""
    b_1, b_2 = ROOM["stiffnesses"](x)
    gyro = scale_of(x)["gyromagnetic_ratio"]
    field = LinearField(tensor=np.diag([-b_1, -b_2, 0.0]))
    ROOM.update({"B_1": b_1, "B_2": b_2, "gyro": gyro, "layer_field": field, "well_top": b_1 / 2})
    return b_1, b_2, gyro, field, lambda m: (0 * m, np.zeros((3, 3)), alpha)


@pytest.mark.parametrize("share", [0.05, 0.5, 0.9])
def test_limit_budget_is_what_a_trajectory_loses(share):
    """Loss of a turn and its duration, against the motion itself with a damping so weak that a turn changes little."""
    b_1, b_2, gyro, field, free = orbits(pillar(), 1e-6)
    u = share * b_1 / 2
    lost, _, turn = (float(part[0]) for part in ROOM["budget"]([u], 1, free))
    start = np.array([np.sqrt(2 * u / b_1), 0.0, 0.0])
    start[2] = np.sqrt(1 - start[0] ** 2)
    path = integrate_llg(start, field, (0, turn), alpha=1e-6, gyromagnetic_ratio=gyro, rtol=1e-13)
    energy = (b_1 * path[:, 0] ** 2 + b_2 * path[:, 1] ** 2) / 2
    assert energy[0] - energy[1] == pytest.approx(lost, rel=1e-3, abs=0)
    np.testing.assert_allclose(path[1], path[0], atol=1e-3, rtol=0)  # one turn


@pytest.mark.parametrize("well", [1, -1])
def test_limit_gain_meets_loss_where_stability_ends(well):
    """Small orbits at the critical current of the whole circuit, pumping counted as a loss."""
    x = pillar()
    sides, field, bare = device(x)
    orbits(x, bare)
    j_c = critical_current(UP, well * UP, *sides, field, alpha=bare, **scale_of(x))
    valve = ValveTorque(UP, *sides, j_c, **scale_of(x))
    u = [1e-5 * ROOM["well_top"]]
    lost, gained, _ = (float(part[0]) for part in ROOM["budget"](u, well, lambda m: (*valve.at(m), bare)))
    assert gained == pytest.approx(lost, rel=1e-4, abs=0)
    alone = float(ROOM["budget"](u, well, lambda m: (valve(m, 0.0), np.zeros((3, 3)), bare))[0][0])
    film, lead, half = ROOM["dampings"](x)
    assert alone / lost == pytest.approx((film + lead) / (film + lead + half), rel=1e-4, abs=0)


def test_limit_barrier_is_the_height_of_the_passage():
    """Delta from the potential of the thermodynamic room, top less bottom."""
    x = pillar()
    b_1, b_2 = ROOM["stiffnesses"](x)
    moment = x["M_s"] * np.pi * x["a"] * x["b"] * x["d"]
    energy = QuadraticPotential(quadratic=moment / 2 * np.diag([b_1, b_2, 0.0]))
    barrier = (energy((1.0, 0, 0)) - energy(UP)) / (k_B * 300.0)
    x["B"] = b_1, b_2
    assert ROOM["chain"](x)["Delta"] == pytest.approx(barrier, rel=1e-12, abs=0)
    assert maker.LAYER["stability"] == pytest.approx(barrier, rel=3e-3, abs=0)


@pytest.mark.parametrize("alpha", [0.3, 1.0])
def test_limit_escape_rate_by_the_slow_mode_of_the_sphere(alpha):
    """Corrections fall as the inverse barrier; one passage in place of two would miss by the factor two."""
    depth, misses = 2.0, []
    for barrier in (6.0, 9.0):
        energy = QuadraticPotential(quadratic=barrier * np.diag([0, depth, -1.0]))
        system = GeneralizedLLG(energy, alpha, 1 / (2 * barrier * (1 + alpha**2)))
        rate = ROOM["solve_fokker_planck"](system, 1 / k_B, max_degree=44, modes=2).rates[1].real
        misses.append((1 - rate / (2 * ROOM["escape_rate"](1.0, 1 + depth, alpha, barrier))) * barrier)
    assert 0 < misses[1] < misses[0] < 1.5


@pytest.mark.parametrize("share", [1.5, 3.0])
def test_limit_failures_grow_from_heat_and_noise(share, monkeypatch):
    """The mean energy behind the closed form solves du/dt = 2 Gamma u + 2 Gamma_d u_0, u(0) = u_0."""
    for name, value in {"Gamma_d": 1.3, "stability": 2.0, "log_gain": lambda *_: 0.4}.items():
        monkeypatch.setitem(ROOM, name, value)
    t, step = 1.7, 1e-4

    def mean(t):  # over u_0, from P = 1 - exp(-u_top/mean)
        return -2.0 * np.exp(0.4) / np.log1p(-ROOM["failures"](t, share, 1))

    slope = (mean(t + step) - mean(t - step)) / (2 * step)
    assert slope == pytest.approx(2 * 1.3 * ((share - 1) * mean(t) + 1), rel=1e-5, abs=0)
    assert mean(1e-9) == pytest.approx(1, rel=1e-6, abs=0)


@pytest.mark.parametrize("bend", [0.4, -0.7])
def test_limit_log_gain_of_a_law_with_a_closed_form(bend, monkeypatch):
    """du/dt = 2 Gamma u (1 - bend u/top) gains -ln(1 - bend) on the exponential."""
    polar, weight = legendre.leggauss(40)
    share_u, weight_u = 1 - ((1 - polar) / 2) ** 3, 3 * ((1 - polar) / 2) ** 2 * weight / 2
    lost = 2 * 1.3 * 2.0 * share_u * (1 - bend * share_u)
    room = {"share_u": share_u, "weight_u": weight_u, "well_top": 2.0, "Gamma_d": 1.3, "alpha": 0.0}
    for name, value in (room | {"simple": {1: (lost, lost, np.ones(40))}}).items():
        monkeypatch.setitem(ROOM, name, value)
    assert ROOM["log_gain"](2.5, 1) == pytest.approx(-np.log(1 - bend), rel=1e-6, abs=0)
    # Time from x of top to top by the law of Bernoulli, against the formula of the chapter, exp(2 Gamma t) = e^L/x.
    x = 1e-4
    time = np.log((1 - bend * x) / (x * (1 - bend))) / (2 * 1.3 * 1.5)
    assert 2 * 1.3 * 1.5 * time == pytest.approx(ROOM["log_gain"](2.5, 1) - np.log(x), rel=1e-4, abs=0)


def test_limit_energy_equation_relaxes_to_boltzmann():
    """Without torque nothing leaves but over the barrier; a weak one keeps the share above the law of strong drive."""
    b_1, *_ = orbits(pillar(), 0.0257)
    polar, weight = legendre.leggauss(64)
    ROOM.update({"stability": 6.0, "alpha": 0.0257, "c_fit": 0.625, "up": UP, "scale_c": {1: 1.625, -1: 0.375}})
    times, left = ROOM["energy_equation"](1e-9, 1, 40 * ns, cells=200, steps=2000)
    late = left[1000:]
    pace = -np.diff(np.log(late)) / (times[1] - times[0])
    np.testing.assert_allclose(pace, pace.mean(), rtol=1e-3)  # one slow mode
    # Its rate by the double integral of mean first passage, without the solver.
    u = b_1 / 2 * (1 - ((1 - polar) / 2) ** 3)
    w = b_1 / 2 * 3 * ((1 - polar) / 2) ** 2 * weight / 2
    lost, _, turn = ROOM["budget"](u, 1, ROOM["plain_model"](1))
    heat = b_1 / 2 / 6.0
    inner = np.array([(w * turn * np.exp(-u / heat) * (u <= top)).sum() for top in u])
    passage = (w * inner * np.exp(u / heat) / (heat * lost)).sum()
    assert pace.mean() * passage == pytest.approx(1, rel=0.05, abs=0)


# --- stored ensembles -------------------------------------------------------------------------------------------------


def test_invariant_the_ensembles_are_of_this_code_and_this_layer():
    assert verify(maker.DATA) == []
    stored, _ = load(maker.DATA)
    assert stored["layer"].tolist() == list(maker.LAYER.values())
    assert stored["unswitched"].shape == (len(maker.WRITES), maker.RECORDS + 1)
    assert (stored["unswitched"][:, 0] == stored["magnets"]).all()
    x = pillar()
    law = ROOM["slonczewski_parameters"](ROOM["magnet"](x, 10 * nm), ROOM["spacer"](x), ROOM["magnet"](x, x["d"]))
    p, ap = ROOM["ends"](law)
    assert (ap - p) / (ap + p) == pytest.approx(maker.LAYER["asymmetry"], rel=3e-3, abs=0)


@pytest.mark.parametrize("case", [1, 3])
def test_invariant_members_repeat(case):
    stored, _ = load(maker.DATA)
    np.testing.assert_array_equal(maker.writing(case, 0), stored["first_batch"][case])


def test_limit_slow_rate_is_stored(monkeypatch):
    """Fewer harmonics give the stored rate of the lowest barrier to a per cent, and say that they are few."""
    stored, _ = load(maker.DATA)
    monkeypatch.setattr(maker, "DEGREE", 56)
    with pytest.warns(UserWarning, match="is too small"):
        rate = maker.warm(maker.WARM[0])
    assert rate == pytest.approx(stored["warm"][0], rel=0.03, abs=0)


def test_limit_hot_layers_escape_no_slower_than_the_slow_mode():
    """First passages are at least the relaxation out of one well, half of the slow rate, and not many times it."""
    stored, _ = load(maker.DATA)
    events, spent = stored["escapes"][0, 0, 0]
    unit = maker.LAYER["gyromagnetic_ratio"] * maker.LAYER["easy"]
    slow = stored["warm"][maker.WARM.index(5.0)] / 2 * unit
    error = 1 / np.sqrt(events)
    assert 1 - 4 * error < events / spent / slow < 1.6
