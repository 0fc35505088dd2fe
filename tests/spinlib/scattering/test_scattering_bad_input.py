from dataclasses import replace

import numpy as np
import pytest

from spinlib.scattering.closed_forms import (
    dirty_spacer_torque,
    perfect_filter,
    slonczewski_parameters,
    weak_filter_torque,
)
from spinlib.scattering.random_matrix import random_spacer
from spinlib.scattering.smatrix import SMatrix, compose, mode_amplitudes, rotate
from spinlib.scattering.stack import (
    HatMatrix,
    bulk_layer,
    ferromagnet,
    hat_average,
    normal_metal,
    transport,
    valet_fert_rates,
)
from tests.bad_input import Refusal, refusals

ONE, ZERO = np.eye(2), np.zeros((2, 2))
HAT, NOTHING = np.eye(4), np.zeros((4, 4))
WIRE = SMatrix(ZERO, ONE, ONE, ZERO)
WIDE = SMatrix(np.zeros((4, 4)), np.eye(4), np.eye(4), np.zeros((4, 4)))
MAGNET = ferromagnet(0.6, 0.2)
BULK = {"thickness": 1.0, "scattering_up": 0.5, "scattering_down": 1.5, "transverse_decay": 2.0}
FERT = {"resistivity": 75e-9, "beta": 0.46, "spin_diffusion_length": 60e-9, "sharvin_resistance": 1.8e-15}
WEAK = {
    "theta": 1.0,
    "spacer_transmission": 0.5,
    "transmission_a": 0.5,
    "asymmetry_a": 0.1,
    "transmission_b": 0.4,
    "asymmetry_b": 0.1,
}
DIRTY = {
    "theta": 1.0,
    "spacer_transmission": 0.01,
    "transmission_up_a": 0.5,
    "transmission_down_a": 0.2,
    "reflection_mixing_b": 0.1,
    "transmission_mixing_b": 0.2,
}
FORM = {"fixed": MAGNET, "spacer_transmission": 1.0, "free": MAGNET}


def row(rule, call, arguments, *says):
    return Refusal(rule, call, arguments, says)


def magnet(up=0.6, down=0.2, **named):
    return {"transmission_up": up, "transmission_down": down, **named}


def hat(**blocks):
    return {"r": NOTHING, "t_prime": HAT, "t": HAT, "r_prime": NOTHING, **blocks}


def single(i, j, value):
    block = np.zeros((4, 4))
    block[i, j] = value
    return block


def composed(layers):
    return compose(*layers)


@refusals(
    row(
        "T_up above 1", ferromagnet, magnet(up=1.2), "transmission_up = 1.2", "0 <= transmission_up <= 1", "conductance"
    ),
    row("T_up just above 1", ferromagnet, magnet(up=1 + 1e-9), "transmission_up = 1.000000001", "pass"),
    row("T_down negative", ferromagnet, magnet(down=-0.1), "transmission_down = -0.1", "pass 0 <="),
    row("one bad entry of many", ferromagnet, magnet(up=[0.1, 7.0]), "transmission_up[1] = 7", "pass"),
    row("nan", ferromagnet, magnet(up=float("nan")), "transmission_up = nan", "is not finite", "pass"),
    row("a word", ferromagnet, magnet(up="half"), "transmission_up = 'half'", "not an array of real numbers"),
    row(
        "rho above its bound", ferromagnet, magnet(reflection_mixing=0.6), "reflection_mixing = 0.6", "None for aligned"
    ),
    row("rho just above", ferromagnet, magnet(reflection_mixing=np.sqrt(0.32) + 1e-6), "reflection_mixing", "pass"),
    row("tau above its bound", ferromagnet, magnet(transmission_mixing=0.36j), "transmission_mixing = 0+0.36j", "pass"),
    row("rho right", ferromagnet, magnet(reflection_mixing_right=0.7), "reflection_mixing_right = 0.7", "pass"),
    row("tau right", ferromagnet, magnet(transmission_mixing_right=-1), "transmission_mixing_right = -1", "pass"),
    row("rho nan", ferromagnet, magnet(reflection_mixing=complex("nan")), "reflection_mixing = nan", "pass"),
    row(
        "magnet shapes", ferromagnet, magnet(up=[0.1, 0.2], down=[0.1, 0.2, 0.3]), "transmission_up", "do not broadcast"
    ),
    row("magnet angle shapes", ferromagnet, magnet(up=[0.1, 0.2], theta=[1, 2, 3.0]), "theta", "do not broadcast"),
    row("magnet theta infinite", ferromagnet, magnet(theta=np.inf), "theta = inf", "pass angles in rad"),
    row("magnet theta nan", ferromagnet, magnet(theta=np.nan), "theta = nan", "pass angles in rad"),
    row("magnet phi", ferromagnet, magnet(phi=[0, np.inf]), "phi[1] = inf", "pass angles in rad"),
    row("magnet theta ragged", ferromagnet, magnet(theta=[[1], [1, 2]]), "theta = [[1], [1, 2]]", "real numbers"),
    row("n zero", normal_metal, {"transmission": 0.0}, "transmission = 0", "0 < transmission <= 1"),
    row("n above 1", normal_metal, {"transmission": 1.5}, "transmission = 1.5", "pass"),
    row("n negative", normal_metal, {"transmission": [-0.5]}, "transmission[0] = -0.5", "pass"),
    row("n nan", normal_metal, {"transmission": np.nan}, "transmission = nan", "pass"),
)
def test_bad_input_magnets_and_spacers(refusal):
    refusal.check()


