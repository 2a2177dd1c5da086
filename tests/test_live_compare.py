"""The live page: one digit and its rival, two networks side by side, the way between two digits."""

from __future__ import annotations

import re
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect
from scipy import optimize, spatial
from test_export import network
from test_live import SEVEN, STACKS, choose_example, draw, in_words, prepared, reading, show, words
from test_site import (
    FRAMES,
    THEMES,
    TOO_WIDE,
    Visit,
    accessibility_violations,
    gzipped,
    visiting,
)

from mnist_lib import explanation, export, models
from mnist_lib import layers as numpy_layers
from mnist_lib.data import prepare

pytestmark = [pytest.mark.site, pytest.mark.timeout(900)]


def look_at(page: Page, section: str) -> None:
    """Scroll a section into view, where it follows the pad, and wait until it does."""
    show(page, f"#{section}", "nearest")


def text(page: Page, id_: str) -> str:
    return page.inner_text(f"#{id_}")


# --- a digit and its rival ------------------------------------------------------------------------


def test_the_lead_is_the_difference_of_two_occlusion_maps(live: Visit) -> None:
    page = live.page
    assert choose_example(page, 4) == 4
    page.select_option("#live-this", "4")
    page.select_option("#live-that", "9")
    state = page.evaluate("(({ rivals, lead }) => ({ rivals, lead: [...lead] }))(Evidence.state)")
    assert state["rivals"] == [4, 9]
    image = prepare(prepared(page))[0]
    model = models.load_pretrained("robust")
    one, other = (
        explanation.occlusion(model, image, label, patch_size=5, stride=2) for label in (4, 9)
    )
    expected = one - other
    lead = np.reshape(state["lead"], (28, 28))
    np.testing.assert_allclose(lead, expected, atol=2e-3 * np.abs(expected).max())

    sentence = text(page, "live-lead-words")
    places = [(int(a), int(b)) for a, b in re.findall(r"row (\d+), column (\d+)", sentence)]
    ahead, most = in_words(sentence)[:2]
    scores = models_scores(model, image)
    assert sentence.startswith("A 4 leads a 9 by")
    assert ahead == pytest.approx(scores[4] - scores[9], abs=0.02)
    assert most == pytest.approx(expected.max(), abs=0.02)
    row, column = places[0]
    assert expected[row - 1, column - 1] == pytest.approx(expected.max(), abs=0.02)
    assert text(page, "live-for").endswith("a 4")
    assert text(page, "live-against").startswith("a 9")
    # Red speaks for the digit, blue for its rival.
    pixels = np.reshape(
        page.evaluate(
            "[...document.getElementById('live-lead').getContext('2d')"
            ".getImageData(0, 0, 28, 28).data]"
        ),
        (28, 28, 4),
    ).astype(int)
    redder = pixels[..., 0] - pixels[..., 2]
    strong = np.abs(expected) > 0.3 * np.abs(expected).max()
    assert strong.sum() > 10
    assert (np.sign(redder[strong]) == np.sign(expected[strong])).all()


def models_scores(model: Any, image: np.ndarray) -> np.ndarray:
    """Return the numbers before the softmax, up to one constant that all digits have in common."""
    return np.log(model.predict(image[np.newaxis], verbose=0)[0])


