"""Files of sweeps that come to harm: another process reads them or wants them, a byte changes, a result is gone."""

import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from spinlib._checkpoint import opened
from spinlib.sweep import sweep

HERE = {"engine": "sequential"}

OTHER = """
import sys
from spinlib._checkpoint import opened
from pathlib import Path
try:
    with opened(Path(sys.argv[1])):
        print("taken")
except ValueError as error:
    print("in use" in str(error))
"""


def double(a):
    return {"x": 2.0 * a, "y": a}


@pytest.mark.parametrize("harm", ["second sweep", "read", "copy"])
def test_bad_input_another_process_while_this_one_reads_the_file(harm, tmp_path):
    """What this process does with the file does not open it to others."""
    path = tmp_path / "run.db"
    with opened(path):
        if harm == "second sweep":
            with pytest.raises(ValueError, match="in use"):
                sweep(double, {"a": [1]}, checkpoint=path, **HERE)
        elif harm == "read":
            path.read_bytes()
        else:
            shutil.copy(path, tmp_path / "copy.db")
        done = subprocess.run([sys.executable, "-c", OTHER, path], capture_output=True, text=True, check=True)
        assert done.stdout == "True\n"


@pytest.mark.parametrize("place", range(20))
def test_bad_input_a_byte_that_changed(place, tmp_path):
    path = tmp_path / "run.db"
    sweep(double, {"a": [1.5]}, checkpoint=path, **HERE)
    with closing(sqlite3.connect(path)) as file, file:
        value = bytearray(file.execute("SELECT value FROM results WHERE name = 'x'").fetchone()[0])
        value[place * len(value) // 20] ^= 1
        file.execute("UPDATE results SET value = ? WHERE name = 'x'", (bytes(value),))
    with pytest.raises(ValueError, match="damaged"):
        sweep(double, {"a": [1.5]}, checkpoint=path, **HERE)


def test_bad_input_a_result_that_is_gone(tmp_path):
    path = tmp_path / "run.db"
    sweep(double, {"a": [1, 2]}, checkpoint=path, **HERE)
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DELETE FROM results WHERE name = 'y' AND rowid = (SELECT max(rowid) FROM results)")
    with pytest.raises(ValueError, match="damaged"):
        sweep(double, {"a": [1, 2]}, checkpoint=path, **HERE)


def test_limit_a_file_without_points_belongs_to_nobody(tmp_path):
    def f(a):
        raise KeyError

    with pytest.raises(RuntimeError):
        sweep(f, {"a": [1]}, checkpoint=tmp_path / "run.db", **HERE)
    assert sweep(double, {"a": [1]}, checkpoint=tmp_path / "run.db", **HERE).computed == 1
