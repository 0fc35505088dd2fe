"""Electrons, lattice and magnetisation after a laser pulse (M3TM): time to a stated error of all three.

One thread. A metal like nickel, a pulse of 50 fs, 8 ps, 201 records of T_e, T_p and m. The error is the largest of the
three, temperatures as shares of the largest one. The reference is SciPy's DOP853 at its finest tolerance on the
equations as they are printed.

The house has one accuracy, some 1e-13, whatever is asked: ``two_temperature`` and ``m3tm`` solve one equation each.

``odeint`` of SciPy gets the four lines of the equations in units in which all unknowns are of order one, plain and
compiled by numba, at the loosest tolerance from which on it stays within the target. It does not know where the pulse
is: at 1e-6 it steps over it and returns a metal that stays cold, without a word.

The limit is the right-hand sides of that ``odeint``, as many as it counts, one after the other in a compiled loop.

The other peer is udkm1Dsim. Its M3TM is a heat simulation with the magnetisation as a third temperature, as in its
documentation. It is used in two ways, each with all of SciPy's methods that suit it and tolerances by decades, and its
time is taken inside its own process:
``simulation`` is ``Heat.get_temp_map`` for one layer without diffusion. It keeps the pulse from the record before 1.5
durations before its centre to 1.5 durations after it, which loses 3e-4 of the energy, and is compared with the same
equations under what is left of the pulse. Without a gradient it would solve nothing after the pulse and repeat the
temperatures; a boundary condition, no flux at the bottom, makes it solve;
``solver`` is the function below it, ``heat_scipy.solve``, for two points, the fewest that it takes, with the whole
pulse. Its steps are at most a tenth of the pulse, so it is called once for the pulse and once for what follows.
"""

import math
import os
import sys
import time
import warnings
from functools import cache, partial
from typing import Any

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
from _limits import stored
from _peer import Peer, serve
from _timing import ONCE, ROUNDING, Code, answered, clock, first_within, least_time, print_report, row

PROBLEM = {
    "gamma": 5400.0,  # J/(m^3 K^2)
    "capacity": 2.3e6,  # J/(m^3 K)
    "coupling": 4e18,  # W/(m^3 K)
    "energy": 1.2e9,  # J/m^3
    "duration": 50e-15,  # s, full width at half maximum
    "center": 200e-15,  # s
    "cold": 300.0,  # K
    "rate": 17e12,  # 1/s
    "curie": 627.0,  # K
    "end": 8e-12,  # s
}
RECORDS = 201
WINDOW = 1.5  # durations, after which ``simulation`` cuts the pulse off
TARGETS = (1e-6,) if ONCE else (1e-6, 1e-8)
METHODS = ("LSODA",) if ONCE else ("LSODA", "RK45", "DOP853", "BDF", "Radau")
TOLERANCES = [10.0**-k for k in (range(6, 10) if ONCE else range(3, 12))]
ODEINT_TOLERANCES = [10.0**-k for k in range(5, 13)]


def times() -> np.ndarray:
    return np.linspace(0.0, PROBLEM["end"], RECORDS)


def start() -> float:
    """Return m of equilibrium at the start."""
    x = PROBLEM["curie"] / PROBLEM["cold"]
    m = 1.0
    for _ in range(200):
        m = float(np.tanh(m * x))
    return m


def off(got: np.ndarray, exact: np.ndarray) -> float:
    """Return the largest error of T_e, T_p and m ``(3, T)``."""
    apart = np.abs(got - exact).max(axis=1)
    return float(max(apart[0] / exact[0].max(), apart[1] / exact[0].max(), apart[2]))


# --- the reference ----------------------------------------------------------------------------------------------------


