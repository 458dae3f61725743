# SPDX-License-Identifier: GPL-3.0-or-later

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
LINK := .cache/collections/ansible_collections/xen/xapi
PYTEST = $(BIN)/python -m pytest --quiet --junit-xml=.cache/reports/$@.xml

# Most tests wait most of the time, so three at once are faster on two processors.
PARALLEL := --numprocesses=3 --dist=worksteal

# Both in this order: quick checks that fail often come first. Those that are joined with + run
# side by side, since each of them uses one processor.
LINT := ruff-format ruff yamllint reuse mypy ansible-lint
QUICK := ruff-format ruff yamllint reuse changelog-lint mypy+docs-lint ansible-lint+docs unit
CORES := core-2.18 core-2.19 core-2.20 core-2.21
SLOW := simulator properties reliability-short foreign-clients lower-bounds build-check integration \
	eda target-pythons molecule+core-2.19 conformance+core-2.20 core-2.18 core-2.21
CHECKS := $(subst +, ,$(QUICK) $(SLOW))

# The user's settings of Ansible are for other projects.
unexport $(filter ANSIBLE_%,$(.VARIABLES))
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.cache/collections
export ANSIBLE_CONFIG := $(CURDIR)/tests/ansible.cfg
export ANSIBLE_HOME := $(CURDIR)/.cache/ansible
export ANSIBLE_ASYNC_DIR := $(ANSIBLE_HOME)/async
export ANSIBLE_REMOTE_TMP := $(ANSIBLE_HOME)/remote
WITH_TOOLS := PATH="$(CURDIR)/$(BIN):$$PATH"

.DEFAULT_GOAL := help
.PHONY: help test test-all demo reliability bench bench-short release tarball format graph lint \
	$(CHECKS) lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-18s %s\n", $$1, $$2}' Makefile

test: $(READY) ## the quick checks, up to the first that fails
	@$(BIN)/python tests/release/run_targets.py $(QUICK)

test-all: $(READY) ## every check there is, the quick ones first
	@$(BIN)/python tests/release/run_targets.py $(QUICK) $(SLOW)

demo: ## show the collection at work on a simulated pool, or list the pool of XAPI_HOST
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
		echo 'The demo needs Python 3.11 or later. Name one: make demo PYTHON=python3.12' >&2; exit 2; }
	@$(PYTHON) -m scripts.demo_environment
	@.cache/demo-venv/bin/python -m scripts.demo

format: $(READY) ## formatting and the order of imports
	$(BIN)/ruff check --quiet --fix --select I001 .
	$(BIN)/ruff format .

lint: $(LINT) ## formatting, linters and types

ruff-format: $(READY) ## formatting of the Python files
	$(BIN)/ruff format --check .

ruff: $(READY) ## ruff
	$(BIN)/ruff check .

yamllint: $(READY) ## yamllint
	$(BIN)/yamllint --strict .

reuse: $(READY) ## license and copyright of every file
	$(BIN)/reuse lint --lines

mypy: $(READY) ## types of the plugins, the simulator and tests/support
	$(BIN)/mypy

ansible-lint: $(READY) ## ansible-lint, production profile
	$(WITH_TOOLS) ansible-lint --offline

changelog-lint: $(READY) ## changelog fragments
	$(WITH_TOOLS) antsibull-changelog lint

docs-lint: $(READY) ## documentation of the plugins
	@mkdir -p .cache/home # antsibull-docs leaves a log file in the home
	$(WITH_TOOLS) HOME="$(CURDIR)/.cache/home" antsibull-docs lint-collection-docs --plugin-docs \
		--validate-collection-refs=self --disallow-unknown-collection-refs .

graph: $(READY) ## draw docs/import_graph.svg again
	$(BIN)/python docs/site/import_graph.py

docs: $(READY) ## the site of the documentation
	@mkdir -p .cache/home
	@$(WITH_TOOLS) HOME="$(CURDIR)/.cache/home" python docs/site/build.py

unit: PARALLEL := --numprocesses=4 --dist=worksteal
unit: $(READY) ## unit tests, which must cover 95 % of the plugins' lines and branches
	COVERAGE_FILE=.cache/coverage $(PYTEST) $(PARALLEL) --cov=plugins --cov-branch \
		--cov-report= --cov-fail-under=95 --ignore=tests/unit/simulator tests/unit

