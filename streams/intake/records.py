"""What RabbitMQ delivered in, the record it becomes out: a request, or a dead letter that says why it is none."""

import logging
from datetime import datetime

from streams.intake.amqp_wire import BrokenFrame, Delivery, decode_properties
from streams.intake.names import NOBODY, Names
from streams.intake.requests import SOURCE, TIME_HEADER, Message, RequestRefused, properties, record_key, requested
from streams.letters.dead_letters import Reason, Source, dead_letter
from streams.record import Oversized, Record, check_size
from streams.settings import Settings
from streams.topics import REQUESTS

log = logging.getLogger(__name__)


def to_record(message: Message, received: datetime, settings: Settings, names: Names = NOBODY) -> Record:
    """The record a message becomes: a request, or a dead letter that says why it is none."""
    try:
        event = requested(message, received, settings, names)
        record = Record.of(event, REQUESTS, record_key(event))
        check_size((record,))
    except RequestRefused as refused:
        return _dead(message, received, refused.reason, refused)
    except Oversized as oversized:
        return _dead(message, received, "oversized", oversized)
    except Exception as bug:  # a message that meets a bug must not keep all others from passing
        log.exception("a message on %s met a bug", message.queue)
        return _dead(message, received, "rule-failed", bug)
    return record


def to_message(delivery: Delivery) -> Message:
    """What was delivered, as far as it matters here."""
    try:
        known = decode_properties(delivery.properties)
    except BrokenFrame as error:
        return Message(delivery.consumer, delivery.body, unreadable=str(error))
    return Message(
        delivery.consumer,
        delivery.body,
        known.message_id,
        known.app_id,
        known.correlation_id,
        known.timestamp,
        (known.headers or {}).get(TIME_HEADER),
        delivery.redelivered,
    )


def _dead(message: Message, received: datetime, reason: Reason, error: Exception) -> Record:
    return dead_letter(
        reason=reason,
        stage=SOURCE,
        error=str(error),
        source=Source(message.queue),
        key=None,
        body=message.body,
        time=received,
        properties=properties(message),
    )
