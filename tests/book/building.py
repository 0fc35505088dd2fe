"""A copy of the tree that can be built, spoiled and killed without harm to the real one."""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import jupytext
import nbformat

from tools.isolation import FOREIGN, ROOT
from tools.notebooks import chapters, read

HOSTILE = {
    "HOME": "/dev/null",  # no directory can be made below it, not even by root
    "LC_ALL": "C",
    "MPLBACKEND": "Agg",
    "JUPYTER_CONFIG_DIR": "/dev/null/jupyter",
    "IPYTHONDIR": "/dev/null/ipython",
    "PYTHONHASHSEED": "random",
    "NUMBA_DISABLE_JIT": "1",
}


PYTHON = getattr(sys, "_base_executable", sys.executable)
"""The interpreter that a stranger's make finds: one without an environment around it."""

MADE = (".git", ".venv", ".cache", "_build", "__pycache__", "dist")
"""What the commands may make, and git."""


def copy_tree(target: Path) -> Path:
    """The tree without git, caches and builds, with an environment that borrows the packages of this one."""
    ignored = shutil.ignore_patterns(*MADE)
    shutil.copytree(ROOT, target, ignore=ignored)
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", target / ".venv"], check=True)
    packages = next((target / ".venv" / "lib").glob("python*/site-packages"))
    borrowed = [path for path in sys.path if Path(path).name == "site-packages"]
    (packages / "borrowed.pth").write_text("\n".join(borrowed) + "\n", encoding="utf-8")
    stamp(target)
    return target


def without_pages(target: Path, names: Sequence[str] = ("page",)) -> Path:
    """The tree with a front page, and with contents that name the pages that a test writes."""
    copy_tree(target)
    for page in (target / "book").rglob("*.md"):
        page.unlink()
    (target / "intro.md").write_text("# A small book\n\nIts front page.\n", encoding="utf-8")
    files = "".join(f"- file: book/{name}\n" for name in names)
    (target / "_toc.yml").write_text(f"format: jb-book\nroot: intro\nchapters:\n{files}", encoding="utf-8")
    return target


SMALL = ("first", "second")
"""The notebooks of the small book."""


def small_book(target: Path) -> Path:
    """The tree with two short notebooks and a page of prose in place of its pages: what depends on none of them."""
    header = chapters(ROOT)[0].read_text(encoding="utf-8").partition("\n# ")[0]
    book = without_pages(target, (*SMALL, "prose")) / "book"
    (book / "prose.md").write_text("# Prose\n\nNothing to run.\n", encoding="utf-8")
    for name in SMALL:
        code = f"from spinlib.units import nm\n\nprint('{name}', end=' ', flush=True)\nprint(nm)"
        cell = f"```{{code-cell}} ipython3\n{code}\n```"
        (book / f"{name}.md").write_text(f"{header}\n# Page {name}\n\n{cell}\n", encoding="utf-8")
    return target


def code_book(target: Path, stems: Sequence[str]) -> Path:
    """The tree with the code cells of some notebooks and none of their prose: all they compute, and no links."""
    book = without_pages(target, stems) / "book"
    for page in (page for page in chapters(ROOT) if page.stem in stems):
        notebook = read(page)
        notebook.cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
        for cell in notebook.cells:
            if "figure" in cell.metadata.get("mystnb", {}):
                cell.metadata["mystnb"]["figure"]["caption"] = "A figure."
        notebook.cells.insert(0, nbformat.v4.new_markdown_cell(f"# The code of {page.stem}"))
        jupytext.write(notebook, book / page.name, fmt="md:myst")
    return target


def stamp(tree: Path) -> None:
    """Declare the environment of a copied tree ready."""
    code = "from tools import house; house.STAMP.write_text(house.venv_state(), encoding='utf-8')"
    environment = {**os.environ, "PYTHONPATH": str(tree)}
    subprocess.run([PYTHON, "-c", code], cwd=tree, env=environment, check=True)


def stranger() -> dict[str, str]:
    """The environment without what the house has set in it."""
    return {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}


def start(tree: Path, *command: str, **settings: str) -> subprocess.Popen[str]:
    """`make <command>` in a session of its own, under the user's environment plus ``settings``."""
    make = ["make", f"PYTHON={PYTHON}", *command]
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "encoding": "utf-8", "errors": "replace"}
    return subprocess.Popen(make, cwd=tree, env=stranger() | settings, start_new_session=True, **streams)


def make(tree: Path, *command: str, **settings: str) -> tuple[int, str]:
    """Exit code and output of `make <command>`."""
    process = start(tree, *command, **settings)
    output = process.communicate(timeout=900)[0]
    return process.returncode, output


def snapshot(tree: Path) -> dict[str, bytes]:
    """Every file of the tree but what the commands may make."""
    files = [p for p in tree.rglob("*") if p.is_file() and not set(MADE) & set(p.relative_to(tree).parts)]
    return {p.relative_to(tree).as_posix(): p.read_bytes() for p in files}
