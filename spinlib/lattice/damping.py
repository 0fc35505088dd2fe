r"""Gilbert damping, wall torques and resistivity from scattering matrices (BTBK 66-78, Figures 4-6, 8, 9).

Pumping is per unit of the parameter X: Q_alpha/2 pi electrons enter the sample through lead alpha, and hbar T/4 pi is
the energy lost per (dX/dt)^2.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._table import Table
from spinlib._validate import float_or_array, generator, instance, number, positive, real, require
from spinlib.lattice.green import Scattering
from spinlib.pumping import parametric_pumping
from spinlib.units import e, e2_over_h, hbar

__all__ = [
    "bulk_slope",
    "dissipation_tensor",
    "gilbert_damping",
    "pumped_charge",
    "resistivity",
    "wall_scattering",
]

_Real = NDArray[np.float64]

_SCATTERING = "what scattering_matrix returns"
_RESAMPLES = 1000
_FEWEST = 3  # lengths in a window
_OFF_LINE, _CURVED = 0.05, 3.0  # share of the value, errors of the curvature
_ROUNDING = 1e-9  # where a line crosses zero, a point is off it by any share of it


def dissipation_tensor(scattering: Scattering, *, lead: str | None = None) -> _Real:
    r"""Return T_ij = Re Tr(dS_i^dagger dS_j), of both leads or of the electrons that leave through one (BTBK 68, 72).

    The energy current is (hbar/4 pi) sum_ij T_ij dX_i/dt dX_j/dt (BTBK 66). The corrected (67) has the factor
    gamma^-2 that (68) needs.

    Args:
        scattering: S and its P derivatives.
        lead: "left", "right" or None for their sum.

    Returns:
        T, symmetric and positive semidefinite, ``(P, P)`` [1/unit^2]; per rad^2 for directions across m.

    Raises:
        ValueError: an unknown lead, no derivatives.

    >>> mirror = Scattering(np.eye(2) + 0j, 2j * np.diag([1.0, -1.0])[None], 1, np.zeros(2))  # k = 1, moved by dx
    >>> dissipation_tensor(mirror), dissipation_tensor(mirror, lead="left")
    (array([[8.]]), array([[4.]]))
    """
    return np.asarray(_pumping(scattering, lead).dissipation * (4 * np.pi / hbar))


def pumped_charge(scattering: Scattering) -> _Real:
    r"""Return Q_alpha = Im sum_beta Tr(dS_alpha,beta S_alpha,beta^dagger) of the left and the right lead (BTBK 71).

    Q_alpha/2 pi electrons enter the sample per unit of the parameter. Times \|e\|/2 pi it is the conventional current
    into the lead per unit rate. Q_left + Q_right = d arg det S, 0 if the number of electrons in the sample is kept.

    Args:
        scattering: S and its P derivatives.

    Returns:
        Q, ``(P, 2)`` [1/unit].

    Raises:
        ValueError: no derivatives.

    >>> mirror = Scattering(np.eye(2) + 0j, 2j * np.diag([1.0, -1.0])[None], 1, np.zeros(2))
    >>> pumped_charge(mirror)  # as it recedes from the left lead, electrons fill what it leaves
    array([[ 2., -2.]])
    """
    leads = [_pumping(scattering, lead).charge for lead in ("left", "right")]
    return np.stack(leads, axis=-1) * (2 * np.pi / e)


def gilbert_damping(slope: ArrayLike, magnetic_moment: ArrayLike, *, g_factor: float = 2.0) -> float | _Real:
    r"""Return alpha = g* (dT/dN)/(4 pi m_s) of a bulk whose dissipation grows by dT/dN per atom (BTBK 65, 68).

    (hbar/4 pi) T (dm/dt)^2 = (alpha m_s mu_B/gamma) (dm/dt)^2 per atom with gamma = g* mu_B/hbar.

    Args:
        slope: dT/dN of one direction across m, per atom [1/rad^2].
        magnetic_moment: m_s per atom [mu_B], positive.
        g_factor: g*, positive.

    Returns:
        alpha, of the common shape of ``slope`` and ``magnetic_moment``.

    Raises:
        ValueError: ``magnetic_moment`` or ``g_factor`` is not positive, or shapes do not broadcast.

    >>> round(gilbert_damping(4 * np.pi, 2.0), 12)
    1.0
    """
    growth, moment = real("slope", slope), _moment(magnetic_moment)
    try:
        return float_or_array(number("g_factor", g_factor, positive) * growth / (4 * np.pi * moment))
    except ValueError as error:
        if "broadcast" not in str(error):
            raise
        shapes = f"slope of shape {growth.shape} and magnetic_moment of shape {moment.shape}"
        raise ValueError(f"{shapes} do not broadcast: pass numbers or arrays of one shape") from None


@dataclass(frozen=True, eq=False)
class WallScattering:
    """Result of :func:`wall_scattering`.

    Args:
        alpha: damping of the wall.
        p_beta: P beta, polarisation times non-adiabaticity.
        conductance: of the wire with its wall at rest [e^2/h].
        response: [[L_ww, L_wc], [L_cw, L_cc]] of BTBK (73) for hbar = e = a = 1, ``(2, 2)``; the right lead counts
            positive.
    """

    alpha: float
    p_beta: float
    conductance: float
    response: _Real


def wall_scattering(
    scattering: Scattering, width: float, sites: int, magnetic_moment: float, *, g_factor: float = 2.0
) -> WallScattering:
    r"""Return damping, non-adiabaticity and response of a wall from dS/dr_w (BTBK 73-78).

    With T = Tr(dS^dagger dS), q = (Q_right - Q_left)/2 and g the conductance:

    alpha = g* lambda_w T/(8 pi m_s N), P beta = -lambda_w q/g, L_ww = 4 pi/T, L_wc = L_ww q/2 pi and
    L_cc = g/2 pi + L_wc^2/L_ww, the corrected (77).

    Args:
        scattering: S and one derivative, with respect to the centre r_w of the wall, per a; take ``screening="local"``.
        width: lambda_w of the profile 1/cosh[(z - r_w)/lambda_w] [a], positive.
        sites: N, sites in the cross-section.
        magnetic_moment: m_s per atom [mu_B], positive.
        g_factor: g*, positive.

    Returns:
        WallScattering. P beta > 0: the wall follows the electrons.

    Raises:
        ValueError: ``scattering`` has not one derivative, or it vanishes, no conductance, an argument is out of range.

    >>> k, transmitted = 0.5, 0.25  # a barrier dragged along a channel: r -> r exp(2ikx), r' -> r' exp(-2ikx)
    >>> r, t = 1j * (1 - transmitted) ** 0.5, transmitted**0.5
    >>> s, ds = np.array([[r, t], [t, r]]), 2j * k * np.array([[r, 0], [0, -r]])
    >>> wall = wall_scattering(Scattering(s, ds[None], 1, np.zeros(2)), 2.0, 1, 1.0)
    >>> round(wall.p_beta, 12)  # 2 k lambda_w |r|^2/g
    6.0
    """
    instance("scattering", scattering, Scattering, _SCATTERING)
    if len(scattering.derivatives) != 1:
        count = len(scattering.derivatives)
        raise ValueError(f"scattering has {count} derivatives: pass one with dS/dr_w alone")
    length, area = number("width", width, positive), number("sites", sites, positive)
    moment = number("magnetic_moment", magnetic_moment, _positive_moment)
    friction, g = float(dissipation_tensor(scattering)[0, 0]), scattering.conductance
    require("dissipation", friction, friction > 0, "vanishes", "pass derivatives of an S that depends on r_w")
    require("conductance", g, g > 0, "is no conductance", "pass a sample that conducts")
    left, right = pumped_charge(scattering)[0]
    pumped = (right - left) / 2
    mobility = 4 * np.pi / friction
    cross = mobility * pumped / (2 * np.pi)
    response = np.array([[mobility, cross], [cross, g / (2 * np.pi) + cross**2 / mobility]])
    alpha = number("g_factor", g_factor, positive) * length * friction / (8 * np.pi * moment * area)
    return WallScattering(alpha, float(-length * pumped / g), g, response)


@dataclass(frozen=True, eq=False)
class BulkSlope(Table):
    """Result of :func:`bulk_slope`; "unit" is that of the samples, or of their inverse.

    Args:
        slope: per layer [unit/a].
        intercept: the ends' part [unit].
        slope_error: one standard error of ``slope``; nan for a single configuration, whose scatter is unknown.
        intercept_error: the same of ``intercept``.
    """

    slope: float
    intercept: float
    slope_error: float
    intercept_error: float

    _units: ClassVar[Mapping[str, str]] = {}


def bulk_slope(
    lengths: ArrayLike,
    samples: ArrayLike,
    *,
    minimum_length: float,
    reciprocal: bool = False,
    seed: int | np.random.Generator | None = 0,
) -> BulkSlope:
    r"""Return the straight line through the mean of configurations, or through 1/mean, against the length (BTBK IV).

    R(L) = 1/<g> = 1/g_Sh + 2 R_if + rho L/A, T(L) = T_if + (dT/dL) L. All points weigh the same. The points of one
    sweep are correlated, so the errors are standard deviations over 1000 resamples of the n configurations, times
    [n/(n - 1)]^1/2; inf if a resample does not conduct.

    Args:
        lengths: L of each column [a], ``(n_lengths,)``, distinct.
        samples: conductance or dissipation, ``(n_configurations, n_lengths)``.
        minimum_length: shorter lengths are left out [a]: the mean free path or more.
        reciprocal: whether 1/mean is fitted, for a conductance; the mean of 1/g is not what a wide sample has.
        seed: of the resamples; it touches the errors alone.

    Returns:
        BulkSlope.

    Raises:
        ValueError: shapes disagree, fewer than three lengths from ``minimum_length`` on, a length given twice, with
            ``reciprocal`` a mean that is not positive.

    Warns:
        RuntimeWarning: the window is curved: a point more than 5 % off the line and a curvature above three of its
            errors. Lengths below the mean free path do that. A single configuration has no errors to judge by.

    >>> line = bulk_slope([10, 20, 30, 40], [[1.0, 2.0, 3.0, 4.0]], minimum_length=20)
    >>> round(line.slope, 12), round(abs(line.intercept), 12), line.slope_error
    (0.1, 0.0, nan)
    """
    length, values = real("lengths", lengths), real("samples", samples)
    if length.ndim != 1 or values.ndim != 2 or values.shape[1:] != length.shape or not len(values):
        shapes = f"lengths of shape {length.shape} and samples of shape {values.shape}"
        raise ValueError(f"{shapes} do not agree: pass (n_lengths,) and (n_configurations, n_lengths)")
    require("number of distinct lengths", np.unique(length).size, np.unique(length).size == length.size,
            f"is below {length.size}", "pass each length once")  # fmt: skip
    kept = length >= number("minimum_length", minimum_length)
    require("number of lengths >= minimum_length", int(kept.sum()), kept.sum() >= _FEWEST, f"is below {_FEWEST}",
            "pass more lengths, or a smaller minimum_length")  # fmt: skip
    length, values = length[kept], values[:, kept]
    mean = values.mean(axis=0)
    if reciprocal:
        require("mean of samples", mean, mean > 0, "is not positive", "pass conductances > 0, or reciprocal=False")
    random = generator(seed)
    count = len(values)
    drawn = random.multinomial(count, np.full(count, 1 / count), _RESAMPLES) @ values / count
    tiny = np.finfo(float).tiny
    blocked = reciprocal and bool((drawn < tiny).any())  # a resample that does not conduct: no error is large enough
    if reciprocal:
        mean, drawn = 1 / mean, 1 / np.maximum(drawn, tiny)
    powers = np.vander(length, 2)
    fit = np.linalg.pinv(powers)
    slope, intercept = fit @ mean
    # Resamples of n configurations scatter less than n new ones would, by [(n - 1)/n]^1/2.
    wider = np.sqrt(count / (count - 1)) if count > 1 else np.nan
    with np.errstate(over="ignore", invalid="ignore"):
        errors = np.full(2, np.inf) if blocked else wider * (fit @ drawn.T).std(axis=1)
    line = powers @ (slope, intercept)
    off = np.abs(mean - line) - _OFF_LINE * np.abs(line)
    if count > 1 and (off > _ROUNDING * np.abs(mean).max()).any():
        bend = np.linalg.pinv(np.vander(length - length.mean(), 3))[0]
        with np.errstate(over="ignore", invalid="ignore"):
            least = np.inf if blocked else _CURVED * wider * (drawn @ bend).std()
        if abs(bend @ mean) > least:
            text = f"the window from {length.min():g} to {length.max():g} is curved: pass a larger minimum_length"
            warnings.warn(text, RuntimeWarning, stacklevel=2)
    return BulkSlope(float(slope), float(intercept), float(errors[0]), float(errors[1]))


def resistivity(slope: ArrayLike, sites: int, lattice_constant: float) -> float | _Real:
    r"""Return rho = (h/e^2) (d(1/<g>)/dL) N a (BTBK IV).

    Args:
        slope: d(1/<g>)/dL per layer, g the conductance of the sample in e^2/h.
        sites: N, sites in the cross-section.
        lattice_constant: a [m], positive.

    Returns:
        rho [Ohm m], of the shape of ``slope``.

    Raises:
        ValueError: ``sites`` or ``lattice_constant`` is not positive.

    >>> round(resistivity(0.01, 1, 1e-9) * 1e8, 9)  # microohm cm; h/e^2 = 25812.8 Ohm
    25.812807459
    """
    area = number("sites", sites, positive) * number("lattice_constant", lattice_constant, positive)
    return float_or_array(real("slope", slope) * area / e2_over_h)


def _pumping(scattering: Scattering, lead: str | None) -> Any:
    instance("scattering", scattering, Scattering, _SCATTERING)
    if not len(scattering.derivatives):
        raise ValueError("scattering has no derivatives: pass perturbations to the sample")
    size, n_left = len(scattering.matrix), scattering.n_left
    channels = {None: None, "left": range(n_left), "right": range(n_left, size)}
    if not isinstance(lead, str | None) or lead not in channels:
        raise ValueError(f"lead = {lead!r} is unknown: pass 'left', 'right' or None")
    return parametric_pumping(scattering.matrix, scattering.derivatives, channels=channels[lead])


def _moment(magnetic_moment: ArrayLike) -> _Real:
    return _positive_moment("magnetic_moment", magnetic_moment)


def _positive_moment(name: str, value: ArrayLike) -> _Real:
    array = real(name, value)
    require(name, array, array > 0, "is not positive", f"pass {name} > 0 in mu_B per atom")
    return array
