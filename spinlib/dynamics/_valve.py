"""The torque of a spin valve on its free layer, together with the pumping of that layer through the same node."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._interface import InterfaceConductance, interface
from spinlib._validate import number, positive, real, shared_shape, unit
from spinlib.circuit import spin_transfer_torque, spin_valve
from spinlib.units import gyromagnetic_ratio as free_electron

__all__ = ["ValveTorque", "tangents"]

_Real = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ValveTorque:
    r"""Torque of circuit theory on the free layer of a spin valve whose other layer is fixed (BTBK 3-6, 9).

    A callable ``torque(m, t)``: the torque of the current on a free layer at rest. A free layer that moves pumps, part
    of what it emits comes back from the node, and what is lost damps it. That torque is linear in dm/dt; ``at`` returns
    its matrix, and the integrators solve for dm/dt with it.

    Args:
        m_fixed: direction of the fixed layer, unit vectors ``(..., 3)``.
        fixed: interface between fixed layer and node [S or S/m^2].
        free: interface between node and free layer, same unit.
        charge_current: electrons from the fixed to the free layer [A or A/m^2], ``(...,)``.
        magnetic_moment: M_s V [A m^2] or M_s d [A] of the free layer, positive.
        gyromagnetic_ratio: gamma [rad/(s T)], positive; the integrators refuse another than their own.
        pumping: whether the free layer pumps.

    Raises:
        ValueError: ``m_fixed`` is no unit vector, an interface is none or that of a thin magnet, a moment or ratio is
            not positive, a number is not finite.

    >>> from spinlib.units import e, hbar
    >>> side = InterfaceConductance(majority=3.0, minority=1.0, mixing=1.5)
    >>> valve = ValveTorque((0, 0, 1), side, side, 4 * e, magnetic_moment=hbar, gyromagnetic_ratio=1.0)
    >>> valve(np.array([1.0, 0.0, 0.0]), 0.0).round(12)
    array([0. , 0. , 0.5])
    """

    m_fixed: ArrayLike
    fixed: InterfaceConductance
    free: InterfaceConductance
    charge_current: ArrayLike = 0.0
    magnetic_moment: float = field(kw_only=True)
    gyromagnetic_ratio: float = field(default=free_electron, kw_only=True)
    pumping: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        for name, value in (
            ("m_fixed", unit("m_fixed", self.m_fixed)),
            ("charge_current", np.array(real("charge_current", self.charge_current))),
        ):
            value.flags.writeable = False
            object.__setattr__(self, name, value)
        for name in ("fixed", "free"):
            interface(name, getattr(self, name))._thick(name)
        for name in ("magnetic_moment", "gyromagnetic_ratio"):
            object.__setattr__(self, name, number(name, getattr(self, name), positive))

    def __call__(self, m: ArrayLike, t: float = 0.0) -> _Real:  # noqa: ARG002 (the signature of every law)
        """Return the torque [1/s] on a free layer ``m`` ``(..., 3)`` at rest; it does not depend on the time."""
        return self._torque(unit("m", m), self.charge_current, None)

    def at(self, m: ArrayLike) -> tuple[_Real, _Real]:
        """Return the torque at rest ``(..., 3)`` [1/s] and the matrix K of the torque K dm/dt ``(..., 3, 3)``.

        K is that of the pumped current less what the node sends back, at fixed charge current; 0 without pumping.

        Args:
            m: direction of the free layer, unit vectors ``(..., 3)``.

        Returns:
            The two, in the shape that ``m``, ``m_fixed`` and ``charge_current`` broadcast to.

        Raises:
            ValueError: ``m`` is no unit vector or does not broadcast.
        """
        n = unit("m", m)
        current, fixed = np.asarray(self.charge_current), np.asarray(self.m_fixed)
        shape = shared_shape(m=n.shape[:-1], m_fixed=fixed.shape[:-1], charge_current=current.shape)
        n = np.broadcast_to(n, (*shape, 3))
        if not self.pumping:
            return self._torque(n, current, None), np.zeros((*shape, 3, 3))
        across = tangents(n)
        rates = np.concatenate([np.zeros((1, *n.shape)), across])
        currents = np.zeros((3, *shape))
        currents[0] = current
        torque = self._torque(n, currents, rates)
        return torque[0], np.asarray(np.einsum("k...i,k...j->...ij", torque[1:], across))

    def _torque(self, n: _Real, current: ArrayLike, rate: _Real | None) -> _Real:
        state = spin_valve(self.m_fixed, n, self.fixed, self.free, charge_current=current, mdot2=rate)
        scale = {"magnetic_moment": self.magnetic_moment, "gyromagnetic_ratio": self.gyromagnetic_ratio}
        return spin_transfer_torque(n, state.spin_current2, **scale)


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
