"""Serve a network: a photograph comes in, its digits and their probabilities go out.

    python -m mnist_lib.serving network.keras --port 8000
    curl --data-binary @photo.jpg http://127.0.0.1:8000/read

Chapter 9 starts this server, asks it and stops it again (`running`). It needs FastAPI and uvicorn
(``pip install fastapi uvicorn``), which the package itself does not ask for.

Whatever is sent is limited: in bytes, pixels, seconds, and in how many pictures wait at once. A
refusal is an HTTP status and one sentence under ``detail``. A thread that reads a picture cannot
be stopped from outside: when its time is up the client gets an answer, and the thread keeps its
place in the queue until it has ended, so that slow pictures cannot pile up. There is neither
encryption nor a password here, and nothing against a client that opens hundreds of connections:
that is the work of a proxy in front of the server.
"""

import argparse
import asyncio
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from mnist_lib.reading import Reading, read_digits

__all__ = ["Batches", "Compiled", "Limits", "create_app", "digest", "running"]

START_SECONDS, STOP_SECONDS = 120, 10


class Limits(NamedTuple):
    """What the server accepts.

    Attributes
    ----------
    bytes : int
        Of one upload.
    pixels : int
        Of one picture, as its header claims them. A file of a few kilobytes can claim billions.
    upload_seconds : float
        From the first byte of the upload to the last.
    seconds : float
        From the upload to the answer.
    pictures : int
        That are read or wait to be read, at most; the next one is refused.
    connections : int
        That are open at once.
    """

    bytes: int = 8_000_000
    pixels: int = 20_000_000
    upload_seconds: float = 10.0
    seconds: float = 10.0
    pictures: int = 8
    connections: int = 64


def digest(model: Any) -> str:
    """Return the SHA-256 of a network's weights: two networks with the same one answer alike.

    Parameters
    ----------
    model : keras.Model
        Its architecture is not part of it.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    sha = hashlib.sha256()
    for weights in model.get_weights():
        sha.update(np.ascontiguousarray(weights).tobytes())
    return sha.hexdigest()


class Compiled:
    """A network's answers, computed by one compiled graph for batches of any size.

    Parameters
    ----------
    model : keras.Model
        Takes float32 (N, 28, 28, 1) and gives (N, 10).
    """

    def __init__(self, model: Any) -> None:
        from mnist_lib.backend import tf

        signature = [tf.TensorSpec((None, 28, 28, 1), tf.float32)]
        self._function = tf.function(
            lambda images: model(images, training=False), input_signature=signature
        )

    def predict(self, x: Any, /, *, verbose: Any = 0) -> NDArray[np.float32]:
        """Return probabilities float32 (N, 10), as Keras' `predict` does, but for its set-up."""
        answers: NDArray[np.float32] = self._function(np.asarray(x, np.float32)).numpy()
        return answers


