"""Compare ``tools/colab.txt`` with what Colab installs today, and bring it up to date.

python -m tools.colab

Google lists Colab's packages and names its Python in the repository googlecolab/backend-info. After
a change of Python, a test says where else the old one stands. The exit code is 1 where the file was
out of date (it is right afterwards), or where the lists could not be read (it stays as it was).
"""

from __future__ import annotations

import re
import sys
from datetime import date
from pathlib import Path

import requests

PINS = Path(__file__).with_suffix(".txt")
LISTS = "https://raw.githubusercontent.com/googlecolab/backend-info/main/"
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)$", re.MULTILINE)
PYTHON = re.compile(r"\bPython (3\.\d+)")


def pins(text: str) -> dict[str, str]:
    """Return the versions in a list of requirements, by name."""
    return {name.lower().replace("_", "-"): version for name, version in PIN.findall(text)}


def updated(old: str, packages: str, system: str, today: date) -> str:
    """Return the text of ``colab.txt`` with the versions of Colab's lists.

    Raises
    ------
    ValueError
        A list lacks a package or Python; it may have another form now.
    """
    now, python = pins(packages), PYTHON.search(system)
    missing = sorted(set(pins(old)) - set(now)) + ([] if python else ["Python"])
    if missing or python is None:
        raise ValueError(
            f"Colab's lists have no {', '.join(missing)}; expected lines such as numpy==2.1.3 and "
            f"Python 3.13.5. Look at pip-freeze.txt and os-info.txt below {LISTS} and mend "
            f"{PINS.name} by hand."
        )
    text = PIN.sub(lambda pin: f"{pin[1]}=={now[pin[1].lower().replace('_', '-')]}", old)
    text = PYTHON.sub(python[0], text)
    if text == old:
        return old
    return re.sub(r"as of \d{4}-\d\d-\d\d", f"as of {today.isoformat()}", text)


def fetched(name: str) -> str:
    """Return one of Colab's lists."""
    answer = requests.get(LISTS + name, timeout=30)
    answer.raise_for_status()
    return answer.text


def main() -> int:
    """Compare and update; return the exit code."""
    old = PINS.read_text(encoding="utf-8")
    try:
        new = updated(old, fetched("pip-freeze.txt"), fetched("os-info.txt"), date.today())
    except (requests.RequestException, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    if new == old:
        print(f"{PINS.name} is what Colab installs today.")
        return 0
    PINS.write_text(new, encoding="utf-8")
    print(f"{PINS.name} was out of date. Commit it, after make colab has passed:\n{new}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
