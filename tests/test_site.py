"""The book as a site: it builds without a warning, and each page is sound in a real browser.

The site is built on the sample, into a temporary folder; the notebooks' outputs come from
the execution cache where nothing changed. The site that `make book` made is left alone.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.parse
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import BinaryIO

import nbformat
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect
from pypdf import PdfReader
from sphinx_external_toc.parsing import parse_toc_yaml

from mnist_lib.exercises import all_exercises, find
from tools import build_book, pdf
from tools.exercises import heading
from tools.notebooks import cache_folder, read

pytestmark = [pytest.mark.site, pytest.mark.timeout(1800)]

ROOT = Path(__file__).resolve().parent.parent
CHAPTERS, SOLUTIONS, LESSONS = (
    [f"{folder}/{path.stem}" for path in sorted((ROOT / folder).glob("[0-9]*"))]
    for folder in ("chapters", "solutions", "book/lessons")
)
TOC = [*parse_toc_yaml(ROOT / "_toc.yml"), *CHAPTERS, *SOLUTIONS, *LESSONS]
PAGES = [*TOC, "search"]
THEMES = ["light", "dark"]

# The theme reports its own first visit, before it has stored a mode.
HARMLESS_CONSOLE = re.compile(r"Got invalid theme mode")

# --- building ---------------------------------------------------------------------------------


def build(source: Path, output: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Build the book at `source` into `output`/_build/html, every warning an error."""
    return subprocess.run(
        [
            sys.executable,
            "-c",
            "from jupyter_book.cli.main import main; main()",
            "build",
            *("--all", "-W", "--keep-going", "-n", "--path-output", str(output), str(source)),
        ],
        cwd=ROOT,
        env={"MNIST_LIB_SOURCE": "sample", **os.environ, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def complaints(result: subprocess.CompletedProcess[str]) -> str:
    """Return the lines of a build's output that tell what went wrong."""
    text = result.stdout + result.stderr
    lines = [line for line in text.splitlines() if "WARNING:" in line or "ERROR:" in line]
    return "\n".join(lines) or text[-3000:]


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("site")
    result = build(ROOT, output)
    assert result.returncode == 0, complaints(result)
    return output / "_build" / "html"


def make_book(book: Path, pages: dict[str, str], code: str = "pass", alt: str = "") -> None:
    """Write a book with the real one's configuration and these pages; the first is its root.

    A notebook has its text and one code cell.
    """
    for folder in ("_ext", "_static", "_templates"):
        ignored = shutil.ignore_patterns("__pycache__")
        source, target = ROOT / "book" / folder, book / "book" / folder
        shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)
    for name in ("_config.yml", "requirements.txt", "book/references.bib"):
        shutil.copy2(ROOT / name, book / name)
    for name, text in pages.items():
        (book / name).parent.mkdir(exist_ok=True)
        if name.endswith(".md"):
            (book / name).write_text(text, encoding="utf-8")
            continue
        cell = nbformat.v4.new_code_cell(code, metadata={"mystnb": {"image": {"alt": alt}}})
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text), cell])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, book / name)
    root, *others = [Path(name).with_suffix("").as_posix() for name in pages]
    files = "".join(f"  - file: {page}\n" for page in others)
    (book / "_toc.yml").write_text(f"format: jb-book\nroot: {root}\nchapters:\n{files}")


