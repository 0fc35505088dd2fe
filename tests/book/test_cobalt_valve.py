"""The Co/Cu/Co chapter: its numbers by resistors in plain numpy, and the traps it names with what they miss."""

import ast
import re

import jupytext
import numpy as np
import pytest
from scipy.constants import e, hbar
from scipy.linalg import expm

from spinlib.conventions import slonczewski_to_cmtj, slonczewski_to_mumax3, slonczewski_to_oommf
from spinlib.materials import material
from spinlib.scattering.closed_forms import slonczewski_parameters
from spinlib.scattering.stack import bulk_layer, ferromagnet, normal_metal, transport, valet_fert_rates
from tools.notebooks import ROOT

CHAPTER = ROOT / "book" / "cobalt_valve.md"

# Inputs of the worked example, typed here so that a change of the table of materials does not move these tests.
SHARVIN = 1 / 0.558e15  # of one spin [Ohm m^2]
INTERFACE = 2 * 0.51e-15 * (1 + np.array([-1, 1]) * 0.77)  # of majority and minority
COBALT, COBALT_STAR, LENGTH = 2 * 75e-9 * (1 + np.array([-1, 1]) * 0.46), 75e-9, 60e-9
COPPER = 6e-9  # both spins in parallel
MIXING = {"clean": 0.546e15 + 0.015e15j, "alloyed": 0.564e15 - 0.042e15j}
FIXED, FREE, SPACER = 10e-9, 3e-9, 6e-9
FEMTO = 1e-15


def rho_of(kind):
    return 1 - np.conj(MIXING[kind]) * SHARVIN


def transmissions(thickness):
    return 1 / (1 + (2 * INTERFACE + COBALT * thickness) / SHARVIN)


def spacer(thickness=SPACER, per_spin=2.0):
    return normal_metal(1 / (1 + per_spin * COPPER * thickness / SHARVIN))


def magnet(thickness, theta=0.0, rho=None):
    rho = rho_of("clean").real if rho is None else rho
    return ferromagnet(*transmissions(thickness), reflection_mixing=rho, transmission_mixing=0, theta=theta)


def valve(theta, rho=None, per_spin=2.0):
    return [magnet(FIXED, theta, rho), spacer(per_spin=per_spin), magnet(FREE, 0.0, rho)]


def resistor_sums(per_spin=2.0):
    """Return A R of P and AP: two currents in parallel, one Sharvin resistance for both reservoirs [Ohm m^2]."""
    fixed, free = (2 * INTERFACE + COBALT * thickness for thickness in (FIXED, FREE))
    rest = SHARVIN + per_spin * COPPER * SPACER
    return np.array([1 / np.sum(1 / (rest + fixed + other)) for other in (free, free[::-1])])


def series_current(theta, rho_fixed, rho_free, impedances=None):
    """Return j on (charge, x, y, z) from resistances in series, the chapter's second route."""
    if impedances is None:
        impedances = [np.diag(1 / transmissions(d) - 0.5) for d in (FIXED, FREE)]
    both = np.array([[1, 1], [1, -1]])
    total = 2 * COPPER * SPACER / SHARVIN * np.eye(4)
    for own, rho, angle in zip(impedances, (rho_fixed, rho_free), (theta, 0.0), strict=True):
        z = 1 / (1 - rho) - 0.5
        matrix = np.zeros((4, 4))
        matrix[np.ix_([0, 3], [0, 3])] = both @ own @ both / 2
        matrix[1:3, 1:3] = [[z.real, z.imag], [-z.imag, z.real]]
        c, s = np.cos(angle), np.sin(angle)
        turn = np.array([[1, 0, 0, 0], [0, c, 0, s], [0, 0, 1, 0], [0, -s, 0, c]])
        total += turn @ matrix @ turn.T
    return np.linalg.solve(total, [1.0, 0, 0, 0])


def exact_torque(theta):
    """Return T_x/g on Co(3) for real mixing, by the second route."""
    j = series_current(theta, rho_of("clean").real, rho_of("clean").real)
    return j[1] / j[0]


