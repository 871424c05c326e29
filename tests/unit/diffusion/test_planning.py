"""Execution plans for machines that are not here."""

import dataclasses

import pytest

from adapters.diffusion.devices.plan import DeviceFacts, choose_offload, choose_plan, usable_cores
from application.settings.plan_overrides import PlanOverrides
from domain.errors import DeviceUnavailable

GIB = 2**30
CPU = DeviceFacts(
    device="cpu", name="AMD EPYC", memory_bytes=23 * GIB, bfloat16=False, cores=2, compiler=True
)
BFLOAT16_CPU = dataclasses.replace(CPU, bfloat16=True)
EPYC = dataclasses.replace(BFLOAT16_CPU, name="EPYC", fused_bfloat16=False)
OPENVINO = dataclasses.replace(CPU, openvino=True)
VNNI = dataclasses.replace(OPENVINO, int8=True)
A100 = DeviceFacts(
    device="cuda", name="A100", memory_bytes=80 * GIB, bfloat16=True, cores=16, compiler=True
)
T4 = dataclasses.replace(A100, name="T4", memory_bytes=15 * GIB, bfloat16=False)
MAC = DeviceFacts(
    device="mps", name="M4", memory_bytes=32 * GIB, bfloat16=False, cores=8, compiler=False
)
LARGE_MAC = dataclasses.replace(MAC, memory_bytes=64 * GIB)


@pytest.mark.parametrize(
    ("facts", "dtype", "wide", "memory_format", "attention", "offload", "threads", "batch"),
    [
        (CPU, "float32", "float32", "channels_last", "sdpa", "none", 2, 1),
        (BFLOAT16_CPU, "bfloat16", "bfloat16", "channels_last", "sdpa", "none", 2, 1),
        (EPYC, "bfloat16", "bfloat16", "channels_last", "chunked", "none", 2, 1),
        (A100, "float16", "bfloat16", "channels_last", "sdpa", "auto", None, 8),
        (T4, "float16", "float32", "channels_last", "sdpa", "auto", None, 8),
        (MAC, "float16", "float32", "contiguous", "sliced", "none", None, 4),
        (LARGE_MAC, "float16", "float32", "contiguous", "sdpa", "none", None, 4),
    ],
    ids=lambda value: value.name if isinstance(value, DeviceFacts) else None,
)
def test_each_device_has_its_plan(
    facts: DeviceFacts,
    dtype: str,
    wide: str,
    memory_format: str,
    attention: str,
    offload: str,
    threads: int | None,
    batch: int,
) -> None:
    plan = choose_plan(facts, PlanOverrides())
    assert (plan.device, plan.device_name) == (facts.device, facts.name)
    assert (plan.dtype, plan.vae_dtype, plan.vae_dtype_of_wide_range) == (dtype, dtype, wide)
    assert (plan.memory_format, plan.attention) == (memory_format, attention)
    assert (plan.offload, plan.vae_tiling, plan.compiled) == (offload, "auto", False)
    assert (plan.threads, plan.batch_limit, plan.backend) == (threads, batch, "torch")


@pytest.mark.parametrize(
    "wanted",
    [
        {"dtype": "float32"},
        {"dtype": "bfloat16", "vae_dtype": "float32"},
        {"memory_format": "contiguous"},
        {"attention": "sliced"},
        {"vae_tiling": "on"},
        {"vae_tiling": "off"},
        {"offload": "none"},
        {"offload": "model"},
        {"compile": True},
        {"threads": 5},
        {"backend": "torch"},
    ],
    ids=str,
)
def test_operator_overrides_are_used(wanted: dict[str, object]) -> None:
    plan = choose_plan(A100, PlanOverrides(**wanted))  # type: ignore[arg-type]
    names = {"compile": "compiled"}
    assert {name: getattr(plan, names.get(name, name)) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("facts", "wanted", "backend"),
    [
        (OPENVINO, {}, "torch"),
        (OPENVINO, {"backend": "torch"}, "torch"),
        (OPENVINO, {"backend": "openvino"}, "openvino"),
        (OPENVINO, {"backend": "openvino", "dtype": "bfloat16"}, "openvino"),
        (VNNI, {}, "torch"),
        (VNNI, {"quantization": "int8"}, "openvino"),
        (VNNI, {"quantization": "int8", "backend": "openvino"}, "openvino"),
        (VNNI, {"quantization": "none"}, "torch"),
        (CPU, {}, "torch"),
    ],
)
def test_the_backend_of_each_device(
    facts: DeviceFacts, wanted: dict[str, object], backend: str
) -> None:
    assert choose_plan(facts, PlanOverrides(**wanted)).backend == backend  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("wanted", "attention"),
    [
        ({"attention": "sdpa"}, "sdpa"),
        ({"dtype": "float32"}, "sdpa"),
        ({"compile": True}, "sdpa"),
        ({"backend": "openvino"}, "sdpa"),
        ({"dtype": "float32", "attention": "chunked"}, "chunked"),
    ],
    ids=str,
)
def test_attention_is_chunked_only_where_that_is_faster(
    wanted: dict[str, object], attention: str
) -> None:
    facts = dataclasses.replace(EPYC, openvino=True)
    assert choose_plan(facts, PlanOverrides(**wanted)).attention == attention  # type: ignore[arg-type]


@pytest.mark.parametrize("wanted", ["auto", "none", "int8"])
def test_integer_multiplication_is_used_only_on_request(wanted: str) -> None:
    plan = choose_plan(VNNI, PlanOverrides(quantization=wanted))
    assert (plan.quantization, plan.dtype) == ("int8" if wanted == "int8" else "none", "float32")


