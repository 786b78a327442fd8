# Steps of development and CI; each works after the set-up in README.md.

python := ".venv/bin/python"
bin := ".venv/bin"

# List the steps.
default:
    @just --list

# Run the tests, the doctests and the examples of the pages.
test *arguments:
    {{python}} -m pytest {{arguments}}

# Run the fuzzers with many more inputs than the tests do: a million, and every reader at growing sizes.
fuzz:
    FUZZ=long {{python}} -m pytest tests/fuzz
    {{python}} experiments/fuzz/run.py
    {{python}} experiments/growth/run.py

# Run both commands of the README in new environments: three kernels, one and two threads, oldest and newest versions.
machines *arguments:
    {{python}} .ci/machines.py {{arguments}}

# Run the tests with noise in linear algebra, as other processors round.
rounding *arguments:
    {{python}} -m pytest -p tests.rounding {{arguments}}

# Run the tests with branch coverage, and fail below the floor in pyproject.toml.
coverage:
    {{python}} -m pytest -n 2 --cov --cov-report=term:skip-covered

# Check style, formatting, types and imports.
lint: contracts
    {{bin}}/ruff check .
    {{bin}}/ruff format --check .
    {{bin}}/pyright --pythonpath {{python}}

# Check that imports point down the data flow, without circles.
contracts:
    {{bin}}/lint-imports

# Format the code and sort imports.
format:
    {{bin}}/ruff check --select I --fix .
    {{bin}}/ruff format .

# Build the wheel and the source distribution, and check what they hold.
build:
    rm -rf dist
    {{python}} -m build --outdir dist .
    {{python}} .ci/check_distributions.py dist

# Install the built wheel in a new environment, and run the demo from it in an empty folder.
wheel-demo: build
    bash .ci/demo_from_wheel dist

# Everything that CI checks after the README's second command.
ci: lint coverage wheel-demo

# Plan inside LiteLLM's proxy of a version, in an environment of its own: the loop from its log to the next policy.
litellm version="1.108.7":
    python3 -m venv .venv/litellm-{{version}}
    .venv/litellm-{{version}}/bin/pip install --quiet . 'litellm[proxy]=={{version}}'
    LITELLM_PYTHON={{justfile_directory()}}/.venv/litellm-{{version}}/bin/python {{python}} -m pytest tests/serving/litellm
