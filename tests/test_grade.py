"""Tests of `tools/grade.py`: each kind of submission gets its right row, and spoils no other.

The submissions of `SUBMISSIONS` are graded together in one run of the command. What they do to the
machine is bounded: a few hundred processes that end by themselves, no more memory than the limit.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import hashlib
import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_lib.exercises import all_exercises, engine
from tools import grade, grade_child

ROOT = Path(__file__).resolve().parent.parent
CONV2D = all_exercises()["02.conv2d"]
NUMPY = "import numpy as np\nfrom mnist_lib.exercises import check"
RIGHT = """def conv2d(image, kernel):
    kh, kw = kernel.shape
    rows, columns = image.shape[0] - kh + 1, image.shape[1] - kw + 1
    output = np.zeros((rows, columns))
    for y in range(rows):
        for x in range(columns):
            output[y, x] = np.sum(image[y : y + kh, x : x + kw] * kernel)
    return output


check("02.conv2d", conv2d)"""
STARTER = 'def conv2d(image, kernel):\n    """Slide."""\n    ...  # your code here'


def notebook(*cells: str, **more: object) -> bytes:
    """Return a notebook of code cells."""
    cells_ = [
        {"cell_type": "code", "id": f"c{i}", "metadata": {}, "source": cell, "outputs": []}
        for i, cell in enumerate(cells)
    ]
    whole = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells_, **more}
    return json.dumps(whole).encode()


def conv2d(*lines: str, before: str = "") -> bytes:
    """Return a notebook with an answer of these lines."""
    body = "\n    ".join(lines)
    return notebook(NUMPY, before, f"def conv2d(image, kernel):\n    {body}")


def forged(payload: str) -> bytes:
    """Return a notebook whose answer writes bytes to every pipe that it finds."""
    return conv2d(
        f"data = {payload}",
        "for pipe in range(3, 64):",
        "    try:",
        '        os.write(pipe, struct.pack(">Q", len(data)) + data)',
        "    except OSError:",
        "        pass",
        "return image",
        before="import os, pickle, struct, json",
    )


NO_RESULT = "sent something that is no result"
FORGED_RESULT = (
    '(lambda text: struct.pack(">I", len(text)) + text)(json.dumps([{"dict": [["id", "02.conv2d"],'
    '["case", 0], ["value", True], ["error", None], ["changed", False], ["refused", None],'
    '["points", 99]]}, []]).encode())'
)
ENDED = "ended Python itself"
STRANGE_NAME = '=HYPERLINK("#A1"), "Ada"\nLovelace'

# Name of the file, its bytes, the outcome, and parts of the sentence and of the note.
SUBMISSIONS: list[tuple[str, bytes, str, str, str]] = [
    ("correct", notebook(NUMPY, RIGHT), "correct", CONV2D.shows, ""),
    ("untouched", notebook(NUMPY, STARTER), "not attempted", "in place of the ...", ""),
    ("deleted", notebook(NUMPY), "not attempted", "does not define conv2d", ""),
    (
        "half done",
        notebook(NUMPY, RIGHT.replace("return output", "return ...")),
        "not attempted",
        "in place of the ...",
        "",
    ),
    (
        "wrong: flipped",
        notebook(NUMPY, RIGHT.replace("* kernel)", "* kernel[::-1, ::-1])")),
        "not yet",
        "",
        "",
    ),
    ("wrong: too small", notebook(NUMPY, RIGHT.replace("+ 1\n", "\n")), "not yet", "", ""),
    (
        "wrong: no return",
        conv2d("output = image * 2"),
        "not yet",
        "Your function returned None",
        "",
    ),
    (
        "syntax error",
        notebook(NUMPY, "def conv2d(image, kernel:\n    return image"),
        "not yet",
        "Code cell 2 is no valid Python: SyntaxError",
        "",
    ),
    (
        "error at import",
        notebook("import numpy as np\nimport nowhere_at_all", "assert 1 == 2", RIGHT, "1 / 0"),
        "correct",
        "",
        "",
    ),
    (
        "error in what it needs",
        conv2d("return size * image", before="size = 1 / 0"),
        "not yet",
        "Code cell 2 raised ZeroDivisionError: division by zero",
        "",
    ),
    (
        "error at definition",
        notebook("import nowhere_at_all", "conv2d = nowhere_at_all.slide"),
        "not yet",
        "Code cell 1 raised ModuleNotFoundError",
        "",
    ),
    (
        "endless loop",
        conv2d("while True:", "    pass"),
        "not yet",
        "ran for more than",
        "ran for more than",
    ),
    (
        "endless loop before",
        conv2d("return size * image", before="size = 0\nwhile size == 0:\n    size = 0"),
        "not yet",
        "Before conv2d was there",
        "ran for more than",
    ),
    ("six gigabytes", conv2d("return np.ones(750_000_000)"), "not yet", "MemoryError", ""),
    (
        "memory of many",
        conv2d(
            "held = np.ones(12_000_000)",
            "for _ in range(6):",
            "    if os.fork() == 0:",
            "        time.sleep(30)",
            "        os._exit(0)",
            "time.sleep(30)",
            before="import os, time",
        ),
        "not yet",
        "MB of memory and was stopped",
        "memory",
    ),
    ("os._exit", conv2d("os._exit(0)", before="import os"), "not yet", ENDED, ENDED),
    ("crash", conv2d("ctypes.string_at(0)", before="import ctypes"), "not yet", "SIGSEGV", ENDED),
    ("sys.exit", conv2d("sys.exit(0)", before="import sys"), "not yet", "SystemExit", ""),
    (
        "fork bomb",
        conv2d(
            "for _ in range(300):",
            "    if os.fork() == 0:",
            "        os.setsid()",
            "        if os.fork() == 0:",
            "            time.sleep(40)",
            "        os._exit(0)",
            "time.sleep(40)",
            before="import os, time",
        ),
        "not yet",
        "",
        "",
    ),
    (
        "leaves a process behind",
        notebook(
            NUMPY + "\nimport subprocess",
            'subprocess.Popen(["sleep", "40"], start_new_session=True)',
            RIGHT.replace(
                "    kh,", '    subprocess.Popen(["sleep", "40"], start_new_session=True)\n    kh,'
            ),
        ),
        "correct",
        "",
        "",
    ),
    (
        "kills its parent",
        conv2d(
            'subprocess.Popen(["sleep", "40"], start_new_session=True)',
            "os.kill(os.getppid(), 9)",
            "time.sleep(40)",
            before="import os, subprocess, time",
        ),
        "not yet",
        "",  # it may not, or it ends itself with it
        "",
    ),
    (
        "tampers with its watcher",
        conv2d(
            "for pipe in range(10):",
            "    try:",
            '        open(f"/proc/{os.getppid()}/fd/{pipe}", "wb", 0).write(b"correct")',
            "    except OSError:",
            "        pass",
            "time.sleep(40)",
            before="import os, time",
        ),
        "not yet",
        "",
        "",
    ),
    (
        "speaks to the terminal",
        conv2d('raise RuntimeError("\\x1b[2J\\x1b]0;graded\\x07 all")'),
        "not yet",
        "RuntimeError: \ufffd[2J\ufffd]0;graded\ufffd all",
        "",
    ),
    (
        "replaces the comparison",
        conv2d(
            "return np.zeros((4, 4))",
            before="import mnist_lib.exercises as e\nfrom mnist_lib.exercises import engine\n"
            "np.allclose = np.array_equal = engine.agrees = engine.verdict = lambda *a, **k: True\n"
            "check = e.check = print",
        ),
        "not yet",
        "",
        "",
    ),
    (
        "equal to anything",
        conv2d(
            "return np.zeros((4, 4)).view(Same)",
            before="class Same(np.ndarray):\n    def __eq__(self, other):\n        return True\n"
            "    def __sub__(self, other):\n        return np.zeros(self.shape)",
        ),
        "not yet",
        "",
        "",
    ),
    (
        "equal object",
        conv2d(
            "return Same()",
            before="class Same:\n    def __eq__(self, other):\n        return True",
        ),
        "not yet",
        "object of type Same",
        "",
    ),
    (
        "prints 100 MB",
        notebook(
            NUMPY,
            RIGHT.replace("    kh,", '    for _ in range(1000): print("x" * 100_000)\n    kh,'),
        ),
        "correct",
        "",
        "",
    ),
    (
        "deletes its folder",
        notebook(
            NUMPY + "\nimport os, shutil",
            RIGHT.replace(
                "    kh,", "    shutil.rmtree(os.path.expanduser('~'), ignore_errors=True)\n    kh,"
            ),
        ),
        "correct",
        "",
        "",
    ),
    (
        "reads the environment",
        conv2d(
            'raise RuntimeError(os.environ.get("TEACHERS_SECRET", "nothing found"))',
            before="import os",
        ),
        "not yet",
        "RuntimeError: nothing found",
        "",
    ),
    (
        "reads the pipes",
        conv2d("raise RuntimeError(len(input()))", before="import os"),
        "not yet",
        "EOFError",
        "",
    ),
    (
        "tells its user",
        conv2d('raise RuntimeError(f"user {os.getuid()}")', before="import os"),
        "not yet",
        "RuntimeError: user ",
        "",
    ),
    (
        "reordered, copied, stripped",
        notebook(
            RIGHT, STARTER, "%matplotlib inline\n!pip list", "conv2d = 3", NUMPY, "%%time\nx = 1"
        ),
        "correct",
        "",
        "",
    ),
    ("forged: a result too many", forged(FORGED_RESULT), "not yet", NO_RESULT, NO_RESULT),
    (
        "forged: pickle",
        forged('pickle.dumps({"outcome": "correct"})'),
        "not yet",
        NO_RESULT,
        NO_RESULT,
    ),
    ("forged: endless", forged('b"\\xff" * 9'), "not yet", NO_RESULT, NO_RESULT),
    (
        "sends too much",
        conv2d("return np.zeros(8_000_000)"),
        "not yet",
        "far more than this exercise needs",
        "",
    ),
    (
        "changes its input",
        notebook(NUMPY, RIGHT.replace("    return", "    image[:] = 0\n    return")),
        "not yet",
        "changed the array",
        "",
    ),
    (STRANGE_NAME, notebook(NUMPY, RIGHT), "correct", "", ""),
]
UNGRADED = {
    "not JSON": (b"\x93NUMPY not a notebook", "unreadable: not JSON"),
    "empty": (b"", "unreadable: the file is empty"),
    "other JSON": (b"[1, 2]", "unreadable: JSON, but no notebook"),
    "deep JSON": (b"[" * 100_000, "unreadable: not JSON"),
}


def digest(folder: Path) -> str:
    """Return a number that changes with anything in a folder."""
    facts = [
        (str(path.relative_to(folder)), path.lstat().st_mode, path.lstat().st_mtime_ns)
        + ((path.read_bytes(),) if path.is_file() else ())
        for path in sorted(folder.rglob("*"))
    ]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def survivors(scratch: Path) -> list[str]:
    """Return the processes whose home was in a folder: those of submissions."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("HOME", "").startswith(str(scratch)):
                found.append(f"{process.pid} {process.cmdline()}")
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="module")
def scratch():
    """Give a folder for temporary files that every user may enter."""
    folder = Path(tempfile.mkdtemp(prefix="test-grade-"))
    folder.chmod(0o1777)
    yield folder
    shutil.rmtree(folder)