@pytest.mark.parametrize(
    ("facts", "wanted", "dtype"),
    [
        (A100, "auto", "bfloat16"),
        (T4, "auto", "float16"),
        (MAC, "auto", "float16"),
        (CPU, "auto", "float32"),
        (BFLOAT16_CPU, "auto", "bfloat16"),
        (A100, "float16", "float16"),
        (A100, "float32", "float32"),
    ],
)
def test_other_pipelines_use_a_precision_with_a_wide_range(
    facts: DeviceFacts, wanted: str, dtype: str
) -> None:
    assert choose_plan(facts, PlanOverrides(dtype=wanted)).dtype_of_others == dtype


def test_a_requested_batch_limit_is_used() -> None:
    assert choose_plan(CPU, PlanOverrides(max_batch=3)).batch_limit == 3


@pytest.mark.parametrize(
    ("dtype", "vae_dtype", "plain", "wide"),
    [
        ("auto", "float32", "float32", "float32"),
        ("auto", "float16", "float16", "float16"),
        ("float32", "auto", "float32", "float32"),
        ("bfloat16", "auto", "bfloat16", "bfloat16"),
    ],
)
def test_the_autoencoder_has_its_own_precision(
    dtype: str, vae_dtype: str, plain: str, wide: str
) -> None:
    plan = choose_plan(A100, PlanOverrides(dtype=dtype, vae_dtype=vae_dtype))
    assert (plan.vae_dtype, plan.vae_dtype_of_wide_range) == (plain, wide)


@pytest.mark.parametrize(
    ("facts", "wanted", "words"),
    [
        (CPU, {"offload": "model"}, ["offload is model", "for CUDA"]),
        (MAC, {"offload": "model"}, ["offload is model", "for CUDA"]),
        (A100, {"offload": "model", "compile": True}, ["offload is model", "compile is true"]),
        (CPU, {"attention": "chunked", "compile": True}, ["attention is chunked", "compile"]),
        (A100, {"attention": "chunked"}, ["attention is chunked", "leave it out on cuda"]),
        (MAC, {"attention": "chunked"}, ["attention is chunked", "leave it out on mps"]),
        (OPENVINO, {"attention": "chunked", "backend": "openvino"}, ["attention is chunked"]),
        (MAC, {"memory_format": "channels_last"}, ["memory_format is channels_last"]),
        (MAC, {"compile": True}, ["compile is true", "leave it out on mps"]),
        (
            dataclasses.replace(CPU, compiler=False),
            {"compile": True},
            ["compile is true", "g++ or clang++"],
        ),
        (dataclasses.replace(A100, compiler=False), {"compile": True}, ["triton"]),
        (CPU, {"backend": "openvino"}, ["backend is openvino", "extra openvino"]),
        (A100, {"backend": "openvino"}, ["backend is openvino", "leave it out on cuda"]),
        (OPENVINO, {"backend": "openvino", "compile": True}, ["backend", "compile is true"]),
        (OPENVINO, {"backend": "openvino", "dtype": "float16"}, ["float32 or bfloat16"]),
        (OPENVINO, {"backend": "openvino", "vae_dtype": "float16"}, ["float32 or bfloat16"]),
        (CPU, {"quantization": "int8"}, ["quantization is int8", "extra openvino"]),
        (OPENVINO, {"quantization": "int8"}, ["quantization is int8", "no instructions"]),
        (A100, {"quantization": "int8"}, ["quantization is int8", "leave it out on cuda"]),
        (VNNI, {"quantization": "int8", "backend": "torch"}, ["backend is torch", "leave one out"]),
        (
            A100,
            {"quantization": "int8", "backend": "torch"},
            ["backend is torch", "leave it out on cuda"],
        ),
        (
            A100,
            {"quantization": "int8", "backend": "openvino"},
            ["backend is openvino and quantization is int8", "leave both out on cuda"],
        ),
        (VNNI, {"quantization": "int8", "compile": True}, ["quantization", "compile is true"]),
        (VNNI, {"quantization": "int8", "dtype": "float16"}, ["quantization", "bfloat16"]),
        (VNNI, {"quantization": "int8", "attention": "chunked"}, ["attention is chunked"]),
        (
            MAC,
            {"compile": True, "memory_format": "channels_last"},
            ["compile", "memory_format"],
        ),
    ],
)
def test_an_unsupported_setting_is_named(
    facts: DeviceFacts, wanted: dict[str, object], words: list[str]
) -> None:
    with pytest.raises(DeviceUnavailable) as caught:
        choose_plan(facts, PlanOverrides(**wanted))  # type: ignore[arg-type]
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("wanted", "parts", "offload"),
    [
        ("auto", {"unet": 5, "text_encoder": 3}, "none"),
        ("auto", {"unet": 5, "text_encoder": 4}, "model"),
        ("auto", {"unet": 8, "text_encoder": 8}, "model"),
        ("none", {"unet": 900}, "none"),
        ("model", {"unet": 1}, "model"),
    ],
)
def test_weights_are_offloaded_if_they_do_not_fit(
    wanted: str, parts: dict[str, int], offload: str
) -> None:
    sizes = {name: size * GIB for name, size in parts.items()}
    assert choose_offload(wanted, sizes, 10 * GIB) == offload


@pytest.mark.parametrize(
    ("cpus", "quota", "cores"),
    [
        (range(8), None, 4),
        (range(3), None, 3),
        ([0, 4], None, 1),
        (range(8), 2.5, 2),
        (range(8), 0.5, 1),
        (range(8), 100.0, 4),
    ],
)
def test_there_are_as_many_threads_as_usable_cores(
    cpus: list[int], quota: float | None, cores: int
) -> None:
    assert usable_cores(cpus, lambda cpu: cpu % 4, quota) == cores
