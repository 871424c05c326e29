# syntax=docker/dockerfile:1

# Two stages: the first installs into a virtual environment, the second copies only that
# environment. docs/operations.md has the commands.
# The base image is named by the digest of its index, which holds amd64 and arm64, so that a build
# does not change by itself. For a newer one: `docker buildx imagetools inspect python:3.12-slim`.
ARG PYTHON_IMAGE=python:3.12-slim@sha256:78387bc3881b8273120a12ebe6c1ab22b018ccc2c9adf565ae1ac9b536e184ea

FROM ${PYTHON_IMAGE} AS build

ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1

WORKDIR /src
RUN python -m venv /opt/venv
COPY constraints.txt ./
COPY requirements ./requirements
RUN /opt/venv/bin/pip install --require-hashes --requirement requirements/pip.txt

# The package index for torch. If it is empty, the registry's own build is installed: CUDA on x86-64,
# CPU on Arm; its files are checked by their hashes. For the CPU build on x86-64, or another CUDA
# version, set the index address from PyTorch's installation page; that build is pinned by its
# version only. torch is installed first: it is most of the image, and its layer stays cached while
# the code changes.
ARG TORCH_INDEX_URL=""
RUN if [ -z "${TORCH_INDEX_URL}" ]; then \
        /opt/venv/bin/pip install --require-hashes --no-deps --requirement requirements/torch.txt; \
    else \
        /opt/venv/bin/pip install --constraint constraints.txt \
            --extra-index-url "${TORCH_INDEX_URL}" torch; \
    fi

# The packages besides torch: runtime, or openvino to include that extra.
ARG REQUIREMENTS=runtime
RUN /opt/venv/bin/pip install --require-hashes --no-deps \
    --requirement "requirements/${REQUIREMENTS}.txt"
COPY pyproject.toml README.md cli.py container.py serving.py wsgi.py ./
COPY domain ./domain
COPY application ./application
COPY adapters ./adapters
COPY ai-models/demo.json ai-models/demo*.safetensors ./ai-models/
RUN /opt/venv/bin/pip install --no-deps --no-build-isolation . && /opt/venv/bin/pip check

FROM ${PYTHON_IMAGE}

RUN useradd --system --uid 10001 --user-group --create-home --home-dir /home/inference inference \
    && mkdir -p /app/ai-models /app/data \
    && chown 10001 /app/data

COPY --from=build /opt/venv /opt/venv
WORKDIR /app
COPY gunicorn.conf.py ./
COPY ai-models ./ai-models
# The files of a checkout may be private to its owner; the service runs as another user.
RUN chmod -R a+rX /app

ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 HOST=0.0.0.0 PORT=8000 \
    MODEL_DIRS=ai-models/ DATA_DIR=/app/data
USER 10001
VOLUME ["/app/ai-models", "/app/data"]
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/health', timeout=2)"]
STOPSIGNAL SIGTERM
CMD ["gunicorn"]
