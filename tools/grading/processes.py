"""Run a submission in a sandbox, or the judge beside it, and get their messages in time.

On Linux, bubblewrap gives each submission a world of its own: it sees the operating system and
Python, read-only, and none of the teacher's or the students' files; it can write into a small
`tmpfs` alone; it has no network, sees no process but its own, and all that it starts ends with it.
"""

from __future__ import annotations

import json
import os
import platform
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
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
FIRST_USER = 62_000  # user ids that no account has; used where the grader is root

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
        """Return the next message.

        Parameters
        ----------
        seconds : float
            How long the work may take.
        since : float, optional
            When it began, on the monotonic clock; now, if left out.

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
            self._look()
            ready, _, _ = select.select([pipe], [], [], PAUSE)
            if ready:
                data = os.read(pipe.fileno(), MEGABYTE)
                if not data:
                    raise StoppedError("ended Python itself")
                self.buffer += data
        return message

    def _message(self) -> bytes | None:
        if len(self.buffer) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack_from(self.buffer)
        if length > LARGEST:
            raise StoppedError("sent something that is no result")
        end = LENGTH.size + length
        if len(self.buffer) < end:
            return None
        message = bytes(self.buffer[LENGTH.size : end])
        del self.buffer[:end]
        return message

    def send(self, message: bytes) -> None:
        """Send a message to the process, which must be waiting for one."""
        assert self.process.stdin is not None
        rest = memoryview(LENGTH.pack(len(message)) + message)
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
        psutil.wait_procs(family, timeout=5)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class Submission(Process):
    """A process that runs a notebook's answers, in the sandbox unless the settings say otherwise.

    Parameters
    ----------
    request : bytes
        What `tools.grading.child` reads.
    settings : Settings
    place : int
        A number that no other running submission has.
    log : file, optional
        What gets all that the answers print.
    """

    def __init__(
        self, request: bytes, settings: Settings, place: int, log: IO[bytes] | None = None
    ) -> None:
        self.folder = None if settings.sandbox else tempfile.mkdtemp(prefix="grading-")
        how = {
            "limits": {
                "RLIMIT_AS": settings.memory * MEGABYTE + KERAS,
                "RLIMIT_FSIZE": SCRATCH,
                "RLIMIT_NOFILE": 256,
                "RLIMIT_CORE": 0,
            },
            "user": None,
            "quiet": log is None,
        }
        if settings.sandbox:  # elsewhere the limit would count all processes of the user
            how["limits"]["RLIMIT_NPROC"] = MOST_TASKS
            how["user"] = FIRST_USER + place if os.geteuid() == 0 else None
        command = python("tools.grading.child", json.dumps(how))
        with tempfile.TemporaryFile() as file, _filter() as system_calls:
            file.write(request)
            file.seek(0)
            files = []
            if settings.sandbox:
                files = [system_calls]
                command = [*bubblewrap(settings.hidden, files[0]), *command]
            super().__init__(
                command,
                memory=settings.memory,
                stdin=file,
                log=log or subprocess.DEVNULL,
                files=files,
                folder=self.folder or "/",
                stop=settings.stop,
            )

    def close(self) -> None:
        """End the submission and remove what it has written."""
        super().close()
        if self.folder is not None:
            shutil.rmtree(self.folder, ignore_errors=True)


def python(module: str, *arguments: str) -> list[str]:
    """Return the command that runs a module of this course, without any setting of the user's."""
    start = (
        "import json, runpy, sys; sys.path[:] = json.loads(sys.argv.pop(1)); "
        f"runpy.run_module({module!r}, run_name='__main__')"
    )
    return [
        sys.executable,
        "-I",
        "-S",
        "-B",
        "-u",
        "-c",
        start,
        json.dumps(_import_path()),
        *arguments,
    ]


def _import_path() -> list[str]:
    """Return where Python finds the course and the packages, and nothing else of the user's."""
    installed = [sys.base_prefix, sys.base_exec_prefix]
    found = [
        path
        for path in sys.path
        if "site-packages" in path
        or "dist-packages" in path
        or any(path.startswith(prefix) for prefix in installed)
    ]
    return [str(ROOT), *found]


