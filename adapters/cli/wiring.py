"""What the commands are given: the service's parts, put together by whoever may know them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from application.settings.settings import Settings
from domain.services.credential_checker import CredentialChecker
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry

__all__ = ["Assembly", "Core", "DeviceFacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The use cases, over the adapters that some settings name. Nothing of it is started."""

    registry: ModelRegistry
    generate_images: GenerateImages
    credential_checker: CredentialChecker


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceFacts:
    """The device that would draw.

    Attributes:
        name: As `DEVICE` names it.
        dtype: By torch's name.
        backend: What runs the networks.
        quantization: What the UNet's large layers are multiplied in; `none` for the precision.
        largest_batch: Images that are drawn together at most.
        cache_bytes: Of weights that stay loaded.
    """

    name: str
    dtype: str
    backend: str
    quantization: str
    largest_batch: int
    cache_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """Makes the parts when a command asks for them, so that the others need not wait.

    Attributes:
        environment: The variables, as the process has them.
        core: The use cases for these settings; with a name they may leave models out that are
            not called so, where one is.
        find_device: Looks for the device of these settings; raises DeviceUnavailable.
        try_job_store: Reads once from the job store; raises StorageUnavailable.
        read_made_key: The file of the key that the service made for itself with these settings,
            None where there is none; raises SettingsError where it is no good.
        put_demo: Puts the demo model into this folder, if it is not there; its path. Raises
            FileNotFoundError where the installation has none, OSError where it cannot be written.
        serve: Runs the service, with these variables in place of the environment's. Its end ends
            the process.
    """

    environment: Mapping[str, str]
    core: Callable[[Settings, str | None], Core]
    find_device: Callable[[Settings], DeviceFacts]
    try_job_store: Callable[[Settings], None]
    read_made_key: Callable[[Settings], str | None]
    put_demo: Callable[[str], str]
    serve: Callable[[Mapping[str, str]], None]
