"""What the page *Trust* shows is what the checks kept; what nobody checked is called so."""

import importlib
import json
import re
import sys
from types import SimpleNamespace

import pytest

import spinlib
from benchmarks import __main__ as bench
from benchmarks._sources import library
from tests.book.ledger_copy import EXTENSIONS
from tests.fingerprints import ROOMS
from tools import trust
from tools.isolation import LOCK, ROOT, digest

sys.path.insert(0, str(EXTENSIONS))
page = importlib.import_module("trust")
STAMP = {"date": "2026-01-02", "version": "0", "sources": digest(ROOT / "spinlib")[:16]}
PARTS = (
    "tests",
    "refusals",
    "mutants",
    "survivors",
    "determinism",
    "processors",
    "lanes",
    "types",
    "audit",
    "licences",
    "speed",
)


@pytest.fixture
def show(tmp_path, monkeypatch):
    """The text of a part of the page, from the files that a test has written."""
    monkeypatch.setattr(page, "COMMITTED", tmp_path)
    monkeypatch.setattr(page, "RESULTS", tmp_path / "mutation.json")
    monkeypatch.setattr(page, "SURVIVORS", tmp_path / "survivors.toml")
    monkeypatch.setattr(page, "SPEED", tmp_path / "measured.json")

    def text(part, **files):
        for name, content in files.items():
            (tmp_path / f"{name}.json").write_text(json.dumps(STAMP | content), encoding="utf-8")
        directive = object.__new__(page.TrustDirective)
        settings = SimpleNamespace(env=SimpleNamespace(note_dependency=lambda path: None))
        directive.state = SimpleNamespace(document=SimpleNamespace(settings=settings))
        directive.arguments = [part]
        return "\n".join(node.astext() for node in directive.run())

    return text


@pytest.mark.parametrize("part", PARTS)
def test_what_has_no_file_is_not_checked(show, part):
    assert "not checked here. No result is on record." in show(part)


def test_every_part_is_on_the_page():
    text = (ROOT / "book" / "trust.md").read_text(encoding="utf-8")
    assert re.findall(r"^```\{trust\} (\w+)$", text, flags=re.MULTILINE) == list(PARTS)


def test_a_change_of_the_sources_is_said(show):
    counts = {"counts": {"refusals tried": 5}}
    assert "Result of 2026-01-02; the package is the same today." in show("refusals", refusals=counts)
    assert "the package has changed since" in show("refusals", refusals=counts | {"sources": "0" * 16})
    audit = {"packages": 2, "checked": [], "unchecked": {"a": "1"}, "vulnerable": {}, "database": False,
             "without_hash": [], "needless": [], "licences": {"a": "MIT"}}  # fmt: skip
    assert "the lock is the same today" in show("audit", audit=audit | {"lock": digest(LOCK)[:16]})
    assert "the lock has changed since" in show("audit", audit=audit | {"lock": "0" * 16})


def test_without_a_database_no_package_is_called_sound(show):
    audit = {"packages": 1, "checked": [], "unchecked": {"a": "1"}, "vulnerable": {}, "database": False,
             "without_hash": [], "needless": [], "licences": {"a": "MIT"}, "lock": "0"}  # fmt: skip
    assert "with a known vulnerability\n\nnot checked" in show("audit", audit=audit)
    assert "with a known vulnerability\n\nnone" in show("audit", audit=audit | {"database": True})
    found = show("audit", audit=audit | {"database": True, "vulnerable": {"a 1": ["HOLE-1"]}})
    assert "a 1: HOLE-1" in found


def test_survivors_come_with_their_reasons(show, tmp_path):
    key = {"module": "spinlib.spin", "function": "f", "kind": "factor", "before": "2 * x", "after": "2 / x", "nth": 0}
    others = [("killed", "x + y", "x - y"), ("open", "i + 1", "i")]
    mutants = [key | {"verdict": "survived"}] + [
        key | {"verdict": verdict, "before": before, "after": after} for verdict, before, after in others
    ]
    counts = {"killed": 1, "survived": 1, "open": 1}
    found = {
        "ran": {"spinlib.spin": ["2026-01-02", digest(ROOT / "spinlib" / "spin.py")]},
        "modules": {"spinlib.spin": {"possible": 9, **counts}, "spinlib.pumping": {"possible": 7}},
        "kinds": {"factor": {"means": "a factor two", **counts}},
        "mutants": mutants,
    }
    text = show("survivors", mutation=found)
    assert "spin.f, 2 * x → 2 / x: undecided" in text
    assert "spin.f, i + 1 → i: undecided" in text
    lines = "".join(f"{name} = {json.dumps(key[name])}\n" for name in ("module", "function", "before", "after"))
    reason = '[[survivor]]\nverdict = "equivalent"\nreason = "x is one."\n'
    (tmp_path / "survivors.toml").write_text(reason + lines, encoding="utf-8")
    text = show("survivors", mutation=found)
    assert "spin.f, 2 * x → 2 / x: equivalent. x is one." in text
    assert "x + y" not in text
    text = show("mutants", mutation=found).replace("\n", " ")
    for row in ("spin  3 of 9  1  0  1  1", "all, tried or not  3 of 16  1  0  1  1", "No change was tried in pumping.",
                "factor: a factor two  1  0  1  1", "3 of 16 possible changes were tried"):  # fmt: skip
        assert row in text
    found["ran"]["spinlib.spin"][1] = "0"
    assert "spin *  3 of 9" in show("mutants", mutation=found).replace("\n", " ")


