r"""Lattice ferromagnets: a p-orbital magnet with any texture and disorder, a random alloy, and a slab in closed form.

The magnet is simple cubic, H = sum_i [eps_i - (Delta_i/2) m_i.sigma + xi L.S] + sum_bonds V. It is chosen here: BTBK
prints no Hamiltonian for Figures 4 to 9. Units and conventions: :mod:`spinlib.lattice`.
"""

import warnings
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import generator, integer, number, real, require, shaped, tangent, together, unit, vectors
from spinlib.lattice._orbitals import LS, bond, exchange
from spinlib.lattice.green import LayeredSystem

__all__ = ["binary_alloy", "p_orbital_magnet", "slab_amplitudes"]

_Real = NDArray[np.float64]
_Complex = NDArray[np.complex128]

# A wall is contained if 3.5 of its widths lie between its centre and each end: 1/cosh(3.5) = 0.0603.
_TAIL = 0.06
# Hops of r^-2 are ten thousand times the ideal one at the shortest bond that is let through.
_SHORTEST_BOND = 0.01
# As in spinlib.lattice.leads: a mode with 4V^2 - x^2 below this share of V^2 is at the edge of the band of the lead.
_BAND_EDGE = 1e-12


class _Shape(NamedTuple):
    """Extent of a sample: sites along x and y in a layer, and layers."""

    x: int
    y: int
    layers: int

    @property
    def sites(self) -> int:
        return self.x * self.y


