"""The NumPy layers against finite differences, TensorFlow and Keras."""

import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnist_lib import layers
from mnist_lib.backend import keras, tf
from mnist_lib.data import load_mnist, prepare
from mnist_lib.models import classic_cnn

BY_DIFFERENCES = 1e-6
BY_TENSORFLOW = 1e-5


def examples(count):
    """Let Hypothesis draw the same `count` examples on every machine, however slow it is."""
    return settings(max_examples=count, deadline=None, derandomize=True, database=None)


# --- what every comparison in this file uses ------------------------------------------------------


def agree(actual, expected, tolerance):
    """Assert that arrays, or sequences of arrays, agree relative to the largest expected value."""
    if isinstance(expected, list | tuple):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            agree(one, other, tolerance)
        return
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape
    assert np.isfinite(actual).all()
    scale = max(np.abs(expected).max(initial=0), 1e-3)
    error = np.abs(actual - expected).max(initial=0) / scale
    assert error <= tolerance, f"relative error {error:.2g} exceeds {tolerance:g}"


def numeric_gradients(function, inputs, gradient, step=1e-5):
    """Differentiate ``sum(gradient · function(*inputs))`` by central differences, in float64."""
    results = []
    for array in inputs:
        assert array.dtype == np.float64
        slopes = np.empty_like(array)
        for place in np.ndindex(array.shape):
            kept = array[place]
            array[place] = kept + step
            above = function(*inputs)
            array[place] = kept - step
            below = function(*inputs)
            array[place] = kept
            slopes[place] = np.sum(gradient * (above - below)) / (2 * step)
        results.append(slopes)
    return results


def tape_gradients(function, inputs, gradient):
    """Differentiate the same sum with TensorFlow."""
    variables = [tf.constant(array) for array in inputs]
    with tf.GradientTape() as tape:
        tape.watch(variables)
        output = function(*variables)
    return tape.gradient(output, variables, tf.cast(gradient, output.dtype))


def check_backward(forward, backward, reference, inputs, rng):
    """Compare ``backward(gradient, *inputs)`` with differences and TensorFlow, float64 and float32.

    ``backward`` returns a tuple with one gradient per input.
    """
    gradient = np.asarray(rng.normal(size=np.shape(forward(*inputs))))
    agree(backward(gradient, *inputs), numeric_gradients(forward, inputs, gradient), BY_DIFFERENCES)
    for dtype in (np.float64, np.float32):
        cast = [array.astype(dtype) for array in inputs]
        computed = backward(gradient.astype(dtype), *cast)
        assert all(array.dtype == dtype for array in computed)
        agree(computed, tape_gradients(reference, cast, gradient), BY_TENSORFLOW)


seeds = st.integers(0, 2**32 - 1)
steps = st.one_of(st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3)))


@st.composite
def window_cases(draw, *, batch, size, channels):
    """Draw (seed, image shape, window, strides, padding) such that a window fits."""
    padding = draw(st.sampled_from(["valid", "same"]))
    height, width = draw(st.integers(1, size)), draw(st.integers(1, size))
    limits = (min(height, 4), min(width, 4)) if padding == "valid" else (4, 4)
    window = tuple(draw(st.integers(1, limit)) for limit in limits)
    shape = (draw(st.integers(1, batch)), height, width, draw(st.integers(1, channels)))
    return draw(seeds), shape, window, draw(steps), padding


def _tf_dense(x, weights, bias):
    return tf.matmul(x, weights) + bias


def as_pair(value):
    return (value, value) if isinstance(value, int) else value


