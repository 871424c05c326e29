"""What a bare `gunicorn` in this folder finds; `ai-inference serve` has the same from anywhere."""

# ruff: noqa: E402 - the first lines say what Ctrl-C does while the rest is imported
from adapters.gunicorn import early_signals

early_signals.end_at_once()

from serving import *  # noqa: F403
