"""What a layer is at given places: its local spins, the field they make, and what feeds spins."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spinlib._validate import require
from spinlib.accumulation._field import evaluate
from spinlib.accumulation.structure import Layer, SpinStructure

__all__ = ["Local", "local"]

_Real = NDArray[np.float64]


@dataclass(frozen=True)
class Local:
    """What a layer is at given places, ``(..., 3)`` each; ``rest`` is the part of m that no gradient of w knows."""

    magnetization: _Real
    precession: _Real
    equilibrium: _Real
    rest: _Real
    source: _Real


def local(structure: SpinStructure, layer: Layer, u: _Real) -> Local:
    """Return M, H = omega M + omega_B, m_eq, m - nu w and the source at distances u from the left face of a layer."""
    magnetization, omega = evaluate("magnetization", layer.magnetization, u), layer.medium.exchange_frequency
    precession = np.asarray(omega * magnetization + np.asarray(structure.larmor_frequency))
    if callable(layer.equilibrium):
        equilibrium = evaluate("equilibrium", layer.equilibrium, u)
        if structure.exchange_force:
            off = np.linalg.norm(np.cross(precession, equilibrium), axis=-1)
            size = np.linalg.norm(precession, axis=-1) * np.linalg.norm(equilibrium, axis=-1)
            part = np.divide(off, size, out=np.zeros_like(off), where=size > 0)
            remedy = "pass an equilibrium along the field H that the electrons feel"
            require("|H x m_eq| / |H| |m_eq|", part, part <= 1e-6, "is not 0 to 1e-6", remedy)
    else:
        share = float(np.sign(omega)) if layer.equilibrium is None else layer.equilibrium
        equilibrium = np.asarray(share * (precession / omega if omega else magnetization))
    rest = equilibrium if structure.exchange_force else np.zeros_like(equilibrium)
    return Local(magnetization, precession, equilibrium, rest, evaluate("source", layer.source, u))
