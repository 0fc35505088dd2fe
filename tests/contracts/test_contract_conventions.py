"""Contracts of the conversions: there and back, for every admissible number."""

from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from spinlib import conventions
from spinlib.units import e, hbar
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw, kinds

INF, NAN = float("inf"), float("nan")
ANY = draw.signed(1e-12, 1e12)
SMALL = draw.signed(1e-6, 1e3)
DAMPING = st.one_of(draw.sizes(1e-9, 1e3), st.just(0.0))
SIZES = draw.sizes(1e-30, 1e30)
LAMBDA = st.one_of(draw.sizes(1.0, 1e6), st.just(1.0))
ROUNDING = 1e-12
ROOMS = ("circuit", "accumulation", "diffusion", "magnons")


def near(value: float, wanted: float, scale: float | None = None) -> None:
    assert value == pytest.approx(wanted, abs=1e-12 * abs(wanted if scale is None else scale) + 1e-300)


def back(name: str, **kept: str) -> Any:
    """The named conversion of the result gives the inputs again; ``kept`` renames keys of the result."""

    def keeps(result: dict[str, float], **given: float) -> None:
        others = {new: given[old] for new, old in kept.items()}
        again = getattr(conventions, name)(**result, **others)
        scale = max(abs(value) for value in [*given.values(), *result.values()])
        for key, value in again.items():
            if key in given:
                near(value, given[key], scale)

    return keeps


def _forms(name: str) -> Any:
    def keeps(result: dict[str, float], alpha: float, **given: float) -> None:
        torques = {key: result[key] for key in ("damping_like", "field_like")}
        again = getattr(conventions, name)(alpha, **torques)
        scale = max(abs(value) for value in [*given.values(), *torques.values()]) * (1 + alpha)
        for key, value in given.items():
            near(again[key], value, scale)
        near(again["gyromagnetic_factor"] * result["gyromagnetic_factor"], 1.0)

    return keeps


def _channels(result: tuple[float, float], mean: float, asymmetry: float) -> None:
    up, down = result
    assert min(up, down) > 0
    near((up + down) / 4, mean)
    again = conventions.valet_fert_parameters(up, down)
    near(again[0], mean)
    near(again[1], asymmetry, 1.0)


def _parameters(result: tuple[float, float], majority: float, minority: float) -> None:
    mean, asymmetry = result
    assert mean > 0
    assert -1 <= asymmetry <= 1
    near(4 * mean, majority + minority)


def _splitting(result: float, room: str, splitting: float, **given: float) -> None:
    near(conventions.spin_splitting(room, result, **given), splitting)


def _accumulation(result: float, room: str, value: float, **given: float) -> None:
    near(conventions.spin_accumulation(room, result, **given), value)


def _ampere(result: float, torque_per_current: float) -> None:
    near(result * e, hbar / 2 * torque_per_current)


def _volt(result: float, torque: float, channels: float) -> None:
    near(result * 4 * np.pi, -e * channels * torque)


def _circuit(result: complex, reflection_mixing: complex, transmission_mixing: complex, sharvin: float) -> None:
    assert result.real >= -1e-12 * sharvin
    assert abs(result - sharvin) <= sharvin * (1 + 1e-11)
    assert result == pytest.approx(sharvin * np.conj(1 - reflection_mixing - transmission_mixing), abs=1e-12 * sharvin)


@st.composite
def phases(draw_one: st.DrawFn) -> dict[str, Any]:
    """Reflection and transmission mixing up to the bound of Cauchy and Schwarz."""
    share, part = draw_one(draw.between(0.0, 1.0)), draw_one(draw.between(0.0, 1.0))
    phase = [np.exp(1j * draw_one(draw.angles())) for _ in range(2)]
    return {
        "reflection_mixing": complex(share * part * phase[0]),
        "transmission_mixing": complex(share * (1 - part) * phase[1]),
        "sharvin": draw_one(SIZES),
    }


