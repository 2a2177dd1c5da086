"""`mnist_lib.handwriting` against MNIST, rendered handwriting, UCI digits and bad input."""

import os
import subprocess
import sys
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw
from scipy import ndimage
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from mnist_lib.data import load_mnist
from mnist_lib.handwriting import (
    adjust_stroke,
    centre,
    choose_window,
    crop,
    even_out,
    find_digits,
    find_ink,
    fit_box,
    focus,
    group_digits,
    ink_is_light,
    read_picture,
    remove_boxes,
    remove_lines,
    select_digit,
    shrink,
    stroke_width,
    to_mnist,
)
from mnist_lib.handwriting.ink import WINDOWS
from mnist_lib.handwriting.normalise import THICK, THIN
from tools import synthetic

settings.register_profile("no_deadline", deadline=None)
settings.load_profile("no_deadline")


@pytest.fixture(scope="module")
def mnist():
    return load_mnist("sample")


@pytest.fixture(scope="module")
def reader(mnist):
    """Return a function that reads images: 96 % right on MNIST, and no TensorFlow."""

    def features(images):
        smooth = ndimage.gaussian_filter(np.asarray(images, np.float32), (0, 1, 1))
        flat = smooth.reshape(len(smooth), -1)
        return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)

    model = SVC(C=10, gamma=5.0).fit(features(mnist.x_train), mnist.y_train)
    return lambda images: model.predict(features(images))


@pytest.fixture
def five():
    """Return a clean drawing of a 5: dark grey on white, 200 × 200."""
    shape = synthetic.pen_shape(np.random.default_rng(5), 5, "one line", 0.09)
    canvas = np.full((200, 200), 255, dtype=np.uint8)
    canvas[30 : 30 + shape.shape[0], 60 : 60 + shape.shape[1]] -= np.rint(225 * shape).astype(
        np.uint8
    )
    return canvas


def difference(a, b):
    """Mean absolute difference of two images, grey levels."""
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


# --- Fixed points and invariances ---------------------------------------------------------------


def test_mnist_comes_back_nearly_itself(mnist, reader):
    images = mnist.x_test[:500]
    again = np.stack([to_mnist(image) for image in images])
    assert difference(again, images) < 1
    assert np.mean(reader(again) != reader(images)) <= 0.02


def test_preparation_is_a_fixed_point_of_itself(five):
    once = to_mnist(five)
    assert difference(to_mnist(once), once) < 1


def test_ink_fills_the_box_and_lies_in_the_middle(five):
    image = to_mnist(five)
    rows, columns = np.flatnonzero(image.any(axis=1)), np.flatnonzero(image.any(axis=0))
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() == 255
    assert max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1 in (20, 21)
    assert ndimage.center_of_mass(image) == pytest.approx((14, 14), abs=0.51)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda image: 255 - image, id="inverted"),
        pytest.param(lambda image: np.pad(image, 90, constant_values=255), id="wide border"),
        pytest.param(lambda image: np.roll(image, (20, -40), axis=(0, 1)), id="moved"),
        pytest.param(lambda image: (120 + image / 4).astype(np.uint8), id="pale"),
        pytest.param(lambda image: np.kron(image, np.ones((3, 3), np.uint8)), id="three times"),
        pytest.param(lambda image: image[::2, ::2], id="half"),
        pytest.param(lambda image: image[24:180, 54:170], id="cut close"),
        pytest.param(lambda image: image / 255, id="floats"),
        pytest.param(lambda image: image.astype(np.uint16) * 257, id="16 bits"),
        pytest.param(lambda image: image.astype(np.int64) - 128, id="signed"),
        pytest.param(lambda image: np.stack([image] * 3, axis=-1), id="RGB"),
        pytest.param(lambda image: image[..., np.newaxis], id="one channel"),
    ],
)
def test_the_same_digit_gives_the_same_image(five, change):
    assert difference(to_mnist(change(five)), to_mnist(five)) < 4


@pytest.mark.parametrize("width", [0.02, 0.05, 0.1, 0.16])
def test_any_pen_ends_with_a_stroke_as_wide_as_mnists(width):
    rng = np.random.default_rng(8)
    image = to_mnist(synthetic.drawing(rng, synthetic.pen_shape(rng, 3, "round", width)))
    assert THIN - 0.4 < stroke_width(image / np.float32(255)) < THICK + 0.4


