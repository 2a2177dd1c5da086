"""The live page's file: what it holds, what it refuses, and that a file is written whole."""

from __future__ import annotations

import base64
import json
import math
import re
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers

from mnist_lib import export, models

ROOT = Path(__file__).resolve().parent.parent


def network(*stack: layers.Layer) -> keras.Sequential:
    """Return a network whose weights are all random, biases and running averages included.

    They keep the size of the numbers from layer to layer, so that no output is stuck at 0 or 1 and
    none looks the same for every image.
    """
    model = keras.Sequential([keras.Input((28, 28, 1)), *stack])
    random = np.random.default_rng(5)
    for weight in model.weights:
        fan_in = np.prod(weight.shape[:-1]) if len(weight.shape) > 1 else 50
        values = random.normal(0, 2.5 / np.sqrt(fan_in), weight.shape)
        weight.assign(np.abs(values) + 0.5 if "variance" in weight.path else values)
    return model


def small(*middle: layers.Layer) -> keras.Sequential:
    return network(
        layers.Conv2D(3, 5, strides=3, name="conv"),
        *middle,
        layers.Flatten(),
        layers.Dense(10, activation="softmax", name="predictions"),
    )


def decode(array: dict) -> np.ndarray:
    """Return an array of a file as numbers, as the page does."""
    data = np.frombuffer(base64.b64decode(array["data"]), np.dtype(array["dtype"]))
    numbers = data.reshape(array["shape"]).astype(np.float32)
    if "scales" in array:
        numbers = numbers * np.frombuffer(base64.b64decode(array["scales"]), np.float32)
    return numbers


def test_a_file_is_json_with_one_entry_per_step(tmp_path: Path) -> None:
    model = models.classic_cnn(seed=1)
    path = export.to_web(model, tmp_path / "net.json", name="mine", accuracy=0.98, note="5 min")
    document = json.loads(path.read_text(encoding="ascii"))
    assert document == export.describe(model, name="mine", accuracy=0.98, note="5 min")
    assert (document["name"], document["accuracy"], document["note"]) == ("mine", 0.98, "5 min")
    assert document["input"] == [28, 28, 1]
    assert [layer["type"] for layer in document["layers"]] == [
        *("conv2d", "activation", "max_pool2d") * 2,
        *("flatten", "dense", "activation", "dense", "activation"),
    ]
    conv = document["layers"][0]
    assert (conv["window"], conv["strides"], conv["padding"]) == ([3, 3], [1, 1], "valid")
    np.testing.assert_array_equal(decode(conv["kernel"]), model.get_layer("conv_1").kernel)
    np.testing.assert_array_equal(decode(conv["bias"]), model.get_layer("conv_1").bias)
    assert document["layers"][-1]["activation"] == "softmax"
    assert export.describe(model)["name"] == "classic_cnn"


@pytest.mark.parametrize(("dtype", "tolerance"), [("float16", 2.0**-11), ("int8", 1 / 254)])
def test_rounding_stays_within_the_dtype(dtype: str, tolerance: float) -> None:
    model = models.classic_cnn(seed=1)
    kernel = np.asarray(model.get_layer("conv_2").kernel)
    stored = decode(export.describe(model, dtype=dtype)["layers"][3]["kernel"])
    largest = np.abs(kernel).max(axis=(0, 1, 2))
    error = np.abs(stored - kernel).max(axis=(0, 1, 2)) / largest
    assert 0 < error.max() <= tolerance * 1.001


def test_int8_keeps_a_channel_of_zeros() -> None:
    model = small()
    kernel = np.asarray(model.get_layer("conv").kernel).copy()
    kernel[..., 1] = 0
    model.get_layer("conv").kernel.assign(kernel)
    stored = decode(export.describe(model, dtype="int8")["layers"][0]["kernel"])
    assert not stored[..., 1].any()
    assert stored[..., 0].any()


