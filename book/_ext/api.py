"""The reference of the package from its docstrings, by autodoc: one page a room, and an index of all names.

Directives: ``api-room NAME`` (in ``{eval-rst}``, since docstrings are reStructuredText) and ``{api-index}``. Each
object says which equations and figures of the ledger it computes and which chapters call it.
"""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import nested_parse_with_titles

from api_names import PACKAGE, api_id, api_link, catalogue, modules, object_of, rooms, same_as  # isort: skip
from api_signature import signature  # isort: skip
from api_text import as_rst  # isort: skip
from api_uses import chapters_of, entries_of, givers_of  # isort: skip
from ledger_words import row_id  # isort: skip

__all__ = ["setup"]

_MANY = 12  # chapters; more are counted


class ApiRoom(SphinxDirective):
    """The modules of one room with all their public objects."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        room = self.arguments[0]
        if room not in rooms():
            raise self.error(f"api-room {room!r}: pass one of {', '.join(rooms())}")
        text = "\n".join(line for module in rooms()[room] for line in self._module(module, room))
        box = nodes.section()
        box.document = self.state.document
        nested_parse_with_titles(self.state, StringList(text.splitlines(), source=f"{PACKAGE}.{room}"), box)
        return box.children

    def _module(self, module: str, room: str) -> Iterator[str]:
        if module != f"{PACKAGE}.{room}":
            yield from (f"``{module}``", "#" * (len(module) + 4), "")
        yield from (f".. automodule:: {module}", "   :no-members:", "")
        for item in catalogue().values():
            if item.module == module:
                yield from self._item(item.name, item.kind)

    def _item(self, name: str, kind: str) -> Iterator[str]:
        if kind == "data":
            value = object_of(name)
            shown = f"{value!r}" if isinstance(value, float | str) else ""
            yield from (f".. py:data:: {name.rpartition('.')[2]}", *([f"   :value: {shown}"] if shown else []), "")
            yield from (f"   {line}" for line in _uses(name, Path(self.env.srcdir)))
        else:
            yield from (f".. auto{kind}:: {name}", *(["   :members:"] if kind == "class" else []))
        yield ""


class ApiIndex(SphinxDirective):
    """``rooms``: a list of the pages; ``names``: all names in alphabetical order, each with a link to its entry."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        return [self._rooms() if self.arguments[0] == "rooms" else self._names()]

    def _rooms(self) -> nodes.Node:
        table = nodes.definition_list(classes=["api-rooms"])
        for room in rooms():
            name = f"{PACKAGE}.{room}"
            title = nodes.literal("", name)
            attributes = {"refdomain": "std", "reftype": "doc", "refexplicit": True, "refwarn": True}
            link = addnodes.pending_xref(
                "", title, refdoc=self.env.docname, reftarget=f"/book/api/{room}", **attributes
            )
            sentence = inspect.getdoc(modules()[name]).partition("\n\n")[0]  # type: ignore[union-attr]
            text = nodes.paragraph("", " ".join(sentence.split()))
            table += nodes.definition_list_item("", nodes.term("", "", link), nodes.definition("", text))
        return table

    def _names(self) -> nodes.Node:
        table = nodes.bullet_list(classes=["api-names"])
        for name, item in sorted(catalogue().items(), key=lambda pair: pair[0].rpartition(".")[2].lower()):
            last = name.rpartition(".")[2]
            line = nodes.paragraph("", "", api_link(name, self.env.docname, last))
            line += nodes.inline("", f" {item.module.removeprefix(PACKAGE + '.')}", classes=["api-module"])
            table += nodes.list_item("", line)
        return table


def _uses(name: str, root: Path) -> list[str]:
    """Return the fields that lead from an object to the ledger, to the chapters, and to what returns it."""
    entries, chapters = entries_of(root).get(name, []), chapters_of(root).get(name, [])
    pairs = [
        ("Returned by", [f":py:obj:`~{giver}`" for giver in givers_of().get(name, [])] if not chapters else []),
        ("Computes", [_entry(entry) for entry in entries]),
        ("Chapters", [f":doc:`/{page}`" for page in chapters] if len(chapters) <= _MANY else [f"{len(chapters)}"]),
    ]
    if len(chapters) > _MANY:
        pairs[-1] = ("Chapters", [f"{len(chapters)}, the first is :doc:`/{chapters[0]}`"])
    if not chapters and name not in givers_of():
        pairs[-1] = ("Chapters", ["none names it"])
    return [f":{title}: {', '.join(parts)}" for title, parts in pairs if parts] + [""]


def _entry(entry: Any) -> str:
    what = "" if entry.section else "Fig. "
    number = f"({entry.paper} {entry.label})" if entry.section else f"{entry.paper} {what}{entry.label}"
    return f":ref:`{number} <{row_id(entry) if entry.section else entry.anchor}>`"


def _add_uses(app: Sphinx, what: str, name: str, _item: Any, _options: Any, lines: list[str]) -> None:
    if what in ("function", "class") and name in catalogue():
        lines += ["", *_uses(name, Path(app.srcdir))]


def _plain_text(_app: Sphinx, _what: str, _name: str, _item: Any, _options: Any, lines: list[str]) -> None:
    lines[:] = as_rst(lines)


def _signature(_app: Sphinx, what: str, _name: str, item: Any, *_: Any) -> tuple[str, str] | None:
    return signature(item, method=what == "method") if what in ("function", "class", "method") else None


def _name_entries(_app: Sphinx, domain: str, _kind: str, content: nodes.Element) -> None:
    """Give each entry the id that other pages ask for, beside that of the Python domain."""
    for line in content.parent.findall(addnodes.desc_signature) if domain == "py" else ():
        own = [name for name in line["ids"] if same_as(name) == name]
        line["ids"] += [api_id(name) for name in own if api_id(name) not in line["ids"]]


def _name_toggle(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: object) -> None:
    """Name what folds the pages of the rooms in the contents at the left: the theme leaves it to a picture."""
    contents = context.get("generate_toctree_html")
    if contents is None:
        return

    def named(kind: str, **options: Any) -> Any:
        found = contents(kind=kind, **options)
        if kind != "sidebar":
            return found
        return str(found).replace("<summary>", '<summary aria-label="Pages of this section">')

    context["generate_toctree_html"] = named


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives and what they add to autodoc."""
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.napoleon")
    app.add_directive("api-room", ApiRoom)
    app.add_directive("api-index", ApiIndex)
    app.connect("autodoc-process-docstring", _plain_text, priority=400)  # before napoleon
    app.connect("autodoc-process-docstring", _add_uses, priority=900)
    app.connect("autodoc-process-signature", _signature)
    app.connect("object-description-transform", _name_entries)
    app.connect("html-page-context", _name_toggle, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
