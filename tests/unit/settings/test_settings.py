import dataclasses

import pytest

from application.settings.settings import Settings, SettingsError


def test_an_empty_environment_gives_the_documented_defaults() -> None:
    settings = Settings.from_env({})
    assert settings == Settings()
    assert settings.port == 8000
    assert settings.host == "127.0.0.1"
    assert settings.cors_origins == ("*",)
    assert settings.model_dirs == ("ai-models/",)
    assert settings.model_scan_interval == 10
    assert settings.default_inference_steps == 30
    assert settings.default_guidance_scale == 7.5
    assert settings.api_keys == ()
    assert settings.secret_key is None


def test_every_setting_is_read_from_its_variable() -> None:
    environ = {
        "SECRET_KEY": "s" * 40,
        "API_KEYS": " one , ,two,",
        "METRICS_KEY": " three ",
        "HOST": "0.0.0.0",
        "PORT": "9000",
        "CORS_ORIGINS": "https://a.example, http://localhost:3000",
        "MODEL_DIRS": "models , /srv/more",
        "MODEL_SCAN_INTERVAL": "2.5",
        "DEFAULT_MODEL": "demo",
        "MODEL_ALIASES": " gpt-image-1 = demo , dall-e-3=sub/a=b.ckpt,",
        "MODEL_SETTINGS": "/etc/models.toml",
        "DEFAULT_INFERENCE_STEPS": "20",
        "DEFAULT_GUIDANCE_SCALE": "5",
        "MAX_PIXELS": "1048576",
        "DEVICE": "CUDA:1",
        "DTYPE": "Float16",
        "VAE_DTYPE": "float32",
        "BACKEND": "Torch",
        "QUANTIZATION": "INT8",
        "MEMORY_FORMAT": "contiguous",
        "ATTENTION": "sliced",
        "VAE_TILING": "on",
        "OFFLOAD": "model",
        "WARM_UP": "sd15.safetensors, demo",
        "COMPILE": "true",
        "THREADS": "3",
        "DATA_DIR": "/var/lib/inference",
        "MODEL_CACHE_BYTES": "4000000000",
        "LOAD_TIMEOUT_SECONDS": "300",
        "STALL_TIMEOUT_SECONDS": "900",
        "DATABASE_URL": "postgresql+psycopg://user:hunter2@db/jobs",
        "JOB_RETENTION_SECONDS": "3600",
        "JOB_RETENTION_BYTES": "1000000",
        "MAX_QUEUE": "8",
        "MAX_QUEUE_PER_CALLER": "3",
        "MAX_BATCH": "2",
        "BATCH_WAIT_MS": "20",
        "MAX_WAITING": "5",
        "MAX_STREAMS": "6",
        "MAX_BODY_BYTES": "2048",
        "MAX_PICTURE_BYTES": "4096",
        "SHUTDOWN_GRACE_SECONDS": "30",
        "EMBED_METADATA": "false",
        "OPENAI_RESPONSE_FORMAT": "URL",
        "PICTURE_LINK_SECONDS": "60",
        "METRICS_PUBLIC": "yes",
        "LOG_LEVEL": "debug",
        "LOG_FORMAT": "JSON",
    }
    settings = Settings.from_env(environ)
    assert settings == Settings(
        secret_key="s" * 40,
        api_keys=("one", "two"),
        metrics_key="three",
        host="0.0.0.0",
        port=9000,
        cors_origins=("https://a.example", "http://localhost:3000"),
        model_dirs=("models", "/srv/more"),
        model_scan_interval=2.5,
        default_model="demo",
        model_aliases=(("gpt-image-1", "demo"), ("dall-e-3", "sub/a=b.ckpt")),
        model_settings="/etc/models.toml",
        default_inference_steps=20,
        default_guidance_scale=5.0,
        max_pixels=1_048_576,
        device="cuda:1",
        dtype="float16",
        vae_dtype="float32",
        backend="torch",
        quantization="int8",
        memory_format="contiguous",
        attention="sliced",
        vae_tiling="on",
        offload="model",
        compile=True,
        warm_up=("sd15.safetensors", "demo"),
        threads=3,
        data_dir="/var/lib/inference",
        model_cache_bytes=4_000_000_000,
        load_timeout_seconds=300,
        stall_timeout_seconds=900,
        database_url="postgresql+psycopg://user:hunter2@db/jobs",
        job_retention_seconds=3600,
        job_retention_bytes=1_000_000,
        max_queue=8,
        max_queue_per_caller=3,
        max_batch=2,
        batch_wait_ms=20,
        max_waiting=5,
        max_streams=6,
        max_body_bytes=2048,
        max_picture_bytes=4096,
        shutdown_grace_seconds=30,
        embed_metadata=False,
        openai_response_format="url",
        picture_link_seconds=60,
        metrics_public=True,
        log_level="DEBUG",
        log_format="json",
    )
    assert "hunter2" not in repr(settings)
    assert set(environ) == {field.name.upper() for field in dataclasses.fields(Settings)}


