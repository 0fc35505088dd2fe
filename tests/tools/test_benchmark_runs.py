"""How benchmarks take times, talk with peers, install them and keep a record, with codes and peers that are made up."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import __main__ as command
from benchmarks import _install, _peer, _sources, _timing
from benchmarks._timing import ROUNDS, Code, alternate, answered, first_within
from tests.benchmark_report import check_row
from tests.tools.test_benchmarks import NAMES
from tools import sources

BENCHMARKS = Path(_peer.__file__).parent


def told(calls: list[str], name: str, seconds: float) -> Any:
    """A clock that notes its calls and tells what it is told."""

    def run() -> float:
        calls.append(name)
        return seconds

    return run


@pytest.mark.parametrize(
    ("errors", "place"),
    [([1.0, 0.1], 1), ([0.1, 1.0, 0.1], 2), ([0.1, 0.5], 0), ([1.0, 2.0], None), ([0.1, 1.0], None), ([], None)],
)
def test_the_first_setting_is_the_one_from_which_on_all_errors_are_small(errors: list[float], place: int) -> None:
    assert first_within(errors, 0.5) == place


def test_codes_take_turns_forwards_and_backwards() -> None:
    calls: list[str] = []
    times = alternate(told(calls, "A", 1.0), told(calls, "B", 2.0))
    assert times == [[1.0] * ROUNDS, [2.0] * ROUNDS]
    assert "".join(calls[2:10]) == "ABBAABBA"  # after a warm-up of each


def test_short_calls_fill_a_round() -> None:
    calls: list[str] = []
    (times,) = alternate(told(calls, "A", 1e-3))
    assert times == pytest.approx([1e-3] * ROUNDS, abs=1e-18)
    assert len(calls) == 2 + 5 * ROUNDS  # five milliseconds a round, after a cold and a warm call


def test_patience_ends_slow_codes_after_the_fewest_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_timing, "PATIENCE", -1.0)
    assert alternate(lambda: 1.0) == [[1.0] * _timing.FEWEST]


OURS = Code("", 1e-9, lambda: 2.0)
THEIRS = Code("set", 1e-9, lambda: 1.0, "peer", "Peer", "1", "note")


def test_a_row_holds_ratio_limit_and_where_the_house_was() -> None:
    row = _timing.row("p", 1e-8, OURS, THEIRS, ("work", 0.5))
    check_row(row)
    assert row["ratio"] == {"median": 0.5, "low": 0.5, "high": 0.5}
    assert row["limit"] == {"kind": "work", "fraction": 0.25}
    assert row["shares"] == {"others": 1.0}  # nothing of spinlib ran
    alone = _timing.row("p", 1e-8, OURS, None, "none")
    check_row(alone)
    assert (alone["peer"], alone["limit"]) == (None, {"why": "none"})


def test_a_peer_that_dies_while_it_is_timed_leaves_the_row_of_the_house() -> None:
    def dies() -> float:
        raise ConnectionError("peer ended")

    row = _timing.row("p", 1e-8, OURS, replace(THEIRS, run=dies), "none")
    check_row(row)
    assert row["ratio"] is None
    assert (row["peer"]["outcome"], row["peer"]["note"]) == ("missing", "peer ended")


SCRIPT = f"""import sys
sys.path.insert(0, {str(BENCHMARKS)!r})
from _peer import serve

def answer(x):
    print("noise")
    if x == 0:
        sys.exit(3)
    return {{"seconds": x / 2}}