def test_the_reader_chooses_both_digits(live: Visit) -> None:
    page = live.page
    assert choose_example(page, 4) == 4
    automatic = page.evaluate("Evidence.state.rivals")
    assert automatic[0] == 4
    shown = page.locator("#live-this option:checked").inner_text()
    assert shown == "what it reads: 4"
    assert page.get_attribute("#live-lead-words", "aria-live") == "off"
    page.focus("#live-that")
    assert page.get_attribute("#live-lead-words", "aria-live") == "polite"
    page.keyboard.press("1")  # as in every list of choices
    assert page.evaluate("Evidence.state.rivals") == [4, 1]
    assert text(page, "live-lead-name") == "4 minus 1"
    assert page.locator("#live-this option[value='1']").is_disabled(), (
        "a digit has no lead on itself"
    )
    page.focus("#live-this")
    page.keyboard.press("8")
    assert page.evaluate("Evidence.state.rivals") == [8, 1]
    assert text(page, "live-first-words").startswith("for an 8 (score")
    # The choice stays while somebody draws; the digit that is read takes over where none is made.
    page.select_option("#live-this", "")
    assert choose_example(page, 7) == 7
    assert page.evaluate("Evidence.state.rivals") == [7, 1]
    page.select_option("#live-that", "7")
    first, second = page.evaluate("Evidence.state.rivals")
    assert second == 7
    assert first != 7, "the highest score of the others"
    page.click("#live-clear")
    assert reading(page) is None
    assert not page.locator("#live-lead").is_visible()


# --- two networks ---------------------------------------------------------------------------------

ANSWERS = """() => Compare.answers.map((answer) => answer && {
    probabilities: [...answer.probabilities],
    convolutions: answer.convolutions.map((layer) => layer && layer.order),
})"""


def test_both_networks_answer_as_in_keras(live: Visit) -> None:
    page = live.page
    assert page.evaluate("typeof LIVE_CLASSIC") == "undefined", "fetched when somebody looks"
    choose_example(page, 5)
    look_at(page, "live-versus")
    page.wait_for_function("Compare.answers[1] !== null")
    assert page.evaluate("typeof LIVE_CLASSIC") == "object"
    image = prepare(prepared(page))
    answers = page.evaluate(ANSWERS)
    for name, side, answer in zip(("robust", "classic"), ("left", "right"), answers, strict=True):
        model = models.load_pretrained(name)
        expected = model.predict(image, verbose=0)[0]
        np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-3)
        assert text(page, f"live-{side}-words").startswith(f"Reads a {expected.argmax()} (")
        shares = page.locator("#live-versus li").nth(5).locator(".live-share").all_inner_texts()
        share = shares[side == "right"].replace("\u00a0", " ")
        assert share in (f"{100 * expected[5]:.1f} %", f"{100 * expected[5]:.0f} %")
        assert page.locator(f"#live-{side}-first .live-tile").count() == 6
        assert page.locator(f"#live-{side}-last .live-tile").count() == 6
    kernel, bias = models.load_pretrained("classic").layers[0].get_weights()
    peaks = numpy_layers.conv2d(image, kernel, bias)[0].max(axis=(0, 1))
    assert answers[1]["convolutions"][0] == np.argsort(-peaks)[:6].tolist()
    assert text(page, "live-versus-words") == "Both read a 5."


def test_the_networks_follow_the_pad(live: Visit) -> None:
    page = live.page
    look_at(page, "live-versus")
    page.select_option("#live-right", "robust")
    for digit in (3, 8):
        page.evaluate("(n) => document.querySelectorAll('#live-examples button')[n].click()", digit)
        page.wait_for_function("Live.state.settled")
        named = "an 8" if digit == 8 else f"a {digit}"
        page.wait_for_function(
            "(words) => document.getElementById('live-versus-words').textContent === words",
            arg=f"Both read {named}.",
        )
    assert page.evaluate("""() => {
        const fills = document.querySelectorAll("#live-versus .live-track span");
        const lengths = [...fills].map((fill) => fill.style.transform);
        return lengths.every((length, n) => length === lengths[n - (n % 2)]);
    }"""), "the same network on both sides, the same bars"
    page.evaluate("document.getElementById('live-clear').click()")
    page.wait_for_function("Compare.answers[0] === null && Live.state.settled")
    assert text(page, "live-left-words").startswith("Draw a digit.")
    assert not page.locator("#live-compare-maps").is_visible()


