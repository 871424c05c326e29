"""Pictures that callers send, as files."""

import logging
import os
import re
import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from adapters.storage.files.whole_files import synchronise, write_synchronised
from application.ports.picture_store import PictureStore
from domain.errors import StorageUnavailable

__all__ = ["PictureFiles"]

_ID = re.compile(r"[0-9a-f]{64}")
_WRITING = ".writing-"

_log = logging.getLogger(__name__)


class PictureFiles(PictureStore):
    """`<folder>/<id's first two>/<id>`.

    A file is written beside its folder, synchronised with the disk, and then gets its name.

    Args:
        folder: The folder of all pictures.
        before_commit: Called before a file appears or goes. If it raises, neither happens.
    """

    def __init__(
        self, folder: str | os.PathLike[str], *, before_commit: Callable[[], None] = lambda: None
    ) -> None:
        self._folder = Path(folder)
        self._before_commit = before_commit

    def write(self, picture_id: str, data: bytes) -> None:
        final = self._path_of(picture_id)
        new = self._folder / f"{_WRITING}{picture_id}-{secrets.token_hex(4)}"
        with _translated():
            final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                write_synchronised(new, data)
                self._before_commit()
                new.replace(final)
                synchronise(final.parent)
            except BaseException:
                new.unlink(missing_ok=True)
                raise

    def read(self, picture_id: str) -> bytes | None:
        with _translated():
            try:
                return self._path_of(picture_id).read_bytes()
            except FileNotFoundError:
                return None

    def has(self, picture_id: str) -> bool:
        with _translated():
            return self._path_of(picture_id).is_file()

    def remove(self, picture_id: str) -> None:
        path = self._path_of(picture_id)
        self._before_commit()  # a removal that was abandoned must not hit a newer file
        self._unlink(path)

    def keep_only(self, picture_ids: Collection[str]) -> None:
        for path in self._folder.glob(f"{_WRITING}*"):
            self._unlink(path)
        others = [
            path
            for path in self._folder.glob("??/*")
            if path.name not in picture_ids and _ID.fullmatch(path.name)
        ]
        for path in others:
            self._unlink(path)
        if others:
            _log.info("removed %d pictures that no caller has", len(others))

    def _unlink(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:  # the next start removes it
            _log.warning("a picture could not be removed: %s", error)

    def _path_of(self, picture_id: str) -> Path:
        if not _ID.fullmatch(picture_id):
            raise ValueError(f"{picture_id[:80]!a} is not a picture's id")
        return self._folder / picture_id[:2] / picture_id


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _log.error("the folder of sent pictures failed: %s", error)
        raise StorageUnavailable(
            f"pictures cannot be stored or read now ({os.strerror(error.errno or 0)})"
        ) from error
