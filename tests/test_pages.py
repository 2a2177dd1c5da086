"""`find_digits` on pages: every digit once, in order, whatever else the picture shows."""

import contextlib
import time
import tracemalloc

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from mnist_lib.handwriting import (
    Strokes,
    as_mnist,
    crop,
    even_out,
    find_cuts,
    find_digits,
    find_parts,
    find_sheet,
    group_digits,
    misfit,
    read_picture,
    remove_ruling,
)
from tools import hard_cases, synthetic


def put(dark, digit, left, bottom, height, style=None, width=0.08):
    """Write a digit on a page of darkness; return its box."""
    shape = synthetic.pen_shape(np.random.default_rng(digit), digit, style, width, 0)
    shape = synthetic._resized(shape, height)
    top = bottom - shape.shape[0]
    synthetic._place(dark, shape, top, left)
    return left, top, left + shape.shape[1], bottom


def write(size, text, left, bottom, height, step):
    """Write a row of digits; return the page of darkness, 0 to 1, and their boxes."""
    dark = np.zeros(size, np.float32)
    return dark, [
        put(dark, int(c), left + i * step, bottom, height) for i, c in enumerate(text) if c != " "
    ]


def photo(dark, paper=205.0, noise=2.0):
    grain = np.random.default_rng(0).normal(0, noise, dark.shape)
    return np.clip(paper * (1 - dark) + grain, 0, 255).astype(np.uint8)


def check(picture, boxes, tolerance=0.25):
    """Assert that the boxes are found, in this order, and no others."""
    found = [digit.box for digit in find_digits(picture)]
    height = np.median([bottom - top for _, top, _, bottom in boxes])
    assert len(found) == len(boxes), found
    np.testing.assert_allclose(found, boxes, atol=tolerance * height)


# --- Pieces of ink ------------------------------------------------------------------------------


@pytest.mark.parametrize("darkness", [0.45, 0.72])
def test_the_edge_of_a_shadow_outweighs_no_digits(darkness):
    dark, boxes = write((960, 1280), "3446785512", 110, 330, 85, 110)
    y, x = np.mgrid[:960, :1280]
    shade = darkness / (1 + np.exp(-np.minimum(y - 760, x - 190) / 4.0))
    check(photo(1 - (1 - 0.7 * dark) * (1 - shade)), boxes)


