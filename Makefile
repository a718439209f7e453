# Daybook. `make` lists what there is. Needs nothing but Python 3.11 to 3.13; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup run stop test soak lint fmt docs bench lock clean

help:  ## What there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

# The lock and the project file decide whether anything is installed again.
$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 14) else f"Daybook needs Python 3.11 to 3.13; {sys.executable} is {sys.version.split()[0]}. Run: make $(MAKECMDGOALS) PYTHON=python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing. On Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

setup: $(READY)  ## Install from the lock into .venv, and no more

run: $(READY)  ## Simulate, load, build, check, publish, serve; prints the address
	@$(BIN)/daybook first-run

stop: $(READY)  ## End what `make run` started
	@$(BIN)/daybook down

test: $(READY)  ## Every test; the long ones as seeded samples
	@$(BIN)/python -m tests.provide
	@$(BIN)/python -m pytest -m "not soak" --numprocesses 3 --dist loadfile --no-loadscope-reorder --durations 40

soak: $(READY)  ## The full counts of the long tests (up to three hours)
	@$(BIN)/python -m tests.provide
	@$(BIN)/python -m pytest -m soak --timeout=14400 --numprocesses 2 --dist loadfile --no-loadscope-reorder --durations 40

lint: $(READY)  ## ruff, import-linter, basedpyright, sqlfluff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/basedpyright
	@$(BIN)/sqlfluff lint dbt_project/models bench

fmt: $(READY)  ## Format Python
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

docs: $(READY)  ## The data dictionary and lineage, generated
	@$(BIN)/daybook docs

bench: $(READY)  ## The ratios of docs/performance.md at 1 M deals
	@$(BIN)/daybook bench --deals 1000000

lock: $(READY)  ## Resolve dependencies anew
	@$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
		--extra dev --python-version 3.11 pyproject.toml --output-file requirements.lock

clean: $(READY)  ## Stop, and remove the simulated home, the environment and the caches
	@$(BIN)/daybook down || true
	@rm -rf data/* $(VENV) .*_cache *.egg-info dbt_project/target; find . -name __pycache__ -type d -prune -exec rm -rf {} +; touch data/.gitkeep
