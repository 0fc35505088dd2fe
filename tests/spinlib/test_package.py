"""The package as a whole: what importing it costs, what it shows, what it ships, and that its house rules hold."""

import ast
import doctest
import importlib
import inspect
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import is_dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from pybtex.database import parse_file

import spinlib

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "spinlib"
HEAVY = {"matplotlib", "numba", "numpy", "scipy", "sympy"}
# What cannot show itself in a doctest, and why.
NO_EXAMPLE = {
    "spinlib.explorer.publish": "writes an output of a notebook",
    "spinlib.plotting.glue": "writes an output of a notebook",
    "spinlib.plotting.publish": "writes an output of a notebook",
}


def names() -> list[str]:
    """Dotted name of every module of the package."""
    relative = [path.relative_to(ROOT).with_suffix("") for path in sorted(PACKAGE.rglob("*.py"))]
    return [".".join(path.parts).removesuffix(".__init__") for path in relative]


def run(*command: object, cwd: Path = ROOT, **settings: str) -> str:
    """Run a Python command; return what it printed, or fail with it."""
    environment = os.environ | settings
    done = subprocess.run(
        [sys.executable, *map(str, command)], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def loaded_by(module: str) -> set[str]:
    """Modules that a fresh interpreter holds after importing one."""
    before = "import sys, json; known = set(sys.modules)"
    listing = run("-c", f"{before}; import {module}; print(json.dumps(sorted(set(sys.modules) - known)))")
    return set(json.loads(listing))


# --- what importing costs ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("package", [name for name in names() if (ROOT / name.replace(".", "/")).is_dir()])
def test_package_import_loads_nothing_else(package: str) -> None:
    """A package loads none of its rooms and nothing heavy, unless its names stand in them."""
    loaded, room = loaded_by(package), importlib.import_module(package)
    assert package in loaded
    homes = {item.__module__ for name in room.__all__ if callable(item := getattr(room, name, None))}
    assert bool(homes) == any(name.startswith(f"{package}.") for name in loaded)
    assert homes <= loaded
    assert not loaded & (HEAVY - {"numpy", "scipy"} if homes else HEAVY)


@pytest.mark.parametrize(
    ("module", "needless"),
    [
        ("spinlib.units", HEAVY),
        ("spinlib.spin", {"numba", "matplotlib", "sympy", "scipy"}),
        ("spinlib.materials", {"numba", "matplotlib", "sympy", "scipy"}),
        ("spinlib.sweep", {"numba", "matplotlib", "sympy", "scipy", "joblib", "sqlite3"}),
        ("spinlib.field_theory", {"numba", "matplotlib", "sympy", "scipy"}),
        ("spinlib.precomputed", {"numba", "matplotlib", "sympy", "scipy"}),
        ("spinlib.scattering.stack", {"numba", "matplotlib", "sympy", "scipy"}),
        ("spinlib.scattering.closed_forms", {"numba", "matplotlib", "sympy", "scipy"}),
        ("spinlib.accumulation", {"numba", "matplotlib", "sympy", "scipy"}),
        ("spinlib.circuit", {"numba", "matplotlib", "sympy", "scipy.linalg", "scipy.optimize", "scipy.special"}),
        ("spinlib.diffusion", {"numba", "matplotlib", "sympy", "scipy.constants", "scipy.integrate"}),
        ("spinlib.dynamics.macrospin", {"matplotlib", "sympy", "scipy.linalg", "scipy.optimize", "scipy.integrate"}),
        ("spinlib.dynamics.thermodynamic", {"numba", "matplotlib", "sympy", "scipy.integrate", "scipy.optimize"}),
        ("spinlib.dynamics.walls", {"numba", "matplotlib", "sympy", "scipy.optimize", "scipy.interpolate"}),
        ("spinlib.magnons.band", {"numba", "matplotlib", "sympy", "scipy"}),
        ("spinlib.magnons.temperature_models", {"numba", "matplotlib", "sympy", "scipy"}),
        ("spinlib.magnons.kinetics", {"matplotlib", "sympy", "scipy.constants", "scipy.linalg", "scipy.optimize"}),
        ("spinlib.magnons.interface", {"matplotlib", "sympy", "scipy.constants", "scipy.linalg", "scipy.optimize"}),
    ],
)
def test_package_rooms_load_no_more_than_they_need(module: str, needless: set[str]) -> None:
    assert not loaded_by(module) & needless


def test_package_version() -> None:
    assert metadata.version("spinlib") == spinlib.__version__
    assert yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["version"] == spinlib.__version__
    assert f"## [{spinlib.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


# --- what it shows ----------------------------------------------------------------------------------------------------


@pytest.fixture(params=names())
def module(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def _assigned(module: ModuleType) -> set[str]:
    """Names that the source of a module defines at top level, imports aside."""
    found: set[str] = set()
    for node in ast.parse(inspect.getsource(module)).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {leaf.id for target in targets for leaf in ast.walk(target) if isinstance(leaf, ast.Name)}
    return found


def _is_record(item: object) -> bool:
    """A documented dataclass or named tuple; one that is only returned need not be in ``__all__``."""
    return inspect.isclass(item) and bool(item.__doc__) and (is_dataclass(item) or issubclass(item, tuple))


def test_package_nothing_is_public_but_what_all_lists(module: ModuleType) -> None:
    listed = module.__all__
    assert len(set(listed)) == len(listed)
    assert all(hasattr(module, name) or find_spec(f"{module.__name__}.{name}") for name in listed)
    public = {name for name in _assigned(module) if not name.startswith("_")}
    for name in public - set(listed):
        assert _is_record(getattr(module, name)), f"{name} is in no __all__: private names start with an underscore"


def test_package_every_module_is_short_and_says_what_it_is(module: ModuleType) -> None:
    assert module.__doc__
    assert len(inspect.getsource(module).splitlines()) < 400


def test_package_every_public_call_is_documented_with_an_example(module: ModuleType) -> None:
    for name in module.__all__:
        item = getattr(module, name, None)
        if not callable(item):
            continue
        place = f"{module.__name__}.{name}"
        text = inspect.getdoc(item) or ""
        assert text, f"{place} has no docstring"
        assert text.split("\n\n")[0].rstrip().endswith("."), f"{place} does not begin with a sentence"
        if place not in NO_EXAMPLE and "._" not in place:
            assert doctest.DocTestParser().get_examples(text), f"{place} has no example"


def test_package_exceptions_to_the_examples_exist() -> None:
    for place in NO_EXAMPLE:
        module, _, name = place.rpartition(".")
        assert name in importlib.import_module(module).__all__


# --- the house papers -------------------------------------------------------------------------------------------------


def test_package_readme_prints_what_it_says() -> None:
    result = doctest.testfile(str(ROOT / "README.md"), module_relative=False)
    assert result.failed == 0
    assert result.attempted >= 10


def test_package_readme_names_commands_that_exist() -> None:
    readme, house = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "tools/house.py"))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = set(re.findall(r"(?:^|`)(?:make|python3 tools/house\.py) ([a-z-]+)", readme, re.MULTILINE))
    assert {"book", "test", "serve", "clean"} <= commands
    for command in commands:
        assert re.search(rf"^[\w -]*\b{command}\b[\w -]*:", makefile, re.MULTILINE), command
        assert f'"{command}"' in house, command


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_package_links_of_the_house_papers_lead_somewhere(name: str) -> None:
    links = re.findall(r"\]\(([^)]+)\)", (ROOT / name).read_text(encoding="utf-8"))
    for link in links:
        assert (ROOT / link.partition("#")[0]).exists(), link


