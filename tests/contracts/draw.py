"""Inputs for the contracts: numbers over the whole of a range with its ends, vectors, arrays."""

import math

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

Real = st.SearchStrategy[float]


def between(least: float, most: float, *, open_below: bool = False, open_above: bool = False) -> Real:
    """Numbers of an interval, its ends among them unless they are open."""
    return st.floats(least, most, exclude_min=open_below, exclude_max=open_above, allow_subnormal=False)


def sizes(least: float, most: float) -> Real:
    """Positive numbers, even in their logarithm, with both ends."""
    ends = st.sampled_from([least, most])
    inner = st.floats(math.log10(least), math.log10(most)).map(lambda power: min(max(10.0**power, least), most))
    return st.one_of(inner, inner, inner, ends)


def signed(least: float, most: float) -> Real:
    """Numbers of either sign with sizes from ``least`` to ``most``, and 0."""
    positive = sizes(least, most)
    return st.one_of(positive, positive.map(lambda size: -size), st.just(0.0))


def angles() -> Real:
    """Angles: any of a few turns, multiples of a quarter turn, and next to nothing."""
    special = st.sampled_from([0.0, math.pi / 2, math.pi, -math.pi / 2, 2 * math.pi, 1e-9, math.pi - 1e-9])
    return st.one_of(between(-10.0, 10.0), special)


@st.composite
def directions(draw: st.DrawFn) -> NDArray[np.float64]:
    """Unit vectors ``(3,)``: along the axes, nearly so, and any."""
    theta, phi = draw(angles()), draw(angles())
    vector = np.array([math.sin(theta) * math.cos(phi), math.sin(theta) * math.sin(phi), math.cos(theta)])
    return np.where(np.abs(vector) < 1e-15, 0.0, vector)


@st.composite
def vectors(draw: st.DrawFn, least: float = 1e-3, most: float = 1e3) -> NDArray[np.float64]:
    """Vectors ``(3,)`` with components of either sign, and 0."""
    return np.array([draw(signed(least, most)) for _ in range(3)])


@st.composite
def arrays(draw: st.DrawFn, entries: Real, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Arrays of one shape with drawn entries."""
    return np.array([draw(entries) for _ in range(math.prod(shape))]).reshape(shape)


@st.composite
def unitary(draw: st.DrawFn, size: int) -> NDArray[np.complex128]:
    """Unitary matrices: the unit matrix, permutations with phases, and Haar-random ones from a drawn seed."""
    kind = draw(st.sampled_from(["haar", "permutation", "one"]))
    if kind == "one":
        return np.eye(size, dtype=np.complex128)
    if kind == "permutation":
        order = draw(st.permutations(range(size)))
        phases = np.array([draw(angles()) for _ in range(size)])
        return np.exp(1j * phases)[:, None] * np.eye(size)[list(order)]
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    matrix = random.normal(size=(size, size)) + 1j * random.normal(size=(size, size))
    q, r = np.linalg.qr(matrix)
    return np.asarray(q * (np.diag(r) / np.abs(np.diag(r))))
