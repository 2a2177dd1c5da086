"""The figures that the reader moves: what Python makes of arrays, and what a browser makes of that.

Each is moved in a real browser, and the numbers that it then shows are computed again in NumPy.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect
from scipy import signal, stats

from mnist_lib import evaluation, explorables, handwriting, layers, plots
from mnist_lib.data import load_mnist
from mnist_lib.explorables import Explorable

MNIST = load_mnist("sample")
THREE = MNIST.x_train[MNIST.y_train == 3][0]
CHOSEN = np.concatenate([np.flatnonzero(MNIST.y_train == d)[1:3] for d in range(10)])
MEANS = np.stack([MNIST.x_train[MNIST.y_train == d].mean(axis=0) for d in range(10)])
LEFT_EDGE = np.array([[-1, 0, 1]] * 3)
SCORES = np.array([2.0, 1.0, -1.0])
RNG = np.random.default_rng(0)
CONFIDENCE = 1 - RNG.beta(0.3, 6, 10_000).astype(np.float32)
RIGHT = RNG.random(10_000) < CONFIDENCE  # as many as it promises to take
BEFORE, COVERED = RNG.normal(size=10), RNG.normal(size=(24, 24, 10)).astype(np.float32)
SPREAD = RNG.uniform(0.02, 1, 12) * RNG.uniform(-1, 1, (3, 3, 9, 12))  # channels unlike in size
KERNELS = {"first": RNG.normal(size=(3, 3, 1, 4)), "second": SPREAD}
PER_TENSOR, PER_CHANNEL = np.linspace(0.4, 0.96, 7), np.linspace(0.85, 0.97, 7)
CARDS = {"slow": (1e9, 50e-6), "fast": (400e9, 2e-6)}
SEEN: list[NDArray[np.uint8]] = []  # what the first network of `placing` was given


def by_mean(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Read digits by their nearest mean: quick, and good in the middle only."""
    SEEN.append(images)
    away = ((images[:, None] / 255 - MEANS[None] / 255) ** 2).sum(axis=(2, 3))
    return layers.softmax(-away).astype(np.float32)


MADE: dict[str, Explorable] = {
    "pixels": explorables.pixels(THREE, MEANS, MNIST.x_train[CHOSEN], MNIST.y_train[CHOSEN]),
    "window": explorables.window(THREE, LEFT_EDGE, 6, 9),
    "softmax": explorables.softmax(SCORES, ["4", "7", "9"], 1),
    "descent": explorables.descent((1, 18), (4, 1), 0.1),
    "threshold": explorables.threshold(CONFIDENCE, RIGHT, 0.9),
    "cover": explorables.cover(THREE / 255, 3, BEFORE, COVERED, 5),
    "placing": explorables.placing(THREE, 3, {"one": by_mean, "two": lambda x: 1 - by_mean(x)}),
    "exam": explorables.exam(0.005, 10_000),
    "rounding": explorables.rounding(KERNELS, PER_TENSOR, PER_CHANNEL, 0.966),
    "scaling": explorables.scaling(0.0015, 0.00015, CARDS, 225_034, 4096),
}


# --- what Python makes ------------------------------------------------------------------------


@pytest.fixture
def stills(monkeypatch: pytest.MonkeyPatch) -> list[Figure]:
    """Return a list that will hold the figures of which stills are made."""
    drawn: list[Figure] = []
    still = explorables._still

    def keep(figure: Figure) -> bytes:
        drawn.append(figure)
        return still(figure)

    monkeypatch.setattr(explorables, "_still", keep)
    return drawn


def place_of_most_ink(image: NDArray[np.uint8], side: int) -> tuple[int, int]:
    """Return where a square hides most ink, by trying each place."""
    places = [(r, c) for r in range(29 - side) for c in range(29 - side)]
    return max(places, key=lambda at: image[at[0] :, at[1] :][:side, :side].sum(dtype=int))


def test_the_still_of_a_cover_shows_it_on_the_stroke_where_it_starts(
    stills: list[Figure],
) -> None:
    explorables.cover(THREE / 255, 3, BEFORE, COVERED, 5)
    row, column = place_of_most_ink(THREE, 5)
    axes = stills[0].axes[0]
    frames = [patch for patch in axes.patches if patch.get_linewidth() == 2]
    for shown, frame in zip(axes.images, frames, strict=True):
        left, right, _, top = shown.get_extent()
        pixel = (right - left) / 28
        assert frame.get_xy() == pytest.approx((left + column * pixel, top - (row + 5) * pixel))
        assert frame.get_width() == pytest.approx(5 * pixel)
        assert frame.get_height() == pytest.approx(5 * pixel)
    assert not axes.images[0].get_array()[row : row + 5, column : column + 5].any(), "covered"


