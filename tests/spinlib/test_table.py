"""Results as columns and as a CSV file."""

import csv

import numpy as np
import pytest

from spinlib.scattering.closed_forms import slonczewski_parameters
from spinlib.scattering.stack import ferromagnet, normal_metal, transport

THETA = np.array([0.3, 1.1, 2.9])
N = np.array([[1.0], [0.4]])


@pytest.fixture
def result():
    return transport([ferromagnet(0.6, 0.2, theta=THETA), normal_metal(N), ferromagnet(0.5, 0.3)])


def test_invariant_columns_hold_every_number_of_the_result(result):
    table = result.columns(theta=THETA, spacer=N)
    assert list(table)[:3] == ["theta", "spacer", "conductance"]
    assert len(table) == 2 + 1 + 4 + 4 * 3 + 3 * 3 + 3 * 3
    assert {column.shape for column in table.values()} == {(6,)}
    np.testing.assert_array_equal(table["theta"], np.tile(THETA, 2))
    np.testing.assert_array_equal(table["spacer"], np.repeat([1.0, 0.4], 3))
    np.testing.assert_array_equal(table["torque_2_x"], result.torque[..., 2, 0].ravel())
    np.testing.assert_array_equal(table["spin_current_3_z"], result.spin_current[..., 3, 2].ravel())
    np.testing.assert_array_equal(table["charge_current_1"], result.charge_current[..., 1].ravel())


def test_invariant_two_layers_have_three_regions_not_three_components():
    table = transport([ferromagnet(0.6, 0.2), ferromagnet(0.5, 0.3)]).columns()
    assert "charge_current_2" in table
    assert "charge_current_z" not in table


def test_invariant_a_file_keeps_all_digits(result, tmp_path):
    path = tmp_path / "valve.csv"
    result.to_csv(path, theta=THETA)
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    table = result.columns(theta=THETA)
    assert [head.partition(" [")[0] for head in rows[0]] == list(table)
    for head, column in zip(rows[0], table.values(), strict=True):
        np.testing.assert_array_equal([float(row[head]) for row in rows], column)
    # Units are those of the field, also where one name begins like another.
    assert {"theta", "conductance [e^2/h per channel]", "torque_2_x [hbar/2 per channel]"} <= set(rows[0])
    assert "torque_per_current_2_x [hbar/2 per electron]" in rows[0]


def test_invariant_a_single_point_is_one_row():
    form = slonczewski_parameters(ferromagnet(0.6, 0.2), 1.0, ferromagnet(0.5, 0.3))
    table = form.columns()
    assert table["asymmetry_free"] == form.asymmetry_free
    assert {column.shape for column in table.values()} == {(1,)}


def test_bad_input_a_file_that_exists_is_kept(result, tmp_path):
    path = tmp_path / "valve.csv"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        result.to_csv(path)
    assert path.read_text(encoding="utf-8") == "mine"
    result.to_csv(path, overwrite=True)
    assert path.read_text(encoding="utf-8").startswith("conductance [e^2/h per channel],")


@pytest.mark.parametrize(
    ("along", "message"),
    [
        ({"theta": np.zeros(4)}, r"theta has shape \(4,\): pass one that broadcasts to \(2, 3\)"),
        ({"theta": "all"}, "theta = 'all' is not an array of real numbers: pass the coordinate of each point"),
        ({"theta": np.nan}, "theta = nan is not finite: pass the coordinate of each point"),
        ({"torque_0_x": 1.0}, "torque_0_x is a column of the result: give the coordinate another name"),
    ],
)
def test_bad_input_coordinates(result, along, message):
    with pytest.raises(ValueError, match=message):
        result.columns(**along)
