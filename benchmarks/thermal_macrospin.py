"""A thermal ensemble of one magnet: time to a stated statistical error of <m_z> at a final time, beside cmtj and NumPy.

One magnet in a field, started along it, T > 0. The mean at the final time is known from the Fokker-Planck equation.
All codes take Heun's scheme for the whole equation with the same step, so all have the same error of the scheme, which
is neither tuned nor a part of the target; the number of trajectories follows from the variance at the final time, and
all run on one thread.

``NumPy`` is the scheme in a few lines, all trajectories in one array; its stream of random numbers is one for all, so a
trajectory depends on their number, while the house's have streams of their own, whatever the threads.
cmtj falls back to Euler-Heun at T > 0 unless told otherwise, which takes Euler steps for the field and would need
hundreds of times shorter ones here. Its seeds, gyromagnetic ratio and mu_0 are set; layers without coupling share a
junction, which is faster than a run for each trajectory.

The limit is the time to draw the thermal field with NumPy's generator: three normal numbers in each step.
"""

import os
import sys
import time
from typing import Any

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
from _peer import Peer, serve
from _timing import ONCE, Code, answered, clock, print_report, row, scaling

ALPHA, RATIO = 0.02, 1.931  # Gilbert damping, M_s V B/k_B T
STEP, STEPS = 0.1, 1800  # gamma B dt
STANDARD_ERROR = 0.03 if ONCE else 0.01
MAGNETIZATION, VOLUME, KELVIN = 8e5, 512e-27, 300.0
GAMMA, K_B, MU_0 = 1.76085962784e11, 1.380649e-23, 1.25663706127e-6  # rad/(s T), J/K, T m/A
FIELD = RATIO * K_B * KELVIN / (MAGNETIZATION * VOLUME)
TIME_STEP = STEP / (GAMMA * FIELD)
TOGETHER = (10,) if ONCE else (1, 10, 100)  # trajectories in a junction of cmtj


def exact() -> tuple[float, float]:
    """Return <m_z> and its variance at the final time, from the Fokker-Planck equation in Legendre polynomials."""
    from scipy.linalg import expm

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
    from spinlib.dynamics.stochastic import integrate_stochastic_llg

    run = integrate_stochastic_llg(
        np.tile([0.0, 0.0, 1.0], (count, 1)),
        (0, 0, FIELD),
        TIME_STEP,
        STEPS,
        alpha=ALPHA,
        gyromagnetic_ratio=GAMMA,
        magnetic_moment=MAGNETIZATION * VOLUME,
        temperature=KELVIN,
        seed=1,
        record_every=STEPS,
        threads=threads,
    )
    return run.m[-1, :, 2]


def numpy_ends(count: int) -> np.ndarray:
    """Return the same by NumPy, lengths in units of m and times in units of 1/(gamma B)."""
    draw, kick = np.random.default_rng(1), np.sqrt(2 * ALPHA / (RATIO * STEP))
    m = np.zeros((3, count))
    m[2] = 1

    def slope(m: np.ndarray, h: np.ndarray) -> np.ndarray:
        (x, y, z), (hx, hy, hz) = m, h
        px, py, pz = y * hz - z * hy, z * hx - x * hz, x * hy - y * hx
        damped = [px + ALPHA * (y * pz - z * py), py + ALPHA * (z * px - x * pz), pz + ALPHA * (x * py - y * px)]
        return np.array(damped) / -(1 + ALPHA**2)

    for _ in range(STEPS):
        h = kick * draw.standard_normal((3, count))
        h[2] += 1
        first = slope(m, h)
        m = m + STEP / 2 * (first + slope(m + STEP * first, h))
        m /= np.sqrt((m * m).sum(axis=0))
    return m[2]


