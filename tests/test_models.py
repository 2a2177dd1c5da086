"""The networks: parameter counts, shapes, names, and weights decided by the seed alone."""

import keras
import numpy as np
import pytest

from mnist_lib import models

BUILDERS = [models.classic_cnn, models.dense_network, models.fast_cnn, models.robust_cnn]


@pytest.mark.parametrize(
    ("build", "parameters"),
    [
        (models.classic_cnn, 225_034),
        (models.dense_network, 224_995),
        (models.fast_cnn, 61_306),
        (models.robust_cnn, 158_618),
    ],
)
def test_parameter_counts(build, parameters):
    assert build().count_params() == parameters


def test_dense_network_has_the_width_nearest_to_the_classic_budget():
    def parameters(width):
        return 784 * width + width + width * 10 + 10

    nearest = min(range(1, 1000), key=lambda width: abs(parameters(width) - 225_034))
    assert models.dense_network().get_layer("dense_1").units == nearest


@pytest.mark.parametrize(
    ("build", "names"),
    [
        (
            models.classic_cnn,
            ["conv_1", "pool_1", "conv_2", "pool_2", "flatten", "dense_1", "predictions"],
        ),
        (models.dense_network, ["flatten", "dense_1", "predictions"]),
        (
            models.fast_cnn,
            ["conv_1", "conv_2", "pool_1", "conv_3", "flatten", "dense_1", "predictions"],
        ),
    ],
)
def test_layers_have_speaking_names(build, names):
    network = build()
    assert [layer.name for layer in network.layers] == names
    assert network.name == build.__name__


def test_the_robust_network_repeats_three_layers_six_times():
    network = models.robust_cnn()
    repeated = [f"{part}_{i}" for i in range(1, 7) for part in ("conv", "norm", "relu")]
    names = [layer.name for layer in network.layers]
    assert names == [*repeated, "flatten", "dropout", "predictions"]
    assert network.name == "robust_cnn"


def test_the_robust_network_is_as_small_as_the_live_page_needs_it():
    network = models.robust_cnn()
    multiplications, parameters = 0, 0
    for layer in network.layers:
        if layer.name.startswith("conv") or layer.name == "predictions":
            positions = np.prod(layer.output.shape[1:-1], dtype=int)
            multiplications += positions * np.prod(layer.kernel.shape)
            # Normalisation folded into the convolution before it leaves one bias per filter.
            parameters += np.prod(layer.kernel.shape) + layer.kernel.shape[-1]
    assert parameters == 157_658
    assert multiplications == 6_656_064  # the 6.7 million of the docstring


@pytest.mark.parametrize("build", BUILDERS)
def test_networks_are_uncompiled_and_give_probabilities(build):
    network = build()
    assert isinstance(network, keras.Sequential)
    assert not network.compiled
    images = np.random.default_rng(0).random((5, 28, 28, 1), dtype=np.float32)
    probabilities = network(images).numpy()
    assert probabilities.shape == (5, 10)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("build", BUILDERS)
def test_the_seed_alone_decides_the_weights(build):
    keras.utils.set_random_seed(1)
    first = build(seed=3).get_weights()
    keras.utils.set_random_seed(2)
    again = build(seed=3).get_weights()
    other = build(seed=4).get_weights()
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        # Biases start at zero in every network; kernels differ.
        assert a.ndim == 1 or not np.array_equal(a, c)


def test_layers_of_one_network_do_not_share_random_numbers():
    kernels = [weights for weights in models.classic_cnn().get_weights() if weights.ndim > 1]
    starts = [kernel.ravel()[:9] / np.abs(kernel).max() for kernel in kernels]
    for i, a in enumerate(starts):
        for b in starts[i + 1 :]:
            assert not np.allclose(a, b, atol=0.05)


def test_the_stem_of_fast_cnn_is_a_convolution_over_folded_pixels():
    # The comment in fast_cnn: 6 × 6 with stride 2 = 3 × 3 over 2 × 2 pixels folded into channels.
    network = models.fast_cnn(seed=1)
    images = np.random.default_rng(0).random((2, 28, 28, 1), dtype=np.float32)
    kernel, bias = network.get_layer("conv_1").get_weights()
    folded = images.reshape(2, 14, 2, 14, 2).transpose(0, 1, 3, 2, 4).reshape(2, 14, 14, 4)
    small = kernel.reshape(3, 2, 3, 2, 16).transpose(0, 2, 1, 3, 4).reshape(3, 3, 4, 16)
    stem = keras.ops.relu(keras.ops.conv(folded, small, padding="valid") + bias)
    np.testing.assert_allclose(network.get_layer("conv_1")(images), stem, atol=1e-5)


@pytest.mark.parametrize("build", BUILDERS)
def test_wrong_seeds_are_refused(build):
    with pytest.raises(ValueError, match="seed is -1; expected a whole number that is at least 0"):
        build(seed=-1)
    with pytest.raises(TypeError, match=r"seed is 0\.5; expected a whole number"):
        build(seed=0.5)
