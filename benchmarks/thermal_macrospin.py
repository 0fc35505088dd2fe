"""Time to a stated statistical error of <m_z> at a final time, per core, beside cmtj; scaling over two threads.

``python benchmarks/thermal_macrospin.py`` prints JSON. cmtj is asked in the interpreter that SPINLIB_CMTJ_PYTHON
names, or in this one if it is importable there; it is no dependency, and without it the report says so.

One magnet in a field, started along it, T > 0. The mean at the final time is known from the Fokker-Planck equation.
Both codes take Heun's scheme for the whole equation with the same step, so both have the same error of the scheme,
below a thousandth; the number of trajectories follows from the variance at the final time. cmtj falls back to
Euler-Heun at T > 0 unless told otherwise, which takes Euler steps for the field and would need hundreds of times
shorter ones here. Its seeds, gyromagnetic ratio and mu_0 are set; layers without coupling share a junction, which is
faster than a run for each trajectory.
"""

import json
import os
import subprocess

import numpy as np
from _peer import interpreter
from _timing import median_time, versions
from scipy.linalg import expm

from spinlib.dynamics.stochastic import integrate_stochastic_llg
from spinlib.units import gyromagnetic_ratio, k_B, mu_0

ALPHA, RATIO = 0.02, 1.931  # Gilbert damping, M_s V B/k_B T
STEP, STEPS = 0.1, 1800  # gamma B dt
STANDARD_ERROR = 0.01
REPEATS = 5
MAGNETIZATION, VOLUME, KELVIN = 8e5, 512e-27, 300.0
FIELD = RATIO * k_B * KELVIN / (MAGNETIZATION * VOLUME)
TIME_STEP = STEP / (gyromagnetic_ratio * FIELD)

PEER = """
import json, sys, time
from cmtj import AxialDriver, CVector, Junction, Layer, ScalarDriver, SolverMode, constants
from importlib.metadata import version

given = json.loads(sys.argv[1])
mu_0 = given["mu_0"]
physical = constants.PhysicalConstants
physical.set_gyromagnetic_ratio(mu_0 * given["gyromagnetic_ratio"])
physical.set_magnetic_permeability(mu_0)
physical.set_boltzmann_constant(given["k_B"])
count, together = given["count"], given["together"]
names = [str(i) for i in range(together)]
none = [CVector(0, 0, 0)] * 3
up, along = CVector(0, 0, 1), CVector(1, 0, 0)


def junction(first):
    layers = []
    for i, name in enumerate(names):
        surface = given["volume"] / 1e-9
        layer = Layer(name, up, along, mu_0 * given["magnetization"], 1e-9, surface, none, given["alpha"])
        layer.setSeed(first + i)
        layers.append(layer)
    made = Junction(layers)
    for name in names:
        made.setLayerExternalFieldDriver(name, AxialDriver(0, 0, given["field"] / mu_0))
        made.setLayerTemperatureDriver(name, ScalarDriver.getConstantDriver(given["temperature"]))
    return made


times, ends = [], []
steps, step = given["steps"], given["time_step"]
runner = junction(1)
for repeat in range(given["repeats"] + 1):  # the first warms up
    ends = []
    start = time.perf_counter()
    for _ in range(-(-count // together)):
        for name in names:
            runner.setLayerMagnetisation(name, up)
        runner.runSimulation((steps + 0.5) * step, step, (steps + 1) * step, False, False, SolverMode.Heun)
        ends += [runner.getLayerMagnetisation(name).z for name in names]
    times.append(time.perf_counter() - start)
    runner.clearLog()
print(json.dumps({"version": version("cmtj"), "times": times[1:], "ends": ends[:count]}))
"""


def exact() -> tuple[float, float]:
    """Return <m_z> and its variance at the final time, from the Fokker-Planck equation in Legendre polynomials."""
    degree = np.arange(31)
    scale = ALPHA / (1 + ALPHA**2)
    # d<P_l>/dt = scale [l (l + 1)/(2 l + 1) (<P_(l-1)> - <P_(l+1)>) - l (l + 1) <P_l>/x]
    pull = degree * (degree + 1) / (2 * degree + 1)
    generator = scale * (np.diag(pull[1:], -1) - np.diag(pull[:-1], 1) - np.diag(degree * (degree + 1)) / RATIO)
    moments = expm(generator * STEP * STEPS) @ np.ones(len(degree))
    mean, square = moments[1], (2 * moments[2] + 1) / 3
    return float(mean), float(square - mean**2)


def ends(count: int, threads: int) -> np.ndarray:
    """Return m_z of ``count`` trajectories at the final time."""
    run = integrate_stochastic_llg(
        np.tile([0.0, 0.0, 1.0], (count, 1)),
        (0, 0, FIELD),
        TIME_STEP,
        STEPS,
        alpha=ALPHA,
        magnetic_moment=MAGNETIZATION * VOLUME,
        temperature=KELVIN,
        seed=1,
        record_every=STEPS,
        threads=threads,
    )
    return run.m[-1, :, 2]


def peer(count: int, together: int) -> dict[str, object]:
    """Return what cmtj takes, measured inside its own process on one core, or how to get it."""
    python, how = interpreter("cmtj")
    if python is None:
        return {"peer": "not installed", "how": how}
    given = {
        "mu_0": mu_0,
        "k_B": k_B,
        "gyromagnetic_ratio": gyromagnetic_ratio,
        "magnetization": MAGNETIZATION,
        "volume": VOLUME,
        "field": FIELD,
        "temperature": KELVIN,
        "alpha": ALPHA,
        "steps": STEPS,
        "time_step": TIME_STEP,
        "count": count,
        "together": together,
        "repeats": REPEATS,
    }
    done = subprocess.run([python, "-c", PEER, json.dumps(given)], stdout=subprocess.PIPE, text=True, check=True)
    report = json.loads(done.stdout)
    values = np.array(report["ends"])
    return {
        "peer": f"cmtj {report['version']}",
        "seconds": float(np.median(report["times"])),
        "trajectories_per_junction": together,
        "mean": float(values.mean()),
        "standard_error": float(values.std() / np.sqrt(count)),
    }


def main() -> None:
    """Print the comparison as JSON."""
    mean, variance = exact()
    count = int(np.ceil(variance / STANDARD_ERROR**2))
    one_time, one = median_time(lambda: ends(count, 1), REPEATS)
    two_time, two = median_time(lambda: ends(count, 2), REPEATS)
    others = [peer(count, together) for together in (1, 10, 100)]
    known = [other for other in others if "seconds" in other]
    fastest = min(known, key=lambda other: float(str(other["seconds"]))) if known else others[0]
    report = {
        "name": "thermal ensemble of one magnet to a stated error of <m_z> at the final time",
        "versions": versions(),
        "alpha": ALPHA,
        "x": RATIO,
        "step_times_gamma_B": STEP,
        "steps": STEPS,
        "trajectories": count,
        "stated_standard_error": STANDARD_ERROR,
        "repeats": REPEATS,
        "exact_mean": mean,
        "one_thread": {
            "seconds": one_time,
            "mean": float(one.mean()),
            "standard_error": float(one.std() / np.sqrt(count)),
        },
        "two_threads": {
            "seconds": two_time,
            "speed_up": one_time / two_time,
            "cores": os.cpu_count(),
            "error": float(np.abs(two - one).max()),
            "note": "error: largest difference from one thread",
        },
        "peer": fastest,
        "peer_all": known,
        "peer_over_one_thread": float(str(fastest["seconds"])) / one_time if known else None,
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
