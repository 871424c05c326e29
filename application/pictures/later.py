"""A source of pictures that is made when a request names the first one."""

from collections.abc import Callable

from domain.ports.picture_source import PictureSource

__all__ = ["LaterPictures"]


class LaterPictures(PictureSource):
    """Asks another source, which `make` returns. Without a picture, no database is opened."""

    def __init__(self, make: Callable[[], PictureSource]) -> None:
        self._make = make

    def read(self, picture_id: str) -> bytes:
        return self._make().read(picture_id)
