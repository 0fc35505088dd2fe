"""Sphinx pages made from the ledger: every equation, every figure, the errata, and the papers' equation numbers.

Directives: ``{ledger-equations} KEY``, ``{ledger-numbers} KEY`` (what leads to them), ``{ledger-figures} KEY``,
``{ledger-errata} counts|errors|artefacts|over-statements``, ``{ledger-count}`` (a table); role:
``{ledger-count}`[KEY] name``` (one number in a sentence).
A displayed equation labelled ``eq-kk-18`` carries the number (KK 18), on its page and in references.
"""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective, SphinxRole

from ledger_data import PAPERS, Entry, files, load_figures, load_ledger  # isort: skip
from ledger_rules import problems  # isort: skip
from ledger_words import capital, in_sentence, place, plural, row_id, section_title, slug  # isort: skip

__all__ = ["counts", "load_figures", "load_ledger", "problems", "setup"]

_LABEL = re.compile(rf"eq-({'|'.join(key.lower() for key in PAPERS)})-(\d+[a-z]?)")
_STATUSES = ("definition", "verified", "restricted", "corrected", "formal", "planned")
# The groups of the errata, and the answers to `artefact` that put a wrong formula or sentence into them. Where only the
# text available to us is garbled the paper is right: that is no erratum.
_GROUPS = {"errors": "no", "artefacts": "possible", "over-statements": ""}
_ORIGIN = {
    "no": "error of the paper",
    "possible": "possibly an artefact of text extraction",
    "certain": "artefact of text extraction, the paper is right",
}


class LedgerDetails(nodes.General, nodes.Element):
    """A block that HTML shows folded below its ``summary``; other formats show it in full."""


class LedgerScroll(nodes.General, nodes.Element):
    """A block that scrolls sideways by itself when it is too wide, and that the keyboard reaches."""


def counts(root: Path, key: str = "") -> dict[str, int]:
    """Return every number that the pages quote, for one paper or, without ``key``, for all."""
    ledger, papers = load_ledger(root), (key,) if key else PAPERS
    equations = [entry for paper in papers for entry in ledger[paper][0]]
    statements = [entry for paper in papers for entry in ledger[paper][1]]
    figures = [entry for entry in load_figures(root) if entry.paper in papers]
    numbers = {status: sum(entry.status == status for entry in equations) for status in _STATUSES}
    numbers |= {group: len(_errata(equations + statements, group)) for group in _GROUPS}
    return numbers | {
        "equations": len(equations),
        "treated-equations": sum(entry.treated for entry in equations),
        "figures": len(figures),
        "treated-figures": sum(entry.treated for entry in figures),
    }


def _errata(entries: Iterable[Entry], group: str) -> list[Entry]:
    if group == "over-statements":
        return [entry for entry in entries if entry.status == "over-statement"]
    return [entry for entry in entries if _is_wrong(entry) and entry.artefact == _GROUPS[group]]


def _is_wrong(entry: Entry) -> bool:
    return entry.status in ("corrected", "error")


