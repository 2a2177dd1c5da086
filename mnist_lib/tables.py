"""A table that a notebook shows as a table: names and formatted texts in, HTML or plain text out.

In a notebook and in the book it is an HTML table, which scrolls sideways on a narrow screen; in a
terminal, and where it is copied, it is aligned text. Nothing here is derived in the course.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from mnist_lib import _checks

__all__ = ["Table"]


class Table:
    """A small table of texts, with a name for each row and each column.

    Parameters
    ----------
    columns : sequence of str
        The heading of each column.
    rows : mapping of name to sequence of str
        One text for each column, formatted as it should be read.

    Raises
    ------
    ValueError
        If there is no row, or a row has not one text for each column.

    Examples
    --------
    >>> Table(["accuracy"], {"pixel mean": ["82 %"], "nearest neighbour": ["97 %"]})
                       accuracy
    pixel mean             82 %
    nearest neighbour      97 %
    """

    def __init__(self, columns: Sequence[str], rows: Mapping[str, Sequence[str]]) -> None:
        if not rows:
            raise ValueError(_checks.message("rows", "empty", "at least one row"))
        for name, texts in rows.items():
            if len(texts) != len(columns):
                what, expected = f"{len(texts)} texts", f"one for each of {len(columns)} columns"
                raise ValueError(_checks.message(f"row {name!r}", what, expected))
        self.columns = [str(column) for column in columns]
        self.rows = {str(name): [str(text) for text in texts] for name, texts in rows.items()}

    def __repr__(self) -> str:
        """Return the table as aligned lines of text."""
        lines = [["", *self.columns], *([name, *texts] for name, texts in self.rows.items())]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(
                [line[0].ljust(widths[0])]
                + [text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True)]
            ).rstrip()
            for line in lines
        )

    def _repr_html_(self) -> str:
        # Colours are those of the page, light or dark. tabindex lets keys scroll the table.
        # Texts may break at spaces, so that a phone shows more columns before it has to scroll.
        cell = 'style="text-align: right; padding: 0.2em 0.35em"'
        side = 'style="text-align: left; padding: 0.2em 0.35em"'
        head = "".join(  # a column without a name has no heading that a screen reader would miss
            f'<th scope="col" {cell}>{html.escape(column)}</th>' if column else "<td></td>"
            for column in self.columns
        )
        body = "".join(
            f'<tr><th scope="row" {side}>{html.escape(name)}</th>'
            + "".join(f"<td {cell}>{html.escape(text)}</td>" for text in texts)
            + "</tr>"
            for name, texts in self.rows.items()
        )
        return (
            '<div style="overflow-x: auto; margin-bottom: 1em" tabindex="0" '
            'role="group" aria-label="Table">'
            f"<table><thead><tr><td></td>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )
