"""TensorFlow starts without a word, and only with settings that the course can run with."""

import json
import os
import subprocess
import sys

import pytest

START = "import mnist_lib.backend"


@pytest.fixture
def start(tmp_path):
    """Return a function that runs Python in a folder, with a home, that hold nothing else."""
    home = tmp_path / "home"
    work = tmp_path / "work"
    home.mkdir()
    work.mkdir()

    def run(code=START, settings=None, folder=home / ".keras", **variables):
        if settings is not None:
            folder.mkdir()
            text = settings if isinstance(settings, str) else json.dumps(settings)
            (folder / "keras.json").write_text(text)
        clean = {name: text for name, text in os.environ.items() if "KERAS" not in name}
        clean.pop("TF_CPP_MIN_LOG_LEVEL", None)
        places = {"HOME": str(home), "USERPROFILE": str(home)}
        return subprocess.run(
            [sys.executable, "-c", code],
            cwd=work,
            env={**clean, **places, **variables},
            capture_output=True,
            text=True,
            check=False,
        )

    run.home, run.work = home, work
    return run


def break_tensorflow(folder, failure):
    (folder / "tensorflow").mkdir()
    code = f"import os\nos.system('echo a note from inside >&2')\nraise {failure}\n"
    (folder / "tensorflow" / "__init__.py").write_text(code)


def refused_early(done):
    assert "site-packages" not in done.stderr, "a library was imported first"
    return last_line(done)


def last_line(done):
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr.splitlines()[-1]


@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_another_backend_in_the_environment(start, backend):
    message = refused_early(start(KERAS_BACKEND=backend))
    assert f'ValueError: The environment variable KERAS_BACKEND is "{backend}"' in message
    assert "set it to tensorflow" in message


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("backend", "theano", "tensorflow"),
        ("image_data_format", "channels_first", "channels_last"),
        ("floatx", "float16", "float32"),
    ],
)
def test_another_setting_in_the_file(start, name, value, expected):
    message = refused_early(start(settings={"epsilon": 1e-07, name: value}))
    file = start.home / ".keras" / "keras.json"
    assert f'ValueError: "{name}" in {file} is "{value}"; expected "{expected}"' in message
    assert "delete the file" in message


def test_the_file_lies_where_keras_home_says(start, tmp_path):
    folder = tmp_path / "elsewhere"
    done = start(settings={"floatx": "float64"}, folder=folder, KERAS_HOME=str(folder))
    assert f'"floatx" in {folder / "keras.json"} is "float64"' in refused_early(done)


@pytest.mark.parametrize(
    "settings",
    [None, {"backend": "theano", "image_dim_ordering": "th"}, "no JSON", {"floatx": "float32"}],
)
def test_settings_that_do_no_harm(start, settings):
    # The variable wins over the file, and what fails is the library itself.
    break_tensorflow(start.work, "OSError('broken')")
    done = start(settings=settings, KERAS_BACKEND="tensorflow")
    assert "it does not start: OSError: broken" in last_line(done)


@pytest.mark.parametrize("name", ["keras", "tensorflow"])
def test_a_missing_library_is_named_with_its_remedy(start, name):
    message = refused_early(start(f"import sys; sys.modules['{name}'] = None; {START}"))
    assert f"ModuleNotFoundError: This needs {name}, which is not installed in" in message
    assert "python -m pip install 'mnist_lib[tensorflow]'" in message


@pytest.mark.parametrize("name", ["keras", "tensorflow"])
def test_a_file_of_the_same_name_is_found(start, name):
    file = start.work / f"{name}.py"
    file.write_text("from keras.models import Sequential\n")
    message = refused_early(start())
    assert f"ImportError: The name {name} leads to the file {file}" in message
    assert "Rename the file" in message


@pytest.mark.parametrize(
    "failure",
    [
        "ImportError('DLL load failed while importing _pywrap_tensorflow_internal')",
        "OSError('libcudart.so.12: cannot open shared object file')",
        "ModuleNotFoundError('No module named flatbuffers', name='flatbuffers')",
        "AttributeError('_ARRAY_API not found')",
    ],
)
def test_a_library_that_fails_is_not_called_missing(start, failure):
    break_tensorflow(start.work, failure)
    done = start()
    error, reason = failure.removesuffix(")").split("('")
    wanted = f"ImportError: TensorFlow is installed, but it does not start: {error}: "
    assert wanted + reason.partition("'")[0] in last_line(done)
    assert "a note from inside" in done.stderr


def test_a_process_without_standard_error_starts_too(start):
    break_tensorflow(start.work, "OSError('broken')")
    done = start(f"import os, sys; os.close(2); sys.stderr = sys.stdout; {START}")
    assert "it does not start: OSError: broken" in done.stdout


def test_a_start_is_silent_and_later_errors_show(start):
    done = start(
        "import mnist_lib.backend as backend, os, sys\n"
        "print(float(backend.tf.reduce_sum(backend.keras.ops.ones(3))))\n"
        "os.write(2, b'written later\\n')\n"
        "backend.keras.config.set_floatx('float16')\n"
        "del sys.modules['mnist_lib.backend']\n"
        "try:\n"
        "    import mnist_lib.backend\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "written later\n"
    total, refused = done.stdout.splitlines()
    assert total == "3.0"
    assert "'floatx': 'float16'" in refused
    assert "start Python (in a notebook: the kernel) again" in refused
    assert json.loads((start.home / ".keras" / "keras.json").read_text())["floatx"] == "float32"


def test_what_a_library_writes_is_kept_back_unless_it_fails(capfd):
    from mnist_lib.backend import quietly

    def write(text, error=None):
        with quietly():
            os.write(2, text)
            if error is not None:
                raise error

    write(b"a note")
    assert capfd.readouterr().err == ""
    with pytest.raises(OSError, match="no file"):
        write(b"the reason", OSError("no file"))
    assert capfd.readouterr().err == "the reason"