@pytest.mark.parametrize("gap", [5, 9, 14])
def test_a_broken_digit_is_one_digit_and_not_its_neighbours(gap):
    dark, boxes = write((240, 900), "3475", 60, 180, 90, 125)
    boxes.append(put(dark, 1, 560, 180, 90, "stroke"))
    boxes.append(put(dark, 2, 600, 180, 90))
    middle = 138
    dark[middle - gap // 2 : middle + gap - gap // 2, 590:700] = 0
    check(photo(0.7 * dark), boxes)


@pytest.mark.parametrize("part", [0.48, 0.42, 0.35])
def test_a_small_digit_among_tall_ones_stays_and_a_comma_goes(part):
    dark, boxes = write((260, 700), "91", 60, 190, 130, 140)
    boxes.append(put(dark, 0, 360, 190, round(130 * part), width=0.12))
    boxes.append(put(dark, 7, 500, 190, 130))
    for i in range(30):
        dark[185 + i, 465 - i // 2 : 472 - i // 2] = 1
    check(photo(0.75 * dark), boxes)


def test_a_digit_among_specks_is_found():
    dark = np.zeros((900, 1200), np.float32)
    boxes = [put(dark, 3, 500, 600, 300)]
    dark[np.random.default_rng(1).random(dark.shape) < 0.001] = 1
    check(photo(dark, noise=0), boxes)


# --- The sheet ----------------------------------------------------------------------------------


@pytest.mark.parametrize("degrees", [0, 12, -30])
@pytest.mark.parametrize("table", [40, 90, 150])
def test_a_sheet_on_a_table_is_found_and_set_upright(table, degrees):
    dark, boxes = write((500, 640), "50156", 60, 180, 70, 110)
    boxes += [put(dark, int(c), 60 + 110 * i, 400, 70) for i, c in enumerate("34259")]
    sheet = Image.fromarray((205 * (1 - 0.7 * dark)).astype(np.float32))
    matrix = np.eye(3)
    angle = np.radians(degrees)
    cos, sin = np.cos(angle), np.sin(angle)
    # from the picture, 1000 pixels wide, to the sheet in its middle
    matrix[:2, :2] = [[cos, sin], [-sin, cos]]
    matrix[:2, 2] = np.array([320, 250]) - matrix[:2, :2] @ [520, 480]
    data = tuple(matrix[:2].ravel())
    size = (1000, 1000)
    paper = np.asarray(
        Image.new("F", sheet.size, 1).transform(size, Image.Transform.AFFINE, data, 2)
    )
    laid = np.asarray(sheet.transform(size, Image.Transform.AFFINE, data, 2))
    y, x = np.mgrid[:1000, :1000]
    wood = table * (1 + 0.15 * np.sin(x / 9 + 3 * np.sin(y / 80)))
    noise = np.random.default_rng(3).normal(0, 2, paper.shape)
    picture = np.clip(laid + (1 - paper) * wood + noise, 0, 255).astype(np.uint8)
    found = [digit.box for digit in find_digits(picture)]
    corners = np.array([[(b[i], b[j], 1) for i in (0, 2) for j in (1, 3)] for b in boxes])
    at = corners @ np.linalg.inv(matrix)[:2].T
    expected = np.concatenate([at.min(axis=1), at.max(axis=1)], axis=1)
    assert len(found) == len(boxes), found
    np.testing.assert_allclose(found, expected, atol=14)


def test_a_hand_that_holds_the_sheet_is_no_digit():
    dark, boxes = write((900, 1200), "4471", 300, 450, 110, 150)
    grey = np.full((900, 1200), 70.0, np.float32)
    grey[200:700, 220:980] = (205 * (1 - 0.7 * dark))[200:700, 220:980]
    for left in (450, 540, 630):  # fingers
        grey[620:, left : left + 60] = 140
    check(photo(1 - ndimage.gaussian_filter(grey, 1) / 205), boxes)


def test_paper_that_fills_the_picture_is_no_sheet():
    dark, _ = write((700, 900), "0889", 100, 500, 300, 190)
    y, x = np.mgrid[:700, :900]
    soft = 1 / (1 + np.exp(-(x - 500 + y / 3) / 6))  # a shadow
    for light in (np.ones_like(dark), 1 - 0.4 * x / 900, 1 - 0.6 * soft):
        picture = read_picture(photo(1 - (1 - 0.7 * dark) * light))
        assert find_sheet(picture) is None


SHADOWS = {
    "one half": lambda x, y: x > 640,
    "lower part": lambda x, y: y > 430,
    "aslant": lambda x, y: x + y > 1100,
    "corner": lambda x, y: (x > 700) & (y > 400),
    "band": lambda x, y: (x > 400) & (x < 800),
    "round": lambda x, y: np.hypot(x - 640, y - 480) < 300,
    "all but a window": lambda x, y: (np.abs(x - 600) > 400) | (np.abs(y - 450) > 300),
}


@pytest.mark.parametrize("light", [0.65, 0.4])
@pytest.mark.parametrize("name", SHADOWS)
def test_a_shadow_with_a_hard_edge_hides_no_writing(name, light):
    dark, boxes = write((960, 1280), "3446785512", 110, 330, 85, 110)
    for bottom in (520, 700):
        boxes += [put(dark, int(c), 110 + 110 * i, bottom, 85) for i, c in enumerate("9071628345")]
    y, x = np.mgrid[:960, :1280]
    shade = ndimage.gaussian_filter(np.where(SHADOWS[name](x, y), light, 1.0), 0.8)
    check(photo(1 - (1 - 0.7 * dark) * shade), boxes)


def test_a_shadow_with_a_hard_edge_crosses_the_only_digit():
    dark = np.zeros((750, 1000), np.float32)
    boxes = [put(dark, 5, 470, 450, 130)]
    check(photo(1 - (1 - 0.7 * dark) * np.where(np.arange(1000) < 500, 1.0, 0.5)), boxes)


@pytest.mark.parametrize("light", [0.35, 0.65])
def test_a_shadow_across_a_sheet_on_a_table_hides_no_writing(light):
    size = 900, 1200
    dark, boxes = write(size, "447135", 260, 400, 90, 110)
    boxes += [put(dark, int(c), 260 + 110 * i, 560, 90) for i, c in enumerate("902866")]
    y, x = np.mgrid[: size[0], : size[1]]
    paper = (np.abs(x - 600) < 400) & (np.abs(y - 450) < 280)
    grey = np.where(paper, 1 - 0.7 * dark, 0.3) * np.where(x + y / 3 > 800, light, 1.0)
    check(photo(1 - ndimage.gaussian_filter(grey, 0.8)), boxes)


@pytest.mark.parametrize("seed", range(6))
def test_grain_of_a_dark_table_in_a_shadow_is_no_writing_beyond_the_sheet(seed):
    rng = np.random.default_rng(seed)
    written = [(synthetic.pen_shape(rng, label, width=0.08), label) for label in (3, 4, 4, 6, 7, 8)]
    picture, _ = hard_cases.PAGES["all at once"](rng, written)
    assert find_sheet(read_picture(picture)) is not None


def test_a_board_in_a_frame_has_light_ink():
    dark, boxes = write((700, 1000), "344678", 180, 330, 110, 110)
    grey = np.clip(0.2 + 0.6 * dark, 0, 1)
    grey[:, :40] = grey[:40] = 0.65
    check(photo(1 - grey), boxes)


@pytest.mark.parametrize("side", ["left", "right"])
def test_the_edge_of_the_page_and_a_crease_are_no_ones(side):
    size = 1200, 900
    dark, boxes = write(size, "1572", 260, 470, 110, 120)
    boxes += [put(dark, int(c), 230 + 120 * i, 670, 110) for i, c in enumerate("43890")]
    rng = np.random.default_rng(1)
    edge = np.repeat(18 + 5 * np.cumsum(rng.normal(0, 0.25, 100)), 12)[:, np.newaxis]
    x = np.arange(900) if side == "left" else 899 - np.arange(900)
    crease = (np.abs(x - edge - 30) < 1.5) & (rng.random(30).repeat(40)[:, np.newaxis] > 0.35)
    page = np.maximum.reduce([0.7 * dark, 0.8 * (x < edge), 0.35 * crease])
    check(photo(ndimage.gaussian_filter(page, 0.7), noise=3), boxes)


# --- Ruled and squared paper --------------------------------------------------------------------


def ruling(size, pitch, slope=0.0, bow=0.0, squared=False, thick=2.2):
    """Print lines that slope and bow; 1 on a line, 0 beside it."""
    height, width = size
    y, x = np.mgrid[:height, :width].astype(np.float32)
    across = [y - slope * (x - width / 2) - bow * np.sin(np.pi * x / width)]
    if squared:
        across.append(x + slope * (y - height / 2) - bow * np.sin(np.pi * y / height))
    near = [np.abs((a + pitch / 3) % pitch - pitch / 2) for a in across]
    return np.clip(thick / 2 + 0.5 - np.minimum.reduce(near), 0, 1)


@pytest.mark.parametrize("strength", [0.15, 0.3, 0.5])
@pytest.mark.parametrize("slope", [0.0, 0.1, -0.16, 0.26])
def test_ruled_lines_go_however_they_slope(slope, strength):
    size = 800, 1100
    dark = np.zeros(size, np.float32)
    boxes = [
        put(dark, int(c), x, 420 + round(slope * (x - 550)), 100)
        for c, x in zip("95627834", range(110, 1000, 110), strict=False)
    ]
    page = np.maximum(0.7 * dark, strength * ruling(size, 130, slope))
    check(photo(page), boxes)


@pytest.mark.parametrize("bow", [0, 8, 14, -20])
@pytest.mark.parametrize("pitch", [30, 95])
def test_squares_that_bow_go_and_strokes_stay(bow, pitch):
    size = 420, 640
    dark, boxes = write(size, "501565", 52, 90, 44, 100)
    for row, text in enumerate(("342559", "750075", "691887"), 1):
        boxes += [put(dark, int(c), 52 + 100 * i, 90 + 95 * row, 44) for i, c in enumerate(text)]
    page = np.maximum(0.6 * dark, 0.28 * ruling(size, pitch, bow=bow, squared=True))
    check(photo(page, noise=3), boxes)


def test_rows_of_bars_are_no_lines():
    dark, boxes = write((300, 1000), "7575727", 40, 150, 90, 135)
    for i, digit in enumerate((7, 5, 7, 7, 5, 7, 7)):
        boxes.append(put(dark, digit, 40 + 135 * i, 270, 90))
    picture = photo(0.7 * dark)
    darkness = even_out(read_picture(picture))
    np.testing.assert_array_equal(remove_ruling(darkness), darkness)
    check(picture, boxes)


def test_ones_in_a_small_cut_out_are_no_lines():
    dark = np.zeros((57, 201), np.float32)
    boxes = [put(dark, 1, 12 + 45 * i, 53, 48, "stroke") for i in range(4)]
    check(photo(0.7 * dark), boxes)


def test_a_long_strip_keeps_its_digits_large_enough():
    dark, boxes = write((60, 5000), "123456789" * 11, 20, 50, 40, 50)
    check(photo(0.7 * dark), boxes)


# --- Cost ---------------------------------------------------------------------------------------


def test_memory_and_time_grow_with_the_page_and_not_with_page_times_digits():
    dark = np.zeros((1200, 1600), np.float32)
    for row in range(20):
        for column in range(20):
            put(dark, (row + column) % 10, 20 + 78 * column, 50 + 58 * row, 34)
    started = time.process_time()
    tracemalloc.start()
    digits = group_digits(dark)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(digits) == 400
    assert peak < 20 * dark.nbytes  # one page per digit would be 400
    assert sum(digit.ink.size for digit in digits) < dark.size
    assert time.process_time() - started < 20


def test_a_page_of_specks_ends_soon():
    dark = np.zeros((1200, 1600), np.float32)
    rng = np.random.default_rng(2)
    for top, left in zip(rng.integers(0, 1190, 8000), rng.integers(0, 1590, 8000), strict=True):
        dark[top : top + 6, left : left + 6] = 1
    started = time.process_time()
    group_digits(dark)
    assert time.process_time() - started < 20


def nasty_pages():
    """What is no handwriting, but has many edges, pieces or lines."""
    y, x = np.mgrid[:1200, :1600]
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 2, x.shape)
    font = hard_cases._font(hard_cases.FONTS[0], 18)
    print_ = Image.new("L", x.shape[::-1], 245)
    for row in range(48):
        words = " ".join(rng.choice(hard_cases.WORDS, 9))
        ImageDraw.Draw(print_).text((30, 20 + 24 * row), words, fill=20, font=font)
    return {
        "upright stripes": np.where(x % 24 < 12, 230, 60),
        "thin upright stripes": np.where(x % 20 < 2, 120, 220) + grain,
        "squares": np.where((x % 30 < 2) | (y % 30 < 2), 140, 220) + grain,
        "wood": 180 + 40 * np.sin(x / 9 + 3 * np.sin(y / 80)) + grain,
        "halftone": np.where(np.hypot(x % 10 - 5, y % 10 - 5) < 3 + x / 800, 40, 240),
        "checkerboard": np.where((x // 16 + y // 16) % 2, 30, 240),
        "noise": rng.integers(0, 256, x.shape),
        "black and white noise": 255 * rng.integers(0, 2, x.shape),
        "print": np.asarray(print_),
        "a shadow on nothing": np.where(x + y > 1300, 80, 200) + grain,
    }


@pytest.mark.parametrize("name", list(nasty_pages()))
def test_no_page_takes_long(name):
    picture = np.clip(nasty_pages()[name], 0, 255).astype(np.uint8)
    started = time.process_time()
    with contextlib.suppress(ValueError):
        find_digits(picture)
    assert time.process_time() - started < 12


@pytest.mark.parametrize("shape", [(10, 5000), (8, 9601), (12, 60_000)])
def test_a_strip_with_a_line_ends_with_an_answer(shape):
    strip = np.full(shape, 255, np.uint8)
    strip[shape[0] // 2] = 0
    with pytest.raises(ValueError, match="strokes of a pen"):
        find_digits(strip)
    assert len(find_digits(strip.T)) == 1  # it may be a 1 that fills its picture


# --- Digits that touch --------------------------------------------------------------------------


@pytest.mark.parametrize(("style", "width"), [("round", 0.05), ("round", 0.12), ("narrow", 0.12)])
def test_noughts_that_touch_are_cut_apart_between_their_rings(style, width):
    dark = np.zeros((220, 800), np.float32)
    boxes = [put(dark, 1, 50, 160, 100, "stroke", width)]
    left = 130
    for _ in range(4):
        boxes.append(put(dark, 0, left, 160, 100, style, width))
        left = boxes[-1][2] - 4
    check(photo(0.75 * dark), boxes)


def test_one_digit_is_not_cut_apart():
    dark = np.zeros((260, 1200), np.float32)
    boxes = [put(dark, 0, 60, 180, 100, "slashed")]
    for i, (digit, stretch) in enumerate(((5, 1.5), (2, 1.5), (8, 1.2), (4, 1.4))):
        shape = synthetic.pen_shape(np.random.default_rng(digit), digit, None, 0.08, 0)
        wide = ndimage.zoom(shape, (100 / shape.shape[0], stretch * 100 / shape.shape[1]), order=1)
        left, top = 200 + 230 * i, 80
        dark[top : top + wide.shape[0], left : left + wide.shape[1]] = wide.clip(0, 1)
        boxes.append((left, top, left + wide.shape[1], top + wide.shape[0]))
    check(photo(0.7 * dark), boxes)


def test_a_string_of_touching_digits_is_found_and_a_sloping_line_is_not():
    dark = np.zeros((300, 900), np.float32)
    boxes = []
    left = 80
    for _ in range(6):
        boxes.append(put(dark, 0, left, 160, 90, "round"))
        left = boxes[-1][2] - 4
    string = [(boxes[0][0], 70, boxes[-1][2], 160)]
    found = [(each.left, each.top, *each.ink.shape[::-1]) for each in group_digits(dark)]
    expected = [(left, top, right - left, bottom - top) for left, top, right, bottom in string]
    np.testing.assert_allclose(found, expected, atol=4)
    x = np.arange(60, 700)
    for thick in range(6):
        dark[250 - (x - 60) // 9 + thick, x] = 1
    found = [(each.left, each.top, *each.ink.shape[::-1]) for each in group_digits(dark)]
    np.testing.assert_allclose(found, expected, atol=4)


def test_cuts_go_around_a_ring_and_also_through_it():
    dark = np.zeros((200, 400), np.float32)
    left = put(dark, 0, 40, 160, 100, "round")[2] - 12  # the two rings share a lens
    put(dark, 0, left, 160, 100, "round")
    (piece,) = group_digits(dark)
    cuts = find_cuts(piece)
    middle = piece.ink.shape[1] / 2
    between = [cut for cut in cuts if abs(cut.at.mean() - middle) < 5]
    assert between
    assert {cut.through_ring for cut in cuts} == {False, True}
    assert [cut.at.mean() for cut in cuts] == sorted(cut.at.mean() for cut in cuts)


def noughts(count):
    """Write noughts that touch, and a 2 apart from them; return the line's parts."""
    dark = np.zeros((200, 1200), np.float32)
    left = 40
    for _ in range(count):
        left = put(dark, 0, left, 160, 100, "round")[2] - 5
    put(dark, 2, left + 60, 160, 100)
    pieces = group_digits(dark)
    assert len(pieces) == 2
    return find_parts(pieces, [True, False])


def test_parts_cover_a_line_and_are_no_wider_than_a_digit():
    parts = noughts(5)
    end = max(part.end for part in parts)
    assert [part.piece for part in parts if part.piece is not None] == [0, 1]
    assert {part.start for part in parts} == {part.end for part in parts} ^ {0, end}
    for part in parts:
        assert 0 <= part.start < part.end <= end
        if part.cuts:
            assert 4 <= part.strokes.ink.shape[1] <= 150
            assert part.strokes.ink.shape[0] >= 50


def test_parts_grow_with_the_width_of_a_piece_and_not_with_its_square():
    assert len(noughts(10)) < 2.5 * len(noughts(5))


@pytest.mark.parametrize("digit", range(10))
def test_a_digit_fits_its_own_shape_and_two_digits_do_not(digit):
    dark = np.zeros((200, 400), np.float32)
    left = put(dark, digit, 40, 160, 100)[2]
    (one,) = find_parts(group_digits(dark), [False])
    put(dark, digit, left + 8, 160, 100)
    strokes = Strokes(crop(dark), 60, 40)
    (two,) = find_parts([strokes], [False])
    fits = [misfit(part, as_mnist(part.strokes.ink), digit) for part in (one, two)]
    assert fits[0] < 0.5
    assert fits[1] > 2
