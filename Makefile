# Everything runs from a fresh clone with Python 3.11 and make: no system package, no key, and after set-up no network.
.DELETE_ON_ERROR:
.PHONY: setup demo test lint up bench docs clean help

PYTHON := $(shell command -v python3.11 || command -v python3)
RUN := .venv/bin/python -m
# Two workers suit the smallest machine this is promised for; more only helps where there are more cores.
WORKERS ?= 2

help:
	@echo "make demo   set up, then adapt the sample spots and show the results (FRESH=1 redoes finished work)"
	@echo "make test   set up, then lint, check types and run the whole test suite"
	@echo "make up     Dagster UI, daemon and code server on loopback (PORT=3000)"
	@echo "make bench  run the benchmarks and write benchmarks/RESULTS.md"
	@echo "make docs   rewrite the generated pages of docs/"
	@echo "make clean  remove everything the platform wrote; the environment stays"

setup: .venv/.ready

.venv/.ready: requirements.lock setup.cfg pyproject.toml
	@echo "Setting up .venv (about a minute) ..."
	@"$(PYTHON)" -c 'import sys; sys.exit("Python 3.11 or 3.12 is needed, not " + sys.version.split()[0] if not (3, 11) <= sys.version_info[:2] < (3, 13) else 0)'
	@"$(PYTHON)" -m venv .venv
	@$(RUN) pip install --quiet --disable-pip-version-check uv
	@$(RUN) uv pip install --quiet --python .venv/bin/python --require-hashes -r requirements.lock
	@$(RUN) uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
	@touch .venv/.ready

demo: setup
	@$(RUN) creative_lab.cli demo $(if $(FRESH),--fresh)

up: setup
	@$(RUN) creative_lab.cli up $(if $(PORT),--port $(PORT))

lint: setup
	@$(RUN) ruff check .
	@$(RUN) ruff format --check .
	@.venv/bin/python .venv/bin/lint-imports --no-cache
	@$(RUN) mypy

# One thread in each worker: more of them would wait for each other on the same cores.
test: lint
	@OMP_NUM_THREADS=1 $(RUN) pytest -n $(WORKERS) --dist loadgroup

bench: setup
	@for script in benchmarks/[a-z]*.py; do \
		case "$$script" in benchmarks/results.py|benchmarks/peer_*.py) continue;; esac; \
		echo "== $$script"; $(RUN) "benchmarks.$$(basename "$$script" .py)" || exit 1; \
	done

docs: setup
	@$(RUN) creative_lab.cli docs

clean:
	rm -rf .creative_lab .pytest_cache .ruff_cache .mypy_cache .hypothesis
