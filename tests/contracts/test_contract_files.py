"""Contracts of what reads files: a valid one comes back, a damaged one is a result or a refusal that names it."""

import math
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spinlib.columns import read_columns
from spinlib.diffusion import Interface, Medium
from spinlib.materials import Quantity, materials, read_materials
from spinlib.precomputed import digest, load
from spinlib.stack_file import Contact, Film, Stack, read_stack
from tests.contract import FORMS, LONGER, Contract, Limit, contracts, leaves, refused, watchdog
from tests.contracts import draw, files, kinds
from tools import precomputed

INF, NAN = math.inf, math.nan
COPPER, COBALT = Medium.valet_fert(6e-9, 0.0, 4e-7), Medium.valet_fert(75e-9, 0.5, 4e-8)
FACE = Contact(Interface.valet_fert(5e-16, 0.7), 1e15)
LEAD = Film("Cu", INF, COPPER)
VALVE = Stack(
    "",
    (LEAD, Film("Co", 3e-9, COBALT, 0.0), Film("Cu", 5e-9, COPPER), Film("Co", 3e-9, COBALT, np.pi), LEAD),
    (FACE,) * 4,
    1e11,
    {},
)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


# --- readers ----------------------------------------------------------------------------------------------------------


def _columns(path: Path) -> Any:
    return read_columns(path, {"thickness": "length"}, {"linewidth": "field"})


@st.composite
def ensembles(draw_one: st.DrawFn) -> str:
    """A file of precomputed arrays, as the tool writes it."""
    record: dict[str, Any] = {
        "command": draw_one(files.NAMES),
        "seeds": draw_one(st.lists(st.integers(0, 9), max_size=3)),
        "arrays": {"a": {"dtype": "float64", "shape": [2], "data": [1.5, draw_one(draw.signed(1e-300, 1e300))]}},
    }
    return precomputed.json.dumps({**record, "digest": digest(record)}, indent=1)


READERS: dict[str, tuple[Callable[[Path], Any], st.SearchStrategy[str]]] = {
    "stack": (read_stack, files.stacks()),
    "materials": (read_materials, files.TABLES.map(files.written)),
    "columns": (_columns, files.columns().map(lambda pair: pair[0])),
    "precomputed": (load, ensembles()),
}


def lanes(quick: int) -> pytest.MarkDecorator:
    """Parametrise a test over the examples, their number and whether they are new ones: the quick and the long lane."""
    long = pytest.param((quick * LONGER, True), id="at length", marks=pytest.mark.full)
    return pytest.mark.parametrize("examples", [pytest.param((quick, False), id="quick"), long])


def drawn(test: Callable[..., None], examples: tuple[int, bool], *strategies: st.SearchStrategy[Any]) -> None:
    """Run a test on drawn inputs; at length they are new ones each time, and a failure prints the input."""
    quiet = [HealthCheck.too_slow, HealthCheck.nested_given, HealthCheck.data_too_large]
    count, anew = examples
    chosen = settings(max_examples=count, derandomize=not anew, suppress_health_check=quiet)
    chosen(given(*strategies)(test))()


def tried(read: Callable[[Path], Any], file: Path) -> tuple[str, Any]:
    """Return the message of a ValueError, nothing without one, and the result; let every other exception pass."""
    try:
        return "", read(file)
    except ValueError as refusal:
        return str(refusal), None


@pytest.mark.parametrize("reader", READERS)
@lanes(60)
def test_invariant_contract_files_damaged(reader: str, examples: tuple[int, bool], folder: Path) -> None:
    """A result, finite in every number, or a ValueError that names the file and a remedy; in time."""
    read, whole = READERS[reader]
    file = folder / f"{reader}.own"

    def test(content: bytes) -> None:
        file.write_bytes(content)
        with watchdog():
            problem, found = tried(read, file)
        assert not problem or (problem.startswith(file.name) and ": " in problem), problem
        for path, value in leaves(found, properties=False).items():
            number = isinstance(value, float | np.ndarray) and np.asarray(value).dtype.kind == "f"
            assert not number or path.endswith("thickness") or np.all(np.isfinite(value)), path

    drawn(test, examples, files.damaged(whole))


