"""The ledger is complete and sound, and every rule of it fires on a damaged copy."""

import importlib
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
EXTENSIONS = ROOT / "book" / "_ext"
sys.path.insert(0, str(EXTENSIONS))
ledger_data = importlib.import_module("ledger_data")
ledger = importlib.import_module("ledger")

CHAPTER = "book/scattering_torque.md"
PAGES = {"equations.md": ("KK", "RHP", "WD04", "BTBK", "WD11"), "figures.md": ("KK", "RHP", "BTBK", "WD11")}


def entries(root: Path = ROOT) -> list[Any]:
    """Every equation, statement and figure of the ledger below ``root``."""
    papers = ledger_data.load_ledger(root)
    return [e for pair in papers.values() for part in pair for e in part] + ledger_data.load_figures(root)


# --- the book's own ledger ---------------------------------------------------------------------------------------


def test_ledger_has_no_problems():
    assert ledger_data.problems(ROOT) == []


def test_ledger_is_complete():
    papers = ledger_data.load_ledger(ROOT)
    assert {key: len(equations) for key, (equations, _) in papers.items()} == ledger_data.EQUATIONS
    figures = ledger_data.load_figures(ROOT)
    assert {key: sum(f.paper == key for f in figures) for key in papers} == ledger_data.FIGURES
    assert sum(ledger_data.EQUATIONS.values()) == 265
    assert sum(ledger_data.FIGURES.values()) == 33


def test_ledger_counts_add_up():
    total = ledger.counts(ROOT)
    for name, number in total.items():
        assert number == sum(ledger.counts(ROOT, key)[name] for key in ledger_data.PAPERS), name
    assert total["treated-equations"] + total["planned"] == total["equations"]
    wrong = [e for e in entries() if e.status in ("corrected", "error")]
    assert total["errors"] + total["artefacts"] == len(wrong)


def test_ledger_subjects_are_distinct_and_short():
    subjects = [(e.paper, e.subject) for e in entries() if e.subject]
    assert len(set(subjects)) == len(subjects)
    assert [s for s in subjects if len(s[1]) > 130 or s[1].endswith(".")] == []


@pytest.mark.parametrize("page", PAGES)
def test_page_shows_every_paper(page):
    text = (ROOT / "book" / page).read_text(encoding="utf-8")
    shown = re.findall(rf"^```\{{ledger-{page[:-3]}\}} (\w+)$", text, re.MULTILINE)
    assert tuple(shown) == PAGES[page]
    left_out = set(ledger_data.PAPERS) - set(shown)
    counted = ledger_data.FIGURES if page == "figures.md" else ledger_data.EQUATIONS
    assert all(counted[key] == 0 for key in left_out)


def test_errata_page_shows_every_group():
    text = (ROOT / "book" / "errata.md").read_text(encoding="utf-8")
    assert re.findall(r"^```\{ledger-errata\} (\S+)$", text, re.MULTILINE) == list(ledger.LedgerErrata.choices)


# --- every rule fires on a damaged copy --------------------------------------------------------------------------


