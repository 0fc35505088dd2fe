"""Audit the lock: known vulnerabilities, packages that nothing asks for, hashes, licences.

`python tools/audit.py` asks the package index that pip knows about each locked version, by its JSON interface. An index
that tells only about the newest version of a package is believed for that version. What it cannot be asked about is
listed as not checked; nothing that was not checked is called sound.
"""

import json
import re
import sys
import urllib.error
import urllib.request
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from pip._internal.models.index import PyPI

from tools.isolation import LOCK, digest

PROBE = ("ecdsa", "GHSA-wj6h-64fc-37mp")
"""A package with a hole that its authors do not mean to close: a database that does not know it knows nothing."""

Answer = Callable[[str], dict[str, Any] | None]


def ask(place: str) -> dict[str, Any] | None:
    """What the index says of ``name`` or ``name/version``; nothing if it cannot be asked."""
    try:
        with urllib.request.urlopen(f"{PyPI.pypi_url}/{place}/json", timeout=30) as reply:
            return dict(json.load(reply))
    except (OSError, ValueError):
        return None


def locked(text: str) -> dict[str, dict[str, Any]]:
    """Version, number of hashes and what asks for it, of each package of a lock."""
    found = {}
    for block in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]:
        head = re.match(r"([\w.-]+)==([^\s;\\]+)", block)
        if head is None:
            raise ValueError(f"{block.splitlines()[0]!r} names no version: make lock")
        via = re.findall(r"^    # via (.+)|^    #   (.+)", block, flags=re.MULTILINE)
        asked = [one or other for one, other in via]
        found[head[1]] = {"version": head[2], "hashes": block.count("--hash=sha256:"), "via": asked}
    return found


def reachable(lock: dict[str, dict[str, Any]]) -> set[str]:
    """Packages to which a chain of "asked for by" leads from requirements.txt."""
    known: set[str] = set()
    while True:
        more = {name for name, entry in lock.items() if any(_root(via) or via in known for via in entry["via"])}
        if more == known:
            return known
        known = more


def _root(via: str) -> bool:
    return via.startswith("-r ")


def vulnerabilities(name: str, version: str, answer: Answer) -> list[str] | None:
    """Known holes of a version; None if the index cannot be asked about that version."""
    reply = answer(f"{name}/{version}")
    if reply is None:
        reply = answer(name)
        if reply is None or reply["info"]["version"] != version:
            return None
    if "vulnerabilities" not in reply:
        return None
    return [str(each["id"]) for each in reply["vulnerabilities"] if not each.get("withdrawn")]


def licence(name: str) -> str:
    """Licence of an installed package, as its metadata say."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return "not installed here"
    classifiers = [c.rpartition(" :: ")[2] for c in about.get_all("Classifier", []) if c.startswith("License ::")]
    short = (about.get("License") or "").strip().partition("\n")[0]
    return about.get("License-Expression") or ", ".join(classifiers) or short or "not stated"


def audit(answer: Answer = ask) -> dict[str, Any]:
    """What is known of the lock."""
    lock = locked(LOCK.read_text(encoding="utf-8"))
    probe = answer(PROBE[0])
    speaks = bool(probe) and PROBE[1] in [each["id"] for each in probe.get("vulnerabilities", [])]
    holes = {name: vulnerabilities(name, entry["version"], answer) if speaks else None for name, entry in lock.items()}
    return {
        "lock": digest(LOCK)[:16],
        "packages": len(lock),
        "database": speaks,
        "checked": sorted(name for name, found in holes.items() if found is not None),
        "unchecked": {name: lock[name]["version"] for name, found in holes.items() if found is None},
        "vulnerable": {f"{name} {lock[name]['version']}": found for name, found in holes.items() if found},
        "needless": sorted(set(lock) - reachable(lock)),
        "without_hash": sorted(name for name, entry in lock.items() if not entry["hashes"]),
        "licences": {name: licence(name) for name in lock},
    }


if __name__ == "__main__":
    from tools.trust import keep

    result = audit()
    keep("audit", result)
    for part in ("vulnerable", "needless", "without_hash", "unchecked"):
        print(f"{part}: {result[part] or 'none'}")
    if not result["database"]:
        print(f"NOT CHECKED for vulnerabilities: {PyPI.pypi_url} does not answer, or does not know {PROBE[1]}")
    sys.exit(bool(result["vulnerable"] or result["needless"] or result["without_hash"]))
