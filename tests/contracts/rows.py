"""Rows that many rooms share: limits at zero, and calls whose stated warnings are part of their contract."""

import warnings
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.contract import Inputs, Limit, resolve

__all__ = ["not_negative", "positive", "quiet"]

_LEAST = 5e-324  # the smallest float above 0


def positive(name: str, arguments: str, given: Inputs | st.SearchStrategy[Inputs], *at: float) -> list[Limit]:
    """Return the limits of arguments, named in one text, that are refused from 0 down."""
    return [
        Limit(name, argument, at or (1e-30,), (0.0, -0.0, -_LEAST, -1e30), (f"pass {argument} > 0",), given)
        for argument in arguments.split()
    ]


def not_negative(name: str, arguments: str, given: Inputs | st.SearchStrategy[Inputs], *at: float) -> list[Limit]:
    """Return the limits of arguments, named in one text, that are accepted at 0 and refused below."""
    return [
        Limit(name, argument, (0.0, -0.0, *at), (-_LEAST, -1e30), (f"pass {argument} >= 0",), given)
        for argument in arguments.split()
    ]


def quiet(name: str, *said: str) -> Callable[..., Any]:
    """Return what a path below ``spinlib`` names, passing over the stated warnings that begin like ``said``."""

    def call(**inputs: Any) -> Any:
        with warnings.catch_warnings():
            for text in said:
                warnings.filterwarnings("ignore", message=text, category=Warning)
            return resolve(name)(**inputs)

    return call
