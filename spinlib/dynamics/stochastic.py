"""One magnetisation at a finite temperature: the stochastic LLG equation with Brown's thermal field (BTBK (8))."""

import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib import units
from spinlib._jit import kernel
from spinlib._table import Table
from spinlib._validate import generator, integer, not_negative, number, positive, real, require, unit
from spinlib.dynamics._llg import (
    LinearField,
    SpinTorque,
    compiles,
    damping_tensor,
    field_of,
    fitting,
    parameters,
    rate,
    sample,
    torque_of,
)
from spinlib.dynamics._sphere import length, normalised

__all__ = ["integrate_stochastic_llg"]

_Real: TypeAlias = NDArray[np.float64]
_Law: TypeAlias = Callable[[_Real, float], ArrayLike]
_Seed: TypeAlias = int | np.random.Generator | None

_settings: Any = numba.config  # its attributes are made from the environment at run time

_COARSE = 0.2  # of a radian of precession, or of the thermal variance, in one step: the scheme is of first order
_REFUSED = 1.0  # of the same
_BLOCK = 2**18  # random numbers that are held at a time


@dataclass(frozen=True)
class StochasticRun(Table):
    """Trajectories of the stochastic LLG equation.

    Args:
        time: t [s], ``(R,)``, the first entry 0.
        m: unit vectors ``(R, ..., 3)``, the first entry m0.
        thermal_field: rms of each component of the thermal field in each step [T]; no column of the table.
    """

    _vectors: ClassVar[tuple[str, ...]] = ("m",)
    _units: ClassVar[Mapping[str, str]] = {"time": "s"}

    time: _Real
    m: _Real
    thermal_field: float

    def _entries(self) -> Iterator[tuple[str, str, NDArray[Any]]]:
        return (entry for entry in super()._entries() if entry[0] != "thermal_field")