class _LedgerDirective(SphinxDirective):
    """What the ledger's directives share: the data and the small pieces that their pages are made of."""

    optional_arguments = 1

    @property
    def root(self) -> Path:
        return Path(self.env.srcdir)

    def run(self) -> list[nodes.Node]:
        for path in files(self.root):
            self.env.note_dependency(str(path))
        argument = self.arguments[0] if self.arguments else ""
        if argument not in self.choices:
            raise self.error(f"{self.name} {argument!r}: pass one of {', '.join(filter(None, self.choices))}")
        return self.page(argument)

    choices: tuple[str, ...] = PAPERS

    def page(self, argument: str) -> list[nodes.Node]:
        raise NotImplementedError

    def text(self, source: str, **attributes: Any) -> nodes.paragraph:
        content, messages = self.parse_inline(source)
        return nodes.paragraph("", "", *content, *messages, **attributes)

    def words(self, source: str) -> list[nodes.Node]:
        return list(self.text(source).children)

    def maths(self, latex: str, name: str) -> nodes.Node:
        block = nodes.math_block(latex, latex, nowrap=False, number=None, label=None, docname=self.env.docname)
        return LedgerScroll("", block, name=name)

    def link(self, entry: Entry) -> nodes.Node:
        title = nodes.inline("", place(entry))
        if not entry.anchor:
            return title
        domain, kind = ("math", "eq") if _LABEL.fullmatch(entry.anchor) else ("std", "ref")
        attributes = {"refdomain": domain, "reftype": kind, "reftarget": entry.anchor, "refexplicit": True}
        return addnodes.pending_xref("", title, refdoc=self.env.docname, refwarn=True, **attributes)

    def term(self, entry: Entry, title: nodes.Node, badge: str) -> nodes.term:
        label = nodes.inline("", badge, classes=["ledger-badge", f"ledger-{slug(badge)}"])
        term = nodes.term("", "", nodes.strong("", "", title), nodes.Text(" "), label)
        term["ids"] = [row_id(entry)]
        return term

    def fields(self, rows: Iterable[tuple[str, Sequence[nodes.Node]]]) -> nodes.field_list:
        table = nodes.field_list()
        for name, body in rows:
            if body:
                table += nodes.field("", nodes.field_name("", name), nodes.field_body("", *body))
        return table

    def literals(self, names: Iterable[str]) -> list[nodes.Node]:
        return [nodes.paragraph("", "", nodes.literal("", name)) for name in names]

    def prose(self, source: str) -> list[nodes.Node]:
        return [self.text(source)] if source else []

    def proof(self, entry: Entry) -> list[tuple[str, list[nodes.Node]]]:
        return [("Computed by", self.literals(entry.code)), ("Checked by", self.literals(entry.test))]

    def formula(self, latex: str, name: str) -> list[nodes.Node]:
        return [self.maths(latex, name)] if latex else []

    def planned(self, entries: Sequence[Entry], what: str) -> list[nodes.Node]:
        """List entries without a chapter in short, folded and grouped by section."""
        if not entries:
            return []
        body = nodes.definition_list(classes=["ledger-planned"])
        for section, group in groupby(entries, key=lambda entry: entry.section):
            items = nodes.bullet_list(classes=["ledger-short"])
            for entry in group:
                number = nodes.strong("", f"({entry.label})" if section else f"Fig. {entry.label}")
                line = nodes.paragraph("", "", number, nodes.Text(" "), *self.words(entry.subject))
                items += nodes.list_item("", line, ids=[row_id(entry)])
            term = nodes.term("", section_title(section) if section else "Figures")
            body += nodes.definition_list_item("", term, nodes.definition("", items))
        summary = f"{plural(len(entries), what)} planned: the chapter is not written yet"
        return [LedgerDetails("", body, summary=summary)]


class LedgerEquations(_LedgerDirective):
    """Every equation of one paper."""

    def page(self, argument: str) -> list[nodes.Node]:
        entries = load_ledger(self.root)[argument][0]
        for entry in entries:
            self.env.get_domain("std").note_hyperlink_target(row_id(entry), self.env.docname, row_id(entry))
        tally = counts(self.root, argument)
        parts = [f"{tally[status]} {status}" for status in _STATUSES if tally[status]]
        page: list[nodes.Node] = [self.text(f"{plural(len(entries), 'equation')}: {', '.join(parts)}.")]
        table = nodes.definition_list(classes=["ledger"])
        for entry in entries:
            if entry.treated:
                body = nodes.definition("", *self.body(entry))
                table += nodes.definition_list_item("", self.term(entry, self.link(entry), entry.status), body)
        waiting = [entry for entry in entries if not entry.treated]
        return page + ([table] if len(table) else []) + self.planned(waiting, "equation")

    def body(self, entry: Entry) -> list[nodes.Node]:
        name = f"{entry.paper} ({entry.label})"
        rows = [
            ("Condition", self.prose(entry.condition)),
            ("Formal, because", self.prose(entry.reason)),
            ("Printed", self.formula(entry.printed, f"{name} as printed")),
            ("Origin", self.prose(_ORIGIN.get(entry.artefact, ""))),
            # What is no erratum says here what the garbled text would lead to.
            ("Consequence", self.prose(entry.consequence if entry.artefact == "certain" else "")),
            ("Remark", self.prose(entry.remark)),
            ("Identity", self.prose(entry.identity)),
            *self.proof(entry),
        ]
        subject = self.text(f"{capital(entry.subject)} ({in_sentence(section_title(entry.section))}).")
        return [subject, self.maths(entry.latex, name), self.fields(rows)]