def test_batch_normalization_is_folded_into_the_layer_before() -> None:
    model = small(layers.BatchNormalization(epsilon=0.01, name="norm"), layers.ReLU())
    folded = export.describe(model)["layers"]
    assert [layer["type"] for layer in folded][:3] == ["conv2d", "activation", "flatten"]
    image = np.random.default_rng(0).random((1, 28, 28, 1), np.float32)
    conv, norm = model.get_layer("conv"), model.get_layer("norm")
    expected = norm(conv(image), training=False)
    conv.kernel.assign(decode(folded[0]["kernel"]))
    conv.bias.assign(decode(folded[0]["bias"]))
    np.testing.assert_allclose(conv(image), expected, atol=1e-5)


def test_folding_costs_float16_no_precision() -> None:
    model = small(layers.BatchNormalization())
    conv = model.get_layer("conv")
    conv.kernel.assign(np.asarray(conv.kernel, np.float16))
    exact, rounded = (export.describe(model, dtype=d)["layers"][0] for d in ("float32", "float16"))
    np.testing.assert_array_equal(decode(rounded["kernel"]), decode(exact["kernel"]))


@pytest.mark.parametrize("before", [layers.MaxPooling2D, layers.ReLU])
def test_batch_normalization_elsewhere_becomes_a_layer(before: type[layers.Layer]) -> None:
    norm = layers.BatchNormalization(scale=False)
    found = export.describe(small(before(), norm))["layers"][2]
    assert found["type"] == "scale_shift"
    scale = 1 / np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
    shift = np.asarray(norm.beta) - np.asarray(norm.moving_mean) * scale
    np.testing.assert_allclose(decode(found["scale"]), scale, rtol=1e-6)
    np.testing.assert_allclose(decode(found["shift"]), shift, rtol=1e-6)


def test_dropout_and_linear_activations_leave_no_trace() -> None:
    model = small(layers.Dropout(0.5), layers.Activation("linear"))
    types = [layer["type"] for layer in export.describe(model)["layers"]]
    assert types == ["conv2d", "flatten", "dense", "activation"]


def test_texts_are_cut_to_what_the_page_takes() -> None:
    document = export.describe(small(), name="n" * 1000, note="o" * 1000)
    assert (len(document["name"]), len(document["note"])) == (export.MAX_TEXT, export.MAX_TEXT)


def surprise(x):
    return x


surprise.__name__ = "relu"


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (layers.DepthwiseConv2D(3, name="deep"), r'"deep" \(DepthwiseConv2D\) cannot run .*Conv2D'),
        (layers.Conv2D(2, 3, dilation_rate=2, name="wide"), r'"wide" .*dilation_rate=\(1, 1\)'),
        (layers.Conv2D(3, 3, groups=3, name="apart"), r'"apart" .*groups=1'),
        (layers.Conv2D(2, 3, activation="gelu", name="g"), r'"g" .*activation gelu.*relu'),
        (layers.Activation(surprise, name="s"), r'"s" .*activation relu'),
        (layers.ReLU(max_value=6, name="six"), r'"six" .*max_value=None'),
        (layers.ReLU(negative_slope=0.1, name="slope"), r'"slope" .*negative_slope=0'),
        (layers.Softmax(axis=1, name="rows"), r'"rows" .*axis=-1'),
        (layers.BatchNormalization(axis=1, name="rows"), r'"rows" .*axis=-1'),
        (layers.GlobalAveragePooling2D(keepdims=True, name="keep"), r'"keep" .*keepdims=False'),
        (layers.Dense(4, name="stack"), r'"stack" .*Flatten layer before'),
        (keras.Sequential([layers.ReLU()], name="inner"), r'"inner" \(Sequential\) cannot run'),
        # A subclass may compute anything.
        (type("Odd", (layers.ReLU,), {})(name="odd"), r'"odd" \(Odd\) cannot run'),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_the_page_cannot_compute_is_named(layer: layers.Layer, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        export.describe(small(layer))


def test_only_a_sequential_is_taken() -> None:
    inputs = keras.Input((28, 28, 1))
    functional = keras.Model(inputs, layers.Dense(10)(layers.Flatten()(inputs)))
    for other in (functional, "model.keras", None):
        with pytest.raises(TypeError, match=r"expected a keras\.Sequential"):
            export.describe(other)


def test_an_unbuilt_network_is_refused() -> None:
    with pytest.raises(ValueError, match=r"not built.*keras\.Input\(\(28, 28, 1\)\)"):
        export.describe(keras.Sequential([layers.Flatten(), layers.Dense(10)]))
    with pytest.raises(ValueError, match="not built"):
        export.describe(keras.Sequential())


@pytest.mark.parametrize(("side", "classes"), [(32, 10), (28, 3)])
def test_other_shapes_are_refused(side: int, classes: int) -> None:
    model = keras.Sequential(
        [keras.Input((side, side, 1)), layers.Flatten(), layers.Dense(classes)]
    )
    message = rf"takes \({side}, {side}, 1\) and gives \({classes},\)"
    with pytest.raises(ValueError, match=message):
        export.describe(model)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("middle", [[], [layers.BatchNormalization(name="norm")]])
def test_a_diverged_network_is_refused(bad: float, middle: list[layers.Layer]) -> None:
    model = small(*middle)
    weight = model.get_layer("norm").gamma if middle else model.get_layer("predictions").bias
    weight.assign(np.full(weight.shape, bad))
    with pytest.raises(ValueError, match=r'"(norm|predictions)".*not finite.*learning rate'):
        export.describe(model)


def test_weights_too_large_for_float16_are_refused() -> None:
    model = small()
    kernel = model.get_layer("predictions").kernel
    kernel.assign(np.full(kernel.shape, 1e5))
    with pytest.raises(ValueError, match=r'"predictions" .*65504.*dtype="float32"'):
        export.describe(model, dtype="float16")
    assert export.describe(model, dtype="int8")


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match='"float64"; expected "float32", "float16" or "int8"'):
        export.describe(small(), dtype="float64")
    with pytest.raises(ValueError, match=r"accuracy is 98\.5; expected .*0\.98"):
        export.describe(small(), accuracy=98.5)


