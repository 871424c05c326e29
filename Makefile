# The two commands: `make run` serves, `make test` tests. Both install what they need.
GOOD := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  "$$p" -c '$(GOOD)' 2>/dev/null && echo "$$p" && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
ALONE := tests/e2e tests/releases tests/contract/drawing/test_fidelity.py
QUIET := install --quiet --disable-pip-version-check

.PHONY: help install run check check-without-torch test coverage pythons fuzz lock sbom clean

help:
	@echo "make run      serve on PORT (8000); settings come from the environment, see docs/settings.md"
	@echo "make test     lint, types, import contracts and every test"
	@echo "make check    the part of it that needs no torch and no browser, in a minute or two"
	@echo "make coverage which lines and branches those tests run, by file"
	@echo "make pythons  the tests that need no torch, on Python 3.12 and 3.13 if they are installed"
	@echo "make fuzz     hostile model files until Ctrl-C; FUZZ='--seconds 600 --from 5000' sets a limit"
	@echo "make install  only the virtual environment"
	@echo "make lock     pin every package with the hashes of its files, after a change of constraints.txt"
	@echo "make sbom     a software bill of materials of what a release installs, in dist/sbom.json"
	@echo "make clean    remove the virtual environment and caches"

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt requirements/pip.txt requirements/dev.txt
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(GOOD)' \
	  || { echo "Python 3.11 to 3.13 is needed; name one: make PYTHON=/path/to/python3.12"; exit 1; }
	@echo "Installing into $(VENV); the first time takes a few minutes"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip $(QUIET) --require-hashes --requirement requirements/pip.txt
	@$(BIN)/python -m pip $(QUIET) --require-hashes --no-deps --requirement requirements/dev.txt
	@# The right build of torch depends on the machine, so only its version is pinned here.
	@$(BIN)/python -m pip $(QUIET) --constraint constraints.txt torch
	@$(BIN)/python -m pip $(QUIET) --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip check --disable-pip-version-check >/dev/null
	@touch $@

run: $(INSTALLED)
	@$(BIN)/ai-inference serve

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/hadolint Dockerfile
	$(BIN)/python -m pytest -m "not torch and not browser" --numprocesses auto --dist loadfile --quiet

test: check
	$(BIN)/python -m pytest -m "browser and not torch" --numprocesses auto --dist loadfile --quiet
	@# Two processes with one thread each are faster than one with two. The tests that start the whole
	@# service have the machine for themselves, because they wait for what it does. So have those whose
	@# bounds were measured with all threads.
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m torch --numprocesses 2 --dist loadfile --quiet \
	  $(ALONE:%=--ignore %)
	$(BIN)/python -m pytest -m torch --quiet $(ALONE)

coverage: $(INSTALLED)
	$(BIN)/python -m pytest -m "not torch and not browser" --numprocesses auto --dist loadfile --quiet --cov --cov-report=term

# Without torch, which has a build of its own for each Python: its tests run on one Python alone.
pythons:
	@found=""; for version in 3.12 3.13; do \
	  for python in "python$$version" "$$HOME"/.pyenv/versions/$$version.*/bin/python; do \
	    "$$python" --version >/dev/null 2>&1 || continue; \
	    found="$$found $$version"; \
	    $(MAKE) --no-print-directory check-without-torch PYTHON="$$python" VENV=".venv$$version" || exit 1; \
	    break; \
	  done; \
	done; \
	test -n "$$found" || { echo "neither Python 3.12 nor 3.13 is here"; exit 1; }; \
	echo "passed on Python$$found"

check-without-torch: $(VENV)/.installed-without-torch
	$(BIN)/python -m pytest -m "not torch and not browser" --numprocesses auto --dist loadfile --quiet

$(VENV)/.installed-without-torch: pyproject.toml constraints.txt requirements/pip.txt requirements/dev.txt
	@echo "Installing into $(VENV); the first time takes a few minutes"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip $(QUIET) --require-hashes --requirement requirements/pip.txt
	@$(BIN)/python -m pip $(QUIET) --require-hashes --no-deps --requirement requirements/dev.txt
	@$(BIN)/python -m pip $(QUIET) --no-deps --no-build-isolation --editable .
	@touch $@

fuzz: $(INSTALLED)
	$(BIN)/python -m tests.fuzz $(FUZZ)

lock: $(INSTALLED)
	$(BIN)/python -m pip $(QUIET) uv==0.13.9
	$(BIN)/python -m tools.lock_requirements

# Lists the packages that the image installs besides torch; torch's own depend on its build.
sbom: $(INSTALLED)
	@mkdir -p dist
	@$(PYTHON) -m venv --clear dist/sbom-tool
	@dist/sbom-tool/bin/python -m pip $(QUIET) --require-hashes --no-deps --requirement requirements/sbom.txt
	@dist/sbom-tool/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-file dist/sbom.json requirements/runtime.txt
	@rm -rf dist/sbom-tool
	@echo "dist/sbom.json is written"

clean:
	rm -rf $(VENV) .venv3.12 .venv3.13 build dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache *.egg-info
