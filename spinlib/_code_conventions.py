"""What mumax3, OOMMF and cmtj must be told; `spinlib.conventions` says what is meant and shows these names."""

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib import units
from spinlib._validate import float_or_array, positive, real, require, together

__all__ = [
    "damping",
    "plain",
    "slonczewski_from_cmtj",
    "slonczewski_from_mumax3",
    "slonczewski_from_oommf",
    "slonczewski_to_cmtj",
    "slonczewski_to_mumax3",
    "slonczewski_to_oommf",
    "zhang_li_from_mumax3",
    "zhang_li_to_mumax3",
    "zhang_li_to_oommf",
]

_Real = NDArray[np.float64]

_ROUNDING: Final = 1e-12


def damping(value: ArrayLike) -> _Real:
    """Return Gilbert's alpha as an array, or refuse a negative one."""
    alpha = real("alpha", value, "pass the Gilbert damping, alpha >= 0")
    require("alpha", alpha, alpha >= 0, "is negative", "pass the Gilbert damping, alpha >= 0")
    return alpha


def plain(**values: ArrayLike) -> dict[str, float | _Real]:
    """Return numbers by name, those without shape as floats that a script can take."""
    return {name: float_or_array(value) for name, value in values.items()}


def _polarization(name: str, value: ArrayLike, largest: int) -> _Real:
    remedy = f"pass |{name}| <= {largest}; a valve of unlike magnets has no single one, see slonczewski_to_oommf"
    polarization = real(name, value, remedy)
    require(
        name, polarization, np.abs(polarization) <= largest * (1 + _ROUNDING), "exceeds what a stack can give", remedy
    )
    return polarization


def _asymmetry(name: str, value: ArrayLike) -> _Real:
    remedy = f"pass a finite {name} >= 1; perfect filters have none, let a little minority through"
    asymmetry = real(name, value, remedy)
    require(name, asymmetry, asymmetry >= 1 - _ROUNDING, "is below 1", remedy)
    return np.maximum(asymmetry, 1)


# --- Slonczewski torque -----------------------------------------------------------------------------------------------


def slonczewski_to_mumax3(
    polarization: ArrayLike, asymmetry: ArrayLike, field_like: ArrayLike = 0.0
) -> dict[str, float | _Real]:
    """Return what mumax3 must be told to give a symmetric valve the torque per electron of this package.

    Pol = kappa P/2, Lambda, EpsilonPrime = f_FL/2: mumax3 counts in hbar per electron where this package has hbar/2.

    Args:
        polarization: kappa P of ``slonczewski_parameters``, dimensionless, ``(...,)``; positive: majority passes.
        asymmetry: Lambda, dimensionless, ``(...,)``, finite.
        field_like: f_FL = T_y/(g sin(theta)), dimensionless, ``(...,)``; the same at all angles.

    Returns:
        ``Pol``, ``Lambda``, ``EpsilonPrime``. J_z > 0 with FIXEDLAYER_TOP, or J_z < 0 with FIXEDLAYER_BOTTOM:
        electrons pass the fixed layer first. mumax3 stops at Pol = 0 once J is set.

    Raises:
        ValueError: polarization beyond +-2, asymmetry < 1, a number not finite (unlike magnets, perfect filters), or
            shapes that do not broadcast.

    >>> slonczewski_to_mumax3(0.5, 2.0, 0.25)
    {'Pol': 0.25, 'Lambda': 2.0, 'EpsilonPrime': 0.125}
    """
    p, length, secondary = together(
        polarization=_polarization("polarization", polarization, 2),
        asymmetry=_asymmetry("asymmetry", asymmetry),
        field_like=real("field_like", field_like),
    )
    return plain(Pol=p / 2, Lambda=length, EpsilonPrime=secondary / 2)


def slonczewski_from_mumax3(
    Pol: ArrayLike, Lambda: ArrayLike, EpsilonPrime: ArrayLike = 0.0
) -> dict[str, float | _Real]:
    """Return the torque per electron that a mumax3 script asks for, kappa P = 2 Pol and f_FL = 2 EpsilonPrime.

    Args:
        Pol: dimensionless, ``(...,)``.
        Lambda: dimensionless, ``(...,)``.
        EpsilonPrime: dimensionless, ``(...,)``.

    Returns:
        ``polarization``, ``asymmetry``, ``field_like`` in hbar/2 per electron, as ``slonczewski_to_mumax3`` takes them.

    Raises:
        ValueError: Pol beyond +-1, Lambda < 1, a number that is not finite, or shapes that do not broadcast.

    >>> slonczewski_from_mumax3(Pol=0.5, Lambda=1.0)["polarization"]
    1.0
    """
    p, length, secondary = together(
        Pol=_polarization("Pol", Pol, 1),
        Lambda=_asymmetry("Lambda", Lambda),
        EpsilonPrime=real("EpsilonPrime", EpsilonPrime),
    )
    return plain(polarization=2 * p, asymmetry=length, field_like=2 * secondary)


