"""Worker processes: whatever happens, none is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import psutil
import pytest

from mnist_lib import workers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="workers need Linux or macOS")

SLEEP = "import time; time.sleep(600)"


def program(folder: Path, source: str) -> Path:
    path = folder / "worker.py"
    path.write_text("import json, os\nconfig = json.loads(os.environ['TF_CONFIG'])\n" + source)
    return path


def of(path: Path) -> list[int]:
    """Return the processes that run a program."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        line = process.info["cmdline"] or []
        if str(path) in line and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process.pid)
    return found


def test_each_worker_knows_all_addresses_and_which_it_is(tmp_path, capsys):
    source = """
import sys
index = config["task"]["index"]
print("worker", index)
with open(f"{sys.argv[1]}-{index}.json", "w") as file:
    json.dump([config, os.environ["CUDA_VISIBLE_DEVICES"]], file)
"""
    assert workers.run(program(tmp_path, source), 2, "told") == [0, 0]
    told = [json.loads((tmp_path / f"told-{index}.json").read_text()) for index in range(2)]
    configs = [config for config, _ in told]
    assert [config["task"] for config in configs] == [
        {"type": "worker", "index": 0},
        {"type": "worker", "index": 1},
    ]
    assert configs[0]["cluster"] == configs[1]["cluster"]
    assert len(set(configs[0]["cluster"]["worker"])) == 2
    assert all(device == "-1" for _, device in told)
    assert "2 workers: ended" in capsys.readouterr().out


def test_a_worker_imports_keras_without_what_it_does_not_use(tmp_path):
    source = """
import sys
import keras
names = ("IPython", "matplotlib", "pandas", "scipy", "sklearn")
with open("imported.json", "w") as file:
    json.dump([name for name in names if sys.modules.get(name)], file)
"""
    assert workers.run(program(tmp_path, source), 1) == [0]
    assert json.loads((tmp_path / "imported.json").read_text()) == []


def test_a_failure_ends_the_others_and_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "GRACE", 0.2)
    source = f"if config['task']['index'] == 1: raise SystemExit('no more digits')\n{SLEEP}"
    path = program(tmp_path, source)
    with pytest.raises(RuntimeError, match=r"Worker 1 ended with status 1.*\s.*no more digits"):
        workers.run(path, 2)
    assert of(path) == []


def test_a_death_that_is_expected_is_a_status(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "GRACE", 0.2)
    source = f"if config['task']['index'] == 1: os._exit(9)\n{SLEEP}"
    path = program(tmp_path, source)
    assert workers.run(path, 2, check=False) == [-signal.SIGKILL, 9]
    assert of(path) == []


@pytest.mark.parametrize("check", [True, False])
def test_the_time_limit_ends_them(tmp_path, monkeypatch, check):
    source = "print('asleep', flush=True)\nopen(str(config['task']['index']), 'w').close()\n"
    path = program(tmp_path, source + SLEEP)

    def passed():  # the time is up as soon as both are asleep
        return 3.0 * ((tmp_path / "0").exists() and (tmp_path / "1").exists())

    monkeypatch.setattr(workers, "time", SimpleNamespace(monotonic=passed, sleep=time.sleep))
    with pytest.raises(TimeoutError, match=r"not ended after 2 s.*\sasleep"):
        workers.run(path, 2, seconds=2, check=check)
    assert of(path) == []


