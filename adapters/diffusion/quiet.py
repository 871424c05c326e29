"""Silences the log messages of diffusers and transformers, which users do not need."""

import logging

import diffusers.utils.logging
import transformers.utils.logging

__all__ = ["quieten_libraries"]


def quieten_libraries() -> None:
    """Let the libraries log only errors, unless the process has chosen another level.

    Call this before their other modules are imported, because those log during the import.
    """
    for library in (diffusers.utils.logging, transformers.utils.logging):
        if library.get_verbosity() == logging.WARNING:  # the default level of both
            library.set_verbosity_error()
