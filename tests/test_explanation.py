import numpy as np
import pytest
from packaging.version import Version

from mnist_lib import explanation, layers, models
from mnist_lib.backend import keras
from mnist_lib.data import load_mnist, prepare

SIZE = 10


def small_cnn(head="softmax", dtype="float32", channels=1):
    """Two convolutions and a pooling between them, four classes; biases are not zero."""
    keras.utils.set_random_seed(0)
    every = {
        "dtype": dtype,
        "kernel_initializer": "he_normal",
        # Above zero on the whole, so that no channel is silent.
        "bias_initializer": keras.initializers.RandomNormal(mean=0.5, stddev=0.2),
    }
    stack = [
        keras.Input((SIZE, SIZE, channels), dtype="float32" if "mixed" in dtype else dtype),
        keras.layers.Conv2D(3, 3, activation="relu", name="first", **every),
        keras.layers.MaxPooling2D(name="pool", dtype=dtype),
        keras.layers.Conv2D(5, 2, activation="relu", name="second", **every),
        keras.layers.Flatten(name="flatten", dtype=dtype),
        keras.layers.Dense(6, activation="tanh", name="hidden", **every),
    ]
    behind = {"layer": keras.layers.Softmax(), "activation": keras.layers.Activation("softmax")}
    if head in behind:
        stack += [keras.layers.Dense(4, **every), behind[head]]
    else:
        stack.append(keras.layers.Dense(4, activation=head, **every))
    return keras.Sequential(stack, name="small")


def sequential(*between, size=SIZE, classes=4):
    """Put layers before a flattening and a dense layer."""
    top = [keras.layers.Flatten(), keras.layers.Dense(classes)]
    return keras.Sequential([keras.Input((size, size, 1)), *between, *top])


def images_of(count=3, size=SIZE, channels=1, seed=1):
    random = np.random.default_rng(seed)
    return random.uniform(size=(count, size, size, channels)).astype(np.float32)


@pytest.fixture(scope="module")
def model():
    return small_cnn()


@pytest.fixture(scope="module")
def images():
    return images_of()


def planted(row, column):
    """Class 1 scores ten times the brightest of four pixels, through a convolution."""
    weights = np.zeros((7 * 7, 3), np.float32)
    weights[row * 7 + column, 1] = 1.0
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(1, 2, activation="relu", use_bias=False, name="detector"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax", use_bias=False),
        ]
    )
    model.set_weights([np.full((2, 2, 1, 1), 10.0), weights])
    return model


# --- class scores ---------------------------------------------------------------------------------


@pytest.mark.parametrize("head", ["softmax", "log_softmax", None, "layer", "activation"])
def test_the_same_scores_are_read_from_every_kind_of_head(model, images, head):
    scores = explanation.class_scores(model, images)
    other = small_cnn(head)
    other.set_weights(model.get_weights())
    np.testing.assert_array_equal(explanation.class_scores(other, images), scores)
    np.testing.assert_allclose(
        layers.softmax(scores), model.predict(images, verbose=0), rtol=1e-5, atol=1e-7
    )


def test_scores_do_not_depend_on_the_batches(model, monkeypatch):
    images = images_of(7)
    whole = explanation.class_scores(model, images)
    monkeypatch.setattr(explanation, "BATCH_SIZE", 3)
    np.testing.assert_allclose(explanation.class_scores(model, images), whole, rtol=1e-5, atol=1e-6)


# --- feature maps, embedding, neighbours ----------------------------------------------------------


def test_feature_maps_equal_the_numpy_layers():
    model = models.classic_cnn(seed=3)
    images = images_of(2, 28)
    kernels, bias = model.get_layer("conv_1").get_weights()
    first = layers.relu(layers.conv2d(images, kernels, bias))
    np.testing.assert_allclose(explanation.feature_maps(model, images, "conv_1"), first, atol=1e-5)
    pooled = layers.max_pool2d(first)
    np.testing.assert_allclose(explanation.feature_maps(model, images, 1), pooled, atol=1e-5)
    second = layers.relu(layers.conv2d(pooled, *model.get_layer("conv_2").get_weights()))
    for layer in ("conv_2", 2, -5):
        maps = explanation.feature_maps(model, images, layer)
        np.testing.assert_allclose(maps, second, atol=1e-5)


