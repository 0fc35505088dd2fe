"""The same bits whatever hash seed, neighbours and threads; what threads, compiler and processor change is named."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from numpy._core import _multiarray_umath as numpy_kernels

from tests.fingerprints import ROOMS, THREADED, deviation

ROOT = Path(__file__).resolve().parents[2]
REORDERED = 1e-10
"""Where the linear algebra adds up in another order, relative to each number."""
UNCOMPILED = 1e-12
"""The same statements as Python and as machine code, relative to each number."""

KERNELS = (
    "dynamics/test_llg.py",
    "magnons/test_magnon_collocation.py",
    "test_lattice_green.py",
    "test_lattice_transfer.py",
)
"""Tests of kernels that take a minute as plain Python. The others follow trajectories: one step is a hundred slower."""

PROCESSORS = {"X86_V2": ("SSE 4.2", "Nehalem"), "X86_V3": ("AVX2", "Haswell"), "X86_V4": ("AVX-512", "SkylakeX")}
"""Instructions by NumPy's name: what they are called, and a processor of OpenBLAS that has no others."""


def start(threads: int = 1, seed: str = "0", **settings: str) -> subprocess.Popen[str]:
    """Begin to compute the fingerprints in a process of its own."""
    count = {f"{library}_NUM_THREADS": str(threads) for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    environment = os.environ | count | {"PYTHONHASHSEED": seed} | settings
    command = [sys.executable, "-m", "tests.fingerprints"]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    printed, _ = process.communicate(timeout=600)
    assert process.returncode == 0
    return dict(json.loads(printed))


def differences(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, float]:
    """Largest relative deviation of each room whose bits differ."""
    assert set(one["rooms"]) == set(other["rooms"]) == set(ROOMS)
    pairs = {room: (one["rooms"][room], other["rooms"][room]) for room in ROOMS}
    return {room: deviation(*pair) for room, pair in pairs.items() if pair[0] != pair[1]}


def largest(each: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Largest deviation of each room in any of some runs."""
    rooms = sorted({room for differ in each for room in differ})
    return {room: max(differ.get(room, 0.0) for differ in each) for room in rooms}


def check(differ: Mapping[str, float]) -> None:
    assert set(differ) <= set(THREADED), f"these have other bits: {differ}"
    assert all(value < REORDERED for value in differ.values()), differ


def test_invariant_bits_of_two_processes_at_once_on_other_threads_and_hash_seeds() -> None:
    one, other = map(answer, (start(), start(threads=2, seed="1")))
    assert one["surroundings"]["hash"] != other["surroundings"]["hash"]
    check(differences(one, other))


def test_invariant_a_fingerprint_holds_what_it_should_and_shows_the_last_bit() -> None:
    numbers = [value.hex() for value in (0.1, -2.0, float("nan"))]
    assert deviation(numbers, list(numbers)) == 0
    assert deviation(numbers, [(0.1).hex(), (-2.0000000000000004).hex(), "nan"]) == pytest.approx(2**-52, abs=1e-20)
    assert deviation(numbers, [(0.1).hex(), (2.0).hex(), "nan"]) == 2
    assert not deviation(numbers, [(0.1).hex(), "nan", "nan"]) < REORDERED
    with pytest.raises(AssertionError):
        check({"macrospin": 2**-52})
    with pytest.raises(AssertionError):
        check({"wide_lattice": 1e-9})


@pytest.mark.full
def test_invariant_bits_over_threads_and_hash_seeds() -> None:
    from tools.trust import keep

    base = answer(start())
    found = []
    for threads, seed in ((1, "0"), (2, "0"), (4, "0"), (1, "1"), (1, "random"), (4, "random")):
        pair = [start(threads, seed), start(threads, seed)]  # at once, and each beside the first
        runs = [answer(each) for each in pair]
        assert (runs[0]["surroundings"]["hash"] == base["surroundings"]["hash"]) == (seed == "0")
        differ = [differences(base, run) for run in runs]
        for each in differ:
            check(each if threads > 1 else dict.fromkeys(each, 1.0))
        found.append({"threads": threads, "seed": seed, "differ": largest(differ)})
    counts = {room: len(base["rooms"][room]) for room in ROOMS}
    keep("determinism", {"numbers": counts, "runs": found, "tolerance": REORDERED})


@pytest.mark.full
def test_invariant_kernels_as_plain_python_give_the_same_numbers() -> None:
    from tools.trust import keep

    compiled, plain = map(answer, (start(), start(NUMBA_DISABLE_JIT="1")))
    assert compiled["surroundings"]["compiled"]
    assert not plain["surroundings"]["compiled"]
    differ = differences(compiled, plain)
    assert all(value < UNCOMPILED for value in differ.values()), differ
    options = ["-q", "-p", "no:cacheprovider", "--noconftest", "-p", "tests.examples", "-W", "error", "-o", "addopts="]
    command = [sys.executable, "-m", "pytest", *options, *(f"tests/spinlib/{file}" for file in KERNELS)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"NUMBA_DISABLE_JIT": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    passed = re.search(r"(\d+) passed", done.stdout)
    assert passed
    keep("uncompiled", {"differ": differ, "tolerance": UNCOMPILED, "files": list(KERNELS), "tests": int(passed[1])})


def older(level: str) -> dict[str, str]:
    """Settings under which NumPy and OpenBLAS compute as on a processor without the instructions after ``level``."""
    known = [*PROCESSORS, *(name for name in numpy_kernels.__cpu_dispatch__ if name not in PROCESSORS)]
    has = [name for name in numpy_kernels.__cpu_dispatch__ if numpy_kernels.__cpu_features__[name]]
    newer = [name for name in has if known.index(name) > known.index(level)]
    return {"OPENBLAS_CORETYPE": PROCESSORS[level][1], "NPY_DISABLE_CPU_FEATURES": " ".join(newer)}


@pytest.mark.full
def test_invariant_tests_hold_with_the_instructions_of_older_processors(tmp_path: Path) -> None:
    """The unit tests and the examples; which rooms have other bits shows that the settings reach NumPy and OpenBLAS."""
    from tools.trust import keep

    levels = [level for level in PROCESSORS if numpy_kernels.__cpu_features__.get(level)]
    if len(levels) < 2:
        pytest.skip("WARNING: other instructions were NOT tried, NumPy knows none of this processor to leave out")
    options = ["-q", "-p", "no:cacheprovider", "--noconftest", "-p", "tests.examples", "-W", "error", "-o", "addopts="]
    chosen = [
        "-m",
        "not full",
        "--doctest-modules",
        "--ignore=tests/spinlib/test_package.py",
        "tests/spinlib",
        "spinlib",
    ]
    base, runs = answer(start()), {}
    for level in levels:
        with (tmp_path / level).open("w") as file:
            command = [sys.executable, "-m", "pytest", *options, *chosen]
            runs[level] = subprocess.Popen(command, cwd=ROOT, env=os.environ | older(level), stdout=file, stderr=file)
    found = []
    for level, run in runs.items():
        code, printed = run.wait(), (tmp_path / level).read_text(encoding="utf-8")
        assert code == 0, f"{level}: {printed}"
        passed = re.search(r"(\d+) passed", printed)
        assert passed
        differ = sorted(differences(base, answer(start(**older(level)))))
        found.append({"instructions": PROCESSORS[level][0], "differ": differ, "tests": int(passed[1])})
    assert len({tuple(run["differ"]) for run in found}) > 1
    keep("processors", {"runs": found})