def test_the_still_of_a_digit_shows_what_each_network_reads(stills: list[Figure]) -> None:
    def second(images: NDArray[np.uint8]) -> NDArray[np.float32]:
        return 1 - by_mean(images)

    explorables.placing(THREE, 3, {"one": by_mean, "two": second})
    axes = stills[0].axes[0]
    small, large = (shown.get_array().astype(np.uint8) for shown in axes.images)
    heights = [np.ptp(np.flatnonzero(image.any(axis=1))) + 1 for image in (small, large)]
    assert heights == [12, 20]
    texts = [text.get_text() for text in axes.texts]
    assert [text for text in texts if not text.isdigit()] == [
        f"{height} pixels high" if k == 0 else ("one", "two")[k - 1]
        for height in heights
        for k in range(3)
    ]
    # Row by row and place by place, what either network reads there.
    shown = np.reshape([int(text) for text in texts if text.isdigit()], (4, 49))
    ways = [(down, across) for down in explorables.SHIFTS for across in explorables.SHIFTS]
    inside = [max(map(abs, way)) <= 3 for way in ways]  # nothing of the digit is lost
    for k, image in enumerate((small, large)):
        given = np.stack([np.roll(image, way, axis=(0, 1)) for way in ways])[inside]
        for digits, read in zip(shown[2 * k : 2 * k + 2], (by_mean, second), strict=True):
            assert np.array_equal(digits[inside], read(given).argmax(axis=1))
    cells = [patch for patch in axes.patches if patch.get_fill()]
    right = [to_hex(patch.get_facecolor()) == plots.PALETTE[0].lower() for patch in cells]
    assert right == (shown.ravel() == 3).tolist(), "blue where the network is right"
    frames = [patch for patch in axes.patches if patch.get_linewidth() == 2]
    assert len(frames) == 4
    for k, frame in enumerate(frames):
        assert np.allclose(frame.get_xy(), cells[49 * k + 24].get_xy()), "the digit's own place"


def test_the_still_of_pixels_tells_the_distances(stills: list[Figure]) -> None:
    digits, answers = MNIST.x_train[CHOSEN], MNIST.y_train[CHOSEN]
    explorables.pixels(THREE, MEANS, digits, answers)
    [axes] = stills[0].axes
    away = (((np.rint(MEANS) - THREE) / 255) ** 2).sum(axis=(1, 2))
    titles = ["digit", *(f"{digit}: {distance:.0f}" for digit, distance in enumerate(away))]
    assert [text.get_text() for text in axes.texts] == titles
    [frame] = axes.patches  # around the nearest
    title = axes.texts[1 + int(away.argmin())]
    assert frame.get_x() < title.get_position()[0] < frame.get_x() + frame.get_width()


def test_the_still_of_an_exam_looks_as_the_living_figure_does(stills: list[Figure]) -> None:
    explorables.exam(0.01, 10_000)
    axes = stills[0].axes[0]
    assert [line.get_linestyle() for line in axes.lines[:2]] == ["--", "-"]
    named = ["no gain", "a gain of 0.1 points", "shown if beyond here"]
    assert [text.get_text() for text in axes.texts] == named
    assert not axes.get_yticks().size
    # What luck explains ends at 1.96 standard errors: only beyond it a gain is found.
    edge = 100 * 1.959964 * (0.01 / 10_000) ** 0.5
    shaded, end = axes.collections
    assert shaded.get_paths()[0].vertices[:, 0].min() == pytest.approx(edge, abs=0.005)
    assert end.get_segments()[0][0][0] == pytest.approx(edge)
    # The axis reaches beyond what luck explains, also where that is far.
    for number, (disagreement, digits) in enumerate([(0.01, 10_000), (0.05, 10_000), (0.05, 320)]):
        if number:
            explorables.exam(disagreement, digits)
        axes = stills[number].axes[0]
        edge = 100 * 1.959964 * (disagreement / digits) ** 0.5
        shaded, _ = axes.collections
        assert np.ptp(shaded.get_paths()[0].vertices[:, 0]) > 0.35 * edge
        assert axes.get_xlim()[1] > 1.7 * edge


def test_the_still_of_a_softmax_shows_scores_above_and_probabilities_below(
    stills: list[Figure],
) -> None:
    explorables.softmax([2.0, 1.0, -1.0], ["a", "b", "c"], 0)
    above, below = stills[0].axes
    assert above.get_position().y0 > below.get_position().y0
    assert [bar.get_height() for bar in above.patches] == [2, 1, -1]
    found = layers.softmax(np.array([[2.0, 1.0, -1.0]]))[0]
    assert [bar.get_height() for bar in below.patches] == pytest.approx(found.tolist())
    assert [text.get_text() for text in above.texts] == ["2", "1", "−1"]
    assert [text.get_text() for text in below.texts] == [f"{p:.3f}" for p in found]
    assert [tick.get_text() for tick in below.get_xticklabels()] == ["a", "b", "c"]


