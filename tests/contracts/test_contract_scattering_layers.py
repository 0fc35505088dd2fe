"""Contracts of scattering layers: unitarity, conservation of charge, complete positivity, rotations, series."""

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from spinlib.scattering.random_matrix import random_spacer
from spinlib.scattering.smatrix import SMatrix, compose, rotate
from spinlib.scattering.stack import HatMatrix, bulk_layer, normal_metal
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw, kinds, layers

INF, NAN = float("inf"), float("nan")
BLOCKS = ("r", "t_prime", "t", "r_prime")


def _unitary(layer: SMatrix, tolerance: float = 1e-8) -> None:
    s = layer.matrix
    one = np.eye(s.shape[-1])
    np.testing.assert_allclose(s.conj().swapaxes(-1, -2) @ s, np.broadcast_to(one, s.shape), rtol=0, atol=tolerance)


def _valid(layer: HatMatrix) -> None:
    """The constructor for users takes the blocks: charge, unital, completely positive, each to 1e-9."""
    HatMatrix(*(getattr(layer, name) for name in BLOCKS))


def _is(layer: SMatrix, **given: Any) -> None:
    _unitary(layer)
    for name, block in given.items():
        np.testing.assert_array_equal(getattr(layer, name), block)


def _whole(layer: SMatrix, matrix: Any) -> None:
    np.testing.assert_array_equal(layer.matrix, matrix)
    assert layer.channels * 4 == len(matrix)


def _spins(layer: SMatrix, up: Any, down: Any) -> None:
    n = layer.channels
    for block in BLOCKS:
        assert not getattr(layer, block)[:n, n:].any()
        assert not getattr(layer, block)[n:, :n].any()
    np.testing.assert_array_equal(layer.t[:n, :n], up[n:, :n])
    np.testing.assert_array_equal(layer.r_prime[n:, n:], down[n:, n:])


def _turned(made: Any, layer: Any, theta: float, phi: float) -> None:
    """Turning back gives the layer; the unpolarised transmission stays."""
    back = rotate(rotate(made, 0.0, -phi), -theta)
    size = 1e-12 * (1 + abs(theta) + abs(phi))
    for block in BLOCKS:
        np.testing.assert_allclose(getattr(back, block), getattr(layer, block), rtol=0, atol=size)
    assert np.trace(made.t) == pytest.approx(np.trace(layer.t), abs=size)
    _unitary(made) if isinstance(made, SMatrix) else _valid(made)


def _series(made: Any, first: Any, second: Any) -> None:
    if isinstance(made, HatMatrix):
        _valid(made)
        return
    _unitary(made, 1e-6)
    mirrored = compose(second._mirrored(), first._mirrored())._mirrored()
    np.testing.assert_allclose(made.matrix, mirrored.matrix, rtol=0, atol=1e-6)


def _amplitudes(result: Any, layers: list[SMatrix]) -> None:
    """Flux is conserved in every region; the outermost amplitudes are those of the whole stack."""
    right, left = result
    stack = compose(*layers).matrix
    size = right.shape[-2]
    np.testing.assert_allclose(left[0], stack[:size], rtol=0, atol=1e-6)
    np.testing.assert_allclose(right[-1], stack[size:], rtol=0, atol=1e-6)
    flux = np.sum(np.abs(right) ** 2 - np.abs(left) ** 2, axis=-2)
    scale = max(1.0, np.sum(np.abs(right) ** 2, axis=-2).max())
    np.testing.assert_allclose(flux, np.broadcast_to(flux[:1], flux.shape), rtol=0, atol=1e-6 * scale)


def _spacers(made: SMatrix, transmission_eigenvalues: Any, samples: int, time_reversal: bool, seed: int) -> None:
    _unitary(made, 1e-12)
    n = made.channels
    assert made.t.shape == (samples, 2 * n, 2 * n)
    found = np.linalg.svd(made.t[:, :n, :n], compute_uv=False) ** 2
    wanted = np.sort(np.broadcast_to(transmission_eigenvalues, (samples, n)))[:, ::-1]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)
    if time_reversal:
        np.testing.assert_allclose(made.matrix, made.matrix.swapaxes(-1, -2), rtol=0, atol=1e-12)
    again = random_spacer(transmission_eigenvalues, samples=samples, time_reversal=time_reversal, seed=seed + 1)
    assert np.any(again.matrix != made.matrix)


