"""The one place where adapters meet the core. The only import of dependency_injector."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dependency_injector import containers, providers

from adapters.diffusion.image_generator import DiffusersImageGenerator
from adapters.filesystem.identity_cache import IdentityCache
from adapters.filesystem.model_source import FilesystemModelSource
from adapters.security.api_keys import ApiKeyVerifier
from adapters.security.jwt_tokens import JwtTokens
from application.scheduler import JobScheduler
from application.service import InferenceService
from application.settings import Settings
from domain.ports.credential_verifier import CredentialVerifier
from domain.services.credential_checker import CredentialChecker
from domain.services.generate_images import GenerateImages
from domain.services.model_registry import ModelRegistry

if TYPE_CHECKING:
    from flask import Flask

__all__ = ["Container"]


def _credential_checker(settings: Settings) -> CredentialChecker:
    tokens = JwtTokens(settings.secret_key) if settings.secret_key else None
    verifiers: list[CredentialVerifier] = [ApiKeyVerifier(settings.api_keys)]
    if tokens is not None:
        verifiers.append(tokens)
    return CredentialChecker(verifiers, issuer=tokens)


def _model_source(settings: Settings) -> FilesystemModelSource:
    cache = IdentityCache(Path(settings.data_dir, "models.sqlite"))
    return FilesystemModelSource(settings.model_dirs, cache)


def _app(**collaborators: Any) -> "Flask":
    # An embedder draws without ever importing Flask.
    from adapters.http.app import create_app

    return create_app(**collaborators)


class Container(containers.DeclarativeContainer):
    """`Container(settings=Settings(...))`; a test overrides a provider to swap a fake in.

    Everything is made when first asked for and then shared.
    """

    settings = providers.Dependency(instance_of=Settings)

    model_source = providers.ThreadSafeSingleton(_model_source, settings)
    image_generator = providers.ThreadSafeSingleton(
        DiffusersImageGenerator,
        device=settings.provided.device,
        dtype=settings.provided.dtype,
        embed_metadata=settings.provided.embed_metadata,
        cache_bytes=settings.provided.model_cache_bytes,
    )
    credential_checker = providers.ThreadSafeSingleton(_credential_checker, settings)

    model_registry = providers.ThreadSafeSingleton(ModelRegistry, model_source)
    generate_images = providers.ThreadSafeSingleton(GenerateImages, model_registry, image_generator)
    scheduler = providers.ThreadSafeSingleton(
        JobScheduler, generate_images, max_queue=settings.provided.max_queue
    )
    service = providers.ThreadSafeSingleton(
        InferenceService,
        model_registry,
        image_generator,
        scheduler,
        scan_interval=settings.provided.model_scan_interval,
    )
    app = providers.ThreadSafeSingleton(
        _app,
        settings=settings,
        registry=model_registry,
        generator=image_generator,
        scheduler=scheduler,
        service=service,
        credential_checker=credential_checker,
    )
