"""Compare what answers returned with what the exercises expect, where no student's code runs.

    python -m tools.grading.judge CHAPTER [CASES]    is how `Judge` starts it

What a submission sent is decoded here and nowhere else, under limits of time and memory.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mnist_lib.exercises import all_exercises
from mnist_lib.exercises.engine import Case, Exercise, Result, Verdict, untouched, verdict
from tools.grading.messages import LENGTH, decode, encode
from tools.grading.processes import START, Process, StartError, StoppedError, python

LONGEST_TEXT = 600  # characters of what a submission says
LONGEST_SHOWN = 2000  # characters of a value that the teacher wants to see
MEMORY = 1024  # megabytes
STEERS = re.compile(r"[^\n\t -~\u00a0-\U0010ffff]|[\u2028-\u202e\u2066-\u2069]")
NO_RESULT = "sent something that is no result"


class RefusedError(Exception):
    """Grading does not start; the message says why and what to do."""


# --- Exercises, and the teacher's own cases -------------------------------------------------------


def load_exercises(chapter: str, private: Path | None = None) -> dict[str, Exercise]:
    """Return a chapter's exercises by id, with the cases of a private file after their own.

    The file assigns ``CASES``, a dictionary from ids to tuples of `Case`.
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
            encode(case.inputs)
        except (TypeError, ValueError) as error:
            raise RefusedError(f'{where}, case "{case.name}", inputs: {error}.') from error


# --- What the judge says --------------------------------------------------------------------------


def printable(text: str) -> str:
    """Return a text without characters that steer a terminal or turn the order of writing.

    Joiners stay: some languages' names need them.
    """
    text = text.encode("utf-8", "backslashreplace").decode()  # file names may be any bytes
    return STEERS.sub("\ufffd", text)


class Judgement(NamedTuple):
    """What the judge says about an answer."""

    verdict: Verdict
    account: str = ""  # what the case that decided asked, and what came back
    malformed: bool = False  # then nothing that the submission sends later can be understood


def judge(exercise: Exercise, messages: Sequence[bytes], ended: str) -> Judgement:
    """Judge an answer by what its submission sent, and by why that ended early, if it did.

    That is one message about the answer, then one for each case, as far as it got.
    """
    try:
        claims, *results = [decode(message) for message in messages]
        _check(claims, {"found": bool, "callable": bool, "untouched": bool, "trouble": str})
        results = [_result(message) for message in results]
    except ValueError:
        if messages:
            return Judgement(Verdict("not yet", f"Your answer {NO_RESULT}."), malformed=True)
        sentence = f"Before {exercise.name} was there, the notebook {ended}."
        return Judgement(Verdict("not yet", sentence))
    found = _verdict(exercise, claims, results, ended)
    # What a submission says of itself is believed only where that cannot gain it a point:
    # "not attempted" and "not yet" are both worth nothing.
    if found.outcome == "not yet" and claims["untouched"]:
        found = untouched()
    elif found.outcome == "not yet" and claims["trouble"]:
        said = printable(claims["trouble"][:LONGEST_TEXT])
        found = found._replace(detail=f"{found.detail} {said}.".strip())
    return Judgement(found, _account(exercise, found, results))


def _verdict(
    exercise: Exercise, claims: Mapping[str, Any], results: list[Result], ended: str
) -> Verdict:
    name = exercise.name
    if not claims["found"] and not claims["trouble"]:
        return Verdict("not attempted", f"The notebook does not define {name}.")
    if not claims["found"]:
        return Verdict("not yet", f"An error keeps the notebook from defining {name}.")
    if exercise.is_function and not claims["callable"]:
        return Verdict("not yet", f"In the end {name} is no function: was its name used again?")
    missing = Result(error=f"Your {'function' if exercise.is_function else 'answer'} {ended}")
    last = missing if exercise.is_function or not results else results[0]
    results = results + [last] * (len(exercise.cases) - len(results))
    try:
        return verdict(exercise, results)
    except (Exception, RecursionError) as error:  # a result made to break the comparison
        return Verdict("not yet", f"The result could not be compared ({type(error).__name__}).")


def _check(message: Any, types: Mapping[str, Any]) -> None:
    if not (
        isinstance(message, dict)
        and message.keys() == types.keys()
        and all(isinstance(message[key], type_) for key, type_ in types.items())
    ):
        raise ValueError(NO_RESULT)


def _result(message: Any) -> Result:
    text = str | None
    _check(message, {"value": object, "error": text, "changed": bool, "refused": text})
    said = {name: printable((message[name] or "")[:LONGEST_TEXT]) for name in ("error", "refused")}
    return Result(**message | {name: text or None for name, text in said.items()})


def _account(exercise: Exercise, found: Verdict, results: list[Result]) -> str:
    """Return what the case that decided asked, and what came back, for the teacher to see."""
    for case, result in zip(exercise.cases, results, strict=False):
        if case.name == found.case:
            lines = [f"case: {case.name}"]
            if exercise.is_function:
                lines.append(f"called with: {_shown(case.inputs)}")
            lines.append(f"returned: {result.error or _shown(result.value)}")
            return "\n".join(lines)
    return ""


def _shown(value: Any) -> str:
    with np.printoptions(threshold=200, edgeitems=4, precision=6, suppress=True):
        return printable(repr(value))[:LONGEST_SHOWN]


def main(chapter: str, private: str | None = None) -> None:
    """Judge what comes on the standard input until there is no more."""
    from tools.grading.child import limit
    from tools.grading.processes import KERAS, MEGABYTE

    limit({"RLIMIT_AS": MEMORY * MEGABYTE + KERAS, "RLIMIT_CORE": 0})
    exercises = load_exercises(chapter, Path(private) if private else None)
    pipe, source = os.fdopen(os.dup(1), "wb"), sys.stdin.buffer
    os.dup2(2, 1)  # what a case prints is no message
    answer = b"ready"
    while True:
        pipe.write(LENGTH.pack(len(answer)) + answer)
        pipe.flush()
        if not (line := source.readline()):
            return
        id, ended, sizes = json.loads(line)
        found = judge(exercises[id], [source.read(size) for size in sizes], ended)
        answer = json.dumps([found.verdict._asdict(), *found[1:]]).encode()


# --- The grader's side ----------------------------------------------------------------------------


class Judge:
    """The process that judges, for all submissions in turn; one that fails is replaced."""

    def __init__(self, chapter: str, private: Path | None = None) -> None:
        arguments = [chapter] if private is None else [chapter, str(private)]
        self.command = python("tools.grading.judge", *arguments)
        self.process: Process | None = None
        self.lock = threading.Lock()

    def ask(self, id: str, messages: Sequence[bytes], ended: str) -> Judgement:
        """Let the process judge one answer; if that fails twice, it is a StartError."""
        question = json.dumps([id, ended, [len(message) for message in messages]]).encode()
        said = ""
        with self.lock:
            for _ in range(2):
                try:
                    if self.process is None:
                        self.process = Process(self.command, memory=MEMORY, stdin=subprocess.PIPE)
                        self.process.receive(START)
                    self.process.send(b"".join([question, b"\n", *messages]))
                    found, *more = json.loads(self.process.receive(START))
                    return Judgement(Verdict(**found), *more)
                except (StoppedError, OSError) as error:
                    said = str(error)
                    self.close()
        raise StartError(f"Judging {id} failed twice: it {said}.")

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.close()
            self.process = None


if __name__ == "__main__":
    main(*sys.argv[1:])
