"""What the ledger names beyond its own files must hold: every rule on pages and tests fires on a damaged copy."""

from pathlib import Path

import pytest
import yaml

from tests.book.ledger_copy import (
    ASSERTION,
    CHAPTER,
    MESSAGE,
    TESTS,
    append,
    drawing,
    function,
    ledger_rules,
    replace,
    sheet,
    store,
)

PROOF = "test_paper_KK_17"
HERE = "$$\nx\n$$ (eq-kk-17)\n"


def complaint(root: Path, *parts: str) -> bool:
    """Whether one sentence on the ledger below ``root`` holds every part."""
    found = ledger_rules.problems(root)
    assert any(all(part in problem for part in parts) for problem in found), found
    assert [problem for problem in found if not MESSAGE.fullmatch(problem)] == []
    return True


def proven_by(root: Path, test: str) -> None:
    raw = sheet(root, "KK")
    next(row for row in raw["equations"] if row["number"] == 17)["test"] = test
    store(root, "KK", raw)


def with_proof(root: Path, body: str = ASSERTION, head: str = "") -> None:
    replace(root / TESTS, function(PROOF), function(PROOF, body, head))


# --- pages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "place",
    [
        "(eq-kk-17)=\n$$\nx\n$$",
        "$$\nx\n$$ (eq-kk-17)",
        "$$ x $$ (eq-kk-17)",
        "```{math}\n:label: eq-kk-17\nx\n```",
        "```{math}\n---\nlabel: eq-kk-17\n---\nx\n```",
        ":::{admonition} Note\n:name: eq-kk-17\nText.\n:::",
        "````{admonition} Note\n```{math}\n:label: eq-kk-17\nx\n```\n````",
        "```python\nx\n```\n\n(eq-kk-17)=\nText.",
        drawing("eq-kk-17", "exact"),
    ],
)
def test_anchor_is_found_in_each_form(copy, place):
    replace(copy / CHAPTER, HERE, "")
    assert complaint(copy, "KK.yml: KK (17): chapter", "has no target eq-kk-17")
    append(copy / CHAPTER, f"\n{place}\n")
    assert ledger_rules.problems(copy) == []


@pytest.mark.parametrize(
    "place",
    [
        "```\n(eq-kk-17)=\n```",
        "```python\n(eq-kk-17)=\n```",
        "~~~\n$$ x $$ (eq-kk-17)\n~~~",
        "````{code-block} markdown\n```{math}\n:label: eq-kk-17\n```\n````",
        "```{code-cell} ipython3\n(eq-kk-17)=\n```",
        "```{code-cell} ipython3\n---\ntags: [x]\n---\nname: eq-kk-17\n```",
        "```{math}\nx\n:label: eq-kk-17\n```",
        "<!--\n(eq-kk-17)=\n-->",
        "Text `$$ (eq-kk-17)` in code.",
        ":label: eq-kk-17",
        "(eq-kk-170)=",
    ],
)
def test_anchor_that_labels_nothing_is_refused(copy, place):
    replace(copy / CHAPTER, HERE, f"{place}\n")
    assert complaint(copy, "KK.yml: KK (17): chapter", f"{CHAPTER} has no target eq-kk-17: label the place")


def test_chapter_outside_the_contents_is_refused(copy):
    toc = copy / "_toc.yml"
    (part,) = yaml.safe_load(toc.read_text(encoding="utf-8"))["parts"]
    replace(toc, CHAPTER[:-3], "book/other")
    assert complaint(copy, "KK.yml: KK (17): chapter", f"{CHAPTER} is not in _toc.yml: list it there")
    # A list without parts, and names with a suffix, are contents, too.
    chapters = "".join(f"- file: {chapter['file']}.md\n" for chapter in part["chapters"])
    toc.write_text(f"root: intro\nchapters:\n{chapters}", encoding="utf-8")
    assert ledger_rules.problems(copy) == []
    toc.unlink()
    assert complaint(copy, "is not in _toc.yml")


