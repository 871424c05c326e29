"""Errors that use cases behind several routes can raise, for `blueprint.raises`."""

from domain import errors

__all__ = ["DRAWING", "FINDING", "SUBMITTING"]

FINDING = (errors.JobNotFound, errors.StorageUnavailable)
"""Errors of `JobService.find`."""

SUBMITTING = (
    errors.InvalidRequest,  # the model may not support the scheduler
    errors.PictureFileTooLarge,
    errors.ModelNotFound,
    errors.NoModel,
    errors.ModelsNotRead,
    errors.ModelNotLoadable,
    errors.AddonMismatch,
    errors.ModelChanged,  # the file of an add-on
    errors.OutOfMemory,  # the weights do not fit the device
    errors.IdConflict,
    errors.QueueFull,
    errors.ShuttingDown,
    errors.StorageUnavailable,
    errors.StorageInUse,
)
"""Errors of `RequestMaker` and `JobService.submit`."""

DRAWING = (
    errors.ModelChanged,
    errors.OutOfMemory,
    errors.GenerationFailed,
    errors.PictureNotFound,
    errors.DeviceLost,
    errors.DeviceUnavailable,
    errors.JobCancelled,
    errors.TooManyCallers,
)
"""Errors of the wait for the pictures (`WaitingCallers`)."""