assert "--peer" in sys.argv
serve("1.2", answer)
"""


@pytest.fixture
def peer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> _peer.Peer:
    """A peer that runs in the Python of the tests."""
    monkeypatch.setenv("SPINLIB_CMTJ_PYTHON", sys.executable)
    monkeypatch.setattr(sys, "argv", ["benchmark"])
    script = tmp_path / "fake.py"
    script.write_text(SCRIPT, encoding="utf-8")
    return _peer.Peer("cmtj", str(script))


def test_a_peer_answers_whatever_it_prints(peer: _peer.Peer) -> None:
    assert (peer.version, peer.title, peer.missing) == ("1.2", "cmtj", "")
    assert peer.ask(x=4) == {"seconds": 2.0}
    assert peer.clock(x=6)() == 3.0
    peer.close()


def test_a_peer_that_ends_is_missing_from_then_on(peer: _peer.Peer) -> None:
    code = answered(peer, "cmtj, so", lambda: Code("", 0.0, peer.clock(x=0), version=str(peer.ask(x=0))))
    assert (code.run, code.outcome, code.package) == (None, "missing", "cmtj")
    assert code.note == peer.missing == "cmtj ended without an answer, its message is in the log"
    assert answered(peer, "again", lambda: OURS).outcome == "missing"
    peer.close()


def test_a_peer_that_does_not_start_or_is_not_there_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPINLIB_KWANT_PYTHON", sys.executable)
    script = tmp_path / "broken.py"
    script.write_text("raise SystemExit(3)", encoding="utf-8")
    broken = _peer.Peer("kwant", str(script))
    assert "Kwant ended without an answer" in broken.missing
    broken.close()
    monkeypatch.delenv("SPINLIB_KWANT_PYTHON")
    monkeypatch.setattr(_peer, "home", lambda module: tmp_path / module)
    absent = _peer.Peer("kwant", str(script))
    assert "SPINLIB_KWANT_PYTHON" in absent.missing
    assert absent.version == _peer.locked_version("kwant")
    absent.close()


def test_peers_that_cannot_be_installed_are_named_and_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in _peer.PEERS:
        monkeypatch.delenv(f"SPINLIB_{name.upper()}_PYTHON", raising=False)
    monkeypatch.setattr(_install, "home", lambda name: tmp_path / name)
    asked: list[list[object]] = []

    def fails(step: list[object], **_: object) -> SimpleNamespace:
        asked.append(step)
        return SimpleNamespace(returncode=1)

    monkeypatch.setattr(subprocess, "run", fails)
    _install.install_peers()
    said = capsys.readouterr().err
    assert all(f"{name} is left out" in said for name in _peer.PEERS)
    assert len(asked) == len(_peer.PEERS), "nothing is tried after a step that fails"
    assert not list(tmp_path.glob("*/stamp"))


@pytest.fixture
def record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A record of two benchmarks of this machine; the measured ones say only that they are new, and macrospin fails."""
    path = tmp_path / "measured.json"
    old = {"schema": command.SCHEMA, "machine": command.machine(), "benchmarks": {"brown": {"old": 1}}}
    path.write_text(json.dumps(old | {"benchmarks": {"brown": {"old": 1}, "lattice": {"old": 1}}}), encoding="utf-8")
    monkeypatch.setattr(command, "RECORD", path)
    monkeypatch.setattr(command, "measure", lambda name, _: None if name == "macrospin" else {"new": 1})
    return path


def benchmarks_of(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))["benchmarks"]


