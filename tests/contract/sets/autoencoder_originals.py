"""The tensors of published autoencoders, in the names of their authors' code.

Wan-Video/Wan2.1 (`vae.py`), of which Qwen-Image's is made, and mit-han-lab/efficientvit
(`dc_ae.py`), in the form of dc-ae-f32c32-sana-1.0. The autoencoder of FLUX.2
is that of FLUX.1 with statistics.
"""

from collections.abc import Iterator

from tests.contract.sets.originals import vae

__all__ = ["vae_dc", "vae_flux_2", "vae_wan"]

Shape = tuple[int, ...]
Table = dict[str, Shape]
_Tensors = Iterator[tuple[str, Shape]]


def _layer(name: str, rows: int, columns: int, *sides: int) -> _Tensors:
    yield f"{name}.weight", (rows, columns, *sides)
    yield f"{name}.bias", (rows,)


def vae_flux_2(*, widths: tuple[int, ...] = (128, 256, 512, 512), channels: int = 32) -> Table:
    """The autoencoder of FLUX.2 (`flux2-vae.safetensors`)."""
    table = vae(widths=widths, channels=channels)
    table |= dict(_layer("encoder.quant_conv", 2 * channels, 2 * channels, 1, 1))
    table |= dict(_layer("decoder.post_quant_conv", channels, channels, 1, 1))
    squares = 4 * channels
    return table | {"bn.running_mean": (squares,), "bn.running_var": (squares,)}


