"""All that can be configured, read once from the environment by the composition root (`deploy`) and passed down."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from streams.codec import MAX_REQUEST_BYTES
from streams.events import Channel
from streams.rules.admission import Limits
from streams.rules.retry import Retry, RetryPolicy, retry_by

Seconds = Annotated[float, Field(gt=0)]


def _url(*schemes: str) -> AfterValidator:
    """Has a server's URL begin with one of these."""

    def checked(url: str) -> str:
        scheme, _, rest = url.partition("://")
        if scheme not in schemes or not rest:
            raise ValueError(f"expected {schemes[0]}://HOST:PORT")
        return url

    return AfterValidator(checked)


class Settings(BaseSettings):
    """Environment variables by the fields' names in capitals, e.g. `KAFKA_URL`, `PORT`, `MOCK_FAILURE_RATE`."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", use_attribute_docstrings=True)

    tidings_home: Path = Path("~/.tidings")
    """Where the local stack keeps its data, logs and state."""
    host: str = "127.0.0.1"
    """The address that `port` is served on; anything but loopback needs keys: `docs/how-to/authentication.md`."""
    port: int = 4200
    """Where the API, the sockets and the dashboard are served."""

    kafka_url: Annotated[str, _url("kafka")] = "kafka://127.0.0.1:9092"
    """If it is set, no local Kafka is started."""
    rabbitmq_url: Annotated[str, _url("amqp", "amqps")] = "amqp://guest:guest@127.0.0.1:5672/"
    """If it is set, no local RabbitMQ is started."""
    redis_url: Annotated[str, _url("redis", "rediss", "unix")] = "redis://127.0.0.1:6379/0"
    """If it is set, no local Redis is started."""
    mongo_url: Annotated[str, _url("mongodb", "mongodb+srv")] = "mongodb://127.0.0.1:27017/"
    """If it is set, no local database is started."""
    mongo_database: str = "tidings"
    """Of the read models; collections of replays are in one with `-replays` behind its name."""
    partitions: Annotated[int, Field(ge=1)] = 4
    """Of every keyed topic; fixed when they are first declared."""
    recipient_secret: SecretStr = SecretStr("tidings-local")
    """Keys the hash of a recipient that is its record key; must never change over the life of a log."""
    worker: str = "local"
    """This process's name among the workers of its kind; a restarted process must keep it."""
    workers: dict[str, Annotated[int, Field(ge=1)]] = {}
    """How many workers of a kind the local stack runs where that is not one, e.g. `WORKERS='{"deliver": 2}'`."""
    session_timeout: Annotated[float, Field(ge=6)] = 10.0
    """Seconds after which a dead worker's partitions go to others; the broker takes 6 or more."""
    metrics_port: int | None = None
    """Where a process other than `web` serves `/metrics` and `/healthz`, on loopback; nowhere if it is not set."""
    stall_limit: Annotated[float, Field(ge=5)] = 30.0
    """Seconds for which work that could move may stand still before its process is unhealthy, and soon restarted."""
    drain_seconds: Seconds = 20.0
    """How long a process that is told to stop may take to finish; longer if a call of a provider may take longer."""
    accept_gaps: bool = False
    """Go on where retention removed records before they were folded, instead of refusing to start."""

    max_request_bytes: int = MAX_REQUEST_BYTES
    """Of a body over HTTP, and of what it becomes on the log."""
    max_attempts: Annotated[int, Field(ge=1)] = 5
    """How many calls of a provider may fail before a notification is `failed`."""
    retry_policy: RetryPolicy = "linear"
    """`linear` waits `retry_step` times the failed attempts; `exponential` doubles it up to `retry_longest`."""
    retry_step: Seconds = 1.0
    """The wait before the first retry; the reference's."""
    retry_longest: Seconds = 3600.0
    """The longest wait of `exponential`."""
    dedupe_window: Seconds = 300.0
    """How long the same social event of an actor, about the same, is a duplicate."""
    rate_window: Seconds = 10.0
    """The time for which `rate_limit` counts."""
    rate_limit: Annotated[int, Field(ge=1)] = 2
    """How many social events of an actor are let through in `rate_window`; `docs/how-to/policies.md` sets others."""
    cool_off_after: Annotated[int, Field(ge=1)] = 10
    """Refusals for the rate within `cool_off_window` after which an actor is cooled off for `cool_off`."""
    cool_off_window: Seconds = 60.0
    """The time for which `cool_off_after` counts."""
    cool_off: Seconds = 300.0
    """How long all events of such an actor are suppressed."""
    id_horizon: Seconds = 3600.0
    """How long admit remembers the ids it has decided."""
    finished_grace: Seconds = 600.0
    """How long, in event time, lifecycle's table keeps a finished job."""
    queued_patience: Seconds = 60.0
    """How long a job may wait in an empty lane before it is queued again."""
    late_tolerance: Seconds = 10.0
    """How long after its due time a job may still wait for the timer."""

    slots_per_lane: Annotated[int, Field(ge=1)] = 50
    """Calls in flight per lane and worker; the reference's prefetch."""
    provider_timeout: Seconds = 10.0
    """How long a provider may take to answer a call."""
    deadline_margin: Seconds = 5.0
    """What the deadline of a `sending` event allows on top of the provider's timeout."""
    breaker_failures: Annotated[int, Field(ge=1)] = 30
    """Failures in a row that open a provider's circuit breaker."""
    breaker_pause: Seconds = 5.0
    """How long an open circuit breaker waits before it lets one call try."""
    providers: dict[Channel, str] = {}
    """Modules that deliver, by channel, where the mock does not: `PROVIDERS='{"sms": "streams.providers.sms"}'`."""
    mock_failure_rate: Annotated[float, Field(ge=0, le=1)] = 0.2
    """The share of calls that the mock provider refuses."""
    mock_latency: Annotated[float, Field(ge=0)] = 0.1
    """Seconds that a call of the mock provider takes."""
    mock_seed: int | None = None
    """With it, the mock provider always refuses the same calls."""
    mock_record: Path | None = None
    """An append-only file to which the mock provider writes every call it gets."""
    mock_outage: Path | None = None
    """While this file exists the mock provider is down, as `streams/providers/mock.py` tells."""

    max_backlog: Annotated[int, Field(ge=1)] = 500_000
    """How many notifications may wait, from RabbitMQ to their last attempt, before the API answers 503."""
    publish_timeout: Seconds = 1.5
    """How long the API waits for RabbitMQ's confirm before it answers 503."""
    idempotency_kept: Seconds = 86400.0
    """How long the answer to an `Idempotency-Key` is kept."""
    idempotency_lease: Seconds = 10.0
    """After so long a request with a key and without an answer counts as dead; before, its repeats get a 409."""
    pending_kept: Seconds = 3600.0
    """How long a pending record serves reads that the projection has not caught up with."""
    mailbox_kept: Seconds = 3600.0
    """How long an item of a mailbox waits in Redis; after that it comes out of the read model."""
    jwt_secret: Annotated[SecretStr, Field(min_length=32)] | None = None
    """Signs tokens (HS256); with it, or with `jwt_public_key`, every request and every socket needs one."""
    jwt_public_key: str | None = None
    """In PEM: verifies tokens that somebody else signs (EdDSA)."""
    open_access: bool = False
    """Serve other machines although nobody is asked who they are: a proxy in front does it."""
    read_models: tuple[str, ...] = ()
    """Modules of read models beside the built-in ones: `READ_MODELS='["projections.failure_reasons"]'`."""
    projection_window: Annotated[float, Field(ge=0)] = 0.25
    """Seconds over which read models gather writes, up to 1 under load; after a pause an event is stored at once."""

    @property
    def drain(self) -> float:
        """Seconds that a process may take to stop: `drain_seconds`, or more if a call may take longer."""
        return max(self.drain_seconds, self.provider_timeout + self.deadline_margin)

    @property
    def limits(self) -> Limits:
        """Of requests, where no policy says otherwise."""
        return Limits(
            seconds(self.dedupe_window),
            seconds(self.rate_window),
            self.rate_limit,
            seconds(self.id_horizon),
            self.cool_off_after,
            seconds(self.cool_off_window),
            seconds(self.cool_off),
        )

    @property
    def retry(self) -> Retry:
        """The retry policy."""
        return retry_by(self.retry_policy, seconds(self.retry_step), seconds(self.retry_longest))

    def expand(self) -> "Settings":
        """With `~` in paths resolved."""
        return self.model_copy(update={"tidings_home": self.tidings_home.expanduser().absolute()})


def seconds(value: float) -> timedelta:
    """A setting in seconds as a duration."""
    return timedelta(seconds=value)
