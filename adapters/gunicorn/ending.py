"""How a process of the service ends."""

import os
from typing import NoReturn

__all__ = ["end_process"]


def end_process(error: BaseException | None) -> NoReturn:
    """End this process with the status that `error` asks for, and run nothing more of it.

    An orderly end of the interpreter would take the memory from under the threads of torch that
    still compute, and those abort.
    """
    code = error.code if isinstance(error, SystemExit) else 0
    os._exit(code & 0xFF if isinstance(code, int) else 0 if code is None else 1)