def p_orbital_magnet(
    shape: tuple[int, int, int],
    magnetization: ArrayLike,
    *,
    onsite: ArrayLike = 0.0,
    exchange_splitting: ArrayLike = 1.0,
    spin_orbit: float = 0.0,
    hopping: tuple[float, float] = (1.0, -0.4),
    decay: float = 2.0,
    displacement: ArrayLike | None = None,
    twist: tuple[float, float] = (0.0, 0.0),
    variations: tuple[ArrayLike, ...] | list[ArrayLike] = (),
) -> LayeredSystem:
    r"""Return a simple cubic ferromagnet with three p orbitals and spin per site.

    H = sum_i [eps_i - (Delta_i/2) m_i.sigma + xi L.S] + sum of r^-decay [V_pi + (V_sigma - V_pi) u u^T] over the bonds
    between neighbours, u the direction and r the length of a bond. A layer is closed by bonds with the twist, which
    *add* to the direct ones: two bonds join the two sites of N_x = 2, and for N_x = 1 a site has 2 V cos(theta_x).

    A variation dm/dX gives the perturbation -(Delta_i/2) dm/dX.sigma. Where ``magnetization`` differs between layers, a
    variation that does so too is taken for the shift of a wall, and has to have the wall inside the sample.

    Args:
        shape: (N_x, N_y, L), sites in a layer and layers, each at least 1.
        magnetization: direction m of the majority spin, unit vectors ``(3,)``, ``(L, 3)`` or ``(L, N_x N_y, 3)``; for a
            wall the first array of :func:`spinlib.dynamics.walls.wall_profile` at the layers 0 .. L-1.
        onsite: eps, a number or ``(L, N_x N_y)``, any sign [hopping units].
        exchange_splitting: Delta, full splitting of majority (lower for Delta > 0) and minority, a number or
            ``(L, N_x N_y)``, any sign [hopping units].
        spin_orbit: xi, any sign [hopping units].
        hopping: (V_sigma, V_pi) of an ideal bond, any sign [hopping units].
        decay: exponent of the length of a bond, 0 or more.
        displacement: u of every site ``(L, N_x N_y, 3)`` [lattice constants]; the bond from i to its neighbour j is
            e + u_j - u_i, wrap bonds included. Bonds to the leads stay ideal.
        twist: (theta_x, theta_y) per supercell, <N_x - 1|H|0> = V exp(i theta_x) [rad].
        variations: tuple or list of fields dm/dX, across m or 0, each ``(3,)``, ``(L, 3)`` or ``(L, N_x N_y, 3)``
            [per unit of X]; for a wall the second array of ``wall_profile``.

    Returns:
        The sample. ``coupling`` is one diagonal ``(n,)`` for all layers, or ``(L - 1, n, n)`` if a displacement is
        given; without one ``onsite[0]`` and ``coupling`` make a magnetic lead. A perturbation is ``(1, n, n)`` if
        neither its variation nor m nor Delta is given by layer, else ``(L, n, n)``.

    Raises:
        ValueError: a shape that does not fit, |m| not 1 or a variation not across m to 1e-6, a bond shorter than 0.01
            lattice constants, an argument out of range; a wall (L >= 3) that is steepest in the first or last layer.

    Warns:
        UserWarning: a wall sticks out: its variation exceeds 6 % of its maximum in the first or last layer.

    >>> magnet = p_orbital_magnet((1, 1, 1), (0, 0, 1), exchange_splitting=2.0, variations=((1, 0, 0),))
    >>> magnet.coupling.real.round(12).tolist()
    [-0.4, -0.4, -0.4, -0.4, 1.0, 1.0]
    >>> magnet.onsite[0].diagonal().real.round(12).tolist()  # 2 V_x + 2 V_y -+ Delta/2
    [0.2, 2.2, 0.2, 2.2, -2.6, -0.6]
    """
    size = _extent(shape)
    m = _field("magnetization", unit("magnetization", magnetization), size)
    eps = _by_site("onsite", onsite, size)
    delta = _by_site("exchange_splitting", exchange_splitting, size)
    xi = number("spin_orbit", spin_orbit)
    sigma, pi = shaped("hopping", hopping, (2,), "pass (V_sigma, V_pi)").tolist()
    exponent = number("decay", decay)
    require("decay", exponent, exponent >= 0, "is negative", "pass an exponent of at least 0")
    angles = shaped("twist", twist, (2,), "pass (theta_x, theta_y) in rad per supercell")

    moved = None if displacement is None else _displaced(displacement, size)
    u = np.zeros((1, size.x, size.y, 3)) if moved is None else moved
    in_layer = _hops_in_layer(u, (sigma, pi), exponent, np.exp(1j * angles))
    blocks = np.zeros((size.layers, size.sites, 3, 2, size.sites, 3, 2), dtype=np.complex128)
    np.einsum("liasjbs->lsiajb", blocks)[...] = in_layer[:, None]
    n = 6 * size.sites
    layers = blocks.reshape(size.layers, n, n)
    _on_sites(layers)[...] += eps[..., None, None] * np.eye(6) + delta[..., None, None] * exchange(m) + xi * LS

    if moved is None:
        ideal = bond(np.array([0.0, 0.0, 1.0]), (sigma, pi), exponent).diagonal()
        coupling = np.tile(np.repeat(ideal, 2), size.sites).astype(np.complex128)
    else:
        hops = _between_layers(moved, (sigma, pi), exponent)
        between = np.zeros((size.layers - 1, size.sites, 3, 2, size.sites, 3, 2), dtype=np.complex128)
        np.einsum("liasibs->lsiab", between)[...] = hops[:, None]
        coupling = between.reshape(-1, n, n)

    perturbations = []
    for place, field in enumerate(_sequence(variations)):
        name = f"variations[{place}]"
        given = _field(name, vectors(name, field), size)
        change = tangent(name, given, m, "magnetization")
        _check_wall(name, given, m)
        torque = delta[..., None, None] * exchange(change)
        perturbation = np.zeros((len(torque), n, n), dtype=np.complex128)
        _on_sites(perturbation)[...] = torque
        perturbations.append(perturbation)
    return LayeredSystem(layers, coupling, tuple(perturbations))


