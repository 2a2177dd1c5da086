"""The live page's strip of the network: its numbers against NumPy, its keys, its moving window."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from keras import layers
from playwright.sync_api import Browser, Page, expect
from scipy.special import expit
from test_export import network
from test_live import (
    SETTLED,
    SEVEN,
    STACKS,
    choose_example,
    draw,
    in_words,
    main_thread,
    reading,
    show,
)
from test_site import (
    FRAMES,
    SHIFTS,
    THEMES,
    TOO_WIDE,
    SlowHandler,
    Visit,
    accessibility_violations,
    resize,
    serving,
    visiting,
)

from mnist_lib import export, models
from mnist_lib import layers as numpy_layers
from mnist_lib.data import load_mnist, prepare

pytestmark = [pytest.mark.site, pytest.mark.timeout(900)]

NETWORKS = {
    **STACKS,
    "no dense layer": lambda: [
        layers.Conv2D(8, 5, strides=2, activation="relu"),
        layers.Conv2D(10, 3),
        layers.GlobalAveragePooling2D(),
        layers.Softmax(),
    ],
    "scores that are maps": lambda: [
        layers.Conv2D(140, 5, strides=2, activation="relu"),
        layers.Conv2D(10, 12),
        layers.Flatten(),
    ],
}


@pytest.fixture
def moving(browser: Browser, live_site: Path) -> Iterator[Page]:
    """Return the page with motion."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{live_site.as_uri()}/book/live.html")
    assert reading(page) == 4
    yield page
    context.close()


def bring(page: Page, description: dict[str, Any]) -> None:
    """Let a network of the reader's own take over."""
    file = {"name": "x.json", "mimeType": "application/json"}
    page.set_input_files("#live-load", {**file, "buffer": json.dumps(description).encode()})
    page.wait_for_function("(name) => Live.state.network.name === name", arg=description["name"])
    reading(page)


def buttons(page: Page, column: int) -> Any:
    return page.locator(".live-column").nth(column).locator(".live-items button")


def items(page: Page, column: int) -> list[int]:
    return [int(button.get_attribute("data-item")) for button in buttons(page, column).all()]


def numbers(page: Page, layer: int | None) -> np.ndarray:
    """Return what a layer of the page's network makes of the digit shown; None: the digit."""
    found = page.evaluate(
        """(layer) => {
            const image = Float32Array.from(Live.state.prepared.image, (pixel) => pixel / 255);
            const { layers } = Live.state.network;
            const numbers = layer === null ? image : Network.run({ layers }, image).at(layer);
            return [[...numbers], layer === null ? [28, 28, 1] : layers.at(layer).shape];
        }""",
        layer,
    )
    return np.reshape(found[0], found[1])


def weights(page: Page, layer: int) -> tuple[np.ndarray, np.ndarray]:
    kernel, bias, shape, window = page.evaluate(
        """(n) => {
            const { kernel, bias, inputShape, shape, window } = Live.state.network.layers.at(n);
            return [[...kernel], [...bias], [inputShape.at(-1), shape.at(-1)], window ?? []];
        }""",
        layer,
    )
    return np.reshape(kernel, [*window, *shape]).astype(np.float32), np.array(bias, np.float32)


