# Every target makes its own virtual environment (.venv) when it needs one.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test lint bench clean

demo: .venv/demo.stamp
	$(BIN)/flambeau demo

test: .venv/dev.stamp
	$(BIN)/pytest -n 2

lint: .venv/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright
	$(BIN)/python tools/stubs.py --check
	$(BIN)/python tools/operators.py --check

bench: .venv/dev.stamp
	$(BIN)/python benchmarks/calls.py

clean:
	rm -rf .venv build dist digits-output .pytest_cache .ruff_cache .import_linter_cache

.venv/%.stamp: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[$*]"
	@touch $@
