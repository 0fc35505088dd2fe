"""Codes that a benchmark compares with, each alive in a Python of its own; none of them is a dependency."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["FOLDER", "PEERS", "TITLES", "Peer", "home", "locked_version", "serve"]

_ROOT = Path(__file__).resolve().parents[1]
FOLDER = Path(__file__).resolve().parent / "peers"
PEERS = tuple(sorted(path.stem for path in FOLDER.glob("*.in")))
TITLES = {"cmtj": "cmtj", "fipy": "FiPy", "kwant": "Kwant", "udkm1Dsim": "udkm1Dsim"}
"""Peers as they write themselves."""


def locked_version(module: str) -> str:
    """Return the version that a peer is pinned to."""
    return (FOLDER / f"{module}.in").read_text(encoding="utf-8").splitlines()[0].partition("==")[2]


def home(module: str) -> Path:
    """Return the environment that ``make bench`` makes for a peer."""
    return _ROOT / ".cache" / "peers" / module


def _interpreter(module: str) -> str | None:
    """Return the Python that has ``module``: that of SPINLIB_<MODULE>_PYTHON, of ``make bench``, or this one."""
    named, own = os.environ.get(f"SPINLIB_{module.upper()}_PYTHON"), home(module) / "bin" / "python"
    if named or (home(module) / "stamp").is_file():
        return named or str(own)
    return sys.executable if importlib.util.find_spec(module) else None


class Peer:
    """A peer that waits for questions: ``script --peer`` in its own Python; ``missing`` says why there is none.

    Questions to one that has ended raise ConnectionError.
    """

    def __init__(self, module: str, script: str) -> None:
        self.module, self.title, self.version, self.missing = module, TITLES[module], locked_version(module), ""
        self._process: subprocess.Popen[str] | None = None
        python = _interpreter(module)
        if python is None:
            variable = f"SPINLIB_{module.upper()}_PYTHON"
            self.missing = f"not installed: run make bench, or set {variable} to a Python with {module}"
            return
        flags = ["--peer", *(word for word in sys.argv if word == "--once")]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen([python, script, *flags], **pipes)  # type: ignore[call-overload]
        try:
            self.version = str(self._answer())
        except ConnectionError as lost:  # it is installed, but a library of the system may be gone
            self.missing = str(lost)

    def _answer(self) -> Any:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise ConnectionError(f"{self.title} ended without an answer, its message is in the log")
        return json.loads(line)

    def close(self) -> None:
        """End the peer, if it is alive."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def ask(self, **question: Any) -> Any:
        """Return what the peer answers."""
        assert self._process is not None
        assert self._process.stdin is not None
        print(json.dumps(question), file=self._process.stdin, flush=True)
        return self._answer()

    def clock(self, **question: Any) -> Callable[[], float]:
        """Return a function that asks and returns the ``seconds`` that the peer measured itself."""
        return lambda: float(self.ask(**question)["seconds"])


def serve(version: str, answer: Callable[..., Any]) -> None:
    """Answer each line of the standard input, a JSON object of arguments, until it ends; prints go elsewhere."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    print(json.dumps(version), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), file=out, flush=True)
