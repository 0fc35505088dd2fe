"""A table as Sphinx has it, from the words or nodes of its cells."""

from collections.abc import Iterable, Sequence

from docutils import nodes

__all__ = ["table"]


def table(head: Sequence[str], rows: Iterable[Sequence[str | nodes.Node]], *, right: Sequence[int] = ()) -> nodes.table:
    """Return a table with a head; the columns whose numbers are in ``right`` are aligned at the right."""
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=1) for _ in head]
    top, body = nodes.thead(), nodes.tbody()
    top += _row(head, right)
    body += [_row(row, right) for row in rows]
    group += [top, body]
    return nodes.table("", group, classes=["colwidths-auto"])


def _row(cells: Sequence[str | nodes.Node], right: Sequence[int]) -> nodes.row:
    row = nodes.row()
    for number, cell in enumerate(cells):
        content = nodes.Text(cell) if isinstance(cell, str) else cell
        paragraph = content if isinstance(content, nodes.paragraph) else nodes.paragraph("", "", content)
        row += nodes.entry("", paragraph, classes=["text-right"] if number in right else [])
    return row
