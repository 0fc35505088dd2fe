"""Geometry of the unit sphere that the rooms of dynamics share: directions, tangents, slopes along great circles."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import unit

__all__ = ["around", "lattice", "length", "normalised", "one_direction", "slopes", "tangents"]

_Real = NDArray[np.float64]

# Sixth-order differences: the error of a slope of order 1 on the unit sphere is below 1e-12.
_WIDTH = 4e-3
_OFFSETS = np.array([-3, -2, -1, 1, 2, 3]) * _WIDTH
_WEIGHTS = np.array([-1, 9, -45, 45, -9, 1]) / (60 * _WIDTH)


def one_direction(name: str, value: ArrayLike) -> _Real:
    """Return a unit vector ``(3,)``, or refuse what is none.

    >>> one_direction("m_free", np.eye(3))
    Traceback (most recent call last):
    ...
    ValueError: m_free has shape (3, 3): pass one vector of shape (3,)
    """
    direction = unit(name, value)
    if direction.shape != (3,):
        raise ValueError(f"{name} has shape {direction.shape}: pass one vector of shape (3,)")
    return direction


def length(v: _Real) -> _Real:
    """Return |v| of vectors ``(..., 3)``.

    >>> length(np.array([[3.0, 0.0, 4.0]]))
    array([5.])
    """
    return np.asarray(np.sqrt(np.einsum("...i,...i", v, v)))


def normalised(v: _Real) -> _Real:
    """Return v/|v| of vectors ``(..., 3)``, unchecked.

    >>> normalised(np.array([3.0, 0.0, 4.0]))
    array([0.6, 0. , 0.8])
    """
    return np.asarray(v / length(v)[..., None])


def tangents(n: _Real) -> _Real:
    """Return two unit vectors e_1, e_2 = n x e_1 across each unit vector ``(..., 3)``, as ``(2, ..., 3)``.

    >>> tangents(np.array([0.0, 0.0, 1.0])).round(12) + 0.0
    array([[ 0.,  1.,  0.],
           [-1.,  0.,  0.]])
    """
    axis = np.eye(3)[np.abs(n).argmin(axis=-1)]
    first = np.cross(n, axis)
    first = first / np.linalg.norm(first, axis=-1, keepdims=True)
    return np.stack([first, np.cross(n, first)])


def around(n: _Real, basis: _Real) -> _Real:
    """Return points ``(2, 6, ..., 3)`` on the great circles through ``n`` ``(..., 3)`` along ``basis`` ``(2, ..., 3)``.

    >>> around(np.array([0.0, 0.0, 1.0]), np.eye(3)[:2])[0, 0].round(6)
    array([-0.012   ,  0.      ,  0.999928])
    """
    sideways = np.moveaxis(np.multiply.outer(np.sin(_OFFSETS), basis), 0, 1)
    return np.asarray(np.multiply.outer(np.cos(_OFFSETS), n) + sideways)


def slopes(values: _Real) -> _Real:
    """Return the derivatives ``(2, ...)`` along both circles of values ``(2, 6, ...)`` at the points of :func:`around`.

    >>> n = np.array([0.0, 0.0, 1.0])
    >>> slopes(around(n, np.eye(3)[:2])).round(12) + 0.0
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """
    return np.asarray(np.einsum("jk...,k->j...", values, _WEIGHTS))


def lattice(count: int) -> _Real:
    """Return ``count`` directions ``(count, 3)`` of a Fibonacci lattice, spread evenly and in no symmetric position.

    >>> lattice(2).round(4)
    array([[ 0.8488, -0.172 ,  0.5   ],
           [-0.7421, -0.4465, -0.5   ]])
    """
    k = np.arange(count) + 0.5
    z, angle = 1 - 2 * k / count, np.pi * (1 + np.sqrt(5)) * k + 1.0
    return np.stack([np.sqrt(1 - z**2) * np.cos(angle), np.sqrt(1 - z**2) * np.sin(angle), z], axis=-1)
