"""The protocol, row by row, as a client that is not ours sees it; servers are real."""

import asyncio
import json
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import SecretStr
from redis.asyncio import Redis
from websockets.exceptions import ConnectionClosed, InvalidStatus

from gateway.socket import connection, desk
from gateway.socket.connection import MAX_FRAME_BYTES, Close
from streams import clock, mailbox
from streams.codec import encode
from streams.events import Accepted, Acknowledged, Event, Origin, Personal, Request
from streams.settings import Settings
from streams.topics import EVENTS
from tests.gateway.socket.conftest import Client, Frame, Gateway, client
from tests.support.kafka import events, read, write

Put = Callable[..., Any]
ACCEPTED = Accepted(Request("email", "key", 5, Personal("ada@example.org", "hello")), "transactional", Origin(0, 0))


async def closed(socket: Client) -> int:
    """The code it was closed with."""
    with pytest.raises(ConnectionClosed) as end:
        await heard_to_the_end(socket)
    assert end.value.rcvd is not None
    return end.value.rcvd.code


async def presence(url: str, user: str) -> Frame:
    async with httpx.AsyncClient(timeout=30) as http:
        answer: Frame = (await http.get(f"{url}/api/users/{user}/presence")).json()
        return answer


async def becomes(url: str, user: str, *, online: bool) -> None:
    """Returns when it is so."""
    async with asyncio.timeout(60):
        while (await presence(url, user))["online"] is not online:  # noqa: ASYNC110 - HTTP tells only who asks
            await asyncio.sleep(0.1)


async def heard_to_the_end(socket: Client) -> None:
    while True:
        await socket.hear()


@pytest.mark.parametrize("path", ["/", "/ws", "/ws?from=old"])
async def test_a_client_of_the_reference_gets_what_waits_oldest_first(url: str, user: str, put: Put, path: str) -> None:
    for name in ("n1", "n2"):
        await put(name)
    async with client(url, path) as socket:
        answer = await socket.auth(user)
        assert answer == {
            "type": "AUTHENTICATED",
            "userId": user,
            "epoch": answer["epoch"],
            "position": 0,
            "recovered": False,
        }
        first = await socket.hear()
        assert first["payload"] == {
            "notificationId": "n1",
            "toUserId": user,
            "message": "hello",
            "eventType": "LIKE",
            "timestamp": first["payload"]["timestamp"],
            "status": "pending",
        }
        assert await socket.hear_notifications(1) == ["n2"]


async def test_what_comes_while_connected_is_pushed_at_once(url: str, user: str, put: Put) -> None:
    async with client(url) as socket:
        await socket.auth(user)
        await put("n1")
        assert await socket.hear_notifications(1) == ["n1"]


async def test_nobody_hears_what_is_for_somebody_else(url: str, user: str, put: Put) -> None:
    async with client(url) as socket, client(url) as other:
        await socket.auth(user)
        await other.auth(f"{user}-other")
        await put("n1", to=f"{user}-other")
        await put("n2")
        assert await socket.hear_notifications(1) == ["n2"]
        assert await other.hear_notifications(1) == ["n1"]


async def test_an_ack_is_on_the_log_and_told_to_all_sockets_of_the_user(
    settings: Settings, url: str, gateway: Gateway, user: str, put: Put
) -> None:
    name = f"{user}-n1"
    await put(name)
    async with client(url) as here, client(gateway(settings)) as elsewhere:
        for socket in (here, elsewhere):
            await socket.auth(user)
            assert await socket.hear_notifications(1) == [name]
        await here.say(type="ACK", notificationId=name)
        for socket in (here, elsewhere):
            assert await socket.hear() == {"type": "ACKNOWLEDGED", "notificationId": name}
    facts = events(await read(settings.kafka_url, EVENTS), name)
    assert [type(event.body) for event in facts] == [Acknowledged]


async def test_after_an_ack_it_never_comes_again(url: str, user: str, put: Put) -> None:
    await put("n1")
    await put("n2")
    async with client(url) as socket:
        await socket.auth(user)
        await socket.hear_notifications(2)
        await socket.say(type="ACK", notificationId="n1")
        await socket.hear()
    await put("n1")
    async with client(url) as socket:
        await socket.auth(user)
        assert await socket.hear_notifications(1) == ["n2"]


