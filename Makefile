# The commands of this project. `make up` is the one to start with.
SHELL := /bin/bash
ROOT := $(dir $(abspath $(lastword $(MAKEFILE_LIST))))
PREFIX ?= /usr/local
PRESET ?= dev
ENV ?=
BUILD := build/release

.PHONY: up down install load test test-long bench format lint doctor release sanitize

# From a fresh machine to http://localhost/. Again: seconds, and nothing changes. TIME_SCALE=10: the rules of scaling pass
# ten times faster (docs/scaling.md).
up: install
	@brume $(if $(TIME_SCALE),--time-scale $(TIME_SCALE)) up examples/web $(if $(ENV),--env $(ENV))

# Leaves nothing behind: no process, namespace, mount, cgroup, firewall table.
down:
	@if command -v brume > /dev/null; then brume down; fi

release:
	@scripts/install-deps build run
	@cmake --preset release > build/release.log 2>&1 || { tail -n 40 build/release.log; exit 1; }
	@ninja -C $(BUILD) brume brume-init $(if $(CI),,--quiet)

install: | build
	@$(MAKE) --no-print-directory release
	@install -D -m 0755 $(BUILD)/bin/brume-init $(PREFIX)/lib/brume/brume-init
	@cmp -s $(BUILD)/bin/brume $(PREFIX)/bin/brume || install -D -m 0755 $(BUILD)/bin/brume $(PREFIX)/bin/brume

build:
	@mkdir -p build

# The example's load test against http://localhost/, by artillery.
load:
	@scripts/load build/load

# Builds and passes every test; ends with CTest's closing line. PRESET=asan or tsan for the sanitizers.
test: | build
	@scripts/install-deps build run test
	@scripts/python-env build/python tests/requirements.txt
	@cmake --preset $(PRESET) > build/$(PRESET).log 2>&1 || { tail -n 40 build/$(PRESET).log; exit 1; }
	@ninja -C build/$(PRESET) $(if $(CI),,--quiet)
	@ctest --test-dir build/$(PRESET) --output-on-failure -LE long

# The long ones: fuzzing, both sanitizer presets, big simulations.
test-long: test
	@tests/fuzz/run
	@$(MAKE) --no-print-directory sanitize

sanitize:
	@$(MAKE) --no-print-directory test PRESET=asan
	@$(MAKE) --no-print-directory test PRESET=tsan

# What is measured, each with its peers beside it; writes bench/RESULTS.md.
bench: install
	@bench/run

format:
	@git ls-files '*.h' '*.cc' | xargs clang-format-19 -i

lint:
	@git ls-files '*.h' '*.cc' | xargs clang-format-19 --dry-run -Werror
	@scripts/lint

doctor: install
	@brume doctor
