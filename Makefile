# `make run` starts everything, `make test` tests everything; nothing else is needed
# beforehand than python3 (3.11 or newer) and make.
PYTHON ?= python3
VENV ?= .venv
# How many processes the tests use.
JOBS ?= 2

export VENV

.PHONY: run install test check format bench client conformance fuzz

run:
	@$(PYTHON) bootstrap.py
	@exec $(VENV)/bin/python -m memory_server.supervising

install:
	@$(PYTHON) bootstrap.py

test:
	@$(PYTHON) bootstrap.py --dev
	@exec $(VENV)/bin/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

# makemigrations would also ask a database about its history; none is needed here,
# and the warning about it is turned off.
check:
	@$(PYTHON) bootstrap.py --dev
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy .
	$(VENV)/bin/lint-imports
	OAUTH_ENABLED=1 $(VENV)/bin/python -W ignore manage.py makemigrations --check --dry-run
	SECRET_KEY=$$($(VENV)/bin/python -c 'import secrets; print(secrets.token_hex(32))') \
	  PUBLIC_URL=https://memory.invalid MEMORY_ROOT=/tmp OAUTH_ENABLED=1 \
	  $(VENV)/bin/python manage.py check --deploy --fail-level WARNING
	$(VENV)/bin/djlint --lint templates

format:
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

# Every benchmark at a small size; SIZE= runs them at the sizes of docs/benchmarks.md.
SIZE ?= --small

bench:
	@$(PYTHON) bootstrap.py --dev
	@exec $(VENV)/bin/python -m benchmarks $(SIZE)

# The sync client in one file, with its installers, for other machines.
client:
	@$(PYTHON) client/build.py

# The protocol's official suite, at every revision it knows; comes from npm.
conformance:
	@$(PYTHON) bootstrap.py
	@exec $(VENV)/bin/python tests/conformance

# Requests made up from the published OpenAPI, for every kind of token; no answer may be
# a fault of ours or differ from what is published. EXAMPLES= makes up more of them.
EXAMPLES ?= 4

fuzz:
	@$(PYTHON) bootstrap.py --dev
	@EXAMPLES=$(EXAMPLES) $(VENV)/bin/python -m tests.fuzz