@pytest.mark.parametrize("reader", READERS)
@lanes(10)
def test_invariant_contract_files_whole(reader: str, examples: tuple[int, bool], folder: Path) -> None:
    """A valid file is read, the same twice, also with a mark of the byte order, other ends of lines or a text path."""
    read, whole = READERS[reader]
    file = folder / f"{reader}.own"

    def test(text: str) -> None:
        file.write_bytes(text.encode())
        found = repr(read(file))
        assert repr(read(str(file))) == found  # type: ignore[arg-type]
        if reader != "precomputed":
            file.write_bytes(text.replace("\n", "\r\n").encode("utf-8-sig"))
            assert repr(read(file)) == found

    drawn(test, examples, whole)


@lanes(20)
def test_invariant_contract_files_stack_solves(examples: tuple[int, bool], folder: Path) -> None:
    """Collinear stacks of a file have a resistance and heat themselves; what the file says is what the films are."""
    file = folder / "solved.toml"

    def test(text: str) -> None:
        file.write_text(text, encoding="utf-8")
        stack = read_stack(file)
        assert len(stack.films) == text.count("[[layer]]") == len(stack.contacts) + 1
        up = stack.turned([0.0] * len(stack.magnets))
        assert up.magnets == stack.magnets
        solution = up.solve()
        assert solution.current_density == stack.current_density
        assert np.isfinite(solution.resistance)

    drawn(test, examples, files.stacks())


@lanes(20)
def test_invariant_contract_files_materials_come_back(examples: tuple[int, bool], folder: Path) -> None:
    """Value, uncertainty and temperature are those of the file times the unit; the file's own numbers come back."""
    file = folder / "own.toml"

    def test(wanted: dict[str, dict[str, Any]]) -> None:
        file.write_text(files.written(wanted), encoding="utf-8")
        (found,) = read_materials(file).values()
        assert list(found) == list(wanted)
        for name, record in wanted.items():
            held, unit = found[name], files.RECORD_UNITS[record["unit"]]
            assert held.value == pytest.approx(record["value"] * unit, abs=1e-15 * abs(record["value"]) * unit)
            value, spread = held.in_unit()
            assert value == pytest.approx(record["value"], abs=1e-14 * abs(record["value"]))
            if isinstance(spread, tuple):
                assert spread == (0.5, 0.25)
            else:
                stated = record.get("uncertainty")
                assert spread == (None if stated is None else pytest.approx(stated, abs=1e-14 * abs(stated)))
            for key in ("unit", "verified", "temperature", "locator", "note"):
                assert getattr(held, key) == record.get(key)

    drawn(test, examples, files.TABLES)


@lanes(20)
def test_invariant_contract_files_columns_come_back(examples: tuple[int, bool], folder: Path) -> None:
    file = folder / "own.csv"

    def test(pair: tuple[str, dict[str, list[float]]]) -> None:
        text, wanted = pair
        file.write_text(text, encoding="utf-8")
        found = _columns(file)
        assert list(found) == list(wanted)
        for name, values in wanted.items():
            np.testing.assert_allclose(found[name], values, rtol=1e-15, atol=0)

    drawn(test, examples, files.columns())


def _own(old: str, new: str) -> bytes:
    text = files.written({"a": {"value": 6.5, "unit": "nm", "verified": False}})
    assert text.count(old) == 1
    return text.replace(old, new).encode()


def _film(old: str, new: str) -> bytes:
    text = (
        'current_density = "1 A/m^2"\ntitle = "own"\n[[layer]]\nmaterial = "M"\nthickness = "20 nm"\nangle = "0 deg"\n'
        '[material.M]\nresistivity = "1 nOhm m"\nspin_diffusion_length = inf\nbeta = 0.5\nalpha = 0.01\n'
    )
    assert text.count(old) == 1
    return text.replace(old, new).encode()


