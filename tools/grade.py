"""Grade a class: one folder of notebooks in, one CSV with a row for each student out.

    python tools/grade.py SUBMISSIONS [--chapter 02] [--output grades.csv] …

SUBMISSIONS holds one notebook a student, or one folder a student. Each notebook's answers run in a
process of their own, which is limited and may be killed; what they return is judged here. The
solutions are graded first, and nothing starts unless they get full marks.

A process is no sandbox. `book/teaching.md` says what that means, and how to use a container.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import queue
import re
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

if sys.platform == "win32":
    sys.exit(
        "Grading needs the process limits of Linux or macOS. On Windows, run it in the Windows "
        "Subsystem for Linux (WSL), where the course installs as on Linux."
    )

import psutil
from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from mnist_lib.exercises import NOTEBOOKS, all_exercises  # noqa: E402
from mnist_lib.exercises.engine import Case, Exercise, Result, Verdict, untouched, verdict  # noqa: E402
from tools.grade_child import (  # noqa: E402
    LARGEST_MESSAGE,
    LENGTH,
    ORPHANS_COME_HERE,
    REFUSED,
    TENSORFLOW,
    SentModel,
    build_model,
    decode,
    encode,
    set_process_option,
)

CHILD = ROOT / "tools" / "grade_child.py"
PYTHON = (sys.executable, "-I", "-B")  # nothing of the teacher's settings, and nothing is cached
MOST_PROCESSES = 50  # of one submission at one time
MOST_TASKS = 500  # processes and threads, beyond those the user has already
LARGEST_NOTEBOOK = 50 << 20  # bytes; outputs included
LARGEST_FILE = 10 << 20  # bytes; of a file that an answer writes
START = 120  # seconds for Python, and for Keras if an answer needs it, to start
PATIENCE = 5  # times what the key needs for an exercise
LONGEST_END = 30  # seconds to try to kill what cannot be killed, such as another user's program
PAUSE = 0.1  # seconds between two looks at a running submission
COURSE = threading.Lock()  # held by who runs an exercise's functions: Keras is not for many threads
FIRST_USER = 62_000  # user ids that no account has
NO_RESULT = "sent something that is no result"
LONGEST_TEXT = 600  # characters of what a submission says


@dataclass(frozen=True)
class Settings:
    """How submissions are run."""

    timeout: float = 20.0  # seconds for each exercise, at least
    key_seconds: Mapping[str, float] = field(default_factory=dict)  # what the key needed for each
    memory: int = 2048  # megabytes for all processes of a submission
    private: Path | None = None  # the file that the exercises' private cases came from
    users: queue.SimpleQueue[int] | None = None  # ids that answers may run under
    stop: threading.Event = field(default_factory=threading.Event)  # set to end all runs

    def allowed(self, id: str) -> float:
        """Return the seconds that an exercise may take: some load the data or run a network."""
        return max(self.timeout, PATIENCE * self.key_seconds.get(id, 0.0))


class Mark(NamedTuple):
    """What one exercise of one submission got."""

    outcome: str
    points: int
    sentence: str
    detail: str
    seconds: float

    def text(self) -> str:
        """Return all there is to say, for the table."""
        return f"{self.outcome}: {self.sentence} {self.detail}".strip()


class Row(NamedTuple):
    """One student's row."""

    name: str
    marks: Mapping[str, Mark] = {}
    seconds: float = 0.0
    note: str = ""

    @property
    def points(self) -> int:
        """The sum over the exercises."""
        return sum(mark.points for mark in self.marks.values())


# --- Running one submission -----------------------------------------------------------------------


class StoppedError(Exception):
    """A run came to an early end; the message says why, as part of a sentence."""


