# Freehold. `make` lists what there is; `make run` needs only make and Python 3.11 or later.

PYTHON ?= python3
PORT ?= 8000
export PORT

VENV := .venv
TOOLS := var/tools
PY := $(VENV)/bin/python
PIP_QUIET := python -m pip --quiet --disable-pip-version-check --no-input
PIP := $(VENV)/bin/$(PIP_QUIET)
INSTALL := $(PIP) install --require-hashes --no-deps --no-compile
# Compiled here and not by pip, because here all processors help.
COMPILE := $(PY) -m compileall -q -q -j 0 $(VENV)/lib
UV_COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help run test quick lint types bench lock clean

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

run: $(VENV)/.run ## Start Freehold with demo data on PORT (default 8000); Ctrl-C stops it.
	@$(PY) -m freehold.supervisor

test: lint types $(TOOLS)/.done ## Check and test everything.
	@$(PY) -m tests.run

quick: $(VENV)/.dev ## Run the tests that are not marked slow.
	@$(PY) -m tests.run --quick

lint: $(VENV)/.dev ## Check style, formatting and the direction of imports.
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check --quiet .
	@$(VENV)/bin/lint-imports --no-cache

types: $(VENV)/.dev ## Check types.
	@DATABASE_URL=postgresql://unused/unused $(PY) -m mypy .
	@cd client && ../$(PY) -m mypy src

bench: $(VENV)/.dev ## Measure the upload check.
	@$(PY) -m bench

lock: $(VENV)/.made ## Pin the requirements anew, with hashes.
	@$(PIP) install uv
	@$(VENV)/bin/$(UV_COMPILE) $(UPGRADE) requirements.in --output-file requirements.txt
	@$(VENV)/bin/$(UV_COMPILE) $(UPGRADE) requirements-dev.in --output-file requirements-dev.txt
	@$(VENV)/bin/$(UV_COMPILE) $(UPGRADE) requirements-tools.in --output-file requirements-tools.txt

clean: ## Remove the environment and caches; the database in var/ stays.
	@rm -rf $(VENV) $(TOOLS) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each stamp is made last, so that an interrupted installation is done again.

$(VENV)/.run: requirements.txt $(VENV)/.made
	@echo "Installing the requirements…"
	@$(INSTALL) -r requirements.txt
	@$(COMPILE)
	@touch $@

# The development requirements contain the others, so these need not be looked at again.
$(VENV)/.dev: requirements-dev.txt $(VENV)/.made
	@echo "Installing the development requirements…"
	@$(INSTALL) -r requirements-dev.txt
	@$(COMPILE)
	@touch $@ $(VENV)/.run

# Uploaders, installers and indexes for the end-to-end tests; apart, for they need not agree with our own requirements.
$(TOOLS)/.done: requirements-tools.txt client/pyproject.toml $(VENV)/.made
	@echo "Installing the tools of the end-to-end tests…"
	@mkdir -p var
	@$(PYTHON) -m venv --clear $(TOOLS)
	@$(TOOLS)/bin/$(PIP_QUIET) install --require-hashes --no-deps -r requirements-tools.txt
	@$(TOOLS)/bin/$(PIP_QUIET) install --no-deps --no-build-isolation --editable client
	@touch $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Freehold needs Python 3.11 or later: install it, or name one, as in make run PYTHON=python3.12." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "This Python cannot make virtual environments: install its venv module (on Debian: apt install python3-venv)." >&2; exit 1; }
	@echo "Making the virtual environment…"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@
