"""The ledger is complete and sound, and every rule of it fires on a damaged copy."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from test_prose import typed_decimals

from tests.book.ledger_copy import (
    CHAPTER,
    MESSAGE,
    ROOT,
    TESTS,
    entries,
    ledger,
    ledger_counts,
    ledger_data,
    ledger_rules,
    sheet,
    store,
)

# Page: its directive, and the papers that it shows.
PAGES = {
    **{f"equations_{key.lower()}.md": ("equations", (key,)) for key in ledger_data.PAPERS},
    "figures.md": ("figures", ("KK", "RHP", "BTBK", "WD11")),
}


# --- the book's own ledger ---------------------------------------------------------------------------------------


def test_ledger_has_no_problems():
    assert ledger_rules.problems(ROOT) == []


def test_ledger_is_complete():
    papers = ledger_data.load_ledger(ROOT)
    assert {key: len(equations) for key, (equations, _) in papers.items()} == ledger_data.EQUATIONS
    figures = ledger_data.load_figures(ROOT)
    assert {key: sum(f.paper == key for f in figures) for key in papers} == ledger_data.FIGURES
    assert sum(ledger_data.EQUATIONS.values()) == 265
    assert sum(ledger_data.FIGURES.values()) == 33


def test_ledger_counts_add_up():
    total = ledger.counts(ROOT)
    parts = [ledger.counts(ROOT, key) for key in ledger_data.PAPERS]
    for name, number in total.items():
        assert number == sum(part[name] for part in parts), name
    assert sum(total[status] for status in ledger_data.EQUATION_KEYS) == total["equations"] == 265
    assert total["figures"] == 33
    wrong = [e for e in entries() if e.status in ("corrected", "error")]
    garbled = [e for e in wrong if e.artefact == "certain"]
    assert total["errors"] + total["artefacts"] + len(garbled) == len(wrong)


def test_ledger_subjects_are_distinct_and_short():
    subjects = [(e.paper, e.subject) for e in entries() if e.subject]
    assert len(set(subjects)) == len(subjects)
    assert [s for s in subjects if len(s[1]) > 130 or s[1].endswith(".")] == []


@pytest.mark.parametrize("page", PAGES)
def test_page_shows_its_papers(page):
    text = (ROOT / "book" / page).read_text(encoding="utf-8")
    directive, papers = PAGES[page]
    assert tuple(re.findall(rf"^```\{{ledger-{directive}\}} (\w+)$", text, re.MULTILINE)) == papers


def test_pages_show_every_paper():
    for directive, counted in (
        ("equations", ledger_data.EQUATIONS),
        ("figures", ledger_data.FIGURES),
    ):
        shown = [key for own, papers in PAGES.values() if own == directive for key in papers]
        assert shown == [key for key in ledger_data.PAPERS if counted[key]]


PROSE = ("subject", "condition", "consequence", "identity", "reason", "remark", "note", "where", "correct")


def decimals(entry: Any) -> list[str]:
    """The decimals typed in the prose of an entry; numbers of sections are none."""
    texts = [getattr(entry, field) for field in PROSE] + ["" if entry.latex else entry.printed]
    return typed_decimals(re.sub(r"(?i)\bsections? \d+(\.\d+)*", "", "\n\n".join(texts)))


def test_ledger_prose_types_no_decimals():
    assert [(e.paper, e.label, decimals(e)) for e in entries() if decimals(e)] == []


@pytest.mark.parametrize("field", PROSE)
def test_decimal_in_ledger_prose_is_found(field):
    entry = ledger_data.Entry("KK", "18", "corrected", latex="x=1.5", printed="x=2.5")
    assert decimals(replace(entry, **{field: "By $3.5$ in section 2.2 and Section 2.3.1."})) == []
    assert decimals(replace(entry, **{field: "It misses by 0.5 in section 2.2."})) == ["0.5"]


def test_decimal_in_a_printed_sentence_is_found():
    assert decimals(ledger_data.Entry("KK", "E1", "error", where="Section 2.2", printed="a factor 1.5")) == ["1.5"]


def test_errata_pages_show_every_group_of_every_paper():
    for key in ledger_data.PAPERS:
        text = (ROOT / "book" / f"errata_{key.lower()}.md").read_text(encoding="utf-8")
        shown = re.findall(r"^```\{ledger-errata\} (\S+) (\S+)$", text, re.MULTILINE)
        assert shown == [(key, group) for group in ledger_counts.GROUPS]


@pytest.mark.parametrize(
    ("page", "directive"),
    [("equations", "table"), ("errata", "errata-table"), ("figures", "own-figures")],
)
def test_page_shows_its_table(page, directive):
    text = (ROOT / "book" / f"{page}.md").read_text(encoding="utf-8")
    assert text.count(f"```{{ledger-{directive}}}\n```") == 1


# --- every rule fires on a damaged copy --------------------------------------------------------------------------


def corrected(raw: Any) -> Any:
    return next(row for row in raw["equations"] if row["status"] == "corrected")


def restricted(raw: Any) -> Any:
    return next(row for row in raw["equations"] if row["status"] == "restricted")


def verified(raw: Any) -> Any:
    return next(row for row in raw["equations"] if row["status"] == "verified")


def defined(raw: Any) -> Any:
    """The first entry, reduced to what a definition needs."""
    row = raw["equations"][0]
    kept = {key: row[key] for key in ("number", "section", "subject", "latex", "chapter")}
    row.clear()
    row.update(kept, status="definition")
    return row


def statement(raw: Any) -> Any:
    return raw["statements"][0]


def drawn(raw: Any) -> Any:
    return next(row for row in raw["figures"] if row["kind"] in ("quantitative", "qualitative"))


def without(choose: Callable[[Any], Any], key: str) -> Callable[[Any], None]:
    return lambda raw: choose(raw).pop(key)


def setting(choose: Callable[[Any], Any], **values: Any) -> Callable[[Any], None]:
    return lambda raw: choose(raw).update(values)


def swapping(choose: Callable[[Any], Any], key: str, **values: Any) -> Callable[[Any], None]:
    def change(raw: Any) -> None:
        row = choose(raw)
        row.pop(key)
        row.update(values)

    return change


TEST = f"{TESTS}::"
SENTENCE = "Both sides are the same matrix, for random ones."
CALL = "spinlib.scattering.stack.transport"
FORMAL = {"status": "formal", "latex": "x", "chapter": f"{CHAPTER}#eq-kk-1"}
DAMAGE: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "equation missing": ("RHP", lambda raw: raw["equations"].pop(41), "RHP equations: 91 entries"),
    "equation missing, named": ("RHP", lambda raw: raw["equations"].pop(41), "missing: [42]"),
    "equation twice": (
        "WD11",
        lambda raw: raw["equations"].append(dict(raw["equations"][3])),
        "WD11 equations: 25 entries",
    ),
    "order": ("WD04", lambda raw: raw["equations"].reverse(), "list 1 to 40 once each, in this order"),
    "number as text": (
        "BTBK",
        lambda raw: raw["equations"][0].update(number="1"),
        "83 entries, missing: [1]",
    ),
    "figure missing": ("figures", lambda raw: raw["figures"].pop(), "WD11 figures: 1 entries"),
    "figure of no paper": (
        "figures",
        lambda raw: raw["figures"][0].update(paper="XX"),
        "paper = 'XX' is unknown: use one of KK",
    ),
    "wrong paper": (
        "KK",
        lambda raw: raw.update(paper="WD11"),
        "KK.yml: paper = 'WD11' is not the file's own: write KK",
    ),
    "unknown top key": (
        "KK",
        lambda raw: raw.update(remarks=[]),
        "KK.yml: key 'remarks' is unknown: use paper, equations, statements",
    ),
    "unknown status": ("KK", setting(defined, status="proven"), "status = 'proven' is unknown: use one of definition"),
    "unknown key": ("KK", setting(verified, proof="x"), "key 'proof' is unknown or not allowed"),
    "planned": ("KK", setting(defined, status="planned"), "status = 'planned' is unknown: use one of definition"),
    "no subject": ("RHP", without(defined, "subject"), "subject is missing"),
    "empty subject": ("RHP", setting(defined, subject=""), "subject is missing"),
    "no section": ("RHP", without(defined, "section"), "section is missing"),
    "section as number": ("KK", setting(defined, section=2.2), "section = 2.2 is not text"),
    "verified without test": ("KK", without(verified, "test"), "test is missing"),
    "verified without code": ("KK", without(verified, "code"), "code is missing"),
    "verified with code and identity": (
        "KK",
        setting(verified, identity=SENTENCE),
        "key 'code' is unknown or not allowed",
    ),
    "identity for a word": (
        "KK",
        swapping(verified, "code", identity="algebra"),
        "identity = 'algebra' is no sentence",
    ),
    "definition with identity": (
        "RHP",
        setting(defined, identity=SENTENCE),
        "key 'identity' is unknown",
    ),
    "verified without latex": ("KK", without(verified, "latex"), "latex is missing"),
    "verified without chapter": ("KK", without(verified, "chapter"), "chapter is missing"),
    "restricted without condition": ("KK", without(restricted, "condition"), "condition is missing"),
    "corrected without printed": ("KK", without(corrected, "printed"), "printed is missing"),
    "corrected without artefact": ("KK", without(corrected, "artefact"), "artefact is missing"),
    "corrected without consequence": ("KK", without(corrected, "consequence"), "consequence is missing"),
    "corrected without test": ("KK", without(corrected, "test"), "test is missing"),
    "corrected to the same": ("KK", lambda raw: corrected(raw).update(printed=corrected(raw)["latex"]), "are the same"),
    "corrected but for spacing": (
        "KK",
        lambda raw: corrected(raw).update(printed=corrected(raw)["latex"].replace("=", r"\;=\, ") + r"\!"),
        "are the same but for spacing",
    ),
    "statement corrected to the same": (
        "KK",
        lambda raw: statement(raw).update(printed=statement(raw)["correct"].replace(" ", "\n")),
        "correct are the same but for spacing",
    ),
    "formal without reason": ("KK", setting(defined, **FORMAL), "reason is missing"),
    "formal for a word": ("KK", setting(defined, **FORMAL, reason="trivial"), "reason = 'trivial' is no sentence"),
    "formal for a long word": ("KK", setting(defined, **FORMAL, reason="x" * 30), "xxx' is no sentence"),
    "formal for little": ("KK", setting(defined, **FORMAL, reason="a b" + " " * 30), "is no sentence: say why"),
    "definition without latex": ("KK", without(defined, "latex"), "latex is missing"),
    "unknown artefact": (
        "KK",
        setting(corrected, artefact="perhaps"),
        "artefact = 'perhaps' is unknown: use one of certain",
    ),
    "dollar in latex": ("KK", setting(verified, latex="$x$"), "latex = '$x$' holds a dollar sign"),
    "brace in latex": ("KK", setting(verified, latex=r"\frac{1}{2"), "has unbalanced braces"),
    "brace in printed": ("KK", setting(corrected, printed="x}"), "printed = 'x}' has unbalanced braces"),
    "braces in wrong order": ("KK", setting(verified, latex="}x{"), "latex = '}x{' has unbalanced braces"),
    "brace after a line break": ("KK", setting(verified, latex=r"x\\{y"), "has unbalanced braces"),
    "statement without id": ("KK", without(statement, "id"), "id is missing"),
    "statement without artefact": ("KK", without(statement, "artefact"), "artefact is missing"),
    "statement on a garbled text": ("KK", setting(statement, artefact="certain"), "means that the paper is right"),
    "entry that is none": (
        "WD04",
        lambda raw: raw["statements"].append("E1"),
        "statements hold 'E1', which is no entry",
    ),
    "statement without consequence": ("KK", without(statement, "consequence"), "consequence is missing"),
    "statement without test": ("KK", without(statement, "test"), "test is missing"),
    "statement with unknown kind": (
        "KK",
        setting(statement, kind="slip"),
        "kind = 'slip' is unknown: use one of error",
    ),
    "statement with unknown key": ("KK", setting(statement, latex="x"), "key 'latex' is unknown"),
    "statement twice": ("KK", lambda raw: raw["statements"].append(dict(statement(raw))), "stands 2 times"),
    "figure of unknown kind": ("figures", setting(drawn, kind="nice"), "kind = 'nice' is unknown: use one of exact"),
    "figure without note": ("figures", without(drawn, "note"), "note is missing"),
    "figure without test": ("figures", without(drawn, "test"), "test is missing"),
    "figure without chapter": ("figures", without(drawn, "chapter"), "chapter is missing"),
    "figure with unknown key": ("figures", setting(drawn, remark="x"), "key 'remark' is unknown"),
    "chapter without anchor": ("KK", setting(verified, chapter=CHAPTER), "end it in #eq-kk-"),
    "anchor of another": ("KK", setting(verified, chapter=f"{CHAPTER}#eq-kk-18"), "end it in #eq-kk-"),
    "no such chapter": ("KK", setting(statement, chapter="book/none.md#eq-kk-18"), "book/none.md does not exist"),
    "no such anchor": ("KK", setting(statement, chapter=f"{CHAPTER}#eq-kk-1"), "has no target eq-kk-1"),
    "anchor by prefix": ("KK", setting(statement, chapter=f"{CHAPTER}#eq-kk"), "has no target eq-kk"),
    "figure anchor": ("figures", setting(drawn, chapter=f"{CHAPTER}#eq-kk-18"), "end it in #fig-kk-4"),
    "no such call": (
        "KK",
        setting(verified, code="spinlib.units.none"),
        "code = 'spinlib.units.none' is no public name",
    ),
    "no such module": ("KK", setting(verified, code="spinlib.none.f"), "code = 'spinlib.none.f' is no public name"),
    "private call": ("KK", setting(verified, code="spinlib._validate._x"), "is no public name"),
    "call elsewhere": ("KK", setting(verified, code="os.path.join"), "code = 'os.path.join' is no public name"),
    "private attribute": ("KK", setting(verified, code=f"{CALL}.__name__"), "is no public name"),
    "constant as call": ("KK", setting(verified, code="spinlib.units.hbar"), "'spinlib.units.hbar' cannot be called"),
    "text as call": ("KK", setting(verified, code="spinlib.__version__"), "'spinlib.__version__' cannot be called"),
    "module as call": ("KK", setting(verified, code="spinlib.scattering.stack"), "code = 'spinlib.scattering.stack'"),
    "one call of two": ("KK", setting(verified, code=[CALL, "spinlib.x"]), "'spinlib.x' is no public"),
    "no such test": ("KK", setting(verified, test=TEST + "test_paper_KK_17_x"), "test_paper_KK_17_x' does not exist"),
    "no such test file": ("KK", setting(verified, test="tests/no.py::test_paper_KK_17"), "does not exist"),
    "test without name": ("KK", setting(verified, test="tests/book/test_scattering_torque.py"), "does not exist"),
    "test of another equation": (
        "KK",
        setting(verified, test=TEST + "test_paper_KK_26_x"),
        "names another equation: call it test_paper_KK_",
    ),
    "test of another figure": (
        "figures",
        setting(drawn, test=TEST + "test_paper_KK_26_x"),
        "names another figure: call it",
    ),
    "test of another statement": (
        "KK",
        lambda raw: raw["statements"][1].update(test=raw["statements"].pop()["test"]),
        "names another statement: call it test_paper_KK_statement_",
    ),
    "test shared": ("KK", setting(verified, test=TEST + "test_paper_KK_18"), "shares test"),
    "test of another paper": (
        "KK",
        setting(verified, test=TEST + "test_paper_RHP_1"),
        "names another paper: call it test_paper_KK_",
    ),
}


@pytest.mark.parametrize("rule", DAMAGE)
def test_rule_fires(copy, rule):
    name, damage, message = DAMAGE[rule]
    raw = sheet(copy, name)
    damage(raw)
    store(copy, name, raw)
    found = ledger_rules.problems(copy)
    assert any(message in problem for problem in found), found
    assert [problem for problem in found if not MESSAGE.fullmatch(problem)] == []


def test_rule_fires_on_missing_file(copy):
    (copy / "book" / "ledger" / "WD04.yml").unlink()
    assert "WD04.yml: file is missing: put it into book/ledger" in ledger_rules.problems(copy)


def test_data_alone_can_be_checked(copy):
    (copy / CHAPTER).unlink()
    assert ledger_rules.problems(copy, references=False) == []
    assert any("does not exist" in problem for problem in ledger_rules.problems(copy))


def test_unquoted_no_is_read_as_no(copy):
    raw = sheet(copy, "KK")
    corrected(raw)["artefact"] = False
    store(copy, "KK", raw)
    assert ledger_rules.problems(copy) == []
    assert {e.artefact for e in ledger_data.load_ledger(copy)["KK"][0] if e.status == "corrected"} <= {"no", "possible"}
