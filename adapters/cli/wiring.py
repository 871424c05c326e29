"""The service's parts that commands get, built by code that may import the adapters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from application.pictures import Pictures
from application.settings.settings import Settings
from domain.services.credential_checker import CredentialChecker
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry

__all__ = ["Assembly", "Core", "DeviceFacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The use cases, over the adapters that some settings name. Nothing here is started."""

    registry: ModelRegistry
    pictures: Pictures
    generate_images: GenerateImages
    credential_checker: CredentialChecker


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
    """The device that would draw.

    Attributes:
        name: The name that `DEVICE` uses.
        dtype: The name that torch uses.
        backend: What runs the networks.
        quantization: The number format of the UNet's large layers; `none` for the compute
            precision.
        largest_batch: The largest number of images drawn together.
        cache_bytes: Bytes for weights that stay loaded.
    """

    name: str
    dtype: str
    backend: str
    quantization: str
    largest_batch: int
    cache_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """Builds each part when a command asks for it, so that other commands need not wait for it.

    Attributes:
        environment: The process's variables.
        core: Builds the use cases for these settings. Given a model's name, they may skip models
            with another name if one has it.
        find_device: Finds the device for these settings; raises DeviceUnavailable.
        try_job_store: Reads once from the job store; raises StorageUnavailable.
        read_made_key: Reads the key file that the service made for these settings, None if there is
            none; raises SettingsError if it is unusable.
        put_demo: Puts the demo model into this folder, if it is not there, and returns its path.
            Raises FileNotFoundError if the installation has none, OSError if it cannot be written.
        serve: Runs the service, with these variables overriding the environment's. When it ends,
            the process ends.
    """

    environment: Mapping[str, str]
    core: Callable[[Settings, str | None], Core]
    find_device: Callable[[Settings], DeviceFacts]
    try_job_store: Callable[[Settings], None]
    read_made_key: Callable[[Settings], str | None]
    put_demo: Callable[[str], str]
    serve: Callable[[Mapping[str, str]], None]
