"""Spin accumulation of two magnets across each other, 100 nm each: time to a stated error of m.

The law is RHP (75) as printed, with M = tanh(|x|/0.6 nm) towards -z on the left and -y on the right; one thread. Two
media: ``resonant``, the set of the paper with its angle of precession of 100 rad, 124 waves that decay over 48 nm, and
``realistic``, an angle of 0.46 rad, waves of 18 nm that decay over 4.5 nm.

The error is the largest one of m at 400 places, as a share of the largest component; the time is that of the solution
on its own mesh. The reference is not the solver: beside its own M each magnet has one complex and one real equation of
second order, whose Taylor series of 26 terms from its end to the interface, in steps of 1/8 nm and extended precision,
leave 18 digits; at the interface one real number joins them.

The house solves on a mesh that resolves every wave and on half as many cells, so its first answer is good to 1e-10,
whatever was asked. Peers need many cells to resolve the waves of the resonant magnets, more if they have to find their
mesh. On the realistic magnets few cells are enough for everyone: a peer that is told its mesh can be ahead there. It
does not know its error then; the house makes two solutions, has far more digits than are asked, and spends its time on
small matrices of few cells, call by call.

Everyone is asked for the cheapest setting from which on the error stays below the target:
``solve_bvp`` of SciPy: m and j in units in which they are alike, all six unknowns on one interval with a node at the
interface, the Jacobians given; once on ``equal steps``, a mesh so fine that it never asks for another, and once on its
``own mesh``, which it refines from 2001 nodes, 16 a wave, for tolerances by decades;
``volumes``: conservative finite volumes of second order with the current eliminated, one LAPACK call for the banded
matrix. Errors fall with the square of the number of cells; it is taken to 400 000 of them.

The limit is the rate of real matrix products, for the work of the method that the house uses. Counted are the dense
operations of a cell in the last mesh and in the half as fine one before it: 2 x 12^3 for the product of the two
integrals, as many for the inverse, and 3 products of 12 x 12 and 2 of 3 x 12 with 7 columns: 13 kflop a cell.
"""

import os
import warnings
from typing import Any

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
from _limits import dgemm_rate
from _timing import ONCE, TIMED, UNTRIED, Code, clock, first_within, print_report, row, scaling
from scipy import __version__ as scipy_version

TARGETS = (1e-4, 1e-6) if ONCE else (1e-6, 1e-8)
MOST_CELLS = 40_000 if ONCE else 400_000
FLOP_OF_A_CELL = 2 * 2 * 12**3 + 2 * 7 * (3 * 12 * 12 + 2 * 3 * 12)
PLACES = 400
NM, PS, EV = 1e-9, 1e-12, 1.602176634e-19
HALF, WIDTH = 100 * NM, 0.6 * NM
DIRECTIONS = np.array([[0.0, 0.0, -1.0], [0.0, -1.0, 0.0]])
CENTRES = (np.arange(PLACES) + 0.5) * 2 * HALF / PLACES - HALF


def media() -> dict[str, Any]:
    """Return the two media."""
    from spinlib.accumulation import DiffusiveMedium
    from spinlib.units import hbar

    return {
        "resonant": DiffusiveMedium(1e-3, 10 * PS, 100 * hbar / (0.1 * EV), 0.1 * EV),
        "realistic": DiffusiveMedium(1e-3, 10 * PS, 0.003 * PS, 0.1 * EV),
    }


def magnetization(x: np.ndarray) -> np.ndarray:
    """Return M ``(n, 3)``."""
    return np.tanh(np.abs(x) / WIDTH)[:, None] * DIRECTIONS[(x > 0).astype(int)]


def cross(vectors: np.ndarray) -> np.ndarray:
    """Return the matrices of v x, ``(n, 3, 3)``."""
    found = np.zeros((len(vectors), 3, 3))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        found[:, k, j], found[:, j, k] = vectors[:, i], -vectors[:, i]
    return found


def off(m: np.ndarray, exact: np.ndarray) -> float:
    """Return the largest error of m as a share of its largest component."""
    return float(np.abs(m - exact).max() / np.abs(exact).max())


