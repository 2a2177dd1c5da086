"""Write files whole or not at all."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(path: str | os.PathLike[str], content: bytes) -> Path:
    """Write a file that takes the place of an older one only when it is complete.

    Somebody who reads meanwhile, or after the writing was interrupted, finds the old file or the
    new one under that name, and never a part of one.

    Parameters
    ----------
    path : str or path-like
        Its folder must exist.
    content : bytes
        All of the file.

    Returns
    -------
    pathlib.Path
        `path`.

    Raises
    ------
    OSError
        If the file cannot be written; an older one is left as it was.
    """
    path = Path(path)
    # In the same folder, so that the last step is a rename within one file system; under a name of
    # its own, so that two processes may write at once.
    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return path
