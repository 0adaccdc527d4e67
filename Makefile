# Everything a person types. `make run` answers the question; `make test` says whether to believe it.
# Variables: ARGS="scenarios=textbook_rct_pfs" for run, PYTHON=/path/to/python3, VENV=folder, TESTS="tests/app" for test.

VENV ?= .venv
TESTS ?=
ARGS ?=
UV ?= uv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install -qq
OLD_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c '$(OLD_ENOUGH)' >/dev/null 2>&1 && { echo $$p; break; }; done)
LOCK := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links

MAKEFLAGS += --no-print-directory
.PHONY: install run test check verify bench lock wheel kernels readme draws

install: $(VENV)/.run

run: $(VENV)/.run
	@$(BIN)/python -m sim $(ARGS)

test: $(VENV)/.dev kernels
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal --durations=10 -m "not verify" $(TESTS)

check: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

verify: $(VENV)/.dev kernels
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal --durations=10 -m verify $(TESTS)

bench: $(VENV)/.dev kernels
	@$(BIN)/python -m tests.benchmarks.bench $(ARGS)

# The generated tables and figures of README.md.
readme: $(VENV)/.dev
	@$(BIN)/python docs/regenerate.py

# Shipped data that take half an hour on one core: 200 draws of the parameters, and the ranges of implied figures.
draws: $(VENV)/.run kernels
	@$(BIN)/python -m sim.calibration.draws
	@$(BIN)/python -m sim.calibration.implied_table

wheel: $(VENV)/.dev
	@$(BIN)/python -m build --wheel --no-isolation

# requirements.lock: everything; requirements-run.lock: what `make run` needs, at the very same versions.
lock:
	@$(LOCK) --all-extras --output-file requirements.lock pyproject.toml
	@$(LOCK) --extra build --constraints requirements.lock --no-annotate --output-file requirements-run.lock pyproject.toml

# Compile the kernels once, in one process: numba's cache on disk does not stand two first compilations at a time.
kernels: $(VENV)/.run
	@$(BIN)/python -c "import importlib, pkgutil, sim.kernels as k; [importlib.import_module('sim.kernels.' + m.name) for m in pkgutil.iter_modules(k.__path__)]"

$(VENV)/.python:
	@test -n "$(PYTHON)" && $(PYTHON) -c '$(OLD_ENOUGH)' || { echo "postcart needs Python 3.11 or newer; found: $$(python3 --version 2>&1). Try: make PYTHON=/path/to/python3"; exit 2; }
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: requirements-run.lock pyproject.toml $(VENV)/.python
	@echo "Installing what a run needs into $(VENV) ..."
	@$(PIP) --require-hashes -r requirements-run.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements.lock $(VENV)/.run
	@echo "Installing what the tests need into $(VENV) ..."
	@$(PIP) --require-hashes -r requirements.lock
	@touch $@
