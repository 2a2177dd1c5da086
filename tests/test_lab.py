"""The chapters in a real JupyterLab, started as ``make lab`` does and read in a browser."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = [pytest.mark.site, pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parent.parent
CHAPTER = "chapters/00_mnist_classification.ipynb"
SOLUTIONS = "solutions/00_mnist_classification.ipynb"

SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},  # cells out of sight exist too
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start JupyterLab as the Makefile does, on a copy of the notebooks and with own settings."""
    folder = tmp_path_factory.mktemp("lab")
    for name in ("chapters", "solutions"):
        ignore = shutil.ignore_patterns("model", "mnist.keras", ".ipynb_checkpoints")
        shutil.copytree(ROOT / name, folder / "course" / name, ignore=ignore)
    for name, values in SETTINGS.items():
        path = folder / "settings" / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")
    started = re.search(r"-m (jupyterlab .*)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert started, "make lab starts no JupyterLab"
    options = ["--no-browser", "--port=0", "--IdentityProvider.token=", "--allow-root"]
    own = {
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "IPYTHONDIR": "ipython",
    }
    environment = {k: v for k, v in os.environ.items() if k != "PYTEST_CURRENT_TEST"}
    environment |= {name: str(folder / place) for name, place in own.items()}
    environment |= {"MNIST_LIB_SOURCE": "sample", "PYTHONPATH": str(ROOT)}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", *started[1].split(), *options],
            cwd=folder / "course",
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield address_of(server, folder / "runtime", folder / "log")
        finally:
            server.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(60)
            server.kill()


def address_of(server: subprocess.Popen[bytes], runtime: Path, log: Path) -> str:
    """Wait until the server answers; return its address, of which it chose the port itself."""
    end = time.monotonic() + 300
    told = runtime / f"jpserver-{server.pid}.json"
    while time.monotonic() < end:
        assert server.poll() is None, log.read_text()
        with contextlib.suppress(OSError, json.JSONDecodeError):  # not yet, or half of the file
            url = f"http://127.0.0.1:{json.loads(told.read_text(encoding='utf-8'))['port']}"
            urlopen(f"{url}/api/status", timeout=30).close()
            return url
        time.sleep(0.5)
    pytest.fail(f"JupyterLab did not start:\n{log.read_text()}")


@pytest.fixture(scope="module")
def page(browser: Browser, address: str) -> Iterator[Page]:
    """Return the page that opens first, with the set-up and the imports run."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(address)
    page.wait_for_url(f"**/lab/tree/{CHAPTER}")
    # A cell that is run before the kernel has started is not run at all.
    expect(page.locator("#jp-main-statusbar")).to_contain_text("| Idle")
    for name in ("import find_spec", "from mnist_lib.exercises import"):
        run(cell(page, name))
    yield page
    context.close()


def cell(page: Page, text: str) -> Locator:
    """Return the first code cell of the open notebook that holds a text."""
    visible = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    return visible.locator(".jp-CodeCell").filter(has_text=text).first


def run(code: Locator, source: str | None = None) -> None:
    """Run a cell, after typing another source into it if one is given; wait for its end."""
    code.locator(".cm-content").click()
    keyboard = code.page.keyboard
    if source is not None:
        keyboard.press("ControlOrMeta+a")
        keyboard.insert_text(source)
    before = code.locator(".jp-InputPrompt").inner_text()
    keyboard.press("Control+Enter")
    prompt = code.locator(".jp-InputPrompt")
    expect(prompt).not_to_have_text(before)
    expect(prompt).to_have_text(re.compile(r"\[\d+\]:"))


def exercise(page: Page) -> Locator:
    return cell(page, 'check("00.one_layer"')


def back_to_the_chapter(page: Page) -> None:
    page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab[title*='Path: chapters/']").click()
    page.wait_for_url(f"**/lab/tree/{CHAPTER}")


def test_the_imports_write_nothing_to_stderr(page: Page) -> None:
    code = cell(page, "from mnist_lib.exercises import")
    expect(code.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"))
    assert page.locator("[data-mime-type='application/vnd.jupyter.stderr']").count() == 0
    assert page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("...", "○ Exercise 0.1"),
        ('{"parameters": 225034, "narrow": 0.94, "model": 0.96}', "✗ Exercise 0.1"),
        ('{"parameters": 70378, "narrow": 0.94, "model": 0.96}', "✓ Exercise 0.1"),
    ],
)
def test_an_answer_that_is_typed_in_gets_its_verdict(page: Page, answer: str, verdict: str) -> None:
    code = exercise(page)
    run(code, f'one_layer = {answer}\n\ncheck("00.one_layer", one_layer)')
    expect(code.locator(".jp-OutputArea-output").first).to_contain_text(verdict)


CONTRAST = """element => {
    const light = colour => colour.match(/[\\d.]+/g).slice(0, 3).map(Number)
        .map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    let ground = element;
    const clear = e => /^rgba\\(.*, 0\\)$|transparent/.test(getComputedStyle(e).backgroundColor);
    while (clear(ground)) ground = ground.parentElement;
    const pair = [getComputedStyle(element).color, getComputedStyle(ground).backgroundColor]
        .map(light).sort((a, b) => b - a);
    return (pair[0] + 0.05) / (pair[1] + 0.05);
}"""


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_a_verdict_can_be_read_in_both_themes(page: Page, theme: str) -> None:
    page.get_by_role("menuitem", name="Settings").click()
    page.locator(".lm-Menu-item", has_text="Theme").first.hover()
    page.locator(".lm-Menu-item", has_text=re.compile(f"^{theme}$")).click()
    expect(page.locator("body")).to_have_attribute(
        "data-jp-theme-light", str(theme.endswith("Light")).lower()
    )
    for number in (0, 70378):
        answer = {"parameters": number, "narrow": 0.94, "model": 0.96}
        code = exercise(page)
        run(code, f'one_layer = {answer}\n\ncheck("00.one_layer", one_layer)')
        words = code.locator(".jp-OutputArea-output").first.locator("div, span, strong, b")
        ratios = [word.evaluate(CONTRAST) for word in words.all() if word.inner_text().strip()]
        assert ratios
        assert min(ratios) > 4.5, (theme, answer, ratios)


def test_the_solution_link_of_an_exercise_opens_the_solutions(page: Page) -> None:
    panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    panel.locator(".jp-MarkdownCell a", has_text=re.compile("^Solution$")).first.click()
    page.wait_for_url(f"**/lab/tree/{SOLUTIONS}*")
    expect(page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")).to_contain_text("Exercise 0.1")
    back_to_the_chapter(page)


def test_the_link_that_solution_shows_opens_them_too(page: Page) -> None:
    code = exercise(page)
    run(code, 'solution("00.one_layer")\n# check("00.one_layer"')
    code.locator(".jp-OutputArea-output a").click()
    page.wait_for_url(f"**/lab/tree/{SOLUTIONS}*")
    back_to_the_chapter(page)


def test_a_figure_can_be_moved_and_keeps_its_keys(page: Page) -> None:
    code = exercise(page)
    run(
        code,
        "from mnist_lib import explorables\n"
        "explorables.window(np.eye(28, dtype=np.uint8), np.array([[-1, 0, 1]] * 3), 6, 9)\n"
        '# check("00.one_layer"',
    )
    figure = code.locator("[data-explorable=window]")
    expect(figure.locator("canvas")).to_have_count(3)
    cells = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").count()
    picture = figure.get_by_label("The digit with the window")
    picture.click(position={"x": 50, "y": 50})
    at = figure.evaluate("figure => figure.state().at")
    picture.press("ArrowRight")
    picture.press("b")  # would insert a cell
    assert figure.evaluate("figure => figure.state().at")["column"] == at["column"] + 1
    assert page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Cell").count() == cells
    assert code.locator(".jp-OutputArea-output img").count() == 0, "the still has gone"
