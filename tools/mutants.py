"""Mutants of a module: small wrong changes of its formulas, each of one kind, named so that edits elsewhere keep it."""

import ast
import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from types import CodeType

from tools.isolation import ROOT
from tools.mutant_changes import counters_of, refuses, replacements

_SKIPPED = {"annotation", "returns", "decorator_list", "type_params"}
_Place = tuple[ast.AST, str, int | None]


@dataclass(frozen=True)
class Mutant:
    """One change in one function, or in the statement that assigns ``function``; ``nth`` counts equal changes."""

    module: str
    function: str
    kind: str
    before: str
    after: str
    nth: int
    line: int

    def __str__(self) -> str:
        return f"{self.module}:{self.line} {self.function}: {self.before} -> {self.after}"

    @property
    def key(self) -> tuple[str, str, str, str, int]:
        """What identifies the mutant while lines move."""
        return self.module, self.function, self.before, self.after, self.nth

    def rank(self, seed: int) -> str:
        """A number that orders mutants at random, the same for as long as the line is."""
        return hashlib.sha256(repr((seed, *self.key)).encode()).hexdigest()

    def code(self) -> CodeType:
        """The changed module, compiled."""
        tree = ast.parse(source := path_of(self.module).read_text(encoding="utf-8"))
        for mutant, place, new in _mutations(self.module, tree):
            if mutant.key == self.key:
                parent, field, index = place
                if index is None:
                    setattr(parent, field, new)
                else:
                    getattr(parent, field)[index] = new
                return compile(ast.fix_missing_locations(tree), path_of(self.module), "exec")
        raise ValueError(f"{self.module} has no longer {self.before} in {self.function} ({len(source)} characters)")


def path_of(module: str) -> Path:
    """The file of a module of the library, or of the tests."""
    folder = ROOT / module.replace(".", "/")
    return folder / "__init__.py" if (folder / "__init__.py").is_file() else folder.with_suffix(".py")


def name_of(file: Path) -> str:
    """The module of a file."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _sites(node: ast.AST, function: str, checks: set[str]) -> Iterator[tuple[_Place, str, ast.AST]]:
    """Yield the places of a tree that compute, with the function or the assigned name that they belong to."""
    for field, value in ast.iter_fields(node):
        for index, child in enumerate(value) if isinstance(value, list) else [(None, value)]:
            if field in _SKIPPED or not isinstance(child, ast.AST) or refuses(child, checks):
                continue
            inside = function
            if isinstance(node, ast.Module | ast.ClassDef):
                names = [n.id for n in ast.walk(child) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
                name = getattr(child, "name", names[0] if names else "")
                inside = f"{function}.{name}" if function else name
            yield (node, field, index), inside, child
            yield from _sites(child, inside, checks)


def _mutations(module: str, tree: ast.Module) -> Iterator[tuple[Mutant, _Place, ast.AST]]:
    imports = (n for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module == "spinlib._validate")
    checks = {name.asname or name.name for node in imports for name in node.names}
    counters, seen = counters_of(tree), Counter[tuple[str, str, str]]()
    for place, function, node in list(_sites(tree, "", checks)):
        for kind, new in replacements(node, counters):
            change = function, ast.unparse(node), ast.unparse(new)
            if change[1] != change[2]:
                yield Mutant(module, function, kind, *change[1:], seen[change], node.lineno), place, new  # type: ignore
                seen[change] += 1


def mutants(module: str) -> list[Mutant]:
    """Every mutant of a module."""
    return [mutant for mutant, _, _ in _mutations(module, ast.parse(path_of(module).read_text(encoding="utf-8")))]


def sample(module: str, count: int, seed: int) -> list[Mutant]:
    """``count`` mutants, drawn in turn from the functions and kinds, so that each has its share."""
    strata = defaultdict(list)
    for mutant in sorted(mutants(module), key=lambda mutant: mutant.rank(seed)):
        strata[mutant.function, mutant.kind].append(mutant)
    turns = zip_longest(*strata.values())
    return [mutant for mutant in chain.from_iterable(turns) if mutant is not None][:count]
