"""Tables: what they show as text and as HTML, and what they refuse."""

from __future__ import annotations

import pytest

from mnist_lib.tables import Table

SMALL = Table(["accuracy", "time"], {"mean": ["82 %", "0.1 s"], "neighbour & co": ["97 %", "30 s"]})


def test_text_is_aligned() -> None:
    assert repr(SMALL).splitlines() == [
        "                accuracy   time",
        "mean                82 %  0.1 s",
        "neighbour & co      97 %   30 s",
    ]


def test_html_is_a_table_that_scrolls_and_names_its_rows_and_columns() -> None:
    shown = SMALL._repr_html_()
    assert shown.startswith('<div style="overflow-x: auto; margin-bottom: 1em"')
    assert shown.count('scope="col"') == 2
    assert shown.count('scope="row"') == 2
    assert "neighbour &amp; co" in shown
    assert shown.count("<td style") == 4
    assert "nowrap" not in shown  # on a phone, texts break before columns leave the screen


def test_refuses_rows_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="row 'mean' is 1 texts; expected one for each of 2"):
        Table(["a", "b"], {"mean": ["1"]})
    with pytest.raises(ValueError, match="rows is empty; expected at least one row"):
        Table(["a"], {})


def test_a_column_without_a_name_has_no_empty_heading() -> None:
    shown = Table(["error", ""], {"mean": ["18 %", "on the front"]})._repr_html_()
    assert shown.count('scope="col"') == 1
    assert "></th>" not in shown