def test_embedding_is_what_enters_the_last_dense_layer(model, images):
    vectors = explanation.embedding(model, images)
    assert vectors.shape == (3, 6)
    kernel, bias = model.layers[-1].get_weights()
    scores = layers.dense(vectors, kernel, bias)
    np.testing.assert_allclose(explanation.class_scores(model, images), scores, atol=1e-5)


# --- occlusion ------------------------------------------------------------------------------------


def test_occlusion_against_a_plain_loop(model, images):
    image = images[0].copy()
    found = explanation.occlusion(model, image, 2, patch_size=4, stride=4)
    np.testing.assert_array_equal(image, images[0])  # it is left alone
    before = explanation.class_scores(model, images[:1])[0, 2]
    # Positions 0 and 4, and 6 so that the last rows are visited too.
    falls = [[[] for _ in range(SIZE)] for _ in range(SIZE)]
    for top in (0, 4, 6):
        for left in (0, 4, 6):
            covered = images[:1].copy()
            for y in range(top, top + 4):
                for x in range(left, left + 4):
                    covered[0, y, x, 0] = 0
            fall = before - explanation.class_scores(model, covered)[0, 2]
            for y in range(top, top + 4):
                for x in range(left, left + 4):
                    falls[y][x].append(fall)
    wanted = np.array([[np.mean(cell) for cell in row] for row in falls])
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert found.dtype == np.float32


@pytest.mark.parametrize("setting", [{"patch_size": 0}, {"patch_size": 11}, {"stride": 0}])
def test_occlusion_refuses_settings(model, images, setting):
    ((name, value),) = setting.items()
    with pytest.raises(ValueError, match=f"{name} is {value}; expected a whole number .* least 1"):
        explanation.occlusion(model, images[0], 0, **setting)


# --- gradients ------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2])
def test_gradient_against_central_differences(channels):
    model = small_cnn(dtype="float64", channels=channels)
    images = images_of(2, channels=channels).astype(np.float64)
    labels = np.array([3, 1])
    gradient = explanation.input_gradient(model, images, labels)
    step = 1e-6
    moves = step * np.eye(images[0].size).reshape(-1, *images[0].shape)
    numeric = np.zeros_like(gradient)
    for row, (image, label) in enumerate(zip(images, labels, strict=True)):
        up = explanation.class_scores(model, image + moves)[:, label]
        down = explanation.class_scores(model, image - moves)[:, label]
        numeric[row] = ((up - down) / (2 * step)).reshape(image.shape)
    assert np.all(np.max(np.abs(gradient), axis=(1, 2, 3)) > 0.05)
    np.testing.assert_allclose(gradient, numeric, atol=1e-7)
    maps = explanation.saliency(model, images, labels)
    np.testing.assert_allclose(maps, np.max(np.abs(numeric), axis=-1), atol=1e-7)


def test_gradient_survives_a_saturated_softmax():
    model = planted(row=1, column=1)
    bright = np.full((1, 8, 8, 1), 10.0, np.float32)
    assert model.predict(bright, verbose=0)[0, 1] == 1.0
    maps = explanation.saliency(model, bright, 1)
    wanted = np.zeros((1, 8, 8))
    wanted[0, 1:3, 1:3] = 10.0
    np.testing.assert_array_equal(maps, wanted)


def test_one_label_stands_for_all_images(model, images, monkeypatch):
    one = explanation.saliency(model, images, 2)
    np.testing.assert_array_equal(one, explanation.saliency(model, images, [2, 2, 2]))
    assert not np.allclose(one, explanation.saliency(model, images, [2, 2, 1]))
    monkeypatch.setattr(explanation, "BATCH_SIZE", 2)
    np.testing.assert_allclose(explanation.saliency(model, images, 2), one, atol=1e-6)


# --- Grad-CAM -------------------------------------------------------------------------------------


def test_grad_cam_against_numpy_layers(monkeypatch):
    monkeypatch.setattr(explanation, "BATCH_SIZE", 2)
    model = models.classic_cnn(seed=1)
    images, labels = images_of(3, 28), np.array([4, 0, 9])
    found = explanation.grad_cam(model, images, labels, resize=False)

    (k1, b1), (k2, b2), (w1, c1), (w2, _) = (
        model.get_layer(name).get_weights()
        for name in ("conv_1", "conv_2", "dense_1", "predictions")
    )
    features = layers.relu(
        layers.conv2d(layers.max_pool2d(layers.relu(layers.conv2d(images, k1, b1))), k2, b2)
    )
    pooled = layers.max_pool2d(features)
    hidden = layers.dense(pooled.reshape(3, -1), w1, c1)
    gradient = layers.relu_backward(w2[:, labels].T, hidden) @ w1.T
    gradient = layers.max_pool2d_backward(gradient.reshape(pooled.shape), features)
    weights = gradient.mean(axis=(1, 2), keepdims=True)
    wanted = np.maximum(0, np.sum(weights * features, axis=-1))
    assert found.shape == (3, 11, 11)
    np.testing.assert_allclose(found, wanted, atol=1e-5 * wanted.max())


