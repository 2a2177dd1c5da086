"""Going back in a notebook: that a second pass, from last cell to first, tells what it changed."""

from __future__ import annotations

import time

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from tools import going_back

DRAW = "import matplotlib.pyplot as plt\n%matplotlib inline\nplt.plot([1, {}]);"

# cell id, source, what the report must say of it (nothing: the cell stands being run again)
CELLS = [
    ("start", "import time\nimport numpy as np\nrng = np.random.default_rng(0)", ""),
    ("setting", "step = 1", ""),
    ("uses-setting", "print('step', step)", "'step 2' in place of 'step 1'"),
    ("overwrites-setting", "step = 2", ""),
    ("draws-a-number", "rng.integers(10**9)", "in place of"),
    ("seeds-its-own", "np.random.default_rng(0).integers(10**9)", ""),
    ("uses-a-loop-variable", "k = 1\n[k][0]", ""),
    ("function", "square = lambda x: x * x", ""),
    ("calls-it", "square(3)", "TypeError: 'int' object is not callable"),
    ("hides-it", "square = 9", ""),
    ("figure", DRAW.format(2), ""),
    ("figure-of-chance", DRAW.format("rng.random()"), "another picture"),
    ("times", "print(f'{time.perf_counter():.3f} s, {time.perf_counter():8.1f} ×')", ""),
    ("clock", "print('lying' in repr(time.process_time))", "'True' in place of 'False'"),
    ("spent", "def spent():\n    start = time.perf_counter()\n    return clock() - start", ""),
    ("work", "def clock():\n    time.sleep(0.1)\n    return time.perf_counter()", ""),
    ("time-without-unit", "print(f'{spent():.2f}')", "in place of"),
    ("time-with-unit", "print(f'{spent():.2f} CPU seconds')", ""),
    ("draws-a-time", DRAW.format("spent()"), "another picture"),
    ("measures", "kept = spent()", ""),
    ("shows-what-is-kept", "print(f'{kept:.4f}')", ""),
    ("object", "object()", ""),
    (
        "says-more",
        "seen = globals().get('seen', 0) + 1\nprint('line\\n' * seen)",
        "'line' in place",
    ),
    ("long", "time.sleep(5.2)\nrng.random()", ""),
]


@pytest.fixture(scope="module")
def run() -> going_back.GoingBack:
    """Return the client that ran a notebook of all these cells."""
    cells = [new_code_cell(source, id=name) for name, source, _ in CELLS]
    notebook = new_notebook(cells=[*cells, new_markdown_cell("The end.", id="end")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(going_back, "LONGEST_AGAIN", 5.0)
        patch.delenv("MPLBACKEND", raising=False)
        client = going_back.GoingBack(notebook, timeout=600, record_timing=True)
        client.execute()
    return client


@pytest.mark.parametrize(("name", "says"), [(name, says) for name, _, says in CELLS])
def test_what_changes_is_told_and_nothing_else(
    run: going_back.GoingBack, name: str, says: str
) -> None:
    told = [p for p in run.problems if p.startswith(f"cell {name}, ")]
    assert len(told) == bool(says), told
    assert not says or says in told[0]


def test_the_clocks_of_the_second_pass_run_at_another_pace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in going_back.CLOCKS:
        for form, step in ((name, 0.5), (f"{name}_ns", 10**8)):
            monkeypatch.setattr(time, form, iter([step * n for n in range(2, 9)]).__next__)
    exec(going_back.LYING_CLOCKS, {})
    assert time.process_time() == 1 + 3 * 0.5  # started at 1, and is half a second further
    assert time.process_time() - time.process_time() == -3 * 0.5
    assert time.perf_counter_ns() == 5 * 10**8


def test_the_notebook_keeps_the_outputs_of_the_first_pass(run: going_back.GoingBack) -> None:
    cell = run.nb.cells[2]
    assert (cell.id, cell.outputs[0].text) == ("uses-setting", "step 1\n")


def test_cpu_seconds_are_those_of_the_first_pass(run: going_back.GoingBack) -> None:
    assert 0.1 < run.cpu_seconds < 20


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (
            "Epoch 1/4\n430/430 - 5s - 12ms/step - loss: 0.3\n",
            "Epoch 1/4\n430/430 - 6s - 13ms/step - loss: 0.3\n",
        ),
        ("\r  0%|   | 0/3 [00:00<?]\r100%|███| 3/3 [00:01<00:00, 9.5it/s]\nlr 0.1\n", "lr 0.1\n"),
        ("conv   4.500 ms 5,120.8 ×  1 ms    2.0 ×", "conv  44.000 ms   120.8 ×  3 ms   24.0 ×"),
        ("budgets: 0.4 CPU seconds, 2.8 CPU s", "budgets: 0.5 CPU seconds, 2.9 CPU s"),
        ("     right  time\nfit   98 %  9 ms", "     right   time\nfit   98 %  27 ms"),
        ("in batches: 1,923 requests/s", "in batches: 603 requests/s"),
        ("<Figure at 0x7f0a>", "<Figure at 0x7f1b>"),
    ],
)
def test_times_bars_and_addresses_may_differ(first: str, again: str) -> None:
    cells = [new_code_cell(outputs=[new_output("stream", text=text)]) for text in (first, again)]
    assert going_back.difference(*cells) is None


@pytest.mark.parametrize(
    ("first", "again"),
    [
        ("loss 0.301", "loss 0.302"),
        ("3/3 right", "2/3 right"),
        ("28 × 28 × 1 pixels", "28 × 26 × 1 pixels"),
        ("a line", ""),
        ("budgets: 0.4 2.8 CPU seconds", "budgets: 0.5 2.8 CPU seconds"),
    ],
)
def test_results_may_not(first: str, again: str) -> None:
    cells = [new_code_cell(outputs=[new_output("stream", text=text)]) for text in (first, again)]
    assert going_back.difference(*cells)