def test_networks_too_large_for_the_page_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    many = layers.Conv2D(700, 1, padding="same", activation="tanh")
    wide = network(many, layers.GlobalAveragePooling2D(), layers.Dense(10))
    with pytest.raises(ValueError, match=r"have 1,098,310 outputs an image; .*most 1,000,000"):
        export.describe(wide)
    large = layers.Conv2D(2, (3, 29), padding="same", name="large")
    with pytest.raises(ValueError, match=r'"large" .*window of 3 × 29. Use at most 28 × 28'):
        export.describe(network(large, layers.GlobalAveragePooling2D(), layers.Dense(10)))
    pooling = layers.MaxPooling2D(30, padding="same", name="pooling")
    with pytest.raises(ValueError, match=r'"pooling" .*window of 30 × 30. Use at most 28 × 28'):
        export.describe(network(pooling, layers.Flatten(), layers.Dense(10)))
    with pytest.raises(ValueError, match=r"multiplications an image in 103 steps.*in 100\."):
        export.describe(small(*(layers.Activation("tanh") for _ in range(99))))
    monkeypatch.setattr(export, "MAX_BYTES", 10_000)
    with pytest.raises(ValueError, match=r'MB and the page reads at most .*dtype="float16"'):
        export.to_web(small(layers.Conv2D(30, 3)), tmp_path / "net.json")
    monkeypatch.setattr(export, "MAX_WORK", 1000)
    with pytest.raises(
        ValueError, match=r"as long as 2\d,\d{3} multiplications .*at most 1,000 in"
    ):
        export.describe(small())


def test_a_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "net.json"
    path.write_text("old")
    assert export.to_web(small(), str(path)) == path
    assert json.loads(path.read_text())["format"] == export.FORMAT
    with pytest.raises(FileNotFoundError):
        export.to_web(small(), tmp_path / "nowhere" / "net.json")


def test_the_page_has_the_same_limits() -> None:
    script = (ROOT / "book" / "_static" / "network-file.js").read_text(encoding="utf-8")
    theirs = dict(re.findall(r"const (MAX_\w+|FETCH|VERSION|FORMAT) = ([^;]+);", script))
    limits = ["MAX_BYTES", "MAX_LAYERS", "MAX_WINDOW", "MAX_WORK", "MAX_OUTPUTS", "MAX_TEXT"]
    for name in [*limits, "FETCH"]:
        assert int(theirs[name]) == getattr(export, name), name
    assert int(theirs["VERSION"]) == export.VERSION
    assert theirs["FORMAT"].strip('"') == export.FORMAT
