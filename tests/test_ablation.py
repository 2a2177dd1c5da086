"""The record of chapter 8's long run fits the chapter, and the tool that makes it works."""

import ast
import json
import os
import re
from typing import Any

import numpy as np
import pytest

from mnist_lib import models
from mnist_lib.data import load_mnist
from tools import ablation, notebooks

KEPT = json.loads((models.WEIGHTS_FOLDER / "ablation.json").read_text(encoding="utf-8"))
ENDS = "classic", "ensemble"
SOURCES = {cell.id: cell.source for cell in notebooks.read(ablation.CHAPTER).cells}


def names_of(cell: str, variable: str) -> list[str]:
    """Return the texts with which a variable's entries begin, where a cell sets it."""
    for node in ast.parse(SOURCES[cell]).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == variable:
            entries = node.value.keys if isinstance(node.value, ast.Dict) else node.value.elts
            return [ast.literal_eval(getattr(entry, "elts", [entry])[0]) for entry in entries]
    raise AssertionError(f"cell {cell} does not set {variable}")


def test_the_record_holds_the_recipes_of_the_chapter() -> None:
    steps, small = names_of("steps", "steps"), names_of("steps", "small")
    assert list(KEPT["recipes"]) == [*steps, *small]
    trained = [*names_of("ablation-steps", "ablation"), *small]
    assert [
        n for n, each in KEPT["recipes"].items() if "CPU seconds of each run" in each
    ] == trained


def test_the_record_is_of_a_long_run_on_the_full_data() -> None:
    assert KEPT["data"] == {"source": "MNIST, full", "training": 55_000, "validation": 5_000}
    space = {"LONG": True, "full": True, "np": np, "prepare": lambda images: images}
    space["mnist"] = load_mnist("sample")
    settings = SOURCES["settings"].replace(ablation.SHORT, "").replace("full = mnist", "_ = mnist")
    exec(settings, space)
    assert KEPT["seeds"] == list(space["SEEDS"])
    assert KEPT["epochs"] == [space["SHORT"], space["LONGER"]]
    assert KEPT["batch_size"] == space["BATCH"]


def test_each_recipe_has_a_row_of_misread_digits_for_each_seed() -> None:
    one = {"ensemble", "test-time shifts"}  # of all seeds together
    seeds = len(KEPT["seeds"])
    for name, each in KEPT["recipes"].items():
        rows = each["misread"]
        assert len(rows) == (1 if name in one else seeds), name
        for row in rows:
            assert row == sorted(set(row))
            assert 0 <= row[0] <= row[-1] < KEPT["data"]["validation"]
        costs = each.get("CPU seconds of each run", [])
        assert len(costs) in (0, len(rows)), name
        if costs:  # for the taught network its teachers come on top
            teachers = KEPT["recipes"]["ensemble"]["CPU seconds"] if name == "small, taught" else 0
            assert each["CPU seconds"] == pytest.approx(np.mean(costs) + teachers, abs=0.1)
    cost = {name: each["CPU seconds"] for name, each in KEPT["recipes"].items()}
    runs = sum(KEPT["recipes"]["longer"]["CPU seconds of each run"])
    assert cost["ensemble"] == cost["test-time shifts"] == pytest.approx(runs, abs=0.1)
    assert cost["averaged weights"] == cost["longer"]


def test_the_variants_are_recorded_with_each_seed_and_change_a_recipe_of_the_chapter() -> None:
    assert list(KEPT["variants"]) == list(ablation.VARIANTS)
    recipes = names_of("ablation-steps", "ablation")
    for name, (of, change) in ablation.VARIANTS.items():
        assert of in recipes, name
        assert change, name
        rows = KEPT["variants"][name]
        assert len(rows) == len(KEPT["seeds"]), name
        for row in rows:
            assert row == sorted(set(row))
            assert 0 <= row[0] <= row[-1] < KEPT["data"]["validation"]
        assert rows != KEPT["recipes"][of]["misread"]
    shown = set(re.findall(r'"(without [a-z -]+|higher rate alone)"', SOURCES["left-out"]))
    shown |= {f"without {name}" for name in re.findall(r'"([a-z -]+)"', SOURCES["left-out"])}
    assert set(KEPT["variants"]) <= shown


