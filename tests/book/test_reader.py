"""The built book, as its readers meet it: in Chromium, from files, at a desk and on a phone, without a network."""

import json
import warnings
import zipfile
from contextlib import closing
from functools import cache
from itertools import repeat
from pathlib import Path

import nbformat
import pytest
import yaml
from playwright.sync_api import expect

from tests.book import reader, reader_downloads

pytestmark = pytest.mark.reader

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
PAGES = reader.book_pages(HTML)
NAMES = [page.relative_to(HTML).as_posix() for page in PAGES]
EXCEPTIONS = yaml.safe_load(Path(__file__).with_name("reader_exceptions.yml").read_text(encoding="utf-8"))
by_page = pytest.mark.parametrize("name", NAMES or ["index.html"])


@pytest.fixture(scope="module")
def report(book, chromium):
    """The report of a page; each page is opened once for all tests."""
    measured: set[str] = set()
    with closing(_tabs(chromium)) as tabs:
        yield cache(lambda name: reader.examine(next(tabs), book / name, measured))


def _tabs(chromium):
    """A tab for each page, the same for a few of them: what it holds in memory grows by the page."""
    while True:
        with reader.open_tab(chromium) as tab:
            yield from repeat(tab, 6)


@by_page
@pytest.mark.parametrize("check", reader.CHECKS)
def test_page(report, name, check):
    assert report(name).lines[check] == []


def _excepted(finding: reader.Finding) -> bool:
    return any(entry["rule"] == finding.rule and entry["selector"] == finding.selector for entry in EXCEPTIONS)


@by_page
def test_accessibility(report, name):
    found = [f"{where}: {finding}" for where, finding in report(name).axe if not _excepted(finding)]
    assert found == []


def test_exceptions_are_needed(report):
    for entry in EXCEPTIONS:
        found = {(finding.rule, finding.selector) for _, finding in report(entry["page"]).axe}
        assert (entry["rule"], entry["selector"]) in found, entry


def test_exceptions_say_why():
    keys = {"page", "rule", "selector", "reason"}
    assert all(set(entry) == keys and len(entry["reason"]) > 20 for entry in EXCEPTIONS)


# What readers do


def test_search_finds_a_page(book, tab):
    with reader.visit(tab, book / "index.html", reader.DESK) as page:
        fields = page.locator("input[type=search]")
        expect(fields).to_have_count(1)
        page.locator("button.search-button__button").locator("visible=true").first.click()
        fields.fill("torque")
        fields.press("Enter")
        page.wait_for_url("**/search.html?q=torque*")
        # Results come one by one; a click between two of them may hit nothing.
        expect(page.locator("#search-results .search-summary")).to_contain_text("found")
        page.locator("#search-results ul.search li a").first.click()
        page.wait_for_url(lambda url: "search.html" not in url)
        expect(page.locator("article.bd-article h1")).to_be_visible()
        assert "torque" in page.locator("article.bd-article").inner_text().lower()


def test_theme_can_be_switched(book, tab):
    with reader.visit(tab, book / "index.html", reader.DESK) as page:
        button = page.locator("button.theme-switch-button").locator("visible=true").first
        seen = []
        for _ in range(3):
            button.click()
            seen.append(page.locator("html").get_attribute("data-theme"))
        assert set(seen) == {"light", "dark"}
        before = seen[-1]
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-theme", before or "")


# What readers download


def test_downloads_open(book):
    offered = reader_downloads.download_links(PAGES)
    assert {path.suffix for path in offered} >= {".csv", ".zip"}, "the book offers no data or no notebooks"
    checks = {
        ".csv": lambda path: reader_downloads.csv_problems(path.read_bytes()),
        ".zip": reader_downloads.zip_problems,
        ".ipynb": lambda path: reader_downloads.notebook_problems(path.read_bytes()),
    }
    problems = []
    for path, pages in offered.items():
        lines = checks[path.suffix](path) if path.is_file() else ["does not exist"]
        problems += [f"{pages[0]}: {path.name} {line}" for line in lines]
    assert problems == []


# The checks themselves: each sees the damage that it is there for

