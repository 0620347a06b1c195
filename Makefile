.PHONY: demo test mutants lint types layers docs clean

demo: ## A small shop with customers. One of its pages shows the mails with their codes.
	@sh scripts/venv
	@exec .venv/bin/python -m demo

test: ## All tests that need only Python
	@sh scripts/venv test
	@sh scripts/test

mutants: ## Mutation tests of the folders that decide; takes about two hours
	@sh scripts/mutants

lint:
	@sh scripts/venv dev
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .

types:
	@sh scripts/venv dev
	.venv/bin/mypy

layers: ## Check the direction of imports
	@sh scripts/venv dev
	.venv/bin/lint-imports --no-logo

docs:
	@sh scripts/venv dev
	rm -rf site
	.venv/bin/sphinx-build -W docs site

clean:
	rm -rf .venv .*_cache demo/.data dist site
