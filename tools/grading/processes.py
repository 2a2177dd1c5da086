"""Run a submission in a sandbox, or the judge beside it, and get their messages in time.

On Linux, bubblewrap gives each submission a world of its own: it sees the operating system and
Python, read-only, and none of the teacher's or the students' files; it can write into a small
`tmpfs` alone; it has no network, sees no process but its own, and all that it starts ends with it.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import select
import shutil
import signal
import site
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import IO

import psutil

from tools.grading.messages import LARGEST, LENGTH

ROOT = Path(__file__).resolve().parents[2]
START = 120  # seconds for Python to start, and for a step of the grader's own
PAUSE = 0.1  # seconds between two looks at a running submission
MEGABYTE = 1 << 20
SCRATCH = 64 * MEGABYTE  # what a submission may write in all, in each of two places
KERAS = 4096 * MEGABYTE  # address space that TensorFlow reserves and does not use
MOST_TASKS = 256  # processes and threads of a submission
USERS = cycle(range(62_000, 63_000))  # ids that no account has; for those that root grades

INSTALL = """\
The sandbox is missing: bubblewrap keeps the students' code from your files and the network.
  Debian, Ubuntu, WSL:  sudo apt-get install bubblewrap
  Fedora:               sudo dnf install bubblewrap
On macOS use the container that book/grading.md describes. Only for a class whose code you would run
yourself without a thought: --no-sandbox."""
REFUSED = """\
bubblewrap is installed, but a submission does not start in it: {reason}
It needs bubblewrap 0.8 and unprivileged user namespaces. Ubuntu 24.04 and newer forbid these; until
the next restart of the computer, this allows them:
  sudo sysctl --write kernel.apparmor_restrict_unprivileged_userns=0
As root, Python and the course must be readable by all users: chmod --recursive a+rX FOLDER.
Inside a container, see book/grading.md."""


@dataclass(frozen=True)
class Settings:
    """How submissions are run."""

    timeout: float = 20.0  # seconds for each exercise
    memory: int = 2048  # megabytes for all processes of a submission
    sandbox: bool = True
    hidden: tuple[Path, ...] = ()  # what no submission may read, wherever it lies
    stop: threading.Event = field(default_factory=threading.Event)  # set to end all runs


class StoppedError(Exception):
    """A process came to an early end; the message says why, as part of a sentence."""


class StartError(Exception):
    """A process did not start, which is nobody's fault but the grader's or the computer's."""


