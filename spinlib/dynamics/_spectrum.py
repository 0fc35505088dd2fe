"""Spectrum of the Fokker-Planck equation on the sphere: relaxation rates and stationary moments."""

import warnings
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigvals
from scipy.sparse import coo_array, csr_array, eye_array
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackError, eigs, splu, spsolve

from spinlib._validate import integer, number, positive, require
from spinlib.dynamics._generalized import GeneralizedLLG, generalized
from spinlib.dynamics._harmonics import amplitudes, degrees, operators
from spinlib.units import k_B

__all__ = ["FokkerPlanckSolution", "solve_fokker_planck"]

_Real: TypeAlias = NDArray[np.float64]
_Complex: TypeAlias = NDArray[np.complex128]
_Integers: TypeAlias = NDArray[np.int64]

_STEP = 4  # degrees less, for the error
_TOLERATED = 1e-6  # relative in the slow rate, absolute in the mean
_LOST = 0.1  # resolution of the slow rate at which the balance between wells is rounding
_WIDEST = 1e4  # k_B T: what a potential may span
_NOISE = 10  # a change below so many times the resolution says nothing about max_degree
_EPSILON = float(np.finfo(float).eps)
_HIDDEN = 1e-12  # relative error of a dense solver above which a rate is refined
_OFF = 1e-3  # of the shift, relative to the rate, so that no matrix is singular
_ITERATIONS = 6
_SMALL = 120  # rows of a block that a dense solver has done before Arnoldi's method has begun
_SHARE = 6  # of the rates of a block: more than one in so many are faster found all together
_MORE = 4  # rates found beyond those asked for
_LOW = 12  # degree that is cheap to search
_ALIKE = 0.01  # relative difference of a rate at half the degree
_SHIFT = 1e-2  # of Arnoldi's method beside the zero rate, D


@dataclass(frozen=True, eq=False)
class FokkerPlanckSolution:
    """Relaxation rates and stationary moments of the density of directions of a magnet.

    Args:
        rates: lambda [1/s], ``(modes,)``, complex, by increasing real part: a mode decays as exp(-lambda t). The first
            is 0 exactly, of the stationary state; both of a conjugate pair are listed.
        mean: <u> in the stationary state, ``(3,)``; nan in a component that hangs on a slow rate lost in rounding.
        second_moment: <u_i u_j> there, ``(3, 3)``, of trace 1; nan likewise.
        max_degree: of the spherical harmonics.
    """

    rates: _Complex
    mean: _Real
    second_moment: _Real
    max_degree: int

    def __repr__(self) -> str:
        slow = f"slow rate = {self.rates[1]:.6g} 1/s, " if len(self.rates) > 1 else ""
        mean = ", ".join(f"{entry:.6g}" for entry in self.mean + 0.0)
        return f"FokkerPlanckSolution({slow}mean = ({mean}), {len(self.rates)} modes, max_degree = {self.max_degree})"


