"""mumax3, OOMMF and cmtj, told what `spinlib.conventions` says, give the torque that `transport` computes.

``peer_conventions.json`` holds what the codes were given and what they answered, with versions and how they were run.
The house's answer is solved from the stack by `transport` at each direction, turned into dm/dt with each code's own
gamma, hbar, e (up to 0.2 per cent from today's values) and with nothing from `spinlib.conventions`. The stored answers
are computed a third time, from the formulas that the codes document and nothing of `spinlib`.
"""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from spinlib import conventions, units
from spinlib.scattering.closed_forms import slonczewski_parameters
from spinlib.scattering.stack import ferromagnet, normal_metal, transport

DATA = json.loads((Path(__file__).parent / "peer_conventions.json").read_text(encoding="utf-8"))
PEERS = DATA["peers"]
# Single precision with some ten operations; OOMMF's one stage of 1e-22 s moves m by 1e-11 or so.
TOLERANCE = {"mumax3": 2e-6, "oommf": 1e-9}


def cases(peer: str, kinds: tuple[str, ...] = ("symmetric", "unlike", "polarized source", "field")):
    chosen = [(i, case) for i, case in enumerate(DATA["macrospin"]) if peer in case["got"] and case["kind"] in kinds]
    return pytest.mark.parametrize("case", [pytest.param(case, id=f"{case['kind']}-{i}") for i, case in chosen])


def gamma(peer: str) -> float:
    """Return the code's gyromagnetic ratio in rad/(s T)."""
    own = PEERS[peer]["constants"]
    return {"mumax3": lambda: own["gamma"], "oommf": lambda: own["gamma_G"] / own["mu_0"]}.get(
        peer, lambda: own["gyro"] / own["mu_0"]
    )()


def angles(v):
    return np.arccos(v[2] / np.linalg.norm(v)), np.arctan2(v[1], v[0])


def spin_per_electron(case, m):
    """T/g on the free layer from `transport`; its arrows are spins, so the magnets point along -m and -p."""
    stack = case["stack"]
    spin, source = -np.asarray(m), -np.asarray(case["p"])
    theta, phi = angles(spin)
    if case["kind"] == "polarized source":
        mixing = {"reflection_mixing": complex(*stack["rho"]), "transmission_mixing": complex(*stack["tau"])}
        layer = ferromagnet(stack["transmission"], stack["transmission"], **mixing, theta=theta, phi=phi)
        return transport([layer], polarization=stack["polarization"] * source).torque_per_current[0]
    mixing = {"reflection_mixing": 0, "transmission_mixing": 0} if stack["dephased"] else {}
    theta_a, phi_a = angles(source)
    fixed = ferromagnet(*stack["fixed"], **mixing, theta=theta_a, phi=phi_a)
    free = ferromagnet(*stack["free"], **mixing, theta=theta, phi=phi)
    return transport([fixed, normal_metal(stack["spacer"]), free]).torque_per_current[2]


def rate(case, m, peer):
    """dm/dt of the Gilbert equation, by solving it as it stands: (1 - alpha m x) dm/dt = -gamma m x B + torque."""
    m = np.asarray(m)
    own = PEERS[peer]["constants"]
    drive = -gamma(peer) * np.cross(m, case.get("field", [0, 0, 0]))
    if case["kind"] != "field":
        spin = own["hbar"] / 2 * case["electron_current"] / own["e"] * spin_per_electron(case, m)
        density = case["saturation_magnetization"] * case["thickness"] / gamma(peer)
        drive = drive - spin / density
    x, y, z = m
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.linalg.solve(np.eye(3) - case["alpha"] * cross, drive)


def assert_close(got, expected, relative):
    got, expected = np.asarray(got), np.asarray(expected)
    np.testing.assert_allclose(got, expected, rtol=0, atol=relative * np.abs(expected).max())