def test_an_untrained_network_is_the_same_at_every_visit(live: Visit) -> None:
    page = live.page
    kernels = """() => Compare.untrained(Live.state.network).layers.map(
        ({ kernel, bias }) => kernel && [[...kernel], [...bias]])"""
    reading(page)
    found = page.evaluate(kernels)
    model = models.load_pretrained("robust")
    sizes = [layer.kernel.shape for layer in model.layers if hasattr(layer, "kernel")]
    learned = [weights for weights in found if weights]
    assert len(learned) == len(sizes)
    for number, ((kernel, bias), shape) in enumerate(zip(learned, sizes, strict=True)):
        inputs = int(np.prod(shape[:-1]))
        outputs = int(np.prod(shape[:-2])) * shape[-1]
        last = number == len(sizes) - 1  # a softmax follows; a ReLU follows all others
        limit = np.sqrt(6 / (inputs + outputs if last else inputs))
        assert len(kernel) == np.prod(shape)
        assert np.abs(kernel).max() <= limit
        assert np.abs(kernel).max() == pytest.approx(limit, rel=0.1)
        assert np.mean(kernel) == pytest.approx(0, abs=4 * limit / np.sqrt(3 * len(kernel)))
        assert np.std(kernel) == pytest.approx(limit / np.sqrt(3), rel=0.1)
        assert not np.any(bias)
    look_at(page, "live-versus")
    page.select_option("#live-right", "untrained")
    page.wait_for_function("Live.state.settled")
    answers = page.evaluate(ANSWERS)
    assert max(answers[1]["probabilities"]) < 0.9
    assert sum(answers[1]["probabilities"]) == pytest.approx(1, abs=1e-5)
    page.reload()
    page.wait_for_function("Live.state.settled")
    assert page.evaluate(kernels) == found


def test_a_readers_network_stands_beside_the_courses(live: Visit, tmp_path: Path) -> None:
    page = live.page
    assert page.locator("#live-right option[value=own]").is_disabled()
    choose_example(page, 2)
    model = network(*STACKS["folded"]())
    look_at(page, "live-drop")
    page.set_input_files("#live-load", export.to_web(model, tmp_path / "mine.json", name="mine"))
    page.wait_for_function("Live.state.network.name === 'mine'")
    page.wait_for_function("Live.state.settled && Compare.answers[1] !== null")
    assert page.locator("#live-right option:checked").inner_text() == "your own: mine"
    image = prepare(prepared(page))
    for answer, expected in zip(
        page.evaluate(ANSWERS), (models.load_pretrained("robust"), model), strict=True
    ):
        probabilities = expected.predict(image, verbose=0)[0]
        np.testing.assert_allclose(answer["probabilities"], probabilities, atol=1e-3)
    # Its effect is in sight of the place where it was chosen.
    live.resize(1280, 700)
    show(page, "#live-drop", "nearest")
    drop, bars = (page.locator(f"#{id_}").bounding_box() for id_ in ("live-drop", "live-versus"))
    assert 0 < bars["y"] - drop["y"] - drop["height"] < 100
    # Without convolutions it has no maps, and says so.
    dense = models.dense_network(seed=1)
    page.set_input_files("#live-load", export.to_web(dense, tmp_path / "plain.json", name="plain"))
    page.wait_for_function("Live.state.network.name === 'plain' && Live.state.settled")
    assert text(page, "live-right-first") == "no convolution"
    page.click("#live-reset")
    page.wait_for_function("Live.state.network.name === 'robust'")
    assert page.locator("#live-right option:checked").inner_text() == "your own: plain"


