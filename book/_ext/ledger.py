"""Sphinx pages made from the ledger: every equation, every figure, the errata, and the papers' equation numbers.

Directives: ``{ledger-table}`` (every equation, to search), ``{ledger-equations} KEY`` (the entries of a paper),
``{ledger-figures} KEY``, ``{ledger-own-figures}``, ``{ledger-errata} KEY errors|artefacts|over-statements``,
``{ledger-errata-table}``, ``{ledger-map}``, ``{ledger-parts}`` and ``{ledger-count}`` (a table);
role: ``{ledger-count}`[KEY] name``` (one number in a sentence).
A displayed equation labelled ``eq-kk-18`` carries the number (KK 18), on its page and in references.
"""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxRole

import ledger_gallery  # isort: skip
import ledger_map  # isort: skip
import ledger_nodes  # isort: skip
from ledger_counts import counts  # isort: skip
from ledger_data import PAPERS, files, load_figures, load_ledger  # isort: skip
from ledger_entries import LedgerEquations, LedgerErrata  # isort: skip
from ledger_nodes import LedgerDirective  # isort: skip
from ledger_parts import LedgerParts  # isort: skip
from ledger_rules import problems  # isort: skip
from ledger_table import LedgerErrataTable, LedgerTable  # isort: skip

__all__ = ["counts", "load_figures", "load_ledger", "problems", "setup"]

_LABEL = re.compile(rf"eq-({'|'.join(key.lower() for key in PAPERS)})-(\d+[a-z]?)")


class LedgerCount(LedgerDirective):
    """A table: what the ledger holds of each paper."""

    def page(self, _argument: str) -> list[nodes.Node]:
        shown = ("equations", "verified", "restricted", "corrected", "figures")
        lines = [f"| paper | {' | '.join(shown)} |", f"|---{'|--:' * len(shown)}|"]
        for name, key in [*zip(PAPERS, PAPERS, strict=True), ("all", "")]:
            tally = counts(self.root, key)
            lines.append(f"| {name} | {' | '.join(str(tally[what]) for what in shown)} |")
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


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the ledger with Sphinx."""
    for part in (ledger_nodes, ledger_gallery, ledger_map):
        part.setup(app)
    app.add_directive("ledger-table", LedgerTable)
    app.add_directive("ledger-equations", LedgerEquations)
    app.add_directive("ledger-errata", LedgerErrata)
    app.add_directive("ledger-errata-table", LedgerErrataTable)
    app.add_directive("ledger-parts", LedgerParts)
    app.add_directive("ledger-count", LedgerCount)
    app.add_role("ledger-count", CountRole())
    app.connect("config-inited", _keep_numbers)
    app.connect("env-before-read-docs", _refuse_bad_ledger)
    app.connect("doctree-read", _number_equations)
    return {"version": "1", "env_version": 2, "parallel_read_safe": True, "parallel_write_safe": True}
