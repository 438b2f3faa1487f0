import base64
import json
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr, ValidationError

from streams import clock
from streams.settings import Settings
from streams.tokens import BadKey, Rejected, Tokens

SECRET = "s" * 32
ISSUER = Ed25519PrivateKey.generate()
PUBLIC = ISSUER.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
BOTH = Tokens(Settings(jwt_secret=SecretStr(SECRET), jwt_public_key=PUBLIC))


def claims(**more: object) -> dict[str, object]:
    return {"sub": "ada", "exp": clock.now() + timedelta(minutes=1), **more}


def signed(secret: str = SECRET, **more: object) -> str:
    return jwt.encode(claims(**more), secret)


def unsigned() -> str:
    parts = ({"alg": "none", "typ": "JWT"}, {"sub": "ada", "exp": 2**33})
    return ".".join([*(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts), ""])


def test_either_key_names_the_user_and_until_when() -> None:
    for token in (signed(exp=2**33), jwt.encode(claims(exp=2**33), ISSUER, "EdDSA")):
        caller = BOTH.caller(token)
        assert caller == ("ada", False, 2**33)
        assert (caller.speaks_for("ada"), caller.speaks_for("bob")) == (True, False)


@pytest.mark.parametrize(
    ("scope", "service"),
    [("service", True), ("a service b", True), ("services", False), ("", False), (["service"], False), (5, False)],
)
def test_a_service_says_so_in_its_scope(scope: object, service: bool) -> None:
    caller = BOTH.caller(signed(scope=scope))
    assert caller.service is service
    assert caller.speaks_for("bob") is service


@pytest.mark.parametrize(
    "token",
    [
        None,
        "",
        "blah",
        "a.b.c",
        unsigned(),
        signed("t" * 32),
        signed(exp=clock.now() - timedelta(seconds=1)),
        signed(sub=5),
        jwt.encode({"sub": "ada"}, SECRET),
        jwt.encode({"exp": 2**33}, SECRET),
        jwt.encode(claims(), SECRET * 2, "HS512"),
        jwt.encode(claims(), Ed25519PrivateKey.generate(), "EdDSA"),
    ],
)
def test_what_is_not_signed_in_date_and_of_somebody_is_rejected(token: str | None) -> None:
    with pytest.raises(Rejected, match=r"^expected a"):
        BOTH.caller(token)


def test_a_key_is_used_for_its_own_algorithm_only() -> None:
    with pytest.raises(Rejected, match="expected a token signed with EdDSA, got 'HS256'"):
        Tokens(Settings(jwt_public_key=PUBLIC)).caller(signed())


def test_without_keys_nobody_is_asked() -> None:
    assert not Tokens(Settings()).required
    assert BOTH.required


def test_keys_that_are_none_or_weak_are_refused_at_the_start() -> None:
    with pytest.raises(BadKey, match="JWT_PUBLIC_KEY"):
        Tokens(Settings(jwt_public_key="blah"))
    with pytest.raises(ValidationError):
        Settings(jwt_secret=SecretStr("s" * 31))
