"""Checkpoints of `spinlib.sweep`: killed at any moment nothing is lost, and no file that is another's is touched."""

import contextlib
import functools
import importlib.metadata
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import types
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numba
import numpy as np
import pytest

import spinlib.sweep as room
from spinlib._checkpoint import opened
from spinlib._fingerprint import fingerprint, package, reads
from spinlib.dynamics.macrospin import LinearField
from spinlib.sweep import sweep
from tests.bad_input import Refusal, refusals

HERE = {"engine": "sequential"}
ROOT = Path(__file__).resolve().parents[2]


def noisy(a, seed):
    return {"draw": a * seed.normal(size=4)}


# --- killed -----------------------------------------------------------------------------------------------------------

CHILD = """
import os, signal, sys, time
import numpy as np
import spinlib.sweep as room

room.package = lambda folder: "unchanged"  # reading spinlib takes longer than the sweep, and ends before the file is
signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background may ignore it

def slow(a, seed):
    with open("log", "a") as log:
        log.write(f"{a}\\n")
    time.sleep(0.01)
    return {"draws": seed.normal(size=5000)}

if __name__ == "__main__":
    engine, count = sys.argv[1], int(sys.argv[2])
    run = room.sweep(slow, {"a": range(count)}, seed=4, engine=engine, workers=2, checkpoint="run.db")
    print(run.computed, repr(run["draws"].sum()))
"""


class Sweeper:
    """A child process that sweeps, keeps a log of the points that it begins, and can be ended at any moment."""

    def __init__(self, folder: Path, engine: str, count: int) -> None:
        self.folder, self.engine, self.count = folder, engine, count
        (folder / "child.py").write_text(CHILD)
        (folder / "log").touch()
        self.file = folder / "run.db"

    def start(self) -> subprocess.Popen:
        command = [sys.executable, "child.py", self.engine, str(self.count)]
        return subprocess.Popen(
            command, cwd=self.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )

    def begun(self) -> list[str]:
        return (self.folder / "log").read_text().split()

    def end(self, how: signal.Signals, after: int, pause: float) -> None:
        """Send a signal to the process and all its workers once the file is there and more points have begun."""
        child, before = self.start(), len(self.begun())
        while not (self.file.exists() and len(self.begun()) >= before + after) and child.poll() is None:
            time.sleep(0.001)
        time.sleep(pause)
        os.killpg(child.pid, how)
        child.communicate(timeout=60)
        assert child.returncode != 0, "the sweep was over before it was ended"

    def stored(self) -> set[str]:
        """Points in the file, seen in a copy, as the file itself is left as it was when the process died."""
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            for path in self.folder.glob("run.db*"):
                shutil.copy(path, folder)
            file = stack.enter_context(closing(sqlite3.connect(Path(folder) / "run.db")))
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            if not file.execute("SELECT name FROM sqlite_master").fetchall():
                return set()
            rows = file.execute("SELECT point, length(value) FROM results").fetchall()
        assert len({size for _, size in rows}) <= 1  # none is cut off
        return {point.removeprefix('{"a": ').removesuffix("}") for point, _ in rows}

    def finish(self) -> tuple[int, str]:
        done, errors = (child := self.start()).communicate(timeout=120)
        assert child.returncode == 0, errors
        computed, total = done.split(maxsplit=1)
        return int(computed), total.strip()


COUNT = 60


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return Sweeper(tmp_path_factory.mktemp("whole"), "sequential", COUNT).finish()


@pytest.mark.parametrize(
    ("engine", "how", "moments"),
    [
        ("sequential", signal.SIGKILL, (0, 1, 3, 8, 2, 5)),
        ("sequential", signal.SIGINT, (4,)),
        ("loky", signal.SIGKILL, (6, 3)),
        ("loky", signal.SIGINT, (6,)),
    ],
    ids=["killed", "interrupted", "killed with its workers", "interrupted with its workers"],
)
def test_invariant_a_sweep_that_was_ended_goes_on(engine, how, moments, undisturbed, tmp_path):
    """No stored point is computed again, none is lost, and the numbers are those of a run that nobody disturbed.

    Computed twice are only points that were under way.
    """
    pauses = random.Random(1)
    sweeper = Sweeper(tmp_path, engine, COUNT)
    stored, begun = set(), 0
    for after in moments:
        sweeper.end(how, after, pauses.uniform(0, 0.012))
        now = sweeper.stored()
        assert stored <= now
        fresh = sweeper.begun()[begun:]
        assert not stored & set(fresh)  # no point that was stored is begun again
        if engine == "sequential":
            assert set(fresh) - now <= set(fresh[-1:])  # nothing is lost but the point under way
        stored, begun = now, len(sweeper.begun())
    assert 0 < len(stored) < COUNT
    computed, total = sweeper.finish()
    assert computed == COUNT - len(stored)
    assert sorted(sweeper.begun()[begun:], key=int) == sorted(set(map(str, range(COUNT))) - stored, key=int)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["child.py", "log", "run.db"]
    assert undisturbed == (COUNT, total)


