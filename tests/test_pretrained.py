"""The shipped weights read as well as their record says; the script that made them works."""

import ast
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image

from mnist_lib import models
from mnist_lib.data import Mnist, load_mnist, prepare
from mnist_lib.models import load_pretrained
from tools import pretrained
from tools.pretrained import Examples, accuracy

NAMES = ["robust", "classic", "accurate"]
needs_full_data = pytest.mark.skipif(
    not os.environ.get("MNIST_LIB_DATA"),
    reason="needs the full MNIST: set MNIST_LIB_DATA to an mnist.npz",
)


def record(name):
    return json.loads((models.WEIGHTS_FOLDER / f"{name}.json").read_text(encoding="utf-8"))


@needs_full_data
@pytest.mark.parametrize(
    ("chapter", "id", "name"),
    [
        ("00_mnist_classification", "goal", "new"),
        ("03_building_the_model", "first-probabilities", "place_of_2"),
    ],
)
def test_a_chapter_first_shows_digits_that_its_network_was_not_trained_on(chapter, id, name):
    """Most of the sample's validation digits are training digits of the full data."""
    path = Path(__file__).parents[1] / "chapters" / f"{chapter}.ipynb"
    [cell] = [cell for cell in nbformat.read(path, as_version=4).cells if cell.id == id]
    [positions] = re.findall(rf"^{name} = ([\d, \[\]]+\b\]?)", cell.source, flags=re.MULTILINE)
    trained_on = {image.tobytes() for image in load_mnist("full").x_train}
    for source in ("full", "sample"):
        shown = load_mnist(source).x_val[np.atleast_1d(ast.literal_eval(positions))]
        assert not trained_on & {image.tobytes() for image in shown}
    assert trained_on & {image.tobytes() for image in load_mnist("sample").x_val}


@pytest.fixture(scope="module")
def networks():
    return {name: load_pretrained(name) for name in NAMES}


@pytest.fixture(scope="module")
def uci():
    return pretrained.uci_digits()


# ---------------------------------------------------------------- what ships


@pytest.mark.parametrize(
    ("name", "build"),
    [
        ("robust", models.robust_cnn),
        ("classic", models.classic_cnn),
        ("accurate", models.accurate_cnn),
    ],
)
def test_a_pretrained_network_is_the_built_one_with_other_weights(networks, name, build):
    network, fresh = networks[name], build()
    assert [layer.name for layer in network.layers] == [layer.name for layer in fresh.layers]
    assert not network.compiled
    for ours, theirs in zip(network.weights, fresh.weights, strict=True):
        values = ours.numpy()
        assert values.dtype == np.float32
        assert values.shape == theirs.shape
        assert np.isfinite(values).all()
        np.testing.assert_array_equal(values, values.astype(np.float16))
        assert not np.array_equal(values, theirs.numpy())


def test_the_weights_are_small_and_hold_no_objects():
    for file in (models.WEIGHTS_FOLDER / f"{name}.npz" for name in NAMES):
        assert file.stat().st_size <= 1_000_000
        with np.load(file, allow_pickle=False) as arrays:
            assert {arrays[key].dtype for key in arrays.files} == {np.dtype(np.float16)}


def test_the_package_ships_the_weights_and_their_records():
    names = {path.name for path in models.WEIGHTS_FOLDER.iterdir()}
    kept = {f"{name}.{part}" for name in NAMES for part in ("npz", "json")}
    assert names == kept | {"ablation.json"}  # the long run of chapter 8


def test_the_networks_read_the_sample(networks):
    # Most of the sample's digits are among MNIST's training digits, so this only shows that the
    # weights are the trained ones, in their places.
    mnist = load_mnist("sample")
    for name, least in (("robust", 0.993), ("classic", 0.985), ("accurate", 0.995)):
        assert accuracy(networks[name], Examples(mnist.x_test, mnist.y_test)) >= least