def parameters(case):
    """What the stack of a case is in the terms that the conversions take, from one angle of `transport` or its law."""
    if case["kind"] == "polarized source":
        at_right_angle = spin_per_electron({**case, "p": [-1, 0, 0]}, [0, 0, -1])
        # At Lambda = 1 the law is f_DL = P/2 at all angles.
        return {"P": 2 * at_right_angle[0], "L": 1.0, "f": at_right_angle[1]}
    stack = case["stack"]
    mixing = {"reflection_mixing": 0, "transmission_mixing": 0} if stack["dephased"] else {}
    fixed, free = (ferromagnet(*stack[name], **mixing) for name in ("fixed", "free"))
    law = slonczewski_parameters(fixed, stack["spacer"], free)
    names = ("polarization_fixed", "polarization_free", "asymmetry_fixed", "asymmetry_free")
    return {"P": law.polarization, "L": law.asymmetry, "f": 0.0, "both": [getattr(law, name) for name in names]}


def assert_typed(case, peer, typed):
    assert set(typed) == set(case["typed"][peer])
    for name, value in typed.items():
        assert float(value) == pytest.approx(case["typed"][peer][name], rel=1e-12, abs=1e-14), name


DRIVEN = ("symmetric", "unlike", "polarized source")


@cases("mumax3", DRIVEN)
def test_peer_mumax3_was_told_what_the_conversion_says(case):
    own = parameters(case)
    assert_typed(case, "mumax3", conventions.slonczewski_to_mumax3(own["P"], own["L"], own["f"]))


@cases("mumax3")
def test_peer_mumax3_turns_m_as_the_stack_does(case):
    assert_close(case["got"]["mumax3"]["dm_dt"], rate(case, case["m"], "mumax3"), TOLERANCE["mumax3"])


@cases("oommf", DRIVEN)
def test_peer_oommf_was_told_what_the_conversion_says(case):
    own = parameters(case)
    four = own.get("both", [own["P"], own["P"], 1.0, 1.0])
    assert_typed(case, "oommf", conventions.slonczewski_to_oommf(*four, own["f"]))


@cases("oommf")
def test_peer_oommf_turns_m_as_the_stack_does(case):
    assert_close(case["got"]["oommf"]["dm_dt"], rate(case, case["m"], "oommf"), TOLERANCE["oommf"])


@cases("cmtj", DRIVEN)
def test_peer_cmtj_was_told_what_the_conversion_says(case):
    own = parameters(case)
    typed = conventions.slonczewski_to_cmtj(own["P"], own["L"], case["alpha"], 2 * own["f"] / own["P"])
    assert_typed(case, "cmtj", typed)


@cases("cmtj")
def test_peer_cmtj_goes_the_way_of_the_stack(case):
    got = case["got"]["cmtj"]
    # In units of the run, so that the solver's tolerances bound the error; cmtj's own steps leave about 1e-12.
    path = solve_ivp(
        lambda _, m: got["duration"] * rate(case, m, "cmtj"), (0, 1), case["m"], "DOP853", rtol=1e-11, atol=1e-12
    )
    end = path.y[:, -1]
    assert np.linalg.norm(end - case["m"]) > 0.02, "the run must turn m, or it shows nothing"
    assert_close(got["m_end"], end, 1e-9)


TEXTURES = pytest.mark.parametrize("texture", DATA["texture"], ids=lambda texture: f"beta-{texture['beta']}")


def texture_rate(texture, drift):
    """dm/dt of inner cells from (1 - alpha m x) dm/dt = -(u.grad) m + beta m x (u.grad) m, central differences."""
    m = np.array(texture["m"])
    slope = drift * (m[2:] - m[:-2]) / (2 * texture["cell"])
    # The codes leave out the part of the difference along m, which only a continuous texture has none of.
    m = m[1:-1]
    slope -= m * np.sum(m * slope, axis=1, keepdims=True)
    drive = -slope + texture["beta"] * np.cross(m, slope)
    alpha = texture["alpha"]
    solved = [
        np.linalg.solve(np.eye(3) - alpha * np.cross(np.eye(3), one), row) for one, row in zip(m, drive, strict=True)
    ]
    return np.array(solved)


def drift_over_moment(texture):
    """P j/e M_s times -1: the drift along the electrons, but for gamma hbar/2."""
    flow = -texture["polarization"] * texture["current_density"]
    return flow / texture["saturation_magnetization"]


