# The course's commands. `make` alone lists them. Works with GNU make 3.81 and newer.
# Names of files are relative throughout, so that the path to this folder may hold a space.

# The first Python on the PATH that the pinned environment is made for; PYTHON=… chooses another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	2> /dev/null && echo "$$python" && break; done)
IN_VENV = .venv/bin/python
# Two workers, a file to each; notebooks come first, for the book shows their outputs (conftest.py).
PYTEST = $(IN_VENV) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: help book check test style lab grade slides pdf quizzes handouts bench repository lock update audit lowest newest unreleased colab release clean
.DEFAULT_GOAL := help

help:  ## List these commands
	@grep -E '^[a-z ]+:.*##' Makefile | sed 's/:[^#]*## /\t/' | expand -t 15

# Made once, and again only when requirements.txt changes; half an environment is never taken for a whole one.
.venv/installed: requirements.txt
	@test -n "$(PYTHON)" || { echo "No Python from 3.11 to 3.13 found on the PATH." \
	    "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "Making .venv with $(PYTHON) and installing requirements.txt (a few minutes, once)"
	@"$(PYTHON)" -m venv .venv
	@$(IN_VENV) -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch .venv/installed

# SOLUTIONS=no leaves the solutions out, for as long as a class works on the exercises.
book: .venv/installed  ## Build the website (full MNIST if it can be had, else the bundled sample)
	@$(IN_VENV) -m tools.build_book $(if $(filter no,$(SOLUTIONS)),--without-solutions)

style: .venv/installed
	@echo "Checking style, types and the rules for notebooks"
	@$(IN_VENV) -m ruff check --quiet .
	@$(IN_VENV) -m ruff format --quiet --check .
	@$(IN_VENV) -m mypy --no-error-summary
	@$(IN_VENV) -m tools.notebook_rules

check: style  ## Check style, types, notebook rules and the package (minutes)
	@$(PYTEST) -m "not site and not slow" tests

test: style  ## Prove everything: the above, every chapter and the built site (half an hour on two cores)
	@$(PYTEST) --nbmake --cov

lab: .venv/installed  ## Open chapter 0 in JupyterLab
	@$(IN_VENV) -m jupyterlab --LabApp.default_url=/lab/tree/chapters/00_mnist_classification.ipynb

# A folder with spaces in its name is one argument; OPTIONS takes any others (book/grading.md).
grade: .venv/installed  ## Grade a class: make grade SUBMISSIONS=folder OPTIONS="--chapter 02"
	@$(IN_VENV) -m tools.grading "$(SUBMISSIONS)" $(OPTIONS)

slides: .venv/installed  ## Make slides of every chapter in _build/slides
	@$(IN_VENV) -m tools.slides

# SOLUTIONS=yes prints the solutions, too.
pdf: .venv/installed  ## Print the whole book: _build/book.pdf
	@$(IN_VENV) -m tools.pdf $(if $(filter yes,$(SOLUTIONS)),--solutions)

quizzes: .venv/installed  ## Write all questions for Moodle, for Canvas and for paper, with a key
	@$(IN_VENV) -m tools.quizzes

handouts: .venv/installed  ## Print a page for each chapter to work on by hand, and a key
	@$(IN_VENV) -m tools.handouts

# About three CPU hours; OPTIONS="--quick" takes two minutes, OPTIONS="--only 'fast recipe'" one row.
bench: .venv/installed  ## Measure our programs beside published ones (hours; OPTIONS=--quick: minutes)
	@$(IN_VENV) -m tools.benchmark $(OPTIONS)

repository: .venv/installed  ## Write the repository's address everywhere: make repository URL=https://github.com/owner/name
	@$(IN_VENV) -m tools.repository $(URL)

# Not from .venv, which cannot be made while requirements.txt contradicts pyproject.toml.
lock:  ## Pin the newest versions of everything in requirements.txt (for maintainers)
	@"$(PYTHON)" -m venv _build/lock
	@_build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	@echo '-e .[tensorflow,course]' | _build/lock/bin/uv pip compile - --quiet --upgrade --universal \
	    --python-version 3.11 --fork-strategy fewest --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command "make lock    (uv pip compile --universal, from pyproject.toml)" \
	    --output-file requirements.txt

update:  ## Pin the newest versions, and say what changed (for maintainers)
	@mkdir -p _build && cp requirements.txt _build/requirements.before
	@$(MAKE) --no-print-directory lock
	@diff _build/requirements.before requirements.txt | grep '^[<>] [A-Za-z0-9]' \
	    || echo "Nothing changed."

audit:  ## Ask for known security faults of every package that requirements.txt pins (needs a network)
	@"$(PYTHON)" -m venv _build/audit
	@_build/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	@grep -v '^-e ' requirements.txt > _build/audit.txt
	@_build/audit/bin/pip-audit --strict --no-deps --disable-pip --requirement _build/audit.txt \
	    || { echo "A fault is known (see above), or pip-audit got no answer about some package." >&2; exit 1; }

# The ends of the ranges in pyproject.toml, each in an environment of its own: the oldest versions
# of what the package names (with the newest of everything else), and the newest of all. Without
# the options of pyproject.toml, since each Matplotlib draws the reference pictures a little differently.
lowest newest unreleased:  ## Test the package and two chapters with the oldest (newest, coming) versions
	@"$(PYTHON)" -m venv --clear _build/$@
	@_build/$@/bin/python -m pip install --quiet --disable-pip-version-check uv
	@touch _build/$@/versions.txt
	@test $@ != lowest || _build/$@/bin/uv pip compile --quiet --resolution lowest-direct --no-deps \
	    --extra tensorflow --python _build/$@/bin/python --output-file _build/$@/versions.txt pyproject.toml
	@VIRTUAL_ENV=_build/$@ _build/$@/bin/uv pip install --quiet --constraint _build/$@/versions.txt \
	    $(if $(filter unreleased,$@),--prerelease allow) --editable '.[tensorflow,course]'
	@_build/$@/bin/python -m pytest -o addopts= -n 2 --nbmake -m "not site and not slow" tests \
	    --deselect tests/test_plots.py::test_images_are_compared_in_every_run \
	    chapters/00_mnist_classification.ipynb chapters/02_convolutions.ipynb

# Colab's own Python. The same TensorFlow, built without graphics cards: the other build complains
# where there is none.
colab: PYTHON = python3.13
colab:  ## Run every chapter on the versions that Colab installs (tools/colab.txt)
	@"$(PYTHON)" -m venv --clear _build/$@
	@sed 's/^tensorflow==/tensorflow-cpu==/' tools/colab.txt > _build/colab.txt
	@_build/$@/bin/python -m pip install --quiet --disable-pip-version-check \
	    --requirement _build/colab.txt . fastapi jupyter-cache nbmake psutil pytest-timeout pyyaml uvicorn
	@_build/$@/bin/python -m pytest -o addopts= --nbmake chapters

# TAG=v1.0.0 makes sure that the version is the one that is tagged (.github/workflows/release.yml).
release:  ## Make the wheel, the sdist and the notes of this version in _build/release
	@rm -rf _build/release && mkdir -p _build/release
	@"$(PYTHON)" -m tools.release $(TAG) > _build/release/notes.md
	@"$(PYTHON)" -m venv --clear _build/builder
	@_build/builder/bin/python -m pip install --quiet --disable-pip-version-check build==1.6.1
	@_build/builder/bin/python -m build --outdir _build/release > _build/release.log 2>&1 \
	    || { cat _build/release.log; exit 1; }
	@ls _build/release/*

clean:  ## Remove what the commands above have made (the site, the caches, .venv)
	@rm -rf .venv _build chapters/model chapters/mnist.keras chapters/my_network.json .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Removed .venv, the built site and the caches."
