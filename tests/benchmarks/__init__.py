"""Benchmarks; ``quality`` is a package, so that its parts can be tested."""
