"""The versions of Colab that chapters are run on, and how they are kept up to date."""

from datetime import date

import pytest
from packaging.requirements import Requirement

from tools import colab

OLD = colab.PINS.read_text(encoding="utf-8")
LISTED = "absl-py==1.4.0\nKeras==3.14.0\nnumpy==2.1.3\nipykernel==6.17.1\nipython==7.34.0\n"
LISTED += "tensorflow==2.21.0\ntensorflow-probability @ file:///somewhere\n"


def test_the_file_pins_what_chapters_rest_on():
    assert set(colab.pins(OLD)) == {"ipykernel", "ipython", "keras", "numpy", "tensorflow"}
    lines = [line for line in OLD.splitlines() if not line.startswith("#")]
    assert all(str(Requirement(line).specifier).startswith("==") for line in lines)


def test_new_versions_get_a_new_date():
    new = colab.updated(OLD, LISTED, date(2027, 1, 4))
    expected = {"ipykernel": "6.17.1", "ipython": "7.34.0", "numpy": "2.1.3"}
    assert colab.pins(new) == expected | {"keras": "3.14.0", "tensorflow": "2.21.0"}
    assert "as of 2027-01-04" in new
    assert new.count("\n") == OLD.count("\n")
    assert colab.updated(new, LISTED, date(2028, 1, 1)) == new, "the same versions: nothing changes"


def test_a_list_of_another_form_is_refused():
    with pytest.raises(ValueError, match="no ipykernel, ipython, keras, numpy, tensorflow"):
        colab.updated(OLD, "<html>", date(2027, 1, 4))
