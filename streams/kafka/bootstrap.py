"""Where Kafka is, as its clients want to be told. Apart, so that what only reads needs to know no producer."""


def bootstrap(url: str) -> list[str]:
    """`kafka://host:port,host:port` as aiokafka wants it. Raises `ValueError`."""
    scheme, _, hosts = url.partition("://")
    if scheme != "kafka" or not hosts:
        raise ValueError(f"expected kafka://host:port,host:port, got {url!r}: set KAFKA_URL")
    return hosts.rstrip("/").split(",")
