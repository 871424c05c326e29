"""What the service says to the person who started it."""

import shlex
from collections.abc import Sequence

from application.settings import Settings
from application.version import NAME, VERSION
from domain.models import ModelRecord

__all__ = ["curl_line", "welcome"]

_PROMPT = "a beautiful landscape with mountains and a lake"
_PICTURE = "picture.png"
_DECODE = (
    "import base64, json, sys; answer = json.load(sys.stdin); "
    "'images' in answer or sys.exit(answer['detail']); "
    f"open({_PICTURE!r}, 'wb').write(base64.b64decode(answer['images'][0]['base64']))"
)


def welcome(settings: Settings, *, made_api_key: str | None) -> str:
    """The address, the key when one was made for this run, and what is weak."""
    lines = ["", f"{NAME} {VERSION} serves on {address(settings)}"]
    if made_api_key is not None:
        lines.append(f"API key for this run, shown once (set API_KEYS to keep one): {made_api_key}")
    if weakness := settings.api_keys_weakness:
        lines += [
            f"WARNING: API_KEYS is weak: {weakness}. Whoever guesses it has every right.",
            "WARNING: make one with: ai-inference keys new",
        ]
    if weakness := settings.metrics_key_weakness:
        lines += [
            f"WARNING: METRICS_KEY is weak: {weakness}. Whoever guesses it can read /metrics.",
            "WARNING: make one with: ai-inference keys new",
        ]
    if weakness := settings.secret_key_weakness:
        lines += [
            f"WARNING: SECRET_KEY is weak: {weakness}. Whoever guesses it can make tokens.",
            "WARNING: make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'",
        ]
    return "\n".join([*lines, ""])


def curl_line(
    settings: Settings, models: Sequence[ModelRecord], *, made_api_key: str | None
) -> str:
    """A command to paste that leaves a picture, or what is missing for one."""
    model = next((model for model in models if model.loadable), None)
    if model is None:
        return f"No model to draw with yet: put a checkpoint into {settings.model_dirs[0]}\n"
    # The id is the time, so that the line draws anew each time it is pasted, and after an edit.
    rest = f'", "model_id": "{model.id}", "prompt": "{_PROMPT}"}}'
    # A key that the user has set is theirs to keep secret, so the line names a variable for it.
    credential = made_api_key or ("$API_KEY" if settings.api_keys else "$TOKEN")
    return (
        f"Paste this for a picture in {_PICTURE}:\n\n"
        f'curl -sS {address(settings)}/v1/infer -H "Authorization: Bearer {credential}" '
        f"""-H 'Content-Type: application/json' -d '{{"id": "'"$(date +%s)"'{rest}' """
        f"| python3 -c {shlex.quote(_DECODE)}\n"
    )


def address(settings: Settings) -> str:
    """Where the service answers, as this machine reaches it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
