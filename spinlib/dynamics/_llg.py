"""The LLG equation that the rooms of dynamics share: fields and torques with few parameters, and their compiled rate.

The rate is solved for: with r = -gamma m x H + tau and a symmetric damping tensor alpha, (1 - O alpha) dm/dt = r gives
dm/dt = [r + m x (alpha r)]/(1 + m.adj(alpha).m), because the trace of O alpha vanishes.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._jit import kernel
from spinlib._validate import number, real, require, shaped, symmetric, unit, vectors

__all__ = [
    "LinearField",
    "SpinTorque",
    "compiles",
    "damping_tensor",
    "field_of",
    "fitting",
    "parameters",
    "rate",
    "read_only",
    "sample",
    "torque_of",
]

_Real: TypeAlias = NDArray[np.float64]
_Law: TypeAlias = Callable[[_Real, float], ArrayLike]

_ROUNDING = 1e-12
_SAME = 1e-9
_VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))


@dataclass(frozen=True, eq=False)
class LinearField:
    r"""Field B + K m of the energy -M_s V (B.m + m.K.m/2): applied field, anisotropies and demagnetisation.

    A callable ``field(m, t)`` with few parameters, so that the integrators can run it compiled.

    Args:
        applied: B [T], ``(3,)``.
        tensor: K [T], symmetric ``(3, 3)``: an easy axis n of field B_K is B_K n n^T, a film with normal n has
            -mu_0 M_s n n^T.

    Raises:
        ValueError: shapes differ from these, a number is not finite, or ``tensor`` is not symmetric.

    >>> LinearField(applied=(0, 0, 1.0), tensor=np.diag([0, -0.5, 0]))(np.array([0.0, 1.0, 0.0]), 0.0)
    array([ 0. , -0.5,  1. ])
    """

    applied: ArrayLike = (0.0, 0.0, 0.0)
    tensor: ArrayLike = field(default_factory=lambda: np.zeros((3, 3)))

    def __post_init__(self) -> None:
        for name, shape in (("applied", (3,)), ("tensor", (3, 3))):
            array = shaped(name, getattr(self, name), shape)
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        symmetric("tensor", np.asarray(self.tensor), "no energy has such a field")

    @property
    def _largest(self) -> float:
        """Bound of the field on the sphere [T]."""
        return float(np.linalg.norm(np.asarray(self.applied)) + np.linalg.norm(np.asarray(self.tensor), 2))

    def __call__(self, m: ArrayLike, t: float = 0.0) -> _Real:  # noqa: ARG002 (the signature of every law)
        """Return the field [T] of ``m`` ``(..., 3)``; it does not depend on the time."""
        return np.asarray(np.asarray(self.applied) + vectors("m", m) @ np.asarray(self.tensor))


@dataclass(frozen=True, eq=False)
class SpinTorque:
    r"""Torque [A m x (p x m) + B p x m]/(1 + c p.m) of a fixed polariser.

    A callable ``torque(m, t)`` with few parameters, so that the integrators can run it compiled. Names and signs are
    those of :func:`spinlib.conventions.gilbert_to_landau_lifshitz`: it stands in the Gilbert form.

    Args:
        polarizer: p, unit vector ``(3,)``: the direction of the absorbed moments.
        damping_like: A [1/s]; positive: m turns towards p.
        field_like: B [1/s]; positive: m precesses about p as about a field B/gamma.
        asymmetry: c, dimensionless, -1 < c < 1; (Lambda^2 - 1)/(Lambda^2 + 1) of a symmetric valve.

    Raises:
        ValueError: ``polarizer`` is no unit vector, a number is not finite, or |c| >= 1.

    >>> SpinTorque((0, 0, 1), damping_like=2.0, field_like=3.0)(np.array([1.0, 0.0, 0.0]), 0.0)
    array([0., 3., 2.])
    """

    polarizer: ArrayLike
    damping_like: float
    field_like: float = 0.0
    asymmetry: float = 0.0

    def __post_init__(self) -> None:
        direction = unit("polarizer", shaped("polarizer", self.polarizer, (3,)))
        direction.flags.writeable = False
        object.__setattr__(self, "polarizer", direction)
        for name in ("damping_like", "field_like", "asymmetry"):
            object.__setattr__(self, name, number(name, getattr(self, name)))
        inside = abs(self.asymmetry) < 1
        require("asymmetry", self.asymmetry, inside, "lets the torque diverge", "pass -1 < asymmetry < 1")

    @property
    def _largest(self) -> float:
        """Bound of the torque on the sphere [1/s]."""
        return float(np.hypot(self.damping_like, self.field_like) / (1 - abs(self.asymmetry)))

    def __call__(self, m: ArrayLike, t: float = 0.0) -> _Real:  # noqa: ARG002 (the signature of every law)
        """Return the torque [1/s] on ``m`` ``(..., 3)``; it does not depend on the time."""
        p, n = np.asarray(self.polarizer), vectors("m", m)
        along = np.einsum("i,...i->...", p, n)[..., None]
        torque = self.damping_like * (p - along * n) + self.field_like * np.cross(p, n)
        return np.asarray(torque / (1 + self.asymmetry * along))


def field_of(value: ArrayLike | _Law) -> LinearField | _Law:
    """Return a field as a callable; a constant ``(3,)`` array becomes a :class:`LinearField`.

    >>> field_of((0, 0, 1.0)).applied
    array([0., 0., 1.])
    """
    if callable(value):
        return value
    remedy = "pass a constant (3,) array in tesla or a callable field(m, t)"
    return LinearField(shaped("field", value, (3,), remedy))


def torque_of(value: _Law | None) -> _Law | None:
    """Return a torque, which is a callable or None, or refuse it.

    >>> torque_of((0, 0, 1.0))
    Traceback (most recent call last):
    ...
    ValueError: torque = (0, 0, 1.0) is not callable: pass torque(m, t) in 1/s, a SpinTorque, or None
    """
    if value is None or callable(value):
        return value
    raise ValueError(f"torque = {value!r} is not callable: pass torque(m, t) in 1/s, a SpinTorque, or None")


def compiles(field: LinearField | _Law, torque: _Law | None) -> bool:
    """Return whether :func:`rate` knows field and torque.

    >>> compiles(LinearField(), None), compiles(LinearField(), lambda m, t: m)
    (True, False)
    """
    return isinstance(field, LinearField) and (torque is None or isinstance(torque, SpinTorque))


def fitting(torque: _Law | None, gyromagnetic_ratio: float) -> None:
    """Refuse a torque that belongs to another gyromagnetic ratio.

    >>> def torque(m, t): ...
    >>> torque.gyromagnetic_ratio = 2.0
    >>> fitting(torque, 1.0)
    Traceback (most recent call last):
    ...
    ValueError: gyromagnetic_ratio = 1 is not the 2 of torque: pass one gyromagnetic_ratio to both
    """
    own = number("gyromagnetic_ratio of torque", getattr(torque, "gyromagnetic_ratio", gyromagnetic_ratio))
    same = abs(own - gyromagnetic_ratio) <= _SAME * gyromagnetic_ratio
    remedy = "pass one gyromagnetic_ratio to both"
    require("gyromagnetic_ratio", gyromagnetic_ratio, same, f"is not the {own:.10g} of torque", remedy)


def read_only(m: _Real) -> _Real:
    """Return a view of ``m`` that a law cannot write to.

    >>> read_only(np.ones(3)).flags.writeable
    False
    """
    view = m.view()
    view.flags.writeable = False
    return view


def sample(name: str, law: _Law, m: _Real, t: float) -> _Real:
    """Return ``law(m, t)`` in the shape of ``m``, or refuse what is no field of real vectors, with the time.

    >>> sample("field", lambda m, t: 1.0, np.zeros((2, 3)), 0.5)
    Traceback (most recent call last):
    ...
    ValueError: at t = 0.5 s field(m, t) has shape (): pass vectors of shape (..., 3), in the order x, y, z
    """
    found = law(read_only(m), t)
    try:
        value = vectors(f"{name}(m, t)", found)
    except ValueError as error:
        raise ValueError(f"at t = {t:.6g} s {error}") from None
    try:
        return np.broadcast_to(value, m.shape)
    except ValueError:
        remedy = "return one vector for each m"
        raise ValueError(f"{name}(m, t) has shape {value.shape} for m of shape {m.shape}: {remedy}") from None


def damping_tensor(alpha: ArrayLike) -> _Real:
    """Return the Gilbert damping, a number or a symmetric ``(3, 3)`` tensor, as a tensor, or refuse it.

    >>> damping_tensor(-0.1)
    Traceback (most recent call last):
    ...
    ValueError: alpha = -0.1 is negative: pass alpha >= 0, or a symmetric (3, 3) tensor without negative eigenvalue
    """
    remedy = "pass alpha >= 0, or a symmetric (3, 3) tensor without negative eigenvalue"
    tensor = real("alpha", alpha, remedy)
    if tensor.ndim == 0:
        require("alpha", tensor, tensor >= 0, "is negative", remedy)
        return np.asarray(tensor * np.eye(3))
    if tensor.shape != (3, 3):
        raise ValueError(f"alpha has shape {tensor.shape}: {remedy}")
    tensor = symmetric("alpha", tensor, remedy)
    least, size = np.linalg.eigvalsh(tensor)[0], np.abs(tensor).max()
    require("smallest eigenvalue of alpha", least, least >= -_ROUNDING * size, "is negative", remedy)
    return tensor


def parameters(field: LinearField, torque: SpinTorque | None, alpha: _Real, gyromagnetic_ratio: float) -> _Real:
    """Return what :func:`rate` needs, ``(27,)``: gamma B, gamma K, alpha, p, (A, B, c), adj(alpha).

    Symmetric tensors are stored as xx, yy, zz, yz, xz, xy.

    >>> parameters(LinearField((0, 0, 1.0)), None, damping_tensor(0.5), 2.0)[[2, 9, 21]]
    array([2.  , 0.5 , 0.25])
    """
    adjugate = np.cross(alpha[[1, 2, 0]], alpha[[2, 0, 1]])
    polarizer, size = (np.zeros(3), np.zeros(3)) if torque is None else (np.asarray(torque.polarizer), _sizes(torque))
    stored = [np.array([tensor[place] for place in _VOIGT]) for tensor in (np.asarray(field.tensor), alpha, adjugate)]
    gamma = gyromagnetic_ratio
    return np.concatenate([gamma * np.asarray(field.applied), gamma * stored[0], stored[1], polarizer, size, stored[2]])


@kernel
def rate(x: float, y: float, z: float, kick: tuple[float, float, float], given: _Real) -> tuple[float, float, float]:
    """Return dm/dt of m = (x, y, z) [1/s]; ``kick`` is gamma times a field beside that of :func:`parameters`.

    >>> rate(1.0, 0.0, 0.0, (0.0, 0.0, 2.0), parameters(LinearField(), None, damping_tensor(0.5), 1.0))
    (0.0, 1.6, 0.8)
    """
    p = given
    hx = kick[0] + p[0] + p[3] * x + p[8] * y + p[7] * z
    hy = kick[1] + p[1] + p[8] * x + p[4] * y + p[6] * z
    hz = kick[2] + p[2] + p[7] * x + p[6] * y + p[5] * z
    px, py, pz = p[15], p[16], p[17]
    along = px * x + py * y + pz * z
    scale = 1.0 / (1.0 + p[20] * along)
    a, b = scale * p[18], scale * p[19]
    square = x * x + y * y + z * z
    # -m x (gamma H + B p) + A [p m^2 - m (m.p)]
    hx, hy, hz = hx + b * px, hy + b * py, hz + b * pz
    rx = z * hy - y * hz + a * (px * square - along * x)
    ry = x * hz - z * hx + a * (py * square - along * y)
    rz = y * hx - x * hy + a * (pz * square - along * z)
    ax = p[9] * rx + p[14] * ry + p[13] * rz
    ay = p[14] * rx + p[10] * ry + p[12] * rz
    az = p[13] * rx + p[12] * ry + p[11] * rz
    spread = p[21] * x * x + p[22] * y * y + p[23] * z * z + 2.0 * (p[24] * y * z + p[25] * x * z + p[26] * x * y)
    share = 1.0 / (1.0 + spread)
    return (
        share * (rx + y * az - z * ay),
        share * (ry + z * ax - x * az),
        share * (rz + x * ay - y * ax),
    )


def _sizes(torque: SpinTorque) -> _Real:
    return np.array([torque.damping_like, torque.field_like, torque.asymmetry])
