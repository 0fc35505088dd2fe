"""The entries of the ledger in full: the equations of one paper, and its errata."""

from docutils import nodes

from ledger_counts import GROUPS, ORIGIN, counts, errata, group_of  # isort: skip
from ledger_data import EQUATION_KEYS, PAPERS, Entry, load_ledger  # isort: skip
from ledger_nodes import LedgerDirective  # isort: skip
from ledger_words import capital, erratum_id, in_sentence, plural, row_id, section_title, title  # isort: skip

__all__ = ["LedgerEquations", "LedgerErrata"]


class LedgerEquations(LedgerDirective):
    """Every equation of one paper."""

    choices = PAPERS

    def page(self, argument: str) -> list[nodes.Node]:
        entries = load_ledger(self.root)[argument][0]
        tally = counts(self.root, argument)
        parts = [f"{tally[status]} {status}" for status in EQUATION_KEYS if tally[status]]
        table = nodes.definition_list(classes=["ledger"])
        for entry in entries:
            self.known(row_id(entry))
            body = nodes.definition("", *self.body(entry))
            table += nodes.definition_list_item("", self.term(entry, self.link(entry), entry.status), body)
        return [self.text(f"{plural(len(entries), 'equation')}: {', '.join(parts)}."), table]

    def body(self, entry: Entry) -> list[nodes.Node]:
        name = f"{entry.paper} ({entry.label})"
        rows = [
            ("Condition", self.prose(entry.condition)),
            ("Formal, because", self.prose(entry.reason)),
            ("Printed", self.formula(entry.printed, f"{name} as printed")),
            ("Origin", self.prose(ORIGIN.get(entry.artefact, ""))),
            # What is no erratum says here what the garbled text would lead to.
            ("Consequence", self.prose(entry.consequence if entry.artefact == "certain" else "")),
            ("Remark", self.prose(entry.remark)),
            ("Identity", self.prose(entry.identity)),
            *self.proof(entry),
        ]
        subject = self.text(f"{capital(entry.subject)} ({in_sentence(section_title(entry.section))}).")
        return [subject, self.maths(entry.latex, name), self.fields(rows)]


class LedgerErrata(LedgerDirective):
    """The errata of one paper: one group of them, as ``KK errors``."""

    optional_arguments = 2
    choices = PAPERS

    def page(self, argument: str) -> list[nodes.Node]:
        group = self.arguments[1] if len(self.arguments) > 1 else ""
        if group not in GROUPS:
            raise self.error(f"{self.name} {argument} {group!r}: pass one of {', '.join(GROUPS)}")
        entries = [entry for part in load_ledger(self.root)[argument] for entry in errata(part, group)]
        items = [
            nodes.definition_list_item("", self.head(entry), nodes.definition("", *self.body(entry)))
            for entry in entries
        ]
        return [nodes.definition_list("", *items, classes=["ledger"])] if items else [self.text("None.")]

    def head(self, entry: Entry) -> nodes.term:
        # A link to an equation shows the equation's number, so a statement names its place beside it.
        shown = self.link(entry) if entry.subject else nodes.inline("", "", *self.words(title(entry)))
        badge = ORIGIN[entry.artefact] if group_of(entry) != "over-statements" else entry.status
        term = self.term(entry, shown, badge)
        term["ids"] = [self.known(erratum_id(entry))]
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
