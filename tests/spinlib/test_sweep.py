"""`spinlib.sweep`: the same bits from every engine and order, every refusal, the line on a terminal."""

import csv
import functools
import io
import itertools
import os
import subprocess
import sys
import time
from pathlib import Path

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba.core.event import install_recorder

from spinlib._progress import Progress
from spinlib.dynamics.macrospin import LinearField, integrate_llg
from spinlib.sweep import sweep
from tests.bad_input import Refusal, refusals

HERE = {"engine": "sequential"}
ENGINES = [("sequential", None), ("threading", 3), ("loky", 2)]
ROOT = Path(__file__).resolve().parents[2]


def noisy(a, b, seed, c=0.0):
    """Numbers and an array that depend on every bit of the arguments and on the generator."""
    draws = seed.normal(size=3)
    return {"value": a * np.sin(b) + c + draws.sum(), "draws": draws, "big": a > 1}


def precession(tilt, seed):
    """A compiled kernel, and noise before it."""
    m = np.array([np.sin(tilt), 0.0, np.cos(tilt)])
    field = LinearField((0, 0, 0.1 + 0.01 * seed.random()))
    return integrate_llg(m, field, [0.0, 1e-10], alpha=0.1)[-1]


# --- one result, whoever computes it ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("engine", "workers"), ENGINES)
@pytest.mark.parametrize("kept", [False, True], ids=["in memory", "checkpoint"])
def test_invariant_engines_and_workers_give_the_same_bits(engine, workers, kept, tmp_path):
    grid = {"a": [0.3, 1.7, 2.0], "b": np.linspace(-1, 1, 7)}
    here = sweep(noisy, grid, seed=5, fixed={"c": 0.1}, **HERE)
    path = tmp_path / "run.db" if kept else None
    there = sweep(noisy, grid, seed=5, fixed={"c": 0.1}, engine=engine, workers=workers, checkpoint=path)
    assert list(there.results) == ["value", "draws", "big"]
    assert there.computed == 21
    for name, found in there.results.items():
        assert found.dtype == here[name].dtype
        assert found.tobytes() == here[name].tobytes()
    assert here["draws"].shape == (3, 7, 3)
    assert np.unique(here["draws"]).size == 63  # no two points draw alike


def test_invariant_compiled_kernels_give_the_same_bits_in_processes():
    tilts = np.linspace(0.1, 3.0, 12)
    here, there = (
        sweep(precession, {"tilt": tilts}, seed=1, engine=name, workers=2)["result"] for name in ("sequential", "loky")
    )
    assert here.shape == (12, 3)
    assert here.tobytes() == there.tobytes()


def test_limit_a_grid_is_its_points():
    run = sweep(lambda x, y: x * y, {"x": [1, 2, 3], "y": [10.0, 20.0]}, **HERE)
    np.testing.assert_array_equal(run["result"], np.outer([1, 2, 3], [10.0, 20.0]))
    assert run["x"].dtype == np.int64
    assert repr(run) == "Sweep of 3 x x 2 y: result"


def test_limit_what_the_function_gets():
    """Plain values: Python's numbers, texts and tuples, rows of arrays; an axis with one float has only floats."""
    got = []

    def spy(**values):
        got.append(values)
        return 0

    axes = {"n": np.arange(1), "x": [0, 0.5], "m": np.eye(3)[:1], "pair": [["neel", np.int64(2)]], "none": [None]}
    sweep(spy, axes, fixed={"extra": {"a": 1}}, **HERE)
    assert [type(each["n"]) for each in got] == [int, int]
    assert [each["x"] for each in got] == [0.0, 0.5]
    assert all(type(each["x"]) is float for each in got)
    assert got[0]["pair"] == ("neel", 2)
    assert got[0]["none"] is None
    assert got[0]["extra"] == {"a": 1}
    np.testing.assert_array_equal(got[0]["m"], [1.0, 0.0, 0.0])


def test_limit_a_function_that_changes_its_arrays_harms_no_other_point():
    def spoil(m, k):
        m *= k
        return m.sum()

    run = sweep(spoil, {"m": np.eye(2), "k": [2.0, 5.0]}, **HERE)
    np.testing.assert_array_equal(run["result"], [[2.0, 5.0], [2.0, 5.0]])
    np.testing.assert_array_equal(run["m"], np.eye(2))


