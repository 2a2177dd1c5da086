"""Tests of `tools/grading`: each kind of submission gets its right row, and spoils no other.

The submissions of `SUBMISSIONS` are graded together in one run of the command. What they do to the
machine is bounded: a few hundred processes for seconds, no more memory than the limit.
"""

from __future__ import annotations

import contextlib
import csv
import dataclasses
import io
import json
import os
import re
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnist_lib.exercises import NOTEBOOKS, all_exercises, engine
from tools.grading import __main__ as command
from tools.grading import answers, judge, messages, processes, report, submissions
from tools.grading.grade import Mark, Row, check_start, grade_student
from tools.grading.notebook import find_answer, read_cells
from tools.grading.submissions import Student

ROOT = Path(__file__).resolve().parent.parent
CONV2D = all_exercises()["02.conv2d"]
ONLY = {CONV2D.id: CONV2D}
NUMPY = """import numpy as np
from mnist_lib.exercises import check
import contextlib, ctypes, glob, json, os, pickle, re, socket, struct, subprocess, sys, time"""
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
Entry = tuple[str, bytes, str, str, str]
MARK = f"outlives-{os.getpid()}"


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


def right(*lines: str, before: str = "") -> bytes:
    """Return a notebook with a right answer that does something else first."""
    first = "".join(f"    {line}\n" for line in lines)
    return notebook(NUMPY, before, RIGHT.replace("    kh, kw", f"{first}    kh, kw", 1))


def tells(expression: str, before: str = "") -> bytes:
    """Return a notebook whose answer says what it has found out."""
    return conv2d(f"raise RuntimeError({expression})", before=before)


def forged(payload: str) -> bytes:
    """Return a notebook whose answer writes bytes to every pipe that it finds."""
    return conv2d(
        f"data = {payload}",
        "for pipe in range(64):",
        "    try:",
        '        os.write(pipe, struct.pack(">I", len(data)) + data)',
        "    except OSError:",
        "        pass",
        "return image",
    )


FORGED_RESULT = (
    'json.dumps({"dict": [["value", True], ["error", None], ["changed", False], ["refused", None],'
    '["points", 99]]}).encode()'
)
NO_RESULT = judge.NO_RESULT
ENDED = "ended Python itself"
STRANGE_NAME = '=HYPERLINK("#A1"), "Ada"\nLovelace'
KILLS = """for process in (-1, 1, os.getppid()):
    try:
        process and os.kill(process, {})
    except OSError:
        pass"""
DEFINED_TWICE = "def total(window{}):\n    return np.sum(window{})"


def good(name: str, data: bytes) -> Entry:
    """Return the name of a file, its bytes, and what the row must say."""
    return name, data, "correct", "", ""


def bad(
    name: str, data: bytes, sentence: str = "", note: str = "", *, outcome: str = "not yet"
) -> Entry:
    """Do the same for a submission without points, with parts of its sentence and note."""
    return name, data, outcome, sentence, note


