"""What the book's site needs beyond `_config.yml`: a Sphinx extension of the course's own."""

from __future__ import annotations

import copy
import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from fontTools import subset
from jupyter_cache import get_cache
from myst_nb.core import render
from nbformat.v4 import new_output
from PIL import Image
from sphinx.util import logging

from mnist_lib.data import load_mnist
from mnist_lib.exercises import NOTEBOOKS, find
from tools.book_figures import COLUMN, DENSITY, FORM
from tools.exercises import heading
from tools.notebooks import (
    cache_folder,
    copy_mathjax,
    ignore_user_settings,
    read,
    slug,
    stated_times,
)
from tools.repository import address, colab

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

# The page in whose place of this name the public modules are listed.
API_PAGE = "book/api"
API_MARK = "<!-- modules -->"

# The page on which readers draw.
LIVE_PAGE = "book/live"

LOGGER = logging.getLogger(__name__)


def run_notebooks_as_anywhere(app: Sphinx, config: Config) -> None:
    """Keep the user's own settings of Matplotlib, IPython and Keras out of the pages."""
    folder = Path(app.outdir).parent / ".settings"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    ignore_user_settings(folder)


def key_execution_cache(app: Sphinx, config: Config) -> None:
    """Keep the outputs of each state of the package, the environment and the data apart."""
    # Found out once, here, and passed on: offline, each chapter would wait for the network again.
    if os.environ.get("MNIST_LIB_SOURCE", "auto") in ("", "auto"):
        os.environ["MNIST_LIB_SOURCE"] = load_mnist().source
    folder = cache_folder(Path(app.srcdir), os.environ["MNIST_LIB_SOURCE"])
    config.nb_execution_cache_path = str(folder)


def refuse_missing_pictures(app: Sphinx, doctree: nodes.document) -> None:
    """Fail the build where a cell describes a picture and shows none, and forget its outputs."""
    blank = [
        cell
        for cell in doctree.findall(nodes.container)
        if cell.get("nb_element") == "cell_code"
        and cell["cell_metadata"].get("mystnb", {}).get("image", {}).get("alt")
        and not any(cell.findall(nodes.image))
    ]
    if not blank:
        return
    path = Path(app.env.doc2path(app.env.docname))
    cache = get_cache(app.config.nb_execution_cache_path)
    for record in cache.list_cache_records():
        if Path(record.uri) == path:
            cache.remove_cache(record.pk)
    for cell in blank:
        LOGGER.warning(
            "the cell has an alternative text and shows no picture: %s",
            cell["cell_metadata"]["mystnb"]["image"]["alt"],
            location=cell,
        )


def drop_thebe(app: Sphinx, config: Config) -> None:
    """Take out live cells, which the course does not use.

    sphinx-thebe puts its script on every page twice, which is an error in the console, and
    names another host in it.
    """
    for listeners in app.events.listeners.values():
        listeners[:] = [
            listener for listener in listeners if listener.handler.__module__ != "sphinx_thebe"
        ]
    app.registry.css_files[:] = [
        (name, attributes)
        for name, attributes in app.registry.css_files
        if name != "sphinx-thebe.css"
    ]


def fold_progress_bars(outputs: list[Any]) -> list[Any]:
    """Leave of each progress bar on stdout its last state, as Jupyter and a terminal do.

    A bar returns to the start of its line and writes it again. Here each of its states arrives as
    an output of its own, and myst-nb would put each on a line of its own.
    """
    joined: list[Any] = []
    for output in outputs:
        stream = output.get("name")
        if stream is not None and joined and joined[-1].get("name") == stream:
            joined[-1]["text"] += output["text"]
        else:
            joined.append(output)
    for output in joined:
        if "name" in output:
            text = output["text"].replace("\b", "")
            output["text"] = re.sub(r"[^\n]*\r(?!\n)", "", text)
    return joined


def uncolour(outputs: list[Any]) -> list[Any]:
    """Turn what rich has coloured for a white page, such as Keras' summaries, into plain text."""
    plain = []
    for output in outputs:
        data = output.get("data", {})
        if "white-space:pre" in data.get("text/html", "")[:60]:
            text = re.sub(r"\x1b\[[\d;]*m", "", data["text/plain"])
            output = new_output("stream", name="stdout", text=text)
        plain.append(output)
    return plain


