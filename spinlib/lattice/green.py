"""Scattering matrices of layered systems and their exact derivatives (BTBK 66-72).

Energies are in units of the hopping, conductances in e^2/h.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import finite, hermitian, instance, integer, require
from spinlib.lattice import _recursion, _transfer
from spinlib.lattice.leads import Lead

__all__ = ["LayeredSystem", "Scattering", "scattering_matrix"]

_Complex = NDArray[np.complex128]
_WARNED, _REFUSED = 1e-9, 1e-8  # defect of unitarity
_CLOSURES = ("none", "uniform", "local")


@dataclass(frozen=True, eq=False, repr=False)
class LayeredSystem:
    r"""A sample of L layers with n states each, any Hamiltonian that joins neighbouring layers only.

    Args:
        onsite: H of each layer, Hermitian, ``(L, n, n)``.
        coupling: <l|H|l+1>, ``(L-1, n, n)``; ``(n, n)``, or its diagonal ``(n,)``, if it is the same everywhere.
        perturbations: dH/dX of each parameter within the layers, Hermitian, ``(L, n, n)``, or ``(1, n, n)`` if it is
            the same in all layers.

    Raises:
        ValueError: shapes disagree, an entry is not finite, a block of ``onsite`` or of a perturbation is not Hermitian
            to 1e-12.

    >>> LayeredSystem(np.zeros((4, 2, 2)), np.ones(2))
    LayeredSystem(n_layers=4, n=2, perturbations=0)
    """

    onsite: _Complex
    coupling: _Complex
    perturbations: tuple[_Complex, ...] = ()

    if TYPE_CHECKING:  # whatever makes such arrays is accepted

        def __init__(self, onsite: ArrayLike, coupling: ArrayLike, perturbations: Sequence[ArrayLike] = ()) -> None: ...

    def __post_init__(self) -> None:
        h = _matrices("onsite", self.onsite)
        layers, n = h.shape[:2]
        v = np.asarray(finite("coupling", self.coupling, complex_allowed=True), dtype=np.complex128)
        if v.shape not in ((n,), (n, n), (layers - 1, n, n)):
            raise ValueError(
                f"coupling has shape {v.shape}: pass <l|H|l+1> of shape {(layers - 1, n, n)}, {(n, n)} or {(n,)}"
            )
        changes = tuple(_matrices(f"perturbations[{p}]", each) for p, each in enumerate(self.perturbations))
        for p, change in enumerate(changes):
            if change.shape not in ((1, n, n), h.shape):
                raise ValueError(f"perturbations[{p}] has shape {change.shape}: pass {h.shape} or {(1, n, n)}")
        object.__setattr__(self, "onsite", h)
        object.__setattr__(self, "coupling", v)
        object.__setattr__(self, "perturbations", changes)

    @property
    def n_layers(self) -> int:
        """L."""
        return len(self.onsite)

    def __repr__(self) -> str:
        n, count = self.onsite.shape[1], len(self.perturbations)
        return f"LayeredSystem(n_layers={self.n_layers}, n={n}, perturbations={count})"


@dataclass(frozen=True, eq=False, repr=False)
class Scattering:
    """Result of :func:`scattering_matrix`.

    Args:
        matrix: S, row = outgoing, column = incoming, left lead first, ``(M, M)``.
        derivatives: dS/dX of each perturbation, ``(P, M, M)``.
        n_left: channels of the left lead.
        spin: of each channel, +1, -1 or 0, as its lead says, ``(M,)``.

    >>> barrier = Scattering(np.array([[0.6j, 0.8], [0.8, 0.6j]]), np.zeros((0, 2, 2)), 1, np.zeros(2))
    >>> round(barrier.conductance, 12), round(barrier.shot_noise, 12)
    (0.64, 0.2304)
    """

    matrix: _Complex
    derivatives: _Complex
    n_left: int
    spin: NDArray[np.int64]

    if TYPE_CHECKING:  # numbers of any precision

        def __init__(
            self, matrix: NDArray[Any], derivatives: NDArray[Any], n_left: int, spin: NDArray[Any]
        ) -> None: ...

    @property
    def reflection(self) -> _Complex:
        """Block r of incidence from the left."""
        return self.matrix[: self.n_left, : self.n_left]

    @property
    def transmission(self) -> _Complex:
        """Block t, from left to right."""
        return self.matrix[self.n_left :, : self.n_left]

    @property
    def reflection_right(self) -> _Complex:
        """Block r' of incidence from the right."""
        return self.matrix[self.n_left :, self.n_left :]

    @property
    def transmission_left(self) -> _Complex:
        """Block t', from right to left."""
        return self.matrix[: self.n_left, self.n_left :]

    @property
    def conductance(self) -> float:
        """Tr t t^dagger [e^2/h] (BTBK 74)."""
        return float(np.sum(np.abs(self.transmission) ** 2))

    @property
    def shot_noise(self) -> float:
        """Tr t t^dagger (1 - t t^dagger): noise power in units of 2 e |V| e^2/h at zero temperature."""
        squared = np.linalg.svd(self.transmission, compute_uv=False) ** 2
        return float(np.sum(squared * (1 - squared)))

    def __repr__(self) -> str:
        right, count = len(self.matrix) - self.n_left, len(self.derivatives)
        return f"Scattering(channels={self.n_left}+{right}, parameters={count}, conductance={self.conductance:.6g})"