def solve_fokker_planck(
    system: GeneralizedLLG, temperature: float, max_degree: int = 24, modes: int = 6
) -> FokkerPlanckSolution:
    r"""Return relaxation rates and stationary moments of d rho/dt = -div(rho v) + D lap rho, WD11 after (24).

    v is the velocity of WD11 (24) and D = alpha L_F k_B T. The equation is solved on real spherical harmonics up to
    ``max_degree``, with exact matrix elements. Rates are eigenvalues of dense blocks that no matrix element connects:
    where all are needed, the cost goes with the third power of the size of the largest one, (max_degree + 1)^2 at most.
    Potentials even in u halve it, as does a twofold axis along x, y or z; an axis of rotation along z leaves blocks of
    2 max_degree. A few slow rates are found by Arnoldi's method, if a bound on the imaginary part of what else may be
    as slow shows that none is missing, or all rates up to half the degree do; the bound is that of the equation, which
    the rates of a sufficient degree obey.

    A barrier of sigma k_B T along one easy axis needs a ``max_degree`` of about 12 + 1.6 sigma, a hard axis or an alpha
    below 0.1 more. With less, rates may be wrong by orders of magnitude: the warning tells. A slow rate is refined as a
    quotient of its left and right modes, which leaves the rounding of the matrix elements: some 1e-8 of it at sigma =
    20, 1e-6 at 25 and 1e-3 at 30.

    Args:
        system: with alpha > 0; its potentials [J] are polynomials in u up to degree 12, such as a
            :class:`~spinlib.dynamics.thermodynamic.QuadraticPotential`. Only their values are used.
        temperature: T [K], positive.
        max_degree: of the spherical harmonics, at least 4 more than that of the potentials, and at least 6.
        modes: number of rates, between 1 and (max_degree + 1)^2.

    Returns:
        A record with ``rates`` [1/s], ``mean``, ``second_moment`` and ``max_degree``.

    Raises:
        ValueError: a number outside its range, a potential that is no polynomial, returns what has not the shape of its
            argument, or spans more than 1e4 k_B T.

    Warns:
        UserWarning: with ``max_degree - 4`` the slow rate differs by more than 1e-6 of itself or the mean by more than
            1e-6; or the slow rate, and with it the balance between wells in ``mean``, is not resolved to 1e-6 in double
            precision. Where nothing of it is left the moments that hang on it are nan.

    >>> from spinlib.dynamics.thermodynamic import QuadraticPotential
    >>> free = GeneralizedLLG(QuadraticPotential(), alpha=0.5, mobility=2.0)
    >>> print(solve_fokker_planck(free, temperature=1 / k_B, max_degree=6).rates.real.round(9))
    [0. 2. 2. 2. 6. 6.]
    """
    generalized(system)
    remedy = "pass alpha > 0: without damping there is neither noise nor a stationary state"
    require("alpha", system.alpha, system.alpha > 0, "is not positive", remedy)
    heat = k_B * number("temperature", temperature, positive)
    with np.errstate(all="ignore"):
        turning, descent = _potentials(system, heat)
    span = float(np.abs(descent[1:]).max(initial=0.0))
    problem = f"makes the potentials span some {span:.2g} k_B T"
    remedy = "pass energies in J, or temperature = 1/k_B with dimensionless ones"
    require("temperature", temperature, span <= _WIDEST, problem, remedy)
    highest = round(np.sqrt(len(turning))) - 1
    least = _STEP + max(2, highest)
    top = integer("max_degree", max_degree, 0)
    problem = f"is too small for potentials of degree {highest} and the check against max_degree - {_STEP}"
    require("max_degree", top, top >= least, problem, f"pass max_degree >= {least}")
    count, most = integer("modes", modes, 0), (top + 1) ** 2
    require("modes", count, 1 <= count <= most, "is out of range", f"pass 1 <= modes <= {most}")

    generator = _generator(turning, descent, top)
    blocks = _blocks(generator)
    rates, slow, gap, resolution = _rates(generator, blocks, count, _flow(turning, descent))
    state = _stationary(generator, blocks)
    mean = _moments(state)[0]
    if resolution > _LOST and state[blocks[slow]].any():
        state[blocks[slow]] = np.nan

    inner = degrees(top)[0] <= top - _STEP
    cut = generator[inner][:, inner]
    kept = [block[inner[block]] for block in blocks]
    coarse = _refined(cut[kept[slow]][:, kept[slow]], rates[1], gap)[0] if len(kept[slow]) else np.inf
    coarse_mean = _moments(_stationary(cut, kept))[0]
    _warn(top, resolution, float(np.abs(coarse / rates[1] - 1)), float(np.abs(coarse_mean - mean).max()))
    diffusion = system.alpha * system.mobility * heat
    return FokkerPlanckSolution(diffusion * rates[:count], *_moments(state), top)


def _potentials(system: GeneralizedLLG, heat: float) -> tuple[_Real, _Real]:
    """Return the amplitudes of (V + Phi)/(alpha k_B T), which turns, and (alpha V - chi)/(alpha k_B T), descended."""
    none = np.zeros(1)
    energy = amplitudes("energy", system.energy)
    chi = none if system.chi is None else amplitudes("chi", system.chi)
    phi = none if system.phi is None else amplitudes("phi", system.phi)
    size = max(map(len, (energy, chi, phi)))
    v, c, f = (np.pad(part, (0, size - len(part))) for part in (energy, chi, phi))
    return (v + f) / (system.alpha * heat), (v - c / system.alpha) / heat


