"""The ledger of equations and figures as data: what an entry may say, and what is wrong with one that says it badly.

Status of an equation
    ``planned``     chapter not written yet; nothing is claimed
    ``definition``  introduces a symbol or a convention
    ``verified``    true as printed
    ``restricted``  true under the stated ``condition``
    ``corrected``   ``printed`` is wrong, ``latex`` is right, ``consequence`` says what goes wrong otherwise
    ``formal``      stated without an independent check, for the stated ``reason``

``artefact``: is the difference from the print made by the text extraction?
    ``no``        the paper is in error (an unquoted YAML ``no`` is read the same way)
    ``possible``  the text available to us may be garbled; counted apart
    ``certain``   only the text available to us is garbled

Kind of a statement (text without an equation number)
    ``error``           wrong or misprinted
    ``over-statement``  holds only under conditions that the text does not name
"""

import ast
import importlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

__all__ = ["EQUATIONS", "FIGURES", "PAPERS", "Entry", "files", "load_figures", "load_ledger", "problems"]

EQUATIONS = {"KK": 26, "RHP": 92, "WD04": 40, "BTBK": 83, "WD11": 24}
FIGURES = {"KK": 7, "RHP": 15, "WD04": 0, "BTBK": 9, "WD11": 2}
PAPERS = tuple(EQUATIONS)

# The safe loader in C where it was compiled: the pages read the ledger many times.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_CLAIM = {"latex", "chapter"}
_PROOF = _CLAIM | {"code", "test"}
_NEEDED = {
    "planned": set(),
    "definition": _CLAIM,
    "verified": _PROOF,
    "restricted": _PROOF | {"condition"},
    "corrected": _PROOF | {"printed", "artefact", "consequence"},
    "formal": _CLAIM | {"reason"},
}
_OPTIONAL = {
    "planned": set(),
    "definition": {"code", "test", "remark"},
    "verified": {"remark"},
    "restricted": {"remark"},
    "corrected": {"condition", "remark"},
    "formal": {"code", "test", "remark"},
}
_FIGURE_NEEDED = {
    "planned": set(),
    "exact": {"chapter", "code", "test"},
    "quantitative": {"chapter", "code", "test", "note"},
    "qualitative": {"chapter", "code", "test", "note"},
    "schematic": {"chapter", "note"},
    "not reproducible": {"note"},
}
_FIGURE_OPTIONAL = {"chapter", "code", "test", "note", "panels"}
_STATEMENT = {"id", "kind", "where", "printed", "correct", "artefact", "consequence", "chapter", "test"}
_STATEMENT_KINDS = ("error", "over-statement")
_ARTEFACTS = ("certain", "possible", "no")
_LISTS = ("code", "test", "panels")
_MATHS = ("latex", "printed")
# The places where MyST and MyST-NB let an author name a target.
_ANCHOR = r"^\({0}\)=\s*$|^\s*\$\$\s*\({0}\)\s*$|^.*\S\s*\$\$\s*\({0}\)\s*$|^\s*:?(?:label|name):\s*[\"']?{0}[\"']?\s*$"

_SHARED = re.compile(r"parametrize\([^)\]]*(?:equation|number|statement)")


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
    reason: str = ""
    remark: str = ""
    note: str = ""
    where: str = ""
    chapter: str = ""
    code: tuple[str, ...] = ()
    test: tuple[str, ...] = ()
    panels: tuple[str, ...] = ()

    @property
    def treated(self) -> bool:
        """Whether a chapter treats this entry."""
        return self.status != "planned"

    @property
    def anchor(self) -> str:
        """Label of the place in the book that treats this entry."""
        return self.chapter.partition("#")[2]


def files(root: Path) -> list[Path]:
    """Return the files that hold the ledger, one for each paper and one for the figures."""
    return [Path(root) / "book" / "ledger" / f"{name}.yml" for name in (*PAPERS, "figures")]


def load_ledger(root: Path) -> dict[str, tuple[list[Entry], list[Entry]]]:
    """Return the equations and the statements of every paper, by the paper's key."""
    ledger = {}
    for key in PAPERS:
        raw = _read(_path(root, key))
        equations = [_entry(key, row, str(row["number"]), row["status"]) for row in raw["equations"]]
        statements = [_entry(key, row, str(row["id"]), row["kind"]) for row in raw.get("statements", [])]
        ledger[key] = (equations, statements)
    return ledger


def load_figures(root: Path) -> list[Entry]:
    """Return the figures of all papers in the order of the file."""
    rows = _read(_path(root, "figures"))["figures"]
    return [_entry(row["paper"], row, str(row["number"]), row["kind"]) for row in rows]


