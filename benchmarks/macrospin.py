"""One magnet that a damping-like torque drives from rest into precession: time to an error of its final direction.

``python benchmarks/macrospin.py`` prints JSON: medians over repeats in seconds, one thread. Easy axis, hard axis,
applied field and a torque above threshold, one call from start to end. Each code is asked for the cheapest setting
whose final direction is within the stated error of that code's own converged limit; the limits are compared, too.

The peer is cmtj (``pip install cmtj``), best in an environment of its own, whose Python SPINLIB_CMTJ_PYTHON names. It
is given its own way: the faster of its two solvers of high order, a log of one line, a gyromagnetic ratio equal to ours
(by default it is 0.18 per cent lower), and the torque of a layer of the kind SOT, which is the Gilbert form (the kind
STT lacks a cross term). Its time is taken inside its own process, around resetting the layer and runSimulation.
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
from _peer import answer
from _timing import first_within, median_time, versions

PROBLEM = {
    "gamma": 1.76e11,  # rad/(s T)
    "alpha": 0.01,
    "easy": 0.05,  # T, along z
    "hard": 1.0,  # T, along y
    "applied": [0.002, 0.004, 0.01],  # T
    "polarizer": [0.0, 0.6, 0.8],
    "damping_like": -2.5e9,  # 1/s; negative: away from the polariser
    "start": [0.28, 0.0, 0.96],
    "duration": 5e-9,  # s; from the third nanosecond on it precesses out of the plane
}
TARGETS = (1e-6, 1e-9)
REPEATS = 15


def cheapest(run: Callable[[Any], np.ndarray], settings: list, limit: np.ndarray, target: float) -> tuple[Any, float]:
    """Return the first of ``settings``, cheapest first, from which on errors stay below ``target``; its error."""
    errors = [float(np.linalg.norm(run(setting) - limit)) for setting in settings]
    first = first_within(errors, target)
    if first is None:
        return None, min(errors)
    return settings[first], errors[first]


# --- the house --------------------------------------------------------------------------------------------------------


def house() -> dict[str, Any]:
    """Return times, errors and the final direction of ``integrate_llg``, compiled and with Python callables."""
    from spinlib.dynamics.macrospin import LinearField, SpinTorque, integrate_llg

    p = PROBLEM
    field = LinearField(p["applied"], np.diag([0.0, -p["hard"], p["easy"]]))
    torque = SpinTorque(p["polarizer"], p["damping_like"])
    times = [0.0, p["duration"]]

    def run(rtol: float, law: Any = field) -> np.ndarray:
        return integrate_llg(
            p["start"], law, times, alpha=p["alpha"], gyromagnetic_ratio=p["gamma"], torque=torque, rtol=rtol
        )[-1]

    limit = run(1e-13)
    found: dict[str, Any] = {
        "final": limit.tolist(),
        "reference": {
            "error": float(np.linalg.norm(limit - explicit_form())),
            "note": "at rtol 1e-13 against solve_ivp on the explicit form at its finest tolerance",
        },
    }
    tolerances = [10**-k for k in np.arange(3, 12.6, 0.25)]
    for target in TARGETS:
        rtol, error = cheapest(run, tolerances, limit, target)
        seconds, _ = median_time(lambda rtol=rtol: run(rtol), REPEATS)
        slow, _ = median_time(lambda rtol=rtol: run(rtol, lambda m, t: field(m, t)), 1)
        found[f"at_{target:g}"] = {
            "seconds": seconds,
            "rtol": rtol,
            "error_reached": error,
            "seconds_with_python_callables": slow,
        }
    return found


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
    """Print the same of cmtj as JSON; runs in the interpreter that has it."""
    import cmtj
    from cmtj import AdaptiveIntegrationParams, AxialDriver, CVector, Junction, Layer, ScalarDriver, SolverMode

    p = PROBLEM
    constants = cmtj.constants.PhysicalConstants
    default = float(constants.gyromagnetic_ratio())
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

    def by_steps(count: int) -> np.ndarray:
        made.clearLog()
        made.setLayerMagnetisation("free", CVector(*p["start"]))
        step = p["duration"] / count
        # Half a step more than the duration: the number of steps is cut down to an integer.
        made.runSimulation((count + 0.5) * step, step, 1.0, solverMode=SolverMode.RK4)
        m = made.getLayerMagnetisation("free")
        return np.array([m.x, m.y, m.z])

    def by_tolerance(tolerance: float) -> np.ndarray:
        made.clearLog()
        made.setLayerMagnetisation("free", CVector(*p["start"]))
        limits.abs_tol = limits.rel_tol = tolerance
        made.getLayer("free").setAdaptiveParams(limits)
        made.runSimulation(p["duration"], 1e-13, 1.0, solverMode=SolverMode.DormandPrince)
        m = made.getLayerMagnetisation("free")
        return np.array([m.x, m.y, m.z])

    fine, finer = by_steps(200_000), by_steps(400_000)
    limit = finer + (finer - fine) / 15  # Richardson, order 4
    found: dict[str, Any] = {
        "version": cmtj.__version__,
        "default_gamma_over_ours_with_mu_0": default / (4e-7 * np.pi * 1.76085962784e11),
        "final": limit.tolist(),
        "uncertainty_of_its_limit": float(np.linalg.norm(finer - fine) / 15),
    }
    ways: dict[str, tuple[Callable[[Any], np.ndarray], list]] = {
        "RK4, steps": (by_steps, [int(1000 * 1.05**k) for k in range(110)]),
        "DormandPrince, tolerance": (by_tolerance, [10**-k for k in np.arange(4, 13, 0.25)]),
    }
    for target in TARGETS:
        tried = {}
        for name, (run, settings) in ways.items():
            setting, error = cheapest(run, settings, limit, target)
            tried[name] = {"setting": setting, "error_reached": error}
            if setting:
                tried[name]["seconds"], _ = median_time(lambda run=run, setting=setting: run(setting), REPEATS)
        found[f"at_{target:g}"] = tried
    print(json.dumps(found))


def main() -> None:
    """Print the comparison as JSON."""

    ours, theirs = house(), answer("cmtj", __file__)
    report: dict[str, Any] = {
        "name": "one magnet driven into precession by a torque, time to a stated error of the final direction",
        "versions": versions(),
        "problem": PROBLEM,
        "repeats": REPEATS,
        "reference": ours.pop("reference"),
        "spinlib": ours,
        "peer": theirs,
    }
    if isinstance(theirs, dict):
        apart = np.subtract(ours["final"], theirs["final"])
        report["distance_of_the_two_limits"] = float(np.linalg.norm(apart))
        for target in (f"at_{value:g}" for value in TARGETS):
            best = min(way["seconds"] for way in theirs[target].values() if "seconds" in way)
            report[f"peer_over_spinlib_{target}"] = best / ours[target]["seconds"]
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    peer_main() if "--peer" in sys.argv else main()
