"""The Flask application."""

import re

import flask_cors
from flask import Flask

from adapters.http import automatic1111, openai
from adapters.http.description.document import documented_api
from adapters.http.description.explorer import explorer_assets_blueprint, explorer_blueprint
from adapters.http.edge.bodies import body_limit
from adapters.http.edge.body_budget import install_body_budget
from adapters.http.edge.client_disconnect import wait_for_pictures
from adapters.http.edge.redaction import install_redaction, redactor_of
from adapters.http.edge.request_log import install_request_log
from adapters.http.foreign_pages import refuse_foreign_pages
from adapters.http.generation.judged import install_picture_check
from adapters.http.generation.requests import RequestMaker
from adapters.http.generation.schemas import request_defaults
from adapters.http.generation.waiting import Places, Wait, WaitingCallers
from adapters.http.page.routes import BrowserPage
from adapters.http.problems.handlers import install_error_handlers
from adapters.http.v1.drawing.images import images_blueprint
from adapters.http.v1.drawing.inference import inference_blueprint
from adapters.http.v1.drawing.preprocessing import preprocessing_blueprint
from adapters.http.v1.drawing.preprocessors import preprocessors_blueprint
from adapters.http.v1.drawing.upscaling import upscaling_blueprint
from adapters.http.v1.health import public_blueprint
from adapters.http.v1.jobs.event_stream import EventStreams
from adapters.http.v1.jobs.routes import jobs_blueprint
from adapters.http.v1.metrics import count_requests, metrics_blueprint
from adapters.http.v1.models import models_blueprint
from adapters.http.v1.picture_links import LinkMaker, picture_links_blueprint
from adapters.http.v1.system import system_blueprint
from adapters.http.v1.tokens import tokens_blueprint
from application.jobs.job_service import JobService
from application.lifecycle.service import InferenceService
from application.model_choice import ModelChoice
from application.parts import MakeMap
from application.picture_links import PictureLinks
from application.pictures import Pictures
from application.ports.metrics import Metrics
from application.ports.process_report import ProcessReport
from application.settings.settings import Settings
from application.thumbnails import Thumbnails
from domain.ports.device_report import DeviceReport
from domain.ports.image_generator import ImageGenerator
from domain.ports.model_headers import ModelHeaders
from domain.ports.picture_codec import PictureCodec
from domain.ports.picture_resizer import PictureResizer
from domain.ports.preprocessor import PicturePreprocessor
from domain.services.addition_checks import AdditionChecks
from domain.services.credential_checker import CredentialChecker
from domain.services.model_registry import ModelRegistry

__all__ = ["create_app"]

_EXPOSED_HEADERS = (
    *("X-Request-ID", "Location", "Retry-After", "Preference-Applied"),
    *("Content-Location", "X-Seed", "X-Model-ID", "X-Warning"),
)
_BODIES_WITH_PICTURES = 4
_PICTURES_OF_MOST = 2
"""There is room for this many bodies with an initial image and a mask at once. A body that also has
a picture for each ControlNet needs the room of three of them."""


