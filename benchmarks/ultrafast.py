"""Electrons and magnons after a heat pulse, alone and beside a normal metal: time to a stated error.

One thread. ``demagnetization`` is a run of KK Fig. 6: 100 K to 1000 K in 50 fs, back in 2 ps, 801 records within 8 ps,
16 and 32 energies. The error is the largest one of mu_s and of n_d as a share of their largest values, in time alone:
everyone has the same energies. The reference is DOP853 of SciPy at its finest tolerance, from kink to kink.

``bilayer`` is such a magnet of 5 nm on 20 nm of a metal like platinum, both heated, 201 records within 2 ps, 24
energies; the error is that of mu_s, n_d and mu_N at the interface. The reference is ``odeint`` of SciPy at its finest
tolerance on 96 modes.

Everyone is asked for the loosest tolerance from which on the error stays below the target. SciPy is given all that
helps it: units in which all unknowns are of order one, a restart at each kink, the analytic Jacobian where it takes
one, and its right-hand sides in two forms: ``numpy``, vectorised, and ``compiled`` by numba. ``odeint`` is LSODA
without Python between its steps. Beside the metal the peers are ``modal``, the house's own modes handed to SciPy's
solvers, and ``volumes``, cells that widen away from the interface, of second order, about as few as reach the target.

The house samples the temperature in a few calls with many times each and makes some twenty steps of order 13 for all
of Figure 6 in one kernel; checking, sampling and setting up take as long. With right-hand side, Jacobian and
temperature compiled by the user, ``odeint`` is its equal: Figure 6 is hardly stiff, and for 17 or 33 unknowns its steps
cost microseconds.

The limit is the right-hand sides of the ``odeint`` that reaches the target, as many as it counts, one after the other
in a compiled loop. Beside the metal two of the bulk are counted for each, one for either spin accumulation, and nothing
for the metal.
"""

import os
from collections.abc import Callable
from functools import cache
from math import exp, inf
from typing import Any

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numba
import numpy as np
from _limits import stored
from _timing import ONCE, ROUNDING, Code, clock, first_within, least_time, print_report, row, scaling
from scipy import __version__ as scipy_version
from scipy.integrate import odeint, solve_ivp

TARGET, BILAYER_TARGET = 1e-8, 1e-5
MEV, NM, PS, K_B, HBAR = 1.602176634e-22, 1e-9, 1e-12, 8.617333262e-2, 0.6582119569  # meV/K, meV ps
GAP, STIFFNESS, EDGE = 5.0, 0.6, K_B * 1000  # meV, meV nm^2, meV
RHO, TAU = -6.0, 2.0  # meV nm^3, ps
KINK, DECAY, LOW, HIGH = 0.05, 2.0, 100.0, 1000.0
RECORDS = np.linspace(0, 8, 801)
LAYER, BILAYER_RECORDS = 5.0, np.linspace(0, 2, 201)  # nm
MIXING, MODES_PER_VOLUME = 20.0, ((EDGE - GAP) / STIFFNESS) ** 1.5 / (6 * np.pi**2)
DIFFUSIVITY, TAU_N, RHO_N, DEPTH = 200.0, 0.02, -27.0, 20.0
GAMMA_I = MIXING / (np.pi * MODES_PER_VOLUME)  # nm


def temperature(t: float) -> float:
    """Return k_B T [meV] at t [ps]; its kink ends a piece."""
    if t < KINK:
        return K_B * (LOW + (HIGH - LOW) * t / KINK)
    return K_B * (LOW + (HIGH - LOW) * exp(-(t - KINK) / DECAY))


