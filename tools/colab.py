"""Compare ``tools/colab.txt`` with what Colab installs today, and bring it up to date.

python -m tools.colab

Google lists the packages of Colab in the repository googlecolab/backend-info. The exit code is 1
where the file was out of date (it is right afterwards), or where the list could not be read (it
stays as it was).
"""

from __future__ import annotations

import re
import sys
from datetime import date
from pathlib import Path

import requests

PINS = Path(__file__).with_suffix(".txt")
LIST = "https://raw.githubusercontent.com/googlecolab/backend-info/main/pip-freeze.txt"
PIN = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)$", re.MULTILINE)


def pins(text: str) -> dict[str, str]:
    """Return the versions in a list of requirements, by name."""
    return {name.lower().replace("_", "-"): version for name, version in PIN.findall(text)}


def updated(old: str, listed: str, today: date) -> str:
    """Return the text of ``colab.txt`` with the versions of Colab's list.

    Raises
    ------
    ValueError
        The list lacks a package; it may have another form now.
    """
    now = pins(listed)
    missing = sorted(set(pins(old)) - set(now))
    if missing:
        raise ValueError(
            f"Colab's list has no {', '.join(missing)}; expected lines such as numpy==2.1.3. "
            f"Look at {LIST} and mend {PINS.name} by hand."
        )
    if pins(old) == {name: now[name] for name in pins(old)}:
        return old
    text = PIN.sub(lambda pin: f"{pin[1]}=={now[pin[1].lower().replace('_', '-')]}", old)
    return re.sub(r"as of \d{4}-\d\d-\d\d", f"as of {today.isoformat()}", text)


def main() -> int:
    """Compare and update; return the exit code."""
    old = PINS.read_text(encoding="utf-8")
    try:
        answer = requests.get(LIST, timeout=30)
        answer.raise_for_status()
        new = updated(old, answer.text, date.today())
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
