"""Conversions between this package's conventions and those of the papers and of mumax3, OOMMF and cmtj.

Only what has a trap is a function here; the page *Conventions* states the rest. The functions for the codes return and
take the codes' own parameter names. Torques per electron are those of :mod:`spinlib.scattering`: with the free layer's
majority spin n and the fixed layer's n_a, T/g = f_DL n x (n_a x n) + f_FL n x n_a in hbar/2, electrons passing the
fixed layer first. For the magnetisations m = -n and p = -n_a that is

    dm/dt = (gamma hbar J_el / 2 e M_s d) [f_DL m x (p x m) + f_FL p x m]

in Gilbert form, with J_el > 0 the electron flow from the fixed to the free layer (A/m^2).

Arguments broadcast, and every result has the shape that they broadcast to: ``float`` (``complex`` for a mixing
conductance) if all of them are scalars, else an array. ``hat_to_vec`` and ``hat_from_vec`` always give arrays.
"""

from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib import units
from spinlib._code_conventions import (
    damping,
    plain,
    slonczewski_from_cmtj,
    slonczewski_from_mumax3,
    slonczewski_from_oommf,
    slonczewski_to_cmtj,
    slonczewski_to_mumax3,
    slonczewski_to_oommf,
    zhang_li_from_mumax3,
    zhang_li_to_mumax3,
    zhang_li_to_oommf,
)
from spinlib._validate import finite, float_or_array, mixing_bound, positive, real, require, shared_shape, together
from spinlib.spin import PAULI

__all__ = [
    "circuit_mixing",
    "gilbert_to_landau_lifshitz",
    "hat_from_vec",
    "hat_to_vec",
    "landau_lifshitz_to_gilbert",
    "slonczewski_from_cmtj",
    "slonczewski_from_mumax3",
    "slonczewski_from_oommf",
    "slonczewski_to_cmtj",
    "slonczewski_to_mumax3",
    "slonczewski_to_oommf",
    "spin_accumulation",
    "spin_splitting",
    "torque_per_ampere",
    "torque_per_volt",
    "valet_fert_channels",
    "valet_fert_parameters",
    "zhang_li_from_mumax3",
    "zhang_li_to_mumax3",
    "zhang_li_to_oommf",
]

_Real = NDArray[np.float64]
_Complex = NDArray[np.complex128]


# --- Landau-Lifshitz and Gilbert --------------------------------------------------------------------------------------


def gilbert_to_landau_lifshitz(
    alpha: ArrayLike, damping_like: ArrayLike, field_like: ArrayLike = 0.0
) -> dict[str, float | _Real]:
    """Return the torque coefficients of the explicit form of the LLG equation.

    dm/dt = -gamma m x H + alpha m x dm/dt + A m x (p x m) + B p x m equals -gamma' m x H - gamma' alpha m x (m x H)
    + A' m x (p x m) + B' p x m with gamma' = gamma/(1 + alpha^2), A' = (A + alpha B)/(1 + alpha^2),
    B' = (B - alpha A)/(1 + alpha^2). The field torque is the case B p = gamma H.

    Args:
        alpha: Gilbert damping, dimensionless, ``(...,)``; LL's own constant is lambda = gamma alpha/(1 + alpha^2).
        damping_like: A, any unit, ``(...,)``; positive: m turns towards p.
        field_like: B, the same unit, ``(...,)``; positive: m precesses about p as about a field.

    Returns:
        ``damping_like`` A', ``field_like`` B' in the unit of A, and ``gyromagnetic_factor`` gamma'/gamma.

    Raises:
        ValueError: alpha < 0, a number that is not finite, or shapes that do not broadcast.

    >>> gilbert_to_landau_lifshitz(0.5, 2.5, 0.0)
    {'damping_like': 2.0, 'field_like': -1.0, 'gyromagnetic_factor': 0.8}
    """
    loss, a, b = _torques(alpha, damping_like, field_like)
    factor = 1 / (1 + loss**2)
    return plain(damping_like=factor * (a + loss * b), field_like=factor * (b - loss * a), gyromagnetic_factor=factor)


