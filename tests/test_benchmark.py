"""The benchmark measures what it says, compares only what is right, and keeps what it measured."""

import html
import json
import math
import platform
import re
import sys
import time

import keras
import numpy as np
import pytest

from mnist_lib import models
from mnist_lib.data import load_mnist, prepare
from tools import benchmark

STORED = json.loads(benchmark.RESULTS.read_text(encoding="utf-8"))


def program(*seeds, **changed):
    """A program's results: for each seed its accuracies, an epoch of 2, 3, … CPU seconds each."""
    marks = [
        [{"CPU": (k + 1) * (2 + s), "wall": 1.0, "accuracy": a} for k, a in enumerate(accuracies)]
        for s, accuracies in enumerate(seeds)
    ]
    return {
        "marks": marks,
        "parameters": 1234,
        "multiply-adds": 1_500_000,
        "floating-point operations": 3e9,
        "peak memory in MB": 1000.0,
        "digits": {"training": 55_000, "test": 10_000},
        "epochs": 4,
        "epochs seen": len(seeds[0]),
        "date": "2026-01-01",
    } | changed


# ---------------------------------------------------------------- what is computed


def test_a_level_is_reached_when_the_mean_over_seeds_is_there():
    # The first seed is there after one epoch, the mean only after two.
    run = program([0.992, 0.992], [0.984, 0.989], [0.985, 0.990])
    assert benchmark.reached(run, 0.98) == (3, True)
    assert benchmark.reached(run, 0.99) == (6, True)  # the median of 4, 6 and 8
    assert benchmark.reached(run, 0.995) == (6, False)


def test_the_interval_is_wilsons_for_one_network():
    mean, low, high = benchmark.interval(program([0.5, 0.99], [0.5, 0.98]))
    assert mean == pytest.approx(0.985)
    z, n = 1.959964, 10_000
    middle = (mean + z**2 / 2 / n) / (1 + z**2 / n)
    half = z * math.sqrt(mean * (1 - mean) / n + z**2 / 4 / n**2) / (1 + z**2 / n)
    assert (low, high) == pytest.approx((middle - half, middle + half), abs=1e-6)


def test_the_table_tells_who_gets_there_and_how_much_sooner():
    programs = {
        benchmark.CLASSIC: program([0.97, 0.985, 0.988]),
        benchmark.KERAS_IO: program([0.985, 0.991], [0.985, 0.991]),
        "fast recipe": program(
            [0.991], epochs=0.51, **{"epochs seen": 0.51, "peak memory in MB": None}
        ),
    }
    results = {"programs": programs, "operations per CPU second": 1e9}
    rows: dict[str, dict[str, str]] = {name: {} for name in programs}
    for table in benchmark.program_tables(results):
        for name, row in table.rows.items():
            rows[name] |= zip(table.columns, row, strict=True)
    slow, middle, fast = (rows[name] for name in programs)
    assert slow["CPU s to 98 %"] == "4.00"
    assert slow["CPU s to 99 %"] == "– (best 98.80%)"
    assert slow["seeds × epochs"] == "1 × 3 of 4"
    assert slow["of the peak"] == "50%"
    assert fast["seeds × epochs"] == "1 × 0.51 of 0.51"
    assert fast["CPU s to 99 %"] == "2.00"
    # The classic program counts with all its 6 seconds; keras.io's takes 5 in the median.
    assert fast["× sooner than classic"] == "> 3.00"
    assert fast["× sooner than keras.io"] == "2.50"
    assert middle["× sooner than classic"] == "> 1.20"
    assert middle["× sooner than keras.io"] == "1.00"
    assert slow["× sooner than keras.io"] == "< 0.833"
    assert slow["× sooner than classic"] == "–"  # neither is there: no ratio
    assert fast["MB"] == "–"