def binary_alloy(
    shape: tuple[int, int, int],
    concentration: float,
    *,
    exchange_splitting: ArrayLike,
    majority_shift: float,
    minority_shift: float,
    onsite: ArrayLike = 0.0,
    seed: int | np.random.Generator | None = None,
) -> tuple[_Real, _Real]:
    """Return levels and splittings of a random alloy A_(1-x) B_x for :func:`p_orbital_magnet`.

    Each site is B with probability x, independently. The majority level eps - Delta/2 of a B site lies
    ``majority_shift`` above that of A, its minority level eps + Delta/2 lies ``minority_shift`` above.

    Args:
        shape: (N_x, N_y, L), sites in a layer and layers, each at least 1.
        concentration: x, from 0 to 1.
        exchange_splitting: Delta of A, a number or ``(L, N_x N_y)``, any sign [hopping units].
        majority_shift: of the majority level, any sign [hopping units].
        minority_shift: of the minority level, any sign [hopping units].
        onsite: eps of A, a number or ``(L, N_x N_y)``, any sign [hopping units].
        seed: integer, ``numpy.random.Generator`` (which advances) or None; a longer sample of the same integer starts
            with the layers of a shorter one.

    Returns:
        The pair eps, Delta, each ``(L, N_x N_y)``.

    Raises:
        ValueError: an argument is out of range.

    >>> eps, delta = binary_alloy((1, 1, 1), 1.0, exchange_splitting=1.0, majority_shift=0.5, minority_shift=2.0)
    >>> eps.tolist(), delta.tolist()
    ([[1.25]], [[2.5]])
    """
    size = _extent(shape)
    x = number("concentration", concentration)
    require("concentration", x, 0 <= x <= 1, "is no share of the sites", "pass 0 <= concentration <= 1")
    delta = _by_site("exchange_splitting", exchange_splitting, size)
    eps = _by_site("onsite", onsite, size)
    majority, minority = number("majority_shift", majority_shift), number("minority_shift", minority_shift)
    is_b = generator(seed).random((size.layers, size.sites)) < x
    return eps + is_b * (majority + minority) / 2, delta + is_b * (minority - majority)


def slab_amplitudes(
    energy: ArrayLike,
    transverse_energy: ArrayLike,
    thickness: int | NDArray[np.integer],
    potential: ArrayLike,
    *,
    lead_potential: ArrayLike = 0.0,
    hopping: ArrayLike = -1.0,
) -> tuple[_Complex, _Complex, NDArray[np.bool_]]:
    r"""Return reflection and transmission of one channel by a slab of d sites between ideal leads.

    With E - eps_t - U_lead = 2 V cos k, E - eps_t - U = 2 V cos q, z = exp(ik) moving to the right, p = exp(iq) either
    of two waves or the one that decays, and s = (1 - p^2d)/(1 - p^2),

        r = s p (U - U_lead)/V / [s (p - z)^2 + 1 - z^2],   t = p^d (1/z - z) / [s (p - z)^2 + 1 - z^2].

    Phases refer to the first and last site of the slab: for U = U_lead, r = 0 and t = exp(ik(d - 1)). By mirror
    symmetry r' = r and t' = t. Rounding grows as the square of d at the edge of the band of the slab only.

    Args:
        energy: E, any sign [hopping units].
        transverse_energy: eps_t of the channel, the same in slab and leads, any sign [hopping units].
        thickness: d, integer or array of integers of at least 1 [sites].
        potential: U on the sites of the slab, any sign [hopping units].
        lead_potential: U_lead, any sign [hopping units].
        hopping: V, everywhere the same, not 0, any sign [hopping units].

    Returns:
        r, t and whether the channel propagates in the lead, in the shape of all arguments together. Where it does not,
        r = t = 0; this includes the edge of its band, 4V^2 - (E - eps_t - U_lead)^2 < 1e-12 V^2.

    Raises:
        ValueError: an argument is out of range or the shapes do not fit.

    >>> r, t, is_open = slab_amplitudes(0.0, 0.0, 1, 2.0)
    >>> complex(r), complex(t), bool(is_open)
    ((-0.5-0.5j), (0.5-0.5j), True)
    """
    e, transverse, sites, inside, outside, v = together(
        energy=real("energy", energy),
        transverse_energy=real("transverse_energy", transverse_energy),
        thickness=_thickness(thickness),
        potential=real("potential", potential),
        lead_potential=real("lead_potential", lead_potential),
        hopping=real("hopping", hopping),
    )
    require("hopping", v, v != 0, "joins no sites", "pass a hopping that is not 0")
    forward = -np.sign(v)  # sign of Im exp(ik) of a wave that moves to the right: velocity -2 V sin k
    lead = (e - transverse - outside) / (2 * np.abs(v))
    square = (1 - np.abs(lead)) * (1 + np.abs(lead))
    is_open = 4 * square >= _BAND_EDGE
    sine = forward * np.sqrt(np.where(is_open, square, 1.0))
    z = np.where(is_open, np.sign(v) * lead, 0.0) + 1j * sine

    cosine = (e - transverse - inside) / (2 * v)
    sign = np.where(cosine < 0, -1.0, 1.0)  # p = sign exp(w): w is small at both edges of the band
    size = np.abs(cosine)
    w = -np.arccosh(np.maximum(size, 1.0)) + 1j * np.arccos(np.minimum(size, 1.0))
    p = sign * np.exp(w)
    at_edge = w == 0
    s = np.where(at_edge, sites, np.expm1(2 * sites * w) / np.where(at_edge, 1.0, np.expm1(2 * w)))
    weight = s * (p - z) ** 2 - 2j * sine * z
    r = np.where(is_open, s * p * (inside - outside) / v / weight, 0.0)
    t = np.where(is_open, -2j * sine * sign**sites * np.exp(sites * w) / weight, 0.0)
    return r[()], t[()], is_open[()]


