"""Each kernel is compiled once, whatever it is called with, so that the first real call leaves a whole cache."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

ROOT = Path(__file__).resolve().parents[2]
CALLED = (
    "dynamics._dop853.trajectories",
    "dynamics._wall_llg._advance",
    "dynamics.stochastic._walk",
    "lattice._transfer._march",
    "magnons._bath._misses",
    "magnons._steps.march",
)
SCRIPT = """
import importlib, json, pkgutil, sys, warnings
import numpy as np
from numba.core.dispatcher import Dispatcher

import spinlib.dynamics, spinlib.lattice, spinlib.magnons
from spinlib.dynamics.macrospin import LinearField, SpinTorque, integrate_llg
from spinlib.dynamics.stochastic import integrate_stochastic_llg
from spinlib.dynamics.walls import DomainWall, wall_motion
from spinlib.lattice.green import scattering_matrix
from spinlib.lattice.leads import cubic_lead
from spinlib.lattice.models import LayeredSystem
from spinlib.magnons.band import MagnonBand
from spinlib.magnons.interface import MagnonInterface, NormalMetal, simulate_bilayer
from spinlib.magnons.kinetics import Ferromagnet, simulate_demagnetization

warnings.simplefilter("error")
def kinds(times):
    # The same times as lists and arrays of all kinds.
    fixed = times.copy()
    fixed.flags.writeable = False
    return (times.tolist(), times, times[::2], fixed, times.astype(np.float32))

field, torque = LinearField(tensor=np.diag([0, 0, 1])), SpinTorque((1, 0, 0), 1)
directions = np.eye(3)
turned = np.asfortranarray(np.eye(3))
turned.flags.writeable = False
for t in ([0, 1, 2], *kinds(np.linspace(0, 2, 9))):
    for m in ((1, 0, 0), directions, turned, directions[::2]):
        integrate_llg(m, field, t, alpha=1, gyromagnetic_ratio=1, torque=torque, rtol=1e-4)
for m in ((0, 0, 1), directions, turned):
    for every in (1, 2):
        integrate_stochastic_llg(
            m, field, 1e-13, 4, alpha=1, magnetic_moment=1, temperature=0 if every == 1 else 1e-9, seed=1,
            record_every=every,
        )
wall = DomainWall(1, 1, 1, 2, alpha=0.5, beta=1, gyromagnetic_ratio=1)
for drift in (0.1, np.float64(0.2)):
    wall_motion(wall, drift=drift, method="micromagnetic")

metal = Ferromagnet(MagnonBand(1e-21, 1e-40, 1e-20), 0, 0.1, -1e-48, 1e-12)
surface, sink = MagnonInterface(1e15, 4e28), NormalMetal(2e-4, 2e-14, 5e47, 2e-8)
for t in kinds(np.linspace(0, 2e-13, 9)):
    for temperature in (300, lambda x: 300 + 100 * np.exp(-x / 1e-13)):
        simulate_demagnetization(metal, temperature, t, initial_temperature=200, rtol=1e-4, points=4)
        simulate_bilayer(metal, surface, sink, 5e-9, temperature, 300, t, rtol=1e-3, points=4, modes=4)
simulate_demagnetization(metal, 300, t, initial_occupation=1, breakpoints=[1e-13], points=4)

lead = cubic_lead(0, (4, 4), 1, onsite=0.3)
rng = np.random.default_rng(1)
for onsite in (np.zeros((4, 32, 32)), np.zeros((4, 32, 32), dtype=complex), np.asfortranarray(np.zeros((4, 32, 32)))):
    scattering_matrix(LayeredSystem(onsite + np.diag(rng.random(32)), -np.ones(32)), lead, lead)

found = {}
for room in (spinlib.dynamics, spinlib.lattice, spinlib.magnons):
    for info in pkgutil.iter_modules(room.__path__, room.__name__ + "."):
        module = sys.modules.get(info.name)
        for name, kernel in vars(module).items() if module else ():
            if isinstance(kernel, Dispatcher) and kernel.__module__ == info.name:
                found[f"{info.name}.{name}"] = [str(each) for each in kernel.signatures]
print(json.dumps(found))
"""


@pytest.mark.skipif(bool(numba.config.DISABLE_JIT), reason="nothing is compiled")
def test_invariant_every_kernel_has_one_signature() -> None:
    """Lists, integers, single precision, strides, arrays in Fortran's order or read-only: all come in one type."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found) >= 20
    called = {f"spinlib.{name}" for name in CALLED}
    assert {name for name in called if len(found[name]) != 1} == set()
    # The others are compiled into these; where these came from the cache, they have no signature at all.
    assert {name: each for name, each in found.items() if len(each) > 1} == {}
