# Everything here works on a fresh clone that has Python 3.11 or newer, git and make.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
BIN := .venv/bin
# Newer than what it was installed from, or it is made again.
READY := .venv/.ready
# One more than the two cores for which the time of `make test` is reckoned: some tests mostly wait.
WORKERS ?= 3

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=python3.12   builds .venv with another Python"
	@echo "  ARGS='…'            goes to the command behind demo, test, benchmark and lock"

plan: $(READY) # the project as dbt compiles it: made once, or every worker of the tests would
	@$(BIN)/python -m warehouse.build.compiled_project

dbt-docs: $(READY) ## the models, their columns and their lineage as one page, build/dbt-docs/index.html
	@rm -rf build/dbt-docs
	@WAREHOUSE_HOME=$(CURDIR)/build/dbt-docs/home $(BIN)/warehouse refresh > /dev/null
	@WAREHOUSE_HOME=$(CURDIR)/build/dbt-docs/home $(BIN)/dbt --quiet --log-path $(CURDIR)/build/dbt-docs/logs \
		docs generate --static --project-dir dbt_project --profiles-dir dbt_project \
		--target-path $(CURDIR)/build/dbt-docs/target
	@mv build/dbt-docs/target/static_index.html build/dbt-docs/index.html
	@echo "Open build/dbt-docs/index.html in a browser."

wheel: plan ## the wheel, in dist/, with the compiled project in it
	@$(BIN)/python -m hatchling build --target wheel

setup: $(READY) ## make .venv with exactly the versions of requirements.lock

demo: $(READY) ## receiver + simulated NewStore + refresh + a summary of the facts
	@$(BIN)/warehouse demo $(ARGS)

test: lint plan ## lint, then every test
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

test-long: $(READY) ## the tests that `make test` leaves out for their time, and the longer forms of others (ten minutes or so)
	@TESTS_LONG=1 KILL_ROUNDS=2 LONG_READERS=8 LEDGER_RETAILERS=2 $(BIN)/python -m pytest -q --timeout 1800 \
		--numprocesses $(WORKERS) --dist loadfile $(or $(ARGS),tests/warehouse tests/dbt_project tests/faults tests/end_to_end tests/benchmarks)

test-faults: $(READY) ## every fault in full: 200 kills, each system call, each byte (an hour or so; FAULTS_SEED repeats)
	@FAULTS_LONG=1 $(BIN)/python -m pytest -q --timeout 7200 --durations 10 tests/faults $(ARGS)

test-ledger: $(READY) ## the marts of six more retailers, 300,000 events, against their ledgers (ten minutes or so)
	@LEDGER_RETAILERS=6 LEDGER_EVENTS=50000 LEDGER_REFRESHES=3 $(BIN)/python -m pytest -q -s tests/end_to_end/test_ledger.py

test-properties: $(READY) ## order independence on 1,000 cases, 30 killed refreshes (PROPERTY_SEED, KILL_SEED repeat)
	@PROPERTY_CASES=$${PROPERTY_CASES:-1000} KILL_ROUNDS=$${KILL_ROUNDS:-30} $(BIN)/python -m pytest -q -s --timeout 7200 \
		tests/properties tests/warehouse/pipeline/test_killed_refresh.py $(ARGS)

test-soak: $(READY) ## everything at once for an hour: nothing lost, memory and files flat (ARGS=5 for five minutes)
	@$(BIN)/python -m tests.soak $(ARGS)

test-abuse: $(READY) ## 500 slow clients beside a good one, and a disk of 1 MB/s, with figures (two minutes)
	@$(BIN)/python -m tests.soak.abuse $(ARGS)

status-image: $(READY) ## take the pictures of the status page in docs/images anew
	@$(BIN)/python -m tests.receiver.status_image

benchmark: $(READY) ## the receiver beside what people would use instead, ten minutes (ARGS=--quick: one)
	@$(BIN)/python -m benchmarks $(ARGS)

benchmark-freshness: $(READY) ## from 200 to visible in the marts under a steady stream (ARGS="--minutes 5")
	@$(BIN)/python -m benchmarks.freshness $(ARGS)

benchmark-refresh: $(READY) ## what a refresh costs, by size of history and beside dlt (ARGS, see benchmarks/refresh.py)
	@$(BIN)/python -m benchmarks.refresh $(ARGS)

test-year: $(READY) ## dbt build over a simulated year, with every test of the models (two minutes or so)
	@WORLD_DAYS=365 $(BIN)/python -m pytest -q -s tests/dbt_project/test_build.py

lint: $(READY) ## formatting, rules and types of the Python, style of the SQL
	@$(MAKE) --no-print-directory --jobs 2 lint-types lint-sql lint-imports lint-python
	@echo "Lint: nothing found."

# Side by side, the longest first; each says what it found.
lint-types:
	@$(BIN)/mypy --no-error-summary

lint-sql:
	@$(BIN)/sqlfluff lint --disable-progress-bar --nocolor --quiet dbt_project

lint-imports:
	@$(BIN)/lint-imports --no-cache --no-logo > $(BIN)/imports.txt || { cat $(BIN)/imports.txt; exit 1; }

lint-python:
	@$(BIN)/ruff format --quiet --check . || { $(BIN)/ruff format --check .; echo "Try: make format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .

format: $(READY) ## write what can be put right without thinking
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/sqlfluff fix --quiet --disable-progress-bar dbt_project

docs: $(READY) ## the documentation as a site in build/site, its reference pages written anew
	@$(BIN)/python docs/generate.py
	@$(BIN)/python -W ignore -m mkdocs build --quiet
	@echo "build/site/index.html"

lock: $(READY) ## make requirements.lock from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(BIN)/uv pip compile --quiet --extra dev --universal --no-strip-extras --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock" --output-file requirements.lock $(ARGS) pyproject.toml

clean: ## remove .venv, caches and what dbt left; never data
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis dbt_project/target dbt_project/logs logs build dist
	@find receiver warehouse tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo "Error: Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)." >&2; \
		echo "Try: make PYTHON=/path/to/a/newer/python $(or $(firstword $(MAKECMDGOALS)),setup)" >&2; \
		exit 1; }
	@echo "Setting up .venv; this takes a minute or two, once."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.PHONY: help setup plan wheel demo test test-long benchmark test-ledger lint lint-types lint-sql lint-imports lint-python format docs lock clean test-properties status-image benchmark-refresh test-year test-soak test-abuse benchmark-freshness
