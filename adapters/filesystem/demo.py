"""The demo models, which are part of the program."""

import os
import secrets
import shutil
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from application.version import NAME

__all__ = ["put_demo"]

_FILE = "demo.safetensors"
_BESIDE = (
    "demo.json",
    "demo-2x.safetensors",
    "demo-aurora.safetensors",
    "demo-blueprint.safetensors",
    "demo-outlines.safetensors",
)
"""The card of the demo model, the upscaler for its pictures, and what it can draw with."""
_CHECKOUT = Path(__file__).resolve().parents[2] / "ai-models"


def put_demo(folder: str | os.PathLike[str]) -> str:
    """Copy the demo model into `folder`, which is created if necessary; return the file's path.

    Existing files are not changed. The model's card and its upscaler go beside it.

    Raises:
        FileNotFoundError: the installation has no demo model.
        OSError: the folder is not writable.
    """
    target = Path(folder) / _FILE
    source = _installed() or (_CHECKOUT / _FILE if (_CHECKOUT / _FILE).is_file() else None)
    if source is None and not target.exists():
        raise FileNotFoundError(
            f"this installation of {NAME} has no {_FILE}; install it again, with its data files"
        )
    if source is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        # The model comes last. Once it is there, so is its card.
        for name in (*_BESIDE, _FILE):
            wanted = target.with_name(name)
            if not wanted.exists() and source.with_name(name).is_file():
                _copy(source.with_name(name), wanted)
    return str(target)


def _copy(source: Path, target: Path) -> None:
    # An incomplete copy is not a model: the scanner looks for other endings.
    temporary = target.with_name(f".{target.name}-{secrets.token_hex(8)}.tmp")
    try:
        shutil.copyfile(source, temporary)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _installed() -> Path | None:
    """Return the path where pip installed it, under any prefix."""
    try:
        listed = files(NAME) or ()
    except PackageNotFoundError:
        return None
    for each in listed:
        if each.name == _FILE and (path := Path(str(each.locate()))).is_file():
            return path
    return None
