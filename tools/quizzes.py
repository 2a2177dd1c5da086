"""Write the questions of the course for a learning platform, and for paper: ``_build/quizzes``.

python -m tools.quizzes             # or: make quizzes

For each chapter, and for the two tests before and after the course: a GIFT file for Moodle, a QTI
package for Canvas, and a Markdown file without answers; one key for all. A chapter's questions are
those of its section *Check yourself*, and those of ``teaching/NN_topic.toml``. The tests come from
``teaching/tests.toml``: two questions for each goal of the course, one for either test.
"""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from text2qti.config import Config
from text2qti.qti import QTI
from text2qti.quiz import Quiz

from tools.notebooks import ROOT, read

TEACHING = ROOT / "teaching"
LETTERS = "abcd"
QUESTION = re.compile(
    r"\*\*Question \d+\.\*\* (?P<text>.*?)\n\n(?P<options>(?:- [a-d]\) [^\n]*\n)+)\n"
    r"<details><summary>[^<]*</summary>\n\n"
    r"\*\*(?P<right>[a-d])\.\*\* (?P<reason>.*?)\n\n</details>",
    re.S,
)


@dataclass(frozen=True)
class Question:
    """A question with one right option, and why it is right and the others are not."""

    text: str
    options: tuple[str, ...]
    right: int
    reason: str

    @property
    def letter(self) -> str:
        """The letter of the right option."""
        return LETTERS[self.right]


def check_yourself(notebook: nbformat.NotebookNode) -> list[Question]:
    """Return the questions of a chapter's section *Check yourself*."""
    whole = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    source = whole.partition("## Check yourself")[2].partition("\n## ")[0]
    found = []
    for match in QUESTION.finditer(source + "\n"):
        options = tuple(line[5:] for line in match["options"].strip().split("\n"))
        right = LETTERS.index(match["right"])
        found.append(Question(match["text"], options, right, match["reason"]))
    if len(found) != source.count("**Question "):
        raise ValueError(
            f"The section holds {source.count('**Question ')} questions, of which {len(found)} "
            "have the form that CONTRIBUTING.md shows. Write the others in this form, too."
        )
    return found


def question(given: dict[str, Any]) -> Question:
    """Return a question as a TOML file has it."""
    options = tuple(given["options"])
    if given["right"] not in LETTERS[: len(options)] or len(set(options)) < len(options):
        raise ValueError(
            f'The question "{given["text"]}" has {len(options)} options and the answer '
            f'"{given["right"]}". Give different options, and the letter of one of them.'
        )
    return Question(given["text"], options, LETTERS.index(given["right"]), given["reason"])


def questions() -> dict[str, list[Question]]:
    """Return the questions of each chapter, by the name of its notebook, and of the two tests."""
    found = {}
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        more = tomllib.loads((TEACHING / f"{path.stem}.toml").read_text(encoding="utf-8"))
        found[path.stem] = check_yourself(read(path)) + [question(q) for q in more["question"]]
    tests = tomllib.loads((TEACHING / "tests.toml").read_text(encoding="utf-8"))
    for name in ("before", "after"):
        found[f"test_{name}"] = [question(goal[name]) for goal in tests["goal"]]
    return found


def title(name: str) -> str:
    """Return what a quiz is called."""
    if name.startswith("test_"):
        return f"Ten questions {name.removeprefix('test_')} the course"
    number, topic = name.split("_", 1)
    return f"Chapter {int(number)}: {topic.replace('_', ' ')}"


def gift(name: str, quiz: list[Question]) -> str:
    """Return a quiz in Moodle's GIFT format, with formulas in the marks that its MathJax looks for.

    The letters stand in the options, since Moodle may shuffle these, and reasons name them.
    """

    def safe(text: str) -> str:
        text = re.sub(r"\$([^$]+)\$", r"\\(\1\\)", " ".join(text.split()))
        return re.sub(r"([~=#{}:])", r"\\\1", text)

    blocks = [f"$CATEGORY: {title(name).replace(':', ',')}"]
    for number, each in enumerate(quiz, 1):
        lines = [f"::{name}.{number}::[markdown]{safe(each.text)}{{"]
        for place, option in enumerate(each.options):
            lines.append(f"\t{'=' if place == each.right else '~'}{LETTERS[place]}) {safe(option)}")
        lines += [f"\t####{safe(each.reason)}", "}"]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def qti(name: str, quiz: list[Question], target: Path) -> None:
    """Write a quiz as a QTI 1.2 package, by text2qti."""
    lines = [f"Quiz title: {title(name)}", "shuffle answers: false", ""]
    for number, each in enumerate(quiz, 1):
        lines += [
            f"{number}.  {' '.join(each.text.split())}",
            f"...  {' '.join(each.reason.split())}",
        ]
        for place, option in enumerate(each.options):
            star = "*" if place == each.right else ""
            lines.append(f"{star}{LETTERS[place]})  {' '.join(option.split())}")
        lines.append("")
    QTI(Quiz("\n".join(lines), config=Config(), source_name=name)).save(str(target))


def paper(name: str, quiz: list[Question]) -> str:
    """Return a quiz as Markdown, without its answers."""
    lines = [f"# {title(name)}", ""]
    for number, each in enumerate(quiz, 1):
        lines += [f"**{number}.** {each.text}", ""]
        lines += [f"- {LETTERS[place]}) {option}" for place, option in enumerate(each.options)]
        lines.append("")
    return "\n".join(lines)


def key(every: dict[str, list[Question]]) -> str:
    """Return the answers to all quizzes, with their reasons, as Markdown."""
    lines = ["# Key"]
    for name, quiz in every.items():
        lines += ["", f"## {title(name)}", ""]
        lines += [f"{n}. **{each.letter}.** {each.reason}" for n, each in enumerate(quiz, 1)]
    return "\n".join(lines) + "\n"


def write(folder: Path) -> None:
    """Write all quizzes, in each format, and the key."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    every = questions()
    for name, quiz in every.items():
        (folder / f"{name}.gift").write_text(gift(name, quiz), encoding="utf-8")
        (folder / f"{name}.md").write_text(paper(name, quiz), encoding="utf-8")
        qti(name, quiz, folder / f"{name}.zip")
    (folder / "key.md").write_text(key(every), encoding="utf-8")
    count = sum(map(len, every.values()))
    print(f"{count} questions in {len(every)} quizzes: {folder.as_uri()}")


def main() -> int:
    """Write the quizzes; return the exit code."""
    write(ROOT / "_build" / "quizzes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