def _thickness(value: object) -> _Real:
    """Return integers of at least 1 as floats, or refuse them by name."""
    remedy = "pass integers thickness >= 1, in sites"
    try:
        array = np.asarray(value)
    except ValueError:
        raise ValueError(f"thickness = {value!r} is no array of integers: {remedy}") from None
    if array.dtype.kind not in "iu":
        raise ValueError(f"thickness = {value!r} is no integer: {remedy}")
    require("thickness", array, array >= 1, "is below 1", remedy)
    return array.astype(np.float64)


def _extent(shape: tuple[int, int, int]) -> _Shape:
    try:
        x, y, layers = shape
    except (TypeError, ValueError):
        raise ValueError(f"shape = {shape!r} has not three entries: pass (n_x, n_y, n_layers)") from None
    return _Shape(integer("shape[0]", x, 1), integer("shape[1]", y, 1), integer("shape[2]", layers, 1))


def _by_site(name: str, value: ArrayLike, size: _Shape) -> _Real:
    """Return a number as ``(1, 1)`` or an array ``(L, N)``, or refuse it by name."""
    array = real(name, value)
    if array.ndim == 0:
        return array.reshape(1, 1)
    wanted = (size.layers, size.sites)
    return shaped(name, array, wanted, f"pass one number or an array of shape {wanted}, layers by sites")


def _field(name: str, array: _Real, size: _Shape) -> _Real:
    """Return vectors that are uniform, by layer or by site as ``(1 | L, 1 | N, 3)``, or refuse them by name."""
    by_layer, by_site = (size.layers, 3), (size.layers, size.sites, 3)
    if array.shape not in ((3,), by_layer, by_site):
        raise ValueError(f"{name} has shape {array.shape}: pass vectors of shape (3,), {by_layer} or {by_site}")
    return array if array.ndim == 3 else array[..., None, :].reshape(-1, 1, 3)


def _sequence(variations: object) -> tuple[ArrayLike, ...]:
    """Return the fields as a tuple; an array is refused, for its first axis may be meant as layers or as fields."""
    if not isinstance(variations, tuple | list):
        kind = type(variations).__name__
        raise ValueError(f"variations = {kind} is no tuple or list of fields: pass (field,) for a single one")
    return tuple(variations)