def part_figures(outputs: list[Any]) -> list[Any]:
    """Put two pictures, light and dark, in the place of each figure that was drawn for the book."""
    parted: list[Any] = []
    for output in outputs:
        form = output.get("data", {}).get(FORM)
        if form is None:
            parted.append(output)
            continue
        for theme in ("light", "dark"):
            picture = copy.deepcopy(output)
            picture["data"] = form[theme]
            parted.append(picture)
    return parted


def prepare_outputs(app: Sphinx) -> None:
    """Let myst-nb merge streams (`nb_merge_streams`) whose progress bars are folded; part figures.

    This is the one place where the outputs of a cell pass on their way from notebook to page.
    """
    merge = render.coalesce_streams
    render.coalesce_streams = lambda outputs: part_figures(
        merge(fold_progress_bars(uncolour(outputs)))
    )


class themed_image(nodes.image):  # noqa: N801 - docutils names the methods that write it after it
    """A picture of a figure for one theme, with its size."""


def pair_figures(app: Sphinx, doctree: nodes.document) -> None:
    """Put the light and the dark picture of a figure side by side; the theme shows one of them.

    Sizes keep the place free until the picture is there. A picture is fetched only when it is to be
    seen: so no reader fetches both.
    """
    light: nodes.Element | None = None
    for image in list(doctree.findall(nodes.image)):
        path = Path(app.srcdir) / image["uri"].lstrip("/")
        if not path.is_file():
            continue
        with Image.open(path) as picture:
            comment = picture.info.get("comment")
            size = [round(side / DENSITY) for side in picture.size]
        if comment is None:
            continue
        notes = json.loads(comment)
        theme = notes["theme"]
        themed = themed_image("", **image.attributes, size=size)  # a "width" would make it a link
        themed["uri"] = smaller(app, image["uri"])
        themed["least_width"] = min(notes["least_width"], size[0], COLUMN)
        themed["classes"] = [*image["classes"], f"only-{theme}"]
        if theme == "light":
            light = nodes.container("", themed, classes=["figure-pair"])
            image.parent.replace(image, light)
        else:
            assert light is not None, "the light picture comes first"
            light.append(themed)
            bundle = image.parent.parent
            bundle.parent.remove(bundle)


def smaller(app: Sphinx, uri: str) -> str:
    """Return the address of the same picture as WebP, a fifth smaller; notebooks hold none."""
    path = Path(app.srcdir) / uri.lstrip("/")
    if path.suffix != ".png":
        return uri
    if not path.with_suffix(".webp").exists():
        with Image.open(path) as picture:
            colours = picture.convert("RGB")
            colours.save(path.with_suffix(".webp"), lossless=True, method=2, quality=50)
    return uri.removesuffix(".png") + ".webp"


def write_themed_image(writer: Any, node: themed_image) -> None:
    """Write a picture with its size, to be fetched when it comes into view."""
    name = writer.builder.images[node["uri"]]
    writer.body.append(
        writer.emptytag(
            node,
            "img",
            "\n",
            src=f"{writer.builder.imgpath}/{name}",
            alt=node.get("alt", ""),
            width=node["size"][0],
            height=node["size"][1],
            loading="lazy",
            style=f"min-width: {node['least_width']}px",
        )
    )


def write_reference(writer: Any, node: nodes.citation) -> None:
    """Write an entry of the references as an item of its list.

    docutils gives the entry the role ``doc-biblioentry``, which is deprecated and no item.
    """
    type(writer).visit_citation(writer, node)
    writer.body[-1] = writer.body[-1].replace('role="doc-biblioentry"', 'role="listitem"')


def list_modules(app: Sphinx, docname: str, source: list[str]) -> None:
    """Write one section for each module of the package into the API page."""
    if docname != API_PAGE:
        return
    sections = []
    package = Path(app.srcdir) / "mnist_lib"
    modules = [*package.glob("[!_]*.py"), *(path.parent for path in package.glob("*/__init__.py"))]
    for path in sorted(modules):
        if path.stem == "backend":  # it has no functions; the page's own text says what it does
            continue
        title = f"## `mnist_lib.{path.stem}`"
        directive = f".. automodule:: mnist_lib.{path.stem}\n   :members:"
        sections.append(f"{title}\n\n```{{eval-rst}}\n{directive}\n```\n")
    source[0] = source[0].replace(API_MARK, "\n".join(sections))