def nodes(points: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return energies [meV], weights [1/nm^3] and Gamma/hbar [1/(meV ps)]."""
    q, share = np.polynomial.legendre.leggauss(points)
    q = (1 + q) / 2
    gamma = 0.02 + 0.1 * q**2
    return GAP + (EDGE - GAP) * q**2, 1.5 * MODES_PER_VOLUME * q**2 * share, gamma / HBAR


def emission(x: np.ndarray, theta: float) -> np.ndarray:
    """Return x n_BE(x)."""
    y = x / theta
    y[np.abs(y) < 1e-9] = 1e-9
    return theta * y / np.expm1(y)


def emission_slope(x: np.ndarray, theta: float) -> np.ndarray:
    """Return the derivative of x n_BE(x)."""
    y = x / theta
    y[np.abs(y) < 1e-5] = 1e-5
    n = 1 / np.expm1(y)
    return n - y * n * (1 + n)


def worst(found: list[np.ndarray], exact: list[np.ndarray]) -> float:
    """Return the largest error, each array as a share of its largest value."""
    if any(mine.shape != true.shape for mine, true in zip(found, exact, strict=True)):
        return inf
    return max(float(np.abs(mine - true).max() / np.abs(true).max()) for mine, true in zip(found, exact, strict=True))


# --- the bulk ---------------------------------------------------------------------------------------------------------


@cache
def bulk(points: int, compiled: bool) -> tuple[np.ndarray, np.ndarray, Any, Any]:
    """Return the start, the weights, dy/dt and its Jacobian for y = (n, mu_s)."""
    energy, weight, gamma = nodes(points)
    start = np.append(1 / np.expm1(energy / (K_B * LOW)), 0.0)

    def rate(t: float, y: np.ndarray) -> np.ndarray:
        x = energy - y[-1]
        change = np.empty_like(y)
        change[:-1] = gamma * (emission(x, temperature(t)) - x * y[:-1])
        change[-1] = RHO * (weight @ change[:-1]) - y[-1] / TAU
        return change

    def jacobian(t: float, y: np.ndarray) -> np.ndarray:
        x = energy - y[-1]
        matrix = np.zeros((points + 1, points + 1))
        loss, climb = -gamma * x, gamma * (y[:-1] - emission_slope(x, temperature(t)))
        matrix.flat[: -1 : points + 2] = loss
        matrix[:-1, -1] = climb
        matrix[-1, :-1] = RHO * weight * loss
        matrix[-1, -1] = RHO * (weight @ climb) - 1 / TAU
        return matrix

    if not compiled:
        return start, weight, rate, jacobian
    kelvin = numba.njit(temperature)

    @numba.njit
    def fast_rate(t: float, y: np.ndarray) -> np.ndarray:
        change, theta, total = np.empty_like(y), kelvin(t), 0.0
        for j in range(points):
            x = energy[j] - y[points]
            z = x / theta if abs(x / theta) > 1e-9 else 1e-9
            change[j] = gamma[j] * (theta * z / np.expm1(z) - x * y[j])
            total += weight[j] * change[j]
        change[points] = RHO * total - y[points] / TAU
        return change

    @numba.njit
    def fast_jacobian(t: float, y: np.ndarray) -> np.ndarray:
        matrix, theta = np.zeros((points + 1, points + 1)), kelvin(t)
        matrix[points, points] = -1 / TAU
        for j in range(points):
            x = energy[j] - y[points]
            z = x / theta if abs(x / theta) > 1e-5 else 1e-5
            n = 1 / np.expm1(z)
            climb = gamma[j] * (y[j] - n + z * n * (1 + n))
            matrix[j, j] = -gamma[j] * x
            matrix[j, points] = climb
            matrix[points, j] = -RHO * weight[j] * gamma[j] * x
            matrix[points, points] += RHO * weight[j] * climb
        return matrix

    return start, weight, fast_rate, fast_jacobian


def solve(
    method: str, rate: Any, jacobian: Any, start: np.ndarray, records: np.ndarray, tolerance: float
) -> np.ndarray:
    """Return y ``(T, ...)`` at the records; the kink is one of them."""
    first = records <= KINK
    y, found = start, [start[None]]
    for piece in (records[first], records[records >= KINK]):
        if method.startswith("odeint"):
            with_jacobian = jacobian if method == "odeint_jacobian" else None
            part = odeint(
                rate, y, piece, Dfun=with_jacobian, tfirst=True, rtol=tolerance, atol=tolerance, mxstep=100_000,
                tcrit=piece[-1:],
            )  # fmt: skip
            part = part[1:]
        else:
            name, _, with_jacobian = method.partition("_")
            extra = {"jac": jacobian} if with_jacobian else {}
            part = solve_ivp(
                rate, (piece[0], piece[-1]), y, method=name, t_eval=piece[1:], rtol=tolerance, atol=tolerance, **extra
            ).y.T
        if not len(part):
            return np.empty((0, len(start)))
        y = part[-1]
        found.append(part)
    return np.concatenate(found)


METHODS = ["odeint", "LSODA"] if ONCE else ["odeint", "odeint_jacobian", "LSODA", "LSODA_jacobian", "DOP853"]


def cheapest(
    name: str,
    methods: list[str],
    system: tuple[np.ndarray, Any, Any],
    records: np.ndarray,
    read: Callable[[np.ndarray], list[np.ndarray]],
    exact: list[np.ndarray],
    target: float,
    note: str = "",
) -> Code:
    """Return the fastest method, each at the loosest tolerance that reaches the target, as the two finer ones do."""
    start, rate, jacobian = system
    found: list[tuple[float, str, float, float]] = []
    least = inf
    for method in methods:
        errors: list[float] = []
        settings: list[float] = []
        while len(settings) < 12 and (len(errors) < 3 or max(errors[-3:]) > target):
            settings.append(10 * target * 10.0 ** (-len(settings) / 2))
            errors.append(worst(read(solve(method, rate, jacobian, start, records, settings[-1])), exact))
        first, least = first_within(errors, target), min(least, *errors)
        if first is not None:
            run = clock(lambda method=method, rtol=settings[first]: solve(method, rate, jacobian, start, records, rtol))
            found.append((run(), method, settings[first], errors[first]))
    if not found:
        return Code("", least, None, name, "SciPy", scipy_version, "not with any tolerance", ROUNDING)
    _, method, rtol, error = min(found)
    again = clock(lambda: solve(method, rate, jacobian, start, records, rtol))
    return Code(f"{method.replace('_', ' with ')}, rtol {rtol:.0e}", error, again, name, "SciPy", scipy_version, note)


@cache
def bare_seconds(points: int) -> float:
    """Return the seconds of one right-hand side of the bulk in a compiled loop of dependent calls."""
    start, _, rate, _ = bulk(points, compiled=True)

    @numba.njit
    def loop(count: int, y: np.ndarray) -> np.ndarray:
        for _ in range(count):
            y = y + 1e-16 * rate(0.1, y)
        return y

    each = least_time(lambda: loop(1_000, start)) / 1_000
    return stored(f"right-hand sides of {points} energies", each, "ns each", 1e-9)


def calls(system: tuple[np.ndarray, Any, Any], records: np.ndarray, code: Code) -> int:
    """Return how many right-hand sides ``odeint`` needs at the tolerance chosen for it."""
    start, rate, jacobian = system
    counted = [0]

    def counting(t: float, y: np.ndarray) -> np.ndarray:
        counted[0] += 1
        return rate(t, y)

    method, _, rtol = code.setting.partition(", rtol ")
    solve(method.replace(" with ", "_"), counting, jacobian, start, records, float(rtol))
    return counted[0]


def house_bulk() -> tuple[Any, Any]:
    """Return the ferromagnet and the pulse of the house."""
    from spinlib.magnons.band import MagnonBand
    from spinlib.magnons.kinetics import Ferromagnet
    from spinlib.magnons.temperature_models import TemperaturePulse

    band = MagnonBand(GAP * MEV, STIFFNESS * MEV * NM**2, EDGE * MEV)
    metal = Ferromagnet(band, 0.01, 0.1, RHO * MEV * NM**3, TAU * PS)
    return metal, TemperaturePulse(LOW, HIGH, KINK * PS, DECAY * PS)


def demagnetization(points: int) -> list[dict[str, Any]]:
    """Return the rows for one number of energies."""
    from spinlib.magnons.kinetics import simulate_demagnetization

    start, weight, rate, jacobian = bulk(points, compiled=True)

    def read(y: np.ndarray) -> list[np.ndarray]:
        return [y[:, -1], y[:, :-1] @ weight]

    exact = read(solve("DOP853", rate, jacobian, start, RECORDS, 1e-13))
    metal, pulse = house_bulk()

    def run(rtol: float) -> Any:
        return simulate_demagnetization(metal, pulse, RECORDS * PS, points=points, rtol=rtol)

    def error(result: Any) -> float:
        return worst([result.spin_accumulation / MEV, result.magnon_density * NM**3], exact)

    settings = [10.0 ** (-k / 2) for k in range(4, 21)]
    errors = [error(run(rtol)) for rtol in settings]
    best = first_within(errors, TARGET)
    assert best is not None
    ours = Code(f"rtol {settings[best]:.0e}", errors[best], clock(lambda: run(settings[best])))
    rows = []
    for form in ("NumPy", "compiled"):
        system = start, *bulk(points, compiled=form == "compiled")[2:]
        for family in ("odeint", "solve_ivp"):
            methods = [method for method in METHODS if method.startswith("odeint") is (family == "odeint")]
            name = f"{family} of SciPy, {form}"
            note = "rate, Jacobian and pulse compiled by hand" if form == "compiled" else "rate and Jacobian by hand"
            theirs = cheapest(name, methods, system, RECORDS, read, exact, TARGET, note)
            if form == "NumPy" and family == "odeint":
                limit = ("right-hand sides of odeint", calls(system, RECORDS, theirs) * bare_seconds(points))
            rows.append(row(f"KK Fig. 6, {points} energies", TARGET, ours, theirs, limit))
    return rows


# --- beside a normal metal --------------------------------------------------------------------------------------------


def beside(points: int, inside: Callable, transport: np.ndarray, feed: np.ndarray) -> tuple[Any, Any, Any]:
    """Return start, dy/dt and Jacobian for y = (n, mu_s, c): dc/dt = transport c + feed (I_i/hbar), mu_0 = inside(...).

    ``inside(c, n, theta)`` returns mu_0 and the derivatives of it with respect to n and c.
    """
    energy, weight, gamma = nodes(points)
    gamma_i = GAMMA_I / HBAR
    start = np.concatenate([1 / np.expm1(energy / (K_B * LOW)), np.zeros(1 + len(feed))])

    def rate(t: float, y: np.ndarray) -> np.ndarray:
        theta, n, mu, c = temperature(t), y[:points], y[points], y[points + 1 :]
        x, x_0 = energy - mu, energy - inside(c, n, theta)[0]
        own = gamma * (emission(x, theta) - x * n)
        other = gamma_i * (emission(x_0, theta) - x_0 * n)
        change = np.empty_like(y)
        change[:points] = own + other / LAYER
        change[points] = RHO * (weight @ own) - mu / TAU
        change[points + 1 :] = transport @ c + feed * (weight @ other)
        return change

    def jacobian(t: float, y: np.ndarray) -> np.ndarray:
        theta, n, mu, c = temperature(t), y[:points], y[points], y[points + 1 :]
        mu_0, by_n, by_c = inside(c, n, theta)
        x, x_0 = energy - mu, energy - mu_0
        loss, climb = -gamma * x, gamma * (n - emission_slope(x, theta))
        loss_0, climb_0 = -gamma_i * x_0, gamma_i * (n - emission_slope(x_0, theta))
        matrix = np.zeros((len(y), len(y)))
        matrix[:points, :points] = np.outer(climb_0 / LAYER, by_n) + np.diag(loss + loss_0 / LAYER)
        matrix[:points, points] = climb
        matrix[:points, points + 1 :] = np.outer(climb_0 / LAYER, by_c)
        matrix[points, :points] = RHO * weight * loss
        matrix[points, points] = RHO * (weight @ climb) - 1 / TAU
        matrix[points + 1 :, :points] = np.outer(feed, weight * loss_0 + (weight @ climb_0) * by_n)
        matrix[points + 1 :, points + 1 :] = transport + np.outer(feed, (weight @ climb_0) * by_c)
        return matrix

    return start, rate, jacobian


def modal(points: int, modes: int) -> tuple[Any, Any, Any, Callable]:
    """Return the system in modes: mu_0 = out c."""
    from spinlib.magnons.interface import NormalMetal, _diffusion_modes

    metal = NormalMetal(DIFFUSIVITY * NM**2 / PS, TAU_N * PS, -2 / (RHO_N * MEV * NM**3), DEPTH * NM)
    depth, _, _, _, out, decay = _diffusion_modes(metal, modes, 1.0)
    nothing = np.zeros(points)
    parts = beside(points, lambda c, *_: (out @ c, nothing, out), -np.diag(decay * PS), RHO_N * out / (depth / NM))
    _, weight, _ = nodes(points)

    def read(y: np.ndarray) -> list[np.ndarray]:
        return [y[:, points], y[:, :points] @ weight, y[:, points + 1 :] @ out]

    return *parts, read


def volumes(points: int, cells: int) -> tuple[Any, Any, Any, Callable]:
    """Return the system in cells: mu_0 is the root of the current through the first half cell."""
    energy, weight, _ = nodes(points)
    gamma_i = GAMMA_I / HBAR
    length = (DIFFUSIVITY * TAU_N) ** 0.5
    edges = length * np.sinh(np.linspace(0, np.arcsinh(DEPTH / length), cells + 1))
    width, centre = np.diff(edges), (edges[1:] + edges[:-1]) / 2
    between, half = DIFFUSIVITY / np.diff(centre), DIFFUSIVITY / centre[0]
    transport = np.zeros((cells, cells))
    for k, flow in enumerate(between):
        transport[k, k : k + 2] += np.array([-flow, flow]) / width[k]
        transport[k + 1, k : k + 2] += np.array([flow, -flow]) / width[k + 1]
    transport -= np.eye(cells) / TAU_N
    feed = np.zeros(cells)
    feed[0] = RHO_N / width[0]
    by_c = np.zeros(cells)
    last = [0.0]

    def inside(c: np.ndarray, n: np.ndarray, theta: float) -> tuple[float, np.ndarray, np.ndarray]:
        mu = last[0]
        for _ in range(50):
            x = energy - mu
            loss, climb = -gamma_i * x, gamma_i * (n - emission_slope(x, theta))
            slope = half - RHO_N * (weight @ climb)
            step = (half * (mu - c[0]) - RHO_N * (weight @ (gamma_i * emission(x, theta) + loss * n))) / slope
            mu -= step
            if abs(step) < 1e-11 * (1 + abs(mu)):
                break
        last[0] = mu
        by_c[0] = half / slope
        return mu, RHO_N * weight * loss / slope, by_c

    parts = beside(points, inside, transport, feed)

    def read(y: np.ndarray) -> list[np.ndarray]:
        at_0 = [
            inside(row[points + 1 :], row[:points], temperature(t))[0]
            for t, row in zip(BILAYER_RECORDS, y, strict=True)
        ]
        return [y[:, points], y[:, :points] @ weight, np.array(at_0)]

    return *parts, read


def house_bilayer(points: int = 24, modes: int = 48, rtol: float = 1e-8, records: np.ndarray = BILAYER_RECORDS) -> Any:
    """Return a run of the house."""
    from spinlib.magnons.interface import MagnonInterface, NormalMetal, simulate_bilayer
    from spinlib.units import e2_over_h

    metal, pulse = house_bulk()
    face = MagnonInterface(MIXING * e2_over_h / NM**2, metal.band.mode_density)
    sink = NormalMetal(DIFFUSIVITY * NM**2 / PS, TAU_N * PS, -2 / (RHO_N * MEV * NM**3), DEPTH * NM)
    return simulate_bilayer(
        metal, face, sink, LAYER * NM, pulse, pulse, records * PS, points=points, modes=modes, rtol=rtol
    )


def bilayer(points: int = 24) -> list[dict[str, Any]]:
    """Return the rows for the bilayer."""
    start, rate, jacobian, read = modal(points, 96)
    exact = read(solve("odeint_jacobian", rate, jacobian, start, BILAYER_RECORDS, 1e-12))

    def error(run: Any) -> float:
        found = run.spin_accumulation / MEV, run.magnon_density * NM**3, run.interface_spin_accumulation / MEV
        return worst(list(found), exact)

    candidates = []
    for modes, rtol in [(modes, 10.0**-k) for modes in ((12,) if ONCE else (8, 12, 16, 24)) for k in range(1, 6)]:
        reached = error(house_bilayer(points, modes, rtol))
        if reached <= BILAYER_TARGET:
            seconds = min(clock(lambda m=modes, r=rtol: house_bilayer(points, m, r))() for _ in range(3))
            candidates.append((seconds, modes, rtol, reached))
    _, modes, rtol, reached = min(candidates)
    ours = Code(f"{modes} modes, rtol {rtol:.0e}", reached, clock(lambda: house_bilayer(points, modes, rtol)))
    *system, read = modal(points, modes)
    families = {
        "odeint": ["odeint_jacobian"],
        "solve_ivp": ["LSODA_jacobian"] if ONCE else ["LSODA_jacobian", "BDF_jacobian", "Radau_jacobian"],
    }
    peers = [
        cheapest(f"{family} of SciPy, modes", methods, tuple(system), BILAYER_RECORDS, read, exact, BILAYER_TARGET)
        for family, methods in families.items()
    ]
    needed = 2 * calls(tuple(system), BILAYER_RECORDS, peers[0]) * bare_seconds(points)
    cells = 250
    while not ONCE:
        start, rate, jacobian, read = volumes(points, cells)
        found = worst(read(solve("odeint_jacobian", rate, jacobian, start, BILAYER_RECORDS, 1e-8)), exact)
        if found <= 0.9 * BILAYER_TARGET:
            name, fast = f"odeint of SciPy, {cells} cells", ["odeint_jacobian"]
            system = [start, rate, jacobian]
            peers.append(cheapest(name, fast, tuple(system), BILAYER_RECORDS, read, exact, BILAYER_TARGET))
            break
        cells = int(cells * max(1.1, 1.05 * (found / BILAYER_TARGET) ** 0.5))
    limit = ("right-hand sides of odeint", needed)
    return [row("5 nm beside platinum", BILAYER_TARGET, ours, theirs, limit) for theirs in peers]


def main() -> None:
    """Print the comparison as JSON."""
    from spinlib.magnons.kinetics import simulate_demagnetization

    metal, pulse = house_bulk()
    rows = [each for points in ((16,) if ONCE else (16, 32)) for each in demagnetization(points)]
    growth = [
        scaling(
            "KK Fig. 6",
            "energies",
            (64, 256, 1024, 4096),
            lambda points: lambda: simulate_demagnetization(metal, pulse, RECORDS * PS, points=points),
            1.0,
            above="recorded densities of many energies do not fit into the caches",
            below="calls cost more than the arithmetic of few energies",
        ),
        scaling(
            "5 nm beside platinum",
            "modes",
            (48, 96, 192),
            lambda n: lambda: house_bilayer(modes=n),
            1.0,
            above="eigenvalues for many modes cost the third power",
            below="calls cost more than the arithmetic of few modes",
        ),
    ]
    name, error = "electrons and magnons after a heat pulse", "largest error of mu_s, n_d and mu_N over their largest"
    solved = "DOP853 and odeint of SciPy at their finest tolerances"
    print_report(name, error, solved, rows + bilayer(), growth, packages=["scipy", "numba"])


if __name__ == "__main__":
    main()
