import dataclasses

import pytest

from adapters.diffusion.devices.capacity import weight_bytes, weight_limit
from adapters.diffusion.devices.plan import DeviceFacts, choose_plan
from application.settings.plan_overrides import PlanOverrides

GIB = 2**30
CPU = DeviceFacts(
    device="cpu", name="EPYC", memory_bytes=20 * GIB, bfloat16=True, cores=2, compiler=True
)
OLD_CPU = dataclasses.replace(CPU, bfloat16=False)
GPU = dataclasses.replace(CPU, device="cuda", name="T4", memory_bytes=10 * GIB, bfloat16=False)


@pytest.mark.parametrize(("facts", "narrow", "other"), [(CPU, 2, 2), (OLD_CPU, 4, 4), (GPU, 2, 2)])
def test_weights_need_the_bytes_of_their_precision(
    facts: DeviceFacts, narrow: int, other: int
) -> None:
    plan = choose_plan(facts, PlanOverrides())
    assert weight_bytes(plan, 1000, is_narrow=True) == 1000 * narrow
    assert weight_bytes(plan, 1000, is_narrow=False) == 1000 * other


def test_eight_bits_need_one_byte() -> None:
    facts = dataclasses.replace(CPU, openvino=True, int8=True)
    plan = choose_plan(facts, PlanOverrides(quantization="int8"))
    assert weight_bytes(plan, 1000, is_narrow=True) == 1000
    assert weight_bytes(plan, 1000, is_narrow=False) == 2000


@pytest.mark.parametrize(
    ("facts", "offload", "host", "limit"),
    [
        (CPU, "auto", 64, 18),
        (GPU, "auto", 64, 57.6),
        (GPU, "model", 64, 57.6),
        (GPU, "none", 64, 9),
        (GPU, "auto", 4, 9),
    ],
)
def test_weights_may_take_nine_tenths(
    facts: DeviceFacts, offload: str, host: int, limit: float
) -> None:
    plan = choose_plan(facts, PlanOverrides(offload=offload))
    assert weight_limit(plan, host * GIB) == pytest.approx(limit * GIB)
