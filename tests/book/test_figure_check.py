"""The comparison of plotted data sees what it should and nothing else."""

import copy

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("agg")

import matplotlib.pyplot as plt

from spinlib.plotting import figure_data, summary
from tests.figure_check import TOLERANCE, differences


@pytest.fixture
def record():
    figure, axes = plt.subplots()
    x = np.linspace(0, 3, 50)
    axes.plot(x, np.sin(x), label="curve")
    axes.scatter(x[:5], x[:5], color="red")
    axes.bar([1, 2], [3, 4])
    axes.fill_between(x, 0, 1)
    axes.text(1, 1, "note")
    axes.imshow(np.eye(2))
    axes.set(xlabel="x", ylabel="y")
    axes.legend()
    axes.inset_axes((0.1, 0.1, 0.2, 0.2)).plot([0, 1], [1, 2])
    figure.suptitle("all of it")
    figure.legend()
    yield figure_data(figure)
    plt.close(figure)


def test_equal_records_do_not_differ(record):
    assert differences(record, copy.deepcopy(record)) == []


@pytest.mark.parametrize(
    ("path", "change"),
    [
        (("lines", 0, "y"), lambda y: [value + 1e-5 for value in y]),
        (("lines", 0, "y"), lambda y: [*y[:-1], None]),
        (("lines", 0, "y"), lambda y: y[:-1]),
        (("lines", 0, "color"), lambda _: ["#0072b3ff"]),
        (("lines", 0, "label"), lambda _: "other"),
        (("lines", 0, "style"), lambda style: ["--", *style[1:]]),
        (("lines", 0, "alpha"), lambda _: 0.02),
        (("lines", 0, "visible"), lambda _: False),
        (("x-axis", "limits"), lambda limits: [limits[0], limits[1] * 1.00001]),
        (("y-axis", "label"), lambda _: "z"),
        (("x-axis", "scale"), lambda _: "log"),
        (("x-axis", "ticks"), lambda ticks: [*ticks[:-1], "wrong"]),
        (("frame",), lambda _: False),
        (("legend",), lambda _: []),
        (("legend", 0, 1), lambda _: "['#000000ff']"),
        (("collections", 0, "offsets"), lambda points: [[1.0, 1.0], *points[1:]]),
        (("collections", 0, "color"), lambda color: [["#00ff00ff"], color[1]]),
        (("collections", 1, "vertices"), lambda paths: [[[0.5, 0.5], *paths[0][1:]]]),
        (("patches", 0, "vertices"), lambda corners: [*corners[:-1], [9.0, 9.0]]),
        (("texts", 0, "text"), lambda _: "other note"),
        (("images", 0, "values"), lambda _: [[1.0, 0.0], [0.1, 1.0]]),
        (("images", 0, "extent"), lambda extent: [extent[0], 2 * extent[1], *extent[2:]]),
        (("images", 0, "map"), lambda _: "gray"),
        (("images", 0, "range"), lambda _: [0.0, 2.0]),
        (("insets", 0, "lines", 0, "y"), lambda y: [2 * value for value in y]),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_every_kind_of_change_is_seen(record, path, change):
    changed = copy.deepcopy(record)
    place = changed["axes"][0]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = change(place[path[-1]])
    assert differences(record, changed)


@pytest.mark.parametrize("part", ["texts", "legends"])
def test_what_belongs_to_no_panel_is_seen(record, part):
    assert record[part]
    assert differences(record, {**record, part: []})


def test_axes_of_points_have_scales_of_their_own():
    """A large x does not hide a change of y."""
    points = [[0.0, 1e6], [0.5, 2e6], [1.0, 3e6]]
    assert differences(points, [[x + 0.3, y] for x, y in points])
    assert differences(points, [[x, y + 10] for x, y in points])


def test_rounding_is_no_difference(record):
    changed = copy.deepcopy(record)
    line = changed["axes"][0]["lines"][0]
    line["y"] = [value * (1 + 0.1 * TOLERANCE) for value in line["y"]]
    assert differences(record, changed) == []


def test_small_values_beside_large_ones_count(record):
    """A curve that diverges at one end does not hide a shift at the other."""
    values = [0.1, 0.2, 0.3, 0.4, 1e6]
    assert differences(values, [value + 1e-5 for value in values])


def test_summary_counts_the_zeros_of_a_curve_that_oscillates():
    figure, axes = plt.subplots()
    x = np.linspace(0.5, 30.5, 6001)
    axes.plot(x, np.sin(np.pi * x), label="wave")
    assert "; 30 zeros from 1 to 30; " in summary(figure)
    plt.close(figure)


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_summary_ignores_rounding_noise(zero):
    figure, axes = plt.subplots()
    axes.plot([zero, 1, 2], [zero, 1, 1e-17], label="curve")
    text = summary(figure)
    plt.close(figure)
    assert text == "curve: x 0 to 2; min 0 at 0; max 1 at 1; zeros at 0, 2; integral 1"


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("above", "place"), [(1e-12, 1), (1e-6, 2)])
def test_summary_places_an_extremum_where_it_first_is_but_for_rounding(sign, above, place):
    """A flat part has its maximum or minimum at its first point; another one that is higher by 1e-6 is the true one."""
    figure, axes = plt.subplots()
    axes.plot([0, 1, 2, 3], sign * np.array([0.5, 1, 1 + above, 0.25]), label="curve")
    text = summary(figure)
    plt.close(figure)
    assert (f"; max 1 at {place}; " if sign > 0 else f"; min -1 at {place}; ") in text
    assert ("; min 0.25 at 3; " if sign > 0 else "; max -0.25 at 3; ") in text
