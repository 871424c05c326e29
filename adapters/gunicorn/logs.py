"""The format of log lines."""

import logging
from typing import Any

__all__ = ["OneLineFormatter", "logging_config"]

_FIELDS = "%(asctime)s %(levelname)s %(name)s %(message)s"


class OneLineFormatter(logging.Formatter):
    """Formats each event as one line, whatever a file's name or a caller's text contains.

    Unprintable characters of a message, such as a line end, are escaped. The lines of a traceback
    follow indented, so that none of them looks like an event.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line, without the traceback."""
        line = super().formatMessage(record)
        return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in line)

    def formatException(self, ei: Any) -> str:
        """Return the traceback, indented."""
        return "\n".join(f"    {line}" for line in super().formatException(ei).splitlines())


def logging_config(*, level: str, log_format: str) -> dict[str, Any]:
    """Return a `logging.config.dictConfig` for the service and gunicorn, on standard error.

    Args:
        level: `DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`.
        log_format: `text`, or `json` for one JSON object per line.
    """
    formatters = {
        "text": {"()": "adapters.gunicorn.logs.OneLineFormatter", "fmt": _FIELDS},
        "json": {"()": "pythonjsonlogger.json.JsonFormatter", "fmt": _FIELDS},
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"line": formatters[log_format]},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "formatter": "line",
                "stream": "ext://sys.stderr",
            }
        },
        "root": {"level": level, "handlers": ["stderr"]},
        "loggers": {
            "gunicorn.error": {"level": level, "handlers": [], "propagate": True},
            # The service logs its own line for each request, with its id and its caller.
            "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
        },
    }
