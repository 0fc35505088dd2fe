"""Resistance of an F/N/F valve and of 5000 layers: time to a stated error of the excess resistance.

One thread. The valve is antiparallel, four channels with s-d relaxation of 3 nm in both magnets, and ends on
reservoirs, so that no peer has to cut a lead. There are two multilayers, parallel: ``thin``, Co 6 nm and Cu 4 nm with
Valet-Fert contacts, far thinner than their diffusion lengths, which suits a mesh best; ``s_d``, the media of the valve,
20 nm and 10 nm. Both go from the middle of a magnet to the middle of a spacer, where all accumulations vanish as in a
reservoir. So Valet and Fert's closed form is exact for any number of thin layers, and 120 digits for one half period
are so for the others.

Where layers are thick beside a decay length, as for s-d relaxation, a mesh needs many cells. A mesh has least to
do on thousands of very thin layers of two channels, where FiPy needs four cells a layer for 1e-6; two channels need no
mesh at all, though, as the peer ``layer by layer`` shows.

Peers are asked for the cheapest setting whose excess resistance has the stated error:
``solve_bvp`` of SciPy, linear and with its Jacobian given, layers side by side on [0, 1], so that its cost grows with
the third power of their number: it is shown as far as it goes;
``layer by layer``, for two collinear channels alone, so not for s-d relaxation: the two-port of each layer by
hyperbolic functions, exact for thick layers and thin ones, and one tridiagonal solve for the splitting at both sides of
each contact. It gets plain arrays, checks nothing and returns one number, neither potentials nor currents nor an
estimate of its error;
FiPy 4: finite volumes of second order, cells graded toward interfaces, contacts as conductances of faces, all channels
coupled in one direct solve, resistance from the power, whose error is the square of that of the potentials. Its time is
taken inside its own process, of ``solve`` alone: without the making of mesh, variables and equations.

The limit is LAPACK's banded solution for the n - 1 differences of n potentials at both sides of each interface, with
2 n - 3 diagonals on either side: exact layers need no more. The house solves for two amplitudes of each mode of each
layer, 3 n - 1 diagonals on either side.
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
from _limits import banded_seconds
from _peer import Peer, serve
from _timing import ONCE, TIMED, UNTRIED, Code, answered, clock, first_within, print_report, row, scaling
from scipy import __version__ as scipy_version
from scipy.linalg import solve_banded

TARGETS = (1e-6,) if ONCE else (1e-6, 1e-8)
COUNTS = (10,) if ONCE else (50, 500, 5000)
MOST_CELLS = 500_000
NM, UNIT = 1e-9, 1e7  # of the numbers that FiPy gets: lengths in nm, conductivities in 1e7 S/m
COBALT, COPPER = (75e-9, 0.46, 59 * NM), (6e-9, 450 * NM)  # rho* in ohm m, beta, l; rho, l
THICKNESS = {"cobalt": 6 * NM, "copper": 4 * NM}
CONTACT = (0.51e-15, 0.77)  # r_b* in ohm m^2, gamma


# --- the two stacks ---------------------------------------------------------------------------------------------------


def valve() -> tuple[list, list]:
    """Return layers and interfaces of N 200 nm | F 20 nm | N 10 nm | F 20 nm reversed | N 200 nm."""
    from spinlib.diffusion import Layer, Medium, reverse

    lengths = {"spin_diffusion_length": 20 * NM, "s_d_length": 3 * NM}
    magnet = Layer(Medium.s_d(1.4e7, 3 / 7, minority_beta=3 / 13, **lengths), 20 * NM)
    normal = Medium.valet_fert(2e-8, 0.0, 300 * NM, channels=4)
    ends, spacer = Layer(normal, 200 * NM), Layer(normal, 10 * NM)
    return [ends, magnet, spacer, reverse(magnet), ends], [None] * 4


def thin(count: int) -> tuple[list, list]:
    """Return ``count`` layers of Co and Cu from middle to middle."""
    from spinlib.diffusion import Interface, Layer, Medium

    kinds = (Medium.valet_fert(*COBALT), Medium.valet_fert(COPPER[0], 0.0, COPPER[1]))
    layers = []
    for k in range(count):
        thickness = tuple(THICKNESS.values())[k % 2]
        layers.append(Layer(kinds[k % 2], thickness / 2 if k in (0, count - 1) else thickness))
    return layers, [Interface.valet_fert(*CONTACT)] * (count - 1)


def s_d(count: int) -> tuple[list, list]:
    """Return ``count`` layers of the media of the valve from middle to middle."""
    from spinlib.diffusion import Layer

    _, magnet, spacer, *_ = valve()[0]
    kinds, halves = (magnet, spacer), [Layer(layer.medium, layer.thickness / 2) for layer in (magnet, spacer)]
    return [halves[0], *(kinds[k % 2] for k in range(1, count - 1)), halves[1]], [None] * (count - 1)


def thin_excess(count: int) -> float:
    """Return the excess of the multilayer by Valet and Fert's formula, per contact and times their number."""
    (rho_f, beta, l_f), (rho_n, l_n), (r, gamma) = COBALT, COPPER, CONTACT
    one_f = rho_f * l_f * np.tanh(THICKNESS["cobalt"] / (2 * l_f))
    one_n = rho_n * l_n * np.tanh(THICKNESS["copper"] / (2 * l_n))
    return (count - 1) * (beta**2 * one_f + r - (beta * one_f + gamma * r) ** 2 / (one_f + one_n + r))