@pytest.fixture
def tiny_book(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that makes a book of one page, and one notebook with the given code."""

    def make(code: str = "print(1 + 1)", alt: str = "", text: str = "# One") -> Path:
        book = tmp_path / "tiny"
        (book / "mnist_lib").mkdir(parents=True)
        (book / "mnist_lib" / "__init__.py").write_text('"""A package."""\n')
        intro = "# A tiny book\n\nSee [one](../chapters/one.ipynb).\n"
        make_book(book, {"book/intro.md": intro, "chapters/one.ipynb": text}, code, alt)
        return book

    return make


def test_outputs_come_from_the_tests_until_the_package_changes(
    tiny_book: Callable[..., Path], run_chapters: Callable[[Path], str]
) -> None:
    book = tiny_book()

    def executed() -> bool:
        result = build(book, book)
        assert result.returncode == 0, complaints(result)
        ran = "Executed notebook" in result.stdout
        assert ran != ("Using cached notebook" in result.stdout)
        return ran

    assert "1 passed" in run_chapters(book)
    assert not executed(), "the tests have run it"
    (book / "mnist_lib" / "__init__.py").write_text('"""A package, changed."""\n')
    assert executed(), "the package changed"
    assert not executed(), "nothing changed"


LINKED = "# One\n\n## A task\n\nTry.\n\n[Solution](../solutions/one.ipynb#a-task)"


def test_solutions_can_be_left_out_for_a_term(tmp_path: Path) -> None:
    pages = {"book/intro.md": "# A book\n", "chapters/one.ipynb": LINKED}
    make_book(tmp_path, pages | {"solutions/one.ipynb": "# Solved\n\n## A task\n\nSo.\n"})
    (tmp_path / "mnist_lib").mkdir()
    chapter, html = tmp_path / "_build/html/chapters/one.html", tmp_path / "_build/html"

    def solutions() -> list[str]:
        result = build(tmp_path, tmp_path)
        assert result.returncode == 0, complaints(result)
        files = [*html.rglob("*.html"), html / "searchindex.js"]
        return [file.name for file in files if "solutions/one" in file.read_text(encoding="utf-8")]

    assert {"one.html", "searchindex.js"} <= set(solutions())
    toc = tmp_path / "_toc.yml"
    toc.write_text(toc.read_text().replace("  - file: solutions/one\n", ""))
    shutil.rmtree(tmp_path / "_build" / "html")
    assert solutions() == []
    assert "Try." in chapter.read_text(encoding="utf-8")

    whole, part = (yaml.safe_load(build_book.contents(solutions=each)) for each in (True, False))
    assert [p for p in whole["parts"] if p not in part["parts"]] == [
        {"caption": "Solutions", "chapters": [{"glob": "solutions/*"}]}
    ]


def test_prose_names_an_exercise_by_its_id(tmp_path: Path) -> None:
    (first,) = (exercise for exercise in all_exercises().values() if exercise.id == "01.split")
    name = heading(first)
    pages = {
        "book/intro.md": "# A book\n\nSee {exercise}`01.split`.\n",
        "chapters/01_data.ipynb": f"# 1\n\n## {name}\n",
    }
    make_book(tmp_path, pages)
    (tmp_path / "mnist_lib").mkdir()
    result = build(tmp_path, tmp_path)
    assert result.returncode == 0, complaints(result)
    page = BeautifulSoup((tmp_path / "_build/html/book/intro.html").read_text(), "html.parser")
    (link,) = page.select("article a.reference.internal")
    assert link.get_text() == name
    target, _, fragment = link["href"].partition("#")
    chapter = (tmp_path / "_build/html/book" / target).read_text(encoding="utf-8")
    assert f'id="{fragment}"' in chapter


def test_cache_key_knows_package_environment_and_data(tiny_book: Callable[..., Path]) -> None:
    book = tiny_book()
    package = book / "mnist_lib"
    keys = [cache_folder(book, "sample"), cache_folder(book, "full")]
    for change in (
        lambda: (book / "requirements.txt").write_text("numpy==2.0.0\n"),
        lambda: (package / "course.mplstyle").write_text("axes.grid: True\n"),
        lambda: (package / "course.mplstyle").rename(package / "x.mplstyle"),
    ):
        change()
        keys.append(cache_folder(book, "full"))
    assert len(set(keys)) == len(keys)
    (package / "__pycache__").mkdir()
    (package / "__pycache__" / "x.pyc").write_bytes(b"0")
    assert cache_folder(book, "full") == keys[-1], "compiled files are no change"


def test_the_users_settings_do_not_reach_the_pages(
    tiny_book: Callable[..., Path], user_settings: dict[str, str]
) -> None:
    code = (
        "import os\nimport matplotlib.pyplot as plt\nplt.imshow([[0, 1]])\n"
        'print(plt.rcParams["image.origin"], os.environ["KERAS_BACKEND"])'
    )
    book = tiny_book(code, alt="One black square beside a white one.")
    result = build(book, book, **user_settings)
    assert result.returncode == 0, complaints(result)
    page = parsed(book / "_build" / "html", "chapters/one")
    assert [image["alt"] for image in page.select(".cell_output img")] == [
        "One black square beside a white one."
    ] * 2, "for light and dark pages"
    assert "upper tensorflow" in page.get_text()
    assert "a profile of the user" not in page.get_text()


def test_a_described_picture_that_is_missing_fails_every_build(
    tiny_book: Callable[..., Path],
) -> None:
    book = tiny_book("pass", alt="One black square beside a white one.")
    for _ in range(2):
        result = build(book, book)
        assert result.returncode != 0
        assert "shows no picture: One black square" in complaints(result)
        assert "Executed notebook" in result.stdout, "its outputs were kept"


def test_a_failing_cell_fails_the_build(tiny_book: Callable[..., Path]) -> None:
    book = tiny_book('raise RuntimeError("this cell fails")')
    result = build(book, book)
    assert result.returncode != 0
    assert "this cell fails" in result.stdout + result.stderr


PLOT = """import matplotlib.pyplot as plt
from mnist_lib import plots
figure, axes = plt.subplots()
axes.plot([1, 2])
axes.set_ylabel("loss")
print("The result.")"""
PREDICT = "# One\n\n> **Predict before you run.** Does it rise?"


def test_a_figure_is_there_for_light_and_dark_pages(tiny_book: Callable[..., Path]) -> None:
    book = tiny_book(PLOT, alt="One line that rises.")
    result = build(book, book)
    assert result.returncode == 0, complaints(result)
    site = book / "_build" / "html"
    images = parsed(site, "chapters/one").select(".cell_output .figure-pair img")
    assert [image["class"] for image in images] == [["only-light"], ["only-dark"]]
    assert {image["alt"] for image in images} == {"One line that rises."}
    for image, page_colour in zip(images, ((252, 252, 250), (18, 18, 18)), strict=True):
        assert image["loading"] == "lazy", "else every reader fetches both"
        assert image["src"].endswith(".webp")
        with Image.open(site / "chapters" / str(image["src"])) as picture:
            assert picture.size == pytest.approx(
                [2 * int(image["width"]), 2 * int(image["height"])], abs=1
            )
            assert picture.convert("RGB").getpixel((0, 0)) == page_colour


def test_a_predicted_result_is_folded(tiny_book: Callable[..., Path], browser: Browser) -> None:
    book = tiny_book(PLOT, alt="One line that rises.", text=PREDICT)
    result = build(book, book)
    assert result.returncode == 0, complaints(result)
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto((book / "_build" / "html" / "chapters" / "one.html").as_uri())
    code, printed = page.get_by_text("plt.subplots"), page.get_by_text("The result.", exact=True)
    figure = page.locator(".figure-pair img.only-light")
    assert code.is_visible()
    assert not printed.is_visible()
    assert not figure.is_visible()
    page.emulate_media(media="print")
    assert printed.is_visible(), "on paper nothing is folded"
    page.emulate_media(media="screen")
    assert not printed.is_visible()
    page.get_by_text("Show the result").focus()
    page.keyboard.press("Enter")
    expect(printed).to_be_visible()
    expect(figure).to_be_visible()
    # On a phone the figure is as wide as the page: no frame stands in its way, nor the caption.
    page.set_viewport_size({"width": 360, "height": 800})  # no script that answers to it
    fold = page.locator("details.result")
    side = fold.evaluate("fold => getComputedStyle(fold).borderLeftColor")
    assert side == "rgba(0, 0, 0, 0)"
    gap = page.locator("details.result .figure-pair").evaluate(
        "pair => parseFloat(getComputedStyle(pair).marginBottom)"
    )
    assert gap >= 8
    page.context.close()


# --- the built files --------------------------------------------------------------------------


@cache
def parsed(site: Path, page: str) -> BeautifulSoup:
    return BeautifulSoup((site / f"{page}.html").read_text(encoding="utf-8"), "html.parser")


def test_site_has_the_pages_of_the_contents_and_no_others(site: Path) -> None:
    built = {path.relative_to(site).with_suffix("").as_posix() for path in site.rglob("*.html")}
    built = {page for page in built if not page.startswith("_static/")}
    assert built == {*PAGES, "index", "404"}
    assert "book/intro.html" in (site / "index.html").read_text(encoding="utf-8")


def test_contents_list_the_notebooks_in_order(site: Path) -> None:
    links = [str(a["href"]) for a in parsed(site, "book/setup").select(".bd-sidebar-primary li a")]
    listed = [link.removeprefix("../").removesuffix(".html") for link in links]
    assert [page for page in listed if page in [*CHAPTERS, *SOLUTIONS]] == [*CHAPTERS, *SOLUTIONS]


def test_api_page_shows_every_module(site: Path) -> None:
    text = parsed(site, "book/api").get_text()
    for module in (ROOT / "mnist_lib").glob("[!_]*.py"):
        assert f"mnist_lib.{module.stem}" in text
    for name in ("load_mnist", "mnist_lib.exercises", "hint("):
        assert name in text


def test_setup_page_has_the_repositorys_address(site: Path) -> None:
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    url = re.search(r"^\s+url: (\S+)$", config, flags=re.MULTILINE)
    assert url is not None
    text = parsed(site, "book/setup").get_text()
    assert f"git clone {url[1]}" in text
    assert "REPOSITORY" not in text


def test_local_links_lead_somewhere(site: Path) -> None:
    soups = {page: parsed(site, page) for page in PAGES}
    anchors = {
        page: {tag["id"] for tag in soup.find_all(id=True)} | {"", "#"}
        for page, soup in soups.items()
    }
    broken = []
    for page, soup in soups.items():
        for link in soup.find_all("a", href=True):
            address = urllib.parse.urlsplit(str(link["href"]))
            if address.scheme or address.netloc:
                continue
            path = urllib.parse.unquote(address.path)
            target = (site / page).parent.joinpath(path).resolve() if path else None
            name = target.relative_to(site).with_suffix("").as_posix() if target else page
            exists = name in anchors if target is None else target.exists()
            if not exists or (
                name in anchors and urllib.parse.unquote(address.fragment) not in anchors[name]
            ):
                broken.append(f"{page}: {link['href']}")
    assert not broken, "\n".join(broken)


def test_buttons_open_the_notebook_in_colab(site: Path) -> None:
    for page in TOC:
        soup = parsed(site, page)
        buttons = soup.select("a[href^='https://colab.research.google.com/']")
        addresses = {str(link["href"]) for link in buttons}
        opens = CHAPTERS[0] if page == "book/intro" else page
        assert len(addresses) == (opens in [*CHAPTERS, *SOLUTIONS]), page
        assert all(address.endswith(f"/{opens}.ipynb") for address in addresses)
        named = [link for link in buttons if link.get_text() == "Open in Colab"]
        own = 1 if opens in CHAPTERS else 0  # in the goals' card, or on the front page
        assert len(named) == len(soup.select("section.exercise")) + own, page


def test_a_chapter_is_made_of_cards(site: Path) -> None:
    for page in CHAPTERS:
        soup = parsed(site, page)
        (goals,) = soup.select(".goals")
        words = [strong.get_text() for strong in goals.select(":scope > p > strong:first-child")]
        assert words == ["You will build", "You will learn", "You need", "Time"], page
        assert soup.select_one(".cell_input").find_parent("details", class_="imports"), page
        unfolded = soup.select_one(".cell_input:not(details.imports .cell_input)")
        assert not re.match(r"\s*(import|from) ", unfolded.get_text()), f"{page}: more imports"
        headings = [heading for heading in soup.select("h3") if "Exercise" in heading.get_text()]
        assert len(headings) == len(soup.select("section.exercise > .exercise-body")), page
        for card in soup.select("section.exercise"):
            code = " ".join(cell.get_text() for cell in card.select(".cell_input"))
            called = re.search(r'check\("(\d\d\.\w+)"', code)
            assert called is not None
            assert len(card.select("details.hint")) == len(find(called[1]).hints)
            assert [link.get_text() for link in card.select(".links a")] == [
                "Open in Colab",
                "Solution",
            ]
        # Nothing runs here, so nothing asks for it.
        assert "not attempted" not in soup.get_text(), page


def test_a_page_says_what_it_is_about(site: Path) -> None:
    for page in PAGES:
        head = parsed(site, page).head
        assert head is not None
        about = str(head.select("meta[name=description]")[0]["content"])
        assert page in ("search", "genindex") or 40 < len(about) <= 203, page
        picture = str(head.select("meta[property='og:image']")[0]["content"])
        assert (site / "_static" / picture.rsplit("/", 1)[1]).is_file()
    title = parsed(site, "book/intro").title
    assert title is not None
    assert title.get_text() == "Reading Handwritten Digits"


def test_every_figure_has_one_picture_for_each_theme(site: Path) -> None:
    for page in [*CHAPTERS, *SOLUTIONS]:
        soup = parsed(site, page)
        pairs = soup.select(".figure-pair")
        for pair in pairs:
            light, dark = pair.select("img")
            assert (light["class"], dark["class"]) == (["only-light"], ["only-dark"]), page
            assert light["alt"] == dark["alt"], page
            assert light["src"] != dark["src"], page
        others = len(soup.select(".cell_output .explorable img"))  # each has its still
        assert 2 * len(pairs) + others == len(soup.select(".cell_output img")), page


def test_results_are_folded_after_every_prediction(site: Path) -> None:
    for page in CHAPTERS:
        soup = parsed(site, page)
        boxes = [
            quote
            for quote in soup.select("article blockquote")
            if quote.get_text().strip().startswith("Predict before you run.")
        ]
        assert boxes, page
        for box in boxes:
            following = box.find_next(["blockquote", "details", "h2"])
            while following is not None and "hide" in following.get("class", []):  # of code
                following = following.find_next(["blockquote", "details", "h2"])
            assert following is not None, page
            assert following.get("class") == ["result"], f"{page}: {box.get_text()}"
        for answer in soup.find_all(string=re.compile("The answer: ")):
            assert answer.find_parent("details", class_="result"), f"{page}: {answer}"


def test_progress_bars_stay_off_the_pages(site: Path) -> None:
    for page in [*CHAPTERS, *SOLUTIONS]:
        assert not parsed(site, page).select(".output.stderr"), page


# --- in a browser -----------------------------------------------------------------------------


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


class SlowHandler(QuietHandler):
    """Send a page piece by piece, as a slow line does: the browser paints what it has."""

    def copyfile(self, source: BinaryIO, outputfile: BinaryIO) -> None:
        if not self.path.endswith(".html"):
            super().copyfile(source, outputfile)
            return
        page = source.read()
        start = page.index(b"<article")
        outputfile.write(page[:start])
        for piece in range(start, len(page), 500):
            outputfile.write(page[piece : piece + 500])
            time.sleep(0.05)


@contextlib.contextmanager
def serving(site: Path, handler: type[QuietHandler] = QuietHandler) -> Iterator[str]:
    """Serve a built site on this machine, and give its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(site))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.fixture(scope="session")