def create_app(
    *,
    settings: Settings,
    registry: ModelRegistry,
    generator: ImageGenerator,
    device_report: DeviceReport,
    process_report: ProcessReport,
    job_service: JobService,
    service: InferenceService,
    credential_checker: CredentialChecker,
    metrics_checker: CredentialChecker,
    metrics: Metrics,
    picture_codec: PictureCodec,
    pictures: Pictures,
    make_map: MakeMap,
    picture_links: PictureLinks,
    thumbnails: Thumbnails,
    model_headers: ModelHeaders,
    addition_checks: AdditionChecks,
    picture_preprocessor: PicturePreprocessor,
    picture_resizer: PictureResizer,
    wait: Wait = wait_for_pictures,
) -> Flask:
    """Return the WSGI application over these services. `service.start()` starts them."""
    app = Flask(__name__, static_folder=None, template_folder="page/site")
    app.config.update(
        MAX_CONTENT_LENGTH=settings.max_body_bytes, MAX_PICTURE_BYTES=settings.max_picture_bytes
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    redactor = redactor_of(settings)
    install_request_log(app, redactor)
    install_redaction(app, redactor)
    install_body_budget(app, _room_for_bodies(settings))
    count_requests(app, metrics)
    flask_cors.CORS(
        app,
        origins=_origins(settings.cors_origins),
        expose_headers=list(_EXPOSED_HEADERS),
        supports_credentials=False,
        send_wildcard=True,
        max_age=600,
    )
    refuse_foreign_pages(app, settings.cors_origins)
    api = documented_api(app, request_defaults=request_defaults(settings))
    install_error_handlers(
        app,
        {
            openai.PREFIX: openai.ERROR_FORM,
            automatic1111.PREFIX: automatic1111.ERROR_FORM,
            automatic1111.CONTROLNET_PREFIX: automatic1111.ERROR_FORM,
        },
    )
    draw = WaitingCallers(job_service, places=Places(settings.max_waiting), wait=wait)
    listeners = Places(settings.max_streams)
    streams = EventStreams(job_service, places=listeners)
    metrics.watch(waiting_callers=lambda: draw.waiting, event_streams=lambda: listeners.taken)
    make_request = RequestMaker(settings, ModelChoice(registry, job_service), pictures, job_service)
    install_picture_check(app, make_request.picture_problems)
    draw_images = openai.ImagesDrawer(
        settings,
        make_request,
        draw,
        openai.PictureStreams(job_service, picture_codec, places=listeners),
        LinkMaker(picture_links),
    )
    options = automatic1111.CallersOptions(registry)
    mismatch = automatic1111.Mismatch(addition_checks)
    make_maps = automatic1111.ControlMaps(picture_codec, picture_resizer, picture_preprocessor)
    drawing = automatic1111.Drawing(
        registry,
        options,
        make_request,
        draw,
        automatic1111.MaskReader(picture_codec, pictures),
        automatic1111.Additions(
            registry,
            automatic1111.BuildNetworks(registry, mismatch),
            automatic1111.BuildControls(registry, picture_codec, pictures),
            make_maps,
        ),
    )
    page = BrowserPage(settings)
    app.register_blueprint(page.assets_blueprint())
    for blueprint in (
        public_blueprint(page, registry, generator, service),
        models_blueprint(registry, credential_checker),
        system_blueprint(settings, device_report, credential_checker),
        inference_blueprint(make_request, draw, credential_checker),
        upscaling_blueprint(make_request, draw, credential_checker),
        preprocessing_blueprint(make_map, credential_checker),
        preprocessors_blueprint(credential_checker),
        images_blueprint(pictures, credential_checker),
        jobs_blueprint(make_request, job_service, streams, thumbnails, credential_checker),
        tokens_blueprint(credential_checker),
        openai.images_blueprint(draw_images, credential_checker),
        openai.edits_blueprint(
            draw_images, openai.EditedPictures(pictures, picture_codec), credential_checker
        ),
        picture_links_blueprint(job_service, picture_links),
        openai.models_blueprint(registry, credential_checker),
        metrics_blueprint(metrics, metrics_checker, public=settings.metrics_public),
        automatic1111.txt2img_blueprint(drawing, credential_checker),
        automatic1111.img2img_blueprint(drawing, credential_checker),
        automatic1111.extras_blueprint(
            automatic1111.Enlarging(registry, options, pictures, picture_codec, job_service, draw),
            credential_checker,
        ),
        automatic1111.listing_blueprint(registry, credential_checker),
        automatic1111.networks_blueprint(
            registry, options, model_headers, mismatch, credential_checker
        ),
        automatic1111.controlnet_blueprint(registry, credential_checker),
        automatic1111.detect_blueprint(
            automatic1111.Detecting(make_maps, pictures), credential_checker
        ),
        automatic1111.options_blueprint(registry, options, credential_checker),
        automatic1111.program_blueprint(device_report, process_report, credential_checker),
        automatic1111.progress_blueprint(job_service, credential_checker),
        automatic1111.png_info_blueprint(picture_codec, credential_checker),
        explorer_blueprint(registry),
    ):
        api.register_blueprint(blueprint)
    app.register_blueprint(explorer_assets_blueprint())
    return app


def _room_for_bodies(settings: Settings) -> int:
    """Return the bytes of all large bodies that are in memory at once."""
    usual = body_limit(settings.max_body_bytes, settings.max_picture_bytes, _PICTURES_OF_MOST)
    return _BODIES_WITH_PICTURES * usual


def _origins(configured: tuple[str, ...]) -> str | list[re.Pattern[str]]:
    # flask-cors reads an origin with brackets, such as an IPv6 address, as a regular expression.
    if "*" in configured:
        return "*"
    return [re.compile(re.escape(origin) + r"\Z", re.IGNORECASE) for origin in configured]
