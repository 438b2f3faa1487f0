"""RabbitMQ by pika: what is really there, whatever our programs believe."""

from collections.abc import Iterator
from contextlib import contextmanager

import pika
from pika.adapters.blocking_connection import BlockingChannel
from pika.spec import BasicProperties


@contextmanager
def emptied(url: str, *queues: str) -> Iterator[BlockingChannel]:
    """A channel of an independent client, which has its messages confirmed; these queues are there and empty."""
    with pika.BlockingConnection(pika.URLParameters(url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for queue in queues:
            channel.queue_declare(queue, durable=True)
            channel.queue_purge(queue)
        yield channel


def taken(channel: BlockingChannel, queue: str) -> tuple[BasicProperties, bytes]:
    """The first message of a queue, which is gone from it."""
    frame, properties, body = channel.basic_get(queue, auto_ack=True)
    assert frame is not None
    assert properties is not None
    assert body is not None
    return properties, body
