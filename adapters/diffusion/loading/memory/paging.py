"""Gives the pages of a mapped file back to the system, once their numbers are copied.

A page of a mapped file counts as memory of the process as long as it stays there. Without this, a
model that is copied from its file would count twice.
"""

import ctypes
import mmap
import sys
from functools import cache
from typing import Any

import torch

__all__ = ["page_out"]

_PAGE_OUT = 21
"""`MADV_PAGEOUT` of Linux 5.4 and later. It keeps what a page holds, whatever it belongs to."""


def page_out(tensor: torch.Tensor) -> None:
    """Tell the system that the memory of a tensor is not needed for now.

    Its numbers stay what they are: the system reads them from the file again when they are used. On
    other systems than Linux nothing happens.
    """
    if (advise := _advise()) is None or tensor.device.type != "cpu":
        return
    first = -(-tensor.data_ptr() // mmap.PAGESIZE) * mmap.PAGESIZE
    last = (tensor.data_ptr() + tensor.nbytes) // mmap.PAGESIZE * mmap.PAGESIZE
    if last > first:
        advise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _PAGE_OUT)


@cache
def _advise() -> Any:
    if sys.platform != "linux":
        return None
    return getattr(ctypes.CDLL(None), "madvise", None)
