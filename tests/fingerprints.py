"""Numbers from every room, to the last bit: ``python -m tests.fingerprints [room …]`` writes them as JSON.

Runs under other threads, hash seeds and neighbours, or without compilation, are compared by them. What is large enough
for the linear algebra to use its threads is listed in ``THREADED``: threads may reorder its sums.
"""

import json
import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from math import inf
from typing import Any

import numpy as np

from spinlib.units import GHz, e, fs, gyromagnetic_ratio, hbar, k_B, meV, nm, ps

__all__ = ["ROOMS", "THREADED", "deviation", "fingerprints", "surroundings"]

Arrays = Iterable[Any]


def _scattering() -> Arrays:
    from spinlib.scattering.random_matrix import random_spacer
    from spinlib.scattering.stack import ferromagnet, normal_metal, transport

    fixed, free = ferromagnet(0.3, 0.01, theta=np.linspace(0.1, 3, 7)), ferromagnet(0.9, 0.1)
    result = transport([fixed, normal_metal(0.7), free], source="left")
    yield from (result.torque_per_current, result.conductance)
    spacer = random_spacer([1.0, 0.3, 0.6], samples=4, seed=1)
    yield from (spacer.t[:2, :3, :3], spacer.r_prime[2, 3:, :3])


def _diffusion() -> Arrays:
    from spinlib.diffusion import Interface, Layer, Medium, reverse, solve_stack

    cu = Layer(Medium.valet_fert(6e-9, spin_diffusion_length=450 * nm), 10 * nm)
    co = Layer(Medium.valet_fert(75e-9, beta=0.46, spin_diffusion_length=59 * nm), 6 * nm)
    face = Interface.valet_fert(0.51e-15, gamma=0.77)
    result = solve_stack([co, cu, reverse(co), cu] * 20 + [co], [face, reverse(face), reverse(face), face] * 20)
    yield result.resistance
    rates = {("s_up", "s_down"): 5e22, ("s_down", "d_down"): 4e23, ("d_up", "d_down"): 1e22}
    s_d = Medium.four_channel({"s_up": 1e7, "s_down": 4e6, "d_up": 1e6, "d_down": 2.5e6}, rates)
    rigid = Medium.four_channel({"s_up": 2e7, "s_down": 2e7, "d_up": 1e6, "d_down": 1e6}, rates)
    yield solve_stack([Layer(s_d, inf), Layer(rigid, inf)]).excess_resistance


def _circuit() -> Arrays:
    from spinlib.circuit import InterfaceConductance, spin_valve
    from spinlib.linewidth import fit_linewidths
    from spinlib.onsager import discrete_response
    from spinlib.pumping import fmr_linewidth, pumping_damping

    side = InterfaceConductance(majority=1.2e15, minority=0.5e15, mixing=0.9e15 + 0.1e15j)
    angle = np.linspace(0.1, 3, 6)
    tilted = np.stack([np.sin(angle), 0 * angle, np.cos(angle)], axis=-1)
    state = spin_valve((0, 0, 1), tilted, side, side, charge_current=1e11)
    yield from (state.spin_voltage, state.spin_current2)
    f, moment = np.array([5, 10, 15, 5, 10, 15]) * GHz, 8e5 * nm * np.array([4, 4, 4, 8, 8, 8])
    lines = fmr_linewidth(f, 0.006 + pumping_damping(5e14, magnetic_moment=moment)) + 1e-4 * np.cos(f / GHz)
    yield fit_linewidths(f, lines, moment).mixing_conductance
    yield discrete_response(tilted[1], side, alpha=0.1, magnetic_moment=3e-3).ss


def _macrospin() -> Arrays:
    from spinlib.circuit import InterfaceConductance
    from spinlib.dynamics.macrospin import LinearField, critical_current, integrate_llg

    start, times = np.array([0.1, 0.2, 1]) / np.linalg.norm([0.1, 0.2, 1]), np.linspace(0, 1e-9, 9)
    yield integrate_llg(start, (0, 0, -0.1), times, alpha=0.02)
    yield integrate_llg(start, LinearField(tensor=np.diag([0.0, -1.0, 0.01])), times, alpha=0.02)
    side = InterfaceConductance(majority=1.2e15, minority=0.5e15, mixing=0.9e15)
    field = LinearField(tensor=np.diag([0.0, -1.005, 0.01]))
    yield critical_current((0, 0, 1), (0, 0, 1), side, side, field, alpha=0.008, magnetic_moment=3.2e-3)


