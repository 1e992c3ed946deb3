# Every target sets up what it needs first; `make` alone lists them.
# PYTHON=python3.12 chooses another interpreter; ARGS="..." is passed on where a target says so.

SHELL := bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
ARGS ?=
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore

# An environment knows its own absolute place, and so does an editable install: in a copied or moved
# folder it would run the original's code. The stamps therefore carry a checksum of the place.
HERE := $(shell pwd | cksum | cut -d' ' -f1)
LOCKED := .venv/.locked-$(HERE)
READY := .venv/.ready-$(HERE)

# Folders that are checked; some appear later than others.
SOURCES := $(wildcard shared/fanfold tests functions benchmarks)

.PHONY: help setup demo test check audit bench format lock clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
	    while IFS='|' read -r target doc; do printf '  make %-8s %s\n' "$$target" "$$doc"; done

setup: $(READY) ## make .venv from requirements.lock and install fanfold in it, editable

demo: $(READY) ## run a real batch on this machine: measure the standard library, rank its modules
	@$(BIN)/fanfold run fanfold.flows.stdlib:measure $(ARGS)

test: $(READY) ## run all tests; ARGS="-k cancel -x" is passed to pytest
	@$(BIN)/python -m pytest -n 4 $(ARGS)

check: $(READY) ## format, lint, types, who imports whom, and the tests of house and documents
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/mypy $(SOURCES)
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m pytest -q $(wildcard tests/architecture tests/docs)

audit: ## have checkov look at the Terraform, in an environment of its own (build/checkov)
	@test -x build/checkov/bin/checkov || { \
	    echo "audit: installing checkov into build/checkov; it takes a minute"; \
	    $(PYTHON) -m venv --clear --without-pip build/checkov; \
	    $(PYTHON) -m pip --python build/checkov/bin/python install --quiet 'checkov==3.3.30'; }
	@build/checkov/bin/checkov -d infra --framework terraform --compact --quiet --skip-download

bench: $(READY) ## measure throughput, the cost of a limit, operations per record; ARGS goes to `fanfold bench`
	@$(BIN)/fanfold bench $(ARGS)
	@$(BIN)/python benchmarks/concurrency.py
	@$(BIN)/python benchmarks/operations.py

format: $(READY) ## rewrite the code in the house format and mend what the linter can
	$(BIN)/ruff format $(SOURCES)
	$(BIN)/ruff check --fix $(SOURCES)

# uv resolves for every platform at once, which pip cannot; it is needed here only. Pins move only as far as
# pyproject.toml demands; ARGS=--upgrade moves them all, ARGS="--upgrade-package rich" moves one.
lock: ## write requirements.lock anew; ARGS="--upgrade" moves every pin
	@set -e; uv=$$(command -v uv || true); \
	if [ -z "$$uv" ]; then \
	    echo "lock: no uv on the PATH, putting one into build/uv"; \
	    $(PYTHON) -m venv --without-pip build/uv; \
	    $(PYTHON) -m pip --python build/uv/bin/python install --quiet uv; \
	    uv=build/uv/bin/uv; \
	fi; \
	$$uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	    --all-extras --custom-compile-command 'make lock' --output-file requirements.lock $(ARGS) pyproject.toml; \
	echo "lock: requirements.lock has $$(grep -c '^[a-zA-Z].*==' requirements.lock) pins"

clean: ## remove what the other targets made, .venv too
	@rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The pinned packages, exactly: an environment is made anew, so that a pin dropped from the lock is gone.
# pip is not put into the environment (a system without ensurepip can still make one); the outer one fills it.
$(LOCKED): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "setup: fanfold needs Python 3.11 or newer; $(PYTHON) is" \
	        "$$($(PYTHON) --version 2>/dev/null || echo missing)." \
	        "Install one, then name it: make setup PYTHON=python3.12" >&2; exit 1; }
	@command -v uv >/dev/null || $(PYTHON) -c 'import pip, sys; v = pip.__version__.split("."); \
	        sys.exit((int(v[0]), int(v[1])) < (22, 3))' 2>/dev/null || { \
	    echo "setup: $(PYTHON) needs pip 22.3 or newer, or uv on the PATH." \
	        "Upgrade it ($(PYTHON) -m pip install --user --upgrade pip)," \
	        "or install your system's package of it (often python3-pip)" >&2; exit 1; }
	@echo "setup: making .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv --clear --without-pip .venv
	@echo "setup: installing $$(grep -c '^[a-zA-Z].*==' $<) pinned packages; the first time takes a minute"
	@if command -v uv >/dev/null; then \
	    uv pip install --python $(BIN)/python --require-hashes -r $<; \
	else \
	    set -o pipefail; \
	    $(PYTHON) -m pip --python $(BIN)/python install --progress-bar off --require-hashes -r $< | \
	        sed -n -e 's/^Collecting \([^ ]*\).*/setup:   \1/p' -e 's/^Installing collected.*/setup: unpacking/p'; \
	fi
	@touch $@

$(READY): $(LOCKED) pyproject.toml
	@echo "setup: installing fanfold itself, editable"
	@if command -v uv >/dev/null; then \
	    uv pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation -e .; \
	else \
	    $(PYTHON) -m pip --python $(BIN)/python install --quiet --no-deps --no-build-isolation -e .; \
	fi
	@touch $@
	@echo "setup: ready"
