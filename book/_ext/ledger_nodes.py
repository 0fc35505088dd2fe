"""Elements that the pages of the ledger are made of, and links that are found when every page is read."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

from ledger_data import Entry, files  # isort: skip
from ledger_words import place, row_id, slug  # isort: skip

__all__ = ["LedgerDirective", "Tag", "call", "link", "setup", "title_of"]

_LOGGER = logging.getLogger(__name__)
_VOID = {"br", "input", "wbr"}


class Tag(nodes.General, nodes.Element):
    """An element of HTML with its attributes; other formats show its content."""

    def __init__(self, tag: str = "", *children: nodes.Node | str, **attributes: Any) -> None:
        own = {name: attributes.pop(name) for name in ("ids", "classes", "goal", "optional") if name in attributes}
        html = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        content = [nodes.Text(child) if isinstance(child, str) else child for child in children]
        super().__init__("", *content, tag=tag, html=html, **own)

    def copy(self) -> "Tag":
        """Return the element without its children."""
        twin = Tag(self["tag"])
        twin.attributes = {**self.attributes, "html": dict(self["html"])}
        return twin


def link(goal: str, *children: nodes.Node | str, **attributes: Any) -> Tag:
    """Return a link to a label of the book; a label that no page carries stops the build."""
    return Tag("a", *children, goal=goal, **attributes)


def title_of(page: str) -> Tag:
    """Return what stands for the title of a page until all pages are read."""
    return Tag("span", goal=f"title:{page}")


def call(name: str, shown: str = "") -> Tag:
    """Return the name of a public object, a link where the book describes it."""
    parts = (shown or name).split(".")
    words: list[nodes.Node | str] = [parts[0]]
    for part in parts[1:]:  # a long name breaks before a dot
        words += [Tag("wbr"), f".{part}"]
    return Tag("a", Tag("code", *words, classes=["literal", "notranslate"]), goal=f"api-{name}", optional=True)


class LedgerDirective(SphinxDirective):
    """What the ledger's directives share: the data and the small pieces that their pages are made of."""

    optional_arguments = 1
    choices: tuple[str, ...] = ("",)

    @property
    def root(self) -> Path:
        return Path(self.env.srcdir)

    def run(self) -> list[nodes.Node]:
        for path in files(self.root):
            self.env.note_dependency(str(path))
        argument = self.arguments[0] if self.arguments else ""
        if argument not in self.choices:
            raise self.error(f"{self.name} {argument!r}: pass one of {', '.join(filter(None, self.choices))}")
        return self.page(argument)

    def page(self, argument: str) -> list[nodes.Node]:
        raise NotImplementedError

    def known(self, name: str) -> str:
        """Let other pages link to an id of this one."""
        self.env.get_domain("std").note_hyperlink_target(name, self.env.docname, name)
        return name

    def text(self, source: str, **attributes: Any) -> nodes.paragraph:
        content, messages = self.parse_inline(source)
        return nodes.paragraph("", "", *content, *messages, **attributes)

    def words(self, source: str) -> list[nodes.Node]:
        return list(self.text(source).children)

    def maths(self, latex: str, name: str) -> nodes.Node:
        block = nodes.math_block(latex, latex, nowrap=False, number=None, label=None, docname=self.env.docname)
        return Tag("div", block, classes=["ledger-scroll"], role="group", tabindex=0, aria_label=name)

    def link(self, entry: Entry) -> nodes.Node:
        return link(entry.anchor, place(entry))

    def badge(self, word: str) -> nodes.Node:
        return nodes.inline("", word, classes=["ledger-badge", f"ledger-{slug(word)}"])

    def term(self, entry: Entry, title: nodes.Node, badge: str) -> nodes.term:
        term = nodes.term("", "", nodes.strong("", "", title), nodes.Text(" "), self.badge(badge))
        term["ids"] = [row_id(entry)]
        return term

    def fields(self, rows: Iterable[tuple[str, Sequence[nodes.Node]]]) -> nodes.field_list:
        table = nodes.field_list()
        for name, body in rows:
            if body:
                table += nodes.field("", nodes.field_name("", name), nodes.field_body("", *body))
        return table

    def literals(self, names: Iterable[str]) -> list[nodes.Node]:
        return [nodes.paragraph("", "", nodes.literal("", name)) for name in names]

    def prose(self, source: str) -> list[nodes.Node]:
        return [self.text(source)] if source else []

    def proof(self, entry: Entry) -> list[tuple[str, list[nodes.Node]]]:
        calls: list[nodes.Node] = [nodes.paragraph("", "", call(name)) for name in entry.code]
        return [("Computed by", calls), ("Checked by", self.literals(entry.test))]

    def formula(self, latex: str, name: str) -> list[nodes.Node]:
        return [self.maths(latex, name)] if latex else []


class _FindGoals(SphinxPostTransform):
    """Turn labels into addresses, and pages into titles, when all pages are read."""

    default_priority = 5

    def run(self, **_options: Any) -> None:
        for tag in [tag for tag in self.document.findall(Tag) if tag.get("goal")]:
            goal = str(tag["goal"])
            if goal.startswith("title:"):
                tag += nodes.Text(self.env.titles[goal.removeprefix("title:")].astext())
            elif address := _address(self.env, goal):
                page, name = address
                uri = "" if page == self.env.docname else self.app.builder.get_relative_uri(self.env.docname, page)
                # A builder of one page already answers with a place on it.
                tag["html"]["href"] = f"{uri.partition('#')[0]}#{name}" if name else uri
            elif tag.get("optional"):
                tag["tag"] = "span"
            else:
                _LOGGER.warning("the ledger links to the label %s, which no page carries", goal, location=tag)


def _address(env: BuildEnvironment, goal: str) -> tuple[str, str] | None:
    if goal in env.found_docs:
        return goal, ""
    equations: dict[str, tuple[str, Any]] = env.get_domain("math").data["objects"]
    if goal in equations:
        return equations[goal][0], f"equation-{goal}"
    if goal.startswith("api-"):
        return _documented(env, goal.removeprefix("api-"))
    labels: dict[str, tuple[str, str]] = env.get_domain("std").data["anonlabels"]
    return labels.get(goal) or labels.get(goal.lower())


def _documented(env: BuildEnvironment, name: str) -> tuple[str, str] | None:
    """Return where the book documents a public object; of several paths to it, it may know another one."""
    objects: dict[str, Any] = env.get_domain("py").data["objects"]
    parts = name.split(".")
    same = [each for each in objects if each.split(".")[1:2] == parts[1:2] and each.rpartition(".")[2] == parts[-1]]
    found = objects.get(name) or (objects[same[0]] if len(same) == 1 else None)
    return (found.docname, found.node_id) if found else None


def _open(translator: Any, node: Tag) -> None:
    attributes = {"id": " ".join(node["ids"]), "class": " ".join(node["classes"])}
    attributes = {name: value for name, value in attributes.items() if value} | node["html"]
    parts = [node["tag"]]
    for name, value in attributes.items():
        parts.append(name if value is True else f'{name}="{translator.attval(str(value))}"')
    translator.body.append(f"<{' '.join(parts)}>")


def _close(translator: Any, node: Tag) -> None:
    if node["tag"] not in _VOID:
        translator.body.append(f"</{node['tag']}>")


def _pass(_translator: Any, _node: nodes.Node) -> None:
    """Show the content and nothing else."""


def setup(app: Sphinx) -> None:
    """Register the elements with Sphinx."""
    app.add_node(Tag, html=(_open, _close), **dict.fromkeys(("latex", "text", "man", "texinfo"), (_pass, _pass)))
    app.add_post_transform(_FindGoals)