def test_one_ring_marks_a_place_in_all_maps(live: Visit) -> None:
    page = live.page
    choose_example(page, 0)
    look_at(page, "live-compare-maps")
    page.wait_for_function("Compare.answers[1] !== null")
    where = """() => {
        const style = getComputedStyle(document.getElementById("live-compare-maps"));
        return ["--x", "--y"].map((name) => Number(style.getPropertyValue(name)));
    }"""
    tile = page.locator("#live-right-last .live-tile").nth(2)
    box = tile.bounding_box()
    page.mouse.move(box["x"] + 0.25 * box["width"], box["y"] + 0.75 * box["height"])
    page.wait_for_function(
        f"([x, y]) => (({where})()).every((part, n) => Math.abs(part - [x, y][n]) < 0.02)",
        arg=[0.25, 0.75],
    )
    page.focus("#live-compare-maps")
    assert page.get_attribute("#live-spot-words", "aria-live") == "polite"
    before = page.evaluate(where)
    for key in ("ArrowRight", "ArrowRight", "ArrowUp"):
        page.keyboard.press(key)
    x, y = page.evaluate(where)
    assert x == pytest.approx(before[0] + 2 / 28, abs=1e-3)
    assert y == pytest.approx(before[1] - 1 / 28, abs=1e-3)
    sentence = text(page, "live-spot-words")
    left, right = in_words(sentence)
    image = prepare(prepared(page))
    kernel, bias = models.load_pretrained("classic").layers[0].get_weights()
    maps = numpy_layers.conv2d(image, kernel, bias)[0]
    strongest = maps[..., maps.max(axis=(0, 1)).argmax()]
    assert right == pytest.approx(strongest[int(y * 26), int(x * 26)], abs=0.02)
    assert left != right


# --- the way from one digit to another ------------------------------------------------------------

WAY = """() => {
    const { way, curve, flips } = Morph.state;
    return { from: [...way.from], to: [...way.to], grains: way.grains, flips,
        images: curve.map(([t]) => [...way.at(t)]), answers: curve.map(([, all]) => [...all]),
        sides: flips.map(({ t }) => [[...way.at(t - 0.001)], [...way.at(t + 0.001)]]) };
}"""


def as_images(flat: Any) -> np.ndarray:
    return np.array(flat, np.float32).reshape(-1, 28, 28, 1)


@pytest.mark.parametrize("ends", [(4, 9), (1, 0), (7, 20)])
def test_the_way_moves_the_ink(live: Visit, ends: tuple[int, int]) -> None:
    page = live.page
    look_at(page, "live-morph")
    for name, end in zip(("from", "to"), ends, strict=True):
        page.select_option(f"#live-{name}", str(end))
    page.wait_for_function("Live.state.settled")
    way = page.evaluate(WAY)
    images = as_images(way["images"])
    np.testing.assert_allclose(images[0].ravel(), way["from"], atol=1e-6)
    np.testing.assert_allclose(images[-1].ravel(), way["to"], atol=1e-6)
    # Each grain has its place, and no other choice of places makes the ways shorter.
    grains = np.array(way["grains"], float)
    start, goal = grains[:, 0], grains[:, 1]
    costs = spatial.distance.cdist(start, goal, "sqeuclidean")
    best = costs[optimize.linear_sum_assignment(costs)].sum()
    assert np.trace(costs) == pytest.approx(best, rel=1e-9)
    # The grains are where the ink is, and halfway they are halfway.
    for places, end in ((start, way["from"]), (goal, way["to"])):
        counts = np.zeros((28, 28))
        np.add.at(counts, (places[:, 1].astype(int), places[:, 0].astype(int)), 1)
        ink = np.reshape(end, (28, 28))
        assert np.abs(counts / len(grains) - ink / ink.sum()).max() < 1.01 / len(grains)
    halfway = images[25, ..., 0]
    rows, columns = np.indices((28, 28))
    centre = [(part * halfway).sum() / halfway.sum() for part in (columns, rows)]
    np.testing.assert_allclose(centre, (start + goal).mean(axis=0) / 2, atol=0.3)
    # The curve is the network's, and so are the flips.
    model = models.load_pretrained("robust")
    expected = model.predict(images, verbose=0)
    np.testing.assert_allclose(way["answers"], expected, atol=2e-3)
    labels = expected.argmax(axis=1)
    assert len(way["flips"]) == np.count_nonzero(np.diff(labels))
    for flip, sides in zip(way["flips"], way["sides"], strict=True):
        found = model.predict(as_images(sides), verbose=0).argmax(axis=1)
        assert found.tolist() == [flip["before"], flip["after"]]
    sentence = text(page, "live-morph-words")
    places = [float(number) for number in re.findall(r"([\d.]+)\s%", sentence)]
    assert places == [round(100 * flip["t"], 1) for flip in way["flips"]]
    if not places:
        assert sentence.endswith(" all the way.")
    assert page.locator(".live-flip").count() == len(way["flips"])
    assert sentence in page.get_attribute("#live-curve", "aria-label")