@pytest.mark.parametrize(
    ("figures", "said"),
    [
        ([("fig-kk-4-left", "exact")], "the caption of fig-kk-4-left in book/scattering_torque.md says 'exact'"),
        ([("fig-kk-4", "qualitative"), ("fig-kk-4-right", "exact")], "the caption of fig-kk-4-right"),
        ([("fig-kk-4", "fine")], "says no kind in brackets"),
        ([("fig-kk-4", "not reproducible")], "says 'not reproducible': align them"),
        ([("fig-kk-40", "qualitative")], "draws no figure named fig-kk-4"),
    ],
)
def test_kind_of_a_figure_must_be_that_of_its_captions(copy, figures, said):
    raw = sheet(copy, "figures")
    next(row for row in raw["figures"] if row["paper"] == "KK" and row["number"] == 4)["kind"] = "qualitative"
    store(copy, "figures", raw)
    (start,) = [
        kind for kind in ("exact", "quantitative", "qualitative") if drawing("fig-kk-4-left", kind) in text(copy)
    ]
    replace(copy / CHAPTER, drawing("fig-kk-4-left", start), drawing("fig-kk-4-left", "qualitative"))
    assert ledger_rules.problems(copy) == []
    replace(
        copy / CHAPTER,
        drawing("fig-kk-4-left", "qualitative"),
        "\n".join(drawing(name, kind) for name, kind in figures),
    )
    assert complaint(copy, "figures.yml: KK Fig. 4: kind = 'qualitative', but", said)


def text(root: Path) -> str:
    return (root / CHAPTER).read_text(encoding="utf-8")


# --- tests --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("head", "body"),
    [
        ("@pytest.mark.skip\n", ASSERTION),
        ('@pytest.mark.skipif(True, reason="later")\n', ASSERTION),
        ("@pytest.mark.xfail(strict=False)\n", ASSERTION),
        ("later = pytest.mark.xfail\n\n\n@later\n", ASSERTION),
        ("pytestmark = pytest.mark.skip\n\n\n", ASSERTION),
        ("pytestmark = [pytest.mark.full, pytest.mark.skip]\n\n\n", ASSERTION),
        ('@pytest.mark.parametrize("seed", [pytest.param(1, marks=pytest.mark.xfail)])\n', ASSERTION),
        ('SEEDS = [pytest.param(1, marks=pytest.mark.skip)]\n\n\n@pytest.mark.parametrize("s", SEEDS)\n', ASSERTION),
        ('@pytest.mark.parametrize("seed", [])\n', ASSERTION),
        ('SEEDS = ()\n\n\n@pytest.mark.parametrize("seed", SEEDS)\n', ASSERTION),
        ('kwant = pytest.importorskip("kwant")\n\n\n', ASSERTION),
        ("", f'pytest.skip("later")\n{ASSERTION}'),
        ("", f'if sum([1]):\n    pytest.xfail("later")\n{ASSERTION}'),
    ],
)
def test_proof_that_may_not_run_is_refused(copy, head, body):
    with_proof(copy, body, head)
    assert complaint(copy, f"KK.yml: KK (17): test = '{TESTS}::{PROOF}' does not always run, because of `", "remove it")


@pytest.mark.parametrize("head", ["@pytest.mark.full\n", '@pytest.mark.parametrize("seed", [1, 2])\n', "@given(x)\n"])
def test_proof_may_carry_other_marks(copy, head):
    with_proof(copy, head=head)
    assert ledger_rules.problems(copy) == []


HELPERS = """
def silent(x):
    return x == 1


def assert_nothing(x):
    silent(x)


def circular(x):
    circular(x)


def loud(x):
    louder(x)


def louder(x):
    assert x == 1


"""


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "x = sum([1]) == 1",
        "assert True",
        "assert 1 < 2",
        "silent(1)",
        "assert_nothing(1)",
        "circular(1)",
        "return\nassert sum([1]) == 1",
        "def inner(x):\n    assert x\nsum([1])",
        "f = lambda x: louder(x)",
        "quiet(1)",
    ],
)
def test_proof_without_assertion_is_refused(copy, body):
    head = f"from tests.helpers import quiet\n{HELPERS}"
    append(copy / "tests/helpers.py", "def quiet(x):\n    pass\n")
    with_proof(copy, body, head)
    assert complaint(copy, f"KK.yml: KK (17): test = '{TESTS}::{PROOF}' asserts nothing: compare a computed value")


@pytest.mark.parametrize(
    "body",
    [
        "with pytest.raises(ValueError):\n    sum(1)",
        "np.testing.assert_allclose(sum([1]), 1)",
        "for x in [1]:\n    if x:\n        assert_array_equal(x, 1)",
        "refusal.check()",
        "loud(1)",
        "loudest(1)",
        "def inner(x):\n    assert x\ninner(1)",
        "return louder(1)",
    ],
)
def test_proof_may_assert_in_each_way(copy, body):
    head = f"from tests.helpers import shout as loudest\n{HELPERS}"
    append(copy / "tests/helpers.py", "def shout(x):\n    assert x\n")
    with_proof(copy, body, head)
    assert ledger_rules.problems(copy) == []


