"""The server of chapter 9: what it answers, what it refuses, and that it always stops."""

import http.client
import http.server
import io
import itertools
import json
import socket
import threading
import time
import types
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image

from mnist_lib import models, serving
from mnist_lib.backend import keras
from mnist_lib.data import load_mnist, prepare

pytest.importorskip("fastapi", reason="the server needs FastAPI (requirements.txt has it)")
uvicorn = pytest.importorskip(
    "uvicorn", reason="the server needs uvicorn (requirements.txt has it)"
)

LIMITS = serving.Limits(bytes=200_000, upload_seconds=60, seconds=120, pictures=2)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("serving") / "network.keras"
    models.load_pretrained("classic").save(path)
    return path


@contextmanager
def served(network: Path, limits: serving.Limits, wait: float = 0.05) -> Iterator[str]:
    """Serve in a thread of this process, where coverage sees it; ``running`` has its own tests."""
    app = serving.create_app(keras.models.load_model(network), limits, most=8, wait=wait)
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def address(network: Path) -> Iterator[str]:
    with served(network, LIMITS) as address:
        yield address


@pytest.fixture(scope="module")
def digits() -> np.ndarray:
    return load_mnist("sample").x_val


def ask(address: str, path: str, body: bytes | None = None) -> tuple[int, dict]:
    try:
        with urllib.request.urlopen(address + path, body, timeout=180) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def file_of(image: np.ndarray | Image.Image, form: str = "PNG") -> bytes:
    file = io.BytesIO()
    picture = image if isinstance(image, Image.Image) else Image.fromarray(image)
    picture.save(file, form)
    return file.getvalue()


def photograph(digits: np.ndarray) -> bytes:
    ink = np.kron(np.hstack(digits), np.ones((4, 4), np.uint8))
    return file_of(255 - np.pad(ink, 40))


def test_a_photograph_is_read_line_by_line(address: str, digits: np.ndarray) -> None:
    status, answer = ask(address, "/read", photograph(digits[:5]))
    assert (status, answer["text"]) == (200, "16385")
    assert [each["label"] for each in answer["digits"]] == [1, 6, 3, 8, 5]
    lefts = [each["box"][0] for each in answer["digits"]]
    assert lefts == sorted(lefts)
    assert all(0 < each["probability"] <= 1 for each in answer["digits"])


def test_a_prepared_image_gets_what_the_network_says(address: str, digits: np.ndarray) -> None:
    status, answer = ask(address, "/digit", digits[0].tobytes())
    expected = models.load_pretrained("classic").predict(prepare(digits[:1]), verbose=0)[0]
    assert status == 200
    np.testing.assert_allclose(answer["probabilities"], expected, atol=1e-5)
    assert answer["label"] == expected.argmax()


def test_the_health_check_names_the_weights(address: str) -> None:
    status, answer = ask(address, "/health")
    assert (status, answer["status"]) == (200, "ok")
    assert answer["weights"] == serving.digest(models.load_pretrained("classic"))
    assert serving.digest(models.classic_cnn()) != answer["weights"]


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        (b"", 415, "no picture"),
        (b"GET / HTTP/1.1\r\n\r\n", 415, "no picture"),
        (b"%PDF-1.7 ...", 415, "no picture"),
        (file_of(np.full((300, 300), 255, np.uint8)), 422, "no ink"),
        (file_of(np.zeros((2, 2), np.uint8)), 422, "2 × 2 pixels"),
        (file_of(Image.effect_noise((200, 200), 50))[:9000], 422, "damaged"),
        (file_of(Image.new("1", (5000, 5000))), 413, "5,000 × 5,000 pixels"),
        (file_of(Image.new("1", (20_000, 20_000))), 413, "20,000,000 pixels"),
        (bytes(200_001), 413, "200,000 bytes"),
    ],
    ids=["nothing", "HTTP", "PDF", "blank", "tiny", "half", "large", "bomb", "heavy"],
)
def test_what_cannot_be_read_is_refused_with_a_reason(
    address: str, body: bytes, status: int, says: str
) -> None:
    got, answer = ask(address, "/read", body)
    assert got == status, answer
    assert says in answer["detail"]
    assert "/tmp" not in answer["detail"]


@pytest.mark.parametrize("count", [0, 783])
def test_a_prepared_image_has_784_bytes(address: str, count: int) -> None:
    assert ask(address, "/digit", bytes(count)) == (
        422,
        {"detail": f"{count} bytes arrived; expected 784: 28 rows of 28 grey values."},
    )


def test_a_slow_upload_is_ended(network: Path) -> None:
    with served(network, LIMITS._replace(upload_seconds=1)) as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=180) as line:
            line.sendall(b"POST /read HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nx")
            reply = line.recv(4096)
    assert b" 408 " in reply.splitlines()[0]


def test_unknown_ways_and_methods_are_refused(address: str) -> None:
    assert ask(address, "/elsewhere")[0] == 404
    assert ask(address, "/read")[0] == 405