def sound_copy(root: Path) -> Path:
    """A copy of the ledger with a chapter and tests that hold exactly what it names."""
    shutil.copytree(ROOT / "book" / "ledger", root / "book" / "ledger")
    treated = [entry for entry in entries() if entry.chapter]
    anchors = sorted({entry.anchor for entry in treated})
    places = [f"$$\nx\n$$ ({a})\n" if a.startswith("eq-") else f"({a})=\n## Here\n" for a in anchors]
    (root / CHAPTER).write_text("# Chapter\n\n" + "\n".join(places), encoding="utf-8")
    tests: dict[str, set[str]] = {}
    for file, _, function in (test.partition("::") for entry in treated for test in entry.test):
        tests.setdefault(file, set()).add(function)
    tests["tests/book/test_scattering_torque.py"].add("test_paper_KK_1")
    for file, functions in tests.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text("".join(f"def {f}():\n    pass\n\n\n" for f in sorted(functions)), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    root = sound_copy(tmp_path_factory.mktemp("sound"))
    assert ledger_data.problems(root) == []
    return root


@pytest.fixture
def copy(sound, tmp_path):
    return Path(shutil.copytree(sound, tmp_path / "copy"))


def sheet(root: Path, name: str) -> Any:
    return yaml.load((root / "book" / "ledger" / f"{name}.yml").read_text(encoding="utf-8"), yaml.CSafeLoader)


def store(root: Path, name: str, content: Any) -> None:
    text = yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    (root / "book" / "ledger" / f"{name}.yml").write_text(text, encoding="utf-8")


def corrected(raw: Any) -> Any:
    return next(row for row in raw["equations"] if row["status"] == "corrected")


def restricted(raw: Any) -> Any:
    return next(row for row in raw["equations"] if row["status"] == "restricted")


def verified(raw: Any) -> Any:
    return next(row for row in raw["equations"] if row["status"] == "verified")


def waiting(raw: Any) -> Any:
    return next(row for row in raw["equations"] if row["status"] == "planned")


def statement(raw: Any) -> Any:
    return raw["statements"][0]


def drawn(raw: Any) -> Any:
    return next(row for row in raw["figures"] if row["kind"] == "quantitative")


def without(choose: Callable[[Any], Any], key: str) -> Callable[[Any], None]:
    return lambda raw: choose(raw).pop(key)


def setting(choose: Callable[[Any], Any], **values: Any) -> Callable[[Any], None]:
    return lambda raw: choose(raw).update(values)


TEST = "tests/book/test_scattering_torque.py::"
DAMAGE: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "equation missing": ("RHP", lambda raw: raw["equations"].pop(41), "RHP equations: 91 entries"),
    "equation missing, named": ("RHP", lambda raw: raw["equations"].pop(41), "missing: [42]"),
    "equation twice": ("WD11", lambda raw: raw["equations"].append(dict(raw["equations"][3])), "WD11 equations: 25"),
    "order": ("WD04", lambda raw: raw["equations"].reverse(), "expected 1 to 40 in this order"),
    "number as text": ("BTBK", setting(waiting, number="1"), "missing: [1]"),
    "figure missing": ("figures", lambda raw: raw["figures"].pop(), "WD11 figures: 1 entries"),
    "figure of no paper": ("figures", lambda raw: raw["figures"][0].update(paper="XX"), "'XX' is none of KK"),
    "wrong paper": ("KK", lambda raw: raw.update(paper="WD11"), "paper is 'WD11', not 'KK'"),
    "unknown top key": ("KK", lambda raw: raw.update(remarks=[]), "unknown key 'remarks'"),
    "unknown status": ("KK", setting(waiting, status="proven"), "status = 'proven' is none of planned"),
    "unknown key": ("KK", setting(verified, proof="x"), "key 'proof' is unknown or not allowed"),
    "planned claims latex": ("KK", setting(waiting, latex="x"), "key 'latex' is unknown or not allowed"),
    "planned claims test": ("KK", setting(waiting, test=TEST + "x"), "key 'test' is unknown or not allowed"),
    "no subject": ("RHP", without(waiting, "subject"), "subject is missing"),
    "empty subject": ("RHP", setting(waiting, subject=""), "subject is missing"),
    "no section": ("RHP", without(waiting, "section"), "section is missing"),
    "section as number": ("KK", setting(waiting, section=2.2), "section = 2.2 is not text"),
    "verified without test": ("KK", without(verified, "test"), "test is missing"),
    "verified without code": ("KK", without(verified, "code"), "code is missing"),
    "verified without latex": ("KK", without(verified, "latex"), "latex is missing"),
    "verified without chapter": ("KK", without(verified, "chapter"), "chapter is missing"),
    "restricted without condition": ("KK", without(restricted, "condition"), "condition is missing"),
    "corrected without printed": ("KK", without(corrected, "printed"), "printed is missing"),
    "corrected without artefact": ("KK", without(corrected, "artefact"), "artefact is missing"),
    "corrected without consequence": ("KK", without(corrected, "consequence"), "consequence is missing"),
    "corrected without test": ("KK", without(corrected, "test"), "test is missing"),
    "corrected to the same": ("KK", lambda raw: corrected(raw).update(printed=corrected(raw)["latex"]), "are the same"),
    "formal without reason": (
        "KK",
        setting(waiting, status="formal", latex="x", chapter="x.md#y"),
        "reason is missing",
    ),
    "definition without latex": ("KK", setting(waiting, status="definition", chapter="x.md#y"), "latex is missing"),
    "unknown artefact": ("KK", setting(corrected, artefact="perhaps"), "artefact = 'perhaps' is none of certain"),
    "dollar in latex": ("KK", setting(verified, latex="$x$"), "latex holds a dollar sign"),
    "brace in latex": ("KK", setting(verified, latex=r"\frac{1}{2"), "latex has unbalanced braces"),
    "brace in printed": ("KK", setting(corrected, printed="x}"), "printed has unbalanced braces"),
    "statement without id": ("KK", without(statement, "id"), "id is missing"),
    "statement without artefact": ("KK", without(statement, "artefact"), "artefact is missing"),
    "statement without consequence": ("KK", without(statement, "consequence"), "consequence is missing"),
    "statement without test": ("KK", without(statement, "test"), "test is missing"),
    "statement with unknown kind": ("KK", setting(statement, kind="slip"), "kind = 'slip' is none of error"),
    "statement with unknown key": ("KK", setting(statement, latex="x"), "key 'latex' is unknown"),
    "statement twice": ("KK", lambda raw: raw["statements"].append(dict(statement(raw))), "stands 2 times"),
    "figure of unknown kind": ("figures", setting(drawn, kind="nice"), "kind = 'nice' is none of planned"),
    "figure without note": ("figures", without(drawn, "note"), "note is missing"),
    "figure without test": ("figures", without(drawn, "test"), "test is missing"),
    "figure without chapter": ("figures", without(drawn, "chapter"), "chapter is missing"),
    "planned figure claims": ("figures", lambda raw: raw["figures"][0].update(note="x"), "key 'note' is unknown"),
    "chapter without anchor": ("KK", setting(verified, chapter=CHAPTER), "must end in #eq-kk-"),
    "anchor of another": ("KK", setting(verified, chapter=f"{CHAPTER}#eq-kk-18"), "must end in #eq-kk-"),
    "no such chapter": ("KK", setting(statement, chapter="book/none.md#eq-kk-18"), "book/none.md does not exist"),
    "no such anchor": ("KK", setting(statement, chapter=f"{CHAPTER}#eq-kk-1"), "has no target eq-kk-1"),
    "anchor by prefix": ("KK", setting(statement, chapter=f"{CHAPTER}#eq-kk"), "has no target eq-kk"),
    "figure anchor": ("figures", setting(drawn, chapter=f"{CHAPTER}#eq-kk-18"), "must end in #fig-kk-4"),
    "no such call": ("KK", setting(verified, code="spinlib.units.none"), "spinlib.units.none is no public name"),
    "no such module": ("KK", setting(verified, code="spinlib.none.f"), "spinlib.none.f is no public name"),
    "private call": ("KK", setting(verified, code="spinlib._validate._x"), "is no public name"),
    "call elsewhere": ("KK", setting(verified, code="os.path.join"), "os.path.join is no public name"),
    "one call of two": ("KK", setting(verified, code=["spinlib.units.hbar", "spinlib.x"]), "spinlib.x is no public"),
    "no such test": ("KK", setting(verified, test=TEST + "test_paper_KK_17_x"), "test_paper_KK_17_x does not exist"),
    "no such test file": ("KK", setting(verified, test="tests/no.py::test_paper_KK_17"), "does not exist"),
    "test without name": ("KK", setting(verified, test="tests/book/test_scattering_torque.py"), "does not exist"),
    "test of another equation": ("KK", setting(verified, test=TEST + "test_paper_KK_1"), "names another"),
    "test shared": ("KK", setting(verified, test=TEST + "test_paper_KK_18"), "shares test"),
    "test of another paper": ("KK", setting(verified, test=TEST + "test_paper_RHP_1"), "must be called test_paper_KK_"),
}


