"""Grade one student: run each notebook's answers in the sandbox, let the judge compare, add up."""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from mnist_lib.exercises.engine import Exercise
from tools.grading.judge import NO_RESULT, Judge, printable
from tools.grading.messages import LENGTH, encode
from tools.grading.notebook import UnreadableError
from tools.grading.processes import (
    INSTALL,
    REFUSED,
    START,
    Settings,
    StartError,
    StoppedError,
    Submission,
)
from tools.grading.submissions import Student, read

MOST_NOTEBOOKS = 10  # graded of one student
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


def grade_student(
    student: Student, exercises: Mapping[str, Exercise], settings: Settings, judge: Judge
) -> Row:
    """Return one student's row: that of the best notebook, if there are several."""
    chapter = next(iter(exercises))[:2]
    rows: list[tuple[Row, Path]] = []
    files = sorted(student.files, key=lambda path: not path.name.startswith(chapter))
    for path in files[:MOST_NOTEBOOKS]:
        try:
            marks, notes = grade_notebook(path, exercises, settings, judge)
            row = Row(student.name, marks, "; ".join(notes))
        except UnreadableError as error:
            row = Row(student.name, note=str(error))
        except StartError as error:
            said = f"not graded, and not the student's fault: {error}"
            row = Row(student.name, note=said, failed=True)
        rows.append((row, path))
    if not rows:
        return Row(student.name, note=student.note)
    row, best = max(rows, key=lambda pair: (pair[0].failed, bool(pair[0].marks), pair[0].points))
    which = f"{len(files)} notebooks; {printable(best.name)} counts" if len(files) > 1 else ""
    return row._replace(note="; ".join(filter(None, (student.note, which, row.note))))


def grade_notebook(
    path: Path,
    exercises: Mapping[str, Exercise],
    settings: Settings,
    judge: Judge,
    log: IO[bytes] | None = None,
) -> tuple[dict[str, Mark], list[str]]:
    """Return the marks of a notebook, by the exercises' ids, and notes on what else happened.

    Raises
    ------
    UnreadableError
        If it is no notebook.
    StartError
        If a step of the grader failed twice.
    """
    data = read(path)
    marks: dict[str, Mark] = {}
    notes = []
    rest = list(exercises.values())
    while rest:
        run = start(data, rest, settings, log)
        try:
            try:
                reason = run.receive(START).decode(errors="replace")
            except StoppedError as stopped:
                reason = f"reading it {stopped}"
            if reason:
                raise UnreadableError(f"unreadable: {printable(reason)}")
            ended = ""
            while rest and not ended:  # after an early end the others get a process of their own
                exercise, began = rest.pop(0), time.monotonic()
                messages: list[bytes] = []
                try:
                    for _ in range(1 + len(_inputs(exercise))):
                        messages.append(run.receive(settings.timeout, began))
                except StoppedError as stopped:
                    ended = str(stopped)
                seconds = time.monotonic() - began
                found, account, malformed = judge.ask(exercise.id, messages, ended)
                ended = NO_RESULT if malformed else ended
                if ended:
                    notes.append(f"{exercise.id} {ended}")
                points = exercise.stars if found.outcome == "correct" else 0
                said = (ADDRESS.sub("0x…", text) for text in (found.sentence, found.detail))
                marks[exercise.id] = Mark(found.outcome, points, *said, account, seconds)
        finally:
            run.close()
    return marks, notes


def start(
    data: bytes, exercises: Sequence[Exercise], settings: Settings, log: IO[bytes] | None = None
) -> Submission:
    """Return a process that is about to read the notebook; what fails before is ours."""
    questions = encode(
        [
            {"id": e.id, "name": e.name, "is_function": e.is_function, "cases": _inputs(e)}
            for e in exercises
        ]
    )
    request = LENGTH.pack(len(questions)) + questions + data
    said = ""
    with tempfile.TemporaryFile() as errors:
        for _ in range(2):
            run = Submission(request, settings, log or errors, shown=log is not None)
            try:
                run.receive(START)
                return run
            except StoppedError as error:
                run.close()
                errors.seek(0)
                lines = errors.read(2000).decode(errors="replace").strip().splitlines()
                said = lines[-1] if lines else f"The process for it {error}."
            except BaseException:
                run.close()
                raise
    raise StartError(said)


def check_start(settings: Settings) -> None:
    """Start a process without answers; if that fails, a StartError says what to do."""
    if settings.sandbox and shutil.which("bwrap") is None:
        raise StartError(INSTALL)
    try:
        start(b"", [], settings).close()
    except StartError as error:
        reason = printable(str(error))
        raise StartError(REFUSED.format(reason=reason) if settings.sandbox else reason) from None


def _inputs(exercise: Exercise) -> list[object]:
    """Return the inputs of an exercise's cases; a value is asked for once."""
    return [case.inputs for case in exercise.cases] if exercise.is_function else [None]
