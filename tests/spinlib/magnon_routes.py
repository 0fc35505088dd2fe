"""Electrons and magnons by other means: an exponential midpoint step, SciPy's Radau, finite volumes.

The equations are typed again, in meV, ps, nm and K; parameters come from objects of ``spinlib.magnons``, numbers of
``spinlib.units``, and nothing else does. Records are in SI units, as in the library.
"""

from dataclasses import dataclass
from itertools import pairwise

import numba
import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from spinlib.magnons.band import MagnonBand
from spinlib.magnons.kinetics import Ferromagnet
from spinlib.magnons.temperature_models import TemperaturePulse
from spinlib.units import e2_over_h, fs, hbar, k_B, meV, nm, ps

HBAR, KELVIN = hbar / (meV * ps), k_B / meV
PER_NM3 = nm**-3

# The metal and the pulse of KK Fig. 6.
BAND = MagnonBand(5 * meV, 0.6 * meV * nm**2, k_B * 1000)
RHO = meV * nm**3
METAL = Ferromagnet(BAND, 0.01, 0.1, feedback=-6 * RHO, spin_relaxation_time=2 * ps)
PULSE = TemperaturePulse(100.0, 1000.0, 50 * fs, 2 * ps)

compiled_only = pytest.mark.skipif(
    numba.config.DISABLE_JIT, reason="hours without a compiler; the step alone is in test_magnon_collocation"
)


@dataclass(frozen=True)
class Records:
    """Occupations (T, N), mu_s (T,) [J], n_d (T,) [1/m^3] and the integral of mu_s [J s] since the start."""

    occupation: np.ndarray
    spin_accumulation: np.ndarray
    magnon_density: np.ndarray
    integral: np.ndarray | None = None


@dataclass(frozen=True)
class Modes:
    """Energies [meV], weights [1/nm^3] and Gamma at Gauss-Legendre nodes of the wavenumber; rho and 1/tau_s."""

    energy: np.ndarray
    weight: np.ndarray
    gamma: np.ndarray
    feedback: float
    relaxation: float

    @classmethod
    def of(cls, metal, points):
        gap, edge = metal.band.gap / meV, metal.band.bandwidth / meV
        stiffness = metal.band.stiffness / (meV * nm**2)
        node, share = np.polynomial.legendre.leggauss(points)
        q, dq = (1 + node) / 2 * np.sqrt((edge - gap) / stiffness), share / 2 * np.sqrt((edge - gap) / stiffness)
        energy = gap + stiffness * q**2
        gamma = 2 * metal.alpha + metal.ultrafast_damping * (energy - gap) / (edge - gap)
        feedback = metal.feedback / (meV * nm**3)
        return cls(energy, q**2 * dq / (2 * np.pi**2), gamma, feedback, ps / metal.spin_relaxation_time)


def bose(x, kelvin):
    """n_BE(x) for x > 0 [meV]."""
    return 1 / np.expm1(x / (KELVIN * kelvin))


def emission(x, kelvin):
    """x n_BE(x) [meV] for every x, through its pole."""
    y = x / (KELVIN * kelvin)
    near = np.abs(y) < 1e-3
    z = np.where(near, 1.0, y)
    with np.errstate(over="ignore"):
        return KELVIN * kelvin * np.where(near, 1 - y / 2 + y**2 / 12 - y**4 / 720, z / np.expm1(z))


def emission_slope(x, kelvin):
    """Its derivative with respect to x: n_BE - y n_BE (1 + n_BE), y = x/k_B T."""
    y = x / (KELVIN * kelvin)
    near = np.abs(y) < 1e-3
    z = np.where(near, 1.0, np.clip(y, -700, 700))
    n = 1 / np.expm1(z)
    return np.where(near, -0.5 + y / 6 - y**3 / 180, n - z * n * (1 + n))


def start(metal, points, kelvin):
    """n_BE at the nodes."""
    return bose(Modes.of(metal, points).energy, kelvin)


def temperature_at(temperature, t):
    """The temperature at one time [ps]."""
    return float(temperature(np.array([t * ps]))[0]) if callable(temperature) else float(temperature)


