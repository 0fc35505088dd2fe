"""The explorers of the built book: moved in Chromium by keys, fingers and script, and compared with ``spinlib``."""

import itertools
import math
import random
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page

from tests.book.explorer_twins import TWINS
from tests.book.reader import DESK, PHONE, Report, open_tab, visit
from tools.notebooks import ROOT, chapters

TOLERANCE = 1e-6
_SET = """(input, position) => {
    input.value = position;
    input.dispatchEvent(new Event("input", { bubbles: true }));
}"""
_BAD = """input => {
    const bad = [];
    for (let position = 0; position <= Number(input.max); position++) {
        input.value = position;
        input.dispatchEvent(new Event("input", { bubbles: true }));
        const plot = input.closest(".explorer").querySelector("svg");
        if (/NaN|Infinity/.test(plot.innerHTML) || !plot.querySelector(".explorer-grid line[y1]")) bad.push(position);
    }
    return bad;
}"""
_ALONE = """box => {
    for (let part = box; part !== document.body; part = part.parentElement)
        for (const other of [...part.parentElement.children])
            if (other !== part && other.localName !== "style") other.remove();
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
    found = box.locator("output").evaluate_all("cells => cells.map(cell => [cell.dataset.label, cell.innerText])")
    return {label: number(text) for label, text in found}


def positions(box: Locator) -> dict[str, float]:
    """The value of each slider, by the name that it has in the formulas."""
    found = box.locator("input[type=range]").evaluate_all("inputs => inputs.map(one => [one.id, one.dataset.value])")
    return {identity.rpartition("-")[2]: float(value) for identity, value in found}


def alone(page: Page, name: str) -> Locator:
    """The explorer on a page from which all else is taken away: a browser lays out the rest again at each step."""
    box = page.locator(f"#{name}")
    box.evaluate(_ALONE)
    return box


@pytest.fixture(scope="module", params=sorted(PLACES))
def explorer(request, book, tab: Page) -> Iterator[tuple[str, Page, Report]]:
    report = Report()
    with visit(tab, book / "book" / f"{PLACES[request.param]}.html", DESK, report) as page:
        alone(page, request.param)
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
def test_explorer_draws_numbers_at_every_position(explorer):
    """Each slider alone, from end to end: also where all curves are zero, as without an asymmetry."""
    name, page, _ = explorer
    box = page.locator(f"#{name}")
    box.get_by_role("button").click()
    for one in inputs(box):
        bad = one.evaluate(_BAD)
        box.get_by_role("button").click()
        assert bad == [], one.get_attribute("id")


@pytest.mark.reader
def test_explorer_draws_what_it_says(explorer):
    """The cursor runs along curves that stay where they are, and a larger number is drawn higher."""
    name, page, _ = explorer
    box = page.locator(f"#{name}")
    box.get_by_role("button").click()
    *_, cursor = inputs(box)
    paths = [one.get_attribute("d") for one in box.locator(".explorer-lines path").all()]
    places = [dict(pair.split(",") for pair in re.split("[ML]", path)[1:]) for path in paths]
    drawn = []
    for part in (0.2, 0.5, 0.8):
        cursor.evaluate(_SET, round(part * int(cursor.get_attribute("max"))))
        assert [one.get_attribute("d") for one in box.locator(".explorer-lines path").all()] == paths
        for one in box.locator("circle").all():
            x, y = (float(one.get_attribute(key)) for key in ("cx", "cy"))
            line = int(one.get_attribute("class").rpartition("-")[2])
            if 0 < y < 340:
                assert float(places[line][f"{x:.2f}"]) == pytest.approx(y, abs=0.01)
                drawn.append((list(shown(box).values())[line], y))
    assert len({y for _, y in drawn}) > 2
    heights = [y for _, y in sorted(drawn)]
    assert heights == sorted(heights, reverse=True)


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


@pytest.fixture(scope="module")
def phone(chromium: Browser) -> Iterator[Page]:
    with open_tab(chromium, has_touch=True, is_mobile=True) as tab:
        yield tab


@pytest.mark.reader
@each_explorer
def test_explorer_follows_a_finger_on_a_phone(name, book, phone):
    with visit(phone, book / "book" / f"{PLACES[name]}.html", PHONE) as page:
        box = alone(page, name)
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


# --- what the chapters say that a reader sees -------------------------------------------------------------------------


def test_statement_mixing_equal_levels_and_period():
    """Equal levels: by unitarity one curve. A larger difference turns the phase faster."""
    for d in (1, 5):
        alike = TWINS["explorer-mixing"](d, 0.25, 0.25)
        assert alike["Re g_r, reflection"] == pytest.approx(alike["Re g_t"], abs=1e-12)
        assert alike["Re g_t"] < 0.97
    found = {}
    for up, down in ((-0.5, 1.5), (-1.0, 2.0)):
        real = [TWINS["explorer-mixing"](d, up, down)["Re g_t"] for d in range(6, 31)]
        found[down - up] = sum(now * then < 0 for now, then in itertools.pairwise(real))
    for split, turns in found.items():
        assert abs(turns - 24 * 2 / (math.pi / math.asin(split / 4))) < 1, "two changes of sign in a period"
    assert found[3.0] > found[2.0]


def test_statement_brown_price_of_half_the_field_and_of_damping():
    def lifetime(sigma, h=0.0, alpha=0.01):
        return TWINS["explorer-brown"](sigma, h, alpha, 100)["exact"]

    assert lifetime(2) - lifetime(2, 0.5) < 0.3
    assert 12 < lifetime(40) - lifetime(40, 0.5) < 12.5
    assert lifetime(40, alpha=0.01) - lifetime(40, alpha=0.1) == pytest.approx(1, abs=0.01)
    assert lifetime(40, alpha=0.1) - lifetime(40, alpha=1.0) == pytest.approx(math.log10(5.05), abs=1e-3)


def test_statement_spin_waves_below_a_quarter():
    def energies(r, B, curve):
        return [TWINS["explorer-spin-waves"](k / 50, 10, r, 0.5, B)[curve] for k in range(51)]

    assert min(energies(-0.3, 0, "lattice")) < -0.1
    assert min(energies(-0.3, 2, "lattice")) > 0
    assert min(energies(-0.3, 50, "continuum, corrected")) < 0
    assert max(map(abs, energies(-0.25, 0, "continuum, corrected"))) < 1e-12


def test_statement_magnons_first_rate():
    def ratio(fast, alpha=0.01):
        return TWINS["explorer-magnon-filling"](80, 50, 1000, alpha, fast)["first rate, upper edge over gap"]

    assert ratio(0.0) < 1 < ratio(0.1)
    assert ratio(0.01) < 1, "a small alpha* does not turn it round"


def test_statement_bilayer_loses_most_at_the_first_angle():
    def largest(theta):
        return max(map(abs, TWINS["explorer-bilayer"](0, theta, 100, 100).values()))

    assert largest(30) < largest(0) / 3
    assert largest(180) < 1e-9
