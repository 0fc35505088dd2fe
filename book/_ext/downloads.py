"""What a reader can take along: executed notebooks, each in a zip and all in one, and each figure's data as CSV.

The role ``book-zip`` links to the zip of all and says how much it holds.
"""

import csv
import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
import pybtex.database
from docutils import nodes
from flit_core import buildapi
from jupyter_cache import get_cache
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

from tools.contents import parts
from tools.isolation import DATA
from tools.notebooks import figures, is_chapter, read
from tools.portable import Book, portable

_WHOLE = "spin-currents"
_README = """\
# All notebooks of the book

    python3 -m venv env
    env/bin/pip install "./{wheel}[plot,symbolic]" jupyterlab
    env/bin/jupyter lab {first}

Under Windows write `env\\Scripts\\` for `env/bin/`. The notebooks hold the results that the book shows. To get others,
change a number and run all cells. Folders named as a notebook hold the data that it reads, `figures` holds a table of
the points of each figure. `LICENSE` says what you may do with them, `CITATION.cff` how to cite them.
{contents}"""
_EPOCH = (1980, 1, 1, 0, 0, 0)  # zip files of the same content are the same file


def _is_notebook(app: Sphinx, page: str) -> bool:
    return page in app.env.found_docs and is_chapter(Path(app.env.doc2path(page)))


def _executed(app: Sphinx, page: str) -> NotebookNode:
    """The chapter with the outputs that the build shows; the cache holds them also when nothing ran in this build."""
    cache = get_cache(app.outdir.parent / ".jupyter_cache")
    try:
        return cache.merge_match_into_notebook(read(Path(app.env.doc2path(page))))[1]
    except KeyError:
        message = f"{page}.md has code cells but was not executed: begin it with the header of the other chapters"
        raise ExtensionError(message) from None


def _citations(app: Sphinx) -> Any:
    entries = pybtex.database.parse_file(str(app.srcdir / "book" / "references.bib")).entries

    def cite(key: str) -> str:
        entry = entries[key]
        names = [" ".join(person.last_names) for person in entry.persons.get("author", [])]
        who = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
        return f"{who} ({entry.fields['year']})"

    return cite


def _points(panel: dict[str, Any]) -> Iterator[tuple[str, float, float]]:
    """Curve, x, y of every line, scattered point and corner of an area or bar."""
    for line in panel["lines"]:
        yield from ((line["label"], x, y) for x, y in zip(line["x"], line["y"], strict=True))
    for patch in panel["patches"]:
        yield from ((patch["label"], x, y) for x, y in patch["vertices"])
    for collection in panel["collections"]:
        scattered = collection["offsets"] != [[0.0, 0.0]]
        for points in [collection["offsets"]] if scattered else collection["vertices"]:
            yield from ((collection["label"], x, y) for x, y in points)


def _csv(axes: list[dict[str, Any]]) -> str:
    """A table of all points; lines with # say what the axes of a panel are."""
    text = io.StringIO()
    for number, panel in enumerate(axes, 1):
        shared = panel["x-axis"]["label"] or axes[-1]["x-axis"]["label"]  # panels above one another label the last
        text.write(f"# panel {number}: x is {shared}, y is {panel['y-axis']['label']}\n")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["panel", "curve", "x", "y"])
    writer.writerows((number, *point) for number, panel in enumerate(axes, 1) for point in _points(panel))
    return text.getvalue()


def _write_zip(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)


def _readme(app: Sphinx, wheel: str) -> str:
    """What to do with the zip of all notebooks, and what they are, in the order of the book."""
    contents, notebooks = "", []
    for part, pages in parts(app.srcdir / "_toc.yml"):
        own = [page for page in pages if _is_notebook(app, page)]
        contents += f"\n## {part}\n\n" * bool(own and part)
        contents += "".join(f"- `{Path(page).stem}.ipynb`: {app.env.titles[page].astext()}\n" for page in own)
        notebooks += own
    return _README.format(wheel=wheel, first=f"{Path(notebooks[0]).stem}.ipynb", contents=contents)


