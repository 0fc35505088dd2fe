"""Structures with a magnetisation of given shape: bilayer, ring, wall (names from :mod:`spinlib.accumulation`)."""

from collections.abc import Callable, Sequence
from math import pi
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import integer, not_negative, number, positive, shaped, unit
from spinlib.accumulation.medium import DiffusiveMedium
from spinlib.accumulation.structure import Boundary, Layer, SpinStructure
from spinlib.spin import rotation_matrix

__all__ = ["bilayer", "ring", "wall"]

_Real = NDArray[np.float64]
_Profile = Literal["tanh", "exponential"] | Callable[[_Real], _Real]


def bilayer(
    medium: DiffusiveMedium | Sequence[DiffusiveMedium],
    left_direction: ArrayLike,
    right_direction: ArrayLike,
    left_thickness: float,
    right_thickness: float,
    *,
    interface_width: float = 0.0,
    profile: _Profile = "tanh",
    drift: float = 0.0,
    exchange_force: bool = True,
) -> SpinStructure:
    """Return two magnets that meet at x = 0, where their magnetisation vanishes (RHP Fig. 5).

    M = f(abs(x)/width) times the direction of its side. Both ends keep m = m_eq.

    Args:
        medium: one metal, or a pair.
        left_direction: of the spins at x < 0, a unit vector.
        right_direction: at x > 0.
        left_thickness: [m].
        right_thickness: [m].
        interface_width: [m]; 0 is a step.
        profile: f, "tanh", "exponential" (1 - exp(-u)), or a function ``(n,)`` -> ``(n,)`` from 0 towards 1.
        drift: of both layers, see :class:`Layer`.
        exchange_force: see :class:`SpinStructure`.

    Raises:
        ValueError: a direction of another length than 1, a thickness not above 0, a negative width, an unknown profile.

    >>> metal = DiffusiveMedium(1e-3, 1e-12, exchange_splitting=1e-20)
    >>> bilayer(metal, (0, 0, -1), (0, 0, 1), 2e-9, 3e-9).edges.tolist()
    [-2e-09, 0.0, 3e-09]
    """
    pair = [medium, medium] if isinstance(medium, DiffusiveMedium) else medium
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        raise ValueError(f"medium = {medium!r} is neither one medium nor a pair: pass a DiffusiveMedium or two")
    width = number("interface_width", interface_width, not_negative)
    shapes: dict[str, Callable[[_Real], _Real]] = {"tanh": np.tanh, "exponential": lambda u: -np.expm1(-u)}
    if not callable(profile) and profile not in tuple(shapes):  # also what has no hash
        raise ValueError(f"profile = {profile!r} is no profile: pass 'tanh', 'exponential' or a function")
    shape = profile if callable(profile) else shapes[profile]
    thicknesses = (
        number("left_thickness", left_thickness, positive),
        number("right_thickness", right_thickness, positive),
    )
    directions = []
    for name, value in (("left_direction", left_direction), ("right_direction", right_direction)):
        directions.append(unit(name, shaped(name, value, (3,))))

    def side(index: int) -> Layer:
        direction, thickness = directions[index], thicknesses[index]

        def field(u: _Real) -> _Real:
            depth = u if index else thickness - u
            return shaped("profile(u)", shape(depth / width), u.shape)[:, None] * direction

        return Layer(pair[index], thickness, field if width else direction, drift=drift)

    return SpinStructure([side(0), side(1)], origin=-thicknesses[0], exchange_force=exchange_force)


def ring(
    medium: DiffusiveMedium,
    sides: int,
    side_length: float,
    *,
    corner_width: float = 0.0,
    drift: float = 0.0,
    exchange_force: bool = True,
) -> SpinStructure:
    """Return a closed polygon whose magnetisation vanishes at each corner, turned about x by 2 pi/sides (RHP VI).

    Side s has M = tanh(u/width) tanh((L - u)/width) R_x(2 pi s/sides) z; the first corner is at x = 0.

    Args:
        medium: metal.
        sides: n >= 2.
        side_length: L [m].
        corner_width: [m]; 0 is a step.
        drift: of all sides, see :class:`Layer`.
        exchange_force: see :class:`SpinStructure`.

    Raises:
        ValueError: fewer than 2 sides, a length not above 0, a negative width.

    >>> square = ring(DiffusiveMedium(1e-3, 1e-12, exchange_splitting=1e-20), 4, 1e-8)
    >>> [layer.magnetization.round(9).tolist() for layer in square.layers[:2]]
    [[0.0, 0.0, 1.0], [0.0, -1.0, 0.0]]
    """
    count = integer("sides", sides, 2)
    length, width = number("side_length", side_length, positive), number("corner_width", corner_width, not_negative)

    def side(index: int) -> Layer:
        direction = rotation_matrix((1, 0, 0), 2 * pi * index / count) @ (0.0, 0.0, 1.0)

        def field(u: _Real) -> _Real:
            return (np.tanh(u / width) * np.tanh((length - u) / width))[:, None] * direction

        return Layer(medium, length, field if width else direction, drift=drift)

    closed = Boundary.periodic()
    return SpinStructure([side(index) for index in range(count)], closed, closed, exchange_force=exchange_force)


def wall(
    medium: DiffusiveMedium,
    width: float,
    *,
    azimuth: float = pi / 2,
    half_length: float | None = None,
    drift: float = 0.0,
    velocity: float = 0.0,
    exchange_force: bool = True,
) -> SpinStructure:
    """Return a wall M = (cos phi sech, sin phi sech, -tanh)(x/width) between two endless domains.

    Args:
        medium: metal.
        width: [m].
        azimuth: phi [rad]; pi/2 is a Bloch wall for spins along z, where x is the axis of transport.
        half_length: the open ends are at +- this [m]; None is 20 widths.
        drift: see :class:`Layer`.
        velocity: v of the wall along x [m/s], which feeds v d(m_eq)/dx. The solution moves along; it is right where v
            is slow beside the electrons.
        exchange_force: see :class:`SpinStructure`.

    Raises:
        ValueError: a width or a length not above 0.

    >>> wall(DiffusiveMedium(1e-3, 1e-12, exchange_splitting=1e-20), 5e-9).edges.round(12).tolist()
    [-1e-07, 1e-07]
    """
    from spinlib.dynamics.walls import wall_profile  # which loads the table of constants

    scale = number("width", width, positive)
    half = 20 * scale if half_length is None else number("half_length", half_length, positive)
    turn, speed = rotation_matrix((0, 0, 1), number("azimuth", azimuth)), number("velocity", velocity)

    def field(u: _Real) -> _Real:
        return np.asarray(wall_profile(u - half, width=scale)[0] @ turn.T)

    def feed(u: _Real) -> _Real:
        share = np.sign(medium.exchange_splitting)  # m_eq along M
        return np.asarray(-share * speed * wall_profile(u - half, width=scale)[1] @ turn.T)

    layer = Layer(medium, 2 * half, field, drift=drift, source=feed if speed else (0.0, 0.0, 0.0))
    return SpinStructure([layer], Boundary.open(), Boundary.open(), origin=-half, exchange_force=exchange_force)
