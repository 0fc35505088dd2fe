"""Transport through a stack: conductance, spin currents and torque on every layer, averaged or coherent."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._table import Table
from spinlib._validate import real, require, shared_shape
from spinlib.scattering._algebra import alike, amplitudes_from_left, batch_text, solve
from spinlib.scattering._hat import LARGEST_POPULATION, HatMatrix, hat_average
from spinlib.scattering._layers import bulk_layer, ferromagnet, normal_metal, valet_fert_rates
from spinlib.scattering.smatrix import SMatrix
from spinlib.spin import PAULI

__all__ = [
    "HatMatrix",
    "bulk_layer",
    "ferromagnet",
    "hat_average",
    "normal_metal",
    "transport",
    "valet_fert_rates",
]

# Rounding leaves residues of either sign in a conductance that vanishes.
_NO_CONDUCTANCE = 1e-15

_Real = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Transport(Table):
    """Result of :func:`transport` for L layers; region k lies left of layer k. Units: :mod:`spinlib.scattering`.

    ``columns(theta=theta)`` and ``to_csv(path, theta=theta)`` make a table of it, one row per point.

    Args:
        conductance: g in e^2/h per channel, both spins, ``(...,)``; positive for either source.
        charge_current: electrons, positive to the right, ``(..., L+1)``; +g or -g in every region.
        spin_current: positive to the right, ``(..., L+1, 3)``, in the unit of the torque.
        torque: T_k, spin gained by layer k, ``(..., L, 3)``, hbar/2 per channel.
        torque_per_current: T_k/g, ``(..., L, 3)``, hbar/2 per electron that crosses; nan where g <= 1e-15.

    Raises:
        ValueError: shapes that do not belong together.
    """

    conductance: _Real
    charge_current: _Real
    spin_current: _Real
    torque: _Real
    torque_per_current: _Real

    _vectors: ClassVar[tuple[str, ...]] = ("spin_current", "torque", "torque_per_current")
    _units: ClassVar[Mapping[str, str]] = {
        "conductance": "e^2/h per channel",
        "charge_current": "e^2/h per channel",
        "spin_current": "hbar/2 per channel",
        "torque": "hbar/2 per channel",
        "torque_per_current": "hbar/2 per electron",
    }

    def __post_init__(self) -> None:
        *batch, layers, _ = self.torque.shape
        expected = {
            "conductance": (*batch,),
            "charge_current": (*batch, layers + 1),
            "spin_current": (*batch, layers + 1, 3),
            "torque_per_current": self.torque.shape,
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(f"{name} has shape {getattr(self, name).shape}: pass {shape}, as torque has it")

    def __repr__(self) -> str:
        span = "none"
        if self.conductance.size:
            low, high = float(self.conductance.min()), float(self.conductance.max())
            span = f"{low:.4g} e^2/h" if low == high else f"{low:.4g}..{high:.4g} e^2/h"
        return f"Transport(layers={self.torque.shape[-2]}, conductance={span}{batch_text(self.conductance.shape)})"


def transport(
    layers: Sequence[SMatrix] | Sequence[HatMatrix],
    source: Literal["left", "right"] = "left",
    polarization: ArrayLike | None = None,
) -> Transport:
    r"""Return currents and torques when one reservoir emits (KK 8-11 coherent; KK 14-16 averaged).

    The source fills every incoming mode with the density matrix 1 + p.sigma (two electrons per channel), the other
    reservoir none. T_k = spin current entering layer k minus spin current leaving it.

    Averaged stacks are solved for what layers take, not for what they reflect: weak filters keep their digits, and so
    does the charge current through opaque stacks. A torque does not where the transverse spin is a small share s of
    the populations beside the layer: its relative error is about 1e-16/s. Through a dirty spacer s ~ n, so 1e-16/n;
    behind a nearly opaque free layer s ~ T, so 1e-16/T. :func:`~spinlib.scattering.closed_forms.slonczewski_parameters`
    keeps all digits there.

    Between perfect filters a mode gets trapped as the angle goes to 0 and the current vanishes as it goes to pi:
    torque and torque_per_current then carry a relative error of about 1e-15/(distance in rad)^2. At 0 itself the
    trapped mode stays empty, the physical limit; filters turned away from z have g there to about 1e-16/n only.

    Args:
        layers: all SMatrix or all HatMatrix, from left to right; leading shapes broadcast.
        source: "left" (electrons flow to the right) or "right".
        polarization: p of the source, ``(..., 3)``, \|p\| <= 1; None: unpolarised.

    Returns:
        Transport; for coherent layers of every sample, for averaged layers of the average to leading order in 1/N.

    Raises:
        ValueError: empty or mixed ``layers``, unequal N, unknown ``source``, \|p\| > 1.

    Warns:
        RuntimeWarning: once, if g <= 1e-15 somewhere; ``torque_per_current`` is nan there for every layer.

    >>> transport([ferromagnet(1, 0), ferromagnet(1, 0)]).conductance
    array(1.)
    """
    stack, batch = alike(layers, (SMatrix, HatMatrix))
    if source not in ("left", "right"):
        raise ValueError(f"source = {source!r} is no reservoir: pass 'left' or 'right'")
    p = _polarization(polarization)
    batch = shared_shape(layers=batch, polarization=p.shape[:-1])
    if source == "right":
        stack = [layer._mirrored() for layer in reversed(stack)]
    averaged = [layer for layer in stack if isinstance(layer, HatMatrix)]
    coherent = [layer for layer in stack if isinstance(layer, SMatrix)]
    conductance, current, torque = _averaged(averaged, p, batch) if averaged else _coherent(coherent, p, batch)
    if source == "right":
        current, torque = -current[..., ::-1, :], torque[..., ::-1, :]
    return Transport(conductance, current[..., 0], current[..., 1:], torque, _per_current(torque, conductance))


def _polarization(polarization: ArrayLike | None) -> _Real:
    remedy = "pass vectors of shape (..., 3) with |polarization| <= 1"
    p = real("polarization", np.zeros(3) if polarization is None else polarization, remedy)
    if p.ndim == 0 or p.shape[-1] != 3:
        raise ValueError(f"polarization has shape {p.shape}: {remedy}")
    length = np.linalg.norm(p, axis=-1)
    require("length of polarization", length, length <= 1 + 1e-12, "is above 1", remedy)
    return p


def _averaged(layers: list[HatMatrix], p: _Real, batch: tuple[int, ...]) -> tuple[_Real, _Real, _Real]:
    """Return g, currents ``(..., L+1, 4)`` and torques ``(..., L, 3)`` for a source on the left."""
    # Backwards: what never comes back from region k on; 1 in the last region, whose reservoir absorbs all.
    absorbed: _Real = np.eye(4)
    drains = []
    for layer in reversed(layers):
        drains.append((layer._drain(absorbed), absorbed))
        if len(drains) < len(layers):
            into_next = solve(drains[-1][0], layer.t, LARGEST_POPULATION)
            lost = layer._absorption_prime
            absorbed = layer._absorption + (lost + absorbed - lost @ absorbed) @ into_next
    # Forwards: populations f of the right movers, b of the left movers behind each layer.
    f: _Real = np.concatenate([np.ones((*p.shape[:-1], 1)), p], axis=-1)
    currents = np.empty((*batch, len(layers) + 1, 4))
    torque = np.empty((*batch, len(layers), 3))
    for k, (layer, (drain, absorbed)) in enumerate(zip(layers, reversed(drains), strict=True)):
        into_layer = _mapped(layer._absorption, f)
        f = solve(drain, _mapped(layer.t, f)[..., None], LARGEST_POPULATION)[..., 0]
        currents[..., k, :] = 2 * (into_layer + _mapped(layer._absorption_prime, f - _mapped(absorbed, f)))
        torque[..., k, :] = currents[..., k, 1:]
    currents[..., -1, :] = 2 * f
    # The current of a region is what the layers behind it take plus what leaves the stack.
    for k in range(len(layers) - 1, -1, -1):
        currents[..., k, :] += currents[..., k + 1, :]
    return currents[..., -1, 0].copy(), currents, torque


def _mapped(matrix: _Real, populations: _Real) -> _Real:
    """Return ``matrix @ populations`` for vectors ``(..., 4)``."""
    return np.asarray((matrix @ populations[..., None])[..., 0])


def _coherent(layers: list[SMatrix], p: _Real, batch: tuple[int, ...]) -> tuple[_Real, _Real, _Real]:
    """Return g, currents ``(..., L+1, 4)`` and torques ``(..., L, 3)`` for a source on the left."""
    n = layers[0].channels
    movers = amplitudes_from_left(layers, batch)
    density = (np.eye(2) + np.tensordot(p.astype(np.complex128), PAULI, axes=(-1, 0)))[..., None, :, :]
    flux = [_spin_populations(amplitudes, density, n) for amplitudes in movers]
    currents = np.broadcast_to(flux[0] - flux[1], (*batch, len(layers) + 1, 4))
    conductance = np.broadcast_to(flux[0][..., -1, 0], batch)
    return np.array(conductance), np.array(currents), currents[..., :-1, 1:] - currents[..., 1:, 1:]


def _spin_populations(amplitudes: NDArray[np.complex128], density: NDArray[np.complex128], n: int) -> _Real:
    """Return Tr[sigma_mu A density A^dagger] / N for mu = charge, x, y, z on a new last axis."""
    # Columns are spin * n + channel; the density of the source acts on their spin alone.
    by_spin = amplitudes.reshape(*amplitudes.shape[:-1], 2, n)
    occupied = np.einsum("...rsn,...st->...rtn", by_spin, density)
    occupied = occupied.reshape(*occupied.shape[:-2], 2 * n)
    rows = (*occupied.shape[:-2], 2, n * occupied.shape[-1])
    bras = np.broadcast_to(amplitudes, occupied.shape).reshape(rows).conj().swapaxes(-1, -2)
    x = occupied.reshape(rows) @ bras
    up, down, mixed = x[..., 0, 0].real, x[..., 1, 1].real, x[..., 0, 1]
    return np.stack([up + down, 2 * mixed.real, -2 * mixed.imag, up - down], axis=-1) / n


def _per_current(torque: _Real, conductance: _Real) -> _Real:
    blocked = conductance <= _NO_CONDUCTANCE
    if blocked.any():
        warnings.warn(
            f"conductance <= {_NO_CONDUCTANCE:g} at {np.count_nonzero(blocked)} of {blocked.size} points: "
            "torque_per_current is nan there, torque stays finite",
            RuntimeWarning,
            stacklevel=3,
        )
    g = np.where(blocked, np.nan, conductance)
    return torque / g[..., None, None]