def _write_downloads(app: Sphinx, env: BuildEnvironment) -> None:
    """Write all downloads; when every page is read, so that pages can say what they hold."""
    notebooks = sorted(page for page in env.found_docs if _is_notebook(app, page))
    if app.builder.name != "html" or not notebooks:
        return
    target = app.outdir / "_downloads"
    for part in ("figures", "notebooks"):
        (target / part).mkdir(parents=True, exist_ok=True)
    os.environ["SOURCE_DATE_EPOCH"] = "315532800"  # 1980: the wheel says nothing of when it was made
    wheel = target / "notebooks" / buildapi.build_wheel(str(target / "notebooks"))
    library = {wheel.name: wheel.read_bytes()}
    wheel.unlink()
    equations = env.get_domain("math").equations  # type: ignore[attr-defined]
    # An unknown label is a warning of Sphinx already, and that stops the build.
    book = Book(cite=_citations(app), number=lambda label: str(equations.get(label, ("", label))[1]))
    whole = {"README.md": _readme(app, wheel.name).encode(), **library}
    whole |= {name: (app.srcdir / name).read_bytes() for name in ("LICENSE", "CITATION.cff")}
    for page in notebooks:
        executed = _executed(app, page)
        tables = {f"figures/{name}.csv": _csv(record["axes"]).encode() for name, record in figures(executed).items()}
        for name, table in tables.items():
            if (target / name).exists():
                raise ExtensionError(f"{page}.md publishes {Path(name).stem!r} as another chapter does")
            (target / name).write_bytes(table)
        chapter = Path(app.env.doc2path(page))
        # Data that a chapter reads lie in a folder of its name.
        data = {
            f"{p.parent.name}/{p.name}": p.read_bytes()
            for p in sorted(chapter.with_suffix("").glob("*"))
            if p.suffix in DATA
        }
        try:
            notebook = nbformat.writes(portable(executed, wheel.name, book)).encode()
        except ValueError as error:
            raise ExtensionError(f"{page}.md: {error}") from None
        members = {f"{chapter.stem}.ipynb": notebook, **data, **tables}
        _write_zip(target / "notebooks" / f"{chapter.stem}.zip", members | library)
        whole |= members
    _write_zip(target / "notebooks" / f"{_WHOLE}.zip", {f"{_WHOLE}/{name}": whole[name] for name in whole})


class _BookZip(nodes.inline):
    """A place for the link to the zip of all notebooks."""


def _book_zip(_role: str, _source: str, text: str, *_unused: object) -> tuple[list[nodes.Node], list[Any]]:
    return [_BookZip(text, text)], []


def _link_book_zip(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """The link, and how many notebooks and how many megabytes it leads to."""
    for place in list(doctree.findall(_BookZip)):
        if app.builder.name != "html":
            place.replace_self(nodes.Text(place.astext()))
            continue
        path = f"_downloads/notebooks/{_WHOLE}.zip"
        with zipfile.ZipFile(app.outdir / path) as archive:
            count = sum(name.endswith(".ipynb") for name in archive.namelist())
        size = (app.outdir / path).stat().st_size / 1e6
        link = nodes.reference("", place.astext(), internal=True, refuri="../" * page.count("/") + path)
        place.replace_self([link, nodes.Text(f" ({count} notebooks, {size:.1f} MB)")])


def _button(app: Sphinx, page: str, _template: str, context: dict[str, Any], _doctree: object) -> None:
    """A download button in the header of each chapter."""
    if _is_notebook(app, page):
        url = context["pathto"](f"_downloads/notebooks/{Path(page).stem}.zip", 1)
        label = {"text": "Notebook (zip)", "tooltip": "Executed notebook with data and spinlib, as a zip"}
        context["header_buttons"].insert(0, {"type": "link", "url": url, "icon": "fas fa-download", **label})


def _link_figure_data(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Below each figure of a chapter, a link to its data."""
    for figure in doctree.findall(nodes.figure):
        names = [name for name in figure["ids"] if name.startswith("fig-")]
        if not names or app.builder.name != "html":
            continue
        depth = "../" * page.count("/")
        link = f'<a class="figure-data" href="{depth}_downloads/figures/{names[0]}.csv" download>Data (CSV)</a>'
        for caption in figure.findall(nodes.caption):
            caption += nodes.raw("", f" {link}", format="html")


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_role("book-zip", _book_zip)
    app.connect("env-check-consistency", _write_downloads)
    app.connect("doctree-resolved", _link_book_zip)
    app.connect("html-page-context", _button, priority=600)
    app.connect("doctree-resolved", _link_figure_data)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