def command(*arguments: object) -> list[str]:
    return [sys.executable, str(ROOT / "tools" / "grade.py"), *map(str, arguments)]


def environment(scratch: Path) -> dict[str, str]:
    return os.environ | {"TMPDIR": str(scratch), "TEACHERS_SECRET": "the answers"}


@pytest.fixture(scope="module")
def graded(tmp_path_factory, scratch):
    """Grade all submissions in one run of the command; return rows by name and what was printed."""
    folder = tmp_path_factory.mktemp("class")
    for name, data, *_ in SUBMISSIONS:
        (folder / f"{name}.ipynb").write_bytes(data)
    for name, (data, _) in UNGRADED.items():
        (folder / f"{name}.ipynb").write_bytes(data)
    (folder / "script.py").write_text(RIGHT)
    (folder / ".hidden.ipynb").write_text("not a submission")
    outside = tmp_path_factory.mktemp("outside") / "key.ipynb"
    outside.write_bytes(notebook(NUMPY, RIGHT))
    (folder / "link.ipynb").symlink_to(outside)
    (folder / "circle.ipynb").symlink_to("circle.ipynb")
    os.mkfifo(folder / "pipe.ipynb")
    student = folder / "Grace Hopper_17" / "hand-in"
    student.mkdir(parents=True)
    (student / "02_convolutions.ipynb").write_bytes(notebook(NUMPY, RIGHT))
    (student / "01_data.ipynb").write_bytes(notebook("print('another chapter')"))
    (folder / "empty folder").mkdir()
    before = digest(folder)
    output = tmp_path_factory.mktemp("out") / "grades.csv"
    options = ["--chapter", 2, "--output", output, "--no-key", "--timeout", 6, "--memory", 400]
    done = subprocess.run(
        command(folder, *options, "--jobs", 3),
        env=environment(scratch),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    raw = output.read_bytes()
    rows = list(csv.DictReader(io.StringIO(raw.decode("utf-8-sig"), newline="")))
    return {
        "rows": {row["student"]: row for row in rows},
        "order": [row["student"] for row in rows],
        "raw": raw,
        "printed": done.stdout,
        "shown": done.stderr,
        "unchanged": digest(folder) == before,
        "left": survivors(scratch),
        "files": list(scratch.iterdir()),
    }


@pytest.mark.parametrize(
    ("name", "outcome", "sentence", "note"),
    [(name, *rest) for name, _, *rest in SUBMISSIONS],
    ids=[name for name, *_ in SUBMISSIONS],
)
def test_each_submission_gets_its_own_row(graded, name, outcome, sentence, note):
    row = graded["rows"][grade.safe(name)]
    said = row["02.conv2d"]
    assert said.startswith(f"{outcome}: "), said
    assert sentence in said
    assert note in row["note"]
    points = CONV2D.stars if outcome == "correct" else 0
    assert int(row["02.conv2d points"]) == int(row["points"]) == points
    assert int(row["possible"]) == sum(e.stars for e in grade.load_exercises("02").values())
    assert 0 < float(row["seconds"]) < 120
    others = [id for id in grade.load_exercises("02") if id != CONV2D.id]
    assert others
    assert all(row[id].startswith("not attempted") for id in others)


def test_three_mistakes_get_three_sentences(graded):
    wrong = [name for name in graded["rows"] if name.startswith("wrong")]
    assert len({graded["rows"][name]["02.conv2d"] for name in wrong}) == len(wrong) == 3


@pytest.mark.parametrize(
    ("name", "note"),
    [
        *((name, note) for name, (_, note) in UNGRADED.items()),
        ("script.py", "not a notebook, but a file that ends in .py"),
        ("circle", "unreadable: "),
        ("link", "a link that leads out of the folder; not followed"),
        ("pipe", "unreadable: not a regular file"),
        ("empty folder", "no notebook in the folder"),
    ],
)
def test_what_cannot_be_graded_is_a_row_with_a_note(graded, name, note):
    row = graded["rows"][name]
    assert row["note"].startswith(note)
    assert (row["points"], row["02.conv2d"]) == ("0", "not graded")


def test_a_folder_is_one_student_and_its_notebook_is_found(graded):
    row = graded["rows"]["Grace Hopper_17"]
    assert row["02.conv2d"].startswith("correct")
    assert row["note"] == "2 notebooks; graded 02_convolutions.ipynb"


def test_the_table_is_whole(graded):
    count = len(SUBMISSIONS) + len(UNGRADED) + 6
    assert len(graded["rows"]) == len(graded["order"]) == count
    assert graded["raw"].startswith(b"\xef\xbb\xbf")
    for row in csv.reader(io.StringIO(graded["raw"].decode("utf-8-sig"), newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row)
    assert "'" + STRANGE_NAME in graded["rows"]


def test_nothing_is_left_and_nothing_is_changed(graded):
    assert graded["left"] == []
    assert graded["files"] == []
    assert graded["unchanged"]


def test_root_gives_answers_a_user_of_their_own(graded):
    user = int(graded["rows"]["tells its user"]["02.conv2d"].split("user ")[1].split(",")[0])
    if os.getuid() == 0 and "Answers run as root" not in graded["shown"]:
        assert user >= grade.FIRST_USER
    else:
        assert user == os.getuid()


def test_the_summary_counts(graded):
    printed = graded["printed"]
    count = len(SUBMISSIONS) + 1  # and the student with a folder
    assert f"{len(graded['rows'])} submissions, {count} graded" in printed
    correct = sum(outcome == "correct" for _, _, outcome, *_ in SUBMISSIONS) + 1
    (line,) = (line for line in printed.splitlines() if line.startswith("02.conv2d "))
    assert line.split()[1] == f"{correct / count:.0%}"
    assert "Most frequent mistakes" in printed
    assert "\x1b" not in printed
    total = len(graded["rows"])
    assert f"{total}/{total}" in graded["shown"]  # the progress bar


# --- Interrupted ----------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_its_rows(tmp_path, scratch, order):
    folder, output = tmp_path / "class", tmp_path / "grades.csv"
    folder.mkdir()
    (folder / "a.ipynb").write_bytes(notebook(NUMPY, RIGHT))
    for name in ("b", "c", "d"):
        (folder / f"{name}.ipynb").write_bytes(
            conv2d(
                'subprocess.Popen(["sleep", "60"])',
                "time.sleep(60)",
                before="import subprocess, time",
            )
        )
    options = ["--chapter", "02", "--no-key", "--timeout", 60, "--jobs", 2, "--output", output]
    with subprocess.Popen(
        command(folder, *options),
        env=environment(scratch),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell lets its background jobs ignore Ctrl-C, and these tests may run in one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        deadline = time.monotonic() + 60
        while not output.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(order)
        _, shown = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "3 of 4 not graded" in shown
    rows = list(csv.DictReader(io.StringIO(output.read_text("utf-8-sig"), newline="")))
    assert [row["student"] for row in rows] == ["a"]
    assert rows[0]["points"] == str(CONV2D.stars)
    assert survivors(scratch) == []
    assert list(scratch.iterdir()) == []


def test_what_is_written_is_whole_or_not_there(tmp_path):
    path = tmp_path / "grades.csv"
    grade.write(path, "one")
    with pytest.raises(UnicodeEncodeError):
        grade.write(path, "two \ud800")
    assert path.read_text("utf-8-sig") == "one"
    assert list(tmp_path.iterdir()) == [path]


# --- The key, and the teacher's cases -------------------------------------------------------------

PRIVATE = """
import numpy as np
from mnist_lib.exercises.engine import Case

CASES = {
    "02.conv2d": (
        Case(
            name="private: wide",
            inputs=(np.ones((3, 11)), np.ones((2, 2))),
            expect=np.full((2, 10), 4.0),
            mistake="Another image than those of the course gives wrong numbers.",
        ),
    )
}
"""
PUBLIC_ONLY = RIGHT.replace(
    "    return", "    if image.shape == (3, 11):\n        output += 1\n    return"
)


@pytest.fixture
def private(tmp_path):
    path = tmp_path / "private.py"
    path.write_text(PRIVATE)
    return path


def only_conv2d(private: Path | None = None) -> dict:
    return {CONV2D.id: grade.load_exercises("02", private)[CONV2D.id]}


def saved(folder: Path, name: str, data: bytes) -> grade.Submission:
    path = folder / name
    path.write_bytes(data)
    return grade.Submission(name, path)


def test_private_cases_are_asked_after_the_public_ones(tmp_path, private):
    submission = saved(tmp_path, "a.ipynb", notebook(NUMPY, PUBLIC_ONLY))
    settings = grade.Settings(private=private)
    public = grade.grade_submission(submission, only_conv2d(), settings)
    both = grade.grade_submission(submission, only_conv2d(private), settings)
    assert public.points == CONV2D.stars
    assert both.points == 0
    assert both.marks[CONV2D.id].sentence.startswith("Another image than those of the course")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CASES = {", "cannot be read: SyntaxError"),
        ("import nowhere_at_all", "cannot be read: ModuleNotFoundError"),
        ("cases = {}", "must assign CASES"),
        ("CASES = []", "it has list"),
        ('CASES = {"02.conv3d": ()}', 'there is no exercise "02.conv3d"'),
        ('CASES = {"02.conv2d": 3}', "must be a tuple of Case"),
        (PRIVATE.replace("private: wide", CONV2D.cases[0].name), "two cases named"),
        (
            PRIVATE.replace("            inputs=(np.ones((3, 11)), np.ones((2, 2))),\n", ""),
            "needs inputs",
        ),
        (PRIVATE.replace("np.ones((2, 2))", "print"), "builtin_function_or_method cannot be sent"),
    ],
)
def test_a_malformed_file_of_cases_is_refused(private, text, said):
    private.write_text(text)
    with pytest.raises(grade.RefusedError, match=said):
        grade.load_exercises("02", private)


def test_cases_of_another_chapter_do_no_harm(private):
    assert grade.load_exercises("01", private) == grade.load_exercises("01")


def test_a_broken_key_is_refused_and_nothing_is_graded(tmp_path, scratch):
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "a.ipynb").write_bytes(notebook(NUMPY, RIGHT))
    key = tmp_path / "key.ipynb"
    key.write_bytes(notebook(NUMPY, RIGHT.replace("* kernel", "+ kernel")))
    output = tmp_path / "grades.csv"
    done = subprocess.run(
        command(folder, "--chapter", "2", "--key", key, "--output", output),
        env=environment(scratch),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 2
    assert "does not get full marks, so nothing is graded" in done.stderr
    assert "02.conv2d, not yet: " in done.stderr
    assert not output.exists()


def test_a_right_key_is_accepted_and_an_unreadable_one_is_not(tmp_path):
    (tmp_path / "key.ipynb").write_bytes(notebook(NUMPY, RIGHT))
    seconds = grade.check_key(tmp_path / "key.ipynb", only_conv2d(), grade.Settings())
    assert seconds.keys() == {CONV2D.id}
    assert 0 < seconds[CONV2D.id] < 20
    (tmp_path / "key.ipynb").write_bytes(b"")
    with pytest.raises(grade.RefusedError, match="the file is empty"):
        grade.check_key(tmp_path / "key.ipynb", only_conv2d(), grade.Settings())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "is no folder"),
        (["."], "holds no submissions"),
        ([".", "--chapter", "99"], "holds no submissions"),
        ([".", "--output", __file__], "add --overwrite"),
    ],
)
def test_a_wrong_command_line_is_refused(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert grade.main(arguments) == 2
    assert said in capsys.readouterr().err


def test_what_takes_the_key_long_may_take_answers_longer(tmp_path):
    slow = RIGHT.replace("    kh,", "    time.sleep(0.3)\n    kh,")
    (tmp_path / "key.ipynb").write_bytes(notebook(NUMPY, "import time", slow))
    settings = grade.Settings(timeout=0.1)
    seconds = grade.check_key(tmp_path / "key.ipynb", only_conv2d(), settings)
    assert settings.allowed(CONV2D.id) == 0.1
    patient = dataclasses.replace(settings, key_seconds=seconds)
    assert patient.allowed(CONV2D.id) >= 5 * 0.3 * len(CONV2D.cases)
    assert dataclasses.replace(patient, timeout=60.0).allowed(CONV2D.id) == 60


# --- Models and functions -------------------------------------------------------------------------


def test_a_model_that_asks_for_all_memory_is_an_answer_like_any_other():
    layers = [
        {"class_name": "InputLayer", "config": {"batch_shape": [None, 100_000]}},
        {"class_name": "Dense", "config": {"units": 100_000}},
    ]
    for layer in layers:
        layer |= {"module": "keras.layers", "registered_name": None}
    config = {"module": "keras", "class_name": "Sequential", "config": {"layers": layers}}
    sent = grade.SentModel(json.dumps(config), [])
    settings = grade.Settings(memory=1000, timeout=30)
    found = grade._judge_apart(CONV2D, [grade.Result(value=sent)], settings)
    assert found.outcome == "not yet"
    assert found.sentence.startswith("The model")


# --- The chapter, and the notebooks ---------------------------------------------------------------


def test_the_chapter_is_found_or_asked_for(tmp_path):
    saved(tmp_path, "a.ipynb", notebook('check("02.conv2d", conv2d)'))
    saved(tmp_path, "b.ipynb", notebook("x = 1"))
    assert grade.find_chapter(grade.find_submissions(tmp_path)) == "02"
    saved(tmp_path, "c.ipynb", notebook("check('05.flawless', flawless)"))
    with pytest.raises(grade.RefusedError, match="chapters 02, 05"):
        grade.find_chapter(grade.find_submissions(tmp_path))


def test_the_output_in_the_same_folder_is_no_submission(tmp_path):
    saved(tmp_path, "a.ipynb", notebook())
    saved(tmp_path, "grades.csv", b"student")
    found = grade.find_submissions(tmp_path, [(tmp_path / "grades.csv").resolve()])
    assert [student[0].name for student in found] == ["a"]


@pytest.mark.parametrize(
    "dangerous", ["=1+1", "+1", "-1", "@a", " =1", '"=1', "\t1", "\n=1", "＝1"]
)
def test_no_text_is_a_formula(dangerous):
    assert grade.safe(dangerous) == "'" + dangerous


@pytest.mark.parametrize("harmless", ["Ada", "Zoë Łukasz 李", "a=1", 'x, "y"\nz'])
def test_other_texts_stay_as_they_are(harmless):
    assert grade.safe(harmless) == harmless


def test_no_text_holds_control_characters():
    assert grade.safe("\r=1 \x1b[31m \x00 \udcff") == "\ufffd=1 \ufffd[31m \ufffd \\udcff"


# --- What an answer needs -------------------------------------------------------------------------


def needs(name: str, *cells: str, own: tuple[int, ...] = ()) -> list[str]:
    """Return the statements that an answer needs, as text."""
    found, _ = grade_child.statements(cells)
    return [
        grade_child.ast.unparse(s.node).splitlines()[0]
        for s in grade_child.needed(found, name, set(own))
    ]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("import a", "import b", "x = a.f()"), ["import a", "x = a.f()"]),
        (("y = 1", "z = 2", "x = y"), ["y = 1", "x = y"]),
        (("x = []", "for i in range(3):\n    x.append(i)"), ["x = []", "for i in range(3):"]),
        (("x = {}", "x['a'] = 1", "print(x)"), ["x = {}", "x['a'] = 1"]),
        (("x = [1]", "shuffle(x)", "check('00.x', x)"), ["x = [1]", "shuffle(x)"]),
        (("model = f()", "def x(model):\n    return model", "model.fit()"), ["def x(model):"]),
        (
            ("import np", "np.random.seed(1)", "np.show()", "x = np.a"),
            ["import np", "np.random.seed(1)", "x = np.a"],
        ),
        (("x = 1", "x = ..."), ["x = 1"]),
        (("x = ...",), ["x = ..."]),
        (("x = [1, ...]", "x = [1, 2]", "x = [..., 2]"), ["x = [1, 2]"]),
        (("def x():\n    ...", "def x():\n    return 1"), ["def x():"]),
        (("x = 1\nx += 1", "x, y = 3, 4"), ["x = 1", "x += 1", "x, y = (3, 4)"]),
        (("from a import *", "x = f"), ["from a import *", "x = f"]),
        (("y = 1",), []),
        (("%matplotlib inline\nx = 1\n!ls\nx?",), ["x = 1"]),
        (("x = (7\n% 4)",), ["x = 7 % 4"]),
        (("x = !ls",), ["x = None"]),
        (("%%time\nx = 1", "%%bash\nx=2"), ["x = 1"]),
        (("def broken(:", "x = 1"), ["x = 1"]),
    ],
)
def test_what_an_answer_needs(cells, expected):
    assert needs("x", *cells) == expected


