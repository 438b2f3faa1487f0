import pytest

from streams import deliver
from streams.exits import Refused
from streams.named import module
from streams.providers import in_app, mock
from streams.settings import Settings


def test_a_channel_has_the_provider_that_the_settings_name_and_else_our_own() -> None:
    found = deliver.modules(Settings(providers={"sms": "streams.providers.in_app"}))
    assert found == {"email": mock, "sms": in_app, "push": mock, "in-app": in_app}


def test_a_module_that_is_not_there_is_refused_with_its_setting() -> None:
    with pytest.raises(Refused, match=r"PROVIDERS names streams\.providers\.smss.* See docs/how-to"):
        deliver.modules(Settings(providers={"sms": "streams.providers.smss"}))


def test_a_module_that_lacks_something_is_refused_with_what_it_lacks() -> None:
    with pytest.raises(Refused, match=r"names streams\.clock: expected it to have key, evolve\. See page"):
        module("READ_MODELS", "streams.clock", ("now", "key", "evolve"), "page")