def slopes():
    return np.array([exact_torque(1e-5) / np.sin(1e-5), exact_torque(np.pi - 1e-5) / np.sin(1e-5)])


def law():
    return slonczewski_parameters(magnet(FIXED), spacer().t[0, 0], magnet(FREE))


# ---- from materials to layers --------------------------------------------------------------------------------------


def test_limit_worked_numbers():
    np.testing.assert_allclose(transmissions(FIXED), [0.5835, 0.2360], atol=5e-5)
    np.testing.assert_allclose(transmissions(FREE), [0.7156, 0.2957], atol=5e-5)
    assert spacer().t[0, 0] == pytest.approx(0.9614, abs=5e-5)
    near = 1e-5
    torque = transport(valve(np.array([near, np.pi / 2, np.pi - near]))).torque_per_current[:, 2, 0]
    np.testing.assert_allclose(torque / [near, 1, near], [0.2419, 0.4153, 1.0534], atol=5e-5)
    ends = SHARVIN / transport(valve(np.array([0, np.pi]))).conductance
    np.testing.assert_allclose(ends / FEMTO, [2.914, 3.932], atol=5e-4)
    symmetric = slonczewski_parameters(magnet(FREE), spacer().t[0, 0], magnet(FREE))
    assert symmetric.polarization == pytest.approx(0.5195, abs=5e-5)
    assert symmetric.asymmetry**2 == pytest.approx(3.5226, abs=5e-5)


def test_limit_area_resistance_is_that_of_two_currents():
    ends = SHARVIN / transport(valve(np.array([0, np.pi]))).conductance
    np.testing.assert_allclose(ends, resistor_sums(), rtol=1e-13)


def test_limit_torque_and_resistance_follow_from_resistances_in_series():
    theta = np.linspace(0.05, 3.1, 15)
    for kind, part in (("clean", np.real), ("clean", np.asarray), ("alloyed", np.asarray)):
        rho = part(rho_of(kind))
        result = transport(valve(theta, rho))
        j = np.array([series_current(angle, rho, rho) for angle in theta])
        np.testing.assert_allclose(result.conductance, 2 * j[:, 0], rtol=1e-12)
        np.testing.assert_allclose(result.torque_per_current[:, 2, :2], j[:, 1:3] / j[:, :1], atol=1e-12)
    np.testing.assert_allclose(law()(theta), [exact_torque(angle) for angle in theta], rtol=1e-11)


def test_limit_spacer_resistivity_counts_both_spins():
    # Ohm's law is the second route: a wire of copper adds rho d to the area resistance.
    for thickness in (6e-9, 1e-7, 1e-5):
        added, trap = (
            SHARVIN / transport([spacer(thickness, per_spin)]).conductance - SHARVIN / 2 for per_spin in (2.0, 1.0)
        )
        # The Sharvin resistance, 25 times the thinnest wire, is subtracted.
        assert added == pytest.approx(COPPER * thickness, rel=1e-11, abs=0)
        assert trap == pytest.approx(COPPER * thickness / 2, rel=1e-11, abs=0)
    # In the valve the trap misses by what the resistor sums predict.
    miss = SHARVIN / transport(valve(np.array([0, np.pi]), per_spin=1.0)).conductance - resistor_sums()
    np.testing.assert_allclose(miss, resistor_sums(1.0) - resistor_sums(2.0), rtol=1e-10)
    np.testing.assert_allclose(miss / FEMTO, [-0.0227, -0.0181], atol=5e-5)
    # To first order: rho d times the squared shares of the two currents.
    fixed, free = (2 * INTERFACE + COBALT * thickness for thickness in (FIXED, FREE))
    for missed, other in zip(miss, (free, free[::-1]), strict=True):
        current = 1 / (SHARVIN + 2 * COPPER * SPACER + fixed + other)
        assert missed == pytest.approx(-COPPER * SPACER * np.sum((current / current.sum()) ** 2), rel=0.01, abs=0)


# ---- layer by layer ------------------------------------------------------------------------------------------------


