"""All settings of the service.

The environment enters through `Settings.from_env`; embedders write `Settings(...)`. Why no library
reads it: docs/architecture.md, "Settings by hand".
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

from application.settings import checks
from application.settings.plan_overrides import PlanOverrides
from domain.generation.request import GenerationRequest
from domain.sizes import DEFAULT_MAX_PIXELS, LARGEST_SIDE

__all__ = ["Settings", "SettingsError"]

_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_WORDS: Mapping[str, tuple[str, ...]] = {
    **PlanOverrides.CHOICES,
    "log_format": ("text", "json"),
    "openai_response_format": ("b64_json", "url"),
}
_PLACEHOLDER = re.compile(
    r"change|replace|your|secret|example|placeholder|password|default|x{4,}|(.)\1{15,}",
    re.IGNORECASE,
)
_SAFE_KEY_LENGTH = 16
"""16 random letters and digits have 95 bits, too many to guess by trial."""
_SAFE_SECRET_BYTES = 32  # RFC 7518, section 3.2: an HS256 key has at least the size of its hash.


class SettingsError(ValueError):
    """One or more settings are wrong. `problems` names each, with its value and what is allowed."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("wrong settings:\n" + "\n".join(f"  {row}" for row in self.problems))


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(PlanOverrides):
    """The settings. Each field is set by the environment variable of its name in capitals.

    Those of `PlanOverrides` decide how pictures are drawn.

    Raises:
        SettingsError: Some values are wrong. The error names all of them.
    """

    secret_key: str | None = field(default=None, repr=False)
    api_keys: tuple[str, ...] = field(default=(), repr=False)
    metrics_key: str | None = field(default=None, repr=False)
    host: str = "127.0.0.1"
    port: int = 8000
    cors_origins: tuple[str, ...] = ("*",)
    model_dirs: tuple[str, ...] = ("ai-models/",)
    model_scan_interval: float = 10.0
    default_model: str | None = None
    model_aliases: tuple[tuple[str, str], ...] = ()
    model_settings: str | None = None
    default_inference_steps: int = 30
    default_guidance_scale: float = 7.5
    max_pixels: int = DEFAULT_MAX_PIXELS
    warm_up: tuple[str, ...] = ()
    data_dir: str = "data"
    database_url: str | None = field(default=None, repr=False)
    job_retention_seconds: int = 604_800
    job_retention_bytes: int = 10_737_418_240
    model_cache_bytes: int | None = None
    load_timeout_seconds: int = 600
    stall_timeout_seconds: int = 1800
    max_queue: int = 64
    max_queue_per_caller: int | None = None
    batch_wait_ms: int | None = None
    max_waiting: int = 64
    max_streams: int = 32
    max_body_bytes: int = 1_048_576
    max_picture_bytes: int = 16_777_216
    shutdown_grace_seconds: int = 120
    embed_metadata: bool = True
    openai_response_format: str = "b64_json"
    picture_link_seconds: int = 3600
    metrics_public: bool = False
    log_level: str = "INFO"
    log_format: str = "text"

    def __post_init__(self) -> None:
        problems = [
            f"{name.upper()} {message}"
            for name, check in _CHECKS.items()
            if (message := check(getattr(self, name))) is not None
        ]
        if self.metrics_key in self.api_keys:
            problems.append("METRICS_KEY is one of API_KEYS; it must be a key of its own")
        if problems:
            raise SettingsError(problems)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Settings":
        """Read settings from variables. An empty variable is ignored. Raises SettingsError."""
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
        """The SQLite file of the jobs if there is no DATABASE_URL."""
        return Path(self.data_dir, "jobs.sqlite")

    @property
    def batch_window(self) -> float | None:
        """The seconds that a request waits for others; None for what the service decides."""
        return None if self.batch_wait_ms is None else self.batch_wait_ms / 1000

    @property
    def api_keys_weakness(self) -> str | None:
        """Why one of API_KEYS is easy to guess, in words; None if none is."""
        weak = next(filter(None, map(_weakness_of_key, self.api_keys)), None)
        return None if weak is None else f"one {weak}"

    @property
    def metrics_key_weakness(self) -> str | None:
        """Why METRICS_KEY is easy to guess, in words; None when it is not, or not set."""
        weak = None if self.metrics_key is None else _weakness_of_key(self.metrics_key)
        return None if weak is None else f"it {weak}"

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