async def test_a_client_resumes_where_it_was(url: str, user: str, put: Put) -> None:
    await put("n1")
    async with client(url) as socket:
        epoch = (await socket.auth(user))["epoch"]
        position = (await socket.hear())["position"]
    await put("n2")
    async with client(url) as socket:
        answer = await socket.auth(user, epoch=epoch, position=position)
        assert (answer["recovered"], answer["position"]) == (True, 1)
        assert await socket.hear_notifications(1) == ["n2"]


async def test_two_gateways_tell_each_socket_once(
    settings: Settings, url: str, gateway: Gateway, user: str, put: Put
) -> None:
    async with client(url) as here, client(gateway(settings)) as there:
        await here.auth(user)
        await there.auth(user)
        for name in ("n1", "n2", "n3"):
            await put(name)
        assert await here.hear_notifications(3) == ["n1", "n2", "n3"]
        assert await there.hear_notifications(3) == ["n1", "n2", "n3"]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("blah", "malformed"),
        ('{"type": "LOGIN"}', "unknown-type"),
        ('{"type": "ACK", "notificationId": "n1"}', "not-authenticated"),
    ],
)
async def test_a_wrong_frame_is_answered_and_the_socket_lives_on(url: str, user: str, text: str, code: str) -> None:
    async with client(url) as socket:
        await socket.socket.send(text)
        assert (await socket.hear())["code"] == code
        assert (await socket.auth(user))["type"] == "AUTHENTICATED"


async def test_a_second_auth_and_an_ack_of_what_is_not_theirs_are_refused(url: str, user: str, put: Put) -> None:
    await put("n1", to=f"{user}-other")
    async with client(url) as socket:
        await socket.auth(user)
        assert (await socket.auth("somebody"))["code"] == "already-authenticated"
        await socket.say(type="ACK", notificationId="n1")
        assert (await socket.hear())["code"] == "unknown-notification"


async def test_a_frame_in_pieces_is_one_frame(url: str, user: str) -> None:
    async with client(url) as socket:
        await socket.socket.send(['{"type": "AUTH", ', f'"userId": "{user}"', "}"])
        assert (await socket.hear())["type"] == "AUTHENTICATED"