class Run:
    """A process that runs answers, and all its descendants."""

    _starting = threading.Lock()
    _known: ClassVar[set[int]] = set()

    def __init__(self, task: str, request: bytes, settings: Settings, seconds: float):
        self.memory, self.stop, self.users = settings.memory << 20, settings.stop, settings.users
        self.replies, replies = os.pipe()
        self.folder = tempfile.mkdtemp(prefix="grade-")
        self.user = self.users.get() if self.users else None
        self.buffer = bytearray()
        self.ended: int | None = None
        self.seen: dict[int, psutil.Process] = {}
        self.next_look = 0.0
        try:
            self.process = self._start(task, request, seconds, replies)
        except BaseException:
            self._free()
            raise
        finally:
            os.close(replies)

    def _start(
        self, task: str, request: bytes, seconds: float, replies: int
    ) -> subprocess.Popen[bytes]:
        os.set_blocking(self.replies, False)
        if self.user is not None:
            os.chown(self.folder, self.user, self.user)
        watched = {
            "replies": replies,
            "folder": self.folder,
            "user": self.user,
            "limits": {
                "RLIMIT_AS": self.memory + TENSORFLOW,
                "RLIMIT_CPU": 2 * int(seconds) + START,
                "RLIMIT_NPROC": MOST_TASKS + (_tasks() if self.user is None else 0),
                "RLIMIT_FSIZE": LARGEST_FILE,
                "RLIMIT_NOFILE": 256,
                "RLIMIT_CORE": 0,
            },
            "command": [*PYTHON, str(CHILD), task, str(ROOT), str(self.memory)],
        }
        with tempfile.TemporaryFile() as file, Run._starting:
            file.write(request)
            file.seek(0)
            process = subprocess.Popen(
                [*PYTHON, "-S", str(CHILD), "watch", json.dumps(watched)],
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                cwd="/",
                env=_environment(self.folder),
                pass_fds=[replies],
                start_new_session=True,
            )
            Run._known.add(process.pid)
        return process

    def receive(self, deadline: float, allowed: float) -> Any:
        """Return the next message.

        Parameters
        ----------
        deadline : float
            When to stop waiting, on the monotonic clock.
        allowed : float
            How many seconds that is since the work began, to be told.

        Raises
        ------
        StoppedError
            If there is none, or if the submission broke a limit meanwhile.
        KeyboardInterrupt
            If the grader itself is to stop.
        """
        while True:
            if (message := self._message()) is not None:
                return message
            if self.ended is not None:
                raise StoppedError(_end(self.ended))
            if self.stop.is_set():
                raise KeyboardInterrupt
            if time.monotonic() > deadline:
                raise StoppedError(
                    f"ran for more than {allowed:.3g} seconds and was stopped; "
                    "perhaps one of its loops never ends"
                )
            self._look()
            status = self.process.stdout
            ready, _, _ = select.select([self.replies, status], [], [], PAUSE)
            if status in ready:
                self.ended = _exit_status(os.read(status.fileno(), 100))
            if self.replies in ready or self.ended is not None:
                self._read()

    def _read(self) -> None:
        with suppress(BlockingIOError):
            while len(self.buffer) <= LARGEST_MESSAGE and (data := os.read(self.replies, 1 << 20)):
                self.buffer += data

    def _message(self) -> Any:
        if len(self.buffer) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack_from(self.buffer)
        if length > LARGEST_MESSAGE:
            raise StoppedError(NO_RESULT)
        end = LENGTH.size + length
        if len(self.buffer) < end:
            return None
        data = bytes(self.buffer[LENGTH.size : end])
        del self.buffer[:end]
        try:
            return decode(data)
        except ValueError:
            raise StoppedError(NO_RESULT) from None

    def _look(self) -> None:
        """Compare what the submission uses with what it may."""
        if time.monotonic() < self.next_look:
            return
        family = self.family()
        if len(family) > MOST_PROCESSES:
            raise StoppedError(f"started more than {MOST_PROCESSES} processes and was stopped")
        used = 0
        for process in family:
            with suppress(psutil.Error):
                used += process.memory_info().rss
        if used > self.memory:
            raise StoppedError(f"used more than {self.memory >> 20} MB of memory and was stopped")
        self.next_look = time.monotonic() + PAUSE

    def family(self) -> list[psutil.Process]:
        """Return the living descendants, also (macOS) those seen before that lost their parents."""
        with suppress(psutil.Error):
            for process in psutil.Process(self.process.pid).children(recursive=True):
                self.seen[process.pid] = process
        alive = []
        for pid, process in list(self.seen.items()):
            if _is_alive(process):
                alive.append(process)
            else:
                del self.seen[pid]
        return alive

    def close(self) -> None:
        """End every process of the submission, and remove its folder."""
        _end_all(self.family)
        try:
            self.process.wait(1)  # it ends when nothing is left for it to reap
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        with Run._starting:
            Run._known.discard(self.process.pid)
            _end_all(_strays)
        self._free()

    def _free(self) -> None:
        os.close(self.replies)
        with suppress(OSError, RecursionError):
            for path, _, _ in os.walk(self.folder):
                os.chmod(path, 0o700)
            shutil.rmtree(self.folder)
        if self.users and self.user:
            self.users.put(self.user)


def _end_all(find: Callable[[], list[psutil.Process]]) -> None:
    """Kill what a function finds until it finds nothing more."""
    deadline = time.monotonic() + LONGEST_END
    while (found := find()) and time.monotonic() < deadline:
        # Stopped first, so that none starts another while its turn has not come.
        for order in (signal.SIGSTOP, signal.SIGKILL):
            for process in found:
                with suppress(psutil.Error):
                    process.send_signal(order)
        time.sleep(0.01)


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


_before: set[int] | None = None  # children of this process before it adopted any