def test_thin_ones_keep_their_aspect():
    canvas = np.full((300, 300), 255, dtype=np.uint8)
    canvas[40:260, 150:153] = 0
    columns = np.flatnonzero(to_mnist(canvas).any(axis=0))
    assert len(columns) <= 4


@pytest.mark.parametrize("size", [28, 64, 96, 200])
@pytest.mark.parametrize("filter", [Image.Resampling.BICUBIC, Image.Resampling.BILINEAR])
def test_an_enlarged_picture_gives_what_the_small_one_gives(size, filter):
    differences = []
    for image in load_digits().images[:40]:
        small = Image.fromarray(np.rint(15.9 * image).astype(np.uint8))
        pair = to_mnist(small), to_mnist(small.resize((size, size), filter))
        differences.append(difference(*pair))
    assert np.median(differences) < 14


@pytest.mark.parametrize("label", [0, 2, 3, 8])
@pytest.mark.parametrize("height", [20, 60, 150, 400])
def test_a_pen_of_one_pixel_leaves_strokes(label, height):
    canvas = Image.new("L", (height + 20, height + 20), 255)
    for line in synthetic.STYLES[label][next(iter(synthetic.STYLES[label]))]:
        points = [(round(10 + height * x), round(10 + height * y)) for x, y in line]
        ImageDraw.Draw(canvas).line(points, fill=0, width=1)
    image = to_mnist(canvas)
    assert ndimage.label(image > 60, np.ones((3, 3)))[1] == 1


@pytest.mark.parametrize("noise", [0, 2, 4])
@pytest.mark.parametrize("read", [to_mnist, lambda picture: find_digits(picture)[0].image])
def test_a_ring_stays_closed_where_the_pen_presses_less(read, noise):
    y, x = np.mgrid[-70:70, -70:70]
    ring = np.clip(3 - np.abs(np.hypot(x, 1.5 * y) - 45), 0, 1)
    pressure = np.interp(y, [-30, 30], [0.13, 0.65])
    grain = np.random.default_rng(0).normal(0, noise, ring.shape)
    image = read(np.clip(200 * (1 - pressure * ring) + grain, 0, 255).astype(np.uint8))
    assert ndimage.label(image < 60)[1] == 2  # around the ring and within it
    assert image[image > 0].mean() > 100


def test_what_is_paler_beside_a_dark_stroke_is_no_ink():
    darkness = np.full((140, 140), 1e-6, np.float32)
    darkness += np.random.default_rng(0).normal(0, 0.005, darkness.shape).astype(np.float32)
    darkness[30:110, 65:71] = 0.8
    darkness[66:69, 71:83] = 0.2  # a bit of a printed line
    ink = find_ink(darkness)
    assert ink[30:110, 65:71].min() > 0.9
    assert ink[66:69, 74:].max() < 0.25


def test_a_shadows_edge_that_touches_a_digit_is_no_ink():
    darkness = np.random.default_rng(0).normal(0, 0.005, (140, 140)).astype(np.float32)
    darkness[60:100, 60:64] = darkness[60:64, 60:90] = 0.8
    darkness[:, 90:94] = 0.25
    ink = find_ink(darkness)
    assert ink[60:64, 60:90].min() > 0.9
    assert ink[:, 90:].max() < 0.1


def test_a_shadow_beside_a_sharp_pen_does_not_make_the_picture_blurred(five):
    grey = read_picture(five)
    shadow = 1 - 0.6 / (1 + np.exp((np.arange(200) - 30) / 4))
    _, factor = focus((grey * shadow).astype(np.float32))
    assert factor == pytest.approx(1, abs=0.2)
    _, factor = focus(ndimage.gaussian_filter(grey, 4))
    assert 4 < factor < 9


def test_faint_dirt_in_a_small_picture_ties_no_strokes():
    ink = np.zeros((28, 60), np.float32)
    ink[4:24, [8, 9, 50, 51]] = 0.7
    ink[23, 10:50] = 0.04
    parts = find_ink(ink)
    assert not parts[:, 20:40].any()
    assert len(group_digits(parts)) == 2


