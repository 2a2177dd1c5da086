"""Diagrams: what they show, that nothing leaves the canvas, and what they refuse."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import FancyArrowPatch, Rectangle
from scipy.ndimage import center_of_mass
from scipy.signal import correlate2d

from mnist_lib import diagrams, plots
from mnist_lib.layers import conv2d, conv2d_backward, max_pool2d

STYLE = Path(plots.__file__).with_name("course.mplstyle")

CLASSIC = [
    ("image", (28, 28, 1)),
    ("Conv2D", (26, 26, 32)),
    ("MaxPooling2D", (13, 13, 32)),
    ("Conv2D", (11, 11, 64)),
    ("MaxPooling2D", (5, 5, 64)),
    ("Flatten", (1600,)),
    ("Dense", (128,)),
    ("Dense", (10,)),
]

GREYS = np.arange(28 * 28).reshape(28, 28) % 256
SMALL = np.array(
    [[0, 0, 1, 1, 0], [0, 1, 2, 1, 0], [0, 0, 1, 2, 0], [0, 1, 2, 1, 0], [1, 2, 1, 0, 0]]
)
LEFT_EDGE = np.array([[-1, 0, 1]] * 3)
KERNELS = np.stack([LEFT_EDGE, LEFT_EDGE.T, LEFT_EDGE + LEFT_EDGE.T], axis=-1)
WINDOW = np.stack([SMALL[:3, :3], SMALL[1:4, 1:4], SMALL[2:, 2:]], axis=-1)
STEPS_OF_CLASSIC = ["3 × 3\nReLU", "2 × 2\nmax"] * 2 + ["in a row", "all to all", "softmax"]
STACK = [("conv_1", 3, 1), ("pool_1", 2, 2), ("conv_2", 3, 1), ("pool_2", 2, 2)]

PIXELS = np.array([[0, 18, 253], [85, 254, 255]])

# A vertical stroke that moves by two pixels, a kernel for it, and a dense unit that learned it.
STROKE, UNIT = np.zeros((6, 6), int), np.zeros((6, 6), int)
STROKE[1:5, 1], UNIT[1:5, :3] = 1, [-1, 2, -1]
SHARED = (STROKE, 2, np.array([[-1, 2, -1]] * 3), UNIT)
ALONG = ([1, 2, 0, 3], [2, -1], [1, 0, 4])  # pixels, a kernel, and what arrives
PASSED = [
    ("conv", "kernels", (26, 26, 4)),
    ("ReLU", "", (26, 26, 4)),
    ("pool", "", (13, 13, 4)),
    ("dense", "weights", (10,)),
    ("loss", "", ()),
]
PATH = np.array([[4.0, 1.0], [3.0, -0.7], [2.5, 0.4], [2.0, -0.2]])

VALLEY = (np.diag([0.01, 0.8]), np.array([[0, 0], [0, 0.4], [2, 0.3]]), np.array([3, 0.3]))

SEVEN = np.zeros((28, 28), np.uint8)
SEVEN[4:7, 8:20] = 200
SEVEN[4:24, 17:20] = 250

STEPS = [
    ("classic", "network"),
    ("smaller network", "network"),
    ("one-cycle", "training"),
    ("label smoothing", "training"),
    ("batch norm", "network"),
    ("augmentation", "digits"),
    ("longer", "training"),
    ("averaged weights", "weights"),
    ("ensemble", "weights"),
    ("test-time shifts", "digits"),
]
SMALL_ONES = [("small, from labels", "network"), ("small, taught", "training")]
PERCENT = {name: [4 / (row + 1), 6 / (row + 1)] for row, (name, _) in enumerate(STEPS)}
PERCENT["ensemble"] = [0.5]
PERCENT["longer"] = [0.6, 0.6]
SECONDS = {name: row + 1.0 for row, (name, _) in enumerate(STEPS)}

GAINS = {
    "far": (4.0, 4.5, 5.0),
    "useful": (0.2, 0.4, 0.6),
    "unclear": (-0.1, 0.1, 0.3),
    "harmful": (-0.9, -0.8, -0.7),
    "small": (-0.1, 0.0, 0.1),
    "wide": (-1.5, 0.2, 1.9),
}
INTERVALS = np.array(list(GAINS.values()))
MEASURED = {"few digits,\ntwo seeds": INTERVALS, "all": INTERVALS / 10}

RECIPES = {"cheap": (0.001, 17.0), "beaten": (8.0, 9.0), "middle": (2.0, 3.0), "best": (20.0, 1.0)}
FRONT = ["cheap", "middle", "best"]
CROWD = {f"recipe {number}": (2 + number / 99, 3 + number / 99) for number in range(15)}
TIMES = {"batch size 8": [30, 40, 130], "batch size 128": [20, 30, 0.5]}

# Each diagram of the course, as a chapter draws it: append yours.
HELD = {".keras": [True, True], "SavedModel": [False, True], "nothing": [False, False]}
GATES = [
    ("size", "413", "too large"),
    ("format", "415", "no picture"),
    ("pixels", "413", "too many"),
    ("time", "504", "timed out"),
]

# What the layers of the classic network compute: random numbers, and at the end probabilities.
AT_WORK = [
    (
        name,
        np.random.default_rng(0).random(shape) if index < 7 else np.array([0.7, 0.3] + [0.0] * 8),
    )
    for index, (name, shape) in enumerate(CLASSIC)
]
PLACES = [(5, 40, 10, 8), (25, 10, 12, 6), (4, 8, 9, 9)]  # of three digits: top, left, size
PIECES = np.zeros((40, 60), dtype=int)
for number, (top, left, height, width) in enumerate(PLACES, start=1):
    PIECES[top : top + height, left : left + width] = number
TINY = np.arange(3, dtype=np.uint8).repeat(784).reshape(3, 28, 28)
PAGE = (1.0 * (PIECES > 0), PIECES, PLACES, TINY, [[2, 0], [1]])

EXAMPLES: dict[str, Callable[[], Figure]] = {
    "the classic network": lambda: diagrams.network_blocks(CLASSIC),
    "the classic network and a digit": lambda: diagrams.network_blocks(CLASSIC, GREYS),
    "the classic network step by step": lambda: diagrams.network_blocks(
        CLASSIC, GREYS, STEPS_OF_CLASSIC
    ),
    "a small network": lambda: diagrams.network_blocks([CLASSIC[0], CLASSIC[1], CLASSIC[-1]]),
    "a network at work": lambda: diagrams.network_at_work(AT_WORK),
    "a step of training": lambda: diagrams.training_step([GREYS] * 4, [5, 0, 4, 1]),
    "kernels and maps": lambda: diagrams.kernels_and_maps(
        GREYS, KERNELS, np.ones((26, 26, 3)), ["left edges", "top edges", "slanting edges"]
    ),
    "a window on an image": lambda: diagrams.window_on_image(GREYS, 6, 9),
    "a large window": lambda: diagrams.window_on_image(np.full((28, 28), 255), 3, 9, size=7),
    "a window and its number": lambda: diagrams.window_and_map(GREYS, KERNELS[..., 0], 6, 9),
    "a window's sum": lambda: diagrams.window_sum(GREYS[6:9, 9:12], LEFT_EDGE),
    "a sliding window": lambda: diagrams.sliding_window(SMALL, LEFT_EDGE, [(0, 0), (0, 1), (2, 2)]),
    "places of a window": lambda: diagrams.window_places(6, 3, [(1, 0, 0), (2, 0, 0), (2, 0, 1)]),
    "channels": lambda: diagrams.channels_in_and_out((28, 28, 3), (3, 3, 3, 4), (26, 26, 4)),
    "a sum over channels": lambda: diagrams.channel_sum(WINDOW, KERNELS),
    "windows as rows": lambda: diagrams.windows_as_rows(SMALL[:3, :4], np.array([[1, 0], [0, -1]])),
    "pooling": lambda: diagrams.pooling(SMALL[:4, :4]),
    "shift and convolve": lambda: diagrams.shift_and_convolve(GREYS, GREYS, GREYS - 9.0, -GREYS),
    "a valley": lambda: diagrams.valley(*VALLEY, ["right", "up"], [0, 2]),
    "an answer": lambda: diagrams.digit_to_probabilities(GREYS, [0.9, 0.1] + [0.0] * 8),
    "receptive fields": lambda: diagrams.receptive_fields(GREYS, STACK, (1, 3)),
    "flattening": lambda: diagrams.flattening((2, 2, 3)),
    "weight sharing": lambda: diagrams.weight_sharing(*SHARED),
    "chain rule": lambda: diagrams.chain_rule(PASSED),
    "back through a convolution": lambda: diagrams.convolution_back(*ALONG),
    "descent": lambda: diagrams.descent((1, 12), {"plain": PATH, "momentum": PATH[::2]}),
    "a confusion matrix read": lambda: diagrams.confusion_read(
        [[9, 1, 0], [2, 7, 1], [0, 0, 8]], 1
    ),
    "scaled pixels": lambda: diagrams.scaled_pixels(GREYS, 5, 11),
    "how MNIST was made": lambda: diagrams.mnist_preparation(SEVEN),
    "three parts": lambda: diagrams.three_way_split(55_000, 5_000, 10_000),
    "three parts of the sample": lambda: diagrams.three_way_split(3_500, 500, 1_000),
    "crossings": lambda: diagrams.crossings([SEVEN, SEVEN / 2], ["one", "two"], SEVEN > 127),
    "two questions": lambda: diagrams.two_questions(
        np.full((28, 28), 0.5), (8, 8, 5), 4.21, (10, 20), -1.5
    ),
    "two workers": lambda: diagrams.data_parallel([GREYS] * 8),
    "a ring": diagrams.ring_rounds,
    "in step": lambda: diagrams.lockstep(["compute", "all-reduce", "step"]),
    "where workers live": diagrams.where_workers_live,
    "beyond the training digits": lambda: diagrams.beyond_training(*[GREYS] * 4),
    "steps of an ablation": lambda: diagrams.steps_down(STEPS, SMALL_ONES),
    "digits on a page": lambda: diagrams.digits_on_page(*PAGE),
    "errors in a thousand": lambda: diagrams.errors_in_a_thousand([(98, 99), (99.6, 99.8)]),
    "errors of one step": lambda: diagrams.errors_in_a_thousand([(99.8, 99.9)]),
    "an ablation": lambda: diagrams.ablation(STEPS, PERCENT, SECONDS),
    "gains": lambda: diagrams.gains(list(GAINS), MEASURED),
    "error against seconds": lambda: diagrams.error_against_seconds(
        RECIPES, FRONT, budgets=[4, 30], beside={"few digits": (5.0, 12.0)}
    ),
    "recipes in one corner": lambda: diagrams.error_against_seconds(CROWD, list(CROWD)[:1]),
    "parts of times": lambda: diagrams.time_parts(TIMES, ["peak", "slower", "fixed"], "CPU µs"),
    "ways out": lambda: diagrams.ways_out(GREYS),
    "what files hold": lambda: diagrams.file_contents(["layers", "weights"], HELD),
    "two ways to load": diagrams.two_ways_to_load,
    "gates of a server": lambda: diagrams.request_gates(GREYS, GATES),
}


@pytest.fixture(autouse=True)
def clean_canvas() -> Iterator[None]:
    with mpl.rc_context({"backend": "agg"}), plt.style.context(STYLE, after_reset=True):
        yield
        plt.close("all")


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts if text.get_text()]


def outside(figure: Figure) -> list[str]:
    """Return the texts and patches that leave the canvas."""
    renderer = figure.canvas.get_renderer()
    page = figure.bbox.padded(1)
    return [
        str(artist)
        for axes in figure.axes
        for artist in [*axes.texts, *axes.patches]
        if (box := artist.get_window_extent(renderer)).width * box.height > 0
        and not (page.contains(box.x0, box.y0) and page.contains(box.x1, box.y1))
    ]


def overlapping_texts(figure: Figure) -> list[tuple[str, str]]:
    renderer = figure.canvas.get_renderer()
    boxes = [
        (text.get_text(), text.get_window_extent(renderer).padded(-1))
        for axes in figure.axes
        for text in axes.texts
        if text.get_text()
    ]
    return [
        (one, other)
        for index, (one, box) in enumerate(boxes)
        for other, second in boxes[index + 1 :]
        if box.overlaps(second)
    ]


# --- every diagram ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", EXAMPLES)
def test_diagram_fits_its_canvas_and_can_be_read_on_a_phone(name: str) -> None:
    figure = EXAMPLES[name]()
    assert figure.get_figwidth() == plots.WIDTH
    assert outside(figure) == []
    assert overlapping_texts(figure) == []
    # On a phone 360 px wide, a point of a figure of 6 inches is 360 / 6 / 72 px.
    sizes = {text.get_text(): text.get_fontsize() for text in figure.axes[0].texts}
    small = {text: size for text, size in sizes.items() if text and size * 360 / 6 / 72 < 9}
    assert not small


def test_diagrams_start_without_keras() -> None:
    code = "import sys, mnist_lib.diagrams; sys.exit('keras' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- what diagrams are made of ----------------------------------------------------------------


@pytest.fixture
def axes() -> Axes:
    return diagrams.canvas(3)[1]


def test_canvas_is_measured_in_inches(axes: Axes) -> None:
    assert tuple(axes.figure.get_size_inches()) == (plots.WIDTH, 3)
    assert axes.transData.transform((1, 2)) / axes.figure.dpi == pytest.approx([1, 2])
    with pytest.raises(ValueError, match="height is 0; expected a number that is above 0"):
        diagrams.canvas(0)


def test_a_notebook_keeps_the_whole_canvas() -> None:
    figure, axes = diagrams.canvas(2)
    diagrams.box(axes, (1, 1), (0.5, 0.5))
    assert figure.get_tightbbox().bounds == pytest.approx((0, 0, 6, 2), abs=0.02)


def test_points_of_a_box() -> None:
    box = diagrams.Box((2, 1), (1.0, 0.5))
    assert (box.left, box.right) == ((1.5, 1), (2.5, 1))
    assert (box.top, box.bottom) == ((2, 1.25), (2, 0.75))
    assert box.at(0, 0) == (1.5, 0.75)


def test_box_writes_its_name_above_its_shape(axes: Axes) -> None:
    diagrams.box(axes, (2, 1), (1.5, 0.8), "image", "28 × 28")
    name, shape = axes.texts
    assert (name.get_text(), shape.get_text()) == ("image", "28 × 28")
    assert name.get_position()[1] > 1 > shape.get_position()[1]
    diagrams.box(axes, (4, 1), (1.5, 0.8), "alone")
    assert axes.texts[2].get_position() == (4, 1)


def test_a_tint_lies_between_the_page_and_the_colour() -> None:
    page = plt.rcParams["figure.facecolor"]
    assert to_rgb(diagrams.tint("C0", 0)) == pytest.approx(to_rgb(page), abs=0.01)
    assert to_rgb(diagrams.tint("C0", 1)) == pytest.approx(to_rgb("C0"), abs=0.01)


@pytest.mark.parametrize("bend", [0.0, 0.4, -0.4])
def test_text_of_an_arrow_stands_above_its_middle(axes: Axes, bend: float) -> None:
    diagrams.arrow(axes, (1, 1), (3, 1), "sum", bend=bend)
    (arrow,) = (patch for patch in axes.patches if isinstance(patch, FancyArrowPatch))
    bow = arrow.get_path().get_extents()  # in inches of the canvas
    middle = {0.0: 1.0, 0.4: bow.y1, -0.4: bow.y0}[bend]
    x, y = axes.texts[0].get_position()
    assert x == pytest.approx(2)
    assert 0.03 < y - middle < 0.12


@pytest.mark.parametrize(
    ("start", "end", "side"),
    [
        ((1, 1), (2, 1), (0, -1)),
        ((2, 1), (1, 1), (0, 1)),
        ((1, 1), (1, 2), (1, 0)),
        ((1, 2), (1, 1), (-1, 0)),
    ],
)
def test_dimension_stands_right_of_its_way(
    axes: Axes, start: tuple[int, int], end: tuple[int, int], side: tuple[int, int]
) -> None:
    diagrams.dimension(axes, start, end, "3 rows")
    box = axes.transData.inverted().transform_bbox(axes.texts[0].get_window_extent())
    away = np.array([box.x0 + box.x1, box.y0 + box.y1]) / 2 - np.add(start, end) / 2
    assert away @ side > 0.1
    assert abs(away @ side[::-1]) < 0.02
    with pytest.raises(ValueError, match="expected another point"):
        diagrams.dimension(axes, start, start, "nothing")


def test_picture_keeps_the_canvas_and_its_form(axes: Axes) -> None:
    before = axes.axis()
    drawn = diagrams.picture(axes, np.zeros((4, 8)), (3, 2), 1.0)
    assert axes.axis() == before
    assert drawn == diagrams.Box((3, 2), (1.0, 0.5))
    assert axes.images[0].get_extent() == [2.5, 3.5, 1.75, 2.25]
    diagrams.picture(axes, np.zeros((28, 28, 1)), (1, 2), 1.0)


def test_stack_shows_the_first_map_in_front_on_one_scale(axes: Axes) -> None:
    maps = np.arange(12.0).reshape(2, 2, 3)
    drawn = diagrams.stack(axes, (3, 1.5), 1.0, maps, step=0.1)
    assert drawn.size == pytest.approx((1.2, 1.2))
    assert len({(image.norm.vmin, image.norm.vmax) for image in axes.images}) == 1
    last = axes.images[-1]  # of equal zorder, the one that was added last is drawn on top
    assert np.array_equal(last.get_array(), maps[..., 0])
    assert last.get_extent()[0] == pytest.approx(drawn.at(0, 0)[0])


def test_stack_of_empty_cards(axes: Axes) -> None:
    before = len(axes.patches)
    diagrams.stack(axes, (3, 1.5), 1.0, 5)
    assert len(axes.patches) - before == 5
    with pytest.raises(ValueError, match="maps is 0; expected a whole number that is at least 1"):
        diagrams.stack(axes, (3, 1.5), 1.0, 0)


def test_numbers_stand_in_their_cells(axes: Axes) -> None:
    values = np.array([[1, -2, 3], [0.25, 5, 1000 / 3]])
    drawn = diagrams.numbers(axes, values, (2, 1), cell=0.4)
    written = {text.get_text(): text.get_position() for text in axes.texts}
    assert list(written) == ["1", "−2", "3", "0.25", "5", "333"]
    assert written["333"] == pytest.approx(drawn.at(2.5 / 3, 0.25))
    assert drawn.size == pytest.approx((1.2, 0.8))


def test_window_covers_its_cells(axes: Axes) -> None:
    drawn = diagrams.numbers(axes, np.zeros((5, 6)), (2, 1), cell=0.3, window=(1, 2, 3, 4))
    frame = axes.patches[-1]
    assert isinstance(frame, Rectangle)
    assert frame.get_xy() == pytest.approx(drawn.at(2 / 6, 1 / 5))
    assert (frame.get_width(), frame.get_height()) == pytest.approx((1.2, 0.9))
    tinted = [patch for patch in axes.patches[1:-1] if patch.get_facecolor()[3]]
    assert len(tinted) == 12
    for window in [(3, 0, 3, 3), (0, 4, 3, 3), (-1, 0, 2, 2), (0, 0, 0, 2)]:
        with pytest.raises(ValueError, match="inside 5 × 6 cells"):
            diagrams.numbers(axes, np.zeros((5, 6)), (2, 1), window=window)


def test_numbers_on_colours_can_be_read(axes: Axes) -> None:
    diagrams.numbers(axes, [[0, 255]], (2, 1), colours=plots.GREY)
    assert [text.get_color() for text in axes.texts] == ["white", "black"]
    assert (axes.images[0].norm.vmin, axes.images[0].norm.vmax) == (0, 255)


# --- chapter 0: a network at work, training, scaled pixels ------------------------------------


def test_each_layer_shows_what_it_computes() -> None:
    figure = diagrams.network_at_work(AT_WORK)
    written = texts(figure)
    for name, out in AT_WORK:
        assert name in written
        assert " × ".join(map(str, out.shape)) in written
    assert [text for text in written if text.endswith("%")] == ["70 %", "30 %"]
    image, *drawn, flat, dense, output = figure.axes[0].images
    np.testing.assert_array_equal(image.get_array(), AT_WORK[0][1][..., 0])
    np.testing.assert_array_equal(flat.get_array()[:, 0], AT_WORK[5][1])
    np.testing.assert_array_equal(dense.get_array()[:, 0], AT_WORK[6][1])
    np.testing.assert_array_equal(output.get_array()[:, 0], AT_WORK[7][1])
    assert (output.norm.vmin, output.norm.vmax) == (0, 1)

    def channels(maps: list[AxesImage], out: np.ndarray) -> list[int]:
        """Return which channels of a layer were drawn."""
        found = [(out == each.get_array()[..., np.newaxis]).all(axis=(0, 1)) for each in maps]
        assert len({each.norm.vmax for each in maps}) == 1, "maps of a layer share a scale"
        return [int(np.flatnonzero(each).item()) for each in found]

    parts = {1: drawn[:4], 2: drawn[4:8], 3: drawn[8:16], 4: drawn[16:]}
    shown = {index: channels(maps, AT_WORK[index][1]) for index, maps in parts.items()}
    assert {len(set(each)) for each in shown.values()} == {4, 8}
    assert shown[1] == shown[2], "pooling shows the maps that it reads"
    assert shown[3] == shown[4]


def test_the_maps_that_are_drawn_differ_and_are_not_dark() -> None:
    maps = np.zeros((4, 4, 32))
    maps[:2, :, :20] = 1  # twenty alike
    maps[2:, :, 20:22] = 0.9
    maps[:, :2, 22] = 0.8
    maps[:, 2:, 23] = 0.7
    maps[0, 0, 24:] = 0.01  # hardly any
    figure = diagrams.network_at_work([("image", np.ones((6, 6, 1))), ("m", maps), ("p", [1, 0])])
    _, *drawn, _ = figure.axes[0].images
    seen = {float(each.get_array().max()) for each in drawn}
    assert seen == {1.0, 0.9, 0.8, 0.7}


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        ([AT_WORK[0]], "layers is 1 long"),
        (AT_WORK[:-1], "at most ten probabilities"),
        ([AT_WORK[0], ("output", [1.5, -0.5])], "at most ten probabilities"),
        ([AT_WORK[0], ("maps", np.ones((1, 26, 26, 32))), AT_WORK[-1]], "what 'maps' computes"),
    ],
)
def test_a_network_at_work_refuses_what_it_cannot_draw(layers: list, expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        diagrams.network_at_work(layers)


def test_a_step_of_training_goes_round() -> None:
    images = [GREYS // (k + 1) for k in range(4)]
    figure = diagrams.training_step(images, [5, 0, 4, 1])
    for drawn, image in zip(figure.axes[0].images, images, strict=True):
        np.testing.assert_array_equal(drawn.get_array(), image)
    written = texts(figure)
    assert {"their labels: 5, 0, 4, 1, …", "a batch", "next batch"} <= set(written)
    arrows = [patch for patch in figure.axes[0].patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == 6
    with pytest.raises(ValueError, match="labels"):
        diagrams.training_step(images, [5, 0, 4])
    with pytest.raises(ValueError, match="images"):
        diagrams.training_step(images[:3], [5, 0, 4, 1])


def test_scaled_pixels_are_the_pixels_over_255() -> None:
    image = np.zeros((28, 28), int)
    image[5:7, 11:14] = PIXELS
    figure = diagrams.scaled_pixels(image, 5, 11, size=2)
    written = texts(figure)
    assert written[:4] == ["0", "18", "85", "254"]
    assert written[4:8] == ["0.00", "0.07", "0.33", "1.00"]
    assert "÷ 255" in written
    whole, before, after = figure.axes[0].images
    assert (whole.norm.vmax, before.norm.vmax, after.norm.vmax) == (255, 255, 1)
    left, right, _, top = whole.get_extent()
    unit = (right - left) / 28
    assert any(
        frame.get_xy() == pytest.approx((left + 11 * unit, top - 7 * unit))
        for frame in rectangles(figure, width=2 * unit)
    )


@pytest.mark.parametrize(
    ("image", "place", "expected"),
    [
        ([[256]], (0, 0, 1), "numbers from 0 to 255"),
        ([[-1]], (0, 0, 1), "numbers from 0 to 255"),
        (np.zeros((28, 28), int), (0, 0, 5), "size is 5"),
        (np.zeros((28, 28), int), (25, 0, 4), "fit into 28 × 28"),
    ],
)
def test_scaled_pixels_refuses_what_does_not_fit(
    image: object, place: tuple[int, int, int], expected: str
) -> None:
    with pytest.raises(ValueError, match=expected):
        diagrams.scaled_pixels(image, *place)


# --- chapter 1: how MNIST was made, and how it is split ---------------------------------------


def test_mnist_preparation_ends_with_the_image_and_marks_its_centre() -> None:
    axes = diagrams.mnist_preparation(SEVEN).axes[0]
    scan, fitted, last = axes.images
    assert set(np.unique(scan.get_array())) == {0, 255}
    assert np.array_equal(fitted.get_array()[:, 4:16], SEVEN[4:24, 8:20])
    assert np.array_equal(last.get_array(), SEVEN)
    (cross,) = (line for line in axes.lines if line.get_marker() == "+")
    left, right, bottom, top = last.get_extent()
    row, column = center_of_mass(SEVEN)
    assert cross.get_xdata() == pytest.approx(left + (column + 0.5) / 28 * (right - left))
    assert cross.get_ydata() == pytest.approx(top - (row + 0.5) / 28 * (top - bottom))
    # The same box of 20 pixels in both pictures, and grey lines through row and column 14.
    figure = axes.figure
    unit = (right - left) / 28
    box, same = rectangles(figure, width=20 * unit)[-2:]
    assert same.get_height() == pytest.approx(box.get_height()) == pytest.approx(20 * unit)
    places = []
    for frame, shown in ((box, fitted), (same, last)):
        x, _, _, y = shown.get_extent()
        up = frame.get_y() + frame.get_height()
        places.append(((frame.get_x() - x) / unit, (y - up) / unit))
    assert places[0] == pytest.approx((0, 0), abs=1e-6)
    assert places[1] == pytest.approx((4, 4))  # SEVEN's ink begins in row 4
    grey = [line.get_xydata() for line in axes.lines if line.get_color() == "0.6"]
    assert grey[0][:, 1] == pytest.approx([top - 14.5 * unit] * 2)
    assert grey[1][:, 0] == pytest.approx([left + 14.5 * unit] * 2)
    with pytest.raises(ValueError, match="image is black all over; expected an image with ink"):
        diagrams.mnist_preparation(np.zeros((28, 28)))


@pytest.mark.parametrize("counts", [(55_000, 5_000, 10_000), (3_500, 500, 1_000)])
def test_three_way_split_adds_up_and_is_to_scale(counts: tuple[int, int, int]) -> None:
    figure = diagrams.three_way_split(*counts)
    written = texts(figure)
    for name, count in zip(("training", "validation", "test"), counts, strict=True):
        assert f"{name}: {count:,}" in written
    assert f"{counts[0] + counts[1]:,} to work with" in written
    parts = [rectangles(figure, width=5.8 * count / sum(counts))[0] for count in counts]
    for line, part in zip(figure.axes[0].lines, parts, strict=False):
        x, y = line.get_xydata()[0]  # each name's line ends inside its part
        assert part.get_x() < x < part.get_x() + part.get_width()
        assert part.get_y() < y < part.get_y() + part.get_height()
    for count in counts:
        assert len(rectangles(figure, width=5.8 * count / sum(counts))) == 1
    with pytest.raises(ValueError, match="test is 0; expected a whole number that is at least 1"):
        diagrams.three_way_split(3, 2, 0)


def test_crossings_are_outlined_edge_by_edge() -> None:
    marked = np.zeros((4, 4), bool)
    marked[1, 1:3] = True
    figure = diagrams.crossings(np.ones((2, 4, 4)), ["one", "two"], marked)
    assert len(figure.axes[0].lines) == 2 * 6  # around two pixels, in two pictures
    left, _, _, top = figure.axes[0].images[0].get_extent()
    unit = 2.7 / 4
    corners = {tuple(point) for line in figure.axes[0].lines[:6] for point in line.get_xydata()}
    assert min(corners) == pytest.approx((left + unit, top - 2 * unit))
    assert max(corners) == pytest.approx((left + 3 * unit, top - unit))
    with pytest.raises(ValueError, match="marked"):
        diagrams.crossings(np.ones((2, 4, 4)), ["one", "two"], marked[:3])


# --- chapters 0 and 3: a network as blocks ----------------------------------------------------


def test_network_is_told_layer_by_layer() -> None:
    figure = diagrams.network_blocks(CLASSIC)
    assert texts(figure) == [
        line for name, shape in CLASSIC for line in (name, " × ".join(map(str, shape)))
    ]
    arrows = [patch for patch in figure.axes[0].patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == len(CLASSIC)  # one goes on in the second row: out, and in again


def test_larger_maps_are_larger_cards_and_more_channels_more_cards() -> None:
    def cards(*shape: int) -> list[float]:
        figure = diagrams.network_blocks([("image", (28, 28, 1)), ("maps", shape)])
        boxes = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
        return [box.get_width() for box in boxes[2:]]

    assert max(cards(26, 26, 8)) > max(cards(13, 13, 8)) > max(cards(5, 5, 8))
    counts = [len(cards(5, 5, channels)) for channels in (64, 32, 9, 8, 1)]
    assert counts == [8, 4, 2, 1, 1]  # a card stands for up to eight channels


def test_network_may_begin_with_the_image_that_it_reads() -> None:
    def cards(figure: Figure) -> list[float]:
        return [p.get_width() for p in figure.axes[0].patches if isinstance(p, Rectangle)]

    figure = diagrams.network_blocks(CLASSIC, GREYS)
    (drawn,) = figure.axes[0].images
    np.testing.assert_array_equal(drawn.get_array(), GREYS)
    left, right, *_ = drawn.get_extent()
    without = cards(diagrams.network_blocks(CLASSIC))
    assert any(width == pytest.approx(right - left) for width in without)
    assert len(cards(figure)) <= len(without)


def test_each_arrow_of_a_network_says_what_happens_on_it() -> None:
    figure = diagrams.network_blocks(CLASSIC, steps=STEPS_OF_CLASSIC)
    assert [text for text in texts(figure) if text in STEPS_OF_CLASSIC] == STEPS_OF_CLASSIC
    written = [text for text in figure.axes[0].texts if text.get_text()]
    names = [text.get_position()[0] for text in written[: 2 * len(CLASSIC) : 2]]
    steps = [text.get_position()[0] for text in written[2 * len(CLASSIC) :]]
    for before, step, after in zip(names, steps, names[1:], strict=False):
        # Between its blocks, or left of the first block of a row.
        assert (before if before < after else 0) < step < after
    with pytest.raises(ValueError, match="steps"):
        diagrams.network_blocks(CLASSIC, steps=STEPS_OF_CLASSIC[1:])


def test_network_of_one_layer_or_of_long_names() -> None:
    long = [("a very long name for a layer\nof two lines", (28, 28, 1))] * 3
    for layers in ([CLASSIC[0]], [CLASSIC[-1]], long):
        figure = diagrams.network_blocks(layers)
        assert outside(figure) == []
        assert overlapping_texts(figure) == []


def test_network_refuses_what_is_no_shape() -> None:
    with pytest.raises(ValueError, match="layers is empty; expected a list"):
        diagrams.network_blocks([])
    with pytest.raises(ValueError, match=r"the shape of 'image' is \(1, 28, 28, 1\).*batch axis"):
        diagrams.network_blocks([("image", (1, 28, 28, 1))])


# --- chapter 2: windows, shapes, channels, pooling --------------------------------------------


def written(figure: Figure) -> list[str]:
    """Return the texts of a figure with an ordinary minus sign."""
    return [text.replace("−", "-") for text in texts(figure)]


def rectangles(figure: Figure, *, width: float) -> list[Rectangle]:
    found = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    return [patch for patch in found if patch.get_width() == pytest.approx(width)]


def test_the_window_shows_the_pixels_under_it() -> None:
    figure = diagrams.window_on_image(GREYS, 6, 9)
    assert written(figure)[:9] == [str(value) for value in GREYS[6:9, 9:12].ravel()]
    frames = rectangles(figure, width=3 * 2.4 / 28)
    assert [frame.get_xy() for frame in frames] == [
        pytest.approx((0.3 + 9 * 2.4 / 28, 2.65 - 9 * 2.4 / 28))
    ]
    with pytest.raises(ValueError, match=r"\(26, 0\); expected a place where 3 × 3 pixels fit"):
        diagrams.window_on_image(GREYS, 26, 0)


def test_the_number_of_a_window_stands_in_its_place_of_the_map() -> None:
    kernel = KERNELS[..., 0]
    figure = diagrams.window_and_map(GREYS, kernel, 6, 9)
    image, _, drawn = figure.axes[0].images
    expected = correlate2d(GREYS.astype(float), kernel, "valid")
    np.testing.assert_allclose(drawn.get_array(), expected)
    assert (drawn.norm.vmin, drawn.norm.vmax) == (-abs(expected).max(), abs(expected).max())
    assert f"its map: here {expected[6, 9]:.0f}" in written(figure)
    frames = [patch for patch in figure.axes[0].patches if patch.get_linewidth() == 2.5]
    for frame, picture, size in zip(frames, (image, drawn), (3, 1), strict=True):
        left, right, _, top = picture.get_extent()
        unit = (right - left) / picture.get_array().shape[1]
        assert frame.get_width() == pytest.approx(size * unit)
        assert frame.get_x() == pytest.approx(left + 9 * unit)
        assert frame.get_y() == pytest.approx(top - (6 + size) * unit)
    with pytest.raises(ValueError, match="a place where 3 × 3 pixels fit"):
        diagrams.window_and_map(GREYS, kernel, 26, 0)


def test_each_kernel_stands_above_its_map() -> None:
    maps = np.stack([np.full((26, 26), value) for value in (-3.0, 1.0, 2.0)], axis=-1)
    names = ["left", "top", "slanting"]
    figure = diagrams.kernels_and_maps(GREYS, KERNELS, maps, names)
    image, *drawn = figure.axes[0].images
    np.testing.assert_array_equal(image.get_array(), GREYS)
    assert {(each.norm.vmin, each.norm.vmax) for each in drawn[1::2]} == {(-3, 3)}
    for index, (above, below) in enumerate(zip(drawn[::2], drawn[1::2], strict=True)):
        np.testing.assert_array_equal(above.get_array(), KERNELS[..., index])
        np.testing.assert_array_equal(below.get_array(), maps[..., index])
        middles = [np.mean(each.get_extent()[:2]) for each in (above, below)]
        assert middles[0] == pytest.approx(middles[1])
    assert [text for text in texts(figure) if text in names] == names
    with pytest.raises(ValueError, match="titles"):
        diagrams.kernels_and_maps(GREYS, KERNELS, maps, names[:2])


@pytest.mark.parametrize("pixels", [[[0, 239, 253], [0, 39, 232], [0, 27, 24]], [[0.25] * 3] * 3])
def test_the_written_products_add_to_the_written_sum(pixels: list[list[float]]) -> None:
    figure = diagrams.window_sum(pixels, LEFT_EDGE)
    values = written(figure)
    products = [float(value) for value in values[18:27]]
    assert "-0" not in values
    assert f"sum of the products: {sum(products):g}" in values
    with pytest.raises(ValueError, match="kernel"):
        diagrams.window_sum(pixels, LEFT_EDGE[:2])


def test_the_map_fills_up_to_the_window() -> None:
    figure = diagrams.sliding_window(SMALL, LEFT_EDGE, [(0, 1), (2, 2)])
    first, last = written(figure)[25:27], written(figure)[52:61]
    assert written(figure)[61:] == [*map(str, LEFT_EDGE.ravel()), "kernel"]
    sums = [
        str((SMALL[y : y + 3, x : x + 3] * LEFT_EDGE).sum()) for y in range(3) for x in range(3)
    ]
    assert (first, last) == (sums[:2], sums)
    with pytest.raises(ValueError, match="inside 5 × 5 cells"):
        diagrams.sliding_window(SMALL, LEFT_EDGE, [(3, 0)])


@pytest.mark.parametrize("case", [(1, 0, 0), (2, 0, 0), (2, 0, 1), (3, 1, 1)])
def test_every_place_that_fits_is_drawn(case: tuple[int, int, int]) -> None:
    figure = diagrams.window_places(6, 3, [case])
    stride, before, after = case
    count = (6 + before + after - 3) // stride + 1
    assert texts(figure)[0].endswith(f"{count} place{'s' * (count > 1)}")
    assert len(figure.axes[0].lines) == count
    assert [text for text in texts(figure) if text in "12345"] == list("12345"[:count])
    assert texts(figure).count("0") == before + after
    left_out = 6 + before + after - ((count - 1) * stride + 3)
    assert texts(figure).count("✗") == left_out


def test_places_need_a_window_that_fits() -> None:
    with pytest.raises(ValueError, match="k is 7; expected at most 6"):
        diagrams.window_places(6, 7, [(1, 0, 0)])


def test_a_kernel_has_a_card_for_each_channel_of_the_image() -> None:
    figure = diagrams.channels_in_and_out((28, 28, 3), (3, 3, 3, 4), (26, 26, 4))
    assert len(rectangles(figure, width=1.05)) == 3  # the image
    assert len(rectangles(figure, width=0.3)) == 3  # the window
    assert len(rectangles(figure, width=0.34)) == 3 * 4  # the kernels
    assert len(rectangles(figure, width=1.0)) == 4  # the maps
    # From each kernel an arrow of its colour ends on the left edge of the map of this colour, where
    # the card in front does not hide it.
    arrows = [patch for patch in figure.axes[0].patches if isinstance(patch, FancyArrowPatch)]
    cards = {to_rgb(card.get_edgecolor()): card for card in rectangles(figure, width=1.0)}
    tops = sorted(card.get_y() + 1.0 for card in cards.values())
    ends = {
        to_rgb(arrow.get_edgecolor()): max(arrow.get_path().vertices.tolist()) for arrow in arrows
    }
    # The front one ends at the number, and all begin at the window.
    front, *behind = sorted(cards, key=lambda colour: cards[colour].get_x())
    [number] = rectangles(figure, width=0.1)
    assert ends[front] == pytest.approx([number.get_x(), number.get_y() + 0.05], abs=0.06)
    window = max(rectangles(figure, width=0.3), key=Rectangle.get_x)
    starts = [arrow.get_path().vertices[0] for arrow in arrows]
    from_window = [start for start in starts if start[0] < 2]
    assert len(from_window) == 4
    for start in from_window:
        assert start == pytest.approx([window.get_x() + 0.3, window.get_y() + 0.15], abs=0.06)
    for colour in behind:
        card = cards[colour]
        x, y = ends[colour]
        assert x == pytest.approx(card.get_x(), abs=0.06)
        hidden = max((top for top in tops if top < card.get_y() + 0.99), default=card.get_y())
        assert hidden < y < card.get_y() + 1.0
    for kernels in [(3, 3, 2, 4), (3, 3, 3, 5)]:
        with pytest.raises(ValueError, match="3 channels in and 4 out"):
            diagrams.channels_in_and_out((28, 28, 3), kernels, (26, 26, 4))


def test_a_number_of_a_map_is_the_sum_over_its_channels() -> None:
    values = written(diagrams.channel_sum(WINDOW, KERNELS))
    sums = (WINDOW * KERNELS).sum(axis=(0, 1))
    for channel, total in enumerate(sums):
        start = values.index(f"channel {channel}") + 1
        assert values[start : start + 9] == [str(value) for value in WINDOW[..., channel].ravel()]
        assert str(total) in values[start + 18 : start + 21]
    assert str(sums.sum()) in values[-2:]
    assert (values.count("×"), values.count("+"), values.count("=")) == (3, 2, 1)
    with pytest.raises(ValueError, match="kernel"):
        diagrams.channel_sum(WINDOW, KERNELS[..., :2])
    with pytest.raises(ValueError, match="at most 4"):
        diagrams.channel_sum(np.ones((3, 3, 5)), np.ones((3, 3, 5)))


def test_windows_become_rows_and_sums() -> None:
    kernel = np.array([[1, 0], [0, -1]])
    values = written(diagrams.windows_as_rows(SMALL[:3, :4], kernel))
    starts = [(y, x) for y in range(2) for x in range(3)]
    rows = [SMALL[y : y + 2, x : x + 2].ravel() for y, x in starts]
    assert values[12:36] == [str(value) for row in rows for value in row]
    assert values[36:40] == ["1", "0", "0", "-1"]
    sums = [str(row @ kernel.ravel()) for row in rows]
    assert values[40:46] == values[46:52] == sums  # as a column, and as a map again
    assert {"@", "="} <= set(values)


def test_pooling_keeps_the_largest_and_the_mean() -> None:
    values = written(diagrams.pooling([[1, 3, 0, 2], [4, 0, 1, 1], [0, 2, 5, 0], [1, 1, 3, 4]]))
    assert values[values.index("feature map") + 1 :][:4] == ["4", "2", "2", "5"]
    assert values[values.index("max-pooling") + 1 :][:4] == ["2", "1", "1", "3"]
    assert {"largest", "mean"} <= set(values)  # an arrow for each way to pool
    with pytest.raises(ValueError, match="5 × 5; expected an even number of rows"):
        diagrams.pooling(SMALL)


def test_a_valley_is_as_narrow_as_its_curvatures_say() -> None:
    curvature, path, goal = VALLEY
    figure = diagrams.valley(curvature, path, goal, ["right", "up"], [0, 2])
    axes = figure.axes[0]
    assert axes.get_aspect() == 1
    assert [text.get_text() for text in axes.texts] == ["start", "2", "lowest loss"]
    np.testing.assert_array_equal(axes.lines[0].get_xydata(), path)
    [contours] = axes.collections
    inner = contours.get_paths()[0].vertices - goal
    heights = (inner**2 * curvature.diagonal()).sum(axis=1)
    np.testing.assert_allclose(heights, 0.25 * 0.01, rtol=0.2)
    # No space is wasted above it, and every text stands inside.
    figure.canvas.draw()
    frame = axes.get_window_extent()
    assert frame.height > 0.6 * figure.bbox.height
    for text in axes.texts:
        box = text.get_window_extent()
        assert frame.x0 < box.x0 < box.x1 < frame.x1, text.get_text()
    with pytest.raises(ValueError, match="a step is 3"):
        diagrams.valley(curvature, path, goal, ["right", "up"], [3])


def test_both_maps_of_a_shift_share_a_scale() -> None:
    figure = diagrams.shift_and_convolve(GREYS, GREYS, GREYS - 9.0, -GREYS)
    limits = {(image.norm.vmin, image.norm.vmax) for image in figure.axes[0].images[2:]}
    assert limits == {(-255, 255)}


# --- chapter 3: the answer, how far a number sees, a block as a row ---------------------------


def test_bars_are_as_long_as_the_probabilities() -> None:
    probabilities = np.array([0.05, 0.7, 0.25])
    figure = diagrams.digit_to_probabilities(GREYS, probabilities)
    bars = [
        patch
        for patch in figure.axes[0].patches
        if isinstance(patch, Rectangle) and patch.get_x() == pytest.approx(3.55)
    ]
    assert [bar.get_width() for bar in bars] == pytest.approx(1.7 * probabilities)
    assert texts(figure)[1:] == ["0", "5 %", "1", "70 %", "2", "25 %"]
    none = [
        patch
        for patch in diagrams.digit_to_probabilities(GREYS, [0, 1]).axes[0].patches
        if isinstance(patch, Rectangle) and patch.get_x() == pytest.approx(3.55)
    ]
    assert [(bar.get_width(), bar.get_linewidth()) for bar in none] == [(0, 0), (1.7, 0)]
    with pytest.raises(ValueError, match=r"the probability of 1 is 1\.5"):
        diagrams.digit_to_probabilities(GREYS, [0, 1.5])


def test_receptive_fields_are_the_pixels_that_the_numbers_depend_on() -> None:
    figure = diagrams.receptive_fields(GREYS, STACK, (1, 3))
    names = ["conv_1\n3 × 3", "pool_1\n4 × 4", "conv_2\n8 × 8", "pool_2\n10 × 10"]
    assert texts(figure) == names
    pixel, left, top = 0.27, 3.42 - 1.35, 1.55 + 1.35
    shown = figure.axes[0].images[1].get_array()
    np.testing.assert_array_equal(shown, GREYS[4:14, 12:22])
    drawn = [p for p in figure.axes[0].patches if p.get_linewidth() == 2.2 and p.get_x() > left - 1]
    squares = [p for p in drawn if p.get_width() > 0.6 and p.get_x() >= left - 1e-9]
    fields = []
    for square in squares:
        side = round(square.get_width() / pixel)
        across = round((square.get_x() - left) / pixel)
        down = round((top - square.get_y() - square.get_height()) / pixel)
        assert abs(square.get_width() / pixel - side) < 0.8  # drawn a little inside
        fields.append((down, across))
    assert np.ptp([square.get_x() + square.get_width() for square in squares]) < pixel
    # One number of pool_2, and one below it in each layer: which of the pixels reach it?
    maps = np.eye(784).reshape(784, 28, 28, 1)
    places = [(4, 19), (2, 9), (2, 7), (1, 3)]
    for (name, _, _), place, found in zip(STACK, places, fields, strict=True):
        pools = name.startswith("pool")
        maps = max_pool2d(maps) if pools else conv2d(maps, np.ones((3, 3, 1, 1)))
        rows, columns = np.divmod(np.flatnonzero(maps[:, *place, 0]), 28)
        assert (rows.min() - 4, columns.min() - 12) == found, name
    for place in ((5, 0), (0, -1)):
        with pytest.raises(ValueError, match=r"place is .*expected one whose 10 × 10 pixels"):
            diagrams.receptive_fields(GREYS, STACK, place)


def test_a_row_holds_all_channels_of_a_place_together() -> None:
    figure = diagrams.flattening((2, 2, 3))
    values = texts(figure)
    row = values.index("channel 2") + 1
    assert values[row : row + 12] == [str(number) for number in range(12)]
    block = np.arange(12).reshape(2, 2, 3)
    assert values[:4] == [str(number) for number in block[..., 0].ravel()]
    faces = [patch.get_facecolor() for patch in rectangles(figure, width=0.46)]
    tinted = [face for face in faces if face[3]]
    assert tinted[12:15] == [tinted[0]] * 3  # place (0, 0), in the row and in channel 0
    with pytest.raises(ValueError, match="a block of 1 to 12 numbers"):
        diagrams.flattening((5, 5, 64))


def test_the_response_of_a_kernel_moves_with_the_stroke_and_that_of_a_dense_unit_is_gone() -> None:
    stroke, shift, kernel, unit = SHARED
    figure = diagrams.weight_sharing(*SHARED)
    assert [t for t in texts(figure) if "sum" in t] == [
        "sum under the stroke: 8",
        "sum under the stroke: 0",
    ]
    tinted = [p.get_x() for p in rectangles(figure, width=0.31) if p.get_facecolor()[3]]
    assert len(tinted) == 4  # two sixes in each map
    np.testing.assert_allclose(tinted[2] - tinted[0], 2 * 0.31)
    seen = [shown.get_array() for shown in figure.axes[0].images]
    np.testing.assert_array_equal(seen[1], np.roll(seen[0], 2, axis=1))
    with pytest.raises(ValueError, match="its last 5 columns empty"):
        diagrams.weight_sharing(stroke, 5, kernel, unit)
    with pytest.raises(ValueError, match=r"unit is of shape \(5, 6\)"):
        diagrams.weight_sharing(stroke, shift, kernel, unit[:5])


# --- chapter 6 ----------------------------------------------------------------------------------


def test_two_questions_cover_a_patch_and_frame_a_pixel() -> None:
    figure = EXAMPLES["two questions"]()
    assert {"score falls\nby 4.2", "score moves\n−1.50 per\nunit of grey"} < set(texts(figure))
    assert {"all to 0", "+0.001"} < set(texts(figure))
    covered, whole = (shown.get_array() for shown in figure.axes[0].images)
    assert np.argwhere(covered == 0).min(0).tolist() == [8, 8]
    assert np.count_nonzero(covered == 0) == 25
    assert (whole == 0.5).all()
    x, y = (np.array(figure.axes[0].images[1].get_extent()[side]) for side in (0, 3))
    frames = [
        patch
        for patch in figure.axes[0].patches
        if isinstance(patch, Rectangle) and not patch.get_fill() and patch.get_linewidth() == 2
    ]
    unit = 1.15 / 28
    corner = frames[1].get_xy()
    # The pixel lies in the middle of its frame, which is twice as wide.
    assert corner[0] + unit == pytest.approx(x + 20.5 * unit)
    assert corner[1] + unit == pytest.approx(y - 10.5 * unit)


# --- chapters 4 and 5 -------------------------------------------------------------------------


def test_gradients_go_back_through_every_layer_but_not_into_the_image() -> None:
    figure = diagrams.chain_rule(PASSED)
    arrows = [p for p in figure.axes[0].patches if isinstance(p, FancyArrowPatch)]
    # Forward, back, what two layers keep for the step, and the two examples.
    assert len(arrows) == 5 + 4 + 2 + 2
    assert texts(figure).count("d") == 4 + 2
    assert {"kernels", "weights"} <= set(texts(figure))
    shapes = [text.replace("\u2009", "") for text in texts(figure)]
    assert shapes.count("26×26×4") == 2
    assert shapes.count("13×13×4") == 1
    # The shapes stand above the blocks: below them they would be read as those of the kernels.
    heights = {text.get_text(): text.get_position()[1] for text in figure.axes[0].texts}
    assert heights["26\u2009×\u200926\u2009×\u20094"] > heights["conv"] > heights["kernels"]
    with pytest.raises(ValueError, match="1 of them; expected at least two"):
        diagrams.chain_rule(PASSED[:1])


def test_a_convolution_hands_back_the_sums_of_what_its_windows_hand_back() -> None:
    pixels, kernel, d = (np.array(each, float) for each in ALONG)
    figure = diagrams.convolution_back(*ALONG)
    written = [text.replace("−", "-") for text in texts(figure)]
    shapes = (1, 1, -1, 1), (1, -1, 1, 1)  # images and kernels of one row and one channel
    d_pixels, d_kernel, _ = conv2d_backward(
        d.reshape(shapes[0]), pixels.reshape(shapes[0]), kernel.reshape(shapes[1])
    )
    after = written[written.index("sums") + 1 :]
    expected = [*d_pixels.ravel(), *d_kernel.ravel()]
    assert [float(text) for text in after] == expected == [2, -1, 8, -4, 1, 14]
    with pytest.raises(ValueError, match="d is 2 numbers; expected one for each of 3"):
        diagrams.convolution_back([1, 2, 0, 3], [2, -1], [1, 0])


def test_a_valley_shows_every_path_and_its_lowest_point() -> None:
    axes, fall = diagrams.descent((1, 12), {"plain": PATH, "momentum": PATH[::2]}).axes
    losses = (PATH[:, 0] ** 2 + 12 * PATH[:, 1] ** 2) / 2
    np.testing.assert_allclose(fall.lines[0].get_ydata(), losses)
    assert len(fall.lines) == 2
    _, twenty = diagrams.descent((1, 12), {"plain": np.ones((21, 2))}).axes
    assert 20 in twenty.get_xticks()  # the last step has a tick
    drawn = {line.get_label(): line.get_xydata() for line in axes.lines}
    assert np.array_equal(drawn["plain"], PATH)
    assert drawn["lowest loss"].tolist() == [[0, 0]]
    with pytest.raises(ValueError, match="curvature is 0"):
        diagrams.descent((0, 1), {"plain": PATH})
    with pytest.raises(ValueError, match="path 'plain'"):
        diagrams.descent((1, 1), {"plain": PATH[:, :1]})


def test_a_confusion_matrix_is_read_along_its_row_and_its_column() -> None:
    words = " ".join(texts(diagrams.confusion_read([[9, 1, 0], [2, 7, 1], [0, 0, 8]], 1)))
    assert "of 10 true 1s, 7 are found:\nrecall 70%" in words
    assert "of 8 answers “1”, 7 are right: precision 88%" in words
    with pytest.raises(ValueError, match="chosen is 3"):
        diagrams.confusion_read(np.eye(3), 3)


# --- chapter 7 ----------------------------------------------------------------------------------


def test_every_picture_beyond_training_lies_on_one_side_of_the_line() -> None:
    figure = EXAMPLES["beyond the training digits"]()
    (axes,) = figure.axes
    line = next(line for line in axes.lines if len(line.get_xdata()) == 2)
    (low, high), (bottom, top) = line.get_data()
    sides = []
    for shown in axes.images:
        left, right, under, over = shown.get_extent()
        border = [low + (high - low) * y / (top - bottom) for y in (under, over)]
        sides.append("4" if right < min(border) else "9" if left > max(border) else "both")
    assert sides == ["4", "9", "4", "4"]


def test_the_digits_of_a_page_are_numbered_line_by_line() -> None:
    figure = EXAMPLES["digits on a page"]()
    (axes,) = figure.axes
    ink, pieces, in_order, *prepared = axes.images
    assert np.array_equal(ink.get_array(), in_order.get_array())
    colours = np.asarray(pieces.get_array())
    inked = {tuple(colour) for colour in colours[PAGE[1] > 0]}
    assert len(inked) == 3, "one colour for each piece"
    assert not colours[PAGE[1] == 0].any(), "paper is black"
    frames = [patch for patch in axes.patches if patch.get_linewidth() == 1.6]
    numbers = [text for text in axes.texts if text.get_text().isdigit()]
    assert [text.get_text() for text in numbers] == ["1", "2", "3"]
    # The first line, solid, holds the digits 2 and 0 of the list, the second, dotted, digit 1:
    # dashed orange is what chapter 7 draws around a digit that the network doubts.
    assert [frame.get_linestyle() for frame in frames] == ["-", "-", ":"]
    assert to_rgb(plots.PALETTE[1]) not in [frame.get_edgecolor()[:3] for frame in frames]
    left, right, bottom, top = in_order.get_extent()
    for frame, text, index in zip(frames, numbers, (2, 0, 1), strict=True):
        down, across, height, width = PAGE[2][index]
        x, y = frame.get_xy()
        assert (x - left) / (right - left) == pytest.approx(across / 60)
        assert (top - y) / (top - bottom) == pytest.approx((down + height) / 40)
        assert frame.get_width() / (right - left) == pytest.approx(width / 60)
        assert text.get_position()[0] <= x
    shown = [image.get_array() for image in prepared]
    assert [int(image.max()) for image in shown] == [2, 0, 1], "in reading order"
    middles = [np.mean(image.get_extent()[2:]) for image in prepared]
    assert middles[0] == middles[1] > middles[2]
    with pytest.raises(ValueError, match="each of 0 to 2 once"):
        diagrams.digits_on_page(*PAGE[:4], [[0, 1]])
    with pytest.raises(ValueError, match=r"pieces is of shape \(4, 4\)"):
        diagrams.digits_on_page(PAGE[0], np.ones((4, 4), int), *PAGE[2:])


# --- chapter 8 ----------------------------------------------------------------------------------


def test_steps_stand_in_their_order_in_the_column_and_colour_of_their_group() -> None:
    figure = EXAMPLES["steps of an ablation"]()
    (axes,) = figure.axes
    both = STEPS + SMALL_ONES
    places = {text.get_text(): text.get_position() for text in axes.texts}
    rows = [places[name][1] for name, _ in both]
    assert rows == sorted(rows, reverse=True)
    assert "0" not in places  # the start is no change
    assert [places[str(number)][1] for number in range(1, len(both))] == rows[1:]
    boxes = [patch for patch in axes.patches if patch.get_fill()]
    assert len(boxes) == len(both)
    groups = [group for _, group in both]
    for column in (
        lambda drawn: drawn.get_edgecolor(),
        lambda drawn: round(drawn.get_x(), 6),
        lambda drawn: round(drawn.get_width(), 6),  # no box reaches into another column
    ):
        of = {(group, column(drawn)) for group, drawn in zip(groups, boxes, strict=True)}
        assert len(of) == 4
    # Each column stands below its name; the first step and those apart are set off by a line.
    for group in groups:
        under = boxes[groups.index(group)]
        assert under.get_x() < places[group][0] < under.get_x() + under.get_width()
    lines = sorted((line.get_ydata()[0] for line in axes.lines), reverse=True)
    assert rows[0] > lines[0] > rows[1]
    assert rows[len(STEPS) - 1] > lines[1] > rows[len(STEPS)]
    assert len(diagrams.steps_down(STEPS).axes[0].lines) == 1
    with pytest.raises(ValueError, match="steps is of 5 groups"):
        diagrams.steps_down([(name, name) for name in "abcde"])
    with pytest.raises(ValueError, match="at least two"):
        diagrams.steps_down(STEPS[:1])


def test_names_of_steps_stay_within_their_boxes() -> None:
    figure = EXAMPLES["steps of an ablation"]()
    figure.draw_without_rendering()
    (axes,) = figure.axes
    written = {text.get_text(): text.get_window_extent() for text in axes.texts}
    boxes = [patch.get_window_extent() for patch in axes.patches if patch.get_fill()]
    for (name, _), drawn in zip(STEPS + SMALL_ONES, boxes, strict=True):
        assert drawn.x0 < written[name].x0
        assert written[name].x1 < drawn.x1


def test_a_thousand_dots_hold_as_many_large_ones_as_errors() -> None:
    axes = EXAMPLES["errors in a thousand"]().axes[0]
    fields = [line.get_xydata() for line in axes.lines if line.get_linestyle() == "None"]
    assert [len(dots) for dots in fields] == [980, 20, 990, 10, 996, 4, 998, 2]
    written = texts(axes.figure)
    assert {"20 errors", "10 errors", "4 errors", "2 errors"} < set(written)
    assert {"1 point more:", "0.2 points more:"} < set(written)
    assert written.count("50 % of the errors gone") == 2
    # Those that a step leaves stood there before it.
    for before, after in ((1, 3), (5, 7)):
        shift = fields[after][0] - fields[before][0]
        assert fields[after] == pytest.approx(fields[before][: len(fields[after])] + shift)


def test_one_error_is_singular() -> None:
    written = texts(EXAMPLES["errors of one step"]())
    assert {"2 errors", "1 error", "0.1 points more:"} < set(written)


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ([], "pairs is 0 long"),
        ([(98, 99)] * 3, "pairs is 3 long"),
        ([(99, 98)], "the accuracy after it is 98"),
    ],
)
def test_no_step_or_one_that_adds_errors_is_refused(
    pairs: list[tuple[float, float]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        diagrams.errors_in_a_thousand(pairs)


def bars(figure: Figure) -> list[Rectangle]:
    """Return the bars, from above; the squares of a key and the canvas are left out."""
    return [
        patch
        for patch in figure.axes[0].patches
        if isinstance(patch, Rectangle) and patch.get_fill() and patch.get_height() not in (0.2, 0)
    ]


def test_bars_of_an_ablation_measure_errors_and_seconds_from_zero() -> None:
    figure = EXAMPLES["an ablation"]()
    drawn = bars(figure)
    assert len(drawn) == 2 * len(STEPS)
    for column, numbers in (
        (drawn[::2], [np.mean(PERCENT[name]) for name, _ in STEPS]),
        (drawn[1::2], [SECONDS[name] for name, _ in STEPS]),
    ):
        assert len({round(bar.get_x(), 6) for bar in column}) == 1
        widths = np.array([bar.get_width() for bar in column])
        assert widths / widths[0] == pytest.approx(np.array(numbers) / numbers[0])
    scale = drawn[0].get_width() / np.mean(PERCENT["classic"])
    spans = [line.get_xdata() for line in figure.axes[0].lines]
    assert len(spans) == len(STEPS) - 1  # the ensemble has one value
    assert spans[0] == pytest.approx([drawn[0].get_x() + scale * value for value in (4, 6)])
    # Two seeds with equal errors are a tick: no line at all would say that there is one value.
    equal = [name for name in PERCENT if name != "ensemble"].index("longer")
    assert spans[equal] == pytest.approx([drawn[0].get_x() + scale * 0.6] * 2)
    assert figure.axes[0].lines[equal].get_marker() == "|"


def test_a_colour_stands_for_the_same_group_in_steps_bars_and_their_key() -> None:
    boxes = [p for p in EXAMPLES["steps of an ablation"]().axes[0].patches if p.get_fill()]
    edges = {
        group: box.get_edgecolor()
        for (_, group), box in zip(STEPS + SMALL_ONES, boxes, strict=True)
    }
    assert len(set(edges.values())) == 4
    figure = EXAMPLES["an ablation"]()
    key = [patch for patch in figure.axes[0].patches if patch.get_height() == pytest.approx(0.2)]
    named = {
        group: square.get_facecolor()
        for group, square in zip(dict.fromkeys(group for _, group in STEPS), key, strict=True)
    }
    drawn = {
        group: bar.get_facecolor() for (_, group), bar in zip(STEPS, bars(figure)[::2], strict=True)
    }
    assert named == drawn
    for group, colour in edges.items():
        assert named[group] == pytest.approx(to_rgba(diagrams.tint(colour, 0.5)))
    assert not any(square.get_linewidth() for square in key)
    with pytest.raises(ValueError, match="steps is of 5 groups"):
        diagrams.ablation([(name, name) for name in "abcde"], {}, {})


def test_an_interval_that_excludes_0_is_orange_and_a_gain_far_out_an_arrow() -> None:
    figure = EXAMPLES["gains"]()
    _, *charts = figure.axes
    assert len(charts) == len(MEASURED)
    tolds = "+4.5 (4.0 to 5.0)", "+0.45 (0.40 to 0.50)"
    for chart, rows, told in zip(charts, MEASURED.values(), tolds, strict=True):
        bars = [line for line in chart.lines if line.get_marker() == "|"]
        dots = [line for line in chart.lines if line.get_marker() == "o"]
        assert len(bars) == len(dots) == 5
        np.testing.assert_array_equal([bar.get_xdata() for bar in bars], rows[1:, ::2])
        assert [dot.get_xdata()[0] for dot in dots] == [gain for _, gain, _ in rows[1:]]
        clear = [low > 0 or high < 0 for low, _, high in rows[1:]]
        assert [bar.get_color() == plots.PALETTE[1] for bar in bars] == clear
        full = [dot.get_markerfacecolor() == plots.PALETTE[1] for dot in dots]
        assert full == clear
        arrows = [line for line in chart.lines if line.get_marker() in "<>"]
        # The gain far out, and both ends of the interval that the axis cuts.
        assert [(line.get_marker(), line.get_ydata()[0]) for line in arrows] == [
            (">", 0),
            (">", 5),
            ("<", 5),
        ]
        end = chart.get_xlim()[1]
        assert end < rows[0][1]
        assert rows[5][0] < -end < end < rows[5][2]
        assert all(0 < abs(line.get_xdata()[0]) < end for line in arrows)
        assert [text.get_text() for text in chart.texts] == [told]
        figure.draw_without_rendering()
        frame, written = chart.get_window_extent(), chart.texts[0].get_window_extent()
        assert frame.x0 < written.x0 < written.x1 < frame.x1
    assert set(MEASURED) < set(texts(figure))
    names = {text.get_text(): text.get_position()[1] for text in figure.axes[0].texts}
    assert list(GAINS) == sorted(GAINS, key=names.get, reverse=True)
    with pytest.raises(ValueError, match="the gain of one"):
        diagrams.gains(["one"], {"all": [[0.2, 0.1, 0.3]]})
    with pytest.raises(ValueError, match="intervals"):
        diagrams.gains(["one"], {"all": [[0, 0.1, 0.3], [0, 0.1, 0.3]]})
    with pytest.raises(ValueError, match="measured is empty"):
        diagrams.gains(["one"], {})


def test_the_front_has_its_names_beside_its_points_and_the_others_theirs_in_a_column() -> None:
    figure = EXAMPLES["error against seconds"]()
    figure.draw_without_rendering()
    axes, chart = figure.axes
    named = {text.get_text(): text for text in axes.texts if text.get_text() in RECIPES}
    dots = [line for line in axes.lines if len(line.get_xdata()) == 1]
    assert [dot.get_marker() for dot in dots] == ["<", "o", "o", "s"]
    assert [dot.get_markerfacecolor() == "none" for dot in dots] == [False, False, False, True]
    low = chart.get_xlim()[0]
    for name, dot in zip([*FRONT, "beaten"], dots, strict=True):
        seconds, error = RECIPES[name]
        there = chart.transData.transform((seconds, error))
        drawn, text = axes.transData.transform(dot.get_xydata()[0]), named[name].get_window_extent()
        if name == "cheap":  # would leave most of the chart empty: it stands at the edge
            assert seconds < low
            assert drawn[0] < chart.transData.transform((2, 1))[0]
            assert text.y0 > drawn[1]
        else:
            assert drawn == pytest.approx(there)
        if name in ("middle", "best"):
            assert text.x1 < drawn[0]
            assert text.y0 < drawn[1]
            assert text.x0 > chart.get_window_extent().x0
        assert (named[name].get_fontweight() == "bold") == (name in FRONT)
    (lead,) = (line for line in axes.lines if len(line.get_xdata()) == 3)
    assert lead.get_xydata()[0] == pytest.approx(dots[-1].get_xydata()[0])
    assert lead.get_xydata()[-1][1] == pytest.approx(named["beaten"].get_position()[1])
    assert "0.001 s" in texts(figure)
    front, hollow, *limits = chart.lines
    assert front.get_xydata()[1:] == pytest.approx(np.array([RECIPES[name] for name in FRONT[1:]]))
    assert hollow.get_xydata() == pytest.approx(np.array([(5.0, 12.0)]))
    assert hollow.get_markerfacecolor() == "none"
    assert [line.get_xdata()[0] for line in limits] == [4, 30]
    assert {"few digits", "4 s", "30 s"} < set(texts(figure))


@pytest.mark.parametrize(("seconds", "right"), [(1.0, True), (18.0, False)])
def test_a_hollow_dot_has_its_name_at_the_side_where_it_fits(seconds: float, right: bool) -> None:
    figure = diagrams.error_against_seconds(RECIPES, FRONT, beside={"alone": (seconds, 12.0)})
    figure.draw_without_rendering()
    axes, chart = figure.axes
    (text,) = (text for text in axes.texts if text.get_text() == "alone")
    x, y = axes.transData.inverted().transform(chart.transData.transform((seconds, 12.0)))
    assert text.get_position()[1] == pytest.approx(y)
    assert (text.get_position()[0] > x) == right
    assert not text.get_window_extent().contains(*axes.transData.transform((x, y)))


def test_names_of_a_crowded_front_lie_neither_on_each_other_nor_on_a_point() -> None:
    steep = {f"recipe {number}": (1 + number / 50, 3 - number / 50) for number in range(9)}
    figure = diagrams.error_against_seconds({**steep, "beaten": (5, 5)}, list(steep))
    figure.draw_without_rendering()
    axes, chart = figure.axes
    written = [text.get_window_extent() for text in axes.texts if text.get_text() in steep]
    assert len(written) == 9
    inside = chart.get_window_extent()
    for number, extent in enumerate(written):
        assert inside.x0 < extent.x0
        assert inside.y0 < extent.y0
        assert not any(extent.overlaps(other) for other in written[number + 1 :])
        for point in steep.values():
            assert not extent.contains(*chart.transData.transform(point))


def test_seconds_that_are_near_each_other_all_have_their_place() -> None:
    figure = EXAMPLES["recipes in one corner"]()
    assert not [line for line in figure.axes[0].lines if line.get_marker() == "<"]
    assert not [text for text in texts(figure) if text.endswith(" s")]


@pytest.mark.parametrize(
    ("points", "front", "message"),
    [
        ({"one": (1, 1)}, ["one"], "points is 1 long"),
        ({"one": (1, 1), "two": (2, 0)}, ["one"], "error of two is 0"),
        ({"one": (1, 1), "two": (0, 1)}, ["one"], "seconds of two is 0"),
        ({"one": (1, 1), "two": (2, 2)}, ["three"], r"front is with \['three'\]"),
    ],
)
def test_points_without_a_place_are_refused(
    points: dict[str, tuple[float, float]], front: list[str], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        diagrams.error_against_seconds(points, front)


def test_bars_of_one_length_show_what_times_consist_of() -> None:
    drawn = np.reshape(bars(EXAMPLES["parts of times"]()), (2, 3))
    for row, parts in zip(drawn, TIMES.values(), strict=True):
        widths = np.array([bar.get_width() for bar in row])
        assert widths / widths.sum() == pytest.approx(np.array(parts) / sum(parts))
        ends = [bar.get_x() + bar.get_width() for bar in row]
        assert ends[:-1] == pytest.approx([bar.get_x() for bar in row[1:]])
    assert ends[-1] == pytest.approx(drawn[0][-1].get_x() + drawn[0][-1].get_width())
    written = texts(EXAMPLES["parts of times"]())
    assert {"200", "15 %", "20 %", "65 %", "40 %", "59 %"} < set(written)
    assert "1 %" not in written  # there is no space for it


@pytest.mark.parametrize(
    ("times", "parts", "message"),
    [
        ({}, ["a"], "times is empty"),
        ({"fit": [1, 2]}, ["a"], "parts is 1 long and parts of a time is 2 long"),
        ({"fit": [1, -2]}, ["a", "b"], "the least part of fit is -2"),
        ({"fit": [1] * 5}, list("abcde"), "parts is 5 long; expected at most four"),
    ],
)
def test_times_that_cannot_be_drawn_in_parts_are_refused(
    times: dict, parts: list, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        diagrams.time_parts(times, parts, "s")


# --- chapter 9: ways out of the notebook ------------------------------------------------------


def test_the_network_has_an_arrow_to_each_way_out() -> None:
    axes = EXAMPLES["ways out"]().axes[0]
    ways = [text for text in texts(axes.figure) if text.startswith(("a ", "an "))]
    arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == len(ways) + 1 == 7


def test_a_file_has_a_box_for_each_part_that_it_holds_and_a_dash_for_the_others() -> None:
    written = texts(EXAMPLES["what files hold"]())
    assert written.count("yes") == 3
    assert written.count("–") == 3
    assert {"layers", "weights", *HELD} < set(written)


def test_a_part_to_beware_of_is_orange_and_says_why() -> None:
    axes = diagrams.file_contents(["weights", "code"], {"pickle": [True, "always"]}).axes[0]
    drawn = [patch for patch in axes.patches if isinstance(patch, Rectangle)][1:]
    assert [patch.get_edgecolor()[:3] for patch in drawn] == [
        to_rgb(plots.PALETTE[0]),
        to_rgb(plots.PALETTE[1]),
    ]
    assert {"yes", "always"} < set(texts(axes.figure))


def test_a_file_without_an_entry_for_each_part_is_refused() -> None:
    with pytest.raises(ValueError, match="1 entries; expected one for each of 2 parts"):
        diagrams.file_contents(["layers", "weights"], {"half": [True]})


def test_a_saved_model_is_loaded_as_a_program_of_its_own() -> None:
    figure = diagrams.two_ways_to_load()
    rows: dict[float, list[str]] = {}
    for text in figure.axes[0].texts:
        rows.setdefault(round(text.get_position()[1], 3), []).append(text.get_text())
    (lane,) = [row for row in rows.values() if "SavedModel" in row]
    assert {"a graph", "may use files\nat load, or later"} < set(lane)
    arrows = [patch for patch in figure.axes[0].patches if isinstance(patch, FancyArrowPatch)]
    assert [arrow.get_edgecolor()[:3] for arrow in arrows[2:]] == [to_rgb(plots.PALETTE[1])] * 4


def test_each_gate_stands_above_its_refusal() -> None:
    axes = EXAMPLES["gates of a server"]().axes[0]
    places = {text.get_text(): text.get_position() for text in axes.texts}
    first, last = ["size", "format"], ["pixels", "time", "200"]
    assert [places[name][0] for name in first] == sorted(places[name][0] for name in first)
    assert [places[name][0] for name in last] == sorted(places[name][0] for name in last)
    assert len({places[name][1] for name in first}) == len({places[name][1] for name in last}) == 1
    assert places["format"][1] > places["pixels"][1], "the second row is below the first"
    (photograph,) = axes.images
    assert photograph.get_extent()[1] < places["size"][0], "it stands before the first gate"
    assert places["format"][0] == pytest.approx(places["415"][0])
    assert places["time"][1] > places["504"][1] > places["timed out"][1]
    assert places["timed out"][0] == pytest.approx(places["504"][0])
    with pytest.raises(ValueError, match="gates"):
        diagrams.request_gates(GREYS, [])


# --- chapter 10: several workers, one network ---------------------------------------------------


def test_two_workers_get_half_of_the_batch_each():
    images = np.stack([np.full((4, 4), value) for value in range(8)])
    figure = diagrams.data_parallel(images)
    drawn = [
        (image.get_extent(), int(np.max(image.get_array()))) for image in figure.axes[0].images
    ]
    upper = [value for (_, _, bottom, _), value in drawn if bottom > 1.375]
    assert upper == [0, 1, 2, 3]
    assert [value for _, value in drawn] == list(range(8))
    assert [text for text in texts(figure) if text.startswith("worker")] == ["worker 0", "worker 1"]


def test_both_gradients_go_into_one_bar_and_both_sums_leave_it():
    axes = EXAMPLES["two workers"]().axes[0]
    (bar,) = (
        part
        for part in axes.patches
        if isinstance(part, Rectangle) and part.get_edgecolor()[:3] == to_rgb(plots.PALETTE[1])
    )
    places = {
        name: [text.get_position() for text in axes.texts if text.get_text() == name]
        for name in ("gradient", "sum", "worker 0", "worker 1")
    }
    assert len(places["gradient"]) == len(places["sum"]) == 2
    assert all(x < bar.get_x() for x, _ in places["gradient"])
    assert all(x > bar.get_x() + bar.get_width() for x, _ in places["sum"])
    for worker in (0, 1):
        ((_, y),) = places[f"worker {worker}"]
        assert bar.get_y() < y < bar.get_y() + bar.get_height()


def test_nobody_steps_before_both_have_computed():
    figure = diagrams.lockstep(["compute", "meet", "step"])
    parts = [patch for patch in figure.axes[0].patches[1:] if isinstance(patch, Rectangle)]
    meetings = [part for part in parts if part.get_height() > 1]
    steps = [part for part in parts if part.get_width() < 0.7 and part not in meetings]
    work = [part for part in parts if part not in [*meetings, *steps]]
    assert (len(work), len(meetings), len(steps)) == (4, 2, 4)
    for number, meeting in enumerate(meetings):
        end = meeting.get_x() + meeting.get_width()
        assert all(
            part.get_x() + part.get_width() < meeting.get_x()
            for part in work[2 * number : 2 * number + 2]
        )
        assert all(part.get_x() >= end for part in steps[2 * number : 2 * number + 2])
    written = texts(figure)
    assert written.count("meet") == written.count("step 1") + written.count("step 2") == 2
    assert written.count("compute") == 4


def test_a_ring_completes_one_piece_with_each_worker_and_then_all():
    axes = diagrams.ring_rounds().axes[0]
    parts = [patch for patch in axes.patches if isinstance(patch, Rectangle)]
    sums = [part for part in parts if part.get_edgecolor()[:3] == to_rgb(plots.PALETTE[1])]
    assert len(sums) == 4 + 16
    early = sums[:4]
    assert len({round(part.get_x(), 3) for part in early}) == 4, "each piece is complete once"
    assert len({round(part.get_y(), 3) for part in early}) == 4, "with another worker each"
    assert texts(axes.figure).count("Σ") == len(sums)


def test_a_ring_adds_one_more_worker_with_each_message():
    axes = diagrams.ring_rounds().axes[0]
    squares: dict[int, list[list[str]]] = {}
    rows = {t.get_position()[1]: t.get_text() for t in axes.texts if "worker" in t.get_text()}
    for text in axes.texts:
        x, y = text.get_position()
        if y in rows and text.get_text() and "worker" not in text.get_text():
            square = squares.setdefault(int((x - 0.8) // 1.36), [[], [], [], []])
            square[int(rows[y][-1])].append(text.get_text())
    first, one, once, twice = (squares[stage] for stage in range(4))
    assert first == [["1"] * 4] * 4
    assert one == [[*"1112"], [*"2111"], [*"1211"], [*"1121"]]
    assert once == [[*"1Σ32"], [*"21Σ3"], [*"321Σ"], [*"Σ321"]]
    assert twice == [["Σ"] * 4] * 4


def test_a_ring_leads_from_each_worker_to_the_next_and_from_the_last_to_the_first():
    axes = diagrams.ring_rounds().axes[0]
    rows = {
        text.get_text(): text.get_position()[1]
        for text in axes.texts
        if text.get_text().startswith("worker")
    }
    arrows = [patch for patch in axes.patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == 12, "round before each of three squares"
    for index, drawn in enumerate(arrows):
        worker = index % 4
        path = drawn.get_path()
        heights = path.vertices[path.codes != path.CLOSEPOLY, 1]
        start = heights[0]
        end = heights[np.abs(heights - start).argmax()]  # the tip
        assert start == pytest.approx(rows[f"worker {worker}"], abs=0.05)
        assert end == pytest.approx(rows[f"worker {(worker + 1) % 4}"], abs=0.05)


def test_a_rings_way_back_keeps_clear_of_its_ways_on():
    arrows = [p for p in diagrams.ring_rounds().axes[0].patches if isinstance(p, FancyArrowPatch)]
    for start in (0, 4, 8):
        sides = [arrow.get_path().get_extents() for arrow in arrows[start : start + 4]]
        assert all(side.x1 < sides[3].x0 for side in sides[:3])


def test_a_ring_paints_a_piece_pale_that_is_only_a_workers_own():
    axes = diagrams.ring_rounds().axes[0]
    ink = to_rgb(plots.PALETTE[0])
    numbers = {t.get_position(): t.get_text() for t in axes.texts if t.get_text() in [*"123Σ"]}
    for part in (p for p in axes.patches if isinstance(p, Rectangle)):
        x, y = part.get_xy()
        centre = x + part.get_width() / 2, y + part.get_height() / 2
        said = [text for at, text in numbers.items() if at == pytest.approx(centre)]
        if said and said != ["Σ"]:
            assert (part.get_edgecolor()[:3] == pytest.approx(ink)) == (said != ["1"])


def test_the_chapters_workers_are_joined_by_an_address_in_one_machine():
    places = {t.get_text(): t.get_position() for t in diagrams.where_workers_live().axes[0].texts}
    assert places["127.0.0.1"][1] < places["one machine"][1] < places["worker"][1]
    assert "memory" not in places


@pytest.mark.parametrize("images", [[GREYS] * 7, [GREYS] * 9])
def test_two_workers_need_eight_images(images):
    with pytest.raises(ValueError, match=rf"^images is {len(images)} images; expected 8"):
        diagrams.data_parallel(images)


def test_steps_have_three_phases():
    with pytest.raises(ValueError, match=r"^phases is 2 names; expected 3"):
        diagrams.lockstep(["compute", "step"])
