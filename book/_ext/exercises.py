"""A page with the question of every exercise of the book; the solutions stay folded in their chapters.

An exercise is an admonition of that title; its solution, titled so and folded, is its last part or follows it. Each
exercise gets the id ``exercise``, or ``exercise-2`` and so on. Directive: ``{exercise-list}``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

__all__ = ["in_order", "setup"]

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Exercise:
    """A question as it stands in its chapter, and whether a cell of the chapter checks the solution."""

    anchor: str
    question: list[nodes.Node]
    checked: bool


class ExerciseList(nodes.General, nodes.Element):
    """Where the questions will stand once all pages are read."""


class ExerciseListDirective(SphinxDirective):
    """Leave a place for the list."""

    def run(self) -> list[nodes.Node]:
        return [ExerciseList()]


class FillExerciseList(SphinxPostTransform):
    """Put the questions into their page before its references are resolved."""

    default_priority = 1

    def run(self, **_kwargs: Any) -> None:
        for place in list(self.document.findall(ExerciseList)):
            place.replace_self(list(self._chapters()))

    def _chapters(self) -> Iterator[nodes.Node]:
        known = _store(self.env)
        for page in in_order(self.env):
            if page in known:
                items = nodes.bullet_list(classes=["exercises"])
                for exercise in known[page]:
                    items += nodes.list_item("", *self._question(exercise), self._link(page, exercise))
                title = addnodes.pending_xref("", nodes.inline(), refdoc=self.env.docname, reftarget=f"/{page}",
                                              refdomain="std", reftype="doc", refexplicit=False)  # fmt: skip
                yield nodes.paragraph("", "", nodes.strong("", "", title))
                yield items

    def _question(self, exercise: Exercise) -> list[nodes.Node]:
        question = [_copy(part) for part in exercise.question]
        for part in question:
            for node in part.findall(nodes.Element):
                node["ids"] = []
                if "refdoc" in node:
                    node["refdoc"] = self.env.docname
                if isinstance(node, nodes.math_block):
                    node["label"] = node["number"] = None
        return question

    def _link(self, page: str, exercise: Exercise) -> nodes.Node:
        assert self.app.builder is not None
        uri = self.app.builder.get_relative_uri(self.env.docname, page)
        words = "To the exercise and its solution" + (", checked by a cell" if exercise.checked else "")
        return nodes.paragraph("", "", nodes.reference("", words, refuri=f"{uri}#{exercise.anchor}", internal=True))


def in_order(env: BuildEnvironment) -> list[str]:
    """Return the pages of the book as its contents list them."""
    found: list[str] = []

    def visit(page: str) -> None:
        if page not in found:
            found.append(page)
            for child in env.toctree_includes.get(page, []):
                visit(child)

    visit(env.config.root_doc)
    return found


def _store(env: BuildEnvironment) -> dict[str, list[Exercise]]:
    if not hasattr(env, "spinlib_exercises"):
        env.spinlib_exercises = {}  # type: ignore[attr-defined]
    return env.spinlib_exercises  # type: ignore[no-any-return, attr-defined]


def _collect(app: Sphinx, document: nodes.document) -> None:
    found = []
    for box in document.findall(nodes.admonition):
        if _title(box) != "Exercise":
            continue
        anchor = "exercise" if not found else f"exercise-{len(found) + 1}"
        if anchor in document.ids:
            _LOGGER.warning("the id %s is taken: rename the section that has it", anchor, location=box)
        box["ids"].append(anchor)
        document.ids[anchor] = box
        parts = [child for child in box.children[1:] if _title(child) != "Solution"]
        after = box.parent.children[box.parent.index(box) + 1 :]
        solutions = [child for child in (*box.children, *after[:1]) if _title(child) == "Solution"]
        if not any("dropdown" in solution["classes"] for solution in solutions):
            _LOGGER.warning("the exercise has no folded solution: let one follow it", location=box)
        rest = after[1:] if len(parts) == len(box.children) - 1 else after
        checked = bool(rest) and "cell" in getattr(rest[0], "attributes", {}).get("classes", [])
        found.append(Exercise(anchor, [_copy(part) for part in parts], checked))
    if found:
        _store(app.env)[app.env.docname] = found


def _copy(node: nodes.Node) -> nodes.Node:
    """A copy that knows nothing of the document, as Sphinx keeps it between reading and writing."""
    result = node.deepcopy()
    for part in result.findall():
        part._document = None
    return result


def _title(node: nodes.Node) -> str:
    return node.children[0].astext() if isinstance(node, nodes.admonition) and node.children else ""


def _forget(_app: Sphinx, env: BuildEnvironment, page: str) -> None:
    _store(env).pop(page, None)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the list, and gather the exercises while pages are read."""
    app.add_node(ExerciseList)
    app.add_directive("exercise-list", ExerciseListDirective)
    app.add_post_transform(FillExerciseList)
    app.connect("doctree-read", _collect)
    app.connect("env-purge-doc", _forget)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
