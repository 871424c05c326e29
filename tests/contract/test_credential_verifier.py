"""What every credential verifier does, the fake and the real ones."""

from dataclasses import dataclass

import pytest

from adapters.security.api_keys import ApiKeyVerifier
from adapters.security.jwt_tokens import JwtTokens
from domain.credentials import Principal, Scope
from domain.ports.credential_verifier import CredentialVerifier
from tests.fakes.credentials import FakeCredentialVerifier

SECRET_KEY = "q7Jw0Zr2Vt9Xk4Lm1Np8Bc5Df3Gh6Js0Ty"
BOTH = frozenset(Scope)


@dataclass
class Case:
    """A verifier, and one valid credential with its owner."""

    verifier: CredentialVerifier
    credential: str
    principal: Principal


@pytest.fixture(params=["fake", "api key", "metrics key", "jwt"])
def case(request: pytest.FixtureRequest) -> Case:
    if request.param == "fake":
        principal = Principal("me", BOTH)
        return Case(FakeCredentialVerifier({"good": principal}), "good", principal)
    if request.param == "api key":
        # sha256("good-key") starts with these eight digits.
        principal = Principal("key:b8ce88d5", BOTH, may_mint=True)
        return Case(ApiKeyVerifier(["other", "good-key"]), "good-key", principal)
    if request.param == "metrics key":
        principal = Principal("key:b8ce88d5", frozenset())
        verifier = ApiKeyVerifier(["good-key"], scopes=(), may_mint=False)
        return Case(verifier, "good-key", principal)
    tokens = JwtTokens(SECRET_KEY)
    token = tokens.issue(subject="me", scopes=BOTH, expires_in=60).token
    return Case(tokens, token, Principal("me", BOTH))


def test_a_valid_credential_names_its_owner(case: Case) -> None:
    assert case.verifier.verify(case.credential) == case.principal


@pytest.mark.parametrize("change", [str.upper, lambda c: c + "x", lambda c: c[:-1], lambda c: ""])
def test_any_other_credential_names_nobody(case: Case, change) -> None:  # type: ignore[no-untyped-def]
    assert case.verifier.verify(change(case.credential)) is None


@pytest.mark.parametrize("credential", ["ünïcode", "\udcff", "a.b.c", "....", "x" * 100_000, "\0"])
def test_hostile_credentials_name_nobody_and_raise_nothing(case: Case, credential: str) -> None:
    assert case.verifier.verify(credential) is None
