"""Whether an AUTH is believed: a signed token names the user. Without keys anybody is, and only loopback is served.

Tokens are JWTs with `sub`, the user, and `exp`; HS256 with a shared secret, or EdDSA with the issuer's public key.
"""

import jwt

from gateway.socket.frames import Auth
from streams.settings import Settings


class Rejected(ValueError):
    """The AUTH is not believed."""


class Tokens:
    """Checks AUTH frames as the settings want it."""

    def __init__(self, settings: Settings) -> None:
        self._algorithm, self._key = "", ""
        if settings.jwt_secret is not None:
            self._algorithm, self._key = "HS256", settings.jwt_secret.get_secret_value()
        elif settings.jwt_public_key is not None:
            self._algorithm, self._key = "EdDSA", settings.jwt_public_key

    def check(self, auth: Auth) -> None:
        """Raises `Rejected`."""
        if not self._key:
            return
        try:
            claims = jwt.decode(
                auth.token or "", self._key, algorithms=[self._algorithm], options={"require": ["exp", "sub"]}
            )
        except jwt.InvalidTokenError as error:
            raise Rejected(f"expected a valid {self._algorithm} token in AUTH: {error}") from error
        if claims["sub"] != auth.user_id:
            raise Rejected("the token is of another user")
