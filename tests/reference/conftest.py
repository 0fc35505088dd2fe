"""nbval runs the notebooks of this folder and compares their text; here the plotted data are compared as well."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from nbformat import NotebookNode
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile

from tests.figure_check import differences
from tools.notebooks import FIGURE, IMAGES, folder_of, named, not_compared

_setup = IPyNbFile.setup


def _setup_in_the_folder_of_the_chapter(file: IPyNbFile) -> None:
    """A chapter reads its data from beside itself, as in the build."""

    def start(kernel_name: str, cwd: str, **options: Any) -> RunningKernel:
        return RunningKernel(kernel_name, cwd=str(folder_of(file.path.stem)), **options)

    with patch("nbval.plugin.RunningKernel", start):
        _setup(file)


IPyNbFile.setup = _setup_in_the_folder_of_the_chapter


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, None, None]:
    """After nbval's own comparison, compare the names that the cell hands on, and the figures with the stored ones."""
    if not isinstance(item, IPyNbCell):
        yield
        return
    file: IPyNbFile = item.parent
    usual = file.skip_compare
    leave_out = [kind for output in item.cell.outputs for kind in not_compared(output)]
    file.skip_compare = (*usual, *IMAGES, *leave_out)
    yield
    file.skip_compare = usual
    outputs = item.test_outputs or []
    before, now = named(item.cell), named(NotebookNode(outputs=outputs))
    lines = [] if before == now else [f"published and glued: {before} before, {now} now"]
    records = [output["metadata"][FIGURE] for output in outputs if FIGURE in output.get("metadata", {})]
    path = Path(file.path).with_suffix(".figures.json")
    stored = json.loads(path.read_text(encoding="utf-8")) if records else {}
    for record in records:
        name = record["name"]
        if name in stored:
            found = {part: record[part] for part in record if part != "name"}
            lines += differences(stored[name], found, name)
        else:
            lines.append(f"{name} has no reference: make reference")
    if lines:
        pytest.fail("\n".join(["the cell differs from its reference:", *lines[:20]]), pytrace=False)