class Batches:
    """Collects single images for a moment and gives them to a network as one batch.

    Parameters
    ----------
    answer : callable
        Takes float32 (N, 28, 28, 1) and gives (N, 10).
    most : int
        Images in a batch. With 1, none waits for another.
    wait : float
        Seconds that the first image of a batch waits for more.

    Attributes
    ----------
    images, batches : int
        How many there have been.
    """

    def __init__(
        self, answer: Callable[[NDArray[np.float32]], NDArray[np.float32]], most: int, wait: float
    ) -> None:
        self._answer, self._most, self._wait = answer, most, wait
        self._waiting: list[tuple[NDArray[np.float32], asyncio.Future[NDArray[np.float32]]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self.images = self.batches = 0

    async def __call__(self, image: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the probabilities (10,) of one image, float32 (28, 28, 1)."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[NDArray[np.float32]] = loop.create_future()
        self._waiting.append((image, future))
        if len(self._waiting) >= self._most:
            self._compute()
        elif self._timer is None:
            self._timer = loop.call_later(self._wait, self._compute)
        return await future

    def _compute(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        self.images += len(waiting)
        self.batches += 1
        try:
            answers = self._answer(np.stack([image for image, _ in waiting]))
        except Exception as error:  # each of those who wait is told, and the server goes on
            for _, future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(waiting, answers, strict=True):
            if not future.done():  # its client may have gone
                future.set_result(answer)


def create_app(model: Any, limits: Limits | None = None, most: int = 1, wait: float = 0.0) -> Any:
    """Return the server's application.

    ``POST /read`` takes the file of a photograph as the body and gives its digits, line by line.
    ``POST /digit`` takes one prepared image, 784 bytes, row by row, and gives ten probabilities.
    ``GET /health`` says which weights answer, and what they have cost.

    Parameters
    ----------
    model : keras.Model
        Takes float32 (N, 28, 28, 1) in [0, 1] and gives probabilities (N, 10).
    limits : Limits, optional
    most : int, optional
        Prepared images that are answered in one batch.
    wait : float, optional
        Seconds that the first of them waits for more.

    Returns
    -------
    fastapi.FastAPI
    """
    from fastapi import FastAPI, HTTPException, Request
    from fastapi.responses import JSONResponse

    limits = limits or Limits()
    network = Compiled(model)
    network.predict(np.zeros((1, 28, 28, 1)))  # compiled now, not in the first client's time
    batches = Batches(network.predict, most, wait)
    pool = ThreadPoolExecutor(max_workers=1)  # reading keeps a core busy by itself
    pictures = 0
    weights, started = digest(model), time.process_time()
    app = FastAPI(title="Handwritten digits")

    async def body_of(request: Any, most_bytes: int) -> bytes:
        """Receive an upload, and stop as soon as it is too large or too slow."""
        parts, size = [], 0
        try:
            async with asyncio.timeout(limits.upload_seconds):
                async for part in request.stream():
                    size += len(part)
                    if size > most_bytes:
                        raise HTTPException(
                            413,
                            f"The upload has more than {most_bytes:,} bytes. Send a smaller one.",
                        )
                    parts.append(part)
        except TimeoutError:
            raise HTTPException(
                408, f"The upload took longer than {limits.upload_seconds:g} s. Send it again."
            ) from None
        return b"".join(parts)

    def done(_: Future[Any]) -> None:
        nonlocal pictures
        pictures -= 1

    async def health() -> dict[str, Any]:
        return {
            "status": "ok",
            "weights": weights,
            "images": batches.images,
            "batches": batches.batches,
            "cpu_seconds": time.process_time() - started,
        }

    async def read(request: Request) -> Any:
        nonlocal pictures
        content = await body_of(request, limits.bytes)
        if pictures >= limits.pictures:
            return JSONResponse(
                {"detail": f"{pictures} pictures are waiting already. Try again in a moment."},
                status_code=503,
                headers={"Retry-After": "1"},
            )
        pictures += 1
        work = pool.submit(read_picture, content, network, limits.pixels)
        loop = asyncio.get_running_loop()
        # The place is given back when the thread has ended, even if nobody waits any longer.
        work.add_done_callback(lambda future: loop.call_soon_threadsafe(done, future))
        try:
            status, answer = await asyncio.wait_for(
                asyncio.shield(asyncio.wrap_future(work)), limits.seconds
            )
        except TimeoutError:
            status, answer = 504, f"The picture took longer than {limits.seconds:g} s to read."
        return JSONResponse(answer if status == 200 else {"detail": answer}, status_code=status)

    async def digit(request: Request) -> Any:
        content = await body_of(request, 784)
        if len(content) != 784:
            expected = "784: 28 rows of 28 grey values"
            detail = f"{len(content)} bytes arrived; expected {expected}."
            raise HTTPException(422, detail)
        pixels = np.frombuffer(content, np.uint8).reshape(28, 28, 1)
        image: NDArray[np.float32] = np.divide(pixels, 255, dtype=np.float32)
        answer = await batches(image)
        probabilities = [float(p) for p in answer]
        return {"label": int(answer.argmax()), "probabilities": probabilities}

    app.add_api_route("/health", health, methods=["GET"])
    app.add_api_route("/read", read, methods=["POST"])
    app.add_api_route("/digit", digit, methods=["POST"])
    return app


def read_picture(content: bytes, network: Any, pixels: int) -> tuple[int, Any]:
    """Read the digits in the file of a picture.

    Parameters
    ----------
    content : bytes
        The file.
    network : Compiled
        Or anything else that `read_digits` takes.
    pixels : int
        How many the picture may have.

    Returns
    -------
    (int, object)
        HTTP status 200 and what `as_dictionary` gives, or another status and a sentence: 413 (too
        many pixels), 415 (no picture) or 422 (a picture without digits, or a damaged one).
    """
    # `read_digits` names what is wrong with a file, so it gets one.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "picture"
        file.write_bytes(content)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with Image.open(file) as picture:  # reads the header alone
                    width, height = picture.size
                if width * height > pixels:
                    return 413, (
                        f"The picture claims {width:,} × {height:,} pixels; at most {pixels:,} in "
                        "all are read. Scale it down."
                    )
                return 200, as_dictionary(read_digits(file, network))
        except UnidentifiedImageError:
            return 415, "This is no picture that can be read. Send a PNG or a JPEG file."
        except Image.DecompressionBombError:
            return 413, f"The picture claims more than {pixels:,} pixels. Scale it down."
        except Exception as error:  # decoders raise nearly anything when bytes are wrong
            return 422, str(error).replace(str(file), "The picture")


def as_dictionary(reading: Reading) -> dict[str, Any]:
    """Return what was read as text, numbers and lists, for JSON.

    Parameters
    ----------
    reading : Reading

    Returns
    -------
    dict
        ``text``, one line of digits for each line of writing; ``turned``, quarters of a turn; and
        ``digits``: label, probability, unsure, perhaps_none and box of each.
    """
    return {
        "text": str(reading),
        "turned": reading.turned,
        "digits": [
            {
                "label": each.label,
                "probability": round(each.probability, 4),
                "unsure": each.unsure,
                "perhaps_none": each.perhaps_none,
                "box": [int(side) for side in each.box],
            }
            for each in reading.digits
        ],
    }


@contextmanager
def running(network: str | os.PathLike[str], *options: str) -> Iterator[str]:
    """Run the server in a process of its own for the length of a ``with`` block.

    The server takes a free port of 127.0.0.1, which other computers cannot reach. It ends with the
    block, also when the block raises, and by itself should this process die.

    Parameters
    ----------
    network : str or path-like
        The ``.keras`` file.
    *options : str
        More of the command line, such as ``"--most", "32"``.

    Yields
    ------
    str
        The address, such as ``"http://127.0.0.1:43210"``.

    Raises
    ------
    RuntimeError
        If the server does not start; the message ends with the last lines that it wrote.
    """
    command = [sys.executable, "-m", "mnist_lib.serving", os.fspath(network), "--until-closed"]
    with tempfile.TemporaryFile() as notes:
        process = subprocess.Popen(
            [*command, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=notes,
            text=True,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        watchdog = threading.Timer(START_SECONDS, process.kill)
        watchdog.start()
        try:
            address = process.stdout.readline().strip()  # empty if it ended before it could start
            watchdog.cancel()
            if not address.startswith("http"):
                process.wait(STOP_SECONDS)
                notes.seek(0)
                said = notes.read().decode(errors="replace").strip().splitlines()[-5:]
                raise RuntimeError("The server did not start:\n" + "\n".join(said))
            yield address
        finally:
            watchdog.cancel()
            process.stdin.close()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()


def main(arguments: list[str] | None = None) -> None:
    """Serve the network in a file until interrupted; ``--help`` lists the options."""
    parser = argparse.ArgumentParser(prog="python -m mnist_lib.serving", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("network", help="a .keras file")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other computers in")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--most", type=int, default=1, help="prepared images in one batch")
    parser.add_argument("--wait", type=float, default=0.002, help="seconds to wait for a batch")
    parser.add_argument("--until-closed", action="store_true", help="stop when stdin is closed")
    for name, value in Limits()._asdict().items():
        option = f"--{name.replace('_', '-')}"
        parser.add_argument(option, type=type(value), default=value, help=f"limit ({value:g})")
    options = parser.parse_args(arguments)

    import uvicorn

    from mnist_lib.backend import keras

    model = keras.models.load_model(options.network)
    limits = Limits(**{name: getattr(options, name) for name in Limits._fields})
    app = create_app(model, limits, options.most, options.wait)
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="warning",
            limit_concurrency=limits.connections,
            timeout_graceful_shutdown=2,
        )
    )
    # Named as TCP, or asyncio leaves Nagle's algorithm on, and answers wait 40 ms for the client.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        if os.name == "posix":  # elsewhere it would let two servers share one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((options.host, options.port))
        listener.listen(256)
        if options.until_closed:

            def wait_and_stop() -> None:
                sys.stdin.read()
                server.should_exit = True

            threading.Thread(target=wait_and_stop, daemon=True).start()
        print(f"http://{options.host}:{listener.getsockname()[1]}", flush=True)
        server.run(sockets=[listener])
    os._exit(0)  # a picture that is still being read would keep the process alive


if __name__ == "__main__":
    main()
