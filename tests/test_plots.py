"""Figures: what they show, that they compare like with like, and what they refuse."""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib.colors import Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from nbclient import NotebookClient

from mnist_lib import plots

STYLE = Path(plots.__file__).with_name("course.mplstyle")


@contextmanager
def course_style() -> Iterator[None]:
    """Draw off screen with the course's style, whatever other tests have set."""
    with mpl.rc_context({"backend": "agg"}), plt.style.context(STYLE, after_reset=True):
        yield


@pytest.fixture(autouse=True)
def clean_canvas() -> Iterator[None]:
    with course_style():
        yield
        plt.close("all")


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def digits(count: int = 3) -> np.ndarray:
    """Return synthetic digits: a bright bar, elsewhere and differently long in each."""
    images = np.zeros((count, 28, 28), dtype=np.uint8)
    for index in range(count):
        images[index, 4 + index : 20, 8 + index % 10 : 12 + index % 10] = 255 - 15 * index
    return images


def history(epochs: int = 4) -> dict[str, np.ndarray]:
    epoch = np.arange(1, epochs + 1)
    return {
        "loss": 1 / epoch,
        "val_loss": 1.2 / epoch,
        "accuracy": 1 - 0.2 / epoch,
        "val_accuracy": 1 - 0.3 / epoch,
    }


def confusion() -> np.ndarray:
    matrix = np.diag(np.arange(90, 100))
    matrix[4, 9], matrix[9, 4], matrix[7, 1] = 12, 7, 3
    return matrix


def reliability(**extra: Any) -> Figure:
    return plots.plot_reliability(
        [0.1, 0.3, np.nan, 0.7, 0.95], [0.2, 0.3, np.nan, 0.6, 0.9], [3, 10, 0, 40, 800], **extra
    )


EXAMPLES: dict[str, Callable[[], Figure]] = {
    "digits": lambda: plots.plot_digits(digits(12), range(12)),
    "kernels": lambda: plots.plot_kernels(rng().normal(size=(3, 3, 1, 12))),
    "feature_maps": lambda: plots.plot_feature_maps(rng().random((13, 13, 9))),
    "heatmaps": lambda: plots.plot_heatmaps(digits(), rng().random((3, 28, 28)), label="drop"),
    "curves": lambda: plots.plot_curves({"small": history(), "large": history(6)}),
    "runs": lambda: plots.plot_runs(
        {"a": history(), "b": history(6)}, starts={"a": 2.4, "b": 2.3}, guess=2.3
    ),
    "confusion": lambda: plots.plot_confusion(confusion()),
    "reliability": lambda: reliability(ece=0.0312),
    "intervals": lambda: plots.plot_intervals(
        ["one", "two"], [0.9, 0.95], [0.85, 0.93], [0.93, 0.96], xlabel="accuracy"
    ),
    "lines": lambda: plots.plot_lines(
        [1, 2, 4], {"a": [1, 2, 3], "b": [3, 1, 2]}, xlabel="images", ylabel="time / s"
    ),
    "bars": lambda: plots.plot_bars(
        ["x", "y"], {"training": [1, 2], "validation": [2, 1]}, ylabel="fraction / %"
    ),
    "embedding": lambda: plots.plot_embedding(rng().normal(size=(60, 2)), np.arange(60) % 10),
}


def png(figure: Figure) -> bytes:
    """Return the picture as a notebook stores it."""
    file = io.BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight", dpi=figure.dpi)
    return file.getvalue()


class Shown(NamedTuple):
    name: str
    figure: Figure
    open_figures: list[int]
    png: bytes
    pixels: np.ndarray


@pytest.fixture(scope="module", params=EXAMPLES)
def shown(request: pytest.FixtureRequest) -> Shown:
    with course_style():
        figure = EXAMPLES[request.param]()
        open_figures = plt.get_fignums()
        picture = png(figure)
        plt.close("all")
    return Shown(request.param, figure, open_figures, picture, plt.imread(io.BytesIO(picture)))


# --- What holds for every figure --------------------------------------------------------------


def test_every_public_function_has_an_example() -> None:
    assert {f"plot_{name}" for name in EXAMPLES} == {
        name for name in vars(plots) if name.startswith("plot_")
    }


def test_returns_the_one_figure_that_pyplot_shows(shown: Shown) -> None:
    assert isinstance(shown.figure, Figure)
    assert shown.open_figures == [shown.figure.number]


def test_fits_the_page(shown: Shown) -> None:
    # One width for all, so that text has one size on the page; notebooks crop to what is drawn.
    assert shown.pixels.shape[1] / shown.figure.dpi == pytest.approx(plots.WIDTH, abs=0.15)
    assert len(shown.png) < 100_000


def test_is_opaque_so_that_it_reads_on_a_dark_notebook(shown: Shown) -> None:
    assert (shown.pixels[..., 3] == 1).all()
    assert shown.pixels[1, 1, :3] == pytest.approx(to_rgb("#FCFCFA"), abs=0.01)


def test_is_the_same_file_every_time(shown: Shown) -> None:
    assert png(EXAMPLES[shown.name]()) == shown.png


def test_text_is_legible(shown: Shown) -> None:
    texts = [text for text in shown.figure.findobj(mpl.text.Text) if text.get_text().strip()]
    smallest = min(text.get_fontsize() for text in texts)
    if shown.name == "pixels":  # 28 numbers of three digits fill the width
        assert smallest >= 6
    else:  # on a phone 360 px wide, a point of a figure of 6 inches is 360 / 6 / 72 px
        assert smallest * 360 / 6 / 72 >= 9


