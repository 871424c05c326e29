"""What a checkpoint's tensors and metadata say of its training."""

import math
import statistics
from collections.abc import Container, Iterator, Mapping, Sequence

from domain.checkpoints.training.deciding import Source, Told
from domain.checkpoints.training.unusable import UnusableTraining
from domain.models.kinds import ModelFamily
from domain.models.training import Prediction, Training

__all__ = ["EDM_MEAN", "EDM_STD", "PROBES", "told_by_file"]

_BIAS = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
"""The tensor whose values distinguish the two forms of Stable Diffusion 2 checkpoints."""
_VELOCITY_ABOVE = 0.09
_STEPS_OF_512_BASE = "875000"
_SIGMA_MAX, _SIGMA_MIN = "edm_vpred.sigma_max", "edm_vpred.sigma_min"
EDM_MEAN, EDM_STD = "edm_mean", "edm_std"
"""The mean and the spread of each channel of the autoencoder's latents, in Playground v2.5."""
PROBES = (_BIAS, _SIGMA_MAX, _SIGMA_MIN, EDM_MEAN, EDM_STD)
"""The tensors whose values listing reads."""

_PLAYGROUND_SCALE = 0.5
"""`scaling_factor` of the autoencoder of playgroundai/playground-v2.5-1024px-aesthetic."""
_LATENT_CHANNELS = 4

_METADATA_NAMES = ("modelspec.prediction_type", "modelspec.predict_key")
"""Stability AI's ModelSpec 1.0 has the first. ComfyUI writes the second."""
_WORDS = {
    "epsilon": Prediction.EPSILON,
    "eps": Prediction.EPSILON,
    "v": Prediction.VELOCITY,
    "v_prediction": Prediction.VELOCITY,
    "v-prediction": Prediction.VELOCITY,
    "v_pred": Prediction.VELOCITY,
    "vpred": Prediction.VELOCITY,
    "velocity": Prediction.VELOCITY,
    "sample": Prediction.SAMPLE,
    "x0": Prediction.SAMPLE,
    "edm": Prediction.EDM,
    "edm_v_prediction": Prediction.EDM_VELOCITY,
    "edm_vpred": Prediction.EDM_VELOCITY,
    "flow": Prediction.FLOW,
    "flow_prediction": Prediction.FLOW,
    "flow_matching": Prediction.FLOW,
    "rectified_flow": Prediction.FLOW,
}
_NOTHING = frozenset({"", "none", "null", "n/a", "unknown"})
_YES, _NO = ("true", "1", "yes"), ("false", "0", "no")


def told_by_file(
    family: ModelFamily | None,
    names: Container[str],
    metadata: Mapping[str, str],
    probes: Mapping[str, Sequence[float]],
) -> tuple[Told, ...]:
    """Return what a checkpoint says of its training.

    The sources, the first one first:

    1. The tensors `edm_mean` and `edm_std` of Playground v2.5; `edm_vpred.sigma_max` and
       `edm_vpred.sigma_min` of CosXL; the empty tensors `v_pred` and `ztsnr`, with which trainers
       mark newer checkpoints. ComfyUI reads all of them (`supported_models.py`).
    2. A file beside it, which is read elsewhere.
    3. The metadata `modelspec.prediction_type`, or `modelspec.predict_key`.
    4. The metadata `ss_v_parameterization` and `ss_zero_terminal_snr` of kohya's sd-scripts.
    5. For Stable Diffusion 2, whose two forms have the same names and shapes, if nothing else says
       what it predicts: the metadata `modelspec.architecture`; then the spread of one bias, which
       is above 0.09 in checkpoints that predict velocity; then the training step, by which
       diffusers recognises 512-base-ema.ckpt (875,000). The bias is ComfyUI's rule. It was found by
       looking at checkpoints, not derived from a principle.

    A Stable Diffusion 2 file without any of them counts as 768-v, as in diffusers and SwarmUI.

    Args:
        family: The family by the header; `SD_2` and `SD_2_V` count as one here.
        names: The names of the file's tensors.
        metadata: The texts beside the tensors.
        probes: The values of those of `PROBES` that the file has.

    Raises:
        UnusableTraining: A tensor holds what no training has.
    """
    told = [*_by_tensors(names, probes), *_by_metadata(metadata)]
    if family in (ModelFamily.SD_2, ModelFamily.SD_2_V):
        told += _by_guess(metadata, probes.get(_BIAS))
    return tuple(told)


