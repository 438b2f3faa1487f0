import msgspec
import pytest

from gateway.bodies import TooLarge, decoded
from gateway.dead_letters.work import Asked as Handled
from gateway.policies.desk import Limits
from gateway.preferences.bodies import Wanted
from gateway.query import Wrong
from gateway.redelivery.bodies import Many, One
from gateway.replays.bodies import Asked, Said


@pytest.mark.parametrize("kind", [Handled, Limits, Wanted, One, Many, Asked, Said])
def test_a_field_that_is_not_known_is_told_with_those_that_are(kind: type[msgspec.Struct]) -> None:
    with pytest.raises(Wrong) as raised:
        decoded(b'{"dryRun": true}', kind, 100)
    known = ", ".join(kind.__struct_encode_fields__)
    assert raised.value.faults == {"body": f"must be an object with {known}: Object contains unknown field `dryRun`"}


def test_a_body_that_is_too_large_is_not_looked_at() -> None:
    with pytest.raises(TooLarge, match="must not have more than 3 bytes"):
        decoded(b"no JSON", Said, 3)
