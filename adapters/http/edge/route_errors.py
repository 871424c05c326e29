"""The errors that use cases behind several routes can raise, for `blueprint.raises`."""

from domain import errors

__all__ = ["DRAWING", "FINDING", "SUBMITTING"]

FINDING = (errors.JobNotFound, errors.StorageUnavailable)
"""Of `JobService.find`."""

SUBMITTING = (
    errors.InvalidRequest,  # the model may not take the scheduler
    errors.ModelNotFound,
    errors.NoModel,
    errors.ModelsNotRead,
    errors.ModelNotLoadable,
    errors.IdConflict,
    errors.QueueFull,
    errors.ShuttingDown,
    errors.StorageUnavailable,
    errors.StorageInUse,
)
"""Of `JobService.submit`."""

DRAWING = (
    errors.ModelChanged,
    errors.OutOfMemory,
    errors.GenerationFailed,
    errors.DeviceLost,
    errors.DeviceUnavailable,
    errors.JobCancelled,
    errors.TooManyCallers,
)
"""Of waiting for the pictures, by `WaitingCallers`."""