def server(site: Path) -> Iterator[str]:
    with serving(site) as address:
        yield address


@dataclass
class Visit:
    """A page in the browser, and what went wrong while it was open."""

    page: Page
    base: str
    console: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)
    requested: set[str] = field(default_factory=set)

    def open(self, address: str) -> None:
        for record in (self.console, self.failed, self.elsewhere, self.requested):
            record.clear()
        self.page.goto(f"{self.base}/{address}", wait_until="load")
        self.page.evaluate(
            "async () => { await window.MathJax?.startup?.promise; await document.fonts.ready; }"
        )

    def resize(self, width: int, height: int) -> None:
        resize(self.page, width, height)

    def assert_clean(self) -> None:
        assert not self.console, f"console: {self.console}"
        assert not self.failed, f"failed requests: {self.failed}"
        assert not self.elsewhere, f"requests to other hosts: {self.elsewhere}"


def start_visit(context: BrowserContext, base: str) -> Visit:
    visit = Visit(context.new_page(), base)

    def is_own(url: str) -> bool:
        return url.startswith((f"{base}/", "data:", "blob:"))

    def route(route) -> None:
        if is_own(route.request.url):
            route.continue_()
        else:
            visit.elsewhere.append(route.request.url)
            route.abort()

    def on_console(message) -> None:
        if message.type in ("error", "warning") and not HARMLESS_CONSOLE.search(message.text):
            visit.console.append(f"{message.type}: {message.text}")

    def on_response(response) -> None:
        visit.requested.add(response.url)
        if response.status >= 400:
            visit.failed.append(f"{response.status} {response.url}")

    visit.page.route("**/*", route)
    visit.page.on("console", on_console)
    visit.page.on("pageerror", lambda error: visit.console.append(str(error)))
    visit.page.on("response", on_response)

    def on_failure(request) -> None:
        # Who goes on to another page breaks off what the last one still fetches: no fault of it.
        if is_own(request.url) and request.failure != "net::ERR_ABORTED":
            visit.failed.append(f"{request.failure} {request.url}")

    visit.page.on("requestfailed", on_failure)
    return visit