DAMAGE = [
    ("requests", '<img src="https://unreachable.invalid/a.png" alt="a curve">', "https://unreachable.invalid/a.png"),
    ("requests", '<link rel="stylesheet" href="missing.css">', "failed: file:"),
    ("console", '<script>console.error("broken")</script>', "broken"),
    ("console", "<script>undefined_name()</script>", "uncaught"),
    ("formulas", r"<p>the torque \(\tau\) rests</p>", r"raw TeX: the torque \(\tau\)"),
    ("formulas", "<p>$$ E $$</p>", "raw TeX: $$ E $$"),
    ("formulas", '<span class="math">bare</span>', "not set: bare"),
    ("formulas", '<span class="math">two</span>', "7 formulas, 6 are set"),
    (
        "formulas",
        '<p class="math"><mjx-container><g data-mml-node="merror">?</g></mjx-container></p>',
        "in a formula: ?",
    ),
    (
        "formulas",
        '<p class="math"><mjx-container><math><merror><mtext>?!</mtext></merror></math></mjx-container></p>',
        "in a formula: ?!",
    ),
    (
        "formulas",
        '<p class="math"><mjx-container><svg><use href="#G-41"></use></svg></mjx-container></p>',
        "missing: #G-41",
    ),
    ("formulas", '<p class="math"><mjx-container><g fill="red">foo</g></mjx-container></p>', "unknown command in foo"),
    ("images", '<img src="dot.svg">', "no alt text: dot.svg"),
    ("images", '<img src="missing.svg" alt="nothing">', "not loaded: missing.svg"),
    ("images", '<img src="dot.svg" alt="../dot.svg">', "file name: ../dot.svg"),
    ("overflow", '<p style="width: 900px">wide</p>', "px wide"),
    ("overflow", '<div class="box" style="overflow-x: auto"><p style="width: 900px">x</p></div>', "div.box scrolls"),
    (
        "overflow",
        '<div style="overflow-x: auto"><mjx-container display="true"><svg width="900" height="9"></svg>'
        "</mjx-container></div>",
        "a formula under #top is 900 px wide",
    ),
    (
        "overflow",
        '<p style="width: 60px"><span class="math"><mjx-container><svg width="58" height="9"></svg></mjx-container>'
        "</span>, and</p>",
        "a line begins with , and",
    ),
    ("keyboard", '<pre style="overflow-x: auto"><span style="padding-left: 900px">code</span></pre>', "pre code"),
    (
        "copying",
        '<div><div class="highlight"><pre id="mute">mute</pre></div></div>'
        '<button class="copybtn" data-clipboard-target="#mute">Copy</button>',
        'a button copies nothing: "mute"',
    ),
    (
        "copying",
        '<div><div class="highlight"><pre id="sent">&gt;&gt;&gt; sent\n</pre></div></div>'
        '<textarea id="other">other</textarea><button class="copybtn" data-clipboard-target="#sent"'
        """ onclick="other.dispatchEvent(new Event('copy', {bubbles: true}))">Copy</button>""",
        '"other" is copied for "sent"',
    ),
    (
        "copying",
        '<div class="output"><div class="highlight"><pre id="said">said</pre></div>'
        '<button class="copybtn" data-clipboard-target="#said">Copy</button></div>',
        'a button copies what was printed: "said"',
    ),
    ("copying", '<div><div class="highlight"><pre>bare</pre></div></div>', "3 boxes of code, 4 copy buttons"),
    (
        "copying",
        '<button class="copybtn" data-clipboard-target="#mute">Copy</button>',
        "3 boxes of code, 4 copy buttons",
    ),
]
DOT = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4" cx="4" cy="4"/></svg>'


def _page(folder: Path, body: str) -> Path:
    (folder / "dot.svg").write_text(DOT)
    page = folder / "page.html"
    page.write_text(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Page</title></head><body><main>'
        f'<h1>Page</h1><p>Text</p><img src="dot.svg" alt="a dot">{body}</main></body></html>',
        encoding="utf-8",
    )
    return page


def test_sound_page_passes(tmp_path, tab):
    found = reader.examine(tab, _page(tmp_path, ""))
    assert not any(found.lines.values())
    assert found.axe == []


def test_a_tab_forgets_the_pages_before(tmp_path, tab):
    script = "<script>localStorage.mode = sessionStorage.mode = 'dark'; undefined_name()</script>"
    with reader.visit(tab, _page(tmp_path, script), reader.DESK, before := reader.Report()) as page:
        page.emulate_media(color_scheme="dark")
    noted = len(before.lines["console"])
    with reader.visit(tab, _page(tmp_path, "<script>other_name()</script>"), reader.PHONE, report := reader.Report()):
        kept = "[localStorage.length, sessionStorage.length, matchMedia('(prefers-color-scheme: dark)').matches]"
        assert tab.evaluate(f"[...{kept}, innerWidth]") == [0, 0, False, reader.PHONE]
        assert len(report.lines["console"]) == noted == len(before.lines["console"]) == 1


