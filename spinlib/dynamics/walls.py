r"""Domain walls: their profiles, and how a field and a current move them (BTBK 11, 13, Figure 7).

Arrows are moments. A current is given by its drift u = gamma hbar P J/(2 e M_s), J the density of the *electron* flow:
dm/dt = -gamma m x H + alpha m x dm/dt - u dm/dx + beta u m x dm/dx, the corrected (11).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._table import Table
from spinlib._validate import float_or_array, not_negative, number, place, positive, real, require, together
from spinlib.units import gyromagnetic_ratio as free_electron

__all__ = ["DomainWall", "wall_motion", "wall_profile"]

_Real = NDArray[np.float64]
_Motion = tuple[float, float, float]  # velocity, precession, angle

# Components x, y, z of a wall: 0 stands for zero, f for sech, g for -tanh of the distance from the centre.
_KINDS = {"neel": "f0g", "rotated_neel": "g0f", "bloch": "gf0"}
# The mesh in widths of the wall, its default and its limits. The held ends pull at the wall as exp(-window): 16 widths
# slow it by 2e-3 of its velocity at a drift of 1 m/s, 24 by 1e-5 at a tenth of that.
_WINDOW, _LEAST_WINDOW, _MOST_CELLS = 24.0, 20.0, 2000
_CELL, _LARGEST_CELL = 0.3, 0.4
_NODES = 2**17


class _Drive(NamedTuple):
    """Reduced parameters and drive: length sqrt(A/K), time M_s/(2 gamma K), field 2K/M_s."""

    kappa: float
    alpha: float
    beta: float
    drift: float
    field: float


@dataclass(frozen=True)
class DomainWall:
    r"""A wall in a wire along x between a domain along +z (left) and one along -z: easy axis z, hard axis y.

    Energy per volume A |dm/dx|^2 - K m_z^2 + K_perp m_y^2 - M_s B m_z; at rest the moment at the centre lies along x.
    With kappa = K_perp/K the wall follows a drive at a constant azimuth phi, its width being
    ``width``/sqrt(1 + kappa sin^2 phi), as long as an azimuth exists where

        M_s B/2K + (beta - alpha)(M_s u/(2 gamma sqrt(AK))) sqrt(1 + kappa sin^2 phi) = (alpha kappa/2) sin 2 phi.

    The steady motion and its limits are exact in one dimension (Walker's solution). Beyond, phi rotates.
    ``walker_drift`` and ``walker_field`` are the limits without field and without drift.

    Args:
        exchange_stiffness: A [J/m], positive.
        anisotropy: K [J/m^3], positive, demagnetisation included.
        hard_axis_anisotropy: K_perp [J/m^3], 0 or more; with 0 every drive rotates the wall, unless beta = alpha.
        saturation_magnetization: M_s [A/m], positive.
        alpha: Gilbert damping, 0 or more.
        beta: non-adiabaticity of the drift, any sign.
        gyromagnetic_ratio: gamma [rad/(s T)], positive.

    Raises:
        ValueError: an argument is out of range or not one finite number.

    >>> wall = DomainWall(4.0, 1.0, 3.0, 2.0, alpha=0.5, beta=0.25, gyromagnetic_ratio=1.0)
    >>> wall.width, wall.walker_drift, wall.walker_field
    (2.0, 4.0, 0.75)
    """

    exchange_stiffness: float
    anisotropy: float
    hard_axis_anisotropy: float
    saturation_magnetization: float
    alpha: float
    beta: float
    gyromagnetic_ratio: float = free_electron

    def __post_init__(self) -> None:
        rules: dict[str, Callable[[str, ArrayLike], _Real]] = {
            "hard_axis_anisotropy": not_negative,
            "alpha": not_negative,
            "beta": real,
        }
        for name in (field.name for field in fields(self)):
            object.__setattr__(self, name, number(name, getattr(self, name), rules.get(name, positive)))

    @property
    def width(self) -> float:
        """Width at rest, sqrt(A/K) [m]."""
        return float(np.sqrt(self.exchange_stiffness / self.anisotropy))

    @property
    def walker_drift(self) -> float:
        """Largest drift that a wall without field follows at a constant azimuth [m/s]; infinite for beta = alpha."""
        if self.beta == self.alpha:
            return float("inf")
        share = self.alpha / abs(self.beta - self.alpha)
        return share * (float(np.sqrt(1 + self._kappa)) - 1) * self.width / self._time

    @property
    def walker_field(self) -> float:
        """Largest field that a wall without drift follows at a constant azimuth, alpha K_perp/M_s [T]."""
        return self.alpha * self.hard_axis_anisotropy / self.saturation_magnetization

    @property
    def _kappa(self) -> float:
        return self.hard_axis_anisotropy / self.anisotropy

    @property
    def _time(self) -> float:
        """Unit of time M_s/(2 gamma K) [s]."""
        return self.saturation_magnetization / (2 * self.gyromagnetic_ratio * self.anisotropy)

    def _reduced(self, drift: float, field: float) -> _Drive:
        scale = self.saturation_magnetization / (2 * self.anisotropy)
        return _Drive(self._kappa, self.alpha, self.beta, drift * self._time / self.width, field * scale)


@dataclass(frozen=True, eq=False)
class WallMotion(Table):
    """Result of :func:`wall_motion`: floats, or arrays of the shape of drift and field.

    Args:
        velocity: of the centre, averaged over time, positive along +x [m/s].
        precession: of the azimuth, averaged over time, from x to y [rad/s]; 0 if the wall is locked.
        angle: azimuth of a locked wall [rad], nan if it rotates.
    """

    _units: ClassVar[Mapping[str, str]] = {"velocity": "m/s", "precession": "rad/s", "angle": "rad"}

    velocity: float | _Real
    precession: float | _Real
    angle: float | _Real


def wall_motion(
    wall: DomainWall,
    drift: ArrayLike = 0.0,
    field: ArrayLike = 0.0,
    *,
    method: str = "collective",
    window: float | None = None,
    cell: float | None = None,
) -> WallMotion:
    r"""Return how a wall moves under a constant drift and a constant field, after transients.

    With q its centre, phi its azimuth, Delta its width: dphi/dt + alpha dq/dt/Delta = gamma B + beta u/Delta and
    dq/dt/Delta - alpha dphi/dt = (gamma K_perp/M_s) sin 2 phi + u/Delta. The wall starts at phi = 0.

    Args:
        wall: its parameters.
        drift: u along the electron flow, positive along +x [m/s], ``(...,)``.
        field: B along +z, which drives the wall along +x [T], ``(...,)``.
        method: ``"collective"``, two coordinates with Delta(phi) = width/sqrt(1 + kappa sin^2 phi): exact below the
            threshold; above it the width would have to follow at once. At alpha = 0.1 that is off by 0.1-0.5 % under a
            drift and 2 % in a field of three thresholds for kappa <= 1, by 21 % in such a field for kappa = 3 and 85 %
            for kappa = 5, by 5 % and 11 % under a drift for kappa = 5 and 20; the error falls as alpha^2. ``"rigid"``,
            Delta = width. Both average without time steps and leave out that a strong drive breaks up the domains.
            ``"micromagnetic"``, the LLG equation in one dimension, run until its averages repeat; refuses such a drive.
            Its default mesh gives averages within 3e-4 of a finer one.
        window: of ``"micromagnetic"`` [m], by default 24 widths. The held ends of a window reflect spin waves, which a
            wall radiates in strong fields. Where they get that far the default widens, up to 2000 cells; a window that
            was passed is refused.
        cell: of ``"micromagnetic"`` [m], by default 0.3 widths of the narrowest wall, at most 0.25 widths at rest.

    Returns:
        WallMotion. Close to its threshold a wall takes ever longer to lock or to turn. At kappa near 1 and alpha = 0.1
        ``"micromagnetic"`` decides for drives that are 0.1 % off in a second; still closer the mesh itself shifts the
        threshold. The time grows as 1/(alpha kappa): a second or two at 1e-3, a RuntimeError from 1e-4 down. So ends
        mostly, too, a wall of alpha < 0.05 in a field above half of 2K/M_s: its waves get far, or it does not repeat.

    Raises:
        ValueError: ``method`` is unknown, an argument is not finite, shapes do not broadcast; and for
            ``"micromagnetic"``: ``alpha`` = 0, domains that the drive breaks up, a window narrower than the wall needs
            or reached by its spin waves (the message names one that is not), a cell that does not resolve it.
        RuntimeError: no steady motion within the work that ``"micromagnetic"`` allows itself, some ten seconds.

    >>> wall = DomainWall(1.0, 1.0, 1.0, 2.0, alpha=0.5, beta=1.0, gyromagnetic_ratio=1.0)
    >>> wall_motion(wall, drift=0.25).velocity
    0.5
    """
    if not isinstance(wall, DomainWall):
        raise ValueError(f"wall = {wall!r} is no wall: pass a DomainWall")
    if method not in ("rigid", "collective", "micromagnetic"):
        raise ValueError(f"method = {method!r} is unknown: pass 'rigid', 'collective' or 'micromagnetic'")
    u, b = together(drift=real("drift", drift), field=real("field", field))
    drives = {index: wall._reduced(float(u[index]), float(b[index])) for index in np.ndindex(u.shape)}
    points: list[_Motion] = []
    if method == "micromagnetic":
        mesh = _mesh(wall, window, cell)
        _whole_domains(wall, u, b)
        for index, drive in drives.items():
            given = f"drift{place(index)} = {u[index]:.6g} m/s, field{place(index)} = {b[index]:.6g} T"
            points.append(_micromagnetic(drive, *mesh, wall.width, window, given))
    else:
        for name, value in (("window", window), ("cell", cell)):
            if value is not None:
                raise ValueError(f"{name} = {value!r} has no meaning for {method!r}: leave it out")
        points = [_rigid(drive) if method == "rigid" else _collective(drive) for drive in drives.values()]
    velocity, precession, angle = (np.reshape([point[i] for point in points], u.shape) for i in range(3))
    return WallMotion(
        float_or_array(velocity * (wall.width / wall._time)),
        float_or_array(precession / wall._time),
        float_or_array(angle),
    )


def wall_profile(
    position: ArrayLike, *, width: ArrayLike, center: ArrayLike = 0.0, kind: str = "neel"
) -> tuple[_Real, _Real]:
    r"""Return the magnetisation of a domain wall along z or x and its derivative by the centre (BTBK Figure 7).

    With f = 1/cosh and g = -tanh of (position - center)/width: (f, 0, g) is a head-to-head Neel wall, (g, 0, f) a
    rotated Neel wall, (g, f, 0) a Bloch wall, if the position runs along z.

    Args:
        position: along the wire, any unit of length, ``(...,)``.
        width: lambda_w, positive, same unit, ``(...,)``: m turns by pi over about pi widths.
        center: r_w, same unit, ``(...,)``.
        kind: ``"neel"``, ``"rotated_neel"`` or ``"bloch"``, panels a, b and c of the figure.

    Returns:
        m, unit vectors ``(..., 3)``, and dm/d(center), ``(..., 3)`` [1/unit of length], which is -dm/d(position).

    Raises:
        ValueError: ``kind`` is unknown, ``width`` is not positive, or shapes do not broadcast.

    >>> wall_profile(0.0, width=2.0)
    (array([1., 0., 0.]), array([0. , 0. , 0.5]))
    """
    if kind not in tuple(_KINDS):  # also what has no hash
        raise ValueError(f"kind = {kind!r} is no wall: pass one of {', '.join(map(repr, _KINDS))}")
    scale = real("width", width)
    require("width", scale, scale > 0, "is not positive", "pass width > 0 in the unit of position")
    z, scale, middle = together(position=real("position", position), width=scale, center=real("center", center))
    x = (z - middle) / scale
    decay = np.exp(-np.abs(x))  # cosh itself overflows far from the wall
    f, g = 2 * decay / (1 + decay**2), 0.0 - np.tanh(x)  # 0.0 at the centre, not -0.0
    value = {"f": f, "g": g, "0": np.zeros_like(x)}
    slope = {"f": f * np.tanh(x) / scale, "g": f**2 / scale, "0": np.zeros_like(x)}
    order = _KINDS[kind]
    return np.stack([value[part] for part in order], axis=-1), np.stack([slope[part] for part in order], axis=-1)


def _locked(drive: _Drive, angle: float, steepness: float) -> _Motion:
    """Motion at a constant azimuth, by the balance of power if there is damping."""
    if drive.alpha:
        velocity = (drive.field / steepness + drive.beta * drive.drift) / drive.alpha
    else:
        velocity = drive.drift + drive.kappa / 2 * float(np.sin(2 * angle)) / steepness
    return velocity, 0.0, angle


def _rigid(drive: _Drive) -> _Motion:
    """Motion of a wall of constant width."""
    drag = drive.alpha * drive.kappa / 2
    push = drive.field + (drive.beta - drive.alpha) * drive.drift
    if abs(push) <= drag:
        return _locked(drive, float(np.arcsin(push / drag)) / 2 if drag else 0.0, 1.0)
    root = float(np.copysign(np.sqrt(abs(push) - drag) * np.sqrt(abs(push) + drag), push))
    turning = root / (1 + drive.alpha**2)
    # alpha <(kappa/2) sin 2 phi> = push - root, written without a difference of like numbers.
    return drive.drift + drag * drive.kappa / 2 / (push + root) + drive.alpha * turning, turning, float("nan")


def _collective(drive: _Drive) -> _Motion:
    """Motion of a wall whose width follows its azimuth."""
    from scipy.optimize import brentq  # what only needs a profile loads no solver

    alpha, kappa = drive.alpha, drive.kappa
    lean = (drive.beta - alpha) * drive.drift

    def steepness(phi: ArrayLike) -> _Real:
        return np.asarray(np.sqrt(1 + kappa * np.sin(phi) ** 2))

    def push(phi: ArrayLike) -> _Real:
        return np.asarray(drive.field + lean * steepness(phi) - alpha * kappa / 2 * np.sin(2 * np.asarray(phi)))

    def slope(phi: float) -> float:
        return float(abs(lean) * np.sin(2 * phi) / 2 / steepness(phi) - alpha * np.cos(2 * phi))

    # push = (1 + alpha^2) dphi/dt has one minimum and one maximum in its period pi; lean -> -lean mirrors them.
    first, second = brentq(slope, 0.0, 0.9), brentq(slope, np.pi / 2, np.pi / 2 + 0.9)
    low, high = (first, second) if lean >= 0 else (-second, -first)
    start = float(push(0.0))
    if push(low) <= 0 <= push(high):
        end = low % np.pi if start > 0 else high % np.pi - np.pi
        angle = float(brentq(push, 0.0, end, xtol=1e-14)) if start else 0.0
        return _locked(drive, angle, float(steepness(angle)))
    near, far = (low, high) if start > 0 else (high, low)
    # A periodic integrand, steep where the wall is slow: phi - near = atan(stretch tan psi) opens that place.
    least = abs(float(push(near)))
    stretch = (least / abs(float(push(far)))) ** 0.25
    reach = stretch * (float(np.arcsinh(1 / np.sqrt(kappa))) if kappa > 0.8 else 1.0)
    nodes = int(min(40 / reach + 16, _NODES))
    cos, sin = np.cos(np.pi * np.arange(nodes) / nodes), np.sin(np.pi * np.arange(nodes) / nodes)
    phi = near + np.arctan2(stretch * sin, cos)
    share = stretch / (cos**2 + (stretch * sin) ** 2) / nodes
    waiting = share * (1 + alpha**2) / push(phi)
    moved = waiting * kappa / 2 * np.sin(2 * phi) / steepness(phi) + share * alpha / steepness(phi)
    total = float(waiting.sum())
    return drive.drift + float(moved.sum()) / total, 1 / total, float("nan")


def _micromagnetic(drive: _Drive, cell: float, cells: int, width: float, window: float | None, given: str) -> _Motion:
    """Motion by the LLG equation; ``width`` [m], ``window`` and ``given`` word a refusal."""
    from spinlib.dynamics._wall_llg import settle  # nor a compiler

    answer, used = settle(drive, cell, cells, _MOST_CELLS)
    if answer is None and used > cells:
        raise RuntimeError(
            f"{given}: no steady motion of a wall that radiates spin waves to the ends of any window that a run can "
            "take: pass method='collective', a weaker drive, a larger cell, or a wall with more damping"
        )
    if answer is None:
        raise RuntimeError(
            f"{given}: no steady motion in the time of a run; close to its threshold, and at small alpha or kappa, a "
            "wall takes long: pass method='collective', or a drive further off"
        )
    if window is not None and used > cells:
        raise ValueError(
            f"window = {window:.6g} is reached by spin waves of a wall at {given}, and its ends reflect them: "
            f"pass window >= {used * cell * width:.6g} m, or leave it out"
        )
    return answer


def _mesh(wall: DomainWall, window: float | None, cell: float | None) -> tuple[float, int]:
    """Return the length of a cell, in widths, and the number of cells, or refuse them."""
    width, narrow = wall.width, 1 / float(np.sqrt(1 + wall._kappa))
    length = _WINDOW if window is None else number("window", window, positive) / width
    fine = min(_CELL * narrow, 0.25) if cell is None else number("cell", cell, positive) / width
    most = (_MOST_CELLS * _CELL / _WINDOW) ** 2 - 1
    remedy = f"pass method='collective', or hard_axis_anisotropy <= {most:.4g} anisotropy"
    require("hard_axis_anisotropy/anisotropy", wall._kappa, wall._kappa <= most, "makes the wall too narrow", remedy)
    remedy = f"pass window >= {_LEAST_WINDOW * width:.4g} m, {_LEAST_WINDOW:g} widths of the wall"
    require("window", length * width, length >= _LEAST_WINDOW, "is narrower than the wall needs", remedy)
    remedy = f"pass cell <= {_LARGEST_CELL * narrow * width:.4g} m, {_LARGEST_CELL:g} of its least width"
    require("cell", fine * width, fine <= _LARGEST_CELL * narrow, "does not resolve the wall", remedy)
    cells = length / fine
    remedy = f"pass window/cell <= {_MOST_CELLS} cells"
    require("window/cell", cells, cells <= _MOST_CELLS, "is more than a run can take", remedy)
    return fine, round(cells)


def _whole_domains(wall: DomainWall, drift: _Real, field: _Real) -> None:
    """Refuse what breaks up the domains.

    A spin wave of wavenumber k in the domain against the field grows if |u| |1 - beta/alpha| exceeds
    sqrt((p + k^2)(q + k^2))/k, p = 1 - |b|, q = p + kappa; the least value is sqrt(p) + sqrt(q).
    """
    remedy = "pass alpha > 0, or method='collective'"
    require("alpha", wall.alpha, wall.alpha > 0, "lets no transient decay", remedy)
    scale = 2 * wall.anisotropy / wall.saturation_magnetization
    rest = 1 - np.abs(field) / scale
    require("field", field, rest > 0, "reverses the domain against it", f"pass |field| < {scale:.4g} T, 2K/M_s")
    bearable = (np.sqrt(rest) + np.sqrt(rest + wall._kappa)) * wall.width / wall._time
    strength = abs(1 - wall.beta / wall.alpha)
    most = float(np.min(bearable, initial=np.inf)) / strength if strength else np.inf
    remedy = f"pass |drift| < {most:.4g} m/s, or method='collective', which leaves them out"
    require("drift", drift, np.abs(drift) * strength < bearable, "breaks up the domains beside the wall", remedy)
