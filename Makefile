# The commands of a user (demo, test) and of a contributor. They make their
# own environment in .venv; name another interpreter with PYTHON=python3.10,
# further or other packages with PACKAGES='mxnet==2.0.0b1'.

PYTHON ?=
PACKAGES ?=
BIN = .venv/bin

# Another choice of interpreter or packages makes the environment anew.
CHOICE = $(strip $(PYTHON) $(PACKAGES))
ifneq ($(CHOICE),)
ifneq ($(CHOICE),$(shell cat .venv/choice 2>/dev/null))
$(shell rm -f .venv/ready)
endif
endif

.PHONY: demo test test-long test-slow coverage fuzz bench pairs control lint clean

demo: .venv/ready
	$(BIN)/gluon-style demo --plot demo.svg

# Two at a time, with a core each, end sooner than one by one on both.
ABREAST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile

test: .venv/ready
	$(ABREAST) -m 'not slow and not long'

test-long: .venv/ready
	$(BIN)/python -m pytest -m long

test-slow: .venv/ready
	$(BIN)/python -m pytest -m slow

# Of the lines that the tests run in their own process.
coverage: .venv/ready
	$(ABREAST) -m 'not slow and not long' --cov=gluon_style \
	    --cov-report=term-missing:skip-covered --cov-fail-under=95

fuzz: .venv/ready
	$(BIN)/python tests/fuzz.py --count 20000

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

pairs: .venv/ready
	$(BIN)/python tests/benchmarks/pairs.py notebooks/images/pairs.jpg

control: .venv/ready
	$(BIN)/python tests/benchmarks/control.py notebooks/images/control.jpg

lint: .venv/ready
	$(BIN)/python -m pip install --quiet ruff
	$(BIN)/ruff check
	$(BIN)/ruff format --check

# pip is upgraded, for the one of Python 3.9 searches without end where a new
# one finds what fits.
.venv/ready: setup.cfg .ci/make-venv
	PYTHON='$(PYTHON)' .ci/make-venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable '.[test]' $(PACKAGES)
	echo '$(CHOICE)' > .venv/choice
	touch $@

clean:
	rm -rf .venv build *.egg-info