def test_axes_are_labelled(shown: Shown) -> None:
    for axes in shown.figure.axes:
        if axes.axison and axes.get_label() != "<colorbar>" and axes.get_visible():
            labels = [axes.get_xlabel(), axes.get_ylabel()]
            # Names stand along the other axis of these charts; a colour bar has but one axis; the
            # rows of runs share the epochs below.
            if shown.name in {"intervals", "bars", "kernels", "feature_maps", "heatmaps", "runs"}:
                assert any(labels)
            else:
                shares_x = shown.name == "reliability" and axes is shown.figure.axes[0]
                assert all(labels[1:] if shares_x else labels)


def test_nothing_is_cut_off(shown: Shown) -> None:
    drawn, canvas = shown.figure.get_tightbbox(), shown.figure.bbox_inches
    assert drawn.x0 >= canvas.x0 - 0.02
    assert drawn.y0 >= canvas.y0 - 0.02
    assert drawn.x1 <= canvas.x1 + 0.02
    assert drawn.y1 <= canvas.y1 + 0.02


# --- Pictures that must not change unnoticed ---------------------------------------------------
# FreeType builds place glyphs differently by a fraction of a pixel; the tolerance lets that pass
# and a missing series, another scale or another layout not. To draw the baselines again:
#   pytest tests/test_plots.py -k image_of --mpl-generate-path=tests/baseline


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=pytest.mark.mpl_image_compare(
                baseline_dir="baseline",
                filename=f"{name}.png",
                style=str(STYLE),
                tolerance=8,
                savefig_kwargs={"dpi": 60, "metadata": {"Software": None}},
            ),
        )
        for name in ("digits", "kernels", "heatmaps", "curves", "confusion", "lines")
    ],
)
def test_image_of(name: str) -> Figure:
    return EXAMPLES[name]()


def test_images_are_compared_in_every_run(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.getoption("--mpl"), "without --mpl the image tests above compare nothing"


# --- Colours ----------------------------------------------------------------------------------

# Machado, Oliveira & Fernandes 2009, severity 1.0 (doi:10.1109/TVCG.2009.113), linear RGB.
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


def linear(colour: str) -> np.ndarray:
    channels = np.array(to_rgb(colour))
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    """Convert linear sRGB to CIELAB, white point D65."""
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    x, y, z = np.clip(to_xyz @ rgb / [0.9505, 1, 1.089], 0, None)
    fx, fy, fz = (np.cbrt(t) if t > 0.008856 else 7.787 * t + 16 / 116 for t in (x, y, z))
    return np.array([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)])


def luminance(colour: str) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_first_six_colours_differ_for_everybody(deficiency: str) -> None:
    seen = [
        lab(np.clip(np.array(DEFICIENCIES[deficiency]) @ linear(colour), 0, 1))
        for colour in plots.PALETTE[:6]
    ]
    distances = [np.linalg.norm(a - b) for index, a in enumerate(seen) for b in seen[index + 1 :]]
    assert min(distances) > 14  # about 2 is where two colours begin to differ side by side


@pytest.mark.parametrize("colour", plots.PALETTE)
def test_colours_stand_out_from_the_page(colour: str) -> None:
    ratio = (luminance("#FCFCFA") + 0.05) / (luminance(colour) + 0.05)
    assert ratio >= 3  # WCAG 2.2, 1.4.11, for parts of graphics


def test_style_sheet_and_line_styles_agree() -> None:
    cycle = plt.rcParams["axes.prop_cycle"].by_key()
    assert cycle["linestyle"] == plots.LINESTYLES * 2


# --- Digits and pixels --------------------------------------------------------------------------


def scales(figure: Figure) -> list[Normalize]:
    return [image.norm for image in figure.axes[0].images]


def test_digits_that_are_marked_have_a_frame_and_a_title_of_its_colour() -> None:
    axes = plots.plot_digits(digits(3), ["a", "b", "c"], marked=[False, True, False]).axes[0]
    (frame,) = axes.patches
    left, right, bottom, top = axes.images[1].get_extent()
    assert frame.get_bbox().extents == pytest.approx([left, top, right, bottom])
    colours = [text.get_color() == plots.PALETTE[1] for text in axes.texts]
    assert colours == [False, True, False]


def test_digits_share_one_scale_and_show_every_image() -> None:
    images = digits(7)
    figure = plots.plot_digits(images, columns=3)
    shown = figure.axes[0].images
    assert len(shown) == 7
    for picture, image in zip(shown, images, strict=True):
        np.testing.assert_array_equal(picture.get_array(), image)
    assert {(scale.vmin, scale.vmax) for scale in scales(figure)} == {(0, 255)}
    tops = {picture.get_extent()[3] for picture in shown}
    assert len(tops) == 3


@pytest.mark.parametrize(
    ("images", "limits"),
    [
        (digits(), (0, 255)),
        (np.ones((1, 4, 4), dtype=np.uint8), (0, 255)),
        (digits()[..., np.newaxis] / 255, (0, 1)),
        (digits() > 9, (0, 1)),
        (digits().astype(float), (0, 255)),
        (digits() / 255.0 - 0.5, (-0.5, 0.5)),
    ],
)
def test_grey_scale_is_the_pixels_own(images: np.ndarray, limits: tuple[float, float]) -> None:
    (scale, *_) = scales(plots.plot_digits(images))
    assert (scale.vmin, scale.vmax) == limits


def test_a_long_title_folds_before_a_row_breaks() -> None:
    titles = ["a 2", "a 7", "average in uint8", "average in float32"]
    texts = plots.plot_digits(digits(4), titles, size=1.3).axes[0].texts
    assert len({text.get_position()[1] for text in texts}) == 1
    assert texts[3].get_text() == "average in\nfloat32"
    texts = plots.plot_digits(digits(4), ["four words are long"] * 4, columns=4).axes[0].texts
    assert all(text.get_text().count("\n") <= 1 for text in texts)


