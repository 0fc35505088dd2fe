"""`make pdf`: a file that opens, with the outline, the links, the formulas and the figures of the book."""

import html
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.annotations import Link

from tests.book.building import make, small_book, snapshot
from tests.book.pdf_check import flat, link_problems, outline, sheet_problems, text_of, unembedded_fonts
from tools import book_pdf
from tools.browser import chromium
from tools.contents import parts
from tools.isolation import ROOT
from tools.pdf_join import Printed, joined

CONFIG = {"title": "Title", "author": "Author"}
needs_chromium = pytest.mark.skipif(chromium() is None, reason="WARNING: Chromium is not found, no PDF is tested")

PROSE = r"""# Prose

Back to {doc}`first`, on to [the end](#the-end), out to [a page](https://example.org/), away with {book-zip}`a zip`.

```{math}
:label: eq-small
E = mc^2
```

::::{admonition} Exercise
What is it?

:::{admonition} Solution
:class: dropdown
It is {eq}`eq-small`, seen unfolded.
:::
::::

(the-end)=
## The end of $E$

See {doc}`second`.
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A small book, printed: the tree, the sources before, and what the run said."""
    tree = small_book(tmp_path_factory.mktemp("small") / "tree")
    (tree / "book" / "prose.md").write_text(PROSE, encoding="utf-8")
    before = snapshot(tree)
    code, output = make(tree, "pdf")
    assert code == 0, output
    assert "The PDF is printed" in output
    return tree, before


@needs_chromium
@pytest.mark.build
def test_small_book_on_paper(tree):
    reader = PdfReader(tree[0] / "_build" / "pdf" / "spin-currents.pdf")
    texts = [text_of(sheet) for sheet in reader.pages]
    assert len(texts) == 6, "title, contents and four pages"
    assert reader.page_labels == ["i", "ii", "1", "2", "3", "4"]
    assert reader.metadata.title == "Spin currents, equation by equation"
    entries = [("A small book", 2), ("Page first", 3), ("Page second", 4), ("Prose", 5)]
    assert outline(reader) == [*((0, title, sheet) for title, sheet in entries), (1, "The end of E", 5)]
    assert re.search(r"Prose\s*4", texts[1])
    assert "first 1e-09" in texts[3]
    assert "seen unfolded" in texts[5]
    assert flat("(1)") in flat(texts[5])
    assert link_problems(reader) == []
    assert unembedded_fonts(reader) == []
    assert sheet_problems(reader.pages[3:], texts[3:]) == []


@needs_chromium
@pytest.mark.build
def test_links_on_paper_lead_to_their_places(tree):
    reader = PdfReader(tree[0] / "_build" / "pdf" / "spin-currents.pdf")
    sheets = {sheet.indirect_reference.idnum: number for number, sheet in enumerate(reader.pages)}
    links = [entry.get_object() for entry in reader.pages[5]["/Annots"]]
    targets = {sheets[link["/Dest"][0].idnum] for link in links if "/Dest" in link}
    assert targets == {3, 4, 5}
    assert {link["/A"]["/URI"] for link in links if "/A" in link} == {"https://example.org/"}
    below = {link["/Dest"][3] for link in links if "/Dest" in link and sheets[link["/Dest"][0].idnum] == 5}
    assert len(below) == 2, "the formula and the last section"
    assert all(0 < height < 800 for height in below)


@needs_chromium
@pytest.mark.build
def test_printing_leaves_the_sources_alone_and_is_not_repeated(tree):
    assert snapshot(tree[0]) == tree[1]
    code, output = make(tree[0], "pdf")
    assert code == 0
    assert output.splitlines()[-1] == "The PDF is up to date: _build/pdf/spin-currents.pdf"


def test_bad_input_no_chromium(monkeypatch):
    monkeypatch.setattr(book_pdf, "chromium", lambda: None)
    with pytest.raises(SystemExit, match=r"Chromium prints the book and is not found: install it .* or let CHROMIUM"):
        book_pdf.main([])


def _sheet(folder, name, target=None):
    """A page of the book on an empty sheet, perhaps with a link."""
    writer = PdfWriter()
    writer.add_blank_page(100, 100)
    if target:
        writer.add_annotation(0, Link(rect=(0, 0, 9, 9), url=target))
    stream = io.BytesIO()
    writer.write(stream)
    return Printed(folder / f"{name}.html", "", name, [], stream.getvalue())


def test_bad_input_link_to_a_page_that_is_not_printed(tmp_path):
    front, second = _sheet(tmp_path, "front"), _sheet(tmp_path, "second")
    for target, problems in (("second.html", 0), ("second.html#gone", 1), ("third.html", 1)):
        first = _sheet(tmp_path, "first", (tmp_path / "second.html").as_uri().replace("second.html", target))
        pdf, dead = joined(front, [first, second], CONFIG)
        assert len(dead) == problems, target
        assert all(line.startswith("first: ") and target in line for line in dead)
        assert len(link_problems(PdfReader(io.BytesIO(pdf)))) == problems
    stray = _sheet(tmp_path, "stray", "https://example.org/")
    assert joined(front, [stray], CONFIG)[1] == []


# --- the whole book ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole():
    """The printed book and the text of its sheets."""
    command = [sys.executable, "tools/book_pdf.py"]
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    reader = PdfReader(book_pdf.PDF)
    return reader, [text_of(sheet) for sheet in reader.pages]


def _pages() -> list[tuple[str, Path]]:
    return [(part, book_pdf.HTML / f"{page}.html") for part, pages in parts(ROOT / "_toc.yml") for page in pages]


def _plain(fragment: str) -> str:
    """The text of a piece of a page before its first formula or link."""
    return flat(html.unescape(re.sub(r"<[^>]+>", "", re.split(r'<(?:span class="math|a )', fragment)[0])))


@needs_chromium
@pytest.mark.full
def test_whole_book_on_paper(whole):
    reader, texts = whole
    entries = outline(reader)
    named = [part for part in dict.fromkeys(part for part, _ in _pages()) if part]
    roots = [k for k, (depth, _, _) in enumerate(entries) if depth == 0]
    assert [entries[k][1] for k in roots[1:]] == named
    tops = [entries[0], *(entry for entry in entries[roots[1] :] if entry[0] == 1)]
    assert len(tops) == len(_pages())
    starts = [sheet for _, _, sheet in tops] + [len(texts)]
    missing, figures = [], 0
    for (_, path), start, end in zip(_pages(), starts, starts[1:], strict=False):
        page, text = path.read_text(encoding="utf-8"), flat("".join(texts[start:end]))
        captions = [_plain(caption) for caption in re.findall(r"<figcaption>.*?</figcaption>", page, re.DOTALL)]
        numbers = [_plain(number) for number in re.findall(r'<span class="eqno">(\([^<]*\))', page)]
        solutions = page.count('<p class="admonition-title">Solution</p>')
        missing += [f"{path.stem}: {words}" for words in captions + numbers if words[:40] not in text]
        missing += [f"{path.stem}: {solutions} solutions"] * (text.count("Solution") < solutions)
        figures += len(captions)
    assert missing == []
    assert figures > 100


@needs_chromium
@pytest.mark.full
def test_whole_book_is_sound(whole):
    reader, texts = whole
    assert link_problems(reader) == []
    assert unembedded_fonts(reader) == []
    assert sheet_problems(reader.pages, texts) == []