@pytest.mark.parametrize("variable", ["PORT", "API_KEYS", "DEVICE", "SECRET_KEY", "MODEL_DIRS"])
def test_an_empty_variable_counts_as_not_set(variable: str) -> None:
    assert Settings.from_env({variable: "  "}) == Settings()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "1"),
        ("PORT", "65535"),
        ("MODEL_SCAN_INTERVAL", "0.1"),
        ("MODEL_SCAN_INTERVAL", "86400"),
        ("DEFAULT_INFERENCE_STEPS", "1"),
        ("DEFAULT_INFERENCE_STEPS", "150"),
        ("DEFAULT_GUIDANCE_SCALE", "1"),
        ("DEFAULT_GUIDANCE_SCALE", "20"),
        ("MAX_PIXELS", "262144"),
        ("MAX_PIXELS", "4194304"),
        ("DEVICE", "mps"),
        ("DEVICE", "cuda"),
        ("MAX_QUEUE", "1"),
        ("MAX_QUEUE_PER_CALLER", "1"),
        ("MAX_QUEUE_PER_CALLER", "10000"),
        ("MAX_BATCH", "1"),
        ("MAX_BATCH", "64"),
        ("THREADS", "1"),
        ("THREADS", "1024"),
        ("BATCH_WAIT_MS", "0"),
        ("BATCH_WAIT_MS", "10000"),
        ("MAX_WAITING", "1"),
        ("MAX_WAITING", "10000"),
        ("MAX_STREAMS", "1"),
        ("MAX_STREAMS", "10000"),
        ("JOB_RETENTION_SECONDS", "60"),
        ("JOB_RETENTION_BYTES", "0"),
        ("DATABASE_URL", "sqlite:///data/jobs.sqlite"),
        ("MODEL_CACHE_BYTES", "0"),
        ("LOAD_TIMEOUT_SECONDS", "1"),
        ("LOAD_TIMEOUT_SECONDS", "86400"),
        ("STALL_TIMEOUT_SECONDS", "60"),
        ("STALL_TIMEOUT_SECONDS", "86400"),
        ("EMBED_METADATA", "on"),
        ("PICTURE_LINK_SECONDS", "604800"),
        ("SHUTDOWN_GRACE_SECONDS", "0"),
    ],
)
def test_values_at_their_limits_are_accepted(variable: str, value: str) -> None:
    Settings.from_env({variable: value})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("PORT", "80.5"),
        ("MODEL_SCAN_INTERVAL", "0"),
        ("MODEL_SCAN_INTERVAL", "nan"),
        ("MODEL_SCAN_INTERVAL", "soon"),
        ("MODEL_ALIASES", "gpt-image-1"),
        ("MODEL_ALIASES", "a=b,=demo"),
        ("MODEL_ALIASES", "gpt-image-1="),
        ("MODEL_ALIASES", "a=demo,a=other"),
        ("DEFAULT_INFERENCE_STEPS", "0"),
        ("DEFAULT_INFERENCE_STEPS", "151"),
        ("DEFAULT_GUIDANCE_SCALE", "0.9"),
        ("DEFAULT_GUIDANCE_SCALE", "21"),
        ("MAX_PIXELS", "262143"),
        ("MAX_PIXELS", "4194305"),
        ("PICTURE_LINK_SECONDS", "59"),
        ("PICTURE_LINK_SECONDS", "604801"),
        ("OPENAI_RESPONSE_FORMAT", "b64"),
        ("DEVICE", "tpu"),
        ("DEVICE", "cuda:x"),
        ("DTYPE", "int8"),
        ("VAE_DTYPE", "int8"),
        ("BACKEND", "onnx"),
        ("QUANTIZATION", "int4"),
        ("MEMORY_FORMAT", "nchw"),
        ("ATTENTION", "flash"),
        ("VAE_TILING", "true"),
        ("OFFLOAD", "disk"),
        ("COMPILE", "perhaps"),
        ("THREADS", "0"),
        ("THREADS", "1025"),
        ("MODEL_DIRS", " , "),
        ("CORS_ORIGINS", "example.com"),
        ("CORS_ORIGINS", "https://a.example/path"),
        ("SECRET_KEY", "-----BEGIN PUBLIC KEY-----"),
        ("CORS_ORIGINS", "http://[::1"),
        ("CORS_ORIGINS", "http://a.example:99999"),
        ("HOST", "not a host"),
        ("API_KEYS", "two words"),
        ("API_KEYS", "schlüssel"),
        ("METRICS_KEY", "two words"),
        ("METRICS_KEY", "schlüssel"),
        ("MAX_QUEUE", "0"),
        ("MAX_QUEUE_PER_CALLER", "0"),
        ("MAX_QUEUE_PER_CALLER", "10001"),
        ("MAX_QUEUE_PER_CALLER", "few"),
        ("MAX_BATCH", "0"),
        ("MAX_BATCH", "65"),
        ("BATCH_WAIT_MS", "-1"),
        ("BATCH_WAIT_MS", "10001"),
        ("MAX_WAITING", "0"),
        ("MAX_WAITING", "10001"),
        ("MAX_STREAMS", "0"),
        ("MAX_STREAMS", "10001"),
        ("JOB_RETENTION_SECONDS", "59"),
        ("JOB_RETENTION_BYTES", "-1"),
        ("DATABASE_URL", "data/jobs.sqlite"),
        ("DATABASE_URL", "sqlite://"),
        ("DATABASE_URL", "sqlite:///:memory:"),
        ("MODEL_CACHE_BYTES", "-1"),
        ("LOAD_TIMEOUT_SECONDS", "0"),
        ("LOAD_TIMEOUT_SECONDS", "86401"),
        ("STALL_TIMEOUT_SECONDS", "59"),
        ("STALL_TIMEOUT_SECONDS", "86401"),
        ("MAX_BODY_BYTES", "100"),
        ("MAX_PICTURE_BYTES", "100"),
        ("SHUTDOWN_GRACE_SECONDS", "-1"),
        ("EMBED_METADATA", "maybe"),
        ("METRICS_PUBLIC", "maybe"),
        ("LOG_LEVEL", "LOUD"),
        ("LOG_FORMAT", "xml"),
    ],
)
def test_an_invalid_value_is_named(variable: str, value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({variable: value})
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].startswith(variable)