@overload
def scattering_matrix(
    system: LayeredSystem, left: Lead, right: Lead, *, lengths: None = None, screening: str = "none"
) -> Scattering: ...
@overload
def scattering_matrix(
    system: LayeredSystem, left: Lead, right: Lead, *, lengths: Sequence[int], screening: str = "none"
) -> dict[int, Scattering]: ...
def scattering_matrix(
    system: LayeredSystem,
    left: Lead,
    right: Lead,
    *,
    lengths: Sequence[int] | None = None,
    screening: str = "none",
) -> Scattering | dict[int, Scattering]:
    r"""Return S of a sample between two leads, and its exact derivatives along the perturbations.

    S = -1 + i W^dagger G W. With the states psi = G W that the leads feed, A = i(G - G^dagger) = psi psi^dagger and

        S^dagger dS/dX = -i psi^dagger (dH/dX) psi,    Q_left + Q_right = -Tr A dH/dX.

    A turning magnet in a frozen potential changes the number of electrons, which drain through the leads. Metals screen
    this; ``screening`` adds a potential against it: a common shift that keeps the number in the sample ("uniform", dS
    -> dS - (Q/Q_U) dS_U), or one of each layer that cancels what the change of this layer alone drives out ("local",
    dH_l -> dH_l - Tr(A_ll dH_l)/Tr A_ll). Both are closures of the model, not self-consistent potentials.

    A lead is known by its Sigma and W alone: whether it has the twist and the order of sites of the sample, and whether
    it is one for this side, cannot be seen. With other ones S is still unitary, but of another problem.

    Args:
        system: the sample.
        left: lead at its first layer, of the same size and twist.
        right: lead at its last layer, of the same size, twist and energy.
        lengths: return the first L layers as a sample for each of these L, in one sweep; None: all layers. Where some
            first layers hold a state within 1e-8 of E that the left lead hardly reaches, derivatives of a sweep lose
            digits that S keeps; those of one length do not.
        screening: "none", "uniform" or "local" (one run per length).

    Returns:
        Scattering, or a dictionary of them by length. The time grows as L n^3 (1 + P); without perturbations and with
        sparse layers as L n^2. Beyond the sample, memory for one length grows as L n^2, for a sweep as P n^2.

    Raises:
        ValueError: leads of other sizes or energies, a length outside 1 .. L or given twice, an unknown closure, no
            perturbation to screen, S off unitarity by more than 1e-8, a state of the first layers at this energy that
            the left lead does not reach.

    Warns:
        RuntimeWarning: S is off unitarity by more than 1e-9.

    >>> from spinlib.lattice.leads import cubic_lead
    >>> chain = LayeredSystem(np.zeros((3, 2, 2)), np.ones(2), (np.eye(2)[None],))
    >>> lead = cubic_lead(0.0, (1, 1), 1.0, onsite=-4.0)
    >>> run = scattering_matrix(chain, lead, lead)
    >>> round(run.conductance, 12)
    2.0
    >>> run.transmission.round(12) + 0  # it advances by two layers, k = -pi/2
    array([[-1.+0.j,  0.+0.j],
           [ 0.+0.j, -1.+0.j]])
    """
    instance("system", system, LayeredSystem, "LayeredSystem(onsite, coupling, ...)")
    for name, lead in (("left", left), ("right", right)):
        instance(name, lead, Lead, "a Lead, such as cubic_lead(...)")
    sizes = {"left": len(left.self_energy), "right": len(right.self_energy)}
    for name, size in sizes.items():
        require(f"n of {name}", size, size == system.onsite.shape[1], "is not that of the sample", "pass equal sizes")
    require("energy of right", right.energy, right.energy == left.energy, f"is not {left.energy:.10g}", "pass one E")
    if screening not in _CLOSURES:
        raise ValueError(f"screening = {screening!r} is unknown: pass one of {', '.join(map(repr, _CLOSURES))}")
    if screening != "none" and not system.perturbations:
        raise ValueError(
            f"screening = {screening!r} finds no perturbation: pass a sample with perturbations, or 'none'"
        )
    if lengths is None:
        return _checked(*_run(system, left, right, screening), left, right, screening)
    if np.ndim(lengths) == 0 and not hasattr(lengths, "__iter__"):
        raise ValueError(f"lengths = {lengths!r} is no sequence: pass [{lengths!r}], or None for all layers")
    wanted = [integer(f"lengths[{k}]", value, 1) for k, value in enumerate(lengths)]
    for k, value in enumerate(wanted):
        require(f"lengths[{k}]", value, value <= system.n_layers, "is above L", f"pass at most {system.n_layers}")
        require(f"lengths[{k}]", value, value not in wanted[:k], "is there twice", "pass each length once")
    if not wanted:
        raise ValueError("lengths is empty: pass at least one length, or None")
    if screening == "local" or len(wanted) == 1:
        found = {each: _run(_first(system, each), left, right, screening) for each in wanted}
    else:
        with _no_bound_state(left.energy):
            found = _recursion.sweep(system, left, right, wanted, uniform=screening == "uniform")
    results = {}
    for each in wanted:  # no comprehension: a warning counts frames
        results[each] = _checked(*found[each], left, right, screening)
    return results