@contextlib.contextmanager
def visiting(browser: Browser, base: str, theme: str):
    context = browser.new_context(
        color_scheme=theme, viewport={"width": 1280, "height": 900}, reduced_motion="reduce"
    )
    yield start_visit(context, base)
    context.close()


@pytest.fixture(scope="session", params=THEMES)
def visit(request: pytest.FixtureRequest, browser: Browser, server: str):
    with visiting(browser, server, request.param) as visit:
        visit.theme = request.param
        yield visit


@pytest.fixture(scope="session")
def visit_file(browser: Browser, site: Path):
    with visiting(browser, site.as_uri(), "light") as visit:
        yield visit


# Two frames: in the first the page's observers are told what has changed, and answer.
FRAMES = """async () => {
    for (let n = 0; n < 2; n++) await new Promise((done) => requestAnimationFrame(done));
}"""


def resize(page: Page, width: int, height: int) -> None:
    """Give the window another size, and wait until the page has answered to it."""
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_function("([w, h]) => innerWidth === w && innerHeight === h", arg=[width, height])
    page.evaluate(FRAMES)


class Held:
    """Requests of a page that go no further until the test says so."""

    def __init__(self, page: Page, pattern: str) -> None:
        self.page, self.routes = page, deque[Route]()
        page.route(pattern, lambda route: self.routes.append(route))

    def next(self) -> Route:
        """Return the request that came first, and wait for it: words may be quicker."""
        while not self.routes:
            self.page.wait_for_timeout(20)
        return self.routes.popleft()


UNFOLD = "document.querySelectorAll('details').forEach(details => { details.open = true; })"

TOO_WIDE = """() => {
    const width = document.documentElement.clientWidth;
    const page = document.scrollingElement;
    if (page.scrollWidth <= width) return [];
    const scrolls = (element) => {
        for (let parent = element.parentElement; parent; parent = parent.parentElement) {
            if (/(auto|scroll|hidden)/.test(getComputedStyle(parent).overflowX)
                && parent !== document.body && parent !== page) return true;
        }
        return false;
    };
    return [`${page.scrollWidth} px of ${width}`].concat(
        [...document.querySelectorAll('body *')]
            .filter(element => element.getBoundingClientRect().right > width + 1)
            .filter(element => !scrolls(element))
            .slice(0, 5)
            .map(element => element.outerHTML.slice(0, 120)));
}"""

# Of a figure, the theme shows one picture; it is fetched when it comes into view.
IMAGES = """async () => {
    const seen = [...document.querySelectorAll('article img')].filter(
        image => getComputedStyle(image).display !== 'none');
    for (const image of seen) image.loading = 'eager';
    await Promise.all(seen.map(image => image.decode().catch(() => {})));
    return seen.map(image => [image.getAttribute('alt') ?? '', image.getAttribute('src'),
        image.naturalWidth, image.clientWidth]);
}"""

SMALL_FIGURES = """() => [...document.querySelectorAll('.figure-pair img')].filter(
    image => getComputedStyle(image).display !== 'none'
        && image.clientWidth < parseFloat(image.style.minWidth)).map(image => image.alt)"""

BROKEN_WORDS = """() => [...document.querySelectorAll('article td code, article th code')].filter(
    code => code.getClientRects().length > 1).map(code => code.textContent)"""

FOLDED_LINES = """() => [...document.querySelectorAll('.cell_output pre')].filter(
    pre => getComputedStyle(pre).whiteSpace !== 'pre').map(pre => pre.textContent)"""

# Contrast takes axe-core some milliseconds a word of code, and the same colours come back.
ONE_TOKEN_OF_A_KIND = """() => {
    const seen = new Set();
    for (const token of document.querySelectorAll('.highlight span[class]')) {
        if (seen.has(token.className)) token.replaceWith(...token.childNodes);
        seen.add(token.className);
    }
}"""

MATH = """() => ({
    written: document.querySelectorAll('.math').length,
    typeset: document.querySelectorAll('.math mjx-container').length,
    wrong: [...document.querySelectorAll('mjx-merror, [data-mjx-error]')].map(
        error => error.getAttribute('data-mjx-error') ?? error.textContent),
})"""