def vae_wan(*, width: int = 96, layers: int = 2) -> Table:
    """The autoencoder of Wan 2.1 and Qwen-Image (`qwen_image_vae.safetensors`)."""
    multiples, times = (1, 2, 4, 4), (False, True, True)

    def residual(name: str, before: int, after: int) -> _Tensors:
        yield f"{name}.residual.0.gamma", (before, 1, 1, 1)
        yield from _layer(f"{name}.residual.2", after, before, 3, 3, 3)
        yield f"{name}.residual.3.gamma", (after, 1, 1, 1)
        yield from _layer(f"{name}.residual.6", after, after, 3, 3, 3)
        if before != after:
            yield from _layer(f"{name}.shortcut", after, before, 1, 1, 1)

    def middle(side: str, width: int) -> _Tensors:
        yield from residual(f"{side}.middle.0", width, width)
        yield f"{side}.middle.1.norm.gamma", (width, 1, 1)
        yield from _layer(f"{side}.middle.1.to_qkv", 3 * width, width, 1, 1)
        yield from _layer(f"{side}.middle.1.proj", width, width, 1, 1)
        yield from residual(f"{side}.middle.2", width, width)

    def encoder() -> _Tensors:
        yield from _layer("encoder.conv1", width, 3, 3, 3, 3)
        before, place = width, 0
        for level, multiple in enumerate(multiples):
            for _ in range(layers):
                yield from residual(f"encoder.downsamples.{place}", before, multiple * width)
                before, place = multiple * width, place + 1
            if level < len(times):
                name = f"encoder.downsamples.{place}"
                yield from _layer(f"{name}.resample.1", before, before, 3, 3)
                if times[level]:
                    yield from _layer(f"{name}.time_conv", before, before, 3, 1, 1)
                place += 1
        yield from middle("encoder", before)
        yield "encoder.head.0.gamma", (before, 1, 1, 1)
        yield from _layer("encoder.head.2", 32, before, 3, 3, 3)

    def decoder() -> _Tensors:
        before, place = multiples[-1] * width, 0
        yield from _layer("decoder.conv1", before, 16, 3, 3, 3)
        yield from middle("decoder", before)
        for level, multiple in enumerate(reversed(multiples)):
            for _ in range(layers + 1):
                yield from residual(f"decoder.upsamples.{place}", before, multiple * width)
                before, place = multiple * width, place + 1
            if level < len(times):
                name = f"decoder.upsamples.{place}"
                yield from _layer(f"{name}.resample.1", before // 2, before, 3, 3)
                if times[-1 - level]:
                    yield from _layer(f"{name}.time_conv", 2 * before, before, 3, 1, 1)
                before, place = before // 2, place + 1
        yield "decoder.head.0.gamma", (width, 1, 1, 1)
        yield from _layer("decoder.head.2", 3, width, 3, 3, 3)

    def all_of() -> _Tensors:
        yield from encoder()
        yield from _layer("conv1", 32, 32, 1, 1, 1)
        yield from _layer("conv2", 16, 16, 1, 1, 1)
        yield from decoder()

    return dict(all_of())


def vae_dc(
    *,
    widths: tuple[int, ...] = (128, 256, 512, 512, 1024, 1024),
    down: tuple[int, ...] = (2, 2, 2, 3, 3, 3),
    up: tuple[int, ...] = (3, 3, 3, 3, 3, 3),
    attending: int = 3,
    channels: int = 32,
) -> Table:
    """The autoencoder of SANA (`dc-ae-f32c32-sana-1.0`)."""

    def residual(name: str, width: int) -> _Tensors:
        yield from _layer(f"{name}.main.conv1.conv", width, width, 3, 3)
        yield f"{name}.main.conv2.conv.weight", (width, width, 3, 3)
        yield from _layer(f"{name}.main.conv2.norm", width, 1)

    def attention(name: str, width: int) -> _Tensors:
        inner = f"{name}.context_module.main"
        yield f"{inner}.qkv.conv.weight", (3 * width, width, 1, 1)
        yield f"{inner}.aggreg.0.0.weight", (3 * width, 1, 5, 5)
        yield f"{inner}.aggreg.0.1.weight", (3 * width, 32, 1, 1)
        yield f"{inner}.proj.conv.weight", (width, 2 * width, 1, 1)
        yield from _layer(f"{inner}.proj.norm", width, 1)
        local = f"{name}.local_module.main"
        yield from _layer(f"{local}.inverted_conv.conv", 8 * width, width, 1, 1)
        yield from _layer(f"{local}.depth_conv.conv", 8 * width, 1, 3, 3)
        yield f"{local}.point_conv.conv.weight", (width, 4 * width, 1, 1)
        yield from _layer(f"{local}.point_conv.norm", width, 1)

    def blocks(stage: str, first: int, number: int, level: int) -> _Tensors:
        block = attention if level >= len(widths) - attending else residual
        for place in range(first, first + number):
            yield from block(f"{stage}.op_list.{place}", widths[level])

    def all_of() -> _Tensors:
        top = len(widths) - 1
        yield from _layer("encoder.project_in.conv", widths[0], 3, 3, 3)
        for level, number in enumerate(down):
            stage = f"encoder.stages.{level}"
            yield from blocks(stage, 0, number, level)
            if level < top:
                after = f"{stage}.op_list.{number}.main.conv"
                yield from _layer(after, widths[level + 1], widths[level], 3, 3)
        yield from _layer("encoder.project_out.main.op_list.0.conv", channels, widths[-1], 3, 3)
        yield from _layer("decoder.project_in.main.conv", widths[-1], channels, 3, 3)
        for level, number in enumerate(up):
            stage = f"decoder.stages.{level}"
            if level < top:
                before = f"{stage}.op_list.0.main.conv.conv"
                yield from _layer(before, widths[level], widths[level + 1], 3, 3)
            yield from blocks(stage, int(level < top), number, level)
        yield from _layer("decoder.project_out.op_list.0", widths[0], 1)
        yield from _layer("decoder.project_out.op_list.2.conv", 3, widths[0], 3, 3)

    table = dict(all_of())
    # A norm has one number for a channel.
    norms = (".norm.weight", "decoder.project_out.op_list.0.weight")
    return {name: shape[:1] if name.endswith(norms) else shape for name, shape in table.items()}
