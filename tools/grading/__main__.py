"""The command: grade a folder of submissions, or show all there is to see of a single one."""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import replace
from pathlib import Path

if sys.platform == "win32":
    sys.exit(
        "Grading needs Linux. On Windows, run it in the Windows Subsystem for Linux (WSL), "
        "where the course installs as on Linux."
    )

from tqdm import tqdm

from mnist_lib.exercises import NOTEBOOKS
from mnist_lib.exercises.engine import Exercise
from tools.grading.grade import Row, check_start, grade_notebook, grade_student
from tools.grading.judge import Judge, RefusedError, load_exercises, printable
from tools.grading.notebook import UnreadableError
from tools.grading.processes import ROOT, START, Settings, StartError
from tools.grading.report import Table, cells, summary, text_of
from tools.grading.submissions import Student, find_chapter, find_students, read

PATIENCE = 5  # times what the slowest exercise of the key takes
TRUSTED = (
    "No sandbox: the submissions can read your files and reach the network as you can. "
    "Only time and memory are limited."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Grade what the command line names; return the exit status."""
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return run(options)
    except (RefusedError, StartError, UnreadableError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted before the first submission.", file=sys.stderr)
        return 130


def run(options: argparse.Namespace) -> int:
    """Do what the command line asks for; return the exit status."""
    output, private = options.output.absolute(), options.cases and options.cases.absolute()
    secret = (options.submissions, output, private, ROOT / "solutions")
    hidden = tuple(path.resolve() for path in secret if path)
    settings = Settings(options.timeout, options.memory, not options.no_sandbox, hidden)
    if alone := options.submissions.is_file():
        students = [Student(options.submissions.name, (options.submissions,))]
    elif options.submissions.is_dir():
        students = find_students(options.submissions, hidden)
    else:
        raise RefusedError(f"{options.submissions} is no folder of submissions.")
    if not students:
        raise RefusedError(f"{options.submissions} holds no submissions.")
    options.chapter = options.chapter or find_chapter(students)
    exercises = load_exercises(options.chapter, private)
    if options.no_sandbox:
        print(TRUSTED)
    with closing(Judge(options.chapter, private)) as judge:
        if alone:
            check_start(settings)
            return show(options.submissions, exercises, settings, judge)
        table = Table(output, exercises)
        check_start(settings)
        versions = {student.name: version(student, private, options) for student in students}
        left = [each for each in students if not table.has(each.name, versions[each.name])]
        if kept := len(students) - len(left):
            print(f"{output.name} has {kept} of {len(students)} submissions already; they stay.")
        if left and not options.no_key:
            key = ROOT / "solutions" / f"{NOTEBOOKS[options.chapter]}.ipynb"
            settings = check_key(key, exercises, settings, judge)
        complete = grade_all(left, exercises, settings, judge, options.jobs, table, versions)
    print(summary(table.rows.values(), exercises))
    return say_how_it_ended(table, versions, complete)


def version(student: Student, private: Path | None, options: argparse.Namespace) -> str:
    """Return what a row depends on: the notebooks, the exercises, the cases and the limits."""
    found = hashlib.sha256(repr((options.timeout, options.memory)).encode())
    names = ("engine", "plain", f"chapter_{NOTEBOOKS[options.chapter]}")
    own = [ROOT / "mnist_lib" / "exercises" / f"{name}.py" for name in names]
    for path in [*own, private] if private else own:
        found.update(path.read_bytes())
    for path in student.files:
        try:
            content = read(path)
        except UnreadableError as error:
            content = str(error).encode()
        found.update(os.fsencode(path.name) + b"\0" + content)
    return found.hexdigest()[:16]


def check_key(
    key: Path, exercises: Mapping[str, Exercise], settings: Settings, judge: Judge
) -> Settings:
    """Grade the solutions as a submission; return settings with the time that answers need.

    Raises
    ------
    RefusedError
        If they do not get full marks: then the exercises, the private cases or the installation are
        at fault, and every student's marks would be.
    """
    patient = replace(settings, timeout=max(settings.timeout, START))
    row = grade_student(Student("key", (key,)), exercises, patient, judge)
    wrong = [f"  {id}, {text_of(mark)}" for id, mark in row.marks.items() if not mark.points]
    if wrong or not row.marks:
        why = "\n".join([*wrong, f"  {row.note}"]).rstrip()
        raise RefusedError(
            f"The key {key} does not get full marks, so nothing is graded:\n{why}\n"
            "Correct the private cases, the key or the installation; --no-key grades without it."
        )
    print(f"The key {key.name} gets full marks.")
    slowest = PATIENCE * max(mark.seconds for mark in row.marks.values())
    if slowest > settings.timeout:
        print(f"It took so long that an answer may take {slowest:.0f} seconds.")
    return replace(settings, timeout=max(settings.timeout, slowest))


def grade_all(
    students: Sequence[Student],
    exercises: Mapping[str, Exercise],
    settings: Settings,
    judge: Judge,
    jobs: int,
    table: Table,
    versions: Mapping[str, str],
) -> bool:
    """Grade submissions side by side into the table; return whether all were tried."""

    def grade(student: Student) -> Row:
        try:
            return grade_student(student, exercises, settings, judge)
        except Exception as error:  # whatever goes wrong with one submission, others are graded
            said = printable(f"{type(error).__name__}: {error}")
            return Row(student.name, note=f"not graded: the grader failed, {said}", failed=True)

    with ThreadPoolExecutor(jobs) as pool:
        rows = [pool.submit(grade, student) for student in students]
        try:
            for done in tqdm(as_completed(rows), total=len(rows), unit="notebook", file=sys.stdout):
                row = done.result()
                table.add(cells(row, exercises, versions[row.name]))
        except KeyboardInterrupt:
            settings.stop.set()
            pool.shutdown(cancel_futures=True)
            return False
    return True


def say_how_it_ended(table: Table, versions: Mapping[str, str], complete: bool) -> int:
    """Say where the table is, and what is missing in it; return the exit status."""
    again = "Run the command again: it goes on from the rows that are there."
    if table.trouble:
        print(f"\n{table.path} lacks the last rows: {table.trouble}. {again}", file=sys.stderr)
        return 1
    print(f"\nWrote {table.path}.")
    if missing := sum(not table.has(name, wanted) for name, wanted in versions.items()):
        why = "Failed" if complete else "Interrupted"
        print(f"{why}: {missing} of {len(versions)} not graded. {again}", file=sys.stderr)
    return 130 if not complete else 1 if missing else 0


def show(path: Path, exercises: Mapping[str, Exercise], settings: Settings, judge: Judge) -> int:
    """Grade a single notebook and print all there is to see; return the exit status."""
    with tempfile.TemporaryFile() as log:
        marks, notes = grade_notebook(path, exercises, settings, judge, log)
        log.seek(0)
        printed = printable(log.read(20_000).decode(errors="replace")).strip()
    for id, mark in marks.items():
        of = exercises[id].stars
        print(f"\n{id}: {mark.points} of {of} points, {mark.seconds:.2f} s")
        for line in (f"{mark.outcome}: {mark.sentence}", mark.detail, *mark.account.splitlines()):
            if line:
                print(f"  {line}")
    for note in notes:
        print(f"\nNote: {note}")
    print(f"\nWhat the answers printed:\n{printed or '(nothing)'}")
    print(f"\nIn all {sum(m.points for m in marks.values())} points.")
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the command line's."""
    found = argparse.ArgumentParser(
        prog="python -m tools.grading",
        description="Grade a folder of notebooks: one row a student in a CSV file.",
        epilog="Points are the stars of the exercises. The guide is book/grading.md.",
    )
    add = found.add_argument
    add(
        "submissions",
        type=Path,
        metavar="SUBMISSIONS",
        help="folder with a notebook, or a folder, for each student; "
        "or one notebook: then all there is to see is shown, and nothing is written",
    )
    add(
        "--chapter",
        type=lambda text: text.zfill(2),
        help="such as 02; by default the one whose exercises the notebooks hold",
    )
    add(
        "--output",
        type=Path,
        default=Path("grades.csv"),
        help="CSV to write, or to go on from (%(default)s)",
    )
    add(
        "--cases",
        type=Path,
        metavar="FILE.py",
        help="your private cases: assigns CASES, a dictionary from ids to tuples of Case",
    )
    add("--no-key", action="store_true", help="do not grade the solutions first")
    number = _number(1, 64, int)
    add("--jobs", type=number, default=os.cpu_count() or 1, help="at one time (%(default)s)")
    add(
        "--timeout",
        type=_number(0.1, 3600, float),
        default=20.0,
        help=f"seconds for each exercise (%(default)s), or {PATIENCE} times what the key needs",
    )
    add(
        "--memory",
        type=_number(256, 1 << 20, int),
        default=2048,
        help="megabytes for all processes of a submission together (%(default)s)",
    )
    add(
        "--no-sandbox", action="store_true", help="for a class whose code you trust with your files"
    )
    return found


def _number(least: float, most: float, type_: type) -> object:
    def number(text: str) -> float:
        try:
            value = type_(text)
        except ValueError:
            value = None
        if value is None or not least <= value <= most:
            raise argparse.ArgumentTypeError(f'a number from {least} to {most}, not "{text}"')
        return value

    return number


if __name__ == "__main__":
    sys.exit(main())
