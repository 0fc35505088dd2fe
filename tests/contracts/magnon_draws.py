"""Magnets, interfaces, metals and temperatures of the contracts of magnons: a thousand times what a sample has."""

from math import inf

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from spinlib.magnons.band import MagnonBand
from spinlib.magnons.interface import MagnonInterface, NormalMetal
from spinlib.magnons.kinetics import Ferromagnet
from spinlib.magnons.temperature_models import TemperaturePulse
from tests.contracts import draw

KELVIN = draw.sizes(1e-2, 1e5)


@st.composite
def bands(draws: st.DrawFn) -> MagnonBand:
    """Bands whose gap is from a millionth to nearly all of the upper edge."""
    gap = draws(draw.sizes(1e-25, 1e-19))
    above = draws(draw.sizes(1e-6, 1e6))
    return MagnonBand(gap, draws(draw.sizes(1e-43, 1e-36)), gap * (1 + above))


@st.composite
def ferromagnets(draws: st.DrawFn, sign: int = -1) -> Ferromagnet:
    """Magnets with a feedback of one sign, or none, with damping or without."""
    feedback = sign * draws(st.one_of(draw.sizes(1e-51, 1e-44), st.just(0.0)))
    share = draws(draw.between(0.0, 1.0)) if sign < 0 else 0.0
    return Ferromagnet(
        draws(bands()),
        draws(st.one_of(draw.sizes(1e-5, 1.0), st.just(0.0))),
        draws(draw.between(0.0, 1.0, open_above=True)),
        feedback,
        draws(st.one_of(draw.sizes(1e-15, 1e-9), st.just(inf))),
        exchange_feedback=share * feedback,
    )


@st.composite
def pulses(draws: st.DrawFn) -> TemperaturePulse:
    """Pulses that heat or cool, with any order of their times."""
    return TemperaturePulse(
        draws(draw.sizes(1.0, 1e3)),
        draws(draw.sizes(1.0, 1e4)),
        draws(draw.sizes(1e-15, 1e-11)),
        draws(st.one_of(draw.sizes(1e-15, 1e-9), st.just(inf))),
        draws(st.sampled_from(["linear", "sin2"])),
    )


def temperatures() -> st.SearchStrategy[object]:
    """Temperatures of the arguments that take a number or a function."""
    return st.one_of(draw.sizes(1e-1, 1e4), pulses())


@st.composite
def record_times(draws: st.DrawFn) -> NDArray[np.float64]:
    """Increasing times whose steps differ by up to five decades."""
    steps = draws(st.lists(draw.sizes(1e-15, 1e-10), min_size=1, max_size=4))
    return draws(st.sampled_from([0.0, -1e-12, 1e-9])) + np.append(0.0, np.cumsum(steps))


@st.composite
def interfaces(draws: st.DrawFn) -> MagnonInterface:
    """Interfaces with and without transfer, a thousand times better and worse than known ones."""
    return MagnonInterface(
        draws(st.one_of(draw.sizes(1e11, 1e18), st.just(0.0))),
        draws(draw.sizes(1e26, 1e30)),
        draws(st.sampled_from([2.0, 1.0, 1e-6])),
        draws(st.one_of(draw.sizes(1e46, 1e54), st.just(0.0))),
    )


@st.composite
def metals(draws: st.DrawFn) -> NormalMetal:
    """Metals from a thousandth to a thousand diffusion lengths thick."""
    return NormalMetal(
        draws(draw.sizes(1e-5, 1e-1)),
        draws(st.one_of(draw.sizes(1e-15, 1e-9), st.just(inf))),
        draws(draw.sizes(1e45, 1e49)),
        draws(draw.sizes(1e-10, 1e-5)),
    )
