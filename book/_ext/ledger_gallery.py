"""The figures of the papers as a gallery of the drawings that the chapters publish, and the book's own figures."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform

from ledger_data import FIGURE_KEYS, PAPERS, Entry, load_figures  # isort: skip
from ledger_nodes import LedgerDirective, Tag, link, title_of  # isort: skip
from ledger_words import capital, place, row_id, slug  # isort: skip

__all__ = ["LedgerFigures", "LedgerOwnFigures", "setup"]

_OF_PAPER = re.compile(rf"fig-({'|'.join(key.lower() for key in PAPERS)})-\d+(?!\w)")
_KIND = re.compile(rf"\([^()]*?\b({'|'.join(FIGURE_KEYS)})\b")


@dataclass(frozen=True)
class Drawing:
    """A figure of a chapter: its name, the labels before it, what its caption calls it, its kind and its picture."""

    name: str
    labels: tuple[str, ...]
    title: str
    kind: str
    uri: str
    alt: str


class Pictures(nodes.General, nodes.Element):
    """What stands for drawings until all pages are read: those of one figure, or all of a chapter's own."""


class LedgerFigures(LedgerDirective):
    """Every figure of one paper."""

    choices = PAPERS

    def page(self, argument: str) -> list[nodes.Node]:
        entries = [entry for entry in load_figures(self.root) if entry.paper == argument]
        return [Tag("div", *map(self.card, entries), classes=["ledger-gallery"])]

    def card(self, entry: Entry) -> Tag:
        subject = self.text(f"{capital(entry.subject)}.")
        rows = [("Panels", self.prose(", ".join(entry.panels))), ("Assumptions", self.prose(entry.note))]
        more = Tag("details", Tag("summary", "Assumptions and proof"), self.fields([*rows, *self.proof(entry)]))
        more["classes"] = ["ledger-details"]
        head = nodes.paragraph(
            "", "", nodes.strong("", "", self.link(entry)), nodes.Text(" "), self.badge(entry.status)
        )
        source = nodes.paragraph("", "", link(entry.page, title_of(entry.page)), nodes.Text(" "),
                                 Tag("span", goal_seconds=entry.page), classes=["ledger-source"])  # fmt: skip
        return Tag("article", Pictures(page=entry.page, name=entry.anchor), head, subject, source, more,
                   ids=[row_id(entry)], classes=["ledger-card"], aria_label=place(entry))  # fmt: skip


class LedgerOwnFigures(LedgerDirective):
    """The figures that are in none of the papers, by chapter, folded."""

    def page(self, _argument: str) -> list[nodes.Node]:
        return [Pictures(page="", name="")]


class _FillGallery(SphinxPostTransform):
    """Put the drawings in when all pages are read."""

    default_priority = 4  # before the goals of links are found

    def run(self, **_options: Any) -> None:
        drawn = _drawn(self.env)
        for place_ in list(self.document.findall(Pictures)):
            if place_["page"]:
                own = re.compile(rf"{re.escape(place_['name'])}(-.*)?")
                here = drawn.get(place_["page"], [])
                found = [each for each in here if own.fullmatch(each.name)]
                # Two figures of a paper may be components of one solution, and share a drawing.
                found = found or [each for each in here if place_["name"] in each.labels]
                place_.replace_self(list(self.pictures(found)))
            else:
                place_.replace_self(list(self.own_figures(drawn)))
        for seconds in self.document.findall(Tag):
            if page := seconds["html"].pop("goal-seconds", ""):
                data: Any = NbMetadataCollector.get_exec_data(self.env, page)
                seconds += nodes.Text(f"({data['runtime']:.1f} s)" if data and data["runtime"] else "")

    def pictures(self, drawings: Iterable[Drawing]) -> Iterator[nodes.Node]:
        for each in drawings:
            image = nodes.image(uri=each.uri, candidates={"*": each.uri}, alt=each.alt, loading="lazy")
            depth = "../" * self.env.docname.count("/")
            table = f"{depth}_downloads/figures/{each.name}.csv"
            links = [link(f"code-{each.name}", "code"), Tag("a", "data (CSV)", href=table, download=True)]
            yield Tag("div", link(each.name, image), nodes.paragraph("", "", links[0], nodes.Text(" · "), links[1]),
                      classes=["ledger-picture"])  # fmt: skip

    def own_figures(self, drawn: dict[str, list[Drawing]]) -> Iterator[nodes.Node]:
        for page in self.env.collect_relations():
            own = [each for each in drawn.get(page, []) if not _OF_PAPER.match(each.name)]
            if own:
                cards = []
                for each in own:
                    badge = nodes.inline("", each.kind, classes=["ledger-badge", f"ledger-{slug(each.kind)}"])
                    head = nodes.paragraph("", "", link(each.name, each.title), nodes.Text(" "), badge)
                    cards.append(Tag("article", *self.pictures([each]), head, classes=["ledger-card"]))
                grid = Tag("div", *cards, classes=["ledger-gallery"])
                yield Tag("details", Tag("summary", title_of(page), f": {len(own)}"), grid, classes=["ledger-details"])


def _drawn(env: BuildEnvironment) -> dict[str, list[Drawing]]:
    if not hasattr(env, "ledger_drawn"):
        env.ledger_drawn = {}  # type: ignore[attr-defined]
    return env.ledger_drawn  # type: ignore[attr-defined, no-any-return]


def _collect(app: Sphinx, doctree: nodes.document) -> None:
    """Remember the drawings of a page, and give the cell that draws each a name to link to."""
    found = []
    labels: list[str] = []
    for node in doctree.findall(nodes.Element):
        names = [name for name in node["ids"] if name.startswith("fig-")]
        image = next(iter(node.findall(nodes.image)), None) if isinstance(node, nodes.figure) else None
        if not names or image is None:
            labels += names
            continue
        name = names[0]
        caption = next(iter(node.findall(nodes.caption)), nodes.caption())
        title = next((strong.astext() for strong in caption.findall(nodes.strong)), name)
        kind = _KIND.search(caption.astext())
        said = kind[1] if kind else ""
        found.append(Drawing(name, tuple(labels), title, said, image["uri"], image.get("alt", "")))
        labels = []
        cell = node.parent
        while cell is not None and "cell" not in cell.get("classes", []):
            cell = cell.parent
        if cell is not None:
            code = f"code-{name}"
            cell["ids"].append(code)
            app.env.get_domain("std").note_hyperlink_target(code, app.env.docname, code)  # type: ignore[attr-defined]
    _drawn(app.env)[app.env.docname] = found


def _forget(_app: Sphinx, env: BuildEnvironment, page: str) -> None:
    _drawn(env).pop(page, None)


def _merge(_app: Sphinx, env: BuildEnvironment, pages: list[str], other: BuildEnvironment) -> None:
    _drawn(env).update({page: found for page, found in _drawn(other).items() if page in pages})


def setup(app: Sphinx) -> None:
    """Register the gallery with Sphinx."""
    app.add_node(Pictures)
    app.add_directive("ledger-figures", LedgerFigures)
    app.add_directive("ledger-own-figures", LedgerOwnFigures)
    app.add_post_transform(_FillGallery)
    app.connect("doctree-read", _collect, priority=900)
    app.connect("env-purge-doc", _forget)
    app.connect("env-merge-info", _merge)
