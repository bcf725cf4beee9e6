# make run   the site at http://127.0.0.1:8000
# make test  everything that is checked before a change lands
# make demo  the site with a few people, rooms and a little history
.PHONY: run demo test test-old check js-test system faults bench conformance translations wheel clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
WORKER := geventwebsocket.gunicorn.workers.GeventWebSocketWorker
SITE_INSTANCE ?= $(CURDIR)/instance
export SITE_INSTANCE

run: $(VENV)/run.stamp
	exec $(BIN)/gunicorn -k $(WORKER) wsgi:app

demo: $(VENV)/run.stamp
	SITE_INSTANCE=$(SITE_INSTANCE)/demo $(BIN)/python -m examples.demo
	SITE_INSTANCE=$(SITE_INSTANCE)/demo exec $(BIN)/gunicorn -k $(WORKER) wsgi:app

test: check js-test
	sh tests/run.sh $(BIN)/python

# The suite at the lowest versions of everything, in an environment made for it: with OLD_PYTHON, or the lowest that is here.
test-old: $(VENV)/dev.stamp system
	sh tests/old_hosts/run.sh $(BIN)/python $(OLD_PYTHON)

check: $(VENV)/dev.stamp
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

js-test: system
	node --test tests/js/*.test.mjs

# What the tests run beside Python packages: Debian's, and node for the scripts' own tests.
system:
	sh tests/install_system.sh

translations: $(VENV)/dev.stamp
	mkdir -p build
	$(BIN)/pybabel -q extract -F babel.cfg -k t -k phrase --no-location --sort-output -o build/legacy_chat.pot .
	$(BIN)/pybabel -q update -D legacy_chat -i build/legacy_chat.pot -d legacy_chat/translations -l zh -w 120 \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date
	$(BIN)/pybabel -q compile -D legacy_chat -d legacy_chat/translations

bench: $(VENV)/run.stamp
	$(BIN)/python bench/run.py
	$(BIN)/python bench/ways.py

# The fault rows at full size; those with kill -9, signals and the hostile network FAULT_RUNS times, each with a new
# seed, which the name of the test shows. FAULT_SEED=… repeats one; FAULT_SECONDS=… is how long the soak takes.
FAULT_RUNS ?= 20
faults: $(VENV)/dev.stamp
	FAULT_FULL=1 FAULT_RUNS=$(FAULT_RUNS) $(BIN)/python -m pytest -vv tests/faults

# Autobahn's own fuzzing client, which needs a Python 2.7; `make test` holds the same cases without it.
conformance: $(VENV)/dev.stamp
	sh tests/conformance/run.sh $(BIN)/python

wheel: $(VENV)/dev.stamp
	$(BIN)/python -m build --wheel

clean:
	rm -rf $(VENV) dist build

$(VENV)/run.stamp: requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check -r requirements.txt
	touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements-dev.txt
	$(BIN)/pip install -q --disable-pip-version-check -r requirements-dev.txt
	touch $@
