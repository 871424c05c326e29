"""The configuration of the original code in a file beside a checkpoint: `name.yaml`, `name.yml`."""

import os
from dataclasses import dataclass

from adapters.filesystem.beside import FilesBeside, UnreadBeside
from adapters.filesystem.headers.values import shown
from adapters.filesystem.scan_warnings import ScanWarnings
from adapters.filesystem.training.yaml_text import UnreadableYaml, parsed_yaml
from domain.checkpoints.training import Source, Told, UnusableTraining, told_by_yaml
from domain.models.training import Training

__all__ = ["MAX_YAML_BYTES", "ToldBeside", "TrainingsBeside"]

MAX_YAML_BYTES = 64 * 1024
"""The configurations of published models have 2 to 5 kB."""
_EXTENSIONS = (".yaml", ".yml")


@dataclass(frozen=True, slots=True)
class ToldBeside:
    """What a file beside a model says.

    Attributes:
        told: What it says of the training; None for nothing.
        reason: Why the model cannot draw with it, for a user to read; None if it can.
    """

    told: Told | None = None
    reason: str | None = None


class TrainingsBeside:
    """Reads each file again when it has changed."""

    def __init__(self, warnings: ScanWarnings) -> None:
        self._files = FilesBeside(warnings, _parsed, most_bytes=MAX_YAML_BYTES, unread=_unread)

    def of(self, model_path: str) -> ToldBeside | None:
        """Return what the file beside the checkpoint at `model_path` says; None without a file."""
        stem = os.path.splitext(model_path)[0]
        found = (self._files.at(stem + extension) for extension in _EXTENSIONS)
        return next((each for each in found if each is not None), None)


def _parsed(content: bytes, path: str) -> ToldBeside:
    try:
        return ToldBeside(told_by_yaml(parsed_yaml(content), _name(path)))
    except UnreadableYaml as error:
        raise UnreadBeside(str(error)) from error
    except UnusableTraining as error:
        return ToldBeside(reason=error.reason)


def _unread(reason: str, path: str) -> ToldBeside:
    name = _name(path)
    remark = f"has {name} beside it, which has no effect: {reason}"
    return ToldBeside(Told(Source.BESIDE, name, Training(), remark))


def _name(path: str) -> str:
    return shown(os.path.basename(path))