def test_a_close_cut_out_full_of_ink_keeps_its_noise_floor():
    rng = np.random.default_rng(3)
    ink = np.zeros((60, 44))
    ink[2:58, 2:42] = 0.6
    ink[14:24, 14:30] = ink[36:46, 14:30] = 0
    darkness = (ink + rng.normal(0.05, 0.01, ink.shape)).astype(np.float32)
    found = find_ink(darkness) > 0.5
    np.testing.assert_array_equal(found, ink > 0)


def test_thick_and_narrow_digits_are_not_refused():
    rng = np.random.default_rng(2)
    for label in range(10):
        shape = synthetic.pen_shape(rng, label, width=0.24)
        to_mnist(np.pad(255 - np.rint(255 * shape).astype(np.uint8), 30, constant_values=255))
    canvas = np.full((40, 5), 255, np.uint8)
    canvas[3:37, 2] = 0
    assert to_mnist(canvas).any()


def test_a_detached_stroke_stays_and_a_speck_goes(five):
    bar = five.copy()
    bar[12:20, 90:150] = 30
    assert to_mnist(bar)[:8].any()
    assert difference(to_mnist(bar), to_mnist(five)) > 4
    speck = five.copy()
    speck[5:8, 5:8] = 30
    np.testing.assert_array_equal(to_mnist(speck), to_mnist(five))


@settings(max_examples=40)
@given(
    height=st.integers(8, 90),
    width=st.integers(8, 90),
    dtype=st.sampled_from([np.uint8, np.uint16, np.int16, np.int64, np.float32, np.float64]),
    channels=st.sampled_from([None, 1, 3]),
    light=st.booleans(),
    data=st.data(),
)
def test_any_shape_and_dtype_gives_an_image_of_mnists(height, width, dtype, channels, light, data):
    ground, ink = (0, 100) if light else (100, 0)
    picture = np.full((height, width), ground, dtype=dtype)
    column = data.draw(st.integers(1, width - 3))
    picture[1 : height - 1, column : column + max(1, min(height, width) // 10)] = ink
    if channels:
        picture = np.repeat(picture[..., np.newaxis], channels, axis=2)
    image = to_mnist(picture)
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() > 128


# --- Reading ------------------------------------------------------------------------------------


def saved(path, image, **options):
    Image.fromarray(image).save(path, **options)
    return path


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "CMYK", "YCbCr", "I", "F"])
def test_every_mode_of_pillow_is_read(five, mode):
    picture = Image.fromarray(five).convert(mode, dither=Image.Dither.NONE)
    assert difference(to_mnist(picture), to_mnist(five)) < 4


def test_sixteen_bits_and_low_quality_are_read(tmp_path, five):
    sixteen = saved(tmp_path / "16.png", five.astype(np.uint16) * 257)
    assert difference(to_mnist(sixteen), to_mnist(five)) < 1
    assert difference(to_mnist(str(sixteen)), to_mnist(five)) < 1
    poor = saved(tmp_path / "20.jpg", five, quality=20)
    assert difference(to_mnist(poor), to_mnist(five)) < 4


def test_a_photograph_is_turned_upright(tmp_path, five):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the picture is to be turned clockwise
    path = saved(tmp_path / "turned.jpg", np.rot90(five), quality=95, exif=exif)
    assert difference(to_mnist(path), to_mnist(five)) < 4


def test_transparency_is_paper(five):
    alpha = 255 - five
    grey = np.dstack([np.zeros((200, 200), np.uint8), alpha])
    white = np.dstack([np.full((200, 200, 3), 255, np.uint8), alpha])
    for picture in (grey, white, Image.fromarray(white)):
        assert difference(to_mnist(picture), to_mnist(five)) < 4


def test_a_palette_may_be_transparent(five):
    picture = Image.fromarray((five < 128).astype(np.uint8), mode="P")
    picture.putpalette([255, 0, 0, 0, 0, 0])
    picture.info["transparency"] = 0
    assert difference(to_mnist(picture), to_mnist(five)) < 6