def test_the_examples_are_what_the_pad_prepares(live: Visit) -> None:
    page = live.page
    look_at(page, "live-morph")
    for example in (4, 17):
        page.select_option("#live-from", str(example))
        page.wait_for_function("Live.state.settled")
        image = np.array(page.evaluate("[...Morph.state.way.from]"))
        page.evaluate(
            "(n) => document.querySelectorAll('#live-examples button')[n].click()", example
        )
        page.wait_for_function("Live.state.settled")
        np.testing.assert_allclose(image, prepared(page).ravel() / 255, atol=1e-6)


# Press the button, and tell at once what it says then: the way may be over soon.
PRESSED = """() => {
    const button = document.getElementById("live-go");
    button.click();
    return button.textContent;
}"""


def test_slider_button_and_pad(live: Visit) -> None:
    page = live.page
    look_at(page, "live-morph")
    assert page.input_value("#live-way") == "0"
    assert text(page, "live-go") == "Play", "nothing moves before somebody says so"
    page.focus("#live-way")
    page.keyboard.press("End")
    assert re.fullmatch(r"100\s% of the way: a 9 \([\d.]+\s%\)", text(page, "live-between-words"))
    assert page.get_attribute("#live-way", "aria-valuetext") == text(page, "live-between-words")
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    assert page.input_value("#live-way") == "97"
    # Under reduced motion it goes from picture to picture in ten jumps.
    page.keyboard.press("Home")
    page.evaluate("""() => {
        window.passed = new Set();
        const words = document.getElementById("live-between-words");
        new MutationObserver(() => passed.add(document.getElementById("live-way").value)).observe(
            words, { childList: true, characterData: true, subtree: true });
    }""")
    assert page.evaluate(PRESSED) == "Stop"
    page.wait_for_function("document.getElementById('live-go').textContent === 'Play'")
    assert page.input_value("#live-way") == "100"
    passed = {int(value) for value in page.evaluate("[...passed]")}
    assert passed <= set(range(0, 101, 10))
    assert page.evaluate(PRESSED) == "Stop", "it begins again"
    assert page.evaluate(PRESSED) == "Play"
    # What lies on the pad can be an end, and the middle can be put there.
    page.fill("#live-way", "50")
    page.click("#live-put")
    assert reading(page) is not None
    assert page.evaluate("Live.state.drawing.background.width") == 28
    page.click("#live-clear")
    draw(page, SEVEN)
    assert reading(page) == 7
    look_at(page, "live-morph")
    page.select_option("#live-from", "pad")
    page.wait_for_function("Live.state.settled")
    image = np.array(page.evaluate("[...Morph.state.way.from]"))
    np.testing.assert_allclose(image, prepared(page).ravel() / 255, atol=1e-6)
    assert text(page, "live-morph-words").startswith("The network reads a 7 up to")
    page.evaluate("document.getElementById('live-clear').click()")
    page.wait_for_function("Morph.state.way === null")
    assert text(page, "live-morph-words").startswith("There is no digit on the pad.")
    assert not page.locator("#live-go").is_visible()


# --- all of it ------------------------------------------------------------------------------------

SECTIONS = ["live-evidence", "live-compare", "live-morph"]


