"""One magnet that a damping-like torque drives from rest into precession: time to an error of its final direction.

Easy axis, hard axis, applied field and a torque above threshold, one call from start to end, one thread. Each code is
asked for the cheapest setting whose final direction is within the stated error of SciPy's at its finest tolerance.

The peer is cmtj, in its own way: the faster of its two solvers of high order, a log of one line, a gyromagnetic ratio
equal to ours (by default it is 0.18 per cent lower), and the torque of a layer of the kind SOT, which is the Gilbert
form (the kind STT lacks a cross term). Its time is taken inside its own process, around resetting the layer and
runSimulation.

The limit is the time of the right-hand sides of the method that the house uses, alone: as many as the same method needs
with a field that counts its calls, one after the other in a compiled loop. They are sequential, so neither width nor
bandwidth of the machine help.
"""

import os
import sys
import time
from functools import partial
from typing import Any

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
from _limits import stored
from _peer import Peer, serve
from _timing import ONCE, UNTRIED, Code, answered, clock, first_within, least_time, print_report, row

PROBLEM = {
    "gamma": 1.76e11,  # rad/(s T)
    "alpha": 0.01,
    "easy": 0.05,  # T, along z
    "hard": 1.0,  # T, along y
    "applied": [0.002, 0.004, 0.01],  # T
    "polarizer": [0.0, 0.6, 0.8],
    "damping_like": -2.5e9,  # 1/s; negative: away from the polariser
    "start": [0.28, 0.0, 0.96],
    "duration": 1e-9 if ONCE else 5e-9,  # s; from the third nanosecond on it precesses out of the plane
}
TARGETS = (1e-6, 1e-9)
TOLERANCES = [10.0**-k for k in np.arange(3, 12.6, 0.25)]
WAYS = {
    "RK4, steps": [int(1000 * 1.05**k) for k in range(0, 110, 10 if ONCE else 1)],
    "DormandPrince, tolerance": [10.0**-k for k in np.arange(4, 13, 2 if ONCE else 0.25)],
}


def off(m: Any, exact: np.ndarray) -> float:
    """Return how far the final direction is off."""
    return float(np.linalg.norm(np.subtract(m, exact)))


# --- the house --------------------------------------------------------------------------------------------------------


def laws() -> tuple[Any, Any]:
    """Return field and torque of the house."""
    from spinlib.dynamics.macrospin import LinearField, SpinTorque

    p = PROBLEM
    field = LinearField(p["applied"], np.diag([0.0, -p["hard"], p["easy"]]))
    return field, SpinTorque(p["polarizer"], p["damping_like"])


def house(rtol: float, counted: list[int] | None = None) -> np.ndarray:
    """Return the final direction of ``integrate_llg``; with ``counted`` by a Python field that counts its calls."""
    from spinlib.dynamics.macrospin import integrate_llg

    p, (field, torque) = PROBLEM, laws()

    def counting(m: np.ndarray, t: float) -> Any:
        counted[0] += 1  # type: ignore[index]
        return field(m, t)

    law = field if counted is None else counting
    times = [0.0, p["duration"]]
    return integrate_llg(
        p["start"], law, times, alpha=p["alpha"], gyromagnetic_ratio=p["gamma"], torque=torque, rtol=rtol
    )[-1]


def bare_seconds() -> float:
    """Return the seconds of one right-hand side in a compiled loop of dependent calls."""
    import numba

    from spinlib.dynamics import _llg

    given = _llg.parameters(*laws(), _llg.damping_tensor(PROBLEM["alpha"]), PROBLEM["gamma"])

    @numba.njit
    def loop(count: int, given: np.ndarray) -> float:
        x, y, z = 0.28, 0.0, 0.96
        for _ in range(count):
            u, v, w = _llg.rate(x, y, z, (0.0, 0.0, 0.0), given)
            x, y, z = x + 1e-16 * u, y + 1e-16 * v, z + 1e-16 * w
        return x + y + z

    count = 100_000
    return stored("right-hand sides of one magnet", least_time(lambda: loop(count, given)) / count, "ns each", 1e-9)


def explicit_form() -> np.ndarray:
    """Return the final direction from the Landau-Lifshitz form, written out, by SciPy."""
    from scipy.integrate import solve_ivp

    p, unit = PROBLEM, 1e-11
    scale = unit / (1 + p["alpha"] ** 2)
    gamma, twist = p["gamma"] * scale, p["damping_like"] * scale
    applied, polarizer, stiffness = (np.array(x) for x in (p["applied"], p["polarizer"], [0.0, -p["hard"], p["easy"]]))

    def slope(_: float, m: np.ndarray) -> np.ndarray:
        precession = -gamma * np.cross(m, applied + stiffness * m)
        turned = np.cross(m, polarizer)
        return precession + p["alpha"] * np.cross(m, precession) - twist * (np.cross(m, turned) - p["alpha"] * turned)

    done = solve_ivp(slope, (0, p["duration"] / unit), p["start"], "DOP853", rtol=2.3e-14, atol=1e-15)
    return done.y[:, -1] / np.linalg.norm(done.y[:, -1])


