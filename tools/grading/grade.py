"""Grade one student: run each notebook's answers in the sandbox, let the judge compare, add up."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Mapping, Sequence
from typing import IO, NamedTuple

from mnist_lib.exercises.engine import Exercise
from tools.grading.judge import NO_RESULT, Judge, printable
from tools.grading.messages import LENGTH, encode
from tools.grading.processes import (
    START,
    Settings,
    StartError,
    StoppedError,
    Submission,
)
from tools.grading.submissions import Notebook, Student, candidates

ADDRESS = re.compile(r"\b0x[0-9a-f]{6,16}\b")  # another one in each run


class Mark(NamedTuple):
    """What one exercise of one notebook got."""

    outcome: str
    points: int
    sentence: str
    detail: str = ""
    account: str = ""  # what the case that decided asked, and what came back
    seconds: float = 0.0


class Row(NamedTuple):
    """One student's row."""

    name: str
    marks: Mapping[str, Mark] = {}
    note: str = ""
    failed: bool = False  # through no fault of the student's: to be graded again

    @property
    def points(self) -> int:
        """The sum over the exercises."""
        return sum(mark.points for mark in self.marks.values())


class Worker(NamedTuple):
    """What grades one submission at a time."""

    place: int  # a number that no other has
    judge: Judge


class UnreadableError(Exception):
    """A submission is no notebook; the message says what it is."""


def grade_student(
    student: Student, exercises: Mapping[str, Exercise], settings: Settings, worker: Worker
) -> Row:
    """Return one student's row: that of the best notebook, if there are several.

    Raises
    ------
    KeyboardInterrupt
        If `settings.stop` is set meanwhile.
    """
    chapter = next(iter(exercises))[:2]
    chosen = candidates(student, chapter)
    rows = [(_grade(student.name, each, exercises, settings, worker), each) for each in chosen]
    if not rows:
        return Row(student.name, note=student.note)
    row, best = max(rows, key=lambda pair: (pair[0].failed, bool(pair[0].marks), pair[0].points))
    notes = [student.note] if student.note else []
    if len(student.notebooks) > 1:
        notes.append(f"{len(student.notebooks)} notebooks; {printable(best.path.name)} counts")
    return row._replace(note="; ".join([*notes, *([row.note] if row.note else [])]))


def _grade(
    name: str,
    notebook: Notebook,
    exercises: Mapping[str, Exercise],
    settings: Settings,
    worker: Worker,
) -> Row:
    try:
        marks, notes = grade_notebook(notebook, exercises, settings, worker)
    except UnreadableError as error:
        return Row(name, note=str(error))
    except StartError as error:
        return Row(name, note=f"not graded, and not the student's fault: {error}", failed=True)
    return Row(name, marks, "; ".join(notes))


def grade_notebook(
    notebook: Notebook,
    exercises: Mapping[str, Exercise],
    settings: Settings,
    worker: Worker,
    log: IO[bytes] | None = None,
) -> tuple[dict[str, Mark], list[str]]:
    """Run a notebook's answers in the sandbox and let the judge compare what they return.

    Parameters
    ----------
    notebook : Notebook
    exercises : mapping from ids to Exercise
        With the private cases.
    settings : Settings
    worker : Worker
    log : file, optional
        What gets all that the answers print.

    Returns
    -------
    marks : dict
        By the exercises' ids.
    notes : list of str
        What else happened.

    Raises
    ------
    UnreadableError
        If it is no notebook.
    StartError
        If a step of the grader failed twice.
    """
    if notebook.trouble:
        raise UnreadableError(notebook.trouble)
    try:
        data = notebook.read()
    except OSError as error:
        raise UnreadableError(f"unreadable: {error.strerror or error}") from None
    marks: dict[str, Mark] = {}
    notes = []
    rest = list(exercises.values())
    while rest:
        run = _start(data, rest, settings, worker.place, log)
        try:
            try:
                reason = run.receive(settings.timeout).decode(errors="replace")
            except StoppedError as stopped:
                reason = f"reading it {stopped}"
            if reason:
                raise UnreadableError(f"unreadable: {printable(reason)}")
            ended = ""
            while rest and not ended:  # after an early end the others get a process of their own
                exercise, start = rest.pop(0), time.monotonic()
                messages: list[bytes] = []
                try:
                    for _ in range(1 + len(_cases(exercise))):
                        messages.append(run.receive(settings.timeout, start))
                except StoppedError as stopped:
                    ended = str(stopped)
                seconds = time.monotonic() - start
                judged = worker.judge.ask(exercise.id, messages, ended)
                if judged.malformed:
                    ended = NO_RESULT
                if ended:
                    notes.append(f"{exercise.id} {ended}")
                found = judged.verdict
                points = exercise.stars if found.outcome == "correct" else 0
                said = (ADDRESS.sub("0x…", text) for text in (found.sentence, found.detail))
                marks[exercise.id] = Mark(found.outcome, points, *said, judged.account, seconds)
        finally:
            run.close()
    return marks, notes


def _start(
    data: bytes, rest: Sequence[Exercise], settings: Settings, place: int, log: IO[bytes] | None
) -> Submission:
    """Return a process that is about to read the notebook; what fails before is ours."""
    questions = encode(
        [
            {"id": e.id, "name": e.name, "is_function": e.is_function, "cases": _cases(e)}
            for e in rest
        ]
    )
    request = LENGTH.pack(len(questions)) + questions + data
    for last in (False, True):
        run = None
        try:
            run = Submission(request, settings, place, log)
            run.receive(START)
            return run
        except (StoppedError, OSError) as error:
            if run is not None:
                run.close()
            if last:
                raise StartError(f"The process for it {error}.") from None
        except BaseException:
            if run is not None:
                run.close()
            raise
    raise AssertionError


def _cases(exercise: Exercise) -> list[object]:
    """Return the inputs of an exercise's cases; a value is asked for once."""
    return [case.inputs for case in exercise.cases] if exercise.is_function else [None]


def try_start(settings: Settings) -> str:
    """Start a process without answers; return why that fails, or nothing.

    Raises
    ------
    StartError
        If the sandbox is not installed.
    """
    request = encode([])
    with tempfile.TemporaryFile() as log:
        run = Submission(LENGTH.pack(len(request)) + request + b"{}", settings, 0, log)
        try:
            run.receive(START)
        except StoppedError as stopped:
            log.seek(0)
            said = printable(log.read(2000).decode(errors="replace")).strip()
            return said.splitlines()[-1] if said else f"it {stopped}"
        finally:
            run.close()
    return ""
