"""Slides: what stands on which, and that a whole class can read each."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import Browser
from test_site import build, complaints

from tools import slides
from tools.notebooks import ROOT

CHAPTERS = sorted((ROOT / "chapters").glob("*.ipynb"))
LEAST = 24  # pixels of letters, where the slide is 1280 pixels wide

PICTURE = (  # of one pixel
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJ"
    "RU5ErkJggg=="
)


def printing(code: str, text: str, **metadata: object) -> nbformat.NotebookNode:
    output = new_output("stream", name="stdout", text=text)
    return new_code_cell(code, outputs=[output], metadata=metadata)


def drawing(code: str) -> nbformat.NotebookNode:
    output = new_output("display_data", data={"image/png": PICTURE, "text/plain": "<Figure>"})
    alt = {"image": {"alt": 'A "dot"'}}
    return new_code_cell(code, outputs=[output], metadata={"mystnb": alt})


def deck(*cells: nbformat.NotebookNode) -> list[slides.Slide]:
    first = new_markdown_cell("# 1 A chapter")
    return slides.Deck(new_notebook(cells=[first, *cells])).slides


def words(slide: slides.Slide) -> str:
    return re.sub(r"<[^>]+>", "", " ".join(slide.pieces))


# --- what stands where ----------------------------------------------------------------------------


def test_a_prediction_stands_before_all_that_answers_it() -> None:
    found = deck(
        new_markdown_cell("## How many?\n\nCount.\n\n> **Predict before you run.** How many?"),
        printing("print(3)", "3\n"),
        new_markdown_cell("The answer: three.\n\nThat was easy."),
    )
    assert [slide.form for slide in found] == ["title", "predict", ""]
    assert words(found[1]).split() == ["Count.", "Predict", "before", "you", "run.", "How", "many?"]
    assert "print(3)" in words(found[2])
    assert "The answer: three." in words(found[2])
    assert "The answer: three." in found[1].said, "the speaker knows it before"
    assert "three" not in words(found[1])
    assert "That was easy." in found[2].said, "what no slide shows is in the notes"


def test_a_prediction_alone_on_its_slide_begins_with_what_it_needs() -> None:
    first = new_markdown_cell("# 1 A chapter")
    asked = "> **Predict before you run.** Which of the two?"
    known = {"Which of": "Take a *six* and a nine."}
    cells = [
        first,
        new_markdown_cell("## Part"),
        printing("print(3)", "3\n"),
        new_markdown_cell(asked),
    ]
    found = slides.Deck(new_notebook(cells=cells), known).slides[-1]
    assert found.form == "predict"
    assert words(found).split()[:6] == ["Take", "a", "six", "and", "a", "nine."]
    cells = [first, new_markdown_cell("## Part\n\nA six, a nine.\n\n" + asked)]
    found = slides.Deck(new_notebook(cells=cells), known).slides[-1]
    assert "Take" not in words(found), "the slide says it already"


def test_an_exercise_shows_the_code_that_it_begins_with() -> None:
    text = new_markdown_cell("### Exercise 1.1: Mend", metadata={"exercise": "01.mend"})
    source = 'def faulty(x):\n    return x\n\n\ncheck("01.mend", faulty)'
    found = deck(text, printing(source, "○", exercise="01.mend"))[-1]
    assert "return" in words(found)
    assert "check" not in words(found)
    empty = 'mend = ...  # your code here\ncheck("01.mend", mend)'
    assert len(deck(text, printing(empty, "○", exercise="01.mend"))) == 1


def test_a_figure_stands_with_its_caption_and_without_its_code() -> None:
    found = deck(
        new_markdown_cell("## Look"), drawing("draw()"), new_markdown_cell("*One dot.*\n\nSo.")
    )
    assert [slide.form for slide in found] == ["title", "figure"]
    assert 'alt="A &quot;dot&quot;"' in found[1].pieces[0]
    assert "One dot." in words(found[1])
    assert "draw()" not in words(found[1])
    asked = drawing("draw()")
    asked.metadata["slide"] = "code"
    assert "draw()" in " ".join(map(words, deck(new_markdown_cell("## Look"), asked)))


def test_a_figure_that_is_stored_as_jpeg_is_shown() -> None:
    cell = drawing("draw()")
    cell.outputs[0].data[slides.FORM] = {"light": {"image/jpeg": "/9j/"}}
    found = deck(new_markdown_cell("## Look"), cell)[-1]
    assert 'src="data:image/jpeg;base64,/9j/"' in found.pieces[0]
    assert "<Figure>" not in words(found)


def test_what_a_cell_gives_as_markdown_is_shown_as_text() -> None:
    items = [f"- **item {n}**\n    - below {n}" for n in range(10)]
    data = {"text/markdown": "**Card**\n\n" + "\n".join(items), "text/plain": "<Markdown object>"}
    cell = new_code_cell("card()", outputs=[new_output("display_data", data=data)])
    found = deck(new_markdown_cell("## Look"), cell)[1:]
    assert len(found) > 1
    assert all(slide.lines <= slides.LINES for slide in found)
    shown = " ".join(map(words, found))
    assert not re.search(r"\*|object", shown)
    assert re.findall(r"(?:item|below) \d", shown) == [
        f"{what} {n}" for n in range(10) for what in ("item", "below")
    ]


def test_long_code_goes_on_over_several_slides_and_only_if_it_is_asked_for() -> None:
    code = "\n".join(f"line_{n} = {n}" for n in range(40))
    text = new_markdown_cell("## Long\n\nIt is.")
    assert "line_0" not in " ".join(map(words, deck(text, printing(code, "ready\n"))))
    found = deck(text, printing(code, "ready\n", slide="code"))
    assert all(slide.lines <= slides.LINES + 1 for slide in found)
    shown = " ".join(map(words, found))
    assert all(f"line_{n} " in shown for n in range(40))
    assert "ready" in shown


def test_progress_is_not_shown() -> None:
    text = "2 workers start · 00:07\nEpoch 1/2\n12/12 - 1s - loss: 0.5\n"
    text += "  0%|  | 0/9\r100%|██| 9/9\nepoch 1 of 2\n2 workers: proof · 00:04   \nready: 99.1 %\n"
    found = deck(new_markdown_cell("## Train"), printing("fit()", text))
    assert "ready: 99.1 %" in words(found[-1])
    assert not re.search(r"[Ee]poch|loss|workers|\|", words(found[-1]))


def test_a_long_line_that_was_printed_goes_on_below() -> None:
    found = deck(new_markdown_cell("## Say"), printing("say()", "one two " * 20 + "\n"))
    (shown,) = re.findall(r'<pre class="printed">(.*?)</pre>', " ".join(found[-1].pieces), re.S)
    assert shown.split() == ["one", "two"] * 20
    assert max(map(len, shown.split("\n"))) <= slides.CODE_CHARACTERS


def test_a_question_keeps_its_answer_back() -> None:
    source = (
        "## Check yourself\n\n**Question 1.** Which?\n\n- a) one\n- b) two\n\n"
        "<details><summary>Answer to question 1</summary>\n\n**b.** Because.\n\n</details>"
    )
    found = deck(new_markdown_cell(source))[-1]
    assert found.form == "question"
    assert "b) two" in words(found)
    (answer,) = [piece for piece in found.pieces if "fragment" in piece]
    assert re.sub(r"<[^>]+>", "", answer).strip() == "b."
    assert "Because" in found.said


def test_an_exercise_shows_as_much_as_a_slide_takes_and_no_way_to_its_solution() -> None:
    source = "### Exercise 1.1: Count\n\n★ · 5 minutes\n\n" + "Count them all. " * 40 + "\n\n"
    source += "Then count again. " * 40 + "\n\n[Solution](../solutions/x.ipynb#exercise)"
    cells = [
        new_markdown_cell(source, metadata={"exercise": "01.count"}),
        printing("check()", "○ not attempted", exercise="01.count"),
    ]
    (_, found) = deck(*cells)
    assert found.heading == "Exercise 1.1: Count"
    assert found.lines <= slides.LINES
    assert "The notebook goes on." in words(found)
    assert "Then count again." in found.said
    assert "Solution" not in words(found) + found.said
    assert "not attempted" not in words(found)


def test_a_formula_stands_with_the_words_that_lead_to_it() -> None:
    found = deck(new_markdown_cell("## Part\n\nFirst.\n\nNoted.\n\nWith two:\n\n$$a + b$$"))[-1]
    assert "With two:" in words(found)
    assert "Noted." not in words(found)


def test_cells_may_be_left_out_or_shown_whole() -> None:
    part = "## Part\n\nFirst.\n\nSecond."
    assert "Second." not in words(deck(new_markdown_cell(part))[-1])
    assert "Second." in words(deck(new_markdown_cell(part, metadata={"slide": "text"}))[-1])
    assert len(deck(new_markdown_cell(part, metadata={"slide": "skip"}))) == 1


# --- all chapters, in a browser -------------------------------------------------------------------


@pytest.fixture(scope="module")
def decks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        for path in CHAPTERS:
            slides.executed(path, "sample")
    except KeyError:  # a test of this file alone: the book runs what has not run yet
        result = build(ROOT, tmp_path_factory.mktemp("site"))
        assert result.returncode == 0, complaints(result)
    folder = tmp_path_factory.mktemp("slides")
    list(slides.write(CHAPTERS, folder, "sample"))
    return folder


MEASURE = """least => Reveal.getSlides().map((slide, place) => {
    Reveal.slide(place);
    const small = [...slide.querySelectorAll("p, li, td, th, pre, code, h2")]
        .filter((part) => part.closest(".explorable, .notes, mjx-container") === null)
        .filter((part) => parseFloat(getComputedStyle(part).fontSize) < least);
    const images = [...slide.querySelectorAll("img")];
    return {
        name: `${place + 1}: ${slide.querySelector("h2").textContent}`,
        form: slide.className,
        high: slide.scrollHeight - slide.clientHeight, wide: slide.scrollWidth,
        pieces: slide.children.length,
        small: small.map((part) => part.textContent.slice(0, 40)),
        missing: images.filter((image) => !image.naturalWidth || !image.alt).length,
        pictures: [...slide.querySelectorAll(".picture")].map((part) => part.clientHeight),
        all: parseFloat(slide.style.getPropertyValue("--all") || "1"),
        below: [...slide.querySelectorAll("pre, table, .caption, p, ul, .explorable")]
            .filter((part) => !part.closest(".notes") && !part.parentElement.closest(".explorable"))
            .filter((part) => part.getBoundingClientRect().bottom > 720.5
                || (part.matches("pre, table") && part.scrollWidth > part.clientWidth + 1)).length,
    };
})"""


@pytest.mark.site
@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_every_slide_can_be_read_from_the_back_row(
    decks: Path, browser: Browser, path: Path
) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("requestfailed", lambda request: faults.append(request.url))
    page.on(
        "request",
        lambda request: request.url.startswith(("file:", "data:")) or faults.append(request.url),
    )
    page.goto((decks / f"{path.stem}.html").as_uri())
    page.wait_for_function("window.Reveal?.isReady() && (window.MathJax?.startup?.promise ?? true)")
    page.evaluate("async () => { await MathJax.startup.promise; await document.fonts.ready; }")
    measured = page.evaluate(MEASURE, LEAST)
    page.close()
    assert not faults
    assert len(measured) > 20
    for slide in measured:
        name = slide["name"]
        assert slide["high"] <= 0, slide
        assert slide["wide"] <= 1280, slide
        assert not slide["below"], slide
        assert not slide["small"], (name, slide["small"])
        assert not slide["missing"], name
        assert slide["pieces"] > 1, f"{name} is empty"
        assert all(height > 250 for height in slide["pictures"]), (name, slide["pictures"])
        assert slide["all"] >= 0.85, f"{name}: the figure to move is small, {slide['all']:.2f}"
    forms = " ".join(slide["form"] for slide in measured)
    assert all(form in forms for form in ("title", "predict", "figure", "exercise", "question"))