def test_package_licence_is_stated_alike() -> None:
    for name in ("README.md", "LICENSE"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "CC-BY-4.0" in text
        assert re.search(r"BSD[ -]3-Clause", text)
    assert metadata.metadata("spinlib")["License-Expression"] == "BSD-3-Clause"


def test_package_citation_names_the_five_papers_as_the_bibliography_does() -> None:
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= set(citation)
    entries = parse_file(str(ROOT / "book" / "references.bib")).entries
    papers = {reference["notes"]: reference for reference in citation["references"]}
    assert list(papers) == ["KK", "RHP", "WD04", "BTBK", "WD11"]
    for key, paper in papers.items():
        fields = entries[key].fields
        assert paper["title"] == fields["title"]
        assert str(paper["year"]) == fields["year"]
        assert paper.get("doi") == fields.get("doi")
        authors = [person.last_names[0] for person in entries[key].persons["author"]]
        assert [author["family-names"] for author in paper["authors"]] == authors


# --- what it ships ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what the build needs, so that building leaves no trace."""
    copy = tmp_path_factory.mktemp("tree")
    for name in ("pyproject.toml", "README.md", "LICENSE", "CITATION.cff", "CHANGELOG.md"):
        shutil.copy(ROOT / name, copy / name)
    shutil.copytree(PACKAGE, copy / "spinlib", ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def shipped() -> set[str]:
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {path.relative_to(ROOT).as_posix() for path in files}


def test_package_wheel_installs_offline_and_imports(tree: Path, tmp_path: Path) -> None:
    offline = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_CACHE_DIR": "1"}
    run("-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, ".", cwd=tree, **offline)
    (wheel,) = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    assert {name for name in held if name.startswith("spinlib/")} == shipped()
    assert {"spinlib/py.typed", "spinlib/materials.toml"} <= held
    assert any(name.endswith("LICENSE") for name in held)
    target = tmp_path / "site"
    run("-m", "pip", "install", "--no-deps", "--target", target, wheel, **offline)
    script = (
        "import spinlib; from spinlib.materials import material; "
        "print(spinlib.__file__, spinlib.__version__, material('Co', 'beta').value)"
    )
    place, version, beta = run("-c", script, cwd=tmp_path, PYTHONPATH=str(target)).split()
    assert Path(place).is_relative_to(target)
    assert (version, beta) == (spinlib.__version__, "0.46")


def test_package_sdist_is_complete(tree: Path, tmp_path: Path) -> None:
    script = f"from flit_core.buildapi import build_sdist; print(build_sdist({str(tmp_path)!r}))"
    archive = tmp_path / run("-c", script, cwd=tree).split()[-1]
    with tarfile.open(archive) as content:
        held = {name.partition("/")[2] for name in content.getnames()}
    assert shipped() <= held
    assert {"pyproject.toml", "README.md", "LICENSE", "CITATION.cff", "CHANGELOG.md"} <= held
    assert not {name for name in held if name.startswith(("tests/", "book/", "tools/"))}


# --- the checkers -----------------------------------------------------------------------------------------------------


def test_package_imports_point_down() -> None:
    script = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"
    assert re.search(r"Contracts: [1-9]\d* kept, 0 broken", run("-c", script))


def test_package_lint_is_clean() -> None:
    run("-m", "ruff", "check", "--no-cache", ".")


def test_package_format_is_clean() -> None:
    run("-m", "ruff", "format", "--no-cache", "--check", ".")


def test_package_types_are_strict() -> None:
    printed = run("-m", "mypy", "--cache-dir", ROOT / ".cache" / "mypy")
    assert f"no issues found in {len(names())} source files" in printed
