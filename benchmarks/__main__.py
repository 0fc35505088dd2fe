"""Run every benchmark of this folder, or those named: `python -m benchmarks [name …]`. One JSON object on stdout.

Each is a module that prints one JSON object. Times are medians of repeats in one process, one thread.
"""

import json
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main(names: list[str]) -> None:
    known = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    unknown = set(names) - set(known)
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    results = {}
    for name in names or known:
        print(f"{name} …", file=sys.stderr, flush=True)
        result = subprocess.run([sys.executable, HERE / f"{name}.py"], stdout=subprocess.PIPE, text=True, check=True)
        results[name] = json.loads(result.stdout)
    print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main(sys.argv[1:])
