"""Which JSON Web Tokens are valid."""

import time
from typing import Any

import jwt
import pytest

from tests.http.conftest import SECRET_KEY, Service
from tests.http.helpers import bearer, make_token

NOW = int(time.time())


def status(service: Service, token: str) -> int:
    return service.client.get("/v1/models", headers=bearer(token)).status_code


def test_a_token_of_another_library_passes(shared: Service) -> None:
    claims = {"sub": "somebody", "exp": int(time.time()) + 60}
    assert status(shared, jwt.encode(claims, SECRET_KEY, algorithm="HS256")) == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW + 10**9},
        {"exp": NOW + 600.5},
        {"iat": NOW, "nbf": NOW},
        {"iat": NOW - 10**6},
        {"aud": "somebody else", "iss": "https://issuer.example", "jti": "1", "extra": [1]},
        {"scope": None},
        {"sub": "x" * 200},
        {"sub": "é\n"},
    ],
)
def test_a_token_with_these_claims_passes(shared: Service, claims: dict[str, Any]) -> None:
    assert status(shared, make_token(claims)) == 200


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW - 3600},
        {"exp": 0},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": [NOW + 60]},
        {"exp": True},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"nbf": NOW + 3600},
        {"nbf": "tomorrow"},
        {"iat": NOW + 3600},
        {"iat": "yesterday"},
        {"sub": None},
        {"sub": ""},
        {"sub": 5},
        {"sub": ["somebody"]},
        {"sub": "x" * 201},
        {"scope": ["models:read"]},
        {"scope": 5},
        {"scope": {"models:read": True}},
    ],
)
def test_a_token_with_these_claims_is_refused(shared: Service, claims: dict[str, Any]) -> None:
    assert status(shared, make_token(claims)) == 401


@pytest.mark.parametrize("claim", ["exp", "sub"])
def test_a_token_without_a_required_claim_is_refused(shared: Service, claim: str) -> None:
    assert status(shared, make_token(without=claim)) == 401


# A few seconds of leeway and no more: clocks of machines differ that much.
@pytest.mark.parametrize("claim, sign", [("exp", -1), ("nbf", 1), ("iat", 1)])
def test_clocks_may_differ_by_a_few_seconds(shared: Service, claim: str, sign: int) -> None:
    assert status(shared, make_token({claim: int(time.time()) + sign * 4})) == 200
    assert status(shared, make_token({claim: int(time.time()) + sign * 60})) == 401


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", ""])
def test_an_unsigned_token_is_refused(shared: Service, algorithm: str) -> None:
    token = make_token(header={"alg": algorithm})
    unsigned = token.rpartition(".")[0]
    for spelling in (token, f"{unsigned}.", unsigned):
        assert status(shared, spelling) == 401


@pytest.mark.parametrize(
    "algorithm, digest",
    [
        ("HS384", "sha384"),
        ("HS512", "sha512"),
        ("RS256", "sha256"),
        ("ES256", "sha256"),
        ("PS256", "sha256"),
        ("EdDSA", "sha256"),
        ("hs256", "sha256"),
        (None, "sha256"),
        (["HS256"], "sha256"),
        ({}, "sha256"),
    ],
)
def test_the_algorithm_is_pinned_whatever_the_header_says(
    shared: Service, algorithm: object, digest: str
) -> None:
    assert status(shared, make_token(header={"alg": algorithm}, digest=digest)) == 401


@pytest.mark.parametrize("key", ["", "another-secret-of-the-same-length", SECRET_KEY.lower()])
def test_a_token_signed_with_another_key_is_refused(shared: Service, key: str) -> None:
    assert status(shared, make_token(key=key)) == 401


@pytest.mark.parametrize("name", ["jwk", "jku", "x5c", "kid"])
def test_a_token_cannot_bring_its_own_key(shared: Service, name: str) -> None:
    key = "the-key-that-an-attacker-would-like"
    token = make_token(header={name: key}, key=key)
    assert status(shared, token) == 401


def test_a_token_that_was_tampered_with_is_refused(shared: Service) -> None:
    header, _, signature = make_token({"scope": ""}).split(".")
    _, payload, _ = make_token({"scope": "models:read"}).split(".")
    assert status(shared, f"{header}.{payload}.{signature}") == 401


@pytest.mark.parametrize(
    "token", ["", ".", "..", "a.b", "e30.e30.e30", "e30.W10.", "....", "\xff.a.b"]
)
def test_text_that_only_looks_like_a_token_is_refused(shared: Service, token: str) -> None:
    assert status(shared, token) == 401


def test_an_endlessly_nested_payload_is_refused(shared: Service) -> None:
    nested: list[Any] = []
    for _ in range(400):
        nested = [nested]
    assert status(shared, make_token({"sub": nested})) == 401
