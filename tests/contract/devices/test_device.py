"""The device and the precision that are found."""

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from domain.errors import DeviceUnavailable
from tests.contract.drawing.generating import new_generator

pytestmark = pytest.mark.torch


def test_the_cpu_is_always_available() -> None:
    from adapters.diffusion.devices.device import find_device

    assert find_device("cpu").name == "cpu"


@pytest.mark.parametrize("name", ["float32", "float16", "bfloat16"])
def test_a_requested_precision_is_used(name: str) -> None:
    import torch

    from adapters.diffusion.devices.device import find_device

    assert find_device("cpu", name).dtype is getattr(torch, name)


@pytest.mark.parametrize(
    ("capabilities", "name", "attention"),
    [
        ({"avx512_bf16": True}, "bfloat16", "chunked"),
        ({"avx512_bf16": True, "amx_bf16": True}, "bfloat16", "sdpa"),
        ({"amx_bf16": True}, "bfloat16", "sdpa"),
        ({"bf16": True}, "bfloat16", "sdpa"),
        ({"avx512_bf16": False, "avx2": True}, "float32", "sdpa"),
        ({}, "float32", "sdpa"),
    ],
)
def test_a_cpu_draws_in_bfloat16_with_hardware_support(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], name: str, attention: str
) -> None:
    import torch

    from adapters.diffusion.devices.device import find_device

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    device = find_device("cpu")
    assert device.dtype is getattr(torch, name)
    assert device.plan.attention == attention


@pytest.mark.parametrize(
    ("capabilities", "int8"),
    [
        ({"avx512_vnni": True}, True),
        ({"avx_vnni": True, "avx512_vnni": False}, True),
        ({"amx_int8": True}, True),
        ({"avx512_vnni": False, "avx2": True, "bf16": True}, False),
        ({}, False),
    ],
)
def test_a_cpu_multiplies_integers_with_hardware_support(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], int8: bool
) -> None:
    import torch

    from adapters.diffusion.devices.probe import probe

    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert probe("cpu").int8 is int8


@pytest.mark.parametrize(
    ("cuda", "mps", "found", "dtype"),
    [
        (True, True, "cuda", "float16"),
        (True, False, "cuda", "float16"),
        (False, True, "mps", "float16"),
        (False, False, "cpu", None),
    ],
)
def test_the_best_available_device_is_found(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, found: str, dtype: str | None
) -> None:
    import torch

    from adapters.diffusion.devices.device import find_device

    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: int(cuda))
    there = SimpleNamespace(name="A Fast One", total_memory=2**34, major=8, minor=0)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _device: there)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    device: Any = find_device()
    assert device.name == found
    if dtype is not None:
        assert device.dtype is getattr(torch, dtype)


def test_a_missing_device_is_refused_with_the_available_ones() -> None:
    from adapters.diffusion.devices.device import find_device

    with pytest.raises(DeviceUnavailable, match=r"cuda:99.*there are: .*cpu"):
        find_device("cuda:99")


def test_the_facts_of_this_machine_are_found() -> None:
    from adapters.diffusion.devices.probe import probe

    facts = probe("cpu")
    assert facts.device == "cpu"
    assert facts.name
    assert facts.memory_bytes > 2**28
    assert 1 <= facts.cores <= (os.cpu_count() or 1)


@pytest.mark.parametrize(
    ("files", "cores", "gibibytes"),
    [
        ({"cpu.max": "100000 100000", "memory.max": "1073741824"}, 1, 1),  # of a container
        ({"job.slice/one.service/cpu.max": "150000 100000"}, 1, None),  # of systemd
        (
            {"job.slice/cpu.max": "100000 100000", "job.slice/one.service/cpu.max": "max 100000"},
            1,
            None,
        ),
        (
            {
                "job.slice/one.service/memory.max": "2147483648",
                "job.slice/memory.max": "1073741824",
            },
            8,
            1,
        ),
        ({"other.slice/cpu.max": "100000 100000", "memory.max": "max"}, 8, None),
        ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2, None),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 8, None),
        ({"memory/memory.limit_in_bytes": "1073741824"}, 8, 1),
    ],
    ids=str,
)
def test_the_limit_of_a_control_group_is_used(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    files: dict[str, str],
    cores: int,
    gibibytes: int | None,
) -> None:
    import torch

    from adapters.diffusion.devices import probe as probing

    own = tmp_path / "own"
    own.write_text("12:cpu:/elsewhere\n0::/job.slice/one.service\n")
    for name, text in files.items():
        file = tmp_path / "groups" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.setattr(probing, "_OWN_GROUP", own)
    monkeypatch.setattr(probing, "_GROUPS", tmp_path / "groups")
    monkeypatch.setattr(probing, "_core", lambda cpu: cpu)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: range(8), raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    facts = probing.probe("cpu")
    assert facts.cores == cores
    if gibibytes is None:
        assert facts.memory_bytes > 2**30
    else:
        assert facts.memory_bytes == gibibytes * 2**30


def test_an_unsupported_setting_is_reported_before_drawing() -> None:

    generator = new_generator(device="cpu", offload="model")
    with pytest.raises(DeviceUnavailable, match="offload is model, which is for CUDA"):
        generator.prepare()
    assert generator.device is None
    assert generator.report.plan is None


def test_the_requested_number_of_threads_draws() -> None:
    import torch

    before = torch.get_num_threads()
    try:
        new_generator(device="cpu", threads=1).prepare()
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
