"""Start TensorFlow and Keras, quietly, and only with the settings that the course works with.

Importing this module is all: ``import mnist_lib.backend`` at the top of a chapter. The modules of
this package that need Keras take it from here.

TensorFlow writes notes on its start straight to the process's standard error, which no setting
prevents; they are kept back and shown only if the start fails. Keras reads its settings from the
environment variable KERAS_BACKEND and the file ``keras.json``, which may be years old. Those that
the course cannot run with are refused before TensorFlow is started, which takes seconds.

Raises
------
ImportError
    If TensorFlow or Keras is not installed, is hidden by a file of the same name, or fails.
ValueError
    If a setting of Keras is not what the course needs.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

__all__ = ["keras", "quietly", "tf"]

SETTINGS = {"backend": "tensorflow", "image_data_format": "channels_last", "floatx": "float32"}


def _check_settings() -> None:
    """Refuse settings that Keras would start with, and say where they stand."""
    file = _settings_file()
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # there is none, or Keras will not read it either
        found = {}
    backend = os.environ.get("KERAS_BACKEND")
    if backend and backend != SETTINGS["backend"]:
        raise ValueError(
            f'The environment variable KERAS_BACKEND is "{backend}"; expected "tensorflow", with '
            "which this course computes. Remove the variable or set it to tensorflow, then start "
            "Python (in a notebook: the kernel, and Jupyter itself) again."
        )
    for name, expected in SETTINGS.items():
        value = found.get(name, expected) if isinstance(found, dict) else expected
        if value != expected and not (name == "backend" and backend):
            raise ValueError(
                f'"{name}" in {file} is "{value}"; expected "{expected}". Change it there, or '
                "delete the file (Keras then writes a new one), and start Python (in a notebook: "
                "the kernel) again."
            )


def _settings_file() -> Path:
    """Return the place where Keras looks for its settings."""
    home = os.path.expanduser("~")
    folder = os.path.join(home if os.access(home, os.W_OK) else "/tmp", ".keras")
    return Path(os.environ.get("KERAS_HOME", folder), "keras.json").expanduser()


def _check_names() -> None:
    """Refuse a missing library, and a file such as the reader's own ``keras.py`` in its place."""
    for name in ("tensorflow", "keras"):
        spec = find_spec(name)
        if spec is None:
            raise ModuleNotFoundError(
                f"This needs {name}, which is not installed in {sys.prefix}. Install it with: "
                "python -m pip install 'mnist_lib[tensorflow]'",
                name=name,
            )
        if spec.submodule_search_locations is None:
            raise ImportError(
                f"The name {name} leads to the file {spec.origin}; expected the library of that "
                "name, which the file hides. Rename the file, delete its compiled copy in "
                "__pycache__ if there is one, and start Python (in a notebook: the kernel) again."
            )


@contextmanager
def quietly() -> Iterator[None]:
    """Keep back what is written to descriptor 2, and show it if the block fails."""
    stderr = None
    with suppress(OSError):
        stderr = os.dup(2)
    if stderr is None:  # a program without a terminal may have no such descriptor
        yield
        return
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        try:
            yield
        except BaseException:
            notes.seek(0)
            os.write(stderr, notes.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)


_check_names()
if "keras" not in sys.modules:
    _check_settings()
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
try:
    with quietly():
        import keras
        import tensorflow as tf

        started = {name: getattr(keras.config, name)() for name in SETTINGS}
    tf.get_logger().setLevel("ERROR")  # else it notes what it saves
except Exception as error:
    raise ImportError(
        f"TensorFlow is installed, but it does not start: {type(error).__name__}: {error}. The "
        "course's page on setting up lists the usual reasons, under 'When something goes wrong'."
    ) from error
if started != SETTINGS:
    _check_settings()
    raise ValueError(
        f"Keras computes with the settings {started}; expected {SETTINGS}. Something has changed "
        "them in this process: start Python (in a notebook: the kernel) again."
    )