@refusals(
    row("S not unitary", SMatrix.from_matrix, {"matrix": 1.1 * np.eye(4)}, "not unitary", "0.21", "pass"),
    row("S just not unitary", SMatrix.from_matrix, {"matrix": np.sqrt(1 + 2e-8) * np.eye(4)}, "unitary", "pass"),
    row("S odd size", SMatrix.from_matrix, {"matrix": np.eye(6)}, "matrix has shape (6, 6)", "(..., 4N, 4N)"),
    row("S a row", SMatrix.from_matrix, {"matrix": [1, 0, 0, 0]}, "matrix has shape (4,)", "pass S"),
    row("S nan", SMatrix.from_matrix, {"matrix": np.full((4, 4), np.nan)}, "matrix[0, 0] = nan", "pass"),
    row("one spin not unitary", SMatrix.from_spins, {"up": ONE, "down": 2 * ONE}, "unitary", "pass"),
    row("odd spin block", SMatrix.from_spins, {"up": np.eye(3), "down": np.eye(3)}, "up has shape (3, 3)", "pass"),
    row(
        "spins of two sizes", SMatrix.from_spins, {"up": np.eye(2), "down": np.eye(4)}, "down has shape (4, 4)", "pass"
    ),
    row(
        "block sizes",
        SMatrix,
        {"r": ZERO, "t_prime": np.eye(4), "t": ONE, "r_prime": ZERO},
        "t_prime has shape",
        "pass",
    ),
    row("odd 2N", SMatrix, {k: np.eye(3) for k in ("r", "t_prime", "t", "r_prime")}, "r has shape (3, 3)", "2N"),
    row(
        "block batches",
        SMatrix,
        {"r": np.zeros((2, 2, 2)), "t_prime": ONE, "t": np.ones((3, 1, 1)) * ONE, "r_prime": ZERO},
        "do not broadcast",
        "pass",
    ),
    row(
        "hat size",
        HatMatrix,
        dict.fromkeys(("r", "t_prime", "t", "r_prime"), np.eye(3)),
        "r has shape (3, 3)",
        "(..., 4, 4)",
    ),
    row(
        "hat loses charge",
        HatMatrix,
        hat(t=HAT - single(0, 0, 0.1), r_prime=single(0, 0, 0.1)),
        "charge",
        "r + t",
        "pass",
    ),
    row("hat charge limit", HatMatrix, hat(r=single(0, 2, 2e-9)), "charge defect", "within 1e-9"),
    row("hat charge right", HatMatrix, hat(r_prime=single(0, 1, 0.1)), "charge defect of r' + t'", "pass"),
    row("hat not unital", HatMatrix, hat(r=single(3, 0, 0.1)), "is not unital", "r + t'", "pass"),
    row("hat not unital right", HatMatrix, hat(r_prime=single(3, 0, 0.1)), "is not unital", "r' + t", "pass"),
    row(
        "hat with negative probabilities",
        HatMatrix,
        hat(r=-HAT, t_prime=2 * HAT, t=2 * HAT, r_prime=-HAT),
        "Choi eigenvalue of r = -2",
        "within 1e-9",
        "hat_average",
    ),
    row(
        "hat positive but not completely",
        HatMatrix,
        hat(t=np.diag([1, 1, -1, 1])),
        "Choi eigenvalue of t = -1",
        "completely positive",
        "pass",
    ),
    row("hat t' just too much spin", HatMatrix, hat(t_prime=np.diag([1, 1, 1, 1 - 2.1e-9])), "of t_prime = -", "pass"),
    row("hat r' of spin alone", HatMatrix, hat(r_prime=np.diag([0, 0.5, 0.5, 0.5])), "of r_prime = -0.25", "pass"),
    row(
        "one bad hat of many",
        HatMatrix,
        hat(t=np.stack([HAT, np.diag([1, 1, 1, 0.5])])),
        "Choi eigenvalue of t[1] = -0.25",
        "pass",
    ),
    row("hat nan", HatMatrix, hat(r=single(1, 1, np.nan)), "r[1, 1] = nan", "pass"),
    row("hat complex", HatMatrix, hat(r=NOTHING * 1j), "r =", "not an array of real numbers"),
    row("hat of a hat", hat_average, {"smatrix": MAGNET}, "smatrix is a HatMatrix", "pass one SMatrix"),
    row(
        "turn shapes",
        rotate,
        {"layer": ferromagnet([0.5, 0.6], 0.1), "theta": [1, 2, 3.0]},
        "theta",
        "do not broadcast",
    ),
    row("turn of a hat, theta", rotate, {"layer": MAGNET, "theta": np.inf}, "theta = inf", "pass angles in rad"),
    row("turn of a hat, phi", rotate, {"layer": MAGNET, "theta": 1, "phi": np.nan}, "phi = nan", "pass angles"),
    row("turn of S, theta", rotate, {"layer": WIRE, "theta": "up"}, "theta = 'up'", "pass angles in rad"),
    row("turn of S, phi", rotate, {"layer": WIRE, "theta": 1, "phi": [0, np.nan]}, "phi[1] = nan", "pass angles"),
    row("turn of a number", rotate, {"layer": 3, "theta": 0.1}, "layer = 3", "pass one SMatrix or HatMatrix"),
    row("turn of a class", rotate, {"layer": SMatrix, "theta": 0.1}, "layer = <class", "pass one SMatrix"),
)
def test_bad_input_matrices(refusal):
    refusal.check()


