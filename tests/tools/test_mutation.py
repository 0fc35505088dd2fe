"""Mutation testing finds a weak test, believes no stale kernel, and says what it cannot judge."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tools import mutants, mutation_record
from tools.forked import forked
from tools.isolation import ROOT
from tools.mutant_changes import KINDS

PLANTED = '''"""A module with a strong, a weak and no test."""

import numpy as np

from spinlib._jit import kernel
from spinlib._validate import positive

_COUPLING = 3.0


@kernel
def _pair(a, b):
    return 2.0 * a * b


def energy(m, field):
    """Return the energy.

    >>> energy((1.0, 2.0), (1.0, 0.5))
    -12.0
    """
    total = 0.0
    for i in range(len(m)):
        total -= _COUPLING * _pair(m[i], field[i])
    return total


def size(x):
    positive("x", x + 1)
    if x > 1e300:
        raise ValueError(f"x = {x - 1} is too large")
    return np.abs(x) ** 2


def alone(m, field) -> "np.ndarray[2 * 3]":
    return np.cross(m, field.conj()).T
'''
TESTS = """
from spinlib import planted

def test_weak():
    assert planted.size(1.0) == 1.0
"""
SURVIVOR = ("spinlib.planted", "size", "np.abs(x) ** 2", "np.abs(x) ** 1", 0)


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A tree with a library of one module, its test and the tools."""
    for folder in ("spinlib", "tools", "tests/spinlib"):
        (tmp_path / folder).mkdir(parents=True)
    for file in [
        *ROOT.glob("tools/muta*.py"),
        ROOT / "tools" / "isolation.py",
        ROOT / "tools" / "forked.py",
        ROOT / "pyproject.toml",
    ]:
        shutil.copy(file, tmp_path / file.relative_to(ROOT))
    for name in ("_jit.py", "_validate.py"):
        shutil.copy(ROOT / "spinlib" / name, tmp_path / "spinlib" / name)
    (tmp_path / "spinlib" / "__init__.py").write_text("")
    (tmp_path / "spinlib" / "planted.py").write_text(PLANTED)
    (tmp_path / "tests" / "spinlib" / "test_planted.py").write_text(TESTS)
    (tmp_path / "tests" / "mutation_survivors.toml").write_text("survivor = []\n")
    return tmp_path


def run(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tools.mutation", "spinlib.planted", *arguments]
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONHASHSEED": "random"}
    return subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, check=False)


def test_invariant_weak_test_lets_a_mutant_survive_and_the_others_are_killed(planted: Path) -> None:
    result = run(planted, "--all", "--record")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    stored = json.loads((planted / "tests" / "mutation.json").read_text())
    verdicts = {(*(m[name] for name in mutation_record.KEY),): (m["verdict"], m["by"]) for m in stored["mutants"]}
    assert {key for key, (verdict, _) in verdicts.items() if verdict == "survived"} == {
        SURVIVOR,
        ("spinlib.planted", "alone", "np.cross(m, field.conj())", "np.cross(field.conj(), m)", 0),
        ("spinlib.planted", "alone", "field.conj()", "field", 0),
        ("spinlib.planted", "alone", "np.cross(m, field.conj()).T", "np.cross(m, field.conj())", 0),
    }
    # The kernel and the constant that is frozen into nothing are killed by the example in the docstring.
    factor = ("spinlib.planted", "_pair", "2.0 * a", "4.0 * a", 0)
    assert verdicts[factor] == ("killed", "spinlib/planted.py::spinlib.planted.energy")
    assert len(verdicts) > 12


def test_invariant_explained_survivor_is_accepted(planted: Path) -> None:
    entry = dict(zip(mutation_record.KEY, SURVIVOR, strict=True)) | {"verdict": "unimportant", "reason": "planted"}
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in entry.items())
    (planted / "tests" / "mutation_survivors.toml").write_text(f"[[survivor]]\n{lines}")
    head, *functions = PLANTED.split("\n\n\n")
    (size,) = (function for function in functions if function.startswith("def size"))
    source = f"{head}\n\n\n{size}\n"  # no kernel to compile for each of its mutants
    (planted / "spinlib" / "planted.py").write_text(source)
    result = run(planted, "--all")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "1 survived, 0 of them without a reason" in result.stdout


