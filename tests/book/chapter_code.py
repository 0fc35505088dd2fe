"""What a chapter defines, for tests that try its own functions."""

import ast

from tools.notebooks import read


def code_cells(page):
    return [cell.source for cell in read(page).cells if cell.cell_type == "code"]


def defined(page, room, names=None):
    """Return ``room``, which holds the numbers they use, with the imports and functions of a page, or those named."""
    body = ast.parse("\n".join(code_cells(page))).body
    functions = [node for node in body if isinstance(node, ast.FunctionDef) and (names is None or node.name in names)]
    kept = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)] + functions
    exec(compile(ast.Module(kept, []), str(page), "exec"), room)
    return room