@refusals(
    row("no layer", transport, {"layers": []}, "layers = [] is empty", "pass at least one"),
    row("coherent and averaged", transport, {"layers": [WIRE, MAGNET]}, "layers[1] is a HatMatrix", "hat_average"),
    row("averaged and coherent", transport, {"layers": [MAGNET, WIRE]}, "layers[1] is a SMatrix", "hat_average"),
    row(
        "unequal N", transport, {"layers": [WIRE, WIDE]}, "layers[1] has 2 channels", "layers[0] has 1", "equal number"
    ),
    row("no sequence", transport, {"layers": None}, "layers = None is no sequence", "pass a list of SMatrix"),
    row("amplitudes of None", mode_amplitudes, {"layers": None}, "layers = None is no sequence", "pass a list"),
    row("no layer object", transport, {"layers": [np.eye(4)]}, "layers[0] is a ndarray", "pass SMatrix or HatMatrix"),
    row("one bare layer", transport, {"layers": MAGNET}, "layers = HatMatrix", "pass [layer]"),
    row(
        "batches differ",
        transport,
        {"layers": [ferromagnet([0.5, 0.6], 0.1), normal_metal([0.1, 0.2, 0.3])]},
        "layers[1] of shape (3,)",
        "do not broadcast",
        "pass",
    ),
    row("unknown source", transport, {"layers": [WIRE], "source": "top"}, "source = 'top'", "'left' or 'right'"),
    row("p too long", transport, {"layers": [WIRE], "polarization": [0, 0, 1.1]}, "polarization = 1.1", "<= 1"),
    row("p just too long", transport, {"layers": [WIRE], "polarization": [0.6, 0, 0.8 + 1e-9]}, "polarization", "<= 1"),
    row("p no vector", transport, {"layers": [WIRE], "polarization": 0.5}, "polarization has shape ()", "(..., 3)"),
    row("p nan", transport, {"layers": [WIRE], "polarization": [0, 0, np.nan]}, "polarization[2] = nan", "pass"),
    row(
        "p batch",
        transport,
        {"layers": [ferromagnet([0.5, 0.6], 0.1)], "polarization": np.zeros((3, 3))},
        "polarization of shape (3,)",
        "pass",
    ),
    row("compose nothing", composed, {"layers": []}, "layers = [] is empty", "pass"),
    row("compose mixed", composed, {"layers": [MAGNET, WIRE]}, "layers[1] is a SMatrix", "pass"),
    row("compose unequal N", composed, {"layers": [WIDE, WIRE]}, "layers[1] has 1 channels", "equal number"),
    row("compose arrays", composed, {"layers": [np.eye(4)]}, "layers[0] is a ndarray", "pass"),
    row("amplitudes of hats", mode_amplitudes, {"layers": [MAGNET]}, "layers[0] is a HatMatrix", "pass SMatrix"),
    row("amplitudes of nothing", mode_amplitudes, {"layers": []}, "layers = [] is empty", "pass"),
)
def test_bad_input_stacks(refusal):
    refusal.check()


