"""Every setting of the service, once.

The environment enters through `Settings.from_env`; embedders write `Settings(...)`. environs would
do the reading, but it always asks `os.environ` first, and a test or an embedder passes a mapping.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from urllib.parse import urlsplit

from domain.execution_plan import AUTO, PlanOverrides
from domain.generation import GenerationRequest

__all__ = ["Settings", "SettingsError"]

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_WORDS: Mapping[str, tuple[str, ...]] = {**PlanOverrides.CHOICES, "log_format": ("text", "json")}
_PLACEHOLDER = re.compile(
    r"change|replace|your|secret|example|placeholder|password|default|x{4,}|(.)\1{15,}",
    re.IGNORECASE,
)
_SAFE_SECRET_BYTES = 32  # RFC 7518, section 3.2: an HS256 key is no shorter than its hash.


class SettingsError(ValueError):
    """One or more settings are wrong; `problems` names each, with its value and what is good."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("wrong settings:\n" + "\n".join(f"  {row}" for row in self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the service is told. Each field is the environment variable of its name in capitals.

    Raises:
        SettingsError: naming every wrong value at once.
    """

    secret_key: str | None = field(default=None, repr=False)
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    host: str = "127.0.0.1"
    port: int = 8000
    cors_origins: tuple[str, ...] = ("*",)
    model_dirs: tuple[str, ...] = ("ai-models/",)
    model_scan_interval: float = 10.0
    default_inference_steps: int = 30
    default_guidance_scale: float = 7.5
    device: str = AUTO
    dtype: str = AUTO
    vae_dtype: str = AUTO
    backend: str = AUTO
    memory_format: str = AUTO
    attention: str = AUTO
    vae_tiling: str = AUTO
    offload: str = AUTO
    compile: bool = False
    threads: int | None = None
    data_dir: str = "data"
    database_url: str | None = field(default=None, repr=False)
    job_retention_seconds: int = 604_800
    job_retention_bytes: int = 10_737_418_240
    model_cache_bytes: int | None = None
    max_queue: int = 64
    max_batch: int | None = None
    batch_wait_ms: int | None = None
    max_waiting: int = 64
    max_streams: int = 32
    max_body_bytes: int = 1_048_576
    shutdown_grace_seconds: int = 120
    embed_metadata: bool = True
    metrics_public: bool = False
    log_level: str = "INFO"
    log_format: str = "text"

    def __post_init__(self) -> None:
        problems = [
            f"{name.upper()} {message}"
            for name, check in _CHECKS.items()
            if (message := check(getattr(self, name))) is not None
        ]
        if problems:
            raise SettingsError(problems)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Settings from variables; one that is empty counts as not set. Raises SettingsError."""
        values: dict[str, object] = {}
        problems: list[str] = []
        for row in fields(cls):
            variable = row.name.upper()
            text = environ.get(variable, "").strip()
            if not text:
                continue
            try:
                values[row.name] = _PARSERS.get(row.name, str)(text)
            except ValueError as error:
                problems.append(f"{variable} is {text!r}; {error}")
        try:
            settings = cls(**values)  # type: ignore[arg-type]
        except SettingsError as error:
            raise SettingsError([*problems, *error.problems]) from None
        if problems:
            raise SettingsError(problems)
        return settings

    @property
    def job_file(self) -> Path:
        """The SQLite file in which jobs are kept where there is no DATABASE_URL."""
        return Path(self.data_dir, "jobs.sqlite")

    @property
    def secret_key_weakness(self) -> str | None:
        """Why SECRET_KEY is easy to guess, in words; None when it is not, or not set."""
        if self.secret_key is None:
            return None
        if len(self.secret_key.encode(errors="surrogateescape")) < _SAFE_SECRET_BYTES:
            return f"it is shorter than {_SAFE_SECRET_BYTES} bytes"
        if _PLACEHOLDER.search(self.secret_key):
            return "it looks like a placeholder"
        return None