def test_grad_cam_puts_each_cell_where_it_looks():
    """Receptive fields of the classic network: cell j of conv_2 sees pixels 2 j … 2 j + 7."""
    model = models.classic_cnn(seed=1)
    images = images_of(2, 28)
    cells = explanation.grad_cam(model, images, 5, resize=False)
    maps = explanation.grad_cam(model, images, 5)
    assert maps.shape == (2, 28, 28)
    assert maps.dtype == np.float32
    centres = 2 * np.arange(11) + 3.5
    for row, column in ((0, 0), (4, 7), (10, 10)):
        y, x = int(centres[row]), int(centres[column])
        around = maps[:, y : y + 2, x : x + 2].mean(axis=(1, 2))
        # Between two pixels on either side of the centre, the interpolation is a mixture
        # dominated by the cell itself.
        rows = [np.interp([y, y + 1], centres, cell) for cell in np.eye(11)]
        columns = [np.interp([x, x + 1], centres, cell) for cell in np.eye(11)]
        weights = np.outer(np.mean(rows, axis=1), np.mean(columns, axis=1))
        assert weights.argmax() == row * 11 + column
        np.testing.assert_allclose(around, np.sum(cells * weights, axis=(1, 2)), rtol=1e-4)
    # The outer cells lie at 3.5 and 23.5; half a step on, at 2.5 and 24.5, the map begins to fade
    # and reaches zero at 0.5 and 26.5.
    np.testing.assert_array_equal(maps[:, [0, 27]], 0)
    np.testing.assert_array_equal(maps[:, :, [0, 27]], 0)
    np.testing.assert_allclose(maps[:, 1], maps[:, 3] * 0.25, rtol=1e-4)
    np.testing.assert_allclose(maps[:, :, 25], maps[:, :, 24] * 0.75, rtol=1e-4)


def test_a_single_cell_covers_what_it_sees():
    weights = explanation._interpolation(np.array([4.5]), 10.0, 10)
    np.testing.assert_array_equal(weights, np.ones((10, 1)))


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2])
def test_cell_centres_are_the_centres_of_what_a_cell_sees(padding, stride):
    ones = {"padding": padding, "kernel_initializer": "ones"}
    model = sequential(
        keras.layers.Conv2D(1, 5, strides=stride, **ones),
        keras.layers.BatchNormalization(),
        keras.layers.AveragePooling2D(2, padding=padding),
        keras.layers.DepthwiseConv2D(
            2, padding=padding, depthwise_initializer="ones", name="three"
        ),
        size=20,
    )
    target = model.get_layer("three")
    centres, step = explanation._cell_centres(model, target, 1)
    assert len(centres) == target.output.shape[1]
    np.testing.assert_allclose(np.diff(centres), step)
    single = np.eye(400, dtype=np.float32).reshape(400, 20, 20, 1)
    answers = explanation.feature_maps(model, single, "three")[..., 0].reshape(20, 20, -1)
    cells = len(centres)
    for cell in range(cells):
        seen = np.flatnonzero(answers.reshape(20, 20, cells, cells)[:, :, cell].any(axis=(1, 2)))
        if seen[0] > 0 and seen[-1] < 19:
            assert centres[cell] == (seen[0] + seen[-1]) / 2


def test_dilated_windows_are_wide():
    layer = keras.layers.Conv2D(1, (3, 2), dilation_rate=(2, 1))
    assert explanation._window(layer, 0) == (5, 1, "valid")
    assert explanation._window(layer, 1) == (2, 1, "valid")