@pytest.mark.parametrize("address", PAGES)
def test_page_is_sound(visit: Visit, address: str) -> None:
    page = visit.page
    visit.resize(1280, 900)
    visit.open(f"{address}.html")
    assert page.evaluate("document.documentElement.dataset.theme") == visit.theme
    page.evaluate(UNFOLD)

    for alt, source, width, shown in page.evaluate(IMAGES):
        assert width > 0, f"{source} is not there"
        assert is_description(alt), f"{source} needs an alternative text, not {alt!r}"
        if ".svg" not in source:
            assert width >= 2 * shown - 1, f"{source} is not sharp on a dense screen"
    assert page.evaluate(FOLDED_LINES) == []
    assert page.evaluate(BROKEN_WORDS) == []

    math = page.evaluate(MATH)
    assert math["typeset"] == math["written"], math
    assert not math["wrong"], math

    visit.resize(360, 740)
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate(BROKEN_WORDS) == []
    assert page.evaluate(SMALL_FIGURES) == [], "their text is too small on a phone"
    visit.resize(1280, 900)

    page.evaluate(ONE_TOKEN_OF_A_KIND)
    assert accessibility_violations(visit, address) == []
    visit.assert_clean()


def accessibility_violations(visit: Visit, address: str) -> list[str]:
    """Return what axe-core objects to; in the dark, only colours can differ from the light page."""
    contrast = {"preload": False, "runOnly": ["color-contrast"]}
    rest = {"preload": False, "rules": {"color-contrast": {"enabled": False}}}
    # The API page repeats one structure some hundred times: one module stands for all.
    part = "#mnist-lib-data" if address == "book/api" else None
    results = [Axe().run(visit.page, context=part, options=contrast)]
    if visit.theme == "light":
        results.append(Axe().run(visit.page, options=rest))
    return [
        f"{violation['id']}: {node['html'][:160]}"
        for result in results
        for violation in result.response["violations"]
        for node in violation["nodes"]
    ]


def is_description(alt: str) -> bool:
    """Tell whether an alternative text is words rather than nothing or a file's name."""
    return len(alt.split()) >= 3 and not re.search(r"\.(png|svg|jpe?g)\b|[0-9a-f]{16}", alt)


# What a window of 1280 × 900 pixels has left at 200 %, and at the 400 % of WCAG 1.4.10.
ZOOMED = {"200 %": (640, 450), "400 %": (320, 225)}

# What does not fit where it stands, and does not scroll; formulas carry a copy for screen readers.
CUT = """() => [...document.querySelectorAll('body *')].filter(element => {
    const style = getComputedStyle(element);
    const hides = side => /hidden|clip/.test(side === 'Width' ? style.overflowX : style.overflowY);
    const seen = element.checkVisibility({opacityProperty: true, visibilityProperty: true});
    return !element.closest('.math') && seen && element.clientWidth > 3
        && ['Width', 'Height'].some(side =>
            hides(side) && element[`scroll${side}`] > element[`client${side}`] + 1);
}).map(element => element.outerHTML.slice(0, 120))"""

FOCUS_IN_SIGHT = """() => {
    const focus = document.activeElement;
    const {left, right, top, bottom} = focus.getBoundingClientRect();
    const inside = (a, b, most) => (Math.max(a, 1) + Math.min(b, most - 1)) / 2;
    const at = document.elementFromPoint(
        inside(left, right, innerWidth), inside(top, bottom, innerHeight));
    return top < innerHeight && bottom > 0 && at !== null
        && (focus.contains(at) || at.contains(focus));
}"""


@pytest.fixture(params=ZOOMED)
def zoomed(request: pytest.FixtureRequest, browser: Browser, server: str):
    with visiting(browser, server, "light") as visit:
        width, height = ZOOMED[request.param]
        visit.resize(width, height)
        yield visit
        visit.assert_clean()


@pytest.mark.parametrize(
    "address", ["book/intro", "book/live", "book/api", "chapters/02_convolutions", "search"]
)
def test_nothing_is_cut_when_the_page_is_zoomed(zoomed: Visit, address: str) -> None:
    zoomed.open(f"{address}.html")
    zoomed.page.evaluate(UNFOLD)
    zoomed.page.evaluate(FRAMES)
    assert zoomed.page.evaluate(TOO_WIDE) == []
    assert zoomed.page.evaluate(CUT) == []


def test_menus_can_be_reached_when_the_page_is_zoomed(zoomed: Visit) -> None:
    zoomed.open("chapters/02_convolutions.html")
    page = zoomed.page
    header = page.locator(".bd-header-article")
    opened = {".primary-toggle": "Bibliography", ".secondary-toggle": "Check yourself"}
    for toggle, last in opened.items():
        header.locator(toggle).focus()
        page.keyboard.press("Enter")
        link = page.locator("dialog[open]").get_by_role("link", name=last, exact=True)
        link.focus()
        expect(link).to_be_in_viewport(ratio=1)
        page.keyboard.press("Escape")
        expect(page.locator("dialog[open]")).to_have_count(0)
        expect(header.locator(toggle)).to_be_focused()
    for menu in header.locator(".dropdown-toggle").all():
        menu.focus()
        page.keyboard.press("Enter")
        shown = header.locator(".dropdown-menu.show .dropdown-item")
        expect(shown).not_to_have_count(0)
        for item in shown.all():
            expect(item).to_be_in_viewport(ratio=1)
        page.keyboard.press("Escape")
        expect(shown).to_have_count(0)
    header.get_by_role("button", name="Search").focus()
    page.keyboard.press("Enter")
    field = page.locator("dialog[open]").get_by_role("searchbox")
    expect(field).to_be_in_viewport(ratio=1)
    expect(field).to_be_focused()


def test_what_has_the_focus_is_in_sight_when_the_page_is_zoomed(zoomed: Visit) -> None:
    zoomed.open("chapters/02_convolutions.html")
    page = zoomed.page
    page.locator("#main-content").get_by_role("link", name="Chapter 1").first.focus()
    for key in ["Tab"] * 40 + ["Shift+Tab"] * 40:
        page.keyboard.press(key)
        assert page.evaluate(FOCUS_IN_SIGHT), page.evaluate(
            "document.activeElement.outerHTML.slice(0, 200)"
        )


# One page of each form: prose, a script of its own, formulas, the theme's search.
@pytest.mark.parametrize(
    "address", ["book/intro", "book/live", "chapters/02_convolutions", "search"]
)
def test_page_works_as_a_file(visit_file: Visit, address: str) -> None:
    visit_file.open(f"{address}.html")
    math = visit_file.page.evaluate(MATH)
    assert math["typeset"] == math["written"]
    assert not visit_file.page.evaluate(
        "[...document.fonts].filter(font => font.status === 'error').map(font => font.family)"
    )
    visit_file.assert_clean()


