"""The benchmark times what it says, and only what is right."""

import itertools
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from tools import benchmark


def test_the_table_holds_every_case_with_its_ratio():
    run = subprocess.run(
        [sys.executable, "-m", "tools.benchmark", "--rounds", "1"],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stderr == ""
    head, *lines = run.stdout.splitlines()
    assert head.split()[-3:] == ["NumPy", "TensorFlow", "ratio"]
    names = [re.split(r"\s{2,}", line)[:3] for line in lines]
    cases = ["28 × 28 × 1 → 32", "13 × 13 × 32 → 64"]
    ways, batches = ["forward", "backward"], ["32", "128", "512"]
    assert names == [list(each) for each in itertools.product(cases, ways, batches)]
    for line in lines:
        ours, theirs, ratio = map(float, line.split()[-3:])
        assert 0 < ratio < 100
        assert ratio == pytest.approx(ours / theirs, rel=0.1)


def test_least_cpu_times_counts_work_and_not_waiting():
    def work():
        end = time.process_time() + 0.02
        while time.process_time() < end:
            pass

    busy, idle = benchmark.least_cpu_times([work, lambda: time.sleep(0.02)], rounds=2, repeats=2)
    assert 20 <= busy < 60
    assert idle < 10


@pytest.mark.parametrize("wrong", [np.ones((2, 3)) + 0.01, np.ones((3, 2)), np.zeros((2, 3))])
def test_contenders_that_disagree_are_not_timed(wrong):
    benchmark.check_equal("same", [np.ones((2, 3))], [np.ones((2, 3))])
    with pytest.raises(ArithmeticError, match="case: the two do not compute the same"):
        benchmark.check_equal("case", [wrong], [np.ones((2, 3))])


def test_no_rounds_are_refused(capsys):
    with pytest.raises(SystemExit):
        benchmark.main(["--rounds", "0"])
    assert "must be at least 1, got 0" in capsys.readouterr().err
