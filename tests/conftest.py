"""What several test files need: a browser, a runner of notebooks, a user's spoiling settings."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

from tools.chromium import FLAGS, find_chromium

ROOT = Path(__file__).resolve().parent.parent

# Milliseconds that a page may take for what a test waits for, where its time is not the point:
# many times what the slowest takes (TensorFlow starts in one), for the machine may have other work.
PATIENCE = 180_000


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest):
    path = find_chromium()
    if path is None:
        reason = (
            "No Chromium, Chrome or Edge is installed, so the site was not read in a browser. "
            "To install one: sudo apt-get install chromium (Debian, Ubuntu), "
            "brew install chromium (macOS)."
        )
        if os.environ.get("CI") == "true" or os.environ.get("MNIST_LIB_REQUIRE_BROWSER") == "1":
            pytest.fail(reason)
        plugins = request.config.pluginmanager
        with plugins.get_plugin("capturemanager").global_and_fixture_disabled():
            print(f"\n{reason}")
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS, timeout=PATIENCE)
        browser.on("context", lambda context: context.set_default_timeout(PATIENCE))
        expect.set_options(timeout=PATIENCE)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def live_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the live page; other pages are stubs."""
    from test_live import build_page  # here, because few tests need it, and it starts Keras

    return build_page(tmp_path_factory.mktemp("live"))


@pytest.fixture
def live(browser, live_site: Path):
    """Return the live page, opened as a file: nothing may be fetched."""
    from test_site import visiting

    with visiting(browser, live_site.as_uri(), "light") as visit:
        visit.open("book/live.html")
        yield visit
        visit.assert_clean()


@pytest.fixture(scope="module")
def calculator(browser):
    """Return an empty page that knows the scripts which need no document."""
    page = browser.new_page()
    for name in ("network.js", "network-file.js", "handwriting.js", "live-parts.js"):
        page.add_script_tag(path=ROOT / "book" / "_static" / name)
    yield page
    page.close()


@pytest.fixture(scope="session")
def user_settings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Return environment variables of a user whose settings hide figures and turn digits over."""
    folder = tmp_path_factory.mktemp("settings")
    startup = folder / "ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    noise = "import sys; print('a profile of the user', file=sys.stderr)\n"
    (startup / "noise.py").write_text(noise)
    (folder / "startup.py").write_text("def print(*words): pass\n")
    (folder / "matplotlibrc").write_text("image.origin: lower\n")
    keras = {"backend": "jax", "floatx": "float16", "image_data_format": "channels_first"}
    (folder / "keras.json").write_text(json.dumps(keras))
    return {
        "IPYTHONDIR": str(folder / "ipython"),
        "KERAS_BACKEND": "jax",
        "KERAS_HOME": str(folder),
        "MATPLOTLIBRC": str(folder),
        "MPLBACKEND": "agg",
        "PYTHONSTARTUP": str(folder / "startup.py"),
    }


@pytest.fixture(scope="session")
def run_chapters(user_settings: dict[str, str]) -> Callable[[Path], str]:
    """Return a function that runs the chapters of a folder as ``make test`` does.

    It gives what pytest prints. The reference work is left out; a kernel's start alone costs one to
    five seconds, so the tolerance is wide enough for that.
    """

    def run(folder: Path) -> str:
        for name in ("tools", "mnist_lib"):
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignore, dirs_exist_ok=True)
        shutil.copy(ROOT / "requirements.txt", folder)
        shutil.copy(ROOT / "conftest.py", folder / "running.py")
        (folder / "conftest.py").write_text(
            "import running\nrunning.slowness = lambda: 1.0\nrunning.TOLERANCE = 8\n"
            "from running import *\n",
            encoding="utf-8",
        )
        environment = os.environ | user_settings
        environment.pop("MNIST_LIB_SOURCE", None)
        command = [sys.executable, "-m", "pytest", "--nbmake", "-rA", "-p", "no:cacheprovider"]
        result = subprocess.run(
            [*command, "chapters"], cwd=folder, env=environment, capture_output=True, text=True
        )
        return re.sub(r"\x1b\[[0-9;]*m", "", result.stdout + result.stderr)

    return run
