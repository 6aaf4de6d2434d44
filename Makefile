# The commands of a user (demo, test) and of a contributor. They make their
# own environment in .venv; name another interpreter with PYTHON=python3.10,
# further or other packages with PACKAGES='mxnet==2.0.0b1'.

PYTHON ?=
PACKAGES ?=
BIN = .venv/bin

.PHONY: demo test test-slow lint clean

demo: .venv/ready
	$(BIN)/gluon-style demo --plot demo.svg

test: .venv/ready
	$(BIN)/python -m pytest -m 'not slow'

test-slow: .venv/ready
	$(BIN)/python -m pytest -m slow

lint: .venv/ready
	$(BIN)/python -m pip install --quiet ruff
	$(BIN)/ruff check
	$(BIN)/ruff format --check

.venv/ready: setup.cfg .ci/make-venv
	PYTHON='$(PYTHON)' .ci/make-venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[test]' $(PACKAGES)
	touch $@

clean:
	rm -rf .venv build *.egg-info
