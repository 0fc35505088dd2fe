"""What mutation testing found: the modules with physics, the results on record, the reasons of survivors."""

import json
import tomllib
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import product
from pathlib import Path
from typing import Any

from tools.isolation import ROOT, digest, write_whole
from tools.mutant_changes import KINDS
from tools.mutants import mutants, path_of

RESULTS, SURVIVORS = ROOT / "tests" / "mutation.json", ROOT / "tests" / "mutation_survivors.toml"
HOUSEHOLD = {"__init__", "_checkpoint", "_engine", "_fingerprint", "_jit", "_progress", "_table", "_toml", "_validate",
             "_written", "columns", "explorer", "materials", "plotting", "precomputed", "stack_file", "sweep",
             "units"}  # fmt: skip
"""Modules without physics."""
LEFT = ("survived", "open")
KEY = ("module", "function", "before", "after", "nth")


def physics(library: Path = ROOT / "spinlib") -> list[str]:
    """The modules that hold formulas."""
    files = sorted(file for file in library.rglob("*.py") if file.stem not in HOUSEHOLD)
    return [".".join(file.relative_to(library.parent).with_suffix("").parts) for file in files]


def key_of(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    """What tells a mutant, on record or explained, from all others."""
    return tuple(entry.get(name, 0) for name in KEY)


def explained(file: Path = SURVIVORS) -> dict[tuple[Any, ...], dict[str, str]]:
    """The survivors that no test can or need kill, by the key of the mutant."""
    entries = tomllib.loads(file.read_text(encoding="utf-8"))["survivor"] if file.is_file() else []
    return {key_of(entry): entry for entry in entries}


def recorded() -> dict[tuple[Any, ...], dict[str, Any]]:
    """The results on record, by the key of the mutant."""
    return {key_of(result): result for result in _stored()["mutants"]}


def _stored() -> dict[str, Any]:
    return dict(json.loads(RESULTS.read_text(encoding="utf-8"))) if RESULTS.is_file() else {"ran": {}, "mutants": []}


def record(results: list[dict[str, Any]], *, quick: bool = False) -> None:
    """Add results to those on record, without mutants that no longer exist.

    What survives a quick run is open: other tests may kill it.
    """
    for row in (row for row in results if quick and row["verdict"] == "survived"):
        row["verdict"] = "open"
    possible = {module: mutants(module) for module in physics()}
    exist = {mutant.key for found in possible.values() for mutant in found}
    found = recorded() | {key_of(result): result for result in results}
    rows, reasons = [found[key] for key in sorted(found) if key in exist], explained()
    for row in (row for row in rows if row["verdict"] == "open" and key_of(row) in reasons):
        row["verdict"] = "survived"
    counts: dict[str, dict[str, Counter[str]]] = {
        "module": {module: Counter(possible=len(found)) for module, found in possible.items()},
        "kind": defaultdict(Counter),
    }
    for row, by in product(rows, counts):
        counts[by][row[by]][row["verdict"]] += 1
    today = {module: [f"{datetime.now(UTC):%Y-%m-%d}", digest(path_of(module))] for module in
             {result["module"] for result in results}}  # fmt: skip
    head = {
        "ran": {
            module: day for module, day in sorted((_stored()["ran"] | today).items()) if module in counts["module"]
        },
        "modules": counts["module"],
        "kinds": {kind: {"means": KINDS[kind], **counted} for kind, counted in counts["kind"].items()},
    }
    lines = ",\n".join(json.dumps(row) for row in rows)
    write_whole(RESULTS, json.dumps(head, indent=1)[:-2] + f',\n "mutants": [\n{lines}\n]}}\n')
