"""Numbers in prose come from code: no decimal is typed outside maths, code, citations and a list of exceptions."""

import re
from pathlib import Path

import pytest
import yaml

from tools.notebooks import ROOT

PAGES = [ROOT / "intro.md", *sorted((ROOT / "book").rglob("*.md"))]
EXCEPTIONS = yaml.safe_load((Path(__file__).parent / "prose_exceptions.yml").read_text(encoding="utf-8"))

# What is no prose within a paragraph.
NOT_PROSE = (
    r"\$\$[\s\S]*?\$\$",
    r"(?<!\\)\$[^$]*\$",
    r"\{[\w:.-]+\}`[^`]*`",  # roles
    r"(?<!`)`[^`\n]+`(?!`)",
    r"\]\([^)]*\)",  # targets of links
)
DECIMAL = re.compile(r"(?<![\w.])\d+\.\d+(?![\w.]*\.\d)")


def without_blocks(text: str) -> str:
    """The page without front matter, code and display maths; the content of other directives stays."""
    lines = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL).splitlines()
    kept, open_directives, skipping = [], [], ""
    for line in lines:
        fence = re.match(r"^(`{3,}|:{3,})(.*)$", line)
        if skipping:
            skipping = "" if line.rstrip() == skipping else skipping
        elif not fence:
            kept.append(line)
        elif fence[2].startswith("{") and not fence[2].startswith(("{code-cell}", "{math}")):
            open_directives.append(fence[1])
        elif not fence[2].strip() and fence[1] in open_directives:
            open_directives.remove(fence[1])
        else:
            skipping = fence[1]
    return "\n".join(kept)


def captions(text: str) -> str:
    """Captions and alt texts of figures are prose inside a code cell."""
    headers = re.findall(r"^```\{code-cell\}[^\n]*\n---\n(.*?)\n---\n", text, flags=re.MULTILINE | re.DOTALL)
    found = [yaml.safe_load(header).get("mystnb", {}) for header in headers]
    return "\n".join(str(part) for options in found for part in (options.get("figure"), options.get("image")) if part)


def typed_decimals(text: str) -> list[str]:
    prose = without_blocks(text) + "\n" + captions(text)
    for pattern in NOT_PROSE:
        prose = re.sub(pattern, " ", prose)
    return DECIMAL.findall(prose)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_prose_types_no_decimals(page):
    allowed = {entry["text"] for entry in EXCEPTIONS if entry["page"] == page.relative_to(ROOT).as_posix()}
    assert [number for number in typed_decimals(page.read_text(encoding="utf-8")) if number not in allowed] == []


def test_every_exception_is_used_and_has_a_reason():
    for entry in EXCEPTIONS:
        assert entry["reason"].strip()
        assert entry["text"] in typed_decimals((ROOT / entry["page"]).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("The peak is 2.54 high.", ["2.54"]),
        ("A maths 2.54: $x=2.54$ and\n\n$$\n2.54\n$$\n", ["2.54"]),
        ("```{code-cell} ipython3\nprint(2.54)\n```\n", []),
        ("```{code-cell} ipython3\n---\nmystnb:\n  figure:\n    caption: The peak is 2.54.\n---\n1\n```\n", ["2.54"]),
        ("Value {glue:text}`a2.54`, code `2.54`, [link](v2.54), see KK 2018.", []),
        ("```{admonition} Note\nIt is 0.5 high.\n```\n", ["0.5"]),
        ("```{admonition} Note\nA\n```\nIt is 0.5 high.\n```{admonition} Note\nB\n```\n", ["0.5"]),
        ("```python\nx = 0.5\n```\n\n```\n0.5\n```\n", []),
        ("In section 2.3.1 of the paper.", []),
    ],
)
def test_the_search_tells_prose_from_the_rest(text, found):
    assert typed_decimals(text) == found