def reference(cut: bool = False) -> np.ndarray:
    """Return T_e, T_p and m ``(3, T)``; ``cut`` leaves out what ``simulation`` does."""
    from scipy.integrate import solve_ivp

    p, ps = PROBLEM, 1e-12
    width, center, t = p["duration"] / ps, p["center"] / ps, times() / ps
    height = p["energy"] * np.sqrt(4 * np.log(2) / np.pi) / p["duration"]

    def slopes(s: float, y: np.ndarray, on: float) -> list[float]:
        electrons, lattice, m = y.tolist()
        flow = p["coupling"] * (electrons - lattice)
        fed = on * height * 2.0 ** -((2 * (s - center) / width) ** 2)
        share = 1 - m / np.tanh(m * p["curie"] / electrons)
        flips = p["rate"] * m * lattice / p["curie"] * share
        return [(fed - flow) / (p["gamma"] * electrons) * ps, flow / p["capacity"] * ps, flips * ps]

    reach = WINDOW * width if cut else 3.5 * width
    edges = [0.0, center - reach, center, center + reach, t[-1]]
    if cut:
        edges[1] = t[t < edges[1]][-1]
    found = np.empty((3, RECORDS))
    state = found[:, 0] = p["cold"], p["cold"], start()
    for k, on in enumerate((0.0, 1.0, 1.0, 0.0) if cut else (1.0,) * 4):
        inside = (t > edges[k]) & (t <= edges[k + 1])
        asked = np.unique(np.append(t[inside], edges[k + 1]))
        settings = {"rtol": 2.3e-14, "atol": 1e-14, "max_step": 0.1 if k == 3 else width / 5, "args": (on,)}
        done = solve_ivp(slopes, edges[k : k + 2], state, "DOP853", t_eval=asked, **settings)
        found[:, inside], state = done.y[:, : inside.sum()], done.y[:, -1]
    return found


# --- the house --------------------------------------------------------------------------------------------------------


def house() -> np.ndarray:
    """Return T_e, T_p and m ``(3, T)``."""
    from spinlib.magnons.temperature_models import m3tm, two_temperature

    p = PROBLEM
    run = two_temperature(
        times(),
        electron_heat_coefficient=p["gamma"],
        lattice_heat_capacity=p["capacity"],
        electron_phonon_coupling=p["coupling"],
        absorbed_energy_density=p["energy"],
        pulse_duration=p["duration"],
        pulse_center=p["center"],
        initial_temperature=p["cold"],
    )
    m = m3tm(times(), run, run.lattice, rate=p["rate"], curie_temperature=p["curie"])
    return np.stack([run.electron_temperature, run.lattice_temperature, m])


# --- SciPy ------------------------------------------------------------------------------------------------------------


def equations() -> tuple[Any, Any]:
    """Return the right-hand side for odeint, of time in ps and T_e, T_p in K, plain and compiled."""
    import numba

    p, ps = PROBLEM, 1e-12
    width, center = p["duration"] / ps, p["center"] / ps
    height = p["energy"] * math.sqrt(4 * math.log(2) / math.pi) / p["duration"]
    coupling, gamma, capacity, rate, curie = (p[key] for key in ("coupling", "gamma", "capacity", "rate", "curie"))

    def plain(s: float, y: np.ndarray) -> list[float]:
        electrons, lattice, m = y.tolist()
        flow = coupling * (electrons - lattice)
        fed = height * 2.0 ** -((2 * (s - center) / width) ** 2)
        flips = rate * m * lattice / curie * (1 - m / math.tanh(m * curie / electrons))
        return [(fed - flow) / (gamma * electrons) * ps, flow / capacity * ps, flips * ps]

    @numba.njit
    def compiled(s: float, y: np.ndarray) -> np.ndarray:
        electrons, lattice, m = y[0], y[1], y[2]
        flow = coupling * (electrons - lattice)
        fed = height * 2.0 ** -((2 * (s - center) / width) ** 2)
        flips = rate * m * lattice / curie * (1 - m / math.tanh(m * curie / electrons))
        return np.array([(fed - flow) / (gamma * electrons) * ps, flow / capacity * ps, flips * ps])

    return plain, compiled


