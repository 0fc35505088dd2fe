"""Refusals that name the argument, the value, the admissible range and the remedy."""

import operator
from collections.abc import Callable
from math import inf
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "finite",
    "float_or_array",
    "generator",
    "hermitian",
    "instance",
    "integer",
    "mixing_bound",
    "not_negative",
    "number",
    "place",
    "positive",
    "positive_or_inf",
    "real",
    "require",
    "shaped",
    "shared_shape",
    "symmetric",
    "tangent",
    "together",
    "unit",
    "unitary",
    "vectors",
]

_Kind = TypeVar("_Kind")


def require(name: str, value: ArrayLike, valid: ArrayLike, problem: str, remedy: str) -> None:
    """Raise a ValueError that shows the first entry of ``value`` where ``valid`` is false.

    ``valid`` has the shape of ``value`` or broadcasts to it.

    >>> require("T", 1.2, False, "is not a probability", "pass 0 <= T <= 1")
    Traceback (most recent call last):
    ...
    ValueError: T = 1.2 is not a probability: pass 0 <= T <= 1
    """
    if np.asarray(valid).all():
        return
    values, flags = np.broadcast_arrays(np.asarray(value), np.asarray(valid))
    bad = np.argwhere(~flags)
    index = tuple(bad[0])
    more = f" ({len(bad)} entries of {flags.size} are refused)" if len(bad) > 1 else ""
    shown = values[index].item()
    text = f"{shown:.10g}" if isinstance(shown, float | complex) else repr(shown)
    raise ValueError(f"{name}{place(index)} = {text} {problem}: {remedy}{more}")


def finite(
    name: str, value: ArrayLike, remedy: str = "pass finite numbers", *, complex_allowed: bool = False
) -> NDArray[np.float64] | NDArray[np.complex128]:
    """Return ``value`` as an array of floats (or complex numbers), or refuse it by name.

    >>> finite("T", [0.5, float("nan")])
    Traceback (most recent call last):
    ...
    ValueError: T[1] = nan is not finite: pass finite numbers
    """
    kind = complex if complex_allowed else float
    try:
        raw = np.asarray(value)
        if raw.dtype.kind not in "biuf" + ("c" if complex_allowed else ""):
            raise TypeError
        array = raw.astype(kind)
    except (TypeError, ValueError):
        noun = "complex numbers" if complex_allowed else "real numbers"
        raise ValueError(f"{name} = {value!r} is not an array of {noun}: {remedy}") from None
    require(name, array, np.isfinite(array), "is not finite", remedy)
    return array


def real(name: str, value: ArrayLike, remedy: str = "pass finite numbers") -> NDArray[np.float64]:
    """Return ``value`` as an array of finite floats, or refuse it by name.

    >>> real("theta", 1)
    array(1.)
    """
    return np.asarray(finite(name, value, remedy), dtype=np.float64)


def number(name: str, value: object, rule: Callable[[str, ArrayLike], NDArray[np.float64]] | None = None) -> float:
    """Return ``value`` as one finite float that obeys ``rule``, such as :func:`positive`, or refuse it by name.

    >>> number("thickness", (1.0, 2.0))
    Traceback (most recent call last):
    ...
    ValueError: thickness has shape (2,): pass one number
    """
    array = real(name, value, "pass one finite number")  # type: ignore[arg-type]
    if array.ndim:
        raise ValueError(f"{name} has shape {array.shape}: pass one number")
    return float(array if rule is None else rule(name, array))


def float_or_array(value: ArrayLike) -> float | NDArray[np.float64]:
    """Return a float for a value without shape, else an array of its own.

    >>> float_or_array(np.ones(()))
    1.0
    """
    array = np.array(value, dtype=np.float64)
    return array if array.ndim else float(array)


def shaped(name: str, value: ArrayLike, shape: tuple[int, ...], remedy: str = "") -> NDArray[np.float64]:
    """Return a copy of ``value`` as finite floats of one shape, or refuse it by name.

    >>> shaped("applied", (0, 1), (3,))
    Traceback (most recent call last):
    ...
    ValueError: applied has shape (2,): pass finite numbers of shape (3,)
    """
    advice = remedy or f"pass finite numbers of shape {shape}"
    array = np.array(real(name, value, advice))
    if array.shape != shape:
        raise ValueError(f"{name} has shape {array.shape}: {advice}")
    return array


def symmetric(name: str, tensor: NDArray[np.float64], remedy: str) -> NDArray[np.float64]:
    """Return the symmetric part of ``tensor``, or refuse an antisymmetric one above rounding.

    >>> symmetric("tensor", np.array([[1.0, 2.0], [0.0, 1.0]]), "pass a symmetric one")
    Traceback (most recent call last):
    ...
    ValueError: largest |tensor - tensor^T| = 2 is not 0: pass a symmetric one
    """
    skew, size = np.abs(tensor - tensor.T).max(), np.abs(tensor).max()
    require(f"largest |{name} - {name}^T|", skew, skew <= 1e-12 * size, "is not 0", remedy)
    return np.asarray((tensor + tensor.T) / 2)