# --- Bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "error", "message"),
    [
        (3, TypeError, "image is a int; expected the path"),
        ([[0, 1], [1, 0]], TypeError, "np.asarray"),
        (b"\x89PNG", TypeError, "io.BytesIO"),
        (np.array([["a"] * 9] * 9), TypeError, "expected booleans, integers or floats"),
        (np.zeros(784), ValueError, r"shape \(784,\); expected \(height, width\)"),
        (np.zeros((1, 28, 28, 1)), ValueError, r"pass one image at a time"),
        (np.zeros((3, 28, 28)), ValueError, "Its channels come first"),
        (np.zeros((28, 28, 7)), ValueError, "1 to 4 channels"),
        (np.zeros((0, 28)), ValueError, "it holds no pixels"),
        (np.zeros((7, 7)), ValueError, "at least 8 on its longer side"),
        (np.zeros((28, 1)), ValueError, "2 on the other"),
        (np.full((28, 28), np.nan), ValueError, "NaN or infinite"),
        (np.broadcast_to(np.uint8(0), (20_000, 20_000)), ValueError, "at most 100,000,000"),
        (np.zeros((28, 28), np.uint8), ValueError, "holds no ink"),
        (np.full((50, 50), 0.4), ValueError, "holds no ink"),
    ],
)
@pytest.mark.parametrize("function", [to_mnist, find_digits])
def test_bad_input_is_refused(function, image, error, message):
    with pytest.raises(error, match=message):
        function(image)


BLOT = np.pad(np.full((100, 90), 255, np.uint8), 50)
SLOPE = np.add.outer(np.linspace(0.2, 0.6, 300), np.linspace(0, 0.3, 200))
NO_STROKES = {
    "noise": lambda rng: rng.normal(128, 20, (200, 200)).clip(0, 255).astype(np.uint8),
    "dots": lambda rng: rng.random((100, 100)),
    "coin flips": lambda rng: rng.integers(0, 2, (200, 200)).astype(bool),
    "gradient": lambda rng: SLOPE + rng.normal(0, 0.005, SLOPE.shape),
    "blot": lambda rng: BLOT,
}


@pytest.mark.parametrize("picture", NO_STROKES)
@pytest.mark.parametrize("seed", range(3))
def test_what_holds_no_strokes_is_refused(picture, seed):
    with pytest.raises(ValueError, match=r"The picture holds"):
        to_mnist(NO_STROKES[picture](np.random.default_rng(seed)))


def test_a_page_given_as_a_digit_is_refused_with_advice():
    rng = np.random.default_rng(0)
    shapes = [synthetic.pen_shape(rng, digit, width=0.08) for digit in range(10)]
    page = synthetic.page(rng, shapes, list(range(10)), 2)
    with pytest.raises(ValueError, match="find_digits"):
        to_mnist(page.image)


def test_damaged_and_other_files_are_refused(tmp_path, five):
    text = tmp_path / "notes.png"
    text.write_text("no picture")
    with pytest.raises(ValueError, match=r"notes.png is not a picture that Pillow can read"):
        to_mnist(text)
    for kind in ("jpg", "png"):
        whole = saved(tmp_path / f"whole.{kind}", five).read_bytes()
        half = tmp_path / f"half.{kind}"
        half.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(ValueError, match=rf"half.{kind} is damaged"):
            to_mnist(half)
    with pytest.raises(FileNotFoundError):
        to_mnist(tmp_path / "missing.png")
    with pytest.raises(OSError):  # noqa: PT011 - which one depends on the system
        to_mnist(tmp_path)


