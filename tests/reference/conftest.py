"""nbval runs the notebooks of this folder and compares their text; here the plotted data are compared as well."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from tests.figure_check import differences
from tools.notebooks import FIGURE, IMAGES


def _published(item: IPyNbCell) -> list[dict[str, Any]]:
    outputs = item.test_outputs or []
    return [output["metadata"][FIGURE] for output in outputs if FIGURE in output.get("metadata", {})]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """After nbval's own comparison, compare the figures that the cell published with the stored ones."""
    if not isinstance(item, IPyNbCell):
        yield
        return
    file: IPyNbFile = item.parent
    file.skip_compare = tuple(dict.fromkeys((*file.skip_compare, *IMAGES)))
    yield
    path = Path(str(file.path)).with_suffix(".figures.json")
    stored = json.loads(path.read_text(encoding="utf-8"))
    lines = []
    for record in _published(item):
        if record["name"] not in stored:
            lines.append(f"{record['name']} has no reference: make reference")
        else:
            lines += differences(stored[record["name"]], record["axes"], record["name"])
    if lines:
        pytest.fail("\n".join(["the figure differs from its reference:", *lines[:20]]), pytrace=False)