def apart(rng, shape):
    """Return random values 0.01 apart and 0.005 from 0: no kink lies within a difference step."""
    size = int(np.prod(shape))
    return ((rng.permutation(size) - size // 2 + 0.5) * 0.01).reshape(shape)


# --- forward --------------------------------------------------------------------------------------


@given(
    window_cases(batch=4, size=12, channels=5),
    st.integers(1, 6),
    st.booleans(),
    st.sampled_from([np.float32, np.float64]),
)
@examples(150)
def test_conv2d_equals_tensorflow(case, filters, with_bias, dtype):
    seed, shape, window, strides, padding = case
    rng = np.random.default_rng(seed)
    images = rng.normal(size=shape).astype(dtype)
    kernels = rng.normal(size=(*window, shape[3], filters)).astype(dtype)
    bias = rng.normal(size=filters).astype(dtype)
    output = layers.conv2d(
        images, kernels, bias if with_bias else None, strides=strides, padding=padding
    )
    expected = tf.nn.conv2d(images, kernels, as_pair(strides), padding.upper())
    assert output.dtype == dtype
    agree(output, expected + bias if with_bias else expected, BY_TENSORFLOW)


@given(window_cases(batch=4, size=12, channels=5), st.booleans())
@examples(150)
def test_max_pool2d_equals_tensorflow(case, default_strides):
    seed, shape, window, strides, padding = case
    # All values are negative, so zeros instead of −∞ around the image would win.
    images = np.random.default_rng(seed).uniform(-2, -1, size=shape).astype(np.float32)
    output = layers.max_pool2d(
        images, window, strides=None if default_strides else strides, padding=padding
    )
    taken = window if default_strides else as_pair(strides)
    assert output.dtype == np.float32
    agree(output, tf.nn.max_pool2d(images, window, taken, padding.upper()), 0)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("strides", [1, 2, (2, 1)])
def test_convolution_and_pooling_equal_the_keras_layers(strides, padding):
    images = np.random.default_rng(0).normal(size=(3, 11, 8, 2)).astype(np.float32)
    convolution = keras.layers.Conv2D(
        5, (4, 3), strides, padding, bias_initializer=keras.initializers.RandomNormal(seed=1)
    )
    expected = convolution(images)
    output = layers.conv2d(images, *convolution.get_weights(), strides=strides, padding=padding)
    agree(output, expected, BY_TENSORFLOW)
    output = layers.max_pool2d(images, (3, 2), strides=strides, padding=padding)
    agree(output, keras.layers.MaxPooling2D((3, 2), strides, padding)(images), 0)


@given(seeds, st.integers(1, 8), st.integers(1, 8), st.integers(1, 8), st.booleans())
@examples(50)
def test_dense_equals_tensorflow(seed, rows, features, units, with_bias):
    rng = np.random.default_rng(seed)
    x, weights = rng.normal(size=(rows, features)), rng.normal(size=(features, units))
    bias = rng.normal(size=units) if with_bias else np.zeros(units)
    output = layers.dense(x, weights, bias if with_bias else None)
    agree(output, _tf_dense(x, weights, bias), BY_TENSORFLOW)


@given(seeds, st.integers(1, 6), st.integers(1, 12), st.sampled_from([1e-3, 1.0, 30.0, 1e4]))
@examples(80)
def test_softmax_relu_and_cross_entropy_equal_tensorflow(seed, rows, classes, scale):
    rng = np.random.default_rng(seed)
    logits = (scale * rng.normal(size=(rows, classes))).astype(np.float32)
    labels = rng.integers(0, classes, rows)
    agree(layers.softmax(logits), tf.nn.softmax(logits), BY_TENSORFLOW)
    agree(layers.softmax(logits, axis=0), tf.nn.softmax(logits, axis=0), BY_TENSORFLOW)
    agree(layers.relu(logits), keras.ops.relu(logits), 0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)(labels, logits)
    agree(layers.cross_entropy(logits, labels), loss, BY_TENSORFLOW)


def test_softmax_and_cross_entropy_survive_huge_logits():
    logits = np.array([[1e4, 0, -1e4], [-1e4, -1e4, -1e4]])
    agree(layers.softmax(logits), [np.array([1.0, 0, 0]), np.full(3, 1 / 3)], 1e-12)
    assert layers.cross_entropy(logits, [2, 0]) == pytest.approx((2e4 + np.log(3)) / 2)
    assert isinstance(layers.cross_entropy(logits, [2, 0]), float)


def test_without_knowledge_the_loss_is_the_logarithm_of_the_number_of_classes():
    assert layers.cross_entropy(np.zeros((4, 10)), [0, 3, 9, 9]) == pytest.approx(np.log(10))


# --- backward -------------------------------------------------------------------------------------


@given(window_cases(batch=2, size=5, channels=2), st.integers(1, 3))
@examples(40)
def test_conv2d_backward(case, filters):
    seed, shape, window, strides, padding = case
    rng = np.random.default_rng(seed)
    images = rng.normal(size=shape)
    kernels = rng.normal(size=(*window, shape[3], filters))
    options = {"strides": strides, "padding": padding}
    check_backward(
        lambda x, k, b: layers.conv2d(x, k, b, **options),
        lambda g, x, k, b: layers.conv2d_backward(g, x, k, **options),
        lambda x, k, b: tf.nn.conv2d(x, k, as_pair(strides), padding.upper()) + b,
        [images, kernels, rng.normal(size=filters)],
        rng,
    )


@given(window_cases(batch=2, size=6, channels=2), st.booleans())
@examples(40)
def test_max_pool2d_backward(case, default_strides):
    seed, shape, window, strides, padding = case
    rng = np.random.default_rng(seed)
    taken = window if default_strides else as_pair(strides)
    options = {"strides": None if default_strides else strides, "padding": padding}
    check_backward(
        lambda x: layers.max_pool2d(x, window, **options),
        lambda g, x: (layers.max_pool2d_backward(g, x, window, **options),),
        lambda x: tf.nn.max_pool2d(x, window, taken, padding.upper()),
        [apart(rng, shape)],
        rng,
    )


@given(window_cases(batch=3, size=9, channels=3))
@examples(60)
def test_ties_in_max_pooling_go_where_tensorflow_sends_them(case):
    seed, shape, window, strides, padding = case
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 2, size=shape).astype(np.float32)
    options = {"strides": strides, "padding": padding}
    gradient = rng.normal(size=layers.max_pool2d(images, window, **options).shape)
    computed = layers.max_pool2d_backward(gradient.astype(np.float32), images, window, **options)
    (expected,) = tape_gradients(
        lambda x: tf.nn.max_pool2d(x, window, as_pair(strides), padding.upper()), [images], gradient
    )
    agree(computed, expected, BY_TENSORFLOW)


@given(seeds, st.integers(1, 4), st.integers(1, 5), st.integers(1, 5))
@examples(25)
def test_dense_backward(seed, rows, features, units):
    rng = np.random.default_rng(seed)
    check_backward(
        layers.dense,
        lambda g, x, w, b: layers.dense_backward(g, x, w),
        _tf_dense,
        [rng.normal(size=size) for size in ((rows, features), (features, units), units)],
        rng,
    )


@given(seeds, st.lists(st.integers(1, 4), min_size=1, max_size=4))
@examples(25)
def test_relu_backward(seed, shape):
    rng = np.random.default_rng(seed)
    check_backward(
        layers.relu,
        lambda g, x: (layers.relu_backward(g, x),),
        tf.nn.relu,
        [apart(rng, shape)],
        rng,
    )


def test_relu_at_its_kink_follows_tensorflow():
    x = np.array([-1.0, 0.0, 2.0], np.float32)
    (expected,) = tape_gradients(tf.nn.relu, [x], np.ones(3))
    np.testing.assert_array_equal(layers.relu_backward(np.ones(3, np.float32), x), expected)


@given(seeds, st.integers(1, 4), st.integers(1, 6), st.sampled_from([0, 1, -1]))
@examples(25)
def test_softmax_backward(seed, rows, classes, axis):
    rng = np.random.default_rng(seed)
    check_backward(
        lambda z: layers.softmax(z, axis),
        lambda g, z: (layers.softmax_backward(g, layers.softmax(z, axis), axis),),
        lambda z: tf.nn.softmax(z, axis),
        [rng.normal(size=(rows, classes))],
        rng,
    )


@given(seeds, st.integers(1, 4), st.integers(2, 6), st.sampled_from([np.int64, np.uint8]))
@examples(25)
def test_cross_entropy_backward(seed, rows, classes, dtype):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, rows).astype(dtype)
    check_backward(
        lambda z: layers.cross_entropy(z, labels),
        lambda g, z: (g * layers.cross_entropy_backward(z, labels),),
        lambda z: tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(labels.astype(np.int64), z)
        ),
        [rng.normal(size=(rows, classes))],
        rng,
    )


