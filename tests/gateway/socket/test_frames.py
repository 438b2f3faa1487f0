import json

import pytest

from gateway.socket import frames
from gateway.socket.frames import Ack, Auth, Faulty, Subscribe


def test_the_reference_s_frames_are_understood() -> None:
    assert frames.read(b'{"type":"AUTH","userId":"user2"}') == Auth("user2")
    assert frames.read(b'{"type":"ACK","notificationId":"n1"}') == Ack("n1")


def test_an_id_may_have_512_characters() -> None:
    assert frames.read(b'{"type":"AUTH","userId":"%b"}' % (b"u" * 512)) == Auth("u" * 512)
    with pytest.raises(Faulty, match="Expected `str` of length <= 512"):
        frames.read(b'{"type":"AUTH","userId":"%b"}' % (b"u" * 513))


def test_what_is_not_known_in_a_frame_is_left_alone() -> None:
    assert frames.read(b'{"type":"SUBSCRIBE","colour":"red"}') == Subscribe()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "malformed"),
        (b"blah", "malformed"),
        (b"[]", "malformed"),
        (b'"AUTH"', "malformed"),
        (b"{}", "malformed"),
        (b'{"type":1}', "malformed"),
        (b"\xff", "malformed"),
        (b'{"type":"AUTH"}', "malformed"),
        (b'{"type":"AUTH","userId":""}', "malformed"),
        (b'{"type":"AUTH","userId":"a","position":-1}', "malformed"),
        (b'{"type":"ACK","notificationId":5}', "malformed"),
        (b'{"type":"LOGIN"}', "unknown-type"),
    ],
)
def test_what_is_no_frame_is_named(text: bytes, code: str) -> None:
    with pytest.raises(Faulty) as fault:
        frames.read(text)
    assert fault.value.code == code


def test_a_notification_carries_its_place_if_it_has_one() -> None:
    assert json.loads(frames.notification(b'{"a":1}', "e1", 7)) == {
        "type": "NOTIFICATION",
        "epoch": "e1",
        "position": 7,
        "payload": {"a": 1},
    }
    assert json.loads(frames.notification(b'{"a":1}')) == {"type": "NOTIFICATION", "payload": {"a": 1}}
