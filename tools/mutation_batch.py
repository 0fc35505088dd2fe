"""One collection of tests for many mutants: the code of the changed function is exchanged in a fork for each."""

import gc
import importlib
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType

import pytest

from tools.forked import forked
from tools.mutants import Mutant
from tools.mutation_plugins import Trial

Plan = dict[str, float]
"""The tests to run, with the seconds that they take."""


def _codes(code: CodeType) -> Iterator[CodeType]:
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _codes(constant)


def exchange(mutant: Mutant) -> bool:
    """Give the functions that the mutant changes its code; return whether there are any.

    What a test imports late is imported now.
    """
    importlib.import_module(mutant.module)
    changed = {(code.co_qualname, code.co_firstlineno): code for code in _codes(mutant.code())}
    found = False
    for function in gc.get_objects():
        if type(function) is FunctionType and function.__module__ == mutant.module:
            code = function.__code__
            new = changed.get((code.co_qualname, code.co_firstlineno))
            if new is not None and code.co_qualname == mutant.function and code.co_filename == new.co_filename:
                function.__code__ = new
                found = True
    return found


class Batch:
    """Tries mutants one after the other, where pytest would run the collected tests."""

    def __init__(self, todo: list[tuple[Mutant, Plan]], report: Callable[[Mutant, int, str, str], None], limit: float):
        self.todo, self.report, self.limit = todo, report, limit

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        items = {item.nodeid: item for item in session.items}
        for mutant, plan in self.todo:

            def work(say: Callable[[str], object], mutant: Mutant = mutant, plan: Plan = plan) -> str:
                if not exchange(mutant):
                    raise ValueError(f"{mutant.module} has no function {mutant.function} at run time")
                trial = Trial(plan, say)
                session.config.pluginmanager.register(trial)
                order = [items[test] for test in plan]
                for item, following in zip(order, [*order[1:], None], strict=True):
                    session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                    if trial.failed:
                        break
                return trial.failed

            self.report(mutant, *forked(work, self.limit))
        return True
