"""What several pages say about the whole project: its title, chapters, commands, files."""

import re
import tomllib

import pytest
import yaml

from mnist_lib.exercises import NOTEBOOKS
from tools.notebooks import ROOT

TITLE = "Reading Handwritten Digits"
CHAPTERS = sorted(path.stem for path in (ROOT / "chapters").glob("*.ipynb"))


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_course_has_one_title():
    config = yaml.safe_load(text("_config.yml"))
    assert config["title"] == TITLE
    assert config["sphinx"]["config"]["html_theme_options"]["logo"]["text"] == TITLE
    for page in ("README.md", "book/intro.md"):
        assert re.search(r"^# (.+)$", text(page), re.MULTILINE)[1] == TITLE
    project = tomllib.loads(text("pyproject.toml"))["project"]
    assert TITLE in project["description"]


def test_every_chapter_has_solutions_and_exercises():
    assert [path.stem for path in sorted((ROOT / "solutions").glob("*.ipynb"))] == CHAPTERS
    assert {name[:2]: name for name in CHAPTERS} == NOTEBOOKS


@pytest.mark.parametrize("page", ["README.md", "book/intro.md"])
def test_the_table_of_chapters_names_each_in_order(page):
    assert re.findall(r"^\| \[.*chapters/(\w+)\.ipynb\)", text(page), re.MULTILINE) == CHAPTERS


def test_the_teaching_page_has_a_plan_for_each_chapter():
    plans = re.findall(r"^\| (\d+) ", text("book/teaching.md"), re.MULTILINE)
    assert plans == [str(int(name[:2])) for name in CHAPTERS]


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "book/setup.md"])
def test_commands_and_files_exist(page):
    targets = re.findall(r"^([a-z ]+):", text("Makefile"), re.MULTILINE)
    named = re.findall(r"(?:^|`)make ([a-z]+)", text(page), re.MULTILINE)
    assert named
    assert set(named) <= {target for line in targets for target in line.split()}
    modules = re.findall(r"python -m tools\.([a-z_]+)", text(page))
    assert all((ROOT / "tools" / f"{module}.py").is_file() for module in modules)


def test_the_map_names_what_is_there():
    map_ = text("README.md").partition("## Where things are")[2].partition("\n## ")[0]
    named = re.findall(r"`([\w./_]+)`", "\n".join(re.findall(r"^\|([^|]*)\|", map_, re.MULTILINE)))
    assert set(named) >= {"chapters/", "solutions/", "book/", "mnist_lib/", "tests/", "tools/"}
    assert set(named) >= {"CONTRIBUTING.md", "Makefile"}
    assert [name for name in named if not (ROOT / name).exists()] == []