def test_the_chapter_shows_what_the_record_holds() -> None:
    """Errors in per cent, the fraction that is gone, and the accuracy at both ends, by hand."""
    steps = names_of("steps", "steps")
    pairs = zip(steps[1:], steps[:-1], strict=True)
    before = {**dict(pairs), "small, from labels": "augmentation"}
    before["small, taught"] = "small, from labels"
    space = {
        "json": json,
        "models": models,
        "np": np,
        "Table": lambda heads, rows: (heads, rows),
        "before": before,
        "error": dict.fromkeys([*steps, *names_of("steps", "small")], 1.0),
        "gone": dict.fromkeys(before, 0.5),
    }
    function = SOURCES["gains"][SOURCES["gains"].index("def fractions_gone") :]
    exec(function[: function.index("\n\n\n")], space)
    for cell in ("stored", "stored-table"):
        exec(SOURCES[cell], space)
    for name, row in space["rows"].items():
        counts = [len(each) for each in KEPT["recipes"][name]["misread"]]
        percent = 100 * np.mean(counts) / 5000
        assert row[2] == f"{percent:.2f}", name
        assert [int(rows.sum()) for rows in space["long_wrong"][name]] == counts
        if name in before:
            old = np.mean([len(each) for each in KEPT["recipes"][before[name]]["misread"]])
            assert int(row[3]) == pytest.approx(100 * (1 - np.mean(counts) / old), abs=0.51)
    ends = [np.mean([len(each) for each in KEPT["recipes"][name]["misread"]]) for name in ENDS]
    assert space["ends"] == pytest.approx([1 - count / 5000 for count in ends])


def test_the_package_ships_the_record_and_it_is_small() -> None:
    assert ablation.RECORD == models.WEIGHTS_FOLDER / "ablation.json"
    assert ablation.RECORD.stat().st_size < 50_000


@pytest.mark.slow
def test_the_tool_runs_the_cells_of_the_chapter_and_writes_their_record(
    tmp_path, monkeypatch, capsys
) -> None:
    trial = (
        "DIGITS, SEEDS, SHORT, LONGER = 128, range(2), 1, 2\n"
        "x_some, y_some = x_some[:DIGITS], y_some[:DIGITS]"
    )
    whole, seen = ablation.measure, []

    def short(**cells: Any) -> dict:
        seen.append(whole(trial, **cells))
        return seen[-1]

    monkeypatch.setattr(ablation, "measure", short)
    monkeypatch.setenv("MNIST_LIB_SOURCE", os.environ.get("MNIST_LIB_SOURCE", "sample"))
    ablation.main(["--source", "sample", "--output", str(tmp_path / "short.json")])
    assert "wrote" in capsys.readouterr().out
    [space] = seen
    assert space["LONG"] is True
    written = json.loads((tmp_path / "short.json").read_text(encoding="utf-8"))
    assert written.keys() == KEPT.keys()
    assert written["data"] == {"source": "MNIST, sample", "training": 128, "validation": 500}
    assert written["epochs"] == [1, 2]
    assert list(written["recipes"]) == list(KEPT["recipes"])
    for name, each in written["recipes"].items():
        rows = space["wrong"][name]
        assert [len(row) for row in each["misread"]] == rows.sum(axis=1).tolist()
        assert rows[0, each["misread"][0]].all()
        assert each.keys() == KEPT["recipes"][name].keys()
        assert each["CPU seconds"] > 0
    assert {name: len(rows) for name, rows in written["variants"].items()} == dict.fromkeys(
        ablation.VARIANTS, 2
    )
    # Only the variants are measured again, and the rest is kept.
    kept = written | {"variants": {}, "seeds": "kept"}
    (tmp_path / "short.json").write_text(json.dumps(kept), encoding="utf-8")
    ablation.main(["--source", "sample", "--variants", "--output", str(tmp_path / "short.json")])
    again = json.loads((tmp_path / "short.json").read_text(encoding="utf-8"))
    assert "runs" in seen[1]
    assert seen[1]["runs"] == {}
    assert list(again["variants"]) == list(ablation.VARIANTS)
    assert {**again, "variants": {}} == kept
    # A list of numbers stands on one line.
    assert max(map(len, (tmp_path / "short.json").read_text().splitlines())) > 200
