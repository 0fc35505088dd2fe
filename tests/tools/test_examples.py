"""Hypothesis draws the same examples whatever else is imported."""

import os
import subprocess
import sys
from pathlib import Path

from tools.isolation import ROOT

SCRIPT = """
import sys
if "constants" in sys.argv:
    import peculiar
if "house" in sys.argv:
    import tests.examples
from hypothesis import given, settings
from hypothesis import strategies as st

@settings(derandomize=True, database=None, max_examples=300)
@given(st.lists(st.floats(1e-3, 1e9), min_size=3, max_size=3))
def draw(values):
    drawn.append(values)

drawn = []
draw()
print(hash(repr(drawn)))
"""


def drawn(folder: Path, *words: str) -> str:
    environment = os.environ | {"PYTHONPATH": f"{folder}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-c", SCRIPT, *words]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True).stdout


def test_invariant_examples_do_not_depend_on_what_is_imported(tmp_path: Path) -> None:
    (tmp_path / "peculiar.py").write_text(f"NUMBERS = {[1234.5 + k for k in range(50)]}\n")
    assert drawn(tmp_path, "constants") != drawn(tmp_path), "without the settings of the house they do"
    assert drawn(tmp_path, "house", "constants") == drawn(tmp_path, "house")
