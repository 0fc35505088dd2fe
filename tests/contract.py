"""Contracts as tables: what a public call keeps for every valid input, and where its stated limits are.

A row names its call by its path below ``spinlib``, such as ``onsager.WallResponse.effective_alpha``; a method takes
its object as ``self``. Hypothesis draws the inputs; what every call owes is checked here, the rest by the row.
"""

import copy
import dataclasses
import faulthandler
import functools
import importlib
import math
import re
import secrets
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import sentinel

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

Inputs = dict[str, Any]

PATIENCE = 20  # seconds of the processor that an input may take
COMPILED = 60  # where the first call may compile
_TRIES = 4  # to draw arguments of the shapes of others
LONGER = 20  # how many times the examples of the long lane
_QUIET = (HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large, HealthCheck.nested_given)


@functools.cache
def resolve(name: str) -> Any:
    """Return what a path below ``spinlib`` names: the longest module, then its attributes."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            item = importlib.import_module(".".join(["spinlib", *parts[:length]]))
        except ModuleNotFoundError:
            continue
        return functools.reduce(getattr, parts[length:], item)
    raise LookupError(f"spinlib.{name} does not exist")


@contextmanager
def watchdog(seconds: float = PATIENCE) -> Iterator[None]:
    """Make a hang a failure: by a signal, or, where compiled code does not listen, by the end of the worker.

    The signal counts the time of the processor, since how busy a machine is proves nothing.
    """

    def bark(*_: object) -> None:
        raise TimeoutError(f"no answer within {seconds} s of the processor")

    before = signal.signal(signal.SIGPROF, bark)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    faulthandler.dump_traceback_later(30 * seconds, exit=True, file=sys.__stderr__)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


# --- what is in a result ----------------------------------------------------------------------------------------------


def leaves(value: Any, *, omit: Mapping[str, str] | None = None, properties: bool = True) -> dict[str, Any]:
    """Return the numbers, arrays and texts in a result by their paths: fields, properties, items; functions aside."""
    found: dict[str, Any] = {}
    _gather(value, "", found, omit or {}, properties)
    return found


def _gather(value: Any, path: str, found: Inputs, omit: Mapping[str, str], properties: bool) -> None:
    if path in omit:
        return
    dot = f"{path}." if path else ""
    if isinstance(value, Mapping):
        for key, item in value.items():
            _gather(item, f"{dot}{key}", found, omit, properties)
    elif isinstance(value, tuple) or (isinstance(value, list) and not all(isinstance(v, int | float) for v in value)):
        for index, item in enumerate(value):
            _gather(item, f"{dot}{index}", found, omit, properties)
    elif dataclasses.is_dataclass(value):
        names = [each.name for each in dataclasses.fields(value) if not each.name.startswith("_")]
        if properties:
            kinds = (property, functools.cached_property)
            names += [n for n in dir(type(value)) if n[0] != "_" and isinstance(getattr(type(value), n), kinds)]
        for name in names:
            if f"{dot}{name}" not in omit:
                _gather(getattr(value, name), f"{dot}{name}", found, omit, properties)
    elif value is None or isinstance(value, np.ndarray | np.generic | int | float | complex | str | list):
        found[path] = value


def _numeric(value: Any) -> bool:
    return np.asarray(value).dtype.kind in "biufc"


def assert_same(got: Mapping[str, Any], wanted: Mapping[str, Any], what: str, tolerance: float = 0.0) -> None:
    """Leaf by leaf equal: bits without a tolerance, else that share of the largest entry of a leaf."""
    assert list(got) == list(wanted), what
    for path, right in wanted.items():
        if not _numeric(right) or not tolerance:
            np.testing.assert_array_equal(np.asarray(got[path]), np.asarray(right), f"{what}: {path}")
            assert np.shape(got[path]) == np.shape(right), f"{what}: shape of {path}"
        else:
            _assert_near(got[path], right, tolerance, f"{what}: {path}")


def _assert_near(got: Any, right: Any, tolerance: float, what: str) -> None:
    entries = np.asarray(right)
    size = float(np.max(np.abs(entries), initial=0.0, where=np.isfinite(entries)))
    assert np.shape(got) == entries.shape, f"{what}: shape"
    np.testing.assert_allclose(got, entries, rtol=0, atol=tolerance * size, equal_nan=True, err_msg=what)


# --- forms in which the same numbers come -----------------------------------------------------------------------------


def _strided(value: Any) -> Any:
    return np.stack([value, value], axis=-1)[..., 0] if isinstance(value, np.ndarray) and value.ndim else value


def _listed(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def _counted(value: Any) -> Any:
    """Whole numbers as integers."""
    if type(value) is float:
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    whole = isinstance(value, np.ndarray) and value.dtype.kind == "f" and bool(np.all(value % 1 == 0))
    return value.astype(np.int64) if whole and np.all(np.abs(value) < 2**53) else value


def _boxed(value: Any) -> Any:
    """Numbers as arrays without shape."""
    return np.asarray(value) if type(value) in (float, complex) else value


def _frozen(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        value = value.copy()
        value.setflags(write=False)
    return value


FORMS: tuple[Callable[[Any], Any], ...] = (_strided, _listed, _counted, _boxed, _frozen)


# --- contracts --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Contract:
    """What ``spinlib.<name>`` keeps for every valid input.

    For each drawn input: no exception and no warning; an answer in time; finite numbers, but for the leaves that
    ``nan`` and ``inf`` name with a reason; arrays untouched and not shared with the result; equal bits the second time;
    the same for lists, integers, read-only, strided and shapeless arrays; and stacked arguments give the stacked single
    results.

    Args:
        name: path below ``spinlib``.
        inputs: draws the keyword arguments, over the whole stated range.
        keeps: called with the result and the keyword arguments, asserts what the docstring promises.
        stacks: arguments that broadcast, each with its number of own (last) axes.
        nan, inf: leaf of the result (a path such as ``spin_current``, "" for a bare one) that may be so, and why.
        omit: leaf or property that is not looked at, and why.
        takes: wrong kinds that an argument accepts, as ``{"argument kind": reason}``, see :data:`WRONG`.
        forms: in which the inputs come, too.
        named: how messages call an argument, if not by its name.
        shares: why the result may share memory with an input.
        warns: what the stated warnings say, a regular expression; every other warning is a failure.
        tolerance: of forms and stacks, share of the largest entry of a leaf.
        examples: how many in the quick lane.
        patience: seconds for one input.
        label: tells rows of one name apart.
        call: instead of what the name leads to, for what has to be prepared.
    """

    name: str
    inputs: st.SearchStrategy[Inputs]
    keeps: Callable[..., None] | None = None
    stacks: Mapping[str, int] = field(default_factory=dict)
    nan: Mapping[str, str] = field(default_factory=dict)
    inf: Mapping[str, str] = field(default_factory=dict)
    omit: Mapping[str, str] = field(default_factory=dict)
    takes: Mapping[str, str] = field(default_factory=dict)
    forms: tuple[Callable[[Any], Any], ...] = FORMS
    named: Mapping[str, str] = field(default_factory=dict)
    shares: str = ""
    warns: str = ""
    tolerance: float = 1e-12
    examples: int = 20
    patience: float = PATIENCE
    label: str = ""
    call: Callable[..., Any] | None = None

    def __str__(self) -> str:
        return f"{self.name} {self.label}".strip()

    def __call__(self, /, **inputs: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            if self.warns:
                warnings.filterwarnings("ignore", f".*(?:{self.warns})")
            return (self.call or resolve(self.name))(**inputs)

    def check(self, at_length: bool = False, start: int | None = None) -> None:
        """Try the inputs of the quick lane, the same each time, or those of the long lane, from a seed of its own."""
        chosen = settings(
            max_examples=self.examples * (LONGER if at_length else 1),
            derandomize=not at_length,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink] if at_length else [Phase.generate],
            report_multiple_bugs=False,
            suppress_health_check=_QUIET,
        )

        @chosen
        @given(st.data(), self.inputs, st.sampled_from(self.forms), st.integers(0, 2**16))
        def run(data: Any, one: Inputs, form: Callable[[Any], Any], choice: int) -> None:
            with watchdog(self.patience):
                result = self._kept(one)
                changed = {name: form(value) for name, value in one.items()}
                assert_same(self._leaves(self(**changed)), result, f"{form.__name__} inputs", self.tolerance)
                if self.stacks:
                    compared.append(self._stacked(one, self._like(data, one), choice))

        compared: list[bool] = []
        if not at_length:
            run()
            done = f"{sum(compared)} of {len(compared)} inputs could be stacked"
            assert not self.stacks or sum(compared) >= min(self.examples, 4), done
            return
        start = secrets.randbits(32) if start is None else start
        try:
            seed(start)(run)()
        except BaseException as problem:
            problem.add_note(f"{self}: check(at_length=True, start={start}) does it again")
            raise

    def _leaves(self, result: Any) -> Inputs:
        return leaves(result, omit=self.omit)

    def _kept(self, inputs: Inputs) -> Inputs:
        """Check what one call owes; return the leaves of its result."""
        before = copy.deepcopy(leaves(inputs, properties=False))
        result = self(**inputs)
        found = self._leaves(result)
        assert_same(leaves(inputs, properties=False), before, "the inputs after the call")
        assert_same(self._leaves(self(**inputs)), found, "a second call")
        for path, value in found.items():
            if _numeric(value):
                assert path in self.nan or not np.any(np.isnan(value)), f"{path} is nan: {value}"
                assert path in self.inf or not np.any(np.isinf(value)), f"{path} is infinite: {value}"
        if not self.shares:
            arrays = [value for value in inputs.values() if isinstance(value, np.ndarray)]
            for path, value in leaves(result, omit=self.omit, properties=False).items():
                shared = isinstance(value, np.ndarray) and any(np.shares_memory(value, array) for array in arrays)
                assert not shared, f"{path or 'the result'} is a view of an input"
        if self.keeps:
            self.keeps(result, **inputs)
        return found

    def _like(self, data: Any, one: Inputs) -> Inputs:
        """Draw inputs whose arguments that broadcast have the shapes of those of ``one``, if a few draws give such."""
        wanted = {name: np.shape(one[name]) for name in self.stacks if name in one}
        other: Inputs = {}
        for _ in range(_TRIES):
            other = data.draw(self.inputs)
            if {name: np.shape(other[name]) for name in self.stacks if name in other} == wanted:
                break
        return other

    def _stacked(self, one: Inputs, other: Inputs, choice: int) -> bool:
        """Stack some of the arguments that broadcast; the results must be those of the single calls, stacked.

        Return whether that could be done: some inputs are only valid together, or of another shape.
        """
        names = [name for name in self.stacks if name in one and name in other]
        if not names:
            return False
        chosen = [name for bit, name in enumerate(names) if choice >> bit & 1] or names
        second = one | {name: other[name] for name in chosen}
        try:
            singles = [self._leaves(self(**one)), self._leaves(self(**second))]
        except ValueError:
            return False
        pairs = {}
        for name in chosen:
            first, last = (np.asarray(each) for each in (one[name], other[name]))
            own = [each.shape[each.ndim - self.stacks[name] :] for each in (first, last)]
            if own[0] != own[1]:
                return False
            lead = np.broadcast_shapes(*(each.shape[: each.ndim - self.stacks[name]] for each in (first, last)))
            pairs[name] = np.stack([np.broadcast_to(each, (*lead, *own[0])) for each in (first, last)])
        # The new axis must stay the first one of all.
        depth = 1 + max(np.ndim(one[name]) - self.stacks[name] for name in names)
        for name, pair in pairs.items():
            short = depth - (pair.ndim - self.stacks[name])
            pairs[name] = pair.reshape(2, *[1] * short, *pair.shape[1:])
        both = self._leaves(self(**one | pairs))
        for path, whole in both.items():
            for index, single in enumerate(singles):
                right = single[path]
                what = f"{path} of stacked {chosen}, part {index}"
                if not _numeric(whole):
                    assert whole == right, what
                elif np.shape(whole) == np.shape(right):
                    _assert_near(whole, right, self.tolerance, what)
                else:
                    _assert_near(
                        np.broadcast_to(np.asarray(whole)[index], np.shape(right)), right, self.tolerance, what
                    )
        return True

    # --- wrong kinds of input ---

    def wrong(self) -> list[tuple[str, str, Inputs]]:
        """Each argument of a valid call, spoilt in each way: argument, kind, keyword arguments."""
        drawn = examples(self.inputs)
        spoilt = []
        for argument in dict.fromkeys(name for inputs in drawn for name in inputs):
            valid = next(inputs for inputs in drawn if argument in inputs)
            if argument == "self" or isinstance(valid[argument], bool):
                continue  # every object has a truth value
            for kind, spoil in WRONG.items():
                bad = spoil(valid[argument])
                optional = bad is None and argument not in drawn[0]  # None is what leaves it out
                if bad is not sentinel.none and not optional:
                    spoilt.append((argument, kind, valid | {argument: bad}))
        return spoilt

    def check_refusals(self) -> None:
        """Each spoilt call is refused by a ValueError that names the argument, unless ``takes`` says why not."""
        taken, problems = set(self.takes), []
        for argument, kind, inputs in self.wrong():
            what = f"{argument} {kind}"
            problem = self._refused(argument, inputs)
            if problem == "accepted" and what in taken:
                taken.remove(what)
            elif problem:
                problems.append(f"{what}: {problem}")
        problems += [f"{what}: its entry in takes is needless" for what in taken]
        assert not problems, "\n".join([f"{self}:", *problems])

    def _refused(self, argument: str, inputs: Inputs) -> str:
        """Return what is wrong with the refusal of a spoilt call, nothing if it is as it should be."""
        try:
            with watchdog(self.patience):
                self(**inputs)
        except ValueError as refusal:
            name = self.named.get(argument, argument)
            return "" if _names(name, str(refusal)) else f"{refusal} does not name it"
        except Exception as problem:
            return f"{problem!r} is no ValueError"
        return "accepted"


def examples(strategy: st.SearchStrategy[Inputs], count: int = 8) -> list[Inputs]:
    """Return what a strategy draws first, the simplest input at the head; always the same ones."""
    drawn: list[Inputs] = []

    @settings(
        max_examples=count, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=_QUIET
    )
    @given(strategy)
    def draw(inputs: Inputs) -> None:
        drawn.append(inputs)

    draw()
    return drawn


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | complex | np.ndarray | np.generic) and not isinstance(value, bool)


def _spoil(entry: complex) -> Callable[[Any], Any]:
    """Put an entry into an array, or in the place of a number."""

    def spoil(value: Any) -> Any:
        if not _is_number(value) or (isinstance(entry, complex) and np.iscomplexobj(value)):
            return sentinel.none
        bad = np.array(value, dtype=complex if isinstance(entry, complex) or np.iscomplexobj(value) else float)
        if not bad.size:
            return sentinel.none
        bad.flat[-1] = entry
        return bad if np.ndim(value) else bad.item()

    return spoil


def _ragged(value: Any) -> Any:
    return [[1.0], [1.0, 2.0]] if _is_number(value) else sentinel.none


def _short(value: Any) -> Any:
    """Without the last entry of the last axis; a number without a shape has none."""
    array = np.asarray(value) if _is_number(value) else np.empty(())
    return array[..., :-1] if array.ndim else sentinel.none


def _not(kind: type, bad: Any) -> Callable[[Any], Any]:
    return lambda value: sentinel.none if value is None or isinstance(value, kind) else bad


#: Ways to spoil an argument; each makes a wrong value of a right one, or ``sentinel.none`` where it does not apply.
WRONG: Mapping[str, Callable[[Any], Any]] = {
    "nan": _spoil(math.nan),
    "inf": _spoil(math.inf),
    "-inf": _spoil(-math.inf),
    "complex": _spoil(1j),
    "text": _not(str, "one"),
    "none": _not(type(None), None),
    "object": _not(type(None), object()),
    "ragged": _ragged,
    "short": _short,
}


# --- limits -----------------------------------------------------------------------------------------------------------


def _names(name: str, message: str) -> bool:
    """Whether a message has a name as a word of its own: ``m`` is not in ``sum``."""
    return re.search(rf"(?<!\w){re.escape(name)}(?!\w)", message) is not None


@dataclass(frozen=True)
class Limit:
    """A stated limit of one argument: accepted ``at`` it, refused ``beyond`` it.

    A result at the limit is finite; it may be infinite where an input is.

    Args:
        name: path below ``spinlib``.
        argument: whose limit it is.
        at: admissible values, the last ones before the limit.
        beyond: values just beyond, and others that the docstring excludes.
        says: parts of each message, such as admissible range and remedy; the argument is always looked for.
        given: the other keyword arguments, valid ones; or a strategy whose simplest example they are.
        label: tells rows of one argument apart.
        named: how the messages name the argument, if not by its name.
        endless: leaf of the result at the limit that may be infinite or nan, and why.
        patience: seconds for one value.
    """

    name: str
    argument: str
    at: Sequence[Any]
    beyond: Sequence[Any]
    says: tuple[str, ...] = ("pass",)
    given: Inputs | st.SearchStrategy[Inputs] = field(default_factory=dict)
    label: str = ""
    named: str = ""
    endless: Mapping[str, str] = field(default_factory=dict)
    patience: float = COMPILED

    def __str__(self) -> str:
        return f"{self.name} {self.argument} {self.label}".strip()

    def _inputs(self, value: Any) -> Inputs:
        others = self.given if isinstance(self.given, dict) else examples(self.given, 1)[0]
        return {**others, self.argument: value}

    def _call(self, value: Any) -> Any:
        inputs = self._inputs(value)
        with watchdog(self.patience):
            return resolve(self.name)(**inputs)

    def check_refusals(self) -> None:
        for value in self.at:
            given = leaves(self._inputs(value), properties=False).values()
            open_ended = any(_numeric(leaf) and np.isinf(leaf).any() for leaf in given)
            for path, leaf in leaves(self._call(value), properties=False).items():
                if _numeric(leaf) and path not in self.endless:
                    sound = not np.isnan(leaf).any() and (open_ended or np.isfinite(leaf).all())
                    assert sound, f"{self} = {value!r}: {path or 'the result'} is {leaf}"
        for value in self.beyond:
            with pytest.raises(ValueError) as caught:
                self._call(value)
            message = str(caught.value)
            missing = [part for part in self.says if part not in message]
            missing += [name for name in (self.named or self.argument,) if not _names(name, message)]
            assert not missing, f"{self} = {value!r}: {message!r} does not say {missing}"


def contracts(*rows: Contract) -> pytest.MarkDecorator:
    """Parametrise a test over ``rows``; the body is ``contract.check(at_length)``. The long lane runs in test-full."""
    quick = [pytest.param(row, False, id=title) for row, title in _titled(rows)]
    long = [pytest.param(row, True, id=f"{title} at length", marks=pytest.mark.full) for row, title in _titled(rows)]
    return pytest.mark.parametrize(("contract", "at_length"), [*quick, *long])


def refused(*rows: Contract | Limit) -> pytest.MarkDecorator:
    """Parametrise a test over wrong kinds and limits; the body is ``row.check_refusals()``."""
    assert all(row.beyond and row.says for row in rows if isinstance(row, Limit)), "a limit refuses and says a remedy"
    return pytest.mark.parametrize("row", [pytest.param(row, id=title) for row, title in _titled(rows)])


def _titled(rows: Sequence[Any]) -> list[tuple[Any, str]]:
    titles = [f"{type(row).__name__.lower()} {row}" for row in rows]
    assert len(set(titles)) == len(titles), "two rows have one title: give them labels"
    return list(zip(rows, titles, strict=True))
