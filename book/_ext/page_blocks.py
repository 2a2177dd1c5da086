"""The blocks that a chapter is made of, as the site shows them: cards for goals and for exercises.

A notebook says the same with a heading, a paragraph and a cell. Where nothing runs, an exercise
needs another end: the way to a place where it does run, its hints, its solution.
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docutils import nodes
from PIL import Image
from sphinx.util import logging

from mnist_lib.exercises import find
from tools.notebooks import read, stated_times
from tools.repository import address, colab

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FIRST, LAST = "You will build", "Time"
"""The bold words with which the first and the last paragraph of a chapter's goals begin."""

CARD = 680
"""Pixels across a card's picture: two for each that a screen shows it with."""

PREDICT, ANSWER = "Predict before you run.", "The answer:"

LOGGER = logging.getLogger(__name__)


class disclosure(nodes.container):  # noqa: N801 - docutils names the methods that write it after it
    """A part of the page that the reader opens; `summary` is all that is seen at first."""


def open_disclosure(writer: Any, node: disclosure) -> None:
    """Begin what is folded."""
    summary = nodes.unescape(node["summary"])
    writer.body.append(writer.starttag(node, "details", f"<summary>{summary}</summary>"))


def close_disclosure(writer: Any, node: disclosure) -> None:
    """End what is folded."""
    writer.body.append("</details>\n")


def fold_predicted_results(app: Sphinx, doctree: nodes.document) -> None:
    """Fold what would spoil a prediction: the outputs after it, their captions, and its answer.

    What leads from one output to the next code cell stays in sight.
    """
    for quote in list(doctree.findall(nodes.block_quote)):
        if not quote.astext().startswith(PREDICT):
            continue
        between = []
        for node in quote.findall(include_self=False, descend=False, siblings=True):
            if isinstance(node, nodes.block_quote | nodes.section):
                break
            between.append(node)
            if ANSWER in node.astext():
                break
        outputs = [[part for part in node.children if _is_output(part)] for node in between]
        shown = [place for place, parts in enumerate(outputs) if parts]
        if not shown:
            continue
        answered = ANSWER in between[-1].astext()
        if not answered:
            del shown[1:]  # what comes later may be of another subject
        for place, following in pairwise([*shown, None]):
            fold = disclosure("", summary="Show the result", classes=["result"])
            outputs[place][0].parent.replace(outputs[place][0], fold)
            for output in outputs[place][1:]:
                output.parent.remove(output)
            fold.extend(outputs[place])
            for node in between[place + 1 : following]:
                if _is_caption(node) or (following is None and answered):
                    node.parent.remove(node)
                    fold.append(node)


def gather_goals(app: Sphinx, doctree: nodes.document) -> None:
    """Lay what a chapter builds, teaches, needs and takes into one card."""
    for first in list(doctree.findall(nodes.paragraph)):
        if not _begins(first, FIRST):
            continue
        card = [first]
        for node in first.findall(include_self=False, descend=False, siblings=True):
            card.append(node)
            if _begins(node, LAST):
                break
        else:
            LOGGER.warning("no paragraph after %r begins with %r", FIRST, LAST, location=first)
            continue
        goals = nodes.container(classes=["goals"])
        _wrap(card, goals)
        goals.append(nodes.paragraph("", "", _link_to_colab(app), classes=["links"]))


def frame_exercises(app: Sphinx, doctree: nodes.document) -> None:
    """Make a card of each exercise, with its hints, and without what waits for an answer."""
    if not app.env.docname.startswith("chapters/"):
        return
    for cell in list(doctree.findall(nodes.container)):
        identity = cell.get("cell_metadata", {}).get("exercise")
        if not identity or cell.get("nb_element") != "cell_code":
            continue
        section = cell.parent
        if not isinstance(section, nodes.section) or "exercise" in section["classes"]:
            continue
        for output in [part for part in cell.children if _is_output(part)]:
            cell.remove(output)  # "not attempted": nothing runs here
        rest = section.children[1:]  # the title belongs to the section itself
        card = nodes.container(classes=["exercise-body"])
        _wrap(rest[: rest.index(cell) + 1], card)
        section["classes"].append("exercise")
        links = nodes.paragraph("", "", _link_to_colab(app), nodes.Text(" "), classes=["links"])
        for paragraph in list(card.findall(nodes.paragraph)):
            if paragraph.astext() == "Solution":
                links.extend(paragraph.children)
                paragraph.parent.remove(paragraph)
        for number, hint in enumerate(find(identity).hints, 1):
            folded = disclosure("", summary=f"Hint {number}", classes=["hint"])
            folded += _text(hint)
            card += folded
        card += links


