"""Explorers: plots that a reader moves with sliders, without a server. For notebooks only.

An explorer evaluates in the page either closed forms, given as JavaScript (``sympy.jscode`` prints them), or tables
that were computed on the positions of its sliders. So each number that it shows is the value of that formula or table
at a value that a slider can take, and never an interpolation.
"""

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from IPython.display import display
from numpy.typing import ArrayLike, NDArray

from spinlib._validate import instance, number, real, require, shaped

__all__ = ["Slider", "publish"]

_ROUNDING = 1e-9  # of the range of a slider
_CURVES = 4
_MOST = 400_000  # characters of one explorer: a page stays light
_NAME = re.compile(r"explorer(-[a-z0-9]+)+")
_FLOAT = re.compile(r"\d+\.\d+(?:e[+-]?\d+)?")
# Words of JavaScript that Python takes for a name, and what every explorer knows.
_RESERVED = """
    arguments case catch const debugger default delete do enum eval export extends function implements instanceof
    interface let new null package private protected public static super switch this throw true typeof undefined
    var void Math NaN Infinity
"""


@dataclass(frozen=True)
class Slider:
    """A quantity that the reader sets to one of some values.

    >>> Slider("P", "polarization", [0.2, 0.4, 0.6], start=0.4)
    Slider('P': polarization, 3 values from 0.2 to 0.6, starts at 0.4)

    Args:
        name: how expressions call it, a name in Python and in JavaScript.
        label: what the reader sees, a quantity.
        values: shape (n,), n >= 2, increasing, in ``unit``: where the slider can stop.
        start: where it stands at first, one of ``values``.
        unit: what the reader sees beside a value; empty for a number.
        logarithmic: as the horizontal axis, whether it is drawn with equal decades; then ``values`` are positive.

    Raises:
        ValueError: a name that is none, a text that is none, values that do not increase, a start that is none of them.
    """

    name: str
    label: str
    values: Sequence[float]
    start: float
    unit: str = ""
    logarithmic: bool = False

    def __post_init__(self) -> None:
        """Check what cannot become a slider."""
        for name in ("name", "label", "unit"):
            instance(name, getattr(self, name), str, "a text")
        if not (self.name.isidentifier() and self.name.isascii()) or self.name in _RESERVED.split():
            raise ValueError(f"name = {self.name!r} is no name in JavaScript: pass letters and digits, such as 'theta'")
        values = real("values", self.values)
        if values.ndim != 1 or len(values) < 2 or (np.diff(values) <= 0).any():
            raise ValueError(f"values of {self.name} do not increase: pass at least two, each larger than the last")
        if self.logarithmic:
            require("values", values, values > 0, "has no logarithm", "pass positive values")
        start = number("start", self.start)
        nearest = values[np.argmin(np.abs(values - start))]
        if abs(nearest - start) > _ROUNDING * np.ptp(values):
            message = f"start = {start:.10g} is none of the values of {self.name}: pass one; the nearest is {nearest:g}"
            raise ValueError(message)
        object.__setattr__(self, "values", tuple(values.tolist()))
        object.__setattr__(self, "start", float(nearest))

    def __repr__(self) -> str:
        """Name, label and range."""
        values = f"{len(self.values)} values from {self.values[0]:g} to {self.values[-1]:g}"
        return f"Slider({self.name!r}: {self.label}, {values}, starts at {self.start:g})"


