"""What the configuration of the original code says."""

import random

import pytest
import yaml

from adapters.filesystem.training.yaml_text import parsed_yaml
from domain.checkpoints.training import UnusableTraining, told_by_yaml
from domain.models.training import BetaSchedule, Prediction, Training

DENOISER = """model:
  target: sgm.models.diffusion.DiffusionEngine
  params:
    scale_factor: 0.13025
    denoiser_config:
      target: sgm.modules.diffusionmodules.denoiser.{denoiser}
      params:
        num_idx: 1000
        scaling_config:
          target: sgm.modules.diffusionmodules.denoiser_scaling.{scaling}
        discretization_config:
          target: sgm.modules.diffusionmodules.discretizer.LegacyDDPMDiscretization
"""
V2 = """model:
  base_learning_rate: 1.0e-4
  target: ldm.models.diffusion.ddpm.LatentDiffusion
  params:
    parameterization: "v"
    linear_start: 0.00085
    linear_end: 0.0120
    num_timesteps_cond: 1
    log_every_t: 200
    timesteps: 1000
    first_stage_key: "jpg"
    cond_stage_key: "txt"
    image_size: 64
    channels: 4
    scale_factor: 0.18215
    use_ema: False # we set this to false because this is an inference only config
    cond_stage_config:
      target: ldm.modules.encoders.modules.FrozenOpenCLIPEmbedder
      params: {freeze: True, layer: "penultimate"}
"""
"""As configs/stable-diffusion/v2-inference-v.yaml of Stability-AI/stablediffusion."""


def told(text: str) -> Training | None:
    found = told_by_yaml(parsed_yaml(text.encode()), "name.yaml")
    return None if found is None else found.training


def below(line: str) -> str:
    return f"model:\n  params:\n    {line}\n"


def test_the_published_file_of_768_v() -> None:
    assert told(V2) == Training(
        Prediction.VELOCITY,
        train_steps=1000,
        beta_start=0.00085,
        beta_end=0.012,
        scaling_factor=0.18215,
    )
    found = told_by_yaml(parsed_yaml(V2.encode()), "name.yaml")
    assert found is not None
    assert found.remark is None


@pytest.mark.parametrize(
    ("scaling", "prediction"),
    [("EpsScaling", Prediction.EPSILON), ("VScaling", Prediction.VELOCITY)],
)
def test_the_discrete_denoisers_of_sgm(scaling: str, prediction: Prediction) -> None:
    training = told(DENOISER.format(denoiser="DiscreteDenoiser", scaling=scaling))
    assert training == Training(prediction, scaling_factor=0.13025)


@pytest.mark.parametrize(
    ("scaling", "prediction", "spread"),
    [
        ("EDMScaling", Prediction.EDM, 0.5),
        ("VScalingWithEDMcNoise", Prediction.EDM_VELOCITY, 1.0),
    ],
)
def test_the_continuous_denoisers_of_sgm(
    scaling: str, prediction: Prediction, spread: float
) -> None:
    training = told(DENOISER.format(denoiser="Denoiser", scaling=scaling))
    assert training is not None
    assert training.prediction is prediction
    assert (training.sigma_min, training.sigma_max) == (0.002, 80.0)
    assert training.sigma_data == spread


@pytest.mark.parametrize(
    ("line", "training"),
    [
        ("parameterization: eps", Training(Prediction.EPSILON)),
        ("parameterization: 'x0'", Training(Prediction.SAMPLE)),
        ("zero_terminal_snr: true", Training(zero_terminal_snr=True)),
        ("rescale_betas_zero_snr: off", Training(zero_terminal_snr=False)),
        ("beta_schedule: linear", Training(beta_schedule=BetaSchedule.SCALED_LINEAR)),
        ("beta_schedule: sqrt_linear", Training(beta_schedule=BetaSchedule.LINEAR)),
        ("beta_schedule: cosine", Training(beta_schedule=BetaSchedule.COSINE)),
        ("timesteps: 500", Training(train_steps=500)),
        ("use_ema: true", None),
        ("control_stage_config: {target: cldm.cldm.ControlNet}", None),
    ],
)
def test_each_field(line: str, training: Training | None) -> None:
    assert told(below(line)) == training


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "model: 1",
        "model:\n  params: []",
        "train:\n  model: v",
        "- 1",
        "model: {params: ~}",
    ],
)
def test_another_file_says_nothing(text: str) -> None:
    assert told(text) is None


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("parameterization: flow", "its parameterization is 'flow'; it must be one of eps, v, x0"),
        ("parameterization: [v]", "its parameterization is not a text"),
        ("beta_schedule: sigmoid", "its beta_schedule is 'sigmoid'"),
        ("beta_schedule: {}", "its beta_schedule is not a text"),
        ("linear_start: much", "its linear_start is 'much', which is not a number"),
        ("linear_start: 1e999", "its linear_start is '1e999', which is not a number"),
        ("linear_end: 2", "beta_end is 2.0; it must lie between 0 and 1"),
        ("timesteps: 1000000", "train_steps is 1000000; it must lie between 1 and 10,000"),
        ("timesteps: nan", "its timesteps is 'nan'"),
        ("scale_factor: -1", "scaling_factor is -1.0"),
        ("zero_terminal_snr: 2", "it must be true or false"),
        (
            "denoiser_config: {params: {scaling_config: {target: sgm.RectifiedFlowScaling}}}",
            "its scaling_config is 'sgm.RectifiedFlowScaling'",
        ),
        (
            "denoiser_config: {target: a.DiscreteDenoiser, params: {scaling_config: "
            "{target: a.EDMScaling}}}",
            "its DiscreteDenoiser has continuous noise",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_the_reason(line: str, reason: str) -> None:
    with pytest.raises(UnusableTraining) as caught:
        told(below(line))
    assert caught.value.reason.startswith("name.yaml beside it cannot be used: ")
    assert reason in caught.value.reason


def test_another_layer_of_the_text_encoder_is_remarked() -> None:
    text = below(
        "cond_stage_config: {target: ldm.FrozenCLIPEmbedder, params: {layer: penultimate}}"
    )
    found = told_by_yaml(parsed_yaml(text.encode()), "name.yaml")
    assert found is not None
    assert "another layer of the text encoder ('penultimate')" in str(found.remark)


def test_any_document_is_read_or_refused() -> None:
    chance = random.Random(0)
    keys = ["model", "params", "denoiser_config", "scaling_config", "target", "parameterization"]
    keys += ["linear_start", "timesteps", "beta_schedule", "scale_factor", "cond_stage_config"]

    def value(depth: int) -> object:
        kind = chance.randrange(6 if depth else 3)
        if kind < 3:
            return chance.choice(["v", "eps", "1e3", "-1", "nan", "", "EDMScaling", "x" * 200])
        if kind == 3:
            return [value(depth - 1) for _ in range(chance.randrange(3))]
        return {chance.choice(keys): value(depth - 1) for _ in range(chance.randrange(6))}

    refused = 0
    for _ in range(2000):
        document = {"model": {"params": value(5)}}
        try:
            told_by_yaml(parsed_yaml(yaml.safe_dump(document).encode()), "name.yaml")
        except UnusableTraining:
            refused += 1
    assert 0 < refused < 2000
