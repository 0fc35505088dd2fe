"""Precomputed data: exact, reproducible to the byte, never half written, and stale when their code changes."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from spinlib.precomputed import load
from tests.bad_input import Refusal, refusals
from tools import precomputed, sources
from tools.precomputed import LIMIT, save, stale, verify

RECORD: dict[str, Any] = {
    "command": "python -m something",
    "seeds": [1, 2],
    "code": ["spinlib/units.py"],
    "versions": ["numpy"],
}
ARRAYS = {
    "torque": np.array([[0.1, -0.0, 1e-300], [np.pi, 2.0, -1e300]]),
    "mixing": np.array([1 + 2j, -0.5j]),
    "count": np.array([2**62, -1]),
    "converged": np.array([True, False]),
    "mean": np.array(0.25),
    "none": np.empty((0, 3)),
}


def write(path: Path, arrays: Any = ARRAYS, **changes: Any) -> Path:
    save(path, arrays, **(RECORD | changes))
    return path


def test_invariant_every_array_comes_back_exactly(tmp_path: Path) -> None:
    arrays, record = load(write(tmp_path / "a.json"))
    assert list(arrays) == sorted(ARRAYS)
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        assert arrays[name].shape == array.shape
        assert arrays[name].tobytes() == array.tobytes()
    assert record["command"] == RECORD["command"]
    assert record["seeds"] == [1, 2]
    assert record["versions"] == {"numpy": np.__version__}
    assert list(record["code"]) == ["spinlib/units.py"]


@given(
    array=hnp.arrays(
        st.sampled_from(["float64", "complex128", "int64", "float32", "bool"]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3),
        elements={"allow_nan": False, "allow_infinity": False},
    )
)
def test_invariant_round_trip(array: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> None:
    arrays, _ = load(write(tmp_path_factory.mktemp("data") / "a.json", {"x": array}))
    np.testing.assert_array_equal(arrays["x"], array, strict=array.dtype != np.float32)


def test_invariant_same_input_same_bytes(tmp_path: Path) -> None:
    first = write(tmp_path / "a.json").read_bytes()
    again = write(tmp_path / "b.json", dict(reversed(ARRAYS.items()))).read_bytes()
    fortran = write(tmp_path / "c.json", ARRAYS | {"torque": np.asfortranarray(ARRAYS["torque"])}).read_bytes()
    assert first == again == fortran
    assert write(tmp_path / "d.json", ARRAYS | {"mean": np.nextafter(0.25, 1)}).read_bytes() != first


def test_invariant_one_number_per_line(tmp_path: Path) -> None:
    old = write(tmp_path / "a.json").read_text().splitlines()
    new = write(tmp_path / "b.json", ARRAYS | {"mean": 0.5}).read_text().splitlines()
    changed = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    assert ("0.25", "0.5") in changed
    assert len(changed) == 2, "besides the number only the digest changes"


def test_invariant_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.json")
    before = path.read_bytes()
    write(path)  # the same content overwrites nothing
    with pytest.raises(FileExistsError, match="replace=True"):
        write(path, {"other": [1.0]})

    def fail(self: Path, target: Path) -> None:
        raise OSError("disk full")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", fail)
        with pytest.raises(OSError, match="disk full"):
            write(path, {"other": [1.0]}, replace=True)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["a.json"], "no temporary file stays"
    write(path, {"other": [1.0]}, replace=True)
    assert load(path)[0]["other"] == [1.0]
    assert [item.name for item in tmp_path.iterdir()] == ["a.json"]


def test_invariant_a_change_of_the_code_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    monkeypatch.setattr(precomputed, "ROOT", tmp_path)
    source = tmp_path / "room.py"
    source.write_bytes(b"a = 1\nb = 2\n")
    path = write(tmp_path / "a.json", code=["room.py"])
    assert verify(path) == []
    source.write_bytes(b"a = 1\r\nb = 2\r\n")
    assert verify(path) == [], "line ends are no change"
    for content in (b"a = 1\nb = 3\n", None):
        source.unlink() if content is None else source.write_bytes(content)
        (problem,) = verify(path)
        assert "room.py" in problem
        assert problem.endswith("remake with: python -m something")


@pytest.mark.parametrize(("old", "new"), [("0.25", "0.26"), ('"seeds"', '"seedz"'), ("python -m", "python -q")])
def test_invariant_an_edited_file_is_a_problem(old: str, new: str, tmp_path: Path) -> None:
    path = write(tmp_path / "a.json")
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))
    (problem,) = verify(path)
    assert problem.startswith("a.json is damaged (edited by hand)")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"digest": 3}', "not json"])
def test_bad_input_damaged_file(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"a\.json is damaged .*restore it"):
        load(path)
    assert len(verify(path)) == 1


def test_bad_input_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    with pytest.raises(ValueError, match=rf"limit is below {LIMIT}: store fewer points"):
        write(path, {"x": np.linspace(0, 1, 60_000)})
    assert not path.exists()
    assert LIMIT == 10**6
    write(path)
    monkeypatch.setattr(precomputed, "LIMIT", path.stat().st_size)
    assert "store fewer points" in verify(path)[0]


def attempt(arrays: Any = ARRAYS, **changes: Any) -> None:
    write(Path("/dev/null/never-reached"), arrays, **changes)


@refusals(
    Refusal("nan", attempt, {"arrays": {"x": [np.nan]}}, ("x has entries that are not finite", "leave them out")),
    Refusal("infinity", attempt, {"arrays": {"x": [np.inf]}}, ("x has", "leave them out")),
    Refusal("object", attempt, {"arrays": {"x": [None]}}, ("x has type object", "pass booleans")),
    Refusal("text", attempt, {"arrays": {"x": ["a"]}}, ("x has type", "pass booleans")),
    Refusal("uint64", attempt, {"arrays": {"x": np.array([2**63], "u8")}}, ("x has type uint64", "int64")),
    Refusal("long double", attempt, {"arrays": {"x": np.zeros(1, np.longdouble)}}, ("x has type", "float64")),
    Refusal("no arrays", attempt, {"arrays": {}}, ("arrays", "pass what was computed")),
    Refusal("no command", attempt, {"command": " "}, ("command", "pass what was computed")),
    Refusal("no code", attempt, {"code": []}, ("code", "pass what was computed")),
    Refusal("missing code", attempt, {"code": ["tools/gone.py"]}, ("code names tools/gone.py", "relative to its root")),
    Refusal("code outside", attempt, {"code": ["/dev/null"]}, ("code names /dev/null", "relative to its root")),
    Refusal("no package", attempt, {"versions": ["spinlab"]}, ("versions names spinlab", "installed packages")),
)
def test_bad_input_save(refusal: Refusal) -> None:
    refusal.check()


def test_invariant_the_file_is_plain_json(tmp_path: Path) -> None:
    content = json.loads(write(tmp_path / "a.json").read_text())
    assert content["arrays"]["mixing"] == {"dtype": "complex128", "shape": [2], "data": [1.0, 2.0, -0.0, -0.5]}


def test_the_book_holds_no_stale_data() -> None:
    assert stale() == []


def test_stale_data_beside_a_chapter_are_named_with_the_command_that_remakes_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    monkeypatch.setattr(precomputed, "ROOT", tmp_path)
    (tmp_path / "model.py").write_text("x = 1\n")
    book = tmp_path / "book"
    (book / "chapter").mkdir(parents=True)
    (book / "chapter.md").write_text("# A chapter\n")
    (book / "ledger").mkdir()
    (book / "ledger" / "other.json").write_text("{}")  # belongs to no chapter
    (book / "chapter" / precomputed.MEASURED).write_text("{}")  # a machine's times, which no code can remake
    path = write(book / "chapter" / "ensemble.json", code=["model.py"])
    assert stale(book) == []
    (tmp_path / "model.py").write_text("x = 2\n")
    assert stale(book) == ["ensemble.json: model.py changed since, remake with: python -m something"]
    assert "precomputed data take" in stale(book, total=path.stat().st_size - 1)[0]


MODEL = """
from math import sin