def slonczewski_to_oommf(
    polarization_fixed: ArrayLike,
    polarization_free: ArrayLike,
    asymmetry_fixed: ArrayLike,
    asymmetry_free: ArrayLike,
    field_like: ArrayLike = 0.0,
) -> dict[str, float | _Real]:
    """Return what Oxs_SpinXferEvolve must be told to give any valve of real mixing its torque per electron.

    P_fixed = P_a/2, P_free = P_b/2, Lambda_fixed = L_a, Lambda_free = L_b, eps_prime = f_FL/2.

    Args:
        polarization_fixed: P_a of ``slonczewski_parameters``, dimensionless, ``(...,)``.
        polarization_free: P_b, likewise.
        asymmetry_fixed: L_a, dimensionless, ``(...,)``, finite.
        asymmetry_free: L_b, likewise; above 1 if L_a is.
        field_like: f_FL = T_y/(g sin(theta)), dimensionless, ``(...,)``; the same at all angles.

    Returns:
        ``P_fixed``, ``P_free``, ``Lambda_fixed``, ``Lambda_free``, ``eps_prime``. J > 0: electrons pass the fixed layer
        first.

    Raises:
        ValueError: a polarization beyond +-2, an asymmetry below 1, L_b = 1 < L_a, a number that is not finite, or
            shapes that do not broadcast.

    >>> slonczewski_to_oommf(0.5, 0.25, 2.0, 3.0)
    {'P_fixed': 0.25, 'P_free': 0.125, 'Lambda_fixed': 2.0, 'Lambda_free': 3.0, 'eps_prime': 0.0}
    """
    p_a, p_b, l_a, l_b, secondary = together(
        polarization_fixed=_polarization("polarization_fixed", polarization_fixed, 2),
        polarization_free=_polarization("polarization_free", polarization_free, 2),
        asymmetry_fixed=_asymmetry("asymmetry_fixed", asymmetry_fixed),
        asymmetry_free=_asymmetry("asymmetry_free", asymmetry_free),
        field_like=real("field_like", field_like),
    )
    _require_oommf("asymmetry_fixed", l_a, "asymmetry_free", l_b)
    return plain(P_fixed=p_a / 2, P_free=p_b / 2, Lambda_fixed=l_a, Lambda_free=l_b, eps_prime=secondary / 2)


def slonczewski_from_oommf(
    P_fixed: ArrayLike,
    P_free: ArrayLike,
    Lambda_fixed: ArrayLike,
    Lambda_free: ArrayLike,
    eps_prime: ArrayLike = 0.0,
) -> dict[str, float | _Real]:
    """Return the torque per electron that an Oxs_SpinXferEvolve block asks for; the inverse of the conversion above.

    Args:
        P_fixed: dimensionless, ``(...,)``; a block with one ``P`` means it for both.
        P_free: likewise.
        Lambda_fixed: dimensionless, ``(...,)``; a block with one ``Lambda`` means it for both.
        Lambda_free: likewise.
        eps_prime: dimensionless, ``(...,)``.

    Returns:
        ``polarization_fixed``, ``polarization_free``, ``asymmetry_fixed``, ``asymmetry_free``, ``field_like``.

    Raises:
        ValueError: P beyond +-1, Lambda < 1, Lambda_free = 1 < Lambda_fixed, a number that is not finite, or shapes
            that do not broadcast.

    >>> slonczewski_from_oommf(0.4, 0.4, 1.0, 1.0)["polarization_fixed"]
    0.8
    """
    p_a, p_b, l_a, l_b, secondary = together(
        P_fixed=_polarization("P_fixed", P_fixed, 1),
        P_free=_polarization("P_free", P_free, 1),
        Lambda_fixed=_asymmetry("Lambda_fixed", Lambda_fixed),
        Lambda_free=_asymmetry("Lambda_free", Lambda_free),
        eps_prime=real("eps_prime", eps_prime),
    )
    _require_oommf("Lambda_fixed", l_a, "Lambda_free", l_b)
    return plain(
        polarization_fixed=2 * p_a,
        polarization_free=2 * p_b,
        asymmetry_fixed=l_a,
        asymmetry_free=l_b,
        field_like=2 * secondary,
    )


