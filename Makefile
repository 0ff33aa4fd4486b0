# `make demo` and `make test` are all that a new user needs. PYTHON: any Python 3.11 or newer.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
WORKERS ?= auto

.PHONY: demo test test-interpreted lint format types bench containers faults conformance fuzz clean

# A stamp per set of extras: installing again only when pyproject.toml has changed.
$(VENV)/.run: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/.test: $(VENV)/.run
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	touch $@

$(VENV)/.dev: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

demo: $(VENV)/.run
	$(BIN)/python -m bench.demo

test: $(VENV)/.test
	$(BIN)/python -m pytest -n $(WORKERS)

# Kernels as plain Python: what compiled code must not differ from, and where coverage can see.
test-interpreted: $(VENV)/.test
	NUMBA_DISABLE_JIT=1 $(BIN)/python -m pytest -n $(WORKERS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# mypy finds packages by folder, and two of ours stand elsewhere: it gets a tree of links.
types: $(VENV)/.dev
	rm -rf build/types && mkdir -p build/types/fastdeid
	cd build/types/fastdeid && ln -s ../../../fastdeid/* ../../../kernels ../../../profiles .
	ln -s ../../tests ../../bench build/types/
	cd build/types && $(abspath $(BIN))/mypy --config-file ../../pyproject.toml fastdeid tests bench

bench: $(VENV)/.run
	$(BIN)/python -m bench.run --json build/bench.json

# Dockerfile and apptainer.def, built and run without a registry; as root, with Debian's buildah.
containers: $(VENV)/.test
	$(BIN)/python -m tests.cluster.containers

# Faults put in on purpose, see docs/reliability.md: an hour or two.
faults: $(VENV)/.test
	$(BIN)/python -m tests.faults.kills
	$(BIN)/python -m tests.faults.kills --outputs shards --moments 200
	$(BIN)/python -m tests.faults.kills --outputs store --moments 100
	$(BIN)/python -m tests.faults.calls --members 2
	$(BIN)/python -m tests.faults.calls --members 2 --shards
	$(BIN)/python -m tests.faults.damage

# dciodvfy on every real file under every profile, pixels examined or not: some ten minutes.
conformance: $(VENV)/.test
	$(BIN)/python -m tests.real_files.conformance

# A million mutated files, then atheris, which sees branches of compiled kernels and of Python.
fuzz: $(VENV)/.test
	$(BIN)/python -m pip install --quiet 'atheris>=2.3'
	$(BIN)/python -m tests.faults.fuzz
	$(BIN)/python -m tests.faults.guided parser -runs=1000000
	$(BIN)/python -m tests.faults.guided instance -runs=1000000
	$(BIN)/python -m tests.faults.guided pixels -runs=100000

clean:
	rm -rf $(VENV) build dist *.egg-info