class Process:
    """A running program that sends messages, and whatever it starts."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        memory: int,
        stdin: IO[bytes] | int,
        log: IO[bytes] | int = subprocess.DEVNULL,
        files: Sequence[int] = (),
        folder: str = "/",
        stop: threading.Event | None = None,
    ) -> None:
        self.memory = memory
        self.stop = stop
        self.buffer = bytearray()
        self.next_look = time.monotonic() + PAUSE
        self.process = subprocess.Popen(
            command,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=log,
            bufsize=0,
            cwd=folder,
            env=_environment(folder if folder != "/" else "/tmp"),
            pass_fds=files,
            start_new_session=True,
        )

    def receive(self, seconds: float, since: float | None = None) -> bytes:
        """Return the next message, which may take some time since a moment (now, if left out).

        Raises
        ------
        StoppedError
            If there is none, or if the process broke a limit meanwhile.
        KeyboardInterrupt
            If the grader itself is to stop.
        """
        pipe = self.process.stdout
        assert pipe is not None
        deadline = (time.monotonic() if since is None else since) + seconds
        while (message := self._message()) is None:
            if self.stop is not None and self.stop.is_set():
                raise KeyboardInterrupt
            if time.monotonic() > deadline:
                raise StoppedError(
                    f"ran for more than {seconds:.3g} seconds and was stopped; "
                    "perhaps one of its loops never ends"
                )
            ready, _, _ = select.select([pipe], [], [], PAUSE)
            if ready:
                data = os.read(pipe.fileno(), MEGABYTE)
                if not data:
                    raise StoppedError("ended Python itself")
                self.buffer += data
                if (message := self._message()) is not None:  # sent before what comes to light now
                    break
            self._look()
        return message

    def _message(self) -> bytes | None:
        if len(self.buffer) < LENGTH.size:
            return None
        end = LENGTH.size + LENGTH.unpack_from(self.buffer)[0]
        if end > LENGTH.size + LARGEST:
            raise StoppedError("sent something that is no result")
        if len(self.buffer) < end:
            return None
        message = bytes(self.buffer[LENGTH.size : end])
        del self.buffer[:end]
        return message

    def send(self, data: bytes) -> None:
        """Send something to the process, which must be waiting for it."""
        assert self.process.stdin is not None
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.process.stdin.fileno(), rest) :]

    def _look(self) -> None:
        """Compare what the process and its descendants use with what they may."""
        if time.monotonic() < self.next_look:
            return
        used = 0
        for process in self._family():
            with suppress(psutil.Error):
                used += process.memory_info().rss
        if used > self.memory * MEGABYTE:
            raise StoppedError(f"used more than {self.memory} MB of memory and was stopped")
        self.next_look = time.monotonic() + PAUSE

    def _family(self) -> list[psutil.Process]:
        try:
            first = psutil.Process(self.process.pid)
            return [first, *first.children(recursive=True)]
        except psutil.Error:
            return []

    def close(self) -> None:
        """End the process. In the sandbox the kernel then ends all that it has started."""
        family = self._family()
        with suppress(OSError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for process in family:
            with suppress(psutil.Error):
                process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class Submission(Process):
    """A process that runs a notebook's answers, in the sandbox unless the settings say otherwise.

    `request` is what `tools.grading.child` reads; the log gets the errors of the start, and, if it
    is to be shown, what the answers print.
    """

    def __init__(
        self, request: bytes, settings: Settings, log: IO[bytes], *, shown: bool = False
    ) -> None:
        self.folder = None if settings.sandbox else tempfile.mkdtemp(prefix="grading-")
        limits = {
            "RLIMIT_AS": settings.memory * MEGABYTE + KERAS,
            "RLIMIT_FSIZE": SCRATCH,
            "RLIMIT_NOFILE": 256,
            "RLIMIT_CORE": 0,
        }
        user = None
        if settings.sandbox:  # elsewhere the limit would count all processes of the user
            limits["RLIMIT_NPROC"] = MOST_TASKS
            user = next(USERS) if os.geteuid() == 0 else None
        how = {"limits": limits, "user": user, "shown": shown}
        command = python("tools.grading.child", json.dumps(how))
        with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as calls:
            for each, content in ((file, request), (calls, system_calls())):
                each.write(content)
                each.seek(0)
            if settings.sandbox:
                command = [*bubblewrap(settings.hidden, calls.fileno()), *command]
            super().__init__(
                command,
                memory=settings.memory,
                stdin=file,
                log=log,
                files=[calls.fileno()],
                folder=self.folder or "/",
                stop=settings.stop,
            )

    def close(self) -> None:
        """End the submission and remove what it has written."""
        super().close()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of this course."""
    return [sys.executable, "-B", "-u", "-m", module, *arguments]


