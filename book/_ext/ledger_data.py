"""The ledger of equations and figures as data: what an entry holds, and how its files are read.

Status of an equation
    ``definition``  introduces a symbol or a convention
    ``verified``    true as printed
    ``restricted``  true under the stated ``condition``
    ``corrected``   ``printed`` is wrong, ``latex`` is right, ``consequence`` says what goes wrong otherwise,
                    and by how much where its test states it
    ``formal``      stated without an independent check, for the stated ``reason``

``artefact``: is the difference from the print made by the text extraction?
    ``no``        the paper is in error (an unquoted YAML ``no`` is read the same way)
    ``possible``  the text available to us may be garbled; counted apart
    ``certain``   only the text available to us is garbled: no erratum of the paper

Kind of a statement (text without an equation number)
    ``error``           wrong or misprinted
    ``over-statement``  holds only under conditions that the text does not name

The rules that every entry obeys are in ``ledger_rules``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

__all__ = [
    "ARTEFACTS",
    "EQUATIONS",
    "EQUATION_KEYS",
    "FIGURES",
    "FIGURE_KEYS",
    "LOADER",
    "PAPERS",
    "STATEMENT_KEYS",
    "STATEMENT_KINDS",
    "Entry",
    "Row",
    "artefact_of",
    "files",
    "listed",
    "load_figures",
    "load_ledger",
    "read",
]

EQUATIONS = {"KK": 26, "RHP": 92, "WD04": 40, "BTBK": 83, "WD11": 24}
FIGURES = {"KK": 7, "RHP": 15, "WD04": 0, "BTBK": 9, "WD11": 2}
PAPERS = tuple(EQUATIONS)

ARTEFACTS = ("certain", "possible", "no")
STATEMENT_KINDS = ("error", "over-statement")

_CLAIM = {"latex", "chapter"}
_PROOF = _CLAIM | {"code", "test"}
# By status or kind: the keys that an entry needs, and those that it may have besides. With ``identity`` it needs no
# ``code``: the sentence says what the test proves of an equation that no call of the package evaluates.
EQUATION_KEYS: dict[str, tuple[set[str], set[str]]] = {
    "definition": (_CLAIM, {"code", "test", "remark"}),
    "verified": (_PROOF, {"identity", "remark"}),
    "restricted": (_PROOF | {"condition"}, {"identity", "remark"}),
    "corrected": (_PROOF | {"printed", "artefact", "consequence"}, {"condition", "identity", "remark"}),
    "formal": (_CLAIM | {"reason"}, {"code", "test", "remark"}),
}
FIGURE_KEYS: dict[str, tuple[set[str], set[str]]] = {
    "exact": ({"chapter", "code", "test"}, {"note", "panels"}),
    "quantitative": ({"chapter", "code", "test", "note"}, {"panels"}),
    "qualitative": ({"chapter", "code", "test", "note"}, {"panels"}),
    "schematic": ({"chapter", "note"}, {"code", "test", "panels"}),
    "not reproducible": ({"chapter", "note"}, {"code", "test", "panels"}),
}
STATEMENT_KEYS = {"id", "kind", "where", "printed", "correct", "artefact", "consequence", "chapter", "test"}

_LISTS = ("code", "test", "panels")

# The safe loader in C where it was compiled.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Entry:
    """One equation, figure or statement; a field that an entry does not carry is empty."""

    paper: str
    label: str
    status: str
    subject: str = ""
    section: str = ""
    latex: str = ""
    printed: str = ""
    correct: str = ""
    artefact: str = ""
    condition: str = ""
    consequence: str = ""
    identity: str = ""
    reason: str = ""
    remark: str = ""
    note: str = ""
    where: str = ""
    chapter: str = ""
    code: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    panels: tuple[str, ...] = ()

    @property
    def anchor(self) -> str:
        """Label of the place in the book that treats this entry."""
        return self.chapter.partition("#")[2]

    @property
    def page(self) -> str:
        """Page of the book that treats this entry, from the root and without suffix."""
        return self.chapter.partition("#")[0].removesuffix(".md")


@dataclass(frozen=True)
class Row:
    """One entry as it stands in its file, which may be wrong in any way."""

    file: str
    what: str  # equation | figure | statement
    paper: str
    data: Mapping[str, Any]

    @property
    def number(self) -> str:
        """Number of an equation or a figure, id of a statement."""
        return str(self.data.get("id" if self.what == "statement" else "number"))

    @property
    def status(self) -> Any:
        """Status of an equation, kind of a figure or a statement."""
        return self.data.get("status" if self.what == "equation" else "kind")

    @property
    def label(self) -> str:
        """The anchor that belongs to this entry; a statement may stand at any."""
        prefix = {"equation": "eq", "figure": "fig"}.get(self.what)
        return f"{prefix}-{self.paper.lower()}-{self.number}" if prefix else ""

    def __str__(self) -> str:
        shown = {"equation": f"({self.number})", "figure": f"Fig. {self.number}"}.get(self.what, self.number)
        return f"{self.file}: {self.paper} {shown}"


def files(root: Path) -> list[Path]:
    """Return the files that hold the ledger, one for each paper and one for the figures."""
    return [Path(root) / "book" / "ledger" / f"{name}.yml" for name in (*PAPERS, "figures")]


def read(path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds, or an empty one."""
    return _parsed(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=64)  # the pages read the ledger many times; nobody changes what is read
def _parsed(text: str) -> dict[str, Any]:
    """Return the mapping that a YAML text holds, or an empty one."""
    content = yaml.load(text, LOADER)
    return content if isinstance(content, dict) else {}


def load_ledger(root: Path) -> dict[str, tuple[list[Entry], list[Entry]]]:
    """Return the equations and the statements of every paper, by the paper's key."""
    ledger = {}
    for key, path in zip(PAPERS, files(root), strict=False):
        raw = read(path)
        equations = [_entry(key, row, str(row["number"]), row["status"]) for row in raw["equations"]]
        statements = [_entry(key, row, str(row["id"]), row["kind"]) for row in raw.get("statements", [])]
        ledger[key] = (equations, statements)
    return ledger


def load_figures(root: Path) -> list[Entry]:
    """Return the figures of all papers in the order of the file."""
    rows = read(files(root)[-1])["figures"]
    return [_entry(row["paper"], row, str(row["number"]), row["kind"]) for row in rows]


def listed(value: Any) -> tuple[str, ...]:
    """Return the texts of a field that holds one or a list of them."""
    parts = value if isinstance(value, list) else [value]
    return tuple(part for part in parts if isinstance(part, str))


def artefact_of(value: Any) -> Any:
    """Return the value of ``artefact``: YAML 1.1 reads an unquoted `no` as False."""
    return "no" if value is False else value


def _entry(paper: str, row: Mapping[str, Any], label: str, status: str) -> Entry:
    fields = {key: value for key, value in row.items() if key in Entry.__dataclass_fields__}
    fields |= {key: listed(fields[key]) for key in _LISTS if key in fields}
    fields |= {"paper": paper, "label": label, "status": status}
    if "artefact" in fields:
        fields["artefact"] = artefact_of(fields["artefact"])
    return Entry(**fields)
