"""Sweep any function over a grid of parameters, or over an ensemble.

A point is one set of values, one from each axis. Points may be computed in any order, by any number of workers on any
engine, in one run or in several: the result is the same to the last bit, unless what the function calls rounds by its
number of threads, as linear algebra may. Processes of "loky" have one thread each; to compare other engines with
them, start Python with ``OMP_NUM_THREADS=1``. With ``checkpoint`` each point is stored as it comes; a run that was
killed goes on where it was, and a larger grid computes its new points only.

Besides the function a point takes of the order of 0.1 ms in this process, 0.3 ms with a checkpoint, and by "loky"
0.4 ms and 1 ms; a point in a file takes 1 kB besides its results. The first checkpoint of a process takes a second.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from os import PathLike
from pathlib import Path
from platform import python_version_tuple
from typing import Any

import numpy as np
from numpy.typing import NDArray

from spinlib import __version__
from spinlib._engine import EngineError, Failure, Task, outcomes
from spinlib._fingerprint import fingerprint, package, plain, point, reads, text
from spinlib._progress import Progress
from spinlib._table import Table
from spinlib._validate import integer

__all__ = ["sweep"]

_Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Sweep(Table):
    """Results of a sweep on its grid; ``run["name"]`` gives an axis or a result.

    Attributes:
        axes: the values of each axis by its name, ``(n, ...)``; the axis ``sample`` numbers the members of an ensemble.
        results: by name, arrays of shape ``(n1, n2, ..., *shape)``, for what the function returns in this shape at one
            point; the name is "result" if it returns no names.
        computed: number of points computed in this run; the others came from the checkpoint.
    """

    axes: dict[str, NDArray[Any]]
    results: dict[str, NDArray[Any]]
    computed: int

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return an axis or a result by its name."""
        return (self.axes | self.results)[name]

    def __repr__(self) -> str:
        grid = " x ".join(f"{len(values)} {name}" for name, values in self.axes.items()) or "1 point"
        return f"Sweep of {grid}: {', '.join(self.results)}"

    @property
    def _points(self) -> tuple[int, ...]:
        return tuple(map(len, self.axes.values()))

    def _fields(self) -> Iterator[tuple[str, NDArray[Any]]]:
        places = np.indices(self._points)
        for (name, values), place in zip(self.axes.items(), places, strict=True):
            yield name, values[place]
        yield from self.results.items()


