"""`tools/synthetic.py`: the same state gives the same picture, and boxes hold what they say."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tools import synthetic

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("label", range(10))
def test_every_style_is_written_at_the_height_of_a_shape(label):
    rng = np.random.default_rng(label)
    for style in {**synthetic.STYLES[label], **synthetic.RARE_STYLES.get(label, {})}:
        shape = synthetic.pen_shape(rng, label, style, width=0.08)
        assert shape.dtype == np.float32
        assert shape.min() >= 0
        assert shape.max() == 1
        assert 0.7 * synthetic.SHAPE_HEIGHT < max(shape.shape) < 1.3 * synthetic.SHAPE_HEIGHT


def test_styles_without_variation_do_not_depend_on_chance():
    shapes = [
        synthetic.pen_shape(np.random.default_rng(seed), 4, "open", 0.08, variation=0)
        for seed in (1, 2)
    ]
    np.testing.assert_array_equal(*shapes)


def test_a_pencil_of_one_pixel_draws_lines_of_one_pixel():
    picture = synthetic.pixel_pen(np.random.default_rng(0), 0, 100)
    ink = picture == 0
    assert set(np.unique(picture)) == {0, 255}
    assert abs(np.flatnonzero(ink.any(axis=1)).size - 100) <= 2
    # Nowhere is there a block of three by three, as a wider pen would leave.
    blocks = np.lib.stride_tricks.sliding_window_view(ink, (3, 3))
    assert not blocks.all(axis=(2, 3)).any()


def test_a_failing_pen_is_paler_and_leaves_gaps():
    rng = np.random.default_rng(0)
    shape = synthetic.pen_shape(rng, 8, width=0.1)
    changed = [synthetic.worn(rng, shape) for _ in range(20)]
    assert all(part.max() == 1 for part in changed)
    same = [part for part in changed if part.shape == shape.shape]
    assert len(same) > 10
    lost = [1 - part.sum() / shape.sum() for part in same]
    assert 0 <= min(lost) < 0.3 < max(lost) < 0.75
    broken = [((shape > 0.9) & (part < 0.05)).any() for part in same]
    assert 0 < sum(broken) < len(broken)


def render(seed):
    rng = np.random.default_rng(seed)
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 12:16] = 250
    shapes = [synthetic.mnist_shape(rng, image), synthetic.pen_shape(rng, 7)]
    return [
        *shapes,
        synthetic.drawing(rng, shapes[0]),
        synthetic.photograph(rng, shapes[1]),
        synthetic.page(rng, shapes, [1, 7]).image,
        synthetic.worn(rng, shapes[1]),
        synthetic.pixel_pen(rng, 4, 60),
    ]


def test_the_same_state_gives_the_same_pictures():
    for first, second in zip(render(3), render(3), strict=True):
        np.testing.assert_array_equal(first, second)
    others = zip(render(3), render(4), strict=True)
    assert any(a.shape != b.shape or (a != b).any() for a, b in others)


def test_a_page_tells_where_its_digits_are():
    rng = np.random.default_rng(0)
    shapes = [synthetic.pen_shape(rng, label, width=0.1) for label in range(10)]
    page = synthetic.page(rng, shapes, range(10), lines=2)
    assert page.labels == list(range(10))
    grey = page.image.mean(axis=2)
    outside = np.ones(grey.shape, bool)
    contrast = []
    for left, top, right, bottom in page.boxes:
        assert 0 <= left < right <= grey.shape[1]
        assert 0 <= top < bottom <= grey.shape[0]
        outside[top:bottom, left:right] = False
        contrast.append(grey[top:bottom, left:right].std())
    assert min(contrast) > grey[outside].std() / 2


def test_the_command_writes_a_contact_sheet(tmp_path):
    path = tmp_path / "sheet.png"
    command = [sys.executable, "-m", "tools.synthetic", str(path), "--seed", "1"]
    subprocess.run(command, check=True, cwd=ROOT)
    with Image.open(path) as sheet:
        assert sheet.width > 1000