def test_a_part_of_the_record_is_replaced_by_one_run(record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command.main(["--record", "brown", "m3tm"])
    found = benchmarks_of(record)
    assert found["lattice"] == {"old": 1}
    assert found["brown"] == found["m3tm"] == {"new": 1, "run": found["brown"]["run"]}
    assert set(found) == {"brown", "lattice", "m3tm"}
    assert set(json.loads(capsys.readouterr().out)["benchmarks"]) == {"brown", "m3tm"}


def test_a_benchmark_that_fails_is_named_and_loses_nothing(record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="failed: macrospin"):
        command.main(["--record", "macrospin", "brown"])
    found = benchmarks_of(record)
    assert found["brown"]["new"] == found["lattice"]["old"] == 1
    assert set(found) == {"brown", "lattice"}
    assert set(json.loads(capsys.readouterr().out)["benchmarks"]) == {"brown"}


@pytest.mark.parametrize("key", ["machine", "schema"])
def test_a_part_of_a_record_of_another_machine_or_form_is_refused_before_it_is_measured(
    record: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = json.loads(record.read_text(encoding="utf-8")) | {key: "another"}
    record.write_text(json.dumps(other), encoding="utf-8")
    before = record.read_bytes()
    with pytest.raises(SystemExit, match="run all benchmarks"):
        command.main(["--record", "brown"])
    assert record.read_bytes() == before
    monkeypatch.setattr(command, "measure", lambda *_: {"new": 1})
    command.main(["--record"])
    found = benchmarks_of(record)
    assert "old" not in str(found), "a whole run replaces all"
    assert len({report["run"] for report in found.values()}) == 1


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two scripts and what they import: a neighbour of a neighbour, a test, and modules of the library."""
    texts = {
        "benchmarks/_limits.py": "from _timing import RATES",
        "benchmarks/_timing.py": "RATES = {}",
        "benchmarks/_peer.py": "",
        "benchmarks/bad.py": "raise SystemExit(3)",
        "benchmarks/good.py": GOOD,
        "tests/routes.py": "from spinlib import spin",
        "spinlib/_validate.py": "",
        "spinlib/spin.py": "UP = 1",
        "spinlib/units.py": "",
    }
    for file, text in texts.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text, encoding="utf-8")
    for module in (_sources, sources):
        monkeypatch.setattr(module, "ROOT", tmp_path)
    return tmp_path


GOOD = """from os import name
if not name:
    from _limits import RATES
    from tests.routes import spin
print("{}")
"""


def test_own_files_have_hashes_and_the_library_has_one(tree: Path) -> None:
    own, library = _sources.source("good"), _sources.library("good")
    assert set(own) == {"benchmarks/good.py", "benchmarks/_limits.py", "benchmarks/_timing.py", "tests/routes.py"}
    for file, text, changed in (
        ("spinlib/units.py", "C = 1", set()),
        ("spinlib/spin.py", "UP = 1  # a comment", set()),
        ("benchmarks/good.py", f"# a comment\n{GOOD}", set()),
        ("spinlib/_validate.py", "SLOW = True", {"library"}),
        ("spinlib/spin.py", "UP = 2", {"library"}),
        ("benchmarks/_timing.py", "RATES = {1: 1}", {"own"}),
        ("tests/routes.py", "from spinlib import spin as spin", {"own"}),
        ("benchmarks/good.py", GOOD.replace("{}", "{ }"), {"own"}),
    ):
        (tree / file).write_text(text, encoding="utf-8")
        now, lib = _sources.source("good"), _sources.library("good")
        assert {name for name, same in (("own", now == own), ("library", lib == library)) if not same} == changed, file
        own, library = now, lib


def test_every_benchmark_names_the_files_that_all_share_and_a_part_of_the_library() -> None:
    for name in NAMES:
        own = set(_sources.source(name))
        assert {f"benchmarks/{name}.py", "benchmarks/_timing.py"} <= own
        text = (BENCHMARKS / f"{name}.py").read_text(encoding="utf-8")
        assert ("benchmarks/_peer.py" in own) is ("from _peer import" in text)
        assert _sources.library(name) != "", name
    assert "tests/spinlib/diffusion_routes.py" in _sources.source("diffusion")
    assert len({_sources.library(name) for name in NAMES}) > len(NAMES) / 2, "they import different modules"


def test_a_script_that_fails_gives_no_report(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "HERE", tree / "benchmarks")
    assert command.measure("bad", []) is None
    assert "bad … failed, see above" in capsys.readouterr().err
    report = command.measure("good", [])
    assert report is not None
    assert set(report) == {"source", "library", "date", "seconds"}
    assert (report["source"], report["library"]) == (_sources.source("good"), _sources.library("good"))
