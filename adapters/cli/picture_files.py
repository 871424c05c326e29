"""Image files that appear complete, and replace another file only on request."""

import contextlib
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from adapters.cli.errors import CommandError, InputError
from adapters.cli.terminal import plain
from domain.generation.output_formats import OutputFormat
from domain.generation.request import GeneratedImage

__all__ = ["ENDINGS", "destinations", "format_of", "save"]

ENDINGS: Mapping[str, OutputFormat] = MappingProxyType(
    {
        ".png": OutputFormat.PNG,
        ".jpg": OutputFormat.JPEG,
        ".jpeg": OutputFormat.JPEG,
        ".webp": OutputFormat.WEBP,
    }
)
"""The endings of image files; the first of each format is the usual one."""


def format_of(output: Path) -> OutputFormat:
    """Return the format that a file's ending names. Raises InputError for any other ending."""
    wanted = ENDINGS.get(output.suffix.lower())
    if wanted is None:
        raise InputError(
            f"--output is '{plain(str(output))}'; its ending names the format and "
            f"must be one of {', '.join(ENDINGS)}"
        )
    return wanted


def destinations(output: Path, count: int, *, force: bool) -> list[Path]:
    """Return where `count` images go: `output`, or `<stem>-1.png` and so on for several.

    Raises:
        InputError: they could not be written there, or a file is there and `force` is not set.
    """
    if not output.parent.is_dir():
        raise InputError(f"--output: there is no folder '{plain(str(output.parent))}'")
    if not os.access(output.parent, os.W_OK):
        raise InputError(
            f"--output: nothing can be written to the folder '{plain(str(output.parent))}'"
        )
    paths = [output] if count == 1 else _numbered(output, count)
    if directory := next((path for path in paths if path.is_dir()), None):
        raise InputError(f"--output: '{plain(str(directory))}' is a folder")
    if not force and (taken := [path for path in paths if os.path.lexists(path)]):
        raise InputError(_exists(taken[0]))
    return paths


def save(image: GeneratedImage, path: Path, *, force: bool) -> None:
    """Write the image. If this is interrupted, `path` holds all of it or nothing.

    Raises:
        CommandError: it cannot be written, or another file has appeared there in the meantime.
    """
    temporary = path.with_name(f".ai-inference-{secrets.token_hex(8)}.tmp")
    try:
        image.save(temporary)
        if force:
            temporary.replace(path)
        else:
            _move_without_replacing(temporary, path)
    except FileExistsError:
        raise CommandError(_exists(path)) from None
    except OSError as error:
        raise CommandError(f"{plain(str(path))} cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _move_without_replacing(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links, such as FAT
        if os.path.lexists(path):
            raise FileExistsError from None
        temporary.replace(path)


def _exists(path: Path) -> str:
    return f"{plain(str(path))} exists already; --force writes over it"


def _numbered(output: Path, count: int) -> list[Path]:
    return [output.with_name(f"{output.stem}-{n}{output.suffix}") for n in range(1, count + 1)]
