import pytest

from deploy.address import Exposed, http_url, require_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_is_served(host: str) -> None:
    require_loopback(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "example.org"])
def test_what_others_can_reach_is_refused_until_there_is_authentication(host: str) -> None:
    with pytest.raises(Exposed, match="no authentication yet"):
        require_loopback(host)


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://localhost:4200"), ("127.0.0.2", "http://127.0.0.2:4200"), ("::1", "http://[::1]:4200")],
)
def test_a_url_is_written_as_it_is_opened(host: str, url: str) -> None:
    assert http_url(host, 4200) == url