def test_of_two_proofs_of_one_name_the_last_counts(copy):
    append(copy / TESTS, function(PROOF, "pass"))
    assert complaint(copy, "KK (17)", "asserts nothing")


@pytest.mark.parametrize(
    "file", ["tests/book/scattering.py", "tests/book/scattering_test.py", "spinlib/test_x.py", "tests/.old/test_x.py"]
)
def test_proof_that_is_never_collected_is_refused(copy, file):
    append(copy / file, function(PROOF))
    proven_by(copy, f"{file}::{PROOF}")
    assert complaint(copy, f"KK.yml: KK (17): test = '{file}::{PROOF}' is never collected by pytest: move it")


def test_proof_may_stand_in_any_folder_of_the_tests(copy):
    replace(copy / TESTS, function(PROOF), "")
    append(copy / "tests/a/b/test_x.py", function(PROOF))
    proven_by(copy, f"tests/a/b/test_x.py::{PROOF}")
    assert ledger_rules.problems(copy) == []


@pytest.mark.parametrize(
    ("parameters", "accepted"),
    [
        ('"number", [17, 18]', True),
        ('"number", NUMBERS', True),
        ('"number", {17: 1, 18: 2}', True),
        ('"number", [pytest.param(17), pytest.param(18, id="x")]', True),
        ('("equation", "value"), [(17, 1), (18, 2)]', True),
        ('"value, statement", [(1, 17), (2, 18)]', True),
        ('"number", [17, 19]', False),
        ('"seed", [17, 18]', False),
        ('"number_of_seeds", [17, 18]', False),
        ('"equation_value", [17, 18]', False),
        ('"numbers", [17, 18]', False),
        ('"equation, value", [(17, 18), (1, 2)]', False),
        ('"seed", [17, 18], ids=["number", "equation"]', False),
    ],
)
def test_shared_test_must_be_parametrised_by_its_equations(copy, parameters, accepted):
    replace(copy / TESTS, function("test_paper_KK_18"), "")
    proven_by(copy, f"{TESTS}::{PROOF}")
    raw = sheet(copy, "KK")
    next(row for row in raw["equations"] if row["number"] == 18)["test"] = f"{TESTS}::{PROOF}"
    store(copy, "KK", raw)
    with_proof(copy, head=f"NUMBERS: list[int] = [17, 18]\n\n\n@pytest.mark.parametrize({parameters})\n")
    if accepted:
        assert ledger_rules.problems(copy) == []
    else:
        assert complaint(copy, f"KK.yml: KK (18): shares test = '{TESTS}::{PROOF}', which is not parametrised by it")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("test_paper_KX_17", "names the unknown paper 'KX': use one of KK"),
        ("test_paper_KK_27", "names equation 27, but KK has 26: correct the number"),
        ("test_paper_KK_0_x", "names equation 0, but KK has 26"),
        ("test_paper_KK_figure_8", "names figure 8, but KK has 7"),
        ("test_paper_WD04_figure_1_left", "names figure 1, but WD04 has 0"),
        ("test_paper_KK_statement_E99_x", "has no statement in KK.yml: add the entry"),
        ("test_paper_KK_statement_E", "has no statement in KK.yml"),
        ("test_paper_RHP_statement_E99_x", "has no statement in RHP.yml"),
        ("test_paper_KK_section_two", "names no entry of KK.yml: call it test_paper_KK_<number>"),
    ],
)
def test_stray_test_of_a_paper_is_refused(copy, name, message):
    file = "tests/spinlib/test_x.py"
    append(copy / file, function(name))
    assert complaint(copy, f"{file}: {name} {message}")


@pytest.mark.parametrize(
    "name",
    [
        "test_paper_RHP_9_commutators",
        "test_paper_KK_17_again",
        "test_paper_KK_figure_7",
        "test_paper_KK_statement_E6_again",
        "test_paper_KK_statement_after_15_again",
    ],
)
def test_test_may_add_to_a_proof(copy, name):
    append(copy / "tests/spinlib/test_x.py", function(name))
    assert ledger_rules.problems(copy) == []


def test_proof_of_a_treated_equation_must_be_listed(copy):
    append(copy / TESTS, function(f"{PROOF}_again"))
    proven_by(copy, f"{TESTS}::{PROOF}_again")
    assert complaint(copy, f"{TESTS}: {PROOF} is not listed in KK.yml: add it to the tests of (17)")
