"""Tolerances that can fail: pytest.approx passes numbers that are 1e-12 apart, and most SI values are smaller."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]


def silent(source: str) -> list[int]:
    """Lines of calls of ``approx`` that leave the absolute tolerance at its default."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    named = [call for call in calls if getattr(call.func, "attr", getattr(call.func, "id", "")) == "approx"]
    return [call.lineno for call in named if "abs" not in {keyword.arg for keyword in call.keywords}]


@pytest.mark.parametrize("path", sorted(TESTS.rglob("*.py")), ids=lambda path: path.stem)
def test_every_approx_states_its_absolute_tolerance(path: Path) -> None:
    assert silent(path.read_text(encoding="utf-8")) == []


def test_an_approx_without_one_is_found() -> None:
    assert silent("assert x == pytest.approx(\n    1e-15, rel=1e-9)\nassert y == approx(0, abs=1e-12)") == [1]
