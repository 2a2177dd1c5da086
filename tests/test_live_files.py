"""Files that readers bring to the live page: hostile, mistaken, or larger than it can bear."""

from __future__ import annotations

import base64
import io
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image
from playwright.sync_api import Browser, Page
from test_export import network
from test_live import SETTLED, SEVEN, STATIC, draw, main_thread, reading, show
from test_site import Visit

from mnist_lib import export

pytestmark = [pytest.mark.site, pytest.mark.timeout(900)]


def zeros(*shape: int, dtype: str = "int8") -> dict[str, Any]:
    """Describe an array of zeros."""
    data = base64.b64encode(np.zeros(shape, dtype).tobytes()).decode("ascii")
    return {"shape": list(shape), "dtype": dtype, "data": data}


def conv(
    window: tuple[int, int], channels: int, filters: int, padding: str = "same"
) -> dict[str, Any]:
    return {
        "type": "conv2d",
        "name": "conv",
        "window": list(window),
        "strides": [1, 1],
        "padding": padding,
        "kernel": zeros(*window, channels, filters),
        "bias": zeros(filters),
    }


def pool(window: tuple[int, int], padding: str = "same") -> dict[str, Any]:
    settings = {"window": list(window), "strides": [1, 1], "padding": padding}
    return {"type": "max_pool2d", "name": "pool", **settings}


def activation(name: str) -> dict[str, Any]:
    return {"type": "activation", "name": name, "activation": name}


def dense(inputs: int, units: int) -> dict[str, Any]:
    return {"type": "dense", "name": "d", "kernel": zeros(inputs, units), "bias": zeros(units)}


def document(*described: dict[str, Any], **changes: Any) -> bytes:
    whole = {
        "format": export.FORMAT,
        "version": export.VERSION,
        "name": "n",
        "note": "",
        "accuracy": None,
        "input": [28, 28, 1],
        "layers": list(described),
    }
    return json.dumps(whole | changes).encode()


FLATTEN = {"type": "flatten", "name": "flatten"}
AVERAGE = {"type": "global_average_pool2d", "name": "mean"}


# --- networks that cost too much: refused before anything is computed -----------------------------

COSTLY: dict[str, tuple[Callable[[], bytes], str]] = {
    # The page showed such a window as a table of 122,500 weights.
    "a window larger than its image": (
        lambda: document(conv((350, 350), 1, 1), FLATTEN, dense(784, 10)),
        "the window must be a whole number from 1 to 28",
    ),
    "a pooling window larger than its image": (
        lambda: document(pool((30, 30)), FLATTEN, dense(784, 10)),
        "the window must be a whole number from 1 to 28",
    ),
    "element-wise layers with millions of outputs": (
        lambda: document(
            conv((1, 1), 1, 600), *[activation("tanh") for _ in range(97)], AVERAGE, dense(600, 10)
        ),
        "more than 1000000 outputs an image: too many. Use fewer channels",
    ),
    # A thousand multiplications of one number are quick; a thousand numbers with one are not.
    "many narrow convolutions": (
        lambda: document(*[conv((28, 28), 1, 1) for _ in range(98)], FLATTEN, dense(784, 10)),
        r"as long as \d+ multiplications an image; this page accepts at most 100000000",
    ),
    "many wide poolings": (
        lambda: document(
            conv((1, 1), 1, 100), *[pool((28, 28)) for _ in range(9)], AVERAGE, dense(100, 10)
        ),
        r"as long as \d+ multiplications an image; this page accepts at most 100000000",
    ),
    "one pooling that is too wide": (
        lambda: document(conv((1, 1), 1, 200), pool((28, 28)), AVERAGE, dense(200, 10)),
        r"\(pool\) takes as long as \d+ multiplications: too many. Use fewer or narrower",
    ),
    "three million keys": (
        lambda: document(extra=dict.fromkeys(map(str, range(500_000)), 0)),
        "more parts than any network of this course",
    ),
    "half a million escapes": (
        lambda: b'{"name": "' + b"\\u0041" * 500_000 + b'"}',
        "more parts than any network of this course",
    ),
    "half a million numbers": (
        lambda: document(input=list(range(500_000))),
        "more parts than any network of this course",
    ),
    "half a million brackets": (
        lambda: b"[" * 500_000,
        "more parts than any network of this course",
    ),
    "a shape of nested lists": (
        lambda: document(FLATTEN, dense(784, 10) | {"kernel": {"shape": [[[784]], 10]}}),
        "should have the shape [784,10]",
    ),
    "a data text that is too long": (
        lambda: document(
            FLATTEN, dense(784, 10) | {"bias": zeros(10) | {"data": "A" * 10_000_000}}
        ),
        "should have 10 bytes of data, but has about 7500000",
    ),
}


