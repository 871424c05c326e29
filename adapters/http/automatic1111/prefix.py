"""Where the door is, and what tells its jobs from others."""

__all__ = ["JOB_PREFIX", "PREFIX"]

PREFIX = "/sdapi/v1"
JOB_PREFIX = "sdapi-"
"""Of the ids of this door's jobs, which `progress` and `interrupt` are about."""
