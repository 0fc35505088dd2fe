"""Where the points of a sweep are computed: here, or by the workers of an engine that joblib knows."""

import traceback
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["EngineError", "Failure", "Task", "outcomes"]

_Arrays = dict[str, NDArray[Any]]


class EngineError(Exception):
    """The engine failed, not the function: a worker died, or something could not be sent to it."""


@dataclass(frozen=True)
class Task:
    """A point to compute: its canonical text, the arguments of the function, the entropy of its generator."""

    key: str
    arguments: Mapping[str, Any]
    entropy: int | None


@dataclass(frozen=True)
class Failure:
    """What a point raised, as text: an exception itself may not find its way back from a worker."""

    error: str
    trace: str = ""


def outcomes(
    function: Callable[..., object], tasks: Iterable[Task], engine: str, workers: int, *, batch: int | str
) -> Generator[tuple[str, _Arrays | Failure]]:
    """Yield text and results of each point as they come.

    Raises:
        ValueError: joblib does not know the engine, or cannot use it.
        ImportError: joblib, or what the engine stands on, is not installed.
        EngineError: see there.
    """
    if engine == "sequential":
        yield from (_evaluate(function, task) for task in tasks)
        return
    try:
        from joblib import Parallel, delayed, parallel_config
    except ImportError:
        advice = "pip install joblib, or pass engine='sequential'"
        raise ImportError(f"engine = {engine!r} needs joblib, which is not installed: {advice}") from None
    try:
        if not isinstance(engine, str):
            raise ValueError("it is no name")
        # Workers that share this process, or run elsewhere, have the threads that they were started with.
        with parallel_config(backend=engine, **({"inner_max_num_threads": 1} if engine == "loky" else {})):
            # Arguments are sent as they are: a mapped file would make them read-only, and kernels compile anew.
            parallel = Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=batch, max_nbytes=None)
    except ValueError as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"engine = {engine!r} cannot be used ({reason}): pass 'loky', 'threading', 'sequential', or 'dask' with a "
            "distributed.Client"
        ) from None
    with closing(parallel(delayed(_evaluate)(function, task) for task in tasks)) as results:
        try:
            yield from results
        except Exception as error:
            raise EngineError(f"{type(error).__name__}: {error}".partition("\n")[0]) from error


def _evaluate(function: Callable[..., object], task: Task) -> tuple[str, _Arrays | Failure]:
    try:
        # Copies, so that a function that changes them does not change what comes after it.
        arguments = {
            name: each.copy() if isinstance(each, np.ndarray) else each for name, each in task.arguments.items()
        }
        if task.entropy is not None:
            arguments["seed"] = np.random.default_rng(task.entropy)
        return task.key, _named(function(**arguments))
    except Exception as error:
        return task.key, Failure(f"{type(error).__name__}: {error}", traceback.format_exc())


def _named(result: object) -> _Arrays:
    """Return the results of a point by name, or refuse what is no array of numbers."""
    found = {}
    for name, value in (result if isinstance(result, Mapping) else {"result": result}).items():
        array = np.asarray(value)
        if not (isinstance(name, str) and name.isprintable()) or array.dtype.kind not in "biufc":
            kind = f"{name!r}: {value!r}" if isinstance(result, Mapping) else repr(value)
            raise TypeError(
                f"the function returned {kind:.200}: return numbers, arrays of them, or a dict of them by name"
            )
        found[name] = array
    if not found:
        raise TypeError("the function returned no results: return numbers, arrays of them, or a dict of them by name")
    return found
