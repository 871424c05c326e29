"""Files of secrets that other processes see complete or not at all."""

import os
from pathlib import Path

__all__ = ["put_first"]


def put_first(temporary: Path, path: Path) -> bool:
    """Give a complete file its name, unless another file already has that name.

    `temporary` is in the same folder, and may still be there afterwards.

    Returns:
        False if another file has the name; that file is left unchanged.

    Raises:
        OSError: the folder is not writable.
    """
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if os.path.lexists(path):
            return False
        temporary.replace(path)
    return True
