"""Contracts of circuit theory: what is conserved, what is refused."""

import csv
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from spinlib.circuit import InterfaceConductance, InterfaceCurrent
from spinlib.units import e, e2_over_h, hbar
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw, kinds

INF, NAN = float("inf"), float("nan")
BARE = "which no bare interface has"
POWER = 1e-12  # rounding of a power, as a share of its largest term

SIDE = InterfaceConductance(3.0, 1.0, 2.5 + 0.5j)
BARE_SIDE = InterfaceConductance(0.75, 0.25, 0.75 + 0.25j, sharvin=1.0)
UP = (0.0, 0.0, 1.0)


@st.composite
def interfaces(draw_one: st.DrawFn, least: float = 1e-3, most: float = 1e3) -> InterfaceConductance:
    """Any interface of a whole contact, insulating for a spin or for all charge among them."""
    majority = draw_one(st.one_of(draw.sizes(least, most), st.just(0.0)))
    minority = draw_one(st.one_of(draw.sizes(least, most), st.just(0.0), st.just(majority)))
    mixing = complex(draw_one(draw.sizes(least, most)), draw_one(draw.signed(least, most)))
    return InterfaceConductance(majority, minority, mixing)


@st.composite
def bare(draw_one: st.DrawFn) -> InterfaceConductance:
    """A bare interface from reflection amplitudes: channels that reflect a share of each spin, with any phase."""
    scale = draw_one(draw.sizes(1e-6, 1e16))
    up, down = draw_one(draw.between(0.0, 1.0)), draw_one(draw.between(0.0, 1.0))
    overlap = draw_one(draw.between(0.0, 1.0)) * np.sqrt((1 - up) * (1 - down))
    phase = np.exp(1j * draw_one(draw.angles()))
    return InterfaceConductance(scale * up, scale * down, complex(scale * (1 - overlap * phase)), sharvin=scale)


CONDUCTANCE = {
    "majority": st.one_of(draw.sizes(1e-30, 1e30), st.just(0.0)),
    "minority": st.one_of(draw.sizes(1e-30, 1e30), st.just(0.0)),
    "mixing": st.builds(complex, st.one_of(draw.sizes(1e-30, 1e30), st.just(0.0)), draw.signed(1e-30, 1e30)),
}


def _interface(made: InterfaceConductance, **given: Any) -> None:
    assert made.total == made.majority + made.minority
    assert -1 <= made.polarization <= 1
    assert (made.majority, made.minority, made.mixing) == (given["majority"], given["minority"], given["mixing"])


def _from_matrices(made: InterfaceConductance, normal_channels: int, **given: Any) -> None:
    n = normal_channels
    assert made.sharvin == e2_over_h * n
    for value in (made.majority, made.minority):
        assert 0 <= value <= e2_over_h * n * (1 + 1e-12)
    # Cauchy and Schwarz: |sum r_down r_up^*| <= sqrt(R_up R_down).
    if not given["transmission"]:
        reflected = np.sqrt(np.prod([n - value / e2_over_h for value in (made.majority, made.minority)]).clip(0.0))
        assert abs(made.mixing / e2_over_h - n) <= reflected + 1e-6
        assert 2 * made.mixing.real >= made.total * (1 - 1e-12)
    assert made.thin == (given["transmission"] and n < len(given["s_majority"]))


def _corrected(made: InterfaceConductance, self: InterfaceConductance) -> None:
    assert made.sharvin is None
    assert self.sharvin
    for name in ("majority", "minority", "mixing"):
        after, before = getattr(made, name), getattr(self, name)
        assert abs(after) >= abs(before) * (1 - 1e-12) - 1e-300  # below, floats have few digits
        if abs(before) > 1e-9 * self.sharvin:
            resistance = 1 / after + 1 / (2 * self.sharvin)
            assert abs(resistance * before - 1) == pytest.approx(0.0, abs=1e-9 * max(1, abs(after / self.sharvin)))
    assert made.mixing.real >= 0


