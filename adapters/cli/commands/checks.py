"""The checks of `ai-inference doctor`, each a row with a verdict."""

import os
import platform
import shutil
import socket
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from adapters.cli.errors import told
from adapters.cli.terminal import human_bytes
from adapters.cli.wiring import Assembly
from application.settings.listening import why_not_listening
from application.settings.misspelt import misspelt_settings
from application.settings.settings import Settings, SettingsError
from application.version import NAME, VERSION
from domain.errors import DeviceUnavailable, StorageUnavailable
from domain.services.model_registry import ModelRegistry

__all__ = [
    "Check",
    "Verdict",
    "check_credentials",
    "check_data_dir",
    "check_device",
    "check_job_store",
    "check_models",
    "check_port",
    "check_settings",
    "check_versions",
]

_LIBRARIES = ("torch", "diffusers", "transformers")
_LITTLE_ROOM = 1_000_000_000


class Verdict(StrEnum):
    """The verdict of a row; only a problem stops the service."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Check:
    """One row: what was checked, the verdict, and the facts or the remedy."""

    name: str
    verdict: Verdict
    detail: str


def check_versions() -> Iterator[Check]:
    """The versions of the service, Python and the libraries; none of them is imported."""
    yield Check(NAME, Verdict.OK, VERSION)
    yield Check("python", Verdict.OK, f"{platform.python_version()} on {platform.platform()}")
    for name in _LIBRARIES:
        try:
            yield Check(name, Verdict.OK, version(name))
        except PackageNotFoundError:
            yield Check(name, Verdict.PROBLEM, "it is not installed")


def check_settings(environ: Mapping[str, str]) -> tuple[Settings, list[Check]]:
    """The environment's settings and what is wrong with them; wrong ones get their defaults."""
    doubts = [Check("settings", Verdict.WARNING, each) for each in misspelt_settings(environ)]
    try:
        settings = Settings.from_env(environ)
        return settings, doubts or [Check("settings", Verdict.OK, "all can be read")]
    except SettingsError as error:
        problems = error.problems
    wrong = {problem.split()[0] for problem in problems}
    rest = {name: value for name, value in environ.items() if name not in wrong}
    wrong_values = [Check("settings", Verdict.PROBLEM, row) for row in problems]
    return Settings.from_env(rest), [*wrong_values, *doubts]


def check_credentials(assembly: Assembly, settings: Settings) -> Iterator[Check]:
    """API_KEYS, METRICS_KEY and SECRET_KEY. Without a key or secret the service makes a key."""
    if weakness := settings.api_keys_weakness:
        remedy = "whoever guesses it has every right; `ai-inference keys new` prints a good one"
        yield Check("API_KEYS", Verdict.WARNING, f"{weakness}; {remedy}")
    elif settings.api_keys:
        yield Check("API_KEYS", Verdict.OK, f"{len(settings.api_keys)} set")
    elif settings.secret_key is None:
        yield _made_key(assembly, settings)
    else:
        yield Check("API_KEYS", Verdict.WARNING, "not set: only tokens work")
    if weakness := settings.metrics_key_weakness:
        remedy = "whoever guesses it can read /metrics; `ai-inference keys new` prints a good one"
        yield Check("METRICS_KEY", Verdict.WARNING, f"{weakness}; {remedy}")
    elif settings.metrics_key is not None:
        yield Check("METRICS_KEY", Verdict.OK, "set")
    if settings.secret_key is None:
        yield Check("SECRET_KEY", Verdict.OK, "not set: there are no tokens, only API keys")
    elif weakness := settings.secret_key_weakness:
        remedy = "whoever guesses it can make tokens; `ai-inference keys new` prints a good one"
        yield Check("SECRET_KEY", Verdict.WARNING, f"{weakness}; {remedy}")
    else:
        yield Check("SECRET_KEY", Verdict.OK, "set")


def _made_key(assembly: Assembly, settings: Settings) -> Check:
    try:
        kept_in = assembly.read_made_key(settings)
    except SettingsError as error:
        return Check("API_KEYS", Verdict.PROBLEM, "; ".join(error.problems))
    if kept_in is None:
        made = f"the first start makes a key, prints it and keeps it in {settings.data_dir}"
        return Check("API_KEYS", Verdict.OK, f"not set: {made}")
    return Check("API_KEYS", Verdict.OK, f"not set: the service's own key is in {kept_in}")


