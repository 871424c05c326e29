"""The reason why a file beside a checkpoint cannot be used."""

__all__ = ["UnusableAddition"]


class UnusableAddition(Exception):
    """A file has the tensors of an add-on that nothing here can use.

    Attributes:
        reason: Why, as a sentence for a user, such as «its tensor x is missing».
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)
