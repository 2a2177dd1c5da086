"""The same pages in Firefox: the live page reads, walks and shows maps; every figure moves."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websocket
from test_explorables import MADE, PAGE
from test_live import FOUR, RESTS

pytestmark = [pytest.mark.site, pytest.mark.timeout(900)]

LONGEST = 180  # seconds that an answer may take: the machine may have other work


class Firefox:
    """A tab of Firefox, spoken to by WebDriver BiDi, the W3C's protocol."""

    def __init__(self, address: str) -> None:
        self.socket = websocket.create_connection(address, timeout=LONGEST, suppress_origin=True)
        self.numbers = itertools.count(1)
        self.errors: list[str] = []
        self.ask("session.new", capabilities={})
        self.ask("session.subscribe", events=["log.entryAdded"])
        self.tab = self.ask("browsingContext.getTree")["contexts"][0]["context"]

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command; return its result, and keep errors of the page that arrive meanwhile."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("method") == "log.entryAdded" and message["params"]["level"] == "error":
                self.errors.append(str(message["params"]["text"]))
            if message.get("id") == number:
                assert message["type"] == "success", message
                return message["result"]

    def open(self, address: str) -> None:
        self.errors.clear()
        self.ask("browsingContext.navigate", context=self.tab, url=address, wait="complete")

    def run(self, code: str) -> Any:
        """Return the value of an expression in the page (text, number, truth)."""
        result = self.ask(
            "script.evaluate", expression=code, target={"context": self.tab}, awaitPromise=True
        )
        assert result["type"] == "success", result
        return result["result"].get("value")

    def wait_for(self, code: str) -> None:
        """Wait until an expression counts as true."""
        end = time.monotonic() + LONGEST
        while not (value := self.run(code)):
            assert time.monotonic() < end, f"{code} stays {value!r}; errors: {self.errors}"
            time.sleep(0.1)

    def draw(self, lines: list[list[tuple[float, float]]]) -> None:
        """Draw on the pad with the mouse; lines are in its own units, 0 to 280."""
        self.run(f"({RESTS})()")
        place = "document.getElementById('live-pad').getBoundingClientRect()"
        corner = json.loads(self.run(f"JSON.stringify({place})"))
        scale = corner["width"] / 280
        actions: list[dict[str, Any]] = []
        for line in lines:
            moves = [
                {
                    "type": "pointerMove",
                    "x": round(corner["x"] + x * scale),
                    "y": round(corner["y"] + y * scale),
                    "duration": 100 * (n > 0),
                }
                for n, (x, y) in enumerate(line)
            ]
            down, up = ({"type": f"pointer{way}", "button": 0} for way in ("Down", "Up"))
            actions += [moves[0], down, *moves[1:], up]
        source = {"type": "pointer", "id": "mouse", "actions": actions}
        self.ask("input.performActions", context=self.tab, actions=[source])

    def click(self, code: str) -> None:
        """Click with the mouse in the middle of an element, as soon as it rests."""
        rests = RESTS.replace('document.getElementById("live-pad")', code)
        self.run(f"({rests})()")
        corner = json.loads(self.run(f"JSON.stringify({code}.getBoundingClientRect())"))
        x, y = corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2
        down, up = ({"type": f"pointer{way}", "button": 0} for way in ("Down", "Up"))
        actions = [{"type": "pointerMove", "x": round(x), "y": round(y)}, down, up]
        source = {"type": "pointer", "id": "mouse", "actions": actions}
        self.ask("input.performActions", context=self.tab, actions=[source])

    def press(self, *keys: str) -> None:
        """Press keys, one after the other."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        source = {"type": "key", "id": "keys", "actions": actions}
        self.ask("input.performActions", context=self.tab, actions=[source])


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    path = shutil.which("firefox-esr") or shutil.which("firefox")
    if path is None:
        pytest.skip("Firefox is not installed; on Debian: sudo apt-get install firefox-esr")
    profile = tmp_path_factory.mktemp("firefox")
    command = [path, "--headless", "--no-remote", "--profile", str(profile)]
    log = profile / "log"
    with log.open("w") as file:  # a pipe that nobody reads would be full some day, and stop it
        process = subprocess.Popen(
            [*command, "--remote-debugging-port", "0"],
            stdout=subprocess.DEVNULL,
            stderr=file,
            env=os.environ | {"HOME": str(profile), "MOZ_DISABLE_CONTENT_SANDBOX": "1"},
        )
    try:
        end = time.monotonic() + LONGEST
        listening = re.compile(r"WebDriver BiDi listening on (ws://\S+)\n")
        while not (found := listening.search(log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        yield Firefox(f"{found[1]}/session")
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()


def test_a_drawing_is_read(firefox: Firefox, live_site: Path) -> None:
    firefox.open((live_site / "book" / "live.html").as_uri())
    firefox.wait_for("Live.state.settled")
    firefox.draw(FOUR)
    firefox.wait_for("Live.state.settled")
    assert firefox.run("Live.state.drawing.strokes.length") == 2, "in place of the example"
    assert firefox.run("document.getElementById('live-digit').textContent") == "4"
    firefox.run("document.getElementById('live-examples').children[2].click()")
    firefox.wait_for("Live.state.settled")
    assert firefox.run("document.getElementById('live-digit').textContent") == "2"
    assert firefox.errors == []


def test_the_live_page_reads_and_can_be_walked(firefox: Firefox, live_site: Path) -> None:
    firefox.open((live_site / "book" / "live.html").as_uri())
    firefox.wait_for("document.getElementById('live-words').textContent.includes('reads a 4')")
    before = firefox.run("document.getElementById('live-bars').textContent")
    firefox.run("document.querySelectorAll('#live-examples button')[7].click()")
    firefox.wait_for("document.getElementById('live-digit').textContent === '7'")
    assert firefox.run("document.getElementById('live-bars').textContent") != before
    # The strip's first button that is reached by Tab: choosing it shows how it is computed.
    strip = "document.querySelector('#live-strip')"
    firefox.run(f"{strip}.scrollIntoView()")
    firefox.wait_for(f"{strip}.querySelectorAll('canvas').length > 10")
    firefox.run(f"{strip}.querySelector('[tabindex=\"0\"]').focus()")
    firefox.press("\ue014")  # right arrow
    firefox.wait_for("/^conv_1/.test(document.activeElement.getAttribute('aria-label'))")
    # Without a window no button hears Enter, so the mouse chooses.
    firefox.click("document.activeElement")
    spoken = "document.getElementById('live-strip-spoken').textContent"
    firefox.wait_for(f"{spoken}.startsWith('Chosen: ')")
    firefox.wait_for("/\\d/.test(document.getElementById('live-sentence').textContent)")
    assert firefox.errors == []


@pytest.mark.parametrize("name", MADE)
def test_a_figure_moves(firefox: Firefox, tmp_path: Path, name: str) -> None:
    page = tmp_path / "figure.html"
    page.write_text(PAGE.format(theme="light", parts=MADE[name].html), encoding="utf-8")
    firefox.open(page.as_uri())
    root = "document.querySelector('[data-explorable]')"
    assert firefox.run(f"{root}.querySelectorAll('img').length") == 0, "the still is replaced"
    sentence = f"[...{root}.querySelectorAll('p')].at(-2).textContent"
    before = firefox.run(sentence)
    assert re.search(r"\w", before)
    focusable = "'canvas[tabindex], input, select'"
    firefox.run(f"{root}.querySelector({focusable}).focus()")
    for key in "\ue014\ue012\ue012\ue007\ue015":  # right, left, left, Enter, down
        firefox.press(key)
    firefox.wait_for(f"{sentence} !== {json.dumps(before)}")
    assert firefox.errors == []