# --- many images ----------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 16, 17, 40])
def test_a_batch_computes_what_its_images_compute_one_by_one(count):
    rng = np.random.default_rng(0)
    images, kernels = rng.normal(size=(count, 6, 5, 2)), rng.normal(size=(3, 2, 2, 4))
    output = layers.conv2d(images, kernels, strides=2)
    gradient = rng.normal(size=output.shape)
    agree(output, np.concatenate([layers.conv2d(x[None], kernels, strides=2) for x in images]), 0)
    d_images, *sums = layers.conv2d_backward(gradient, images, kernels, strides=2)
    single = [
        layers.conv2d_backward(g[None], x[None], kernels, strides=2)
        for g, x in zip(gradient, images, strict=True)
    ]
    agree(d_images, np.concatenate([each[0] for each in single]), 0)
    agree(sums, [np.sum([each[place] for each in single], axis=0) for place in (1, 2)], 1e-12)


def test_the_windows_of_a_large_batch_are_never_in_memory_together():
    images = np.ones((512, 28, 28, 1), np.float32)
    kernels = np.ones((3, 3, 1, 4), np.float32)
    tracemalloc.start()
    output = layers.conv2d(images, kernels)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1.2 * output.nbytes  # the windows would take 2.25 times as much


def test_small_gradients_of_a_bias_add_up_in_single_precision():
    gradient = np.full((256, 26, 26, 2), 0.1, np.float32)
    expected = 256 * 26 * 26 * float(np.float32(0.1))
    images, kernels = np.zeros((256, 28, 28, 1), np.float32), np.zeros((3, 3, 1, 2), np.float32)
    agree(layers.conv2d_backward(gradient, images, kernels)[2], [expected] * 2, 1e-7)
    rows = gradient.reshape(-1, 2)
    d_bias = layers.dense_backward(rows, np.zeros((len(rows), 1), np.float32), kernels[0, 0])[2]
    agree(d_bias, [expected] * 2, 1e-7)


