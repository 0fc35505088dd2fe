"""What of the package is public, where it is documented, and how a page links to it.

An object has one name: the shortest public path that leads to it. Other paths to it, such as the module in which a
package's function is written, are names of the same object.
"""

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass, is_dataclass
from functools import cache
from importlib.util import find_spec
from types import FunctionType, ModuleType
from typing import Any, get_type_hints

from docutils import nodes
from sphinx import addnodes

from tools.isolation import ROOT

__all__ = ["PACKAGE", "Item", "api_id", "api_link", "catalogue", "modules", "object_of", "returned", "rooms", "same_as"]

PACKAGE = "spinlib"


@dataclass(frozen=True)
class Item:
    """One public object: its full name, what it is, and whether ``__all__`` lists it or it is only returned."""

    name: str
    kind: str  # function | class | data
    listed: bool

    @property
    def module(self) -> str:
        """The module on whose page the object stands."""
        return self.name.rpartition(".")[0]


@cache
def modules() -> dict[str, ModuleType]:
    """Every public module by its name, packages before what is in them."""
    paths = sorted((ROOT / PACKAGE).rglob("*.py"), key=lambda path: (path.parts[:-1], path.name != "__init__.py"))
    found = (".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in paths)
    return {name: importlib.import_module(name) for name in found if "._" not in name and name != PACKAGE}


@cache
def catalogue() -> dict[str, Item]:
    """Every public object by its full name, in the order of the modules and of their ``__all__``."""
    return {item.name: item for name in modules() for item in _items(name)}


@cache
def rooms() -> dict[str, list[str]]:
    """The modules of each page of the reference that have something to show there."""
    shown = {item.module for item in catalogue().values()}
    found: dict[str, list[str]] = {}
    for name in sorted(modules()):
        room = name.split(".")[1]
        if name == f"{PACKAGE}.{room}" or name in shown:
            found.setdefault(room, []).append(name)
    return found


def same_as(name: str) -> str:
    """Return the name under which an object is documented, or "" if it is not public.

    ``name`` may take any way to it: ``spinlib.accumulation.closed_forms.ring`` is ``spinlib.accumulation.ring``.
    A method or attribute of a public class is documented with its class.
    """
    path, _, last = name.rpartition(".")
    if not path:
        return ""
    if name in catalogue():
        return name
    if path in modules():
        return _documented(getattr(modules()[path], last, None))
    owner = same_as(path)
    return f"{owner}.{last}" if owner and inspect.isclass(item := object_of(owner)) and hasattr(item, last) else ""


def api_id(name: str) -> str:
    """Return the id of the entry of a public object on the page of its room."""
    return f"api-{name}"


def api_link(name: str, page: str, text: str = "") -> nodes.Node:
    """Return the name of an object (or a text) that links to its entry from a page; what is not public gets no link."""
    title = nodes.literal("", text or name)
    target = same_as(name)
    if not target:
        return title
    if target not in catalogue():
        owner, _, member = target.rpartition(".")
        target = target if _has_entry(object_of(owner), member) else owner
    attributes = {"refdomain": "py", "reftype": "obj", "reftarget": target, "refexplicit": True, "refwarn": True}
    return addnodes.pending_xref("", title, refdoc=page, **attributes)


def object_of(name: str) -> Any:
    """Return a public object by its name."""
    path, _, last = name.rpartition(".")
    return getattr(modules()[path], last)


def returned(call: Any) -> set[type]:
    """Return the classes that a call, or a method of a class, returns by its annotation, alone or in a tuple."""
    calls = [call, *(vars(call).values() if inspect.isclass(call) else ())]
    found: set[type] = set()
    for each in calls:
        function = inspect.unwrap(getattr(each, "__func__", each))
        if inspect.isfunction(function):
            hint = get_type_hints(function).get("return")
            found |= {part for part in (hint, *getattr(hint, "__args__", ())) if inspect.isclass(part)}
    return found


def _has_entry(owner: type, member: str) -> bool:
    """Whether a member of a class has an entry of its own: a method of its own, with a docstring, or a property."""
    item = vars(owner).get(member)
    return isinstance(item, FunctionType | classmethod | staticmethod | property) and bool(item.__doc__)


def _items(module: str) -> Iterator[Item]:
    """Yield what a module shows first, and the records that its functions return."""
    here = modules()[module]
    listed = [name for name in here.__all__ if not inspect.ismodule(getattr(here, name, here))]
    listed = [name for name in listed if hasattr(here, name) or not find_spec(f"{module}.{name}")]
    records = [name for name in vars(here) if name not in listed and _is_record(here, name, listed)]
    for name in (*listed, *records):
        item = getattr(here, name)
        if _home(item, module, name) == module:
            kind = "class" if inspect.isclass(item) else "function" if callable(item) else "data"
            yield Item(f"{module}.{name}", kind, name in listed)


def _home(item: Any, module: str, name: str) -> str:
    """Return the shortest public path that lists an object; a number has no path but its own."""
    if not callable(item):
        return module
    others = [other for other, place in modules().items() if getattr(place, name, None) is item]
    shown = [other for other in others if name in modules()[other].__all__]
    return min(shown or others, key=lambda other: (other.count("."), list(modules()).index(other)))


def _is_record(here: ModuleType, name: str, listed: list[str]) -> bool:
    """Whether a function of the module returns this documented record, which no ``__all__`` lists."""
    item = getattr(here, name)
    if name.startswith("_") or not inspect.isclass(item) or not (is_dataclass(item) or issubclass(item, tuple)):
        return False
    if not item.__module__.startswith(PACKAGE) or any(
        getattr(place, name, None) is item and name in place.__all__ for place in modules().values()
    ):
        return False
    return item.__module__ == here.__name__ or name in {
        given.__name__ for other in listed if callable(getattr(here, other)) for given in returned(getattr(here, other))
    }


def _documented(item: Any) -> str:
    return next((name for name in catalogue() if callable(item) and object_of(name) is item), "")