def skip_tuple_fields(
    app: Sphinx, what: str, name: str, member: object, skip: bool, options: object
) -> bool | None:
    """Leave out a named tuple's bare fields: the signature and its docstring tell them."""
    return True if type(member).__name__ == "_tuplegetter" else None


def write_address(app: Sphinx, docname: str, source: list[str]) -> None:
    """Write the repository's address, which lives in `_config.yml` alone, into the prose pages."""
    if docname.startswith("book/"):
        url = app.config.html_theme_options["repository_url"]
        text = source[0].replace("REPOSITORY_URL", url)
        source[0] = text.replace("REPOSITORY_NAME", url.rsplit("/", 1)[-1])


def name_exercises(app: Sphinx, docname: str, source: list[str]) -> None:
    """Turn {exercise}`01.split` in the prose pages into a link that says "Exercise 1.4: …"."""

    def link(match: re.Match[str]) -> str:
        exercise = find(match[1])
        chapter = f"chapters/{NOTEBOOKS[exercise.id[:2]]}.ipynb"
        path = os.path.relpath(chapter, Path(docname).parent).replace(os.sep, "/")
        return f"[{heading(exercise)}]({path}#{slug(heading(exercise))})"

    if docname.startswith("book/"):
        source[0] = re.sub(r"\{exercise\}`([\w.]+)`", link, source[0])


def leave_out_solutions(app: Sphinx, docname: str, source: list[str]) -> None:
    """Take the links to solutions out of the chapters of a book that has none (SOLUTIONS=no)."""
    if docname.startswith("chapters/") and not any(
        name.startswith("solutions/") for name in app.env.found_docs
    ):
        source[0] = re.sub(r"\[Solution\]\(\.\./solutions/[^)\s]*\)", "", source[0])


def place_lost_page(app: Sphinx, config: Config) -> None:
    """Tell sphinx-notfound-page under which path GitHub publishes the repository's pages.

    The page for addresses that do not exist is shown at any depth, so its links are whole.
    """
    config.notfound_urls_prefix = (
        f"/{config.html_theme_options['repository_url'].rsplit('/', 1)[-1]}/"
    )


def lead_to_first_chapter(app: Sphinx, docname: str, source: list[str]) -> None:
    """Write into the first page where Colab opens the first chapter, and how long that takes."""
    if docname == app.config.root_doc and "FIRST_MINUTES" in source[0]:
        first = min(Path(app.srcdir, "chapters").glob("*.ipynb"))
        text = source[0].replace(
            "COLAB_URL", colab(*address(Path(app.srcdir)), f"chapters/{first.name}")
        )
        source[0] = text.replace("FIRST_MINUTES", str(stated_times(read(first))["reading"]))