@pytest.mark.parametrize("name", MADE)
def test_each_is_one_small_piece_of_html_with_a_still_picture_in_it(name: str) -> None:
    made = MADE[name]
    forms = made._repr_mimebundle_()
    assert set(forms) == {"text/html", "image/png", "text/plain"}
    assert len(forms["text/html"].encode()) <= 60_000
    assert made.alt in forms["text/plain"]
    picture = Image.open(io.BytesIO(base64.b64decode(forms["image/png"])))
    assert picture.width > 300
    assert f'<img alt="{made.alt}"' in made.html
    assert made.html.count(f'data-explorable="{name}"') == 1
    assert made.html.count("</script>") == 1
    for forbidden in ("http:", "https:", "import(", "eval(", "innerHTML", ' id="', "<style"):
        assert forbidden not in made.html, forbidden


def test_the_still_line_of_float32_hides_no_marker(stills: list[Figure]) -> None:
    explorables.rounding(KERNELS, PER_TENSOR, PER_CHANNEL, 0.966)
    (axes,) = stills[0].axes
    (exact,) = (line for line in axes.lines if set(line.get_ydata()) == {0.966})
    others = [line for line in axes.lines if line is not exact]
    assert exact.get_marker() == "None"
    assert len(others) == 2
    assert all(line.get_zorder() > exact.get_zorder() for line in others)
    assert "float32" in [text.get_text() for text in axes.texts]


def test_the_still_legend_shows_the_markers_of_its_lines(stills: list[Figure]) -> None:
    explorables.rounding(KERNELS, PER_TENSOR, PER_CHANNEL, 0.966)
    (axes,), (legend,) = stills[0].axes, stills[0].legends
    for line, handle in zip(axes.lines[:2], legend.legend_handles, strict=True):
        assert isinstance(handle, Line2D)
        assert handle.get_markerfacecolor() == line.get_markerfacecolor()
        assert handle.get_markersize() == line.get_markersize()


def test_still_workers_are_counted_and_not_powers_of_ten(stills: list[Figure]) -> None:
    explorables.scaling(0.0015, 0.00015, CARDS, 225_034, 4096)
    (axes,) = stills[0].axes
    for axis in (axes.xaxis, axes.yaxis):
        assert [tick.get_text() for tick in axis.get_ticklabels()] == ["1", "8", "64", "512"]
        assert len(axis.get_minorticklocs()) == 0


def test_what_is_too_large_is_refused() -> None:
    many = np.repeat(MNIST.x_train[:1], 40, axis=0)
    with pytest.raises(
        ValueError, match=r"'pixels' would be [\d,]+ bytes; expected at most 60,000"
    ):
        explorables.pixels(THREE, MEANS, many, np.zeros(40, int))