@pytest.mark.parametrize(
    ("title", "columns"), [("Pred: 3 | True: 8", 10), ("said 3\nis 8", 2)], ids=["long", "high"]
)
def test_titles_overlap_neither_each_other_nor_digits(title: str, columns: int) -> None:
    figure = plots.plot_digits(digits(10), [title] * 10, columns=columns)
    figure.canvas.draw()
    axes = figure.axes[0]
    titles = [text.get_window_extent() for text in axes.texts]
    pictures = [picture.get_window_extent() for picture in axes.images]
    assert len(titles) == 10
    for index, box in enumerate(titles):
        assert not any(box.overlaps(other) for other in titles[index + 1 :] + pictures)


def test_size_scales_a_digit_up_to_the_width() -> None:
    def side(size: float) -> float:
        left, right, *_ = plots.plot_digits(digits(1), size=size).axes[0].images[0].get_extent()
        return right - left

    assert 0.8 < side(1.0) <= 1.0
    assert 2.3 < side(2.5) <= 2.5
    assert 5.6 < side(99) < plots.WIDTH


@pytest.mark.parametrize("columns", [1, 3, 10, 14])
def test_an_image_pixel_is_a_whole_number_of_dots(columns: int) -> None:
    figure = plots.plot_digits(digits(columns), columns=columns)
    for picture in figure.axes[0].images:
        left, right, bottom, top = np.array(picture.get_extent()) * figure.dpi
        dots = (right - left) / 28
        assert dots == pytest.approx(round(dots))
        assert round(dots) >= 2
        assert bottom - top == pytest.approx(right - left)
        assert [left, top] == pytest.approx([round(left), round(top)])


def test_images_of_more_pixels_than_dots_are_drawn_smaller() -> None:
    (picture,) = plots.plot_digits(np.zeros((1, 500, 500))).axes[0].images
    left, right, *_ = picture.get_extent()
    assert right - left == pytest.approx(1.0)


# --- Kernels, feature maps, heat maps ---------------------------------------------------------


def test_kernels_share_one_symmetric_scale() -> None:
    kernels = np.zeros((3, 3, 4))
    kernels[0, 0] = [-3, 1, 2, 0]
    figure = plots.plot_kernels(kernels)
    assert {(scale.vmin, scale.vmax) for scale in scales(figure)} == {(-3, 3)}
    for index, picture in enumerate(figure.axes[0].images):
        np.testing.assert_array_equal(picture.get_array(), kernels[..., index])
    assert figure.axes[1].get_xlabel() == "weight"
    assert scales(plots.plot_kernels(np.zeros((3, 3, 1))))[0].vmax == 1


def test_kernels_of_several_input_channels_stand_in_rows() -> None:
    kernels = np.arange(3 * 3 * 2 * 5, dtype=float).reshape(3, 3, 2, 5)
    shown = plots.plot_kernels(kernels, columns=3).axes[0].images
    tops = [picture.get_extent()[3] for picture in shown]
    assert len(set(tops[:5])) == len(set(tops[5:])) == 1
    assert tops[0] < tops[5]
    np.testing.assert_array_equal(shown[7].get_array(), kernels[:, :, 1, 2])


def test_kernels_can_hold_their_weights() -> None:
    sobel = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]])[..., np.newaxis]
    texts = plots.plot_kernels(sobel, values=True, titles=["Sobel"]).axes[0].texts
    written = [text.get_text() for text in texts]
    assert written == ["Sobel", *(str(weight).replace("-", "−") for weight in sobel.flat)]
    assert "−2" in written


@pytest.mark.parametrize(
    ("maps", "limits"),
    [
        ([[[0.0, 2.0]]], (0, 2)),
        ([[[1.0, 2.0]]], (0, 2)),
        ([[[-1.0, 2.0]]], (-2, 2)),
        ([[[0.0, 0.0]]], (0, 1)),
        ([[[np.nan, 2.0]]], (0, 2)),
    ],
)
def test_feature_maps_share_one_scale(maps: Any, limits: tuple[float, float]) -> None:
    figure = plots.plot_feature_maps(maps, titles=["a", "b"])
    assert {(scale.vmin, scale.vmax) for scale in scales(figure)} == {limits}


def test_heatmaps_lie_over_their_digits() -> None:
    heat = rng().random((3, 7, 7))
    figure = plots.plot_heatmaps(digits(), heat, ["a", "b", "c"], label="drop in probability")
    shown = figure.axes[0].images
    assert len(shown) == 6
    for digit, over in zip(shown[:3], shown[3:], strict=True):
        assert digit.get_extent() == over.get_extent()
    np.testing.assert_array_equal(shown[4].get_array(), heat[1])
    assert len({(over.norm.vmin, over.norm.vmax) for over in shown[3:]}) == 1
    assert figure.axes[1].get_xlabel() == "drop in probability"


def test_signed_heatmaps_are_symmetric_about_zero() -> None:
    heat = np.zeros((1, 28, 28))
    heat[0, 3, 3] = -4
    over = plots.plot_heatmaps(digits(1), heat, signed=True).axes[0].images[-1]
    assert (over.norm.vmin, over.norm.vmax) == (-4, 4)


@pytest.mark.parametrize(("low", "least"), [(-1, -4), (0, 0)])
def test_a_signed_bar_shows_no_colour_of_values_that_cannot_be(low: float, least: float) -> None:
    heat = np.zeros((1, 28, 28))
    heat[0, 3, :2] = 4, low
    figure = plots.plot_heatmaps(digits(1), heat, signed=True, outline=True)
    assert figure.axes[1].get_xlim() == (least, 4)