DYING = """
import os, sqlite3
from spinlib.sweep import sweep

sweep(abs, {"x": [1]}, checkpoint="first.db", engine="sequential")  # reads spinlib, for all children
os.remove("first.db")

class Dying:
    def __init__(self, connection, left):
        self.connection, self.left = connection, left

    def __getattr__(self, name):
        if name.startswith("execute"):
            self.left -= 1
            if not self.left:
                os._exit(9)
        return getattr(self.connection, name)

def fate(left):
    connect = sqlite3.connect
    sqlite3.connect = lambda *arguments, **options: Dying(connect(*arguments, **options), left)
    sweep(abs, {"x": [1]}, checkpoint=f"run{left}.db", engine="sequential")
    os._exit(0)

codes, left = [], 0
while 0 not in codes:
    left += 1
    child = os.fork() or fate(left)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
print(len(codes))
"""


def test_invariant_a_sweep_may_die_at_any_statement(tmp_path):
    """Also while the file is made: what is left is a file to go on with, or one without a byte."""
    script = DYING.replace("abs", "lambda x: [x, 2.0]")
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    count = int(done.stdout)
    assert count > 12
    for left in range(1, count + 1):
        run = sweep(lambda x: [x, 2.0], {"x": [1]}, checkpoint=tmp_path / f"run{left}.db", **HERE)
        assert run["result"].tolist() == [[1.0, 2.0]]
    assert run.computed == 0
    assert len(list(tmp_path.iterdir())) == count


# --- growing ----------------------------------------------------------------------------------------------------------


def test_invariant_a_larger_grid_computes_its_new_points_only(tmp_path):

    def product_noise(a, b, seed):
        return a * b * seed.random(2)

    runs = []
    for axes, samples in (
        ({"a": [1, 2], "b": [0.5]}, 2),
        ({"b": [0.5, 0.1], "a": [2, 1]}, 2),
        ({"a": [1, 2, 3], "b": [0.1, 0.5]}, 3),
        ({"a": [3], "b": [0.5]}, 1),
    ):
        runs.append(sweep(product_noise, axes, samples=samples, seed=1, checkpoint=tmp_path / "run.db", **HERE))
    assert [run.computed for run in runs] == [4, 4, 10, 0]
    large = runs[2]
    for run in (runs[0], runs[1], runs[3]):
        places = [np.searchsorted(large[name], run[name]) for name in ("a", "b", "sample")]
        found = run["result"] if next(iter(run.axes)) == "a" else run["result"].swapaxes(0, 1)
        np.testing.assert_array_equal(found, large["result"][np.ix_(*places)])


def test_invariant_engines_share_a_file(tmp_path):
    path, grid = tmp_path / "run.db", {"a": range(12)}
    first = sweep(noisy, {"a": range(5)}, seed=1, checkpoint=path, engine="threading", workers=2)
    second = sweep(noisy, grid, seed=1, checkpoint=path, engine="loky", workers=2)
    assert (first.computed, second.computed) == (5, 7)
    np.testing.assert_array_equal(second["draw"], sweep(noisy, grid, seed=1, **HERE)["draw"])


def test_invariant_what_is_stored_reads_back_to_the_bit(tmp_path):
    kinds = {
        "nan": np.array([np.nan, -0.0, np.inf, 5e-324]),
        "complex": np.array(1 - 2j),
        "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "empty": np.zeros((0, 2)),
        "small": np.float32(0.1),
        "flag": True,
        "big": 2**63 - 1,
    }
    runs = [sweep(lambda x: kinds, {"x": [1]}, checkpoint=tmp_path / "run.db", **HERE) for _ in range(2)]
    assert [run.computed for run in runs] == [1, 0]
    for name, array in kinds.items():
        for run in runs:
            assert run[name].dtype == np.asarray(array).dtype
            assert run[name][0].tobytes() == np.asarray(array).tobytes()
    assert list(runs[0].results) == list(runs[1].results)