@pytest.mark.parametrize("rule", DAMAGE)
def test_rule_fires(copy, rule):
    name, damage, message = DAMAGE[rule]
    raw = sheet(copy, name)
    damage(raw)
    store(copy, name, raw)
    found = ledger_data.problems(copy)
    assert any(message in problem for problem in found), found


def test_rule_fires_on_missing_file(copy):
    (copy / "book" / "ledger" / "WD04.yml").unlink()
    assert "WD04.yml: file is missing" in ledger_data.problems(copy)


def test_data_alone_can_be_checked(copy):
    (copy / CHAPTER).unlink()
    assert ledger_data.problems(copy, references=False) == []
    assert any("does not exist" in problem for problem in ledger_data.problems(copy))


def test_unquoted_no_is_read_as_no(copy):
    raw = sheet(copy, "KK")
    corrected(raw)["artefact"] = False
    store(copy, "KK", raw)
    assert ledger_data.problems(copy) == []
    assert {e.artefact for e in ledger_data.load_ledger(copy)["KK"][0] if e.status == "corrected"} <= {"no", "possible"}


@pytest.mark.parametrize(
    ("parameters", "accepted"),
    [
        ('"number", [17, 18]', True),
        ('"number", NUMBERS', True),
        ('("equation", "value"), [(17, 1), (18, 2)]', True),
        ('"number", [17, 19]', False),
        ('"seed", [17, 18]', False),
    ],
)
def test_shared_test_must_be_parametrised_by_its_equations(copy, parameters, accepted):
    function = "test_paper_KK_17"
    raw = sheet(copy, "KK")
    for row in raw["equations"]:
        if row["number"] in (17, 18):
            row["test"] = TEST + function
    store(copy, "KK", raw)
    path = copy / "tests/book/test_scattering_torque.py"
    mark = f"NUMBERS = [17, 18]\n\n\n@pytest.mark.parametrize({parameters})\ndef {function}():"
    path.write_text(path.read_text(encoding="utf-8").replace(f"def {function}():", mark), encoding="utf-8")
    found = ledger_data.problems(copy)
    assert bool(found) != accepted, found
    assert accepted or any("KK (18): shares test" in problem for problem in found)


@pytest.mark.parametrize(
    "place",
    [
        "(eq-kk-17)=\n$$\nx\n$$",
        "$$\nx\n$$ (eq-kk-17)",
        "$$ x $$ (eq-kk-17)",
        "```{math}\n:label: eq-kk-17\nx\n```",
        "mystnb:\n  figure:\n    name: eq-kk-17",
    ],
)
def test_anchor_is_found_in_each_form(copy, place):
    path = copy / CHAPTER
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("$$\nx\n$$ (eq-kk-17)\n", ""), encoding="utf-8")
    assert any("has no target eq-kk-17" in problem for problem in ledger_data.problems(copy))
    path.write_text(text.replace("$$\nx\n$$ (eq-kk-17)\n", place + "\n"), encoding="utf-8")
    assert ledger_data.problems(copy) == []
