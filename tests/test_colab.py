"""The versions of Colab that chapters are run on, and how they are kept up to date."""

import re
from datetime import date

import pytest
import yaml
from packaging.requirements import Requirement

from tools import colab
from tools.notebooks import ROOT

OLD = colab.PINS.read_text(encoding="utf-8")
LISTED = "absl-py==1.4.0\nKeras==3.14.0\nnumpy==2.1.3\nipykernel==6.17.1\nipython==7.34.0\n"
LISTED += "tensorflow==2.21.0\ntensorflow-probability @ file:///somewhere\n"
[PYTHON] = re.findall(r"\(Python (3\.\d+)\)", OLD)
SYSTEM = f"# python --version;\nUbuntu 22.04.5 LTS\nPython {PYTHON}.9\nR version 4.4.3\n"


def test_the_file_pins_what_chapters_rest_on():
    assert set(colab.pins(OLD)) == {"ipykernel", "ipython", "keras", "numpy", "tensorflow"}
    lines = [line for line in OLD.splitlines() if not line.startswith("#")]
    assert all(str(Requirement(line).specifier).startswith("==") for line in lines)


def test_new_versions_get_a_new_date():
    new = colab.updated(OLD, LISTED, SYSTEM, date(2027, 1, 4))
    expected = {"ipykernel": "6.17.1", "ipython": "7.34.0", "numpy": "2.1.3"}
    assert colab.pins(new) == expected | {"keras": "3.14.0", "tensorflow": "2.21.0"}
    assert "as of 2027-01-04" in new
    assert new.count("\n") == OLD.count("\n")
    assert f"(Python {PYTHON})" in new
    again = colab.updated(new, LISTED, SYSTEM, date(2028, 1, 1))
    assert again == new, "the same versions: nothing changes"
    other = colab.updated(new, LISTED, "Python 3.99.1\n", date(2028, 1, 1))
    assert "as of 2028-01-01 (Python 3.99)" in other
    assert colab.pins(other) == colab.pins(new)


def test_a_list_of_another_form_is_refused():
    with pytest.raises(ValueError, match="no ipykernel, ipython, keras, numpy, tensorflow; "):
        colab.updated(OLD, "<html>", SYSTEM, date(2027, 1, 4))
    with pytest.raises(ValueError, match="no Python; "):
        colab.updated(OLD, LISTED, "Ubuntu 22.04.5 LTS\n", date(2027, 1, 4))


def test_here_and_on_github_chapters_run_on_colabs_python():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"\ncolab: PYTHON = python{PYTHON}\n" in makefile
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert f"with Colab's Python {PYTHON} " in page
    workflow = yaml.safe_load((ROOT / ".github/workflows/test.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["ranges"]
    assert "colab" in job["strategy"]["matrix"]["end"]
    made = [step["with"] for step in job["steps"] if "setup-python" in step.get("uses", "")]
    assert [each["python-version"] for each in made] == [
        f"${{{{ matrix.end == 'lowest' && '3.11' || '{PYTHON}' }}}}"
    ]
    assert {"run": "make ${{ matrix.end }}"} in job["steps"]
