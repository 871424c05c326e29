"""The path of this API, and how the ids of its jobs begin."""

__all__ = ["JOB_PREFIX", "PREFIX"]

PREFIX = "/sdapi/v1"
JOB_PREFIX = "sdapi-"
"""The start of the ids of this API's jobs. `progress` and `interrupt` use these jobs alone."""
