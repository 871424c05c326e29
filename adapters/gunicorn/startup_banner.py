"""What the service prints for the person who started it."""

from collections.abc import Sequence

from application.settings.made_key import MadeApiKey
from application.settings.settings import Settings
from application.version import NAME, VERSION
from domain.models.record import ModelRecord

__all__ = ["first_picture", "no_model_message", "startup_message"]

_PROMPT = "a beautiful landscape with mountains and a lake"
_PICTURE = "picture.png"
_DECODE = (
    "import base64, json, sys; answer = json.load(sys.stdin); "
    r"\"images\" in answer or sys.exit(answer[\"detail\"]); "
    rf"open(\"{_PICTURE}\", \"wb\")"
    r".write(base64.b64decode(answer[\"images\"][0][\"base64\"]))"
)
"""Python code, quoted for a place between double quotes in a shell."""


def startup_message(
    settings: Settings, *, made: MadeApiKey | None, warnings: Sequence[str] = ()
) -> str:
    """Return the address, how to sign in, the key if the service created it, and each warning."""
    lines = ["", f"{NAME} {VERSION} serves on {address(settings)}"]
    if made is not None:
        # Browsers do not send the fragment, so the key appears in no server log and in no Referer.
        lines += [
            f"Sign in with one click: {address(settings)}/#key={made.key}",
            f"API key: {made.key}",
            f"The key is kept in {made.kept_in}, also for the next start. API_KEYS sets others."
            if made.kept_in
            else "The key is for this run alone: DATA_DIR cannot protect a file from other users. "
            "Set API_KEYS to a key that stays.",
        ]
    elif settings.api_keys:
        lines.append(f"Open {address(settings)} and sign in with one of API_KEYS.")
    else:
        lines.append(
            f"Open {address(settings)} and sign in with a token; with the same SECRET_KEY "
            "`ai-inference token --subject me` prints one."
        )
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
    lines += [f"WARNING: {warning}" for warning in warnings]
    return "\n".join([*lines, ""])


def first_picture(
    settings: Settings,
    models: Sequence[ModelRecord],
    *,
    made: MadeApiKey | None,
    program: str = NAME,
) -> str:
    """Return a shell command that draws an image with one of `models` and saves it.

    It runs in every shell that has `sh`, `curl` and `python3`. A key that the user has set is not
    printed, because it is theirs to keep secret: the command takes it from exported variables, or
    asks for it.

    Args:
        settings: The service's settings.
        models: The listed models; the first that can draw is used.
        made: The service's own key, if it created one.
        program: The path of `ai-inference`, for tokens.
    """
    model = next(model for model in models if model.loadable)
    if made is not None:
        key = f"K={made.key}; "
    elif settings.api_keys:
        key = "K=${API_KEY:-${API_KEYS%%,*}}; " + _prompt_for("API key")
    else:
        minted = f'K=${{TOKEN:-$("{program}" token --subject me 2>/dev/null)}}; '
        key = minted + _prompt_for("Token")
    # The id is the time, so that each run of the line draws a new image, also after an edit.
    body = (
        r"{\"id\": \"$(date +%s)\", "
        rf"\"model_id\": \"{model.id}\", \"prompt\": \"{_PROMPT}\"}}"
    )
    # Every shell leaves all characters but single quotes alone inside single quotes.
    return (
        "Paste this for a first picture. It waits until the picture is drawn, which may take "
        f"minutes on a CPU,\nand leaves it in {_PICTURE} in the folder where you are:\n\n"
        f"sh -c '{key}echo Drawing, please wait; "
        f'curl -sS "{address(settings)}/v1/infer" '
        f'-H "Authorization: Bearer $K" -H "Content-Type: application/json" -d "{body}" '
        f"""| python3 -c "{_DECODE}" && echo "The picture is $PWD/{_PICTURE}"'\n"""
    )


def no_model_message(settings: Settings) -> str:
    """Return what to do when there is no model to draw with."""
    return (
        f"No model to draw with yet. Put a checkpoint into {settings.model_dirs[0]}, or let "
        "`ai-inference demo` put a small one there. The service sees it without a restart.\n"
    )


def _prompt_for(what: str) -> str:
    return f'[ -n "$K" ] || {{ printf "{what}: "; read -r K; }}; '


def address(settings: Settings) -> str:
    """Return the address of the service, as this machine reaches it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"
