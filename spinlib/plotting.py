"""One look for all figures, and what a figure hands to its check. For notebooks only."""

from io import StringIO
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from IPython.display import display
from matplotlib import colors
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.legend import Legend
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from spinlib._validate import instance

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

_FLAT = 1e-9  # of an extremum: what is as near to it is one with it

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
    """Give the figures of this notebook the look of the book.

    >>> use_style()
    >>> plt.rcParams["legend.frameon"]
    False
    """
    plt.rcdefaults()
    plt.rcParams.update(_STYLE)


def publish(figure: Figure, name: str) -> None:
    """Show ``figure`` in the notebook as SVG, together with all that it plots, for its check and its CSV download.

    ``name`` is the name of the download; it is unique in a notebook.
    """
    instance("figure", figure, Figure, "a figure of matplotlib")
    engine = figure.get_layout_engine()
    if engine is not None:
        engine.execute(figure)  # the drawing lays out again: once is not enough for a layout to settle
    image = StringIO()
    figure.savefig(image, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    forms = {"text/plain": repr(figure), "image/svg+xml": image.getvalue()}
    record = {"name": name, **_drawn_data(figure)}
    display(forms, raw=True, metadata={"spinlib_figure": record})  # type: ignore[no-untyped-call]
    plt.close(figure)


def glue(key: str, text: str) -> None:
    """Hand a formatted number to the prose, which shows it with the role ``glue:text``.

    Numbers are formatted here, so that the reference notebooks hold what the reader sees.
    """
    prefix = "application/papermill.record/"
    scrapbook = {"scrapbook": {"name": key, "mime_prefix": prefix}}
    display({f"{prefix}text/plain": text}, raw=True, metadata=scrapbook)  # type: ignore[no-untyped-call]


def figure_data(figure: Figure) -> dict[str, Any]:
    """Everything a figure draws, panel by panel, as plain numbers and strings.

    >>> figure, axes = plt.subplots()
    >>> _ = axes.plot([0, 1], [2, 4], color="red", label="torque")
    >>> figure_data(figure)["axes"][0]["lines"][0]["y"]
    [2.0, 4.0]
    >>> plt.close(figure)
    """
    instance("figure", figure, Figure, "a figure of matplotlib").draw_without_rendering()  # places ticks
    return _drawn_data(figure)


def _drawn_data(figure: Figure) -> dict[str, Any]:
    return {
        "axes": [_axes_data(axes) for axes in figure.axes],
        "texts": [_text_data(text) for text in figure.texts],
        "legends": [_legend_data(legend) for legend in figure.legends],
    }


def summary(figure: Figure) -> str:
    """One line per labelled curve: range, extrema, zeros and integral of what is plotted, to five digits.

    Points that are not finite are left out; a curve without any other says so. An extremum stands where the curve
    first comes within 1e-9 of its value.

    >>> figure, axes = plt.subplots()
    >>> _ = axes.plot([0, 1, 2], [-1, 1, 1], label="torque")
    >>> print(summary(figure))
    torque: x 0 to 2; min -1 at 0; max 1 at 1; zeros at 0.5; integral 1
    >>> plt.close(figure)
    """
    drawn = instance("figure", figure, Figure, "a figure of matplotlib")
    labelled = [line for axes in drawn.axes for line in axes.lines if not str(line.get_label()).startswith("_")]
    return "\n".join(_curve_summary(line) for line in labelled)


def _curve_summary(line: Line2D) -> str:
    x, y = (np.asarray(values, dtype=float) for values in line.get_data())
    keep = np.isfinite(x) & np.isfinite(y)
    if not keep.any():
        return f"{line.get_label()}: no finite point"
    x, y = x[keep] + 0.0, y[keep] + 0.0  # which makes 0 of -0
    rounding = 1e-12 * np.abs(y).max()  # differs between processors
    y = np.where(np.abs(y) < rounding, 0.0, y)
    integral = np.trapezoid(y, x)
    if abs(integral) < rounding * np.ptp(x):
        integral = 0.0
    lowest, highest = y.min(), y.max()  # of a flat part the first point, whichever a processor rounds highest
    low, high = np.argmax(y <= lowest + _FLAT * abs(lowest)), np.argmax(y >= highest - _FLAT * abs(highest))
    cross = np.flatnonzero(y[:-1] * y[1:] < 0)
    zeros = [*x[y == 0], *(x[cross] - y[cross] * (x[cross + 1] - x[cross]) / (y[cross + 1] - y[cross]))]
    parts = [
        f"x {x[0]:.5g} to {x[-1]:.5g}",
        f"min {lowest:.5g} at {x[low]:.5g}",
        f"max {highest:.5g} at {x[high]:.5g}",
        *([_zeros_summary(sorted(zeros))] if zeros else []),
        f"integral {integral:.5g}",
    ]
    return f"{line.get_label()}: " + "; ".join(parts)


def _zeros_summary(zeros: list[float]) -> str:
    """Name all zeros of a curve, or how many there are of one that oscillates."""
    if len(zeros) > 20:
        return f"{len(zeros)} zeros from {zeros[0]:.5g} to {zeros[-1]:.5g}"
    return f"zeros at {', '.join(f'{zero:.5g}' for zero in zeros)}"


def _axes_data(axes: Axes) -> dict[str, Any]:
    legend = axes.get_legend()
    return {
        "title": axes.get_title(),
        "frame": axes.axison,
        **{f"{name}-axis": _axis_data(axis) for name, axis in (("x", axes.xaxis), ("y", axes.yaxis))},
        "legend": _legend_data(legend) if legend else [],
        "lines": [_line_data(line) for line in axes.lines],
        "patches": [_patch_data(patch) for patch in axes.patches],
        "collections": [_collection_data(collection) for collection in axes.collections],
        "texts": [_text_data(text) for text in axes.texts],
        "images": [_image_data(image) for image in axes.images if isinstance(image, AxesImage)],
        "insets": [_axes_data(inset) for inset in axes.child_axes if isinstance(inset, Axes)],
    }


def _axis_data(axis: Axis) -> dict[str, Any]:
    ticks = [tick.get_text() for tick in axis.get_ticklabels() if tick.get_visible()]
    limits = _numbers(axis.get_view_interval())
    return {"label": axis.get_label_text(), "limits": limits, "scale": axis.get_scale(), "ticks": ticks}


def _legend_data(legend: Legend) -> list[list[str]]:
    """Text and colour of each entry: a legend whose handles are swapped is another legend."""
    handles = [getattr(handle, "get_color", getattr(handle, "get_facecolor", None)) for handle in legend.legend_handles]
    texts = [text.get_text() for text in legend.get_texts()]
    return [[text, str(_colors(color())) if color else ""] for text, color in zip(texts, handles, strict=True)]


def _common(artist: Artist) -> dict[str, Any]:
    return {"label": _label(artist), "alpha": artist.get_alpha(), "visible": artist.get_visible()}


def _line_data(line: Line2D) -> dict[str, Any]:
    x, y = line.get_data()
    style = [str(line.get_linestyle()), str(line.get_marker()), float(line.get_linewidth())]
    return {**_common(line), "color": _colors(line.get_color()), "style": style, "x": _numbers(x), "y": _numbers(y)}


def _patch_data(patch: Patch) -> dict[str, Any]:
    vertices = patch.get_patch_transform().transform(patch.get_path().vertices)
    colours = [_colors(patch.get_facecolor()), _colors(patch.get_edgecolor())]
    return {**_common(patch), "color": colours, "vertices": _numbers(vertices)}


def _collection_data(collection: Collection) -> dict[str, Any]:
    return {
        **_common(collection),
        "color": [_colors(collection.get_facecolor()), _colors(collection.get_edgecolor())],
        "offsets": _numbers(collection.get_offsets()),
        "vertices": [_numbers(path.vertices) for path in collection.get_paths()],
        **_mapped(collection),
    }


def _image_data(image: AxesImage) -> dict[str, Any]:
    return {**_common(image), "extent": _numbers(image.get_extent()), **_mapped(image)}


def _mapped(artist: Collection | AxesImage) -> dict[str, Any]:
    """Values that a colour map shows, the map and its range."""
    values = artist.get_array()
    if values is None:
        return {"values": None}
    return {"values": _numbers(values), "map": artist.get_cmap().name, "range": _numbers(artist.get_clim())}


def _text_data(text: Text) -> dict[str, Any]:
    return {"text": text.get_text(), "position": _numbers(text.get_position()), "color": _colors(text.get_color())}


def _label(artist: Artist) -> str:
    label = str(artist.get_label())
    return "" if label.startswith("_") else label


def _colors(color: Any) -> list[str]:
    """One colour or several, as hexadecimal strings with opacity."""
    return [colors.to_hex(one, keep_alpha=True) for one in colors.to_rgba_array(color)]


def _numbers(values: Any) -> Any:
    """Nested lists of floats with nine digits; what is not finite becomes None, since JSON has no such number."""
    array: Any = np.ma.filled(np.ma.asarray(values, dtype=float), np.nan)

    def plain(item: Any) -> Any:
        if isinstance(item, list):
            return [plain(part) for part in item]
        return float(f"{item:.9g}") if np.isfinite(item) else None

    return plain(array.tolist())