def landau_lifshitz_to_gilbert(
    alpha: ArrayLike, damping_like: ArrayLike, field_like: ArrayLike = 0.0
) -> dict[str, float | _Real]:
    """Return the torque coefficients of the Gilbert form, A = A' - alpha B', B = B' + alpha A'.

    Args:
        alpha: Gilbert damping, dimensionless, ``(...,)``.
        damping_like: A' of the explicit form, any unit, ``(...,)``.
        field_like: B', the same unit, ``(...,)``.

    Returns:
        ``damping_like`` A, ``field_like`` B, and ``gyromagnetic_factor`` gamma/gamma' = 1 + alpha^2.

    Raises:
        ValueError: alpha < 0, a number that is not finite, or shapes that do not broadcast.

    >>> landau_lifshitz_to_gilbert(0.5, 2.0, -1.0)
    {'damping_like': 2.5, 'field_like': 0.0, 'gyromagnetic_factor': 1.25}
    """
    loss, a, b = _torques(alpha, damping_like, field_like)
    return plain(damping_like=a - loss * b, field_like=b + loss * a, gyromagnetic_factor=1 + loss**2)


def _torques(alpha: ArrayLike, damping_like: ArrayLike, field_like: ArrayLike) -> list[_Real]:
    return together(
        alpha=damping(alpha),
        damping_like=real("damping_like", damping_like),
        field_like=real("field_like", field_like),
    )


# --- transport --------------------------------------------------------------------------------------------------------


def torque_per_ampere(torque_per_current: ArrayLike) -> float | _Real:
    """Return the torque in N m per ampere of electron current, (hbar/2e) T/g (KK 17 has minus this: its I is -I_el).

    Args:
        torque_per_current: T/g [hbar/2 per electron], any shape; spin gained by the layer.

    Returns:
        Same shape [N m/A]; the torque on the moment is the negative, as for every vector.

    Raises:
        ValueError: a number is not finite (T/g of a stack that does not conduct).

    >>> from spinlib.units import e, hbar
    >>> torque_per_ampere(2.0) * e / hbar
    1.0
    """
    remedy = "pass T/g of a stack that conducts"
    return float_or_array(units.hbar / (2 * units.e) * real("torque_per_current", torque_per_current, remedy))


def torque_per_volt(torque: ArrayLike, channels: ArrayLike) -> float | _Real:
    """Return the torque in N m per volt at the source, -(e N/4 pi) T (KK 10, 14).

    Args:
        torque: T [hbar/2 per channel], any shape; spin gained by the layer, as ``transport`` returns it. The minus
            sign: electrons flow out of the reservoir whose voltage is lower.
        channels: N per spin, positive, broadcasts; A G_Sh h/e^2 for an area A.

    Returns:
        Broadcast shape [N m/V]; per volt of bias mu/e it is the negative.

    Raises:
        ValueError: ``channels`` not positive, a number that is not finite, or shapes that do not broadcast.

    >>> from spinlib.units import e
    >>> torque_per_volt(-4 * np.pi, 3.0) / e
    3.0
    """
    spin, count = together(torque=real("torque", torque), channels=positive("channels", channels))
    return float_or_array(-units.e * count / (4 * np.pi) * spin)


def valet_fert_channels(mean: ArrayLike, asymmetry: ArrayLike) -> tuple[float | _Real, float | _Real]:
    """Return majority and minority value of a Valet-Fert pair, 2 mean (1 - asymmetry) and 2 mean (1 + asymmetry).

    (rho*, beta) gives rho_up and rho_down, (r_b*, gamma) the interface resistances times area.

    Args:
        mean: rho* [Ohm m] or r_b* [Ohm m^2], positive, ``(...,)``; four times it is the sum of the two channels.
        asymmetry: beta or gamma, dimensionless, ``(...,)``, within (-1, 1); positive: the majority conducts better.

    Returns:
        Both in the unit of ``mean``. In parallel they make mean (1 - asymmetry^2).

    Raises:
        ValueError: ``mean`` not positive, ``asymmetry`` outside (-1, 1), a number that is not finite, or shapes that
            do not broadcast.

    >>> valet_fert_channels(1.0, 0.5)
    (1.0, 3.0)
    """
    average, half = together(mean=positive("mean", mean), asymmetry=real("asymmetry", asymmetry))
    remedy = "pass beta or gamma within (-1, 1), not a ratio of resistivities"
    require("asymmetry", half, np.abs(half) < 1, "leaves a channel without resistance", remedy)
    return float_or_array(2 * average * (1 - half)), float_or_array(2 * average * (1 + half))


