"""`spinlib.conventions`: each conversion against the physics or the equation of motion that both sides describe."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spinlib import conventions, units
from spinlib.scattering.closed_forms import perfect_filter, slonczewski_parameters
from spinlib.scattering.smatrix import SMatrix
from spinlib.scattering.stack import ferromagnet, hat_average, normal_metal, transport
from tests.bad_input import Refusal, refusals

ANGLES = np.linspace(0.05, 3.0, 9)
numbers = st.floats(-3, 3)
dampings = st.floats(0, 2)


def coherent_layer(seed, channels=3):
    """A random spin-conserving layer, up = majority = z; the two spins scatter independently."""
    rng = np.random.default_rng(seed)
    blocks = []
    for _ in range(2):
        draw = rng.normal(size=(2 * channels, 2 * channels)) + 1j * rng.normal(size=(2 * channels, 2 * channels))
        blocks.append(np.linalg.qr(draw)[0])
    return SMatrix.from_spins(*blocks), blocks


# --- Slonczewski torque -----------------------------------------------------------------------------------------------


def epsilon_single(Pol, Lambda, cos):
    """The factor of mumax3's documentation and of cmtj: the torque in hbar per electron is epsilon sin(theta)."""
    return Pol * Lambda**2 / ((Lambda**2 + 1) + (Lambda**2 - 1) * cos)


def epsilon_oommf(P_fixed, P_free, Lambda_fixed, Lambda_free, cos):
    """The two-term factor q+/(A + B cos) + q-/(A - B cos) of Xiao, Zangwill and Stiles (2004)."""
    a = np.sqrt((Lambda_fixed**2 + 1) * (Lambda_free**2 + 1))
    b = np.sqrt((Lambda_fixed**2 - 1) * (Lambda_free**2 - 1))
    first = P_fixed * Lambda_fixed**2 * np.sqrt((Lambda_free**2 + 1) / (Lambda_fixed**2 + 1)) / 2
    second = P_free * Lambda_free**2 * np.sqrt((Lambda_fixed**2 - 1) / (Lambda_free**2 - 1)) / 2
    return (first + second) / (a + b * cos) + (first - second) / (a - b * cos)


def valve_torque(fixed, spacer, free):
    """T_x/g on the free layer, from `transport`."""
    layers = [ferromagnet(*fixed, theta=ANGLES), normal_metal(spacer), ferromagnet(*free)]
    return transport(layers).torque_per_current[:, 2, 0]


@pytest.mark.parametrize(("magnet", "spacer"), [((0.7, 0.2), 1.0), ((0.3, 0.9), 0.4), ((0.95, 0.01), 0.1)])
def test_invariant_single_factor_gives_the_torque_of_a_symmetric_valve(magnet, spacer):
    law = slonczewski_parameters(ferromagnet(*magnet), spacer, ferromagnet(*magnet))
    typed = conventions.slonczewski_to_mumax3(law.polarization, law.asymmetry)
    again = conventions.slonczewski_to_cmtj(law.polarization, law.asymmetry, alpha=0.1)
    hbar_per_electron = epsilon_single(typed["Pol"], typed["Lambda"], np.cos(ANGLES)) * np.sin(ANGLES)
    np.testing.assert_allclose(2 * hbar_per_electron, valve_torque(magnet, spacer, magnet), rtol=1e-10)
    assert again["spinPolarisation"] == typed["Pol"]
    assert again["SlonczewskiSpacerLayerParameter"] == typed["Lambda"]


@pytest.mark.parametrize(
    ("fixed", "spacer", "free"),
    [((0.8, 0.3), 1.0, (0.5, 0.1)), ((0.3, 0.01), 0.4, (0.95, 0.02)), ((0.2, 0.7), 0.6, (0.9, 0.4))],
)
def test_invariant_two_factors_give_the_torque_of_any_valve(fixed, spacer, free):
    law = slonczewski_parameters(ferromagnet(*fixed), spacer, ferromagnet(*free))
    typed = conventions.slonczewski_to_oommf(
        law.polarization_fixed, law.polarization_free, law.asymmetry_fixed, law.asymmetry_free
    )
    typed.pop("eps_prime")
    hbar_per_electron = epsilon_oommf(**typed, cos=np.cos(ANGLES)) * np.sin(ANGLES)
    expected = valve_torque(fixed, spacer, free)
    np.testing.assert_allclose(2 * hbar_per_electron, expected, rtol=1e-10)
    # Fixed and free exchanged is another torque: the order of the names is not a matter of taste.
    exchanged = epsilon_oommf(
        typed["P_free"], typed["P_fixed"], typed["Lambda_free"], typed["Lambda_fixed"], np.cos(ANGLES)
    )
    assert np.abs(2 * exchanged * np.sin(ANGLES) / expected - 1).max() > 0.05


def test_paper_KK_17_perfect_filters_are_typed_as_one_half():
    nearly = ferromagnet(1, 1e-9, transmission_mixing=0)
    law = slonczewski_parameters(nearly, 1.0, nearly)
    typed = conventions.slonczewski_to_mumax3(law.polarization, law.asymmetry)
    assert float(typed["Pol"]) == pytest.approx(0.5, abs=1e-8)
    torque, conductance = perfect_filter(ANGLES, 1.0)
    per_electron = 2 * epsilon_single(typed["Pol"], typed["Lambda"], np.cos(ANGLES)) * np.sin(ANGLES)
    # T_down = 1e-9 is felt as 1e-9 tan^2(theta/2), which is 2e-7 at the last angle.
    np.testing.assert_allclose(per_electron, torque[:, 0] / conductance, rtol=1e-6)