def _behind_a_film(made: InterfaceConductance, self: InterfaceConductance, thickness: float, **given: float) -> None:
    sink = given["conductivity"] / given["spin_diffusion_length"] * np.tanh(thickness / given["spin_diffusion_length"])
    assert (made.majority, made.minority, made.sharvin) == (self.majority, self.minority, self.sharvin)
    assert 0 <= made.mixing.real <= abs(self.mixing) * (1 + 1e-12)
    assert abs(made.mixing) <= min(abs(self.mixing), sink / 2 * (1 + 1e-9) + 0.0) + 1e-12 * abs(self.mixing)


def _heats(current: Any, m: Any, conductance: InterfaceConductance, spin_voltage: Any, **volts: float) -> None:
    """Power is never negative, and the current across m is what the mixing conductance says."""
    charge = volts["charge_voltage"] - volts["ferromagnet_voltage"]
    across = spin_voltage - volts["ferromagnet_spin_voltage"] * m
    terms = [charge * current.charge_current, *(across * current.spin_current)]
    assert sum(terms) >= -POWER * np.abs(terms).sum()
    size = np.abs(current.spin_current).max() + 1e-300
    across_m = np.linalg.norm(np.cross(m, current.spin_current))
    wanted = 2 * abs(conductance.mixing) * np.linalg.norm(np.cross(m, spin_voltage))
    assert across_m == pytest.approx(wanted, abs=1e-9 * max(size, wanted))


def _turns(torque: Any, m: Any, spin_current: Any, magnetic_moment: float, gyromagnetic_ratio: float) -> None:
    """What I_s carries across m, hbar/2e per ampere, is the change of M_s V m/gamma (BTBK 3)."""
    absorbed = spin_current - (m @ spin_current) * m
    rate = torque * (magnetic_moment / gyromagnetic_ratio) * (2 * e / hbar)
    np.testing.assert_allclose(rate, absorbed, rtol=0, atol=1e-12 * np.linalg.norm(spin_current))


def _pumped(given: dict[str, Any]) -> float:
    """The largest voltage that motion stands for."""
    return float(hbar / (2 * e) * max(np.abs(given.get(name, 0.0)).max() for name in ("mdot1", "mdot2")))


def _balances(state: Any, interface1: Any, interface2: Any, **given: Any) -> None:
    """The node keeps charge and loses spin by flips only; at rest no power comes out of nothing."""
    flips = given["spin_flip_conductance"] * state.spin_voltage
    left = state.spin_current1 + state.spin_current2 + flips
    sizes = [np.abs(each).max() for each in (state.spin_current1, state.spin_current2, flips)]
    across = [i.mixing.real + i.total for i in (interface1, interface2)]
    scale = max(*sizes, max(across) * np.abs(state.spin_voltage).max(), 1e-300)
    np.testing.assert_allclose(left, 0, rtol=0, atol=1e-9 * scale)
    bias, single = state.voltage1 - state.voltage2, [i.total for i in (interface1, interface2)]
    if given.get("mdot1") is None and given.get("mdot2") is None:
        assert state.charge_current * bias >= -1e-12 * abs(bias) ** 2 * max(interface1.total, interface2.total)
        assert abs(state.charge_current) <= min(single) * abs(bias) * (1 + 1e-9) + 1e-300
    if "charge_current" in given:
        wanted = given["charge_current"]
        scale = max(abs(wanted), max(single) * (abs(bias) + np.abs(state.spin_voltage).max() + _pumped(given)))
        assert state.charge_current == pytest.approx(wanted, abs=1e-9 * scale)


@st.composite
def valves(draw_one: st.DrawFn, *, driven_by: str) -> dict[str, Any]:
    inputs: dict[str, Any] = {
        "m1": draw_one(draw.directions()),
        "m2": draw_one(draw.directions()),
        "interface1": draw_one(interfaces()),
        "interface2": draw_one(interfaces()),
        driven_by: draw_one(draw.signed(1e-9, 1e9)),
        "spin_flip_conductance": draw_one(st.one_of(draw.sizes(1e-6, 1e12), st.just(0.0))),
        "voltage2": draw_one(draw.signed(1e-3, 1e3)),
    }
    for layer in ("1", "2"):
        if draw_one(st.booleans()):
            inputs[f"mdot{layer}"] = np.cross(inputs[f"m{layer}"], draw_one(draw.vectors(1e6, 1e14)))
    return inputs


