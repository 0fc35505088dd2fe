"""Contracts of magnons at an interface with a normal metal."""

from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from spinlib.magnons.band import MagnonBand
from spinlib.magnons.interface import BilayerDemagnetization, MagnonInterface, NormalMetal
from spinlib.magnons.kinetics import Ferromagnet
from spinlib.units import e2_over_h, k_B
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw
from tests.contracts.magnon_draws import KELVIN, bands, ferromagnets, interfaces, metals, record_times, temperatures
from tests.contracts.rows import not_negative, positive, quiet

BAND = MagnonBand(1e-21, 1e-40, 1e-20)
MAGNET = Ferromagnet(BAND, 0.01, 0.1, -1e-48, 1e-12)
SURFACE, SINK = MagnonInterface(1e15, 4e28), NormalMetal(2e-4, 2e-14, 5e47, 2e-8)
FEW = "k_B T falls below a tenth of the gap"


def _printed(rate: float, self: MagnonInterface, energy: float) -> None:
    channels = self.mixing_conductance / e2_over_h
    wanted = self.mode_factor * channels / (2 * np.pi * self.saturation_spin_density)
    assert rate == pytest.approx(wanted, rel=1e-13, abs=0)


def _lengths(metal: NormalMetal, density_of_states: float, spin_relaxation_time: float, **_: Any) -> None:
    assert metal.feedback == pytest.approx(-2 / density_of_states, rel=1e-14, abs=0)
    assert (metal.spin_diffusion_length == inf) == (spin_relaxation_time == inf)


def _bounded(coefficient: float, band: MagnonBand, interface: MagnonInterface, temperature: float) -> None:
    """No mode gives more than k_B: y^2 n (1 + n) <= 1."""
    most = interface.scattering_rate(band.gap) * k_B * band.mode_density
    assert 0 <= coefficient <= most * (1 + 1e-9)


def _diffuses(run: BilayerDemagnetization, normal_metal: NormalMetal, times: np.ndarray, **_: Any) -> None:
    np.testing.assert_array_equal(run.time, times)
    assert (run.occupation >= 0).all()
    assert (run.normal_temperature > 0).all()
    assert run.runaway_time is None
    assert run.position[0] > 0
    assert run.position[-1] < normal_metal.thickness
    assert (np.diff(run.position) > 0).all()
    assert (run.position_weight > 0).all()
    assert run.position_weight.sum() <= normal_metal.thickness * (1 + 1e-6)
    assert (run.normal_spin_accumulation[0] == 0).all()


def _spins(run: BilayerDemagnetization, ferromagnet: Ferromagnet, thickness: float, **_: Any) -> None:
    """Nothing relaxes and no electron crosses: what N has received is what its magnons in F have cost."""
    normal = run.normal_spin_accumulation @ run.position_weight / RHO_N
    own = run.spin_accumulation / ferromagnet.feedback
    created = run.magnon_density - run.magnon_density[0]
    size = max(np.abs(created).max(), np.abs(own).max(), np.abs(normal).max() / thickness)
    rounding = 1e-8 * run.magnon_density.max()
    np.testing.assert_allclose(created, own + normal / thickness, rtol=0, atol=1e-6 * size + rounding)


RHO_N = -2 / 5e47
_CLOSED = NormalMetal(2e-4, inf, 5e47, 2e-8)
_RUN = {
    "ferromagnet": ferromagnets(),
    "interface": interfaces(),
    "normal_metal": metals(),
    "thickness": draw.sizes(1e-10, 1e-6),
    "ferromagnet_temperature": temperatures(),
    "normal_temperature": temperatures(),
    "times": record_times(),
}


@st.composite
def _without_losses(draws: st.DrawFn) -> dict[str, Any]:
    feedback = -draws(draw.sizes(1e-49, 1e-46))
    magnet = Ferromagnet(BAND, draws(draw.sizes(1e-4, 1e-1)), draws(draw.between(0.0, 0.9)), feedback, inf)
    return {
        "ferromagnet": magnet,
        "interface": MagnonInterface(draws(draw.sizes(1e13, 1e16)), 4e28),
        "normal_metal": _CLOSED,
        "thickness": draws(draw.sizes(1e-9, 1e-7)),
        "ferromagnet_temperature": draws(draw.sizes(1e2, 1e3)),
        "normal_temperature": draws(draw.sizes(1e2, 1e3)),
        "times": np.array([0.0, 1e-14, 1e-13, 1e-12]),
        "initial_temperature": draws(draw.sizes(1e2, 1e3)),
        "points": 8,
    }