def test_some_page_has_math(site: Path) -> None:
    assert any(parsed(site, page).select(".math") for page in CHAPTERS)


def test_start_page_leads_to_the_introduction(browser: Browser, server: str) -> None:
    with visiting(browser, server, "light") as visit:
        visit.page.goto(f"{server}/index.html")
        visit.page.wait_for_url("**/book/intro.html")
        expect(visit.page.locator("article h1")).to_be_visible()


def test_search_finds_a_word(visit: Visit) -> None:
    visit.open("search.html?q=convolution")
    found = visit.page.locator("#search-results ul.search li a[href*='book/glossary']")
    expect(found.first).to_be_visible()
    visit.assert_clean()


def test_search_finds_where_to_read_ones_own_digits(visit: Visit) -> None:
    visit.open("search.html?q=my+own+digit")
    first = visit.page.locator("#search-results li > a")
    first.nth(2).wait_for()
    found = [first.nth(i).get_attribute("href") or "" for i in range(3)]
    assert any("book/live" in address for address in found), found
    assert any("chapters/07" in address for address in found), found


def test_search_shows_chapters_before_solutions_and_text_without_buttons(visit: Visit) -> None:
    visit.open("search.html?q=padding")
    page = visit.page
    page.locator("#search-results .context").nth(3).wait_for()
    links = page.locator("#search-results li > a")
    places = [links.nth(i).get_attribute("href") or "" for i in range(links.count())]
    chapters = [i for i, place in enumerate(places) if "chapters/" in place]
    solutions = [i for i, place in enumerate(places) if "solutions/" in place]
    assert chapters[0] < min(solutions, default=99)
    for excerpt in page.locator("#search-results .context").all_inner_texts():
        assert "Open in Colab" not in excerpt
        assert "Download source" not in excerpt


def test_theme_switch_goes_dark_and_stays_so(browser: Browser, server: str) -> None:
    with visiting(browser, server, "light") as visit:
        background = "getComputedStyle(document.body).backgroundColor"
        visit.open("book/setup.html")
        light = visit.page.evaluate(background)
        for _ in range(3):
            visit.page.locator(".theme-switch-button:visible").first.click()
            if visit.page.evaluate("document.documentElement.dataset.theme") == "dark":
                break
        dark = visit.page.evaluate(background)
        red_green_blue = [int(number) for number in re.findall(r"\d+", dark)[:3]]
        assert dark != light
        assert max(red_green_blue) < 64, dark
        visit.open("book/glossary.html")
        assert visit.page.evaluate(background) == dark
        visit.assert_clean()


def fetched(visit: Visit, site: Path) -> list[Path]:
    """Return the site's files that a visit has asked for."""
    paths = [urllib.parse.urlsplit(url).path for url in visit.requested]
    files = [site / urllib.parse.unquote(path).lstrip("/") for path in paths]
    return [file for file in files if file.is_file()]


def gzipped(file: Path) -> int:
    """Return the bytes that a web server sends of a file."""
    if file.suffix in (".woff", ".png", ".jpeg", ".webp"):
        return file.stat().st_size
    return len(gzip.compress(file.read_bytes()))


@pytest.mark.parametrize("address", CHAPTERS)
def test_weight_of_a_chapter(browser: Browser, server: str, site: Path, address: str) -> None:
    """The first visit, read to the end and gzipped as a web server sends it, is below 0.9 MB."""
    with visiting(browser, server, "light") as visit:
        visit.open(f"{address}.html")
        visit.page.evaluate(UNFOLD)
        visit.page.evaluate(IMAGES)
        files = fetched(visit, site)
    assert any(file.parent.name == "_images" for file in files)
    weight = sum(map(gzipped, files))
    assert 100_000 < weight < 900_000, f"{weight:,} bytes"


def test_every_icon_in_use_is_in_the_fonts(browser: Browser, server: str) -> None:
    # A font is loaded when a visible icon needs it: ask for those of the hidden ones, too.
    missing = """async () => {
        const icons = [...document.querySelectorAll('[class*="fa-"]')].map(icon => {
            const {content, fontFamily, fontWeight} = getComputedStyle(icon, '::before');
            return {icon, text: content[1], font: `${fontWeight} 40px ${fontFamily}`};
        });
        await Promise.all(icons.map(({text, font}) => document.fonts.load(font, text)));
        const drawn = (text, font) => {
            const context = document.createElement('canvas').getContext('2d');
            context.font = font;
            context.fillText(text, 20, 80);
            return context.getImageData(0, 0, 120, 120).data.join();
        };
        return icons.filter(({text, font}) => drawn(text, font) === drawn('\\uf8fe', font))
            .map(({icon}) => icon.className);
    }"""
    for address in (CHAPTERS[0], "book/live"):
        with visiting(browser, server, "light") as visit:
            visit.open(f"{address}.html")
            assert visit.page.locator("[class*='fa-']").count() > 5
            assert visit.page.evaluate(missing) == []
            visit.assert_clean()


def test_figures_to_move_have_the_pages_own_ground(visit: Visit) -> None:
    visit.open(f"{CHAPTERS[2]}.html")
    figure = visit.page.locator(".explorable").first
    ground = "e => getComputedStyle(e.parentElement).backgroundColor"
    assert figure.evaluate(ground) == "rgba(0, 0, 0, 0)"
    assert figure.evaluate("e => e.style.colorScheme") == visit.theme
    visit.assert_clean()


# --- the front page ---------------------------------------------------------------------------

# How far the page's parts have moved by themselves since it was opened.
SHIFTS = """async () => {
    for (let n = 0; n < 2; n++) await new Promise((done) => requestAnimationFrame(done));
    const observer = new PerformanceObserver(() => {});
    observer.observe({type: 'layout-shift', buffered: true});
    return observer.takeRecords()
        .reduce((sum, {value, hadRecentInput}) => sum + (hadRecentInput ? 0 : value), 0);
}"""


def draw_seven(page: Page) -> None:
    page.locator("#live-pad").scroll_into_view_if_needed()
    box = page.locator("#live-pad").bounding_box()
    assert box is not None
    at = [box["x"] + 0.3 * box["width"], box["y"] + 0.2 * box["height"]]
    page.mouse.move(*at)
    page.mouse.down()
    page.mouse.move(at[0] + 0.35 * box["width"], at[1], steps=10)
    page.mouse.move(at[0] + 0.1 * box["width"], at[1] + 0.55 * box["height"], steps=10)
    page.mouse.up()


