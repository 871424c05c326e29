"""The operator's settings of models, in a TOML file (https://toml.io/en/v1.0.0)."""

import io
import logging
import os
import tomllib
from pathlib import Path

from adapters.filesystem.plain_files import opened_plain
from adapters.filesystem.scan_warnings import one_line
from application.settings.settings import SettingsError
from domain.models.settings import ModelSettings, WrongSettings, settings_of
from domain.ports.model_settings import ModelSettingsSource, NoModelSettings, SettingsReading

__all__ = ["MAX_FILE_BYTES", "ModelSettingsFile", "model_settings_of"]

MAX_FILE_BYTES = 1_048_576
"""The largest file that is read."""
_Stamp = tuple[int, ...]

_log = logging.getLogger(__name__)


class ModelSettingsFile(ModelSettingsSource):
    """A file with a table for each model. It is read again when it changes.

    If the new file has a fault, the settings of the last file without a fault stay, and the log
    says so once.

    Args:
        path: The path of the file.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self._stamp: _Stamp | None = None
        self._reading: SettingsReading | None = None

    def check(self) -> None:
        """Raise SettingsError if the file has a fault. The error names every fault."""
        try:
            self._tables()
        except WrongSettings as error:
            shown = one_line(str(self._path))
            raise SettingsError(
                f"MODEL_SETTINGS ({shown}): {each}" for each in error.problems
            ) from error

    def read(self) -> SettingsReading:
        stamp = self._stamp_now()
        if self._reading is not None and stamp is not None and stamp == self._stamp:
            return self._reading
        before, self._stamp = self._reading or SettingsReading(), stamp
        try:
            reading = SettingsReading(self._tables())
        except WrongSettings as error:
            problem = f"MODEL_SETTINGS is not followed as it is now: {'; '.join(error.problems)}"
            reading = SettingsReading(before.tables, problem)
        if reading.problem is not None and reading.problem != before.problem:
            _log.warning("%s; the last settings without a fault hold", reading.problem)
        elif reading.problem is None and before.problem is not None:
            _log.info("MODEL_SETTINGS is followed again")
        self._reading = reading
        return reading

    def _stamp_now(self) -> _Stamp | None:
        """Return what differs between two versions of the file; None if it cannot be seen."""
        try:
            told = self._path.stat()
        except OSError:
            return None
        return told.st_dev, told.st_ino, told.st_size, told.st_mtime_ns, told.st_ctime_ns

    def _tables(self) -> tuple[ModelSettings, ...]:
        """Return the settings in the file. Raise WrongSettings."""
        try:
            with io.BufferedReader(opened_plain(str(self._path))) as file:
                data = file.read(MAX_FILE_BYTES + 1)
        except OSError as error:
            fault = error.strerror or type(error).__name__
            raise WrongSettings([f"the file cannot be read: {fault}"]) from error
        if len(data) > MAX_FILE_BYTES:
            raise WrongSettings([f"the file has more than {MAX_FILE_BYTES} bytes"])
        try:
            document = tomllib.loads(data.decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise WrongSettings([f"the file is not UTF-8 at byte {error.start}"]) from error
        except (ValueError, RecursionError) as error:
            fault = one_line(str(error))[:200]
            raise WrongSettings([f"the file is not TOML: {fault}"]) from error
        return settings_of(document)


def model_settings_of(path: str | None) -> ModelSettingsSource:
    """Return the settings in the file at `path`; None for no settings.

    Raises:
        SettingsError: The file has a fault, which ends the start. The error names every fault.
    """
    if path is None:
        return NoModelSettings()
    source = ModelSettingsFile(path)
    source.check()
    return source