@pytest.fixture(scope="module")
def damaged(tmp_path_factory, tab) -> reader.Report:
    page = _page(tmp_path_factory.mktemp("damaged"), "".join(body for _, body, _ in DAMAGE))
    return reader.examine(tab, page)


@pytest.mark.parametrize(("check", "body", "message"), DAMAGE)
def test_check_sees_damage(damaged, check, body, message):
    assert any(message in line for line in damaged.lines[check]), damaged.lines[check]


def test_every_check_is_shown_to_fail():
    assert {check for check, _, _ in DAMAGE} == set(reader.CHECKS)


def test_axe_sees_faint_text_in_one_theme_only(tmp_path, tab):
    style = "<style>@media (prefers-color-scheme: dark) { p { color: #eee; background: #fff } }</style>"
    found = reader.examine(tab, _page(tmp_path, style)).axe
    assert {(where, finding.rule) for where, finding in found} == {("desk, dark", "color-contrast")}


def test_axe_measures_in_both_themes_what_no_phone_shows(tmp_path, tab):
    """In the light theme a shade of the desk is measured on the first page that has it, one of the phone on each."""
    rules = "body { background: #fff; color: #000 } p { display: none } @media (min-width: 900px) { p { %s } }"
    both, measured = f"<style>{rules % 'display: block; color: #eee'}</style><p>text</p>", set()
    for seen in ({"desk, dark", "desk, light"}, {"desk, dark"}):
        found = reader.examine(tab, _page(tmp_path, both), measured).axe
        assert {where for where, _ in found} == seen
    on_a_phone = "<style>body { background: #fff } p { color: #eee }</style><p>text</p>"
    for _ in range(2):
        found = reader.examine(tab, _page(tmp_path, on_a_phone), measured).axe
        assert {where for where, _ in found} == {"phone, light", "desk, dark"}


@pytest.mark.parametrize(
    ("sound", "faint"),
    [
        ("color: #444", "color: #aaa"),
        ("color: #444", "background: #666; color: #444"),
        ("color: #444", "opacity: 0.4; color: #444"),
        ("color: #888; font-size: 30px", "color: #888; font-size: 15px"),
    ],
)
def test_axe_measures_some_texts_of_each_shade(tmp_path, tab, sound, faint):
    """Of texts that look alike it sees three; one that differs in a single respect is seen for itself."""
    box = '<div style="{}"><p>text</p></div>'
    body = "<style>body { background: #fff }</style>" + 5 * box.format(sound)
    assert reader.examine(tab, _page(tmp_path, body)).axe == []
    for count, seen in ((1, 1), (5, 3)):
        found = reader.examine(tab, _page(tmp_path, body + count * box.format(faint))).axe
        assert {finding.rule for _, finding in found} == {"color-contrast"}
        assert len({finding.selector for _, finding in found}) == seen


@pytest.mark.parametrize(
    "first",
    [
        '<p>under<b style="position: absolute; inset: 0; background: #fff"></b></p>',
        "<p>=</p>",
        "<p>«—»</p>",
        '<p aria-disabled="true">text</p>',
    ],
)
def test_axe_sees_a_faint_text_after_one_that_it_does_not_measure(tmp_path, tab, first):
    body = f"<style>body {{ background: #fff }} p {{ color: #aaa; position: relative }}</style>{first}<p>text</p>"
    found = reader.examine(tab, _page(tmp_path, body)).axe
    assert "color-contrast" in {finding.rule for _, finding in found}


def test_axe_sees_a_faint_word_of_code(tmp_path, tab):
    words = '<span>plain</span> <span class="k">def</span> <span class="c">faint</span> <span class="k">def</span>'
    body = f'<style>pre {{ background: #fff }} .c {{ color: #ccc }}</style><pre tabindex="0">{words}</pre>'
    found = reader.examine(tab, _page(tmp_path, body)).axe
    assert {(finding.rule, finding.selector) for _, finding in found} == {("color-contrast", ".c")}


