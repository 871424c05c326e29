"""The state that a loaded pipeline keeps between drawings. Only one thread may use it."""

from weakref import WeakKeyDictionary

from adapters.diffusion.additions.mask import GreyLatents
from adapters.diffusion.drawing.prompts.cache import PromptCache
from adapters.diffusion.pipeline import Pipeline
from adapters.diffusion.sampling import Schedulers

__all__ = ["DrawingMemories", "DrawingMemory"]


class DrawingMemory:
    """The state of one pipeline.

    Attributes:
        prompts: The encodings of the prompts that were drawn last.
        schedulers: Makes schedulers, and keeps the tables of earlier drawings.
        device: The device that computes, wherever the weights wait. To find it, diffusers looks
            through every part of every network.
        grey: The latents of a grey picture, for an inpainting UNet.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        self.device = pipeline._execution_device
        self.grey = GreyLatents()
        self.prompts = PromptCache()
        self.schedulers = Schedulers(pipeline.scheduler.config, self.device)


class DrawingMemories:
    """The state of each pipeline, kept as long as the pipeline is loaded."""

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[Pipeline, DrawingMemory] = WeakKeyDictionary()

    def __getitem__(self, pipeline: Pipeline) -> DrawingMemory:
        if pipeline not in self._of:
            self._of[pipeline] = DrawingMemory(pipeline)
        return self._of[pipeline]
