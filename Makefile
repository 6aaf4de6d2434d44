# The commands of a user (demo, test) and of a contributor. They make their
# own environment in .venv. PYTHON=python3.10 names another interpreter.
# PACKAGES='mxnet==2.0.0b1' adds packages, or takes other versions of them.
# TESTS='tests/test_cli.py' runs those tests only.

PYTHON ?=
PACKAGES ?=
TESTS ?=
BIN = .venv/bin

# Another choice of interpreter or packages makes the environment again.
CHOICE = $(strip $(PYTHON) $(PACKAGES))
ifneq ($(CHOICE),)
ifneq ($(CHOICE),$(shell cat .venv/choice 2>/dev/null))
$(shell rm -f .venv/ready)
endif
endif

.PHONY: demo test test-long test-slow coverage fuzz stress bench quality pairs \
    control scale lint clean

demo: .venv/ready
	$(BIN)/gluon-style demo --plot demo.svg

# Two processes with a core each end sooner than one process with both.
TWO_TESTS = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

test: .venv/ready
	$(TWO_TESTS) -m 'not slow and not long' $(TESTS)

test-long: .venv/ready
	$(TWO_TESTS) -m long

test-slow: .venv/ready
	$(BIN)/python -m pytest -m slow

# Counts the lines that run in the tests' own process.
coverage: .venv/ready
	$(TWO_TESTS) -m 'not slow and not long' --cov=gluon_style \
	    --cov-report=term-missing:skip-covered --cov-fail-under=95

fuzz: .venv/ready
	$(BIN)/python tests/fuzz.py --count 20000

# Load and faults: prints a table of what was tried and lost, in twenty minutes
# and those of the fuzzing. STRESS='--fuzz 0 --outputs picture' tries less;
# STRESS=--help tells of all options.
STRESS ?=

stress: .venv/ready
	PYTHONPATH=tests $(BIN)/python -m stress $(STRESS)

# The pictures to measure with; the package's own unless given.
CONTENT ?= build/bench/photograph.png
STYLE ?= gluon_style/samples/painting.jpg

bench: .venv/ready
	mkdir -p build/bench
	test -f '$(CONTENT)' || $(BIN)/python -c "from PIL import Image; \
	    from gluon_style.samples import photograph; \
	    Image.fromarray(photograph()).save('$(CONTENT)')"
	$(BIN)/python tests/benchmarks/bench.py '$(CONTENT)' '$(STYLE)' \
	    --command 'make bench CONTENT=$(notdir $(CONTENT)) STYLE=$(notdir $(STYLE))'

# Programs beside each other: content kept, style taken. Takes hours, and goes
# on where it was interrupted. QUALITY='--programs quick any-style' measures
# less; QUALITY=--help tells of all options.
QUALITY ?=

quality: .venv/ready
	PYTHONPATH=tests $(BIN)/python -m benchmarks.quality $(QUALITY)

pairs: .venv/ready
	mkdir -p build
	$(BIN)/python tests/benchmarks/pairs.py build/pairs.jpg

control: .venv/ready
	PYTHONPATH=tests $(BIN)/python -m benchmarks.control notebooks/images/control.jpg

# Many pictures in several processes, in half an hour. SCALE='--small 500' makes
# fewer small ones.
SCALE ?=

scale: .venv/ready
	PYTHONPATH=tests $(BIN)/python -W ignore -m benchmarks.scale $(SCALE)

# lint-imports and pyright read their rules in pyproject.toml.
lint: .venv/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-cache
	$(BIN)/pyright --pythonpath $(BIN)/python

.venv/dev: .venv/ready
	$(BIN)/python .ci/requirements dev $$(cat .venv/packages) > .venv/dev.txt
	$(BIN)/python -m pip install --quiet --requirement .venv/dev.txt
	touch $@

# The old pip of Python 3.9 does not find a set of versions that fit in
# reasonable time, so it is upgraded first. The package itself is installed
# last, without its requirements, as PACKAGES may replace some of them.
.venv/ready: setup.cfg .ci/make-venv .ci/requirements
	PYTHON='$(PYTHON)' .ci/make-venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	echo '$(PACKAGES)' > .venv/packages
	$(BIN)/python .ci/requirements test $$(cat .venv/packages) > .venv/test.txt
	$(BIN)/python -m pip install --quiet --requirement .venv/test.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	echo '$(CHOICE)' > .venv/choice
	touch $@

clean:
	rm -rf .venv build *.egg-info
