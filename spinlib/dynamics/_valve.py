"""The torque of a spin valve on its free layer, together with the pumping of that layer through the same node."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._interface import InterfaceConductance, interface
from spinlib._validate import number, positive, real, require, shared_shape, unit
from spinlib.spin import cross_matrix
from spinlib.units import e, hbar
from spinlib.units import gyromagnetic_ratio as free_electron

__all__ = ["ValveTorque"]

_Real = NDArray[np.float64]

_SINGULAR = 1e13


@dataclass(frozen=True, eq=False)
class ValveTorque:
    r"""Torque of circuit theory on the free layer of a spin valve whose other layer is fixed (BTBK 3-6, 9).

    A callable ``torque(m, t)``: the torque of the current on a free layer at rest. A free layer that moves pumps, part
    of what it emits comes back from the node, and what is lost damps it. That torque is linear in dm/dt; ``at`` returns
    its matrix, and the integrators solve for dm/dt with it. A function around the record, such as a sum with another
    torque, has no ``at`` and so drops the pumping: write a class with both methods instead.

    The state is that of :func:`spinlib.circuit.spin_valve`, with the charge eliminated. Spins at the node obey
    (M_1 + M_2) V_s = I (P_1 m_1 - P_2 m_2) - M_2 (hbar/2e) m_2 x dm_2/dt, M = G (1 - P^2) m m + 2 Re G_mix (1 - m m)
    - 2 Im G_mix m x.

    Args:
        m_fixed: direction of the fixed layer, unit vectors ``(..., 3)``.
        fixed: interface between fixed layer and node [S or S/m^2].
        free: interface between node and free layer, same unit.
        charge_current: electrons from the fixed to the free layer [A or A/m^2], ``(...,)``.
        magnetic_moment: M_s V [A m^2] or M_s d [A] of the free layer, positive.
        gyromagnetic_ratio: gamma [rad/(s T)], positive; the integrators refuse another than their own.
        pumping: whether the free layer pumps.

    Raises:
        ValueError: ``m_fixed`` is no unit vector, an interface is none, that of a thin magnet or passes no charge, a
            moment or ratio is not positive, a number is not finite, ``pumping`` is no bool; when called, a spin that
            nothing determines.

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
    _taken: _Real = field(init=False, repr=False)
    _driven: _Real = field(init=False, repr=False)

    def __post_init__(self) -> None:
        for name, value in (
            ("m_fixed", unit("m_fixed", self.m_fixed)),
            ("charge_current", np.array(real("charge_current", self.charge_current))),
        ):
            value.flags.writeable = False
            object.__setattr__(self, name, value)
        for name in ("fixed", "free"):
            total = interface(name, getattr(self, name))._thick(name).total
            remedy = "pass an interface that some spin crosses"
            require(f"majority + minority of {name}", total, total > 0, "lets no charge current pass", remedy)
        for name in ("magnetic_moment", "gyromagnetic_ratio"):
            object.__setattr__(self, name, number(name, getattr(self, name), positive))
        moment, remedy = self.magnetic_moment, "pass magnetic_moment in SI units"
        require("magnetic_moment", moment, 2 * e * moment > 0, "over hbar/2e leaves the range of floats", remedy)
        if not isinstance(self.pumping, bool | np.bool_):
            raise ValueError(f"pumping = {self.pumping!r} is no bool: pass True or False")
        axis = np.asarray(self.m_fixed)
        object.__setattr__(self, "_taken", _spins_taken(self.fixed, axis)[0])
        object.__setattr__(self, "_driven", self.fixed.polarization * axis)

    def __call__(self, m: ArrayLike, t: float = 0.0) -> _Real:  # noqa: ARG002 (the signature of every law)
        """Return the torque [1/s] on a free layer ``m`` ``(..., 3)`` at rest; it does not depend on the time."""
        return self._solved(unit("m", m))[0]

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
        torque, given = self._solved(n)
        if not self.pumping:
            return torque, np.zeros((*torque.shape, 3))
        scale = self._unit * hbar / (2 * e)
        # Of what m x dm/dt emits, the share (M_1 + M_2)^-1 M_1 is taken by the fixed layer; the rest returns.
        matrix = scale * given @ self._taken @ cross_matrix(n)
        return torque, np.array(np.broadcast_to(matrix, (*torque.shape, 3)))

    @property
    def _unit(self) -> float:
        """Rate of one unit of absorbed spin current."""
        return self.gyromagnetic_ratio * hbar / (2 * e * self.magnetic_moment)

    def _solved(self, n: _Real) -> tuple[_Real, _Real]:
        """Return the torque at rest and T (M_1 + M_2)^-1, T the part of M_2 that is absorbed across ``n``."""
        current, fixed = np.asarray(self.charge_current), np.asarray(self.m_fixed)
        shared_shape(m=n.shape[:-1], m_fixed=fixed.shape[:-1], charge_current=current.shape)
        mine, absorbed = _spins_taken(self.free, n)
        node = self._taken + mine
        condition = np.linalg.cond(node)
        remedy = "pass interfaces that pass both spins and their transverse part"
        require("condition number of the node", condition, condition < _SINGULAR, "leaves a spin open", remedy)
        given = absorbed @ np.linalg.inv(node)
        drive = self._driven - self.free.polarization * n
        torque = self._unit * current[..., None] * (given @ drive[..., None])[..., 0]
        return np.asarray(torque + 0.0), np.asarray(given)


def _spins_taken(side: InterfaceConductance, n: _Real) -> tuple[_Real, _Real]:
    """Return the matrix M from V_s to the spin current into a magnet that no charge enters, and its part across."""
    across = side._across(n)
    return side.total * (1 - side.polarization**2) * n[..., :, None] * n[..., None, :] + across, across
