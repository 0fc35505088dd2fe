"""A chapter as a plain notebook: nothing of MyST is left, and no formula, code or number is hurt."""

import nbformat
import pytest

from tools.portable import Book, plain_text, portable

GLUED = {"peak": "2.542"}
BOOK = Book(cite=lambda key: f"{key} (2018)", number={"eq-kk-17": "KK 17", "own": "1"}.__getitem__)


def plain(text):
    return plain_text(text, GLUED, BOOK)


@pytest.mark.parametrize(
    ("myst", "expected"),
    [
        ("As {eq}`eq-kk-17` says.", "As (KK 17) says."),
        ("As {eq}`own` says.", "As (1) says."),
        ("It is {glue:text}`peak`.", "It is 2.542."),
        ("{cite:t}`KK` and {cite}`A,B`.", "KK (2018) and A (2018), B (2018)."),
        ("See {doc}`errata`, {ref}`the peak <fig-a>`.", "See *errata*, the peak."),
        ("See [this](errata.md#x) and [that](https://doi.org/1).", "See this and [that](https://doi.org/1)."),
        ("(fig-a)=\n## Title", "## Title"),
        ("(kk.a:b)=\nText", "Text"),
        ("Maths $[1-x](1+x)$, code `d[a](b)`.", "Maths $[1-x](1+x)$, code `d[a](b)`."),
        ("$$\nf[a](b)\n$$", "$$\nf[a](b)\n$$"),
        ("```python\nd['a'](3)\n(abc)=\n{eq}`x`\n```\nText", "```python\nd['a'](3)\n(abc)=\n{eq}`x`\n```\nText"),
        ("```{math}\n:label: eq-kk-17\n\na=b\n```", "$$\na=b\n\\tag{KK 17}\n$$"),
        (":::{admonition} Note\nIt is {glue:text}`peak`.\n:::", "**Note.**\n\nIt is 2.542."),
        (
            "::::{note}\nA\n:::{tip} B\n:class: dropdown\nC\n:::\n::::",
            "**Note.**\n\nA\n<details><summary>B</summary>\n\nC\n\n</details>",
        ),
    ],
)
def test_myst_becomes_markdown(myst, expected):
    assert plain(myst) == expected


@pytest.mark.parametrize(
    ("myst", "says"),
    [
        ("{abbr}`LLG`", "role {abbr}`LLG` has no form in a plain notebook: teach it"),
        ("```{figure} a.png\n```", "directive {figure} has no form in a plain notebook: teach it"),
        ("{glue:text}`other`", "names no glued number: the chapter glues peak"),
        (":::{note}\nA", "':::{note}' is not closed: nested blocks need an outer fence"),
        ("$$ a=b $$ (eq-kk-1)", "use a math directive with :label:"),
    ],
)
def test_what_has_no_plain_form_is_refused(myst, says):
    with pytest.raises(ValueError) as caught:
        plain(myst)
    assert says in str(caught.value)


def test_portable_notebook_begins_with_the_way_to_spinlib_and_ends_its_figures_with_captions():
    figure = nbformat.v4.new_code_cell("1", id="a", metadata={"mystnb": {"figure": {"caption": "At {eq}`eq-kk-17`."}}})
    text = nbformat.v4.new_markdown_cell("See {eq}`eq-kk-17`.", id="b")
    cells = portable(nbformat.v4.new_notebook(cells=[figure, text]), "spinlib-1.whl", BOOK).cells
    assert "%pip install spinlib-1.whl[plot,symbolic]" in cells[0].source
    assert [cell.source for cell in cells[1:]] == ["1", "At (KK 17).", "See (KK 17)."]
    assert len({cell.id for cell in cells}) == 4