def _conducting(inputs: dict[str, Any]) -> bool:
    """Both spins and their transverse part pass, so that nothing stays open."""
    sides = (inputs["interface1"], inputs["interface2"])
    return all(min(side.majority, side.minority) > 0 for side in sides)


@st.composite
def scattering(draw_one: st.DrawFn) -> dict[str, Any]:
    size = draw_one(st.integers(1, 4))
    return {
        "s_majority": draw_one(draw.unitary(size)),
        "s_minority": draw_one(draw.unitary(size)),
        "normal_channels": draw_one(st.integers(1, size)),
        "transmission": draw_one(st.booleans()),
    }


@st.composite
def tables(draw_one: st.DrawFn) -> dict[str, Any]:
    """A result of several points, and perhaps their coordinate."""
    count = draw_one(st.sampled_from([3, 2, 1, 0]))
    current = InterfaceCurrent(
        np.array(draw_one(draw.arrays(draw.signed(1e-300, 1e300), (count,)))),
        np.array(draw_one(draw.arrays(draw.signed(1e-300, 1e300), (count, 3)))).reshape(count, 3),
    )
    inputs: dict[str, Any] = {"self": current}
    if draw_one(st.booleans()):
        inputs["bias"] = draw_one(draw.arrays(draw.signed(1e-300, 1e300), (count,)))
    return inputs


def _tabulated(table: dict[str, Any], self: InterfaceCurrent, bias: Any = None) -> None:
    """One column per number, one row per point, in the order of the fields, the coordinate first."""
    assert list(table) == [*([] if bias is None else ["bias"]), "charge_current", *(f"spin_current_{i}" for i in "xyz")]
    np.testing.assert_array_equal(table["spin_current_y"], self.spin_current[:, 1])
    assert {len(column) for column in table.values()} == {len(self.charge_current)}


def _comes_back(read: dict[str, list[float]], self: InterfaceCurrent, bias: Any = None) -> None:
    """The file holds every digit."""
    columns = self.columns() if bias is None else self.columns(bias=bias)
    assert read == {name: column.tolist() for name, column in columns.items()}