def peer_main() -> None:
    """Answer for cmtj; runs in the interpreter that has it."""
    from importlib.metadata import version

    from cmtj import AxialDriver, CVector, Junction, Layer, ScalarDriver, SolverMode, constants

    physical = constants.PhysicalConstants
    physical.set_gyromagnetic_ratio(MU_0 * GAMMA)
    physical.set_magnetic_permeability(MU_0)
    physical.set_boltzmann_constant(K_B)
    none, up, along = [CVector(0, 0, 0)] * 3, CVector(0, 0, 1), CVector(1, 0, 0)
    known: dict[int, Any] = {}

    def junction(together: int) -> Any:
        layers = []
        for i in range(together):
            layer = Layer(str(i), up, along, MU_0 * MAGNETIZATION, 1e-9, VOLUME / 1e-9, none, ALPHA)
            layer.setSeed(1 + i)
            layers.append(layer)
        made = Junction(layers)
        for i in range(together):
            made.setLayerExternalFieldDriver(str(i), AxialDriver(0, 0, FIELD / MU_0))
            made.setLayerTemperatureDriver(str(i), ScalarDriver.getConstantDriver(KELVIN))
        return made

    def answer(count: int, together: int) -> dict[str, Any]:
        runner = known.setdefault(together, None) or junction(together)
        known[together], found = runner, []
        start = time.perf_counter()
        for _ in range(-(-count // together)):
            for i in range(together):
                runner.setLayerMagnetisation(str(i), up)
            duration, log = (STEPS + 0.5) * TIME_STEP, (STEPS + 1) * TIME_STEP
            runner.runSimulation(duration, TIME_STEP, log, False, False, SolverMode.Heun)
            found += [runner.getLayerMagnetisation(str(i)).z for i in range(together)]
        seconds = time.perf_counter() - start
        runner.clearLog()
        return {"seconds": seconds, "ends": found[:count]}

    serve(version("cmtj"), answer)


def cmtj(peer: Peer, count: int, mean: float) -> Code:
    """Return cmtj with the number of trajectories in a junction that suits it best."""
    answers = {together: peer.ask(count=count, together=together) for together in TOGETHER}
    best = min(answers, key=lambda together: float(answers[together]["seconds"]))
    values = np.array(answers[best]["ends"])
    setting = f"{best} in a junction, standard error {values.std() / count**0.5:.1g}"
    run = peer.clock(count=count, together=best)
    return Code(setting, float(abs(values.mean() - mean)), run, "cmtj", peer.title, peer.version)


def main() -> None:
    """Print the comparison as JSON."""
    from _limits import normal_seconds

    from spinlib import units

    assert (units.k_B, units.mu_0) == (K_B, MU_0)
    mean, variance = exact()
    count = int(np.ceil(variance / STANDARD_ERROR**2))
    one, two = ends(count, 1), ends(count, 2)
    assert np.array_equal(one, two), "threads change nothing"
    kind, step = "normal numbers of NumPy", 3 * STEPS * normal_seconds()
    setting = f"{count} trajectories, standard error {one.std() / count**0.5:.1g}"
    ours = Code(setting, float(abs(one.mean() - mean)), clock(lambda: ends(count, 1)))
    target = 3 * STANDARD_ERROR  # of a mean that scatters
    peer, note = Peer("cmtj", __file__), "one stream for all trajectories"
    off = float(abs(numpy_ends(count).mean() - mean))
    run = clock(lambda: numpy_ends(count))
    plain = Code(f"{count} trajectories", off, run, "NumPy, vectorised", "NumPy", np.__version__, note)
    peers = (answered(peer, "cmtj", lambda: cmtj(peer, count, mean)), plain)
    rows = [row("mean to a standard error", target, ours, theirs, (kind, count * step)) for theirs in peers]
    growth = [
        scaling(
            f"replicas, {threads} thread{'s' if threads > 1 else ''}",
            "trajectories",
            (50, 200, 800, 3200),
            lambda size, threads=threads: lambda: ends(size, threads),
            1.0,
            limit=(kind, lambda size, threads=threads: size * step / threads),
            above="generators and results of many trajectories do not fit into the second cache",
            below=f"calls {'' if threads == 1 else 'and starts of threads '}that cost the same for any number",
        )
        for threads in (1, 2)
    ]
    name, error = "thermal ensemble of one magnet", "distance of <m_z> at the final time, target 3 standard errors"
    print_report(name, error, "the Fokker-Planck equation", rows, growth, packages=["scipy"])


if __name__ == "__main__":
    peer_main() if "--peer" in sys.argv else main()