@TEXTURES
def test_peer_mumax3_moves_a_texture_with_the_electrons(texture):
    own = PEERS["mumax3"]["constants"]
    typed = conventions.zhang_li_to_mumax3(texture["polarization"], texture["beta"])
    assert_typed(texture, "mumax3", typed)
    # mumax3 has mu_B where the house has gamma hbar/2 = mu_B g/2.
    expected = texture_rate(texture, own["mu_B"] / own["e"] * drift_over_moment(texture))
    got = np.array(texture["got"]["mumax3"]["dm_dt"])[1:-1]
    # Differences of neighbouring cells cancel a digit of single precision.
    assert_close(got, expected, 1e-5)


@TEXTURES
def test_peer_oommf_moves_a_texture_with_the_electrons(texture):
    typed = conventions.zhang_li_to_oommf(
        texture["polarization"], texture["beta"], texture["current_density"], texture["saturation_magnetization"]
    )
    assert float(typed["u"]) == pytest.approx(texture["typed"]["oommf"]["u"], rel=1e-7, abs=0)  # CODATA sets differ
    assert float(typed["beta"]) == texture["typed"]["oommf"]["beta"]
    drift = units.gyromagnetic_ratio * units.hbar / (2 * units.e) * drift_over_moment(texture)
    expected = texture_rate(texture, drift) * texture["typed"]["oommf"]["u"] / drift
    assert_close(np.array(texture["got"]["oommf"]["dm_dt"])[1:-1], expected, TOLERANCE["oommf"])


# --- the stored answers, from the documented formulas alone -----------------------------------------------------------


def from_gilbert(m, p, alpha, precession, a, b):
    """dm/dt of the Gilbert equation with gamma (a m x (p x m) + b p x m), solved in the documented explicit form."""
    along_m_cross_p_cross_m, along_p_cross_m = np.cross(m, np.cross(p, m)), np.cross(p, m)
    damped, turned = a + alpha * b, b - alpha * a
    return precession / (1 + alpha**2) * (damped * along_m_cross_p_cross_m + turned * along_p_cross_m)


@cases("mumax3", DRIVEN)
def test_peer_mumax3_answer_follows_from_its_documented_formula(case):
    """The formula of the paper on mumax3, J positive for electrons from the fixed to the free layer."""
    own, fed, typed = PEERS["mumax3"]["constants"], case["fed"]["mumax3"], case["typed"]["mumax3"]
    m, p = np.array(case["m"]), np.array(fed["FixedLayer"])
    # Top: J_z > 0 is a flow of electrons downwards, from the fixed layer. Bottom: the opposite.
    electrons = fed["J_z"] * {1.0: 1, -1.0: -1}[fed["FixedLayerPosition"]]
    assert electrons == case["electron_current"]
    thickness = fed["FreeLayerThickness"] or fed["mesh_thickness"]
    beta = own["hbar"] * electrons / (own["e"] * case["saturation_magnetization"] * thickness)
    square = typed["Lambda"] ** 2
    epsilon = typed["Pol"] * square / ((square + 1) + (square - 1) * (m @ p))
    expected = from_gilbert(m, p, case["alpha"], own["gamma"], beta * epsilon, beta * typed["EpsilonPrime"])
    assert_close(case["got"]["mumax3"]["dm_dt"], expected, TOLERANCE["mumax3"])


def test_peer_mumax3_was_fed_both_positions_and_both_thicknesses():
    fed = [case["fed"]["mumax3"] for case in DATA["macrospin"] if "mumax3" in case.get("fed", {})]
    assert {one["FixedLayerPosition"] for one in fed} == {1.0, -1.0}
    assert {one["FreeLayerThickness"] == 0 for one in fed} == {True, False}