def odeint_codes(exact: np.ndarray, target: float) -> tuple[list[Code], tuple[str, float]]:
    """Return odeint with either right-hand side, and the limit: its calls of the compiled one in a bare loop."""
    import numba
    from scipy import __version__
    from scipy.integrate import odeint

    first, t = [PROBLEM["cold"], PROBLEM["cold"], start()], times() / 1e-12
    plain, compiled = equations()

    def run(slopes: Any, tolerance: float) -> Any:
        settings = {"tfirst": True, "rtol": tolerance, "atol": tolerance, "full_output": True}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of tolerances that it cannot reach, which are tried, too
            return odeint(slopes, first, t, **settings)

    @numba.njit
    def loop(count: int, y: np.ndarray) -> np.ndarray:
        for _ in range(count):
            y = y + 1e-16 * compiled(0.2, y)
        return y

    each = least_time(lambda: loop(10_000, np.array(first))) / 10_000
    stored("right-hand sides of the M3TM", each, "ns each", 1e-9)
    codes, calls = [], 0
    for form, slopes in (("plain", plain), ("compiled", compiled)):
        errors = [off(run(slopes, tolerance)[0].T, exact) for tolerance in ODEINT_TOLERANCES]
        place, name, note = first_within(errors, target), f"odeint of SciPy, {form}", "may step over the pulse"
        if place is None:
            codes.append(Code("", min(errors), None, name, "SciPy", __version__, "not with any tolerance", ROUNDING))
            continue
        tolerance = ODEINT_TOLERANCES[place]
        calls = int(run(slopes, tolerance)[1]["nfe"][-1])
        again = clock(partial(run, slopes, tolerance))
        codes.append(Code(f"tolerance {tolerance:.0e}", errors[place], again, name, "SciPy", __version__, note))
    return codes, ("right-hand sides of odeint", calls * each)


# --- the peer ---------------------------------------------------------------------------------------------------------


def peer_main() -> None:
    """Answer for udkm1Dsim; runs in the interpreter that has it."""
    from importlib.metadata import version

    import udkm1Dsim
    from udkm1Dsim.simulations.solvers.heat_scipy import solve

    warnings.simplefilter("ignore")
    p, u = PROBLEM, udkm1Dsim.u
    density, nanometre = 9000.0, 1e-9  # of no effect
    flow, curie = f"{p['coupling']!r}*(T_0-T_1)", repr(p["curie"])
    flips = f"{p['rate']!r}*T_2*T_1/{curie}*(1-T_2*(1+2/(exp(2*T_2*{curie}/T_0)-1)))"
    layer = udkm1Dsim.AmorphousLayer(
        "metal",
        "metal",
        thickness=nanometre * u.m,
        density=density * u.kg / u.m**3,
        atom=udkm1Dsim.Atom("Ni"),
        heat_capacity=[f"{p['gamma'] / density!r}*T", p["capacity"] / density, 1 / density],
        therm_cond=[0, 0, 0],
        sub_system_coupling=[f"-{flow}", flow, flips],
        lin_therm_exp=[0, 0, 0],
        sound_vel=1 * u.nm / u.ps,
        opt_pen_depth=1 * u.m,  # 1 J/m^2 heats by 1 J/m^3
    )
    structure = udkm1Dsim.Structure("metal")
    structure.add_sub_structure(layer, 1)
    first = np.array([[p["cold"], p["cold"], start()]])
    records = times()

    def simulation(options: dict[str, Any]) -> np.ndarray:
        heat = udkm1Dsim.Heat(structure, True, heat_diffusion=True)
        heat.save_data, heat.disp_messages, heat.progress_bar = False, False, False
        heat.distances = np.array([0.0, nanometre]) * u.m
        heat.excitation = {
            "fluence": [p["energy"]] * u.J / u.m**2,
            "delay_pump": [p["center"]] * u.s,
            "pulse_width": [p["duration"]] * u.s,
            "multilayer_absorption": False,
        }
        heat.boundary_conditions = {"bottom_type": "flux", "bottom_value": np.zeros(3) * u.W / u.m**2}
        heat.ode_options |= options
        return heat.get_temp_map(records * u.s, first)[0].T

    thermal = layer.thermal
    split = int(np.searchsorted(records, p["center"] + 3.5 * p["duration"]))

    def solver(options: dict[str, Any]) -> np.ndarray:
        state, parts = np.repeat(first, 2, axis=0), []
        shines = ([p["energy"]], [p["center"]], [p["duration"]])
        for asked, light in ((records[: split + 1], shines), (records[split:], ([], [], []))):
            found = solve(
                state,
                np.array([0.0, nanometre]),
                asked,
                light[1],
                light[2],
                light[0],
                [thermal.therm_cond.functional],
                [thermal.therm_cond.takes_temperature_vector],
                [thermal.heat_capacity.functional],
                [thermal.sub_system_coupling.functional],
                np.array([density]),
                np.zeros(2, dtype=int),
                np.ones(2),
                {"top_type": 0, "top_value": [], "bottom_type": 0, "bottom_value": []},
                options,
            )
            parts.append(found[1 if parts else 0 :, 0])
            state = found[-1]
        return np.concatenate(parts).T

    ways = {"simulation": simulation, "solver": solver}

    def answer(way: str, method: str, tolerance: float, temperatures: bool = False) -> dict[str, Any]:
        options, begin = {"method": method, "rtol": tolerance, "atol": tolerance}, time.perf_counter()
        found = ways[way](options)
        seconds = time.perf_counter() - begin
        return {"seconds": seconds} | ({"temperatures": found.tolist()} if temperatures else {})

    serve(version("udkm1Dsim"), answer)


