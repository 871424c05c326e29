"""The demo model, which is part of the program."""

import os
import secrets
import shutil
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

from application.version import NAME

__all__ = ["put_demo"]

_FILE = "demo.safetensors"
_CARD = "demo.json"
_CHECKOUT = Path(__file__).resolve().parents[2] / "ai-models" / _FILE


def put_demo(folder: str | os.PathLike[str]) -> str:
    """Copy the demo model into `folder`, which is created if necessary; return the file's path.

    An existing file of that name is not changed. The model's card goes beside it.

    Raises:
        FileNotFoundError: the installation has no demo model.
        OSError: the folder is not writable.
    """
    target = Path(folder) / _FILE
    if target.exists():
        return str(target)
    source = _installed() or (_CHECKOUT if _CHECKOUT.is_file() else None)
    if source is None:
        raise FileNotFoundError(
            f"this installation of {NAME} has no {_FILE}; install it again, with its data files"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    card = target.with_name(_CARD)
    if not card.exists() and source.with_name(_CARD).is_file():
        _copy(source.with_name(_CARD), card)
    _copy(source, target)
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