def adopt_strays() -> None:
    """Make this process the parent of what a submission leaves when it kills its watcher (Linux).

    From now on, every child that `Run` does not know is ended. Only the command calls this: a
    program that uses this module may have children of its own.
    """
    global _before
    set_process_option(ORPHANS_COME_HERE, 1)
    _before = {process.pid for process in psutil.Process().children()}


def _strays() -> list[psutil.Process]:
    """Return the descendants that belong to no running submission."""
    found = []
    if _before is not None:
        for process in psutil.Process().children():
            if process.pid not in Run._known | _before:
                if _is_alive(process):
                    with suppress(psutil.Error):
                        found += [process, *process.children(recursive=True)]
                else:
                    with suppress(ChildProcessError):
                        os.waitpid(process.pid, os.WNOHANG)
    return found


@cache
def _tasks() -> int:
    """Return how many threads this user has at the start: the system's limit counts them all."""
    count = 0
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.uids().real == os.getuid():
                count += process.num_threads()
    return count


def _environment(folder: str) -> dict[str, str]:
    """Return the whole environment of a submission: nothing of the teacher's."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": folder,
        "TMPDIR": folder,
        "LANG": "C.UTF-8",
        "MPLBACKEND": "Agg",
        "MNIST_LIB_SOURCE": "sample",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **dict.fromkeys(
            (
                "OMP_NUM_THREADS",
                "OPENBLAS_NUM_THREADS",
                "TF_NUM_INTRAOP_THREADS",
                "TF_NUM_INTEROP_THREADS",
            ),
            "1",
        ),
    }


def _exit_status(said: bytes) -> int:
    """Return what the watcher says; if it says nothing sensible, it has been tampered with."""
    return int(said) if re.fullmatch(rb"-?\d{1,3}\n", said) else -signal.SIGKILL


def _end(status: int) -> str:
    if status == REFUSED:
        return "could not start under a user of its own"
    if status < 0:
        with suppress(ValueError):
            return f"ended Python itself (signal {signal.Signals(-status).name})"
    return f"ended Python itself (exit status {status})"


class Graded(NamedTuple):
    """What came of running one submission."""

    verdicts: dict[str, Verdict]
    seconds: dict[str, float]
    notes: list[str]


def grade_cells(
    cells: Sequence[str],
    owners: Sequence[Sequence[str]],
    exercises: Sequence[Exercise],
    settings: Settings,
) -> Graded:
    """Run a notebook's answers in processes of their own, and judge what they return here.

    Parameters
    ----------
    cells : sequence of str
        The sources of the code cells, in order.
    owners : sequence of sequences of str
        The ids of the exercises that each cell says it belongs to.
    exercises : sequence of Exercise
        With the private cases.
    settings : Settings

    Raises
    ------
    KeyboardInterrupt
        If `settings.stop` is set meanwhile.
    """
    notebook = encode([list(cells), [list(ids) for ids in owners]])
    verdicts: dict[str, Verdict] = {}
    seconds: dict[str, float] = {}
    notes = []
    rest = list(exercises)
    while rest:
        with COURSE:
            head = encode([_question(exercise) for exercise in rest])
        request = LENGTH.pack(len(head)) + head + notebook
        run = Run("answer", request, settings, sum(settings.allowed(e.id) for e in rest))
        try:
            if run.receive(time.monotonic() + START, START) != "ready":
                raise StoppedError(NO_RESULT)
            reason = ""
            while rest and not reason:
                exercise, start = rest.pop(0), time.monotonic()
                verdicts[exercise.id], reason = _one(run, exercise, settings)
                seconds[exercise.id] = time.monotonic() - start
            if reason:  # the others get a process of their own
                notes.append(f"{exercise.id} {reason}")
        except StoppedError as stopped:
            # Not one answer has begun: it is the notebook, whatever the exercise.
            for exercise in rest:
                verdicts[exercise.id] = Verdict("not yet", f"The notebook {stopped}.")
            notes.append(f"the notebook {stopped}")
            rest = []
        finally:
            run.close()
    return Graded(verdicts, seconds, notes)


def _question(exercise: Exercise) -> dict[str, Any]:
    return {
        "id": exercise.id,
        "name": exercise.name,
        "is_function": exercise.is_function,
        "cases": [_sendable(case) for case in exercise.cases] if exercise.is_function else [None],
    }


def _sendable(case: Case) -> Any:
    """Return a case's inputs, or None if one of them is a function, which cannot travel."""
    inputs = case.inputs or ()
    try:
        encode(inputs)
    except TypeError:
        return None
    return inputs