@pytest.mark.parametrize(("low", "extend"), [(-1, "both"), (0, "max")])
def test_a_limit_ends_the_scale_with_pointed_ends(low: float, extend: str) -> None:
    heat = np.zeros((1, 28, 28))
    heat[0, 3, :2] = 4, low
    figure = plots.plot_heatmaps(digits(1), heat, signed=True, outline=True, limit=2)
    shown = figure.axes[0].images[0]
    assert (shown.norm.vmin, shown.norm.vmax) == (-2, 2)
    pointed = {"both": 2, "max": 1}[extend]
    ends = [patch for patch in figure.axes[1].patches if len(patch.get_path().vertices) >= 3]
    assert len(ends) == pointed
    with pytest.raises(ValueError, match="limit is 0"):
        plots.plot_heatmaps(digits(1), heat, limit=0)


def test_pairs_of_heatmaps_are_framed_and_named() -> None:
    names = ["gradient", "occlusion", "Grad-CAM"]
    heat = rng().random((6, 28, 28))
    figure = plots.plot_heatmaps(digits(6), heat, [*"ABCDEF"], columns=4, pairs=names)
    axes = figure.axes[0]
    named = [text for text in axes.texts if text.get_text() in names]
    frames = [patch for patch in axes.patches if patch.get_width() > 1.5]
    for index, (name, frame) in enumerate(zip(named, frames, strict=True)):
        assert name.get_text() == names[index]
        held = [axes.images[place].get_extent() for place in (2 * index, 2 * index + 1)]
        x, y = frame.get_xy()
        for left, right, bottom, top in held:
            assert x < left < right < x + frame.get_width()
            assert y < name.get_position()[1] < top < bottom < y + frame.get_height()
    with pytest.raises(ValueError, match="pairs is 2 long"):
        plots.plot_heatmaps(digits(6), heat, pairs=names[:2])


def test_an_outline_leaves_the_map_its_own_colours() -> None:
    square = np.zeros((1, 28, 28))
    square[:, 8:16, 4:12] = 1
    heat = rng().normal(size=(1, 28, 28))
    axes = plots.plot_heatmaps(square, heat, signed=True, outline=True).axes[0]
    (shown,) = axes.images  # no grey digit beneath
    assert shown.get_alpha() is None
    np.testing.assert_array_equal(shown.get_array(), heat[0])
    left, right, bottom, top = shown.get_extent()
    (line,) = (path.vertices for edge in axes.collections for path in edge.get_paths())
    columns = (line[:, 0] - left) / (right - left) * 28
    rows = (line[:, 1] - top) / (bottom - top) * 28
    # Half-way between the outermost pixel of the square and the first one beyond it.
    assert (columns.min(), columns.max()) == pytest.approx((4, 12), abs=0.01)
    assert (rows.min(), rows.max()) == pytest.approx((8, 16), abs=0.01)


# --- Charts -----------------------------------------------------------------------------------


def test_curves_tell_training_from_validation_by_line_and_runs_by_marker() -> None:
    figure = plots.plot_curves({"a": history(), "b": history()})
    for axes, metric in zip(figure.axes, ("loss", "accuracy"), strict=True):
        assert axes.get_ylabel() == metric
        lines = {line.get_label(): line for line in axes.lines}
        assert list(lines) == ["a, training", "a, validation", "b, training", "b, validation"]
        np.testing.assert_allclose(lines["a, training"].get_xdata(), [1, 2, 3, 4])
        np.testing.assert_allclose(lines["b, validation"].get_ydata(), history()[f"val_{metric}"])
        assert lines["a, training"].get_linestyle() == "--"
        assert lines["a, validation"].get_linestyle() == "-"
        assert lines["a, training"].get_marker() != lines["b, training"].get_marker()
    assert len(figure.legends[0].get_texts()) == 4


def test_curves_leave_out_what_a_history_lacks() -> None:
    figure = plots.plot_curves({"a": {"loss": [1.0, np.nan]}})
    (axes,) = figure.axes
    assert [line.get_label() for line in axes.lines] == ["training"]  # one run needs no name


def test_curves_take_what_fit_returns() -> None:
    fitted = SimpleNamespace(history=history(), epoch=[0, 1, 2, 3])  # as keras.callbacks.History
    one, other = plots.plot_curves({"a": fitted}), plots.plot_curves({"a": history()})
    assert png(one) == png(other)


def test_runs_have_a_panel_each_with_a_loss_scale_of_its_own() -> None:
    flat = {"loss": [2.3, 2.3], "val_loss": [2.3, 2.31]}
    steep = flat | {"loss": [500.0, 2.3]}
    figure = plots.plot_runs(
        {"flat": flat, "steep": steep, "healthy": history()},
        starts={"healthy": 2.3, "flat": 2.3, "steep": 2.4},
        guess=2.3,
        signs={"flat": "learns nothing"},
    )
    even, jump, healthy, unused = figure.axes
    titles = [axes.get_title("left") for axes in (even, jump, healthy)]
    assert titles == ["flat\nlearns nothing", "steep (logarithmic)", "healthy"]
    assert not unused.get_visible()
    assert even.get_yscale() == "linear"
    assert np.ptp(even.get_ylim()) == pytest.approx(0.24)  # so that it looks flat
    assert jump.get_yscale() == "log"
    assert jump.lines[0].get_xydata().tolist() == [[0, 2.4], [1, 500], [2, 2.3]]
    assert jump.lines[1].get_xydata().tolist() == [[1, 2.3], [2, 2.31]]
    for loss in (even, jump, healthy):
        assert [line.get_linestyle() for line in loss.lines] == ["--", "-", ":"]
        assert list(loss.lines[-1].get_ydata()) == [2.3, 2.3]
        assert not any(line.get_clip_on() for line in loss.lines[:2])  # whole on the edge
    (legend,) = figure.legends
    named = [text.get_text() for text in legend.get_texts()]
    assert named == ["training", "validation", "blind guess"]
    figure.canvas.draw()
    above = max(axes.get_tightbbox().y1 for axes in (even, jump))
    assert legend.get_window_extent().y0 >= above  # seen first, where the figure is tall
    with pytest.raises(ValueError, match="history is empty"):
        plots.plot_runs({}, starts={}, guess=2.3)