def test_limit_beam_that_is_absorbed_is_typed_as_its_polarization():
    # Lambda = 1: the layer takes all transverse spin of a beam of polarization 0.6 and lets every electron pass.
    dephasing = ferromagnet(1, 1, reflection_mixing=0, transmission_mixing=0)
    per_electron = transport([dephasing], polarization=[0.6, 0, 0]).torque_per_current[0, 0]
    asked = conventions.slonczewski_from_mumax3(Pol=0.6, Lambda=1.0)
    assert float(asked["polarization"]) / 2 == pytest.approx(per_electron, rel=1e-14, abs=0)
    assert per_electron == pytest.approx(0.6, rel=1e-14, abs=0)


@given(st.floats(-2, 2), st.floats(1.001, 9), st.floats(-2, 2), st.floats(1.001, 9), numbers, dampings)
@settings(max_examples=60, deadline=None)
def test_invariant_there_and_back(p_a, l_a, p_b, l_b, field_like, alpha):
    there = conventions.slonczewski_to_mumax3(p_a, l_a, field_like)
    back = conventions.slonczewski_from_mumax3(**there)
    assert list(back.values()) == pytest.approx([p_a, l_a, field_like], rel=1e-14, abs=1e-14)
    back = conventions.slonczewski_from_oommf(**conventions.slonczewski_to_oommf(p_a, p_b, l_a, l_b, field_like))
    assert list(back.values()) == pytest.approx([p_a, p_b, l_a, l_b, field_like], rel=1e-14, abs=1e-14)
    back = conventions.slonczewski_from_cmtj(
        **conventions.slonczewski_to_cmtj(p_a, l_a, alpha, field_like), alpha=alpha
    )
    # (alpha kappa - beta) cancels for field_like << alpha.
    assert list(back.values()) == pytest.approx([p_a, l_a, field_like], rel=1e-13, abs=1e-13)


@given(dampings, numbers, st.floats(0, 3))
@settings(max_examples=60, deadline=None)
def test_invariant_cmtj_names_stand_for_the_gilbert_torque(alpha, ratio, angle):
    """Cmtj's form, (kappa m x (p x m) - beta p x m)/(1 + alpha^2), solves the implicit Gilbert equation."""
    typed = conventions.slonczewski_to_cmtj(1.0, 1.0, alpha, ratio)
    m, p = np.array([0.0, 0.0, 1.0]), np.array([np.sin(angle), 0.0, np.cos(angle)])
    damping_like, field_like = np.cross(m, np.cross(p, m)), np.cross(p, m)
    rate = (typed["kappa"] * damping_like - typed["beta"] * field_like) / (1 + alpha**2)
    np.testing.assert_allclose(rate, damping_like + ratio * field_like + alpha * np.cross(m, rate), atol=1e-13)


def test_limit_defaults_of_cmtj_hide_a_field_like_torque():
    asked = conventions.slonczewski_from_cmtj(0.3, 1.5, beta=0.0, alpha=0.1)
    assert float(asked["field_like_ratio"]) == pytest.approx(0.1, rel=1e-14, abs=0)
    assert float(asked["polarization"]) == pytest.approx(0.6 / 1.01, rel=1e-14, abs=0)


def in_amplitudes(fixed, free):
    """f_DL and f_FL on the free layer at each angle, for magnets of complex mixing."""
    layers = [ferromagnet(**fixed, theta=ANGLES), normal_metal(0.6), ferromagnet(**free)]
    return transport(layers).torque_per_current[:, 2, :2].T / np.sin(ANGLES)


COMPLEX = {
    "transmission_up": 0.7,
    "transmission_down": 0.2,
    "reflection_mixing": 0.3 - 0.35j,
    "transmission_mixing": 0.1 + 0.2j,
}


def test_limit_symmetric_valve_of_complex_mixing_has_the_form_of_cmtj():
    """By symmetry the spin current lies along the bisector, so Re z takes the place of z and kappa turns the torque."""
    damping_like, field_like = in_amplitudes(COMPLEX, COMPLEX)
    lost, spacer = 1 - COMPLEX["reflection_mixing"], 1 / 0.6 - 1
    kappa = (lost - COMPLEX["transmission_mixing"]) / lost
    up, down = (1 / COMPLEX[f"transmission_{spin}"] - 0.5 + spacer / 2 for spin in ("up", "down"))
    transverse = (1 / lost - 0.5).real + spacer / 2
    polarization = kappa.real * (down - up) / (down + up)
    asymmetry = np.sqrt((up + down) / 2 / transverse)
    typed = conventions.slonczewski_to_cmtj(polarization, asymmetry, 0.3, -kappa.imag / kappa.real)
    asked = conventions.slonczewski_from_cmtj(**typed, alpha=0.3)
    law = 2 * epsilon_single(asked["polarization"] / 2, asked["asymmetry"], np.cos(ANGLES))
    np.testing.assert_allclose(damping_like, law, rtol=1e-10)
    np.testing.assert_allclose(field_like, asked["field_like_ratio"] * law, rtol=1e-10)
    assert np.ptp(field_like) > 0.01, "mumax3 and OOMMF, with a constant eps_prime, have no such torque"


