"""Find the browser that prints the book, and that tests read it with."""

from __future__ import annotations

import os
import shutil

MISSING = (
    "No Chromium, Chrome or Edge is installed, which prints pages. To install one: "
    "sudo apt-get install chromium (Debian, Ubuntu), brew install chromium (macOS)."
)

FLAGS = [
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
