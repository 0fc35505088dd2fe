"""Ensembles of a switching free layer, for the chapter on one device: `python -m tools.switching_memory`.

The layer has the numbers that the chapter derives, rounded; the chapter asserts that they still agree. Each batch has
its own seed, so that a test can repeat a few of them. One core takes some seven minutes.
"""

import numpy as np
from numpy.typing import NDArray

from spinlib.dynamics.fokker_planck import solve_fokker_planck
from spinlib.dynamics.macrospin import LinearField, SpinTorque
from spinlib.dynamics.stochastic import integrate_stochastic_llg
from spinlib.dynamics.thermodynamic import GeneralizedLLG, QuadraticPotential
from spinlib.units import k_B, ns, ps
from tools.isolation import ROOT
from tools.precomputed import save

DATA = ROOT / "book" / "switching_memory" / "ensembles.json"
LAYER = {"easy": 0.0321, "hard": 0.9957, "alpha": 0.0257, "asymmetry": 0.625, "stability": 48.7,
         "gyromagnetic_ratio": 1.979e11}  # fmt: skip
"""Stiffnesses in the plane and out of it [T], damping, c of the torque, barrier over k_B T, gamma [rad/(s T)]."""
STEP = 0.5 * ps
WRITES = ((1, 1.5, 4.5), (1, 2.0, 2.25), (-1, 2.5, 2.0), (-1, 3.5, 1.25))
"""Well (+1 parallel), current over the threshold of that well, duration in ns."""
RECORDS, BATCHES, MEMBERS = 45, 80, 250
HOT, SHARES = {5.0: 20.0, 7.0: 40.0}, (0.0, 0.2, 0.4)
"""Barriers over k_B T of a hot layer with the time in ns that it is watched, and currents over the threshold."""
CROWDS = 8
"""Batches of hot layers."""
WARM = (3.0, 4.0, 5.0, 6.0)
"""Barriers over k_B T at which the slow rate of the Fokker-Planck equation is solved, with this degree."""
DEGREE = 80

UP = np.array([0.0, 0.0, 1.0])
FIELD = LinearField(tensor=np.diag([-LAYER["easy"], -LAYER["hard"], 0.0]))


def torque(well: int, share: float) -> SpinTorque:
    """Torque of ``share`` times the current at which the state along ``well`` loses its stability."""
    gamma, c = LAYER["gyromagnetic_ratio"], LAYER["asymmetry"]
    slope = share * LAYER["alpha"] * gamma * (LAYER["easy"] + LAYER["hard"]) / 2
    return SpinTorque(UP, -well * slope * (1 + well * c), asymmetry=c)


def run(well: int, share: float, stability: float, duration: float, records: int, count: int,
        generator: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    """Return times and m_z times ``well``, ``(R,)`` and ``(R, count)``, of magnets in equilibrium at time zero."""
    moment = 2 * stability * k_B * 300.0 / LAYER["easy"]
    common = {"alpha": LAYER["alpha"], "gyromagnetic_ratio": LAYER["gyromagnetic_ratio"], "temperature": 300.0}
    start = np.tile(well * UP, (count, 1))
    rest = integrate_stochastic_llg(start, FIELD, STEP, 3000, magnetic_moment=moment, seed=generator,
                                    record_every=3000, **common).m[-1]  # fmt: skip
    every = round(duration * ns / STEP / records)
    out = integrate_stochastic_llg(rest, FIELD, STEP, every * records, magnetic_moment=moment, seed=generator,
                                   torque=torque(well, share), record_every=every, **common)  # fmt: skip
    return out.time, well * out.m[..., 2]


def writing(case: int, number: int) -> NDArray[np.int64]:
    """Return how many of a batch have not crossed the equator at each record, ``(RECORDS + 1,)``."""
    well, share, duration = WRITES[case]
    generator = np.random.default_rng([1, case, number])
    height = run(well, share, LAYER["stability"], duration, RECORDS, MEMBERS, generator)[1]
    return np.asarray((height > 0).sum(axis=1))


def waiting(well: int, barrier: float, share: float, number: int) -> NDArray[np.float64]:
    """Return escapes and time at risk [s] of a batch of hot magnets, ``(2,)``, from 1 ns on."""
    generator = np.random.default_rng([2, well + 1, int(barrier), SHARES.index(share), number])
    time, height = run(well, share, barrier, HOT[barrier], 400, MEMBERS, generator)
    gone = height < -0.5
    first = np.where(gone.any(axis=0), gone.argmax(axis=0), len(time) - 1)
    begin = int(np.searchsorted(time, 1 * ns))
    risk = first > begin
    return np.array([(gone.any(axis=0) & risk).sum(), (time[first[risk]] - time[begin]).sum()])


def warm(stability: float) -> float:
    """Return the slow rate [gamma B_easy] by the Fokker-Planck equation on the sphere."""
    depth = LAYER["hard"] / LAYER["easy"] - 1
    energy = QuadraticPotential(quadratic=stability * np.diag([0.0, depth, -1.0]))
    mobility = 1 / (2 * stability * (1 + LAYER["alpha"] ** 2))
    system = GeneralizedLLG(energy, LAYER["alpha"], mobility)
    return float(solve_fokker_planck(system, 1 / k_B, max_degree=DEGREE, modes=2).rates[1].real)


def main() -> None:
    unswitched = [sum(writing(case, k) for k in range(BATCHES)) for case in range(len(WRITES))]
    first = [writing(case, 0) for case in range(len(WRITES))]
    escapes = [[[sum(waiting(well, barrier, share, k) for k in range(CROWDS)) for share in SHARES]
                for barrier in HOT] for well in (1, -1)]  # fmt: skip
    arrays = {"unswitched": unswitched, "first_batch": first, "escapes": escapes, "warm": [warm(s) for s in WARM]}
    arrays |= {"layer": list(LAYER.values()), "magnets": BATCHES * MEMBERS}
    save(DATA, arrays, command="python -m tools.switching_memory", seeds=[1, 2], code=["tools/switching_memory.py"],
         versions=["numpy", "scipy"], replace=True)  # fmt: skip


if __name__ == "__main__":
    main()
