"""Print the built book into one PDF, `_build/pdf/spin-currents.pdf`: what the pages show, with what they fold unfolded.

Chromium prints page after page; the sheets are then joined, their links turned into links within the file. Nothing is
done when neither the book nor this tool has changed since the last print; `--all` prints regardless.
"""

import html
import io
import sys
import time
from pathlib import Path
from typing import Any

import yaml
from playwright.sync_api import Browser
from pypdf import PdfReader

from tools.browser import ADVICE, browser, chromium, settle
from tools.build_book import BUILD, HTML
from tools.contents import parts
from tools.isolation import ROOT, alone, digest, write_whole
from tools.pdf_join import Printed, joined

PDF = BUILD / "pdf" / "spin-currents.pdf"
STAMP = BUILD / "pdf" / "printed-from"
_TOOL = Path(__file__)
_STYLE = _TOOL.with_suffix(".css").read_text(encoding="utf-8")
_PREPARE = _TOOL.with_suffix(".js").read_text(encoding="utf-8")
_MINUTES = 5  # for one page, on a busy machine


def _print(running: Browser, source: Path, part: str = "", first: int = 1, *, front: bool = False) -> Printed:
    page = running.new_page(viewport={"width": 1024, "height": 800}, color_scheme="light", reduced_motion="reduce")
    page.set_default_timeout(_MINUTES * 60_000)
    try:
        page.goto(source.resolve().as_uri(), wait_until="load")
        settle(page)
        page.add_style_tag(content=_STYLE)
        outline = page.evaluate(_PREPARE, {"part": part, "first": first, "front": front})
        page.evaluate("Promise.all([...document.images].map(image => image.decode()))")
        pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    finally:
        page.close()
    return Printed(source, part, outline["title"], outline["sections"], pdf, first)


def _front(chapters: list[Printed], config: dict[str, Any]) -> str:
    """Title page and contents, with the numbers of the sheets."""
    rows, part = [], ""
    for chapter in chapters:
        if chapter.part != part:
            part = chapter.part
            rows.append(f"<h3>{html.escape(part)}</h3>")
        link = f'<a href="{chapter.source.resolve().as_uri()}">{html.escape(chapter.title)}</a>'
        rows.append(f"<p>{link}<span></span>{chapter.first}</p>")
    return _TOOL.with_suffix(".html").read_text(encoding="utf-8").format(
        title=html.escape(config["title"]), author=html.escape(config["author"]), rows="\n".join(rows),
        logo=(ROOT / config["logo"]).read_text(encoding="utf-8"), footer=config["html"]["extra_footer"],
    )  # fmt: skip


def print_book(executable: str) -> tuple[bytes, list[str]]:
    """Every page of the table of contents on paper, behind a title and a list of contents."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    chapters: list[Printed] = []
    first = 1
    with browser(executable) as running:
        for part, pages in parts(ROOT / "_toc.yml"):
            for name in pages:
                chapter = _print(running, HTML / f"{name}.html", part, first)
                first += len(PdfReader(io.BytesIO(chapter.pdf)).pages)
                chapters.append(chapter)
                print(f"{chapter.title}: to sheet {first - 1}", flush=True)
        page = PDF.with_name("front.html")
        write_whole(page, _front(chapters, config))
        front = _print(running, page, front=True)
    return joined(front, chapters, config)


def main(options: list[str]) -> None:
    began = time.monotonic()
    executable = chromium()
    if executable is None:
        sys.exit(f"Chromium prints the book and is not found: {ADVICE}")
    state = f"{digest(HTML, *sorted(_TOOL.parent.glob('*pdf*.*')))} {executable}"
    shown = PDF.relative_to(ROOT)
    if "--all" not in options and PDF.is_file() and STAMP.is_file() and STAMP.read_text(encoding="utf-8") == state:
        print(f"The PDF is up to date: {shown}")
        return
    STAMP.unlink(missing_ok=True)
    pdf, dead = print_book(executable)
    if dead:
        sys.exit("\n".join(["Links of the PDF lead nowhere:", *dead]))
    write_whole(PDF, pdf)
    write_whole(STAMP, state)
    print(f"The PDF is printed ({time.monotonic() - began:.0f} s): {shown}")


if __name__ == "__main__":
    with alone("pdf"):
        main(sys.argv[1:])
