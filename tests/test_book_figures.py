"""The figures of the book: dark where the page is dark, small files, and the reader's untouched."""

from __future__ import annotations

import io
import json
from binascii import a2b_base64
from collections.abc import Iterator
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.pylabtools import print_figure
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from PIL import Image

from mnist_lib import plots
from tools import book_figures
from tools.book_figures import DARK_PAGE, FORM, LIGHT_PAGE, dark

STYLE = Path(plots.__file__).with_name("course.mplstyle")


@pytest.fixture(autouse=True)
def clean_canvas() -> Iterator[None]:
    with mpl.rc_context({"backend": "agg"}), plt.style.context(STYLE, after_reset=True):
        yield
        plt.close("all")


def line_figure() -> Figure:
    figure, axes = plt.subplots(layout="constrained")
    axes.plot([0, 1], [0, 1], color="C0", linewidth=6)
    axes.set_xlabel("x")
    return figure


def pictures(figure: Figure) -> dict[str, Image.Image]:
    """Return the light and the dark picture."""
    found = {}
    for theme, data in book_figures.forms(figure)[FORM].items():
        ((form, content),) = data.items()
        found[theme] = Image.open(io.BytesIO(a2b_base64(content)))
        assert found[theme].get_format_mimetype() == form
    return found


def colours(image: Image.Image) -> dict[str, int]:
    counted = image.convert("RGB").getcolors(maxcolors=1 << 24) or []
    return {to_hex([value / 255 for value in colour]): count for count, colour in counted}


def like(colour: tuple[float, ...], counted: dict[str, int]) -> int:
    """Return how many pixels have this colour, but for rounding."""
    near = [np.abs(np.subtract(to_rgb(each), colour)).max() < 0.012 for each in counted]
    return int(np.dot(near, list(counted.values())))


def contrast(one: object, other: object) -> float:
    """Return the contrast of two colours as the Web Content Accessibility Guidelines define it."""

    def luminance(colour: object) -> float:
        values = np.array(to_rgb(colour))
        linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    low, high = sorted([luminance(one), luminance(other)])
    return (high + 0.05) / (low + 0.05)


# --- colours ----------------------------------------------------------------------------------


def test_the_page_and_its_ink_change_places() -> None:
    assert to_hex(dark(to_rgb(LIGHT_PAGE))) == DARK_PAGE
    assert to_hex(to_rgb(plt.rcParams["figure.facecolor"])) == LIGHT_PAGE
    assert to_hex(dark(to_rgb(plt.rcParams["text.color"]))) == book_figures.DARK_INK
    assert contrast(dark((0.0, 0.0, 0.0)), DARK_PAGE) > 15


@pytest.mark.parametrize("colour", plots.PALETTE)
def test_a_colour_of_the_palette_can_be_seen_on_the_dark_page(colour: str) -> None:
    rgb = to_rgb(colour)
    assert contrast(dark(rgb), DARK_PAGE) >= 3
    before, after = (mpl.colors.rgb_to_hsv(each) for each in (rgb, dark(rgb)))
    if before[1] > 0.2:  # it has a hue, and keeps it
        assert abs((before[0] - after[0] + 0.5) % 1 - 0.5) < 0.07


def test_a_tint_stays_a_tint() -> None:
    assert contrast(dark(to_rgb("#d6e8f1")), DARK_PAGE) < 2
    assert contrast(dark(to_rgb("#d6e8f1")), dark(to_rgb("#222222"))) > 6


def test_transparency_stays() -> None:
    assert dark((0.0, 0.0, 0.0, 0.25))[3] == 0.25


# --- figures ----------------------------------------------------------------------------------


def test_a_figure_is_drawn_for_both_pages() -> None:
    found = pictures(line_figure())
    light, black = colours(found["light"]), colours(found["dark"])
    assert max(light, key=light.__getitem__) == LIGHT_PAGE
    assert max(black, key=black.__getitem__) == DARK_PAGE
    line = plots.PALETTE[0].lower()
    assert light[line] > 2000
    assert black[to_hex(dark(to_rgb(line)))] > 2000
    assert found["light"].size == found["dark"].size


