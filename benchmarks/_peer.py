"""Where a code runs that a benchmark compares with; none of them is a dependency."""

import importlib.util
import json
import os
import subprocess
import sys
from typing import Any

VERSIONS = {"cmtj": "1.15.0", "fipy": "4.0.3", "kwant": "1.5.0", "udkm1Dsim": "2.5.0"}
"""The versions that the benchmarks were written for."""


def interpreter(module: str) -> tuple[str | None, str]:
    """Return the Python that has ``module``, None where there is none, and how to provide one.

    It is the one that SPINLIB_<MODULE>_PYTHON names, else this one if it has the module.
    """
    variable = f"SPINLIB_{module.upper()}_PYTHON"
    here = sys.executable if importlib.util.find_spec(module) else None
    how = f"pip install {module}=={VERSIONS[module]} in an environment of its own, then set {variable} to its python"
    return os.environ.get(variable) or here, how


def answer(module: str, script: str, given: object = None) -> Any:
    """Return the JSON that ``script --peer`` prints last where ``module`` is installed, or how to install it.

    The script reads ``given`` as JSON from its standard input.
    """
    python, how = interpreter(module)
    if python is None:
        return f"not installed: {how}"
    command = [python, script, "--peer"]
    code = subprocess.run(command, input=json.dumps(given), stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(code.stdout.splitlines()[-1])
