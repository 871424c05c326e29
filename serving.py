"""gunicorn for one device: one process owns it, threads serve.

Nothing runs before the fork: `post_worker_init` starts the service in the worker.
"""

import os
import sys
from typing import Any

from gunicorn.arbiter import Arbiter

from adapters.cli.errors import told
from adapters.gunicorn.arbiter import ServiceArbiter
from adapters.gunicorn.console import say
from adapters.gunicorn.descriptors import connections_within_limit
from adapters.gunicorn.listeners import listen
from adapters.gunicorn.logs import logging_config
from adapters.gunicorn.process_exit import end_process
from adapters.gunicorn.startup_banner import first_picture, no_model_message, startup_message
from adapters.gunicorn.worker import service_worker
from application.lifecycle.service import InferenceService
from application.version import NAME
from domain.errors import DomainError
from wsgi import container, made_api_key, misspelt, settings

# A client that waits for pictures or listens to events holds a thread; the added threads serve all
# other requests.
_THREADS_FOR_THE_REST = 16

wsgi_app = "wsgi:app"
_host = f"[{settings.host}]" if ":" in settings.host else settings.host
bind = f"{_host}:{settings.port}"
workers = 1
worker_class = service_worker(container.service(), grace_seconds=settings.shutdown_grace_seconds)
threads = settings.max_waiting + settings.max_streams + _THREADS_FOR_THE_REST
worker_connections = connections_within_limit(2 * threads + 100, needed=threads)
# With threads this limits how long the worker's own loop may hang, not how long a request may take.
timeout = 120
# The service answers all waiting clients within its own grace period; gunicorn must wait longer
# than that.
graceful_timeout = settings.shutdown_grace_seconds + 10
keepalive = 5
# Only signals control this process.
control_socket_disable = True
# A heartbeat file on a disk can block the worker; one in memory cannot.
worker_tmp_dir = "/dev/shm" if os.path.isdir("/dev/shm") else None  # noqa: S108
logconfig_dict = logging_config(level=settings.log_level, log_format=settings.log_format)


def on_starting(server: Any) -> None:
    ServiceArbiter.convert(server)
    listen(server)
    made_api_key()  # if it cannot be read or stored, report that now


def when_ready(server: Any) -> None:
    say(startup_message(settings, made=made_api_key(), warnings=misspelt))


def post_worker_init(worker: Any) -> None:
    service: InferenceService = container.service()

    def on_ready() -> None:
        models = container.model_registry().models()
        command = os.path.join(os.path.dirname(sys.executable), NAME)
        say(first_picture(settings, models, made=made_api_key(), program=command))

    def on_no_model() -> None:
        say(no_model_message(settings))

    def on_fatal(error: DomainError) -> None:
        worker.log.critical("%s", told(error))
        # gunicorn restarts a worker that died, except with this status, with which gunicorn ends
        # too.
        os._exit(Arbiter.APP_LOAD_ERROR)

    service.start(on_ready=on_ready, on_no_model=on_no_model, on_fatal=on_fatal)


def worker_exit(server: Any, worker: Any) -> None:
    if os.getpid() == worker.pid:  # gunicorn may also call this in the master
        container.service().stop(settings.shutdown_grace_seconds)
        end_process(sys.exc_info()[1])
