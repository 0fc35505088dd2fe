"""No public call and no stated limit is left out; and the frame of the contracts notices what it is there for."""

import importlib
import inspect
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

from tests.contract import Contract, Limit, leaves, resolve
from tests.contracts.count import counts, rooms

PACKAGE = Path(__file__).resolve().parents[2] / "spinlib"
# What the text of an argument says when it has a limit.
_STATED = re.compile(
    r"\bpositive\b|[<>]=|≥|≤|[<>] ?-?\d|\b(?:in|within|from) [\[(]|unit vector|\bunitary\b|\bat least\b|\bat most\b"
    r"|\babove \d|\b[1-9]\d* or more|\bincreasing\b|\bascending\b|\b\d to [A-Z\d]|\bHermitian\b"
)


def modules() -> list[str]:
    """Public modules below the package, without its name."""
    found = [path.relative_to(PACKAGE).with_suffix("").parts for path in sorted(PACKAGE.rglob("*.py"))]
    names = [".".join(parts).removesuffix("__init__").rstrip(".") for parts in found]
    return [name for name in names if name and not name.startswith("_") and "._" not in name]


def calls(module: str) -> Iterator[tuple[str, Any]]:
    """Public functions, classes and their public methods, by name; of what is only returned, the methods."""
    room = importlib.import_module(f"spinlib.{module}")
    listed = [(name, getattr(room, name, None)) for name in room.__all__]
    returned = [(name, item) for name, item in vars(room).items() if name[0] != "_" and name not in room.__all__]
    for name, item in [*listed, *returned]:
        if name in room.__all__ and callable(item):
            yield f"{module}.{name}", item
        if inspect.isclass(item) and (name in room.__all__ or item.__module__ == room.__name__):
            yield from methods(f"{module}.{name}", item)


def methods(name: str, kind: type) -> Iterator[tuple[str, Any]]:
    for method in dir(kind):
        call = getattr(kind, method)
        ours = (getattr(call, "__module__", "") or "").startswith("spinlib.")
        if ours and inspect.isroutine(call) and (method[0] != "_" or method == "__call__"):
            yield f"{name}.{method}", call


def stated(item: Any) -> set[str]:
    """Arguments whose text in the docstring states a limit."""
    section = re.search(r"^Args:\n((?:    .*\n|\n)*)", (inspect.getdoc(item) or "") + "\n", re.MULTILINE)
    texts = re.findall(r"^    ([\w*, ]+): ((?:.*\n)(?:     +.*\n)*)", section[1] if section else "", re.MULTILINE)
    return {name.strip(" *") for names, text in texts if _STATED.search(text) for name in names.split(",")}


@pytest.fixture(scope="module")
def tables() -> dict[str, Any]:
    whole: dict[str, Any] = {"CONTRACTS": [], "LIMITS": [], "EXEMPT": {}, "NO_LIMIT": {}}
    for room in rooms():
        whole["CONTRACTS"] += room.CONTRACTS
        whole["LIMITS"] += room.LIMITS
        whole["EXEMPT"] |= getattr(room, "EXEMPT", {})
        whole["NO_LIMIT"] |= getattr(room, "NO_LIMIT", {})
    return whole


@pytest.mark.parametrize("module", modules())
def test_invariant_every_public_call_has_a_contract(module: str, tables: dict[str, Any]) -> None:
    held = [resolve(row.name) for row in tables["CONTRACTS"]]
    named = [resolve(name) for name in tables["EXEMPT"]]
    missing = [name for name, call in calls(module) if call not in held and call not in named]
    assert not missing, "\n".join(["neither contract nor exemption:", *missing])


@pytest.mark.parametrize("module", modules())
def test_invariant_every_stated_limit_is_tried(module: str, tables: dict[str, Any]) -> None:
    tried = {(resolve(row.name), row.argument) for row in tables["LIMITS"]}
    tried |= {(resolve(name.partition(" ")[0]), name.partition(" ")[2]) for name in tables["NO_LIMIT"]}
    exempt = [resolve(name) for name in tables["EXEMPT"]]
    missing = [
        f"{name} {argument}"
        for name, call in calls(module)
        for argument in sorted(stated(call))
        if call not in exempt and (call, argument) not in tried
    ]
    assert not missing, "\n".join(["neither limit nor reason:", *missing])