def model(x: float) -> float:
    \"\"\"Return a number.\"\"\"
    return -2.0 * sin(x) + x[1:]
"""


@pytest.mark.parametrize(
    ("old", "new", "stale_then"),
    [
        ("Return a number.", "Return another one.", False),
        ("x[1:]", "x[1:]  # a remark", False),
        ("(x: float) -> float", "(x)", False),
        ("from math", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    y = 1\nfrom math", False),
        ("\n", "\r\n", False),
        ("-2.0", "2.0", True),
        ("-2.0", "-2.1", True),
        ("sin(x) +", "sin(x) -", True),
        ("x[1:]", "x[:1]", True),
        ("x[1:]", "x[None:]", True),
        ("math import sin", "math import cos as sin", True),
        ("    return", "    'text'; x = 1\n    return", True),
        ("def model(x", "if TYPE_CHECKED:\n    y = 1\ndef model(x", True),
        ("def model(x", "if TYPE_CHECKING:\n    y = 1\nelse:\n    y = 2\ndef model(x", True),
    ],
)
def test_invariant_data_are_stale_if_what_their_code_computes_may_have_changed(
    old: str, new: str, stale_then: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Layout, comments, docstrings and types can change no number; everything else may."""
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    monkeypatch.setattr(precomputed, "ROOT", tmp_path)
    assert old in MODEL
    (tmp_path / "model.py").write_text(MODEL, newline="")
    path = write(tmp_path / "data.json", code=["model.py"])
    (tmp_path / "model.py").write_text(MODEL.replace(old, new), newline="")
    assert bool(verify(path)) == stale_then


def test_invariant_what_a_source_imports_counts_as_its_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    monkeypatch.setattr(precomputed, "ROOT", tmp_path)
    package = tmp_path / "spinlib"
    package.mkdir()
    for name, text in {
        "first": "from spinlib.second import x",
        "second": "def f():\n    import spinlib.third, numpy\nfrom spinlib import fourth, nothing",
        "third": "from spinlib.first import y",
        "fourth": "from spinlib._validate import real",
        "_validate": "",
        "fifth": "",
    }.items():
        (package / f"{name}.py").write_text(text)
    _, record = load(write(tmp_path / "data.json", code=["spinlib/first.py"]))
    assert list(record["code"]) == [f"spinlib/{name}.py" for name in ("first", "fourth", "second", "third")]
    (package / "third.py").write_text("from spinlib.first import y\nz = 1")
    assert verify(tmp_path / "data.json") == [
        "data.json: spinlib/third.py changed since, remake with: python -m something"
    ]


@pytest.mark.parametrize("path", precomputed.stored(), ids=lambda path: path.stem)
def test_the_code_of_the_stored_data_is_complete(path: Path) -> None:
    _, record = load(path)
    assert set(record["code"]) == set(sources.with_imports([name for name in record["code"] if "tools/" in name]))
