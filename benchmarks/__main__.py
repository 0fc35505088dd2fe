"""Run every benchmark of this folder, or those named: `python -m benchmarks [--once] [name …]`; prints one JSON object.

Each is a module that prints one JSON object. Times are medians of repeats in one process, one thread; with `--once`
nothing is repeated, so that the errors count and the times do not.
"""

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(names: list[str]) -> None:
    known = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    once = ["--once"] if "--once" in names else []
    names = [name for name in names if name not in once]
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    results = {}
    for name in names or known:
        print(f"{name} …", file=sys.stderr, flush=True)
        command = [sys.executable, HERE / f"{name}.py", *once]
        result = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        results[name] = json.loads(result.stdout)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
