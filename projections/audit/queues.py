"""Messages that wait in RabbitMQ: they are not on the log yet, so an audit only counts them."""

from typing import cast

from pamqp import commands

from streams.intake.amqp import Lost, connect
from streams.topics import QUEUES


async def waiting(url: str) -> int | None:
    """Ready messages in both queues; None if RabbitMQ can't be asked, which proves nothing about the log."""
    try:
        connection = await connect(url)
    except Lost:
        return None
    try:
        declared = [await connection.call(commands.Queue.Declare(queue=queue, passive=True)) for queue in QUEUES]
    except Lost:
        return None
    finally:
        await connection.close()
    return sum(cast("commands.Queue.DeclareOk", answer).message_count or 0 for answer in declared)
