"""The networks: parameter counts, shapes, names, and weights decided by the seed alone."""

import keras
import numpy as np
import pytest

from mnist_lib import models
from mnist_lib.data import load_mnist, prepare

IMAGES = prepare(load_mnist("sample").x_train[:200])


def whitened_cnn(seed=0):
    return models.whitened_cnn(IMAGES, seed)


BUILDERS = [
    models.classic_cnn,
    models.dense_network,
    models.fast_cnn,
    models.robust_cnn,
    models.accurate_cnn,
    whitened_cnn,
]


@pytest.mark.parametrize(
    ("build", "parameters"),
    [
        (models.classic_cnn, 225_034),
        (models.dense_network, 224_995),
        (models.fast_cnn, 61_306),
        (models.robust_cnn, 158_618),
        (models.accurate_cnn, 318_090),
        (whitened_cnn, 62_606),
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
        (
            whitened_cnn,
            ["conv_1", "conv_2", "pool_1", "conv_3", "flatten", "dense_1", "predictions"],
        ),
    ],
)
def test_layers_have_speaking_names(build, names):
    network = build()
    assert [layer.name for layer in network.layers] == names
    assert network.name == build.__name__


@pytest.mark.parametrize("build", [models.robust_cnn, models.accurate_cnn])
def test_two_networks_repeat_three_layers_six_times(build):
    network = build()
    repeated = [f"{part}_{i}" for i in range(1, 7) for part in ("conv", "norm", "relu")]
    names = [layer.name for layer in network.layers]
    assert names == [*repeated, "flatten", "dropout", "predictions"]
    assert network.name == build.__name__


def test_the_accurate_network_has_the_numbers_of_its_docstring():
    network = models.accurate_cnn()
    running = sum(w.shape[0] for w in network.non_trainable_weights if "moving" in w.name)
    assert running == 960
    multiplications = sum(
        np.prod(layer.output.shape[1:-1], dtype=int) * np.prod(layer.kernel.shape)
        for layer in network.layers
        if hasattr(layer, "kernel")
    )
    assert multiplications == 11_092_736


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
        # Biases start at zero in every network, and the fixed kernels follow from the images alone.
        same = a.ndim == 1 or a.shape == (6, 6, 1, 20)
        assert np.array_equal(a, c) == same


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


# ---------------------------------------------------------------- kernels from patches


def test_the_fixed_kernels_answer_with_pairs_that_do_not_go_together():
    network = whitened_cnn()
    layer = network.get_layer("conv_1")
    assert not layer.trainable
    assert sum(np.prod(w.shape) for w in network.non_trainable_weights) == 740
    kernels, bias = layer.get_weights()
    np.testing.assert_allclose(kernels[..., :10], -kernels[..., 10:])
    # Before ReLU: over the patches that decided them, no two of the ten vary together.
    answers = keras.ops.conv(IMAGES, kernels, strides=2, padding="valid") + bias
    answers = np.reshape(answers, (-1, 20))[:, :10]
    products = answers.T @ answers / len(answers)
    strengths = np.diag(products)
    assert np.abs(products - np.diag(strengths)).max() < 1e-3
    # variance / (variance + 0.1), and the last has the largest variance
    assert (np.diff(strengths) > 0).all()
    assert 0.5 < strengths[0] < strengths[-1] < 1


def test_the_fixed_kernels_span_what_varies_most_in_patches():
    kernels = whitened_cnn().get_layer("conv_1").get_weights()[0].reshape(36, 20)[:, :10]
    normal = (IMAGES[..., 0] - IMAGES.mean()) / IMAGES.std()
    patches = np.array(
        [
            normal[i, y : y + 6, x : x + 6].ravel()
            for i in range(len(normal))
            for y in range(0, 23, 2)
            for x in range(0, 23, 2)
        ]
    )
    _, strengths, directions = np.linalg.svd(patches, full_matrices=False)
    inside = directions[:10] @ np.linalg.qr(kernels)[0]
    np.testing.assert_allclose(np.linalg.svd(inside)[1], 1, atol=1e-3)
    assert (strengths[:10] ** 2).sum() > 0.9 * (strengths**2).sum()


def test_images_without_patches_to_learn_from_are_refused():
    with pytest.raises(ValueError, match="images is all of one value, 0; expected digits"):
        models.whitened_cnn(np.zeros((3, 28, 28, 1), np.float32))
    with pytest.raises(TypeError, match=r"images is uint8 .*mnist_lib\.data\.prepare"):
        models.whitened_cnn(np.zeros((3, 28, 28, 1), np.uint8))