PLAIN = [
    good("correct", notebook(NUMPY, RIGHT)),
    bad("untouched", notebook(NUMPY, STARTER), "in place of the ...", outcome="not attempted"),
    bad("deleted", notebook(NUMPY), "does not define conv2d", outcome="not attempted"),
    bad(
        "half done",
        notebook(NUMPY, RIGHT.replace("return output", "return ...")),
        "in place of the ...",
        outcome="not attempted",
    ),
    bad(
        "wrong: flipped",
        notebook(NUMPY, RIGHT.replace("* kernel)", "* kernel[::-1, ::-1])")),
        "do not flip it",
    ),
    bad(
        "wrong: too small",
        notebook(NUMPY, RIGHT.replace("+ 1\n", "\n")),
        "Only windows that lie inside the image count",
    ),
    bad("wrong: no return", conv2d("output = image * 2"), "returned None"),
    bad(
        "syntax error",
        notebook(NUMPY, "def conv2d(image, kernel:\n    return image"),
        "Code cell 2 is no valid Python: SyntaxError",
    ),
    good(
        "error at import",
        notebook("import numpy as np\nimport nowhere_at_all", "assert 1 == 2", RIGHT, "1 / 0"),
    ),
    bad(
        "error in what it needs",
        conv2d("return size * image", before="size = 1 / 0"),
        "Code cell 2 raised ZeroDivisionError: division by zero",
    ),
    bad(
        "error at definition",
        notebook("import nowhere_at_all", "conv2d = nowhere_at_all.slide"),
        "Code cell 1 raised ModuleNotFoundError",
    ),
    bad(
        "changes its input",
        notebook(NUMPY, RIGHT.replace("    return", "    image[:] = 0\n    return")),
        "changed the array",
    ),
    good(STRANGE_NAME, notebook(NUMPY, RIGHT)),
    good("Zoë\u200c\u3000李", notebook(NUMPY, RIGHT)),
    bad("Zoë\u200d\u3000李", notebook(NUMPY, STARTER), outcome="not attempted"),
    good("prints 100 MB", right('for _ in range(1000): print("x" * 100_000)')),
]
# Right answers that have lost points.
LOST = [
    good(
        "moved, copied, stripped",
        notebook(
            RIGHT, STARTER, "%matplotlib inline\n!pip list", "conv2d = 3", NUMPY, "%%time\nx = 1"
        ),
    ),
    good(
        "cell magic, and a docstring that asks",
        notebook(
            NUMPY, "%%time\n" + RIGHT.replace(":\n", ':\n    """Slide it.\n    How?\n    """\n', 1)
        ),
    ),
    good("question above the answer", notebook(NUMPY, "?np.sum\n" + RIGHT)),
    good(
        "assigned after %time",
        notebook(NUMPY, RIGHT.replace("conv2d(image", "slide(image"), "%time conv2d = slide"),
    ),
    good(
        "own helper redefined later",
        notebook(
            NUMPY,
            DEFINED_TWICE.format("", ""),
            RIGHT.replace("np.sum(", "total("),
            DEFINED_TWICE.format(", axis", ", axis"),
            "def other(x):\n    return total(x, 0)",
        ),
    ),
    good("counts globally", right("global count", "count += 1", before="count = 0")),
    good(
        "recursion limit",
        right(
            "down(3000)",
            before="sys.setrecursionlimit(9000)\n\ndef down(n):\n    return n and down(n - 1)",
        ),
    ),
    good(
        "answer in another form and cell",
        notebook(
            NUMPY, STARTER, RIGHT.replace("conv2d(", "mine("), "conv2d = lambda a, b: mine(a, b)"
        ),
    ),
    good(
        "60,000 blank lines and a magic", notebook(NUMPY, "\n" * 60_000 + "%time x = 1\n" + RIGHT)
    ),
    good("UTF-16", notebook(NUMPY, RIGHT).decode().encode("utf-16")),
    good(
        "nbformat 3",
        json.dumps(
            {
                "nbformat": 3,
                "worksheets": [
                    {"cells": [{"cell_type": "code", "input": c.splitlines(keepends=True)}]}
                    for c in (NUMPY, RIGHT)
                ],
            }
        ).encode(),
    ),
]
# Submissions that spoil their own run.
BREAKING = [
    bad("endless loop", conv2d("while True:", "    pass"), "ran for more than", "ran for"),
    bad(
        "endless loop before",
        conv2d("return size * image", before="size = 0\nwhile size == 0:\n    size = 0"),
        "Before conv2d was there",
        "ran for more than",
    ),
    bad("six gigabytes", conv2d("return np.ones(750_000_000)"), "MemoryError"),
    bad(
        "no bytes, endless shape", conv2d("return np.zeros((10**12, 0))"), "Your function returned"
    ),
    bad("sends too much", conv2d("return np.zeros(8_000_000)"), "far more than"),
    bad(
        "endlessly deep",
        conv2d("deep = []", "for _ in range(100_000):", "    deep = [deep]", "return deep"),
    ),
    bad("long number", conv2d("return 10**10_000")),
    bad("os._exit", conv2d("os._exit(0)"), ENDED, ENDED),
    bad("crash", conv2d("ctypes.string_at(0)"), ENDED, ENDED),
    bad("sys.exit", conv2d("sys.exit(0)"), "SystemExit"),
    bad(
        "equal to anything",
        conv2d(
            "return np.zeros((4, 4)).view(Same)",
            before="class Same(np.ndarray):\n    def __eq__(self, other):\n        return True\n"
            "    def __sub__(self, other):\n        return np.zeros(self.shape)",
        ),
    ),
    bad(
        "equal object",
        conv2d(
            "return Same()", before="class Same:\n    def __eq__(self, other):\n        return True"
        ),
        "object of type Same",
    ),
    bad(
        "replaces the comparison",
        conv2d(
            "return np.zeros((4, 4))",
            before="import mnist_lib.exercises as e\nfrom mnist_lib.exercises import engine\n"
            "np.allclose = np.array_equal = engine.agrees = engine.verdict = lambda *a, **k: True\n"
            "check = e.check = print",
        ),
    ),
    bad(
        "speaks to the terminal",
        tells('"\\x1b[2J\\x1b]0;graded\\x07 all"'),
        "RuntimeError: \ufffd[2J\ufffd]0;graded\ufffd all",
    ),
    bad("forged: a result", forged(FORGED_RESULT), NO_RESULT),
    bad("forged: pickle", forged('pickle.dumps({"outcome": "correct"})'), NO_RESULT),
    bad("forged: endless", forged('b"\\xff" * 9'), NO_RESULT),
]
# Submissions that reach for what is not theirs; these are run as root and as an ordinary user.
REACHING = [
    bad("fork bomb", conv2d("while True:", "    os.fork()")),
    bad(
        "memory of many",
        conv2d(
            "held = np.ones(12_000_000)",
            "for _ in range(6):",
            "    if os.fork() == 0:",
            "        time.sleep(30)",
            "        os._exit(0)",
            "time.sleep(30)",
        ),
        "MB of memory and was stopped",
        "memory",
    ),
    good(
        "leaves a process behind",
        right(f'subprocess.Popen(["sleep", "4{os.getpid()}"], start_new_session=True)'),
    ),
    good("kills all", right(*KILLS.format(9).splitlines())),
    good("stops all", right(*KILLS.format(19).splitlines())),
    bad(
        "sees processes",
        tells('sorted(int(p) for p in os.listdir("/proc") if p.isdigit())'),
        "RuntimeError: [1, 2]",
    ),
    bad(
        "reads the environment",
        tells(
            '"SECRET" in str(os.environ) + "".join(open(f, errors="replace").read() for f in '
            'glob.glob("/proc/[0-9]*/environ") if os.access(f, os.R_OK))'
        ),
        "RuntimeError: False",
    ),
    bad("reads the pipes", tells("len(input())"), "EOFError"),
    bad(
        "reads files",
        tells("[p for p in PATHS if os.path.exists(p)]", before="PATHS = {paths}"),
        "RuntimeError: []",
    ),
    bad(
        "reaches the network",
        tells(
            "[socket.socket().connect_ex((host, {port})) for host in HOSTS].count(0)",
            before="HOSTS = ('127.0.0.1', '1.1.1.1')",
        ),
        "RuntimeError: 0",
    ),
    bad(
        "writes everywhere",
        conv2d(
            "found = []",
            'places = ["/", "/dev", "/dev/shm", "/tmp", "/usr", "/var/tmp", "/proc/sys/kernel",',
            f'    {str(ROOT / "mnist_lib")!r}, {str(ROOT / "tools")!r}, os.path.expanduser("~")]',
            "for place in places:",
            "    try:",
            f'        open(f"{{place}}/{MARK}", "x")',
            "        found.append(place)",
            "    except OSError:",
            "        pass",
            'for name in ("core_pattern", "hostname"):',
            "    if os.access(f'/proc/sys/kernel/{name}', os.W_OK):",
            "        found.append(name)",
            "raise RuntimeError(found)",
        ),
        "RuntimeError: ['/dev/shm', '/tmp']",
    ),
    bad(
        "fills the disk",
        conv2d(
            "written = 0",
            'for place in ("/tmp", "/dev/shm"):',
            "    for number in range(40):",
            "        try:",
            '            with open(f"{place}/{number}", "wb") as file:',
            "                for _ in range(10): written += file.write(bytes(1_000_000))",
            "        except OSError:",
            "            break",
            "raise RuntimeError(f'wrote {written // 1_000_000 < 140}')",
        ),
        "RuntimeError: wrote True",
    ),
    bad(
        "hidden memory",
        tells(
            "[libc.shmget(0, 1 << 30, 0o1600), libc.memfd_create(b'x', 0), libc.unshare(1 << 28), "
            "libc.syscall(56, (1 << 28) | 17, 0, 0, 0, 0)]",
            before="libc = ctypes.CDLL(None)",
        ),
        "RuntimeError: [-1, -1, -1, -1]",
    ),
    bad(
        "is nobody",
        tells(
            '[os.getuid() in {users}, *(int(re.search(rf"{name}:\\s(\\w+)", STATUS)[1], 16) '
            'for name in ("CapPrm", "CapEff", "NoNewPrivs"))]',
            before='STATUS = open("/proc/self/status").read()',
        ),
        "RuntimeError: [True, 0, 0, 1]",
    ),
    good(
        "links its folder",
        right(
            f"os.path.lexists(LINK) or os.symlink({str(ROOT)!r}, LINK)",
            "for place in ('mnist_lib', 'tools'):",
            "    with contextlib.suppress(OSError): os.chmod(f'{LINK}/{place}', 0o700)",
            before='LINK = os.path.expanduser("~/link")',
        ),
    ),
]
SUBMISSIONS = PLAIN + LOST + BREAKING + REACHING
UNGRADED = {
    "not JSON": (b"\x93NUMPY not a notebook", "unreadable: not JSON"),
    "empty": (b"", "unreadable: the file is empty"),
    "other JSON": (b"[1, 2]", "unreadable: JSON, but no notebook"),
    "deep JSON": (b"[" * 100_000, "unreadable: not JSON"),
    "many lists": (
        b'{"cells": [' + b"[]," * 6_600_000 + b"[]]}",
        "unreadable: reading it used more than 400 MB of memory",
    ),
    "long": (b" " * (submissions.LARGEST_NOTEBOOK + 1), "unreadable: larger than 20 MB"),
}