WRONG: dict[str, tuple[Any, str]] = {
    "an image of floats": (lambda: explorables.window(THREE / 255, LEFT_EDGE, 6, 9), "uint8"),
    "a window outside": (lambda: explorables.window(THREE, LEFT_EDGE, 26, 9), "row is 26"),
    "nine means": (lambda: explorables.pixels(THREE, MEANS[:9], THREE[None], [3]), "means"),
    "too few names": (lambda: explorables.softmax(SCORES, ["4", "7"], 1), "names"),
    "a true class that is none": (
        lambda: explorables.softmax(SCORES, list("479"), 3),
        "truth is 3",
    ),
    "a score beyond the scale": (lambda: explorables.softmax([7.0, 0], list("47"), 1), "most 6"),
    "a flat valley": (lambda: explorables.descent((0, 18), (4, 1), 0.1), "curvatures is 0"),
    "a start at the lowest point": (lambda: explorables.descent((1, 18), (0, 1), 0.1), "start"),
    "a rate beyond the slider": (lambda: explorables.descent((1, 18), (4, 1), 0.5), "rate is 0.5"),
    "percent": (lambda: explorables.threshold(100 * CONFIDENCE, RIGHT, 0.9), "confidence"),
    "a threshold of 1": (lambda: explorables.threshold(CONFIDENCE, RIGHT, 1), "start is 1"),
    "scores of another cover": (
        lambda: explorables.cover(THREE / 255, 3, BEFORE, COVERED, 4),
        "25",
    ),
    "a disagreement in per cent": (lambda: explorables.exam(0.5, 10_000), "disagreement is 0.5"),
    "an exam of ten digits": (lambda: explorables.exam(0.005, 10), "digits is 10"),
    "six bits": (
        lambda: explorables.rounding(KERNELS, PER_TENSOR[:6], PER_CHANNEL, 0.9),
        "per_tensor",
    ),
    "accuracies in per cent": (
        lambda: explorables.rounding(KERNELS, PER_TENSOR, 100 * PER_CHANNEL, 0.9),
        "the largest of per_channel is 97",
    ),
    "a kernel of one channel": (
        lambda: explorables.rounding({"a": np.ones((9, 1))}, PER_TENSOR, PER_CHANNEL, 0.9),
        r"kernels\['a'\] is an array of shape \(9, 1\)",
    ),
    "work without time": (lambda: explorables.scaling(0, 0, CARDS, 9, 64), "work is 0"),
    "a batch between two powers": (
        lambda: explorables.scaling(0, 1, CARDS, 9, 96),
        "digits is 96; expected a power of 2",
    ),
    "no network card": (lambda: explorables.scaling(0, 1, {}, 9, 64), "cards is empty"),
    "a card that carries nothing": (
        lambda: explorables.scaling(0, 1, {"dead": (0, 0)}, 9, 64),
        "bits per second of 'dead' is 0",
    ),
    "networks of nine classes": (
        lambda: explorables.placing(THREE, 3, {"one": lambda x: by_mean(x)[:, :9]}),
        "probabilities",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_arguments_are_refused_in_words(case: str) -> None:
    make, words = WRONG[case]
    with pytest.raises((TypeError, ValueError), match=words):
        make()


# --- in a browser -----------------------------------------------------------------------------

PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><meta charset="utf-8"><title>t</title>
<style>[data-theme=light] {{ background: #fcfcfa; color: #222222 }}
[data-theme=dark] {{ background: #121212; color: #ced6dd }}</style><main>{parts}</main>"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open an empty page that fails the test at any error or message."""
    context = browser.new_context(viewport={"width": 720, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: complaints.append(request.url))
    yield page
    context.close()
    asked = [text for text in complaints if not text.startswith(("about:", "data:image/png"))]
    assert asked == []


def show(page: Page, *names: str, theme: str = "light") -> Locator:
    page.set_content(PAGE.format(theme=theme, parts="".join(MADE[name].html for name in names)))
    return page.locator(".explorable")


def state(figure: Locator) -> dict[str, Any]:
    result: dict[str, Any] = figure.evaluate("element => element.state()")
    return result


def control(figure: Locator, label: str) -> Locator:
    """Return the list, slider or box whose name begins so."""
    named = figure.locator("label", has_text=re.compile(rf"^\s*{label}"))
    return named.locator("select, input")


def slide(figure: Locator, label: str, value: float) -> None:
    control(figure, label).evaluate(
        "(input, value) => { input.value = value; input.dispatchEvent(new Event('input')); }", value
    )


def keys(figure: Locator, label: str, *pressed: str) -> None:
    view = figure.get_by_label(label)
    view.focus()
    for key in pressed:
        view.press(key)


def said(figure: Locator) -> str:
    return figure.locator("p").nth(1).inner_text().replace("\u00a0", " ")


def test_pixels(page: Page) -> None:
    figure = show(page, "pixels")
    control(figure, "brush").select_option("ink")
    keys(figure, "Your copy of the digit", "ArrowRight", "ArrowDown", " ")
    now = state(figure)
    row, column = np.unravel_index(THREE.argmax(), THREE.shape)
    assert now["at"] == [row + 1, column + 1]
    mine = THREE.copy()
    mine[row + 1, column + 1] = 255
    assert now["pixels"] == mine.ravel().tolist()
    assert f"Row {row + 1}, column {column + 1}: 255 of 255" in said(figure)
    assert said(figure).endswith(f"Pixels changed: {(mine != THREE).sum()}.")
    others = MNIST.x_train[CHOSEN] / 255
    away = ((mine / 255 - others) ** 2).sum(axis=(1, 2))
    np.testing.assert_allclose(now["digits"], away, rtol=1e-6)
    away = ((mine / 255 - np.rint(MEANS) / 255) ** 2).sum(axis=(1, 2))
    np.testing.assert_allclose(now["means"], away, rtol=1e-6)
    for _ in range(5):
        figure.get_by_role("button", name="Shift →").click()
    shifted = np.zeros_like(mine)
    shifted[:, 5:] = mine[:, :-5]
    assert state(figure)["pixels"] == shifted.ravel().tolist()
    figure.get_by_role("button", name="Start again").click()
    assert state(figure)["pixels"] == THREE.ravel().tolist()


def test_window(page: Page) -> None:
    figure = show(page, "window")
    now = state(figure)
    assert now["sum"] == (THREE[6:9, 9:12].astype(int) * LEFT_EDGE).sum()
    maps = signal.correlate2d(THREE.astype(int), LEFT_EDGE, "valid")
    np.testing.assert_allclose(np.reshape(now["map"], (26, 26)), maps)
    keys(figure, "The digit with the window", "ArrowDown", "ArrowRight")
    assert state(figure)["at"] == {"row": 7, "column": 10}

    control(figure, "window").select_option("5")
    slide(figure, "stride", 2)
    slide(figure, "zeros on each side", 1)
    now = state(figure)
    wide = np.pad(THREE.astype(int), 1)
    kernel = np.array([[-1, 0, 0, 0, 1]] * 5)
    maps = signal.correlate2d(wide, kernel, "valid")[::2, ::2]
    assert now["side"] == len(maps) == 13
    np.testing.assert_allclose(np.reshape(now["map"], maps.shape), maps)
    assert "(28 + 2 − 5) / 2 + 1 = 13.5, rounded down to 13" in said(figure)


def test_window_says_in_words_what_cannot_be(page: Page) -> None:
    figure = show(page, "window")
    control(figure, "window").select_option("5")
    control(figure, "image").select_option("3")
    assert "A window of 5 × 5 does not fit into 3 × 3 pixels" in said(figure)
    slide(figure, "zeros on each side", 1)
    assert state(figure)["side"] == 1
    figure.get_by_label("weight in row 0, column 0").fill("one")
    assert "One weight is not a number" in said(figure)
    for number in ("−0,5", "1/9"):
        figure.get_by_label("weight in row 0, column 0").fill(number)
        assert "One weight" not in said(figure)


def test_the_window_slides_over_the_whole_digit(page: Page) -> None:
    figure = show(page, "window")
    control(figure, "image").select_option("12")
    figure.get_by_role("button", name="Slide the window").click()
    page.wait_for_function("document.querySelector('.explorable').state().at.row === 9")
    page.wait_for_function("document.querySelector('.explorable').state().at.column === 9")
    figure.get_by_role("button", name="Slide the window").wait_for()  # not "Pause": it has stopped


def test_softmax(page: Page) -> None:
    figure = show(page, "softmax")
    now = state(figure)
    np.testing.assert_allclose(now["probabilities"], layers.softmax(SCORES), rtol=1e-6)
    np.testing.assert_allclose(now["loss"], -np.log(layers.softmax(SCORES)[1]), rtol=1e-6)
    keys(figure, "Scores above", "ArrowRight", "ArrowUp", "ArrowUp")
    changed = SCORES + np.array([0, 0.2, 0])
    np.testing.assert_allclose(state(figure)["probabilities"], layers.softmax(changed), rtol=1e-6)
    control(figure, "true class").select_option("2")
    np.testing.assert_allclose(
        state(figure)["loss"], -np.log(layers.softmax(changed)[2]), rtol=1e-5
    )
    slide(figure, "plus", 7)
    now = state(figure)
    np.testing.assert_allclose(now["scaled"], changed + 7, rtol=1e-6)
    np.testing.assert_allclose(now["probabilities"], layers.softmax(changed), rtol=1e-5)


def test_softmax_overflows_as_float32_does(page: Page) -> None:
    figure = show(page, "softmax")
    control(figure, "without subtracting").check()
    slide(figure, "all scores times", 246)
    scaled = np.array(state(figure)["scaled"], np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        naive = np.exp(scaled) / np.exp(scaled).sum()
    assert np.isnan(naive).any()
    found = figure.evaluate("e => e.state().probabilities.map(Number.isNaN)")
    assert found == np.isnan(naive).tolist()
    assert "too large for float32" in said(figure)
    control(figure, "without subtracting").uncheck()
    np.testing.assert_allclose(state(figure)["probabilities"], layers.softmax(scaled), rtol=1e-5)


def walk(rate: float, keep: float, steps: int = 60) -> NDArray[np.float64]:
    way, pace = [np.array([4.0, 1.0])], np.zeros(2)
    for _ in range(steps):
        pace = keep * pace + np.array([1, 18]) * way[-1]
        way.append(way[-1] - rate * pace)
    return np.array(way)


def test_descent(page: Page) -> None:
    figure = show(page, "descent")
    np.testing.assert_allclose(state(figure)["path"], walk(0.1, 0), rtol=1e-9)
    slide(figure, "learning rate", 0.05)
    slide(figure, "momentum", 0.6)
    way = walk(0.05, 0.6)
    np.testing.assert_allclose(state(figure)["path"], way, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        state(figure)["losses"], (way**2 @ np.array([1, 18])) / 2, rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize(
    ("rate", "keep", "noise", "words"),
    [
        (0.002, 0, 0, "It creeps"),
        (0.05, 0, 0, "It settles"),
        (0.1, 0, 0, "It leaps from side to side, and settles"),
        (0.11, 0, 0, "It leaps from side to side, and has not settled yet"),
        (0.112, 0, 0, "It leaves the valley: each step leaps a little further"),
        (0.2, 0, 0, "It leaves the valley: each step leaps further"),
        (0.05, 0, 6, "It reaches the floor and wanders"),
    ],
)
def test_descent_says_what_the_path_does(
    page: Page, rate: float, keep: float, noise: float, words: str
) -> None:
    figure = show(page, "descent")
    slide(figure, "learning rate", rate)
    slide(figure, "momentum", keep)
    slide(figure, "noise of the batch", noise)
    assert said(figure).startswith(words)


def test_a_valley_of_one_weight_shows_all_that_a_rate_can_do(page: Page) -> None:
    figure = show(page, "descent")
    control(figure, "valley").select_option("1")
    seen = set()
    for rate in (0.002, 0.05, 0.1, 0.2):
        slide(figure, "learning rate", rate)
        seen.add(said(figure)[:12])
        way = 4.0 * (1 - 18 * rate) ** np.arange(61)
        path = np.array(state(figure)["path"], float)
        np.testing.assert_allclose(path[:, 0], way, rtol=1e-9)
    assert seen == {"It creeps: a", "It settles a", "It leaps fro", "It leaves th"}


def test_what_chapter_4_answers_about_rate_and_momentum() -> None:
    def settles(keep: float) -> int:  # the step from which on the loss stays below a hundredth
        losses = walk(0.1, keep) ** 2 @ np.array([1, 18])
        return int(np.flatnonzero(losses >= 0.01 * losses[0])[-1])

    soonest = min(np.arange(0, 0.98, 0.02), key=settles)
    assert 0.5 < soonest < 0.6
    heights = {rate: walk(rate, 0)[-1] ** 2 @ np.array([1, 18]) for rate in (0.11, 0.112)}
    assert heights[0.11] < 4**2 + 18 < heights[0.112]  # 2 / 18 lies between


def test_the_still_of_a_threshold_shows_the_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Figure] = []
    monkeypatch.setattr(explorables, "_still", lambda figure: drawn.append(figure) or b"")
    explorables.threshold(CONFIDENCE, RIGHT, 0.9)
    kept = CONFIDENCE >= 0.9
    wrong = stats.binomtest(int((kept & ~RIGHT).sum()), int(kept.sum()))
    ends = 100 * np.array(wrong.proportion_ci(method="wilson"))
    np.testing.assert_allclose(drawn[0].axes[0].lines[-1].get_ydata(), ends)


def test_threshold(page: Page) -> None:
    figure = show(page, "threshold")
    slide(figure, "threshold", 300)
    slide(figure, "digits", 2_000)
    now = state(figure)
    sure, right = CONFIDENCE[: now["digits"]], RIGHT[: now["digits"]]
    kept = sure >= now["threshold"]
    assert abs(now["threshold"] - (1 - 10**-1.2)) < 1e-9
    close = np.abs(sure - now["threshold"]) < 1 / 65535  # rounded to 16 bits
    assert abs(now["kept"] - kept.sum()) <= close.sum()
    assert abs(now["wrong"] - (kept & ~right).sum()) <= close.sum()
    assert now["wrong"] + now["handedWrong"] == (~right).sum()
    wilson = stats.binomtest(now["wrong"], now["kept"]).proportion_ci(method="wilson")
    np.testing.assert_allclose(now["interval"], [wilson.low, wilson.high], rtol=1e-5)


def test_cover(page: Page) -> None:
    figure = show(page, "cover")
    fall = BEFORE[3] - COVERED[..., 3]
    row, column = (int(place) for place in np.unravel_index(fall.argmax(), fall.shape))
    assert state(figure)["at"] == list(place_of_most_ink(THREE, 5)), "on the stroke"
    assert state(figure)["at"] != [row, column], "the best place is for the reader to find"
    figure.get_by_role("button", name="Go to the greatest fall").click()
    now = state(figure)
    assert now["at"] == [row, column]
    np.testing.assert_allclose(now["scores"], COVERED[row, column], rtol=1e-5)
    np.testing.assert_allclose(np.reshape(now["map"], (24, 24)), fall, rtol=1e-3, atol=1e-5)
    control(figure, "ask about the").select_option("8")
    figure.get_by_role("button", name="Go to the greatest fall").click()
    fall = BEFORE[8] - COVERED[..., 8]
    assert state(figure)["at"] == list(np.unravel_index(fall.argmax(), fall.shape))
    figure.get_by_role("button", name="Take the cover away").click()
    np.testing.assert_allclose(state(figure)["scores"], BEFORE, rtol=1e-5)
    assert f"reads a {BEFORE.argmax()}" in said(figure)


def test_an_8_has_its_article(page: Page) -> None:
    eight = MNIST.x_train[MNIST.y_train == 8][:1]
    figures = [
        explorables.cover(THREE / 255, 3, BEFORE, np.tile(np.eye(10)[8], (24, 24, 1)), 5),
        explorables.pixels(eight[0], MEANS, eight, np.array([8])),
    ]
    page.set_content(PAGE.format(theme="light", parts="".join(made.html for made in figures)))
    for figure in page.locator(".explorable").all():
        assert re.search(r"(reads|is) an 8\b", said(figure))


def test_placing(page: Page) -> None:
    figure = show(page, "placing")
    now = state(figure)
    at = now["at"]
    assert (at["size"], at["pen"], at["row"], at["column"]) == (3, 1, 3, 3)
    assert "in the middle" in said(figure)
    slide(figure, "size in pixels", 1)
    keys(figure, "The image that the network gets", "ArrowUp", "ArrowLeft")
    assert "3 pixels up and 3 pixels to the left" in said(figure)
    now = state(figure)
    moved = next(images for images in SEEN if len(images) > 100)
    image = np.reshape(now["image"], (28, 28)).astype(np.uint8)
    place = np.flatnonzero((moved == image).all(axis=(1, 2)))
    assert len(place) == 1, "what is shown is what the network was given"
    assert now["answers"][0] == by_mean(moved[place]).argmax()

    control(figure, "prepare it").check()
    now = state(figure)
    prepared = np.reshape(now["image"], (28, 28)).astype(np.uint8)
    np.testing.assert_array_equal(prepared, handwriting.to_mnist(image))
    assert now["answers"][0] == by_mean(prepared[None]).argmax() == 3
    keys(figure, "The image that the network gets", "ArrowDown", "ArrowRight")
    assert (state(figure)["at"]["row"], state(figure)["at"]["column"]) == (3, 3)
    assert "49 of 49" in said(figure)


def test_exam(page: Page) -> None:
    figure = show(page, "exam")
    needed = evaluation.sample_size_for_difference(0.003, 0.002)
    assert state(figure)["needed"] == needed
    assert f"For 80 of 100 it takes {needed:,} digits" in said(figure)
    slide(figure, "digits", 500)
    slide(figure, "gain in points", 0.2)
    slide(figure, "disagreements", 8)
    now = state(figure)
    assert now["digits"] == 100_000
    np.testing.assert_allclose([now["gain"], now["disagreement"]], [0.002, 0.008])
    edge = stats.norm.ppf(0.975) * np.sqrt(0.008 / 100_000)
    scatter = np.sqrt((0.008 - 0.002**2) / 100_000)
    np.testing.assert_allclose(now["edge"], edge, rtol=1e-6)
    np.testing.assert_allclose(now["found"], stats.norm.cdf((0.002 - edge) / scatter), atol=1e-6)
    slide(figure, "gain in points", 0.01)
    found = stats.norm.cdf((0.0001 - edge) / np.sqrt(0.008 / 100_000))
    np.testing.assert_allclose(state(figure)["found"], found, atol=1e-6)
    assert f"is found in {100 * found:.0f} of 100 exams" in said(figure)
    needed = evaluation.sample_size_for_difference(0.00405, 0.00395)
    np.testing.assert_allclose(state(figure)["needed"], needed, rtol=1e-6)


def test_rounding(page: Page) -> None:
    figure = show(page, "rounding")
    largest = np.abs(SPREAD).max(axis=(0, 1, 2))
    assert state(figure)["layer"] == 1, "the layer whose channels differ most is shown first"
    assert state(figure)["bits"] == 4, "where the levels can be seen"
    weights, channels = sum(kernel.size for kernel in KERNELS.values()), 16
    for bits in (8, 3, 2):
        slide(figure, "bits", bits)
        for way, scales in (("tensor", 2), ("channel", channels)):
            control(figure, "scale").select_option(way)
            now = state(figure)
            edge = 2 ** (bits - 1) - 1
            for i, channel in enumerate((largest.argmin(), largest.argmax())):
                step = (largest if way == "tensor" else largest[channel]).max() / edge
                drawn = now["channels"][i]
                before = np.array(drawn["before"])
                assert len(before) == 64
                assert np.isin(before, SPREAD[..., channel].astype(np.float32)).all()
                np.testing.assert_allclose(drawn["step"], step, rtol=1e-6)
                np.testing.assert_allclose(
                    drawn["after"], np.rint(before / step) * step, rtol=1e-6, atol=1e-12
                )
                assert now["zeros"][i] == (np.rint(before / step) == 0).sum()
            assert now["bytes"] == np.ceil(weights * bits / 8) + 4 * channels + 4 * scales
            right = PER_TENSOR if way == "tensor" else PER_CHANNEL
            np.testing.assert_allclose(now["right"], right[bits - 2], rtol=1e-6)
    assert "2 bits give 3 levels; scale: one for each channel" in said(figure)
    assert said(figure).endswith("and 85.0 % of the digits are read right (float32: 96.6 %).")
    control(figure, "layer shown").select_option("0")
    assert len(state(figure)["channels"][0]["before"]) == 9


def test_rounding_keeps_a_channel_of_zeros(page: Page) -> None:
    kernel = np.ones((9, 2)) * [0, 1]
    made = explorables.rounding({"a": kernel}, PER_TENSOR, PER_CHANNEL, 0.9)
    page.set_content(PAGE.format(theme="light", parts=made.html))
    figure = page.locator(".explorable")
    control(figure, "scale").select_option("channel")
    assert state(figure)["zeros"] == [9, 0]
    assert state(figure)["channels"][0]["after"] == [0] * 9


def test_scaling(page: Page) -> None:
    figure = show(page, "scaling")

    def parts(n: int, digits: int, card: str) -> list[float]:
        bits, delay = CARDS[card]
        sent = 2 * (n - 1) / n * 32 * 225_034 / bits
        return [0.00015 * digits, 0.0015, sent + 2 * (n - 1) * delay]

    for power, batch, card in ((3, 12, "slow"), (9, 16, "fast"), (6, 6, "slow"), (0, 10, "fast")):
        slide(figure, "workers", power)
        slide(figure, "digits in a batch", batch)
        control(figure, "network card").select_option(label=card)
        n, digits = 2**power, 2**batch
        for divided, own in ((True, digits / n), (False, digits)):
            control(figure, "the batch is").select_option("divided" if divided else "own")
            now = state(figure)
            assert (now["workers"], now["digits"], now["divided"]) == (n, digits, divided)
            expected = parts(n, own, card)
            np.testing.assert_allclose(list(now["step"].values()), expected, rtol=1e-9)
            np.testing.assert_allclose(now["seconds"], sum(expected), rtol=1e-9)
            ratio = sum(parts(1, digits, card)) / sum(expected) * (1 if divided else n)
            np.testing.assert_allclose(now["faster"], ratio, rtol=1e-9)
            if n > 1:
                assert f"times as fast as one worker: {100 * ratio / n:.0f} % of" in said(figure)
    slide(figure, "workers", 3)
    assert "8 workers take 8,192 digits, 1,024 digits each" in said(figure)


def test_scaling_marks_the_best_number_of_workers(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def still(figure: Figure) -> bytes:
        written.extend(text.get_text() for text in figure.axes[0].texts)
        return b""

    monkeypatch.setattr(explorables, "_still", still)
    # 1 + 64 / n + 2 (n - 1) · 0.5 is shortest at n = 8.
    explorables.scaling(1, 1, {"a card": (1e12, 0.5)}, 1, 64)
    assert written == ["ideal", "8 workers: 4"]


# --- all of them ------------------------------------------------------------------------------


def test_several_live_on_one_page_and_twice(page: Page) -> None:
    figures = show(page, *MADE, *MADE)
    assert figures.count() == 2 * len(MADE)
    for i in range(figures.count()):
        assert state(figures.nth(i))
        assert figures.nth(i).locator("img").count() == 0, "the still has gone"


def test_each_runs_in_a_frame_without_rights(page: Page) -> None:
    page.set_content("<main></main>")
    for made in MADE.values():
        page.evaluate(
            """html => { const frame = document.createElement('iframe');
            frame.sandbox = 'allow-scripts'; frame.srcdoc = html; document.body.append(frame); }""",
            PAGE.format(theme="light", parts=made.html),
        )
    for n, name in enumerate(MADE):
        figure = page.locator("iframe").nth(n).content_frame.locator(f"[data-explorable={name}]")
        figure.locator("canvas").first.wait_for()
        assert figure.evaluate("e => Boolean(document.querySelector('.explorable').state())")


def test_without_scripts_the_still_picture_is_seen(browser: Browser) -> None:
    page = browser.new_context(java_script_enabled=False).new_page()
    figures = show(page, *MADE)
    for i, made in enumerate(MADE.values()):
        assert figures.nth(i).get_by_alt_text(made.alt).is_visible()
    page.context.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_barred_to_a_reader(page: Page, theme: str) -> None:
    show(page, *MADE, theme=theme)
    found = Axe().run(page, options={"rules": {"page-has-heading-one": {"enabled": False}}})
    assert found.violations_count == 0, found.generate_report()


def test_a_page_that_turns_dark_is_drawn_again(page: Page) -> None:
    figure = show(page, "softmax")
    ink = "e => { const c = e.querySelector('canvas'); return c.toDataURL(); }"
    light = figure.evaluate(ink)
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.wait_for_function(
        "before => document.querySelector('canvas').toDataURL() !== before", arg=light
    )
    assert figure.evaluate("e => e.style.colorScheme") == "dark"


def test_a_phone_shows_all_of_it(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 640})
    figures = show(page, *MADE)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for i in range(figures.count()):
        for canvas in figures.nth(i).locator("canvas").all():
            box = canvas.bounding_box()
            assert box is not None
            assert box["width"] >= 96


def test_keys_stay_in_the_figure_and_the_state_is_spoken_after_a_rest(page: Page) -> None:
    figure = show(page, "cover")
    page.evaluate("addEventListener('keydown', () => { window.leaked = true; })")
    keys(figure, "The digit with its cover", "ArrowDown", "b", "ArrowDown")
    assert page.evaluate("window.leaked") is None
    assert figure.evaluate(
        "e => [...e.querySelectorAll('[tabindex], input, select, button')].every"
        "(part => part.dataset.lmSuppressShortcuts === 'true')"
    )
    # Between two keys the hand may have rested, too: the last sentence counts.
    expect(figure.get_by_role("status")).to_have_text(said(figure))
