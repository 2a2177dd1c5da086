"""The students' notebooks in a folder: found without following a link, read within bounds."""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from tools.grading.judge import RefusedError, printable

LARGEST_NOTEBOOK = 20 << 20  # bytes; outputs included
DEEPEST_FOLDER = 8
MOST_FILES = 2000  # looked at in one student's folder
MOST_NOTEBOOKS = 5  # graded of one student
MENTION = re.compile(rb"""(?:check\(\s*\\?["']|"exercise":\s*")(\d\d)\.(\w+)""")


class Notebook(NamedTuple):
    """A file that a student handed in, or the reason why it cannot be graded."""

    path: Path
    trouble: str = ""

    def read(self) -> bytes:
        """Return its content.

        Raises
        ------
        OSError
            If it is no regular file (any more), too large, or cannot be read.
        """
        handle = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise OSError("not a regular file")
            data = file.read(LARGEST_NOTEBOOK + 1)
        if len(data) > LARGEST_NOTEBOOK:
            raise OSError(f"larger than {LARGEST_NOTEBOOK >> 20} MB")
        return data

    def mentions(self) -> Counter[str]:
        """Return how many exercises of each chapter it names."""
        try:
            data = b"" if self.trouble else self.read()
        except OSError:
            return Counter()
        if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
            data = data.decode("utf-16", "replace").encode()
        return Counter(chapter.decode() for chapter, _ in set(MENTION.findall(data)))


class Student(NamedTuple):
    """What one student handed in."""

    name: str
    notebooks: tuple[Notebook, ...]
    note: str = ""


def find_students(folder: Path, leave_out: Sequence[Path] = ()) -> list[Student]:
    """Return what each student handed in: each file in a folder, or each folder in it.

    Hidden files are passed over; so is what `leave_out` names. No link is followed.
    """
    inside = folder.resolve()
    entries = [
        entry
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)
        if not entry.name.startswith((".", "__MACOSX")) and inside / entry.name not in leave_out
    ]
    stems = Counter(entry.name if _is_folder(entry) else _stem(entry.name) for entry in entries)
    found: dict[str, Student] = {}
    for entry in entries:
        alone = stems[_stem(entry.name)] == 1
        name = printable(_stem(entry.name) if alone else entry.name)
        while name in found:  # two names that differ in what cannot be printed
            name += "\ufffd"
        notebooks, note = _notebooks(entry) if _is_folder(entry) else ((_notebook(entry),), "")
        found[name] = Student(name, notebooks, note)
    return list(found.values())


def _is_folder(entry: os.DirEntry[str]) -> bool:
    return entry.is_dir(follow_symlinks=False)


def _stem(name: str) -> str:
    return name[:-6] if name.lower().endswith(".ipynb") else name


def _notebooks(folder: os.DirEntry[str]) -> tuple[tuple[Notebook, ...], str]:
    """Return the notebooks in a student's folder and the folders in it, and a note."""
    found: list[Notebook] = []
    waiting, seen, note = [(folder.path, 0)], 0, ""
    while waiting:
        place, depth = waiting.pop()
        try:
            entries = sorted(os.scandir(place), key=lambda entry: entry.name)
        except OSError as error:
            note = f"a folder in it cannot be read: {error.strerror}"
            continue
        for entry in entries:
            seen += 1
            if entry.name.startswith((".", "__MACOSX")):
                continue
            if _is_folder(entry):
                if depth == DEEPEST_FOLDER or seen > MOST_FILES:
                    note = "folders in it that are too deep or too many were not looked at"
                else:
                    waiting.append((entry.path, depth + 1))
            elif entry.name.lower().endswith(".ipynb"):
                found.append(_notebook(entry))
    return tuple(found), note if found or note else "no notebook in the folder"


def _notebook(entry: os.DirEntry[str]) -> Notebook:
    path = Path(entry.path)
    try:
        facts = entry.stat(follow_symlinks=False)
    except OSError as error:
        return Notebook(path, f"unreadable: {error.strerror}")
    if stat.S_ISLNK(facts.st_mode):
        return Notebook(path, "a link; links are not followed")
    if not stat.S_ISREG(facts.st_mode):
        return Notebook(path, "unreadable: not a regular file")
    if path.suffix.lower() != ".ipynb":
        end = path.suffix or path.name[-4:]
        return Notebook(path, f"not a notebook, but a file that ends in {printable(end)}")
    if facts.st_size > LARGEST_NOTEBOOK:
        return Notebook(path, f"unreadable: larger than {LARGEST_NOTEBOOK >> 20} MB")
    return Notebook(path)


def candidates(student: Student, chapter: str) -> list[Notebook]:
    """Return which of a student's notebooks may hold the chapter, the likeliest first."""
    if len(student.notebooks) == 1:
        return list(student.notebooks)

    def likely(notebook: Notebook) -> tuple[int, bool, bool]:
        named = notebook.path.name.startswith(chapter)
        return notebook.mentions()[chapter], not notebook.trouble, named

    ranked = sorted(((likely(n), n) for n in student.notebooks), key=lambda x: x[0], reverse=True)
    holding = [n for (count, *_), n in ranked if count] or [n for _, n in ranked]
    return holding[:MOST_NOTEBOOKS]


def find_chapter(students: Iterable[Student]) -> str:
    """Return the chapter whose exercises the notebooks hold.

    Raises
    ------
    RefusedError
        If they hold none, or those of several chapters.
    """
    held: Counter[str] = Counter()
    for student in students:
        for notebook in student.notebooks:
            held.update(notebook.mentions().keys())
    if len(held) == 1:
        return next(iter(held))
    what = f"hold exercises of chapters {', '.join(sorted(held))}" if held else "name no exercise"
    raise RefusedError(f"The notebooks {what}. Say which chapter to grade: --chapter 02.")
