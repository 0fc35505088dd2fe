"""The map of the front page agrees with the ledger and the chapters, and both of its drawings can be read."""

import re
from itertools import combinations
from typing import Any

import pytest

from tests.book.ledger_copy import ROOT, ledger_data, ledger_map, ledger_parts

QUANTITIES, EDGES = ledger_map.load_map(ROOT)
LAYOUTS = tuple(ledger_map.LAYOUTS)
ENTRIES = {(key, e.label): e for key, (equations, _) in ledger_data.load_ledger(ROOT).items() for e in equations}
BY_ANCHOR = {e.anchor: e for e in ENTRIES.values()}


def entry_of(edge: Any) -> Any:
    return ENTRIES[edge.paper, str(edge.number)]


def page_of(quantity: Any) -> str:
    return quantity.goal if quantity.goal.startswith("book/") else BY_ANCHOR[quantity.goal].page


def text_of(page: str) -> str:
    return (ROOT / f"{page}.md").read_text(encoding="utf-8")


def test_quantities_stand_where_the_map_leads():
    for each in QUANTITIES.values():
        assert each.term.lower() in text_of(page_of(each)).lower(), each
        if not each.goal.startswith("book/"):
            assert BY_ANCHOR[each.goal].paper == each.paper, each


def cites(page: str, edge: Any) -> bool:
    text = text_of(page)
    return f"{{eq}}`{entry_of(edge).anchor}`" in text or f"{edge.paper} ({edge.number})" in text


def speaks_of(edge: Any, quantity: Any) -> bool:
    """Whether the chapter of the equation names the quantity, or the chapter of the quantity cites the equation."""
    return quantity.term.lower() in text_of(entry_of(edge).page).lower() or cites(page_of(quantity), edge)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: f"{edge.paper}-{edge.number}-{edge.start}-{edge.end}")
def test_chapter_of_an_edge_speaks_of_both_quantities(edge):
    assert speaks_of(edge, QUANTITIES[edge.start])
    assert speaks_of(edge, QUANTITIES[edge.end])


def test_chapter_that_is_silent_is_found():
    (edge,) = (edge for edge in EDGES if (edge.paper, edge.number) == ("KK", 10))
    assert not speaks_of(edge, QUANTITIES["battery"])


def test_map_claims_no_equation_without_a_proof():
    assert {entry_of(edge).status for edge in EDGES} <= {"definition", "verified", "restricted", "corrected"}
    assert [edge for edge in EDGES if entry_of(edge).status != "definition" and not entry_of(edge).test] == []


def test_map_is_connected():
    reached, waiting = set(), [next(iter(QUANTITIES))]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [e.end if e.start == name else e.start for e in EDGES if name in (e.start, e.end)]
    assert reached == set(QUANTITIES)
    assert len({(edge.start, edge.end) for edge in EDGES}) == len(EDGES)


def test_every_part_of_the_book_that_treats_equations_occurs():
    treated = {e.page for e in ENTRIES.values()}
    shown = {page_of(each) for each in QUANTITIES.values()} | {entry_of(edge).page for edge in EDGES}
    parts = ledger_parts.parts_of(ROOT)
    assert [caption for caption, pages in parts.items() if treated & set(pages) and not shown & set(pages)] == []
    assert {each.paper for each in QUANTITIES.values()} == set(ledger_data.PAPERS)


# --- both drawings can be read -----------------------------------------------------------------------------------


def overlap(one: Any, other: Any, room: float = 0) -> bool:
    return (
        abs(one.x - other.x) < (one.width + other.width) / 2 + room
        and abs(one.y - other.y) < (one.height + other.height) / 2 + room
    )


def meets(span: tuple[float, ...], box: Any) -> bool:
    """Whether a straight line passes through a box, by cutting it at the four borders."""
    x0, y0, x1, y1 = span
    low, high = 0.0, 1.0
    for start, step, centre, half in ((x0, x1 - x0, box.x, box.width / 2), (y0, y1 - y0, box.y, box.height / 2)):
        if step == 0:
            if abs(start - centre) >= half:
                return False
            continue
        ends = sorted((centre + side * half - start) / step for side in (-1, 1))
        low, high = max(low, ends[0]), min(high, ends[1])
    return low < high - 1e-9


@pytest.mark.parametrize("layout", LAYOUTS)
def test_boxes_and_numbers_do_not_overlap(layout):
    boxes = {name: ledger_map.LAYOUTS[layout].around(each.places[layout]) for name, each in QUANTITIES.items()}
    labels = [edge.label(QUANTITIES, layout) for edge in EDGES]
    assert [pair for pair in combinations(boxes, 2) if overlap(boxes[pair[0]], boxes[pair[1]], room=4)] == []
    assert [(name, label) for name, box in boxes.items() for label in labels if overlap(box, label)] == []
    assert [pair for pair in combinations(labels, 2) if overlap(*pair)] == []


@pytest.mark.parametrize("layout", LAYOUTS)
def test_arrows_pass_no_other_box(layout):
    boxes = {name: ledger_map.LAYOUTS[layout].around(each.places[layout]) for name, each in QUANTITIES.items()}
    hits = [
        (edge, name)
        for edge in EDGES
        for name, box in boxes.items()
        if name not in (edge.start, edge.end) and meets(edge.span(QUANTITIES, layout), box)
    ]
    assert hits == []


def test_limit_line_through_a_box():
    box = ledger_map.Box(5, 5, 2, 2)
    assert meets((0, 5, 10, 5), box)
    assert not meets((0, 7, 10, 7), box)
    assert not meets((0, 5, 3, 5), box)
    assert meets((0, 0, 10, 10), box)


# --- the drawing in the page --------------------------------------------------------------------------------------


def test_bad_edge_is_refused(tmp_path):
    (tmp_path / "book").mkdir()
    text = (ROOT / "book" / "map.yml").read_text(encoding="utf-8")
    for old, new in (
        ("smatrix -> torque KK", "smatrix -> nowhere KK"),
        ("smatrix -> torque KK", "smatrix to torque KK"),
    ):
        assert text.count(old) == 1
        (tmp_path / "book" / "map.yml").write_text(text.replace(old, new), encoding="utf-8")
        with pytest.raises(ValueError, match=re.escape(f"'{new} 10': write `quantity -> quantity KEY number`")):
            ledger_map.load_map(tmp_path)
