"""Print a sheet for each chapter to work on by hand, and a key: ``_build/handouts``.

python -m tools.handouts            # or: make handouts

On the front stand the chapter's predictions, with place for an answer; on the back, a task for
paper and pencil. What the key says is computed here; its answers to the predictions are the
chapter's. Some predictions make no sense without the lines before them. ``teaching/NN_topic.toml``
has these in short: ``asked`` is how the prediction begins, and ``text`` stands before it on the
handout and on its slide.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal
from html import escape
from pathlib import Path

import nbformat
import numpy as np
from nbconvert.filters import markdown2html
from playwright.sync_api import Browser, sync_playwright
from scipy import ndimage, special, stats

from mnist_lib import layers
from tools.chromium import FLAGS, MISSING, find_chromium
from tools.notebooks import ROOT, read

SEARCH = re.compile(
    r"^(##?) (.*)|^> \*\*Predict before you run\.\*\* (.*(?:\n>.*)*)|^(The answer: .*(?:\n.+)*)",
    re.M,
)
MOST = 10  # predictions that a page takes
SYMBOLS = {r"\psi": "ψ", r"\ln": "ln", r"\times": "×", "{,}": ",", "$": ""}

STYLE = """
@page { size: A4; margin: 13mm 15mm; }
body { font: 10.6pt/1.35 system-ui, "Noto Sans", "DejaVu Sans", sans-serif; color: #111;
  margin: 0; }