# --- the house --------------------------------------------------------------------------------------------------------


def house(stack: tuple[list, list], exact: float) -> Code:
    """Return ``solve_stack``."""
    from spinlib.diffusion import solve_stack

    error = abs(solve_stack(*stack).excess_resistance / exact - 1)
    return Code("", error, clock(lambda: solve_stack(*stack)))


def least(layers: int, channels: int) -> float:
    """Return the seconds of the least banded solution alone."""
    return banded_seconds(2 * (channels - 1) * (layers - 1), 2 * channels - 3)


# --- SciPy ------------------------------------------------------------------------------------------------------------


def collocation(stack: tuple[list, list], exact: float, target: float) -> Code:
    """Return the cheapest use of ``solve_bvp``."""
    from tests.spinlib.diffusion_routes import collocation as solve

    bulk = sum(layer.thickness / layer.medium.total_conductivity for layer in stack[0])

    def run(nodes: int, tol: float) -> float:
        return abs((solve(*stack, tol=tol, nodes=nodes)[0] - bulk) / exact - 1)

    tolerances, name = [10.0**-power for power in range(2, 10)], "solve_bvp of SciPy"
    found: list[tuple[float, int, float, float]] = []
    least = inf
    for nodes in (3, 5, 9, 17, 25, 33, 49):
        errors, seconds = [], []
        for tol in tolerances:
            begin = time.perf_counter()
            errors.append(run(nodes, tol))
            seconds.append(time.perf_counter() - begin)
            if seconds[-1] > 3 * min(found, default=(inf,))[0]:
                break
        first, least = first_within(errors, target), min(least, *errors)
        if first is not None:
            found.append((seconds[first], nodes, tolerances[first], errors[first]))
    if not found:
        return Code("", least, None, name, "SciPy", scipy_version, "not with any setting", UNTRIED)
    _, nodes, tol, reached = min(found)
    setting = f"{nodes} nodes a layer at first, tol {tol:.0e}"
    return Code(setting, reached, clock(lambda: run(nodes, tol)), name, "SciPy", scipy_version, "is told its mesh")


def layer_by_layer(
    rho: np.ndarray, beta: np.ndarray, length: np.ndarray, thickness: np.ndarray, contact: np.ndarray, gamma: np.ndarray
) -> float:
    """Return the excess resistance of two collinear channels between reservoirs, exact up to rounding.

    The unknowns are m, half the splitting over the current, at the right end of each layer but the last and at the left
    end of each but the first, in turn. The spin current over the current is beta - m'/rho in a layer and
    gamma - [m]/contact through a contact.
    """
    own, other = (1 / (rho * length * form(thickness / length)) for form in (np.tanh, np.sinh))
    bands, right = np.zeros((3, 2 * len(contact))), np.empty(2 * len(contact))
    bands[1, ::2], bands[1, 1::2] = -own[:-1] - 1 / contact, own[1:] + 1 / contact
    bands[0, 1::2], bands[2, ::2] = 1 / contact, -1 / contact  # through the contact
    bands[0, 2::2], bands[2, 1:-1:2] = -other[1:-1], other[1:-1]  # through the layer
    right[::2], right[1::2] = gamma - beta[:-1], gamma - beta[1:]
    m = solve_banded((1, 1), bands, right)
    before, behind = m[::2], m[1::2]
    layers = beta[:-1] @ before - beta[1:] @ behind
    return float(layers + (contact * (1 - gamma**2) + gamma * (behind - before)).sum())


def thin_arrays(count: int) -> tuple[np.ndarray, ...]:
    """Return what ``layer_by_layer`` gets of the multilayer."""
    kinds = np.array([(*COBALT, THICKNESS["cobalt"]), (COPPER[0], 0.0, COPPER[1], THICKNESS["copper"])])
    rho, beta, length, thickness = kinds[np.arange(count) % 2].T.copy()
    thickness[[0, -1]] /= 2
    return rho, beta, length, thickness, *(np.full(count - 1, value) for value in CONTACT)