def _require_oommf(name_a: str, fixed: _Real, name_b: str, free: _Real) -> None:
    remedy = f"pass {name_b} = 1.000001; OOMMF refuses 1 beside a larger {name_a}"
    require(name_b, free, (free > 1) | (fixed == 1), f"is 1 while {name_a} is above 1", remedy)


def slonczewski_to_cmtj(
    polarization: ArrayLike, asymmetry: ArrayLike, alpha: ArrayLike, field_like_ratio: ArrayLike = 0.0
) -> dict[str, float | _Real]:
    """Return what cmtj must be told to give a symmetric valve its torque per electron in Gilbert form.

    cmtj adds kappa to the damping-like and beta to the field-like term of the Landau-Lifshitz form without the cross
    terms. The Gilbert torque needs kappa = 1 + alpha b and beta = alpha - b, b = f_FL/f_DL.

    Args:
        polarization: kappa P of ``slonczewski_parameters``, dimensionless, ``(...,)``.
        asymmetry: Lambda, dimensionless, ``(...,)``, finite.
        alpha: Gilbert damping of the layer, dimensionless, ``(...,)``.
        field_like_ratio: b, dimensionless, ``(...,)``; f_FL has the angular factor of f_DL here, it is no constant.
            In a symmetric valve of complex mixing b = -Im(kappa)/Re(kappa), kappa = (1 - rho - tau)/(1 - rho).

    Returns:
        ``spinPolarisation``, ``SlonczewskiSpacerLayerParameter``, ``beta`` of the STT layer and ``kappa`` of
        ``setKappa``. Positive current: electrons pass the reference layer first.

    Raises:
        ValueError: polarization beyond +-2, asymmetry < 1, alpha < 0, a number that is not finite, or shapes that do
            not broadcast.

    >>> slonczewski_to_cmtj(0.5, 2.0, 0.25, 0.5)
    {'spinPolarisation': 0.25, 'SlonczewskiSpacerLayerParameter': 2.0, 'beta': -0.25, 'kappa': 1.125}
    """
    p, length, loss, ratio = together(
        polarization=_polarization("polarization", polarization, 2),
        asymmetry=_asymmetry("asymmetry", asymmetry),
        alpha=damping(alpha),
        field_like_ratio=real("field_like_ratio", field_like_ratio),
    )
    return plain(
        spinPolarisation=p / 2,
        SlonczewskiSpacerLayerParameter=length,
        beta=loss - ratio,
        kappa=1 + loss * ratio,
    )


def slonczewski_from_cmtj(
    spinPolarisation: ArrayLike,
    SlonczewskiSpacerLayerParameter: ArrayLike,
    beta: ArrayLike,
    alpha: ArrayLike,
    kappa: ArrayLike = 1.0,
) -> dict[str, float | _Real]:
    """Return the torque per electron, in Gilbert form, that a cmtj layer asks for; b = f_FL/f_DL.

    kappa P = 2 spinPolarisation (kappa + alpha beta)/(1 + alpha^2), b = (alpha kappa - beta)/(kappa + alpha beta).

    Args:
        spinPolarisation: dimensionless, ``(...,)``.
        SlonczewskiSpacerLayerParameter: Lambda, dimensionless, ``(...,)``.
        beta: dimensionless, ``(...,)``; cmtj's default 0 is a field-like torque b = alpha.
        alpha: Gilbert damping of the layer, dimensionless, ``(...,)``.
        kappa: dimensionless, ``(...,)``; kappa + alpha beta = 0 leaves no damping-like torque to refer to.

    Returns:
        ``polarization``, ``asymmetry``, ``field_like_ratio``, all of which ``slonczewski_to_cmtj`` takes.

    Raises:
        ValueError: spinPolarisation beyond +-1, kappa P beyond +-2 (a torque that no valve exerts), Lambda < 1, alpha
            < 0, kappa = -alpha beta to twelve digits, a number that is not finite, or shapes that do not broadcast.

    >>> slonczewski_from_cmtj(0.5, 1.0, beta=0.0, alpha=0.25)["field_like_ratio"]
    0.25
    """
    p, length, secondary, loss, primary = together(
        spinPolarisation=_polarization("spinPolarisation", spinPolarisation, 1),
        SlonczewskiSpacerLayerParameter=_asymmetry("SlonczewskiSpacerLayerParameter", SlonczewskiSpacerLayerParameter),
        beta=real("beta", beta),
        alpha=damping(alpha),
        kappa=real("kappa", kappa),
    )
    left = primary + loss * secondary
    noise = _ROUNDING * (np.abs(primary) + np.abs(secondary))
    require("kappa + alpha beta", left, np.abs(left) > noise, "leaves no damping-like torque", "pass another kappa")
    asked = 2 * p * left / (1 + loss**2)
    name = "2 spinPolarisation (kappa + alpha beta)/(1 + alpha^2)"
    return plain(
        polarization=_polarization(name, asked, 2),
        asymmetry=length,
        field_like_ratio=(loss * primary - secondary) / left,
    )