@pytest.mark.skipif(".avif" not in Image.registered_extensions(), reason="Pillow before 11.3")
def test_a_damaged_avif_is_refused(tmp_path, five):
    whole = saved(tmp_path / "whole.avif", five).read_bytes()
    for length in range(len(whole) // 4, len(whole), len(whole) // 8):
        half = tmp_path / "half.avif"
        half.write_bytes(whole[:length])
        with pytest.raises(ValueError, match=r"half\.avif is (damaged|not a picture)"):
            to_mnist(half)


def test_a_pipe_is_refused(tmp_path):
    pipe = tmp_path / "pipe.png"
    os.mkfifo(pipe)
    with pytest.raises(ValueError, match="pipe or a device"):
        to_mnist(pipe)


def test_lightness_stands_for_a_lab_picture(five):
    bands = [Image.fromarray(five), *[Image.new("L", (200, 200), 128)] * 2]
    assert difference(to_mnist(Image.merge("LAB", bands)), to_mnist(five)) == 0


def test_the_largest_floats_are_scaled(five):
    huge = np.where(five < 128, -1e308, 1e308)
    np.testing.assert_array_equal(read_picture(huge), read_picture(five >= 128))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_reading_takes_few_bytes_a_pixel(channels):
    picture = np.full((2000, 2000, channels), 255, np.uint8)
    tracemalloc.start()
    read_picture(picture)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 16 * 2000 * 2000


@pytest.mark.parametrize("side", [11_000, 20_000])
def test_a_decompression_bomb_is_refused_before_it_fills_the_memory(tmp_path, side):
    path = tmp_path / "bomb.png"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.new("1", (side, side)).save(path)
    assert path.stat().st_size < 200_000
    with pytest.raises(ValueError, match="pixels"):
        to_mnist(path)


# --- Other populations --------------------------------------------------------------------------


def test_uci_digits_are_read_prepared_and_not_without(reader):
    digits = load_digits()
    prepared = np.stack([to_mnist(image) for image in digits.images[:300]])
    resized = np.stack(
        [
            np.asarray(Image.fromarray((15.9 * image).astype(np.uint8)).resize((28, 28)))
            for image in digits.images[:300]
        ]
    )
    labels = digits.target[:300]
    with_preparation = np.mean(reader(prepared) == labels)
    assert with_preparation > 0.68
    assert with_preparation > np.mean(reader(resized) == labels) + 0.1


@pytest.mark.parametrize(("render", "least"), [("drawing", 0.92), ("photograph", 0.82)])
def test_rendered_digits_are_read(mnist, reader, render, least):
    rng = np.random.default_rng(20)
    images = []
    for image in mnist.x_val[:50]:
        picture = getattr(synthetic, render)(rng, synthetic.mnist_shape(rng, image))
        try:
            images.append(to_mnist(picture))
        except ValueError:
            images.append(np.zeros((28, 28), np.uint8))
    assert np.mean(reader(images) == mnist.y_val[:50]) > least


def test_every_digit_of_a_page_is_found_in_reading_order(reader):
    rng = np.random.default_rng(4)
    found = missed = more = 0
    for lines in (1, 2, 3):
        labels = rng.permutation(np.repeat(np.arange(10), 2))[: 10 if lines == 1 else 20]
        width = rng.uniform(0.04, 0.14)  # a page is written with one pen
        shapes = [synthetic.pen_shape(rng, int(label), width=width) for label in labels]
        page = synthetic.page(rng, shapes, list(labels), lines)
        digits = find_digits(page.image)
        more += max(0, len(digits) - len(labels))
        middles = [((d.box[0] + d.box[2]) / 2, (d.box[1] + d.box[3]) / 2) for d in digits]
        order = []
        for left, top, right, bottom in page.boxes:
            inside = [left < x < right and top < y < bottom for x, y in middles]
            if sum(inside) == 1:
                order.append(inside.index(True))
            else:
                missed += 1
        assert order == sorted(order)
        found += len(order)
    assert missed <= 1
    assert more <= 1
    assert found >= 49


def test_boxes_are_in_pixels_of_the_large_picture():
    canvas = np.full((2400, 3400), 255, np.uint8)
    canvas[400:1000, 600:660] = 0
    canvas[410:1010, 1500:1560] = 0
    canvas[1700:2300, 900:960] = 0
    boxes = [digit.box for digit in find_digits(canvas)]
    np.testing.assert_allclose(
        boxes,
        [(600, 400, 660, 1000), (1500, 410, 1560, 1010), (900, 1700, 960, 2300)],
        atol=6,
    )


# --- Steps --------------------------------------------------------------------------------------


def test_the_steps_make_the_whole(five):
    grey, factor = shrink(read_picture(five))
    assert factor == 1
    assert not ink_is_light(grey)
    ink = select_digit(remove_lines(find_ink(even_out(grey))))
    np.testing.assert_array_equal(centre(fit_box(adjust_stroke(crop(ink)))), to_mnist(five))


def test_shrink_averages_blocks():
    grey = np.arange(24, dtype=np.float32).reshape(4, 6)
    small, factor = shrink(grey, 3)
    assert factor == 2
    np.testing.assert_allclose(small, [[3.5, 5.5, 7.5], [15.5, 17.5, 19.5]])


def test_even_out_takes_a_shadow_away(five):
    grey = read_picture(five)
    light = np.linspace(0.5, 1, 200, dtype=np.float32) * np.where(np.arange(200) < 90, 0.7, 1)
    rng = np.random.default_rng(1)
    shaded = (grey * light + rng.normal(0, 0.003, grey.shape)).astype(np.float32)
    assert not ink_is_light(shaded)
    window = choose_window(shaded)
    assert window in WINDOWS
    paper = even_out(shaded)[grey == 1]
    assert np.quantile(np.abs(paper), 0.95) < 0.1
    assert difference(to_mnist(shaded), to_mnist(five)) < 10


def test_lines_go_and_the_strokes_that_cross_them_stay(five):
    ink = find_ink(even_out(read_picture(five)))
    ruled = ink.copy()
    ruled[[50, 100, 150]] = 1
    ruled[:, [40, 140]] = 1
    rest = remove_lines(ruled)
    assert np.abs(rest - ink).sum() < 0.1 * ink.sum()
    framed = ink.copy()
    framed[[15, 190], 40:170] = 1
    framed[15:191, [40, 169]] = 1
    assert np.abs(remove_lines(framed) - ink).sum() < 0.02 * ink.sum()
    framed[15, 100:104] = 0  # a gap
    assert np.abs(remove_lines(framed) - ink).sum() < 0.02 * ink.sum()


def test_digits_that_touch_are_no_frame():
    ink = np.zeros((140, 260), np.float32)
    ink[[20, 119], 20:240] = 1  # its sides, open between two digits
    ink[20:120, [20, 239]] = 1
    ink[[20, 119], 110:150] = 0
    ink[68:71, 20:240] = 1
    np.testing.assert_array_equal(remove_boxes(ink), ink)


def test_a_one_that_fills_the_picture_is_no_line():
    ink = np.zeros((200, 120), np.float32)
    ink[2:198, 58:62] = 1
    np.testing.assert_array_equal(remove_lines(ink), ink)


def test_group_digits_joins_what_is_one_digit():
    ink = np.zeros((100, 200), np.float32)
    ink[20:80, 20:26] = 1  # a 1
    ink[20:48, 60:66] = 1  # a stroke broken in two
    ink[52:80, 60:66] = 1
    ink[25:80, 120:126] = 1  # a stem with a bar above
    ink[15:20, 118:150] = 1
    ink[90:92, 180:182] = 1  # a speck
    digits = group_digits(ink)
    assert len(digits) == 3
    assert sum(digit.ink.sum() for digit in digits) == pytest.approx(ink.sum() - 4)


def test_fit_box_averages_areas():
    ink = np.zeros((40, 20), np.float32)
    ink[::2] = 1
    fitted = fit_box(ink)
    assert fitted.shape == (20, 20)
    np.testing.assert_allclose(fitted[:, 5:15], 0.5, atol=1e-6)
    assert not fitted[:, :5].any()
    assert not fitted[:, 15:].any()


@pytest.mark.parametrize("width", [7, 10, 13, 29, 31, 90, 91])
def test_fit_box_keeps_the_aspect_to_a_fraction_of_a_pixel(width):
    for ink in (np.ones((91, width), np.float32), np.ones((width, 91), np.float32)):
        fitted = fit_box(ink)
        assert fitted.sum() == pytest.approx(20 * 20 * width / 91, rel=1e-5)


def test_stroke_width_measures_a_bar():
    ink = np.zeros((200, 200), np.float32)
    ink[20:180, 90:114] = 1
    assert stroke_width(ink) == pytest.approx(20 * 24 / 160, rel=0.1)


def test_steps_refuse_what_they_cannot_use():
    with pytest.raises(ValueError, match="holds no ink"):
        crop(np.zeros((20, 20), np.float32))
    with pytest.raises(ValueError, match="fit_box first"):
        centre(np.ones((40, 20), np.float32))
    with pytest.raises(ValueError, match="lines, edges or blots"):
        select_digit(np.zeros((100, 100), np.float32))


def test_neither_tensorflow_nor_matplotlib_is_imported():
    code = (
        "import sys, mnist_lib.handwriting;"
        "sys.exit(bool({'tensorflow', 'keras', 'matplotlib'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