async def test_limits_close_the_socket_with_a_code_that_names_them(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with client(url) as socket:
        await socket.socket.send("x" * MAX_FRAME_BYTES)
        assert (await socket.hear())["code"] == "malformed"
        await socket.socket.send("x" * (MAX_FRAME_BYTES + 1))
        assert await closed(socket) == Close.TOO_BIG
    async with client(url) as socket:
        await socket.socket.send(["x" * MAX_FRAME_BYTES, "x"])
        assert await closed(socket) == Close.TOO_BIG
    async with client(url) as socket:
        await socket.socket.send(b"binary")
        assert await closed(socket) == Close.UNREADABLE
    monkeypatch.setattr(connection, "FRAMES_PER_SECOND", 0)  # or a slow machine earns frames while it sends
    async with client(url) as socket:
        for _ in range(connection.BURST):
            await socket.socket.send("{}")
        assert [(await socket.hear())["code"] for _ in range(connection.BURST)] == ["malformed"] * connection.BURST
        await socket.socket.send("{}")
        assert await closed(socket) == Close.TOO_MANY_FRAMES


async def test_a_user_may_have_20_sockets_and_the_next_is_closed(url: str, user: str) -> None:
    async with AsyncExitStack() as sockets:
        for _ in range(desk.SOCKETS_PER_USER):
            socket = await sockets.enter_async_context(client(url))
            assert (await socket.auth(user))["type"] == "AUTHENTICATED"
        async with client(url) as one_more:
            await one_more.say(type="AUTH", userId=user)
            assert await closed(one_more) == Close.TOO_MANY_SOCKETS
        assert not socket.socket.close_code


async def test_a_gateway_that_has_enough_sockets_takes_no_more(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk, "MAX_SOCKETS", 1)
    async with client(url):
        with pytest.raises(InvalidStatus):
            async with client(url):
                pass


async def test_a_socket_may_have_100_subscriptions(url: str) -> None:
    async with client(url) as socket:
        for number in range(desk.SUBSCRIPTIONS):
            await socket.say(type="SUBSCRIBE", notificationId=f"n{number}")
        heard = {(await socket.hear())["type"] for _ in range(desk.SUBSCRIPTIONS)}
        assert heard == {"SUBSCRIBED"}
        await socket.say(type="SUBSCRIBE", notificationId="one more")
        assert (await socket.hear())["code"] == "refused"


async def test_a_client_that_does_not_read_is_disconnected(url: str, user: str, put: Put) -> None:
    async with client(url) as socket:
        await socket.auth(user)
        socket.socket.transport.pause_reading()
        async with client(url) as witness:
            await witness.auth(user)
            for number in range(200):
                await put(f"n{number}", text="x" * 100_000)
                assert await witness.hear_notifications(1) == [f"n{number}"]
        socket.socket.transport.resume_reading()
        assert await closed(socket) == Close.SLOW_READER


async def test_who_does_not_say_who_it_is_and_who_does_not_answer_pings_is_disconnected(
    settings: Settings, gateway: Gateway, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "HEARTBEAT", 0.5)
    monkeypatch.setattr(desk, "AUTH_SECONDS", 0.5)
    url = gateway(settings)
    async with client(url) as alive, client(url) as dead, client(url) as nameless:
        await alive.auth(user)
        await dead.auth(f"{user}-dead")
        await becomes(url, f"{user}-dead", online=True)
        dead.socket.transport.pause_reading()
        assert await closed(nameless) == Close.NOT_AUTHENTICATED
        await becomes(url, f"{user}-dead", online=False)
        dead.socket.transport.resume_reading()
        assert await closed(dead) == Close.SILENT
        assert (await presence(url, user))["online"]


async def test_who_only_subscribes_needs_to_be_nobody(
    settings: Settings, gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "HEARTBEAT", 0.5)
    monkeypatch.setattr(desk, "AUTH_SECONDS", 0.5)
    url = gateway(settings)
    async with client(url) as watching, client(url) as nameless:
        await watching.say(type="SUBSCRIBE")
        assert (await watching.hear())["type"] == "SUBSCRIBED"
        assert await closed(nameless) == Close.NOT_AUTHENTICATED
        async with client(url) as another:
            assert await closed(another) == Close.NOT_AUTHENTICATED
        await watching.say(type="SUBSCRIBE", notificationId="n1")
        assert (await watching.hear())["notificationId"] == "n1"


async def test_who_subscribes_hears_of_changes_until_they_unsubscribe(settings: Settings, url: str, user: str) -> None:
    names = [f"{user}-{number}" for number in range(3)]

    async def happen(name: str) -> None:
        await write(settings.kafka_url, EVENTS, (b"key", encode(Event(ACCEPTED, name, clock.now(), "test", name))))

    async with client(url) as all_of_them, client(url) as one, httpx.AsyncClient(timeout=30) as http:
        await all_of_them.say(type="SUBSCRIBE")
        await one.say(type="SUBSCRIBE", notificationId=names[1])
        assert await all_of_them.hear() == {"type": "SUBSCRIBED", "notificationId": None}
        assert await one.hear() == {"type": "SUBSCRIBED", "notificationId": names[1]}
        async with http.stream("GET", f"{url}/api/notifications/stream?notificationId={names[2]}") as stream:
            lines = stream.aiter_lines()
            assert [await anext(lines) for _ in range(3)] == ["event: open", "data: {}", ""]
            for name in names:
                await happen(name)
            assert [(await all_of_them.hear())["notificationId"] for _ in names] == names
            assert (await one.hear())["notificationId"] == names[1]
            line = await anext(lines)
            assert json.loads(line.removeprefix("data: "))["notificationId"] == names[2]
        await all_of_them.say(type="UNSUBSCRIBE")
        await one.say(type="SUBSCRIBE", notificationId=names[0])
        assert (await one.hear())["type"] == "SUBSCRIBED"
        await happen(f"{user}-last")
        await all_of_them.say(type="SUBSCRIBE", notificationId=names[0])
        assert (await all_of_them.hear())["type"] == "SUBSCRIBED"


async def test_other_paths_are_no_sockets(url: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with client(url, "/elsewhere"):
            pass
    assert refused.value.response.status_code == 404


async def test_redis_wiped_loses_no_notification_to_a_connected_client(
    url: str, user: str, put: Put, redis: Redis
) -> None:
    async with client(url) as socket:
        before = (await socket.auth(user))["epoch"]
        await put("n1")
        assert await socket.hear_notifications(1) == ["n1"]
        await redis.flushdb()
        await put("n2")
        heard = await socket.hear()
        assert (heard["type"], heard["recovered"]) == ("AUTHENTICATED", False)
        assert heard["epoch"] != before
        assert await socket.hear_notifications(1) == ["n2"]


async def test_a_token_names_the_user(settings: Settings, gateway: Gateway, user: str) -> None:
    url = gateway(settings.model_copy(update={"jwt_secret": SecretStr("s" * 32)}))
    claims = {"sub": user, "exp": clock.now() + timedelta(minutes=1)}
    for token in (None, "blah", jwt.encode(claims, "t" * 32), jwt.encode({"sub": user}, "s" * 32)):
        async with client(url) as socket:
            assert (await socket.auth(user, token=token))["code"] == "refused"
            assert await closed(socket) == Close.NOT_AUTHENTICATED
    async with client(url) as socket:
        assert (await socket.auth("else", token=jwt.encode(claims, "s" * 32)))["code"] == "refused"
    async with client(url) as socket:
        assert (await socket.auth(user, token=jwt.encode(claims, "s" * 32)))["type"] == "AUTHENTICATED"


async def test_somebody_else_may_sign_the_tokens(settings: Settings, gateway: Gateway, user: str) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    url = gateway(settings.model_copy(update={"jwt_public_key": public}))
    token = jwt.encode({"sub": user, "exp": clock.now() + timedelta(minutes=1)}, key, "EdDSA")
    async with client(url) as socket:
        assert (await socket.auth(user, token=token))["type"] == "AUTHENTICATED"


async def test_a_service_s_token_opens_any_mailbox_and_the_status_feed_and_a_user_s_does_not(
    settings: Settings, gateway: Gateway, user: str
) -> None:
    url = gateway(settings.model_copy(update={"jwt_secret": SecretStr("s" * 32)}))
    claims = {"sub": user, "exp": clock.now() + timedelta(minutes=1)}
    async with client(url) as socket:
        await socket.say(type="SUBSCRIBE")
        assert (await socket.hear())["code"] == "refused"
        await socket.auth(user, token=jwt.encode(claims, "s" * 32))
        await socket.say(type="SUBSCRIBE", notificationId="n1")
        assert (await socket.hear())["code"] == "refused"
    async with client(url) as socket:
        service = jwt.encode({**claims, "sub": "dashboard", "scope": "service"}, "s" * 32)
        assert (await socket.auth(user, token=service))["userId"] == user
        await socket.say(type="SUBSCRIBE")
        assert (await socket.hear())["type"] == "SUBSCRIBED"


async def test_a_socket_ends_with_its_token(
    settings: Settings, gateway: Gateway, user: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "HEARTBEAT", 0.5)
    url = gateway(settings.model_copy(update={"jwt_secret": SecretStr("s" * 32)}))
    async with client(url) as socket, client(url) as other:
        soon, later = (clock.now() + timedelta(seconds=seconds) for seconds in (2, 60))
        await socket.auth(user, token=jwt.encode({"sub": user, "exp": soon}, "s" * 32))
        await other.auth(user, token=jwt.encode({"sub": user, "exp": later}, "s" * 32))
        assert await closed(socket) == Close.NOT_AUTHENTICATED
        assert not other.socket.close_code


async def test_presence_follows_the_sockets(url: str, user: str) -> None:
    assert await presence(url, user) == {"online": False, "lastSeen": None}
    async with client(url) as socket:
        await socket.auth(user)
        await becomes(url, user, online=True)
    await becomes(url, user, online=False)
    assert (await presence(url, user))["lastSeen"] is not None


async def test_the_mailbox_is_where_the_reference_had_it(user: str, put: Put, redis: Redis) -> None:
    await put("n1")
    assert await redis.hkeys(f"notifications:buffer:{user}") == [b"n1"]
    assert mailbox.keys(user)[0] == f"notifications:buffer:{user}"