def by_hand(count: int, exact: float) -> Code:
    """Return ``layer_by_layer``."""
    arrays = thin_arrays(count)
    error, note = abs(layer_by_layer(*arrays) / exact - 1), "two collinear channels, one number, without checks"
    run = clock(lambda: layer_by_layer(*arrays))
    return Code("", error, run, "layer by layer with SciPy", "SciPy", scipy_version, note)


# --- FiPy -------------------------------------------------------------------------------------------------------------


def as_numbers(layers: list, interfaces: list, spacing: list, exact: float) -> dict[str, Any]:
    """Return a stack for FiPy in nm and 1e7 S/m; ``spacing`` (base, edge, length) gives the density of its cells."""
    conducts = np.array([layer.medium.conductivity > 0 for layer in layers])
    used = conducts.any(axis=0)
    bulk = sum(layer.thickness / layer.medium.total_conductivity for layer in layers)
    return {
        "thickness": [layer.thickness / NM for layer in layers],
        "conductivity": [(layer.medium.conductivity[used] / UNIT).tolist() for layer in layers],
        "relaxation": [
            (layer.medium.relaxation * np.outer(rows, rows) * NM**2 / UNIT)[used][:, used].tolist()
            for layer, rows in zip(layers, conducts, strict=True)
        ],
        "resistance": [
            [0.0] * int(used.sum()) if face is None else (face.resistance[used] * UNIT / NM).tolist()
            for face in interfaces
        ],
        "spacing": spacing,
        "bulk": bulk * UNIT / NM,
        "excess": exact * UNIT / NM,
    }


def peer_main() -> None:
    """Answer for FiPy; runs in the interpreter that has it."""
    import fipy
    from fipy import CellVariable, DiffusionTerm, FaceVariable, Grid1D, ImplicitSourceTerm, LinearLUSolver

    def widths(thickness: float, base: float, edge: float, length: float, fine: float) -> np.ndarray:
        """Cells of a density that falls from the edges with 3/2 of the decay length (equal shares of the error)."""
        z = np.linspace(0, thickness, 2001) if edge else np.array([0, thickness])
        density = base + edge * (np.exp(-2 * z / (3 * length)) + np.exp(-2 * (thickness - z) / (3 * length)))
        density = density if edge else np.full(2, base)
        number = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(z))])
        count = max(1, int(np.ceil(fine * number[-1])))
        return np.diff(np.interp(np.linspace(0, number[-1], count + 1), number, z))

    def run(problem: dict[str, Any], fine: float) -> tuple[float, int, float]:
        """Return the excess resistance, the number of cells, and the seconds of ``solve`` alone."""
        known: dict[tuple, np.ndarray] = {}
        parts = []
        for thickness, spacing in zip(problem["thickness"], problem["spacing"], strict=True):
            key = (thickness, *spacing)
            if key not in known:
                known[key] = widths(*key, fine)
            parts.append(known[key])
        owner = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        dx = np.concatenate(parts)
        sigma, g = np.array(problem["conductivity"])[owner], np.array(problem["relaxation"])[owner]
        cells, n = sigma.shape
        contact = np.zeros((cells - 1, n))
        contact[np.flatnonzero(np.diff(owner))] = problem["resistance"]
        with np.errstate(divide="ignore"):
            half = dx[:, None] / (2 * sigma)
        conductance = np.vstack([1 / half[:1], 1 / (half[1:] + half[:-1] + contact), 1 / half[-1:]])
        distance = np.concatenate([dx[:1] / 2, (dx[1:] + dx[:-1]) / 2, dx[-1:] / 2])
        mesh = Grid1D(dx=dx)
        volts = [CellVariable(mesh=mesh, value=0.5) for _ in range(n)]
        equation = None
        for i, volt in enumerate(volts):
            volt.constrain(1.0, mesh.facesLeft)
            volt.constrain(0.0, mesh.facesRight)
            leak = g[:, i].sum(axis=1) + (sigma[:, i] == 0)  # a frozen channel is held at 0
            term = DiffusionTerm(coeff=FaceVariable(mesh=mesh, value=conductance[:, i] * distance), var=volt)
            term = term - ImplicitSourceTerm(coeff=CellVariable(mesh=mesh, value=leak), var=volt)
            for j, other in enumerate(volts):
                if g[:, i, j].any():
                    term = term + ImplicitSourceTerm(coeff=CellVariable(mesh=mesh, value=g[:, i, j]), var=other)
            equation = term if equation is None else equation & term
        start = time.perf_counter()
        equation.solve(solver=LinearLUSolver(tolerance=1e-14, iterations=3))
        seconds = time.perf_counter() - start
        level = np.array([volt.value for volt in volts]).T
        steps = np.diff(np.vstack([np.ones((1, n)), level, np.zeros((1, n))]), axis=0)
        power = (conductance * steps**2).sum()
        for i in range(n):
            for j in range(i):
                power += (g[:, i, j] * (level[:, i] - level[:, j]) ** 2 * dx).sum()
        return 1 / power - problem["bulk"], cells, seconds

    problems: dict[str, Any] = {}

    def answer(name: str, fine: float, problem: dict[str, Any] | None = None) -> dict[str, Any]:
        if problem is not None:
            problems[name] = problem
        value, cells, seconds = run(problems[name], fine)
        return {"error": abs(value / problems[name]["excess"] - 1), "cells": cells, "seconds": seconds}

    serve(fipy.__version__, answer)