def positive(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return ``value`` as an array of positive floats, or refuse it by name.

    >>> positive("M_s", 0.0)
    Traceback (most recent call last):
    ...
    ValueError: M_s = 0 is not positive: pass M_s > 0 in SI units
    """
    array = real(name, value)
    require(name, array, array > 0, "is not positive", f"pass {name} > 0 in SI units")
    return array


def positive_or_inf(name: str, value: object) -> float:
    """Return ``value`` as one positive float, which may be infinite, or refuse it by name.

    >>> positive_or_inf("thickness", float("inf"))
    inf
    """
    return inf if getattr(value, "ndim", 0) == 0 and value == inf else number(name, value, positive)


def not_negative(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return ``value`` as an array of floats >= 0, or refuse it by name.

    >>> not_negative("thickness", -1.0)
    Traceback (most recent call last):
    ...
    ValueError: thickness = -1 is negative: pass thickness >= 0 in SI units
    """
    array = real(name, value)
    require(name, array, array >= 0, "is negative", f"pass {name} >= 0 in SI units")
    return array


def vectors(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return ``value`` as an array of finite vectors ``(..., 3)``, or refuse it by name.

    >>> vectors("v", (1, 0))
    Traceback (most recent call last):
    ...
    ValueError: v has shape (2,): pass vectors of shape (..., 3), in the order x, y, z
    """
    array = real(name, value, "pass real vectors of shape (..., 3)")
    if array.ndim == 0 or array.shape[-1] != 3:
        raise ValueError(f"{name} has shape {array.shape}: pass vectors of shape (..., 3), in the order x, y, z")
    return array


def unit(name: str, value: ArrayLike) -> NDArray[np.float64]:
    """Return ``value`` as unit vectors ``(..., 3)``, normalised, or refuse lengths off 1 by more than 1e-6.

    >>> unit("m", (0.0, 0.0, 2.0))
    Traceback (most recent call last):
    ...
    ValueError: length of m = 2 is not 1 to 1e-6: pass m / |m|
    """
    array = vectors(name, value)
    length = np.sqrt(np.einsum("...i,...i", array, array))
    require(f"length of {name}", length, np.abs(length - 1) <= 1e-6, "is not 1 to 1e-6", f"pass {name} / |{name}|")
    return np.asarray(array / length[..., None])


def tangent(name: str, value: ArrayLike, m: NDArray[np.float64], axis: str = "m") -> NDArray[np.float64]:
    """Return vectors without their part along the unit vectors ``m``, or refuse a part above 1e-6 of their length.

    ``axis`` is what the caller calls ``m``.

    >>> tangent("mdot", (1.0, 0.0, 1.0), np.array((0.0, 0.0, 1.0)))
    Traceback (most recent call last):
    ...
    ValueError: m . mdot / |mdot| = 0.7071067812 is not 0 to 1e-6: pass mdot perpendicular to m
    """
    array = vectors(name, value)
    shared_shape(**{name: array.shape[:-1], axis: m.shape[:-1]})
    along = np.einsum("...i,...i", array, m)
    length = np.linalg.norm(array, axis=-1)
    part = np.divide(along, length, out=np.zeros_like(along), where=np.broadcast_to(length > 0, along.shape))
    text = f"{axis} . {name} / |{name}|"
    require(text, part, np.abs(part) <= 1e-6, "is not 0 to 1e-6", f"pass {name} perpendicular to {axis}")
    return np.asarray(array - along[..., None] * m)


def unitary(name: str, value: ArrayLike) -> NDArray[np.complex128]:
    """Return ``value`` as a square matrix that is unitary to 1e-8, or refuse it by name.

    >>> unitary("S", [[1.0, 1.0], [0.0, 1.0]])
    Traceback (most recent call last):
    ...
    ValueError: largest entry of |S^dagger S - 1| of S = 1 is above 1e-8: pass a unitary (M, M) matrix
    """
    remedy = "pass a unitary (M, M) matrix"
    s = np.asarray(finite(name, value, remedy, complex_allowed=True), dtype=np.complex128)
    if s.ndim != 2 or s.shape[0] != s.shape[1] or not s.size:
        raise ValueError(f"{name} has shape {s.shape}: {remedy}")
    defect = np.abs(s.conj().T @ s - np.eye(len(s))).max()
    require(f"largest entry of |S^dagger S - 1| of {name}", defect, defect <= 1e-8, "is above 1e-8", remedy)
    return s


def mixing_bound(**mixing: NDArray[np.complex128]) -> None:
    """Refuse the reflection and transmission mixing of one side that no unitary matrix has together.

    |rho| + |tau| <= sqrt(R_up R_down) + sqrt(T_up T_down) <= 1 for R_s + T_s = 1, by Cauchy and Schwarz.

    >>> mixing_bound(rho=np.array(0.5j), tau=np.array(0.75 + 0j))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    ValueError: |rho| + |tau| = 1.25 exceeds the Cauchy-Schwarz bound: pass |rho| + |tau| <= 1 ...
    """
    name = " + ".join(f"|{each}|" for each in mixing)
    total = np.sum(np.broadcast_arrays(*(np.abs(value) for value in mixing.values())), axis=0)
    remedy = f"pass {name} <= 1 (an electron is reflected or transmitted); 0 for fully dephased phases"
    require(name, total, total <= 1 + 1e-12, "exceeds the Cauchy-Schwarz bound", remedy)


def generator(seed: int | np.random.Generator | None) -> np.random.Generator:
    """Return the generator of random numbers that ``seed`` is or starts, or refuse what is none.

    >>> generator(-1)
    Traceback (most recent call last):
    ...
    ValueError: seed = -1 is no seed: pass an integer >= 0, a numpy.random.Generator or None
    """
    if seed is None or isinstance(seed, np.random.Generator):
        return np.random.default_rng(seed)
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(f"seed = {seed!r} is no seed: pass an integer >= 0, a numpy.random.Generator or None")
    return np.random.default_rng(int(seed))


def hermitian(name: str, matrices: NDArray[np.complex128]) -> None:
    """Refuse matrices ``(..., n, n)`` that are not Hermitian to 1e-12 of the largest entry.

    >>> hermitian("H", np.array([[0.0, 1.0], [2.0, 0.0]]))
    Traceback (most recent call last):
    ...
    ValueError: largest part of |H - H^dagger| = 1 is not 0: pass Hermitian matrices, (H + H^dagger)/2
    """
    # By parts, in a quarter of the time of complex moduli.
    re, im = matrices.real, matrices.imag
    parts = re - re.swapaxes(-1, -2), im + im.swapaxes(-1, -2)
    skew = np.maximum(*(np.abs(part).max(axis=(-2, -1)) for part in parts))
    largest = max(re.max(), -re.min(), im.max(), -im.min())
    text = f"largest part of |{name} - {name}^dagger|"
    require(text, skew, skew <= 1e-12 * largest, "is not 0", "pass Hermitian matrices, (H + H^dagger)/2")


def instance(name: str, value: object, kind: type[_Kind], remedy: str) -> _Kind:
    """Return ``value`` if it is of a class, or refuse it by name; ``remedy`` is what to pass.

    >>> instance("band", 5.0, Exception, "Exception(text)")
    Traceback (most recent call last):
    ...
    ValueError: band = 5.0 is no Exception: pass Exception(text)
    """
    if not isinstance(value, kind):
        raise ValueError(f"{name} = {value!r} is no {kind.__name__}: pass {remedy}")
    return value


def integer(name: str, value: object, least: int) -> int:
    """Return ``value`` as an integer of at least ``least``, or refuse it by name.

    >>> integer("steps", 2.0, 1)
    Traceback (most recent call last):
    ...
    ValueError: steps = 2.0 is no integer: pass an integer steps >= 1
    """
    remedy = f"pass an integer {name} >= {least}"
    try:
        if isinstance(value, bool):
            raise TypeError
        count = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise ValueError(f"{name} = {value!r} is no integer: {remedy}") from None
    require(name, count, count >= least, f"is below {least}", remedy)
    return count


def place(index: tuple[int, ...]) -> str:
    """Return how a message names an entry of an array; nothing for that of an array without shape.

    >>> place((0, 3)), place(())
    ('[0, 3]', '')
    """
    return f"[{', '.join(map(str, index))}]" if index else ""


def shared_shape(**shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape that the named shapes broadcast to, or refuse them by name.

    >>> shared_shape(a=(3,), b=(2,))
    Traceback (most recent call last):
    ...
    ValueError: a of shape (3,) and b of shape (2,) do not broadcast: pass numbers or arrays of matching leading shape
    """
    try:
        return np.broadcast_shapes(*shapes.values())
    except ValueError:
        text = " and ".join(f"{name} of shape {shape}" for name, shape in shapes.items())
        raise ValueError(f"{text} do not broadcast: pass numbers or arrays of matching leading shape") from None


def together(**arguments: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return arrays in the shape that they broadcast to, or refuse their shapes by name.

    >>> together(a=np.zeros(2), b=np.ones(()))
    [array([0., 0.]), array([1., 1.])]
    """
    shape = shared_shape(**{name: value.shape for name, value in arguments.items()})
    return [np.broadcast_to(value, shape) for value in arguments.values()]
