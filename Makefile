# Every target makes what it needs first: `make demo` and `make test` work on a fresh checkout.
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

# The first that runs, is new enough and can make environments; 3.11 is what requirements.lock was resolved for. The
# system's goes first: it is built with profile-guided optimisation, and one that pyenv compiled is not (decision 6).
NEW_ENOUGH := import ensurepip, sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(or $(shell for each in /usr/bin/python3.11 python3.11 python3.12 python3.13 python3; do \
    $$each -c '$(NEW_ENOUGH)' 2>/dev/null && { command -v $$each; break; }; done),python3)
BIN := .venv/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 PIP_ROOT_USER_ACTION=ignore $(BIN)/python -m pip install --quiet --retries 10 --timeout 60
DURATION ?= 100
ARGS ?=
CODE := schemas models streams tests

.PHONY: help
help: ## Show the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: .venv/.stamp ## Make .venv with the locked packages.

.venv/.stamp: requirements.lock pyproject.toml
	@"$(PYTHON)" -c '$(NEW_ENOUGH)' 2>/dev/null || { \
	    echo "Python 3.11 or newer with venv is needed, and $(PYTHON) is not: install it (Debian: apt-get install python3-venv), or name it with make PYTHON=/path/to/python3" >&2; exit 1; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv || { \
	    rm -rf .venv; echo "no virtual environment could be made: install venv (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@echo "installing the locked packages into .venv"
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

.PHONY: demo
demo: .venv/.stamp kafkaparts ## Play a simulated book for DURATION seconds (100) with a live view. ARGS="--customers 300".
	@$(BIN)/ebbtide demo --duration $(DURATION) $(ARGS)

# Two lanes, as two cores have room for: whole data sets and coverage beside what runs servers and mostly waits for them.
# The core is tested under coverage with a seed, as whether a line is covered must not hang on luck; and, without tracing,
# with new random examples.
LANE := $(BIN)/coverage run -m pytest tests/models -m "not quality" --hypothesis-seed=1 && $(BIN)/coverage report && \
    $(BIN)/pytest -m quality --durations=15
.PHONY: test
test: .venv/.stamp parts ## Run all tests; ebbtide.models must be covered in full. ARGS="-k sink" runs only those.
ifneq ($(ARGS),)
	@$(BIN)/pytest $(ARGS)
else
	@mkdir -p .make; set -m; log=.make/lane.log; { $(LANE); } >$$log 2>&1 & lane=$$!; \
	    trap 'kill -- -$$lane 2>/dev/null || true' EXIT; trap 'exit 130' INT TERM; \
	    $(BIN)/pytest -m "not quality" --durations=25 || { echo "the other lane, as far as it came:"; tail -n 3 $$log; exit 1; }; \
	    wait $$lane || { cat $$log; exit 1; }; tail -n 1 $$log
endif

.PHONY: check
check: .venv/.stamp ## Formatting, lint, types, layers, and that the reference pages are up to date.
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m ebbtide.streams.reference --check

.PHONY: fmt
fmt: .venv/.stamp ## Format the code and mend what lint can mend.
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

.PHONY: kafka
kafka: .venv/.stamp kafkaparts ## Run Apache Kafka at 127.0.0.1:9092 until Ctrl-C; its data are discarded.
	@$(BIN)/python -m ebbtide.streams.brokers kafka $(ARGS)

.PHONY: docs
docs: .venv/.stamp ## Write the reference pages anew.
	$(BIN)/python -m ebbtide.streams.reference

.PHONY: lock
lock: ## Resolve requirements.lock anew (needs uv).
	@command -v uv >/dev/null || { echo "uv is needed: see https://docs.astral.sh/uv" >&2; exit 1; }
	uv pip compile pyproject.toml --all-extras --group dev --generate-hashes --no-emit-index-url --no-header -o requirements.lock

.PHONY: bench
bench: .venv/.stamp kafkaparts ## Measure against named baselines. ARGS="transport --json".
	@$(BIN)/ebbtide bench $(ARGS)

.PHONY: clean
clean: ## Remove caches, reports, and what `demo --keep` kept; not .venv, and not the data of `ebbtide up`.
	rm -rf .make .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache dist build .ebbtide/demo
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +

# Java, Maven and Kafka's jars. Without them the demo falls back to Tansu and says so; tests that need them skip.
.PHONY: kafkaparts
kafkaparts: .venv/.stamp
	@deploy/system-packages.sh default-jre-headless maven
	@$(BIN)/python -m ebbtide.streams.brokers jars >/dev/null || true

.PHONY: parts
parts: kafkaparts
	@deploy/system-packages.sh
