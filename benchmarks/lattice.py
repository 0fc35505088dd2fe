"""Scattering matrix of a disordered magnetic strip with Rashba coupling: time of S, and of S with its derivatives.

One thread. The strip lies in the yz plane, width x length sites of two spins, hops -1, Rashba alpha (sigma_y k_z -
sigma_z k_y), uniform exchange and Anderson disorder, between clean leads; spin axes are those in which the hop along z
is diagonal. The derivatives are along two turns of the magnetisation. Leads and arrays are made before.

S alone is the block transfer, and its error how far it is off block elimination, the house's other method: everywhere
two codes agree, none of which is exact. The error of the derivatives is how far the states of one length are off the
sweep over lengths, as a share of the largest.

The peer is Kwant, built from its source and with MUMPS where its library is installed, with the fastest of some options
of that solver (ordering, right-hand sides at once, sparse or not); the BLAS that MUMPS calls is named: S of both leads,
and t alone (one lead in, the other out), the modes of its leads known before; the house needs the whole S for t. Its S
has other phases, so that singular values of t are compared.

The limit is the rate of complex matrix products, for the work of the method that the house uses. Counted are all dense
solutions and products of the block transfer, for n states in a layer and m modes in a lead n^3/3 + n^2 (n + m) + n m (n
+ m) complex operations a stretch; the sparse products in between, which grow with the length, are not.
"""

import os
import sys
import time
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
from _limits import zgemm_rate
from _peer import Peer, serve
from _timing import ONCE, Code, answered, clock, print_report, row, scaling

SIZES = ((20, 150),) if ONCE else ((40, 200), (40, 500), (80, 200))
LENGTHS, WIDTHS = (50, 100, 200, 400, 800, 1600), (20, 40, 80, 120)
TARGET = 1e-10
ENERGY, RASHBA, EXCHANGE, DISORDER = -1.7, 0.3, 0.6, 1.0
MOMENT = np.array([0.48, 0.6, 0.64])
TURNS = np.array([[0.8, 0.0, -0.6], [0.36, -0.8, 0.48]])
PAULI = np.array([[[0, -1j], [1j, 0]], [[1, 0], [0, -1]], [[0, 1], [1, 0]]])  # x, y, z, turned: sigma_y is diagonal
HOP_Z = -np.eye(2) - 0.5j * RASHBA * PAULI[1]  # <l|H|l+1>
HOP_Y = -np.eye(2) + 0.5j * RASHBA * PAULI[2]


def levels(width: int, length: int) -> np.ndarray:
    return np.random.default_rng(0).uniform(-DISORDER / 2, DISORDER / 2, (length, width))


OPTIONS: list[dict[str, Any]] = [
    {},
    {"nrhs": 20, "ordering": "amd", "sparse_rhs": True},
    {"nrhs": 40, "ordering": "amd", "sparse_rhs": True},
    {"nrhs": 40, "ordering": "metis", "sparse_rhs": True},
    {"nrhs": 80, "ordering": "amd"},
]
"""Of MUMPS; the first are its own. An ordering that was not built in is replaced by MUMPS."""


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


def house(width: int, length: int) -> tuple[Code, np.ndarray]:
    """Return S of the house, and the singular values of t."""
    from spinlib.lattice import _recursion, _transfer
    from spinlib.lattice.green import scattering_matrix

    system, lead = strip(width, length)
    assert _transfer.applies(system)
    run = scattering_matrix(system, lead, lead)
    exact = _recursion.sweep(system, lead, lead, [length], uniform=False)[length][0]
    error = float(np.abs(run.matrix - exact).max())
    code = Code("block transfer", error, clock(lambda: scattering_matrix(system, lead, lead)))
    return code, np.linalg.svd(run.transmission, compute_uv=False)


def derivatives(width: int, length: int) -> Code:
    """Return S of the house with two derivatives."""
    from spinlib.lattice.green import scattering_matrix

    system, lead = strip(width, length, TURNS)
    found = scattering_matrix(system, lead, lead).derivatives
    swept = scattering_matrix(system, lead, lead, lengths=[length - 1, length])[length].derivatives
    error = float(np.abs(found - swept).max() / np.abs(swept).max())
    return Code("states of one length", error, clock(lambda: scattering_matrix(system, lead, lead)))


def least(width: int, length: int) -> float:
    """Return the seconds that the counted operations take as complex products."""
    return operations(width, length) / zgemm_rate()


# --- Kwant ------------------------------------------------------------------------------------------------------------