def valet_fert_parameters(majority: ArrayLike, minority: ArrayLike) -> tuple[float | _Real, float | _Real]:
    """Return mean = (up + down)/4 and asymmetry = (down - up)/(down + up) of two channels.

    Args:
        majority: rho_up [Ohm m] or r_up [Ohm m^2], positive, ``(...,)``.
        minority: the same of the minority; Campbell and Fert's ratio alpha is minority/majority.

    Returns:
        (rho*, beta) or (r_b*, gamma).

    Raises:
        ValueError: a resistance is not positive or not finite, or the shapes do not broadcast.

    >>> valet_fert_parameters(1.0, 3.0)
    (1.0, 0.5)
    """
    up, down = together(majority=positive("majority", majority), minority=positive("minority", minority))
    return float_or_array((up + down) / 4), float_or_array((down - up) / (down + up))


_Room = Literal["circuit", "accumulation", "diffusion", "magnons"]


def spin_accumulation(room: _Room, splitting: ArrayLike, density_of_states: ArrayLike | None = None) -> float | _Real:
    """Return the spin accumulation of a room from the splitting mu_maj - mu_min of the electrons.

    circuit: V_s.m = splitting/2e; accumulation: m.n = nu splitting/2; diffusion and magnons: -splitting.

    Args:
        room: "circuit" (V along the moment m), "accumulation" (hbar/m^3 along the majority spin n = -m), "diffusion"
            (J, potentials of positive carriers) or "magnons" (J, up against the localised spin).
        splitting: mu_maj - mu_min of the electrons [J], any shape, signed.
        density_of_states: nu per spin [1/(J m^3)], positive, broadcasts; "accumulation" needs it.

    Returns:
        Broadcast shape, in the room's unit.

    Raises:
        ValueError: unknown room, ``density_of_states`` missing where it is needed or not positive, a number that is
            not finite, or shapes that do not broadcast.

    >>> from spinlib.units import e
    >>> spin_accumulation("circuit", 2 * e)
    1.0
    """
    factor = _per_splitting(room, density_of_states)
    full, factor = together(splitting=real("splitting", splitting), density_of_states=factor)
    return float_or_array(full * factor)


def spin_splitting(room: _Room, value: ArrayLike, density_of_states: ArrayLike | None = None) -> float | _Real:
    """Return mu_maj - mu_min of the electrons [J] from the spin accumulation of a room; the inverse of the above.

    Args:
        room: as for ``spin_accumulation``.
        value: the room's quantity in its unit, any shape, signed.
        density_of_states: nu per spin [1/(J m^3)], positive, broadcasts; "accumulation" needs it.

    Returns:
        Broadcast shape [J].

    Raises:
        ValueError: unknown room, ``density_of_states`` missing where it is needed or not positive, a number that is
            not finite, or shapes that do not broadcast.

    >>> spin_splitting("accumulation", 3.0, density_of_states=2.0)
    3.0
    """
    factor = _per_splitting(room, density_of_states)
    own, factor = together(value=real("value", value), density_of_states=factor)
    return float_or_array(own / factor)


def _per_splitting(room: str, density_of_states: ArrayLike | None) -> _Real:
    """The room's quantity per joule of splitting, in the shape of the density of states."""
    factors = {"circuit": 1 / (2 * units.e), "diffusion": -1.0, "magnons": -1.0}
    if not isinstance(room, str) or room not in {"accumulation", *factors}:
        raise ValueError(f"room = {room!r} has no spin accumulation: pass 'accumulation' or one of {sorted(factors)}")
    if density_of_states is None:
        if room == "accumulation":
            raise ValueError("density_of_states = None: pass the density of states per spin in 1/(J m^3)")
        return np.asarray(factors[room])
    density = positive("density_of_states", density_of_states)
    return density / 2 if room == "accumulation" else np.full(density.shape, factors[room])


# --- 4 x 4 matrices and mixing ----------------------------------------------------------------------------------------


