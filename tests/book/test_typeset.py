"""Formulas are set when the book is built, as MathJax in a browser would set them."""

import importlib
import json
import re
import sys

import pytest

from tests.book.building import make, without_pages
from tests.book.ledger_copy import EXTENSIONS

sys.path.insert(0, str(EXTENSIONS))
typeset = importlib.import_module("typeset")

INLINE = '<span class="math notranslate nohighlight">{}</span>'
DISPLAY = '<div class="math notranslate nohighlight" id="equation-e">\n{}</div>'
NUMBER = '<span class="eqno">(KK 3)<a class="headerlink" href="#equation-e">#</a></span>'


@pytest.fixture
def setting(tmp_path):
    """Set the formulas of one page: the page afterwards, and what was refused."""

    def run(body: str) -> tuple[str, list[tuple[str, str, str]]]:
        page = tmp_path / "html" / "book" / "page.html"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(f"<html><body>{body}</body></html>", encoding="utf-8")
        refused = typeset.typeset_pages(tmp_path / "html", tmp_path / "formulas.json")
        return page.read_text(encoding="utf-8"), refused

    return run


@pytest.mark.parametrize(
    ("element", "tex", "spoken"),
    [
        (INLINE, r"\(\tau_b\)", "<msub><mi>τ</mi><mi>b</mi></msub>"),
        (INLINE, r"\(a &lt; b\)", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
        (DISPLAY, r"\[x^2\]", "<msup><mi>x</mi><mn>2</mn></msup>"),
        (DISPLAY, NUMBER + r"\[x^2\]", "<msup><mi>x</mi><mn>2</mn></msup>"),
        (DISPLAY, r"\begin{align}a &amp;= b\end{align}", "<mtd><mi>a</mi></mtd>"),
        (DISPLAY, r"\[E \text{ in }\mathrm{meV}\tag{KK 3}\]", "<mtext>(KK 3)</mtext>"),
    ],
)
def test_a_formula_becomes_a_drawing_and_speech(setting, element, tex, spoken):
    page, refused = setting(f"<p>before {element.format(tex)} after</p>")
    assert refused == []
    assert re.search(r'<mjx-container[^>]*><svg[^>]*aria-hidden="true">.*<use[^>]* href=', page, re.DOTALL)
    assert ('display="true"' in page) == (element is DISPLAY)
    assert spoken in page.partition("<mjx-assistive-mml")[2]
    assert "\\" not in page
    assert (NUMBER in page) == (NUMBER in tex)
    assert page.endswith(f"{element[-6:]} after</p></body></html>")


@pytest.mark.parametrize(
    ("text", "together"),
    [("by {}, ", "{},"), ("as ({}), ", "({}),"), ("{}-type", "{}-"), ("({} or", "({}"), ("by {} or", ""), ("{}m", "")],
)
def test_no_line_breaks_between_a_formula_and_its_punctuation(setting, text, together):
    formula = INLINE.format(r"\(x\)")
    picture = re.search("<span.*</span>", setting(formula)[0])[0]
    page, _ = setting(f"<p>{text.format(formula)}</p>")
    expected = text.replace(together, f'<span class="house-together">{together}</span>') if together else text
    assert f"<p>{expected.format(picture)}</p>" in page
    assert setting(page)[0].count("house-together") == bool(together)


def test_a_displayed_formula_stands_alone(setting):
    assert "house-together" not in setting(f"({DISPLAY.format('x')}).")[0]


def test_a_page_holds_the_glyphs_that_it_uses_once(setting):
    page, _ = setting(INLINE.format(r"\(x x_x\)") + INLINE.format(r"\(x\)"))
    used = re.findall(r'<use[^>]* href="#([^"]+)"', page)
    assert used == 4 * [used[0]]
    assert re.findall(r'<path id="([^"]+)"', page) == [used[0]]
    assert page.count('stroke="currentColor" fill="currentColor"') == page.count("<mjx-container") == 2


@pytest.mark.parametrize(
    ("tex", "message"),
    [
        (r"\(\unknown\)", r"Undefined control sequence \unknown"),
        (r"\(\frac a\)", r"Missing argument for \frac"),
        (r"\({x\)", "missing close brace"),
        (r"\(\text{ħ}\)", "the fonts of MathJax do not have ħ"),
        (r"\(\newcommand{\x}{y}\)", r"Undefined control sequence \newcommand"),
    ],
)
def test_a_formula_that_cannot_be_set_is_named_and_left_as_it_is(setting, tex, message):
    bad, good = INLINE.format(tex), INLINE.format(r"\(x\)")
    page, refused = setting(bad + good)
    assert [(name, formula) for name, formula, _ in refused] == [("book/page", tex)]
    assert message in refused[0][2]
    assert bad in page
    assert page.count("<mjx-container") == 1


def test_a_page_without_formulas_and_a_page_that_is_set_stay_as_they_are(setting, tmp_path):
    plain = r"<p>no formula: \(x\)</p>"
    assert setting(plain) == (f"<html><body>{plain}</body></html>", [])
    page, _ = setting(INLINE.format(r"\(x\)"))
    assert typeset.typeset_pages(tmp_path / "html", tmp_path / "formulas.json") == []
    assert (tmp_path / "html" / "book" / "page.html").read_text(encoding="utf-8") == page


def test_what_was_drawn_is_drawn_again_only_by_another_mathjax(setting, tmp_path, monkeypatch):
    file = tmp_path / "formulas.json"
    first, _ = setting(INLINE.format(r"\(x\)"))
    style = tmp_path / "html" / "_static" / typeset.STYLE
    sheet = style.read_text(encoding="utf-8")
    assert "mjx-container" in sheet
    style.unlink()
    with monkeypatch.context() as without:
        without.setattr(typeset, "MiniRacer", None)
        assert setting(INLINE.format(r"\(x\)")) == (first, [])
        with pytest.raises(TypeError):
            setting(INLINE.format(r"\(y\)"))
    assert style.read_text(encoding="utf-8") == sheet
    kept = json.loads(file.read_text(encoding="utf-8"))
    kept["drawings"][r"\(x\)"] = "<mjx-container>remembered</mjx-container>"
    file.write_text(json.dumps(kept), encoding="utf-8")
    assert "remembered" in setting(INLINE.format(r"\(x\)"))[0]
    scripts = typeset._mathjax()
    monkeypatch.setattr(typeset, "_mathjax", lambda: [*scripts, "// a new version"])
    assert setting(INLINE.format(r"\(x\)")) == (first, [])


# --- in a book --------------------------------------------------------------------------------------------------------

FORMULAS = """\
# Formulas, as $\\tau$

## A title with $\\alpha^2$

Inline $a<b$, and displayed

```{math}
:label: eq-labelled

\\begin{aligned}a &= b\\\\ &= c\\end{aligned}
```

$$
\\text{state } \\psi
$$

```{admonition} Folded $\\beta$
:class: dropdown

See {eq}`eq-labelled`: $c$.
```
"""


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return without_pages(tmp_path_factory.mktemp("typeset") / "tree")


def _build(tree, text):
    (tree / "book" / "page.md").write_text(text, encoding="utf-8")
    code, output = make(tree, "book")
    return code, output, (tree / "_build" / "html" / "book" / "page.html").read_text(encoding="utf-8")


@pytest.mark.build
def test_every_formula_of_a_book_is_drawn_and_no_script_is_left(tree):
    code, output, page = _build(tree, FORMULAS)
    assert code == 0, output
    formulas = re.findall(r'<(span|div) class="math [^>]*>(.*?)</\1>', page, re.DOTALL)
    assert len(formulas) >= 7
    assert page.count("<mjx-container") == len(formulas) == page.count("<mjx-assistive-mml")
    front = (tree / "_build" / "html" / "index.html").read_text(encoding="utf-8")
    assert "<mjx-container" in front.partition("<nav")[2], "the contents name the page by a formula"
    scripts = re.findall(r"<script.*?</script>", page, re.DOTALL)
    assert scripts
    assert not [script for script in scripts if "mathjax" in script.lower()]
    static = tree / "_build" / "html" / "_static"
    assert [file.name for file in static.rglob("*") if "mathjax" in file.name.lower()] == [typeset.STYLE]


@pytest.mark.build
def test_a_bad_formula_fails_the_build_by_page_and_formula(tree):
    code, output, _ = _build(tree, FORMULAS + "\nBad $\\unknown{x}$.\n")
    assert code != 0
    assert "The book was not built:" in output
    warned = " ".join(re.sub(r"\x1b\[[\d;]*m", "", output).split())
    assert r"book/page.md: WARNING: the formula \(\unknown{x}\) cannot be set: Undefined control sequence" in warned
