"""Torque of an F/N/F valve at many angles in one call, beside the same algebra in plain NumPy.

One thread. Errors are those of T_x/g against the closed form, relative to its largest value. The peers are the same
algebra without checks or classes, written for this valve: ``loop``, one angle after the other, and ``batched``, all
angles as stacked matrices. They return this one torque; the house checks its input and returns the currents and torques
of all layers and the conductance.

The limit is LAPACK's solution of one 4 x 4 system with one right-hand side an angle and magnet, in one call of NumPy.
"""

import os
from functools import partial

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
from _limits import small_solve_seconds
from _timing import ONCE, Code, clock, print_report, row, scaling

from spinlib.scattering.closed_forms import slonczewski_parameters
from spinlib.scattering.stack import ferromagnet, normal_metal, transport

ANGLES = 10_000 if ONCE else 100_000
LOOP_ANGLES = 2_000
TARGET = 1e-10
POOR, GOOD, SPACER = (0.3, 0.01), (0.999, 0.001), 0.5  # KK Fig. 4 with a resistive spacer


def vectorised(theta: np.ndarray) -> np.ndarray:
    """Return T_x/g on the free layer, layers built and solved in one call each."""
    stack = [ferromagnet(*POOR, theta=theta), normal_metal(SPACER), ferromagnet(*GOOD)]
    return transport(stack).torque_per_current[..., 2, 0]


def own_frame(up: float, down: float) -> tuple[np.ndarray, np.ndarray]:
    """Return r and t of a magnet along z with aligned phases, in plain NumPy."""
    blocks = []
    for high, low in ((1 - up, 1 - down), (up, down)):
        mean, half, mixing = (high + low) / 2, (high - low) / 2, np.sqrt(high * low)
        blocks.append(np.array([[mean, 0, 0, half], [0, mixing, 0, 0], [0, 0, mixing, 0], [half, 0, 0, mean]]))
    return blocks[0], blocks[1]


def python_loop(theta: np.ndarray) -> np.ndarray:
    """Return the same by the same algebra, one angle after the other, with no overhead of checks or classes."""
    (r_a, t_a), (r_b, t_b) = own_frame(*POOR), own_frame(*GOOD)
    one, out = np.eye(4), np.empty(len(theta))
    for i, angle in enumerate(theta):
        c, s = np.cos(angle), np.sin(angle)
        turn = np.array([[1, 0, 0, 0], [0, c, 0, s], [0, 0, 1, 0], [0, -s, 0, c]])
        r, t = turn @ r_a @ turn.T, turn @ t_a @ turn.T
        into_b = np.linalg.solve(one - (1 - SPACER) * r_b, SPACER * one)
        back = (1 - SPACER) * one + SPACER * r_b @ into_b
        f = into_b @ np.linalg.solve(one - r @ back, t[:, 0])
        out[i] = ((one - r_b - t_b) @ f)[1] / (t_b @ f)[0]
    return out


def batched(theta: np.ndarray) -> np.ndarray:
    """Return the same with all angles as stacked matrices."""
    (r_a, t_a), (r_b, t_b) = own_frame(*POOR), own_frame(*GOOD)
    one, c, s = np.eye(4), np.cos(theta), np.sin(theta)
    turn = np.zeros((len(theta), 4, 4))
    turn[:, 0, 0] = turn[:, 2, 2] = 1
    turn[:, 1, 1] = turn[:, 3, 3] = c
    turn[:, 1, 3], turn[:, 3, 1] = s, -s
    r, t = (turn @ matrix @ turn.swapaxes(1, 2) for matrix in (r_a, t_a))
    into_b = np.linalg.solve(one - (1 - SPACER) * r_b, SPACER * one)
    back = (1 - SPACER) * one + SPACER * r_b @ into_b
    f = np.linalg.solve(one - r @ back, t[:, :, :1])[..., 0] @ into_b.T
    return f @ (one - r_b - t_b)[1] / (f @ t_b[0])


def layers(count: int, angles: int = 2_000) -> list:
    """Return a stack of ``count`` layers at many angles."""
    theta = np.linspace(0, np.pi, angles)
    return [x for k in range(count // 2) for x in (ferromagnet(0.6, 0.2, theta=theta * k), normal_metal(0.5))]


def main() -> None:
    """Print the comparison as JSON."""
    form, rows = slonczewski_parameters(ferromagnet(*POOR), SPACER, ferromagnet(*GOOD)), []

    def error(values: np.ndarray, theta: np.ndarray) -> float:
        exact = form(theta)
        return float(np.abs(values - exact).max() / np.abs(exact).max())

    kind, note = "4 x 4 systems", "written for this valve and this torque, without checks"
    for count, ways in ((LOOP_ANGLES, {"loop": python_loop, "batched": batched}), (ANGLES, {"batched": batched})):
        theta = np.linspace(0.01, np.pi, count)
        ours = Code("one call", error(vectorised(theta), theta), clock(partial(vectorised, theta)))
        for name, way in ways.items():
            run = clock(partial(way, theta))
            theirs = Code("", error(way(theta), theta), run, f"NumPy, {name}", "NumPy", np.__version__, note)
            rows.append(row(f"{count} angles", TARGET, ours, theirs, (kind, count * small_solve_seconds())))
    growth = [
        scaling(
            "F/N/F valve",
            "angles",
            (1000, 10_000, 100_000),
            lambda count: partial(vectorised, np.linspace(0.01, np.pi, count)),
            1.0,
            limit=(kind, lambda count: count * small_solve_seconds()),
            above="arrays of many angles do not fit into the caches",
            below="calls of NumPy on the small arrays of few angles",
        ),
        scaling(
            "2000 angles",
            "layers",
            (4, 16, 64, 256),
            lambda count: partial(transport, layers(count)),
            1.0,
            limit=(kind, lambda count: count / 2 * 2000 * small_solve_seconds()),
            above="arrays of many layers do not fit into the caches",
            below="calls of Python and NumPy on the small arrays of few layers",
        ),
    ]
    print_report("torque of an F/N/F valve over angles", "largest error of T_x/g", "the closed form", rows, growth)


if __name__ == "__main__":
    main()
