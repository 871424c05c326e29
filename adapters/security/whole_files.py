"""Files of secrets that other processes see whole or not at all."""

import os
from pathlib import Path

__all__ = ["put_first"]


def put_first(temporary: Path, path: Path) -> bool:
    """Give a whole file its name, unless another file has that name already.

    `temporary` lies in the same folder, and may still be there afterwards.

    Returns:
        False where another file has the name; it is left as it is.

    Raises:
        OSError: the folder cannot be written to.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if os.path.lexists(path):
            return False
        temporary.replace(path)
    return True
