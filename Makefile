# Everything one needs: `make run` and `make test`. Each makes .venv if it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal
SCRIPTS := core/distbench/leaderboard/page/web/*.js core/distbench/workflows/advise/web/*.js

.PHONY: run test test-fast test-cluster fuzz lint bench docs clean

run: $(STAMP)
	$(BIN)/distbench run --metric logme --strategy weighted

test: $(STAMP) lint
	$(PYTEST)

test-fast: $(STAMP)
	$(PYTEST) -m "not slow and not cluster"

test-cluster: $(STAMP)
	$(BIN)/python -m pytest -m cluster tests/cluster

fuzz: $(STAMP)
	DISTBENCH_FUZZ=20 $(PYTEST) tests/test_fuzz.py

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/oxlint $(SCRIPTS)
	$(BIN)/oxfmt --check $(SCRIPTS)
	! LC_ALL=C.UTF-8 grep -nE '.{101,}' $(SCRIPTS)

bench: $(STAMP)
	$(BIN)/python -m pytest benchmarks --benchmark-only --benchmark-columns=min,median,max,rounds

docs: $(STAMP)
	$(BIN)/python docs/reference.py
	$(BIN)/python -m sphinx -q -W -b html docs site
	$(BIN)/distbench leaderboard registry/results --output site/leaderboard --format html

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) site build dist runs .pytest_cache .mypy_cache .ruff_cache
