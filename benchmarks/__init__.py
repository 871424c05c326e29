"""Benchmarks, each side by side with what a user would run instead. The tests measure no times."""
