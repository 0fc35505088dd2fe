"""What each explorer of the book must show, computed by ``spinlib`` at the values of its sliders.

A twin takes the sliders by their names, that of the cursor included, and returns every number of the box by its label.
It calls the library, never the formula or the table of the chapter.
"""

import itertools
from collections.abc import Callable
from math import inf

import numpy as np
from scipy.special import ellipkm1

from spinlib.accumulation import DiffusiveMedium, bilayer, solve_accumulation
from spinlib.circuit import InterfaceConductance, interface_current
from spinlib.diffusion import Layer, Medium, solve_stack
from spinlib.dynamics.fokker_planck import neel_brown
from spinlib.dynamics.macrospin import LinearField, critical_current
from spinlib.dynamics.walls import DomainWall, wall_motion
from spinlib.field_theory import exchange_moments, magnon_dispersion
from spinlib.lattice.models import slab_amplitudes
from spinlib.magnons.band import MagnonBand, bose_einstein
from spinlib.magnons.kinetics import Ferromagnet, occupation_rate, simulate_demagnetization
from spinlib.magnons.temperature_models import TemperaturePulse
from spinlib.pumping import pumped_spin_current
from spinlib.scattering.closed_forms import slonczewski_parameters
from spinlib.scattering.stack import HatMatrix, ferromagnet, normal_metal, transport
from spinlib.spin import direction
from spinlib.units import GHz, e, fs, hbar, k_B, meV, mT, mu_B, nm, ps

TWINS: dict[str, Callable[..., dict[str, float]]] = {}


def twin(name: str) -> Callable[[Callable[..., dict[str, float]]], Callable[..., dict[str, float]]]:
    """Enter a function as the twin of the explorer of that name."""

    def enter(function: Callable[..., dict[str, float]]) -> Callable[..., dict[str, float]]:
        assert name not in TWINS, f"two twins of {name}"
        TWINS[name] = function
        return function

    return enter


@twin("explorer-wall-velocity")
def wall_velocity(u: float, alpha: float, beta: float, B: float) -> dict[str, float]:
    wall = DomainWall(13e-12, 0.2e6, 0.16e6, 8e5, alpha=alpha, beta=beta)
    motion = wall_motion(wall, u, B * 1e-3, method="rigid")
    return {
        "wall": motion.velocity,
        "electrons": u,
        "turns of the azimuth [GHz]": motion.precession / (2e9 * np.pi),
    }


@twin("explorer-brown")
def brown(sigma: float, h: float, alpha: float, B_K: float) -> dict[str, float]:
    """The library holds the exact rate alone; the asymptote is written down again."""
    volume, moment = 1e-24, 1e6
    anisotropy = B_K * 1e-3 * moment / 2
    heat = anisotropy * volume / (k_B * sigma)
    grain = neel_brown(anisotropy, volume, moment, alpha, heat, reduced_field=h)
    front = 2 * sigma**1.5 / np.sqrt(np.pi) * (1 - h**2)
    asymptote = front * sum((1 + s * h) * np.exp(-sigma * (1 + s * h) ** 2) for s in (1, -1))
    slowness = grain.eigenvalue / grain.rate  # 2 tau_N
    return {"exact": -np.log10(grain.rate), "asymptote": np.log10(slowness / asymptote)}


@twin("explorer-bilayer")
def bilayer_under_current(x: float, theta: float, length: float, ell: float) -> dict[str, float]:
    turn = np.radians(theta)
    left, right = np.array([0, 0, -1.0]), np.array([0, -np.sin(turn), np.cos(turn)])
    medium = DiffusiveMedium(1e-3, (ell * nm) ** 2 / 1e-3, 3e-15, 100 * meV)
    drift = 1e-3 / (ell * nm)
    sample = solve_accumulation(bilayer(medium, left, right, length * nm, length * nm, drift=drift))
    inside = abs(x) <= length
    delta = sample.at(x * nm)[0] - (left if x < 0 else right) if inside else np.full(3, np.nan)
    return dict(zip(("δx", "δy", "δz"), delta, strict=True))