def test_grad_cam_stretches_where_the_geometry_is_unknown(images):
    inputs = keras.Input((SIZE, SIZE, 1))
    left = keras.layers.Conv2D(2, 3, padding="same")(inputs)
    right = keras.layers.Conv2D(2, 3, padding="same")(inputs)
    both = keras.layers.Add()([left, right])
    smaller = keras.layers.Conv2D(2, 7)(both)
    outputs = keras.layers.Dense(3)(keras.layers.Flatten()(smaller))
    branched = keras.Model(inputs, outputs)
    cells = explanation.grad_cam(branched, images, 1, resize=False)
    maps = explanation.grad_cam(branched, images, 1)
    assert cells.shape == (3, 4, 4)
    assert maps.shape == (3, SIZE, SIZE)
    np.testing.assert_allclose(maps[:, 0, 0], cells[:, 0, 0], rtol=1e-5)
    np.testing.assert_allclose(maps[:, -1, -1], cells[:, -1, -1], rtol=1e-5)
    # Pixel 4 lies at (4 + 0.5) · 4/10 - 0.5 = 1.3 cells.
    wanted = 0.7 * cells[:, 1, 0] + 0.3 * cells[:, 2, 0]
    np.testing.assert_allclose(maps[:, 4, 0], wanted, rtol=1e-4, atol=1e-6)

    cropped = sequential(keras.layers.Cropping2D(1), keras.layers.Conv2D(2, 3, name="maps"))
    target = cropped.get_layer("maps")
    stretched = (np.arange(6) + 0.5) * 10 / 6 - 0.5
    np.testing.assert_allclose(explanation._cell_centres(cropped, target, 2)[0], stretched)


def test_grad_cam_looks_behind_normalisation_and_activation():
    """Before them, half of the robust network's maps would be zero everywhere."""
    model = models.load_pretrained("robust")
    mnist = load_mnist("sample")
    maps = explanation.grad_cam(model, prepare(mnist.x_val), mnist.y_val, resize=False)
    # In one digit of 500 no place speaks for its class, on balance: that map is correctly zero.
    assert np.mean(maps.max(axis=(1, 2)) > 0) >= 0.995


@pytest.mark.parametrize("activation", ["relu", "swish"])
@pytest.mark.parametrize("normalised", [True, False])
def test_the_activation_may_be_a_layer_of_its_own(images, activation, normalised):
    def build(inside, *between):
        keras.utils.set_random_seed(0)
        return sequential(keras.layers.Conv2D(3, 3, activation=inside), *between)

    own = [keras.layers.BatchNormalization(epsilon=0)] if normalised else []
    own.append(keras.layers.Activation(activation))
    inside, behind = build(activation), build(None, *own)
    behind.layers[0].set_weights(inside.layers[0].get_weights())
    behind.layers[-1].set_weights(inside.layers[-1].get_weights())
    np.testing.assert_allclose(
        explanation.grad_cam(behind, images, 1),
        explanation.grad_cam(inside, images, 1),
        rtol=1e-4,
        atol=1e-6,
    )


def test_the_first_activation_behind_the_convolution_counts():
    convolution, first = keras.layers.Conv2D(3, 3), keras.layers.ReLU()
    model = sequential(convolution, first, keras.layers.ReLU())
    assert explanation._last_feature_maps(model) is first
    bare = sequential(convolution)
    assert explanation._last_feature_maps(bare) is convolution


def test_grad_cam_needs_a_convolution_that_matters(images):
    dense = models.dense_network()
    with pytest.raises(ValueError, match=r"flatten, dense_1, predictions; expected a convolution"):
        explanation.grad_cam(dense, images_of(1, 28), 0)
    inputs = keras.Input((SIZE, SIZE, 1))
    flat = keras.layers.Flatten()(inputs)
    aside = keras.layers.Conv2D(1, 3, name="aside")(inputs)
    useless = keras.layers.Lambda(lambda pair: pair[0])(
        [flat, keras.layers.Flatten()(aside)], mask=None
    )
    model = keras.Model(inputs, keras.layers.Dense(2)(useless))
    with pytest.raises(ValueError, match="'aside', beside the way to its class scores"):
        explanation.grad_cam(model, images, 0)


# --- activation maximisation ----------------------------------------------------------------------


@pytest.mark.parametrize(("layer", "units"), [(None, [0, 1, 2, 3]), ("second", 3), ("hidden", [5])])
def test_activation_maximisation_raises_the_unit(model, layer, units):
    result = explanation.activation_maximisation(model, layer, units)
    count = np.size(units)
    assert result.images.shape == (count, SIZE, SIZE, 1)
    assert result.activations.shape == (101, count)
    assert np.all(result.activations[-1] > result.activations[0] + 1e-3)
    assert result.images.min() >= 0
    assert result.images.max() <= 1


