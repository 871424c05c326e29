"""The web UI's settings that this service supports. Each caller has its own."""

from adapters.http.automatic1111.options.callers_options import (
    CLIP_SKIP_OPTION,
    VAE_OPTION,
    CallersOptions,
    Options,
)
from adapters.http.automatic1111.options.routes import options_blueprint

__all__ = [
    "CLIP_SKIP_OPTION",
    "VAE_OPTION",
    "CallersOptions",
    "Options",
    "options_blueprint",
]
