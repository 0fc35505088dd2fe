"""What is wrong with a printed book, line by line."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

from pypdf import PageObject, PdfReader
from pypdf.generic import DecodedStreamObject, NameObject

__all__ = ["flat", "link_problems", "outline", "sheet_problems", "text_of", "unembedded_fonts"]

_RAW = re.compile(r"\\\(|\\\[|\$\$|\\begin\{|\\frac")


def flat(text: str) -> str:
    """Text without spaces, ligatures and lines, which paper sets as it likes."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def text_of(sheet: PageObject) -> str:
    """The text of a sheet; the outlines of its formulas, most of what it holds, are not read."""
    content = sheet.get_contents()
    words = DecodedStreamObject()
    words.set_data(
        b"\n".join(re.findall(rb"\bBT\b.*?\bET\b", content.get_data() if content is not None else b"", re.DOTALL))
    )
    whole = sheet.raw_get("/Contents")
    try:
        sheet[NameObject("/Contents")] = words
        return sheet.extract_text()
    finally:
        sheet[NameObject("/Contents")] = whole


def outline(reader: PdfReader) -> list[tuple[int, str, int]]:
    """Depth, title and sheet of each entry of the outline."""

    def entries(items: list[Any], depth: int) -> Iterator[tuple[int, str, int]]:
        for item in items:
            if isinstance(item, list):
                yield from entries(item, depth + 1)
            else:
                yield depth, str(item.title), reader.get_destination_page_number(item) or 0

    return list(entries(reader.outline, 0))


def link_problems(reader: PdfReader) -> list[str]:
    """Links that leave the file for another file, or lead to no sheet of it."""
    sheets = {sheet.indirect_reference.idnum for sheet in reader.pages if sheet.indirect_reference}
    problems = []
    for number, sheet in enumerate(reader.pages, 1):
        for link in (entry.get_object() for entry in sheet.get("/Annots", [])):
            if "/Dest" in link:
                target = link["/Dest"]
                if not isinstance(target, list) or target[0].idnum not in sheets:
                    problems.append(f"sheet {number}: a link leads to {target}")
            elif not re.match("https?:|mailto:", str(link["/A"]["/URI"])):
                problems.append(f"sheet {number}: a link leaves for {link['/A']['/URI']}")
    return problems


def unembedded_fonts(reader: PdfReader) -> list[str]:
    """Fonts that the reader's machine would have to have."""
    found = set()
    for sheet in reader.pages:
        for font in (entry.get_object() for entry in sheet["/Resources"].get("/Font", {}).values()):
            kind = font["/Subtype"]
            described = font["/DescendantFonts"][0].get_object() if kind == "/Type0" else font
            own = described.get("/FontDescriptor", {})
            if kind != "/Type3" and not {"/FontFile", "/FontFile2", "/FontFile3"} & set(own):
                found.add(str(font.get("/BaseFont")))
    return sorted(found)


def sheet_problems(sheets: list[PageObject], texts: list[str]) -> list[str]:
    """Sheets that are empty but for their number and head, and sheets that show TeX."""
    problems = []
    for number, (sheet, text) in enumerate(zip(sheets, texts, strict=True), 1):
        content = sheet.get_contents()
        drawn = 0 if content is None else len(content.get_data())
        if sum(map(bool, text.split("\n"))) < 3 and drawn < 4000:
            problems.append(f"sheet {number} is empty: {text[:60]!r}")
        prose = text if "print(" not in text and "import" not in text and '"' not in text else ""
        if raw := _RAW.search(prose):
            problems.append(f"sheet {number} shows TeX: {prose[raw.start() : raw.start() + 40]!r}")
    return problems
