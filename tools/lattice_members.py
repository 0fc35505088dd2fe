"""Members of the ensembles of disordered p-orbital magnets that `tools.lattice_ensembles` stores for three chapters.

A function returns the mean of one batch of configurations. Every batch has its own seed, so that a test can repeat a
few of them; every configuration has a new twist.
"""

from collections.abc import Sequence
from dataclasses import replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from spinlib.dynamics.walls import wall_profile
from spinlib.lattice.damping import dissipation_tensor, pumped_charge
from spinlib.lattice.green import LayeredSystem, Scattering, scattering_matrix
from spinlib.lattice.leads import Lead, cubic_lead
from spinlib.lattice.models import binary_alloy, p_orbital_magnet

Numbers = NDArray[np.float64]
SITES, ENERGY, HOPS = 9, 0.3, np.where(np.eye(3), 1.0, -0.4)
DIAGONAL = np.array([1, 1, 1]) / np.sqrt(3)
ACROSS = (np.array([1, -1, 0]) / np.sqrt(2), np.array([1, 1, -2]) / np.sqrt(6))
DISPLACEMENTS = {0.03: 160, 0.04: 120, 0.06: 80, 0.09: 60, 0.12: 48, 0.16: 40, 0.2: 32, 0.25: 28}
"""Longest sample by the root mean square displacement."""
CONCENTRATIONS = (0.03, 0.07, 0.12, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.96)
ALLOY_CASES = {"no_soc": ((0, 0, 1), 0.0), "along": ((0, 0, 1), 1.0), "across": ((1, 0, 0), 1.0)}
ALLOY_LENGTHS = tuple(range(4, 61, 4))
WIDTHS = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
WALLS = {"bloch": ("bloch", 0.3, 1.0), "neel": ("neel", 0.3, 1.0), "rotated_neel": ("rotated_neel", 0.3, 1.0),
         "no_soc": ("bloch", 0.0, 0.3)}  # fmt: skip
"""Kind, spin-orbit energy and shift of the majority level."""
DIRECTIONS = ((0, 0, 1), (1, 0, 0), (1, 1, 0), (1, 1, 1))
BULK_LENGTHS = tuple(range(16, 57, 4))
BATCH = 10
"""Configurations of a batch."""


def thermal(place: int, batch: int) -> Numbers:
    """Return g, T along one direction across m without and with uniform screening, ``(3, lengths)``."""
    u, longest = list(DISPLACEMENTS.items())[place]
    random = np.random.default_rng((1, place, batch))
    lengths, found = thermal_lengths(longest), []
    for _ in range(BATCH):
        twist = random.uniform(0, 2 * np.pi, 2)
        moved = random.normal(size=(longest, SITES, 3)) * u / np.sqrt(3)
        magnet = p_orbital_magnet((3, 3, longest), DIAGONAL, exchange_splitting=2.0, spin_orbit=0.6, twist=twist,
                                  displacement=moved, variations=ACROSS)  # fmt: skip
        found.append(sweep(magnet, lead(twist), lengths))
    return np.mean(found, axis=0)


def thermal_lengths(longest: int) -> list[int]:
    """Return ten lengths from a third of the longest on."""
    return np.linspace(ceil(longest / 3), longest, 10).round().astype(int).tolist()


def alloy(place: int, batch: int) -> Numbers:
    """Return g without spin-orbit coupling, for m along and across z, then g, T and screened T for m along [111]."""
    random = np.random.default_rng((2, place, batch))
    shape, found = (3, 3, ALLOY_LENGTHS[-1]), []
    for _ in range(BATCH):
        rows = []
        for m, xi in ALLOY_CASES.values():
            twist, made = disorder(shape, CONCENTRATIONS[place], 0.1, random)
            magnet = p_orbital_magnet(shape, m, **made, spin_orbit=xi, twist=twist)
            run = scattering_matrix(magnet, lead(twist), lead(twist), lengths=ALLOY_LENGTHS)
            rows.append([run[n].conductance for n in ALLOY_LENGTHS])
        twist, made = disorder(shape, CONCENTRATIONS[place], 0.1, random)
        magnet = p_orbital_magnet(shape, DIAGONAL, **made, spin_orbit=1.0, twist=twist, variations=ACROSS)
        found.append([*rows, *sweep(magnet, lead(twist), ALLOY_LENGTHS)])
    return np.mean(found, axis=0)


