"""The parts of the book for its front page: what each is about, and its chapters, from the table of contents."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes

from ledger_data import read  # isort: skip
from ledger_nodes import LedgerDirective, link, title_of  # isort: skip

__all__ = ["LedgerParts", "parts_of"]


def parts_of(root: Path) -> dict[str, list[str]]:
    """Return the pages of each part of the book by the caption of the part, in order."""
    parts = read(Path(root) / "_toc.yml").get("parts", [])
    return {part["caption"]: list(_pages(part["chapters"])) for part in parts}


def _pages(chapters: list[dict[str, Any]]) -> Iterator[str]:
    for chapter in chapters:
        yield chapter["file"]
        yield from _pages(chapter.get("sections", []))


class LedgerParts(LedgerDirective):
    """Every part with a sentence and its chapters; the sentences are the lines ``caption: sentence`` of the content."""

    has_content = True

    def page(self, _argument: str) -> list[nodes.Node]:
        self.env.note_dependency(str(self.root / "_toc.yml"))
        said = dict(line.split(": ", 1) for line in self.content if line.strip())
        parts = parts_of(self.root)
        if unknown := sorted(set(said) - set(parts)):
            raise self.error(f"{self.name}: {unknown[0]!r} is no part of _toc.yml: use one of {', '.join(parts)}")
        table = nodes.definition_list(classes=["ledger-parts"])
        for caption, pages in parts.items():
            line = nodes.paragraph()
            for page in pages:
                line += [nodes.Text(" · ")] * bool(len(line)) + [link(page, title_of(page))]
            sentence = [self.text(said[caption])] if caption in said else []
            body = nodes.definition("", *sentence, line)
            table += nodes.definition_list_item("", nodes.term("", caption), body)
        return [table]
