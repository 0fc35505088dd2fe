"""How the pages of the ledger name things: ids, places, sections, numbers with nouns."""

import re

from docutils import nodes

from ledger_data import Entry  # isort: skip

__all__ = ["capital", "in_sentence", "place", "plural", "row_id", "section_title", "slug"]


def slug(text: str) -> str:
    """Return the id that HTML makes of a text."""
    return str(nodes.make_id(text))


def row_id(entry: Entry) -> str:
    """Return the id of an entry on the ledger's own page; a figure and an equation may share a number."""
    kind = "" if entry.section or entry.where else "fig-"
    return slug(f"ledger-{kind}{entry.paper}-{entry.label}")


def place(entry: Entry) -> str:
    """Return how the book names the place that treats an entry."""
    match = re.fullmatch(r"(eq|fig)-([a-z0-9]+)-(\w+)", entry.anchor)
    if not match:
        return entry.anchor.replace("-", " ") or f"{entry.paper} Fig. {entry.label}"
    kind, key, number = match.groups()
    return f"({key.upper()} {number})" if kind == "eq" else f"{key.upper()} Fig. {number}"


def plural(number: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def capital(text: str) -> str:
    """Return the text with a capital."""
    return text[:1].upper() + text[1:]


def in_sentence(text: str) -> str:
    """Return a title as it stands in a sentence."""
    return text[:1].lower() + text[1:]


def section_title(section: str) -> str:
    """Return the title of a section of a paper."""
    return section if section.startswith("Appendix") else f"Section {section}"
