"""The path of this API, and how the ids of its jobs begin."""

__all__ = ["JOB_PREFIX", "PREFIX"]

PREFIX = "/sdapi/v1"
JOB_PREFIX = "sdapi-"
"""How the ids of this API's jobs begin. `progress` and `interrupt` look at these jobs alone."""
