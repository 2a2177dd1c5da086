"""An IPython extension: each figure also as the book shows it, for light and for dark pages.

`tools.notebooks.ignore_user_settings` loads it into the kernels of the book and of the tests;
nobody else's notebooks know of it. To every Matplotlib figure that is shown it adds one more form,
`FORM`: the figure with dense pixels, and the same figure for a dark page. The book's extension
(``book/_ext/course_site.py``) puts these two in the place of the usual picture.

The dark figure is drawn a second time with other colours. Lightness is turned round, from page to
ink, and the hue stays; so a light tint with dark text becomes a dark tint with light text. Pictures
(``imshow``, colour bars) keep their colours, because these mean values, and so does what is drawn
upon a picture. Only colour maps that have the page's own colour for "nothing", such as white for 0,
are turned round with all that is drawn upon them: pictures and their colour bars alike.
"""

from __future__ import annotations

import io
import json
import math
import time
from binascii import b2a_base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.collections import QuadMesh
from matplotlib.colors import Colormap, to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.transforms import Bbox
from PIL import Image
from PIL.PngImagePlugin import PngInfo

FORM = "application/vnd.mnist-book.figure+json"
"""What this form is called beside ``image/png``: ``light`` and ``dark``, each data by MIME type.

The comment in each picture tells its ``theme``, and the ``least_width`` at which all its text can
be read, in CSS pixels.
"""

COLUMN = 688
"""Width of the book's text column in CSS pixels: a figure of 6 inches fills it."""

PER_INCH = (
    COLUMN / 6.08
)  # notebooks crop a figure of 6 inches to what is drawn, and add 0.04 around
DENSITY = 2.0  # pixels per CSS pixel
SMALLEST = 9.0  # CSS pixels that the size of a figure's smallest text should have on any screen
LARGE, MANY = 100_000, 15_000  # bytes, and colours, that figures of lines and areas do not reach
TINTED = 0.01  # the fraction of pixels from which one sees that greys have become colours

DARK_PAGE, DARK_INK = "#121212", "#ced6dd"  # the theme's own
LIGHT_PAGE, LIGHT_INK = "#fcfcfa", "#222222"  # of mnist_lib's course.mplstyle


# --- colours ----------------------------------------------------------------------------------

# Björn Ottosson's Oklab (2020): equal steps of its L look equally large, whatever the hue.
_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _lab(colour: Any) -> np.ndarray:
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return _TO_LAB @ np.cbrt(_TO_LMS @ linear)


def _rgb(lab: np.ndarray) -> np.ndarray:
    linear = np.linalg.solve(_TO_LMS, np.linalg.solve(_TO_LAB, lab) ** 3)
    curve = 1.055 * np.maximum(linear, 0) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curve)


@cache
def dark(colour: tuple[float, ...]) -> tuple[float, ...]:
    """Return a colour for the dark page: the page's is the dark page's, ink is light, hues stay."""
    page, ink, dark_page, dark_ink = map(_lab, (LIGHT_PAGE, LIGHT_INK, DARK_PAGE, DARK_INK))
    lab = _lab(colour[:3])
    way = (page[0] - lab[0]) / (page[0] - ink[0])  # 0 at the page, 1 at the ink, 1.3 at black
    grey = dark_page + way * (dark_ink - dark_page)
    grey[0] = (
        dark_page[0] + max(way, 0) ** 0.8 * (dark_ink - dark_page)[0]
    )  # colours a little lighter
    grey[0] = min(grey[0], 1.0)
    hue = np.array([0, *(lab - page - way * (ink - page))[1:]])
    for strength in (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0):
        rgb = _rgb(grey + strength * hue)
        if rgb.min() > -0.002 and rgb.max() < 1.002:
            break
    return (*np.clip(rgb, 0, 1).tolist(), *colour[3:])


def is_paper(colours: Colormap) -> bool:
    """Return whether a colour map has hues, and a white or nearly white for one of its values."""
    labs = np.array([_lab(colour) for colour in colours(np.linspace(0, 1, 33))])
    chroma = np.hypot(labs[:, 1], labs[:, 2])
    lightest = labs[:, 0].argmax()
    return bool(labs[lightest, 0] > 0.95 and chroma[lightest] < 0.04 and chroma.max() > 0.1)


# --- drawing ----------------------------------------------------------------------------------

TURNED = "turned round"  # the mark of pictures that change their colours on the dark page


def _turned(colours: np.ndarray) -> np.ndarray:
    """Return colours (…, 4) of bytes for the dark page."""
    codes, places = np.unique(np.ascontiguousarray(colours).view(np.uint32), return_inverse=True)
    found = codes.view(np.uint8).reshape(-1, 4) / 255
    changed = np.array([dark(tuple(each)) for each in found.tolist()])
    return (255 * changed).round().astype(np.uint8)[places.ravel()].reshape(colours.shape)