def test_limit_minus_zero_is_zero():
    """A grid through zero may hold either; the point is one, and so is its noise."""
    one, other = (sweep(lambda x, seed: [x, seed.random()], {"x": [x]}, seed=1, **HERE)["result"] for x in (0.0, -0.0))
    assert one.tobytes() == other.tobytes()


def test_limit_one_point_alone():
    assert sweep(lambda seed: seed.random(2), {}, samples=1, seed=0, **HERE)["result"].shape == (1, 2)


def test_limit_types_of_results_are_those_of_the_function():
    kinds = {"b": True, "i": 3, "f": 0.5, "c": 1 + 2j, "a": np.float32([[1.5]])}
    run = sweep(lambda x: kinds, {"x": [1]}, **HERE)
    assert {name: found.dtype.char for name, found in run.results.items()} == dict(zip("bifca", "?ldDf", strict=True))
    mixed = sweep(lambda x: x if x else 0.5, {"x": [0, 1]}, **HERE)["result"]
    assert mixed.tolist() == [0.5, 1.0]


def test_limit_columns_and_file(tmp_path):
    run = sweep(lambda m, kind: {"twice": 2 * m, "long": len(kind)}, {"m": np.eye(2), "kind": ["neel", "wall"]}, **HERE)
    table = run.columns()
    assert list(table) == ["m_0", "m_1", "kind", "twice_0", "twice_1", "long"]
    assert table["kind"].tolist() == ["neel", "wall"] * 2
    assert table["m_0"].tolist() == [1.0, 1.0, 0.0, 0.0]
    np.testing.assert_array_equal(table["twice_1"], [0.0, 0.0, 2.0, 2.0])
    run.to_csv(tmp_path / "run.csv")
    with (tmp_path / "run.csv").open(newline="") as file:
        lines = list(csv.reader(file))
    assert lines[:2] == [list(table), ["1.0", "0.0", "neel", "2.0", "0.0", "4"]]
    assert len(lines) == 5
    pairs = sweep(lambda way: way[0] + way[1], {"way": [(0, 1), (2, 3)]}, **HERE)
    assert pairs.columns()["way"].tolist() == [(0, 1), (2, 3)]


def test_bad_input_two_columns_of_one_name():
    run = sweep(lambda m: {"m_0": m[0]}, {"m": np.eye(2)}, **HERE)
    np.testing.assert_array_equal(run["m_0"], [1.0, 0.0])
    with pytest.raises(ValueError, match="m_0 is two columns: give one another name"):
        run.columns()


# --- random numbers ---------------------------------------------------------------------------------------------------

VALUES = st.one_of(
    st.integers(-5, 5), st.floats(-1e3, 1e3), st.text(max_size=3), st.tuples(st.integers(0, 3), st.floats(0, 1))
)


def draw(seed, **point):
    return seed.integers(2**63)


def draws_of(axes, seed, samples=None):
    """The first draw of every point by its values."""
    run = sweep(draw, axes, seed=seed, samples=samples, **HERE)
    grid = itertools.product(*(run.axes[name].tolist() for name in axes), *([range(samples)] if samples else []))
    return {
        (frozenset(zip(axes, map(repr, values), strict=False)), values[len(axes) :]): number
        for values, number in zip(grid, run["result"].ravel().tolist(), strict=True)
    }


@settings(max_examples=30)
@given(
    st.dictionaries(
        st.sampled_from("abc"), st.lists(VALUES, min_size=1, max_size=3, unique_by=repr), min_size=1, max_size=3
    ),
    st.integers(0, 2**70),
    st.randoms(use_true_random=False),
)
def test_invariant_the_noise_of_a_point_follows_from_its_values_alone(axes, seed, order):
    axes = {name: [repr(value) for value in values] for name, values in axes.items()}  # no two are equal
    small = draws_of(axes, seed)
    assert len(set(small.values())) == len(small)
    names = order.sample(list(axes), len(axes))
    shuffled = {name: order.sample(axes[name], len(axes[name])) for name in names}
    assert draws_of(shuffled, seed) == small
    larger = draws_of({name: [*values, "more"] for name, values in shuffled.items()}, seed)
    assert small.items() <= larger.items()
    assert len(set(larger.values())) == len(larger)
    assert not set(draws_of(axes, seed + 1).values()) & set(small.values())


