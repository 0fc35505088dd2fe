"""Chapters as notebooks: read from MyST, executed, reduced to what nbval and the figure check compare."""

import copy
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

from tools.isolation import ROOT

REFERENCE = ROOT / "tests" / "reference"

KERNEL = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}

# Images differ between versions of matplotlib; the figure check compares what was plotted instead.
IMAGES = ("image/png", "image/svg+xml")
FIGURE = "spinlib_figure"
GLUE = "scrapbook"
EXPLORER = "spinlib_explorer"
HANDED_ON = (FIGURE, GLUE, EXPLORER)


def is_chapter(page: Path) -> bool:
    """Whether a page of the book holds code to run."""
    return "{code-cell}" in page.read_text(encoding="utf-8")


def chapters(root: Path = ROOT) -> list[Path]:
    """Every MyST file of the book that is a notebook."""
    pages = [root / "intro.md", *sorted((root / "book").rglob("*.md"))]
    return [page for page in pages if is_chapter(page)]


def read(chapter: Path) -> NotebookNode:
    """The notebook of a chapter, with cell ids that count the cells (jupytext draws them at random)."""
    notebook = jupytext.read(chapter, fmt="md:myst")
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
    return notebook


def execute(notebook: NotebookNode, directory: Path) -> NotebookNode:
    """A copy with the outputs of a fresh kernel that runs in ``directory``."""
    executed = copy.deepcopy(notebook)
    NotebookClient(executed, timeout=120, kernel_name="python3", resources={"metadata": {"path": directory}}).execute()
    return executed


def not_compared(output: NotebookNode) -> tuple[str, ...]:
    """Forms of an output that the reference leaves empty: images, and the page of an explorer."""
    return (*IMAGES, "text/html") if EXPLORER in output.get("metadata", {}) else IMAGES


def named(cell: NotebookNode) -> list[tuple[str, str]]:
    """What a cell hands on by name: its published figures and explorers, and glued numbers, in order."""
    found = []
    for output in cell.get("outputs", []):
        metadata = output.get("metadata", {})
        found += [(kind, metadata[kind]["name"]) for kind in HANDED_ON if kind in metadata]
    return found


def figures(notebook: NotebookNode) -> dict[str, Any]:
    """What the published figures of an executed notebook hand to their check, by name."""
    found: dict[str, Any] = {}
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            record = output.get("metadata", {}).get(FIGURE)
            if record is not None:
                if record["name"] in found:
                    raise ValueError(f"figure {record['name']!r} is published twice: give each figure its own name")
                found[record["name"]] = {part: record[part] for part in record if part != "name"}
    return found


def joined(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Copies of the outputs with the pieces of a stream put together: how it is cut into messages is chance."""
    result: list[NotebookNode] = []
    for output in copy.deepcopy(outputs):
        if output.output_type == "stream" and result and result[-1].get("name") == output.name:
            result[-1]["text"] += output.text
        else:
            result.append(output)
    return result


def text_only(executed: NotebookNode) -> NotebookNode:
    """The reference twin: code cells with text outputs; images and explorers keep their key and their name.

    Prose is left out: it holds no numbers of its own, so editing it leaves the reference as it is.
    """
    cells = []
    for cell in executed.cells:
        if cell.cell_type != "code":
            continue
        twin = nbformat.v4.new_code_cell(cell.source, id=cell.id, execution_count=len(cells) + 1)
        twin.outputs = joined(cell.outputs)
        for output in twin.outputs:
            if "data" in output:
                names = {kind: {"name": output["metadata"][kind]["name"]} for kind in HANDED_ON
                         if kind in output["metadata"]}  # fmt: skip
                output["metadata"] = nbformat.from_dict(names)
                for image in set(not_compared(output)) & set(output["data"]):
                    output["data"][image] = ""
            if "execution_count" in output:
                output["execution_count"] = twin.execution_count
        cells.append(twin)
    return nbformat.v4.new_notebook(cells=cells, metadata=KERNEL)


def folder_of(stem: str) -> Path:
    """The folder of the chapter of that name, in which its notebook runs."""
    (chapter,) = (page for page in chapters() if page.stem == stem)
    return chapter.parent


def reference_paths(chapter: Path) -> tuple[Path, Path]:
    """Where the text-only twin and the plotted data of a chapter are kept."""
    return REFERENCE / f"{chapter.stem}.ipynb", REFERENCE / f"{chapter.stem}.figures.json"