def _one(run: Run, exercise: Exercise, settings: Settings) -> tuple[Verdict, str]:
    """Return the verdict on one exercise, and the reason if the run came to an end with it."""
    allowed = settings.allowed(exercise.id)
    deadline = time.monotonic() + allowed
    count = len(exercise.cases) if exercise.is_function else 1
    results: list[Result] = []
    claims = None
    reason = ""
    try:
        claims = Claims.of(run.receive(deadline, allowed), exercise.id)
        runs = claims.found and (claims.callable or not exercise.is_function)
        while runs and len(results) < count:
            message = run.receive(deadline, allowed)
            results.append(_result(message, exercise, len(results)))
    except StoppedError as stopped:
        reason = str(stopped)
    if claims is None:
        sentence = f"Before {exercise.name} was there, the notebook {reason}."
        return Verdict("not yet", sentence), reason
    found = _judge(exercise, claims, results, reason, settings)
    # What a submission says of itself is believed only where that cannot gain it a point:
    # "not attempted" and "not yet" are both worth nothing.
    if found.outcome == "not yet" and claims.untouched:
        found = untouched()
    elif found.outcome == "not yet" and claims.trouble:
        found = found._replace(detail=f"{found.detail} {claims.trouble}.".strip())
    return found, reason


class Claims(NamedTuple):
    """What the process that ran a notebook says about one answer."""

    id: str
    found: bool
    callable: bool
    untouched: bool
    trouble: str

    @classmethod
    def of(cls, message: Any, id: str) -> Claims:
        """Check a message; it must be about this exercise."""
        types = {"id": str, "found": bool, "callable": bool, "untouched": bool, "trouble": str}
        _check(message, types)
        if message["id"] != id:
            raise StoppedError(NO_RESULT)
        return cls(**message | {"trouble": printable(message["trouble"][:LONGEST_TEXT])})


def _check(message: Any, types: Mapping[str, Any]) -> None:
    if not (
        isinstance(message, dict)
        and message.keys() == types.keys()
        and all(isinstance(message[key], kind) for key, kind in types.items())
    ):
        raise StoppedError(NO_RESULT)


def _result(message: Any, exercise: Exercise, place: int) -> Result:
    """Check a message; it must be the result of this case."""
    text = str | None
    types = {"id": str, "case": int, "error": text, "changed": bool, "refused": text}
    _check(message, {**types, "value": object})
    if (message.pop("id"), message.pop("case")) != (exercise.id, place):
        raise StoppedError(NO_RESULT)
    for key in ("error", "refused"):
        message[key] = message[key] and printable(message[key][:LONGEST_TEXT])
    if isinstance(message["value"], SentModel):
        return Result(refused="a Keras model")
    return Result(**message)


def _judge(
    exercise: Exercise, claims: Claims, results: list[Result], reason: str, settings: Settings
) -> Verdict:
    name = exercise.name
    if not claims.found and not claims.trouble:
        return Verdict("not attempted", f"The notebook does not define {name}.")
    if not claims.found:
        return Verdict("not yet", f"An error keeps the notebook from defining {name}.")
    if exercise.is_function and not claims.callable:
        return Verdict("not yet", f"In the end {name} is no function: was its name used again?")
    missing = Result(error=f"Your {'function' if exercise.is_function else 'answer'} {reason}")
    last = missing if exercise.is_function or not results else results[0]
    results = results + [last] * (len(exercise.cases) - len(results))
    if any(isinstance(result.value, SentModel) for result in results):
        return _judge_apart(exercise, results, settings)
    try:
        with COURSE:
            return verdict(exercise, results)
    except Exception as error:  # a result made to break the comparison fails, and nothing else does
        return Verdict("not yet", f"The result could not be compared ({type(error).__name__}).")


def _judge_apart(exercise: Exercise, results: list[Result], settings: Settings) -> Verdict:
    """Judge models in a process of its own: a description may ask for any amount of memory.

    No student's code runs there. It builds the models in Keras' safe mode and compares.
    """
    private = settings.private and str(settings.private)
    question = {"id": exercise.id, "private": private, "results": [tuple(r) for r in results]}
    run = Run("judge", encode(question), replace(settings, users=None), settings.timeout)
    try:
        message = run.receive(time.monotonic() + START, START)
    except StoppedError as stopped:
        return Verdict("not yet", f"The model could not be judged: building it {stopped}.")
    finally:
        run.close()
    return Verdict(*message)


def judge_models(request: bytes) -> Verdict:
    """Judge the results in a message of `_judge_apart`; runs in the process that it starts."""
    try:
        question = decode(request, build_model)
    except ValueError:
        return Verdict("not yet", "The model that came back could not be built again.")
    path = question["private"] and Path(question["private"])
    exercise = load_exercises(question["id"][:2], path)[question["id"]]
    return verdict(exercise, [Result(*result) for result in question["results"]])


# --- Exercises, and the teacher's own cases -------------------------------------------------------


class RefusedError(Exception):
    """Grading does not start; the message says why and what to do."""