def _displaced(displacement: ArrayLike, size: _Shape) -> _Real:
    wanted = (size.layers, size.sites, 3)
    array = shaped("displacement", displacement, wanted, f"pass vectors of shape {wanted}, in lattice constants")
    return array.reshape(size.layers, size.x, size.y, 3)


def _hop(vector: _Real, hopping: tuple[float, float], decay: float) -> _Real:
    """Return the hops along bonds, or refuse atoms that all but coincide."""
    length = np.sqrt(np.einsum("...i,...i", vector, vector))
    problem = f"is below {_SHORTEST_BOND:g} lattice constants"
    require("length of a bond in displacement", length, length >= _SHORTEST_BOND, problem, "pass smaller displacements")
    return bond(vector, hopping, decay)


def _hops_in_layer(u: _Real, hopping: tuple[float, float], decay: float, phases: _Complex) -> _Complex:
    """Return the bonds within layers of displacements ``(L, N_x, N_y, 3)``, as ``(L, N, 3, N, 3)``."""
    shape = u.shape[1:3]
    sites = np.arange(shape[0] * shape[1])
    one_way = np.zeros((len(u), len(sites), 3, len(sites), 3), dtype=np.complex128)
    for axis in (0, 1):
        hops = _hop(np.eye(3)[axis] + np.roll(u, -1, axis + 1) - u, hopping, decay).astype(np.complex128)
        np.moveaxis(hops, axis + 1, 0)[-1] *= phases[axis]
        neighbours = np.roll(sites.reshape(shape), -1, axis).ravel()
        one_way[:, sites, :, neighbours, :] += np.moveaxis(hops.reshape(len(u), len(sites), 3, 3), 1, 0)
    return np.asarray(one_way + one_way.transpose(0, 3, 4, 1, 2).conj())


def _between_layers(u: _Real, hopping: tuple[float, float], decay: float) -> _Real:
    """Return the bonds to the next layer of displacements ``(L, N_x, N_y, 3)``, as ``(L - 1, N, 3, 3)``."""
    hops = _hop(np.array([0.0, 0.0, 1.0]) + u[1:] - u[:-1], hopping, decay)
    return hops.reshape(len(u) - 1, u.shape[1] * u.shape[2], 3, 3)


def _on_sites(layers: _Complex) -> _Complex:
    """Return a view ``(L, N, 6, 6)`` of the blocks of layers ``(L, n, n)`` that join a site with itself."""
    n = layers.shape[-1]
    return np.asarray(np.einsum("liaib->liab", layers.reshape(-1, n // 6, 6, n // 6, 6)))


def _check_wall(name: str, field: _Real, m: _Real) -> None:
    """Refuse the shift of a wall whose centre is not inside the sample, and warn of one that sticks out.

    A shift is a variation whose length differs between layers, of an m that differs between layers. The turn of a part
    of the sample, constant up to one end, is only warned of: of a wall outside, the variation falls layer by layer.
    """
    scale = np.abs(field).max()
    if scale == 0 or (m == m[:1]).all():
        return
    length = np.sqrt(np.einsum("lni,lni->ln", field / scale, field / scale)).max(axis=1)
    largest = length.max()
    if np.ptp(length) <= 1e-12 * largest:
        return
    remedy = "pass a wall with 3.5 widths or more between its centre and both ends of the sample"
    for end, inwards in (("first", length), ("last", length[::-1])):
        seen = inwards[inwards > 1e-150]  # what is less has a square that is rounded
        if len(length) > 2 and inwards[0] == largest and len(seen) > 1 and (np.diff(seen) < 0).all():
            raise ValueError(f"{name} falls from the {end} layer on, with its wall not inside the sample: {remedy}")
    share = max(length[0], length[-1]) / largest
    if share > _TAIL:
        text = f"{name} has {share:.2g} of its maximum in the first or last layer, with its wall not contained"
        warnings.warn(f"{text}: {remedy}", stacklevel=3)
