"""What coherent and averaged layers share: batched solving, shape checks, the layer protocol."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import finite, real, require, shared_shape

__all__ = [
    "Layer",
    "LayerT",
    "alike",
    "amplitudes_from_left",
    "angles",
    "batch_text",
    "blocks",
    "mean_text",
    "probability",
    "product",
    "solve",
    "solve_amplitudes",
]


class Layer(Protocol):
    """What a layer offers so that it can be turned and put in series; private to the package."""

    def _rotated(self, theta: ArrayLike, phi: ArrayLike) -> Self: ...

    def _joined(self, right: Self) -> Self: ...

    def _mirrored(self) -> Self: ...

    @property
    def _batch(self) -> tuple[int, ...]: ...

    @property
    def _size(self) -> int: ...


LayerT = TypeVar("LayerT", bound=Layer)


def solve(matrix: NDArray[Any], source: NDArray[Any], largest: float) -> NDArray[Any]:
    """Solve ``matrix @ x = source`` over all leading dimensions; a mode that nothing fills or drains stays empty.

    Between two perfect filters a mode can be trapped: ``matrix`` is singular and ``source`` does not reach the mode.
    The minimum-norm solution leaves it empty. It is taken where the direct solution is not finite or exceeds
    ``largest``, which no physical amplitude does; elsewhere graded matrices keep the digits that a cut-off destroys.
    """
    try:
        x = np.linalg.solve(matrix, source)
    except np.linalg.LinAlgError:
        singular = (np.linalg.det(matrix) == 0)[..., None, None]
        x = np.linalg.solve(np.where(singular, np.eye(matrix.shape[-1]), matrix), source)
        x = np.where(singular, np.nan, x)
    trapped = ~(np.abs(x).max(axis=(-2, -1)) <= largest)
    if trapped.any():
        matrices = np.broadcast_to(matrix, (*trapped.shape, *matrix.shape[-2:]))[trapped]
        sources = np.broadcast_to(source, (*trapped.shape, *source.shape[-2:]))[trapped]
        # Rounding of a turned layer leaves a trapped mode up to 1e-15, so the cut lies above; a nearly closed channel
        # beside the mode is physical and must survive, so it does not lie much higher.
        x[trapped] = np.linalg.pinv(matrices, rcond=1e-12) @ sources
    return x


def product(left: NDArray[Any], right: NDArray[Any]) -> NDArray[Any]:
    """Return ``left @ right``; many matrices times one matrix are one product, not one for each.

    >>> product(np.ones((3, 2, 2)), np.eye(2)).shape
    (3, 2, 2)
    """
    if left.ndim > 2 and right.ndim == 2:
        return np.asarray((left.reshape(-1, left.shape[-1]) @ right).reshape(left.shape))
    return np.asarray(left @ right)


def solve_amplitudes(matrix: NDArray[Any], source: NDArray[Any]) -> NDArray[Any]:
    """Solve ``matrix @ x = source`` for coherent amplitudes; a resonance narrower than rounding is a trapped mode.

    Amplitudes on a resonance have no bound of their own, so one more right-hand side probes how close to singular
    ``matrix`` is.
    """
    n = matrix.shape[-1]
    probe = np.exp(1j * np.arange(n) ** 2)[:, None]  # no symmetry of a layer makes a trapped mode orthogonal to it
    shape = np.broadcast_shapes(matrix.shape[:-2], source.shape[:-2])
    columns = [np.broadcast_to(x, (*shape, *x.shape[-2:])) for x in (source, probe)]
    return solve(matrix, np.concatenate(columns, axis=-1), 1e12)[..., :-1]


def blocks(matrices: dict[str, ArrayLike], side: str, *, complex_allowed: bool) -> list[NDArray[Any]]:
    """Return named square matrices of one size, broadcast to one leading shape and read-only."""
    remedy = f"pass four blocks of shape {side}"
    arrays = {name: finite(name, value, remedy, complex_allowed=complex_allowed) for name, value in matrices.items()}
    shapes = [array.shape[-2:] for array in arrays.values()]
    square = [shape for shape in shapes if len(shape) == 2 and shape[0] == shape[1]]
    size = max(square, key=square.count, default=())
    for name, array in arrays.items():
        if array.ndim < 2 or array.shape[-2:] != size:
            raise ValueError(f"{name} has shape {array.shape}, which is not {side} like most blocks: {remedy}")
    batch = shared_shape(**{name: array.shape[:-2] for name, array in arrays.items()})
    return [np.broadcast_to(array, (*batch, *array.shape[-2:])) for array in arrays.values()]


def angles(theta: ArrayLike, phi: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the polar angle and the azimuth as arrays, or refuse them by name."""
    return real("theta", theta, "pass angles in rad"), real("phi", phi, "pass angles in rad")