def _environment(home: str) -> dict[str, str]:
    """Return the whole environment of a process: nothing of the teacher's."""
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    threads = ("OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "TF_NUM_INTRAOP", "TF_NUM_INTEROP")
    return kept | {
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "PYTHONSAFEPATH": "1",  # the folder that it runs in is no place for modules
        "PYTHONUSERBASE": site.getuserbase(),
        "PYTHONHASHSEED": "0",  # the same sentence in every run
        "MPLBACKEND": "Agg",
        "MNIST_LIB_SOURCE": "sample",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **{f"{name}_THREADS": "1" for name in threads},
    }


# --- The sandbox ----------------------------------------------------------------------------------


def bubblewrap(hidden: Iterable[Path], calls: int) -> list[str]:
    """Return the command that runs another in the sandbox, under a file with `system_calls`.

    What is hidden must not be seen even where it lies within Python's or the course's folders.
    """
    apart = ["ipc", "pid", "net", "uts", "cgroup-try"]
    command = [shutil.which("bwrap") or "bwrap", *(f"--unshare-{name}" for name in apart)]
    command += ["--die-with-parent", "--new-session", "--cap-drop", "ALL"]
    if os.geteuid() == 0:
        # Root without rights may still write root's files, such as those in /proc/sys. So the
        # child takes on another user before it reads anything, and loses these two rights by that.
        command += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        command += ["--unshare-user", "--disable-userns"]
    command += ["--proc", "/proc", "--dev", "/dev"]
    for path in ("/tmp", "/dev/shm"):
        command += ["--perms", "1777", "--size", str(SCRATCH), "--tmpfs", path]
    system = ("/usr", "/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/nix/store")
    for path in ("/bin", "/lib", "/lib64", "/sbin", *system):
        is_link = os.path.islink(path)
        command += ["--symlink", os.readlink(path)] if is_link else ["--ro-bind-try", path]
        command.append(path)
    needed = _visible()
    seen = [Path(path) for path in system] + needed
    for place in needed:
        for parent in reversed(place.parents[:-1]):
            command += ["--perms", "0755", "--dir", str(parent)]
        command += ["--ro-bind", str(place), str(place)]
    for place in hidden:
        if place.exists() and any(place.is_relative_to(folder) for folder in seen):
            command += ["--tmpfs"] if place.is_dir() else ["--ro-bind", "/dev/null"]
            command.append(str(place))
    for path in ("/dev", "/"):
        command += ["--remount-ro", path]
    return [*command, "--chdir", "/tmp", "--seccomp", str(calls), "--"]


def _visible() -> list[Path]:
    """Return what a submission needs beside the operating system: Python and the course."""
    needed = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]
    needed += [str(ROOT / "mnist_lib"), str(ROOT / "tools")]
    needed += [path for path in [site.getusersitepackages()] if path in sys.path]
    paths = {Path(path) for path in needed} | {Path(path).resolve() for path in needed}
    found = sorted(path for path in paths if path.exists())
    return [p for p in found if not any(p.is_relative_to(o) for o in found if o != p)]


# What no limit counts: memory in files without a name, in segments and queues that no process
# holds, and in what is mounted in a user namespace of one's own. On the two kinds of processors
# that teachers have: Linux' number for it; clone; shmget, msgget, unshare, memfd_create, and
# clone3, whose flags a filter cannot see (the C library then uses clone).
MACHINES = {
    "x86_64": (0xC000003E, 56, (29, 68, 272, 319, 435)),
    "aarch64": (0xC00000B7, 220, (194, 186, 97, 279, 435)),
}
CLONE_NEWUSER = 0x10000000


def system_calls() -> bytes:
    """Return seccomp's program that answers ENOSYS to the calls that take uncounted memory."""
    load, equal, at_least, any_bit, back = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, refuse, kill = 0x7FFF0000, 0x00050000 | errno.ENOSYS, 0x80000000
    steps: list[tuple[int, int, int, int]] = []
    if platform.machine() in MACHINES:
        machine, clone, refused = MACHINES[platform.machine()]
        steps += [(load, 0, 0, 4), (equal, 1, 0, machine), (back, 0, 0, kill)]
        steps += [(load, 0, 0, 0), (at_least, 0, 1, 0x40000000), (back, 0, 0, refuse)]
        for number in refused:
            steps += [(equal, 0, 1, number), (back, 0, 0, refuse)]
        steps += [(equal, 0, 3, clone), (load, 0, 0, 16)]
        steps += [(any_bit, 0, 1, CLONE_NEWUSER), (back, 0, 0, refuse)]
    steps.append((back, 0, 0, allow))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
