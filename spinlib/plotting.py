"""One look for all figures, and what a figure hands to its check. For notebooks only."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from IPython.display import display
from matplotlib import colors
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text
from matplotlib_inline.backend_inline import set_matplotlib_formats

__all__ = ["COLORS", "figure_data", "glue", "publish", "summary", "use_style"]

COLORS = {
    "blue": "#0072b2",
    "vermilion": "#d55e00",
    "green": "#009e73",
    "purple": "#a05295",
    "orange": "#e69f00",
    "sky": "#56b4e9",
    "black": "#222222",
}
"""Palette that colour-blind readers can tell apart (Okabe and Ito's, purple darkened), in the order of use."""

# One text column wide: the text of a figure keeps a legible size when a phone shrinks it.
_STYLE: Any = {
    "axes.grid": True,
    "axes.prop_cycle": cycler(color=list(COLORS.values())),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "figure.figsize": (5.4, 3.6),
    "font.size": 11.0,
    "grid.alpha": 0.25,
    "legend.frameon": False,
    "lines.linewidth": 2.0,
    "savefig.facecolor": "white",
    "svg.fonttype": "path",
    "svg.hashsalt": "spinlib",
}


def use_style() -> None:
    """Give the figures of this notebook the look of the book; they are shown as SVG.

    >>> use_style()
    >>> plt.rcParams["legend.frameon"]
    False
    """
    plt.rcdefaults()
    plt.rcParams.update(_STYLE)
    set_matplotlib_formats("svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]


def publish(figure: Figure, name: str) -> None:
    """Show ``figure`` in the notebook together with all that it plots, for its check and its CSV download.

    ``name`` is the name of the download; it is unique in a notebook.
    """
    display(figure, metadata={"spinlib_figure": {"name": name, "axes": figure_data(figure)}})  # type: ignore[no-untyped-call]
    plt.close(figure)


def glue(key: str, text: str) -> None:
    """Hand a formatted number to the prose, which shows it with the role ``glue:text``.

    Numbers are formatted here, so that the reference notebooks hold what the reader sees.
    """
    prefix = "application/papermill.record/"
    scrapbook = {"scrapbook": {"name": key, "mime_prefix": prefix}}
    display({f"{prefix}text/plain": text}, raw=True, metadata=scrapbook)  # type: ignore[no-untyped-call]


def figure_data(figure: Figure) -> list[dict[str, Any]]:
    """Everything a figure draws, panel by panel, as plain numbers and strings.

    >>> figure, axes = plt.subplots()
    >>> _ = axes.plot([0, 1], [2, 4], color="red", label="torque")
    >>> figure_data(figure)[0]["lines"][0]["y"]
    [2.0, 4.0]
    >>> plt.close(figure)
    """
    return [_axes_data(axes) for axes in figure.axes]


def summary(figure: Figure) -> str:
    """One line per labelled curve: range, extrema, zeros and integral of what is plotted, to five digits.

    >>> figure, axes = plt.subplots()
    >>> _ = axes.plot([0, 1, 2], [-1, 1, 1], label="torque")
    >>> print(summary(figure))
    torque: x 0 to 2; min -1 at 0; max 1 at 1; zeros at 0.5; integral 1
    >>> plt.close(figure)
    """
    labelled = [line for axes in figure.axes for line in axes.lines if not str(line.get_label()).startswith("_")]
    return "\n".join(_curve_summary(line) for line in labelled)


def _curve_summary(line: Line2D) -> str:
    x, y = (np.asarray(values, dtype=float) for values in line.get_data())
    keep = np.isfinite(x) & np.isfinite(y)
    x, y = x[keep], y[keep]
    y = np.where(np.abs(y) < 1e-12 * np.abs(y).max(), 0.0, y)  # rounding differs between processors
    low, high = np.argmin(y), np.argmax(y)
    cross = np.flatnonzero(y[:-1] * y[1:] < 0)
    zeros = [*x[y == 0], *(x[cross] - y[cross] * (x[cross + 1] - x[cross]) / (y[cross + 1] - y[cross]))]
    parts = [
        f"x {x[0]:.5g} to {x[-1]:.5g}",
        f"min {y[low]:.5g} at {x[low]:.5g}",
        f"max {y[high]:.5g} at {x[high]:.5g}",
        *([f"zeros at {', '.join(f'{zero:.5g}' for zero in sorted(zeros))}"] if zeros else []),
        f"integral {np.trapezoid(y, x):.5g}",
    ]
    return f"{line.get_label()}: " + "; ".join(parts)


def _axes_data(axes: Axes) -> dict[str, Any]:
    return {
        "title": axes.get_title(),
        "labels": [axes.get_xlabel(), axes.get_ylabel()],
        "limits": [_numbers(axes.get_xlim()), _numbers(axes.get_ylim())],
        "scales": [axes.get_xscale(), axes.get_yscale()],
        "legend": [text.get_text() for text in legend.get_texts()] if (legend := axes.get_legend()) else [],
        "lines": [_line_data(line) for line in axes.lines],
        "patches": [_patch_data(patch) for patch in axes.patches],
        "collections": [_collection_data(collection) for collection in axes.collections],
        "texts": [_text_data(text) for text in axes.texts],
        "images": [_numbers(image.get_array()) for image in axes.images if isinstance(image, AxesImage)],
    }


def _line_data(line: Line2D) -> dict[str, Any]:
    x, y = line.get_data()
    return {
        "label": _label(line),
        "color": _color(line.get_color()),
        "style": [str(line.get_linestyle()), str(line.get_marker()), float(line.get_linewidth())],
        "x": _numbers(x),
        "y": _numbers(y),
    }


def _patch_data(patch: Patch) -> dict[str, Any]:
    vertices = patch.get_patch_transform().transform(patch.get_path().vertices)
    colours = [_color(patch.get_facecolor()), _color(patch.get_edgecolor())]
    return {"label": _label(patch), "color": colours, "vertices": _numbers(vertices)}


def _collection_data(collection: Collection) -> dict[str, Any]:
    values = collection.get_array()
    return {
        "label": _label(collection),
        "color": [[_color(c) for c in collection.get_facecolor()], [_color(c) for c in collection.get_edgecolor()]],
        "offsets": _numbers(collection.get_offsets()),
        "vertices": [_numbers(path.vertices) for path in collection.get_paths()],
        "values": None if values is None else _numbers(values),
    }


def _text_data(text: Text) -> dict[str, Any]:
    return {"text": text.get_text(), "position": _numbers(text.get_position()), "color": _color(text.get_color())}


def _label(artist: Artist) -> str:
    label = str(artist.get_label())
    return "" if label.startswith("_") else label


def _color(color: Any) -> str:
    return colors.to_hex(color, keep_alpha=True)


def _numbers(values: Any) -> Any:
    """Nested lists of floats with nine digits; what is not finite becomes None, since JSON has no such number."""
    array: Any = np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)

    def plain(item: Any) -> Any:
        if isinstance(item, list):
            return [plain(part) for part in item]
        return float(f"{item:.9g}") if np.isfinite(item) else None

    return plain(array.tolist())
