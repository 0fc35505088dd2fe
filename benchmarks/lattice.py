"""Scattering matrix of a disordered magnetic strip with Rashba coupling: time of S, and of S with its derivatives.

``python benchmarks/lattice.py`` prints JSON: medians over repeats in seconds, one thread. The strip lies in the yz
plane, width x length sites of two spins, hops -1, Rashba alpha (sigma_y k_z - sigma_z k_y), uniform exchange and
Anderson disorder, between clean leads; spin axes are those in which the hop along z is diagonal. The derivatives are
along two turns of the magnetisation. Leads and arrays are made before; ``seconds_to_build`` says how long that takes.

S alone is the block transfer; ``error`` is how far it is off block elimination, whose time is there, too. The error of
the derivatives is how far the states of one length are off the sweep over lengths. ``zgemm_share`` is the time that
products of the size of a layer take for as many operations as all dense solutions and products of the block transfer
have, as a share of its time: the rest is sparse products, their preparation, and solutions being slower than products.

The peer is Kwant with MUMPS: S of both leads, and t alone (one lead in, the other out), the modes of its leads known
before; the ratios for t are to the time of our whole S, which holds t. Its S has other phases, so that singular values
of t are compared. It comes as source and wants libmumps, and is best in an environment of its own, whose Python
SPINLIB_KWANT_PYTHON names: ``pip install "numpy<2" "scipy<1.14" "cython<3" "setuptools<70" wheel tinyarray``, then
``pip install --no-build-isolation kwant==1.5.0``.
"""

import json
import os
import sys
import time
from typing import Any

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
from _peer import answer
from _timing import ONCE, median_time, versions

SIZES = ((40, 200), (40, 500), (80, 200))
LENGTHS, WIDTHS = (50, 100, 200, 400, 800), (10, 20, 40, 80)
ENERGY, RASHBA, EXCHANGE, DISORDER = -1.7, 0.3, 0.6, 1.0
MOMENT = np.array([0.48, 0.6, 0.64])
TURNS = np.array([[0.8, 0.0, -0.6], [0.36, -0.8, 0.48]])
PAULI = np.array([[[0, -1j], [1j, 0]], [[1, 0], [0, -1]], [[0, 1], [1, 0]]])  # x, y, z, turned: sigma_y is diagonal
HOP_Z = -np.eye(2) - 0.5j * RASHBA * PAULI[1]  # <l|H|l+1>
HOP_Y = -np.eye(2) + 0.5j * RASHBA * PAULI[2]
REPEATS = 7


def levels(width: int, length: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-DISORDER / 2, DISORDER / 2, (length, width))


def exchange(m: np.ndarray) -> np.ndarray:
    return -EXCHANGE / 2 * np.tensordot(m, PAULI, 1)


# --- the house --------------------------------------------------------------------------------------------------------


def strip(width: int, length: int, turns: np.ndarray = TURNS[:0]) -> tuple[Any, Any]:
    """Return the sample, with derivatives along ``turns`` of the magnetisation, and its leads."""
    from spinlib.lattice.green import LayeredSystem
    from spinlib.lattice.leads import cubic_lead

    one, across = np.eye(width), np.kron(np.eye(width, k=1), HOP_Y)
    layer = across + across.conj().T + np.kron(one, exchange(MOMENT))
    onsite = np.tile(layer, (length, 1, 1))
    sites = np.arange(2 * width)
    onsite[:, sites, sites] += np.repeat(levels(width, length), 2, axis=1)
    changes = tuple(np.kron(one, exchange(turn))[None] for turn in turns)
    system = LayeredSystem(onsite, np.tile(np.diagonal(HOP_Z), width), changes)
    return system, cubic_lead(ENERGY, (1, width), -1.0, boundary="open")


def operations(width: int, length: int) -> float:
    """Return the number of real operations of all dense solutions and products of one block transfer."""
    from spinlib.lattice import _transfer

    system, lead = strip(width, length)
    scale = np.abs(system.coupling) ** -0.5
    sizes = _transfer._stencil(system.onsite, ENERGY, scale, np.ones((length, 2 * width)))[2]
    count = len(_transfer._stretches(_transfer._rates(sizes), np.log(_transfer._GROWTH)))
    n, m = 2 * width, lead.n_modes
    return count * 8 * (n**3 / 3 + n**2 * (n + m) + n * m * (n + m))


def zgemm_rate(n: int) -> float:
    """Return the real operations per second of products of complex matrices ``(n, n)``."""
    a = np.random.default_rng(1).standard_normal((2, n, n)) @ np.eye(n) * (1 + 1j)
    return 8 * n**3 / median_time(lambda: a[0] @ a[1], 30)[0]


