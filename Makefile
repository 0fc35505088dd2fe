# Each command is one line of Python; without make, run `python3 tools/house.py <command>`.
PYTHON ?= python3

.PHONY: book pdf test test-full lock reference clean serve bench format
book pdf test test-full lock reference clean serve bench format:
	@"$(PYTHON)" tools/house.py $@

.DEFAULT_GOAL := book
