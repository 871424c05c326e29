"""Single files are drawn as they say that they were trained, wherever they say it."""

import dataclasses
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from adapters.diffusion.sampling import new_scheduler
from domain.models.record import ModelRecord
from domain.models.training import Prediction, Training
from domain.samplers import Scheduler
from tests.contract.drawing.generating import new_generator
from tests.contract.trainings.test_folders_own_scheduler import for_stable_diffusion
from tests.contract.trainings.tiny import (
    STEPS,
    drawn,
    latents_of_diffusers,
    listed,
    of_diffusers,
    save_file,
)

pytestmark = pytest.mark.torch

APART = 0.5
# The noise of the demo checkpoint, whose networks these files have.
SD: Mapping[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.02,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
    "timestep_spacing": "trailing",
}
EMBEDDED = "scheduler/scheduler_config.json"
MEAN, SPREAD = [-1.5, 1.9, -1.4, 2.5], [8.5, 5.9, 6.5, 5.2]


EULER: tuple[Scheduler, str, Mapping[str, object]]
EULER = (Scheduler.EULER, "EulerDiscreteScheduler", {})
DDIM: tuple[Scheduler, str, Mapping[str, object]] = (
    Scheduler.DDIM,
    "DDIMScheduler",
    {"clip_sample": False, "set_alpha_to_one": False},
)


@dataclass(frozen=True)
class Told:
    """What is told, and what diffusers must be told to draw the same.

    Attributes:
        training: The training that the record must have.
        theirs: A scheduler's options of diffusers, by the name of the sampler; None for the
            default. The class is the first of them.
        tensors: Makes the tensors that say it; None if tensors cannot.
        embedded: The fields of the embedded scheduler that say it; None if it cannot.
        yaml: The lines below `params:` that say it; None if a file beside it cannot.
        vae: The scale, the mean and the spread of the latents; None for the plain scale.
    """

    training: Mapping[str, object]
    theirs: Mapping[Scheduler | None, tuple[str, Mapping[str, Any]]]
    tensors: Callable[[], Mapping[str, Any]] | None = None
    embedded: Mapping[str, object] | None = None
    yaml: str | None = None
    vae: Mapping[str, Any] | None = None


def discrete(
    another: tuple[Scheduler, str, Mapping[str, object]] = EULER, **more: object
) -> Mapping[Scheduler | None, tuple[str, Mapping[str, Any]]]:
    name, kind, options = another
    return {
        None: ("DPMSolverMultistepScheduler", {**SD, **more}),
        name: (kind, {**SD, **more, **options}),
    }


def continuous(
    default: Scheduler, **options: object
) -> Mapping[Scheduler | None, tuple[str, Mapping[str, Any]]]:
    found: dict[Scheduler | None, tuple[str, Mapping[str, Any]]] = {
        Scheduler.EULER: ("EDMEulerScheduler", options),
        Scheduler.DPMPP_2M: ("EDMDPMSolverMultistepScheduler", options),
    }
    return {None: found[default], **found}


def marks(*names: str) -> Callable[[], Mapping[str, Any]]:
    import torch

    return lambda: {name: torch.zeros(0) for name in names}


def numbers(**values: Any) -> Callable[[], Mapping[str, Any]]:
    import torch

    return lambda: {name.replace("__", "."): torch.tensor(each) for name, each in values.items()}


