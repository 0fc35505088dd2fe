"""Work in a forked process that may spoil its memory, crash or never end."""

import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def forked(work: Callable[[Callable[[str], object]], object], limit: float) -> tuple[int, str, Any]:
    """Do ``work`` in a fork for at most ``limit`` seconds; return the signal that ended it, the last that it said, and
    what it returned.

    Raises:
        RuntimeError: the work raised something.
    """
    with tempfile.TemporaryDirectory() as folder:
        said, result, log = (Path(folder) / name for name in ("said", "result", "log"))
        said.write_text("")
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.setsid()
                output = os.open(log, os.O_WRONLY | os.O_CREAT)
                os.dup2(output, 1)
                os.dup2(output, 2)
                result.write_text(json.dumps(work(said.write_text)))
                code = 0
            except BaseException as error:
                said.write_text(f"{type(error).__name__}: {error}")
            finally:
                os._exit(code)
        end = time.monotonic() + limit
        while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
            if time.monotonic() > end:
                os.killpg(child, signal.SIGKILL)
            time.sleep(0.02)
        status = ended[1]
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            raise RuntimeError(f"{said.read_text()}\n{log.read_text()[-3000:]}")
        killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        return killed, said.read_text(), json.loads(result.read_text()) if result.is_file() else None
