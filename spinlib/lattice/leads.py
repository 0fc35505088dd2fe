"""Leads: what half-infinite clean wires do to the first and last layer of a sample (BTBK III.B, IV).

Energies are in units of the hopping, phases in rad; index of a layer in the order (site, orbital, spin).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eig, ordqz, qr

from spinlib._validate import finite, hermitian, integer, number, real, require, shaped

__all__ = ["Lead", "cubic_lead", "lead_from_cell"]

_Real = NDArray[np.float64]
_Complex = NDArray[np.complex128]

_EDGE = 1e-12  # (Gamma/V)^2 below which a mode counts as one at its band edge
_ON_CIRCLE = 1e-6  # | |lambda| - 1 | of a Bloch factor that counts as propagating
_SLOW = 1e-6  # velocity over hopping below which such a factor stands at a band edge
_MERGED = 0.01  # misfit of psi_l+1 = lambda psi_l that tells waves which merge from waves that are alike
_SAMPLES = 129  # wave numbers from which a band range is told


@dataclass(frozen=True, eq=False, repr=False)
class Lead:
    r"""A lead as the sample sees it: retarded self-energy and injection of its propagating modes.

    W W^dagger = Gamma = i(Sigma - Sigma^dagger).

    Args:
        energy: E at which it was computed.
        self_energy: Sigma on the adjoining layer of the sample, ``(n, n)``.
        injection: W, one column per propagating mode, ``(n, M)``.
        spin: of each mode, +1 or -1 along z where it is conserved, else 0, ``(M,)``.

    Raises:
        ValueError: shapes disagree, an entry is not finite or W W^dagger is off Gamma by more than 1e-8 of it.

    >>> Lead(0.0, [[-1j]], [[2**0.5]], [0]).n_modes
    1
    """

    energy: float
    self_energy: _Complex
    injection: _Complex
    spin: NDArray[np.int64]

    if TYPE_CHECKING:  # whatever makes such arrays is accepted

        def __init__(self, energy: float, self_energy: ArrayLike, injection: ArrayLike, spin: ArrayLike) -> None: ...

    def __post_init__(self) -> None:
        sigma = finite("self_energy", self.self_energy, "pass finite numbers, (n, n)", complex_allowed=True)
        w = finite("injection", self.injection, "pass finite numbers, (n, M)", complex_allowed=True)
        size = len(sigma) if sigma.ndim else 0
        if sigma.shape != (size, size) or w.ndim != 2 or len(w) != size or not w.size:
            shapes = f"self_energy of shape {sigma.shape} and injection of shape {w.shape}"
            raise ValueError(f"{shapes} do not agree: pass (n, n) and (n, M) with M >= 1")
        remedy = f"pass {w.shape[1]} labels +1, -1 or 0, one per column of injection"
        spin = shaped("spin", self.spin, (w.shape[1],), remedy)
        require("spin", spin, np.isin(spin, (-1, 0, 1)), "is no label", "pass +1, -1 or 0")
        gamma = 1j * (sigma - sigma.conj().T)
        largest = max(np.abs(gamma).max(), np.abs(w).max() ** 2)
        require("largest entry of |W|", largest, largest > 0, "is no mode", "pass modes that propagate")
        defect = np.abs(w @ w.conj().T - gamma).max() / largest
        text = "largest entry of |W W^dagger - Gamma| / largest of Gamma"
        require(text, defect, defect <= 1e-8, "is above 1e-8", "pass Gamma = i(Sigma - Sigma^dagger) = W W^dagger")
        object.__setattr__(self, "energy", number("energy", self.energy))
        object.__setattr__(self, "self_energy", np.asarray(sigma, dtype=np.complex128))
        object.__setattr__(self, "injection", np.asarray(w, dtype=np.complex128))
        object.__setattr__(self, "spin", spin.astype(np.int64))

    @property
    def n_modes(self) -> int:
        """M, the number of propagating modes."""
        return int(self.injection.shape[1])

    def __repr__(self) -> str:
        return f"Lead(energy={self.energy:.6g}, n={len(self.self_energy)}, n_modes={self.n_modes})"


def cubic_lead(
    energy: float,
    shape: tuple[int, int],
    hopping: ArrayLike,
    *,
    onsite: float = 0.0,
    boundary: str = "periodic",
    twist: tuple[float, float] = (0.0, 0.0),
) -> Lead:
    r"""Return a simple cubic lead without spin-orbit coupling and exchange, from its analytic modes.

    A mode of transverse energy eps has x = E - eps and Sigma = [x - i sqrt(4 V_z^2 - x^2)]/2, Gamma = sqrt(4 V_z^2 -
    x^2); beyond the band Sigma is the decaying branch. The hop that joins lead and sample is the lead's own. It serves
    on either side.

    Args:
        energy: E.
        shape: (n_x, n_y), sites of a layer.
        hopping: V, a number for one orbital, or (V_x, V_y, V_z) of each orbital, ``(n_orbitals, 3)``; V_z is not 0.
        onsite: energy of a site.
        boundary: "periodic" with the twist, or "open" in both directions.
        twist: (theta_x, theta_y), psi(x + n_x) = exp(i theta_x) psi(x) [rad]; that of the sample, which is not checked.

    Returns:
        Lead with n = 2 n_x n_y n_orbitals; modes in the order (transverse mode, orbital, spin).

    Raises:
        ValueError: an argument is out of range, ``energy`` is outside every band or at the edge of one.

    >>> cubic_lead(0.5, (1, 1), 1.0, onsite=-4.5).self_energy.round(12)
    array([[0.5-0.8660254j, 0. +0.j       ],
           [0. +0.j       , 0.5-0.8660254j]])
    """
    e, level = number("energy", energy), number("onsite", onsite)
    sites = _shape(shape)
    v = np.atleast_2d(np.asarray(_hops(hopping)))
    phases = _twist(twist, boundary)
    modes, cosines = zip(*(_transverse(n, phi, boundary) for n, phi in zip(sites, phases, strict=True)), strict=True)
    transverse = 2 * (v[:, 0, None, None] * cosines[0][:, None] + v[:, 1, None, None] * cosines[1])
    x = e - level - transverse.reshape(len(v), -1).T  # (modes, orbitals)
    vz = np.broadcast_to(v[:, 2], x.shape)
    squared = 4 * vz**2 - x**2
    at_edge = np.abs(squared) < _EDGE * vz**2
    require("energy", e, not at_edge.any(), "is at the edge of a band", "shift it, or change the twist")
    low, high = (e - x - 2 * np.abs(vz)).min(), (e - x + 2 * np.abs(vz)).max()
    require("energy", e, (squared > 0).any(), *_outside(low, high))
    root = np.sqrt(np.abs(squared))
    gamma = np.where(squared > 0, root, 0.0)
    sigma = np.where(squared > 0, x - 1j * root, x - np.sign(x) * root) / 2
    basis = np.kron(modes[0], modes[1])  # (sites, modes)
    size, count = basis.shape[0], len(v)
    block = np.einsum("im,mo,jm->oij", basis, sigma, basis.conj())
    whole = np.zeros((size, count, 2, size, count, 2), dtype=np.complex128)
    injection = np.zeros((size, count, 2, size, count, 2), dtype=np.complex128)
    for o in range(count):
        for s in range(2):
            whole[:, o, s, :, o, s] = block[o]
            injection[:, o, s, :, o, s] = basis * np.sqrt(gamma[:, o])
    n = size * count * 2
    is_open = np.repeat(gamma.ravel() > 0, 2)
    spin = np.tile([1, -1], n // 2)[is_open]
    return Lead(e, whole.reshape(n, n), injection.reshape(n, n)[:, is_open], spin)


def lead_from_cell(energy: float, cell: ArrayLike, coupling: ArrayLike, *, side: str) -> Lead:
    r"""Return the lead of any clean periodic wire, which may be magnetic and have spin-orbit coupling.

    The Bloch factors solve lambda^2 u psi + lambda (H - E) psi + u^dagger psi = 0 with u the hop outwards; Sigma = u F,
    psi_{l+1} = F psi_l for the waves that decay or carry electrons outwards.

    Args:
        energy: E.
        cell: H of one layer, Hermitian ``(n, n)``.
        coupling: <l|H|l+1> towards +z, ``(n, n)`` or its diagonal ``(n,)``; also the hop between lead and sample.
        side: "left" or "right" of the sample. The lead does not keep it: on the other side it is another wire.

    Returns:
        Lead; its modes are fixed up to a unitary matrix, so single amplitudes have no meaning, traces have. Spin is +1
        or -1 if neither array joins even (up) and odd (down) indices.

    Raises:
        ValueError: arrays of other shapes, ``cell`` not Hermitian, an unknown side, ``energy`` outside every band or at
            the edge of one.

    >>> chain = lead_from_cell(0.0, np.zeros((2, 2)), np.ones(2), side="left")
    >>> chain.self_energy.round(12) + 0, chain.spin
    (array([[0.-1.j, 0.+0.j],
           [0.+0.j, 0.-1.j]]), array([ 1, -1]))
    """
    e = number("energy", energy)
    h, v = _periodic_blocks(cell, coupling)
    if side not in ("left", "right"):
        raise ValueError(f"side = {side!r} is unknown: pass 'left' or 'right'")
    u = v if side == "right" else v.conj().T
    n = len(h)
    mixing = np.zeros((n, n), dtype=bool)
    mixing[::2, 1::2] = mixing[1::2, ::2] = True
    if n % 2 or np.any(h[mixing]) or np.any(u[mixing]):
        sigma, w = _half_infinite(e, h, u)
        spin = np.zeros(w.shape[1], dtype=np.int64)
    else:
        parts = [_half_infinite(e, h[s::2, s::2], u[s::2, s::2]) for s in range(2)]
        sigma = np.zeros((n, n), dtype=np.complex128)
        w = np.zeros((n, sum(part[1].shape[1] for part in parts)), dtype=np.complex128)
        first = parts[0][1].shape[1]
        for s, (part, columns) in enumerate(parts):
            sigma[s::2, s::2] = part
            w[s::2, slice(first) if s == 0 else slice(first, None)] = columns
        spin = np.repeat([1, -1], [first, w.shape[1] - first])
    if not w.size:
        waves = np.exp(1j * np.linspace(-np.pi, np.pi, _SAMPLES))[:, None, None]
        bands = np.linalg.eigvalsh(h + waves * v + waves.conj() * v.conj().T)
        require("energy", e, False, *_outside(bands.min(), bands.max()))
    return Lead(e, sigma, w, spin)


def _periodic_blocks(cell: ArrayLike, coupling: ArrayLike) -> tuple[_Complex, _Complex]:
    """Return H of a layer and <l|H|l+1> as ``(n, n)`` matrices, or refuse them by name."""
    h = np.asarray(finite("cell", cell, "pass a Hermitian (n, n) matrix", complex_allowed=True), dtype=np.complex128)
    v = np.asarray(finite("coupling", coupling, "pass (n, n) or (n,)", complex_allowed=True), dtype=np.complex128)
    v = np.diag(v) if v.ndim == 1 else v
    if h.ndim != 2 or h.shape[0] != h.shape[1] or not h.size or v.shape != h.shape:
        shapes = f"cell of shape {h.shape} and coupling of shape {np.shape(coupling)}"
        raise ValueError(f"{shapes} do not agree: pass (n, n) and (n, n) or (n,)")
    hermitian("cell", h)
    return h, v


def _half_infinite(energy: float, h: _Complex, u: _Complex) -> tuple[_Complex, _Complex]:
    """Return Sigma and W of a half-infinite wire whose layers have H = ``h`` and are joined outwards by ``u``."""
    n, scale = len(h), max(float(np.abs(u).max()), np.finfo(float).tiny)
    one, zero = np.eye(n), np.zeros((n, n))
    a = np.block([[zero, one], [-u.conj().T, energy * one - h]])
    b = np.block([[one, zero], [zero, u]])
    factors, vectors = eig(a, b, homogeneous_eigvals=True)
    size = np.abs(factors)
    on_circle = np.abs(size[0] - size[1]) < _ON_CIRCLE * size[1]
    outward = _outgoing(energy, factors[0, on_circle] / factors[1, on_circle], vectors[:, on_circle], u, scale)
    *_, basis = ordqz(a, b, sort=lambda alpha, beta: np.abs(alpha) < (1 - _ON_CIRCLE) * np.abs(beta), output="complex")
    decaying = n - outward.shape[1]
    inside = int(np.sum(size[0] < (1 - _ON_CIRCLE) * size[1]))
    require("energy", energy, inside == decaying, "is at the edge of a band", "shift it")
    chosen = np.hstack([basis[:, :decaying], outward])
    try:
        sigma = np.asarray(np.linalg.solve(chosen[:n].T, chosen[n:].T @ u.T).T, dtype=np.complex128)  # u X_2/X_1
    except np.linalg.LinAlgError:
        require("energy", energy, False, "is that of a state at the end of the lead", "shift it")
        raise
    widths, modes = np.linalg.eigh(1j * (sigma - sigma.conj().T))
    first = n - outward.shape[1]
    return sigma, np.asarray(modes[:, first:] * np.sqrt(np.maximum(widths[first:], 0.0)))


def _outgoing(energy: float, factors: _Complex, vectors: _Complex, u: _Complex, scale: float) -> _Complex:
    """Return the waves (psi_l, psi_l+1) of |lambda| = 1 that carry electrons outwards.

    Waves of one lambda share a velocity matrix i(psi_l^dagger u psi_l+1 - h.c.); its positive eigenvalues go outwards.
    """
    n, found = len(u), []
    left = np.ones(len(factors), dtype=bool)
    for k, factor in enumerate(factors):
        if not left[k]:
            continue
        group = left & (np.abs(factors - factor) < 10 * _ON_CIRCLE)
        left &= ~group
        basis = qr(vectors[:, group], mode="economic")[0]
        hop = basis[:n].conj().T @ u @ basis[n:]
        velocity, mix = np.linalg.eigh(1j * (hop - hop.conj().T))
        # Two waves that merge at an edge span more than waves of one lambda.
        merged = np.abs(basis[n:] - factor * basis[:n]).max() > _MERGED
        slow = np.abs(velocity).min() < _SLOW * scale
        require("energy", energy, not (merged or slow), "is at the edge of a band", "shift it, or change the twist")
        found.append(basis @ mix[:, velocity > 0])
    return np.hstack(found) if found else np.zeros((2 * n, 0), dtype=np.complex128)


def _outside(low: float, high: float) -> tuple[str, str]:
    return "is outside every band of the lead", f"pass an energy between {low:.6g} and {high:.6g} that meets a band"


def _shape(shape: tuple[int, int]) -> tuple[int, int]:
    try:
        x, y = shape
    except (TypeError, ValueError):
        raise ValueError(f"shape = {shape!r} has not two entries: pass (n_x, n_y)") from None
    return integer("shape[0]", x, 1), integer("shape[1]", y, 1)


def _hops(hopping: ArrayLike) -> _Real:
    v = real("hopping", hopping)
    if v.ndim and (v.ndim != 2 or v.shape[1] != 3 or not v.size):
        raise ValueError(f"hopping has shape {v.shape}: pass a number, or (V_x, V_y, V_z) per orbital, (n_orbitals, 3)")
    v = v if v.ndim else np.full((1, 3), v)
    require("hopping[:, 2]", v[:, 2], v[:, 2] != 0, "joins no layers", "pass V_z other than 0")
    return v


def _twist(twist: tuple[float, float], boundary: str) -> Any:
    if boundary not in ("periodic", "open"):
        raise ValueError(f"boundary = {boundary!r} is unknown: pass 'periodic' or 'open'")
    phases = shaped("twist", twist, (2,), "pass (theta_x, theta_y) in rad")
    if boundary == "open":
        require("twist", phases, phases == 0, "has no meaning at an open boundary", "pass twist=(0, 0)")
    return phases


def _transverse(n: int, phase: float, boundary: str) -> tuple[_Complex, _Real]:
    """Return the waves across ``n`` sites, one per column, and the cosines of their wave numbers."""
    site, number_of = np.arange(n)[:, None], np.arange(n)
    if boundary == "open":
        k = np.pi * (number_of + 1) / (n + 1)
        return np.sqrt(2 / (n + 1)) * np.sin(k * (site + 1)).astype(np.complex128), np.cos(k)
    k = (2 * np.pi * number_of + phase) / n
    return np.exp(1j * k * site) / np.sqrt(n), np.cos(k)
