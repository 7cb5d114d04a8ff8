# make book   execute all chapters and build _build/html/index.html
# make pages  the same from the committed outputs, executing nothing: a minute or two
# make pdf    the pages and, beside them, one PDF of the whole book; needs LaTeX
# make test   style, unit and property tests, the book's contract, and every committed number again
# make test-plain  the committed numbers once more, as on another processor
# make test-browser  the built pages and both explorers in a real browser; needs Chromium
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

.PHONY: book pages pdf test test-plain test-browser bench notebooks venv constraints clean

# `make book PDF=--pdf` also typesets it.
PDF ?=

book: $(READY)
	$(PY) -m plateaus.book.leash 0 plateaus.cli book $(PDF)

pages: $(READY)
	$(PY) -m plateaus.book.leash 0 plateaus.cli book --committed

pdf: $(READY)
	$(PY) -m plateaus.book.leash 0 plateaus.cli book --committed --pdf

# All that tests write stands in _build, so that the sources may be read-only.
RUFF := $(PY) -m ruff
PYTEST := PLATEAUS_OUT="$(CURDIR)/_build/test" $(PY) -m pytest -n 2 --dist loadfile \
    -o cache_dir=_build/pytest --nbval --nbval-current-env --nbval-cell-timeout=300

test: $(READY)
	$(RUFF) format --check --no-cache --quiet . && $(RUFF) check --no-cache --quiet .
	$(PYTEST) tests chapters

# The chapters alone, with the plainest instructions that the libraries have: the last bits of every
# product change, as on a reader's other processor, and what is printed must survive it.
test-plain: export ATEN_CPU_CAPABILITY := default
test-plain: export MKL_ENABLE_INSTRUCTIONS := SSE4_2
test-plain: export ONEDNN_MAX_CPU_ISA := SSE41
test-plain: $(READY)
	$(PYTEST) chapters

# `make pages` or `make book` comes first; Chromium is the system's own.
test-browser: $(READY)
	$(PY) -m pip install --quiet -c constraints.txt -e ".[browser]"
	$(PY) -m pytest -n 2 --dist loadfile tests/browser

bench: $(READY)
	$(PY) -m plateaus.cli bench --out _build/bench.json

notebooks: $(READY)
	$(PY) -m plateaus.cli notebooks $(CHAPTERS)

# pip follows the configuration it finds (index, certificates); none is set here. All packages are
# checked against the hashes in requirements.txt, except PyTorch: its builds for CPU and CUDA are
# different files, and which index they come from is yours to choose (see README.md).
# PINNED=no takes the newest of everything instead, to see what will break next.
PINNED ?= yes
TORCH ?= torch
OLD := "Python 3.11.5 or newer is needed: make PYTHON=..."

$(READY): pyproject.toml constraints.txt requirements.txt
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11, 5) and $(OLD))'
	@echo "Installing into $(VENV) (a few minutes, once)"
	$(MAKE) --no-print-directory venv
ifeq ($(PINNED),yes)
	$(PY) -m pip install --quiet --no-deps --require-hashes -r requirements.txt
	$(PY) -m pip install --quiet -c constraints.txt $(TORCH)
	$(PY) -m pip install --quiet --no-deps --no-build-isolation -e .
	$(PY) -m pip check --quiet
else
	$(PY) -m pip install --quiet -e ".[test]"
endif
	touch $@ && rm -f $(VENV).unfinished

# A kill on the way to $(READY) leaves the mark, and the next call begins with an empty environment.
venv:
	test ! -e $(VENV).unfinished && $(PY) -m pip --version > /dev/null 2>&1 \
	    || { touch $(VENV).unfinished && "$(PYTHON)" -m venv --clear $(VENV); }
	touch $(VENV).unfinished

# Both files again after a change of pyproject.toml, for every system; versions stay as they are
# where they can, or become the newest with UPGRADE=--upgrade. What belongs to one build of PyTorch
# is left out.
UPGRADE ?=
LOCK := _build/lock/bin/uv pip compile --quiet --universal --python-version 3.11.5 --no-header \
    --no-annotate pyproject.toml
OF_TORCH := ^(triton==|nvidia-|cuda-)

constraints:
	rm -rf _build/lock && "$(PYTHON)" -m venv _build/lock
	_build/lock/bin/python -m pip install --quiet uv==0.13.9
	sed '/^#/d' constraints.txt > _build/lock/all
	$(LOCK) $(UPGRADE) --all-extras -o _build/lock/all
	$(LOCK) --extra test -c _build/lock/all --generate-hashes -o _build/lock/hashed
	( sed -n '/^#/p' constraints.txt; grep -vE '$(OF_TORCH)' _build/lock/all ) > constraints.new
	( sed -n '/^#/p' requirements.txt; \
	    awk '/^[a-z0-9]/ { keep = !/$(OF_TORCH)|^torch==/ } keep' _build/lock/hashed ) > requirements.new
	mv constraints.new constraints.txt && mv requirements.new requirements.txt
	rm -rf _build/lock

clean:
	rm -rf _build $(VENV) $(VENV).unfinished
