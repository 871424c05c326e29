"""Stored jobs."""

import dataclasses

from application.job import Job
from domain.generation.any_request import result_of
from domain.generation.parts import SourceImage
from domain.generation.request import GeneratedImage, GenerationRequest, Timings
from domain.pictures import PictureRef

__all__ = ["TOKEN", "naming_picture", "new_job", "succeeded"]

TOKEN = "ab" * 16


def new_job(name: str = "a", caller: str = "me", token: str = TOKEN) -> Job:
    request = GenerationRequest(id=name, model_id="a" * 64, prompt="ein Bild 🎨", seed=3)
    return Job(caller=caller, request=request, seed_drawn=True, token=token, created_at=1.5)


def succeeded(job: Job, at: float = 3.0, size: int = 3) -> Job:
    image = GeneratedImage(b"x" * size, 3, 512, 512)
    result = result_of(
        job.request,
        images=(image,),
        processing_time=1.25,
        timings=Timings(queue=1, load=2, generate=3, encode=4),
        warnings=("one",),
    )
    return job.started(2.0).succeeded(at, result)


def naming_picture(job: Job, ref: PictureRef) -> Job:
    """Return the job with a request that names this picture."""
    assert isinstance(job.request, GenerationRequest)
    request = dataclasses.replace(job.request, source=SourceImage(init_image=ref))
    return dataclasses.replace(job, request=request)
