"""The audit tells a hole from a sound version, and what it could not ask from both."""

import json

import pytest

from tools import audit, isolation
from tools.isolation import LOCK

SMALL = """# made
alpha==1.0 \\
    --hash=sha256:00 \\
    --hash=sha256:01
    # via -r requirements.txt
beta==2.0 ; sys_platform == 'win32' \\
    --hash=sha256:02
    # via
    #   alpha
    #   gamma
gamma==3.0
    # via beta-old
"""
NEWEST = {"alpha": "1.0", "beta": "2.5", "gamma": "3.0"}


def index(holes=(), *, knows=True, versions=False, alive=True):
    """An index that answers for newest versions, or for all, and lists a hole in what it is told."""

    def answer(place):
        name, _, version = place.partition("/")
        if not alive or (version and not versions):
            return None
        if name == audit.PROBE[0]:
            return {"info": {"version": "1"}, "vulnerabilities": [{"id": audit.PROBE[1]}] if knows else []}
        found = [{"id": "HOLE-1"}] if name in holes else []
        withdrawn = [{"id": "HOLE-2", "withdrawn": "2026-01-01"}]
        return {"info": {"version": version or NEWEST[name]}, "vulnerabilities": found + withdrawn}

    return answer


@pytest.fixture
def small(tmp_path, monkeypatch):
    lock = tmp_path / "lock.txt"
    lock.write_text(SMALL)
    monkeypatch.setattr(audit, "LOCK", lock)
    monkeypatch.setattr(isolation, "ROOT", tmp_path)


def test_lock_is_read_as_it_is_written():
    lock = audit.locked(SMALL)
    assert {name: entry["version"] for name, entry in lock.items()} == {"alpha": "1.0", "beta": "2.0", "gamma": "3.0"}
    assert [entry["hashes"] for entry in lock.values()] == [2, 1, 0]
    assert lock["beta"]["via"] == ["alpha", "gamma"]
    with pytest.raises(ValueError, match="names no version: make lock"):
        audit.locked("# made\nalpha>=1.0\n")


@pytest.mark.usefixtures("small")
def test_a_hole_is_found_and_what_was_not_asked_is_said():
    found = audit.audit(index(holes=("alpha", "beta")))
    assert found["vulnerable"] == {"alpha 1.0": ["HOLE-1"]}
    assert found["unchecked"] == {"beta": "2.0"}, "the index tells about version 2.5 only"
    every = audit.audit(index(holes=("alpha", "beta"), versions=True))
    assert every["vulnerable"] == {"alpha 1.0": ["HOLE-1"], "beta 2.0": ["HOLE-1"]}
    assert every["unchecked"] == {}


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("silent", [index(alive=False), index(knows=False, versions=True)])
def test_an_index_that_knows_nothing_makes_nothing_sound(silent):
    found = audit.audit(silent)
    assert not found["database"]
    assert found["checked"] == []
    assert set(found["unchecked"]) == set(NEWEST)


@pytest.mark.usefixtures("small")
def test_what_nobody_asks_for_or_has_no_hash_is_listed():
    found = audit.audit(index())
    assert found["needless"] == ["gamma"]
    assert found["without_hash"] == ["gamma"]
    assert found["licences"] == dict.fromkeys(NEWEST, "not installed here")


def test_the_lock_has_hashes_and_no_package_that_nobody_asks_for():
    lock = audit.locked(LOCK.read_text(encoding="utf-8"))
    assert len(lock) > 100
    assert all(entry["hashes"] for entry in lock.values())
    assert audit.reachable(lock) == set(lock)
    assert audit.licence("numpy").startswith("BSD-3-Clause")


@pytest.mark.full
def test_no_locked_version_has_a_known_hole():
    """The index is asked from a process of its own: tests use no network, and an audit is about nothing else."""
    import os
    import subprocess
    import sys

    from tools.isolation import ROOT
    from tools.trust import KEPT

    command = [sys.executable, str(ROOT / "tools" / "audit.py")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}  # without the guard
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    kept = json.loads((KEPT / "audit.json").read_text(encoding="utf-8"))
    if not kept["database"]:
        pytest.skip("WARNING: no database of vulnerabilities answers, the lock is NOT checked for them")
    assert kept["checked"]