def _same(name: str) -> Any:
    def keeps(result: Any, order: str, **given: Any) -> None:
        ((_, matrix),) = given.items()
        size = np.abs(matrix).max() + 1e-300
        np.testing.assert_allclose(getattr(conventions, name)(result, order), matrix, rtol=0, atol=1e-14 * size)
        assert np.trace(result) == pytest.approx(np.trace(matrix), abs=1e-14 * size)

    return keeps


def _drift(result: dict[str, float], polarization: float, beta: float, current_density: float, **given: float) -> None:
    assert result["beta"] == beta
    assert result["u"] * polarization * current_density <= 0
    assert abs(result["u"]) <= given["gyromagnetic_ratio"] * hbar / (2 * e) * abs(current_density) / given[
        "saturation_magnetization"
    ] * (1 + 1e-11)


@st.composite
def valves(draw_one: st.DrawFn, names: dict[str, st.SearchStrategy[float]], fixed: str, free: str) -> dict[str, float]:
    """OOMMF takes no free asymmetry of 1 beside a larger one."""
    inputs = {name: draw_one(each) for name, each in names.items()}
    if inputs[free] == 1 < inputs[fixed]:
        inputs[free] = 1.000001
    return inputs


@st.composite
def cmtj(draw_one: st.DrawFn) -> dict[str, float]:
    """What a cmtj layer says, with a torque that a valve can exert."""
    alpha = draw_one(DAMPING)
    sent = conventions.slonczewski_to_cmtj(draw_one(draw.between(-2, 2)), draw_one(LAMBDA), alpha, draw_one(SMALL))
    return {**sent, "alpha": alpha}


def _from_cmtj(result: dict[str, float], alpha: float, **given: float) -> None:
    again = conventions.slonczewski_to_cmtj(alpha=alpha, **result)
    assert again["SlonczewskiSpacerLayerParameter"] == given["SlonczewskiSpacerLayerParameter"]
    scale = (1 + alpha) * (1 + abs(result["field_like_ratio"])) * (abs(given["kappa"]) + abs(given["beta"]))
    for key in ("beta", "kappa"):
        near(again[key] * again["spinPolarisation"], given[key] * given["spinPolarisation"], scale * (1 + alpha))


def hats(name: str) -> st.SearchStrategy[dict[str, Any]]:
    real = draw.arrays(draw.signed(1e-9, 1e9), (4, 4))
    return st.fixed_dictionaries({name: real, "order": st.sampled_from(["row", "column"])})


def densities() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"room": st.sampled_from(ROOMS), "density_of_states": draw.sizes(1e30, 1e50)})


def of_rooms(name: str) -> st.SearchStrategy[dict[str, Any]]:
    value = st.fixed_dictionaries({name: draw.signed(1e-25, 1e-15)})
    return st.tuples(densities(), value).map(lambda pair: pair[0] | pair[1])


TORQUES = {"alpha": DAMPING, "damping_like": ANY, "field_like": ANY}
BEYOND_TWO = draw.between(-2.0, 2.0)
WITHIN_ONE = draw.between(-1.0, 1.0)
OOMMF = {
    "polarization_fixed": BEYOND_TWO,
    "polarization_free": BEYOND_TWO,
    "asymmetry_fixed": LAMBDA,
    "asymmetry_free": LAMBDA,
    "field_like": ANY,
}
BLOCK = {
    "P_fixed": WITHIN_ONE,
    "P_free": WITHIN_ONE,
    "Lambda_fixed": LAMBDA,
    "Lambda_free": LAMBDA,
    "eps_prime": ANY,
}
ZHANG_LI = {
    "polarization": WITHIN_ONE,
    "beta": SMALL,
    "current_density": draw.signed(1.0, 1e14),
    "saturation_magnetization": draw.sizes(1.0, 1e7),
    "gyromagnetic_ratio": draw.sizes(1e8, 1e14),
}
LINEAR = "the change of basis is linear, and complex matrices are admissible"
UNUSED = {
    "density_of_states none": "None is the default; only 'accumulation' needs it",
}