# --- the exponential midpoint step ------------------------------------------------------------------------------------


def midpoint(metal, temperature, steps, occupation, spin_accumulation=0.0):
    """Go through the times ``steps`` (K,) [s] and record at each.

    For the accumulation and the temperature in the middle of a step every mode is solved exactly, so n stays positive
    whatever the step. mu_s - rho n_d changes by -h mu_s/tau_s, mu_s in the middle being the mean of its ends, which is
    the root of a function that rises for rho <= 0: n rises with mu_s.
    """
    modes = Modes.of(metal, len(occupation))
    times = np.asarray(steps) / ps
    n, mu = np.array(occupation, dtype=float), spin_accumulation / meV
    records = [(n, mu, 0.0)]
    for begin, end in pairwise(times):
        h, kelvin = end - begin, temperature_at(temperature, (begin + end) / 2)

        def gain(middle, h=h, kelvin=kelvin, n=n):
            """The change of n in the step."""
            x = modes.energy - middle
            source = emission(x, kelvin)
            z = np.clip(-modes.gamma * x * h / HBAR, None, 600.0)
            share = np.where(np.abs(z) < 1e-8, 1 + z / 2, np.expm1(z) / np.where(z == 0, 1.0, z))
            return h * modes.gamma / HBAR * share * (source - x * n)

        def off(middle, h=h, mu=mu, gain=gain):
            return (2 + h * modes.relaxation) * middle - 2 * mu - modes.feedback * (modes.weight @ gain(middle))

        # n cannot fall below 0, so mu_s does not rise above that.
        high = (2 * mu - modes.feedback * (modes.weight @ n)) / (2 + h * modes.relaxation) + 1e-9
        low = min(high, mu) - 1.0
        while off(low) > 0:
            low = high - 2 * (high - low)
        middle = brentq(off, low, high, xtol=1e-13 * max(1.0, abs(low)), rtol=1e-15)
        change = gain(middle)
        n = n + change
        mu = mu - h * modes.relaxation * middle + modes.feedback * (modes.weight @ change)
        records.append((n, mu, records[-1][2] + h * middle))
    n, mu, integral = (np.array(each) for each in zip(*records, strict=True))
    return Records(n, mu * meV, n @ modes.weight * PER_NM3, integral * meV * ps)


# --- SciPy's Radau ----------------------------------------------------------------------------------------------------


def rate_of(modes, temperature, highest=np.inf):
    """dy/dt and its Jacobian, an arrow, for y = (n, mu_s) and the time in ps.

    The rates of the magnons know no mu_s above ``highest`` [meV]; the law has no such limit.
    """
    count = len(modes.energy)

    def rate(t, y):
        x = modes.energy - min(y[-1], highest)
        source = emission(x, temperature_at(temperature, t))
        change = modes.gamma / HBAR * (source - x * y[:-1])
        return np.append(change, modes.feedback * (modes.weight @ change) - modes.relaxation * y[-1])

    def jacobian(t, y):
        x = modes.energy - min(y[-1], highest)
        slope = emission_slope(x, temperature_at(temperature, t))
        matrix = np.zeros((count + 1, count + 1))
        loss, climb = -modes.gamma / HBAR * x, modes.gamma / HBAR * (y[:-1] - slope) * (y[-1] < highest)
        matrix[np.arange(count), np.arange(count)] = loss
        matrix[:-1, -1] = climb
        matrix[-1, :-1] = modes.feedback * modes.weight * loss
        matrix[-1, -1] = modes.feedback * (modes.weight @ climb) - modes.relaxation
        return matrix

    return rate, jacobian


