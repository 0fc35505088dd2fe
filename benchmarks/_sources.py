"""What the numbers of a benchmark come from: its own files, and the modules of the library that it imports."""

import ast
import hashlib

from tools.isolation import ROOT
from tools.sources import hash_of, with_imports

__all__ = ["library", "source"]

_CHECKS = "spinlib/_validate.py"  # changes no number, so that with_imports leaves it out, but costs time


def source(name: str) -> dict[str, str]:
    """Return the hashes of a benchmark's own files; comments do not count."""
    return {file: hash_of(file) for file in _files(name) if not _of_library(file)}


def library(name: str) -> str:
    """Return one hash of the modules of the library that a benchmark imports; their comments do not count."""
    files = {_CHECKS, *filter(_of_library, _files(name))}
    return hashlib.sha256("".join(f"{file} {hash_of(file)}\n" for file in sorted(files)).encode()).hexdigest()


def _of_library(file: str) -> bool:
    return file.startswith("spinlib/")


def _files(name: str) -> list[str]:
    """Return a script and what it imports of this tree; scripts know their neighbours by bare names."""
    scripts = [f"benchmarks/{name}.py"]
    for script in scripts:  # grows
        for node in ast.walk(ast.parse((ROOT / script).read_bytes())):
            if isinstance(node, ast.ImportFrom):
                beside = f"benchmarks/{node.module}.py"
                if beside not in scripts and (ROOT / beside).is_file():
                    scripts.append(beside)
    return with_imports(scripts)