def fold_imports(app: Sphinx, doctree: nodes.document) -> None:
    """Fold the first code of a chapter: it imports what the reader need not read first."""
    for cell in doctree.findall(nodes.container):
        if cell.get("nb_element") != "cell_code":
            continue
        source = cell.children[0]
        if not re.match(r"(import|from) ", source.astext()) or any(cell.findall(nodes.image)):
            return
        folded = disclosure("", summary="Imports", classes=["imports"])
        cell.replace(source, folded)
        folded.append(source)


def mark_captions(app: Sphinx, doctree: nodes.document) -> None:
    """Mark the sentences in italics below a figure: the site sets them as its caption."""
    for cell in doctree.findall(nodes.container):
        if cell.get("nb_element") != "cell_code" or not any(cell.findall(nodes.image)):
            continue
        below = cell.next_node(descend=False, siblings=True)
        if _is_caption(below):
            below["classes"].append("figure-caption")


def lay_out_cards(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Make a card of each chapter in the list on the first page: picture, title, minutes, words.

    The picture is the chapter's own first figure, as this build has drawn it.
    """
    if docname != app.config.root_doc:
        return
    for item in list(doctree.findall(nodes.list_item)):
        link = item.next_node(nodes.reference)
        target = link.get("refuri", "").rsplit("/", 1)[-1].removesuffix(".html") if link else ""
        chapter = f"chapters/{target}"
        if chapter not in app.env.found_docs:
            continue
        item["classes"].append("chapter-card")
        item.parent["classes"].append("chapter-cards")
        body = app.env.get_doctree(chapter)
        times = stated_times(read(Path(app.env.doc2path(chapter))))
        if times:
            item.append(nodes.paragraph("", f"{times['reading']} min", classes=["minutes"]))
        pair = next((each for each in body.findall() if "figure-pair" in _classes(each)), None)
        if pair is not None:
            picture = pair.deepcopy()
            for image in picture.findall(nodes.image):
                image["least_width"] = 0
                image["uri"] = small = _thumbnail(app, image["uri"])
                image["candidates"] = {"*": small}
                app.env.images.add_file(docname, small)
            item.insert(0, picture)


def _thumbnail(app: Sphinx, uri: str) -> str:
    """Return the address of a small copy of a picture, made beside it."""
    path = Path(app.srcdir) / uri.lstrip("/")
    small = path.with_suffix(".card.webp")
    if not small.exists():
        with Image.open(path) as picture:
            picture.thumbnail((CARD, 10 * CARD), Image.Resampling.LANCZOS)
            picture.convert("RGB").save(small, quality=85, method=6)
    return f"{uri.removesuffix(path.suffix)}.card.webp"


def _classes(node: nodes.Node) -> list[str]:
    return node["classes"] if isinstance(node, nodes.Element) else []


def _first(node: nodes.Node | None) -> nodes.Node | None:
    """Return what a paragraph begins with; the parser may put an empty text before it."""
    if not isinstance(node, nodes.paragraph):
        return None
    return next((part for part in node.children if part.astext()), None)


def _begins(node: nodes.Node, words: str) -> bool:
    first = _first(node)
    return isinstance(first, nodes.strong) and first.astext() == words


def _is_caption(node: nodes.Node | None) -> bool:
    """Return whether a paragraph says what an output shows: it begins in italics."""
    return isinstance(_first(node), nodes.emphasis)


def _is_output(node: nodes.Node) -> bool:
    return isinstance(node, nodes.container) and node.get("nb_element") == "cell_code_output"


def _wrap(children: list[nodes.Node], container: nodes.container) -> None:
    """Put neighbours into a container, in their place."""
    parent = children[0].parent
    parent.insert(parent.index(children[0]), container)
    for child in children:
        parent.remove(child)
        container.append(child)


def _text(hint: str) -> nodes.paragraph:
    """Return a hint's text; what stands between back quotes is code."""
    parts: list[nodes.Node] = []
    for i, part in enumerate(re.split(r"`([^`]*)`", hint)):
        parts.append(nodes.literal("", part) if i % 2 else nodes.Text(part))
    return nodes.paragraph("", "", *parts)


def _link_to_colab(app: Sphinx) -> nodes.reference:
    """Return the link that opens the notebook that is being read."""
    path = Path(app.env.doc2path(app.env.docname, base=False)).as_posix()
    return nodes.reference(
        "", "Open in Colab", refuri=colab(*address(Path(app.srcdir)), path), internal=False
    )


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect the functions above to Sphinx's events."""
    app.add_node(disclosure, html=(open_disclosure, close_disclosure))
    app.connect("doctree-read", mark_captions, priority=450)  # while captions follow their cells
    app.connect("doctree-read", fold_predicted_results)
    app.connect("doctree-read", gather_goals)
    app.connect("doctree-read", frame_exercises)
    app.connect("doctree-read", fold_imports)
    app.connect("doctree-resolved", lay_out_cards)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
