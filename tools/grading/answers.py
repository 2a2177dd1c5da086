"""What of a notebook an answer needs: its statements, and how they depend on each other.

An exercise's answer is found by its name. Of the notebook, only the statements run that the answer
needs: those that define its name and, transitively, those that define or change the names they use.
So cells may be moved, copied or stripped, one student's error spoils no other exercise, and nothing
is trained unless an answer asks for it.
"""

from __future__ import annotations

import ast
import symtable
import sys
import types
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from mnist_lib.exercises.engine import is_untouched
from tools.magics import parse


class Statement(NamedTuple):
    """A top-level statement of a notebook, and the names it has to do with."""

    cell: int
    node: ast.stmt
    binds: frozenset[str]
    changes: frozenset[str]
    uses: frozenset[str]
    sets: frozenset[str]  # global names that a function binds when it is called


ALL = "*"  # a statement that may bind any name, or that sets a state for all that follow
SHOWS = ("print", "display", "check", "hint", "solution", "plt", "plots")
ANY_NAME = {"exec", "eval", "globals", "locals", "vars"}
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
IMPORTS = ast.Import | ast.ImportFrom


# --- From text to statements ----------------------------------------------------------------------


def statements(cells: Sequence[str]) -> tuple[list[Statement], dict[int, str]]:
    """Return the statements of a notebook's code cells, and what is wrong in cells that fail."""
    found: list[Statement] = []
    broken = {}
    for number, source in enumerate(cells):
        try:
            found += [_statement(number, node) for node in parse(source).body]
        except SyntaxError as error:
            place = f" (line {error.lineno})" if error.lineno else ""
            broken[number] = f"{type(error).__name__}: {error.msg}{place}"
        except (ValueError, RecursionError, MemoryError) as error:
            broken[number] = f"{type(error).__name__}: {error}"
    return _with_calls(found), broken


def _statement(cell: int, node: ast.stmt) -> Statement:
    table = symtable.symtable(ast.unparse(node), "cell", "exec")
    binds, uses, sets = set(), set(), set()
    for scope in _scopes(table):
        top = scope is table
        for symbol in scope.get_symbols():
            if not top and not symbol.is_global():
                continue
            if symbol.is_referenced():
                uses.add(symbol.get_name())
            if symbol.is_assigned() or symbol.is_imported():
                (binds if top else sets).add(symbol.get_name())
                if not top:
                    uses.add(symbol.get_name())  # as ``count += 1`` does
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        binds.add(ALL)
    if not isinstance(node, DEFINITIONS) and uses & ANY_NAME:
        binds.add(ALL)
    return Statement(cell, node, *map(frozenset, (binds, _changes(node), uses, sets)))


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    yield table
    for child in table.get_children():
        yield from _scopes(child)


def _with_calls(found: list[Statement]) -> list[Statement]:
    """Add to the statements what the functions that they call do to global names."""
    sets: dict[str, frozenset[str]] = {}
    imported: dict[str, str] = {}  # names, and the modules that they are from
    for statement in found:
        if isinstance(statement.node, DEFINITIONS) and statement.sets:
            sets[statement.node.name] = statement.sets
        if isinstance(statement.node, ast.Import):
            imported |= {a.asname or a.name.partition(".")[0]: a.name for a in statement.node.names}
        elif isinstance(statement.node, ast.ImportFrom):
            module = statement.node.module or ""
            imported |= {a.asname or a.name: module for a in statement.node.names}
    whole = []
    for s in found:
        changes, binds = s.changes, s.binds
        if not isinstance(s.node, DEFINITIONS):
            changes = changes.union(*(sets[name] for name in s.uses if name in sets))
        for name in changes:
            module = imported.get(name, "").partition(".")[0]
            if module in sys.stdlib_module_names:  # cheap, and may concern any answer
                binds |= {ALL}
        whole.append(s._replace(changes=changes, binds=binds))
    return whole


