"""What diffusers and transformers say of themselves, which is of no use to whoever draws."""

import logging

import diffusers.utils.logging
import transformers.utils.logging

__all__ = ["quieten_libraries"]


def quieten_libraries() -> None:
    """Let them report errors alone, unless the process has chosen another level.

    For before their other modules are imported: those speak as they are imported.
    """
    for library in (diffusers.utils.logging, transformers.utils.logging):
        if library.get_verbosity() == logging.WARNING:  # both have it where nobody chose
            library.set_verbosity_error()
