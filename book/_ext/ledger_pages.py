"""The ledger against the book's pages: named places exist, and captions agree."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from tools.contents import pages as contents_of

from ledger_data import FIGURE_KEYS, LOADER, Row  # isort: skip

__all__ = ["Page", "page_problems", "read_page"]

# A caption says its kind in a bracket: (exact), (not in the paper; exact), (qualitative: the shape agrees).
_KIND = re.compile(rf"\([^()]*?\b({'|'.join(FIGURE_KEYS)})\b")
_DRAWN = ("exact", "quantitative", "qualitative")

_FENCE = re.compile(r"^\s*(`{3,}|~{3,}|:{3,})\s*(.*?)\s*$")
_DIRECTIVE = re.compile(r"\{([\w:.-]+)\}")
# Directives whose content is shown as it stands.
_VERBATIM = ("code", "code-block", "sourcecode", "literalinclude", "raw")
_TARGET = re.compile(r"^ {0,3}\(([^()\s]+)\)=\s*$")
_LABELLED_MATHS = re.compile(r"\$\$\s*\(([^()\s]+)\)\s*$")
_OPTION = re.compile(r"^\s*:([\w-]+):\s*(.*?)\s*$")


@dataclass(frozen=True)
class Page:
    """The labels of one page of the book, and the captions of its figures by the figure's name."""

    labels: frozenset[str]
    captions: Mapping[str, str]


def page_problems(root: Path, rows: Iterable[Row]) -> list[str]:
    """Return one sentence for every entry that does not fit the pages below ``root``."""
    paths = [path for path in (root / "intro.md", *sorted((root / "book").rglob("*.md"))) if path.is_file()]
    pages = {path.relative_to(root).as_posix(): read_page(path.read_text(encoding="utf-8")) for path in paths}
    toc = root / "_toc.yml"
    contents = contents_of(toc) if toc.is_file() else set()
    found: list[str] = []
    for row in rows:
        if isinstance(row.data.get("chapter"), str):
            found += _chapter_problems(row, pages, contents)
    return found


@lru_cache(maxsize=1024)
def read_page(text: str) -> Page:
    """Return what the text of a page labels; what stands in code or in a comment labels nothing."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    labels: set[str] = set()
    captions: dict[str, str] = {}
    _collect(text.splitlines(), labels, captions)
    return Page(frozenset(labels | set(captions)), captions)


def _collect(lines: Sequence[str], labels: set[str], captions: dict[str, str]) -> None:
    rest = iter(lines)
    for line in rest:
        fence = _FENCE.match(line)
        if not fence:
            labels.update(_TARGET.findall(line) + _LABELLED_MATHS.findall(line))
            continue
        content = list(_until_closed(rest, fence[1]))
        directive = _DIRECTIVE.match(fence[2])
        if not directive or directive[1] in _VERBATIM:
            continue
        options, body = _split(content)
        if directive[1] == "code-cell":
            name, caption = _figure(options)
            if name:
                captions[name] = caption
            continue
        labels.update(str(options[key]) for key in ("label", "name") if options.get(key))
        if directive[1] == "figure" and options.get("name"):
            captions[str(options["name"])] = "\n".join(body)
        _collect(body, labels, captions)


def _until_closed(lines: Iterator[str], opening: str) -> Iterator[str]:
    for line in lines:
        bare = line.strip()
        if len(bare) >= len(opening) and set(bare) == set(opening):
            return
        yield line


def _split(content: Sequence[str]) -> tuple[dict[str, Any], Sequence[str]]:
    """Return the options of a directive, written as `:key: value` or as YAML between `---`, and its body."""
    if content and content[0].strip() == "---":
        end = next((n for n, line in enumerate(content[1:], 1) if line.strip() == "---"), len(content))
        options = yaml.load("\n".join(content[1:end]), LOADER)
        return options if isinstance(options, dict) else {}, content[end + 1 :]
    options = {}
    for n, line in enumerate(content):
        option = _OPTION.match(line)
        if not option:
            return options, content[n:]
        options[option[1]] = option[2]
    return options, []


def _figure(options: Mapping[str, Any]) -> tuple[str, str]:
    """Return name and caption of the figure that a code cell draws."""
    part: Any = options
    for key in ("mystnb", "figure"):
        part = part.get(key) if isinstance(part, dict) else None
    return (str(part.get("name", "")), str(part.get("caption", ""))) if isinstance(part, dict) else ("", "")


def _chapter_problems(row: Row, pages: Mapping[str, Page], contents: set[str]) -> list[str]:
    chapter = row.data["chapter"]
    file, _, anchor = chapter.partition("#")
    if not anchor or (row.label and anchor != row.label):
        return [f"{row}: chapter = {chapter!r} names another place: end it in #{row.label or 'and an anchor'}"]
    if file not in pages:
        return [f"{row}: chapter = {chapter!r}, but page {file} does not exist: write the path from the root"]
    found = []
    if file.removesuffix(".md") not in contents:
        found.append(f"{row}: chapter = {chapter!r}, but {file} is not in _toc.yml: list it there")
    if anchor not in pages[file].labels:
        found.append(f"{row}: chapter = {chapter!r}, but {file} has no target {anchor}: label the place, not in code")
    return found + (_kind_problems(row, file, pages[file]) if row.what == "figure" else [])


def _kind_problems(row: Row, file: str, page: Page) -> list[str]:
    own = {name: text for name, text in page.captions.items() if name == row.label or name.startswith(f"{row.label}-")}
    if not own and row.status in _DRAWN:
        return [f"{row}: kind = {row.status!r}, but {file} draws no figure named {row.label}…: name the cell's figure"]
    found = []
    for name, caption in own.items():
        said = _KIND.search(caption)
        if not said or said[1] != row.status:
            word = repr(said[1]) if said else "no kind in brackets"
            found.append(f"{row}: kind = {row.status!r}, but the caption of {name} in {file} says {word}: align them")
    return found
