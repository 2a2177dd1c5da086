"""A class's own digits: gathered, measured, and read by networks that have not met the writer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools import class_digits, synthetic

STYLES = {"ada": 0.08, "bo": 0.1, "cy": 0.13}  # students and their pens


def write(folder: Path, student: str, label: int, width: float, name: str = "") -> None:
    """Save a drawn digit, dark on white, as a student would."""
    ink = synthetic.pen_shape(np.random.default_rng(label), label, width=width, variation=0.3)
    page = np.pad(1 - ink, 20, constant_values=1)
    (folder / student).mkdir(exist_ok=True, parents=True)
    path = folder / student / (name or f"my_digit_{label}.png")
    Image.fromarray((255 * page).astype(np.uint8)).save(path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("class")
    for student, width in STYLES.items():
        for label in range(10):
            write(folder, student, label, width)
    write(folder, "ada", 4, 0.08, "my_digit_4_2.png")
    write(folder, "bo", 7, 0.1, "seven.png")
    Image.new("L", (60, 60), 255).save(folder / "cy" / "my_digit_3_empty.png")
    (folder / "cy" / "my_digit_5_broken.png").write_bytes(b"no picture")
    (folder / "notes.txt").write_text("not read")
    return folder


def test_every_digit_is_gathered_with_its_label_and_its_writer(folder: Path) -> None:
    digits = class_digits.gather(folder)
    assert digits.images.shape == (31, 28, 28)
    assert digits.images.dtype == np.uint8
    for student, count in {"ada": 11, "bo": 10, "cy": 10}.items():
        own = digits.labels[digits.students == student]
        assert sorted(set(own)) == list(range(10))
        assert len(own) == count
    assert sorted(sentence.split(":")[0] for sentence in digits.refused) == [
        "bo/seven.png",
        "cy/my_digit_3_empty.png",
        "cy/my_digit_5_broken.png",
    ]


def test_a_writer_is_never_on_both_sides() -> None:
    students = np.array(["ada", "bo", "ada", "cy", "di", "bo", "ed"])
    part = class_digits.groups(students)
    assert set(part) == {0, 1, 2}
    for student in set(students):
        assert len(set(part[students == student])) == 1
    assert set(class_digits.groups(np.array(["a", "b", "a"]))) == {0, 1}


def test_a_class_is_measured_and_kept(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert class_digits.main([str(folder)]) == 0
    printed = capsys.readouterr().out
    lines = {line.split()[0]: line.split()[1:] for line in printed.splitlines() if line.strip()}
    assert lines["ada"][0] == "11"
    assert lines["all"][0] == "31"
    shares = [float(part.rstrip("%")) for part in lines["all"][1:]]
    assert len(shares) == 3
    assert min(shares) > 70
    assert "fine-tuned: reads" in printed
    assert "3 writers say little" in printed
    assert printed.count("Left out:") == 3
    with np.load(folder / "class_digits.npz", allow_pickle=False) as kept:
        assert kept["images"].shape == (31, 28, 28)
        assert set(kept["students"]) == set(STYLES)
    with Image.open(folder / "class_digits.png") as picture:
        assert picture.width > 600


def test_one_student_alone_is_not_fine_tuned(tmp_path: Path) -> None:
    for label in (1, 2):
        write(tmp_path, "ada", label, 0.1)
    assert "needs two students" in class_digits.report(class_digits.gather(tmp_path))


@pytest.mark.parametrize("files", [[], ["ada/four.png"]])
def test_a_folder_without_digits_is_explained(
    tmp_path: Path, files: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    for file in files:
        write(tmp_path, *file.split("/")[:1], 4, 0.1, file.split("/")[1])
    assert class_digits.main([str(tmp_path)]) == 1
    assert "my_digit_4.png" in capsys.readouterr().err
    assert not list(tmp_path.glob("class_digits*"))


def test_a_missing_folder_and_too_many_pictures_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotADirectoryError, match="a folder for each student"):
        class_digits.gather(tmp_path / "missing")
    monkeypatch.setattr(class_digits, "MOST", 1)
    for label in (1, 2):
        write(tmp_path, "ada", label, 0.1)
    with pytest.raises(ValueError, match="holds 2 pictures; at most 1"):
        class_digits.gather(tmp_path)
