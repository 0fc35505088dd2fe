"""The committed reference notebooks belong to the chapters as they stand."""

import itertools
import json
import re
from functools import cache

import nbformat
import pytest

from tools.format_chapters import WIDTH, formatted
from tools.notebooks import FIGURE, REFERENCE, chapters, figures, read, reference_paths, text_only

CHAPTERS = [pytest.param(chapter, id=chapter.stem) for chapter in chapters()]


@cache
def notebook_of(chapter):
    """The notebook of a chapter, read once: no test changes it."""
    return read(chapter)


def test_every_chapter_has_a_reference_and_no_reference_is_left_over():
    expected = {path.name for chapter in chapters() for path in reference_paths(chapter)}
    present = {path.name for path in REFERENCE.iterdir() if path.suffix in (".ipynb", ".json")}
    assert present == expected, "run `make reference`"


def test_chapter_names_are_unique():
    stems = [chapter.stem for chapter in chapters()]
    assert len(set(stems)) == len(stems), "references and downloads are named by the stem of the chapter"


def swallowed(text, notebook):
    """How many code cells of a page are none of its notebook, because a formula or a fence before them never closed."""
    written = len(re.findall(r"^`{3,}\{code-cell\}", text, re.MULTILINE))
    return written - sum(cell.cell_type == "code" for cell in notebook.cells)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_code_cell_is_swallowed_by_what_stands_before_it(chapter):
    assert swallowed(chapter.read_text(encoding="utf-8"), notebook_of(chapter)) == 0


def test_a_formula_closed_by_a_fence_swallows_a_cell(tmp_path):
    text = chapters()[0].read_text(encoding="utf-8")
    cell = "```{code-cell} ipython3\nassert True\n```\n"
    for rest, missing in (("\n$$\nx\n$$\n\n" + cell + cell, 0), ("\n$$\nx\n```\n\n" + cell + cell, 1)):
        page = tmp_path / "page.md"
        page.write_text(text + rest, encoding="utf-8")
        assert swallowed(text + rest, read(page)) == missing


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_reference_holds_the_code_of_the_chapter_cell_for_cell(chapter):
    reference = nbformat.read(reference_paths(chapter)[0], as_version=4)
    own = [(cell.id, cell.source) for cell in notebook_of(chapter).cells if cell.cell_type == "code"]
    assert [(cell.id, cell.source) for cell in reference.cells] == own, "run `make reference`"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_reference_is_text_only_and_free_of_noise(chapter):
    text = reference_paths(chapter)[0].read_text(encoding="utf-8")
    notebook = nbformat.reads(text, as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    assert "<svg" not in text
    assert "base64" not in text
    assert not [output for output in outputs if output.get("name") == "stderr" or output.output_type == "error"]
    printed = "\n".join(output.text for output in outputs if output.output_type == "stream")
    assert not re.search(r"np\.float64|0x[0-9a-f]{6,}|/home/|Warning", printed), printed


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_figure_is_published_under_the_name_that_the_page_links(chapter):
    stored = json.loads(reference_paths(chapter)[1].read_text(encoding="utf-8"))
    named = []
    for cell in notebook_of(chapter).cells:
        options = cell.metadata.get("mystnb", {})
        if "figure" in options:
            named.append(options["figure"]["name"])
            assert options["figure"]["caption"].strip()
            assert len(options["image"]["alt"].split()) >= 8, "the alt text says what the figure shows"
    assert named == list(stored)
    assert all(name.startswith("fig-") for name in named)


KIND = re.compile(r"\((?:[^()]*; )?(exact|quantitative|qualitative|schematic|not reproducible)\b[^()]*\)")


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_figure_is_labelled_and_says_what_kind_it_is(chapter):
    stored = json.loads(reference_paths(chapter)[1].read_text(encoding="utf-8"))
    for cell in notebook_of(chapter).cells:
        options = cell.metadata.get("mystnb", {}).get("figure")
        if not options:
            continue
        assert KIND.search(options["caption"]), f"{options['name']}: the caption names no kind in brackets"
        panels = stored[options["name"]]["axes"]
        assert all(panel["y-axis"]["label"] for panel in panels)
        # Panels above one another share the axis of the last.
        assert panels[-1]["x-axis"]["label"]
        for panel in panels:
            drawn = [line["label"] for line in panel["lines"] if line["label"]]
            assert len(drawn) == len(set(drawn)), "two curves of one panel share a label"
            assert drawn == [text for text, _ in panel["legend"]]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_figure_is_followed_by_its_check(chapter):
    """The cell after a figure asserts a number of it by another route, and prints its summary."""
    cells = [cell for cell in notebook_of(chapter).cells if cell.cell_type == "code"]
    for cell, following in itertools.pairwise(cells):
        if "figure" in cell.metadata.get("mystnb", {}):
            assert re.search(r"^assert |np\.testing\.assert_", following.source, re.MULTILINE)
            assert "print(plotting.summary(figure))" in following.source
    assert "figure" not in cells[-1].metadata.get("mystnb", {})


def test_text_only_keeps_the_key_of_an_image_and_drops_its_content():
    data = {"image/svg+xml": "<svg/>", "text/plain": "x"}
    metadata = {FIGURE: {"name": "fig-a", "axes": []}, "image/svg+xml": {"width": 3}}
    cell = nbformat.v4.new_code_cell("1", outputs=[nbformat.v4.new_output("display_data", data, metadata=metadata)])
    (twin,) = text_only(nbformat.v4.new_notebook(cells=[cell])).cells
    assert twin.outputs[0]["data"] == {"image/svg+xml": "", "text/plain": "x"}
    assert twin.outputs[0]["metadata"] == {FIGURE: {"name": "fig-a"}}


def test_text_only_joins_the_pieces_of_a_stream():
    pieces = [nbformat.v4.new_output("stream", name="stdout", text=text) for text in "ab"]
    (twin,) = text_only(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1", outputs=pieces)])).cells
    assert [output.text for output in twin.outputs] == ["ab"]


def test_two_figures_of_one_name_are_refused():
    output = nbformat.v4.new_output("display_data", {}, metadata={FIGURE: {"name": "a", "axes": []}})
    cell = nbformat.v4.new_code_cell("1", outputs=[output, output])
    with pytest.raises(ValueError, match=r"'a' is published twice: give each figure its own name"):
        figures(nbformat.v4.new_notebook(cells=[cell]))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_code_of_the_chapter_is_formatted(chapter):
    text = chapter.read_text(encoding="utf-8")
    assert formatted(text) == text, "run `make format`"
    code = [cell.source for cell in notebook_of(chapter).cells if cell.cell_type == "code"]
    assert not [line for source in code for line in source.splitlines() if len(line) > WIDTH]


def test_formatting_touches_code_cells_alone():
    page = "x  =  1\n\n```{code-cell} ipython3\n:tags: [hide-input]\n\nx  =  1\n```\n\n```python\ny  =  1\n```\n"
    assert formatted(page) == page.replace("hide-input]\n\nx  =  1", "hide-input]\n\nx = 1")