def _changes(node: ast.AST) -> set[str]:
    """Return the names whose values a statement may change: ``x[0] = 1``, ``x.sort()``, ``f(x)``.

    Names with ``()`` change unless they are modules, functions or classes, whose calls change
    nothing but where they set a state: ``sys.setrecursionlimit(5000)``, ``np.random.seed(1)``.
    """
    if isinstance(node, DEFINITIONS | ast.Lambda):
        return set()
    names: set[str | None] = set()
    if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
        names.add(_root(node))
    if isinstance(node, ast.Call):
        root = _root(node.func)
        last = node.func.attr if isinstance(node.func, ast.Attribute) else root
        if last and last.startswith(("set", "seed")):
            names.add(root)
        elif isinstance(node.func, ast.Attribute) and root not in SHOWS:
            names.add(root and f"{root}()")
    call = node.value if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Call) and _root(call.func) not in SHOWS:
        names |= {f"{part.id}()" for part in call.args if isinstance(part, ast.Name)}
    for child in ast.iter_child_nodes(node):
        names |= _changes(child)
    return {name for name in names if name}


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    if isinstance(node, ast.Call):
        return _root(node.func)
    return node.id if isinstance(node, ast.Name) else None


# --- Which of them an answer needs ----------------------------------------------------------------


def is_starter(statement: Statement) -> bool:
    """Return whether a statement still holds the ``...`` that an exercise starts with.

    The exercises' own detector looks at code and values, so the statement is made into one of them,
    without running anything of the notebook.
    """
    node = statement.node
    if isinstance(node, ast.FunctionDef):
        code = compile(ast.Module([node], []), "starter", "exec", dont_inherit=True)
        inner = (part for part in code.co_consts if isinstance(part, types.CodeType))
        return any(part.co_name == node.name and is_untouched(part) for part in inner)
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    return value is not None and is_untouched(_outline(value))


def _outline(node: ast.expr | None) -> Any:
    """Return a literal with its constants, and None for all that is computed."""
    if isinstance(node, ast.List | ast.Tuple):
        return [_outline(part) for part in node.elts]
    if isinstance(node, ast.Dict):
        return dict(enumerate(map(_outline, node.values)))
    return node.value if isinstance(node, ast.Constant) else None


def needed(
    found: Sequence[Statement], name: str, own: set[int], *, is_function: bool
) -> list[Statement]:
    """Return the statements that an answer needs, in the notebook's order.

    Parameters
    ----------
    found : sequence of Statement
    name : str
        The answer's.
    own : set of int
        The numbers of the cells that belong to the exercise, as far as the notebook tells.
    is_function : bool
        Whether the answer is a function: then a number of the same name is none.

    Returns
    -------
    list of Statement
        Empty if nothing defines the name. The last definition counts; but a starter counts only if
        there is nothing else, and a definition outside the exercise's cells only if there is none
        in them: readers copy cells, and use a name again for something else. Other names have the
        values that they had there; later ones count for those that had none.
    """
    places = [i for i, s in enumerate(found) if name in s.binds]
    if is_function and any(isinstance(found[i].node, ast.FunctionDef) for i in places):
        places = [i for i in places if _may_be_function(found[i].node) or found[i].cell in own]
    answered = [i for i in places if not is_starter(found[i])] or places
    if not answered:
        return []
    last = max([i for i in answered if found[i].cell in own] or answered)
    dropped = {
        i for i, s in enumerate(found) if name in s.binds and (i > last or i not in answered)
    }
    end = max(own | {found[last].cell})  # the exercise's last cell, where the answer was checked
    early = {bound for s in found if s.cell <= end for bound in s.binds}
    early_changes = early if own else set()
    fixed = {b for s in found if isinstance(s.node, IMPORTS | DEFINITIONS) for b in s.binds}
    wanted, chosen = {name, ALL}, set()
    while True:
        more = set()
        for i, s in enumerate(found):
            bound = wanted if s.cell <= end else wanted - early
            changed = wanted if s.cell <= end else wanted - early_changes
            changed = changed | {f"{name}()" for name in changed - fixed}
            if i not in chosen | dropped and (s.binds & bound or s.changes & changed):
                more.add(i)
        if not more:
            return [found[i] for i in sorted(chosen)]
        chosen |= more
        wanted = wanted.union(*(found[i].uses for i in more))


def _may_be_function(node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef | IMPORTS):
        return True
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    return isinstance(value, ast.Lambda | ast.Name | ast.Attribute)