@needs_full_data
@pytest.mark.parametrize("name", NAMES)
def test_the_record_holds_the_accuracies_of_the_shipped_weights(networks, name):
    mnist = load_mnist("full")
    stated = record(name)["accuracy of the rounded weights"]
    for part, images, labels in (
        ("validation", mnist.x_val, mnist.y_val),
        ("test", mnist.x_test, mnist.y_test),
    ):
        # Another processor may add in another order, and turn a digit that is on the edge.
        measured = accuracy(networks[name], Examples(images, labels))
        assert measured == pytest.approx(stated[part], abs=2.5 / len(labels))


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_are_those_that_the_record_describes(name):
    content = (models.WEIGHTS_FOLDER / f"{name}.npz").read_bytes()
    assert record(name)["SHA-256"] == hashlib.sha256(content).hexdigest()


def test_the_robust_network_reads_other_writers(networks, uci):
    read = {name: accuracy(networks[name], uci) for name in NAMES}
    assert read["robust"] > max(read["classic"], read["accurate"])
    for name, measured in read.items():
        stated = record(name)["accuracy of the rounded weights"]["UCI digits, 8 pixels"]
        # The preparation may gain a little after the record was written.
        assert measured == pytest.approx(stated, abs=0.005)


def test_the_records_state_what_the_course_promises():
    stated = record("robust")["accuracy of the rounded weights"]
    assert stated["test"] >= 0.9965
    for side in pretrained.UCI_SIDES:
        assert stated[f"UCI digits, {side} pixels"] >= 0.985
    assert record("classic")["accuracy of the rounded weights"]["test"] >= 0.985
    accurate = record("accurate")["accuracy of the rounded weights"]
    assert accurate["test"] >= 0.9965
    # Other handwriting is the robust network's business.
    assert accurate["UCI digits, 8 pixels"] < stated["UCI digits, 8 pixels"]


@pytest.mark.parametrize("name", NAMES)
def test_a_record_is_complete(networks, name):
    stated = record(name)
    assert stated["network"] == networks[name].name
    assert stated["parameters"] == networks[name].count_params()
    assert stated["data"] == {
        "source": "MNIST, full",
        "training": 55_000,
        "validation": 5_000,
        "test": 10_000,
    }
    history = stated["validation accuracy after each epoch"]
    recipe = stated["recipe"]
    stages = [recipe[stage] for stage in ("first", "refined")] if name == "robust" else [recipe]
    assert len(history) == sum(stage["epochs"] for stage in stages)
    # Rounding the weights to float16 changes next to nothing.
    validation = stated["accuracy of the rounded weights"]["validation"]
    if name == "robust":  # its weights lie between the first and the refined ones
        assert validation > history[-1] - 0.0007
    else:
        assert validation == pytest.approx(history[-1], abs=0.0007)
    assert stated["CPU seconds"] > 0
    assert set(stated["versions"]) == {
        "python", "numpy", "scipy", "pillow", "tensorflow", "keras"
    }  # fmt: skip


# ---------------------------------------------------------------- what is refused


@pytest.fixture
def folder(tmp_path):
    for name in NAMES:
        shutil.copy(models.WEIGHTS_FOLDER / f"{name}.npz", tmp_path)
    return tmp_path


def rewrite(path, **changed):
    with np.load(path, allow_pickle=False) as file:
        arrays = dict(file)
    for key, values in changed.items():
        key = key.replace("__", "/")
        if values is None:
            del arrays[key]
        else:
            arrays[key] = values(arrays.get(key))
    np.savez(path, **arrays)


def with_nan(values):
    values = values.copy()
    values.flat[0] = np.nan
    return values


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        (
            {"dense_1__bias": lambda values: values[:-1]},
            r"float16 \(127,\), expected float16 \(128",
        ),
        ({"dense_1__bias": lambda values: values.astype(np.float32)}, "is float32"),
        ({"dense_1__bias": with_nan}, "dense_1/bias holds NaN or infinite values"),
        ({"dense_1__bias": None}, "holds other arrays than classic_cnn has"),
        ({"extra": lambda _: np.zeros(3)}, "holds other arrays than classic_cnn has"),
        ({"dense_1__bias": lambda values: np.array([{}] * 128)}, "allow_pickle=False"),
    ],
)
def test_altered_weights_are_refused(folder, changed, message):
    rewrite(folder / "classic.npz", **changed)
    with pytest.raises(ValueError, match=message) as caught:
        load_pretrained("classic", folder)
    assert re.search(r"classic\.npz are damaged: .*Install mnist_lib again", str(caught.value))


