"""Mutation testing of the physics: `python -m tools.mutation [module …] [--sample N | --all | --survivors] [--record]`.

Each mutant is one wrong sign, factor, bound, comparison, transposition or order of operands (tools/mutant_changes.py).
It is killed if a test fails, or does not end. Of the tests of the library, of its docstrings and of the chapters those
run that call the changed function. A survivor needs a test, or an entry with a reason in tests/mutation_survivors.toml.
`--record` enters the results into tests/mutation.json. One core takes seconds for a mutant, and minutes to begin with.
"""

import argparse
import importlib
import json
import os
import sys
import tomllib
from collections import Counter, defaultdict
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby, product
from pathlib import Path
from typing import Any

from tools.isolation import ROOT, digest, environment, write_whole
from tools.mutant_changes import KINDS
from tools.mutants import Mutant, mutants, sample

RESULTS, SURVIVORS = ROOT / "tests" / "mutation.json", ROOT / "tests" / "mutation_survivors.toml"
HOUSEHOLD = {"__init__", "_jit", "_table", "_validate", "_written", "columns", "explorer", "materials", "plotting",
             "precomputed", "stack_file", "units"}  # fmt: skip
"""Modules without physics."""
_LEFT = ("survived", "open")
KEY = ("module", "function", "before", "after", "nth")
_SCIPY = ("integrate", "interpolate", "linalg", "optimize", "sparse.linalg", "special", "stats")


def physics(library: Path = ROOT / "spinlib") -> list[str]:
    """The modules that hold formulas."""
    files = sorted(file for file in library.rglob("*.py") if file.stem not in HOUSEHOLD)
    return [".".join(file.relative_to(library.parent).with_suffix("").parts) for file in files]


def explained() -> dict[tuple[Any, ...], dict[str, str]]:
    """The survivors that no test can or need kill, by the key of the mutant."""
    entries = tomllib.loads(SURVIVORS.read_text(encoding="utf-8"))["survivor"]
    return {tuple(entry.get(name, 0) for name in KEY): entry for entry in entries}


def share(module: str) -> int:
    """The size of a sample."""
    return max(10, len(mutants(module)) // 8)


def run(chosen: list[Mutant], *, quick: bool) -> list[dict[str, Any]]:
    """Try the mutants of a module; return what is recorded of them."""
    for name in ("numba", *(f"scipy.{name}" for name in _SCIPY)):
        importlib.import_module(name)
    from tools.mutation_runs import tried, tried_together
    from tools.mutation_tests import files, is_python, plan, users

    module, found = chosen[0].module, dict.fromkeys(chosen, ("survived", ""))
    for file in files(module, near=quick)[: 3 if quick else None]:
        left = [mutant for mutant in chosen if found[mutant][0] == "survived"]
        if not left:
            break
        plans = {mutant: tests for mutant in left if (tests := plan(mutant, file))}
        together = [mutant for mutant in plans if is_python(f"{module}:{mutant.function}")]
        if together:
            found |= zip(together, tried_together(file, [(mutant, plans[mutant]) for mutant in together]), strict=True)
        for mutant in (mutant for mutant in plans if mutant not in together):
            found[mutant] = tried(file, mutant, users(module), plans[mutant])
        for mutant in (mutant for mutant in plans if found[mutant][0] != "survived"):
            print(f"{found[mutant][0]}: {mutant} [{found[mutant][1]}]", flush=True)
    for mutant in (mutant for mutant in chosen if found[mutant][0] == "survived"):
        print(f"survived: {mutant}", flush=True)
    return [{**asdict(mutant), "verdict": verdict, "by": by} for mutant, (verdict, by) in found.items()]


def recorded() -> dict[tuple[Any, ...], dict[str, Any]]:
    """The results on record, by the key of the mutant."""
    stored = json.loads(RESULTS.read_text(encoding="utf-8"))["mutants"] if RESULTS.is_file() else []
    return {tuple(result[name] for name in KEY): result for result in stored}


def record(results: list[dict[str, Any]], *, quick: bool = False) -> None:
    """Add results to those on record, without mutants that no longer exist.

    What survives a quick run is open: other tests may kill it.
    """
    for row in (row for row in results if quick and row["verdict"] == "survived"):
        row["verdict"] = "open"
    exist = {mutant.key for module in physics() for mutant in mutants(module)}
    found = recorded() | {tuple(result[name] for name in KEY): result for result in results}
    rows, reasons = [found[key] for key in sorted(found) if key in exist], explained()
    for row in (row for row in rows if row["verdict"] == "open" and tuple(row[name] for name in KEY) in reasons):
        row["verdict"] = "survived"
    counts: dict[str, dict[str, Counter[str]]] = {"module": defaultdict(Counter), "kind": defaultdict(Counter)}
    for row, by in product(rows, counts):
        counts[by][row[by]][row["verdict"]] += 1
    head = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "spinlib": digest(ROOT / "spinlib"),
        "modules": counts["module"],
        "kinds": {kind: {"means": KINDS[kind], **counted} for kind, counted in counts["kind"].items()},
        "survivors": [row | reasons.get(tuple(row[n] for n in KEY), {}) for row in rows if row["verdict"] in _LEFT],
    }
    lines = ",\n".join(json.dumps(row) for row in rows)
    write_whole(RESULTS, json.dumps(head, indent=1)[:-2] + f',\n "mutants": [\n{lines}\n]}}\n')


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--sample", type=int, help="mutants of each module")
    parser.add_argument("--total", type=int, help="mutants of all modules together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="with the three nearest files of tests")
    parser.add_argument("--survivors", action="store_true", help="those on record without a reason, once more")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args(arguments)
    names = given.modules or physics()
    every = {mutant.key: mutant for name in names for mutant in mutants(name)}
    if given.survivors:
        open_ = [key for key, result in recorded().items() if result["verdict"] in _LEFT]
        chosen = [every[key] for key in open_ if key in every and key not in explained()]
    elif given.total:
        chosen = sorted(every.values(), key=lambda mutant: mutant.rank(given.seed))[: given.total]
    elif given.all:
        chosen = list(every.values())
    else:
        chosen = [mutant for name in names for mutant in sample(name, given.sample or share(name), given.seed)]
    results = []
    for _, group in groupby(chosen, key=lambda mutant: mutant.module):
        results += (found := run(list(group), quick=given.quick))
        if given.record:
            record(found, quick=given.quick)
    reasons = explained()
    open_ = [r for r in results if r["verdict"] in _LEFT and tuple(r[n] for n in KEY) not in reasons]
    count = Counter("survived" if r["verdict"] == "open" else r["verdict"] for r in results)
    left = f"{count['survived']} survived, {len(open_)} of them without a reason"
    print(f"{count['killed']} killed by a test, {count['timeout']} by the clock; {left}")
    for r in open_:
        print(f"  {r['module']}:{r['line']} {r['function']}: {r['before']} -> {r['after']}")
    return bool(open_)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # libraries read the environment once, when they are imported
        os.execve(sys.executable, [sys.executable, "-m", "tools.mutation", *sys.argv[1:]], environment())
    sys.exit(main(sys.argv[1:]))
