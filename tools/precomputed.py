"""Make and check small files of precomputed arrays that say how they were made; `spinlib.precomputed` loads them.

The format is JSON with one number per line: git shows what changed, loading executes nothing, and Python writes a float
in the shortest way that reads back exactly, so equal arrays give equal bytes on every machine. An npz archive holds
time stamps and depends on the compressor. A complex number is stored as its real, then its imaginary part.
"""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spinlib.precomputed import digest, load
from tools.isolation import ROOT, write_whole
from tools.sources import hash_of, with_imports

LIMIT = 1_000_000
MEASURED = "measured.json"
"""Name of a file beside a chapter that holds times or counts of a machine."""
_STORED = {"b": "bool", "i": "int64", "u": "int64", "f": "float64", "c": "complex128"}


def save(path: str | Path, arrays: Mapping[str, ArrayLike], *, command: str, seeds: Sequence[int],
         code: Sequence[str | Path], versions: Sequence[str], replace: bool = False) -> None:  # fmt: skip
    """Write arrays with the command, seeds, source files and package versions that made them.

    Of the sources (below the root), what they import from this tree is kept, too.

    The file is written whole or not at all. Raises ValueError for what cannot be stored exactly or takes 1 MB, an
    unknown source or package, no command; FileExistsError if other content is there and `replace` is false.
    """
    path = Path(path)
    if not arrays or not command.strip() or not code:
        raise ValueError("arrays, command or code is empty: pass what was computed, how, and by which files")
    record: dict[str, Any] = {
        "command": command,
        "seeds": [int(seed) for seed in seeds],
        "code": {source: hash_of(source) for source in with_imports(code)},
        "versions": {name: _version(name) for name in versions},
        "arrays": {name: _encode(name, array) for name, array in arrays.items()},
    }
    record["digest"] = digest(record)
    content = (json.dumps(record, indent=0, sort_keys=True) + "\n").encode()
    if len(content) >= LIMIT:
        raise ValueError(f"{path.name} would have {len(content)} bytes, the limit is below {LIMIT}: store fewer points")
    if path.exists() and path.read_bytes() != content and not replace:
        raise FileExistsError(f"{path.name} holds other data: pass replace=True to overwrite it")
    write_whole(path, content)


def verify(path: str | Path) -> list[str]:
    """Return one line per problem: damaged, 1 MB or more, or made by code that has changed since."""
    path = Path(path)
    problems = [f"{path.name} is not below {LIMIT} bytes: store fewer points"] if path.stat().st_size >= LIMIT else []
    try:
        _, record = load(path)
    except ValueError as error:
        return [*problems, str(error)]
    return problems + [
        f"{path.name}: {source} changed since, remake with: {record['command']}"
        for source, old in record["code"].items()
        if not (ROOT / source).is_file() or hash_of(source) != old
    ]


def stored(folder: str | Path = ROOT / "book") -> list[Path]:
    """Return the precomputed files in the folders of chapters; what was measured is none, for no code can remake it."""
    chapters = [page.with_suffix("") for page in sorted(Path(folder).rglob("*.md"))]
    return [path for chapter in chapters for path in sorted(chapter.glob("*.json")) if path.name != MEASURED]


def stale(folder: str | Path = ROOT / "book", total: int = 10 * LIMIT) -> list[str]:
    """Return the problems of all precomputed files in the folders of chapters, and of their total size."""
    files = stored(folder)
    size = sum(path.stat().st_size for path in files)
    heavy = [f"precomputed data take {size} bytes, the limit is {total}: store fewer points"] if size > total else []
    return heavy + [problem for path in files for problem in verify(path)]


def _encode(name: str, array: ArrayLike) -> dict[str, Any]:
    values = np.asarray(array)
    kind = _STORED.get(values.dtype.kind)
    if kind is None or not np.can_cast(values.dtype, kind, "safe"):
        raise ValueError(f"{name} has type {values.dtype}: pass booleans, int64, float64 or complex128 at most")
    if not np.isfinite(values).all():
        raise ValueError(f"{name} has entries that are not finite: leave them out, JSON has no such number")
    flat = np.ascontiguousarray(values, dtype=kind).reshape(-1)
    numbers = flat.view(np.float64) if kind == "complex128" else flat
    return {"dtype": kind, "shape": list(values.shape), "data": numbers.tolist()}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        raise ValueError(f"versions names {name}, which is not installed: pass names of installed packages") from None
