"""Read the Python of a notebook's cell: what only IPython understands is replaced.

IPython itself tells what that is; it is imported only for cells that are no plain Python.
"""

from __future__ import annotations

import ast

RUN_PYTHON = ("time", "timeit", "capture", "prun")
"""The magics that run the Python after them; after all others something else follows."""


def parse(source: str) -> ast.Module:
    """Return the syntax tree of a code cell; its line numbers are those of the cell.

    Raises
    ------
    SyntaxError
        If it is no Python; the message and the line are the cell's.
    """
    try:
        return ast.parse(source)
    except SyntaxError:
        # Tried second, because a line of plain Python may begin with % or end with a question mark.
        from IPython.core.inputtransformer2 import TransformerManager

        tree = ast.parse(TransformerManager().transform_cell(source))
        tree.body = [part for node in tree.body for part in _WithoutMagic().plain(node)]
        blank = len(source) - len(source.lstrip())  # IPython drops these lines
        above = source[:blank].count("\n")
        return ast.increment_lineno(ast.fix_missing_locations(tree), above)


class _WithoutMagic(ast.NodeTransformer):
    """Replaces calls of IPython by the Python that they hold, or by None."""

    def plain(self, node: ast.stmt) -> list[ast.stmt]:
        body = _body(node.value) if isinstance(node, ast.Expr) else None
        return [self.visit(node)] if body is None else body

    def visit_Call(self, node: ast.Call) -> ast.AST:
        body = _body(node)
        if body is None:
            return self.generic_visit(node)
        alone = body[0] if len(body) == 1 else None
        return alone.value if isinstance(alone, ast.Expr) else ast.Constant(None)


def _body(node: ast.expr) -> list[ast.stmt] | None:
    """Return the statements in a call of IPython; None if it is another call."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
        return None
    if ast.unparse(node.func.value) != "get_ipython()":
        return None
    texts = [part.value for part in node.args if isinstance(part, ast.Constant)]
    if not node.func.attr.endswith("_magic") or not texts or texts[0] not in RUN_PYTHON:
        return []
    of_cell = node.func.attr == "run_cell_magic"
    try:
        body = parse(texts[-1]).body
    except SyntaxError:
        if of_cell:
            raise
        return []  # options stand before the statement
    # The code of a cell magic begins on the line below it.
    return [ast.increment_lineno(part, node.lineno - 1 + of_cell) for part in body]
