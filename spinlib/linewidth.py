"""Mixing conductance from measured ferromagnetic resonance linewidths of films of several thicknesses.

The width of the line is linear in frequency, and its slope linear in the inverse thickness (BTBK 18, 63):

Delta B = Delta B_0[sample] + k (2 pi f/gamma) [alpha + N gamma hbar^2 G_R/(2 e^2 M_s d)].

The fit cannot tell why a slope depends on the thickness. It takes all of it for pumping, so G_R is the effective value
of the interface, backflow included; what else scales as 1/d is in it too.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib import units
from spinlib._validate import number, positive, require
from spinlib.pumping import fmr_linewidth, pumping_damping

__all__ = ["fit_linewidths"]

_Real = NDArray[np.float64]

_SAME_SAMPLE = 1e-6


@dataclass(frozen=True, eq=False, repr=False)
class LinewidthFit:
    """Result of :func:`fit_linewidths` for S samples and n readings; an ``_error`` is one standard deviation.

    Args:
        mixing_conductance: G_R [S/m^2], effective. Not clipped: a negative number says that thin films are damped less.
        alpha: Gilbert damping of a film without pumping, dimensionless.
        magnetic_moment: M_s d of each sample, ascending [A], ``(S,)``.
        inhomogeneous: Delta B_0 of each sample [T], ``(S,)``; may come out negative, too.
        covariance: of (mixing_conductance, alpha, inhomogeneous...) in their units, ``(2+S, 2+S)``.
        residuals: measured minus fitted width, in the order of the readings [T], ``(n,)``.
        uncertainty: standard uncertainty of each reading on which all errors rest [T], ``(n,)``: the one given, or the
            scatter of the residuals.
        chi_squared: sum of (residual/uncertainty)^2. Without a given uncertainty it equals ``degrees_of_freedom`` by
            construction and tests nothing.
        degrees_of_freedom: n - S - 2.
    """

    mixing_conductance: float
    alpha: float
    magnetic_moment: _Real
    inhomogeneous: _Real
    covariance: _Real
    residuals: _Real
    uncertainty: _Real
    chi_squared: float
    degrees_of_freedom: int

    @property
    def mixing_conductance_error(self) -> float:
        """Standard error of G_R [S/m^2]."""
        return float(np.sqrt(self.covariance[0, 0]))

    @property
    def mixing_channel_density(self) -> float:
        """g_r = G_R h/e^2 [m^-2]."""
        return self.mixing_conductance / units.e2_over_h

    @property
    def mixing_channel_density_error(self) -> float:
        """Standard error of g_r [m^-2]."""
        return self.mixing_conductance_error / units.e2_over_h

    @property
    def alpha_error(self) -> float:
        """Standard error of alpha."""
        return float(np.sqrt(self.covariance[1, 1]))

    @property
    def inhomogeneous_error(self) -> _Real:
        """Standard error of Delta B_0 of each sample [T], ``(S,)``."""
        return np.asarray(np.sqrt(np.diagonal(self.covariance)[2:]))

    def __repr__(self) -> str:
        return (
            f"LinewidthFit(g_r = {self.mixing_channel_density:.4g} ± {self.mixing_channel_density_error:.2g} m^-2, "
            f"alpha = {self.alpha:.4g} ± {self.alpha_error:.2g}, samples={self.magnetic_moment.size}, "
            f"chi_squared={self.chi_squared:.4g} for {self.degrees_of_freedom} degrees of freedom)"
        )


def fit_linewidths(
    frequency: ArrayLike,
    linewidth: ArrayLike,
    magnetic_moment: ArrayLike,
    *,
    uncertainty: ArrayLike | None = None,
    interfaces: int = 1,
    gyromagnetic_ratio: float = units.gyromagnetic_ratio,
    kind: Literal["peak_to_peak", "full_width"] = "peak_to_peak",
) -> LinewidthFit:
    """Return G_R, the damping without pumping and the inhomogeneous widths, by linear least squares (BTBK 18, 63).

    Readings of one sample carry the same ``magnetic_moment``, and two samples of one moment count as one. Each sample
    has its own Delta B_0, all share G_R and alpha. The fit is exact: no start values, no iteration. G_R does not depend
    on ``gyromagnetic_ratio``, alpha is proportional to it.

    Args:
        frequency: f of each reading [Hz], positive, ``(n,)``.
        linewidth: mu_0 times the width in field at fixed frequency [T], positive, ``(n,)``.
        magnetic_moment: M_s d of the film of each reading [A], positive, ``(n,)``; d is the magnetic thickness.
        uncertainty: standard uncertainty of ``linewidth`` [T], positive, one number or ``(n,)``. None: all readings
            are equally uncertain, by the scatter of the residuals.
        interfaces: N, sides of the film that pump, 1 or 2; of two unlike sides G_R is the mean.
        gyromagnetic_ratio: gamma > 0 of all samples [rad/(s T)].
        kind: of ``linewidth``, "peak_to_peak" of the derivative or "full_width" at half maximum.

    Returns:
        LinewidthFit.

    Raises:
        ValueError: arrays of unequal length, numbers that are not finite or not positive, fewer than two samples (G_R
            and alpha would not separate), samples that differ by rounding, a sample with readings at one frequency only
            (its Delta B_0 would not separate), no degree of freedom without ``uncertainty``, ``interfaces`` other than
            1 or 2, unknown ``kind``.

    >>> from spinlib.units import GHz, mT, nm
    >>> f, moment = np.array([5, 10, 15, 5, 10, 15]) * GHz, 8e5 * nm * np.array([4, 4, 4, 8, 8, 8])
    >>> alpha = 0.006 + pumping_damping(5e14, magnetic_moment=moment)
    >>> fit = fit_linewidths(f, fmr_linewidth(f, alpha, inhomogeneous=0.5 * mT), moment)
    >>> f"G_R = {fit.mixing_conductance:.6e} S/m^2, alpha = {fit.alpha:.6f}"
    'G_R = 5.000000e+14 S/m^2, alpha = 0.006000'
    """
    f, width, moment, sigma = _readings(frequency, linewidth, magnetic_moment, uncertainty)
    if isinstance(interfaces, bool) or not isinstance(interfaces, int | np.integer) or interfaces not in (1, 2):
        raise ValueError(f"interfaces = {interfaces!r} is no number of sides of a film: pass 1 or 2")
    gamma = number("gyromagnetic_ratio", gyromagnetic_ratio, positive)
    samples, of_sample = np.unique(moment, return_inverse=True)
    degrees = len(f) - len(samples) - 2
    _separable(f, samples, of_sample)
    if sigma is None and degrees < 1:
        raise ValueError(
            f"uncertainty = None, but {len(f)} readings leave no degree of freedom for {len(samples) + 2} parameters: "
            "pass uncertainty, or more readings"
        )

    per_alpha = np.asarray(fmr_linewidth(f, 1.0, gyromagnetic_ratio=gamma, kind=kind))
    per_siemens = per_alpha * interfaces * pumping_damping(1.0, magnetic_moment=moment, gyromagnetic_ratio=gamma)
    columns = np.column_stack([per_siemens, per_alpha, np.eye(len(samples))[of_sample]])
    weight = np.ones(len(f)) if sigma is None else 1 / sigma
    solution, covariance = _least_squares(columns * weight[:, None], width * weight)
    residuals = width - columns @ solution
    if sigma is None:
        variance = float(residuals @ residuals) / degrees
        sigma, covariance, chi_squared = np.full(len(f), np.sqrt(variance)), covariance * variance, float(degrees)
    else:
        chi_squared = float(np.sum((residuals / sigma) ** 2))
    return LinewidthFit(
        mixing_conductance=float(solution[0]),
        alpha=float(solution[1]),
        magnetic_moment=samples,
        inhomogeneous=solution[2:],
        covariance=covariance,
        residuals=residuals,
        uncertainty=sigma,
        chi_squared=chi_squared,
        degrees_of_freedom=degrees,
    )


def _least_squares(matrix: _Real, right: _Real) -> tuple[_Real, _Real]:
    """Return solution and inverse normal matrix; Householder QR errs column by column, so units cost no digits."""
    q, r = np.linalg.qr(matrix)
    inverse = np.linalg.inv(r)
    return np.asarray(inverse @ (q.T @ right)), np.asarray(inverse @ inverse.T)


def _readings(
    frequency: ArrayLike, linewidth: ArrayLike, magnetic_moment: ArrayLike, uncertainty: ArrayLike | None
) -> tuple[_Real, _Real, _Real, _Real | None]:
    given = {"frequency": frequency, "linewidth": linewidth, "magnetic_moment": magnetic_moment}
    arrays = {name: positive(name, value) for name, value in given.items()}
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) > 1 or len(shapes["frequency"]) != 1:
        text = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
        raise ValueError(f"shapes {text} are not one list each: pass one entry per reading, (n,)")
    if uncertainty is None:
        return *arrays.values(), None  # type: ignore[return-value]
    sigma, shape = positive("uncertainty", uncertainty), shapes["frequency"]
    if sigma.shape not in ((), shape):
        raise ValueError(f"uncertainty has shape {sigma.shape}: pass one number, or one per reading, {shape}")
    return *arrays.values(), np.array(np.broadcast_to(sigma, shape))  # type: ignore[return-value]


def _separable(frequency: _Real, samples: _Real, of_sample: NDArray[np.intp]) -> None:
    """Refuse readings that cannot tell the parameters apart."""
    if len(samples) < 2:
        raise ValueError(
            f"magnetic_moment holds {len(samples)} thickness, which cannot separate pumping from alpha: "
            "pass films of two thicknesses or more"
        )
    step = np.diff(samples) / samples[1:]
    remedy = "pass the same number for all readings of one sample"
    require("relative step of magnetic_moment", step, step > _SAME_SAMPLE, "looks like one sample", remedy)
    for index, moment in enumerate(samples):
        several = len(np.unique(frequency[of_sample == index]))
        if several < 2:
            raise ValueError(
                f"frequency has one value only for magnetic_moment = {moment:.6g}, which cannot separate its "
                "inhomogeneous width: pass readings at two frequencies or more, or leave the sample out"
            )
