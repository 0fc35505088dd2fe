r"""Magnetoelectronic circuit theory: interfaces with a mixing conductance, spin-transfer torque, spin valves.

Conventions. Currents count electrons: positive when electrons flow from the normal metal N into the ferromagnet F,
or from layer 1 to layer 2. Voltages are electrochemical potentials of electrons over e, V = mu/e; conventional current
and voltage are the negatives. Vectors are moments: m is the magnetisation, the spin current I_s = (I_up - I_down) m
and the spin accumulation V_s point along moments, and up is the majority. One ampere of spin current carries hbar/2e of
angular momentum per second. V_s is half the splitting: V_up = V_c + m.V_s, V_down = V_c - m.V_s. Conductances in S give
currents in A, conductances per area in S/m^2 give A/m^2. The mixing conductance has the minority amplitude first,
G_mix = (e^2/h) sum(delta - r_down r_up^*) with up the majority, the order in which BTBK (6) and (9) hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._interface import InterfaceConductance, interface
from spinlib._table import Table
from spinlib._validate import not_negative, number, positive, real, require, shared_shape, tangent, unit, vectors
from spinlib.units import e, hbar
from spinlib.units import gyromagnetic_ratio as free_electron

__all__ = ["InterfaceConductance", "interface_current", "spin_transfer_torque", "spin_valve"]

_Real = NDArray[np.float64]

_SINGULAR = 1e13


@dataclass(frozen=True)
class InterfaceCurrent(Table):
    """Currents through an interface, positive when electrons flow from N to F.

    Args:
        charge_current: I_c [A], ``(...,)``.
        spin_current: I_s on the normal side, along moments [A], ``(..., 3)``.
    """

    _vectors: ClassVar[tuple[str, ...]] = ("spin_current",)
    _units: ClassVar[Mapping[str, str]] = {"charge_current": "A", "spin_current": "A"}

    charge_current: _Real
    spin_current: _Real


@dataclass(frozen=True)
class SpinValveState(Table):
    """Stationary state of F1|N|F2, electron flow; per area if the conductances are.

    Args:
        charge_voltage: V_c of the node, mu/e [V], ``(...,)``.
        spin_voltage: V_s of the node, half the splitting [V], ``(..., 3)``.
        voltage1: of the reservoir behind layer 1 [V], ``(...,)``.
        voltage2: of the reservoir behind layer 2 [V], ``(...,)``.
        charge_current: electrons from 1 to 2 [A], ``(...,)``.
        spin_current1: from N into layer 1, pumping included [A], ``(..., 3)``.
        spin_current2: from N into layer 2, pumping included [A], ``(..., 3)``.
    """

    _vectors: ClassVar[tuple[str, ...]] = ("spin_voltage", "spin_current1", "spin_current2")
    _units: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("charge_voltage", "spin_voltage", "voltage1", "voltage2"), "V"),
        **dict.fromkeys(("charge_current", "spin_current1", "spin_current2"), "A"),
    }

    charge_voltage: _Real
    spin_voltage: _Real
    voltage1: _Real
    voltage2: _Real
    charge_current: _Real
    spin_current1: _Real
    spin_current2: _Real


def interface_current(
    m: ArrayLike,
    conductance: InterfaceConductance,
    spin_voltage: ArrayLike,
    *,
    charge_voltage: ArrayLike = 0.0,
    ferromagnet_voltage: ArrayLike = 0.0,
    ferromagnet_spin_voltage: ArrayLike = 0.0,
) -> InterfaceCurrent:
    r"""Return charge and spin current from N into F (BTBK 4-6).

    I_s = (I_up - I_down) m - 2 Re G_mix m x (m x V_s) - 2 Im G_mix m x V_s.

    Args:
        m: magnetisation, unit vectors ``(..., 3)``.
        conductance: of the interface [S or S/m^2].
        spin_voltage: V_s in N, half the splitting, along moments [V], ``(..., 3)``.
        charge_voltage: V_c in N, mu/e [V], ``(...,)``.
        ferromagnet_voltage: V_c in F, mu/e [V], ``(...,)``.
        ferromagnet_spin_voltage: V_s in F along m [V], ``(...,)``.

    Returns:
        InterfaceCurrent with ``charge_current`` ``(...,)`` and ``spin_current`` ``(..., 3)``. Of a thin magnet
        (``transmission=True``, symmetric S) the part across m is what it absorbs, less than what leaves N.

    Raises:
        ValueError: ``m`` is no unit vector, a voltage is not finite, or shapes do not broadcast.

    >>> interface = InterfaceConductance(majority=3.0, minority=1.0, mixing=2.0 + 0.5j)
    >>> interface_current((0, 0, 1), interface, (1, 0, 0)).spin_current
    array([ 4., -1.,  0.])
    """
    n, accumulation = unit("m", m), vectors("spin_voltage", spin_voltage)
    volts = {
        "charge_voltage": real("charge_voltage", charge_voltage),
        "ferromagnet_voltage": real("ferromagnet_voltage", ferromagnet_voltage),
        "ferromagnet_spin_voltage": real("ferromagnet_spin_voltage", ferromagnet_spin_voltage),
    }
    shapes = {name: value.shape for name, value in volts.items()}
    shape = shared_shape(m=n.shape[:-1], spin_voltage=accumulation.shape[:-1], **shapes)
    drop = np.empty((*shape, 4))
    drop[..., 0] = volts["charge_voltage"] - volts["ferromagnet_voltage"]
    drop[..., 1:] = accumulation - volts["ferromagnet_spin_voltage"][..., None] * n
    current = _times(interface("conductance", conductance)._matrix(n), drop)
    return InterfaceCurrent(np.asarray(current[..., 0]), current[..., 1:])


def spin_transfer_torque(
    m: ArrayLike,
    spin_current: ArrayLike,
    *,
    magnetic_moment: ArrayLike,
    gyromagnetic_ratio: ArrayLike = free_electron,
) -> _Real:
    r"""Return the rate of m by the absorbed transverse spin current (BTBK 3).

    tau = -(gamma hbar/2e M_s V) m x (m x I_s): m turns towards the moments that flow in.

    Args:
        m: magnetisation, unit vectors ``(..., 3)``.
        spin_current: I_s from N into F, along moments, electron flow [A or A/m^2], ``(..., 3)``.
        magnetic_moment: M_s V [A m^2] or M_s d [A] with currents per area, positive, ``(...,)``.
        gyromagnetic_ratio: gamma [rad/(s T)], positive, ``(...,)``.

    Returns:
        tau, perpendicular to m [1/s], ``(..., 3)``.

    Raises:
        ValueError: ``m`` is no unit vector, a moment or ratio is not positive, or shapes do not broadcast.

    >>> spin_transfer_torque((0, 0, 1), (2 * e, 0, 5.0), magnetic_moment=hbar, gyromagnetic_ratio=1.0)
    array([1., 0., 0.])
    """
    n, current = unit("m", m), vectors("spin_current", spin_current)
    moment, gamma = positive("magnetic_moment", magnetic_moment), positive("gyromagnetic_ratio", gyromagnetic_ratio)
    shared_shape(
        m=n.shape[:-1], spin_current=current.shape[:-1], magnetic_moment=moment.shape, gyromagnetic_ratio=gamma.shape
    )
    scale = np.asarray(gamma * hbar / (2 * e * moment))
    return np.asarray(-scale[..., None] * np.cross(n, np.cross(n, current)) + 0.0)


def spin_valve(
    m1: ArrayLike,
    m2: ArrayLike,
    interface1: InterfaceConductance,
    interface2: InterfaceConductance,
    *,
    voltage1: ArrayLike | None = None,
    charge_current: ArrayLike | None = None,
    voltage2: ArrayLike = 0.0,
    spin_flip_conductance: float = 0.0,
    mdot1: ArrayLike | None = None,
    mdot2: ArrayLike | None = None,
) -> SpinValveState:
    r"""Return the state of F1|N|F2 with one normal node between two reservoirs (BTBK 4-6, 9).

    The node conserves charge and loses spin at the rate ``spin_flip_conductance`` times V_s. A layer that moves pumps
    as if the accumulation were V_s + (hbar/2e) m x mdot, which is (9). A node between two insulating magnets takes the
    voltage ``voltage2``, which drives nothing.

    Args:
        m1: magnetisation of layer 1, unit vectors ``(..., 3)``.
        m2: of layer 2, likewise.
        interface1: between layer 1 and the node [S or S/m^2].
        interface2: between layer 2 and the node, same unit.
        voltage1: of the reservoir behind layer 1, mu/e [V], ``(...,)``. Exactly one of ``voltage1`` and
            ``charge_current`` is given.
        charge_current: electrons from 1 to 2 [A or A/m^2], ``(...,)``.
        voltage2: of the reservoir behind layer 2 [V], ``(...,)``.
        spin_flip_conductance: G_sf [unit of the conductances], >= 0.
        mdot1: rate of m1 [1/s], perpendicular to it, ``(..., 3)``; None: at rest.
        mdot2: rate of m2, likewise.

    Returns:
        SpinValveState.

    Raises:
        ValueError: both or neither of ``voltage1`` and ``charge_current``, a thin magnet, a vector m that is no unit
            vector, a rate along m, a negative ``spin_flip_conductance``, a spin that nothing determines, a
            ``charge_current`` that cannot flow, or shapes that do not broadcast.

    >>> interface = InterfaceConductance(majority=3.0, minority=1.0, mixing=2.5)
    >>> state = spin_valve((0, 0, 1), (1, 0, 0), interface, interface, charge_current=4.0)
    >>> state.spin_voltage
    array([-0.25,  0.  ,  0.25])
    """
    if (voltage1 is None) == (charge_current is None):
        given = "both are given" if voltage1 is not None else "neither is given"
        raise ValueError(f"voltage1 and charge_current: {given}: pass exactly one of them")
    n1, n2 = unit("m1", m1), unit("m2", m2)
    name, value = ("voltage1", voltage1) if charge_current is None else ("charge_current", charge_current)
    source, ground = real(name, value), real("voltage2", voltage2)  # type: ignore[arg-type]
    flip = number("spin_flip_conductance", spin_flip_conductance, not_negative)
    rest1, rest2 = _larmor("mdot1", mdot1, n1), _larmor("mdot2", mdot2, n2)
    shape = shared_shape(m1=rest1.shape[:-1], m2=rest2.shape[:-1], voltage2=ground.shape, **{name: source.shape})
    a1 = interface("interface1", interface1)._thick("interface1")._matrix(n1)
    a2 = interface("interface2", interface2)._thick("interface2")._matrix(n2)
    # Unknown: (V_c - V_2, V_s) of the node, without bias (column 0) and per volt of bias (column 1).
    drive = np.zeros((*shape, 4, 2))
    drive[..., 0] = -_times(a1, rest1) - _times(a2, rest2)
    drive[..., 1] = a1[..., 0]
    charge = 0.0 if interface1.total + interface2.total else 1.0
    node = _solve(a1 + a2 + np.diag((charge, flip, flip, flip)), drive)
    into2 = np.einsum("...j,...jk->...k", a2[..., 0, :], node)
    if charge_current is None:
        bias = np.broadcast_to(source - ground, shape)
    else:
        passes = into2[..., 1] > 1e-12 * min(interface1.total, interface2.total)
        remedy = "pass voltage1, or layers that some spin crosses"
        require("conductance of the valve", into2[..., 1], passes, "lets no charge current pass", remedy)
        bias = (source - into2[..., 0]) / into2[..., 1]
    potential = node[..., 0] + bias[..., None] * node[..., 1]
    drop1 = potential + rest1
    drop1[..., 0] -= bias
    current1, current2 = _times(a1, drop1), _times(a2, potential + rest2)
    return SpinValveState(
        charge_voltage=np.asarray(potential[..., 0] + ground),
        spin_voltage=potential[..., 1:],
        voltage1=np.asarray(bias + ground),
        voltage2=np.array(np.broadcast_to(ground, shape)),
        charge_current=np.asarray(current2[..., 0]),
        spin_current1=current1[..., 1:],
        spin_current2=current2[..., 1:],
    )


def _times(matrix: _Real, vector: _Real) -> _Real:
    return np.asarray(np.einsum("...ij,...j->...i", matrix, vector))


def _larmor(name: str, mdot: ArrayLike | None, m: _Real) -> _Real:
    """Return (0, (hbar/2e) m x mdot), the accumulation at rest in the frame that turns with m."""
    rate = np.zeros(3) if mdot is None else tangent(name, mdot, m, name.replace("dot", ""))
    turned = np.cross(m, rate)
    return np.concatenate([np.zeros_like(turned[..., :1]), hbar / (2 * e) * turned], axis=-1)


def _solve(matrix: _Real, drive: _Real) -> _Real:
    # Rows and columns scaled to a unit diagonal: a strong spin flip is no singularity.
    diagonal = np.einsum("...ii->...i", matrix)
    scale = 1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    scaled = matrix * scale[..., :, None] * scale[..., None, :]
    condition = np.linalg.cond(scaled)
    remedy = "pass spin_flip_conductance > 0, or interfaces that pass both spins and their transverse part"
    require("condition number of the node", condition, condition < _SINGULAR, "leaves a spin open", remedy)
    return np.asarray(scale[..., None] * np.linalg.solve(scaled, drive * scale[..., None]))
