"""What a loaded pipeline keeps from one drawing to the next. For one thread."""

from typing import Any
from weakref import WeakKeyDictionary

from adapters.diffusion.drawing.prompt_cache import PromptCache
from adapters.diffusion.sampling import Schedulers

__all__ = ["DrawingMemories", "DrawingMemory"]


class DrawingMemory:
    """Of one pipeline.

    Attributes:
        prompts: The encodings of the prompts that were drawn last.
        schedulers: With the tables of earlier drawings.
        device: The device that computes, wherever the weights wait. To find it, diffusers looks
            through every part of every network.
    """

    def __init__(self, pipeline: Any) -> None:
        self.device = pipeline._execution_device
        self.prompts = PromptCache()
        self.schedulers = Schedulers(pipeline.scheduler.config, self.device)


class DrawingMemories:
    """A memory for each pipeline, as long as it is loaded."""

    def __init__(self) -> None:
        self._of: WeakKeyDictionary[Any, DrawingMemory] = WeakKeyDictionary()

    def __getitem__(self, pipeline: Any) -> DrawingMemory:
        if pipeline not in self._of:
            self._of[pipeline] = DrawingMemory(pipeline)
        return self._of[pipeline]
