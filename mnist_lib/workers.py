"""Worker processes: start Python programs that train one network together, watch them, end them.

A worker is a process of its own that finds the others by an address. TensorFlow reads all addresses
from the environment variable ``TF_CONFIG``, which `run` sets. Here every address is 127.0.0.1, this
machine itself. Chapter 10 derives what the workers do; this module only looks after them.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from mnist_lib import _checks

__all__ = ["configuration", "free_addresses", "lacking", "results", "run", "timed"]

HOST = "127.0.0.1"
CORES, GIGABYTES = 2, 3
GRACE = 3.0  # seconds that the others may go on when one worker has failed
TICK = 0.1  # seconds between two looks at the workers

# Keras imports these if it finds them, for parts that no worker uses. Without them a worker starts
# in two thirds of the CPU time.
HIDDEN = ("IPython", "matplotlib", "pandas", "scipy", "sklearn")

# Runs a program that does not find them, and ends it when its standard input closes: the system
# closes that when the process that started the worker ends, however it ends. os.read holds no lock
# at Python's exit.
FOLLOW = f"""
import os, runpy, sys, threading
sys.modules.update(dict.fromkeys({HIDDEN}))
threading.Thread(target=lambda: (os.read(0, 1), os._exit(1)), daemon=True).start()
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def lacking() -> str:
    """Return why this machine cannot run two workers, as a sentence; empty if it can.

    They need two cores, 3 GB of memory, a system on which TensorFlow's workers run (Linux or
    macOS), and the right to listen on 127.0.0.1 and to start a process.

    Returns
    -------
    str
    """
    if sys.platform == "win32":
        return "TensorFlow's workers are not supported on Windows; WSL runs them."
    cores = os.cpu_count() or 1
    if cores < CORES:
        return f"This machine has {cores} core; two workers need {CORES}."
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    if memory < GIGABYTES:
        return f"This machine has {memory:.1f} GB of memory; two workers need {GIGABYTES} GB."
    try:
        free_addresses(CORES)
        subprocess.run([sys.executable, "-c", ""], check=True, capture_output=True)
    except (OSError, subprocess.SubprocessError) as error:
        return f"This machine lets no worker start: {error}."
    return ""


def free_addresses(count: int) -> list[str]:
    """Return addresses on this machine that nobody listens on, such as ``"127.0.0.1:40313"``.

    Parameters
    ----------
    count : int
        How many (1 or more).

    Returns
    -------
    list of str

    Raises
    ------
    OSError
        If the system does not allow this process to listen.
    """
    count = _checks.whole("count", count, least=1)
    with ExitStack() as stack:  # all are open at once, so that they differ
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [f"{HOST}:{each.getsockname()[1]}" for each in sockets]


def configuration(addresses: Sequence[str], index: int) -> str:
    """Return what ``TF_CONFIG`` must say to one worker: where all are, and which one it is.

    Parameters
    ----------
    addresses : sequence of str
        Of all workers, in the same order for each of them.
    index : int
        Of the worker that reads it, from 0.

    Returns
    -------
    str
        JSON.
    """
    index = _checks.whole("index", index, least=0, most=len(addresses) - 1)
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": list(addresses)}, "task": task})


def run(
    program: str | os.PathLike[str],
    count: int,
    *arguments: str,
    seconds: float = 300,
    check: bool = True,
) -> list[int]:
    """Run one program in several processes until all have ended; none outlives the call.

    A line shows what worker 0 printed last, and the time. The workers compute on the processor, and
    import Keras without what it can do without: a program cannot import pandas or SciPy, say.
    Whatever ends the call (a failure, the time limit, an interrupt) ends the workers; and if this
    process itself is killed, they end as well.

    Parameters
    ----------
    program : str or path-like
        A file of Python; its folder is the one that it runs in.
    count : int
        How many workers (1 or more).
    *arguments : str
        The program's, after its name in ``sys.argv``.
    seconds : float, optional
        The longest time that they may take together.
    check : bool, optional
        Whether a worker that fails is an error; if not, the others are ended 3 s later.

    Returns
    -------
    list of int
        The exit status of each worker: 0 if it ended well, negative if it was ended from outside.

    Raises
    ------
    FileNotFoundError
        If there is no such program.
    RuntimeError
        If a worker fails and `check` is true. The message holds the end of what it wrote.
    TimeoutError
        If they take longer.
    """
    program = Path(program).resolve()
    if not program.is_file():
        raise FileNotFoundError(
            _checks.message("program", f"{program}, which does not exist", "a file of Python")
        )
    seconds = _checks.number("seconds", seconds, above=0)
    addresses = free_addresses(count)
    workers: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, ExitStack() as stack:
        # What a worker prints, and what TensorFlow logs for it.
        logs = [(Path(folder, f"{i}-said"), Path(folder, f"{i}-logged")) for i in range(count)]
        stack.callback(_end, workers)
        for index, log in enumerate(logs):
            said, logged = (stack.enter_context(path.open("wb")) for path in log)
            workers.append(
                subprocess.Popen(
                    [sys.executable, "-c", FOLLOW, str(program), *arguments],
                    cwd=program.parent,
                    env=_environment(configuration(addresses, index)),
                    stdin=subprocess.PIPE,
                    stdout=said,
                    stderr=logged,
                )
            )
        in_time = _watch(workers, logs[0][0], seconds)
        failed = [i for i, worker in enumerate(workers) if worker.poll() not in (0, None)]
        _end(workers)
        told = [f"Worker {i} wrote:\n{_tail(*logs[i])}" for i in failed or range(count)]
        if not in_time:
            raise TimeoutError(
                f"The workers had not ended after {seconds:g} s, and were ended. {told[0]}"
            )
        if failed and check:
            raise RuntimeError(
                f"Worker {failed[0]} ended with status {workers[failed[0]].returncode}, and the "
                f"others were ended. {told[0]}"
            )
        return [worker.returncode for worker in workers]


