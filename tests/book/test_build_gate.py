"""What must stop the build does stop it: one defect at a time in a book of two pages."""

import pytest

from tests.book.building import make, without_pages

pytestmark = pytest.mark.build

HEAD = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# A page

"""
CELL = "```{{code-cell}} ipython3\n{}\n```\n"
ONCE = "from pathlib import Path\nmark = Path('mark')\nfirst = not mark.exists()\nmark.touch()\nassert not first"
TOC = "format: jb-book\nroot: intro\nchapters:\n- file: book/page\n"

# name: (text of the page, table of contents, what the output must say)
DEFECTS = {
    "a failing cell": (CELL.format("1 / 0"), TOC, "ZeroDivisionError"),
    "a cell that fails once": (CELL.format(ONCE), TOC, "the notebook failed: CellExecutionError"),
    "a line on stderr": (CELL.format("import sys\nprint('x', file=sys.stderr)"), TOC, "stderr"),
    "a warning in a cell": (CELL.format("import warnings\nwarnings.warn('careful')"), TOC, "stderr"),
    "code cells without the header of a notebook": (CELL.format("1"), TOC, "begin it with the header"),
    "an unknown reference": ("See {ref}`nowhere <nowhere>`.", TOC, "nowhere"),
    "an unknown equation": ("See {eq}`eq-kk-99`.", TOC, "eq-kk-99"),
    "a dead link to a page": ("See [there](nowhere.md).", TOC, "nowhere.md"),
    "a dead link in raw HTML": ('<p><a href="nowhere.html">there</a></p>', TOC, "nowhere.html does not exist"),
    "a dead anchor": ('<p><a href="#nowhere">there</a></p>', TOC, "#nowhere has no such anchor"),
    "a request to a server": ('<p><img src="https://example.org/x.png" alt="x"></p>', TOC, "loads https://example.org"),
    "a missing page": ("Text.", TOC + "- file: book/absent\n", "absent"),
    "a page in no part of the contents": ("Text.", "format: jb-book\nroot: intro\n", "book/page.md is in no part"),
}


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """The tree with a book of two pages."""
    return without_pages(tmp_path_factory.mktemp("gate") / "tree")


def build(tree, page, toc=TOC, head=HEAD):
    (tree / "book" / "page.md").write_text(head + page, encoding="utf-8")
    (tree / "_toc.yml").write_text(toc, encoding="utf-8")
    return make(tree, "book")


def test_a_sound_page_builds(tree):
    code, output = build(tree, "Text, $x$.\n\n" + CELL.format("print(1)"))
    assert code == 0, output


@pytest.mark.parametrize("name", DEFECTS)
def test_defect_stops_the_build(tree, name):
    page, toc, says = DEFECTS[name]
    code, output = build(tree, page, toc, "# A page\n\n" if "without the header" in name else HEAD)
    assert code != 0, output
    assert says in output
    assert "The book was not built:" in output
    assert not (tree / "_build" / "built-from").exists(), "a failed build must not count as done"
