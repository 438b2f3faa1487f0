"""Who a token speaks for: a JWT in, its caller out. Without keys in the settings nobody is asked who they are.

Tokens have `sub`, who it is, and `exp`; they are signed with the shared secret (HS256), or by the issuer whose public
key we have (EdDSA). One with the word `service` in its `scope` may do everything; any other speaks for the user `sub`.
"""

from typing import NamedTuple

import jwt
from jwt.algorithms import OKPAlgorithm

from streams.settings import Settings

SERVICE = "service"


class Rejected(ValueError):
    """The token is not believed, or of somebody else."""


class BadKey(ValueError):
    """A key in the settings is none."""


class Caller(NamedTuple):
    """Whom a token speaks for, until when (seconds since 1970)."""

    subject: str
    service: bool
    expires: float

    def speaks_for(self, user: str) -> bool:
        """Whether what is this user's may be shown to the caller."""
        return self.service or self.subject == user


class Tokens:
    """Checks tokens as the settings want it. Raises `BadKey` for a public key that is none."""

    def __init__(self, settings: Settings) -> None:
        self._keys: dict[str, str] = {}
        if settings.jwt_secret is not None:
            self._keys["HS256"] = settings.jwt_secret.get_secret_value()
        if settings.jwt_public_key is not None:
            _require_public_key(settings.jwt_public_key)
            self._keys["EdDSA"] = settings.jwt_public_key

    @property
    def required(self) -> bool:
        """Whether anybody has to show one."""
        return bool(self._keys)

    def caller(self, token: str | None) -> Caller:
        """Whom it speaks for. Raises `Rejected`."""
        try:
            algorithm = jwt.get_unverified_header(token or "").get("alg", "")
            if algorithm not in self._keys:
                raise Rejected(f"expected a token signed with {' or '.join(self._keys)}, got {algorithm!r}")
            claims = jwt.decode(
                token or "", self._keys[algorithm], algorithms=[algorithm], options={"require": ["exp", "sub"]}
            )
        except jwt.InvalidTokenError as error:
            raise Rejected(f"expected a valid token: {error}") from error
        scope = claims.get("scope", "")
        return Caller(claims["sub"], isinstance(scope, str) and SERVICE in scope.split(), float(claims["exp"]))


def _require_public_key(key: str) -> None:
    try:
        OKPAlgorithm().prepare_key(key)
    except (jwt.InvalidKeyError, ValueError) as error:
        raise BadKey(f"expected JWT_PUBLIC_KEY to be an Ed25519 public key in PEM: {error}") from error
