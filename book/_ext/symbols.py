"""The page of symbols, from `book/symbols.yml`: what each paper calls a quantity, and letters with several meanings.

Directive: ``{symbols} quantities|clashes``.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from api_names import api_link, same_as  # isort: skip

__all__ = ["clash", "load", "printed", "setup"]


def load(root: Path) -> dict[str, list[dict[str, Any]]]:
    """Return the quantities, by group, and the clashes."""
    content: dict[str, list[dict[str, Any]]] = yaml.safe_load((root / "book" / "symbols.yml").read_text("utf-8"))
    return content


def printed(line: str) -> tuple[str, str, str]:
    """Return paper, number and symbol of a line such as ``BTBK 1 \\mathbf m``."""
    paper, number, symbol = line.split(" ", 2)
    return paper, number, symbol


def clash(line: str) -> tuple[str, str, str]:
    """Return paper, number and meaning of a line such as ``BTBK 8 = Gilbert damping``."""
    place, _, meaning = line.partition(" = ")
    paper, number = place.split()
    return paper, number, meaning


class SymbolsDirective(SphinxDirective):
    """One of the two lists."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir) / "book" / "symbols.yml"
        self.env.note_dependency(str(path))
        content = load(Path(self.env.srcdir))
        if self.arguments[0] not in content:
            raise self.error(f"symbols {self.arguments[0]!r}: pass one of {', '.join(content)}")
        return list(getattr(self, f"_{self.arguments[0]}")(content[self.arguments[0]]))

    def _quantities(self, groups: list[dict[str, Any]]) -> Iterator[nodes.Node]:
        for group in groups:
            yield nodes.rubric("", group["group"])
            found = nodes.definition_list(classes=["symbols"])
            for row in group["rows"]:
                term = nodes.term("", row["quantity"])
                found += nodes.definition_list_item("", term, nodes.definition("", *self._quantity(row)))
            yield found

    def _quantity(self, row: dict[str, Any]) -> Iterator[nodes.Node]:
        owner = row["of"]
        target = f"{owner}.{row['name']}" if same_as(f"{owner}.{row['name']}") else owner
        here = nodes.paragraph("", "", nodes.strong("", "Here: "), nodes.math("", row["symbol"]))
        here += nodes.Text(", " if row["unit"] == "1" else f" [{row['unit']}], ")
        here += api_link(target if same_as(target) else owner, self.env.docname, row["name"])
        yield here
        papers = nodes.paragraph()
        for number, line in enumerate(row["papers"]):
            paper, equation, symbol = printed(line)
            papers += [nodes.Text("; " if number else ""), nodes.Text(f"{paper} "), nodes.math("", symbol)]
            papers += [nodes.Text(" in "), self._equation(paper, equation)]
        yield papers
        if "note" in row:
            yield self._words(row["note"])

    def _clashes(self, rows: list[dict[str, Any]]) -> Iterator[nodes.Node]:
        found = nodes.definition_list(classes=["symbols"])
        for row in rows:
            meanings: dict[str, list[nodes.Node]] = {}
            for paper, number, meaning in map(clash, row["rows"]):
                places = meanings.setdefault(meaning, [])
                places += [nodes.Text(", ")] if places else []
                places += [nodes.Text(f"{paper} "), self._equation(paper, number)]
            items = nodes.bullet_list()
            for meaning, places in meanings.items():
                items += nodes.list_item("", nodes.paragraph("", "", nodes.Text(f"{meaning}: "), *places))
            here = self._words(row["here"])
            here.insert(0, nodes.strong("", "Here: "))
            term = nodes.term("", "", nodes.math("", row["letter"]))
            found += nodes.definition_list_item("", term, nodes.definition("", items, here))
        yield found

    def _words(self, source: str) -> nodes.paragraph:
        content, messages = self.parse_inline(source)
        return nodes.paragraph("", "", *content, *messages)

    def _equation(self, paper: str, number: str) -> nodes.Node:
        attributes = {"refdomain": "std", "reftype": "ref", "refexplicit": True, "refwarn": True}
        target = f"ledger-{paper}-{number}".lower()
        title = nodes.inline("", f"({number})")
        return addnodes.pending_xref("", title, refdoc=self.env.docname, reftarget=target, **attributes)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("symbols", SymbolsDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