def digest(folder: Path) -> list[tuple[object, ...]]:
    """Return what changes with anything in a folder."""
    found = [os.path.join(place, file) for place, _, files in os.walk(folder) for file in files]
    facts = [(path, os.lstat(path)) for path in found]
    return sorted((path, f.st_mode, f.st_size, f.st_mtime_ns) for path, f in facts)


def survivors() -> list[str]:
    """Return the processes of submissions that have outlived what started them."""
    deadline = time.monotonic() + 30  # the kernel, too, needs a moment
    while True:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                line = process.cmdline()
                orphan = "tools.grading.child" in str(line) and process.ppid() == 1
                if orphan or line == ["sleep", f"4{os.getpid()}"]:
                    found.append(f"{process.pid} {line}")
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.2)


@pytest.fixture(scope="session")
def sandbox(request: pytest.FixtureRequest):
    """Skip, or in continuous integration fail, where no submission starts in the sandbox."""
    try:
        check_start(processes.Settings())
    except processes.StartError as error:
        reason = str(error).partition("\n")[0]
        text = f"grading in the sandbox was not tested: {reason}"
        if os.environ.get("CI") == "true":
            pytest.fail(text)
        plugins = request.config.pluginmanager
        with plugins.get_plugin("capturemanager").global_and_fixture_disabled():
            print(f"\n{text}", file=sys.stderr)  # the output of pytest's workers is not shown
        pytest.skip(text)


def command_line(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "tools.grading", *map(str, arguments)]


def rows_of(path: Path) -> dict[str, dict[str, str]]:
    text = path.read_text(encoding="utf-8-sig")
    return {row["student"]: row for row in csv.DictReader(io.StringIO(text, newline=""))}