simulator: $(READY) ## unit tests of the simulator
	$(PYTEST) $(PARALLEL) tests/unit/simulator

lower-bounds: $(READY) ## tests of the client with the oldest requests that is supported
	$(BIN)/python tests/release/lower_bounds.py

conformance: $(READY) ## the simulator against answers recorded from a real server
	$(PYTEST) tests/conformance

properties: $(READY) ## waits in thousands of schedules of virtual time
	$(PYTEST) --numprocesses=2 tests/property

reliability-short: $(READY) ## faults, invalid input, interrupts and load, the short form
	$(PYTEST) $(PARALLEL) tests/model_checking tests/fault_injection tests/fuzzing tests/stress

reliability: $(READY) ## the long form of both and all mutations, 1.5 hours, with figures
	@$(BIN)/python -m tests.reliability

bench: $(READY) ## how fast it is, side by side with others
	@$(BIN)/python -m tests.benchmarks

bench-short: $(READY) ## the same in under two minutes
	@$(BIN)/python -m tests.benchmarks --short

foreign-clients: $(READY) ## programs of others against the simulator; CLIENTS=all: a download of 58 MB
	@$(BIN)/python -m tests.foreign_clients.install $(CLIENTS)
	$(PYTEST) -rs tests/foreign_clients

integration: $(READY) ## playbooks against the simulator
	$(PYTEST) $(PARALLEL) tests/integration

eda: $(READY) ## rulebooks, where ansible-rulebook and a Java runtime are installed
	$(PYTEST) -rs tests/eda

molecule: $(READY) ## the role, in molecule's scenarios
	@$(WITH_TOOLS) molecule test --all >.cache/molecule.log 2>&1 || { \
		cat .cache/molecule.log; exit 1; }
	@tail -n 6 .cache/molecule.log

build-check: $(READY) ## the tarball, the demo, licenses and completeness
	$(PYTEST) $(PARALLEL) tests/release

target-pythons: $(READY) ## compile and import the modules on every Python that may run them
	$(BIN)/python tests/release/target_pythons.py

$(CORES): core-%: $(READY)
	$(BIN)/python tests/release/ansible_core.py $* $(if $(WHOLE),--whole)

lock: $(READY) ## pin the packages of requirements-dev.in again
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header \
		--no-emit-index-url --no-emit-find-links --output-file requirements-dev.txt requirements-dev.in

release: $(READY) ## VERSION=1.2.3: the changelog, a commit, a tag and the tarball in .cache/dist
	@echo '$(VERSION)' | grep -Eqx '[0-9]+\.[0-9]+\.[0-9]+' || { \
		echo 'Say which version: make release VERSION=1.2.3' >&2; exit 1; }
	@test -z "$$(git status --porcelain)" || { echo 'Commit your changes first.' >&2; exit 1; }
	sed -i 's/^version: .*/version: $(VERSION)/' galaxy.yml
	$(WITH_TOOLS) antsibull-changelog release
	$(BIN)/python docs/site/import_graph.py
	git add --all
	git commit --quiet --message 'build: release $(VERSION)'
	git tag --annotate '$(VERSION)' --message 'xen.xapi $(VERSION)'
	@$(MAKE) --no-print-directory tarball

tarball: $(READY) ## the tarball of this version in .cache/dist
	$(WITH_TOOLS) ansible-galaxy collection build --force --output-path .cache/dist

clean: ## remove everything that make created
	rm -rf .venv .cache .hypothesis tests/output
	find . -name __pycache__ -prune -exec rm -rf {} +

$(READY): requirements-dev.txt | $(LINK)
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || { \
		echo 'This needs Python 3.11, 3.12 or 3.13. Name one: make PYTHON=python3.12' >&2; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || { rm -rf .venv; $(PYTHON) -m venv .venv; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^uv==' $<)"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement $< || \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check --requirement $<
	@touch $@

$(LINK):
	@mkdir -p $(@D)
	@ln -sfn ../../../.. $@