def circuit_mixing(
    reflection_mixing: ArrayLike, transmission_mixing: ArrayLike = 0.0, sharvin: ArrayLike = 1.0
) -> complex | _Complex:
    """Return the mixing conductance of circuit theory, G_Sh conj(1 - rho - tau) (BTBK 52, 62).

    rho and tau have the majority amplitude first, Tr r_up r_down^dagger/N; circuit theory puts the minority first.

    Args:
        reflection_mixing: rho on the side of the normal metal, complex, ``(...,)``.
        transmission_mixing: tau from that side; 0 for a magnet that dephases all it transmits. No unitary matrix has
            |rho| + |tau| above 1 (Cauchy and Schwarz), so Re G is never negative.
        sharvin: G_Sh of one spin [S or S/m^2], positive; 1 for the value per channel.

    Returns:
        Complex, broadcast shape [unit of ``sharvin``].

    Raises:
        ValueError: |rho| + |tau| > 1, ``sharvin`` not positive, a number that is not finite, or shapes that do not
            broadcast.

    >>> circuit_mixing(0.25 + 0.5j)
    (0.75+0.5j)
    """
    rho, tau = _mixing("reflection_mixing", reflection_mixing), _mixing("transmission_mixing", transmission_mixing)
    scale = positive("sharvin", sharvin)
    shared_shape(reflection_mixing=rho.shape, transmission_mixing=tau.shape, sharvin=scale.shape)
    mixing_bound(reflection_mixing=rho, transmission_mixing=tau)
    result = np.asarray(scale * (1 - rho - tau).conj(), dtype=np.complex128)
    return result if result.ndim else complex(result)


def _mixing(name: str, value: ArrayLike) -> _Complex:
    return np.asarray(finite(name, value, f"pass |{name}| <= 1", complex_allowed=True), dtype=np.complex128)


_Order = Literal["row", "column"]

#: (uu, ud, du, dd) of X = x_0 + x.sigma from (x_0, x, y, z).
_ROW_MAJOR: Final[_Complex] = np.concatenate([np.eye(2)[None], PAULI]).reshape(4, 4).T


def hat_to_vec(hat: ArrayLike, order: _Order = "row") -> _Complex:
    """Return the 4 x 4 matrix of a layer on the entries of X from that on (charge, x, y, z).

    Args:
        hat: M_{mu,nu} = Tr[sigma_mu m sigma_nu m^dagger]/2N, ``(..., 4, 4)``, as the blocks of a HatMatrix.
        order: "row" (uu, ud, du, dd), the average of m x m*; "column" (uu, du, ud, dd), that of m* x m (KK 13-15).

    Returns:
        Complex array ``(..., 4, 4)``.

    Raises:
        ValueError: ``hat`` is no finite ``(..., 4, 4)`` array, unknown ``order``.

    >>> hat_to_vec(np.diag([0.5, 0.25, 0.25, 0.5])).diagonal().real
    array([0.5 , 0.25, 0.25, 0.5 ])
    """
    basis = _basis(order)
    return np.asarray(basis @ _matrices("hat", hat) @ np.linalg.inv(basis))


def hat_from_vec(matrix: ArrayLike, order: _Order = "row") -> _Complex:
    """Return the matrix on (charge, x, y, z) from that on the entries of X; the inverse of the above.

    Args:
        matrix: complex ``(..., 4, 4)`` in the order that ``order`` names.
        order: as for ``hat_to_vec``.

    Returns:
        Complex array ``(..., 4, 4)``; real if the matrix maps Hermitian X to Hermitian X.

    Raises:
        ValueError: ``matrix`` is no finite ``(..., 4, 4)`` array, unknown ``order``.

    >>> hat_from_vec(np.diag([0.5, 0.25j, -0.25j, 0.5]))[1, 2].real
    np.float64(0.25)
    """
    basis = _basis(order)
    return np.asarray(np.linalg.inv(basis) @ _matrices("matrix", matrix) @ basis)


def _basis(order: str) -> _Complex:
    if order not in ("row", "column"):
        raise ValueError(f"order = {order!r} is unknown: pass 'row' for m x m* or 'column' for m* x m")
    # Column-major vec X exchanges X_ud and X_du, which is the complex conjugate of each Pauli matrix.
    return _ROW_MAJOR if order == "row" else _ROW_MAJOR.conj()


def _matrices(name: str, value: ArrayLike) -> _Complex:
    remedy = f"pass {name} of shape (..., 4, 4)"
    array = np.asarray(finite(name, value, remedy, complex_allowed=True), dtype=np.complex128)
    if array.shape[-2:] != (4, 4):
        raise ValueError(f"{name} has shape {array.shape}: {remedy}")
    return array