def integrate_stochastic_llg(
    m0: ArrayLike,
    field: ArrayLike | _Law,
    time_step: float,
    steps: int,
    *,
    alpha: float,
    magnetic_moment: float,
    temperature: float,
    gyromagnetic_ratio: float = units.gyromagnetic_ratio,
    torque: _Law | None = None,
    seed: _Seed = None,
    record_every: int = 1,
    threads: int | None = None,
) -> StochasticRun:
    r"""Return trajectories of dm/dt = -gamma m x (H + h) + alpha m x dm/dt + tau with Brown's field h, BTBK (8).

    <h_i(t) h_j(t')> = 2 alpha k_B T/(gamma M_s V) delta_ij delta(t - t'), read in Stratonovich's sense. Heun's scheme,
    the same noise in both stages, m renormalised after each: moments of the stationary law are off by a first order in
    ``time_step``, the motion at T = 0 by a second.

    Each trajectory draws from a stream of its own. What it does depends neither on the number of trajectories that
    follow, nor on ``threads``, nor on ``record_every``; a run of more steps begins like one of fewer. A constant field
    or a :class:`~spinlib.dynamics.macrospin.LinearField`, without a torque or with a
    :class:`~spinlib.dynamics.macrospin.SpinTorque`, runs compiled: a step takes some 60 ns, the start of a trajectory
    as long as 500 steps. Any other callable runs in NumPy on the same random numbers, all trajectories at once; a step
    then takes some 100 us, and 1 us more for each trajectory.

    Args:
        m0: m at t = 0, unit vectors ``(..., 3)``: independent trajectories.
        field: H [T], constant ``(3,)``, or a callable ``field(m, t)``; without h. Callables get a read-only m.
        time_step: dt [s]. Warned where gamma B dt or 2 alpha gamma k_B T dt/M_s V, the thermal variance of a step,
            exceeds 0.2, refused above 1. gamma B counts field and torque: if compiled the largest on the sphere, else
            the largest that was met, so that a run may be refused on its way.
        steps: number of steps, at least 1.
        alpha: Gilbert damping, one number >= 0, pumping included; h comes with all of it.
        magnetic_moment: M_s V [A m^2], of the whole magnet: not per area.
        temperature: T [K], >= 0.
        gyromagnetic_ratio: gamma [rad/(s T)].
        torque: a callable ``torque(m, t)`` [1/s] in the Gilbert form, or None; it has no noise of its own. A
            ``ValveTorque`` that pumps is refused, as is all that has a method ``at`` and no ``pumping`` False.
        seed: an integer or a generator, which is left as it is but for the number of its children; None draws anew.
        record_every: steps from one record to the next; steps that remain after the last record are not made.
        threads: for the compiled part; the environment's ``NUMBA_NUM_THREADS``, or one for each core, if None.

    Returns:
        Record with ``time`` ``(R,)``, ``m`` ``(R, ..., 3)``, R = steps//record_every + 1, and ``thermal_field``.

    Raises:
        ValueError: a number outside its range, an ``alpha`` that is a tensor (its h would not be isotropic), an m0 off
            unit length, a law of wrong shape or value (the message names the time), fewer steps than ``record_every``,
            or a step that resolves nothing.

    >>> from spinlib.units import k_B
    >>> run = integrate_stochastic_llg((0, 0, 1.0), (0, 0, 1.0), 1e-13, 50, alpha=0.5, magnetic_moment=1e-18,
    ...     temperature=1e-21 / k_B, gyromagnetic_ratio=1e12, seed=1, record_every=25)
    >>> run.m.shape, round(run.thermal_field, 12)
    ((3, 3), 0.1)
    """
    start = unit("m0", m0)
    law, push = field_of(field), torque_of(torque)
    dt, gamma = number("time_step", time_step, positive), number("gyromagnetic_ratio", gyromagnetic_ratio, positive)
    loss, moment = _damping(alpha), number("magnetic_moment", magnetic_moment, positive)
    heat = units.k_B * number("temperature", temperature, not_negative)
    every = integer("record_every", record_every, 1)
    records = integer("steps", steps, 1) // every
    remedy = f"pass record_every <= {steps}, or nothing but m0 is kept"
    require("record_every", every, records >= 1, f"exceeds steps = {steps}", remedy)
    workers = _settings.NUMBA_NUM_THREADS if threads is None else integer("threads", threads, 1)
    fitting(push, gamma)
    _without_pumping(push)
    noise = 2 * loss * gamma * heat / moment
    compiled = compiles(law, push)
    turning = _fastest(law, push, start, gamma)
    with np.errstate(over="ignore"):
        size = float(np.sqrt(np.float64(noise) / dt))
    require("time_step", dt, np.isfinite(size), "lets the thermal field overflow", "pass time_step in seconds")
    coarse = _resolved(dt, turning, noise)

    path = np.empty((records + 1, *start.shape))
    path[0] = start
    each = path.reshape(records + 1, -1, 3)
    streams = generator(seed).spawn(each.shape[1])
    if compiled:
        given = parameters(law, push, damping_tensor(loss), gamma)  # type: ignore[arg-type]
        halt = np.zeros(1, dtype=np.bool_)

        def walk(first: int) -> None:
            for i in range(first, len(streams), workers):
                _walk(each, i, given, streams[i], size, dt, every, halt)

        with ThreadPoolExecutor(workers) as pool:
            try:
                list(pool.map(walk, range(min(workers, len(streams)))))
            except BaseException:  # an interrupt, above all
                halt[0] = True
                pool.shutdown(cancel_futures=True)
                raise
    else:
        limit = _REFUSED if coarse else _COARSE
        _walk_together(path, (law, push), (gamma, loss), streams, size, dt, every, limit)
    time = np.arange(records + 1, dtype=np.float64) * (every * dt)
    return StochasticRun(time, path, size / gamma)


@kernel
def _walk(
    path: _Real,
    i: int,
    given: _Real,
    stream: np.random.Generator,
    size: float,
    dt: float,
    every: int,
    halt: NDArray[np.bool_],
) -> None:
    """Fill ``path[:, i]`` ``(R, 3)`` from its first entry on; ``size`` is gamma times the rms thermal field.

    It stops as soon as ``halt[0]`` is set by another thread.
    """
    x, y, z = path[0, i, 0], path[0, i, 1], path[0, i, 2]
    for record in range(1, path.shape[0]):
        for _ in range(every):
            if halt[0]:
                return
            hx = size * stream.standard_normal()
            hy = size * stream.standard_normal()
            hz = size * stream.standard_normal()
            ax, ay, az = rate(x, y, z, (hx, hy, hz), given)
            u, v, w = x + dt * ax, y + dt * ay, z + dt * az
            scale = 1.0 / np.sqrt(u * u + v * v + w * w)
            bx, by, bz = rate(scale * u, scale * v, scale * w, (hx, hy, hz), given)
            x, y, z = x + 0.5 * dt * (ax + bx), y + 0.5 * dt * (ay + by), z + 0.5 * dt * (az + bz)
            scale = 1.0 / np.sqrt(x * x + y * y + z * z)
            x, y, z = scale * x, scale * y, scale * z
        path[record, i, 0], path[record, i, 1], path[record, i, 2] = x, y, z


