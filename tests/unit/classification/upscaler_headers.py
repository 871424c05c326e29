"""Tensors of published upscalers, as their files name them, and with small or odd numbers.

The names are those of RRDB_ESRGAN_x4_old_arch.pth and RRDB_ESRGAN_x4.pth (xinntao/ESRGAN),
RealESRGAN_x4plus.pth, RealESRGAN_x2plus.pth and realesr-general-x4v3.pth (xinntao/Real-ESRGAN),
BSRGAN.pth (cszn/BSRGAN) and spanx4_ch48.pth (hongyuanyu/SPAN).
"""

from collections.abc import Iterator, Mapping

from adapters.filesystem.headers.reading import TensorFacts

__all__ = ["compact", "new_rrdb", "old_rrdb", "rrdb_of_bsrgan", "span", "under"]

Tensors = dict[str, TensorFacts]


def old_rrdb(
    *,
    blocks: int = 23,
    features: int = 64,
    growth: int = 32,
    doublings: int = 2,
    inputs: int = 3,
    plus: bool = False,
    dtype: str = "float32",
) -> Tensors:
    """ESRGAN's first release: `model.0` to `model.10` for scale 4."""
    last = 3 * doublings + 4
    layers = {"model.0": (features, inputs), f"model.1.sub.{blocks}": (features, features)}
    layers |= {f"model.{3 * number}": (features, features) for number in range(1, doublings + 1)}
    layers |= {f"model.{last - 2}": (features, features), f"model.{last}": (3, features)}
    layers |= _dense("model.1.sub.{}.RDB{}.conv{}.0", blocks, features, growth)
    tensors = _convolutions(layers, dtype)
    if plus:
        for block in range(blocks):
            for part in (1, 2, 3):
                name = f"model.1.sub.{block}.RDB{part}.conv1x1.weight"
                tensors[name] = TensorFacts(dtype, (growth, features, 1, 1))
    return tensors


def new_rrdb(
    *,
    blocks: int = 23,
    features: int = 64,
    growth: int = 32,
    doublings: int = 2,
    inputs: int = 3,
    dtype: str = "float32",
) -> Tensors:
    """The names of Real-ESRGAN and BasicSR."""
    layers = {"conv_first": (features, inputs), "conv_body": (features, features)}
    layers |= {f"conv_up{number}": (features, features) for number in range(1, doublings + 1)}
    layers |= {"conv_hr": (features, features), "conv_last": (3, features)}
    layers |= _dense("body.{}.rdb{}.conv{}", blocks, features, growth)
    return _convolutions(layers, dtype)


def rrdb_of_bsrgan(*, blocks: int = 23, features: int = 64, growth: int = 32) -> Tensors:
    """The names of BSRGAN, scale 4; also those of ESRGAN's second release."""
    layers = {"conv_first": (features, 3), "trunk_conv": (features, features)}
    layers |= {name: (features, features) for name in ("upconv1", "upconv2", "HRconv")}
    layers |= {"conv_last": (3, features)}
    layers |= _dense("RRDB_trunk.{}.RDB{}.conv{}", blocks, features, growth)
    return _convolutions(layers, "float32")


def compact(
    *,
    blocks: int = 32,
    features: int = 64,
    scale: int = 4,
    inputs: int = 3,
    outputs: int | None = None,
    dtype: str = "float32",
) -> Tensors:
    """`realesr-general-x4v3` has 32 blocks, `realesr-animevideov3` has 16."""
    last = 2 * blocks + 2
    layers = {"body.0": (features, inputs)}
    layers |= {f"body.{number}": (features, features) for number in range(2, last, 2)}
    layers |= {f"body.{last}": (3 * scale**2 if outputs is None else outputs, features)}
    tensors = _convolutions(layers, dtype)
    slopes = {f"body.{number}.weight": TensorFacts(dtype, (features,)) for number in _odd(last)}
    return tensors | slopes


def span(*, features: int = 48, scale: int = 4, normalised: bool = True) -> Tensors:
    """SPAN with each convolution as it was trained, and as it was when the file was saved."""
    tensors = _convolutions({"upsampler.0": (3 * scale**2, features)}, "float32")
    tensors |= _convolutions({"conv_cat": (features, 4 * features)}, "float32", kernel=1)
    names = ["conv_1", "conv_2"]
    names += [f"block_{block}.c{part}_r" for block in range(1, 7) for part in (1, 2, 3)]
    for name in names:
        incoming = 3 if name == "conv_1" else features
        tensors |= _convolutions({f"{name}.sk": (features, incoming)}, "float32", kernel=1)
        tensors |= _convolutions({f"{name}.conv.0": (2 * incoming, incoming)}, "float32", kernel=1)
        tensors |= _convolutions({f"{name}.conv.1": (2 * features, 2 * incoming)}, "float32")
        tensors |= _convolutions({f"{name}.conv.2": (features, 2 * features)}, "float32", kernel=1)
        tensors |= _convolutions({f"{name}.eval_conv": (features, incoming)}, "float32")
    if not normalised:
        tensors["no_norm"] = TensorFacts("float32", (1,))
    return tensors


def under(table: str, tensors: Mapping[str, TensorFacts]) -> Tensors:
    """Return the tensors as a file names them that holds them in a table of this name."""
    return {f"{table}.{name}": facts for name, facts in tensors.items()}


def _dense(name: str, blocks: int, features: int, growth: int) -> dict[str, tuple[int, int]]:
    return {
        name.format(block, part, number): (
            features if number == 5 else growth,
            features + (number - 1) * growth,
        )
        for block in range(blocks)
        for part in (1, 2, 3)
        for number in range(1, 6)
    }


def _convolutions(layers: Mapping[str, tuple[int, int]], dtype: str, *, kernel: int = 3) -> Tensors:
    tensors: Tensors = {}
    for name, (outgoing, incoming) in layers.items():
        tensors[f"{name}.weight"] = TensorFacts(dtype, (outgoing, incoming, kernel, kernel))
        tensors[f"{name}.bias"] = TensorFacts(dtype, (outgoing,))
    return tensors


def _odd(last: int) -> Iterator[int]:
    return iter(range(1, last, 2))