def by_pieces(rate, jacobian, y, times, kinks, atol, rtol, method="Radau"):
    """Solve from the first of ``times`` [ps], afresh after each kink; records (T, ...)."""
    kinks = [kink for kink in kinks if times[0] < kink < times[-1]]
    edges = [times[0], *sorted(set(kinks)), times[-1]]
    found = [np.array(y, dtype=float)[None]]
    for begin, end in pairwise(edges):
        inside = times[(times > begin) & (times <= end)]
        ask = inside if len(inside) and inside[-1] == end else np.append(inside, end)
        # The first step is small: a guess of SciPy can miss the ramp altogether.
        solution = solve_ivp(
            rate, (begin, end), y, method=method, t_eval=ask, jac=jacobian, rtol=rtol, atol=atol,
            first_step=min(1e-6, (end - begin) / 2),
        )  # fmt: skip
        assert solution.success, solution.message
        y = solution.y[:, -1]
        found.append(solution.y.T[: len(inside)])
    return np.concatenate(found)


def radau(metal, temperature, times, occupation, spin_accumulation=0.0, *, breakpoints=(), rtol=1e-11, highest=np.inf):
    """KK (23) and (24) by SciPy's Radau with the analytic Jacobian; ``highest`` mu_s [J] as of :func:`rate_of`."""
    modes = Modes.of(metal, len(occupation))
    rate, jacobian = rate_of(modes, temperature, highest / meV)
    kinks = np.array([*getattr(temperature, "breakpoints", ()), *breakpoints]) / ps
    y = np.append(occupation, spin_accumulation / meV)
    found = by_pieces(rate, jacobian, y, np.asarray(times) / ps, kinks, rtol, rtol)
    return Records(found[:, :-1], found[:, -1] * meV, found[:, :-1] @ modes.weight * PER_NM3)


# --- a ferromagnet on a normal metal in finite volumes ----------------------------------------------------------------


@dataclass(frozen=True)
class BilayerRecords:
    """As :class:`Records`, and mu_N at the interface (T,) and in the cells (T, X) [J] with widths (X,) [m]."""

    occupation: np.ndarray
    spin_accumulation: np.ndarray
    magnon_density: np.ndarray
    interface_spin_accumulation: np.ndarray
    position: np.ndarray
    width: np.ndarray
    normal_spin_accumulation: np.ndarray


