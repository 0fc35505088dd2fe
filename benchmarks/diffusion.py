"""Resistance of an F/N/F valve and of 5000 layers: time to a stated error of the excess resistance.

``python benchmarks/diffusion.py`` prints JSON: medians over repeats in seconds, one thread. The valve is antiparallel,
four channels with s-d relaxation of 3 nm in both magnets, and ends on reservoirs, so that no peer has to cut a lead.
There are two multilayers, parallel: ``thin``, Co 6 nm and Cu 4 nm with Valet-Fert contacts, far thinner than their
diffusion lengths, which suits a mesh best; ``s_d``, the media of the valve, 20 nm and 10 nm. Both go from the middle of
a magnet to the middle of a spacer, where all accumulations vanish as in a reservoir. So Valet and Fert's closed form is
exact for any number of thin layers, and 120 digits for one half period are so for the others.

Where layers are thick beside a decay length, as for s-d relaxation, the peers take hundreds of times longer. They are
nearest where a mesh has least to do: on thousands of very thin layers of two channels FiPy needs four cells a layer for
1e-6 and hardly longer than the house, which reaches 1e-13 in that time; on one valve ``solve_bvp`` takes a few times as
long.

Peers are asked for the cheapest setting whose excess resistance has the stated error:
``solve_bvp`` of SciPy, linear and with its Jacobian given, layers side by side on [0, 1], so that its cost grows with
the third power of their number: it is shown as far as it goes;
FiPy 4 (``pip install fipy``), best in an environment of its own, whose Python SPINLIB_FIPY_PYTHON names: finite volumes
of second order, cells graded toward interfaces, contacts as conductances of faces, all channels coupled in one direct
solve, resistance from the power, whose error is the square of that of the potentials. Its time is taken inside its own
process: of ``solve`` alone, and from thicknesses to the resistance.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import Any

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
from _peer import answer
from _timing import median_time, versions

TARGETS = (1e-6, 1e-8)
COUNTS = (50, 500, 5000)
REPEATS = 15
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


def thin(count: int, spread: float = 0.0) -> tuple[list, list]:
    """Return ``count`` layers of Co and Cu from middle to middle; ``spread`` makes all media differ."""
    from spinlib.diffusion import Interface, Layer, Medium

    kinds = (Medium.valet_fert(*COBALT), Medium.valet_fert(COPPER[0], 0.0, COPPER[1]))
    layers = []
    for k in range(count):
        medium = kinds[k % 2]
        if spread:
            medium = Medium(medium.conductivity * (1 + spread * k), medium.relaxation)
        thickness = tuple(THICKNESS.values())[k % 2]
        layers.append(Layer(medium, thickness / 2 if k in (0, count - 1) else thickness))
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


def house(exact: dict[str, Any]) -> dict[str, Any]:
    """Return times and errors of ``solve_stack``."""
    from spinlib.diffusion import solve_stack

    def timed(make: Callable[[], tuple[list, list]], exact: float, repeats: int) -> dict[str, Any]:
        stack = make()
        seconds, found = median_time(lambda: solve_stack(*stack), repeats)
        whole, _ = median_time(lambda: solve_stack(*make()), max(3, repeats // 3))
        error = abs(found.excess_resistance / exact - 1)
        return {"seconds": seconds, "seconds_with_media_and_layers": whole, "error": error}

    found = {"valve": timed(valve, exact["valve"], 5 * REPEATS)}
    for count in COUNTS:
        for name, make in (("thin", thin), ("s_d", s_d)):
            repeats = REPEATS if count < 5000 else 5
            found[f"{name}_{count}"] = timed(lambda make=make, count=count: make(count), exact[name](count), repeats)
        unlike = thin(count, 1e-4)
        found[f"thin_{count}"]["seconds_if_all_media_differ"] = median_time(lambda u=unlike: solve_stack(*u), 3)[0]
    return found


# --- SciPy ------------------------------------------------------------------------------------------------------------


def collocation(exact: float) -> dict[str, Any]:
    """Return times of ``solve_bvp`` for the valve and for as many layers as it takes in some seconds."""
    from spinlib.diffusion import solve_stack
    from tests.spinlib.diffusion_routes import collocation as solve

    def run(stack: tuple[list, list], nodes: int, tol: float) -> float:
        bulk = sum(layer.thickness / layer.medium.total_conductivity for layer in stack[0])
        return solve(*stack, tol=tol, nodes=nodes)[0] - bulk

    settings = [(nodes, 10.0**-power) for power in range(2, 10) for nodes in (5, 9, 17, 25, 33, 49)]

    def cheapest(stack: tuple[list, list], exact: float, target: float, repeats: int) -> dict[str, Any]:
        best: dict[str, Any] = {"seconds": inf}
        for nodes, tol in settings:
            start = time.perf_counter()
            error = abs(run(stack, nodes, tol) / exact - 1)
            once = time.perf_counter() - start
            if error <= target and once < best["seconds"]:
                best = {"seconds": once, "nodes": nodes, "tol": tol, "error_reached": error}
            if once > 3 * best["seconds"]:
                break
        if repeats and best["seconds"] < inf:
            best["seconds"] = median_time(lambda: run(stack, best["nodes"], best["tol"]), repeats)[0]
        return best

    found: dict[str, Any] = {"valve": {f"at_{target:g}": cheapest(valve(), exact, target, 5) for target in TARGETS}}
    for count in (10, 20, 40, 80, 160):
        stack = thin(count)
        seconds, value = median_time(lambda stack=stack: run(stack, 3, 1e-2), 3 if count < 100 else 1)
        ours, _ = median_time(lambda stack=stack: solve_stack(*stack), REPEATS)
        found[f"thin_{count}"] = {
            "seconds": seconds,
            "error_reached": abs(value / thin_excess(count) - 1),
            "scipy_over_spinlib": seconds / ours,
        }
    return found


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
    """Read stacks as JSON from stdin, print times and errors of FiPy as JSON; runs in the interpreter that has it."""
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

    found: dict[str, Any] = {"version": fipy.__version__}
    for name, problem in json.load(sys.stdin).items():
        found[name], fine = {}, 4.0
        for target in TARGETS:
            # Errors fall with the square of the number of cells: refine to the target, as far as memory goes.
            for _ in range(12):
                value, cells, last = run(problem, fine)
                error = abs(value / problem["excess"] - 1)
                factor = max(1.05, 1.02 * (error / target) ** 0.5)
                if error <= target or cells * factor > MOST_CELLS:
                    break
                fine *= factor
            found[name][f"at_{target:g}"] = part = {"cells": cells, "error_reached": error}
            if error > target:
                continue
            times, solves = [], []
            for _ in range(5 if last < 2 else 1):
                start = time.perf_counter()
                solves.append(run(problem, fine)[2])
                times.append(time.perf_counter() - start)
            part["seconds"], part["seconds_of_solve_alone"] = float(np.median(times)), float(np.median(solves))
    print(json.dumps(found))


def peer(exact: dict[str, Any]) -> dict[str, Any] | str:
    """Return what ``peer_main`` prints where FiPy is installed, or how to install it."""
    normal, magnet = (1 / 300, 0.0, 1.0), (1 / 24, 1 / 3, 3.0)
    stacks = {"valve": as_numbers(*valve(), [normal, magnet, normal, magnet, normal], exact["valve"])}
    for count in COUNTS:
        spacing = [(1 / 6, 0.0, 1.0), (1 / 50, 0.0, 1.0)] * (count // 2)
        stacks[f"thin_{count}"] = as_numbers(*thin(count), spacing, exact["thin"](count))
        if count <= 500:
            # Its cost is linear in the number of layers; 5000 of these would be four million cells.
            stacks[f"s_d_{count}"] = as_numbers(*s_d(count), [magnet, normal] * (count // 2), exact["s_d"](count))
    return answer("fipy", __file__, stacks)


def ratios(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, float]:
    """Return how many times longer the peer takes in solving and, where it says so, from numbers to the resistance."""
    found = {}
    for name, parts in theirs.items():
        for target, part in parts.items() if isinstance(parts, dict) else ():
            if not isinstance(part, dict) or part.get("seconds", inf) == inf:
                continue
            alone = part.get("seconds_of_solve_alone", part["seconds"])
            found[f"{name}_{target}"] = alone / ours[name]["seconds"]
            if alone is not part["seconds"]:
                found[f"{name}_{target}_from_numbers"] = part["seconds"] / ours[name]["seconds_with_media_and_layers"]
    return found


def main() -> None:
    """Print the comparison as JSON."""
    sys.path.insert(0, str(Path(__file__).parents[1]))  # the reference and the use of solve_bvp are those of the tests

    from tests.spinlib.diffusion_routes import network

    one = network(*s_d(2)).excess_resistance
    exact = {
        "valve": network(*valve()).excess_resistance,
        "thin": thin_excess,
        "s_d": lambda count: (count - 1) * one,
    }
    ours, scipys, fipys = house(exact), collocation(exact["valve"]), peer(exact)
    report: dict[str, Any] = {
        "name": "diffusion in multilayers, time to a stated error of the excess resistance",
        "versions": versions("scipy"),
        "reference": "thin: the closed form of Valet and Fert; valve and s_d: 120 digits",
        **{f"spinlib_{name}": part for name, part in ours.items()},
        "scipy_solve_bvp": scipys,
        "scipy_over_spinlib": ratios(ours, scipys),
        "fipy": fipys,
    }
    if isinstance(fipys, dict):
        report["fipy_over_spinlib"] = ratios(ours, fipys)
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    peer_main() if "--peer" in sys.argv else main()
