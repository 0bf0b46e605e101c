# make run    opens the app on http://localhost:8501 (make run PORT=9000)
# make test   runs every check: lint, types, imports, unit, pages, browser
# make phenomena | bench | screenshots | pretrain | words | clean

PORT ?= 8501
PYTHON ?= python3
JOBS ?= auto
BROWSERS ?= 2

VENV := .venv
BIN := $(VENV)/bin
APP := $(VENV)/.app
DEV := $(VENV)/.dev
PYTEST := $(BIN)/python -m pytest

.DEFAULT_GOAL := run
.PHONY: run test lint unit browser phenomena bench screenshots pretrain words clean

run: $(APP)
	$(BIN)/python -m explorer serve --port $(PORT)

test: lint unit browser

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# A file of tests stays in one worker: what its tests share is trained once, of pages one engine.
# What drives a browser runs afterwards, two at once; what measures time last, with the machine to
# itself. What trains for minutes is left to `make phenomena`.
unit: $(DEV)
	$(PYTEST) -n $(JOBS) --maxprocesses 4 --dist loadfile -m "not browser and not timing and not (phenomena and slow)"

browser: $(DEV)
	$(PYTEST) -n $(BROWSERS) -m "browser and not timing"
	$(PYTEST) -m timing

# EXPLORER_SEEDS=10 looks for each with ten seeds; EXPLORER_TEST_DATA names a folder of books.
phenomena: $(DEV)
	$(PYTEST) -m phenomena

bench: $(DEV)
	$(BIN)/python -m benchmarks

screenshots: $(DEV)
	$(BIN)/python -m tests.screenshots

pretrain: $(APP)
	$(BIN)/python -m explorer pretrain

words: $(DEV)
	$(BIN)/python -m tests.catalogues

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp stands for "these requirements are installed", so that a second call is instant.
$(VENV)/pyvenv.cfg:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(APP): requirements.txt | $(VENV)/pyvenv.cfg
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	touch $@

$(DEV): requirements.txt requirements-dev.txt | $(VENV)/pyvenv.cfg
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements-dev.txt
	touch $(APP) $@