def peer_main() -> None:
    """Answer for Kwant; runs in the interpreter that has it."""
    import kwant

    try:
        from kwant.solvers import mumps as solver

        maps = Path("/proc/self/maps")
        loaded = {Path(line.split()[-1]) for line in maps.read_text().splitlines() if ".so" in line}
        own = {path.name for path in loaded if "blas" in path.name and "site-packages" not in path.parts}
        linked = sorted(own)  # without that of NumPy
        solved_by, options = f"MUMPS with {', '.join(linked) or 'its own BLAS'}", OPTIONS
    except ImportError:
        from kwant.solvers import sparse as solver

        solved_by, options = "SuperLU", OPTIONS[:1]
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

    known: dict[tuple[int, int], Any] = {}

    def answer(width: int, length: int, alone: bool, option: int) -> dict[str, Any]:
        if option >= len(options):
            return {"seconds": inf}
        if solved_by != "SuperLU":
            solver.reset_options()
            solver.options(**options[option])
        if (width, length) not in known:
            known[width, length] = built(width, length).precalculate(ENERGY, what="modes")
        leads = {"out_leads": [1], "in_leads": [0]} if alone else {}
        start = time.perf_counter()
        s = solver.smatrix(known[width, length], ENERGY, **leads)
        seconds = time.perf_counter() - start
        values = np.linalg.svd(s.submatrix(1, 0), compute_uv=False)
        return {"seconds": seconds, "values": values.tolist(), "solver": solved_by}

    serve(kwant.__version__, answer)


def kwant(peer: Peer, width: int, length: int, alone: bool, values: np.ndarray) -> Code:
    """Return Kwant; its error is how far the singular values of t are off those of the house."""
    size = {"width": width, "length": length, "alone": alone}
    peer.ask(**size, option=0)  # makes the strip, once
    tried = [peer.ask(**size, option=option)["seconds"] for option in range(1 if ONCE else len(OPTIONS))]
    question = size | {"option": int(np.argmin(tried))}
    found = peer.ask(**question)
    error = float(np.abs(np.subtract(found["values"], values)).max())
    note = "t alone; the house computes all of S" if alone else ""
    chosen = ", ".join(f"{key} {value}" for key, value in OPTIONS[question["option"]].items()) or "its own options"
    setting = f"{found['solver']}, {chosen}"
    return Code(setting, error, peer.clock(**question), "Kwant", peer.title, peer.version, note)


def growth(quantity: str, sizes: list[tuple[int, int]], expected: float, above: str, below: str) -> dict[str, Any]:
    """Return how the time of S grows with one side of the strip, the one that differs."""
    from spinlib.lattice.green import scattering_matrix

    side = 0 if quantity == "width" else 1
    by_size = {size[side]: size for size in sizes}

    def prepare(size: int) -> Any:
        system, lead = strip(*by_size[size])
        return lambda: scattering_matrix(system, lead, lead)

    limit = ("complex matrix products", lambda size: least(*by_size[size]))
    name = f"strip of {'length 200' if side == 0 else 'width 40'}"
    return scaling(name, quantity, list(by_size), prepare, expected, limit=limit, above=above, below=below)


def main() -> None:
    """Print the comparison as JSON."""
    peer, rows, kind = Peer("kwant", __file__), [], "complex matrix products"
    for width, length in SIZES:
        ours, values = house(width, length)
        limit = (kind, least(width, length))
        for name, alone in (("S", False), ("t", True)):
            theirs = answered(peer, "Kwant", partial(kwant, peer, width, length, alone, values))
            rows.append(row(f"{name}, {width} x {length}", TARGET, ours, theirs, limit))
    no_limit = "the counted operations are those of S alone"
    rows.append(
        row(f"S and 2 derivatives, {SIZES[0][0]} x {SIZES[0][1]}", TARGET, derivatives(*SIZES[0]), None, no_limit)
    )
    scales = [
        growth(
            "length",
            [(40, length) for length in LENGTHS],
            1.0,
            above="blocks of a long strip do not fit into the caches",
            below="the leads cost the same at every length",
        ),
        growth(
            "width",
            [(width, 200) for width in WIDTHS],
            3.0,
            above="",
            below="stretches grow shorter, sparse products go as width^2, small matrices miss the rate of products",
        ),
    ]
    name = "scattering matrix of a disordered magnetic strip with Rashba coupling, width x length"
    error = "agreement of two codes: of S, with Kwant of the singular values of t"
    print_report(name, error, "block elimination; for Kwant, the house", rows, scales, packages=["scipy"])


if __name__ == "__main__":
    peer_main() if "--peer" in sys.argv else main()