def test_multiply_adds_are_those_of_each_layer_and_its_gradients():
    conv_1, conv_2, conv_3, dense, last = (
        144 * 36 * 16, 100 * 144 * 32, 9 * 288 * 64, 576 * 64, 640
    )  # fmt: skip
    read, learn = benchmark.multiply_adds(models.fast_cnn())
    assert read == conv_1 + conv_2 + conv_3 + dense + last
    assert learn == 2 * conv_1 + 3 * (conv_2 + conv_3 + dense + last)
    # Fixed kernels have no gradient, and nothing before the next layer needs one.
    images = prepare(load_mnist("sample").x_train[:50])
    read, learn = benchmark.multiply_adds(models.whitened_cnn(images))
    conv_1, conv_2 = 144 * 36 * 20, 100 * 180 * 32
    assert read == conv_1 + conv_2 + conv_3 + dense + last
    assert learn == conv_1 + 2 * conv_2 + 3 * (conv_3 + dense + last)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("keras.io's simple convnet", 34_826),
        ("PyTorch's MNIST example, in Keras", 1_199_882),
        ("train_mnist_fast, in Keras", 215_194),
    ],
)
def test_published_networks_have_the_parameters_that_are_published(name, parameters):
    network = benchmark.PROGRAMS[name].build(keras, 0)
    assert network.count_params() == parameters


def test_the_rate_of_train_mnist_fast_is_that_of_pytorch():
    optimizer, rates = benchmark.mnist_fast_adam(keras, 100), []
    for step in range(100):
        optimizer.iterations.assign(step)
        rates.append(float(optimizer.learning_rate))
    # The defaults of torch.optim.lr_scheduler.OneCycleLR(max_lr=0.01, total_steps=100).
    assert rates[0] == pytest.approx(0.01 / 25)
    assert rates[29] == pytest.approx(0.01)
    assert rates[99] == pytest.approx(0.01 / 25e4, rel=1e-3)
    assert rates[64] == pytest.approx(0.005, rel=0.01)  # half-way down
    assert np.argmax(rates) == 29


@pytest.mark.parametrize(
    ("value", "text"), [(1.234, "1.23"), (0.01234, "0.0123"), (12345, "12,345"), (math.nan, "–")]
)
def test_numbers_are_written_with_three_digits(value, text):
    assert benchmark.number(value) == text


# ---------------------------------------------------------------- the classic program, sooner


def test_more_steps_in_a_call_leave_the_classic_program_as_it_is():
    mnist = load_mnist("sample")
    x, y = prepare(mnist.x_train[:603]), mnist.y_train[:603]  # the last call is not full
    weights = []
    for name in (benchmark.CLASSIC, "classic program, batch 8, 32 steps a call"):
        chosen = benchmark.PROGRAMS[name]
        keras.utils.set_random_seed(0)
        network = chosen.build(keras, 0)
        network.compile(
            chosen.optimizer(keras, 76),
            "sparse_categorical_crossentropy",
            steps_per_execution=chosen.steps_per_execution,
        )
        network.fit(x, y, batch_size=chosen.batch_size, epochs=2, shuffle=False, verbose=0)
        weights.append(network.get_weights())
    for a, b in zip(*weights, strict=True):
        np.testing.assert_array_equal(a, b)


# ---------------------------------------------------------------- small calls


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


def test_every_convolution_is_timed():
    rows = benchmark.convolutions(1)
    cases = ["28 × 28 × 1 → 32", "13 × 13 × 32 → 64"]
    ways = [f"{way}, batch {b}" for b in (32, 128, 512) for way in ("forward", "backward")]
    steps = ["six loops", "loop over places", "einsum", "layers.conv2d"]
    assert list(rows) == [
        *(f"{case}, {way}" for case in cases for way in ways),
        *(f"{case}, {step}" for case in cases for step in steps),
    ]
    for row in rows.values():
        assert row["ours"] > 0
        assert row["TensorFlow"] > 0
    for case in cases:
        assert rows[f"{case}, six loops"]["ours"] > 100 * rows[f"{case}, layers.conv2d"]["ours"]


@pytest.mark.slow
def test_small_costs_are_those_of_a_fresh_start():
    rows = benchmark.small_costs(1)
    seconds = {name: row["ours"] for name, row in rows.items() if row["unit"] == "s"}
    assert seconds["import mnist_lib.data"] < 1 < seconds["import tensorflow"]
    for name in ("load_mnist()", "to_mnist, a photograph", "find_digits, the same"):
        assert 1 < rows[name]["ours"] < 5000