def _through_a_file(self: InterfaceCurrent, **along: Any) -> dict[str, list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.csv"
        self.to_csv(path, **along)
        self.to_csv(path, overwrite=True, **along)
        with pytest.raises(FileExistsError, match="overwrite=True"):
            self.to_csv(path, **along)
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = csv.reader(file)
    names = [title.partition(" [")[0] for title in header]
    return {name: [float(row[index]) for row in rows] for index, name in enumerate(names)}


STACKED = {"voltage1": 0, "charge_current": 0, "voltage2": 0}
_VALVES = valves(driven_by="voltage1").filter(_conducting)
_DRIVEN = valves(driven_by="charge_current").filter(_conducting)
CALM = {"m1": UP, "m2": (1.0, 0.0, 0.0), "interface1": SIDE, "interface2": SIDE}

CONTRACTS = (
    Contract(
        "circuit.InterfaceConductance",
        st.fixed_dictionaries(CONDUCTANCE).filter(lambda given: given["majority"] + given["minority"] > 0),
        _interface,
        label="of a contact",
    ),
    Contract(
        "circuit.InterfaceConductance",
        st.fixed_dictionaries({**CONDUCTANCE, "sharvin": draw.sizes(1e-30, 1e30)}),
        warns=BARE,
        omit={"polarization": "stated to be refused where no charge passes"},
        takes={"sharvin none": "None says that the values are those of a whole contact"},
        label="with any sharvin",
    ),
    Contract(
        "circuit.InterfaceConductance.from_scattering",
        scattering(),
        _from_matrices,
        omit={"polarization": "stated to be refused where no charge passes"},
    ),
    Contract(
        "circuit.InterfaceConductance.sharvin_corrected",
        st.fixed_dictionaries({"self": bare()}),
        _corrected,
        omit={"polarization": "stated to be refused where no charge passes"},
    ),
    Contract(
        "circuit.InterfaceConductance.with_backflow",
        st.fixed_dictionaries(
            {
                "self": interfaces(),
                "conductivity": draw.sizes(1e-12, 1e12),
                "spin_diffusion_length": draw.sizes(1e-12, 1e3),
                "thickness": st.one_of(draw.sizes(1e-12, 1e3), st.just(0.0)),
            }
        ),
        _behind_a_film,
        omit={"polarization": "stated to be refused where no charge passes"},
    ),
    Contract(
        "circuit.interface_current",
        st.fixed_dictionaries(
            {
                "m": draw.directions(),
                "conductance": interfaces(),
                "spin_voltage": draw.vectors(),
                "charge_voltage": draw.signed(1e-3, 1e3),
                "ferromagnet_voltage": draw.signed(1e-3, 1e3),
                "ferromagnet_spin_voltage": draw.signed(1e-3, 1e3),
            }
        ),
        _heats,
        {
            "m": 1,
            "spin_voltage": 1,
            "charge_voltage": 0,
            "ferromagnet_voltage": 0,
            "ferromagnet_spin_voltage": 0,
        },
    ),
    Contract(
        "circuit.spin_transfer_torque",
        st.fixed_dictionaries(
            {
                "m": draw.directions(),
                "spin_current": draw.vectors(1e-9, 1e15),
                "magnetic_moment": draw.sizes(1e-30, 1e3),
                "gyromagnetic_ratio": draw.sizes(1e9, 1e13),
            }
        ),
        _turns,
        {"m": 1, "spin_current": 1, "magnetic_moment": 0, "gyromagnetic_ratio": 0},
    ),
    *(
        Contract(
            "circuit.spin_valve",
            given,
            _balances,
            {"m1": 1, "m2": 1, **STACKED},
            tolerance=1e-9,
            label=label,
        )
        for given, label in ((_VALVES, "at a voltage"), (_DRIVEN, "at a current"))
    ),
    Contract(
        "circuit.InterfaceCurrent.columns",
        tables(),
        _tabulated,
        call=lambda self, **along: self.columns(**along),
        shares="a column of a coordinate may be a view of it",
    ),
    Contract("circuit.InterfaceCurrent.to_csv", tables(), _comes_back, call=_through_a_file),
)

_TORQUE = {"m": UP, "spin_current": (1.0, 0.0, 0.0), "magnetic_moment": 1.0}
_MADE = {"majority": 3.0, "minority": 1.0, "mixing": 2.5}
_BACK = {"self": SIDE, "conductivity": 1.0, "spin_diffusion_length": 1.0, "thickness": 1.0}
_SPLIT = {"s_majority": np.eye(2), "s_minority": np.eye(2)}
_INSULATOR = InterfaceConductance(0.0, 0.0, 1.0)


def _bare(majority: float = 0.5, mixing: complex = 0.75) -> InterfaceConductance:
    with warnings.catch_warnings(action="ignore"):
        return InterfaceConductance(majority, 0.5, mixing, sharvin=1.0)


LIMITS = (
    *kinds.not_negative("circuit.InterfaceConductance", "majority", "minority", given=_MADE),
    Limit(
        "circuit.InterfaceConductance",
        "mixing",
        [0.0, 1j, -1j, 1e30],
        [-5e-324, -5e-324 + 1j, -1.0, INF, complex(1, INF), NAN, (1.0, 2.0)],
        given=_MADE,
    ),
    *kinds.positive("circuit.InterfaceConductance", "sharvin", given={"majority": 0, "minority": 0, "mixing": 0}),
    Limit(
        "circuit.InterfaceConductance.from_scattering",
        "s_majority",
        [np.eye(2), np.eye(2) * (1 + 4.9e-9)],
        [np.eye(2) * (1 + 5.1e-9), np.zeros((2, 2)), np.eye(2)[:1], np.eye(2)[0], np.zeros((0, 0))],
        ("pass a unitary",),
        given=_SPLIT | {"normal_channels": 1},
    ),
    Limit(
        "circuit.InterfaceConductance.from_scattering",
        "s_minority",
        [np.eye(2), np.eye(3), [[1]]],
        [np.eye(2) * (1 + 5.1e-9), np.zeros((3, 3))],
        ("pass a unitary",),
        given=_SPLIT | {"normal_channels": 1},
    ),
    Limit(
        "circuit.InterfaceConductance.from_scattering",
        "s_minority",
        [np.eye(2)],
        [np.eye(3), [[1]]],
        ("pass equal sizes, or transmission=False",),
        given=_SPLIT | {"normal_channels": 1, "transmission": True},
        label="beside a thin magnet",
    ),
    Limit(
        "circuit.InterfaceConductance.from_scattering",
        "normal_channels",
        [1, 2, np.int64(2)],
        [0, -1, 3, 2.0, True, NAN, "1"],
        ("1 to 2",),
        given=_SPLIT,
    ),
    Limit(
        "circuit.InterfaceConductance.sharvin_corrected",
        "self",
        [_bare(), _bare(majority=np.nextafter(2.0, 0)), _bare(mixing=1 + 1j), _bare(mixing=0.0)],
        [_bare(majority=2.0), _bare(majority=3.0), _bare(mixing=2.0)],
        ("pass bare conductances below 2 sharvin",),
        named="reaches twice the Sharvin conductance",
    ),
    Limit(
        "circuit.InterfaceConductance.sharvin_corrected",
        "self",
        [_bare(mixing=1 + 1j), _bare(mixing=0.0)],
        [_bare(mixing=1 + 1.1j), _bare(mixing=0.1 + 1j), SIDE],
        named="sharvin",
        label="of amplitudes",
    ),
    *kinds.positive("circuit.InterfaceConductance.with_backflow", "conductivity", given=_BACK),
    *kinds.positive("circuit.InterfaceConductance.with_backflow", "spin_diffusion_length", given=_BACK),
    *kinds.not_negative("circuit.InterfaceConductance.with_backflow", "thickness", given=_BACK),
    *kinds.unit("circuit.interface_current", "m", given={"conductance": SIDE, "spin_voltage": (0, 0, 1)}),
    *kinds.unit("circuit.spin_transfer_torque", "m", given=_TORQUE),
    *kinds.positive("circuit.spin_transfer_torque", "magnetic_moment", "gyromagnetic_ratio", given=_TORQUE),
    *kinds.unit("circuit.spin_valve", "m1", "m2", given=CALM | {"voltage1": 1.0}),
    *kinds.not_negative("circuit.spin_valve", "spin_flip_conductance", given=CALM | {"voltage1": 1.0}),
    Limit(
        "circuit.spin_valve",
        "mdot1",
        [(1e9, 0, 0), (1e9, 0, 9.9e2), (0.0, 0.0, 0.0)],
        [(1e9, 0, 1.1e3), (0.0, 0.0, 1e-150)],
        ("pass mdot1",),
        given=CALM | {"voltage1": 1.0},
    ),
    Limit(
        "circuit.spin_valve",
        "charge_current",
        [0.0, -1e30],
        [INF, NAN],
        given=CALM,
    ),
    Limit(
        "circuit.spin_valve",
        "interface1",
        [SIDE],
        [_INSULATOR],
        ("pass voltage1",),
        given=CALM | {"charge_current": 1.0},
        label="that conducts",
        named="conductance of the valve",
    ),
)

NO_LIMIT = {
    "circuit.InterfaceConductance.from_scattering transmission": "a truth value; (60) is no number",
}


@contracts(*CONTRACTS)
def test_invariant_contract_circuit(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_circuit(row: Contract | Limit) -> None:
    row.check_refusals()