class LedgerNumbers(_LedgerDirective):
    """The numbers of the equations of one paper, each with a link to its entry, by section."""

    def page(self, argument: str) -> list[nodes.Node]:
        sections = nodes.bullet_list(classes=["ledger-numbers"])
        for section, group in groupby(load_ledger(self.root)[argument][0], key=lambda entry: entry.section):
            line = nodes.paragraph("", f"{section_title(section)}:")
            for entry in group:
                attributes = {"refdomain": "std", "reftype": "ref", "refexplicit": True, "reftarget": row_id(entry)}
                title = nodes.inline("", f"({entry.label})")
                link = addnodes.pending_xref("", title, refdoc=self.env.docname, refwarn=True, **attributes)
                # Once the entries stood here, and links from elsewhere may still ask for them.
                line += [nodes.Text(" "), nodes.inline("", "", link, ids=[row_id(entry)])]
            sections += nodes.list_item("", line)
        return [sections]


class LedgerFigures(_LedgerDirective):
    """Every figure of one paper."""

    def page(self, argument: str) -> list[nodes.Node]:
        entries = [entry for entry in load_figures(self.root) if entry.paper == argument]
        cards = nodes.definition_list(classes=["ledger"])
        for entry in entries:
            if entry.treated:
                rows = [
                    ("Panels", self.prose(", ".join(entry.panels))),
                    ("Assumptions", self.prose(entry.note)),
                    *self.proof(entry),
                ]
                body = nodes.definition("", self.text(f"{capital(entry.subject)}."), self.fields(rows))
                head = self.term(entry, self.link(entry), entry.status)
                cards += nodes.definition_list_item("", head, body)
        waiting = [entry for entry in entries if not entry.treated]
        return ([cards] if len(cards) else []) + self.planned(waiting, "figure")


class LedgerErrata(_LedgerDirective):
    """The counts of the errata, or one group of them."""

    choices = ("counts", "errors", "artefacts", "over-statements")

    def page(self, argument: str) -> list[nodes.Node]:
        tally = counts(self.root)
        if argument == "counts":
            lines = [
                f"**{tally['errors']}** certain errors of the papers",
                f"**{tally['artefacts']}** possible artefacts of text extraction",
                f"**{tally['over-statements']}** over-statements",
            ]
            items = [nodes.list_item("", self.text(line)) for line in lines]
            return [nodes.bullet_list("", *items, classes=["ledger-counts"])]
        ledger = load_ledger(self.root)
        entries = [entry for key in PAPERS for part in ledger[key] for entry in _errata(part, argument)]
        if not entries:
            return [self.text("None so far.")]
        items = [
            nodes.definition_list_item("", self.head(entry), nodes.definition("", *self.body(entry)))
            for entry in entries
        ]
        return [nodes.definition_list("", *items, classes=["ledger"])]

    def head(self, entry: Entry) -> nodes.term:
        # A link to an equation shows the equation's number, so a statement names its place beside it.
        title = self.link(entry) if entry.subject else nodes.inline("", f"{entry.paper}, {entry.where}")
        term = self.term(entry, title, _ORIGIN[entry.artefact] if _is_wrong(entry) else entry.status)
        term["ids"] = [slug(f"erratum-{entry.paper}-{entry.label}")]
        return term

    def body(self, entry: Entry) -> list[nodes.Node]:
        name = f"{entry.paper} ({entry.label})"
        if entry.subject:
            printed, right = (self.formula(s, name) for s in (entry.printed, entry.latex))
        else:
            printed, right = self.prose(entry.printed), self.prose(entry.correct)
        rows = [
            ("Printed", printed),
            ("Right", right),
            ("Condition", self.prose(entry.condition)),
            ("Consequence", self.prose(entry.consequence)),
            ("Treated at", [] if entry.subject else [nodes.paragraph("", "", self.link(entry))]),
            ("Checked by", self.literals(entry.test)),
        ]
        subject = [self.text(f"{capital(entry.subject)}.")] if entry.subject else []
        return [*subject, self.fields(rows)]