def probability(name: str, value: ArrayLike, *, zero: bool = True) -> NDArray[np.float64]:
    """Return ``value`` as an array within [0, 1], or (0, 1] unless ``zero``."""
    low = "0 <=" if zero else "0 <"
    remedy = f"pass {low} {name} <= 1 (transmission per channel and spin, not a conductance)"
    array = real(name, value, remedy)
    require(
        name, array, (array <= 1) & ((array >= 0) if zero else (array > 0)), "is not an admissible probability", remedy
    )
    return array


def batch_text(batch: tuple[int, ...]) -> str:
    """Return how a repr shows the leading shape: nothing for a single layer."""
    return f", batch={batch}" if batch else ""


def mean_text(values: NDArray[np.float64]) -> str:
    """Return how a repr shows the mean of ``values``; an empty batch has none."""
    return f"{float(np.mean(values)):.4g}" if values.size else "none"


def alike(layers: Sequence[LayerT], kinds: tuple[type, ...]) -> tuple[list[LayerT], tuple[int, ...]]:
    """Return ``layers`` as a list with their shared leading shape; refuse an empty, mixed or mismatched stack."""
    names = " or ".join(kind.__name__ for kind in kinds)
    if isinstance(layers, kinds):
        raise ValueError(f"layers = {layers!r} is one layer, not a sequence: pass [layer]")
    if not isinstance(layers, Iterable):
        raise ValueError(f"layers = {layers!r} is no sequence: pass a list of {names}, from left to right")
    stack = list(layers)
    if not stack:
        raise ValueError(f"layers = [] is empty: pass at least one {names}, listed from left to right")
    for k, layer in enumerate(stack):
        if not isinstance(layer, kinds):
            raise ValueError(f"layers[{k}] is a {type(layer).__name__}: pass {names} objects")
        if type(layer) is not type(stack[0]):
            raise ValueError(
                f"layers[{k}] is a {type(layer).__name__} and layers[0] a {type(stack[0]).__name__}: "
                "pass all coherent or all averaged layers; hat_average turns an SMatrix into a HatMatrix"
            )
        if layer._size != stack[0]._size:
            raise ValueError(
                f"layers[{k}] has {layer._size // 2} channels and layers[0] has {stack[0]._size // 2}: "
                "pass layers of equal number of channels"
            )
    batch = shared_shape(**{f"layers[{k}]": layer._batch for k, layer in enumerate(stack)})
    return stack, batch


def amplitudes_from_left(layers: Sequence[Any], batch: tuple[int, ...]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return right and left movers in regions 0..L, ``(..., L+1, 2N, 2N)``, for unit flux in each mode on the left.

    ``layers`` are SMatrix objects. One sweep backwards collects the reflection of all that follows, one sweep forwards
    spreads the amplitudes; a product of transfer matrices would grow like exp(L) and lose every digit.
    """
    one = np.eye(layers[0].r.shape[-1], dtype=complex)
    reflection: NDArray[Any] = np.zeros_like(one)  # nothing comes back from the reservoir
    steps = []
    for layer in reversed(layers):
        into_next = solve_amplitudes(one - layer.r_prime @ reflection, layer.t)
        steps.append((into_next, reflection))
        reflection = layer.r + layer.t_prime @ reflection @ into_next
    right, left = [one], [reflection]
    for into_next, reflection in reversed(steps):
        right.append(into_next @ right[-1])
        left.append(reflection @ right[-1])
    stacks = [np.stack([np.broadcast_to(a, (*batch, *one.shape)) for a in movers], axis=-3) for movers in (right, left)]
    return stacks[0], stacks[1]
