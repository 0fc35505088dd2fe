"""Structures whose solution is none, or is not that of the Boltzmann equation."""

import warnings

import numpy as np
from numpy.typing import NDArray

from spinlib.accumulation._local import local
from spinlib.accumulation.closed_forms import transverse_wavenumber
from spinlib.accumulation.structure import SpinStructure

__all__ = ["refuse_endless", "refuse_other", "warn_of_flight", "warn_of_jumps"]


def warn_of_flight(structure: SpinStructure) -> None:
    """Warn, in the name of the caller's caller, where the diffusion of spins is no limit of the Boltzmann equation."""
    found = []
    for index, layer in enumerate(structure.layers):
        medium = layer.medium
        if layer.thickness < medium.mean_free_path:
            text = f"is thinner, {layer.thickness:.3g} m, than its mean free path {medium.mean_free_path:.3g} m"
        elif medium.exchange_splitting and np.isnan(transverse_wavenumber(medium, model="boltzmann")):
            text = "has no transverse wave in the Boltzmann equation, at its precession angle "
            text += f"{medium.precession_angle:.3g}: spins dephase"
        else:
            continue
        found.append(f"layer {index} {text}")
    if found:
        more = f" (and {len(found) - 1} more)" if found[1:] else ""
        warnings.warn(f"{found[0]}{more}; this is the solution of the moments", UserWarning, stacklevel=3)


def warn_of_jumps(rough: list[NDArray[np.float64]]) -> None:
    """Warn, in the name of the caller's caller, of the first rough cell of each layer; its middle is given [m]."""
    for index, middles in enumerate(rough):
        if len(middles):
            warnings.warn(
                f"a field of layer {index} is not resolved {middles[0]:.6g} m from its left face, and error_estimate "
                "does not know it: cut the layer where the field jumps, or pass a shorter max_step",
                UserWarning,
                stacklevel=3,
            )


def refuse_other(structure: object) -> None:
    """Refuse what is no structure, such as a bare layer."""
    if not isinstance(structure, SpinStructure):
        raise ValueError(f"structure = {structure!r} is no structure: pass a SpinStructure of layers")


def refuse_endless(structure: SpinStructure, mesh: list[NDArray[np.float64]]) -> None:
    """Refuse a spin that precesses nowhere, relaxes nowhere and leaves at no end."""
    ends = [end.kind if end is not None else "spin_accumulation" for end in (structure.left, structure.right)]
    if any(np.isfinite(layer.medium.spin_relaxation_time) for layer in structure.layers):
        return
    if {"spin_accumulation", "contact"} & set(ends):
        return
    rows = []
    for layer, nodes in zip(structure.layers, mesh, strict=True):
        field = local(structure, layer, nodes[:1] if layer.uniform else nodes).precession
        largest = float(np.abs(field).max())
        rows += [field / largest] if largest else []
    fields = np.concatenate([np.zeros((1, 3)), *rows])
    # H x v = 0 everywhere is (|H|^2 - H H^T) v = 0, summed; a ring also turns v.
    kept = np.einsum("ni,ni->", fields, fields) * np.eye(3) - fields.T @ fields
    if structure.left is not None and structure.left.matrix is not None:
        turned = structure.left.matrix - np.eye(3)
        kept = kept + turned.T @ turned
    if np.linalg.eigvalsh(kept)[0] <= 1e-12:
        raise ValueError(
            f"spin_relaxation_time = inf in every layer, with the ends {ends[0]} and {ends[1]}, leaves a spin that "
            "nothing takes away: pass a finite spin_relaxation_time, or fix m at an end by spin_accumulation, contact "
            "or None"
        )
