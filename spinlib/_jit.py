"""Compiled kernels: cached on disk where that is possible, compiled in memory where it is not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

__all__ = ["kernel"]

_Function = TypeVar("_Function", bound=Callable[..., Any])
_settings: Any = numba.config  # its attributes are made from the environment at run time


def kernel(function: _Function) -> _Function:
    """Compile a loop with ``numba.njit(cache=True, nogil=True)``, or without the cache if no place for it is writable.

    A cache is written to ``NUMBA_CACHE_DIR`` if that is set, and nowhere else: numba itself would fall back to the
    folder of the source, where kernels of older sources may lie. ``NUMBA_DISABLE_JIT=1`` leaves plain Python.

    Args:
        function: what ``numba.njit`` accepts; it is typed by its first call.

    Returns:
        The compiled function, of the same signature.

    Raises:
        numba.core.errors.NumbaError: at the first call, if ``function`` cannot be compiled.

    >>> @kernel
    ... def total(terms):
    ...     result = 0.0
    ...     for term in terms:
    ...         result += term
    ...     return result
    >>> total((0.5, 0.25))
    0.75
    """
    if _settings.DISABLE_JIT:
        return function
    try:
        cached: Any = numba.njit(cache=True, nogil=True)(function)
    except RuntimeError as error:
        if "cannot cache function" not in str(error):
            raise
    else:
        chosen = _settings.CACHE_DIR
        if not chosen or Path(cached.stats.cache_path).is_relative_to(chosen):
            return cast(_Function, cached)
    return cast(_Function, numba.njit(nogil=True)(function))