def test_the_title_of_a_run_stays_above_its_own_panel() -> None:
    flat = {"loss": [2.3, 2.3], "val_loss": [2.3, 2.31]}
    long = {"labels of other images": "training looks good while it runs"}
    runs = dict.fromkeys([*long, "b"], flat)
    figure = plots.plot_runs(runs, starts=dict.fromkeys(runs, 2.3), guess=2.3, signs=long)
    figure.canvas.draw()
    left, right = figure.axes
    (title,) = [text for text in left.findobj(Text) if "labels of" in text.get_text()]
    assert title.get_window_extent().x1 < right.get_window_extent().x0


def test_reliability_draws_an_interval_for_each_bin_in_use() -> None:
    ends = [0.0, 0.4, 0.8], [0.1, 0.6, 1.0]
    figure = plots.plot_reliability([0.1, 0.5, 0.9], [0.0, 0.5, 0.9], [0, 5, 9], interval=ends)
    bars, gaps, *_ = figure.axes[0].collections
    assert [bar[:, 1].tolist() for bar in bars.get_segments()] == [[0.4, 0.6], [0.8, 1.0]]
    assert gaps.get_zorder() >= bars.get_zorder()  # the gap is drawn upon the interval
    assert gaps.get_linewidth()[0] < bars.get_linewidth()[0]


def test_reliability_is_faint_where_a_bin_has_few_digits() -> None:
    upper, _ = reliability().axes
    _, line, faint = upper.lines
    np.testing.assert_allclose(line.get_xdata(), [0.3, 0.7, 0.95])
    np.testing.assert_allclose(faint.get_xdata(), [0.1])  # 3 digits
    assert line.get_alpha() > faint.get_alpha()
    assert line.get_linestyle() == faint.get_linestyle() == "None"  # nothing lies between bins


def test_reliability_leaves_out_the_empty_side_of_the_diagram() -> None:
    upper, lower = reliability().axes
    assert upper.get_xlim() == lower.get_xlim() == pytest.approx((-0.03, 1.03))
    upper, _ = plots.plot_reliability([0.65, 0.9], [0.6, 0.9], [9, 9], bins=10).axes
    assert upper.get_xlim() == pytest.approx((0.57, 1.03))


def test_reliability_counts_stand_side_by_side_in_their_bins() -> None:
    # Two neighbouring bins whose mean confidences lie close to their common edge, at 0.4.
    bins = plots.plot_reliability([0.39, 0.41, 1], [0.5, 0.5, 1], [9, 9, 9], bins=5).axes[1].patches
    ends = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bins]
    assert ends == [pytest.approx(each) for each in [(0.21, 0.39), (0.41, 0.59), (0.81, 0.99)]]


def test_the_legend_of_a_reliability_diagram_stays_off_the_bars() -> None:
    figure = plots.plot_reliability([0.1, 0.9], [0.5, 0.9], [5, 9], interval=([0.1, 0.8], [1, 1]))
    figure.canvas.draw()
    upper = figure.axes[0]
    legend = upper.get_legend().get_window_extent()
    assert legend.y0 >= upper.get_window_extent().y1
    assert legend.y1 <= figure.bbox.y1


def test_confusion_writes_every_count_and_colours_errors_alone() -> None:
    matrix = confusion()
    axes = plots.plot_confusion(matrix).axes[0]
    written = [text.get_text() for text in axes.texts]
    assert [0 if text == "·" else int(text) for text in written] == matrix.ravel().tolist()
    picture = axes.images[0]
    assert picture.get_array().mask.diagonal().all()
    assert picture.norm.vmax == 12
    assert axes.get_ylabel() == "true class"
    assert axes.get_xlabel() == "answer"


def test_confusion_without_errors() -> None:
    axes = plots.plot_confusion([[3, 0], [0, 0]]).axes[0]
    assert [text.get_text() for text in axes.texts] == ["3", "·", "·", "0"]


def test_reliability_leaves_empty_bins_out_and_names_the_calibration_error() -> None:
    upper, lower = reliability(ece=0.0312).axes
    drawn = np.concatenate([line.get_xdata() for line in upper.lines[1:]])
    np.testing.assert_allclose(np.sort(drawn), [0.1, 0.3, 0.7, 0.95])
    assert [bar.get_height() for bar in lower.patches] == [3, 10, 40, 800]
    assert [text.get_text() for text in upper.texts] == ["ECE 0.0312"]
    assert not reliability().axes[0].texts


def test_intervals_stand_in_the_order_given() -> None:
    figure = plots.plot_intervals(["a", "b"], [1, 2], [0, 1.5], [2, 2.5], xlabel="x")
    axes = figure.axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b"]
    assert axes.yaxis_inverted()
    np.testing.assert_allclose(axes.lines[0].get_xdata(), [1, 2])
    spans = [segment[:, 0].tolist() for segment in axes.collections[0].get_segments()]
    assert spans == [[0, 2], [1.5, 2.5]]


def test_rulers_stand_below_the_intervals_and_look_like_none() -> None:
    figure = plots.plot_intervals(
        ["a", "b"], [1, 3], [0, 1.5], [2, 3.5], xlabel="x", rulers={"short": 0.5, "long": 2}
    )
    (axes,) = figure.axes
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b", "short", "long"]
    intervals, bars = axes.collections
    short, long = bars.get_segments()
    assert short[:, 0].tolist() == [1.5, 2.5]  # to either side of the mean, 2
    assert long[:, 0].tolist() == [0, 4]
    lowest = max(segment[0, 1] for segment in intervals.get_segments())
    assert short[0, 1] > lowest + 1.5  # a gap
    assert axes.get_ylim()[0] > long[0, 1]
    assert bars.get_linewidth()[0] < intervals.get_linewidth()[0]
    with pytest.raises(ValueError, match="long is -1"):
        plots.plot_intervals(["a"], [1], [0], [2], xlabel="x", rulers={"long": -1})


