"""Torque of an F/N/F valve at 100 000 angles in one call, beside a Python loop over angles.

One thread. Errors are those of T_x/g against the closed form, relative to its largest value. The peer is the same
algebra in plain NumPy, one angle after the other and without checks or classes; it is timed at 2000 angles, and so is
the house. All 100 000 angles in one call are a row without a peer.

The limit is the bandwidth of memory. Counted are the four 4 x 4 matrices of the turned magnet, written once and read
once at each angle, 1 kB. What the library does beyond it (products, solutions, populations) lowers the fraction.
"""

import os
from functools import partial

os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")

import numpy as np
from _limits import bandwidth
from _timing import ONCE, Code, clock, print_report, row, scaling

from spinlib.scattering.closed_forms import slonczewski_parameters
from spinlib.scattering.stack import ferromagnet, normal_metal, transport

ANGLES = 10_000 if ONCE else 100_000
LOOP_ANGLES = 2_000
BYTES = 2 * 4 * 16 * 8  # of an angle
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

    few, many = (np.linspace(0.01, np.pi, count) for count in (LOOP_ANGLES, ANGLES))
    peer = Code("", error(python_loop(few), few), clock(lambda: python_loop(few)), "NumPy loop", np.__version__)
    for theta, theirs in ((few, peer), (many, None)):
        ours = Code("one call", error(vectorised(theta), theta), clock(lambda theta=theta: vectorised(theta)))
        limit = ("bandwidth", BYTES * len(theta) / bandwidth())
        rows.append(row(f"{len(theta)} angles", TARGET, ours, theirs, limit))
    growth = [
        scaling(
            "F/N/F valve",
            "angles",
            (1000, 10_000, 100_000),
            lambda count: partial(vectorised, np.linspace(0.01, np.pi, count)),
            1.0,
            limit=("bandwidth", lambda count: BYTES * count / bandwidth()),
        ),
        scaling(
            "2000 angles",
            "layers",
            (4, 16, 64, 256),
            lambda count: partial(transport, layers(count)),
            1.0,
            limit=("bandwidth", lambda count: BYTES / 2 * count * 2000 / bandwidth()),
        ),
    ]
    print_report("torque of an F/N/F valve over angles", "largest error of T_x/g", "the closed form", rows, growth)


if __name__ == "__main__":
    main()