@pytest.mark.parametrize("fraction", [0, 0.1, 0.9, 0.999])
def test_truncated_weights_are_refused(folder, fraction):
    path = folder / "robust.npz"
    content = path.read_bytes()
    path.write_bytes(content[: int(fraction * len(content))])
    with pytest.raises(ValueError, match=r"robust\.npz are damaged"):
        load_pretrained("robust", folder)


def test_weights_with_a_flipped_bit_are_refused(folder):
    path = folder / "robust.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"robust\.npz are damaged"):
        load_pretrained("robust", str(folder))


def test_missing_weights_are_named_with_the_remedy(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"robust\.npz are missing.*tools\.pretrained"):
        load_pretrained("robust", tmp_path)


@pytest.mark.parametrize("name", ["fast", "Robust", "", "../robust"])
def test_unknown_names_are_refused(name):
    with pytest.raises(
        ValueError, match=rf'name is "{name}"; expected "robust", "classic" or "accurate"'
    ):
        load_pretrained(name)


def test_a_name_that_is_no_text_is_refused():
    with pytest.raises(TypeError, match='name is None; expected "robust", "classic" or "accurate"'):
        load_pretrained(None)


# ---------------------------------------------------------------- the script


def run_script(folder, name="robust", more=""):
    arguments = f"--only {name} --source sample --epochs 1 --fraction 0.0005 --seed 3 {more}"
    subprocess.run(
        [sys.executable, "-m", "tools.pretrained", *arguments.split(), "--output", folder],
        cwd=pretrained.ROOT,
        capture_output=True,
        check=True,
    )


@pytest.mark.slow
def test_a_second_run_gives_the_same_file(tmp_path):
    contents = []
    for name in ("first", "second"):
        run_script(tmp_path / name)
        contents.append((tmp_path / name / "robust.npz").read_bytes())
    assert contents[0] == contents[1]