def read_seven(page: Page) -> None:
    """Draw a 7, and wait until it is read and nothing follows."""
    draw_seven(page)
    expect(page.locator("#live-digit")).to_have_text("7")
    page.wait_for_function("Front.state.settled")


def opened(visit: Visit) -> Page:
    visit.open("book/intro.html")
    expect(visit.page.locator("#live-words")).to_contain_text("Your turn")
    return visit.page


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_a_digit_draws_itself_and_is_read(browser: Browser, server: str, motion: str) -> None:
    with visiting(browser, server, "light") as visit:
        visit.page.emulate_media(reduced_motion=motion)
        page = opened(visit)
        assert page.inner_text("#live-digit") == "4"
        assert page.locator(".live-winner .live-label").inner_text() == "4"
        assert not any("live-network.js" in url for url in visit.requested), "nobody asked yet"
        visit.assert_clean()


def test_the_first_answer_is_the_networks_own(browser: Browser, server: str) -> None:
    with visiting(browser, server, "light") as visit:
        page = opened(visit)
        before = page.evaluate("FRONT_DIGIT.probabilities")
        page.get_by_role("button", name="Show the first one").click()
        page.wait_for_function("Front.state.probabilities")
        assert page.evaluate("[...Front.state.probabilities]") == pytest.approx(before, abs=0.01)
        visit.assert_clean()


def test_the_readers_turn_and_where_it_leads(browser: Browser, server: str) -> None:
    with visiting(browser, server, "light") as visit:
        page = opened(visit)
        assert not page.locator("#front-on").is_visible()
        read_seven(page)
        expect(page.locator("#live-words")).to_contain_text("reads a 7")
        assert page.evaluate("Front.state.drawing.strokes.length") == 1, "the first digit has gone"
        assert page.locator("#front-on a").count() == 3
        assert page.locator("#front-on").is_visible()
        page.click("#live-clear")
        expect(page.locator("#live-words")).to_contain_text("The pad is empty")
        visit.assert_clean()


def test_the_game_keeps_finds_on_this_computer(browser: Browser, server: str) -> None:
    with visiting(browser, server, "light") as visit:
        page = opened(visit)
        page.click(".front-game summary")
        claim = page.locator("#front-claims button")
        claim.nth(1).click()
        expect(page.locator("#front-verdict")).to_have_text("Draw one digit first.")
        read_seven(page)
        claim.nth(7).click()
        expect(page.locator("#front-verdict")).to_contain_text("as you do")
        assert page.locator("#front-finds li").count() == 0
        claim.nth(1).click()
        expect(page.locator("#front-verdict")).to_contain_text("your 1 is read as a 7")
        with page.expect_download() as download:
            page.locator("#front-finds a").click()
        assert download.value.suggested_filename == "my_digit_1_1.png", "as chapter 7 looks for it"
        page = opened(visit)
        page.click(".front-game summary")
        assert page.locator("#front-finds li").count() == 1, "it is still there"
        page.click("#front-forget")
        assert page.locator("#front-finds li").count() == 0
        page = opened(visit)
        assert page.locator("#front-finds li").count() == 0
        visit.assert_clean()


def test_what_lies_in_the_store_is_not_trusted(browser: Browser, server: str) -> None:
    with visiting(browser, server, "light") as visit:
        opened(visit)
        for kept in ("{", "7", '[{"drawn": 1, "read": 7, "picture": "javascript:alert(1)"}, null]'):
            visit.page.evaluate(
                "kept => localStorage.setItem('reading-handwritten-digits.finds', kept)", kept
            )
            page = opened(visit)
            assert page.locator("#front-finds li").count() == 0
        visit.assert_clean()


@pytest.mark.parametrize("size", [(360, 640), (1280, 900)])
def test_nothing_moves_while_the_page_loads(
    browser: Browser, site: Path, size: tuple[int, int]
) -> None:
    for address in ("book/intro", "book/live"):
        with serving(site, SlowHandler) as base, visiting(browser, base, "light") as visit:
            visit.resize(*size)
            visit.page.emulate_media(reduced_motion="no-preference")
            visit.open(f"{address}.html")
            last = {"book/intro": ("words", "Your turn"), "book/live": ("spoken", "reads a 4")}
            place, words = last[address]
            expect(visit.page.locator(f"#live-{place}")).to_contain_text(words)
            assert visit.page.evaluate(SHIFTS) <= 0.05, address


def test_on_a_phone_the_answer_is_in_sight_of_the_pen(browser: Browser, server: str) -> None:
    with visiting(browser, server, "light") as visit:
        visit.resize(360, 640)
        for address in ("book/intro", "book/live"):
            visit.open(f"{address}.html")
            expect(visit.page.locator("#live-digit")).to_have_text("4")
            digit, pad = (
                visit.page.locator(part).bounding_box() for part in ("#live-digit", "#live-pad")
            )
            assert digit is not None
            assert pad is not None
            top = min(digit["y"], pad["y"])
            assert max(digit["y"] + digit["height"], pad["y"] + pad["height"]) - top <= 640 - 56


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        ((360, 640), ["#live-pad", "#live-digit", "#live-words"]),
        ((1280, 720), ["#live-pad", "#live-digit", "#live-bars", ".front-buttons"]),
    ],
)
def test_the_first_screen_holds_what_matters(
    browser: Browser, server: str, size: tuple[int, int], parts: list[str]
) -> None:
    with visiting(browser, server, "light") as visit:
        visit.resize(*size)
        page = opened(visit)
        for part in parts:
            box = page.locator(part).bounding_box()
            assert box is not None
            assert 0 <= box["y"] <= box["y"] + box["height"] <= size[1], part
        page.click("#live-clear")
        expect(page.locator("#live-words")).to_have_text("The pad is empty. Draw a digit.")


def test_a_drawing_goes_into_the_network_and_back(browser: Browser, server: str) -> None:
    with visiting(browser, server, "light") as visit:
        page = opened(visit)
        read_seven(page)
        page.get_by_role("link", name="Look inside the network").click()
        page.wait_for_url("**/live.html")
        expect(page.locator("#live-digit")).to_have_text("7")
        page.go_back()
        page.wait_for_url("**/intro.html")
        expect(page.locator("#live-digit")).to_have_text("7")
        opened(visit)  # who comes anew finds the first digit