@pytest.mark.parametrize("values", [[1, 2], [1.0, 2.0], ["1", "2"], [(1,), (2,)], np.array([[1], [2]]), [True, False]])
def test_invariant_values_of_another_type_are_other_points(values):
    numbers = {tuple(sweep(draw, {"x": each}, seed=3, **HERE)["result"]) for each in (values, [1j, 2j])}
    others = sweep(draw, {"x": [1, 2] if not isinstance(values[0], int) else ["1", "2"]}, seed=3, **HERE)["result"]
    assert len(numbers) == 2
    assert not set(itertools.chain(*numbers)) & set(others.tolist())


def test_invariant_names_belong_to_the_point():
    one = sweep(draw, {"a": [1, 2], "b": [1, 2]}, seed=0, **HERE)["result"]
    assert len(set(one.ravel().tolist())) == 4  # (1, 2) is not (2, 1)


def test_invariant_samples_grow_without_a_change():
    few, many = (draws_of({"x": [0.1, 0.2]}, 9, samples) for samples in (3, 8))
    assert few.items() <= many.items()
    assert len(set(many.values())) == 16


def test_limit_members_of_an_ensemble_are_independent():
    """Mean and covariance of 3000 generators, five standard errors; equal noise would give a covariance of 1."""
    run = sweep(lambda x, seed: seed.normal(size=4), {"x": [0.0, 1.0, 2.0]}, samples=1000, seed=2, **HERE)
    columns = np.moveaxis(run["result"], 1, 0).reshape(1000, 12)
    assert np.abs(columns.mean(axis=0)).max() < 5 / np.sqrt(1000)
    assert np.abs(np.cov(columns.T) - np.eye(12)).max() < 5 * np.sqrt(2 / 1000)
    following = np.corrcoef(columns[:-1].ravel(), columns[1:].ravel())[0, 1]
    assert abs(following) < 5 / np.sqrt(columns[1:].size)


def test_limit_without_a_seed_no_generator_is_handed_on():
    run = sweep(lambda seed: np.random.default_rng(seed).random(), {"seed": [1, 2]}, **HERE)
    assert run["result"].tolist() == [np.random.default_rng(each).random() for each in (1, 2)]


# --- workers ----------------------------------------------------------------------------------------------------------


def test_invariant_kernels_are_compiled_once_in_a_process():
    """The hard case, that of a notebook: kernel and function travel by value with every point."""
    square = numba.njit(lambda x: x * x)

    def measured(x):
        with install_recorder("numba:compile") as record:
            square(x)
        return {"worker": os.getpid(), "compiled": len(record.buffer)}

    run = sweep(measured, {"x": np.arange(24.0)}, engine="loky", workers=2)
    for worker in set(run["worker"]):
        assert (run["compiled"][run["worker"] == worker] > 0).sum() <= 1


def test_invariant_workers_of_processes_have_one_thread():
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")

    def threads(x):
        return [int(os.environ[name]) for name in names]

    assert (sweep(threads, {"x": range(4)}, engine="loky", workers=2)["result"] == 1).all()


def fails(x):
    if x == 3:
        raise KeyError("no such thing")
    return x


@pytest.mark.parametrize(("engine", "workers"), ENGINES)
def test_bad_input_a_point_that_raises_is_named(engine, workers, tmp_path):
    path = tmp_path / "run.db"
    with pytest.raises(RuntimeError) as caught:
        sweep(fails, {"x": range(40)}, engine=engine, workers=workers, checkpoint=path)
    message = str(caught.value)
    assert 'at the point {"x": 3}: KeyError' in message
    assert "of 40 points were done and are in the checkpoint" in message
    assert "no such thing" in caught.value.__notes__[0]
    assert "in fails" in caught.value.__notes__[0]
    done = int(message.split("; ")[1].split()[0])
    assert done == 3 if engine == "sequential" else 3 <= done < 40  # no more are begun
    again = sweep(fails, {"x": [0, 1, 2]}, checkpoint=path, **HERE)
    assert again["result"].tolist() == [0, 1, 2]
    assert again.computed == 0