def results(
    folder: str | os.PathLike[str], jobs: Sequence[str], count: int
) -> list[dict[str, dict[str, NDArray[Any]]]]:
    """Return what workers have saved as ``JOB-WORKER.npz``: a dictionary of arrays for each job.

    Parameters
    ----------
    folder : str or path-like
        Where they saved it.
    jobs : sequence of str
        A job that a worker did not finish is left out.
    count : int
        How many workers there were.

    Returns
    -------
    list of dict
        For each worker: job → name → array.
    """
    found: list[dict[str, dict[str, NDArray[Any]]]] = []
    for worker in range(_checks.whole("count", count, least=1)):
        paths = {job: Path(folder, f"{job}-{worker}.npz") for job in jobs}
        found.append(
            {job: dict(np.load(path).items()) for job, path in paths.items() if path.is_file()}
        )
    return found


def timed(function: Callable[[], object], repeats: int = 5) -> tuple[float, float]:
    """Return how long the fastest of some calls took, and how many bytes went to 127.0.0.1.

    Parameters
    ----------
    function : callable
        Called without arguments.
    repeats : int, optional
        How often (1 or more).

    Returns
    -------
    seconds : float
        Of the fastest call; other programs can only make a call longer.
    sent : float
        Bytes that passed through the device of 127.0.0.1 in a mean call: one worker may be a call
        behind the other. Bytes of other programs count as well.

    Raises
    ------
    ImportError
        If psutil, which counts the bytes, is not installed.
    """
    repeats = _checks.whole("repeats", repeats, least=1)
    seconds, before = [], _sent()
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return min(seconds), (_sent() - before) / repeats


def _sent() -> int:
    """Return how many bytes have passed through the loopback device, ``lo`` or ``lo0``."""
    import psutil  # only who measures needs it

    counters = psutil.net_io_counters(pernic=True)
    return sum(each.bytes_sent for name, each in counters.items() if name.startswith("lo"))


def _environment(configuration: str) -> dict[str, str]:
    """Return a worker's environment variables: this process's own, but for what concerns it."""
    return os.environ | {
        "TF_CONFIG": configuration,
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "CUDA_VISIBLE_DEVICES": "-1",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        "PYTHONUNBUFFERED": "1",
        "no_grpc_proxy": HOST,  # a proxy does not know this machine's workers
    }


def _watch(workers: list[subprocess.Popen[bytes]], log: Path, seconds: float) -> bool:
    """Wait until all have ended, or one has failed; return whether that was in time."""
    start = shown = time.monotonic()
    failed_at = None
    name = "1 worker" if len(workers) == 1 else f"{len(workers)} workers"
    with tqdm(bar_format="{desc} · {elapsed}", file=sys.stdout, desc=f"{name} start") as line:
        while any(worker.poll() is None for worker in workers):
            now = time.monotonic()
            if now - start > seconds:
                return False
            if failed_at is None and any(worker.poll() not in (0, None) for worker in workers):
                failed_at = now
            if failed_at is not None and now - failed_at > GRACE:
                break
            if said := _said(log):
                line.set_description_str(f"{name}: {said}", refresh=False)
            if now - shown > 1:  # a notebook keeps every line that is shown
                line.refresh()
                shown = now
            time.sleep(TICK)
        line.set_description_str(f"{name}: ended", refresh=False)
    return True


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def _tail(*paths: Path, lines: int = 12) -> str:
    """Return the last lines of some files, one after the other."""
    return "\n".join([line for path in paths for line in _lines(path)][-lines:])


def _said(path: Path) -> str:
    """Return the last line of what a worker printed."""
    return next((line for line in reversed(_lines(path)) if line), "")


def _end(workers: list[subprocess.Popen[bytes]]) -> None:
    """End those that still run, and wait until they have ended."""
    for worker in workers:
        worker.kill()
    for worker in workers:
        worker.wait()
        if worker.stdin is not None:
            with suppress(OSError):
                worker.stdin.close()