def _weakness_of_key(key: str) -> str | None:
    if len(key) < _SAFE_KEY_LENGTH:
        return f"is shorter than {_SAFE_KEY_LENGTH} characters"
    return "looks like a placeholder" if _PLACEHOLDER.search(key) else None


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


def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    pairs = []
    for item in _list(text):
        name, equals, value = (part.strip() for part in item.partition("="))
        if not (name and equals and value):
            raise ValueError(f"{item!r} must be a name, '=' and what it stands for, as 'a=b'")
        pairs.append((name, value))
    return tuple(pairs)


_PARSERS: Mapping[str, Callable[[str], object]] = {
    "api_keys": _list,
    "port": _integer,
    "cors_origins": _list,
    "model_dirs": _list,
    "model_scan_interval": _number,
    "model_aliases": _pairs,
    "default_inference_steps": _integer,
    "default_guidance_scale": _number,
    "max_pixels": _integer,
    "job_retention_seconds": _integer,
    "job_retention_bytes": _integer,
    "model_cache_bytes": _integer,
    "load_timeout_seconds": _integer,
    "stall_timeout_seconds": _integer,
    "max_queue": _integer,
    "max_queue_per_caller": _integer,
    "max_batch": _integer,
    "batch_wait_ms": _integer,
    "max_waiting": _integer,
    "max_streams": _integer,
    "max_body_bytes": _integer,
    "max_picture_bytes": _integer,
    "shutdown_grace_seconds": _integer,
    "embed_metadata": _boolean,
    "picture_link_seconds": _integer,
    "metrics_public": _boolean,
    "log_level": str.upper,
    "device": str.lower,
    "compile": _boolean,
    "warm_up": _list,
    "threads": _integer,
    **dict.fromkeys(_WORDS, str.lower),
}


_CHECKS: Mapping[str, Callable[..., str | None]] = {
    "secret_key": checks.secret,
    "api_keys": checks.keys,
    "metrics_key": checks.key,
    "host": checks.host,
    "port": checks.between(1, 65_535),
    "cors_origins": checks.origins,
    "model_dirs": checks.folders,
    "model_scan_interval": checks.between(0.1, 86_400),
    "model_aliases": checks.aliases,
    "default_inference_steps": GenerationRequest.LIMITS["num_inference_steps"].problem,
    "default_guidance_scale": checks.between(1, 20),
    "max_pixels": checks.between(512 * 512, LARGEST_SIDE * LARGEST_SIDE),
    "device": checks.device,
    "threads": checks.optional(checks.between(1, 1024)),
    "database_url": checks.database,
    "job_retention_seconds": checks.between(60, 3_153_600_000),
    "job_retention_bytes": checks.byte_count,
    "model_cache_bytes": checks.byte_count,
    "load_timeout_seconds": checks.between(1, 86_400),
    "stall_timeout_seconds": checks.between(60, 86_400),
    "max_queue": checks.between(1, 10_000),
    "max_queue_per_caller": checks.optional(checks.between(1, 10_000)),
    "max_batch": checks.optional(checks.between(1, 64)),
    "batch_wait_ms": checks.optional(checks.between(0, 10_000)),
    "max_waiting": checks.between(1, 10_000),
    "max_streams": checks.between(1, 10_000),
    "max_body_bytes": checks.between(1024, 1_073_741_824),
    "max_picture_bytes": checks.between(1024, 1_073_741_824),
    "shutdown_grace_seconds": checks.between(0, 86_400),
    "picture_link_seconds": checks.between(60, 604_800),
    "log_level": checks.one_of(_LOG_LEVELS),
    **{name: checks.one_of(words) for name, words in _WORDS.items()},
}
