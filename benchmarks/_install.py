"""The environments of the peers, from requirements with hashes; `make bench` makes those that are not there."""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks._peer import FOLDER, PEERS, home
from tools.isolation import digest, write_whole

__all__ = ["install_peers", "lock_peers"]

_UV = [sys.executable, "-m", "uv", "--quiet"]
_FROM_SOURCE = {"kwant": "a C compiler; with the library MUMPS (Debian, Ubuntu: libmumps-scotch-dev) it is faster"}
"""Peers that are built here, and what that needs beyond their requirements."""


def install_peers() -> None:
    """Make the environment of each peer, unless its stamp says that it is there; say of each failure what was tried."""
    for name in PEERS:
        lock, place = FOLDER / f"{name}.txt", home(name)
        state = f"{digest(lock)} {platform.python_version()}"
        stamp = place / "stamp"
        if os.environ.get(f"SPINLIB_{name.upper()}_PYTHON") or (stamp.is_file() and stamp.read_text() == state):
            continue
        print(f"installing {name} …", file=sys.stderr, flush=True)
        shutil.rmtree(place, ignore_errors=True)
        install = [*_UV, "pip", "install", "--python", place / "bin" / "python", "--require-hashes", "-r", lock]
        steps: list[list[str | Path]] = [[*_UV, "venv", "--python", sys.executable, place], install]
        if name in _FROM_SOURCE:  # what builds it first, since its source does not say what that is
            excluded = home("excluded")
            write_whole(excluded, f"{name}\n")
            steps[1:] = [[*install, "--excludes", excluded], [*install, "--no-build-isolation"]]
        if all(subprocess.run(step, check=False, stdout=sys.stderr).returncode == 0 for step in steps):
            write_whole(stamp, state)
        else:
            needs = _FROM_SOURCE.get(name, "access to a package index")
            print(f"{name} is left out, see above: it needs {needs}", file=sys.stderr)


def lock_peers() -> None:
    """Resolve the requirements of all peers for every platform, with hashes: `python -m benchmarks --lock`."""
    for name in PEERS:
        compile_ = [*_UV, "pip", "compile", "--universal", "--python-version", "3.11", "--generate-hashes"]
        said = ["--custom-compile-command", "python -m benchmarks --lock"]
        subprocess.run([*compile_, *said, f"{name}.in", "--output-file", f"{name}.txt"], cwd=FOLDER, check=True)
