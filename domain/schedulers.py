"""The schedulers that a request can name."""

from enum import StrEnum

__all__ = ["DEFAULT_SCHEDULER", "Scheduler"]


class Scheduler(StrEnum):
    """How a picture is made out of noise, by the name that the field's tools have for it.

    The names are those of AUTOMATIC1111's web UI, where they are called samplers. Each looks at
    the picture once a step.
    """

    EULER = "Euler"
    EULER_A = "Euler a"
    DPMPP_2M = "DPM++ 2M"
    DPMPP_2M_KARRAS = "DPM++ 2M Karras"
    DDIM = "DDIM"
    UNIPC = "UniPC"
    LCM = "LCM"


DEFAULT_SCHEDULER = Scheduler.DPMPP_2M
"""Of the models that take any of them, where a request names none."""
