# make demo      three builders, a manager and five packages, from source to apt-get;
#                DATABASE=postgres: on PostgreSQL
# make check     lint, types and every test
# make simulate  farms from seeds, with faults, on a virtual clock: SEEDS=1000, or SEED=7 again
# make hostile   each hostile builder by itself as 5% of a thousand
# make fuzz      every decoder, with examples that no run has had before
# make bench     the benchmarks, each beside its peer
# make install   into $(DESTDIR)$(PREFIX), with init script, unit and log rotation

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

DESTDIR ?=
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc

bin := .venv/bin
pip_install = install --quiet --disable-pip-version-check --no-deps --require-hashes

# The processes that the tests run in: three for two processors, since a third of the time the
# tests wait for processes and connections of theirs.
TEST_PROCESSES ?= $(shell echo $$(( ($$(nproc) * 3 + 1) / 2 )))
# What to test: make test TESTS=tests/unit
TESTS ?=

.PHONY: help venv lpbuildd-venv check lint format types test locks clean
.PHONY: check-packages install install-files

help:
	@sed -n 's/^# make /make /p' Makefile

# --- environments ---------------------------------------------------------------------------

venv: .venv/.installed

.venv/.installed: requirements/build.lock requirements/check.lock pyproject.toml
	@scripts/install-debian-packages venv
	@echo "Installing the development environment into .venv"
	@$(bin)/python -c '' 2>/dev/null || { python=$$(scripts/find-python) && "$$python" -m venv --clear .venv; }
	@$(bin)/pip $(pip_install) --requirement requirements/build.lock
	@$(bin)/pip $(pip_install) --no-build-isolation --requirement requirements/check.lock
	@$(bin)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# The genuine build daemon for the contract tests: by Debian's Python, whose python3-apt it imports.
lpbuildd-venv: .venvs/launchpad-buildd/.installed

.venvs/launchpad-buildd/.installed: requirements/launchpad-buildd.lock
	@scripts/install-debian-packages check
	@echo "Installing launchpad-buildd into .venvs/launchpad-buildd"
	@rm -rf $(@D) && /usr/bin/python3 -m venv --system-site-packages $(@D)
	@$(@D)/bin/pip $(pip_install) --ignore-installed --requirement requirements/launchpad-buildd.lock
	@touch $@

# The peer of the benchmarks.
.venvs/buildbot/.installed: requirements/buildbot.lock
	@scripts/install-debian-packages venv
	@echo "Installing Buildbot into .venvs/buildbot"
	@python=$$(scripts/find-python) && "$$python" -m venv --clear $(@D)
	@$(@D)/bin/pip $(pip_install) --requirement requirements/buildbot.lock
	@touch $@

locks:
	@python3 -m venv var/lock-tools && var/lock-tools/bin/pip install --quiet uv
	@PATH=$(CURDIR)/var/lock-tools/bin:$$PATH scripts/lock-requirements

# --- to see it work -------------------------------------------------------------------------

.PHONY: demo
demo: .venv/.installed
	@scripts/install-debian-packages demo
	@DATABASE=$(DATABASE) DEMO_EXIT=$(DEMO_EXIT) $(bin)/python demo/run.py

# --- checks ---------------------------------------------------------------------------------

# The tests come last: the last line says how many passed.
check: check-packages
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory types
	@$(MAKE) --no-print-directory test

check-packages:
	@scripts/install-debian-packages check

lint: .venv/.installed
	@$(bin)/ruff format --check --quiet .
	@$(bin)/ruff check --quiet .

format: .venv/.installed
	@$(bin)/ruff format --quiet .
	@$(bin)/ruff check --quiet --fix .

types: .venv/.installed
	@$(bin)/mypy --no-error-summary

test: .venv/.installed .venvs/launchpad-buildd/.installed
	@$(bin)/pytest --numprocesses=$(TEST_PROCESSES) --dist=worksteal $(TESTS)

# The whole manager on a virtual clock: many seeds, or one again: make simulate SEED=7
SEEDS ?= 100
SEED ?=
BUILDS ?= 2000

.PHONY: simulate
simulate: .venv/.installed
	@$(bin)/python -m buildfarm.simulation --seeds $(SEEDS) --builds $(BUILDS) $(if $(SEED),--seed $(SEED))

# Each hostile builder by itself as 50 of 1,000, or some: make hostile HOSTILE="flaps never-answers"
HOSTILE ?=

.PHONY: hostile
hostile: .venv/.installed
	@HOSTILE="$(HOSTILE)" $(bin)/pytest --capture=no --timeout=3600 \
		tests/functional/hostile/each_of_a_thousand.py

# Other examples every time, so many for each fuzzer: make fuzz EXAMPLES=100000
EXAMPLES ?= 5000

.PHONY: fuzz
fuzz: .venv/.installed
	@FUZZ_EXAMPLES=$(EXAMPLES) $(bin)/pytest --numprocesses=$(TEST_PROCESSES) \
		--timeout=3600 tests/fuzz

# --- benchmarks -----------------------------------------------------------------------------

# All of them, or some: make bench BENCH="scan latency"
BENCH ?=

.PHONY: bench
bench: .venv/.installed .venvs/buildbot/.installed
	@scripts/install-debian-packages bench
	@$(bin)/python -m bench $(BENCH)

# --- installation ---------------------------------------------------------------------------

# The configuration of an earlier installation is kept. Nothing is started, no user is made.
install:
	@scripts/install-debian-packages venv
	@scripts/install-environment "$(DESTDIR)" "$(PREFIX)/lib/buildd-manager"
	@$(MAKE) --no-print-directory install-files
	@echo "Installed; what comes next is in $(PREFIX)/share/doc/buildd-manager/operations.md"

# Without the environment: the commands, and the daemon as the system sees it.
install-files:
	@scripts/install-files "$(DESTDIR)" "$(PREFIX)" "$(SYSCONFDIR)"

# --- cleaning -------------------------------------------------------------------------------

clean:
	rm -rf .venv .venvs var build dist *.egg-info lib/*.egg-info
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
