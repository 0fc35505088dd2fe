"""The explorers of the built book: moved in Chromium by keys, fingers and script, and compared with ``spinlib``."""

import math
import random
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.book.explorer_twins import TWINS
from tests.book.reader import DESK, PHONE, Report, open_page
from tools.notebooks import ROOT, chapters

TOLERANCE = 1e-6
_SET = """(input, position) => {
    input.value = position;
    input.dispatchEvent(new Event("input", { bubbles: true }));
}"""
_TARGET = re.compile(r"^\((try-[a-z0-9-]+)\)=$", re.MULTILINE)
_PUBLISHED = re.compile(r"^explorer\.publish\(\s*\"(explorer-[a-z0-9-]+)\"", re.MULTILINE)

PLACES = {
    name: chapter.stem for chapter in chapters() for name in _PUBLISHED.findall(chapter.read_text(encoding="utf-8"))
}
each_explorer = pytest.mark.parametrize("name", sorted(PLACES))


def number(text: str) -> float:
    """A number as the page writes it: a true minus, powers of ten, a dash for none."""
    mantissa, _, power = text.replace("−", "-").partition(" × 10")
    if mantissa == "–":
        return math.nan
    return float(f"{mantissa}e{power.translate(str.maketrans('⁻⁰¹²³⁴⁵⁶⁷⁸⁹', '-0123456789'))}" if power else mantissa)


def inputs(box: Locator) -> list[Locator]:
    return box.locator("input[type=range]").all()


def shown(box: Locator) -> dict[str, float]:
    return {cell.get_attribute("data-label"): number(cell.inner_text()) for cell in box.locator("output").all()}


def positions(box: Locator) -> dict[str, float]:
    """The value of each slider, by the name that it has in the formulas."""
    found = {}
    for one in inputs(box):
        identity, value = one.get_attribute("id"), one.get_attribute("data-value")
        found[identity.rpartition("-")[2]] = float(value)
    return found


@pytest.fixture(scope="module", params=sorted(PLACES))
def explorer(request, book, chromium: Browser) -> Iterator[tuple[str, Page, Report]]:
    report = Report()
    with open_page(chromium, book / "book" / f"{PLACES[request.param]}.html", DESK, report) as page:
        yield request.param, page, report


def states(page: Page, box: Locator) -> Iterator[str]:
    """Bring the sliders where it matters: as they start, by keys to both ends, and anywhere by a seeded draw."""
    yield "start"
    for key in ("Home", "End", "ArrowLeft"):
        for one in inputs(box):
            one.focus()
            page.keyboard.press(key)
        yield key
    draw = random.Random(2012)
    for _ in range(6):
        for one in inputs(box):
            one.evaluate(_SET, draw.randint(0, int(one.get_attribute("max"))))
        yield "draw"


@pytest.mark.reader
def test_explorer_shows_the_numbers_of_spinlib(explorer):
    name, page, report = explorer
    box = page.locator(f"#{name}")
    rows = []
    for state in states(page, box):
        at = positions(box)
        rows.append((state, at, shown(box), TWINS[name](**at)))
    size = {label: max(abs(twin[label]) for *_, twin in rows if math.isfinite(twin[label])) for label in rows[0][2]}
    for state, at, page_says, twin in rows:
        assert set(page_says) == set(twin), "the twin computes each number that the page shows, by its label"
        for label, value in page_says.items():
            right = pytest.approx(twin[label], rel=TOLERANCE, abs=1e-9 * size[label], nan_ok=True)
            assert value == right, f"{label} at {state} {at}"
    assert len({tuple(page_says.values()) for _, _, page_says, _ in rows}) > 5, "the sliders move nothing"
    assert report.lines["console"] == []


@pytest.mark.reader
def test_explorer_goes_back_to_its_start(explorer):
    name, page, _ = explorer
    box = page.locator(f"#{name}")
    box.get_by_role("button").click()
    before = positions(box), shown(box)
    for one in inputs(box):
        one.evaluate(_SET, 0)
    assert (positions(box), shown(box)) != before
    box.get_by_role("button").click()
    assert (positions(box), shown(box)) == before


@pytest.mark.reader
def test_explorer_tells_what_it_is(explorer):
    """Every slider has a label and speaks its value; the plot has a name and draws each curve that the list names."""
    name, page, _ = explorer
    box = page.locator(f"#{name}")
    assert box.get_attribute("aria-label").startswith("Explorer: ")
    for one in inputs(box):
        assert box.locator(f"label[for={one.get_attribute('id')}]").inner_text().strip()
        assert one.get_attribute("aria-valuetext").strip()
    assert len(box.locator(".explorer-plot svg").get_attribute("aria-label")) > 20
    assert box.locator(".explorer-lines path").count() == box.locator(".explorer-key").count() > 0


@pytest.mark.reader
@each_explorer
def test_explorer_follows_a_finger_on_a_phone(name, book, chromium):
    context = chromium.new_context(viewport={"width": PHONE, "height": 844}, has_touch=True, is_mobile=True)
    try:
        page = context.new_page()
        page.goto((book / "book" / f"{PLACES[name]}.html").as_uri(), wait_until="load")
        box = page.locator(f"#{name}")
        for one in inputs(box):
            one.scroll_into_view_if_needed()
            place = one.bounding_box()
            assert place["height"] >= 24, "too small for a finger"
            for part, low, high in ((0.75, 0.6, 0.9), (0.25, 0.1, 0.4)):
                page.touchscreen.tap(place["x"] + part * place["width"], place["y"] + place["height"] / 2)
                steps = int(one.get_attribute("max"))
                assert low * steps - 1 <= int(one.input_value()) <= high * steps + 1
        svg = box.locator(".explorer-plot svg").bounding_box()
        assert svg["x"] >= 0
        assert svg["x"] + svg["width"] <= PHONE
    finally:
        context.close()


# --- the sources ------------------------------------------------------------------------------------------------------


def test_every_explorer_has_a_twin():
    assert set(TWINS) == set(PLACES)


def test_the_page_of_explorers_leads_to_each():
    targets = {target for chapter in chapters() for target in _TARGET.findall(chapter.read_text(encoding="utf-8"))}
    assert targets == {name.replace("explorer-", "try-", 1) for name in PLACES}
    page = (ROOT / "book" / "explorers.md").read_text(encoding="utf-8")
    assert {target for target in targets if f"`{target}`" not in page} == set()


@pytest.mark.parametrize(
    ("text", "value"), [("−26.81384", -26.81384), ("1.234 × 10⁻¹²", 1.234e-12), ("4.5 × 10⁷", 4.5e7), ("0.000", 0.0)]
)
def test_a_number_is_read_as_it_is_written(text, value):
    assert number(text) == value
    assert math.isnan(number("–"))
