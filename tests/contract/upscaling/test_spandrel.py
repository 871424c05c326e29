"""Upscalers of other architectures need spandrel, and equal its own results where it is there."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from adapters.diffusion.devices.device import find_device
from adapters.diffusion.upscaling.loading import load_upscaler
from adapters.diffusion.upscaling.spandrel import is_installed
from adapters.diffusion.upscaling.upscalers import Upscalers
from domain.errors import ModelNotLoadable
from domain.generation.raster import Raster
from tests.contract.upscaling.upscaler_files import record

# spandrel makes its networks in ways that torch warns of.
pytestmark = [pytest.mark.torch, pytest.mark.filterwarnings("ignore::UserWarning")]

needs_spandrel = pytest.mark.skipif(not is_installed(), reason="spandrel is not installed")


def networks() -> dict[str, Any]:
    """Return small networks of four architectures, with random weights, by their names."""
    from spandrel.architectures.DAT import DAT
    from spandrel.architectures.PLKSR import RealPLKSR
    from spandrel.architectures.SAFMN import SAFMN
    from spandrel.architectures.SwinIR import SwinIR

    torch.manual_seed(1)
    return {
        "SwinIR": SwinIR(
            img_size=32,
            embed_dim=24,
            depths=[2, 2],
            num_heads=[2, 2],
            window_size=8,
            mlp_ratio=2,
            upscale=2,
            upsampler="pixelshuffle",
        ),
        "DAT": DAT(
            img_size=32,
            embed_dim=24,
            depth=[2],
            num_heads=[2],
            split_size=[4, 8],
            expansion_factor=2,
            upscale=2,
            upsampler="pixelshuffledirect",
        ),
        "PLKSR": RealPLKSR(dim=16, n_blocks=2, upscaling_factor=4),
        "SAFMN": SAFMN(dim=16, n_blocks=2, upscaling_factor=2),
    }


def saved(network: torch.nn.Module, folder: Path, prefix: str = "") -> Path:
    path = folder / "other.safetensors"
    tensors = {f"{prefix}{name}": each.contiguous() for name, each in network.state_dict().items()}
    save_file(tensors, str(path))
    return path


@needs_spandrel
@pytest.mark.parametrize("name", ["SwinIR", "DAT", "PLKSR", "SAFMN"])
@pytest.mark.parametrize("prefix", ["", "params_ema."])
def test_the_result_is_that_of_spandrel(name: str, prefix: str, tmp_path: Path) -> None:
    network = networks()[name].eval()
    upscaler = load_upscaler(record(saved(network, tmp_path, prefix), "ab" * 32), find_device())
    pixels = torch.randint(0, 256, (40, 56, 3), dtype=torch.uint8)
    scale = upscaler.facts.scale
    with torch.inference_mode():
        source = pixels.permute(2, 0, 1)[None].float() / 255
        direct = network(source)[0, :, : 40 * scale, : 56 * scale].clamp(0, 1)
        found = upscaler(pixels.numpy())
    assert found.shape == (3, 40 * scale, 56 * scale)
    assert float((found - direct).abs().max()) < 1e-4


@needs_spandrel
def test_tiles_have_no_seams(tmp_path: Path) -> None:
    network = networks()["SwinIR"].eval()
    device = find_device()
    upscaler = load_upscaler(record(saved(network, tmp_path), "ab" * 32), device)
    pixels = torch.randint(0, 256, (300, 420, 3), dtype=torch.uint8).numpy()
    whole = upscaler(pixels).clamp(0, 1).permute(1, 2, 0) * 255
    raster = Raster(420, 300, pixels.tobytes())
    tiled = Upscalers(device, lambda _: upscaler).enlarge_by(raster, upscaler)
    found = torch.frombuffer(bytearray(tiled.pixels), dtype=torch.uint8).reshape(600, 840, 3)
    assert float((found - whole).abs().mean()) < 1


@needs_spandrel
def test_a_file_that_spandrel_cannot_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    names = ("to_feat", "feats.0.safm.mfr.0", "feats.0.ccm.ccm.0", "to_img.0")
    save_file({f"{name}.weight": torch.zeros(2, 2) for name in names}, str(path))
    with pytest.raises(ModelNotLoadable, match="spandrel cannot read it as SAFMN"):
        load_upscaler(record(path, "ab" * 32), find_device())


@pytest.mark.skipif(is_installed(), reason="spandrel is installed")
def test_without_spandrel_the_architecture_and_the_remedy_are_named(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    names = ("to_feat", "feats.0.safm.mfr.0", "feats.0.ccm.ccm.0", "to_img.0")
    save_file({f"{name}.weight": torch.zeros(2, 2) for name in names}, str(path))
    with pytest.raises(ModelNotLoadable, match="SAFMN, for which the library spandrel") as caught:
        load_upscaler(record(path, "ab" * 32), find_device())
    assert "install the extra upscalers" in caught.value.reason