# --- a whole network ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def trained():
    """Return a briefly trained classic network (so that no bias is zero) and 1,000 digits."""
    mnist = load_mnist("sample")
    x = prepare(mnist.x_train[:2000])
    model = classic_cnn(seed=0)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, mnist.y_train[:2000], batch_size=100, shuffle=False, verbose=0)
    return model, x[:1000], mnist.y_train[:1000]


def logits_in_numpy(model, x):
    kernels_1, bias_1, kernels_2, bias_2, weights_1, bias_3, weights_2, bias_4 = model.get_weights()
    x = layers.max_pool2d(layers.relu(layers.conv2d(x, kernels_1, bias_1)))
    x = layers.max_pool2d(layers.relu(layers.conv2d(x, kernels_2, bias_2)))
    x = layers.relu(layers.dense(x.reshape(len(x), -1), weights_1, bias_3))
    return layers.dense(x, weights_2, bias_4)


def test_a_whole_network_equals_keras(trained):
    model, x, labels = trained
    logits = logits_in_numpy(model, x)
    expected = model.predict(x, batch_size=500, verbose=0)
    probabilities = layers.softmax(logits)
    assert probabilities.dtype == np.float32
    assert np.abs(probabilities - expected).max() <= 1e-5
    assert (expected.argmax(axis=1) == labels).mean() > 0.5  # it has learned: no flat answer
    loss = keras.losses.SparseCategoricalCrossentropy()(labels, expected)
    assert layers.cross_entropy(logits, labels) == pytest.approx(float(loss), rel=1e-4)


