"""What the ledger holds, counted; and which entries are errata."""

from collections.abc import Iterable
from pathlib import Path

from ledger_data import EQUATION_KEYS, PAPERS, Entry, load_figures, load_ledger  # isort: skip

__all__ = ["GROUPS", "ORIGIN", "counts", "errata", "group_of"]

# The groups of the errata, and the answers to `artefact` that put a wrong formula or sentence into them. Where only the
# text available to us is garbled the paper is right: that is no erratum.
GROUPS = {"errors": "no", "artefacts": "possible", "over-statements": ""}
ORIGIN = {
    "no": "error of the paper",
    "possible": "possibly an artefact of text extraction",
    "certain": "artefact of text extraction, the paper is right",
}


def counts(root: Path, key: str = "") -> dict[str, int]:
    """Return every number that the pages quote, for one paper or, without ``key``, for all."""
    ledger, papers = load_ledger(root), (key,) if key else PAPERS
    equations = [entry for paper in papers for entry in ledger[paper][0]]
    statements = [entry for paper in papers for entry in ledger[paper][1]]
    numbers = {status: sum(entry.status == status for entry in equations) for status in EQUATION_KEYS}
    numbers |= {group: len(errata(equations + statements, group)) for group in GROUPS}
    figures = sum(entry.paper in papers for entry in load_figures(root))
    return numbers | {"equations": len(equations), "figures": figures}


def errata(entries: Iterable[Entry], group: str) -> list[Entry]:
    """Return the entries that belong to one group of the errata."""
    return [entry for entry in entries if group_of(entry) == group]


def group_of(entry: Entry) -> str:
    """Return the group of the errata that an entry belongs to, or nothing."""
    if entry.status == "over-statement":
        return "over-statements"
    wrong = entry.status in ("corrected", "error")
    return next((group for group, artefact in GROUPS.items() if wrong and artefact == entry.artefact), "")
