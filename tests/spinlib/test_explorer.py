"""Explorers as notebooks hand them to the page; ``tests/book/test_explorers.py`` moves them in Chromium."""

import json
import re
from unittest.mock import patch

import numpy as np
import pytest

from spinlib.explorer import Slider, publish
from tests.bad_input import Refusal, refusals

X = Slider("x", "angle", [0, 1, 2], 1, "rad")
P = Slider("P", "polarization", [0.2, 0.4], 0.4)
USUAL = {"x": X, "y": "torque [J]", "curves": {"one": "P*x"}, "sliders": [P]}


def shown(name="explorer-a", title="A title", **changes):
    """What ``publish`` displays."""
    with patch("spinlib.explorer.display") as display:
        publish(name, title, **(USUAL | changes))
    ((data,), options) = display.call_args
    assert options["raw"]
    assert options["metadata"] == {"spinlib_explorer": {"name": name}}
    return data


def arguments(data):
    """State, curves and readouts that the page calls the script with."""
    return re.search(r"^spinlibExplorer\((.*)\);$", data["text/html"], re.MULTILINE)[1]


def test_explorer_hands_over_expressions_of_its_names():
    called = arguments(shown(readouts={"half [J]": "P/2"}))
    assert '["one", ({ x, P }) => P*x]' in called
    assert '["half [J]", ({ x, P }) => P/2]' in called


def test_explorer_hands_over_tables_in_the_order_of_its_sliders():
    q = Slider("q", "other", [1, 2, 3], 1)
    table = np.arange(18.0).reshape(2, 3, 3)
    called = arguments(shown(sliders=[P, q], curves={"one": table}))
    assert json.dumps(["one", table.ravel().tolist()]) in called


def test_explorer_writes_null_for_what_is_not_finite():
    called = arguments(shown(curves={"one": np.array([[0, np.nan, 2], [3, np.inf, 5]])}))
    assert '["one", [0.0, null, 2.0, 3.0, null, 5.0]]' in called


def test_explorer_says_in_text_what_it_is():
    assert shown()["text/plain"].splitlines() == [
        "explorer-a: A title",
        "Slider('x': angle, 3 values from 0 to 2, starts at 1)",
        "Slider('P': polarization, 2 values from 0.2 to 0.4, starts at 0.4)",
        "one: ({ x, P }) => P*x",
    ]


def test_explorer_rounds_numbers_in_its_text_alone():
    """What the reference compares must not hang on the last digit; the page keeps all of them."""
    data = shown(curves={"one": "1.23456789012345*x + 2.5e-12*P"})
    assert data["text/plain"].splitlines()[-1] == "one: ({ x, P }) => 1.23456789*x + 2.5e-12*P"
    assert "1.23456789012345*x" in data["text/html"]


def test_explorer_page_asks_for_nothing_and_ends_its_script_once():
    page = shown(title="</script><b>", curves={"</script>": "x"})["text/html"]
    assert page.count("</script>") == 1
    assert "<b>" not in page.partition("<script>")[0]
    assert not re.findall(r"\b(?:src|href|import)\b\s*[=(]|url\((?!#)|\bfetch\b", page)


def test_slider_takes_a_start_that_is_rounded_differently():
    values = np.linspace(0, 1, 11)
    assert Slider("a", "a", values, 0.3).start == values[3] != 0.3


def slider(name="x", values=(0, 1), start=0, **more):
    return Slider(name, "label", values, start, **more)


_NAME = "is no name in JavaScript: pass letters and digits, such as 'theta'"
_ORDER = "values of x do not increase: pass at least two, each larger than the last"
_LARGE = {"x": slider(values=np.arange(1000)), "sliders": [slider("y", np.arange(100))]}


@refusals(
    Refusal("name begins with a digit", slider, {"name": "1x"}, ("name = '1x'", _NAME)),
    Refusal("name is a word of JavaScript", slider, {"name": "new"}, ("name = 'new'", _NAME)),
    Refusal("name is Greek", slider, {"name": "θ"}, ("name = 'θ'", _NAME)),
    Refusal("one value", slider, {"values": [0]}, ("values of x", _ORDER)),
    Refusal("equal values", slider, {"values": [1, 1]}, ("values of x", _ORDER)),
    Refusal("value not finite", slider, {"values": [0, np.inf]}, ("values[1] = inf", "pass finite numbers")),
    Refusal("start between values", slider, {"start": 0.4}, ("start = 0.4 is none of the values", "the nearest is 0")),
    Refusal("zero on decades", slider, {"logarithmic": True}, ("values[0] = 0 has no logarithm", "pass positive")),
    Refusal("name of no explorer", shown, {"name": "wall"}, ("name = 'wall'", "pass 'explorer-' and small words")),
    Refusal("two sliders of one name", shown, {"sliders": [P, P]}, ("called x, P, P", "give each its own name")),
    Refusal("no curve", shown, {"curves": {}}, ("curves holds 0", "pass one to 4")),
    Refusal("five curves", shown, {"curves": dict.fromkeys("abcde", "x")}, ("curves holds 5", "pass one to 4")),
    Refusal("flat table", shown, {"curves": {"one": [1, 2]}}, ("one has the shape (2,)", "position, shape (2, 3)")),
    Refusal("long table", shown, {"readouts": {"r": np.ones(3)}}, ("r has the shape (3,)", "position, shape (2,)")),
    Refusal("function without a form", shown, {"curves": {"one": "// no\ncoth(x)"}}, ("coth(x)", "rewrite it")),
    Refusal("large", shown, {**_LARGE, "curves": {"a": np.zeros((100, 1000))}}, ("explorer-a holds", "pass fewer")),
)
def test_bad_input_explorer(refusal: Refusal) -> None:
    refusal.check()


@pytest.mark.parametrize("start", [0.2, 0.4])
def test_slider_starts_where_it_is_told(start):
    assert f'"start": {start}' in arguments(shown(sliders=[Slider("P", "polarization", [0.2, 0.4], start)]))


def test_explorer_hands_over_ten_digits_of_a_table():
    table = np.full((2, 3), 0.123456789012345)
    assert '["one", [0.123456789, 0.123456789,' in arguments(shown(curves={"one": table}))


def test_explorer_hands_over_the_limits_of_its_axis():
    assert '"range": [-1, 2]' in arguments(shown(y_range=(-1, 2)))
    assert '"range": null' in arguments(shown())
