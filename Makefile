# Every target sets up what it needs: a virtual environment in .venv, made from pyproject.toml.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help serve test test-sdk test-sdk-newest contract plain check lint types format bench mutate dist image clean

help:  ## Show these targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --editable . --group dev
	@touch $@

serve: $(READY)  ## Serve the APIs; options go into ARGS, as in make serve ARGS="--port 0".
	@$(BIN)/mockserver serve $(ARGS) || test $$? -eq 130  # Ctrl-C is how it is meant to end

test: $(READY)  ## Run the tests but those of SDKs, with coverage.
	@rm -f .coverage .coverage.*
	$(BIN)/coverage run -m pytest -n auto --dist loadgroup $(ARGS)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

test-sdk: $(READY)  ## Run the real SDKs against it; ARGS=--record writes what they did, and the table in the README.
	$(BIN)/python -m pytest tests/sdk -n 2 $(ARGS)

test-sdk-newest:  ## The same with the newest versions of the SDKs instead of the pinned ones.
	$(MAKE) test-sdk ARGS="--newest $(ARGS)"

contract: export CONTRACT_SEED ?= 1
contract: export CONTRACT_EXAMPLES ?= 100
contract: $(READY)  ## Run Schemathesis against every API; CONTRACT_SEED=7 CONTRACT_EXAMPLES=500 goes further.
	$(BIN)/pytest -n auto tests/test_schemathesis.py $(ARGS)

plain:  ## Run the tests without httptools and uvloop, in an environment of their own.
	$(MAKE) VENV=.cache/plain .cache/plain/.ready
	.cache/plain/bin/python -m pip uninstall --quiet --yes httptools uvloop
	$(MAKE) VENV=.cache/plain test

lint: $(READY)  ## Check style.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)  ## Check types.
	$(BIN)/mypy

format: $(READY)  ## Format the code.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: lint types test test-sdk  ## Style, types and tests: what has to pass on every machine.

bench: $(READY)  ## Measure against a bare uvicorn echo.
	$(BIN)/python -m bench

# Results are kept in mutants/: what was interrupted goes on, and only what has changed is run again. Look at a
# survivor with `.venv/bin/mutmut show NAME`. All of the engine takes about an hour; pyproject.toml names the tests.
mutate: $(READY)  ## Change the engine, see which changes no test notices; ARGS="limits dedup" picks modules.
	$(BIN)/python -m pip install --quiet --group mutate
	$(BIN)/mutmut run $(ARGS:%='mockserver.engine.%.*')
	@$(BIN)/mutmut results | grep -v ': not checked' || true

dist: $(READY)  ## Build the sdist, and the wheel from it, into dist/.
	rm -rf dist
	$(BIN)/python -m build

image:  ## Build the container image, run it until it is healthy, and stop it; needs docker.
	docker build --tag trigger-mockserver .
	-docker rm --force trigger-mockserver-check
	docker run --detach --name trigger-mockserver-check trigger-mockserver
	timeout 60 sh -c 'until docker inspect --format "{{.State.Health.Status}}" trigger-mockserver-check | grep -qx healthy; do sleep 1; done'
	docker stop trigger-mockserver-check
	test "$$(docker inspect --format '{{.State.ExitCode}}' trigger-mockserver-check)" = 0
	docker rm trigger-mockserver-check

clean:  ## Remove what the targets made.
	rm -rf $(VENV) .cache .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache dist mutants
