from typing import Any

import pytest

pytestmark = pytest.mark.torch

DTYPES = ("float16", "bfloat16", "float32", "float64")


def numbers(dtype: str, *, last: float, shape: tuple[int, ...] = (33, 65)) -> Any:
    import torch

    tensor = torch.ones(shape, dtype=getattr(torch, dtype))
    tensor.view(-1)[-1] = last
    return tensor


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("last", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("shape", [(33, 65), (1,), (2, 3, 4, 5)])
def test_one_number_that_is_not_finite_is_found(
    dtype: str, last: float, shape: tuple[int, ...]
) -> None:
    from adapters.diffusion.loading.weights import is_finite

    assert not is_finite(numbers(dtype, last=last, shape=shape))
    assert not is_finite(numbers(dtype, last=last, shape=shape).transpose(0, -1))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_largest_number_is_finite(dtype: str, sign: int) -> None:
    import torch

    from adapters.diffusion.loading.weights import is_finite

    largest = torch.finfo(getattr(torch, dtype)).max
    assert is_finite(numbers(dtype, last=sign * largest))
    assert is_finite(torch.full((40, 40), sign * largest, dtype=getattr(torch, dtype)))
    assert is_finite(torch.full((40, 40), sign * largest, dtype=getattr(torch, dtype)).T)


def test_no_numbers_are_finite() -> None:
    import torch

    from adapters.diffusion.loading.weights import is_finite

    assert is_finite(torch.empty(0, 7))