def publish(
    name: str,
    title: str,
    *,
    x: Slider,
    y: str,
    curves: Mapping[str, str | ArrayLike],
    sliders: Sequence[Slider],
    readouts: Mapping[str, str | ArrayLike] | None = None,
    y_range: tuple[float, float] | None = None,
) -> None:
    """Show an explorer: curves over ``x``, sliders that change them, and numbers at the place of a cursor.

    The slider of ``x`` moves the cursor, and every curve says its value there. A curve or a number is either an
    expression in JavaScript of the names of the sliders, or an array of what a computation gave at all their positions.
    A value that is not finite is not drawn, and shown as a dash.

    Args:
        name: ``explorer-`` and small words, unique in the book; the place that a link leads to.
        title: what the explorer shows, in a few words.
        x: the horizontal axis and the cursor.
        y: what the vertical axis shows, with its unit in brackets.
        curves: by label; an expression of ``x`` and the sliders, or an array, shape (n_1, ..., n_k, n_x).
        sliders: the other quantities, k of them.
        readouts: by label with unit in brackets; an expression of ``x`` and the sliders, or an array,
            shape (n_1, ..., n_k).
        y_range: limits of the vertical axis; without them it follows the curves.

    Raises:
        ValueError: a name that is none, two sliders of one name, an array of another shape or not of real numbers, no
            curve, limits that do not increase, too many data.
    """
    for what, text in (("name", name), ("title", title), ("y", y)):
        instance(what, text, str, "a text")
    if not _NAME.fullmatch(name):
        raise ValueError(f"name = {name!r} is no name of an explorer: pass 'explorer-' and small words with hyphens")
    instance("x", x, Slider, "a Slider")
    for what, forms in (("curves", curves), ("readouts", readouts or {})):
        instance(what, forms, Mapping, "a dictionary of expressions or arrays by their labels")  # type: ignore[type-abstract]
    instance("sliders", sliders, Sequence, "a list of Slider objects")  # type: ignore[type-abstract]
    names = [x.name, *(instance("sliders", slider, Slider, "Slider objects").name for slider in sliders)]
    if len(set(names)) < len(names):
        raise ValueError(f"sliders are called {', '.join(names)}: give each its own name")
    if not 1 <= len(curves) <= _CURVES:
        raise ValueError(f"curves holds {len(curves)}: pass one to {_CURVES}, by their labels, so that they look apart")
    if y_range is not None:
        low, high = shaped("y_range", y_range, (2,), "pass (lowest, highest), or None").tolist()
        require("y_range[1]", high, high > low, "is not above y_range[0]", "pass (lowest, highest), or None")
    shape = tuple(len(slider.values) for slider in sliders)
    drawn = {label: _form(label, form, (*shape, len(x.values)), names) for label, form in curves.items()}
    shown = {label: _form(label, form, shape, names) for label, form in (readouts or {}).items()}
    state = {
        "name": name,
        "title": title,
        "x": vars(x),
        "y": y,
        "sliders": [vars(slider) for slider in sliders],
        "range": y_range,
    }
    page = _page(name, state, drawn, shown)
    if len(page) > _MOST:
        raise ValueError(
            f"{name} holds {len(page)} characters: pass fewer positions of sliders, at most {_MOST} in all"
        )
    lines = [f"{name}: {title}", *map(repr, (x, *sliders))]
    lines += [f"{label}: {form if isinstance(form, str) else 'table'}" for label, form in (drawn | shown).items()]
    text = _FLOAT.sub(lambda match: f"{float(match[0]):.9g}", "\n".join(lines))  # last digits differ between processors
    data = {"text/html": page, "text/plain": text}
    display(data, raw=True, metadata={"spinlib_explorer": {"name": name}})  # type: ignore[no-untyped-call]


def _form(label: str, form: str | ArrayLike, shape: tuple[int, ...], names: Sequence[str]) -> str | list[float | None]:
    """An expression as a function of its names, or a table as a flat list; JSON has no number that is not finite."""
    if isinstance(form, str):
        if "//" in form:
            raise ValueError(f"{label} = {form!r} needs a function that JavaScript lacks: rewrite it, as coth by exp")
        return f"({{ {', '.join(names)} }}) => {form}"
    try:
        array: NDArray[np.float64] = np.asarray(form).astype(float, casting="same_kind")
    except (TypeError, ValueError):
        raise ValueError(f"{label} = {form!r} is no array of real numbers: pass one, or an expression") from None
    if array.shape != shape:
        raise ValueError(f"{label} has the shape {array.shape}: pass one value for each position, shape {shape}")
    return [float(f"{value:.10g}") if np.isfinite(value) else None for value in array.ravel()]


def _page(name: str, state: Mapping[str, Any], *forms: Mapping[str, str | list[float | None]]) -> str:
    """The explorer with its script and its look, for a page of the book and for a notebook alike."""
    look, script = (files("spinlib").joinpath(f"_explorer.{kind}").read_text("utf-8") for kind in ("css", "js"))
    drawn, shown = (", ".join(_pair(*pair) for pair in part.items()) for part in forms)
    title = html.escape(str(state["title"]))
    return (
        f'<div class="explorer" id="{name}" role="group" aria-label="Explorer: {title}">'
        "<p>This box needs JavaScript.</p></div>\n"
        f"<style>{look}</style>\n<script>\n{script}spinlibExplorer({_json(state)}, [{drawn}], [{shown}]);\n</script>"
    )


def _pair(label: str, form: str | list[float | None]) -> str:
    return f"[{_json(label)}, {form if isinstance(form, str) else _json(form)}]"


def _json(item: object) -> str:
    # A script ends at its closing tag, wherever that stands.
    return json.dumps(item, ensure_ascii=False, allow_nan=False, default=float).replace("</", "<\\/")