def test_limit_unlike_magnets_of_complex_mixing_have_no_form():
    free = COMPLEX | {"transmission_up": 0.5, "reflection_mixing": 0.1 + 0.2j}
    damping_like, field_like = in_amplitudes(COMPLEX, free)
    assert np.ptp(field_like / damping_like) > 0.01


# --- Landau-Lifshitz and Gilbert --------------------------------------------------------------------------------------


@given(dampings, numbers, numbers, st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_invariant_both_forms_of_the_equation_of_motion_are_one(alpha, damping_like, field_like, seed):
    rng = np.random.default_rng(seed)
    m, p, field = rng.normal(size=(3, 3))
    m /= np.linalg.norm(m)
    explicit = conventions.gilbert_to_landau_lifshitz(alpha, damping_like, field_like)
    rate = explicit["damping_like"] * np.cross(m, np.cross(p, m)) + explicit["field_like"] * np.cross(p, m)
    precession = np.cross(m, field)
    rate = rate - explicit["gyromagnetic_factor"] * (precession + alpha * np.cross(m, precession))
    torque = damping_like * np.cross(m, np.cross(p, m)) + field_like * np.cross(p, m)
    np.testing.assert_allclose(rate, -precession + torque + alpha * np.cross(m, rate), atol=1e-12)
    back = conventions.landau_lifshitz_to_gilbert(alpha, explicit["damping_like"], explicit["field_like"])
    assert float(back["damping_like"]) == pytest.approx(damping_like, abs=1e-14)
    assert float(back["field_like"]) == pytest.approx(field_like, abs=1e-14)
    assert float(back["gyromagnetic_factor"] * explicit["gyromagnetic_factor"]) == pytest.approx(1, rel=1e-14, abs=0)


# --- textures ---------------------------------------------------------------------------------------------------------


@given(st.floats(-1, 1), numbers)
@settings(max_examples=40, deadline=None)
def test_invariant_zhang_li_there_and_back(polarization, beta):
    typed = conventions.zhang_li_to_mumax3(polarization, beta)
    # Zhang and Li's b_J is P mu_B j/[e M_s (1 + xi^2)].
    assert float(typed["Pol"] / (1 + typed["xi"] ** 2)) == pytest.approx(polarization, rel=1e-14, abs=1e-15)
    back = conventions.zhang_li_from_mumax3(**typed)
    assert list(back.values()) == pytest.approx([polarization, beta], rel=1e-14, abs=1e-15)


def test_limit_drift_of_oommf_runs_with_the_electrons():
    # u = g mu_B P J/2eM_s = 7e-11 P J m^3/C for permalloy, J the electron flow.
    typed = conventions.zhang_li_to_oommf(0.5, 0.04, -1e12, 8e5)
    mu_b_form = units.mu_B * 0.5 * 1e12 / (units.e * 8e5)
    assert float(typed["u"]) == pytest.approx(mu_b_form, rel=2e-3, abs=0)  # g = 2.0023
    assert float(typed["u"]) == pytest.approx(7e-11 * 0.5 * 1e12, rel=0.05, abs=0)
    assert float(typed["beta"]) == 0.04


# --- transport --------------------------------------------------------------------------------------------------------


def test_paper_KK_17_torque_per_ampere_and_per_volt():
    theta, n, channels = 1.1, 0.4, 250.0
    torque, conductance = perfect_filter(theta, n)
    per_volt = conventions.torque_per_volt(torque[0], channels)
    printed = -units.e * n * channels / (2 * np.pi) * np.sin(theta) / (3 + np.cos(theta))
    assert float(per_volt) == pytest.approx(printed, rel=1e-13, abs=0)
    per_ampere = conventions.torque_per_ampere(torque[0] / conductance)
    assert float(per_ampere) == pytest.approx(units.h / (4 * np.pi * units.e) * np.tan(theta / 2), rel=1e-13, abs=0)
    # A volt at the source draws -G amperes of electrons out of it.
    siemens = channels * conductance * units.e2_over_h
    assert float(per_volt) == pytest.approx(-siemens * float(per_ampere), rel=1e-13, abs=0)


def test_paper_WD11_10_and_valet_fert_name_one_asymmetry():
    up, down = conventions.valet_fert_channels(75e-9, 0.46)
    conductivity_up, conductivity_down = 1 / up, 1 / down
    assert float((conductivity_up - conductivity_down) / (conductivity_up + conductivity_down)) == pytest.approx(
        0.46, rel=1e-12, abs=0
    )
    assert float(1 / (conductivity_up + conductivity_down)) == pytest.approx(75e-9 * (1 - 0.46**2), rel=1e-13, abs=0)
    ratio = down / up  # Campbell and Fert's alpha
    assert float((ratio - 1) / (ratio + 1)) == pytest.approx(0.46, rel=1e-14, abs=0)
    mean, beta = conventions.valet_fert_parameters(up, down)
    assert [float(mean), float(beta)] == pytest.approx([75e-9, 0.46], rel=1e-13, abs=0)


def test_limit_interface_without_spin_dependence_has_twice_the_total_in_each_channel():
    up, down = conventions.valet_fert_channels(1e-15, 0.0)
    assert float(up) == float(down) == 2e-15


@pytest.mark.parametrize("sign", [1, -1])
def test_invariant_spin_accumulations_describe_the_same_electrons(sign):
    """Two densities of electrons, a moment along -z, each room's own definition written out."""
    density_of_states, charge, half = 3e47, 0.004 * units.e, sign * 0.7e-3 * units.e
    majority, minority = charge + half, charge - half  # electrochemical potentials of electrons, J
    splitting = majority - minority
    own = {
        room: float(conventions.spin_accumulation(room, splitting, density_of_states))
        for room in ("circuit", "accumulation", "diffusion", "magnons")
    }
    voltage_up, voltage_down = majority / units.e, minority / units.e
    assert own["circuit"] == pytest.approx((voltage_up - voltage_down) / 2, rel=1e-12, abs=0)
    spins = density_of_states * (majority - minority) / 2  # each excess electron carries hbar/2 along its spin
    assert own["accumulation"] == pytest.approx(spins, rel=1e-12, abs=0)
    positive_up, positive_down = -majority, -minority
    assert own["diffusion"] == pytest.approx(positive_up - positive_down, rel=1e-12, abs=0)
    against, along = minority, majority  # seen from the localised spin
    assert own["magnons"] == pytest.approx(against - along, rel=1e-12, abs=0)
    for room, value in own.items():
        assert float(conventions.spin_splitting(room, value, density_of_states)) == pytest.approx(
            splitting, rel=1e-12, abs=0
        )
    # The bridge between the two half splittings, as vectors: V = -m_acc/(e nu), m antiparallel to n.
    assert own["circuit"] == pytest.approx(own["accumulation"] / (units.e * density_of_states), rel=1e-12, abs=0)


# --- matrices and mixing ----------------------------------------------------------------------------------------------


def test_invariant_hats_act_alike_in_both_orders():
    layer, _ = coherent_layer(5)
    hat = hat_average(layer).r
    block, n = layer.r, layer.channels
    split = block.reshape(2, n, 2, n)
    row = np.einsum("anbm,cndm->acbd", split, split.conj()).reshape(4, 4) / n
    column = np.einsum("anbm,cndm->cadb", split, split.conj()).reshape(4, 4) / n
    np.testing.assert_allclose(conventions.hat_to_vec(hat), row, atol=1e-14)
    np.testing.assert_allclose(conventions.hat_to_vec(hat, "column"), column, atol=1e-14)
    assert np.abs(row - column).max() > 0.01, "the layer must tell the orders apart"
    for order, matrix in (("row", row), ("column", column)):
        back = conventions.hat_from_vec(matrix, order)
        np.testing.assert_allclose(back, hat, atol=1e-14)
    density = np.array([[0.7, 0.1 - 0.3j], [0.1 + 0.3j, 0.4]])
    direct = sum(split[:, i, :, j] @ density @ split[:, i, :, j].conj().T for i in range(n) for j in range(n)) / n
    np.testing.assert_allclose((row @ density.reshape(4)).reshape(2, 2), direct, atol=1e-14)
    np.testing.assert_allclose((column @ density.T.reshape(4)).reshape(2, 2).T, direct, atol=1e-14)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_paper_BTBK_6_mixing_conductance_gives_the_torque_of_transport(seed):
    """BTBK (6) in moments, minority first, against the spins that the layer takes from a polarized source."""
    layer, (up, down) = coherent_layer(seed)
    n = layer.channels
    rho = np.trace(up[:n, :n] @ down[:n, :n].conj().T) / n
    tau = np.trace(up[n:, :n] @ down[n:, :n].conj().T) / n
    mixing = complex(conventions.circuit_mixing(rho, tau))
    minority_first = 1 - np.trace(down[:n, :n] @ up[:n, :n].conj().T + down[n:, :n] @ up[n:, :n].conj().T) / n
    assert mixing == pytest.approx(complex(minority_first), rel=1e-12, abs=0)
    spin = np.array([0.3, -0.5, 0.0])
    gained = transport([layer], polarization=spin).torque[0]
    # Arrows of circuit theory are moments: m = -z, V = -spin up to a positive factor; the torque is a vector, too.
    m, voltage = np.array([0.0, 0.0, -1.0]), -spin
    double = np.cross(m, np.cross(m, voltage))
    into_magnet = -2 * mixing.real * double - 2 * mixing.imag * np.cross(m, voltage)
    np.testing.assert_allclose(gained[:2], -into_magnet[:2], atol=1e-13)
    majority_first = -2 * mixing.real * double + 2 * mixing.imag * np.cross(m, voltage)
    miss = np.linalg.norm(gained[:2] + majority_first[:2])
    assert miss == pytest.approx(4 * abs(mixing.imag) * np.linalg.norm(spin), rel=1e-10, abs=0)
    assert miss > 0.01


def test_limit_mixing_conductance_scales_with_sharvin():
    assert complex(conventions.circuit_mixing(0.5j, 0.25, sharvin=2e15)) == pytest.approx(
        1.5e15 + 1e15j, rel=1e-12, abs=0
    )


# --- refusals ---------------------------------------------------------------------------------------------------------

C = conventions
OOMMF = {"polarization_fixed": 0.5, "polarization_free": 0.4, "asymmetry_fixed": 1.5, "asymmetry_free": 2.0}
BLOCK = {"P_fixed": 0.5, "P_free": 0.4, "Lambda_fixed": 1.5, "Lambda_free": 2.0}
CMTJ = {"spinPolarisation": 0.4, "SlonczewskiSpacerLayerParameter": 1.5, "beta": 0.1, "alpha": 0.1}
ANV = {"polarization": 0.4, "beta": 0.1, "current_density": 1e12, "saturation_magnetization": 8e5}


@refusals(
    Refusal("per cent", C.slonczewski_to_mumax3, {"polarization": 35, "asymmetry": 1.5}, ("polarization = 35", "<= 2")),
    Refusal(
        "unlike magnets",
        C.slonczewski_to_mumax3,
        {"polarization": np.nan, "asymmetry": 1.5},
        ("polarization = nan", "slonczewski_to_oommf"),
    ),
    Refusal(
        "Lambda below 1", C.slonczewski_to_mumax3, {"polarization": 0.3, "asymmetry": 0.5}, ("asymmetry = 0.5", ">= 1")
    ),
    Refusal(
        "perfect filters",
        C.slonczewski_to_mumax3,
        {"polarization": 1.0, "asymmetry": np.inf},
        ("asymmetry = inf", "finite"),
    ),
    Refusal(
        "field-like part",
        C.slonczewski_to_mumax3,
        {"polarization": 1.0, "asymmetry": 1.0, "field_like": np.inf},
        ("field_like = inf", "finite"),
    ),
    Refusal("Pol above 1", C.slonczewski_from_mumax3, {"Pol": 1.2, "Lambda": 1.0}, ("Pol = 1.2", "<= 1")),
    Refusal(
        "Lambda just below 1",
        C.slonczewski_to_mumax3,
        {"polarization": 0.3, "asymmetry": 0.99},
        ("asymmetry = 0.99", ">= 1"),
    ),
    Refusal(
        "polarization just above 2",
        C.slonczewski_to_mumax3,
        {"polarization": 2.01, "asymmetry": 1.5},
        ("polarization = 2.01", "<= 2"),
    ),
    Refusal("Lambda of a script", C.slonczewski_from_mumax3, {"Pol": 0.2, "Lambda": 0.9}, ("Lambda = 0.9", ">= 1")),
    Refusal(
        "secondary term of a script",
        C.slonczewski_from_mumax3,
        {"Pol": 0.2, "Lambda": 1, "EpsilonPrime": np.nan},
        ("EpsilonPrime = nan", "finite"),
    ),
    Refusal(
        "P of the fixed layer",
        C.slonczewski_to_oommf,
        OOMMF | {"polarization_fixed": 2.1},
        ("polarization_fixed = 2.1", "<= 2"),
    ),
    Refusal(
        "P of the free layer",
        C.slonczewski_to_oommf,
        OOMMF | {"polarization_free": -2.1},
        ("polarization_free = -2.1", "<= 2"),
    ),
    Refusal(
        "Lambda of the fixed layer",
        C.slonczewski_to_oommf,
        OOMMF | {"asymmetry_fixed": 0.9},
        ("asymmetry_fixed = 0.9", ">= 1"),
    ),
    Refusal(
        "free layer without asymmetry",
        C.slonczewski_to_oommf,
        OOMMF | {"asymmetry_free": 1.0},
        ("asymmetry_free = 1", "asymmetry_fixed is above 1", "1.000001"),
    ),
    Refusal("eps_prime", C.slonczewski_to_oommf, OOMMF | {"field_like": "x"}, ("field_like = 'x'", "finite")),
    Refusal("P_fixed of a block", C.slonczewski_from_oommf, BLOCK | {"P_fixed": 1.5}, ("P_fixed = 1.5", "<= 1")),
    Refusal("P_free of a block", C.slonczewski_from_oommf, BLOCK | {"P_free": 1.1}, ("P_free = 1.1", "<= 1")),
    Refusal(
        "Lambda_free of a block",
        C.slonczewski_from_oommf,
        BLOCK | {"Lambda_free": 1.0},
        ("Lambda_free = 1", "Lambda_fixed is above 1"),
    ),
    Refusal(
        "negative damping",
        C.slonczewski_to_cmtj,
        {"polarization": 0.3, "asymmetry": 1.5, "alpha": -0.1},
        ("alpha = -0.1", ">= 0"),
    ),
    Refusal(
        "slightly negative damping",
        C.slonczewski_to_cmtj,
        {"polarization": 0.3, "asymmetry": 1.5, "alpha": -1e-3},
        ("alpha = -0.001", ">= 0"),
    ),
    Refusal(
        "field-like ratio",
        C.slonczewski_to_cmtj,
        {"polarization": 0.3, "asymmetry": 1.5, "alpha": 0.1, "field_like_ratio": np.inf},
        ("field_like_ratio = inf", "finite"),
    ),
    Refusal(
        "no damping-like torque",
        C.slonczewski_from_cmtj,
        CMTJ | {"kappa": 0.0, "beta": 0.0},
        ("kappa + alpha beta = 0", "pass another kappa"),
    ),
    Refusal(
        "damping-like torque lost in rounding",
        C.slonczewski_from_cmtj,
        CMTJ | {"kappa": 0.1 + 1e-15, "beta": -1.0},
        ("kappa + alpha beta = ", "pass another kappa"),
    ),
    Refusal(
        "more torque than a valve has",
        C.slonczewski_from_cmtj,
        CMTJ | {"spinPolarisation": 1.0, "beta": 3.0, "alpha": 2.0, "kappa": 5.0},
        ("2 spinPolarisation (kappa + alpha beta)/(1 + alpha^2) = 4.4", "<= 2"),
    ),
    Refusal("damping of a layer", C.slonczewski_from_cmtj, CMTJ | {"alpha": -1.0}, ("alpha = -1", ">= 0")),
    Refusal(
        "spinPolarisation", C.slonczewski_from_cmtj, CMTJ | {"spinPolarisation": 2.0}, ("spinPolarisation = 2", "<= 1")
    ),
    Refusal(
        "damping of Gilbert", C.gilbert_to_landau_lifshitz, {"alpha": -0.1, "damping_like": 1}, ("alpha = -0.1", ">= 0")
    ),
    Refusal(
        "torque of Gilbert",
        C.gilbert_to_landau_lifshitz,
        {"alpha": 0.1, "damping_like": np.nan},
        ("damping_like = nan", "finite"),
    ),
    Refusal(
        "damping of Landau and Lifshitz",
        C.landau_lifshitz_to_gilbert,
        {"alpha": -0.1, "damping_like": 1},
        ("alpha = -0.1", ">= 0"),
    ),
    Refusal(
        "field-like torque of Landau and Lifshitz",
        C.landau_lifshitz_to_gilbert,
        {"alpha": 0.1, "damping_like": 1, "field_like": np.inf},
        ("field_like = inf", "finite"),
    ),
    Refusal(
        "polarization of a texture",
        C.zhang_li_to_mumax3,
        {"polarization": 1.5, "beta": 0.1},
        ("polarization = 1.5", "<= 1"),
    ),
    Refusal(
        "negative polarization of a texture",
        C.zhang_li_to_mumax3,
        {"polarization": -1.5, "beta": 0.1},
        ("polarization = -1.5", "<= 1"),
    ),
    Refusal("beta of a texture", C.zhang_li_to_mumax3, {"polarization": 0.5, "beta": np.nan}, ("beta = nan", "finite")),
    Refusal(
        "Pol of a texture", C.zhang_li_from_mumax3, {"Pol": 1.5, "xi": 0.1}, ("Pol/(1 + xi^2) = 1.485148515", "<= 1")
    ),
    Refusal(
        "moment of zero",
        C.zhang_li_to_oommf,
        ANV | {"saturation_magnetization": 0.0},
        ("saturation_magnetization = 0", "> 0"),
    ),
    Refusal(
        "negative gamma",
        C.zhang_li_to_oommf,
        ANV | {"gyromagnetic_ratio": -1.76e11},
        ("gyromagnetic_ratio = -1.76e+11", "> 0"),
    ),
    Refusal(
        "current of a texture",
        C.zhang_li_to_oommf,
        ANV | {"current_density": np.nan},
        ("current_density = nan", "finite"),
    ),
    Refusal(
        "insulating stack",
        C.torque_per_ampere,
        {"torque_per_current": np.nan},
        ("torque_per_current = nan", "conducts"),
    ),
    Refusal("no channels", C.torque_per_volt, {"torque": 1.0, "channels": 0}, ("channels = 0", "> 0")),
    Refusal("torque per volt", C.torque_per_volt, {"torque": np.inf, "channels": 1}, ("torque = inf", "finite")),
    Refusal("negative resistivity", C.valet_fert_channels, {"mean": -1.0, "asymmetry": 0.5}, ("mean = -1", "> 0")),
    Refusal(
        "ratio for asymmetry",
        C.valet_fert_channels,
        {"mean": 1.0, "asymmetry": 2.7},
        ("asymmetry = 2.7", "(-1, 1)", "ratio"),
    ),
    Refusal(
        "negative ratio for asymmetry",
        C.valet_fert_channels,
        {"mean": 1.0, "asymmetry": -1.5},
        ("asymmetry = -1.5", "(-1, 1)"),
    ),
    Refusal("frozen channel", C.valet_fert_parameters, {"majority": 1.0, "minority": 0.0}, ("minority = 0", "> 0")),
    Refusal("unknown room", C.spin_accumulation, {"room": "walls", "splitting": 1e-22}, ("room = 'walls'", "circuit")),
    Refusal(
        "room in a list", C.spin_accumulation, {"room": ["circuit"], "splitting": 1e-22}, ("room = ['circuit']", "pass")
    ),
    Refusal(
        "bad density where none is needed",
        C.spin_accumulation,
        {"room": "circuit", "splitting": 1e-22, "density_of_states": -1.0},
        ("density_of_states = -1", "> 0"),
    ),
    Refusal(
        "room without density",
        C.spin_splitting,
        {"room": "accumulation", "value": 1e25},
        ("density_of_states = None", "per spin"),
    ),
    Refusal(
        "density of zero",
        C.spin_splitting,
        {"room": "accumulation", "value": 1.0, "density_of_states": 0.0},
        ("density_of_states = 0", "> 0"),
    ),
    Refusal(
        "splitting not finite",
        C.spin_accumulation,
        {"room": "circuit", "splitting": np.nan},
        ("splitting = nan", "finite"),
    ),
    Refusal(
        "mixing too large",
        C.circuit_mixing,
        {"reflection_mixing": 0.63 + 0.84j},
        ("|reflection_mixing|", "= 1.05", "<= 1"),
    ),
    Refusal(
        "transmitted mixing too large",
        C.circuit_mixing,
        {"reflection_mixing": 0.0, "transmission_mixing": 1.05},
        ("|transmission_mixing| = 1.05", "<= 1"),
    ),
    Refusal(
        "sum of both mixings too large",
        C.circuit_mixing,
        {"reflection_mixing": 0.9, "transmission_mixing": 0.9},
        ("|reflection_mixing| + |transmission_mixing| = 1.8", "<= 1"),
    ),
    Refusal(
        "mixing that is no number",
        C.circuit_mixing,
        {"reflection_mixing": np.nan},
        ("reflection_mixing = nan", "finite"),
    ),
    Refusal(
        "no Sharvin conductance", C.circuit_mixing, {"reflection_mixing": 0.0, "sharvin": 0.0}, ("sharvin = 0", "> 0")
    ),
    Refusal("shape of a hat", C.hat_to_vec, {"hat": np.eye(3)}, ("hat has shape (3, 3)", "(..., 4, 4)")),
    Refusal("height of a hat", C.hat_to_vec, {"hat": np.ones((3, 4))}, ("hat has shape (3, 4)", "(..., 4, 4)")),
    Refusal("shape of a matrix", C.hat_from_vec, {"matrix": np.eye(2)}, ("matrix has shape (2, 2)", "(..., 4, 4)")),
    Refusal("order of a hat", C.hat_to_vec, {"hat": np.eye(4), "order": "C"}, ("order = 'C'", "'row'", "'column'")),
)
def test_bad_input_conventions(refusal):
    refusal.check()


def test_limit_bounds_are_admitted():
    """What the refusals above miss by some per cent is accepted at the bound itself, and a rounding beyond it."""
    assert C.slonczewski_to_mumax3(2, 1)["Pol"] == 1.0
    assert C.slonczewski_to_mumax3(-2, 1)["Pol"] == -1.0
    assert C.slonczewski_from_oommf(1, -1, 1, 1)["polarization_free"] == -2.0
    assert C.slonczewski_to_cmtj(0.3, 1.5, alpha=0)["beta"] == 0.0
    assert C.zhang_li_to_mumax3(-1, 0)["Pol"] == -1.0
    assert C.circuit_mixing(-1) == 2.0
    assert C.circuit_mixing(0.6, 0.4) == pytest.approx(0.0, abs=1e-15)
    # A rounded 1 is passed on as 1, since the codes refuse less.
    assert C.slonczewski_to_mumax3(0.3, 1 - 1e-13)["Lambda"] == 1.0
    assert C.slonczewski_to_oommf(0.3, 0.2, 1 - 1e-13, 1.0)["Lambda_fixed"] == 1.0


BEYOND = 1e-9  # above any rounding that is forgiven


@pytest.mark.parametrize(
    ("call", "arguments", "name"),
    [
        (C.slonczewski_to_mumax3, (2 + BEYOND, 1.5), "polarization"),
        (C.slonczewski_to_mumax3, (-2 - BEYOND, 1.5), "polarization"),
        (C.slonczewski_to_mumax3, (0.3, 1 - BEYOND), "asymmetry"),
        (C.slonczewski_from_mumax3, (1 + BEYOND, 1.5), "Pol"),
        (C.slonczewski_to_cmtj, (0.3, 1.5, -BEYOND), "alpha"),
        (C.zhang_li_to_mumax3, (1 + BEYOND, 0.1), "polarization"),
        (C.valet_fert_channels, (1.0, -1.0), "asymmetry"),
        (C.circuit_mixing, (0.6, -0.4 - BEYOND), "|reflection_mixing| + |transmission_mixing|"),
    ],
)
def test_bad_input_just_beyond_the_bound(call, arguments, name):
    with pytest.raises(ValueError) as caught:
        call(*arguments)
    assert str(caught.value).startswith(f"{name} = ")


# --- shapes and types -------------------------------------------------------------------------------------------------

# Every conversion of several arguments, with arguments that it accepts.
SHAPED = [
    (C.slonczewski_to_mumax3, {"polarization": 0.4, "asymmetry": 1.5, "field_like": 0.1}),
    (C.slonczewski_from_mumax3, {"Pol": 0.4, "Lambda": 1.5, "EpsilonPrime": 0.1}),
    (C.slonczewski_to_oommf, OOMMF | {"field_like": 0.1}),
    (C.slonczewski_from_oommf, BLOCK | {"eps_prime": 0.1}),
    (C.slonczewski_to_cmtj, {"polarization": 0.4, "asymmetry": 1.5, "alpha": 0.1, "field_like_ratio": 0.2}),
    (C.slonczewski_from_cmtj, CMTJ | {"kappa": 1.1}),
    (C.zhang_li_to_mumax3, {"polarization": 0.4, "beta": 0.1}),
    (C.zhang_li_from_mumax3, {"Pol": 0.4, "xi": 0.1}),
    (C.zhang_li_to_oommf, ANV | {"gyromagnetic_ratio": 1.76e11}),
    (C.gilbert_to_landau_lifshitz, {"alpha": 0.1, "damping_like": 1.0, "field_like": 0.5}),
    (C.landau_lifshitz_to_gilbert, {"alpha": 0.1, "damping_like": 1.0, "field_like": 0.5}),
    (C.torque_per_volt, {"torque": 0.3, "channels": 100.0}),
    (C.valet_fert_channels, {"mean": 75e-9, "asymmetry": 0.46}),
    (C.valet_fert_parameters, {"majority": 1.0, "minority": 3.0}),
    (C.spin_accumulation, {"room": "accumulation", "splitting": 1e-22, "density_of_states": 3e47}),
    (C.spin_accumulation, {"room": "magnons", "splitting": 1e-22, "density_of_states": 3e47}),
    (C.spin_splitting, {"room": "accumulation", "value": 1e25, "density_of_states": 3e47}),
    (C.spin_splitting, {"room": "circuit", "value": 1e-4, "density_of_states": 3e47}),
    (C.circuit_mixing, {"reflection_mixing": 0.2 + 0.1j, "transmission_mixing": 0.3j, "sharvin": 2.0}),
]
by_function = pytest.mark.parametrize(
    ("function", "arguments"), SHAPED, ids=[f"{f.__name__}-{i}" for i, (f, _) in enumerate(SHAPED)]
)


def results(value):
    """Results of a conversion by name or number."""
    named = value if isinstance(value, dict) else dict(enumerate(value if isinstance(value, tuple) else [value]))
    return {str(name): one for name, one in named.items()}


def test_every_conversion_of_several_arguments_is_tried():
    alone = {"torque_per_ampere", "hat_to_vec", "hat_from_vec"}
    assert {function.__name__ for function, _ in SHAPED} | alone == set(conventions.__all__)


@by_function
def test_bad_input_shapes_that_do_not_broadcast(function, arguments):
    names = [name for name in arguments if name != "room"]
    for first, second in [(a, b) for a in names for b in names if a < b]:
        clash = {first: np.full(2, arguments[first]), second: np.full(3, arguments[second])}
        with pytest.raises(ValueError, match="do not broadcast: pass") as caught:
            function(**arguments | clash)
        assert f"{first} of shape (2,)" in str(caught.value)
        assert f"{second} of shape (3,)" in str(caught.value)


@by_function
def test_invariant_results_have_the_common_shape_of_the_arguments(function, arguments):
    scalars = results(function(**arguments))
    for name in [name for name in arguments if name != "room"]:
        wide = arguments | {name: np.full((2, 3), arguments[name])}
        for key, array in results(function(**wide)).items():
            assert isinstance(array, np.ndarray)
            # The last digit may differ: powers of arrays and of numbers are not computed alike.
            np.testing.assert_allclose(array, np.full((2, 3), scalars[key]), rtol=1e-14)
            array[...] = 0  # an array of its own, no view of the caller's


@by_function
def test_invariant_scalars_give_floats(function, arguments):
    kind = complex if function is C.circuit_mixing else float
    assert {type(value) for value in results(function(**arguments)).values()} == {kind}
    assert {type(value) for value in results(function(**{k: _zero_dim(v) for k, v in arguments.items()})).values()} == {
        kind
    }


def _zero_dim(value):
    return value if isinstance(value, str) else np.array(value)


def test_limit_torque_per_ampere_of_scalars_and_arrays():
    assert type(C.torque_per_ampere(0.5)) is float
    np.testing.assert_allclose(C.torque_per_ampere([1.0, 2.0]), units.hbar / units.e * np.array([0.5, 1.0]), rtol=1e-14)


def test_limit_negative_beta_of_a_texture_keeps_its_sign():
    assert C.zhang_li_to_oommf(0.5, -0.2, 1e12, 8e5)["beta"] == -0.2
    assert C.zhang_li_to_mumax3(0.5, -0.2)["xi"] == -0.2


@given(st.floats(-1, 1), st.floats(1, 9), numbers, dampings, numbers)
@settings(max_examples=60, deadline=None)
def test_invariant_slonczewski_to_cmtj_takes_what_its_inverse_returns(pol, length, beta, alpha, kappa):
    try:
        asked = C.slonczewski_from_cmtj(pol, length, beta, alpha, kappa)
    except ValueError:
        share = abs(kappa + alpha * beta) / (1 + alpha**2)
        # |Pol share| > 1 or a share lost in rounding: nothing else in this range is refused.
        assert abs(pol) * share > 1 or share <= 1e-11
        return
    again = C.slonczewski_to_cmtj(asked["polarization"], asked["asymmetry"], alpha, asked["field_like_ratio"])
    # The same torque: cmtj knows only the two products with spinPolarisation.
    for name, own in (("kappa", kappa), ("beta", beta)):
        product = again["spinPolarisation"] * again[name]
        assert product == pytest.approx(pol * own, rel=1e-9, abs=1e-9 * abs(pol) * (abs(kappa) + abs(beta)))
