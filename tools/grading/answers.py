"""What of a notebook an answer needs: its statements, and how they depend on each other.

An exercise's answer is found by its name. Seen from the exercise's end upward, a statement is
needed if it binds or changes a name that is wanted, and then the names that it reads are wanted
too. So cells may be moved, copied or stripped, one error spoils no other exercise, and nothing is
trained unless an answer asks for it.
"""

from __future__ import annotations

import ast
import copy
import symtable
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tools.magics import parse


class Statement(NamedTuple):
    """A top-level statement of a notebook, and the names it has to do with."""

    cell: int
    node: ast.stmt
    binds: frozenset[str]
    changes: frozenset[str]
    reads: frozenset[str]  # when it runs, before it binds them itself
    later: frozenset[str]  # when a function that it defines is called


ALL = "*"  # a statement that may bind any name, or that sets a state for all that follow
SHOWS = ("print", "display", "check", "hint", "solution", "plt", "plots")
ANY_NAME = {"exec", "eval", "globals", "locals", "vars"}
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
IMPORTS = ast.Import | ast.ImportFrom
REPLACES = DEFINITIONS | IMPORTS | ast.Assign | ast.AnnAssign
COMPREHENSIONS = ("listcomp", "setcomp", "dictcomp", "genexpr")


def statements(cells: Sequence[str]) -> tuple[list[Statement], dict[int, str]]:
    """Return the statements of a notebook's code cells, and what is wrong in cells that fail."""
    nodes: list[tuple[int, ast.stmt]] = []
    broken = {}
    for number, source in enumerate(cells):
        try:
            nodes += [(number, node) for node in parse(source).body]
        except SyntaxError as error:
            place = f" (line {error.lineno})" if error.lineno else ""
            broken[number] = f"{type(error).__name__}: {error.msg}{place}"
        except (ValueError, RecursionError, MemoryError) as error:
            broken[number] = f"{type(error).__name__}: {error}"
    return _connected(nodes), broken


def _connected(nodes: Sequence[tuple[int, ast.stmt]]) -> list[Statement]:
    """Return statements; what the functions that they call read and bind belongs to them."""
    reads: dict[str, set[str]] = {}  # by the names of functions
    sets: dict[str, set[str]] = {}
    fixed: dict[str, str] = {}  # names of modules, functions and classes; where imports are from
    names = [_names(node) for _, node in nodes]
    for (_, node), (binds, _, later, sets_) in zip(nodes, names, strict=True):
        for name in binds if later | sets_ else ():
            reads.setdefault(name, set()).update(later)
            sets.setdefault(name, set()).update(sets_)
        if isinstance(node, DEFINITIONS | IMPORTS):
            module = getattr(node, "module", None)
            parts = node.names if isinstance(node, IMPORTS) else []
            fixed |= dict.fromkeys(binds, "")
            fixed |= {a.asname or a.name.partition(".")[0]: module or a.name for a in parts}
    found = []
    for (cell, node), (binds, read, later, _) in zip(nodes, names, strict=True):
        called = _reachable(_reads([node], set()), reads)
        changes = _changes(node, fixed).union(*(sets.get(name, ()) for name in called))
        modules = {fixed.get(name, "").partition(".")[0] for name in changes}
        # What concerns the standard library is cheap, and may set a state for any answer.
        if read & ANY_NAME or modules & sys.stdlib_module_names:
            binds.add(ALL)
        groups = binds, changes, called, _reachable(later, reads)
        found.append(Statement(cell, node, *map(frozenset, groups)))
    return found


def _names(node: ast.AST) -> tuple[set[str], set[str], set[str], set[str]]:
    """Return the global names that code binds, reads, reads later and binds later."""
    table = symtable.symtable(ast.unparse(node), "cell", "exec")
    binds, reads, later, sets = set(), set(), set(), set()
    scopes = [(table, False)]
    while scopes:
        scope, called = scopes.pop()
        for inner in scope.get_children():
            at_once = inner.get_type() == "class" or inner.get_name() in COMPREHENSIONS
            scopes.append((inner, called or not at_once))
        for symbol in scope.get_symbols():
            if scope is not table and not symbol.is_global():
                continue
            changed = symbol.is_assigned() or symbol.is_imported()
            if symbol.is_referenced() or (changed and called):  # as ``count += 1`` does
                (later if called else reads).add(symbol.get_name())
            if changed:
                (sets if called else binds).add(symbol.get_name())
    if isinstance(node, ast.AugAssign):
        reads |= binds
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        binds.add(ALL)
    return binds, reads, later, sets


def _reads(nodes: Sequence[ast.stmt], bound: set[str]) -> set[str]:
    """Return the names that statements read before they bind them."""
    found: set[str] = set()
    for node in nodes:
        blocks: list[list[ast.stmt]] = []
        if isinstance(node, ast.For | ast.While | ast.If | ast.With):
            blocks = [node.body, getattr(node, "orelse", [])]
            node = copy.copy(node)
            node.body = [ast.Pass()]
            if not isinstance(node, ast.With):
                node.orelse = []
        binds, reads, _, _ = _names(node)
        found |= reads - bound
        for block in blocks:
            found |= _reads(block, bound | binds)
        if not blocks:  # else it is not certain that it binds them
            bound = bound | binds
    return found


def _reachable(names: Iterable[str], reads: Mapping[str, set[str]]) -> set[str]:
    """Return names, those that functions of these names read, those that these read, and so on."""
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += reads.get(name, ())
    return found


def _changes(node: ast.AST, fixed: Mapping[str, str]) -> set[str]:
    """Return the names whose values a statement may change: ``x[0] = 1``, ``x.sort()``, ``f(x)``.

    Modules, functions and classes change only where a call sets a state:
    ``sys.setrecursionlimit(5000)``, ``np.random.seed(1)``.
    """
    if isinstance(node, DEFINITIONS | ast.Lambda):
        return set()
    names: set[str] = set()
    if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
        names.add(_root(node))
    if isinstance(node, ast.Call):
        root, is_method = _root(node.func), isinstance(node.func, ast.Attribute)
        last = node.func.attr if isinstance(node.func, ast.Attribute) else root
        if last.startswith(("set", "seed")) or (is_method and root not in fixed):
            names.add(root)
    call = node.value if isinstance(node, ast.Expr) else None
    if isinstance(call, ast.Call) and _root(call.func) not in SHOWS:
        names |= {part.id for part in call.args if isinstance(part, ast.Name)} - fixed.keys()
    return names.union(*(_changes(child, fixed) for child in ast.iter_child_nodes(node)))


def _root(node: ast.expr) -> str:
    """Return the name at the beginning of ``a.b[0].c()``; nothing if it begins with none."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def needed(found: Sequence[Statement], name: str, end: int) -> list[Statement]:
    """Return the statements that the answer of a name needs, in the notebook's order.

    The first `end` of them stand before the place where the answer was checked. Later ones count
    only for names that those do not bind: then cells have been moved.
    """
    bound = set().union(*(s.binds for s in found[:end]))
    # What the answer is made of may change after it, up to the end.
    wanted = {name}.union(*(s.reads | s.later for s in found if name in s.binds))
    chosen = []
    for i, s in reversed(list(enumerate(found))):
        counts = wanted | {ALL} if i < end else wanted - bound
        if not (s.binds | s.changes) & counts:
            continue
        chosen.append(s)
        if isinstance(s.node, REPLACES):
            wanted -= s.binds - {name}  # a new answer may fail, so the old one is kept
        wanted |= s.reads if i < end else s.reads | s.later
    return chosen[::-1]