def keep_launch_buttons_for_notebooks(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Offer "Open in Colab" on the chapters only: Colab opens no Markdown page."""
    if str(app.env.doc2path(pagename)).endswith(".ipynb"):
        return
    context["header_buttons"] = [
        button
        for button in context.get("header_buttons", [])
        if button.get("label") != "launch-buttons"
    ]


def describe_page(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Say in a page's head what it is about: its first paragraph, and a picture of the course."""
    paragraphs = doctree.findall(nodes.paragraph) if doctree else ()
    text = next((" ".join(each.astext().split()) for each in paragraphs if each.astext()), "")
    context["description"] = text if len(text) <= 200 else text[:200].rsplit(" ", 1)[0] + " …"
    # Pictures are fetched by other sites, which need the whole address: GitHub's for a repository.
    owner, name = app.config.html_theme_options["repository_url"].rstrip("/").rsplit("/", 2)[1:]
    context["preview"] = f"https://{owner.lower()}.github.io/{name}/_static/preview.png"


def leave_out_mathjax(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Load no MathJax on a page without a formula; Sphinx loads it above other pages, too."""
    if doctree and any(doctree.findall(lambda n: isinstance(n, nodes.math | nodes.math_block))):
        return
    context["script_files"] = [
        script
        for script in context["script_files"]
        if "mathjax" not in f"{script.filename} {script.attributes.get('body')}".lower()
    ]


def add_live_scripts(app: Sphinx, exception: Exception | None) -> None:
    """Put the live page's network and examples into the site, made again if the package changed."""
    if exception is not None or app.builder.format != "html":
        return
    if LIVE_PAGE not in app.env.found_docs:
        return
    cache = Path(app.config.nb_execution_cache_path)  # its name is the digest of the package
    scripts = cache.parent.parent / "live" / cache.name
    if not scripts.exists():
        import live_scripts  # starts TensorFlow, which other books do not need

        live_scripts.main(scripts)
    shutil.copytree(scripts, Path(app.outdir) / "_static", dirs_exist_ok=True)


def trim_static_files(app: Sphinx, exception: Exception | None) -> None:
    """Put MathJax into the site, the parts in use only, and take out what no page loads."""
    if exception is not None or app.builder.format != "html":
        return
    static = Path(app.outdir) / "_static"
    copy_mathjax(static / "mathjax")
    for unused in ["sphinx-thebe.*", "scripts/fontawesome.js*", "**/*.map"]:
        for path in list(static.glob(unused)):
            path.unlink()
    keep_used_icons(Path(app.outdir))


def keep_used_icons(site: Path) -> None:
    """Cut the theme's icon fonts, 300 kB for every reader, down to the icons that pages use."""
    sheet = site / "_static" / "styles" / "pydata-sphinx-theme.css"
    css = sheet.read_text(encoding="utf-8")
    if "fa-solid-900.ttf" not in css:  # cut already: this build has changed nothing
        return
    sources = [*site.rglob("*.html"), *site.glob("_static/**/*.js"), *site.glob("_static/*.css")]
    text = "\n".join(path.read_text(encoding="utf-8", errors="ignore") for path in sources)
    used = set(re.findall(r"\bfa-[a-z0-9-]+", text))
    css = re.sub(
        r'(?:\.fa-[a-z0-9-]+:before,?)+\{content:"[^"]*"\}',
        lambda rule: rule[0] if used.intersection(re.findall(r"fa-[a-z0-9-]+", rule[0])) else "",
        css,
    )
    icons = [int(code, 16) for code in re.findall(r'"\\([0-9a-f]{2,4})"', css)]
    for path in list((site / "_static" / "vendor" / "fontawesome" / "webfonts").glob("*.ttf")):
        options = subset.Options(flavor="woff")
        font = subset.load_font(path, options)
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=icons)
        cutter.subset(font)
        subset.save_font(font, path.with_suffix(".woff"), options)
        css = re.sub(
            rf"src:[^;}}]*/{path.stem}\.ttf\)[^;}}]*",
            f'src:url(../vendor/fontawesome/webfonts/{path.stem}.woff) format("woff")',
            css,
        )
        path.unlink()
        path.with_suffix(".woff2").unlink()
    sheet.write_text(css, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the functions above to Sphinx's events."""
    app.add_node(themed_image, html=(write_themed_image, None))
    app.add_node(nodes.citation, override=True, html=(write_reference, None))
    app.connect("config-inited", run_notebooks_as_anywhere)
    app.connect("config-inited", key_execution_cache)
    app.connect("config-inited", drop_thebe)
    app.connect("config-inited", place_lost_page, priority=400)
    app.connect("builder-inited", prepare_outputs)
    app.connect("source-read", list_modules)
    app.connect("source-read", write_address)
    app.connect("source-read", name_exercises)
    app.connect("source-read", leave_out_solutions)
    app.connect("source-read", lead_to_first_chapter)
    app.connect("doctree-read", refuse_missing_pictures)
    app.connect("doctree-read", pair_figures, priority=400)  # before Sphinx collects the pictures
    app.connect("autodoc-skip-member", skip_tuple_fields)
    app.connect("html-page-context", keep_launch_buttons_for_notebooks, priority=502)
    app.connect("html-page-context", describe_page)
    app.connect("html-page-context", leave_out_mathjax, priority=900)  # Sphinx has added it by now
    app.connect("build-finished", trim_static_files)
    app.connect("build-finished", add_live_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
