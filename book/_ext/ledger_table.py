"""The tables of the ledger, which a script lets readers search: every equation, and every erratum."""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from docutils import nodes

from ledger_counts import GROUPS, errata, group_of  # isort: skip
from ledger_data import EQUATION_KEYS, PAPERS, Entry, load_ledger  # isort: skip
from ledger_nodes import LedgerDirective, Tag, call, link, title_of  # isort: skip
from ledger_words import capital, erratum_id, first_sentence, row_id, section_title, slug, symbols, title  # isort: skip

__all__ = ["LedgerErrataTable", "LedgerTable", "search_form"]

_THEMES = {
    "KK": "torque from scattering, ultrafast magnons",
    "RHP": "s-d exchange and spin diffusion in textures",
    "WD04": "four-channel diffusion and spin injection",
    "BTBK": "spin pumping and spin transfer",
    "WD11": "thermodynamics of spin currents",
}
_KINDS = {"errors": "error of the paper", "artefacts": "possible artefact", "over-statements": "over-statement"}


def search_form(table: str, noun: str, hint: str, choices: Mapping[str, Mapping[str, Any]], tick: str = "") -> Tag:
    """Return the controls of a list, which the script shows and serves.

    ``choices`` holds, by the name of a ``data-`` attribute, the values to choose from and how they are called.
    """
    name = f"{table}-filter"
    form = Tag("form", ids=[name], classes=["ledger-filter"], hidden=True, role="search", data_list=table,
               data_noun=noun, aria_label=f"Find {noun}")  # fmt: skip
    words = Tag("input", type="search", name="q", id=f"{name}-q", placeholder=hint, autocomplete="off")
    form += Tag("label", "Words", for_=f"{name}-q")
    form += words
    for key, values in choices.items():
        select = Tag("select", Tag("option", "any", value=""), name=key, id=f"{name}-{key}")
        select += [Tag("option", shown, value=value) for value, shown in values.items()]
        form += Tag("label", capital(key), for_=f"{name}-{key}")
        form += select
    if tick:
        box = Tag("input", type="checkbox", name=tick.split()[-1], value="yes", id=f"{name}-tick")
        form += Tag("label", box, f" {tick}", for_=f"{name}-tick", classes=["ledger-tick"])
    form += Tag("button", "Clear", type="reset")
    form += Tag("output", aria_live="polite", for_=f"{name}-q")
    return form


def _table(name: str, head: Iterable[str]) -> Tag:
    cells = [Tag("th", word, scope="col") for word in head]
    table = Tag("table", ids=[name], classes=["ledger-table"])
    table += Tag("thead", Tag("tr", *cells))
    return table


def _cell(name: str, *children: nodes.Node | str) -> Tag:
    return Tag("td", *children, data_label=name)


def _paged(entries: Iterable[Entry]) -> dict[str, str | Tag]:
    """Return the titles of the pages that treat the entries, in order."""
    return {page: title_of(page) for page in dict.fromkeys(entry.page for entry in entries)}


class LedgerTable(LedgerDirective):
    """Every equation of all papers, a row each."""

    def page(self, _argument: str) -> list[nodes.Node]:
        ledger = load_ledger(self.root)
        entries = [entry for key in PAPERS for entry in ledger[key][0]]
        statuses = {status: status for status in EQUATION_KEYS if any(entry.status == status for entry in entries)}
        choices = {"paper": dict(zip(PAPERS, PAPERS, strict=True)), "status": statuses, "chapter": _paged(entries)}
        form = search_form(
            "ledger-equations", "equations", "e.g. mixing conductance, tau, KK 18", choices, "has a call"
        )
        table = _table("ledger-equations", ("equation", "subject", "status", "call in spinlib", "chapter"))
        for key in PAPERS:
            head = Tag(
                "th", link(f"book/equations_{key.lower()}", f"{key}: {_THEMES[key]}"), colspan=5, scope="rowgroup"
            )
            table += Tag("tbody", Tag("tr", head), *map(self.row, ledger[key][0]), ids=[f"equations-{key.lower()}"])
        return [form, table]

    def row(self, entry: Entry) -> Tag:
        calls: list[nodes.Node] = []
        for name in entry.code:
            calls += [Tag("br")] * bool(calls) + [call(name, name.removeprefix("spinlib."))]
        number = Tag("th", link(row_id(entry), f"{entry.paper} ({entry.label})"), scope="row")
        section = nodes.inline("", f" {section_title(entry.section)}", classes=["ledger-section"])
        # Once the entries stood on this page, and links from elsewhere may still ask for them.
        return Tag(
            "tr", number, _cell("subject", *self.words(capital(entry.subject)), section),
            _cell("status", self.badge(entry.status)), _cell("call", *calls),
            _cell("chapter", link(entry.anchor, title_of(entry.page))),
            ids=[row_id(entry)], data_paper=entry.paper, data_status=entry.status, data_chapter=entry.page,
            data_call="yes" if calls else "no", data_words=" ".join(["spinlib", *symbols(entry.latex)]),
        )  # fmt: skip


class LedgerErrataTable(LedgerDirective):
    """Every erratum in short, by paper, each with a link to its entry."""

    def page(self, _argument: str) -> list[nodes.Node]:
        ledger = load_ledger(self.root)
        parts = [entry for key in PAPERS for group in GROUPS for part in ledger[key] for entry in errata(part, group)]
        choices = {"paper": dict(zip(PAPERS, PAPERS, strict=True)), "kind": {slug(k): k for k in _KINDS.values()},
                   "chapter": _paged(parts)}  # fmt: skip
        form = search_form("ledger-errata", "errata", "e.g. sign, factor, BTBK 15", choices)
        table = _table("ledger-errata", ("place", "kind", "consequence", "chapter"))
        for key, entries in groupby(parts, key=lambda entry: entry.paper):
            head = Tag("th", link(f"book/errata_{key.lower()}", f"Errata of {key}"), colspan=4, scope="rowgroup")
            table += Tag("tbody", Tag("tr", head), *map(self.row, entries))
        return [form, table]

    def row(self, entry: Entry) -> Tag:
        kind = _KINDS[group_of(entry)]
        place = Tag("th", link(erratum_id(entry), *self.words(title(entry))), scope="row")
        return Tag(
            "tr", place, _cell("kind", nodes.inline("", kind, classes=["ledger-badge", f"ledger-{slug(kind)}"])),
            _cell("consequence", *self.words(first_sentence(entry.consequence))),
            _cell("chapter", link(entry.anchor, title_of(entry.page))),
            ids=[erratum_id(entry)], data_paper=entry.paper, data_kind=slug(kind), data_chapter=entry.page,
            data_words=" ".join([entry.subject.replace("$", ""), *symbols(entry.latex)]),
        )  # fmt: skip