@twin("explorer-mixing")
def mixing(d: float, up: float, down: float) -> dict[str, float]:
    """The integral over the zone by another rule than the chapter takes: midpoints."""
    energy = -1.0
    count = 4000
    node, weight = (2 * np.arange(count) + 1) / count - 1, 2 / count
    stops = [-2, 2, energy, up - 2, up + 2, down - 2, down + 2]
    stops = sorted({x for x in stops if -2 <= x <= 2})
    total, back, through = 0.0, 0.0, 0.0
    for a, b in itertools.pairwise(stops):
        angle = np.pi / 4 * (node + 1)
        x = a + (b - a) * np.sin(angle) ** 2
        level = energy - x
        share = weight * (b - a) * np.sin(2 * angle) * ellipkm1((level / 4) ** 2)
        (r, t, _), (r_down, t_down, _) = (slab_amplitudes(energy, level, int(d), each) for each in (up, down))
        total += share.sum()
        back += share @ (r * r_down.conj())
        through += share @ (t * t_down.conj())
    g_r, g_t = 1 - back / total, through / total
    return {"Re g_r, reflection": g_r.real, "Im g_r": g_r.imag, "|g_t|, transmission": abs(g_t), "Re g_t": g_t.real}


@twin("explorer-fnf-torque")
def fnf_torque(
    theta: float, T_a_up: float, T_a_down: float, T_b_up: float, T_b_down: float, n: float, phases: float
) -> dict[str, float]:
    def magnet(up: float, down: float, angle: float = 0.0) -> HatMatrix:
        rho, tau = phases * np.sqrt((1 - up) * (1 - down)), phases * np.sqrt(up * down)
        return ferromagnet(up, down, reflection_mixing=rho, transmission_mixing=tau, theta=angle)

    fixed, free = (T_a_up, T_a_down), (T_b_up, T_b_down)
    state = transport([magnet(*fixed, np.radians(theta)), normal_metal(n), magnet(*free)])
    law = slonczewski_parameters(magnet(*fixed), n, magnet(*free))
    near = 1e-6  # the slopes by differences, of third order
    from_zero, from_pi = (law(end + near) - law(end - near) for end in (0.0, np.pi))
    return {
        "torque per electron Tˣ/g [ħ/2]": state.torque_per_current[2, 0],
        "torque Tˣ [ħ/2 per channel]": state.torque[2, 0],
        "conductance g [e²/h per channel]": state.conductance,
        "slope of Tˣ/g at 0° [ħ/2 per rad]": from_zero / (2 * near),
        "slope of Tˣ/g at 180° [ħ/2 per rad]": from_pi / (2 * near),
    }


@twin("explorer-spin-battery")
def spin_battery_with_losses(theta: float, f: float, eta: float, leak: float) -> dict[str, float]:
    """Currents are linear in V: solve for the mean over a turn, and for one moment of it."""
    contact = InterfaceConductance(majority=leak / 2, minority=leak / 2, mixing=1.0) if leak else None
    omega = 2 * np.pi * f * GHz
    responses, pumped, moments = [], [], [direction(np.radians(theta), 0.7 + k * np.pi / 4) for k in range(8)]
    for m in moments:
        pumped.append(pumped_spin_current(m, omega * np.cross([0, 0, 1.0], m), 1.0))
        columns = [taken_by(contact, m, unit) + 2 * eta * unit for unit in np.eye(3)]
        responses.append(np.transpose(columns))
    slow = -np.linalg.solve(np.mean(responses, axis=0), np.mean(pumped, axis=0))
    fast = -np.mean([np.linalg.solve(*pair) for pair in zip(responses, pumped, strict=True)], axis=0)
    return {
        "slow node, 2|V| [µV]": -2e6 * slow[2],
        "fast node, mean [µV]": -2e6 * fast[2],
        "ħω/e [µV]": 1e6 * hbar * omega / e,
    }


def taken_by(contact: InterfaceConductance | None, m: np.ndarray, accumulation: np.ndarray) -> np.ndarray:
    """Spin current into a magnet; without a contact record only what is across m passes, 2 G_R."""
    if contact is not None:
        return interface_current(m, contact, accumulation).spin_current
    return 2 * (accumulation - m * (m @ accumulation))