@pytest.fixture(scope="module")
def listening():
    """Give the port of a server on this computer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


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


def graded_class(folder: Path, entries, port: int, user: int) -> SimpleNamespace:
    """Grade submissions in one run of the command; return its rows and what it printed."""
    class_, out, private = folder / "class", folder / "out", folder / "private.py"
    for place in (folder, class_, out):
        place.mkdir(exist_ok=True)
        place.chmod(0o777)
    private.write_text(PRIVATE)
    paths = [class_, out, private, ROOT / "solutions", Path.home() / ".bashrc", "/etc/passwd"]
    users = [user] if user else "range(62_000, 63_000)"
    facts = {"paths": [str(path) for path in paths], "port": port, "users": users}
    for name, data, *_ in entries:
        for key, value in facts.items():
            data = data.replace(f"{{{key}}}".encode(), json.dumps(str(value))[1:-1].encode())
        (class_ / f"{name}.ipynb").write_bytes(data)
    before = digest(class_), digest(ROOT / "mnist_lib")
    options = ["--chapter", 2, "--output", out / "grades.csv", "--cases", private, "--no-key"]
    limits = ["--timeout", 15, "--memory", 400, "--jobs", 3]
    other = {"user": user, "group": user, "extra_groups": []} if user != os.geteuid() else {}
    done = subprocess.run(
        command_line(class_, *options, *limits),
        env=os.environ | {"TEACHERS_SECRET": "the answers", "TMPDIR": str(folder)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=400,
        **other,
    )
    assert done.returncode == 0, done.stderr
    places = ("/", "/dev", "/dev/shm", "/tmp", "/var/tmp", "/run", str(ROOT))
    return SimpleNamespace(
        rows=rows_of(out / "grades.csv"),
        raw=(out / "grades.csv").read_bytes(),
        printed=done.stdout,
        said=done.stderr,
        unchanged=(digest(class_), digest(ROOT / "mnist_lib")) == before,
        left=survivors(),
        files=sorted(path.name for path in folder.iterdir()),
        outside=[place for place in places if os.path.exists(f"{place}/{MARK}")],
    )


@contextlib.contextmanager
def scratch():
    """Give a folder that other users may enter, with anything in it."""
    folder = Path(tempfile.mkdtemp(prefix="test-grading-"))
    try:
        yield folder
    finally:
        subprocess.run(["rm", "-rf", folder], check=True)  # Python's own fails if it is too deep


@pytest.fixture(scope="module")
def graded(sandbox, listening):
    """Grade all submissions, and some odd files, as the user who runs the tests."""
    with scratch() as folder:
        class_ = folder / "class"
        class_.mkdir()
        for name, (data, _) in UNGRADED.items():
            (class_ / f"{name}.ipynb").write_bytes(data)
        (class_ / "script.py").write_text(RIGHT)
        (class_ / ".hidden.ipynb").write_text("not a submission")
        (class_ / "link.ipynb").symlink_to("correct.ipynb")
        (class_ / "circle.ipynb").symlink_to("circle.ipynb")
        os.mkfifo(class_ / "pipe.ipynb")
        (class_ / "Grace.IPYNB").write_bytes(notebook(NUMPY, RIGHT))
        (class_ / "Ada_1.ipynb").write_bytes(notebook(NUMPY, STARTER))
        student = class_ / "Ada_1" / "hand-in"
        student.mkdir(parents=True)
        (student / "02_convolutions.ipynb").write_bytes(
            notebook(NUMPY, STARTER, 'check("02.conv2d", conv2d)\ncheck("02.swaps", swaps)')
        )
        (student / "copy of it.ipynb").write_bytes(notebook(NUMPY, RIGHT))
        (student / "01_data.ipynb").write_bytes(notebook("print('another chapter')"))
        (class_ / "links only").mkdir()
        (class_ / "links only" / "a.ipynb").symlink_to("../correct.ipynb")
        (class_ / "links only" / "folder").symlink_to("../Ada_1")
        (class_ / "empty folder").mkdir()
        place = os.open(class_, os.O_RDONLY)
        for _ in range(1200):  # longer than a path may be
            os.mkdir("nested folders", dir_fd=place)
            inner = os.open("nested folders", os.O_RDONLY, dir_fd=place)
            os.close(place)
            place = inner
        os.close(place)
        yield graded_class(folder, SUBMISSIONS, listening, os.geteuid())


@pytest.fixture(scope="module")
def graded_as_other(sandbox, listening):
    """Grade those who reach for more as an ordinary user, if root runs the tests."""
    if os.geteuid() != 0:
        pytest.skip("an ordinary user runs all of these tests")
    start = "import os; os.setuid(65534); import numpy, psutil, mnist_lib.exercises.engine"
    if subprocess.run([sys.executable, "-c", start], cwd=ROOT, capture_output=True).returncode:
        pytest.skip(f"no ordinary user may read {sys.executable} and the course")
    with scratch() as folder:
        yield graded_class(folder, REACHING + PLAIN[:1], listening, 65534)


def check_row(row: dict[str, str], outcome: str, sentence: str, note: str) -> None:
    said = row["02.conv2d"]
    assert said.startswith(f"{outcome}: "), said
    assert sentence in said
    assert note in row["note"]
    points = CONV2D.stars if outcome == "correct" else 0
    assert int(row["02.conv2d points"]) == int(row["points"]) == points
    exercises = judge.load_exercises("02")
    assert int(row["possible"]) == sum(e.stars for e in exercises.values())
    assert all(row[id].startswith("not attempted") for id in exercises if id != CONV2D.id)


NAMED = [
    ("Ada_1", b"", "correct", "", "3 notebooks; copy of it.ipynb counts"),
    ("Ada_1.ipynb", b"", "not attempted", "", ""),
    ("Grace", b"", "correct", "", ""),
]


@pytest.mark.slow
@pytest.mark.parametrize("entry", SUBMISSIONS + NAMED, ids=lambda entry: entry[0])
def test_each_submission_gets_its_own_row(graded, entry):
    name, _, *expected = entry
    check_row(graded.rows[report.safe(name)], *expected)


@pytest.mark.slow
def test_an_ordinary_user_grades_as_root_does(graded_as_other):
    assert graded_as_other.left == graded_as_other.outside == []
    for name, _, *expected in REACHING:
        check_row(graded_as_other.rows[name], *expected)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "note"),
    [
        *((name, note) for name, (_, note) in UNGRADED.items()),
        ("script.py", "not a notebook, but a file that ends in .py"),
        ("circle", "a link; links are not followed"),
        ("link", "a link; links are not followed"),
        ("links only", "a link; links are not followed"),
        ("pipe", "unreadable: not a regular file"),
        ("empty folder", "no notebook in the folder"),
        ("nested folders", "folders in it that are too deep"),
    ],
)
def test_what_cannot_be_graded_is_a_row_with_a_note(graded, name, note):
    row = graded.rows[name]
    assert note in row["note"]
    assert (row["points"], row["02.conv2d"]) == ("0", "not graded")


@pytest.mark.slow
def test_nothing_is_missing_left_or_changed(graded):
    assert len(graded.rows) == len(SUBMISSIONS) + len(UNGRADED) + 10
    assert graded.raw.startswith(b"\xef\xbb\xbf")  # for Excel
    assert graded.left == graded.outside == []
    assert graded.files == ["class", "out", "private.py"]
    assert graded.unchanged


@pytest.mark.slow
def test_the_summary_counts(graded):
    count = len(SUBMISSIONS) + 3
    assert f"{len(graded.rows)} submissions, {count} graded" in graded.printed
    correct = sum(outcome == "correct" for _, _, outcome, *_ in SUBMISSIONS) + 2
    (line,) = (line for line in graded.printed.splitlines() if line.startswith("02.conv2d "))
    assert line.split()[1] == f"{correct / count:.0%}"
    assert "Most frequent mistakes" in graded.printed
    assert "\x1b" not in graded.printed
    assert f"{len(graded.rows)}/{len(graded.rows)}" in graded.printed  # the progress bar
    assert graded.said == ""


# --- Several runs ---------------------------------------------------------------------------------


def grade_folder(folder: Path, *options: object, output: Path) -> subprocess.CompletedProcess[str]:
    arguments = [folder, "--chapter", "02", "--no-key", "--output", output, *options]
    return subprocess.run(
        command_line(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=400
    )


@pytest.mark.slow
def test_a_second_run_goes_on_from_the_rows_that_are_there(sandbox, tmp_path):
    folder, output = tmp_path / "class", tmp_path / "grades.csv"
    folder.mkdir()
    for name in ("a", "b", "c", "d"):
        (folder / f"{name}.ipynb").write_bytes(notebook(NUMPY, RIGHT))
    (folder / "b.ipynb").write_bytes(conv2d("return id(image), object()"))
    one = grade_folder(folder, "--jobs", 1, output=output)
    assert one.returncode == 0, one.stderr
    first = output.read_bytes()
    for jobs in (2, 4):
        other = tmp_path / f"{jobs}.csv"
        assert grade_folder(folder, "--jobs", jobs, output=other).returncode == 0
        assert other.read_bytes() == first

    (folder / "c.ipynb").write_bytes(notebook(NUMPY, STARTER))
    rows = rows_of(output)
    rows["a"]["note"] = "seen by the teacher"
    table = report.Table(output, judge.load_exercises("02"))
    table.rows = rows
    del rows["d"]
    table.save()
    second = grade_folder(folder, output=output)
    assert second.returncode == 0, second.stderr
    assert "grades.csv has 2 of 4 submissions already; they stay." in second.stdout
    assert "2/2" in second.stdout
    assert rows_of(output)["a"]["note"] == "seen by the teacher"
    assert rows_of(output)["c"]["points"] == "0"
    assert rows_of(output)["d"]["points"] == str(CONV2D.stars)
    assert "4 submissions, 4 graded" in second.stdout

    third = grade_folder(folder, "--timeout", 30, output=output)
    assert "already" not in third.stdout  # graded in another way


@pytest.mark.slow
@pytest.mark.parametrize("order", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_keeps_its_rows(sandbox, tmp_path, order):
    folder, output = tmp_path / "class", tmp_path / "grades.csv"
    folder.mkdir()
    (folder / "a.ipynb").write_bytes(notebook(NUMPY, RIGHT))
    endless = conv2d(f'subprocess.Popen(["sleep", "4{os.getpid()}"])', "time.sleep(60)")
    for name in ("b", "c", "d"):
        (folder / f"{name}.ipynb").write_bytes(endless)
    options = ["--chapter", "02", "--no-key", "--timeout", 60, "--jobs", 2, "--output", output]
    with subprocess.Popen(
        command_line(folder, *options),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell lets its background jobs ignore Ctrl-C, and these tests may run in one.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        deadline = time.monotonic() + 300
        while not (output.exists() and rows_of(output)) and time.monotonic() < deadline:
            time.sleep(0.1)
        process.send_signal(order)
        _, shown = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "3 of 4 not graded" in shown
    assert [(row["student"], row["points"]) for row in rows_of(output).values()] == [("a", "2")]
    assert survivors() == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "is no folder"),
        (["empty"], "holds no submissions"),
        (["class", "--chapter", "99"], "has no exercises; these have"),
        (["class", "--output", "nowhere/grades.csv"], "cannot be written: No such file"),
        (["class", "--output", "class"], "cannot be read"),
        (["class", "--output", "other.csv"], "is no table of this chapter"),
        (["class", "--output", "/proc/grades.csv"], "cannot be written"),
        (["class", "--cases", "other.csv"], "must assign CASES"),
    ],
)
def test_what_cannot_work_is_found_before_anything_runs(
    tmp_path, monkeypatch, capsys, arguments, said
):
    monkeypatch.setattr(processes, "Process", None)  # so that none starts
    monkeypatch.setattr(command, "check_start", None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    (tmp_path / "class").mkdir()
    (tmp_path / "class" / "a.ipynb").write_bytes(notebook(NUMPY, RIGHT))
    (tmp_path / "other.csv").write_text("points = 3\n")
    assert command.main(["--chapter", "2", *arguments]) == 2
    assert said in capsys.readouterr().err
    assert (tmp_path / "other.csv").read_text() == "points = 3\n"


@pytest.mark.parametrize(
    "option", ["--timeout=1e300", "--timeout=nan", "--jobs=0", "--jobs=x", "--memory=1"]
)
def test_a_number_out_of_bounds_is_refused(capsys, option):
    with pytest.raises(SystemExit):
        command.main(["class", option])
    assert ": a number from " in capsys.readouterr().err


def test_a_full_disk_leaves_the_finished_rows(tmp_path):
    table = report.Table(tmp_path / "grades.csv", ONLY)
    row = report.cells(Row("Ada", {CONV2D.id: Mark("correct", 2, "Right.")}), ONLY, "1")
    table.add(row)
    whole = table.path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 10, hard))
    try:
        table.add(row | {"student": "Bob"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert table.trouble == "File too large"
    assert table.path.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [table.path]
    table.save()  # there is space again
    assert rows_of(table.path).keys() == {"Ada", "Bob"}


# --- Steps of the grader's own --------------------------------------------------------------------


def test_without_the_sandbox_the_command_says_how_to_install_it(tmp_path, monkeypatch, capsys):
    (tmp_path / "a.ipynb").write_bytes(notebook(NUMPY, RIGHT))
    monkeypatch.setattr(processes.shutil, "which", lambda name: None)
    output = tmp_path / "grades.csv"
    assert command.main([str(tmp_path), "--chapter", "2", "--output", str(output)]) == 2
    assert "sudo apt-get install bubblewrap" in capsys.readouterr().err


def test_a_sandbox_that_does_not_start_is_explained(tmp_path, monkeypatch, capsys):
    program = tmp_path / "bwrap"
    program.write_text(
        "#!/bin/sh\necho 'bwrap: setting up uid map: Permission denied' >&2\nexit 1\n"
    )
    program.chmod(0o755)
    folder = tmp_path / "class"
    folder.mkdir()
    (folder / "a.ipynb").write_bytes(notebook(NUMPY, RIGHT))
    monkeypatch.setattr(processes.shutil, "which", lambda name: str(program))
    output = tmp_path / "grades.csv"
    assert command.main([str(folder), "--chapter", "2", "--output", str(output)]) == 2
    said = capsys.readouterr().err
    assert "setting up uid map: Permission denied" in said
    assert "apparmor_restrict_unprivileged_userns=0" in said


@pytest.fixture
def judging():
    with contextlib.closing(judge.Judge("02")) as found:
        yield found


TRUSTED = processes.Settings(sandbox=False, timeout=20)


def student(folder: Path, data: bytes) -> Student:
    (folder / "a.ipynb").write_bytes(data)
    return Student("Ada", (folder / "a.ipynb",))


def test_without_a_sandbox_a_trusted_class_is_graded(tmp_path, judging):
    answer = right(
        "open('note.txt', 'w').write('x')", f'subprocess.Popen(["sleep", "4{os.getpid()}"])'
    )
    found = grade_student(student(tmp_path, answer), ONLY, TRUSTED, judging)
    assert found.points == CONV2D.stars, found
    assert survivors() == []
    assert not (ROOT / "note.txt").exists()


def test_a_process_that_does_not_start_is_tried_again_and_is_nobodys_fault(
    tmp_path, monkeypatch, judging
):
    starts = []

    def python(module: str, *arguments: str) -> list[str]:
        starts.append(module)
        return ["/bin/false"] if len(starts) <= failures else real(module, *arguments)

    real = processes.python
    monkeypatch.setattr(processes, "python", python)
    failures = 1
    found = grade_student(student(tmp_path, notebook(NUMPY, RIGHT)), ONLY, TRUSTED, judging)
    assert found.points == CONV2D.stars
    starts.clear()
    failures = 2
    found = grade_student(student(tmp_path, notebook(NUMPY, RIGHT)), ONLY, TRUSTED, judging)
    assert found.failed
    assert "not the student's fault" in found.note
    cells = report.cells(found, ONLY, "version")
    assert (cells["points"], cells["02.conv2d points"], cells["version"]) == ("", "", "")


def test_a_judge_that_dies_is_replaced(tmp_path, judging):
    right_one = student(tmp_path, notebook(NUMPY, RIGHT))
    assert grade_student(right_one, ONLY, TRUSTED, judging).points == CONV2D.stars
    judging.process.process.kill()
    assert grade_student(right_one, ONLY, TRUSTED, judging).points == CONV2D.stars
    judging.command = ["/bin/false"]
    judging.close()
    found = grade_student(right_one, ONLY, TRUSTED, judging)
    assert found.failed
    assert "Judging 02.conv2d failed twice" in found.note


def test_a_failing_grader_spoils_one_row_and_says_so(tmp_path, monkeypatch, capsys, judging):
    def fail(student: Student, *more: object) -> Row:
        if student.name == "Bob":
            raise ZeroDivisionError("division by zero")
        return Row(student.name, {CONV2D.id: Mark("correct", 2, "Right.")})

    monkeypatch.setattr(command, "grade_student", fail)
    table = report.Table(tmp_path / "grades.csv", ONLY)
    class_ = [Student("Ada", ()), Student("Bob", ())]
    versions = {"Ada": "1", "Bob": "1"}
    assert command.grade_all(class_, ONLY, TRUSTED, judging, 1, table, versions)
    assert command.say_how_it_ended(table, versions, True) == 1
    assert table.rows["Ada"]["points"] == "2"
    assert "ZeroDivisionError" in table.rows["Bob"]["note"]
    assert "Failed: 1 of 2 not graded" in capsys.readouterr().err


def test_a_judge_is_limited(monkeypatch):
    """What a submission sent may take time and memory to compare, but not without end."""
    monkeypatch.setattr(judge, "START", 3)
    endless = judge.Judge("02")
    endless.command = [sys.executable, "-c", "import time; time.sleep(600)"]
    start = time.monotonic()
    with pytest.raises(processes.StartError, match=r"Judging 02\.conv2d failed twice"):
        endless.ask(CONV2D.id, [], "")
    assert time.monotonic() - start < 120, "twice 3 s, and what else the machine does"
    monkeypatch.undo()
    hungry = judge.Judge("02")
    code = "import time; x = bytearray(1_300_000_000); time.sleep(60)"
    hungry.command = [sys.executable, "-c", code]
    with pytest.raises(processes.StartError, match="memory"):
        hungry.ask(CONV2D.id, [], "")


# --- The key, and the teacher's cases -------------------------------------------------------------

PUBLIC_ONLY = RIGHT.replace(
    "    return", "    if image.shape == (3, 11):\n        output += 1\n    return"
)


@pytest.fixture
def private(tmp_path):
    path = tmp_path / "private.py"
    path.write_text(PRIVATE)
    return path


def test_private_cases_are_asked_after_the_public_ones(tmp_path, private, judging):
    handed_in = student(tmp_path, notebook(NUMPY, PUBLIC_ONLY))
    assert grade_student(handed_in, ONLY, TRUSTED, judging).points == CONV2D.stars
    more = {CONV2D.id: judge.load_exercises("02", private)[CONV2D.id]}
    with contextlib.closing(judge.Judge("02", private)) as other:
        both = grade_student(handed_in, more, TRUSTED, other)
    assert both.points == 0
    mark = both.marks[CONV2D.id]
    assert mark.sentence.startswith("Another image than those of the course")
    assert "case: private: wide\ncalled with: (array([[1." in mark.account
    assert "returned: array([[5." in mark.account


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
    with pytest.raises(judge.RefusedError, match=said):
        judge.load_exercises("02", private)


def test_cases_of_another_chapter_do_no_harm(private):
    assert judge.load_exercises("01", private) == judge.load_exercises("01")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (notebook(NUMPY, RIGHT.replace("* kernel", "+ kernel")), "02.conv2d, not yet: "),
        (b"", "the file is empty"),
    ],
)
def test_a_broken_key_is_refused(tmp_path, judging, data, said):
    (tmp_path / "key.ipynb").write_bytes(data)
    with pytest.raises(judge.RefusedError, match="not get full marks, so nothing is g") as refused:
        command.check_key(tmp_path / "key.ipynb", ONLY, TRUSTED, judging)
    assert said in str(refused.value)


def test_what_takes_the_key_long_may_take_answers_longer(tmp_path, judging):
    slow = RIGHT.replace("    kh,", "    time.sleep(0.1)\n    kh,")
    (tmp_path / "key.ipynb").write_bytes(notebook(NUMPY, slow))
    hasty = dataclasses.replace(TRUSTED, timeout=0.2)
    patient = command.check_key(tmp_path / "key.ipynb", ONLY, hasty, judging)
    assert patient.timeout >= command.PATIENCE * 0.1 * len(CONV2D.cases)
    assert command.check_key(tmp_path / "key.ipynb", ONLY, TRUSTED, judging).timeout == 20


def test_the_solutions_get_full_marks_in_the_sandbox(sandbox, tmp_path, capsys):
    path = ROOT / "solutions" / f"{NOTEBOOKS['02']}.ipynb"
    assert command.main([str(path), "--chapter", "02"]) == 0
    possible = sum(exercise.stars for exercise in judge.load_exercises("02").values())
    assert f"In all {possible} points." in capsys.readouterr().out


def test_one_submission_that_cannot_be_read(tmp_path, capsys):
    (tmp_path / "a.ipynb").write_bytes(b"")
    assert command.main([str(tmp_path / "a.ipynb"), "--chapter", "2", "--no-sandbox"]) == 2
    assert "the file is empty" in capsys.readouterr().err


def test_one_submission_shows_everything(tmp_path, capsys):
    path = tmp_path / "a.ipynb"
    path.write_bytes(right("print('hello')", "image = image + 1"))
    assert command.main([str(path), "--chapter", "2", "--no-sandbox"]) == 0
    printed = capsys.readouterr().out
    assert command.TRUSTED in printed
    assert "02.conv2d: 0 of 2 points" in printed
    assert "not yet: " in printed
    assert re.search(r"case: .+\n  called with: \(array\(", printed)
    assert "returned: array(" in printed
    assert "What the answers printed:\nhello\nhello" in printed


# --- The chapter, and the notebooks ---------------------------------------------------------------


def test_the_chapter_is_the_one_whose_exercises_the_notebooks_hold(tmp_path):
    (tmp_path / "ada.ipynb").write_bytes(notebook('x = 1\n\ncheck("02.conv2d", conv2d)'))
    (tmp_path / "bob").mkdir()
    (tmp_path / "bob" / "a.txt").write_bytes(b"no notebook")
    assert submissions.find_chapter(submissions.find_students(tmp_path)) == "02"
    (tmp_path / "bob" / "b.ipynb").write_bytes(notebook('check("05.p_value", p_value)'))
    with pytest.raises(judge.RefusedError, match=r"of the chapters 02, 05\. Say which"):
        submissions.find_chapter(submissions.find_students(tmp_path))
    with pytest.raises(judge.RefusedError, match="hold none"):
        submissions.find_chapter([])


def test_names_that_differ_in_what_cannot_be_printed_are_two_students(tmp_path):
    for name in (b"a\x01.ipynb", b"a\x02.ipynb", b"a\xff.ipynb"):
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)).write_bytes(notebook())
    found = submissions.find_students(tmp_path)
    assert [student.name for student in found] == ["a\ufffd", "a\ufffd\ufffd", "a\\udcff"]


def test_the_output_in_the_same_folder_is_no_submission(tmp_path):
    (tmp_path / "a.ipynb").write_bytes(notebook())
    (tmp_path / "grades.csv").write_text("student")
    found = submissions.find_students(tmp_path, [(tmp_path / "grades.csv").resolve()])
    assert [student.name for student in found] == ["a"]


def test_no_text_is_a_formula_or_steers_a_terminal_or_turns_the_writing():
    for dangerous in ("=1+1", "+1", "-1", "@a", " =1", '"=1', "\t1", "\n=1", "＝1"):
        assert report.safe(dangerous) == "'" + dangerous
    for harmless in ("Ada", "Zoë Łukasz 李", "a\u200c\u3000b", 'x, "y"\nz'):
        assert report.safe(harmless) == harmless
    assert report.safe("\r=1 \x1b[31m \x00 \udcff") == "\ufffd=1 \ufffd[31m \ufffd \\udcff"
    assert report.safe("a\u202eb\u2066c\u2028d") == "a\ufffdb\ufffdc\ufffdd"


# --- What an answer needs -------------------------------------------------------------------------


def needs(name: str, *cells: str, end: int | None = None) -> list[str]:
    """Return the statements that an answer needs, as text."""
    found, _ = answers.statements(cells)
    needed = answers.needed(found, name, len(found) if end is None else end)
    return [answers.ast.unparse(s.node).splitlines()[0] for s in needed]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (("import a", "import b", "x = a.f()"), ["import a", "x = a.f()"]),
        (("y = 1", "z = 2", "x = y"), ["y = 1", "x = y"]),
        (("x = []", "for i in range(3):\n    x.append(i)"), ["x = []", "for i in range(3):"]),
        (("x = {}", "x['a'] = 1", "print(x)"), ["x = {}", "x['a'] = 1"]),
        (("x = [1]", "shuffle(x)\ncheck('00.x', x)"), ["x = [1]", "shuffle(x)"]),
        (
            ("m = f()", "h = m.fit()", "x = m.predict()"),
            ["m = f()", "h = m.fit()", "x = m.predict()"],
        ),
        (("model = f()", "def x(model):\n    return model", "model.fit()"), ["def x(model):"]),
        (
            ("import np", "np.random.seed(1)", "np.show()", "x = np.a"),
            ["import np", "np.random.seed(1)", "x = np.a"],
        ),
        (
            ("import sys, time", "sys.setrecursionlimit(9)", "time.sleep(9)", "x = 1"),
            ["import sys, time", "sys.setrecursionlimit(9)", "x = 1"],
        ),
        (("x = 1", "x = 2"), ["x = 1", "x = 2"]),
        (("x = 1\nx += 1", "x, y = 3, 4"), ["x = 1", "x += 1", "x, y = (3, 4)"]),
        (("from a import *", "x = f"), ["from a import *", "x = f"]),
        (("globals()['y'] = 2", "x = y"), ["globals()['y'] = 2", "x = y"]),
        (
            ("x = 0", "def add():\n    global x\n    x += 1", "add()", "other()"),
            ["x = 0", "def add():", "add()"],
        ),
        (("y = 1", "y = 2\nx = y"), ["y = 2", "x = y"]),
        (("y = 1", "for y in z:\n    x = y"), ["for y in z:"]),
        (("y = 1", "def f():\n    return y", "x = f()"), ["y = 1", "def f():", "x = f()"]),
        (("if a:\n    y = 1", "with b as y:\n    x = y"), ["with b as y:"]),
        (("y = 1", "if a:\n    y = 2", "x = y"), ["y = 1", "if a:", "x = y"]),
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


def test_what_comes_after_the_exercise_counts_only_if_cells_were_moved():
    assert needs("x", "y = []", "x = y", "y.append(2)", "x = 3", end=2) == ["y = []", "x = y"]
    cells = "def x():\n    return np.f(y)", "z = 3", "import np", "y = np.a"
    assert needs("x", *cells, end=1) == ["def x():", "import np", "y = np.a"]


@pytest.fixture
def own_main(monkeypatch):
    """Keep the main module, which an answer's code replaces."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


