# The kit's commands. `make` alone lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

PYTHON ?= python3
CLI := .venv/bin/lab
# uv keeps its downloads in the home directory; where that is read-only it does without.
export UV_NO_CACHE := $(shell test -w "$${UV_CACHE_DIR:-$${XDG_CACHE_HOME:-$$HOME}}" && echo 0 || echo 1)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# On a terminal set-up shows the bars of pip and uv.
QUIET := $(shell test -t 2 || echo --quiet)

help: ## Show these commands
	@awk 'BEGIN { FS = ":.*## " } /^[a-zA-Z_%-]+:.*## / { sub(/%/, "<lab>", $$1); printf "  make %-24s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; " + sys.executable + " is " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12 …") if sys.version_info < (3, 11) else None'
	@echo "Set-up, 1 of 3: a virtual environment in .venv (about 5 s) …"
	@$(PYTHON) -m venv --clear .venv || { echo "venv failed. On Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }
	@awk '/^uv==/ { on = 1 } on && /^ *#/ { next } on && !/^(uv==|    --hash)/ { exit } on { print }' requirements.lock > .venv/uv.lock
	@echo "Set-up, 2 of 3: uv, which installs the others (about 5 s) …"
	@.venv/bin/python -m pip install $(QUIET) --require-hashes --no-deps -r .venv/uv.lock
	@echo "Set-up, 3 of 3: $$(grep -c '^[a-z].*==' requirements.lock) packages (some seconds if they were here before, else a minute or two) …"
	@.venv/bin/uv pip install $(QUIET) --python .venv/bin/python --require-hashes -r requirements.lock
	@.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
	@touch $@

lab-%: .venv/ready ## Start working on a lab: copies the starter, grades, grades again on every save
	@$(CLI) start $* $(ARGS)

grade-%: .venv/ready ## Grade submissions/<lab> (or FROM=folder) once, with load
	@$(CLI) grade $* $(if $(FROM),--from $(FROM)) $(ARGS)

submit-%: .venv/ready ## Pack submissions/<lab> (or FROM=folder), grade it sandboxed, write one signed bundle
	@$(CLI) submit $* $(if $(FROM),--from $(FROM)) $(ARGS)

new-lab: .venv/ready ## Make a new lab: NAME=rate_limiter [FROM=template]
	@$(CLI) new $(NAME) $(if $(FROM),--from $(FROM)) $(ARGS)

lint: .venv/ready ## Say what is wrong with labs and can be known without running them
	@$(CLI) lint $(LAB) $(ARGS)

audit: .venv/ready ## Grade the graders: every lab, or LAB=name
	@$(CLI) audit $(LAB) $(ARGS)

test: .venv/ready ## Run the kit's own tests
	@.venv/bin/python -m pytest -n 2 $(ARGS)

test-attacks: .venv/ready ## Attack the grader at each level of containment; prints who is contained where
	@.venv/bin/python -m pytest tests/adversarial/attacks/corpus.py $(ARGS)

check: .venv/ready ## Lint, strict types, module floors
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/python -m pytest -q tests/unit/test_house.py

up: ## Start PostgreSQL and Redis in Docker, to keep: for --services external
	@docker/compose.sh up

down: ## Stop them; their data stays
	@docker/compose.sh down

reset: ## Delete them and their data; asks first (YES=1: does not)
	@YES=$(YES) docker/compose.sh reset

bench: .venv/ready ## Measure the measuring: prints a table, writes JSON
	@.venv/bin/python -m benchmarks $(ARGS)

lock: .venv/ready ## Take current releases of all dependencies into requirements.lock
	@.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade --all-extras pyproject.toml -o requirements.lock

.PHONY: help new-lab lint audit test test-attacks check up down reset bench lock
