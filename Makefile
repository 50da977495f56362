# Each target does its own set-up; nothing is set up twice. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help setup build extension demo test test-cpp test-python test-slow campaign \
	campaign-faults campaign-graphs campaign-fuzz campaign-memory fuzz bench docs \
	format clean

PYTHON := .venv/bin/python
JOBS   ?= $(shell nproc)
ROWS   ?=
RUNS   ?= 1000
SEED   ?= 0
FUZZ_SECONDS ?= 60
GRAPHS ?= 10000
GRAPH_SEED ?= 1
export PYTHONPATH := python
ifneq ($(wildcard ../shared/data),)
export ANDIRON_TEST_DATA ?= $(abspath ../shared/data)
endif

help:  ## This list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

setup:  ## System packages and .venv for building and testing
	@scripts/setup build

build: setup  ## The C++ core, its tests and examples, the Python extension
	@test -e build/release/build.ninja || cmake --preset release
	@ninja -C build/release -j $(JOBS)

extension: setup  ## The Python extension alone
	@test -e build/release/build.ninja || cmake --preset release
	@ninja -C build/release -j $(JOBS) andiron_core andiron_core_stub

demo: extension  ## MovieLens: NCF and Wide & Deep beside Spark's ALS, with an HTML report
	@scripts/setup demo
	@$(PYTHON) -m andiron.cli recommend demo

test: test-cpp test-python  ## The fast tests, C++ and Python (two minutes)

test-cpp: build
	@ctest --test-dir build/release --output-on-failure -j $(JOBS) -LE slow

test-python: build
	@$(PYTHON) -m pytest -q -m "not slow"

test-slow: build  ## The slow tests (installs Spark, PyTorch and other peers: several GB)
	@scripts/setup demo peers deploy spark35 remote
	@ctest --test-dir build/release --output-on-failure -L slow
	@$(PYTHON) -m pytest -q -m slow --durations=12
	@$(PYTHON) -m pytest -q -m "not slow" tests/spark
	@.venv-spark35/bin/python -m pytest -q -m "not slow or spark35" -W ignore tests/spark

campaign: campaign-faults campaign-graphs campaign-fuzz campaign-memory  ## All four: hours

campaign-faults: extension  ## 1,000 injected faults, into docs/reliability.md; goes on where it was (RUNS, SEED)
	@scripts/setup demo
	@PYTHONPATH=python:tests $(PYTHON) -m faults.campaign --runs $(RUNS) --seed $(SEED) \
		--write docs/reliability.md

campaign-graphs: build  ## 10,000 random graphs, each computed in all ways (GRAPHS, GRAPH_SEED)
	@ANDIRON_RANDOM_GRAPHS=$(GRAPHS) ANDIRON_RANDOM_SEED=$(GRAPH_SEED) \
		build/release/andiron_test --gtest_filter='RandomGraphs.*'

campaign-memory: extension  ## 100,000 steps with a watch on memory, into docs/reliability.md
	@$(PYTHON) -m benchmarks.memory --write docs/reliability.md

campaign-fuzz:  ## The fuzzers for ten minutes each
	@scripts/fuzz 600

fuzz:  ## The fuzzers of tests/fuzz, FUZZ_SECONDS each (60)
	@scripts/fuzz $(FUZZ_SECONDS)

bench: build  ## Speed beside the peers; ROWS=ncf for one row, ROWS=vision, ROWS=allreduce: beside Gloo
ifeq ($(ROWS),allreduce)
	@scripts/setup gloo
	@cmake --preset release >/dev/null
	@ninja -C build/release -j $(JOBS) allreduce_benchmark
	@build/release/allreduce_benchmark
else
	@scripts/setup peers
	@.venv-peers/bin/python -m benchmarks.run $(ROWS)
endif

docs: build  ## docs/api from the docstrings, docs/ops.md from the schemas, docs/features.md
	@$(PYTHON) scripts/make_docs.py
	@$(PYTHON) scripts/make_op_docs.py
	@$(PYTHON) scripts/make_features.py

format: ## clang-format and ruff over the tree
	@scripts/setup format
	@git ls-files '*.cpp' '*.hpp' | xargs -r .venv/bin/clang-format -i
	@.venv/bin/ruff format -q . && .venv/bin/ruff check -q --fix .

clean:  ## Removes build/, keeps .venv
	rm -rf build python/andiron/_core*.so python/andiron/_core.pyi
