"""The process of a submission: take on limits, give up rights, and run the notebook's answers.

`processes` starts it, inside the sandbox. Standard input brings the exercises and the notebook;
standard output carries the messages.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from contextlib import suppress


def limit(limits: dict[str, int]) -> None:
    """Limit this process and those that it starts."""
    for name, value in limits.items():
        with suppress(OSError, ValueError):  # macOS has no limit of address space
            number = getattr(resource, name)
            hard = resource.getrlimit(number)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (value, value))


def main() -> None:
    """Do all that, and end without what a student has registered for the end."""
    how = json.loads(sys.argv[1])
    limit(how["limits"])
    if how["user"] is not None:
        os.setgroups([])
        os.setgid(how["user"])
        os.setuid(how["user"])
    # Imported with the limits and rights that the answers will have.
    from tools.grading.messages import LENGTH, decode
    from tools.grading.notebook import run

    with os.fdopen(os.dup(0), "rb") as file:
        request = file.read()
    end = LENGTH.size + LENGTH.unpack_from(request)[0]
    pipe = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, *(() if how["shown"] else (1, 2))):
        os.dup2(nothing, stream)
    if how["shown"]:
        os.dup2(2, 1)
    run(decode(request[LENGTH.size : end]), request[end:], pipe)
    os._exit(0)


if __name__ == "__main__":
    main()
