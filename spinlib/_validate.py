"""Refusals that name the argument, the value, the admissible range and the remedy."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["finite", "mixing_bound", "positive", "real", "require", "shared_shape", "together"]


def require(name: str, value: ArrayLike, valid: ArrayLike, problem: str, remedy: str) -> None:
    """Raise a ValueError that shows the first entry of ``value`` where ``valid`` is false.

    ``valid`` has the shape of ``value`` or broadcasts to it.

    >>> require("T", 1.2, False, "is not a probability", "pass 0 <= T <= 1")
    Traceback (most recent call last):
    ...
    ValueError: T = 1.2 is not a probability: pass 0 <= T <= 1
    """
    values, flags = np.broadcast_arrays(np.asarray(value), np.asarray(valid))
    if flags.all():
        return
    bad = np.argwhere(~flags)
    index = tuple(bad[0])
    place = f"[{', '.join(str(i) for i in index)}]" if index else ""
    more = f" ({len(bad)} entries of {flags.size} are refused)" if len(bad) > 1 else ""
    shown = values[index].item()
    text = f"{shown:.10g}" if isinstance(shown, float | complex) else repr(shown)
    raise ValueError(f"{name}{place} = {text} {problem}: {remedy}{more}")


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