# --- the reference ----------------------------------------------------------------------------------------------------


def series(medium: Any) -> list[np.ndarray]:
    """Return six functions at x = 0 and at the places of one magnet, from 0 outwards.

    They are m and j: across M (complex, m_x + i m_y), along it without sources, and along it with them. The first two m
    vanish at the end, the last one is M there.
    """
    wide, real = np.clongdouble, np.longdouble
    tau, lost, d = real(medium.momentum_time), 1 / real(medium.spin_relaxation_time), real(medium.diffusivity)
    field, width, terms, step = real(medium.exchange_frequency), real(WIDTH), 26, real(HALF) / 800
    last = np.tanh(real(HALF) / width)
    now = [wide(0), wide(d / step), wide(0), wide(d / step), wide(last), wide(0)]
    kept = [now]
    powers = step ** np.arange(terms + 1)
    for k in range(800):
        # In u = distance from the end of the step, towards the interface: d/du = -d/dx.
        f = np.zeros(terms + 1, dtype=wide)
        f[0] = np.tanh((real(HALF) - k * step) / width)
        rows = [np.zeros(terms + 1, dtype=wide) for _ in range(6)]
        for each, value in zip(rows, now, strict=True):
            each[0] = value
        m, j, p, i, q, g = rows
        for n in range(terms):
            back, whole = f[n::-1], n + 1
            f[whole] = -((n == 0) - f[: n + 1] @ back) / width / whole
            m[whole] = (j[n] + 1j * field * tau * (j[: n + 1] @ back)) / d / whole
            j[whole] = (lost * m[n] + 1j * field * (m[: n + 1] @ back)) / whole
            p[whole], i[whole] = i[n] / d / whole, lost * p[n] / whole
            q[whole], g[whole] = g[n] / d / whole, lost * (q[n] - f[n]) / whole
        now = [row @ powers for row in rows]
        kept.append(now)
    at_interface, at_places = kept[-1], kept[-3::-4]
    return [np.array([each[k] for each in [at_interface, *at_places]]) for k in range(6)]


def reference(medium: Any) -> np.ndarray:
    """Return m at the places ``(400, 3)``.

    Half a turn about s, half way between the two M, swaps the magnets: m(0) = mu s, and no current flows along s.
    """
    u, flow, homogeneous, its_current, particular, current = series(medium)
    s = DIRECTIONS.sum(axis=0).astype(np.longdouble)
    s /= np.sqrt(s @ s)
    along = s @ DIRECTIONS[1]
    by_end = (its_current / homogeneous[0])[0].real
    mu = along * (particular[0].real * by_end - current[0].real)
    mu /= along**2 * by_end + (1 - along**2) * (flow[0] / u[0]).real
    sides = []
    for n, turn in ((DIRECTIONS[0], -1), (DIRECTIONS[1], 1)):
        first = s - along * n
        second = np.cross(n, first)
        across = mu * u / u[0]
        part = particular.real + (mu * along - particular[0].real) * (homogeneous / homogeneous[0]).real
        m = part[:, None] * n + across.real[:, None] * first + across.imag[:, None] * second
        sides.append(m[1:][::turn])
    return np.concatenate(sides).astype(float)


# --- the house --------------------------------------------------------------------------------------------------------


def house(medium: Any, rtol: float) -> Any:
    """Return what ``solve_accumulation`` finds."""
    from spinlib.accumulation import solve_accumulation

    return solve_accumulation(structure(medium), rtol=rtol)


def ours_at(medium: Any, exact: np.ndarray) -> tuple[list[Code], list[float]]:
    """Return the house for each target, and the seconds that its counted operations take as matrix products."""
    tolerances = [10.0**-k for k in range(10)]
    results = [house(medium, rtol) for rtol in tolerances]
    errors = [off(result.at(CENTRES)[0], exact) for result in results]
    codes, least = [], []
    for target in TARGETS:
        first = first_within(errors, target)
        assert first is not None
        run = clock(lambda rtol=tolerances[first]: house(medium, rtol))
        cells = len(results[first].position) - 1
        codes.append(Code(f"rtol {tolerances[first]:.0e}, {cells} cells", errors[first], run))
        least.append(1.5 * cells * FLOP_OF_A_CELL / dgemm_rate())
    return codes, least