def test_axe_sees_what_a_formula_hides(tmp_path, tab):
    formula = '<mjx-container id="{}"><svg aria-hidden="true"><g><path d="M0 0h9"></path>{}</g></svg></mjx-container>'
    link = '<a href="#top"><rect width="9" height="9"></rect></a>'
    spoken = "<mjx-assistive-mml><math{}>{}</math></mjx-assistive-mml>"
    body = formula.format("strokes", "") + formula.format("linked", link)
    body += spoken.format("", "<mi>x</mi>") + spoken.format(' id="spoken"', '<mtext><a href="#top">x</a></mtext>')
    found = reader.examine(tab, _page(tmp_path, body)).axe
    hidden = {("aria-hidden-focus", "#linked > svg"), ("nested-interactive", "#spoken")}
    assert {(finding.rule, finding.selector) for _, finding in found} == hidden


def test_axe_leaves_a_page_as_it_was(tmp_path, tab):
    words = '<pre><span class="k">def</span> <span class="k">def</span></pre>'
    formula = '<mjx-container><svg aria-hidden="true"><g><use href="#x"></use></g></svg>'
    formula += "<mjx-assistive-mml><math><mi>x</mi><mo>=</mo><mn>1</mn></math></mjx-assistive-mml></mjx-container>"
    with reader.visit(tab, _page(tmp_path, words + formula), reader.DESK) as page:
        before = page.locator("body").inner_html()
        assert before.count('class="k"') == 2
        with reader.set_aside(page):
            assert page.locator("body").inner_html().count('class="k"') == 1
            assert reader.violations(page, set()) == []
        assert page.locator("body").inner_html() == before


def _notebook(first="Get the library: pip install spinlib", markdown="Text $x$.", count=1, outputs=True):
    shown = [nbformat.v4.new_output("stream", text="1")] if outputs else []
    cells = [
        nbformat.v4.new_markdown_cell(first),
        nbformat.v4.new_markdown_cell(markdown),
        nbformat.v4.new_code_cell("print(1)", execution_count=count, outputs=shown),
    ]
    return nbformat.v4.new_notebook(cells=cells)


def test_sound_notebook_passes():
    assert reader_downloads.notebook_problems(nbformat.writes(_notebook()).encode()) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"first": "Torque"}, "install spinlib"),
        ({"outputs": False}, "not executed"),
        ({"count": None}, "not executed"),
        ({"markdown": "see {eq}`eq-kk-17`"}, "a role"),
        ({"markdown": "```{note}\nText\n```"}, "a directive"),
        ({"markdown": ":::{note}\nText\n:::"}, "a directive"),
        ({"markdown": "(eq-kk-17)=\n## Heading"}, "a target"),
        ({"markdown": "$$\nx\n$$ (eq-kk-17)"}, "a label"),
        ({"markdown": "see [](#eq-kk-17)"}, "a link without text"),
    ],
)
def test_check_sees_damaged_notebook(change, message):
    found = reader_downloads.notebook_problems(nbformat.writes(_notebook(**change)).encode())
    assert len(found) == 1
    assert message in found[0]


def test_check_sees_invalid_notebook_and_zip(tmp_path):
    assert "no valid notebook" in reader_downloads.notebook_problems(b"{")[0]
    broken = json.loads(nbformat.writes(_notebook()))
    del broken["cells"][0]["source"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert "no valid notebook" in reader_downloads.notebook_problems(json.dumps(broken).encode())[0]
    path = tmp_path / "notebook.zip"
    path.write_bytes(b"PK")
    assert "no zip" in reader_downloads.zip_problems(path)[0]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.txt", "text")
    assert reader_downloads.zip_problems(path) == ["holds no notebook"]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.ipynb", nbformat.writes(_notebook()))
    assert reader_downloads.zip_problems(path) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2\n3,4\n", "no header"),
        ("x,x\n1,2\n", "no header"),
        ("x,y\n", "no header"),
        ("x,y\n1\n", "different lengths"),
        ("x,y\n1,a\n2,b\n", "1 columns"),
        ("x,y,z\n1,2,a\n2,3,4\n", "mixes"),
    ],
)
def test_check_sees_damaged_table(text, message):
    assert message in reader_downloads.csv_problems(text.encode())[0]


def test_sound_table_passes():
    assert reader_downloads.csv_problems(b"# KK Fig. 4\nangle [rad],torque\n0.0,1e-3\n1.0,nan\n") == []
    assert reader_downloads.csv_problems(b"panel,curve,x,y\n1,perfect,0,1\n1,0.1,1,\n") == []
