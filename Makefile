# The course's commands. `make` alone lists them. Works with GNU make 3.81 and newer.
# Names of files are relative throughout, so that the path to this folder may hold a space.

# The first Python on the PATH that the pinned environment is made for; PYTHON=… chooses another.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11 python; do \
	"$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
	2> /dev/null && echo "$$python" && break; done)
IN_VENV = .venv/bin/python

.PHONY: help book test lab grade bench repository lock clean
.DEFAULT_GOAL := help

help:  ## List these commands
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:[^#]*## /\t/' | expand -t 12

# Made once, and again only when requirements.txt changes; half an environment is never taken for a whole one.
.venv/installed: requirements.txt
	@test -n "$(PYTHON)" || { echo "No Python from 3.11 to 3.13 found on the PATH." \
	    "Install one, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@echo "Making .venv with $(PYTHON) and installing requirements.txt (a few minutes, once)"
	@$(PYTHON) -m venv .venv
	@$(IN_VENV) -m pip install --quiet --disable-pip-version-check --requirement requirements.txt
	@touch .venv/installed

book: .venv/installed  ## Build the website (full MNIST if it can be had, else the bundled sample)
	@$(IN_VENV) tools/build_book.py

test: .venv/installed  ## Prove it: package, notebooks, site, style
	@echo "Checking style and types"
	@$(IN_VENV) -m ruff check --quiet .
	@$(IN_VENV) -m ruff format --quiet --check .
	@$(IN_VENV) -m mypy --no-error-summary
	@$(IN_VENV) -m tools.notebook_rules
	@echo "Testing the package, every chapter and the built site (some minutes)"
	@$(IN_VENV) -m pytest --nbmake --cov

lab: .venv/installed  ## Open the chapters in JupyterLab
	@$(IN_VENV) -m jupyterlab chapters

# A folder with spaces in its name is one argument; OPTIONS takes any others (tools/grade.py --help).
grade: .venv/installed  ## Grade a class: make grade SUBMISSIONS=folder [OPTIONS="--chapter 02"]
	@$(IN_VENV) tools/grade.py "$(SUBMISSIONS)" $(OPTIONS)

bench: .venv/installed  ## Time the package's convolution beside TensorFlow's
	@$(IN_VENV) -m tools.benchmark

repository: .venv/installed  ## Write the repository's address everywhere: make repository URL=https://github.com/owner/name
	@$(IN_VENV) tools/repository.py $(URL)

# Not from .venv: it cannot be made while requirements.txt contradicts pyproject.toml.
lock:  ## Compile requirements.txt anew from pyproject.toml (for maintainers)
	@$(PYTHON) -m venv _build/lock
	@_build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	@echo '-e .[tensorflow,course]' | _build/lock/bin/uv pip compile - --quiet --upgrade --universal \
	    --python-version 3.11 --fork-strategy fewest --no-emit-index-url --no-emit-find-links \
	    --custom-compile-command "make lock    (uv pip compile --universal, from pyproject.toml)" \
	    --output-file requirements.txt

clean:  ## Remove what the commands above have made (the site, the caches, .venv)
	@rm -rf .venv _build chapters/model solutions/model .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "Removed .venv, the built site and the caches."