def test_bad_input_tests_that_fail_by_themselves_judge_nothing(planted: Path) -> None:
    (planted / "tests" / "spinlib" / "test_planted.py").write_text(TESTS + "    assert planted.size(2.0) == 5.0\n")
    result = run(planted, "--sample", "1")
    assert result.returncode == 1
    assert "fail without any mutant: tests/spinlib/test_planted.py::test_weak" in result.stderr
    assert "killed" not in result.stdout


def test_invariant_what_does_not_end_is_ended() -> None:
    signalled, last, result = forked(lambda say: (say("here"), time.sleep(60)), limit=0.3)
    assert (signalled, last, result) == (9, "here", None)


def test_invariant_error_of_the_machinery_is_no_verdict() -> None:
    def fail(_: object) -> None:
        raise OSError("disk full")

    with pytest.raises(RuntimeError, match="OSError: disk full"):
        forked(fail, limit=10)


def test_invariant_every_mutant_compiles_and_is_another_program() -> None:
    module = "spinlib.dynamics._valve"
    original = compile(mutants.path_of(module).read_text(), mutants.path_of(module), "exec")
    found = mutants.mutants(module)
    assert len({mutant.key for mutant in found}) == len(found) > 20
    codes = [mutant.code() for mutant in found]
    assert all(code != original for code in codes)
    assert len(set(codes)) == len(codes)


def test_invariant_sample_shares_out_the_kinds_and_does_not_depend_on_the_lines() -> None:
    found = mutants.sample("spinlib.lattice.leads", 20, seed=0)
    assert found == mutants.sample("spinlib.lattice.leads", 40, seed=0)[:20]
    assert found != mutants.sample("spinlib.lattice.leads", 20, seed=1)
    assert max(Counter((mutant.function, mutant.kind) for mutant in found).values()) == 1
    assert {mutant.kind for mutant in mutants.mutants("spinlib.lattice.leads")} <= set(KINDS)


def test_bad_input_mutant_of_another_source() -> None:
    gone = mutants.Mutant("spinlib.spin", "nothing", "sign", "a + b", "a - b", 0, 1)
    with pytest.raises(ValueError, match="has no longer a \\+ b in nothing"):
        gone.code()


def test_invariant_each_explanation_is_of_a_mutant_that_exists() -> None:
    known = {mutant.key: mutant for module in mutation_record.physics() for mutant in mutants.mutants(module)}
    for key, entry in mutation_record.explained().items():
        assert key in known, f"{key} is no longer a mutant: run python -m tools.mutation {key[0]}"
        assert entry["verdict"] in ("equivalent", "unimportant")
        assert entry["reason"].endswith(".")


def test_invariant_each_result_on_record_is_of_a_mutant_that_exists() -> None:
    """A result of a source that has changed may be old; the page says so. One of a change that is gone says nothing."""
    known = {mutant.key for module in mutation_record.physics() for mutant in mutants.mutants(module)}
    assert set(mutation_record.recorded()) <= known


def test_invariant_survivors_on_record_are_explained() -> None:
    stored = mutation_record.recorded()
    assert {result["kind"] for result in stored.values()} == set(KINDS)
    survived = {key for key, result in stored.items() if result["verdict"] == "survived"}
    assert survived <= set(mutation_record.explained())
    killed = {key for key, result in stored.items() if result["verdict"] in ("killed", "timeout")}
    assert not killed & set(mutation_record.explained())


@pytest.mark.full
def test_invariant_sample_of_one_seed_is_killed_or_explained() -> None:
    modules = [f"spinlib.{name}" for name in ("spin", "conventions", "circuit", "pumping", "onsager", "_modes")]
    command = [sys.executable, "-m", "tools.mutation", *modules, "--total", "40", "--seed", "13"]
    result = subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_a_module_that_a_test_imports_late_is_changed_all_the_same():
    code = (
        "import sys\n"
        "from tools.mutants import mutants\n"
        "from tools.mutation_batch import exchange\n"
        "mutant = mutants('spinlib.pumping')[0]\n"
        "assert 'spinlib.pumping' not in sys.modules\n"
        "assert exchange(mutant)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
