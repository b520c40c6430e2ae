# One command per task; `make help` lists them. Everything lands in this folder: .venv and build.
# Stamps and ninja decide what is up to date, so that a warm `make run` spends its time running.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := setup
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
# A third compiler gains nothing on a small machine and costs half a gigabyte.
JOBS ?= $(shell n=$$(nproc); echo $$((n < 2 ? n : 2)))
FOR ?=
BASE ?=
# What make check-deep draws: events of each differential test, inputs of all fuzz targets together.
RANDOM_EVENTS ?= 10000000
FUZZ_RUNS ?= 2000000
# Ends of a log's writer by SIGKILL, and of its host's power.
LOG_KILLS ?= 10000
LOG_POWER_FAILURES ?= 2000

BIN := $(CURDIR)/.venv/bin
VENV := .venv/pitwire.stamp
SYSTEM := build/stamps/system
CONFIGURED := build/release/build.ninja
CMAKE := $(BIN)/cmake -G Ninja -DCMAKE_MAKE_PROGRAM=$(BIN)/ninja -DPython_EXECUTABLE=$(BIN)/python
NINJA := $(BIN)/ninja -j $(JOBS)
PEERS_VENV := build/peers-venv
PEERS := $(PEERS_VENV)/peers.stamp
QUICKFIX := $(PEERS_VENV)/quickfix.stamp
CXX_SOURCES = $(shell find native -name '*.cpp' -o -name '*.hpp')

export PIP_CACHE_DIR := $(CURDIR)/build/cache/pip
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup run test check check-deep bench bench-peers bench-compare clean build-tests build-bench

help: ## what one can do here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 16

# ------------------------------------------------------------------ setting up

setup: $(CONFIGURED) ## the environment in .venv, and the native core built
	@$(NINJA) -C build/release $(if $(VERBOSE),,--quiet) core

$(SYSTEM): .ci/system-packages
	@$< $(PYTHON)
	@mkdir -p $(@D) && touch $@