# --- what a file was made with ----------------------------------------------------------------------------------------

SHIFT = 1.0


def shifted(a, b=2.0, *, c=0.0):
    return helper(a) + b + c


def helper(a):
    return a + SHIFT


def fresh(source: str, **outer: object) -> types.FunctionType:
    """A function as a notebook would define it, with globals of its own."""
    room = {"__name__": "__main__", "np": np, **outer}
    exec(source, room)
    return room["f"]


BASE = "def f(a, seed=None):\n    return a * {3, 2, 1}.pop() + k"


@pytest.mark.parametrize(
    ("first", "then", "says"),
    [
        ({}, {"seed": 2}, "seed is 1 there, 2 here"),
        ({}, {"fixed": {"b": 1}}, "fixed 'b' is not used there, 1 here"),
        ({"fixed": {"b": 0.1}}, {"fixed": {"b": 0.2}}, "fixed 'b' is 0.1 there, 0.2 here"),
        ({"fixed": {"b": np.arange(999.0)}}, {"fixed": {"b": np.arange(999.0) + 1e-9}}, "fixed 'b' "),
        ({"fixed": {"b": 0.1}}, {}, "fixed 'b' is 0.1 there, not used here"),
        ({}, {"axes": {"a": [1], "b": [1]}}, "axes is a there, a, b here"),
        ({}, {"samples": 2}, "axes is a there, a, sample here"),
        ({}, {"function": lambda a, seed, b=0: a}, "function is plain there, "),
    ],
    ids=lambda value: "" if isinstance(value, dict) else value.split(" is ")[0],
)
def test_bad_input_another_sweep_of_the_file(first, then, says, tmp_path):
    path = tmp_path / "run.db"

    def plain(a, seed, b=0):
        return np.sum(b) + a

    def run(function=plain, axes=None, seed=1, **more):
        sweep(function, axes or {"a": [1, 2]}, seed=seed, checkpoint=path, **HERE, **more)

    run(**first)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"run.db' was made by another sweep: ") as caught:
        run(**then)
    assert says in str(caught.value)
    assert "pass another file" in str(caught.value)
    assert path.read_bytes() == before
    run(**first)
    assert [each.name for each in tmp_path.iterdir()] == ["run.db"]


@pytest.mark.parametrize(
    ("attribute", "value", "says"),
    [
        ("__version__", "9.9", "spinlib is 0.1.0 there, 9.9 here"),
        ("package", lambda folder: "changed", "spinlib has changed"),
        ("version", lambda name: "9.9", "NumPy is .* there, 9.9 here"),
        (
            "version",
            lambda name: importlib.metadata.version(name) if name != "numba" else "9",
            "numba is .* there, 9 here",
        ),
        ("python_version_tuple", lambda: ("3", "99", "1"), "Python is 3.* there, 3.99 here"),
    ],
)
def test_bad_input_another_version(attribute, value, says, tmp_path, monkeypatch):
    sweep(noisy, {"a": [1]}, seed=1, checkpoint=tmp_path / "run.db", **HERE)
    monkeypatch.setattr(room, attribute, value)
    with pytest.raises(ValueError, match=says):
        sweep(noisy, {"a": [1]}, seed=1, checkpoint=tmp_path / "run.db", **HERE)


@pytest.mark.parametrize(
    ("source", "outer", "says"),
    [
        (BASE.replace("+ k", "- k"), {"k": 1}, "the code, has changed"),
        (BASE.replace("3, 2", "4, 2"), {"k": 1}, "the code, has changed"),
        (BASE.replace("=None", "=1"), {"k": 1}, "the code, has changed"),
        (BASE, {"k": 2}, "what the function reads, k, has changed"),
        (BASE, {"k": 1.0}, "what the function reads, k, has changed"),
        (BASE, {"k": LinearField((0, 0, 1.0))}, "what the function reads, k, has changed"),
        (BASE.replace("+ k", "+ j"), {"k": 1, "j": 1}, "the code, has changed"),
    ],
)
def test_bad_input_another_function(source, outer, says, tmp_path):
    path = tmp_path / "run.db"
    sweep(fresh(BASE, k=1), {"a": [1]}, checkpoint=path, **HERE)
    commented = BASE.replace("return", "# another remark\n\n    return")
    sweep(fresh(commented, k=1, unused=3), {"a": [1, 2]}, checkpoint=path, **HERE)
    with pytest.raises(ValueError, match=says):
        sweep(fresh(source, **outer), {"a": [1]}, checkpoint=path, **HERE)