def _generator(turning: _Real, descent: _Real, max_degree: int) -> csr_array:
    """Return the matrix of rho -> lap rho + div(rho grad P) - grad rho . (u x grad W) for amplitudes of W and P.

    div(rho grad P) = [lap(P rho) + rho lap P - P lap rho]/2.
    """
    degree = degrees(max_degree)[0]
    lap = -degree * (degree + 1)
    highest = round(np.sqrt(len(turning))) - 1
    rows, columns, entries = [np.arange(len(lap))], [np.arange(len(lap))], [lap.astype(float)]
    matrices = operators(max_degree, highest)
    for top, w, p, (product, bracket) in zip(degrees(highest)[0], turning, descent, matrices, strict=True):
        for factor, matrix in ((p, product), (-w, bracket)):
            if factor == 0:
                continue
            sparse = coo_array(matrix)
            i, j = sparse.coords
            weight = (lap[i] - lap[j] - top * (top + 1)) / 2 if matrix is product else 1.0
            rows.append(i)
            columns.append(j)
            entries.append(factor * weight * sparse.data)
    indices = np.concatenate(rows), np.concatenate(columns)
    matrix = csr_array((np.concatenate(entries), indices), shape=(len(lap), len(lap)))
    matrix.eliminate_zeros()
    return matrix


def _blocks(generator: csr_array) -> list[_Integers]:
    """Return the indices, but 0, of every set that no matrix element connects with another.

    The row of l = 0 is zero: probability is conserved, and the other rates are those without it.
    """
    count, label = connected_components(generator[1:, 1:], directed=False)
    order = np.argsort(label, kind="stable") + 1
    return list(np.split(order, np.cumsum(np.bincount(label, minlength=count))[:-1]))


def _flow(turning: _Real, descent: _Real) -> tuple[float, float]:
    """Return w and c, so that a rate lambda in units of D of the equation has |Im lambda| <= w (Re lambda + c)^(1/2).

    A mode g exp(-P) in the norm int |g|^2 exp(-P) = 1 has Re lambda = int (|grad g|^2 - |g|^2 T.grad P/2) exp(-P) with
    T = u x grad W, and Im lambda = Im int g* T.grad g exp(-P): w = max |T| and c = max |T.grad P|/2, where parts of P
    that are multiples of W do not count. The gradient of degree l is at most [l (l + 1) (2 l + 1)/8 pi]^(1/2) times the
    norm of its amplitudes.
    """

    def steepest(function: _Real) -> float:
        degree = degrees(round(np.sqrt(len(function))) - 1)[0]
        norms = np.sqrt(np.bincount(degree, function**2))
        level = np.arange(len(norms))
        return float(norms @ np.sqrt(level * (level + 1) * (2 * level + 1) / (8 * np.pi)))

    w, square = turning[1:], float(turning[1:] @ turning[1:])
    along = float(w @ descent[1:]) / square if square else 0.0
    fastest = steepest(turning)
    return fastest, fastest * steepest(descent - along * turning) / 2