def test_all_invalid_values_are_named_in_one_message() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"PORT": "x", "DEVICE": "tpu", "LOG_FORMAT": "xml", "MAX_QUEUE": "0"})
    for variable in ("PORT", "DEVICE", "LOG_FORMAT", "MAX_QUEUE"):
        assert variable in str(caught.value)


@pytest.mark.parametrize("variable", ["API_KEYS", "METRICS_KEY"])
def test_an_invalid_key_is_not_repeated(variable: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({variable: "hunter 2"})
    assert "hunter" not in str(caught.value)


def test_a_metrics_key_that_is_also_an_api_key_is_refused_and_not_repeated() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings(api_keys=("hunter2", "another"), metrics_key="hunter2")
    assert caught.value.problems[0].startswith("METRICS_KEY is one of API_KEYS")
    assert "hunter" not in str(caught.value)


def test_keys_are_not_shown() -> None:
    settings = Settings(
        api_keys=("hunter2",), metrics_key="staple", secret_key="correct horse battery"
    )
    shown = repr(settings)
    assert "hunter2" not in shown
    assert "staple" not in shown
    assert "horse" not in shown


@pytest.mark.parametrize(
    "keys", [("q7Jw0Zr2Vt9Xk4L",), ("q7Jw0Zr2Vt9Xk4Lm", "changeme"), ("my-default-password-1",)]
)
def test_a_weak_api_key_is_reported_and_not_repeated(keys: tuple[str, ...]) -> None:
    weakness = Settings(api_keys=keys).api_keys_weakness
    assert weakness is not None
    assert not any(key in weakness for key in keys)


def test_a_strong_api_key_is_not_called_weak() -> None:
    assert Settings(api_keys=("q7Jw0Zr2Vt9Xk4Lm",)).api_keys_weakness is None
    assert Settings().api_keys_weakness is None


@pytest.mark.parametrize("key", ["q7Jw0Zr2Vt9Xk4L", "my-default-password-1"])
def test_a_weak_metrics_key_is_reported_and_not_repeated(key: str) -> None:
    weakness = Settings(metrics_key=key).metrics_key_weakness
    assert weakness is not None
    assert key not in weakness


def test_a_strong_metrics_key_is_not_called_weak() -> None:
    assert Settings(metrics_key="q7Jw0Zr2Vt9Xk4Lm").metrics_key_weakness is None
    assert Settings().metrics_key_weakness is None


@pytest.mark.parametrize("key", ["x" * 31, "change-me-change-me-change-me-change", "a" * 40])
def test_a_weak_secret_key_is_reported(key: str) -> None:
    assert Settings(secret_key=key).secret_key_weakness is not None


def test_a_strong_secret_key_is_not_called_weak() -> None:
    assert Settings(secret_key="q7Jw0Zr2Vt9Xk4Lm1Np8Bc5Df3Gh6Js0").secret_key_weakness is None
    assert Settings().secret_key_weakness is None
