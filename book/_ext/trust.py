"""The last results of the long checks, from the files in which they are committed.

Directive: ``{trust} tests|refusals|mutants|survivors|determinism|processors|lanes|types|audit|licences|speed``. What
has no file is said to be unchecked; what was checked on other sources than today's is said, too. ``speed`` says for
which benchmarks the library has changed since they ran: no test fails for that.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

from benchmarks._sources import library
from tools.doctests import written
from tools.isolation import LOCK, ROOT, digest
from tools.mutants import path_of
from tools.mutation_record import LEFT, RESULTS, SURVIVORS, explained, key_of
from tools.precomputed import MEASURED
from tools.trust import COMMITTED, KINDS

from parts import PartsDirective  # isort: skip
from tables import table  # isort: skip

__all__ = ["setup"]

SPEED = ROOT / "book" / "speed" / MEASURED


class TrustDirective(PartsDirective):
    """One part of the page."""

    def run(self) -> list[nodes.Node]:
        for source in (ROOT / "spinlib").rglob("*.py"):
            self.env.note_dependency(str(source))
        return super().run()

    def _part_tests(self) -> Iterator[nodes.Node]:
        if found := self._found(COMMITTED / "tests.json"):
            rows = [(KINDS[kind], str(found["kinds"][kind])) for kind in KINDS]
            yield table(("tests", "number"), [*rows, (nodes.strong("", "all"), str(found["total"]))], right=(1,))
            yield _words(f"{found['full']} of them run in make test-full only. {self._stamp(found)}")
        else:
            yield _unchecked()
        examples = len(written(ROOT / "spinlib"))
        yield _words(f"The package has {examples} docstrings with examples. All are run: a test compares what pytest "
                     "collects with what the sources hold.")  # fmt: skip

    def _part_refusals(self) -> Iterator[nodes.Node]:
        return self._counts("refusals.json")

    def _part_mutants(self) -> Iterator[nodes.Node]:
        if not (found := self._found(RESULTS)):
            yield _unchecked()
            return
        ends = ("killed", "timeout", "survived", "open")
        heads = ("tried", "killed by a test", "by the clock", "explained", "undecided")
        rows, total = [], Counter[str]()
        for module, counts in found["modules"].items():
            total.update(counts)
            if module in found["ran"]:
                tried = [counts.get(end, 0) for end in ends]
                star = "" if found["ran"][module][1] == digest(path_of(module)) else " *"
                share = f"{sum(tried)} of {counts['possible']}"
                rows.append((module.removeprefix("spinlib.") + star, share, *map(str, tried)))
        tried = [total[end] for end in ends]
        rows.append(("all, tried or not", f"{sum(tried)} of {total['possible']}", *map(str, tried)))
        yield table(("module", *heads), rows, right=(1, 2, 3, 4, 5))
        days = sorted(day for day, _ in found["ran"].values())
        yield _words(
            f"A sample: {sum(tried)} of {total['possible']} possible changes were tried, in {len(days)} of "
            f"{len(found['modules'])} modules, from {days[0]} to {days[-1]}. A star marks a module whose source has "
            "changed since. Undecided is what the nearest tests let live before the others were run."
        )
        untried = {name for name, counts in found["modules"].items() if counts["possible"]} - set(found["ran"])
        if untried:
            names = ", ".join(sorted(name.removeprefix("spinlib.") for name in untried))
            yield _words(f"No change was tried in {names}.")
        rows = [(f"{kind}: {counts['means']}", *(str(counts.get(end, 0)) for end in ends))
                for kind, counts in found["kinds"].items()]  # fmt: skip
        yield table(("change", *heads[1:]), rows, right=(1, 2, 3, 4))

    def _part_survivors(self) -> Iterator[nodes.Node]:
        if not (found := self._found(RESULTS)):
            yield _unchecked()
            return
        self.env.note_dependency(str(SURVIVORS))
        reasons = explained(SURVIVORS)
        for mutant in found["mutants"]:
            if mutant["verdict"] in LEFT:
                place = nodes.literal("", f"{mutant['module'].removeprefix('spinlib.')}.{mutant['function']}")
                change = nodes.literal("", f"{mutant['before']} → {mutant['after']}")
                entry = reasons.get(key_of(mutant))
                reason = f"{entry['verdict']}. {entry['reason']}" if entry else "undecided"
                yield nodes.paragraph("", "", place, nodes.Text(", "), change, nodes.Text(f": {reason}"))

    def _part_determinism(self) -> Iterator[nodes.Node]:
        if not (found := self._found(COMMITTED / "determinism.json")):
            yield _unchecked()
            return
        rows = []
        for run in found["runs"]:
            differ = ", ".join(f"{room.replace('_', ' ')} {value:.0e}" for room, value in run["differ"].items())
            rows.append((str(run["threads"]), run["seed"], differ or "none"))
        yield table(("threads", "hash seed", "largest relative difference"), rows)
        yield _words(f"Each row is two processes at once, compared with one that ran alone before: "
                     f"{sum(found['numbers'].values())} numbers from {len(found['numbers'])} rooms. "
                     f"{self._stamp(found)}")  # fmt: skip
        plain = self._found(COMMITTED / "uncompiled.json")
        yield (
            _words(f"Kernels as plain Python: {_spread(plain['differ'])}; {plain['tests']} tests of kernels hold. "
                   f"{self._stamp(plain)}")
            if plain
            else _unchecked("Kernels as plain Python")
        )  # fmt: skip

    def _part_processors(self) -> Iterator[nodes.Node]:
        if not (found := self._found(COMMITTED / "processors.json")):
            yield _unchecked()
            return
        rows = []
        for run in found["runs"]:
            differ = ", ".join(room.replace("_", " ") for room in run["differ"])
            rows.append((run["instructions"], str(run["tests"]), differ or "none"))
        yield table(("newest instructions", "tests that hold", "rooms with other bits"), rows)
        yield _words(self._stamp(found))

    def _part_lanes(self) -> Iterator[nodes.Node]:
        found = {lane: self._found(COMMITTED / f"{lane}.json") for lane in ("oldest", "latest")}
        ran = {lane: result for lane, result in found.items() if result}
        if ran:
            names = list(next(iter(ran.values()))["packages"])
            rows = [("Python", *(result["python"] for result in ran.values()))]
            rows += [(name, *(result["packages"].get(name, "") for result in ran.values())) for name in names]
            for what in ("tests", "doctests"):
                rows.append((f"{what} run", *(str(result[what]) for result in ran.values())))
            for what in ("skipped", "failed"):
                rows.append((f"{what}", *(str(len(result[what])) for result in ran.values())))
            yield table(("", *ran), rows)
            for lane, result in ran.items():
                yield _words(f"{lane.capitalize()}: {self._stamp(result)}")
        for lane in [lane for lane in found if lane not in ran]:
            yield _unchecked(f"The {lane} versions")

    def _part_types(self) -> Iterator[nodes.Node]:
        return self._counts("types.json")

    def _part_audit(self) -> Iterator[nodes.Node]:
        if not (found := self._found(COMMITTED / "audit.json")):
            yield _unchecked()
            return
        known = "; ".join(f"{name}: {', '.join(ids)}" for name, ids in found["vulnerable"].items())
        rows = [
            ("packages of the lock", str(found["packages"])),
            ("compared with a database of vulnerabilities", str(len(found["checked"]))),
            ("with a known vulnerability", known or ("none" if found["database"] else "not checked")),
            ("not checked, because the index did not answer for that version", ", ".join(found["unchecked"]) or "none"),
            ("without a hash", ", ".join(found["without_hash"]) or "none"),
            ("that nothing asks for", ", ".join(found["needless"]) or "none"),
        ]
        yield table(("what", "found"), rows)
        yield _words(self._stamp(found))

    def _part_licences(self) -> Iterator[nodes.Node]:
        if found := self._found(COMMITTED / "audit.json"):
            counts = Counter(found["licences"].values()).most_common()
            yield table(("licence, as the package states it", "packages"), [(n, str(c)) for n, c in counts], right=(1,))
        else:
            yield _unchecked()

    def _part_speed(self) -> Iterator[nodes.Node]:
        if not (found := self._found(SPEED)):
            yield _unchecked()
            return
        reports = found["benchmarks"]
        same = [name for name, report in reports.items() if report["library"] == library(name)]
        texts = {
            "Measured with the library as it is now": same,
            "The library has changed since for": [name for name in reports if name not in same],
        }
        said = [f"{text}: {_names(names, len(reports))}." for text, names in texts.items() if names]
        yield _words(" ".join(said))

    def _counts(self, file: str) -> Iterator[nodes.Node]:
        if found := self._found(COMMITTED / file):
            yield table(("what", "number"), [(name, str(n)) for name, n in found["counts"].items()], right=(1,))
            yield _words(self._stamp(found))
        else:
            yield _unchecked()

    def _found(self, path: Path) -> dict[str, Any]:
        self.env.note_dependency(str(path))
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else {}

    def _stamp(self, found: dict[str, Any]) -> str:
        """Day of a result, and whether it is one of what lies here."""
        of, now = ("lock", LOCK) if "lock" in found else ("package", ROOT / "spinlib")
        same = digest(now).startswith(found["lock"] if "lock" in found else found["sources"])
        return f"Result of {found['date']}; the {of} {'is the same today' if same else 'has changed since'}."


def _words(text: str) -> nodes.paragraph:
    return nodes.paragraph("", text)


def _names(names: list[str], total: int) -> str:
    return "all benchmarks" if len(names) == total else ", ".join(name.replace("_", " ") for name in names)


def _spread(differ: dict[str, float]) -> str:
    worst = max(differ.values(), default=0.0)
    return f"largest relative difference {worst:.0e}" if worst else "the same numbers to the last bit"


def _unchecked(what: str = "This") -> nodes.paragraph:
    return nodes.paragraph(
        "", "", nodes.strong("", f"{what}: not checked here."), nodes.Text(" No result is on record.")
    )


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("trust", TrustDirective)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