# --- the peer ---------------------------------------------------------------------------------------------------------


def peer_main() -> None:
    """Answer for cmtj; runs in the interpreter that has it."""
    import cmtj
    from cmtj import AdaptiveIntegrationParams, AxialDriver, CVector, Junction, Layer, ScalarDriver, SolverMode

    p = PROBLEM
    constants = cmtj.constants.PhysicalConstants
    mu_0 = float(constants.magnetic_permeability())
    constants.set_gyromagnetic_ratio(mu_0 * p["gamma"])
    magnetization = 1.0  # T; only its products with the two anisotropies matter
    demag = [CVector(0, 0, 0), CVector(0, p["hard"] / magnetization, 0), CVector(0, 0, 0)]

    def junction() -> Any:
        layer = Layer.createSOTLayer(
            id="free",
            mag=CVector(*p["start"]),
            anis=CVector(0, 0, 1),
            Ms=magnetization,
            thickness=1e-9,
            cellSurface=1e-14,
            demagTensor=demag,
            damping=p["alpha"],
            dampingLikeTorque=p["damping_like"] / (mu_0 * p["gamma"]),
            fieldLikeTorque=0.0,
        )
        layer.setReferenceLayer(CVector(*p["polarizer"]))
        made = Junction([layer])
        made.setLayerCurrentDriver("free", ScalarDriver.getConstantDriver(1.0))
        made.setLayerAnisotropyDriver("free", ScalarDriver.getConstantDriver(p["easy"] / mu_0 * magnetization / 2))
        drivers = [ScalarDriver.getConstantDriver(b / mu_0) for b in p["applied"]]
        made.setLayerExternalFieldDriver("free", AxialDriver(*drivers))
        return made

    made, limits = junction(), AdaptiveIntegrationParams()

    def by_steps(count: int) -> None:
        step = p["duration"] / count
        # Half a step more than the duration: the number of steps is cut down to an integer.
        made.runSimulation((count + 0.5) * step, step, 1.0, solverMode=SolverMode.RK4)

    def by_tolerance(tolerance: float) -> None:
        limits.abs_tol = limits.rel_tol = tolerance
        made.getLayer("free").setAdaptiveParams(limits)
        made.runSimulation(p["duration"], 1e-13, 1.0, solverMode=SolverMode.DormandPrince)

    def answer(way: str, setting: float) -> dict[str, Any]:
        start = time.perf_counter()
        made.clearLog()
        made.setLayerMagnetisation("free", CVector(*p["start"]))
        by_steps(int(setting)) if way.startswith("RK4") else by_tolerance(setting)
        m = made.getLayerMagnetisation("free")
        return {"seconds": time.perf_counter() - start, "final": [m.x, m.y, m.z]}

    serve(cmtj.__version__, answer)


def best_of(peer: Peer, target: float, exact: np.ndarray) -> Code:
    """Return the faster way of cmtj at the cheapest setting within ``target`` of its own limit."""
    # What it converges to differs by the rounding of its constants.
    fine, finer = (np.array(peer.ask(way="RK4", setting=count)["final"]) for count in (200_000, 400_000))
    limit = finer + (finer - fine) / 15  # Richardson, order 4
    found: list[tuple[float, str, float]] = []
    for way, settings in WAYS.items():
        answers = [peer.ask(way=way, setting=setting) for setting in settings]
        first = first_within([off(answer["final"], limit) for answer in answers], target)
        if first is not None:
            seconds = min(peer.ask(way=way, setting=settings[first])["seconds"] for _ in range(5))
            found.append((seconds, way, settings[first]))
    if not found:
        return Code("", None, None, "cmtj", peer.title, peer.version, "not with any setting", UNTRIED)
    _, way, setting = min(found)
    error = off(peer.ask(way=way, setting=setting)["final"], exact)
    return Code(f"{way} {setting:.3g}", error, peer.clock(way=way, setting=setting), "cmtj", peer.title, peer.version)


def main() -> None:
    """Print the comparison as JSON."""
    exact, peer = explicit_form(), Peer("cmtj", __file__)
    errors, bare, rows = [off(house(rtol), exact) for rtol in TOLERANCES], bare_seconds(), []
    for target in TARGETS:
        first = first_within(errors, target)
        assert first is not None
        rtol, calls = TOLERANCES[first], [0]
        house(rtol, calls)
        ours = Code(f"rtol {rtol:.2g}", errors[first], clock(lambda rtol=rtol: house(rtol)))
        theirs = answered(peer, "cmtj", partial(best_of, peer, target, exact))
        rows.append(
            row(
                f"precession for {PROBLEM['duration'] / 1e-9:g} ns",
                target,
                ours,
                theirs,
                ("right-hand sides", bare * calls[0]),
            )
        )
    name, error = "one magnet driven into precession by a torque", "distance of the final direction"
    print_report(name, error, "SciPy's DOP853 on the explicit form at its finest tolerance", rows, packages=["scipy"])


if __name__ == "__main__":
    peer_main() if "--peer" in sys.argv else main()
