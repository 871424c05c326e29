"""`ai-inference`, put together: the commands are in adapters/cli, the parts in the container."""

import os
import sys
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from adapters.gunicorn import early_signals

if TYPE_CHECKING:
    from adapters.cli.wiring import Core, DeviceFacts
    from application.settings.settings import Settings

__all__ = ["main"]


def main() -> None:
    """Run the command that the process's arguments name, and end the process."""
    early_signals.end_at_once()
    from adapters.cli.output import guard_streams
    from adapters.cli.program import run
    from adapters.cli.wiring import Assembly
    from application.version import NAME

    guard_streams()
    assembly = Assembly(
        environment=os.environ,
        core=_core,
        find_device=_find_device,
        try_job_store=_try_job_store,
        read_made_key=_read_made_key,
        put_demo=_put_demo,
        serve=_serve,
    )
    early_signals.restore_interrupts()
    run(assembly, NAME)


# Imports inside functions are those that `ai-inference --help` need not wait for.


def _core(settings: "Settings", only: str | None) -> "Core":
    from adapters.cli.wiring import Core
    from application.pictures import HeldPictures
    from container import LIBRARY_ENVIRONMENT, Container

    for name, value in LIBRARY_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    if not sys.warnoptions:  # deprecation warnings of libraries for developers
        warnings.simplefilter("ignore")
    container = Container(settings=settings, only_model=only)
    # Its pictures end with the command. Those of the service are in a database.
    held = HeldPictures(container.picture_codec(), max_bytes=settings.max_picture_bytes)
    container.pictures.override(held)
    return Core(
        registry=container.model_registry(),
        pictures=held,
        generate_images=container.generate_images(),
        credential_checker=container.credential_checker(),
    )


def _find_device(settings: "Settings") -> "DeviceFacts":
    from adapters.cli.wiring import DeviceFacts
    from adapters.diffusion.devices.device import planned_device
    from container import Container

    device = planned_device(Container(settings=settings).image_generator().overrides)
    return DeviceFacts(
        name=device.plan.device,
        dtype=device.plan.dtype,
        backend=device.plan.backend,
        quantization=device.plan.quantization,
        largest_batch=device.plan.batch_limit,
        cache_bytes=device.cache_bytes(),
    )


def _try_job_store(settings: "Settings") -> None:
    from application.job import JobKey
    from application.version import NAME
    from container import Container

    store = Container(settings=settings).job_store()
    try:
        store.find(JobKey(caller=NAME, id="doctor"))
    finally:
        store.close()


def _read_made_key(settings: "Settings") -> str | None:
    from adapters.security.key_file import ApiKeyFile

    made = ApiKeyFile(settings.data_dir).read()
    return None if made is None else made.kept_in


def _put_demo(folder: str) -> str:
    from adapters.filesystem.demo import put_demo

    return put_demo(folder)


def _serve(changes: Mapping[str, str]) -> None:
    early_signals.end_at_once()
    from gunicorn.app.wsgiapp import WSGIApplication

    from application.version import NAME

    class Service(WSGIApplication):  # type: ignore[misc]  # gunicorn has no types
        """gunicorn with only the settings of serving.py, from any folder."""

        def load_config(self) -> None:
            self.load_config_from_module_name_or_filename("python:serving")
            self.app_uri: Any = self.cfg.wsgi_app

    os.environ.update(changes)  # wsgi.py reads them there
    Service(prog=f"{NAME} serve").run()


if __name__ == "__main__":
    main()