def _environment(home: str) -> dict[str, str]:
    """Return the whole environment of a process: nothing of the teacher's."""
    one = ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "TF_NUM_INTRAOP", "TF_NUM_INTEROP")
    kept = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return kept | {
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": home,
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",  # the same sentence in every run
        "MPLBACKEND": "Agg",
        "MNIST_LIB_SOURCE": "sample",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        **{f"{name}{'' if name.startswith('TF') else '_NUM'}_THREADS": "1" for name in one},
    }


# --- The sandbox ----------------------------------------------------------------------------------


def bubblewrap(hidden: Iterable[Path], system_calls: int) -> list[str]:
    """Return the command that runs another in the sandbox.

    Parameters
    ----------
    hidden : iterable of Path
        Files and folders that must not be seen even where they lie within Python's or the course's
        folders.
    system_calls : int
        Number of the open file with the filter of system calls.
    """
    program = shutil.which("bwrap")
    if program is None:
        raise StartError(INSTALL)
    apart = ["ipc", "pid", "net", "uts", "cgroup-try"]
    command = [program, *(f"--unshare-{name}" for name in apart)]
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
    for path in ("/bin", "/lib", "/lib64", "/sbin"):
        if os.path.islink(path):
            command += ["--symlink", os.readlink(path), path]
        else:
            command += ["--ro-bind-try", path, path]
    system = ("/usr", "/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime", "/nix/store")
    for path in system:
        command += ["--ro-bind-try", path, path]
    seen = [Path(path) for path in system] + _visible()
    for path in _visible():
        for parent in reversed(path.parents[:-1]):
            command += ["--perms", "0755", "--dir", str(parent)]
        command += ["--ro-bind", str(path), str(path)]
    for path in hidden:
        if path.exists() and any(path.is_relative_to(folder) for folder in seen):
            command += ["--tmpfs", str(path)] if path.is_dir() else _no_file(path)
    for path in ("/dev", "/"):
        command += ["--remount-ro", path]
    return [*command, "--chdir", "/tmp", "--seccomp", str(system_calls), "--"]


def _no_file(path: Path) -> list[str]:
    return ["--ro-bind", "/dev/null", str(path)]


def _visible() -> list[Path]:
    """Return what a submission needs beside the operating system: Python and the course."""
    needed = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]
    needed += [path for path in _import_path() if path != str(ROOT)]
    needed += [str(ROOT / "mnist_lib"), str(ROOT / "tools")]
    paths = {Path(path) for path in needed} | {Path(path).resolve() for path in needed}
    found = sorted(path for path in paths if path.exists())
    return [p for p in found if not any(p.is_relative_to(o) for o in found if o != p)]


# What the limits do not count: shared memory that no process holds, and the mounts of a namespace
# of one's own. Numbers of Linux' system calls on the two kinds of processors that teachers have.
MACHINES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
FORBIDDEN = {
    "shmget": (29, 194),
    "msgget": (68, 186),
    "unshare": (272, 97),
    "memfd_create": (319, 279),
    "io_uring_setup": (425, 425),
    "clone3": (435, 435),  # its flags cannot be seen; the C library then uses clone
}
CLONE = (56, 220)
CLONE_NEWUSER = 0x10000000


@contextmanager
def _filter() -> Iterator[int]:
    """Give the number of an open file: seccomp's program, which answers ENOSYS to some calls."""
    load, equal, at_least, any_bit, back = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, refuse, kill = 0x7FFF0000, 0x00050000 | 38, 0x80000000
    program: list[tuple[int, int, int, int]] = []
    if platform.machine() in MACHINES:
        architecture, which = MACHINES[platform.machine()]
        program += [(load, 0, 0, 4), (equal, 1, 0, architecture), (back, 0, 0, kill)]
        program += [(load, 0, 0, 0), (at_least, 0, 1, 0x40000000), (back, 0, 0, refuse)]
        for numbers in FORBIDDEN.values():
            program += [(equal, 0, 1, numbers[which]), (back, 0, 0, refuse)]
        program += [(equal, 0, 3, CLONE[which]), (load, 0, 0, 16)]
        program += [(any_bit, 0, 1, CLONE_NEWUSER), (back, 0, 0, refuse)]
    program.append((back, 0, 0, allow))
    with tempfile.TemporaryFile() as file:
        file.write(b"".join(struct.pack("=HBBI", *step) for step in program))
        file.seek(0)
        yield file.fileno()
