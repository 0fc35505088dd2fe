"""The averaged layers of a multilayer: interface-like magnets, spacers and diffusive bulk."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import finite, real, require, shared_shape
from spinlib.scattering._algebra import angles, probability
from spinlib.scattering._hat import HatMatrix
from spinlib.scattering.smatrix import rotate

__all__ = ["bulk_layer", "ferromagnet", "normal_metal", "valet_fert_rates"]

# The aligned default touches |rho|^2 = R_up R_down; rounding must not refuse it.
_ROUNDING = 1e-12

_Real = NDArray[np.float64]
_Complex = NDArray[np.complex128]


def _block(charge: ArrayLike, to_spin: ArrayLike, spin: ArrayLike, mixing: ArrayLike) -> _Real:
    """Return the 4 x 4 block of an axial layer along z; to_spin couples charge and s_z, mixing = r_up r_down*."""
    c, cz, z, m = np.broadcast_arrays(charge, to_spin, spin, mixing)
    block = np.zeros((*c.shape, 4, 4))
    block[..., 0, 0], block[..., 0, 3], block[..., 3, 0], block[..., 3, 3] = c.real, cz.real, cz.real, z.real
    block[..., 1, 1] = block[..., 2, 2] = m.real
    block[..., 1, 2], block[..., 2, 1] = m.imag, -m.imag
    return block


def _mixing(name: str, value: ArrayLike | None, aligned: _Real) -> _Complex:
    if value is None:
        return np.asarray(aligned, dtype=np.complex128)
    remedy = f"pass |{name}| up to the geometric mean of the two probabilities, or None for aligned phases"
    mixing = np.asarray(finite(name, value, remedy, complex_allowed=True), dtype=np.complex128)
    shared_shape(transmissions=aligned.shape, **{name: mixing.shape})
    require(name, mixing, np.abs(mixing) ** 2 <= aligned**2 + _ROUNDING, "exceeds the Cauchy-Schwarz bound", remedy)
    return mixing


def _aligned_absorption(up: _Real, down: _Real) -> _Real:
    """Return 1 - sqrt(R_up R_down) - sqrt(T_up T_down) as a sum of squares, with all digits for T_up ~ T_down."""
    squares = np.zeros(np.broadcast_shapes(up.shape, down.shape))
    for total in (np.sqrt(up) + np.sqrt(down), np.sqrt(1 - up) + np.sqrt(1 - down)):
        # sqrt(a) - sqrt(b) = (a - b) / (sqrt(a) + sqrt(b)); R_up - R_down = -(T_up - T_down).
        squares += np.divide(up - down, total, out=np.zeros_like(squares), where=total > 0) ** 2
    return squares / 2


def ferromagnet(
    transmission_up: ArrayLike,
    transmission_down: ArrayLike,
    *,
    reflection_mixing: ArrayLike | None = None,
    transmission_mixing: ArrayLike | None = None,
    reflection_mixing_right: ArrayLike | None = None,
    transmission_mixing_right: ArrayLike | None = None,
    theta: ArrayLike = 0.0,
    phi: ArrayLike = 0.0,
) -> HatMatrix:
    r"""Return the averaged magnet without spin flip, rho = Tr r_up r_down^dagger / N and tau likewise (KK 11, 15).

    In the layer's own frame the (charge, z) block holds the probabilities R_s = 1 - T_s and T_s, the (x, y) block of r
    is [[Re rho, Im rho], [-Im rho, Re rho]]. Up is the majority spin; the mixing is given in this frame, before the
    rotation by theta and phi. All arguments broadcast.

    Args:
        transmission_up: T_up, transmission per channel of majority electrons, 0 <= T_up <= 1.
        transmission_down: T_down of minority electrons.
        reflection_mixing: complex rho of r (incidence from the left), \|rho\|^2 <= R_up R_down.
            None: aligned phases, sqrt(R_up R_down). 0: fully dephased.
        transmission_mixing: complex tau of t (left to right), \|tau\|^2 <= T_up T_down. None: sqrt(T_up T_down).
        reflection_mixing_right: rho of r' (incidence from the right). None: same as the left value.
        transmission_mixing_right: tau of t' (right to left). None: same as the left value.
        theta: polar angle of the majority spin [rad].
        phi: its azimuth [rad].

    Returns:
        HatMatrix with the broadcast leading shape.

    Raises:
        ValueError: a probability outside [0, 1], a mixing parameter above its bound, or anything not finite.

    >>> ferromagnet(1, 0).t[0]
    array([0.5, 0. , 0. , 0.5])
    """
    up = probability("transmission_up", transmission_up)
    down = probability("transmission_down", transmission_down)
    shared_shape(transmission_up=up.shape, transmission_down=down.shape)
    aligned_r, aligned_t = np.sqrt((1 - up) * (1 - down)), np.sqrt(up * down)
    rho = _mixing("reflection_mixing", reflection_mixing, aligned_r)
    tau = _mixing("transmission_mixing", transmission_mixing, aligned_t)
    absorption = _absorption(up, down, rho, tau, reflection_mixing is None and transmission_mixing is None)
    rho_right, tau_right, absorption_right = rho, tau, absorption
    if reflection_mixing_right is not None:
        rho_right = _mixing("reflection_mixing_right", reflection_mixing_right, aligned_r)
    if transmission_mixing_right is not None:
        tau_right = _mixing("transmission_mixing_right", transmission_mixing_right, aligned_t)
    if rho_right is not rho or tau_right is not tau:
        absorption_right = _absorption(up, down, rho_right, tau_right, False)
    mean, half = (up + down) / 2, (up - down) / 2
    six = [
        _block(1 - mean, -half, 1 - mean, rho),
        _block(mean, half, mean, tau_right),
        _block(mean, half, mean, tau),
        _block(1 - mean, -half, 1 - mean, rho_right),
        _block(0, 0, 0, absorption),
        _block(0, 0, 0, absorption_right),
    ]
    polar, azimuth = angles(theta, phi)
    shared_shape(magnet=np.broadcast_shapes(*(m.shape[:-2] for m in six)), theta=polar.shape, phi=azimuth.shape)
    return rotate(HatMatrix._from_valid([*np.broadcast_arrays(*six)]), polar, azimuth)


def _absorption(up: _Real, down: _Real, rho: _Complex, tau: _Complex, aligned: bool) -> _Complex:
    if aligned:
        return np.asarray(_aligned_absorption(up, down), dtype=np.complex128)
    return np.asarray(1 - rho - tau)


def normal_metal(transmission: ArrayLike) -> HatMatrix:
    """Return the averaged spacer that conserves spin, t = n 1 and r = (1 - n) 1 (KK 13).

    Args:
        transmission: n = g_N/N, transmission per channel and spin, 0 < n <= 1; broadcasts.
            A spacer of resistivity rho (both spins) and thickness d has 1/n - 1 = 2 rho d / R_Sh, R_Sh per spin.

    Returns:
        HatMatrix with the shape of ``transmission`` as leading shape.

    Raises:
        ValueError: ``transmission`` is outside (0, 1].

    >>> normal_metal(0.25).r[0]
    array([0.75, 0.  , 0.  , 0.  ])
    """
    n = probability("transmission", transmission, zero=False)
    through, back, nothing = _block(n, 0 * n, n, n), _block(1 - n, 0 * n, 1 - n, 1 - n), np.zeros((*n.shape, 4, 4))
    return HatMatrix._from_valid([back, through, through, back, nothing, nothing])


def _attenuation(rate: _Complex, thickness: _Real) -> tuple[_Complex, _Complex, _Complex]:
    """Return e^-u cosh u, e^-u sinh(u)/rate and e^-2u for u = rate * thickness / 2, finite at rate = 0 and at any u."""
    u = rate * thickness / 2
    small = u == 0
    safe = np.where(small, 1, rate)
    sinh = np.where(small, thickness / 2, -np.expm1(-2 * u) / (2 * safe))
    fall: _Complex = np.asarray(np.exp(-2 * u))
    return np.asarray((1 + fall) / 2), np.asarray(sinh), fall


def bulk_layer(
    thickness: ArrayLike,
    scattering_up: ArrayLike,
    scattering_down: ArrayLike,
    *,
    spin_flip: ArrayLike = 0.0,
    transverse_decay: ArrayLike | None = None,
    transverse_reflection: ArrayLike | None = None,
    theta: ArrayLike = 0.0,
    phi: ArrayLike = 0.0,
) -> HatMatrix:
    r"""Return a diffusive layer of finite thickness (continuous limit of KK 13, with spin flip).

    Right movers f and left movers b obey f' = -L_t f + L_r b, b' = L_t b - L_r f. For the pair (up, down)
    L_t = [[G_up + 2 G_sf, -G_sf], [-G_sf, G_down + 2 G_sf]], L_r = [[G_up, G_sf], [G_sf, G_down]]; for X_(up,down)
    L_t = G_mx and L_r = G_mx^r. Even and odd excitations of the mirror-symmetric layer decouple (f + b and f - b take
    hyperbolic functions), so no slicing is needed. Without flips 1/T_s = 1 + G_s L; flips give
    1/l_sf^2 = 4 G_sf (G_up + G_down + 2 G_sf). All arguments broadcast.

    Args:
        thickness: L [m], >= 0.
        scattering_up: G_up, backscattering rate of majority electrons [1/m], >= 0.
        scattering_down: G_down of minority electrons [1/m], >= 0.
        spin_flip: G_sf, rate of flips, the same forwards and backwards [1/m], >= 0.
        transverse_decay: G_mx, complex decay rate of the transverse spin [1/m]; its imaginary part is precession.
            Re G_mx >= (G_up + G_down)/2 + 2 G_sf. None: isotropic G + 3 G_sf, for equal rates only.
        transverse_reflection: G_mx^r, complex backscattering rate of the transverse spin [1/m],
            \|G_mx^r\|^2 <= G_up G_down. None: isotropic G - G_sf if ``transverse_decay`` is None too, else 0.
        theta: polar angle of the majority spin [rad].
        phi: its azimuth [rad].

    Returns:
        HatMatrix with the broadcast leading shape.

    Raises:
        ValueError: a negative rate or thickness, rates that are not completely positive, missing ``transverse_decay``.

    >>> bulk_layer(2.0, 0.5, 0.5).t[0]
    array([0.5, 0. , 0. , 0. ])
    """
    length, up, down, flip = (
        _not_negative(name, value)
        for name, value in {
            "thickness": thickness,
            "scattering_up": scattering_up,
            "scattering_down": scattering_down,
            "spin_flip": spin_flip,
        }.items()
    )
    shared_shape(thickness=length.shape, scattering_up=up.shape, scattering_down=down.shape, spin_flip=flip.shape)
    decay, reflection = _transverse_rates(up, down, flip, transverse_decay, transverse_reflection)
    polar, azimuth = angles(theta, phi)
    shared_shape(
        rates=np.broadcast_shapes(length.shape, decay.shape, reflection.shape), theta=polar.shape, phi=azimuth.shape
    )
    return rotate(_slab(length, up, down, flip, decay, reflection), polar, azimuth)


def _not_negative(name: str, value: ArrayLike) -> _Real:
    array = real(name, value)
    require(name, array, array >= 0, "is negative", f"pass {name} >= 0, in SI units")
    return array


def _transverse_rates(
    up: _Real, down: _Real, flip: _Real, decay: ArrayLike | None, reflection: ArrayLike | None
) -> tuple[_Complex, _Complex]:
    if decay is None:
        remedy = "pass transverse_decay (1/m) for a magnet: None is the isotropic value of a normal metal"
        require(
            "transverse_decay = None with scattering_up - scattering_down", up - down, up == down, "is open", remedy
        )
        # A normal metal has no axis: the transverse sector repeats the one of s_z.
        decay_rate = np.asarray(up + 3 * flip, dtype=np.complex128)
    else:
        decay_rate = np.asarray(finite("transverse_decay", decay, complex_allowed=True), dtype=np.complex128)
    if reflection is None:
        reflected = np.asarray(up - flip if decay is None else 0.0, dtype=np.complex128)
    else:
        reflected = np.asarray(finite("transverse_reflection", reflection, complex_allowed=True), dtype=np.complex128)
    shared_shape(
        rates=np.broadcast_shapes(up.shape, down.shape, flip.shape),
        transverse_decay=decay_rate.shape,
        transverse_reflection=reflected.shape,
    )
    least = (up + down) / 2 + 2 * flip
    remedy = "pass Re transverse_decay >= (scattering_up + scattering_down)/2 + 2 spin_flip: dephasing is no gain"
    require(
        "transverse_decay", decay_rate, decay_rate.real >= least * (1 - _ROUNDING), "is not completely positive", remedy
    )
    remedy = (
        "pass |transverse_reflection|^2 <= scattering_up * scattering_down (isotropic: spin_flip <= 2 * scattering_up)"
    )
    most = up * down * (1 + _ROUNDING)
    require("transverse_reflection", reflected, np.abs(reflected) ** 2 <= most, "is not completely positive", remedy)
    return decay_rate, reflected


def _slab(length: _Real, up: _Real, down: _Real, flip: _Real, decay: _Complex, reflection: _Complex) -> HatMatrix:
    """Solve the slab exactly, both sectors, in sums of terms of one sign wherever digits are at stake.

    Longitudinal, in (charge, z): n = f + b and j = f - b obey n' = -A j, j' = -B n with A = [[p, m], [m, p]] and
    B = diag(0, 4 G_sf). The even excitation has j = Y n, the odd one n = Z j at the left face, so
    r + t = (1 - Y)/(1 + Y), r - t = (Z - 1)/(Z + 1). Transverse likewise with scalars.
    """
    p, m = up + down + 2 * flip, up - down
    both = 4 * (up + flip) * (down + flip)  # p^2 - m^2
    per_p = np.divide(1.0, p, out=np.zeros_like(p), where=p > 0)
    cosh, sinh, fall = (x.real for x in _attenuation(np.sqrt(4 * flip * p).astype(complex), length))
    g = sinh / cosh
    y = 4 * flip * g
    z_charge = length / 2 * both * per_p + g * m**2 * per_p
    z_spin = p * g
    det = 1 + z_charge + z_spin + length / 2 * g * both
    sech_squared = fall / cosh**2
    t_charge, t_mixed = (1 + z_spin) / det, -m * g / det
    t_spin = (y * g**2 * m**2 + sech_squared * (1 + z_charge)) / (det * (1 + y))
    r_charge = (z_charge + length / 2 * g * both) / det
    r_spin = g * ((p - 4 * flip) * (1 + length / 2 * both * per_p) - 4 * flip * g * m**2 * per_p) / (det * (1 + y))

    inflow, outflow = decay - reflection, decay + reflection
    cosh_x, sinh_x, fall_x = _attenuation(np.sqrt(inflow * outflow), length)
    even, odd = cosh_x + inflow * sinh_x, cosh_x + outflow * sinh_x
    t_x = fall_x / (even * odd)
    r_x = 2 * reflection * sinh_x * cosh_x / (even * odd)

    through = _block(t_charge, t_mixed, t_spin, t_x)
    back = _block(r_charge, -t_mixed, r_spin, r_x)
    absorbed = _block(0, 0, 2 * y / (1 + y), 2 * inflow * sinh_x / even)
    through, back, absorbed = np.broadcast_arrays(through, back, absorbed)
    return HatMatrix._from_valid([back, through, through, back, absorbed, absorbed])


def valet_fert_rates(
    resistivity: ArrayLike, beta: ArrayLike, spin_diffusion_length: ArrayLike, sharvin_resistance: ArrayLike
) -> tuple[_Real, _Real, _Real]:
    r"""Return the rates of :func:`bulk_layer` from Valet-Fert parameters, rho_(up,down) = 2 rho* (1 -+ beta).

    G_sf = R_Sh / (16 rho* l_sf^2) and G_(up,down) = 2 rho* (1 -+ beta) / R_Sh - G_sf; both are exact for any asymmetry.

    Args:
        resistivity: rho* [Ohm m], > 0.
        beta: spin asymmetry of the bulk, -1 < beta < 1, positive if majority electrons scatter less.
        spin_diffusion_length: l_sf [m], > 0; ``numpy.inf`` for no spin flip.
        sharvin_resistance: R_Sh of one spin [Ohm m^2], > 0, i.e. (h/e^2) per channel density of one spin.

    Returns:
        (scattering_up, scattering_down, spin_flip), each [1/m], broadcast.

    Raises:
        ValueError: a parameter outside its range, or ``spin_diffusion_length`` so short that a rate would be negative.

    >>> valet_fert_rates(1.0, 0.5, 1.0, 2.0)
    (array(0.375), array(1.375), array(0.125))
    """
    rho, sharvin = real("resistivity", resistivity), real("sharvin_resistance", sharvin_resistance)
    asymmetry = real("beta", beta)
    try:
        decay_length = np.asarray(spin_diffusion_length, dtype=np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"spin_diffusion_length = {spin_diffusion_length!r} is no real number: pass m, > 0") from None
    require("resistivity", rho, rho > 0, "is not positive", "pass rho* > 0 in Ohm m")
    require("sharvin_resistance", sharvin, sharvin > 0, "is not positive", "pass R_Sh > 0 of one spin, in Ohm m^2")
    require("beta", asymmetry, np.abs(asymmetry) < 1, "is no spin asymmetry", "pass -1 < beta < 1")
    length_remedy = "pass spin_diffusion_length > 0 in m (numpy.inf: no spin flip)"
    require("spin_diffusion_length", decay_length, decay_length > 0, "is not positive", length_remedy)
    shared_shape(
        resistivity=rho.shape,
        beta=asymmetry.shape,
        spin_diffusion_length=decay_length.shape,
        sharvin_resistance=sharvin.shape,
    )
    flip = sharvin / (16 * rho * decay_length**2)
    up, down = (2 * rho * (1 - sign * asymmetry) / sharvin - flip for sign in (1, -1))
    shortest = sharvin / np.sqrt(32 * rho**2 * (1 - np.abs(asymmetry)))
    lengths, fits = np.broadcast_arrays(decay_length, np.minimum(up, down) >= 0)
    remedy = f"pass spin_diffusion_length >= {float(np.max(shortest)):.4g} m, or treat the layer as ballistic"
    require("spin_diffusion_length", lengths, fits, "makes a scattering rate negative", remedy)
    return np.asarray(up), np.asarray(down), np.asarray(np.broadcast_to(flip, np.shape(up)))