def problems(root: Path, *, references: bool = True) -> list[str]:
    """Return one sentence for everything that is wrong with the ledger below ``root``.

    ``references=False`` leaves out what looks beyond the ledger's own files: chapters, calls and tests.
    """
    root = Path(root)
    found: list[str] = []
    rows: list[tuple[str, str, dict[str, Any]]] = []
    for key in PAPERS:
        raw = _sheet(_path(root, key), {"paper", "equations", "statements"}, found)
        if raw.get("paper") != key:
            found.append(f"{key}.yml: paper is {raw.get('paper')!r}, not {key!r}")
        equations, statements = _rows(raw, "equations"), _rows(raw, "statements")
        found += _numbering(f"{key} equations", equations, EQUATIONS[key])
        for row in equations:
            rows.append((f"{key} ({row.get('number')})", f"eq-{key.lower()}-{row.get('number')}", row))
            found += _equation_problems(rows[-1][0], row)
        found += _repeated(f"{key} statements", [str(row.get("id")) for row in statements])
        for row in statements:
            rows.append((f"{key} {row.get('id')}", "", row))
            found += _statement_problems(rows[-1][0], row)
    figures = _rows(_sheet(_path(root, "figures"), {"figures"}, found), "figures")
    for key in PAPERS:
        found += _numbering(f"{key} figures", [row for row in figures if row.get("paper") == key], FIGURES[key])
    for row in figures:
        paper = str(row.get("paper"))
        if paper not in PAPERS:
            found.append(f"figures.yml: paper {paper!r} is none of {', '.join(PAPERS)}")
        rows.append((f"{paper} Fig. {row.get('number')}", f"fig-{paper.lower()}-{row.get('number')}", row))
        found += _figure_problems(rows[-1][0], row)
    if references:
        for name, label, row in rows:
            found += _chapter_problems(root, name, label, row) + _code_problems(name, row)
        found += _test_problems(root, rows)
    return found


def _path(root: Path, name: str) -> Path:
    return Path(root) / "book" / "ledger" / f"{name}.yml"


def _read(path: Path) -> dict[str, Any]:
    content = yaml.load(path.read_text(encoding="utf-8"), _LOADER)
    return content if isinstance(content, dict) else {}


def _sheet(path: Path, keys: set[str], found: list[str]) -> dict[str, Any]:
    if not path.is_file():
        found.append(f"{path.name}: file is missing")
        return {}
    raw = _read(path)
    found += [f"{path.name}: unknown key {key!r}" for key in sorted(map(str, set(raw) - keys))]
    return raw