@pytest.mark.site
@pytest.mark.timeout(900)
def test_the_live_page_is_timed_while_a_pen_moves(live_site):
    start = time.monotonic()
    rows = benchmark.in_a_process("live_page", 1, str(live_site))  # as a run of it does
    whole = 1000 * (time.monotonic() - start)
    median, late = (row["wall"] for row in rows.values())
    assert 0.1 < median <= late < whole, "in milliseconds"
    assert benchmark.cost_table(rows).columns == ["CPU time", "wall time", "unit"]


def test_without_a_site_no_live_page_is_timed(tmp_path, capsys):
    assert benchmark.live_page(1, tmp_path) == {}
    assert "run make book first" in capsys.readouterr().err


def test_a_command_is_timed_if_it_succeeds(monkeypatch, capsys):
    work = "import time; [0 for _ in iter(lambda: time.process_time() < 0.5, False)]"
    fault = "import sys; print('this is why'); sys.exit(3)"
    contenders = {"works": [sys.executable, "-c", work], "fails": [sys.executable, "-c", fault]}
    monkeypatch.setattr(benchmark, "COMMANDS", contenders)
    rows = benchmark.commands(1)
    assert list(rows) == ["works"]
    assert 0.45 <= rows["works"]["ours"] < 5  # the system counts in hundredths
    assert rows["works"]["wall"] > 0.4
    assert "fails failed:\nthis is why" in capsys.readouterr().err


def test_every_chapter_is_timed():
    chapters = [name for name in benchmark.COMMANDS if name.startswith("chapter ")]
    assert chapters == [f"chapter {number}, run whole" for number in range(11)]
    assert list(benchmark.COMMANDS)[-3:] == ["make check", "make book", "make test"]


# ---------------------------------------------------------------- what is kept


def test_results_of_another_machine_are_not_mixed_in(tmp_path, capsys):
    path = tmp_path / "benchmark.json"
    empty = {"machine": benchmark.machine(), "programs": {}, "costs": {}}
    assert benchmark.read_results(path) == empty
    kept = empty | {"programs": {"fast recipe": program([0.99])}}
    path.write_text(json.dumps(kept), encoding="utf-8")
    assert benchmark.read_results(path) == kept
    path.write_text(json.dumps(kept | {"machine": {"cores": "64"}}), encoding="utf-8")
    assert benchmark.read_results(path) == empty
    assert "of another machine or other versions" in capsys.readouterr().out


def test_a_machine_is_described_and_not_named():
    described = json.dumps(benchmark.machine())
    assert platform.node() not in described
    assert set(benchmark.machine()) == {
        "processor", "cores", "system", "Python", "NumPy", "Keras"
    }  # fmt: skip


@pytest.mark.slow
def test_a_run_prints_its_rows_and_keeps_the_others(tmp_path, capfd):
    path = tmp_path / "benchmark.json"
    kept = program([0.5], [0.6])
    name = "train_mnist_fast, in Keras"
    results = {"machine": benchmark.machine(), "programs": {name: kept}, "costs": {}}
    path.write_text(json.dumps(results), encoding="utf-8")
    options = ["--seeds", "2", "--epochs", "1", "--digits", "640", "--output", str(path)]
    benchmark.main(["--only", "classic program, batch 128", "fast recipe", *options])
    printed = capfd.readouterr().out
    written = json.loads(path.read_text(encoding="utf-8"))
    assert written["programs"][name] == kept
    fast = written["programs"]["fast recipe"]
    assert fast["parameters"] == 62_606
    assert [len(marks) for marks in fast["marks"]] == [1, 1]
    assert fast["marks"][0][0]["CPU"] > 0
    assert (fast["epochs"], fast["epochs seen"]) == (44, 44)  # of 640 digits
    classic = written["programs"]["classic program, batch 128"]
    assert (classic["epochs"], classic["epochs seen"]) == (10, 1)
    assert fast["digits"]["training"] == 640
    # In turns: each program with seed 0 before any with seed 1.
    order = [line.split(":")[0] for line in printed.splitlines() if ", seed" in line]
    assert order == [
        f"{each}, seed {seed}" for seed in (0, 1) for each in
        ("classic program, batch 128", "fast recipe")
    ]  # fmt: skip
    for table in benchmark.program_tables(written):
        assert str(table) in printed