def test_rooms_with_other_bits_on_other_processors_are_named(show):
    runs = [
        {"instructions": "SSE", "tests": 7, "differ": ["wide_lattice"]},
        {"instructions": "AVX", "tests": 7, "differ": []},
    ]
    text = show("processors", processors={"runs": runs}).replace("\n", " ")
    assert "SSE  7  wide lattice" in text
    assert "AVX  7  none" in text


@pytest.mark.parametrize(
    ("test", "kind"),
    [
        ("tests/spinlib/test_spin.py::test_limit_half_turn", "test_limit"),
        ("tests/book/test_hanle.py::test_paper_RHP_3[1]", "test_paper"),
        ("tests/spinlib/test_x.py::test_bad_input_x[rule]", "test_bad_input"),
        ("tests/spinlib/test_x.py::test_limited", "other"),
        ("tests/book/test_test_limit.py::test_pages", "other"),
        ("spinlib/spin.py::spinlib.spin.direction", "doctest"),
        ("tests/reference/hanle.ipynb::Cell 0", "cell"),
    ],
)
def test_tests_are_counted_by_what_they_compare_with(test, kind):
    assert trust.kind(test) == kind


def test_a_result_is_kept_with_its_day_and_sources(tmp_path):
    trust.keep("audit", {"packages": 1}, tmp_path)
    kept = json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))
    assert kept["packages"] == 1
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", kept["date"])
    assert (kept["version"], kept["sources"]) == (spinlib.__version__, STAMP["sources"])
    with pytest.raises(ValueError, match="part = 'weather': pass one of tests"):
        trust.keep("weather", {}, tmp_path)


@pytest.mark.parametrize("path", sorted(trust.COMMITTED.glob("*.json")), ids=lambda path: path.stem)
def test_committed_results_are_of_this_version_and_whole(path):
    found = json.loads(path.read_text(encoding="utf-8"))
    assert path.stem in trust.PARTS
    assert found["version"] == spinlib.__version__
    if path.stem == "tests":
        assert set(found["kinds"]) == set(trust.KINDS)
        assert sum(found["kinds"].values()) == found["total"] > found["full"] > 0
    if path.stem == "determinism":
        assert set(found["numbers"]) == set(ROOMS)
        assert {(run["threads"], run["seed"]) for run in found["runs"]} >= {(1, "0"), (2, "0"), (4, "0"), (1, "random")}
    if path.stem == "processors":
        assert len({run["tests"] for run in found["runs"]}) == 1 < len(found["runs"])
    if path.stem in ("oldest", "latest"):
        assert found["failed"] == []
        assert found["doctests"] > 250
    if path.stem == "audit":
        assert len(found["checked"]) + len(found["unchecked"]) == found["packages"] == len(found["licences"])


NOW = "Measured with the library as it is now: "
SINCE = "The library has changed since for: "


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ((), f"{NOW}all benchmarks."),
        (("macrospin", "thermal_macrospin"), f"{NOW}brown, m3tm. {SINCE}macrospin, thermal macrospin."),
        (("brown", "m3tm", "macrospin", "thermal_macrospin"), f"{SINCE}all benchmarks."),
    ],
)
def test_it_is_said_for_which_benchmarks_the_library_has_changed(show, changed, said):
    reports = {
        name: {"library": "0" if name in changed else library(name)}
        for name in ("brown", "m3tm", "macrospin", "thermal_macrospin")
    }
    assert show("speed", measured={"benchmarks": reports}) == said


def test_the_library_is_compared_with_that_of_the_record():
    assert page.SPEED == bench.RECORD
