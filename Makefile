# The two commands: `make run` serves, `make test` proves. Both make what they need.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help install run check test clean

help:
	@echo "make run      serve on PORT (8000); settings come from the environment, see README.md"
	@echo "make test     lint, types, import contracts and every test"
	@echo "make check    the part of it that needs no torch, in seconds"
	@echo "make install  the virtual environment alone"
	@echo "make clean    remove the virtual environment and caches"

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if (3, 11) <= v <= (3, 13) else f"Python 3.11 to 3.13 is needed, and $(PYTHON) is {v[0]}.{v[1]}; say make PYTHON=python3.12")'
	@echo "Installing into $(VENV); the first time takes a few minutes"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

run: $(INSTALLED)
	@$(BIN)/gunicorn

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint Dockerfile
	$(BIN)/python -m pytest -m "not torch"

test: check
	$(BIN)/python -m pytest -m torch

clean:
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
