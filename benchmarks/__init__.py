"""Compare the cost of a login with that of other packages: ``python -m benchmarks``."""