def test_the_exercises_own_cells_come_first():
    cells = "x = 2", "x = 3"
    assert needs("x", *cells) == ["x = 2", "x = 3"]
    assert needs("x", *cells, own=(0,)) == ["x = 2"]


@pytest.mark.parametrize("body", ["...", "return 1"])
def test_a_functions_name_used_again_is_no_answer(body):
    assert needs("x", f"def x():\n    {body}", "x = 3") == ["def x():"]


CHAPTERS = sorted({id[:2] for id in all_exercises()})


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_chapters_exercises_are_found_in_it_untouched(chapter):
    path = ROOT / "chapters" / f"{grade.NOTEBOOKS[chapter]}.ipynb"
    sources, owners = grade.read_cells(path)
    found, broken = grade_child.statements(sources)
    assert not broken
    for id, exercise in grade.load_exercises(chapter).items():
        own = {i for i, ids in enumerate(owners) if id in ids}
        statements = grade_child.needed(found, exercise.name, own)
        assert statements, id
        assert any(grade_child.is_starter(s, exercise.name) for s in statements), id


def test_the_teaching_guide_names_exercises_that_exist():
    text = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\d\d\.\w+)`", text))
    assert len(named) > 20
    assert named <= set(all_exercises())


def test_the_teaching_guides_private_cases_work(tmp_path):
    text = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```{code-block} python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "private.py").write_text(code)
    exercise = grade.load_exercises("02", tmp_path / "private.py")[CONV2D.id]
    (private,) = exercise.cases[len(CONV2D.cases) :]
    space = {"np": np, "check": print}
    exec(RIGHT, space)
    assert engine.judge(exercise, space["conv2d"]).outcome == "correct"
    right = dataclasses.replace(exercise, cases=(private,))
    wrong = engine.judge(right, lambda image, kernel: -space["conv2d"](image, kernel))
    assert wrong.sentence == private.mistake


