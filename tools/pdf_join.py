"""Sheets of many PDF files joined into one, with an outline; links between pages of the book lead to places in it."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, Fit, FloatObject, NameObject, NullObject, TextStringObject

__all__ = ["Printed", "joined"]

Place = tuple[int, float, float]
"""A sheet, and a point on it from its lower left corner."""


@dataclass
class Printed:
    """A page of the book on paper: its part, title, sections (anchor and heading) and sheets."""

    source: Path
    part: str
    title: str
    sections: list[tuple[str, str]]
    pdf: bytes
    first: int = 1
    places: dict[str, Place] = field(default_factory=dict)


def _append(writer: PdfWriter, printed: Printed) -> None:
    """Add the sheets of a page, and note where its anchors are."""
    reader, first = PdfReader(io.BytesIO(printed.pdf)), len(writer.pages)
    printed.places = {"": (first, 0.0, float(reader.pages[0].mediabox.top))}
    for name, place in reader.named_destinations.items():
        sheet = first + reader.get_destination_page_number(place)
        printed.places[unquote(name.removeprefix("/"))] = (sheet, float(place.left), float(place.top))
    for sheet in reader.pages:
        writer.add_page(sheet)


def _link(writer: PdfWriter, own: Printed, book: dict[str, Printed], link: Any) -> str | None:
    """Let a link to a page of the book lead to its place in the file; the address of a place that is not there."""
    if "/Dest" in link:
        source, anchor = own, str(link["/Dest"]).removeprefix("/")
    else:
        address = urlsplit(str(link.get("/A", {}).get("/URI", "")))
        if address.scheme != "file":
            return None
        source, anchor = book.get(unquote(address.path)), address.fragment
    place = source.places.get(unquote(anchor)) if source else None
    if place is None:
        return f"{own.title}: {link.get('/A', link.get('/Dest'))}"
    sheet, left, top = place
    link.pop("/A", None)
    point = (NameObject("/XYZ"), FloatObject(left), FloatObject(top), NullObject())
    link[NameObject("/Dest")] = ArrayObject([writer.pages[sheet].indirect_reference, *point])
    return None


def joined(front: Printed, chapters: list[Printed], config: dict[str, Any]) -> tuple[bytes, list[str]]:
    """The whole book with its outline, links within it and numbers of sheets; and the links that lead nowhere."""
    writer = PdfWriter()
    for printed in (front, *chapters):
        _append(writer, printed)
    book = {str(chapter.source.resolve()): chapter for chapter in chapters}
    ends = [chapter.places[""][0] for chapter in chapters] + [len(writer.pages)]
    dead = []
    for printed, end in zip((front, *chapters), ends, strict=True):
        for sheet in range(printed.places[""][0], end):
            for link in writer.pages[sheet].get("/Annots", []):
                dead.append(_link(writer, printed, book, link.get_object()))
    part, above = "", None
    for chapter in chapters:
        sheet, _, top = chapter.places[""]
        if chapter.part != part:
            part = chapter.part
            above = writer.add_outline_item(title=part, page_number=sheet, is_open=False)
        start = {"page_number": sheet, "fit": Fit.xyz(0, top), "is_open": False}
        item = writer.add_outline_item(title=chapter.title, parent=above, **start)
        for anchor, heading in chapter.sections:
            sheet, left, top = chapter.places[anchor]
            writer.add_outline_item(title=heading, page_number=sheet, parent=item, fit=Fit.xyz(left, top))
    writer.set_page_label(0, ends[0] - 1, style="/r")
    writer.set_page_label(ends[0], ends[-1] - 1, style="/D", start=1)
    writer.page_mode = "/UseOutlines"
    writer.root_object[NameObject("/Lang")] = TextStringObject("en")
    writer.add_metadata({"/Title": config["title"], "/Author": config["author"]})
    stream = io.BytesIO()
    writer.write(stream)
    return stream.getvalue(), [line for line in dead if line]
