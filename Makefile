# Everything one needs: `make run` and `make test`. Each makes .venv if it is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal
LOWEST := build/lowest
PEERS ?= $(BIN)/python
# Tests that need no PyTorch.
LIGHT := tests/leaderboard/rows tests/leaderboard/test_statistics.py tests/leaderboard/test_safe_output.py \
	tests/submission/test_registry.py tests/storage --ignore tests/storage/test_row_store.py \
	--ignore tests/storage/test_probabilities.py
SCRIPTS := core/distbench/leaderboard/page/web/*.js core/distbench/workflows/advise/web/*.js docs/_static/*.js

.PHONY: run test test-fast test-cluster test-lowest fuzz lint bench bench-peers docs package container clean

run: $(STAMP)
	$(BIN)/distbench run --metric logme --strategy weighted

test: $(STAMP) lint
	$(PYTEST)

test-fast: $(STAMP)
	$(PYTEST) -m "not slow and not cluster"

test-cluster: $(STAMP)
	$(BIN)/python -m pytest -m cluster tests/cluster

# The oldest version of all that the light base names; what only tests need is as new as can be.
test-lowest:
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet uv
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST) --resolution lowest-direct --requirements pyproject.toml
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST) --no-deps .
	$(LOWEST)/bin/uv pip install --quiet --python $(LOWEST) pytest hypothesis jsonschema pyyaml
	OMP_NUM_THREADS=1 $(LOWEST)/bin/python -m pytest tests/test_light_install.py
	OMP_NUM_THREADS=1 $(LOWEST)/bin/python -m pytest -m "not slow and not cluster" $(LIGHT)

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

# PEERS is an interpreter that has distbench and what it is compared with (docs/performance.md).
bench-peers: $(if $(filter $(BIN)/python,$(PEERS)),$(STAMP))
	OMP_NUM_THREADS=1 $(PEERS) -m benchmarks.side_by_side

docs: $(STAMP)
	$(BIN)/python docs/reference.py
	$(BIN)/python -m sphinx -q -W -b html docs site
	$(BIN)/distbench leaderboard registry/results --verified registry/verified --output site/leaderboard --format html

package:
	PYTHON=$(PYTHON) .ci/package build/package

container:
	docker build --file docker/Dockerfile --build-arg TORCH_INDEX --build-arg VERSION --tag distbench .
	docker run --rm distbench list
	docker run --rm --network none distbench run --suite mini --task mini-cub --seeds 1 --baseline finetune --offline

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) site build dist runs .pytest_cache .mypy_cache .ruff_cache
