"""Carry each exercise's statement from its chapter into the solutions; nothing is typed twice.

    python -m tools.exercises

An exercise is a Markdown cell and a code cell of a chapter, both with the metadata
``{"exercise": "02.conv2d"}``. This writes, from the registry in ``mnist_lib.exercises``, the head
of the Markdown cell (number, title, stars, minutes) and its last line (the link to the solution),
and the sum of the minutes into the chapter's Time line. Then it copies the statement into the cell
of the same id in ``solutions/``, where the last line leads back to the chapter.
"""

from __future__ import annotations

import re

import nbformat

from mnist_lib.exercises import all_exercises, label
from mnist_lib.exercises.engine import Exercise
from tools.notebooks import ROOT, exercise_id, slug, statement

MINUTES = re.compile(r"( on the full data)(?: · exercises: \d+ min)?(?=\n|\Z)")


def heading(exercise: Exercise) -> str:
    """Return the heading of an exercise, the same in chapter and solutions."""
    return f"{label(exercise)}: {exercise.title}"


def written(exercise: Exercise, text: str, *, link: str, folder: str, notebook: str) -> str:
    """Return the whole Markdown cell of an exercise."""
    unit = "minute" if exercise.minutes == 1 else "minutes"
    target = f"../{folder}/{notebook}#{slug(heading(exercise))}"
    # In the chapter it stands within a section, in the solutions it is one.
    level = "###" if folder == "solutions" else "##"
    head = f"{level} {heading(exercise)}\n\n{'★' * exercise.stars} · {exercise.minutes} {unit}"
    return f"{head}\n\n{text}\n\n[{link}]({target})"


def with_minutes(source: str, minutes: int) -> str:
    """Return a cell with the Time line's sum of minutes."""
    return MINUTES.sub(rf"\1 · exercises: {minutes} min", source)


def update(chapter: nbformat.NotebookNode, solution: nbformat.NotebookNode, notebook: str) -> None:
    """Write heads, links and sums into a chapter, and its statements into the solutions."""
    exercises = all_exercises()
    texts = {}
    for cell in chapter.cells:
        id = exercise_id(cell)
        if cell.cell_type == "markdown" and id in exercises:
            texts[id] = statement(cell.source)
            to = {"folder": "solutions", "notebook": notebook, "link": "Solution"}
            cell.source = written(exercises[id], texts[id], **to)
    minutes = sum(exercises[id].minutes for id in texts)
    for cell in chapter.cells:
        if cell.cell_type == "markdown" and "**Time**" in cell.source:
            cell.source = with_minutes(cell.source, minutes)
    for cell in solution.cells:
        id = exercise_id(cell)
        if cell.cell_type == "markdown" and id in texts:
            to = {"folder": "chapters", "notebook": notebook, "link": "Back to the chapter"}
            cell.source = written(exercises[id], texts[id], **to)


def main() -> None:
    """Update every chapter that has solutions."""
    for path in sorted((ROOT / "solutions").glob("*.ipynb")):
        chapter_path = ROOT / "chapters" / path.name
        pair = [nbformat.read(p, as_version=4) for p in (chapter_path, path)]
        before = [nbformat.writes(notebook) for notebook in pair]
        update(*pair, path.name)
        for p, notebook, old in zip((chapter_path, path), pair, before, strict=True):
            if nbformat.writes(notebook) != old:
                nbformat.write(notebook, p)
                print(f"wrote {p.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