@cases("oommf", DRIVEN)
def test_peer_oommf_answer_follows_from_its_documented_formula(case):
    """The two terms of the user's guide, J positive for electrons from the fixed to the free layer, field in A/m."""
    own, fed, typed = PEERS["oommf"]["constants"], case["fed"]["oommf"], case["typed"]["oommf"]
    m, p = np.array(case["m"]), np.array(fed["mp"])
    assert fed["J"] == case["electron_current"]
    moment = own["mu_0"] * own["e"] * case["saturation_magnetization"] * fed["cell_thickness"]
    beta = own["hbar"] * fed["J"] / moment
    fixed, free = typed["Lambda_fixed"] ** 2, typed["Lambda_free"] ** 2
    a, b = np.sqrt((fixed + 1) * (free + 1)), np.sqrt((fixed - 1) * (free - 1))
    # At Lambda = 1 of both layers the ratio of the two roots has the limit 1.
    ratio = np.sqrt((fixed - 1) / (free - 1)) if free > 1 else 1.0
    first = typed["P_fixed"] * fixed * np.sqrt((free + 1) / (fixed + 1)) / 2
    second = typed["P_free"] * free * ratio / 2
    epsilon = (first + second) / (a + b * (m @ p)) + (first - second) / (a - b * (m @ p))
    expected = from_gilbert(m, p, case["alpha"], own["gamma_G"], beta * epsilon, beta * typed["eps_prime"])
    assert_close(case["got"]["oommf"]["dm_dt"], expected, TOLERANCE["oommf"])


@cases("cmtj", DRIVEN)
def test_peer_cmtj_answer_follows_from_its_documented_formula(case):
    """The explicit form without cross terms, current positive for electrons from the reference layer, M_s in T."""
    own, fed, typed = PEERS["cmtj"]["constants"], case["fed"]["cmtj"], case["typed"]["cmtj"]
    got, p, alpha = case["got"]["cmtj"], np.array(fed["reference"]), case["alpha"]
    assert fed["current"] == case["electron_current"]
    strength = own["hbar"] * fed["current"] / (own["e"] * fed["Ms"] * fed["thickness"])
    square = typed["SlonczewskiSpacerLayerParameter"] ** 2

    def slope(_, m):
        eta = typed["spinPolarisation"] * square / ((square + 1) + (square - 1) * (m @ p))
        torque = typed["kappa"] * np.cross(m, np.cross(p, m)) + typed["beta"] * np.cross(m, p)
        return got["duration"] * own["gyro"] * strength * eta / (1 + alpha**2) * torque

    path = solve_ivp(slope, (0, 1), case["m"], "DOP853", rtol=1e-11, atol=1e-12)
    assert_close(got["m_end"], path.y[:, -1], 1e-9)


@TEXTURES
def test_peer_mumax3_texture_follows_from_its_documented_formula(texture):
    """Zhang and Li's form with b_J/(1 + xi^2); u.grad runs along J, and both terms have the opposite sign."""
    own, fed, typed = PEERS["mumax3"]["constants"], texture["fed"]["mumax3"], texture["typed"]["mumax3"]
    m, xi, alpha = np.array(texture["m"]), typed["xi"], texture["alpha"]
    speed = own["mu_B"] * typed["Pol"] * fed["J_x"] / (own["e"] * texture["saturation_magnetization"] * (1 + xi**2))
    along = speed * (m[2:] - m[:-2]) / (2 * fed["cell_size"])
    m = m[1:-1]
    once = np.cross(m, along)
    expected = -((1 + xi * alpha) * np.cross(m, once) + (xi - alpha) * once) / (1 + alpha**2)
    # Differences of neighbouring cells cancel a digit of single precision.
    assert_close(np.array(texture["got"]["mumax3"]["dm_dt"])[1:-1], expected, 1e-5)


@TEXTURES
def test_peer_oommf_texture_follows_from_its_documented_formula(texture):
    """Thiaville's form, -(u.grad) m + beta m x (u.grad) m with u > 0 for electrons along +x."""
    typed, m, alpha = texture["typed"]["oommf"], np.array(texture["m"]), texture["alpha"]
    along = typed["u"] * (m[2:] - m[:-2]) / (2 * texture["cell"])
    m = m[1:-1]
    once = np.cross(m, along)
    drive = np.cross(m, once) + typed["beta"] * once
    expected = (drive + alpha * np.cross(m, drive)) / (1 + alpha**2)
    assert_close(np.array(texture["got"]["oommf"]["dm_dt"])[1:-1], expected, TOLERANCE["oommf"])
    # Electrons run against the conventional current.
    assert np.sign(typed["u"]) == -np.sign(texture["current_density"] * texture["polarization"])