def row(name: str, inputs: Any, keeps: Any, **more: Any) -> Contract:
    """A contract whose numbers broadcast."""
    strategy = st.fixed_dictionaries(inputs) if isinstance(inputs, dict) else inputs
    names = inputs if isinstance(inputs, dict) else more.pop("names")
    return Contract(f"conventions.{name}", strategy, keeps, dict.fromkeys(names, 0), **more)


CONTRACTS = (
    row("gilbert_to_landau_lifshitz", TORQUES, _forms("landau_lifshitz_to_gilbert"), tolerance=1e-11),
    row("landau_lifshitz_to_gilbert", TORQUES, _forms("gilbert_to_landau_lifshitz"), tolerance=1e-11),
    row("torque_per_ampere", {"torque_per_current": ANY}, _ampere),
    row("torque_per_volt", {"torque": ANY, "channels": SIZES}, _volt),
    row(
        "valet_fert_channels",
        {"mean": SIZES, "asymmetry": draw.between(-1.0, 1.0, open_below=True, open_above=True)},
        _channels,
    ),
    row("valet_fert_parameters", {"majority": SIZES, "minority": SIZES}, _parameters),
    row("spin_accumulation", of_rooms("splitting"), _splitting, names=("splitting", "density_of_states"), takes=UNUSED),
    row("spin_splitting", of_rooms("value"), _accumulation, names=("value", "density_of_states"), takes=UNUSED),
    row("circuit_mixing", phases(), _circuit, names=("reflection_mixing", "transmission_mixing", "sharvin")),
    Contract("conventions.hat_to_vec", hats("hat"), _same("hat_from_vec"), {"hat": 2}, takes={"hat complex": LINEAR}),
    Contract(
        "conventions.hat_from_vec", hats("matrix"), _same("hat_to_vec"), {"matrix": 2}, takes={"matrix complex": LINEAR}
    ),
    row(
        "slonczewski_to_mumax3",
        {"polarization": BEYOND_TWO, "asymmetry": LAMBDA, "field_like": ANY},
        back("slonczewski_from_mumax3"),
    ),
    row(
        "slonczewski_from_mumax3",
        {"Pol": WITHIN_ONE, "Lambda": LAMBDA, "EpsilonPrime": ANY},
        back("slonczewski_to_mumax3"),
    ),
    row(
        "slonczewski_to_oommf",
        valves(OOMMF, "asymmetry_fixed", "asymmetry_free"),
        back("slonczewski_from_oommf"),
        names=("polarization_fixed", "polarization_free", "field_like"),
    ),
    row(
        "slonczewski_from_oommf",
        valves(BLOCK, "Lambda_fixed", "Lambda_free"),
        back("slonczewski_to_oommf"),
        names=("P_fixed", "P_free", "eps_prime"),
    ),
    row(
        "slonczewski_to_cmtj",
        {"polarization": BEYOND_TWO, "asymmetry": LAMBDA, "alpha": draw.sizes(1e-9, 10.0), "field_like_ratio": SMALL},
        None,
    ),
    row("slonczewski_from_cmtj", cmtj(), _from_cmtj, names=("spinPolarisation", "alpha"), tolerance=1e-9),
    row("zhang_li_to_mumax3", {"polarization": WITHIN_ONE, "beta": SMALL}, back("zhang_li_from_mumax3")),
    row(
        "zhang_li_from_mumax3",
        st.tuples(WITHIN_ONE, SMALL).map(lambda pair: {"Pol": pair[0] * (1 + pair[1] ** 2), "xi": pair[1]}),
        back("zhang_li_to_mumax3"),
        names=("Pol", "xi"),
    ),
    row("zhang_li_to_oommf", ZHANG_LI, _drift),
)

