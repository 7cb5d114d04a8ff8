# make book   execute all chapters and build _build/html/index.html
# make test   unit and property tests, the book's contract, and every committed number again
# make bench  speed of the prefix-cached evaluation against naive hooks, as ratios

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
PY := $(VENV)/bin/python
READY := $(VENV)/.ready
CHAPTERS ?=

# One thread per process: two chapters or test workers share two cores, and sums keep their order.
export OMP_NUM_THREADS ?= 1
export MKL_NUM_THREADS ?= 1
export PYTHONHASHSEED := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: book test bench notebooks venv constraints clean

book: $(READY)
	$(PY) -m plateaus.book.leash 0 plateaus.cli book

test: $(READY)
	PLATEAUS_OUT="$(CURDIR)/_build/test" $(PY) -m pytest -n 2 --dist loadfile tests chapters \
	    --nbval --nbval-current-env --nbval-cell-timeout=300

bench: $(READY)
	$(PY) -m plateaus.cli bench --out _build/bench.json

notebooks: $(READY)
	$(PY) -m plateaus.cli notebooks $(CHAPTERS)

# pip follows the configuration it finds (index, certificates); none is set here.
$(READY): pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=...")'
	@echo "Installing into $(VENV) (a few minutes, once)"
	$(MAKE) --no-print-directory venv
	$(PY) -m pip install --quiet -c constraints.txt -e ".[test]"
	touch $@ && rm -f $(VENV).unfinished

# A kill on the way to $(READY) leaves the mark, and the next call begins with an empty environment.
venv:
	test ! -e $(VENV).unfinished && $(PY) -m pip --version > /dev/null 2>&1 \
	    || { touch $(VENV).unfinished && "$(PYTHON)" -m venv --clear $(VENV); }
	touch $(VENV).unfinished

constraints:
	rm -rf _build/lock && "$(PYTHON)" -m venv _build/lock
	_build/lock/bin/python -m pip install --quiet torch==2.13.0 -e ".[test,browser]"
	( sed -n '/^#/p' constraints.txt; _build/lock/bin/python -m pip freeze --exclude-editable \
	    | sed -E 's/\+[A-Za-z0-9.]+$$//' | grep -v ' @ ' | sort -f ) > constraints.new
	mv constraints.new constraints.txt && rm -rf _build/lock

clean:
	rm -rf _build $(VENV) $(VENV).unfinished