def test_activation_maximisation_reports_the_activation_of_its_image(model):
    result = explanation.activation_maximisation(model, None, [2, 0])
    scores = explanation.class_scores(model, result.images)
    np.testing.assert_allclose(result.activations[-1], [scores[0, 2], scores[1, 0]], rtol=1e-5)
    result = explanation.activation_maximisation(model, "first", [2])
    maps = explanation.feature_maps(model, result.images, "first")
    np.testing.assert_allclose(result.activations[-1], maps[..., 2].mean(axis=(1, 2)), rtol=1e-5)


def test_penalties_darken_and_smooth(model):
    def roughness(image):
        return np.sum(np.diff(image, axis=0) ** 2) + np.sum(np.diff(image, axis=1) ** 2)

    settings = {"l2": 0.0, "smoothness": 0.0}
    free = explanation.activation_maximisation(model, None, 1, **settings)
    dark = explanation.activation_maximisation(model, None, 1, **(settings | {"l2": 1.0}))
    soft = explanation.activation_maximisation(model, None, 1, **(settings | {"smoothness": 1.0}))
    assert np.sum(dark.images**2) < 0.5 * np.sum(free.images**2)
    assert roughness(soft.images[0]) < 0.5 * roughness(free.images[0])


def test_a_silent_unit_shows_as_zero():
    model = planted(row=1, column=1)
    model.get_layer("detector").set_weights([np.full((2, 2, 1, 1), -1.0)])
    result = explanation.activation_maximisation(model, "detector", 0, l2=0.0, smoothness=0.0)
    assert not result.activations.any()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"l2": -1}, "l2 is -1; expected a number that is at least 0"),
        ({"smoothness": -1}, "smoothness is -1"),
        ({"units": 4}, "units is from 4 to 4; expected class numbers from 0 to 3"),
        ({"layer": "second", "units": 5}, "from 0 to 4"),
    ],
)
def test_activation_maximisation_refuses(model, setting, message):
    arguments = {"layer": None, "units": 0} | setting
    with pytest.raises(ValueError, match=message):
        explanation.activation_maximisation(model, **arguments)


# --- every model of the course --------------------------------------------------------------------


def functional_cnn():
    inputs = keras.Input((28, 28, 1))
    x = keras.layers.Conv2D(4, 3, strides=2, name="maps")(inputs)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.ReLU()(x)
    x = keras.layers.Dropout(0.5)(keras.layers.Flatten()(x))
    return keras.Model(inputs, keras.layers.Dense(10, activation="softmax")(x))


@pytest.mark.parametrize("build", [models.classic_cnn, functional_cnn, models.dense_network])
def test_models_of_the_course_and_their_reloaded_copies(build, tmp_path):
    model = build()
    images, labels = images_of(2, 28), np.array([7, 2])
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    before = model.get_weights()

    def everything(model):
        first = explanation.activation_maximisation(model, None, [3])
        yield explanation.class_scores(model, images)
        yield explanation.embedding(model, images)
        yield explanation.saliency(model, images, labels)
        yield explanation.occlusion(model, images[0], 7, patch_size=9, stride=9)
        yield first.images
        if build is not models.dense_network:
            yield explanation.grad_cam(model, images, labels)

    for one, same, reloaded in zip(
        everything(model), everything(model), everything(again), strict=True
    ):
        assert np.all(np.isfinite(one))
        np.testing.assert_array_equal(one, same)
        np.testing.assert_allclose(one, reloaded, rtol=1e-5, atol=1e-6)
    for old, new in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_model_built_by_its_first_call(images):
    stack = [keras.layers.Conv2D(2, 3), keras.layers.Flatten(), keras.layers.Dense(3)]
    model = keras.Sequential(stack)
    with pytest.raises(ValueError, match=r"not built.*keras\.Input"):
        explanation.class_scores(model, images)
    model(images[:2])
    assert explanation.class_scores(model, images).shape == (3, 3)
    assert explanation.grad_cam(model, images, 0).shape == (3, SIZE, SIZE)


def test_mixed_precision_gives_full_precision_scores(images):
    model = small_cnn(dtype="mixed_bfloat16")
    assert explanation.class_scores(model, images).dtype == np.float32
    assert explanation.saliency(model, images, 0).dtype == np.float32
    assert explanation.feature_maps(model, images, "first").dtype == np.float32
    assert explanation.grad_cam(model, images, 0).dtype == np.float32


# --- what cannot be read --------------------------------------------------------------------------


class Opaque(keras.Model):
    def call(self, x):
        return x