@refusals(
    row("thickness negative", bulk_layer, {**BULK, "thickness": -1e-9}, "thickness = -1e-09", "thickness >= 0"),
    row("rate up negative", bulk_layer, {**BULK, "scattering_up": -1}, "scattering_up = -1", "pass"),
    row("rate down negative", bulk_layer, {**BULK, "scattering_down": -1}, "scattering_down = -1", "pass"),
    row("flip rate negative", bulk_layer, {**BULK, "spin_flip": -0.1}, "spin_flip = -0.1", "pass"),
    row("rate nan", bulk_layer, {**BULK, "scattering_up": np.nan}, "scattering_up = nan", "pass"),
    row("magnet without decay", bulk_layer, {**BULK, "transverse_decay": None}, "transverse_decay = None", "pass"),
    row(
        "decay too small",
        bulk_layer,
        {**BULK, "transverse_decay": 0.999 + 9j},
        "transverse_decay",
        "completely positive",
    ),
    row("decay with flips", bulk_layer, {**BULK, "spin_flip": 0.6}, "transverse_decay = 2", "2 spin_flip"),
    row(
        "reflection too big",
        bulk_layer,
        {**BULK, "transverse_reflection": 0.9j},
        "transverse_reflection = 0+0.9j",
        "completely positive",
    ),
    row(
        "isotropic flips too fast",
        bulk_layer,
        {"thickness": 1.0, "scattering_up": 1.0, "scattering_down": 1.0, "spin_flip": 2.001},
        "transverse_reflection = -1.001",
        "spin_flip <= 2",
    ),
    row("bulk shapes", bulk_layer, {**BULK, "thickness": [1, 2], "scattering_up": [0.5] * 3}, "thickness", "broadcast"),
    row("bulk theta", bulk_layer, {**BULK, "theta": "a"}, "theta = 'a'", "pass angles in rad"),
    row("bulk phi", bulk_layer, {**BULK, "phi": np.nan}, "phi = nan", "pass angles in rad"),
    row("rho* zero", valet_fert_rates, {**FERT, "resistivity": 0}, "resistivity = 0", "rho* > 0"),
    row("Sharvin negative", valet_fert_rates, {**FERT, "sharvin_resistance": -1}, "sharvin_resistance = -1", "pass"),
    row("beta one", valet_fert_rates, {**FERT, "beta": 1.0}, "beta = 1", "-1 < beta < 1"),
    row("beta beyond", valet_fert_rates, {**FERT, "beta": -1.2}, "beta = -1.2", "pass"),
    row("l_sf zero", valet_fert_rates, {**FERT, "spin_diffusion_length": 0}, "spin_diffusion_length = 0", "inf"),
    row("l_sf nan", valet_fert_rates, {**FERT, "spin_diffusion_length": np.nan}, "spin_diffusion_length = nan", "pass"),
    row(
        "l_sf a word",
        valet_fert_rates,
        {**FERT, "spin_diffusion_length": "long"},
        "spin_diffusion_length = 'long'",
        "pass",
    ),
    row(
        "l_sf too short",
        valet_fert_rates,
        {**FERT, "spin_diffusion_length": 1e-9},
        "spin_diffusion_length = 1e-09",
        ">=",
    ),
)
def test_bad_input_bulk(refusal):
    refusal.check()