def test_a_whole_network_backward_equals_the_gradient_tape(trained):
    model, x, labels = trained
    x, labels = x[:64].astype(float), labels[:64]
    # In float32 two nearly equal pixels of a pooling window can change places by rounding.
    weights = [array.astype(float) for array in model.get_weights()]
    k_1, b_1, k_2, b_2, w_1, b_3, w_2, b_4 = weights
    conv_1 = layers.conv2d(x, k_1, b_1)
    pool_1 = layers.max_pool2d(layers.relu(conv_1))
    conv_2 = layers.conv2d(pool_1, k_2, b_2)
    pool_2 = layers.max_pool2d(layers.relu(conv_2))
    flat = pool_2.reshape(len(x), -1)
    hidden = layers.dense(flat, w_1, b_3)
    logits = layers.dense(layers.relu(hidden), w_2, b_4)

    gradient = layers.cross_entropy_backward(logits, labels)
    gradient, d_w_2, d_b_4 = layers.dense_backward(gradient, layers.relu(hidden), w_2)
    gradient = layers.relu_backward(gradient, hidden)
    gradient, d_w_1, d_b_3 = layers.dense_backward(gradient, flat, w_1)
    gradient = layers.max_pool2d_backward(gradient.reshape(pool_2.shape), layers.relu(conv_2))
    gradient = layers.relu_backward(gradient, conv_2)
    gradient, d_k_2, d_b_2 = layers.conv2d_backward(gradient, pool_1, k_2)
    gradient = layers.max_pool2d_backward(gradient, layers.relu(conv_1))
    gradient = layers.relu_backward(gradient, conv_1)
    _, d_k_1, d_b_1 = layers.conv2d_backward(gradient, x, k_1)

    def conv(x, kernels, bias):
        return tf.nn.conv2d(x, kernels, 1, "VALID") + bias

    def loss(k_1, b_1, k_2, b_2, w_1, b_3, w_2, b_4):
        pool_1 = tf.nn.max_pool2d(tf.nn.relu(conv(x, k_1, b_1)), 2, 2, "VALID")
        pool_2 = tf.nn.max_pool2d(tf.nn.relu(conv(pool_1, k_2, b_2)), 2, 2, "VALID")
        hidden = tf.nn.relu(_tf_dense(tf.reshape(pool_2, (len(x), -1)), w_1, b_3))
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, _tf_dense(hidden, w_2, b_4))
        return tf.reduce_mean(losses)

    computed = [d_k_1, d_b_1, d_k_2, d_b_2, d_w_1, d_b_3, d_w_2, d_b_4]
    agree(computed, tape_gradients(loss, weights, 1.0), BY_TENSORFLOW)


# --- shapes, dtypes and what is refused -----------------------------------------------------------


def test_an_empty_batch_passes_through():
    images, kernels = np.empty((0, 5, 5, 2)), np.ones((3, 3, 2, 4))
    output = layers.conv2d(images, kernels, padding="same")
    assert output.shape == (0, 5, 5, 4)
    d_images, d_kernels, d_bias = layers.conv2d_backward(output, images, kernels, padding="same")
    assert d_images.shape == images.shape
    assert not d_kernels.any()
    assert not d_bias.any()
    assert layers.max_pool2d(images).shape == (0, 2, 2, 2)


def test_the_inputs_are_left_as_they_were():
    rng = np.random.default_rng(0)
    images, kernels = rng.normal(size=(2, 5, 5, 1)), rng.normal(size=(3, 3, 1, 2))
    kept = images.copy(), kernels.copy()
    output = layers.conv2d(images, kernels, padding="same")
    layers.conv2d_backward(output, images, kernels, padding="same")
    layers.max_pool2d_backward(layers.max_pool2d(images), images)
    layers.softmax(images)
    layers.cross_entropy_backward(images[0, :, :, 0], [0, 1, 2, 3, 4])
    np.testing.assert_array_equal(images, kept[0])
    np.testing.assert_array_equal(kernels, kept[1])


def test_lists_are_accepted_and_mixed_precision_widens():
    assert layers.relu([-1.0, 2.0]).tolist() == [0.0, 2.0]
    single, double = np.ones((2, 3), np.float32), np.ones((3, 2))
    assert layers.dense(single, double).dtype == np.float64
    assert layers.relu(np.ones(3, np.float16)).dtype == np.float16


