"""How long one training step takes, here and elsewhere: `python -m benchmarks.steps` (see docs/benchmarks.md).

workloads.py says what is computed, on which numbers; with_<library>.py computes it, each as that library's own users
would write it; measure.py takes the times; __main__.py checks that all compute the same, and prints the table.
"""