def test_while_the_network_is_fetched_and_when_it_does_not_come(
    browser: Browser, server: str
) -> None:
    with visiting(browser, server, "light") as visit:
        page = opened(visit)
        held = Held(page, "**/live-network.js")
        draw_seven(page)
        expect(page.locator("#live-words")).to_contain_text("on its way")
        assert page.inner_text("#live-digit") == "–", "the first digit's answer has gone"
        assert page.locator(".live-winner").count() == 0
        held.next().abort()
        expect(page.locator("#live-words")).to_contain_text("could not be loaded")
        page.click("#live-clear")
        draw_seven(page)  # tries again
        expect(page.locator("#live-words")).to_contain_text("on its way")
        held.next().continue_()
        expect(page.locator("#live-digit")).to_have_text("7")


def test_the_front_page_is_light(browser: Browser, server: str, site: Path) -> None:
    """The first visit, gzipped as a web server sends it, is below 0.45 MB."""
    with visiting(browser, server, "light") as visit:
        opened(visit)
        files = fetched(visit, site)
    assert not any("mathjax" in file.as_posix() for file in files), "there is no formula"
    assert not any("search" in file.name for file in files), "the search has a page of its own"
    weight = sum(map(gzipped, files))
    assert 50_000 < weight < 450_000, f"{weight:,} bytes"


def test_chapters_are_cards_and_the_next_page_is_the_first_chapter(site: Path) -> None:
    page = parsed(site, "book/intro")
    cards = page.select(".chapter-card")
    assert [card.a["href"] for card in cards if card.a] == [f"../{c}.html" for c in CHAPTERS]
    for card in cards:
        assert len(card.select("img")) == 2, "light and dark"
        assert re.fullmatch(r"\d+ min", card.select(".minutes")[0].get_text())
    following = page.select(".prev-next-footer a.right-next, a.right-next")
    assert str(following[0]["href"]).endswith(f"{CHAPTERS[0]}.html")
    start = page.select(".front-main")[0]
    assert str(start["href"]) == f"../{CHAPTERS[0]}.html"
    assert re.search(r"\(\d+ min\)", start.get_text())


def test_a_lost_reader_finds_the_chapters(site: Path) -> None:
    page = BeautifulSoup((site / "404.html").read_text(encoding="utf-8"), "html.parser")
    assert "no page at this address" in page.select_one("article").get_text()
    links = [link["href"] for link in page.select("nav.bd-links a.reference.internal")]
    assert len(links) >= len(CHAPTERS)
    for address in [*links, *(sheet["href"] for sheet in page.select("link[rel=stylesheet]"))]:
        path = urllib.parse.urlsplit(address).path
        assert path.startswith(prefix())
        assert (site / path.removeprefix(prefix())).is_file(), address


def prefix() -> str:
    """Return the path under which GitHub publishes the repository's pages."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    return f"/{config['repository']['url'].rsplit('/', 1)[-1]}/"


class PagesHandler(QuietHandler):
    """Serve a site as GitHub Pages does: under a path, with its own page for what is missing."""

    def translate_path(self, path: str) -> str:
        inside = path.partition("?")[0].removeprefix(prefix())
        if not path.startswith(prefix()) or not Path(self.directory, inside).is_file():
            inside = "404.html"
        return super().translate_path(f"/{inside}")


def test_the_site_works_under_the_path_of_a_fork(browser: Browser, site: Path) -> None:
    with serving(site, PagesHandler) as address:
        base = f"{address}{prefix().rstrip('/')}"
        with visiting(browser, base, "light") as visit:
            visit.open("chapters/no/such/page.html")
            visit.assert_clean()
            expect(visit.page.get_by_text("no page at this address")).to_be_visible()
            visit.page.get_by_role("link", name="2 Slide a kernel").first.click()
            expect(visit.page.get_by_role("heading", name="2 Slide a kernel")).to_be_visible()
            visit.page.goto(f"{base}/index.html")  # which leads on at once
            visit.page.wait_for_url("**/intro.html")
            visit.page.get_by_role("link", name="Look inside the network").click()
            expect(visit.page.locator("#live-digit")).to_have_text("4")
            visit.assert_clean()


# --- the printed book -----------------------------------------------------------------------------


def test_the_book_is_printed_whole(site: Path, browser: Browser, tmp_path: Path) -> None:
    target = tmp_path / "book.pdf"
    pdf.print_book(browser, site, target)
    assert target.stat().st_size < 20e6
    reader = PdfReader(target)
    assert "/StructTreeRoot" in reader.trailer["/Root"], "the marks for screen readers"
    texts = [" ".join(page.extract_text().split()) for page in reader.pages]
    numbers = pdf.page_numbers(target)
    chapters = [name for name in pdf.pages(site, solutions=False) if name.startswith("chapters/")]
    assert len(chapters) == len(list((ROOT / "chapters").glob("*.ipynb")))
    outline = {item.title for item in reader.outline if not isinstance(item, list)}
    for name in chapters:
        title = read(ROOT / f"{name}.ipynb").cells[0].source.split("\n")[0].lstrip("# ")
        assert title in outline
        number = numbers[pdf.anchor(name)]
        assert texts[number - 1].startswith(f"{number} {title}"), (
            "the number at the foot comes first"
        )
        assert re.search(rf"{re.escape(title)} {number}\b", " ".join(texts[1:6])), "contents"
    answers = numbers["answers"]
    before, after = " ".join(texts[: answers - 1]), " ".join(texts[answers - 1 :])
    assert "Answer to question 1" in after
    assert "Answer to question 1" not in before
    assert "The answer:" in before, "what predictions lead to stands in its place"
    assert "Exercise 2.1, hint 1" in after
    assert not re.search(r"Open in Colab|Show the result|\\frac", before)
    pictures = sum(len(page.images) for page in reader.pages[numbers[pdf.anchor(chapters[0])] :])
    assert pictures > 100
    assert not list((site / "chapters").glob("_*")), "its own page is gone from the site"


def test_a_printed_link_leads_to_the_same_place_in_the_book() -> None:
    html = (
        '<article id="x"><a href="01_data.html#why">1</a><a href="#x">2</a>'
        '<a href="../book/live.html">3</a><a href="https://example.org/">4</a></article>'
    )
    article = BeautifulSoup(html, "html.parser").article
    pdf.rewrite_links(article, "chapters/00_a", {"chapters/00_a", "chapters/01_data"})
    targets = [link["href"] for link in article.select("a")]
    assert targets == ["#chapters--01_data--why", "#chapters--00_a--x", "https://example.org/"]
    assert article.get_text() == "1234"