IMAGES = np.ones((2, 5, 6, 3), np.float32)
KERNELS = np.ones((3, 3, 3, 4), np.float32)
MATRIX = np.ones((2, 3))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: layers.conv2d(IMAGES.astype(np.uint8), KERNELS),
            r"images is uint8 .*prepare\(images\)",
        ),
        (lambda: layers.conv2d(IMAGES, KERNELS.astype(int)), "kernels is int64 .* floats"),
        (lambda: layers.conv2d(IMAGES, KERNELS, strides=0.5), "strides is 0.5; expected a whole"),
        (lambda: layers.cross_entropy(MATRIX, np.eye(3)[:2]), r"labels is .* labels\.argmax"),
    ],
)
def test_a_wrong_type_is_refused(call, message):
    with pytest.raises(TypeError, match=message):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: layers.conv2d(IMAGES[0], KERNELS), r"images .* \(5, 6, 3\); .*\[np\.newaxis\]"),
        (lambda: layers.conv2d(IMAGES, KERNELS[:, :, 0, 0]), r"kernels .*\(kh, kw, C_in, C_out\)"),
        (lambda: layers.conv2d(IMAGES, KERNELS[..., :0]), r"kernels is empty, .* \(3, 3, 3, 0\)"),
        (lambda: layers.conv2d(IMAGES, KERNELS[:, :, :2]), r"kernels .* \(kh, kw, 3, C_out\)"),
        (lambda: layers.conv2d(IMAGES, KERNELS, np.ones(3)), r"bias .*\(3,\); .* \(4,\)"),
        (lambda: layers.conv2d(IMAGES[:, :2], KERNELS), "height is 3; .* the image's, 2"),
        (lambda: layers.max_pool2d(IMAGES, (2, 7)), "width is 7; .* the image's, 6"),
        (lambda: layers.conv2d(IMAGES, KERNELS, strides=0), "strides is 0; .* at least 1"),
        (lambda: layers.max_pool2d(IMAGES, strides=(1, -1)), "strides is -1; .* at least 1"),
        (lambda: layers.conv2d(IMAGES, KERNELS, strides=(1, 1, 1)), r"strides is \(1, 1, 1\)"),
        (lambda: layers.max_pool2d(IMAGES, 0), "pool_size is 0; .* at least 1"),
        (lambda: layers.conv2d(IMAGES, KERNELS, padding="full"), 'padding is "full"; .* "same"'),
        (
            lambda: layers.conv2d_backward(np.ones((2, 5, 6, 4)), IMAGES, KERNELS),
            r"gradient .* \(2, 5, 6, 4\); expected floats \(2, 3, 4, 4\)",
        ),
        (lambda: layers.max_pool2d_backward(IMAGES, IMAGES), r"gradient .* \(2, 2, 3, 3\)"),
        (lambda: layers.relu_backward(np.ones(3), MATRIX), r"gradient .* \(2, 3\)"),
        (lambda: layers.softmax_backward(np.ones(3), MATRIX), r"gradient .* \(2, 3\)"),
        (lambda: layers.softmax(1.0), "logits is one number; expected an axis"),
        (lambda: layers.softmax(MATRIX, 2), "axis 2 is out"),
        (lambda: layers.dense(MATRIX, np.ones((4, 2))), r"weights .* \(3, units\)"),
        (lambda: layers.dense(IMAGES, MATRIX), r"x is .* images.reshape\(len\(images\), -1\)"),
        (
            lambda: layers.dense_backward(np.ones((2, 5)), MATRIX, np.ones((3, 2))),
            r"gradient .* \(2, 2\)",
        ),
        (lambda: layers.cross_entropy(MATRIX, [0, 3]), "labels is from 0 to 3; .* from 0 to 2"),
        (lambda: layers.cross_entropy_backward(MATRIX, [-1, 0]), "labels is from -1 to 0"),
        (lambda: layers.cross_entropy(MATRIX, [[0], [1]]), r"labels is .* labels\[\.\.\., 0\]"),
        (lambda: layers.cross_entropy(MATRIX[:0], np.array([], int)), "logits is empty"),
    ],
)
def test_a_wrong_value_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_the_module_starts_without_tensorflow():
    code = (
        "import sys, mnist_lib.layers\n"
        "heavy = {'tensorflow', 'keras', 'matplotlib', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