def load_exercises(chapter: str, private: Path | None = None) -> dict[str, Exercise]:
    """Return a chapter's exercises by id, with the cases of a private file after their own.

    Parameters
    ----------
    chapter : str
        As ``"02"``.
    private : Path, optional
        A Python file that assigns ``CASES``, a dictionary from ids to tuples of `Case`.

    Raises
    ------
    RefusedError
        If there is no such chapter, or the file does not hold what it should.
    """
    every = all_exercises()
    exercises = {id: exercise for id, exercise in every.items() if id[:2] == chapter}
    if not exercises:
        there = ", ".join(sorted({id[:2] for id in every}))
        raise RefusedError(f"Chapter {chapter} has no exercises; these have: {there}.")
    for id, cases in _private_cases(private).items():
        if id not in every:
            raise RefusedError(f'{private}: there is no exercise "{id}".')
        if id in exercises:
            _check_cases(private, every[id], cases)
            exercises[id] = replace(every[id], cases=every[id].cases + tuple(cases))
    return exercises


def _private_cases(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    space: dict[str, Any] = {"__name__": "private_cases", "__file__": str(path)}
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), space)
    except Exception as error:
        raise RefusedError(f"{path} cannot be read: {type(error).__name__}: {error}") from error
    cases = space.get("CASES")
    if not isinstance(cases, dict):
        raise RefusedError(
            f"{path} must assign CASES, a dictionary such as "
            f'{{"02.conv2d": (Case(...),)}}; it has {type(cases).__name__}.'
        )
    return cases


def _check_cases(path: Path | None, exercise: Exercise, cases: Any) -> None:
    where = f"{path}: {exercise.id}"
    if not isinstance(cases, list | tuple) or not all(isinstance(case, Case) for case in cases):
        raise RefusedError(f"{where} must be a tuple of Case; a single one is (Case(...),).")
    taken = {case.name for case in exercise.cases}
    for case in cases:
        if case.name in taken:
            raise RefusedError(f'{where} has two cases named "{case.name}".')
        taken.add(case.name)
        if (case.inputs is not None) != exercise.is_function:
            must = "needs inputs" if exercise.is_function else "has no inputs: it judges a value"
            raise RefusedError(f'{where}, case "{case.name}", {must}.')
        try:
            encode(case.inputs or ())
        except TypeError as error:
            raise RefusedError(f'{where}, case "{case.name}", inputs: {error}.') from error


# --- Submissions ----------------------------------------------------------------------------------


class UnreadableError(Exception):
    """A submission is no notebook; the message says what it is."""


class Submission(NamedTuple):
    """One student's row to be: a notebook, or the reason why there is none."""

    name: str
    path: Path
    trouble: str = ""
    note: str = ""


def find_submissions(folder: Path, leave_out: Sequence[Path] = ()) -> list[list[Submission]]:
    """Return the notebooks of each student: of each file in a folder, or of each folder in it.

    Hidden files are passed over; so is what `leave_out` names. Links that lead out of the folder
    are not followed.
    """
    inside = folder.resolve()
    found = []
    for path in sorted(folder.iterdir()):
        if path.name.startswith((".", "__MACOSX")) or inside / path.name in leave_out:
            continue
        if path.is_dir() and not path.is_symlink():
            notebooks = [
                Submission(path.name, part, _trouble(part, inside))
                for part in sorted(path.rglob("*.ipynb"))
                if not any(p.startswith((".", "__MACOSX")) for p in part.relative_to(path).parts)
            ]
            found.append(notebooks or [Submission(path.name, path, "no notebook in the folder")])
        else:
            name = path.name.removesuffix(".ipynb")
            found.append([Submission(name, path, _trouble(path, inside))])
    return found


def _trouble(path: Path, inside: Path) -> str:
    try:
        if not path.resolve(strict=True).is_relative_to(inside):
            return "a link that leads out of the folder; not followed"
        facts = path.stat()
    except (OSError, RuntimeError) as error:
        return f"unreadable: {type(error).__name__}"
    if not stat.S_ISREG(facts.st_mode):
        return "unreadable: not a regular file"
    if path.suffix != ".ipynb":
        return f"not a notebook, but a file that ends in {path.suffix or path.name[-4:]}"
    if facts.st_size > LARGEST_NOTEBOOK:
        return f"unreadable: larger than {LARGEST_NOTEBOOK >> 20} MB"
    return ""


