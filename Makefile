# Every target sets up what it needs: a virtual environment in .venv, made from pyproject.toml.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help serve test check lint types format bench clean

help:  ## Show these targets.
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

serve: $(READY)  ## Serve the APIs; options go into ARGS, as in make serve ARGS="--port 0".
	@$(BIN)/mockserver serve $(ARGS) || test $$? -eq 130  # Ctrl-C is how it is meant to end

test: $(READY)  ## Run the tests, with coverage.
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -n auto --dist loadgroup $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

lint: $(READY)  ## Check style.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## Check types.
	$(BIN)/mypy

format: $(READY)  ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: lint types test  ## All that CI runs.

bench: $(READY)  ## Measure against a bare uvicorn echo.
	$(BIN)/python -m bench

clean:  ## Remove what the targets made.
	rm -rf $(VENV) .cache .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache
