"""A sample of each error. The document shows the service's real answers to them."""

import inspect
from collections.abc import Mapping

from werkzeug import exceptions

from adapters.http.foreign_pages import ForeignPage
from domain import errors

__all__ = ["meaning_of", "sample_of"]

_ID = "my-first-picture"
_SECONDS = 5

_DOMAIN: tuple[errors.DomainError, ...] = (
    errors.InvalidRequest(
        [errors.FieldProblem("num_inference_steps", "is 200; it must lie between 1 and 150")]
    ),
    errors.AddonMismatch(
        [
            errors.FieldProblem(
                "loras[0].model_id",
                "is style.safetensors, which is for sdxl, and model1.ckpt is of the family sd-1; "
                "choose a LoRA for sd-1, or another checkpoint",
            )
        ]
    ),
    errors.Unauthenticated(credential_sent=False),
    errors.ScopeMissing("inference:run"),
    errors.TokenMintingForbidden(),
    errors.LinkNotValid(),
    errors.TokensUnavailable(),
    errors.ModelNotFound("ab" * 32),
    errors.NoModel(),
    errors.ModelNotLoadable("it is a LoRA", "style.safetensors"),
    errors.ModelChanged("model1.ckpt"),
    errors.OutOfMemory("drawing 1024 × 1024 pixels", "NVIDIA T4"),
    errors.GenerationFailed("drawing failed: the device reported an error"),
    errors.DeviceUnavailable("device is 'cuda', which is not there", ("cpu",), ("device",)),
    errors.JobNotFound(_ID),
    errors.DeviceLost("drawing failed, and the device takes no more work from this process"),
    errors.PicturesLost(_ID),
    errors.ModelsNotRead("0" * 64),
    errors.ImageNotFound(_ID, 1, pictures=1),
    errors.ImageNotReady(_ID, "running"),
    errors.JobRunning(_ID, "running"),
    errors.JobNotReadable("width is 4096; it must lie between 256 and 2048"),
    errors.IdConflict(_ID, ("prompt", "output_format"), "png"),
    errors.JobCancelled(_ID),
    errors.UnreadablePicture("is cut off"),
    errors.PictureFileTooLarge(16_777_216),
    errors.PictureNotFound("cd" * 32),
    errors.StorageUnavailable("the job store does not answer"),
    errors.StorageInUse(),
    errors.QueueFull(waiting=64, retry_after=_SECONDS),
    errors.DeadlineUnmet(within=5, predicted=12.5),
    errors.TooManyCallers(),
    errors.ShuttingDown(),
)
_SAMPLES: Mapping[type[Exception], Exception] = {
    **{type(error): error for error in _DOMAIN},
    exceptions.BadRequest: exceptions.BadRequest(
        "the body is not JSON: Expecting value at line 1, column 8"
    ),
    exceptions.RequestEntityTooLarge: exceptions.RequestEntityTooLarge(),
    exceptions.UnsupportedMediaType: exceptions.UnsupportedMediaType(
        "Content-Type is 'text/plain'; send application/json"
    ),
    exceptions.NotAcceptable: exceptions.NotAcceptable(
        "one file can hold only one picture; send Accept: application/json, or set num_images to 1"
    ),
    exceptions.InternalServerError: exceptions.InternalServerError(),
    ForeignPage: ForeignPage(),
}
_MEANINGS: Mapping[type[Exception], str] = {
    errors.InvalidRequest: "One or more fields are wrong; `errors` names each of them.",
    errors.AddonMismatch: "A LoRA, an embedding, a VAE or a ControlNet cannot be used with the "
    "checkpoint; `errors` names each field.",
    errors.ScopeMissing: "The credential is valid, but lacks the scope that this route needs.",
    errors.TokensUnavailable: "Tokens need a `SECRET_KEY`, and none is set.",
    errors.ModelNotLoadable: "The model is there, but it cannot draw; `detail` says why.",
    errors.DeviceUnavailable: "The device that `DEVICE` names is not there.",
    errors.UnreadablePicture: "The picture that you sent cannot be read; `detail` says why.",
    errors.PictureFileTooLarge: "The picture file has more than `MAX_PICTURE_BYTES` bytes.",
    errors.StorageInUse: "Another service uses the same `DATA_DIR`.",
    errors.QueueFull: "The queue is full: `MAX_QUEUE`, or `MAX_QUEUE_PER_CALLER` for your own "
    "jobs.",
    errors.DeadlineUnmet: "The pictures would not be ready within the time that `Prefer` allows.",
    exceptions.BadRequest: "The body is not valid JSON, or it did not arrive whole.",
    exceptions.RequestEntityTooLarge: "The body has more than `MAX_BODY_BYTES` bytes, and more "
    "than the pictures that it may hold.",
    exceptions.UnsupportedMediaType: "`Content-Type` is missing, or is not one that this route "
    "takes.",
    exceptions.NotAcceptable: "`Accept` asks for an image file, and the answer to this request "
    "cannot be such a file.",
    exceptions.InternalServerError: "An unexpected error. The log has it under the `request_id`.",
}


def sample_of(error: type[Exception]) -> Exception:
    """Return a sample of this error. Raise LookupError for a class without a sample."""
    try:
        return _SAMPLES[error]
    except KeyError:
        raise LookupError(
            f"a route says that it raises {error.__name__}; write a sample of it into {__name__}"
        ) from None


def meaning_of(error: type[Exception]) -> str:
    """Return the meaning of an error: a sentence for this API, or its docstring's first line."""
    documented = inspect.cleandoc(error.__doc__ or error.__name__).split("\n")[0]
    return _MEANINGS.get(error, documented)
