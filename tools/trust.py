"""What the long checks found: kept by `make test-full`, committed in `tests/trust`, shown on the page *Trust*.

`python tools/trust.py` counts the tests and commits to `tests/trust` what the last runs kept in `.cache/trust`.
"""

import datetime
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import spinlib
from tools.isolation import CACHE, ROOT, digest, write_whole

KEPT = CACHE / "trust"
COMMITTED = ROOT / "tests" / "trust"
PARTS = ("tests", "refusals", "determinism", "uncompiled", "processors", "oldest", "latest", "audit", "types")
"""A file each; the page *Trust* shows them all."""

KINDS = {
    "test_limit": "closed forms and limits",
    "test_invariant": "laws that hold for every input",
    "test_paper": "equations and figures of the papers",
    "test_peer": "numbers of other codes",
    "test_bad_input": "stated refusals and warnings",
    "doctest": "examples in docstrings",
    "cell": "cells of notebooks against their references",
    "other": "the book, its pages, the package and the tools",
}


def keep(part: str, result: dict[str, Any], folder: Path = KEPT) -> None:
    """Write what a check found, with the day, the version and a hash of the sources that it checked."""
    if part not in PARTS:
        raise ValueError(f"part = {part!r}: pass one of {', '.join(PARTS)}")
    stamp = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "version": spinlib.__version__,
        "sources": digest(ROOT / "spinlib")[:16],
    }
    write_whole(
        folder / f"{part}.json", json.dumps(stamp | result, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    )


def kind(test: str) -> str:
    """Kind of a test, by its id."""
    file, _, name = test.partition("::")
    if file.endswith(".ipynb"):
        return "cell"
    if file.startswith("spinlib"):
        return "doctest"
    found = re.match(r"(?:\w+::)*(test_(?:limit|invariant|paper|peer|bad_input))(?=_|$)", name)
    return found[1] if found else "other"


def collected(*words: str) -> list[str]:
    """Ids of the tests that pytest finds."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-o", "addopts=", "--strict-markers",
               "--doctest-modules", "-p", "no:cacheprovider", *words]  # fmt: skip
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return [line for line in done.stdout.splitlines() if "::" in line]


def count() -> dict[str, Any]:
    """Number of tests by kind, and how many run in `make test-full` only."""
    words = ("--nbval", "--nbval-current-env")
    every, long = collected(*words), collected(*words, "-m", "full")
    kinds = Counter(kind(test) for test in every)
    return {"kinds": {name: kinds[name] for name in KINDS}, "total": len(every), "full": len(long)}


def refusals() -> dict[str, Any]:
    """Number of contracts, of their limits and of the refusals tried."""
    command = [sys.executable, "-m", "tests.contracts.count"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {"counts": json.loads(done.stdout)}


def main() -> None:
    keep("tests", count(), COMMITTED)
    keep("refusals", refusals(), COMMITTED)
    for part in PARTS[2:]:
        kept = KEPT / f"{part}.json"
        if kept.is_file():
            write_whole(COMMITTED / kept.name, kept.read_bytes())
            print(f"{part}: as the last run kept it")
        else:
            print(f"{part}: no run kept it here; what is committed stays")


if __name__ == "__main__":
    main()
