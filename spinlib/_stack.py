"""Potentials and currents of a stack of layers as one banded linear system (of :mod:`spinlib.diffusion`).

In each layer the asymptotic solution is taken off, J_i = p_i J with the shares p_i = sigma_i/sigma_t; the unknowns are
two amplitudes for each mode of what is left. So the excess resistance is read off directly, not as a small difference
of two large numbers. A mode that decays within the layer has its amplitudes at the two edges for unknowns, any other
its even and its odd part: neither a growing exponential nor a difference of large potentials ever appears. A contact
with relaxation is a layer of its own.

Everything here is in units of a typical conductivity, a typical decay length and J, see :func:`stacked`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import factorial, inf

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dgbtrf, dgbtrs
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from spinlib._channels import Interface, Layer
from spinlib._modes import Modes, components, decompose

__all__ = ["Sheets", "Solution", "solve", "stacked"]

_Real = NDArray[np.float64]
_Flags = NDArray[np.bool_]
_Indices = NDArray[np.intp]

_FAR = 1e200  # stands for an infinite distance, since 0 * inf is undefined


@dataclass(frozen=True)
class Sheets:
    """The S layers of a stack, contacts with relaxation among them, and the S - 1 contacts without.

    Args:
        conductivity: in units of ``unit_conductivity``, ``(S, n)``.
        relaxation: ``(S, n, n)``.
        thickness: in units of ``unit_length``, ``(S,)``; infinite for a lead.
        contact: resistance between a sheet and the next, ``(S - 1, n)``; infinite lets nothing pass.
        layer: number of the layer that a sheet is, ``(S,)``; -1 for a contact.
        unit_conductivity: [S/m].
        unit_length: [m].
    """

    conductivity: _Real
    relaxation: _Real
    thickness: _Real
    contact: _Real
    layer: _Indices
    unit_conductivity: float
    unit_length: float


@dataclass(frozen=True)
class Solution:
    """Deviations from the asymptotic solution, in the units of :class:`Sheets` and J.

    Args:
        sheets: what was solved.
        modes: of every sheet, each array with a leading axis ``S``.
        share: p, ``(S, n)``.
        drop: potential that the asymptotic solution loses in each sheet, d/sigma_t, ``(S,)``; 0 for a lead.
        even: whether the amplitudes of a mode are its even and odd part, not those at its edges, ``(S, n)``.
        amplitude: ``(S, n, 2)``.
        excess: potential that the deviations lose from end to end.
    """

    sheets: Sheets
    modes: Modes
    share: _Real
    drop: _Real
    even: _Flags
    amplitude: _Real
    excess: float

    def at(self, sheet: _Indices, left: _Real, right: _Real) -> tuple[_Real, _Real]:
        """Return the deviations of potential and current, ``(P, n)`` each, ``left`` and ``right`` from the edges."""
        kappa, admittance = self.modes.kappa[sheet], self.modes.admittance[sheet]
        inside = np.isfinite(left + right)[:, None]
        uniform, even = self.modes.uniform[sheet], self.even[sheet]
        first, second = self.amplitude[sheet, :, 0], self.amplitude[sheet, :, 1]
        left, right = np.minimum(left, _FAR)[:, None], np.minimum(right, _FAR)[:, None]
        near, far = first * np.exp(-kappa * left), second * np.exp(-kappa * right)
        width, offset = np.where(inside, left + right, 0), np.where(inside, right - left, 0) / 2
        top = np.cosh(np.where(even, kappa * width / 2, 0))
        cosh, sinh = (function(np.where(even, kappa * offset, 0)) / top for function in (np.cosh, np.sinh))
        height = np.where(even, first * cosh + second * np.where(uniform, offset, sinh) / admittance, near + far)
        flow = np.where(even, second * cosh + admittance * first * sinh, admittance * (near - far))
        potential = np.einsum("pim,pm->pi", self.modes.potential[sheet], height)
        return potential, np.einsum("pim,pm->pi", self.modes.current[sheet], flow)

    def losses(self) -> tuple[_Real, _Real, _Real]:
        """Return the heat of currents and of relaxation in each sheet, leads in excess, and that of each contact.

        J_i^2/sigma_i and G_ij (u_i - u_j)^2/2 are sums over modes, integrated over a sheet in closed form.
        """
        kappa, admittance, uniform = self.modes.kappa, self.modes.admittance, self.modes.uniform
        d = self.sheets.thickness[:, None]
        lead = np.isinf(d)
        kd, d = kappa * np.where(lead, 1, d), np.where(lead, 0, d)
        first, second = self.amplitude[..., 0] * admittance, self.amplitude[..., 1]
        edge = second * admittance
        rate = np.where(kappa > 0, kappa, 1)
        own = (first**2 + edge**2) * np.where(lead, 1, -np.expm1(-2 * kd)) / (2 * rate)
        mixed = 2 * first * edge * np.exp(-kd) * d
        x = np.where(self.even, kd, 0)
        sinh_less = sum(x**k / factorial(k) for k in range(3, 19, 2))  # sinh x - x for x < 1
        less = sinh_less / rate / (2 * np.cosh(x / 2) ** 2)
        more = d / np.cosh(x / 2) ** 2 + less
        joule = np.where(self.even, second**2 * more + first**2 * less, own - mixed)
        relaxation = np.where(self.even, first**2 * more + second**2 * less, own + mixed)
        with np.errstate(divide="ignore"):
            loss = np.einsum(
                "sim,si->sm", self.modes.current**2, np.where(self.modes.frozen, 0, 1 / self.sheets.conductivity)
            )
        joule = self.drop + np.einsum("sm,sm->s", loss, np.where(uniform, second**2 * d, joule))
        relaxation = np.einsum("sm,sm->s", loss, np.where(uniform | self.modes.frozen, 0, relaxation))
        inner = np.arange(len(joule) - 1)
        _, deviation = self.at(inner, self.sheets.thickness[:-1], np.zeros(len(inner)))
        current = self.share[:-1] + deviation
        contact = np.where(np.isfinite(self.sheets.contact), self.sheets.contact, 0)
        return joule, relaxation, np.einsum("si,si->s", contact, current**2)


def stacked(layers: Sequence[Layer], interfaces: Sequence[Interface | None]) -> Sheets:
    """Return the sheets of a stack, without channel groups that no path joins to an end; those carry no current.

    Raises:
        ValueError: no path of open channels leads from end to end.
    """
    n = layers[0].medium.channels
    sigma0, length0 = _units(layers)
    parts: list[tuple[_Real, _Real, float, int]] = []
    contact = []
    for number, (interface, layer) in enumerate(zip((None, *interfaces), layers, strict=True)):
        r = np.zeros(n) if interface is None else interface.resistance
        if interface is not None and interface.relaxation is not None:
            with np.errstate(divide="ignore"):
                parts.append((length0 / r, interface.relaxation / length0, length0, -1))
            contact.append(np.zeros(n))
            r = np.zeros(n)
        contact.append(r)
        parts.append((layer.medium.conductivity, layer.medium.relaxation, layer.thickness, number))
    sigma, relaxation, thickness, owner = (np.array(column) for column in zip(*parts, strict=True))
    sheets = Sheets(
        sigma / sigma0,
        relaxation * (length0**2 / sigma0),
        thickness / length0,
        np.array(contact[1:]).reshape(-1, n) * (sigma0 / length0),
        owner,
        sigma0,
        length0,
    )
    sheets.conductivity[_floating(sheets)] = 0
    return sheets


def _units(layers: Sequence[Layer]) -> tuple[float, float]:
    """Return a typical conductivity and a typical decay length: geometric means of those of the layers."""
    sigma = np.array([layer.medium.conductivity for layer in layers])
    relaxation = np.array([layer.medium.relaxation for layer in layers])
    active = sigma > 0
    leaving = np.einsum("lij,li,lj->li", relaxation, active, active)
    rates = np.sum(leaving / np.where(active, sigma, 1), axis=1)  # sum of the squared decay rates
    lengths = rates[rates > 0] ** -0.5
    if not lengths.size:
        lengths = np.array([layer.thickness for layer in layers if layer.thickness < inf] or [1e-9])
    return float(np.exp(np.log(sigma[active]).mean())), float(np.exp(np.log(lengths).mean()))


def _floating(sheets: Sheets) -> _Flags:
    """Return which channels of which sheet have no path to an end, ``(S, n)``; refuse a stack without a path."""
    count, n = sheets.conductivity.shape
    part = components(sheets.conductivity, sheets.relaxation)
    active = sheets.conductivity > 0
    joined = active[:-1] & active[1:] & np.isfinite(sheets.contact)
    if joined.any(axis=1).all() and np.all(~active | (part == active.argmax(axis=1)[:, None])):
        return np.zeros_like(active)  # one component in each sheet, tied to the next
    node = part + n * np.arange(count)[:, None]
    links = coo_array((np.ones(joined.sum()), (node[:-1][joined], node[1:][joined])), shape=(count * n, count * n))
    group = connected_components(links, directed=False)[1][node]
    first, last = set(group[0][active[0]].tolist()), set(group[-1][active[-1]].tolist())
    if not first & last:
        raise ValueError(
            "layers and interfaces leave no path from end to end: pass conductivities, finite contact resistances and "
            "relaxation such that a chain of open channels joins the two outer layers"
        )
    return ~np.isin(group, list(first | last))


def solve(sheets: Sheets) -> Solution:
    """Return the deviations for J = 1; time and memory grow linearly with the number of sheets."""
    modes = _all_modes(sheets)
    sigma, d = sheets.conductivity, sheets.thickness
    perfect = np.isinf(sigma)
    weight = np.where(perfect.any(axis=1, keepdims=True), perfect, sigma)
    share = weight / weight.sum(axis=1, keepdims=True)
    lead = np.isinf(d)[:, None]
    inside = np.where(lead, 0, d[:, None])
    even = modes.uniform | ~lead & (modes.kappa * inside < 1)
    height, flow = _edges(modes, even, d)
    equations = _equations(modes, share, height, flow, d, sheets.contact)
    amplitude = _banded(*equations, bandwidth=3 * sigma.shape[1] - 1).reshape(*sigma.shape, 2)
    start = modes.uniform[0].argmax()
    excess = float(height[0, start, 0] @ amplitude[0, start])
    return Solution(sheets, modes, share, inside[:, 0] / sigma.sum(axis=1), even, amplitude, excess)


def _all_modes(sheets: Sheets) -> Modes:
    """Return the modes of every sheet; equal media are decomposed once."""
    known: dict[bytes, int] = {}
    found: list[Modes] = []
    number = []
    for sigma, relaxation in zip(sheets.conductivity, sheets.relaxation, strict=True):
        key = sigma.tobytes() + relaxation.tobytes()
        if key not in known:
            known[key] = len(found)
            found.append(decompose(sigma, relaxation))
        number.append(known[key])
    return Modes(*(np.array([getattr(each, field.name) for each in found])[number] for field in fields(Modes)))


def _edges(modes: Modes, even: _Flags, thickness: _Real) -> tuple[_Real, _Real]:
    """Return height and flow of each mode per amplitude, ``(S, n, 2 edges, 2 amplitudes)``."""
    lead = np.isinf(thickness)[:, None]
    kd = modes.kappa * np.where(lead, 1, thickness[:, None])
    far = np.where(lead, 0, np.exp(-kd))
    half = np.tanh(kd / 2)
    length = np.where(modes.uniform, np.where(lead, 0, thickness[:, None]) / 2, half)
    one = np.ones_like(kd)
    rise, leak = length / modes.admittance, np.where(modes.uniform, 0, half * modes.admittance)
    parts = [[one, rise], [one, -rise]], [[leak, one], [-leak, one]]
    ends = [[one, far], [far, one]], [[one, -far], [far, -one]]
    height, flow = (
        np.where(even[..., None, None], np.moveaxis(part, (0, 1), (-2, -1)), np.moveaxis(end, (0, 1), (-2, -1)))
        for part, end in zip(np.array(parts), np.array(ends), strict=True)
    )
    flow = np.where(even[..., None, None], flow, flow * modes.admittance[..., None, None])
    return height, flow


def _equations(
    modes: Modes, share: _Real, height: _Real, flow: _Real, thickness: _Real, contact: _Real
) -> tuple[_Real, _Indices, _Indices, _Real]:
    """Return the equations of the amplitudes: n for the left end, 2n for each contact, n for the right end.

    Entries of the matrix, their lines and columns, and the right side.
    """
    count, n = share.shape
    potential = np.einsum("sim,smea->seima", modes.potential, height).reshape(count, 2, n, 2 * n)
    current = np.einsum("sim,smea->seima", modes.current, flow).reshape(count, 2, n, 2 * n)
    single = np.eye(2 * n).reshape(n, 2, 2 * n)  # one amplitude of one slot
    total = modes.uniform @ single[:, 1]  # current of all channels

    active = ~modes.frozen
    joined = (active[:-1] & active[1:] & np.isfinite(contact))[..., None]
    r = np.where(joined, contact[..., None], 0)
    before, after, p, q = current[:-1, 1], current[1:, 0], share[:-1, :, None], share[1:, :, None]
    # Joined channels: u_before - u_after = r J and J_before = J_after. Others: J = 0 on each side that is open; the two
    # amplitudes of a frozen slot are set to 0, one from each side.
    alone_before = np.where(active[:-1, :, None], before, single[:, 1])
    alone_after = np.where(active[1:, :, None], after, single[:, 0])
    left = np.stack(
        [np.where(joined, potential[:-1, 1] - r * before, alone_before), np.where(joined, before, 0)], axis=1
    )
    following = np.stack([np.where(joined, -potential[1:, 0], 0), np.where(joined, -after, alone_after)], axis=1)
    source = np.stack([np.where(joined, r * p, -p), np.where(joined, q - p, -q)], axis=1)[..., 0]
    # That all channels together conserve their current replaces the equation of the largest one: it holds exactly.
    largest = np.arange(count - 1), 1, np.where(joined, p + q, -1)[..., 0].argmax(axis=1)
    left[largest], following[largest], source[largest] = total[:-1], -total[1:], 0

    ends = [
        _end(modes, edge, single, height[edge, :, edge], total[edge], lead=bool(np.isinf(thickness[edge])))
        for edge in (0, -1)
    ]
    sheet = 2 * n * np.arange(count - 1)[:, None, None, None]
    line = n + sheet + np.arange(2 * n).reshape(2, n, 1)
    column = sheet + np.arange(2 * n)
    last = 2 * n * (count - 1)
    square = np.arange(n)[:, None], np.arange(2 * n)
    parts = [
        (ends[0], *square),
        (left, line, column),
        (following, line, column + 2 * n),
        (ends[1], last + n + square[0], last + square[1]),
    ]
    values, lines, columns = (
        np.concatenate([each.ravel() for each in group])
        for group in zip(*(np.broadcast_arrays(*part) for part in parts), strict=True)
    )
    return values, lines, columns, np.pad(source.ravel(), n)


def _end(modes: Modes, edge: int, single: _Real, height: _Real, total: _Real, *, lead: bool) -> _Real:
    """Return the n equations of the first (``edge`` 0) or the last sheet (-1), ``(n, 2n)``; their right side is 0.

    A lead has no incoming mode and no deviation of its current, a reservoir one potential in all its channels. The
    potential at the right end is 0, so that the current of all channels is set at the left end only.
    """
    uniform, frozen = modes.uniform[edge, :, None], modes.frozen[edge, :, None]
    inner, outer = single[:, 1 + edge], single[:, edge]
    if lead:
        return np.where(uniform, inner, outer)
    potential = np.einsum("ma,max->mx", height, single)
    equations = np.where(frozen, outer, potential)
    if edge == 0:
        first = modes.uniform[0].argmax()
        equations -= np.where(uniform, potential[first], 0)
        equations[first] = total
    return equations


def _banded(values: _Real, line: _Indices, column: _Indices, right: _Real, bandwidth: int) -> _Real:
    """Return the solution of a banded system, after scaling its columns and lines, with two steps of refinement."""
    size = len(right)
    scaled, scale = values, np.ones((2, size))
    for axis, index in ((1, column), (0, line)):
        largest = np.zeros(size)
        np.maximum.at(largest, index, np.abs(scaled))
        scale[axis] = 1 / largest
        scaled = scaled * scale[axis, index]
    band = np.zeros((3 * bandwidth + 1, size), order="F")
    band[2 * bandwidth + line - column, column] = scaled
    factors, pivots, failed = dgbtrf(band, bandwidth, bandwidth, overwrite_ab=1)
    if failed:
        remedy = "pass conductivities, lengths and resistances within 20 orders of one another"
        raise ValueError(f"layers and interfaces give equations that are singular in double precision: {remedy}")
    found, right = np.zeros(size), right * scale[0]
    for _ in range(3):
        residual = right - np.bincount(line, scaled * found[column], size)
        found += dgbtrs(factors, bandwidth, bandwidth, residual, pivots)[0]
    return np.asarray(found * scale[1])
