"""Torque of an F/N/F valve at 100 000 angles in one call, beside a Python loop over angles and the closed series form.

``python benchmarks/scattering_angles.py`` prints JSON: medians over repeats in seconds, errors against the closed form.
"""

import json

import numpy as np
from _timing import median_time, versions

from spinlib.scattering.closed_forms import slonczewski_parameters
from spinlib.scattering.smatrix import SMatrix, rotate
from spinlib.scattering.stack import ferromagnet, normal_metal, transport

ANGLES = 100_000
LOOP_ANGLES = 2_000
REPEATS = 7
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


def layer_scaling(angles: int = 2_000) -> dict[str, float]:
    """Return the time of one averaged call by number of layers."""
    theta = np.linspace(0, np.pi, angles)
    times = {}
    for count in (4, 8, 16, 32, 64):
        stack = [x for k in range(count // 2) for x in (ferromagnet(0.6, 0.2, theta=theta * k), normal_metal(0.5))]
        times[str(count)], _ = median_time(lambda stack=stack: transport(stack), 5)
    return times


def channel_scaling(samples: int = 200) -> dict[str, float]:
    """Return the time of one coherent call (three layers) by number of channels."""
    times = {}
    for n in (2, 4, 8, 16):
        one = np.kron(np.array([[0.6, 0.8j], [0.8j, 0.6]]), np.eye(n))
        other = np.kron(np.array([[0.8, 0.6j], [0.6j, 0.8]]), np.eye(n))
        magnet = SMatrix.from_spins(one, other)
        stack = [rotate(magnet, np.linspace(0.1, 3, samples)), SMatrix.from_spins(one, one), magnet]
        times[str(n)], _ = median_time(lambda stack=stack: transport(stack), 5)
    return times


def main() -> None:
    """Print the comparison as JSON."""
    theta = np.linspace(0.01, np.pi, ANGLES)
    form = slonczewski_parameters(ferromagnet(*POOR), SPACER, ferromagnet(*GOOD))
    closed_time, closed = median_time(lambda: form(theta), REPEATS)
    call_time, call = median_time(lambda: vectorised(theta), REPEATS)
    few = theta[:: ANGLES // LOOP_ANGLES]
    loop_time, loop = median_time(lambda: python_loop(few), 3)
    scaled = loop_time * ANGLES / len(few)

    def error(values: np.ndarray, exact: np.ndarray) -> float:
        return float(np.abs(values - exact).max() / np.abs(exact).max())

    report = {
        "name": "torque per current of F/N/F over angles",
        "versions": versions(),
        "angles": ANGLES,
        "repeats": REPEATS,
        "error": "largest deviation from the closed form, relative to its largest value",
        "one_call": {"seconds": call_time, "error": error(call, closed)},
        "python_loop": {
            "seconds": scaled,
            "error": error(loop, form(few)),
            "note": f"measured at {len(few)} angles ({loop_time:.4g} s), scaled linearly to {ANGLES}",
        },
        "closed_form": {"seconds": closed_time, "error": 0.0, "note": "F/N/F without spin flip and real mixing only"},
        "loop_over_one_call": scaled / call_time,
        "seconds_by_layers_at_2000_angles": layer_scaling(),
        "coherent_seconds_by_channels_at_200_samples": channel_scaling(),
    }
    print(json.dumps(report, indent=2))


if __name__ == "__main__":
    main()