def house(width: int, length: int) -> tuple[dict[str, Any], np.ndarray]:
    """Return times and errors, and the singular values of t."""
    from spinlib.lattice import _recursion, _transfer
    from spinlib.lattice.green import scattering_matrix

    start = time.perf_counter()
    system, lead = strip(width, length)
    build = time.perf_counter() - start
    assert _transfer.applies(system)
    seconds, run = median_time(lambda: scattering_matrix(system, lead, lead), REPEATS)
    slow, (exact, _) = median_time(lambda: _recursion.sweep(system, lead, lead, [length], uniform=False)[length], 3)
    turning, _ = strip(width, length, TURNS)
    both, other = median_time(lambda: scattering_matrix(turning, lead, lead), 3)
    swept = scattering_matrix(turning, lead, lead, lengths=[length - 1, length])[length]
    s = run.matrix
    size = np.abs(other.derivatives).max()
    report = {
        "seconds": seconds,
        "seconds_by_block_elimination": slow,
        "seconds_with_two_derivatives": both,
        "seconds_to_build": build,
        "channels_and_states_of_a_layer": [lead.n_modes, 2 * width],
        "error": float(np.abs(s - exact).max()),
        "unitarity": float(np.abs(s.conj().T @ s - np.eye(len(s))).max()),
        "error_of_derivatives": float(np.abs(other.derivatives - swept.derivatives).max() / size),
        "conductance": run.conductance,
        "zgemm_share": operations(width, length) / zgemm_rate(2 * width) / seconds,
    }
    return report, np.linalg.svd(run.transmission, compute_uv=False)


def growth() -> dict[str, dict[str, float]]:
    """Return the time of S by length at width 40 and by width at length 200."""
    from spinlib.lattice.green import scattering_matrix

    found: dict[str, dict[str, float]] = {"by_length_at_width_40": {}, "by_width_at_length_200": {}}
    for name, sizes in zip(found, ([(40, n) for n in LENGTHS], [(n, 200) for n in WIDTHS]), strict=True):
        for width, length in sizes[:1] if ONCE else sizes:
            system, lead = strip(width, length)
            key = str(length if name.startswith("by_length") else width)
            found[name][key], _ = median_time(lambda s=system, e=lead: scattering_matrix(s, e, e), 3)
    return found


# --- Kwant ------------------------------------------------------------------------------------------------------------


def peer_main() -> None:
    """Print times and answers of Kwant as JSON; runs in the interpreter that has it."""
    import kwant
    from kwant.solvers import mumps

    lattice = kwant.lattice.square(norbs=2)

    def built(width: int, length: int) -> Any:
        made, up = kwant.Builder(), levels(width, length)
        for z in range(length):
            for y in range(width):
                made[lattice(z, y)] = up[z, y] * np.eye(2) + exchange(MOMENT)
        made[kwant.builder.HoppingKind((-1, 0), lattice, lattice)] = HOP_Z
        made[kwant.builder.HoppingKind((0, -1), lattice, lattice)] = HOP_Y
        for side in (-1, 1):
            lead = kwant.Builder(kwant.TranslationalSymmetry((side, 0)))
            lead[(lattice(0, y) for y in range(width))] = np.zeros((2, 2))
            lead[lattice.neighbors()] = -np.eye(2)
            made.attach_lead(lead)
        return made.finalized()

    found: dict[str, Any] = {"version": kwant.__version__}
    for width, length in SIZES:
        start = time.perf_counter()
        bare = built(width, length)
        build = time.perf_counter() - start
        start = time.perf_counter()
        system = bare.precalculate(ENERGY, what="modes")
        modes = time.perf_counter() - start
        seconds, s = median_time(lambda system=system: mumps.smatrix(system, ENERGY), 3)
        alone, _ = median_time(lambda system=system: mumps.smatrix(system, ENERGY, out_leads=[1], in_leads=[0]), 3)
        found[f"{width}x{length}"] = {
            "seconds": seconds,
            "seconds_of_t_alone": alone,
            "seconds_of_modes": modes,
            "seconds_to_build": build,
            "unitarity": float(np.abs(s.data.conj().T @ s.data - np.eye(len(s.data))).max()),
            "conductance": float(s.transmission(1, 0)),
            "singular_values_of_t": np.linalg.svd(s.submatrix(1, 0), compute_uv=False).tolist(),
        }
    print(json.dumps(found))


def main() -> None:
    """Print the comparison as JSON."""

    ours, values = {}, {}
    for width, length in SIZES:
        name = f"{width}x{length}"
        ours[name], values[name] = house(width, length)
    theirs = answer("kwant", __file__)
    report: dict[str, Any] = {
        "name": "scattering matrix of a disordered magnetic strip with Rashba coupling, width x length",
        "versions": versions("scipy"),
        "repeats": REPEATS,
        **ours,
        "seconds_of_S": growth(),
        "kwant": theirs,
    }
    if isinstance(theirs, dict):
        for name, part in ours.items():
            peer = theirs[name]
            apart = np.abs(np.array(peer.pop("singular_values_of_t")) - values[name]).max()
            peer["singular_values_of_t_apart"] = float(apart)
            report[f"kwant_over_spinlib_{name}"] = {
                "S": peer["seconds"] / part["seconds"],
                "t": peer["seconds_of_t_alone"] / part["seconds"],
            }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    peer_main() if "--peer" in sys.argv else main()