@contextmanager
def marked(figure: Figure) -> Iterator[None]:
    """Mark the pictures of a figure that change their colours on the dark page, for a while.

    If one of them is translucent, none changes: its colours would mix with those that stay.
    """
    pictures = [
        artist
        for artist in figure.findobj(lambda artist: isinstance(artist, AxesImage | QuadMesh))
        if artist.get_array() is not None and artist.get_array().ndim <= 2
        if is_paper(artist.get_cmap())
    ]
    if any(artist.get_alpha() is not None for artist in pictures):
        pictures = []
    before = [(artist.get_url(), artist.get_gid()) for artist in pictures]
    for artist in pictures:
        artist.set_url(TURNED)
        artist.set_gid(TURNED)
    try:
        yield
    finally:
        for artist, (url, gid) in zip(pictures, before, strict=True):
            artist.set_url(url)
            artist.set_gid(gid)


class Renderer(RendererAgg):
    """Matplotlib's own, which notes the sizes of text."""

    sizes: set[float]

    def clear(self) -> None:
        """Begin a drawing."""
        super().clear()
        self.sizes = set()

    def draw_text(self, gc: Any, x: Any, y: Any, s: str, prop: Any, *others: Any, **more: Any):
        """Draw text, and note its size in points."""
        if s.strip():
            self.sizes.add(prop.get_size_in_points())
        super().draw_text(gc, x, y, s, prop, *others, **more)


class DarkRenderer(Renderer):
    """A renderer with the colours of the dark page, except in pictures and upon them."""

    pictures: list[Bbox]
    group: str | None = None

    def __init__(self, width: float, height: float, dpi: float) -> None:
        super().__init__(width, height, dpi)
        self._markers, self._collection = self.draw_markers, self.draw_path_collection
        self._image, self._mesh = self.draw_image, self.draw_quad_mesh
        self.draw_markers = self._draw_markers
        self.draw_path_collection = self._draw_path_collection
        self.draw_image = self._draw_image
        self.draw_quad_mesh = self._draw_quad_mesh

    def clear(self) -> None:
        """Begin a drawing: no picture is there yet."""
        super().clear()
        self.pictures = []

    def _upon_picture(self, box: Bbox) -> bool:
        return any(
            each.x0 - 3 <= box.x0
            and each.x1 + 3 >= box.x1
            and each.y0 - 3 <= box.y0
            and each.y1 + 3 >= box.y1
            for each in self.pictures
        )

    @staticmethod
    def _dark(gc: GraphicsContextBase) -> GraphicsContextBase:
        copy = GraphicsContextBase()
        copy.copy_properties(gc)
        copy.set_foreground(dark(tuple(gc.get_rgb())), isRGBA=True)
        if (hatch := gc.get_hatch_color()) is not None:
            copy.set_hatch_color(dark(to_rgba(hatch)))
        return copy

    def draw_path(self, gc: Any, path: Any, transform: Any, rgbFace: Any = None) -> None:  # noqa: N803
        """Draw a line or an area."""
        if not self._upon_picture(path.get_extents(transform)):
            gc = self._dark(gc)
            rgbFace = None if rgbFace is None else dark(tuple(rgbFace))  # noqa: N806
        super().draw_path(gc, path, transform, rgbFace)

    def draw_text(self, gc: Any, x: Any, y: Any, s: str, *others: Any, **more: Any) -> None:
        """Draw text."""
        text = more.get("mtext")
        middle = [x, self.height - y] if text is None else _middle(text.get_window_extent(self))
        if not self._upon_picture(Bbox([middle, middle])):
            gc = self._dark(gc)
        super().draw_text(gc, x, y, s, *others, **more)

    def _draw_markers(
        self, gc: Any, marker: Any, place: Any, path: Any, transform: Any, face: Any = None
    ) -> None:
        if not self._upon_picture(path.get_extents(transform)):
            gc, face = self._dark(gc), None if face is None else dark(tuple(face))
        self._markers(gc, marker, place, path, transform, face)

    def _draw_path_collection(
        self, gc: Any, transform: Any, paths: Any, all_transforms: Any, offsets: Any,
        offset_transform: Any, faces: Any, edges: Any, *others: Any, **more: Any,
    ) -> None:  # fmt: skip
        faces, edges = ([dark(tuple(each)) for each in colours] for colours in (faces, edges))
        self._collection(
            gc, transform, paths, all_transforms, offsets, offset_transform,
            np.reshape(faces, (-1, 4)), np.reshape(edges, (-1, 4)), *others, **more,
        )  # fmt: skip

    def open_group(self, s: str, gid: str | None = None) -> None:
        """Note whether what comes changes its colours."""
        self.group = gid

    def _draw_image(self, gc: Any, x: float, y: float, image: np.ndarray, *others: Any) -> None:
        height, width = image.shape[:2]
        if gc.get_url() == TURNED:
            image = _turned(image)
        else:
            self.pictures.append(Bbox.from_bounds(x, y, width, height))
        self._image(gc, x, y, image, *others)

    def _draw_quad_mesh(
        self, gc: Any, transform: Any, width: Any, height: Any, coordinates: Any, offsets: Any,
        offset_transform: Any, faces: Any, *others: Any,
    ) -> None:  # fmt: skip
        clip = gc.get_clip_rectangle()
        if self.group == TURNED:
            faces = np.array([dark(tuple(each)) for each in faces.tolist()])
        elif clip is not None:
            self.pictures.append(Bbox(clip.get_points()))
        self._mesh(
            gc, transform, width, height, coordinates, offsets, offset_transform, faces, *others
        )