def check_device(assembly: Assembly, settings: Settings) -> Check:
    """Check that there is a device to draw on. This imports torch."""
    try:
        device = assembly.find_device(settings)
    except DeviceUnavailable as error:
        return Check("device", Verdict.PROBLEM, told(error))
    except (ImportError, OSError, RuntimeError) as error:  # torch is installed but cannot be loaded
        return Check("device", Verdict.PROBLEM, f"torch fails: {type(error).__name__}: {error}")
    cache = settings.model_cache_bytes
    kept = human_bytes(device.cache_bytes if cache is None else cache)
    together = settings.max_batch or device.largest_batch
    how = [device.name, device.dtype]
    how += [device.backend] if device.backend != "torch" else []
    how += [device.quantization] if device.quantization != "none" else []
    return Check(
        "device",
        Verdict.OK,
        f"{', '.join(how)}, at most {together} at once, {kept} for loaded models",
    )


def check_models(settings: Settings, registry: ModelRegistry) -> Iterator[Check]:
    """Each model folder, and whether there is a model to draw with. The registry is filled."""
    for folder in settings.model_dirs:
        yield _folder(folder, registry)
    loadable = [model for model in registry.models() if model.loadable]
    if loadable:
        yield Check("models", Verdict.OK, f"{len(loadable)} to draw with")
    else:
        remedy = "put a checkpoint into a folder, or run `ai-inference demo`"
        yield Check("models", Verdict.WARNING, f"no model can draw yet; {remedy}")
    for problem in registry.settings_problems():
        yield Check("MODEL_SETTINGS", Verdict.WARNING, problem)


def check_data_dir(settings: Settings) -> Check:
    """Check that DATA_DIR is writable, and how much room is left."""
    folder = Path(settings.data_dir)
    nearest = next(each for each in (folder, *folder.absolute().parents) if os.path.lexists(each))
    try:
        with tempfile.TemporaryFile(dir=nearest):
            free = shutil.disk_usage(nearest).free
    except OSError as error:
        reason = f"nothing can be written to it: {error.strerror}"
        return Check("DATA_DIR", Verdict.PROBLEM, f"{folder}: {reason}")
    verdict = Verdict.WARNING if free < _LITTLE_ROOM else Verdict.OK
    made = "" if nearest == folder else "it will be made, "
    return Check("DATA_DIR", verdict, f"{folder}: {made}{human_bytes(free)} free")


def check_job_store(assembly: Assembly, settings: Settings) -> Check:
    """Check that the job database answers. Creates none where there is none yet."""
    name = "jobs" if settings.database_url is None else "DATABASE_URL"
    if settings.database_url is None and not os.path.lexists(settings.job_file):
        return Check(name, Verdict.OK, f"none are kept in {settings.data_dir} yet")
    try:
        assembly.try_job_store(settings)
    except StorageUnavailable as error:
        return Check(name, Verdict.PROBLEM, told(error))
    except ImportError as error:
        return Check(name, Verdict.PROBLEM, f"its driver is not installed: {error}")
    return Check(name, Verdict.OK, "its database answers")


def check_port(settings: Settings) -> Check:
    """Check that the service could listen now."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the same as gunicorn does
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        why = why_not_listening(settings.host, settings.port, error)
        return Check("port", Verdict.PROBLEM, why)
    return Check("port", Verdict.OK, f"{settings.host}, port {settings.port} is free")


def _folder(folder: str, registry: ModelRegistry) -> Check:
    name = f"folder {folder}"
    if not os.path.isdir(folder):
        return Check(name, Verdict.WARNING, "it is not there")
    if not os.access(folder, os.R_OK | os.X_OK):
        return Check(name, Verdict.WARNING, "this user cannot read it")
    beginning, itself = os.path.join(folder, ""), folder.rstrip("/")

    def inside(path: str) -> bool:
        return path.startswith(beginning) or path == itself

    files = loadable = 0
    for model in registry.models():
        here = sum(map(inside, (model.path, *model.aliases)))
        files += here
        loadable += here if model.loadable else 0
    pending = sum(inside(each.path) for each in registry.pending())
    count = files + pending
    detail = f"{count} {'model' if count == 1 else 'models'}, {loadable} to draw with"
    return Check(name, Verdict.OK, f"{detail}, {pending} not complete yet" if pending else detail)
