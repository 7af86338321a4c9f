# The daily chores. `make setup` once, then `make test` while you work and `make check` before you push.
VENV = .venv-test
RUN = $(VENV)/bin

.PHONY: setup test test-all lint types imports check run docs

setup:        ## Make the virtual environment with everything the tests need
	python3 -m venv $(VENV) && $(RUN)/pip install -q -e ".[embedded,test]"

test:         ## The quick loop: unit tests, some 75 seconds on two cores
	$(RUN)/pytest -m unit

test-all:     ## Everything that CI runs as tests
	$(RUN)/pytest

lint:         ## Style and formatting
	$(RUN)/ruff check . && $(RUN)/ruff format --check .

types:        ## mypy in strict mode over code and tests
	$(RUN)/mypy

imports:      ## The layers of ARCHITECTURE.md, as contracts
	$(RUN)/lint-imports

check: lint types imports test

run:          ## Start the app
	$(RUN)/intentbot-tui

docs:         ## Record the moving picture of the README
	$(RUN)/python -m scripts.record_tour