DIGITS, NESTED = "9" * 5000, "[" * 5000
HOSTILE = {
    "a length beyond floats": (read_stack, _film('"20 nm"', '"1e999999999 nm"'), "not finite: write number and unit"),
    "a length below floats": (read_stack, _film('"20 nm"', '"1e-999999999 nm"'), "not positive: write a thickness"),
    "an infinite damping": (read_stack, _film("0.01", "1e400"), "alpha = inf is no number: write a finite number"),
    "an endless damping": (read_stack, _film("0.01", "1e999999999"), "alpha = inf is no number"),
    "a damping of many digits": (read_stack, _film("0.01", DIGITS), "beyond 64 bits, which TOML does not have: write"),
    "a damping in base sixteen": (read_stack, _film("0.01", "0x" + "f" * 500), "beyond 64 bits"),
    "a nested title": (read_stack, _film('"own"', NESTED), "too deeply: write them side by side"),
    "a stack in UTF-16": (read_stack, _film("own", "own").decode().encode("utf-16"), "is not UTF-8 text: save it as"),
    "a value beyond floats": (read_materials, _own("6.5", "1e999999999"), "value = inf is not finite: pass a finite"),
    "a value of many digits": (read_materials, _own("6.5", DIGITS), "beyond 64 bits, which TOML does not have: write"),
    "a nested citation": (read_materials, _own('"A. Author"', NESTED), "too deeply: write them side by side"),
    "a table in UTF-16": (read_materials, _own("6.5", "7").decode().encode("utf-16"), "is not UTF-8 text: save it as"),
    "an entry of many digits": (_columns, b"thickness_nm\n" + b"9" * 200000, "line 2 is no CSV"),
    "nested arrays": (load, b"[" * 100000, "restore it, or remake it"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_bad_input_contract_files_hostile(case: str, tmp_path: Path) -> None:
    """What ended in another exception, or without the name of the file."""
    read, content, says = HOSTILE[case]
    file = tmp_path / "own.file"
    file.write_bytes(content)
    with watchdog(), pytest.raises(ValueError) as caught:
        read(file)
    assert str(caught.value).startswith("own.file")
    assert says in str(caught.value)


# --- what the readers make --------------------------------------------------------------------------------------------


def _made(stack: Stack, films: Any, contacts: Any, **given: Any) -> None:
    assert (stack.films, stack.contacts) == (tuple(films), tuple(contacts))
    assert stack.magnets == tuple(index for index, film in enumerate(films) if film.angle is not None)


@st.composite
def films(draw_one: st.DrawFn) -> dict[str, Any]:
    magnet = draw_one(st.booleans())
    inputs: dict[str, Any] = {
        "material": draw_one(files.NAMES),
        "thickness": draw_one(st.one_of(draw.sizes(1e-12, 1e-3), st.just(INF))),
        "medium": COBALT if magnet else COPPER,
    }
    if magnet:
        inputs |= {
            "angle": draw_one(draw.angles()),
            "saturation_magnetization": draw_one(draw.sizes(1.0, 1e7)),
            "alpha": draw_one(st.one_of(draw.sizes(1e-6, 1.0), st.just(0.0))),
            "anisotropy_field": draw_one(st.one_of(draw.sizes(1e-6, 1e3), st.just(0.0))),
        }
    return inputs


@st.composite
def valves(draw_one: st.DrawFn, *, collinear: bool) -> Stack:
    """A spacer between two magnets, of any thickness that tunnels of digits allow."""
    lengths = [draw_one(draw.sizes(1e-10, 1e-6)) for _ in range(5)]
    angle = st.sampled_from([0.0, np.pi, -np.pi]) if collinear else draw.angles()
    angles = [None, draw_one(angle), None, draw_one(angle), None]
    mixing = draw_one(draw.sizes(1e12, 1e17))
    face = Contact(Interface.valet_fert(draw_one(draw.sizes(1e-17, 1e-13)), draw_one(draw.between(-0.9, 0.9))), mixing)
    media = [COPPER, COBALT, draw_one(st.sampled_from([COPPER, Medium.valet_fert(6e-9)])), COBALT, COPPER]
    made = [
        Film("metal", length, medium, turned) for length, medium, turned in zip(lengths, media, angles, strict=True)
    ]
    return Stack("", tuple(made), (face,) * 4, draw_one(draw.signed(1.0, 1e14)), {})


def _turned(stack: Stack, self: Stack, angles: Any) -> None:
    assert [stack.films[index].angle for index in stack.magnets] == list(angles)
    assert stack.turned([self.films[index].angle or 0.0 for index in self.magnets]) == self


def _solved(solution: Any, self: Stack) -> None:
    """Reversing every magnet changes no resistance, which is positive."""
    other = self.turned([(self.films[index].angle or 0.0) + np.pi for index in self.magnets])
    if self.current_density:
        assert solution.resistance > 0
        assert other.solve().resistance == pytest.approx(solution.resistance, abs=1e-9 * solution.resistance)


def _sides(valve: Any, self: Stack) -> None:
    """Both sides pass both spins; the spacer leaks no less than nothing."""
    assert valve.spin_flip_conductance >= 0
    for side in (valve.left, valve.right):
        assert min(side.majority, side.minority) > 0
        assert side.mixing.real > 0


QUANTITY = {"value": 1.5, "unit": "nm", "source": "A. Author", "verified": False}


@st.composite
def quantities(draw_one: st.DrawFn) -> dict[str, Any]:
    record = draw_one(files.records())
    spread = record.get("uncertainty")
    return {**record, "source": "A. Author", "doi": "10.1000/1"} | (
        {"uncertainty": tuple(spread)} if isinstance(spread, list) else {}
    )


def _quantity(held: Quantity, **given: Any) -> None:
    for name, value in given.items():
        assert getattr(held, name) == value
    assert held.unit in repr(held) or held.unit == "1"
    assert ("unverified" in repr(held)) != held.verified


def _shipped(value: Quantity, name: str, quantity: str) -> None:
    assert quantity in materials()[name]
    assert np.isfinite(value.value)


PLAIN = tuple(form for form in FORMS if form.__name__ != "_boxed")  # a record holds plain numbers
_PAIRS = st.sampled_from([(name, key) for name, keys in materials().items() for key in keys])
_NOTHING = "None means that nothing is stated"
CONTRACTS = (
    Contract(
        "stack_file.Film",
        films(),
        takes={"thickness inf": "an infinite film is a lead"},
        inf={"thickness": "an infinite film is a lead"},
    ),
    Contract(
        "stack_file.Contact",
        st.fixed_dictionaries({"interface": st.just(FACE.interface), "mixing_conductance": draw.sizes(1.0, 1e20)}),
        takes={"interface none": "None is a transparent contact", "mixing_conductance none": _NOTHING},
    ),
    Contract(
        "stack_file.Stack",
        st.fixed_dictionaries(
            {
                "title": files.NAMES,
                "films": st.just(VALVE.films),
                "contacts": st.just(VALVE.contacts),
                "current_density": draw.signed(1e-3, 1e15),
                "sources": st.just({}),
            }
        ),
        _made,
        inf={"films.0.thickness": "a lead", "films.4.thickness": "a lead"},
    ),
    Contract(
        "stack_file.Stack.turned",
        st.fixed_dictionaries({"self": st.just(VALVE), "angles": draw.arrays(draw.angles(), (2,))}),
        _turned,
        inf={"films.0.thickness": "a lead", "films.4.thickness": "a lead"},
    ),
    Contract("stack_file.Stack.solve", st.fixed_dictionaries({"self": valves(collinear=True)}), _solved),
    Contract("stack_file.Stack.valve", st.fixed_dictionaries({"self": valves(collinear=False)}), _sides),
    Contract(
        "materials.Quantity",
        quantities(),
        _quantity,
        forms=PLAIN,
        takes={"doi none": _NOTHING},
    ),
    Contract(
        "materials.Quantity.in_unit",
        st.fixed_dictionaries({"self": quantities().map(lambda given: Quantity(**given))}),
    ),
    Contract(
        "materials.material",
        _PAIRS.map(lambda pair: {"name": pair[0], "quantity": pair[1]}),
        _shipped,
    ),
    Contract("materials.materials", st.just({})),
)

_FILM = {"material": "Co", "thickness": 1e-9, "medium": COBALT}
_STACK = {"title": "", "films": VALVE.films, "contacts": VALVE.contacts, "current_density": 1.0, "sources": {}}
_CSV = {"path": "there is no such file", "required": {"thickness": "length"}}

LIMITS = (
    Limit("stack_file.Film", "thickness", [1e-300, 1e300, INF], [0.0, -5e-324, -INF, NAN], ("pass",), _FILM),
    Limit("stack_file.Film", "angle", [0.0, -1e9, None], [INF, NAN, (0.0, 1.0)], ("pass",), _FILM),
    Limit("stack_file.Film", "material", ["", "Co"], [None, 1], ("pass the name",), _FILM),
    Limit("stack_file.Film", "medium", [COPPER], [None, "Cu", FACE], ("pass a Medium",), _FILM),
    *kinds.positive("stack_file.Film", "saturation_magnetization", given=_FILM),
    *kinds.not_negative("stack_file.Film", "alpha", "anisotropy_field", given=_FILM),
    *kinds.positive("stack_file.Contact", "mixing_conductance", given={}),
    Limit("stack_file.Contact", "interface", [None, FACE.interface], [FACE, "Co/Cu", 0], ("pass an Interface",)),
    Limit(
        "stack_file.Stack",
        "films",
        [VALVE.films, list(VALVE.films)],
        [VALVE.films[:4], (*VALVE.films, LEAD)],
        ("one contact fewer than films",),
        _STACK,
        "as many as the contacts ask for",
    ),
    Limit("stack_file.Stack", "films", [], [None, "films", [1], [None], VALVE], ("pass",), _STACK, "of films"),
    Limit(
        "stack_file.Stack",
        "films",
        [VALVE.films],
        [(*VALVE.films[:2], LEAD, *VALVE.films[3:])],
        ("the first or the last film",),
        _STACK,
        "leads at the ends",
    ),
    Limit("stack_file.Stack", "contacts", [(FACE,) * 4], [(), (FACE,) * 5, None, (1,) * 4], ("pass",), _STACK),
    Limit("stack_file.Stack", "current_density", [0.0, -1e300], [INF, NAN, (1.0,), None], ("pass",), _STACK),
    Limit("stack_file.Stack", "title", ["", "own"], [None, 1], ("pass a text",), _STACK),
    Limit(
        "stack_file.Stack.turned", "angles", [(0.0, 1e9)], [(0.0,), (0.0,) * 3, 0.0, (0, NAN)], given={"self": VALVE}
    ),
    Limit(
        "stack_file.Stack.solve",
        "self",
        [VALVE.turned([0.0, np.pi * (1 + 9e-10)]), VALVE.turned([0.0, -3 * np.pi])],
        [VALVE.turned([0.0, np.pi * (1 + 1.1e-9)]), VALVE.turned([np.pi / 2, 0.0])],
        ("pass 0 or 180 deg to solve(), or take valve()",),
        named="angle of layer",
    ),
    Limit(
        "stack_file.Stack.valve",
        "self",
        [VALVE],
        [
            Stack("", VALVE.films, (Contact(FACE.interface),) * 4, 1.0, {}),
        ],
        ("state it in",),
        named="mixing_conductance",
    ),
    Limit(
        "stack_file.Stack.valve",
        "self",
        [VALVE],
        [
            Stack("", VALVE.films[:3], VALVE.contacts[:2], 1.0, {}),
            Stack("", VALVE.films[:2] + VALVE.films[3:], VALVE.contacts[:3], 1.0, {}),
        ],
        ("describe a valve, or call solve()",),
        label="of two magnets",
        named="magnetic layers",
    ),
    Limit("materials.Quantity", "value", [0, -1e300, 1e300], [INF, -INF, NAN, True, "1", None], ("pass",), QUANTITY),
    Limit("materials.Quantity", "temperature", [0.0, 1e9, None], [-5e-324, INF, NAN, "4 K"], ("pass",), QUANTITY),
    Limit(
        "materials.Quantity",
        "uncertainty",
        [0.0, (0.0, 1.0), [1.0, 2.0], None],
        [-5e-324, (1.0,), (1.0, -1.0), (1.0, 2.0, 3.0), INF, (NAN, 1.0)],
        (":",),
        QUANTITY,
    ),
    Limit("materials.Quantity", "unit", ["1", "nm"], ["", "Nm", None, 1, ["nm"]], ("write one of",), QUANTITY),
    Limit("materials.Quantity", "source", ["x"], ["", "  ", None, 1], ("pass the source",), QUANTITY),
    Limit("materials.Quantity", "verified", [False], [0, 1, None, "no"], ("pass True or False",), QUANTITY),
    Limit("materials.Quantity", "verified", [False], [True], ("or verified=False",), QUANTITY, "with a doi"),
    Limit("materials.material", "name", ["Co"], ["co", "", None, 1, ["Co"]], ("pass one of",), {"quantity": "beta"}),
    Limit("materials.material", "quantity", ["beta"], ["Beta", "", None, 1], ("pass one of",), {"name": "Co"}),
    Limit(
        "columns.read_columns",
        "required",
        [],
        [{"thickness": "lengths"}, {"thickness": ""}, {"thickness": None}],
        ("pass one of",),
        _CSV,
        named="dimension of thickness",
    ),
)

EXEMPT = {
    "stack_file.read_stack": "the tests of files above are its contract",
    "materials.read_materials": "the tests of files above are its contract",
    "columns.read_columns": "the tests of files above are its contract",
    "precomputed.load": "the tests of files above are its contract",
    "precomputed.digest": "a hash of what load checks",
}


@contracts(*CONTRACTS)
def test_invariant_contract_files(contract: Contract, at_length: bool) -> None:
    contract.check(at_length)


@refused(*CONTRACTS, *LIMITS)
def test_bad_input_contract_files(row: Contract | Limit) -> None:
    row.check_refusals()