def read_cells(path: Path) -> tuple[list[str], list[list[str]]]:
    """Return the sources of a notebook's code cells, and the exercises that each belongs to.

    A cell belongs to an exercise if its metadata say so, or if it calls ``check`` for it.

    Raises
    ------
    UnreadableError
        If the file is no notebook.
    """
    try:
        data = path.read_bytes()
        if not data.strip():
            raise UnreadableError("unreadable: the file is empty")
        notebook = json.loads(data.decode("utf-8-sig"))
        cells = notebook["cells"]
        if not isinstance(cells, list):
            raise TypeError("cells")
    except OSError as error:
        raise UnreadableError(f"unreadable: {type(error).__name__}") from None
    except (ValueError, RecursionError, MemoryError):  # what is no UTF-8 is a ValueError too
        raise UnreadableError("unreadable: not JSON, so no notebook") from None
    except (LookupError, TypeError):
        raise UnreadableError("unreadable: JSON, but no notebook") from None
    sources, owners = [], []
    for cell in cells:
        source = cell.get("source") if isinstance(cell, dict) else None
        if isinstance(source, list) and all(isinstance(line, str) for line in source):
            source = "".join(source)
        if not isinstance(source, str) or cell.get("cell_type") != "code":
            continue
        ids = CHECKED.findall(source)
        metadata = cell.get("metadata")
        if isinstance(metadata, dict) and isinstance(metadata.get("exercise"), str):
            ids.append(metadata["exercise"])
        sources.append(source)
        owners.append(ids)
    return sources, owners


CHECKED = re.compile(r"""^check\(\s*["'](\d\d\.\w+)["']""", re.MULTILINE)


def _mentions(path: Path) -> Counter[str]:
    """Return how many exercises of each chapter a notebook holds."""
    try:
        _, owners = read_cells(path)
    except UnreadableError:
        return Counter()
    return Counter(id[:2] for id in {id for ids in owners for id in ids})


def choose(notebooks: Sequence[Submission], chapter: str) -> Submission:
    """Return the one of a student's notebooks that holds the chapter."""
    if len(notebooks) == 1:
        return notebooks[0]

    def fits(notebook: Submission) -> tuple[bool, int, bool, str]:
        named = notebook.path.name.startswith(chapter)
        count = 0 if notebook.trouble else _mentions(notebook.path)[chapter]
        return not notebook.trouble, count, named, notebook.path.name

    best = max(notebooks, key=fits)
    return best._replace(note=f"{len(notebooks)} notebooks; graded {best.path.name}")


def find_chapter(students: Iterable[Sequence[Submission]]) -> str:
    """Return the chapter whose exercises the notebooks hold.

    Raises
    ------
    RefusedError
        If they hold none, or different students' hold different chapters.
    """
    held: Counter[str] = Counter()
    for notebooks in students:
        chapters: Counter[str] = Counter()
        for notebook in notebooks:
            if not notebook.trouble:
                chapters += _mentions(notebook.path)
        held.update(chapters.keys())
    if len(held) == 1:
        return next(iter(held))
    what = f"hold exercises of chapters {', '.join(sorted(held))}" if held else "name no exercise"
    raise RefusedError(f"The notebooks {what}. Say which chapter to grade: --chapter 02.")


def grade_submission(
    submission: Submission, exercises: Mapping[str, Exercise], settings: Settings
) -> Row:
    """Return one student's row."""
    start = time.monotonic()
    notes = [submission.note] if submission.note else []
    try:
        if submission.trouble:
            raise UnreadableError(submission.trouble)
        cells, owners = read_cells(submission.path)
    except UnreadableError as error:
        return Row(submission.name, note="; ".join([*notes, str(error)]))
    try:
        graded = grade_cells(cells, owners, list(exercises.values()), settings)
    except Exception as error:  # whatever goes wrong with one submission, the others are graded
        note = f"grading failed: {type(error).__name__}: {printable(str(error))}"
        return Row(submission.name, note="; ".join([*notes, note]))
    marks = {
        id: Mark(
            found.outcome,
            exercises[id].stars if found.outcome == "correct" else 0,
            found.sentence,
            found.detail,
            graded.seconds.get(id, 0.0),
        )
        for id, found in graded.verdicts.items()
    }
    seconds = time.monotonic() - start
    return Row(submission.name, marks, seconds, "; ".join([*notes, *graded.notes]))


# --- The table ------------------------------------------------------------------------------------


def printable(text: str) -> str:
    """Return a text without control characters, which could steer a terminal."""
    text = text.encode("utf-8", "backslashreplace").decode()  # file names may be any bytes
    return "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)


def safe(text: str) -> str:
    """Return a text that a spreadsheet shows and does not compute, whatever it begins with."""
    text = printable(text)
    return f"'{text}" if FORMULA.match(text) else text


FORMULA = re.compile(r"""[\s"']*[-=+@|%\uFF0B\uFF0D\uFF1D\uFF20]|[\t\n\r]""")


