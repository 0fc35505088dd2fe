"""Time the library beside its peers: `python -m benchmarks [--peers] [--record] [--once] [name …]`.

Prints one JSON object with the reports of all benchmarks, or of those named. `--peers` first installs the peers that
are missing, each in an environment of its own below `.cache/peers`; `--record` also writes the reports into the file
that the page *Speed and scale* reads; with `--once` nothing is repeated and problems are small, so that the errors
count and the times do not. `--lock` only resolves the requirements of the peers again.

All reports of a run have the time of its start, by which the page counts the runs that its numbers come from.

A benchmark that fails does not end the run: what there is is printed and recorded, and the exit status is 1.
"""

import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks._install import install_peers, lock_peers
from benchmarks._sources import library, source
from tools.isolation import ROOT, write_whole
from tools.precomputed import MEASURED

HERE = Path(__file__).resolve().parent
RECORD = ROOT / "book" / "speed" / MEASURED
SCHEMA = 3


def machine() -> dict[str, Any]:
    """Return what the times depend on, and nothing that names the machine."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        processor = platform.processor() or platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "processor": processor,
        "cores": os.cpu_count(),
        "memory_gib": round(memory),
        "system": f"{platform.system()} {platform.release().partition('-')[0]} {platform.machine()}",
        "python": platform.python_version(),
    }


def measure(name: str, flags: list[str]) -> dict[str, Any] | None:
    """Return the report of one benchmark, with its sources, the day and the seconds it took; None if it fails."""
    print(f"{name} …", end=" ", file=sys.stderr, flush=True)
    before, start = {"source": source(name), "library": library(name)}, time.perf_counter()
    command = [sys.executable, HERE / f"{name}.py", *flags]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    seconds = time.perf_counter() - start
    print(f"{seconds:.0f} s" if done.returncode == 0 else "failed, see above", file=sys.stderr)
    if done.returncode:
        return None
    return json.loads(done.stdout) | before | {"date": f"{datetime.now(UTC):%Y-%m-%d}", "seconds": round(seconds)}


def recorded(names: list[str], known: list[str]) -> dict[str, Any]:
    """Return the recorded reports that a run of ``names`` keeps; exits if they are of another machine."""
    if not RECORD.is_file():
        return {}
    old = json.loads(RECORD.read_text(encoding="utf-8"))
    if (old["schema"], old["machine"]) == (SCHEMA, machine()):
        return {name: report for name, report in old["benchmarks"].items() if name in known}
    if names:
        sys.exit("the record is of another machine or form: run all benchmarks")
    return {}


def main(words: list[str]) -> None:
    """Run what the command line asks for."""
    known = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    flags, names = [[word for word in words if word.startswith("--") is which] for which in (True, False)]
    unknown, options = sorted(set(names) - set(known)), {"--peers", "--record", "--once", "--lock"}
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(known)}")
    if set(flags) - options or {"--record", "--once"} <= set(flags):
        sys.exit(__doc__)
    if "--lock" in flags:
        return lock_peers()
    if "--peers" in flags:
        install_peers()
    once = [flag for flag in flags if flag == "--once"]
    kept = recorded(names, known) if "--record" in flags else {}  # refused before anything is measured
    run = {"run": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}  # one for all that is measured now
    found = {name: measure(name, once) for name in names or known}
    reports = {name: report | run for name, report in found.items() if report}
    whole = {"schema": SCHEMA, "machine": machine()}
    if "--record" in flags:
        record = whole | {"benchmarks": dict(sorted((kept | reports).items()))}
        write_whole(RECORD, json.dumps(record, indent=1, sort_keys=True) + "\n")
    print(json.dumps(whole | {"benchmarks": reports}, indent=2))
    failed = sorted(set(found) - set(reports))
    return sys.exit(f"failed: {', '.join(failed)}") if failed else None


if __name__ == "__main__":
    main(sys.argv[1:])