def test_bad_input_a_helper_that_changed(tmp_path, monkeypatch):
    path = tmp_path / "run.db"
    sweep(shifted, {"a": [1]}, checkpoint=path, **HERE)
    monkeypatch.setitem(globals(), "SHIFT", 2.0)
    with pytest.raises(ValueError, match="what the function reads, helper, has changed"):
        sweep(shifted, {"a": [1]}, checkpoint=path, **HERE)


@dataclass(frozen=True)
class Setting:
    """A class of the caller's own."""

    a: float
    b: tuple[float, ...] = (1.0,)

    def total(self):
        return self.a + sum(self.b)


class Plain:
    def __init__(self, value):
        self.value = value

    def __call__(self, a):
        return a * self.value


def circle():
    items = [1]
    items.append(items)
    return items


def counting(n):
    return counting(n - 1) + 1 if n else 0


DIFFERENT = {
    "numbers": [1, 1.0, True, 1j, "1", b"1", None, ..., (1,), [1], {1}, {1: 1}, 2**80],
    "zeros": [0.0, -0.0, 0, False, 0j, "", (), [], {}, set()],
    "arrays": [np.zeros(2), np.zeros((2, 1)), np.zeros(2, np.float32), np.zeros(2, int), np.ones(2), [0.0, 0.0]],
    "texts": [("ab", "c"), ("a", "bc"), ("abc",), ("a", "b", "c")],
    "dataclasses": [Setting(1.0), Setting(2.0), Setting(1.0, (2.0,)), (1.0, (1.0,))],
    "objects": [Plain(1), Plain(2), Plain("1"), Path("a"), Path("b"), slice(1), slice(2), range(3)],
    "functions": [helper, shifted, counting, noisy, np.sin, np.cos, len, abs, Plain(1).__call__, Plain(2).__call__, np],
    "partials": [functools.partial(shifted, 1), functools.partial(shifted, b=1), functools.partial(shifted, 2)],
    "classes": [Setting, Plain, int, float, LinearField],
    "lambdas": [lambda x: x, lambda x: -x, lambda x: x + SHIFT, lambda x, y=1: x, lambda x, *, y=1: x],
    "circles": [circle(), [1, [1]], [1, []]],
    "fields": [LinearField((0, 0, 1.0)), LinearField((0, 0, 1.0), np.eye(3)), LinearField((0, 0, 2.0))],
}


@pytest.mark.parametrize("values", DIFFERENT.values(), ids=DIFFERENT)
def test_invariant_different_values_have_different_fingerprints(values):
    found = [fingerprint("value", each) for each in values]
    assert len(set(found)) == len(values)
    assert found == [fingerprint("value", each) for each in values]


def test_limit_equal_values_have_equal_fingerprints():
    for one, other in (
        (np.float64(0.1), 0.1),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (Setting(1.0), Setting(1.0)),
        (np.arange(6.0).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3))),
        (np.array(["a", None], dtype=object), np.array(["a", None], dtype=object)),
        ([0.5, 0.5], [0.5, float("0.5")]),
    ):
        assert fingerprint("value", one) == fingerprint("value", other)


def test_limit_what_wraps_a_function_shows_it():
    def squared(x):
        return x * x + SHIFT

    plain = reads(squared)
    assert set(plain) == {"the code", "SHIFT"}
    for wrapped in (functools.cache(squared), numba.njit(squared), functools.partial(squared)):
        found = reads(wrapped)
        assert set(found) == set(plain)
        assert found["SHIFT"] == plain["SHIFT"]
    assert reads(functools.partial(squared, 1)) != reads(functools.partial(squared, 2))
    assert set(reads(Plain(1))) == set(reads(np.sin)) == {"the code"}
    assert set(reads(Setting(1.0).total)) == {"the code"}


