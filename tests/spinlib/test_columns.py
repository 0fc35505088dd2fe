"""`spinlib.columns`: measurements come out in SI, whatever unit the header states; what is no table is refused."""

import csv
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spinlib._written import UNITS, factor
from spinlib.columns import read_columns
from spinlib.materials import _SI
from tests.bad_input import Refusal, refusals

NEEDED = {"thickness": "length", "linewidth": "field"}
MORE = {"uncertainty": "field", "repeats": "number"}


def read(text, required=NEEDED, optional=MORE):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "own.csv"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return read_columns(file, required, optional)


@pytest.mark.parametrize(
    "text",
    [
        "thickness [nm],linewidth [mT]\n5,2.5\n10,1.5\n",
        "thickness_nm,linewidth_mT\n# a remark, with a comma\n5,2.5\n\n10,1.5",
        "linewidth [T],thickness [m]\r\n2.5e-3,5e-9\r\n1.5e-3,1e-8\r\n",
        "\ufeff# remark first\nthickness [Å], linewidth [mT] ,uncertainty [mT]\n 50 ,2.5,\n100,1.5,\n",
    ],
    ids=["brackets", "underscores", "SI, another order", "as a spreadsheet saves it"],
)
def test_invariant_the_same_films_in_any_unit(text):
    table = read(text)
    assert set(table) == {"thickness", "linewidth"}
    np.testing.assert_allclose(table["thickness"], [5e-9, 1e-8], rtol=1e-15)
    np.testing.assert_allclose(table["linewidth"], [2.5e-3, 1.5e-3], rtol=1e-15)


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5),
    st.sampled_from([(name, unit) for name, units in UNITS.items() for unit in units if name != "number"]),
)
def test_invariant_a_column_is_its_numbers_times_the_unit(values, kind):
    dimension, unit = kind
    text = f"value [{unit}]\n" + "".join(f"{value!r}\n" for value in values)
    found = read(text, {"value": dimension}, {})["value"]
    np.testing.assert_allclose(found, np.array(values) * float(factor("value", unit, dimension)), rtol=1e-15)


def test_limit_units_are_those_of_the_table_of_materials():
    """The two lists of units overlap; where they do, they agree."""
    shared = [(unit, value) for units in UNITS.values() for unit, value in units.items() if unit in _SI]
    assert len(shared) >= 8
    for unit, value in shared:
        assert value == _SI[unit], unit


def test_limit_units_by_their_definitions():
    assert float(UNITS["field"]["Oe"]) == pytest.approx(1e-4, rel=1e-9, abs=0)  # 4 pi 1e-7 T m/A times 1e3/4 pi A/m
    assert float(UNITS["angle"]["deg"]) * 180 == pytest.approx(np.pi, rel=1e-15, abs=0)
    assert float(UNITS["conductance per area"]["e^2/h/nm^2"]) == pytest.approx(1e18 / 25812.80745, rel=1e-9, abs=0)
    assert float(UNITS["resistivity"]["uOhm cm"]) == 1e-8
    assert float(UNITS["area resistance"]["mOhm um^2"]) == 1e-15


def test_limit_a_table_that_the_library_wrote_is_read(tmp_path):
    """`Table.to_csv` writes the unit in brackets, too."""
    file = tmp_path / "out.csv"
    with file.open("w", newline="") as stream:
        csv.writer(stream).writerows([["thickness [m]", "linewidth [T]"], [3e-9, 1e-3]])
    assert read_columns(file, NEEDED)["linewidth"].tolist() == [1e-3]


@refusals(
    Refusal("another dimension", read, {"text": "thickness [mT],linewidth [mT]\n1,1\n"}, ("line 1", "'mT'", "nm, um")),
    Refusal("unknown unit", read, {"text": "thickness [nm],linewidth [G]\n1,1\n"}, ("linewidth", "'G'", "T, mT, Oe")),
    Refusal("no unit", read, {"text": "thickness,linewidth_mT\n1,1\n"}, ("'thickness' has no unit", "[nm]")),
    Refusal("unknown column", read, {"text": "thickness_nm,width_mT\n1,1\n"}, ("'width_mT'", "write thickness [nm]")),
    Refusal("missing column", read, {"text": "thickness_nm\n1\n"}, ("own.csv, line 1", "linewidth is missing")),
    Refusal(
        "column twice",
        read,
        {"text": "thickness_nm,thickness [m],linewidth_T\n1,1,1\n"},
        ("thickness is there twice", "leave one out"),
    ),
    Refusal("tabs", read, {"text": "thickness_nm\tlinewidth_mT\n1\t1\n"}, ("has tabs", "write commas")),
    Refusal("beyond a float", read, {"text": "thickness_nm,linewidth_mT\n1,1\n1,1e400\n"}, ("line 3", "is not finite")),
    Refusal("semicolons", read, {"text": "thickness_nm;linewidth_mT\n1;1\n"}, ("semicolons", "write commas")),
    Refusal(
        "decimal comma",
        read,
        {"text": "thickness_nm,linewidth_mT\n1,2\n1,5,2\n"},
        ("own.csv, line 3", "3 entries, the header 2", "decimal points"),
    ),
    Refusal(
        "no number", read, {"text": "thickness_nm,linewidth_mT\n1,n.a.\n"}, ("line 2: linewidth = 'n.a.'", "write a")
    ),
    Refusal("not finite", read, {"text": "thickness_nm,linewidth_mT\n1,nan\n"}, ("linewidth = 'nan'", "finite")),
    Refusal("empty entry", read, {"text": "thickness_nm,linewidth_mT\n1,\n"}, ("line 2: linewidth is empty", "write")),
    Refusal(
        "half a column",
        read,
        {"text": "thickness_nm,linewidth_mT,uncertainty_mT\n1,1,0.1\n2,1,\n"},
        ("line 3: uncertainty is empty", "leave the whole column empty"),
    ),
    Refusal("no data", read, {"text": "thickness_nm,linewidth_mT\n# nothing\n"}, ("no line of numbers", "add the")),
    Refusal("empty file", read, {"text": ""}, ("own.csv", "thickness is missing")),
    Refusal("a spreadsheet", read, {"text": b"PK\x03\x04\xff\xfe"}, ("own.csv is not UTF-8", "save it as CSV")),
    Refusal(
        "unknown dimension", read, {"text": "a_nm\n1\n", "required": {"a": "mass"}}, ("a = 'mass'", "length, frequency")
    ),
)
def test_bad_input_columns(refusal):
    refusal.check()
