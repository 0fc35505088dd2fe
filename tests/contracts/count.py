"""How many contracts there are and how many refusals the tests try: ``python -m tests.contracts.count`` prints them."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.contract import Contract, Limit, resolve

ROOT = Path(__file__).resolve().parents[2]

__all__ = ["counts", "rooms"]


def _module(path: Path) -> ModuleType:
    """Import a test module under a name of its own."""
    name = "counted_" + "_".join(path.relative_to(ROOT).with_suffix("").parts)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def rooms() -> list[ModuleType]:
    """Return the modules with the tables of contracts."""
    return [_module(path) for path in sorted((ROOT / "tests" / "contracts").glob("test_contract_*.py"))]


def _rows(module: ModuleType, argument: str) -> list[Any]:
    """Return what the tests of a module are parametrised with under a name."""
    marks = [mark for item in vars(module).values() for mark in getattr(item, "pytestmark", [])]
    return [row for mark in marks if mark.name == "parametrize" and mark.args[0] == argument for row in mark.args[1]]


def _call(row: Contract | Limit) -> str:
    """Return what a row is about, whichever path leads to it."""
    call = resolve(row.name)
    return f"{call.__module__}.{call.__qualname__}"


def counts() -> dict[str, int]:
    """Return the numbers of contracts, of limits and of refusals tried, in all and by kind of table."""
    tables = rooms()
    contracts: list[Contract] = [row for module in tables for row in getattr(module, "CONTRACTS", ())]
    limits: list[Limit] = [row for module in tables for row in getattr(module, "LIMITS", ())]
    others = [p for p in sorted((ROOT / "tests").rglob("test_*.py")) if "refusals(" in p.read_text(encoding="utf-8")]
    stated = sum(len(_rows(_module(path), "refusal")) for path in others)
    # One call may have several rows, and a value stand in more than one of them: each counts once.
    wrong = {
        (_call(row), argument, "object" if kind == "object" else repr(inputs[argument]))
        for row in contracts
        for argument, kind, inputs in row.wrong()
        if f"{argument} {kind}" not in row.takes
    }
    beyond = {(_call(row), row.argument, repr(value)) for row in limits for value in row.beyond} - wrong
    return {
        "contracts": len(contracts),
        "contracts with a law of their own": sum(row.keeps is not None for row in contracts),
        "examples": sum(row.examples for row in contracts),
        "limits": len(limits),
        "accepted at a limit": sum(len(row.at) for row in limits),
        "refused beyond a limit": len(beyond),
        "wrong kinds refused": len(wrong),
        "stated refusals": stated,
        "refusals tried": stated + len(wrong) + len(beyond),
    }


if __name__ == "__main__":
    json.dump(counts(), sys.stdout, indent=1)
    sys.stdout.write("\n")