def _integer(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("it must be an integer") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("it must be a number") from None


def _boolean(text: str) -> bool:
    word = text.lower()
    if word in ("true", "1", "yes", "on"):
        return True
    if word in ("false", "0", "no", "off"):
        return False
    raise ValueError("it must be true or false")


def _list(text: str) -> tuple[str, ...]:
    return tuple(item for part in text.split(",") if (item := part.strip()))


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "api_keys": _list,
    "port": _integer,
    "cors_origins": _list,
    "model_dirs": _list,
    "model_scan_interval": _number,
    "default_inference_steps": _integer,
    "default_guidance_scale": _number,
    "job_retention_seconds": _integer,
    "job_retention_bytes": _integer,
    "model_cache_bytes": _integer,
    "max_queue": _integer,
    "max_batch": _integer,
    "batch_wait_ms": _integer,
    "max_waiting": _integer,
    "max_streams": _integer,
    "max_body_bytes": _integer,
    "shutdown_grace_seconds": _integer,
    "embed_metadata": _boolean,
    "metrics_public": _boolean,
    "log_level": str.upper,
    "device": str.lower,
    "compile": _boolean,
    "threads": _integer,
    **dict.fromkeys(_WORDS, str.lower),
}


def _between(minimum: float, maximum: float) -> Callable[[float], str | None]:
    def check(value: float) -> str | None:
        if minimum <= value <= maximum:
            return None
        return f"is {value}; it must lie between {minimum} and {maximum}"

    return check


def _optional(check: Callable[[float], str | None]) -> Callable[[float | None], str | None]:
    return lambda value: None if value is None else check(value)


def _one_of(words: tuple[str, ...]) -> Callable[[str], str | None]:
    def check(value: str) -> str | None:
        return None if value in words else f"is {value!r}; it must be one of {', '.join(words)}"

    return check


def _device(value: str) -> str | None:
    if _DEVICE.fullmatch(value):
        return None
    return f"is {value!r}; it must be auto, cpu, mps, cuda or cuda:<number>"


def _host(value: str) -> str | None:
    return None if re.fullmatch(r"[\w.:-]+", value) else f"is {value!r}; it must be an address"


def _folders(value: tuple[str, ...]) -> str | None:
    return None if value else "is empty; it must name at least one folder"


def _keys(value: tuple[str, ...]) -> str | None:
    # A key travels in a header, so what no header can carry could never be sent back.
    if all(key.isascii() and key.isprintable() and " " not in key for key in value):
        return None
    return "holds a key that no HTTP header can carry; use printable ASCII without blanks"


def _origins(value: tuple[str, ...]) -> str | None:
    for origin in value:
        if origin == "*":
            continue
        try:
            parts = urlsplit(origin)
            _ = parts.port
        except ValueError:
            return f"holds {origin!r}, which is no address"
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path:
            return f"holds {origin!r}; an origin is * or scheme://host[:port], with no path"
    return None


def _database(value: str | None) -> str | None:
    # The value is not told: it may hold a password.
    if value is None or re.match(r"[a-z0-9_]+(\+[a-z0-9_]+)?://", value):
        return None
    return "is no SQLAlchemy URL, such as sqlite:///data/jobs.sqlite"


def _bytes(value: int | None) -> str | None:
    return None if value is None or value >= 0 else f"is {value}; it must not be negative"


def _secret(value: str | None) -> str | None:
    # PyJWT refuses to sign with what looks like a public key, for good reasons, at each request.
    if value is not None and ("-----BEGIN" in value or value.startswith(("ssh-", "ecdsa-"))):
        return "is half of a key pair; it must be random text"
    return None


_CHECKS: Mapping[str, Callable[..., str | None]] = {
    "secret_key": _secret,
    "api_keys": _keys,
    "host": _host,
    "port": _between(1, 65_535),
    "cors_origins": _origins,
    "model_dirs": _folders,
    "model_scan_interval": _between(0.1, 86_400),
    "default_inference_steps": GenerationRequest.LIMITS["num_inference_steps"].problem,
    "default_guidance_scale": GenerationRequest.LIMITS["guidance_scale"].problem,
    "device": _device,
    "threads": _optional(_between(1, 1024)),
    "database_url": _database,
    "job_retention_seconds": _between(60, 3_153_600_000),
    "job_retention_bytes": _bytes,
    "model_cache_bytes": _bytes,
    "max_queue": _between(1, 10_000),
    "max_batch": _optional(_between(1, 64)),
    "batch_wait_ms": _optional(_between(0, 10_000)),
    "max_waiting": _between(1, 10_000),
    "max_streams": _between(1, 10_000),
    "max_body_bytes": _between(1024, 1_073_741_824),
    "shutdown_grace_seconds": _between(0, 86_400),
    "log_level": _one_of(_LOG_LEVELS),
    **{name: _one_of(words) for name, words in _WORDS.items()},
}
