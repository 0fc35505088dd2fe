"""Mutation testing of the physics: `python -m tools.mutation [module …] [--sample N | --all | --total N] [--record]`.

Each mutant is one wrong sign, factor, bound, comparison, transposition or order of operands (tools/mutant_changes.py).
It is killed if a test fails, or does not end. Of the tests of the library, of its docstrings and of the chapters those
run that call the changed function. A survivor needs a test, or an entry with a reason in tests/mutation_survivors.toml.
`--record` enters the results into tests/mutation.json, which a page of the book shows. One core takes a few seconds
for a mutant, and ten minutes before the first to see what each test calls.
"""

import argparse
import importlib
import json
import os
import sys
import tomllib
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tools.isolation import ROOT, digest, environment, write_whole
from tools.mutants import Mutant, mutants, sample

RESULTS, SURVIVORS = ROOT / "tests" / "mutation.json", ROOT / "tests" / "mutation_survivors.toml"
HOUSEHOLD = {"__init__", "_jit", "_table", "_validate", "_written", "columns", "explorer", "materials", "plotting",
             "precomputed", "stack_file", "units"}  # fmt: skip
"""Modules without physics."""
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
    """The size of a sample: a tenth of the mutants, but at least eight."""
    return max(8, len(mutants(module)) // 10)


def run(chosen: list[Mutant]) -> list[dict[str, Any]]:
    """Try each mutant; return what is recorded of it."""
    for name in ("numpy", "numba", "sympy", "matplotlib.pyplot", *(f"scipy.{name}" for name in _SCIPY)):
        importlib.import_module(name)
    from tools.mutation_runs import tried
    from tools.mutation_tests import known, plan, users

    results = []
    for number, mutant in enumerate(chosen, 1):
        verdict, by = "survived", ""
        for chapters in (False, True):
            if verdict == "survived":
                tests = plan(mutant, known(mutant.module, chapters=chapters))
                verdict, by = tried(mutant.module, mutant.code(), users(mutant.module), tests)
        results.append({**asdict(mutant), "verdict": verdict, "by": by})
        place = f"{mutant.module}:{mutant.line} {mutant.function}"
        print(f"{number}/{len(chosen)} {verdict}: {place}: {mutant.before} -> {mutant.after} [{by}]", flush=True)
    return results


def record(results: list[dict[str, Any]]) -> None:
    """Enter the results of modules in the place of what was stored of them."""
    stored = json.loads(RESULTS.read_text(encoding="utf-8"))["mutants"] if RESULTS.is_file() else []
    modules = {result["module"] for result in results}
    kept = [result for result in stored if result["module"] not in modules]
    lines = sorted(json.dumps(result) for result in kept + results)
    head = f'{{"date": "{datetime.now(UTC):%Y-%m-%d}", "spinlib": "{digest(ROOT / "spinlib")}", "mutants": [\n'
    write_whole(RESULTS, head + ",\n".join(lines) + "\n]}\n")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*")
    parser.add_argument("--sample", type=int, help="mutants of each module")
    parser.add_argument("--total", type=int, help="mutants of all modules together")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args(arguments)
    chosen = []
    for module in given.modules or physics():
        count = len(mutants(module)) if given.all else given.sample or share(module)
        chosen += sample(module, count, given.seed)
    if given.total:
        every = [mutant for module in given.modules or physics() for mutant in mutants(module)]
        chosen = sorted(sorted(every, key=lambda mutant: mutant.rank(given.seed))[: given.total], key=lambda m: m.key)
    results = run(chosen)
    if given.record:
        record(results)
    reasons = explained()
    open_ = [r for r in results if r["verdict"] == "survived" and tuple(r[n] for n in KEY) not in reasons]
    counts = Counter(result["verdict"] for result in results)
    print(f"{counts['killed']} killed by a test, {counts['timeout']} by the clock; {counts['survived']} survived, "
          f"{len(open_)} of them without a reason")  # fmt: skip
    for r in open_:
        print(f"  {r['module']}:{r['line']} {r['function']}: {r['before']} -> {r['after']}")
    return bool(open_)


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # libraries read the environment once, when they are imported
        os.execve(sys.executable, [sys.executable, "-m", "tools.mutation", *sys.argv[1:]], environment())
    sys.exit(main(sys.argv[1:]))
