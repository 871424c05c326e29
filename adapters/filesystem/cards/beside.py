"""A card in a file beside the model: `name.json` for `name.safetensors`, and for a folder `name`.

AUTOMATIC1111's web UI stores a user's notes about a model in such a file
(`modules/ui_extra_networks_user_metadata.py`), and its `description` is used unchanged. The file is
not part of the model's id, so it can be changed at any time.
"""

import io
import json
import os
import stat
from dataclasses import dataclass

from adapters.filesystem.cards.fields import card_of
from adapters.filesystem.headers.values import shown
from adapters.filesystem.plain_files import NotAPlainFile, opened_plain
from adapters.filesystem.scan_warnings import ScanWarnings
from domain.models.card import NO_CARD, ModelCard
from domain.models.record import FileStamp

__all__ = ["MAX_CARD_BYTES", "CardsBeside"]

MAX_CARD_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class _Read:
    """The content of a file with this stamp, or what is wrong with it."""

    stamp: FileStamp
    card: ModelCard = NO_CARD
    trouble: str | None = None


class CardsBeside:
    """Reads each file again when it has changed. Reads regular files only."""

    def __init__(self, warnings: ScanWarnings) -> None:
        self._warnings = warnings
        self._read: dict[str, _Read] = {}

    def of(self, model_path: str, told: ModelCard, *, is_folder: bool) -> ModelCard:
        """Return the card of the model at `model_path`: the file beside it, then its own data."""
        stem = model_path if is_folder else os.path.splitext(model_path)[0]
        beside = self._beside(f"{stem}.json")
        return ModelCard(
            description=beside.description or told.description,
            sample_prompts=beside.sample_prompts or told.sample_prompts,
            known_words=beside.known_words or told.known_words,
        )

    def _beside(self, path: str) -> ModelCard:
        try:
            status = os.stat(path)
            if not stat.S_ISREG(status.st_mode):
                return NO_CARD
            stamp = FileStamp.of(status)
            read = self._read.get(path)
            if read is None or read.stamp != stamp:
                read = self._read[path] = _read(path, stamp)
        except OSError:
            self._read.pop(path, None)
            return NO_CARD
        if read.trouble is not None:
            self._warnings.warn(f"{shown(path)} is not read: {read.trouble}")
        return read.card


def _read(path: str, stamp: FileStamp) -> _Read:
    if stamp.size > MAX_CARD_BYTES:
        return _Read(stamp, trouble=f"it has {stamp.size:,} bytes, more than {MAX_CARD_BYTES:,}")
    try:
        with io.BufferedReader(opened_plain(path)) as file:
            content = file.read(MAX_CARD_BYTES)
    except NotAPlainFile:
        return _Read(stamp)
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        return _Read(stamp, trouble="it is not JSON")
    if not isinstance(value, dict):
        return _Read(stamp, trouble="it is not a JSON object")
    return _Read(stamp, card_of(value))
