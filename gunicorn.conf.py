"""What a bare `gunicorn` in this folder finds; `ai-inference serve` has the same from anywhere."""

from serving import *  # noqa: F403
