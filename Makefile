# `make run` starts everything, `make test` tests everything; nothing else is needed
# beforehand than python3 (3.11 or newer) and make.
PYTHON ?= python3
VENV ?= .venv
# How many processes the tests use.
JOBS ?= 2

export VENV

.PHONY: run install test check format bench client conformance real-clients deploy-check deploy-drill soak real-mcp-clients fuzz faults drill

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

# Claude Code, Codex and others themselves, with a model that stands in; from npm.
real-clients:
	@$(PYTHON) bootstrap.py --dev
	@exec $(VENV)/bin/python -m pytest tests/client/real/check_*.py $(ARGS)

# The deploy kit: what it writes, checked by the programs that read it, and two web and
# two worker processes behind nginx. Says which Debian package is missing.
deploy-check:
	@$(PYTHON) bootstrap.py --dev
	@exec $(VENV)/bin/python tests/deploy check

# Good and bad releases, while a client asks all the time; some minutes.
deploy-drill:
	@$(PYTHON) bootstrap.py --dev
	@exec $(VENV)/bin/python tests/deploy drill

# Many clients at once: nothing acknowledged is lost, nothing answers 5xx.
MINUTES ?= 10
CLIENTS ?= 50

soak:
	@$(PYTHON) bootstrap.py --dev
	@exec $(VENV)/bin/python tests/deploy soak --minutes $(MINUTES) --clients $(CLIENTS)

# Clients that people use, against two web processes and signing in; they come from npm
# and PyPI.
real-mcp-clients:
	@$(PYTHON) bootstrap.py
	@exec $(VENV)/bin/python tests/real_clients

# Requests made up from the published OpenAPI, for every kind of token; no answer may be
# a fault of ours or differ from what is published. EXAMPLES= makes up more of them.
EXAMPLES ?= 4

fuzz:
	@$(PYTHON) bootstrap.py --dev
	@EXAMPLES=$(EXAMPLES) $(VENV)/bin/python -m tests.fuzz

# What the server must survive (tests/faults/README.md): all of it as root with /dev/fuse,
# libfuse3 and libfaketime; what is missing is named and not run.
faults:
	@$(PYTHON) bootstrap.py --dev
	@exec env FAULTS=1 $(VENV)/bin/python -m pytest -rs tests/faults \
	  tests/operations/test_restore_drill.py $(ARGS)

# A backup under load, restored where nothing is yet, with a gigabyte.
drill:
	@$(PYTHON) bootstrap.py --dev
	@exec $(VENV)/bin/python -m benchmarks.drill $(ARGS)