def _stochastic() -> Arrays:
    from spinlib.dynamics.stochastic import integrate_stochastic_llg

    run = integrate_stochastic_llg(np.tile((0, 0, 1.0), (5, 1)), (0, 0, 0.1), 1e-13, 200, alpha=0.1,
                                   magnetic_moment=1e-18, temperature=300, seed=7, record_every=100)  # fmt: skip
    yield run.m


def _open_magnet() -> Arrays:
    from spinlib.dynamics.fokker_planck import brown_eigenvalue, neel_brown, solve_fokker_planck
    from spinlib.dynamics.thermodynamic import GeneralizedLLG, QuadraticPotential, switching_field

    yield neel_brown(3e5, (8 * nm) ** 3, saturation_magnetization=8e5, alpha=0.02, temperature=300).rate
    easy, against = QuadraticPotential(quadratic=np.diag([0, 0, -0.5])), QuadraticPotential(linear=(0, 0, 0.03))
    magnet = GeneralizedLLG(easy, alpha=0.1, mobility=1.0, chi=against)
    yield switching_field(magnet, (np.sin(0.3), 0, -np.cos(0.3)), (0, 0, 1.0), max_field_energy=2.0).field_energy
    yield from (brown_eigenvalue(5.0, 0.1), solve_fokker_planck(magnet, temperature=0.2 / k_B).rates)


def _walls() -> Arrays:
    from spinlib.dynamics.walls import DomainWall, wall_motion

    wall = DomainWall(1.0, 1.0, 1.0, 2.0, alpha=0.5, beta=1.0, gyromagnetic_ratio=1.0)
    for drift in (0.25, 6.0):
        yield wall_motion(wall, drift=drift).velocity


def _accumulation() -> Arrays:
    from spinlib.accumulation import (
        Boundary,
        DiffusiveMedium,
        Layer,
        SpinStructure,
        evolve_accumulation,
        solve_accumulation,
        wall,
    )

    metal = DiffusiveMedium(1e-3, spin_relaxation_time=1 * ps, momentum_time=3 * fs, exchange_splitting=100 * meV)
    result = solve_accumulation(wall(metal, 10 * nm, drift=1.0))
    yield from (result.spin_accumulation[::40], result.layer_torque)
    closed = Boundary.spin_current((0, 0, 0))
    film = SpinStructure([Layer(metal, 5 * nm, magnetization=(1, 0, 0))], closed, closed)
    yield evolve_accumulation(film, (0, 0, 1), [10 * fs, 50 * fs]).spin_accumulation[:, ::40]


def _field_theory() -> Arrays:
    from spinlib.field_theory import berry_phase, magnon_dispersion

    rng = np.random.default_rng(3)
    path = rng.normal(size=(40, 3))
    yield berry_phase(path / np.linalg.norm(path, axis=1, keepdims=True), 0.5)
    yield magnon_dispersion(rng.normal(size=(9, 3)), np.vstack([np.eye(3), -np.eye(3)]), 0.5, 1.0)


def _magnons() -> Arrays:
    from spinlib.magnons.band import MagnonBand, fit_bose_einstein, magnon_density, magnon_susceptibility
    from spinlib.magnons.interface import MagnonInterface, NormalMetal, simulate_bilayer
    from spinlib.magnons.kinetics import Ferromagnet, simulate_demagnetization
    from spinlib.magnons.temperature_models import TemperaturePulse, m3tm, two_temperature

    band = MagnonBand(gap=5 * meV, stiffness=0.6 * meV * nm**2, bandwidth=k_B * 1000)
    yield from (magnon_density(band, 300.0), magnon_susceptibility(band, 300.0))
    iron = Ferromagnet(band, 0.01, 0.1, feedback=-6 * meV * nm**3, spin_relaxation_time=2 * ps)
    pulse = TemperaturePulse(base=100, peak=1000, rise_time=50 * fs, decay_time=0.5 * ps)
    run = simulate_demagnetization(iron, pulse, np.linspace(0, 2, 5) * ps)
    yield from (run.spin_accumulation, run.magnon_density)
    fit = fit_bose_einstein(band, lambda energy: 1.1 / np.expm1((energy + 2 * meV) / (k_B * 400)))
    yield from (fit.temperature, fit.chemical_potential)
    surface, sink = MagnonInterface(1e15, 4e28), NormalMetal(2e-4, 2e-14, 5e47, 2e-8)
    yield simulate_bilayer(iron, surface, sink, 5e-9, 300.0, 600.0, [0.0, 1 * ps]).spin_accumulation
    metal = {"electron_heat_coefficient": 700.0, "lattice_heat_capacity": 3e6, "electron_phonon_coupling": 8e17}
    bath = two_temperature(np.linspace(0, 2, 5) * ps, **metal, absorbed_energy_density=2e8, pulse_duration=50 * fs,
                          pulse_center=0.2 * ps)  # fmt: skip
    yield bath.electron_temperature
    yield m3tm(np.linspace(0, 2, 5) * ps, bath, bath.lattice, curie_temperature=1388, rate=2e12)