def walls(kind: str, place: int, batch: int) -> Numbers:
    """Return g, T and (Q_right - Q_left)/2 of a wall, and the square of the last, ``(4,)``."""
    profile, xi, majority = WALLS[kind]
    width = WIDTHS[place]
    layers = ceil(7 * width) + 12
    random = np.random.default_rng((3, list(WALLS).index(kind), place, batch))
    found = []
    for _ in range(BATCH):
        twist, made = disorder((3, 3, layers), 0.5, majority, random)
        center = (layers - 1) / 2 + random.uniform(-0.5, 0.5)
        m, shift = wall_profile(np.arange(layers), width=width, center=center, kind=profile)
        magnet = p_orbital_magnet((3, 3, layers), m, **made, spin_orbit=xi, twist=twist, variations=(shift,))
        run = scattering_matrix(magnet, lead(twist), lead(twist), screening="local")
        left, right = pumped_charge(run)[0]
        found.append([run.conductance, dissipation_tensor(run)[0, 0], (right - left) / 2, ((right - left) / 2) ** 2])
    return np.mean(found, axis=0)


def bulk(place: int, batch: int) -> Numbers:
    """Return g, T and screened T of the alloy of the walls with a uniform magnetisation, ``(3, lengths)``."""
    m = np.array(DIRECTIONS[place]) / np.linalg.norm(DIRECTIONS[place])
    across = np.linalg.svd(m[None])[2][1:]
    random = np.random.default_rng((4, place, batch))
    shape, found = (3, 3, BULK_LENGTHS[-1]), []
    for _ in range(BATCH):
        twist, made = disorder(shape, 0.5, 1.0, random)
        magnet = p_orbital_magnet(shape, m, **made, spin_orbit=0.3, twist=twist, variations=tuple(across))
        found.append(sweep(magnet, lead(twist), BULK_LENGTHS))
    return np.mean(found, axis=0)


def disorder(shape: tuple[int, int, int], x: float, majority: float, random: np.random.Generator) -> tuple:
    """Return a twist, and levels and splittings of an alloy with Delta = 1 and a minority shift of 2."""
    twist = random.uniform(0, 2 * np.pi, 2)
    levels, splittings = binary_alloy(shape, x, exchange_splitting=1.0, majority_shift=majority, minority_shift=2.0,
                                      seed=random)  # fmt: skip
    return twist, {"onsite": levels, "exchange_splitting": splittings}


def lead(twist: Numbers) -> Lead:
    return cubic_lead(ENERGY, (3, 3), HOPS, twist=twist)


def sweep(magnet: LayeredSystem, end: Lead, lengths: Sequence[int]) -> Numbers:
    """Return g, mean of T over the two directions, and the same with uniform screening, against the length."""
    shift = np.eye(magnet.onsite.shape[1])[None]
    run = scattering_matrix(replace(magnet, perturbations=(*magnet.perturbations, shift)), end, end, lengths=lengths)
    rows = []
    for each in run.values():
        *charges, whole = pumped_charge(each).sum(axis=1)
        *bare, shifted = each.derivatives
        screened = [ds - q / whole * shifted for ds, q in zip(bare, charges, strict=True)]
        pair = [Scattering(each.matrix, np.array(ds), each.n_left, each.spin) for ds in (bare, screened)]
        rows.append([each.conductance, *(np.trace(dissipation_tensor(one)) / 2 for one in pair)])
    return np.array(rows).T