STARTS = "def x():\n    ..."


@pytest.mark.parametrize(
    ("cells", "own", "is_function", "value", "rank"),
    [
        (["x = 2", "x = 3"], {0}, False, 2, 3),
        (["x = 2", "x = 3"], set(), False, 3, 3),
        (["x = 1", "x = 1 / 0"], {1}, False, 1, 3),
        (["x = ...", "x = 3"], {0}, False, 3, 3),
        (["x = [1, 2]", "x = [..., 2]"], {1}, False, [1, 2], 3),
        (["x = ..."], {0}, False, ..., 2),
        ([STARTS, "x = 3"], {0}, True, None, 2),
        (["def x():\n    return 7", "x = 3", STARTS], set(), True, 7, 3),
        (["def x(n=7):\n    return n and x(n - 1)", STARTS], set(), True, 0, 3),
        (["x = 3"], set(), True, None, 1),
        (["y = 3"], set(), True, None, 0),
    ],
)
def test_the_answer_is_the_last_that_is_one(own_main, cells, own, is_function, value, rank):
    found, broken = answers.statements(cells)
    answer = find_answer(cells, found, broken, "x", own, is_function=is_function)
    assert answer.rank == rank
    if rank > 1:
        assert (answer.value() if is_function else answer.value) == value


@pytest.mark.parametrize("chapter", sorted({id[:2] for id in all_exercises()}))
def test_a_chapters_exercises_are_found_in_it_untouched(own_main, chapter):
    path = ROOT / "chapters" / f"{NOTEBOOKS[chapter]}.ipynb"
    sources, owners = read_cells(path.read_bytes())
    found, broken = answers.statements(sources)
    assert not broken
    for id, exercise in judge.load_exercises(chapter).items():
        own = {i for i, ids in enumerate(owners) if id in ids}
        form = {"is_function": exercise.is_function}
        assert find_answer(sources, found, broken, exercise.name, own, **form).rank == 2, id


