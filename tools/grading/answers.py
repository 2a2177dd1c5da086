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
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from mnist_lib.exercises.engine import is_untouched
from tools.magics import parse


class Statement(NamedTuple):
    """A top-level statement of a notebook, and the names it has to do with."""

    cell: int
    node: ast.stmt
    binds: frozenset[str]
    changes: frozenset[str]
    reads: frozenset[str]  # when it runs, before it binds them itself
    later: frozenset[str]  # when a function that it defines is called
    sets: frozenset[str]  # global names that such a function binds


ALL = "*"  # a statement that may bind any name, or that sets a state for all that follow
SHOWS = ("print", "display", "check", "hint", "solution", "plt", "plots")
ANY_NAME = {"exec", "eval", "globals", "locals", "vars"}
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
IMPORTS = ast.Import | ast.ImportFrom
BINDS_ANEW = DEFINITIONS | IMPORTS | ast.Assign | ast.AnnAssign
COMPREHENSIONS = ("listcomp", "setcomp", "dictcomp", "genexpr")


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
    binds, reads, later, sets = _names(node)
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        binds.add(ALL)
    if reads & ANY_NAME:
        binds.add(ALL)
    reads = _reads([node], set())
    return Statement(cell, node, *map(frozenset, (binds, _changes(node), reads, later, sets)))


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
    return binds, reads, later, sets


def _reads(nodes: Sequence[ast.stmt], bound: set[str]) -> set[str]:
    """Return the names that statements read before they bind them; add to those bound for sure."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.For):
            found |= _names(node.iter)[1] - bound
            inner = bound | {n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)}
            found |= _reads(node.body, inner) | _reads(node.orelse, set(bound))
        elif isinstance(node, ast.If | ast.While):
            found |= _names(node.test)[1] - bound
            found |= _reads(node.body, set(bound)) | _reads(node.orelse, set(bound))
        elif isinstance(node, ast.With):
            for item in node.items:
                found |= _names(item.context_expr)[1] - bound
                target = item.optional_vars or ast.Constant(None)
                bound |= {n.id for n in ast.walk(target) if isinstance(n, ast.Name)}
            found |= _reads(node.body, bound)
        else:
            binds, reads, _, _ = _names(node)
            found |= reads - bound
            bound |= binds
    return found


def _with_calls(found: list[Statement]) -> list[Statement]:
    """Add to the statements what the functions that they call read and bind."""
    reads: dict[str, set[str]] = {}
    sets: dict[str, set[str]] = {}
    imported: dict[str, str] = {}  # names, and the modules that they are from
    for s in found:
        for name in s.binds if s.later | s.sets else ():
            reads.setdefault(name, set()).update(s.later)
            sets.setdefault(name, set()).update(s.sets)
        if isinstance(s.node, ast.Import):
            imported |= {a.asname or a.name.partition(".")[0]: a.name for a in s.node.names}
        elif isinstance(s.node, ast.ImportFrom):
            imported |= {a.asname or a.name: s.node.module or "" for a in s.node.names}
    whole = []
    for s in found:
        called = _reachable(s.reads, reads)
        changes = s.changes.union(*(sets[name] for name in called if name in sets))
        modules = {imported.get(name, "").partition(".")[0] for name in changes}
        # What concerns the standard library is cheap, and may set a state for any answer.
        more = {ALL} if modules & sys.stdlib_module_names else set()
        later = frozenset(_reachable(s.later, reads))
        whole.append(s._replace(binds=s.binds | more, changes=changes, reads=called, later=later))
    return whole


def _reachable(names: Iterable[str], reads: Mapping[str, set[str]]) -> frozenset[str]:
    """Return names, those that functions of these names read, those that these read, and so on."""
    found, waiting = set(), list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += reads.get(name, ())
    return frozenset(found)


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
    own_name = {i for i, s in enumerate(found) if name in s.binds}
    dropped = own_name - set(answered) | {i for i in own_name if i > last}
    # Where the answer was checked: after the exercise's last cell, or at the notebook's end.
    cell = max(own | {found[last].cell}) if own else found[-1].cell
    end = sum(s.cell <= cell for s in found)
    fixed = {b for s in found if isinstance(s.node, IMPORTS | DEFINITIONS) for b in s.binds}
    chosen: set[int] = set()
    asked: set[tuple[str, int]] = set()
    waiting = [(each, end) for each in (name, ALL, *found[last].later)]
    while waiting:
        question = waiting.pop()
        if question in asked:
            continue
        asked.add(question)
        for i in _sources(found, *question, dropped, fixed, {name, ALL}):
            chosen.add(i)
            waiting += [(each, i) for each in found[i].reads]
            if name in found[i].binds:  # what the answer is made of may change after it
                waiting += [(each, end) for each in found[i].reads]
    return [found[i] for i in sorted(chosen)]


def _sources(
    found: Sequence[Statement],
    name: str,
    place: int,
    dropped: set[int],
    fixed: set[str],
    kept: set[str],
) -> list[int]:
    """Return the statements that a name's value comes from, for those who read it at a place.

    Of the names to be kept, what came before a new value counts too: the new one may fail.
    """
    names = {name} if name in fixed else {name, f"{name}()"}
    sources, is_bound = [], False
    for i in reversed(range(place)):
        s = found[i]
        if i not in dropped and (name in s.binds or s.changes & names):
            sources.append(i)
            is_bound |= name in s.binds
            if name in s.binds and name not in kept and isinstance(s.node, BINDS_ANEW):
                break
    if not is_bound:  # cells have been moved
        late = (i for i in range(place, len(found)) if name in found[i].binds)
        sources += [i for i in late if i not in dropped]
    return sources


def _may_be_function(node: ast.stmt) -> bool:
    if isinstance(node, ast.FunctionDef | IMPORTS):
        return True
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    return isinstance(value, ast.Lambda | ast.Name | ast.Attribute)
