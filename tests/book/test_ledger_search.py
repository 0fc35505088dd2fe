"""What readers do with the pages of the ledger, in Chromium: search, filter, link a choice, follow the map."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.book import reader
from tests.book.ledger_copy import ROOT, ledger_data, ledger_map

pytestmark = pytest.mark.reader

EQUATIONS = [entry for equations, _ in ledger_data.load_ledger(ROOT).values() for entry in equations]
ROWS = "#ledger-equations tr[data-words]"


@pytest.fixture(scope="module")
def equations(book: Path) -> Path:
    return book / "book" / "equations.html"


def shown(page: Page) -> list[str]:
    """The numbers of the rows that are to be seen."""
    return page.locator(f"{ROWS}:not([hidden]) > th").all_inner_texts()


def named(chosen: list[ledger_data.Entry]) -> list[str]:
    return [f"{entry.paper} ({entry.label})" for entry in chosen]


def test_filters_show_what_the_ledger_says_and_the_address_keeps_it(equations, tab):
    with reader.visit(tab, equations, reader.DESK) as page:
        count = page.locator("#ledger-equations-filter output")
        expect(count).to_have_text(f"{len(EQUATIONS)} of {len(EQUATIONS)} equations")
        assert shown(page) == named(EQUATIONS)
        page.get_by_label("Status").select_option("restricted")
        page.get_by_label("Paper").select_option("BTBK")
        wanted = [e for e in EQUATIONS if (e.status, e.paper) == ("restricted", "BTBK")]
        assert shown(page) == named(wanted)
        expect(count).to_have_text(f"{len(wanted)} of {len(EQUATIONS)} equations")
        page.get_by_label("has a call").check()
        assert shown(page) == named([e for e in wanted if e.code])
        address = page.url
        assert address.endswith("#paper=BTBK&status=restricted&call=yes")
        page.get_by_role("button", name="Clear").click()
        expect(count).to_have_text(f"{len(EQUATIONS)} of {len(EQUATIONS)} equations")
        assert "#" not in page.url
        page.goto(address)
        page.reload()
        assert shown(page) == named([e for e in wanted if e.code])
        assert page.get_by_label("Status").input_value() == "restricted"


@pytest.mark.parametrize(
    ("words", "first", "number"),
    [
        ("KK 18", "KK (18)", 1),
        ("mixing conductance reflection", "BTBK (52)", 1),
        ("weak_filter_torque", "KK (18)", 1),
        ("wess-zumino", "RHP (31)", 2),
        ("no such subject", None, 0),
    ],
)
def test_search_finds_numbers_subjects_and_calls(equations, tab, words, first, number):
    with reader.visit(tab, equations, reader.DESK) as page:
        page.get_by_role("searchbox").fill(words)
        found = shown(page)
        assert len(found) == number
        assert found[:1] == ([first] if first else [])
        expect(page.locator("#ledger-equations-filter output")).to_have_text(f"{number} of {len(EQUATIONS)} equations")
        # A paper of which nothing is left hides its heading, too.
        left = page.locator("#ledger-equations tbody:not([hidden])")
        expect(left).to_have_count(len({name.split()[0] for name in found}))


def test_chapter_filter_and_symbols(equations, tab):
    with reader.visit(tab, equations, reader.DESK) as page:
        page.get_by_label("Chapter").select_option("book/wall_scattering")
        assert shown(page) == named([e for e in EQUATIONS if e.page == "book/wall_scattering"])
        page.get_by_role("searchbox").fill("Omega")
        page.get_by_label("Chapter").select_option("book/scattering_amplitudes")
        assert {"KK (7)", "KK (10)"} <= set(shown(page))


def test_link_to_a_row_is_no_choice(equations, tab):
    with reader.visit(tab, equations, reader.DESK) as page:
        page.goto(f"{equations.as_uri()}#ledger-rhp-42")
        page.reload()
        assert len(shown(page)) == len(EQUATIONS)
        expect(page.locator("#ledger-rhp-42")).to_be_in_viewport()


def test_without_the_script_everything_is_shown(equations, chromium):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(equations.as_uri())
    expect(page.locator("#ledger-equations-filter")).to_be_hidden()
    expect(page.locator(ROWS).locator("visible=true")).to_have_count(len(EQUATIONS))
    context.close()


def test_errata_are_filtered_by_kind(tab, equations):
    with reader.visit(tab, equations.with_name("errata.html"), reader.PHONE) as page:
        page.get_by_label("Kind").select_option("over-statement")
        rows = page.locator("#ledger-errata tr[data-words]:not([hidden])")
        wanted = [s for _, own in ledger_data.load_ledger(ROOT).values() for s in own if s.status == "over-statement"]
        expect(rows).to_have_count(len(wanted))


@pytest.mark.parametrize(("width", "layout"), [(reader.DESK, "wide"), (reader.PHONE, "tall")])
def test_map_shows_the_drawing_that_fits_and_its_links_are_named_and_reached(tab, book, width, layout):
    quantities, edges = ledger_map.load_map(ROOT)
    with reader.visit(tab, book / "index.html", width) as page:
        for name in ledger_map.LAYOUTS:
            expect(page.locator(f"svg.map-{name}")).to_be_visible(visible=name == layout)
        links = page.locator(f"svg.map-{layout} a")
        expect(links).to_have_count(len(quantities) + len(edges))
        drawing = page.get_by_role("group", name="Map of the quantities")
        expect(drawing.get_by_role("link")).to_have_count(len(quantities) + len(edges))
        about = "from reflection r, transmission t to mixing conductance G⊥"
        link = drawing.get_by_role("link", name=about)
        link.focus()
        expect(link).to_be_focused()
        # Smaller type cannot be read.
        sizes = links.locator("text").evaluate_all(
            "texts => texts.map(t => parseFloat(getComputedStyle(t).fontSize) * t.getScreenCTM().a)"
        )
        assert min(sizes) > 8.5
        # Words stay within their boxes.
        wide = links.evaluate_all(
            """links => links.filter(a => [...a.querySelectorAll("text")].some(
                t => t.getBBox().width > a.querySelector("rect").getBBox().width)).map(a => a.textContent)"""
        )
        assert wide == []
        page.keyboard.press("Enter")
        page.wait_for_url("**/book/equations_btbk.html#ledger-btbk-52")


def test_gallery_shows_every_figure_of_the_papers(tab, equations):
    with reader.visit(tab, equations.with_name("figures.html"), reader.DESK) as page:
        for figure in ledger_data.load_figures(ROOT):
            card = page.locator(f"#ledger-fig-{figure.paper.lower()}-{figure.label}")
            pictures = card.locator(".ledger-picture")
            assert pictures.count() >= 1, figure
            for part in ("code", "data (CSV)"):
                expect(pictures.first.get_by_role("link", name=part, exact=True)).to_be_visible()
            assert re.search(r"\(\d+\.\d s\)$", card.locator(".ledger-source").inner_text()), figure