def _rates(
    generator: csr_array, blocks: list[_Integers], count: int, flow: tuple[float, float] | None
) -> tuple[_Complex, int, float, float]:
    """Return rates in units of D by increasing real part; of the slow one, the block, the gap and the resolution.

    These are at least the ``count`` slowest, all without ``flow``. A dense solver leaves errors of the rounding of the
    largest rate: of the first ``count``, those that this would hide are refined. If only a few were searched, all are,
    and a rate that turns out to be a multiple one has all searched.
    """
    parts = [generator[block][:, block] for block in blocks]
    spectra = [_every(part) for part in parts] if flow is None else _slowest(generator, blocks, max(1, count - 1), flow)
    home = np.repeat(np.arange(len(blocks)), [len(spectrum) for spectrum in spectra])
    raw = np.concatenate(spectra)
    order = _order(raw)
    raw, home = raw[order], home[order]
    few = len(raw) + 1 < generator.shape[0]
    hidden = (few | (_EPSILON * np.abs(raw).max() > _HIDDEN * np.abs(raw))) & (raw.imag >= 0)
    rates, conditions = raw.copy(), np.full(len(raw), np.nan)
    for k in np.flatnonzero(hidden[: max(1, count - 1)]).tolist():
        found, conditions[k], alone = _refined(parts[home[k]], raw[k], _gap(raw, home, k))
        if few and not alone:
            return _rates(generator, blocks, count, None)
        rates[raw == raw[k].conj()] = np.conj(found)
        rates[k] = found
    order = _order(rates)
    rates, home, condition = rates[order], home[order], conditions[order][0]
    gap = _gap(rates, home, 0)
    if np.isnan(condition):
        condition = _refined(parts[home[0]], rates[0], gap)[1]
    return np.concatenate([np.zeros(1), rates]), int(home[0]), gap, _EPSILON * condition