def bilayer_volumes(
    metal, interface, normal, thickness, temperatures, times, occupation, *, cells=60, rtol=1e-9, breakpoints=()
):
    """Solve in ``cells`` cells that widen away from the interface, x = l sinh u, by SciPy's Radau.

    At the interface the current through the first half cell is rho_N (I_i/hbar - J_e); the accumulation mu_0 there is
    the root of that equation and is used in all terms.
    """
    modes = Modes.of(metal, len(occupation))
    d_F, diffusivity = thickness / nm, normal.diffusivity * ps / nm**2
    lost, rho_N = ps / normal.spin_relaxation_time, -2 / (normal.density_of_states * meV * nm**3)
    length = min(normal.thickness / nm, np.sqrt(diffusivity / lost) if lost else np.inf)
    edges = length * np.sinh(np.linspace(0, np.arcsinh(normal.thickness / nm / length), cells + 1))
    edges *= normal.thickness / nm / edges[-1]
    width, centre = np.diff(edges), (edges[1:] + edges[:-1]) / 2
    between = diffusivity / np.diff(centre)
    half = diffusivity / centre[0]
    g = interface.mixing_conductance
    g = np.array(g(modes.energy * meV) if callable(g) else g) / e2_over_h * nm**2
    s_density = interface.saturation_spin_density * nm**3
    gamma_i = interface.mode_factor * g / (2 * np.pi * s_density) * np.ones_like(modes.energy)  # nm
    crossing = interface.spin_conductance * meV * nm**2 * ps
    rho_x = metal.exchange_feedback / (meV * nm**3)
    rho_d = modes.feedback - rho_x
    count = len(modes.energy)
    kinks = np.array([kink for each in temperatures for kink in getattr(each, "breakpoints", ())] + [*breakpoints]) / ps

    def interfacial(t, n, mu):
        """Rate of n times d_F, and its derivative with respect to mu."""
        x = modes.energy - mu
        kelvin = temperature_at(temperatures[1], t)
        return gamma_i / HBAR * (emission(x, kelvin) - x * n), gamma_i / HBAR * (n - emission_slope(x, kelvin))

    def at_interface(t, n, mu_s, first):
        """The root mu_0: half (mu_0 - first) = rho_N (I_i/hbar - J_e), its left side rises and its right side falls."""
        mu = first
        for _ in range(60):
            flow, climb = interfacial(t, n, mu)
            rest = half * (mu - first) - rho_N * (modes.weight @ flow - crossing * (mu_s - mu))
            step = -rest / (half - rho_N * (modes.weight @ climb + crossing))
            mu += step
            if abs(step) < 1e-13 * (1 + abs(mu)):
                break
        else:
            raise AssertionError("no accumulation at the interface")
        return mu

    def rate(t, y):
        n, mu_s, mu = y[:count], y[count], y[count + 1 :]
        mu_0 = at_interface(t, n, mu_s, mu[0])
        x = modes.energy - mu_s
        source = emission(x, temperature_at(temperatures[0], t))
        own = modes.gamma / HBAR * (source - x * n)
        other = interfacial(t, n, mu_0)[0] / d_F
        electrons = crossing * (mu_s - mu_0) / d_F
        shift = modes.feedback * (modes.weight @ own) + rho_x * (modes.weight @ other) + rho_d * electrons
        current = np.concatenate([[half * (mu_0 - mu[0])], between * (mu[:-1] - mu[1:]), [0.0]])
        return np.concatenate([own + other, [shift - modes.relaxation * mu_s], -np.diff(current) / width - lost * mu])

    def jacobian(t, y):
        n, mu_s, mu = y[:count], y[count], y[count + 1 :]
        mu_0 = at_interface(t, n, mu_s, mu[0])
        x = modes.energy - mu_s
        slope = emission_slope(x, temperature_at(temperatures[0], t))
        loss, climb = -modes.gamma / HBAR * x, modes.gamma / HBAR * (n - slope)
        loss_i = -gamma_i / HBAR * (modes.energy - mu_0) / d_F
        climb_i = interfacial(t, n, mu_0)[1] / d_F
        i = np.arange(count)
        # with mu_0 as one more variable, the last
        matrix = np.zeros((len(y), len(y) + 1))
        matrix[i, i] = loss + loss_i
        matrix[i, count], matrix[i, -1] = climb, climb_i
        matrix[count, :count] = modes.weight * (modes.feedback * loss + rho_x * loss_i)
        matrix[count, count] = modes.feedback * (modes.weight @ climb) - modes.relaxation + rho_d * crossing / d_F
        matrix[count, -1] = rho_x * (modes.weight @ climb_i) - rho_d * crossing / d_F
        for cell, (flow, place) in enumerate(zip(between, range(count + 1, len(y)), strict=False)):
            matrix[place, place] -= flow / width[cell]
            matrix[place, place + 1] += flow / width[cell]
            matrix[place + 1, place] += flow / width[cell + 1]
            matrix[place + 1, place + 1] -= flow / width[cell + 1]
        places = np.arange(count + 1, len(y))
        matrix[places, places] -= lost
        matrix[count + 1, count + 1] -= half / width[0]
        matrix[count + 1, -1] += half / width[0]
        # and now as the root that it is
        own = half - rho_N * (d_F * (modes.weight @ climb_i) + crossing)
        root = np.zeros(len(y))
        root[:count] = rho_N * d_F * modes.weight * loss_i / own
        root[count] = -rho_N * crossing / own
        root[count + 1] = half / own
        return matrix[:, :-1] + np.outer(matrix[:, -1], root)

    y = np.concatenate([occupation, np.zeros(cells + 1)])
    t = np.asarray(times) / ps
    found = by_pieces(rate, jacobian, y, t, kinks, rtol, rtol)
    n, mu_s, mu = found[:, :count], found[:, count], found[:, count + 1 :]
    at_0 = [at_interface(when, *each) for when, *each in zip(t, n, mu_s, mu[:, 0], strict=True)]
    return BilayerRecords(
        n, mu_s * meV, n @ modes.weight * PER_NM3, np.array(at_0) * meV, centre * nm, width * nm, mu * meV
    )
