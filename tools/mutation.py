"""Mutation testing of the physics: `python -m tools.mutation [module …] [--sample N | --all | --survivors] [--record]`.

Each mutant is one wrong sign, factor, bound, comparison, transposition or order of operands (tools/mutant_changes.py).
It is killed if a test fails, or does not end. Of the tests of the library, of its docstrings and of the chapters those
run that call the changed function. A survivor needs a test, or an entry with a reason in tests/mutation_survivors.toml.
`--record` enters the results into tests/mutation.json. One core takes seconds for a mutant, and minutes to begin with.
"""

import argparse
import importlib
import os
import sys
from collections import Counter
from dataclasses import asdict
from itertools import groupby
from typing import Any

from tools.isolation import environment
from tools.mutants import Mutant, mutants, sample
from tools.mutation_record import LEFT, explained, key_of, physics, record, recorded

_SCIPY = ("integrate", "interpolate", "linalg", "optimize", "sparse.linalg", "special", "stats")


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
        open_ = [key for key, result in recorded().items() if result["verdict"] in LEFT]
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
    open_ = [r for r in results if r["verdict"] in LEFT and key_of(r) not in reasons]
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