def test_the_guides_private_cases_work(tmp_path):
    text = (ROOT / "book" / "grading.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```{code-block} python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "private.py").write_text(code)
    exercise = judge.load_exercises("02", tmp_path / "private.py")[CONV2D.id]
    (private,) = exercise.cases[len(CONV2D.cases) :]
    space = {"np": np, "check": print}
    exec(RIGHT, space)
    assert engine.judge(exercise, space["conv2d"]).outcome == "correct"
    only = dataclasses.replace(exercise, cases=(private,))
    wrong = engine.judge(only, lambda image, kernel: -space["conv2d"](image, kernel))
    assert wrong.sentence == private.mistake


def test_the_guide_names_the_options_that_there_are():
    text = (ROOT / "book" / "grading.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if "tools.grading" in line or "| `--" in line]
    named = set(re.findall(r"(?<=[ `])--[a-z][a-z-]+", " ".join(lines)))
    known = {option for action in command.parser()._actions for option in action.option_strings}
    assert len(named) > 5
    assert named <= known, named - known


def test_the_teaching_guide_names_exercises_that_exist():
    text = (ROOT / "book" / "teaching.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(\d\d\.\w+)`", text))
    assert len(named) > 20
    assert named <= set(all_exercises())


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
        | st.sets(st.text(), max_size=1)
        | st.frozensets(st.integers(), max_size=1)
        | st.dictionaries(st.text() | st.integers(), parts)
    ),
    max_leaves=20,
)


