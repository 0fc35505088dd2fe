"""Contracts of electron-magnon kinetics in the bulk."""

from functools import cache
from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from spinlib.magnons.band import MagnonBand, bose_einstein
from spinlib.magnons.kinetics import Demagnetization, Ferromagnet, occupation_rate, simulate_demagnetization
from spinlib.units import hbar, k_B
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw
from tests.contracts.magnon_draws import KELVIN, bands, ferromagnets, record_times, temperatures
from tests.contracts.rows import not_negative, positive, quiet

BAND = MagnonBand(1e-21, 1e-40, 1e-20)
MAGNET = Ferromagnet(BAND, 0.01, 0.1, -1e-48, 1e-12)
FEW = "k_B T falls below a tenth of the gap"


def _rate_of_scattering(found: float, self: Ferromagnet, energy: float) -> None:
    slope = self.ultrafast_damping / self.band.width
    share = (2 * self.alpha, slope * energy, slope * self.band.gap)
    assert found == pytest.approx(share[0] + share[1] - share[2], abs=1e-12 * sum(map(abs, share)))


def _coefficient(
    found: tuple[float, float], exchange_splitting: float, coupling: str = "ferromagnetic", **_: Any
) -> None:
    whole, exchange = found
    assert whole - exchange < 0 or abs(exchange) > 1e15 * abs(whole - exchange)
    assert (exchange > 0) == (coupling == "antiferromagnetic" and exchange_splitting > 0)


def _towards_equilibrium(
    rate: float,
    scattering_rate: float,
    energy: float,
    occupation: float,
    temperature: float,
    spin_accumulation: float,
) -> None:
    """The occupation moves towards the equilibrium with the electrons, at which the rate vanishes."""
    above = energy - spin_accumulation
    if above <= 0:
        assert rate >= 0
        return
    there = bose_einstein(energy, temperature, spin_accumulation)
    size = scattering_rate / hbar * above * max(there, occupation)
    assert rate * (there - occupation) >= -1e-9 * size * abs(there - occupation)
    assert rate == pytest.approx(scattering_rate / hbar * above * (there - occupation), abs=1e-9 * size)


def _balance(
    current: float,
    band: MagnonBand,
    scattering_rate: float,
    temperature: float,
    spin_accumulation: float,
    occupation: Any = 0.0,
    points: int = 64,
) -> None:
    """No current in equilibrium; without magnons they are created, at most k_B T for each mode."""
    energy, weight = band.quadrature(points)
    most = scattering_rate * k_B * temperature * weight.sum()
    above = float(energy[0]) - spin_accumulation
    if above > 0:
        rest = occupation_rate(
            scattering_rate,
            energy,
            bose_einstein(energy, temperature, spin_accumulation),
            temperature,
            spin_accumulation,
        )
        assert abs(hbar * weight @ np.asarray(rest)) <= 1e-9 * most
    if isinstance(occupation, float) and occupation == 0:
        # x/(exp(x) - 1) <= 1 + max(-x, 0)
        below = float(weight @ np.maximum(spin_accumulation - energy, 0.0))
        assert 0 <= current <= (most + scattering_rate * below) * (1 + 1e-9)


def _conserved(run: Demagnetization, ferromagnet: Ferromagnet, times: np.ndarray, **_: Any) -> None:
    """Occupations are not negative; without relaxation n_d - mu_s/rho stays, without feedback there is no mu_s."""
    np.testing.assert_array_equal(run.time, times)
    assert (run.occupation >= 0).all()
    assert (run.magnon_density >= 0).all()
    assert (run.electron_temperature > 0).all()
    if not ferromagnet.feedback:
        assert (run.spin_accumulation == 0).all()
    elif ferromagnet.spin_relaxation_time == inf:
        created = run.spin_accumulation / ferromagnet.feedback
        kept = run.magnon_density - created
        size = max(run.magnon_density.max(), np.abs(created).max())
        np.testing.assert_allclose(kept, kept[0], rtol=0, atol=1e-9 * size)


def _runs_away(run: Demagnetization, times: np.ndarray, **_: Any) -> None:
    assert (run.occupation >= 0).all()
    if run.runaway_time is None:
        np.testing.assert_array_equal(run.time, times)
    else:
        assert times[0] < run.runaway_time <= times[-1]
        assert (run.time < run.runaway_time).all()