CONTRACTS = (
    Contract(
        "magnons.interface.MagnonInterface",
        st.fixed_dictionaries(
            {
                "mixing_conductance": st.one_of(draw.sizes(1e10, 1e20), st.just(0.0)),
                "saturation_spin_density": draw.sizes(1e25, 1e31),
            },
            optional={
                "mode_factor": draw.between(0.0, 2.0, open_below=True),
                "spin_conductance": st.one_of(draw.sizes(1e40, 1e60), st.just(0.0)),
            },
        ),
    ),
    Contract(
        "magnons.interface.MagnonInterface.scattering_rate",
        st.fixed_dictionaries({"self": interfaces(), "energy": draw.signed(1e-25, 1e-17)}),
        _printed,
        {"energy": 0},
    ),
    Contract(
        "magnons.interface.NormalMetal",
        st.fixed_dictionaries(
            {
                "diffusivity": draw.sizes(1e-9, 1e3),
                "spin_relaxation_time": st.one_of(draw.sizes(1e-18, 1e-3), st.just(inf)),
                "density_of_states": draw.sizes(1e40, 1e55),
                "thickness": draw.sizes(1e-12, 1.0),
            }
        ),
        _lengths,
        inf=dict.fromkeys(("spin_relaxation_time", "spin_diffusion_length"), "no relaxation"),
        takes={"spin_relaxation_time inf": "no relaxation"},
    ),
    Contract(
        "magnons.interface.spin_seebeck_coefficient",
        st.fixed_dictionaries({"band": bands(), "interface": interfaces(), "temperature": KELVIN}),
        _bounded,
        {"temperature": 0},
    ),
    Contract(
        "magnons.interface.simulate_bilayer",
        st.fixed_dictionaries(
            _RUN | {"modes": st.sampled_from([2, 8]), "points": st.sampled_from([4, 8])},
            optional={"initial_temperature": draw.sizes(1.0, 1e4)},
        ),
        _diffuses,
        tolerance=1e-7,  # of integers in the place of floats, the steps in time may differ
        examples=12,
        patience=60,  # the first call compiles
        call=quiet("magnons.interface.simulate_bilayer", FEW),
    ),
    Contract(
        "magnons.interface.simulate_bilayer",
        _without_losses(),
        _spins,
        examples=6,
        patience=60,
        label="without losses",
        takes={"times short": "fewer records", "initial_temperature none": "the temperature of the electrons"},
        call=quiet("magnons.interface.simulate_bilayer", FEW),
    ),
)

EXEMPT = {"magnons.interface.BilayerDemagnetization": "returned by simulate_bilayer, whose contract looks at all of it"}

_INTERFACE = {"mixing_conductance": 1e15, "saturation_spin_density": 4e28}
_METAL = {"diffusivity": 2e-4, "spin_relaxation_time": 2e-14, "density_of_states": 5e47, "thickness": 2e-8}
_BILAYER = {
    "ferromagnet": MAGNET,
    "interface": SURFACE,
    "normal_metal": SINK,
    "thickness": 5e-9,
    "ferromagnet_temperature": 300.0,
    "normal_temperature": 600.0,
    "times": [0.0, 1e-14],
    "points": 4,
    "modes": 4,
}
_SIMULATE = "magnons.interface.simulate_bilayer"

LIMITS = (
    *not_negative("magnons.interface.MagnonInterface", "mixing_conductance spin_conductance", _INTERFACE),
    *positive("magnons.interface.MagnonInterface", "saturation_spin_density mode_factor", _INTERFACE, 1.0),
    Limit(
        "magnons.interface.MagnonInterface",
        "mode_factor",
        [2.0],
        [np.nextafter(2.0, 3), 3.0],
        ("mode_factor <= 2",),
        _INTERFACE,
        label="from above",
    ),
    *positive("magnons.interface.NormalMetal", "diffusivity spin_relaxation_time density_of_states thickness", _METAL),
    *positive(
        "magnons.interface.spin_seebeck_coefficient", "temperature", {"band": BAND, "interface": SURFACE}, 1e-2, 1e9
    ),
    *positive(_SIMULATE, "thickness", _BILAYER, 1e-9),
    *positive(_SIMULATE, "initial_temperature ferromagnet_temperature normal_temperature", _BILAYER, 100.0),
    Limit(_SIMULATE, "rtol", [1e-13, 1e-4], [np.nextafter(1e-13, 0), 0.0, -1e-8], ("rtol >= 1e-13",), _BILAYER),
    Limit(_SIMULATE, "times", [[0.0, 1e-30], [-1e-13, 0.0]], [[0.0], [0.0, 0.0], [0.0, -5e-324]], ("pass",), _BILAYER),
    Limit(_SIMULATE, "modes", [2], [1, 0, 2.0], ("modes >= 2",), _BILAYER),
    Limit(_SIMULATE, "points", [1], [0, 1.0], ("points >= 1",), _BILAYER),
)
NO_LIMIT = {f"{_SIMULATE} ferromagnet": "a feedback above 0, of which a row of refusals tries the limit"}


@contracts(*CONTRACTS)
def test_invariant_contract_magnons_interface(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_magnons_interface(row: Contract | Limit) -> None:
    row.check_refusals()
