"""What several pages say about the whole project: its title, chapters, commands, files."""

import json
import re
import tomllib

import pytest
import yaml

from mnist_lib.exercises import NOTEBOOKS, all_exercises
from tools.handouts import PAPERS
from tools.notebooks import ROOT

HEADS = ["In 90 minutes", "Stop and ask", "Where students stumble", "At home", "To discuss"]
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


@pytest.mark.parametrize(("page", "mark"), [("README.md", r"\| "), ("book/intro.md", "- ")])
def test_the_list_of_chapters_names_each_in_order(page, mark):
    listed = re.findall(rf"^{mark}\[.*chapters/(\w+)\.ipynb\)", text(page), re.MULTILINE)
    assert listed == CHAPTERS


def test_every_chapter_has_what_a_teacher_needs():
    assert [path.stem for path in sorted((ROOT / "book/lessons").glob("*.md"))] == CHAPTERS
    assert [path.stem for path in sorted((ROOT / "teaching").glob("[0-9]*.toml"))] == CHAPTERS
    assert list(PAPERS) == [name[:2] for name in CHAPTERS]
    for name in CHAPTERS:
        lesson = text(f"book/lessons/{name}.md")
        assert f"](../../chapters/{name}.ipynb)" in lesson
        minutes = [int(m) for m in re.findall(r"^\| (\d+) \|", lesson, re.MULTILINE)]
        assert sum(minutes) in (85, 90), (name, sum(minutes))
        own = {id for id in all_exercises() if id[:2] == name[:2]}
        named = set(re.findall(r"\{exercise\}`([\w.]+)`", lesson))
        assert named <= own, "a lesson names the exercises of its chapter"
        assert len(named) >= len(own) / 2, name
        heads = re.findall(r"^## (.+)$", lesson, re.MULTILINE)
        assert heads == HEADS, name


def test_the_teaching_page_has_a_plan_for_each_chapter():
    table = text("book/teaching.md").partition("| Chapter | In 45 minutes")[2].partition("\n\n")[0]
    plans = re.findall(r"^\| (\d+) ", table, re.MULTILINE)
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


# --- What the pages state about the data ---------------------------------------------------------

STATED = ["README.md", "book/intro.md", "book/glossary.md"]
FIRST = ["chapters/00_mnist_classification.ipynb", "chapters/01_data.ipynb"]
SOLVED = ["solutions/00_mnist_classification.ipynb", "solutions/01_data.ipynb"]
CHAPTER_5 = "chapters/05_evaluation.ipynb"


def prose(name: str) -> str:
    """Return the text of a page or of a notebook's Markdown, without links, on one line."""
    source = text(name)
    if name.endswith(".ipynb"):
        cells = json.loads(source)["cells"]
        source = "\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
    source = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", source)
    return " ".join(source.split())


@pytest.mark.parametrize("page", ["README.md", "book/intro.md", *FIRST, CHAPTER_5])
def test_the_rule_of_the_test_set_is_one_sentence(page):
    rule = (
        "Chapter 0 opens the test set once, as the classic program does, and chooses nothing by "
        "it. After that it stays shut until Chapter 5 opens it for the networks that the course "
        "compares."
    )
    assert rule in prose(page)


def test_the_ancestor_of_the_network_is_named():
    assert "LeNet-5 of 1998" in prose("chapters/03_building_the_model.ipynb")


def wrong_sizes(said: str) -> list[str]:
    """Return the statements of a text that give MNIST, or a part of it, a size that it has not."""
    sizes = {
        r"training (?:images|digits|part)": {60_000, 55_000, 3_500, 10_000},
        r"validation (?:images|digits)": {5_000},
        r"test (?:images|digits)": {10_000, 1_000, 50_000},  # of which 50,000 were found in 2019
    }
    wrong = [
        match[0]
        for what, allowed in sizes.items()
        for match in re.finditer(rf"\b(\d+,\d{{3}}) {what}", said)
        if int(match[1].replace(",", "")) not in allowed
    ]
    # What MNIST has is 60,000 and 10,000; 55,000 is what the course trains on.
    return wrong + re.findall(r"MNIST has (?!60,000|70,000)[\d,]+[^.]*", said)


@pytest.mark.parametrize("page", [*STATED, *FIRST, *SOLVED])
def test_the_pages_give_mnist_the_sizes_that_it_has(page):
    assert wrong_sizes(prose(page)) == []


@pytest.mark.parametrize(
    "said",
    [
        "All of MNIST has 55,000 training images.",
        "MNIST's 70,000 training images",
        "the 10,000 validation digits",
        "its 60,000 test images",
    ],
)
def test_a_wrong_size_is_found(said):
    assert wrong_sizes(said)


@pytest.mark.parametrize("page", [*STATED, *FIRST, *SOLVED])
def test_what_readers_called_wrong_or_strange_does_not_return(page):
    gone = (
        r"every (?:twelfth|eighth|12th)|answers that the model has|by lot|\brightly\b|\banew\b"
        r"|\bwhoever\b|\b[Tt]he shares?\b|\bno multiple\b|have parted|\bopened once\b"
    )
    assert re.findall(gone, prose(page)) == []
