"""The paths of this API, and how the ids of its jobs begin."""

__all__ = ["CONTROLNET_PREFIX", "JOB_PREFIX", "PREFIX"]

PREFIX = "/sdapi/v1"
CONTROLNET_PREFIX = "/controlnet"
"""The path of the routes of ControlNet's extension."""
JOB_PREFIX = "sdapi-"
"""The start of the ids of this API's jobs. `progress` and `interrupt` use these jobs alone."""