def _run(system: LayeredSystem, left: Lead, right: Lead, screening: str) -> tuple[_Complex, _Complex]:
    """Return S and K of the whole sample by the method that suits it."""
    with _no_bound_state(left.energy):
        if system.perturbations:
            return _recursion.states(system, left, right, screening)
        if _transfer.applies(system):
            s = _transfer.matrix(system, left, right)
            return s, np.zeros((0, *s.shape), dtype=np.complex128)
        return _recursion.sweep(system, left, right, [system.n_layers], uniform=False)[system.n_layers]


@contextmanager
def _no_bound_state(energy: float) -> Iterator[None]:
    """Name the energy where the elimination meets a singular matrix."""
    try:
        yield
    except np.linalg.LinAlgError:
        problem = "meets a state of the first layers that the left lead does not reach"
        raise ValueError(f"energy = {energy:.10g} {problem}: shift the energy") from None


def _first(system: LayeredSystem, layers: int) -> LayeredSystem:
    """Return the first ``layers`` layers as a sample."""
    v = system.coupling
    changes = tuple(change if len(change) == 1 else change[:layers] for change in system.perturbations)
    return replace(
        system,
        onsite=system.onsite[:layers],
        coupling=v[: layers - 1] if v.ndim == 3 else v,
        perturbations=changes,
    )


def _checked(s: _Complex, k: _Complex, left: Lead, right: Lead, screening: str) -> Scattering:
    """Return the result for S and K = psi^dagger dH psi of each parameter; "uniform" has the common shift as last."""
    defect = float(np.abs(s.conj().T @ s - np.eye(len(s))).max())
    remedy = "shift the energy: a state in the sample hardly couples to the leads, or a mode is at its band edge"
    require("largest entry of |S^dagger S - 1|", defect, defect <= _REFUSED, "is above 1e-8", remedy)
    if defect > _WARNED:
        warnings.warn(f"S is off unitarity by {defect:.1e}: {remedy}", RuntimeWarning, stacklevel=3)
    if screening == "uniform":
        charge = np.einsum("pii->p", k).real
        k = k[:-1] - (charge[:-1] / charge[-1])[:, None, None] * k[-1]
    spin = np.concatenate([left.spin, right.spin])
    return Scattering(s, -1j * (s @ k), left.n_modes, spin)


def _matrices(name: str, value: ArrayLike) -> _Complex:
    array = np.asarray(finite(name, value, complex_allowed=True), dtype=np.complex128)
    if array.ndim != 3 or array.shape[1] != array.shape[2] or not array.size:
        raise ValueError(f"{name} has shape {array.shape}: pass square blocks, one per layer, (L, n, n)")
    hermitian(name, array)
    return array