def test_a_picture_and_what_is_written_on_it_keep_their_colours() -> None:
    figure, axes = plt.subplots()
    axes.imshow(np.eye(2), cmap="gray")
    axes.text(0, 0, "X", color="black", fontsize=60, ha="center", va="center")
    axes.text(1, 0, "O", color="white", fontsize=60, ha="center", va="center")
    axes.set_axis_off()
    light, black = (colours(image) for image in pictures(figure).values())
    for ink in ("#000000", "#ffffff"):
        assert light[ink] == black[ink] > 10_000


def test_a_colour_bar_keeps_its_colours() -> None:
    figure, axes = plt.subplots()
    axes.set_axis_off()
    figure.colorbar(plt.cm.ScalarMappable(cmap="viridis"), ax=axes)
    shown = np.array([to_rgb(colour) for colour in colours(pictures(figure)["dark"])])
    for value in np.linspace(0, 1, 20):
        distance = np.abs(shown - mpl.colormaps["viridis"](value)[:3]).max(1)
        assert distance.min() < 0.03, "two steps of a colour bar may be merged"


def kernels(**style: float) -> Figure:
    figure, axes = plt.subplots()
    picture = axes.imshow([[-1.0, 0.0, 1.0]], cmap="RdBu_r", **style)
    axes.text(1, 0, "0", color="black", fontsize=60, ha="center", va="center")
    axes.set_axis_off()
    figure.colorbar(picture, ax=axes).outline.set_visible(False)
    return figure


def test_a_map_with_the_pages_colour_for_0_turns_dark_with_its_colour_bar() -> None:
    figure = kernels()
    light, black = (colours(image) for image in pictures(figure).values())
    for end in [to_rgb(mpl.colormaps["RdBu_r"](value)) for value in (0.0, 0.5, 1.0)]:
        assert like(end, light) > 10_000
        assert like(dark(end), black) > 10_000, "in the picture"
        assert like(end, black) < 200, "nor in the colour bar"
    assert like(dark((0.0, 0.0, 0.0)), black) > 1000, "text upon it turns light"
    axes = figure.axes[0]
    assert axes.images[0].get_url() is None


def test_a_translucent_map_keeps_its_colours() -> None:
    figure = kernels(alpha=0.5)
    light, black = (colours(image) for image in pictures(figure).values())
    assert black["#000000"] > 1000, "text upon it stays dark"
    assert max(light.values()) / 2 < max(black.values())


@pytest.mark.parametrize(("name", "paper"), [("RdBu_r", True), ("Oranges", True),
                         ("viridis", False), ("gray", False), ("gray_r", False)])  # fmt: skip
def test_paper_is_white_in_a_map_of_colours(name: str, paper: bool) -> None:
    assert book_figures.is_paper(mpl.colormaps[name]) is paper


def test_the_smaller_form_is_kept() -> None:
    pixels = np.random.default_rng(0).integers(0, 2, (1200, 1200), dtype=np.uint8) * 255
    assert list(book_figures.packed(Image.fromarray(pixels).convert("RGB"), "{}")) == ["image/png"]


def test_text_beside_a_picture_is_light_on_the_dark_page() -> None:
    figure, axes = plt.subplots()
    axes.imshow(np.zeros((2, 2)), cmap="gray")
    axes.set_title("above", fontsize=60)
    axes.set(xticks=[], yticks=[])
    assert colours(pictures(figure)["dark"])[book_figures.DARK_INK] > 1000


def test_markers_and_hatches_change_too() -> None:
    figure, axes = plt.subplots()
    axes.scatter([0, 1], [0, 1], s=2000, color=plots.PALETTE[1])
    axes.bar([0.5], [1], color="#0072B2", hatch="/")
    axes.set_axis_off()
    black = colours(pictures(figure)["dark"])
    assert black[to_hex(dark(to_rgb("#0072B2")))] > 2000
    assert "#0072b2" not in black
    assert LIGHT_PAGE not in black


