"""What each explorer of the book must show, computed by ``spinlib`` at the values of its sliders.

A twin takes the sliders by their names, that of the cursor included, and returns every number of the box by its label.
It calls the library, never the formula or the table of the chapter.
"""

from collections.abc import Callable

import numpy as np

from spinlib.dynamics.walls import DomainWall, wall_motion

TWINS: dict[str, Callable[..., dict[str, float]]] = {}


def twin(name: str) -> Callable[[Callable[..., dict[str, float]]], Callable[..., dict[str, float]]]:
    """Enter a function as the twin of the explorer of that name."""

    def enter(function: Callable[..., dict[str, float]]) -> Callable[..., dict[str, float]]:
        assert name not in TWINS, f"two twins of {name}"
        TWINS[name] = function
        return function

    return enter


@twin("explorer-wall-velocity")
def wall_velocity(u: float, alpha: float, beta: float, B: float) -> dict[str, float]:
    wall = DomainWall(13e-12, 0.2e6, 0.16e6, 8e5, alpha=alpha, beta=beta)
    motion = wall_motion(wall, u, B * 1e-3, method="rigid")
    return {
        "wall": motion.velocity,
        "electrons": u,
        "turns of the azimuth [GHz]": motion.precession / (2e9 * np.pi),
    }