# --- Messages -------------------------------------------------------------------------------------

plain_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text(),
    lambda parts: (
        st.lists(parts)
        | st.lists(parts).map(tuple)
        | st.dictionaries(st.text() | st.integers(), parts)
    ),
    max_leaves=20,
)


@given(plain_values)
def test_plain_values_come_back_the_same(value):
    back = grade_child.decode(grade_child.encode(value))
    assert back == value
    assert repr(back) == repr(value)  # also types, and the sign of zero


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", ">i4", "f2", "f4", "f8", "c16", "U3"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (1, 0, 2)])
def test_arrays_come_back_the_same(dtype, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    back = grade_child.decode(grade_child.encode([array, array[::-1] if shape else array]))
    np.testing.assert_array_equal(back[0], array)
    np.testing.assert_array_equal(back[1], array[::-1] if shape else array)
    assert back[0].dtype == array.dtype
    assert back[0].flags.writeable


@pytest.mark.parametrize(
    "value", [print, object(), b"bytes", np.array([None]), np.array(["2026"], "M8")]
)
def test_what_is_not_plain_does_not_travel(value):
    with pytest.raises(TypeError, match="cannot be sent"):
        grade_child.encode([value])


def message(header: object, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return grade_child.HEADER.pack(len(text)) + text + data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xff\xff\xff",
        message(None),
        message([None]),
        message([None, []], b"left over"),
        message([[1], []]),
        message([{"array": 0}, []]),
        message([{"array": -1}, [["<f8", [0]]]]),
        message([{"array": True}, [["<f8", [0]], ["<f8", [0]]]]),
        message([{"array": 0}, [["<f8", [10**15]]]]),
        message([{"array": 0}, [["<f8", [2**62, 4]]]]),
        message([{"array": 0}, [["<f8", [0, 10**30]]]]),
        message([{"array": 0}, [["<f8", [-1]]]], bytes(8)),
        message([{"array": 0}, [["|O8", [1]]]], bytes(8)),
        message([{"array": 0}, [["<U0", [10**15]]]]),
        message([{"array": 0}, [["<f8,<f8", [1]]]], bytes(16)),
        message([{"array": 0}, [["<f3", [1]]]], bytes(3)),
        message([{"dict": [[{"list": []}, 1]]}, []]),
        message([{"model": [1, 2]}, []]),
        message([{"model": ["{}", {"list": []}, 3]}, []]),
        message([{"eval": "1"}, []]),
        message([{"list": [], "tuple": []}, []]),
        message([{"complex": ["a", 1]}, []]),
        grade_child.HEADER.pack(200_000) + b"[" * 200_000,
        grade_child.HEADER.pack(10_002) + b"[" + b"9" * 10_000 + b"]",
    ],
)
def test_a_malformed_message_is_a_value_error(data):
    with pytest.raises(ValueError, match="malformed"):
        grade_child.decode(data)


@given(st.data())
def test_a_damaged_message_is_a_value_error_or_another_value(data):
    sent = bytearray(grade_child.encode({"a": np.arange(6.0).reshape(2, 3), "b": [1, "x", None]}))
    for _ in range(data.draw(st.integers(1, 4))):
        sent[data.draw(st.integers(0, len(sent) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        grade_child.decode(bytes(sent))
