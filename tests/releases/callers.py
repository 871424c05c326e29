"""The two callers whose jobs the releases hold. Their keys are good for nothing else."""

__all__ = ["FIRST", "SECOND"]

FIRST = "first-caller-of-the-release-tests"
SECOND = "second-caller-of-the-release-tests"
