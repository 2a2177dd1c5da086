"""The bank of questions: complete, fair, and readable by real learning platforms."""

from __future__ import annotations

import difflib
import itertools
import json
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree
import zipfile
from collections import Counter
from pathlib import Path

import playwright
import pytest
from nbformat.v4 import new_markdown_cell, new_notebook

from tools import quizzes
from tools.notebooks import ROOT, read

EVERY = quizzes.questions()
NODE = Path(playwright.__file__).parent / "driver" / "node"  # Playwright runs on it
PARSER = "gift-pegjs@1.0.2"  # of the GIFT editor at fuhrmanator/GIFT-grammar-PEG.js


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quizzes")
    quizzes.write(folder)
    return folder


def test_the_bank_holds_at_least_as_many_questions_as_the_chapters_show() -> None:
    for path in sorted((ROOT / "chapters").glob("*.ipynb")):
        shown = quizzes.check_yourself(read(path))
        assert len(shown) >= 3, path.stem
        assert EVERY[path.stem][: len(shown)] == shown
        more = EVERY[path.stem][len(shown) :]
        assert len(more) >= min(len(shown), 3), path.stem
        assert not {q.text for q in more} & {q.text for q in shown}
    before, after = EVERY["test_before"], EVERY["test_after"]
    assert len(before) == len(after) == 10
    assert not {q.text for q in before} & {q.text for q in after}


def test_a_pair_asks_the_same_in_both_tests() -> None:
    """Otherwise a harder question hides what was learned, and an easier one passes for it."""
    for one, other in zip(EVERY["test_before"], EVERY["test_after"], strict=True):
        words = difflib.SequenceMatcher(None, one.text.split(), other.text.split())
        assert words.ratio() > 0.7, (one.text, other.text)
        assert len(one.options) == len(other.options) == 4


def test_no_letter_and_no_length_gives_the_answer_away() -> None:
    everything = list(itertools.chain(*EVERY.values()))
    for quiz in (EVERY["test_before"], EVERY["test_after"], everything):
        letters = Counter(each.letter for each in quiz)
        assert max(letters.values()) <= 0.4 * len(quiz), letters
    lengths = [sorted((len(o), place) for place, o in enumerate(q.options)) for q in everything]
    clear = [
        longest[1] == each.right
        for (*_, second, longest), each in zip(lengths, everything, strict=True)
        if longest[0] > second[0] + 6
    ]
    assert sum(clear) < 0.35 * len(everything), "the longest option is right too often"


def test_what_students_get_shows_no_answer(written: Path) -> None:
    for name, quiz in EVERY.items():
        text = (written / f"{name}.md").read_text(encoding="utf-8")
        key = (written / "key.md").read_text(encoding="utf-8")
        for each in quiz:
            assert each.text in text
            assert each.reason not in text
            assert each.reason in key
            assert f"- {each.letter}) {each.options[each.right]}\n" in text


def test_a_question_in_another_form_is_refused() -> None:
    good = (
        "## Check yourself\n\n**Question 1.** Which?\n\n- a) one\n- b) two\n\n"
        "<details><summary>Answer to question 1</summary>\n\n**b.** So.\n\n</details>"
    )
    (found,) = quizzes.check_yourself(new_notebook(cells=[new_markdown_cell(good)]))
    assert found == quizzes.Question("Which?", ("one", "two"), 1, "So.")
    with pytest.raises(ValueError, match="1 questions, of which 0"):
        quizzes.check_yourself(new_notebook(cells=[new_markdown_cell(good.replace("- b", "b"))]))
    given = {"text": "Which?", "options": ["one", "two"], "right": "c", "reason": "So."}
    with pytest.raises(ValueError, match='2 options and the answer "c"'):
        quizzes.question(given)
    with pytest.raises(ValueError, match="different options"):
        quizzes.question(given | {"options": ["one", "one"], "right": "a"})


# --- real parsers ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gift_parser(tmp_path_factory: pytest.TempPathFactory) -> Path:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm, which fetches the parser of GIFT files, is not installed")
    folder = tmp_path_factory.mktemp("gift")
    try:
        fetched = subprocess.run(
            [npm, "pack", PARSER], cwd=folder, timeout=120, capture_output=True
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not answer")
    packages = list(folder.glob("*.tgz"))
    if fetched.returncode or not packages:
        pytest.skip("npm could not fetch the parser: is there a network?")
    # Not with shutil: a filter against hostile names needs Python 3.11.4 or newer.
    subprocess.run(["tar", "-xf", packages[0].name], cwd=folder, check=True)
    return folder / "package"


READ = """
const { parse } = require(process.argv[1]);
const text = require("fs").readFileSync(0, "utf8");
process.stdout.write(JSON.stringify(parse(text)));
"""


def parsed(parser: Path, text: str) -> subprocess.CompletedProcess[str]:
    command = [str(NODE), "-e", READ, str(parser)]
    return subprocess.run(command, input=text, capture_output=True, text=True, encoding="utf-8")


def test_moodle_reads_each_quiz(written: Path, gift_parser: Path) -> None:
    for name, quiz in EVERY.items():
        text = (written / f"{name}.gift").read_text(encoding="utf-8")
        result = parsed(gift_parser, text)
        assert result.returncode == 0, result.stderr[-1500:]
        found = [each for each in json.loads(result.stdout) if each["type"] == "MC"]
        assert len(found) == len(quiz)
        for each, question in zip(found, quiz, strict=True):
            right = [choice["isCorrect"] for choice in each["choices"]]
            assert right == [place == question.right for place in range(len(question.options))]
            words = each["choices"][question.right]["text"]["text"]
            assert re.sub(r"\W", "", question.options[question.right]) in re.sub(r"\W", "", words)
    assert parsed(gift_parser, "::a:: Which? {=one ~two").returncode, "it refuses what is broken"


def test_canvas_reads_each_quiz(written: Path) -> None:
    for name, quiz in EVERY.items():
        with zipfile.ZipFile(written / f"{name}.zip") as package:
            manifest = ElementTree.fromstring(package.read("imsmanifest.xml"))
            files = [e.get("href", "") for e in manifest.iter() if e.tag.endswith("}file")]
            assert set(files) <= set(package.namelist())
            (path,) = (n for n in files if "assessment_" in n and not n.endswith("meta.xml"))
            root = ElementTree.fromstring(package.read(path))
        items = [element for element in root.iter() if element.tag.endswith("}item")]
        assert len(items) == len(quiz)
        for item, question in zip(items, quiz, strict=True):
            labels = [e for e in item.iter() if e.tag.endswith("}response_label")]
            right = [e.text for e in item.iter() if e.tag.endswith("}varequal")]
            assert [e.get("ident") for e in labels].index(right[0]) == question.right