@pytest.mark.slow
def test_the_script_trains_writes_and_records(tmp_path):
    run_script(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["robust.json", "robust.npz"]
    network = load_pretrained("robust", tmp_path)
    written = json.loads((tmp_path / "robust.json").read_text(encoding="utf-8"))
    assert written.keys() == record("robust").keys()
    assert written["recipe"].keys() == record("robust")["recipe"].keys()
    assert written["recipe"]["seed"] == 3
    assert written["data"]["source"] == "MNIST, sample"
    stated = written["accuracy of the rounded weights"]
    assert stated.keys() == record("robust")["accuracy of the rounded weights"].keys()
    mnist = load_mnist("sample")
    measured = accuracy(network, Examples(mnist.x_test, mnist.y_test))
    assert stated["test"] == pytest.approx(measured, abs=0.0021)
    assert measured > 0.3
    assert written["versions"]["tensorflow"] == importlib.metadata.version("tensorflow-cpu")


class Answers:
    """A network that gives each image's first class the probability that the image holds."""

    def __init__(self, *probabilities):
        self.probabilities = np.array(probabilities)

    def predict(self, images, **settings):
        first = self.probabilities[np.rint(255 * images[:, 0, 0, 0]).astype(int)]
        return np.stack([first, 1 - first], axis=1)


def test_the_best_on_validation_digits_ships_and_is_compared_with_all():
    images = np.zeros((3, 28, 28), np.uint8)
    images[:, 0, 0] = range(3)
    labels = np.array([0, 0, 1])
    mnist = Mnist(images, labels, images, labels, images, 1 - labels, "sample")
    networks = {
        4: Answers(0.8, 0.4, 0.6),
        5: Answers(0.6, 0.6, 0.7),
        6: Answers(0.9, 0.6, 0.75),  # as many right as seed 5's, and surer of them
        7: Answers(0.1, 0.1, 0.1),
    }
    assert pretrained.best_on_validation(networks, mnist) == 6
    del networks[7]
    compared = pretrained.compare_seeds(networks, mnist)
    assert list(compared) == ["seed 4", "seed 5", "seed 6", "ensemble"]
    assert [each["validation"] for each in compared.values()] == [0.3333, 0.6667, 0.6667, 0.6667]
    assert [each["test"] for each in compared.values()] == [0.6667, 0.3333, 0.3333, 0.3333]
    low, high = compared["ensemble"]["test, 95 % interval"]
    assert (low, high) == pytest.approx((0.0615, 0.7923), abs=1e-4)  # Wilson's, of 1 in 3


@pytest.mark.slow
def test_the_script_trains_several_accurate_networks_and_keeps_one(tmp_path):
    run_script(tmp_path, "accurate", "--seeds 2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["accurate.json", "accurate.npz"]
    written = json.loads((tmp_path / "accurate.json").read_text(encoding="utf-8"))
    assert written.keys() == record("accurate").keys()
    assert written["recipe"].keys() == record("accurate")["recipe"].keys()
    assert written["recipe"]["seeds"] == [3, 4]
    assert len(written["recipe"]["threads in each epoch"]) == 1
    compared = written["rounded weights of all seeds"]
    assert list(compared) == ["seed 3", "seed 4", "ensemble"]
    kept = compared[f"seed {written['recipe']['seed']}"]
    assert kept["validation"] == max(compared[f"seed {seed}"]["validation"] for seed in (3, 4))
    stated = written["accuracy of the rounded weights"]
    assert {part: kept[part] for part in ("validation", "test")} == {
        part: stated[part] for part in ("validation", "test")
    }


@pytest.mark.slow
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(tmp_path, monkeypatch, capsys):
    mnist = load_mnist("sample")
    mnist = Mnist(*(part[:300] for part in mnist[:4]), *mnist[4:])
    whole, seen, _ = pretrained.train_accurate(mnist, 0, 3, tmp_path / "whole.keras")

    def stop(path, content):
        if path.exists():  # the notes on the second epoch
            raise KeyboardInterrupt
        write(path, content)

    write = pretrained.write_whole
    monkeypatch.setattr(pretrained, "write_whole", stop)
    with pytest.raises(KeyboardInterrupt):
        pretrained.train_accurate(mnist, 0, 3, tmp_path / "stopped.keras")
    monkeypatch.setattr(pretrained, "write_whole", write)
    resumed, again, seconds = pretrained.train_accurate(mnist, 0, 3, tmp_path / "stopped.keras")
    assert again == seen
    assert seconds > 0
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    # What is complete is not trained again, and gives the averaged weights as well.
    finished, _, same = pretrained.train_accurate(mnist, 0, 3, tmp_path / "stopped.keras")
    assert same == seconds
    for a, b in zip(whole.get_weights(), finished.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    capsys.readouterr()


def test_the_classic_network_is_trained_as_chapter_0_trains_it(capsys):
    mnist = load_mnist("sample")
    mnist = Mnist(*(part[:300] for part in mnist[:6]), *mnist[6:])
    path = pretrained.ROOT / "chapters" / "00_mnist_classification.ipynb"
    cells = {cell.id: cell.source for cell in nbformat.read(path, as_version=4).cells}
    chapter = {"mnist": mnist, "data": pretrained}
    for name in ("imports", "budget", "prepare", "model", "compile", "print-line"):
        exec(cells[name].replace("import data, diagrams", "import diagrams"), chapter)
    assert {"epochs": chapter["EPOCHS"], "batch_size": chapter["BATCH_SIZE"]} == pretrained.CLASSIC
    chapter["EPOCHS"] = 2
    exec(cells["fit"], chapter)
    ours, val_accuracy = pretrained.train_classic(mnist, seed=0, epochs=2)
    for a, b in zip(ours.get_weights(), chapter["model"].get_weights(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)
    assert val_accuracy == pytest.approx(chapter["history"].history["val_accuracy"], abs=0.011)
    capsys.readouterr()


def test_renderings_follow_their_seed_alone():
    mnist = load_mnist("sample")
    digits = Examples(mnist.x_val[:50], mnist.y_val[:50])
    styles = {
        "shapes inked": pretrained.TRAINED["shapes inked"]._replace(count=6),
        "pens photographed": pretrained.TRAINED["pens photographed"]._replace(count=5),
    }
    first = pretrained.render([7, 0], styles, digits)
    for i, (name, style) in enumerate(styles.items()):
        images, labels = first[name]
        assert images.shape == (style.count, 28, 28)
        seeds = np.random.SeedSequence([7, 0, i])
        picks = np.random.default_rng(seeds).integers(50, size=style.count)
        np.testing.assert_array_equal(labels, digits.labels[picks])
        chosen = Examples(digits.images[picks], digits.labels[picks])
        again = pretrained.render_chunk(seeds.spawn(1)[0], style, chosen)
        np.testing.assert_array_equal(images, again.images)
        other = pretrained.render_chunk(np.random.SeedSequence(8), style, chosen)
        assert not np.array_equal(images, other.images)


def test_an_inked_shape_is_a_prepared_drawing():
    mnist = load_mnist("sample")
    for seed in range(6):
        shape = pretrained.synthetic.mnist_shape(
            np.random.default_rng(seed), mnist.x_val[seed], width=1.0
        )
        inked = pretrained.inked(np.random.default_rng(seed), shape)
        height = round(np.exp(np.random.default_rng(seed).uniform(np.log(8), np.log(144))))
        assert 8 <= height <= 144
        width = round(shape.shape[1] * height / shape.shape[0])
        small = np.asarray(Image.fromarray(shape).resize((width, height), Image.Resampling.BOX))
        drawing = np.rint(255 * (1 - np.pad(small, height // 2))).astype(np.uint8)
        expected = pretrained.handwriting.to_mnist(drawing)
        assert np.abs(inked.astype(float) - expected).mean() < 1


def test_a_photograph_that_lost_its_digit_is_no_example(monkeypatch):
    shape = pretrained.synthetic.pen_shape(np.random.default_rng(0), 3)
    kept = pretrained.recovered(np.random.default_rng(1), shape)
    rng = np.random.default_rng(1)
    picture = pretrained.synthetic.photograph(rng, shape, int(rng.integers(110, 201)))
    np.testing.assert_array_equal(kept, pretrained.handwriting.to_mnist(picture))
    bar_alone = np.full((120, 120, 3), 255, np.uint8)
    bar_alone[58:64, 30:90] = 0
    monkeypatch.setattr(pretrained.synthetic, "photograph", lambda *_: bar_alone)
    with pytest.raises(ValueError, match="does not show the digit"):
        pretrained.recovered(np.random.default_rng(1), shape)


def test_blemishes_change_a_little_of_an_image():
    mnist = load_mnist("sample")
    image = mnist.x_val[mnist.y_val == 9][0]  # a blemish may hide most of a thin 1
    rng = np.random.default_rng(0)
    changes = [pretrained.blemished(rng, image).astype(int) - image for _ in range(100)]
    lost = np.array([-change.clip(max=0).sum() for change in changes]) / image.sum()
    gained = np.array([change.clip(min=0).sum() for change in changes]) / image.sum()
    assert 0.03 < lost.max() < 0.6
    assert 0.03 < gained.max() < 0.6
    assert 30 < (lost > gained).sum() < 70


def test_what_the_preparation_refuses_stays_black():
    def refuse(rng, shape):
        raise ValueError("nothing to see")

    style = pretrained.Style(pens=True, show=refuse, count=2)
    digits = Examples(np.zeros((2, 28, 28), np.uint8), np.array([1, 2]))
    images, labels = pretrained.render_chunk(np.random.SeedSequence(0), style, digits)
    assert not images.any()
    np.testing.assert_array_equal(labels, [1, 2])


def test_a_few_pixels_are_at_most_twelve(monkeypatch):
    heights = []
    monkeypatch.setattr(
        pretrained.handwriting, "crop", lambda ink: heights.append(ink.shape[0]) or ink
    )
    shape = pretrained.synthetic.pen_shape(np.random.default_rng(0), 3, width=0.1)
    for seed in range(40):
        pretrained.few_pixels(np.random.default_rng(seed), shape)
    assert min(heights) == 8
    assert max(heights) == 12


def test_pens_are_as_wide_as_their_style_says():
    digits = Examples(np.zeros((30, 28, 28), np.uint8), np.full(30, 8))
    ink = []
    for width in ((0.04, 0.05), (0.19, 0.2)):
        style = pretrained.TRAINED["pens inked"]._replace(width=width)
        images, _ = pretrained.render_chunk(np.random.SeedSequence(0), style, digits)
        ink.append(images.mean())
    assert ink[1] > 1.5 * ink[0]


def test_a_style_writes_its_own_digits_alone():
    mnist = load_mnist("sample")
    styles = {
        name: pretrained.REFINED[name]._replace(count=40)
        for name in ("rare pens of few pixels", "thick ones of few pixels")
    }
    rendered = pretrained.render([7, 0], styles, Examples(mnist.x_val, mnist.y_val))
    assert set(rendered["rare pens of few pixels"].labels) == set(pretrained.synthetic.RARE_STYLES)
    assert set(rendered["thick ones of few pixels"].labels) == {1}


def test_digits_are_cut_apart_into_single_ones_and_what_is_none():
    rng = np.random.default_rng(0)
    network = load_pretrained("robust")
    good, bad, labels = [], [], []
    for _ in range(20):
        written = rng.integers(10, size=3).tolist()
        shapes = [pretrained.synthetic.pen_shape(rng, label, width=0.09) for label in written]
        layers = pretrained.run_together(rng, shapes)
        assert layers.any(axis=(1, 2)).all()
        parts = pretrained.cut_apart(rng, shapes, written)
        assert len(parts) <= 3
        for image, label in parts:
            assert image.shape == (28, 28)
            if label < 0:
                bad.append(image)
            else:
                assert label in written
                good.append(image)
                labels.append(label)
    read = network.predict(prepare(np.array(good)), verbose=0)
    assert np.mean(read.argmax(axis=1) == labels) > 0.85
    doubtful = network.predict(prepare(np.array(bad)), verbose=0).max(axis=1)
    assert np.median(doubtful) < np.median(read.max(axis=1)) - 0.2


def test_what_is_no_digit_is_to_be_any_of_them():
    style = pretrained.TRAINED["no digits"]
    digits = Examples(np.zeros((12, 28, 28), np.uint8), np.arange(12) % 10)
    images, labels = pretrained.render_chunk(np.random.SeedSequence(0), style, digits)
    np.testing.assert_array_equal(labels, -1)
    assert 0 < images.any(axis=(1, 2)).sum() < 12  # some the preparation refuses
    wanted = pretrained.targets(np.array([-1, 3]))
    np.testing.assert_array_equal(wanted[0], np.float32(0.1))
    np.testing.assert_array_equal(wanted[1], np.eye(10, dtype=np.float32)[3])


def test_the_uci_digits_are_prepared(uci):
    assert uci.images.shape == (1797, 28, 28)
    assert uci.images.dtype == np.uint8
    assert uci.images.any(axis=(1, 2)).mean() > 0.995
    assert 0 < prepare(uci.images).max() <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--epochs 0", "--epochs must be at least 1, got 0"),
        ("--fraction 0", "--fraction must be above 0 and at most 1, got 0.0"),
        ("--fraction 1.5", "at most 1, got 1.5"),
        ("--seed -1", "--seed must be 0 or more, got -1"),
        ("--seeds 0", "--seeds must be at least 1, got 0"),
        ("--only fast", "invalid choice: 'fast'"),
    ],
)
def test_wrong_options_are_refused(arguments, message, capsys):
    with pytest.raises(SystemExit):
        pretrained.main(arguments.split())
    assert message in capsys.readouterr().err