def test_invariant_fingerprints_are_those_of_any_process():
    script = (
        "from pathlib import Path\n"
        "import numpy as np\n"
        "from spinlib._fingerprint import fingerprint, package, reads\n"
        "k, names = 0.5, {'neel', 'bloch', 'none', 'x'}\n"
        "def f(a):\n"
        "    return a * k if a in {'u', 'v', 'w', 'x'} or a in names else np.sin(a)\n"
        "print(sorted(reads(f).items()), fingerprint('names', [names, {'a': names}]))\n"
        "print(package(Path('spinlib/scattering')))\n"
    )
    found = set()
    for seed in ("0", "1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=True,
        )
        found.add(done.stdout)
    assert len(found) == 1


def test_bad_input_what_a_function_reads_through_modules_and_classes():
    def module(factor):
        made = types.ModuleType("own")
        exec(f"def model(a):\n    return {factor} * a", vars(made))
        return made

    def f(own):
        return eval("lambda a: own.model(a)", {"own": own})

    sys.modules.setdefault("own", module(1))
    assert reads(f(module(1))) != reads(f(module(2)))

    def setting(value):
        class Setting:
            temperature = value

        return Setting

    assert fingerprint("it", setting(300)) != fingerprint("it", setting(600))
    assert fingerprint("it", setting(300)) == fingerprint("it", setting(300))