def _slowest(generator: csr_array, blocks: list[_Integers], wanted: int, flow: tuple[float, float]) -> list[_Complex]:
    """Return rates of each block, among them the ``wanted`` slowest of all.

    Arnoldi's method finds the rates next to a shift beside zero, a slow one of large imaginary part possibly not. What
    is as slow as those found lies in a disc around the shift, by the bound ``flow``. If that is larger than what was
    searched, all rates up to half the degree are found, too: the slowest of both have to be the same, and those as slow
    to lie within what was searched. Otherwise a dense solver finds all.
    """
    parts = [generator[block][:, block] for block in blocks]
    found = [_near(part, wanted + _MORE) for part in parts]
    rates, searched = np.concatenate([spectrum for spectrum, _ in found]), min(radius for _, radius in found)
    if len(rates) < wanted:
        return [_every(part) for part in parts]
    slow = float(np.sort(rates.real)[wanted - 1])
    if searched < _reach(slow, flow):
        top = round(np.sqrt(generator.shape[0])) - 1
        low = [block[block < (max(_LOW, top // 2) + 1) ** 2] for block in blocks]
        every = np.concatenate([_every(generator[block][:, block]) for block in low if len(block)])
        as_slow = every[every.real <= (1 + _ALIKE) * slow]
        within = (1 + _ALIKE) * np.abs(as_slow + _SHIFT).max(initial=0.0) < searched
        if not (within and _alike(rates, every, wanted)):
            return [_every(part) for part in parts]
    return [spectrum for spectrum, _ in found]


def _alike(found: _Complex, every: _Complex, wanted: int) -> bool:
    """Return whether each of the slowest rates found is one of all those of fewer degrees, and conversely."""
    pairs = (found, every), (every, found)
    return all(
        (np.abs(those - rate).min() <= _ALIKE * abs(rate))
        for ones, those in pairs
        for rate in ones[np.argsort(ones.real)[:wanted]]
    )


def _reach(slow: float, flow: tuple[float, float]) -> float:
    """Return the distance from the shift within which every rate of at most this real part must be."""
    return 1.02 * float(np.hypot(max(slow, 0.0) + _SHIFT, flow[0] * np.sqrt(max(slow + flow[1], 0.0))))


def _near(part: csr_array, count: int) -> tuple[_Complex, float]:
    """Return rates of a block, and how far from the shift none is missing: all rates if so many are as fast."""
    size = part.shape[0]
    if size > _SMALL and count * _SHARE <= size:
        try:
            vectors, start = max(30, 3 * count), np.cos(np.arange(size))
            found = -eigs(part.tocsc(), count, sigma=_SHIFT, v0=start, ncv=vectors, return_eigenvectors=False)
        except ArpackError:
            pass
        else:
            distance = np.abs(found + _SHIFT)
            radius = distance.max() * (1 - 1e-6)  # the farthest may lack its conjugate, or one of its kind
            return found[distance < radius], float(radius)
    return _every(part), np.inf


def _every(part: csr_array) -> _Complex:
    """Return all rates of a block."""
    return np.asarray(-eigvals(part.toarray()))


def _gap(rates: _Complex, home: _Integers, k: int) -> float:
    """Return how far the next rate of the same block is."""
    others = (home == home[k]) & (np.arange(len(rates)) != k)
    return float(np.abs(rates[others] - rates[k]).min(initial=np.inf))


def _order(rates: _Complex) -> _Integers:
    """Return the order by increasing real part, of a conjugate pair the one of positive imaginary part first."""
    return np.lexsort((-rates.imag, rates.real))


def _refined(matrix: csr_array, rate: complex, gap: float) -> tuple[complex, float, bool]:
    """Return the eigenvalue of -``matrix`` next to ``rate``, its condition under rounding, and whether it is simple.

    The quotient of left and right eigenvector forgives errors of both to first order. The condition is the relative
    change of the rate per relative change of the matrix elements, at worst: what a solver in this precision can reach.
    Two draws lead to one right eigenvector if there is only one.
    """
    off = min(_OFF * abs(rate), max(gap / 10, 1e-9 * abs(rate)))
    shift = (rate if rate.imag else rate.real) - off
    factors = splu((matrix + shift * eye_array(matrix.shape[0])).tocsc())
    draw = np.random.default_rng(0)
    right, left, other = (draw.standard_normal(matrix.shape[0]).astype(type(shift)) for _ in range(3))
    for _ in range(_ITERATIONS):
        right, left, other = factors.solve(right), factors.solve(left, "T"), factors.solve(other)
        right, left, other = (vector / np.linalg.norm(vector) for vector in (right, left, other))
    overlap = left @ right
    found = -(left @ (matrix @ right)) / overlap
    condition = float(np.abs(left) @ (abs(matrix) @ np.abs(right)) / np.abs(overlap * found))
    return found, condition, bool(np.abs(np.vdot(right, other)) > 1 - _OFF)


def _stationary(generator: csr_array, blocks: list[_Integers]) -> _Real:
    """Return the amplitudes of the stationary state over that of l = 0."""
    state = np.zeros(generator.shape[0])
    state[0] = 1.0
    source = generator[:, [0]].toarray()[:, 0]
    for block in blocks:
        if source[block].any():
            state[block] = spsolve(generator[block][:, block].tocsc(), -source[block])
    return state


def _moments(state: _Real) -> tuple[_Real, _Real]:
    """Return <u> and <u u> from the amplitudes of degree 1 and 2 over that of degree 0."""
    x, y, z = state[[3, 1, 2]] / np.sqrt(3)
    xy, yz, zz, xz, xx_yy = state[4:9] / np.sqrt(15)
    zz = (1 + 2 * np.sqrt(3) * zz) / 3
    xx, yy = (1 - zz) / 2 + xx_yy, (1 - zz) / 2 - xx_yy
    return np.array([x, y, z]), np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


def _warn(max_degree: int, resolution: float, rate: float, mean: float) -> None:
    """Warn of a slow rate that rounding hides, and of changes with the degree that are more than rounding."""
    if resolution > _TOLERATED:
        text = "the slow rate and the balance between wells in the mean are resolved to"
        text = f"{text} {resolution:.1g} of themselves only, in double precision"
        remedy = "lower the barrier, or use brown_eigenvalue where the system has an axis of rotation"
        warnings.warn(f"{text}: {remedy}", stacklevel=3)
    if max(rate, mean) > max(_TOLERATED, _NOISE * resolution):
        text = f"max_degree = {max_degree} is too small: with {max_degree - _STEP} the slow rate differs by {rate:.1g}"
        text = f"{text} of itself and the mean by {mean:.1g}; pass {max_degree + 2 * _STEP} or more"
        needs = (
            "a barrier of sigma k_B T on one easy axis needs about 12 + 1.6 sigma, a hard axis or a small alpha more"
        )
        warnings.warn(f"{text} ({needs})", stacklevel=3)