# --- torque in textures -----------------------------------------------------------------------------------------------


def zhang_li_to_mumax3(polarization: ArrayLike, beta: ArrayLike) -> dict[str, float | _Real]:
    """Return what mumax3 must be told to give a texture the torque -(u.grad) m + beta m x (u.grad) m.

    Pol = P (1 + beta^2), xi = beta: mumax3 divides the drift by 1 + xi^2 and calls u.grad with u along J.

    Args:
        polarization: P of the drift u = gamma hbar P j/2eM_s along the electron flow; ``(...,)``, at most 1.
        beta: non-adiabaticity, dimensionless, ``(...,)``.

    Returns:
        ``Pol``, ``xi``. J is the conventional current density. Pol serves the Slonczewski torque, too. mumax3 has
        mu_B for gamma hbar/2, a drift lower by 0.12 per cent; it multiplies it by GammaLL/1.7595e11.

    Raises:
        ValueError: polarization beyond +-1, a number that is not finite, or shapes that do not broadcast.

    >>> zhang_li_to_mumax3(0.4, 0.5)
    {'Pol': 0.5, 'xi': 0.5}
    """
    p, xi = together(polarization=_texture_polarization("polarization", polarization), beta=real("beta", beta))
    return plain(Pol=p * (1 + xi**2), xi=xi)


def zhang_li_from_mumax3(Pol: ArrayLike, xi: ArrayLike) -> dict[str, float | _Real]:
    """Return polarization P = Pol/(1 + xi^2) and beta = xi of a mumax3 script.

    Args:
        Pol: dimensionless, ``(...,)``.
        xi: dimensionless, ``(...,)``.

    Returns:
        ``polarization``, ``beta`` as ``zhang_li_to_mumax3`` takes them.

    Raises:
        ValueError: Pol beyond +-(1 + xi^2), a number that is not finite, or shapes that do not broadcast.

    >>> zhang_li_from_mumax3(Pol=0.5, xi=0.5)["polarization"]
    0.4
    """
    p, beta = together(Pol=real("Pol", Pol), xi=real("xi", xi))
    return plain(polarization=_texture_polarization("Pol/(1 + xi^2)", p / (1 + beta**2)), beta=beta)


def zhang_li_to_oommf(
    polarization: ArrayLike,
    beta: ArrayLike,
    current_density: ArrayLike,
    saturation_magnetization: ArrayLike,
    gyromagnetic_ratio: ArrayLike = units.gyromagnetic_ratio,
) -> dict[str, float | _Real]:
    """Return what Anv_SpinTEvolve must be told, u = -gamma hbar P j/2eM_s: its u runs with the electrons.

    Args:
        polarization: P, dimensionless, ``(...,)``, at most 1 in magnitude.
        beta: non-adiabaticity, dimensionless, ``(...,)``.
        current_density: conventional j along +x [A/m^2], ``(...,)``, signed.
        saturation_magnetization: M_s [A/m], ``(...,)``, positive.
        gyromagnetic_ratio: gamma [rad/(s T)], ``(...,)``, positive.

    Returns:
        ``u`` [m/s] along +x and ``beta``; no factor 1 + beta^2 here.

    Raises:
        ValueError: polarization beyond +-1, M_s or gamma not positive, a number that is not finite, or shapes that
            do not broadcast.

    >>> from spinlib.units import e, hbar
    >>> zhang_li_to_oommf(0.5, 0.1, 4 * e, hbar, gyromagnetic_ratio=1.0)["u"]
    -1.0
    """
    p, xi, current, moment, gamma = together(
        polarization=_texture_polarization("polarization", polarization),
        beta=real("beta", beta),
        current_density=real("current_density", current_density),
        saturation_magnetization=positive("saturation_magnetization", saturation_magnetization),
        gyromagnetic_ratio=positive("gyromagnetic_ratio", gyromagnetic_ratio),
    )
    return plain(u=-gamma * units.hbar * p * current / (2 * units.e * moment), beta=xi)


def _texture_polarization(name: str, value: ArrayLike) -> _Real:
    remedy = f"pass |{name}| <= 1, the share (majority - minority) of the current"
    polarization = real(name, value, remedy)
    require(name, polarization, np.abs(polarization) <= 1 + _ROUNDING, "is no polarization", remedy)
    return polarization