SCALING = """    denoiser_config:
      target: sgm.modules.diffusionmodules.denoiser.Denoiser
      params:
        scaling_config: {target: sgm.modules.diffusionmodules.denoiser_scaling.%s}
    sampler_config:
      params:
        discretization_config:
          target: sgm.modules.diffusionmodules.discretizer.EDMDiscretization
          params: {sigma_min: 0.002, sigma_max: %s}
"""
CASES = {
    "epsilon": Told(
        {"prediction": Prediction.EPSILON},
        discrete(),
        embedded={"prediction_type": "epsilon"},
        yaml='    parameterization: "eps"\n',
    ),
    "velocity": Told(
        {"prediction": Prediction.VELOCITY},
        discrete(prediction_type="v_prediction"),
        marks("v_pred"),
        {"prediction_type": "v_prediction"},
        '    parameterization: "v"\n    use_ema: False\n',
    ),
    "velocity up to pure noise": Told(
        {"prediction": Prediction.VELOCITY, "zero_terminal_snr": True},
        discrete(DDIM, prediction_type="v_prediction", rescale_betas_zero_snr=True),
        marks("v_pred", "ztsnr"),
        {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True},
        "    parameterization: v\n    rescale_betas_zero_snr: true\n",
    ),
    "sample": Told(
        {"prediction": Prediction.SAMPLE},
        discrete(prediction_type="sample"),
        yaml="    parameterization: x0\n",
    ),
    "other betas": Told(
        {"beta_start": 0.0001, "beta_end": 0.02, "train_steps": 1000},
        discrete(beta_start=0.0001, beta_end=0.02, beta_schedule="linear"),
        yaml="    linear_start: 0.0001\n    linear_end: 2e-2\n    timesteps: 1000\n"
        "    beta_schedule: sqrt_linear\n",
    ),
    "edm": Told(
        {"prediction": Prediction.EDM, "sigma_max": 80.0, "sigma_data": 0.5},
        continuous(Scheduler.DPMPP_2M, sigma_min=0.002, sigma_max=80.0, sigma_data=0.5),
        yaml=SCALING % ("EDMScaling, params: {sigma_data: 0.5}", 80.0),
    ),
    "playground": Told(
        {"prediction": Prediction.EDM, "scaling_factor": 0.5},
        continuous(Scheduler.DPMPP_2M, sigma_min=0.002, sigma_max=80.0, sigma_data=0.5),
        numbers(edm_mean=MEAN, edm_std=SPREAD),
        vae={"scaling_factor": 0.5, "mean": MEAN, "std": SPREAD},
    ),
    "edm velocity": Told(
        {"prediction": Prediction.EDM_VELOCITY, "sigma_max": 120.0, "exponential": True},
        continuous(
            Scheduler.EULER,
            sigma_min=0.002,
            sigma_max=120.0,
            sigma_data=1.0,
            sigma_schedule="exponential",
            prediction_type="v_prediction",
        ),
        numbers(edm_vpred__sigma_max=120.0, edm_vpred__sigma_min=0.002),
        yaml=SCALING % ("VScalingWithEDMcNoise", 120.0),
    ),
    "flow": Told(
        {"prediction": Prediction.FLOW, "shift": 3.0},
        {
            None: ("FlowMatchEulerDiscreteScheduler", {"shift": 3.0}),
            Scheduler.DPMPP_2M: (
                "DPMSolverMultistepScheduler",
                {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 3.0},
            ),
        },
    ),
}


@pytest.fixture(scope="module")
def generator() -> Any:
    return new_generator(device="cpu", dtype="float32")


def told_files(case: str, folder: Path) -> Mapping[str, ModelRecord]:
    """Return a file for each place that can say it."""
    told, found = CASES[case], {}
    if told.tensors is not None:
        found["tensors"] = save_file(folder / "tensors/m.safetensors", tensors=told.tensors())
    if told.embedded is not None:
        fields = {**SD, "num_train_timesteps": 1000, **told.embedded}
        del fields["timestep_spacing"]
        metadata = {EMBEDDED: json.dumps(fields)}
        found["metadata"] = save_file(folder / "metadata/m.safetensors", metadata=metadata)
    if told.yaml is not None:
        beside = "model:\n  params:\n" + told.yaml
        found["yaml"] = save_file(folder / "yaml/m.safetensors", beside=beside)
    records = {place: listed(path.parent) for place, path in found.items()}
    if records:
        return records
    plain = listed(save_file(folder / "plain/m.safetensors").parent)
    training = Training(**told.training).over(plain.training)  # type: ignore[arg-type]
    return {"settings": dataclasses.replace(plain, training=training)}


