"""The linear law of a magnet and of the currents through it, as one matrix (WD11 20)."""

from decimal import ROUND_FLOOR, Context

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import not_negative, positive, real, require, together

__all__ = ["onsager_matrix"]

_Real = NDArray[np.float64]

_ROUNDING = 1e-12

_SHOWN = Context(prec=6, rounding=ROUND_FLOOR)  # a bound that is rounded up would be refused


def onsager_matrix(
    density: ArrayLike,
    mobility: ArrayLike,
    alpha: ArrayLike,
    conductivity: ArrayLike = 0.0,
    beta: ArrayLike = 0.0,
    relaxation: ArrayLike = 0.0,
    *,
    transverse_conductivity: ArrayLike = 0.0,
    transverse_relaxation: ArrayLike = 0.0,
    transfer: ArrayLike = 0.0,
    transverse_transfer: ArrayLike = 0.0,
    reciprocal: ArrayLike | None = None,
    transverse_reciprocal: ArrayLike | None = None,
) -> _Real:
    r"""Return the matrix from forces to fluxes of a magnet that carries a current (WD11 20, corrected).

    Fluxes (j_phi, j_theta, dJ_perp, dJ, J_0, psi_perp, psi); forces (-d_phi mu^F/sin theta, -d_theta mu^F,
    -d_x Delta mu_perp/e, -d_x Delta mu/e, -d_x mu_0/e, Delta mu_perp, Delta mu), with mu^F = kT ln rho + V, dJ =
    J_up - J_down, J_0 = J_up + J_down, mu_0 = mu_up + mu_down. Sums and differences count a power twice, so forces f
    dissipate f^T D M f with D = diag(1, 1, 1, 1/2, 1/2, 1/e, 1/e) [W/m^3], not f^T M f. It is not negative for every
    f if and only if

        (l_perp + l'_perp)^2 <= 4 rho L_F alpha sigma_perp,
        (l + l'/2)^2 <= 2 rho L_F alpha sigma_0 (1 - beta^2).

    Onsager-symmetric coefficients, l' = 2 l and l'_perp = l_perp, make D M symmetric but for the precession. With
    l' = -2 l and l'_perp = -l_perp the transfer dissipates nothing and has no bound.

    Args:
        density: rho^F, magnets per volume (and per solid angle, then all fluxes are) [1/m^3], >= 0, ``(...,)``.
        mobility: L_F [1/(J s)], positive, ``(...,)``; see ``landau_lifshitz_mobility``.
        alpha: damping, dimensionless, >= 0, ``(...,)``.
        conductivity: sigma_0, half of the total conductivity [S/m], >= 0, ``(...,)``.
        beta: its asymmetry (sigma_up - sigma_down)/(2 sigma_0), -1 to 1, ``(...,)``.
        relaxation: L, charge that flips per volume, time and energy of Delta mu [A/(m^3 J)], >= 0, ``(...,)``.
        transverse_conductivity: sigma_perp [S/m], >= 0, ``(...,)``.
        transverse_relaxation: L_perp [A/(m^3 J)], >= 0, ``(...,)``.
        transfer: l, the rate j_theta that -d_x Delta mu/e drives [1/(V m^2 s)], either sign, ``(...,)``.
        transverse_transfer: l_perp, j_phi by -d_x Delta mu_perp/e [1/(V m^2 s)], either sign, ``(...,)``.
        reciprocal: l', the spin current dJ that -d_theta mu^F drives [A/(m^2 J)], ``(...,)``; None for 2 ``transfer``.
        transverse_reciprocal: l'_perp, dJ_perp by -d_phi mu^F/sin theta [A/(m^2 J)], ``(...,)``; None for
            ``transverse_transfer``.

    Returns:
        The matrix M, ``(..., 7, 7)``, in the orders above.

    Raises:
        ValueError: the transfer coefficients break the second law, ``mobility`` is not positive, |``beta``| > 1, or
            another coefficient without either sign is negative.

    >>> onsager_matrix(1.0, 2.0, 0.5, 4.0, transfer=1.0)[1]  # j_theta
    array([2., 1., 0., 1., 0., 0., 0.])
    """
    given = {
        "density": not_negative("density", density),
        "mobility": positive("mobility", mobility),
        "alpha": not_negative("alpha", alpha),
        "conductivity": not_negative("conductivity", conductivity),
        "beta": real("beta", beta),
        "relaxation": not_negative("relaxation", relaxation),
        "transverse_conductivity": not_negative("transverse_conductivity", transverse_conductivity),
        "transverse_relaxation": not_negative("transverse_relaxation", transverse_relaxation),
        "transfer": real("transfer", transfer),
        "transverse_transfer": real("transverse_transfer", transverse_transfer),
    }
    given["reciprocal"] = 2 * given["transfer"] if reciprocal is None else real("reciprocal", reciprocal)
    given["transverse_reciprocal"] = (
        given["transverse_transfer"]
        if transverse_reciprocal is None
        else real("transverse_reciprocal", transverse_reciprocal)
    )
    asymmetry = given["beta"]
    require("beta", asymmetry, np.abs(asymmetry) <= 1, "is no asymmetry of conductivities >= 0", "pass -1 <= beta <= 1")
    n, rate, loss, sigma, asymmetry, flip, sigma_t, flip_t, push, push_t, pump, pump_t = together(**given)
    drag = n * rate * loss
    free = "reciprocal = -2 transfer"
    _second_law("transfer + reciprocal/2", push + pump / 2, 2 * drag * sigma * (1 - asymmetry**2), free)
    free = "transverse_reciprocal = -transverse_transfer"
    _second_law("transverse_transfer + transverse_reciprocal", push_t + pump_t, 4 * drag * sigma_t, free)

    matrix = np.zeros((*n.shape, 7, 7))
    entries = {
        (0, 0): drag,
        (0, 1): -n * rate,
        (0, 2): push_t,
        (1, 0): n * rate,
        (1, 1): drag,
        (1, 3): push,
        (2, 0): pump_t,
        (2, 2): sigma_t,
        (3, 1): pump,
        (3, 3): sigma,
        (3, 4): asymmetry * sigma,
        (4, 3): asymmetry * sigma,
        (4, 4): sigma,
        (5, 5): flip_t,
        (6, 6): flip,
    }
    for (row, column), value in entries.items():
        matrix[..., row, column] = value
    return matrix


def _second_law(name: str, value: _Real, square: _Real, free: str) -> None:
    """Refuse a sum of coefficients above the root of ``square``, for which some forces would gain power."""
    most = np.sqrt(square)
    broken = np.abs(value) > most * (1 + _ROUNDING)
    bound = _SHOWN.create_decimal_from_float(most[broken][0]) if broken.any() else 0.0
    remedy = f"pass |{name}| <= {float(bound):.6g} here, or {free}, which dissipates nothing"
    require(name, value, ~broken, "violates the second law", remedy)
