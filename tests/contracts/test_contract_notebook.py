"""Contracts of what notebooks call: explorers, and what a figure hands to its check; units, which are numbers."""

import json
from typing import Any
from unittest.mock import patch

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import strategies as st
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from spinlib import explorer, units
from spinlib.explorer import Slider
from spinlib.plotting import COLORS
from tests.contract import Contract, Limit, contracts, refused
from tests.contracts import draw

INF, NAN = float("inf"), float("nan")
X = Slider("x", "angle", [0, 1, 2], 1, "rad")
P = Slider("P", "polarization", [0.2, 0.4], 0.4)


@st.composite
def sliders(draw_one: st.DrawFn) -> dict[str, Any]:
    steps = draw_one(st.lists(draw.sizes(1e-3, 1e3), min_size=2, max_size=6))
    logarithmic = draw_one(st.booleans())
    values = np.cumsum(steps) if logarithmic else np.cumsum(steps) - draw_one(draw.sizes(1e-3, 1e6))
    values = values[np.concatenate([[True], np.diff(values) > 0])]
    if len(values) < 2:
        values = np.array([1.0, 2.0])
    return {
        "name": draw_one(st.sampled_from(["x", "theta", "P_1", "_a"])),
        "label": draw_one(st.text(max_size=5)),
        "values": values,
        "start": float(values[draw_one(st.integers(0, len(values) - 1))]),
        "unit": draw_one(st.text(max_size=3)),
        "logarithmic": logarithmic,
    }


def _slider(made: Slider, values: Any, start: float, **_: Any) -> None:
    assert made.values == tuple(values)
    assert made.start == start
    assert made.start in made.values


@st.composite
def explorers(draw_one: st.DrawFn) -> dict[str, Any]:
    """Curves by formulas and by tables, with values that are not finite among them, and any texts."""
    table = np.array(draw_one(draw.arrays(st.floats(), (2, 3))))
    return {
        "name": "explorer-" + draw_one(st.from_regex(r"[a-z0-9]{1,5}", fullmatch=True)),
        "title": draw_one(st.text(max_size=9)),
        "x": X,
        "y": draw_one(st.text(max_size=9)),
        "curves": {draw_one(st.text(max_size=4)): draw_one(st.sampled_from(["P*x", table]))},
        "sliders": [P],
        "readouts": {"half": draw_one(st.sampled_from(["P/2", table[:, 0]]))},
        "y_range": draw_one(st.sampled_from([None, (-1.0, 1.0), (0, 1e300)])),
    }


def _published(**inputs: Any) -> dict[str, Any]:
    with patch("spinlib.explorer.display") as display:
        explorer.publish(**inputs)
    (data,), _ = display.call_args
    return dict(data)


def _page(data: dict[str, str], name: str, title: str, **_: Any) -> None:
    """The script ends where it should, whatever the texts are, and its data are JSON."""
    assert data["text/html"].count("</script>") == 1
    state, _, _ = data["text/html"].partition("spinlibExplorer({")[2].partition("}, [[")
    assert json.loads("{" + state + "}")["title"] == title
    assert data["text/plain"].startswith(f"{name}: {title}")


@st.composite
def figures(draw_one: st.DrawFn) -> dict[str, Any]:
    """A figure with labelled curves, empty ones and numbers that are not finite among them."""
    figure = Figure()
    axes = figure.add_subplot()
    for index in range(draw_one(st.integers(1, 3))):
        count = draw_one(st.integers(0, 5))
        y = draw_one(st.lists(st.one_of(draw.signed(1e-9, 1e9), st.just(NAN)), min_size=count, max_size=count))
        color = draw_one(st.sampled_from(sorted(COLORS)))
        axes.add_line(Line2D(np.arange(count), y, color=COLORS[color], label=f"curve {index}"))
    axes.set(xlim=(-1.0, 6.0), ylim=(-1.0, 1.0), xlabel="x", ylabel="y")
    return {"figure": figure}


def _plain(data: dict[str, Any], figure: Figure) -> None:
    """JSON has no number that is not finite; what is plotted is there to nine digits."""
    json.dumps(data, allow_nan=False)
    for line, held in zip(figure.axes[0].lines, data["axes"][0]["lines"], strict=True):
        y = np.asarray(line.get_ydata(), dtype=float)
        kept = np.array([NAN if value is None else value for value in held["y"]], dtype=float)
        np.testing.assert_allclose(kept, y, rtol=1e-8, atol=0)


