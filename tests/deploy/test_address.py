import pytest
from pydantic import SecretStr

from deploy.address import Exposed, http_url, require_safe
from streams.settings import Settings

EVERYWHERE = ["0.0.0.0", "::", "192.168.1.5", "example.org"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_is_served(host: str) -> None:
    require_safe(Settings(host=host))


@pytest.mark.parametrize("host", EVERYWHERE)
def test_what_others_can_reach_is_refused_where_nobody_is_asked(host: str) -> None:
    with pytest.raises(Exposed, match="set JWT_SECRET or JWT_PUBLIC_KEY, or OPEN_ACCESS=true"):
        require_safe(Settings(host=host))


@pytest.mark.parametrize("host", EVERYWHERE)
def test_it_is_served_with_tokens_or_when_told_so(host: str) -> None:
    require_safe(Settings(host=host, jwt_secret=SecretStr("s" * 32)))
    require_safe(Settings(host=host, jwt_public_key="a key"))
    require_safe(Settings(host=host, open_access=True))


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://localhost:4200"),
        ("0.0.0.0", "http://localhost:4200"),
        ("::", "http://localhost:4200"),
        ("127.0.0.2", "http://127.0.0.2:4200"),
        ("::1", "http://[::1]:4200"),
    ],
)
def test_a_url_is_written_as_it_is_opened(host: str, url: str) -> None:
    assert http_url(host, 4200) == url