@refusals(
    row(
        "eigenvalue above 1", random_spacer, {"transmission_eigenvalues": [0.5, 1.1], "samples": 2}, "[1] = 1.1", "pass"
    ),
    row("eigenvalue negative", random_spacer, {"transmission_eigenvalues": [-0.1], "samples": 2}, "= -0.1", "pass"),
    row("eigenvalue nan", random_spacer, {"transmission_eigenvalues": [np.nan], "samples": 2}, "= nan", "pass"),
    row(
        "rows differ from samples",
        random_spacer,
        {"transmission_eigenvalues": np.ones((3, 2)), "samples": 2},
        "transmission_eigenvalues has shape (3, 2)",
        "(2, N)",
    ),
    row("no channel", random_spacer, {"transmission_eigenvalues": [], "samples": 2}, "has shape (0,)", "N >= 1"),
    row("a number", random_spacer, {"transmission_eigenvalues": 0.5, "samples": 2}, "has shape ()", "pass"),
    row("no sample", random_spacer, {"transmission_eigenvalues": [0.5], "samples": 0}, "samples = 0", "integer >= 1"),
    row("half a sample", random_spacer, {"transmission_eigenvalues": [0.5], "samples": 1.5}, "samples = 1.5", "pass"),
    row(
        "seed negative",
        random_spacer,
        {"transmission_eigenvalues": [0.5], "samples": 1, "seed": -1},
        "seed = -1",
        "pass",
    ),
    row(
        "seed text", random_spacer, {"transmission_eigenvalues": [0.5], "samples": 1, "seed": "x"}, "seed = 'x'", "pass"
    ),
)
def test_bad_input_random_spacer(refusal):
    refusal.check()