@given(plain_values)
def test_plain_values_come_back_the_same(value):
    sent = messages.encode(value)
    try:
        back = messages.decode(sent)
    except ValueError:
        assert sent.count(b": [") > messages.DEEPEST  # lists in lists
        return
    assert back == value
    assert repr(back) == repr(value)  # also types, and the sign of zero


@pytest.mark.parametrize("dtype", ["?", "i1", "u2", ">i4", "f2", "f4", "f8", "c16", "U3"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (1, 0, 2)])
def test_arrays_come_back_the_same(dtype, shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(dtype)
    back = messages.decode(messages.encode([array, array[::-1] if shape else array]))
    np.testing.assert_array_equal(back[0], array)
    np.testing.assert_array_equal(back[1], array[::-1] if shape else array)
    assert back[0].dtype == array.dtype
    assert back[0].flags.writeable


@pytest.mark.parametrize(
    ("value", "said"),
    [
        *((value, "cannot be sent") for value in (print, object(), b"bytes", np.array([None]))),
        *((value, "MB") for value in (np.zeros(messages.LARGEST), [0] * messages.MOST_PARTS)),
    ],
)
def test_what_is_not_plain_or_too_long_does_not_travel(value, said):
    with pytest.raises((TypeError, ValueError), match=said):
        messages.encode([value])


@pytest.mark.parametrize(
    "tree",
    [
        *(b"", b"\xff", b"[" * 200_000, b"9" * 10_000, bytes(9 << 20)),
        [1],
        {"array": 0},
        {"array": ["<f8", [0]]},
        {"array": ["<f8", [10**15], ""]},
        {"array": ["<f8", [0, 10**12], ""]},
        {"array": ["<f8", [0] * 33, ""]},
        {"array": ["<f8", [-1], "AAAA"]},
        {"array": ["<f8", [1], "AAAA"]},
        {"array": ["<f8", [True], "AAAAAAAAAAA="]},
        {"array": ["|u1", [3], "AAA*A"]},
        {"array": ["|O8", [1], "AAAAAAAAAAA="]},
        {"array": ["<U0", [10**6], ""]},
        {"array": ["<f8,<f8", [0], ""]},
        {"array": ["<f3", [1], "AAAA"]},
        {"dict": [[{"list": []}, 1]]},
        {"eval": "1"},
        {"list": [], "tuple": []},
        {"complex": ["a", 1]},
        eval('{"list": [' * 30 + "]}" * 30),
        {"list": [0] * messages.MOST_PARTS},
    ],
)
def test_a_malformed_message_is_a_value_error(tree):
    with pytest.raises(ValueError, match="malformed"):
        messages.decode(tree if isinstance(tree, bytes) else json.dumps(tree).encode())


@given(st.data())
def test_a_damaged_message_is_a_value_error_or_another_value(data):
    sent = bytearray(messages.encode({"a": np.arange(6.0).reshape(2, 3), "b": [1, "x", None]}))
    for _ in range(data.draw(st.integers(1, 4))):
        sent[data.draw(st.integers(0, len(sent) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(ValueError):
        messages.decode(bytes(sent))


def test_a_message_costs_a_few_times_its_size():
    empty = {"list": [{"list": []}] * (messages.MOST_PARTS // 4)}
    text = {"list": ["\U0001f600" * 300_000, "x" * 4_000_000]}
    array = messages.encode(np.zeros(messages.MOST_BYTES // 8))
    for data in (json.dumps(empty).encode(), json.dumps(text).encode(), array):
        tracemalloc.start()
        messages.decode(data)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 8 * messages.LARGEST