REFUSAL = """(text) => {
    try { NetworkFile.fromText(text); return "accepted"; }
    catch (error) {
        return `${error instanceof NetworkFile.NetworkFileError} ${error.message}`;
    }
}"""


@pytest.mark.parametrize("name", COSTLY)
def test_costly_networks_are_refused(calculator: Page, name: str) -> None:
    make, message = COSTLY[name]
    said = calculator.evaluate(REFUSAL, make().decode())
    if not re.search(message, said):
        assert message in said
    assert said.startswith("true ")


WITHIN: dict[str, list[layers.Layer]] = {
    "narrow convolutions": [layers.Conv2D(1, 28, padding="same") for _ in range(17)],
    "a wide convolution": [
        layers.Conv2D(60, 3, padding="same"),
        layers.Conv2D(200, 3, padding="same"),
    ],
    "a wide pooling": [
        layers.Conv2D(140, 1, padding="same"),
        layers.MaxPooling2D(28, strides=1, padding="same"),
    ],
    "many outputs": [
        layers.Conv2D(300, 1, padding="same"),
        layers.Activation("tanh"),
        layers.Activation("sigmoid"),
        layers.Activation("softmax"),
    ],
}


@pytest.mark.parametrize("name", WITHIN)
def test_the_page_accepts_what_python_writes_up_to_the_limits(
    calculator: Page, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both count work and outputs alike: to the last unit, Python's limit is the page's."""
    model = network(*WITHIN[name], layers.GlobalAveragePooling2D(), layers.Dense(10))
    text = json.dumps(export.describe(model))
    used = calculator.evaluate(
        """(text) => {
            const start = performance.now();
            const network = NetworkFile.fromText(text);
            const image = new Float32Array(784).fill(0.5);
            const outputs = Network.run(network, image);
            return { ms: performance.now() - start, multiplyAdds: network.multiplyAdds,
                outputs: outputs.reduce((sum, each) => sum + each.length, 0) };
        }""",
        text,
    )
    print(f"{name}: {used['ms']:.0f} ms with the reading of the file")
    assert used["outputs"] == sum(int(np.prod(layer.output.shape[1:])) for layer in model.layers)
    for limit in ("MAX_WORK", "MAX_OUTPUTS"):
        low, high = 0, getattr(export, limit)
        while high - low > 1:  # the smallest limit with which Python writes it
            middle = (low + high) // 2
            monkeypatch.setattr(export, limit, middle)
            try:
                export.describe(model)
                high = middle
            except ValueError:
                low = middle
        monkeypatch.undo()
        script = (STATIC / "network-file.js").read_text(encoding="utf-8")
        for allowed, accepted in [(high, True), (high - 1, False)]:
            changed = re.sub(rf"const {limit} = \d+;", f"const {limit} = {allowed};", script)
            tight = changed.replace("const NetworkFile =", "window.Tight =")
            said = calculator.evaluate(
                """([script, text]) => {
                    (0, eval)(script);
                    try { Tight.fromText(text); return true; } catch { return false; }
                }""",
                [tight, text],
            )
            assert said is accepted, (limit, allowed)


# --- files of every type, on the page -------------------------------------------------------------


def picture(form: str, size: tuple[int, int] = (40, 40)) -> bytes:
    file = io.BytesIO()
    Image.new("L", size, 255).save(file, form)
    return file.getvalue()


def claimed_png(width: int, height: int) -> bytes:
    """Return a small PNG whose header claims a size that is not there."""

    def chunk(name: bytes, data: bytes) -> bytes:
        check = zlib.crc32(name + data).to_bytes(4, "big")
        return len(data).to_bytes(4, "big") + name + data + check

    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([1, 0, 0, 0, 0])
    rows = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rows + chunk(b"IEND", b"")


NESTED = "".join(f'<g id="g{n}">' + f'<use href="#g{n - 1}"/>' * 10 + "</g>" for n in range(1, 12))
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><defs>'
    f'<g id="g0"><circle r="3"/></g>{NESTED}</defs><use href="#g11"/></svg>'
).encode()


@dataclass(frozen=True)
class Nasty:
    """A file's name, its type as the browser is told, its bytes, and part of the answer."""

    name: str
    content: Callable[[], bytes]
    message: str
    media: str = ""


HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(2000)
NASTY = [
    *[Nasty(f"{n}.json", make, message) for n, (make, message) in COSTLY.items()],
    Nasty("drawing.svg", lambda: SVG, "is an SVG drawing", "image/svg+xml"),
    Nasty("digit.png", lambda: SVG, "is an SVG drawing", "image/png"),
    Nasty(
        "xml.jpg",
        lambda: b"\xef\xbb\xbf \n<?xml version='1.0'?>\n<!-- a long story -->" + SVG,
        "is an SVG drawing",
        "image/jpeg",
    ),
    Nasty("network.json", lambda: SVG, "is an SVG drawing", "application/json"),
    Nasty("page.pdf", lambda: b"%PDF-1.7\n" + bytes(500), "is a PDF, and", "application/pdf"),
    Nasty("scan.jpg", lambda: b"\n\n%PDF-1.4\n%\xe2\xe3", "is a PDF, and", "image/jpeg"),
    Nasty("IMG_0001.HEIC", lambda: HEIC, "is a HEIC picture", "image/heic"),
    Nasty("IMG_0002.jpg", lambda: HEIC, "is a HEIC picture", "image/jpeg"),
    Nasty("film.mp4", lambda: b"\0\0\0\x18ftypmp42" + bytes(99), "is a film", "video/mp4"),
    Nasty("scan.tif", lambda: picture("TIFF"), "is a TIFF picture", "image/tiff"),
    Nasty("model.keras", lambda: b"PK\x03\x04" + bytes(99), "is an archive, such as a .keras"),
    Nasty("weights.h5", lambda: b"\x89HDF\r\n\x1a\n" + bytes(99), "is an HDF5 file"),
    Nasty("images.npy", lambda: b"\x93NUMPY\x01\0" + bytes(99), "is an array of NumPy's"),
    Nasty("model.pkl", lambda: b"\x80\x04\x95" + bytes(99), "is a pickle of Python's"),
    Nasty("model.json.gz", lambda: b"\x1f\x8b\x08" + bytes(99), "is packed with gzip"),
    Nasty("page.html", lambda: b"<!doctype html><script>1</script>", "is a web page", "text/html"),
    Nasty("nothing.png", bytes, "is empty", "image/png"),
    Nasty("nothing.json", bytes, "is empty"),
    Nasty("noise.png", lambda: b"no picture", "not a picture that your browser can", "image/png"),
    Nasty("noise.bin", lambda: bytes(range(256)), "not a picture that your browser can read"),
    Nasty(
        "half.png", lambda: picture("PNG")[:60], "not a picture that your browser can", "image/png"
    ),
    Nasty(
        "bomb.png",
        lambda: claimed_png(60_000, 60_000),
        "60000 × 60000 pixels|not a picture that your browser can read",
        "image/png",
    ),
    Nasty("large.png", lambda: picture("PNG", (9000, 9000)), "at most 60 million", "image/png"),
    Nasty("notes.txt", lambda: b"Draw a seven.", "damaged or not JSON", "text/plain"),
    Nasty("a" * 200 + ".json", lambda: b"[]", "does not describe a network"),
    Nasty("\u202egnp.exe", lambda: b"MZ" + bytes(300), "not a picture that your browser can read"),
]


def say(page: Page) -> str:
    page.wait_for_function(
        "() => !document.getElementById('live-message').textContent.startsWith('Reading')"
    )
    return page.inner_text("#live-message")


def test_every_nasty_file_gets_a_sentence(
    live: Visit, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """None changes the page; none holds it up, by the processor's time rather than the clock's."""
    page = live.page
    draw(page, SEVEN)
    assert reading(page) == 7
    busy = main_thread(page)
    worst: dict[str, float] = {}
    assert len(NASTY) >= 30
    for nasty in NASTY:
        file: Any = tmp_path / nasty.name
        if nasty.media:  # another type than its name says
            file = {"name": nasty.name, "mimeType": nasty.media, "buffer": nasty.content()}
        else:  # the browser opens it itself: bytes that are handed over are unpacked by the page
            file.write_bytes(nasty.content())
        before = busy()
        page.set_input_files("#live-load", file)
        page.wait_for_function("document.getElementById('live-load').value === ''")
        sentence = say(page)
        worst[nasty.name] = busy() - before
        assert nasty.message in sentence or re.search(nasty.message, sentence), nasty.name
        assert sentence.startswith("“"), sentence
        assert sentence.endswith(". Nothing was changed."), sentence
        assert len(sentence) < 450, sentence
        assert reading(page) == 7
        assert page.locator("#live-message.live-error").count() == 1
        assert page.inner_text("#live-pad-message") == sentence, "it stands beside the pad, too"
    name = max(worst, key=worst.__getitem__)
    with capsys.disabled():
        print(f"\n{len(NASTY)} files; the main thread at most {1e3 * worst[name]:.0f} ms ({name})")
    assert worst[name] < 0.5
    live.console.clear()  # pictures that cannot be unpacked may be reported there


def large_dense() -> bytes:
    """Return nearly the largest file that the page accepts."""
    units = 15_000
    return document(FLATTEN, dense(784, units), activation("relu"), dense(units, 10))


AT_THE_LIMITS: dict[str, Callable[[], bytes]] = {
    **{
        name: lambda stack=stack: json.dumps(
            export.describe(network(*stack, layers.GlobalAveragePooling2D(), layers.Dense(10)))
        ).encode()
        for name, stack in WITHIN.items()
    },
    "a large file": large_dense,
}

# What the page's own code runs in; the clock of the thread stands still while others run.
TASKS = {"TimerFire", "FireAnimationFrame", "EventDispatch", "RunMicrotasks", "FunctionCall"}


def milliseconds(trace: bytes) -> list[float]:
    """How long the page's own tasks took, each by the clock of its thread."""
    events = json.loads(trace)["traceEvents"]
    return [event["tdur"] / 1000 for event in events if event["name"] in TASKS and "tdur" in event]


@pytest.mark.parametrize("name", AT_THE_LIMITS)
def test_no_task_takes_longer_than_200_ms(
    live: Visit, browser: Browser, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Reading, checking, every section of the page: for the costliest files that are accepted."""
    page = live.page
    assert reading(page) == 4
    content = AT_THE_LIMITS[name]()
    assert name != "a large file" or 0.9 < len(content) / export.MAX_BYTES < 1
    path = tmp_path / "net.json"
    path.write_bytes(content)
    browser.start_tracing(page=page, categories=["devtools.timeline"])
    page.set_input_files("#live-load", path)
    page.wait_for_function("!Pad.isOwn")
    for section, choice in (("live-compare", "#live-left"), ("live-morph", "#live-to")):
        show(page, f"#{section}", "nearest")
        page.select_option(choice, index=2)
        page.wait_for_function(SETTLED)
    times = milliseconds(browser.stop_tracing())
    with capsys.disabled():
        print(f"\n{name}: {len(times)} tasks, the longest {max(times):.0f} ms of CPU time")
    assert len(times) > 10
    assert max(times) < 200


@pytest.mark.parametrize("side", [560, 7_740])
def test_no_task_takes_longer_than_200_ms_for_noise(
    live: Visit, browser: Browser, tmp_path: Path, side: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing costs the preparation more; 7,740 pixels to a side are all that the page opens."""
    page = live.page
    bits = np.random.default_rng(0).bytes(side * ((side + 7) // 8))
    path = tmp_path / "noise.png"
    Image.frombytes("1", (side, side), bits).save(path, compress_level=1)
    assert path.stat().st_size < 40 * 2**20
    browser.start_tracing(page=page, categories=["devtools.timeline"])
    page.set_input_files("#live-load", path)
    page.wait_for_function("document.getElementById('live-load').value === ''")
    page.wait_for_function("Pad.prepared === null && Live.state.settled")
    times = milliseconds(browser.stop_tracing())
    with capsys.disabled():
        print(f"\nnoise, {side} pixels: the longest task {max(times):.0f} ms of CPU time")
    assert max(times) > 20, "the noise was prepared"
    assert max(times) < 200


def test_several_digits_with_a_slow_network(live: Visit) -> None:
    """A frame reads as many of the digits as it has time for; the next one goes on."""
    page = live.page
    page.evaluate("""() => {
        const run = Network.run;
        Network.run = (...given) => {
            const end = performance.now() + 60;
            while (performance.now() < end);
            return run(...given);
        };
    }""")
    page.click("#live-clear")
    for left in (20, 85, 150, 215):
        draw(page, [[(left, 100), (left + 40, 100), (left + 15, 180)]])
    page.evaluate("Live.frames.length = 0; Pad.use(Pad.network)")
    page.wait_for_function("Live.state.settled")
    assert page.locator("#live-found button").count() == 4
    assert page.evaluate("Live.frames.length") >= 4, "no frame reads more than one digit"


def test_drops_that_are_not_one_file(live: Visit) -> None:
    page = live.page
    drop = """(count) => {
        const files = new DataTransfer();
        for (let n = 0; n < count; n++) files.items.add(new File(["x"], `${n}.json`));
        if (!count) files.items.add("some text", "text/plain");
        document.body.dispatchEvent(
            new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true }));
    }"""
    page.evaluate(drop, 2)
    assert page.inner_text("#live-message") == "These are 2 files. Drop one at a time."
    page.evaluate(drop, 0)
    assert page.inner_text("#live-message").startswith("This is no file.")
    page.evaluate(drop, 1)
    assert "damaged or not JSON" in say(page)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "WEBP", "BMP"])
def test_a_picture_is_known_by_its_bytes(live: Visit, form: str) -> None:
    """Whatever the name says, and through either button."""
    page = live.page
    file = {"name": "digit.json", "mimeType": "application/json", "buffer": picture(form)}
    page.set_input_files("#live-load", file)
    assert "The picture “digit.json” lies on the pad." in say(page)


def test_a_network_is_known_by_its_text(live: Visit) -> None:
    page = live.page
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10)])
    text = json.dumps(export.describe(model, note="mine")).encode()
    file = {"name": "net.txt", "mimeType": "text/plain", "buffer": text}
    page.set_input_files("#live-picture", file)
    page.wait_for_function("Live.state.network.note === 'mine'")