_FERT = {"mean": 1.0, "asymmetry": 0.5}
_TWO = {"polarization": 0.5, "asymmetry": 2.0}
_CMTJ = {"spinPolarisation": 0.5, "SlonczewskiSpacerLayerParameter": 2.0, "beta": 0.0, "alpha": 0.0}
_DRIFT = {"polarization": 0.5, "beta": 0.1, "current_density": 1e11, "saturation_magnetization": 1e6}
_VALVE = {"polarization_fixed": 0.5, "polarization_free": 0.5, "asymmetry_fixed": 2.0, "asymmetry_free": 2.0}
_BLOCK = {"P_fixed": 0.5, "P_free": 0.5, "Lambda_fixed": 2.0, "Lambda_free": 2.0}


def rounded(name: str, argument: str, most: float, given: dict[str, float]) -> Limit:
    """An argument of magnitude ``most`` at most, to twelve digits."""
    above = most * (1 + 1.1e-12)
    at = [most, -most, most * (1 + 9e-13), 0.0]
    return Limit(f"conventions.{name}", argument, at, [above, -above, INF, NAN], given=given)


def least_one(name: str, argument: str, given: dict[str, float]) -> Limit:
    """An asymmetry of at least 1, to twelve digits, finite."""
    at = [1.0, 1 - 9e-13, 1e6]
    return Limit(f"conventions.{name}", argument, at, [1 - 1.1e-12, 0.0, -2.0, INF, NAN], given=given)


