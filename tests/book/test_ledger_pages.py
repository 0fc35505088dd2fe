"""The pages made from the ledger say what the data say, and equations carry the papers' numbers."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.book.ledger_copy import (
    CHAPTER,
    EXTENSIONS,
    ROOT,
    entries,
    ledger,
    ledger_counts,
    ledger_data,
    ledger_map,
    ledger_nodes,
    ledger_parts,
    ledger_words,
    sheet,
    sound_copy,
    store,
)

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
BLOCKS = ["table}", "errata-table}", "map}", "parts}", "own-figures}", "count}"]
BLOCKS += [f"figures}} {key}" for key in ledger_data.PAPERS]


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
    shutil.copy(ROOT / "book" / "map.yml", root / "book")
    for page in {q.goal for q in ledger_map.load_map(root)[0].values() if q.goal.startswith("book/")}:
        if not (root / f"{page}.md").is_file():
            (root / f"{page}.md").write_text(f"# {page}\n", encoding="utf-8")
    for key in ledger_data.PAPERS:
        groups = "\n\n".join(f"```{{ledger-errata}} {key} {group}\n```" for group in ledger_counts.GROUPS)
        for name, body in (("equations", f"```{{ledger-equations}} {key}\n```"), ("errata", groups)):
            text = f"# {name.capitalize()} of {key}\n\n{body}\n"
            (root / "book" / f"{name}_{key.lower()}.md").write_text(text, encoding="utf-8")
    chapter = root / CHAPTER
    pages = "\n".join(path.relative_to(root).as_posix()[:-3] for path in sorted((root / "book").glob("*.md")))
    own = "$$\na=b\n$$ (own-one)\n\n$$\nc=d\n$$ (own-two)\n\nSee {eq}`eq-kk-18` and {eq}`own-two`.\n"
    chapter.write_text(chapter.read_text(encoding="utf-8") + own, encoding="utf-8")
    blocks = "\n\n".join(f"```{{ledger-{block}\n```" for block in BLOCKS)
    (root / "index.md").write_text(INDEX.format(blocks=blocks, pages=pages), encoding="utf-8")
    table, role = "```{ledger-count}\n```", "{ledger-count}`verified`"
    for name, body in (("directive", table), ("role", role)):
        (root / f"{name}.md").write_text(f"---\norphan: true\n---\n# {name}\n\n{body}\n", encoding="utf-8")
    (root / "conf.py").write_text(CONF.format(extensions=str(EXTENSIONS)), encoding="utf-8")
    result = build(root, "-W")
    assert result.returncode == 0, result.stderr
    return root


def html(root: Path, page: str) -> str:
    return (root / "_build" / f"{page}.html").read_text(encoding="utf-8")


def plain(text: str) -> str:
    return re.sub(r'<span class="pre">|</span>|<wbr>', "", text)


def cells(row: str) -> list[str]:
    """The text of the cells of a row of a table."""
    return [
        re.sub(r"(<[^>]+>|\s)+", " ", cell).strip() for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
    ]


def rows(text: str, prefix: str) -> dict[str, tuple[dict[str, str], str]]:
    """The rows of a table by their ids: attributes and content."""
    found = re.findall(rf'<tr id="({prefix}-[^"]+)"([^>]*)>(.*?)</tr>', text, re.DOTALL)
    return {name: (dict(re.findall(r'([\w-]+)="([^"]*)"', head)), body) for name, head, body in found}


def test_pages_hold_every_entry(book):
    for key, (equations, _) in ledger_data.load_ledger(book).items():
        text = html(book, f"book/equations_{key.lower()}")
        assert [e.label for e in equations if text.count(f'id="ledger-{key.lower()}-{e.label}"') != 1] == []
        for entry in equations:
            assert all(f">{name}<" in plain(text) for name in entry.code + entry.test), entry
    text = plain(html(book, "index"))
    for figure in ledger_data.load_figures(book):
        assert text.count(f'id="ledger-fig-{figure.paper.lower()}-{figure.label}"') == 1
        assert all(f">{name}<" in text for name in figure.code + figure.test)


def test_table_leads_from_every_equation_to_its_entry_its_call_and_its_chapter(book):
    text = html(book, "index")
    shown = rows(text, "ledger")
    for key, (equations, _) in ledger_data.load_ledger(book).items():
        assert f'<tbody id="equations-{key.lower()}">' in text
        for entry in equations:
            name = f"ledger-{key.lower()}-{entry.label}"
            attributes, body = shown[name]
            assert f'href="book/equations_{key.lower()}.html#{name}">{key} ({entry.label})<' in body
            assert f'href="{entry.page}.html#equation-{entry.anchor}"' in body
            assert all(f">{call.removeprefix('spinlib.')}<" in plain(body) for call in entry.code)
            assert attributes["data-call"] == ("yes" if entry.code else "no")
            assert (attributes["data-paper"], attributes["data-status"]) == (key, entry.status)
            assert attributes["data-chapter"] == entry.page
            assert cells(body)[2] == entry.status
    assert len(shown) == 265


def test_controls_are_hidden_until_the_script_serves_them_and_each_has_a_label(book):
    forms = re.findall(r'<form id="ledger[^>]*>.*?</form>', html(book, "index"), re.DOTALL)
    assert len(forms) == 2
    for form in forms:
        assert 'hidden="' in form.partition(">")[0] or " hidden" in form.partition(">")[0]
        names = re.findall(r'<(?:input|select)[^>]* id="([^"]+)"', form)
        assert names
        assert all(f'for="{name}"' in form for name in names)
        assert '<output aria-live="polite"' in form
    chapters = {entry.page for key in ledger_data.PAPERS for entry in ledger_data.load_ledger(book)[key][0]}
    assert set(re.findall(r'<option value="(book/[^"]+)"', forms[0])) == chapters


@pytest.mark.parametrize(
    ("latex", "names"),
    [
        (r"\tau_b^x=\frac{\hbar}{2}\,T", {"tau", "hbar", "T", "x"}),
        (r"\mathbf J=G_{\uparrow}\,\mathrm{Re}\,V", {"J", "G_up", "V"}),
    ],
)
def test_symbols_are_named_as_one_types_them(latex, names):
    assert names <= set(ledger_words.symbols(latex))
    assert not {"frac", "mathbf", "mathrm", "uparrow"} & set(ledger_words.symbols(latex))


@pytest.mark.parametrize(
    ("name", "entry"),
    [
        ("spinlib.spin.rotate", "spinlib.spin.rotate"),
        ("spinlib.room.part.ring", "spinlib.room.ring"),  # documented under another path of the same room
        ("spinlib.room.part.twice", None),
        ("spinlib.spin.ring", None),
    ],
)
def test_call_is_found_under_the_name_that_the_reference_gives_it(name, entry):
    documented = ["spinlib.spin.rotate", "spinlib.room.ring", "spinlib.room.a.twice", "spinlib.room.b.twice"]
    objects = {each: SimpleNamespace(docname="book/api", node_id=each) for each in documented}
    domains = {"py": SimpleNamespace(data={"objects": objects}), "math": SimpleNamespace(data={"objects": {}})}
    env = SimpleNamespace(get_domain=domains.get, found_docs=set())
    assert ledger_nodes._address(env, f"api-{name}") == (("book/api", entry) if entry else None)


def test_pages_show_computed_counts(book):
    text = html(book, "index")
    assert f"{ledger.counts(book, 'KK')['equations']} of {ledger.counts(book)['equations']}" in text
    for key in (*ledger_data.PAPERS, ""):
        own = ledger.counts(book, key)
        line = [
            key or "all",
            *(str(own[what]) for what in ("equations", "verified", "restricted", "corrected", "figures")),
        ]
        assert any(cells(row) == line for row in re.findall(r"<tr[^>]*>.*?</tr>", text, re.DOTALL)), line


def test_errata_stand_in_their_group_with_what_they_need(book):
    wrong = {"corrected": "error", "error": "error", "over-statement": "over-statement"}
    expected: dict[str, tuple[str, str]] = {}
    garbled = []
    for entry in entries(book):
        if entry.status in wrong:
            group = {"no": "error", "possible": "artefact"}.get(entry.artefact)
            name = f"erratum-{entry.paper}-{entry.label}".lower()
            if wrong[entry.status] == "error" and not group:
                garbled.append(name)
            else:
                expected[name] = (entry.paper, group if wrong[entry.status] == "error" else wrong[entry.status])
    assert len(garbled) == 1
    tally = ledger.counts(book)
    for group, name in (("errors", "error"), ("artefacts", "artefact"), ("over-statements", "over-statement")):
        assert tally[group] == [kind for _, kind in expected.values()].count(name)
    for key in ledger_data.PAPERS:
        text = html(book, f"book/errata_{key.lower()}")
        # The groups stand one after the other, so the order of the ids shows where each entry landed.
        shown = re.findall(r'id="(erratum-[^"]+)"', text)
        assert sorted(shown) == sorted(name for name, (paper, _) in expected.items() if paper == key)
        order = [expected[name][1] for name in shown]
        assert order == sorted(order, key=["error", "artefact", "over-statement"].index)
        for name in shown:
            row = text.split(f'id="{name}"')[1].split("</dl>")[0]
            assert all(f"{word}<span" in row for word in ("Printed", "Right", "Consequence", "Checked by")), name
            assert ("error of the paper" in row) == (expected[name][1] == "error"), name
            assert ("possibly an artefact" in row) == (expected[name][1] == "artefact"), name
    text = html(book, f"book/equations_{garbled[0].split('-')[1]}")
    row = text.split(f'id="{garbled[0].replace("erratum", "ledger")}"')[1].split("</dl>")[0]
    assert "artefact of text extraction, the paper is right" in row
    assert "Consequence<span" in row


def test_table_of_errata_leads_to_every_erratum(book):
    shown = rows(html(book, "index"), "erratum")
    tally = ledger.counts(book)
    assert len(shown) == tally["errors"] + tally["artefacts"] + tally["over-statements"]
    for name, (attributes, body) in shown.items():
        page = f"book/errata_{name.split('-')[1]}"
        assert f'href="{page}.html#{name}"' in body
        assert f'id="{name}"' in html(book, page)
        assert cells(body)[1].replace(" ", "-") == attributes["data-kind"]
        assert len(cells(body)[2]) > 20, name


def test_parts_lead_to_every_chapter_of_the_contents(book):
    text = re.split(r'<dl class="[^"]*ledger-parts', html(book, "index"))[1].split("</dl>")[0]
    listed = [page for pages in ledger_parts.parts_of(book).values() for page in pages]
    assert re.findall(r'href="([^"]+)\.html"', text) == listed


def test_equations_carry_the_numbers_of_the_paper(book):
    chapter = html(book, "book/scattering_torque")
    numbers = re.findall(r'id="equation-(eq-[^"]+)">\s*<span class="eqno">\(([^<]*?)\)?<', chapter)
    labels = {e.anchor for e in entries(book) if e.chapter.startswith(f"{CHAPTER}#eq-")}
    assert "eq-kk-18" in labels
    assert dict(numbers) == {label: label.removeprefix("eq-").upper().replace("-", " ") for label in labels}
    assert re.findall(r'id="equation-own-\w+">\s*<span class="eqno">\(([^<]*?)\)?<', chapter) == ["1", "2"]
    assert re.findall(r'href="#equation-[\w-]+">([^<]+)</a>', chapter) == ["(KK 18)", "(2)"]
    assert 'href="scattering_torque.html#equation-eq-kk-18">(KK 18)</a>' in html(book, "book/equations_kk")


def test_scrolling_formulas_are_named_and_reached_by_keyboard(book):
    boxes = re.findall(r'<div class="ledger-scroll"([^>]*)>', html(book, "book/equations_kk"))
    assert boxes
    assert all(
        'tabindex="0"' in box and 'role="group"' in box and re.search(r'aria-label="[^"]+"', box) for box in boxes
    )


def test_pages_follow_the_data_and_numbers_survive(book):
    """Changes the book: its pages then follow its data again, as the other tests expect."""
    assert "0 added, 0 changed, 0 removed" in build(book).stdout
    raw = sheet(book, "WD11")
    raw["equations"][0]["subject"] = "a subject that was not there before"
    store(book, "WD11", raw)
    result = build(book, "-W")
    assert result.returncode == 0, result.stderr
    assert "13 changed" in result.stdout  # index, directive, role, and what lists entries of a paper; no chapter
    assert "subject that was not there before" in html(book, "book/equations_wd11")
    assert "ubject that was not there before" in html(book, "index")
    assert ">(KK 18)</a>" in html(book, "book/equations_kk")


def test_parallel_reading_keeps_the_numbers(book, tmp_path):
    root = tmp_path / "book"
    shutil.copytree(book, root, ignore=shutil.ignore_patterns("_build"))
    for number in range(8):
        (root / f"page{number}.md").write_text(f"---\norphan: true\n---\n# P{number}\n\n{{eq}}`eq-kk-17`\n")
    result = build(root, "-W", "-j", "2")
    assert result.returncode == 0, result.stderr
    assert all(">(KK 17)</a>" in html(root, f"page{number}") for number in range(8))


BAD = [
    ("```{ledger-equations} XX\n```", "pass one of KK, RHP, WD04, BTBK, WD11"),
    ("```{ledger-equations}\n```", "pass one of KK, RHP, WD04, BTBK, WD11"),
    ("```{ledger-errata} all\n```", "pass one of KK, RHP, WD04, BTBK, WD11"),
    ("```{ledger-errata} KK all\n```", "pass one of errors, artefacts, over-statements"),
    ("```{ledger-parts}\nNone: of them\n```", "'None' is no part of _toc.yml: use one of All"),
    ("{ledger-count}`pages`", "pass [KEY] and one of"),
    ("{ledger-count}`XX equations`", "pass [KEY] and one of"),
]


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """What Sphinx says of a book that holds each bad directive on a page of its own."""
    copy = sound_copy(tmp_path_factory.mktemp("refused") / "copy")
    for number, (body, _) in enumerate(BAD):
        (copy / f"bad{number}.md").write_text(f"---\norphan: true\n---\n# Bad\n\n{body}\n", encoding="utf-8")
    (copy / "index.md").write_text("# Index\n", encoding="utf-8")
    (copy / "conf.py").write_text(CONF.format(extensions=str(EXTENSIONS)), encoding="utf-8")
    (copy / CHAPTER).unlink()
    result = build(copy, "-W", "--keep-going")
    assert result.returncode != 0
    return result.stderr


@pytest.mark.parametrize(("number", "message"), [(number, message) for number, (_, message) in enumerate(BAD)])
def test_bad_input_directive_says_what_to_pass(refused, number, message):
    assert re.search(rf"/bad{number}\.md:\d*: ERROR: .*{re.escape(message)}", refused), refused


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
