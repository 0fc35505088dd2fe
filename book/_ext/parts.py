"""A directive whose argument names one part of a page: ``_part_<name>`` of the class that derives from it."""

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

__all__ = ["PartsDirective"]


class PartsDirective(SphinxDirective):
    """What one method ``_part_<name>`` yields."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the nodes of the part; an error names all parts."""
        parts = {name.removeprefix("_part_"): name for name in dir(self) if name.startswith("_part_")}
        if self.arguments[0] not in parts:
            raise self.error(f"{self.name} {self.arguments[0]!r}: pass one of {', '.join(parts)}")
        return list(getattr(self, parts[self.arguments[0]])())
