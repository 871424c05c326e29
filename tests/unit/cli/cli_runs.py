"""Commands run over fakes: the real container, no torch, a folder of the test's own."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from click.testing import CliRunner, Result

from adapters.cli.program import program
from adapters.cli.wiring import Assembly, Core, DeviceFacts
from adapters.pictures.codec import PillowPictureCodec
from application.pictures import HeldPictures
from application.settings.settings import Settings
from container import Container
from tests.fakes.image_generator import FakeImageGenerator
from tests.fakes.model_headers import FakeModelHeaders
from tests.fakes.model_source import FakeModelSource, model_record

__all__ = ["MODEL", "SECRET_KEY", "Terminal", "hidden_files"]

MODEL = model_record(b"weights", "models/a.safetensors")
SECRET_KEY = "q7Jw0Zr2Vt9Xk4Lm1Np8Bc5Df3Gh6Js0Ty"


@dataclass
class Terminal:
    """What a command finds, which a test may change, and what it did.

    Attributes:
        environment: All environment variables.
        device: The device, or the error of finding it.
        job_store: The error of reading from the job store, or None.
        made_key: The file of the service's own key, or the error of reading it.
        demo: The path of the demo model, or the error of copying it there.
        settings: The settings of each request for the use cases.
        served: The changes that `serve` was called with.
        demos: The folders that received the demo model.
    """

    environment: dict[str, str] = field(default_factory=dict)
    source: FakeModelSource = field(
        default_factory=lambda: FakeModelSource({MODEL.path: b"weights"})
    )
    generator: FakeImageGenerator = field(default_factory=FakeImageGenerator)
    device: DeviceFacts | Exception = field(
        default_factory=lambda: DeviceFacts(
            name="cuda:0",
            dtype="float16",
            backend="torch",
            quantization="none",
            largest_batch=8,
            cache_bytes=16_000_000_000,
        )
    )
    headers: FakeModelHeaders = field(default_factory=FakeModelHeaders)
    job_store: Exception | None = None
    made_key: str | Exception | None = None
    demo: str | Exception = "models/demo.safetensors"
    settings: list[Settings] = field(default_factory=list)
    served: list[Mapping[str, str]] = field(default_factory=list)
    demos: list[str] = field(default_factory=list)

    def run(self, *arguments: str) -> Result:
        """Run `ai-inference` with these arguments. Raise an error that no user should see."""
        assembly = Assembly(
            environment=self.environment,
            core=self._core,
            find_device=self._find_device,
            try_job_store=self._try_job_store,
            read_made_key=self._read_made_key,
            put_demo=self._put_demo,
            serve=self.served.append,
        )
        return CliRunner().invoke(
            program, arguments, obj=assembly, prog_name="ai-inference", catch_exceptions=False
        )

    def _core(self, settings: Settings, _only: str | None) -> Core:
        self.settings.append(settings)
        container = Container(settings=settings)
        container.model_source.override(self.source)
        container.image_generator.override(self.generator)
        container.model_headers.override(self.headers)
        held = HeldPictures(PillowPictureCodec(), max_bytes=settings.max_picture_bytes)
        container.pictures.override(held)
        return Core(
            registry=container.model_registry(),
            pictures=held,
            generate_images=container.generate_images(),
            credential_checker=container.credential_checker(),
        )

    def _find_device(self, _settings: Settings) -> DeviceFacts:
        if isinstance(self.device, Exception):
            raise self.device
        return self.device

    def _read_made_key(self, _settings: Settings) -> str | None:
        if isinstance(self.made_key, Exception):
            raise self.made_key
        return self.made_key

    def _put_demo(self, folder: str) -> str:
        self.demos.append(folder)
        if isinstance(self.demo, Exception):
            raise self.demo
        return self.demo

    def _try_job_store(self, _settings: Settings) -> None:
        if self.job_store is not None:
            raise self.job_store


def hidden_files(names: list[str]) -> list[str]:
    """Return the files that `ls` does not show."""
    return [name for name in names if name.startswith(".")]