def test_what_is_not_a_readable_model(images):
    with pytest.raises(
        TypeError, match=r'model is "model.keras"; expected a keras.Model. .*load_model'
    ):
        explanation.class_scores("model.keras", images)
    with pytest.raises(ValueError, match=r"model is an Opaque; expected a keras\.Sequential"):
        explanation.class_scores(Opaque(), images)
    vectors = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match=r"from \[\(None, 4\)\] to \[\(None, 2\)\]"):
        explanation.class_scores(vectors, images)
    inputs = keras.Input((SIZE, SIZE, 1))
    flat = keras.layers.Flatten()(inputs)
    twice = keras.Model(inputs, [keras.layers.Dense(2)(flat), keras.layers.Dense(2)(flat)])
    with pytest.raises(ValueError, match="one batch of predictions"):
        explanation.class_scores(twice, images)


@pytest.mark.parametrize(
    "end",
    [
        [keras.layers.Dense(2, activation="sigmoid")],
        [keras.layers.Dense(2, activation="relu"), keras.layers.Softmax()],
        [keras.layers.Dense(2), keras.layers.Dropout(0.5)],
        [keras.layers.Softmax()],
        [keras.Sequential([keras.Input((100,)), keras.layers.Dense(2)])],
    ],
)
def test_heads_without_class_scores(end, images):
    model = keras.Sequential([keras.Input((SIZE, SIZE, 1)), keras.layers.Flatten(), *end])
    with pytest.raises(ValueError, match="expected Dense, Dense with softmax"):
        explanation.class_scores(model, images)


@pytest.mark.xfail(
    Version(keras.__version__) < Version("3.14"),
    reason="an older Keras cannot call a Sequential of borrowed layers layer by layer",
    raises=KeyError,
)
def test_borrowed_layers():
    """Keras remembers where a layer was used first, which may be in another model."""
    images = images_of(2)
    inputs = keras.Input((SIZE, SIZE, 1))
    x = keras.layers.Conv2D(2, 3, name="mine")(inputs)
    lender = keras.Model(inputs, keras.layers.Dense(3)(keras.layers.Flatten()(x)))
    borrower = keras.Sequential([keras.Input((SIZE, SIZE, 1)), *lender.layers[1:]])
    np.testing.assert_array_equal(
        explanation.grad_cam(borrower, images, 1), explanation.grad_cam(lender, images, 1)
    )
    again = keras.Input((SIZE, SIZE, 1))
    flat = keras.layers.Flatten()(lender.get_layer("mine")(again))
    functional = keras.Model(again, keras.layers.Dense(3)(flat))
    with pytest.raises(ValueError, match="shared with another model"):
        explanation.feature_maps(functional, images, "mine")


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        ("third", ValueError, 'layer is "third"; expected "first", "pool", "second", "flatten"'),
        (6, ValueError, "layer is 6; .* at least -6 and at most 5"),
        ("hidden", ValueError, r"'hidden', with an output of shape \(None, 6\); expected feature"),
    ],
)
def test_unknown_layers(model, images, layer, error, message):
    with pytest.raises(error, match=message):
        explanation.feature_maps(model, images, layer)


@pytest.mark.parametrize(
    ("images", "error", "message"),
    [
        (np.zeros((2, 10, 10), np.uint8), TypeError, r"images is uint8 .*prepare\(images\)"),
        (np.zeros((2, 10, 10), np.float32), ValueError, r"\(N, 10, 10, 1\)\. Add the axis"),
        (np.full((1, 10, 10, 1), np.nan, np.float32), ValueError, "NaN or infinite"),
    ],
)
def test_wrong_images(model, images, error, message):
    with pytest.raises(error, match=message):
        explanation.saliency(model, images, 0)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        ([0, 1], ValueError, r"labels is int64 \(2,\); expected whole numbers \(3,\)"),
        ([0, 1, 4], ValueError, "labels is from 0 to 4; expected class numbers from 0 to 3"),
    ],
)
@pytest.mark.parametrize("method", [explanation.saliency, explanation.grad_cam])
def test_wrong_labels(model, images, method, labels, error, message):
    with pytest.raises(error, match=message):
        method(model, images, labels)


def test_occlusion_takes_one_image(model, images):
    with pytest.raises(ValueError, match=r"image is float32 \(3, 10, 10, 1\); .*\(10, 10, 1\)"):
        explanation.occlusion(model, images, 0)
    with pytest.raises(ValueError, match=r"label is 4; .* at most 3"):
        explanation.occlusion(model, images[0], 4)