def test_bad_input_a_worker_that_dies_is_reported(tmp_path):
    def dies(x):
        if x == 5:
            os._exit(3)
        time.sleep(0.05)
        return x

    path = tmp_path / "run.db"
    with pytest.raises(RuntimeError, match=r"engine = 'loky' failed \(TerminatedWorkerError.*\{\"x\": 5\}.* of 12 poi"):
        sweep(dies, {"x": range(12)}, engine="loky", workers=2, checkpoint=path)
    rest = sweep(dies, {"x": [0, 1, 2]}, checkpoint=path, **HERE)
    assert rest["result"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("result", "says"),
    [
        ("text", "the function returned 'text'"),
        ({}, "returned no results"),
        (None, "the function returned None"),
        ({1: 2.0}, "the function returned 1: 2.0"),
        ({"\ud800": 2.0}, r"the function returned '\\ud800': 2.0"),
        ({"y": [[1], [1, 2]]}, "inhomogeneous"),
        ({"x": 1.0}, "returned 'x', the name of an axis"),
    ],
    ids=["text", "nothing", "None", "name", "half a character", "ragged", "name of an axis"],
)
def test_bad_input_results_that_are_none(result, says):
    with pytest.raises(RuntimeError, match='at the point {"x": 7}: .*' + says):
        sweep(lambda x: result, {"x": [7]}, **HERE)


def test_bad_input_results_of_several_shapes():
    with pytest.raises(RuntimeError, match=r'{"x": 2}: the function returned shapes .*\(2,\).*\(1,\).* at {"x": 1}'):
        sweep(lambda x: np.zeros(x), {"x": [1, 2]}, **HERE)


def test_bad_input_without_joblib(monkeypatch):
    monkeypatch.setitem(sys.modules, "joblib", None)
    assert sweep(fails, {"x": [1]}, **HERE)["result"].tolist() == [1]
    with pytest.raises(ImportError, match=r"engine = 'loky' needs joblib.*pass engine='sequential'"):
        sweep(fails, {"x": [1]})


# --- the line ---------------------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("stream", "progress", "shown"),
    [(Terminal, None, True), (Terminal, False, False), (io.StringIO, None, False), (io.StringIO, True, True)],
)
def test_invariant_the_line_is_on_terminals_only_or_as_wished(stream, progress, shown, monkeypatch, capfd):
    monkeypatch.setattr(sys, "stderr", stream())
    sweep(lambda x: -x, {"x": range(5)}, progress=progress, **HERE)
    written = sys.stderr.getvalue()
    assert bool(written) == shown
    if shown:
        assert written.startswith("\rsweep: 0 of 5 points")
        assert "\rsweep: 5 of 5 points in 0 s" in written
        assert written.endswith("\n")
    assert capfd.readouterr().out == ""


def test_invariant_the_line_on_a_real_terminal():
    """Python's own pseudo-terminal; standard output stays empty."""
    master, slave = os.openpty()
    script = "from spinlib.sweep import sweep; sweep(lambda x: x, {'x': [1, 2]}, engine='sequential')"
    done = subprocess.run(
        [sys.executable, "-c", script], stderr=slave, stdout=subprocess.PIPE, cwd=ROOT, check=True, timeout=60
    )
    os.close(slave)
    shown = os.read(master, 10_000).decode()
    os.close(master)
    assert done.stdout == b""
    assert shown.startswith("\rsweep: 0 of 2 points\rsweep: 2 of 2 points")
    assert shown.count("\n") == 1


@pytest.mark.parametrize(
    ("done", "seconds", "says"),
    [
        (10, 0.0, "sweep: 10 of 100 points"),
        (60, 25.0, "sweep: 60 of 100 points, 2 per s, 20 s left"),
        (35, 250.0, "sweep: 35 of 100 points, 0.1 per s, 10 min 50 s left"),
        (11, 100.0, "sweep: 11 of 100 points, 0.01 per s, 2 h 28 min left"),
        (100, 90.0, "sweep: 100 of 100 points in 1 min 30 s"),
    ],
)
def test_limit_rate_and_time_left_count_what_this_run_did(done, seconds, says):
    line = Progress(100, 10, shown=False)
    for _ in range(done - 10):
        line.step()
    assert line.line(seconds) == says


