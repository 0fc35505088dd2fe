"""Docstrings as reStructuredText: their formulas are plain text, in which a bar is a modulus and `a_` a subscript."""

import re

__all__ = ["as_rst"]

_SECTION = re.compile(r"(Args|Returns|Raises|Warns):\s*$")
_LITERAL = re.compile(r"(``.+?``|:[a-z:]+:`[^`]+`|`[^`]+`)")
_MARKUP = re.compile(r"(?<!\\)\||(?<=\w)_(?![\w])")
_UNDERLINE = re.compile(r"={3,}\s*$")


def as_rst(lines: list[str]) -> list[str]:
    """Return a docstring without what docutils would take for markup, and with its headings as rubrics."""
    found: list[str] = []
    in_sections = in_paragraph = 0
    for line in lines:
        if _UNDERLINE.fullmatch(line) and found and re.fullmatch(r"[A-Z][A-Za-z ]+", found[-1]):
            found[-1:] = [f".. rubric:: {found[-1]}", ""]  # a heading of a page would become its section
            continue
        in_sections = in_sections or bool(_SECTION.match(line))
        in_paragraph = in_paragraph + 1 if line.strip() else 0
        if not in_sections and in_paragraph > 2 and line.startswith("    ") and not found[-1].startswith(" "):
            line = line.lstrip()  # a formula that is continued within a sentence
        found.append(line if line.lstrip().startswith(">>>") else _plain(line))
    return found


def _plain(line: str) -> str:
    parts = _LITERAL.split(line)
    return "".join(part if n % 2 else _MARKUP.sub(r"\\\g<0>", part) for n, part in enumerate(parts))
