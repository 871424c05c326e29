import os
import re
from pathlib import Path

import pytest

from adapters.security.jwt_tokens import JwtTokens
from application.settings.settings import Settings
from domain.credentials import Scope
from tests.unit.cli.cli_runs import SECRET_KEY, Terminal


def signing() -> Terminal:
    return Terminal({"SECRET_KEY": SECRET_KEY})


def test_the_service_accepts_a_printed_token() -> None:
    done = signing().run("token", "--subject", "alice", "--scope", "models:read")
    assert (done.exit_code, done.stderr) == (0, "")
    principal = JwtTokens(SECRET_KEY).verify(done.stdout.strip())
    assert principal is not None
    assert (principal.name, principal.scopes) == ("alice", frozenset({Scope.MODELS_READ}))
    assert not principal.may_mint


def test_without_a_scope_a_token_has_every_scope_for_an_hour() -> None:
    token = signing().run("token", "--subject", "alice").stdout.strip()
    principal = JwtTokens(SECRET_KEY, clock=lambda: 0).verify(token)
    assert principal is not None
    assert principal.scopes == frozenset(Scope)


def test_without_secret_key_there_is_no_token() -> None:
    done = Terminal().run("token", "--subject", "alice")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "SECRET_KEY is not set" in done.stderr


def test_every_invalid_value_is_reported() -> None:
    done = signing().run("token", "--subject", "a", "--scope", "write", "--expires-in", "0")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "Error: --expires-in is 0; it must lie between 1 and 86400",
        "--scope names 'write'; known are models:read inference:run",
    ]


@pytest.mark.parametrize("subject", ["", "x" * 201, "a\x00b"])
def test_a_subject_that_the_service_would_refuse_is_refused(subject: str) -> None:
    done = signing().run("token", "--subject", subject)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "--subject" in done.stderr


@pytest.mark.filterwarnings("ignore:The HMAC key")
def test_a_weak_secret_is_reported_next_to_the_token() -> None:
    done = Terminal({"SECRET_KEY": "short"}).run("token", "--subject", "a")
    assert done.exit_code == 0
    assert "SECRET_KEY is weak: it is shorter than 32 bytes" in done.stderr
    assert JwtTokens("short").verify(done.stdout.strip())


def test_a_new_key_is_printed_and_not_stored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    runs = [Terminal().run("keys", "new") for _ in range(2)]
    keys = [run.stdout.strip() for run in runs]
    assert keys[0] != keys[1]
    assert all(re.fullmatch(r"[\w-]{43}", key) for key in keys)
    line = runs[0].stderr.splitlines()[-1]
    assert line == f"API_KEYS={keys[0]}"
    assert Settings.from_env(dict([line.split("=", 1)])).api_keys == (keys[0],)
    assert os.listdir(tmp_path) == []