def test_limit_no_stream_no_line(monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert sweep(fails, {"x": [1]}, progress=True, **HERE)["result"].tolist() == [1]


# --- refusals ---------------------------------------------------------------------------------------------------------


def two(a, b=1):
    return a + b


def call(function=two, axes=None, **options):
    sweep(function, {"a": [1]} if axes is None else axes, **HERE | options)


@refusals(
    Refusal("no function", call, {"function": 3}, ("function = 3 cannot be called", "pass a function")),
    Refusal("no mapping", call, {"axes": [1, 2]}, ("axes = [1, 2]", "by its name")),
    Refusal("no axis", call, {"axes": {}}, ("axes = {} has no axis", "pass the values")),
    Refusal("empty axis", call, {"axes": {"a": []}}, ("a has no values", "pass at least one")),
    Refusal("a number as axis", call, {"axes": {"a": 1.0}}, ("a = 1.0 is no axis", "pass a list")),
    Refusal(
        "an array without shape", call, {"axes": {"a": np.array(1.0)}}, ("a = array(1.) is no axis", "pass a list")
    ),
    Refusal("a text as axis", call, {"axes": {"a": "abc"}}, ("a = 'abc' is no axis", "pass a list")),
    Refusal("a dict as axis", call, {"axes": {"a": {1: 2}}}, ("a = {1: 2} is no axis", "pass a list")),
    Refusal("twice", call, {"axes": {"a": [1, 2, 1]}}, ("a[2] = 1 equals a[0]", "leave one out")),
    Refusal(
        "twice, an integer among floats", call, {"axes": {"a": [1, 2.0, 1.0]}}, ("a[2] = 1.0 equals a[0]", "leave")
    ),
    Refusal("both zeros", call, {"axes": {"a": [0.0, -0.0]}}, ("a[1] = 0.0 equals a[0]", "leave one out")),
    Refusal("twice, arrays", call, {"axes": {"a": np.ones((2, 2))}}, ("a[1] =", "equals a[0]")),
    Refusal("nan", call, {"axes": {"a": [1.0, np.nan]}}, ("a[1] = nan is not a number", "leave it out")),
    Refusal("complex nan", call, {"axes": {"a": [complex(0, np.nan)]}}, ("a[0] =", "is not a number")),
    Refusal("nan in a row", call, {"axes": {"a": [[1.0], [np.nan]]}}, ("a[1][0] = nan", "leave it out")),
    Refusal("nan in an array", call, {"axes": {"a": np.array([[np.nan, 1.0]])}}, ("a[0] has", "nan", "leave them out")),
    Refusal("an object", call, {"axes": {"a": [1, object()]}}, ("a[1] = <object", "sweep over their places")),
    Refusal("an object in a tuple", call, {"axes": {"a": [(1, {2})]}}, ("a[0][1] = {2}", "sweep over their places")),
    Refusal("an array of objects", call, {"axes": {"a": np.array([[None]])}}, ("a[0] = array", "neither number")),
    Refusal(
        "arrays of two shapes",
        call,
        {"axes": {"a": [np.ones(2), np.ones(3)]}},
        ("a has arrays of several shapes", "rows of one array"),
    ),
    Refusal("unknown argument", call, {"axes": {"c": [1]}}, ("does not take the arguments c", "pass one axis")),
    Refusal("missing argument", call, {"axes": {"b": [1]}}, ("missing a required argument: 'a'", "pass one axis")),
    Refusal("seed not wanted", call, {"seed": 1}, ("does not take the arguments a, seed", "if it draws")),
    Refusal("fixed and axis", call, {"fixed": {"a": 1}}, ("fixed has 'a', which varies", "leave it out")),
    Refusal(
        "seed fixed and given",
        call,
        {"function": lambda a, seed: a, "fixed": {"seed": 1}, "seed": 1},
        ("fixed has 'seed', which varies", "leave it out"),
    ),
    Refusal(
        "seed axis and given",
        call,
        {"function": lambda seed: 1, "axes": {"seed": [1]}, "seed": 1},
        ("axes has 'seed'", "leave one out"),
    ),
    Refusal("samples alike", call, {"samples": 3}, ("samples = 3", "pass an integer seed >= 0")),
    Refusal("no samples", call, {"samples": 0, "seed": 1}, ("samples = 0 is below 1", "pass an integer samples >= 1")),
    Refusal(
        "samples no integer", call, {"samples": 2.0, "seed": 1}, ("samples = 2.0 is no integer", "pass an integer")
    ),
    Refusal("sample twice", call, {"axes": {"sample": [1]}, "samples": 2}, ("axes has 'sample'", "another name")),
    Refusal("negative seed", call, {"seed": -1}, ("seed = -1 is below 0", "pass an integer seed >= 0")),
    Refusal("seed no integer", call, {"seed": 1.5}, ("seed = 1.5 is no integer", "pass an integer seed >= 0")),
    Refusal(
        "a generator",
        call,
        {"seed": np.random.default_rng(1)},
        ("seed = Generator(PCG64)", "is no integer", "pass an integer seed >= 0"),
    ),
    Refusal("a name that is none", call, {"axes": {1: [2]}}, ("axes has 1, no name", "by the names of arguments")),
    Refusal(
        "a fixed name that is none", call, {"fixed": {1: 2}}, ("fixed has 1, no name", "by the names of arguments")
    ),
    Refusal("fixed no mapping", call, {"fixed": [1]}, ("fixed = [1] is no mapping", "by their names")),
    Refusal("no path", call, {"checkpoint": 3}, ("checkpoint = 3 is no file", "pass its path, or None")),
    Refusal("no answer", call, {"progress": "no"}, ("progress = 'no' is no answer", "pass True, False or None")),
    Refusal("an integer beyond the floats", call, {"axes": {"a": [10**400, 1.0]}}, ("a has floats", "pass either")),
    Refusal("half a character", call, {"axes": {"a": ["\ud800"]}}, ("a[0] = '\\ud800' has half", "pass another text")),
    Refusal(
        "half a character in a name",
        call,
        {"function": lambda **more: 1, "axes": {"\ud800": [1]}},
        ("the name in axes = '\\ud800' has half", "pass another text"),
    ),
    Refusal("no workers", call, {"workers": 0}, ("workers = 0 is below 1", "pass an integer workers >= 1")),
    Refusal("half a worker", call, {"workers": 1.5}, ("workers = 1.5 is no integer", "pass an integer workers >= 1")),
    Refusal("unknown engine", call, {"engine": "steam"}, ("engine = 'steam' cannot be used", "pass 'loky'")),
    Refusal("no engine", call, {"engine": 3}, ("engine = 3 cannot be used", "pass 'loky'")),
    Refusal(
        "dask without a cluster", call, {"engine": "dask"}, ("engine = 'dask' cannot be used", "distributed.Client")
    ),
    Refusal("no generator", call, {"engine": "multiprocessing"}, ("engine = 'multiprocessing' cannot", "pass 'loky'")),
)
def test_bad_input_sweep(refusal):
    refusal.check()


def test_limit_partial_functions_and_built_in_ones():
    assert sweep(functools.partial(two, b=5), {"a": [1]}, **HERE)["result"].tolist() == [6]
    assert sweep(complex, {"imag": [2.0]}, fixed={"real": 1.0}, **HERE)["result"].tolist() == [1 + 2j]


# --- a cluster --------------------------------------------------------------------------------------------------------


@pytest.mark.full
def test_invariant_a_cluster_of_dask_gives_the_same_bits(tmp_path):
    """Two processes on the loopback interface, in a Python of its own; it must end without a word and leave nothing."""
    script = tmp_path / "cluster.py"
    script.write_text(
        "import json\n"
        "import numpy as np\n"
        "from distributed import Client, LocalCluster\n"
        "from spinlib.sweep import sweep\n"
        "\n"
        "def noisy(a, b, seed):\n"
        "    return {'value': a * b + seed.normal(), 'pair': seed.random(2)}\n"
        "\n"
        "def fails(a):\n"
        "    return 1 / (a - 1)\n"
        "\n"
        "if __name__ == '__main__':\n"
        "    grid = {'a': [1, 2.5], 'b': range(10)}\n"
        "    here = sweep(noisy, grid, seed=3, engine='sequential')\n"
        "    local = dict(n_workers=2, threads_per_worker=1, dashboard_address=None, host='127.0.0.1')\n"
        "    with LocalCluster(**local) as cluster, Client(cluster):\n"
        "        there = sweep(noisy, grid, seed=3, engine='dask', checkpoint='run.db')\n"
        "        again = sweep(noisy, grid, seed=3, engine='dask', checkpoint='run.db')\n"
        "        free = sweep(noisy, grid, seed=3, engine='dask')\n"
        "        try:\n"
        "            sweep(fails, {'a': [0, 1]}, engine='dask')\n"
        "        except RuntimeError as error:\n"
        "            print(error)\n"
        "    for run in (there, again, free):\n"
        "        assert all(run[name].tobytes() == here[name].tobytes() for name in here.results)\n"
        "    print(there.computed, again.computed)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", script], capture_output=True, text=True, cwd=tmp_path, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith('at the point {"a": 1}: ZeroDivisionError')
    assert done.stdout.splitlines()[1] == "20 0"
    assert done.stderr == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cluster.py", "run.db"]
