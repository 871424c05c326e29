"""How a process of the service ends."""

import os
from typing import NoReturn

__all__ = ["end_process"]


def end_process(error: BaseException | None) -> NoReturn:
    """End this process with the status that `error` asks for, and run none of its other code.

    An orderly interpreter shutdown would free memory that torch's threads still compute with, and
    those threads would abort.
    """
    code = error.code if isinstance(error, SystemExit) else 0
    os._exit(code & 0xFF if isinstance(code, int) else 0 if code is None else 1)
