"""Load the precomputed arrays of a chapter: heavy ensembles that its notebook compares with a smaller live run."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["digest", "load"]


def load(path: str | Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Return the arrays of a file, and how they were made.

    Args:
        path: a JSON file beside the chapter; its numbers read back exactly as they were computed.

    Returns:
        The arrays by name; the record with ``command``, ``seeds``, ``code`` (hash of each source) and ``versions``.

    Raises:
        ValueError: the file is damaged or was edited.
        FileNotFoundError: there is no such file.

    >>> load("nowhere.json")
    Traceback (most recent call last):
    ...
    FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.json'
    """
    path = Path(path)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        if record.pop("digest") != digest(record):
            raise ValueError("edited by hand")
        return {name: _decode(item) for name, item in record.pop("arrays").items()}, record
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{path.name} is damaged ({error}): restore it, or remake it as its chapter says") from None


def digest(record: dict[str, Any]) -> str:
    """Return the hash that a file carries of its own content.

    >>> digest({})[:8]
    '44136fa3'
    """
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _decode(item: dict[str, Any]) -> NDArray[Any]:
    kind = np.dtype(item["dtype"])
    numbers = np.array(item["data"], dtype=np.float64 if kind.kind == "c" else kind)
    return np.asarray(numbers.view(kind).reshape(item["shape"]))