def test_invariant_exemptions_are_needed_and_reasoned(tables: dict[str, Any]) -> None:
    held = [resolve(row.name) for row in tables["CONTRACTS"]]
    assert not [name for name in tables["EXEMPT"] if resolve(name) in held]
    limits = {(resolve(row.name), row.argument) for row in tables["LIMITS"]}
    for name in tables["NO_LIMIT"]:
        path, _, argument = name.partition(" ")
        assert argument in stated(resolve(path)), name
        assert (resolve(path), argument) not in limits, name
    assert all(len(why.split()) >= 3 for why in [*tables["EXEMPT"].values(), *tables["NO_LIMIT"].values()])


@pytest.mark.full
def test_invariant_counts_add_up() -> None:
    found = counts()
    assert found["refusals tried"] == sum(
        found[kind] for kind in ("stated refusals", "wrong kinds refused", "refused beyond a limit")
    )
    assert found["stated refusals"] > 1000
    assert all(found.values())


# --- the frame notices ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Answer:
    value: Any


def _mutates(v: np.ndarray) -> float:
    v += 1.0
    return 1.0


def _counts_up(v: np.ndarray, _seen: list[int] = []) -> float:  # noqa: B006 - the fault to be noticed
    _seen.append(1)
    return float(len(_seen))


def _runs_on(v: np.ndarray) -> float:
    end = time.process_time() + 60
    while time.process_time() < end:
        pass
    return 1.0


_FAULTS = {
    "nan": (lambda v: _Answer(v * np.nan), "is nan"),
    "infinite": (lambda v: {"a": [np.inf]}, "is infinite"),
    "mutates": (_mutates, "inputs after the call"),
    "changes": (_counts_up, "second call"),
    "view": (lambda v: _Answer(v[:1]), "view of an input"),
    "lists": (lambda v: v.sum(), "no attribute"),
    "warns": (lambda v: float(np.log(np.asarray(v) * 0)[0]), "divide by zero"),
    "stacks": (lambda v: np.asarray(v) / np.sum(v), "of stacked"),
    "hangs": (_runs_on, "no answer"),
    "law": (lambda v: 2.0, "the law"),
}


@pytest.mark.parametrize("fault", _FAULTS)
def test_invariant_frame_notices(fault: str) -> None:
    call, says = _FAULTS[fault]

    def law(result: Any, v: Any) -> None:
        assert fault != "law" or result == 1.0, "the law"

    drawn = st.floats(1.0, 2.0).map(lambda x: {"v": np.array([x, 2.5])})
    stacks = {} if fault == "lists" else {"v": 1}
    row = Contract("spin.unit_vector", drawn, law, stacks, call=call, patience=0.5)
    with pytest.raises((AssertionError, AttributeError, RuntimeWarning, TimeoutError), match=says):
        row.check()


def test_invariant_frame_passes_what_is_sound() -> None:
    drawn = st.floats(1.0, 2.0).map(lambda x: {"v": np.array([x, 2.5, 0.0])})
    Contract("spin.unit_vector", drawn, stacks={"v": 1}).check()


def test_invariant_frame_tries_wrong_kinds_and_limits() -> None:
    def takes_all(v: Any) -> float:
        return 1.0

    row = Contract("spin.unit_vector", st.just({"v": np.ones(3)}), call=takes_all)
    with pytest.raises(AssertionError, match="v nan: accepted"):
        row.check_refusals()
    needless = Contract("spin.unit_vector", st.just({"v": np.ones(3)}), takes={"v nan": "why not"})
    with pytest.raises(AssertionError, match="needless"):
        needless.check_refusals()
    with pytest.raises(AssertionError, match="does not say"):
        Limit("spin.unit_vector", "v", [], [(0, 0, 0)], ("nobody says this",)).check_refusals()
    with pytest.raises(pytest.fail.Exception):
        Limit("spin.unit_vector", "v", [], [(1, 0, 0)]).check_refusals()
    with pytest.raises(ValueError, match="no direction"):
        Limit("spin.unit_vector", "v", [(0, 0, 0)], [(0, 0, 0)]).check_refusals()


def test_invariant_leaves_reach_everything() -> None:
    nested = {"a": [_Answer(1.0), [2, 3]], "b": ("text", None), "c": len}
    assert leaves(nested) == {"a.0.value": 1.0, "a.1": [2, 3], "b.0": "text", "b.1": None}
