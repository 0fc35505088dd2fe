"""Layers to draw: coherent and averaged ones, the singular ones among them."""

from typing import Any

import numpy as np
from hypothesis import strategies as st

from spinlib.scattering.random_matrix import random_spacer
from spinlib.scattering.smatrix import SMatrix, rotate
from spinlib.scattering.stack import HatMatrix, bulk_layer, ferromagnet, hat_average, normal_metal
from tests.contracts import draw

PROBABILITY = st.one_of(
    draw.between(0.0, 1.0), draw.sizes(1e-12, 1.0), draw.sizes(1e-12, 1.0).map(lambda x: 1 - x), st.just(0.0)
)
MIRROR, OPEN = np.eye(2), np.array([[0, 1], [1, 0]])


@st.composite
def magnets(draw_one: st.DrawFn) -> dict[str, Any]:
    """Arguments of a magnet, with aligned, dephased and any phases up to the bound."""
    up, down = draw_one(PROBABILITY), draw_one(PROBABILITY)
    inputs: dict[str, Any] = {"transmission_up": up, "transmission_down": down}
    bounds = {"reflection_mixing": np.sqrt((1 - up) * (1 - down)), "transmission_mixing": np.sqrt(up * down)}
    for name, bound in bounds.items():
        for side in ("", "_right"):
            if draw_one(st.booleans()):
                share, phase = draw_one(draw.between(0.0, 1.0)), np.exp(1j * draw_one(draw.angles()))
                inputs[name + side] = complex(share * bound * phase)
    if draw_one(st.booleans()):
        inputs |= {"theta": draw_one(draw.angles()), "phi": draw_one(draw.angles())}
    return inputs


@st.composite
def slabs(draw_one: st.DrawFn) -> dict[str, Any]:
    """Arguments of a diffusive layer, from none to opaque, with flips from none to many."""
    rate = draw_one(draw.sizes(1e-6, 1e12))
    up, down = (rate * draw_one(st.one_of(draw.between(0.0, 1.0), draw.sizes(1e-9, 1.0))) for _ in range(2))
    flip = rate * draw_one(st.one_of(st.just(0.0), draw.sizes(1e-9, 1e3)))
    inputs: dict[str, Any] = {
        "thickness": draw_one(st.one_of(draw.sizes(1e-9, 1e6), st.just(0.0))) / rate,
        "scattering_up": up,
        "scattering_down": down,
        "spin_flip": flip,
    }
    if draw_one(st.booleans()) or flip > 2 * up:
        least = (up + down) / 2 + 2 * flip
        excess = draw_one(st.one_of(st.just(0.0), draw.sizes(1e-9, 1e3)))
        inputs["transverse_decay"] = complex(least + rate * excess, rate * draw_one(draw.signed(1e-9, 1e3)))
        share, phase = draw_one(draw.between(0.0, 1.0)), np.exp(1j * draw_one(draw.angles()))
        inputs["transverse_reflection"] = complex(share * np.sqrt(up * down) * phase)
    else:
        inputs["scattering_down"] = up
    if draw_one(st.booleans()):
        inputs |= {"theta": draw_one(draw.angles()), "phi": draw_one(draw.angles())}
    return inputs


@st.composite
def coherent(draw_one: st.DrawFn, channels: int) -> SMatrix:
    """A coherent layer: any unitary one, one that keeps spins, perfect filters at any angle, a disordered spacer."""
    kind = draw_one(st.sampled_from(["any", "spins", "filter", "spacer", "open"]))
    if kind == "any":
        return SMatrix.from_matrix(draw_one(draw.unitary(4 * channels)))
    if kind == "spins":
        return SMatrix.from_spins(draw_one(draw.unitary(2 * channels)), draw_one(draw.unitary(2 * channels)))
    if kind == "spacer":
        eigenvalues = draw_one(draw.arrays(draw.between(0.0, 1.0), (channels,)))
        spacer = random_spacer(eigenvalues, samples=1, seed=draw_one(st.integers(0, 999)))
        return SMatrix(spacer.r[0], spacer.t_prime[0], spacer.t[0], spacer.r_prime[0])
    one = np.eye(channels)
    passing = SMatrix.from_spins(np.kron(OPEN, one), np.kron(MIRROR if kind == "filter" else OPEN, one))
    return rotate(passing, draw_one(draw.angles()), draw_one(draw.angles()))


@st.composite
def averaged(draw_one: st.DrawFn) -> HatMatrix:
    """An averaged layer of any kind."""
    kind = draw_one(st.sampled_from(["magnet", "spacer", "slab", "coherent"]))
    if kind == "magnet":
        return ferromagnet(**draw_one(magnets()))
    if kind == "spacer":
        return normal_metal(draw_one(draw.sizes(1e-9, 1.0)))
    if kind == "slab":
        return bulk_layer(**draw_one(slabs()))
    return hat_average(draw_one(coherent(draw_one(st.integers(1, 2)))))


@st.composite
def stacks(draw_one: st.DrawFn, *, kinds: tuple[str, ...] = ("coherent", "averaged")) -> list[Any]:
    """One to three layers of one kind."""
    count = draw_one(st.integers(1, 3))
    if draw_one(st.sampled_from(kinds)) == "averaged":
        return [draw_one(averaged()) for _ in range(count)]
    channels = draw_one(st.integers(1, 2))
    return [draw_one(coherent(channels)) for _ in range(count)]