@cache
def tried(peer: Peer, way: str) -> dict[str, list[tuple[np.ndarray, float]]]:
    """Return temperatures and seconds of all methods and tolerances."""
    answers: dict[str, list[tuple[np.ndarray, float]]] = {}
    for method in METHODS:
        asked = {"way": way, "method": method, "temperatures": True}
        got = [peer.ask(**asked, tolerance=tolerance) for tolerance in TOLERANCES]
        answers[method] = [(np.array(each["temperatures"]), each["seconds"]) for each in got]
    return answers


def best_of(peer: Peer, way: str, target: float, own: np.ndarray) -> Code:
    """Return the fastest method at its loosest tolerance, from errors and seconds by tolerance of all methods."""
    found, answers, name = [], tried(peer, way), f"udkm1Dsim, {way}"
    for method, given in answers.items():
        pairs = [(off(temperatures, own), seconds) for temperatures, seconds in given]
        first = first_within([error for error, _ in pairs], target)
        if first is not None:
            found.append((pairs[first][1], method, TOLERANCES[first], pairs[first][0]))
    if not found:
        least = min(off(temperatures, own) for given in answers.values() for temperatures, _ in given)
        return Code("", least, None, name, peer.title, peer.version, "not with any tolerance", ROUNDING)
    _, method, tolerance, error = min(found)
    run = peer.clock(way=way, method=method, tolerance=tolerance)
    note = "cuts the pulse off" if way == "simulation" else "is told when the pulse is over"
    return Code(f"{method}, tolerance {tolerance:.0e}", error, run, name, peer.title, peer.version, note)


def main() -> None:
    """Print the comparison as JSON."""
    exact, peer, rows = reference(), Peer("udkm1Dsim", __file__), []
    ours = Code("", off(house(), exact), clock(house))
    for target in TARGETS:
        codes, limit = odeint_codes(exact, target)
        for way, own in (("simulation", reference(cut=True)), ("solver", exact)):
            codes.append(answered(peer, f"udkm1Dsim, {way}", partial(best_of, peer, way, target, own)))
        rows += [row("nickel, 8 ps", target, ours, theirs, limit) for theirs in codes]
    name = "electrons, lattice and magnetisation after a laser pulse (M3TM)"
    error = "largest of the errors of both temperatures and of m"
    print_report(name, error, "SciPy's DOP853 at its finest tolerance", rows, packages=["scipy", "numba"])


if __name__ == "__main__":
    peer_main() if "--peer" in sys.argv else main()
