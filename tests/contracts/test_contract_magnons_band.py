"""Contracts of the magnon band and of magnons in equilibrium."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from spinlib.magnons.band import BoseEinsteinFit, MagnonBand, bose_einstein
from spinlib.units import k_B
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw
from tests.contracts.magnon_draws import KELVIN, bands

TINY = 1e-200  # where exp(y) ends, n does, and 1/exp(-y) goes on for a while
BAND = MagnonBand(1e-21, 1e-40, 1e-20)


def _mode_density(band: MagnonBand, gap: float, stiffness: float, bandwidth: float) -> None:
    modes = ((bandwidth - gap) / stiffness) ** 1.5 / (6 * np.pi**2)
    assert band.mode_density == pytest.approx(modes, rel=1e-14, abs=0)
    assert band.density_of_states(gap) == 0


def _states(density: Any, self: MagnonBand, energy: Any) -> None:
    inside = (np.asarray(energy) > self.gap) & (np.asarray(energy) <= self.bandwidth)
    np.testing.assert_array_equal(np.asarray(density) > 0, inside)


def _rule(found: tuple[np.ndarray, np.ndarray], self: MagnonBand, points: int = 32) -> None:
    energy, weight = found
    assert len(energy) == points
    assert self.gap <= energy[0]
    assert energy[-1] <= self.bandwidth
    assert (np.diff(energy) >= 0).all()
    assert (weight > 0).all()
    if points > 1:  # the measure q^2 dq
        assert weight.sum() == pytest.approx(self.mode_density, rel=1e-12, abs=0)


def _bose(n: Any, energy: float, temperature: float, chemical_potential: float = 0.0) -> None:
    """n(y) + n(-y) = -1, and n has the sign of y."""
    mirrored = bose_einstein(2 * chemical_potential - energy, temperature, chemical_potential)
    assert (n > 0) == (energy >= chemical_potential) or n == 0
    if np.isfinite(n) and 2 * chemical_potential - energy - chemical_potential == -(energy - chemical_potential):
        assert n + mirrored == pytest.approx(-1, abs=1e-12 * (1 + abs(n)))


def _density(n: float, band: MagnonBand, temperature: float, chemical_potential: float = 0.0) -> None:
    """No fewer than the occupation at the top of the band gives, no more than at the gap."""
    most, least = (bose_einstein(e, temperature, chemical_potential) for e in (band.gap, band.bandwidth))
    assert least * band.mode_density * (1 - 1e-9) <= n <= most * band.mode_density * (1 + 1e-9) + TINY


def _susceptibility(slope: float, band: MagnonBand, temperature: float, chemical_potential: float = 0.0) -> None:
    """n (1 + n)/k_B T of the ends bounds it."""
    ends = [bose_einstein(e, temperature, chemical_potential) for e in (band.bandwidth, band.gap)]
    least, most = (band.mode_density * n * (1 + n) / (k_B * temperature) for n in ends)
    assert least * (1 - 1e-9) <= slope <= most * (1 + 1e-9) + TINY


class Thermal:
    """A Bose-Einstein distribution as a function."""

    def __init__(self, temperature: float, chemical_potential: float) -> None:
        self.temperature, self.chemical_potential = temperature, chemical_potential

    def __repr__(self) -> str:
        return f"Thermal({self.temperature}, {self.chemical_potential})"

    def __call__(self, energy: Any) -> Any:
        return bose_einstein(energy, self.temperature, self.chemical_potential)


@st.composite
def _thermal(draws: st.DrawFn) -> dict[str, Any]:
    band = draws(bands())
    below = draws(st.one_of(draw.between(-10.0, 1.0 - 2**-20), st.just(0.0)))
    return {"band": band, "temperature": draws(KELVIN), "chemical_potential": below * band.gap}


@st.composite
def _fitted(draws: st.DrawFn) -> dict[str, Any]:
    """Thermal distributions from a fiftieth to a thousand times the upper edge: there the density still has a T."""
    band = draws(bands())
    kelvin = draws(draw.sizes(0.02 * band.bandwidth / k_B, 1e3 * band.bandwidth / k_B))
    mu = draws(st.sampled_from([0.0, 0.5, -1.0])) * band.gap
    points = draws(st.sampled_from([4, 32]))
    fixed = draws(st.booleans())
    occupation: Callable[[Any], Any] | np.ndarray = Thermal(kelvin, mu)
    if draws(st.booleans()):
        occupation = np.asarray(Thermal(kelvin, mu)(band.quadrature(points)[0]))
    given = {"band": band, "occupation": occupation, "points": points}
    return given | ({"chemical_potential": mu} if fixed else {})


def _same_moments(fit: BoseEinsteinFit, band: MagnonBand, occupation: Any, points: int, **_: Any) -> None:
    energy, weight = band.quadrature(points)
    n = occupation(energy) if callable(occupation) else occupation
    found = bose_einstein(energy, fit.temperature, fit.chemical_potential)
    assert fit.temperature > 0
    assert fit.chemical_potential < band.gap
    assert weight @ found == pytest.approx(weight @ n, rel=1e-8, abs=0)
    assert 0 <= fit.distance < 1e-5


_ENERGY = draw.signed(1e-25, 1e-17)

CONTRACTS = (
    Contract(
        "magnons.band.MagnonBand",
        st.fixed_dictionaries(
            {
                "gap": draw.sizes(1e-25, 1e-19),
                "stiffness": draw.sizes(1e-43, 1e-36),
                "bandwidth": draw.sizes(1.0000001e-19, 1e-15),
            }
        ),
        _mode_density,
    ),
    Contract(
        "magnons.band.MagnonBand.density_of_states",
        st.fixed_dictionaries({"self": bands(), "energy": _ENERGY}),
        _states,
        {"energy": 0},
    ),
    Contract(
        "magnons.band.MagnonBand.quadrature",
        st.fixed_dictionaries({"self": bands()}, optional={"points": st.integers(1, 80)}),
        _rule,
    ),
    Contract(
        "magnons.band.bose_einstein",
        st.fixed_dictionaries(
            {"energy": _ENERGY, "temperature": KELVIN},
            optional={"chemical_potential": st.one_of(_ENERGY, st.just(1e-21))},
        ),
        _bose,
        {"energy": 0, "temperature": 0, "chemical_potential": 0},
        inf={"": "the pole at epsilon = mu"},
        examples=40,
    ),
    Contract(
        "magnons.band.magnon_density",
        _thermal(),
        _density,
        {"temperature": 0, "chemical_potential": 0},
    ),
    Contract(
        "magnons.band.magnon_susceptibility", _thermal(), _susceptibility, {"temperature": 0, "chemical_potential": 0}
    ),
    Contract("magnons.band.fit_bose_einstein", _fitted(), _same_moments),
)

EXEMPT = {"magnons.band.BoseEinsteinFit": "returned by fit_bose_einstein, whose contract looks at all of it"}

_SHAPE = {"gap": 1e-21, "stiffness": 1e-40, "bandwidth": 1e-20}
_BELOW = [0.0, -5e-324, -1e-21]

LIMITS = (
    Limit("magnons.band.MagnonBand", "gap", [1e-30, np.nextafter(1e-20, 0)], _BELOW, ("pass gap > 0",), _SHAPE),
    Limit("magnons.band.MagnonBand", "stiffness", [1e-60], _BELOW, ("pass stiffness > 0",), _SHAPE),
    Limit(
        "magnons.band.MagnonBand",
        "bandwidth",
        [np.nextafter(1e-21, 1)],
        [1e-21, np.nextafter(1e-21, 0)],
        ("pass bandwidth > gap",),
        _SHAPE,
    ),
    Limit("magnons.band.MagnonBand.quadrature", "points", [1], [0, -1, 1.0, True], ("points >= 1",), {"self": BAND}),
    Limit("magnons.band.bose_einstein", "temperature", [1e-12], _BELOW, ("temperature > 0",), {"energy": 1e-21}),
    *(
        Limit(f"magnons.band.{name}", argument, at, beyond, (says,), {"band": BAND, "temperature": 300.0})
        for name in ("magnon_density", "magnon_susceptibility")
        for argument, at, beyond, says in (
            ("temperature", [1e-3, 1e9], _BELOW, "temperature > 0"),
            ("chemical_potential", [np.nextafter(1e-21, 0), -1e-10], [1e-21, 2e-21], "chemical_potential < gap"),
        )
    ),
    Limit(
        "magnons.band.fit_bose_einstein",
        "chemical_potential",
        [np.nextafter(1e-21, 0), -1e-19],
        [1e-21, np.nextafter(1e-21, 1)],
        ("chemical_potential < gap",),
        {"band": BAND, "occupation": np.full(8, 0.1)},
    ),
    Limit(
        "magnons.band.fit_bose_einstein",
        "occupation",
        [Thermal(1e3, 0.0)],
        [np.zeros(4), -np.ones(4), np.array([1.0, 1.0, 1.0, -5e-324]), np.array([]), np.ones((2, 2))],
        ("pass",),
        {"band": BAND},
    ),
)


@contracts(*CONTRACTS)
def test_invariant_contract_magnons_band(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_magnons_band(row: Contract | Limit) -> None:
    row.check_refusals()
