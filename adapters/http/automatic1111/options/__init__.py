"""The settings of that web UI, as far as there are such here: each caller has its own."""

from adapters.http.automatic1111.options.callers_options import CallersOptions, Options
from adapters.http.automatic1111.options.routes import options_blueprint

__all__ = ["CallersOptions", "Options", "options_blueprint"]
