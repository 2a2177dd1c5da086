"""The table of a class: rows in a CSV file that a second run goes on from, and a summary."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from mnist_lib._files import write_whole
from mnist_lib.exercises.engine import Exercise
from tools.grading.grade import Mark, Row
from tools.grading.judge import RefusedError, printable

FORMULA = re.compile(r"""[\s"']*[-=+@|%\uFF0B\uFF0D\uFF1D\uFF20]|[\t\n\r]""")
DETAIL = " · "  # between what counts as the mistake, and what differs from student to student
OUTCOMES = ("correct", "not yet", "not attempted")
Cells = dict[str, str]


def safe(text: str) -> str:
    """Return a text that a spreadsheet shows and does not compute, whatever it begins with."""
    text = printable(text)
    return f"'{text}" if FORMULA.match(text) else text


def text_of(mark: Mark) -> str:
    """Return all there is to say about an exercise, for the table."""
    detail = f"{DETAIL}{mark.detail}" if mark.detail else ""
    return f"{mark.outcome}: {mark.sentence}{detail}"


def cells(row: Row, exercises: Mapping[str, Exercise], version: str) -> Cells:
    """Return a row of the table; a second run keeps it while its version is the same."""
    possible = sum(exercise.stars for exercise in exercises.values())
    found = {"student": safe(row.name), "possible": str(possible), "note": safe(row.note)}
    # Without a fault of the student's there are no points, not even none.
    found["points"] = "" if row.failed else str(row.points)
    for id in exercises:
        mark = row.marks.get(id)
        found[f"{id} points"] = str(mark.points) if mark else "" if row.failed else "0"
        found[id] = safe(text_of(mark)) if mark else "not graded"
    found["version"] = "" if row.failed else version
    return found


class Table:
    """The CSV file: read and tried at the start, written again with each row."""

    def __init__(self, path: Path, exercises: Mapping[str, Exercise]) -> None:
        self.path = path
        pairs = [column for id in exercises for column in (f"{id} points", id)]
        self.columns = ["student", "points", "possible", *pairs, "note", "version"]
        self.rows: dict[str, Cells] = {}
        self.trouble = ""  # why the file does not hold all rows
        there = path.exists()
        if there:
            self.rows = {row["student"]: row for row in self._read()}
        self.save()
        if self.trouble:
            raise RefusedError(f"{path} cannot be written: {self.trouble}. Name another: --output.")
        if not there:
            path.unlink()  # it was only a trial

    def _read(self) -> list[Cells]:
        try:
            text = self.path.read_text(encoding="utf-8-sig")
            reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
            rows = list(reader)
        except (OSError, ValueError, csv.Error) as error:
            raise RefusedError(f"{self.path} cannot be read: {error}.") from None
        if reader.fieldnames != self.columns or any(None in row.values() for row in rows):
            raise RefusedError(
                f"{self.path} is there already, and is no table of this chapter as this command "
                "writes it. Name another file: --output."
            )
        return rows

    def has(self, name: str, version: str) -> bool:
        """Return whether a student's row is there, graded from the same and in the same way."""
        return self.rows.get(safe(name), {}).get("version") == version

    def add(self, row: Cells) -> None:
        """Add a row, or replace the student's, and save; a failure shows in `trouble`."""
        self.rows[row["student"]] = row
        self.save()

    def save(self) -> None:
        """Write the file in one step: who reads it finds the old table or the new, never half."""
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, self.columns, quoting=csv.QUOTE_ALL)
        writer.writeheader()
        writer.writerows(self.rows[name] for name in sorted(self.rows))
        self.trouble = ""
        try:
            # Excel takes a file without the mark for one in the encoding of the country.
            write_whole(self.path, text.getvalue().encode("utf-8-sig"))
        except OSError as error:
            self.trouble = error.strerror or str(error)


def summary(rows: Iterable[Cells], exercises: Mapping[str, Exercise]) -> str:
    """Return the class in a few lines: the mean, each exercise, the most frequent mistakes."""
    rows = list(rows)
    graded = [row for row in rows if any(row[id] != "not graded" for id in exercises)]
    lines = [f"{len(rows)} submissions, {len(graded)} graded"]
    if not graded:
        return lines[0]
    mean = sum(float(row["points"] or 0) for row in graded) / len(graded)
    lines[0] += f"; mean {mean:.1f} of {graded[0]['possible']} points"
    width = max(len(id) for id in exercises)
    lines += ["", f"{'':{width}}  correct  not yet  not attempted"]
    mistakes: Counter[tuple[str, str]] = Counter()
    for id in exercises:
        said = [row[id].partition(": ") for row in graded]
        counts = Counter(outcome for outcome, _, _ in said)
        parts = [counts[outcome] / len(graded) for outcome in OUTCOMES]
        lines.append(f"{id:{width}}  {parts[0]:7.0%}  {parts[1]:7.0%}  {parts[2]:13.0%}")
        mistakes.update(
            (id, text.partition(DETAIL)[0]) for outcome, _, text in said if outcome == "not yet"
        )
    if mistakes:
        lines += ["", "Most frequent mistakes"]
        lines += [f"{count:4} × {id}: {said}" for (id, said), count in mistakes.most_common(10)]
    return "\n".join(lines)