def test_intervals_of_parts_have_colours_and_neighbours_share_a_name() -> None:
    figure = plots.plot_intervals(
        ["a", "a", "b"],
        [1, 2, 3],
        [0.5, 1.5, 2.5],
        [1.5, 2.5, 3.5],
        xlabel="x",
        parts=["validation", "test", "validation"],
        logx=True,
    )
    (axes,) = figure.axes
    validation, test = axes.lines
    assert validation.get_xdata().tolist() == [1, 3]
    assert validation.get_color() != test.get_color()
    assert validation.get_marker() != test.get_marker()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["validation", "test"]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b"]
    one, three = validation.get_ydata()
    (two,) = test.get_ydata()
    assert one < two < three
    assert two - one < three - two
    assert axes.get_yticks().tolist() == [(one + two) / 2, three]
    assert axes.get_xscale() == "log"


def test_lines_ring_the_extreme_of_each_series_in_its_colour() -> None:
    series = {"a": [3, 1, np.nan], "b": [4, 5, 2]}
    for ring, places in (("lowest", [(1, 1), (2, 2)]), ("highest", [(0, 3), (1, 5)])):
        axes = plots.plot_lines(range(3), series, xlabel="x", ylabel="y", ring=ring).axes[0]
        lines, rings = axes.lines[::2], axes.lines[1::2]
        assert [tuple(each.get_xydata()[0]) for each in rings] == places
        for line, each in zip(lines, rings, strict=True):
            assert each.get_markeredgecolor() == line.get_color()
            assert each.get_markerfacecolor() == "none"


def test_names_at_the_ends_of_lines_stand_beside_them_and_apart() -> None:
    series = {"high": [0, 9], "low": [1, 0.1], "lower": [2, 0], "lowest": [3, -0.1]}
    figure = plots.plot_lines([0, 1], series, xlabel="x", ylabel="y", named=True)
    axes = figure.axes[0]
    figure.canvas.draw()
    assert not figure.legends
    assert [text.get_text() for text in axes.texts] == list(series)
    boxes = [Text.get_window_extent(text) for text in axes.texts]  # without their leaders
    assert all(over.y0 > under.y1 - 1 for over, under in itertools.pairwise(boxes))
    assert all(box.x0 > axes.bbox.x1 and box.x1 <= figure.bbox.x1 for box in boxes)
    ends = axes.transData.transform([(1, values[-1]) for values in series.values()])
    assert abs((boxes[0].y0 + boxes[0].y1) / 2 - ends[0][1]) < 5
    for line, text in zip(axes.lines, axes.texts, strict=True):
        assert text.get_color() == line.get_color()


def test_an_axis_from_zero_keeps_the_names_beside_their_ends() -> None:
    series = {"high": [5, 6], "low": [4, 5.7]}
    style = {"xlabel": "x", "ylabel": "y", "levels": {"most": 7}, "named": True, "zero": True}
    figure = plots.plot_lines([0, 1], series, **style)
    axes = figure.axes[0]
    figure.canvas.draw()
    low, high = axes.get_ylim()
    assert low == 0 < 7 < high
    ends = axes.transData.transform([(1, values[-1]) for values in series.values()])[:, 1]
    boxes = [Text.get_window_extent(text) for text in axes.texts if text.get_text() in series]
    middles = [(box.y0 + box.y1) / 2 for box in boxes]
    assert max(np.abs(middles - ends)) < boxes[0].height
    assert boxes[0].y0 > boxes[1].y1 - 1


def test_points_are_marked_and_named_inside_the_axes() -> None:
    named = {"left": (0, 5), "right": (1, 0)}
    figure = plots.plot_lines([0, 1], {"a": [5, 0]}, xlabel="x", ylabel="y", points=named)
    axes = figure.axes[0]
    figure.canvas.draw()
    assert [tuple(line.get_xydata()[0]) for line in axes.lines[1:]] == list(named.values())
    for text, point in zip(axes.texts, named.values(), strict=True):
        box = text.get_window_extent()
        assert 0 <= box.y0 - axes.transData.transform(point)[1] < 20
        assert axes.bbox.x0 <= box.x0
        assert box.x1 <= axes.bbox.x1


def test_names_of_levels_stand_where_they_hide_no_series() -> None:
    x = np.arange(6)
    # The first falls from the level on the left; the second rests a little above it on the right.
    series = {"falls": [2.3, 1.2, 0.7, 0.5, 0.4, 0.3], "leaps": [2.3, 9, 2.4, 2.35, 2.35, 2.35]}
    figure = plots.plot_lines(
        x, series, xlabel="x", ylabel="y", logy=True, levels={"a blind guess": 2.3}
    )
    figure.canvas.draw()
    (axes,) = figure.axes
    (name,) = axes.texts
    box = name.get_window_extent()
    assert axes.lines[-1].get_ydata() == [2.3, 2.3]
    level = axes.transData.transform((0, 2.3))[1]
    assert min(abs(box.y0 - level), abs(box.y1 - level)) < box.height  # beside its line
    for line in axes.lines[:-1]:
        points = axes.transData.transform(line.get_xydata())
        fine = np.linspace(*points[[0, -1], 0], 500)
        inside = (fine > box.x0) & (fine < box.x1)
        heights = np.interp(fine, *points.T)[inside]
        assert not np.any((heights > box.y0) & (heights < box.y1))


