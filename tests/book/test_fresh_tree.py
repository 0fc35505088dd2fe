"""The long lane: a stranger's tree with no environment, on every Python of this machine that the book supports."""

import shutil
import subprocess
import sys

import pytest

from tests.book.building import MADE, PYTHON, snapshot, stranger
from tools.notebooks import ROOT

pytestmark = [pytest.mark.full, pytest.mark.build]


def interpreter(version):
    """A working interpreter of that version, or None: a name on the path may be a shim that leads nowhere."""
    if f"{sys.version_info[0]}.{sys.version_info[1]}" == version:
        return PYTHON
    found = shutil.which(f"python{version}")
    works = (
        found and subprocess.run([found, "-c", "import ensurepip"], capture_output=True, check=False).returncode == 0
    )
    return found if works else None


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_book_and_package_from_nothing(version, tmp_path):
    python = interpreter(version)
    if python is None:
        pytest.skip(f"python{version} is not on this machine")
    tree = tmp_path / "tree"
    shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns(*MADE))
    before = snapshot(tree)
    for command in (["book"], ["test", "-m", "not build and not full and not reader"]):
        words = [python, "tools/house.py", *command]
        result = subprocess.run(words, cwd=tree, env=stranger(), capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stdout[-5000:] + result.stderr[-2000:]
    assert (tree / "_build" / "html" / "index.html").exists()
    assert snapshot(tree) == before
