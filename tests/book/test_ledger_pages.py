"""The pages made from the ledger say what the data say, and equations carry the papers' numbers."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.book.ledger_copy import CHAPTER, EXTENSIONS, entries, ledger, ledger_data, sheet, sound_copy, store

CONF = """
import sys
from docutils.parsers.rst import Directive
sys.path.insert(0, {extensions!r})
extensions = ["myst_parser", "ledger"]
myst_enable_extensions = ["dollarmath"]
html_theme = "basic"
numfig = True
nitpicky = True
exclude_patterns = ["_build"]


class CodeCell(Directive):
    has_content, optional_arguments, final_argument_whitespace = True, 1, True

    def run(self):
        return []


def setup(app):
    app.add_directive("code-cell", CodeCell)
"""
INDEX = """# Index

{{ledger-count}}`KK equations` of {{ledger-count}}`equations`

```{{toctree}}
{pages}
```

{blocks}
"""
BLOCKS = [f"equations}} {key}" for key in ledger_data.PAPERS]
BLOCKS += [f"figures}} {key}" for key in ledger_data.PAPERS]
BLOCKS += [f"errata}} {group}" for group in ledger.LedgerErrata.choices] + ["count}"]


def build(root: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sphinx", "-b", "html", *options, str(root), str(root / "_build")]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    root = sound_copy(tmp_path_factory.mktemp("book"))
    # One formula that the paper has right and only the text available to us has wrong.
    raw = sheet(root, "KK")
    next(row for row in raw["equations"] if row["status"] == "corrected")["artefact"] = "certain"
    store(root, "KK", raw)
    chapter = root / CHAPTER
    pages = "\n".join(path.relative_to(root).as_posix()[:-3] for path in sorted((root / "book").glob("*.md")))
    own = "$$\na=b\n$$ (own-one)\n\n$$\nc=d\n$$ (own-two)\n\nSee {eq}`eq-kk-18` and {eq}`own-two`.\n"
    chapter.write_text(chapter.read_text(encoding="utf-8") + own, encoding="utf-8")
    blocks = "\n\n".join(f"```{{ledger-{block}\n```" for block in BLOCKS)
    (root / "index.md").write_text(INDEX.format(blocks=blocks, pages=pages), encoding="utf-8")
    numbers = "\n\n".join(f"```{{ledger-numbers}} {key}\n```" for key in ledger_data.PAPERS)
    table, role = "```{ledger-count}\n```", "{ledger-count}`planned`"
    for name, body in (("numbers", numbers), ("directive", table), ("role", role)):
        (root / f"{name}.md").write_text(f"---\norphan: true\n---\n# {name}\n\n{body}\n", encoding="utf-8")
    (root / "conf.py").write_text(CONF.format(extensions=str(EXTENSIONS)), encoding="utf-8")
    result = build(root, "-W")
    assert result.returncode == 0, result.stderr
    return root


def html(root: Path, page: str) -> str:
    return (root / "_build" / f"{page}.html").read_text(encoding="utf-8")


def test_pages_hold_every_entry(book):
    text = html(book, "index")
    for key, (equations, _) in ledger_data.load_ledger(book).items():
        ids = {f'id="ledger-{key.lower()}-{entry.label}"' for entry in equations}
        assert [i for i in ids if text.count(i) != 1] == []
    for figure in ledger_data.load_figures(book):
        assert text.count(f'id="ledger-fig-{figure.paper.lower()}-{figure.label}"') == 1
    for entry in entries(book):
        assert all(f">{name}<" in re.sub(r'<span class="pre">|</span>', "", text) for name in entry.code + entry.test)


def test_numbers_lead_to_every_equation(book):
    text = html(book, "numbers")
    for key, (equations, _) in ledger_data.load_ledger(book).items():
        for entry in equations:
            row = f"ledger-{key.lower()}-{entry.label}"
            (link,) = re.findall(rf'<span id="{row}"><a [^>]*href="([^"]+)"><span[^>]*>(.+?)</span></a></span>', text)
            assert link == (f"index.html#{row}", f"({entry.label})")


def test_pages_show_computed_counts(book):
    text = html(book, "index")
    tally = ledger.counts(book)
    assert f"{ledger.counts(book, 'KK')['equations']} of {tally['equations']}" in text
    assert f"<strong>{tally['errors']}</strong> certain errors" in text
    assert f"<strong>{tally['artefacts']}</strong> possible artefacts" in text
    assert f"<strong>{tally['over-statements']}</strong> over-statements" in text
    waiting = [count for key in ledger_data.PAPERS if (count := ledger.counts(book, key)["planned"])]
    shown = re.findall(r"(\d+) equations? planned: the chapter is not written yet", text)
    assert [int(count) for count in shown] == waiting


def test_errata_stand_in_their_group_with_what_they_need(book):
    text = html(book, "index")
    wrong = {"corrected": "error", "error": "error", "over-statement": "over-statement"}
    expected, garbled = {}, []
    for entry in entries(book):
        if entry.status in wrong:
            group = {"no": "error", "possible": "artefact"}.get(entry.artefact)
            name = f"erratum-{entry.paper}-{entry.label}".lower()
            if wrong[entry.status] == "error" and not group:
                garbled.append(name)
            else:
                expected[name] = group if wrong[entry.status] == "error" else wrong[entry.status]
    assert len(garbled) == 1
    tally = ledger.counts(book)
    for group, name in (("errors", "error"), ("artefacts", "artefact"), ("over-statements", "over-statement")):
        assert tally[group] == list(expected.values()).count(name)
    # The groups stand one after the other, so the order of the ids shows where each entry landed.
    shown = re.findall(r'id="(erratum-[^"]+)"', text)
    assert sorted(shown) == sorted(expected)
    order = [expected[name] for name in shown]
    assert order == sorted(order, key=["error", "artefact", "over-statement"].index)
    for name in shown:
        row = text.split(f'id="{name}"')[1].split("</dl>")[0]
        assert all(f"{word}<span" in row for word in ("Printed", "Right", "Consequence", "Checked by")), name
        assert ("error of the paper" in row) == (expected[name] == "error"), name
        assert ("possibly an artefact" in row) == (expected[name] == "artefact"), name
    row = text.split(f'id="{garbled[0].replace("erratum", "ledger")}"')[1].split("</dl>")[0]
    assert "artefact of text extraction, the paper is right" in row
    assert "Consequence<span" in row


def test_equations_carry_the_numbers_of_the_paper(book):
    chapter = html(book, "book/scattering_torque")
    numbers = re.findall(r'id="equation-(eq-[^"]+)">\s*<span class="eqno">\(([^<]*?)\)?<', chapter)
    labels = {e.anchor for e in entries(book) if e.chapter.startswith(f"{CHAPTER}#eq-")}
    assert "eq-kk-18" in labels
    assert dict(numbers) == {label: label.removeprefix("eq-").upper().replace("-", " ") for label in labels}
    assert re.findall(r'id="equation-own-\w+">\s*<span class="eqno">\(([^<]*?)\)?<', chapter) == ["1", "2"]
    assert re.findall(r'href="#equation-[\w-]+">([^<]+)</a>', chapter) == ["(KK 18)", "(2)"]
    assert 'href="book/scattering_torque.html#equation-eq-kk-18">(KK 18)</a>' in html(book, "index")


def test_scrolling_formulas_are_named_and_reached_by_keyboard(book):
    boxes = re.findall(r'<div class="ledger-scroll"([^>]*)>', html(book, "index"))
    assert boxes
    assert all(
        'tabindex="0"' in box and 'role="group"' in box and re.search(r'aria-label="[^"]+"', box) for box in boxes
    )


def test_pages_follow_the_data_and_numbers_survive(book, tmp_path):
    root = tmp_path / "book"
    shutil.copytree(book, root)
    assert build(root).returncode == 0
    assert "0 added, 0 changed, 0 removed" in build(root).stdout
    raw = sheet(root, "WD11")
    raw["equations"][0]["subject"] = "a subject that was not there before"
    store(root, "WD11", raw)
    result = build(root, "-W")
    assert result.returncode == 0, result.stderr
    assert "4 changed" in result.stdout  # index, numbers, directive, role; not the chapter
    assert "subject that was not there before" in html(root, "index")
    assert ">(KK 18)</a>" in html(root, "index")


def test_parallel_reading_keeps_the_numbers(book, tmp_path):
    root = tmp_path / "book"
    shutil.copytree(book, root, ignore=shutil.ignore_patterns("_build"))
    for number in range(8):
        (root / f"page{number}.md").write_text(f"---\norphan: true\n---\n# P{number}\n\n{{eq}}`eq-kk-17`\n")
    result = build(root, "-W", "-j", "2")
    assert result.returncode == 0, result.stderr
    assert all(">(KK 17)</a>" in html(root, f"page{number}") for number in range(8))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("```{ledger-equations} XX\n```", "pass one of KK, RHP, WD04, BTBK, WD11"),
        ("```{ledger-equations}\n```", "pass one of KK, RHP, WD04, BTBK, WD11"),
        ("```{ledger-errata} all\n```", "pass one of counts, errors, artefacts, over-statements"),
        ("{ledger-count}`pages`", "pass [KEY] and one of"),
        ("{ledger-count}`XX equations`", "pass [KEY] and one of"),
    ],
)
def test_bad_input_directive_says_what_to_pass(tmp_path, body, message):
    copy = sound_copy(tmp_path / "copy")
    (copy / "index.md").write_text(f"# Index\n\n{body}\n", encoding="utf-8")
    (copy / "conf.py").write_text(CONF.format(extensions=str(EXTENSIONS)), encoding="utf-8")
    (copy / CHAPTER).unlink()
    result = build(copy, "-W")
    assert result.returncode != 0
    assert message in result.stderr


def test_build_refuses_a_bad_ledger(tmp_path):
    copy = sound_copy(tmp_path / "copy")
    raw = sheet(copy, "KK")
    raw["equations"].pop()
    store(copy, "KK", raw)
    (copy / "index.md").write_text("# Index\n", encoding="utf-8")
    (copy / "conf.py").write_text(CONF.format(extensions=str(EXTENSIONS)), encoding="utf-8")
    result = build(copy)
    assert result.returncode != 0
    assert "KK equations: 25 entries" in result.stderr