def _by_tensors(names: Container[str], probes: Mapping[str, Sequence[float]]) -> Iterator[Told]:
    if EDM_MEAN in names or EDM_STD in names:
        for name in (EDM_MEAN, EDM_STD):
            values = probes.get(name, ())
            if len(values) != _LATENT_CHANNELS or (name == EDM_STD and min(values) <= 0):
                raise UnusableTraining(
                    f"its tensor {name} must hold {_LATENT_CHANNELS} numbers, the {name[4:]} of "
                    "each channel of its latents; download the file again"
                )
        training = Training(Prediction.EDM, scaling_factor=_PLAYGROUND_SCALE).completed()
        yield Told(Source.TENSORS, f"its tensor {EDM_MEAN}", training)
    if _SIGMA_MAX in names or _SIGMA_MIN in names:
        yield Told(Source.TENSORS, f"its tensor {_SIGMA_MAX}", _edm_velocity(names, probes))
    if "v_pred" in names:
        yield Told(Source.TENSORS, "its tensor v_pred", Training(Prediction.VELOCITY))
    if "ztsnr" in names:
        yield Told(Source.TENSORS, "its tensor ztsnr", Training(zero_terminal_snr=True))


def _edm_velocity(names: Container[str], probes: Mapping[str, Sequence[float]]) -> Training:
    least, most = (_bound(name, names, probes) for name in (_SIGMA_MIN, _SIGMA_MAX))
    try:
        # CosXL Edit has these tensors too. Its network takes the picture in the scale of latents.
        return Training(
            Prediction.EDM_VELOCITY, sigma_min=least, sigma_max=most, scales_picture=True
        ).completed()
    except ValueError as error:
        raise UnusableTraining(f"its tensors say what no training has: {error}") from error


def _bound(name: str, names: Container[str], probes: Mapping[str, Sequence[float]]) -> float | None:
    values = probes.get(name, ())
    if name in names and len(values) != 1:
        raise UnusableTraining(
            f"its tensor {name} must hold one number, a bound of its noise; download the file again"
        )
    # The file has float32, which makes 0.0020000000949949026 of 0.002.
    return float(f"{values[0]:.7g}") if values else None


def _by_metadata(metadata: Mapping[str, str]) -> Iterator[Told]:
    for name in _METADATA_NAMES:
        text = metadata.get(name, "").strip()
        if text.lower() in _NOTHING:
            continue
        found = _WORDS.get(text.lower())
        if found is None:
            remark = f"has {text[:40]!a} as {name} in its metadata, which is not known"
            yield _in_metadata(name, Training(), f"{remark} and has no effect")
        else:
            yield _in_metadata(name, Training(found))
    velocity = _switch(metadata, "ss_v_parameterization")
    if velocity is not None:
        prediction = Prediction.VELOCITY if velocity else Prediction.EPSILON
        yield _in_metadata("ss_v_parameterization", Training(prediction))
    pure = _switch(metadata, "ss_zero_terminal_snr")
    if pure is not None:
        yield _in_metadata("ss_zero_terminal_snr", Training(zero_terminal_snr=pure))


def _in_metadata(name: str, training: Training, remark: str | None = None) -> Told:
    return Told(Source.METADATA, f"{name} in its metadata", training, remark)


def _switch(metadata: Mapping[str, str], name: str) -> bool | None:
    text = metadata.get(name, "").strip().lower()
    return True if text in _YES else False if text in _NO else None


def _by_guess(metadata: Mapping[str, str], bias: Sequence[float] | None) -> Iterator[Told]:
    architecture = metadata.get("modelspec.architecture", "")
    if "v2-512" in architecture or "v2-768" in architecture:
        name, velocity = "its metadata", "v2-768" in architecture
    elif bias and all(map(math.isfinite, bias)):
        name, velocity = "the spread of its weights", statistics.pstdev(bias) > _VELOCITY_ABOVE
    elif metadata.get("global_step") == _STEPS_OF_512_BASE:
        name, velocity = "its number of steps", False
    else:
        return
    prediction = Prediction.VELOCITY if velocity else Prediction.EPSILON
    yield Told(Source.GUESS, name, Training(prediction))
