# Thin, over CMake and ctest. `make demo` and `make check` install what is missing, build, and do the job.
SHELL := /bin/bash
PREFIX ?= /usr/local
BUILD := build
.PHONY: all setup demo check check-long bench install docs clean

all: setup ## build build/tarn
	@cmake -S . -B $(BUILD) -G Ninja > $(BUILD)-cmake.log 2>&1 || { cat $(BUILD)-cmake.log; exit 1; }
	@cmake --build $(BUILD) --target tarn

setup:
	@setup/setup.sh core

demo: ## install what is missing, build, run examples/flights, serve it (DEMO_ONCE=1: ask once, then stop)
	@tools/demo.sh

check: ## install what is missing, build, pass all tests (under 25 minutes on 2 cores)
	@tools/check.sh

check-long: ## what takes longer: more seeds, fuzzing, valgrind, kill -9 at 200 moments
	@tools/check.sh long

bench: ## Tarn beside the best peers, on the same data in one run
	@tools/bench.sh

install: all ## install program, libraries and headers to PREFIX (default /usr/local)
	@cmake --build $(BUILD)
	@cmake --install $(BUILD) --prefix $(PREFIX)

docs: all ## write docs/reference from the tables
	@$(BUILD)/tarn reference --out docs/reference

clean:
	rm -rf $(BUILD) $(BUILD)-*