class LedgerCount(_LedgerDirective):
    """A table: what the ledger holds of each paper."""

    choices = ("",)

    def page(self, _argument: str) -> list[nodes.Node]:
        lines = ["| paper | equations treated | corrected | figures treated |", "|---|--:|--:|--:|"]
        for name, key in [*zip(PAPERS, PAPERS, strict=True), ("all", "")]:
            tally = counts(self.root, key)
            equations, figures = (f"{tally[f'treated-{what}']} of {tally[what]}" for what in ("equations", "figures"))
            lines.append(f"| {name} | {equations} | {tally['corrected']} | {figures} |")
        box = nodes.container(classes=["ledger-counts"])
        self.state.nested_parse(StringList(lines, source="ledger"), self.content_offset, box)
        return [box]


class CountRole(SphinxRole):
    """One number of the ledger inside a sentence."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        """Return the number, or an error that lists what can be counted."""
        root = Path(self.env.srcdir)
        for path in files(root):
            self.env.note_dependency(str(path))
        key, _, name = self.text.rpartition(" ")
        numbers = counts(root, key) if key in ("", *PAPERS) else {}
        if name not in numbers:
            names = ", ".join(counts(root))
            message = self.inliner.reporter.error(f"ledger-count {self.text!r}: pass [KEY] and one of {names}")
            return [nodes.problematic(self.rawtext, self.rawtext)], [message]
        return [nodes.Text(str(numbers[name]))], []


def _number_equations(app: Sphinx, doctree: nodes.document) -> None:
    """Give the papers' numbers to their equations, and count the others of a page without gaps."""
    domain = app.env.get_domain("math")
    equations: dict[str, tuple[str, Any]] = domain.data["objects"]
    own = 0
    for node in doctree.findall(nodes.math_block):
        label = node.get("label")
        if not label or equations.get(label, ("",))[0] != app.env.docname:
            continue
        match = _LABEL.fullmatch(label)
        own += not match
        number = f"{match[1].upper()} {match[2]}" if match else own
        node["number"] = number
        equations[label] = (app.env.docname, number)


def _keep_numbers(_app: Sphinx, config: Config) -> None:
    # With math_numfig Sphinx would show its own count instead of the number that the equation carries.
    config.math_numfig = False


def _refuse_bad_ledger(app: Sphinx, _env: BuildEnvironment, _docnames: list[str]) -> None:
    found = problems(Path(app.srcdir), references=False)
    if found:
        raise ExtensionError("the ledger is not well formed:\n" + "\n".join(found))


def _open_details(translator: Any, node: LedgerDetails) -> None:
    summary = translator.encode(node["summary"])
    translator.body.append(f'<details class="ledger-details"><summary>{summary}</summary>\n')


def _close_details(translator: Any, _node: LedgerDetails) -> None:
    translator.body.append("</details>\n")


def _open_scroll(translator: Any, node: LedgerScroll) -> None:
    name = translator.attval(node["name"])
    translator.body.append(f'<div class="ledger-scroll" role="group" tabindex="0" aria-label="{name}">\n')


def _close_scroll(translator: Any, _node: LedgerScroll) -> None:
    translator.body.append("</div>\n")


def _pass(_translator: Any, _node: nodes.Node) -> None:
    """Show the content and nothing else."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the ledger with Sphinx."""
    plain: dict[str, Any] = dict.fromkeys(("latex", "text", "man", "texinfo"), (_pass, _pass))
    app.add_node(LedgerDetails, html=(_open_details, _close_details), **plain)
    app.add_node(LedgerScroll, html=(_open_scroll, _close_scroll), **plain)
    app.add_directive("ledger-equations", LedgerEquations)
    app.add_directive("ledger-numbers", LedgerNumbers)
    app.add_directive("ledger-figures", LedgerFigures)
    app.add_directive("ledger-errata", LedgerErrata)
    app.add_directive("ledger-count", LedgerCount)
    app.add_role("ledger-count", CountRole())
    app.connect("config-inited", _keep_numbers)
    app.connect("env-before-read-docs", _refuse_bad_ledger)
    app.connect("doctree-read", _number_equations)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
