"""Beside the layers: fakes, contract suites and test bases. Only tests and benchmarks import it."""
