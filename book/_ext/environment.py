"""What the book was made with: versions, constants, execution times, ensembles, stages of the build.

Directive: ``{environment} system|direct|lock|constants|seconds|ensembles|stages``. All of it is looked up while the
book is built.
"""

import json
import os
import platform
import re
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from docutils import nodes
from scipy import constants
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from spinlib import precomputed, units
from tools.isolation import LOCK, ROOT
from tools.precomputed import stored

from exercises import in_order  # isort: skip
from parts import PartsDirective  # isort: skip
from tables import table  # isort: skip

__all__ = ["locked", "setup"]

# Name in `spinlib.units`, and the name that the CODATA table of SciPy gives to the same constant.
CONSTANTS = {
    "e": "elementary charge",
    "h": "Planck constant",
    "hbar": "reduced Planck constant",
    "k_B": "Boltzmann constant",
    "m_e": "electron mass",
    "mu_0": "vacuum mag. permeability",
    "mu_B": "Bohr magneton",
    "gyromagnetic_ratio": "electron gyromag. ratio",
}
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)\s*(?:;\s*([^\\\n]*?))?\s*\\?$", re.MULTILINE)
_SHOWN_SEEDS = 4


class EnvironmentDirective(PartsDirective):
    """One part of the page."""

    def _part_system(self) -> Iterator[nodes.Node]:
        system = f"{platform.system()} on {platform.machine()}"
        words = f"Python {platform.python_version()}, {system}, {os.cpu_count()} processor cores."
        yield nodes.paragraph("", words)

    def _part_direct(self) -> Iterator[nodes.Node]:
        group, rows = "", []
        for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines():
            if heading := re.match(r"# (the \w+)", line):
                group = heading[1]
            elif package := re.match(r"[A-Za-z0-9._-]+", line):
                rows.append((package[0], _installed(package[0]), group))
        yield table(("package", "version", "for"), rows)

    def _part_lock(self) -> Iterator[nodes.Node]:
        rows = [(name, number, marker or "everywhere", _installed(name)) for name, number, marker in locked()]
        yield table(("package", "locked", "where", "used here"), rows)

    def _part_constants(self) -> Iterator[nodes.Node]:
        (edition,) = set(re.findall(r"\b(\d{4}) CODATA recommended values", constants.__doc__ or ""))
        known = constants.physical_constants
        words = f"The constants are those of CODATA {edition}, as SciPy {version('scipy')} has them."
        yield nodes.paragraph("", words)
        rows = []
        for name, title in CONSTANTS.items():
            value, unit, error = known[title]
            if value != getattr(units, name):
                raise self.error(f"spinlib.units.{name} is not the {title} of SciPy")
            spread = f"{error / value:.1e}" if error else "exact"
            rows.append((nodes.literal("", name), title, f"{value:.10g}", unit, spread))
        yield table(("name", "constant", "value", "unit", "relative uncertainty"), rows, right=(2,))

    def _part_seconds(self) -> Iterator[nodes.Node]:
        # All pages are read before it is known where they stand: filled in later.
        yield Later(part="seconds")

    def _part_stages(self) -> Iterator[nodes.Node]:
        yield Later(part="stages")

    def _part_ensembles(self) -> Iterator[nodes.Node]:
        found = nodes.definition_list()
        for path in stored():
            self.env.note_dependency(str(path))
            name = path.relative_to(ROOT).as_posix()
            body = nodes.definition("", self._record(path))
            found += nodes.definition_list_item("", nodes.term("", "", nodes.literal("", name)), body)
        yield found

    def _record(self, path: Path) -> nodes.field_list:
        arrays, record = precomputed.load(path)
        seeds = [str(seed) for seed in record["seeds"]]
        more = [f"and {len(seeds) - _SHOWN_SEEDS} more"] if len(seeds) > _SHOWN_SEEDS else []
        versions = ", ".join(f"{name} {number}" for name, number in record["versions"].items())
        numbers = sum(array.size for array in arrays.values())
        chapter = f"book/{path.parent.name}"
        title = nodes.inline()
        fields = nodes.field_list()
        for name, content in (
            ("Chapter", addnodes.pending_xref("", title, refdoc=self.env.docname, reftarget=f"/{chapter}",
                                              refdomain="std", reftype="doc", refexplicit=False)),
            ("Command", nodes.literal("", record["command"])),
            ("Seeds", nodes.Text(", ".join([*seeds[:_SHOWN_SEEDS], *more]) or "none: nothing is drawn")),
            ("Made with", nodes.Text(versions)),
            ("Sources", nodes.Text(f"{len(record['code'])} files, whose hashes the tests compare with today's")),
            ("Content", nodes.Text(f"{numbers} numbers in {path.stat().st_size / 1000:.0f} kB")),
            ("Hash (first 16 digits)", nodes.literal("", json.loads(path.read_text("utf-8"))["digest"][:16])),
        ):  # fmt: skip
            fields += nodes.field(
                "", nodes.field_name("", name), nodes.field_body("", nodes.paragraph("", "", content))
            )
        return fields


class Later(nodes.General, nodes.Element):
    """A part that is known only when all pages were read."""


def locked() -> list[tuple[str, str, str]]:
    """Return name, version and marker of every package of the lock."""
    return [(name, number, marker or "") for name, number, marker in _LOCKED.findall(LOCK.read_text(encoding="utf-8"))]


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not used"


def _fill(app: Sphinx, document: nodes.document, _page: str) -> None:
    for place in list(document.findall(Later)):
        place.replace_self(list(_seconds(app) if place["part"] == "seconds" else _stages(app)))


def _seconds(app: Sphinx) -> Iterator[nodes.Node]:
    known = app.env.spinlib_executions.seconds  # type: ignore[attr-defined]
    pages = [page for page in in_order(app.env) if page in known]
    assert app.builder is not None
    rows: list[tuple[str | nodes.Node, str]] = []
    for page in pages:
        uri = app.builder.get_relative_uri("book/environment", page)
        link = nodes.reference("", app.env.titles[page].astext(), refuri=uri, internal=True)
        rows.append((link, f"{known[page]:.1f}"))
    rows.append((nodes.strong("", f"all {len(pages)}"), f"{sum(known[page] for page in pages):.0f}"))
    yield table(("chapter", "seconds"), rows, right=(1,))


def _stages(app: Sphinx) -> Iterator[nodes.Node]:
    known = app.env.spinlib_executions  # type: ignore[attr-defined]
    began, read = app.env.spinlib_clock  # type: ignore[attr-defined]
    rows = [
        (f"executing notebooks ({known.executed} of {len(known.seconds)}, the others are as the cache has them)",
         f"{known.elapsed:.0f}"),
        ("reading pages", f"{read - began - known.elapsed:.0f}"),
        ("writing pages, downloads and looking for dead links", "not over when this page is written"),
    ]  # fmt: skip
    yield table(("stage", "seconds"), rows, right=(1,))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive, and take the time of the stages."""
    began = time.monotonic()

    def stop(_app: Sphinx, env: BuildEnvironment) -> None:
        env.spinlib_clock = (began, time.monotonic())  # type: ignore[attr-defined]

    app.add_node(Later)
    app.add_directive("environment", EnvironmentDirective)
    app.connect("env-updated", stop)
    app.connect("doctree-resolved", _fill)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
