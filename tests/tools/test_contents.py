"""The table of contents, as the tools read it."""

from pathlib import Path

from tools.contents import pages, parts
from tools.isolation import ROOT

NESTED = """\
root: intro
parts:
  - caption: First
    chapters:
      - file: book/a
        sections:
          - file: book/b
      - file: book/c
  - caption: Second
    chapters:
      - file: book/d
"""
FLAT = "root: intro\nchapters:\n  - file: book/b\n  - file: book/a\n"


def test_parts_keep_the_order_of_reading(tmp_path: Path) -> None:
    contents = tmp_path / "_toc.yml"
    contents.write_text(NESTED, encoding="utf-8")
    assert parts(contents) == [("", ["intro"]), ("First", ["book/a", "book/b", "book/c"]), ("Second", ["book/d"])]
    contents.write_text(FLAT, encoding="utf-8")
    assert parts(contents) == [("", ["intro"]), ("", ["book/b", "book/a"])]


def test_parts_and_pages_name_the_same(tmp_path: Path) -> None:
    contents = ROOT / "_toc.yml"
    in_order = [page for _, part in parts(contents) for page in part]
    assert len(in_order) == len(set(in_order))
    assert set(in_order) == pages(contents)