def pipeline_of(generator: Any, model: ModelRecord, told: Told, name: Scheduler | None) -> Any:
    """Return a pipeline of diffusers with the same networks, and with a scheduler of diffusers."""
    import diffusers

    loaded = generator._engine._pipelines.get(model)
    kind, options = told.theirs[name]
    parts = {**loaded.components, "scheduler": getattr(diffusers, kind)(**options)}
    pipeline = diffusers.StableDiffusionPipeline(**parts, requires_safety_checker=False)
    return for_stable_diffusion(pipeline)


def picture_of(pipeline: Any, told: Told) -> np.ndarray:
    """Return the picture of a pipeline of diffusers."""
    if told.vae is None:
        return of_diffusers(pipeline)
    # diffusers reads these fields in its pipeline for SDXL alone.
    latents = latents_of_diffusers(pipeline)
    scale, mean, spread = (told.vae[name] for name in ("scaling_factor", "mean", "std"))
    import torch

    of_channels = [torch.tensor(each).view(1, 4, 1, 1) for each in (spread, mean)]
    decoded = pipeline.vae.decode(latents * of_channels[0] / scale + of_channels[1]).sample
    levels = 255 * (decoded / 2 + 0.5).clamp(0, 1)
    return np.asarray(levels[0].permute(1, 2, 0).detach())


@pytest.mark.parametrize("case", CASES)
def test_the_picture_is_that_of_diffusers(generator: Any, tmp_path: Path, case: str) -> None:
    told = CASES[case]
    for place, model in told_files(case, tmp_path).items():
        assert model.reason is None, place
        for name, value in told.training.items():
            assert getattr(model.training, name) == value, place
        for scheduler in told.theirs:
            assert scheduler is None or scheduler in model.schedulers
            ours = drawn(generator, model, scheduler=scheduler)
            pipeline = pipeline_of(generator, model, told, scheduler)
            assert np.abs(ours - picture_of(pipeline, told)).mean() <= APART, (place, scheduler)
            check_noise(generator, model, scheduler, pipeline.scheduler)


def check_noise(generator: Any, model: ModelRecord, name: Scheduler | None, theirs: Any) -> None:
    """Check that a scheduler has the noise of each step that diffusers' scheduler had."""
    configuration = generator._engine._pipelines.get(model).scheduler.config
    ours = new_scheduler(name, configuration, STEPS)
    ours.set_timesteps(STEPS)
    assert ours.timesteps.tolist() == pytest.approx(theirs.timesteps.tolist(), rel=1e-4)
    if hasattr(theirs, "sigmas"):
        assert ours.sigmas.tolist() == pytest.approx(theirs.sigmas.tolist(), rel=1e-4)
    else:
        signals = [each.alphas_cumprod[each.timesteps].tolist() for each in (ours, theirs)]
        assert signals[0] == pytest.approx(signals[1], rel=1e-4, abs=1e-6)


def test_each_training_draws_another_picture(generator: Any, tmp_path: Path) -> None:
    """Without this the comparison above would say nothing.

    The random networks draw nearly the same with other betas. The test above compares the noise.
    """
    cases = [each for each in CASES if each not in ("velocity up to pure noise", "other betas")]
    pictures = {
        case: drawn(generator, next(iter(told_files(case, tmp_path / case).values())))
        for case in cases
    }
    alike = [
        (one, other)
        for one, other in itertools.combinations(pictures, 2)
        if np.abs(pictures[one] - pictures[other]).mean() < 4 * APART
    ]
    assert alike == []


def test_another_training_is_drawn_though_the_bytes_are_the_same(
    generator: Any, tmp_path: Path
) -> None:
    model = listed(save_file(tmp_path / "m.safetensors").parent)
    before = drawn(generator, model)
    (tmp_path / "m.yaml").write_text("model: {params: {parameterization: v}}", "utf-8")
    changed = listed(tmp_path)
    assert changed.id == model.id
    assert changed.note is not None
    assert np.abs(drawn(generator, changed) - before).mean() > 4 * APART
    assert np.array_equal(drawn(generator, model), before)
