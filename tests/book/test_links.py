"""No link of the built book leads nowhere, and no page asks another host; checked without a browser."""

from pathlib import Path

import pytest

from tools.check_links import dead_links

HTML = Path(__file__).resolve().parents[2] / "_build" / "html"

SOUND = {
    "index.html": '<a href="book/page.html#eq-1">1</a> <a href="#here">h</a><p id="here"></p>'
    '<a href="https://example.org/elsewhere">out</a><script src="_static/a.js?v=1"></script>',
    "book/page.html": '<a href="../index.html">up</a><div id="eq-1"></div><img src="../_images/a%20b.svg">',
    "_static/a.js": "",
    "_static/template.html": '<script src="missing.js"></script>',
    "_static/a.css": "p { background: url('a.svg'); content: 'https://example.org' } /* @import is not used */",
    "_images/a b.svg": "<svg/>",
}


def _tree(folder: Path, **changes: str) -> Path:
    for name, text in (SOUND | changes).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.mark.reader
def test_book_has_no_dead_link():
    if not (HTML / "index.html").is_file():
        pytest.fail("there is no book in _build/html: make book first", pytrace=False)
    assert dead_links(HTML) == []


def test_sound_tree_passes(tmp_path):
    assert dead_links(_tree(tmp_path)) == []


@pytest.mark.parametrize(
    ("html", "problem"),
    [
        ('<a href="book/none.html">1</a>', "index.html: book/none.html does not exist"),
        ('<a href="book">1</a>', "index.html: book does not exist"),
        ('<a href="book/page.html#eq-2">1</a>', "index.html: book/page.html#eq-2 has no such anchor"),
        ('<a href="#eq-1">1</a>', "index.html: #eq-1 has no such anchor"),
        ('<img src="_images/none.svg">', "index.html: _images/none.svg does not exist"),
        ('<script src="https://example.org/a.js"></script>', "index.html: loads https://example.org/a.js"),
        ('<script src="//example.org/a.js"></script>', "index.html: loads //example.org/a.js"),
        ('<link rel="stylesheet" href="https://example.org/a.css">', "index.html: loads https://example.org/a.css"),
        ('<link rel="preconnect" href="https://example.org">', "index.html: loads https://example.org"),
        ('<iframe src="https://example.org"></iframe>', "index.html: loads https://example.org"),
    ],
)
def test_damage_is_reported(tmp_path, html, problem):
    assert dead_links(_tree(tmp_path, **{"index.html": html})) == [problem]


@pytest.mark.parametrize(
    "css",
    [
        '@import "https://example.org/f.css";',
        "@import url(//example.org/f.css);",
        "p { src: url( 'http://example.org/f' ) }",
    ],
)
def test_style_that_asks_a_host_is_reported(tmp_path, css):
    problems = dead_links(_tree(tmp_path, **{"_static/a.css": css}))
    assert len(problems) == 1
    assert problems[0].startswith("_static/a.css: loads ")


def test_every_damage_of_a_page_is_reported_once(tmp_path):
    html = '<a href="none.html">1</a><a href="none.html">2</a><img src="none.svg">'
    assert len(dead_links(_tree(tmp_path, **{"index.html": html}))) == 2
