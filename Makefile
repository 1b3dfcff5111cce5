# Everything happens in .venv, which the first target you run makes. `make` alone lists the targets.
PYTHON ?= python3.11
INSTALLED := .venv/.installed
BIN := .venv/bin
TRACES ?= ../shared/data/traces
LOCKS := tools/node24/package-lock.json tests/interop/package-lock.json clients/js/package-lock.json web/package-lock.json
PAGES := src/whatnext/node/api/dist/index.html
# With their folders: those are newer when a file went away.
PAGES_FROM := $(shell find web/src web/public clients/js/src) web/index.html web/vite.config.ts web/package-lock.json
export PATH := $(CURDIR)/tools/node24/node_modules/.bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup web run demo test soak desktop lint fmt bench clean

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(INSTALLED) $(PAGES) ## Make .venv with WhatNext and its tools in it, and Node 24 for the tests with js-libp2p

$(INSTALLED): pyproject.toml constraints.txt tools/setup.sh tools/javascript.sh $(LOCKS)
	@PYTHON='$(PYTHON)' sh tools/setup.sh

# A new installation alone makes no other pages.
$(PAGES): $(PAGES_FROM) | $(INSTALLED)
	@sh tools/pages.sh

web: $(INSTALLED) ## Check and build the web UI that the node serves (the others build it where it is out of date)
	@sh tools/javascript.sh
	cd web && npm run --silent check && npm run --silent build

run: $(INSTALLED) $(PAGES) ## Open the app on your own profile
	$(BIN)/whatnext

demo: $(INSTALLED) ## Three nodes share a playlist, lose each other and agree again (KEEP=1 leaves them running)
	$(BIN)/python demo/run.py

test: $(INSTALLED) $(PAGES) ## Run the tests that take minutes at most (ARGS="tests/records -x" picks)
	$(BIN)/python -m pytest -m "not soak" --timeout 300 $(ARGS)

soak: $(INSTALLED) $(PAGES) ## Run the tests that take long
	$(BIN)/python -m pytest -m soak $(ARGS)

desktop: $(INSTALLED) $(PAGES) ## Run the desktop's tests with the native window (a .venv-desktop of its own, 667 MB of Qt)
	@PYTHON='$(BIN)/python' sh tools/desktop.sh $(ARGS)

lint: $(INSTALLED) ## Check style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fmt: $(INSTALLED) ## Put the code in the house's format, refresh the index of docs/
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .
	$(BIN)/python tools/docs_index.py

bench: $(INSTALLED) ## Measure everything: a table against design §11, and one JSON object (TRACES=dir)
	@$(BIN)/whatnext bench all $(addprefix --trace ,$(wildcard $(TRACES)/*.json.gz))

clean: ## Remove .venv, node_modules and every cache
	rm -rf .venv .venv-desktop .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist clients/js/dist src/whatnext/node/api/dist
	find . -name node_modules -type d -prune -exec rm -rf {} +
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