@st.composite
def spacers(draw_one: st.DrawFn) -> dict[str, Any]:
    samples, n = draw_one(st.integers(1, 3)), draw_one(st.integers(1, 3))
    shape = draw_one(st.sampled_from([(n,), (samples, n)]))
    return {
        "transmission_eigenvalues": draw_one(draw.arrays(layers.PROBABILITY, shape)),
        "samples": samples,
        "time_reversal": draw_one(st.booleans()),
        "seed": draw_one(st.integers(0, 2**64)),
    }


def _hat(layer: HatMatrix, **given: Any) -> None:
    for name, block in given.items():
        np.testing.assert_array_equal(getattr(layer, name), block)
    _valid(layer)


def _magnet(layer: HatMatrix, transmission_up: float, transmission_down: float, **given: Any) -> None:
    _valid(layer)
    mean = (transmission_up + transmission_down) / 2
    for block, value in zip(BLOCKS, (1 - mean, mean, mean, 1 - mean), strict=True):
        assert getattr(layer, block)[0, 0] == pytest.approx(value, abs=1e-15)
    if not {"theta", "phi", "transmission_mixing"} & set(given):
        assert layer.t[1, 1] == pytest.approx(np.sqrt(transmission_up * transmission_down), abs=1e-15)


def _spacer(layer: HatMatrix, transmission: float) -> None:
    np.testing.assert_array_equal(layer.t, transmission * np.eye(4))
    _valid(layer)


def _slab(layer: HatMatrix, thickness: float, scattering_up: float, scattering_down: float, **given: Any) -> None:
    """Valid, the same from both sides, as its halves in series, for all spins without an axis; Ohm without flips."""
    _valid(layer)
    np.testing.assert_array_equal(layer.t, layer.t_prime)
    np.testing.assert_array_equal(layer.r, layer.r_prime)
    turns = {name: given[name] for name in ("theta", "phi") if name in given}
    rest = {name: value for name, value in given.items() if name not in turns}
    half = bulk_layer(thickness / 2, scattering_up, scattering_down, **rest)
    whole = rotate(compose(half, half), **turns) if turns else compose(half, half)
    for block in BLOCKS:
        found = getattr(layer, block)
        np.testing.assert_allclose(found, getattr(whole, block), rtol=0, atol=1e-8)
        if "transverse_decay" not in given:
            np.testing.assert_allclose(found[1:, 1:], np.eye(3) * np.trace(found[1:, 1:]) / 3, rtol=0, atol=1e-9)
    if given["spin_flip"] == 0:
        through = sum(1 / (1 + rate * thickness) for rate in (scattering_up, scattering_down)) / 2
        assert layer.t[0, 0] == pytest.approx(through, abs=1e-12 * through)


def _average(layer: HatMatrix, smatrix: SMatrix) -> None:
    _valid(layer)
    share = np.sum(np.abs(smatrix.t) ** 2) / (2 * smatrix.channels)
    assert layer.t[0, 0] == pytest.approx(share, abs=1e-13)


FERT = {
    "resistivity": draw.sizes(1e-12, 1e3),
    "beta": draw.between(-1.0, 1.0, open_below=True, open_above=True),
    "spin_diffusion_length": st.one_of(draw.sizes(1e-12, 1e6), st.just(INF)),
    "sharvin_resistance": draw.sizes(1e-30, 1e3),
}


@st.composite
def fert(draw_one: st.DrawFn) -> dict[str, float]:
    """Valet-Fert parameters of a diffusive layer: l_sf not below the shortest that leaves both rates positive."""
    inputs = {name: draw_one(each) for name, each in FERT.items()}
    shortest = inputs["sharvin_resistance"] / np.sqrt(32 * (1 - abs(inputs["beta"]))) / inputs["resistivity"]
    inputs["spin_diffusion_length"] = max(inputs["spin_diffusion_length"], float(shortest) * 1.000001)
    return inputs


def _rates(
    rates: Any, resistivity: float, beta: float, spin_diffusion_length: float, sharvin_resistance: float
) -> None:
    up, down, flip = (float(each) for each in rates)
    assert min(up, down, flip) >= 0
    scale = 2 * resistivity / sharvin_resistance
    assert up + down + 2 * flip == pytest.approx(2 * scale, abs=1e-12 * scale)
    assert down - up == pytest.approx(2 * scale * beta, abs=1e-12 * scale)
    assert 4 * flip * (up + down + 2 * flip) == pytest.approx(
        spin_diffusion_length**-2.0, abs=1e-9 * spin_diffusion_length**-2.0
    )


