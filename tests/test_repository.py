"""The repository's address, its licences, its locked environment and its workflows."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement

from tools import repository

ROOT = repository.ROOT
ADDRESS, BRANCH = repository.address()


def problems(root: Path) -> list[str]:
    """Return every place under ``root`` whose address differs from the one in _config.yml."""
    url, branch = repository.address(root)
    found = []
    for path in repository.notebooks(root):
        badge, setup, *cells = nbformat.read(path, as_version=4).cells[1:]
        name = path.relative_to(root).as_posix()
        if badge.source != repository.badge(url, branch, name):
            found.append(f"{name}: the Colab badge")
        if setup.source != repository.setup(url, branch, cells):
            found.append(f"{name}: the set-up cell")
    for path in repository.pages(root):
        text = path.read_text(encoding="utf-8")
        others = {repository.PLACEHOLDER} - {url}
        found += [f"{path.name}: {other}" for other in others if other in text]
    return found


@pytest.fixture
def copy(tmp_path):
    """Return a copy of the files that hold the address, with the tool beside them."""
    for path in (*repository.pages(), *repository.notebooks(), ROOT / "tools/repository.py"):
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    return tmp_path


def run(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tools/repository.py", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_every_badge_and_setup_cell_has_the_address_of_the_config():
    assert repository.notebooks()
    assert problems(ROOT) == []


def test_a_new_address_reaches_every_place_and_the_old_one_comes_back_unchanged(copy):
    before = snapshot(copy)
    assert run(copy, "https://github.com/jane-doe/digits.git").returncode == 0
    assert repository.address(copy) == ("https://github.com/jane-doe/digits", BRANCH)
    assert problems(copy) == []
    assert "jane-doe/digits" in (copy / "README.md").read_text(encoding="utf-8")
    first = repository.notebooks(copy)[0]
    assert '%pip install --quiet "git+https://github.com/jane-doe/digits@' in first.read_text(
        encoding="utf-8"
    ).replace('\\"', '"')
    assert run(copy, ADDRESS).returncode == 0
    assert snapshot(copy) == before


def test_a_fork_takes_three_commands(copy, tmp_path_factory):
    """From a copy of the files to a repository whose links lead to it, as README.md says."""
    folder = tmp_path_factory.mktemp("fork")

    def git(*arguments: str, at: Path = copy) -> None:
        who = ("-c", "user.name=Jane", "-c", "user.email=jane@example.org")
        subprocess.run(["git", *who, *arguments], cwd=at, check=True, capture_output=True)

    git("init", "--quiet", "--initial-branch=main")
    git("init", "--quiet", "--bare", "--initial-branch=main", str(folder / "hub"))
    assert run(copy, "https://github.com/jane-doe/digits").returncode == 0
    git("add", ".")
    git("commit", "--quiet", "--message", "Make it mine")
    git("push", "--quiet", str(folder / "hub"), "main")
    git("clone", "--quiet", str(folder / "hub"), str(folder / "clone"), at=folder)
    assert problems(folder / "clone") == []
    for path in [*repository.notebooks(folder / "clone"), folder / "clone" / "README.md"]:
        text = path.read_text(encoding="utf-8")
        assert "jane-doe/digits" in text
        assert ADDRESS not in text, path.name


def test_a_differing_badge_or_setup_cell_is_found(copy):
    path = repository.notebooks(copy)[0]
    notebook = nbformat.read(path, as_version=4)
    notebook.cells[1].source = repository.badge("https://github.com/a/b", BRANCH, "x.ipynb")
    notebook.cells[2].source = repository.setup("https://github.com/a/b", BRANCH)
    nbformat.write(notebook, path)
    assert len(problems(copy)) == 2


@pytest.mark.parametrize("url", ["http://github.com/a/b", "github.com/a/b", "https://github.com/a"])
def test_what_is_no_address_is_refused_and_nothing_changes(copy, url):
    before = snapshot(copy)
    result = run(copy, url)
    assert result.returncode != 0
    assert "https://github.com/owner/name" in result.stderr
    assert snapshot(copy) == before


def run_setup(code: str, before: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", f"import sys, types\n{before}\n{code}"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


MISSING = "sys.modules['mnist_lib'] = None"
COLAB = "sys.modules['google.colab'] = types.ModuleType('colab')"


def test_without_an_address_the_setup_cell_installs_nothing_and_says_what_to_do():
    code = repository.setup(repository.PLACEHOLDER, "main")
    assert "%pip" not in code
    result = run_setup(code, f"{MISSING}; {COLAB}")
    assert result.returncode != 0
    assert "make repository URL=" in result.stderr


def test_a_python_without_the_package_is_named_with_the_command_that_installs_it():
    code = repository.setup("https://github.com/jane-doe/digits", "main")
    code = code.replace("%pip", "pass  #")  # the line for Colab, which plain Python cannot read
    result = run_setup(code, MISSING)
    assert f"{sys.executable} -m pip install -r requirements.txt" in result.stderr
    assert "make repository" not in result.stderr


def test_with_the_package_the_setup_cell_says_nothing():
    result = run_setup(repository.setup(repository.PLACEHOLDER, "main"), "")
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "source",
    [
        "import keras",
        "import numpy as np\nimport tensorflow as tf",
        "from keras import layers",
        "from mnist_lib import evaluation, handwriting, models, plots",
        "from mnist_lib.models import classic_cnn",
        "    from mnist_lib import training",
    ],
)
def test_a_notebook_that_uses_keras_starts_it_in_the_setup_cell(source):
    cells = [nbformat.v4.new_code_cell("x = 1"), nbformat.v4.new_code_cell(source)]
    assert "import mnist_lib.backend" in repository.setup(ADDRESS, BRANCH, cells)


def test_a_notebook_without_keras_does_not_wait_for_it():
    cells = [
        nbformat.v4.new_code_cell("from mnist_lib import data, plots\nkeras_like = 'models'"),
        nbformat.v4.new_markdown_cell("import keras"),
    ]
    assert "import mnist_lib.backend" not in repository.setup(ADDRESS, BRANCH, cells)


def test_every_module_that_starts_keras_is_known_to_the_setup_cell():
    package = ROOT / "mnist_lib"
    for path in package.rglob("*.py"):
        if re.search(
            r"^\s*(from|import) (mnist_lib\.backend|keras)\b", path.read_text("utf-8"), re.M
        ):
            name = path.relative_to(package).parts[0].removesuffix(".py")
            if name not in ("backend", "exercises"):
                assert repository.STARTS_KERAS.search(f"from mnist_lib import {name}"), path


def test_the_placeholder_is_a_name_that_nobody_can_register():
    owner = repository.PLACEHOLDER.split("/")[3]
    assert not re.fullmatch(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*", owner)


def test_requirements_are_pinned_and_name_no_registry():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    assert wanted.count("-e .") == 1
    for line in wanted:
        if line == "-e .":
            continue
        (pin,) = Requirement(line).specifier
        assert pin.operator == "=="
    assert "://" not in "\n".join(lines)
    names = {Requirement(line).name for line in wanted if line != "-e ."}
    assert {"tensorflow", "tensorflow-cpu", "jupyter-book", "nbmake"} <= names


@pytest.mark.parametrize(
    ("platform", "machine", "expected"),
    [
        ("linux", "x86_64", "tensorflow-cpu"),
        ("linux", "aarch64", "tensorflow"),
        ("darwin", "arm64", "tensorflow"),
        ("win32", "AMD64", "tensorflow"),
    ],
)
def test_each_platform_gets_one_tensorflow(platform, machine, expected):
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if re.match(r"tensorflow(-cpu)?==", line)]
    environment = {"sys_platform": platform, "platform_machine": machine}
    assert [p.name for p in pins if p.marker is None or p.marker.evaluate(environment)] == [
        expected
    ]


def test_binder_takes_a_python_that_tensorflow_has_a_build_for():
    """Without the file, Binder takes the newest that pyproject.toml allows."""
    name, version = (ROOT / "runtime.txt").read_text(encoding="utf-8").strip().split("-")
    assert name == "python"
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    low, high = re.findall(r"\((3, \d+)\)", makefile)
    assert low <= version.replace(".", ", ") <= high


WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_pin_every_action_and_ask_for_little(path):
    text = path.read_text(encoding="utf-8")
    uses = re.findall(r"uses:\s*(.+)", text)
    assert uses
    for action in uses:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        allowed = {"contents"} if path.stem == "release" else {"pages", "id-token"}
        assert set(job.get("permissions", {})) <= allowed
        assert job["timeout-minutes"] <= 60


def test_workflows_are_sound():
    """Their form by GitHub's schema; their security by zizmor, without asking anybody."""
    check = [sys.executable, "-m", "check_jsonschema"]
    files = [str(path) for path in WORKFLOWS]
    result = subprocess.run(
        [*check, "--builtin-schema", "vendor.github-workflows", *files],
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout
    zizmor = Path(sys.executable).with_name("zizmor")
    result = subprocess.run([zizmor, "--offline", *files], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_commands_of_the_workflows_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = {t for line in re.findall(r"^([a-z ]+):", makefile, re.M) for t in line.split()}
    for path in WORKFLOWS:
        text = path.read_text(encoding="utf-8")
        ends = yaml.safe_load(text)["jobs"].get("ranges", {}).get("strategy", {})
        called = set(re.findall(r"make ([a-z]+)", text)) | set(
            ends.get("matrix", {}).get("end", [])
        )
        assert called <= targets | {"test"}
        for file in re.findall(r"(?:tests|chapters)/[\w/]+\.(?:py|ipynb)", text):
            assert (ROOT / file).is_file(), file


def test_a_package_that_cannot_be_audited_fails_the_audit():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    recipe = makefile.partition("\naudit:")[2].partition("\n\n")[0]
    assert "pip-audit --strict " in recipe, "else it passes without an answer"
    assert "grep -v '^-e '" in recipe, "the course itself is on no index"


def test_the_citation_is_valid():
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    command = [*check, "vendor.citation-file-format", str(ROOT / "CITATION.cff")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert citation["license"] == project["license"]
    assert "version" not in citation, "it stands in pyproject.toml alone"
