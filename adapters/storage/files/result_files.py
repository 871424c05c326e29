"""Finished images as files."""

import logging
import os
import re
import secrets
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from adapters.storage.files.whole_files import synchronise, write_synchronised
from application.ports.result_store import ResultStore
from domain.errors import StorageUnavailable
from domain.generation.request import GeneratedImage

__all__ = ["ResultFiles"]

_TOKEN = re.compile(r"[0-9a-f]{8,64}")
_WRITING = ".writing-"
_THUMBNAIL = ".thumbnail"

_log = logging.getLogger(__name__)


class ResultFiles(ResultStore):
    """`<folder>/<token's first two>/<token>/<number>`, and `<number>.thumbnail` beside it.

    A job's files are written to a temporary folder next to it, synchronised with the disk, and
    appear together when that folder gets its final name.

    Args:
        folder: The folder of all jobs.
        before_commit: Called before new files appear. If it raises, they are dropped.
    """

    def __init__(
        self, folder: str | os.PathLike[str], *, before_commit: Callable[[], None] = lambda: None
    ) -> None:
        self._folder = Path(folder)
        self._before_commit = before_commit

    def write(self, token: str, images: Sequence[GeneratedImage]) -> None:
        final = self._folder_of(token)
        with _translated():
            final.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            new = self._folder / f"{_WRITING}{token}-{secrets.token_hex(4)}"
            new.mkdir(mode=0o700)
            try:
                for number, image in enumerate(images):
                    write_synchronised(new / str(number), image.data)
                self._before_commit()
                # Left by an attempt that was stopped before the job was known to have succeeded.
                shutil.rmtree(final, ignore_errors=True)
                new.rename(final)
                synchronise(final.parent)
            except BaseException:
                shutil.rmtree(new, ignore_errors=True)
                raise

    def read(self, token: str, number: int) -> bytes | None:
        return self._read(token, str(number))

    def write_thumbnail(self, token: str, number: int, data: bytes) -> None:
        folder = self._folder_of(token)
        new = folder / f"{_WRITING}{number}-{secrets.token_hex(4)}"
        with _translated():
            try:
                write_synchronised(new, data)
                self._before_commit()
                new.rename(folder / f"{number}{_THUMBNAIL}")
            except FileNotFoundError:  # the job was removed in the meantime
                return
            except BaseException:
                new.unlink(missing_ok=True)
                raise

    def read_thumbnail(self, token: str, number: int) -> bytes | None:
        return self._read(token, f"{number}{_THUMBNAIL}")

    def remove(self, tokens: Collection[str]) -> None:
        for token in tokens:
            shutil.rmtree(self._folder_of(token), ignore_errors=True)

    def keep_only(self, tokens: Collection[str]) -> None:
        for path in self._folder.glob(f"{_WRITING}*"):
            shutil.rmtree(path, ignore_errors=True)
        others = [
            path
            for path in self._folder.glob("??/*")
            if path.name not in tokens and _TOKEN.fullmatch(path.name)
        ]
        if others and not tokens:
            _log.warning(
                "the job database contains no jobs, so the pictures of %d jobs in %s are kept "
                "for now. If DATABASE_URL was changed or the database moved, stop the service and "
                "bring the old one back, or set a new DATA_DIR; otherwise remove that folder. Once "
                "there is a new job, the next start removes them",
                len(others),
                self._folder.absolute(),
            )
            return
        for path in others:
            shutil.rmtree(path, ignore_errors=True)
        if others:
            _log.info("removed the pictures of %d unknown jobs", len(others))

    def _read(self, token: str, name: str) -> bytes | None:
        with _translated():
            try:
                return (self._folder_of(token) / name).read_bytes()
            except FileNotFoundError:
                return None

    def _folder_of(self, token: str) -> Path:
        if not _TOKEN.fullmatch(token):
            raise ValueError(f"{token!r} is not a job's token")
        return self._folder / token[:2] / token


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        _log.error("the pictures' folder failed: %s", error)
        raise StorageUnavailable(
            f"pictures cannot be stored or read now ({os.strerror(error.errno or 0)})"
        ) from error