def layered(thickness, length, theta=0.0, tau=0.0):
    up, down, flip = valet_fert_rates(COBALT_STAR, 0.46, length, SHARVIN)
    rho = rho_of("clean").real
    first, last = (
        ferromagnet(
            *1 / (1 + INTERFACE / SHARVIN),
            reflection_mixing=left,
            reflection_mixing_right=right,
            transmission_mixing=tau,
            theta=theta,
        )
        for left, right in ((rho, 0), (0, rho))
    )
    decay = (up + down) / 2 + 2 * flip + 1e9
    return [first, bulk_layer(thickness, up, down, spin_flip=flip, transverse_decay=decay, theta=theta), last]


def layered_valve(theta, length, tau=0.0):
    stack = [*layered(FIXED, length, theta, tau), spacer(), *layered(FREE, length, 0.0, tau)]
    result = transport(stack)
    return result.torque_per_current[4:, 0].sum(), result.conductance


def seen_from_spacer(thickness):
    """Return the resistance of (up, down) of a magnet with flips and its reservoir, from Valet and Fert's equations."""
    generator = np.zeros((4, 4))
    generator[:2, 2:] = -np.diag(COBALT) / SHARVIN
    generator[2:, :2] = -np.array([[1, -1], [-1, 1]]) * SHARVIN / (4 * COBALT_STAR * LENGTH**2)
    chain = expm(generator * thickness)
    z = np.eye(2) / 2 + np.diag(INTERFACE) / SHARVIN
    z = np.linalg.solve(chain[:2, :2] - z @ chain[2:, :2], z @ chain[2:, 2:] - chain[:2, 2:])
    return z + np.diag(INTERFACE) / SHARVIN


@pytest.mark.parametrize("theta", [0.3, np.pi / 2, 2.8])
def test_limit_layers_without_flips_are_the_lumped_magnets(theta):
    torque, conductance = layered_valve(theta, np.inf)
    lumped = transport(valve(theta))
    assert torque == pytest.approx(lumped.torque_per_current[2, 0], rel=1e-11, abs=0)
    assert conductance == pytest.approx(float(lumped.conductance), rel=1e-12, abs=0)


@pytest.mark.parametrize("theta", [0.3, np.pi / 2, 2.8])
def test_limit_layers_with_flips_follow_valet_and_fert(theta):
    torque, conductance = layered_valve(theta, LENGTH)
    rho = rho_of("clean").real
    j = series_current(theta, rho, rho, [seen_from_spacer(d) for d in (FIXED, FREE)])
    assert torque == pytest.approx(j[1] / j[0], rel=1e-10, abs=0)
    assert conductance == pytest.approx(2 * j[0], rel=1e-11, abs=0)
    # Flips are no rounding: they raise the slope at 0 and lower the one at pi.
    assert np.sign(torque / exact_torque(theta) - 1) == (1 if theta == 0.3 else -1)


def test_limit_transmitted_transverse_spin_lowers_the_torque_by_what_leaves_the_free_layer():
    aligned = np.sqrt(np.prod(1 / (1 + INTERFACE / SHARVIN)))
    torque, _ = layered_valve(np.pi / 2, np.inf, aligned)
    # What passes both interfaces and the slab, reflected nowhere within; the spacer sees the same rho but for
    # reflections at the far interface, which vanish.
    through = aligned**2 * np.exp(-FREE * (1e9 + COBALT.sum() / 2 / SHARVIN))
    kept = 1 - through / (1 - rho_of("clean").real)
    assert torque == pytest.approx(kept * exact_torque(np.pi / 2), rel=1e-10, abs=0)
    assert 100 * (kept - 1) == pytest.approx(-1.74, abs=0.01)


# ---- torque in SI --------------------------------------------------------------------------------------------------


def test_limit_torque_of_a_current_is_that_of_its_bias():
    area, current = np.pi / 4 * 100e-9 * 60e-9, 1e-3
    result = transport(valve(np.pi / 2))
    torque = hbar / (2 * e) * result.torque_per_current[2, 0] * current
    assert torque == pytest.approx(1.367e-19, rel=5e-4, abs=0)
    # e N T/4 pi per volt with N = A G_Sh h/e^2 and V = I R from the second route: h is 2 pi hbar.
    j = series_current(np.pi / 2, rho_of("clean").real, rho_of("clean").real)
    volt = current * SHARVIN / (2 * j[0]) / area
    channels = area / SHARVIN * 2 * np.pi * hbar / e**2
    assert e * channels / (4 * np.pi) * 2 * j[1] * volt == pytest.approx(torque, rel=1e-12, abs=0)