LIMITS = (
    *(
        Limit(
            f"conventions.{name}",
            "alpha",
            [0.0, 1e9],
            [-5e-324, -1.0, INF, NAN],
            ("alpha >= 0",),
            given={"damping_like": 1.0},
        )
        for name in ("gilbert_to_landau_lifshitz", "landau_lifshitz_to_gilbert")
    ),
    *kinds.positive("conventions.torque_per_volt", "channels", given={"torque": 1.0}),
    *kinds.positive("conventions.valet_fert_channels", "mean", given=_FERT),
    kinds.within("conventions.valet_fert_channels", "asymmetry", -1.0, 1.0, given=_FERT, open_ends=True),
    *kinds.positive(
        "conventions.valet_fert_parameters", "majority", "minority", given={"majority": 1.0, "minority": 1.0}
    ),
    *(
        limit
        for name, value in (("spin_accumulation", "splitting"), ("spin_splitting", "value"))
        for limit in (
            *kinds.positive(f"conventions.{name}", "density_of_states", given={"room": "accumulation", value: 1.0}),
            Limit(
                f"conventions.{name}",
                "density_of_states",
                [1.0],
                [None],
                ("pass the density of states",),
                {"room": "accumulation", value: 1.0},
                "needed",
            ),
            Limit(
                f"conventions.{name}",
                "room",
                ["circuit", "diffusion", "magnons"],
                ["", "Circuit", "pumping", None, 0, ["circuit"]],
                ("pass 'accumulation' or one of",),
                {value: 1.0},
            ),
        )
    ),
    *kinds.positive("conventions.circuit_mixing", "sharvin", given={"reflection_mixing": 0.5}),
    Limit(
        "conventions.circuit_mixing",
        "transmission_mixing",
        [0.5, -0.5j, 0.5 + 9e-13],
        [0.5 + 1.2e-12, 0.6j, 1.0],
        ("pass |reflection_mixing| + |transmission_mixing| <= 1",),
        {"reflection_mixing": 0.5j},
    ),
    Limit(
        "conventions.circuit_mixing",
        "reflection_mixing",
        [1.0, -1j],
        [1 + 1.2e-12, -2.0],
        ("<= 1",),
    ),
    *(
        Limit(
            f"conventions.{name}",
            "order",
            ["row", "column"],
            ["", "Row", None, 0, ["row"]],
            ("pass 'row'", "'column'"),
            {value: np.eye(4)},
        )
        for name, value in (("hat_to_vec", "hat"), ("hat_from_vec", "matrix"))
    ),
    rounded("slonczewski_to_mumax3", "polarization", 2, _TWO),
    least_one("slonczewski_to_mumax3", "asymmetry", _TWO),
    rounded("slonczewski_from_mumax3", "Pol", 1, {"Lambda": 2.0}),
    least_one("slonczewski_from_mumax3", "Lambda", {"Pol": 0.5}),
    rounded("slonczewski_to_oommf", "polarization_fixed", 2, _VALVE),
    rounded("slonczewski_to_oommf", "polarization_free", 2, _VALVE),
    least_one("slonczewski_to_oommf", "asymmetry_fixed", _VALVE),
    least_one("slonczewski_to_oommf", "asymmetry_free", _VALVE | {"asymmetry_fixed": 1.0}),
    Limit(
        "conventions.slonczewski_to_oommf",
        "asymmetry_free",
        [1.000001, np.nextafter(1.0, 2)],
        [1.0, 1 - 9e-13],
        ("1.000001",),
        _VALVE,
        "beside a larger one",
    ),
    rounded("slonczewski_from_oommf", "P_fixed", 1, _BLOCK),
    rounded("slonczewski_from_oommf", "P_free", 1, _BLOCK),
    least_one("slonczewski_from_oommf", "Lambda_fixed", _BLOCK),
    Limit(
        "conventions.slonczewski_from_oommf", "Lambda_free", [np.nextafter(1.0, 2)], [1.0, 0.5, INF, NAN], given=_BLOCK
    ),
    rounded("slonczewski_to_cmtj", "polarization", 2, _TWO | {"alpha": 0.1}),
    least_one("slonczewski_to_cmtj", "asymmetry", _TWO | {"alpha": 0.1}),
    Limit("conventions.slonczewski_to_cmtj", "alpha", [0.0, 1.0], [-5e-324, INF, NAN], ("alpha >= 0",), _TWO),
    rounded("slonczewski_from_cmtj", "spinPolarisation", 1, _CMTJ),
    least_one("slonczewski_from_cmtj", "SlonczewskiSpacerLayerParameter", _CMTJ),
    Limit("conventions.slonczewski_from_cmtj", "alpha", [0.0, 1.0], [-5e-324, INF, NAN], ("alpha >= 0",), _CMTJ),
    Limit(
        "conventions.slonczewski_from_cmtj",
        "kappa",
        [1.0, -1.0, 2e-12],
        [0.0],
        ("pass another kappa",),
        _CMTJ | {"spinPolarisation": 1.0},
    ),
    Limit(
        "conventions.slonczewski_from_cmtj",
        "kappa",
        [1 + 9e-13],
        [1 + 2e-12, -3.0],
        ("pass |2 spinPolarisation",),
        _CMTJ | {"spinPolarisation": 1.0},
        "of a torque that a valve exerts",
    ),
    rounded("zhang_li_to_mumax3", "polarization", 1, {"beta": 0.1}),
    Limit(
        "conventions.zhang_li_from_mumax3",
        "Pol",
        [5.0, -5.0],
        [5 + 6e-12, -6.0],
        ("<= 1",),
        {"xi": 2.0},
        named="Pol/(1 + xi^2)",
    ),
    rounded("zhang_li_to_oommf", "polarization", 1, _DRIFT),
    *kinds.positive("conventions.zhang_li_to_oommf", "saturation_magnetization", given=_DRIFT),
    *kinds.positive("conventions.zhang_li_to_oommf", "gyromagnetic_ratio", given=_DRIFT),
)

NO_LIMIT = {
    f"conventions.gilbert_to_landau_lifshitz {name}": "positive is a sense of turning"
    for name in ("damping_like", "field_like")
}


@contracts(*CONTRACTS)
def test_invariant_contract_conventions(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_conventions(row: Contract | Limit) -> None:
    row.check_refusals()