@refusals(
    row("KK 17 n zero", perfect_filter, {"theta": 1.0, "spacer_transmission": 0}, "spacer_transmission = 0", "0 <"),
    row("KK 17 angle", perfect_filter, {"theta": np.inf, "spacer_transmission": 1}, "theta = inf", "pass"),
    row("KK 18 n", weak_filter_torque, {**WEAK, "spacer_transmission": 1.1}, "spacer_transmission = 1.1", "pass"),
    row("KK 18 a", weak_filter_torque, {**WEAK, "transmission_a": 1.1}, "transmission_a = 1.1", "pass"),
    row("KK 18 b", weak_filter_torque, {**WEAK, "transmission_b": -0.1}, "transmission_b = -0.1", "pass"),
    row("KK 18 asymmetry a", weak_filter_torque, {**WEAK, "asymmetry_a": 0.51}, "asymmetry_a = 0.51", "pass half"),
    row("KK 18 asymmetry b", weak_filter_torque, {**WEAK, "asymmetry_b": -0.41}, "asymmetry_b = -0.41", "pass half"),
    row(
        "KK 18 shapes", weak_filter_torque, {**WEAK, "theta": [1, 2], "transmission_a": [0.5] * 3}, "theta", "broadcast"
    ),
    row("KK 19 n", dirty_spacer_torque, {**DIRTY, "spacer_transmission": -1}, "spacer_transmission = -1", "pass"),
    row("KK 19 up", dirty_spacer_torque, {**DIRTY, "transmission_up_a": 1.01}, "transmission_up_a = 1.01", "pass"),
    row("KK 19 filter", dirty_spacer_torque, {**DIRTY, "transmission_down_a": 0}, "transmission_down_a = 0", "0 <"),
    row(
        "KK 19 rho", dirty_spacer_torque, {**DIRTY, "reflection_mixing_b": 1.1j}, "reflection_mixing_b = 0+1.1j", "pass"
    ),
    row(
        "KK 19 tau",
        dirty_spacer_torque,
        {**DIRTY, "transmission_mixing_b": -1.1},
        "transmission_mixing_b = -1.1",
        "pass",
    ),
    row(
        "KK 19 no absorption",
        dirty_spacer_torque,
        {**DIRTY, "reflection_mixing_b": 1},
        "reflection_mixing_b = 1",
        "transport",
    ),
    row(
        "KK 19 rho and tau together",
        dirty_spacer_torque,
        {**DIRTY, "reflection_mixing_b": 0.9, "transmission_mixing_b": -0.9},
        "|reflection_mixing_b| + |transmission_mixing_b| = 1.8",
        "<= 1",
        "pass",
    ),
    row(
        "KK 19 just too much of both",
        dirty_spacer_torque,
        {**DIRTY, "reflection_mixing_b": [0.1, 0.6j], "transmission_mixing_b": 0.4 + 1e-9},
        "|transmission_mixing_b|[1] = 1.000000001",
        "pass",
    ),
    row("form n", slonczewski_parameters, {**FORM, "spacer_transmission": 0}, "spacer_transmission = 0", "pass"),
    row("form tilted", slonczewski_parameters, {**FORM, "fixed": rotate(MAGNET, 0.1)}, "fixed", "at theta = 0"),
    row("form free tilted", slonczewski_parameters, {**FORM, "free": rotate(MAGNET, 1e-5)}, "free", "at theta = 0"),
    row(
        "form complex",
        slonczewski_parameters,
        {**FORM, "free": ferromagnet(0.6, 0.2, reflection_mixing=0.1j)},
        "free",
        "real mixing",
    ),
    row(
        "form complex on the far side",
        slonczewski_parameters,
        {**FORM, "fixed": ferromagnet(0.6, 0.2, transmission_mixing_right=0.1j)},
        "fixed",
        "real mixing",
    ),
    row(
        "form with flips",
        slonczewski_parameters,
        {**FORM, "fixed": bulk_layer(1.0, 0.5, 1.5, spin_flip=0.1, transverse_decay=2.0)},
        "fixed",
        "without spin flip",
    ),
    row("form opaque", slonczewski_parameters, {**FORM, "free": ferromagnet(0, 0)}, "free = 0", "transmits"),
    row(
        "form without loss of transverse spin",
        slonczewski_parameters,
        {**FORM, "free": ferromagnet(1e-17, 1e-17, reflection_mixing=1, transmission_mixing=0)},
        "reflection mixing of free = 0",
        "reflection_mixing < 1",
    ),
    row(
        "form of a fixed layer without loss",
        slonczewski_parameters,
        {**FORM, "fixed": ferromagnet(1e-17, 1e-17, reflection_mixing_right=1, transmission_mixing=0)},
        "reflection mixing of fixed = 0",
        "reflection_mixing < 1",
    ),
    row("form of S", slonczewski_parameters, {**FORM, "free": WIRE}, "free is a SMatrix", "HatMatrix"),
    row(
        "form shapes",
        slonczewski_parameters,
        {**FORM, "fixed": ferromagnet([0.5, 0.6], 0.1), "spacer_transmission": [0.1, 0.2, 0.3]},
        "spacer_transmission",
        "broadcast",
    ),
    row("form angle", slonczewski_parameters(MAGNET, 1.0, MAGNET), {"theta": np.nan}, "theta = nan", "pass"),
)
def test_bad_input_closed_forms(refusal):
    refusal.check()