def test_names_of_places_stand_above_the_axes() -> None:
    x = [1, 10, 100]
    places = {"left": 1.0, "middle": 10.0, "right": 100.0}
    figure = plots.plot_lines(x, {"a": x}, xlabel="x", ylabel="y", logx=True, places=places)
    figure.canvas.draw()
    (axes,) = figure.axes
    assert [text.get_text() for text in axes.texts] == list(places)
    for text, line in zip(axes.texts, axes.lines[1:], strict=True):
        box = text.get_window_extent()
        assert box.y0 >= axes.get_window_extent().y1
        assert 0 <= box.x0 <= axes.transData.transform((line.get_xdata()[0], 1))[0] <= box.x1
        assert box.x1 <= figure.bbox.x1


def test_lines_can_be_named_at_their_ends() -> None:
    series = {"long": [1.0, 2.0, 4.0], "short": [1.0, 0.5, np.nan]}
    figure = plots.plot_lines([1, 2, 3], series, xlabel="x", ylabel="y", named=True)
    figure.canvas.draw()
    (axes,) = figure.axes
    assert not figure.legends
    for text, line, end in zip(axes.texts, axes.lines, [(3, 4), (2, 0.5)], strict=True):
        assert text.get_text() == line.get_label()
        assert text.get_color() == line.get_color()
        assert text.xy == end
        box = Text.get_window_extent(text)  # without its leader
        _, y = axes.transData.transform(end)
        assert axes.bbox.x1 < box.x0 < box.x1 <= figure.bbox.x1
        assert box.y0 < y < box.y1 <= figure.bbox.y1


def test_lines_differ_in_colour_style_and_marker() -> None:
    x = np.arange(1, 21)
    figure = plots.plot_lines(
        x,
        {"a": x, "b": 2 * x},
        xlabel="x",
        ylabel="y",
        logx=True,
        logy=True,
        bands={"b": (x, 3 * x)},
    )
    axes = figure.axes[0]
    first, second = axes.lines
    for get in ("get_color", "get_linestyle", "get_marker"):
        assert getattr(first, get)() != getattr(second, get)()
    assert axes.get_xscale() == axes.get_yscale() == "log"
    assert len(axes.collections) == 1


@pytest.mark.parametrize(
    ("high", "written"),
    [
        (30, ["0.5", "1", "2", "5", "10", "20"]),
        (1_500, ["1", "10", "100", "1,000"]),
        (1e7, None),
    ],
)
def test_a_short_logarithmic_axis_has_plain_numbers(high: float, written: list[str] | None) -> None:
    x = np.geomspace(0.5, high, 5)
    axes = plots.plot_lines(x, {"a": x}, xlabel="x", ylabel="y", logx=True, logy=True).axes[0]
    for axis, limits in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
        ticks = [place for place in axis.get_majorticklocs() if limits[0] <= place <= limits[1]]
        texts = axis.get_major_formatter().format_ticks(ticks)
        assert texts == written if written else all("10^" in text for text in texts)
        assert not any(axis.get_minor_formatter().format_ticks(axis.get_minorticklocs()))


def test_a_curve_of_many_points_has_no_markers() -> None:
    x = np.arange(1, 26)
    figure = plots.plot_lines(x, {"a": x, "b": 2 * x}, xlabel="x", ylabel="y")
    first, second = figure.axes[0].lines
    assert first.get_marker() == second.get_marker() == "none"
    assert first.get_linestyle() != second.get_linestyle()


def test_one_line_needs_no_legend() -> None:
    figure = plots.plot_lines([1, 2], {"a": [1, 2]}, xlabel="x", ylabel="y")
    assert not figure.legends


def test_bars_differ_in_colour_and_hatch() -> None:
    axes = EXAMPLES["bars"]().axes[0]
    training, validation = axes.containers
    assert [bar.get_height() for bar in training] == [1, 2]
    assert [bar.get_height() for bar in validation] == [2, 1]
    assert training[0].get_hatch() != validation[0].get_hatch()
    assert training[0].get_x() + training[0].get_width() <= validation[0].get_x() + 1e-9


def test_bars_carry_their_numbers_inside_the_figure() -> None:
    series = {"a": [0, 12.34], "b": [5, 12.34]}
    figure = plots.plot_bars(["x", "y"], series, ylabel="y", numbers="{:.1f}")
    texts = figure.axes[0].texts
    assert [text.get_text() for text in texts] == ["0.0", "12.3", "5.0", "12.3"]
    figure.canvas.draw()
    top = figure.axes[0].get_window_extent().y1
    assert all(text.get_window_extent().y1 <= top for text in texts)


def test_bars_of_one_series() -> None:
    figure = plots.plot_bars(range(3), [1, 2, 3], ylabel="digits", xlabel="class")
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["0", "1", "2"]
    assert not figure.legends


def test_embedding_marks_a_point_with_its_class() -> None:
    points, labels = rng().normal(size=(6, 2)), np.array([3, 3, 8, 8, 8, 3])
    axes = plots.plot_embedding(points, labels).axes[0]
    threes, eights = axes.collections
    np.testing.assert_allclose(threes.get_offsets(), points[labels == 3])
    assert len(eights.get_offsets()) == 3
    assert [text.get_text() for text in axes.texts] == ["3", "8"]
    middles = [np.median(points[labels == label], axis=0) for label in (3, 8)]
    np.testing.assert_allclose([text.get_position() for text in axes.texts], middles)


def test_embedding_has_a_colour_for_each_of_ten_classes() -> None:
    axes = plots.plot_embedding(rng().normal(size=(20, 2)), np.arange(20) % 10).axes[0]
    assert len({tuple(drawn.get_facecolor()[0]) for drawn in axes.collections}) == 10


# --- What is refused ----------------------------------------------------------------------------

