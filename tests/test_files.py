"""`mnist_lib._files`: a reader finds the old file or the new one, never a part of one."""

import os
import subprocess
import sys
import threading

import pytest

from mnist_lib._files import write_whole


def test_a_file_is_written_and_replaced(tmp_path):
    path = tmp_path / "file"
    assert write_whole(str(path), b"old") == path
    assert write_whole(path, b"new") == path
    assert path.read_bytes() == b"new"
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name != "posix", reason="other systems have no umask")
def test_others_may_read_it(tmp_path):
    """As every other new file, it has the permissions that the user chose for new files."""
    before = os.umask(0o022)
    try:
        assert write_whole(tmp_path / "file", b"new").stat().st_mode & 0o777 == 0o644
    finally:
        os.umask(before)


def test_a_folder_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_whole(tmp_path / "nowhere" / "file", b"new")


@pytest.mark.skipif(os.name != "posix", reason="needs a limit on the size of files")
def test_a_full_disk_leaves_the_old_file_and_nothing_else(tmp_path):
    import resource

    path = write_whole(tmp_path / "file", b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65_536, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_whole(path, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


def test_a_process_killed_at_the_last_step_leaves_the_old_file(tmp_path):
    path = write_whole(tmp_path / "file", b"old")
    code = (
        "import os, sys; from pathlib import Path; from mnist_lib._files import write_whole\n"
        "Path.replace = lambda *_: os._exit(9)\n"
        "write_whole(sys.argv[1], b'new')"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)]).returncode == 9
    assert path.read_bytes() == b"old"


def test_readers_and_writers_at_once(tmp_path):
    contents = {bytes([byte]) * 1_000_000 for byte in range(3)}
    path = write_whole(tmp_path / "file", min(contents))
    over = threading.Event()

    def write(content):
        while not over.is_set():
            write_whole(path, content)

    writers = [threading.Thread(target=write, args=(content,)) for content in contents]
    for writer in writers:
        writer.start()
    try:
        for _ in range(50):
            assert path.read_bytes() in contents
    finally:
        over.set()
        for writer in writers:
            writer.join()
    assert [found.name for found in tmp_path.iterdir()] == ["file"]