def _middle(box: Bbox) -> tuple[float, float]:
    return (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2


class Canvas(FigureCanvasAgg):
    """A canvas with one of the renderers above."""

    renderer_class: Callable[..., Renderer] = Renderer

    def get_renderer(self) -> Renderer:
        """Return the renderer for the figure's present size."""
        size = (*self.get_width_height(physical=True), self.figure.dpi)
        if getattr(self, "_size", None) != size:
            self._size = size
            self._own = self.renderer_class(*size)
            self._own.clear()
        self.renderer = self._own
        return self._own


class DarkCanvas(Canvas):
    """A canvas for the dark page."""

    renderer_class = DarkRenderer


def drawn(figure: Figure, canvas_class: type[Canvas]) -> tuple[Image.Image, set[float]]:
    """Return a figure as pixels, cropped as in a notebook, and the sizes of its texts in points."""
    before = figure.canvas
    file = io.BytesIO()
    try:
        canvas = canvas_class(figure)
        canvas.print_figure(
            file,
            format="png",
            dpi=DENSITY * PER_INCH,
            bbox_inches="tight",
            facecolor=figure.get_facecolor(),
            edgecolor=figure.get_edgecolor(),
        )
        sizes = canvas.renderer.sizes
    finally:
        figure.set_canvas(before)
    return Image.open(file).convert("RGB"), sizes


def packed(image: Image.Image, comment: str) -> dict[str, str]:
    """Return the pixels as a small file, by its MIME type and in base64, with an unseen comment.

    A PNG has at most 256 colours; what is large in this form, or whose greys would turn
    into colours, becomes a JPEG: photographs.
    """
    file = io.BytesIO()
    red, green, blue = np.moveaxis(np.asarray(image).astype(np.int32), -1, 0)
    codes, places, counts = np.unique(
        red << 16 | green << 8 | blue, return_inverse=True, return_counts=True
    )
    if len(codes) < MANY:
        found = np.stack([codes >> 16, codes >> 8 & 255, codes & 255], axis=1)
        palette = found if len(found) <= 256 else _palette(found, counts)
        squares = (palette**2).sum(
            1
        ) - 2 * found @ palette.T  # the distance to each, and a constant
        nearest = squares.argmin(1).astype(np.uint8)
        tinted = (np.ptp(found, axis=1) <= 2) & (np.ptp(palette[nearest], axis=1) > 8)
        if np.average(tinted, weights=counts) < TINTED:
            reduced = Image.fromarray(nearest[places].reshape(red.shape))
            reduced.putpalette(palette.astype(np.uint8).tobytes())
            info = PngInfo()
            info.add_text("comment", comment)
            reduced.save(file, format="png", optimize=True, pnginfo=info)
    smallest, form = file.getvalue(), "image/png"
    if not smallest or len(smallest) > LARGE:
        file = io.BytesIO()
        # At two pixels for each of the page's, nobody sees that this is coarse.
        image.save(
            file, format="jpeg", quality=50, progressive=True, optimize=True, comment=comment
        )
        if not smallest or file.tell() < len(smallest):
            smallest, form = file.getvalue(), "image/jpeg"
    return {form: b2a_base64(smallest, newline=False).decode()}


def _palette(colours: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return 256 colours for those of a picture (N, 3), which occur so many times (N,).

    The most frequent ones stay exactly as they are: the page's own, ink, areas. The others are
    chosen among all that occur, the rare ones too: the steps of a colour bar, the edges of letters.
    """
    order = counts.argsort()[::-1]
    rest = np.repeat(colours[order[64:]], np.minimum(counts[order[64:]], 20), axis=0)
    sample = Image.fromarray(rest[None].astype(np.uint8))
    chosen = sample.quantize(192, method=Image.Quantize.MEDIANCUT).getpalette() or []
    return np.concatenate([colours[order[:64]], np.reshape(chosen, (-1, 3))])


def forms(figure: Figure) -> dict[str, Any]:
    """Return the figure as the book shows it."""
    if not figure.axes and not figure.lines:  # IPython shows nothing either
        return {}
    start = time.process_time()
    light, sizes = drawn(figure, Canvas)
    with marked(figure):
        dark_one, _ = drawn(figure, DarkCanvas)
    least = SMALLEST * 72 / min(sizes, default=72) * light.width / DENSITY / PER_INCH
    form = {}
    for theme, image in (("light", light), ("dark", dark_one)):
        form[theme] = packed(image, json.dumps({"theme": theme, "least_width": math.ceil(least)}))
    Spent.seconds += time.process_time() - start
    return {FORM: form}


class Spent:
    """How long the kernel drew for the book, in CPU seconds: a reader's does not."""

    seconds = 0.0


def load_ipython_extension(shell: Any) -> None:
    """Add the form to what a shell shows of a figure."""
    shell.display_formatter.mimebundle_formatter.for_type(Figure, forms)
