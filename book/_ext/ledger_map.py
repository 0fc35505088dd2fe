"""The map on the front page: quantities, and the equations that turn one into another, drawn from ``book/map.yml``.

Each quantity has a place in two drawings, one for a desk and one for a phone: the centre of its box, counted in
columns and rows. Of both drawings a style sheet shows the one that fits.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.application import Sphinx

from ledger_data import PAPERS, Entry, load_ledger, read  # isort: skip
from ledger_nodes import LedgerDirective, Tag, link  # isort: skip
from ledger_words import row_id  # isort: skip

__all__ = ["LAYOUTS", "Box", "Edge", "Layout", "LedgerMap", "Quantity", "load_map", "setup"]


class Box(NamedTuple):
    """A rectangle by its centre and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Layout:
    """How one drawing of the map counts columns and rows, and how large its boxes are, in its own units."""

    column: float
    row: float
    box: tuple[float, float]
    label: tuple[float, float]
    line: float

    def around(self, place: Iterable[float]) -> Box:
        """Return the box of a quantity at this column and row."""
        column, row = place
        width, height = self.box
        return Box(column * self.column + width / 2 + 2, row * self.row + height / 2 + 2, width, height)


LAYOUTS = {
    "wide": Layout(column=164, row=78, box=(108, 38), label=(48, 15), line=14),
    "tall": Layout(column=134, row=64, box=(92, 34), label=(43, 14), line=13),
}


@dataclass(frozen=True)
class Quantity:
    """A box of the map: its words, the paper that gives its colour, where it leads, and its places by layout."""

    name: str
    words: tuple[str, ...]
    term: str
    paper: str
    goal: str
    places: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class Edge:
    """An arrow of the map: the equation that turns one quantity into another, and where along it its number stands."""

    start: str
    end: str
    paper: str
    number: int
    at: dict[str, float]

    def span(self, quantities: dict[str, Quantity], layout: str) -> tuple[float, float, float, float]:
        """Return the ends of the arrow, on the borders of its two boxes."""
        start, end = (LAYOUTS[layout].around(quantities[name].places[layout]) for name in (self.start, self.end))
        dx, dy = end.x - start.x, end.y - start.y
        share = min(start.width / 2 / abs(dx) if dx else 1, start.height / 2 / abs(dy) if dy else 1)
        return start.x + share * dx, start.y + share * dy, end.x - share * dx, end.y - share * dy

    def label(self, quantities: dict[str, Quantity], layout: str) -> Box:
        """Return the box of the equation's number."""
        x0, y0, x1, y1 = self.span(quantities, layout)
        share = self.at.get(layout, 0.5)
        return Box(x0 + share * (x1 - x0), y0 + share * (y1 - y0), *LAYOUTS[layout].label)


def load_map(root: Path) -> tuple[dict[str, Quantity], list[Edge]]:
    """Return the quantities by name, and the edges."""
    raw = read(Path(root) / "book" / "map.yml")
    quantities = {
        name: Quantity(name, tuple(row["words"]), row["term"], row["paper"], row["goal"],
                       {layout: tuple(row[layout]) for layout in LAYOUTS})
        for name, row in raw["quantities"].items()
    }  # fmt: skip
    edges = []
    for row in raw["edges"]:
        start, arrow, end, paper, number = str(row["edge"]).split()
        if arrow != "->" or not {start, end} <= set(quantities) or paper not in PAPERS:
            raise ValueError(f"map.yml: edge = {row['edge']!r}: write `quantity -> quantity KEY number`")
        edges.append(Edge(start, end, paper, int(number), {layout: row[layout] for layout in LAYOUTS if layout in row}))
    return quantities, edges


class LedgerMap(LedgerDirective):
    """The map in both drawings, with its legend."""

    def page(self, _argument: str) -> list[nodes.Node]:
        self.env.note_dependency(str(self.root / "book" / "map.yml"))
        try:
            quantities, edges = load_map(self.root)
        except (KeyError, ValueError) as error:
            raise self.error(str(error)) from error
        ledger = load_ledger(self.root)
        entries = {(key, entry.label): entry for key in PAPERS for entry in ledger[key][0]}
        for edge in edges:
            if (edge.paper, str(edge.number)) not in entries:
                raise self.error(f"map.yml: {edge.paper} ({edge.number}) is no equation of the ledger")
        legend = [Tag("li", Tag("span", key, classes=["map-key", f"map-{key.lower()}"])) for key in PAPERS]
        drawings = [self.drawing(layout, quantities, edges, entries) for layout in LAYOUTS]
        return [Tag("div", *drawings, Tag("ul", *legend, classes=["map-legend"]), classes=["ledger-map"])]

    def drawing(
        self, layout: str, quantities: dict[str, Quantity], edges: list[Edge], entries: dict[tuple[str, str], Entry]
    ) -> Tag:
        boxes = [LAYOUTS[layout].around(each.places[layout]) for each in quantities.values()]
        width, height = (max(box[n] + box[n + 2] / 2 for box in boxes) + 2 for n in (0, 1))
        marker = Tag("marker", Tag("path", d="M0 0L8 3.5L0 7z"), id=f"map-arrow-{layout}", viewBox="0 0 8 7", refX=8,
                     refY=3.5, markerWidth=8, markerHeight=7, orient="auto", markerUnits="userSpaceOnUse")  # fmt: skip
        lines, labels = [], []
        for edge in edges:
            x0, y0, x1, y1 = (round(value, 1) for value in edge.span(quantities, layout))
            colour = f"map-{edge.paper.lower()}"
            lines.append(Tag("line", x1=x0, y1=y0, x2=x1, y2=y1, classes=[colour],
                             marker_end=f"url(#map-arrow-{layout})"))  # fmt: skip
            entry = entries[edge.paper, str(edge.number)]
            names = [" ".join(quantities[name].words) for name in (edge.start, edge.end)]
            about = f"{edge.paper} ({edge.number}), from {names[0]} to {names[1]}: {entry.subject}"
            labels.append(_linked(row_id(entry), about, edge.label(quantities, layout),
                                  (f"{edge.paper} {edge.number}",), 0, ["map-edge", colour]))  # fmt: skip
        places = [
            _linked(each.goal, " ".join(each.words), box, each.words, LAYOUTS[layout].line,
                    ["map-quantity", f"map-{each.paper.lower()}"])
            for each, box in zip(quantities.values(), boxes, strict=True)
        ]  # fmt: skip
        return Tag(
            "svg", Tag("defs", marker), *lines, *places, *labels, viewBox=f"0 0 {width:.0f} {height:.0f}",
            role="group", aria_label="Map of the quantities and the equations between them",
            classes=["map-drawing", f"map-{layout}"],
        )  # fmt: skip


def _linked(goal: str, about: str, box: Box, words: tuple[str, ...], line: float, classes: list[str]) -> Tag:
    """Return a box with centred words that leads somewhere."""
    frame = Tag("rect", x=round(box.x - box.width / 2, 1), y=round(box.y - box.height / 2, 1), width=box.width,
                height=box.height, rx=6)  # fmt: skip
    text: list[Any] = []
    for n, word in enumerate(words):
        y = box.y + line * (n - (len(words) - 1) / 2)
        text.append(Tag("text", word, x=round(box.x, 1), y=round(y, 1)))
    return link(goal, Tag("title", about), frame, *text, classes=classes, aria_label=about)


def setup(app: Sphinx) -> None:
    """Register the map with Sphinx."""
    app.add_directive("ledger-map", LedgerMap)