def test_an_interrupt_ends_them(tmp_path, monkeypatch):
    path = program(tmp_path, SLEEP)
    running = []

    def interrupt(seconds):
        running.extend(of(path))
        raise KeyboardInterrupt

    monkeypatch.setattr(workers.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        workers.run(path, 2)
    assert len(running) == 2
    assert of(path) == []


def test_they_end_when_the_process_that_started_them_is_killed(tmp_path):
    path = program(tmp_path, SLEEP)
    call = f"from mnist_lib import workers; workers.run({str(path)!r}, 2)"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    starter = subprocess.Popen(
        [sys.executable, "-c", call], stdout=subprocess.DEVNULL, env=environment
    )

    def wait_until(count: int) -> None:
        end = time.monotonic() + 180
        while len(of(path)) != count and time.monotonic() < end:
            time.sleep(0.1)
        assert len(of(path)) == count

    try:
        wait_until(2)
    finally:
        starter.kill()
        starter.wait()
    wait_until(0)


def test_results_are_read_by_worker_and_job(tmp_path):
    np.savez(tmp_path / "proof-0.npz", weights=[1.0, 2.0], after=3)
    np.savez(tmp_path / "proof-1.npz", weights=[1.0, 2.0], after=3)
    np.savez(tmp_path / "times-1.npz", seconds=[0.5])
    first, second = workers.results(tmp_path, ["proof", "times", "never"], 2)
    assert list(first) == ["proof"]
    assert list(second) == ["proof", "times"]
    np.testing.assert_array_equal(first["proof"]["weights"], [1, 2])
    assert second["proof"]["after"] == 3
    with pytest.raises(ValueError, match=r"^count is 0; expected"):
        workers.results(tmp_path, ["proof"], 0)


def test_calls_are_timed_by_the_fastest_and_their_bytes_counted(monkeypatch):
    clock, bytes_ = iter([0, 5, 10, 12, 20, 29]), iter([1_000, 7_000])
    monkeypatch.setattr(workers, "time", SimpleNamespace(perf_counter=lambda: next(clock)))

    def counters(pernic):
        lo = SimpleNamespace(bytes_sent=next(bytes_))
        return {"lo": lo, "eth0": SimpleNamespace(bytes_sent=99)}

    monkeypatch.setattr(psutil, "net_io_counters", counters)
    calls = []
    assert workers.timed(lambda: calls.append(1), 3) == (2, 2_000)
    assert len(calls) == 3
    with pytest.raises(ValueError, match=r"^repeats is 0; expected"):
        workers.timed(list, 0)


def test_what_cannot_be_run_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^program is .*none\.py, which does not exist;"):
        workers.run(tmp_path / "none.py", 2)
    path = program(tmp_path, "")
    with pytest.raises(ValueError, match=r"^count is 0; expected"):
        workers.run(path, 0)
    with pytest.raises(ValueError, match=r"^seconds is 0; expected"):
        workers.run(path, 1, seconds=0)
    with pytest.raises(ValueError, match=r"^index is 2; expected"):
        workers.configuration(["a", "b"], 2)


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("sys.platform", "win32", "Windows"),
        ("os.cpu_count", lambda: 1, "1 core;"),
        ("os.sysconf", lambda name: 1000, "0.0 GB"),
        ("sys.executable", "/no/such/python", "lets no worker start"),
    ],
)
def test_what_is_lacking_is_said_in_a_sentence(monkeypatch, name, change, says):
    monkeypatch.setattr(f"mnist_lib.workers.{name}", change)
    said = workers.lacking()
    assert says in said
    assert said.endswith(".")


def test_a_forbidden_socket_is_said(monkeypatch):
    class Forbidden:
        def __init__(self):
            raise PermissionError("not permitted")

    monkeypatch.setattr(workers.socket, "socket", Forbidden)
    assert "lets no worker start: not permitted" in workers.lacking()


def test_nothing_is_lacking_where_there_is_enough(monkeypatch):
    monkeypatch.setattr(workers, "CORES", 1)
    monkeypatch.setattr(workers, "GIGABYTES", 0.001)
    assert workers.lacking() == ""


def test_the_line_says_what_a_worker_says_and_not_what_tensorflow_logs(
    tmp_path, monkeypatch, capsys
):
    source = """
import pathlib, sys, time
print("proof", flush=True)
print("I0000 00:00:1.2 cpu_feature_guard.cc:1] Some tasks have ended.\\n", file=sys.stderr)
print("The tasks have crashed.", file=sys.stderr, flush=True)
while not pathlib.Path("seen").exists():
    time.sleep(0.05)
"""
    shown = ""

    def sleep(seconds):
        nonlocal shown
        shown += capsys.readouterr().out
        if "1 worker: proof" in shown:
            (tmp_path / "seen").touch()  # and the worker ends
        time.sleep(seconds)

    monkeypatch.setattr(workers, "time", SimpleNamespace(monotonic=time.monotonic, sleep=sleep))
    workers.run(program(tmp_path, source), 1, seconds=180)
    shown += capsys.readouterr().out
    assert "1 worker: proof" in shown
    assert "tasks" not in shown


def test_a_failure_tells_what_was_printed_and_what_was_logged(tmp_path):
    source = "print('step 3', flush=True); raise OSError('no space')"
    with pytest.raises(RuntimeError, match=r"(?s)step 3.*OSError: no space"):
        workers.run(program(tmp_path, source), 1)