@pytest.mark.parametrize(
    "accepted",
    [
        lambda: ferromagnet(0, 0),
        lambda: ferromagnet(1, 1),
        lambda: ferromagnet([0, 1], [1, 0]),
        lambda: ferromagnet(0.6, 0.2, reflection_mixing=np.sqrt(0.4 * 0.8) * np.exp(2j)),
        lambda: ferromagnet(0.6, 0.2, transmission_mixing=-np.sqrt(0.12), transmission_mixing_right=np.sqrt(0.12)),
        lambda: ferromagnet(0.6, 0.2, reflection_mixing_right=0),
        lambda: normal_metal(1),
        lambda: normal_metal(1e-300),
        lambda: SMatrix.from_matrix(np.sqrt(1 + 0.9e-8) * np.eye(4)),
        lambda: HatMatrix(**hat(r=single(0, 2, 0.9e-9))),
        lambda: transport([WIRE], polarization=[0.6, 0.0, 0.8]),
        lambda: transport([WIRE], polarization=np.ones(3) / np.sqrt(3)),
        lambda: bulk_layer(1.0, 0.5, 1.5, transverse_decay=1.0),
        lambda: bulk_layer(1.0, 0.5, 1.5, transverse_decay=1.0, transverse_reflection=np.sqrt(0.75) * 1j),
        lambda: bulk_layer(1.0, 1.0, 1.0, spin_flip=2.0),
        lambda: bulk_layer(0.0, 0.0, 0.0),
        lambda: random_spacer([0.0, 1.0], 1, seed=0),
        lambda: weak_filter_torque(1.0, 1.0, 0.5, 0.5, 0.4, -0.4),
        lambda: dirty_spacer_torque(1.0, 1.0, 1.0, 1.0, -1.0, 0.0),
        lambda: dirty_spacer_torque(1.0, 1.0, 1.0, 1.0, -0.6, 0.4j),
        lambda: HatMatrix(**hat(t=np.diag([1, 1, 1, 1 - 1.9e-9]))),
        lambda: HatMatrix(**hat(t=np.diag([1, -1, -1, 1]))),
        lambda: slonczewski_parameters(ferromagnet(1, 0), 1.0, ferromagnet(0.5, 0.5)),
        lambda: compose(MAGNET),
    ],
)
def test_bad_input_stops_at_the_limit(accepted):
    accepted()


def test_bad_input_rounding_of_aligned_phases_is_no_offence():
    up, down = np.random.default_rng(1).uniform(0, 1, (2, 1000))
    rho, tau = np.sqrt(1 - up) * np.sqrt(1 - down), np.sqrt(up) * np.sqrt(down)
    explicit, default = ferromagnet(up, down, reflection_mixing=rho, transmission_mixing=tau), ferromagnet(up, down)
    np.testing.assert_allclose(explicit.r, default.r, atol=1e-15)
    bulk_layer(1.0, up, down, transverse_decay=up / 2 + down / 2, transverse_reflection=np.sqrt(up) * np.sqrt(down))


def test_bad_input_l_sf_message_gives_a_length_that_is_accepted():
    with pytest.raises(ValueError, match=r"spin_diffusion_length >= (\S+) m") as caught:
        valet_fert_rates(**{**FERT, "spin_diffusion_length": 1e-9})
    shortest = float(str(caught.value).split(">= ")[1].split(" m")[0])
    valet_fert_rates(**{**FERT, "spin_diffusion_length": shortest * 1.001})
    with pytest.raises(ValueError, match="negative"):
        valet_fert_rates(**{**FERT, "spin_diffusion_length": shortest * 0.998})


def test_bad_input_records_refuse_shapes_that_do_not_belong_together():
    result = transport([MAGNET])
    with pytest.raises(ValueError, match="conductance has shape"):
        type(result)(np.zeros(2), result.charge_current, result.spin_current, result.torque, result.torque_per_current)
    form = slonczewski_parameters(MAGNET, 1.0, MAGNET)
    with pytest.raises(ValueError, match="cosine has shape"):
        replace(form, cosine=np.zeros(3))
