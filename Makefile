# Every task of the project. `make demo` and `make test` install what they need into .venv and nowhere else.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := demo

.PHONY: help demo test test-slow check lint types bench constraints clean
help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

$(VENV)/base: constraints/base.txt constraints/build.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Gauger needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints/base.txt -r constraints/build.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/dev: $(VENV)/base constraints/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints/dev.txt
	touch $@

$(VENV)/spark: $(VENV)/dev constraints/spark.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints/spark.txt
	touch $@

# The server that tests read objects from, in an environment of its own: it and Ibis want two versions of dateutil.
$(VENV)/object-store: constraints/object-store.txt
	$(PYTHON) -m venv $(VENV)/moto
	$(VENV)/moto/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints/object-store.txt
	touch $@

$(VENV)/proof: $(VENV)/dev constraints/proof.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints/proof.txt
	touch $@

# PyTorch's CPU build where pip is told of such builds; the usual one, with gigabytes for GPUs on Linux, elsewhere.
DISTIL := constraints/distil$(if $(PIP_FIND_LINKS)$(PIP_EXTRA_INDEX_URL),-cpu).txt
$(VENV)/distil: $(VENV)/dev $(DISTIL)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(DISTIL)
	touch $@

demo: $(VENV)/base  ## simulate five weeks of traffic, scan it, show the findings
	$(BIN)/python examples/demo.py --out $(DEMO)

test: check $(VENV)/object-store  ## everything that must pass: lint, types, layers and the tests
	tests/install_system_packages
	$(BIN)/python -m pytest -n 2 -m "not slow" -q

test-slow: $(VENV)/spark $(VENV)/proof $(VENV)/distil $(VENV)/object-store  ## the slow tests; those of Spark need Java 17 or newer
	$(BIN)/python -m pytest -m slow -q

check: lint types  ## lint, types and layers

lint: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell src tests docs benchmarks examples README.md
	$(BIN)/lint-imports --no-cache

types: $(VENV)/dev
	$(BIN)/mypy

bench: $(VENV)/dev  ## every benchmark, printed and recorded in benchmarks/results
	$(BIN)/python -m benchmarks

constraints:  ## write the pinned, hashed requirements anew (needs uv)
	uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml -o constraints/base.txt
	uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group dev -c constraints/base.txt -o constraints/dev.txt
	uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --group build --no-deps -c constraints/dev.txt -o constraints/build.txt
	uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-header - -o constraints/spark.txt <<< 'pyspark>=4,<5'
	uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-header - -o constraints/object-store.txt <<< $$'moto[s3]>=5.2,<6\nflask>=3\nflask-cors>=6'
	uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-header - -c constraints/dev.txt -o constraints/proof.txt <<< 'tokenizers>=0.22,<1'
	env -u UV_FIND_LINKS uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -c constraints/dev.txt - -o constraints/distil.txt <<< $$'torch==2.13.0\ntransformers>=5,<6'
	uv pip compile -q --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -c constraints/dev.txt - -o constraints/distil-cpu.txt <<< $$'torch==2.13.0+cpu\ntransformers>=5,<6'

clean:  ## remove what the other tasks made
	rm -rf $(VENV) $(DEMO) .pytest_cache .mypy_cache .ruff_cache .hypothesis