.sheet { min-height: 260mm; display: flex; flex-direction: column; }
.sheet ol { flex: 1; display: flex; flex-direction: column; }
.sheet li { flex: 1; max-height: 32mm; }
h1 { font-size: 17pt; margin: 0 55mm 1mm 0; }
.back { break-before: page; }
.back h1 { margin-right: 0; }
h2 { font-size: 12.5pt; margin: 4mm 0 1.5mm; break-after: avoid; }
p { margin: 0 0 2mm; }
ol { margin: 0; padding-left: 6mm; }
li p { display: inline; }
li i, li b { color: #444; font-weight: 400; }
.answers li { margin-bottom: 1mm; }
.name { position: absolute; right: 0; top: 0; font-size: 9.5pt; color: #444; }
.line { height: 7.2mm; border-bottom: 0.3mm solid #999; margin-bottom: 1.6mm; }
table { border-collapse: collapse; margin: 1.5mm 6mm 2mm 0; display: inline-table;
  vertical-align: top; break-inside: avoid; }
th, td { border: 0.3mm solid #555; min-width: 8.2mm; height: 7.6mm; padding: 0 1.2mm;
  text-align: center; }
th { background: #eee; font-weight: 600; }
caption { text-align: left; font-size: 9.5pt; }
"""

Cells = Sequence[Sequence[object]]


def grid(caption: str, rows: Cells, heads: Sequence[str] = (), names: Sequence[str] = ()) -> str:
    """Return a table; None is a cell to fill in."""
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    if head:
        head = f"<tr>{'<th></th>' if names else ''}{head}</tr>"
    body = ""
    for place, row in enumerate(rows):
        name = f"<th>{escape(names[place])}</th>" if names else ""
        cells = "".join(f"<td>{'' if cell is None else cell}</td>" for cell in row)
        body += f"<tr>{name}{cells}</tr>"
    return f"<table><caption>{escape(caption)}</caption>{head}{body}</table>"


def blank(rows: Cells) -> list[list[object]]:
    """Return cells of the same number, to fill in."""
    return [[None for _ in row] for row in rows]


def numbers(array: np.ndarray, decimals: int = 0) -> list[list[str]]:
    """Return an array as text, rounded as at school (halves up), with real minus signs."""
    step = Decimal(1).scaleb(-decimals)

    def rounded(value: float) -> str:
        exact = Decimal(str(round(float(value), 9)))  # 2.625, not a float just below it
        found = f"{exact.quantize(step, ROUND_HALF_UP):f}"
        return (found if float(found) else found.lstrip("-")).replace("-", "−")

    return [[rounded(v) for v in row] for row in np.atleast_2d(array)]


Paper = tuple[str, str, str]
"""A task for paper: its title, what stands on the page, and what the key says (both HTML)."""


def classic_network() -> Paper:
    """Chapter 0: shapes and parameters of the classic network."""
    names = ["Conv2D(32, 3)", "MaxPooling", "Conv2D(64, 3)", "MaxPooling", "Flatten"]
    names += ["Dense(128)", "Dense(10)"]
    side, channels, shapes, weights = 28, 1, [], []
    for filters in (32, 64):
        side -= 2
        shapes.append(f"{side} × {side} × {filters}")
        weights.append(3 * 3 * channels * filters + filters)
        side //= 2
        shapes.append(f"{side} × {side} × {filters}")
        weights.append(0)
        channels = filters
    flat = side * side * channels
    shapes += [f"{flat:,}", "128", "10"]
    weights += [0, flat * 128 + 128, 128 * 10 + 10]
    rows = list(zip(shapes, (f"{w:,}" for w in weights), strict=True))
    text = (
        "<p>An image of 28 × 28 × 1 passes through the classic network. Write the shape of what "
        "each layer hands on, and the number of its parameters (weights and biases). Add them "
        "up.</p>"
    )
    heads = ["shape", "parameters"]
    key = grid("", rows, heads, names) + f"<p>Together {sum(weights):,}.</p>"
    empty = [[f"<span style='opacity:0'>{cell}</span>" for cell in row] for row in rows]
    return "Count the network", text + grid("", empty, heads, names), key


def centre_of_mass() -> Paper:
    """Chapter 1: the box and the centre of mass of a small image."""
    image = np.zeros((6, 6), int)
    image[1:5, 2] = 2
    image[4, 3:5] = 1
    rows, columns = np.nonzero(image)
    y, x = ndimage.center_of_mass(image)
    names, heads = [str(i) for i in range(6)], [str(i) for i in range(6)]
    text = (
        "<p>The numbers are grey values; 0 is no ink. Frame the smallest box around the ink. Then "
        "compute the centre of mass: the mean row and the mean column, each weighted by the ink. "
        "By how many pixels must the digit move, so that its centre of mass lies at row 2.5 and "
        "column 2.5?</p>"
    )
    height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
    key = (
        f"<p>The box has {height} rows and {width} columns (rows {rows.min()} to {rows.max()}, "
        f"columns {columns.min()} to {columns.max()}). The ink adds up to {image.sum()}. Centre of "
        f"mass: row {y:.1f}, column {x:.1f}. It moves by {2.5 - y:+.1f} rows and {2.5 - x:+.1f} "
        "columns.</p>"
    ).replace("-", "−")
    lines = "<p>box: ……… rows, ……… columns &nbsp; centre: row ………, column ……… &nbsp; move: ………</p>"
    return "Box and centre of mass", text + grid("", numbers(image), heads, names) + lines, key


def convolution() -> Paper:
    """Chapter 2: a convolution, ReLU and pooling on squared paper."""
    image = np.array(
        [
            [0, 0, 3, 3, 0, 0],
            [0, 2, 3, 2, 0, 0],
            [0, 0, 3, 2, 0, 0],
            [0, 0, 3, 2, 0, 1],
            [0, 1, 3, 3, 1, 0],
            [0, 0, 0, 0, 0, 0],
        ]
    )
    kernel = np.array([[-1, 0, 1]] * 3)
    sums = layers.conv2d(
        image[np.newaxis, ..., np.newaxis].astype(np.float32),
        kernel[..., np.newaxis, np.newaxis].astype(np.float32),
    )
    active = layers.relu(sums)
    pooled = layers.max_pool2d(active, 2)
    sums, active, pooled = (each[0, :, :, 0] for each in (sums, active, pooled))
    text = (
        "<p>Slide the kernel over the image (stride 1, no padding) and write down the sums. Where "
        "does the kernel find an edge? Then apply the ReLU: every negative sum becomes 0. Last, "
        "pool: keep the largest number of each of the four squares of 2 × 2.</p>"
    )
    tables = grid("image", numbers(image)) + grid("kernel", numbers(kernel))
    results = {"sums": sums, "after the ReLU": active, "pooled": pooled}
    empty = "".join(grid(name, blank(numbers(each))) for name, each in results.items())
    key = "".join(grid(name, numbers(each)) for name, each in results.items())
    key += (
        "<p>Large positive sums: the left side of the stroke, dark on the left and bright on the "
        "right. Large negative sums: its right side, which the ReLU removes.</p>"
    )
    return "Sums, ReLU and pooling", text + tables + empty, key


def softmax() -> Paper:
    """Chapter 3: from scores to probabilities and a loss."""
    scores = np.array([2.0, 1.0, -1.0])
    powers, chances = np.exp(scores), special.softmax(scores)
    text = (
        "<p>Three classes have the scores 2, 1 and −1. Fill in the table (e ≈ 2.72, e² ≈ 7.39, "
        "e⁻¹ ≈ 0.37). What is the loss if the first class is right? And if the last one is? "
        "(ln 0.71 ≈ −0.35, ln 0.035 ≈ −3.35)</p>"
    )
    names = ["score z", "e to the z", "probability", "−ln p"]
    rows = [(scores, 0), (powers, 2), (chances, 3), (-np.log(chances), 2)]
    given = [numbers(scores)[0], *([[None] * 3] * 3)]
    heads = ["A", "B", "C"]
    key = grid("", [numbers(row, places)[0] for row, places in rows], heads, names)
    key += (
        f"<p>The powers add up to {powers.sum():.2f}. The loss is 0.35 if the first class is right "
        "and 3.35 if the last one is.</p>"
    )
    return "From scores to a loss", text + grid("", given, heads, names), key


def descent() -> Paper:
    """Chapter 4: gradient descent with two rates."""

    def path(rate: float) -> list[list[str]]:
        w, rows = 0.0, []
        for _ in range(4):
            slope = 2 * (w - 3)
            step = -rate * slope
            rows.append([w, slope, step, w + step])
            w += step
        return numbers(np.array(rows), 2)

    heads = ["w", "slope 2(w − 3)", "step", "new w"]
    text = (
        "<p>The loss is (w − 3)², its slope 2(w − 3). Begin at w = 0 and take four steps, each of "
        "−rate × slope: with the rate 0.25, and then with the rate 1.1. Where does each path "
        "lead?</p>"
    )
    tables, key = "", ""
    for rate in (0.25, 1.1):
        found = path(rate)
        given = [[found[0][0], None, None, None], *([[None] * 4] * 3)]
        tables += grid(f"rate {rate}", given, heads)
        key += grid(f"rate {rate}", found, heads)
    key += (
        "<p>With 0.25 the distance to 3 halves at every step. With 1.1 it grows by a fifth, and w "
        "leaps from side to side. (The table is rounded at the very end. Whoever goes on with "
        "rounded numbers may get another last decimal.)</p>"
    )
    return "Four steps downhill", text + tables, key


def confusion() -> Paper:
    """Chapter 5: tally a confusion matrix, and judge."""
    true = np.array([3, 3, 3, 3, 3, 3, 5, 5, 5, 5, 5, 5, 5, 5, 8, 8, 8, 8, 8, 8])
    said = np.array([3, 3, 3, 3, 5, 8, 5, 5, 5, 5, 5, 3, 3, 8, 8, 8, 8, 8, 8, 3])
    order = np.random.default_rng(0).permutation(len(true))
    classes = [3, 5, 8]
    matrix = np.array([[np.sum((true == t) & (said == s)) for s in classes] for t in classes])
    pairs = " · ".join(f"{t}→{s}" for t, s in zip(true[order], said[order], strict=True))
    heads, names = [f"answer {c}" for c in classes], [f"true {c}" for c in classes]
    text = (
        f"<p>Twenty digits, each with its label and the network's answer: {pairs}. Count them in "
        "the table. Then compute the accuracy, the recall of 5 (of all fives, which fraction was "
        "found?) and the precision of 5 (of all answers 5, which fraction was right?).</p>"
    )
    lines = "<p>accuracy ……… &nbsp; recall of 5 ……… &nbsp; precision of 5 ………</p>"
    accuracy = np.trace(matrix) / matrix.sum()
    recall, precision = matrix[1, 1] / matrix[1].sum(), matrix[1, 1] / matrix[:, 1].sum()
    key = grid("", numbers(matrix), heads, names)
    key += (
        f"<p>accuracy {accuracy:.0%}, recall of 5 {recall:.1%}, precision of 5 {precision:.1%}</p>"
    )
    return "Count the mistakes", text + grid("", blank(numbers(matrix)), heads, names) + lines, key


def occlusion() -> Paper:
    """Chapter 6: a map of evidence from nine covers."""
    score = 6.0
    covered = np.array([[5.5, 2.0, 6.0], [6.0, 3.5, 5.0], [6.5, 1.0, 7.0]])
    text = (
        f"<p>The network's score for a 7 is {score:.1f}. A cover visits nine places of the image; "
        "the table shows the score with the cover there. Write by how much each cover lowers the "
        "score. Mark the place that speaks most for the 7, and each place that speaks against "
        "it.</p>"
    )
    fall = score - covered
    tables = grid("score with the cover", numbers(covered, 1))
    most = np.unravel_index(fall.argmax(), fall.shape)
    against = [f"row {r + 1}, column {c + 1}" for r, c in zip(*np.nonzero(fall < 0), strict=True)]
    key = grid("fall of the score", numbers(fall, 1))
    place = f"row {most[0] + 1}, column {most[1] + 1}"
    key += f"<p>Most for it: {place}. Against it: {'; '.join(against)}.</p>"
    return "Evidence by covering", text + tables + grid("fall of the score", blank(fall)), key


def preparation() -> Paper:
    """Chapter 7: MNIST's preparation, by its numbers."""
    height, width, y, x = 150, 90, 68.0, 47.0
    scale = 20 / max(height, width)
    text = (
        f"<p>A photographed digit fills a box of {height} rows and {width} columns. Its centre of "
        f"mass lies {y:.0f} rows below the upper edge and {x:.0f} columns right of the left edge "
        "of the box. MNIST's preparation scales the box so that its longer side has 20 pixels, "
        "and puts the centre of mass into the middle, 14 pixels from the upper and from the left "
        "edge. Where does the upper left corner of the box lie in the image of 28 × 28?</p>"
    )
    rows = [
        ("scale", f"20 / {max(height, width)} = {scale:.3f}"),
        ("rows of the small box", f"{height * scale:.0f}"),
        ("columns of the small box", f"{width * scale:.0f}"),
        ("centre of mass in the small box", f"row {y * scale:.1f}, column {x * scale:.1f}"),
        ("upper left corner", f"row {14 - y * scale:.1f}, column {14 - x * scale:.1f}"),
    ]
    names = [name for name, _ in rows]
    wide = "<span style='display:inline-block;width:60mm'></span>"
    return (
        "From a photograph to 28 × 28",
        text + grid("", [[wide] for _ in rows], (), names),
        grid("", [[value] for _, value in rows], (), names),
    )


def disagreements() -> Paper:
    """Chapter 8: whether the better recipe is better."""
    only_first, only_second = 4, 10
    total = only_first + only_second
    chance = stats.binomtest(only_first, total).pvalue
    text = (
        "<p>Two networks read the same 1,000 digits. Both are right on 980. Only the first is "
        f"right on {only_first}, only the second on {only_second}. What are the two errors? "
        "By which fraction does the second network reduce the error? If both were equally good, "
        f"each disagreement would be the toss of a coin: throw a coin {total} times, and repeat "
        f"that five times. How often did one side come up {only_second} times or more?</p>"
    )
    tosses = grid("heads of " + str(total), [[None] * 5], [f"round {n}" for n in range(1, 6)])
    wrong = 1000 - 980 - total
    first, second = (wrong + only_second) / 1000, (wrong + only_first) / 1000
    key = (
        f"<p>Errors {first:.1%} and {second:.1%}: {1 - second / first:.0%} fewer. Fair coins "
        f"differ at least as much in {chance:.0%} of all cases (both sides counted), so such a "
        "difference is no proof.</p>"
    )
    lines = "<p>errors: ……… and ……… &nbsp; reduction: ………</p>"
    return "Better, or lucky?", text + lines + tosses, key


def int8() -> Paper:
    """Chapter 9: weights as whole numbers of 8 bits."""
    # No quotient ends in a half, which NumPy rounds to even and a class rounds up.
    weights = np.array([0.40, -0.127, 0.031, -0.508, 0.001, 0.251])
    scale = np.abs(weights).max() / 127
    whole = np.rint(weights / scale)
    text = (
        "<p>Six weights become whole numbers from −127 to 127. The scale is the largest absolute "
        "value divided by 127. Divide each weight by it and round; then multiply by the scale "
        "again. Which weight loses most, compared with its size?</p>"
    )
    heads = [f"w{n}" for n in range(1, 7)]
    names = ["weight", "whole number", "back again", "error"]
    back = whole * scale
    rows = [
        numbers(weights, 3)[0],
        numbers(whole)[0],
        numbers(back, 3)[0],
        numbers(back - weights, 3)[0],
    ]
    worst = int(np.argmax(np.abs(back - weights) / np.abs(weights)))
    key = grid("", rows, heads, names)
    key += f"<p>The scale is {scale:.3f}. Compared with its size, w{worst + 1} loses most.</p>"
    return "Weights in 8 bits", text + grid("", [rows[0], *([[None] * 6] * 3)], heads, names), key


def amdahl() -> Paper:
    """Chapter 10: how much faster it can become."""
    workers = [1, 2, 4, 8, 64]
    text = (
        "<p>One step takes 100 ms: 10 ms that cannot be divided, and 90 ms that the workers divide "
        "among themselves. How long does a step take, and how many times faster is it? What if "
        "every exchange between workers costs another 20 ms?</p>"
    )
    alone = np.array([10 + 90 / n for n in workers])
    joined = alone + np.array([0, *[20] * (len(workers) - 1)])
    names = ["time / ms", "times faster", "with 20 ms: time", "times faster"]
    rows = [numbers(each, 1)[0] for each in (alone, 100 / alone, joined, 100 / joined)]
    heads = [f"{n} worker{'s' if n > 1 else ''}" for n in workers]
    key = grid("", rows, heads, names)
    key += "<p>However many workers: never more than 10 times, and with the exchange 3.3 times.</p>"
    return "How much faster?", text + grid("", [[None] * 5] * 4, heads, names), key


PAPERS: dict[str, Callable[[], Paper]] = {
    "00": classic_network,
    "01": centre_of_mass,
    "02": convolution,
    "03": softmax,
    "04": descent,
    "05": confusion,
    "06": occlusion,
    "07": preparation,
    "08": disagreements,
    "09": int8,
    "10": amdahl,
}


def given(stem: str) -> dict[str, str]:
    """Return what a chapter's predictions need before them, by their first words."""
    path = ROOT / "teaching" / f"{stem}.toml"
    entries = tomllib.loads(path.read_text(encoding="utf-8")).get("given", [])
    return {each["asked"]: each["text"] for each in entries}


def before(asked: str, known: dict[str, str]) -> str:
    """Return what stands before a prediction, or ""."""
    return next((text for begin, text in known.items() if asked.startswith(begin)), "")


def as_html(markdown: str) -> str:
    """Return Markdown as HTML, without links, and with simple formulas as text."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", markdown.replace("\n>", "\n"))
    for mark, symbol in SYMBOLS.items():
        text = text.replace(mark, symbol)
    html: str = markdown2html(text)
    return html


Asked = tuple[str, str, str]
"""A prediction: its section, what it asks, and the chapter's answer (both Markdown)."""


def asked(notebook: nbformat.NotebookNode) -> list[Asked]:
    """Return the predictions of a chapter."""
    found: list[Asked] = []
    section = ""
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            continue
        for level, head, prediction, answer in SEARCH.findall(cell.source):
            if level:
                section = head if level == "##" else ""
            elif prediction:
                found.append((section, prediction, ""))
            elif found and not found[-1][2]:
                text = answer.removeprefix("The answer: ")
                text = text[0].upper() + text[1:].removesuffix(":").rstrip(".") + "."
                found[-1] = (*found[-1][:2], text)
    return found


def predictions(notebook: nbformat.NotebookNode, known: dict[str, str]) -> list[str]:
    """Return the first predictions that a chapter asks for, with their sections, as HTML."""
    return [
        f"<i>{escape(section)}</i> <b>{as_html(before(text, known))}</b> {as_html(text)}"
        for section, text, _ in asked(notebook)[:MOST]
    ]


def page(path: Path) -> str:
    """Return the handout of a chapter as HTML."""
    notebook = read(path)
    title = notebook.cells[0].source.split("\n")[0].lstrip("# ")
    items = "".join(
        f"<li>{each}<div class='line'></div></li>"
        for each in predictions(notebook, given(path.stem))
    )
    task, text, _ = PAPERS[path.stem[:2]]()
    return (
        f"<div class='sheet'><p class='name'>Name: …………………………</p><h1>{escape(title)}</h1>"
        f"<h2>Predict</h2><ol>{items}</ol></div>"
        f"<div class='back'><h1>By hand: {task}</h1><div>{text}</div></div>"
    )


def document(body: str) -> str:
    """Return a whole page of HTML."""
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Handouts</title>'
        f"<style>{STYLE}</style></head><body>{body}</body></html>"
    )


def write(browser: Browser, folder: Path) -> list[Path]:
    """Print the handout of each chapter, and the key; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    chapters = sorted((ROOT / "chapters").glob("*.ipynb"))
    bodies = {path.stem: page(path) for path in chapters}
    key = "<h1>Key to the handouts</h1>"
    for path in chapters:
        task, _, found = PAPERS[path.stem[:2]]()
        answers = "".join(f"<li>{as_html(a)}</li>" for *_, a in asked(read(path))[:MOST])
        key += (
            f"<h2>Chapter {int(path.stem[:2])}: {task}</h2>{found}"
            f"<p>The predictions:</p><ol class='answers'>{answers}</ol>"
        )
    bodies["key"] = key
    sheet = browser.new_page()
    for name, body in bodies.items():
        sheet.set_content(document(body))
        sheet.pdf(path=folder / f"{name}.pdf", prefer_css_page_size=True, print_background=True)
    sheet.close()
    return [folder / f"{name}.pdf" for name in bodies]


def main() -> int:
    """Print all handouts; return the exit code."""
    path = find_chromium()
    if path is None:
        print(MISSING, file=sys.stderr)
        return 1
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        for target in write(browser, ROOT / "_build" / "handouts"):
            print(target.as_uri())
    return 0


if __name__ == "__main__":
    sys.exit(main())