def test_the_figure_is_as_it_was() -> None:
    figure = line_figure()
    canvas, before = figure.canvas, print_figure(figure)
    book_figures.forms(figure)
    assert figure.canvas is canvas
    assert print_figure(figure) == before


def test_pictures_are_dense_and_small() -> None:
    figure = line_figure()
    for image in pictures(figure).values():
        assert image.mode == "P"
        inches = image.width / book_figures.DENSITY / book_figures.PER_INCH
        assert inches == pytest.approx(figure.get_figwidth(), abs=0.15)
    sizes = [len(next(iter(data.values()))) for data in book_figures.forms(figure)[FORM].values()]
    assert max(sizes) < len(print_figure(figure, base64=True))


def test_many_colours_keep_the_frequent_ones_exactly() -> None:
    pixels = np.full((200, 300, 3), 17, dtype=np.uint8)
    pixels[:20] = np.random.default_rng(0).integers(0, 255, (20, 300, 3))
    ((form, content),) = book_figures.packed(Image.fromarray(pixels), "{}").items()
    image = Image.open(io.BytesIO(a2b_base64(content))).convert("RGB")
    assert form == "image/png"
    assert (np.asarray(image)[20:] == 17).all()
    assert np.abs(np.asarray(image)[:20].astype(int) - pixels[:20]).mean() < 20


def test_a_photograph_becomes_a_jpeg() -> None:
    figure, axes = plt.subplots()
    axes.imshow(np.random.default_rng(0).integers(0, 255, (400, 600, 3), dtype=np.uint8))
    for theme, image in pictures(figure).items():
        assert image.format == "JPEG"
        assert json.loads(image.info["comment"])["theme"] == theme


def test_greys_beside_a_photograph_stay_grey() -> None:
    rng = np.random.default_rng(0)
    light = rng.integers(60, 256, (300, 400, 1)) / 255
    paper = light * [236, 226, 205] + rng.integers(-1, 2, (300, 400, 3))
    pen = rng.random((300, 400, 1)) < 0.15
    pixels = np.where(pen, light * [45, 60, 150], paper).clip(0, 255).astype(np.uint8)
    pixels[:40] = 252, 252, 250  # of the page
    pixels[240:] = rng.integers(0, 256, (60, 400, 1))
    ((_, content),) = book_figures.packed(Image.fromarray(pixels), "{}").items()
    image = Image.open(io.BytesIO(a2b_base64(content))).convert("RGB")
    greys = np.asarray(image)[242:].astype(int)
    assert np.mean(np.ptp(greys, axis=2) > 8) < 0.01


@pytest.mark.parametrize(("points", "least"), [(6, 720), (12, 360)])
def test_the_least_width_lets_the_smallest_text_be_9_px_high(points: int, least: int) -> None:
    figure = plt.figure(figsize=(6.67, 2))
    figure.add_axes((0, 0, 1, 1)).set_axis_off()
    figure.text(0.0, 0.0, "a")
    figure.texts[0].set_fontsize(points)
    figure.text(0.5, 0.5, "b", fontsize=30)
    figure.add_artist(plt.Rectangle((0, 0), 1, 1, transform=figure.transFigure, fill=False))
    for theme, image in pictures(figure).items():
        notes = json.loads(image.info["comment"])
        assert notes["theme"] == theme
        assert notes["least_width"] == pytest.approx(least, rel=0.03)


def test_a_shell_shows_the_form_beside_the_usual_picture() -> None:
    shell = InteractiveShell()
    book_figures.load_ipython_extension(shell)
    spent = book_figures.Spent.seconds
    data, _ = shell.display_formatter.format(line_figure())
    assert set(data[FORM]) == {"light", "dark"}
    assert book_figures.Spent.seconds > spent
    assert FORM not in shell.display_formatter.format("text")[0]
    assert FORM not in shell.display_formatter.format(plt.figure())[0]
