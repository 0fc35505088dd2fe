r"""Linear response of a magnet, a texture and a wall: torque and pumping as one reciprocal matrix (BTBK II.C, III.B).

Fluxes and forces are paired so that flux times force is power: moment and field in tesla, spin current and spin
accumulation, charge current and voltage. Onsager and Casimir: L_ab(m) = s_a s_b L_ba(-m), s = -1 for a moment or a
spin, +1 for charge and the position of a wall. Beside a normal metal the conventions are those of
:mod:`spinlib.circuit`; in a texture or a wire current, field and voltage are conventional.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._interface import InterfaceConductance, interface
from spinlib._table import Table
from spinlib._texture import polarization_of, spin_flip_damping, texture_response
from spinlib._validate import not_negative, number, positive, real, require, shared_shape, unit
from spinlib.pumping import parametric_pumping, pumping_damping
from spinlib.spin import cross_matrix
from spinlib.units import e, e2_over_h, hbar
from spinlib.units import gyromagnetic_ratio as free_electron

__all__ = ["WallResponse", "discrete_response", "spin_flip_damping", "texture_response"]

_Real = NDArray[np.float64]

_ROUNDING = 1e-12


@dataclass(frozen=True, eq=False, repr=False)
class DiscreteResponse(Table):
    """Result of :func:`discrete_response`; with conductances per area each unit is divided by m^2.

    Args:
        mm: moment by field, ``(..., 3, 3)`` [A m^2/(s T)].
        ms: moment by spin accumulation, the torque, ``(..., 3, 3)`` [A m^2/(s V)].
        sm: spin current by field, the pumping, ``(..., 3, 3)`` [A/T].
        ss: spin current by spin accumulation, what the turning magnet pumps included, ``(..., 3, 3)`` [S].
    """

    _own_axes: ClassVar[int] = 2
    _vectors: ClassVar[tuple[str, ...]] = ("mm", "ms", "sm", "ss")
    _units: ClassVar[Mapping[str, str]] = {"mm": "A m^2/(s T)", "ms": "A m^2/(s V)", "sm": "A/T", "ss": "S"}

    mm: _Real
    ms: _Real
    sm: _Real
    ss: _Real

    @property
    def matrix(self) -> _Real:
        """The whole matrix ``(..., 6, 6)``: forces (H, V_s), fluxes (M_s V dm/dt, I_s)."""
        return np.block([[self.mm, self.ms], [self.sm, self.ss]])

    def __repr__(self) -> str:
        return f"DiscreteResponse(points={self.mm.size // 9}, largest ss={np.abs(self.ss).max(initial=0.0):.4g} S)"


def discrete_response(
    m: ArrayLike,
    conductance: InterfaceConductance,
    *,
    alpha: ArrayLike,
    magnetic_moment: ArrayLike,
    gyromagnetic_ratio: ArrayLike = free_electron,
) -> DiscreteResponse:
    r"""Return the response of a magnet in contact with a normal metal (BTBK 21, 24-28).

    mm = -gamma M_s V R O, ms = -gamma R O X, sm = -gamma X R O, ss = bias current (4)-(6) + X ms/(M_s V), where
    O v = m x v, R = (1 - alpha O)^-1 and X = (hbar/e)(G_R O - G_I O^2), the pumping (9) as a matrix. N and F are at
    the same charge voltage. V_s turns the magnet, which then pumps: this current is part of ss.

    Args:
        m: magnetisation, unit vectors ``(..., 3)``.
        conductance: of the interface [S or S/m^2].
        alpha: total Gilbert damping, dimensionless, that by pumping into a perfect sink included, ``(...,)``.
        magnetic_moment: M_s V [A m^2] or M_s d [A] with conductances per area, positive, ``(...,)``.
        gyromagnetic_ratio: gamma [rad/(s T)], positive, ``(...,)``: that of the magnet in contact, which contains the
            shift by G_I.

    Returns:
        DiscreteResponse. L(m) = L(-m)^T, and its symmetric part has no negative eigenvalue, up to rounding: that of
        the mixing conductance in ss, where the currents of bias and pumping cancel.

    Raises:
        ValueError: ``m`` is no unit vector, ``alpha`` < ``pumping_damping`` (it would break the second law), a moment
            or ratio is not positive, or shapes do not broadcast.

    >>> interface = InterfaceConductance(majority=2.0, minority=1.0, mixing=2.0)
    >>> scale = {"magnetic_moment": hbar / e, "gyromagnetic_ratio": e / hbar}  # pumping_damping = 1
    >>> discrete_response((0, 0, 1), interface, alpha=1.0, **scale).ss.round(12)
    array([[ 2., -2.,  0.],
           [ 2.,  2.,  0.],
           [ 0.,  0.,  3.]])
    """
    n = unit("m", m)
    contact = interface("conductance", conductance)._thick("conductance")
    mixing = contact.mixing
    given = {
        "alpha": real("alpha", alpha),
        "magnetic_moment": positive("magnetic_moment", magnetic_moment),
        "gyromagnetic_ratio": positive("gyromagnetic_ratio", gyromagnetic_ratio),
    }
    shape = shared_shape(m=n.shape[:-1], **{name: value.shape for name, value in given.items()})
    loss, moment, gamma = (np.broadcast_to(value, shape) for value in given.values())
    least = pumping_damping(mixing, magnetic_moment=moment, gyromagnetic_ratio=gamma)
    remedy = f"pass the total damping, {np.max(least, initial=0.0):.6g} or more here"
    require("alpha", loss, loss >= np.asarray(least) * (1 - _ROUNDING), "is below pumping_damping", remedy)
    loss, moment, gamma = (value[..., None, None] for value in (loss, moment, gamma))
    cross = np.broadcast_to(cross_matrix(n), (*shape, 3, 3))
    square = cross @ cross
    # (1 - alpha O)^-1 O = (O + alpha O^2)/(1 + alpha^2), since O^3 = -O.
    rotation = -gamma * (cross + loss * square) / (1 + loss**2)
    pump = hbar / e * (mixing.real * cross - mixing.imag * square)
    torque = rotation @ pump
    bias = contact._matrix(n)[..., 1:, 1:]
    return DiscreteResponse(moment * rotation, torque, pump @ rotation, bias + pump @ torque / moment)


@dataclass(frozen=True)
class WallResponse:
    r"""Response of a rigid domain wall in a wire, (dr_w/dt, I) = [[ww, wc], [wc, cc]] (2 A M_s H, V) (BTBK 73).

    The off-diagonal elements are equal at one and the same texture, which holds without spin-orbit coupling.

    Args:
        ww: mobility of the wall [m/(N s)], positive.
        wc: velocity per voltage, and current per force on the wall [m/(V s)]; I is conventional and counts towards one
            lead, V drives it there.
        cc: conductance of a wire whose wall moves freely [S], at least wc^2/ww.

    Raises:
        ValueError: ``ww`` is not positive, ``ww`` cc is below wc^2 (the second law would fail), or an element is not
            one finite number.

    >>> WallResponse(ww=2.0, wc=-1.0, cc=3.5).conductance
    3.0
    """

    ww: float
    wc: float
    cc: float

    def __post_init__(self) -> None:
        for name in ("ww", "wc", "cc"):
            object.__setattr__(self, name, number(name, getattr(self, name)))
        require("ww", self.ww, self.ww > 0, "is not positive", "pass the mobility ww > 0, in m/(N s)")
        least = self.wc**2 / self.ww
        remedy = "pass cc of the wall that is free to move, not the conductance with the wall at rest"
        require("cc", self.cc, self.cc >= least * (1 - _ROUNDING), f"is below wc^2/ww = {least:.10g}", remedy)

    @property
    def conductance(self) -> float:
        """G = cc - wc^2/ww [S], of the wire with its wall at rest (BTBK 74)."""
        return max(self.cc - self.wc**2 / self.ww, 0.0)

    @classmethod
    def from_scattering(cls, matrix: ArrayLike, derivatives: ArrayLike, *, channels: Sequence[int]) -> Self:
        r"""Return the response of a wall from the scattering matrix of the wire (BTBK 74-77).

        1/ww = (hbar/4 pi) Tr(dS^dagger dS), wc = ww (e/2 pi) Im Tr_lead(dS S^dagger),
        cc = (e^2/h) Tr(S_12 S_12^dagger) + wc^2/ww.

        Args:
            matrix: S, unitary, ``(M, M)``, spin included; open channels of both leads only.
            derivatives: dS/dr_w [1/m], ``(M, M)``.
            channels: rows of the lead towards which ``wc`` counts conventional current; the rest is the other lead.

        Returns:
            WallResponse.

        Raises:
            ValueError: S is not unitary, ``derivatives`` is not one matrix of its shape or vanishes, ``channels`` is
                empty, repeats a row or leaves none out.

        >>> moved = 2j * np.diag([1.0, -1.0])  # a mirror displaced by x reflects with phases 2 k x and -2 k x
        >>> response = WallResponse.from_scattering(np.eye(2), moved, channels=[0])
        >>> round(response.wc / response.ww * np.pi / e, 12), response.conductance
        (1.0, 0.0)
        """
        whole = parametric_pumping(matrix, derivatives)
        if whole.charge.ndim:
            raise ValueError(f"derivatives hold {whole.charge.size} parameters: pass dS/dr_w alone, of shape (M, M)")
        friction = float(whole.dissipation)
        require("dissipation", friction, friction > 0, "vanishes", "pass derivatives of an S that depends on r_w")
        emitted = float(parametric_pumping(matrix, derivatives, channels=channels).charge)
        s = np.asarray(matrix, dtype=np.complex128)
        rows = np.arange(len(s)) if channels is None else np.asarray(channels, dtype=np.intp)
        require("len(channels)", rows.size, rows.size < len(s), "is all rows", "leave those of the other lead out")
        conductance = e2_over_h * float(np.sum(np.abs(np.delete(s[rows], rows, axis=1)) ** 2))
        return cls(1 / friction, emitted / friction, conductance + emitted**2 / friction)

    @classmethod
    def from_damping(
        cls,
        alpha: float,
        beta: float,
        *,
        conductance: float,
        polarization: float,
        width: float,
        area: float,
        saturation_magnetization: float,
        gyromagnetic_ratio: float = free_electron,
    ) -> Self:
        r"""Return the response of a wall that damping and non-adiabaticity describe (BTBK 78, inverted).

        ww = gamma width/(2 A M_s alpha), wc = -(hbar P G/e width) beta ww, cc = G + wc^2/ww.

        Args:
            alpha: Gilbert damping of the wall at zero voltage, dimensionless, positive. With no current it is larger by
                G (hbar P beta/e width)^2 gamma width/(2 A M_s): the current that the wall pumps then helps it along.
            beta: non-adiabaticity, dimensionless.
            conductance: G of the wire with its wall at rest [S], >= 0.
            polarization: P of the current, majority minus minority, in [-1, 1].
            width: lambda_w of the profile 1/cosh(z/lambda_w) [m], positive.
            area: A, cross-section of the wire [m^2], positive.
            saturation_magnetization: M_s [A/m], positive.
            gyromagnetic_ratio: gamma [rad/(s T)], positive.

        Returns:
            WallResponse; ``wc`` < 0 for beta P > 0, the wall follows the electrons.

        Raises:
            ValueError: an argument is out of range or not one finite number.

        >>> units = {"width": 1.0, "area": 1.0, "saturation_magnetization": 1.0, "gyromagnetic_ratio": 2.0}
        >>> wall = WallResponse.from_damping(0.5, 0.25, conductance=e / hbar, polarization=0.5, **units)
        >>> wall.ww, round(wall.wc, 12)
        (2.0, -0.25)
        """
        damping, length = number("alpha", alpha, positive), number("width", width, positive)
        polar = number("polarization", polarization, polarization_of)
        g = number("conductance", conductance, not_negative)
        moment = number("area", area, positive) * number("saturation_magnetization", saturation_magnetization, positive)
        mobility = number("gyromagnetic_ratio", gyromagnetic_ratio, positive) * length / (2 * moment * damping)
        emitted = -hbar * polar * g * number("beta", beta) / (e * length)
        return cls(mobility, emitted * mobility, g + emitted**2 * mobility)

    def effective_alpha(
        self, *, width: float, area: float, saturation_magnetization: float, gyromagnetic_ratio: float = free_electron
    ) -> float:
        r"""Return the damping of this wall, gamma width/(2 A M_s ww) (BTBK 78).

        Args:
            width: lambda_w [m], positive.
            area: A [m^2], positive.
            saturation_magnetization: M_s [A/m], positive.
            gyromagnetic_ratio: gamma [rad/(s T)], positive.

        Returns:
            alpha of the wall at zero voltage, dimensionless.

        Raises:
            ValueError: an argument is not positive or not one finite number.

        >>> wall = WallResponse(ww=2.0, wc=-1.0, cc=3.5)
        >>> wall.effective_alpha(width=1.0, area=1.0, saturation_magnetization=1.0, gyromagnetic_ratio=2.0)
        0.5
        """
        moment = number("area", area, positive) * number("saturation_magnetization", saturation_magnetization, positive)
        gamma = number("gyromagnetic_ratio", gyromagnetic_ratio, positive)
        return gamma * number("width", width, positive) / (2 * moment * self.ww)

    def effective_beta(self, *, width: float, polarization: float) -> float:
        r"""Return the non-adiabaticity of this wall, -(e width/hbar P G) wc/ww (BTBK 78).

        Args:
            width: lambda_w [m], positive.
            polarization: P of the current, majority minus minority, in [-1, 1], not 0.

        Returns:
            beta, dimensionless; positive for a wall that follows the electrons at P > 0.

        Raises:
            ValueError: an argument is out of range, or the wire does not conduct.

        >>> wall = WallResponse(ww=2.0, wc=-1.0, cc=3.5)
        >>> round(wall.effective_beta(width=hbar / e, polarization=0.5), 12)
        0.333333333333
        """
        polar, g = number("polarization", polarization, polarization_of), self.conductance
        require("polarization", polar, polar != 0, "defines no beta", "pass the P of the current, -1 <= P <= 1, not 0")
        require("conductance", g, g > _ROUNDING * self.cc, "defines no beta", "take a wire that conducts")
        # Not hbar P in a denominator: it leaves the range of a float.
        return -(e / hbar) * number("width", width, positive) / polar * (self.wc / (self.ww * g))
