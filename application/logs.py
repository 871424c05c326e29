"""How log lines look."""

from typing import Any

__all__ = ["logging_config"]

_FIELDS = "%(asctime)s %(levelname)s %(name)s %(message)s"


def logging_config(*, level: str, log_format: str) -> dict[str, Any]:
    """A `logging.config.dictConfig` for the service and gunicorn alike, on standard error.

    Args:
        level: `DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`.
        log_format: `text`, or `json` for one JSON object a line.
    """
    formatters = {
        "text": {"format": _FIELDS},
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
            # The service writes its own line for each request, with its id and its caller.
            "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
        },
    }