def test_invariant_reversed_current_reverses_all_torques():
    theta = np.linspace(0, np.pi, 13)
    for kind in MIXING:
        forward, backward = (transport(valve(theta, rho_of(kind)), source=side) for side in ("left", "right"))
        np.testing.assert_allclose(forward.torque, -backward.torque, atol=1e-15)
    # Electrons that pass the fixed layer first pull the free one towards it and push the fixed one away.
    inner = transport(valve(theta[1:-1])).torque
    away = np.stack([np.cos(theta[1:-1]), 0 * theta[1:-1], -np.sin(theta[1:-1])], axis=-1)
    assert (inner[:, 2, 0] > 0.01).all()
    assert ((inner[:, 0] * away).sum(axis=-1) > 0.01).all()


def test_limit_torque_out_of_the_plane_is_a_small_difference_that_changes_sign():
    theta = np.linspace(0.01, np.pi - 0.01, 41)
    for kind in MIXING:
        rho = rho_of(kind)
        result = transport(valve(theta, rho)).torque_per_current
        # Nothing normal to the plane leaves: the two layers share it.
        np.testing.assert_allclose(result[:, 0, 1], -result[:, 2, 1], atol=1e-15)
        factor = result[:, 2, 1] / np.sin(theta)
        assert factor[0] * factor[-1] < 0
        in_plane = result[:, 2, 0] / np.sin(theta)
        assert np.abs(factor / in_plane).max() < 0.01
        # The phase of one magnet alone gives much more, and with opposite signs for the two.
        one, other = (
            series_current(np.pi / 2, *pair)[2] / series_current(np.pi / 2, *pair)[0]
            for pair in ((rho, rho.real), (rho.real, rho))
        )
        assert one * other < 0
        assert min(abs(one), abs(other)) > 15 * abs(factor[20])


def test_limit_symmetric_valves_have_a_resistance_of_one_parameter():
    rng = np.random.default_rng(4)
    theta = np.linspace(0, np.pi, 31)
    cosine_squared = np.cos(theta / 2) ** 2

    def normalised(first, second):
        resistance = 1 / transport([first(theta), normal_metal(0.7), second(0.0)]).conductance
        return (resistance - resistance[0]) / (resistance[-1] - resistance[0])

    for up, down, share in rng.uniform(0.1, 0.9, (20, 3)):

        def twin(angle, up=up, down=down, share=share):
            rho = share * np.sqrt((1 - up) * (1 - down))
            return ferromagnet(up, down, reflection_mixing=rho, transmission_mixing=0, theta=angle)

        chi = slonczewski_parameters(twin(0.0), 0.7, twin(0.0)).asymmetry ** 2 - 1
        np.testing.assert_allclose(normalised(twin, twin), (1 - cosine_squared) / (1 + chi * cosine_squared), atol=1e-9)
    # The valve of the chapter is not symmetric: the fitted law misses by 3e-4, the geometric mean by 2e-3.
    conductance = transport(valve(theta)).conductance
    share = (1 / conductance - 1 / conductance[0]) / (1 / conductance[-1] - 1 / conductance[0])
    fitted, mean = 1 / share[15] - 2, law().asymmetry_fixed * law().asymmetry_free - 1
    misses = [np.abs(share - (1 - cosine_squared) / (1 + chi * cosine_squared)).max() for chi in (fitted, mean)]
    np.testing.assert_allclose(misses, [2.7e-4, 2.3e-3], rtol=0.05)


# ---- what to type --------------------------------------------------------------------------------------------------


def epsilon(pol, lam, cosine):
    """Slonczewski's factor as mumax3 and cmtj evaluate it [hbar per electron]."""
    return pol * lam**2 / ((lam**2 + 1) + (lam**2 - 1) * cosine)


def matched():
    s_0, s_pi = slopes()
    return slonczewski_to_mumax3(2 * s_0, np.sqrt(s_pi / s_0))


