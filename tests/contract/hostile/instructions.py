"""Requirements of some tests on the processor."""

import pytest

__all__ = ["skip_without_int8"]

_INT8 = ("avx512_vnni", "avx_vnni", "amx_int8")


def skip_without_int8() -> None:
    """Skip the test if the processor has no 8-bit integer multiplication."""
    import torch

    if not any(map(torch.cpu.get_capabilities().get, _INT8)):
        pytest.skip("this processor has no 8-bit integer multiplication")