def sweep(
    function: Callable[..., object],
    axes: Mapping[str, Iterable[Any]],
    *,
    samples: int | None = None,
    fixed: Mapping[str, Any] | None = None,
    seed: int | None = None,
    engine: str = "loky",
    workers: int | None = None,
    checkpoint: str | Path | None = None,
    progress: bool | None = None,
) -> Sweep:
    """Call a function at every point of a grid, on all cores, and return its results on the grid.

    Args:
        function: called as ``function(**point, **fixed)``, with a generator ``seed`` besides if ``seed`` is given. It
            returns a number, an array, or a dict of them by name, of the same shapes at every point, and leaves its
            arguments as they are. It may be written in a notebook.
        axes: by argument, the values that it takes: numbers, texts, tuples of them, or rows of an array. An axis that
            has one float has only floats.
        samples: number of members of an ensemble at every point, which differ in their random numbers alone; they are
            the last axis, ``sample``.
        fixed: arguments that are the same at every point. They are sent to processes with each point: let the function
            read or make what is large, and keep it by ``functools.cache``.
        seed: a whole number >= 0. The generator of a point follows from it, from the values of the axes at that point
            and from the number of its sample, not from order, workers or size of the grid.
        engine: "loky", processes on this machine; "threading"; "sequential", this process alone; or another engine of
            joblib that runs already, such as "dask" with a ``distributed.Client``. All but "sequential" need joblib.
        workers: number of processes or threads; by default one for each core. A process of "loky" uses one thread.
        checkpoint: a file, on a disk of this machine, that keeps each point as it comes. If it is there, only points
            that it lacks are computed; after a kill also those that were under way. While a sweep runs, and after it
            was killed, a file whose name ends in ``-wal`` belongs to it. A kill of this process alone leaves workers of
            "loky" for minutes, which keep nothing: end its process group.
        progress: whether a line on standard error says how far the sweep is; by default on a terminal only.

    Returns:
        A record with ``axes``, ``results``, ``columns()`` and ``to_csv(path)``.

    Raises:
        ValueError: an axis is empty, has a value twice or one of another kind, or is no argument of the function;
            ``fixed`` is no mapping; ``samples``, ``seed``, ``workers`` or ``progress`` is none as above; joblib does
            not know the engine; the file is no checkpoint, is in use or damaged, or was made by another function, with
            other axes, fixed arguments or seed, with another version of Python, NumPy, SciPy or numba, or by a spinlib
            that computes otherwise: comments and types do not count. The code of a function is compared, and so are
            the globals and the functions, classes and modules of the caller's own that it reads.
        RuntimeError: the function raised an exception, returned what is no array of numbers or has other shapes than
            before, or a worker died. The message names the point. What was done is in the checkpoint.
        ImportError: the engine is not installed.
        OSError: the checkpoint cannot be read or written.

    >>> def walk(step, seed):
    ...     return {"end": step * seed.choice([-1, 1], 100).sum()}
    >>> run = sweep(walk, {"step": [0.5, 1.0]}, samples=400, seed=1, engine="sequential")
    >>> run
    Sweep of 2 step x 400 sample: end
    >>> run["end"].std(axis=1).round().tolist()  # step times the root of 100
    [5.0, 10.0]
    """
    grid = _grid(axes, samples, seed)
    constant = _constant(function, grid, samples, fixed, seed)
    tasks = [_task(dict(zip(grid, values, strict=True)), samples, constant, seed) for values in product(*grid.values())]
    workers = -1 if workers is None else integer("workers", workers, 1)
    if progress is not None and not isinstance(progress, bool):
        raise ValueError(f"progress = {progress!r} is no answer: pass True, False or None")
    if checkpoint is not None and not isinstance(checkpoint, str | PathLike):
        raise ValueError(f"checkpoint = {checkpoint!r} is no file: pass its path, or None")
    with ExitStack() as stack:
        store = None
        if checkpoint is not None:
            from spinlib._checkpoint import opened  # SQLite only where it is used

            made_with = _made_with(function, grid, constant, seed)
            store = stack.enter_context(opened(Path(checkpoint)))
            store.agree(made_with)
        found = store.load(task.key for task in tasks) if store else {}
        missing = [task for task in tasks if task.key not in found]
        line = Progress(len(tasks), len(found), progress)
        stack.callback(line.end)
        failed: dict[str, Failure] = {}
        begun = (task for task in missing if not failed)  # what runs when a point fails is waited for
        coming = outcomes(function, begun, engine, workers, batch=1 if store else "auto")
        kept = "were done and are in the checkpoint" if store else "were done; a checkpoint would keep them"
        try:
            for key, outcome in stack.enter_context(closing(coming)):
                if not isinstance(outcome, Failure):
                    outcome = _checked(outcome, found, grid)
                if isinstance(outcome, Failure):
                    failed[key] = outcome
                    continue
                if store:
                    store.add(key, outcome)
                found[key] = outcome
                line.step()
        except EngineError as error:
            left = ", ".join([task.key for task in missing if task.key not in found][:4])
            raise RuntimeError(
                f"engine = {engine!r} failed ({error}), perhaps at one of the points {left}; {len(found)} of "
                f"{len(tasks)} points {kept}"
            ) from error
        if failed:
            where, failure = next(iter(failed.items()))
            problem = RuntimeError(f"at the point {where}: {failure.error}; {len(found)} of {len(tasks)} points {kept}")
            problem.add_note(failure.trace)
            raise problem
    return Sweep({name: _array(values) for name, values in grid.items()}, _stacked(tasks, found, grid), len(missing))


def _grid(axes: Mapping[str, Iterable[Any]], samples: int | None, seed: int | None) -> dict[str, list[Any]]:
    """Return the values of each axis, or refuse them."""
    if not isinstance(axes, Mapping) or not (axes or samples is not None):
        raise ValueError(f"axes = {axes!r} has no axis: pass the values of each argument by its name")
    _names("axes", axes)
    grid = {name: _axis(name, values) for name, values in axes.items()}
    if samples is not None:
        if "sample" in grid:
            raise ValueError("axes has 'sample', the name of the axis of samples: give the argument another name")
        grid["sample"] = list(range(integer("samples", samples, 1)))
        if seed is None:
            raise ValueError(f"samples = {samples} would be equal without seed: pass an integer seed >= 0")
    return grid


def _names(what: str, values: Mapping[Any, Any]) -> None:
    """Refuse what is no name of an argument."""
    for name in values:
        if not isinstance(name, str):
            raise ValueError(f"{what} has {name!r}, no name of an argument: pass values by the names of arguments")
        text(f"the name in {what}", name)


def _axis(name: str, values: Iterable[Any]) -> list[Any]:
    """Return the plain values of an axis, all floats if one is, or refuse them."""
    try:
        if isinstance(values, str | bytes | Mapping):
            raise TypeError
        found = [plain(f"{name}[{place}]", each) for place, each in enumerate(values)]
    except TypeError:
        raise ValueError(f"{name} = {values!r} is no axis: pass a list or an array of values") from None
    if not found:
        raise ValueError(f"{name} has no values: pass at least one")
    if all(type(each) in (int, float) for each in found) and float in map(type, found):
        try:
            found = [float(each) for each in found]
        except OverflowError:
            raise ValueError(f"{name} has floats and an integer that is too large for one: pass either") from None
    if len({np.shape(each) for each in found if isinstance(each, np.ndarray)}) > 1:
        raise ValueError(f"{name} has arrays of several shapes: pass the rows of one array, or tuples")
    first: dict[str, int] = {}
    for place, each in enumerate(found):
        if (before := first.setdefault(point({name: each}), place)) != place:
            raise ValueError(f"{name}[{place}] = {each!r} equals {name}[{before}]: leave one out")
    return found


