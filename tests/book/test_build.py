"""`make book` in hostile surroundings, killed half-way, repeated, and after changes."""

import json
import os
import signal
from pathlib import Path

import psutil
import pytest

from tests.book.building import HOSTILE, SMALL, code_book, make, small_book, snapshot, start
from tools.notebooks import REFERENCE, ROOT, chapters

pytestmark = pytest.mark.build


STEMS = [page.stem for page in chapters()]


@pytest.fixture(scope="module", params=[STEMS[2::8], pytest.param(STEMS, marks=pytest.mark.full)], ids=["some", "all"])
def stems(request):
    """Notebooks that are built once more: every eighth, or all of them."""
    return request.param


@pytest.fixture(scope="module")
def tree(tmp_path_factory, stems):
    return code_book(tmp_path_factory.mktemp("a path é") / "the tree", stems)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """Settings of a user that must not reach a notebook."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "matplotlibrc").write_text("lines.linewidth: 17\nsvg.fonttype: none\n", encoding="utf-8")
    (folder / "numpy.py").write_text("raise ImportError('the user has another numpy')\n", encoding="utf-8")
    return {**HOSTILE, "MATPLOTLIBRC": str(folder), "PYTHONPATH": str(folder)}


@pytest.fixture(scope="module")
def built(tree, hostile):
    """Killed in the middle of a notebook, then built: the output of the second run, and the sources before both."""
    before = snapshot(tree)
    process = start(tree, "book", **hostile)
    for line in process.stdout:
        if "Executing notebook" in line:
            break
    else:
        pytest.fail("no notebook was executed")
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert (tree / "_build" / "running").exists()
    assert not (tree / "_build" / "built-from").exists()
    return make(tree, "book", **hostile), before


def descendants(process, word):
    """Running processes below ``process`` whose command holds the word."""
    return [child for child in psutil.Process(process.pid).children(recursive=True) if word in child.cmdline()]


def test_the_run_after_a_kill_is_whole(built, tree, stems):
    (code, output), _ = built
    assert code == 0, output
    assert "The book is built" in output
    assert output.count("Executing notebook") == len(stems)
    assert not (tree / "_build" / "running").exists()
    assert "<title>" in (tree / "_build" / "html" / "index.html").read_text(encoding="utf-8")


def test_the_surroundings_do_not_reach_a_figure(built, tree, stems):
    """Path, HOME, locale and the user's settings change no plotted number and no line of the drawing."""
    names = {name for stem in stems for name in json.loads((REFERENCE / f"{stem}.figures.json").read_text("utf-8"))}
    for folder, suffix in (("_downloads/figures", "csv"), ("_images", "svg")):
        ours, theirs = (
            {file.name: file.read_bytes() for file in (root / "_build" / "html" / folder).glob(f"*.{suffix}")}
            for root in (ROOT, tree)
        )
        assert len(theirs) == len(names)
        assert theirs.items() <= ours.items()
        if suffix == "csv":
            assert {Path(name).stem for name in theirs} == names


def test_the_build_leaves_the_sources_alone(built, tree):
    assert snapshot(tree) == built[1]


def test_an_unchanged_book_is_not_built_again(built, tree, hostile):
    index = tree / "_build" / "html" / "index.html"
    before = index.stat().st_mtime_ns
    code, output = make(tree, "book", **hostile)
    assert code == 0
    assert output.strip() == "The book is up to date: _build/html/index.html"
    assert index.stat().st_mtime_ns == before


# --- what does not depend on the pages, with a small book -------------------------------------------------------------


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    tree = small_book(tmp_path_factory.mktemp("small") / "tree")
    code, output = make(tree, "book")
    assert code == 0, output
    return tree


def test_a_line_that_is_printed_in_pieces_stays_one_line(small):
    for name in SMALL:
        assert f"{name} 1e-09" in (small / f"_build/html/book/{name}.html").read_text(encoding="utf-8")


def _downloads(tree):
    """What the book offers for download, file by file."""
    files = (tree / "_build" / "html" / "_downloads").rglob("*")
    return {file.name: file.read_bytes() for file in files if file.is_file()}


@pytest.mark.parametrize("damage", ["lost", "edited"])
def test_a_lost_or_edited_page_is_made_again(small, damage):
    page = small / "_build" / "html" / "book" / "prose.html"
    whole, downloads = page.read_bytes(), _downloads(small)
    assert {"first.zip", "spin-currents.zip"} <= set(downloads)
    if damage == "lost":
        page.unlink()
    else:
        assert b"Nothing to run" in whole
        page.write_bytes(whole.replace(b"Nothing to run", b"Something to run"))
    code, output = make(small, "book")
    assert code == 0, output
    assert "The book is built" in output
    assert page.read_bytes() == whole
    assert _downloads(small) == downloads


def test_notebooks_run_again_when_the_library_changes_but_not_for_prose(small):
    page = small / "book" / "prose.md"
    page.write_text(page.read_text(encoding="utf-8") + "\nOne more sentence.\n", encoding="utf-8")
    code, output = make(small, "book")
    assert code == 0, output
    assert "Executing notebook" not in output
    assert "One more sentence." in (small / "_build/html/book/prose.html").read_text(encoding="utf-8")
    units = small / "spinlib" / "units.py"
    units.write_text(units.read_text(encoding="utf-8") + "\n# a change\n", encoding="utf-8")
    code, output = make(small, "book")
    assert code == 0, output
    assert output.count("Executing notebook") == len(SMALL)


def test_the_run_after_the_kill_of_the_builder_alone_waits_for_what_it_left_behind(small):
    """Sphinx outlives its killed parent and still writes: the next run must not share the folder with it."""
    page = small / "book" / f"{SMALL[0]}.md"
    slow = page.read_text(encoding="utf-8").replace("print(", "import time\n\ntime.sleep(2)\nprint('Still one more', ")
    page.write_text(slow, encoding="utf-8")
    process = start(small, "book")
    for line in process.stdout:
        if "Executing notebook" in line:
            break
    (builder,) = descendants(process, "tools/build_book.py")
    (sphinx,) = (child for child in builder.children() if "build" in child.cmdline())
    sphinx.suspend()
    builder.kill()
    following = start(small, "book")
    output = following.stdout.readline()
    sphinx.resume()
    process.communicate(timeout=300)
    output += following.communicate(timeout=300)[0]
    assert following.returncode == 0, output
    assert "Another run is at work here (build); waiting for its end" in output
    assert "The book is built" in output
    assert "Still one more" in (small / f"_build/html/book/{SMALL[0]}.html").read_text(encoding="utf-8")
