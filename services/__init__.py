"""Servers for the demo, the tests and the benchmarks. Each ends with the process that starts it."""