@twin("explorer-nfn-accumulation")
def nfn_accumulation(
    x: float, beta: float, t_F: float, l_F: float, l_N: float, rho_F: float, rho_N: float
) -> dict[str, float]:
    normal = Layer(Medium.valet_fert(rho_N * 1e-9, spin_diffusion_length=l_N * nm), inf)
    magnet = Layer(Medium.valet_fert(rho_F * 1e-9, beta, l_F * nm), t_F * nm)
    state = solve_stack([normal, magnet, normal], current_density=1e11)
    at = state.profile([x * nm, 0.0, t_F / 2 * nm])
    shares = 100 * (at.current_density[0] - at.current_density[1]) / 1e11
    return {
        "Δμ/e [µV]": at.spin_accumulation[0] / e * 1e6,
        "polarisation of the current [%]": shares[0],
        "polarisation at the face [%]": shares[1],
        "polarisation at the centre [%]": shares[2],
        "excess resistance [fΩ m²]": state.excess_resistance * 1e15,
    }


BAND = MagnonBand(gap=5 * meV, stiffness=0.6 * meV * nm**2, bandwidth=1000 * k_B)  # KK Fig. 6


@twin("explorer-magnon-filling")
def magnon_filling(epsilon: float, t: float, T: float, alpha: float, fast: float) -> dict[str, float]:
    metal = Ferromagnet(BAND, alpha, fast, feedback=0.0, spin_relaxation_time=2 * ps)
    run = simulate_demagnetization(metal, T, [0.0, t * fs], initial_occupation=0.0, rtol=1e-11)
    ends = np.array([BAND.gap, BAND.bandwidth])
    speed = metal.scattering_rate(ends)
    rates = occupation_rate(speed, ends, 0.0, T, 0.0)
    lives = hbar / (speed * ends * fs)
    return {
        "n(ε, t)": run.occupation_at(epsilon * meV)[1],
        "Bose-Einstein": bose_einstein(epsilon * meV, T),
        "filling time at the gap [fs]": lives[0],
        "filling time at the upper edge [fs]": lives[1],
        "first rate, upper edge over gap": rates[1] / rates[0],
    }


@twin("explorer-magnon-pulse")
def magnon_pulse(t: float, peak: float, rho: float, tau: float, decay: float) -> dict[str, float]:
    metal = Ferromagnet(BAND, 0.01, 0.1, feedback=rho * meV * nm**3, spin_relaxation_time=tau * ps)
    pulse = TemperaturePulse(base=100, peak=peak, rise_time=50 * fs, decay_time=decay * ps)
    run = simulate_demagnetization(metal, pulse, [0.0, t * ps or fs], rtol=1e-11)
    at = -1 if t else 0
    return {
        "−S_z/S, localised spin": 1 - run.magnon_density[at] / BAND.mode_density,
        "μ_s/k_BT_C, accumulation": run.spin_accumulation[at] / (1000 * k_B),
    }


@twin("explorer-spin-waves")
def spin_waves(x: float, J: float, r: float, S: float, B: float) -> dict[str, float]:
    bonds = np.array([(n, 0, 0) for n in (1, -1, 2, -2)], dtype=float)
    values, larmor = np.array([J, J, r * J, r * J]), 2 * mu_B * B / meV
    zeroth, tensor = exchange_moments(bonds, values)
    free = magnon_dispersion([np.pi * x, 0, 0], bonds, values, S)
    smooth = S * tensor[0, 0] * (np.pi * x) ** 2 / 2
    return {
        "lattice": free + larmor,
        "continuum, corrected": smooth + larmor,
        "(84) as printed": S * zeroth - smooth,
        "(82) as printed": S * zeroth - free,
        "stiffness SJ₂/2 [meV d²]": S * tensor[0, 0] / 2,
        "molecular field SJ₀ [meV]": S * zeroth,
    }


@twin("explorer-critical-current")
def thresholds_of_valve(d: float, P: float, alpha: float, hard: float) -> dict[str, float]:
    total, mixing = 1.7e15, 0.9e15
    free = InterfaceConductance(majority=1.2e15, minority=0.5e15, mixing=mixing)
    fixed = InterfaceConductance(majority=total * (1 + P) / 2, minority=total * (1 - P) / 2, mixing=mixing)
    film = LinearField(tensor=np.diag([0.0, -hard, 10 * mT]))
    scale = {"magnetic_moment": 8e5 * d * nm, "gyromagnetic_ratio": 2.11 * mu_B / hbar}
    return {
        f"{state}, {name}": critical_current(
            (0, 0, 1), (0, 0, sign), fixed, free, film, alpha=alpha, pumping=pumping, **scale
        )
        / 1e11
        for state, sign in (("P", 1), ("AP", -1))
        for name, pumping in (("with pumping", True), ("without", False))
    }
