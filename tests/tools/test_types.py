"""What a type checker tells a user: every public signature is exact, the examples pass it, wrong uses do not."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.typed_examples import program, public
from tools.isolation import CACHE, ROOT
from tools.trust import keep

STRICT = """
[mypy]
strict = True
# Functions of an example are short.
disallow_untyped_defs = False
disallow_untyped_calls = False
[mypy-scipy.*,numba.*,matplotlib.*,IPython.*]
ignore_missing_imports = True
"""
WRONG = {
    "unit_vector('x', 2.0)": "Too many arguments",
    "magnon_density(band=3.0, temperature=300.0)": "incompatible type",
    "MagnonBand(gap=1.0, stiffness=1.0)": "Missing positional argument",
    "MagnonBand(gap='1 meV', stiffness=1.0, bandwidth=2.0)": "incompatible type",
    "spin_valve((0, 0, 1), (1, 0, 0), 3.0, 4.0, charge_current=4.0)": "incompatible type",
    "integrate_llg((1, 0, 0), (0, 0, 1.0), (0, 1.0), damping=0.1)": "Unexpected keyword",
    "material('Co', 'beta').valeu": "has no attribute",
    "transport([1.0]).conductance": "incompatible type",
    "Medium.valet_fert(6e-9, '0.5')": "incompatible type",
    "solve_stack(5)": "incompatible type",
}
ANY = {"_fingerprint", "_harmonics"}
"""Not public, and called with numbers, arrays, texts or symbols alike."""
# What the checker cannot know of an example: which of its two results a function that broadcasts gave, what the values
# of a dictionary of keywords are for, that a list of floats and zeros holds numbers, that a folder is on the disk.
_UNION = r'Argument 1 to "round" has incompatible type "(?:float|complex) \| ndarray|\[union-attr\]'
NOT_KNOWN = re.compile(rf'{_UNION}|incompatible type "(?:\*\*dict\[|list\[object\]|Traversable)')
IMPORTS = """
from spinlib.circuit import spin_valve
from spinlib.diffusion import Medium, solve_stack
from spinlib.dynamics.macrospin import integrate_llg
from spinlib.magnons.band import MagnonBand, magnon_density
from spinlib.materials import material
from spinlib.scattering.stack import transport
from spinlib.spin import unit_vector
"""


def loose(annotation: ast.expr | None) -> str:
    """What is wrong with an annotation, if anything."""
    if annotation is None:
        return "no annotation"
    if isinstance(annotation, ast.Constant) and isinstance(annotation.value, str):
        annotation = ast.parse(annotation.value, mode="eval").body
    inner = {id(part) for node in ast.walk(annotation) if isinstance(node, ast.Subscript) for part in ast.walk(node)}
    for node in ast.walk(annotation):
        name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
        if name == "Any" and id(node) not in inner:
            return "bare Any"
        if name in {"ndarray", "NDArray", "list", "dict", "tuple", "Callable", "Sequence"} and id(node) not in inner:
            return f"bare {name}"
    return ""


def signatures(source: str) -> list[tuple[str, str]]:
    """Public functions and methods of a module with what is loose in them."""
    found = []
    tree = ast.parse(source)
    spaces = [("", tree)] + [(f"{c.name}.", c) for c in tree.body if isinstance(c, ast.ClassDef) and c.name[0] != "_"]
    for prefix, space in spaces:
        for item in space.body:
            if isinstance(item, ast.FunctionDef) and (item.name[0] != "_" or item.name in ("__init__", "__call__")):
                arguments = [*item.args.posonlyargs, *item.args.args, *item.args.kwonlyargs]
                own = {"self", "cls"} if prefix else set()
                given = [(a.arg, a.annotation) for a in arguments if a.arg not in own]
                given += [(a.arg, a.annotation) for a in (item.args.vararg, item.args.kwarg) if a]
                for name, annotation in [*given, ("return", item.returns)]:
                    found.append((f"{prefix}{item.name} {name}", loose(annotation)))
            elif isinstance(item, ast.AnnAssign) and prefix and isinstance(item.target, ast.Name):
                found.append((f"{prefix}{item.target.id}", loose(item.annotation)))
    return found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("def f(x: Any) -> float: ...", "bare Any"),
        ("def f(x: np.ndarray) -> float: ...", "bare ndarray"),
        ("def f(x, y: int) -> float: ...", "no annotation"),
        ("def f(x: int): ...", "no annotation"),
        ("def f(*x: list) -> None: ...", "bare list"),
        ("class A:\n    b: 'Any'", "bare Any"),
        ("class A:\n    def b(self) -> Any: ...", "bare Any"),
    ],
)
def test_loose_annotations_are_found(source, expected):
    assert [problem for _, problem in signatures(source) if problem] == [expected]
    exact = "def f(x: NDArray[np.float64], *, y: Callable[[Any], Any] | None = None) -> tuple[float, ...]: ..."
    assert not [problem for _, problem in signatures(exact) if problem]


def test_signatures_are_exact():
    files = [file for file in sorted((ROOT / "spinlib").rglob("*.py")) if file.stem not in ANY]
    found = {file.stem: signatures(file.read_text(encoding="utf-8")) for file in files}
    assert sum(map(len, found.values())) > 1000
    assert not [(file, name, problem) for file, entries in found.items() for name, problem in entries if problem]


def check(folder: Path, source: str) -> list[str]:
    """Errors of a program of a user, whose package is installed in a folder."""
    (folder / "program.py").write_text(source, encoding="utf-8")
    (folder / "mypy.ini").write_text(STRICT, encoding="utf-8")
    options = ["--config-file", "mypy.ini", "--cache-dir", CACHE / "mypy-user"]
    command = [sys.executable, "-m", "mypy", *options, "program.py"]
    done = subprocess.run(list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False)
    assert "No module" not in done.stderr
    return [line for line in done.stdout.splitlines() if re.match(r"program\.py:\d+: error:", line)]


@pytest.mark.full
def test_a_user_is_told_what_is_right_and_what_is_wrong(tmp_path):
    """The package as its wheel installs it; ``spinlib`` of this tree is out of reach of the checker."""
    wheel = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT]
    subprocess.run(list(map(str, wheel)), check=True)
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", tmp_path, *tmp_path.glob("*.whl")]
    subprocess.run(list(map(str, install)), check=True)
    assert (tmp_path / "spinlib" / "py.typed").is_file()
    source, examples = program()
    told = check(tmp_path, source)
    passed_over = [error for error in told if NOT_KNOWN.search(error)]
    assert passed_over == told
    wrong = IMPORTS + "\n" + "\n".join(WRONG)
    errors = check(tmp_path, wrong)
    first = wrong.splitlines().index(next(iter(WRONG))) + 1
    for line, (use, says) in enumerate(WRONG.items(), first):
        told = [error for error in errors if error.startswith(f"program.py:{line}:")]
        assert told, f"{use} passes"
        assert any(says in error for error in told), told
    files = [file.read_text(encoding="utf-8") for file in (ROOT / "spinlib").rglob("*.py")]
    counts = {
        "annotations of public signatures and fields, all exact": sum(len(signatures(text)) for text in files),
        "public functions and classes whose examples pass as a typed program": examples,
        "public functions and classes": len(public()),
        "messages passed over, on what the checker cannot know": len(passed_over),
        "wrong uses that the checker rejects": len(WRONG),
    }
    keep("types", {"counts": counts})