def finite_volumes(peer: Peer, name: str, problem: dict[str, Any], target: float) -> Code:
    """Return FiPy on the coarsest mesh: errors fall with the square of the number of cells, as far as memory goes."""
    fine = 4.0
    found = peer.ask(name=name, fine=fine, problem=problem)
    for _ in range(12):
        if found["error"] <= target or found["cells"] > 0.95 * MOST_CELLS:
            break
        fine *= min(max(1.05, 1.02 * (found["error"] / target) ** 0.5), MOST_CELLS / found["cells"])
        found = peer.ask(name=name, fine=fine)
    good = found["error"] <= target
    run = peer.clock(name=name, fine=fine) if good else None
    note, outcome = ("its solve alone", TIMED) if good else ("not with as many cells", UNTRIED)
    return Code(f"{found['cells']} cells", found["error"], run, "FiPy", peer.title, peer.version, note, outcome)


def main() -> None:
    """Print the comparison as JSON."""
    sys.path.insert(0, str(Path(__file__).parents[1]))  # the reference and the use of solve_bvp are those of the tests

    from spinlib.diffusion import solve_stack
    from tests.spinlib.diffusion_routes import network

    normal, magnet = (1 / 300, 0.0, 1.0), (1 / 24, 1 / 3, 3.0)  # densities of cells, see as_numbers
    flat = [(1 / 6, 0.0, 1.0), (1 / 50, 0.0, 1.0)]
    one, both = network(*s_d(2)).excess_resistance, network(*valve()).excess_resistance
    problems = {"valve, 4 channels": (valve(), both, [normal, magnet, normal, magnet, normal])}
    for count in COUNTS:
        problems[f"{count} thin layers"] = (thin(count), thin_excess(count), flat * (count // 2))
        if count <= 500:  # the cost of FiPy is linear in the number of layers; 5000 of these would be 4 million cells
            problems[f"{count} layers, 4 channels"] = (s_d(count), (count - 1) * one, [magnet, normal] * (count // 2))
    peer, rows = Peer("fipy", __file__), []
    for name, (stack, exact, spacing) in problems.items():
        ours, layers = house(stack, exact), stack[0]
        limit = ("banded solution of LAPACK", least(len(layers), layers[0].medium.channels))
        for target in TARGETS:
            numbers = as_numbers(*stack, spacing, exact)
            theirs = [answered(peer, "FiPy", partial(finite_volumes, peer, name, numbers, target))]
            if "thin" in name:
                theirs.append(by_hand(len(layers), exact))
            if layers is problems["valve, 4 channels"][0][0]:
                theirs.append(collocation(stack, exact, target))
            rows += [row(name, target, ours, each, limit) for each in theirs]
    count = 20 if ONCE else 40  # its cost grows with the third power of the number of layers
    stack, exact = thin(count), thin_excess(count)
    limit = ("banded solution of LAPACK", least(count, 2))
    ours, theirs = house(stack, exact), [by_hand(count, exact), collocation(stack, exact, 1e-6)]
    rows += [row(f"{count} thin layers", 1e-6, ours, each, limit) for each in theirs]
    growth = scaling(
        "thin layers",
        "layers",
        (10, 100, 1000, 10_000, 30_000),
        lambda count: partial(solve_stack, *thin(count)),
        1.0,
        limit=("banded solution of LAPACK", lambda count: least(count, 2)),
        above="arrays of many layers do not fit into the caches",
        below="calls of Python that cost the same for any number of layers",
    )
    name = "diffusion in valves and multilayers"
    solved = "thin layers: the closed form of Valet and Fert; others: 120 digits"
    print_report(name, "relative error of the excess resistance", solved, rows, [growth], packages=["scipy"])


if __name__ == "__main__":
    peer_main() if "--peer" in sys.argv else main()