def feeds(page: Page, layer: int, item: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the sum of what each input map adds to one map, and of its amounts, by NumPy."""
    kernel, _ = weights(page, layer)
    into = numbers(page, layer - 1 if layer else None).astype(np.float32)[None]
    stride, padding = page.evaluate(
        "(n) => [Live.state.network.layers[n].strides[0], Live.state.network.layers[n].padding]",
        layer,
    )
    parts = [
        numpy_layers.conv2d(
            into[..., c : c + 1],
            kernel[:, :, c : c + 1, item : item + 1],
            strides=stride,
            padding=padding,
        )
        for c in range(into.shape[-1])
    ]
    return np.array([p.sum() for p in parts]), np.array([np.abs(p).sum() for p in parts])


# --- arithmetic that needs no page ----------------------------------------------------------------

PARTS = """([text, image]) => {
    const network = NetworkFile.fromText(text);
    const pixels = Float32Array.from(image);
    const outputs = Network.run(network, pixels);
    const columns = Parts.columnsOf(network);
    return columns.slice(1).map((column) => {
        const { kind, layer, isScores, index, count } = column;
        const parts = Parts.partsOf(network, columns, index, 1 % count, pixels, outputs);
        const { net, size } = parts;
        const bias = network.layers[layer]?.bias?.[1] ?? 0;
        return { kind, layer, isScores: Boolean(isScores), net: [...net], size: [...size], bias,
            shape: column.shape, output: layer === undefined ? [] : [...outputs[layer]] };
    });
}"""


@pytest.mark.parametrize("name", NETWORKS)
def test_the_parts_of_a_number_add_up_to_it(calculator: Page, name: str) -> None:
    image = prepare(load_mnist("sample").x_val[:1]).ravel().tolist()
    text = json.dumps(export.describe(network(*NETWORKS[name]())))
    columns = calculator.evaluate(PARTS, [text, image])
    ends = [column["isScores"] for column in columns]
    assert ends == [False] * (len(columns) - 2) + [True, False]
    seen = set()
    for column in columns:
        seen.add(column["kind"])
        net, size = np.array(column["net"]), np.array(column["size"])
        assert (size >= np.abs(net) - 1e-6).all()
        output = np.array(column["output"])
        if column["kind"] == "convolution":
            rows, wide, filters = column["shape"]
            bias = rows * wide * column["bias"]
            expected = output.reshape(rows, wide, filters)[..., 1].sum()
            assert net.sum() + bias == pytest.approx(expected, rel=1e-3, abs=1e-2)
        elif column["kind"] == "dense":
            assert net.sum() + column["bias"] == pytest.approx(output[1], rel=1e-4, abs=1e-4)
        elif column["kind"] in ("pooling", "mean"):
            assert np.flatnonzero(net).tolist() == [1]
    assert "probabilities" in seen


@pytest.mark.parametrize("temperature", [0.25, 1.0, 4.0])
@pytest.mark.parametrize("scale", [1, 300])
def test_probabilities_at_a_temperature(calculator: Page, temperature: float, scale: int) -> None:
    scores = scale * np.random.default_rng(5).normal(size=10)
    found = calculator.evaluate(
        "([scores, t]) => Parts.probabilities(scores, 'softmax', t)", [scores.tolist(), temperature]
    )
    expected = numpy_layers.softmax(scores[None] / temperature)[0]
    np.testing.assert_allclose(found["shares"], expected, atol=1e-9)
    np.testing.assert_allclose(found["powers"], expected * found["total"], atol=1e-9)
    assert max(found["powers"]) == 1, "the largest is subtracted, so that nothing overflows"
    found = calculator.evaluate(
        "([scores, t]) => Parts.probabilities(scores, 'sigmoid', t).shares",
        [scores.tolist(), temperature],
    )
    np.testing.assert_allclose(found, expit(scores / temperature), atol=1e-9)


def test_the_largest_amounts_come_first(calculator: Page) -> None:
    numbers = np.random.default_rng(6).normal(size=1000).round(1)
    found = calculator.evaluate("(numbers) => Parts.largest(numbers, 128)", numbers.tolist())
    assert found == np.argsort(-np.abs(numbers), kind="stable")[:128].tolist()
    assert calculator.evaluate("Parts.largest([1, -3], 8)") == [1, 0]


def test_of_a_large_map_a_bounded_number_of_products_is_computed(calculator: Page) -> None:
    products = calculator.evaluate(
        """() => {
            const [side, window] = [640, 25];
            const layer = { type: "conv2d", name: "wide", inputShape: [side, side, 1],
                shape: [side, side, 1], window: [window, window], strides: [1, 1], padding: "same",
                kernel: new Float32Array(window ** 2).fill(1), bias: new Float32Array(1) };
            const columns = [{ kind: "input", count: 1, isImage: true },
                { kind: "convolution", layer: 0, count: 1, source: 0, isImage: true }];
            const image = new Float32Array(side ** 2).fill(1);
            return Parts.partsOf({ layers: [layer] }, columns, 1, 0, image, []).size[0];
        }"""
    )
    assert 100_000 < products <= 1_000_000, "each is 1, so that the sum counts them; of 256 million"


# --- the columns ----------------------------------------------------------------------------------


def test_there_is_a_column_for_every_layer_with_the_strongest_first(live: Visit) -> None:
    page = live.page
    choose_example(page, 3)
    show(page, "#live-strip")
    names = page.locator(".live-column-name b").all_inner_texts()
    assert names == [
        *("input", "conv_1", "conv_2", "conv_3", "conv_4", "conv_5", "conv_6"),
        *("flatten", "scores", "probabilities"),
    ]
    network_layers = page.evaluate("Live.state.network.layers.map(({ type }) => type)")
    convolutions = [n for n, kind in enumerate(network_layers) if kind == "conv2d"]
    for column, layer in list(enumerate(convolutions, 1))[1:]:
        strength = np.abs(numbers(page, layer + 1)).sum(axis=(0, 1))
        found = items(page, column)
        assert len(found) == 6
        np.testing.assert_allclose(strength[found], np.sort(strength)[::-1][:6], rtol=1e-4)
    scores = numbers(page, -2).ravel()
    for digit, text in enumerate(buttons(page, 8).locator("span").all_inner_texts()):
        assert float(text.replace("−", "-")) == pytest.approx(scores[digit], abs=0.006)
    shares = buttons(page, 9).locator("span").all_inner_texts()
    assert shares == page.locator("#live-bars .live-share").all_inner_texts()


def test_all_maps_of_a_column_are_shown_on_demand(live: Visit) -> None:
    page = live.page
    reading(page)
    show(page, "#live-strip")
    all_maps = page.get_by_role("button", name="conv_6: show all 96 maps")
    assert all_maps.get_attribute("aria-expanded") == "false"
    all_maps.focus()
    page.keyboard.press("Enter")
    assert sorted(items(page, 6)) == list(range(96))
    assert page.evaluate("document.activeElement.textContent") == "fewer"
    assert page.evaluate(TOO_WIDE) == [], "the strip scrolls, and the page does not"
    # The arrow keys pass the six maps of a stack, and then from stack to stack.
    buttons(page, 6).first.focus()
    order = items(page, 6)
    focused = "Number(document.activeElement.dataset.item)"
    for key, place in [("ArrowDown", 1), ("ArrowRight", 7), ("ArrowRight", 13), ("ArrowLeft", 7)]:
        page.keyboard.press(key)
        assert page.evaluate(focused) == order[place]
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert "conv_5, map" in page.evaluate("document.activeElement.getAttribute('aria-label')")
    box = page.locator("#live-strip").bounding_box()
    page.locator("#live-strip").evaluate("(strip) => { strip.scrollLeft = 600; }")
    fewer = page.locator(".live-all[aria-expanded=true]")
    assert box["x"] <= fewer.bounding_box()["x"] < box["x"] + 100, "it stays in sight"
    fewer.focus()
    page.keyboard.press("Enter")
    assert len(items(page, 6)) == 6


def test_pointing_at_a_map_draws_its_strongest_inputs(live: Visit) -> None:
    page = live.page
    choose_example(page, 7)
    show(page, "#live-strip")
    target = buttons(page, 3).nth(1)
    target.hover()
    words = page.locator("#live-strip-words")
    expect(words).to_have_text(re.compile("^conv_3, map"))
    page.wait_for_function(SETTLED)
    layer = page.evaluate("Strip.state.columns[3].layer")
    item = int(target.get_attribute("data-item"))
    net, size = feeds(page, layer, item)
    strongest = np.argsort(-size)[:6]
    said = words.inner_text()
    assert said.startswith(f"conv_3, map {item + 1}: 100 numbers from")
    listed = re.findall(r"(\d+)( \(−\))?[,.]", said.partition("feeds it most")[2])
    assert [int(number) - 1 for number, _ in listed] == strongest.tolist()
    assert [bool(minus) for _, minus in listed] == (net[strongest] < 0).tolist()
    drawn = [n for n in items(page, 2) if n in strongest]
    assert page.locator(".live-line").count() == len(drawn)
    assert page.locator(".live-feeds").count() == len(drawn)
    minus = sum(net[n] < 0 for n in drawn)
    assert page.locator(".live-minus.live-line").count() == minus
    # Once it is chosen, all that feeds it stands in the column before it, the strongest first.
    target.click()
    page.mouse.move(5, 5)
    page.wait_for_function("Strip.state.lit === null")
    page.wait_for_function(SETTLED)
    assert items(page, 2) == strongest.tolist()
    assert page.locator(".live-line").count() == 6
    assert "Those without a line" not in page.inner_text("#live-strip-words")


def test_choosing_a_map_opens_its_sum(live: Visit) -> None:
    page = live.page
    choose_example(page, 2)
    show(page, "#live-strip")
    button = buttons(page, 4).nth(2)
    button.click()
    item = int(button.get_attribute("data-item"))
    chosen = page.locator(".live-strip [aria-pressed=true]")
    assert chosen.count() == 1
    assert chosen.get_attribute("data-item") == str(item)
    layer = page.evaluate("Strip.state.columns[4].layer")
    maps = numbers(page, layer)
    sentence = page.inner_text("#live-sentence")
    number, row, column = map(int, re.findall(r"Map (\d+), row (\d+), column (\d+)", sentence)[0])
    assert number == item + 1
    value = maps[row - 1, column - 1, item]
    assert value == maps[..., item].max(), "its strongest place"
    assert in_words(sentence)[-1] == pytest.approx(value, abs=0.006)
    # What the input maps add, and the bias, make the number.
    added = in_words(" ".join(page.locator("#live-terms .live-parts span").all_inner_texts()))
    assert sum(added) == pytest.approx(value, abs=0.05)
    _, bias = weights(page, layer)
    assert added[-1] == pytest.approx(bias[item], abs=0.006)
    assert "The ReLU lets it through" in page.inner_text("#live-then")
    assert page.inner_text("#live-stage-name") == f"conv_4, map {item + 1}"
    assert f"map {item + 1}:" in page.inner_text("#live-strip-spoken")
    # The other direction: an input pixel, and what it feeds.
    page.focus("#live-stage-in")
    page.keyboard.press("ArrowLeft")
    assert re.search(r"It takes part in \d+ numbers", page.inner_text("#live-sentence"))
    assert page.get_attribute("#live-said", "aria-live") == "polite"
    # The grids of all maps below turn to the same layer, and lead back to the strip.
    assert page.locator("#live-layers input").nth(3).is_checked()
    page.locator("#live-layers input").nth(1).press("Space")
    page.wait_for_function("Strip.state.columns[Strip.state.chosen.column].name === 'conv_2'")


def test_pooling_is_the_largest_of_four(live: Visit) -> None:
    page = live.page
    bring(page, export.describe(models.load_pretrained("classic"), name="classic"))
    show(page, "#live-strip")
    page.locator(".live-column").nth(1).locator("button").first.click()
    sentence, then = page.inner_text("#live-sentence"), page.inner_text("#live-then")
    number, row, column = map(int, re.findall(r"Map (\d+), row (\d+), column (\d+)", sentence)[0])
    after = numbers(page, 1)
    top, left = (row - 1) // 2 * 2, (column - 1) // 2 * 2
    four = after[top : top + 2, left : left + 2, number - 1]
    assert "largest of these four numbers" in then
    assert in_words(then)[-1] == pytest.approx(four.max(), abs=0.006)
    assert page.locator("#live-stage-pooled").is_visible()
    buttons(page, 2).nth(1).click()
    sentence = page.inner_text("#live-sentence")
    number, row, column = map(int, re.findall(r"Map (\d+), row (\d+), column (\d+)", sentence)[0])
    four = after[2 * row - 2 : 2 * row, 2 * column - 2 : 2 * column, number - 1]
    assert "the largest of the four numbers in the window" in sentence
    assert in_words(sentence)[-1] == pytest.approx(four.max(), abs=0.006)
    window = page.locator("#live-terms [role=img]").get_attribute("aria-label")
    assert in_words(window) == pytest.approx(four.ravel(), abs=0.006)
    page.focus("#live-stage-in")
    page.keyboard.press("ArrowRight")
    said = page.inner_text("#live-sentence")
    assert re.search("it passes|it is dropped", said), said


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_that_the_page_loads_can_be_walked(live: Visit, name: str) -> None:
    page = live.page
    live.resize(360, 740)
    bring(page, export.describe(network(*NETWORKS[name]()), name=name))
    show(page, "#live-strip")
    count = page.locator(".live-column").count()
    for column in range(count):
        last = buttons(page, column).last
        last.focus()
        page.keyboard.press("Enter")
        words = page.inner_text("#live-strip-words")
        assert len(words) > 20
        assert page.inner_text("#live-sentence")
        assert last.get_attribute("aria-pressed") == "true"
        right = last.evaluate("(button) => button.getBoundingClientRect().right")
        assert right <= 360 - 16, "the strip scrolls to what is chosen"
    assert page.evaluate(TOO_WIDE) == []
    for column in range(count):
        expand = page.locator(".live-column").nth(column).locator(".live-all")
        if expand.count():
            expand.click()
            assert len(items(page, column)) <= 128
    expected = numbers(page, -1).ravel()
    shares = buttons(page, count - 1).locator("span").all_inner_texts()
    ends_in_scores = page.evaluate(
        "!['softmax', 'sigmoid'].includes(Live.state.network.layers.at(-1).activation)"
    )
    if ends_in_scores:
        expected = numpy_layers.softmax(expected[None])[0]
    for share, value in zip(shares, expected, strict=True):
        if "<" not in share:
            assert float(share.split()[0]) == pytest.approx(100 * value, abs=0.06)


@pytest.mark.parametrize("name", ["same", "dense"])
def test_a_network_that_takes_over_finds_nothing_waiting(live: Visit, name: str) -> None:
    page = live.page
    bring(page, export.describe(network(*NETWORKS[name]()), name=name))
    for selector in ("#live-strip", "#live-scores"):
        show(page, selector)
        page.evaluate(
            """async () => {
                const { network, prepared } = Live.state;
                const image = Float32Array.from(prepared.image, (pixel) => pixel / 255);
                Inside.show(image, Network.run(network, image));
                Inside.use(network); // before the hand has rested on the digit
                await new Promise((done) => setTimeout(done, 500)); // twice as long as it waits
            }"""
        )
        assert live.console == []
        for column in range(page.locator(".live-column").count()):
            buttons(page, column).first.dispatch_event("click")  # nothing to show yet, no fault
        assert live.console == []
    choose_example(page, 4)
    reading(page)
    show(page, "#live-strip")
    assert len(page.inner_text("#live-strip-words")) > 20


# --- keys, motion ---------------------------------------------------------------------------------


def test_the_strip_is_one_stop_of_the_tab_key(live: Visit) -> None:
    page = live.page
    reading(page)
    show(page, "#live-strip")
    stops = page.locator(".live-strip button[tabindex='0']")
    assert stops.count() == 1
    stops.focus()
    page.keyboard.press("End")
    label = "document.activeElement.getAttribute('aria-label')"
    assert page.evaluate(label).startswith("probability of a 0: ")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    assert re.match(r"score of a 1: −?\d", page.evaluate(label))
    page.keyboard.press("Home")
    assert page.evaluate(label).startswith("the input: 784 numbers from 0.00 to")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert re.match(r"conv_1, map \d+: 676 numbers", page.evaluate(label))
    assert stops.count() == 1
    assert page.evaluate("document.activeElement.tabIndex") == 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-pressed')") == "true"
    assert page.get_attribute("#live-strip-spoken", "role") == "status"
    assert page.inner_text("#live-strip-spoken").startswith("Chosen: conv_1, map")
    page.keyboard.press("Tab")
    assert not page.evaluate("document.activeElement.closest('#live-strip')")


# How many numbers of the map are painted; the others are still empty.
PAINTED = """() => {
    const canvas = document.getElementById("live-stage-out");
    const { width, height } = canvas;
    const copy = Object.assign(document.createElement("canvas"), { width, height });
    const context = copy.getContext("2d", { willReadFrequently: true });
    context.drawImage(canvas, 0, 0);
    const { data } = context.getImageData(0, 0, width, height);
    return data.filter((byte, n) => n % 4 === 3 && byte > 0).length;
}"""


# Pause as soon as three numbers are there (or more, if frames come late), and tell how many.
PAUSE_AT_THREE = """() => new Promise((done) => {
    requestAnimationFrame(function look() {
        if (Stage.state.filled < 3) return requestAnimationFrame(look);
        document.getElementById("live-play").click();
        done(Stage.state.filled);
    });
})"""


def place(number: int) -> str:
    """Say where the last of so many numbers stands in a map of 26 × 26."""
    row, column = divmod(number - 1, 26)
    return f"row {row + 1}, column {column + 1}"


def test_the_window_moves_and_fills_the_map(moving: Page) -> None:
    page = moving
    show(page, "#live-stage")
    assert page.evaluate(PAINTED) == 26 * 26
    page.select_option("#live-speed", "slow")
    page.click("#live-play")
    assert page.inner_text("#live-play") == "Pause"
    filled = page.evaluate(PAUSE_AT_THREE)
    assert 3 <= filled < 26 * 26
    assert page.evaluate(PAINTED) == filled
    assert page.inner_text("#live-strip-spoken") == f"Paused at {place(filled)}."
    page.wait_for_timeout(700)  # two numbers' time
    assert page.evaluate("Stage.state.filled") == filled, "pause stops it"
    page.click("#live-step")
    assert page.evaluate(PAINTED) == filled + 1
    assert f"{place(filled + 1)}:" in page.inner_text("#live-sentence")
    page.focus("#live-stage-out")
    page.keyboard.press("Enter")
    assert page.evaluate(PAINTED) == filled + 2
    page.select_option("#live-speed", "fast")
    page.focus("#live-stage-out")
    page.keyboard.press("Space")
    page.wait_for_function("Stage.state.filled === null")
    assert page.evaluate("Stage.state.playing") is False
    assert page.evaluate(PAINTED) == 26 * 26
    assert page.inner_text("#live-strip-spoken") == "The map is full."


def test_a_link_to_the_strip_leaves_play_alive(browser: Browser, live_site: Path) -> None:
    context = browser.new_context(viewport={"width": 1024, "height": 768})
    page = context.new_page()
    page.goto(f"{live_site.as_uri()}/book/live.html#a-walk-through-the-network")
    assert reading(page) == 4
    show(page, "#live-stage")
    page.click("#live-play")
    page.wait_for_function("Stage.state.filled >= 1")
    context.close()


@pytest.mark.parametrize("size", [(360, 640), (1280, 720)])
def test_who_chooses_a_map_sees_it_enlarged(live: Visit, size: tuple[int, int]) -> None:
    page = live.page
    live.resize(*size)
    show(page, "#live-strip", "start")
    chosen = buttons(page, 1).nth(3)
    chosen.click()
    out, button = page.locator("#live-stage-out").bounding_box(), chosen.bounding_box()
    assert out["y"] + out["height"] <= size[1]
    assert button["y"] >= 0, "what was chosen stays in sight"


def test_nothing_moves_out_of_sight(moving: Page) -> None:
    page = moving
    show(page, "#live-strip")
    resize(page, 1280, 1400)
    page.select_option("#live-speed", "slow")  # or the map could be full before it is looked at
    buttons(page, 2).nth(0).click()
    page.wait_for_function("Stage.state.filled >= 3")  # what waits for the hand stops nothing
    assert page.evaluate("Stage.state.playing")
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    resize(page, 1280, 500)
    page.wait_for_function("!Stage.state.playing")
    assert page.evaluate("Stage.state.filled") is not None, "it was not full yet"
    assert page.evaluate("document.getElementById('live-play').textContent") == "Play"


def test_with_less_motion_there_are_only_steps(live: Visit) -> None:
    page = live.page
    reading(page)
    show(page, "#live-strip")
    live.resize(1280, 1400)
    buttons(page, 2).nth(0).click()
    assert not page.locator("#live-play").is_visible()
    assert not page.locator("#live-speed").is_visible()
    page.focus("#live-stage-out")
    page.keyboard.press("Space")
    assert page.evaluate("Stage.state.playing") is False
    page.click("#live-step")
    page.click("#live-step")
    assert page.evaluate(PAINTED) == 2
    page.click("#live-whole")
    assert page.evaluate(PAINTED) == 12 * 12
    assert page.evaluate("document.activeElement.id") == "live-step"


# --- scores and probabilities ---------------------------------------------------------------------


def test_the_temperature_changes_probabilities(live: Visit) -> None:
    page = live.page
    choose_example(page, 12)
    show(page, "#live-scores")
    scores = numbers(page, -2).ravel()
    slider = page.locator("#live-temperature")
    for presses, key, temperature in [(0, "", 1.0), (1, "End", 4.0), (1, "Home", 0.25)]:
        slider.focus()
        for _ in range(presses):
            page.keyboard.press(key)
        expected = numpy_layers.softmax(scores[None] / temperature)[0]
        shares = page.locator(".live-share-cell").all_inner_texts()
        for share, value in zip(shares, expected, strict=True):
            found = 0.0 if "<" in share else float(share.split()[0])
            assert found == pytest.approx(100 * value, abs=0.1)
        assert page.inner_text("#live-temperature-number") == f"{temperature:.2f}"
        words = page.inner_text("#live-temperature-words")
        assert f"At temperature {temperature:.2f}" in words
        assert f" {expected.argmax()}" in words
        digit = int(expected.argmax())
        named = f"{'an' if digit == 8 else 'a'} {digit}"
        assert f"for {named}" in slider.get_attribute("aria-valuetext")
        powers = in_words(" ".join(page.locator(".live-power-cell").all_inner_texts()))
        assert max(powers) == 1
    page.click("#live-cool")
    assert page.input_value("#live-temperature") == "0"
    assert page.evaluate("document.activeElement.id") == "live-temperature"
    assert page.evaluate("[...Live.state.probabilities]") == pytest.approx(
        numpy_layers.softmax(scores[None])[0], abs=1e-5
    ), "the page's own answer is left alone"


def test_the_products_behind_a_score(live: Visit) -> None:
    page = live.page
    choose_example(page, 8)
    show(page, "#live-addends")
    kernel, bias = weights(page, -2)
    into = numbers(page, -3).ravel()
    for digit in (8, 3):
        if digit == 3:
            page.locator("#live-scores").get_by_role("radio", name="3", exact=True).focus()
            page.keyboard.press("Space")
        page.wait_for_function(
            "(digit) => document.getElementById('live-addends-name').textContent.includes(digit)",
            arg=f"of {'an' if digit == 8 else 'a'} {digit} ",
        )
        products = into * kernel[:, digit]
        order = np.argsort(-np.abs(products))[:8]
        rows = page.locator(".live-addends tbody tr").all_inner_texts()
        found = [in_words(row.replace("+", ""))[-1] for row in rows]
        np.testing.assert_allclose(found[:8], products[order], atol=0.006)
        place, channel = divmod(int(order[0]), 96)
        row, column = divmod(place, 4)
        assert f"map {channel + 1}, row {row + 1}, column {column + 1}" in rows[0]
        assert found[8] == pytest.approx(products.sum() - products[order].sum(), abs=0.006)
        assert found[9] == pytest.approx(bias[digit], abs=0.006)
        assert found[10] == pytest.approx(numbers(page, -2).ravel()[digit], abs=0.006)
        by_map = in_words(" ".join(page.locator("#live-addends .live-parts").all_inner_texts()))
        sums = products.reshape(16, 96).sum(axis=0)
        assert by_map[0] == pytest.approx(sums[np.abs(sums).argmax()], abs=0.006)
        assert sum(by_map) == pytest.approx(products.sum(), abs=0.06)


# --- a page that holds still, on every screen -----------------------------------------------------


@pytest.mark.parametrize("size", [(360, 640), (1280, 900)])
def test_the_page_holds_still(browser: Browser, live_site: Path, size: tuple[int, int]) -> None:
    context = browser.new_context(viewport={"width": size[0], "height": size[1]})
    page = context.new_page()
    with serving(live_site, SlowHandler) as address:
        page.goto(f"{address}/book/live.html")
        reading(page)
        height = page.evaluate("document.documentElement.scrollHeight")
        for top in range(0, min(height, 6000), 400):
            page.evaluate("(top) => scrollTo(0, top)", top)
            page.evaluate(FRAMES)
        page.wait_for_function(SETTLED)
        assert page.evaluate(SHIFTS) <= 0.05
        context.close()


def test_pad_and_strip_stay_in_reach(live: Visit) -> None:
    page = live.page
    reading(page)
    page.locator("#live-words").wait_for()
    assert not page.locator(".live-dock").is_visible()
    show(page, "#live-scores")
    dock = page.get_by_role("group", name="Your digit")
    assert re.match(r"4\s*9\d", dock.inner_text())
    # The pad stands in the margin, covers no text, and can be drawn on there.
    pad = page.locator("#live-pad").bounding_box()
    assert pad["y"] + pad["height"] < 900
    assert pad["x"] >= page.evaluate(
        "document.querySelector('.bd-article').getBoundingClientRect().right"
    )
    draw(page, SEVEN)
    assert reading(page) == 7
    assert dock.inner_text().startswith("7")
    page.get_by_role("button", name="Network", exact=True).click()
    page.wait_for_function("document.activeElement.closest('#live-strip') !== null")
    assert 0 < page.locator("#live-strip").bounding_box()["y"] < 200
    page.get_by_role("button", name="Draw", exact=True).click()
    expect(page.locator("#live-pad")).to_be_focused()
    expect(dock).to_be_hidden()
    assert page.locator("#live-pad").bounding_box()["width"] == pytest.approx(320, abs=2)
    # On a phone the answer stays, in a bar at the lower edge.
    live.resize(360, 640)
    show(page, "#live-scores")
    box = page.locator(".live-dock").bounding_box()
    assert box["width"] == 360
    assert box["height"] < 70
    assert box["y"] + box["height"] == 640
    assert (
        page.evaluate(
            "getComputedStyle(document.getElementById('live-pad').parentElement).position"
        )
        == "relative"
    )


def test_on_a_phone_the_answer_is_in_sight_of_the_pen(live: Visit) -> None:
    page = live.page
    live.resize(360, 640)
    reading(page)
    page.evaluate("scrollTo(0, 0)")
    for selector in ("#live-digit", "#live-words", "#live-pad"):
        box = page.locator(selector).bounding_box()
        assert 0 < box["y"] < box["y"] + box["height"] <= 640, selector


@pytest.mark.parametrize("theme", THEMES)
def test_the_strip_is_accessible(browser: Browser, live_site: Path, theme: str) -> None:
    with visiting(browser, live_site.as_uri(), theme) as visit:
        visit.theme = theme
        visit.open("book/live.html")
        page = visit.page
        reading(page)
        show(page, "#live-strip")
        buttons(page, 3).nth(1).click()
        buttons(page, 2).nth(2).focus()
        show(page, "#live-scores")
        assert accessibility_violations(visit, "book/live") == []
        buttons(page, 8).nth(4).click()
        assert accessibility_violations(visit, "book/live") == []
        visit.resize(360, 640)
        assert page.evaluate(TOO_WIDE) == []
        visit.assert_clean()


FRAME = """(n) => {
    const image = Float32Array.from(Live.state.prepared.image, (pixel) => pixel / 255);
    image[400] = n / 40; // every time another digit
    Inside.show(image, Network.run(Live.state.network, image));
}"""


def test_a_frame_with_the_strip_in_sight(live: Visit, capsys: pytest.CaptureFixture[str]) -> None:
    """Compute and paint strip, stage, maps and scores within a frame at 60 Hz, 16 ms of CPU time.

    The quickest of many: the first compile the scripts, and in some the browser does other work.
    """
    page = live.page
    live.resize(1280, 5000)
    reading(page)
    show(page, "#live-strip")
    busy = main_thread(page)
    times = []
    for n in range(40):
        before = busy()
        page.evaluate(FRAME, n)
        times.append(1e3 * (busy() - before))
    with capsys.disabled():
        print(f"\nquickest of {len(times)}: {min(times):.1f} ms; median {np.median(times):.1f} ms")
    assert 1 < min(times) <= 16
