"""The error of what is said of a training."""

__all__ = ["UnusableTraining"]


class UnusableTraining(Exception):
    """What is said of a training cannot be drawn with.

    Attributes:
        reason: Why, for a user to read; continues a sentence about the model.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