def _rows(raw: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    return [row for row in raw.get(key) or [] if isinstance(row, dict)]


def _listed(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def _artefact(value: Any) -> Any:
    # YAML 1.1 reads an unquoted `no` as False.
    return "no" if value is False else value


def _entry(paper: str, row: Mapping[str, Any], label: str, status: str) -> Entry:
    fields = {key: value for key, value in row.items() if key in Entry.__dataclass_fields__}
    fields |= {key: _listed(fields[key]) for key in _LISTS if key in fields}
    fields |= {"paper": paper, "label": label, "status": status}
    if "artefact" in fields:
        fields["artefact"] = _artefact(fields["artefact"])
    return Entry(**fields)


def _repeated(name: str, labels: Iterable[str]) -> list[str]:
    return [f"{name}: {label} stands {n} times" for label, n in Counter(labels).items() if n > 1]


def _numbering(name: str, rows: list[dict[str, Any]], count: int) -> list[str]:
    numbers = [row.get("number") for row in rows]
    if numbers == list(range(1, count + 1)):
        return []
    missing = sorted(set(range(1, count + 1)) - {n for n in numbers if isinstance(n, int)})
    return [f"{name}: {len(rows)} entries, expected 1 to {count} in this order; missing: {missing or 'none'}"]


def _keys(name: str, row: Mapping[str, Any], needed: set[str], allowed: set[str]) -> list[str]:
    missing = [f"{name}: {key} is missing" for key in sorted(needed) if row.get(key) in (None, "", [])]
    unknown = sorted(map(str, set(row) - needed - allowed))
    return missing + [f"{name}: key {key!r} is unknown or not allowed here" for key in unknown]


def _text_problems(name: str, row: Mapping[str, Any]) -> list[str]:
    found = []
    for key, value in row.items():
        parts = _listed(value) if key in _LISTS and isinstance(value, str | list) else (value,)
        if key not in ("number", "artefact") and not all(isinstance(part, str) for part in parts):
            found.append(f"{name}: {key} = {value!r} is not text: quote it")
    for key in _MATHS:
        text = row.get(key)
        # In a statement `printed` is prose, so dollars are right there.
        if isinstance(text, str) and "id" not in row and "$" in text:
            found.append(f"{name}: {key} holds a dollar sign: write bare LaTeX")
        if isinstance(text, str) and _depth(text) != 0:
            found.append(f"{name}: {key} has unbalanced braces")
    if "artefact" in row and _artefact(row["artefact"]) not in _ARTEFACTS:
        found.append(f"{name}: artefact = {row['artefact']!r} is none of {', '.join(_ARTEFACTS)}")
    return found


def _depth(latex: str) -> int:
    bare = re.sub(r"\\[{}]", "", latex)
    return bare.count("{") - bare.count("}")


def _equation_problems(name: str, row: Mapping[str, Any]) -> list[str]:
    status = row.get("status")
    if status not in _NEEDED:
        return [f"{name}: status = {status!r} is none of {', '.join(_NEEDED)}"]
    base = {"number", "subject", "section", "status"}
    same = row.get("printed") is not None and row.get("printed") == row.get("latex")
    found = [f"{name}: printed and latex are the same"] if same else []
    return found + _keys(name, row, base | _NEEDED[status], _OPTIONAL[status]) + _text_problems(name, row)


def _statement_problems(name: str, row: Mapping[str, Any]) -> list[str]:
    found = _keys(name, row, _STATEMENT - {"artefact"}, {"artefact"}) + _text_problems(name, row)
    if "artefact" not in row:
        found.append(f"{name}: artefact is missing")
    if row.get("kind") not in _STATEMENT_KINDS:
        found.append(f"{name}: kind = {row.get('kind')!r} is none of {', '.join(_STATEMENT_KINDS)}")
    return found


def _figure_problems(name: str, row: Mapping[str, Any]) -> list[str]:
    kind = row.get("kind")
    if kind not in _FIGURE_NEEDED:
        return [f"{name}: kind = {kind!r} is none of {', '.join(_FIGURE_NEEDED)}"]
    base = {"paper", "number", "subject", "kind"}
    allowed = set() if kind == "planned" else _FIGURE_OPTIONAL
    return _keys(name, row, base | _FIGURE_NEEDED[kind], allowed) + _text_problems(name, row)


def _chapter_problems(root: Path, name: str, label: str, row: Mapping[str, Any]) -> list[str]:
    chapter = row.get("chapter")
    if not isinstance(chapter, str):
        return []
    file, _, anchor = chapter.partition("#")
    if not anchor or (label and anchor != label):
        return [f"{name}: chapter = {chapter!r} must end in #{label or 'and an anchor'}"]
    path = root / file
    if path.suffix != ".md" or not path.is_file():
        return [f"{name}: chapter {file} does not exist"]
    if not re.search(_ANCHOR.format(re.escape(anchor)), path.read_text(encoding="utf-8"), re.MULTILINE):
        return [f"{name}: {file} has no target {anchor}"]
    return []


def _code_problems(name: str, row: Mapping[str, Any]) -> list[str]:
    calls = _listed(row.get("code"))
    return [f"{name}: code {call} is no public name of spinlib" for call in calls if not _is_public(call)]


def _is_public(call: str) -> bool:
    """Return whether ``call`` is a name in a module's ``__all__``, or an attribute of such a name."""
    parts = call.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        try:
            thing: Any = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        if parts[0] != "spinlib" or parts[cut] not in getattr(thing, "__all__", ()):
            return False
        for attribute in parts[cut:]:
            thing = getattr(thing, attribute, None)
        return thing is not None
    return False


def _test_problems(root: Path, rows: Iterable[tuple[str, str, Mapping[str, Any]]]) -> list[str]:
    found = []
    users: dict[str, list[tuple[str, str, str]]] = {}
    for name, label, row in rows:
        number = str(row.get("number", row.get("id")))
        for test in _listed(row.get("test")):
            users.setdefault(test, []).append((name, label, number))
    for test, served in users.items():
        function = test.partition("::")[2]
        exists = _function(root, test) is not None
        parameters = _parameters(root, test)
        for name, label, number in served:
            key = name.split()[0]
            if not exists:
                found.append(f"{name}: test {test} does not exist")
            if not function.startswith(f"test_paper_{key}_"):
                found.append(f"{name}: test {test} must be called test_paper_{key}_…")
            elif exists and number not in parameters:
                if len(served) > 1:
                    found.append(f"{name}: shares test {test}, which is not parametrised by it")
                elif label.startswith("eq-") and not _names(function, key, number):
                    found.append(f"{name}: test {test} names another equation")
    return found


def _names(function: str, key: str, number: str) -> bool:
    return bool(re.match(rf"test_paper_{key}_{number}(?:_|$)", function))


def _function(root: Path, test: str) -> tuple[ast.Module, ast.FunctionDef] | None:
    file, _, function = test.partition("::")
    path = root / file
    if path.suffix != ".py" or not path.is_file():
        return None
    module = ast.parse(path.read_text(encoding="utf-8"))
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return module, node
    return None


def _parameters(root: Path, test: str) -> set[str]:
    """Return the equation numbers or statement ids that the test is parametrised by, as text.

    Seeds and sizes are parameters too, so only a parameter named for equations, numbers or statements counts.
    """
    pair = _function(root, test)
    if pair is None:
        return set()
    module, function = pair
    nodes = [n for mark in function.decorator_list if _SHARED.search(ast.unparse(mark)) for n in ast.walk(mark)]
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    for line in module.body:
        if isinstance(line, ast.Assign) and any(isinstance(t, ast.Name) and t.id in names for t in line.targets):
            nodes += list(ast.walk(line.value))
    return {str(node.value) for node in nodes if isinstance(node, ast.Constant)}