# The project goes in last and without its dependencies: pip 23 knows no dependency groups, so
# .ci/requirements reads both lists from pyproject.toml.
$(VENV): pyproject.toml .ci/requirements | $(SYSTEM)
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@mkdir -p build && $(BIN)/python .ci/requirements pyproject.toml > build/requirements.txt
	$(BIN)/python -m pip install --quiet $(if $(CI),--progress-bar off) -r build/requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(CONFIGURED): CMakeLists.txt $(wildcard cmake/*.cmake) | $(VENV)
	$(CMAKE) -S . -B build/release
	@touch $@
	@echo 'building the native core (QuickFIX included: about two minutes the first time)'
	$(NINJA) -C build/release core

# An environment older than its description is renewed also where the build needs nothing.
setup run test check check-deep bench bench-peers bench-compare: $(VENV)

build-tests: setup
	@$(NINJA) -C build/release $(if $(VERBOSE),,--quiet)

# ------------------------------------------------------------------ tasks

run: setup ## a live trading day: exchange, daemon, terminal view (FOR=30s ends it)
	@$(BIN)/pitwire demo $(if $(FOR),--for $(FOR))

test: build-tests ## every test, C++ and Python
	@$(BIN)/ctest --test-dir build/release --output-on-failure -j $(JOBS)
	@$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m 'not deep' tests

check: setup ## format, lint, types, layers, our own rules, static analysis, instruction counts
	@$(BIN)/ruff format --check --quiet . || { echo 'run: .venv/bin/ruff format .'; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/clang-format --dry-run -Werror $(CXX_SOURCES)
	@$(BIN)/python -m tools.tidy
	@$(BIN)/python -m tools.clang_tidy --build build/release --budget 120 -j $(JOBS)
	@.ci/system-packages $(PYTHON) check
	@$(NINJA) -C build/release --quiet pitwire_steady_tests
	@$(BIN)/python -m tools.instructions --build build/release -j $(JOBS)

# A part can be had alone, as `make deep-log`.
DEEP_PACKAGES := build/stamps/deep
DEEP := deep-lint deep-asan deep-tsan deep-random deep-log deep-fuzz deep-tests deep-alone
.PHONY: $(DEEP)

check-deep: $(DEEP) ## sanitizers, fuzzers, the long random and crash tests, all static analysis
$(DEEP): build-tests $(DEEP_PACKAGES)

$(DEEP_PACKAGES): pyproject.toml .ci/requirements .ci/system-packages | $(VENV)
	@.ci/system-packages $(PYTHON) deep
	@$(BIN)/python .ci/requirements pyproject.toml deep > build/requirements-deep.txt
	$(BIN)/python -m pip install --quiet $(if $(CI),--progress-bar off) -r build/requirements-deep.txt
	@mkdir -p $(@D) && touch $@

deep-lint: # clang-tidy over every file
	@$(CMAKE) -S . -B build/release -DPITWIRE_BENCH=ON > /dev/null
	@$(BIN)/python -m tools.clang_tidy --build build/release --tests -j $(JOBS)

deep-asan: # addresses and undefined behaviour, in C++ and through the bindings
	$(CMAKE) -S . -B build/asan -DPITWIRE_SANITIZE=address,undefined
	$(NINJA) -C build/asan
	$(BIN)/ctest --test-dir build/asan --output-on-failure
	$(BIN)/python -m tools.sanitized build/asan

deep-tsan: # what threads share
	$(CMAKE) -S . -B build/tsan -DPITWIRE_SANITIZE=thread -DPITWIRE_PYTHON=OFF
	$(NINJA) -C build/tsan pitwire_base_tests pitwire_log_tests pitwire_wire_tests pitwire_engine_tests
	$(BIN)/ctest --test-dir build/tsan --output-on-failure -R '^base$$'
	build/tsan/pitwire_log_tests --gtest_filter='SyncTest*:LogTest*'
	build/tsan/pitwire_wire_tests --gtest_filter='FixThread*:FeedThread*:Waiter*'
	build/tsan/pitwire_engine_tests --gtest_filter='*EgressTest*'

deep-random: # fast against plain
	export PITWIRE_RANDOM_EVENTS=$(RANDOM_EVENTS); cd build/release; \
	./pitwire_market_tests --gtest_filter='*Agrees*:*School*:*AnyBytes*'; \
	./pitwire_orders_tests --gtest_filter='RiskGateRandom.*:RiskGateModel.*:RandomLives.Res*'; \
	./pitwire_matching_tests --gtest_filter='*reference*'; \
	./pitwire_fix_tests --gtest_filter='PlainMessages.*:Decimal.school*'; \
	./pitwire_log_tests --gtest_filter='LogModel.*:*Damage*:*EveryBit*'

deep-log: # the log's writer killed, and its host's power lost
	PITWIRE_RANDOM_EVENTS=$(LOG_KILLS) build/release/pitwire_log_tests --gtest_filter='LogKill.*'
	PITWIRE_RANDOM_EVENTS=$(LOG_POWER_FAILURES) build/release/pitwire_log_tests --gtest_filter='LogPower.*'

deep-fuzz: # every target, with coverage and sanitizers
	$(BIN)/python -m tools.fuzz --runs $(FUZZ_RUNS)

deep-tests: # days, crashes, soak
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m 'deep and not alone' tests

deep-alone: # what a neighbour would spoil
	$(BIN)/python -m pytest -m 'deep and alone' tests

build-bench: $(CONFIGURED)
	@$(CMAKE) -S . -B build/release -DPITWIRE_BENCH=ON > /dev/null
	@$(NINJA) -C build/release $(if $(VERBOSE),,--quiet)

bench: build-bench ## every benchmark: a table, and build/bench.json
	@$(BIN)/pitwire bench

bench-peers: $(PEERS) $(QUICKFIX) ## every benchmark, peers measured in turn with ours (the first time: ten minutes more)
	@.ci/system-packages $(PYTHON) peers || true
	@$(MAKE) build-bench
	@$(BIN)/pitwire bench --peers

# What cannot be had here leaves its rows without the peer, and they say so.
$(PEERS): tools/bench/peers/requirements.txt | $(VENV)
	@test -x $(PEERS_VENV)/bin/python || $(PYTHON) -m venv $(PEERS_VENV)
	$(PEERS_VENV)/bin/python -m pip install $(if $(CI),--progress-bar off) -r $<
	@touch $@

$(QUICKFIX): tools/bench/peers/requirements-quickfix.txt | $(PEERS)
	@echo 'building QuickFIX for Python: about ten minutes, most of them its last file'
	@$(PEERS_VENV)/bin/python -m pip install --verbose -r $< 2>&1 | tee $(PEERS_VENV)/quickfix.log \
	  | sed -unE 's/.* -c (C\+\+\/[^ ]+) .*/  compiling \1/p' && touch $@ \
	  || echo 'QuickFIX for Python was not built: $(PEERS_VENV)/quickfix.log'

bench-compare: ## every benchmark again, and what changed since BASE=FILE, a bench.json of before
	@test -n '$(BASE)' || { echo 'make bench-compare BASE=FILE: a build/bench.json of before'; exit 2; }
	@$(MAKE) build-bench
	@$(BIN)/pitwire bench --compare '$(BASE)'

clean: ## away with everything that was built, the environment included
	rm -rf build .venv dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	rm -f daemon/core.*.so
