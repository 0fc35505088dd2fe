"""Table-driven tests of the refusals that a contract states: one row, one test, one rule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Refusal:
    """One stated rule: ``call(**arguments)`` raises a ValueError whose message holds every part of ``says``.

    ``says`` lists what the message must name: argument, value got, admissible range, remedy.
    """

    rule: str
    call: Callable[..., Any]
    arguments: Mapping[str, Any]
    says: tuple[str, ...]

    def check(self) -> None:
        with pytest.raises(ValueError) as caught:
            self.call(**self.arguments)
        message = str(caught.value)
        missing = [part for part in self.says if part not in message]
        assert not missing, f"{self.rule}: {message!r} does not say {missing}"


def refusals(*rows: Refusal) -> pytest.MarkDecorator:
    """Parametrise a test over ``rows``; the rule is the test's name. The body is ``refusal.check()``."""
    rules = [row.rule for row in rows]
    assert len(set(rules)) == len(rules), "two rows state the same rule"
    assert all(len(row.says) >= 2 for row in rows), "a refusal names at least the argument and the remedy"
    return pytest.mark.parametrize("refusal", rows, ids=rules)
