"""What the terminal is told when a command cannot do what it was asked."""

from collections.abc import Mapping
from dataclasses import dataclass

import click

from adapters.cli.terminal import plain
from domain import errors
from domain.errors import DomainError, StorageFault, Wording, row_of

__all__ = ["ERRORS", "INTERRUPTED", "CommandError", "InputError", "error_of", "told"]

INTERRUPTED = 130
"""What shells report of a program that Ctrl-C ended: 128 and the number of SIGINT."""


class CommandError(click.ClickException):
    """The command was asked well and did not succeed."""

    exit_code = 1


class InputError(click.ClickException):
    """An argument, or a setting, is wrong."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class _Row:
    raised: type[CommandError | InputError]
    words: Wording


def _fails(remedy: str = "", says: str = "") -> _Row:
    return _Row(CommandError, _words(remedy, says))


def _wrong(remedy: str = "", says: str = "") -> _Row:
    return _Row(InputError, _words(remedy, says))


def _words(remedy: str, says: str) -> Wording:
    return Wording(remedy, (lambda _: says) if says else str)


_LIST = "`ai-inference models` lists the models"
_AGAIN = "run the command again"
_STORAGE = {
    StorageFault.PASSING: _AGAIN,
    StorageFault.NEWER: "run the release that wrote it; or set a new DATA_DIR, with a new "
    "DATABASE_URL where that is set: with a new database alone the pictures are lost",
    StorageFault.FOLDER: "see DATA_DIR",
    StorageFault.LINK_KEY: "remove the file from DATA_DIR if it is damaged; the service makes "
    "another one",
}


def _memory(error: errors.OutOfMemory) -> str:
    if error.is_of_the_model:
        return "choose a smaller model"
    smaller = "ask for a smaller --width and --height, or a smaller --number"
    return f"set VAE_TILING=auto, or {smaller}" if error.tiling_helps else smaller


def _precision(error: errors.GenerationFailed) -> str:
    if not error.overflowed or error.overflowed.endswith("float32"):
        return ""
    return "DTYPE=float32 helps when the model is sound"


def _device(error: errors.DeviceUnavailable) -> str:
    return "DEVICE=auto takes the best" if error.available else ""


def _settings(error: errors.DeviceUnavailable) -> str:
    return error.named(str.upper)


ERRORS: Mapping[type[DomainError], _Row] = {
    errors.InvalidRequest: _wrong(),
    errors.AddonMismatch: _wrong(),
    errors.Unauthenticated: _wrong("make a new token with `ai-inference token`"),
    errors.ScopeMissing: _wrong("name it with --scope"),
    errors.TokenMintingForbidden: _wrong(),
    errors.LinkNotValid: _fails("ask for the picture again"),
    errors.TokensUnavailable: _wrong(
        "a token needs the SECRET_KEY of the service", "SECRET_KEY is not set"
    ),
    errors.ModelNotFound: _wrong(_LIST),
    errors.NoModel: _wrong(
        "put a checkpoint into a folder of MODEL_DIRS, or let `ai-inference demo` put a small one "
        "there. `ai-inference models` lists what lies there"
    ),
    errors.ModelNotLoadable: _fails(),
    errors.ModelChanged: _fails(f"`ai-inference models` has its new id; {_AGAIN}"),
    errors.OutOfMemory: _Row(CommandError, Wording(_memory)),
    errors.GenerationFailed: _Row(CommandError, Wording(_precision)),
    errors.DeviceLost: _fails(_AGAIN),
    errors.DeviceUnavailable: _Row(CommandError, Wording(_device, _settings)),
    errors.JobNotFound: _wrong(),
    errors.ImageNotFound: _wrong(),
    errors.ImageNotReady: _fails("wait until it has succeeded"),
    errors.JobRunning: _fails("wait until it has ended"),
    errors.JobNotReadable: _fails("run that release"),
    errors.PicturesLost: _fails("draw them again"),
    errors.IdConflict: _wrong("choose another id"),
    errors.JobCancelled: _fails(_AGAIN),
    errors.UnreadablePicture: _wrong("name a PNG, JPEG or WebP file"),
    errors.PictureFileTooLarge: _wrong("name a smaller one, or raise MAX_PICTURE_BYTES"),
    errors.PictureNotFound: _wrong("name its file"),
    errors.StorageUnavailable: _Row(
        CommandError, Wording(lambda error: _STORAGE[StorageFault(error.fault)])
    ),
    errors.StorageInUse: _fails(
        "stop that one, or start this one with another DATA_DIR",
        "another service uses the same DATA_DIR",
    ),
    errors.QueueFull: _fails(_AGAIN),
    errors.DeadlineUnmet: _fails("allow more time"),
    errors.TooManyCallers: _fails(_AGAIN),
    errors.ModelsNotRead: _fails(f"{_AGAIN} in a moment. {_LIST}"),
    errors.ShuttingDown: _fails("start it again"),
}
"""How a command ends that meets an error of each class, what is said of it, and its remedy."""


def told(error: DomainError) -> str:
    """The error in the words of the terminal."""
    return plain(row_of(ERRORS, error).words.of(error))


def error_of(error: DomainError) -> CommandError | InputError:
    """How a command ends that meets this error."""
    return row_of(ERRORS, error).raised(told(error))
