"""The students' notebooks in a folder: found without following a link, read within bounds."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from tools.grading.judge import RefusedError, printable
from tools.grading.notebook import UnreadableError

LARGEST_NOTEBOOK = 20 << 20  # bytes; outputs included
DEEPEST_FOLDER = 8
MOST_FILES = 2000  # looked at in one student's folder
HIDDEN = (".", "__MACOSX")
CHECK = re.compile(rb'check\(\\?["\'](\d\d)\.')  # a notebook's JSON writes \" for "


class Student(NamedTuple):
    """What one student handed in: files that may be notebooks."""

    name: str
    files: tuple[Path, ...]
    note: str = ""


def find_students(folder: Path, leave_out: Sequence[Path] = ()) -> list[Student]:
    """Return what each student handed in: each file in a folder, or each folder in it.

    Hidden files are passed over; so is what `leave_out` names. No link is followed.
    """
    inside = folder.resolve()
    entries = [
        entry
        for entry in sorted(os.scandir(folder), key=lambda entry: entry.name)
        if not entry.name.startswith(HIDDEN) and inside / entry.name not in leave_out
    ]
    stems = Counter(_stem(entry) for entry in entries)
    found: dict[str, Student] = {}
    for entry in entries:
        name = printable(_stem(entry) if stems[_stem(entry)] == 1 else entry.name)
        while name in found:  # two names that differ in what cannot be printed
            name += "\ufffd"
        is_folder = entry.is_dir(follow_symlinks=False)
        files, note = _notebooks(entry.path) if is_folder else ((Path(entry.path),), "")
        found[name] = Student(name, files, note)
    return list(found.values())


def _stem(entry: os.DirEntry[str]) -> str:
    return entry.name[:-6] if entry.name.lower().endswith(".ipynb") else entry.name


def _notebooks(folder: str) -> tuple[tuple[Path, ...], str]:
    """Return the notebooks in a student's folder and the folders in it, and a note."""
    found: list[Path] = []
    troubles: list[OSError] = []
    seen, note = 0, ""
    for place, folders, files in os.walk(folder, onerror=troubles.append):
        seen += len(folders) + len(files)
        names = [name for name in sorted(files) if name.lower().endswith(".ipynb")]
        found += [Path(place, name) for name in names if not name.startswith(HIDDEN)]
        folders[:] = sorted(name for name in folders if not name.startswith(HIDDEN))
        depth = place.count(os.sep) - folder.count(os.sep)
        if folders and (depth == DEEPEST_FOLDER or seen > MOST_FILES):
            folders.clear()
            note = "folders in it that are too deep or too many were not looked at"
    if troubles:
        note = f"a folder in it cannot be read: {troubles[0].strerror}"
    return tuple(found), note if found or note else "no notebook in the folder"


def find_chapter(students: Iterable[Student]) -> str:
    """Return the chapter whose exercises the notebooks check.

    Raises
    ------
    RefusedError
        If they check none, or exercises of several chapters.
    """
    held: set[str] = set()
    for path in (path for student in students for path in student.files):
        with suppress(UnreadableError):
            held.update(found.decode() for found in CHECK.findall(read(path)))
    if len(held) == 1:
        return held.pop()
    what = f"hold exercises of the chapters {', '.join(sorted(held))}" if held else "hold none"
    raise RefusedError(f"The notebooks {what}. Say which chapter to grade: --chapter 02.")


def read(path: Path) -> bytes:
    """Return the content of a file that may be a notebook.

    Raises
    ------
    UnreadableError
        If it is none by its name, a link, no regular file, too large, or cannot be read.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnreadableError("a link; links are not followed") from None
        raise UnreadableError(f"unreadable: {error.strerror}") from None
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise UnreadableError("unreadable: not a regular file")
        if path.suffix.lower() != ".ipynb":
            end = printable(path.suffix or path.name[-4:])
            raise UnreadableError(f"not a notebook, but a file that ends in {end}")
        data = file.read(LARGEST_NOTEBOOK + 1)
    if len(data) > LARGEST_NOTEBOOK:
        raise UnreadableError(f"unreadable: larger than {LARGEST_NOTEBOOK >> 20} MB")
    return data
