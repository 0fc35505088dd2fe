"""The rules of the ledger: one sentence for everything that is wrong with it.

This module looks at the ledger's own files. What they name beyond themselves, ``ledger_pages`` looks up in the book
and ``ledger_proofs`` in the package and its tests. A sentence names the file, the entry, the value and the remedy.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ledger_data import (  # isort: skip
    ARTEFACTS, EQUATION_KEYS, EQUATIONS, FIGURE_KEYS, FIGURES, PAPERS, STATEMENT_KEYS, STATEMENT_KINDS, Row,
    artefact_of, files, listed, read,
)  # fmt: skip
from ledger_pages import page_problems  # isort: skip
from ledger_proofs import code_problems, proof_problems  # isort: skip

__all__ = ["problems"]

_LISTS = ("code", "test", "panels")
_MATHS = ("latex", "printed")
_SENTENCE = 20
_SENTENCES = {
    "reason": "say why no independent check is possible",
    "identity": "say what the test proves, since no call of the package evaluates it",
}

# What changes the look of a formula but not what it says. A double backslash comes first, so that `\\,` is read
# as a line break and a comma.
_LAYOUT = re.compile(
    r"\\\\|\\[,!;:> ]|\\(?:left|right|quad|qquad|displaystyle|thinspace)(?![a-zA-Z])|\\(?:begin|end)\{aligned\}|[&~\s]"
)


def problems(root: Path, *, references: bool = True) -> list[str]:
    """Return one sentence for everything that is wrong with the ledger below ``root``.

    ``references=False`` leaves out what looks beyond the ledger's own files: chapters, calls and tests.
    """
    root = Path(root)
    found: list[str] = []
    rows: list[Row] = []
    for key, path in zip((*PAPERS, ""), files(root), strict=True):
        rows += _paper_rows(key, path, found) if key else _figure_rows(path, found)
    for row in rows:
        found += _row_problems(row)
    if references:
        found += page_problems(root, rows) + code_problems(rows) + proof_problems(root, rows)
    return found


def _paper_rows(key: str, path: Path, found: list[str]) -> list[Row]:
    raw = _sheet(path, ("paper", "equations", "statements"), found)
    if raw and raw.get("paper") != key:
        found.append(f"{path.name}: paper = {raw.get('paper')!r} is not the file's own: write {key}")
    equations, statements = (_entries(path, raw, part, found) for part in ("equations", "statements"))
    found += _numbering(f"{path.name}: {key} equations", equations, EQUATIONS[key])
    for name, n in Counter(str(row.get("id")) for row in statements).items():
        if n > 1:
            found.append(f"{path.name}: {key} {name}: id = {name!r} stands {n} times: give each statement its own")
    pairs = [*(("equation", row) for row in equations), *(("statement", row) for row in statements)]
    return [Row(path.name, what, key, row) for what, row in pairs]


def _figure_rows(path: Path, found: list[str]) -> list[Row]:
    figures = _entries(path, _sheet(path, ("figures",), found), "figures", found)
    for key in PAPERS:
        own = [row for row in figures if row.get("paper") == key]
        found += _numbering(f"{path.name}: {key} figures", own, FIGURES[key])
    return [Row(path.name, "figure", str(row.get("paper")), row) for row in figures]


def _sheet(path: Path, keys: tuple[str, ...], found: list[str]) -> dict[str, Any]:
    if not path.is_file():
        found.append(f"{path.name}: file is missing: put it into book/ledger")
        return {}
    raw = read(path)
    unknown = sorted(map(str, set(raw) - set(keys)))
    found += [f"{path.name}: key {key!r} is unknown: use {', '.join(keys)}" for key in unknown]
    return raw


def _entries(path: Path, raw: Mapping[str, Any], key: str, found: list[str]) -> list[dict[str, Any]]:
    rows = raw.get(key) or []
    rows = rows if isinstance(rows, list) else [rows]
    for row in rows:
        if not isinstance(row, dict):
            found.append(f"{path.name}: {key} hold {row!r}, which is no entry: write `key: value` pairs")
    return [row for row in rows if isinstance(row, dict)]


def _numbering(name: str, rows: list[dict[str, Any]], count: int) -> list[str]:
    numbers = [row.get("number") for row in rows]
    if numbers == list(range(1, count + 1)):
        return []
    missing = sorted(set(range(1, count + 1)) - {n for n in numbers if isinstance(n, int)})
    return [f"{name}: {len(rows)} entries, missing: {missing or 'none'}: list 1 to {count} once each, in this order"]


def _row_problems(row: Row) -> list[str]:
    check = {"equation": _equation_problems, "figure": _figure_problems, "statement": _statement_problems}[row.what]
    return check(row) + _text_problems(row)


def _equation_problems(row: Row) -> list[str]:
    if row.status not in EQUATION_KEYS:
        return [f"{row}: status = {row.status!r} is unknown: use one of {', '.join(EQUATION_KEYS)}"]
    needed, optional = EQUATION_KEYS[row.status]
    if "identity" in optional and row.data.get("identity"):
        needed = needed - {"code"}
    found = _keys(row, {"number", "subject", "section", "status"} | needed, optional)
    found += _same(row, "latex")
    for key, remedy in _SENTENCES.items():
        text = row.data.get(key)
        if isinstance(text, str) and text and (len(text.strip()) < _SENTENCE or " " not in text.strip()):
            found.append(f"{row}: {key} = {text!r} is no sentence: {remedy}")
    return found


def _statement_problems(row: Row) -> list[str]:
    found = _keys(row, STATEMENT_KEYS, set()) + _same(row, "correct")
    if row.status not in STATEMENT_KINDS:
        found.append(f"{row}: kind = {row.status!r} is unknown: use one of {', '.join(STATEMENT_KINDS)}")
    if row.data.get("artefact") == "certain":
        found.append(f"{row}: artefact = 'certain' means that the paper is right: leave the statement out")
    return found


def _figure_problems(row: Row) -> list[str]:
    found = []
    if row.paper not in PAPERS:
        found.append(f"{row}: paper = {row.paper!r} is unknown: use one of {', '.join(PAPERS)}")
    if row.status not in FIGURE_KEYS:
        return [*found, f"{row}: kind = {row.status!r} is unknown: use one of {', '.join(FIGURE_KEYS)}"]
    needed, optional = FIGURE_KEYS[row.status]
    return found + _keys(row, {"paper", "number", "subject", "kind"} | needed, optional)


def _keys(row: Row, needed: set[str], optional: set[str]) -> list[str]:
    missing = [key for key in sorted(needed) if row.data.get(key) in (None, "", [])]
    unknown = sorted(map(str, set(row.data) - needed - optional))
    state = f"{row.status} {row.what}"
    return [
        *(f"{row}: {key} is missing: a {state} needs it" for key in missing),
        *(f"{row}: key {key!r} is unknown or not allowed in a {state}: remove it" for key in unknown),
    ]


def _same(row: Row, right: str) -> list[str]:
    printed, correct = row.data.get("printed"), row.data.get(right)
    if not (isinstance(printed, str) and isinstance(correct, str)) or _bare(printed) != _bare(correct):
        return []
    return [f"{row}: printed = {printed!r} and {right} are the same but for spacing: show what is wrong in print"]


def _bare(latex: str) -> str:
    return _LAYOUT.sub("", latex)


def _text_problems(row: Row) -> list[str]:
    found = []
    for key, value in row.data.items():
        parts: Iterable[Any] = value if key in _LISTS and isinstance(value, list) else [value]
        if key not in ("number", "artefact") and not all(isinstance(part, str) for part in parts):
            found.append(f"{row}: {key} = {value!r} is not text: quote it")
    for key in _MATHS:
        for text in listed(row.data.get(key)):
            # In a statement `printed` is prose, so dollars are right there.
            if row.what != "statement" and "$" in text:
                found.append(f"{row}: {key} = {text!r} holds a dollar sign: write bare LaTeX")
            if not _balanced(text):
                found.append(f"{row}: {key} = {text!r} has unbalanced braces: close each one after it was opened")
    artefact = artefact_of(row.data.get("artefact", "no"))
    if artefact not in ARTEFACTS:
        found.append(f"{row}: artefact = {artefact!r} is unknown: use one of {', '.join(ARTEFACTS)}")
    return found


def _balanced(latex: str) -> bool:
    depth = 0
    for brace in re.sub(r"\\.|[^{}]", "", latex, flags=re.DOTALL):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0
