"""Closed forms of the averaged F/N/F torque on layer b, and the coefficients that micromagnetic codes ask for.

Frame: m_b = z, m_a = (sin theta, 0, cos theta), both majority spins; electrons pass a first. With ``transport`` this is
``[a, normal_metal(n), b]``, ``source="left"``, layer 2. KK has the torque per voltage: -(eN/4 pi) times these values.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._table import Table
from spinlib._validate import finite, mixing_bound, real, require, shared_shape
from spinlib.scattering._algebra import batch_text, probability
from spinlib.scattering._hat import HatMatrix

__all__ = ["dirty_spacer_torque", "perfect_filter", "slonczewski_parameters", "weak_filter_torque"]

_STRUCTURE = 1e-12

_Real = NDArray[np.float64]
_Complex = NDArray[np.complex128]


def _vector(x: ArrayLike, y: ArrayLike) -> _Real:
    x, y = np.broadcast_arrays(x, y)
    return np.stack([x, y, np.zeros(x.shape)], axis=-1)


def perfect_filter(theta: ArrayLike, spacer_transmission: ArrayLike) -> tuple[_Real, _Real]:
    """Return torque and conductance between two perfect filters, T_up = 1 and T_down = 0 (KK 17).

    T_x = 2 n sin(theta) / (3 + cos(theta)), g = 4 n cos^2(theta/2) / (3 + cos(theta)), so T_x/g = tan(theta/2).

    Args:
        theta: angle between the majority spins [rad]; broadcasts.
        spacer_transmission: n = g_N/N, 0 < n <= 1; broadcasts.

    Returns:
        Torque on b ``(..., 3)`` in hbar/2 per channel, conductance ``(...,)`` in e^2/h per channel.

    Raises:
        ValueError: ``spacer_transmission`` outside (0, 1], ``theta`` not finite.

    >>> torque, conductance = perfect_filter(np.pi / 2, 1.0)
    >>> (torque * 3).round(12), (conductance * 3).round(12)
    (array([2., 0., 0.]), np.float64(2.0))
    """
    angle, n = real("theta", theta), probability("spacer_transmission", spacer_transmission, zero=False)
    shared_shape(theta=angle.shape, spacer_transmission=n.shape)
    scale = n / (3 + np.cos(angle))
    return _vector(2 * scale * np.sin(angle), 0.0), np.asarray(4 * scale * np.cos(angle / 2) ** 2)


def weak_filter_torque(
    theta: ArrayLike,
    spacer_transmission: ArrayLike,
    transmission_a: ArrayLike,
    asymmetry_a: ArrayLike,
    transmission_b: ArrayLike,
    asymmetry_b: ArrayLike,
) -> _Real:
    r"""Return the torque between weak filters of aligned phases, lowest order in the asymmetries (KK 18, corrected).

    T_x = n^2 sin(theta) delta_a delta_b^2 / ((1-b) [ab + n(a + b - 2ab)]^2); the relative error is of second order.

    Args:
        theta: angle between the majority spins [rad]; all arguments broadcast.
        spacer_transmission: n = g_N/N, 0 < n <= 1.
        transmission_a: a = (T_up + T_down)/2 of layer a.
        asymmetry_a: delta_a = (T_up - T_down)/2, with a +- delta_a within [0, 1].
        transmission_b: b of layer b.
        asymmetry_b: delta_b, with b +- delta_b within [0, 1].

    Returns:
        Torque on b ``(..., 3)`` in hbar/2 per channel; y and z vanish. 0 where b or a transmits nothing or everything.

    Raises:
        ValueError: n outside (0, 1], a probability a +- delta_a or b +- delta_b outside [0, 1], ``theta`` not finite.

    >>> weak_filter_torque(np.pi / 2, 1.0, 0.5, 0.15, 0.5, 0.15).round(12)
    array([0.012, 0.   , 0.   ])
    """
    angle, n = real("theta", theta), probability("spacer_transmission", spacer_transmission, zero=False)
    a, delta_a = _mean_and_asymmetry("a", transmission_a, asymmetry_a)
    b, delta_b = _mean_and_asymmetry("b", transmission_b, asymmetry_b)
    shared_shape(
        theta=angle.shape,
        spacer_transmission=n.shape,
        transmission_a=np.broadcast_shapes(a.shape, delta_a.shape),
        transmission_b=np.broadcast_shapes(b.shape, delta_b.shape),
    )
    filtering = n**2 * np.sin(angle) * delta_a * delta_b**2
    series = (1 - b) * (a * b + n * (a + b - 2 * a * b)) ** 2
    filtering, series = np.broadcast_arrays(filtering, series)
    # b = 0 or 1 leaves no room for an asymmetry, so the numerator vanishes faster.
    return _vector(np.divide(filtering, series, out=np.zeros(series.shape), where=filtering != 0), 0.0)


def _mean_and_asymmetry(layer: str, mean: ArrayLike, asymmetry: ArrayLike) -> tuple[_Real, _Real]:
    average, half = probability(f"transmission_{layer}", mean), real(f"asymmetry_{layer}", asymmetry)
    shared_shape(**{f"transmission_{layer}": average.shape, f"asymmetry_{layer}": half.shape})
    room = np.minimum(average, 1 - average)
    remedy = f"pass half of T_up - T_down, at most the smaller of transmission_{layer} and 1 - transmission_{layer}"
    require(f"asymmetry_{layer}", half, np.abs(half) <= room + _STRUCTURE, "makes a probability leave [0, 1]", remedy)
    return average, np.clip(half, -room, room)


def dirty_spacer_torque(
    theta: ArrayLike,
    spacer_transmission: ArrayLike,
    transmission_up_a: ArrayLike,
    transmission_down_a: ArrayLike,
    reflection_mixing_b: ArrayLike,
    transmission_mixing_b: ArrayLike,
) -> _Real:
    r"""Return the torque through a dirty spacer, to lowest order in n (KK 19 with the coefficient that KK leaves open).

    T_x - i T_y = n^2 sin(theta) (1/T_a,down - 1/T_a,up) (1 - rho_b - tau_b) / (1 - rho_b); its relative error is
    linear in n.

    Args:
        theta: angle between the majority spins [rad]; all arguments broadcast.
        spacer_transmission: n = g_N/N, 0 < n <= 1, small against T_a,up, T_a,down and \|1 - rho_b\|.
        transmission_up_a: T_a,up, 0 < T <= 1 (a perfect filter has another limit, KK 17).
        transmission_down_a: T_a,down, likewise.
        reflection_mixing_b: complex rho of b for incidence from the spacer, not 1 itself.
        transmission_mixing_b: complex tau of b for electrons coming from the spacer, \|rho_b\| + \|tau_b\| <= 1.

    Returns:
        Torque on b ``(..., 3)`` in hbar/2 per channel; z vanishes.

    Raises:
        ValueError: an argument outside its range.

    >>> dirty_spacer_torque(np.pi / 2, 0.01, 0.5, 0.25, 0.0, 0.0)
    array([0.0002, 0.    , 0.    ])
    """
    angle, n = real("theta", theta), probability("spacer_transmission", spacer_transmission, zero=False)
    up = probability("transmission_up_a", transmission_up_a, zero=False)
    down = probability("transmission_down_a", transmission_down_a, zero=False)
    rho = _bounded("reflection_mixing_b", reflection_mixing_b)
    tau = _bounded("transmission_mixing_b", transmission_mixing_b)
    remedy = "pass reflection_mixing_b != 1: the form needs n << |1 - reflection_mixing_b|; transport has no such limit"
    require("reflection_mixing_b", rho, rho != 1, "lets b absorb no transverse spin", remedy)
    shared_shape(
        theta=angle.shape,
        spacer_transmission=n.shape,
        transmission_up_a=up.shape,
        transmission_down_a=down.shape,
        reflection_mixing_b=rho.shape,
        transmission_mixing_b=tau.shape,
    )
    mixing_bound(reflection_mixing_b=rho, transmission_mixing_b=tau)
    transverse = n**2 * np.sin(angle) * (1 / down - 1 / up) * (1 - rho - tau) / (1 - rho)
    return _vector(transverse.real, 0.0 - transverse.imag)


def _bounded(name: str, value: ArrayLike) -> _Complex:
    remedy = f"pass |{name}| <= 1 (an average of products of amplitudes)"
    mixing = np.asarray(finite(name, value, remedy, complex_allowed=True), dtype=np.complex128)
    require(name, mixing, np.abs(mixing) <= 1 + _STRUCTURE, "is no mixing parameter", remedy)
    return mixing


@dataclass(frozen=True, eq=False, repr=False)
class SlonczewskiTorque(Table):
    """Angular dependence of the torque per electron, f(theta) = T_x/g on the free layer, in hbar/2.

    f = sin(theta) (constant + cosine cos(theta)) / (1 - cosine_squared cos^2(theta)). With one polarization P and one
    asymmetry L per magnet (a fixed, b free; Xiao, Zangwill and Stiles 2004) the same function reads
    f = sin(theta) [P_a L_a^2 (L_b^2 + 1) - P_b L_b^2 (L_a^2 - 1) cos(theta)]
        / [(L_a^2 + 1)(L_b^2 + 1) - (L_a^2 - 1)(L_b^2 - 1) cos^2(theta)].

    Args:
        constant: dimensionless, ``(...,)``.
        cosine: dimensionless, same shape.
        cosine_squared: dimensionless, same shape, at most 1.
        polarization: kappa P of a symmetric stack, else nan; then
            f = kappa P sin(theta) Lambda^2 / [(Lambda^2 + 1) + (Lambda^2 - 1) cos(theta)].
        asymmetry: Lambda of a symmetric stack (infinite for perfect filters), else nan.
        polarization_fixed: P_a, the share kappa included.
        polarization_free: P_b, likewise.
        asymmetry_fixed: L_a >= 1, infinite for a perfect filter.
        asymmetry_free: L_b, likewise.

    Raises:
        ValueError: coefficients of different shape.
    """

    constant: _Real
    cosine: _Real
    cosine_squared: _Real
    polarization: _Real
    asymmetry: _Real
    polarization_fixed: _Real
    polarization_free: _Real
    asymmetry_fixed: _Real
    asymmetry_free: _Real

    _units: ClassVar[Mapping[str, str]] = dict.fromkeys(("constant", "cosine"), "hbar/2 per electron")

    def __post_init__(self) -> None:
        for name in [field.name for field in fields(self)[1:]]:
            if np.shape(getattr(self, name)) != np.shape(self.constant):
                raise ValueError(f"{name} has shape {np.shape(getattr(self, name))}: pass {np.shape(self.constant)}")

    def __call__(self, theta: ArrayLike) -> _Real:
        """Return f(theta); theta [rad] broadcasts against the coefficients. 0 at an angle without transverse spin."""
        angle = real("theta", theta)
        shared_shape(theta=angle.shape, coefficients=np.shape(self.constant))
        sin, cos = np.sin(angle), np.cos(angle)
        # Between perfect filters numerator and denominator vanish together: write both from the nearer pole.
        north = cos > 0
        pole = np.where(north, self.constant + self.cosine, self.constant - self.cosine)
        away = 2 * np.where(north, -(np.sin(angle / 2) ** 2), np.cos(angle / 2) ** 2)
        below = sin**2 + (1 - self.cosine_squared) * cos**2
        above = sin * (pole + self.cosine * away)
        above, below = np.broadcast_arrays(above, below)
        return np.asarray(np.divide(above, below, out=np.zeros(above.shape), where=below > 0))

    def __repr__(self) -> str:
        if np.ndim(self.constant):
            return (
                f"SlonczewskiTorque(sets of coefficients={np.size(self.constant)}{batch_text(np.shape(self.constant))})"
            )
        names = [field.name for field in fields(self) if field.name not in ("polarization", "asymmetry")]
        return f"SlonczewskiTorque({', '.join(f'{name}={float(getattr(self, name)):.4g}' for name in names)})"


def slonczewski_parameters(fixed: HatMatrix, spacer_transmission: ArrayLike, free: HatMatrix) -> SlonczewskiTorque:
    r"""Return the exact angular dependence of the averaged torque per electron on ``free`` (resistances in series).

    With r_s = 1/T_s - 1/2, a_+- = (r_up +- r_down)/2 and z = 1/(1 - rho) - 1/2 of ``fixed`` (a) and ``free`` (b),
    r = 1/n - 1, Q = z_a + b_+ + r and kappa = (1 - rho_b - tau_b)/(1 - rho_b):
    f = kappa sin(theta) [-a_- Q + b_- (a_+ - z_a) cos(theta)]
        / [Q (a_+ + z_b + r) - (a_+ - z_a)(b_+ - z_b) cos^2(theta)].
    Shared so that both sides get the transverse resistance M = (z_a + z_b + r)/2, the spacer makes
    L_a^2 = (a_+ - z_a)/M + 1 and P_a = -kappa a_-/(L_a^2 M); the same for b.

    Args:
        fixed: magnet that electrons pass first, HatMatrix at theta = 0, without spin flip, real mixing.
        spacer_transmission: n = g_N/N, 0 < n <= 1; 1 for no spacer.
        free: magnet that takes the torque, likewise.

    Returns:
        SlonczewskiTorque; multiply by hbar/2e times the electron current for the torque in N m.

    Raises:
        ValueError: ``fixed`` or ``free`` is no HatMatrix, is rotated, flips spins, has complex mixing or is opaque.

    >>> from spinlib.scattering.stack import ferromagnet
    >>> law = slonczewski_parameters(ferromagnet(1, 0), 1.0, ferromagnet(1, 0))
    >>> float(law.polarization), float(law.asymmetry), float(law(np.pi / 2).round(12))
    (1.0, inf, 1.0)
    """
    n = probability("spacer_transmission", spacer_transmission, zero=False)
    for name, layer in {"fixed": fixed, "free": free}.items():
        _require_axial(name, layer)
    shared_shape(fixed=fixed._batch, free=free._batch, spacer_transmission=n.shape)
    r = 1 / n - 1
    # 1 - rho as a sum: the difference has no digits left for a nearly opaque layer.
    lost_a = _transverse_loss("fixed", fixed._absorption_prime + fixed.t_prime)
    lost_b = _transverse_loss("free", free._absorption + free.t)
    a, b = _Resistances(fixed.t, lost_a), _Resistances(free.t, lost_b)
    # Every resistance times 2 T_up T_down of its layer, so that perfect filters stay finite.
    z_a, z_b = a.transverse, b.transverse
    q = b.mean + b.scale * (z_a + r)
    d = a.mean + a.scale * (z_b + r)
    # a_+ >= z_a: 1 - rho >= (T_up + T_down)/2 by Cauchy and Schwarz. Rounding must not make an asymmetry below 1.
    excess_a, excess_b = np.maximum(a.mean - a.scale * z_a, 0), np.maximum(b.mean - b.scale * z_b, 0)
    kappa = free._absorption[..., 1, 1] / lost_b
    # Each side's share of the mean resistance, scaled like the layer's own; its transverse share is half of all.
    transverse = (z_a + z_b + r) / 2
    share_a, share_b = excess_a + a.scale * transverse, excess_b + b.scale * transverse
    p_a, p_b = kappa * (a.up - a.down) / share_a, kappa * (b.up - b.down) / share_b
    with np.errstate(divide="ignore"):
        l_a, l_b = np.sqrt(share_a / (a.scale * transverse)), np.sqrt(share_b / (b.scale * transverse))
    same = (a.up == b.up) & (a.down == b.down) & (np.abs(z_a - z_b) <= _STRUCTURE * np.abs(z_a))
    symmetric = [np.where(same, p_b, np.nan), np.where(same, l_b, np.nan)]
    constant = kappa * (a.up - a.down) / d
    # One by one: the product q d leaves the range of a float for a spacer that is nearly closed.
    cosine = -kappa * (b.up - b.down) * (excess_a / q) / d
    cosine_squared = (excess_a / q) * (excess_b / d)
    return SlonczewskiTorque(*np.broadcast_arrays(constant, cosine, cosine_squared, *symmetric, p_a, p_b, l_a, l_b))


class _Resistances:
    """T_s of a magnet, scale = 2 T_up T_down, mean = scale (r_up + r_down)/2, transverse = z of one side."""

    def __init__(self, t: _Real, lost: _Real) -> None:
        self.up, self.down = t[..., 0, 0] + t[..., 0, 3], t[..., 0, 0] - t[..., 0, 3]
        self.scale = 2 * self.up * self.down
        self.mean = self.up + self.down - self.up * self.down
        self.transverse = 1 / lost - 0.5


def _transverse_loss(name: str, loss: _Real) -> _Real:
    """Return 1 - rho, the share of transverse spin that does not come back to the spacer."""
    lost = loss[..., 1, 1]
    remedy = f"pass a {name} layer with reflection_mixing < 1; transport takes every layer"
    require(f"1 - reflection mixing of {name}", lost, lost > 0, "lets no transverse spin pass", remedy)
    return lost


def _require_axial(name: str, layer: HatMatrix) -> None:
    if not isinstance(layer, HatMatrix):
        raise ValueError(f"{name} is a {type(layer).__name__}: pass a HatMatrix, e.g. from ferromagnet")
    remedy = f"pass {name} at theta = 0 with real mixing and without spin flip; transport takes every layer"
    for m in (layer.r, layer.t_prime, layer.t, layer.r_prime):
        axial = np.zeros_like(m)
        for i, j, k in ((0, 0, 0), (3, 3, 0), (0, 3, 3), (3, 0, 3)):
            axial[..., i, j] = m[..., 0, k]
        axial[..., 1, 1] = axial[..., 2, 2] = m[..., 1, 1]
        defect = np.abs(m - axial).max(axis=(-2, -1))
        require(
            f"deviation of {name} from a spin-conserving layer along z",
            defect,
            defect <= _STRUCTURE,
            "is refused",
            remedy,
        )
    total = layer.t[..., 0, 0]
    require(f"mean transmission of {name}", total, total > 0, "lets no electron pass", f"pass a {name} that transmits")
