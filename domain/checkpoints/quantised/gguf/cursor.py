"""Reads numbers and texts of a file from its start, within bounds."""

import struct
from typing import BinaryIO

from domain.checkpoints.header_values import UnreadableHeader

__all__ = ["Cursor", "CutOff"]

_WINDOW = 2**20
_LENGTH = 8
_UNPACK = struct.Struct("<Q").unpack_from
_MOST_WORK = 4_000_000
"""Values of all lists together: some seconds of computing. A large vocabulary has 256,000 texts."""


class Cursor:
    """A place in an open file, which moves forwards.

    Args:
        file: The file, open for reading and seekable.
        size: Its bytes. What is claimed beyond them is refused before it is read.
    """

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._work = 0
        self._window = b""
        self._begin = 0
        self._next = 0  # the place in the window

    @property
    def position(self) -> int:
        """The position in the file, in bytes."""
        return self._begin + self._next

    def take(self, count: int) -> bytes:
        """Return the next bytes: at most one window of 1 MiB."""
        self._hold(count)
        begin, self._next = self._next, self._next + count
        return self._window[begin : self._next]

    def number(self, form: str) -> int:
        """Return the next number, of one of `struct`'s formats."""
        (value,) = struct.unpack(f"<{form}", self.take(struct.calcsize(f"<{form}")))
        return value  # type: ignore[no-any-return]

    def text(self, longest: int, what: str) -> str:
        """Return the next text. Raise UnreadableHeader if it is longer, or not UTF-8."""
        length = self.number("Q")
        if length > longest:
            raise UnreadableHeader(
                f"its header has {what} of {length:,} bytes; {longest:,} are the most"
            )
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError as error:
            raise UnreadableHeader(f"its header has {what} that is not UTF-8") from error

    def short_text(self, longest: int) -> str:
        """Return the next text; of a longer one, skipped, nothing."""
        length = self.number("Q")
        if length > longest:
            self.skip(length)
            return ""
        return self.take(length).decode("utf-8", "replace")

    def skip(self, count: int) -> None:
        """Move over bytes, which must be there."""
        self._check(self.position + count)
        if self._next + count <= len(self._window):
            self._next += count
        else:
            self._begin, self._window, self._next = self.position + count, b"", 0

    def skip_texts(self, count: int) -> None:
        """Move over texts."""
        self.spend(count)
        if count * _LENGTH > self._size - self.position:
            raise self._cut_off(self.position + count * _LENGTH)
        left = count
        while left:
            left -= self._skip_texts_in_window(left)
            if left:
                self._hold(_LENGTH)
                self.skip(self.number("Q"))
                left -= 1

    def _skip_texts_in_window(self, most: int) -> int:
        """Move over the texts that lie in the window as a whole; return their number."""
        window, place, unpack = self._window, self._next, _UNPACK
        last, found = len(window) - _LENGTH, 0
        while found < most and place <= last:
            after = place + _LENGTH + unpack(window, place)[0]
            if after > len(window):
                break
            place = after
            found += 1
        self._next = place
        return found

    def spend(self, count: int) -> None:
        """Count values of lists. Raise UnreadableHeader for more than any model's."""
        self._work += count
        if self._work > _MOST_WORK:
            raise UnreadableHeader("its header has longer lists than any model file's")

    def _hold(self, count: int) -> None:
        """Bring the next bytes into the window."""
        if self._next + count <= len(self._window):
            return
        position = self.position
        self._check(position + count)
        self._file.seek(position)
        self._begin, self._next = position, 0
        self._window = self._file.read(min(_WINDOW, self._size - position))
        if len(self._window) < count:
            raise self._cut_off(position + count)

    def _check(self, end: int) -> None:
        if end > self._size:
            raise self._cut_off(end)

    def _cut_off(self, end: int) -> UnreadableHeader:
        return CutOff(promised=end, present=self._size)


class CutOff(UnreadableHeader):
    """The header promises more bytes than the file has.

    Attributes:
        promised: The position to which the file must reach at least.
        present: The bytes that it has.
    """

    def __init__(self, *, promised: int, present: int) -> None:
        self.promised = promised
        self.present = present
        super().__init__(f"its header reaches beyond the file's {present:,} bytes")
