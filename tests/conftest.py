"""The browser that reads the built pages: one for all tests, since Playwright starts only once."""

from __future__ import annotations

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def find_chromium() -> str | None:
    """Return the path of an installed Chromium, Chrome or Edge."""
    names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "msedge"]
    places = [shutil.which(name) for name in names]
    for application in ("Google Chrome", "Chromium", "Microsoft Edge"):
        places.append(f"/Applications/{application}.app/Contents/MacOS/{application}")
    for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        folder = os.environ.get(variable, "")
        places.append(os.path.join(folder, "Google", "Chrome", "Application", "chrome.exe"))
        places.append(os.path.join(folder, "Microsoft", "Edge", "Application", "msedge.exe"))
    return next((place for place in places if place and os.path.isfile(place)), None)


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
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()
