"""The page *Speed and scale* shows what the benchmarks of this tree measured with this library and the locked peers."""

import json

import nbformat

import spinlib
from benchmarks._peer import PEERS, TITLES, locked_version
from benchmarks._sources import source
from tests.benchmark_report import check_report
from tests.tools.test_benchmarks import NAMES
from tools.isolation import ROOT
from tools.notebooks import reference_paths
from tools.precomputed import LIMIT, MEASURED

RECORD = ROOT / "book" / "speed" / MEASURED


def measured():
    return json.loads(RECORD.read_text(encoding="utf-8"))


def test_every_benchmark_is_recorded_with_its_files_of_today():
    found = measured()
    assert sorted(found["benchmarks"]) == NAMES
    for name, report in found["benchmarks"].items():
        check_report(report, whole=True)
        again = f"run `python3 tools/house.py bench --record {name}`"
        assert report["versions"]["spinlib"] == spinlib.__version__, again
        assert report["source"] == source(name), again
    assert RECORD.stat().st_size < LIMIT


def test_every_peer_is_recorded_in_its_locked_version():
    assert set(TITLES) == set(PEERS)
    rows = [row for report in measured()["benchmarks"].values() for row in report["rows"]]
    for module, title in TITLES.items():
        versions = {row["peer"]["version"] for row in rows if row["peer"] and row["peer"]["name"].startswith(title)}
        assert versions == {locked_version(module)}
        assert [row for row in rows if row["ratio"] and row["peer"]["name"].startswith(title)], "it was measured"


EXPLAINED = {
    "is told its mesh",
    "is told shift and degree, the smallest modulus is the slowest rate",
    "may step over the pulse",
    "one small matrix; its error is absolute",
    "one line; knows neither its error nor a field",
    "written for this valve and this torque, without checks",
    "written for three layers, without checks",
    "two collinear channels, one number, without checks",
    "one stream for all trajectories",
    "rate, Jacobian and pulse compiled by hand",
}
"""Notes of peers for whose lead the page gives a reason."""


def test_every_lead_of_a_peer_has_a_reason_on_the_page():
    rows = [row for report in measured()["benchmarks"].values() for row in report["rows"]]
    ahead = {row["peer"]["note"] for row in rows if row["ratio"] and row["ratio"]["median"] <= 1}
    assert ahead <= EXPLAINED, "say on the page why, then add its note here"


def test_locks_of_the_peers_name_no_registry_and_pin_what_was_asked():
    for module in PEERS:
        text = (ROOT / "benchmarks" / "peers" / f"{module}.txt").read_text(encoding="utf-8")
        assert "://" not in text
        assert f"{module.lower()}=={locked_version(module)} " in text.lower()
        pinned = [line for line in text.splitlines() if "==" in line and not line.lstrip().startswith("#")]
        assert all(line.endswith("\\") for line in pinned), "each has its hashes"


def test_the_record_names_no_user_and_no_machine():
    text = RECORD.read_text(encoding="utf-8")
    assert set(measured()["machine"]) == {"processor", "cores", "memory_gib", "system", "python"}
    assert "/home" not in text
    assert "/tmp" not in text
    assert str(ROOT) not in text


def test_the_page_shows_every_benchmark_and_every_peer():
    notebook = nbformat.read(reference_paths(ROOT / "book" / "speed.md")[0], as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    shown = "".join(output.get("data", {}).get("text/html", "") for output in outputs)
    for report in measured()["benchmarks"].values():
        assert report["name"][1:] in shown  # the page begins it with a capital
    for module, title in TITLES.items():
        assert f"{title} {locked_version(module)}" in shown or f"{title}, " in shown