REFUSED: list[tuple[Callable[[], Figure], type[Exception], str]] = [
    (
        lambda: plots.plot_digits(digits()[0]),
        ValueError,
        "images is uint8 (28, 28); expected numbers (N, H, W) or (N, H, W, 1). For a single one, "
        "pass images[np.newaxis].",
    ),
    (
        lambda: plots.plot_digits(digits(), [1, 2]),
        ValueError,
        "titles is 2 long and images is 3 long; expected equal lengths",
    ),
    (lambda: plots.plot_digits(digits(), "abc"), TypeError, 'titles is "abc"; expected a list'),
    (lambda: plots.plot_digits(digits(), columns=0), ValueError, "columns is 0; expected"),
    (lambda: plots.plot_digits(digits(), marked=[0, 2]), TypeError, "expected booleans (N,)"),
    (lambda: plots.plot_digits(digits(), marked=[True]), ValueError, "marked is 1 long"),
    (lambda: plots.plot_digits(digits(), size=0), ValueError, "size is 0; expected"),
    (lambda: plots.plot_kernels(np.zeros((3, 3))), ValueError, "(kh, kw, C)"),
    (lambda: plots.plot_kernels(np.full((3, 3, 1), np.nan)), ValueError, "All values are NaN"),
    (
        lambda: plots.plot_feature_maps(np.zeros((1, 5, 5, 2))),
        ValueError,
        "expected numbers (H, W, C). Pass its only row, feature_maps[0].",
    ),
    (
        lambda: plots.plot_heatmaps(digits(3), np.zeros((2, 28, 28))),
        ValueError,
        "images is 3 long and heatmaps is 2 long",
    ),
    (lambda: plots.plot_curves(history()), TypeError, 'Pass {"name": history}'),
    (lambda: plots.plot_curves({}), ValueError, "history is empty"),
    (
        lambda: plots.plot_curves({"a": {"auc": [1.0]}}),
        ValueError,
        "The histories hold 'auc'; expected 'loss' or 'accuracy'.",
    ),
    (lambda: plots.plot_confusion([[0.5, 0.5], [0.1, 0.9]]), ValueError, "expected counts"),
    (lambda: plots.plot_confusion([[1, -1], [0, 1]]), ValueError, "confusion is from -1 to 1"),
    (lambda: plots.plot_reliability([90], [0.9], [3]), ValueError, "confidence is 90.0; expected"),
    (lambda: plots.plot_reliability([0.9, 1], [0.9, 1], [3]), ValueError, "counts is 1 long"),
    (
        lambda: plots.plot_intervals(["a"], [1], [2], [3], xlabel="x"),
        ValueError,
        "the estimate of a is 1.0; expected a number that is at least 2.0 and at most 3.0",
    ),
    (
        lambda: plots.plot_lines([1, 2], {"a": [1]}, xlabel="x", ylabel="y"),
        ValueError,
        "x is 2 long and series 'a' is 1 long",
    ),
    (
        lambda: plots.plot_lines([1], {"a": [1]}, xlabel="x", ylabel="y", bands={"b": ([0], [2])}),
        ValueError,
        "bands is for 'b'; expected names of series: 'a'",
    ),
    (
        lambda: plots.plot_lines([1], {"a": [1]}, xlabel="x", ylabel="y", ring="best"),
        ValueError,
        'ring is "best"; expected "lowest" or "highest"',
    ),
    (
        lambda: plots.plot_intervals(["a"], [1], [0], [2], xlabel="x", parts=["b", "c"]),
        ValueError,
        "names is 1 long and parts is 2 long",
    ),
    (
        lambda: plots.plot_bars(["a", "b"], [1], ylabel="y"),
        ValueError,
        "names is 2 long and values is 1 long",
    ),
    (lambda: plots.plot_embedding([[0, 0]], [1.0]), TypeError, "labels is float64 (1,)"),
    (lambda: plots.plot_embedding([[0, 0]], [-1]), ValueError, "labels is from -1 to -1"),
]


@pytest.mark.parametrize(("call", "error", "message"), REFUSED)
def test_refuses(call: Callable[[], Figure], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=re.escape(message)):
        call()
    assert plt.get_fignums() == [], "a refused call leaves no empty figure to be shown"


# --- In a fresh interpreter, in a notebook --------------------------------------------------------


def test_import_brings_no_tensorflow_and_no_settings_of_the_user(tmp_path: Path) -> None:
    # Both would show: the first turns every digit upside down.
    (tmp_path / "matplotlibrc").write_text("image.origin: lower\naxes.titlecolor: red\n")
    code = (
        "import sys, numpy as np, matplotlib.pyplot as plt\n"
        "assert plt.rcParams['image.origin'] == 'lower'\n"
        "from mnist_lib import plots\n"
        "print([name for name in ('tensorflow', 'keras') if name in sys.modules])\n"
        "(axes,) = plots.plot_digits(np.eye(3)[np.newaxis]).axes\n"
        "print(axes.images[0].origin)\n"
        "print(plt.rcParams['axes.titlecolor'], plt.rcParams['axes.spines.top'])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "MATPLOTLIBRC": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.splitlines() == ["[]", "upper", "auto False"]


def test_shows_once_in_a_notebook() -> None:
    cells = [
        "import numpy as np\nfrom mnist_lib import plots",
        "plots.plot_digits(np.zeros((2, 28, 28)));",
        "for _ in range(3):\n    plots.plot_bars(['a'], [1], ylabel='y')",
        *["plots.plot_lines([1, 2], {'a': [1, 2]}, xlabel='x', ylabel='y');"] * 21,
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="python3", timeout=600).execute()
    pictures = [
        sum("image/png" in output.get("data", {}) for output in cell.outputs)
        for cell in notebook.cells
    ]
    assert pictures == [0, 1, 3] + [1] * 21
    # The 21 figures would bring Matplotlib's warning if any stayed open behind the page.
    others = [output for cell in notebook.cells for output in cell.outputs if "data" not in output]
    assert others == [], json.dumps(others)