@pytest.mark.slow
def test_a_run_that_is_broken_off_keeps_its_whole_rounds(tmp_path, monkeypatch):
    measure = benchmark.in_a_process

    def until_the_second_round(what, *arguments):
        if arguments[1:2] == (1,):
            raise KeyboardInterrupt
        return measure(what, *arguments)

    monkeypatch.setattr(benchmark, "in_a_process", until_the_second_round)
    path = tmp_path / "benchmark.json"
    options = ["--digits", "640", "--output", str(path)]
    with pytest.raises(KeyboardInterrupt):
        benchmark.main(["--only", "fast recipe", *options])
    written = json.loads(path.read_text(encoding="utf-8"))
    assert len(written["programs"]["fast recipe"]["marks"]) == 1
    assert written["operations per CPU second"] > 0


def test_the_stored_run_makes_the_page():
    assert set(STORED["programs"]) <= set(benchmark.NAMES)
    assert set(STORED["costs"]) <= set(benchmark.PARTS)
    assert "/" not in json.dumps(STORED["machine"])
    soon, costs = benchmark.program_tables(STORED)
    stored = [name for name in benchmark.NAMES if name in STORED["programs"]]
    assert list(soon.rows) == list(costs.rows) == stored
    axes = benchmark.draw(STORED).axes[0]
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", "log")
    assert [line.get_label() for line in axes.lines[:-1]] == stored


def test_the_stored_fast_recipe_keeps_its_promise():
    fast = STORED["programs"]["fast recipe"]
    assert len(fast["marks"]) == 10
    assert benchmark.reached(fast, 0.99)[1]
    rival = STORED["programs"]["train_mnist_fast, in Keras"]
    assert benchmark.reached(fast, 0.99)[0] * 3 < benchmark.reached(rival, 0.99)[0]


@pytest.mark.site
@pytest.mark.timeout(900)
def test_the_page_shows_the_stored_run(tmp_path):
    from test_site import build, complaints, make_book

    source = (benchmark.ROOT / "book" / "benchmark.md").read_text(encoding="utf-8")
    linked = re.findall(r"chapters/\w+\.ipynb", source)
    pages = {"book/intro.md": "# A small book\n", "book/benchmark.md": source}
    pages["book/live.md"] = "# The live page"
    make_book(tmp_path, pages | dict.fromkeys(linked, "# A chapter"))
    result = build(tmp_path, tmp_path)
    assert result.returncode == 0, complaints(result)
    page = (tmp_path / "_build" / "html" / "book" / "benchmark.html").read_text(encoding="utf-8")
    assert "<!--" not in re.search(r"<article.*</article>", page, flags=re.DOTALL)[0]
    texts = [
        html.unescape(cell).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")  # Sphinx curls them
        for cell in re.findall(r"<p>([^<]*)</p></td>", page)
    ]
    start = 0
    for table in benchmark.program_tables(STORED):
        for name, row in table.rows.items():
            start = texts.index(name, start)
            assert texts[start : start + len(row) + 1] == [name, *row]
    drawn = [tag for tag in re.findall(r"<img[^>]*>", page) if "logarithmic axes" in tag]
    assert [re.findall(r"only-\w+", tag) for tag in drawn] == [["only-light"], ["only-dark"]]


@pytest.mark.parametrize("option", ["seeds", "epochs", "digits", "rounds"])
def test_nothing_is_not_measured(option, capsys):
    with pytest.raises(SystemExit):
        benchmark.main([f"--{option}", "0"])
    assert f"--{option} must be at least 1, got 0" in capsys.readouterr().err