def test_parallel_images_share_batches_and_keep_their_answers(
    network: Path, digits: np.ndarray
) -> None:
    """Eight clients, each of which waits for its answer: a batch is complete when all have come."""
    expected = models.load_pretrained("classic").predict(prepare(digits[:40]), verbose=0)
    answers: dict[int, dict] = {}

    def client(address: str, first: int) -> None:
        line = http.client.HTTPConnection(address.removeprefix("http://"), timeout=180)
        for i in range(first, 40, 8):
            line.request("POST", "/digit", digits[i].tobytes())
            answers[i] = json.loads(line.getresponse().read())
        line.close()

    with served(network, LIMITS, wait=120) as address:
        threads = [threading.Thread(target=client, args=(address, first)) for first in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        health = ask(address, "/health")[1]
    got = np.array([answers[i]["probabilities"] for i in range(40)])
    np.testing.assert_allclose(got, expected, atol=1e-5)
    assert (health["images"], health["batches"]) == (40, 5)


@pytest.fixture
def go_on(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Return an event before which no picture is read."""
    event, real = threading.Event(), serving.read_picture

    def read_picture(*arguments: object) -> tuple[int, object]:
        assert event.wait(180)
        return real(*arguments)

    monkeypatch.setattr(serving, "read_picture", read_picture)
    yield event
    event.set()


def test_too_many_pictures_at_once_are_told_to_come_back(
    address: str, digits: np.ndarray, go_on: threading.Event
) -> None:
    page = photograph(digits[:12])
    with ThreadPoolExecutor(8) as clients:
        asked = [clients.submit(ask, address, "/read", page) for _ in range(8)]
        refused = [each.result()[0] for each in itertools.islice(as_completed(asked), 6)]
        assert refused == [503] * 6, "two are read, and nobody else waits for that"
        assert ask(address, "/health")[0] == 200  # answers meanwhile
        go_on.set()
    assert sorted(each.result()[0] for each in asked) == [200] * 2 + [503] * 6
    assert ask(address, "/read", page)[0] == 200  # the places are free again


def test_a_picture_that_takes_too_long_is_answered_in_time(
    network: Path, digits: np.ndarray, go_on: threading.Event
) -> None:
    page = photograph(digits[:12])
    with served(network, LIMITS._replace(seconds=0.01)) as address:
        status, answer = ask(address, "/read", page)
        assert status == 504, answer
        assert "longer than 0.01 s" in answer["detail"]
        assert ask(address, "/health")[0] == 200
        go_on.set()


def is_closed(address: str) -> bool:
    try:
        ask(address, "/health")
    except OSError:
        return True
    return False


def test_it_stops_with_the_block_also_after_an_error(network: Path) -> None:
    def broken() -> None:
        with serving.running(network) as address:
            addresses.append(address)
            assert not is_closed(address)
            raise ZeroDivisionError

    addresses: list[str] = []
    with pytest.raises(ZeroDivisionError):
        broken()
    assert is_closed(addresses[0])


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    start = time.monotonic()
    with (
        pytest.raises(RuntimeError, match=r"did not start(?s:.*)nowhere\.keras"),
        serving.running(tmp_path / "nowhere.keras"),
    ):
        pass
    assert time.monotonic() - start < serving.START_SECONDS


def test_a_batch_that_fails_is_told_to_each_who_waits() -> None:
    import asyncio

    def fails(_: np.ndarray) -> np.ndarray:
        raise ValueError("no answer")

    async def two() -> list[object]:
        batches = serving.Batches(fails, most=2, wait=1.0)
        image = np.zeros((28, 28, 1), np.float32)
        return await asyncio.gather(batches(image), batches(image), return_exceptions=True)

    with ThreadPoolExecutor(1) as apart:  # a browser of other tests has a loop in this thread
        said = apart.submit(asyncio.run, two()).result()
    assert [str(error) for error in said] == ["no answer", "no answer"]


def test_a_compiled_network_answers_as_keras_does(digits: np.ndarray) -> None:
    model = keras.Sequential(
        [keras.Input((28, 28, 1)), keras.layers.Flatten(), keras.layers.Dense(10, "softmax")]
    )
    compiled = serving.Compiled(model)
    for count in (1, 3):
        images = prepare(digits[:count])
        np.testing.assert_allclose(
            compiled.predict(images), model.predict(images, verbose=0), atol=1e-6
        )


def test_the_chapters_load_test_connects_before_its_clock_starts(digits: np.ndarray) -> None:
    heard: list[tuple[float, object, str]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"  # connections stay open

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            heard.append((time.perf_counter(), self.client_address, self.path))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST = answer

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    chapter = Path(__file__).parent.parent / "chapters" / "09_shipping.ipynb"
    cells = {cell.id: cell.source for cell in nbformat.read(chapter, as_version=4).cells}
    names = {"np": np, "http": http, "threading": threading, "time": time}
    names["mnist"] = types.SimpleNamespace(x_val=digits)
    exec(cells["clients"], names)
    began, ended = names["load"](f"http://127.0.0.1:{server.server_port}", clients=4).T
    server.shutdown()
    server.server_close()
    assert len(began) == names["requests"]
    assert (ended > began).all()
    connected = [(when, who) for when, who, path in heard if path == "/health"]
    assert len({who for _, who in connected}) == 4, "each client opens one connection"
    assert {who for _, who, _ in heard} == {who for _, who in connected}, "and keeps it"
    assert max(when for when, _ in connected) < began.min()
