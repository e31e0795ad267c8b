# What people run. `.venv` is made from the pinned requirements by the first target that needs it.

STACK ?= dev
PYTHON ?= python3
WORKERS ?= auto

python := .venv/bin/python
pip := $(python) -m pip install --quiet --disable-pip-version-check
# Third-party code: wheels alone, which run nothing while they are installed, each with a known hash.
hashed := $(pip) --only-binary :all: --require-hashes --requirement
# UPGRADE=--upgrade takes the newest versions, UPGRADE="--upgrade-package moto" the newest of one.
locked := .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --only-binary :all: \
	--generate-hashes --no-annotate --emit-build-options --custom-compile-command "make requirements" $(UPGRADE)

# What is compiled once is kept, also where the environment says otherwise: tests start many processes.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help preview plan test pytest engine bench check format docs goldens runbook sandbox requirements search security wishes mutants

help:
	@echo "make preview [STACK=dev]  every resource that 'pulumi up' would register, without an account"
	@echo "make plan    [STACK=dev]  what is decided: Regions, pools, chips, findings"
	@echo "make test                 check, then the tests; no account, no network, no Pulumi CLI"
	@echo "make engine               the tests that need the Pulumi CLI"
	@echo "make bench                the tests that measure time"
	@echo "make check                formatter, linter, types"
	@echo "make wishes               10,000 random valid stacks, and 10,000 with one mistake each"
	@echo "make search               every change of every field against its declared cost; many minutes"
	@echo "make mutants              random changes of planning and components, and which of them no test notices"
	@echo "make security             checkov and parliament over what is built, against tests/security/baseline.csv"
	@echo "make goldens              the pinned plans and resources of tests/contract, written anew"
	@echo "make sandbox [INCIDENT=driver]  the dev stack on loopback, to look at and to practise incidents on"
	@echo "make runbook              docs/runbook.md: what its commands print, written anew"
	@echo "make docs                 docs/: the findings, the JSON of the diff, the JSON Schemas"
	@echo "make requirements         the pinned requirements with their hashes, from requirements*.in"
	@echo "make format               formats, and applies the linter's own fixes"

preview: .venv/.runtime
	@.venv/bin/neuron-ecs preview --stack "$(STACK)"

plan: .venv/.runtime
	@.venv/bin/neuron-ecs plan --stack "$(STACK)"

test: check pytest
	@if command -v pulumi >/dev/null; then \
		echo "engine: not run here; 'make engine' runs it"; \
	else \
		echo "engine: not run (pulumi is not on PATH)"; \
	fi

pytest: .venv/.development
	@$(python) -m pytest --numprocesses "$(WORKERS)" -m "not engine and not search"

search: .venv/.development
	@$(python) -m pytest --numprocesses "$(WORKERS)" -m search

engine: .venv/.development
	@if command -v pulumi >/dev/null; then \
		$(python) -m pytest -m engine; \
	else \
		echo "engine: not run (pulumi is not on PATH)"; \
	fi

bench: .venv/.development
	@$(python) -m tests.bench

check: .venv/.development
	@$(python) -m ruff format --check --quiet .
	@$(python) -m ruff check --quiet .
	@$(python) -m pyright --warnings --project pyproject.toml

wishes: .venv/.development
	@$(python) -m tests.wishes --examples 10000 --workers 2

mutants: .venv/.development
	@$(python) -m tests.mutants

security: .venv/.development .venv-security/.installed
	@$(python) -m tests.security

goldens: .venv/.development
	@$(python) -m pytest tests/contract/test_goldens.py --update-goldens

sandbox: .venv/.development
	@$(python) -m tests.account $(if $(INCIDENT),--incident "$(INCIDENT)") $(if $(FILE),--file "$(FILE)")

runbook: .venv/.development
	@$(python) -m tests.account.page

docs: .venv/.development
	@$(python) -m neuron_ecs.cli.docs

requirements: .venv/.development
	@$(locked) requirements.in --output-file requirements.txt
	@$(locked) requirements-dev.in --output-file requirements-dev.txt
	@$(locked) requirements-security.in --output-file requirements-security.txt

format: .venv/.development
	@$(python) -m ruff check --quiet --fix . || true
	@$(python) -m ruff format --quiet .

.venv/.runtime: requirements.txt pyproject.toml
	@"$(PYTHON)" -c 'import sys; sys.exit("Python 3.11 or newer is needed, \
	this is " + sys.version.split()[0] + ": make PYTHON=python3.12 ..." if sys.version_info < (3, 11) else 0)'
	@echo "installing requirements.txt and the command neuron-ecs into .venv"
	@test -x $(python) || "$(PYTHON)" -m venv .venv
	@$(hashed) requirements.txt
	@$(pip) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.development: requirements-dev.txt .venv/.runtime
	@echo "installing requirements-dev.txt into .venv"
	@$(hashed) requirements-dev.txt
	@touch $@

# An environment of its own: checkov pins versions that the program does not have.
.venv-security/.installed: requirements-security.txt
	@echo "installing requirements-security.txt into .venv-security"
	@test -x .venv-security/bin/python || "$(PYTHON)" -m venv .venv-security
	@.venv-security/bin/python -m pip install --quiet --disable-pip-version-check \
		--only-binary :all: --require-hashes --requirement requirements-security.txt
	@touch $@