def _lattice_system(width: int) -> Any:
    from spinlib.lattice.green import scattering_matrix
    from spinlib.lattice.leads import cubic_lead
    from spinlib.lattice.models import binary_alloy, p_orbital_magnet

    levels, splitting = binary_alloy((width, width, 6), 0.2, exchange_splitting=1, majority_shift=0.1,
                                     minority_shift=2, seed=5)  # fmt: skip
    m, across = np.array([1, 1, 1]) / 3**0.5, np.array([[1, -1, 0], [1, 1, -2]]) / np.sqrt([[2], [6]])
    magnet = p_orbital_magnet((width, width, 6), m, onsite=levels, exchange_splitting=splitting, spin_orbit=1,
                              twist=(0.3, 1.1), variations=tuple(across))  # fmt: skip
    lead = cubic_lead(0.3, (width, width), np.where(np.eye(3), 1.0, -0.4), twist=(0.3, 1.1))
    return scattering_matrix(magnet, lead, lead, screening="uniform")


def _lattice() -> Arrays:
    from spinlib.lattice.damping import dissipation_tensor
    from spinlib.lattice.torque_correlation import p_orbital_crystal, torque_correlation

    run = _lattice_system(2)
    yield from (run.conductance, dissipation_tensor(run))
    crystal = p_orbital_crystal((0, 0, 1), exchange_splitting=2.0, spin_orbit=0.5)
    yield torque_correlation(crystal, 0.3, 0.1, [(1, 0, 0)], k_points=6).total


def _wide_lattice() -> Arrays:
    from spinlib.lattice.damping import dissipation_tensor

    run = _lattice_system(8)
    yield from (run.conductance, run.matrix[:40:9, :40:9], dissipation_tensor(run))


def _wide_spacer() -> Arrays:
    from spinlib.scattering.random_matrix import random_spacer

    spacer = random_spacer(np.linspace(0.1, 1, 200), samples=1, seed=2)
    yield from (spacer.t[0, :9, :9], spacer.r[0, :9, :9])


def _ground() -> Arrays:
    from spinlib.conventions import slonczewski_to_mumax3
    from spinlib.materials import material, materials
    from spinlib.spin import rotation_matrix, spin_rotation

    yield from (spin_rotation(0.3, 0.7), rotation_matrix((1, 2, 3), 0.4))
    yield list(slonczewski_to_mumax3(0.5, 1.3).values())[:2]
    yield [material(name, quantity).value for name, known in materials().items() for quantity in known][:40]
    yield (e, hbar, gyromagnetic_ratio)


ROOMS: dict[str, Callable[[], Arrays]] = {
    name.lstrip("_"): item
    for name, item in list(globals().items())
    if callable(item) and name.startswith("_") and getattr(item, "__annotations__", {}).get("return") is Arrays
}
THREADED = ("wide_lattice", "wide_spacer")


def fingerprints(rooms: Iterable[str] = ROOMS) -> dict[str, list[str]]:
    """Numbers of each room as hexadecimal floats, complex ones as two."""
    found = {}
    for room in rooms:
        arrays = [np.atleast_1d(np.asarray(each)) for each in ROOMS[room]()]
        parts = [np.stack([a.real, a.imag], -1) if np.iscomplexobj(a) else a for a in arrays]
        found[room] = [float(value).hex() for part in parts for value in part.astype(float).ravel()]
    return found


def deviation(one: list[str], other: list[str]) -> float:
    """Largest difference of two fingerprints of a room, relative to the larger of each pair; nan is equal to nan."""
    assert len(one) == len(other)
    a, b = (np.array([float.fromhex(value) for value in each]) for each in (one, other))
    scale = np.maximum(abs(a), abs(b))
    differ = (a != b) & ~(np.isnan(a) & np.isnan(b))
    return float(max(abs(a - b)[differ] / scale[differ], default=0.0))


def surroundings() -> dict[str, Any]:
    """What the fingerprints of this process were made under."""
    compiled = hasattr(import_module("spinlib.dynamics._llg").rate, "py_func")
    return {"hash": hash("spinlib"), "compiled": compiled, "numpy": np.__version__}


if __name__ == "__main__":
    sys.stdout.write(json.dumps({"surroundings": surroundings(), "rooms": fingerprints(sys.argv[1:] or ROOMS)}))
