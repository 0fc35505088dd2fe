"""Time the library beside its peers: `python -m benchmarks [--peers] [--record] [--once] [name …]`.

Prints one JSON object with the reports of all benchmarks, or of those named. `--peers` first installs the peers that
are missing, each in an environment of its own below `.cache/peers`; `--record` also writes the reports into the file
that the page *Speed and scale* reads; with `--once` nothing is repeated and problems are small, so that the errors
count and the times do not. `--lock` only resolves the requirements of the peers again.
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
from tools.isolation import ROOT, write_whole
from tools.precomputed import MEASURED

HERE = Path(__file__).resolve().parent
RECORD = ROOT / "book" / "speed" / MEASURED
SCHEMA = 1


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
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
    }


def printed(name: str, flags: list[str]) -> Any:
    """Return the JSON that a script of this folder prints."""
    command = [sys.executable, HERE / f"{name}.py", *flags]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


def measure(name: str, flags: list[str]) -> dict[str, Any]:
    """Return the report of one benchmark, with the day and the seconds it took."""
    print(f"{name} …", end=" ", file=sys.stderr, flush=True)
    start = time.perf_counter()
    report = printed(name, flags)
    seconds = time.perf_counter() - start
    print(f"{seconds:.0f} s", file=sys.stderr)
    return report | {"date": f"{datetime.now(UTC):%Y-%m-%d}", "seconds": round(seconds)}


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
    reports = {name: measure(name, once) for name in names or known}
    found = {
        "schema": SCHEMA,
        "machine": machine(),
        "rates": {} if once else printed("_limits", []),
        "benchmarks": reports,
    }
    if "--record" in flags:
        if names and RECORD.is_file():  # the others stay, measured on the same machine
            old = json.loads(RECORD.read_text(encoding="utf-8"))
            if old["machine"] != found["machine"]:
                sys.exit("the record is of another machine: run all benchmarks")
            found["benchmarks"] = dict(sorted((old["benchmarks"] | reports).items()))
        write_whole(RECORD, json.dumps(found, indent=1, sort_keys=True) + "\n")
    print(json.dumps(found, indent=2))
    return None


if __name__ == "__main__":
    main(sys.argv[1:])
