# Each target wraps one command that works without make (see README, "Without make").
PYTHON ?= python3
BIN := .venv/bin
UV ?= uv
LOCK := $(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock"

.PHONY: report setup test test-full lint check-types dashboard lab lock clean validate

report: .venv/.installed
	@$(BIN)/tierlab report

setup: .venv/.installed

.venv/.installed: requirements.lock pyproject.toml
	@echo "Installing the locked dependencies into .venv (once, one to three minutes) …"
	@$(PYTHON) -c 'import sys; sys.exit("tierlab needs Python 3.11 or newer; set PYTHON=…") if sys.version_info < (3, 11) else 0'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q src
	@touch $@

.venv/.installed-dev: .venv/.installed requirements-dev.lock
	@echo "Installing what the tests need …"
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

.venv/.browser: .venv/.installed-dev tests/set_up_browser.py
	@$(BIN)/python tests/set_up_browser.py
	@touch $@

.venv/.postgresql: .venv/.installed-dev tests/postgresql_server.py
	@$(BIN)/python tests/postgresql_server.py
	@touch $@

test: .venv/.browser .venv/.postgresql
	$(BIN)/python -m pytest -n 3 --dist loadscope --no-loadscope-reorder

test-full: .venv/.browser .venv/.postgresql
	$(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder -m ""

validate: .venv/.installed-dev
	@$(BIN)/python benchmarks/validate.py

lint: .venv/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-types: .venv/.installed-dev
	$(BIN)/mypy

dashboard: .venv/.installed
	@$(BIN)/tierlab dashboard --profile params/demo.yaml

lab: .venv/.installed
	@$(BIN)/tierlab lab

lock:
	$(LOCK) --extra build --output-file requirements.lock
	$(LOCK) --extra build --extra dev --constraint requirements.lock --output-file requirements-dev.lock

clean:
	rm -rf .venv data/raw/demo data/raw/demo-truth data/processed/demo reports/demo
