"""The net holds: small faults in a chapter, each caught in its cell by nbval or by the check of the plotted data."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tools.notebooks import REFERENCE, ROOT

CHAPTER = "scattering_torque"

# name: (text of one cell of the chapter, what replaces it, what the report must say)
MUTATIONS = {
    "a number times 1.001": (
        'f"slope at 0: {at_zero:.4f};',
        'f"slope at 0: {1.001 * at_zero:.4f};',
        "0.4698",
    ),
    "a colour only": (
        "axes.plot(spacer_values, solid, label=",
        'axes.plot(spacer_values, solid, color="#0072b3", label=',
        "fig-kk-4-right.axes[0].lines[0].color[0]: '#0072b2ff' before, '#0072b3ff' now",
    ),
    "a curve shifted by 1e-5": (
        "axes.plot(inner / np.pi, clean.torque_per_current[:, 2, 0], label=",
        "axes.plot(inner / np.pi, clean.torque_per_current[:, 2, 0] + 1e-5, label=",
        "fig-kk-4-left.axes[0].lines[1].y",
    ),
    "a figure shown without its data": (
        'plotting.publish(figure, "fig-kk-limits")',
        "display(figure)\nplt.close(figure)",
        "published and glued: [('spinlib_figure', 'fig-kk-limits')] before, [] now",
    ),
    "a missing seed": (
        "rng = np.random.default_rng(2018)",
        "rng = np.random.default_rng()",
        "means of the sample: g =",
    ),
}
UNKNOWN = "fig-kk-wavy"
"""A figure whose plotted data are taken out of the reference."""
BESIDE = f"from pathlib import Path\nprint(Path('{CHAPTER}.md').exists())"
"""A cell that looks for a file of the folder of the chapter."""


def run_nbval(directory: Path) -> subprocess.CompletedProcess[str]:
    nbval = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "-q"]
    command = [*nbval, "--color=no", "-c", ROOT / "pyproject.toml", "--rootdir", directory, directory]
    return subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory):
    """One run with all faults, each in a cell of its own: the reports of the cells that fail, and the cells.

    The last cell, beside the faults, looks for a file.
    """
    folder = tmp_path_factory.mktemp("faulty")
    for file in (f"{CHAPTER}.ipynb", f"{CHAPTER}.figures.json", "conftest.py"):
        shutil.copy(REFERENCE / file, folder / file)
    path = folder / f"{CHAPTER}.ipynb"
    notebook = nbformat.read(path, as_version=4)

    def cell_with(text):
        hits = [number for number, cell in enumerate(notebook.cells) if cell.source.count(text) == 1]
        assert len(hits) == 1, f"the chapter no longer holds {text!r} in one place: choose another mutation"
        return hits[0]

    cells = {name: cell_with(old) for name, (old, _, _) in MUTATIONS.items()}
    for name, (old, new, _) in MUTATIONS.items():
        cell = notebook.cells[cells[name]]
        cell.source = cell.source.replace(old, new)
    output = nbformat.v4.new_output("stream", name="stdout", text="True\n")
    notebook.cells.append(nbformat.v4.new_code_cell(BESIDE, outputs=[output], execution_count=len(notebook.cells) + 1))
    nbformat.write(notebook, path)
    cells[UNKNOWN] = cell_with(f'plotting.publish(figure, "{UNKNOWN}")')
    stored = json.loads((folder / f"{CHAPTER}.figures.json").read_text(encoding="utf-8"))
    del stored[UNKNOWN]
    (folder / f"{CHAPTER}.figures.json").write_text(json.dumps(stored), encoding="utf-8")
    assert len(set(cells.values())) == len(cells), "two faults stand in one cell: choose another mutation"
    result = run_nbval(folder)
    heads = rf"^_+ {CHAPTER}\.ipynb::Cell (\d+) _+$"
    parts = re.split(heads, result.stdout.partition("short test summary")[0], flags=re.MULTILINE)
    reports = {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}
    counts = re.search(r"(\d+) failed, (\d+) passed", result.stdout)
    assert counts, result.stdout + result.stderr
    assert [int(count) for count in counts.groups()] == [len(reports), len(notebook.cells) - len(reports)]
    return reports, cells, len(notebook.cells) - 1


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutation_of_a_chapter_is_caught(name, faulty):
    reports, cells, _ = faulty
    assert MUTATIONS[name][2] in reports.get(cells[name], ""), reports


def test_figure_without_reference_fails(faulty):
    reports, cells, _ = faulty
    assert f"{UNKNOWN} has no reference" in reports.get(cells[UNKNOWN], ""), reports


def test_only_the_cells_that_show_a_fault_fail(faulty):
    """The rest of the notebook runs and passes, as without the faults."""
    reports, cells, _ = faulty
    assert set(reports) == set(cells.values())


def test_a_notebook_runs_beside_its_data(faulty):
    """In the build a chapter reads files from its own folder; nbval must find them, too."""
    reports, _, last = faulty
    assert last not in reports, reports