@st.composite
def parts(draw_one: st.DrawFn) -> dict[str, Any]:
    made = draw_one(layers.coherent(draw_one(st.integers(1, 2))))
    return {name: np.array(getattr(made, name)) for name in BLOCKS}


@st.composite
def hat_parts(draw_one: st.DrawFn) -> dict[str, Any]:
    made = draw_one(layers.averaged())
    return {name: np.array(getattr(made, name)) for name in BLOCKS}


@st.composite
def pairs(draw_one: st.DrawFn) -> dict[str, Any]:
    if draw_one(st.booleans()):
        return {"first": draw_one(layers.averaged()), "second": draw_one(layers.averaged())}
    channels = draw_one(st.integers(1, 2))
    return {"first": draw_one(layers.coherent(channels)), "second": draw_one(layers.coherent(channels))}


_SPINS = st.integers(1, 2).flatmap(
    lambda n: st.fixed_dictionaries({"up": draw.unitary(2 * n), "down": draw.unitary(2 * n)})
)
_ANY = st.one_of(layers.averaged(), layers.coherent(1), layers.coherent(2))
_FIRST = {"first": "layers[0]", "second": "layers[1]"}
FOUR = dict.fromkeys(BLOCKS, 2)
MAGNETS = ("transmission_up", "transmission_down", "theta", "phi")

CONTRACTS = (
    Contract("scattering.smatrix.SMatrix", parts(), _is, FOUR),
    Contract(
        "scattering.smatrix.SMatrix.from_matrix",
        st.fixed_dictionaries({"matrix": st.one_of(draw.unitary(4), draw.unitary(8))}),
        _whole,
        {"matrix": 2},
    ),
    Contract("scattering.smatrix.SMatrix.from_spins", _SPINS, _spins, {"up": 2, "down": 2}),
    Contract(
        "scattering.smatrix.rotate",
        st.fixed_dictionaries({"layer": _ANY, "theta": draw.angles(), "phi": draw.angles()}),
        _turned,
        {"theta": 0, "phi": 0},
    ),
    Contract(
        "scattering.smatrix.compose",
        pairs(),
        _series,
        call=lambda first, second: compose(first, second),
        named=_FIRST,
    ),
    Contract(
        "scattering.smatrix.mode_amplitudes",
        st.fixed_dictionaries({"layers": layers.stacks(kinds=("coherent",))}),
        _amplitudes,
    ),
    Contract(
        "scattering.random_matrix.random_spacer",
        spacers(),
        _spacers,
        takes={"seed none": "None asks for fresh random numbers"},
    ),
    Contract("scattering.stack.HatMatrix", hat_parts(), _hat, FOUR),
    Contract(
        "scattering.stack.hat_average",
        st.fixed_dictionaries({"smatrix": st.one_of(layers.coherent(1), layers.coherent(2))}),
        _average,
    ),
    Contract("scattering.stack.ferromagnet", layers.magnets(), _magnet, dict.fromkeys(MAGNETS, 0)),
    Contract(
        "scattering.stack.normal_metal",
        st.fixed_dictionaries({"transmission": draw.sizes(1e-300, 1.0)}),
        _spacer,
        {"transmission": 0},
    ),
    Contract(
        "scattering.stack.bulk_layer",
        layers.slabs(),
        _slab,
        dict.fromkeys(("thickness", "theta", "phi"), 0),
        tolerance=1e-9,
        examples=60,
    ),
    Contract(
        "scattering.stack.valet_fert_rates",
        fert(),
        _rates,
        dict.fromkeys(FERT, 0),
        takes={"spin_diffusion_length inf": "numpy.inf: no spin flip"},
    ),
)

_WIRE = {"r": np.zeros((2, 2)), "t_prime": np.eye(2), "t": np.eye(2), "r_prime": np.zeros((2, 2))}
_HALF = {"r": np.eye(4) / 2, "t_prime": np.eye(4) / 2, "t": np.eye(4) / 2, "r_prime": np.eye(4) / 2}
_MAGNET = {"transmission_up": 0.64, "transmission_down": 0.36}
_SLAB = {"thickness": 1.0, "scattering_up": 1.0, "scattering_down": 1.0}
_FERT = {"resistivity": 1.0, "beta": 0.5, "spin_diffusion_length": 1.0, "sharvin_resistance": 2.0}
_THICK = _FERT | {"sharvin_resistance": 1e-6, "spin_diffusion_length": 1e3}
_ROOT = 0.48  # sqrt(0.64 * 0.36), of reflection and of transmission