def _lines(text: str, figure: Figure) -> None:
    """One line per curve, with the extrema of its finite points."""
    parts = text.split("\n")
    assert len(parts) == len(figure.axes[0].lines)
    for part, line in zip(parts, figure.axes[0].lines, strict=True):
        y = np.asarray(line.get_ydata(), dtype=float)
        finite = y[np.isfinite(y)]
        assert part.startswith(f"{line.get_label()}: ")
        assert ("no finite point" in part) == (not finite.size)
        if finite.size:
            low = float(part.partition("min ")[2].partition(" at ")[0])
            assert low == pytest.approx(finite.min(), abs=1e-4 * np.abs(finite).max())


_SHOWN = {"name": "explorer-a", "title": "A", "x": X, "y": "y", "curves": {"one": "P*x"}, "sliders": [P]}
_SLIDER = {"name": "x", "label": "angle", "values": [0.0, 1.0, 2.0], "start": 1.0}

CONTRACTS = (
    Contract("explorer.Slider", sliders(), _slider),
    Contract(
        "explorer.publish",
        explorers(),
        _page,
        call=_published,
        forms=(lambda value: value,),
        takes={
            "readouts none": "None: no numbers at the cursor",
        },
    ),
    Contract("plotting.figure_data", figures(), _plain, examples=6),
    Contract("plotting.summary", figures(), _lines),
)

LIMITS = (
    Limit(
        "explorer.Slider",
        "values",
        [[0.0, 1.0], [1.0, np.nextafter(1.0, 2)]],
        [[0.0], [], [1.0, 1.0], [1.0, 0.0], 1.0, [[0.0, 1.0]]],
        ("pass at least two",),
        _SLIDER | {"start": 1.0},
    ),
    Limit("explorer.Slider", "values", [], [[0.0, NAN], [0.0, INF]], ("pass finite numbers",), _SLIDER, "finite"),
    Limit(
        "explorer.Slider",
        "values",
        [[5e-324, 1.0]],
        [[0.0, 1.0], [-1.0, 1.0]],
        ("pass positive values",),
        _SLIDER | {"logarithmic": True},
        "on decades",
    ),
    Limit(
        "explorer.Slider",
        "start",
        [0, 1 + 1.9e-9, 2.0],
        [1 + 2.1e-9, 0.5, 3.0, NAN, INF, None, "1"],
        ("pass one",),
        _SLIDER,
    ),
    Limit(
        "explorer.Slider",
        "name",
        ["x", "_", "x1"],
        ["", "1x", "a b", "new", "θ", "Math", None, 1],
        ("pass",),
        _SLIDER,
    ),
    Limit(
        "explorer.publish",
        "y_range",
        [],
        [(1.0, 1.0), (1.0, 0.0), (0.0, NAN), (0.0, INF), 1.0, (0.0, 1.0, 2.0), "ab"],
        ("pass (lowest, highest)",),
        _SHOWN,
    ),
    Limit("explorer.publish", "curves", [], [{}, dict.fromkeys("abcde", "x")], ("pass one to 4",), _SHOWN),
    Limit(
        "explorer.publish",
        "curves",
        [],
        [{"curves": bad} for bad in ([1j, 2], ["a"], [[1], [1, 2]])],
        ("pass one, or an expression",),
        _SHOWN,
        "of numbers",
    ),
    Limit(
        "explorer.publish",
        "name",
        [],
        ["", "wall", "explorer-", "explorer-A", "explorer-a-", None],
        ("pass",),
        _SHOWN,
    ),
    Limit("explorer.publish", "sliders", [], [[P, P], [X], [None], ["P"], "P"], (":",), _SHOWN),
    Limit("explorer.publish", "x", [], [None, "x"], ("pass a Slider",), _SHOWN),
)

EXEMPT = {
    "plotting.publish": "writes an output of a notebook, which the references of the chapters hold",
    "plotting.glue": "writes an output of a notebook, which the references of the chapters hold",
    "plotting.use_style": "takes nothing and returns nothing; its doctest shows what it sets",
}
NO_LIMIT = {"explorer.Slider logarithmic": "a truth value; the limit is that of the values"}


@contracts(*CONTRACTS)
def test_invariant_contract_notebook(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)
    plt.close("all")


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_notebook(row: Contract | Limit) -> None:
    row.check_refusals()


@pytest.mark.parametrize("name", units.__all__)
def test_invariant_contract_units(name: str) -> None:
    """Each unit and constant is one positive float."""
    value = getattr(units, name)
    assert type(value) is float
    assert 0 < value < INF