def table(rows: Iterable[Row], exercises: Mapping[str, Exercise]) -> str:
    """Return the rows as CSV, each exercise in two columns: its points and what there is to say."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)
    columns = [column for id in exercises for column in (f"{id} points", id)]
    writer.writerow(["student", "points", "possible", *columns, "seconds", "note"])
    possible = sum(exercise.stars for exercise in exercises.values())
    for row in rows:
        cells: list[str | int | float] = [safe(row.name), row.points, possible]
        for id in exercises:
            mark = row.marks.get(id)
            cells += [mark.points, safe(mark.text())] if mark else [0, "not graded"]
        writer.writerow([*cells, round(row.seconds, 1), safe(row.note)])
    return text.getvalue()


def write(path: Path, text: str) -> None:
    """Write a file in one step: its reader finds the old text or the new, never half of it."""
    part = path.with_name(f"{path.name}.part")
    try:
        # Excel takes a file without the mark for one in the encoding of the country.
        part.write_text(text, encoding="utf-8-sig", newline="")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def summary(rows: Sequence[Row], exercises: Mapping[str, Exercise]) -> str:
    """Return the class in a few lines: the mean, each exercise, the most frequent mistakes."""
    graded = [row for row in rows if row.marks]
    lines = [f"{len(rows)} submissions, {len(graded)} graded"]
    if not graded:
        return lines[0]
    possible = sum(exercise.stars for exercise in exercises.values())
    mean = sum(row.points for row in graded) / len(graded)
    lines[0] += f"; mean {mean:.1f} of {possible} points"
    width = max(len(id) for id in exercises)
    lines += ["", f"{'':{width}}  correct  not yet  not attempted"]
    for id in exercises:
        counts = Counter(row.marks[id].outcome for row in graded)
        shares = [counts[o] / len(graded) for o in ("correct", "not yet", "not attempted")]
        lines.append(f"{id:{width}}  {shares[0]:7.0%}  {shares[1]:7.0%}  {shares[2]:13.0%}")
    mistakes = Counter(
        (id, mark.sentence)
        for row in graded
        for id, mark in row.marks.items()
        if mark.outcome == "not yet"
    )
    if mistakes:
        lines += ["", "Most frequent mistakes"]
        for (id, sentence), count in mistakes.most_common(10):
            lines.append(f"{count:4} × {id}: {sentence}")
    return "\n".join(lines)


# --- The command ----------------------------------------------------------------------------------


def check_key(key: Path, exercises: Mapping[str, Exercise], settings: Settings) -> dict[str, float]:
    """Grade the solutions as a submission; return the seconds that each exercise took.

    Raises
    ------
    RefusedError
        If they do not get full marks: then the exercises, the private cases or the installation are
        at fault, and every student's marks would be.
    """
    submission = Submission("key", key, _trouble(key, key.resolve().parent))
    patient = replace(settings, timeout=max(settings.timeout, START))
    row = grade_submission(submission, exercises, patient)
    wrong = [f"  {id}, {mark.text()}" for id, mark in row.marks.items() if not mark.points]
    if wrong or not row.marks:
        why = "\n".join([*wrong, *([f"  {row.note}"] if row.note else [])])
        raise RefusedError(
            f"The key {key} does not get full marks, so nothing is graded:\n{why}\n"
            "Mend the private cases, the key or the installation; --no-key grades without it."
        )
    return {id: mark.seconds for id, mark in row.marks.items()}


def grade_all(
    submissions: Sequence[Submission],
    exercises: Mapping[str, Exercise],
    settings: Settings,
    jobs: int,
    keep: Callable[[list[Row]], None],
) -> tuple[list[Row], bool]:
    """Grade submissions side by side; return the rows in order, and whether all are there.

    Parameters
    ----------
    keep : callable
        Called with the rows so far whenever there are more.
    """
    rows: dict[int, Row] = {}

    def done() -> list[Row]:
        return [rows[i] for i in sorted(rows)]

    with ThreadPoolExecutor(jobs) as pool:
        places = {
            pool.submit(grade_submission, submission, exercises, settings): i
            for i, submission in enumerate(submissions)
        }
        try:
            for future in tqdm(as_completed(places), total=len(places), unit="notebook"):
                rows[places[future]] = future.result()
                keep(done())
        except KeyboardInterrupt:
            settings.stop.set()
            pool.shutdown(cancel_futures=True)
            return done(), False
    return done(), True


def main(arguments: Sequence[str] | None = None) -> int:
    """Grade the folder that the command line names; return the exit status."""
    options = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return run(options)
    except RefusedError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Interrupted before the first submission.", file=sys.stderr)
        return 130


def run(options: argparse.Namespace) -> int:
    """Do what the command line asks for; return the exit status."""
    folder, output = options.submissions, options.output
    if not folder.is_dir():
        raise RefusedError(f"{folder} is no folder.")
    if output.exists() and not options.overwrite:
        raise RefusedError(f"{output} is there already. Name another, or add --overwrite.")
    if not output.absolute().parent.is_dir():
        raise RefusedError(f"There is no folder {output.parent} to write {output.name} into.")
    private = options.cases and options.cases.absolute()
    students = find_submissions(folder, [p.resolve() for p in (output, private) if p])
    if not students:
        raise RefusedError(f"{folder} holds no submissions.")
    chapter = options.chapter or find_chapter(students)
    exercises = load_exercises(chapter, private)
    adopt_strays()
    settings = Settings(
        timeout=options.timeout,
        memory=options.memory,
        private=private,
        users=_users(options.jobs),
    )
    settings = try_start(settings)
    key = options.key or ROOT / "solutions" / f"{NOTEBOOKS.get(chapter, '')}.ipynb"
    if options.no_key or not (options.key or key.is_file()):
        print("No key was graded first: mistakes in cases or installation would go unseen.")
    else:
        settings = replace(settings, key_seconds=check_key(key, exercises, settings))
        print(f"The key {key.name} gets full marks.")
        for id in exercises:
            if (allowed := settings.allowed(id)) > settings.timeout:
                print(f"{id} took it so long that answers may take {allowed:.0f} seconds.")
    submissions = [choose(notebooks, chapter) for notebooks in students]

    def keep(rows: list[Row]) -> None:
        write(output, table(rows, exercises))

    rows, complete = grade_all(submissions, exercises, settings, options.jobs, keep)
    keep(rows)
    print(summary(rows, exercises))
    print(f"\nWrote {output}.")
    if not complete:
        missing = len(submissions) - len(rows)
        print(f"Interrupted: {missing} of {len(submissions)} not graded.", file=sys.stderr)
    return 0 if complete else 130


def _users(jobs: int) -> queue.SimpleQueue[int] | None:
    """Return a user id for each submission that runs at one time, if this user can give them."""
    if os.geteuid() != 0:
        return None
    users: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(jobs):
        users.put(FIRST_USER + number)
    return users


def try_start(settings: Settings) -> Settings:
    """Start a process without answers, to find what is wrong before the first student's.

    Raises
    ------
    RefusedError
        If none can be started.
    """
    empty = encode([])
    request = LENGTH.pack(len(empty)) + empty + encode([[], []])
    run = Run("answer", request, settings, START)
    try:
        run.receive(time.monotonic() + START, START)
    except StoppedError as stopped:
        if settings.users is None:
            raise RefusedError(
                f"The process that runs the answers {stopped}. Is the course installed in "
                f"{sys.prefix}? Does {tempfile.gettempdir()} have room?"
            ) from None
        print(
            "Answers run as root: a user of their own could not read this Python or its folder of "
            "temporary files. Install the course where all users can read it, or grade as another "
            "user than root.",
            file=sys.stderr,
        )
        return try_start(replace(settings, users=None))
    finally:
        run.close()
    return settings


def parser() -> argparse.ArgumentParser:
    """Return the command line's."""
    found = argparse.ArgumentParser(
        prog="grade.py",
        description="Grade a folder of notebooks: one row a student in a CSV file.",
        epilog="Points are the stars of the exercises. The teaching guide (book/teaching.md) says "
        "what the isolation is and is not, and how to grade in a container.",
    )
    add = found.add_argument
    add(
        "submissions",
        type=Path,
        metavar="SUBMISSIONS",
        help="folder with a notebook, or a folder, for each student",
    )
    add("--chapter", type=_chapter, help="such as 02; without it, found from the notebooks")
    add("--output", type=Path, default=Path("grades.csv"), help="CSV to write (%(default)s)")
    add("--overwrite", action="store_true", help="replace the CSV if it is there")
    add(
        "--cases",
        type=Path,
        metavar="FILE.py",
        help="your private cases: assigns CASES, a dictionary from ids to tuples of Case",
    )
    keys = found.add_mutually_exclusive_group()
    keys.add_argument(
        "--key",
        type=Path,
        metavar="NOTEBOOK",
        help="notebook that must get full marks first (default: the chapter's solutions)",
    )
    keys.add_argument("--no-key", action="store_true", help="grade no key first")
    add(
        "--jobs",
        type=_positive(int),
        default=os.cpu_count() or 1,
        help="submissions at one time (%(default)s)",
    )
    add(
        "--timeout",
        type=_positive(float),
        default=20.0,
        help=f"seconds for each exercise (%(default)s), or {PATIENCE} times what the key needs",
    )
    add(
        "--memory",
        type=_positive(int),
        default=2048,
        help="megabytes for all processes of a submission together (%(default)s)",
    )
    return found


def _chapter(text: str) -> str:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f'a chapter\'s number, such as 02, not "{text}"')
    return f"{int(text):02}"


def _positive(kind: Callable[[str], Any]) -> Callable[[str], Any]:
    def number(text: str) -> Any:
        value = kind(text)
        if not 0 < value < float("inf"):
            raise argparse.ArgumentTypeError(f"a number above 0, not {text}")
        return value

    return number


if __name__ == "__main__":
    sys.exit(main())