def test_bad_input_what_a_function_imports_itself(tmp_path, monkeypatch):
    """As functions for processes often do: the modules of the caller's own are read, those of others have names."""
    monkeypatch.syspath_prepend(tmp_path)
    room = tmp_path / "ownroom"
    room.mkdir()
    (room / "__init__.py").write_text("FLAG = 1\n")

    def whole(a):
        import ownroom.model

        return ownroom.model.model(a)

    def part(a):
        import json

        from ownroom.model import model

        return json.loads("1") * model(a)

    def missing(a):
        import xml.dom

        import nowhere  # is not there

        return nowhere, xml.dom

    def unasked(a):
        import numba.misc.numba_gdbinfo as never

        return never

    found = []
    for factor in (1, 2):
        (room / "model.py").write_text(f"def model(a):\n    return {'a * ' * factor}a\n")
        for name in ("ownroom", "ownroom.model"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        shutil.rmtree(room / "__pycache__", ignore_errors=True)
        found.append([reads(whole), reads(part)])
    for one, other in zip(*found, strict=True):
        assert {key for key in one if one[key] != other[key]} == {"ownroom.model.model"}
    assert set(reads(missing)) == set(reads(unasked)) == {"the code"}
    assert "numba.misc.numba_gdbinfo" not in sys.modules
    for name in ("ownroom", "ownroom.model"):
        sys.modules.pop(name, None)


def test_invariant_comments_and_types_of_a_package_do_not_count(tmp_path):
    """What it computes does, in every file."""
    (tmp_path / "inner").mkdir()
    code, table = tmp_path / "inner" / "code.py", tmp_path / "values.toml"
    sources = {
        "plain": ("def f(x):\n    return 2 * x\n", "iron = 1.5\n"),
        "remarks": ('def f(x: int) -> int:\n    """Twice."""\n    # why\n    return 2*x\n', "# the\niron = 1.5\n"),
        "factor": ("def f(x):\n    return 3 * x\n", "iron = 1.5\n"),
        "value": ("def f(x):\n    return 2 * x\n", "iron = 1.6\n"),
    }
    found = {}
    for name, (python, toml) in sources.items():
        code.write_text(python)
        table.write_text(toml)
        found[name] = package(tmp_path)
    assert found["plain"] == found["remarks"]
    assert len(set(found.values())) == 3
    code.rename(tmp_path / "code.py")
    assert package(tmp_path) not in found.values()


def test_limit_seeds_and_rows_of_any_width_are_the_same(tmp_path):
    def f(m, seed):
        return (m + 100).sum() + seed.random()

    runs = [
        sweep(f, {"m": np.array([[200]], kind)}, seed=seed, checkpoint=tmp_path / "run.db", **HERE)
        for seed, kind in ((5, np.int64), (np.int64(5), np.uint8))
    ]
    assert [run.computed for run in runs] == [1, 0]
    alone = sweep(f, {"m": np.array([[200]], np.uint8)}, seed=5, **HERE)
    assert alone["result"] == runs[0]["result"]


# --- refusals ---------------------------------------------------------------------------------------------------------


def kept(path, make=None, content=None, function=noisy, **options):
    """Sweep into a file that is there, and see that it is left as it is."""
    if content is not None:
        path.write_bytes(content)
    if make:
        make(path)
    before = path.read_bytes() if path.is_file() else None
    try:
        sweep(function, {"a": [1]}, seed=1, checkpoint=path, **HERE, **options)
    finally:
        if before is not None:
            assert path.read_bytes() == before
            assert [each.name for each in path.parent.iterdir()] == [path.name]


def foreign(path):
    with closing(sqlite3.connect(path)) as file:
        file.execute("CREATE TABLE results (mine)")
        file.commit()


def cut_off(path):
    sweep(noisy, {"a": range(300)}, seed=1, checkpoint=path, **HERE)
    path.write_bytes(path.read_bytes()[:6000])


def scribbled(path):
    sweep(noisy, {"a": [1]}, seed=1, checkpoint=path, **HERE)
    with closing(sqlite3.connect(path)) as file:
        file.execute("UPDATE results SET value = ?", (b"\x93NUMPY nothing",))
        file.commit()


def draws(a, seed, rng):
    return rng.random()


@refusals(
    Refusal("a text", kept, {"content": b"my thesis"}, ("is no checkpoint of a sweep", "left as it is")),
    Refusal(
        "a database of someone else", kept, {"make": foreign}, ("is no checkpoint of a sweep", "pass another path")
    ),
    Refusal("a long text", kept, {"content": b"x" * 9000}, ("is no checkpoint of a sweep", "pass another path")),
    Refusal("half of a file", kept, {"make": cut_off}, ("run.db' is damaged", "restore it")),
    Refusal("an array that is none", kept, {"make": scribbled}, ("run.db' is damaged", "restore it")),
    Refusal("a folder", kept, {"make": lambda path: path.mkdir()}, ("run.db' is no file", "pass the path of one")),
    Refusal(
        "a generator in fixed",
        kept,
        {"function": draws, "fixed": {"rng": np.random.default_rng(1)}},
        ("fixed 'rng' = Generator(PCG64)", "make it within the function"),
    ),
    Refusal(
        "a generator outside",
        kept,
        {"function": fresh("def f(a, seed): return rng.random()", rng=np.random.default_rng(1))},
        ("rng, which the function reads, = Generator", "or sweep without checkpoint"),
    ),
    Refusal(
        "an open file outside",
        kept,
        {"function": fresh("def f(a, seed): return out.write('')", out=sys.__stdout__)},
        ("out, which the function reads, =", "make it within the function"),
    ),
)
def test_bad_input_checkpoint(refusal, tmp_path):
    Refusal(refusal.rule, refusal.call, {"path": tmp_path / "run.db", **refusal.arguments}, refusal.says).check()


def test_bad_input_no_folder(tmp_path):
    with pytest.raises(ValueError, match=r"run.db' is in a folder that does not exist: make the folder first"):
        sweep(noisy, {"a": [1]}, seed=1, checkpoint=tmp_path / "nowhere" / "run.db", **HERE)


def test_bad_input_two_sweeps_at_once(tmp_path):
    path = tmp_path / "run.db"
    with opened(path), pytest.raises(ValueError, match=r"run.db' is in use by another sweep: wait for its end"):
        sweep(noisy, {"a": [1]}, seed=1, checkpoint=path, **HERE)
    assert sweep(noisy, {"a": [1]}, seed=1, checkpoint=path, **HERE).computed == 1


@pytest.mark.parametrize("pages", range(20, 28))
def test_bad_input_a_disk_that_is_full(pages, tmp_path, monkeypatch):
    """The points before it stay, and none is there by half."""
    path, grid, real = tmp_path / "run.db", {"a": range(1, 30)}, sqlite3.connect

    def pair(a, seed):
        return {"small": a, "large": seed.random(700), "more": seed.random(700)}

    def small(*arguments, **options):
        connection = real(*arguments, **options)
        connection.execute(f"PRAGMA max_page_count = {pages}")
        return connection

    monkeypatch.setattr(sqlite3, "connect", small)
    with pytest.raises(OSError, match=r"run.db'.* full"):
        sweep(pair, grid, seed=1, checkpoint=path, **HERE)
    monkeypatch.undo()
    again, whole = sweep(pair, grid, seed=1, checkpoint=path, **HERE), sweep(pair, grid, seed=1, **HERE)
    assert 0 < again.computed < 29
    for name, array in whole.results.items():
        np.testing.assert_array_equal(again[name], array)