def test_limit_one_pair_of_parameters_matches_both_slopes():
    typed, (s_0, s_pi) = matched(), slopes()
    assert typed["Pol"] == pytest.approx(s_0, rel=1e-12, abs=0)
    ends = [2 * epsilon(typed["Pol"], typed["Lambda"], cosine) for cosine in (1, -1)]
    np.testing.assert_allclose(ends, [s_0, s_pi], rtol=1e-12)
    # In between it cannot follow: at a right angle the pair gives the harmonic mean of the slopes, and the valve more.
    middle = 2 * epsilon(typed["Pol"], typed["Lambda"], 0)
    assert middle == pytest.approx(2 * s_0 * s_pi / (s_0 + s_pi), rel=1e-12, abs=0)
    assert 100 * (middle / exact_torque(np.pi / 2) - 1) == pytest.approx(-5.28, abs=0.01)
    others = slonczewski_to_cmtj(2 * s_0, np.sqrt(s_pi / s_0), 0.01)
    assert others["spinPolarisation"] == pytest.approx(float(typed["Pol"]), rel=1e-12, abs=0)
    assert others["SlonczewskiSpacerLayerParameter"] == pytest.approx(float(typed["Lambda"]), rel=1e-12, abs=0)


def test_limit_polarization_of_the_codes_is_half_of_that_of_the_torque_per_electron():
    symmetric = slonczewski_parameters(magnet(FREE), spacer().t[0, 0], magnet(FREE))
    typed = slonczewski_to_mumax3(symmetric.polarization, symmetric.asymmetry)
    for theta in (0.4, 1.5, 2.7):
        layers = [magnet(FREE, theta), spacer(), magnet(FREE)]
        solved = transport(layers).torque_per_current[2, 0] / np.sin(theta)
        right, trap = (
            2 * epsilon(pol, typed["Lambda"], np.cos(theta)) for pol in (typed["Pol"], symmetric.polarization)
        )
        assert right == pytest.approx(solved, rel=1e-11, abs=0)
        assert trap == pytest.approx(2 * solved, rel=1e-11, abs=0)


def test_limit_two_pairs_of_parameters_are_exact():
    shape = law()
    typed = slonczewski_to_oommf(
        shape.polarization_fixed, shape.polarization_free, shape.asymmetry_fixed, shape.asymmetry_free
    )
    for theta in np.linspace(0.1, 3.0, 12):
        # Slonczewski's function in the terms q+ and q- of Xiao, Zangwill and Stiles.
        a, b = typed["Lambda_fixed"] ** 2, typed["Lambda_free"] ** 2
        first = typed["P_fixed"] * a * np.sqrt((b + 1) / (a + 1))
        second = typed["P_free"] * b * np.sqrt((a - 1) / (b - 1))
        mean, swing = np.sqrt((a + 1) * (b + 1)), np.sqrt((a - 1) * (b - 1)) * np.cos(theta)
        factor = (first + second) / 2 / (mean + swing) + (first - second) / 2 / (mean - swing)
        assert 2 * factor * np.sin(theta) == pytest.approx(exact_torque(theta), rel=1e-11, abs=0)


def script_of_the_chapter():
    """Return the assignments of the mumax3 script as the chapter writes them, before numbers are filled in."""
    (script,) = re.findall(r'script = f"""\\\n(.*?)"""', CHAPTER.read_text(encoding="utf-8"), re.DOTALL)
    lines = [line.partition("//")[0] for line in script.splitlines()]
    return {name.strip(): text.strip() for name, _, text in (line.partition("=") for line in lines if "=" in line)}