def structure(medium: Any) -> Any:
    """Return the two magnets."""
    from spinlib.accumulation import bilayer

    return bilayer(medium, *DIRECTIONS, HALF, HALF, interface_width=WIDTH, exchange_force=False)


# --- SciPy ------------------------------------------------------------------------------------------------------------


def collocation(medium: Any, exact: np.ndarray) -> list[list[Code]]:
    """Return for each target the cheapest use of ``solve_bvp`` on either mesh."""
    from scipy.integrate import solve_bvp

    length, tau, lost = medium.spin_diffusion_length, medium.momentum_time, 1 / medium.spin_relaxation_time
    field = medium.exchange_frequency
    # m'' is of the order (1 + a)(1 + w) m/l^2: this makes m and the scaled current alike.
    unit = np.sqrt((1 + field * tau) / (1 + field / lost))

    def jacobian(x: np.ndarray, _: np.ndarray) -> np.ndarray:
        turn = np.moveaxis(field * cross(magnetization(x * length)), 0, -1)
        matrix = np.zeros((6, 6, len(x)))
        matrix[:3, 3:] = -(np.eye(3)[..., None] + tau * turn) / unit
        matrix[3:, :3] = -(np.eye(3)[..., None] + turn / lost) * unit
        return matrix

    def rate(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        M = magnetization(x * length).T
        turn = field * np.cross(M, y[:3], axis=0)
        flow = y[3:] + tau * field * np.cross(M, y[3:], axis=0)
        return np.vstack([-flow / unit, (M - y[:3] - turn / lost) * unit])

    edges = magnetization(np.array([-HALF, HALF]))
    picks = np.hstack([np.eye(3), np.zeros((3, 3))])
    at_ends = np.vstack([picks, 0 * picks]), np.vstack([0 * picks, picks])

    def run(nodes: int, tol: float) -> Any:
        x = np.linspace(-HALF / length, HALF / length, nodes)
        return solve_bvp(
            rate,
            lambda a, b: np.concatenate([a[:3] - edges[0], b[:3] - edges[1]]),
            x,
            np.zeros((6, nodes)),
            fun_jac=jacobian,
            bc_jac=lambda *_: at_ends,
            tol=tol,
            max_nodes=MOST_CELLS,
        )

    settings = {
        "equal steps": [(round(100 * 2 ** (k / 2)) * 2 + 1, 0.1) for k in range(2, 8 if ONCE else 20)],
        "own mesh": [(2001, 10.0**-k) for k in range(1, 2 if ONCE else 10)],
    }
    found: list[list[Code]] = [[] for _ in TARGETS]
    for mesh, pairs in settings.items():
        errors: list[float] = []
        for nodes, tol in pairs:
            errors.append(off(run(nodes, tol).sol(CENTRES / length)[:3].T, exact))
            if errors[-1] <= min(TARGETS):
                break
        for codes, target in zip(found, TARGETS, strict=True):
            first = first_within(errors, target)
            name = f"solve_bvp of SciPy, {mesh}"
            note = "is told its mesh" if mesh == "equal steps" else "told how many nodes it needs"
            if first is None:
                why = f"not within {len(errors)} refinements"
                codes.append(Code("", min(errors), None, name, "SciPy", scipy_version, why, UNTRIED))
                continue
            nodes, tol = pairs[first]
            again = clock(lambda nodes=nodes, tol=tol: run(nodes, tol))
            setting = f"{nodes} nodes at first, tol {tol:.0e}"
            codes.append(Code(setting, errors[first], again, name, "SciPy", scipy_version, note))
    return found


# --- finite volumes ---------------------------------------------------------------------------------------------------


def volumes(medium: Any, exact: np.ndarray) -> list[Code]:
    """Return the smallest number of cells for each target."""
    from scipy.linalg import solve_banded

    tau, lost, field, d = (
        medium.momentum_time,
        1 / medium.spin_relaxation_time,
        medium.exchange_frequency,
        medium.diffusivity,
    )

    def run(cells: int) -> np.ndarray:
        h = 2 * HALF / cells
        x = (np.arange(cells) + 0.5) * h - HALF
        # A face joins two half cells: their resistances 1 + tau H x add. At the ends there is one.
        halves = [h / 2 / d * (np.eye(3) + tau * field * cross(magnetization(x + side * h / 4))) for side in (-1, 1)]
        faces = np.zeros((cells + 1, 3, 3))
        faces[:-1] += halves[0]
        faces[1:] += halves[1]
        flow = np.linalg.inv(faces)
        M = magnetization(x)
        middle = flow[:-1] + flow[1:] + h * (lost * np.eye(3) + field * cross(M))
        right = h * lost * M
        right[0] += flow[0] @ magnetization(np.array([-HALF]))[0]
        right[-1] += flow[-1] @ magnetization(np.array([HALF]))[0]
        band = np.zeros((11, 3 * cells))
        for shift, blocks in ((-1, -flow[1:-1]), (0, middle), (1, -flow[1:-1])):
            for p in range(3):
                for q in range(3):
                    columns = slice(3 * max(shift, 0) + q, 3 * cells + 3 * min(shift, 0), 3)
                    band[5 - 3 * shift + p - q, columns] = blocks[:, p, q]
        return solve_banded((5, 5), band, right.ravel(), overwrite_ab=True, check_finite=False).reshape(-1, 3)

    def error(factor: int) -> float:
        return off(run(PLACES * factor)[factor // 2 :: factor], exact)

    found: list[Code] = []
    factor = 5  # odd: the places are centres of cells
    for target in TARGETS:
        reached = error(factor)
        while reached > target and PLACES * factor < MOST_CELLS:
            wanted = factor * max(1.1, 1.02 * (reached / target) ** 0.5)
            factor = min(int(wanted), MOST_CELLS // PLACES) // 2 * 2 + 1
            reached = error(factor)
        cells = PLACES * factor
        again = clock(lambda cells=cells: run(cells)) if reached <= target else None
        note, outcome = ("is told its mesh", TIMED) if again else ("not with as many cells", UNTRIED)
        name = "finite volumes with LAPACK"
        found.append(Code(f"{cells} cells", reached, again, name, "SciPy", scipy_version, note, outcome))
    return found


def by_cells(medium: Any, cells: int) -> Any:
    """Return a run whose last mesh has about ``cells`` equal cells."""
    from spinlib.accumulation import solve_accumulation

    return lambda: solve_accumulation(structure(medium), rtol=1.0, max_step=4 * HALF / cells)


def main() -> None:
    """Print the comparison as JSON."""
    warnings.filterwarnings("ignore", message="layer")
    rows = []
    for name, medium in media().items():
        if ONCE and name == "resonant":
            continue
        exact = reference(medium)
        codes, least = ours_at(medium, exact)
        peers = zip(collocation(medium, exact), volumes(medium, exact), strict=True)
        for target, ours, seconds, (bvp, cells) in zip(TARGETS, codes, least, peers, strict=True):
            limit = ("real matrix products", seconds)
            rows += [row(f"{name} magnets", target, ours, theirs, limit) for theirs in (*bvp, cells)]
    medium = media()["realistic"]
    rate = FLOP_OF_A_CELL / dgemm_rate()
    growth = scaling(
        "realistic magnets",
        "cells",
        (1000, 4000, 16000),
        lambda cells: by_cells(medium, cells),
        1.0,
        limit=("real matrix products", lambda cells: 1.5 * cells * rate),
        above="arrays of many cells do not fit into the caches",
        below="calls of Python that cost the same for any number of cells",
    )
    name, error = "spin accumulation of two magnets across each other", "largest error of m over its largest component"
    solved = "Taylor series of the decoupled equations in extended precision"
    print_report(name, error, solved, rows, [growth], packages=["scipy"])


if __name__ == "__main__":
    main()
