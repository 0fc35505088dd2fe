"""The net holds: four small faults in a chapter, each caught by nbval or by the check of the plotted data."""

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


def run_nbval(directory: Path) -> subprocess.CompletedProcess[str]:
    nbval = [sys.executable, "-m", "pytest", "--nbval", "--nbval-current-env", "-p", "no:cacheprovider", "-q"]
    command = [*nbval, "--color=no", "-c", ROOT / "pyproject.toml", "--rootdir", directory, directory]
    return subprocess.run(command, cwd=ROOT, env=os.environ, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutation_of_a_chapter_is_caught(name, tmp_path):
    old, new, report = MUTATIONS[name]
    for file in (f"{CHAPTER}.ipynb", f"{CHAPTER}.figures.json", "conftest.py"):
        shutil.copy(REFERENCE / file, tmp_path / file)
    path = tmp_path / f"{CHAPTER}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    hits = [cell for cell in notebook.cells if cell.source.count(old) == 1]
    assert len(hits) == 1, f"the chapter no longer holds {old!r} in one place: choose another mutation"
    hits[0].source = hits[0].source.replace(old, new)
    nbformat.write(notebook, path)
    result = run_nbval(tmp_path)
    counts = re.search(r"(\d+) failed, (\d+) passed", result.stdout)
    assert counts, result.stdout + result.stderr
    assert report in result.stdout, result.stdout
    # Only the cells that show the fault fail: the rest of the notebook runs and passes, as without the fault.
    assert int(counts[1]) <= 3


def test_a_notebook_runs_beside_its_data(tmp_path):
    """In the build a chapter reads files from its own folder; nbval must find them, too."""
    shutil.copy(REFERENCE / "conftest.py", tmp_path / "conftest.py")
    (tmp_path / f"{CHAPTER}.figures.json").write_text("{}", encoding="utf-8")
    cell = nbformat.v4.new_code_cell(f"from pathlib import Path\nprint(Path('{CHAPTER}.md').exists())")
    cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text="True\n")]
    cell.execution_count = 1
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / f"{CHAPTER}.ipynb")
    result = run_nbval(tmp_path)
    assert result.returncode == 0, result.stdout


def test_figure_without_reference_fails(tmp_path):
    for file in (f"{CHAPTER}.ipynb", "conftest.py"):
        shutil.copy(REFERENCE / file, tmp_path / file)
    stored = json.loads((REFERENCE / f"{CHAPTER}.figures.json").read_text(encoding="utf-8"))
    del stored["fig-kk-4-left"]
    (tmp_path / f"{CHAPTER}.figures.json").write_text(json.dumps(stored), encoding="utf-8")
    result = run_nbval(tmp_path)
    assert result.returncode == 1
    assert "fig-kk-4-left has no reference" in result.stdout