def test_limit_script_of_the_chapter_pulls_the_free_layer_as_the_valve_does():
    script = script_of_the_chapter()
    assert script["FixedLayerPosition"] == "FIXEDLAYER_BOTTOM"
    assert script["J"] == "vector(0, 0, {-current / area:.4e})"
    assert script["FreeLayerThickness"] == "3e-9"
    assert script["DisableZhangLiTorque"] == "true"
    # mumax3: beta = hbar J/(e M_s d), the thickness negative for FIXEDLAYER_BOTTOM; torque beta epsilon m x (p x m),
    # in T, equal to gamma^-1 dm/dt. On the area A that is A d M_s beta epsilon in N m.
    area, current, m_s, sign = np.pi / 4 * 100e-9 * 60e-9, 1e-3, 1.4e6, -1
    beta = hbar * (-current / area) / (e * m_s * sign * FREE)
    typed, theta = matched(), 1e-4
    m, p = np.array([0, 0, 1.0]), np.array([np.sin(theta), 0, np.cos(theta)])
    kernel = beta * epsilon(typed["Pol"], typed["Lambda"], m @ p) * np.cross(m, np.cross(p, m)) * area * FREE * m_s
    # Spins point against the moments: reverse magnets and torque.
    fixed, free = magnet(FIXED, np.pi + theta), magnet(FREE, np.pi)
    ours = -hbar / (2 * e) * transport([fixed, spacer(), free]).torque_per_current[2] * current
    np.testing.assert_allclose(kernel, ours, rtol=1e-6, atol=1e-12 * np.abs(ours).max())
    assert kernel[0] > 0


# ---- exercise ------------------------------------------------------------------------------------------------------


def test_limit_two_references_double_the_torque_at_a_right_angle_exactly():
    rng = np.random.default_rng(7)
    for _ in range(20):
        (up, down), (ref_up, ref_down), (n, rho) = rng.uniform(0.1, 0.9, (3, 2))
        rho *= np.sqrt((1 - up) * (1 - down))

        def reference(theta, ref_up=ref_up, ref_down=ref_down):
            return ferromagnet(ref_up, ref_down, theta=theta)

        free = ferromagnet(up, down, reflection_mixing=rho, transmission_mixing=0)
        single = [reference(np.pi / 2), normal_metal(n), free]
        dual = transport([*single, normal_metal(n), reference(-np.pi / 2)])
        assert dual.torque_per_current[2, 0] == pytest.approx(
            2 * transport(single).torque_per_current[2, 0], rel=1e-10, abs=0
        )
    near = 1e-4
    behind = [spacer(), magnet(FIXED, np.pi + near)]
    gain = transport([*valve(near), *behind]).torque_per_current[2, 0] / (slopes()[0] * near)
    assert gain == pytest.approx(9.622, abs=1e-3)


def test_limit_copper_that_halves_the_slope():
    # Same resistances with another spacer: transverse and longitudinal element at theta = 0 in closed form.
    def slope(thickness):
        r = 2 * COPPER * thickness / SHARVIN
        a, b = (1 / transmissions(d) - 0.5 for d in (FIXED, FREE))
        z = 1 / (1 - rho_of("clean").real) - 0.5
        # Rotate the fixed magnet by a small angle: u_x gains theta times (u_z - z j_z) of its frame.
        j_up, j_down = 1 / (a + b + r)
        j_z = (j_up - j_down) / (j_up + j_down)
        drop = -(a[0] - a[1]) / 2 - ((a[0] + a[1]) / 2 - z) * j_z
        return drop / (2 * z + r)

    assert slope(SPACER) == pytest.approx(slopes()[0], rel=1e-8, abs=0)
    assert slope(867.8e-9) / slope(SPACER) == pytest.approx(0.5, abs=1e-4)


# ---- the page ------------------------------------------------------------------------------------------------------


def test_invariant_figures_say_that_their_inputs_are_unverified():
    cells = jupytext.read(CHAPTER, fmt="md:myst").cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    # Every value passes through one call, and what it is asked for stands in one table.
    assert len(re.findall(r"\bmaterial\(", code)) == 1
    (wanted,) = re.findall(r"^wanted = (\{.*?^\})", code, re.DOTALL | re.MULTILINE)
    used = ast.literal_eval(wanted)
    open_entries = [name for name, quantities in used.items() for q in quantities if not material(name, q).verified]
    captions = [cell.metadata["mystnb"]["figure"]["caption"] for cell in cells if "mystnb" in cell.metadata]
    assert len(captions) == 5
    for caption in captions:
        assert ("unverified inputs" in caption) == bool(open_entries), "the badge follows the table of materials"
