r"""Spin pumping: the current that a moving magnetisation emits, its back action, and pumping from scattering matrices.

Vectors are ``(..., 3)`` arrays of *moments*, currents count electrons and are positive from the normal metal (N) into
the ferromagnet (F), voltages are mu/e of electrons. One ampere of spin current carries hbar/2e of angular momentum per
second; V_up - V_down = 2 V_s. Scalar arguments give floats, arrays broadcast.

``magnetic_moment`` is M_s V [A m^2] with conductances in S and currents in A, or M_s d [A] with both per area.
``mixing_conductance`` is G_R + i G_I = ``InterfaceConductance.mixing``.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib import units
from spinlib._table import Table
from spinlib._validate import (
    finite,
    float_or_array,
    not_negative,
    positive,
    real,
    require,
    shared_shape,
    tangent,
    together,
    unit,
    unitary,
)

__all__ = [
    "fmr_linewidth",
    "parametric_pumping",
    "pumped_spin_current",
    "pumping_damping",
    "spin_battery",
    "spin_battery_dc",
]

_DERIVATIVE = 1e-6

_Real = NDArray[np.float64]
_Complex = NDArray[np.complex128]


# --- a magnet beside a normal metal -----------------------------------------------------------------------------------


def pumped_spin_current(m: ArrayLike, mdot: ArrayLike, mixing_conductance: ArrayLike) -> _Real:
    r"""Return the spin current that a moving magnetisation pumps, (hbar/e) (G_R m x mdot + G_I mdot) (BTBK 9, 62).

    Args:
        m: magnetisation, unit vectors ``(..., 3)``.
        mdot: dm/dt [1/s], ``(..., 3)``, perpendicular to m.
        mixing_conductance: G_R + i G_I [S or S/m^2], G_R >= 0, ``(...,)``, broadcasts against the vectors.

    Returns:
        ``(..., 3)`` [A or A/m^2], positive N -> F. Its part along m x mdot is angular momentum that F *loses*: the
        torque of it, BTBK (3), is a Gilbert damping.

    Raises:
        ValueError: \|m\| off 1 or m.mdot/\|mdot\| off 0 by more than 1e-6, G_R < 0, a number that is not finite, or
            shapes that do not broadcast.

    >>> from spinlib.units import e, hbar
    >>> pumped_spin_current((0, 0, 1), (e / hbar, 0, 0), 2 + 1j)
    array([1., 2., 0.])
    """
    direction = unit("m", m)
    rate = tangent("mdot", mdot, direction)
    mixing = _mixing(mixing_conductance)
    shared_shape(m=direction.shape[:-1], mdot=rate.shape[:-1], mixing_conductance=mixing.shape)
    mixing = mixing[..., None]
    return np.asarray(units.hbar / units.e * (mixing.real * np.cross(direction, rate) + mixing.imag * rate))


def spin_battery(m: ArrayLike, mdot: ArrayLike) -> _Real:
    r"""Return the spin accumulation that stops the pumped current, V_s = -(hbar/2e) m x mdot (BTBK 15, corrected).

    It is the part of V_s across m when no spin is lost, whatever the interface: with it the total current of BTBK (6)
    and (9) vanishes, and so does the damping by pumping. The part along m is 0 if it leaks into F within a period;
    without any leak a node at rest in the turning frame has -(hbar/2e) times the angular velocity.

    Args:
        m: magnetisation, unit vectors ``(..., 3)``.
        mdot: dm/dt [1/s], ``(..., 3)``, perpendicular to m.

    Returns:
        V_s ``(..., 3)`` [V], along the moments; the spin splitting of the potentials is 2e \|V_s\|.

    Raises:
        ValueError: \|m\| off 1 or m.mdot/\|mdot\| off 0 by more than 1e-6, a number that is not finite, or shapes that
            do not broadcast.

    >>> from spinlib.units import e, hbar
    >>> spin_battery((1, 0, 0), (0, 2 * e / hbar, 0))
    array([ 0.,  0., -1.])
    """
    direction = unit("m", m)
    rate = tangent("mdot", mdot, direction)
    return np.asarray(-units.hbar / (2 * units.e) * np.cross(direction, rate) + 0.0)


def spin_battery_dc(angular_frequency: ArrayLike, theta: ArrayLike, sink_ratio: ArrayLike = 0.0) -> float | _Real:
    """Return |V_s| of a slow spin battery, (hbar w/2e) sin^2(theta) / (sin^2(theta) + eta) (BTBK 16, corrected).

    Diffusion slower than the precession leaves a constant V_s on the axis; along the angular velocity it is -|V_s|.
    No spin enters F along m, as for a magnet that is no sink and carries no charge current.

    Args:
        angular_frequency: w [rad/s], >= 0, ``(...,)``.
        theta: angle of the precession cone [rad], in [0, pi], broadcasts.
        sink_ratio: eta = G_sink/(2 G_R) >= 0, dimensionless, broadcasts; N loses the spin current G_sink V_s.

    Returns:
        [V]; the spin splitting is 2e times it. For eta = 0 it is hbar w/2e at every theta, the poles included.

    Raises:
        ValueError: a negative ``angular_frequency`` or ``sink_ratio``, ``theta`` outside [0, pi], a number that is not
            finite, or shapes that do not broadcast.

    >>> from spinlib.units import e, hbar
    >>> float(spin_battery_dc(2 * e / hbar, np.pi / 2, 1.0))
    0.5
    """
    angle = real("theta", theta)
    require("theta", angle, (angle >= 0) & (angle <= np.pi), "is no cone angle", "pass 0 <= theta <= pi, in rad")
    omega, angle, eta = together(
        angular_frequency=not_negative("angular_frequency", angular_frequency),
        theta=angle,
        sink_ratio=not_negative("sink_ratio", sink_ratio),
    )
    pumped = np.sin(angle) ** 2
    share = np.divide(pumped, pumped + eta, out=np.ones(pumped.shape), where=eta > 0)
    return float_or_array(units.hbar * omega / (2 * units.e) * share)


def pumping_damping(
    mixing_conductance: ArrayLike,
    *,
    magnetic_moment: ArrayLike,
    gyromagnetic_ratio: ArrayLike = units.gyromagnetic_ratio,
) -> float | _Real:
    """Return the damping that pumping into a perfect sink adds, gamma hbar^2 G_R/(2 e^2 M_s V) (BTBK 18, 63, 70).

    Args:
        mixing_conductance: G_R + i G_I [S or S/m^2], G_R >= 0, ``(...,)``, summed over the interfaces; of a thin
            magnet between perfect sinks the one with the transmission term, of a thick one beside a real N the one
            ``with_backflow``.
        magnetic_moment: M_s V [A m^2] or M_s d [A], > 0, broadcasts.
        gyromagnetic_ratio: gamma > 0 [rad/(s T)], broadcasts.

    Returns:
        alpha, dimensionless.

    Raises:
        ValueError: G_R < 0, ``magnetic_moment`` or ``gyromagnetic_ratio`` not positive, a number that is not finite,
            or shapes that do not broadcast.

    >>> from spinlib.units import e, hbar
    >>> float(pumping_damping(4 + 1j, magnetic_moment=hbar**2 / e**2, gyromagnetic_ratio=0.25))
    0.5
    """
    mixing, moment, gamma = together(
        mixing_conductance=_mixing(mixing_conductance).real,
        magnetic_moment=positive("magnetic_moment", magnetic_moment),
        gyromagnetic_ratio=positive("gyromagnetic_ratio", gyromagnetic_ratio),
    )
    return float_or_array(gamma * units.hbar**2 * mixing / (2 * units.e**2 * moment))


_LINEWIDTHS: Mapping[str, float] = {"peak_to_peak": 2 / np.sqrt(3), "full_width": 2.0}


def fmr_linewidth(
    frequency: ArrayLike,
    alpha: ArrayLike,
    *,
    gyromagnetic_ratio: ArrayLike = units.gyromagnetic_ratio,
    inhomogeneous: ArrayLike = 0.0,
    kind: Literal["peak_to_peak", "full_width"] = "peak_to_peak",
) -> float | _Real:
    """Return the width in field of a ferromagnetic resonance at fixed frequency, B_0 + k alpha 2 pi f/gamma.

    k = 2/sqrt(3) between the extrema of the derivative of a Lorentzian, k = 2 for its full width at half maximum.

    Args:
        frequency: f [Hz], >= 0, ``(...,)``.
        alpha: total Gilbert damping, >= 0, broadcasts; the formula is the first order in it.
        gyromagnetic_ratio: gamma > 0 [rad/(s T)], broadcasts.
        inhomogeneous: B_0 [T], >= 0, the width at zero frequency, of the same kind; broadcasts.
        kind: "peak_to_peak" or "full_width".

    Returns:
        mu_0 times the width in H [T].

    Raises:
        ValueError: a negative ``frequency``, ``alpha`` or ``inhomogeneous``, ``gyromagnetic_ratio`` not positive,
            unknown ``kind``, a number that is not finite, or shapes that do not broadcast.

    >>> float(fmr_linewidth(1.0, 0.25, gyromagnetic_ratio=np.pi, inhomogeneous=0.5, kind="full_width"))
    1.5
    """
    if not isinstance(kind, str) or kind not in _LINEWIDTHS:
        raise ValueError(f"kind = {kind!r} is no width of a resonance: pass one of {sorted(_LINEWIDTHS)}")
    f, loss, gamma, offset = together(
        frequency=not_negative("frequency", frequency),
        alpha=not_negative("alpha", alpha),
        gyromagnetic_ratio=positive("gyromagnetic_ratio", gyromagnetic_ratio),
        inhomogeneous=not_negative("inhomogeneous", inhomogeneous),
    )
    return float_or_array(offset + _LINEWIDTHS[kind] * loss * 2 * np.pi * f / gamma)


def _mixing(value: ArrayLike) -> _Complex:
    remedy = "pass G_perp = G_R + i G_I with G_R >= 0, in S or S/m^2"
    mixing = np.asarray(finite("mixing_conductance", value, remedy, complex_allowed=True), dtype=np.complex128)
    require("mixing_conductance", mixing, mixing.real >= 0, "has a negative real part", remedy)
    return mixing


# --- scattering matrices that depend on parameters --------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class ParametricPumping(Table):
    """Result of :func:`parametric_pumping` for K parameters; "unit" is the unit of a parameter.

    ``columns()`` and ``to_csv(path)`` make a table of it, one row per parameter.

    Args:
        charge: charge that leaves through the observed lead, ``(K,)`` [C/unit]; conventional, electrons carry -e.
        spin: emitted Pauli spins times e, ``(K, 3)`` [C/unit]; the spin current N -> F of ``pumped_spin_current``, with
            the conductances of the house. None if not asked for.
        dissipation: energy current into the lead = xdot . dissipation . xdot, ``(K, K)`` [J s/unit^2].
    """

    charge: _Real
    spin: _Real | None
    dissipation: _Real

    _vectors: ClassVar[tuple[str, ...]] = ("spin",)
    _units: ClassVar[Mapping[str, str]] = {"charge": "C/unit", "spin": "C/unit", "dissipation": "J s/unit^2"}

    def _entries(self) -> Iterator[tuple[str, str, NDArray[Any]]]:
        if self.spin is not None:
            return super()._entries()
        stand_in = replace(self, spin=np.zeros((*self._points, 3)))
        return (entry for entry in stand_in._entries() if entry[0] != "spin")

    def __repr__(self) -> str:
        count, dissipated = self.charge.size, float(np.trace(np.atleast_2d(self.dissipation)))
        spin = "without" if self.spin is None else "with"
        return f"ParametricPumping(parameters={count}, {spin} spin, trace of dissipation={dissipated:.4g} J s/unit^2)"


def parametric_pumping(
    matrix: ArrayLike, derivatives: ArrayLike, *, channels: Sequence[int] | None = None, spin: bool = False
) -> ParametricPumping:
    r"""Return what a slow change of a scattering matrix pumps into one lead, per unit rate of change.

    With a dot for the derivative and sums over the rows of the lead and all columns (BTBK 59, 60, 66-69, 71, 72):

    charge = (e/2 pi) Im Tr(Sdot S^dagger), spin = (e/2 pi) Im Tr(Sdot^dagger sigma S),
    dissipation_ij = (hbar/4 pi) Re Tr(S_i^dagger S_j).

    Times dx/dt they are currents. As in the paper ``charge`` counts what leaves through the lead and ``spin`` what
    comes in through it, so that the formula of ``spin`` with 1 in place of sigma gives minus ``charge``.

    Args:
        matrix: S, unitary, ``(M, M)``, modes of unit flux; row = outgoing, column = incoming.
        derivatives: dS/dx, ``(M, M)`` for one parameter or ``(K, M, M)``, complex [1/unit]. It keeps S unitary to
            first order; a parameter that is a component of m must keep \|m\| = 1.
        channels: rows of the observed lead, distinct; None: all. For ``spin`` the first half of the list is spin up
            (Pauli spin along +z), the second half spin down, orbitals in the same order.
        spin: whether to return the spin emissivity.

    Returns:
        ParametricPumping; for one ``(M, M)`` derivative the axes K are absent.

    Raises:
        ValueError: S not square or off unitarity by more than 1e-8, derivatives of another shape, an entry of
            S^dagger dS + dS^dagger S above 1e-6 of the largest entry of that dS, channels that are empty, repeated or
            outside [0, M), an odd number of channels with ``spin``.

    >>> from spinlib.units import e
    >>> wall = 1j * np.eye(1)  # it recedes by dx: the phase grows by 2 k dx, and k/pi dx electrons come in
    >>> float(parametric_pumping(wall, 2j * np.pi * wall).charge / e)
    1.0
    """
    s, ds, single = _matrices(matrix, derivatives)
    rows = _rows(channels, len(s), spin)
    s, ds = s[rows], ds[:, rows]
    charge = units.e / (2 * np.pi) * np.einsum("kij,ij->k", ds, s.conj()).imag
    flat = ds.reshape(len(ds), -1)
    dissipation = units.hbar / (4 * np.pi) * (flat.conj() @ flat.T).real
    emitted = _spin_emissivity(s, ds) if spin else None
    if single:
        return ParametricPumping(charge[0], emitted if emitted is None else emitted[0], dissipation[0, 0])
    return ParametricPumping(charge, emitted, dissipation)


def _spin_emissivity(s: _Complex, ds: _Complex) -> _Real:
    """e/2pi Im Tr(dS^dagger sigma S) from the 2 x 2 traces over orbitals: spins never multiply the matrices."""
    half = len(s) // 2
    # traces[k, s, s'] = sum conj(dS_s) S_s', which sigma_ss' weighs.
    traces = np.einsum("ksij,tij->kst", ds.reshape(len(ds), 2, half, -1).conj(), s.reshape(2, half, -1))
    up_down, down_up = traces[:, 0, 1], traces[:, 1, 0]
    sigma = [up_down + down_up, 1j * (down_up - up_down), traces[:, 0, 0] - traces[:, 1, 1]]
    return np.asarray(units.e / (2 * np.pi) * np.stack(sigma, axis=-1).imag)


def _matrices(matrix: ArrayLike, derivatives: ArrayLike) -> tuple[_Complex, _Complex, bool]:
    """Return S, dS ``(K, M, M)`` and whether K was absent."""
    s = unitary("matrix", matrix)
    shape = f"pass dS/dx of shape {s.shape}, or (K, {len(s)}, {len(s)}) for K parameters"
    ds = np.asarray(finite("derivatives", derivatives, shape, complex_allowed=True), dtype=np.complex128)
    if ds.ndim not in (2, 3) or ds.shape[-2:] != s.shape or not ds.size:
        raise ValueError(f"derivatives have shape {ds.shape}: {shape}")
    single, ds = ds.ndim == 2, ds.reshape(-1, *s.shape)
    overlap = s.conj().T @ ds
    defect = np.abs(overlap + overlap.conj().swapaxes(-1, -2)).max(axis=(-2, -1))
    scale = np.abs(ds).max(axis=(-2, -1))
    share = np.divide(defect, scale, out=np.zeros_like(defect), where=scale > 0)
    remedy = "pass a derivative along which S stays unitary, S^dagger dS anti-Hermitian (vary m on the unit sphere)"
    text = "largest entry of |S^dagger dS + dS^dagger S| / largest of |dS|"
    fits = defect <= _DERIVATIVE * scale
    first = 0 if single else slice(None)
    require(text, share[first], fits[first], "is above 1e-6", remedy)
    return s, ds, single


def _rows(channels: Sequence[int] | None, size: int, spin: bool) -> NDArray[np.intp]:
    remedy = f"pass distinct integers from 0 to {size - 1}, the rows of the observed lead"
    rows = np.arange(size) if channels is None else np.asarray(channels)
    if rows.ndim != 1 or not rows.size or rows.dtype.kind not in "iu":
        raise ValueError(f"channels = {channels!r} is no list of rows: {remedy}")
    require("channels", rows, (rows >= 0) & (rows < size), "is no row of matrix", remedy)
    if np.unique(rows).size < rows.size:
        raise ValueError(f"channels = {rows.tolist()} names a row twice: {remedy}")
    if spin and rows.size % 2:
        remedy = "pass an even number of rows, first all with spin up, then the same orbitals with spin down"
        raise ValueError(f"channels holds {rows.size} rows, but spin=True pairs them: {remedy}")
    return rows.astype(np.intp)
