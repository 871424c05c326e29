"""Finds the tensors whose memory is mapped from a file."""

import bisect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import torch

__all__ = ["mapped_tensors"]

_MAPPING = re.compile(r"([0-9a-f]+)-([0-9a-f]+) \S+ \S+ \S+ (\d+) ")
"""A line of `/proc/self/maps` (`proc_pid_maps(5)`): start, end, and the inode of the file."""


def mapped_tensors(tensors: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """Return the tensors that a write to a file may change.

    The libraries that load a folder do not say which tensors they mapped from a file. Linux does.
    On another system every tensor may be mapped, so all are returned.
    """
    found = list(tensors)
    try:
        mappings = list(_mappings_of_files())
    except OSError:
        return found
    starts = [start for start, _ in mappings]
    return [each for each in found if _lies_in(each, mappings, starts)]


def _lies_in(tensor: torch.Tensor, mappings: list[tuple[int, int]], starts: list[int]) -> bool:
    address = tensor.untyped_storage().data_ptr()
    place = bisect.bisect_right(starts, address) - 1
    return place >= 0 and address < mappings[place][1]


def _mappings_of_files() -> Iterator[tuple[int, int]]:
    """Yield the first address of each mapping of a file, and the one after its last."""
    for line in Path("/proc/self/maps").read_text("ascii", errors="replace").splitlines():
        if (each := _MAPPING.match(line)) is not None and int(each[3]):
            yield int(each[1], 16), int(each[2], 16)