def _takes_time(inputs: dict[str, Any]) -> bool:
    """Whether a runaway is resolved by times of double precision: its docstring says that others are refused."""
    magnet, warm = inputs["ferromagnet"], inputs["temperature"]
    energy, weight = magnet.band.quadrature(32)
    kelvin = max(warm.base, warm.peak) if callable(warm) else warm
    added = 1 + k_B * kelvin / energy  # occupation by an accumulation of the size of the energy
    growth = magnet.feedback / hbar * float(weight @ (magnet.scattering_rate(energy) * added))
    return growth * np.spacing(np.abs(inputs["times"]).max()) < 1e-6


@cache
def _run() -> Demagnetization:
    """A run to look at; made when it is asked for, since the first one compiles."""
    return simulate_demagnetization(MAGNET, 600.0, [0.0, 1e-12], initial_temperature=300.0, points=8)


def _at_nodes(n: np.ndarray, self: Demagnetization, energy: float) -> None:
    assert n.shape == self.time.shape


_STATES = {
    "density_of_states_up": draw.sizes(1e43, 1e50),
    "density_of_states_down": draw.sizes(1e43, 1e50),
    "exchange_splitting": st.one_of(draw.sizes(1e-24, 1e-17), st.just(0.0)),
    "saturation_spin_density": draw.sizes(1e25, 1e31),
}
_RATES = st.one_of(draw.sizes(1e-6, 1e2), st.just(0.0))
_ENERGIES = draw.signed(1e-24, 1e-17)
_RUNS = {"temperature": temperatures(), "times": record_times()}
_CHOICES = {
    "initial_temperature": draw.sizes(1e-1, 1e4),
    "points": st.sampled_from([1, 8, 32]),
    "initial_spin_accumulation": st.just(0.0),
}

CONTRACTS = (
    Contract(
        "magnons.kinetics.Ferromagnet",
        st.fixed_dictionaries(
            {
                "band": bands(),
                "alpha": st.one_of(draw.sizes(1e-6, 1e2), st.just(0.0)),
                "ultrafast_damping": draw.between(0.0, 1.0, open_above=True),
                "feedback": draw.sizes(1e-51, 1e-44).map(lambda size: -size),
                "spin_relaxation_time": st.one_of(draw.sizes(1e-16, 1e-6), st.just(inf)),
            },
            optional={"exchange_feedback": draw.sizes(1e-51, 1e-44), "saturation_spin_density": draw.sizes(1e25, 1e31)},
        ),
        inf={"spin_relaxation_time": "no relaxation"},
        takes={"spin_relaxation_time inf": "no relaxation"},
    ),
    Contract(
        "magnons.kinetics.Ferromagnet.scattering_rate",
        st.fixed_dictionaries({"self": ferromagnets(), "energy": _ENERGIES}),
        _rate_of_scattering,
        {"energy": 0},
    ),
    Contract(
        "magnons.kinetics.feedback_coefficient",
        st.fixed_dictionaries(_STATES, optional={"coupling": st.sampled_from(["ferromagnetic", "antiferromagnetic"])}),
        _coefficient,
    ),
    Contract(
        "magnons.kinetics.occupation_rate",
        st.fixed_dictionaries(
            {
                "scattering_rate": _RATES,
                "energy": _ENERGIES,
                "occupation": st.one_of(draw.sizes(1e-12, 1e12), st.just(0.0)),
                "temperature": KELVIN,
                "spin_accumulation": st.one_of(_ENERGIES, st.just(1e-24), st.just(1e-17)),
            }
        ),
        _towards_equilibrium,
        dict.fromkeys(("scattering_rate", "energy", "occupation", "temperature", "spin_accumulation"), 0),
        examples=40,
    ),
    Contract(
        "magnons.kinetics.spin_transfer_current",
        st.fixed_dictionaries(
            {
                "band": bands(),
                "scattering_rate": _RATES,
                "occupation": st.one_of(draw.sizes(1e-12, 1e12), st.just(0.0)),
                "temperature": KELVIN,
                "spin_accumulation": _ENERGIES,
            },
            optional={"points": st.integers(1, 64)},
        ),
        _balance,
    ),
    Contract(
        "magnons.kinetics.simulate_demagnetization",
        st.fixed_dictionaries({"ferromagnet": ferromagnets(), **_RUNS}, optional=_CHOICES),
        _conserved,
        examples=30,
        patience=60,  # the first call compiles
        call=quiet("magnons.kinetics.simulate_demagnetization", FEW),
    ),
    Contract(
        "magnons.kinetics.simulate_demagnetization",
        st.fixed_dictionaries({"ferromagnet": ferromagnets(sign=1), "allow_runaway": st.just(True), **_RUNS}).filter(
            _takes_time
        ),
        _runs_away,
        patience=60,
        label="with a positive feedback",
        call=quiet("magnons.kinetics.simulate_demagnetization", FEW, "the accumulation"),
    ),
    Contract(
        "magnons.kinetics.Demagnetization.occupation_at",
        st.fixed_dictionaries({"self": st.builds(_run), "energy": draw.between(1e-21, 1e-20)}),
        _at_nodes,
    ),
)

