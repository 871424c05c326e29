"""The settings of a plain `gunicorn` in this folder; `ai-inference serve` uses the same."""

# ruff: noqa: E402 - the first lines set what Ctrl-C does during the other imports
from adapters.gunicorn import early_signals

early_signals.end_at_once()

from serving import *  # noqa: F403