def open_page(visit: Visit) -> Page:
    page = visit.page
    page.add_init_script("""
        window.shifts = [];
        new PerformanceObserver((list) => {
            for (const entry of list.getEntries()) {
                if (!entry.hadRecentInput) shifts.push([entry.value,
                    entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 80) ?? "").join()]);
            }
        }).observe({ type: "layout-shift", buffered: true });
    """)
    visit.open("book/live.html")
    page.wait_for_function("Live.state.settled")
    for section in SECTIONS:
        look_at(page, section)
    page.wait_for_function("Compare.answers[1] !== null")
    return page


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_moves_and_nothing_is_out_of_reach(
    browser: Browser, live_site: Path, theme: str, width: int
) -> None:
    with visiting(browser, live_site.as_uri(), theme) as visit:
        visit.theme = theme
        visit.resize(width, 740)
        page = open_page(visit)
        page.evaluate(
            "(n) => document.querySelectorAll('#live-examples button')[n].click()", 15
        )  # a digit that is hard to read, with longer sentences
        page.wait_for_function("Live.state.settled")
        spoken = "#live-spoken"  # the last to change
        expect(page.locator(spoken)).to_have_text(page.locator("#live-words").inner_text())
        page.evaluate(FRAMES)
        shifts = page.evaluate("shifts")
        assert sum(value for value, _ in shifts) <= 0.05, shifts
        assert page.evaluate(TOO_WIDE) == []
        assert accessibility_violations(visit, "book/live") == []
        visit.assert_clean()


def test_the_keyboard_reaches_every_part(live: Visit) -> None:
    page = live.page
    for section in SECTIONS:
        look_at(page, section)
    wanted = ["live-this", "live-that", "live-left", "live-right", "live-load"]
    wanted += ["live-compare-maps", "live-from", "live-to", "live-way", "live-go", "live-put"]
    page.focus("#live-this")
    reached = []
    for _ in range(40):
        reached.append(page.evaluate("document.activeElement.id"))
        page.keyboard.press("Tab")
    assert [id_ for id_ in reached if id_ in wanted] == wanted


def test_bars_and_curves_show_in_forced_colours(browser: Browser, live_site: Path) -> None:
    context = browser.new_context(forced_colors="active", viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(f"{live_site.as_uri()}/book/live.html")
    page.wait_for_function("Live.state.settled")
    look_at(page, "live-versus")
    colours = page.evaluate("""() => {
        const style = (selector, part) => getComputedStyle(document.querySelector(selector))[part];
        return [style("#live-versus .live-track span", "backgroundColor"),
            style("#live-versus .live-track", "backgroundColor")];
    }""")
    assert colours[0] != colours[1]
    look_at(page, "live-morph")
    lines = page.evaluate("""() => [...document.querySelectorAll("#live-curve .live-chance")].map(
        (line) => getComputedStyle(line).stroke)""")
    page_colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert page_colour not in lines
    assert len(set(lines)) == len(lines) == 2
    context.close()


def test_the_example_command_copies_with_one_click(live: Visit) -> None:
    page = live.page
    code = page.locator("#bring-your-own-network .highlight")
    page.evaluate("""() => {
        window.copied = false;  // the button says so for two seconds only
        new MutationObserver(() => {
            copied ||= document.querySelector("#bring-your-own-network .copybtn.success") !== null;
        }).observe(document.body, { attributes: true, subtree: true });
    }""")
    code.hover()
    code.locator("button.copybtn").click()
    page.wait_for_function("copied")
    link = page.locator("#bring-your-own-network a", has_text="above")
    link.click()
    page.wait_for_url("**#two-networks-side-by-side")


def test_an_8_is_named_as_one_says_it(live: Visit) -> None:
    assert choose_example(live.page, 8) == 8
    assert "reads an 8 (" in words(live.page, "reads")


def test_the_live_page_is_light(live: Visit) -> None:
    """The first visit, gzipped as a web server sends it, is below 0.9 MB; the rest is on demand."""
    reading(live.page)
    paths = [urllib.parse.urlsplit(url).path for url in live.requested]
    files = [file for file in map(Path, map(urllib.request.url2pathname, paths)) if file.is_file()]
    assert any(file.name == "live-network.js" for file in files)
    assert not any(file.name == "live-classic.js" for file in files)
    weight = sum(map(gzipped, files))
    assert 300_000 < weight < 900_000, f"{weight:,} bytes"
