"""Asks Kafka which log it serves, by its ids of the cluster and of the topic.

aiokafka speaks the metadata request up to version 5, and topic ids came with version 10 (Kafka 2.8): version 12 is
spelled out here as the protocol's documentation has it.
"""

from io import BytesIO
from uuid import UUID

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.abstract import AbstractType
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.types import Boolean, CompactArray, CompactString, Int16, Int32, Schema, TaggedFields

from projections.position import LogIdentity
from streams.kafka.bootstrap import bootstrap

NO_ID = UUID(int=0)


async def log_identity(url: str, topic: str) -> LogIdentity:
    """The log's identity; a broker that has no topic ids tells the cluster only. Raises aiokafka's errors."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap(url))
    try:
        await client.bootstrap()
        node = client.get_random_node()
        try:
            answer = await client.send(node, _Metadata(topic))
        except NotImplementedError:
            older = await client.send(node, MetadataRequest([topic]))
            return LogIdentity(older.cluster_id, "")
        code, _, identity, *_ = answer.topics[0]
        if code:
            raise for_code(code)(topic)
        return LogIdentity(answer.cluster_id, str(identity))
    finally:
        await client.close()


class _Uuid(AbstractType[UUID]):  # type: ignore[misc]
    @classmethod
    def encode(cls, value: UUID) -> bytes:
        return value.bytes

    @classmethod
    def decode(cls, data: BytesIO) -> UUID:
        return UUID(bytes=data.read(16))


_TEXT = CompactString("utf-8")


class _Answer(Response):  # type: ignore[misc]
    API_KEY = 3
    API_VERSION = 12
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "brokers",
            CompactArray(("id", Int32), ("host", _TEXT), ("port", Int32), ("rack", _TEXT), ("_", TaggedFields)),
        ),
        ("cluster_id", _TEXT),
        ("controller_id", Int32),
        (
            "topics",
            CompactArray(
                ("error_code", Int16),
                ("name", _TEXT),
                ("topic_id", _Uuid),
                ("is_internal", Boolean),
                (
                    "partitions",
                    CompactArray(
                        ("error_code", Int16),
                        ("partition", Int32),
                        ("leader", Int32),
                        ("leader_epoch", Int32),
                        ("replicas", CompactArray(Int32)),
                        ("in_sync", CompactArray(Int32)),
                        ("offline", CompactArray(Int32)),
                        ("_", TaggedFields),
                    ),
                ),
                ("authorized_operations", Int32),
                ("_", TaggedFields),
            ),
        ),
        ("_", TaggedFields),
    )


class _Question(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 3
    API_VERSION = 12
    RESPONSE_TYPE = _Answer
    SCHEMA = Schema(
        ("topics", CompactArray(("topic_id", _Uuid), ("name", _TEXT), ("_", TaggedFields))),
        ("allow_auto_topic_creation", Boolean),
        ("include_topic_authorized_operations", Boolean),
        ("_", TaggedFields),
    )


class _Metadata(Request[_Question]):  # type: ignore[misc]
    API_KEY = 3

    def __init__(self, topic: str) -> None:
        self._topic = topic

    def build(self, request_struct_class: type[_Question]) -> _Question:
        auto_creation = authorized_operations = False
        return request_struct_class([(NO_ID, self._topic, {})], auto_creation, authorized_operations, {})