EXEMPT = {
    "magnons.kinetics.Demagnetization": "returned by simulate_demagnetization, whose contract looks at all of it",
}

_MAGNET = {"band": BAND, "alpha": 0.01, "ultrafast_damping": 0.1, "feedback": -1e-48, "spin_relaxation_time": 1e-12}
_BANDS = {
    "density_of_states_up": 1e47,
    "density_of_states_down": 1e47,
    "exchange_splitting": 1e-19,
    "saturation_spin_density": 1e29,
}
_MAGNONS = {"scattering_rate": 0.1, "energy": 2e-21, "occupation": 0.5, "temperature": 300.0, "spin_accumulation": 0.0}
_CURRENT = {"band": BAND, "scattering_rate": 0.1, "occupation": 0.5, "temperature": 300.0, "spin_accumulation": 0.0}
_RUN = {"ferromagnet": MAGNET, "temperature": 300.0, "times": [0.0, 1e-13], "points": 4}
_SIMULATE = "magnons.kinetics.simulate_demagnetization"

LIMITS = (
    *not_negative("magnons.kinetics.Ferromagnet", "alpha", _MAGNET),
    *not_negative("magnons.kinetics.Ferromagnet", "ultrafast_damping", _MAGNET, np.nextafter(1.0, 0)),
    *positive("magnons.kinetics.Ferromagnet", "spin_relaxation_time", _MAGNET, 1e-30, inf),
    *positive("magnons.kinetics.Ferromagnet", "saturation_spin_density", _MAGNET),
    Limit(
        "magnons.kinetics.Ferromagnet",
        "exchange_feedback",
        [-1e-48, -1e-48 * (1 + 1e-13), 0.0, 1.0],
        [-1e-48 * (1 + 2e-12), -1.0],
        ("pass exchange_feedback >= feedback",),
        _MAGNET,
    ),
    *positive(
        "magnons.kinetics.feedback_coefficient",
        "density_of_states_up density_of_states_down saturation_spin_density",
        _BANDS,
    ),
    *not_negative("magnons.kinetics.feedback_coefficient", "exchange_splitting", _BANDS),
    *not_negative("magnons.kinetics.occupation_rate", "scattering_rate occupation", _MAGNONS),
    *positive("magnons.kinetics.occupation_rate", "temperature", _MAGNONS),
    *(
        Limit("magnons.kinetics.spin_transfer_current", name, [0, 0.0, -0.0], [-5e-324], ("number >= 0",), _CURRENT)
        for name in ("scattering_rate", "occupation")
    ),
    *positive("magnons.kinetics.spin_transfer_current", "temperature", _CURRENT),
    Limit("magnons.kinetics.spin_transfer_current", "points", [1], [0, -1, 2.0, True], ("points >= 1",), _CURRENT),
    Limit(
        "magnons.kinetics.Demagnetization.occupation_at",
        "energy",
        [1e-21, 1e-20],
        [1e-21 * (1 - 1e-11), 1e-20 * (1 + 1e-11), 0.0],
        ("<= energy <=",),
        st.fixed_dictionaries({"self": st.builds(_run)}),
    ),
    Limit(_SIMULATE, "rtol", [1e-13, 1e-4], [np.nextafter(1e-13, 0), 0.0, -1e-8], ("rtol >= 1e-13",), _RUN),
    Limit(
        _SIMULATE,
        "times",
        [[0.0, 1e-30], [-1e-13, 0.0]],
        [[0.0], [0.0, 0.0], [0.0, -5e-324], [], 0.0, [[0.0, 1.0]]],
        ("pass",),
        _RUN,
    ),
    Limit(
        _SIMULATE,
        "initial_occupation",
        [0.0, np.zeros(4)],
        [-5e-324, np.array([0, 0, 0, -1e-9])],
        ("number >= 0",),
        _RUN,
    ),
    *positive(_SIMULATE, "initial_temperature temperature", _RUN, 100.0),
    Limit(_SIMULATE, "points", [1], [0, 1.0], ("points >= 1",), _RUN),
)
NO_LIMIT = {f"{_SIMULATE} allow_runaway": "a choice, which a row of refusals and a contract try"}


@contracts(*CONTRACTS)
def test_invariant_contract_magnons_kinetics(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_magnons_kinetics(row: Contract | Limit) -> None:
    row.check_refusals()
