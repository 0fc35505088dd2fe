"""Copies of the ledger to damage, with pages and tests that hold exactly what it names."""

import copy
import importlib
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
EXTENSIONS = ROOT / "book" / "_ext"
sys.path.insert(0, str(EXTENSIONS))
ledger_data = importlib.import_module("ledger_data")
ledger_rules = importlib.import_module("ledger_rules")
ledger = importlib.import_module("ledger")
ledger_counts, ledger_map, ledger_nodes, ledger_parts, ledger_words = (
    importlib.import_module(f"ledger_{name}") for name in ("counts", "map", "nodes", "parts", "words")
)

CHAPTER = "book/scattering_torque.md"
TESTS = "tests/book/test_scattering_torque.py"
ASSERTION = "assert sum([1, 2]) == 3"
# File, entry or function, what is wrong, remedy.
MESSAGE = re.compile(r"[\w./]+\.(yml|py): .+: .+")


def entries(root: Path = ROOT) -> list[Any]:
    """Every equation, statement and figure of the ledger below ``root``."""
    papers = ledger_data.load_ledger(root)
    return [e for pair in papers.values() for part in pair for e in part] + ledger_data.load_figures(root)


def drawing(name: str, kind: str) -> str:
    """A code cell that draws a figure of this name and kind."""
    caption = f"      **Title** (not in the paper; {kind}: it agrees). More."
    options = f"mystnb:\n  figure:\n    name: {name}\n    caption: |\n{caption}\n"
    return f"```{{code-cell}} ipython3\n---\n{options}---\n1\n```\n"


def place(entry: Any) -> str:
    """What a chapter writes at the anchor of ``entry``."""
    if entry.anchor.startswith("eq-"):
        return f"$$\nx\n$$ ({entry.anchor})\n"
    target = f"({entry.anchor})=\n## Here\n"
    return f"{target}\n{drawing(f'{entry.anchor}-left', entry.status)}" if entry.anchor.startswith("fig-") else target


def function(name: str, body: str = ASSERTION, head: str = "") -> str:
    """The source of a test with this body, after the lines of ``head``."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return f"{head}def {name}():\n{lines}\n\n"


def append(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    old = path.read_text(encoding="utf-8") if path.is_file() else ""
    path.write_text(old + text, encoding="utf-8")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, (old, text)
    path.write_text(text.replace(old, new), encoding="utf-8")


def sound_copy(root: Path) -> Path:
    """Copy the ledger below ``root``, and chapters and tests as it names them."""
    shutil.copytree(ROOT / "book" / "ledger", root / "book" / "ledger")
    # An equation or a figure decides what stands at its anchor; a statement beside it does not.
    places: dict[str, dict[str, str]] = {}
    for entry in sorted(entries(root), key=lambda e: (not e.where, e.anchor)):
        places.setdefault(entry.chapter.partition("#")[0], {})[entry.anchor] = place(entry)
    for page, parts in places.items():
        append(root / page, "# Chapter\n\n" + "\n".join(parts[anchor] for anchor in sorted(parts)))
    chapters = [{"file": page[:-3]} for page in places]
    toc = {"format": "jb-book", "root": "intro", "parts": [{"caption": "All", "chapters": chapters}]}
    (root / "_toc.yml").write_text(yaml.safe_dump(toc), encoding="utf-8")
    tests = {test for entry in entries(root) for test in entry.test}
    for test in sorted(tests):
        append(root / test.partition("::")[0], function(test.partition("::")[2]))
    return root


def sheet(root: Path, name: str) -> Any:
    """The content of a file of the ledger, to change."""
    return copy.deepcopy(ledger_data.read(root / "book" / "ledger" / f"{name}.yml"))


def store(root: Path, name: str, content: Any) -> None:
    text = yaml.dump(content, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
    (root / "book" / "ledger" / f"{name}.yml").write_text(text, encoding="utf-8")