def _walk_together(
    path: _Real,
    laws: tuple[_Law, _Law | None],
    given: tuple[float, float],
    streams: list[np.random.Generator],
    size: float,
    dt: float,
    every: int,
    limit: float,
) -> None:
    """Do what :func:`_walk` does, for all trajectories at once and any laws; ``path`` is ``(R, ..., 3)``.

    The rates that the laws give on the way are looked at where they turn m by more than ``limit`` in a step.
    """
    field, torque = laws
    gamma, alpha = given

    def moved(m: _Real, t: float, kick: _Real) -> _Real:
        nonlocal limit
        b = gamma * sample("field", field, m, t)
        drive = -np.cross(m, b + kick)
        turning = length(b)
        if torque is not None:
            push = sample("torque", torque, m, t)
            drive = drive + push
            turning = turning + length(push)
        fastest = float(turning.max(initial=0.0))
        if fastest * dt > limit:
            _resolved(dt, fastest, size**2 * dt, t, level=5)
            limit = _REFUSED  # warned once
        return np.asarray((drive + alpha * np.cross(m, drive)) / (1 + alpha**2))

    m, done, total = path[0], 0, (len(path) - 1) * every
    block = max(1, _BLOCK // (3 * max(1, len(streams))))
    while done < total:
        count = min(block, total - done)
        kicks = np.array([size * stream.standard_normal((count, 3)) for stream in streams]).reshape(-1, count, 3)
        for kick in np.moveaxis(kicks, 1, 0):
            along = kick.reshape(m.shape)
            first = moved(m, done * dt, along)
            second = moved(normalised(m + dt * first), (done + 1) * dt, along)
            m = normalised(m + dt / 2 * (first + second))
            done += 1
            if done % every == 0:
                path[done // every] = m


def _fastest(law: LinearField | _Law, push: _Law | None, m: _Real, gamma: float) -> float:
    """Return gamma B [rad/s] of field and torque: at ``m``, or for those with few parameters a bound on the sphere."""
    field = law._largest if isinstance(law, LinearField) else length(sample("field", law, m, 0.0)).max(initial=0.0)
    torque = 0.0
    if isinstance(push, SpinTorque):
        torque = push._largest
    elif push is not None:
        torque = length(sample("torque", push, m, 0.0)).max(initial=0.0)
    return float(gamma * field + torque)


def _resolved(dt: float, turning: float, noise: float, time: float | None = None, level: int = 3) -> bool:
    """Refuse a step in which m turns by a radian, by the field or by the thermal one; warn, and say so, above a fifth.

    ``time`` is that of rates met on the way, ``level`` counts the calls from the user's to the warning.
    """
    fastest = max(turning, noise)
    remedy = "" if fastest == 0 else f"pass time_step <= {_COARSE / fastest:.3g}"
    angle, kick = turning * dt, np.sqrt(noise * dt)
    place = "" if time is None else f" at t = {time:.3g} s"
    problem = f"lets field and torque turn m by {angle:.3g} rad in a step{place}"
    require("time_step", dt, angle <= _REFUSED, problem, remedy)
    problem = f"lets the thermal field turn m by {kick:.3g} rad (rms) in a step"
    require("time_step", dt, kick <= _REFUSED, problem, remedy)
    coarse = fastest * dt > _COARSE
    if coarse:
        text = f"time_step = {dt:.3g} is coarse{place} (gamma B dt = {angle:.2g}, thermal variance {kick**2:.2g})"
        warnings.warn(f"{text}: the error is of first order in it; {remedy}", stacklevel=level)
    return bool(coarse)


def _without_pumping(push: _Law | None) -> None:
    """Refuse a torque that pumps."""
    if getattr(push, "pumping", hasattr(push, "at")):
        remedy = "pass one with pumping=False and add the pumping to alpha, which brings the noise of the spin current"
        raise ValueError(f"torque = {type(push).__name__} pumps, and its damping without noise would cool m: {remedy}")


def _damping(alpha: ArrayLike) -> float:
    """Return alpha as a float, or refuse a tensor with the reason."""
    value = real("alpha", alpha, "pass one number alpha >= 0")
    if value.ndim:
        raise ValueError(
            f"alpha has shape {value.shape}: pass one number; the thermal field of a damping tensor is not isotropic"
        )
    return float(not_negative("alpha", value))
