"""The page of the benchmark: its tables and its figure are made from the results at every build."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_lib.tables import Table
from tools import benchmark
from tools.book_figures import FORM, forms

if TYPE_CHECKING:
    from sphinx.application import Sphinx

PAGE = "book/benchmark"
ALT = (
    "A chart with logarithmic axes: test error against seconds of training, one line or point for "
    "each program. The fast recipe lies furthest left."
)


def pipes(table: Table) -> str:
    """Write a table in Markdown."""
    lines = [["what", *table.columns], ["---", *["--:"] * len(table.columns)]]
    lines += [[name, *texts] for name, texts in table.rows.items()]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def pictures(results: benchmark.Results, folder: Path) -> str:
    """Draw the figure for the light and for the dark page, as `course_site` pairs them."""
    folder.mkdir(parents=True, exist_ok=True)
    blocks = []
    for theme, data in forms(benchmark.draw(results))[FORM].items():
        [(mime, content)] = [item for item in data.items() if item[0].startswith("image/")]
        path = folder / f"{theme}.{mime.partition('/')[2]}"
        path.write_bytes(b64decode(content))
        blocks.append(f":::{{container}}\n![{ALT}](/_build/benchmark/{path.name})\n:::")
    return "\n\n".join(blocks)


def write_results(app: Sphinx, docname: str, source: list[str]) -> None:
    """Write the latest run into the page."""
    if docname != PAGE:
        return
    results = json.loads(benchmark.RESULTS.read_text(encoding="utf-8"))
    text = source[0].replace(
        "<!-- machine -->", ", ".join(f"{k} {v}" for k, v in results["machine"].items())
    )
    for name, table in zip(("soon", "costs"), benchmark.program_tables(results), strict=True):
        text = text.replace(f"<!-- programs: {name} -->", pipes(table))
    text = text.replace("<!-- figure -->", pictures(results, Path(app.srcdir, "_build/benchmark")))
    for name in benchmark.PARTS:
        part = results["costs"].get(name)
        measured = pipes(benchmark.cost_table(part["rows"])) if part else "*Not measured there.*"
        text = text.replace(f"<!-- {name} -->", measured)
    source[0] = text


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx's event."""
    app.connect("source-read", write_results)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
