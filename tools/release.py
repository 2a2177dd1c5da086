"""Print what is new in the version that pyproject.toml names: the notes of its release.

python -m tools.release            # make release has them beside the wheel and the sdist
python -m tools.release v1.0.0     # fails if this is not the tag of that version

Nothing but the standard library is needed.
"""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def version(root: Path = ROOT) -> str:
    """Return the version, which stands in pyproject.toml alone."""
    with (root / "pyproject.toml").open("rb") as file:
        return str(tomllib.load(file)["project"]["version"])


def notes(text: str, number: str) -> str:
    """Return the section of a version from the text of CHANGELOG.md, without its heading.

    Raises
    ------
    ValueError
        There is no such section, or there is nothing in it.
    """
    sections = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    found = dict(zip(sections[1::2], (part.strip() for part in sections[2::2]), strict=True))
    if not found.get(number):
        raise ValueError(
            f"CHANGELOG.md says nothing about version {number}; it has {', '.join(found)}. "
            f"Write below a heading '## {number}' what readers will notice."
        )
    return found[number] + "\n"


def main(tag: str | None = None) -> int:
    """Print the notes; return the exit code."""
    number = version()
    try:
        if tag not in (None, f"v{number}"):
            raise ValueError(
                f"The tag is {tag}, and pyproject.toml has version {number}. "
                f"Tag v{number}, or change the version first."
            )
        print(notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), number), end="")
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
