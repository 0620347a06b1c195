"""Servers for the demo, the tests and the benchmarks. A server ends with the process it is for."""