def _constant(
    function: Callable[..., object],
    grid: Mapping[str, list[Any]],
    samples: int | None,
    fixed: Mapping[str, Any] | None,
    seed: int | None,
) -> dict[str, Any]:
    """Return the arguments that are the same everywhere, or refuse what the function does not take."""
    if not callable(function):
        raise ValueError(f"function = {function!r} cannot be called: pass a function of the axes")
    if seed is not None:
        integer("seed", seed, 0)
    if fixed is not None and not isinstance(fixed, Mapping):
        raise ValueError(f"fixed = {fixed!r} is no mapping: pass the values of arguments by their names")
    constant = dict(fixed or {})
    _names("fixed", constant)
    given = [name for name in grid if samples is None or name != "sample"] + ["seed"] * (seed is not None)
    for name in constant:
        if name in given:
            raise ValueError(f"fixed has {name!r}, which varies: leave it out of fixed, or out of axes and seed")
    if len(set(given)) < len(given):
        raise ValueError("axes has 'seed', and seed is given: leave one out")
    try:
        inspect.signature(function).bind(**dict.fromkeys([*given, *constant]))
    except TypeError as error:
        raise ValueError(
            f"function does not take the arguments {', '.join([*given, *constant])} ({error}): pass one axis or fixed "
            "value for each of its arguments, and seed if it draws random numbers"
        ) from None
    except ValueError:  # a built-in function tells nothing of its arguments
        pass
    return constant


def _task(values: Mapping[str, Any], samples: int | None, constant: Mapping[str, Any], seed: int | None) -> Task:
    """Return a point to compute; its random numbers follow from the seed and from what the point is."""
    key = point(values)
    entropy = None if seed is None else int.from_bytes(sha256(f"{int(seed)} {key}".encode()).digest()[:16])
    arguments = {name: value for name, value in values.items() if samples is None or name != "sample"}
    return Task(key, {**arguments, **constant}, entropy)


def _made_with(
    function: Callable[..., object], grid: Mapping[str, list[Any]], constant: Mapping[str, Any], seed: int | None
) -> dict[str, tuple[str, str]]:
    """Return what the results depend on besides the points: how it is shown, and its fingerprint."""
    name = getattr(function, "__name__", type(function).__name__)
    code = {f"what the function reads, {what},": ("", value) for what, value in reads(function).items()}
    fixed = {f"fixed {key!r}": (f"{each!r:.60}", fingerprint(f"fixed {key!r}", each)) for key, each in constant.items()}
    python = ".".join(python_version_tuple()[:2])  # another one makes another code
    shown = {"function": name, "axes": ", ".join(sorted(grid)), "seed": str(None if seed is None else int(seed))}
    shown |= {"Python": python} | {name: _version(name) for name in ("NumPy", "SciPy", "numba")}
    library = (__version__, __version__ + package(Path(__file__).parent))
    return {what: (text, text) for what, text in shown.items()} | code | fixed | {"spinlib": library}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _checked(results: _Arrays, found: Mapping[str, _Arrays], grid: Mapping[str, list[Any]]) -> _Arrays | Failure:
    """Return the results of a point, or why they do not stand beside those of the others."""
    if clash := set(results) & set(grid):
        return Failure(f"the function returned {clash.pop()!r}, the name of an axis: give the result another name")
    if found:
        first, others = next(iter(found.items()))
        one, other = ({name: array.shape for name, array in each.items()} for each in (results, others))
        if one != other:
            return Failure(f"the function returned shapes {one}, but {other} at {first}: return equal ones")
    return results


def _stacked(tasks: list[Task], found: Mapping[str, _Arrays], grid: Mapping[str, list[Any]]) -> _Arrays:
    """Return the results of all points on the grid."""
    shape, first = tuple(map(len, grid.values())), found[tasks[0].key]
    return {
        name: np.stack([found[task.key][name] for task in tasks]).reshape(shape + array.shape)
        for name, array in first.items()
    }


def _array(values: list[Any]) -> NDArray[Any]:
    """Return the values of an axis as an array, of objects if they are of several kinds."""
    if len({type(each) for each in values}) == 1 and not isinstance(values[0], tuple):
        return np.array(values)
    found = np.empty(len(values), dtype=object)
    for place, each in enumerate(values):
        found[place] = each
    return found