def probabilities(name: str, argument: str, given: Any, *, zero: bool = True) -> Limit:
    """A probability within [0, 1] or (0, 1]."""
    at = [1.0, 1e-300, 1, *([0.0] if zero else [])]
    beyond = [np.nextafter(1.0, 2), -5e-324, 2.0, INF, -INF, NAN, *([] if zero else [0.0])]
    return Limit(f"scattering.{name}", argument, at, beyond, (f"<= {argument} <= 1" if zero else "0 <",), given)


def bounded(argument: str) -> Limit:
    return Limit(
        "scattering.stack.ferromagnet",
        argument,
        [_ROOT, -_ROOT * 1j, None, 0.0],
        [_ROOT + 2e-12, 0.5j, 1.0, INF, NAN],
        ("pass |", "geometric mean"),
        _MAGNET,
    )


def off(share: float) -> Any:
    """Half of what comes is reflected and half passes, but for a share of the charge."""
    lost = np.zeros((4, 4))
    lost[0, 0] = share
    return lost


def squeezed(share: float) -> Any:
    """Transverse spins gain: no average of m X m^dagger."""
    return np.diag([0.5, 0.5 + share, 0.5, 0.5])


LIMITS = (
    Limit(
        "scattering.smatrix.SMatrix",
        "t",
        [np.eye(2), np.eye(2) * (1 + 4.9e-9)],
        [np.eye(2) * (1 + 5.1e-9), np.zeros((2, 2))],
        ("pass [[r, t'], [t, r']] with S^dagger S = 1",),
        _WIRE,
        named="|S^dagger S - 1|",
    ),
    Limit(
        "scattering.smatrix.SMatrix",
        "r_prime",
        [],
        [np.zeros((4, 4)), np.zeros(2), 0.0],
        ("pass four blocks of shape (..., 2N, 2N)",),
        _WIRE,
        "of a shape",
    ),
    Limit(
        "scattering.smatrix.SMatrix.from_matrix",
        "matrix",
        [np.eye(4), np.eye(4) * (1 + 4.9e-9)],
        [np.eye(4) * (1 + 5.1e-9)],
        ("S^dagger S = 1",),
        named="|S^dagger S - 1|",
    ),
    Limit(
        "scattering.smatrix.SMatrix.from_matrix",
        "matrix",
        [],
        [np.eye(2), np.eye(6), np.zeros((0, 0)), np.eye(4)[:3], np.ones(4), 1.0],
        ("pass S of shape (..., 4N, 4N)",),
        label="of a shape",
    ),
    Limit(
        "scattering.smatrix.SMatrix.from_spins",
        "up",
        [np.eye(2) * (1 + 4.9e-9)],
        [np.eye(2) * (1 + 5.1e-9), np.zeros((2, 2))],
        ("S^dagger S = 1",),
        {"down": np.eye(2)},
        named="|S^dagger S - 1|",
    ),
    Limit(
        "scattering.smatrix.mode_amplitudes",
        "layers",
        [[SMatrix(**_WIRE)], (SMatrix(**_WIRE),) * 3],
        [[], SMatrix(**_WIRE), None, [1], [normal_metal(1.0)]],
        (":",),
    ),
    probabilities("random_matrix.random_spacer", "transmission_eigenvalues", {"samples": 1})
    if False
    else Limit(
        "scattering.random_matrix.random_spacer",
        "transmission_eigenvalues",
        [[0.0], [1.0, 0.5], [[0.0], [1.0]]],
        [[np.nextafter(1.0, 2)], [-5e-324], [NAN], [], 0.5, [[0.5]], [[[0.5], [0.5]]]],
        (":",),
        {"samples": 2},
    ),
    Limit(
        "scattering.random_matrix.random_spacer",
        "samples",
        [1, np.int64(3)],
        [0, -1, 1.0, True, "1", NAN],
        ("pass an integer >= 1",),
        {"transmission_eigenvalues": [0.5]},
    ),
    Limit(
        "scattering.random_matrix.random_spacer",
        "seed",
        [0, 2**200, np.random.default_rng(1), None],
        [-1, 1.0, True, "1", [1]],
        ("pass an integer >= 0",),
        {"transmission_eigenvalues": [0.5], "samples": 1},
    ),
    Limit(
        "scattering.stack.HatMatrix",
        "t",
        [np.eye(4) / 2, np.eye(4) / 2 + off(9e-10)],
        [np.eye(4) / 2 + off(1.1e-9), np.eye(4)],
        ("pass blocks whose charge rows add up",),
        _HALF,
        "conserves charge",
        named="r + t",
    ),
    Limit(
        "scattering.stack.HatMatrix",
        "t",
        [squeezed(9e-10), squeezed(-9e-10)],
        [squeezed(2.1e-9), squeezed(0.1), np.diag([0.5, -0.5, -0.5, -0.5])],
        ("pass averages of m X m^dagger",),
        _HALF,
        "completely positive",
        named="Choi eigenvalue of t",
    ),
    Limit(
        "scattering.stack.HatMatrix",
        "r",
        [],
        [np.eye(3), np.zeros((0, 0)), np.eye(4)[0]],
        (":",),
        _HALF,
        "of a shape",
    ),
    probabilities("stack.ferromagnet", "transmission_up", {"transmission_down": 1.0}),
    probabilities("stack.ferromagnet", "transmission_down", {"transmission_up": 1.0}),
    bounded("reflection_mixing"),
    bounded("transmission_mixing"),
    bounded("reflection_mixing_right"),
    bounded("transmission_mixing_right"),
    probabilities("stack.normal_metal", "transmission", {}, zero=False),
    *kinds.not_negative("scattering.stack.bulk_layer", "thickness", given=_SLAB, at=(1e150,)),
    *kinds.not_negative(
        "scattering.stack.bulk_layer",
        "scattering_up",
        "scattering_down",
        given=_SLAB | {"transverse_decay": 1e30},
        at=(0.0, 1.0, 1e30),
    ),
    *kinds.not_negative(
        "scattering.stack.bulk_layer", "spin_flip", given=_SLAB | {"transverse_decay": 1e31}, at=(0.0, 1e30)
    ),
    Limit(
        "scattering.stack.bulk_layer",
        "spin_flip",
        [2.0, 2 * (1 + 2e-13)],
        [2 * (1 + 3e-13), 3.0],
        ("isotropic: spin_flip <= 2 * scattering_up",),
        _SLAB,
        "isotropic",
        named="transverse_reflection",
    ),
    Limit(
        "scattering.stack.bulk_layer",
        "transverse_decay",
        [2.0, 2 * (1 - 9e-13), 2 + 5j],
        [2 * (1 - 1.1e-12), 1.0, -2.0, INF, NAN, 5j],
        ("pass",),
        _SLAB | {"spin_flip": 0.5},
    ),
    Limit(
        "scattering.stack.bulk_layer",
        "transverse_decay",
        [1.5],
        [None],
        ("pass transverse_decay (1/m) for a magnet",),
        _SLAB | {"scattering_up": 0.5},
        "of a magnet",
    ),
    Limit(
        "scattering.stack.bulk_layer",
        "transverse_reflection",
        [1.0, -1j, 1 + 4e-13],
        [1 + 6e-13, 1.1, 1 + 0.1j, INF, NAN],
        ("pass",),
        _SLAB | {"transverse_decay": 1.0},
    ),
    *(
        Limit("scattering.stack.valet_fert_rates", name, [1.0, 1e-3], [0.0, -5e-324, -1.0, NAN], ("pass",), _THICK)
        for name in ("resistivity", "sharvin_resistance", "spin_diffusion_length")
    ),
    *(
        Limit("scattering.stack.valet_fert_rates", name, [], [INF, -INF], ("pass",), _THICK, "finite")
        for name in ("resistivity", "sharvin_resistance")
    ),
    kinds.within(
        "scattering.stack.valet_fert_rates",
        "beta",
        -1.0,
        1.0,
        given=_FERT | {"spin_diffusion_length": INF},
        open_ends=True,
    ),
    Limit(
        "scattering.stack.valet_fert_rates",
        "spin_diffusion_length",
        [INF, 0.5000001],
        [0.4999999, NAN, -INF],
        ("pass",),
        _FERT,
        "of a diffusive layer",
    ),
)


@contracts(*CONTRACTS)
def test_invariant_contract_scattering_layers(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_scattering_layers(row: Contract | Limit) -> None:
    row.check_refusals()
