"""The zip of all notebooks, as a reader uses it: unpacked elsewhere, in an environment with nothing of this tree."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import distribution, distributions
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from packaging.requirements import Requirement

from tests.book.building import PYTHON, stranger
from tools.contents import parts
from tools.isolation import DATA
from tools.notebooks import ROOT, chapters, text_only

HTML = ROOT / "_build" / "html"
DOWNLOADS = HTML / "_downloads"
WHOLE = DOWNLOADS / "notebooks" / "spin-currents.zip"
CHAPTER = "hanle"  # reads data from its folder

EXECUTE = """\
import sys
import nbformat
import spinlib
from nbclient import NotebookClient
notebook = nbformat.read(sys.argv[1], as_version=4)
NotebookClient(notebook, timeout=300).execute()
nbformat.write(notebook, sys.argv[1])
print(spinlib.__file__)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip, unpacked in a folder of its own."""
    if not WHOLE.is_file():
        pytest.fail("there is no book in _build/html: make book first", pytrace=False)
    place = tmp_path_factory.mktemp("a reader")
    with zipfile.ZipFile(WHOLE) as archive:
        archive.extractall(place)
    return place / "spin-currents"


# --- what it holds ----------------------------------------------------------------------------------------------------


def test_zip_holds_every_notebook_with_its_data_and_the_library_once(folder: Path) -> None:
    written = chapters()
    data = {
        path.relative_to(page.parent).as_posix()
        for page in written
        for path in page.with_suffix("").glob("*")
        if path.suffix in DATA
    }
    expected = {f"{page.stem}.ipynb" for page in written} | data
    expected |= {f"figures/{table.name}" for table in (DOWNLOADS / "figures").glob("*.csv")}
    expected |= {wheel.name for wheel in folder.glob("spinlib-*.whl")} | {"README.md", "LICENSE", "CITATION.cff"}
    assert data
    assert len(list(folder.rglob("*.whl"))) == 1
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == expected


def test_zip_holds_what_the_zips_of_the_chapters_hold(folder: Path) -> None:
    for page in chapters():
        with zipfile.ZipFile(DOWNLOADS / "notebooks" / f"{page.stem}.zip") as archive:
            for name in archive.namelist():
                assert (folder / name).read_bytes() == archive.read(name), name


def test_readme_names_the_wheel_and_the_notebooks_in_the_order_of_the_book(folder: Path) -> None:
    readme = (folder / "README.md").read_text(encoding="utf-8")
    (wheel,) = folder.glob("*.whl")
    assert f'pip install "./{wheel.name}[plot,symbolic]"' in readme
    notebooks = {page.relative_to(ROOT).with_suffix("").as_posix() for page in chapters()}
    in_order = [page for _, pages in parts(ROOT / "_toc.yml") for page in pages if page in notebooks]
    assert re.findall(r"^- `(\w+)\.ipynb`: \S", readme, re.MULTILINE) == [Path(page).stem for page in in_order]


def test_page_says_how_much_the_zip_holds() -> None:
    page = (HTML / "book" / "carry_away.html").read_text(encoding="utf-8")
    shown = re.search(
        r'href="\.\./_downloads/notebooks/spin-currents\.zip">[^<]+</a> \((\d+) notebooks, ([\d.]+) MB\)', page
    )
    assert shown is not None
    assert int(shown[1]) == len(chapters())
    assert float(shown[2]) == pytest.approx(WHOLE.stat().st_size / 1e6, abs=0.051)


# --- what it does -----------------------------------------------------------------------------------------------------


def _lend(site: Path, wanted: list[tuple[str, frozenset[str]]]) -> set[str]:
    """Link packages of this environment into another one, with all that they declare to need, and nothing else."""
    lent: set[tuple[str, frozenset[str]]] = set()
    while wanted:
        line, extras = wanted.pop()
        requirement = Requirement(line)
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in extras | {""}):
            continue
        key = (requirement.name.lower(), frozenset(requirement.extras))
        if key in lent:
            continue
        lent.add(key)
        package = distribution(requirement.name)
        assert requirement.specifier.contains(package.version, prereleases=True), f"{line}, here is {package.version}"
        for top in {file.parts[0] for file in package.files or []} - {"..", "__pycache__"}:
            if not (site / top).exists():
                (site / top).symlink_to(Path(str(package.locate_file(top))))
        wanted += [(need, key[1]) for need in package.requires or []]
    return {name for name, _ in lent}


@pytest.fixture(scope="module")
def python(folder: Path) -> Path:
    """The README without a network: the wheel, what it declares to need, and what runs notebooks."""
    environment = folder / "env"
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", environment], check=True)
    interpreter = environment / "bin" / "python"
    (wheel,) = folder.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", interpreter, "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, wheel], check=True, env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"})
    (site,) = (environment / "lib").glob("python*/site-packages")
    (installed,) = (found for found in distributions(path=[str(site)]) if found.name == "spinlib")
    extras = frozenset({"plot", "symbolic"})
    lent = _lend(
        site, [(need, extras) for need in installed.requires or []] + [("nbclient", extras), ("ipykernel", extras)]
    )
    assert {"numpy", "scipy", "numba", "matplotlib", "sympy"} <= lent
    assert not {"spinlib", "sphinx", "pytest"} & lent
    return interpreter


def _executed(python: Path, folder: Path, notebook: NotebookNode, name: str) -> NotebookNode:
    """The notebook, executed by its reader."""
    nbformat.write(notebook, folder / name)
    settings = {key: value for key, value in stranger().items() if key not in ("HOME", "PATH")}
    settings |= {"HOME": str(folder), "PATH": f"{python.parent}{os.pathsep}{os.defpath}"}
    command = [python, "-c", EXECUTE, name]
    run = subprocess.run(command, cwd=folder, env=settings, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[-3000:]
    assert Path(run.stdout.splitlines()[-1]).is_relative_to(folder / "env"), "another spinlib was used"
    return nbformat.read(folder / name, as_version=4)


def _printed(notebook: NotebookNode) -> list[str]:
    """What each code cell prints."""
    return [
        "".join(output.text for output in cell.outputs if output.output_type == "stream")
        for cell in text_only(notebook).cells
    ]


def test_notebook_of_the_zip_gives_the_results_of_the_book(folder: Path, python: Path) -> None:
    notebook = nbformat.read(folder / f"{CHAPTER}.ipynb", as_version=4)
    found = _printed(_executed(python, folder, notebook, "again.ipynb"))
    expected = _printed(nbformat.read(ROOT / "tests" / "reference" / f"{CHAPTER}.ipynb", as_version=4))
    assert re.fullmatch(r"spinlib \d+\.\d+\.\d+\s*", found[0])
    assert found[1:] == expected
    assert sum(map(len, expected)) > 500


def test_changed_parameter_of_the_notebook_changes_its_results(folder: Path, python: Path) -> None:
    """Twice the lifetime of a spin, twice its turns in a field."""
    notebook = nbformat.read(folder / f"{CHAPTER}.ipynb", as_version=4)
    line, told = "D, lasting = 5e-3, 50 * ps", re.compile(r"omega_B tau_sf per tesla: ([\d.]+)")
    (last,) = (k for k, text in enumerate(map(str, notebook.cells)) if told.search(text))
    before = told.search(str(notebook.cells[last]))
    notebook.cells = notebook.cells[: last + 1]
    (changed,) = (cell for cell in notebook.cells if line in cell.source)
    changed.source = changed.source.replace(line, line.replace("50", "100"))
    after = told.search("".join(_printed(_executed(python, folder, notebook, "changed.ipynb"))))
    assert before is not None
    assert after is not None
    assert float(after[1]) == pytest.approx(2 * float(before[1]), abs=2e-3)


def test_broken_promise_of_a_wheel_is_seen(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="here is"):
        _lend(tmp_path, [("numpy<1", frozenset())])
    shutil.rmtree(tmp_path)
